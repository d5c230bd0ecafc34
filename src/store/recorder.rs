//! The journal as it is appended to, and the reserve beside it for the day when the disk is full.
//!
//! Knows payloads and free bytes; knows nothing of what was decided, nor of the rows that follow from it. Promise: what is appended is synced, and the index
//! will find room for it.

use super::journal::{Head, Journal, Mark, Payload, Position};
use super::{Room, Shared};
use anyhow::{Context, Result};
use std::sync::Arc;

const RESERVE: &str = "reserve";

/// The one who appends.
pub struct Recorder {
    journal: Journal,
    shared: Arc<Shared>,
    pub(super) reserve_bytes: u64,
}

impl Recorder {
    /// Goes on at the journal's end, with a reserve of so many bytes.
    pub fn new(journal: Journal, shared: Arc<Shared>, reserve_bytes: u64) -> Self {
        Recorder {
            journal,
            shared,
            reserve_bytes,
        }
    }

    /// Where the journal ends.
    pub fn head(&self) -> Head {
        self.journal.head()
    }

    /// Appends one batch and syncs it: where each payload lies, in order, and the batch's mark. An error means that nothing was appended.
    pub fn append(&mut self, payloads: &[Payload]) -> Result<(Mark, Vec<Position>)> {
        self.leave_room_for_the_index()?;
        let appended = match self.journal.append(payloads) {
            Err(error) if is_full(&error) && self.give_up_reserve() => {
                self.journal.append(payloads)
            }
            appended => appended,
        }?;
        self.shared.set_head(self.journal.head());
        Ok(appended)
    }

    /// The journal takes a batch or leaves it. An index that meets a full disk is lost, and this process with it: so the reserve is given up before the last
    /// byte is gone, and without one nothing is accepted that the index might not be able to take.
    fn leave_room_for_the_index(&self) -> Result<()> {
        if self.has_room_for_the_index() {
            return Ok(());
        }
        self.give_up_reserve();
        if self.has_room_for_the_index() {
            return Ok(());
        }
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        Err(full).context("the disk is full: nothing can be recorded until there is room")
    }

    /// Whether an index that writes now will not meet a full disk.
    pub fn has_room_for_the_index(&self) -> bool {
        let wanted = self.reserve_bytes / 8;
        // A disk that does not say is tried.
        let free = self.shared.disk.free_bytes();
        free.map_or(true, |free| free >= wanted)
    }

    /// Whether there was one.
    fn give_up_reserve(&self) -> bool {
        let given = self.shared.disk.remove(RESERVE).is_ok();
        if given {
            tracing::warn!("the disk is full: the reserve was given up; free some space");
        }
        given
    }

    /// Makes the reserve, or makes it anew, where there is room for it.
    pub fn keep_reserve(&self) -> Result<()> {
        let disk = &self.shared.disk;
        let wanted = self.reserve_bytes;
        let is_there = disk.length(RESERVE).is_ok_and(|length| length >= wanted);
        if wanted == 0 || is_there || self.shared.room() == Room::Scarce {
            return Ok(());
        }
        disk.create_filled(RESERVE, wanted).context(RESERVE)
    }
}

fn is_full(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == std::io::ErrorKind::StorageFull)
    })
}
