//! `ticketd demo`: the main job with no server and no configuration.
//!
//! The real daemon, over Maildirs in a folder of its own, on a clock that the demo turns: a working day in September 2026. Nothing leaves the folder.

mod checks;
mod script;

use super::{exit, failed, table::Table};
use crate::clock;
use crate::config::Config;
use crate::daemon::{self, Running};
use crate::desk::Policy;
use crate::desk::ticket::{Ticket, TicketId};
use crate::desk::token::Keys;
use crate::mail::text::cleaned;
use anyhow::Context;
use chrono::{DateTime, Utc};
use script::{Act, Stage};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A minute of the demo's day takes this long to watch.
const MINUTE: Duration = Duration::from_millis(150);
/// The daemon is given up after this long without coming to rest.
const REST_MAX: Duration = Duration::from_secs(30);

/// The files that make an installation, as shipped.
const FILES: [(&str, &str); 4] = [
    (
        "rules/contract.toml",
        include_str!("../../rules/contract.toml"),
    ),
    (
        "rules/customers.toml",
        include_str!("../../rules/customers.toml"),
    ),
    ("rules/staff.toml", include_str!("../../rules/staff.toml")),
    ("ticketd.toml", include_str!("demo/ticketd.toml")),
];

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// No waiting: ends by itself in seconds.
    #[arg(long)]
    fast: bool,
    /// Only the list of checks with the figures found, one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Runs it; the exit code.
pub fn run(arguments: &Arguments) -> u8 {
    match played(arguments) {
        Ok(true) => exit::OK,
        Ok(false) => exit::SOFTWARE,
        Err(e) => failed(&e),
    }
}

fn played(arguments: &Arguments) -> anyhow::Result<bool> {
    let folder = unpacked()?;
    clock::imagine(script::opening());
    let config = Config::read(&folder.join("ticketd.toml")).map_err(super::Fault::config)?;
    let policy = config
        .policy(Keys::new(vec![('0', [0; 32])]))
        .map_err(super::Fault::config)?;
    let running = daemon::begin(config)?;
    let mut play = Play {
        running,
        policy,
        stage: Stage::at(&folder),
        quiet: arguments.json,
        pace: if arguments.fast {
            Duration::ZERO
        } else {
            MINUTE
        },
        delivered: 0,
    };
    let result = play.all();
    play.running.end();
    let Play {
        running,
        policy,
        stage,
        ..
    } = play;
    let reader = running.reader.clone();
    let found = result.and_then(|()| checks::all(&reader, &stage));
    running.wait()?;
    let found = found?;
    report(&found, &folder, &policy, arguments.json)?;
    Ok(found.iter().all(|c| c.holds))
}

/// A folder of its own with the shipped rules and a configuration of Maildirs.
fn unpacked() -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!(
        "ticketd-demo-{}-{:x}",
        std::process::id(),
        fastrand::u32(..)
    ));
    let rules = crate::rules::SHIPPED
        .iter()
        .map(|(name, text)| (name.to_string(), *text));
    for (name, text) in FILES.iter().map(|(n, t)| (n.to_string(), *t)).chain(rules) {
        let path = folder.join(&name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        std::fs::write(&path, text)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    for mailbox in ["support", "security", "hi"] {
        for part in ["new", "cur", "tmp"] {
            std::fs::create_dir_all(folder.join("in").join(mailbox).join(part))?;
        }
    }
    Ok(folder)
}

struct Play {
    running: Running,
    policy: Policy,
    stage: Stage,
    quiet: bool,
    pace: Duration,
    delivered: u64,
}

impl Play {
    fn all(&mut self) -> anyhow::Result<()> {
        self.rested()?;
        for act in script::acts() {
            self.until(act.at)?;
            self.say(&act)?;
            self.delivered += self.stage.deliver(&act)? as u64;
            self.rested()?;
            self.show()?;
        }
        self.until(script::closing())
    }

    /// Turns the clock to `at`, stopping at every due step on the way.
    fn until(&mut self, at: DateTime<Utc>) -> anyhow::Result<()> {
        loop {
            let due = self.running.reader.next_due()?.filter(|due| *due <= at);
            self.turn(due.unwrap_or(at));
            self.rested()?;
            if due.is_none() {
                return Ok(());
            }
            self.show()?;
        }
    }

    fn turn(&self, to: DateTime<Utc>) {
        let minutes = (to - clock::now()).num_minutes().clamp(0, 60) as u32;
        std::thread::sleep(self.pace * minutes);
        clock::imagine(to.max(clock::now()));
        self.running.clerk.ring();
    }

    /// Waits until every mail delivered is taken, every letter has left and nothing is due.
    fn rested(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !self.is_at_rest()? {
            anyhow::ensure!(
                begun.elapsed() < REST_MAX,
                "the daemon does not come to rest: {} mails delivered, {} taken",
                self.delivered,
                self.taken()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn taken(&self) -> u64 {
        self.running
            .mailboxes
            .iter()
            .map(|(_, pulse)| pulse.taken())
            .sum()
    }

    fn is_at_rest(&self) -> anyhow::Result<bool> {
        let (reader, now) = (&self.running.reader, clock::now());
        Ok(self.taken() >= self.delivered
            && reader.outbox()?.is_empty()
            && reader.due(now, 1)?.is_empty())
    }

    fn say(&self, act: &Act) -> anyhow::Result<()> {
        if !self.quiet {
            println!("\n{}  {}", self.policy.book.local(clock::now()), act.what);
        }
        Ok(())
    }

    /// The live view: open tickets, the nearest deadline on top.
    fn show(&self) -> anyhow::Result<()> {
        if self.quiet || self.pace.is_zero() {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        if out.is_terminal() {
            writeln!(out, "\n{}", self.policy.book.local(clock::now()))?;
        }
        tickets(&self.running.reader, &self.policy, &mut out)
    }
}

fn tickets(
    reader: &crate::store::Reader,
    policy: &Policy,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut all: Vec<Ticket> = vec![];
    reader.tickets(&mut |t| {
        all.extend((t.id != TicketId::FILE).then_some(t));
        true
    })?;
    all.sort_by_key(|t| {
        (
            t.next_deadline()
                .map_or(DateTime::<Utc>::MAX_UTC, |c| c.deadline),
            t.id,
        )
    });
    let mut table = Table::new(&[
        "ticket", "sev", "state", "due", "left", "customer", "credit", "subject",
    ]);
    for t in &all {
        let clock = t.next_deadline();
        let due = clock.map_or(String::new(), |c| policy.book.local(c.deadline));
        let left = clock.map_or(String::new(), |c| {
            format!("{} min", (c.deadline - clock::now()).num_minutes())
        });
        let subject = if policy.queue(&t.queue).confidential {
            "(confidential)".into()
        } else {
            cleaned(&t.subject, 44)
        };
        let customer = t
            .subscription
            .customer
            .clone()
            .unwrap_or_else(|| "-".into());
        table.row([
            t.id.to_string(),
            t.severity.to_string(),
            super::tickets::word(&t.state),
            due,
            left,
            customer,
            t.credit_days().to_string(),
            subject,
        ]);
    }
    Ok(table.write(out)?)
}

fn report(
    found: &[checks::Check],
    folder: &Path,
    policy: &Policy,
    json: bool,
) -> anyhow::Result<()> {
    let _ = policy;
    let mut out = std::io::stdout().lock();
    if json {
        for check in found {
            writeln!(
                out,
                "{}",
                serde_json::json!({ "check": check.name, "holds": check.holds, "expected": check.expected, "found": check.found })
            )?;
        }
        return Ok(());
    }
    writeln!(out, "\nWhat was to hold:")?;
    for check in found {
        writeln!(
            out,
            "  {}  {}: {}",
            if check.holds { "yes" } else { "NO " },
            check.name,
            check.found
        )?;
    }
    writeln!(
        out,
        "\nThe letters lie in {}, a Maildir for each recipient.",
        folder.join("out").display()
    )?;
    writeln!(
        out,
        "Look around: ticketd --config {} list --all",
        folder.join("ticketd.toml").display()
    )?;
    Ok(())
}
