//! A letter of ours comes back (C4.7; ATTACKS.md A09, C04).
//!
//! A bounce is believed if it came to the return path that was signed for that letter. A letter that left without one is known by its own Message-ID, with a
//! valid MAC, among what is given back. Any other bounce is filed and does nothing: anyone can write one. A report of delay changes nothing either.
//!
//! | the letter | what follows |
//! |---|---|
//! | an answer, through no fault of the customer's | its clocks run on, without the time between acceptance and bounce; staff are told |
//! | an answer, through one (5.1.x, 5.2.x) | its clocks stay stopped; staff are told |
//! | another letter to a customer, a copy | staff are told |
//! | a letter to staff | the others of the queue are told, once while the address rests |
//!
//! And the address rests: no automatic letter goes there for a day, so that a full mailbox and a desk never talk to each other.

use super::arrival::{self, Case};
use super::belonging::{Belonging, Proof};
use super::clocks::Turn;
use super::draft::Draft;
use super::record::{
    Allowance, Direction, Entry, EntryKind, Fate, LetterFacts, Outcome, Place, Record, Road,
};
use super::ticket::{Clock, ClockKind, State, Ticket};
use super::{Known, LetterKind, Policy, command, correspondence, token};
use crate::contract::{Book, Objective, Person, Role, Step, Subscription};
use crate::mail::Kind;
use crate::mail::bounce::Bounce;
use crate::mail::text::cleaned;
use chrono::{DateTime, Utc};

const DAY_SECS: i64 = 86_400;

/// Whether any address rests at all: usually none does, and one look is enough to know it.
const ANY: &str = "rest";

fn rest_name(address: &str) -> String {
    format!("rest:{}", address.to_ascii_lowercase())
}

fn rests_by(known: &Known, name: &str, now: DateTime<Utc>) -> bool {
    known
        .allowance(name)
        .is_some_and(|a| a.sent_within(now, DAY_SECS) > 0)
}

/// The addresses, of the staff and this one, to which no automatic letter should go at present.
pub(super) fn resting(
    policy: &Policy,
    known: &Known,
    now: DateTime<Utc>,
    other: Option<&str>,
) -> Vec<String> {
    if !rests_by(known, ANY, now) {
        return vec![];
    }
    let people = policy.book.staff.people.iter();
    people
        .flat_map(|p| p.addresses.iter().map(String::as_str))
        .chain(other)
        .filter(|address| rests_by(known, &rest_name(address), now))
        .map(str::to_ascii_lowercase)
        .collect()
}

/// The letter that this bounce proves to be about.
pub(super) fn letter_of(case: &Case, known: &Known, belonging: &Belonging) -> Option<Place> {
    let bounce = (case.mail.bounce.as_ref()).filter(|_| case.mail.kind == Kind::Bounce)?;
    match belonging.proof.as_ref()? {
        // What came to the path of one letter and gives back another is nobody's bounce.
        Proof::ReturnPath { place } => bounced(case, bounce)
            .is_none_or(|named| named == *place)
            .then_some(*place),
        Proof::Token { place, .. } => {
            let signed = known
                .entry(*place)?
                .letter
                .as_ref()
                .is_some_and(|l| l.envelope_from.contains('+'));
            (!signed && bounced(case, bounce) == Some(*place)).then_some(*place)
        }
        Proof::Stored | Proof::Number => None,
    }
}

/// The letter that the returned Message-ID claims.
fn bounced(case: &Case, bounce: &Bounce) -> Option<Place> {
    let id = bounce.original_message_id.as_deref()?;
    token::claim_of_message_id(id, &case.policy.domain).map(|claim| claim.place)
}

/// What becomes of a bounce that proves its letter.
pub(super) fn came_back(case: &Case, known: &Known, ticket: Ticket, place: Place) -> Outcome {
    let entry = known.entry(place).cloned();
    let written = known.entries(ticket.id).to_vec();
    let Some((entry, letter)) = entry.and_then(|e| e.letter.clone().map(|l| (e, l))) else {
        return Outcome::default();
    };
    let rested = rests_by(known, &rest_name(&letter.to), case.now);
    let allowances: Vec<Allowance> = [rest_name(&letter.to), ANY.into()]
        .into_iter()
        .map(|name| one_more(known, name, case.now))
        .collect();
    let words = said(case);
    let because = format!("the letter of entry {} came back", place.seq);
    let mut draft = case.draft(ticket);
    arrival::record_mail(
        &mut draft,
        case,
        EntryKind::Bounce,
        &format!("The letter of entry {} came back: {words}.", place.seq),
    );
    let again = letter.returned.is_some();
    let mut changed = entry.clone();
    changed.letter = Some(LetterFacts {
        road: Road::Failed { at: case.now },
        last_error: format!("came back: {words}"),
        returned: Some(case.now),
        ..letter.clone()
    });
    if !again && !case.arrival.silent {
        consequences(&mut draft, known, case, &entry, &letter, &written, rested);
    }
    let outcome = draft
        .finish(because, Fate::Filed)
        .with(Record::Entry(Box::new(changed)));
    allowances
        .into_iter()
        .fold(outcome, |o, a| o.with(Record::Allowance(a)))
}

fn one_more(known: &Known, name: String, now: DateTime<Utc>) -> Allowance {
    known
        .allowance(&name)
        .cloned()
        .unwrap_or_else(|| Allowance {
            name,
            ..Allowance::default()
        })
        .with_one_more(now)
}

/// What the report says, in few words; the rest is in the mail.
fn said(case: &Case) -> String {
    let bounce = case.mail.bounce.as_ref();
    let status = bounce.map(|b| b.status.as_str()).unwrap_or_default();
    match status {
        "" => "it names no status".into(),
        status => format!("status {}", cleaned(status, 20)),
    }
}

fn consequences(
    draft: &mut Draft,
    known: &Known,
    case: &Case,
    entry: &Entry,
    letter: &LetterFacts,
    written: &[Entry],
    rested: bool,
) {
    if letter.kind.is_for_staff() {
        if !rested {
            told_otherwise(draft, entry, letter, &said(case));
        }
        return;
    }
    let mut words = said(case);
    let is_answer = letter.kind == LetterKind::Relay && is_to_requester(&draft.ticket, letter);
    match letter.road {
        Road::Accepted { at } if is_answer => {
            if is_customers_fault(case) {
                words.push_str(
                    ", which is on the customer's side: the clocks stay stopped (C4.7), and somebody should reach them in another way",
                );
            } else if !answered_meanwhile(written, entry, at) {
                words.push_str(&ran_on(draft, known, at, case.arrival.received));
            }
        }
        _ => {}
    }
    correspondence::undelivered(draft, entry, letter, &words);
}

/// Whether a letter goes to the one who asked: a copy of an answer is none.
pub(super) fn is_to_requester(ticket: &Ticket, letter: &LetterFacts) -> bool {
    letter.to.eq_ignore_ascii_case(&ticket.requester.address)
}

/// No such mailbox or domain, or a mailbox that takes nothing (RFC 3463, 3.2 and 3.3). 5.1.7 and 5.1.8 are about the sender, which is us.
fn is_customers_fault(case: &Case) -> bool {
    let status = case.mail.bounce.as_ref().map(|b| b.status.as_str());
    let mut digits = status.unwrap_or_default().split('.').skip(1);
    match (digits.next(), digits.next()) {
        (Some("1"), detail) => !matches!(detail, Some("7" | "8")),
        (Some("2"), _) => true,
        _ => false,
    }
}

/// Whether the customer has another answer since: one more accepted, or one that went to him directly.
fn answered_meanwhile(written: &[Entry], bounced: &Entry, accepted: DateTime<Utc>) -> bool {
    written.iter().any(|entry| {
        let relayed = entry.letter.as_ref().is_some_and(|l| {
            let to_him = bounced.letter.as_ref().is_some_and(|b| b.to == l.to);
            l.kind == LetterKind::Relay
                && to_him
                && matches!(l.road, Road::Accepted { at } if at >= accepted)
        });
        let directly = entry.kind == EntryKind::Mail && entry.direction == Direction::Out;
        entry.place != bounced.place && (relayed || directly && entry.at >= accepted)
    })
}

/// The clocks that this answer ended run on; the time between acceptance and bounce is not counted (C4.7). What to tell.
fn ran_on(
    draft: &mut Draft,
    known: &Known,
    accepted: DateTime<Utc>,
    returned: DateTime<Utc>,
) -> String {
    // What was merged into it was answered by it, too (C4.10).
    let merged = draft.ticket.merged.clone();
    for ticket in merged.into_iter().filter_map(|id| known.ticket(id)) {
        if ticket.clocks.iter().any(|c| c.stopped == Some(accepted)) {
            let mut other = draft.take_beside(ticket);
            let words = format!(
                "The answer in ticket {} came back: the clocks that it ended run on (C4.7).",
                draft.ticket.id
            );
            other.note(EntryKind::State, &words);
            other.turn(Turn::Returned { accepted, returned });
            other.ticket.responded = other.ticket.responded.filter(|at| *at != accepted);
            draft.beside.push(other);
        }
    }
    let mut promised = None;
    let mut resumed = vec![];
    let ended = |c: &Clock| c.stopped == Some(accepted);
    let ended: Vec<bool> = draft.ticket.clocks.iter().map(ended).collect();
    draft.turn(Turn::Returned { accepted, returned });
    for (clock, ended) in draft.ticket.clocks.iter().zip(ended) {
        if !ended {
            continue;
        }
        resumed.push((clock.kind, clock.deadline));
        if !clock.objective.internal {
            promised.get_or_insert(clock.deadline);
        }
    }
    if resumed.is_empty() {
        return String::new();
    }
    if resumed
        .iter()
        .any(|(k, _)| *k == ClockKind::InitialResponse)
        && draft.ticket.responded == Some(accepted)
    {
        draft.ticket.responded = None;
    }
    draft.ticket.state = match draft.ticket.responded {
        Some(_) => State::Open,
        None => State::New,
    };
    draft.ticket.closed = None;
    for (kind, deadline) in resumed {
        let due = correspondence::local(draft, deadline);
        draft.note(
            EntryKind::State,
            &format!(
                "{} runs on (C4.7): the answer came back; the time between its acceptance and the bounce is not counted. Due {due}.",
                super::overdue::clock_word(kind)
            ),
        );
    }
    match promised {
        Some(deadline) => format!("; due {}", correspondence::local(draft, deadline)),
        None => String::new(),
    }
}

/// The clock runs on, and the time that it stood is not counted.
pub(super) fn resume(
    policy: &Policy,
    (book, account): (&Book, &Subscription),
    clock: &mut Clock,
    accepted: DateTime<Utc>,
    returned: DateTime<Utc>,
) {
    let returned = returned.max(accepted);
    let stood = [(accepted, returned)];
    clock.deadline = put_off(book, &clock.objective, clock.deadline, &stood);
    // A severity that comes back does not bring the time back that does not count.
    for (severity, deadline) in &mut clock.by_severity {
        let objective = match clock.kind {
            ClockKind::InitialResponse => book.initial_response(account, *severity, clock.started),
            _ => clock.objective.clone(),
        };
        *deadline = put_off(book, &objective, *deadline, &stood);
    }
    clock.uncounted.push((accepted, returned));
    clock.stopped = None;
    clock.next = next_step(policy, book, clock, returned);
    // Reminders whose time came while nobody owed anything are not owed now.
    while let Some((at, step @ Step::Repeat(_))) = clock.next
        && at <= returned
    {
        clock.step_done = Some(step);
        clock.next = next_step(policy, book, clock, returned);
    }
}

/// A deadline, later by what of the time before it does not count (C4.7).
pub(super) fn put_off(
    book: &Book,
    objective: &Objective,
    deadline: DateTime<Utc>,
    uncounted: &[(DateTime<Utc>, DateTime<Utc>)],
) -> DateTime<Utc> {
    uncounted.iter().fold(deadline, |deadline, (from, to)| {
        if *from > deadline {
            return deadline;
        }
        let left = book.left_secs(objective, *from, deadline);
        let hours = book.hours(objective, *to);
        hours.add(*to, left).unwrap_or(deadline)
    })
}

/// The next step of a clock's warnings: their shares are of the time that counts. What was promised goes by the contract of then, who is there to be warned by
/// the rota of now.
pub(super) fn next_step(
    policy: &Policy,
    book: &Book,
    clock: &Clock,
    now: DateTime<Utc>,
) -> Option<(DateTime<Utc>, Step)> {
    book.next_step_at(
        &policy.book.desk_hours(now),
        &clock.objective,
        began(book, clock),
        clock.deadline,
        clock.step_done,
    )
}

/// Since when a clock would run if it had never stood still before its deadline.
fn began(book: &Book, clock: &Clock) -> DateTime<Utc> {
    let hours = book.hours(&clock.objective, clock.started);
    let stood: u64 = clock
        .uncounted
        .iter()
        .map(|(from, to)| hours.between(*from, (*to).min(clock.deadline)))
        .sum();
    match stood {
        0 => clock.started,
        secs => hours.add(clock.started, secs).unwrap_or(clock.started),
    }
}

/// The instant at which as much time after the deadline had passed as counts until `until`: lateness without what C4.7 leaves out.
pub(super) fn late_until(book: &Book, clock: &Clock, until: DateTime<Utc>) -> DateTime<Utc> {
    let hours = book.hours(&clock.objective, clock.deadline);
    let stood: u64 = clock
        .uncounted
        .iter()
        .map(|(from, to)| hours.between((*from).max(clock.deadline), (*to).min(until)))
        .sum();
    let late = hours.between(clock.deadline, until);
    match stood {
        0 => until,
        secs => hours
            .add(clock.deadline, late.saturating_sub(secs))
            .unwrap_or(until),
    }
}

/// Somebody of the staff has not heard: the others of the queue are told, whose own addresses do not rest.
fn told_otherwise(draft: &mut Draft, entry: &Entry, letter: &LetterFacts, words: &str) {
    let staff = &draft.policy.book.staff;
    let missed = staff.by_address(&letter.to);
    let is_missed = |p: &Person| missed.is_some_and(|m| m.id == p.id);
    let missed = missed.filter(|p| command::may_act(p, &draft.ticket.queue));
    let by_another_address = missed.and_then(|p| {
        let other = p.addresses.iter().find(|a| {
            !a.eq_ignore_ascii_case(&letter.to) && !draft.resting.contains(&a.to_ascii_lowercase())
        });
        other.map(|_| p)
    });
    let others = staff
        .people
        .iter()
        .filter(|p| p.role != Role::ReadOnly && p.queues.contains(&draft.ticket.queue));
    let people: Vec<&Person> = others
        .filter(|p| !is_missed(p))
        .chain(by_another_address)
        .collect();
    // The address that has just failed rests for the letters of this very decision too.
    draft.resting.push(letter.to.to_ascii_lowercase());
    let people: Vec<&Person> = people.into_iter().filter(|p| draft.reaches(p)).collect();
    if people.is_empty() {
        draft.note(
            EntryKind::Note,
            &format!(
                "Nobody is left who could be told by mail that the letter of entry {} came back.",
                entry.place.seq
            ),
        );
    }
    let name = missed.map_or(letter.to.as_str(), |p| p.name.as_str());
    let what = match letter.kind {
        LetterKind::Warning | LetterKind::Breach => "warning",
        LetterKind::Transcript => "answer",
        _ => "notice",
    };
    let failed = format!(
        "Our {what} of entry {} to {name} came back ({words}): {name} has not read it, and the address rests for a day.",
        entry.place.seq
    );
    for person in people {
        correspondence::did_not_arrive(draft, person, &failed);
    }
}
