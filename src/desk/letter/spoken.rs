//! A time in the words of a letter: `innert eines Arbeitstages`, `within 4 hours of our business hours`.
//!
//! Knows the three languages; knows nothing of contracts but how an objective is counted.

use crate::contract::within::{Counted, Within};
use crate::mail::Language;

/// Within which time something is promised.
pub fn within(promise: &Within, language: Language) -> String {
    match promise {
        Within::BusinessDays(days) => match (language, days) {
            (Language::De, 1) => "innert eines Arbeitstages".into(),
            (Language::De, 2) => "innert zweier Arbeitstage".into(),
            (Language::De, n) => format!("innert {n} Arbeitstagen"),
            (Language::Gsw, 1) => "innert eme Arbetstag".into(),
            (Language::Gsw, 2) => "innert zwei Arbetstäg".into(),
            (Language::Gsw, n) => format!("innert {n} Arbetstäg"),
            (Language::En | Language::Other, 1) => "within one business day".into(),
            (Language::En | Language::Other, 2) => "within two business days".into(),
            (Language::En | Language::Other, n) => format!("within {n} business days"),
        },
        Within::Minutes(minutes, counted) => {
            format!("{}{}", time(*minutes, language), of(counted, language))
        }
    }
}

/// The same of a time alone, where the letter says of which hours.
pub fn time(minutes: u32, language: Language) -> String {
    match minutes.is_multiple_of(60) {
        true => hours(minutes / 60, language),
        false => match (language, minutes) {
            (Language::De, 1) => "innert einer Minute".into(),
            (Language::De, n) => format!("innert {n} Minuten"),
            (Language::Gsw, 1) => "innert ere Minute".into(),
            (Language::Gsw, n) => format!("innert {n} Minute"),
            (Language::En | Language::Other, 1) => "within one minute".into(),
            (Language::En | Language::Other, n) => format!("within {n} minutes"),
        },
    }
}

fn hours(hours: u32, language: Language) -> String {
    match (language, hours) {
        (Language::De, 1) => "innert einer Stunde".into(),
        (Language::De, 2) => "innert zweier Stunden".into(),
        (Language::De, n) => format!("innert {n} Stunden"),
        (Language::Gsw, 1) => "innert ere Stund".into(),
        (Language::Gsw, 2) => "innert zwei Stund".into(),
        (Language::Gsw, n) => format!("innert {n} Stund"),
        (Language::En | Language::Other, 1) => "within one hour".into(),
        (Language::En | Language::Other, 2) => "within two hours".into(),
        (Language::En | Language::Other, n) => format!("within {n} hours"),
    }
}

fn of(counted: &Counted, language: Language) -> String {
    match (counted, language) {
        (Counted::Always, _) => String::new(),
        (Counted::Business, Language::De) => " unserer Geschäftszeiten".into(),
        (Counted::Business, Language::Gsw) => " vo eusne Gschäftsziite".into(),
        (Counted::Business, _) => " of our business hours".into(),
        (Counted::Written(hours), _) => format!(" ({hours})"),
    }
}
