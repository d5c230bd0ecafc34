//! `#merge` and `#split`: one problem in two tickets, two problems in one (C2.1, C4.10).
//!
//! Promise: no clock stops by either, and nothing moves. A merged ticket keeps its record, its clocks and its number; its mail goes to the other one for ever,
//! and an answer there ends its clocks. What is split off is promised from the mail that raised it.

use super::{Done, LIVE, Orders, remedy, standing};
use crate::contract::Role;
use crate::desk::clocks::{self, Turn};
use crate::desk::draft::Draft;
use crate::desk::record::{Direction, Entry, EntryKind, Road};
use crate::desk::ticket::{ClockKind, State, Ticket, TicketId};
use crate::desk::{Known, LetterKind, correspondence};
use crate::mail::Fingerprint;
use crate::mail::text::cleaned;
use chrono::{DateTime, Utc};

/// The most tickets whose mail goes to one.
const MERGED_MAX: usize = 50;

/// The most addresses that may add to a ticket.
const PARTICIPANTS_MAX: usize = 20;

pub(super) fn merge(orders: &mut Orders, words: &str) -> Done {
    let (number, reason) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let id = number.trim_start_matches('#').parse().map(TicketId);
    let id =
        id.map_err(|_| format!("#merge \"{words}\" is no ticket's number; use #merge 123."))?;
    let target = followed(orders.known, orders.other("merge", id)?);
    let target = orders.other("merge", target)?;
    let own = &orders.draft.ticket;
    if target.id == own.id {
        return Err(format!("#merge: ticket {id} goes to this one, {}.", own.id));
    }
    if !LIVE.contains(&target.state) {
        return Err(format!(
            "#merge: ticket {} is {}",
            target.id,
            remedy(target.state)
        ));
    }
    if target.queue != own.queue {
        return Err(format!(
            "#merge: ticket {} is in queue {}, and this one in {}.",
            target.id, target.queue, own.queue
        ));
    }
    if own.merged.len() + target.merged.len() >= MERGED_MAX {
        return Err(format!("#merge: {MERGED_MAX} tickets go to one at most."));
    }
    match is_of_one_customer(own, target) {
        true => merged(orders, target, reason),
        false => linked(orders, target),
    }
}

/// C4.10. Of requesters that no customer entry knows, one address is one customer.
fn is_of_one_customer(one: &Ticket, other: &Ticket) -> bool {
    match (&one.subscription.customer, &other.subscription.customer) {
        (None, None) => {
            !one.requester.address.is_empty() && one.requester.address == other.requester.address
        }
        (one, other) => one == other,
    }
}

fn followed(known: &Known, ticket: &Ticket) -> TicketId {
    // Merges are followed at once when they are made: one step is the whole way.
    ticket
        .merged_into
        .and_then(|into| known.ticket(into))
        .map_or(ticket.id, |t| t.id)
}

fn linked(orders: &mut Orders, target: &Ticket) -> Done {
    let by = orders.by.id;
    let mut other = orders.draft.take_beside(target);
    let own = orders.draft.ticket.id;
    link(&mut other.ticket, own);
    link(&mut orders.draft.ticket, target.id);
    other.entry(
        EntryKind::Command,
        Direction::Internal,
        by,
        &format!("Linked to ticket {own}."),
    );
    let id = target.id;
    orders.draft.beside.push(other);
    orders.said(
        EntryKind::Command,
        &format!("Linked to ticket {id}, and not merged: they are not of one customer (C4.10)."),
    )
}

fn link(ticket: &mut Ticket, other: TicketId) {
    if !ticket.linked.contains(&other) {
        ticket.linked.push(other);
    }
}

fn merged(orders: &mut Orders, target: &Ticket, reason: &str) -> Done {
    let (now, by) = (orders.draft.now, orders.by.id);
    let mut into = orders.draft.take_beside(target);
    // Those that came here go on at once, so that the way of a mail never gets longer.
    for mut earlier in merged_into_it(orders) {
        earlier.ticket.merged_into = Some(target.id);
        let words = format!("Goes on in ticket {}.", target.id);
        earlier.entry(EntryKind::State, Direction::Internal, by, &words);
        orders.draft.beside.push(earlier);
    }
    let own = &mut orders.draft.ticket;
    link(&mut into.ticket, own.id);
    into.ticket.merged.append(&mut own.merged);
    into.ticket.merged.push(own.id);
    for address in &own.participants {
        let all = &mut into.ticket.participants;
        if all.len() < PARTICIPANTS_MAX && !all.contains(address) {
            all.push(address.clone());
        }
    }
    link(own, target.id);
    own.merged_into = Some(target.id);
    own.state = State::Closed;
    own.closed = Some(now);
    let runs = own.clocks.iter().any(|c| c.is_running());
    let mut told = standing::sentence(&format!("Ticket {} goes on here", own.id), reason);
    if own.requester.address != target.requester.address {
        told.push_str(&format!(" It was asked by {}.", own.requester.address));
    }
    let mut line = standing::sentence(&format!("Merged into ticket {}", target.id), reason);
    if runs {
        line.push_str(" Its clocks run on until an answer there (C4.10).");
    }
    into.entry(EntryKind::State, Direction::Internal, by, &told);
    orders.draft.beside.push(into);
    orders.said(EntryKind::State, &line)
}

/// The tickets whose mail comes here, as drafts.
pub(super) fn merged_into_it<'a>(orders: &mut Orders<'a, '_>) -> Vec<Draft<'a>> {
    let merged = orders.draft.ticket.merged.clone().into_iter();
    let merged = merged.filter_map(|id| orders.known.ticket(id));
    merged.map(|t| orders.draft.take_beside(t)).collect()
}

pub(super) fn split(orders: &mut Orders, words: &str) -> Done {
    let entries = orders.known.entries(orders.draft.ticket.id);
    let (first, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let raised = |e: &&Entry| e.kind == EntryKind::Mail && e.direction == Direction::In;
    let (entry, subject) = match first.trim_start_matches('#').parse::<u32>() {
        Ok(seq) => (
            entries.iter().filter(raised).find(|e| e.place.seq == seq),
            rest,
        ),
        Err(_) => (entries.iter().rfind(raised), words),
    };
    let Some(entry) = entry else {
        return Err(format!(
            "#split: entry {first} of ticket {} is no mail of the customer; see ticketd show {}.",
            orders.draft.ticket.id, orders.draft.ticket.id
        ));
    };
    let subject = match subject.trim() {
        "" => entry.subject.clone(),
        subject => cleaned(subject, 200),
    };
    let place = entry.place;
    let first_mail = entry.mail.as_ref().map(|m| m.raw);
    let answered = answered_since(orders, entries, entry.at);
    let words = format!(
        "Split from ticket {}, raised by its entry {}.",
        place.ticket, place.seq
    );
    let received = entry.at;
    let mut child = child(orders, subject, first_mail, received, &words);
    if let Some((manager, at)) = answered {
        child.note(
            EntryKind::State,
            "The mail that raised it was answered in that ticket (C4.4).",
        );
        child.ticket.responded = Some(at);
        child.ticket.state = State::Open;
        child.turn(Turn::Answered {
            manager,
            written: at,
            at,
        });
        child.turn(Turn::Began {
            clock: ClockKind::NextReply,
            urgent: false,
            at: orders.draft.now,
        });
    }
    Ok(opened(orders, child, "Split off as ticket"))
}

/// The first answer of a human to the customer after an instant, and whether a manager gave it.
fn answered_since(
    orders: &Orders,
    entries: &[Entry],
    since: DateTime<Utc>,
) -> Option<(bool, DateTime<Utc>)> {
    let staff = &orders.draft.policy.book.staff;
    let by_manager = |id: &str| {
        let person = staff.by_id(id).or_else(|| staff.by_address(id));
        person.is_some_and(|p| p.role == Role::Manager)
    };
    let answer = |e: &Entry| match (&e.letter, e.kind) {
        (Some(l), _) if l.kind == LetterKind::Relay => match l.road {
            Road::Accepted { at } => Some((by_manager(&e.from), at)),
            _ => None,
        },
        (None, EntryKind::Mail) if e.direction == Direction::Out => {
            Some((by_manager(&e.from), e.at))
        }
        _ => e.turns.iter().find_map(|t| match t {
            Turn::Answered { manager, at, .. } => Some((*manager, *at)),
            _ => None,
        }),
    };
    let answers = entries.iter().filter(|e| e.at >= since).filter_map(answer);
    answers
        .filter(|(_, at)| *at >= since)
        .min_by_key(|(_, at)| *at)
}

/// C4.9: what was closed too long ago goes on as a new ticket, with a clock of its own from now.
pub(super) fn goes_on_anew(orders: &mut Orders, reason: &str) -> Done {
    let own = orders.draft.ticket.id;
    let (subject, now) = (orders.draft.ticket.subject.clone(), orders.draft.now);
    let words =
        format!("Follows ticket {own}, which was closed too long ago to be reopened (C4.9).");
    let words = format!("{words} {reason}");
    let child = child(orders, subject, None, now, words.trim_end());
    Ok(opened(
        orders,
        child,
        "Closed too long ago to be reopened; it goes on as ticket",
    ))
}

/// A ticket of the same requester, with the promise of its account from `received` on.
fn child<'a>(
    orders: &mut Orders<'a, '_>,
    subject: String,
    first_mail: Option<Fingerprint>,
    received: DateTime<Utc>,
    words: &str,
) -> Draft<'a> {
    let id = orders.draft.next_number(orders.known);
    let draft = &orders.draft;
    let parent = draft.ticket.clone();
    let ticket = Ticket {
        id,
        first_mail: first_mail.unwrap_or(parent.first_mail),
        subject,
        state: State::New,
        received,
        responded: None,
        closed: None,
        nothing: None,
        clocks: vec![],
        entries: 0,
        tags: vec![],
        references: parent.references.into_iter().take(1).collect(),
        linked: vec![parent.id],
        merged_into: None,
        merged: vec![],
        incident: None,
        policy: draft.policy.book_hash,
        ..parent
    };
    let mut child = Draft::of(draft.policy, ticket, draft.now);
    let by = orders.by.id;
    child.entry(EntryKind::Command, Direction::Internal, by, words);
    clocks::opened(&mut child, received);
    child
}

/// The new ticket is acknowledged, and what it was made of knows of it.
fn opened<'a>(orders: &mut Orders<'a, '_>, mut child: Draft<'a>, what: &str) -> String {
    let number = child.ticket.id;
    match child.ticket.responded {
        None => correspondence::acknowledge_opened(&mut child),
        Some(_) => child.note(
            EntryKind::Note,
            "Not acknowledged: the mail that raised it was answered already.",
        ),
    }
    let due = child
        .ticket
        .initial_response()
        .filter(|c| c.is_running())
        .map(|c| correspondence::local(&child, c.deadline));
    let due = due.map_or(String::new(), |d| {
        format!(" The initial response is due {d}.")
    });
    orders.draft.beside.push(child);
    link(&mut orders.draft.ticket, number);
    let line = format!("{what} {number}.");
    let by = orders.by.id;
    orders
        .draft
        .entry(EntryKind::Command, Direction::Internal, by, &line);
    format!("{line}{due}")
}
