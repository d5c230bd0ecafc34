//! A decision in the making: one ticket, with the entries and letters it gains.
//!
//! Knows how entries are numbered and how a letter gets its token, its thread and its place in the outbox; does not know what is decided.

use super::circular::Circulars;
use super::letter::{Enclosure, Letter, LetterKind, Text};
use super::policy::{Policy, Queue, plus_address};
use super::record::{
    Counters, Direction, Entry, EntryKind, Fate, LetterFacts, Outcome, Place, Record, Road,
};
use super::ticket::{Clock, Ticket, TicketId};
use super::{Known, credit, token, update};
use crate::contract::{Book, Person};
use crate::mail::Mailbox;
use crate::mail::text::cleaned;
use chrono::{DateTime, Utc};

/// The longest text an entry keeps, bytes: the whole mail or letter lies in the journal.
const TEXT_BYTES_MAX: usize = 2_000;

/// The most ids a letter refers to.
const REFERENCES_MAX: usize = 12;

/// One ticket, with the entries and letters it gains by one event. Cloned, it can be tried and thrown away.
#[derive(Clone)]
pub struct Draft<'a> {
    /// As it will be.
    pub ticket: Ticket,
    /// What goes by.
    pub policy: &'a Policy,
    /// The event's instant.
    pub now: DateTime<Utc>,
    /// What the rules found in the mail it is about.
    pub reasons: Vec<String>,
    /// Whether that mail reopened it.
    pub reopened: bool,
    /// Whether managers have to know, though no clock waits for them.
    pub for_managers: bool,
    /// Addresses that take no automatic letter at present, lower case: letters to them came back.
    pub resting: Vec<String>,
    /// Other tickets that the same event changes.
    pub beside: Vec<Draft<'a>>,
    /// Other values that it changes.
    pub also: Vec<Record>,
    counters: Option<Counters>,
    entries: Vec<Entry>,
    letters: Vec<(Place, Letter)>,
    circulars: Option<Circulars<'a>>,
}

impl<'a> Draft<'a> {
    /// Whether letters were written about it already.
    pub fn has_letters(&self) -> bool {
        !self.letters.is_empty() || self.circulars.is_some()
    }

    /// A decision about this ticket.
    pub fn of(policy: &'a Policy, ticket: Ticket, now: DateTime<Utc>) -> Self {
        Draft {
            ticket,
            policy,
            now,
            reasons: vec![],
            reopened: false,
            for_managers: false,
            resting: vec![],
            beside: vec![],
            also: vec![],
            counters: None,
            entries: vec![],
            letters: vec![],
            circulars: None,
        }
    }

    /// Another ticket as it is by now: one event may have changed it already.
    pub fn beside_as_it_is<'t>(&'t self, known: &'t Ticket) -> &'t Ticket {
        let drafts = self.beside.iter();
        let mut there = drafts.filter(|d| d.ticket.id == known.id);
        there.next().map_or(known, |draft| &draft.ticket)
    }

    /// The draft of another ticket, to go on with and to be put back beside: a second one of the same ticket would undo what the first has done.
    pub fn take_beside(&mut self, known: &Ticket) -> Draft<'a> {
        let there = self.beside.iter().position(|d| d.ticket.id == known.id);
        match there {
            Some(place) => self.beside.remove(place),
            None => Draft::of(self.policy, known.clone(), self.now),
        }
    }

    /// Letters about more than this ticket; `counters` are those of before this decision.
    pub(super) fn circulars(&mut self, counters: Counters) -> &mut Circulars<'a> {
        let (policy, now) = (self.policy, self.now);
        self.circulars
            .get_or_insert_with(|| Circulars::of(policy, counters, now))
    }

    /// What was promised for one of its clocks.
    pub fn book(&self, clock: &Clock) -> &'a Book {
        self.policy.book_of(&self.ticket, Some(clock))
    }

    /// The ticket's queue.
    pub fn queue(&self) -> &'a Queue {
        self.policy.queue(&self.ticket.queue)
    }

    /// Whether this person may hear of the ticket at all.
    pub fn may_know(&self, person: &Person) -> bool {
        !self.queue().confidential || person.queues.contains(&self.ticket.queue)
    }

    /// Whether letters to an address came back of late.
    pub fn rests(&self, address: &str) -> bool {
        self.resting.contains(&address.to_ascii_lowercase())
    }

    /// Whether somebody has an address that letters do not come back from.
    pub fn reaches(&self, person: &Person) -> bool {
        person.addresses.iter().any(|a| !self.rests(a))
    }

    /// Those of these people whom a letter reaches; all, if it reaches none: silence would be the worst answer.
    pub fn reached(&self, people: Vec<&'a Person>) -> Vec<&'a Person> {
        let reached: Vec<&Person> = people.iter().filter(|p| self.reaches(p)).copied().collect();
        if reached.is_empty() { people } else { reached }
    }

    /// One more line of the record; `from` is an address, a staff id or `ticketd`.
    pub fn entry(
        &mut self,
        kind: EntryKind,
        direction: Direction,
        from: &str,
        text: &str,
    ) -> &mut Entry {
        self.ticket.entries += 1;
        let place = Place {
            ticket: self.ticket.id,
            seq: self.ticket.entries,
        };
        self.entries.push(Entry {
            place,
            at: self.now,
            kind,
            direction,
            from: from.into(),
            subject: String::new(),
            message_id: None,
            text: shortened(text),
            mail: None,
            letter: None,
            turns: vec![],
            credit: None,
            time: None,
        });
        let last = self.entries.len() - 1;
        &mut self.entries[last]
    }

    /// Another text for a line written before: what follows from it is known only afterwards.
    pub fn reword(&mut self, place: Place, text: &str) {
        if let Some(entry) = self.entries.iter_mut().find(|e| e.place == place) {
            entry.text = shortened(text);
        }
    }

    /// The number of one more ticket.
    pub fn next_number(&mut self, known: &Known) -> TicketId {
        let given = self.counters.unwrap_or_else(|| known.counters());
        let ticket = given.ticket + 1;
        self.counters = Some(Counters { ticket, ..given });
        TicketId(ticket)
    }

    /// The line written last.
    pub fn last_entry(&mut self) -> Option<&mut Entry> {
        self.entries.last_mut()
    }

    /// Where the last mail of this decision stands; the next entry's place if there is none.
    pub(super) fn last_mail(&self) -> Place {
        let mail = self.entries.iter().rfind(|e| e.mail.is_some());
        mail.map_or(self.next_place(), |e| e.place)
    }

    /// The entry of the newest answer in this decision; 0 if there is none.
    pub fn last_relay(&self) -> u32 {
        let relays = (self.letters.iter()).filter(|(_, l)| l.kind == LetterKind::Relay);
        relays.map(|(place, _)| place.seq).min().unwrap_or(0)
    }

    /// A line by ticketd itself.
    pub fn note(&mut self, kind: EntryKind, text: &str) {
        self.entry(kind, Direction::Internal, "ticketd", text);
    }

    /// A letter to somebody of the staff.
    pub fn letter_to_staff(&mut self, kind: LetterKind, person: &Person, text: Text) {
        self.letter_to_staff_with(kind, person, text, vec![]);
    }

    /// The same, with what goes along.
    pub fn letter_to_staff_with(
        &mut self,
        kind: LetterKind,
        person: &Person,
        text: Text,
        enclosures: Vec<Enclosure>,
    ) {
        let awake = person.addresses.iter().find(|a| !self.rests(a));
        let Some(address) = awake.or(person.addresses.first()) else {
            return;
        };
        let to = Mailbox {
            name: person.name.clone(),
            address: address.clone(),
        };
        self.letter_inside(kind, to, text, enclosures);
    }

    /// A letter to an address that the operator's rules name.
    pub fn letter_to_address(
        &mut self,
        kind: LetterKind,
        address: &str,
        text: Text,
        enclosures: Vec<Enclosure>,
    ) {
        let to = Mailbox {
            name: String::new(),
            address: address.into(),
        };
        self.letter_inside(kind, to, text, enclosures);
    }

    fn letter_inside(
        &mut self,
        kind: LetterKind,
        to: Mailbox,
        text: Text,
        enclosures: Vec<Enclosure>,
    ) {
        let from = self.from(None);
        let place = self.next_place();
        // All staff letters on a ticket refer to one id that was never sent, so that every mail client shows them together.
        let thread = format!(
            "ticket.{}.{}@{}",
            self.ticket.id,
            &self.ticket.first_mail.hex()[..16],
            self.policy.domain
        );
        let references = vec![thread];
        self.letter(
            place, from, to, kind, text, references, enclosures, "ticketd",
        );
    }

    /// Why no letter can go to the one who asked. An author who is not one strict address is nobody (ATTACKS.md A03), and a letter to ourselves comes back (C05).
    pub fn unreachable(&self) -> Option<String> {
        let address = &self.ticket.requester.address;
        if crate::mail::address::strict(address).is_none() {
            return Some(
                "There is nobody to write to: the request has no single, plain author address."
                    .into(),
            );
        }
        self.policy
            .is_own_address(address)
            .then(|| format!("There is nobody to write to: {address} is ours."))
    }

    /// An automatic letter to the one who asked, if there is somebody to write to.
    pub fn letter_to_requester(&mut self, kind: LetterKind, text: Text) {
        if self.unreachable().is_some() {
            return;
        }
        let place = self.next_place();
        let (from, to) = (self.from(None), self.ticket.requester.clone());
        let references = self.ticket.references.clone();
        // His client shows his answer below it, and ours to that below both.
        let id = self.letter(
            place,
            from,
            Mailbox {
                name: String::new(),
                ..to
            },
            kind,
            text,
            references,
            vec![],
            "ticketd",
        );
        self.refer_to(&id);
    }

    /// A staff member's answer to the one who asked, and to those whom he put in copy, where the queue keeps them. To whom it goes.
    pub fn relay(
        &mut self,
        by: &Person,
        text: Text,
        enclosures: Vec<Enclosure>,
        copies: &[String],
    ) -> Vec<String> {
        let place = self.next_place();
        let named = Some(by).filter(|_| self.queue().staff_names);
        let (from, to) = (self.from(named), self.ticket.requester.clone());
        let references = self.ticket.references.clone();
        let mut told = vec![to.address.clone()];
        let id = self.letter(
            place,
            from,
            to,
            LetterKind::Relay,
            text,
            references,
            enclosures,
            &by.id,
        );
        self.refer_to(&id);
        let copied = |address: &String| Mailbox {
            name: String::new(),
            address: address.clone(),
        };
        if let Some((_, letter)) = self.letters.last_mut() {
            letter.cc = copies.iter().map(copied).collect();
        }
        for copy in copies {
            self.copied(copy, &by.id);
        }
        told.extend_from_slice(copies);
        told
    }

    /// The letter written last once more, to another recipient's server: the same mail, as any mail with a copy is.
    fn copied(&mut self, address: &str, by: &str) {
        let Some((_, letter)) = self.letters.last().cloned() else {
            return;
        };
        let place = self.next_place();
        let entry = self.entry(EntryKind::Letter, Direction::Out, by, "");
        entry.subject = letter.subject.clone();
        entry.message_id = Some(letter.message_id.clone());
        let facts = self.facts(letter.kind, place, address);
        if let Some(entry) = self.last_entry() {
            entry.letter = Some(facts);
        }
        self.letters.push((place, letter));
    }

    /// The envelope of a letter that is yet to leave.
    fn facts(&self, kind: LetterKind, place: Place, to: &str) -> LetterFacts {
        let (keys, first_mail) = (&self.policy.keys, self.ticket.first_mail);
        let return_token = keys.return_token(kind, place, first_mail, to);
        LetterFacts {
            kind,
            to: to.into(),
            envelope_from: self.policy.envelope_from(self.queue(), kind, &return_token),
            raw: None,
            road: match self.policy.hold_letters {
                true => Road::Held,
                false => Road::Waiting { next_try: self.now },
            },
            attempts: 0,
            last_error: String::new(),
            returned: None,
            tells: None,
        }
    }

    /// Later letters to the customer refer to this id; the first ones and the latest ones are kept.
    pub fn refer_to(&mut self, message_id: &str) {
        let references = &mut self.ticket.references;
        references.retain(|r| r != message_id);
        if references.len() == REFERENCES_MAX {
            references.remove(2);
        }
        references.push(message_id.to_string());
    }

    /// The outcome: the ticket, its entries and its letters, and those of the tickets beside it. What follows from the ticket as it is now is added here, so that no decision can forget it.
    pub fn finish(mut self, because: impl Into<String>, fate: Fate) -> Outcome {
        credit::keep(&mut self);
        update::keep(&mut self);
        let entries = self.entries.into_iter().map(|e| Record::Entry(Box::new(e)));
        let records = std::iter::once(Record::Ticket(Box::new(self.ticket)))
            .chain(entries)
            .chain(self.counters.map(Record::Counters))
            .chain(self.also)
            .collect();
        let outcome = Outcome {
            records,
            letters: self.letters,
            because: because.into(),
            fate,
            ..Outcome::default()
        };
        let outcome = match self.circulars {
            Some(letters) => letters.join_numbered(outcome, self.counters),
            None => outcome,
        };
        debug_assert!(
            self.beside.iter().enumerate().all(|(n, draft)| {
                let mut later = self.beside[n + 1..].iter();
                later.all(|other| other.ticket.id != draft.ticket.id)
            }),
            "two drafts of one ticket"
        );
        self.beside.into_iter().fold(outcome, |mut all, draft| {
            let other = draft.finish("", Fate::None);
            all.records.extend(other.records);
            all.letters.extend(other.letters);
            all
        })
    }

    fn next_place(&self) -> Place {
        Place {
            ticket: self.ticket.id,
            seq: self.ticket.entries + 1,
        }
    }

    fn from(&self, by: Option<&Person>) -> Mailbox {
        let queue = self.queue();
        let name = by.map_or(queue.display_name.clone(), |p| {
            format!("{} ({})", p.name, queue.display_name)
        });
        Mailbox {
            name,
            address: queue.address.clone(),
        }
    }

    #[allow(clippy::too_many_arguments)] // every letter has exactly these
    fn letter(
        &mut self,
        place: Place,
        from: Mailbox,
        to: Mailbox,
        kind: LetterKind,
        text: Text,
        references: Vec<String>,
        enclosures: Vec<Enclosure>,
        by: &str,
    ) -> String {
        let token = self
            .policy
            .keys
            .token(kind, place, self.ticket.first_mail, &to.address);
        let message_id = format!("{token}@{}", self.policy.domain);
        let queue = self.queue();
        let facts = self.facts(kind, place, &to.address);
        let subject = cleaned(&text.subject, 200);
        let entry = self.entry(EntryKind::Letter, Direction::Out, by, "");
        entry.subject = subject.clone();
        entry.message_id = Some(message_id.clone());
        entry.letter = Some(facts);
        let letter = Letter {
            kind,
            reply_to: queue
                .plus_addresses
                .then(|| plus_address(&queue.address, &token))
                .flatten(),
            from,
            to,
            cc: vec![],
            subject,
            text: text.text,
            html: text.html,
            message_id: message_id.clone(),
            in_reply_to: answered(&references, &self.policy.domain),
            references,
            date: self.now,
            enclosures,
            // Who sees this header on a mail that comes in knows that it went out here (Kind::Own).
            headers: vec![(
                "Ticketd-Id".into(),
                format!("{}@{}", self.ticket.id, self.policy.domain),
            )],
        };
        self.letters.push((place, letter));
        message_id
    }
}

/// The latest mail that is not a letter of ours: it is that one which is answered.
fn answered(references: &[String], domain: &str) -> Option<String> {
    let ours = |id: &&String| token::claim_of_message_id(id, domain).is_some();
    references
        .iter()
        .rfind(|id| !ours(id))
        .or(references.last())
        .cloned()
}

fn shortened(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_string();
    }
    let end = (0..=TEXT_BYTES_MAX)
        .rev()
        .find(|i| text.is_char_boundary(*i))
        .unwrap_or(0);
    format!("{} […]", &text[..end])
}
