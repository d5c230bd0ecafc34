//! The configuration: one TOML file, read once at the start and at each reload.
//!
//! Here stand the keys as a file has them (`File`) and as they count ([`Config`]); what is allowed in them is in `config/checking.rs`, what is made of them and the rules
//! folder in `config/policy.rs`.
//!
//! Knows every key and what is allowed in it; opens no secret until somebody logs in. Unknown keys, wrong values and missing files are errors that name
//! file, line, value and remedy.

mod checking;
mod policy;
pub mod secret;

use crate::desk::policy::{Acknowledge, Links, Queue, Security};
use crate::diagnostic::Diagnostic;
use checking::Faults;
use chrono::{DateTime, Utc};
use secret::Secret;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use toml::Spanned;

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
