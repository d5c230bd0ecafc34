//! A mailbox on a server, watched: what is new in its folder, and what is still owed.
//!
//! Knows UIDs, their validity, and that a server may list a mail and not give it. A mail that cannot be fetched is owed, tried three times and then reported,
//! and holds up no other.

use super::super::House;
use super::super::imap::{Account, Fault, Folder, Idled, ImapConn, Listed};
use super::{BATCH_BYTES_MAX, BATCH_MAILS_MAX, Fetched, Setback, Watcher};
use crate::clock;
use crate::desk::event::{Arrival, Trouble};
use crate::desk::record::Cursor;
use crate::mail;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// A mail is given up after so many tries, a poll apart.
const TRIES_MAX: u32 = 3;
/// More than these, and it is not some bad mails but a bad server.
const OWED_MAX: usize = 1_000;

impl<H: House> Watcher<H> {
    pub(super) async fn round_imap(&mut self, account: &Account) -> Result<(), Setback> {
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
        self.take_listed(conn, listed).await?;
        if *self.stop.borrow() {
            return Ok(());
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

    /// Takes them batch by batch. While one is taken apart and the one before it committed, the server sends the next.
    async fn take_listed(
        &mut self,
        conn: &mut ImapConn,
        listed: Vec<Listed>,
    ) -> Result<(), Setback> {
        let batches = self.batches(listed);
        let (max, stop) = (self.mailbox.mail_bytes_max, self.stop.clone());
        let (sent, mut coming) = mpsc::channel(1);
        let fetching = async move {
            for batch in batches {
                // Not more than one lies here and waits for its turn.
                let Ok(place) = sent.reserve().await else {
                    return;
                };
                if *stop.borrow() {
                    return;
                }
                let bodies = bodies(conn, &batch, max).await;
                let is_broken = bodies.is_err();
                place.send((batch, bodies));
                if is_broken {
                    return;
                }
            }
        };
        let taking = async {
            while let Some((batch, bodies)) = coming.recv().await {
                if !*self.stop.borrow() {
                    self.take(batch, bodies).await?;
                }
            }
            Ok(())
        };
        tokio::pin!(taking);
        // A batch that cannot be taken ends the conversation, whatever the server is about to say.
        tokio::select! {
            taken = &mut taking => taken,
            () = fetching => taking.await,
        }
    }

    async fn take(
        &mut self,
        batch: Vec<Listed>,
        bodies: Result<BTreeMap<u32, Vec<u8>>, Fault>,
    ) -> Result<(), Setback> {
        let Some(mut cursor) = self.cursor.clone() else {
            return Ok(());
        };
        cursor.uid = batch.last().map_or(cursor.uid, |mail| mail.uid);
        let mut bodies = match bodies {
            Ok(bodies) => bodies,
            Err(fault) if batch.len() > 1 => {
                self.single = batch.len();
                return Err(fault.into());
            }
            Err(fault) => {
                // This one mail breaks the connection: the others go on without it (ATTACKS.md E10).
                let uid = cursor.uid;
                owe(&mut cursor, uid)?;
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
}

/// What the server gives of these mails: of one that is too large, its beginning.
async fn bodies(
    conn: &mut ImapConn,
    batch: &[Listed],
    max: u64,
) -> Result<BTreeMap<u32, Vec<u8>>, Fault> {
    let uids: Vec<u32> = batch.iter().map(|mail| mail.uid).collect();
    let expected: u64 = batch.iter().map(|mail| mail.bytes).sum();
    let first_bytes = (expected > max && batch.len() == 1).then_some(max);
    conn.bodies(&uids, first_bytes, expected).await
}

fn imap_key(uid_validity: u32, uid: u32) -> String {
    format!("{uid_validity}/{uid}")
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
