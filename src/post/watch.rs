//! A mailbox, watched: fetch, read, hand over, remember how far.
//!
//! Knows mailboxes, cursors and when to look again; knows nothing of what becomes of a mail. Promises: a mail is taken only by the commit
//! that also moves the cursor; a mail that cannot be fetched is owed, tried three times and then reported, and holds up no other;
//! one that panics or kills the process when it is read is reported with its bytes; a mailbox in trouble never stops another.

use super::imap::{Account, Fault, Folder, Idled, ImapConn, Listed};
use super::maildir::{Bell, Found, Maildir};
use super::{Backoff, House, Pulse, Stop, cleaned, stopped};
use crate::clerk::{Done, Job};
use crate::clock;
use crate::desk::event::{Arrival, Event, Trouble};
use crate::desk::record::Cursor;
use crate::mail::{self, Mail};
use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

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
/// A mail is given up after so many tries, a poll apart.
const TRIES_MAX: u32 = 3;
/// More than these, and it is not some bad mails but a bad server.
const OWED_MAX: usize = 1_000;
/// A batch under way is finished, a server that does not answer is not.
const CLOSE_GRACE: Duration = Duration::from_secs(5);
/// How stale the recorded start of the last successful poll may be after a crash: a sync a poll for this alone would be waste. Stale, it can
/// only make a receipt earlier, against us (C4.2).
const POLLED_KEPT_FOR: TimeDelta = TimeDelta::minutes(10);

/// Threads with a stack that mails need, shared by all mailboxes.
#[derive(Clone)]
pub struct Parsers(Arc<rayon::ThreadPool>);

/// An ordinary answer, with what most mails have.
const SAMPLE: &[u8] = b"From: Eve <eve@customer.example>\r\nTo: support@desk.example\r\nSubject: Re: export\r\nDate: Mon, 23 Nov 2026 09:00:00 +0100\r\n\
    Message-ID: <1@customer.example>\r\nContent-Type: text/html\r\n\r\n<p>Guten Tag, es geht noch nicht. It fails.</p><p>Gruss, Eve</p>\
    <p>Am 23.11.2026 um 08:00 schrieb Anna:</p><blockquote>Works?</blockquote>\r\n";

impl Parsers {
    /// One thread a core.
    pub fn new() -> anyhow::Result<Parsers> {
        let pool = rayon::ThreadPoolBuilder::new()
            .thread_name(|n| format!("parse-{n}"))
            .stack_size(mail::parse::STACK_BYTES)
            .build()
            .context("starting the threads that read mail")?;
        // The first mail of a process compiles the patterns. Not between two marks: a process killed meanwhile, twice, would condemn an innocent mail.
        let _ = pool.install(|| read_one(SAMPLE));
        Ok(Parsers(Arc::new(pool)))
    }

    /// Reads mails on all cores. A panic is an answer.
    pub async fn read(&self, raws: Vec<Arc<[u8]>>) -> Vec<Result<Mail, String>> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let count = raws.len();
        self.0.spawn(move || {
            let mails = raws.par_iter().map(|raw| read_one(raw)).collect::<Vec<_>>();
            let _ = answer.send(mails);
        });
        let vanished = |_| {
            (0..count)
                .map(|_| Err("its reader vanished".into()))
                .collect()
        };
        answered.await.unwrap_or_else(vanished)
    }
}

/// Reads a mail; a panic is an answer.
pub fn read_one(raw: &[u8]) -> Result<Mail, String> {
    caught(|| mail::read(raw))
}

fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let words = panic
            .downcast_ref::<&str>()
            .map(|words| words.to_string())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        cleaned(&words.unwrap_or_else(|| "without a word".into()))
    })
}

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

    // IMAP

    async fn round_imap(&mut self, account: &Account) -> Result<(), Setback> {
        let mut conn = ImapConn::open(account).await?;
        loop {
            self.poll_imap(account, &mut conn).await?;
            if *self.stop.borrow() {
                conn.logout().await;
                return Ok(());
            }
            if conn.has_news() {
                continue;
            }
            // The safety poll beside IDLE also notices a connection that died silently, and a folder that was made anew.
            if conn.can_idle() {
                match conn.idle(self.mailbox.poll_every, &mut self.stop).await? {
                    Idled::News | Idled::Quiet | Idled::Stopped => {}
                    Idled::Refused => self.rest(self.mailbox.poll_every).await,
                }
            } else {
                self.rest(self.mailbox.poll_every).await;
            }
        }
    }

    async fn poll_imap(&mut self, account: &Account, conn: &mut ImapConn) -> Result<(), Setback> {
        let poll_start = clock::now();
        self.pulse.beat();
        let folder = conn.examine(&account.folder).await?;
        let cursor = self.cursor_in(folder)?;
        let listed = match cursor.uid.checked_add(1) {
            Some(from) => conn.list_from(from).await?,
            None => vec![],
        };
        for batch in self.batches(listed) {
            if *self.stop.borrow() {
                return Ok(());
            }
            self.take_listed(conn, batch).await?;
        }
        self.committed().await?;
        self.try_owed(conn).await?;
        self.end_poll(poll_start).await
    }

    /// The cursor, if it still means something in this folder; else one at the beginning. Known mails are no-ops by their hashes.
    fn cursor_in(&mut self, folder: Folder) -> anyhow::Result<Cursor> {
        let mut cursor = self.committed_cursor(folder.uid_validity)?;
        // UIDNEXT below what we have seen: the folder was made anew without saying so (QUIRKS 2).
        let went_back = folder.uid_next.is_some_and(|next| next <= cursor.uid);
        if cursor.uid_validity != folder.uid_validity || went_back {
            tracing::info!(
                mailbox = %self.mailbox.name,
                "the server numbers this folder anew; reading it from the beginning, known mail changes nothing"
            );
            cursor.uid_validity = folder.uid_validity;
            cursor.uid = 0;
            cursor.owed.clear();
        }
        self.cursor = Some(cursor.clone());
        Ok(cursor)
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

    /// By count and by size; alone: what is too large, what a crash left in doubt, and everything while a bad mail is sought.
    fn batches(&self, listed: Vec<Listed>) -> Vec<Vec<Listed>> {
        let (mut batches, mut bytes): (Vec<Vec<Listed>>, u64) = (vec![], 0);
        let validity = self.cursor.as_ref().map_or(0, |c| c.uid_validity);
        let mut was_alone = true;
        for (at, mail) in listed.into_iter().enumerate() {
            let alone = at < self.single
                || mail.bytes > self.mailbox.mail_bytes_max
                || self.marker.is_in_doubt(&imap_key(validity, mail.uid));
            bytes += mail.bytes;
            match batches.last_mut() {
                Some(batch)
                    if !alone
                        && !was_alone
                        && batch.len() < BATCH_MAILS_MAX
                        && bytes <= BATCH_BYTES_MAX =>
                {
                    batch.push(mail);
                }
                _ => {
                    bytes = mail.bytes;
                    batches.push(vec![mail]);
                }
            }
            was_alone = alone;
        }
        batches
    }

    async fn take_listed(
        &mut self,
        conn: &mut ImapConn,
        batch: Vec<Listed>,
    ) -> Result<(), Setback> {
        let Some(mut cursor) = self.cursor.clone() else {
            return Ok(());
        };
        let uids: Vec<u32> = batch.iter().map(|mail| mail.uid).collect();
        let expected: u64 = batch.iter().map(|mail| mail.bytes).sum();
        let max = self.mailbox.mail_bytes_max;
        let first_bytes = (expected > max && batch.len() == 1).then_some(max);
        cursor.uid = uids.last().copied().unwrap_or(cursor.uid);
        let mut bodies = match conn.bodies(&uids, first_bytes, expected).await {
            Ok(bodies) => bodies,
            Err(fault) if batch.len() > 1 => {
                self.single = batch.len();
                return Err(fault.into());
            }
            Err(fault) => {
                // This one mail breaks the connection: the others go on without it (ATTACKS.md E10).
                owe(&mut cursor, uids[0])?;
                self.hand_over(vec![], cursor).await?;
                return Err(fault.into());
            }
        };
        let mut fetched = vec![];
        for mail in &batch {
            match bodies.remove(&mail.uid) {
                Some(body) => fetched.push(self.fetched(&cursor, mail, body)),
                None => owe(&mut cursor, mail.uid)?,
            }
        }
        self.single = self.single.saturating_sub(1);
        let arrivals = self.read(fetched).await;
        self.begin_hand_over(arrivals, cursor).await
    }

    fn fetched(&self, cursor: &Cursor, mail: &Listed, mut body: Vec<u8>) -> Fetched {
        let max = self.mailbox.mail_bytes_max;
        let bytes = mail.bytes.max(body.len() as u64);
        // Exactly as long as what was asked for: there may be more, and nobody says so.
        let cut = bytes > max || body.len() as u64 >= max;
        body.truncate(usize::try_from(max).unwrap_or(usize::MAX));
        Fetched {
            key: imap_key(cursor.uid_validity, mail.uid),
            raw: body.into(),
            received: mail.received,
            trouble: cut.then_some(Trouble::Cut { bytes }),
        }
    }

    /// Mails that could not be fetched are tried again, a poll apart, one by one.
    async fn try_owed(&mut self, conn: &mut ImapConn) -> Result<(), Setback> {
        let Some(cursor) = self.cursor.clone() else {
            return Ok(());
        };
        let too_soon = self
            .owed_tried
            .is_some_and(|at| at.elapsed() < self.mailbox.poll_every.mul_f64(0.9));
        if cursor.owed.is_empty() || too_soon {
            return Ok(());
        }
        self.owed_tried = Some(Instant::now());
        let uids: Vec<u32> = cursor.owed.iter().map(|(uid, _)| *uid).collect();
        for chunk in uids.chunks(BATCH_MAILS_MAX) {
            let listed = conn.list_these(chunk).await?;
            for uid in chunk {
                let mail = listed.iter().find(|mail| mail.uid == *uid).copied();
                self.try_owed_mail(conn, *uid, mail).await?;
            }
        }
        Ok(())
    }

    async fn try_owed_mail(
        &mut self,
        conn: &mut ImapConn,
        uid: u32,
        mail: Option<Listed>,
    ) -> Result<(), Setback> {
        let Some(mut cursor) = self.cursor.clone() else {
            return Ok(());
        };
        let (body, fault) = match mail {
            None => (None, None),
            // Only as much as is kept: a size that lies cannot break the connection this time.
            Some(mail) => {
                let max = self.mailbox.mail_bytes_max;
                match conn.bodies(&[uid], Some(max), mail.bytes.min(max)).await {
                    Ok(mut bodies) => (bodies.remove(&uid), None),
                    Err(fault) => (None, Some(fault)),
                }
            }
        };
        let tries = tries_of(&mut cursor, uid);
        let mut arrivals = vec![];
        if let (Some(mail), Some(body)) = (mail, body) {
            settle(&mut cursor, uid);
            let fetched = self.fetched(&cursor, &mail, body);
            arrivals = self.read(vec![fetched]).await;
        } else if tries >= TRIES_MAX {
            settle(&mut cursor, uid);
            let why = fault.as_ref().map(|fault| fault.to_string());
            arrivals = vec![self.given_up(&cursor, uid, mail, why)];
        }
        self.hand_over(arrivals, cursor).await?;
        fault.map_or(Ok(()), |fault| Err(fault.into()))
    }

    /// What stands in for a mail that the server lists and does not give.
    fn given_up(
        &self,
        cursor: &Cursor,
        uid: u32,
        mail: Option<Listed>,
        why: Option<String>,
    ) -> (Arrival, Arc<[u8]>) {
        let name = &self.mailbox.name;
        let why = why.unwrap_or_else(|| match mail {
            Some(_) => "it answers without the mail".into(),
            None => "it does not list the mail any more".into(),
        });
        tracing::error!(mailbox = %name, uid, why, "a mail could not be fetched in {TRIES_MAX} tries; it is given up and reported");
        let text = format!(
            "Subject: A mail could not be fetched\r\n\r\nmailbox {name}, UIDVALIDITY {}, UID {uid}: {why}\r\n",
            cursor.uid_validity
        );
        let raw: Arc<[u8]> = text.into_bytes().into();
        let reason = format!(
            "UID {uid} could not be fetched in {TRIES_MAX} tries: {why}; look into the mailbox yourself"
        );
        let received = mail.and_then(|mail| mail.received);
        let mail = mail::read(&raw);
        (
            self.arrival(mail, received, Some(Trouble::Unreadable(reason))),
            raw,
        )
    }

    // Maildir

    async fn round_maildir(&mut self, folder: &Path) -> Result<(), Setback> {
        let mut maildir = Maildir::open(folder)?;
        let mut bell = Bell::at(folder)?;
        loop {
            maildir = self.poll_maildir(maildir).await?;
            let wait = tokio::time::sleep(self.mailbox.poll_every);
            tokio::select! {
                () = bell.rung() => {}
                () = wait => {}
                () = stopped(&mut self.stop) => return Ok(()),
            }
        }
    }

    async fn poll_maildir(&mut self, maildir: Maildir) -> Result<Maildir, Setback> {
        let poll_start = clock::now();
        self.pulse.beat();
        let cursor = self.committed_cursor(0)?;
        self.cursor = Some(cursor.clone());
        let (mut maildir, looked) = elsewhere(maildir, move |maildir| {
            let changed = maildir.cur_changed_secs()?;
            anyhow::Ok((changed, maildir.look(cursor.uid)?))
        })
        .await?;
        let (changed, found) = looked?;
        let mut batches = self.file_batches(found).into_iter().peekable();
        while let Some(batch) = batches.next() {
            if *self.stop.borrow() {
                return Ok(maildir);
            }
            let looked_to_end = batches.peek().is_none().then_some(changed);
            maildir = self.take_files(maildir, batch, looked_to_end).await?;
        }
        self.end_poll(poll_start).await?;
        Ok(maildir)
    }

    fn file_batches(&self, found: Vec<Found>) -> Vec<Vec<Found>> {
        let (mut batches, mut bytes): (Vec<Vec<Found>>, u64) = (vec![], 0);
        let mut was_alone = true;
        for mail in found {
            let alone = self.marker.is_in_doubt(&file_key(&mail.name));
            bytes += mail.bytes.min(self.mailbox.mail_bytes_max);
            match batches.last_mut() {
                Some(batch)
                    if !alone
                        && !was_alone
                        && batch.len() < BATCH_MAILS_MAX
                        && bytes <= BATCH_BYTES_MAX =>
                {
                    batch.push(mail);
                }
                _ => {
                    bytes = mail.bytes.min(self.mailbox.mail_bytes_max);
                    batches.push(vec![mail]);
                }
            }
            was_alone = alone;
        }
        batches
    }

    async fn take_files(
        &mut self,
        maildir: Maildir,
        batch: Vec<Found>,
        looked_to_end: Option<u32>,
    ) -> Result<Maildir, Setback> {
        let max = self.mailbox.mail_bytes_max;
        let (maildir, read) = elsewhere(maildir, move |maildir| {
            let read = |mail: Found| Some((maildir.read(&mail, max)?, mail));
            batch.into_iter().filter_map(read).collect::<Vec<_>>()
        })
        .await?;
        let mut fetched = vec![];
        let mut files = vec![];
        for (bytes, file) in read {
            fetched.push(Fetched {
                key: file_key(&file.name),
                raw: bytes.into(),
                received: file.received,
                trouble: (file.bytes > max).then_some(Trouble::Cut { bytes: file.bytes }),
            });
            files.push(file);
        }
        let arrivals = self.read(fetched).await;
        if let Some(mut cursor) = self.cursor.clone() {
            if let Some(changed) = looked_to_end
                && !maildir.has_unreadable()
            {
                cursor.uid = changed;
            }
            self.hand_over(arrivals, cursor).await?;
        }
        let (maildir, ()) = elsewhere(maildir, move |maildir| {
            files.iter().for_each(|file| maildir.took(file));
        })
        .await?;
        Ok(maildir)
    }

    // Both

    /// Reads mails in parallel, under the marker that remembers them should one of them end the process.
    async fn read(&mut self, fetched: Vec<Fetched>) -> Vec<(Arrival, Arc<[u8]>)> {
        let (condemned, readable): (Vec<_>, Vec<_>) = fetched
            .into_iter()
            .partition(|mail| self.marker.is_condemned(&mail.key));
        self.marker
            .begin(readable.iter().map(|mail| mail.key.as_str()));
        let raws = readable.iter().map(|mail| mail.raw.clone()).collect();
        let read = self.parsers.read(raws).await;
        self.marker.end();
        let mut arrivals = vec![];
        for mail in condemned {
            let why = "reading it ended ticketd twice; it was not read a third time".to_string();
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

fn imap_key(uid_validity: u32, uid: u32) -> String {
    format!("{uid_validity}/{uid}")
}

fn file_key(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

fn owe(cursor: &mut Cursor, uid: u32) -> anyhow::Result<()> {
    if cursor.owed.len() >= OWED_MAX {
        anyhow::bail!(
            "more than {OWED_MAX} mails are listed but not given by the server; reading stops here until it does"
        );
    }
    if !cursor.owed.iter().any(|(owed, _)| *owed == uid) {
        cursor.owed.push((uid, 1));
    }
    Ok(())
}

/// Counts another try.
fn tries_of(cursor: &mut Cursor, uid: u32) -> u32 {
    match cursor.owed.iter_mut().find(|(owed, _)| *owed == uid) {
        Some((_, tries)) => {
            *tries += 1;
            *tries
        }
        None => 0,
    }
}

fn settle(cursor: &mut Cursor, uid: u32) {
    cursor.owed.retain(|(owed, _)| *owed != uid);
}

/// File work away from the threads that answer sockets.
async fn elsewhere<T: Send + 'static, R: Send + 'static>(
    mut value: T,
    work: impl FnOnce(&mut T) -> R + Send + 'static,
) -> anyhow::Result<(T, R)> {
    tokio::task::spawn_blocking(move || {
        let done = work(&mut value);
        (value, done)
    })
    .await
    .context("file work was interrupted")
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

/// What was being read when the process ended: a file, unsynced because a process's end loses no written page (DESIGN.md, invariants).
/// A mail found in it is read alone next; found alone a second time, it is not read again.
#[derive(Debug, Default)]
struct Marker {
    path: Option<PathBuf>,
    crashes: BTreeMap<String, u32>,
    condemned: BTreeSet<String>,
}

const CRASHES_MAX: u32 = 2;

impl Marker {
    fn open(folder: &Path, mailbox: &str) -> anyhow::Result<Marker> {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let path = folder.join(format!("parsing-{}", file_name(mailbox)));
        let mut marker = Marker::default();
        if let Ok(text) = std::fs::read_to_string(&path) {
            marker.remember(&text);
        }
        marker.path = Some(path);
        Ok(marker)
    }

    fn remember(&mut self, text: &str) {
        let mut lines = text.lines();
        let before: u32 = lines.next().and_then(|n| n.parse().ok()).unwrap_or(0);
        let keys: Vec<&str> = lines.collect();
        for key in &keys {
            self.crashes.insert(key.to_string(), before + 1);
            if keys.len() == 1 && before + 1 >= CRASHES_MAX {
                self.condemned.insert(key.to_string());
            }
        }
    }

    fn is_open(&self) -> bool {
        self.path.is_some()
    }

    fn is_in_doubt(&self, key: &str) -> bool {
        self.crashes.contains_key(key)
    }

    fn is_condemned(&self, key: &str) -> bool {
        self.condemned.contains(key)
    }

    fn begin<'a>(&mut self, keys: impl Iterator<Item = &'a str>) {
        let Some(path) = &self.path else { return };
        let keys: Vec<&str> = keys.collect();
        let crashes = keys.iter().filter_map(|key| self.crashes.get(*key)).max();
        let text = format!("{}\n{}\n", crashes.unwrap_or(&0), keys.join("\n"));
        // Without it a deadly mail would be read again after the crash; that is worth a line, not a halt.
        if let Err(error) = std::fs::write(path, text) {
            tracing::warn!(%error, "the note of what is being read cannot be written");
        }
    }

    fn end(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Fingerprint;

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

    /// Starts with what a crash left, reads these keys, crashes again; what the next start would find.
    fn crash(folder: &Path, keys: &[&str]) -> Marker {
        let mut marker = Marker::open(folder, "support").unwrap();
        marker.begin(keys.iter().copied());
        Marker::open(folder, "support").unwrap()
    }

    #[test]
    fn the_deadly_mail_of_a_batch_is_found_in_three_crashes_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let after = crash(folder.path(), &["7/1", "7/2", "7/3"]);
        assert!(after.is_in_doubt("7/2") && !after.is_condemned("7/2"));
        let after = crash(folder.path(), &["7/2"]);
        assert!(after.is_condemned("7/2") && !after.is_in_doubt("7/1"));
    }

    #[test]
    fn one_crash_condemns_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let after = crash(folder.path(), &["7/1"]);
        assert!(after.is_in_doubt("7/1") && !after.is_condemned("7/1"));
        let after = crash(folder.path(), &["7/1"]);
        assert!(after.is_condemned("7/1"));
    }

    #[test]
    fn a_finished_reading_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut marker = Marker::open(folder.path(), "../odd name").unwrap();
        marker.begin(["7/1"].into_iter());
        marker.end();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_panic_is_an_answer() {
        assert_eq!(caught(|| 1), Ok(1));
        assert_eq!(
            caught::<()>(|| panic!("at\nbyte {}", 7)),
            Err("at byte 7".into())
        );
    }

    #[tokio::test]
    async fn mails_are_read_in_their_order() {
        let raws: Vec<Arc<[u8]>> = (0..50)
            .map(|n| format!("Subject: {n}\r\n\r\n{n}").into_bytes().into())
            .collect();
        let read = Parsers::new().unwrap().read(raws.clone()).await;
        let prints: Vec<_> = read.into_iter().map(|mail| mail.unwrap().raw).collect();
        let expected: Vec<_> = raws.iter().map(|raw| Fingerprint::of(raw)).collect();
        assert_eq!(prints, expected);
    }
}
