//! Letters about no single ticket: digests and review packs.
//!
//! Knows how such a letter is numbered, addressed and kept: as an entry of the file, beside the mail that opened no ticket. An answer to one proves nothing and
//! is about nothing; it is set aside like any mail of staff that answers no notice.

use super::letter::{Letter, LetterKind, Text};
use super::policy::Policy;
use super::record::{
    Counters, Direction, Entry, EntryKind, LetterFacts, Outcome, Place, Record, Road,
};
use super::ticket::TicketId;
use crate::contract::Person;
use crate::mail::text::cleaned;
use crate::mail::{Fingerprint, Mailbox};
use chrono::{DateTime, Utc};

/// Letters in the making.
#[derive(Clone)]
pub(super) struct Circulars<'a> {
    policy: &'a Policy,
    now: DateTime<Utc>,
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
    pub fn letter(&mut self, kind: LetterKind, queue: &str, person: &Person, text: Text) {
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
