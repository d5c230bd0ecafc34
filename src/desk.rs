//! The desk: what ticketd does about something that happened.
//!
//! [`decide`] is a function of values. **Invariant**: no I/O, no async, no clock, no randomness, no hash-map order, no `Result`, no panic.
//! An unreadable mail is still a ticket, with its oddities listed.

pub mod account;
pub mod acknowledgement;
mod answer;
pub mod arrival;
pub mod belonging;
mod circular;
pub mod clocks;
pub mod command;
pub mod correspondence;
pub mod credit;
pub mod delivery;
pub mod digest;
pub mod draft;
mod echo;
pub mod event;
pub mod incident;
pub mod known;
pub mod letter;
pub mod lookalike;
pub mod opening;
pub mod overdue;
pub mod policy;
pub mod record;
pub mod reply;
mod returned;
pub mod review;
mod sent;
pub mod thread;
pub mod ticket;
pub mod time;
pub mod token;
mod update;

use chrono::{DateTime, Utc};

pub use event::{Arrival, Event};
pub use known::{Ask, Known};
pub use letter::{Letter, LetterKind};
pub use policy::Policy;
pub use record::{Entry, EntryKind, Outcome, Place, Record};
pub use ticket::{Clock, State, Ticket, TicketId};

/// What happens to the record, and which letters are written, because of one event. The table of contents of the business.
pub fn decide(policy: &Policy, known: &Known, event: &Event, now: DateTime<Utc>) -> Outcome {
    match event {
        Event::MailArrived(arrival) => arrival::arrived(policy, known, arrival, now),
        Event::DeadlineReached(due) => overdue::reached(policy, known, due, now),
        Event::LetterMoved(moved) => delivery::moved(policy, known, moved, now),
        Event::Command(command) => command::carried_out(policy, known, command, now),
        Event::DigestDue(name) => digest::due(policy, known, name, now),
        Event::DeskOpened(opening) => opening::opened(policy, known, opening, now),
        Event::ReviewDue(pack) => review::due(policy, known, pack, now),
        Event::CursorMoved(cursor) => {
            Outcome::of("cursor moved").with(Record::Cursor(cursor.clone()))
        }
    }
}
