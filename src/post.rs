//! The edges to the world of mail: mailboxes in, mail servers out.
//!
//! Knows IMAP, Maildir, SMTP and TLS, and when to try again; knows nothing of tickets, severities or deadlines.
//! Promise: a mail is left where it is until the clerk has committed it, and a letter's content is sent only after "taken" was committed.
//! What comes from a server is bounded in size, depth and time, and never makes one mailbox's trouble another's.

pub mod deliver;
pub mod file;
pub mod imap;
pub mod maildir;
pub mod smtp;
pub mod tls;
pub mod watch;
pub mod wire;

use crate::clerk::{Done, Handle, Job};
use crate::desk::record::{Cursor, Entry, Place};
use crate::store::Reader;
use chrono::{DateTime, Utc};
use std::fmt;
use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A password or a token: shown nowhere, whatever prints the value that holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps it. One line end after it, as editors leave in a password file, is dropped.
    pub fn new(words: impl Into<String>) -> Self {
        let mut words = words.into();
        if words.ends_with('\n') {
            words.pop();
            if words.ends_with('\r') {
                words.pop();
            }
        }
        Secret(words)
    }

    /// The secret itself: for the wire and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Becomes true once, when the house closes.
pub type Stop = tokio::sync::watch::Receiver<bool>;

/// Resolves when the house closes; also when whoever could say so is gone.
pub async fn stopped(stop: &mut Stop) {
    let _ = stop.wait_for(|closing| *closing).await;
}

/// What the edges ask of the house: the clerk and the store's reader, or a test in their place.
pub trait House: Clone + Send + Sync + 'static {
    /// [`Handle::submit`].
    fn submit(&self, jobs: Vec<Job>) -> impl Future<Output = anyhow::Result<Vec<Done>>> + Send;
    /// [`Handle::letters_rung`].
    fn letters_rung(&self) -> impl Future<Output = ()> + Send;
    /// [`Reader::cursor`].
    fn cursor(&self, mailbox: &str) -> anyhow::Result<Option<Cursor>>;
    /// [`Reader::letters_due`].
    fn letters_due(&self, now: DateTime<Utc>, limit: usize) -> anyhow::Result<Vec<Entry>>;
    /// [`Reader::next_letter`].
    fn next_letter(&self) -> anyhow::Result<Option<DateTime<Utc>>>;
    /// [`Reader::outbox`].
    fn outbox(&self) -> anyhow::Result<Vec<Entry>>;
    /// [`Reader::bytes`].
    fn bytes(&self, place: Place) -> anyhow::Result<Option<Vec<u8>>>;
}

/// The real house.
#[derive(Clone)]
pub struct Indoors {
    /// The way to the clerk.
    pub clerk: Handle,
    /// What is committed.
    pub reader: Reader,
}

impl House for Indoors {
    async fn submit(&self, jobs: Vec<Job>) -> anyhow::Result<Vec<Done>> {
        self.clerk.submit(jobs).await
    }
    async fn letters_rung(&self) {
        self.clerk.letters_rung().await
    }
    fn cursor(&self, mailbox: &str) -> anyhow::Result<Option<Cursor>> {
        self.reader.cursor(mailbox)
    }
    fn letters_due(&self, now: DateTime<Utc>, limit: usize) -> anyhow::Result<Vec<Entry>> {
        self.reader.letters_due(now, limit)
    }
    fn next_letter(&self) -> anyhow::Result<Option<DateTime<Utc>>> {
        self.reader.next_letter()
    }
    fn outbox(&self) -> anyhow::Result<Vec<Entry>> {
        self.reader.outbox()
    }
    fn bytes(&self, place: Place) -> anyhow::Result<Option<Vec<u8>>> {
        self.reader.bytes(place)
    }
}

/// Waits that double, with jitter so that many clients do not come back together (QUIRKS, IMAP 37).
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    tries: u32,
}

impl Backoff {
    /// From `first`, doubling, to `longest`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Backoff {
            first,
            longest,
            tries: 0,
        }
    }

    /// The next wait: between three quarters and five quarters of the doubled one.
    pub fn next_wait(&mut self) -> Duration {
        let doubled = self.first.saturating_mul(1 << self.tries.min(20));
        self.tries = self.tries.saturating_add(1);
        doubled
            .min(self.longest)
            .mul_f64(0.75 + 0.5 * fastrand::f64())
    }

    /// All is well again.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

/// How a loop of this module is doing: read by the watchdog and by `status`.
#[derive(Debug)]
pub struct Pulse {
    started: Instant,
    beat_millis: AtomicU64,
    taken: AtomicU64,
    state: Mutex<PulseState>,
}

#[derive(Clone, Debug, Default)]
struct PulseState {
    succeeded: Option<DateTime<Utc>>,
    trouble: Option<(DateTime<Utc>, String)>,
}

/// A loop that has shown no progress for this long hangs: every wait inside it is shorter.
pub const QUIET_MAX: Duration = Duration::from_secs(20 * 60);

impl Default for Pulse {
    fn default() -> Self {
        Pulse {
            started: Instant::now(),
            beat_millis: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }
}

impl Pulse {
    /// The loop went a step, be it a failed one.
    pub fn beat(&self) {
        self.beat_millis
            .store(self.started.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// How long ago it last went a step.
    pub fn quiet_for(&self) -> Duration {
        self.started.elapsed().saturating_sub(Duration::from_millis(
            self.beat_millis.load(Ordering::Relaxed),
        ))
    }

    /// Mails taken, or letters accepted, since the start.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// When the last poll began that succeeded, or the last letter was accepted.
    pub fn succeeded(&self) -> Option<DateTime<Utc>> {
        self.lock().succeeded
    }

    /// What is wrong at the moment, and since when.
    pub fn trouble(&self) -> Option<(DateTime<Utc>, String)> {
        self.lock().trouble.clone()
    }

    pub(crate) fn took(&self, count: u64) {
        self.taken.fetch_add(count, Ordering::Relaxed);
        self.beat();
    }

    /// True if this ends an outage.
    pub(crate) fn well(&self, at: DateTime<Utc>) -> bool {
        self.beat();
        let mut state = self.lock();
        state.succeeded = Some(at);
        state.trouble.take().is_some()
    }

    /// True if this is news: the first of an outage, or another reason than before.
    pub(crate) fn ill(&self, at: DateTime<Utc>, why: &str) -> bool {
        self.beat();
        let mut state = self.lock();
        match &mut state.trouble {
            Some((_, known)) if known == why => false,
            Some((_, known)) => {
                *known = why.into();
                true
            }
            None => {
                state.trouble = Some((at, why.into()));
                true
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, PulseState> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A server's words for a log or a record: one line, no control characters, at most 300 characters.
pub(crate) fn cleaned(words: &str) -> String {
    words
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect::<String>()
        .trim()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("hunter2\r\n");
        assert_eq!(secret.reveal(), "hunter2");
        assert!(!format!("{secret:?}").contains("hunter"));
    }

    #[test]
    fn waits_double_up_to_the_longest_and_begin_again() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        let waits: Vec<_> = (0..50).map(|_| backoff.next_wait().as_secs_f64()).collect();
        assert!(waits[0] <= 1.25 && waits[3] >= 6.0 && waits[49] <= 75.0);
        backoff.reset();
        assert!(backoff.next_wait().as_secs_f64() <= 1.25);
    }

    #[test]
    fn an_outage_is_news_once() {
        let pulse = Pulse::default();
        let now = DateTime::UNIX_EPOCH;
        assert!(pulse.ill(now, "no route"));
        assert!(!pulse.ill(now, "no route"));
        assert!(pulse.ill(now, "refused"));
        assert!(pulse.well(now));
        assert!(!pulse.well(now));
    }
}
