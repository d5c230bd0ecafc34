//! What is gathered from the whole record for a letter: the desk at its opening (C10.5), a customer's fortnight (C8.3).
//!
//! Knows how to find it; not what is said of it. Reads every ticket once, one after the other beside the writer, and keeps of them what the letter shows and
//! how many there are: a million of them need no more memory than twenty. That takes its time, so it belongs on a thread that may take it. Most of what is
//! looked for (nobody's, set aside, our turn) has no row of its own in the index, and is not worth one: rows are what a mail costs.

use super::reader::Reader;
use crate::contract::Person;
use crate::desk::Policy;
use crate::desk::opening::{Failed, Filed, Opening, SHOWN, Several, Standing};
use crate::desk::record::{Entry, EntryKind};
use crate::desk::review::Pack;
use crate::desk::ticket::{State, Ticket, TicketId};
use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// A queue, and those of its tickets that are due first.
#[derive(Default)]
struct Gathered {
    standing: Standing,
    /// At most [`SHOWN`].
    nearest: BTreeMap<(DateTime<Utc>, TicketId), Ticket>,
    due: usize,
}

impl Reader {
    /// What stands on the desk that opens at `at`, in these queues; due is what expires before `evening`. Filed mail since each entry `since` of the file.
    pub fn opening(
        &self,
        at: DateTime<Utc>,
        evening: DateTime<Utc>,
        queues: &[String],
        since: &BTreeSet<u32>,
    ) -> Result<Opening> {
        let mut gathered: BTreeMap<&str, Gathered> = queues
            .iter()
            .map(|name| {
                let mut empty = Gathered::default();
                empty.standing.queue = name.clone();
                empty.standing.filed = since.iter().map(|s| (*s, Several::default())).collect();
                (name.as_str(), empty)
            })
            .collect();
        self.tickets(&mut |ticket| {
            if let Some(gathered) = gathered.get_mut(ticket.queue.as_str()) {
                gathered.due(&ticket, evening);
                noted(&mut gathered.standing, ticket);
            }
            true
        })?;
        let mut standing: BTreeMap<&str, Standing> = gathered
            .into_iter()
            .map(|(queue, gathered)| (queue, gathered.standing()))
            .collect();
        let first = since.first().copied().unwrap_or_default();
        let mut filed = since.last().copied().unwrap_or_default();
        self.filed_since(first, &mut |entry| {
            filed = filed.max(entry.place.seq);
            let queue = entry.mail.as_ref().map(|mail| mail.queue.as_str());
            if let (EntryKind::Filed, Some(standing)) =
                (entry.kind, queue.and_then(|q| standing.get_mut(q)))
            {
                for (_, filed) in standing.filed.range_mut(..entry.place.seq) {
                    filed.push(filed_mail(&entry));
                }
            }
            Ok(())
        })?;
        self.stuck(&mut |letter| {
            let ticket = self.ticket(letter.place.ticket)?;
            let queue = ticket.as_ref().map_or(queues.first(), |t| Some(&t.queue));
            if let Some(standing) = queue.and_then(|q| standing.get_mut(q.as_str())) {
                standing.failed.push(failed_letter(&letter));
            }
            Ok(())
        })?;
        let head = self.head();
        Ok(Opening {
            at,
            queues: standing.into_values().collect(),
            filed,
            head: format!("{} {}", head.sequence, head.chain.hex()),
        })
    }

    /// What a customer's fortnight was: the tickets that it concerns, the ledger, the time booked. As `reader` may see it, or the operator.
    pub fn pack(
        &self,
        policy: &Policy,
        reader: Option<&Person>,
        customer: &str,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        first_day: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Pack> {
        let mut pack = Pack::of(policy, reader, customer, (from, until), now);
        let queue = |entry: &Entry| -> Result<String> {
            let ticket = self.ticket(entry.place.ticket)?;
            Ok(ticket.map_or(String::new(), |ticket| ticket.queue))
        };
        self.each_credit(Some(customer), &mut |entry| {
            pack.credit(policy, reader, &queue(&entry)?, &entry);
            Ok(())
        })?;
        self.each_time(customer, first_day, &mut |entry| {
            pack.booked(policy, reader, &queue(&entry)?, &entry);
            Ok(())
        })?;
        self.tickets(&mut |ticket| {
            pack.ticket(policy, reader, &ticket);
            true
        })?;
        Ok(pack)
    }
}

impl Gathered {
    fn due(&mut self, ticket: &Ticket, evening: DateTime<Utc>) {
        let deadline = ticket.next_deadline().map(|clock| clock.deadline);
        let Some(deadline) = deadline.filter(|at| *at < evening) else {
            return;
        };
        self.due += 1;
        self.nearest.insert((deadline, ticket.id), ticket.clone());
        if self.nearest.len() > SHOWN {
            self.nearest.pop_last();
        }
    }

    fn standing(self) -> Standing {
        Standing {
            due: Several {
                first: self.nearest.into_values().collect(),
                total: self.due,
            },
            ..self.standing
        }
    }
}

fn noted(standing: &mut Standing, ticket: Ticket) {
    if ticket.state == State::Quarantined {
        standing.quarantined.push(ticket);
        return;
    }
    if ticket.state == State::Open && ticket.responded.is_some() {
        standing.unanswered.push(ticket.clone());
    }
    if ticket.is_open() && ticket.assignee.is_none() {
        standing.unassigned.push(ticket);
    }
}

fn failed_letter(entry: &Entry) -> Failed {
    let letter = entry.letter.as_ref();
    Failed {
        place: entry.place,
        to: letter.map_or(String::new(), |l| l.to.clone()),
        why: letter.map_or(String::new(), |l| l.last_error.clone()),
    }
}

fn filed_mail(entry: &Entry) -> Filed {
    Filed {
        seq: entry.place.seq,
        from: entry.from.clone(),
        subject: entry.subject.clone(),
        why: entry.text.clone(),
    }
}
