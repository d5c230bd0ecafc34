//! Due steps of clocks, digests, the desk's opening, review packs: sleeps to the next one, hands it to the clerk.
//!
//! The store is the truth: this loop knows no deadline by heart and may miss any wake-up; what is done again and again is done once, however often this loop
//! thinks that it is due. The wall clock is read again at least every 30 s, so that a
//! suspended machine or a stepped clock delays a warning by no more (CONTRACT.md C10).

use crate::clerk::{Handle, Job};
use crate::desk::{Event, Policy, opening, review};
use crate::store::Reader;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// The longest sleep.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// After an error of the store.
const PAUSE: Duration = Duration::from_secs(5);

/// At most so many steps a commit.
const STEPS_MAX: usize = 100;

/// What the loop needs of the house.
pub struct Indoors {
    /// What is committed.
    pub reader: Reader,
    /// Who decides.
    pub clerk: Handle,
    /// What goes by now.
    pub policy: Box<dyn Fn() -> Arc<Policy> + Send + Sync>,
    /// What time it is.
    pub now: fn() -> DateTime<Utc>,
}

/// Something that gathers from the whole record takes its time; steps go on meanwhile.
type Gathering = tokio::task::JoinHandle<anyhow::Result<Event>>;

/// Runs until the clerk has ended. `pulse` gets the instant of each turn, in seconds since 1970: the watchdog is fed by it.
pub async fn watch(indoors: Indoors, pulse: Arc<AtomicI64>) {
    let (mut gathering, mut gathered) = (None, None);
    loop {
        let now = (indoors.now)();
        pulse.store(now.timestamp(), Ordering::Relaxed);
        match turn(&indoors, &mut gathering, gathered.take(), now).await {
            Ok(false) => {
                let sleep = until_next(&indoors.reader, (indoors.now)());
                tokio::select! {
                    () = tokio::time::sleep(sleep) => {}
                    () = indoors.clerk.deadlines_rung() => {}
                    round = ended(&mut gathering) => gathered = Some(round),
                }
            }
            Ok(true) => {}
            // What is due is due at the next start.
            Err(_) if indoors.clerk.is_closed() => return,
            Err(e) => {
                tracing::error!("due deadlines could not be worked on, trying again: {e:#}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// What is being gathered, once it is there; never, if nothing is.
async fn ended(gathering: &mut Option<Gathering>) -> anyhow::Result<Event> {
    let Some(work) = gathering else {
        return std::future::pending().await;
    };
    let round = work.await;
    *gathering = None;
    round?
}

/// Hands over what is due: steps before the digests that gather them, those before what takes longer. Whether there was anything.
async fn turn(
    indoors: &Indoors,
    gathering: &mut Option<Gathering>,
    gathered: Option<anyhow::Result<Event>>,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    if let Some(round) = gathered {
        return handed_over(indoors, vec![round?]).await;
    }
    let steps = indoors.reader.due(now, STEPS_MAX)?;
    if !steps.is_empty() {
        let events = steps.into_iter().map(Event::DeadlineReached);
        return handed_over(indoors, events.collect()).await;
    }
    let digests = indoors.reader.digests_due(now, STEPS_MAX)?;
    if !digests.is_empty() {
        let events = digests.into_iter().map(Event::DigestDue);
        return handed_over(indoors, events.collect()).await;
    }
    if gathering.is_none() {
        let (reader, policy) = (indoors.reader.clone(), (indoors.policy)());
        if let Some(wanted) = wanted(&reader, &policy, now)? {
            let work = move || wanted.gathered(&reader, &policy, now);
            *gathering = Some(tokio::task::spawn_blocking(work));
        }
    }
    Ok(false)
}

async fn handed_over(indoors: &Indoors, events: Vec<Event>) -> anyhow::Result<bool> {
    let jobs = events.into_iter().map(|event| Job { event, raw: None });
    let done = indoors.clerk.submit(jobs.collect()).await?;
    // A due key that no decision moves would spin this loop; the audit names it.
    anyhow::ensure!(
        done.iter().any(|d| d.changed),
        "due steps stay due: {:?}",
        done.first().map(|d| &d.because)
    );
    Ok(true)
}

/// What is done once a day or a fortnight, while the desk is open, and is to be done now (C10.5, C8.3).
pub fn round_due(
    reader: &Reader,
    policy: &Policy,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<Event>> {
    let wanted = wanted(reader, policy, now)?;
    wanted.map(|w| w.gathered(reader, policy, now)).transpose()
}

/// What is to be gathered.
enum Wanted {
    /// Of the desk that opened then; automatic mail since each of these entries of the file.
    Opening {
        at: DateTime<Utc>,
        since: BTreeSet<u32>,
    },
    /// A customer's fortnight from that day on, and its first and last instant.
    Review {
        customer: String,
        first_day: NaiveDate,
        span: (DateTime<Utc>, DateTime<Utc>),
    },
}

/// Asks a few rows, and none of the tickets.
fn wanted(reader: &Reader, policy: &Policy, now: DateTime<Utc>) -> anyhow::Result<Option<Wanted>> {
    let Some(opened) = policy.book.opening(now) else {
        return Ok(None);
    };
    let since = opening::intervals(reader.round(opening::ROUND)?.as_ref(), opened);
    if !since.is_empty() {
        return Ok(Some(Wanted::Opening { at: opened, since }));
    }
    let book = &policy.book;
    for customer in book.customers.all.iter().filter(|c| c.tam.is_some()) {
        let (first_day, after) = review::fortnight(customer.review_from, book.local_date(now));
        let span = (book.morning(first_day), book.morning(after));
        let last = reader.round(&review::round(&customer.id))?;
        if last.is_none_or(|round| round.at < span.1) {
            let customer = customer.id.clone();
            return Ok(Some(Wanted::Review {
                customer,
                first_day,
                span,
            }));
        }
    }
    Ok(None)
}

impl Wanted {
    /// Reads every ticket.
    fn gathered(
        self,
        reader: &Reader,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Event> {
        match self {
            Wanted::Opening { at, since } => {
                let queues: Vec<String> = policy.queues.iter().map(|q| q.name.clone()).collect();
                let found = reader.opening(at, policy.book.evening(now), &queues, &since)?;
                Ok(Event::DeskOpened(Box::new(found)))
            }
            Wanted::Review {
                customer,
                first_day,
                span,
            } => {
                let person = review::manager(policy, &customer);
                let pack = reader.pack(policy, person, &customer, span, first_day, now)?;
                Ok(Event::ReviewDue(Box::new(pack)))
            }
        }
    }
}

fn until_next(reader: &Reader, now: DateTime<Utc>) -> Duration {
    let step = reader.next_due().ok().flatten();
    let digest = reader.next_digest().ok().flatten();
    sleep_until(step.into_iter().chain(digest).min(), now)
}

fn sleep_until(next: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    next.map_or(LOOK_EVERY, |at| {
        (at - now)
            .to_std()
            .unwrap_or(Duration::ZERO)
            .min(LOOK_EVERY)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn it_sleeps_to_the_next_step_and_30_s_at_most() {
        let now = DateTime::UNIX_EPOCH;
        for (next_secs, secs) in [
            (Some(3_600), 30),
            (None, 30),
            (Some(7), 7),
            (Some(0), 0),
            (Some(-60), 0),
        ] {
            let next = next_secs.map(|secs| now + TimeDelta::seconds(secs));
            assert_eq!(sleep_until(next, now).as_secs(), secs, "{next_secs:?}");
        }
    }
}
