//! The clerk: load, decide, commit, announce. One thread, many sources.

use crate::desk::event::Event;
use crate::desk::record::{Fate, Place};
use std::sync::Arc;

/// An event with the bytes it speaks of.
#[derive(Clone, Debug)]
pub struct Job {
    /// What happened.
    pub event: Event,
    /// The raw mail of an arrival.
    pub raw: Option<Arc<[u8]>>,
}

/// What became of a job, once it is committed.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Why.
    pub because: String,
    /// What became of an arrived mail.
    pub fate: Fate,
    /// What a command's giver reads.
    pub reply: Vec<String>,
    /// Letters written.
    pub letters: Vec<Place>,
}

/// The way to the clerk from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Handle {}

impl Handle {
    /// Hands jobs over and waits until they are committed: the answers, in the order of the jobs. An error means that nothing of them was taken
    /// (the disk is full, the house is closing): keep the mail where it is and try again later.
    pub async fn submit(&self, jobs: Vec<Job>) -> anyhow::Result<Vec<Done>> {
        let _ = jobs;
        anyhow::bail!("not built yet")
    }

    /// Resolves when letters may be due sooner than known (a hint; spurious wake-ups happen).
    pub async fn letters_rung(&self) {}

    /// Resolves when a deadline may be due sooner than known (a hint).
    pub async fn deadlines_rung(&self) {}
}
