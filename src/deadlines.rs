//! Due steps of clocks: sleeps to the next one, hands it to the clerk.
//!
//! The store is the truth: this loop knows no deadline by heart and may miss any wake-up. The wall clock is read again at least every 30 s, so that a
//! suspended machine or a stepped clock delays a warning by no more (CONTRACT.md C10).

use crate::clerk::{Handle, Job};
use crate::desk::Event;
use crate::store::Reader;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// The longest sleep.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// After an error of the store.
const PAUSE: Duration = Duration::from_secs(5);

/// At most so many steps a commit.
const STEPS_MAX: usize = 100;

/// Runs for ever. `pulse` gets the instant of each turn, in seconds since 1970: the watchdog is fed by it.
pub async fn watch(
    reader: Reader,
    clerk: Handle,
    now: fn() -> DateTime<Utc>,
    pulse: Arc<AtomicI64>,
) {
    loop {
        pulse.store(now().timestamp(), Ordering::Relaxed);
        match fire(&reader, &clerk, now()).await {
            Ok(0) => {
                let sleep = until_next(&reader, now());
                tokio::select! {
                    () = tokio::time::sleep(sleep) => {}
                    () = clerk.deadlines_rung() => {}
                }
            }
            Ok(_) => {}
            Err(e) => {
                tracing::error!("due deadlines could not be worked on, trying again: {e:#}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Hands over what is due; how many steps changed the record.
async fn fire(reader: &Reader, clerk: &Handle, now: DateTime<Utc>) -> anyhow::Result<usize> {
    let due = reader.due(now, STEPS_MAX)?;
    if due.is_empty() {
        return Ok(0);
    }
    let jobs: Vec<Job> = due
        .into_iter()
        .map(|due| Job {
            event: Event::DeadlineReached(due),
            raw: None,
        })
        .collect();
    let done = clerk.submit(jobs).await?;
    // A due key that no decision moves would spin this loop; the audit names it.
    anyhow::ensure!(
        done.iter().any(|d| d.changed),
        "due steps stay due: {:?}",
        done.first().map(|d| &d.because)
    );
    Ok(done.len())
}

fn until_next(reader: &Reader, now: DateTime<Utc>) -> Duration {
    let next = reader.next_due().ok().flatten();
    next.map_or(LOOK_EVERY, |at| {
        (at - now)
            .to_std()
            .unwrap_or(Duration::ZERO)
            .min(LOOK_EVERY)
    })
}
