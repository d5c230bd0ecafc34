//! Rows of late, kept in memory.
//!
//! A decision asks for what the commit after it asks again, and the next mails ask for what this one wrote; sled pays for each with a walk through its
//! tree. Law: it answers as the index behind it would. It may, as all that is written is written through it.

use super::index::{Index, Rows};
use super::keys;
use crate::desk::Ask;
use anyhow::Result;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A batch of 100 mails reads and writes about 2,000 rows of some hundred bytes.
const ROWS_KEPT_MAX: usize = 8_192;

/// An index, and the rows that were last read or written through this.
pub struct Recent {
    index: Arc<dyn Index>,
    rows: Mutex<HashMap<String, Option<Vec<u8>>>>,
}

impl Recent {
    /// Knows nothing yet.
    pub fn over(index: Arc<dyn Index>) -> Self {
        Recent {
            index,
            rows: Mutex::default(),
        }
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<String, Option<Vec<u8>>>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
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
                _ => continue,
            };
            let _ = self.index.get(&key);
        }
    }
}

fn keep(rows: &mut HashMap<String, Option<Vec<u8>>>, key: &str, value: Option<Vec<u8>>) {
    if rows.len() >= ROWS_KEPT_MAX {
        rows.clear();
    }
    rows.insert(key.to_string(), value);
}

impl Index for Recent {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let mut rows = self.rows();
        if let Some(value) = rows.get(key) {
            return Ok(value.clone());
        }
        // Under the lock: what another thread writes meanwhile is kept after this, not before.
        let value = self.index.get(key)?;
        keep(&mut rows, key, value.clone());
        Ok(value)
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
        let mut kept = self.rows();
        for (key, value) in rows {
            keep(&mut kept, key, value.clone());
        }
        Ok(())
    }

    fn checkpoint(&self) -> Result<()> {
        self.index.checkpoint()
    }

    fn begin_anew(&self, why: &str) -> Result<()> {
        self.rows().clear();
        self.index.begin_anew(why)
    }

    fn is_clean(&self) -> bool {
        self.index.is_clean()
    }

    fn in_use(&self) -> Result<()> {
        self.index.in_use()
    }

    fn close(&self) -> Result<()> {
        self.rows().clear();
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

    #[test]
    fn it_forgets_rather_than_grows() {
        let index = Arc::new(MemoryIndex::new());
        let recent = Recent::over(index);
        for n in 0..3 * ROWS_KEPT_MAX {
            recent.get(&n.to_string()).unwrap();
        }
        assert!(recent.rows().len() <= ROWS_KEPT_MAX);
    }
}
