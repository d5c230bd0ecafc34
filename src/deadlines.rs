//! Due steps of clocks, digests, the desk's opening, review packs: sleeps to the next one, hands it to the clerk.
//!
//! The store is the truth: this loop knows no deadline by heart and may miss any wake-up; what is done again and again is done once, however often this loop
//! thinks that it is due. The wall clock is read again at least every 30 s, so that a
//! suspended machine or a stepped clock delays a warning by no more (CONTRACT.md C10).

use crate::clerk::{Handle, Job};
use crate::desk::{Event, Policy, opening, review};
use crate::store::Reader;
use chrono::{DateTime, NaiveDate, Utc};
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

/// Runs until the clerk has ended. `pulse` gets the instant of each turn, in seconds since 1970: the watchdog is fed by it.
pub async fn watch(indoors: Indoors, pulse: Arc<AtomicI64>) {
    loop {
        let now = (indoors.now)();
        pulse.store(now.timestamp(), Ordering::Relaxed);
        match turn(&indoors, now).await {
            Ok(false) => {
                let sleep = until_next(&indoors.reader, (indoors.now)());
                tokio::select! {
                    () = tokio::time::sleep(sleep) => {}
                    () = indoors.clerk.deadlines_rung() => {}
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

/// Hands over what is due: steps before the digests that gather them, those before what takes longer. Whether there was anything.
async fn turn(indoors: &Indoors, now: DateTime<Utc>) -> anyhow::Result<bool> {
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
    let (reader, policy) = (indoors.reader.clone(), (indoors.policy)());
    // It may read every ticket.
    let round = tokio::task::spawn_blocking(move || round_due(&reader, &policy, now)).await??;
    match round {
        Some(event) => handed_over(indoors, vec![event]).await,
        None => Ok(false),
    }
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
    let Some(opened) = policy.book.opening(now) else {
        return Ok(None);
    };
    let last = reader.round(opening::ROUND)?;
    if last.as_ref().is_none_or(|round| round.at < opened) {
        let queues: Vec<String> = policy.queues.iter().map(|q| q.name.clone()).collect();
        let since = last.map_or(0, |round| round.filed);
        let found = reader.opening(opened, policy.book.evening(now), &queues, since)?;
        return Ok(Some(Event::DeskOpened(Box::new(found))));
    }
    let reviewed = policy.book.customers.all.iter().filter(|c| c.tam.is_some());
    for customer in reviewed {
        let (id, from) = (customer.id.as_str(), customer.review_from);
        if let Some(event) = review_due(reader, policy, (id, from), now)? {
            return Ok(Some(event));
        }
    }
    Ok(None)
}

fn review_due(
    reader: &Reader,
    policy: &Policy,
    (customer, review_from): (&str, NaiveDate),
    now: DateTime<Utc>,
) -> anyhow::Result<Option<Event>> {
    let book = &policy.book;
    let (first, after) = review::fortnight(review_from, book.local_date(now));
    let (from, until) = (book.morning(first), book.morning(after));
    let last = reader.round(&review::round(customer))?;
    if last.is_some_and(|round| round.at >= until) {
        return Ok(None);
    }
    let pack = reader.pack(customer, (from, until), first)?;
    Ok(Some(Event::ReviewDue(Box::new(pack))))
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
