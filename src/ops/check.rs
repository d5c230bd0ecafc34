//! `ticketd check`: configuration, contract, customers, staff, rules with their examples, letters; with `--online` every login.

use super::cli::Cli;
use super::{exit, reach};
use crate::config::{Config, MailboxPlace, Outgoing};
use crate::contract::Book;
use crate::daemon;
use crate::desk::token::Keys;
use crate::post::imap::ImapConn;
use crate::post::smtp::SmtpConn;

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
        Err(found) => return super::failed(&reach::faults(found)),
    };
    let mut faults = loops(&config, &policy.book);
    if arguments.online {
        faults.extend(online(&config));
    }
    for fault in &faults {
        eprintln!("{}: {fault}", config.file.display());
    }
    if !faults.is_empty() {
        return exit::CONFIG;
    }
    println!(
        "{}: {} queues, {} mailboxes, {} of the staff; all rules, letters and the contract are in order.",
        config.file.display(),
        config.queues.len(),
        config.mailboxes.len(),
        policy.book.staff.people.len()
    );
    exit::OK
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

fn online(config: &Config) -> Vec<String> {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(e) => return vec![format!("no runtime: {e}")],
    };
    runtime.block_on(async {
        let mut faults = vec![];
        for mailbox in &config.mailboxes {
            if let Err(words) = look_into(config, mailbox).await {
                faults.push(format!("mailbox {}: {words}", mailbox.name));
            }
        }
        if let Some(Outgoing::Smtp(smtp)) = &config.outgoing {
            let opened = match daemon::relay(smtp, &config.domain) {
                Ok(relay) => SmtpConn::open(&relay).await.map_err(|e| e.to_string()),
                Err(e) => Err(format!("{e:#}")),
            };
            match opened {
                Ok(conn) => conn.quit().await,
                Err(words) => faults.push(format!("outgoing: {words}")),
            }
        }
        faults
    })
}

async fn look_into(config: &Config, mailbox: &crate::config::Mailbox) -> Result<(), String> {
    match &mailbox.place {
        MailboxPlace::Imap(imap) => {
            let account =
                daemon::account(imap, config.mail_bytes_max).map_err(|e| format!("{e:#}"))?;
            let mut conn = ImapConn::open(&account).await.map_err(|e| e.to_string())?;
            conn.examine(&account.folder)
                .await
                .map_err(|e| e.to_string())?;
            conn.logout().await;
            Ok(())
        }
        MailboxPlace::Maildir(folder) if folder.join("new").is_dir() => Ok(()),
        MailboxPlace::Maildir(folder) => Err(format!(
            "{} is no Maildir; make it with new, cur and tmp",
            folder.display()
        )),
    }
}
