//! The outbox: every letter that is due leaves, once.
//!
//! Knows which letters are due and how to hand them to a server; knows nothing of what they say, nor when a deferred one is due again (that
//! is the desk's). Promises: "taken" is committed between the server's 354 and the content; every answer is recorded, however often
//! the record has to be asked; a server that is down costs no letter an attempt, and one line in the log.

use super::file::Pigeonholes;
use super::smtp::{Closed, Parcel, Relay, Sent, SmtpConn, Unsent};
use super::{Backoff, House, Pulse, Stop, stopped};
use crate::clerk::Job;
use crate::clock;
use crate::desk::event::{Event, Moved, Movement};
use crate::desk::record::{Entry, Place, Road};
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// The way out of the house.
#[derive(Clone, Debug)]
pub enum Way {
    /// A mail server.
    Smtp(Relay),
    /// Folders on this machine.
    Folders(Pigeonholes),
}

impl Way {
    fn connections(&self) -> usize {
        match self {
            Way::Smtp(relay) => relay.connections.clamp(1, 16),
            Way::Folders(_) => 4,
        }
    }

    fn per_minute(&self) -> Option<usize> {
        match self {
            Way::Smtp(relay) => relay.per_minute.map(|n| n.max(1) as usize),
            Way::Folders(_) => None,
        }
    }
}

/// The wall clock is read again at least this often: a suspended machine or a corrected clock makes letters due unannounced.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// When the house closes, letters on their way have this long; what is still under way then is known as taken at the next start.
const CLOSE_GRACE: Duration = Duration::from_secs(10);

/// Delivers until the house closes.
pub async fn deliver<H: House>(way: Way, house: H, pulse: Arc<Pulse>, mut stop: Stop) {
    if report_lost(&house, &pulse, &mut stop).await.is_none() {
        return;
    }
    let (answers, answered) = mpsc::unbounded_channel();
    let (recorded_here, recorded) = mpsc::unbounded_channel();
    let recorder = tokio::spawn(record(
        house.clone(),
        answered,
        recorded_here,
        pulse.clone(),
    ));
    let rate = way.per_minute().map(Rate::new);
    let mut outbox = Outbox {
        way: Arc::new(way),
        house,
        pulse,
        answers,
        recorded,
        sending: JoinSet::new(),
        busy: BTreeSet::new(),
        idle: vec![],
        rate,
        outage: Outage::default(),
    };
    outbox.run(&mut stop).await;
    outbox.close().await;
    drop(outbox);
    let _ = tokio::time::timeout(CLOSE_GRACE, recorder).await;
}

/// Letters found taken at the start: whether they left, nobody can know (QUIRKS, crash matrix). None if the house closes meanwhile.
async fn report_lost<H: House>(house: &H, pulse: &Pulse, stop: &mut Stop) -> Option<()> {
    let mut backoff = record_backoff();
    loop {
        let lost = house.outbox().map(|letters| {
            let taken = |entry: &Entry| matches!(road(entry), Some(Road::Taken { .. }));
            let lost = "ticketd ended between the server's go-ahead and its answer";
            let to = |entry: &Entry| moved(entry.place, Movement::Lost(lost.into()));
            letters
                .iter()
                .filter(|entry| taken(entry))
                .map(to)
                .collect::<Vec<_>>()
        });
        let done = match lost {
            Ok(jobs) if jobs.is_empty() => return Some(()),
            Ok(jobs) => house.submit(jobs).await.map(|_| ()),
            Err(error) => Err(error),
        };
        let Err(error) = done else { return Some(()) };
        say_unrecorded(pulse, &error);
        tokio::select! {
            () = tokio::time::sleep(backoff.next_wait()) => {}
            () = stopped(stop) => return None,
        }
    }
}

/// Writes answers down, as many at once as have come. An answer is never given up: without it the letter would go out again.
async fn record<H: House>(
    house: H,
    mut answered: mpsc::UnboundedReceiver<(Place, Movement)>,
    recorded: mpsc::UnboundedSender<Place>,
    pulse: Arc<Pulse>,
) {
    let mut answers = vec![];
    while answered.recv_many(&mut answers, 100).await > 0 {
        let mut backoff = record_backoff();
        let jobs: Vec<Job> = answers
            .iter()
            .map(|(place, to)| moved(*place, to.clone()))
            .collect();
        while let Err(error) = house.submit(jobs.clone()).await {
            say_unrecorded(&pulse, &error);
            tokio::time::sleep(backoff.next_wait()).await;
        }
        for (place, _) in answers.drain(..) {
            let _ = recorded.send(place);
        }
    }
}

fn record_backoff() -> Backoff {
    Backoff::new(Duration::from_millis(200), Duration::from_secs(10))
}

fn say_unrecorded(pulse: &Pulse, error: &anyhow::Error) {
    let words = format!("what became of letters cannot be recorded: {error:#}");
    if pulse.ill(clock::now(), &words) {
        tracing::error!("outbox: {words}");
    }
}

fn moved(letter: Place, to: Movement) -> Job {
    Job {
        event: Event::LetterMoved(Moved { letter, to }),
        raw: None,
    }
}

fn road(entry: &Entry) -> Option<&Road> {
    entry.letter.as_ref().map(|letter| &letter.road)
}

struct Outbox<H> {
    way: Arc<Way>,
    house: H,
    pulse: Arc<Pulse>,
    answers: mpsc::UnboundedSender<(Place, Movement)>,
    recorded: mpsc::UnboundedReceiver<Place>,
    sending: JoinSet<Attempt>,
    /// Under way, or answered and not yet recorded.
    busy: BTreeSet<Place>,
    idle: Vec<SmtpConn>,
    rate: Option<Rate>,
    outage: Outage,
}

/// What came of an attempt, and the connection if it may be used again.
struct Attempt {
    place: Place,
    conn: Option<SmtpConn>,
    end: End,
}

enum End {
    Answered(Movement),
    /// It was not to leave.
    Gone,
    Down {
        words: String,
        slow: bool,
    },
}

#[derive(Default)]
struct Outage {
    until: Option<Instant>,
    soon: Option<Backoff>,
    slow: Option<Backoff>,
}

impl<H: House> Outbox<H> {
    async fn run(&mut self, stop: &mut Stop) {
        while !*stop.borrow() {
            self.pulse.beat();
            let wait = self.send_due();
            let house = self.house.clone();
            tokio::select! {
                Some(done) = self.sending.join_next(), if !self.sending.is_empty() => self.came_back(done),
                Some(place) = self.recorded.recv() => { self.busy.remove(&place); }
                () = house.letters_rung() => {}
                () = tokio::time::sleep(wait) => self.drop_idle().await,
                () = stopped(stop) => return,
            }
            while let Ok(place) = self.recorded.try_recv() {
                self.busy.remove(&place);
            }
        }
    }

    /// Starts what is due and has room; how long to wait if nothing happens.
    fn send_due(&mut self) -> Duration {
        if let Some(left) = self.outage.left() {
            return left.min(LOOK_AGAIN);
        }
        let now = clock::now();
        match self.due(now) {
            Ok(due) => {
                for entry in due {
                    if let Some(left) = self.send_one(entry) {
                        return left.min(LOOK_AGAIN);
                    }
                }
            }
            Err(error) => self.say_unreadable(&error),
        }
        self.until_next(now)
    }

    fn due(&self, now: DateTime<Utc>) -> anyhow::Result<Vec<Entry>> {
        // After an outage one letter tries the way, the others follow.
        let connections = if self.outage.is_on() {
            1
        } else {
            self.way.connections()
        };
        let room = connections.saturating_sub(self.sending.len());
        if room == 0 {
            return Ok(vec![]);
        }
        let mut due = self.house.letters_due(now, room + self.busy.len())?;
        due.retain(|entry| !self.busy.contains(&entry.place));
        due.truncate(room);
        Ok(due)
    }

    fn until_next(&self, now: DateTime<Utc>) -> Duration {
        let next = match self.house.next_letter() {
            Ok(Some(next)) => next,
            Ok(None) => return LOOK_AGAIN,
            Err(error) => {
                self.say_unreadable(&error);
                return LOOK_AGAIN;
            }
        };
        // What is due now waits for an attempt to come back, or for its record; both wake this loop.
        match (next - now).to_std() {
            Ok(left) if !left.is_zero() => left.min(LOOK_AGAIN),
            _ if self.busy.is_empty() => Duration::from_millis(100),
            _ => LOOK_AGAIN,
        }
    }

    fn say_unreadable(&self, error: &anyhow::Error) {
        let words = format!("letters cannot be read: {error:#}");
        if self.pulse.ill(clock::now(), &words) {
            tracing::error!("outbox: {words}");
        }
    }

    /// Some wait if the relay's rate is used up.
    fn send_one(&mut self, entry: Entry) -> Option<Duration> {
        if let Some(Road::Taken { .. }) = road(&entry) {
            let words = "nothing was heard of it since it was taken";
            self.answer(entry.place, Movement::Lost(words.into()));
            return None;
        }
        if let Some(left) = self.rate.as_mut().and_then(Rate::take) {
            return Some(left);
        }
        self.busy.insert(entry.place);
        let conn = self.usable();
        self.sending
            .spawn(attempt(self.way.clone(), self.house.clone(), conn, entry));
        None
    }

    fn usable(&mut self) -> Option<SmtpConn> {
        self.idle.retain(SmtpConn::is_usable);
        self.idle.pop()
    }

    fn came_back(&mut self, done: Result<Attempt, tokio::task::JoinError>) {
        let attempt = match done {
            Ok(attempt) => attempt,
            Err(error) => {
                // Its letter stays busy until the next start, where it is found taken or waiting: never sent twice by guessing.
                tracing::error!(%error, "an attempt at delivery ended by itself");
                return;
            }
        };
        self.idle.extend(attempt.conn.filter(SmtpConn::is_usable));
        match attempt.end {
            End::Answered(movement) => {
                self.well(&movement);
                self.answer(attempt.place, movement);
            }
            End::Gone => {
                self.busy.remove(&attempt.place);
            }
            End::Down { words, slow } => {
                self.busy.remove(&attempt.place);
                self.down(&words, slow);
            }
        }
    }

    fn answer(&mut self, place: Place, movement: Movement) {
        self.busy.insert(place);
        let _ = self.answers.send((place, movement));
    }

    fn well(&mut self, movement: &Movement) {
        self.outage = Outage::default();
        if matches!(movement, Movement::Accepted(_)) {
            self.pulse.took(1);
        }
        if self.pulse.well(clock::now()) {
            tracing::info!("outbox: letters leave again");
        }
    }

    fn down(&mut self, words: &str, slow: bool) {
        let wait = self.outage.begin(slow);
        if self.pulse.ill(clock::now(), words) {
            tracing::warn!(retry_secs = wait.as_secs(), "outbox: letters wait: {words}");
        }
    }

    async fn drop_idle(&mut self) {
        let (kept, old): (Vec<_>, Vec<_>) = std::mem::take(&mut self.idle)
            .into_iter()
            .partition(SmtpConn::is_usable);
        self.idle = kept;
        for conn in old {
            tokio::spawn(conn.quit());
        }
    }

    async fn close(&mut self) {
        let until = tokio::time::Instant::now() + CLOSE_GRACE;
        while let Ok(Some(done)) = tokio::time::timeout_at(until, self.sending.join_next()).await {
            self.came_back(done);
        }
        for conn in self.idle.drain(..) {
            conn.quit().await;
        }
    }
}

impl Outage {
    fn is_on(&self) -> bool {
        self.until.is_some()
    }

    fn left(&self) -> Option<Duration> {
        let left = self.until?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Several letters may find out at the same time; that is one failure.
    fn begin(&mut self, slow: bool) -> Duration {
        if let Some(left) = self.left() {
            return left;
        }
        let backoff = if slow {
            // Somebody has to change something; asking again soon can lock the account.
            let new = || Backoff::new(Duration::from_secs(80), Duration::from_secs(24 * 60));
            self.slow.get_or_insert_with(new)
        } else {
            let new = || Backoff::new(Duration::from_secs(2), Duration::from_secs(300));
            self.soon.get_or_insert_with(new)
        };
        let wait = backoff.next_wait();
        self.until = Some(Instant::now() + wait);
        wait
    }
}

/// So many letters in any minute.
struct Rate {
    per_minute: usize,
    sent: VecDeque<Instant>,
}

impl Rate {
    fn new(per_minute: usize) -> Self {
        Rate {
            per_minute,
            sent: VecDeque::new(),
        }
    }

    /// None if one more may go, which is then counted; else how long to wait.
    fn take(&mut self) -> Option<Duration> {
        const MINUTE: Duration = Duration::from_secs(60);
        while self.sent.front().is_some_and(|at| at.elapsed() >= MINUTE) {
            self.sent.pop_front();
        }
        match self.sent.front() {
            Some(first) if self.sent.len() >= self.per_minute => {
                Some(MINUTE.saturating_sub(first.elapsed()))
            }
            _ => {
                self.sent.push_back(Instant::now());
                None
            }
        }
    }
}

async fn attempt<H: House>(
    way: Arc<Way>,
    house: H,
    conn: Option<SmtpConn>,
    entry: Entry,
) -> Attempt {
    let place = entry.place;
    let (Some(letter), bytes) = (entry.letter, house.bytes(place)) else {
        let refused = Movement::Refused("the record holds no envelope for it".into());
        return answered(place, conn, refused);
    };
    let bytes = match bytes {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            tracing::error!(letter = ?place, "the bytes of a letter are not in the record");
            let refused =
                Movement::Refused("its bytes are not in the record; see ticketd audit".into());
            return answered(place, conn, refused);
        }
        Err(error) => {
            let words = format!("the bytes of a letter cannot be read: {error:#}");
            return down(place, conn, words, false);
        }
    };
    let parcel = Parcel {
        from: &letter.envelope_from,
        to: &letter.to,
        content: &bytes,
    };
    match &*way {
        Way::Smtp(relay) => by_smtp(relay, &house, conn, place, parcel).await,
        Way::Folders(holes) => {
            let sent = holes.send(parcel, || taken(&house, place)).await;
            ended(place, None, sent)
        }
    }
}

/// Over the connection given, and once more over a new one if that had died unnoticed: the dot was not sent (QUIRKS, SMTP 8).
async fn by_smtp<H: House>(
    relay: &Relay,
    house: &H,
    conn: Option<SmtpConn>,
    place: Place,
    parcel: Parcel<'_>,
) -> Attempt {
    if let Some(mut conn) = conn {
        match conn.send(parcel, || taken(house, place)).await {
            Err(Unsent::Stale(_)) => {}
            sent => return ended(place, Some(conn), sent),
        }
    }
    let mut conn = match SmtpConn::open(relay).await {
        Ok(conn) => conn,
        Err(Closed::Configuration(words)) => return down(place, None, words, true),
        Err(Closed::Down(words)) => return down(place, None, words, false),
    };
    let sent = conn.send(parcel, || taken(house, place)).await;
    ended(place, Some(conn), sent)
}

async fn taken<H: House>(house: &H, place: Place) -> anyhow::Result<()> {
    let done = house.submit(vec![moved(place, Movement::Taken)]).await?;
    if !done.iter().any(|d| d.changed && !d.refused) {
        anyhow::bail!(Gone);
    }
    Ok(())
}

/// Dropped, just now too, or taken by an earlier life: the content must not follow, and nothing is wrong with the way out.
#[derive(Debug)]
struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the letter is not to leave")
    }
}

impl std::error::Error for Gone {}

fn ended(place: Place, conn: Option<SmtpConn>, sent: Result<Sent, Unsent>) -> Attempt {
    let movement = match sent {
        Ok(Sent::Accepted(words)) => Movement::Accepted(words),
        Ok(Sent::Deferred(words)) => Movement::Deferred(words),
        Ok(Sent::Refused(words)) => Movement::Refused(words),
        Ok(Sent::Lost(words)) => Movement::Lost(words),
        // A fresh connection that dies of this letter: the letter waits, the others need not.
        Err(Unsent::Stale(words)) => Movement::Deferred(words),
        Err(Unsent::Withheld(error)) if error.is::<Gone>() => {
            let end = End::Gone;
            return Attempt { place, conn, end };
        }
        Err(Unsent::Withheld(error)) => {
            let words = format!("the record takes nothing, so nothing is sent: {error:#}");
            return down(place, conn, words, false);
        }
    };
    answered(place, conn, movement)
}

fn answered(place: Place, conn: Option<SmtpConn>, movement: Movement) -> Attempt {
    Attempt {
        place,
        conn,
        end: End::Answered(movement),
    }
}

fn down(place: Place, conn: Option<SmtpConn>, words: String, slow: bool) -> Attempt {
    Attempt {
        place,
        conn,
        end: End::Down { words, slow },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_in_any_minute() {
        let mut rate = Rate::new(2);
        assert!(rate.take().is_none());
        assert!(rate.take().is_none());
        assert!(
            rate.take()
                .is_some_and(|left| left > Duration::from_secs(50))
        );
    }

    #[test]
    fn several_failures_at_once_are_one_outage() {
        let mut outage = Outage::default();
        let first = outage.begin(false);
        assert!(outage.begin(false) <= first);
        assert!(outage.begin(false) <= Duration::from_secs(3));
        assert!(outage.is_on());
    }
}
