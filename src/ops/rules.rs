//! `ticketd rules`: rules against mails, without a store.
//!
//! The rules are those of the configuration; where there is none, the shipped ones; or the rule files named among the mails.

use super::cli::Cli;
use super::{Fault, exit};
use crate::clock;
use crate::contract::{Book, Source};
use crate::diagnostic::Diagnostic;
use crate::mail::sender::{self, Trust};
use crate::mail::{self, Mail};
use crate::rules::{Facts, RuleBook, Tried, Verdict};
use clap::Subcommand;
use serde_json::json;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The examples of all rules, and the verdict on each mail. Fails if an example does.
    Test(Test),
    /// Every rule tried on one mail, with the text that matched or the condition that does not hold.
    Explain(Explain),
}

#[derive(Debug, clap::Args)]
struct Test {
    #[command(flatten)]
    common: Common,
    /// Mails, each a file of its own; a `.toml` file is a rule file, tried instead of the configured ones.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Explain {
    #[command(flatten)]
    common: Common,
    /// Only the rules that match.
    #[arg(long)]
    matching: bool,
    /// One mail; a `.toml` file is a rule file, tried instead of the configured ones.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Common {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    /// The queue of the mailbox that the mails came to. Default: the first.
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
}

/// Runs it; the exit code.
pub fn run(cli: &Cli, arguments: &Arguments) -> u8 {
    let (common, files) = match &arguments.command {
        Command::Test(test) => (&test.common, &test.files),
        Command::Explain(explain) => (&explain.common, &explain.files),
    };
    let (rule_files, mails): (Vec<&PathBuf>, Vec<&PathBuf>) = files
        .iter()
        .partition(|f| f.extension().is_some_and(|e| e == "toml"));
    let trial = match Trial::prepare(cli, common, &rule_files) {
        Ok(trial) => trial,
        Err(e) => return super::failed(&e),
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let shown = match &arguments.command {
        Command::Test(_) => trial.test(&mails, common.json, &mut out),
        Command::Explain(explain) => trial.explain(&mails, explain, &mut out),
    };
    match shown.and_then(|all_readable| out.flush().map(|()| all_readable)) {
        Ok(true) => exit::OK,
        Ok(false) => exit::DATA,
        // The reader of our output has gone (`| head`): nobody is left to tell.
        Err(e) if e.kind() == ErrorKind::BrokenPipe => exit::OK,
        Err(e) => {
            eprintln!("rules: cannot write: {e}");
            exit::TEMPFAIL
        }
    }
}

/// Rules, and what they are told beside the mail.
pub(super) struct Trial {
    rules: RuleBook,
    book: Book,
    queue: String,
    authserv_id: Option<String>,
}

impl Trial {
    fn prepare(cli: &Cli, common: &Common, rule_files: &[&PathBuf]) -> anyhow::Result<Trial> {
        let mut trial = Trial::configured(cli)?;
        if let Some(queue) = &common.queue {
            trial.queue = queue.clone();
        }
        if rule_files.is_empty() && cli.configured().map_err(Fault::of)?.is_none() {
            // What ships is tried here as well: else "all examples hold" would be said of none.
            trial.rules = RuleBook::proven(&RuleBook::shipped_files()).map_err(Fault::of)?;
        } else if !rule_files.is_empty() {
            let rules = read_all(rule_files).and_then(|files| RuleBook::proven(&files));
            // What is tried is not in force: input, not configuration.
            trial.rules = rules.map_err(|found| Fault {
                code: exit::DATA,
                ..Fault::of(found)
            })?;
        }
        Ok(trial)
    }

    /// By the configuration's rules and customers; the shipped ones where none is installed.
    pub(super) fn configured(cli: &Cli) -> anyhow::Result<Trial> {
        let config = cli.configured().map_err(Fault::of)?;
        Ok(match config {
            Some(config) => Trial {
                rules: config.rules().map_err(Fault::of)?,
                book: config.book().map_err(Fault::of)?,
                queue: config.queues[0].name.clone(),
                authserv_id: config.authserv_id,
            },
            None => Trial {
                rules: RuleBook::shipped().map_err(Fault::of)?,
                book: Book::default(),
                queue: "support".into(),
                authserv_id: None,
            },
        })
    }

    /// How far the sender is trusted, and what the rules say; where they name no queue, it is the mailbox's.
    pub(super) fn judge(&self, mail: &Mail) -> (Trust, Verdict) {
        let trust = sender::trust(mail, self.authserv_id.as_deref());
        let mut verdict = self.rules.classify(mail, &self.facts(mail));
        verdict.queue.get_or_insert_with(|| self.queue.clone());
        (trust, verdict)
    }

    fn test(
        &self,
        mails: &[&PathBuf],
        as_json: bool,
        out: &mut impl Write,
    ) -> std::io::Result<bool> {
        let mut all_readable = true;
        if !as_json {
            writeln!(out, "{} rules, all examples hold", self.rules.len())?;
        }
        for file in mails {
            let Some(mail) = read_mail(file) else {
                all_readable = false;
                continue;
            };
            let verdict = self.rules.classify(&mail, &self.facts(&mail));
            if as_json {
                writeln!(out, "{}", as_value(file, &verdict))?;
            } else {
                writeln!(out, "{}: {}", file.display(), in_a_line(&verdict))?;
                for reason in &verdict.reasons {
                    writeln!(out, "  {reason}")?;
                }
            }
        }
        Ok(all_readable)
    }

    fn explain(
        &self,
        mails: &[&PathBuf],
        explain: &Explain,
        out: &mut impl Write,
    ) -> std::io::Result<bool> {
        let mut all_readable = true;
        for file in mails {
            let Some(mail) = read_mail(file) else {
                all_readable = false;
                continue;
            };
            let facts = self.facts(&mail);
            let tried = self.rules.explain(&mail, &facts);
            let shown = tried
                .iter()
                .filter(|t| !explain.matching || t.result.is_ok());
            for tried in shown {
                write_tried(file, tried, explain.common.json, out)?;
            }
            let verdict = self.rules.classify(&mail, &facts);
            if !explain.common.json {
                writeln!(out, "{}: {}", file.display(), in_a_line(&verdict))?;
            }
        }
        Ok(all_readable)
    }

    fn facts(&self, mail: &Mail) -> Facts {
        let author = sender::author(mail).unwrap_or_default();
        let subscription = self.book.subscription(&author, clock::now());
        let trust = sender::trust(mail, self.authserv_id.as_deref());
        Facts {
            queue: self.queue.clone(),
            customer: subscription.customer.unwrap_or_default(),
            plan: subscription.plan,
            trust: trust_word(&trust).into(),
            received: clock::now(),
        }
    }
}

/// The word that rules know a trust by.
pub(super) fn trust_word(trust: &Trust) -> &'static str {
    match trust {
        Trust::Aligned => "aligned",
        Trust::Submitted(_) => "submitted",
        Trust::Unknown => "unknown",
        Trust::Unproven(_) => "unproven",
        Trust::Ambiguous(_) => "ambiguous",
    }
}

fn read_all(files: &[&PathBuf]) -> Result<Vec<Source>, Vec<Diagnostic>> {
    let read = |path: &PathBuf| {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Source { file, text }),
            Err(e) => Err(vec![Diagnostic::of_file(
                &file,
                format!("cannot be read: {e}"),
                "name a rule file",
            )]),
        }
    };
    files.iter().map(|path| read(path)).collect()
}

fn read_mail(file: &Path) -> Option<Mail> {
    let raw = match std::fs::read(file) {
        Ok(raw) => raw,
        Err(e) => {
            eprintln!("{}: {e}", file.display());
            return None;
        }
    };
    // Reading a mail needs a stack of its own; a thread that cannot be had or dies is a mail that cannot be read.
    let reader = std::thread::Builder::new()
        .stack_size(mail::parse::STACK_BYTES)
        .spawn(move || mail::read(&raw));
    let mail = reader.ok().and_then(|thread| thread.join().ok());
    if mail.is_none() {
        eprintln!("{}: cannot be taken apart", file.display());
    }
    mail
}

fn as_value(file: &Path, verdict: &Verdict) -> serde_json::Value {
    json!({
        "file": file.to_string_lossy(),
        "queue": verdict.queue,
        "order": verdict.order,
        "severity": verdict.severity_stated.or(verdict.severity_found),
        "severity_stated": verdict.severity_stated,
        "severity_found": verdict.severity_found,
        "tags": verdict.tags,
        "assign": verdict.assign,
        "template": verdict.template,
        "forward": verdict.forward,
        "file_silently": verdict.file,
        "quarantine": verdict.quarantine,
        "incident": verdict.incident.as_ref().map(|i| i.ticket),
        "reasons": verdict.reasons,
    })
}

fn in_a_line(verdict: &Verdict) -> String {
    let mut parts = Vec::new();
    match (verdict.severity_stated, verdict.severity_found) {
        (Some(stated), _) => parts.push(format!("severity {stated} (stated)")),
        (None, Some(found)) => parts.push(format!("severity {found} (found)")),
        (None, None) => parts.push("no severity found".into()),
    }
    let mut named = |name: &str, value: &Option<String>| {
        parts.extend(value.iter().map(|value| format!("{name} {value}")));
    };
    named("queue", &verdict.queue);
    named("order of plan", &verdict.order);
    named("assign", &verdict.assign);
    named("template", &verdict.template);
    named("forward to", &verdict.forward);
    if let Some(incident) = &verdict.incident {
        parts.push(format!("incident of ticket {}", incident.ticket));
    }
    if verdict.file {
        parts.push("file silently".into());
    }
    if verdict.quarantine {
        parts.push("quarantine".into());
    }
    if !verdict.tags.is_empty() {
        parts.push(format!("tags {}", verdict.tags.join(" ")));
    }
    parts.join(", ")
}

fn write_tried(
    file: &Path,
    tried: &Tried,
    as_json: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    if as_json {
        let (matched, shown) = match &tried.result {
            Ok(shown) => (true, json!(shown)),
            Err(missing) => (false, json!(missing)),
        };
        let file = file.to_string_lossy();
        let line = json!({"file": file, "rule": tried.place, "because": tried.because, "matches": matched, "text": shown});
        return writeln!(out, "{line}");
    }
    match &tried.result {
        Ok(shown) => writeln!(
            out,
            "+ {}: {} ({})",
            tried.place,
            tried.because,
            shown.join(", ")
        ),
        Err(missing) => writeln!(out, "- {}: {}: {missing}", tried.place, tried.because),
    }
}
