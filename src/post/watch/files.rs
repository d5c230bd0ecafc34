//! A Maildir, watched: what lies in it and was not taken yet.

use super::super::maildir::{Bell, Found, Maildir};
use super::super::{House, stopped};
use super::{BATCH_BYTES_MAX, BATCH_MAILS_MAX, Fetched, Setback, Watcher};
use crate::clock;
use crate::desk::event::Trouble;
use anyhow::Context;
use std::path::Path;

impl<H: House> Watcher<H> {
    pub(super) async fn round_maildir(&mut self, folder: &Path) -> Result<(), Setback> {
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
}

fn file_key(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
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
