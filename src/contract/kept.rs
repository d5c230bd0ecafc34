//! What may not change any more: the contract and the orders that tickets were promised by.
//!
//! Knows the text that the last ticket goes by and today's; knows nothing of stores. A version that began before that ticket was received stays as it is, none
//! is dated before it afterwards (CONTRACT.md, preamble), and an order keeps what it promises from its `valid_from` on. Staff, rota, addresses and texts change
//! freely. Text is compared as TOML: comments and layout are no promise.

use super::{Source, plan};
use crate::diagnostic::Diagnostic;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};

/// The last ticket, and the files it was promised by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Promised {
    /// Its number.
    pub ticket: u64,
    /// When it was received.
    pub received: DateTime<Utc>,
    /// Name and text of each file.
    pub files: Vec<(String, String)>,
}

/// What of an order is a promise.
const ORDER_KEYS: [&str; 7] = [
    "valid_from",
    "plan",
    "order",
    "hours",
    "zone",
    "objectives",
    "hours_by_severity",
];

/// What today's files say otherwise than the last ticket was promised; nothing if every promise is kept. Files that are no TOML are somebody else's fault.
pub fn broken(promised: &Promised, today: &[Source]) -> Vec<Diagnostic> {
    let mut faults = vec![];
    for (name, text) in &promised.files {
        let Some(file) = base(name) else { continue };
        let Some(source) = today.iter().find(|s| base(&s.file) == Some(file)) else {
            continue;
        };
        let tables = (DeTable::parse(text), DeTable::parse(&source.text));
        let (Ok(before), Ok(now)) = tables else {
            continue;
        };
        let comparison = Comparison {
            promised,
            before: text,
            source,
        };
        match file {
            "contract.toml" => comparison.versions(before.get_ref(), now.get_ref(), &mut faults),
            "customers.toml" => comparison.orders(before.get_ref(), now.get_ref(), &mut faults),
            _ => {}
        }
    }
    faults
}

fn base(file: &str) -> Option<&str> {
    file.rsplit('/').next()
}

struct Comparison<'a> {
    promised: &'a Promised,
    before: &'a str,
    source: &'a Source,
}

/// A table and where it stands.
type Table<'a> = (&'a DeTable<'a>, usize);

impl Comparison<'_> {
    fn versions(&self, before: &DeTable, now: &DeTable, faults: &mut Vec<Diagnostic>) {
        let (before, now) = (tables(before, "version"), tables(now, "version"));
        let dates: Vec<_> = before.iter().map(|(v, _)| date(v)).collect();
        for (n, version) in before.iter().enumerate() {
            // Tickets older than the first version go by the first.
            if n > 0 && !self.has_begun(version.0) {
                continue;
            }
            let Some(from) = dates[n] else { continue };
            match now.iter().find(|(v, _)| date(v) == Some(from)) {
                None => faults.push(Diagnostic::of_file(
                    &self.source.file,
                    format!("the version valid from {from} is gone; {}", self.witness()),
                    format!("put it back, with the text of `ticketd show {}`'s time; a new version gets a new valid_from", self.promised.ticket),
                )),
                Some(today) => {
                    if let Some(change) = difference("", version.0, today.0, today.1) {
                        faults.push(self.changed(&change, &format!("the version valid from {from}")));
                    }
                }
            }
        }
        for (version, at) in now {
            let from = date(version);
            if dates.contains(&from) || !self.has_begun(version) {
                continue;
            }
            if let Some(from) = from {
                faults.push(self.fault(
                    at,
                    format!("a new version is valid from {from}; {}", self.witness()),
                    "give it a valid_from that is still to come",
                ));
            }
        }
    }

    fn orders(&self, before: &DeTable, now: &DeTable, faults: &mut Vec<Diagnostic>) {
        let now = tables(now, "customer");
        for (customer, _) in tables(before, "customer") {
            let id = text(customer, "id");
            let Some((today, at)) = now.iter().find(|(c, _)| text(c, "id") == id) else {
                continue;
            };
            let today = tables(today, "subscription");
            for (order, _) in tables(customer, "subscription") {
                let Some(from) = date(order).filter(|_| self.has_begun(order)) else {
                    continue;
                };
                let kept = |(t, _): &Table| ORDER_KEYS.iter().all(|key| is_same(order, t, key));
                if today.iter().any(kept) {
                    continue;
                }
                let same_date = today.iter().find(|(t, _)| date(t) == Some(from));
                faults.push(self.fault(
                    same_date.map_or(*at, |(_, at)| *at),
                    format!(
                        "what \"{}\" ordered from {from} on has changed; {}",
                        id.unwrap_or_default(),
                        self.witness()
                    ),
                    "put it back, end it with valid_until, and write the new order behind it with a valid_from of its own",
                ));
            }
        }
    }

    fn changed(&self, change: &Change, what: &str) -> Diagnostic {
        let was = change
            .was
            .clone()
            .map_or("nothing".into(), |span| excerpt(self.before, span));
        let is = change
            .is
            .clone()
            .map_or("nothing".into(), |span| excerpt(&self.source.text, span));
        self.fault(
            change.at,
            format!("{what} said {}{was} and now says {is}; {}", change.key_words(), self.witness()),
            "put it back, copy the version to the end of the file, and change the copy under a new valid_from",
        )
    }

    fn witness(&self) -> String {
        format!(
            "ticket {} was promised by it before, on {}",
            self.promised.ticket,
            self.promised.received.format("%Y-%m-%d")
        )
    }

    fn fault(&self, at: usize, problem: String, remedy: impl Into<String>) -> Diagnostic {
        Diagnostic::at(&self.source.file, &self.source.text, at, problem, remedy)
    }

    /// Whether a version or an order was valid when the last ticket was received. One without a zone of its own begins in Switzerland.
    fn has_begun(&self, table: &DeTable) -> bool {
        let zone = text(table, "zone").and_then(|zone| zone.parse().ok());
        date(table).is_some_and(|from| {
            plan::begins(zone.unwrap_or(chrono_tz::Europe::Zurich), from) <= self.promised.received
        })
    }
}

fn tables<'a>(table: &'a DeTable<'a>, key: &str) -> Vec<Table<'a>> {
    let all = table.get(key).and_then(|value| value.get_ref().as_array());
    all.into_iter()
        .flatten()
        .filter_map(|value| Some((value.get_ref().as_table()?, value.span().start)))
        .collect()
}

fn text<'a>(table: &'a DeTable<'a>, key: &str) -> Option<&'a str> {
    table.get(key)?.get_ref().as_str()
}

fn date(table: &DeTable) -> Option<NaiveDate> {
    match table.get("valid_from")?.get_ref() {
        DeValue::Datetime(at) => at.date?.to_string().parse().ok(),
        // As files may write it too.
        DeValue::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn excerpt(text: &str, span: std::ops::Range<usize>) -> String {
    let words = text.get(span).unwrap_or_default();
    let line = words.lines().next().unwrap_or_default();
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.into(),
    }
}

/// The first thing that is not as it was.
struct Change {
    key: String,
    /// Where today's file says so.
    at: usize,
    was: Option<std::ops::Range<usize>>,
    is: Option<std::ops::Range<usize>>,
}

impl Change {
    fn key_words(&self) -> String {
        format!("{} = ", self.key)
    }
}

fn is_same(before: &DeTable, now: &DeTable, key: &str) -> bool {
    match (before.get(key), now.get(key)) {
        (None, None) => true,
        (Some(a), Some(b)) => changed_value("", a, b).is_none(),
        _ => false,
    }
}

fn difference(path: &str, before: &DeTable, now: &DeTable, at: usize) -> Option<Change> {
    let name = |key: &str| match path {
        "" => key.to_string(),
        _ => format!("{path}.{key}"),
    };
    for (key, was) in before {
        let change = match now.get(key.get_ref().as_ref()) {
            Some(is) => changed_value(&name(key.get_ref()), was, is),
            None => Some(Change {
                key: name(key.get_ref()),
                at,
                was: Some(was.span()),
                is: None,
            }),
        };
        if change.is_some() {
            return change;
        }
    }
    let (key, is) = now
        .iter()
        .find(|(key, _)| !before.contains_key(key.get_ref().as_ref()))?;
    Some(Change {
        key: name(key.get_ref()),
        at: is.span().start,
        was: None,
        is: Some(is.span()),
    })
}

type Value<'a> = toml::Spanned<DeValue<'a>>;

fn changed_value(path: &str, was: &Value, is: &Value) -> Option<Change> {
    let other = || Change {
        key: path.into(),
        at: is.span().start,
        was: Some(was.span()),
        is: Some(is.span()),
    };
    match (was.get_ref(), is.get_ref()) {
        (DeValue::Table(a), DeValue::Table(b)) => difference(path, a, b, is.span().start),
        (DeValue::Array(a), DeValue::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b.iter())
            .find_map(|(a, b)| changed_value(path, a, b)),
        (a, b) => (!is_same_scalar(a, b)).then(other),
    }
}

fn is_same_scalar(a: &DeValue, b: &DeValue) -> bool {
    match (a, b) {
        (DeValue::String(a), DeValue::String(b)) => a == b,
        (DeValue::Integer(a), DeValue::Integer(b)) => {
            a.as_str() == b.as_str() && a.radix() == b.radix()
        }
        (DeValue::Float(a), DeValue::Float(b)) => a.as_str() == b.as_str(),
        (DeValue::Boolean(a), DeValue::Boolean(b)) => a == b,
        (DeValue::Datetime(a), DeValue::Datetime(b)) => a == b,
        (DeValue::Datetime(day), DeValue::String(text))
        | (DeValue::String(text), DeValue::Datetime(day)) => day.to_string() == *text,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: &str = include_str!("../../rules/contract.toml");
    const CUSTOMERS: &str = r#"
[[customer]]
id = "acme"
domains = ["acme.example"]
[[customer.subscription]]
plan = "dedicated"
valid_from = 2026-01-01
objectives = { 1 = "30 min", 2 = "1 h", 3 = "8 h", 4 = "24 h" }
"#;
    const NEXT_VERSION: &str = r#"
[[version]]
valid_from = 2026-06-01
zone = "Europe/Zurich"
"#;

    /// What is said of these files of today, if a ticket of 2026-03-30 was promised by the first two.
    fn said(before: [&str; 2], today: [&str; 2]) -> Vec<String> {
        let promised = Promised {
            ticket: 457,
            received: "2026-03-30T08:40:00Z".parse().unwrap(),
            files: vec![
                ("/old/rules/contract.toml".into(), before[0].into()),
                ("/old/rules/customers.toml".into(), before[1].into()),
            ],
        };
        let source = |file: &str, text: &str| Source {
            file: format!("rules/{file}"),
            text: text.into(),
        };
        let today = [
            source("contract.toml", today[0]),
            source("customers.toml", today[1]),
        ];
        let faults = broken(&promised, &today);
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_was_promised_stays_and_is_named_with_its_line() {
        let shorter = CONTRACT.replace("Mo-Fr 08:00-17:00; PH off", "Mo-Fr 09:00-17:00; PH off");
        let line = CONTRACT
            .lines()
            .position(|l| l.starts_with("business ="))
            .unwrap()
            + 1;
        let [said] = &said([CONTRACT, CUSTOMERS], [&shorter, CUSTOMERS])[..] else {
            panic!()
        };
        assert_eq!(
            *said,
            format!(
                "rules/contract.toml:{line}: the version valid from 2022-06-14 said hours.business = \"Mo-Fr 08:00-17:00; PH off\" and now says \"Mo-Fr 09:00-17:00; PH off\"; ticket 457 was promised by it before, on 2026-03-30; put it back, copy the version to the end of the file, and change the copy under a new valid_from"
            )
        );
    }

    #[test]
    fn each_way_to_break_a_promise_is_seen() {
        let late = CONTRACT.replace("days = 1 ", "days = 2 ");
        let without = CONTRACT.replace("hourly_repeats = 8", "");
        let more = CONTRACT.replace("quarter_min = 15", "quarter_min = 15\nmore = 1");
        let gone = CONTRACT.replace("valid_from = 2022-06-14", "valid_from = 2022-06-15");
        for (today, what) in [
            (late, "credit.days"),
            (without, "warnings.hourly_repeats"),
            (more, "credit.more"),
            (gone, "is gone"),
        ] {
            let said = said([CONTRACT, CUSTOMERS], [&today, CUSTOMERS]);
            assert!(said[0].contains(what), "{said:?}");
        }
        for today in [
            CUSTOMERS.replace("30 min", "4 h"),
            CUSTOMERS.replace("dedicated", "extended-sla"),
            CUSTOMERS.replace("2026-01-01", "2026-01-02"),
            format!("{CUSTOMERS}zone = \"Asia/Tokyo\"\n"),
        ] {
            let said = said([CONTRACT, CUSTOMERS], [CONTRACT, &today]);
            assert!(
                said[0].contains("\"acme\" ordered from 2026-01-01"),
                "{said:?}"
            );
        }
    }

    #[test]
    fn a_date_in_quotes_is_a_date() {
        let quoted = |text: &str| {
            text.replace("= 2022-06-14", "= \"2022-06-14\"")
                .replace("= 2026-01-01", "= \"2026-01-01\"")
        };
        let (contract, customers) = (quoted(CONTRACT), quoted(CUSTOMERS));
        assert_eq!(
            said([CONTRACT, CUSTOMERS], [&contract, &customers]).len(),
            0
        );
        let late = contract.replace("days = 1 ", "days = 2 ");
        let slow = customers.replace("30 min", "4 h");
        let said = said([&contract, &customers], [&late, &slow]);
        assert_eq!(said.len(), 2, "{said:?}");
    }

    #[test]
    fn a_version_is_not_dated_before_a_ticket() {
        let earlier = NEXT_VERSION.replace("06-01", "03-30");
        let today = format!("{CONTRACT}{earlier}");
        let said = said([CONTRACT, CUSTOMERS], [&today, CUSTOMERS]);
        assert!(
            said[0].contains("a new version is valid from 2026-03-30"),
            "{said:?}"
        );
    }

    #[test]
    fn what_is_no_promise_may_change() {
        let next = format!("{CONTRACT}{NEXT_VERSION}");
        let other_next = next.replace("2026-06-01", "2026-07-01");
        let commented = format!("# Comments are no promise.\n\n{CONTRACT}");
        let ended = CUSTOMERS.replace(
            "valid_from = 2026-01-01",
            "valid_from = 2026-01-01\nvalid_until = 2026-12-31",
        );
        let renamed = CUSTOMERS.replace("[\"acme.example\"]", "[\"acme.example\", \"acme.net\"]");
        for (before, today) in [
            ([CONTRACT, CUSTOMERS], [&*next, CUSTOMERS]),
            ([&next, CUSTOMERS], [&other_next, CUSTOMERS]),
            ([CONTRACT, CUSTOMERS], [&commented, CUSTOMERS]),
            ([CONTRACT, CUSTOMERS], [CONTRACT, &ended]),
            ([CONTRACT, CUSTOMERS], [CONTRACT, &renamed]),
            ([CONTRACT, CUSTOMERS], [CONTRACT, ""]),
        ] {
            assert_eq!(said(before, today), Vec::<String>::new());
        }
    }
}
