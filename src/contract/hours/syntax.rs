//! Opening hours as they are written: text to rules, rules to the intervals of a date.
//!
//! Knows dates, weekdays and minutes of a day; knows neither zones nor instants.
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

use chrono::{Datelike, NaiveDate};

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
pub(super) struct Schedule {
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
pub(super) struct Span {
    pub from_min: u32,
    pub to_min: u32,
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
    /// Every minute of every day.
    pub fn always() -> Self {
        Schedule {
            rules: vec![Rule::always()],
        }
    }

    /// The intervals that open on a date.
    pub fn spans(&self, date: NaiveDate, holiday: bool) -> &[Span] {
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

    /// Reads the rules.
    pub fn parse(text: &str) -> Result<Self, Fault> {
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
