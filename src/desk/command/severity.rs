//! `#severity`: the severity that we determine (C4.5).

use super::{Done, Orders};
use crate::desk::clocks::Turn;
use crate::desk::record::{Direction, EntryKind};
use crate::desk::ticket::SeverityBy;
use crate::desk::{correspondence, credit};

const USAGE: &str = "use 1, 2, 3 or 4 and a reason; a manager may say \"corrected\" before it.";

pub(super) fn set(orders: &mut Orders, words: &str) -> Done {
    match words.split_once(char::is_whitespace) {
        Some((first, rest)) if first.eq_ignore_ascii_case("corrected") => {
            corrected(orders, rest.trim())
        }
        _ => changed(orders, words),
    }
}

fn level(words: &str) -> Result<(u8, &str), String> {
    let (level, reason) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    match level.trim_end_matches([':', ',']).parse() {
        Ok(level @ 1..=4) => Ok((level, reason.trim())),
        _ => Err(format!("#severity \"{words}\" is unknown; {USAGE}")),
    }
}

/// The facts moved: the deadline follows, a breach and its credit stay.
fn changed(orders: &mut Orders, words: &str) -> Done {
    let (level, reason) = level(words)?;
    let before = orders.draft.ticket.severity;
    let set = match level == before {
        true => format!("Severity {level} confirmed"),
        false => format!("Severity set from {before} to {level}"),
    };
    let set = because(&set, reason);
    let (draft, by) = (&mut orders.draft, orders.by.id);
    let place = draft
        .entry(EntryKind::Severity, Direction::Internal, by, "")
        .place;
    draft.ticket.severity_by = SeverityBy::Staff;
    let told = match orders.opening {
        // Nothing has changed: it is what the request began with.
        true => {
            draft.turn(Turn::Corrected(level));
            false
        }
        false => {
            draft.turn(Turn::Determined(level));
            level != before && correspondence::change(draft, before, reason, false)
        }
    };
    let told = if told { " The customer is told." } else { "" };
    let line = format!("{set}{}{told}", orders.due());
    orders.draft.reword(place, &line);
    Ok(line)
}

/// A sentence with its reason, if there is one.
fn because(what: &str, reason: &str) -> String {
    let whole = match reason {
        "" => what.to_string(),
        reason => format!("{what}: {reason}"),
    };
    match whole.ends_with(['.', '!', '?']) {
        true => whole,
        false => format!("{whole}."),
    }
}

/// It never was that severity: by a manager, with a reason; the ledger gets a correction, and the customer is told.
fn corrected(orders: &mut Orders, words: &str) -> Done {
    orders.manager("#severity corrected")?;
    let (level, reason) = level(words)?;
    if reason.is_empty() {
        return Err("#severity corrected wants a reason: it changes the ledger (C4.5).".into());
    }
    let before = orders.draft.ticket.severity;
    let (draft, by) = (&mut orders.draft, orders.by.id);
    let set = because(
        &format!("Severity corrected from {before} to {level}, from the beginning"),
        reason,
    );
    let place = draft
        .entry(EntryKind::Severity, Direction::Internal, by, &set)
        .place;
    draft.keep_turn(Turn::Corrected(level));
    credit::corrected(draft, level, by, reason);
    let told = correspondence::change(draft, before, reason, true);
    let told = if told { " The customer is told." } else { "" };
    let line = format!("{set}{}{told}", orders.due());
    orders.draft.reword(place, &line);
    Ok(line)
}
