//! The index: rows made from the journal, so that questions are answered without reading it.
//!
//! Knows keys and bytes; knows neither tickets nor the journal. Two of them: sled on the disk, a `BTreeMap` in the simulation and for comparison.
//! Promise: `apply` writes all its rows or none, also over a crash of the process. What a power cut leaves of sled is anybody's guess; [`Meta::sum`] tells.
//!
//! # sled 0.34.7, what we do about it (measured; DESIGN.md, "Store")
//! - An error or a panic of sled at any time leaves `index.damaged`; the process ends, the next start sets the index aside and makes it anew.
//! - `index.opening` exists while sled opens: if that aborts the process, the next start does not try again.
//! - `flush` alone never syncs: [`Index::checkpoint`] syncs through our own handle. Opening writes sled's snapshot of what was written before; a clean stop after
//!   much was written opens and closes once more for it, and leaves `index.clean`; without that file the start reads all rows and compares their sum.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::journal::Mark;

/// Rows to write together; `None` removes.
pub type Rows = BTreeMap<String, Option<Vec<u8>>>;

/// sled's memory explodes with batches of 500 rows and more (measured: 8.5 GB).
pub const ROWS_MAX: usize = 200;

/// Larger values make sled write blobs beside its file, never synced and fatal after a power cut.
pub const VALUE_BYTES_MAX: usize = 3 * 1024;

/// Rows in key order.
pub trait Index: Send + Sync {
    /// A row's value.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>>;
    /// The same for one who reads much and will not ask again: nothing is kept in memory for it.
    fn look(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.get(key)
    }
    /// Rows whose key begins with `prefix` and is not before `from`, in order. `visit` returns false to stop.
    fn scan(
        &self,
        prefix: &str,
        from: &str,
        visit: &mut dyn FnMut(&str, &[u8]) -> Result<bool>,
    ) -> Result<()>;
    /// Writes rows, all or none.
    fn apply(&self, rows: &Rows) -> Result<()>;
    /// Makes durable what was applied so far.
    fn checkpoint(&self) -> Result<()>;
    /// Sets everything aside and begins empty, for this reason.
    fn begin_anew(&self, why: &str) -> Result<()>;
    /// Whether it was closed cleanly and nobody has written since: then it need not be compared.
    fn is_clean(&self) -> bool;
    /// From now on an unclean stop must be noticed.
    fn in_use(&self) -> Result<()>;
    /// A clean stop. Later questions are errors.
    fn close(&self) -> Result<()>;
}

/// How far the index is: written with every batch of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The number of the rows' form; another one there, and the index is made anew.
    pub schema: u32,
    /// Of the journal it was made from, in hex.
    pub journal: String,
    /// The last record it knows.
    pub sequence: u64,
    /// The batch in which that record stands.
    pub batch: Option<Mark>,
    /// The sum over all other rows.
    pub sum: Sum,
    /// Queues whose values are kept in the journal only, sorted.
    pub confidential: Vec<String>,
}

/// An order-free sum over rows: 120 flipped bits in sled files were put to the test, and 19 opened normally with rows missing or old and
/// the sequence right (DESIGN.md).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Sum(u128);

impl Sum {
    /// With one more row.
    pub fn plus(self, key: &str, value: &[u8]) -> Sum {
        Sum(self.0.wrapping_add(row_hash(key, value)))
    }

    /// With one row less.
    pub fn minus(self, key: &str, value: &[u8]) -> Sum {
        Sum(self.0.wrapping_sub(row_hash(key, value)))
    }
}

impl From<Sum> for String {
    fn from(sum: Sum) -> String {
        format!("{:032x}", sum.0)
    }
}

impl From<String> for Sum {
    /// A sum that cannot be read fits nothing.
    fn from(hex: String) -> Sum {
        Sum(u128::from_str_radix(&hex, 16).unwrap_or(u128::MAX))
    }
}

fn row_hash(key: &str, value: &[u8]) -> u128 {
    let mut hash = Sha256::new();
    hash.update((key.len() as u64).to_le_bytes());
    hash.update(key);
    hash.update(value);
    let mut first = [0; 16];
    first.copy_from_slice(&hash.finalize()[..16]);
    u128::from_le_bytes(first)
}

/// The sum over all rows but `meta`, by reading them all.
pub fn sum_of(index: &dyn Index) -> Result<Sum> {
    let mut sum = Sum::default();
    index.scan("", "", &mut |key, value| {
        if key != super::keys::META {
            sum = sum.plus(key, value);
        }
        Ok(true)
    })?;
    Ok(sum)
}

/// Rows in memory. A clone is the same index; [`MemoryIndex::copy`] is another one.
#[derive(Clone, Default)]
pub struct MemoryIndex(Arc<RwLock<BTreeMap<String, Vec<u8>>>>);

impl MemoryIndex {
    /// An empty index.
    pub fn new() -> Self {
        MemoryIndex::default()
    }

    /// All rows as they are now.
    pub fn rows(&self) -> BTreeMap<String, Vec<u8>> {
        self.read().clone()
    }

    /// An index of its own with the same rows: what a checkpoint would have kept.
    pub fn copy(&self) -> MemoryIndex {
        MemoryIndex(Arc::new(RwLock::new(self.rows())))
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index for MemoryIndex {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.read().get(key).cloned())
    }

    fn scan(
        &self,
        prefix: &str,
        from: &str,
        visit: &mut dyn FnMut(&str, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        let mut next = Bound::Included(from.max(prefix).to_string());
        loop {
            // As sled's: collected, so that `visit` may ask the index; not all at once, so that a scan needs no memory for what it passes.
            let rows: Vec<(String, Vec<u8>)> = self
                .read()
                .range((next, Bound::Unbounded))
                .take_while(|(key, _)| key.starts_with(prefix))
                .take(SCAN_ROWS)
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            for (key, value) in &rows {
                if !visit(key, value)? {
                    return Ok(());
                }
            }
            match rows.into_iter().nth(SCAN_ROWS - 1) {
                Some((last, _)) => next = Bound::Excluded(last),
                None => return Ok(()),
            }
        }
    }

    fn apply(&self, rows: &Rows) -> Result<()> {
        let mut all = self.write();
        for (key, value) in rows {
            match value {
                Some(value) => all.insert(key.clone(), value.clone()),
                None => all.remove(key),
            };
        }
        Ok(())
    }

    fn checkpoint(&self) -> Result<()> {
        Ok(())
    }

    fn begin_anew(&self, _why: &str) -> Result<()> {
        self.write().clear();
        Ok(())
    }

    fn is_clean(&self) -> bool {
        false
    }

    fn in_use(&self) -> Result<()> {
        Ok(())
    }

    fn close(&self) -> Result<()> {
        Ok(())
    }
}

/// sled under a state folder: `index/`, and the marks beside it.
pub struct SledIndex {
    state: PathBuf,
    open: RwLock<Option<Open>>,
    /// Of rows, since sled was opened: what the next opening replays if nobody opens it before.
    written_bytes: AtomicU64,
}

struct Open {
    tree: sled::Db,
    /// Our own handle of sled's one file: its `flush` does not sync.
    file: std::fs::File,
}

/// sled does not keep to it exactly.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// So much is replayed by the next start rather than by this stop: some hundredths of a second.
const REPLAYED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Ten seconds in all; then sled says itself what is wrong.
const RELEASE_TRIES: u32 = 1_000;
const RELEASE_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// Rows read at a time, so that no lock of sled is held while a caller thinks.
const SCAN_ROWS: usize = 256;

/// Most scans are for the few rows of one ticket, or for the first row of many.
const SCAN_ROWS_FIRST: usize = 16;

/// Before it stands every key that begins so.
fn end_of(prefix: &str) -> Bound<Vec<u8>> {
    let mut end = prefix.as_bytes().to_vec();
    match end.last_mut() {
        // No byte of a text is the last there is.
        Some(last) => *last += 1,
        None => return Bound::Unbounded,
    }
    Bound::Excluded(end)
}

impl SledIndex {
    /// Opens the index of a state folder. One that is marked as damaged is set aside and an empty one begun. One that cannot be opened is marked: sled is not
    /// tried again in this process.
    pub fn open(state: &Path) -> Result<SledIndex> {
        let index = SledIndex {
            state: state.to_path_buf(),
            open: RwLock::new(None),
            written_bytes: AtomicU64::new(0),
        };
        let trouble = ["index.damaged", "index.opening"]
            .into_iter()
            .find(|mark| index.mark(mark).exists());
        if let Some(mark) = trouble {
            index.begin_anew(&format!("{mark} was found"))?;
        } else {
            index.reopen()?;
        }
        Ok(index)
    }

    fn mark(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }

    fn folder(&self) -> PathBuf {
        self.state.join("index")
    }

    fn reopen(&self) -> Result<()> {
        let mut slot = self.open.write().unwrap_or_else(PoisonError::into_inner);
        *slot = None;
        self.await_release();
        write_mark(&self.mark("index.opening"), b"")?;
        let folder = self.folder();
        let tree = self.guarded(|| {
            sled::Config::new()
                .path(&folder)
                .cache_capacity(CACHE_BYTES)
                .flush_every_ms(None)
                .open()
        })?;
        let file = std::fs::File::open(folder.join("db")).context("index/db")?;
        sync_folder(&folder)?;
        sync_folder(&self.state)?;
        *slot = Some(Open { tree, file });
        self.written_bytes.store(0, Ordering::Relaxed);
        remove_mark(&self.mark("index.opening"))
    }

    /// sled's own threads may hold its file, and the lock on it, a moment longer than we hold sled: seen at one clean stop in five on a busy machine.
    fn await_release(&self) {
        let Ok(file) = std::fs::File::open(self.folder().join("db")) else {
            return;
        };
        for _ in 0..RELEASE_TRIES {
            match file.try_lock() {
                Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(RELEASE_PAUSE),
                _ => return,
            }
        }
    }

    /// Runs something of sled. What goes wrong there, once, may have gone wrong in its file: the process must end.
    fn guarded<T>(&self, work: impl FnOnce() -> sled::Result<T>) -> Result<T> {
        let why = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "sled panicked".to_string(),
        };
        let marked = write_mark(&self.mark("index.damaged"), why.as_bytes());
        bail!(
            "the index in {} failed: {why}{}; it will be made anew from the journal at the next start",
            self.folder().display(),
            marked
                .err()
                .map(|e| format!(" (and index.damaged could not be written: {e:#})"))
                .unwrap_or_default()
        )
    }

    fn with<T>(&self, work: impl FnOnce(&Open) -> sled::Result<T>) -> Result<T> {
        let slot = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = slot.as_ref() else {
            bail!("the store is closed");
        };
        self.guarded(|| work(open))
    }
}

impl Index for SledIndex {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.with(|open| Ok(open.tree.get(key)?.map(|value| value.to_vec())))
    }

    fn scan(
        &self,
        prefix: &str,
        from: &str,
        visit: &mut dyn FnMut(&str, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        let mut next = from.max(prefix).as_bytes().to_vec();
        let mut at_once = SCAN_ROWS_FIRST;
        // Without an end sled would read as many rows of what comes behind.
        let end = end_of(prefix);
        loop {
            let rows = self.with(|open| {
                let range = (Bound::Included(next.clone()), end.clone());
                open.tree
                    .range(range)
                    .take(at_once)
                    .collect::<sled::Result<Vec<_>>>()
            })?;
            for (key, value) in &rows {
                let name = std::str::from_utf8(key).context("a key of the index is not text")?;
                if !visit(name, value)? {
                    return Ok(());
                }
            }
            match rows.last() {
                Some((last, _)) if rows.len() == at_once => {
                    next = last.to_vec();
                    next.push(0);
                }
                _ => return Ok(()),
            }
            at_once = SCAN_ROWS;
        }
    }

    fn apply(&self, rows: &Rows) -> Result<()> {
        let mut batch = sled::Batch::default();
        let bytes: usize = rows
            .iter()
            .map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len))
            .sum();
        self.written_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
        for (key, value) in rows {
            match value {
                Some(value) => batch.insert(key.as_bytes(), value.as_slice()),
                None => batch.remove(key.as_bytes()),
            }
        }
        self.with(|open| open.tree.apply_batch(batch))
    }

    fn checkpoint(&self) -> Result<()> {
        self.with(|open| {
            open.tree.flush()?;
            open.file.sync_data()?;
            Ok(())
        })
    }

    fn begin_anew(&self, why: &str) -> Result<()> {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = None;
        let folder = self.folder();
        if folder.exists() {
            let aside = self.state.join("index.aside");
            if aside.exists() {
                std::fs::remove_dir_all(&aside).context("index.aside")?;
            }
            std::fs::rename(&folder, &aside).context("index could not be set aside")?;
            tracing::warn!(
                why,
                "the index was set aside in index.aside and is made anew from the journal"
            );
        }
        remove_mark(&self.mark("index.clean"))?;
        sync_folder(&self.state)?;
        self.reopen()?;
        remove_mark(&self.mark("index.damaged"))
    }

    fn is_clean(&self) -> bool {
        is_clean_in(&self.state)
    }

    fn in_use(&self) -> Result<()> {
        remove_mark(&self.mark("index.clean"))?;
        sync_folder(&self.state)
    }

    fn close(&self) -> Result<()> {
        self.checkpoint()?;
        if self.written_bytes.load(Ordering::Relaxed) > REPLAYED_BYTES_MAX {
            // Opening writes the snapshot, which makes the next opening short.
            self.reopen()?;
            self.checkpoint()?;
        }
        let closed = self
            .open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.guarded(|| {
            drop(closed);
            Ok(())
        })?;
        write_mark(&self.mark("index.clean"), b"")?;
        sync_folder(&self.state)
    }
}

/// Whether the index of a state folder was closed cleanly.
pub fn is_clean_in(state: &Path) -> bool {
    state.join("index.clean").exists()
}

fn write_mark(path: &Path, text: &[u8]) -> Result<()> {
    let written = std::fs::write(path, text).and_then(|()| std::fs::File::open(path)?.sync_all());
    written.with_context(|| path.display().to_string())
}

fn remove_mark(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| path.display().to_string())
        }
        _ => Ok(()),
    }
}

fn sync_folder(folder: &Path) -> Result<()> {
    std::fs::File::open(folder)
        .and_then(|file| file.sync_all())
        .with_context(|| folder.display().to_string())
}
