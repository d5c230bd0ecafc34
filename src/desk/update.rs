//! Severity 1 and 2: staff are reminded to update the customer until it is lowered (C6.5).
//!
//! Knows when such a clock runs: from the first answer on, while the ticket is open at a severity that has an interval, whatever decision made it so. It begins anew with each
//! answer to the customer and with each reminder. It is internal: never a breach, never a credit, and no customer sees it.

use super::draft::Draft;
use super::ticket::{Clock, ClockKind};
use crate::contract::{Objective, Step};
use chrono::{DateTime, Utc};

/// Starts, keeps or ends the clock, as the ticket now is.
pub(super) fn keep(draft: &mut Draft) {
    let wanted = wanted(draft);
    let index = draft
        .ticket
        .clocks
        .iter()
        .position(|c| c.kind == ClockKind::Update);
    let now = draft.now;
    match (wanted, index) {
        (None, Some(index)) if draft.ticket.clocks[index].is_running() => {
            let clock = &mut draft.ticket.clocks[index];
            clock.stopped = Some(now);
            clock.next = None;
        }
        (None, _) => {}
        (Some(objective), Some(index)) => {
            let clock = &draft.ticket.clocks[index];
            if !clock.is_running() || clock.objective != objective {
                draft.ticket.clocks[index] = clock_of(draft, objective, now);
            }
        }
        (Some(objective), None) => {
            let clock = clock_of(draft, objective, now);
            draft.ticket.clocks.push(clock);
        }
    }
}

/// The reminder was given: it counts anew from there.
pub(super) fn reminded(draft: &mut Draft, index: usize) {
    let objective = draft.ticket.clocks[index].objective.clone();
    draft.ticket.clocks[index] = clock_of(draft, objective, draft.now);
}

fn wanted(draft: &Draft) -> Option<Objective> {
    let ticket = &draft.ticket;
    let runs = ticket.is_open() && ticket.responded.is_some() && ticket.merged_into.is_none();
    if !runs {
        return None;
    }
    let book = draft.policy.book_of(ticket, None);
    book.update(&ticket.subscription, ticket.severity, ticket.received)
}

fn clock_of(draft: &Draft, objective: Objective, at: DateTime<Utc>) -> Clock {
    let book = draft.policy.book_of(&draft.ticket, None);
    let deadline = book.expires(&objective, at);
    Clock {
        kind: ClockKind::Update,
        objective,
        started: at,
        deadline,
        step_done: None,
        warned: vec![],
        next: Some((deadline, Step::Percent(100))),
        stopped: None,
        breached: None,
        by_severity: vec![],
        by_account: vec![],
        account: None,
        unanswered: None,
        credit_days: 0,
        uncounted: vec![],
        policy: None,
        credited: None,
    }
}
