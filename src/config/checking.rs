//! What serde cannot tell of a configuration: which values are allowed, alone and together. All faults are found, not only the first.

use super::{
    Config, File, FileMailbox, FileOutgoing, FileQueue, Imap, Mailbox, MailboxPlace, Outgoing,
    Smtp, Tls,
};
use crate::desk::policy::{Acknowledge, Links, Queue, Security};
use crate::diagnostic::Diagnostic;
use crate::mail::address;
use chrono::{DateTime, Utc};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// A mail above this is taken in part (C2.2).
const MAIL_BYTES_MAX: u64 = 50_000_000;
/// In base64 it still passes through the control socket.
const MAIL_BYTES_MAX_MAX: u64 = 150_000_000;
/// Shorter polls trouble a server, longer ones look to the watchdog like a loop that hangs.
const POLL_SECS: RangeInclusive<u64> = 5..=900;
const LOG_LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

pub(super) struct Faults<'a> {
    pub file: &'a str,
    pub text: &'a str,
    pub found: Vec<Diagnostic>,
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

impl File {
    pub(super) fn checked(self, path: &Path, faults: &mut Faults) -> Config {
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
