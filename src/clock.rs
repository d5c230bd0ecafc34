//! The present moment. Nothing else in the house asks what time it is; everything else is told.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::sync::atomic::{AtomicI64, Ordering};

#[cfg(debug_assertions)]
static OFFSET_SECS: AtomicI64 = AtomicI64::new(0);

/// The demo's present, milliseconds since 1970; 0 outside the demo.
static IMAGINED_MILLIS: AtomicI64 = AtomicI64::new(0);

/// Now, by the wall clock, to the millisecond.
pub fn now() -> DateTime<Utc> {
    if let Some(imagined) = imagined() {
        return imagined;
    }
    let now = Utc::now().trunc_subsecs(3);
    #[cfg(debug_assertions)]
    let now = now + TimeDelta::seconds(OFFSET_SECS.load(Ordering::Relaxed));
    now
}

/// For tests only, and absent from release builds: from here on, `now` is this many seconds ahead of the wall clock.
#[cfg(debug_assertions)]
pub fn set_offset_secs(secs: i64) {
    OFFSET_SECS.store(secs, Ordering::Relaxed);
}

/// For the demo only, which has the whole process to itself: from here on, `now` is this instant and stands still.
pub fn imagine(at: DateTime<Utc>) {
    IMAGINED_MILLIS.store(at.timestamp_millis(), Ordering::Relaxed);
}

fn imagined() -> Option<DateTime<Utc>> {
    let millis = IMAGINED_MILLIS.load(Ordering::Relaxed);
    (millis != 0).then_some(DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis))
}
