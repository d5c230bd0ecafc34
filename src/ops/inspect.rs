//! `ticketd inspect`: what ticketd sees in a mail, without a store.
//!
//! A person reads why; `--json` prints one object for each file. Nothing is written, nothing is remembered.

use super::cli::Cli;
use super::exit;
use super::rules::{Trial, trust_word as word};
use crate::desk::thread;
use crate::mail::sender::Trust;
use crate::mail::{self, Attachment, Mail, parse};
use crate::rules::Verdict;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Files read before any of them is printed: bounds the memory of a long list.
const FILES_AT_ONCE: usize = 64;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// One JSON object for each file.
    #[arg(long)]
    pub json: bool,
    /// Group the files by threading evidence alone, in the order given.
    #[arg(long)]
    pub threads: bool,
    /// Mails, each a file of its own.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Runs it; the exit code. A file that cannot be read is named, and the others are still shown.
pub fn run(cli: &Cli, arguments: &Arguments) -> u8 {
    let trial = match Trial::configured(cli) {
        Ok(trial) => trial,
        Err(e) => return super::failed(&e),
    };
    let pool = match rayon::ThreadPoolBuilder::new()
        .stack_size(parse::STACK_BYTES)
        .build()
    {
        Ok(pool) => pool,
        Err(e) => {
            eprintln!("inspect: no threads to read mail with: {e}");
            return exit::TEMPFAIL;
        }
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let shown = if arguments.threads {
        show_threads(arguments, &pool, &mut out)
    } else {
        show_mails(arguments, &trial, &pool, &mut out)
    };
    match shown.and_then(|all_readable| out.flush().map(|()| all_readable)) {
        Ok(true) => exit::OK,
        Ok(false) => exit::DATA,
        // The reader of our output has gone (`| head`): nobody is left to tell.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => exit::OK,
        Err(e) => {
            eprintln!("inspect: cannot write: {e}");
            exit::TEMPFAIL
        }
    }
}

fn show_mails(
    arguments: &Arguments,
    trial: &Trial,
    pool: &rayon::ThreadPool,
    out: &mut impl Write,
) -> std::io::Result<bool> {
    let mut all_readable = true;
    for files in arguments.files.chunks(FILES_AT_ONCE) {
        let shown: Vec<Option<String>> = pool.install(|| {
            files
                .par_iter()
                .map(|file| read(file).map(|mail| shown(file, &mail, trial, arguments.json)))
                .collect()
        });
        for text in shown {
            match text {
                Some(text) => writeln!(out, "{text}")?,
                None => all_readable = false,
            }
        }
    }
    Ok(all_readable)
}

/// Groups the files by `References`, `In-Reply-To` and the like.
fn show_threads(
    arguments: &Arguments,
    pool: &rayon::ThreadPool,
    out: &mut impl Write,
) -> std::io::Result<bool> {
    let mails: Vec<Option<Mail>> =
        pool.install(|| arguments.files.par_iter().map(|file| read(file)).collect());
    let (files, readable): (Vec<&PathBuf>, Vec<&Mail>) = arguments
        .files
        .iter()
        .zip(&mails)
        .filter_map(|(file, mail)| Some((file, mail.as_ref()?)))
        .unzip();
    let name = |i: &usize| files[*i].to_string_lossy();
    for (n, thread) in thread::group(&readable).iter().enumerate() {
        let parents: Value = thread
            .parents
            .iter()
            .map(|(child, parent)| (name(child).into_owned(), json!(name(parent))))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let members: Vec<_> = thread.members.iter().map(name).collect();
        let group = json!({ "thread": n + 1, "files": members, "parents": parents });
        writeln!(out, "{group}")?;
    }
    Ok(mails.iter().all(Option::is_some))
}

fn read(file: &Path) -> Option<Mail> {
    match std::fs::read(file) {
        Ok(raw) => Some(mail::read(&raw)),
        Err(e) => {
            eprintln!("{}: {e}", file.display());
            None
        }
    }
}

fn shown(file: &Path, mail: &Mail, trial: &Trial, as_json: bool) -> String {
    let (trust, verdict) = trial.judge(mail);
    if as_json {
        as_value(&file.to_string_lossy(), mail, &trust, &verdict).to_string()
    } else {
        for_people(&file.to_string_lossy(), mail, &trust, &verdict)
    }
}

/// The object of CLI.md. Names are fixed: programs rely on them.
pub fn as_value(file: &str, mail: &Mail, trust: &Trust, verdict: &Verdict) -> Value {
    json!({
        "file": file,
        "from": shown_sender(mail),
        "subject": mail.subject,
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to.first(),
        "references": mail.references,
        "date": mail.date.map(utc),
        "kind": mail.kind,
        "kind_reason": mail.kind_reason,
        "bounce": mail.bounce,
        "language": mail.language,
        "text": mail.text,
        "new_text": mail.new_text,
        "attachments": mail.attachments,
        "oddities": mail.oddities,
        "trust": word(trust),
        "trust_reason": reason(trust),
        "verdict": {
            "queue": verdict.queue,
            "severity": verdict.severity_stated.or(verdict.severity_found),
            "reasons": verdict.reasons,
        },
    })
}

/// The sender as `From` gives it; where that holds no address, `Sender` or `Reply-To`, which are shown and never trusted.
fn shown_sender(mail: &Mail) -> Option<mail::Mailbox> {
    let has_address = |m: &&mail::Mailbox| m.address.contains('@');
    let sender = mail
        .header("Sender")
        .map(mail::address::mailboxes)
        .unwrap_or_default();
    let others = || sender.iter().chain(&mail.reply_to).find(has_address);
    let first = mail.from.iter().find(has_address).or_else(others);
    first.or(mail.from.first()).cloned()
}

fn for_people(file: &str, mail: &Mail, trust: &Trust, verdict: &Verdict) -> String {
    let mut lines = vec![file.to_string()];
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("  {name:<12} {value}"));
        }
    };
    for from in &mail.from {
        line("from", format!("{} <{}>", from.name, from.address));
    }
    line("subject", mail.subject.clone());
    line("message-id", mail.message_id.clone().unwrap_or_default());
    line("in reply to", mail.in_reply_to.join(" "));
    line("references", mail.references.join(" "));
    line("date", mail.date.map(utc).unwrap_or_default());
    line(
        "kind",
        format!("{} ({})", named(&mail.kind), mail.kind_reason),
    );
    if let Some(bounce) = &mail.bounce {
        let lasting = if bounce.permanent {
            "permanent"
        } else {
            "temporary"
        };
        line(
            "bounce",
            format!(
                "{} {} {lasting}",
                bounce.recipients.join(" "),
                bounce.status
            ),
        );
    }
    line("language", named(&mail.language));
    line(
        "trust",
        format!("{} {}", word(trust), reason(trust).unwrap_or_default()),
    );
    for attachment in &mail.attachments {
        let Attachment {
            name,
            media_type,
            bytes,
            ..
        } = attachment;
        line(
            "attachment",
            format!("{name} ({media_type}, {bytes} bytes)"),
        );
    }
    for oddity in &mail.oddities {
        line("odd", oddity.clone());
    }
    line("queue", verdict.queue.clone().unwrap_or_default());
    for why in &verdict.reasons {
        line("rule", why.clone());
    }
    lines.push(String::new());
    lines.extend(mail.new_text.lines().map(|l| format!("    {l}")));
    lines.join("\n")
}

/// A unit variant as its serialised word.
fn named(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

fn utc(instant: chrono::DateTime<chrono::Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn reason(trust: &Trust) -> Option<&str> {
    match trust {
        Trust::Submitted(why) | Trust::Unproven(why) | Trust::Ambiguous(why) => Some(why),
        Trust::Aligned | Trust::Unknown => None,
    }
}
