//! What lateness has earned a customer: the ledger's lines (C4.6, C7.4, C9).
//!
//! Knows when a line is written and what it says. While a clock runs its credit accrues, and nothing stands in the ledger; once it has ended, the ledger says what
//! it earned, and says so anew whenever that changes: staff determined the severity, or corrected it. Lines are entries of the ticket's record (C2.2) and never change.
//! Which term is extended is settled with the first line: the one that was current at the breach, of the order or of the one that renewed it; where none was, nothing is
//! earned ([`crate::contract::Book::term`]).
//!
//! [`keep`] runs at the end of every decision about a ticket, so that no decision can forget a line; it writes none that says what the latest one says.

use super::draft::Draft;
use super::record::{CreditFacts, Direction, EntryKind, Standing};
use super::ticket::{Clock, ClockKind, Credited, SeverityBy, Ticket};
use super::{clocks, overdue, returned};
use crate::contract::customers::Term;
use crate::contract::{Step, duration_words};

/// Brings the ledger to what the ticket's ended clocks have earned.
pub(super) fn keep(draft: &mut Draft) {
    for index in 0..draft.ticket.clocks.len() {
        settle(draft, index, "ticketd", "");
    }
}

/// `corrected` (C4.5): the request never had the severity that it was given. Deadline, breach and credit are those of the right one from the beginning, and the
/// ledger gets a correction. What was done and said under the wrong one stays on record.
///
/// That a manager says so and why, and that the customer is told, is the caller's: `by` is the manager's staff id.
pub fn corrected(draft: &mut Draft, severity: u8, by: &str, reason: &str) {
    draft.ticket.severity = severity;
    draft.ticket.severity_by = SeverityBy::Staff;
    for index in 0..draft.ticket.clocks.len() {
        if draft.ticket.clocks[index].kind == ClockKind::InitialResponse {
            computed_anew(draft, index, severity);
            settle(draft, index, by, reason);
        }
    }
}

fn computed_anew(draft: &mut Draft, index: usize, severity: u8) {
    let now = draft.now;
    let book = draft.book(&draft.ticket.clocks[index]);
    let started = draft.ticket.clocks[index].started;
    let account = draft.ticket.account_of(&draft.ticket.clocks[index]);
    let objective = book.initial_response(account, severity, started);
    let whole = book.deadline(&objective, started).at;
    let stood = &draft.ticket.clocks[index].uncounted;
    let deadline = returned::put_off(book, &objective, whole, stood);
    let policy = draft.policy;
    let clock = &mut draft.ticket.clocks[index];
    if clock.is_running() {
        clocks::keep_told(clock);
    }
    let ended = clock.stopped.unwrap_or(now);
    let late = !objective.internal && ended > deadline;
    clock.by_severity = vec![(severity, deadline)];
    clock.breached = late.then_some(deadline);
    clock.deadline = deadline;
    clock.objective = objective;
    if clock.is_running() {
        // What the new deadline would have warned of by now was warned of under the old one.
        clock.step_done = book.warned_by(&clock.objective, started, deadline, now);
        if late {
            clock.step_done = clock.step_done.max(Some(Step::Breach));
        }
        clocks::each_step_once(clock);
        clock.next = returned::next_step(policy, book, clock, now);
    }
    let days = overdue::credit_days(draft, index, ended);
    draft.ticket.clocks[index].credit_days = days;
}

/// Writes what an ended clock has earned, unless the ledger says so already.
fn settle(draft: &mut Draft, index: usize, by: &str, reason: &str) {
    let clock = &draft.ticket.clocks[index];
    let Some(ended) = clock.stopped else { return };
    let before = clock.credited.clone();
    if before.is_none() && clock.credit_days == 0 {
        return;
    }
    // The account of a clock stays, whatever becomes of the ticket's customer.
    let account = match &before {
        Some(credited) => Some((credited.customer.clone(), credited.term)),
        None => account(draft, clock),
    };
    let Some((customer, term)) = account else {
        return;
    };
    let now = Credited {
        customer: customer.clone(),
        term,
        days: clock.credit_days,
        standing: standing(&draft.ticket, clock),
    };
    if before.as_ref() == Some(&now) {
        return;
    }
    let facts = CreditFacts {
        customer,
        term,
        clock: clock.kind,
        clause: clock.objective.clause.clone(),
        started: clock.started,
        deadline: clock.deadline,
        ended,
        late_secs: draft.book(clock).lateness_secs(
            &clock.objective,
            clock.started,
            clock.deadline,
            ended,
        ),
        days: now.days,
        change: i64::from(now.days) - before.as_ref().map_or(0, |b| i64::from(b.days)),
        standing: now.standing,
    };
    let text = words(draft, &facts, before.as_ref(), reason);
    let entry = draft.entry(EntryKind::Credit, Direction::Internal, by, &text);
    entry.credit = Some(Box::new(facts));
    draft.ticket.clocks[index].credited = Some(now);
}

fn account(draft: &Draft, clock: &Clock) -> Option<(String, Term)> {
    let subscription = draft.ticket.account_of(clock);
    let (promised, breach) = (draft.book(clock), clock.deadline);
    let book = draft.policy.book_of_term(promised, subscription, breach);
    let term = book.term(subscription, breach)?;
    Some((subscription.customer.clone()?, term))
}

/// An escalation's objective knows no severity (C7), so nothing about it is open.
fn standing(ticket: &Ticket, clock: &Clock) -> Standing {
    match (clock.kind, ticket.severity_by) {
        (ClockKind::InitialResponse, SeverityBy::Customer | SeverityBy::Rules) => {
            Standing::Provisional
        }
        _ => Standing::Final,
    }
}

fn words(draft: &Draft, facts: &CreditFacts, before: Option<&Credited>, reason: &str) -> String {
    let local = |at| draft.policy.book.local(at);
    let days = |n: u32| format!("{n} {}", if n == 1 { "day" } else { "days" });
    let standing = match facts.standing {
        Standing::Provisional => "provisional until staff determine the severity",
        Standing::Final => "final",
    };
    let late = duration_words(facts.late_secs);
    let earned = format!(
        "{} of credit for {} ({}), {standing}: due {}, ended {}, {late} late.",
        days(facts.days),
        facts.customer,
        facts.clause,
        local(facts.deadline),
        local(facts.ended),
    );
    match before {
        None => earned,
        Some(before) if before.days == facts.days => format!("Confirmed: {earned}"),
        Some(before) => format!("Correction from {}: {earned} {reason}", days(before.days))
            .trim_end()
            .to_string(),
    }
}
