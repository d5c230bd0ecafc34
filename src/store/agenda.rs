//! What is gathered from the whole record for a letter: the desk at its opening (C10.5), a customer's fortnight (C8.3).
//!
//! Knows how to find it; not what is said of it. Reads every ticket once, beside the writer, so it belongs on a thread that may take its time.

use super::reader::Reader;
use crate::desk::opening::{Failed, Filed, Opening, SHOWN, Several, Standing};
use crate::desk::record::{Entry, EntryKind, Road};
use crate::desk::review::Pack;
use crate::desk::ticket::{State, Ticket, TicketId};
use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeMap;

impl Reader {
    /// What stands on the desk that opens at `at`, in these queues; due is what expires before `evening`. Filed mail since entry `since` of the file.
    pub fn opening(
        &self,
        at: DateTime<Utc>,
        evening: DateTime<Utc>,
        queues: &[String],
        since: u32,
    ) -> Result<Opening> {
        let mut standing: BTreeMap<&str, Standing> = queues
            .iter()
            .map(|name| {
                let empty = Standing {
                    queue: name.clone(),
                    ..Standing::default()
                };
                (name.as_str(), empty)
            })
            .collect();
        let mut due: BTreeMap<String, Vec<(DateTime<Utc>, TicketId)>> = BTreeMap::new();
        self.tickets(&mut |ticket| {
            if let Some(standing) = standing.get_mut(ticket.queue.as_str()) {
                let deadline = ticket.next_deadline().map(|c| c.deadline);
                if let Some(deadline) = deadline.filter(|d| *d < evening) {
                    let of_queue = due.entry(ticket.queue.clone()).or_default();
                    of_queue.push((deadline, ticket.id));
                }
                noted(standing, ticket);
            }
            true
        })?;
        for (queue, mut due) in due {
            due.sort_unstable();
            let nearest = due.iter().take(SHOWN).map(|(_, id)| self.ticket(*id));
            let first = nearest.collect::<Result<Vec<_>>>()?;
            if let Some(standing) = standing.get_mut(queue.as_str()) {
                standing.due = Several {
                    first: first.into_iter().flatten().collect(),
                    total: due.len(),
                };
            }
        }
        let mut filed = since;
        for entry in self.entries_since(TicketId::FILE, since)? {
            filed = filed.max(entry.place.seq);
            let queue = entry.mail.as_ref().map(|mail| mail.queue.as_str());
            if let (EntryKind::Filed, Some(standing)) =
                (entry.kind, queue.and_then(|q| standing.get_mut(q)))
            {
                standing.filed.push(filed_mail(&entry));
            }
        }
        for letter in self.outbox()?.iter().filter(|e| is_stuck(e)) {
            let ticket = self.ticket(letter.place.ticket)?;
            let queue = ticket.as_ref().map_or(queues.first(), |t| Some(&t.queue));
            if let Some(standing) = queue.and_then(|q| standing.get_mut(q.as_str())) {
                standing.failed.push(failed_letter(letter));
            }
        }
        let head = self.head();
        Ok(Opening {
            at,
            queues: standing.into_values().collect(),
            filed,
            head: format!("{} {}", head.sequence, head.chain.hex()),
        })
    }

    /// What a customer's fortnight was: the tickets that it concerns, the ledger, the time booked.
    pub fn pack(
        &self,
        customer: &str,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        first_day: NaiveDate,
    ) -> Result<Pack> {
        let mut pack = Pack {
            customer: customer.into(),
            from,
            until,
            tickets: vec![],
            credits: self.credits(Some(customer))?,
            times: self.times(customer, first_day)?,
        };
        self.tickets(&mut |ticket| {
            if pack.concerns(&ticket) {
                pack.tickets.push(ticket);
            }
            true
        })?;
        Ok(pack)
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

fn is_stuck(entry: &Entry) -> bool {
    let road = entry.letter.as_ref().map(|letter| &letter.road);
    matches!(road, Some(Road::Failed { .. } | Road::Unknown { .. }))
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
