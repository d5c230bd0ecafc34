//! A clock's step is due.
//!
//! A warning at a percentage waits while an answer that ends its clock is leaving, at most [`ANSWER_LEAVES_WITHIN`]: with the answer, `#severity` may have
//! brought forward what is due, and it is the next mail server's acceptance that stops the clock (C4.4). Accepted, nobody is warned of what is done; deferred,
//! refused or dropped, or the time over, the warning goes at once. Nothing waits with less than `lead_time_min` to the deadline, or over the desk's closing, or
//! for a letter that was tried in vain; a breach, a reminder after it and the end of an internal target never do. Of a merged ticket the answer leaves on the
//! one that it goes on in (C4.10).

use super::clocks::Turn;
use super::draft::Draft;
use super::event::Due;
use super::record::{Direction, Entry, EntryKind, Fate, Place};
use super::ticket::{Clock, ClockKind, Ticket};
use super::{Known, Outcome, Policy, correspondence, delivery, digest, returned, update};
use crate::contract::{Book, Person, Step, Subscription};
use chrono::{DateTime, TimeDelta, Utc};

/// An outbox that works hands an answer over within seconds; what takes longer is no reason to keep staff waiting.
pub const ANSWER_LEAVES_WITHIN: TimeDelta = TimeDelta::minutes(2);

/// Warns, or records the breach, and derives the next step; nothing if the clock was stopped or moved meanwhile.
pub fn reached(policy: &Policy, known: &Known, due: &Due, now: DateTime<Utc>) -> Outcome {
    let Some(ticket) = known.ticket(due.ticket) else {
        return Outcome::of("the ticket is gone");
    };
    let Some(index) = owed(ticket, due) else {
        return Outcome::of("already done or moved");
    };
    let mut draft = Draft::of(policy, ticket.clone(), now);
    if let Step::Percent(percent @ ..100) = due.step
        && let Some((until, answer)) = waits(&draft, known, index)
    {
        draft.ticket.clocks[index].next = Some((until, due.step));
        told_to_wait(&mut draft, index, (percent, until, answer));
        return draft.finish("an answer is leaving", Fate::None);
    }
    draft.resting = returned::resting(policy, known, now, None);
    step_taken(&mut draft, index, due.step);
    record(&mut draft, index, due);
    for person in audience(&draft, due, now) {
        if digest::warns_alone(&mut draft, known, person, index, due.step) {
            correspondence::warn(&mut draft, index, due.step, person);
        }
    }
    if due.clock == ClockKind::Update {
        update::reminded(&mut draft, index);
    }
    draft.finish(format!("{:?} of {:?}", due.step, due.clock), Fate::None)
}

fn owed(ticket: &Ticket, due: &Due) -> Option<usize> {
    ticket
        .clocks
        .iter()
        .position(|c| c.kind == due.clock && c.is_running() && c.next == Some((due.at, due.step)))
}

/// Until when a warning waits, and for the answer of which entry.
fn waits(draft: &Draft, known: &Known, index: usize) -> Option<(DateTime<Utc>, Place)> {
    let (ticket, now) = (&draft.ticket, draft.now);
    let goes_on = ticket.merged_into.and_then(|into| known.ticket(into));
    let is_leaving = |on: &Ticket, entry: &Entry| {
        // What is from the future says that the clock was set back: then nothing is known of how long it takes.
        let ends = || delivery::ends(draft.policy, ticket, &entry.from, entry.at);
        delivery::is_leaving(on, entry) && entry.at <= now && ends().contains(&index)
    };
    let answers = [Some(ticket), goes_on]
        .into_iter()
        .flatten()
        .flat_map(|on| {
            let entries = known.entries(on.id).iter();
            entries.filter(move |entry| is_leaving(on, entry))
        });
    // Not the newest: who writes one after the other keeps nobody waiting for ever.
    let answer = answers.min_by_key(|entry| entry.at)?;
    let until = answer.at + ANSWER_LEAVES_WITHIN;
    let book = &draft.policy.book;
    let lead = i64::from(book.contract.at(now).warnings.lead_time_min);
    let in_time = ticket.clocks[index].deadline - until >= TimeDelta::minutes(lead);
    let desk = book.desk_hours(now);
    let finds_nobody = desk.is_open(now) && !desk.is_open(until);
    (until > now && in_time && !finds_nobody).then_some((until, answer.place))
}

fn told_to_wait(
    draft: &mut Draft,
    index: usize,
    (percent, until, answer): (u8, DateTime<Utc>, Place),
) {
    let clock = &draft.ticket.clocks[index];
    let there = match answer.ticket == draft.ticket.id {
        true => String::new(),
        false => format!(" of ticket {}", answer.ticket),
    };
    let words = format!(
        "{} ({}): the warning at {percent} % waits until {} at most, for the answer of entry {}{there} is leaving.",
        clock_word(clock.kind),
        clock.objective.clause,
        draft.policy.book.local(until),
        answer.seq,
    );
    draft.note(EntryKind::Note, &words);
}

/// An answer did not leave at once: what waited for it is due when it was due before, here and on the tickets that go on here. Whether anything did.
pub(super) fn waits_no_more(draft: &mut Draft, known: &Known) -> bool {
    let (policy, now) = (draft.policy, draft.now);
    let earlier = due_earlier(policy, &draft.ticket, now);
    let mut any = !earlier.is_empty();
    set_due(&mut draft.ticket, earlier);
    let merged = draft.ticket.merged.clone();
    for ticket in merged.into_iter().filter_map(|id| known.ticket(id)) {
        let earlier = due_earlier(policy, draft.beside_as_it_is(ticket), now);
        if !earlier.is_empty() {
            any = true;
            let mut other = draft.take_beside(ticket);
            set_due(&mut other.ticket, earlier);
            draft.beside.push(other);
        }
    }
    any
}

/// The clocks of a ticket whose warning waits, each with when it was due before.
fn due_earlier(
    policy: &Policy,
    ticket: &Ticket,
    now: DateTime<Utc>,
) -> Vec<(usize, (DateTime<Utc>, Step))> {
    let clocks = ticket.clocks.iter().enumerate();
    let waiting = clocks.filter_map(|(index, clock)| match clock.next {
        Some((at, Step::Percent(..100))) => Some((index, clock, at)),
        _ => None,
    });
    let earlier = waiting.filter_map(|(index, clock, at)| {
        let book = policy.book_of(ticket, Some(clock));
        let due = returned::next_step(policy, book, clock, now)?;
        (due.0 < at).then_some((index, due))
    });
    earlier.collect()
}

fn set_due(ticket: &mut Ticket, steps: Vec<(usize, (DateTime<Utc>, Step))>) {
    for (index, step) in steps {
        ticket.clocks[index].next = Some(step);
    }
}

fn step_taken(draft: &mut Draft, index: usize, step: Step) {
    let now = draft.now;
    let (policy, book) = (draft.policy, draft.book(&draft.ticket.clocks[index]));
    let clock = &mut draft.ticket.clocks[index];
    clock.step_done = Some(step);
    clock.next = returned::next_step(policy, book, clock, now);
    if !matches!(step, Step::Percent(_)) && !clock.objective.internal {
        clock.breached.get_or_insert(clock.deadline);
    }
    let days = credit_days(draft, index, now);
    draft.ticket.clocks[index].credit_days = days;
}

/// A clock ends, kept or missed: an answer was accepted, or there is nothing to answer any more (C4.8). Its credit is what it has earned by then.
pub(super) fn ended(draft: &mut Draft, index: usize, at: DateTime<Utc>) {
    let days = credit_days(draft, index, at);
    let clock = &mut draft.ticket.clocks[index];
    clock.stopped = Some(at);
    clock.next = None;
    clock.credit_days = days;
    if at > clock.deadline && !clock.objective.internal {
        clock.breached.get_or_insert(clock.deadline);
    }
}

/// Days of credit that a clock has earned by `until` (C4.6): none without a term to extend (C7.4), at most the agreed cap.
pub(super) fn credit_days(draft: &Draft, index: usize, until: DateTime<Utc>) -> u32 {
    let clock = &draft.ticket.clocks[index];
    days_by(
        draft.policy,
        draft.book(clock),
        draft.ticket.account_of(clock),
        clock,
        until,
    )
}

/// What a clock has earned: what it had when it ended, or by `now` while it runs.
pub fn days_now(policy: &Policy, ticket: &Ticket, clock: &Clock, now: DateTime<Utc>) -> u32 {
    match clock.stopped {
        Some(_) => clock.credit_days,
        None => days_by(
            policy,
            policy.book_of(ticket, Some(clock)),
            ticket.account_of(clock),
            clock,
            now,
        ),
    }
}

/// The same, of any ticket's clock under any contract.
pub fn days_by(
    policy: &Policy,
    book: &Book,
    subscription: &Subscription,
    clock: &Clock,
    until: DateTime<Utc>,
) -> u32 {
    let ordered = policy.book_of_term(book, subscription, clock.deadline);
    if until <= clock.deadline || !ordered.earns_credit(subscription, clock.deadline) {
        return 0;
    }
    let counted = returned::late_until(book, clock, until);
    let days = book.credit_days(&clock.objective, clock.started, clock.deadline, counted);
    ordered
        .credit_days_max(subscription, clock.deadline)
        .map_or(days, |max| days.min(max))
}

fn record(draft: &mut Draft, index: usize, due: &Due) {
    let clock = draft.ticket.clocks[index].clone();
    let deadline = draft.policy.book.local(clock.deadline);
    let explanation = draft
        .book(&clock)
        .explanation(&clock.objective, clock.started, clock.deadline)
        .join("\n");
    let (kind, what) = match due.step {
        _ if due.clock == ClockKind::Update => (
            EntryKind::Warning,
            format!("Due {deadline}: the customer has heard nothing since.\n{explanation}"),
        ),
        // An internal target has no breach: its last step is at 100 % (C3.2).
        Step::Percent(100..) => (
            EntryKind::Warning,
            format!("The internal target passed ({deadline}).\n{explanation}"),
        ),
        Step::Percent(p) => (
            EntryKind::Warning,
            format!("{p} % of the time is gone; due {deadline}.\n{explanation}"),
        ),
        Step::Breach => (
            EntryKind::Breach,
            format!("The deadline passed ({deadline}).\n{explanation}"),
        ),
        Step::Repeat(n) => (
            EntryKind::Warning,
            format!(
                "Reminder {n}: overdue since {deadline}; {} days of credit so far.",
                clock.credit_days
            ),
        ),
    };
    draft.entry(
        kind,
        Direction::Internal,
        "ticketd",
        &format!(
            "{} ({}): {what}",
            clock_word(clock.kind),
            clock.objective.clause
        ),
    );
    if due.step == Step::Breach {
        draft.keep_turn(Turn::Missed {
            clock: clock.kind,
            started: clock.started,
        });
    }
}

/// C10.1: the assignee or else the queue, then who is on duty, then the managers; from the breach on all of them and the TAM. Of an escalation the managers hear
/// at each step, since nobody else's answer ends it (C7.3). Of a confidential queue nobody hears who is not of it.
fn audience<'a>(draft: &Draft<'a>, due: &Due, now: DateTime<Utc>) -> Vec<&'a Person> {
    let (staff, queue) = (&draft.policy.book.staff, draft.queue().name.as_str());
    let assignee = || {
        draft
            .ticket
            .assignee
            .as_deref()
            .and_then(|id| staff.by_id(id))
    };
    let nearest = || assignee().map_or_else(|| staff.of_queue(queue).collect(), |p| vec![p]);
    let mut people: Vec<&Person> = match due.step {
        _ if due.clock == ClockKind::Update => match assignee() {
            Some(person) => vec![person],
            None => staff.on_duty(queue, now),
        },
        Step::Percent(p) if p < 75 => nearest(),
        Step::Percent(p) if p < 90 => staff.on_duty(queue, now),
        Step::Percent(_) => staff.managers(queue).collect(),
        Step::Breach | Step::Repeat(_) => {
            let tam = draft
                .ticket
                .subscription
                .tam
                .as_deref()
                .and_then(|id| staff.by_id(id));
            nearest()
                .into_iter()
                .chain(staff.on_duty(queue, now))
                .chain(staff.managers(queue))
                .chain(tam)
                .collect()
        }
    };
    if due.clock == ClockKind::Escalation {
        people.extend(staff.managers(queue));
    }
    people = present(draft, people, now);
    people.retain(|p| draft.may_know(p));
    if people.is_empty() {
        // Nobody holds the role: silence would be the worst answer.
        people = staff.of_queue(queue).collect();
    }
    people = draft.reached(people);
    let mut told = Vec::new();
    people.retain(|p| {
        !told.contains(&p.id) && {
            told.push(p.id.clone());
            true
        }
    });
    people
}

/// These people, or who stands in for them while they are away; where nobody does, who is on duty hears of it beside them.
fn present<'a>(draft: &Draft<'a>, people: Vec<&'a Person>, now: DateTime<Utc>) -> Vec<&'a Person> {
    let (staff, queue) = (&draft.policy.book.staff, draft.queue().name.as_str());
    let mut present = vec![];
    for person in people {
        let standing_in = staff.present(&person.id, now);
        match standing_in.filter(|p| draft.may_know(p)) {
            Some(found) => present.push(found),
            None => {
                present.push(person);
                present.extend(staff.on_duty(queue, now));
            }
        }
    }
    present
}

/// How a clock's deadline was computed, window by window, as one sentence of a line that stands beside many (C10.3).
pub(super) fn computed(book: &Book, clock: &Clock) -> String {
    book.explanation(&clock.objective, clock.started, clock.deadline)
        .join("; ")
}

/// For people.
pub fn clock_word(kind: ClockKind) -> &'static str {
    match kind {
        ClockKind::InitialResponse => "Initial response",
        ClockKind::Escalation => "Escalation",
        ClockKind::NextReply => "Next reply",
        ClockKind::Update => "Update of the customer",
        ClockKind::EarlyWarning => "Early warning",
        ClockKind::Notification => "Notification",
        ClockKind::FinalReport => "Final report",
    }
}
