//! A mailbox, watched: fetch, read, hand over, remember how far.
//!
//! Knows mailboxes, cursors and when to look again; knows nothing of what becomes of a mail. Promises: a mail is taken only by the commit
//! that also moves the cursor; a mail that cannot be fetched is owed, tried three times and then reported, and holds up no other;
//! one that panics or kills the process when it is read is reported with its bytes; a mailbox in trouble never stops another.
//!
//! Here is what all mailboxes share; `folder` is one on a server, `files` a Maildir, `reading` takes mails apart, `marker` remembers which, should
//! one kill; `trial` tells such a one from a kill from outside.

mod files;
mod folder;
mod marker;
mod reading;
mod trial;

use super::imap::{Account, Fault};
use super::{Backoff, House, Pulse, Stop, stopped};
use crate::clerk::{Done, Job};
use crate::clock;
use crate::desk::event::{Arrival, Event, Trouble};
use crate::desk::record::Cursor;
use crate::mail::{self, Mail};
use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use marker::{CONDEMNED_AT, Marker, SUSPECTED_AT};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

pub use reading::{Parsers, read_one};
pub use trial::read_alone;

/// One mailbox of the configuration.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Its name in the configuration.
    pub name: String,
    /// The queue its mail belongs to.
    pub queue: String,
    /// Where it is.
    pub source: Source,
    /// Of a larger mail only the beginning is kept.
    pub mail_bytes_max: u64,
    /// Mail that the server received earlier is history: filed without letters. Default: the first start, remembered.
    pub since: Option<DateTime<Utc>>,
    /// How often it is looked into without being told to; below 29 minutes (RFC 2177).
    pub poll_every: Duration,
}

/// Where a mailbox is.
#[derive(Clone, Debug)]
pub enum Source {
    /// On a server.
    Imap(Account),
    /// On this machine.
    Maildir(PathBuf),
}

/// The unit of commit: large enough that a sync is shared, small enough for memory (STACK 3).
const BATCH_MAILS_MAX: usize = 200;
const BATCH_BYTES_MAX: u64 = 8 << 20;
/// A batch under way is finished, a server that does not answer is not.
const CLOSE_GRACE: Duration = Duration::from_secs(5);
/// How stale the recorded start of the last successful poll may be after a crash: a sync a poll for this alone would be waste. Stale, it can
/// only make a receipt earlier, against us (C4.2).
const POLLED_KEPT_FOR: TimeDelta = TimeDelta::minutes(10);

/// Watches a mailbox until the house closes. `state` is the state folder.
pub async fn watch<H: House>(
    mailbox: Mailbox,
    house: H,
    parsers: Parsers,
    state: PathBuf,
    pulse: Arc<Pulse>,
    stop: Stop,
) {
    let folder = state.join("post");
    let mut watcher = Watcher {
        since: mailbox.since,
        marker: Marker::default(),
        folder,
        mailbox,
        house,
        parsers,
        pulse,
        stop,
        cursor: None,
        polled: None,
        single: 0,
        owed_tried: None,
        committing: None,
    };
    watcher.run().await;
    // A batch that is being committed when the house closes is not torn off.
    let _ = watcher.committed().await;
}

struct Watcher<H> {
    mailbox: Mailbox,
    house: H,
    parsers: Parsers,
    folder: PathBuf,
    pulse: Arc<Pulse>,
    stop: Stop,
    marker: Marker,
    since: Option<DateTime<Utc>>,
    /// As committed; none until read, and again after an error.
    cursor: Option<Cursor>,
    /// The start of the last successful poll, fresher than the recorded one.
    polled: Option<DateTime<Utc>>,
    /// So many mails are fetched one by one, to find the one that breaks the connection.
    single: usize,
    owed_tried: Option<Instant>,
    /// A batch on its way into the record while the next is fetched: never more than one, so that the cursor never goes back.
    committing: Option<JoinHandle<anyhow::Result<Vec<Done>>>>,
}

/// Why a round ended, and whether trying again soon would do harm.
struct Setback {
    words: String,
    slow: bool,
}

impl From<Fault> for Setback {
    fn from(fault: Fault) -> Self {
        Setback {
            words: fault.to_string(),
            slow: !matches!(fault, Fault::Broken(_)),
        }
    }
}

impl From<anyhow::Error> for Setback {
    fn from(error: anyhow::Error) -> Self {
        Setback {
            words: format!("{error:#}"),
            slow: false,
        }
    }
}

/// A mail's bytes and what the server says of it.
struct Fetched {
    key: String,
    raw: Arc<[u8]>,
    received: Option<DateTime<Utc>>,
    trouble: Option<Trouble>,
}

impl<H: House> Watcher<H> {
    async fn run(&mut self) {
        let mut soon = Backoff::new(Duration::from_secs(1), Duration::from_secs(300));
        // An account locks after some wrong passwords: a minute at least (QUIRKS 26).
        let mut slow = Backoff::new(Duration::from_secs(80), Duration::from_secs(24 * 60));
        while !*self.stop.borrow() {
            let well_before = self.pulse.succeeded();
            // imap-proto panics on some answers (INTERNALDATE NIL); that is a broken connection and no more.
            let late = too_late(self.stop.clone());
            let round = tokio::select! {
                round = AssertUnwindSafe(self.round()).catch_unwind() => round,
                () = late => return,
            };
            let setback = match round {
                Ok(Ok(())) => return,
                Ok(Err(setback)) => setback,
                Err(_) => Setback {
                    words: "the server's answer could not be understood".into(),
                    slow: false,
                },
            };
            let setback = match self.committed().await {
                Ok(()) => setback,
                Err(refused) => refused,
            };
            if self.pulse.succeeded() != well_before {
                soon.reset();
                slow.reset();
            }
            let wait = if setback.slow {
                slow.next_wait()
            } else {
                soon.next_wait()
            };
            self.say_ill(&setback.words, wait);
            self.cursor = None;
            self.rest(wait).await;
        }
    }

    async fn round(&mut self) -> Result<(), Setback> {
        self.prepare()?;
        match self.mailbox.source.clone() {
            Source::Imap(account) => self.round_imap(&account).await,
            Source::Maildir(folder) => self.round_maildir(&folder).await,
        }
    }

    fn prepare(&mut self) -> anyhow::Result<()> {
        if self.since.is_none() {
            std::fs::create_dir_all(&self.folder)
                .with_context(|| format!("making {}", self.folder.display()))?;
            self.since = Some(first_start(&self.folder, &self.mailbox.name)?);
        }
        if !self.marker.is_open() {
            self.marker = Marker::open(&self.folder, &self.mailbox.name)?;
        }
        Ok(())
    }

    fn say_ill(&self, words: &str, wait: Duration) {
        let mailbox = &self.mailbox.name;
        if self.pulse.ill(clock::now(), words) {
            tracing::warn!(mailbox, retry_secs = wait.as_secs(), "mailbox: {words}");
        } else {
            tracing::debug!(
                mailbox,
                retry_secs = wait.as_secs(),
                "mailbox: still {words}"
            );
        }
    }

    fn say_well(&self, poll_start: DateTime<Utc>) {
        if self.pulse.well(poll_start) {
            tracing::info!(mailbox = %self.mailbox.name, "mailbox: well again");
        }
    }

    async fn rest(&mut self, wait: Duration) {
        let until = Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || *self.stop.borrow() {
                return;
            }
            self.pulse.beat();
            tokio::select! {
                () = tokio::time::sleep(left.min(Duration::from_secs(15))) => {}
                () = stopped(&mut self.stop) => return,
            }
        }
    }

    fn committed_cursor(&mut self, uid_validity: u32) -> anyhow::Result<Cursor> {
        if let Some(cursor) = &self.cursor {
            return Ok(cursor.clone());
        }
        if let Some(cursor) = self.house.cursor(&self.mailbox.name)? {
            self.polled = self.polled.max(Some(cursor.polled));
            return Ok(cursor);
        }
        Ok(Cursor {
            mailbox: self.mailbox.name.clone(),
            uid_validity,
            uid: 0,
            owed: vec![],
            // No poll yet: nothing that INTERNALDATE says is overruled.
            polled: DateTime::UNIX_EPOCH,
        })
    }

    /// Reads mails in parallel, under the marker that remembers them should one of them end the process.
    async fn read(&mut self, fetched: Vec<Fetched>) -> Vec<(Arrival, Arc<[u8]>)> {
        let (mut condemned, mut readable) = (vec![], vec![]);
        for mail in fetched {
            match self.condemned(&mail).await {
                Some(why) => condemned.push((mail, why)),
                None => readable.push(mail),
            }
        }
        self.marker
            .begin(readable.iter().map(|mail| mail.key.as_str()));
        let raws = readable.iter().map(|mail| mail.raw.clone()).collect();
        let read = self.parsers.read(raws).await;
        self.marker.end();
        let mut arrivals = vec![];
        for (mail, why) in condemned {
            tracing::error!(mailbox = %self.mailbox.name, mail = %mail.key, why, "a mail is set aside");
            arrivals.push(self.unread(mail, why));
        }
        for (mail, read) in readable.into_iter().zip(read) {
            arrivals.push(match read {
                Ok(read) => (self.arrival(read, mail.received, mail.trouble), mail.raw),
                Err(why) => {
                    tracing::error!(mailbox = %self.mailbox.name, mail = %mail.key, "reading a mail panicked; it is set aside");
                    self.unread(mail, format!("reading it failed: {why}"))
                }
            });
        }
        arrivals
    }

    /// Why a mail is not read: it was being read when the process ended, again and again. A kill from outside looks the same, so it is tried first.
    async fn condemned(&self, mail: &Fetched) -> Option<String> {
        let ended = match self.marker.crashes(&mail.key) {
            0..SUSPECTED_AT => return None,
            crashes @ SUSPECTED_AT..CONDEMNED_AT => self
                .parsers
                .survives(mail.raw.clone())
                .await
                .err()
                .map(|why| format!("reading it ended ticketd {crashes} times, and then a process of its own: {why}")),
            crashes => Some(format!("reading it ended ticketd {crashes} times")),
        };
        if ended.is_none() {
            tracing::info!(mailbox = %self.mailbox.name, mail = %mail.key, "a mail that was being read at two kills is innocent of them");
        }
        ended.map(|why| format!("{why}; it was not read again"))
    }

    /// A mail by a minimal path: nothing of it was looked at.
    fn unread(&self, fetched: Fetched, why: String) -> (Arrival, Arc<[u8]>) {
        let mut mail = mail::unread(&fetched.raw);
        mail.oddities.push(why.clone());
        let trouble = Some(Trouble::Unreadable(why));
        (self.arrival(mail, fetched.received, trouble), fetched.raw)
    }

    fn arrival(
        &self,
        mail: Mail,
        internal_date: Option<DateTime<Utc>>,
        trouble: Option<Trouble>,
    ) -> Arrival {
        let now = clock::now();
        // Servers tell whole seconds: a mail in the very second of the first start is not history.
        let silent = match (internal_date, self.since) {
            (Some(internal_date), Some(since)) => internal_date.timestamp() < since.timestamp(),
            _ => false,
        };
        Arrival {
            mailbox: self.mailbox.name.clone(),
            queue: self.mailbox.queue.clone(),
            mail: Arc::new(mail),
            received: received(now, internal_date, self.polled),
            silent,
            cursor: None,
            trouble,
        }
    }

    /// One submission: the mails, and with the last of them the cursor. After this they are accepted.
    async fn hand_over(
        &mut self,
        arrivals: Vec<(Arrival, Arc<[u8]>)>,
        cursor: Cursor,
    ) -> Result<(), Setback> {
        self.begin_hand_over(arrivals, cursor).await?;
        self.committed().await
    }

    /// The same, but accepted only after [`Self::committed`]: meanwhile the next batch is fetched.
    async fn begin_hand_over(
        &mut self,
        arrivals: Vec<(Arrival, Arc<[u8]>)>,
        cursor: Cursor,
    ) -> Result<(), Setback> {
        self.committed().await?;
        if arrivals.is_empty() && self.cursor.as_ref() == Some(&cursor) {
            return Ok(());
        }
        let count = arrivals.len() as u64;
        let jobs = jobs(arrivals, &cursor);
        let (house, pulse) = (self.house.clone(), self.pulse.clone());
        self.committing = Some(tokio::spawn(async move {
            let done = house.submit(jobs).await?;
            pulse.took(count);
            Ok(done)
        }));
        self.cursor = Some(cursor);
        Ok(())
    }

    /// Waits for the batch on its way. An error means that nothing of it was taken.
    async fn committed(&mut self) -> Result<(), Setback> {
        let Some(committing) = self.committing.as_mut() else {
            return Ok(());
        };
        self.pulse.beat();
        let done = committing.await;
        self.committing = None;
        done.context("handing mail over was interrupted")?
            .context("nothing was taken, the mail stays where it is")?;
        Ok(())
    }

    async fn end_poll(&mut self, poll_start: DateTime<Utc>) -> Result<(), Setback> {
        self.single = 0;
        if let Some(mut cursor) = self.cursor.clone()
            && poll_start - cursor.polled > POLLED_KEPT_FOR
        {
            cursor.polled = poll_start;
            self.hand_over(vec![], cursor).await?;
        }
        self.polled = Some(poll_start);
        self.say_well(poll_start);
        Ok(())
    }
}

/// The mails as events, the cursor with the last; or the cursor alone.
fn jobs(arrivals: Vec<(Arrival, Arc<[u8]>)>, cursor: &Cursor) -> Vec<Job> {
    let count = arrivals.len();
    if count == 0 {
        let event = Event::CursorMoved(cursor.clone());
        return vec![Job { event, raw: None }];
    }
    let job = |(at, (mut arrival, raw)): (usize, (Arrival, Arc<[u8]>))| {
        arrival.cursor = (at + 1 == count).then(|| cursor.clone());
        Job {
            event: Event::MailArrived(Box::new(arrival)),
            raw: Some(raw),
        }
    };
    arrivals.into_iter().enumerate().map(job).collect()
}

/// When the house has closed for so long that a slow server is not waited for: what is not committed stays where it is.
async fn too_late(mut stop: Stop) {
    stopped(&mut stop).await;
    tokio::time::sleep(CLOSE_GRACE).await;
}

/// When the request reached our mailbox (C4.2): an outage of ours counts against us, a moved or migrated mailbox does not (QUIRKS 36).
fn received(
    now: DateTime<Utc>,
    internal_date: Option<DateTime<Utc>>,
    polled: Option<DateTime<Utc>>,
) -> DateTime<Utc> {
    internal_date.max(polled).map_or(now, |at| at.min(now))
}

/// The first start with this mailbox: read, or remembered now.
fn first_start(folder: &Path, mailbox: &str) -> anyhow::Result<DateTime<Utc>> {
    let path = folder.join(format!("since-{}", file_name(mailbox)));
    if let Ok(text) = std::fs::read_to_string(&path)
        && let Ok(at) = text.trim().parse()
    {
        return Ok(at);
    }
    let now = clock::now();
    let write = || {
        use std::io::Write;
        let mut file = std::fs::File::create(&path)?;
        writeln!(file, "{}", now.to_rfc3339())?;
        file.sync_all()
    };
    write().with_context(|| format!("writing {}", path.display()))?;
    Ok(now)
}

fn file_name(mailbox: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '@' | '.');
    mailbox
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-03-27T{text}:00Z").parse().unwrap()
    }

    #[test]
    fn an_outage_counts_against_us_and_a_moved_mailbox_does_not() {
        let check = |now, internal_date: Option<&str>, polled: Option<&str>, expected| {
            let received = received(at(now), internal_date.map(at), polled.map(at));
            assert_eq!(received, at(expected), "{internal_date:?} {polled:?}");
        };
        // We were down from 08:00 to 12:00; the mail came at 09:00.
        check("12:00", Some("09:00"), Some("08:00"), "09:00");
        // A migration brings an old mail that we did not have at the last poll.
        check("12:00", Some("01:00"), Some("11:59"), "11:59");
        // The server's clock is ahead.
        check("12:00", Some("13:00"), Some("11:59"), "12:00");
        // No INTERNALDATE; the first poll of all.
        check("12:00", None, Some("11:59"), "11:59");
        check("12:00", Some("09:00"), None, "09:00");
        check("12:00", None, None, "12:00");
    }
}
