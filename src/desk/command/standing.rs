//! `#close`, `#reopen`, `#void`: whether anybody still owes anything (C4.8, C4.9).

use super::{Done, Orders, merging};
use crate::desk::clocks::{self, Turn};
use crate::desk::record::{Direction, EntryKind};
use crate::desk::ticket::{Nothing, State, Ticket};
use chrono::TimeDelta;

/// C4.8: closing does not stop the clocks that promise something.
pub(super) fn close(orders: &mut Orders, reason: &str) -> Done {
    let (draft, by) = (&mut orders.draft, orders.by.id);
    draft.ticket.state = State::Closed;
    draft.ticket.closed = Some(draft.now);
    let owed = draft
        .ticket
        .clocks
        .iter()
        .any(|c| c.is_running() && !c.objective.internal);
    let reminder = if owed {
        " Its clock runs on until the customer has an answer (C4.8)."
    } else {
        ""
    };
    let line = format!("{}{reminder}", sentence("Closed", reason));
    draft.entry(EntryKind::State, Direction::Internal, by, &line);
    draft.turn(Turn::Closed);
    Ok(line)
}

/// C4.9: within the days for it, the ticket itself; later a new one, linked to it, with a clock of its own.
pub(super) fn reopen(orders: &mut Orders, reason: &str) -> Done {
    let now = orders.draft.now;
    if ended_too_long_ago(orders) {
        return merging::goes_on_anew(orders, reason);
    }
    let by = orders.by.id;
    let words = sentence("Reopened", reason);
    clocks::reopened(&mut orders.draft, by, &words, now);
    Ok(format!("{words}{}", orders.due()))
}

fn ended_too_long_ago(orders: &Orders) -> bool {
    let draft = &orders.draft;
    let limit = TimeDelta::days(i64::from(draft.policy.reopen_within_days));
    draft
        .ticket
        .closed
        .is_some_and(|closed| draft.now - closed > limit)
}

/// C4.8: the one way in which a clock ends without an answer, but for the customer's own word. What it had missed stays missed.
pub(super) fn void(orders: &mut Orders, words: &str) -> Done {
    let (kind, reason) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let nothing = match kind.to_ascii_lowercase().as_str() {
        "spam" => Nothing::Spam,
        "duplicate" => Nothing::Duplicate,
        "withdrawn" => Nothing::Withdrawn,
        _ => {
            return Err(format!(
                "#void \"{words}\" says not what it is; use #void spam|duplicate|withdrawn REASON."
            ));
        }
    };
    if reason.trim().is_empty() {
        return Err(format!(
            "#void {kind} wants a reason: it ends the clocks for good (C4.8)."
        ));
    }
    let by = orders.by.id;
    let merged = merging::merged_into_it(orders);
    let line = sentence(&format!("Void, {kind}"), reason);
    let ended = end(&mut orders.draft, by, &line);
    for mut other in merged {
        let line = format!("{line} (said of ticket {})", orders.draft.ticket.id);
        end(&mut other, by, &line);
        orders.draft.beside.push(other);
    }
    orders.draft.ticket.state = State::Void;
    orders.draft.ticket.closed = Some(orders.draft.now);
    orders.draft.ticket.nothing = Some(nothing);
    Ok(format!("{line}{ended}"))
}

fn end(draft: &mut crate::desk::draft::Draft, by: &str, line: &str) -> &'static str {
    let runs = |t: &Ticket| t.clocks.iter().any(|c| c.is_running());
    let ran = runs(&draft.ticket);
    draft.entry(EntryKind::State, Direction::Internal, by, line);
    draft.turn(Turn::Voided);
    match ran {
        true if draft.ticket.clocks.iter().any(|c| c.is_breached()) => {
            " Its clocks have ended; what was missed before stays (C4.8)."
        }
        true => " Its clocks have ended (C4.8).",
        false => "",
    }
}

/// `Closed: REASON.`
pub(super) fn sentence(what: &str, reason: &str) -> String {
    match reason.trim() {
        "" => format!("{what}."),
        reason => format!("{what}: {}.", reason.trim_end_matches('.')),
    }
}
