//! The record: what the store keeps, as values. The store derives its keys from these and from nothing else.

use super::clocks::Turn;
use super::letter::{Letter, LetterKind};
use super::ticket::{ClockKind, Ticket, TicketId};
use crate::contract::Step;
use crate::contract::customers::Term;
use crate::mail::{Fingerprint, Kind};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// One line of one ticket's record: entry numbers begin at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The ticket; [`TicketId::FILE`] for what belongs to none.
    pub ticket: TicketId,
    /// The entry's number.
    pub seq: u32,
}

/// What an entry records. The words of the command line (`show --json`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum EntryKind {
    Mail,
    Letter,
    Note,
    Command,
    State,
    Severity,
    Warning,
    Breach,
    Credit,
    Bounce,
    Filed,
    Erased,
}

/// In from the world, out to it, or between ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Direction {
    In,
    Out,
    Internal,
}

/// What an entry keeps of a mail beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailFacts {
    /// Its bytes, in the journal under this fingerprint.
    pub raw: Fingerprint,
    /// For dedupe by another road.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Fingerprint>,
    /// Size of the raw mail.
    pub bytes: u64,
    /// The queue it belongs to: later mail is found by its ids there only.
    pub queue: String,
    /// The mailbox it was taken from.
    pub mailbox: String,
    /// What it is, and why.
    pub kind: Kind,
    /// The header or pattern that says so.
    pub kind_reason: String,
    /// Ids by which later mail finds this ticket: its own Message-ID, and referenced ones never seen before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found_by: Vec<String>,
    /// What was odd.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oddities: Vec<String>,
    /// Of a staff member's mail: what it said, so that nobody's words count twice (ATTACKS.md A10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Fingerprint>,
    /// The same without what a machine counts up: its letters alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Fingerprint>,
    /// Of a staff member's mail: the letter that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Place>,
}

/// Where a letter is on its road (QUIRKS.md, crash matrix).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Road {
    /// Written and held back by `hold_letters`, until released.
    Held,
    /// Waits for its next try.
    Waiting {
        /// Not before.
        next_try: DateTime<Utc>,
    },
    /// Between the server's 354 and its answer to the content: after a crash nobody can know.
    Taken {
        /// When.
        at: DateTime<Utc>,
        /// If nothing is heard of it by then, it is looked at again.
        next_try: DateTime<Utc>,
    },
    /// The next mail server took it.
    Accepted {
        /// When, by our clock.
        at: DateTime<Utc>,
    },
    /// Refused for good, or given up.
    Failed {
        /// When.
        at: DateTime<Utc>,
    },
    /// Possibly sent; not sent again (acknowledgements after a crash).
    Unknown {
        /// When.
        at: DateTime<Utc>,
    },
    /// Dropped by an operator.
    Dropped {
        /// When.
        at: DateTime<Utc>,
    },
}

/// What an entry keeps of a letter beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterFacts {
    /// What it says; decides its order in the outbox and what a crash does to it.
    pub kind: LetterKind,
    /// The envelope's one recipient.
    pub to: String,
    /// The envelope's sender; empty for the null sender.
    pub envelope_from: String,
    /// Its bytes, in the journal under this fingerprint. Set by the clerk when the letter is rendered.
    pub raw: Option<Fingerprint>,
    /// Where it is.
    pub road: Road,
    /// How often it was tried.
    pub attempts: u32,
    /// What the server last said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_error: String,
    /// When it came back from beyond the next mail server (C4.7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<DateTime<Utc>>,
    /// Of a letter about no single ticket: what it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tells: Option<Box<Tells>>,
}

/// What a letter about no single ticket speaks of. When its turn to leave comes some of it may have gone to a queue that its reader is not of
/// ([`super::circular`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tells {
    /// A flood.
    Gathered(Vec<Gathered>),
    /// What stood on the desk when it opened.
    Opening {
        /// When that was.
        at: DateTime<Utc>,
        /// In which queue.
        queue: String,
        /// Automatic mail since this entry of the file.
        since: u32,
        /// Tickets, by their first entry, and entries of the file.
        of: Vec<Place>,
    },
    /// A customer's fortnight.
    Review {
        /// Whose.
        customer: String,
        /// The first instant after it.
        until: DateTime<Utc>,
        /// Its tickets.
        of: Vec<TicketId>,
    },
}

/// Whether a credit may still change by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Staff have not determined the severity yet (C4.5).
    Provisional,
    /// It changes by a correction only.
    Final,
}

/// A line of the ledger (C9): what an ended clock has earned a customer.
///
/// The ledger is these lines of all tickets. None is ever changed: of the lines about one clock (ticket, kind, start) the latest counts, and `change` says what
/// it added to the one before, so that all changes of a term add up to its credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditFacts {
    /// Whose ledger: the id in customers.toml.
    pub customer: String,
    /// The term that is extended: the one current at the breach (C4.6).
    pub term: Term,
    /// What was missed.
    pub clock: ClockKind,
    /// The clause it follows from.
    pub clause: String,
    /// When that clock began to run.
    pub started: DateTime<Utc>,
    /// What was missed, to the second.
    pub deadline: DateTime<Utc>,
    /// When the clock ended: the answer was accepted, or the ticket was voided.
    pub ended: DateTime<Utc>,
    /// How late that was, in the hours that the contract counts lateness in.
    pub late_secs: u64,
    /// Days that count for this clock from now on.
    pub days: u32,
    /// Against the line before.
    pub change: i64,
    /// Whether they may still change.
    pub standing: Standing,
}

/// Time that somebody of the staff spent for a customer (C8.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeFacts {
    /// For whom: the id in customers.toml.
    pub customer: String,
    /// Who: a staff id.
    pub person: String,
    /// On which day, in the contract's zone.
    pub day: NaiveDate,
    /// How long; negative takes back.
    pub minutes: i32,
    /// Whether it counts against the agreed hours of the technical account manager.
    pub tam: bool,
}

/// One line of a ticket's record (C2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it stands.
    pub place: Place,
    /// When it was recorded; for mail, when it was received (C4.2).
    pub at: DateTime<Utc>,
    /// What it records.
    pub kind: EntryKind,
    /// In, out or internal.
    pub direction: Direction,
    /// An address, a staff id or `ticketd`.
    pub from: String,
    /// Cleaned.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// Without angle brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// What a person reads: the note, the reason, how a deadline was computed. At most 2,000 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// For mail and filed mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailFacts>,
    /// For letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<LetterFacts>,
    /// What it did to the ticket's clocks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
    /// For lines of the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<Box<CreditFacts>>,
    /// For booked time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Box<TimeFacts>>,
}

/// How far a mailbox has been read: committed with the mails it speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The mailbox's name in the configuration.
    pub mailbox: String,
    /// Of the IMAP folder; 0 for a Maildir.
    pub uid_validity: u32,
    /// Every UID up to here is committed, but for those owed.
    pub uid: u32,
    /// UIDs at or below `uid` that could not be fetched, each with its tries; at most 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<(u32, u32)>,
    /// The start of the last successful poll (C4.2).
    pub polled: DateTime<Utc>,
}

/// How many automatic letters went to one address, one domain or everybody within the last day (ATTACKS.md C02).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// `address:…`, `domain:…` or `all`.
    pub name: String,
    /// Spans of ten minutes, oldest first: the span's number since 1970, and how many letters. Bounded by the day, whatever the limits.
    pub sent: Vec<(i64, u32)>,
    /// Of an address: the span, and what was written that was acknowledged then; the same words are a machine's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answered: Vec<(i64, u64)>,
}

const SPAN_SECS: i64 = 600;

impl Allowance {
    /// How many went out in the `secs` before `now`, counting the span that straddles the beginning as inside.
    pub fn sent_within(&self, now: DateTime<Utc>, secs: i64) -> u32 {
        let oldest = (now.timestamp() - secs).div_euclid(SPAN_SECS);
        self.sent
            .iter()
            .filter(|(span, _)| *span >= oldest)
            .map(|(_, n)| n)
            .sum()
    }

    /// Whether these words were acknowledged within the day before `now`.
    pub fn has_answered(&self, now: DateTime<Utc>, words: u64) -> bool {
        let oldest = (now.timestamp() - 86_400).div_euclid(SPAN_SECS);
        let mut known = self.answered.iter();
        known.any(|(span, w)| *span >= oldest && *w == words)
    }

    /// With words that are acknowledged at `now`; what is older than a day is forgotten.
    pub fn with_answered(mut self, now: DateTime<Utc>, words: u64) -> Self {
        let span = now.timestamp().div_euclid(SPAN_SECS);
        self.answered
            .retain(|(s, _)| *s >= span - 86_400 / SPAN_SECS);
        self.answered.push((span, words));
        self
    }

    /// With one more letter at `now`; what is older than a day is forgotten.
    pub fn with_one_more(mut self, now: DateTime<Utc>) -> Self {
        let span = now.timestamp().div_euclid(SPAN_SECS);
        self.sent.retain(|(s, _)| *s >= span - 86_400 / SPAN_SECS);
        match self.sent.last_mut() {
            Some((last, n)) if *last == span => *n += 1,
            _ => self.sent.push((span, 1)),
        }
        self
    }
}

/// Letters of one kind to one of the staff: how many went of late, and what waits to go as one (C10.4, ATTACKS.md F03).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathering {
    /// `warnings/anna`, `replies/457/anna`.
    pub name: String,
    /// A staff id.
    pub person: String,
    /// When letters went on their own of late; at most as many as may go at once.
    pub recent: Vec<DateTime<Utc>>,
    /// What waits, in its order; at most a letter full.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Gathered>,
    /// When what waits is to go; none if nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<DateTime<Utc>>,
    /// When something last went as one letter because its time had come, and not because it was full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digested: Option<DateTime<Utc>>,
}

/// What waits to go with others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gathered {
    /// A step of a clock, which is in the ticket's record.
    Step {
        /// Whose.
        ticket: TicketId,
        /// Of which clock.
        clock: ClockKind,
        /// Which.
        step: Step,
    },
    /// A reply, which is in the ticket's record.
    Reply(Place),
}

/// Something that is done again and again, and how far it has come: each time once, however often the house restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// `opening`, `review/acme`.
    pub name: String,
    /// The instant that it was last done for.
    pub at: DateTime<Utc>,
    /// The file's last entry by then ([`TicketId::FILE`]).
    #[serde(default)]
    pub filed: u32,
    /// Whose letter did not leave, and is to be written anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<Again>,
}

/// One of a round's letters that is to be written anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// About which queue.
    pub queue: String,
    /// To whom, a staff id.
    pub person: String,
    /// Automatic mail since this entry of the file.
    pub since: u32,
}

/// The numbers given out so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// The last ticket number given out.
    pub ticket: u64,
    /// The last entry number of the file ([`TicketId::FILE`]).
    pub filed: u32,
}

/// One changed value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Record {
    Ticket(Box<Ticket>),
    Entry(Box<Entry>),
    Cursor(Cursor),
    Allowance(Allowance),
    Counters(Counters),
    Gathering(Box<Gathering>),
    Round(Round),
}

/// What one event changes: plain values, and why.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Changed values, whole. Empty if nothing changes.
    pub records: Vec<Record>,
    /// Letters written, each with the place of its entry, which is among the records.
    pub letters: Vec<(Place, Letter)>,
    /// Whether the event's mail is to be kept: its bytes go into the journal before the records.
    pub keep_raw: bool,
    /// Why, for the log and for `receive`'s figures.
    pub because: String,
    /// What became of an arrived mail.
    pub fate: Fate,
    /// What a command's giver reads.
    pub reply: Vec<String>,
    /// Whether the command was wrong: then nothing of it was carried out. Or the letter may not leave.
    pub refused: bool,
}

/// What became of an arrived mail: the figures of `ticketd receive`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The event was no mail.
    #[default]
    None,
    /// It opened a ticket.
    Opened,
    /// It joined a ticket: a customer's or a staff member's reply.
    Joined,
    /// Automatic: filed, on a ticket or in the file.
    Filed,
    /// Known already.
    Duplicate,
    /// Set aside for a person.
    Quarantined,
}

impl Outcome {
    /// Nothing changes yet; for this reason.
    pub fn of(because: impl Into<String>) -> Self {
        Outcome {
            because: because.into(),
            ..Outcome::default()
        }
    }

    /// With one more changed value.
    pub fn with(mut self, record: Record) -> Self {
        self.records.push(record);
        self
    }
}
