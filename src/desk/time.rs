//! Time spent for a customer, on a ticket: `#time 45m tam` (C8.2).
//!
//! Knows how a booking is written and what the record keeps of it; does not know who may book. Sums: `ops/review.rs`.

use super::draft::Draft;
use super::record::{Direction, EntryKind, TimeFacts};
use chrono::NaiveDate;

/// What somebody books: `45m`, `1h30m tam`, `-15m tam 2026-11-20 counted twice`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Negative takes back.
    pub minutes: i32,
    /// Whether it counts against the agreed hours of the technical account manager.
    pub tam: bool,
    /// Another day than today.
    pub day: Option<NaiveDate>,
    /// What for.
    pub what: String,
}

/// The longest booking: a day.
const MINUTES_MAX: i32 = 24 * 60;

impl Booking {
    /// Reads what follows `#time`; the error says what to write.
    pub fn parse(words: &str) -> Result<Booking, String> {
        let usage = "#time 45m|1h30m [tam] [2026-11-20] WHAT FOR";
        let mut rest = words.split_whitespace().peekable();
        let length = rest.next().unwrap_or_default();
        let minutes = minutes(length)
            .filter(|m| *m != 0 && m.abs() <= MINUTES_MAX)
            .ok_or_else(|| {
                format!("#time \"{length}\" is no time between 1 minute and 24 hours; use {usage}.")
            })?;
        let tam = rest.next_if(|w| w.eq_ignore_ascii_case("tam")).is_some();
        let day = rest.peek().and_then(|word| word.parse().ok());
        if day.is_some() {
            rest.next();
        }
        Ok(Booking {
            minutes,
            tam,
            day,
            what: rest.collect::<Vec<_>>().join(" "),
        })
    }
}

/// `45m`, `2h`, `1h30m`, `45min`, with a minus in front or none.
fn minutes(text: &str) -> Option<i32> {
    let text = text.to_ascii_lowercase();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.as_str()),
    };
    let (hours, rest) = match text.split_once('h') {
        Some((hours, rest)) => (number(hours)?, rest),
        None => (0, text),
    };
    let rest = rest.strip_suffix("min").or(rest.strip_suffix('m'));
    let minutes = match rest {
        Some(digits) => number(digits)?,
        // `2h` alone; a number alone could be either.
        None if text.ends_with('h') => 0,
        None => return None,
    };
    Some(sign * (hours.checked_mul(60)?.checked_add(minutes)?))
}

fn number(digits: &str) -> Option<i32> {
    let plain = !digits.is_empty() && digits.len() <= 4;
    (plain && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

/// Books it on the ticket's customer; what was done, or why not. Of a requester who is no customer nobody's hours are counted.
pub fn book(draft: &mut Draft, by: &str, booking: &Booking) -> Result<String, String> {
    let Some(customer) = draft.ticket.subscription.customer.clone() else {
        return Err("#time: the ticket has no customer to book time for.".into());
    };
    let today = draft.policy.book.local_date(draft.now);
    let day = booking.day.unwrap_or(today);
    if day > today {
        return Err(format!("#time: {day} is in the future."));
    }
    let facts = TimeFacts {
        customer,
        person: by.into(),
        day,
        minutes: booking.minutes,
        tam: booking.tam,
    };
    let text = words(&facts, &booking.what);
    let entry = draft.entry(EntryKind::Command, Direction::Internal, by, &text);
    entry.time = Some(Box::new(facts));
    Ok(text)
}

fn words(facts: &TimeFacts, what: &str) -> String {
    let account = if facts.tam {
        " of the account manager's hours"
    } else {
        ""
    };
    format!(
        "Booked {} min{account} for {} on {}. {what}",
        facts.minutes, facts.customer, facts.day
    )
    .trim_end()
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &str, minutes: i32, tam: bool, day: Option<&str>, what: &str) {
        let booking = Booking {
            minutes,
            tam,
            day: day.map(|d| d.parse().unwrap()),
            what: what.into(),
        };
        assert_eq!(Booking::parse(words), Ok(booking), "{words}");
    }

    #[test]
    fn c8_2_bookings_as_people_write_them() {
        check("45m tam", 45, true, None, "");
        check("1h30m", 90, false, None, "");
        check("2h TAM review call", 120, true, None, "review call");
        check("45min on site", 45, false, None, "on site");
        check(
            "-15m tam 2026-11-20 twice",
            -15,
            true,
            Some("2026-11-20"),
            "twice",
        );
    }

    #[test]
    fn what_is_no_time_is_said_to_be_none() {
        for wrong in [
            "", "45", "tam 45m", "0m", "25h", "1.5h", "1h3", "h", "m", "99999m", "--5m",
        ] {
            assert!(Booking::parse(wrong).is_err(), "{wrong}");
        }
    }
}
