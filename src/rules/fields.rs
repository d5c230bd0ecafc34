//! The fields of a mail as rules see them, and all patterns over them: few automata, whatever the number of rules.

use crate::diagnostic::Diagnostic;
use crate::mail::Mail;
use crate::mail::automaton::{Automaton, Limits};
use crate::mail::fold::{FOLDED_BYTES_MAX, folded};
use rayon::prelude::*;
use regex::bytes::{Regex, RegexBuilder};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// One pattern compiled may cost so much; a larger one is a mistake (`\w{1000}`).
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// All patterns of a field together. Too few states, and they are forgotten again and again, which is what made it slow.
const LIMITS: Limits = Limits {
    patterns_bytes: 64 << 20,
    states_bytes: 16 << 20,
};

/// Short fields are cut to this.
const SHORT_FIELD_BYTES_MAX: usize = 8 << 10;

/// Where a pattern looks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Sender,
    Recipient,
    Subject,
    Text,
    Attachment,
    /// By its name in lower case.
    Header(String),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Sender => f.write_str("sender"),
            Field::Recipient => f.write_str("recipient"),
            Field::Subject => f.write_str("subject"),
            Field::Text => f.write_str("text"),
            Field::Attachment => f.write_str("attachment"),
            Field::Header(name) => f.write_str(name),
        }
    }
}

/// A mail's fields, folded.
#[derive(Debug, Default)]
pub struct Texts(BTreeMap<Field, String>);

impl Texts {
    /// Those of a mail; of its header only the fields named.
    pub fn of<'a>(mail: &Mail, header_names: impl Iterator<Item = &'a str>) -> Self {
        let addresses = |mailboxes: &mut dyn Iterator<Item = &crate::mail::Mailbox>| {
            let lines: Vec<_> = mailboxes.map(|m| m.address.as_str()).take(100).collect();
            lines.join("\n")
        };
        let names: Vec<_> = mail.attachments.iter().map(|a| a.name.as_str()).collect();
        let mut texts = Texts::default();
        texts.add(Field::Subject, &mail.subject);
        texts.add(Field::Text, &mail.new_text);
        texts.add(Field::Sender, &addresses(&mut mail.from.iter()));
        texts.add(
            Field::Recipient,
            &addresses(&mut mail.to.iter().chain(&mail.cc)),
        );
        texts.add(Field::Attachment, &names.join("\n"));
        for name in header_names {
            let values: Vec<_> = mail.headers(name).take(20).collect();
            texts.add(Field::Header(name.into()), &values.join("\n"));
        }
        texts
    }

    /// One field more.
    pub fn add(&mut self, field: Field, text: &str) {
        let bytes_max = match field {
            Field::Text => FOLDED_BYTES_MAX,
            _ => SHORT_FIELD_BYTES_MAX,
        };
        self.0.insert(field, folded(text, bytes_max));
    }
}

/// Number of a pattern in [`Patterns`].
pub type PatternId = usize;

/// Every pattern of every rule.
#[derive(Debug, Default)]
pub struct Patterns {
    all: Vec<Pattern>,
    sets: Vec<Set>,
}

#[derive(Debug)]
struct Pattern {
    field: Field,
    expression: Arc<Expression>,
}

/// A regular expression. Compiled alone where somebody asks what it matched: a book has hundreds, and a mail matches a few.
#[derive(Debug)]
struct Expression {
    text: String,
    alone: OnceLock<Option<Regex>>,
}

impl Expression {
    /// Nothing where it cannot be compiled, which [`Patterns::compile`] has told then.
    fn alone(&self) -> Option<&Regex> {
        let compiled = self.alone.get_or_init(|| compiled(&self.text).ok());
        compiled.as_ref()
    }
}

fn compiled(expression: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(expression)
        .unicode(false)
        .multi_line(true)
        .size_limit(PATTERN_BYTES_MAX)
        .build()
}

/// An automaton, and the fields that are searched with it. Most rules speak of subject and text alike, so these two share theirs.
#[derive(Debug)]
struct Set {
    automaton: Automaton,
    /// With the pattern that each expression of the set is in this field.
    fields: Vec<(Field, Vec<Option<PatternId>>)>,
}

/// Which patterns were found in a mail.
#[derive(Debug)]
pub struct Found(Vec<bool>);

impl Found {
    /// Whether this one was.
    pub fn has(&self, id: PatternId) -> bool {
        self.0.get(id).copied().unwrap_or(false)
    }

    /// Whether one of these was.
    pub fn any(&self, ids: &[PatternId]) -> bool {
        ids.iter().any(|id| self.has(*id))
    }
}

impl Patterns {
    /// One pattern more, for each of these fields. Compiled alone at once, so that a bad one is named, unless it is known to be good.
    pub fn add(
        &mut self,
        pattern: &str,
        fields: &[Field],
        is_proven: bool,
    ) -> Result<Vec<PatternId>, String> {
        let text = spaced(pattern);
        let alone = OnceLock::new();
        if !is_proven {
            let regex = compiled(&text).map_err(reason)?;
            if regex.is_match(b"") {
                return Err("the pattern matches an empty text, so it is always found".into());
            }
            // Alone it can be searched in more ways than together with all others.
            if let Err(e) = Automaton::of_lines(&[&text], LIMITS) {
                return Err(match e.contains("word boundar") {
                    true => {
                        r"\b under (?u) cannot be searched for; write \b without (?u), or (?:^|\W)"
                            .into()
                    }
                    false => e,
                });
            }
            let _ = alone.set(Some(regex));
        }
        let expression = Arc::new(Expression { text, alone });
        Ok(fields
            .iter()
            .map(|field| {
                self.all.push(Pattern {
                    field: field.clone(),
                    expression: expression.clone(),
                });
                self.all.len() - 1
            })
            .collect())
    }

    /// Compiles two automata a field, one of them for what has gaps; subject and text share theirs.
    pub fn compile(&mut self) -> Result<(), Diagnostic> {
        let mut shared: BTreeMap<(&Field, bool), Vec<PatternId>> = BTreeMap::new();
        for (id, pattern) in self.all.iter().enumerate() {
            let with = match &pattern.field {
                Field::Subject => &Field::Text,
                other => other,
            };
            let has_gap = has_gap(&pattern.expression.text);
            shared.entry((with, has_gap)).or_default().push(id);
        }
        let shared: Vec<_> = shared.into_iter().collect();
        let sets: Vec<Result<Set, Diagnostic>> = shared
            .par_iter()
            .map(|((field, _), ids)| self.set(field, ids))
            .collect();
        // Of several faults always the first is told.
        self.sets = sets.into_iter().collect::<Result<_, _>>()?;
        Ok(())
    }

    fn set(&self, name: &Field, ids: &[PatternId]) -> Result<Set, Diagnostic> {
        let mut expressions: Vec<&Arc<Expression>> = Vec::new();
        let mut fields: BTreeMap<&Field, Vec<Option<PatternId>>> = BTreeMap::new();
        for id in ids {
            let Pattern { field, expression } = &self.all[*id];
            // The same expression for subject and text comes twice in a row.
            if !expressions
                .last()
                .is_some_and(|e| Arc::ptr_eq(e, expression))
            {
                expressions.push(expression);
            }
            let ids = fields.entry(field).or_default();
            ids.resize(expressions.len(), None);
            ids[expressions.len() - 1] = Some(*id);
        }
        let texts: Vec<&str> = expressions.iter().map(|e| e.text.as_str()).collect();
        let automaton = Automaton::of_lines(&texts, LIMITS).map_err(|e| {
            let name = match name {
                Field::Text => "subject and text".to_string(),
                other => other.to_string(),
            };
            let problem = format!("all patterns on {name} together are too large: {e}");
            let remedy = "use fewer bounded repetitions such as {0,50}";
            Diagnostic::of_file("rules/mailboxes", problem, remedy)
        })?;
        let fields = fields.into_iter().map(|(field, ids)| (field.clone(), ids));
        Ok(Set {
            automaton,
            fields: fields.collect(),
        })
    }

    /// The header fields that any pattern looks at.
    pub fn header_names(&self) -> impl Iterator<Item = &str> {
        let fields = self.sets.iter().flat_map(|set| &set.fields);
        fields.filter_map(|(field, _)| match field {
            Field::Header(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Which patterns are found: one pass over each field.
    pub fn found(&self, texts: &Texts) -> Found {
        let mut found = vec![false; self.all.len()];
        for set in &self.sets {
            for (field, ids) in &set.fields {
                let Some(text) = texts.0.get(field) else {
                    continue;
                };
                for hit in set.automaton.matches(text) {
                    if let Some(id) = ids.get(hit).copied().flatten() {
                        found[id] = true;
                    }
                }
            }
        }
        Found(found)
    }

    /// Which of a few patterns are found. Each alone: for one rule on a short text that is far less than a pass with all of them.
    pub fn found_among(&self, ids: impl Iterator<Item = PatternId>, texts: &Texts) -> Found {
        let mut found = vec![false; self.all.len()];
        for id in ids {
            let pattern = &self.all[id];
            let text = texts.0.get(&pattern.field);
            found[id] = text
                .zip(pattern.expression.alone())
                .is_some_and(|(text, regex)| regex.is_match(text.as_bytes()));
        }
        Found(found)
    }

    /// Where a pattern looks.
    pub fn field(&self, id: PatternId) -> &Field {
        &self.all[id].field
    }

    /// The text that a pattern matches.
    pub fn matched(&self, id: PatternId, texts: &Texts) -> Option<String> {
        let pattern = self.all.get(id)?;
        let text = texts.0.get(&pattern.field)?.as_bytes();
        let found = pattern.expression.alone()?.find(text)?;
        Some(String::from_utf8_lossy(found.as_bytes()).into_owned())
    }
}

/// Whether a pattern lets any text stand between two of its words. Each such gap that a text is in at a time makes states of its own, times those of all other
/// patterns: apart from them, both automata together need half of the states.
fn has_gap(pattern: &str) -> bool {
    ["{0,", "{1,", "{2,", ".*", "]*"]
        .iter()
        .any(|gap| pattern.contains(gap))
}

/// A space outside brackets stands for any white space: lines are broken anywhere in a mail.
fn spaced(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let (mut in_class, mut escaped) = (false, false);
    for c in pattern.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            ' ' if !in_class => {
                // In a group, so that a quantifier after it means the space.
                out.push_str(r"(?:\s+)");
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// The last line of regex's message says what is wrong; the ones before draw it.
fn reason(e: regex::Error) -> String {
    match e {
        regex::Error::CompiledTooBig(bytes) => format!("the pattern needs more than {bytes} bytes"),
        e => {
            let message = e.to_string();
            let last = message.lines().last().unwrap_or("").trim();
            last.trim_start_matches("error: ").to_string()
        }
    }
}
