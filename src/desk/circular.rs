//! Letters about no single ticket: digests and review packs.
//!
//! Knows how such a letter is numbered, addressed and kept: as an entry of the file, beside the mail that opened no ticket. An answer to one proves nothing and
//! is about nothing; it is set aside like any mail of staff that answers no notice.
//!
//! Promise: none leaves that speaks of a ticket which is confidential by now to a queue that its reader is not of, however long it waited, and however old what
//! it was made of was by then. Each says what it speaks of ([`Tells`]), and is asked when its turn has come: after that nothing stops it. What else it told is
//! told anew.

use super::letter::{Letter, LetterKind, Text};
use super::policy::Policy;
use super::record::{
    Counters, Direction, Entry, EntryKind, LetterFacts, Outcome, Place, Record, Road, Tells,
};
use super::ticket::TicketId;
use super::{Known, digest, opening, review};
use crate::contract::Person;
use crate::mail::text::cleaned;
use crate::mail::{Fingerprint, Mailbox};
use chrono::{DateTime, Utc};

/// Letters in the making.
#[derive(Clone)]
pub(super) struct Circulars<'a> {
    pub policy: &'a Policy,
    pub now: DateTime<Utc>,
    counters: Counters,
    entries: Vec<Entry>,
    letters: Vec<(Place, Letter)>,
}

impl<'a> Circulars<'a> {
    /// None yet; `counters` are those of now.
    pub fn of(policy: &'a Policy, counters: Counters, now: DateTime<Utc>) -> Self {
        Circulars {
            policy,
            now,
            counters,
            entries: vec![],
            letters: vec![],
        }
    }

    /// One to somebody of the staff, from a queue's address.
    pub fn letter(
        &mut self,
        kind: LetterKind,
        queue: &str,
        person: &Person,
        text: Text,
        tells: Tells,
    ) {
        let (policy, now) = (self.policy, self.now);
        let Some(address) = person.addresses.first() else {
            return;
        };
        let queue = policy.queue(queue);
        self.counters.filed += 1;
        let place = Place {
            ticket: TicketId::FILE,
            seq: self.counters.filed,
        };
        let token = policy
            .keys
            .token(kind, place, Fingerprint([0; 32]), address);
        let message_id = format!("{token}@{}", policy.domain);
        let subject = cleaned(&text.subject, 200);
        let road = match policy.hold_letters {
            true => Road::Held,
            false => Road::Waiting { next_try: now },
        };
        self.entries.push(Entry {
            place,
            at: now,
            kind: EntryKind::Letter,
            direction: Direction::Out,
            from: "ticketd".into(),
            subject: subject.clone(),
            message_id: Some(message_id.clone()),
            text: String::new(),
            mail: None,
            letter: Some(LetterFacts {
                kind,
                to: address.clone(),
                // There is no ticket that a bounce could come back to: the outbox shows what failed.
                envelope_from: policy.bounce_address.clone().unwrap_or_default(),
                raw: None,
                road,
                attempts: 0,
                last_error: String::new(),
                returned: None,
                tells: Some(Box::new(tells)),
            }),
            credit: None,
            time: None,
            turns: vec![],
        });
        let letter = Letter {
            kind,
            from: Mailbox {
                name: queue.display_name.clone(),
                address: queue.address.clone(),
            },
            to: Mailbox {
                name: person.name.clone(),
                address: address.clone(),
            },
            reply_to: None,
            cc: vec![],
            subject,
            text: text.text,
            html: text.html,
            message_id,
            in_reply_to: None,
            references: vec![],
            date: now,
            enclosures: vec![],
            headers: vec![(
                "Ticketd-Id".into(),
                format!("{}@{}", TicketId::FILE, policy.domain),
            )],
        };
        self.letters.push((place, letter));
    }

    /// The outcome with these letters, and what they changed of the file.
    pub fn join(self, outcome: Outcome) -> Outcome {
        self.join_numbered(outcome, None)
    }

    /// The same, where the decision gives out other numbers too.
    pub fn join_numbered(self, outcome: Outcome, others: Option<Counters>) -> Outcome {
        if self.entries.is_empty() {
            return outcome;
        }
        let entries = self.entries.into_iter().map(|e| Record::Entry(Box::new(e)));
        let mut outcome = entries.fold(outcome, Outcome::with);
        outcome.letters.extend(self.letters);
        let filed = self.counters.filed;
        let counters = others.unwrap_or(self.counters);
        outcome.with(Record::Counters(Counters { filed, ..counters }))
    }
}

/// A letter whose turn has come, if it may not leave: it is dropped, and the rest of it told anew.
pub(super) fn withheld(
    policy: &Policy,
    known: &Known,
    entry: &Entry,
    now: DateTime<Utc>,
) -> Option<Outcome> {
    let letter = entry.letter.as_ref()?;
    let tells = letter.tells.as_deref()?;
    let person = policy.book.staff.by_address(&letter.to);
    // All are asked for at once, so that one loading answers them.
    let mut hidden = about(tells);
    hidden.retain(|place| is_hidden(policy, known, person, *place));
    if hidden.is_empty() {
        return None;
    }
    let mut dropped = entry.clone();
    dropped.text = "Not sent: something that it speaks of is confidential by now.".into();
    dropped.letter = Some(LetterFacts {
        road: Road::Dropped { at: now },
        ..letter.clone()
    });
    let because = format!("letter 0/{}: dropped, and told anew", entry.place.seq);
    let outcome = Outcome {
        refused: true,
        ..Outcome::of(because)
    };
    let outcome = outcome.with(Record::Entry(Box::new(dropped)));
    // Who left the staff is told nothing more.
    let Some(person) = person else {
        return Some(outcome);
    };
    let mut letters = Circulars::of(policy, known.counters(), now);
    let round = match tells {
        Tells::Gathered(items) => {
            digest::told_anew(&mut letters, known, person, items);
            None
        }
        Tells::Opening { queue, since, .. } => opening::told_anew(known, queue, person, *since),
        Tells::Review {
            customer, until, ..
        } => review::told_anew(known, customer, *until),
    };
    let outcome = letters.join(outcome);
    Some(match round {
        Some(round) => outcome.with(Record::Round(round)),
        None => outcome,
    })
}

fn about(tells: &Tells) -> Vec<Place> {
    let whole = |ticket: TicketId| Place { ticket, seq: 1 };
    match tells {
        Tells::Gathered(items) => items.iter().map(|i| whole(digest::about(i))).collect(),
        Tells::Opening { of, .. } => of.clone(),
        Tells::Review { of, .. } => of.iter().copied().map(whole).collect(),
    }
}

/// Whether this ticket, or this entry of the file, is confidential to a queue that this person is not of.
fn is_hidden(policy: &Policy, known: &Known, person: Option<&Person>, place: Place) -> bool {
    let queue = match place.ticket {
        TicketId::FILE => {
            let entry = known.entry(place);
            let mail = entry.and_then(|e| e.mail.as_ref());
            mail.map(|mail| &mail.queue)
        }
        id => known.ticket(id).map(|ticket| &ticket.queue),
    };
    queue.is_some_and(|queue| {
        policy.queue(queue).confidential && !person.is_some_and(|p| p.queues.contains(queue))
    })
}
