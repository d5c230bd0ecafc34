//! The configuration: one TOML file, read once at the start and at each reload.
//!
//! Knows every key and what is allowed in it; opens no secret until somebody logs in. Unknown keys, wrong values and missing files are errors that name
//! file, line, value and remedy.

pub mod secret;

use crate::contract::{Book, Source};
use crate::desk::letter::Templates;
use crate::desk::policy::{Acknowledge, Former, Links, Policy, Queue, Security};
use crate::desk::token::Keys;
use crate::diagnostic::Diagnostic;
use crate::mail::{Fingerprint, address};
use crate::rules::RuleBook;
use chrono::{DateTime, Utc};
use secret::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;

/// A mail above this is taken in part (C2.2).
const MAIL_BYTES_MAX: u64 = 50_000_000;
/// In base64 it still passes through the control socket.
const MAIL_BYTES_MAX_MAX: u64 = 150_000_000;
/// Shorter polls trouble a server, longer ones look to the watchdog like a loop that hangs.
const POLL_SECS: RangeInclusive<u64> = 5..=900;
const LOG_LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// The configuration as it counts.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it came from, for messages.
    pub file: PathBuf,
    /// The state folder.
    pub state: PathBuf,
    /// The folder of contract, customers, staff, rules and letters.
    pub rules: PathBuf,
    /// The right side of our Message-IDs.
    pub domain: String,
    /// The control socket.
    pub control: PathBuf,
    /// The mail server whose word on a sender is believed.
    pub authserv_id: Option<String>,
    /// Whom to acknowledge.
    pub acknowledge: Acknowledge,
    /// Mail received before is filed silently; none: the first start.
    pub since: Option<DateTime<Utc>>,
    /// A larger mail is taken in part.
    pub mail_bytes_max: u64,
    /// Letters wait to be released.
    pub hold_letters: bool,
    /// C4.9, days.
    pub reopen_within_days: u32,
    /// `error`, `warn`, `info`, `debug`, `trace`.
    pub log: String,
    /// What letters refer to.
    pub links: Links,
    /// All queues; at least one.
    pub queues: Vec<Queue>,
    /// How reports to confidential queues are dealt with.
    pub security: Security,
    /// The mailboxes watched.
    pub mailboxes: Vec<Mailbox>,
    /// How letters leave; none where only offline commands are used.
    pub outgoing: Option<Outgoing>,
    /// The envelope sender of automatic letters, where the file names one.
    pub bounce_address: Option<String>,
}

/// A mailbox that is watched.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Its name in cursors and messages.
    pub name: String,
    /// Where its mail is filed.
    pub queue: String,
    /// Whose Sent folder it is (C4.4), a staff id; none for a mailbox that customers write to.
    pub sent_of: Option<Spanned<String>>,
    /// Where it is.
    pub place: MailboxPlace,
}

/// Where a mailbox is.
#[derive(Clone, Debug)]
pub enum MailboxPlace {
    /// On a mail server.
    Imap(Imap),
    /// On this machine.
    Maildir(PathBuf),
}

/// A mailbox on a mail server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Imap {
    pub host: String,
    #[serde(default = "imap_port")]
    pub port: u16,
    pub user: String,
    pub password: Secret,
    #[serde(default = "inbox")]
    pub folder: String,
    #[serde(default)]
    pub tls: Tls,
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    #[serde(default = "poll_secs")]
    pub poll_secs: Spanned<u64>,
}

/// How letters leave.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// By a mail server.
    Smtp(Smtp),
    /// Into a Maildir, for the demo, tests, or another program.
    Maildir(PathBuf),
}

/// A mail server that takes our letters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Smtp {
    pub host: String,
    #[serde(default = "smtp_port")]
    pub port: u16,
    #[serde(default)]
    pub tls: Tls,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub password: Option<Secret>,
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    #[serde(default = "connections")]
    pub connections: usize,
    #[serde(default)]
    pub per_minute: Option<u32>,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// TLS from the first byte.
    #[default]
    Implicit,
    /// Upgraded, and refused where the server cannot.
    Starttls,
    /// None: loopback addresses only.
    None,
}

fn imap_port() -> u16 {
    993
}
fn smtp_port() -> u16 {
    465
}
fn inbox() -> String {
    "INBOX".into()
}
fn poll_secs() -> Spanned<u64> {
    Spanned::new(0..0, 60)
}
fn connections() -> usize {
    2
}
fn control() -> PathBuf {
    "/run/ticketd/control".into()
}
fn reopen_within_days() -> u32 {
    14
}

/// The file, word for word.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    state: PathBuf,
    rules: Option<PathBuf>,
    domain: Spanned<String>,
    #[serde(default = "control")]
    control: PathBuf,
    authserv_id: Option<String>,
    acknowledge: Option<Spanned<String>>,
    since: Option<Spanned<toml::value::Datetime>>,
    mail_bytes_max: Option<Spanned<u64>>,
    #[serde(default)]
    hold_letters: bool,
    #[serde(default = "reopen_within_days")]
    reopen_within_days: u32,
    log: Option<Spanned<String>>,
    #[serde(default)]
    links: FileLinks,
    #[serde(default)]
    security: FileSecurity,
    queue: Vec<FileQueue>,
    #[serde(default)]
    mailbox: Vec<FileMailbox>,
    outgoing: Option<Spanned<FileOutgoing>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileLinks {
    vendor: String,
    status_page: String,
    documentation: String,
    community: String,
    escalation_address: Option<Spanned<String>>,
    phone: Option<Spanned<String>>,
    security_policy: String,
    security_key: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileSecurity {
    attach: bool,
    answer_within_hours: Option<Spanned<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileQueue {
    name: Spanned<String>,
    address: Spanned<String>,
    display_name: Option<String>,
    #[serde(default)]
    aliases: Vec<Spanned<String>>,
    #[serde(default)]
    plus_addresses: bool,
    #[serde(default)]
    confidential: bool,
    staff_names: Option<bool>,
    keep_copies: Option<bool>,
}

impl FileQueue {
    fn addresses(&self) -> impl Iterator<Item = &Spanned<String>> {
        std::iter::once(&self.address).chain(&self.aliases)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileMailbox {
    name: Spanned<String>,
    queue: Option<Spanned<String>>,
    sent_of: Option<Spanned<String>>,
    imap: Option<Imap>,
    maildir: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileOutgoing {
    bounce_address: Option<Spanned<String>>,
    smtp: Option<Smtp>,
    maildir: Option<PathBuf>,
}

impl Config {
    /// Reads the file. All faults found.
    pub fn read(path: &Path) -> Result<Config, Vec<Diagnostic>> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| {
            vec![Diagnostic::of_file(
                &name,
                format!("cannot be read: {e}"),
                "name the configuration with --config FILE",
            )]
        })?;
        Config::parse(path, &text)
    }

    /// Reads the text of the file at `path`; relative paths start at its folder.
    pub fn parse(path: &Path, text: &str) -> Result<Config, Vec<Diagnostic>> {
        let name = path.display().to_string();
        let file: File = toml::from_str(text).map_err(|e| vec![misread(&name, text, &e)])?;
        let mut faults = Faults {
            file: &name,
            text,
            found: vec![],
        };
        let config = file.checked(path, &mut faults);
        if faults.found.is_empty() {
            Ok(config)
        } else {
            Err(faults.found)
        }
    }

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

struct Faults<'a> {
    file: &'a str,
    text: &'a str,
    found: Vec<Diagnostic>,
}

impl Faults<'_> {
    fn at<T>(&mut self, spanned: &Spanned<T>, problem: impl Into<String>, remedy: &str) {
        self.found.push(Diagnostic::at(
            self.file,
            self.text,
            spanned.span().start,
            problem,
            remedy,
        ));
    }

    fn of_file(&mut self, problem: impl Into<String>, remedy: &str) {
        self.found
            .push(Diagnostic::of_file(self.file, problem, remedy));
    }
}

/// Whether somebody could call it (C5.2): a country and at most fifteen digits (E.164); of Switzerland, with 41, it has eleven.
fn is_phone_number(text: &str) -> bool {
    let Some(number) = text.strip_prefix('+') else {
        return false;
    };
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let is_spaced = number
        .chars()
        .all(|c| c.is_ascii_digit() || " -()/.".contains(c));
    let lengths = match digits.starts_with("41") {
        true => 11..=11,
        false => 8..=15,
    };
    is_spaced && !digits.starts_with('0') && lengths.contains(&digits.len())
}

/// What serde and toml say, with the line.
fn misread(file: &str, text: &str, e: &toml::de::Error) -> Diagnostic {
    let problem = e.message().lines().collect::<Vec<_>>().join(" ");
    let remedy = "see the commented example systemd/ticketd.toml";
    match e.span() {
        Some(span) => Diagnostic::at(file, text, span.start, problem, remedy),
        None => Diagnostic::of_file(file, problem, remedy),
    }
}

impl File {
    fn checked(self, path: &Path, faults: &mut Faults) -> Config {
        let base = path.parent().unwrap_or(Path::new("."));
        let queues = self.queues(faults);
        let mailboxes = self.mailboxes(base, &queues, faults);
        let acknowledge = self.acknowledged(faults);
        let since = self.since(faults);
        let mail_bytes_max = self.mail_bytes_max(faults);
        let log = self.log(faults);
        if self.domain.get_ref().is_empty()
            || self
                .domain
                .get_ref()
                .contains(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-')
        {
            faults.at(
                &self.domain,
                format!("domain \"{}\" is no domain name", self.domain.get_ref()),
                "use letters, digits, dots and hyphens: desk.example",
            );
        }
        let bounce_address = self.bounce_address(faults);
        let security = self.security(faults);
        let (escalation_address, phone) = self.escalation(faults);
        let outgoing = self
            .outgoing
            .as_ref()
            .and_then(|o| outgoing(o, base, faults));
        Config {
            file: path.to_path_buf(),
            state: base.join(&self.state),
            rules: self
                .rules
                .as_ref()
                .map_or_else(|| default_rules(base), |r| base.join(r)),
            domain: self.domain.into_inner(),
            control: base.join(&self.control),
            authserv_id: self.authserv_id,
            acknowledge,
            since,
            mail_bytes_max,
            hold_letters: self.hold_letters,
            reopen_within_days: self.reopen_within_days,
            log,
            links: Links {
                status_page: self.links.status_page,
                documentation: self.links.documentation,
                community: self.links.community,
                escalation_address,
                phone,
                security_policy: self.links.security_policy,
                security_key: self.links.security_key,
                vendor: self.links.vendor,
            },
            queues,
            security,
            mailboxes,
            outgoing,
            bounce_address,
        }
    }

    /// Where urgent escalations go (C7.2). An address that nothing can be sent to would hear of none, and that of a queue would make one of each mail.
    fn escalation(&self, faults: &mut Faults) -> (String, String) {
        if let Some(written) = &self.links.escalation_address {
            let own = |q: &FileQueue| q.address.get_ref().eq_ignore_ascii_case(written.get_ref());
            let wrong = match written.get_ref().as_str() {
                "" => None,
                address if address::strict(address).is_none() => Some("is no plain mail address"),
                _ if self.queue.iter().any(own) => Some("is the address of a queue"),
                _ => None,
            };
            if let Some(wrong) = wrong {
                faults.at(
                    written,
                    format!("escalation_address \"{}\" {wrong}", written.get_ref()),
                    "write an address of its own, such as hi@desk.example, or leave it out",
                );
            }
        }
        if let Some(written) = &self.links.phone
            && !written.get_ref().is_empty()
            && !is_phone_number(written.get_ref())
        {
            faults.at(
                written,
                format!("phone \"{}\" is no telephone number", written.get_ref()),
                "write it with its country, such as \"+41 71 000 00 00\", or leave it out",
            );
        }
        let text = |of: &Option<Spanned<String>>| {
            of.as_ref()
                .map_or(String::new(), |text| text.get_ref().clone())
        };
        (
            text(&self.links.escalation_address),
            text(&self.links.phone),
        )
    }

    fn bounce_address(&self, faults: &mut Faults) -> Option<String> {
        let outgoing = self.outgoing.as_ref().map(Spanned::get_ref);
        let written = outgoing.and_then(|o| o.bounce_address.as_ref())?;
        let address = written.get_ref();
        if !address.is_empty() && address::strict(address).is_none() {
            faults.at(
                written,
                format!("bounce_address \"{address}\" is no plain mail address"),
                "write local@domain.tld in ASCII, or \"\" for the null sender",
            );
        }
        Some(address.clone())
    }

    fn queues(&self, faults: &mut Faults) -> Vec<Queue> {
        if self.queue.is_empty() {
            faults.of_file(
                "there is no queue",
                "write at least one [[queue]] with name and address",
            );
        }
        for (i, queue) in self.queue.iter().enumerate() {
            if address::strict(queue.address.get_ref()).is_none() {
                faults.at(
                    &queue.address,
                    format!(
                        "address \"{}\" is no plain mail address",
                        queue.address.get_ref()
                    ),
                    "write local@domain.tld in ASCII",
                );
            }
            check_name("queue", &queue.name, faults);
            self.address_is_its_own(i, faults);
            for alias in &queue.aliases {
                if address::strict(alias.get_ref()).is_none() {
                    faults.at(
                        alias,
                        format!("alias \"{}\" is no plain mail address", alias.get_ref()),
                        "write local@domain.tld in ASCII",
                    );
                }
            }
            if self.queue[..i]
                .iter()
                .any(|q| q.name.get_ref() == queue.name.get_ref())
            {
                faults.at(
                    &queue.name,
                    format!("queue \"{}\" is there twice", queue.name.get_ref()),
                    "give each queue its own name",
                );
            }
        }
        let queue = |q: &FileQueue| Queue {
            name: q.name.get_ref().clone(),
            address: q.address.get_ref().to_ascii_lowercase(),
            display_name: q
                .display_name
                .clone()
                .unwrap_or_else(|| q.name.get_ref().clone()),
            aliases: q.aliases.iter().map(|a| a.get_ref().clone()).collect(),
            plus_addresses: q.plus_addresses,
            confidential: q.confidential,
            staff_names: q.staff_names.unwrap_or(true),
            // Who reports a weakness in confidence has not asked for others to read the answers.
            keep_copies: q.keep_copies.unwrap_or(!q.confidential),
        };
        self.queue.iter().map(queue).collect()
    }

    /// Mail to an address goes to one queue.
    fn address_is_its_own(&self, i: usize, faults: &mut Faults) {
        for address in self.queue[i].addresses() {
            let same =
                |other: &&Spanned<String>| other.get_ref().eq_ignore_ascii_case(address.get_ref());
            let before = self.queue[..i]
                .iter()
                .find(|q| q.addresses().any(|a| same(&a)));
            if let Some(other) = before {
                faults.at(
                    address,
                    format!(
                        "{} is an address of queue \"{}\" already",
                        address.get_ref(),
                        other.name.get_ref()
                    ),
                    "give each queue its own addresses",
                );
            }
        }
    }

    fn mailboxes(&self, base: &Path, queues: &[Queue], faults: &mut Faults) -> Vec<Mailbox> {
        let mut mailboxes: Vec<Mailbox> = vec![];
        for m in &self.mailbox {
            let name = m.name.get_ref();
            check_name("mailbox", &m.name, faults);
            let queue = self.queue_of(m, queues, faults);
            if mailboxes.iter().any(|other| other.name == *name) {
                faults.at(
                    &m.name,
                    format!("mailbox \"{name}\" is there twice"),
                    "give each mailbox its own name: its cursor is kept under it",
                );
            }
            let place = match (&m.imap, &m.maildir) {
                (Some(imap), None) => MailboxPlace::Imap(Imap {
                    ca_file: imap.ca_file.as_ref().map(|f| base.join(f)),
                    password: imap.password.based(base),
                    ..imap.clone()
                }),
                (None, Some(maildir)) => MailboxPlace::Maildir(base.join(maildir)),
                _ => {
                    faults.at(
                        &m.name,
                        format!("mailbox \"{name}\" needs exactly one of imap and maildir"),
                        "write [mailbox.imap] or maildir = \"/path\"",
                    );
                    continue;
                }
            };
            if let MailboxPlace::Imap(imap) = &place {
                check_tls(&m.name, imap.tls, &imap.host, faults);
                if !POLL_SECS.contains(imap.poll_secs.get_ref()) {
                    faults.at(
                        &imap.poll_secs,
                        format!("poll_secs = {} is out of bounds", imap.poll_secs.get_ref()),
                        "use 5 to 900",
                    );
                }
                if imap.tls == Tls::Starttls {
                    faults.at(
                        &m.name,
                        "tls = \"starttls\" is not taken for IMAP",
                        "use \"implicit\", port 993: what is said before STARTTLS can be forged",
                    );
                }
            }
            mailboxes.push(Mailbox {
                name: name.clone(),
                queue,
                sent_of: m.sent_of.clone(),
                place,
            });
        }
        mailboxes
    }

    /// The queue that a mailbox names. A Sent folder names none: its mails go to the tickets that they answer.
    fn queue_of(&self, mailbox: &FileMailbox, queues: &[Queue], faults: &mut Faults) -> String {
        let known: Vec<&str> = queues.iter().map(|q| q.name.as_str()).collect();
        let use_one = format!("use one of {}", known.join(", "));
        match (&mailbox.queue, &mailbox.sent_of) {
            (Some(queue), None) => {
                if !known.contains(&queue.get_ref().as_str()) {
                    let problem = format!("queue \"{}\" is unknown", queue.get_ref());
                    faults.at(queue, problem, &use_one);
                }
                return queue.get_ref().clone();
            }
            (Some(queue), Some(_)) => faults.at(
                queue,
                "a Sent folder has no queue",
                "write either queue or sent_of",
            ),
            (None, None) => faults.at(
                &mailbox.name,
                format!("mailbox \"{}\" names no queue", mailbox.name.get_ref()),
                &format!("write queue = \"...\": {use_one}"),
            ),
            (None, Some(_)) => {}
        }
        queues.first().map(|q| q.name.clone()).unwrap_or_default()
    }

    fn security(&self, faults: &mut Faults) -> Security {
        let usual = Security::default();
        let written = self.security.answer_within_hours.as_ref();
        let hours = written.map_or(usual.answer_within_hours, |h| *h.get_ref());
        if let Some(written) = written.filter(|_| !(1..=720).contains(&hours)) {
            faults.at(
                written,
                format!("answer_within_hours = {hours} is out of bounds"),
                "use 1 to 720; 48 is the default",
            );
        }
        Security {
            attach: self.security.attach,
            answer_within_hours: hours,
        }
    }

    fn acknowledged(&self, faults: &mut Faults) -> Acknowledge {
        let default = if self.authserv_id.is_some() {
            Acknowledge::Authenticated
        } else {
            Acknowledge::All
        };
        let Some(written) = &self.acknowledge else {
            return default;
        };
        match written.get_ref().as_str() {
            "authenticated" if self.authserv_id.is_none() => {
                faults.at(
                    written,
                    "acknowledge = \"authenticated\" without authserv_id would acknowledge nobody",
                    "set authserv_id, or use \"all\" or \"nobody\"",
                );
                default
            }
            "authenticated" => Acknowledge::Authenticated,
            "all" => Acknowledge::All,
            "nobody" => Acknowledge::Nobody,
            other => {
                faults.at(
                    written,
                    format!("acknowledge = \"{other}\" is unknown"),
                    "use \"authenticated\", \"all\" or \"nobody\"",
                );
                default
            }
        }
    }

    fn mail_bytes_max(&self, faults: &mut Faults) -> u64 {
        let Some(written) = &self.mail_bytes_max else {
            return MAIL_BYTES_MAX;
        };
        let bytes = *written.get_ref();
        if bytes == 0 || bytes > MAIL_BYTES_MAX_MAX {
            faults.at(
                written,
                format!("mail_bytes_max = {bytes} is out of bounds"),
                "use 1 to 150_000_000; 50_000_000 is the default",
            );
        }
        bytes
    }

    fn log(&self, faults: &mut Faults) -> String {
        let Some(written) = &self.log else {
            return "info".into();
        };
        let level = written.get_ref();
        if !LOG_LEVELS.contains(&level.as_str()) {
            faults.at(
                written,
                format!("log = \"{level}\" is unknown"),
                &format!("use one of {}", LOG_LEVELS.join(", ")),
            );
        }
        level.clone()
    }

    fn since(&self, faults: &mut Faults) -> Option<DateTime<Utc>> {
        let written = self.since.as_ref()?;
        match DateTime::parse_from_rfc3339(&written.get_ref().to_string()) {
            Ok(at) => Some(at.with_timezone(&Utc)),
            Err(_) => {
                faults.at(
                    written,
                    format!("since = {} has no zone", written.get_ref()),
                    "write 2026-11-23T00:00:00Z or 2026-11-23T01:00:00+01:00",
                );
                None
            }
        }
    }
}

fn outgoing(written: &Spanned<FileOutgoing>, base: &Path, faults: &mut Faults) -> Option<Outgoing> {
    match (&written.get_ref().smtp, &written.get_ref().maildir) {
        (Some(smtp), None) => {
            check_tls(written, smtp.tls, &smtp.host, faults);
            if smtp.user.is_some() != smtp.password.is_some() {
                faults.at(
                    written,
                    "user and password go together",
                    "write both, or neither",
                );
            }
            Some(Outgoing::Smtp(Smtp {
                ca_file: smtp.ca_file.as_ref().map(|f| base.join(f)),
                password: smtp.password.as_ref().map(|p| p.based(base)),
                ..smtp.clone()
            }))
        }
        (None, Some(maildir)) => Some(Outgoing::Maildir(base.join(maildir))),
        _ => {
            faults.at(
                written,
                "[outgoing] needs exactly one of smtp and maildir",
                "write [outgoing.smtp] or maildir = \"/path\"",
            );
            None
        }
    }
}

/// Names stand in commands, listings and file names.
fn check_name(what: &str, name: &Spanned<String>, faults: &mut Faults) {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '+');
    if name.get_ref().is_empty() || !name.get_ref().chars().all(plain) {
        faults.at(
            name,
            format!("\"{}\" is no name for a {what}", name.get_ref()),
            "use letters, digits, hyphens, dots and underscores",
        );
    }
}

fn check_tls<T>(at: &Spanned<T>, tls: Tls, host: &str, faults: &mut Faults) {
    let loopback = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    if tls == Tls::None && !loopback {
        faults.at(
            at,
            format!("tls = \"none\" to {host} would show the password to everybody on the way"),
            "use \"implicit\" or \"starttls\"; \"none\" is for loopback addresses",
        );
    }
}

/// Beside the file when installed, one folder up in the source tree.
fn default_rules(base: &Path) -> PathBuf {
    let beside = base.join("rules");
    if beside.is_dir() {
        beside
    } else {
        base.join("../rules")
    }
}
