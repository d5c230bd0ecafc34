//! The note of what is being read, should it end the process.

use super::file_name;
use anyhow::Context;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What was being read when the process ended: a file, unsynced because a process's end loses no written page (DESIGN.md, invariants).
/// A mail found in it is read alone next; found alone a second time, it is not read again.
#[derive(Debug, Default)]
pub struct Marker {
    path: Option<PathBuf>,
    crashes: BTreeMap<String, u32>,
    condemned: BTreeSet<String>,
}

const CRASHES_MAX: u32 = 2;

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
        for key in &keys {
            self.crashes.insert(key.to_string(), before + 1);
            if keys.len() == 1 && before + 1 >= CRASHES_MAX {
                self.condemned.insert(key.to_string());
            }
        }
    }

    pub fn is_open(&self) -> bool {
        self.path.is_some()
    }

    pub fn is_in_doubt(&self, key: &str) -> bool {
        self.crashes.contains_key(key)
    }

    pub fn is_condemned(&self, key: &str) -> bool {
        self.condemned.contains(key)
    }

    pub fn begin<'a>(&mut self, keys: impl Iterator<Item = &'a str>) {
        let Some(path) = &self.path else { return };
        let keys: Vec<&str> = keys.collect();
        let crashes = keys.iter().filter_map(|key| self.crashes.get(*key)).max();
        let text = format!("{}\n{}\n", crashes.unwrap_or(&0), keys.join("\n"));
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
    fn the_deadly_mail_of_a_batch_is_found_in_three_crashes_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let after = crash(folder.path(), &["7/1", "7/2", "7/3"]);
        assert!(after.is_in_doubt("7/2") && !after.is_condemned("7/2"));
        let after = crash(folder.path(), &["7/2"]);
        assert!(after.is_condemned("7/2") && !after.is_in_doubt("7/1"));
    }

    #[test]
    fn one_crash_condemns_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let after = crash(folder.path(), &["7/1"]);
        assert!(after.is_in_doubt("7/1") && !after.is_condemned("7/1"));
        let after = crash(folder.path(), &["7/1"]);
        assert!(after.is_condemned("7/1"));
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
