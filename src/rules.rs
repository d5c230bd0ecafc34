//! Rule files in, a verdict on a mail out: queue, severity, and why.
//!
//! Knows patterns over a mail's fields; knows nothing of tickets. Rules see folded text (DESIGN.md, "Rules must be fast on German").
//!
//! A rule file is TOML. Rules are tried from top to bottom, files in the order given; of two rules that set the same thing the first wins, tags add up.
//!
//! ```toml
//! queues = ["support"]            # optional: the file speaks of these mailboxes only
//!
//! [words]                         # optional: {{name}} in a pattern below stands for this
//! production = 'prod|production|live system'
//!
//! [[rule]]
//! because = "production is down"                  # shown to staff
//! said    = '\b({{production}}) is (down|dead)\b' # a condition
//! severity = 1                                    # an action
//! matches = ["PROD is down since 9"]              # proven when the file is loaded, unless it is one that ships
//! ignores = ["Countdown to production"]
//! ```
//!
//! | condition | holds if |
//! | --- | --- |
//! | `said`, `also` | one of the patterns is found in the subject or the new text |
//! | `unless` | none of the patterns is found in the subject or the new text |
//! | `subject`, `text`, `sender`, `recipient`, `attachment` | one of the patterns is found there; `text` is the new text, without quotation and signature |
//! | `header` | a table of field names, each with patterns, all of which hold |
//! | `language`, `customer`, `plan`, `kind`, `trust` | the word is one of those given |
//! | `known`, `reply` | true or false: the sender is a customer's; the mail refers to another one |
//! | `attachments` | true or false: it has any |
//! | `tagged`, `untagged` | a rule above has set one of these tags; none of them |
//! | `until` | the mail was received before this date and time (`2026-11-23T18:00:00+01:00`) |
//!
//! All conditions given must hold. A pattern is a regular expression over folded text: lower case, `ue` for ü, `e` for é, ASCII quotes. A space in it stands for any
//! white space, `^` and `$` are the ends of a line, `\A` and `\z` those of the text. Look-around and back references do not exist, so no mail can make a rule slow.
//!
//! Actions: `severity` (found from the description), `severity_stated` (in so many words), `queue`, `order` (the plan that it is on, of those that its customer
//! ordered), `tag`, `assign`, `template` (`"launch"` acknowledges with `letters/<language>/acknowledgement-launch.txt`), `forward` (an address that gets a copy of the
//! mail; none of a confidential queue leaves), `file = true`, `quarantine = true`, `incident`.
//!
//! A known incident is a rule with an end: `incident = 512` links each new ticket that it is for to the incident's own ticket, and `acknowledge = { de = "...",
//! en = "..." }` stands in their acknowledgements. `#everyone TEXT` on the incident's ticket then answers them all, each on its own ticket. The rule ends by `until`.
//!
//! An example is a text, which stands for each field that the rule looks at, or a table of fields: `{ subject = "...", text = "..." }`. Examples prove the patterns;
//! the conditions on facts are taken as given.

mod examples;
mod fields;
mod reading;
mod shipped;

use crate::contract::Source;
use crate::diagnostic::Diagnostic;
use crate::mail::{Language, Mail, text};
use chrono::{DateTime, Utc};
use fields::{Found, Patterns, Texts};
use reading::{Fact, Rule};

pub use shipped::SHIPPED;

/// A matched text in a reason is cut to this.
const SHOWN_CHARS_MAX: usize = 80;

/// All rules, compiled.
#[derive(Debug, Default)]
pub struct RuleBook {
    rules: Vec<Rule>,
    patterns: Patterns,
}

/// What a rule may ask about beside the mail itself.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The queue of the mailbox it came to.
    pub queue: String,
    /// The customer's id, empty if unknown.
    pub customer: String,
    /// The plan's id.
    pub plan: String,
    /// `aligned`, `submitted`, `unknown`, `unproven`, `ambiguous`.
    pub trust: String,
    /// When the mail was received (C4.2).
    pub received: DateTime<Utc>,
}

/// What the rules find, with reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Another queue than the mailbox's.
    pub queue: Option<String>,
    /// The plan of the customer's order that it is on, instead of the usual one (C3.4).
    pub order: Option<String>,
    /// 1 to 4 as the customer states it in so many words (C6.4).
    pub severity_stated: Option<u8>,
    /// 1 to 4 as the rules find it from the description (C6.4).
    pub severity_found: Option<u8>,
    /// Marks for staff: `second-problem`, `escalation-wish`, `missing-steps`, `billing`…
    pub tags: Vec<String>,
    /// The person to assign.
    pub assign: Option<String>,
    /// The letter template to acknowledge with instead of the usual one.
    pub template: Option<String>,
    /// An address to hand a copy to.
    pub forward: Option<String>,
    /// File without answer.
    pub file: bool,
    /// Set aside for a person.
    pub quarantine: bool,
    /// What it is about is known.
    pub incident: Option<Incident>,
    /// Each rule that matched: its file and line, its `because`, and the text that matched.
    pub reasons: Vec<String>,
}

/// A known incident, as a rule names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incident {
    /// Its own ticket.
    pub ticket: u64,
    /// What the acknowledgement says of it, by language.
    texts: Vec<(String, String)>,
}

impl Incident {
    /// What the acknowledgement says in this language, or in the nearest there is (C5.1).
    pub fn text(&self, language: Language) -> &str {
        let nearest = match language {
            Language::De => ["de", "en"],
            Language::Gsw => ["gsw", "de"],
            Language::En | Language::Other => ["en", "de"],
        };
        let written = |wanted: &&str| self.texts.iter().find(|(language, _)| language == wanted);
        let found = nearest.iter().find_map(written).or(self.texts.first());
        found.map_or("", |(_, text)| text)
    }
}

/// What a rule book finds in a mail's texts.
#[derive(Debug)]
pub struct Searched {
    found: Found,
    /// Of each rule whose conditions on texts hold: what they matched, for people.
    shown: Vec<Option<Vec<String>>>,
}

/// One rule tried against one mail: a line of `ticketd rules explain`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// File and line.
    pub place: String,
    /// What the rule says.
    pub because: String,
    /// What it looked for and found; or the first condition that does not hold.
    pub result: Result<Vec<String>, String>,
}

/// What a rule names that stands in other files.
#[derive(Clone, Copy, Debug)]
pub struct Named<'r> {
    /// The rule's file.
    pub file: &'r str,
    /// Where it begins.
    pub line: usize,
    /// A queue.
    pub queue: Option<&'r str>,
    /// Somebody of the staff.
    pub assign: Option<&'r str>,
    /// An acknowledgement.
    pub template: Option<&'r str>,
    /// An address.
    pub forward: Option<&'r str>,
}

impl RuleBook {
    /// Compiles rule files in the order given. Each pattern is compiled alone first, so that the bad one is named, and each rule's examples are proven:
    /// in a shipped file that nobody has changed the tests of this very program have done both, and compiling all of it again is most of a start.
    pub fn parse(files: &[Source]) -> Result<RuleBook, Vec<Diagnostic>> {
        RuleBook::read(files, |source| {
            SHIPPED.iter().any(|(_, text)| *text == source.text)
        })
    }

    /// Compiles rule files and proves every example, those of the shipped files too.
    pub fn proven(files: &[Source]) -> Result<RuleBook, Vec<Diagnostic>> {
        RuleBook::read(files, |_| false)
    }

    fn read(
        files: &[Source],
        is_proven: impl Fn(&Source) -> bool,
    ) -> Result<RuleBook, Vec<Diagnostic>> {
        let mut faults = Vec::new();
        let mut book = RuleBook::default();
        let mut to_prove = Vec::new();
        for source in files {
            let is_proven = is_proven(source);
            let before = book.rules.len();
            let (patterns, rules) = (&mut book.patterns, &mut book.rules);
            reading::read(source, is_proven, patterns, rules, &mut faults);
            if !is_proven {
                to_prove.push(before..book.rules.len());
            }
        }
        if let Err(fault) = book.patterns.compile() {
            faults.push(fault);
        }
        if faults.is_empty() {
            let rules = to_prove.into_iter().flat_map(|range| &book.rules[range]);
            faults.extend(rules.flat_map(|rule| examples::prove(&book.patterns, rule)));
        }
        if faults.is_empty() {
            Ok(book)
        } else {
            Err(faults)
        }
    }

    /// The rules that ship with ticketd.
    pub fn shipped() -> Result<RuleBook, Vec<Diagnostic>> {
        RuleBook::parse(&RuleBook::shipped_files())
    }

    /// Their files.
    pub fn shipped_files() -> Vec<Source> {
        let source = |(file, text): &(&str, &str)| Source {
            file: file.to_string(),
            text: text.to_string(),
        };
        SHIPPED.iter().map(source).collect()
    }

    /// What the rules of edited files name that stands in other files. A shipped rule may name what an installation does not have, and then does nothing.
    pub fn named(&self) -> impl Iterator<Item = Named<'_>> {
        let own = self.rules.iter().filter(|rule| !rule.is_proven);
        own.map(|rule| Named {
            file: &rule.file,
            line: rule.line,
            queue: rule.actions.queue.as_deref(),
            assign: rule.actions.assign.as_deref(),
            template: rule.actions.template.as_deref(),
            forward: rule.actions.forward.as_deref(),
        })
    }

    /// How many rules it has.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The verdict on a mail. Linear in the mail.
    pub fn classify(&self, mail: &Mail, facts: &Facts) -> Verdict {
        self.judged(mail, facts, &self.searched(mail))
    }

    /// What the patterns find in a mail: the costly part of a verdict, and the one that no fact changes.
    pub fn searched(&self, mail: &Mail) -> Searched {
        let texts = Texts::of(mail, self.patterns.header_names());
        let found = self.patterns.found(&texts);
        let shown = |rule: &Rule| {
            let holds = rule.missing_text(&found).is_none();
            holds.then(|| rule.shown(&self.patterns, &texts, &found))
        };
        let shown = self.rules.iter().map(shown).collect();
        Searched { found, shown }
    }

    /// The verdict on a mail that these rules have searched.
    pub fn judged(&self, mail: &Mail, facts: &Facts, searched: &Searched) -> Verdict {
        let mut verdict = Verdict::default();
        self.each(mail, facts, searched, |rule, result| {
            if let Ok(shown) = result {
                verdict.take(rule, shown);
            }
        });
        verdict
    }

    /// Every rule tried, in order, with the text that matched.
    pub fn explain(&self, mail: &Mail, facts: &Facts) -> Vec<Tried> {
        let mut tried = Vec::new();
        let searched = self.searched(mail);
        self.each(mail, facts, &searched, |rule, result| {
            tried.push(Tried {
                place: format!("{}:{}", rule.file, rule.line),
                because: rule.because.clone(),
                result: result
                    .map(<[String]>::to_vec)
                    .map_err(|missing| missing.to_string()),
            });
        });
        tried
    }

    fn each(
        &self,
        mail: &Mail,
        facts: &Facts,
        searched: &Searched,
        mut tell: impl FnMut(&Rule, Result<&[String], Missing>),
    ) {
        let words = Words {
            language: word(&mail.language),
            kind: word(&mail.kind),
        };
        let mut tags: Vec<String> = Vec::new();
        for (rule, shown) in self.rules.iter().zip(&searched.shown) {
            let missing = rule
                .missing_fact(mail, &words, facts, &tags)
                .or_else(|| rule.missing_text(&searched.found));
            match missing {
                Some(missing) => tell(rule, Err(missing)),
                None => {
                    tell(rule, Ok(shown.as_deref().unwrap_or_default()));
                    tags.extend(rule.actions.tags.iter().cloned());
                }
            }
        }
    }
}

impl Verdict {
    fn take(&mut self, rule: &Rule, shown: &[String]) {
        let actions = &rule.actions;
        fn first<T: Clone>(mine: &mut Option<T>, theirs: &Option<T>) {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        }
        first(&mut self.queue, &actions.queue);
        first(&mut self.order, &actions.order);
        first(&mut self.severity_stated, &actions.severity_stated);
        first(&mut self.severity_found, &actions.severity_found);
        first(&mut self.assign, &actions.assign);
        first(&mut self.template, &actions.template);
        first(&mut self.forward, &actions.forward);
        first(&mut self.incident, &actions.incident);
        self.file |= actions.file;
        self.quarantine |= actions.quarantine;
        for tag in &actions.tags {
            if !self.tags.contains(tag) {
                self.tags.push(tag.clone());
            }
        }
        // Staff read it in a mail: the file's name is enough there.
        let file = rule.file.rsplit('/').next().unwrap_or(&rule.file);
        let mut reason = format!("{file}:{}: {}", rule.line, rule.because);
        if !shown.is_empty() {
            reason.push_str(&format!(" ({})", shown.join(", ")));
        }
        self.reasons.push(reason);
    }
}

impl Rule {
    /// The first condition on facts that does not hold.
    fn missing_fact<'a>(
        &'a self,
        mail: &Mail,
        about: &'a Words,
        facts: &'a Facts,
        tags: &[String],
    ) -> Option<Missing<'a>> {
        if !self.queues.is_empty() && !self.queues.contains(&facts.queue) {
            return Some(Missing::Fact("queue", &facts.queue));
        }
        if self.until.is_some_and(|until| facts.received >= until) {
            return Some(Missing::Ended);
        }
        let truth = |is: bool| if is { "true" } else { "false" };
        self.facts.iter().find_map(|(fact, words)| {
            let (name, value) = match fact {
                Fact::Language => ("language", about.language.as_str()),
                Fact::Kind => ("kind", about.kind.as_str()),
                Fact::Customer => ("customer", facts.customer.as_str()),
                Fact::Plan => ("plan", facts.plan.as_str()),
                Fact::Trust => ("trust", facts.trust.as_str()),
                Fact::Known => ("known", truth(!facts.customer.is_empty())),
                Fact::Attachments => ("attachments", truth(!mail.attachments.is_empty())),
                Fact::Reply => {
                    let refers = !mail.in_reply_to.is_empty() || !mail.references.is_empty();
                    ("reply", truth(refers))
                }
                Fact::Tagged => {
                    let has = words.iter().any(|w| tags.contains(w));
                    return (!has).then_some(Missing::Tag(words));
                }
                Fact::Untagged => {
                    let tag = words.iter().find(|w| tags.contains(w))?;
                    return Some(Missing::NoTag(tag));
                }
            };
            (!words.iter().any(|w| w == value)).then_some(Missing::Fact(name, value))
        })
    }

    /// The first condition on texts that does not hold.
    fn missing_text(&self, found: &Found) -> Option<Missing<'_>> {
        let absent = self.all.iter().find(|c| !found.any(&c.patterns));
        let present = self.none.iter().find(|c| found.any(&c.patterns));
        absent
            .map(|c| Missing::Text(&c.name))
            .or_else(|| present.map(|c| Missing::NoText(&c.name)))
    }

    /// What each condition on texts matched, for people.
    fn shown(&self, patterns: &Patterns, texts: &Texts, found: &Found) -> Vec<String> {
        self.all
            .iter()
            .filter_map(|condition| {
                let id = condition.patterns.iter().find(|id| found.has(**id))?;
                let matched = text::cleaned(&patterns.matched(*id, texts)?, SHOWN_CHARS_MAX);
                let matched = matched.split_whitespace().collect::<Vec<_>>().join(" ");
                Some(format!("{} {matched:?}", patterns.field(*id)))
            })
            .collect()
    }
}

/// A mail's language and kind, as rules name them.
struct Words {
    language: String,
    kind: String,
}

/// A condition that does not hold. Words are made of it only where somebody reads them.
enum Missing<'a> {
    /// It is another one: this.
    Fact(&'static str, &'a str),
    Tag(&'a [String]),
    NoTag(&'a str),
    /// Its time is over.
    Ended,
    Text(&'a str),
    NoText(&'a str),
}

impl std::fmt::Display for Missing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Missing::Fact(name, value) => write!(f, "{name} is {value:?}"),
            Missing::Tag(tags) => write!(f, "not tagged {}", tags.join(" or ")),
            Missing::NoTag(tag) => write!(f, "tagged {tag}"),
            Missing::Ended => write!(f, "it has ended"),
            Missing::Text(condition) => write!(f, "{condition} does not match"),
            Missing::NoText(condition) => write!(f, "{condition} matches"),
        }
    }
}

/// The word that files and people use for it.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
