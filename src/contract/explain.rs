//! How a deadline was computed, in lines for people (C10.3).
//!
//! Knows hours, holidays and local time; knows nothing of who reads the lines. English: staff and operators read them.

use super::Objective;
use super::hours::{Hours, Window};
use super::plan;
use crate::mail::Language;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike, Utc};

/// More windows than this are summarised in the middle.
const WINDOWS_SHOWN: usize = 8;

/// One line a window counted, and the holidays skipped.
pub fn deadline(
    objective: &Objective,
    hours: &Hours,
    start: DateTime<Utc>,
    deadline: DateTime<Utc>,
) -> Vec<String> {
    let mut lines = vec![head(objective, hours)];
    let begins = hours.next_open(start).unwrap_or(start);
    if begins > start {
        lines.push(format!(
            "Received {}, outside these hours: the clock begins {}",
            moment(hours, start),
            moment(hours, begins)
        ));
    }
    lines.extend(course(hours, start, deadline));
    lines.push(format!(
        "Deadline: {} ({})",
        moment(hours, deadline),
        hours.zone()
    ));
    lines
}

/// `Objective: 2 h of business hours (Mo-Fr 08:00-17:00; PH off, Europe/Zurich), clause C4.1`.
fn head(objective: &Objective, hours: &Hours) -> String {
    let time = duration_words(u64::from(objective.minutes) * 60);
    let name = plan::hours_body(&objective.hours);
    let named = if name == hours.text() {
        format!("{time} of the support hours {hours}")
    } else {
        format!("{time} of {name} hours ({hours})")
    };
    let kind = if objective.internal {
        "Internal target"
    } else {
        "Objective"
    };
    format!("{kind}: {named}, clause {}", objective.clause)
}

/// What is counted and what is not, in the order of time.
fn course(hours: &Hours, start: DateTime<Utc>, deadline: DateTime<Utc>) -> Vec<String> {
    let windows = hours.windows(start, deadline);
    let mut lines: Vec<(NaiveDateTime, String)> = Vec::new();
    let shown =
        |index: usize| windows.len() <= WINDOWS_SHOWN || index < 3 || index + 3 >= windows.len();
    for (index, window) in windows.iter().enumerate() {
        if shown(index) {
            lines.push((hours.local(window.open), window_line(hours, window)));
        }
    }
    if windows.len() > WINDOWS_SHOWN {
        let middle = &windows[3..windows.len() - 3];
        if let (Some(first), Some(last)) = (middle.first(), middle.last()) {
            let secs: i64 = middle
                .iter()
                .map(|w| (w.close - w.open).num_seconds())
                .sum();
            lines.push((
                hours.local(first.open),
                format!(
                    "{} to {}: {} windows, {}",
                    date_words(hours.local(first.open).date()),
                    date_words(hours.local(last.open).date()),
                    middle.len(),
                    duration_words(u64::try_from(secs).unwrap_or(0))
                ),
            ));
        }
    }
    let skipped = hours.holidays_between(start, deadline);
    let total = skipped.len();
    for (date, name) in skipped.into_iter().take(20) {
        lines.push((
            NaiveDateTime::from(date),
            format!("{}: {name}, not counted", date_words(date)),
        ));
    }
    lines.sort_by_key(|(at, _)| *at);
    let mut lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
    if total > 20 {
        lines.push(format!("and {} more holidays, not counted", total - 20));
    }
    lines
}

/// `Fri 27.03.2026 16:40-17:00: 20 min`.
fn window_line(hours: &Hours, window: &Window) -> String {
    let (open, close) = (hours.local(window.open), hours.local(window.close));
    let elapsed = (window.close - window.open).num_seconds();
    let until = if open.date() == close.date() && open <= close {
        time_words(close.time())
    } else if close.date() == open.date().succ_opt().unwrap_or(open.date())
        && close.num_seconds_from_midnight() == 0
    {
        "24:00".to_string()
    } else {
        format!(" {}", moment_words(close, Language::En))
    };
    let separator = if until.starts_with(' ') { " -" } else { "-" };
    let mut line = format!(
        "{} {}{separator}{until}: {}",
        date_words(open.date()),
        time_words(open.time()),
        duration_words(u64::try_from(elapsed).unwrap_or(0))
    );
    if (close - open).num_seconds() != elapsed {
        line.push_str(" (the clocks change)");
    }
    line
}

fn moment(hours: &Hours, at: DateTime<Utc>) -> String {
    moment_words(hours.local(at), Language::En)
}

/// `Mon 30.03.2026 10:40`; the day's name in a language of ours.
pub fn moment_words(local: NaiveDateTime, language: Language) -> String {
    format!(
        "{} {} {}",
        day_word(local.date(), language),
        local.format("%d.%m.%Y"),
        time_words(local.time())
    )
}

/// `Mon 30.03.2026`.
pub fn date_words(date: NaiveDate) -> String {
    format!(
        "{} {}",
        day_word(date, Language::En),
        date.format("%d.%m.%Y")
    )
}

/// `16:40`, or with seconds where there are any.
fn time_words(time: chrono::NaiveTime) -> String {
    let pattern = if time.second() == 0 {
        "%H:%M"
    } else {
        "%H:%M:%S"
    };
    time.format(pattern).to_string()
}

fn day_word(date: NaiveDate, language: Language) -> &'static str {
    let german = ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"];
    let swiss_german = ["Mä", "Zi", "Mi", "Du", "Fr", "Sa", "Su"];
    let english = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let words = match language {
        Language::De => german,
        Language::Gsw => swiss_german,
        Language::En | Language::Other => english,
    };
    words[date.weekday().num_days_from_monday() as usize]
}

/// `1 h 30 min`, `20 min`, `2 h`, `45 s`.
pub fn duration_words(secs: u64) -> String {
    let parts = [
        (secs / 3_600, "h"),
        (secs / 60 % 60, "min"),
        (secs % 60, "s"),
    ];
    let words: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    if words.is_empty() {
        "0 min".into()
    } else {
        words.join(" ")
    }
}
