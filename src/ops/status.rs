//! `ticketd status`: is all well. Exit 0, 1 (warning) or 2 (critical), as monitoring expects it.

use super::request::utc;
use crate::post::Pulse;
use crate::store::{OutboxCounts, Reader, Room};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use std::io::Write;

/// Letters that wait longer than this want attention.
const LETTER_WAITS: TimeDelta = TimeDelta::minutes(30);
/// A due step not taken for so long: the deadlines' loop does not run.
const STEP_WAITS: TimeDelta = TimeDelta::minutes(2);

/// How bad it is; the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All is well.
    Well = 0,
    /// Somebody should look today.
    Warning = 1,
    /// Somebody must look now.
    Critical = 2,
}

/// One line: what is looked at, how it is.
#[derive(Clone, Debug)]
pub struct Fact {
    /// `mailbox support`, `outbox`.
    pub of: String,
    /// How bad.
    pub level: Level,
    /// In words, with what to do.
    pub words: String,
}

/// How everything is when no daemon runs: nobody watches these mailboxes.
pub fn without_daemon(
    reader: &Reader,
    mailboxes: &[String],
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Fact>> {
    let mut facts = vec![Fact {
        of: "daemon".into(),
        level: Level::Critical,
        words: "does not run; start it with systemctl start ticketd".into(),
    }];
    for name in mailboxes {
        let polled = reader.cursor(name)?.map(|cursor| cursor.polled);
        let looked = polled.filter(|at| *at > DateTime::UNIX_EPOCH);
        facts.push(Fact {
            of: format!("mailbox {name}"),
            level: Level::Critical,
            words: looked.map_or("not watched, and never was".into(), |at| {
                format!("not watched; looked into until {} or later", utc(at))
            }),
        });
    }
    facts.extend(store_facts(reader, now)?);
    Ok(facts)
}

/// A watched mailbox.
pub fn mailbox(name: &str, pulse: &Pulse) -> Fact {
    let (level, words) = match (pulse.trouble(), pulse.succeeded()) {
        (Some((since, words)), _) => (Level::Critical, format!("{words} (since {})", utc(since))),
        (None, Some(at)) => (
            Level::Well,
            format!(
                "last looked into {}, {} mails taken since the start",
                utc(at),
                pulse.taken()
            ),
        ),
        (None, None) => (Level::Warning, "not looked into yet".into()),
    };
    Fact {
        of: format!("mailbox {name}"),
        level,
        words,
    }
}

/// The way out, if something is wrong with it.
pub fn outgoing(pulse: &Pulse) -> Option<Fact> {
    let (since, words) = pulse.trouble()?;
    Some(Fact {
        of: "outgoing".into(),
        level: Level::Critical,
        words: format!("{words} (since {})", utc(since)),
    })
}

/// What the outbox, the due steps and the disk say.
pub fn store_facts(reader: &Reader, now: DateTime<Utc>) -> anyhow::Result<Vec<Fact>> {
    Ok(vec![
        outbox(reader.outbox_counts()?, now),
        deadlines(reader, now)?,
        disk(reader),
    ])
}

/// Below the low-water mark only intake stops, and goes on by itself.
fn disk(reader: &Reader) -> Fact {
    let free = match reader.free_bytes() {
        Some(bytes) => format!("{} MB free", bytes / 1_000_000),
        None => "does not say how much is free".into(),
    };
    let (level, words) = match reader.room() {
        Room::Plenty => (Level::Well, free),
        Room::Scarce => (
            Level::Critical,
            format!("{free}: nearly full, so no mail is taken; make room, it goes on by itself"),
        ),
    };
    Fact {
        of: "disk".into(),
        level,
        words,
    }
}

fn outbox(counts: OutboxCounts, now: DateTime<Utc>) -> Fact {
    let OutboxCounts {
        waiting,
        oldest,
        held,
        failed,
        unknown,
    } = counts;
    let late = oldest.is_some_and(|at| now - at > LETTER_WAITS);
    let level = if failed > 0 || late {
        Level::Critical
    } else if unknown + held > 0 {
        Level::Warning
    } else {
        Level::Well
    };
    let since = oldest.map_or(String::new(), |at| {
        format!(", the oldest since {}", utc(at))
    });
    let hint = if level == Level::Well {
        ""
    } else {
        "; see ticketd outbox"
    };
    Fact {
        of: "outbox".into(),
        level,
        words: format!(
            "{waiting} waiting{since}, {failed} failed, {unknown} unknown, {held} held{hint}"
        ),
    }
}

fn deadlines(reader: &Reader, now: DateTime<Utc>) -> anyhow::Result<Fact> {
    let next = reader.next_due()?;
    let level = if next.is_some_and(|at| now - at > STEP_WAITS) {
        Level::Critical
    } else {
        Level::Well
    };
    let words = next.map_or("no clock runs".into(), |at| {
        format!("the next step is due {}", utc(at))
    });
    Ok(Fact {
        of: "deadlines".into(),
        level,
        words,
    })
}

/// Writes the facts; the worst one's exit code.
pub fn write(facts: &[Fact], json: bool, out: &mut dyn Write) -> anyhow::Result<u8> {
    for fact in facts {
        let level = ["ok", "warning", "critical"][fact.level as usize];
        if json {
            writeln!(
                out,
                "{}",
                json!({ "of": fact.of, "level": level, "words": fact.words })
            )?;
        } else {
            writeln!(out, "{level:<8}  {:<20}  {}", fact.of, fact.words)?;
        }
    }
    Ok(facts.iter().map(|f| f.level as u8).max().unwrap_or(0))
}
