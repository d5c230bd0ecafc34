//! A Maildir: a folder that a local delivery agent fills.
//!
//! Knows `new/`, `cur/` and file names; knows nothing of what a mail says. Promises: a mail moves from `new/` to `cur/` only when the
//! caller says that it is committed; nothing is ever deleted; what cannot be read is named, skipped and tried again.
//! An IMAP server on the same folder moves mail to `cur/` before we see it: so both are looked into.

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use inotify::{Inotify, WatchMask};
use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A mail's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// Its name without the flags after `:2,`: stays the same when flags change.
    pub name: String,
    /// Whether it still lies in `new/`.
    pub is_new: bool,
    /// Its size.
    pub bytes: u64,
    /// When it was written: counts as INTERNALDATE (C4.2).
    pub received: Option<DateTime<Utc>>,
    /// When its directory entry last changed, seconds: moving or flagging it counts.
    pub changed_secs: u32,
}

/// The folder, and what was taken of it since the start.
#[derive(Debug)]
pub struct Maildir {
    folder: PathBuf,
    taken: BTreeSet<String>,
    named: BTreeSet<String>,
}

impl Maildir {
    /// A Maildir that is there, with `new/` and `cur/`.
    pub fn open(folder: &Path) -> anyhow::Result<Maildir> {
        for part in ["new", "cur"] {
            let part = folder.join(part);
            if !part.is_dir() {
                bail!(
                    "{} is not a folder; a Maildir has new/, cur/ and tmp/, readable and writable by ticketd's user",
                    part.display()
                );
            }
        }
        Ok(Maildir {
            folder: folder.to_path_buf(),
            taken: BTreeSet::new(),
            named: BTreeSet::new(),
        })
    }

    /// The mails not taken yet, oldest first: all of `new/`, and of `cur/` what moved there in or after the second `since_secs`.
    pub fn look(&mut self, since_secs: u32) -> anyhow::Result<Vec<Found>> {
        let mut present = BTreeSet::new();
        let mut found = vec![];
        // new/ first: a mail that moves in between is seen twice, never missed.
        for part in ["new", "cur"] {
            self.look_into(part, since_secs, &mut present, &mut found)?;
        }
        self.taken.retain(|name| present.contains(name));
        found.sort_by(|a, b| (a.received, &a.name, a.is_new).cmp(&(b.received, &b.name, b.is_new)));
        found.dedup_by(|a, b| a.name == b.name);
        Ok(found)
    }

    fn look_into(
        &self,
        part: &str,
        since_secs: u32,
        present: &mut BTreeSet<String>,
        found: &mut Vec<Found>,
    ) -> anyhow::Result<()> {
        let folder = self.folder.join(part);
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("{} cannot be listed; check its owner", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("listing {}", folder.display()))?;
            let file_name = entry.file_name().to_string_lossy().into_owned();
            // Names with a dot first are no mails (Maildir's own rule).
            if file_name.starts_with('.') {
                continue;
            }
            let name = unflagged(&file_name).to_string();
            present.insert(name.clone());
            if self.taken.contains(&name) {
                continue;
            }
            // Gone meanwhile: moved by someone else; the next look finds it. A pipe or a link is no mail.
            let Ok(metadata) = entry.path().symlink_metadata() else {
                continue;
            };
            let mail = described(entry.path(), name, part == "new", &metadata);
            // An empty file is one that somebody has begun to copy: no mail is empty.
            let is_mail = metadata.is_file() && mail.bytes > 0;
            if is_mail && (mail.is_new || mail.changed_secs >= since_secs) {
                found.push(mail);
            }
        }
        Ok(())
    }

    /// When `cur/` last changed, in seconds. Read before a look: what comes into `cur/` later is no older, by the same clock.
    pub fn cur_changed_secs(&self) -> anyhow::Result<u32> {
        let cur = self.folder.join("cur");
        let metadata =
            fs::metadata(&cur).with_context(|| format!("looking at {}", cur.display()))?;
        Ok(secs(metadata.ctime()))
    }

    /// A mail's bytes, at most `bytes_max`. None if it cannot be read now: said once in the log, tried again at the next look.
    pub fn read(&mut self, mail: &Found, bytes_max: u64) -> Option<Vec<u8>> {
        match read_at_most(&mail.path, bytes_max) {
            Ok(bytes) => {
                self.named.remove(&mail.name);
                Some(bytes)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                if self.named.insert(mail.name.clone()) {
                    tracing::warn!(file = %mail.path.display(), %error, "a mail cannot be read; skipped, and tried again");
                }
                None
            }
        }
    }

    /// Whether a mail could not be read at the last try.
    pub fn has_unreadable(&self) -> bool {
        !self.named.is_empty()
    }

    /// The mail is committed: out of `new/`, its flags kept.
    pub fn took(&mut self, mail: &Found) {
        self.taken.insert(mail.name.clone());
        if !mail.is_new {
            return;
        }
        let file_name = mail
            .path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let flagged = if file_name.contains(":2,") {
            file_name
        } else {
            format!("{file_name}:2,")
        };
        let to = self.folder.join("cur").join(flagged);
        match fs::rename(&mail.path, &to) {
            Ok(()) => {}
            // An IMAP server was faster.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(file = %mail.path.display(), %error, "a mail that was taken cannot be moved to cur/; it stays in new/");
            }
        }
    }
}

fn described(path: PathBuf, name: String, is_new: bool, metadata: &Metadata) -> Found {
    Found {
        path,
        name,
        is_new,
        bytes: metadata.len(),
        received: DateTime::from_timestamp(metadata.mtime(), 0),
        changed_secs: secs(metadata.ctime()),
    }
}

fn secs(ctime: i64) -> u32 {
    u32::try_from(ctime.max(0)).unwrap_or(u32::MAX)
}

fn read_at_most(path: &Path, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![];
    fs::File::open(path)?
        .take(bytes_max)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unflagged(file_name: &str) -> &str {
    file_name
        .split_once(":2,")
        .map_or(file_name, |(name, _)| name)
}

/// Tells when something came into a Maildir.
pub struct Bell {
    events: inotify::EventStream<[u8; 4096]>,
}

impl Bell {
    /// Listens at `new/` and `cur/`.
    pub fn at(folder: &Path) -> anyhow::Result<Bell> {
        let inotify =
            Inotify::init().context("inotify; see /proc/sys/fs/inotify/max_user_instances")?;
        for part in ["new", "cur"] {
            // Dovecot renames into new/, Postfix links (CREATE), a person copies (CLOSE_WRITE).
            let mask = WatchMask::MOVED_TO
                | WatchMask::CREATE
                | WatchMask::CLOSE_WRITE
                | WatchMask::ONLYDIR;
            inotify
                .watches()
                .add(folder.join(part), mask)
                .with_context(|| format!("watching {}", folder.join(part).display()))?;
        }
        Ok(Bell {
            events: inotify.into_event_stream([0; 4096])?,
        })
    }

    /// Resolves when something came. A hint: the folder is looked into in any case, at the latest at the safety poll.
    pub async fn rung(&mut self) {
        match self.events.next().await {
            Some(Ok(_)) => {}
            // The watch is broken: the safety poll goes on without it.
            Some(Err(_)) | None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maildir() -> (tempfile::TempDir, Maildir) {
        let folder = tempfile::tempdir().unwrap();
        for part in ["new", "cur", "tmp"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        let maildir = Maildir::open(folder.path()).unwrap();
        (folder, maildir)
    }

    fn names(found: &[Found]) -> Vec<&str> {
        found.iter().map(|mail| mail.name.as_str()).collect()
    }

    #[test]
    fn a_mail_moves_to_cur_only_when_taken_and_is_not_seen_again() {
        let (folder, mut maildir) = maildir();
        fs::write(folder.path().join("new/1.a"), "x").unwrap();
        let found = maildir.look(0).unwrap();
        assert_eq!(names(&found), ["1.a"]);
        assert!(folder.path().join("new/1.a").exists());
        maildir.took(&found[0]);
        assert!(folder.path().join("cur/1.a:2,").exists());
        assert_eq!(maildir.look(0).unwrap(), []);
    }

    #[test]
    fn mail_that_an_imap_server_moved_first_is_seen_with_its_flags() {
        let (folder, mut maildir) = maildir();
        fs::write(folder.path().join("cur/2.b:2,S"), "x").unwrap();
        assert_eq!(names(&maildir.look(0).unwrap()), ["2.b"]);
        let known_since = maildir.look(0).unwrap()[0].changed_secs + 1;
        assert_eq!(maildir.look(known_since).unwrap(), []);
    }

    #[test]
    fn folders_links_and_dot_files_are_no_mails() {
        let (folder, mut maildir) = maildir();
        fs::create_dir(folder.path().join("new/3.c")).unwrap();
        fs::write(folder.path().join("new/.hidden"), "x").unwrap();
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("new/4.d")).unwrap();
        assert_eq!(maildir.look(0).unwrap(), []);
    }

    #[test]
    fn of_a_large_mail_the_beginning_is_read() {
        let (folder, mut maildir) = maildir();
        fs::write(folder.path().join("new/5.e"), "0123456789").unwrap();
        let found = maildir.look(0).unwrap();
        assert_eq!(found[0].bytes, 10);
        assert_eq!(maildir.read(&found[0], 4), Some(b"0123".to_vec()));
    }

    #[tokio::test]
    async fn the_bell_rings_for_each_way_of_delivery() {
        let (folder, _maildir) = maildir();
        let (tmp, new) = (folder.path().join("tmp"), folder.path().join("new"));
        type Delivery = fn(&Path, &Path) -> std::io::Result<()>;
        let deliveries: [Delivery; 2] = [
            |from, to| fs::rename(from, to),
            |from, to| fs::hard_link(from, to),
        ];
        for (number, delivered) in deliveries.iter().enumerate() {
            let mut bell = Bell::at(folder.path()).unwrap();
            let name = number.to_string();
            fs::write(tmp.join(&name), "x").unwrap();
            delivered(&tmp.join(&name), &new.join(&name)).unwrap();
            let limit = std::time::Duration::from_secs(10);
            tokio::time::timeout(limit, bell.rung()).await.unwrap();
        }
    }

    #[test]
    fn a_file_that_is_just_being_copied_waits() {
        let (folder, mut maildir) = maildir();
        fs::write(folder.path().join("new/7.g"), "").unwrap();
        assert_eq!(maildir.look(0).unwrap(), []);
    }
}
