//! `#answered`, `#escalate`, `#template`, `#reply`: what passed between the customer and us (C4.4, C7).

use super::{Done, Orders, moment};
use crate::contract::plan::Channel;
use crate::desk::clocks::{self, Turn};
use crate::desk::letter::Templates;
use crate::desk::record::{Direction, EntryKind};
use crate::desk::ticket::{ClockKind, State};
use crate::desk::{correspondence, delivery};

/// C4.4: a conversation recorded by staff stops the clock when it took place; recorded after the deadline, when it is recorded, since a breach and its credit
/// stay whatever is said later (C4.5).
pub(super) fn answered(orders: &mut Orders, words: &str) -> Done {
    let person = orders.person("answered")?;
    let usage = "use #answered phone 09:12 WHAT WAS SAID.";
    let (channel, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let spoken = [Channel::Phone, Channel::Chat];
    let channel = spoken
        .iter()
        .find(|c| c.word().eq_ignore_ascii_case(channel));
    let Some(channel) = channel else {
        return Err(format!("#answered \"{words}\" names no channel; {usage}"));
    };
    let (draft, known) = (&mut orders.draft, orders.known);
    let book = &draft.policy.book;
    let (at, text) =
        moment::split(book, draft.now, rest).map_err(|why| format!("#answered: {why}"))?;
    let at = at.unwrap_or(draft.now);
    if text.is_empty() {
        return Err(format!("#answered does not say what was said; {usage}"));
    }
    if at < draft.ticket.received {
        return Err(format!(
            "#answered: the request came {}, after {}.",
            book.local(draft.ticket.received),
            book.local(at)
        ));
    }
    // The answer ends the clocks of the tickets merged into this one, too (C4.10).
    let merged = draft
        .ticket
        .merged
        .iter()
        .filter_map(|id| known.ticket(*id));
    let merged = merged.map(|ticket| draft.beside_as_it_is(ticket));
    let late = std::iter::once(&draft.ticket)
        .chain(merged)
        .flat_map(|ticket| &ticket.clocks)
        .any(|c| c.is_running() && c.is_late(draft.now) && !c.objective.internal);
    let said = format!("Answered by {} {}: {text}", channel.word(), book.local(at));
    let stays = match late {
        true => " The deadline had passed before this was recorded: the clock ends now (C4.5).",
        false => "",
    };
    let line = format!("{said}{stays}");
    let entry = draft.entry(EntryKind::Command, Direction::Out, &person.id, &line);
    entry.subject = format!("by {}", channel.word());
    let at = if late { draft.now } else { at };
    delivery::answered_by(draft, known, &person.id, at, at);
    Ok(line)
}

/// C7.1, C7.2: calls are entered by staff.
pub(super) fn escalate(orders: &mut Orders, words: &str) -> Done {
    let (kind, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let urgent = match kind.to_ascii_lowercase().as_str() {
        "urgent" => true,
        "normal" => false,
        "withdraw" => return withdraw(orders, rest.trim()),
        _ => {
            return Err(format!(
                "#escalate \"{words}\" is unknown; use #escalate urgent|normal [TIME], or #escalate withdraw REASON."
            ));
        }
    };
    let (at, reason) = moment::split(&orders.draft.policy.book, orders.draft.now, rest)
        .map_err(|why| format!("#escalate: {why}"))?;
    let at = at.unwrap_or(orders.draft.now);
    if !super::LIVE.contains(&orders.draft.ticket.state) {
        return Err(format!(
            "#escalate is not for {}",
            super::remedy(orders.draft.ticket.state)
        ));
    }
    let called = orders.draft.policy.book.local(at);
    let said = super::standing::sentence(&format!("Escalated by a call, {called}"), reason);
    let by = orders.by.id;
    orders
        .draft
        .entry(EntryKind::Command, Direction::In, by, &said);
    let ticket = &mut orders.draft.ticket;
    if ticket.state == State::WaitingCustomer {
        ticket.state = State::Open;
    }
    if !clocks::escalated(&mut orders.draft, urgent, at) {
        correspondence::notify_of(&mut orders.draft, &said, false);
        return Ok(format!(
            "{said} They are no known customer: no clock runs (C7.2), the managers are told."
        ));
    }
    correspondence::notify_of(&mut orders.draft, &said, false);
    let clocks = orders.draft.ticket.clocks.iter();
    let runs = clocks
        .rev()
        .find(|c| c.kind == ClockKind::Escalation && c.is_running());
    let due = runs.map_or(String::new(), |c| {
        orders.draft.policy.book.local(c.deadline)
    });
    Ok(format!("{said} A manager has to answer by {due}."))
}

/// C7.2: by a manager, with a reason; what was missed before stays.
fn withdraw(orders: &mut Orders, reason: &str) -> Done {
    orders.manager("#escalate withdraw")?;
    if reason.is_empty() {
        return Err("#escalate withdraw wants a reason.".into());
    }
    let runs = |c: &crate::desk::Clock| c.kind == ClockKind::Escalation && c.is_running();
    if !orders.draft.ticket.clocks.iter().any(runs) {
        return Err("#escalate withdraw: no escalation runs.".into());
    }
    let line = super::standing::sentence("Escalation withdrawn", reason);
    let done = orders.said(EntryKind::Command, &line);
    orders.draft.turn(Turn::Withdrawn);
    done
}

/// C5.4: answers by one command, and counts as an answer (C4.4).
pub(super) fn template(orders: &mut Orders, name: &str) -> Done {
    let person = orders.person("template")?;
    let names: Vec<&str> = Templates::answers().collect();
    let Some(name) = names.iter().find(|n| n.eq_ignore_ascii_case(name)) else {
        return Err(format!(
            "#template \"{name}\" is unknown; use {}.",
            names.join(" or ")
        ));
    };
    let text = correspondence::answer(&orders.draft, name, person);
    answer(orders, text)?;
    orders.said(
        EntryKind::Command,
        &format!("Answered with the letter \"{name}\"."),
    )
}

/// From a shell: a mail says it by itself.
pub(super) fn reply(orders: &mut Orders, text: &str) -> Done {
    orders.person("reply")?;
    if text.trim().is_empty() {
        return Err("reply has no text: it would be no answer (C4.4).".into());
    }
    if let Some(why) = super::misplaced(text).into_iter().next() {
        return Err(why);
    }
    answer(orders, text.trim().to_string())?;
    let to = match orders.draft.queue().confidential {
        true => "the reporter",
        false => &orders.draft.ticket.requester.address,
    };
    Ok(format!("Your answer goes to {to}."))
}

fn answer(orders: &mut Orders, text: String) -> Result<(), String> {
    if let Some(why) = orders.draft.unreachable() {
        return Err(why);
    }
    if orders.draft.ticket.state == State::Quarantined {
        clocks::taken_up(&mut orders.draft, orders.by.id);
    }
    orders.answer_with(&text)
}
