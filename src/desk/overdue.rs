//! A clock's step is due.

use super::event::Due;
use super::{Known, Outcome, Policy};
use chrono::{DateTime, Utc};

/// Warns, or records the breach; nothing if the clock was stopped or moved meanwhile.
pub fn reached(policy: &Policy, known: &Known, due: &Due, now: DateTime<Utc>) -> Outcome {
    let _ = (policy, known, due, now);
    Outcome::of("not decided")
}
