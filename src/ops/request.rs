//! What can be asked of the record, and the answer: the same whether a daemon answers over its socket or the command opens the store itself.

use super::status::{self, Fact};
use super::{Fault, code_of, credits, exit, outbox, report, review, tickets};
use crate::clerk::{Done, Job};
use crate::desk::Policy;
use crate::desk::event::{Arrival, Command, Event, Trouble};
use crate::desk::ticket::TicketId;
use crate::store::{self, Reader};
use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use data_encoding::BASE64;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::sync::Arc;

/// A question or a command.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Tickets, or filed mail.
    List(tickets::Filter),
    /// One ticket with its whole record.
    Show {
        /// Its number.
        ticket: u64,
        /// Entry K's mail or letter, byte for byte.
        raw: Option<u32>,
        /// One JSON object.
        json: bool,
    },
    /// The ledger.
    Credits(credits::Filter),
    /// Numbers per customer and month, or what another contract would change.
    Report(report::Filter),
    /// A customer's fortnight.
    Review(review::Filter),
    /// Letters waiting, failed, unknown, held.
    Outbox(outbox::Wish),
    /// What staff can do by mail.
    Command {
        /// A staff id, or `operator`.
        by: String,
        /// The ticket.
        ticket: u64,
        /// `severity 2 workaround`.
        line: String,
    },
    /// Mails as newly arrived.
    Receive(Delivery),
    /// Every promise of the store checked.
    Audit {
        /// One object a finding.
        json: bool,
    },
    /// What the last ticket was promised by ([`Promised`](crate::contract::kept::Promised) as JSON, `null` without any).
    Promised,
    /// Is all well.
    Status {
        /// One JSON object.
        json: bool,
    },
    /// Tests only: the daemon's clock is so many seconds ahead. Absent from release builds.
    #[cfg(debug_assertions)]
    Offset {
        /// Seconds.
        secs: i64,
    },
}

/// Mails handed over by `ticketd receive`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// The queue's name; empty for the first.
    pub queue: String,
    /// Files history without letters or clocks.
    pub silent: bool,
    /// When they were received; none: now.
    pub received_at: Option<DateTime<Utc>>,
    /// The raw mails, base64.
    pub mails: Vec<String>,
    /// The whole size of each of them, where only its beginning is taken.
    pub cut_from: Vec<Option<u64>>,
}

/// The other side: what is known, and who decides.
pub struct Desk<'a> {
    /// What is committed.
    pub reader: &'a Reader,
    /// What goes by.
    pub policy: &'a Policy,
    /// Hands jobs to the clerk and waits for the commit.
    pub submit: &'a mut dyn FnMut(Vec<Job>) -> anyhow::Result<Vec<Done>>,
    /// How everything is doing.
    pub facts: &'a dyn Fn() -> anyhow::Result<Vec<Fact>>,
    /// Now.
    pub now: DateTime<Utc>,
}

impl Desk<'_> {
    /// Answers into `out`; the exit code.
    pub fn answer(&mut self, request: Request, out: &mut dyn Write) -> anyhow::Result<u8> {
        match request {
            Request::List(filter) => {
                tickets::list(self.reader, self.policy, &filter, self.now, out)
            }
            Request::Show { ticket, raw, json } => tickets::show(
                self.reader,
                self.policy,
                TicketId(ticket),
                raw,
                json,
                self.now,
                out,
            ),
            Request::Credits(filter) => {
                credits::answer(self.reader, self.policy, &filter, self.now, out)
            }
            Request::Report(filter) => {
                report::answer(self.reader, self.policy, &filter, self.now, out)
            }
            Request::Review(filter) => {
                review::answer(self.reader, self.policy, &filter, self.now, out)
            }
            Request::Outbox(wish) => outbox::answer(self, &wish, out),
            Request::Command { by, ticket, line } => self.command(
                Command {
                    by,
                    ticket: TicketId(ticket),
                    line,
                },
                out,
            ),
            Request::Receive(delivery) => self.receive(delivery, out),
            Request::Audit { json } => audit(self.reader, json, out),
            Request::Promised => {
                serde_json::to_writer(&mut *out, &self.reader.promised()?)?;
                Ok(exit::OK)
            }
            Request::Status { json } => status::write(&(self.facts)()?, json, out),
            #[cfg(debug_assertions)]
            Request::Offset { secs } => {
                crate::clock::set_offset_secs(secs);
                Ok(exit::OK)
            }
        }
    }

    fn command(&mut self, command: Command, out: &mut dyn Write) -> anyhow::Result<u8> {
        let done = self.committed(vec![Job {
            event: Event::Command(command),
            raw: None,
        }])?;
        let Some(done) = done.first() else {
            return Ok(exit::SOFTWARE);
        };
        if done.refused {
            return Err(Fault::error(exit::DATA, done.reply.join("\n")));
        }
        for line in &done.reply {
            writeln!(out, "{line}")?;
        }
        Ok(exit::OK)
    }

    /// What is not committed changed nothing, so that it may be tried again (the disk is full, the house is closing).
    fn committed(&mut self, jobs: Vec<Job>) -> anyhow::Result<Vec<Done>> {
        (self.submit)(jobs).map_err(|e| match code_of(&e) {
            exit::UNAVAILABLE => Fault::error(exit::TEMPFAIL, format!("{e:#}")),
            _ => e,
        })
    }

    /// One commit for the mails of a delivery; the fate of each, a line.
    fn receive(&mut self, delivery: Delivery, out: &mut dyn Write) -> anyhow::Result<u8> {
        // Who asks may have read a newer configuration; what was meant for a queue that nobody here knows would be read by those of the first one.
        known_queue(
            self.policy.queues.iter().map(|q| q.name.as_str()),
            &delivery.queue,
        )?;
        not_to_come(delivery.received_at, self.now)?;
        let raws = delivery
            .mails
            .iter()
            .map(|m| Ok(Arc::from(BASE64.decode(m.as_bytes())?)))
            .collect::<anyhow::Result<Vec<Arc<[u8]>>>>()?;
        let received = delivery.received_at.unwrap_or(self.now);
        let mut jobs = arrivals(&raws, "receive", &delivery.queue, received, delivery.silent);
        for (job, cut_from) in jobs.iter_mut().zip(&delivery.cut_from) {
            if let (Event::MailArrived(arrival), Some(bytes)) = (&mut job.event, *cut_from) {
                arrival.trouble.get_or_insert(Trouble::Cut { bytes });
            }
        }
        for done in self.committed(jobs)? {
            writeln!(
                out,
                "{}",
                serde_json::json!({ "fate": done.fate, "letters": done.letters.len() })
            )?;
        }
        Ok(exit::OK)
    }
}

/// Empty is the first queue.
pub fn known_queue<'a>(queues: impl Iterator<Item = &'a str>, name: &str) -> anyhow::Result<()> {
    let names: Vec<&str> = queues.collect();
    if name.is_empty() || names.contains(&name) {
        return Ok(());
    }
    let words = format!("--queue {name} is unknown; use one of {}", names.join(", "));
    Err(Fault::error(exit::USAGE, words))
}

/// A clock that begins in the future is a deadline put off. No skew is allowed for: whoever says when, says it by this machine's clock or by an older stamp.
pub fn not_to_come(received: Option<DateTime<Utc>>, now: DateTime<Utc>) -> anyhow::Result<()> {
    let Some(received) = received.filter(|at| *at > now) else {
        return Ok(());
    };
    let words = format!(
        "--received-at {} is in the future; it is {} now",
        utc(received),
        utc(now)
    );
    Err(Fault::error(exit::USAGE, words))
}

/// Mails read on all cores, as arrivals. Runs inside a pool whose threads have the stack that mails need.
pub fn arrivals(
    raws: &[Arc<[u8]>],
    mailbox: &str,
    queue: &str,
    received: DateTime<Utc>,
    silent: bool,
) -> Vec<Job> {
    raws.par_iter()
        .map(|raw| arrival(raw, mailbox, queue, received, silent))
        .collect()
}

fn arrival(
    raw: &Arc<[u8]>,
    mailbox: &str,
    queue: &str,
    received: DateTime<Utc>,
    silent: bool,
) -> Job {
    let (mail, trouble) = match crate::post::watch::read_one(raw) {
        Ok(mail) => (mail, None),
        Err(why) => (crate::mail::unread(raw), Some(Trouble::Unreadable(why))),
    };
    let arrival = Arrival {
        mailbox: mailbox.into(),
        queue: queue.into(),
        mail: Arc::new(mail),
        received: received.trunc_subsecs(0),
        silent,
        cursor: None,
        trouble,
    };
    Job {
        event: Event::MailArrived(Box::new(arrival)),
        raw: Some(raw.clone()),
    }
}

fn audit(reader: &Reader, json: bool, out: &mut dyn Write) -> anyhow::Result<u8> {
    let findings = store::audit::audit(reader)?;
    for finding in &findings {
        if json {
            writeln!(
                out,
                "{}",
                serde_json::json!({ "place": finding.place, "what": finding.what })
            )?;
        } else {
            writeln!(out, "{finding}")?;
        }
    }
    if findings.is_empty() && !json {
        writeln!(
            out,
            "The journal is whole, the index agrees with it, and every promise is kept."
        )?;
    }
    Ok(if findings.is_empty() {
        exit::OK
    } else {
        exit::DATA
    })
}

/// `2026-11-23T09:00:00Z`.
pub fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
