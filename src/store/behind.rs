//! Accepted batches on their way into the index, while the next one is decided.
//!
//! They lie in the journal already; a crash here leaves an index that lags, which the next start catches up with. To find the rows of a batch costs about what
//! deciding it did, so a thread of its own does both: finds them and writes them. The writer sees such batches as part of its own ([`Behind::in_flight`]).
//! Law: everybody else who asks ([`Settled`]) gets the answer of an index that has taken everything accepted before the question. A failure is told to the next
//! who asks or writes, as [`Broken`]: then the process must end.

use super::disk::Disk;
use super::index::{Index, Meta, Rows};
use super::known::Batch;
use super::recent::Recent;
use super::writing::{self, Writing};
use super::{Broken, Recorded};
use anyhow::Result;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// While one is written the next may wait. More would only cost memory.
const WAITING_MAX: usize = 2;

/// A batch that lies in the journal, with what its rows are made of.
pub struct Accepted {
    /// What was decided; its bytes are not needed any more.
    pub batch: Batch,
    /// Where it lies.
    pub recorded: Recorded,
}

/// The way into the index, and the thread on it.
pub struct Behind {
    line: Arc<Line>,
    /// None: who accepts waits until the index has it. So does the simulation.
    thread: Option<JoinHandle<()>>,
}

struct Line {
    index: Arc<Recent>,
    disk: Arc<dyn Disk>,
    queue: Mutex<Queue>,
    /// Rang whenever the queue changes.
    changed: Condvar,
}

struct Queue {
    /// Oldest first. A batch stays until the index has it.
    waiting: VecDeque<Arc<Accepted>>,
    /// How many batches were ever accepted, and how many the index has.
    accepted: u64,
    taken: u64,
    /// How far the index is.
    meta: Meta,
    failed: Option<String>,
    ends: bool,
}

impl Behind {
    /// Goes on where the index is, on a thread of its own or on the caller's.
    pub fn over(
        index: Arc<Recent>,
        disk: Arc<dyn Disk>,
        meta: Meta,
        own_thread: bool,
    ) -> Result<Self> {
        let line = Arc::new(Line {
            index,
            disk,
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                accepted: 0,
                taken: 0,
                meta,
                failed: None,
                ends: false,
            }),
            changed: Condvar::new(),
        });
        let writer = line.clone();
        let thread = own_thread.then(|| {
            std::thread::Builder::new()
                .name("index".into())
                .spawn(move || writer.write())
        });
        Ok(Behind {
            line,
            thread: thread.transpose()?,
        })
    }

    /// Hands an accepted batch over; waits while too many are on their way. An error is [`Broken`].
    pub fn take(&self, accepted: Accepted) -> Result<()> {
        let mut queue = self.line.at_most(WAITING_MAX - 1)?;
        queue.waiting.push_back(Arc::new(accepted));
        queue.accepted += 1;
        if self.thread.is_none() {
            self.line.write_next(queue);
            return self.line.queue().sound();
        }
        self.line.changed.notify_all();
        Ok(())
    }

    /// Writes something else than a batch, after all that was accepted before. An error is [`Broken`].
    pub fn write(&self, work: impl FnOnce(&mut Writing) -> Result<()>) -> Result<()> {
        let mut queue = self.line.at_most(0)?;
        let mut writing = Writing::new(&*self.line.index, &*self.line.disk, queue.meta.clone());
        match work(&mut writing).and_then(|()| writing.finish()) {
            Ok(meta) => queue.meta = meta,
            Err(error) => queue.failed = Some(format!("{error:#}")),
        }
        queue.sound()
    }

    /// Batches that the index may not have yet, oldest first. An error is [`Broken`].
    pub fn in_flight(&self) -> Result<Vec<Arc<Accepted>>> {
        let queue = self.line.queue();
        queue.sound()?;
        Ok(queue.waiting.iter().cloned().collect())
    }

    /// Whether it failed: [`Broken`].
    pub fn sound(&self) -> Result<()> {
        self.line.queue().sound()
    }

    /// The index for everybody but the writer.
    pub fn settled(&self) -> Settled {
        Settled {
            line: self.line.clone(),
        }
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
            if !queue.waiting.is_empty() {
                self.write_next(queue);
                queue = self.queue();
            } else if queue.ends {
                return;
            } else {
                queue = self.wait(queue);
            }
        }
    }

    fn write_next(&self, queue: MutexGuard<'_, Queue>) {
        let Some(next) = queue.waiting.front().cloned() else {
            return;
        };
        let meta = queue.meta.clone();
        drop(queue);
        let written = catch_unwind(AssertUnwindSafe(|| self.indexed(&next, meta)))
            .unwrap_or_else(|_| Err(anyhow::anyhow!("finding its rows panicked")));
        let mut queue = self.queue();
        queue.waiting.pop_front();
        queue.taken += 1;
        match written {
            Ok(meta) => queue.meta = meta,
            Err(error) => {
                // What waits behind it would be a hole in the index.
                queue.taken = queue.accepted;
                queue.waiting.clear();
                queue.failed = Some(format!("{error:#}"));
            }
        }
        drop(queue);
        self.changed.notify_all();
    }

    fn indexed(&self, accepted: &Accepted, meta: Meta) -> Result<Meta> {
        let mut writing = Writing::new(&*self.index, &*self.disk, meta);
        let (staged, recorded) = (accepted.batch.staged.iter(), &accepted.recorded);
        for ((staged, encoded), (sequence, position, fingerprint)) in
            staged.zip(&recorded.encoded).zip(&recorded.outcomes)
        {
            writing.outcome(&writing::Accepted {
                sequence: *sequence,
                batch: recorded.mark,
                position: *position,
                fingerprint: *fingerprint,
                records: &staged.records,
                json: &encoded.records(),
                raws: &recorded.raws,
            })?;
        }
        writing.finish()
    }

    /// The queue, as soon as no more than so many batches wait.
    fn at_most(&self, batches: usize) -> Result<MutexGuard<'_, Queue>> {
        let mut queue = self.queue();
        while queue.waiting.len() > batches {
            queue = self.wait(queue);
        }
        queue.sound()?;
        Ok(queue)
    }

    /// Returns as soon as the index has what is accepted now.
    fn settle(&self) -> Result<()> {
        let mut queue = self.queue();
        let accepted = queue.accepted;
        while queue.taken < accepted {
            queue = self.wait(queue);
        }
        queue.sound()
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

/// The index as of all that was accepted.
#[derive(Clone)]
pub struct Settled {
    line: Arc<Line>,
}

impl Settled {
    fn index(&self) -> Result<&dyn Index> {
        self.line.settle()?;
        Ok(&*self.line.index)
    }
}

impl Index for Settled {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.index()?.get(key)
    }

    fn look(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.index()?.look(key)
    }

    fn scan(
        &self,
        prefix: &str,
        from: &str,
        visit: &mut dyn FnMut(&str, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        self.index()?.scan(prefix, from, visit)
    }

    fn apply(&self, rows: &Rows) -> Result<()> {
        self.index()?.apply(rows)
    }

    fn checkpoint(&self) -> Result<()> {
        self.index()?.checkpoint()
    }

    fn begin_anew(&self, why: &str) -> Result<()> {
        self.index()?.begin_anew(why)
    }

    fn is_clean(&self) -> bool {
        self.line.index.is_clean()
    }

    fn in_use(&self) -> Result<()> {
        self.line.index.in_use()
    }

    fn close(&self) -> Result<()> {
        self.index()?.close()
    }
}
