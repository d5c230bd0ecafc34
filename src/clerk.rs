//! The clerk: load, decide, commit, announce. One thread, many sources.
//!
//! Knows neither sockets nor timers nor what the decisions mean. Promise: what [`Clerk::process`] returns is committed and synced; if it returns an
//! error, nothing of it happened. A decision that panics becomes a quarantine ticket, not a stopped house.

pub mod window;

use crate::desk::event::{Event, Trouble};
use crate::desk::record::{Fate, Place, Record};
use crate::desk::{Arrival, Known, Letter, Outcome, Policy, decide, letter};
use crate::mail::parse::part_content;
use crate::rules::Searched;
use crate::store::{Batch, Store};
use anyhow::Context;
use chrono::{DateTime, Utc};
use rayon::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use window::Handle;

/// A decision reads, is thrown away, reads more: this often at most. A token, its entry, its ticket and a merge are four.
const ROUNDS_MAX: usize = 12;

/// An event with the bytes it speaks of.
#[derive(Clone, Debug)]
pub struct Job {
    /// What happened.
    pub event: Event,
    /// The raw mail of an arrival.
    pub raw: Option<Arc<[u8]>>,
}

/// What became of a job, once it is committed.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Why.
    pub because: String,
    /// What became of an arrived mail.
    pub fate: Fate,
    /// What a command's giver reads.
    pub reply: Vec<String>,
    /// Letters written.
    pub letters: Vec<Place>,
    /// Whether the record changed.
    pub changed: bool,
    /// Whether a clock was started, moved or stopped: deadlines may be due sooner than known.
    pub clocks: bool,
}

/// The one who decides and commits.
pub struct Clerk {
    store: Store,
    policy: Arc<Policy>,
}

impl Clerk {
    /// A clerk for this store, going by this policy.
    pub fn new(store: Store, policy: Arc<Policy>) -> Self {
        Clerk { store, policy }
    }

    /// From the next batch on, another policy counts.
    pub fn go_by(&mut self, policy: Arc<Policy>) {
        self.policy = policy;
    }

    /// The store, for readers and upkeep.
    pub fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Ends: the store is closed cleanly.
    pub fn close(self) -> anyhow::Result<()> {
        self.store.close()
    }

    /// Decides the jobs in order and commits them together: one journal append, one sync.
    pub fn process(&mut self, jobs: &[Job], now: DateTime<Utc>) -> anyhow::Result<Vec<Done>> {
        let mut batch = self.store.begin();
        let mut letters = Vec::new();
        let mut done = Vec::with_capacity(jobs.len());
        for (job, searched) in jobs.iter().zip(self.searched(jobs)) {
            let mut outcome = self.decided(&batch, &job.event, searched, now)?;
            done.push(told(&outcome));
            letters.extend(
                std::mem::take(&mut outcome.letters)
                    .into_iter()
                    .map(|(place, letter)| (place, letter, job.raw.clone())),
            );
            let raw = job.raw.clone().filter(|_| outcome.keep_raw);
            batch.add(outcome, raw);
        }
        for (place, bytes) in rendered(letters)? {
            batch.letter(place, bytes);
        }
        if !batch.is_empty() {
            self.store
                .commit(batch)
                .context("the batch could not be committed; nothing of it was taken")?;
        }
        Ok(done)
    }

    /// What the rules find in the mails, on all cores: it depends on nothing that the jobs before decide.
    fn searched(&self, jobs: &[Job]) -> Vec<Option<Searched>> {
        let rules = &self.policy.rules;
        jobs.par_iter()
            .map(|job| match &job.event {
                Event::MailArrived(arrival) if arrival.mail.kind.is_human() => {
                    catch_unwind(AssertUnwindSafe(|| rules.searched(&arrival.mail))).ok()
                }
                _ => None,
            })
            .collect()
    }

    fn decided(
        &self,
        batch: &Batch,
        event: &Event,
        searched: Option<Searched>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Outcome> {
        match self.settled(batch, event, searched, now)? {
            Some(outcome) => Ok(outcome),
            None => {
                // Once more by the shortest path; a mail that even this cannot take is left where it is.
                let simple = quarantined(event).context("a decision panicked")?;
                self.settled(batch, &simple, None, now)?
                    .context("a decision panicked twice over the same mail")
            }
        }
    }

    /// Decides until everything asked was known; None if the desk panicked.
    fn settled(
        &self,
        batch: &Batch,
        event: &Event,
        searched: Option<Searched>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Option<Outcome>> {
        let mut known = Known::with(searched);
        for _ in 0..ROUNDS_MAX {
            let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| {
                decide(&self.policy, &known, event, now)
            })) else {
                return Ok(None);
            };
            let missing = known.take_missing();
            if missing.is_empty() {
                return Ok(Some(outcome));
            }
            for ask in missing {
                let answer = self.store.load(batch, &ask)?;
                known.learn(ask, answer);
            }
        }
        anyhow::bail!("a decision asked for more and more: {ROUNDS_MAX} rounds")
    }
}

/// The arrival as one that cannot be taken apart.
fn quarantined(event: &Event) -> Option<Event> {
    let Event::MailArrived(arrival) = event else {
        return None;
    };
    let trouble = Some(Trouble::Unreadable("taking a decision on it failed".into()));
    Some(Event::MailArrived(Box::new(Arrival {
        trouble,
        ..(**arrival).clone()
    })))
}

fn told(outcome: &Outcome) -> Done {
    Done {
        because: outcome.because.clone(),
        fate: outcome.fate,
        reply: outcome.reply.clone(),
        letters: outcome.letters.iter().map(|(place, _)| *place).collect(),
        changed: !outcome.records.is_empty(),
        clocks: outcome
            .records
            .iter()
            .any(|r| matches!(r, Record::Ticket(t) if t.clocks.iter().any(|c| c.next.is_some()))),
    }
}

/// A letter, its place, and the mail that its enclosures are parts of.
type Written = (Place, Letter, Option<Arc<[u8]>>);

/// The letters' bytes, on all cores.
fn rendered(letters: Vec<Written>) -> anyhow::Result<Vec<(Place, Vec<u8>)>> {
    letters
        .into_par_iter()
        .map(|(place, letter, raw)| {
            let content = |enclosure: &letter::Enclosure| {
                let raw = raw.as_deref().unwrap_or_default();
                match enclosure.part {
                    Some(part) => part_content(raw, part),
                    None => raw.to_vec(),
                }
            };
            catch_unwind(AssertUnwindSafe(|| letter::render(&letter, &content)))
                .map(|bytes| (place, bytes))
                .map_err(|_| {
                    anyhow::anyhow!(
                        "letter {}/{} could not be rendered",
                        place.ticket,
                        place.seq
                    )
                })
        })
        .collect()
}
