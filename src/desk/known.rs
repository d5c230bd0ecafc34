//! What the desk knows of the record: fills on demand.
//!
//! A read of something not loaded yet is noted, and answered with nothing; the clerk throws the outcome away, loads what was noted and decides again.

use super::record::{Allowance, Counters, Cursor, Entry, Gathering, Place, Round};
use super::ticket::{Ticket, TicketId};
use crate::mail::{Fingerprint, Mail};
use crate::rules::Searched;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A question to the record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// A ticket by number.
    Ticket(TicketId),
    /// One entry.
    Entry(Place),
    /// All entries of a ticket, in order.
    Entries(TicketId),
    /// The mail of an entry, read again from its bytes.
    Mail(Place),
    /// Where a mail with this raw or written fingerprint was recorded.
    Seen(Fingerprint),
    /// The ticket of a queue that a Message-ID belongs to, as the id of a mail or as one referenced by it.
    FoundBy {
        /// The queue.
        queue: String,
        /// Without angle brackets.
        message_id: String,
    },
    /// A customer's open tickets (C7.2).
    OpenOf(String),
    /// By the name of [`Allowance`].
    Allowance(String),
    /// By the mailbox's name.
    Cursor(String),
    /// The numbers given out.
    Counters,
    /// By the name of [`Gathering`].
    Gathering(String),
    /// By the name of [`Round`].
    Round(String),
}

/// What an escalation wants to know of a ticket before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTicket {
    /// Its number.
    pub id: TicketId,
    /// Its queue.
    pub queue: String,
    /// Who asked; empty for nobody.
    pub requester: String,
}

/// The record's answer; `None` where there is nothing.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Answer {
    Ticket(Option<Box<Ticket>>),
    Entry(Option<Box<Entry>>),
    Entries(Vec<Entry>),
    Mail(Option<Arc<Mail>>),
    Seen(Option<Place>),
    FoundBy(Option<TicketId>),
    OpenOf(Vec<OpenTicket>),
    Allowance(Option<Allowance>),
    Cursor(Option<Cursor>),
    Counters(Counters),
    Gathering(Option<Box<Gathering>>),
    Round(Option<Round>),
}

/// What has been loaded for one decision, and what was asked in vain.
#[derive(Default)]
pub struct Known {
    answers: BTreeMap<Ask, Answer>,
    missing: RefCell<BTreeSet<Ask>>,
    searched: Option<Arc<Searched>>,
}

macro_rules! asks {
    ($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*) -> $out:ty, $ask:expr, $pattern:pat => $value:expr, $none:expr) => {
        $(#[$doc])*
        pub fn $name(&self, $($arg: $ty),*) -> $out {
            match self.answer($ask) {
                Some($pattern) => $value,
                _ => $none,
            }
        }
    };
}

impl Known {
    /// Nothing yet of the record; of the mail, what the policy's rules found in it.
    pub fn with(searched: Option<Arc<Searched>>) -> Self {
        Known {
            searched,
            ..Known::default()
        }
    }

    /// What the policy's rules found in the mail, if somebody searched it beforehand.
    pub fn searched(&self) -> Option<&Searched> {
        self.searched.as_deref()
    }

    /// Adds what the clerk loaded.
    pub fn learn(&mut self, ask: Ask, answer: Answer) {
        self.missing.get_mut().remove(&ask);
        self.answers.insert(ask, answer);
    }

    /// What was asked and not known: if any, the decision is worth nothing.
    pub fn take_missing(&mut self) -> BTreeSet<Ask> {
        std::mem::take(self.missing.get_mut())
    }

    /// Whether something asked was not known. A decision may stop early then.
    pub fn lacks(&self) -> bool {
        !self.missing.borrow().is_empty()
    }

    /// Everything that was read: the read-set of the decision.
    pub fn read_set(&self) -> impl Iterator<Item = &Ask> {
        self.answers.keys()
    }

    fn answer(&self, ask: Ask) -> Option<&Answer> {
        let found = self.answers.get(&ask);
        if found.is_none() {
            self.missing.borrow_mut().insert(ask);
        }
        found
    }

    asks! {
        /// A ticket by number.
        ticket(id: TicketId) -> Option<&Ticket>, Ask::Ticket(id), Answer::Ticket(t) => t.as_deref(), None
    }
    asks! {
        /// One entry.
        entry(place: Place) -> Option<&Entry>, Ask::Entry(place), Answer::Entry(e) => e.as_deref(), None
    }
    asks! {
        /// All entries of a ticket, in order.
        entries(id: TicketId) -> &[Entry], Ask::Entries(id), Answer::Entries(e) => e, &[]
    }
    asks! {
        /// The mail of an entry, read again from its bytes.
        mail(place: Place) -> Option<&Arc<Mail>>, Ask::Mail(place), Answer::Mail(m) => m.as_ref(), None
    }
    asks! {
        /// Where a mail with this raw or written fingerprint was recorded.
        seen(fingerprint: Fingerprint) -> Option<Place>, Ask::Seen(fingerprint), Answer::Seen(p) => *p, None
    }
    asks! {
        /// The ticket of a queue that a Message-ID belongs to.
        found_by(queue: &str, message_id: &str) -> Option<TicketId>,
        Ask::FoundBy { queue: queue.into(), message_id: message_id.into() }, Answer::FoundBy(t) => *t, None
    }
    asks! {
        /// A customer's open tickets, by number (C7.2).
        open_of(customer: &str) -> &[OpenTicket], Ask::OpenOf(customer.into()), Answer::OpenOf(tickets) => tickets, &[]
    }
    asks! {
        /// When automatic letters were sent under this name.
        allowance(name: &str) -> Option<&Allowance>, Ask::Allowance(name.into()), Answer::Allowance(a) => a.as_ref(), None
    }
    asks! {
        /// How far a mailbox has been read.
        cursor(mailbox: &str) -> Option<&Cursor>, Ask::Cursor(mailbox.into()), Answer::Cursor(c) => c.as_ref(), None
    }
    asks! {
        /// The numbers given out.
        counters() -> Counters, Ask::Counters, Answer::Counters(c) => *c, Counters::default()
    }
    asks! {
        /// What is gathered under this name.
        gathering(name: &str) -> Option<&Gathering>, Ask::Gathering(name.into()), Answer::Gathering(g) => g.as_deref(), None
    }
    asks! {
        /// How far something has come that is done again and again.
        round(name: &str) -> Option<&Round>, Ask::Round(name.into()), Answer::Round(r) => r.as_ref(), None
    }
}
