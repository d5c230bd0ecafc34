//! The keys that sign tokens: `<state>/keys`.
//!
//! A line each: id (a letter or a digit), 64 hex digits, and for a key that no longer signs `until 2027-01-31`. The first signs, all verify until the day named
//! (UTC). Made at the first start. To rotate, write a new line on top and an end behind the old ones; then reload.

use crate::desk::token::{Key, Keys};
use anyhow::Context;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use data_encoding::HEXLOWER;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The keys of a state folder, made if there are none.
pub fn keys(state: &Path) -> anyhow::Result<Keys> {
    if !state.join("keys").exists() {
        make(state)?;
    }
    read(state)
}

/// The keys of a state folder. An error names file, line and remedy.
pub fn read(state: &Path) -> anyhow::Result<Keys> {
    let path = state.join("keys");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    parsed(&text).map_err(|(line, problem)| anyhow::anyhow!("{}:{line}: {problem}", path.display()))
}

fn make(state: &Path) -> anyhow::Result<()> {
    let mut secret = [0; 32];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut secret)?;
    let fresh = state.join("keys.new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    writeln!(file, "1 {}", HEXLOWER.encode(&secret))?;
    file.sync_all()?;
    std::fs::rename(&fresh, state.join("keys"))?;
    std::fs::File::open(state)?.sync_all()?;
    Ok(())
}

fn parsed(text: &str) -> Result<Keys, (usize, String)> {
    let mut keys: Vec<Key> = vec![];
    let lines = text.lines().enumerate();
    for (i, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let fault = |problem: &str| (i + 1, problem.to_string());
        let key = key(line).ok_or_else(|| {
            fault("a key is one letter or digit, a space and 64 hex digits, and `until 2027-01-31` for one that no longer signs; restore the file from a backup")
        })?;
        if keys.iter().any(|k| k.id == key.id) {
            return Err(fault("this id is there already; give a new key a new id"));
        }
        if keys.is_empty() && key.until.is_some() {
            return Err(fault(
                "the first key signs, so it may not expire; write a new key above it",
            ));
        }
        keys.push(key);
    }
    if keys.is_empty() {
        return Err((
            1,
            "there is no key; restore the file from a backup, or remove it: old letters' tokens are worth nothing then"
                .into(),
        ));
    }
    Ok(Keys::expiring(keys))
}

fn key(line: &str) -> Option<Key> {
    let mut words = line.split_whitespace();
    let (id, hex) = (words.next()?, words.next()?);
    let until = match (words.next(), words.next(), words.next()) {
        (None, ..) => None,
        (Some("until"), Some(day), None) => Some(midnight(day)?),
        _ => return None,
    };
    let mut letters = id.chars();
    let (Some(id), None) = (letters.next(), letters.next()) else {
        return None;
    };
    let secret = HEXLOWER.decode(hex.as_bytes()).ok()?.try_into().ok()?;
    id.is_ascii_alphanumeric().then_some(Key {
        id: id.to_ascii_lowercase(),
        secret,
        until,
    })
}

fn midnight(day: &str) -> Option<DateTime<Utc>> {
    let day: NaiveDate = day.parse().ok()?;
    Some(day.and_time(NaiveTime::MIN).and_utc())
}

/// What the keys do at an instant, for `ticketd check`: `key 2 signs; key 1 verifies until 2027-01-31`.
pub fn explained(keys: &Keys, now: DateTime<Utc>) -> String {
    let words = |(i, (id, until)): (usize, (char, Option<DateTime<Utc>>))| match until {
        _ if i == 0 => format!("key {id} signs"),
        None => format!("key {id} verifies, without end"),
        Some(until) if until <= now => {
            format!(
                "key {id} expired on {}; its line may go",
                until.date_naive()
            )
        }
        Some(until) => format!("key {id} verifies until {}", until.date_naive()),
    };
    let all: Vec<String> = keys.listed().enumerate().map(words).collect();
    all.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, more: &str) -> String {
        format!("{id} {}{more}\n", "ab".repeat(32))
    }

    #[test]
    fn the_first_signs_and_the_others_end() {
        let text = line("3", "")
            + "\n"
            + &line("2", " until 2027-01-31")
            + &line("1", " until 2026-01-31")
            + &line("0", "");
        let keys = parsed(&text).unwrap();
        assert_eq!(
            explained(&keys, midnight("2026-11-23").unwrap()),
            "key 3 signs; key 2 verifies until 2027-01-31; key 1 expired on 2026-01-31; its line may go; key 0 verifies, without end"
        );
    }

    #[test]
    fn faults_name_their_line() {
        for (text, at, problem) in [
            (line("1", "") + &line("1", ""), 2, "there already"),
            (line("1", " until 2027-01-31"), 1, "may not expire"),
            (
                line("2", "") + &line("1", " until tomorrow"),
                2,
                "64 hex digits",
            ),
            (line("2", "") + &line("1", " since 2027-01-31"), 2, "until"),
            (line("22", ""), 1, "one letter or digit"),
            ("1 abcd\n".into(), 1, "64 hex digits"),
            (String::new(), 1, "there is no key"),
        ] {
            let (line, found) = parsed(&text).unwrap_err();
            assert_eq!(line, at, "{text}");
            assert!(found.contains(problem), "{found}");
        }
    }
}
