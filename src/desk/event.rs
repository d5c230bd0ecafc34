//! What can happen.

use super::opening::Opening;
use super::record::{Cursor, Place};
use super::review::Pack;
use super::ticket::{ClockKind, TicketId};
use crate::contract::Step;
use crate::mail::Mail;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// A fact that enters the house.
#[derive(Clone, Debug)]
pub enum Event {
    /// A mail is in one of our mailboxes.
    MailArrived(Box<Arrival>),
    /// A clock's next step is due.
    DeadlineReached(Due),
    /// A letter went a step on its road.
    LetterMoved(Moved),
    /// Staff or an operator said something, by the command line.
    Command(Command),
    /// What is gathered under this name is to go as one letter (C10.4).
    DigestDue(String),
    /// The desk opens (C10.5).
    DeskOpened(Box<Opening>),
    /// A fortnight is over: the customer's account manager gets a review pack (C8.3).
    ReviewDue(Box<Pack>),
    /// A mailbox was polled and nothing new was in it, or a UID was given up.
    CursorMoved(Cursor),
}

/// A mail in one of our mailboxes.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The mailbox's name in the configuration.
    pub mailbox: String,
    /// The queue it belongs to.
    pub queue: String,
    /// What was read of it.
    pub mail: Arc<Mail>,
    /// When the request reached our mailbox (C4.2): `min(first seen, max(INTERNALDATE, start of the last successful poll))`.
    pub received: DateTime<Utc>,
    /// History: no letters, no clocks (mail older than `since`, `receive --silent`).
    pub silent: bool,
    /// Where the mailbox has been read to once this is committed.
    pub cursor: Option<Cursor>,
    /// Why it could not be read as usual (panic, size, earlier crash): it becomes a quarantine ticket, or is marked as cut.
    pub trouble: Option<Trouble>,
}

/// Why a mail could not be taken as usual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It could not be taken apart: the reason. Its bytes are kept.
    Unreadable(String),
    /// It is larger than `mail_bytes_max`; only the beginning is kept.
    Cut {
        /// Its whole size by the server's word.
        bytes: u64,
    },
}

/// A due step of a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The ticket.
    pub ticket: TicketId,
    /// Which of its clocks.
    pub clock: ClockKind,
    /// The step that is due.
    pub step: Step,
    /// When it was due.
    pub at: DateTime<Utc>,
}

/// A letter's next step on its road.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The letter's entry.
    pub letter: Place,
    /// What happened.
    pub to: Movement,
}

/// What happened to a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Movement {
    /// The server said 354: from now on nobody can know. Committed before the content is sent.
    Taken,
    /// The server took it.
    Accepted(String),
    /// Not now: a 4xx, or no connection. The server's words.
    Deferred(String),
    /// Never: a 5xx. The server's words.
    Refused(String),
    /// Found taken at a start, or the connection broke after the content.
    Lost(String),
    /// An operator releases it from being held, or wants it tried at once.
    Released,
    /// An operator drops it.
    Dropped,
}

/// What staff or an operator say from a shell; by mail it comes as a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// A staff id, or `operator` for the owner of the state folder.
    pub by: String,
    /// The ticket.
    pub ticket: TicketId,
    /// `severity 2 workaround`, `assign anna`, `note TEXT`, `close`: the words after `#` in a mail.
    pub line: String,
}
