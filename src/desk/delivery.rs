//! A letter went a step on its road.
//!
//! | road     | event    | becomes | and |
//! |----------|----------|---------|-----|
//! | waiting  | taken    | taken, one attempt more | from here on nobody can know |
//! | waiting  | taken    | dropped | it speaks of what its reader may not know of any more ([`super::circular`]): its content must not follow |
//! | waiting, taken | accepted | accepted | an answer stops its clocks (C4.4) |
//! | waiting, taken | deferred | waiting, later | failed after five days and two dozen tries; a warning that waited for it goes ([`super::overdue`]) |
//! | waiting, taken | refused  | failed | staff are told if it was for a customer; a warning that waited for it goes |
//! | taken    | lost     | waiting (answers, warnings), unknown (all others) | the same Message-ID |
//! | held, waiting, failed, unknown | released | waiting, now | its tries begin anew |
//! | failed, unknown, dropped | accepted | accepted | heard late, a fact all the same; not if it came back meanwhile ([`super::returned`]) |
//! | any but accepted | dropped | dropped | a warning that waited for it goes |

use super::clocks::{self, Turn};
use super::draft::Draft;
use super::event::{Moved, Movement};
use super::record::{Entry, EntryKind, Fate, LetterFacts, Outcome, Record, Road};
use super::ticket::{State, Ticket, TicketId};
use super::{Known, LetterKind, Policy, circular, command, correspondence, overdue, returned};
use crate::contract::Role;
use chrono::{DateTime, TimeDelta, Utc};

/// Minutes until the next try, by attempts (QUIRKS.md, SMTP 2): five at first, growing to an hour.
const RETRY_MINUTES: [i64; 6] = [1, 5, 10, 20, 40, 60];
/// Then it is given up (RFC 5321 4.5.4.1).
const GIVE_UP_DAYS: i64 = 5;
/// Not before it was tried so often, however old: a letter that an operator held for a week, or a house that was down, has its chance.
const GIVE_UP_ATTEMPTS: u32 = 24;
/// A letter whose fate is not heard of by then is asked about again: longer than the ten minutes a server may think after the dot.
const TAKEN_MINUTES: i64 = 20;

/// Records it; an accepted answer stops the clock (C4.4).
pub fn moved(policy: &Policy, known: &Known, moved: &Moved, now: DateTime<Utc>) -> Outcome {
    let (entry, ticket) = (known.entry(moved.letter), known.ticket(moved.letter.ticket));
    let Some(entry) = entry else {
        return Outcome::of("no such letter");
    };
    let Some(letter) = &entry.letter else {
        return Outcome::of("not a letter");
    };
    let Some(road) = next_road(entry, letter, &moved.to, now) else {
        return Outcome::of("already further on its road");
    };
    if let Road::Taken { .. } = road
        && let Some(outcome) = circular::withheld(policy, known, entry, now)
    {
        return outcome;
    }
    // The next server had it in hand when the ticket went where its recipient may not know of it, and gave it back.
    let is_out = |t: &Ticket| {
        let hidden = policy.queue(&t.queue).confidential && !t.former_queues.is_empty();
        hidden && is_to_others(policy, t, letter)
    };
    let road = match road {
        Road::Waiting { .. } if ticket.is_some_and(is_out) => Road::Dropped { at: now },
        road => road,
    };
    let mut changed = entry.clone();
    changed.letter = Some(LetterFacts {
        road: road.clone(),
        attempts: attempts(letter, &moved.to),
        last_error: words(&moved.to),
        // Released it goes out anew.
        returned: letter
            .returned
            .filter(|_| !matches!(moved.to, Movement::Released)),
        ..letter.clone()
    });
    let because = format!(
        "letter {}/{}: {}",
        moved.letter.ticket,
        moved.letter.seq,
        road_word(&road)
    );
    // A letter of the file is about no ticket: what became of it stands in the outbox.
    let Some(ticket) = ticket else {
        return Outcome::of(because).with(Record::Entry(Box::new(changed)));
    };
    let mut draft = Draft::of(policy, ticket.clone(), now);
    let is_answer = is_answer(&draft.ticket, letter);
    match road {
        Road::Accepted { at } if is_answer => answered(&mut draft, known, entry, at),
        Road::Failed { .. } => {
            if is_answer {
                overdue::waits_no_more(&mut draft, known);
            }
            failed(&mut draft, entry, letter, &words(&moved.to));
        }
        Road::Unknown { .. } => draft.note(
            EntryKind::Note,
            &format!(
                "Nobody can know whether the letter of entry {} left; it is not sent again.",
                moved.letter.seq
            ),
        ),
        Road::Waiting { .. } | Road::Dropped { .. }
            if is_answer && overdue::waits_no_more(&mut draft, known) => {}
        _ => return Outcome::of(because).with(Record::Entry(Box::new(changed))),
    }
    draft
        .finish(because, Fate::None)
        .with(Record::Entry(Box::new(changed)))
}

/// Whether it is a letter to somebody who is neither of the ticket's queue nor the customer's.
pub(super) fn is_to_others(policy: &Policy, ticket: &Ticket, letter: &LetterFacts) -> bool {
    let outside = matches!(
        letter.kind,
        LetterKind::Relay | LetterKind::Acknowledgement | LetterKind::Change
    );
    let person = policy.book.staff.by_address(&letter.to);
    !outside && !person.is_some_and(|p| command::may_act(p, &ticket.queue))
}

fn next_road(
    entry: &Entry,
    letter: &LetterFacts,
    to: &Movement,
    now: DateTime<Utc>,
) -> Option<Road> {
    let on_its_way = matches!(letter.road, Road::Waiting { .. } | Road::Taken { .. });
    match to {
        Movement::Taken if matches!(letter.road, Road::Waiting { .. }) => Some(Road::Taken {
            at: now,
            next_try: now + TimeDelta::minutes(TAKEN_MINUTES),
        }),
        // An acceptance heard late still counts, whatever was thought of the letter meanwhile; unless it has come back already.
        Movement::Accepted(_)
            if letter.returned.is_none()
                && !matches!(letter.road, Road::Accepted { .. } | Road::Held) =>
        {
            Some(Road::Accepted { at: now })
        }
        Movement::Deferred(_) if on_its_way => Some(later(entry, letter, now)),
        Movement::Refused(_) if on_its_way => Some(Road::Failed { at: now }),
        Movement::Lost(_)
            if matches!(letter.road, Road::Taken { .. })
                && letter.kind.is_resent_when_unknown() =>
        {
            Some(later(entry, letter, now))
        }
        Movement::Lost(_) if matches!(letter.road, Road::Taken { .. }) => {
            Some(Road::Unknown { at: now })
        }
        Movement::Lost(_) if on_its_way => Some(later(entry, letter, now)),
        Movement::Released
            if matches!(
                letter.road,
                Road::Held | Road::Failed { .. } | Road::Unknown { .. } | Road::Waiting { .. }
            ) =>
        {
            Some(Road::Waiting { next_try: now })
        }
        Movement::Dropped
            if !matches!(letter.road, Road::Accepted { .. } | Road::Dropped { .. }) =>
        {
            Some(Road::Dropped { at: now })
        }
        _ => None,
    }
}

fn later(entry: &Entry, letter: &LetterFacts, now: DateTime<Utc>) -> Road {
    let is_old = now - entry.at > TimeDelta::days(GIVE_UP_DAYS);
    if is_old && letter.attempts >= GIVE_UP_ATTEMPTS {
        return Road::Failed { at: now };
    }
    let minutes = RETRY_MINUTES[(letter.attempts as usize).min(RETRY_MINUTES.len() - 1)];
    Road::Waiting {
        next_try: now + TimeDelta::minutes(minutes),
    }
}

/// An attempt is counted before it is made; one that never came to the content is counted when it failed.
fn attempts(letter: &LetterFacts, to: &Movement) -> u32 {
    match (to, &letter.road) {
        (Movement::Taken, _) => letter.attempts + 1,
        (Movement::Deferred(_), Road::Waiting { .. }) => letter.attempts + 1,
        (Movement::Released, _) => 0,
        _ => letter.attempts,
    }
}

/// A human answered, and the next mail server took the answer (C4.4).
fn answered(draft: &mut Draft, known: &Known, entry: &Entry, at: DateTime<Utc>) {
    answered_by(draft, known, &entry.from, entry.at, at);
}

/// Ends the clocks that an answer by this member of the staff ends; of an escalation's, only a manager's does (C7.3). What began after the answer was written
/// is not answered by it. The clocks of the tickets that were merged into this one end with its own (C4.10).
pub(super) fn answered_by(
    draft: &mut Draft,
    known: &Known,
    staff_id: &str,
    written: DateTime<Utc>,
    at: DateTime<Utc>,
) {
    let merged: Vec<TicketId> = draft.ticket.merged.clone();
    for ticket in merged.into_iter().filter_map(|id| known.ticket(id)) {
        let runs = clocks::answered(draft.beside_as_it_is(ticket), true, written);
        if !runs.is_empty() {
            let mut other = draft.take_beside(ticket);
            ended(&mut other, staff_id, written, at);
            draft.beside.push(other);
        }
    }
    ended(draft, staff_id, written, at);
}

/// Which running clocks an answer ends that this member of the staff wrote then.
pub(super) fn ends(
    policy: &Policy,
    ticket: &Ticket,
    staff_id: &str,
    written: DateTime<Utc>,
) -> Vec<usize> {
    clocks::answered(ticket, is_manager(policy, staff_id), written)
}

fn is_manager(policy: &Policy, staff_id: &str) -> bool {
    let person = policy.book.staff.by_id(staff_id);
    person.is_some_and(|p| p.role == Role::Manager)
}

/// Whether the clocks wait for it: a copy is no answer (C4.4).
fn is_answer(ticket: &Ticket, letter: &LetterFacts) -> bool {
    letter.kind == LetterKind::Relay && returned::is_to_requester(ticket, letter)
}

/// Whether this is an answer to the one who asked that is on its way for the first time: nothing is known against it yet.
pub(super) fn is_leaving(ticket: &Ticket, entry: &Entry) -> bool {
    let Some(letter) = &entry.letter else {
        return false;
    };
    is_answer(ticket, letter)
        && match letter.road {
            Road::Waiting { .. } => letter.attempts == 0,
            Road::Taken { .. } => letter.attempts == 1,
            _ => false,
        }
}

fn ended(draft: &mut Draft, staff_id: &str, written: DateTime<Utc>, at: DateTime<Utc>) {
    draft.ticket.responded.get_or_insert(at);
    let clocks = &draft.ticket.clocks;
    let crossed = clocks.iter().any(|c| c.is_running() && c.started > written);
    draft.ticket.state = match draft.ticket.state {
        State::Closed | State::Void => draft.ticket.state,
        _ if crossed => State::Open,
        _ => State::WaitingCustomer,
    };
    let manager = is_manager(draft.policy, staff_id);
    let ended = clocks::answered(&draft.ticket, manager, written);
    for index in &ended {
        let clock = &draft.ticket.clocks[*index];
        let words = format!(
            "{} ({}) ended: answered by {staff_id}, accepted {}.",
            overdue::clock_word(clock.kind),
            clock.objective.clause,
            draft.policy.book.local(at)
        );
        draft.note(EntryKind::State, &words);
    }
    if ended.is_empty() {
        return;
    }
    draft.turn(Turn::Answered {
        manager,
        written,
        at,
    });
}

/// A letter that will not arrive is never silence: for a customer's letter the staff are told, for staff's own the outbox and `status` show it.
fn failed(draft: &mut Draft, entry: &Entry, letter: &LetterFacts, words: &str) {
    draft.note(
        EntryKind::Note,
        &format!(
            "The letter of entry {} to {} failed: {words}",
            entry.place.seq, letter.to
        ),
    );
    let ticket = &draft.ticket;
    let is_ours = ticket.state != State::Void && ticket.merged_into.is_none();
    if is_ours && is_answer(ticket, letter) {
        clocks::ours(draft, draft.now);
    }
    if letter.kind.is_human() || letter.kind.is_for_strangers() {
        // A server's refusal names the address, and who reported is part of what was reported (ATTACKS.md G01).
        let told = match draft.queue().confidential {
            true => "the ticket's record says why",
            false => words,
        };
        correspondence::undelivered(draft, entry, letter, told);
    }
}

fn words(to: &Movement) -> String {
    let words = match to {
        Movement::Accepted(w)
        | Movement::Deferred(w)
        | Movement::Refused(w)
        | Movement::Lost(w) => w.as_str(),
        Movement::Taken | Movement::Released | Movement::Dropped => "",
    };
    crate::mail::text::cleaned(words, 300)
}

/// For people and `--json`.
pub fn road_word(road: &Road) -> &'static str {
    match road {
        Road::Held => "held",
        Road::Waiting { .. } => "waiting",
        Road::Taken { .. } => "taken",
        Road::Accepted { .. } => "accepted",
        Road::Failed { .. } => "failed",
        Road::Unknown { .. } => "unknown",
        Road::Dropped { .. } => "dropped",
    }
}
