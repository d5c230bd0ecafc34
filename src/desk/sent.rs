//! A mail out of somebody's own Sent folder that is watched (`sent_of`): an answer past the desk (C4.4), or nobody's business but theirs.
//!
//! The folder is its own proof: only its owner's mail server puts mails there. Promise: what is no answer to a requester of one of the owner's queues is not
//! kept, not logged and not looked at twice.

use super::arrival::Case;
use super::belonging;
use super::record::Outcome;
use super::ticket::Ticket;
use super::{Arrival, Known, Policy, reply};
use crate::contract::{Person, Role};
use chrono::{DateTime, Utc};

/// What becomes of a mail in the Sent folder of this member of the staff.
pub(super) fn seen(
    policy: &Policy,
    known: &Known,
    arrival: &Arrival,
    owner: &str,
    now: DateTime<Utc>,
) -> Outcome {
    let nothing = || {
        Outcome::of(format!(
            "a mail of {owner}'s that answers no ticket: not kept"
        ))
    };
    let Some(person) = policy.book.staff.by_id(owner) else {
        return nothing();
    };
    let case = Case::of(policy, known, arrival, now);
    let is_his = (case.author.as_deref()).is_some_and(|a| {
        person
            .addresses
            .iter()
            .any(|own| own.eq_ignore_ascii_case(a))
    });
    if !is_his || !case.mail.kind.is_human() {
        return nothing();
    }
    let duplicate = known.seen(case.mail.raw);
    let by_another_road = case.mail.written.and_then(|w| known.seen(w));
    let answered = answered(&case, known, person);
    match answered {
        _ if known.lacks() => Outcome::default(),
        _ if duplicate.or(by_another_road).is_some() => nothing(),
        Some(ticket) => {
            let queue = policy.queue(&ticket.queue);
            let case = Case { queue, ..case };
            Outcome {
                keep_raw: true,
                ..reply::seen_directly(&case, known, ticket, person)
            }
        }
        None => nothing(),
    }
}

/// The ticket whose requester this mail goes to. Its number in the subject is enough here: who owns the folder wrote it, and to that requester.
fn answered(case: &Case, known: &Known, person: &Person) -> Option<Ticket> {
    let queues = case.policy.queues.iter();
    let mine = queues.filter(|q| person.role != Role::ReadOnly && person.queues.contains(&q.name));
    let found: Vec<Ticket> = mine
        .filter_map(|queue| {
            let case = Case {
                queue,
                author: case.author.clone(),
                trust: case.trust.clone(),
                vouched_by: None,
                brought_back: false,
                resting: vec![],
                ..*case
            };
            let found = belonging::find(&case, known);
            found.ticket.or(found.possibly)
        })
        .filter(|ticket| person.queues.contains(&ticket.queue))
        .filter(|ticket| reply::wrote_to_requester(case, ticket))
        .collect();
    found.into_iter().next()
}
