//! How an objective is put to a customer: in business days where it is whole ones, else as a time, and of which hours.
//!
//! Knows hours; knows no language: the words are the letters'. Everything that a contract can promise can be said.

use super::hours::Hours;
use super::{Objective, plan};
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use std::collections::BTreeSet;

/// What a customer reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within {
    /// So many whole days of Monday to Friday, holidays apart.
    BusinessDays(u32),
    /// So many minutes, and of which hours.
    Minutes(u32, Counted),
}

/// The hours of an objective.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Each minute counts.
    Always,
    /// The hours of that name in the contract, C1.1.
    Business,
    /// Others, as the contract writes them: `Mo-Fr 07:00-19:00; PH off`.
    Written(String),
}

/// Every day of the week occurs in so many days without being a holiday each time.
const DAYS_LOOKED_AT: i64 = 28;

/// As of `at`.
pub(super) fn of(objective: &Objective, hours: &Hours, at: DateTime<Utc>) -> Within {
    let secs = u64::from(objective.minutes) * 60;
    match business_day_secs(hours, at) {
        Some(day) if secs.is_multiple_of(day) => {
            Within::BusinessDays(u32::try_from(secs / day).unwrap_or(u32::MAX))
        }
        _ if hours.text() == "24/7" => Within::Minutes(objective.minutes, Counted::Always),
        _ if plan::hours_body(&objective.hours) == "business" => {
            Within::Minutes(objective.minutes, Counted::Business)
        }
        _ => Within::Minutes(objective.minutes, Counted::Written(hours.text().into())),
    }
}

/// How long each day is, of hours that are open equally long from Monday to Friday and at no other time.
fn business_day_secs(hours: &Hours, at: DateTime<Utc>) -> Option<u64> {
    let begin = hours.local(at).date();
    let mut days = BTreeSet::new();
    let mut lengths = BTreeSet::new();
    for day in 0..DAYS_LOOKED_AT {
        let date = begin + TimeDelta::days(day);
        let secs = hours.open_secs(date);
        if secs > 0 {
            days.insert(date.weekday().num_days_from_monday());
            lengths.insert(secs);
        }
    }
    let is_week = days.iter().copied().eq(0..5);
    lengths
        .pop_first()
        .filter(|_| is_week && lengths.is_empty())
}
