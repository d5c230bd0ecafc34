//! What another contract would have made of the record: which deadlines, breaches and credits would differ.
//!
//! A ticket's clocks are a function of its entries and the contract ([`clocks::replayed`]): the entries stay, the contract is another. Customers, orders and
//! staff are today's. A ticket whose entries do not tell how it was opened cannot be asked; how many these are is said.

use super::{Filter, as_word, is_named};
use crate::contract::{Book, Source};
use crate::desk::ticket::{Clock, ClockKind, Ticket};
use crate::desk::{Policy, clocks, overdue};
use crate::mail::Fingerprint;
use crate::ops::request::utc;
use crate::ops::{Fault, exit, table::Table};
use crate::store::Reader;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;

/// What is promised by a clock, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Course {
    /// None for best effort.
    deadline: Option<DateTime<Utc>>,
    breached: bool,
    credit_days: u32,
}

/// A clock that would have gone another way.
struct Difference {
    ticket: Ticket,
    kind: ClockKind,
    was: Course,
    would_be: Course,
    how: Vec<String>,
}

/// Answers into `out`; the exit code.
pub fn answer(
    reader: &Reader,
    policy: &Policy,
    other: &Source,
    filter: &Filter,
    now: DateTime<Utc>,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let other = under(reader, policy, other)?;
    let mut tickets = vec![];
    reader.tickets(&mut |ticket| {
        let day = policy.book.local_date(ticket.received);
        let customer = ticket.subscription.customer.as_ref();
        let wanted = filter.since.is_none_or(|since| day >= since)
            && filter
                .customer
                .as_ref()
                .is_none_or(|id| customer == Some(id))
            && ticket.clocks.iter().any(|c| c.kind != ClockKind::Update);
        if wanted {
            tickets.push(ticket.id);
        }
        true
    })?;
    let mut sums = Sums::default();
    let mut table = Table::new(&[
        "ticket", "customer", "clock", "was due", "would be", "was", "would be", "credit",
        "would be",
    ]);
    for id in tickets {
        let Some(ticket) = reader.ticket(id)? else {
            continue;
        };
        let found = compared(policy, &other, &ticket, &reader.entries(id)?, now);
        sums.add(found.as_deref());
        // As everywhere in the report it counts, and is named nowhere.
        let named = found.iter().flatten().filter(|_| is_named(policy, &ticket));
        for difference in named {
            if filter.json {
                writeln!(out, "{}", facts(difference))?;
            } else {
                told(policy, difference, &mut table);
                table.flow(out)?;
            }
        }
    }
    if !filter.json {
        if sums.differ > 0 {
            table.write(out)?;
            writeln!(out)?;
        }
        sums.told(out)?;
    }
    Ok(exit::OK)
}

/// Of all that was compared.
#[derive(Default)]
struct Sums {
    asked: usize,
    /// Tickets that cannot be asked.
    mute: usize,
    /// Tickets that would differ.
    differ: usize,
    /// Breaches and days of credit, as they are and as they would be.
    was: (usize, u32),
    would_be: (usize, u32),
}

impl Sums {
    fn add(&mut self, found: Option<&[Difference]>) {
        let Some(found) = found else {
            self.mute += 1;
            return;
        };
        self.asked += 1;
        self.differ += usize::from(!found.is_empty());
        for difference in found {
            for (sum, course) in [
                (&mut self.was, &difference.was),
                (&mut self.would_be, &difference.would_be),
            ] {
                sum.0 += usize::from(course.breached);
                sum.1 += course.credit_days;
            }
        }
    }

    fn told(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let Sums {
            asked,
            mute,
            differ,
            was,
            would_be,
        } = self;
        writeln!(
            out,
            "{differ} of {asked} tickets would differ: {} instead of {} breaches, {} instead of {} days of credit.",
            would_be.0, was.0, would_be.1, was.1
        )?;
        if *mute > 0 {
            writeln!(
                out,
                "{mute} tickets cannot be asked: their record does not tell how they were opened."
            )?;
        }
        Ok(())
    }
}

/// The policy with the other contract for every ticket, whatever it was promised under.
fn under(reader: &Reader, policy: &Policy, contract: &Source) -> anyhow::Result<Policy> {
    let kept = reader.policy(policy.book_hash)?;
    let named = |name: &str| -> Source {
        let file = kept.iter().find(|(file, _)| file.ends_with(name));
        let (file, text) = file.cloned().unwrap_or_default();
        Source { file, text }
    };
    let (customers, staff) = (named("customers.toml"), named("staff.toml"));
    let book = Book::parse(contract, &customers, &staff).map_err(|found| {
        let words: Vec<String> = found.iter().map(ToString::to_string).collect();
        Fault::error(exit::DATA, words.join("\n"))
    })?;
    Ok(Policy {
        book: Arc::new(book),
        book_hash: Fingerprint::of(contract.text.as_bytes()),
        former: Default::default(),
        ..policy.clone()
    })
}

/// The clocks that would have gone another way; none if the ticket cannot be asked.
fn compared(
    policy: &Policy,
    other: &Policy,
    ticket: &Ticket,
    entries: &[crate::desk::Entry],
    now: DateTime<Utc>,
) -> Option<Vec<Difference>> {
    let replayed = clocks::replayed(other, ticket, entries)?;
    let own = |clock: &Clock| {
        let book = policy.book_of(ticket, Some(clock));
        course(policy, book, ticket, clock, now)
    };
    let clocks = ticket
        .clocks
        .iter()
        .filter(|c| matches!(c.kind, ClockKind::InitialResponse | ClockKind::Escalation));
    let found = clocks.filter_map(|clock| {
        let would = replayed
            .iter()
            .find(|c| c.kind == clock.kind && c.started == clock.started)?;
        let (was, would_be) = (own(clock), course(other, &other.book, ticket, would, now));
        (was != would_be).then(|| Difference {
            ticket: ticket.clone(),
            kind: clock.kind,
            was,
            would_be,
            how: other
                .book
                .explanation(&would.objective, would.started, would.deadline),
        })
    });
    Some(found.collect())
}

fn course(
    policy: &Policy,
    book: &Book,
    ticket: &Ticket,
    clock: &Clock,
    now: DateTime<Utc>,
) -> Course {
    let credit_days = match clock.stopped {
        Some(_) => clock.credit_days,
        None => overdue::days_by(policy, book, ticket.account_of(clock), clock, now),
    };
    Course {
        deadline: (!clock.objective.internal).then_some(clock.deadline),
        breached: clock.is_late(clock.stopped.unwrap_or(now)),
        credit_days,
    }
}

fn facts(difference: &Difference) -> Value {
    let course = |c: &Course| json!({ "deadline": c.deadline.map(utc), "breached": c.breached, "credit_days": c.credit_days });
    json!({
        "ticket": difference.ticket.id, "customer": difference.ticket.subscription.customer, "clock": difference.kind,
        "was": course(&difference.was), "would_be": course(&difference.would_be), "how": difference.how,
    })
}

fn told(policy: &Policy, d: &Difference, table: &mut Table) {
    let deadline = |c: &Course| {
        c.deadline
            .map_or("best effort".into(), |at| policy.book.local(at))
    };
    let breach = |c: &Course| if c.breached { "missed" } else { "kept" }.to_string();
    table.row([
        d.ticket.id.to_string(),
        d.ticket.subscription.customer.clone().unwrap_or_default(),
        as_word(&d.kind),
        deadline(&d.was),
        deadline(&d.would_be),
        breach(&d.was),
        breach(&d.would_be),
        d.was.credit_days.to_string(),
        d.would_be.credit_days.to_string(),
    ]);
}
