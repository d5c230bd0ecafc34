//! Support hours: when a promise falls due (C1).
//!
//! Knows opening hours, one time zone and the holidays; knows nothing of tickets or of the present moment.
//! Law: `add(t, d)` is never earlier than `t`, and splitting `d` in two changes nothing (tested as such).
//!
//! Windows are kept in UTC with running sums, built once for each year that is asked for, so that an answer is a count within a day and a search
//! however long the objective. All arithmetic is in whole seconds: a fraction of a second in an instant is dropped before counting.
//!
//! What of OpenStreetMap's syntax is taken stands in [`syntax`].

pub mod syntax;

pub use self::syntax::Fault;

use self::syntax::Schedule;
use super::holidays::Holidays;
use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta,
    TimeZone, Utc,
};
use chrono_tz::Tz;
use std::sync::{Arc, OnceLock};

/// The first year whose hours are known.
pub const FIRST_YEAR: i32 = 1970;
/// The last year whose hours are known; after its end nothing opens.
pub const LAST_YEAR: i32 = 2200;
const DAY_SECS: i64 = 86_400;

/// Opening hours in one zone with one list of holidays.
pub struct Hours {
    text: String,
    zone: Tz,
    schedule: Schedule,
    holidays: Arc<Holidays>,
    /// One for each year from [`FIRST_YEAR`], built when first asked for. Years are those of UTC, so that none begins inside a clock change.
    years: Box<[OnceLock<Year>]>,
}

impl std::fmt::Debug for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hours({self})")
    }
}

/// As a person reads them: `Mo-Fr 08:00-17:00; PH off, Europe/Zurich`.
impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.text, self.zone)
    }
}

/// The windows of one year of UTC, in seconds since 1970.
struct Year {
    begins: i64,
    /// How many windows open before each day of it, and in all.
    by_day: Box<[usize]>,
    opens: Box<[i64]>,
    closes: Box<[i64]>,
    /// Open seconds of this year until the close of each window.
    sums: Box<[i64]>,
}

impl Year {
    fn total(&self) -> i64 {
        self.sums.last().copied().unwrap_or(0)
    }

    /// How many windows open until an instant of it.
    #[inline]
    fn begun(&self, at: i64) -> usize {
        // A year of seconds fits, and dividing by what fits is faster.
        let secs = u32::try_from(at - self.begins).unwrap_or(0);
        let day = ((secs / DAY_SECS as u32) as usize).min(self.by_day.len() - 2);
        let (first, after) = (self.by_day[day], self.by_day[day + 1]);
        // Counted and not searched: whether it is before or after the opening, nothing can guess.
        let opens = self.opens[first..after].iter();
        first + opens.map(|open| usize::from(*open <= at)).sum::<usize>()
    }

    /// Open seconds of this year before an instant of it, of which so many windows had begun.
    #[inline]
    fn elapsed(&self, at: i64, begun: usize) -> i64 {
        let Some(last) = begun.checked_sub(1) else {
            return 0;
        };
        self.sums[last] - (self.closes[last] - at).max(0)
    }

    /// The earliest instant by which so many open seconds of this year, at least one and at most all, have passed; that is in this window or a later one.
    #[inline]
    fn reached(&self, secs: i64, from: usize) -> i64 {
        // Most objectives end in this window or the next, and which of them nothing can guess: stepped without a branch.
        let next = from + usize::from(self.sums[from] < secs);
        let window = if self.sums[next] >= secs {
            next
        } else {
            self.reached_after(secs, next)
        };
        self.closes[window] - (self.sums[window] - secs)
    }

    /// The first window after this one by whose close so many open seconds have passed, searched in steps that double.
    fn reached_after(&self, secs: i64, window: usize) -> usize {
        let sums = &self.sums[window + 1..];
        let mut bound = 1;
        while bound < sums.len() && sums[bound - 1] < secs {
            bound *= 2;
        }
        let (low, high) = (bound / 2, bound.min(sums.len()));
        window + 1 + low + sums[low..high].partition_point(|sum| *sum < secs)
    }
}

/// A stretch of time in which the hours are open: from the first instant to just before the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first open instant.
    pub open: DateTime<Utc>,
    /// The first closed instant after it.
    pub close: DateTime<Utc>,
}

impl Hours {
    /// Reads opening hours; the error says what is wrong and what to write instead.
    pub fn parse(text: &str, zone: Tz, holidays: Arc<Holidays>) -> Result<Self, Fault> {
        let schedule = Schedule::parse(text)?;
        let years = (FIRST_YEAR..=LAST_YEAR).map(|_| OnceLock::new()).collect();
        Ok(Hours {
            text: text.trim().to_string(),
            zone,
            schedule,
            holidays,
            years,
        })
    }

    /// Every minute of the year.
    pub fn always(zone: Tz) -> Self {
        Hours {
            text: "24/7".into(),
            zone,
            schedule: Schedule::always(),
            holidays: Arc::default(),
            years: (FIRST_YEAR..=LAST_YEAR).map(|_| OnceLock::new()).collect(),
        }
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The zone of the times written.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The earliest instant by which so many open seconds have passed since `start` (C4.3); `start` itself for none.
    /// None if that is not before the end of [`LAST_YEAR`].
    #[inline]
    pub fn add(&self, start: DateTime<Utc>, secs: u64) -> Option<DateTime<Utc>> {
        if secs == 0 {
            return Some(start);
        }
        let mut left = i64::try_from(secs).ok()?;
        let start_secs = start.timestamp().max(first_second());
        let first = year_index(start_secs)?;
        let begun = self.year(first).begun(start_secs);
        left = left.checked_add(self.year(first).elapsed(start_secs, begun))?;
        let mut from = begun.saturating_sub(1);
        for index in first..self.years.len() {
            let year = self.year(index);
            if left <= year.total() {
                return instant(start, year.reached(left, from));
            }
            left -= year.total();
            from = 0;
        }
        None
    }

    /// Open seconds from `a` to `b`; none if `b` is not later.
    pub fn between(&self, a: DateTime<Utc>, b: DateTime<Utc>) -> u64 {
        let (a, b) = (known(a), known(b));
        if b <= a {
            return 0;
        }
        let (Some(first), Some(last)) = (year_index(a), year_index(b - 1)) else {
            return 0;
        };
        let whole: i64 = (first..last).map(|index| self.year(index).total()).sum();
        let elapsed = |year: &Year, at| year.elapsed(at, year.begun(at));
        let secs = whole + elapsed(self.year(last), b) - elapsed(self.year(first), a);
        u64::try_from(secs).unwrap_or(0)
    }

    /// Whether they are open at an instant.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        self.window_at(at.timestamp()).is_some()
    }

    /// The earliest open instant that is not before `at`.
    pub fn next_open(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let from = at.timestamp().max(first_second());
        if self.window_at(from).is_some() {
            return Some(at.max(DateTime::from_timestamp(from, 0)?));
        }
        for index in year_index(from)?..self.years.len() {
            let year = self.year(index);
            let next = year.opens.partition_point(|open| *open < from);
            if let Some(open) = year.opens.get(next) {
                return DateTime::from_timestamp(*open, 0);
            }
        }
        None
    }

    /// The latest instant not after `at` up to which they were open: `at` itself while they are open or just closing, else the close of the window before.
    pub fn last_open_before(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let until = known(at);
        for index in (0..=year_index(until - 1)?).rev() {
            let year = self.year(index);
            let begun = year.opens.partition_point(|open| *open < until);
            if let Some(last) = begun.checked_sub(1) {
                return DateTime::from_timestamp(year.closes[last].min(until), 0);
            }
        }
        None
    }

    /// The window that is open at an instant, whole, even over the turn of a year; at most from `limit_days` before to as many after, for hours that never close.
    pub fn window_around(&self, at: DateTime<Utc>, limit_days: u32) -> Option<Window> {
        let reach = TimeDelta::days(i64::from(limit_days));
        let at = DateTime::from_timestamp(known(at), 0)?;
        self.windows(at - reach, at + reach)
            .into_iter()
            .find(|window| window.open <= at && at < window.close)
    }

    /// Every window between two instants, cut at them, earliest first.
    pub fn windows(&self, a: DateTime<Utc>, b: DateTime<Utc>) -> Vec<Window> {
        let (from, until) = (known(a), known(b));
        let (Some(first), Some(last)) = (year_index(from), year_index(until - 1)) else {
            return Vec::new();
        };
        let mut found: Vec<(i64, i64)> = Vec::new();
        for index in first..=last {
            let year = self.year(index);
            let begin = year.closes.partition_point(|close| *close <= from);
            let end = year.opens.partition_point(|open| *open < until);
            for window in begin..end.max(begin) {
                let (open, close) = (year.opens[window].max(from), year.closes[window].min(until));
                match found.last_mut() {
                    // The turn of a year cuts a window in two.
                    Some(before) if before.1 == open => before.1 = close,
                    _ => found.push((open, close)),
                }
            }
        }
        found
            .into_iter()
            .filter_map(|(open, close)| {
                Some(Window {
                    open: DateTime::from_timestamp(open, 0)?,
                    close: DateTime::from_timestamp(close, 0)?,
                })
            })
            .collect()
    }

    /// Days on which they would open, were it not a holiday: what an explanation names as not counted. From the local date of `a` to that of `b`.
    pub fn holidays_between(&self, a: DateTime<Utc>, b: DateTime<Utc>) -> Vec<(NaiveDate, String)> {
        let (first, last) = (self.local(a).date(), self.local(b).date());
        (first.year()..=last.year())
            .flat_map(|year| self.holidays.of_year(year))
            .filter(|(date, _)| (first..=last).contains(date))
            .filter(|(date, _)| {
                self.schedule.spans(*date, true) != self.schedule.spans(*date, false)
            })
            .collect()
    }

    /// Open seconds of a local day.
    pub fn open_secs(&self, day: NaiveDate) -> u64 {
        let midnight = |day: NaiveDate| {
            let secs = resolve_local(self.zone, day.and_time(NaiveTime::MIN), Edge::Opening);
            DateTime::from_timestamp(secs, 0).unwrap_or_default()
        };
        let tomorrow = day.succ_opt().unwrap_or(day);
        self.between(midnight(day), midnight(tomorrow))
    }

    /// An instant as the clocks of the zone show it.
    pub fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        local(self.zone, at)
    }

    /// Open seconds in the poorest year of a stretch of years, for judging a contract.
    pub fn poorest_year_secs(&self, years: std::ops::RangeInclusive<i32>) -> u64 {
        years
            .filter_map(|year| usize::try_from(year - FIRST_YEAR).ok())
            .filter(|index| *index < self.years.len())
            .map(|index| self.year(index).total())
            .min()
            .and_then(|secs| u64::try_from(secs).ok())
            .unwrap_or(0)
    }

    fn window_at(&self, at: i64) -> Option<(i64, i64)> {
        let year = self.year(year_index(at)?);
        let last = year
            .opens
            .partition_point(|open| *open <= at)
            .checked_sub(1)?;
        (at < year.closes[last]).then(|| (year.opens[last], year.closes[last]))
    }

    #[inline]
    fn year(&self, index: usize) -> &Year {
        self.years[index].get_or_init(|| self.build(index))
    }

    #[cold]
    fn build(&self, index: usize) -> Year {
        let year = FIRST_YEAR + i32::try_from(index).unwrap_or(0);
        let (begin, end) = (year_begins(year), year_begins(year + 1));
        let holidays: Vec<NaiveDate> = (year - 1..=year + 1)
            .flat_map(|y| self.holidays.of_year(y).into_keys())
            .collect();
        let mut windows = Vec::with_capacity(400);
        // Three days before and after: a zone is at most 14 hours from UTC, an interval at most two days long.
        let mut date = date_at(begin - 3 * DAY_SECS);
        let after = date_at(end + 3 * DAY_SECS);
        while date < after {
            let holiday = holidays.binary_search(&date).is_ok();
            for span in self.schedule.spans(date, holiday) {
                let open = resolve_local(self.zone, at_minute(date, span.from_min), Edge::Opening);
                let close = resolve_local(self.zone, at_minute(date, span.to_min), Edge::Closing);
                let (open, close) = (open.max(begin), close.min(end));
                if open < close {
                    windows.push((open, close));
                }
            }
            date = date + Days::new(1);
        }
        windows.sort_unstable();
        Year::of(begin, end, &windows)
    }
}

impl Year {
    /// From sorted windows, which may touch or overlap.
    fn of(begins: i64, ends: i64, windows: &[(i64, i64)]) -> Year {
        let mut merged: Vec<(i64, i64)> = Vec::with_capacity(windows.len());
        for (open, close) in windows {
            match merged.last_mut() {
                Some(before) if *open <= before.1 => before.1 = before.1.max(*close),
                _ => merged.push((*open, *close)),
            }
        }
        let sums = merged.iter().scan(0, |sum, (open, close)| {
            *sum += close - open;
            Some(*sum)
        });
        let days = (begins..=ends).step_by(DAY_SECS as usize);
        let by_day = days.map(|day| merged.partition_point(|(open, _)| *open < day));
        Year {
            begins,
            by_day: by_day.collect(),
            sums: sums.collect(),
            opens: merged.iter().map(|window| window.0).collect(),
            closes: merged.iter().map(|window| window.1).collect(),
        }
    }
}

fn date_at(secs: i64) -> NaiveDate {
    DateTime::from_timestamp(secs, 0)
        .unwrap_or_default()
        .date_naive()
}

fn at_minute(date: NaiveDate, minute: u32) -> NaiveDateTime {
    NaiveDateTime::from(date) + TimeDelta::minutes(i64::from(minute))
}

/// The first second of a year of UTC. Days are counted by the rule of leap years.
const fn year_begins(year: i32) -> i64 {
    let before = (year - 1) as i64;
    let days = before * 365 + before / 4 - before / 100 + before / 400;
    (days - 719_162) * DAY_SECS
}

/// The end of [`LAST_YEAR`].
pub fn end_of_knowledge() -> DateTime<Utc> {
    DateTime::from_timestamp(year_begins(LAST_YEAR + 1), 0).unwrap_or_default()
}

fn first_second() -> i64 {
    year_begins(FIRST_YEAR)
}

/// An instant from its seconds, counted from another in whole seconds where there is one: most often they lie in one year, and its calendar need not be asked.
#[inline]
fn instant(near: DateTime<Utc>, secs: i64) -> Option<DateTime<Utc>> {
    match near.timestamp_subsec_nanos() {
        0 => near.checked_add_signed(TimeDelta::seconds(secs - near.timestamp())),
        _ => DateTime::from_timestamp(secs, 0),
    }
}

/// An instant brought into the years that are known.
fn known(at: DateTime<Utc>) -> i64 {
    at.timestamp()
        .clamp(first_second(), year_begins(LAST_YEAR + 1))
}

/// Which of the years an instant lies in; none outside of them.
#[inline]
fn year_index(secs: i64) -> Option<usize> {
    // A guess by the mean year is right or one year off.
    const MEAN_YEAR_SECS: i64 = 31_556_952;
    let guess = usize::try_from(secs.div_euclid(MEAN_YEAR_SECS)).ok()?;
    let index = if BEGINNINGS.get(guess).is_some_and(|begin| secs < *begin) {
        guess.checked_sub(1)?
    } else {
        let is_next = BEGINNINGS.get(guess + 1).is_some_and(|next| secs >= *next);
        guess + usize::from(is_next)
    };
    (index < YEARS).then_some(index)
}

const YEARS: usize = (LAST_YEAR - FIRST_YEAR + 1) as usize;

/// The first second of each year that is known, and of the one after them.
static BEGINNINGS: [i64; YEARS + 1] = {
    let mut begins = [0; YEARS + 1];
    let mut index = 0;
    while index <= YEARS {
        begins[index] = year_begins(FIRST_YEAR + index as i32);
        index += 1;
    }
    begins
};

/// Which end of a window a local time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It begins.
    Opening,
    /// It ends.
    Closing,
}

/// The instant of a local time, in seconds since 1970 (C1.6): a time that clocks skip is the end of the gap; of a time that they show twice, an opening
/// is the first and a closing the second.
pub fn resolve_local(zone: Tz, at: NaiveDateTime, edge: Edge) -> i64 {
    let (at, shift) = in_table(at);
    let resolved = match zone.from_local_datetime(&at) {
        LocalResult::Single(instant) => instant.timestamp(),
        LocalResult::Ambiguous(a, b) => match edge {
            Edge::Opening => a.timestamp().min(b.timestamp()),
            Edge::Closing => a.timestamp().max(b.timestamp()),
        },
        LocalResult::None => end_of_gap(zone, at),
    };
    resolved + shift
}

/// The instant at which the clocks of a zone jumped over a local time. Between the instants that the time would be with the clock before
/// and with the clock after, the offset changes once.
fn end_of_gap(zone: Tz, at: NaiveDateTime) -> i64 {
    let as_utc = at.and_utc().timestamp();
    let offset = |secs: i64| {
        let naive = DateTime::from_timestamp(secs, 0)
            .unwrap_or_default()
            .naive_utc();
        i64::from(
            zone.offset_from_utc_datetime(&naive)
                .fix()
                .local_minus_utc(),
        )
    };
    // Local time at an instant jumps from before `at` to after it exactly at the gap's end.
    let (mut before, mut after) = (as_utc - 2 * DAY_SECS, as_utc + 2 * DAY_SECS);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if middle + offset(middle) > as_utc {
            after = middle;
        } else {
            before = middle;
        }
    }
    after
}

/// An instant as the clocks of a zone show it.
pub fn local(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    let naive = at.naive_utc();
    let (in_table, _) = in_table(naive);
    let offset = zone.offset_from_utc_datetime(&in_table).fix();
    naive + TimeDelta::seconds(i64::from(offset.local_minus_utc()))
}

/// The zone tables end with 2099 and would keep the last clock for ever. Later years take the clock changes of a year of the table that has the same
/// weekdays; the answer is that time there, and how many seconds to add to come back.
fn in_table(at: NaiveDateTime) -> (NaiveDateTime, i64) {
    const LAST_IN_TABLE: i32 = 2099;
    let year = at.year();
    if year <= LAST_IN_TABLE {
        return (at, 0);
    }
    // Any 28 years without a skipped leap day have all fourteen calendars.
    let like = (LAST_IN_TABLE - 27..=LAST_IN_TABLE)
        .rev()
        .find(|candidate| {
            let first = |y| NaiveDate::from_ymd_opt(y, 1, 1).map(|d| (d.weekday(), d.leap_year()));
            first(*candidate) == first(year)
        });
    let shift = year_begins(year) - year_begins(like.unwrap_or(LAST_IN_TABLE));
    (at - TimeDelta::seconds(shift), shift)
}

#[cfg(test)]
mod tests;
