//! Rows on their way into the index, while the next batch is decided.
//!
//! The batch they come from is accepted already; a crash here leaves an index that lags, which the next start catches up with. Law: whoever asks here
//! gets the answer of an index that has taken everything. A failure is told to the next who asks or writes, as [`Broken`]: then the process must end.

use super::Broken;
use super::index::{Index, Rows};
use anyhow::Result;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Groups of at most 200 rows: two batches of 100 mails. More would only cost memory.
const GROUPS_WAITING_MAX: usize = 24;

/// An index, and the thread that writes into it.
pub struct Behind {
    line: Arc<Line>,
    thread: Option<JoinHandle<()>>,
}

struct Line {
    index: Box<dyn Index>,
    queue: Mutex<Queue>,
    /// Rang whenever the queue changes.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Oldest first. A group stays until the index has it.
    groups: VecDeque<Arc<Rows>>,
    failed: Option<String>,
    ends: bool,
}

impl Behind {
    /// Begins to write for an index.
    pub fn over(index: Box<dyn Index>) -> Result<Self> {
        let line = Arc::new(Line {
            index,
            queue: Mutex::default(),
            changed: Condvar::new(),
        });
        let writer = line.clone();
        let thread = std::thread::Builder::new()
            .name("index".into())
            .spawn(move || writer.write())?;
        Ok(Behind {
            line,
            thread: Some(thread),
        })
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.line.queue().ends = true;
        self.line.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Line {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        self.changed
            .wait(queue)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) {
        let mut queue = self.queue();
        loop {
            let Some(group) = queue.groups.front().cloned() else {
                if queue.ends {
                    return;
                }
                queue = self.wait(queue);
                continue;
            };
            drop(queue);
            let written = self.index.apply(&group);
            queue = self.queue();
            queue.groups.pop_front();
            if let Err(error) = written {
                // What waits behind it would be a hole in the index.
                queue.groups.clear();
                queue.failed = Some(format!("{error:#}"));
            }
            self.changed.notify_all();
        }
    }

    /// The queue, as soon as no more than so many groups wait.
    fn at_most(&self, groups: usize) -> Result<MutexGuard<'_, Queue>> {
        let mut queue = self.queue();
        while queue.groups.len() > groups {
            queue = self.wait(queue);
        }
        queue.sound()?;
        Ok(queue)
    }
}

impl Queue {
    fn sound(&self) -> Result<()> {
        match &self.failed {
            Some(why) => Err(Broken { why: why.clone() }.into()),
            None => Ok(()),
        }
    }
}

impl Index for Behind {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let queue = self.line.queue();
        queue.sound()?;
        let waiting = queue.groups.iter().rev().find_map(|rows| rows.get(key));
        if let Some(value) = waiting {
            return Ok(value.clone());
        }
        drop(queue);
        self.line.index.get(key)
    }

    fn scan(
        &self,
        prefix: &str,
        from: &str,
        visit: &mut dyn FnMut(&str, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        drop(self.line.at_most(0)?);
        self.line.index.scan(prefix, from, visit)
    }

    fn apply(&self, rows: &Rows) -> Result<()> {
        let mut queue = self.line.at_most(GROUPS_WAITING_MAX - 1)?;
        queue.groups.push_back(Arc::new(rows.clone()));
        self.line.changed.notify_all();
        Ok(())
    }

    fn checkpoint(&self) -> Result<()> {
        drop(self.line.at_most(0)?);
        self.line.index.checkpoint()
    }

    fn begin_anew(&self, why: &str) -> Result<()> {
        drop(self.line.at_most(0)?);
        self.line.index.begin_anew(why)
    }

    fn is_clean(&self) -> bool {
        self.line.index.is_clean()
    }

    fn in_use(&self) -> Result<()> {
        self.line.index.in_use()
    }

    fn close(&self) -> Result<()> {
        drop(self.line.at_most(0)?);
        self.line.index.close()
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::MemoryIndex;
    use super::*;

    fn row(n: usize) -> Rows {
        Rows::from([
            (format!("key/{n}"), Some(vec![1])),
            ("last".into(), Some(n.to_string().into_bytes())),
        ])
    }

    #[test]
    fn whoever_asks_sees_everything_that_was_written() {
        let index = MemoryIndex::new();
        let behind = Behind::over(Box::new(index.clone())).unwrap();
        for n in 0..200 {
            behind.apply(&row(n)).unwrap();
            let last = behind.get("last").unwrap();
            assert_eq!(last, Some(n.to_string().into_bytes()));
        }
        let mut rows = 0;
        behind
            .scan("key/", "", &mut |_, _| {
                rows += 1;
                Ok(true)
            })
            .unwrap();
        assert_eq!(rows, 200);
        behind.apply(&row(200)).unwrap();
        drop(behind);
        assert_eq!(index.get("last").unwrap(), Some(b"200".to_vec()));
    }

    /// Takes so many groups, then fails once.
    struct Failing(MemoryIndex, Mutex<usize>);

    impl Index for Failing {
        fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
            self.0.get(key)
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
            let mut left = self.1.lock().unwrap();
            *left = left.wrapping_sub(1);
            anyhow::ensure!(*left != usize::MAX, "no more");
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
    fn after_a_failure_nothing_more_is_written_and_everybody_is_told() {
        let index = MemoryIndex::new();
        let behind = Behind::over(Box::new(Failing(index.clone(), Mutex::new(2)))).unwrap();
        for n in 0..6 {
            // The failure may be noticed while these are handed over.
            let _ = behind.apply(&row(n));
        }
        let error = behind.checkpoint().unwrap_err();
        assert!(error.is::<Broken>());
        assert!(behind.get("last").unwrap_err().is::<Broken>());
        assert!(behind.apply(&row(7)).unwrap_err().is::<Broken>());
        assert_eq!(index.get("last").unwrap(), Some(b"1".to_vec()));
    }
}
