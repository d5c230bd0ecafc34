//! Warnings before, at and after a deadline (C10): which step comes next, and when.
//!
//! Knows the chain of steps, the objective's hours and the desk's; knows nothing of tickets, people or letters.
//!
//! A promised clock goes `Percent(50)`, `Percent(75)`, `Percent(90)`, `Breach`, `Repeat(1)`…: the percentages of the support time between start and
//! deadline, the deadline itself, then hourly in desk hours (first at the desk's opening, where the breach fell outside them), then on each following desk day. An internal clock (C3.2) never breaches: it goes
//! `Percent(50)`, `Percent(75)`, `Percent(90)`, `Percent(100)` and ends; the letters mark it as internal.
//!
//! **Look-ahead** (C10.2): a percentage step is pulled to `lead_time_min` before the desk's last close where it would fall outside desk hours, or where the
//! deadline lies less than `lead_time_min` after the desk's next opening. It is never pulled before the start, and a clock that starts while nobody is
//! there keeps its steps: somebody may be reached all the same. A step is never later than the one after it. The breach is always at the deadline.
//!
//! **Steps in the past** (a long outage, an old mail): their instants are in the past, so each is due at once, one after the other, in order. None is
//! skipped: each step is in the record once; the storm digest (C10.4) keeps them from flooding anybody.

use super::hours::Hours;
use super::plan::Warnings;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// One step of the chain. Each happens once for a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// At this per cent of the objective's time: 50, 75, 90 (C10.1); 100 for an internal clock, which has no breach.
    Percent(u8),
    /// The deadline itself: everybody, and the TAM.
    Breach,
    /// After it: hourly in desk hours eight times, then daily; counted from 1.
    Repeat(u32),
}

/// A running clock, as far as warnings go by it.
pub struct Course<'h> {
    /// The contract's settings.
    pub warnings: &'h Warnings,
    /// The objective's support hours.
    pub hours: &'h Hours,
    /// When somebody is there to be warned.
    pub desk: &'h Hours,
    /// When the clock began to run.
    pub start: DateTime<Utc>,
    /// When it expires.
    pub deadline: DateTime<Utc>,
    /// No breach (C3.2).
    pub internal: bool,
}

impl Course<'_> {
    /// The step after `done` and its instant; None when the chain has ended.
    pub fn next(&self, done: Option<Step>) -> Option<(DateTime<Utc>, Step)> {
        let step = self.after(done)?;
        Some((self.instant(step)?, step))
    }

    fn after(&self, done: Option<Step>) -> Option<Step> {
        let percent = |above: u8| {
            let next = self.warnings.percent.iter().find(|p| **p > above);
            match next {
                Some(percent) => Some(Step::Percent(*percent)),
                None if self.internal => (above < 100).then_some(Step::Percent(100)),
                None => Some(Step::Breach),
            }
        };
        match done {
            None => percent(0),
            Some(Step::Percent(done)) => percent(done),
            Some(_) if self.internal => None,
            Some(Step::Breach) => Some(Step::Repeat(1)),
            Some(Step::Repeat(done)) => done.checked_add(1).map(Step::Repeat),
        }
    }

    fn instant(&self, step: Step) -> Option<DateTime<Utc>> {
        match step {
            Step::Breach | Step::Percent(100..) => Some(self.deadline),
            // No step is later than one after it that the look-ahead has pulled.
            Step::Percent(percent) => self
                .warnings
                .percent
                .iter()
                .filter(|later| **later >= percent)
                .filter_map(|later| self.warned_at(*later))
                .min(),
            Step::Repeat(count) => self.repeated_at(count),
        }
    }

    /// A percentage step, pulled where C10.2 says so.
    fn warned_at(&self, percent: u8) -> Option<DateTime<Utc>> {
        let total = self.hours.between(self.start, self.deadline);
        let share = total / 100 * u64::from(percent) + total % 100 * u64::from(percent) / 100;
        let usual = self.hours.add(self.start, share)?.min(self.deadline);
        let lead = TimeDelta::minutes(i64::from(self.warnings.lead_time_min));
        // The desk's opening after which too little would be left.
        let late_opening = self
            .desk
            .window_around(self.deadline, 1)
            .map(|window| window.open)
            .filter(|open| self.deadline - *open < lead && *open > self.start)
            .filter(|open| usual >= *open);
        let before = match late_opening {
            Some(open) => open - TimeDelta::seconds(1),
            None if self.desk.is_open(usual) => return Some(usual),
            None => usual,
        };
        let Some(close) = self.desk.last_open_before(before) else {
            return Some(usual);
        };
        if close <= self.start {
            return Some(usual);
        }
        // The desk may be open for less than the lead.
        let opened = self
            .desk
            .window_around(close - TimeDelta::seconds(1), 1)
            .map_or(close - lead, |window| window.open);
        Some((close - lead).max(opened).max(self.start).min(usual))
    }

    fn repeated_at(&self, count: u32) -> Option<DateTime<Utc>> {
        let hourly = count.min(self.warnings.hourly_repeats);
        let mut at = self.deadline;
        if hourly > 0 {
            // After a breach at night the first reminder comes when the desk opens.
            let morning = self.desk.next_open(at)?;
            let hours = hourly - u32::from(morning > at);
            let passed = self.desk.add(morning, u64::from(hours) * 3_600)?;
            // An hour that ends with the desk's closing is told at its next opening.
            at = self.desk.next_open(passed)?;
        }
        for _ in hourly..count {
            at = self.next_day(at)?;
        }
        Some(at)
    }

    /// The same time on the next day, or the desk's next opening after it.
    fn next_day(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = self.desk.local(at);
        let tomorrow = local.date().succ_opt()?.and_time(local.time());
        let at =
            super::hours::resolve_local(self.desk.zone(), tomorrow, super::hours::Edge::Opening);
        self.desk.next_open(DateTime::from_timestamp(at, 0)?)
    }
}
