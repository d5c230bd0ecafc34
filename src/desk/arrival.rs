//! A mail arrived.

use super::{Arrival, Known, Outcome, Policy};
use chrono::{DateTime, Utc};

/// What becomes of it.
pub fn arrived(policy: &Policy, known: &Known, arrival: &Arrival, now: DateTime<Utc>) -> Outcome {
    let _ = (policy, known, arrival, now);
    Outcome::of("not decided")
}
