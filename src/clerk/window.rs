//! The clerk's window: where all sources hand in events, and the bells that ring when something may be due.
//!
//! Knows the clerk's thread and how several sources share one commit. A bell is a hint: a lost one costs latency, never a letter or a warning.

use super::{Clerk, Done, Job};
use crate::contract::Source;
use crate::desk::{Event, Policy};
use crate::store::{Broken, Room};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// A commit takes what waits, at most this much (DESIGN.md, group commit).
const EVENTS_MAX: usize = 100;
const BYTES_MAX: usize = 4 << 20;

/// How often sled's file is synced; the journal needs none of it.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

enum Task {
    Jobs {
        jobs: Vec<Job>,
        answer: oneshot::Sender<anyhow::Result<Vec<Done>>>,
    },
    GoBy(Arc<Policy>, Vec<Source>),
    /// Nothing: whether anybody is there.
    Tick,
    Close,
}

/// The way to the clerk from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    tasks: mpsc::Sender<Task>,
    letters: Arc<Notify>,
    deadlines: Arc<Notify>,
    /// The instant of its last turn, in seconds since 1970.
    turned: Arc<AtomicI64>,
}

/// Puts the clerk on a thread of its own. The thread ends when told to by [`Handle::close`], or with an error that means that the process must end.
pub fn open(
    clerk: Clerk,
    now: fn() -> DateTime<Utc>,
) -> std::io::Result<(Handle, JoinHandle<anyhow::Result<()>>)> {
    let (tasks, inbox) = mpsc::channel();
    let handle = Handle {
        tasks,
        letters: Arc::default(),
        deadlines: Arc::default(),
        turned: Arc::new(AtomicI64::new(now().timestamp())),
    };
    let bells = handle.clone();
    let thread = std::thread::Builder::new()
        .name("clerk".into())
        .spawn(move || serve(clerk, inbox, bells, now))?;
    Ok((handle, thread))
}

impl Handle {
    /// Hands jobs over and waits until they are committed: the answers, in the order of the jobs. The jobs are committed together. An error means that
    /// nothing of them was taken (the disk is full, the house is closing): keep the mail where it is and try again later.
    pub async fn submit(&self, jobs: Vec<Job>) -> anyhow::Result<Vec<Done>> {
        let (answer, answered) = oneshot::channel();
        self.tasks
            .send(Task::Jobs { jobs, answer })
            .map_err(|_| closing())?;
        answered.await.map_err(|_| closing())?
    }

    /// As [`Handle::submit`], for a thread without a runtime.
    pub fn submit_blocking(&self, jobs: Vec<Job>) -> anyhow::Result<Vec<Done>> {
        let (answer, answered) = oneshot::channel();
        self.tasks
            .send(Task::Jobs { jobs, answer })
            .map_err(|_| closing())?;
        answered.blocking_recv().map_err(|_| closing())?
    }

    /// From the next commit on, another policy counts. Its files go into the journal, where tickets refer to them.
    pub fn go_by(&self, policy: Arc<Policy>, files: Vec<Source>) {
        let _ = self.tasks.send(Task::GoBy(policy, files));
    }

    /// Ends the clerk between two commits. What waits in the queue is answered with an error.
    pub fn close(&self) {
        let _ = self.tasks.send(Task::Close);
    }

    /// When the clerk last began to wait for work, or took some: told so by [`Handle::is_closed`], it turns as often as it is asked.
    pub fn turned(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.turned.load(Ordering::Relaxed), 0).unwrap_or_default()
    }

    /// Whether the clerk has ended.
    pub fn is_closed(&self) -> bool {
        self.tasks.send(Task::Tick).is_err()
    }

    /// Resolves when letters may be due sooner than known (a hint; spurious wake-ups happen).
    pub async fn letters_rung(&self) {
        self.letters.notified().await;
    }

    /// Resolves when a deadline may be due sooner than known (a hint).
    pub async fn deadlines_rung(&self) {
        self.deadlines.notified().await;
    }

    /// Wakes those who wait for letters and deadlines.
    pub fn ring(&self) {
        self.letters.notify_one();
        self.deadlines.notify_one();
    }
}

fn closing() -> anyhow::Error {
    anyhow::anyhow!("the store is closing")
}

type Waiting = Vec<(Vec<Job>, oneshot::Sender<anyhow::Result<Vec<Done>>>)>;

fn serve(
    mut clerk: Clerk,
    inbox: mpsc::Receiver<Task>,
    bells: Handle,
    now: fn() -> DateTime<Utc>,
) -> anyhow::Result<()> {
    let mut checkpoint = Instant::now();
    loop {
        bells.turned.store(now().timestamp(), Ordering::Relaxed);
        let first = inbox.recv_timeout(CHECKPOINT_EVERY);
        let mut waiting: Waiting = vec![];
        let mut next = match first {
            Ok(task) => Some(task),
            Err(mpsc::RecvTimeoutError::Timeout) => None,
            Err(mpsc::RecvTimeoutError::Disconnected) => return clerk.close(),
        };
        while let Some(task) = next {
            match task {
                Task::Jobs { jobs, answer } => waiting.push((jobs, answer)),
                Task::GoBy(policy, files) => adopt(&mut clerk, policy, &files)?,
                Task::Tick => {}
                Task::Close => {
                    served(&mut clerk, waiting, &bells, now())?;
                    return clerk.close();
                }
            }
            next = if is_full(&waiting) {
                None
            } else {
                inbox.try_recv().ok()
            };
        }
        served(&mut clerk, waiting, &bells, now())?;
        if checkpoint.elapsed() >= CHECKPOINT_EVERY {
            clerk.store().checkpoint()?;
            checkpoint = Instant::now();
        }
    }
}

/// A policy that cannot be kept does not count: a ticket would refer to what nobody can read.
fn adopt(clerk: &mut Clerk, policy: Arc<Policy>, files: &[Source]) -> anyhow::Result<()> {
    for file in files {
        let kept = clerk
            .store()
            .keep_policy(&file.file, &file.text, policy.book_hash);
        match kept {
            Ok(_) => {}
            Err(e) if e.is::<Broken>() => return Err(e),
            Err(e) => {
                tracing::error!("not reloaded, the old files stay in force: {e:#}");
                return Ok(());
            }
        }
    }
    clerk.go_by(policy);
    Ok(())
}

fn is_full(waiting: &Waiting) -> bool {
    let jobs = || waiting.iter().flat_map(|(jobs, _)| jobs);
    jobs().count() >= EVENTS_MAX
        || jobs()
            .filter_map(|j| j.raw.as_ref())
            .map(|r| r.len())
            .sum::<usize>()
            >= BYTES_MAX
}

/// One commit for all that waits. If it fails, each group is tried alone, so that one source's trouble is not another's. An error of this function
/// means that the index is broken: the process must end, and the next one makes the index anew.
fn served(
    clerk: &mut Clerk,
    mut waiting: Waiting,
    bells: &Handle,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    if clerk.store().room() == Room::Scarce {
        waiting = without_intake(waiting);
    }
    if waiting.is_empty() {
        return Ok(());
    }
    let (groups, answers): (Vec<Vec<Job>>, Vec<_>) = waiting.into_iter().unzip();
    let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
    let jobs: Vec<Job> = groups.into_iter().flatten().collect();
    let alone = sizes.len() == 1;
    let mut together = match clerk.process(&jobs, now) {
        Ok(done) => Some(done.into_iter()),
        Err(e) if alone || e.is::<Broken>() => return refused(e, answers),
        Err(_) => None,
    };
    let mut rest = jobs.as_slice();
    for (size, answer) in sizes.into_iter().zip(answers) {
        let (group, after) = rest.split_at(size);
        rest = after;
        match &mut together {
            Some(done) => answered(bells, answer, done.by_ref().take(size).collect()),
            None => match clerk.process(group, now) {
                Ok(done) => answered(bells, answer, done),
                Err(e) => refused(e, vec![answer])?,
            },
        }
    }
    Ok(())
}

/// Tells the sources; passes on only what must end the process.
fn refused(
    e: anyhow::Error,
    answers: Vec<oneshot::Sender<anyhow::Result<Vec<Done>>>>,
) -> anyhow::Result<()> {
    for answer in answers {
        let _ = answer.send(Err(anyhow::anyhow!("{e:#}")));
    }
    if e.is::<Broken>() { Err(e) } else { Ok(()) }
}

/// Below the low-water mark of the disk only intake stops: the mail stays on its server.
fn without_intake(waiting: Waiting) -> Waiting {
    let (intake, rest): (Waiting, Waiting) = waiting.into_iter().partition(|(jobs, _)| {
        jobs.iter()
            .any(|j| matches!(j.event, Event::MailArrived(_)))
    });
    for (_, answer) in intake {
        let _ = answer.send(Err(anyhow::anyhow!("the disk of the state folder is nearly full: no mail is taken until there is room; it stays on its server")));
    }
    rest
}

fn answered(bells: &Handle, answer: oneshot::Sender<anyhow::Result<Vec<Done>>>, done: Vec<Done>) {
    if done.iter().any(|d| !d.letters.is_empty()) {
        bells.letters.notify_one();
    }
    if done.iter().any(|d| d.clocks) {
        bells.deadlines.notify_one();
    }
    // Nobody waits any more: it is committed all the same.
    let _ = answer.send(Ok(done));
}
