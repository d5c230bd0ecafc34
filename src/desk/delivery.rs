//! A letter went a step on its road.

use super::event::Moved;
use super::{Known, Outcome, Policy};
use chrono::{DateTime, Utc};

/// Records it; an accepted answer stops the clock (C4.4).
pub fn moved(policy: &Policy, known: &Known, moved: &Moved, now: DateTime<Utc>) -> Outcome {
    let _ = (policy, known, moved, now);
    Outcome::of("not decided")
}
