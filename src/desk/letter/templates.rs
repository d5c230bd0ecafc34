//! Templates: files in, texts out.
//!
//! Every template is compiled and proven when it is loaded: a variable outside the closed list is refused with file and line, and each is rendered with
//! samples, the full and the bare ones. So composing a letter cannot fail later; if it does nevertheless, the shipped English text is used.

use super::code;
use super::html::Html;
use super::shipped::SHIPPED;
use super::variables::{Content, *};
use crate::contract::Source;
use crate::diagnostic::Diagnostic;
use crate::mail::{Language, text};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// What one template may cost: the longest shipped one needs about 1,000.
const FUEL: u64 = 100_000;

/// A stranger's text in a notice: more than anybody reads in a mail; the rest is in the ticket.
const NEW_TEXT_BYTES_MAX: usize = 64 << 10;

/// Any other value: a line.
const VALUE_CHARS_MAX: usize = 500;

/// Entries of a list: no list of ours is longer, a mail's attachments may be.
const ITEMS_MAX: usize = 50;

/// Lines longer than this are broken where words allow.
pub const LINE_CHARS_MAX: usize = 76;

/// Before each line of a stranger's words: by it they are known again in an answer that quotes the letter.
pub const BAR: char = '|';

/// The letters' texts, compiled: `rules/letters/{de,gsw,en}/*`. The default has the shipped texts.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    /// What the letters to staff print of themselves, as [`Templates::words_to_staff`] has it.
    to_staff: Vec<BTreeSet<String>>,
}

/// A composed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub subject: String,
    /// LF line ends, lines at most 76 characters where words allow.
    pub text: String,
    /// Light HTML, or none.
    pub html: Option<Html>,
}

impl Default for Templates {
    fn default() -> Self {
        // The shipped texts are proven by a test; without them every letter would be empty.
        Templates::parse(&[]).unwrap_or_else(|_| Templates {
            environment: environment(),
            to_staff: vec![],
        })
    }
}

impl Templates {
    /// Compiles every template and proves it with sample variables. All faults found. What the files leave out is taken from the shipped texts.
    pub fn parse(files: &[Source]) -> Result<Templates, Vec<Diagnostic>> {
        let mut templates = Templates {
            environment: environment(),
            to_staff: vec![],
        };
        let mut faults = Vec::new();
        for (file, text) in SHIPPED {
            templates.add(file, text, &mut faults);
        }
        for source in files {
            templates.add(&source.file, &source.text, &mut faults);
        }
        templates.to_staff = templates.printed_to_staff();
        if faults.is_empty() {
            Ok(templates)
        } else {
            Err(faults)
        }
    }

    /// Composes the text of a letter from its variables.
    pub fn letter<C: Content>(&self, language: Language, content: &C) -> Text {
        self.letter_by(C::TEMPLATE, language, content)
    }

    /// The same by a template of that name, which has the same variables; by the usual one where there is none of that name.
    pub fn letter_by<C: Content>(&self, name: &str, language: Language, content: &C) -> Text {
        let mut variables = serde_json::to_value(content).unwrap_or_default();
        if let Json::Object(fields) = &mut variables {
            for (name, value) in fields.iter_mut() {
                *value = cleaned(name, value);
            }
        }
        let name = match self.has(name, "en") {
            true => name,
            false => C::TEMPLATE,
        };
        self.written(name, language, |_| variables)
    }

    /// Before the name of another acknowledgement, which rules choose (`template = "launch"`: `acknowledgement-launch.txt`).
    pub const ACKNOWLEDGEMENT: &'static str = "acknowledgement-";

    /// Whether rules can choose an acknowledgement of that name: whatever language a customer has, there is an English one.
    pub fn has_acknowledgement(&self, name: &str) -> bool {
        let stem = format!("{}{name}", Self::ACKNOWLEDGEMENT);
        sheet(&stem).is_some_and(|s| s.name == Acknowledgement::TEMPLATE) && self.has(&stem, "en")
    }

    fn has(&self, stem: &str, language: &str) -> bool {
        let key = format!("{language}/{stem}.txt");
        self.environment.get_template(&key).is_ok()
    }

    /// Before the name of a letter that staff answer with.
    pub const ANSWER: &'static str = "answer-";

    /// The names of the letters that staff can answer with.
    pub fn answers() -> impl Iterator<Item = &'static str> {
        SHEETS
            .iter()
            .filter_map(|s| s.name.strip_prefix(Self::ANSWER))
    }

    /// Composes a text in a language; `Other` is English. Variables that are missing are empty; an unknown name gives an empty text under that name.
    pub fn compose(&self, name: &str, language: Language, variables: &Json) -> Text {
        self.written(name, language, |sheet| sheet.completed(variables))
    }

    fn written(
        &self,
        name: &str,
        language: Language,
        variables: impl FnOnce(&Sheet) -> Json,
    ) -> Text {
        let Some(sheet) = sheet(name) else {
            return Text {
                subject: name.into(),
                text: String::new(),
                html: None,
            };
        };
        let variables = Value::from(Serde(variables(sheet)));
        // Of an acknowledgement that a rule chooses there may be no Swiss German: German is nearer than English then (C5.1).
        let nearest = match code(language) {
            "gsw" => &["gsw", "de", "en"][..],
            "de" => &["de", "en"],
            _ => &["en"],
        };
        nearest
            .iter()
            .find_map(|language| self.composed(name, sheet, language, &variables))
            .unwrap_or_else(|| sheet.last_resort(&variables))
    }

    fn composed(
        &self,
        name: &str,
        sheet: &Sheet,
        language: &'static str,
        variables: &Value,
    ) -> Option<Text> {
        let stem = format!("{language}/{name}");
        let part = |kind: &str| {
            let template = self
                .environment
                .get_template(&format!("{stem}.{kind}"))
                .ok()?;
            template.render(variables).ok()
        };
        let text = part("txt")?;
        let filled = filled(&text);
        let html = part("html").map_or_else(|| sheet.html(language, text), Html::Page);
        Some(Text {
            subject: one_line(&part("subject")?),
            text: filled,
            html: Some(html),
        })
    }

    /// What letters to staff say whatever they are about: each sentence, or part of one between two variables, that is long enough to be known again. Lower
    /// case, letters and digits alone; those of one letter together.
    pub fn words_to_staff(&self) -> &[BTreeSet<String>] {
        &self.to_staff
    }

    fn printed_to_staff(&self) -> Vec<BTreeSet<String>> {
        let to_staff = |key: &str| {
            let name = key.strip_suffix(".txt").and_then(|k| k.split_once('/'));
            name.is_some_and(|(_, name)| TO_STAFF.contains(&name))
        };
        let templates = self.environment.templates();
        let sources = templates.filter(|(key, _)| to_staff(key));
        sources.map(|(_, t)| printed(t.source())).collect()
    }

    fn add(&mut self, file: &str, source: &str, faults: &mut Vec<Diagnostic>) {
        match place(file) {
            Ok((language, stem, sheet, "html")) => {
                let key = format!("{language}/{stem}.html");
                self.compile(&key, source.to_string(), file, source, sheet, faults);
            }
            Ok((language, stem, sheet, _)) => {
                let Some((subject, text)) = subject_and_text(source) else {
                    let mut fault = Diagnostic::at(
                        file,
                        source,
                        0,
                        "a letter begins with its subject",
                        "write \"Subject: ...\", an empty line, the text",
                    );
                    fault.line = Some(1);
                    return faults.push(fault);
                };
                let key = format!("{language}/{stem}");
                self.compile(
                    &format!("{key}.subject"),
                    subject,
                    file,
                    source,
                    sheet,
                    faults,
                );
                self.compile(&format!("{key}.txt"), text, file, source, sheet, faults);
            }
            Err(fault) => faults.push(fault),
        }
    }

    fn compile(
        &mut self,
        key: &str,
        text: String,
        file: &str,
        source: &str,
        sheet: &Sheet,
        faults: &mut Vec<Diagnostic>,
    ) {
        if let Err(e) = self.environment.add_template_owned(key.to_string(), text) {
            return faults.push(fault(file, &e));
        }
        let Ok(template) = self.environment.get_template(key) else {
            return;
        };
        let known = sheet.variables();
        let mut unknown: Vec<_> = template
            .undeclared_variables(true)
            .into_iter()
            .filter(|name| !known.contains(name))
            .collect();
        unknown.sort();
        if !unknown.is_empty() {
            faults.extend(unknown.iter().map(|name| {
                let at = source.find(name.as_str()).unwrap_or(0);
                Diagnostic::at(
                    file,
                    source,
                    at,
                    format!("the letter \"{}\" has no variable \"{name}\"", sheet.name),
                    format!("use {}", known.join(", ")),
                )
            }));
            return;
        }
        if let Some(e) = sheet
            .samples()
            .iter()
            .find_map(|s| template.render(s).err())
        {
            faults.push(fault(file, &e));
        }
    }
}

/// Letters that staff get, and nobody else.
const TO_STAFF: [&str; 10] = [
    Notice::TEMPLATE,
    NoticeConfidential::TEMPLATE,
    Answering::TEMPLATE,
    Warning::TEMPLATE,
    Breach::TEMPLATE,
    Digest::TEMPLATE,
    OpeningDigest::TEMPLATE,
    Review::TEMPLATE,
    Transcript::TEMPLATE,
    Forward::TEMPLATE,
];

/// Fewer letters of a sentence stand in anybody's.
const WORDS_LETTERS_MIN: usize = 24;

/// The parts of a template that are long enough to be known again.
fn printed(source: &str) -> BTreeSet<String> {
    let words = literal(source).into_iter();
    words
        .flat_map(|words| words.split(['.', ':', ';', '\n']))
        .map(|words| {
            let letters = words.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|c| c.to_ascii_lowercase()).collect::<String>()
        })
        .filter(|words| words.len() >= WORDS_LETTERS_MIN)
        .collect()
}

/// What a template prints as it stands there: what is not between `{{` and `}}`, `{%` and `%}`, `{#` and `#}`.
fn literal(source: &str) -> Vec<&str> {
    let mut out = vec![];
    let mut rest = source;
    while let Some(at) = rest
        .find("{{")
        .into_iter()
        .chain(rest.find("{%"))
        .chain(rest.find("{#"))
        .min()
    {
        let (before, from) = rest.split_at(at);
        out.push(before);
        let end = match &from[..2] {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        rest = from.split_once(end).map_or("", |(_, behind)| behind);
    }
    out.push(rest);
    out
}

/// One template: its name, and the variables that prove it.
struct Sheet {
    name: &'static str,
    /// Whether addresses of pages in it are links in its HTML: not in what repeats a stranger's words.
    links: bool,
    /// Every variable with its empty value.
    bare: fn() -> Json,
    /// Values that reach the branches the bare ones do not.
    full: fn() -> Json,
}

const SHEETS: &[Sheet] = &[
    Sheet {
        name: Acknowledgement::TEMPLATE,
        links: true,
        bare: || bare(Acknowledgement::default()),
        full: || {
            json!({"ticket": 457, "vendor": "Example AG", "severity": 2, "severity_stated": true, "plan": "Extended SLA",
            "deadline": "Mon 30.03.2026 10:40", "opens": "Mon 30.03.2026 08:00",
            "missing": ["missing-impact", "missing-description", "missing-steps", "missing-expected", "missing-logs", "missing-isolation"],
            "incident": "We know of the disturbance.", "cut": true, "billing": true, "billing_address": "billing@vendor.example", "consulting": true, "end_user": true, "status_page": "https://status.example", "documentation": "https://docs.example", "community": "https://community.example",
            "escalation_normal": "within one business day", "escalation_urgent": "within two hours",
            "escalation_address": "hi@vendor.example", "phone": "+41 71 000 00 00"})
        },
    },
    Sheet {
        name: AcknowledgementSecurity::TEMPLATE,
        links: true,
        bare: || bare(AcknowledgementSecurity::default()),
        full: || {
            json!({"ticket": 457, "vendor": "Example AG", "received": "Mon 30.03.2026 10:40", "cut": true,
            "answer_within_hours": 48, "policy": "https://vendor.example/security", "key": "https://vendor.example/key.asc"})
        },
    },
    Sheet {
        name: Change::TEMPLATE,
        links: true,
        bare: || bare(Change::default()),
        full: || {
            json!({"ticket": 457, "vendor": "Example AG", "severity": 2, "severity_before": 1, "corrected": true, "reason": "Workaround",
            "deadline": "Mon 30.03.2026 10:40", "answered": false})
        },
    },
    Sheet {
        name: Answering::TEMPLATE,
        links: false,
        bare: || bare(Answering::default()),
        full: || json!({"ticket": 457, "queue": "support", "assignee": "Anna"}),
    },
    Sheet {
        name: Forward::TEMPLATE,
        links: false,
        bare: || bare(Forward::default()),
        full: || json!({"ticket": 457, "queue": "support", "reasons": ["routing.toml:3: an order"]}),
    },
    Sheet {
        name: Digest::TEMPLATE,
        links: false,
        bare: || bare(Digest::default()),
        full: || json!({"replies": true, "count": 7, "lines": ["#12: entry 3 Printer"]}),
    },
    Sheet {
        name: OpeningDigest::TEMPLATE,
        links: false,
        bare: || bare(OpeningDigest::default()),
        full: || {
            json!({"queue": "support", "day": "Mon 30.03.2026 08:00", "due": ["#1"], "unanswered": ["#2"], "unassigned": ["#3"],
            "quarantined": ["#4"], "failed": ["#5"], "filed": ["entry 7"], "head": "12 abcdef"})
        },
    },
    Sheet {
        name: Review::TEMPLATE,
        links: false,
        bare: || bare(Review::default()),
        full: || {
            json!({"customer": "ACME AG", "manager": "Carla", "from": "2026-03-16", "until": "2026-03-29", "received": 2, "tickets": ["#1"], "earlier": ["#2"],
            "met": 1, "missed": 1, "pending": 1, "promises": ["C4.1"], "responses": ["median"], "at_risk": 1, "risks": ["#2"], "credits": ["#1 C4.1"],
            "term": "2026-01-01 to 2026-12-31", "agreed": "8 h", "used": "3 h", "bookings": ["2026-03-20"]})
        },
    },
    Sheet {
        name: Cut::TEMPLATE,
        links: true,
        bare: || bare(Cut::default()),
        full: || json!({"ticket": 457, "vendor": "Example AG"}),
    },
    Sheet {
        name: Sealed::TEMPLATE,
        links: true,
        bare: || bare(Sealed::default()),
        full: || json!({"ticket": 457}),
    },
    Sheet {
        name: Notice::TEMPLATE,
        links: false,
        bare: || bare(Notice::default()),
        full: || {
            json!({"ticket": 457, "new": true, "reopened": true, "queue": "support", "customer": "ACME", "plan": "Extended SLA", "severity": 1,
            "severity_by": "rules", "reasons": ["production is down"], "tags": ["missing-steps"], "deadline": "Mon 30.03.2026 10:40", "internal": true,
            "explanation": ["Fri 16:40 to 17:00: 20 min"], "received": "Fri 27.03.2026 16:40", "from_name": "Rita", "from_address": "rita@acme.example",
            "trust": "proven", "subject": "Down", "new_text": "All is down.", "attachments": ["log.txt"], "oddities": ["no Date"], "assignee": "Anna",
            "tam": "Beat", "related": [12]})
        },
    },
    Sheet {
        name: NoticeConfidential::TEMPLATE,
        links: false,
        bare: || bare(NoticeConfidential::default()),
        full: || json!({"ticket": 457, "new": true, "age": "2 min", "deadline": "Mon 30.03.2026 10:40"}),
    },
    Sheet {
        name: Warning::TEMPLATE,
        links: false,
        bare: || bare(Warning::default()),
        full: || {
            json!({"ticket": 457, "queue": "support", "customer": "ACME", "plan": "Extended SLA", "severity": 1, "subject": "Down",
            "owed": "initial response", "clause": "C4.1", "internal": true, "deadline": "Mon 30.03.2026 10:40", "left": "20 min", "expired": "2 h 10 min", "percent": 75,
            "explanation": ["Fri 16:40 to 17:00: 20 min"], "cost": "each further 15 min: 1 day for ACME", "assignee": "Anna", "only": "a manager"})
        },
    },
    Sheet {
        name: Breach::TEMPLATE,
        links: false,
        bare: || bare(Breach::default()),
        full: || {
            json!({"ticket": 457, "queue": "support", "customer": "ACME", "plan": "Extended SLA", "severity": 1, "subject": "Down",
            "owed": "initial response", "clause": "C4.1", "internal": true, "deadline": "Mon 30.03.2026 10:40", "late": "45 min", "credit_days": 3,
            "provisional": true, "explanation": ["Fri 16:40 to 17:00: 20 min"], "cost": "each further 15 min: 1 day for ACME", "assignee": "Anna",
            "only": "a manager", "repeat": 2})
        },
    },
    Sheet {
        name: Transcript::TEMPLATE,
        links: false,
        bare: || bare(Transcript::default()),
        full: || json!({"ticket": 457, "done": ["severity is 2"], "wrong": ["#sverity is unknown"], "relayed_to": "rita@acme.example", "tried": true, "manual": ["#help: this manual"]}),
    },
    Sheet {
        name: "answer-consulting",
        links: true,
        bare: bare_answer,
        full: full_answer,
    },
    Sheet {
        name: "answer-end-user",
        links: true,
        bare: bare_answer,
        full: full_answer,
    },
];

fn bare_answer() -> Json {
    serde_json::to_value(Answer::default()).unwrap_or_default()
}

fn full_answer() -> Json {
    json!({"ticket": 457, "vendor": "Example AG", "by": "Anna Muster", "documentation": "https://docs.example", "community": "https://community.example"})
}

fn bare(content: impl Content) -> Json {
    serde_json::to_value(content).unwrap_or_default()
}

impl Sheet {
    fn variables(&self) -> Vec<String> {
        match (self.bare)() {
            Json::Object(fields) => fields.keys().cloned().collect(),
            _ => vec![],
        }
    }

    /// Bare, full, and full with every severity and every truth turned round.
    fn samples(&self) -> Vec<Value> {
        let full = self.completed(&(self.full)());
        let mut samples = vec![(self.bare)(), full.clone()];
        samples.extend((1..=4).map(|severity| {
            let mut sample = full.clone();
            if let Json::Object(fields) = &mut sample {
                for value in fields.values_mut().filter(|v| v.is_boolean()) {
                    *value = Json::Bool(false);
                }
                if let Some(value) = fields.get_mut("severity") {
                    *value = severity.into();
                }
            }
            sample
        }));
        samples.into_iter().map(|s| Value::from(Serde(s))).collect()
    }

    /// The variables given, and the empty value of each other. Unknown ones are left out, so that no text can come to depend on them.
    fn completed(&self, given: &Json) -> Json {
        let mut all = (self.bare)();
        if let (Json::Object(all), Json::Object(given)) = (&mut all, given) {
            for (name, value) in all.iter_mut() {
                if let Some(given) = given.get(name) {
                    *value = cleaned(name, given);
                }
            }
        }
        all
    }

    fn html(&self, language: &'static str, text: String) -> Html {
        Html::Of {
            language,
            text,
            links: self.links,
        }
    }

    /// When even the English text fails: the number, so that the letter is of some use.
    fn last_resort(&self, variables: &Value) -> Text {
        let ticket = variables
            .get_attr("ticket")
            .map(|t| t.to_string())
            .unwrap_or_default();
        Text {
            subject: format!("Ticket #{ticket}"),
            text: format!("Ticket #{ticket}\n"),
            html: None,
        }
    }
}

/// A value without anything that could pass for a line or a mark of ours; `new_text` alone may have lines, which a bar marks.
fn cleaned(name: &str, value: &Json) -> Json {
    match value {
        Json::String(s) if name == "new_text" => Json::String(readable(s)),
        Json::String(s) => Json::String(text::cleaned(s, VALUE_CHARS_MAX)),
        Json::Array(items) => items
            .iter()
            .take(ITEMS_MAX)
            .map(|item| cleaned(name, item))
            .collect(),
        other => other.clone(),
    }
}

fn readable(s: &str) -> String {
    let lines = s
        .lines()
        .map(|line| text::cleaned(line, usize::MAX))
        .collect::<Vec<_>>();
    let whole = lines.join("\n");
    let cut = whole.floor_char_boundary(NEW_TEXT_BYTES_MAX);
    if cut < whole.len() {
        format!(
            "{}\n[cut here: the whole mail is in the ticket]",
            &whole[..cut]
        )
    } else {
        whole
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    if let Ok(syntax) = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
    {
        environment.set_syntax(syntax);
    }
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    environment.add_filter("barred", barred);
    environment.add_filter("german", german);
    environment
}

/// A stranger's text with a bar before each line, so that it can be told from ours at a glance and no line of it looks like a command of a staff member.
fn barred(text: &str) -> String {
    text.lines()
        .map(|line| format!("{BAR} {line}").trim_end().to_string() + "\n")
        .collect()
}

/// The day of the week at the beginning of an instant, as German and Swiss German write it.
fn german(instant: &str) -> String {
    const DAYS: [(&str, &str); 7] = [
        ("Mon", "Mo"),
        ("Tue", "Di"),
        ("Wed", "Mi"),
        ("Thu", "Do"),
        ("Fri", "Fr"),
        ("Sat", "Sa"),
        ("Sun", "So"),
    ];
    DAYS.iter()
        .find_map(|(english, german)| Some(format!("{german}{}", instant.strip_prefix(english)?)))
        .unwrap_or_else(|| instant.to_string())
}

/// The template of that name: a shipped one, or another acknowledgement.
fn sheet(name: &str) -> Option<&'static Sheet> {
    let named = |name: &str| SHEETS.iter().find(|s| s.name == name);
    let is_another = |name: &str| {
        let own = name.strip_prefix(Templates::ACKNOWLEDGEMENT);
        own.is_some_and(|own| !own.is_empty())
    };
    named(name).or_else(|| named(Acknowledgement::TEMPLATE).filter(|_| is_another(name)))
}

/// Language, name, template and kind of a file by its name: `letters/de/change.txt`.
fn place(file: &str) -> Result<(&'static str, &str, &'static Sheet, &'static str), Diagnostic> {
    let refused = |problem: String, remedy: &str| Err(Diagnostic::of_file(file, problem, remedy));
    let mut parts = file.rsplit('/');
    let (name, folder) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let Some(language) = ["de", "gsw", "en"].into_iter().find(|l| *l == folder) else {
        return refused(
            format!("the folder \"{folder}\" is no language"),
            "use de, gsw or en",
        );
    };
    let (stem, kind) = name.rsplit_once('.').unwrap_or((name, ""));
    let Some(kind) = ["txt", "html"].into_iter().find(|k| *k == kind) else {
        return refused(
            format!("the ending of \"{name}\" is unknown"),
            "use .txt or .html",
        );
    };
    let Some(sheet) = sheet(stem) else {
        let names: Vec<_> = SHEETS.iter().map(|s| s.name).collect();
        return refused(
            format!("there is no letter \"{stem}\""),
            &format!(
                "use {}, or {}NAME for an acknowledgement that a rule chooses",
                names.join(", "),
                Templates::ACKNOWLEDGEMENT
            ),
        );
    };
    Ok((language, stem, sheet, kind))
}

/// The subject, and the text after as many line ends as stood before it, so that the lines of messages are the file's.
fn subject_and_text(source: &str) -> Option<(String, String)> {
    let (first, rest) = source.split_once('\n')?;
    let subject = first.strip_prefix("Subject:")?.trim();
    (!subject.is_empty()).then(|| (subject.to_string(), format!("\n{rest}")))
}

fn fault(file: &str, e: &minijinja::Error) -> Diagnostic {
    Diagnostic {
        file: file.into(),
        line: e.line(),
        problem: e
            .detail()
            .map_or_else(|| e.kind().to_string(), str::to_string),
        remedy: "see the table of variables in the manual of letters".into(),
    }
}

fn one_line(s: &str) -> String {
    s.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// No more than one empty line in a row, none at the ends, long lines broken; a stranger's barred lines as they are.
fn filled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() {
            if !empty {
                out.push('\n');
            }
            empty = true;
            continue;
        }
        empty = false;
        if line.starts_with(BAR) || line.chars().count() <= LINE_CHARS_MAX {
            out.push_str(line);
            out.push('\n');
        } else {
            break_line(line, &mut out);
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn break_line(line: &str, out: &mut String) {
    let text = line.trim_start_matches([' ', '-']);
    let mark = &line[..line.len() - text.len()];
    let hanging = " ".repeat(mark.len());
    let mut width = mark.len();
    out.push_str(mark);
    for (i, word) in text.split(' ').enumerate() {
        let chars = word.chars().count();
        if i > 0 && width + 1 + chars > LINE_CHARS_MAX {
            out.push('\n');
            out.push_str(&hanging);
            width = hanging.len();
        } else if i > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += chars;
    }
    out.push('\n');
}
