//! Files that an operator writes: read, or refused with what is wrong and where.

use chrono::{DateTime, TimeDelta, Utc};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use ticketd::config::Config;
use ticketd::contract::holidays::Holidays;
use ticketd::contract::hours::Hours;
use ticketd::contract::{Book, Source};
use ticketd::diagnostic::Diagnostic;
use ticketd::mail::{self, Mail};
use ticketd::rules::{Facts, RuleBook};

const CONTRACT: &str = include_str!("../../rules/contract.toml");
const CUSTOMERS: &str = include_str!("../../rules/customers.toml");
const STAFF: &str = include_str!("../../rules/staff.toml");

fn source(file: &str, text: &str) -> Source {
    Source {
        file: file.into(),
        text: text.into(),
    }
}

/// A refusal says what, where and what to do.
fn is_told(faults: &[Diagnostic], text: &str) {
    assert!(!faults.is_empty(), "refused without a reason");
    let lines = text.matches('\n').count() + 1;
    for fault in faults {
        assert!(
            !fault.problem.is_empty() && !fault.remedy.is_empty(),
            "{fault}"
        );
        assert!(
            fault.line.is_none_or(|line| (1..=lines).contains(&line)),
            "{fault}"
        );
    }
}

static REQUEST: LazyLock<Mail> = LazyLock::new(|| {
    mail::read(
        "From: anna@kunde.example\nTo: support@firma.example\nSubject: Prod is down\nX-Spam-Flag: YES\n\nSeit heute früh geht nichts mehr: alle Benutzer sehen 503.\nDringend!\n"
            .as_bytes(),
    )
});

/// Any rule file: its rules, or its faults; a verdict is told alike twice and gives each rule that made it.
pub fn rules(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let book = match RuleBook::parse(&[source("rules.toml", &text)]) {
        Ok(book) => book,
        Err(faults) => return is_told(&faults, &text),
    };
    let facts = Facts {
        queue: "support".into(),
        ..Facts::default()
    };
    let verdict = book.classify(&REQUEST, &facts);
    assert_eq!(verdict, book.classify(&REQUEST, &facts));
    let tried = book.explain(&REQUEST, &facts);
    assert_eq!(tried.len(), book.len(), "explain shows every rule");
    let matched = tried.iter().filter(|t| t.result.is_ok()).count();
    assert_eq!(
        matched,
        verdict.reasons.len(),
        "each rule that matched is a reason"
    );
    for severity in [verdict.severity_found, verdict.severity_stated] {
        assert!(severity.is_none_or(|s| (1..=4).contains(&s)));
    }
}

/// Any file in the place of the contract, the customers or the staff. The first byte says which.
pub fn contract(bytes: &[u8]) {
    let Some((which, rest)) = bytes.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    let mut files = [
        ("contract.toml", CONTRACT),
        ("customers.toml", CUSTOMERS),
        ("staff.toml", STAFF),
    ];
    let at = usize::from(*which) % files.len();
    files[at].1 = &text;
    let [contract, customers, staff] = files.map(|(file, text)| source(file, text));
    let now = moment(1_795_000_000);
    match Book::parse(&contract, &customers, &staff) {
        Ok(book) => {
            let subscription = book.subscription("anna@kunde.example", now);
            assert!(!subscription.plan.is_empty());
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            let here: Vec<_> = faults
                .into_iter()
                .filter(|f| f.file == files[at].0)
                .collect();
            if !here.is_empty() {
                is_told(&here, &text);
            }
        }
    }
}

fn moment(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(secs, 0).expect("a moment")
}

/// Any opening hours: time in them never runs backwards, and what was added is what lies between (C4.3).
pub fn hours(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let zone = chrono_tz::Europe::Zurich;
    let Ok(hours) = Hours::parse(&text, zone, Arc::new(Holidays::st_gallen())) else {
        return;
    };
    // Around both clock changes of 2026 and a weekend.
    for start in [1_774_740_600, 1_792_888_200, 1_795_000_000] {
        let start = moment(start);
        let mut last = start;
        for secs in [0, 1, 900, 3_600, 43_200, 86_400, 604_800] {
            let Some(end) = hours.add(start, secs) else {
                continue;
            };
            assert!(
                end >= last,
                "{text}: {secs} s from {start} end at {end}, before {last}"
            );
            assert_eq!(
                hours.between(start, end),
                secs,
                "{text}: {secs} s from {start}, {end}"
            );
            last = end;
        }
        if let Some(open) = hours.next_open(start) {
            assert!(open >= start && hours.is_open(open), "{text}: {open}");
        }
        let windows = hours.windows(start, start + TimeDelta::days(14));
        assert!(
            windows.windows(2).all(|w| w[0].close <= w[1].open),
            "{text}: {windows:?}"
        );
    }
}

/// Any configuration: read, or refused in words. No file is opened.
pub fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(faults) = Config::parse(Path::new("/etc/ticketd/ticketd.toml"), &text) {
        is_told(&faults, &text);
        // A password in the file is refused without being repeated.
        for fault in faults {
            assert!(!fault.to_string().contains("hunter2-and-more"), "{fault}");
        }
    }
}
