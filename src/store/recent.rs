//! Rows of late, kept in memory.
//!
//! A decision asks for what the commit after it asks again, and the next mails ask for what this one wrote; sled pays for each with a walk through its
//! tree. Law: it answers as the index behind it would. It may, as all that is written is written through it. Who reads the record from end to end looks
//! ([`Index::look`]), or what a million tickets say would take the place of what the clerk asks next.

use super::index::{Index, Rows};
use super::keys;
use crate::desk::Ask;
use anyhow::Result;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A batch of 200 mails reads and writes about 4,000 rows of some hundred bytes, and two more are read ahead.
const ROWS_KEPT_MAX: usize = 24_576;

/// An index, and the rows that were last read or written through this.
pub struct Recent {
    index: Arc<dyn Index>,
    kept: Mutex<Kept>,
}

/// Two generations: what is asked for again moves to the young one, and when that is full the old one is forgotten.
#[derive(Default)]
struct Kept {
    young: HashMap<String, Option<Vec<u8>>>,
    old: HashMap<String, Option<Vec<u8>>>,
    /// How often rows were forgotten.
    forgotten: u64,
}

impl Recent {
    /// Knows nothing yet.
    pub fn over(index: Arc<dyn Index>) -> Self {
        Recent {
            index,
            kept: Mutex::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn get(&mut self, key: &str) -> Option<Option<Vec<u8>>> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.keep(key, value.clone());
        Some(value)
    }

    fn has(&self, key: &str) -> bool {
        self.young.contains_key(key) || self.old.contains_key(key)
    }

    fn keep(&mut self, key: String, value: Option<Vec<u8>>) {
        if self.young.len() >= ROWS_KEPT_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
            self.forgotten += 1;
        }
        self.young.insert(key, value);
    }

    fn forget(&mut self) {
        self.young.clear();
        self.old.clear();
        self.forgotten += 1;
    }
}

/// Reads rows that will be asked for, so that the writer finds them in memory: most asks of an arriving mail are for what no mail before it had, and
/// sled has such a question wait while a batch is written.
pub struct Foresight {
    index: Arc<Recent>,
}

impl Foresight {
    /// Sees what will be asked of this index.
    pub(super) fn of(index: Arc<Recent>) -> Self {
        Foresight { index }
    }

    /// What fails here fails again, and is told, when its turn comes.
    pub fn read<'a>(&self, asks: impl Iterator<Item = &'a Ask>) {
        for ask in asks {
            let key = match ask {
                Ask::Seen(fingerprint) => keys::seen(fingerprint),
                Ask::FoundBy { queue, message_id } => keys::found(queue, message_id),
                Ask::Allowance(name) => keys::allowance(name),
                _ => continue,
            };
            let _ = self.index.get(&key);
        }
    }
}

impl Index for Recent {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let mut kept = self.kept();
        if let Some(value) = kept.get(key) {
            return Ok(value);
        }
        let forgotten = kept.forgotten;
        // Nobody waits for this lock while sled has this question wait.
        drop(kept);
        let value = self.index.get(key)?;
        let mut kept = self.kept();
        // What another thread wrote meanwhile may be newer, and is here unless it is forgotten already.
        if kept.forgotten == forgotten && !kept.has(key) {
            kept.keep(key.to_string(), value.clone());
        }
        Ok(value)
    }

    fn look(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let kept = self.kept();
        if let Some(value) = kept.young.get(key).or_else(|| kept.old.get(key)) {
            return Ok(value.clone());
        }
        drop(kept);
        self.index.look(key)
    }

    fn scan(
        &self,
        prefix: &str,
        from: &str,
        visit: &mut dyn FnMut(&str, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        self.index.scan(prefix, from, visit)
    }

    fn apply(&self, rows: &Rows) -> Result<()> {
        self.index.apply(rows)?;
        let mut kept = self.kept();
        for (key, value) in rows {
            kept.keep(key.clone(), value.clone());
        }
        Ok(())
    }

    fn checkpoint(&self) -> Result<()> {
        self.index.checkpoint()
    }

    fn begin_anew(&self, why: &str) -> Result<()> {
        self.kept().forget();
        self.index.begin_anew(why)
    }

    fn is_clean(&self) -> bool {
        self.index.is_clean()
    }

    fn in_use(&self) -> Result<()> {
        self.index.in_use()
    }

    fn close(&self) -> Result<()> {
        self.kept().forget();
        self.index.close()
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::MemoryIndex;
    use super::*;

    fn row(value: Option<&str>) -> Rows {
        Rows::from([("key".into(), value.map(|v| v.as_bytes().to_vec()))])
    }

    #[test]
    fn who_only_looks_takes_no_place() {
        let index = Arc::new(MemoryIndex::new());
        index.apply(&row(Some("one"))).unwrap();
        let recent = Recent::over(index.clone());
        assert_eq!(recent.look("key").unwrap(), Some(b"one".to_vec()));
        assert!(!recent.kept().has("key"));
        recent.apply(&row(Some("two"))).unwrap();
        assert_eq!(recent.look("key").unwrap(), Some(b"two".to_vec()));
    }

    #[test]
    fn what_is_written_or_removed_later_is_what_is_read() {
        let index = Arc::new(MemoryIndex::new());
        let recent = Recent::over(index.clone());
        assert_eq!(recent.get("key").unwrap(), None);
        for value in [Some("one"), Some("two"), None, Some("three")] {
            recent.apply(&row(value)).unwrap();
            assert_eq!(recent.get("key").unwrap(), index.get("key").unwrap());
            assert_eq!(
                recent.get("key").unwrap().as_deref(),
                value.map(str::as_bytes)
            );
        }
    }

    /// Reads, and has somebody write before it tells what it read.
    #[derive(Default)]
    struct Overtaken(MemoryIndex, Mutex<Option<Arc<Recent>>>);

    impl Index for Overtaken {
        fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
            let read = self.0.get(key)?;
            if let Some(recent) = self.1.lock().unwrap().take() {
                recent.apply(&row(Some("newer")))?;
            }
            Ok(read)
        }
        fn scan(
            &self,
            prefix: &str,
            from: &str,
            visit: &mut dyn FnMut(&str, &[u8]) -> Result<bool>,
        ) -> Result<()> {
            self.0.scan(prefix, from, visit)
        }
        fn apply(&self, rows: &Rows) -> Result<()> {
            self.0.apply(rows)
        }
        fn checkpoint(&self) -> Result<()> {
            Ok(())
        }
        fn begin_anew(&self, _why: &str) -> Result<()> {
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

    #[test]
    fn what_was_read_before_a_write_is_not_kept_after_it() {
        let index = Arc::new(Overtaken::default());
        index.apply(&row(Some("old"))).unwrap();
        let recent = Arc::new(Recent::over(index.clone()));
        *index.1.lock().unwrap() = Some(recent.clone());
        assert_eq!(recent.get("key").unwrap(), Some(b"old".to_vec()));
        assert_eq!(recent.get("key").unwrap(), Some(b"newer".to_vec()));
        *index.1.lock().unwrap() = None;
    }

    #[test]
    fn it_forgets_rather_than_grows() {
        let index = Arc::new(MemoryIndex::new());
        let recent = Recent::over(index);
        for n in 0..3 * ROWS_KEPT_MAX {
            recent.get(&n.to_string()).unwrap();
        }
        let kept = recent.kept();
        assert!(kept.young.len() + kept.old.len() <= ROWS_KEPT_MAX);
        assert!(kept.has(&(3 * ROWS_KEPT_MAX - 1).to_string()));
    }
}
