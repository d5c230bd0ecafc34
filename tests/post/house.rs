//! A house for the edges to knock at: it remembers what was handed over, and does with letters what the desk would.

use anyhow::bail;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use ticketd::clerk::{Done, Job};
use ticketd::desk::event::{Arrival, Event, Moved, Movement, Trouble};
use ticketd::desk::record::{Cursor, Direction, Entry, EntryKind, LetterFacts, Place, Road};
use ticketd::desk::{LetterKind, TicketId};
use ticketd::post::{House, Pulse, Stop};
use tokio::sync::Notify;

/// What the edges did.
#[derive(Default)]
struct Seen {
    /// Arrivals with their bytes, known ones left out as the desk does.
    mails: Vec<(Arrival, Vec<u8>)>,
    /// Arrivals in all, known ones too.
    handed_over: usize,
    /// Submissions.
    commits: usize,
    cursors: BTreeMap<String, Cursor>,
    letters: BTreeMap<Place, (Entry, Vec<u8>)>,
    movements: Vec<(Place, Movement)>,
}

/// Cheap to clone; all clones are the same house.
#[derive(Clone, Default)]
pub struct TestHouse {
    seen: Arc<Mutex<Seen>>,
    bell: Arc<Notify>,
    changed: Arc<Notify>,
    pub takes_nothing: Arc<AtomicBool>,
}

impl TestHouse {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Bodies and subjects are short in these tests: a mail is known by its bytes as text.
    pub fn mails(&self) -> Vec<String> {
        self.seen()
            .mails
            .iter()
            .map(|(_, raw)| String::from_utf8_lossy(raw).into_owned())
            .collect()
    }

    pub fn arrivals(&self) -> Vec<Arrival> {
        self.seen()
            .mails
            .iter()
            .map(|(arrival, _)| arrival.clone())
            .collect()
    }

    pub fn troubles(&self) -> Vec<Trouble> {
        self.arrivals()
            .into_iter()
            .filter_map(|arrival| arrival.trouble)
            .collect()
    }

    pub fn handed_over(&self) -> usize {
        self.seen().handed_over
    }

    pub fn commits(&self) -> usize {
        self.seen().commits
    }

    pub fn cursor_of(&self, mailbox: &str) -> Option<Cursor> {
        self.seen().cursors.get(mailbox).cloned()
    }

    pub fn movements(&self) -> Vec<Movement> {
        self.seen()
            .movements
            .iter()
            .map(|(_, movement)| movement.clone())
            .collect()
    }

    /// A letter in the outbox, due at once.
    pub fn write_letter(&self, number: u32, from: &str, to: &str, content: &str) -> Place {
        let place = Place {
            ticket: TicketId(1),
            seq: number,
        };
        let entry = Entry {
            place,
            at: Utc::now(),
            kind: EntryKind::Letter,
            direction: Direction::Out,
            from: "ticketd".into(),
            subject: String::new(),
            message_id: None,
            text: String::new(),
            mail: None,
            credit: None,
            time: None,
            letter: Some(LetterFacts {
                kind: LetterKind::Acknowledgement,
                to: to.into(),
                envelope_from: from.into(),
                raw: None,
                road: Road::Waiting {
                    next_try: Utc::now() - TimeDelta::seconds(1),
                },
                attempts: 0,
                last_error: String::new(),
                returned: None,
                tells: None,
            }),
            turns: vec![],
        };
        self.seen()
            .letters
            .insert(place, (entry, content.as_bytes().to_vec()));
        self.bell.notify_waiters();
        place
    }

    /// As a crash between 354 and the answer leaves it.
    pub fn leave_taken(&self, place: Place) {
        let mut seen = self.seen();
        let (entry, _) = seen.letters.get_mut(&place).unwrap();
        let far = Utc::now() + TimeDelta::hours(1);
        entry.letter.as_mut().unwrap().road = Road::Taken {
            at: Utc::now(),
            next_try: far,
        };
    }

    /// Waits until something is so; panics when that takes too long.
    pub async fn until(&self, what: &str, wanted: impl Fn(&TestHouse) -> bool) {
        let until = Instant::now() + Duration::from_secs(60);
        while !wanted(self) {
            assert!(
                Instant::now() < until,
                "never: {what}; movements {:?}; troubles {:?}; {} mails",
                self.movements(),
                self.troubles(),
                self.mails().len()
            );
            let _ = tokio::time::timeout(Duration::from_millis(50), self.changed.notified()).await;
        }
    }

    fn see(&self, job: &Job) {
        let mut seen = self.seen();
        match &job.event {
            Event::MailArrived(arrival) => {
                let raw = job.raw.as_ref().unwrap().to_vec();
                seen.handed_over += 1;
                if let Some(cursor) = &arrival.cursor {
                    seen.cursors.insert(cursor.mailbox.clone(), cursor.clone());
                }
                if !seen
                    .mails
                    .iter()
                    .any(|(known, _)| known.mail.raw == arrival.mail.raw)
                {
                    seen.mails.push((*arrival.clone(), raw));
                }
            }
            Event::CursorMoved(cursor) => {
                seen.cursors.insert(cursor.mailbox.clone(), cursor.clone());
            }
            Event::LetterMoved(moved) => see_movement(&mut seen, moved),
            other => panic!("the edges never say {other:?}"),
        }
    }
}

fn see_movement(seen: &mut Seen, moved: &Moved) {
    seen.movements.push((moved.letter, moved.to.clone()));
    let now = Utc::now();
    let (entry, content) = seen.letters.get_mut(&moved.letter).unwrap();
    let is_withheld = is_withheld(content);
    let letter = entry.letter.as_mut().unwrap();
    letter.road = match &moved.to {
        Movement::Taken if is_withheld => Road::Dropped { at: now },
        Movement::Taken => Road::Taken {
            at: now,
            next_try: now + TimeDelta::hours(1),
        },
        Movement::Accepted(_) => Road::Accepted { at: now },
        Movement::Deferred(_) => Road::Waiting {
            next_try: now + TimeDelta::milliseconds(200),
        },
        Movement::Refused(_) => Road::Failed { at: now },
        _ => Road::Unknown { at: now },
    };
}

/// A letter with this word may not leave: the desk says so when its turn has come.
fn is_withheld(content: &[u8]) -> bool {
    String::from_utf8_lossy(content).contains("withheld")
}

fn next_try(entry: &Entry) -> Option<DateTime<Utc>> {
    match entry.letter.as_ref()?.road {
        Road::Waiting { next_try } | Road::Taken { next_try, .. } => Some(next_try),
        _ => None,
    }
}

impl House for TestHouse {
    async fn submit(&self, jobs: Vec<Job>) -> anyhow::Result<Vec<Done>> {
        if self.takes_nothing.load(Ordering::Relaxed) {
            bail!("the disk is full");
        }
        self.seen().commits += 1;
        jobs.iter().for_each(|job| self.see(job));
        self.changed.notify_waiters();
        let seen = self.seen();
        let done = |job: &Job| Done {
            changed: true,
            refused: match &job.event {
                Event::LetterMoved(moved) => is_withheld(&seen.letters[&moved.letter].1),
                _ => false,
            },
            ..Done::default()
        };
        Ok(jobs.iter().map(done).collect())
    }
    async fn letters_rung(&self) {
        self.bell.notified().await
    }
    fn cursor(&self, mailbox: &str) -> anyhow::Result<Option<Cursor>> {
        Ok(self.cursor_of(mailbox))
    }
    fn letters_due(&self, now: DateTime<Utc>, limit: usize) -> anyhow::Result<Vec<Entry>> {
        let seen = self.seen();
        let due = seen
            .letters
            .values()
            .filter(|(entry, _)| next_try(entry).is_some_and(|at| at <= now));
        Ok(due.take(limit).map(|(entry, _)| entry.clone()).collect())
    }
    fn next_letter(&self) -> anyhow::Result<Option<DateTime<Utc>>> {
        Ok(self
            .seen()
            .letters
            .values()
            .filter_map(|(entry, _)| next_try(entry))
            .min())
    }
    fn outbox(&self) -> anyhow::Result<Vec<Entry>> {
        Ok(self
            .seen()
            .letters
            .values()
            .map(|(entry, _)| entry.clone())
            .collect())
    }
    fn bytes(&self, place: Place) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self
            .seen()
            .letters
            .get(&place)
            .map(|(_, bytes)| bytes.clone()))
    }
}

/// A loop of the house, running until it is closed.
pub struct Running {
    pub pulse: Arc<Pulse>,
    stop: tokio::sync::watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    pub fn start<F: Future<Output = ()> + Send + 'static>(
        begin: impl FnOnce(Arc<Pulse>, Stop) -> F,
    ) -> Running {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let pulse = Arc::new(Pulse::default());
        let task = tokio::spawn(begin(pulse.clone(), stopped));
        Running { pulse, stop, task }
    }

    /// As at SIGTERM.
    pub async fn close(self) {
        let _ = self.stop.send(true);
        tokio::time::timeout(Duration::from_secs(30), self.task)
            .await
            .expect("it closes")
            .unwrap();
    }

    /// As at SIGKILL.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// A state folder.
pub fn state() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_path_buf();
    (folder, path)
}
