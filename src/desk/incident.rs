//! A known incident: many requests about one trouble, each with its own ticket and clock (C2.1), answered together.
//!
//! Knows how a request is linked to the incident's ticket that a rule names, and who is answered by `#everyone` there; does not know when a clock stops, which
//! is decided letter by letter as ever (C4.4). Nothing of a confidential queue takes part: its people are not told of each other (ATTACKS.md G05).

use super::command::{self, Done, Orders};
use super::draft::Draft;
use super::record::EntryKind;
use super::ticket::{Ticket, TicketId};
use super::{Known, correspondence, echo};
use crate::rules::Verdict;

/// More are not linked to one incident: its ticket is written anew with each.
const LINKED_MAX: usize = 1_000;

/// The ticket of the incident that the rules name, merges followed; none that does not exist.
pub(super) fn named<'k>(verdict: &Verdict, known: &'k Known) -> Option<&'k Ticket> {
    let incident = verdict.incident.as_ref()?;
    let ticket = known.ticket(TicketId(incident.ticket))?;
    match ticket.merged_into {
        Some(into) => known.ticket(into),
        None => Some(ticket),
    }
}

/// Links a new ticket to the incident's, and that one to it.
pub(super) fn join(draft: &mut Draft, incident: &Ticket) {
    let confidential = |queue: &str| draft.policy.queue(queue).confidential;
    if confidential(&incident.queue) || confidential(&draft.ticket.queue) {
        return;
    }
    let id = incident.id;
    if incident.linked.len() >= LINKED_MAX {
        let words = format!(
            "It is about the incident of ticket {id}, to which {LINKED_MAX} others are linked already: answer it by itself."
        );
        return draft.note(EntryKind::Note, &words);
    }
    draft.ticket.incident = Some(id);
    draft.ticket.linked.push(id);
    let words = format!("Linked to ticket {id}, a known incident: #everyone there answers it too.");
    draft.note(EntryKind::Note, &words);
    let mut other = draft.take_beside(incident);
    other.ticket.linked.push(draft.ticket.id);
    let words = format!("Ticket {} is about this incident.", draft.ticket.id);
    other.note(EntryKind::Note, &words);
    draft.beside.push(other);
}

/// What the acknowledgement of a ticket that was linked to an incident says of it; empty for others.
pub(super) fn text(ticket: &Ticket, verdict: &Verdict) -> String {
    let incident = verdict
        .incident
        .as_ref()
        .filter(|_| ticket.incident.is_some());
    incident.map_or(String::new(), |i| i.text(ticket.language).to_string())
}

/// One answer to everybody whose ticket is linked to this incident and still open, on each ticket by itself, and to whoever opened this one.
pub(super) fn everyone(orders: &mut Orders, text: &str) -> Done {
    let person = orders.person("everyone")?;
    let text = text.trim();
    if text.is_empty() {
        return Err("#everyone has no text: it would be no answer (C4.4).".into());
    }
    if let Some(why) = command::misplaced(text).into_iter().next() {
        return Err(why);
    }
    if echo::repeats(orders.draft.policy, None, text) {
        return Err("Our own notice stands in what would go to the customers; delete the quotation and answer again.".into());
    }
    let own = &orders.draft.ticket;
    let known = orders.known;
    let linked = own.linked.iter().filter_map(|id| known.ticket(*id));
    let linked: Vec<&Ticket> = linked
        .filter(|t| t.incident == Some(own.id) && t.is_open() && t.queue == own.queue)
        .collect();
    if linked.is_empty() {
        return Err("#everyone: no open ticket is linked to this one as to an incident.".into());
    }
    let (mut told, mut unreachable) = (vec![], vec![]);
    for ticket in linked {
        let mut other = orders.draft.take_beside(ticket);
        if other.unreachable().is_none() {
            correspondence::relay(&mut other, person, text, None, vec![]);
            told.push(ticket.id.to_string());
        } else {
            unreachable.push(ticket.id.to_string());
        }
        orders.draft.beside.push(other);
    }
    if orders.draft.unreachable().is_none() {
        orders.answer_with(text)?;
    }
    let mut words = format!("Your answer goes out on ticket {}.", told.join(", "));
    if !unreachable.is_empty() {
        words.push_str(&format!(
            " Nobody can be written to on ticket {}.",
            unreachable.join(", ")
        ));
    }
    Ok(words)
}
