//! CONTRACT.md C10: the loop that watches deadlines, on tokio's clock held by the test; the clerk and its thread are the daemon's own.

use crate::office::*;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use ticketd::clerk;
use ticketd::deadlines::{self, Indoors};
use ticketd::desk::opening;
use ticketd::desk::record::EntryKind;
use ticketd::desk::ticket::TicketId;
use ticketd::store::Reader;

/// The wall clock, in seconds since 1970.
static WALL: AtomicI64 = AtomicI64::new(0);

fn wall() -> DateTime<Utc> {
    DateTime::from_timestamp(WALL.load(Ordering::Relaxed), 0).unwrap()
}

fn set_wall(local: &str) {
    WALL.store(swiss(local).timestamp(), Ordering::Relaxed);
}

/// Lets the other tasks and threads go on until something is so, or for so many seconds. Tokio's clock stands still meanwhile, as this one is never idle.
async fn so_within(secs: f32, so: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while !so() {
        if began.elapsed().as_secs_f32() > secs {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

/// Sets the wall clock, and lets half a minute of tokio's pass: the loop must look. Where it had not lain down yet, it sleeps half a minute from then.
async fn half_a_minute_later(local: &str, pulse: &AtomicI64) {
    set_wall(local);
    for patience_secs in [0.2, 1.0, 20.0] {
        tokio::time::advance(Duration::from_secs(30)).await;
        let looked = || pulse.load(Ordering::Relaxed) == wall().timestamp();
        if so_within(patience_secs, looked).await {
            return;
        }
    }
    panic!("nobody looked at {local}");
}

fn warnings(reader: &Reader) -> usize {
    let entries = reader.entries(TicketId(1)).unwrap();
    let warnings = entries.iter().filter(|e| e.kind == EntryKind::Warning);
    warnings.count()
}

#[tokio::test(start_paused = true)]
async fn c10_after_a_step_of_the_clock_a_warning_is_30_s_late_at_most() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body("Severity: 1\nAll is down.\n"));
    let reader = office.reader();
    set_wall("2026-09-07 09:01");
    let (clerk, thread) = clerk::window::open(office.clerk, wall).unwrap();
    let policy = office.policy;
    let indoors = Indoors {
        reader: reader.clone(),
        clerk: clerk.clone(),
        policy: Box::new(move || policy.clone()),
        now: wall,
    };
    let pulse = Arc::new(AtomicI64::new(0));
    let watching = tokio::spawn(deadlines::watch(indoors, pulse.clone()));
    assert!(so_within(20.0, || reader.round(opening::ROUND).unwrap().is_some()).await);

    // It sleeps towards half past nine and looks at the wall every 30 s, also when the bells that the opening rang are silent. Then the machine sleeps, too,
    // and wakes a quarter of an hour late: nobody rings.
    let looks = (2..12).map(|minute| format!("2026-09-07 09:{minute:02}"));
    for local in looks.chain(["2026-09-07 09:45".to_string()]) {
        half_a_minute_later(&local, &pulse).await;
    }
    assert!(so_within(20.0, || reader.due(wall(), 1).unwrap().is_empty()).await);
    let told = warnings(&reader);
    assert!(told > 0);

    // The clock is set back: what was told is not told again, neither then nor when its time comes for the second time.
    for local in ["2026-09-07 09:10", "2026-09-07 09:31"] {
        half_a_minute_later(local, &pulse).await;
    }
    assert_eq!(warnings(&reader), told);

    // A clean stop is no fault, even if something falls due meanwhile.
    clerk.close();
    thread.join().unwrap().unwrap();
    half_a_minute_later("2026-09-07 13:00", &pulse).await;
    assert!(so_within(20.0, || watching.is_finished()).await);
}
