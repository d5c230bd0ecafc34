//! A rule file's text made rules, every fault with its line.

use super::Incident;
use super::fields::{Field, PatternId, Patterns};
use crate::contract::Source;
use crate::diagnostic::Diagnostic;
use chrono::{DateTime, Utc};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One rule.
#[derive(Debug)]
pub struct Rule {
    pub file: String,
    pub line: usize,
    /// It stands in a shipped file that nobody has changed.
    pub is_proven: bool,
    pub because: String,
    /// The mailboxes it speaks of; all if empty.
    pub queues: Vec<String>,
    /// Each must be found.
    pub all: Vec<Condition>,
    /// None may be found.
    pub none: Vec<Condition>,
    pub facts: Vec<(Fact, Vec<String>)>,
    /// From then on it holds for no mail.
    pub until: Option<DateTime<Utc>>,
    pub actions: Actions,
    pub matches: Vec<Example>,
    pub ignores: Vec<Example>,
}

/// A condition on texts: any of the patterns.
#[derive(Debug)]
pub struct Condition {
    pub name: String,
    pub fields: Vec<Field>,
    pub patterns: Vec<PatternId>,
}

/// What a condition on facts asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    Language,
    Customer,
    Plan,
    Kind,
    Trust,
    Known,
    Reply,
    Attachments,
    Tagged,
    Untagged,
}

/// What a rule sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    pub queue: Option<String>,
    pub order: Option<String>,
    pub severity_stated: Option<u8>,
    pub severity_found: Option<u8>,
    pub tags: Vec<String>,
    pub assign: Option<String>,
    pub template: Option<String>,
    pub forward: Option<String>,
    pub file: bool,
    pub quarantine: bool,
    pub incident: Option<Incident>,
}

/// A text that a rule must or must not match.
#[derive(Debug)]
pub struct Example {
    pub line: usize,
    /// What to show for it.
    pub shown: String,
    pub texts: ExampleTexts,
}

/// Where an example's text stands.
#[derive(Debug)]
pub enum ExampleTexts {
    /// In each field that the rule looks at.
    Everywhere(String),
    /// In these.
    Fields(Vec<(Field, String)>),
}

type Value<'i> = Spanned<DeValue<'i>>;

const CONDITIONS_AND_ACTIONS: &str = "because, said, also, unless, subject, text, sender, recipient, attachment, header, language, customer, plan, kind, trust, known, reply, attachments, tagged, untagged, until, severity, severity_stated, queue, order, tag, assign, template, forward, file, quarantine, incident, acknowledge, matches, ignores";

const KINDS: &[&str] = &[
    "human",
    "auto-reply",
    "auto-generated",
    "bounce",
    "delayed",
    "delivered",
    "read-receipt",
    "list",
    "calendar",
    "feedback-report",
    "own",
];
const TRUSTS: &[&str] = &["aligned", "submitted", "unknown", "unproven", "ambiguous"];
const LANGUAGES: &[&str] = &["de", "gsw", "en", "other"];
/// The languages of letters (C5.1).
const WRITTEN: &[&str] = &["de", "gsw", "en"];

/// Adds a file's rules, their patterns and every fault found. Of a file whose examples are proven, patterns are compiled where they are asked for.
pub fn read(
    source: &Source,
    is_proven: bool,
    patterns: &mut Patterns,
    rules: &mut Vec<Rule>,
    faults: &mut Vec<Diagnostic>,
) {
    let table = match DeTable::parse(&source.text) {
        Ok(table) => table,
        Err(e) => {
            let at = e.span().map_or(0, |s| s.start);
            let fault = Diagnostic::at(
                &source.file,
                &source.text,
                at,
                e.message().replace('\n', " "),
                "see the top of src/rules.rs for the form of a rule file",
            );
            return faults.push(fault);
        }
    };
    let mut reader = Reader {
        source,
        line_ends: memchr::memchr_iter(b'\n', source.text.as_bytes()).collect(),
        words: Vec::new(),
        queues: Vec::new(),
        is_proven,
        patterns,
        faults,
    };
    for (key, value) in table.get_ref() {
        match key.get_ref().as_ref() {
            "queues" => reader.queues = reader.strings(value),
            "words" => reader.read_words(value),
            "rule" => {}
            other => reader.fault(
                key.span().start,
                format!("\"{other}\" is unknown"),
                "use queues, [words] or [[rule]]",
            ),
        }
    }
    if let Some(value) = table.get_ref().get("rule") {
        rules.extend(reader.rules(value));
    }
}

struct Reader<'a> {
    source: &'a Source,
    /// Where its lines end: each of a thousand examples is told by its line.
    line_ends: Vec<usize>,
    words: Vec<(String, String)>,
    queues: Vec<String>,
    is_proven: bool,
    patterns: &'a mut Patterns,
    faults: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn fault(&mut self, at: usize, problem: impl Into<String>, remedy: &str) {
        self.faults.push(Diagnostic::at(
            &self.source.file,
            &self.source.text,
            at,
            problem,
            remedy,
        ));
    }

    fn line(&self, at: usize) -> usize {
        self.line_ends.partition_point(|end| *end < at) + 1
    }

    fn read_words(&mut self, value: &Value) {
        let Some(table) = value.get_ref().as_table() else {
            return self.fault(
                value.span().start,
                "[words] is no table",
                "write name = 'pattern'",
            );
        };
        // In the order of the file, which the table does not keep: a word may stand for words above it.
        let mut words: Vec<_> = table.iter().collect();
        words.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in words {
            let joined = self.strings(value).join("|");
            if let Some(pattern) = self.expanded(&joined, value.span().start) {
                self.words.push((key.get_ref().to_string(), pattern));
            }
        }
    }

    fn rules(&mut self, value: &Value) -> Vec<Rule> {
        let Some(array) = value.get_ref().as_array() else {
            self.fault(
                value.span().start,
                "rule is no list of tables",
                "write [[rule]] with two brackets",
            );
            return vec![];
        };
        array.iter().filter_map(|value| self.rule(value)).collect()
    }

    fn rule(&mut self, value: &Value) -> Option<Rule> {
        let at = value.span().start;
        let Some(table) = value.get_ref().as_table() else {
            self.fault(at, "a rule is no table", "write [[rule]] with two brackets");
            return None;
        };
        let faults_before = self.faults.len();
        let mut rule = Rule {
            file: self.source.file.clone(),
            line: self.line(at),
            is_proven: self.is_proven,
            because: String::new(),
            queues: self.queues.clone(),
            all: vec![],
            none: vec![],
            facts: vec![],
            until: None,
            actions: Actions::default(),
            matches: vec![],
            ignores: vec![],
        };
        for (key, value) in table {
            self.key(&mut rule, key.get_ref(), key.span().start, value);
        }
        if self.faults.len() == faults_before {
            self.whole(&rule, at);
        }
        Some(rule)
    }

    fn key(&mut self, rule: &mut Rule, key: &str, at: usize, value: &Value) {
        let said = [Field::Subject, Field::Text];
        match key {
            "because" => rule.because = self.string(value),
            "said" | "also" => rule.all.push(self.condition(key, &said, value)),
            "unless" => rule.none.push(self.condition(key, &said, value)),
            "subject" => rule.all.push(self.condition(key, &[Field::Subject], value)),
            "text" => rule.all.push(self.condition(key, &[Field::Text], value)),
            "sender" => rule.all.push(self.condition(key, &[Field::Sender], value)),
            "recipient" => rule
                .all
                .push(self.condition(key, &[Field::Recipient], value)),
            "attachment" => rule
                .all
                .push(self.condition(key, &[Field::Attachment], value)),
            "header" => self.header(rule, value),
            "language" => rule
                .facts
                .push((Fact::Language, self.words_of(value, LANGUAGES))),
            "kind" => rule.facts.push((Fact::Kind, self.words_of(value, KINDS))),
            "trust" => rule.facts.push((Fact::Trust, self.words_of(value, TRUSTS))),
            "customer" => rule.facts.push((Fact::Customer, self.strings(value))),
            "plan" => rule.facts.push((Fact::Plan, self.strings(value))),
            "tagged" => rule.facts.push((Fact::Tagged, self.strings(value))),
            "untagged" => rule.facts.push((Fact::Untagged, self.strings(value))),
            "known" => rule
                .facts
                .push((Fact::Known, vec![self.truth(value).to_string()])),
            "reply" => rule
                .facts
                .push((Fact::Reply, vec![self.truth(value).to_string()])),
            "attachments" => rule
                .facts
                .push((Fact::Attachments, vec![self.truth(value).to_string()])),
            "until" => rule.until = self.moment(value),
            "incident" => incident_of(rule).ticket = self.ticket(value),
            "acknowledge" => incident_of(rule).texts = self.texts_by_language(value),
            "severity" => rule.actions.severity_found = self.severity(value),
            "severity_stated" => rule.actions.severity_stated = self.severity(value),
            "queue" => rule.actions.queue = Some(self.string(value)),
            "order" => rule.actions.order = Some(self.string(value)),
            "tag" => rule.actions.tags = self.strings(value),
            "assign" => rule.actions.assign = Some(self.string(value)),
            "template" => rule.actions.template = Some(self.string(value)),
            "forward" => rule.actions.forward = Some(self.string(value)),
            "file" => rule.actions.file = self.truth(value),
            "quarantine" => rule.actions.quarantine = self.truth(value),
            "matches" => rule.matches = self.examples(value),
            "ignores" => rule.ignores = self.examples(value),
            other => self.fault(
                at,
                format!("\"{other}\" is unknown in a rule"),
                &format!("use {CONDITIONS_AND_ACTIONS}"),
            ),
        }
    }

    /// What only the whole rule shows.
    fn whole(&mut self, rule: &Rule, at: usize) {
        if rule.because.trim().is_empty() {
            self.fault(
                at,
                "the rule does not say why",
                "add because = \"...\", which staff will read",
            );
        }
        if rule.actions == Actions::default() {
            self.fault(
                at,
                "the rule does nothing",
                "add severity, tag, queue or another action",
            );
        }
        if rule.actions.forward.is_some() && (rule.actions.file || rule.actions.quarantine) {
            self.fault(
                at,
                "a mail that is filed or set aside is not handed on",
                "leave out forward, or file and quarantine",
            );
        }
        self.whole_incident(rule, at);
        if rule.all.is_empty() && rule.none.is_empty() && rule.facts.is_empty() {
            self.fault(
                at,
                "the rule has no condition, so it holds for every mail",
                "add said = '...' or another condition",
            );
        }
        if !rule.all.is_empty() && rule.matches.is_empty() {
            self.fault(
                at,
                "the rule has no example",
                "add matches = [\"a text that it is for\"]",
            );
        }
    }

    /// C2.1: without an end, a rule for an outage of last year would answer today's mail.
    fn whole_incident(&mut self, rule: &Rule, at: usize) {
        let Some(incident) = &rule.actions.incident else {
            return;
        };
        let missing = if incident.ticket == 0 {
            (
                "the incident has no ticket",
                "add incident = 512, the incident's own ticket",
            )
        } else if incident.texts.is_empty() {
            (
                "the incident has no text",
                "add acknowledge = { en = \"We know of it ...\" }",
            )
        } else if rule.until.is_none() {
            (
                "the incident has no end",
                "add until = 2026-11-23T18:00:00+01:00",
            )
        } else {
            return;
        };
        self.fault(at, missing.0, missing.1);
    }

    fn moment(&mut self, value: &Value) -> Option<DateTime<Utc>> {
        let written = value.get_ref().as_datetime().map(ToString::to_string);
        let moment = written.and_then(|w| DateTime::parse_from_rfc3339(&w).ok());
        if moment.is_none() {
            self.fault(
                value.span().start,
                "it is no date and time with a zone",
                "write until = 2026-11-23T18:00:00+01:00",
            );
        }
        moment.map(|m| m.to_utc())
    }

    fn ticket(&mut self, value: &Value) -> u64 {
        let number = value.get_ref().as_integer();
        let number = number.and_then(|i| i.as_str().parse().ok());
        number.filter(|n| *n > 0).unwrap_or_else(|| {
            let at = value.span().start;
            self.fault(at, "it is no ticket's number", "write incident = 512");
            0
        })
    }

    fn texts_by_language(&mut self, value: &Value) -> Vec<(String, String)> {
        let Some(table) = value.get_ref().as_table() else {
            let remedy = "write acknowledge = { de = \"...\", en = \"...\" }";
            self.fault(value.span().start, "it is no table of texts", remedy);
            return vec![];
        };
        let mut texts = vec![];
        for (language, text) in table {
            if !WRITTEN.contains(&language.get_ref().as_ref()) {
                let problem = format!("no letter is written in \"{}\"", language.get_ref());
                self.fault(language.span().start, problem, "use de, gsw, en");
            }
            texts.push((language.get_ref().to_string(), self.string(text)));
        }
        texts
    }

    fn condition(&mut self, name: &str, fields: &[Field], value: &Value) -> Condition {
        let mut condition = Condition {
            name: name.into(),
            fields: fields.to_vec(),
            patterns: vec![],
        };
        for (pattern, at) in self.strings_at(value) {
            let Some(expanded) = self.expanded(&pattern, at) else {
                continue;
            };
            if let Some(odd) = unfolded(&expanded) {
                self.fault(
                    at,
                    format!("the pattern has {odd:?}, which folded text never has"),
                    "write lower case, ae oe ue for umlauts, ss, ASCII quotes",
                );
                continue;
            }
            match self.patterns.add(&expanded, fields, self.is_proven) {
                Ok(ids) => condition.patterns.extend(ids),
                Err(reason) => self.fault(
                    at,
                    format!("the pattern is wrong: {reason}"),
                    "see the top of src/rules.rs for what a pattern can be",
                ),
            }
        }
        condition
    }

    fn header(&mut self, rule: &mut Rule, value: &Value) {
        let Some(table) = value.get_ref().as_table() else {
            return self.fault(
                value.span().start,
                "header is no table",
                "write header = { \"X-Spam-Flag\" = 'yes' }",
            );
        };
        for (name, value) in table {
            let field = Field::Header(name.get_ref().to_ascii_lowercase());
            let condition = self.condition(&format!("header {}", name.get_ref()), &[field], value);
            rule.all.push(condition);
        }
    }

    /// A pattern with its {{words}}.
    fn expanded(&mut self, pattern: &str, at: usize) -> Option<String> {
        let mut out = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else {
                self.fault(at, "\"{{\" without \"}}\"", "write {{name}}");
                return None;
            };
            out.push_str(before);
            let Some((_, words)) = self.words.iter().find(|(n, _)| n == name) else {
                self.fault(
                    at,
                    format!("the words \"{name}\" are unknown"),
                    "define them above the rules, under [words]",
                );
                return None;
            };
            out.push_str(&format!("(?:{words})"));
            rest = after;
        }
        Some(out + rest)
    }

    fn examples(&mut self, value: &Value) -> Vec<Example> {
        let one = [value];
        let items: Vec<&Value> = match value.get_ref().as_array() {
            Some(array) => array.iter().collect(),
            None => one.to_vec(),
        };
        items
            .into_iter()
            .filter_map(|item| self.example(item))
            .collect()
    }

    fn example(&mut self, item: &Value) -> Option<Example> {
        let line = self.line(item.span().start);
        if let Some(text) = item.get_ref().as_str() {
            return Some(Example {
                line,
                shown: text.into(),
                texts: ExampleTexts::Everywhere(text.into()),
            });
        }
        let Some(table) = item.get_ref().as_table() else {
            self.fault(
                item.span().start,
                "an example is neither a text nor a table",
                "write \"a text\" or { subject = \"...\" }",
            );
            return None;
        };
        let fields: Vec<_> = table
            .iter()
            .map(|(key, value)| (field(key.get_ref()), self.string(value)))
            .collect();
        Some(Example {
            line,
            shown: fields
                .iter()
                .map(|(f, t)| format!("{f}: {t}"))
                .collect::<Vec<_>>()
                .join(", "),
            texts: ExampleTexts::Fields(fields),
        })
    }

    fn string(&mut self, value: &Value) -> String {
        match value.get_ref().as_str() {
            Some(s) => s.into(),
            None => {
                self.fault(
                    value.span().start,
                    format!(
                        "a {} stands where a text belongs",
                        value.get_ref().type_str()
                    ),
                    "write it in quotes",
                );
                String::new()
            }
        }
    }

    fn strings(&mut self, value: &Value) -> Vec<String> {
        self.strings_at(value).into_iter().map(|(s, _)| s).collect()
    }

    /// One text or several, each with its place.
    fn strings_at(&mut self, value: &Value) -> Vec<(String, usize)> {
        match value.get_ref().as_array() {
            Some(array) => array
                .iter()
                .map(|item| (self.string(item), item.span().start))
                .collect(),
            None => vec![(self.string(value), value.span().start)],
        }
    }

    fn words_of(&mut self, value: &Value, known: &[&str]) -> Vec<String> {
        let words = self.strings_at(value);
        for (word, at) in &words {
            if !known.contains(&word.as_str()) {
                self.fault(
                    *at,
                    format!("\"{word}\" is unknown"),
                    &format!("use {}", known.join(", ")),
                );
            }
        }
        words.into_iter().map(|(word, _)| word).collect()
    }

    fn truth(&mut self, value: &Value) -> bool {
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.fault(
                value.span().start,
                "neither true nor false",
                "use true or false",
            );
            false
        })
    }

    fn severity(&mut self, value: &Value) -> Option<u8> {
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|i| i.as_str().parse::<u8>().ok());
        match number {
            Some(severity @ 1..=4) => Some(severity),
            _ => {
                let found = value.get_ref().as_integer().map_or_else(
                    || value.get_ref().type_str().to_string(),
                    |i| i.as_str().to_string(),
                );
                self.fault(
                    value.span().start,
                    format!("severity \"{found}\" is unknown"),
                    "use 1, 2, 3 or 4",
                );
                None
            }
        }
    }
}

fn incident_of(rule: &mut Rule) -> &mut Incident {
    rule.actions.incident.get_or_insert_default()
}

fn field(name: &str) -> Field {
    match name {
        "sender" => Field::Sender,
        "recipient" => Field::Recipient,
        "subject" => Field::Subject,
        "text" => Field::Text,
        "attachment" => Field::Attachment,
        other => Field::Header(other.to_ascii_lowercase()),
    }
}

/// The first character of a pattern that no folded text has: a capital that is no escape such as `\A`, or a letter that is folded.
fn unfolded(pattern: &str) -> Option<char> {
    let mut escaped = false;
    pattern.chars().find(|c| {
        let is_odd = !escaped && c.is_ascii_uppercase()
            || !c.is_ascii() && crate::mail::fold::folded(&c.to_string(), 8) != c.to_string();
        escaped = *c == '\\' && !escaped;
        is_odd
    })
}
