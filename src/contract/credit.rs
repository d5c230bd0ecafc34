//! What lateness costs: days added to a customer's term (C4.6, C9).
//!
//! Knows how lateness is counted; knows nothing of whether a customer earns credits at all ([`super::Book::earns_credit`]).

use super::hours::Hours;
use super::plan::Credit;
use chrono::{DateTime, Utc};

/// Seconds from the deadline to an answer, in the hours of the objective or by the wall clock.
pub fn lateness_secs(
    credit: &Credit,
    hours: &Hours,
    deadline: DateTime<Utc>,
    until: DateTime<Utc>,
) -> u64 {
    if credit.wall_clock {
        let secs = until.timestamp().saturating_sub(deadline.timestamp());
        u64::try_from(secs).unwrap_or(0)
    } else {
        hours.between(deadline, until)
    }
}

/// Days for full quarters of an hour: 14 min 59 s are none, 15 min are one.
pub fn days(credit: &Credit, lateness_secs: u64) -> u32 {
    let quarters = lateness_secs / (u64::from(credit.quarter_min.max(1)) * 60);
    let days = quarters.saturating_mul(u64::from(credit.days));
    u32::try_from(days).unwrap_or(u32::MAX)
}
