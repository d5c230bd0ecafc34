//! `ticketd check`: configuration, contract, customers, staff, rules with their examples, letters; with `--online` every login.

use super::cli::Cli;
use super::control::Client;
use super::request::Request;
use super::{exit, keys, reach};
use crate::clock;
use crate::config::{Config, Mailbox, MailboxPlace, Outgoing};
use crate::contract::Book;
use crate::contract::kept::{self, Promised};
use crate::contract::staff::Staff;
use crate::daemon;
use crate::desk::token::Keys;
use crate::diagnostic::Diagnostic;
use crate::post::imap::{Fault, ImapConn};
use crate::post::smtp::SmtpConn;
use crate::store::Store;
use anyhow::Context;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Log in to every mail server too.
    #[arg(long)]
    online: bool,
}

/// Runs it; the exit code.
pub fn run(cli: &Cli, arguments: &Arguments) -> u8 {
    let config = match cli.config() {
        Ok(config) => config,
        Err(e) => return super::failed(&e),
    };
    // The keys sign nothing here.
    let policy = match config.policy(Keys::new(vec![('0', [0; 32])])) {
        Ok(policy) => policy,
        Err(found) => return super::failed(&super::Fault::config(found)),
    };
    if let Err(found) = config.rules() {
        return super::failed(&super::Fault::config(found));
    }
    let mut faults = loops(&config, &policy.book);
    faults.extend(unattended(&config, &policy.book.staff));
    let troubles = if arguments.online {
        online(&config)
    } else {
        vec![]
    };
    let broken = match promised(&config) {
        Ok(promised) => broken_promises(&config, promised.as_ref()),
        Err(e) => {
            // Not this command's to refuse: the daemon looks again when it starts and when it reloads.
            eprintln!(
                "{}: what tickets were promised was not compared: {e:#}",
                config.file.display()
            );
            vec![]
        }
    };
    for fault in &broken {
        eprintln!("{fault}");
    }
    for fault in &faults {
        eprintln!("{}: {fault}", config.file.display());
    }
    for said in lapsed(&policy.book, clock::now()) {
        eprintln!("{}: {said}", config.file.display());
    }
    for (of, e) in &troubles {
        eprintln!("{}: {of}: {e:#}", config.file.display());
    }
    let codes = troubles.iter().map(|(_, e)| super::code_of(e));
    let is_wrong = !faults.is_empty() || !broken.is_empty();
    let codes = codes.chain(is_wrong.then_some(exit::CONFIG));
    // What a file must say comes before what a server says.
    if let Some(worst) = codes.max() {
        return worst;
    }
    let keys = match keys_of(&config) {
        Ok(keys) => keys,
        Err(e) => return super::failed(&super::Fault::config(vec![e])),
    };
    if let Some(keys) = keys {
        println!("{}: {keys}.", config.state.join("keys").display());
    }
    println!(
        "{}: {} queues, {} mailboxes, {} of the staff; contract, rules with their examples, and letters are in order{}.",
        config.file.display(),
        config.queues.len(),
        config.mailboxes.len(),
        policy.book.staff.people.len(),
        if arguments.online {
            ", and every server lets us in"
        } else {
            ""
        }
    );
    exit::OK
}

/// What the keys of the tokens do; none where there are none yet, or where they are another user's to read.
fn keys_of(config: &Config) -> Result<Option<String>, Diagnostic> {
    let path = config.state.join("keys");
    if std::fs::File::open(&path).is_err() {
        return Ok(None);
    }
    match keys::read(&config.state) {
        Ok(found) => Ok(Some(keys::explained(&found, clock::now()))),
        Err(e) => Err(Diagnostic::of_file(
            &path.display().to_string(),
            format!("{e:#}"),
            "see \"Keys\" in the README",
        )),
    }
}

/// A staff address that is also a polled one would answer itself for ever (ATTACKS.md C05).
fn loops(config: &Config, book: &Book) -> Vec<String> {
    let own = |address: &String| {
        config.queues.iter().any(|q| q.is_reached_by(address))
            || config
                .links
                .escalation_address
                .eq_ignore_ascii_case(address)
    };
    let staff = book
        .staff
        .people
        .iter()
        .flat_map(|p| p.addresses.iter().map(move |a| (p, a)));
    staff
        .filter(|(_, address)| own(address))
        .map(|(p, address)| format!("{address} of {} in staff.toml is an address of ours: its notices would come back as mail; write a personal address", p.id))
        .collect()
}

/// Queues whose warnings nobody would hear, or whose escalations nobody could end (C7.3).
fn unattended(config: &Config, staff: &Staff) -> Vec<String> {
    let mut faults = vec![];
    for queue in config.queues.iter().map(|q| &q.name) {
        if staff.of_queue(queue).next().is_none() {
            faults.push(format!("nobody works on queue \"{queue}\"; add it to somebody's queues in staff.toml, or remove it"));
        } else if staff.managers(queue).next().is_none() {
            faults.push(format!("no manager works on queue \"{queue}\", and only a manager's answer ends an escalation (C7.3); add it to one's queues in staff.toml"));
        }
    }
    faults
}

/// Orders that go on behind their term: what is missed earns no credit there (C4.6). It may be meant, so it is said and no fault.
fn lapsed(book: &Book, now: DateTime<Utc>) -> Vec<String> {
    let today = book.local_date(now);
    let orders = book.customers.all.iter().flat_map(|customer| {
        let plans = customer.subscriptions.iter().map(|order| &order.plan);
        let plans: BTreeSet<&String> = plans.collect();
        let plans = plans.into_iter();
        plans.filter_map(move |plan| {
            let term = customer.order(Some(plan), now)?.term?;
            let goes_on = customer.in_term(plan, now, today).is_some();
            (term.until < today && !goes_on).then_some((customer, plan, term))
        })
    });
    orders
        .map(|(customer, plan, term)| {
            format!(
                "the term of customer \"{}\" on plan \"{plan}\" ended on {}, and no order follows: what is missed now earns no credit (C4.6); write the new order into customers.toml, or valid_until if it is over",
                customer.id, term.until
            )
        })
        .collect()
}

fn broken_promises(config: &Config, promised: Option<&Promised>) -> Vec<Diagnostic> {
    match (promised, config.policy_files()) {
        (Some(promised), Ok(files)) => kept::broken(promised, &files),
        (None, _) => vec![],
        (_, Err(faults)) => faults,
    }
}

/// What the last ticket was promised by, if there is a record; from the daemon if it runs. A record that was not closed cleanly is not opened for this: to
/// mend it may take longer than systemd waits for a check.
fn promised(config: &Config) -> anyhow::Result<Option<Promised>> {
    match std::fs::metadata(config.state.join("journal")) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        there => there.with_context(|| config.state.display().to_string())?,
    };
    reach::as_owner(&config.state)?;
    if let Ok(mut daemon) = Client::connect(&config.control, &config.state) {
        let mut answer = vec![];
        daemon.ask(&Request::Promised, &mut answer)?;
        return serde_json::from_slice(&answer).context("the daemon's answer");
    }
    anyhow::ensure!(
        Store::is_closed_cleanly(&config.state),
        "the record was not closed cleanly; `ticketd run` compares when it has mended it"
    );
    let store = Store::open(&config.state)?;
    let promised = store.reader().promised();
    store.close()?;
    promised
}

/// What every login says, one after the other: an account locks after some wrong passwords, and nothing here tries twice.
fn online(config: &Config) -> Vec<(String, anyhow::Error)> {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(e) => return vec![("this machine".into(), e.into())],
    };
    runtime.block_on(async {
        let mut troubles = vec![];
        for mailbox in &config.mailboxes {
            if let Err(e) = look_into(config, mailbox).await {
                troubles.push((format!("mailbox {}", mailbox.name), e));
            }
        }
        if let Err(e) = way_out(config).await {
            troubles.push(("outgoing".into(), e));
        }
        troubles
    })
}

async fn way_out(config: &Config) -> anyhow::Result<()> {
    if let Some(Outgoing::Smtp(smtp)) = &config.outgoing {
        let relay = daemon::relay(smtp, &config.domain)?;
        let conn = SmtpConn::open(&relay).await;
        conn.map_err(|e| anyhow::anyhow!("{e}"))?.quit().await;
    }
    Ok(())
}

async fn look_into(config: &Config, mailbox: &Mailbox) -> anyhow::Result<()> {
    match &mailbox.place {
        MailboxPlace::Imap(imap) => {
            let account = daemon::account(imap, config.mail_bytes_max)?;
            let said = |e: Fault| anyhow::anyhow!("{e}");
            let mut conn = ImapConn::open(&account).await.map_err(said)?;
            conn.examine(&account.folder).await.map_err(said)?;
            conn.logout().await;
            Ok(())
        }
        MailboxPlace::Maildir(folder) => {
            let is_there = |part: &str| folder.join(part).is_dir();
            anyhow::ensure!(
                is_there("new") && is_there("cur"),
                Diagnostic::of_file(
                    &folder.display().to_string(),
                    "is no Maildir",
                    "make it with new, cur and tmp"
                )
            );
            Ok(())
        }
    }
}
