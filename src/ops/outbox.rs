//! `ticketd outbox`: letters that have not left, and what an operator may do about them.

use super::request::{Desk, utc};
use super::tickets::word;
use super::{Fault, exit, table::Table};
use crate::clerk::Job;
use crate::desk::delivery::road_word;
use crate::desk::event::{Event, Moved, Movement};
use crate::desk::record::{Entry, Road};
use crate::desk::{Place, TicketId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io::Write;

/// How many letters one commit moves.
const BATCH: usize = 100;

/// What is wished.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// Show them.
    List {
        /// One JSON object a line.
        json: bool,
    },
    /// All held letters may go (`hold_letters`).
    Release,
    /// One letter is tried at once: a failed, unknown, held or waiting one.
    Retry(String),
    /// One letter is dropped for good.
    Drop(String),
}

/// Answers into `out`; the exit code.
pub fn answer(desk: &mut Desk, wish: &Wish, out: &mut dyn Write) -> anyhow::Result<u8> {
    match wish {
        Wish::List { json } => list(desk, *json, out),
        Wish::Release => release(desk, out),
        Wish::Retry(place) => one(desk, place, Movement::Released, out),
        Wish::Drop(place) => one(desk, place, Movement::Dropped, out),
    }
}

fn list(desk: &Desk, as_json: bool, out: &mut dyn Write) -> anyhow::Result<u8> {
    let mut letters = desk.reader.outbox()?;
    for entry in &mut letters {
        if is_confidential(desk, entry)? {
            seal(desk, entry);
        }
    }
    if as_json {
        for entry in &letters {
            writeln!(out, "{}", facts(entry))?;
        }
        return Ok(exit::OK);
    }
    let mut table = Table::new(&[
        "letter",
        "road",
        "kind",
        "to",
        "tries",
        "next try",
        "last error",
    ]);
    for entry in &letters {
        let Some(letter) = &entry.letter else {
            continue;
        };
        let next = match letter.road {
            Road::Waiting { next_try } | Road::Taken { next_try, .. } => {
                desk.policy.book.local(next_try)
            }
            _ => String::new(),
        };
        let name = format!("{}/{}", entry.place.ticket, entry.place.seq);
        table.row([
            name,
            road_word(&letter.road).into(),
            word(&letter.kind),
            letter.to.clone(),
            letter.attempts.to_string(),
            next,
            letter.last_error.clone(),
        ]);
    }
    table.write(out)?;
    Ok(exit::OK)
}

fn is_confidential(desk: &Desk, entry: &Entry) -> anyhow::Result<bool> {
    let ticket = desk.reader.ticket(entry.place.ticket)?;
    Ok(ticket.is_some_and(|t| desk.policy.queue(&t.queue).confidential))
}

/// A confidential letter's subject quotes what was written, the address of who is not of the staff is part of it, and a server's refusal names that address
/// (ATTACKS.md G01). Who asks for the ticket by its number sees all of it.
fn seal(desk: &Desk, entry: &mut Entry) {
    entry.subject = "(confidential)".into();
    if let Some(letter) = &mut entry.letter {
        if desk.policy.book.staff.by_address(&letter.to).is_none() {
            letter.to = "(confidential)".into();
        }
        if !letter.last_error.is_empty() {
            letter.last_error = format!("see ticketd show {}", entry.place.ticket);
        }
    }
}

fn facts(entry: &Entry) -> serde_json::Value {
    let letter = entry.letter.as_ref();
    let next = letter.and_then(|l| match l.road {
        Road::Waiting { next_try } | Road::Taken { next_try, .. } => Some(utc(next_try)),
        _ => None,
    });
    json!({
        "letter": format!("{}/{}", entry.place.ticket, entry.place.seq), "ticket": entry.place.ticket, "seq": entry.place.seq, "at": utc(entry.at),
        "road": letter.map(|l| road_word(&l.road)), "kind": letter.map(|l| l.kind), "to": letter.map(|l| l.to.clone()), "subject": entry.subject,
        "message_id": entry.message_id, "attempts": letter.map(|l| l.attempts), "next_try": next, "last_error": letter.map(|l| l.last_error.clone()),
    })
}

fn release(desk: &mut Desk, out: &mut dyn Write) -> anyhow::Result<u8> {
    let held = |e: &Entry| e.letter.as_ref().is_some_and(|l| l.road == Road::Held);
    let places: Vec<Place> = desk
        .reader
        .outbox()?
        .into_iter()
        .filter(held)
        .map(|e| e.place)
        .collect();
    for some in places.chunks(BATCH) {
        (desk.submit)(
            some.iter()
                .map(|place| moved(*place, Movement::Released))
                .collect(),
        )?;
    }
    writeln!(out, "{} letters released.", places.len())?;
    Ok(exit::OK)
}

fn one(desk: &mut Desk, name: &str, to: Movement, out: &mut dyn Write) -> anyhow::Result<u8> {
    let Some(place) = place(name) else {
        let words =
            format!("\"{name}\" names no letter; write TICKET/ENTRY as `ticketd outbox` prints it");
        return Err(Fault::error(exit::USAGE, words));
    };
    let done = (desk.submit)(vec![moved(place, to)])?;
    let because = done.first().map(|d| d.because.as_str()).unwrap_or_default();
    if !done.iter().any(|d| d.changed) {
        return Err(Fault::error(exit::DATA, because));
    }
    writeln!(out, "{because}")?;
    Ok(exit::OK)
}

fn moved(letter: Place, to: Movement) -> Job {
    Job {
        event: Event::LetterMoved(Moved { letter, to }),
        raw: None,
    }
}

fn place(name: &str) -> Option<Place> {
    let (ticket, seq) = name.split_once('/')?;
    Some(Place {
        ticket: TicketId(ticket.parse().ok()?),
        seq: seq.parse().ok()?,
    })
}
