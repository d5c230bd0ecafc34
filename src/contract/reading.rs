//! Reading a rule file key by key: every fault is noted with its line, and reading goes on.
//!
//! Knows TOML and how a fault is told; knows nothing of contracts. serde would stop at the first fault and could not name the keys that are allowed.
//! Promise: whatever the file holds, each key is read, or noted as a fault, or both; nothing is silently ignored.

use super::Source;
use crate::diagnostic::Diagnostic;
use chrono::NaiveDate;
use std::cell::RefCell;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// One file being read, and its faults so far.
pub(super) struct File<'s> {
    source: &'s Source,
    faults: RefCell<Vec<(usize, Diagnostic)>>,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    /// What was read.
    pub value: T,
    /// Byte offset in the file.
    pub at: usize,
}

impl<'s> File<'s> {
    pub(super) fn new(source: &'s Source) -> Self {
        File {
            source,
            faults: RefCell::default(),
        }
    }

    /// The file's tables; None, with a fault, if it is no TOML.
    pub(super) fn tables(&self) -> Option<toml::Spanned<DeTable<'s>>> {
        let (table, errors) = DeTable::parse_recoverable(&self.source.text);
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            self.fault(at, error.message(), "correct the TOML");
        }
        errors.is_empty().then_some(table)
    }

    pub(super) fn root<'f>(&'f self, table: &'f toml::Spanned<DeTable<'f>>) -> Section<'f> {
        Section {
            file: self,
            table: table.get_ref(),
            at: 0,
            name: "the file".into(),
            known: RefCell::default(),
        }
    }

    /// Notes a fault at a byte offset.
    pub(super) fn fault(&self, at: usize, problem: impl Into<String>, remedy: impl Into<String>) {
        let fault = Diagnostic::at(&self.source.file, &self.source.text, at, problem, remedy);
        self.faults.borrow_mut().push((at, fault));
    }

    /// Notes a fault of the whole file.
    pub(super) fn fault_of_file(&self, problem: impl Into<String>, remedy: impl Into<String>) {
        let fault = Diagnostic::of_file(&self.source.file, problem, remedy);
        self.faults.borrow_mut().push((usize::MAX, fault));
    }

    /// The line of a byte offset, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        Diagnostic::at("", &self.source.text, at, "", "")
            .line
            .unwrap_or(1)
    }

    /// All faults, in the order of the file.
    pub(super) fn faults(&self) -> Vec<Diagnostic> {
        let mut faults = self.faults.take();
        faults.sort_by_key(|(at, _)| *at);
        faults.into_iter().map(|(_, fault)| fault).collect()
    }
}

/// One table of a file.
pub(super) struct Section<'f> {
    /// The file it stands in.
    pub file: &'f File<'f>,
    table: &'f DeTable<'f>,
    /// Where it begins.
    pub at: usize,
    /// For messages: `[[customer]]`.
    pub name: String,
    known: RefCell<Vec<&'static str>>,
}

impl<'f> Section<'f> {
    fn get(&self, key: &'static str) -> Option<(&'f DeValue<'f>, Range<usize>)> {
        self.known.borrow_mut().push(key);
        self.table
            .get(key)
            .map(|value| (value.get_ref(), value.span()))
    }

    fn wrong(&self, key: &str, value: &DeValue<'_>, at: usize, wanted: &str) {
        let found = match value {
            DeValue::String(text) => format!("\"{text}\""),
            other => format!("a value of type {}", other.type_str()),
        };
        self.file
            .fault(at, format!("{key} is {found}"), format!("write {wanted}"));
    }

    /// A text, if it is there.
    pub(super) fn text(&self, key: &'static str) -> Option<At<String>> {
        let (value, span) = self.get(key)?;
        match value.as_str() {
            Some(text) => Some(At {
                value: text.to_string(),
                at: span.start,
            }),
            None => {
                self.wrong(key, value, span.start, "a text in quotes");
                None
            }
        }
    }

    /// A text that has to be there and not to be empty.
    pub(super) fn needed(&self, key: &'static str, example: &str) -> Option<At<String>> {
        if !self.table.contains_key(key) {
            self.known.borrow_mut().push(key);
            self.file.fault(
                self.at,
                format!("{} has no {key}", self.name),
                format!("add {key} = {example}"),
            );
            return None;
        }
        let text = self.text(key)?;
        if text.value.trim().is_empty() {
            self.file.fault(
                text.at,
                format!("{key} is empty"),
                format!("write {key} = {example}"),
            );
            return None;
        }
        Some(text)
    }

    /// A list of texts; empty if it is not there.
    pub(super) fn texts(&self, key: &'static str) -> Vec<At<String>> {
        let Some((value, span)) = self.get(key) else {
            return Vec::new();
        };
        let Some(list) = value.as_array() else {
            self.wrong(key, value, span.start, "a list of texts, such as [\"…\"]");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in list.iter() {
            let at = item.span().start;
            match item.get_ref().as_str() {
                Some(text) => texts.push(At {
                    value: text.to_string(),
                    at,
                }),
                None => self.wrong(key, item.get_ref(), at, "texts in quotes"),
            }
        }
        texts
    }

    /// A whole number within bounds; the default if it is not there or wrong.
    pub(super) fn number(&self, key: &'static str, bounds: Range<u32>, default: u32) -> u32 {
        self.number_if(key, bounds).map_or(default, |n| n.value)
    }

    /// A whole number within bounds, if it is there.
    pub(super) fn number_if(&self, key: &'static str, bounds: Range<u32>) -> Option<At<u32>> {
        let (value, span) = self.get(key)?;
        self.as_number(key, value, span.start, bounds)
    }

    fn as_number(
        &self,
        key: &str,
        value: &DeValue<'_>,
        at: usize,
        bounds: Range<u32>,
    ) -> Option<At<u32>> {
        let wanted = format!("a whole number from {} to {}", bounds.start, bounds.end - 1);
        let Some(digits) = value.as_integer() else {
            self.wrong(key, value, at, &wanted);
            return None;
        };
        let number = u32::from_str_radix(digits.as_str(), digits.radix())
            .ok()
            .filter(|n| bounds.contains(n));
        if number.is_none() {
            self.file.fault(
                at,
                format!("{key} is {}", digits.as_str()),
                format!("write {wanted}"),
            );
        }
        number.map(|value| At { value, at })
    }

    /// A list of whole numbers, if it is there.
    pub(super) fn numbers(&self, key: &'static str, bounds: Range<u32>) -> Option<Vec<At<u32>>> {
        let (value, span) = self.get(key)?;
        let Some(list) = value.as_array() else {
            self.wrong(key, value, span.start, "a list of numbers");
            return None;
        };
        let read = |item: &'f toml::Spanned<DeValue<'f>>| {
            self.as_number(key, item.get_ref(), item.span().start, bounds.clone())
        };
        Some(list.iter().filter_map(read).collect())
    }

    /// A date, written 2026-03-27 or "2026-03-27", if it is there.
    pub(super) fn date(&self, key: &'static str) -> Option<At<NaiveDate>> {
        let (value, span) = self.get(key)?;
        let date = date_of(value);
        if date.is_none() {
            self.wrong(key, value, span.start, "a date, such as 2026-03-27");
        }
        date.map(|value| At {
            value,
            at: span.start,
        })
    }

    /// A list of dates; empty if it is not there.
    pub(super) fn dates(&self, key: &'static str) -> Vec<NaiveDate> {
        let Some((value, span)) = self.get(key) else {
            return Vec::new();
        };
        let Some(list) = value.as_array() else {
            self.wrong(
                key,
                value,
                span.start,
                "a list of dates, such as [2027-12-26]",
            );
            return Vec::new();
        };
        let mut dates = Vec::new();
        for item in list.iter() {
            match date_of(item.get_ref()) {
                Some(date) => dates.push(date),
                None => self.wrong(
                    key,
                    item.get_ref(),
                    item.span().start,
                    "dates, such as 2027-12-26",
                ),
            }
        }
        dates
    }

    /// A table, if it is there.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'f>> {
        let (value, span) = self.get(key)?;
        self.as_section(value, span.start, key.to_string())
    }

    /// A list of tables; empty if it is not there.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'f>> {
        let Some((value, span)) = self.get(key) else {
            return Vec::new();
        };
        let Some(list) = value.as_array() else {
            self.wrong(key, value, span.start, &format!("[[{key}]]"));
            return Vec::new();
        };
        list.iter()
            .filter_map(|item| {
                self.as_section(item.get_ref(), item.span().start, format!("[[{key}]]"))
            })
            .collect()
    }

    fn as_section(&self, value: &'f DeValue<'f>, at: usize, name: String) -> Option<Section<'f>> {
        let Some(table) = value.as_table() else {
            self.wrong(&name, value, at, "a table");
            return None;
        };
        Some(Section {
            file: self.file,
            table,
            at,
            name,
            known: RefCell::default(),
        })
    }

    /// Every key of a table whose keys are names of the operator's, with its text.
    pub(super) fn named_texts(&self) -> Vec<(At<String>, At<String>)> {
        let mut found = Vec::new();
        for (key, value) in self.table.iter() {
            let name = At {
                value: key.get_ref().to_string(),
                at: key.span().start,
            };
            let at = value.span().start;
            match value.get_ref().as_str() {
                Some(text) => found.push((
                    name,
                    At {
                        value: text.to_string(),
                        at,
                    },
                )),
                None => self.wrong(&name.value, value.get_ref(), at, "a text in quotes"),
            }
        }
        found.sort_by_key(|(name, _)| name.at);
        found
    }

    /// Notes every key that nobody asked for. Call it last.
    pub(super) fn no_other_keys(&self) {
        let known = self.known.borrow();
        for key in self.table.keys() {
            if !known.iter().any(|k| *k == key.get_ref().as_ref()) {
                self.file.fault(
                    key.span().start,
                    format!("{} has no setting \"{}\"", self.name, key.get_ref()),
                    format!("use one of {}", known.join(", ")),
                );
            }
        }
    }
}

fn date_of(value: &DeValue<'_>) -> Option<NaiveDate> {
    match value {
        DeValue::Datetime(datetime) if datetime.time.is_none() => {
            let date = datetime.date?;
            NaiveDate::from_ymd_opt(
                i32::from(date.year),
                u32::from(date.month),
                u32::from(date.day),
            )
        }
        DeValue::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Minutes of `30 min`, `2 h`, `1 h 30 min`, `90min`.
pub(super) fn minutes(text: &str) -> Option<u32> {
    let mut total: u32 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u32 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let factor = match &rest[..letters] {
            "h" => 60,
            "min" | "m" => 1,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = rest[letters..].trim_start();
    }
    Some(total)
}
