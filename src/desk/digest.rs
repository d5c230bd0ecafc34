//! One letter instead of many: more than `storm_count` like letters to one person within `storm_window_min` are gathered (C10.4, ATTACKS.md F03).
//!
//! Knows how many letters went to whom of late, and what waits; does not know why a letter is written. What a letter would have told is in the ticket's record
//! whether it goes on its own or with others.
//!
//! The first letters of a flood go at once. What follows is gathered: the first digest of a flood of **warnings** goes as soon as nothing more is due, so that a
//! thousand steps due together are told within the second; further ones at the window's end, unless a deadline in it falls before that. A flood of **replies** on
//! one ticket waits for the window's end. A digest has at most [`LINES_MAX`] lines; a full one goes, and the next begins.

use super::circular::Circulars;
use super::command::may_act;
use super::draft::Draft;
use super::letter::{Digest, LetterKind, Text};
use super::overdue;
use super::record::{Gathered, Gathering, Outcome, Place, Record, Tells};
use super::ticket::{Clock, ClockKind, Ticket, TicketId};
use super::{Known, Policy};
use crate::contract::plan::Warnings;
use crate::contract::{Person, Step};
use crate::mail::Language;
use chrono::{DateTime, TimeDelta, Utc};

/// So much fits a letter that somebody reads.
const LINES_MAX: usize = 50;

/// Whether a step's warning to a person goes on its own. If not, it is gathered in the draft.
pub(super) fn warns_alone(
    draft: &mut Draft,
    known: &Known,
    person: &Person,
    clock: usize,
    step: Step,
) -> bool {
    let clock = &draft.ticket.clocks[clock];
    let item = Gathered::Step {
        ticket: draft.ticket.id,
        clock: clock.kind,
        step,
    };
    let deadline = Some(clock.deadline).filter(|d| *d > draft.now);
    let name = format!("warnings/{}", person.id);
    goes_alone(draft, known, &name, person, item, |g, now, window| {
        let of_late = g.digested.filter(|at| now - *at < window);
        let end = of_late.map_or(now, |at| at + window);
        match deadline {
            Some(deadline) if deadline <= end => now,
            _ => end,
        }
    })
}

/// Whether the notice of a reply to a person goes on its own. If not, it is gathered in the draft.
pub(super) fn notifies_alone(
    draft: &mut Draft,
    known: &Known,
    person: &Person,
    reply: Place,
) -> bool {
    let name = format!("replies/{}/{}", draft.ticket.id, person.id);
    let item = Gathered::Reply(reply);
    goes_alone(draft, known, &name, person, item, |_, now, window| {
        now + window
    })
}

fn goes_alone(
    draft: &mut Draft,
    known: &Known,
    name: &str,
    person: &Person,
    item: Gathered,
    due: impl FnOnce(&Gathering, DateTime<Utc>, TimeDelta) -> DateTime<Utc>,
) -> bool {
    let now = draft.now;
    let warnings = &draft.policy.book.contract.at(now).warnings;
    let window = window(warnings);
    let counters = known.counters();
    let mut gathering = known.gathering(name).cloned().unwrap_or_else(|| Gathering {
        name: name.into(),
        person: person.id.clone(),
        ..Gathering::default()
    });
    gathering.recent.retain(|at| now - *at < window);
    let alone =
        gathering.waiting.is_empty() && gathering.recent.len() < warnings.storm_count as usize;
    if alone {
        gathering.recent.push(now);
    } else {
        let due = due(&gathering, now, window);
        gathering.due = Some(gathering.due.map_or(due, |before| before.min(due)));
        gathering.waiting.push(item);
    }
    let full = gathering.waiting.len() >= LINES_MAX;
    let because_full = full.then(|| gathering.clone());
    if full {
        emptied(&mut gathering);
    }
    draft.also.push(Record::Gathering(Box::new(gathering)));
    let because_full = because_full.map(|g| for_its_reader(draft.policy, known, g));
    if let Some(gathering) = because_full.filter(|g| !g.waiting.is_empty()) {
        let text = text(draft.policy, known, Some(&draft.ticket), &gathering, now);
        let (kind, queue) = (kind(&gathering), draft.ticket.queue.clone());
        let tells = Tells::Gathered(gathering.waiting);
        draft
            .circulars(counters)
            .letter(kind, &queue, person, text, tells);
    }
    alone
}

fn window(warnings: &Warnings) -> TimeDelta {
    TimeDelta::minutes(i64::from(warnings.storm_window_min))
}

fn emptied(gathering: &mut Gathering) {
    gathering.waiting.clear();
    gathering.due = None;
}

/// What is gathered under a name goes.
pub fn due(policy: &Policy, known: &Known, name: &str, now: DateTime<Utc>) -> Outcome {
    let counters = known.counters();
    let gathering = known.gathering(name);
    let Some(gathering) = gathering.filter(|g| g.due.is_some_and(|at| at <= now)) else {
        return Outcome::of("nothing is gathered any more");
    };
    let mut letters = Circulars::of(policy, counters, now);
    // Who left the staff is told nothing more.
    if let Some(person) = policy.book.staff.by_id(&gathering.person) {
        told_anew(&mut letters, known, person, &gathering.waiting);
    }
    let mut after = gathering.clone();
    emptied(&mut after);
    after.digested = Some(now);
    let because = format!("{} in one letter", gathering.waiting.len());
    letters.join(Outcome::of(because).with(Record::Gathering(Box::new(after))))
}

/// In one letter what was gathered, as far as its reader may know of it by now; nobody is told that there is nothing to tell.
pub(super) fn told_anew(
    letters: &mut Circulars,
    known: &Known,
    person: &Person,
    items: &[Gathered],
) {
    let (policy, now) = (letters.policy, letters.now);
    let gathering = Gathering {
        person: person.id.clone(),
        waiting: items.to_vec(),
        ..Gathering::default()
    };
    let shown = for_its_reader(policy, known, gathering);
    let Some(first) = shown.waiting.first() else {
        return;
    };
    let ticket = known.ticket(about(first));
    let queue = ticket.map_or("", |ticket| ticket.queue.as_str());
    let text = text(policy, known, None, &shown, now);
    let kind = kind(&shown);
    letters.letter(kind, queue, person, text, Tells::Gathered(shown.waiting));
}

/// Without what has gone to a confidential queue since, if he is not of that one.
fn for_its_reader(policy: &Policy, known: &Known, mut gathering: Gathering) -> Gathering {
    let person = policy.book.staff.by_id(&gathering.person);
    gathering.waiting.retain(|item| {
        let queue = known.ticket(about(item)).map_or("", |t| t.queue.as_str());
        !policy.queue(queue).confidential || person.is_some_and(|p| may_act(p, queue))
    });
    gathering
}

/// Whose.
pub(super) fn about(item: &Gathered) -> TicketId {
    match item {
        Gathered::Step { ticket, .. } => *ticket,
        Gathered::Reply(place) => place.ticket,
    }
}

/// A digest of warnings is as urgent as they are.
fn kind(gathering: &Gathering) -> LetterKind {
    match gathering.waiting.first() {
        Some(Gathered::Step { .. }) => LetterKind::Warning,
        _ => LetterKind::Digest,
    }
}

/// What waits, in words: of each ticket as it is now.
fn text(
    policy: &Policy,
    known: &Known,
    own: Option<&Ticket>,
    gathering: &Gathering,
    now: DateTime<Utc>,
) -> Text {
    let ticket = |id: TicketId| match own {
        Some(ticket) if ticket.id == id => Some(ticket),
        _ => known.ticket(id),
    };
    let lines = gathering.waiting.iter().filter_map(|item| match item {
        Gathered::Step { clock, step, .. } => {
            let ticket = ticket(about(item))?;
            of_step(policy, ticket, *clock, *step, now)
        }
        Gathered::Reply(place) => Some(of_reply(policy, ticket(place.ticket)?, *place)),
    });
    let content = Digest {
        replies: matches!(gathering.waiting.first(), Some(Gathered::Reply(_))),
        count: gathering.waiting.len(),
        lines: lines.collect(),
    };
    policy.templates.letter(Language::En, &content)
}

/// `#12 severity 1, ACME AG: initial response (C4.1) due Mon 07.09.2026 10:00, 20 min left`, how that was computed, and what waiting costs.
fn of_step(
    policy: &Policy,
    ticket: &Ticket,
    kind: ClockKind,
    step: Step,
    now: DateTime<Utc>,
) -> Option<String> {
    let clock = ticket.clocks.iter().rfind(|c| c.kind == kind)?;
    let book = policy.book_of(ticket, Some(clock));
    let secret = policy.queue(&ticket.queue).confidential;
    let customer = match ticket.subscription.customer_name.as_str() {
        "" => String::new(),
        _ if secret => String::new(),
        name => format!(", {name}"),
    };
    let head = format!(
        "#{} severity {}{customer}: {} ({}) due {}, {}{}",
        ticket.id,
        ticket.severity,
        overdue::clock_word(kind).to_lowercase(),
        clock.objective.clause,
        book.local(clock.deadline),
        standing(clock, step, now),
        if clock.objective.internal {
            ", our own target"
        } else {
            ""
        },
    );
    let computed = overdue::computed(book, clock);
    let account = ticket.account_of(clock);
    let cost = policy
        .book_of_term(book, account, clock.deadline)
        .price_of_waiting(account, &clock.objective, clock.started, clock.deadline)
        .filter(|_| !secret && clock.is_running());
    let cost = cost.map_or(String::new(), |cost| format!(". Waiting costs {cost}"));
    Some(format!("{head}. {computed}{cost}"))
}

fn standing(clock: &Clock, step: Step, now: DateTime<Utc>) -> String {
    use super::correspondence::duration;
    if let Some(at) = clock.stopped {
        return format!("answered {} ago", duration(now - at));
    }
    match step {
        Step::Repeat(n) => format!("{} late, reminder {n}", duration(now - clock.deadline)),
        _ if now >= clock.deadline => format!("{} late", duration(now - clock.deadline)),
        _ => format!("{} left", duration(clock.deadline - now)),
    }
}

fn of_reply(policy: &Policy, ticket: &Ticket, place: Place) -> String {
    let subject = match policy.queue(&ticket.queue).confidential {
        true => "",
        false => ticket.subject.as_str(),
    };
    format!("#{}: entry {} {subject}", ticket.id, place.seq)
}
