//! Everything that the desk goes by: the rules folder, read, compiled, and held against what its files say of each other.

use super::Config;
use crate::contract::{Book, Source};
use crate::desk::letter::Templates;
use crate::desk::policy::{Former, Policy};
use crate::desk::token::Keys;
use crate::diagnostic::Diagnostic;
use crate::mail::Fingerprint;
use crate::rules::RuleBook;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Config {
    /// The files of the rules folder: contract, customers, staff; mailbox rules; letters.
    fn sources(&self) -> Result<Sources, Vec<Diagnostic>> {
        let single = |name: &str| source(&self.rules.join(name)).map_err(|d| vec![d]);
        Ok(Sources {
            contract: single("contract.toml")?,
            customers: single("customers.toml")?,
            staff: single("staff.toml")?,
            rules: folder(&self.rules.join("mailboxes"), "toml")?,
            letters: ["de", "gsw", "en"]
                .iter()
                .map(|l| self.rules.join("letters").join(l))
                .map(|f| folder(&f, ""))
                .collect::<Result<Vec<_>, _>>()?
                .concat(),
        })
    }

    /// Everything the desk goes by: the rules folder read and compiled, the examples of what is not shipped proven. All faults found.
    pub fn policy(&self, keys: Keys) -> Result<Policy, Vec<Diagnostic>> {
        let sources = self.sources()?;
        // Compiling them is most of a start.
        let (rules, (book, templates)) = rayon::join(
            || RuleBook::parse(&sources.rules),
            || {
                (
                    Book::parse(&sources.contract, &sources.customers, &sources.staff),
                    Templates::parse(&sources.letters),
                )
            },
        );
        let (book, rules, templates) = match (book, rules, templates) {
            (Ok(book), Ok(rules), Ok(templates)) => (book, rules, templates),
            (book, rules, templates) => {
                return Err([book.err(), rules.err(), templates.err()]
                    .into_iter()
                    .flatten()
                    .flatten()
                    .collect());
            }
        };
        let sent_of = self.sent_of(&book).map_err(|fault| vec![fault])?;
        let faults = self.unknown_to_rules(&rules, &book, &templates);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Policy {
            sent_of,
            security: self.security,
            book: Arc::new(book),
            book_hash: sources.book_hash(),
            former: Former::default(),
            rules: Arc::new(rules),
            templates: Arc::new(templates),
            keys,
            domain: self.domain.clone(),
            queues: self.queues.clone(),
            authserv_id: self.authserv_id.clone(),
            acknowledge: self.acknowledge,
            since: self.since,
            hold_letters: self.hold_letters,
            bounce_address: self.bounce_address.clone(),
            reopen_within_days: self.reopen_within_days,
            links: self.links.clone(),
        })
    }

    /// What rules name and nobody has: a queue, a person, an acknowledgement, an address to write to.
    fn unknown_to_rules(
        &self,
        rules: &RuleBook,
        book: &Book,
        templates: &Templates,
    ) -> Vec<Diagnostic> {
        let queues: Vec<&str> = self.queues.iter().map(|q| q.name.as_str()).collect();
        let people: Vec<&str> = book.staff.people.iter().map(|p| p.id.as_str()).collect();
        let mut faults = vec![];
        for rule in rules.named() {
            let mut fault = |problem: String, remedy: String| {
                faults.push(Diagnostic {
                    file: rule.file.into(),
                    line: Some(rule.line),
                    problem,
                    remedy,
                });
            };
            if let Some(queue) = rule.queue.filter(|q| !queues.contains(q)) {
                let remedy = format!("use one of {}", queues.join(", "));
                fault(
                    format!("the rule's queue \"{queue}\" is none of the configuration"),
                    remedy,
                );
            }
            if let Some(person) = rule.assign.filter(|p| !people.contains(p)) {
                let remedy = format!("use one of {}", people.join(", "));
                fault(
                    format!("the rule assigns \"{person}\", who is nobody of staff.toml"),
                    remedy,
                );
            }
            if let Some(name) = rule.template.filter(|t| !templates.has_acknowledgement(t)) {
                let remedy =
                    format!("write letters/en/acknowledgement-{name}.txt, or leave template out");
                fault(
                    format!("the rule acknowledges with \"{name}\", and there is no such letter"),
                    remedy,
                );
            }
            if let Some(address) = rule.forward {
                if crate::mail::address::strict(address).is_none() {
                    fault(
                        format!("the rule hands mail on to \"{address}\", which is no address"),
                        "write one plain address, such as orders@vendor.example".into(),
                    );
                } else if self.queues.iter().any(|q| q.is_reached_by(address)) {
                    fault(
                        format!("the rule hands mail on to {address}, which is a queue's own"),
                        "use queue = \"NAME\", which moves it there".into(),
                    );
                }
            }
        }
        faults
    }

    /// Whose Sent folders are watched, by mailbox.
    fn sent_of(&self, book: &Book) -> Result<BTreeMap<String, String>, Diagnostic> {
        let mut folders = BTreeMap::new();
        for mailbox in &self.mailboxes {
            let Some(written) = &mailbox.sent_of else {
                continue;
            };
            let id = written.get_ref();
            if book.staff.by_id(id).is_none() {
                let people: Vec<&str> = book.staff.people.iter().map(|p| p.id.as_str()).collect();
                // For the number of the line alone.
                let text = std::fs::read_to_string(&self.file).unwrap_or_default();
                return Err(Diagnostic::at(
                    &self.file.display().to_string(),
                    &text,
                    written.span().start,
                    format!("sent_of = \"{id}\" is nobody of staff.toml"),
                    format!("use one of {}", people.join(", ")),
                ));
            }
            folders.insert(mailbox.name.clone(), id.clone());
        }
        Ok(folders)
    }

    /// The rules of the mailboxes alone, with every example proven.
    pub fn rules(&self) -> Result<RuleBook, Vec<Diagnostic>> {
        RuleBook::proven(&folder(&self.rules.join("mailboxes"), "toml")?)
    }

    /// The contract, customers and staff alone.
    pub fn book(&self) -> Result<Book, Vec<Diagnostic>> {
        let sources = self.sources()?;
        Book::parse(&sources.contract, &sources.customers, &sources.staff)
    }

    /// The policy files by name, for the journal: contract, customers and staff.
    pub fn policy_files(&self) -> Result<Vec<Source>, Vec<Diagnostic>> {
        let sources = self.sources()?;
        Ok(vec![sources.contract, sources.customers, sources.staff])
    }
}

struct Sources {
    contract: Source,
    customers: Source,
    staff: Source,
    rules: Vec<Source>,
    letters: Vec<Source>,
}

impl Sources {
    fn book_hash(&self) -> Fingerprint {
        let texts = [&self.contract, &self.customers, &self.staff]
            .map(|s| Fingerprint::of(s.text.as_bytes()).hex());
        Fingerprint::of(texts.concat().as_bytes())
    }
}

fn source(path: &Path) -> Result<Source, Diagnostic> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| {
        Diagnostic::of_file(
            &file,
            format!("cannot be read: {e}"),
            "set `rules` to the folder with contract.toml, customers.toml, staff.toml",
        )
    })?;
    Ok(Source { file, text })
}

/// The files of a folder by name; a folder that is not there has none.
fn folder(path: &Path, extension: &str) -> Result<Vec<Source>, Vec<Diagnostic>> {
    let Ok(entries) = std::fs::read_dir(path) else {
        return Ok(vec![]);
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| is_ours(p, extension))
        .collect();
    files.sort();
    files
        .iter()
        .map(|p| source(p).map_err(|d| vec![d]))
        .collect()
}

/// Editors leave `.swp` and `~` beside what they edit.
fn is_ours(path: &Path, extension: &str) -> bool {
    let name = path
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default();
    path.is_file()
        && !name.starts_with('.')
        && !name.ends_with('~')
        && (extension.is_empty() || path.extension().is_some_and(|e| e == extension))
}
