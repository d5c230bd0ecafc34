//! The store: the journal is the truth, sled is the index.
//!
//! Knows the desk's values and how they lie on the disk; knows nothing of mail servers. See DESIGN.md, "Store".

use crate::desk::known::Answer;
use crate::desk::record::{Cursor, Entry, Outcome, Place};
use crate::desk::ticket::{Ticket, TicketId};
use crate::desk::{Ask, event::Due};
use chrono::{DateTime, Utc};
use std::path::Path;
use std::sync::Arc;

/// The one writer of a state folder. Belongs to the clerk's thread.
pub struct Store {}

/// What has been decided since the last commit: an overlay over the index, and the bytes that go into the journal with it.
pub struct Batch {}

/// Answers questions about what is committed, from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Reader {}

impl Store {
    /// Opens, locks and if need be repairs or rebuilds the state folder; makes it if it is empty. Errors say what is damaged, where, and what to do.
    pub fn open(folder: &Path) -> anyhow::Result<Store> {
        anyhow::bail!("not built yet: {}", folder.display())
    }

    /// For other threads.
    pub fn reader(&self) -> Reader {
        Reader {}
    }

    /// An empty batch.
    pub fn begin(&self) -> Batch {
        Batch {}
    }

    /// The record's answer, with what the batch has decided before it.
    pub fn load(&self, batch: &Batch, ask: &Ask) -> anyhow::Result<Answer> {
        let _ = (batch, ask);
        anyhow::bail!("not built yet")
    }

    /// Appends raw mails, letters and records to the journal, syncs it once, then writes the index. At its return the batch is accepted.
    /// An error before the sync leaves everything as it was; after the sync nothing may fail (the process ends).
    pub fn commit(&mut self, batch: Batch) -> anyhow::Result<()> {
        let _ = batch;
        anyhow::bail!("not built yet")
    }

    /// stub
    pub fn room(&self) -> Room {
        Room::Plenty
    }
    /// stub
    pub fn checkpoint(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
    /// A clean stop: the next start needs no check.
    pub fn close(self) -> anyhow::Result<()> {
        Ok(())
    }
}

impl Batch {
    /// Adds an outcome: later loads see its records. `raw` is the event's mail, kept if the outcome says so.
    /// Rendered letters come with it, each with its place; their entries get the fingerprint of the bytes.
    pub fn add(&mut self, outcome: &Outcome, raw: Option<Arc<[u8]>>) {
        let _ = (outcome, raw);
    }

    /// The bytes of a letter of an outcome added before.
    pub fn letter(&mut self, place: Place, bytes: Vec<u8>) {
        let _ = (place, bytes);
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        true
    }
}

impl Reader {
    /// A ticket.
    pub fn ticket(&self, id: TicketId) -> anyhow::Result<Option<Ticket>> {
        let _ = id;
        Ok(None)
    }

    /// All tickets, by number. `visit` returns false to stop.
    pub fn tickets(&self, visit: &mut dyn FnMut(Ticket) -> bool) -> anyhow::Result<()> {
        let _ = visit;
        Ok(())
    }

    /// One entry.
    pub fn entry(&self, place: Place) -> anyhow::Result<Option<Entry>> {
        let _ = place;
        Ok(None)
    }

    /// All entries of a ticket (of [`TicketId::FILE`]: the filed mails), in order.
    pub fn entries(&self, id: TicketId) -> anyhow::Result<Vec<Entry>> {
        let _ = id;
        Ok(vec![])
    }

    /// The bytes of an entry's mail or letter, byte for byte, checked against their fingerprint.
    pub fn bytes(&self, place: Place) -> anyhow::Result<Option<Vec<u8>>> {
        let _ = place;
        Ok(None)
    }

    /// How far a mailbox has been read.
    pub fn cursor(&self, mailbox: &str) -> anyhow::Result<Option<Cursor>> {
        let _ = mailbox;
        Ok(None)
    }

    /// Letters whose next try is not after `now`, at most `limit`: by kind ([`crate::desk::LetterKind`]'s order), then fresh (no attempt) and deferred alternating, then by age.
    pub fn letters_due(&self, now: DateTime<Utc>, limit: usize) -> anyhow::Result<Vec<Entry>> {
        let _ = (now, limit);
        Ok(vec![])
    }

    /// When the next letter is due: of those waiting or taken.
    pub fn next_letter(&self) -> anyhow::Result<Option<DateTime<Utc>>> {
        Ok(None)
    }

    /// Every letter that is neither accepted nor dropped: held, waiting, taken, failed, unknown.
    pub fn outbox(&self) -> anyhow::Result<Vec<Entry>> {
        Ok(vec![])
    }

    /// Steps of clocks due at or before `now`, earliest first, at most `limit`.
    pub fn due(&self, now: DateTime<Utc>, limit: usize) -> anyhow::Result<Vec<Due>> {
        let _ = (now, limit);
        Ok(vec![])
    }

    /// The instant of the next due step.
    pub fn next_due(&self) -> anyhow::Result<Option<DateTime<Utc>>> {
        Ok(None)
    }
}

/// stub
#[derive(PartialEq, Eq)]
pub enum Room {
    /// stub
    Plenty,
    /// stub
    Scarce,
}
