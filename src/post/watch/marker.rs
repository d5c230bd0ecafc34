//! The note of what is being read, should it end the process.

use super::file_name;
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What was being read when the process ended: a file, unsynced because a process's end loses no written page (DESIGN.md, invariants).
/// A mail found in it is read alone next; found alone a second time it is a suspect.
#[derive(Debug, Default)]
pub struct Marker {
    path: Option<PathBuf>,
    crashes: BTreeMap<String, Crashes>,
}

/// How often the process ended while it was read, and whether it was alone the last time.
#[derive(Clone, Copy, Debug)]
struct Crashes {
    count: u32,
    alone: bool,
}

/// Two ends of the process with a mail in hand: it is tried in a process of its own (DESIGN.md: two tries after a crash).
pub const SUSPECTED_AT: u32 = 2;
/// One that survives there and is found here all the same is not read for ever: reading it may kill this process and not that one.
pub const CONDEMNED_AT: u32 = 4;

impl Marker {
    pub fn open(folder: &Path, mailbox: &str) -> anyhow::Result<Marker> {
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
        let crashes = Crashes {
            count: before.saturating_add(1),
            alone: keys.len() == 1,
        };
        let found = keys.iter().map(|key| (key.to_string(), crashes));
        self.crashes.extend(found);
    }

    pub fn is_open(&self) -> bool {
        self.path.is_some()
    }

    pub fn is_in_doubt(&self, key: &str) -> bool {
        self.crashes.contains_key(key)
    }

    /// How often the process ended while this mail was read; but once, as long as it was never alone then.
    pub fn crashes(&self, key: &str) -> u32 {
        match self.crashes.get(key) {
            Some(Crashes { count, alone: true }) => *count,
            Some(_) => 1,
            None => 0,
        }
    }

    pub fn begin<'a>(&mut self, keys: impl Iterator<Item = &'a str>) {
        let Some(path) = &self.path else { return };
        let keys: Vec<&str> = keys.collect();
        let crashes = keys.iter().filter_map(|key| self.crashes.get(*key));
        let count = crashes.map(|c| c.count).max().unwrap_or(0);
        let text = format!("{count}\n{}\n", keys.join("\n"));
        // Without it a deadly mail would be read again after the crash; that is worth a line, not a halt.
        if let Err(error) = std::fs::write(path, text) {
            tracing::warn!(%error, "the note of what is being read cannot be written");
        }
    }

    pub fn end(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts with what a crash left, reads these keys, crashes again; what the next start would find.
    fn crash(folder: &Path, keys: &[&str]) -> Marker {
        let mut marker = Marker::open(folder, "support").unwrap();
        marker.begin(keys.iter().copied());
        Marker::open(folder, "support").unwrap()
    }

    #[test]
    fn the_suspect_of_a_batch_is_found_in_three_crashes_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let after = crash(folder.path(), &["7/1", "7/2", "7/3"]);
        assert!(after.is_in_doubt("7/2") && after.crashes("7/2") < SUSPECTED_AT);
        let after = crash(folder.path(), &["7/2"]);
        assert_eq!(after.crashes("7/2"), SUSPECTED_AT);
        assert!(!after.is_in_doubt("7/1"));
    }

    #[test]
    fn one_crash_makes_nobody_a_suspect_and_none_is_read_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let counts: Vec<u32> = (0..4)
            .map(|_| crash(folder.path(), &["7/1"]).crashes("7/1"))
            .collect();
        assert_eq!(counts, [1, SUSPECTED_AT, 3, CONDEMNED_AT]);
    }

    #[test]
    fn two_crashes_of_a_batch_say_nothing_of_any_of_its_mails() {
        let folder = tempfile::tempdir().unwrap();
        crash(folder.path(), &["7/1", "7/2"]);
        let after = crash(folder.path(), &["7/1", "7/2"]);
        assert_eq!(after.crashes("7/1"), 1);
    }

    #[test]
    fn a_finished_reading_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut marker = Marker::open(folder.path(), "../odd name").unwrap();
        marker.begin(["7/1"].into_iter());
        marker.end();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
