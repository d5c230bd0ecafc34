//! What the journal asks of a disk, and two of them: the real one, and one that fails on purpose.
//!
//! Knows files, folders and what a power cut does to what was not synced; knows nothing of records.
//! Promise of the trait: after `sync(path)` returned well the bytes written to it before survive a power cut; after `sync_folder` the names do.
//! Nothing else is promised, and [`FakeDisk`] takes back whatever was not.

use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A folder of files. Paths are relative to it, with `/` between names.
pub trait Disk: Send + Sync {
    /// The names in a folder, sorted; none if there is no such folder.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// A file's length.
    fn length(&self, path: &str) -> io::Result<u64>;
    /// Fills `into` from an offset; an error if the file is shorter.
    fn read(&self, path: &str, offset: u64, into: &mut [u8]) -> io::Result<()>;
    /// Makes a folder if there is none.
    fn create_folder(&self, folder: &str) -> io::Result<()>;
    /// Makes an empty file; one that is there is replaced.
    fn create(&self, path: &str) -> io::Result<()>;
    /// Writes parts one after the other from an offset.
    fn write(&self, path: &str, offset: u64, parts: &[&[u8]]) -> io::Result<()>;
    /// Makes a file of so many bytes, none of which mean anything: it takes room, and gives it back when it is removed.
    fn create_filled(&self, path: &str, length: u64) -> io::Result<()> {
        self.create(path)?;
        self.write(path, 0, &[&vec![0; length as usize]])
    }
    /// Shortens a file.
    fn cut(&self, path: &str, length: u64) -> io::Result<()>;
    /// Makes a file's bytes durable.
    fn sync(&self, path: &str) -> io::Result<()>;
    /// Makes a folder's names durable.
    fn sync_folder(&self, folder: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Bytes that we may still write.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// The operating system's files below a root folder.
pub struct RealDisk {
    root: PathBuf,
    /// Open files: a mail is read without an `open`, and the segment being written stays open.
    open: Mutex<BTreeMap<String, Arc<std::fs::File>>>,
}

/// Small parts are gathered up to this size before they are written, so that a batch of 400 records costs few system calls and one bounded copy.
const GATHER_BYTES: usize = 256 * 1024;

/// So many files are held open at most.
const OPEN_FILES_MAX: usize = 16;

impl RealDisk {
    /// Files below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        RealDisk {
            root: root.into(),
            open: Mutex::new(BTreeMap::new()),
        }
    }

    fn file(&self, path: &str) -> io::Result<Arc<std::fs::File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(path) {
            return Ok(file.clone());
        }
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.root.join(path))?;
        Ok(remember(&mut open, path, file))
    }

    fn forget(&self, path: &str) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(path);
    }
}

fn remember(
    open: &mut BTreeMap<String, Arc<std::fs::File>>,
    path: &str,
    file: std::fs::File,
) -> Arc<std::fs::File> {
    if open.len() >= OPEN_FILES_MAX {
        open.pop_first();
    }
    let file = Arc::new(file);
    open.insert(path.to_string(), file.clone());
    file
}

impl Disk for RealDisk {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = match std::fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<io::Result<Vec<_>>>()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => vec![],
            Err(error) => return Err(error),
        };
        names.sort();
        Ok(names)
    }

    fn length(&self, path: &str) -> io::Result<u64> {
        Ok(self.file(path)?.metadata()?.len())
    }

    fn read(&self, path: &str, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.file(path)?.read_exact_at(into, offset)
    }

    fn create_folder(&self, folder: &str) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.root.join(folder))
    }

    fn create(&self, path: &str) -> io::Result<()> {
        self.forget(path);
        let path_on_disk = self.root.join(path);
        // A file of its own: one that was there may have a failed sync behind it.
        match std::fs::remove_file(&path_on_disk) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path_on_disk)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        remember(&mut open, path, file);
        Ok(())
    }

    fn write(&self, path: &str, offset: u64, parts: &[&[u8]]) -> io::Result<()> {
        let file = self.file(path)?;
        let mut out = io::BufWriter::with_capacity(GATHER_BYTES, At { file, offset });
        for part in parts {
            out.write_all(part)?;
        }
        out.flush()
    }

    fn create_filled(&self, path: &str, length: u64) -> io::Result<()> {
        self.create(path)?;
        match rustix::fs::fallocate(self.file(path)?, FallocateFlags::empty(), 0, length) {
            // Not every file system can.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                self.write(path, 0, &[&vec![0; length as usize]])
            }
            allocated => Ok(allocated?),
        }
    }

    fn cut(&self, path: &str, length: u64) -> io::Result<()> {
        self.file(path)?.set_len(length)
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        self.file(path)?.sync_data()
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        std::fs::File::open(self.root.join(folder))?.sync_all()
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.forget(path);
        std::fs::remove_file(self.root.join(path))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.root)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// A place in a file that moves on with what is written there.
struct At {
    file: Arc<std::fs::File>,
    offset: u64,
}

impl Write for At {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.offset)?;
        self.offset += written as u64;
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk in memory that forgets, tears and fails on purpose. A clone is the same disk.
///
/// Every change is a step. At the step of [`FakeDisk::crash_at`] the power goes: from then on every call fails, until [`FakeDisk::power_cut`] or
/// [`FakeDisk::killed`] says what was left. Same seed, same ruin.
#[derive(Clone, Default)]
pub struct FakeDisk(Arc<Mutex<Platter>>);

#[derive(Default)]
struct Platter {
    /// As programs see it.
    names: BTreeMap<String, u64>,
    /// As the disk has it.
    durable_names: BTreeMap<String, u64>,
    files: BTreeMap<u64, FakeFile>,
    steps: u64,
    crash_at: Option<u64>,
    failing_syncs: BTreeSet<u64>,
    free: Option<u64>,
    off: bool,
}

#[derive(Default)]
struct FakeFile {
    cached: Vec<u8>,
    durable: Vec<u8>,
    /// What the cache has and the disk has not.
    pending: Vec<Change>,
    /// A sync has failed: until the next start further ones say that all is well, and it is not.
    lies: bool,
}

enum Change {
    Write(u64, Vec<u8>),
    Cut(u64),
}

/// How a disk loses what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruin {
    /// Everything that was not synced is gone.
    Nothing,
    /// Everything had just reached the disk.
    Everything,
    /// Some sectors, some names, by this seed: pages go to a disk in any order.
    Torn(u64),
}

const SECTOR_BYTES: usize = 512;

impl FakeDisk {
    /// An empty disk.
    pub fn new() -> Self {
        FakeDisk::default()
    }

    /// The power goes at this step (counted from 1 over the disk's life).
    pub fn crash_at(&self, step: u64) {
        self.lock().crash_at = Some(step);
    }

    /// This step, if it is a sync, fails as a dying disk does: the cache calls the pages clean, the disk has some of them. Later syncs of the same file lie.
    pub fn fail_sync_at(&self, step: u64) {
        self.lock().failing_syncs.insert(step);
    }

    /// So many more bytes can be written; `None` for no limit.
    pub fn set_free_bytes(&self, free: Option<u64>) {
        self.lock().free = free;
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.lock().steps
    }

    /// Whether the power has gone.
    pub fn is_off(&self) -> bool {
        self.lock().off
    }

    /// The power was cut and comes back: what was not synced is lost as `ruin` says.
    pub fn power_cut(&self, ruin: Ruin) {
        let mut platter = self.lock();
        let mut chance = Chance::new(ruin);
        let Platter {
            names,
            durable_names,
            files,
            ..
        } = &mut *platter;
        let changed: BTreeSet<String> = names
            .iter()
            .chain(durable_names.iter())
            .filter(|(name, _)| names.get(*name) != durable_names.get(*name))
            .map(|(name, _)| name.clone())
            .collect();
        for name in changed {
            if chance.takes() {
                set(durable_names, &name, names.get(&name).copied());
            }
        }
        for file in files.values_mut() {
            for change in std::mem::take(&mut file.pending) {
                persist(&mut file.durable, change, &mut chance);
            }
            file.cached = file.durable.clone();
        }
        *names = durable_names.clone();
        platter.back_on();
    }

    /// The process was killed, the machine went on: the cache has everything that was written.
    pub fn killed(&self) {
        self.lock().back_on();
    }

    /// Turns one bit of a file over, on the disk and in the cache.
    pub fn flip(&self, path: &str, offset: u64, bit: u8) {
        let mut platter = self.lock();
        if let Ok(file) = platter.file(path) {
            let at = offset as usize;
            for bytes in [&mut file.cached, &mut file.durable] {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (bit % 8);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A coin that a seed has thrown beforehand (SplitMix64).
struct Chance {
    ruin: Ruin,
    state: u64,
}

impl Chance {
    fn new(ruin: Ruin) -> Self {
        let state = match ruin {
            Ruin::Torn(seed) => seed,
            _ => 0,
        };
        Chance { ruin, state }
    }

    fn takes(&mut self) -> bool {
        match self.ruin {
            Ruin::Nothing => false,
            Ruin::Everything => true,
            Ruin::Torn(_) => {
                self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut z = self.state;
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                (z ^ (z >> 31)) & 1 == 1
            }
        }
    }
}

fn persist(durable: &mut Vec<u8>, change: Change, chance: &mut Chance) {
    match change {
        Change::Cut(length) => {
            if chance.takes() {
                durable.truncate(length as usize);
            }
        }
        Change::Write(offset, bytes) => {
            for (n, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                if chance.takes() {
                    put(durable, offset as usize + n * SECTOR_BYTES, sector);
                }
            }
        }
    }
}

/// A hole reads as zeros, as in a file system.
fn put(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    let end = at + part.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[at..end].copy_from_slice(part);
}

fn set(names: &mut BTreeMap<String, u64>, name: &str, file: Option<u64>) {
    match file {
        Some(id) => names.insert(name.to_string(), id),
        None => names.remove(name),
    };
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl Platter {
    fn back_on(&mut self) {
        self.off = false;
        self.crash_at = None;
        for file in self.files.values_mut() {
            file.lies = false;
        }
    }

    fn power(&self) -> io::Result<()> {
        match self.off {
            true => Err(io::Error::other("the power is off")),
            false => Ok(()),
        }
    }

    /// Counts a step. `Ok(true)`: the power goes during it.
    fn step(&mut self) -> io::Result<bool> {
        self.power()?;
        self.steps += 1;
        self.off = self.crash_at == Some(self.steps);
        Ok(self.off)
    }

    fn file(&mut self, path: &str) -> io::Result<&mut FakeFile> {
        let id = self
            .names
            .get(path)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, path.to_string()))?;
        self.files
            .get_mut(id)
            .ok_or_else(|| io::Error::other("a name without a file"))
    }

    fn spend(&mut self, bytes: u64) -> io::Result<()> {
        match &mut self.free {
            Some(free) if *free < bytes => Err(io::Error::from(io::ErrorKind::StorageFull)),
            Some(free) => {
                *free -= bytes;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Disk for FakeDisk {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let platter = self.lock();
        platter.power()?;
        Ok(platter
            .names
            .keys()
            .filter(|path| folder_of(path) == folder)
            .map(|path| path[folder.len()..].trim_start_matches('/').to_string())
            .collect())
    }

    fn length(&self, path: &str) -> io::Result<u64> {
        let mut platter = self.lock();
        platter.power()?;
        Ok(platter.file(path)?.cached.len() as u64)
    }

    fn read(&self, path: &str, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let mut platter = self.lock();
        platter.power()?;
        let bytes = &platter.file(path)?.cached;
        let at = offset as usize;
        let found = bytes
            .get(at..at + into.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(found);
        Ok(())
    }

    fn create_folder(&self, _folder: &str) -> io::Result<()> {
        self.lock().power()
    }

    fn create(&self, path: &str) -> io::Result<()> {
        let mut platter = self.lock();
        let dies = platter.step()?;
        let id = platter.steps;
        platter.files.insert(id, FakeFile::default());
        platter.names.insert(path.to_string(), id);
        if dies { platter.power() } else { Ok(()) }
    }

    fn write(&self, path: &str, offset: u64, parts: &[&[u8]]) -> io::Result<()> {
        let mut platter = self.lock();
        let dies = platter.step()?;
        let bytes = parts.concat();
        platter.spend(bytes.len() as u64)?;
        let file = platter.file(path)?;
        put(&mut file.cached, offset as usize, &bytes);
        file.pending.push(Change::Write(offset, bytes));
        if dies { platter.power() } else { Ok(()) }
    }

    fn cut(&self, path: &str, length: u64) -> io::Result<()> {
        let mut platter = self.lock();
        let dies = platter.step()?;
        let file = platter.file(path)?;
        file.cached.truncate(length as usize);
        file.pending.push(Change::Cut(length));
        if dies { platter.power() } else { Ok(()) }
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        let mut platter = self.lock();
        if platter.step()? {
            return platter.power();
        }
        let step = platter.steps;
        let fails = platter.failing_syncs.remove(&step);
        let file = platter.file(path)?;
        file.lies |= fails;
        let mut chance = Chance::new(match file.lies {
            true => Ruin::Torn(step),
            false => Ruin::Everything,
        });
        for change in std::mem::take(&mut file.pending) {
            persist(&mut file.durable, change, &mut chance);
        }
        match fails {
            true => Err(io::Error::other("the disk could not write")),
            false => Ok(()),
        }
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let mut platter = self.lock();
        if platter.step()? {
            return platter.power();
        }
        let Platter {
            names,
            durable_names,
            ..
        } = &mut *platter;
        durable_names.retain(|path, _| folder_of(path) != folder);
        for (path, id) in names.iter().filter(|(path, _)| folder_of(path) == folder) {
            durable_names.insert(path.clone(), *id);
        }
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut platter = self.lock();
        let dies = platter.step()?;
        platter.file(path)?;
        platter.names.remove(path);
        if dies { platter.power() } else { Ok(()) }
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.lock().free.unwrap_or(u64::MAX))
    }
}
