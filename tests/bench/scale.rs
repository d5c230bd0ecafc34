//! A million open tickets: what `tests/bench/scale` asks of the store and the desk, one question a process.
//!
//! `scale fill STATE N` makes a store of N open tickets, each with its mail, through the store's own journal; a thousand of them warn at one instant.
//! `scale open STATE` opens it and finds the next due step; `scale fire STATE` decides one step without keeping it, then fires the thousand through the clerk;
//! `scale hold STATE` commits one more ticket and waits to be killed. Each prints one JSON object with what it found and its peak memory.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use ticketd::clerk::{Clerk, Job};
use ticketd::config::Config;
use ticketd::desk::event::{Arrival, Event};
use ticketd::desk::record::{Counters, Outcome, Record};
use ticketd::desk::ticket::{Ticket, TicketId};
use ticketd::desk::token::Keys;
use ticketd::desk::{Entry, Known, Policy, decide};
use ticketd::mail::Fingerprint;
use ticketd::store::disk::FakeDisk;
use ticketd::store::index::MemoryIndex;
use ticketd::store::{Batch, Options, Store};

/// As the binary has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// So many steps are due at one instant.
const TOGETHER: u64 = 1_000;
/// Outcomes a commit, as a busy clerk has them.
const COMMIT: u64 = 100;

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let told = match words[..] {
        ["fill", state, count] => fill(Path::new(state), count.parse()?)?,
        ["open", state] => open(Path::new(state))?,
        ["fire", state] => fire(Path::new(state))?,
        ["hold", state] => hold(Path::new(state))?,
        _ => anyhow::bail!("usage: scale fill STATE N | open STATE | fire STATE | hold STATE"),
    };
    println!("{told}");
    Ok(())
}

fn fill(state: &Path, count: u64) -> anyhow::Result<serde_json::Value> {
    let policy = policy()?;
    let like = Like::new(&policy)?;
    std::fs::create_dir_all(state)?;
    let mut store = Store::open(state)?;
    let began = Instant::now();
    for first in (1..=count).step_by(COMMIT as usize) {
        let mut batch = store.begin();
        for n in first..=count.min(first + COMMIT - 1) {
            like.add(&mut batch, &policy, n);
        }
        store.commit(batch)?;
        if first % 20_000 == 1 {
            store.checkpoint()?;
            eprintln!("{first}");
        }
    }
    let secs = began.elapsed().as_secs_f64();
    store.close()?;
    Ok(json!({ "tickets": count, "secs": secs, "peak_mb": peak_mb() }))
}

fn open(state: &Path) -> anyhow::Result<serde_json::Value> {
    let began = Instant::now();
    let store = Store::open(state)?;
    let next = store.reader().next_due()?.context("a due step")?;
    let secs = began.elapsed().as_secs_f64();
    store.close()?;
    Ok(json!({ "secs": secs, "next": next.to_rfc3339(), "peak_mb": peak_mb() }))
}

fn fire(state: &Path) -> anyhow::Result<serde_json::Value> {
    let policy = Arc::new(policy()?);
    let store = Store::open(state)?;
    let reader = store.reader();
    let now = reader.next_due()?.context("a due step")?;
    let mut decided_secs: Vec<f64> = vec![];
    for _ in 0..200 {
        let began = Instant::now();
        let due = reader.due(now, 1)?.pop().context("a due step")?;
        let outcome = decided(&policy, &store, &Event::DeadlineReached(due), now)?;
        decided_secs.push(began.elapsed().as_secs_f64());
        anyhow::ensure!(!outcome.records.is_empty(), "{}", outcome.because);
    }
    decided_secs.sort_by(f64::total_cmp);

    let mut clerk = Clerk::new(store, policy);
    let (began, mut fired, mut letters) = (Instant::now(), 0, 0);
    loop {
        let due = reader.due(now, COMMIT as usize)?;
        let digests = match due.is_empty() {
            true => reader.digests_due(now, COMMIT as usize)?,
            false => vec![],
        };
        fired += due.len();
        let events = due.into_iter().map(Event::DeadlineReached);
        let events = events.chain(digests.into_iter().map(Event::DigestDue));
        let jobs: Vec<Job> = events.map(|event| Job { event, raw: None }).collect();
        if jobs.is_empty() {
            break;
        }
        let done = clerk.process(&jobs, now)?;
        letters += done.iter().map(|d| d.letters.len()).sum::<usize>();
    }
    let secs = began.elapsed().as_secs_f64();
    clerk.close()?;
    Ok(json!({
        "decided_ms": decided_secs[decided_secs.len() / 2] * 1e3, "decided_worst_ms": decided_secs[decided_secs.len() - 1] * 1e3,
        "fired": fired, "letters": letters, "secs": secs, "peak_mb": peak_mb(),
    }))
}

fn hold(state: &Path) -> anyhow::Result<serde_json::Value> {
    let policy = policy()?;
    let like = Like::new(&policy)?;
    let mut store = Store::open(state)?;
    let mut batch = store.begin();
    like.add(&mut batch, &policy, 9_000_000);
    store.commit(batch)?;
    println!("{}", json!({ "held": true }));
    loop {
        std::thread::park();
    }
}

/// Finds, loads and decides, as the clerk does, and keeps nothing.
fn decided(
    policy: &Policy,
    store: &Store,
    event: &Event,
    now: DateTime<Utc>,
) -> anyhow::Result<Outcome> {
    let (batch, mut known) = (store.begin(), Known::with(None));
    loop {
        let outcome = decide(policy, &known, event, now);
        let missing = known.take_missing();
        if missing.is_empty() {
            return Ok(outcome);
        }
        for ask in missing {
            let answer = store.load(&batch, &ask)?;
            known.learn(ask, answer);
        }
    }
}

fn policy() -> anyhow::Result<Policy> {
    let house = Path::new(env!("CARGO_MANIFEST_DIR"));
    let told = |found: Vec<ticketd::diagnostic::Diagnostic>| anyhow::anyhow!("{found:?}");
    let config = Config::read(&house.join("systemd/ticketd.toml")).map_err(told)?;
    let key = ('0', [7; 32]);
    config.policy(Keys::new(vec![key])).map_err(told)
}

/// What a ticket looks like: one that the desk opened.
struct Like {
    ticket: Ticket,
    entry: Entry,
    raw: String,
}

impl Like {
    fn new(policy: &Policy) -> anyhow::Result<Like> {
        let raw = RAW.replace('\n', "\r\n");
        let arrival = Arrival {
            mailbox: "support".into(),
            queue: policy.queues[0].name.clone(),
            mail: Arc::new(ticketd::mail::read(raw.as_bytes())),
            received: "2026-09-07T07:00:00Z".parse()?,
            silent: false,
            cursor: None,
            trouble: None,
        };
        let now = arrival.received;
        let empty = Store::over(
            Box::new(FakeDisk::new()),
            Box::new(MemoryIndex::new()),
            Options::default(),
        )?;
        let event = Event::MailArrived(Box::new(arrival));
        let records = decided(policy, &empty, &event, now)?.records;
        let ticket = records.iter().find_map(|r| match r {
            Record::Ticket(ticket) => Some((**ticket).clone()),
            _ => None,
        });
        let entry = records.iter().find_map(|r| match r {
            Record::Entry(entry) if entry.mail.is_some() => Some((**entry).clone()),
            _ => None,
        });
        Ok(Like {
            ticket: ticket.context("a ticket")?,
            entry: entry.context("its mail")?,
            raw,
        })
    }

    /// The n-th ticket. The first thousand were received at one instant, all others one after the other from the next day on.
    fn add(&self, batch: &mut Batch, policy: &Policy, n: u64) {
        let raw = self.raw.replace("number 0", &format!("number {n}"));
        let id = format!("{n}@acme.example");
        let later = n.saturating_sub(TOGETHER).min(1_000_000_000);
        let begins = match later {
            0 => TimeDelta::zero(),
            n => TimeDelta::days(1) + TimeDelta::seconds(n as i64 * 7),
        };
        let received = self.ticket.received + begins;
        let mut ticket = self.ticket.clone();
        let mut entry = self.entry.clone();
        let book = &policy.book;
        ticket.id = TicketId(n);
        ticket.first_mail = Fingerprint::of(raw.as_bytes());
        ticket.received = received;
        ticket.references = vec![id.clone()];
        ticket.entries = 1;
        for clock in &mut ticket.clocks {
            clock.started = received;
            clock.deadline = book.expires(&clock.objective, received);
            clock.next = book.next_step(&clock.objective, received, clock.deadline, None);
            clock.by_severity = vec![(ticket.severity, clock.deadline)];
        }
        entry.place.ticket = ticket.id;
        entry.at = received;
        entry.message_id = Some(id.clone());
        if let Some(mail) = &mut entry.mail {
            mail.raw = ticket.first_mail;
            mail.written = Some(Fingerprint::of(id.as_bytes()));
            mail.found_by = vec![id];
        }
        let counters = Counters {
            ticket: n,
            filed: 0,
        };
        let outcome = Outcome {
            keep_raw: true,
            ..Outcome::of("opened")
        };
        let outcome = outcome
            .with(Record::Ticket(Box::new(ticket)))
            .with(Record::Entry(Box::new(entry)))
            .with(Record::Counters(counters));
        batch.add(outcome, Some(raw.into_bytes().into()));
    }
}

const RAW: &str = "Authentication-Results: mx.vendor.example; dmarc=pass header.from=acme.example
From: Alice <alice@acme.example>
To: support@vendor.example
Subject: Printer number 0 prints nothing
Message-ID: <0@acme.example>
Date: Mon, 7 Sep 2026 09:00:00 +0200

Severity: 3
Printer number 0 prints nothing since this morning. We expected paper with words on it, and there is none. It was
switched off and on again, the network is up, and other printers work.
";

/// The most memory that was ever resident.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kb = line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
    kb.unwrap_or(f64::NAN) / 1024.0
}
