//! The present moment. Nothing else in the house asks what time it is; everything else is told.

use chrono::{DateTime, Utc};

#[cfg(debug_assertions)]
static OFFSET_SECS: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);

/// Now, by the wall clock.
pub fn now() -> DateTime<Utc> {
    let now = Utc::now();
    #[cfg(debug_assertions)]
    let now =
        now + chrono::TimeDelta::seconds(OFFSET_SECS.load(std::sync::atomic::Ordering::Relaxed));
    now
}

/// For tests only, and absent from release builds: from here on, `now` is this many seconds ahead of the wall clock.
#[cfg(debug_assertions)]
pub fn set_offset_secs(secs: i64) {
    OFFSET_SECS.store(secs, std::sync::atomic::Ordering::Relaxed);
}
