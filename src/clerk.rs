//! The clerk: load, decide, commit, announce. One thread, many sources.
//!
//! Knows neither sockets nor timers nor what the decisions mean. Promise: what [`Clerk::process`] returns is committed and synced; if it returns an
//! error, nothing of it happened. A mail over which a decision panics, or the rendering of a letter, is set aside whole; nothing else of its batch suffers.

pub mod window;

use crate::desk::event::{Event, Trouble};
use crate::desk::letter::{self, Enclosure};
use crate::desk::record::{Fate, Place, Record};
use crate::desk::{Arrival, Ask, Known, Letter, Outcome, Policy, decide};
use crate::mail::parse::part_contents;
use crate::mail::{self, Mail};
use crate::rules::Searched;
use crate::store::{Batch, Store, View};
use anyhow::Context;
use chrono::{DateTime, Utc};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};

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
    /// Whether the command was wrong, so that nothing of it was carried out; or the letter may not leave.
    pub refused: bool,
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
    render: Render,
    /// Decided, and not yet committed.
    ahead: Decided,
}

/// Decisions that do not count yet.
#[derive(Default)]
struct Decided {
    batch: Batch,
    done: Vec<Done>,
}

/// How a letter becomes bytes: [`letter::render`], but in a test of what happens when it panics.
pub type Render = fn(&Letter, &dyn Fn(&Enclosure) -> Vec<u8>) -> Vec<u8>;

/// How much of a mail is looked at. What panics is decided again with less; an event that is no mail has no less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// As usual.
    Whole,
    /// Set aside for a person, with its subject and its addresses.
    Aside,
    /// Set aside; its bytes are kept, and nothing of them is looked at but who wrote it to whom: a mail to a confidential queue stays there (B09).
    Unread,
}

impl Clerk {
    /// A clerk for this store, going by this policy.
    pub fn new(store: Store, policy: Arc<Policy>) -> Self {
        Clerk {
            store,
            policy,
            render: letter::render,
            ahead: Decided::default(),
        }
    }

    /// The same clerk, rendering letters otherwise.
    pub fn rendering(self, render: Render) -> Self {
        Clerk { render, ..self }
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
        self.process_prepared(jobs, &prepared(&self.policy, jobs, now), now)
    }

    /// The same, where [`prepared`] was asked beforehand, under the same policy.
    pub fn process_prepared(
        &mut self,
        jobs: &[Job],
        prepared: &[Prepared],
        now: DateTime<Utc>,
    ) -> anyhow::Result<Vec<Done>> {
        anyhow::ensure!(
            self.ahead.batch.is_empty(),
            "what was decided ahead is not committed yet"
        );
        self.ahead = self.deciding(now).all(&self.store.view(), jobs, prepared)?;
        self.finish()
    }

    /// Decides the jobs, while those of the call before are committed: what became of those. With [`Clerk::finish`] for the last ones. After an error nothing is
    /// left that is decided and not committed: what was not told of, here or before, is to be handed in again.
    pub fn process_ahead(
        &mut self,
        jobs: &[Job],
        prepared: &[Prepared],
        now: DateTime<Utc>,
    ) -> anyhow::Result<Vec<Done>> {
        let before = std::mem::take(&mut self.ahead);
        let deciding = self.deciding(now);
        let decided = self
            .store
            .commit_while(before.batch, |view| deciding.all(view, jobs, prepared))
            .context(NOT_COMMITTED)?;
        self.ahead = decided?;
        Ok(before.done)
    }

    /// Commits what was decided last.
    pub fn finish(&mut self) -> anyhow::Result<Vec<Done>> {
        let last = std::mem::take(&mut self.ahead);
        self.store.commit(last.batch).context(NOT_COMMITTED)?;
        Ok(last.done)
    }

    fn deciding(&self, now: DateTime<Utc>) -> Deciding {
        Deciding {
            policy: self.policy.clone(),
            render: self.render,
            now,
        }
    }
}

const NOT_COMMITTED: &str = "the batch could not be committed; nothing of it was taken";

/// What decisions are taken by.
struct Deciding {
    policy: Arc<Policy>,
    render: Render,
    now: DateTime<Utc>,
}

impl Deciding {
    /// Decides the jobs in order, and anew with less of a mail that panics.
    fn all(&self, view: &View, jobs: &[Job], prepared: &[Prepared]) -> anyhow::Result<Decided> {
        let mut looks = vec![Look::Whole; jobs.len()];
        loop {
            let (decided, failed) = self.once(view, jobs, prepared, &mut looks)?;
            // Later decisions saw what this one wrote: all of them anew.
            let lessened = failed
                .into_iter()
                .filter(|job| lessen(&jobs[*job], &mut looks[*job]));
            if lessened.count() == 0 {
                return Ok(decided);
            }
        }
    }

    /// Decides the jobs in order, while the letters of those before are rendered on all cores. And which jobs have a letter whose rendering panicked: it
    /// stays without bytes, and if no shorter path leads around it, it is refused when its turn to leave comes, and staff are told.
    fn once(
        &self,
        view: &View,
        jobs: &[Job],
        prepared: &[Prepared],
        looks: &mut [Look],
    ) -> anyhow::Result<(Decided, BTreeSet<usize>)> {
        let mut batch = Batch::default();
        let mut done = Vec::with_capacity(jobs.len());
        let (render, (sender, rendered)) = (self.render, mpsc::channel());
        rayon::in_place_scope(|scope| {
            for (n, (job, prepared)) in jobs.iter().zip(prepared).enumerate() {
                let mut outcome = self.one(view, &batch, job, &mut looks[n], prepared)?;
                done.push(told(&outcome));
                let letters = std::mem::take(&mut outcome.letters);
                for (k, (place, letter)) in letters.into_iter().enumerate() {
                    let sender = sender.clone();
                    let raw = job.raw.as_deref();
                    scope.spawn(move |_| {
                        let bytes = rendered_letter(render, &letter, raw);
                        // Its receiver outlives this scope.
                        let _ = sender.send((n, k, place, bytes));
                    });
                }
                match (&job.event, &job.raw) {
                    (Event::MailArrived(arrival), Some(raw)) => {
                        batch.add_mail(outcome, arrival.mail.raw, raw.clone());
                    }
                    _ => batch.add(outcome, job.raw.clone()),
                }
            }
            anyhow::Ok(())
        })?;
        drop(sender);
        // In the order in which they were written: what is recorded must not depend on who was done first.
        let mut rendered: Vec<_> = rendered.into_iter().collect();
        rendered.sort_by_key(|(job, k, ..)| (*job, *k));
        let mut failed = BTreeSet::new();
        for (job, _, place, bytes) in rendered {
            match bytes {
                Some(bytes) => batch.letter(place, bytes),
                None => {
                    tracing::error!(
                        ticket = place.ticket.0,
                        entry = place.seq,
                        "rendering a letter panicked"
                    );
                    failed.insert(job);
                }
            }
        }
        Ok((Decided { batch, done }, failed))
    }

    fn one(
        &self,
        view: &View,
        batch: &Batch,
        job: &Job,
        look: &mut Look,
        prepared: &Prepared,
    ) -> anyhow::Result<Outcome> {
        if *look == Look::Whole
            && let Some(outcome) = self.settled(view, batch, &job.event, prepared)?
        {
            return Ok(outcome);
        }
        if *look == Look::Whole {
            anyhow::ensure!(lessen(job, look), "a decision panicked");
        }
        loop {
            let event = set_aside(job, *look).context("only a mail is set aside")?;
            if let Some(outcome) = self.settled(view, batch, &event, &Prepared::default())? {
                return Ok(outcome);
            }
            // A mail that even the shortest path cannot take is left where it is.
            anyhow::ensure!(
                lessen(job, look),
                "a decision panicked over a mail of which nothing was looked at"
            );
        }
    }

    /// Decides until everything asked was known; None if the desk panicked.
    fn settled(
        &self,
        view: &View,
        batch: &Batch,
        event: &Event,
        prepared: &Prepared,
    ) -> anyhow::Result<Option<Outcome>> {
        let mut known = Known::with(prepared.searched.clone());
        for ask in &prepared.asks {
            known.learn(ask.clone(), view.load(batch, ask)?);
        }
        for _ in 0..ROUNDS_MAX {
            let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| {
                decide(&self.policy, &known, event, self.now)
            })) else {
                return Ok(None);
            };
            let missing = known.take_missing();
            if missing.is_empty() {
                return Ok(Some(outcome));
            }
            for ask in missing {
                let answer = view.load(batch, &ask)?;
                known.learn(ask, answer);
            }
        }
        anyhow::bail!("a decision asked for more and more: {ROUNDS_MAX} rounds")
    }
}

/// A letter's bytes, its enclosures being parts of this mail; None if rendering it panicked.
fn rendered_letter(render: Render, letter: &Letter, raw: Option<&[u8]>) -> Option<Vec<u8>> {
    let raw = raw.unwrap_or_default();
    let rendered = || {
        let enclosed = letter.enclosures.iter().filter_map(|e| e.part);
        let contents = part_contents(raw, enclosed);
        let content = |enclosure: &Enclosure| match enclosure.part {
            Some(part) => contents.get(&part).cloned().unwrap_or_default(),
            None => raw.to_vec(),
        };
        render(letter, &content)
    };
    catch_unwind(AssertUnwindSafe(rendered)).ok()
}

/// What can be done for a decision before its turn: it depends on nothing that the jobs before it decide.
#[derive(Default)]
pub struct Prepared {
    /// What the rules find in the mail.
    searched: Option<Arc<Searched>>,
    /// What the decision asks first. The answers are for its turn.
    pub asks: BTreeSet<Ask>,
}

/// Prepares the decisions on these jobs, on all cores.
pub fn prepared(policy: &Policy, jobs: &[Job], now: DateTime<Utc>) -> Vec<Prepared> {
    let prepare = |job: &Job| {
        let Event::MailArrived(arrival) = &job.event else {
            return Prepared::default();
        };
        let search = || Arc::new(policy.rules.searched(&arrival.mail));
        let is_human = arrival.mail.kind.is_human();
        let searched = is_human.then(|| catch_unwind(AssertUnwindSafe(search)).ok());
        let ask = || {
            let mut known = Known::default();
            decide(policy, &known, &job.event, now);
            known.take_missing()
        };
        Prepared {
            searched: searched.flatten(),
            asks: catch_unwind(AssertUnwindSafe(ask)).unwrap_or_default(),
        }
    };
    jobs.par_iter().map(prepare).collect()
}

/// Whether the job can be decided with less, and will be.
fn lessen(job: &Job, look: &mut Look) -> bool {
    let is_mail = matches!(job.event, Event::MailArrived(_)) && job.raw.is_some();
    let less = match look {
        Look::Whole if is_mail => Look::Aside,
        Look::Aside => Look::Unread,
        Look::Whole | Look::Unread => return false,
    };
    tracing::error!(
        "taking a decision on a mail panicked, or writing a letter about it; it is set aside"
    );
    *look = less;
    true
}

/// The arrival as one that cannot be taken apart.
fn set_aside(job: &Job, look: Look) -> Option<Event> {
    let (Event::MailArrived(arrival), Some(raw)) = (&job.event, &job.raw) else {
        return None;
    };
    let mail = match look {
        Look::Whole | Look::Aside => arrival.mail.clone(),
        Look::Unread => Arc::new(Mail {
            from: arrival.mail.from.clone(),
            to: arrival.mail.to.clone(),
            cc: arrival.mail.cc.clone(),
            ..mail::unread(raw)
        }),
    };
    let trouble = Some(Trouble::Unreadable(
        "taking a decision on it, or writing a letter about it, failed".into(),
    ));
    Some(Event::MailArrived(Box::new(Arrival {
        mail,
        trouble,
        ..(**arrival).clone()
    })))
}

fn told(outcome: &Outcome) -> Done {
    Done {
        because: outcome.because.clone(),
        fate: outcome.fate,
        reply: outcome.reply.clone(),
        refused: outcome.refused,
        letters: outcome.letters.iter().map(|(place, _)| *place).collect(),
        changed: !outcome.records.is_empty(),
        clocks: outcome
            .records
            .iter()
            .any(|r| matches!(r, Record::Ticket(t) if t.clocks.iter().any(|c| c.next.is_some()))),
    }
}
