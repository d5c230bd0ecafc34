//! Support hours: when a promise falls due (C1).
//!
//! Knows opening hours, one time zone and the holidays; knows nothing of tickets or of the present moment.
//! Law: `add(t, d)` is never earlier than `t`, and splitting `d` in two changes nothing (tested as such).
//!
//! Windows are kept in UTC with running sums, built once for each year that is asked for, so that an answer is two binary searches
//! however long the objective. All arithmetic is in whole seconds: a fraction of a second in an instant is dropped before counting.
//!
//! # The accepted part of OpenStreetMap's opening-hours syntax
//!
//! | written | meaning |
//! | --- | --- |
//! | `24/7` | every minute of every day |
//! | `Mo-Fr 08:00-17:00` | days `Mo Tu We Th Fr Sa Su`: single, ranges (`Sa-Mo` wraps), lists (`Mo,We,Fr`, `Mo-We,Fr`) |
//! | `Mo-Fr 08:00-12:00,13:00-17:30` | several intervals a day |
//! | `Fr 22:00-06:00`, `Fr 22:00-30:00` | an interval over midnight: it ends at or before it begins, or after 24:00 (48:00 at most); it belongs to the day on which it opens |
//! | `08:00-17:00` | without days: every day |
//! | `PH off`, `PH 10:00-12:00`, `Sa,Su,PH off` | public holidays, closed or with hours of their own; `closed` is the same as `off` |
//! | `2026 Dec 24 08:00-12:00`, `Dec 24-Jan 2 off`, `2026 Dec 24-31 Mo-Fr 09:00-12:00` | dated exceptions: a day or a span of days, in one year or in every year, of all or of some weekdays |
//! | `… ; …` | later rules replace earlier ones on the days they name; a closed day cancels what would open on it, not what the day before began |
//!
//! Refused by name: open ends (`17:00+`), `sunrise` and the like, `week`, `SH`, `easter` (give it in `[version.holidays]`), `Mo[1]`, `||`, `unknown`,
//! `open`, comments in quotes, whole months without a day, and a comma between rules (write `;`).

use super::holidays::Holidays;
use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone,
    Utc,
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
            schedule: Schedule {
                rules: vec![Rule::always()],
            },
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

/// What is wrong with opening hours, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, with the words found.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.problem, self.remedy)
    }
}

/// Opening hours as rules; a later rule replaces an earlier one on the days it names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Schedule {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    dates: Option<Dates>,
    /// Monday first.
    weekdays: [bool; 7],
    holidays: bool,
    /// Empty: closed.
    spans: Vec<Span>,
}

/// Minutes since the local midnight of the day on which it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from_min: u32,
    to_min: u32,
}

/// A span of days, both ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dates {
    Once(NaiveDate, NaiveDate),
    /// Month and day; may go over the turn of the year.
    Yearly((u32, u32), (u32, u32)),
}

impl Dates {
    fn contain(self, date: NaiveDate) -> bool {
        match self {
            Dates::Once(first, last) => (first..=last).contains(&date),
            Dates::Yearly(first, last) => {
                let day = (date.month(), date.day());
                if first <= last {
                    (first..=last).contains(&day)
                } else {
                    day >= first || day <= last
                }
            }
        }
    }
}

impl Schedule {
    /// The intervals that open on a date.
    fn spans(&self, date: NaiveDate, holiday: bool) -> &[Span] {
        let weekday = date.weekday().num_days_from_monday() as usize;
        self.rules
            .iter()
            .rev()
            .find(|rule| {
                rule.dates.is_none_or(|dates| dates.contain(date))
                    && (rule.weekdays[weekday] || (holiday && rule.holidays))
            })
            .map_or(&[], |rule| &rule.spans)
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let refuse = |problem: String, remedy: &str| Fault {
            problem,
            remedy: remedy.to_string(),
        };
        if text.trim().is_empty() {
            return Err(refuse("no opening hours are given".into(), EXAMPLE));
        }
        if text.len() > 1_000 {
            return Err(refuse(
                "opening hours longer than 1000 characters".into(),
                "write fewer rules",
            ));
        }
        if text.contains("||") {
            return Err(refuse("fallback rules (||) are not known".into(), EXAMPLE));
        }
        if text.contains('"') {
            return Err(refuse(
                "comments in quotes are not known".into(),
                "write the comment behind a # of the file",
            ));
        }
        let rules = text
            .split(';')
            .map(str::trim)
            .filter(|rule| !rule.is_empty())
            .map(Rule::parse)
            .collect::<Result<Vec<_>, _>>()?;
        if rules.is_empty() {
            return Err(refuse("no opening hours are given".into(), EXAMPLE));
        }
        Ok(Schedule { rules })
    }
}

const EXAMPLE: &str = "write for example Mo-Fr 08:00-17:00; PH off";
const EVERY_DAY: [bool; 7] = [true; 7];

impl Rule {
    fn always() -> Self {
        Rule {
            dates: None,
            weekdays: EVERY_DAY,
            holidays: true,
            spans: vec![Span {
                from_min: 0,
                to_min: 24 * 60,
            }],
        }
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        if text == "24/7" {
            return Ok(Rule::always());
        }
        refuse_by_name(text)?;
        // `08:00 - 17:00` and `Mo , Tu` are written too.
        let words = close_up(text);
        refuse_comma_between_rules(&words, text)?;
        let mut words: Vec<&str> = words.split_whitespace().collect();
        let spans = match words.pop() {
            Some("off" | "closed") => Vec::new(),
            Some(times) => spans(times, text)?,
            None => Vec::new(),
        };
        let (dates, days) = dates(&words, text)?;
        let (weekdays, holidays) = match days {
            // Dated exceptions are for all days, also holidays.
            [] => (EVERY_DAY, true),
            [list] => day_list(list, text)?,
            [_, unknown, ..] => {
                return Err(Fault {
                    problem: format!("\"{unknown}\" in \"{text}\" is not understood"),
                    remedy: EXAMPLE.to_string(),
                });
            }
        };
        Ok(Rule {
            dates,
            weekdays,
            holidays,
            spans,
        })
    }
}

/// Without spaces around commas and hyphens.
fn close_up(text: &str) -> String {
    let mut closed = String::with_capacity(text.len());
    for part in text.split_inclusive([',', '-']) {
        let part = if closed.ends_with([',', '-']) {
            part.trim_start()
        } else {
            part
        };
        match part.strip_suffix([',', '-']) {
            Some(body) => {
                closed.push_str(body.trim_end());
                closed.push_str(&part[body.len()..]);
            }
            None => closed.push_str(part),
        }
    }
    closed
}

/// Parts of the syntax that exist and are not taken, told by their name.
fn refuse_by_name(text: &str) -> Result<(), Fault> {
    let words = [
        ("sunrise", "the sun's times"),
        ("sunset", "the sun's times"),
        ("dawn", "the sun's times"),
        ("dusk", "the sun's times"),
        ("week", "weeks of the year (week)"),
        ("SH", "school holidays (SH)"),
        ("easter", "easter"),
        ("unknown", "unknown hours"),
        ("open", "the word open"),
        ("year", "years without a date"),
    ];
    let has = |word: &str| {
        text.split(|c: char| !c.is_ascii_alphabetic())
            .any(|found| found == word)
    };
    for (word, named) in words {
        if has(word) {
            let remedy = match word {
                "easter" => "list the day under [version.holidays] and use PH",
                _ => "write days and times out, such as Mo-Fr 08:00-17:00",
            };
            return Err(Fault {
                problem: format!("{named} in \"{text}\" is not known here"),
                remedy: remedy.to_string(),
            });
        }
    }
    if text.contains('+') {
        return Err(Fault {
            problem: format!("an open end (+) in \"{text}\" is not known here"),
            remedy: "write the closing time, such as 08:00-17:00".into(),
        });
    }
    if text.contains(['[', ']']) {
        return Err(Fault {
            problem: format!("the n-th weekday of a month in \"{text}\" is not known here"),
            remedy: "write the dates, such as 2026 Dec 24 off".into(),
        });
    }
    Ok(())
}

/// `Mo-Fr 08:00-12:00, Sa 09:00-10:00`: OpenStreetMap means an addition, most people a list.
fn refuse_comma_between_rules(words: &str, rule: &str) -> Result<(), Fault> {
    let mut before = words;
    while let Some((times, day)) = before.rsplit_once(',') {
        let is_day = day
            .get(..2)
            .is_some_and(|two| weekday(two).is_some() || two == "PH");
        if is_day && times.ends_with(|c: char| c.is_ascii_digit()) {
            return Err(Fault {
                problem: format!("the comma before \"{day}\" in \"{rule}\" begins another rule"),
                remedy: "put a semicolon between rules, such as Mo-Fr 08:00-17:00; Sa 09:00-12:00"
                    .into(),
            });
        }
        before = times;
    }
    Ok(())
}

fn spans(times: &str, rule: &str) -> Result<Vec<Span>, Fault> {
    times.split(',').map(|span| one_span(span, rule)).collect()
}

fn one_span(text: &str, rule: &str) -> Result<Span, Fault> {
    let not_understood = || Fault {
        problem: format!("\"{text}\" in \"{rule}\" is not an interval of times"),
        remedy: "write HH:MM-HH:MM, or off".into(),
    };
    let (from, to) = text.split_once('-').ok_or_else(not_understood)?;
    let from_min = minute_of_day(from).ok_or_else(not_understood)?;
    let mut to_min = minute_of_day(to).ok_or_else(not_understood)?;
    if from_min >= 24 * 60 {
        return Err(Fault {
            problem: format!("\"{text}\" in \"{rule}\" opens after midnight of its day"),
            remedy: "write it on the next day".into(),
        });
    }
    if from_min == to_min {
        return Err(Fault {
            problem: format!("\"{text}\" in \"{rule}\" opens and closes at the same time"),
            remedy: "write 00:00-24:00 for a whole day".into(),
        });
    }
    if to_min < from_min {
        to_min += 24 * 60;
    }
    Ok(Span { from_min, to_min })
}

/// `HH:MM`, up to 48:00.
fn minute_of_day(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |t: &str| t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= 48 * 60).then_some(total)
}

fn weekday(text: &str) -> Option<usize> {
    ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"]
        .iter()
        .position(|day| *day == text)
}

/// `Mo-We,Fr,PH`.
fn day_list(list: &str, rule: &str) -> Result<([bool; 7], bool), Fault> {
    let not_understood = |found: &str| Fault {
        problem: format!("\"{found}\" in \"{rule}\" is not a day"),
        remedy: "use Mo, Tu, We, Th, Fr, Sa, Su, PH, ranges and lists of them".into(),
    };
    let (mut days, mut holidays) = ([false; 7], false);
    for item in list.split(',') {
        if item == "PH" {
            holidays = true;
            continue;
        }
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        let mut day = weekday(first).ok_or_else(|| not_understood(item))?;
        let last = weekday(last).ok_or_else(|| not_understood(item))?;
        days[day] = true;
        while day != last {
            day = (day + 1) % 7;
            days[day] = true;
        }
    }
    Ok((days, holidays))
}

/// The dates at the beginning of a rule, and the words after them.
fn dates<'w>(words: &'w [&'w str], rule: &str) -> Result<(Option<Dates>, &'w [&'w str]), Fault> {
    let (year, rest) = match words {
        [first, rest @ ..] if first.len() == 4 && first.bytes().all(|b| b.is_ascii_digit()) => {
            (first.parse::<i32>().ok(), rest)
        }
        _ => (None, words),
    };
    let is_month = |text: &str| text.get(..3).is_some_and(|t| month(t).is_some());
    let (month_name, rest) = match rest {
        [first, rest @ ..] if is_month(first) => (*first, rest),
        _ if year.is_some() => return Err(bad_date(rule)),
        _ => return Ok((None, words)),
    };
    let first_month = month(month_name).ok_or_else(|| bad_date(rule))?;
    let [day_text, rest @ ..] = rest else {
        return Err(bad_date(rule));
    };
    let day = |text: &str| text.parse::<u32>().ok().filter(|d| (1..=31).contains(d));
    // `24`, `24-31`, `24-Jan 2`, `24-2027 Jan 2`.
    let (first_day, end) = match day_text.split_once('-') {
        None => (day(day_text), None),
        Some((first, end)) => (day(first), Some(end)),
    };
    let first = (first_month, first_day.ok_or_else(|| bad_date(rule))?);
    let (last_year, last, rest) = match end {
        None => (year, first, rest),
        Some(end) => match (day(end), month(end), rest) {
            (Some(last), _, rest) => (year, (first_month, last), rest),
            (None, Some(last_month), [last, rest @ ..]) => {
                let last = day(last).ok_or_else(|| bad_date(rule))?;
                // Without a year of its own, an earlier day is one of the next year.
                let next = (last_month, last) < first;
                (year.map(|y| y + i32::from(next)), (last_month, last), rest)
            }
            (None, None, [last_month, last, rest @ ..]) if year.is_some() => {
                let last_month = month(last_month).ok_or_else(|| bad_date(rule))?;
                let last = day(last).ok_or_else(|| bad_date(rule))?;
                let last_year = end.parse().map_err(|_| bad_date(rule))?;
                (Some(last_year), (last_month, last), rest)
            }
            _ => return Err(bad_date(rule)),
        },
    };
    let date = |year: i32, (month, day): (u32, u32)| {
        NaiveDate::from_ymd_opt(year, month, day).ok_or_else(|| bad_date(rule))
    };
    match (year, last_year) {
        (Some(year), Some(last_year)) => {
            let (first, last) = (date(year, first)?, date(last_year, last)?);
            if last < first {
                return Err(bad_date(rule));
            }
            Ok((Some(Dates::Once(first, last)), rest))
        }
        _ => {
            // A leap year: 29 February may be named.
            date(2000, first)?;
            date(2000, last)?;
            Ok((Some(Dates::Yearly(first, last)), rest))
        }
    }
}

fn bad_date(rule: &str) -> Fault {
    Fault {
        problem: format!("the date in \"{rule}\" is not understood"),
        remedy: "write 2026 Dec 24, Dec 24-31, or 2026 Dec 24-2027 Jan 2".into(),
    }
}

fn month(text: &str) -> Option<u32> {
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    months
        .iter()
        .position(|name| *name == text)
        .and_then(|index| u32::try_from(index + 1).ok())
}

#[cfg(test)]
mod tests;
