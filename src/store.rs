//! The store: the journal is the truth, sled is the index.
//!
//! Knows the desk's values and how they lie on the disk; knows nothing of mail servers, and not why a value changed. See DESIGN.md, "Store".
//!
//! Read in this order: [`journal`] (what is accepted, and the instant of it), `writing` (the rows that follow from a record), [`index`], `layout` (a batch in the journal), `known` (an undecided batch
//! over the index), `recent`, `open` and `behind` (what is read or written
//! just now), `reader`, [`audit`].
//!
//! # The instant of commitment
//! [`Store::commit`] appends a batch to the journal and syncs it once. **When that sync returns the mails are accepted**; before it nothing happened, after it all did.
//!
//! | dies after | journal | index | at the next start |
//! |---|---|---|---|
//! | a batch half written | torn | - | the batch is cut; its mails are fetched again |
//! | the batch written, not synced | whole or torn | - | accepted or cut, as a whole |
//! | the sync | whole | behind | the index replays from its own sequence |
//! | some rows | whole | behind, by whole outcomes | the same |
//! | all rows, before a checkpoint | whole | whole, old, or damaged after a power cut | rows are summed; replay, or made anew |
//!
//! An index that claims to know more than the journal has, or a bad record with good ones behind it, is damage: the store does not open, and says where.
//! Once a sled has failed or panicked it is not used again in this process ([`Broken`]): the process ends, and the next one makes the index anew.

mod agenda;
mod anew;
pub mod audit;
mod behind;
pub mod disk;
pub mod index;
pub mod journal;
mod keys;
mod known;
mod layout;
mod open;
mod reader;
mod recent;
mod recorder;
#[cfg(test)]
mod tests;
mod writing;

use crate::desk::Ask;
use crate::desk::known::Answer;
use crate::mail::Fingerprint;
use anew::Anew;
use anyhow::{Context, Result};
use behind::{Accepted, Behind};
use disk::{Disk, RealDisk};
use index::{Index, Meta, SledIndex, Sum};
use journal::{Head, Journal, Kind, Payload};
use layout::{Recorded, decoded, take_in};
use recent::Recent;
use recorder::Recorder;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use writing::{PolicyRow, StoredPolicy, Writing};

pub use known::Batch;
use known::Overlay;
pub use reader::{OutboxCounts, Reader};
pub use recent::Foresight;

/// The one writer of a state folder. Belongs to the clerk's thread.
pub struct Store {
    shared: Arc<Shared>,
    /// The same for the writer alone: what the index has now; the rest it sees through its batch.
    own: Shared,
    recorder: Recorder,
    /// The rows of late.
    recent: Arc<Recent>,
    /// The way into the index.
    behind: Behind,
    open: open::Open,
    /// Held until the end: one process.
    _lock: Option<std::fs::File>,
}

/// What the writer and its readers share.
struct Shared {
    disk: Arc<dyn Disk>,
    index: Arc<dyn Index>,
    head: Arc<RwLock<Head>>,
    low_water_bytes: u64,
}

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Queues whose tickets and entries never stand in the index, only in the journal. `None`: as it was at the last opening that said so, which is
    /// what a command opening the store for a moment wants; another set than before makes the index anew.
    pub confidential: Option<BTreeSet<String>>,
    /// A new segment of the journal begins at this length.
    pub segment_bytes: u64,
    /// Below so much free disk no mail is taken in.
    pub low_water_bytes: u64,
    /// So much is kept in a file that is given up when the disk is full, so that deadlines and letters can still be journalled.
    pub reserve_bytes: u64,
    /// Told the last record taken in while the index catches up or is made anew: systemd waits for it.
    pub progress: Option<fn(u64)>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            confidential: None,
            segment_bytes: journal::SEGMENT_BYTES,
            low_water_bytes: 256 * 1024 * 1024,
            reserve_bytes: 8 * 1024 * 1024,
            progress: None,
        }
    }
}

/// Whether mail may be taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Yes.
    Plenty,
    /// No: what is left is for deadlines, letters and commands.
    Scarce,
}

/// Another process has the state folder: ask it over its control socket.
#[derive(Debug)]
pub struct Locked {
    /// The state folder.
    pub folder: PathBuf,
}

impl std::fmt::Display for Locked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} is in use by another ticketd; stop it, or ask it over its control socket",
            self.folder.display()
        )
    }
}

impl std::error::Error for Locked {}

/// A batch was accepted and is durable, but the index could not take it: the process must end. The next start makes the index anew.
#[derive(Debug)]
pub struct Broken {
    why: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the batch is safe in the journal, but the index could not take it and this process must end: {}",
            self.why
        )
    }
}

impl std::error::Error for Broken {}

/// A state folder that is this process's, and not open yet.
pub struct Claim {
    lock: std::fs::File,
    folder: PathBuf,
}

impl Claim {
    /// Opens it. Errors as [`Store::open`].
    pub fn open(self, options: Options) -> Result<Store> {
        open_folder(self, options, None)
    }
}

impl Store {
    /// Opens, locks and if need be repairs or rebuilds the state folder; makes it if it is empty. Errors say what is damaged, where, and what to do.
    /// [`Locked`] if another process has it.
    pub fn open(folder: &Path) -> Result<Store> {
        Store::open_with(folder, Options::default())
    }

    /// The same, with options.
    pub fn open_with(folder: &Path, options: Options) -> Result<Store> {
        Store::claim(folder)?.open(options)
    }

    /// Locks a state folder, before anybody takes the trouble of getting ready for it. Errors as [`Store::open`].
    pub fn claim(folder: &Path) -> Result<Claim> {
        Ok(Claim {
            lock: locked(folder)?,
            folder: folder.to_path_buf(),
        })
    }

    /// A store over any disk and index: the simulation's. Opening again over the same ones is the next start.
    pub fn over(disk: Box<dyn Disk>, index: Box<dyn Index>, options: Options) -> Result<Store> {
        Start::over(disk, index, options).store(None, None)
    }

    /// The same, with the index written while the next batch is decided.
    #[cfg(test)]
    fn over_behind(disk: Box<dyn Disk>, index: Box<dyn Index>, options: Options) -> Result<Store> {
        let mut start = Start::over(disk, index, options);
        start.own_thread = true;
        start.store(None, None)
    }

    /// For other threads.
    pub fn reader(&self) -> Reader {
        Reader {
            shared: self.shared.clone(),
        }
    }

    /// For a thread that knows what will be asked.
    pub fn foresight(&self) -> Foresight {
        Foresight::of(self.recent.clone())
    }

    /// An empty batch.
    pub fn begin(&self) -> Batch {
        Batch::default()
    }

    /// What decisions are taken on.
    pub fn view(&self) -> View<'_> {
        View {
            own: &self.own,
            settled: &self.shared,
            open: &self.open,
            behind: &self.behind,
            committing: None,
        }
    }

    /// The record's answer, with what the batch has decided before it.
    pub fn load(&self, batch: &Batch, ask: &Ask) -> Result<Answer> {
        self.view().load(batch, ask)
    }

    /// Appends raw mails, letters and records to the journal, syncs it once, then hands them over to the index. At its return the batch is accepted.
    /// An error before the sync leaves everything as it was; after the sync nothing may fail: the error, now or of whatever is asked next, is [`Broken`], and the
    /// process must end.
    pub fn commit(&mut self, batch: Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        self.behind.sound()?;
        let recorded = Recorded::by(&mut self.recorder, &batch)?;
        self.accept(batch, recorded)
    }

    /// The same, while work is done that sees the batch as decided: the next decisions, as a rule. If the batch is not accepted, what came of the work is
    /// dropped, as it was done on something that never was. Errors as [`Store::commit`].
    pub fn commit_while<T>(&mut self, batch: Batch, work: impl FnOnce(&View) -> T) -> Result<T> {
        if batch.is_empty() {
            return Ok(work(&self.view()));
        }
        self.behind.sound()?;
        let recorder = &mut self.recorder;
        let view = View {
            own: &self.own,
            settled: &self.shared,
            open: &self.open,
            behind: &self.behind,
            committing: Some(&batch),
        };
        let (recorded, value) = std::thread::scope(|scope| {
            let recording = scope.spawn(|| Recorded::by(recorder, &batch));
            let value = work(&view);
            let recorded = recording
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (recorded, value)
        });
        self.accept(batch, recorded?)?;
        Ok(value)
    }

    fn accept(&mut self, batch: Batch, recorded: Recorded) -> Result<()> {
        self.open
            .committed(batch.staged.iter().flat_map(|staged| &staged.records));
        self.behind.take(Accepted {
            batch: batch.without_bytes(),
            recorded,
        })
    }

    /// Journals a policy file's text, if there is none yet of that name under that hash. Whether it was new.
    pub fn keep_policy(&mut self, name: &str, text: &str, hash: Fingerprint) -> Result<bool> {
        let key = keys::policy(&hash, name);
        if self.shared.index.get(&key)?.is_some() {
            return Ok(false);
        }
        let policy = StoredPolicy {
            name: name.into(),
            hash,
            text: text.into(),
        };
        let bytes = serde_json::to_vec(&policy)?;
        let payload = payload(Kind::Policy, &bytes);
        self.behind.sound()?;
        let (mark, positions) = self.recorder.append(&[payload])?;
        let row = PolicyRow {
            at: positions[0],
            fingerprint: payload.fingerprint,
        };
        let sequence = self.recorder.head().sequence;
        self.behind
            .write(|writing| writing.policy(sequence, mark, &policy, &row))?;
        Ok(true)
    }

    /// Makes the index durable as far as it is, so that a start after a power cut has little to replay; renews the reserve. Every 60 s.
    /// A full disk can wait for it.
    pub fn checkpoint(&mut self) -> Result<()> {
        if !self.recorder.has_room_for_the_index() {
            return Ok(());
        }
        self.shared.index.checkpoint()?;
        self.recorder.keep_reserve()
    }

    /// Whether mail may be taken in.
    pub fn room(&self) -> Room {
        self.shared.room()
    }

    /// Whether a state folder holds a record whose index was closed cleanly: then it is opened in a moment.
    pub fn is_closed_cleanly(folder: &Path) -> bool {
        index::is_clean_in(folder)
    }

    /// A clean stop: the next start needs no check. [`Broken`] if the index could not take all that was accepted.
    pub fn close(self) -> Result<()> {
        self.shared.index.close()
    }
}

impl Shared {
    fn room(&self) -> Room {
        match self.disk.free_bytes() {
            Ok(free) if free < self.low_water_bytes => Room::Scarce,
            // A disk that does not say is tried.
            _ => Room::Plenty,
        }
    }

    fn set_head(&self, head: Head) {
        *self.head.write().unwrap_or_else(PoisonError::into_inner) = head;
    }
}

fn payload(kind: Kind, bytes: &[u8]) -> Payload<'_> {
    Payload {
        kind,
        bytes,
        fingerprint: Fingerprint::of(bytes),
    }
}

/// What decisions are taken on: the index, and what is on its way into it or into the journal.
pub struct View<'a> {
    own: &'a Shared,
    /// The index as of all that was accepted.
    settled: &'a Shared,
    open: &'a open::Open,
    behind: &'a Behind,
    /// Decided before, and not yet in the journal.
    committing: Option<&'a Batch>,
}

impl View<'_> {
    /// The record's answer, with what the batch has decided before it.
    pub fn load(&self, batch: &Batch, ask: &Ask) -> Result<Answer> {
        let decided = || self.committing.into_iter().chain([batch]);
        match ask {
            Ask::OpenOf(customer) => {
                let open = self.open.of(customer, decided(), self.settled)?;
                Ok(Answer::OpenOf(open))
            }
            Ask::Mail(place) => {
                let bytes = match decided().find_map(|layer| layer.bytes(*place)) {
                    Some(bytes) => Some(bytes.to_vec()),
                    None => self.settled.bytes(*place)?,
                };
                Ok(Answer::Mail(bytes.and_then(known::read)))
            }
            _ => {
                let over = Overlay {
                    accepted: self.behind.in_flight()?,
                    committing: self.committing,
                    deciding: batch,
                };
                self.own.answer(&over, ask)
            }
        }
    }
}

/// So many batches are read before the index has taken in the one before them.
const BATCHES_AHEAD: usize = 16;

/// Called with the last record taken in while an index is made.
type Progress<'a> = &'a mut dyn FnMut(u64);

fn open_folder(claim: Claim, options: Options, rebuild: Option<Progress>) -> Result<Store> {
    let Claim { lock, folder } = claim;
    let folder = folder.as_path();
    let disk = RealDisk::new(folder);
    let index = SledIndex::open(folder)?;
    let confidential = remembered_confidential(folder, options.confidential.clone())?;
    let start = Start {
        disk: Arc::new(disk),
        index: Arc::new(index),
        options: Options {
            confidential: Some(confidential),
            ..options
        },
        fresh_id: random_id()?,
        own_thread: true,
    };
    let store = start.store(Some(lock), rebuild)?;
    store.recorder.keep_reserve()?;
    Ok(store)
}

/// What a start has.
struct Start {
    disk: Arc<dyn Disk>,
    index: Arc<dyn Index>,
    options: Options,
    /// For a journal that begins now.
    fresh_id: [u8; 16],
    /// Whether the index is written while the next batch is decided.
    own_thread: bool,
}

impl Start {
    fn over(disk: Box<dyn Disk>, index: Box<dyn Index>, mut options: Options) -> Start {
        options.confidential.get_or_insert_default();
        Start {
            disk: Arc::from(disk),
            index: Arc::from(index),
            options,
            fresh_id: [0x5a; 16],
            own_thread: false,
        }
    }

    fn store(self, lock: Option<std::fs::File>, rebuild: Option<Progress>) -> Result<Store> {
        self.check_journal_is_there()?;
        let mut journal =
            Journal::open(self.disk.clone(), self.fresh_id, self.options.segment_bytes)?;
        let ended_well = self.index.is_clean();
        let usable = match rebuild {
            Some(_) => Err("a rebuild was asked for".to_string()),
            None => self.usable(&journal)?,
        };
        self.index.in_use()?;
        let meta = match usable {
            Ok(meta) => meta,
            Err(why) => {
                self.index.begin_anew(&why)?;
                self.fresh_meta(&journal)
            }
        };
        let meta = self.catch_up(&mut journal, meta, rebuild)?;
        if !ended_well {
            // A sync may have failed before the end came, and a file with such a past is never synced again: its later syncs can lie.
            journal.leave_segment()?;
        }
        let head = Arc::new(RwLock::new(journal.head()));
        let recent = Arc::new(Recent::over(self.index));
        let behind = Behind::over(recent.clone(), self.disk.clone(), meta, self.own_thread)?;
        let own = Shared {
            disk: self.disk.clone(),
            index: recent.clone(),
            head: head.clone(),
            low_water_bytes: self.options.low_water_bytes,
        };
        let shared = Arc::new(Shared {
            disk: self.disk,
            index: Arc::new(behind.settled()),
            head,
            low_water_bytes: self.options.low_water_bytes,
        });
        Ok(Store {
            shared: shared.clone(),
            own,
            recorder: Recorder::new(journal, shared, self.options.reserve_bytes),
            recent,
            behind,
            open: open::Open::default(),
            _lock: lock,
        })
    }

    /// An index of many tickets beside no journal at all: somebody moved it. To begin a new one would lose them all without a word.
    fn check_journal_is_there(&self) -> Result<()> {
        let segments = self.disk.list("journal").context("journal")?;
        let knows = self.meta()?.map_or(0, |meta| meta.sequence);
        anyhow::ensure!(
            knows == 0 || segments.iter().any(|name| name.ends_with(".seg")),
            "journal/ is empty, and the index knows {knows} records: put the journal back; if it is gone for good, move `index` away and start with nothing"
        );
        Ok(())
    }

    fn meta(&self) -> Result<Option<Meta>> {
        let row = self.index.get(keys::META)?;
        // One that cannot be read is as good as none: the rows then do not fit it.
        Ok(row.and_then(|row| serde_json::from_slice(&row).ok()))
    }

    fn fresh_meta(&self, journal: &Journal) -> Meta {
        Meta {
            schema: keys::SCHEMA,
            journal: id_hex(journal),
            sequence: 0,
            batch: None,
            sum: Sum::default(),
            confidential: self.confidential(),
        }
    }

    fn confidential(&self) -> Vec<String> {
        let queues = self.options.confidential.iter().flatten();
        queues.cloned().collect()
    }

    /// How far the index is, or why it cannot be used.
    fn usable(&self, journal: &Journal) -> Result<Result<Meta, String>> {
        let Some(meta) = self.meta()? else {
            let mut is_empty = true;
            self.index.scan("", "", &mut |_, _| {
                is_empty = false;
                Ok(false)
            })?;
            return Ok(match is_empty {
                true => Ok(self.fresh_meta(journal)),
                false => Err("it does not say how far it is".into()),
            });
        };
        let why = if meta.schema != keys::SCHEMA {
            format!("its schema is {}, not {}", meta.schema, keys::SCHEMA)
        } else if meta.journal != id_hex(journal) {
            "it was made from another journal".into()
        } else if meta.confidential != self.confidential() {
            "other queues are confidential now".into()
        } else if !self.index.is_clean() && index::sum_of(&*self.index)? != meta.sum {
            "its rows do not add up".into()
        } else {
            return Ok(Ok(meta));
        };
        Ok(Err(why))
    }

    fn catch_up(
        &self,
        journal: &mut Journal,
        meta: Meta,
        mut progress: Option<Progress>,
    ) -> Result<Meta> {
        let (from, known) = (meta.batch, meta.sequence);
        // An index that knows no record is empty.
        let anew = (known == 0).then(|| Anew::over(&*self.index, journal.head().sequence));
        let index = match &anew {
            Some(anew) => anew as &dyn Index,
            None => &*self.index,
        };
        let mut writing = Writing::new(index, &*self.disk, meta);
        let (send, read) = mpsc::sync_channel(BATCHES_AHEAD);
        let disk = &*self.disk;
        std::thread::scope(|scope| {
            // On its own thread: the index waits for the disk, and this for the processor.
            let reading = scope.spawn(move || {
                journal.replay(from, known, &mut |batch| {
                    let sent = send.send(decoded(disk, known, batch)?);
                    sent.map_err(|_| anyhow::anyhow!("the index takes nothing in any more"))
                })
            });
            let taken = read.iter().try_for_each(|batch| {
                take_in(&mut writing, &batch)?;
                if let Some(progress) = &mut progress {
                    progress(batch.last);
                }
                if let Some(progress) = self.options.progress {
                    progress(batch.last);
                }
                anyhow::Ok(())
            });
            drop(read);
            let whole = reading
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            taken.and(whole)
        })?;
        writing.finish()
    }
}

fn id_hex(journal: &Journal) -> String {
    data_encoding::HEXLOWER.encode(&journal.id())
}

/// Makes the folder and locks it. The lock goes with the process, however that ends.
fn locked(folder: &Path) -> Result<std::fs::File> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("{} could not be made", folder.display()))?;
    let path = folder.join("lock");
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("{} could not be opened", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Locked {
            folder: folder.to_path_buf(),
        }
        .into()),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} could not be locked", path.display()))
        }
    }
}

/// The set is kept beside the index and not in it: an index that is made anew because it was damaged must not show what it never held.
fn remembered_confidential(
    folder: &Path,
    given: Option<BTreeSet<String>>,
) -> Result<BTreeSet<String>> {
    let path = folder.join("index.confidential");
    let before = match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .with_context(|| format!("{} cannot be read; remove it", path.display()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeSet::new(),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let Some(given) = given else {
        return Ok(before);
    };
    if given != before {
        let fresh = folder.join("index.confidential.new");
        std::fs::write(&fresh, serde_json::to_vec(&given)?)
            .and_then(|()| std::fs::File::open(&fresh)?.sync_all())
            .and_then(|()| std::fs::rename(&fresh, &path))
            .with_context(|| path.display().to_string())?;
    }
    Ok(given)
}

fn random_id() -> Result<[u8; 16]> {
    use std::io::Read;
    let mut id = [0; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut id))
        .context("/dev/urandom")?;
    Ok(id)
}
