//! The moments that staff write: `09:12` today, `2026-09-04 16:30`, `4.9.2026 16:30`, in the contract's zone. Never in the future.

use crate::contract::Book;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// The moment at the beginning of some words, if there is one, and what follows it. A day without a time is none.
pub(super) fn split<'w>(
    book: &Book,
    now: DateTime<Utc>,
    words: &'w str,
) -> Result<(Option<DateTime<Utc>>, &'w str), String> {
    let (first, rest) = word(words);
    let (day, (first, rest)) = match date(first) {
        Some(day) => (day, word(rest)),
        None => (book.local_date(now), (first, rest)),
    };
    let Some(time) = time(first) else {
        return match date(words.split_whitespace().next().unwrap_or_default()) {
            Some(_) => Err(format!(
                "\"{words}\" has a day and no time; write 2026-09-04 16:30."
            )),
            None => Ok((None, words)),
        };
    };
    let at = book.instant(day.and_time(time));
    if at > now {
        return Err(format!(
            "{} is in the future; it is {} now.",
            book.local(at),
            book.local(now)
        ));
    }
    Ok((Some(at), rest))
}

fn word(words: &str) -> (&str, &str) {
    let words = words.trim_start();
    let (first, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    (first, rest.trim_start())
}

fn date(word: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(word, "%Y-%m-%d")
        .or_else(|_| NaiveDate::parse_from_str(word, "%d.%m.%Y"))
        .ok()
}

/// `09:12`, `9.12`, `09:12:30`.
fn time(word: &str) -> Option<NaiveTime> {
    let word = word.trim_end_matches([',', 'h']);
    ["%H:%M", "%H:%M:%S", "%H.%M"]
        .iter()
        .find_map(|form| NaiveTime::parse_from_str(word, form).ok())
}
