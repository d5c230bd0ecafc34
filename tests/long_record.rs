//! A record of any length is read in bounded memory: what is asked of all tickets holds a few bytes of each at most, and the morning's letter none.
//!
//! A daemon with a million open tickets has less than a hundred megabytes left for whoever asks. Two records are asked the same, the second five times as
//! long; what the allocator handed out to the asking thread at the most tells what a ticket more has cost.

#[path = "hostile/counting.rs"]
mod counting;
#[path = "desk/office.rs"]
#[allow(dead_code)]
mod office;

use counting::own_cost;
use office::*;
use ticketd::desk::Policy;
use ticketd::desk::record::{Counters, Entry, Outcome, Place, Record, Road};
use ticketd::desk::ticket::{Ticket, TicketId};
use ticketd::ops::{credits, report, review, tickets};
use ticketd::store::Reader;

/// More than is read of the index at a time.
const SHORT: u64 = 600;
const LONG: u64 = 3_000;

/// A listing of all keeps a number and an instant of each; a vector that has just grown twice of it, and the old one beside it.
const LISTED_BYTES_MAX: usize = 120;

/// Alice's request, unanswered and late, and Anna's answer to Gina that came too late and came back: as often as is wished.
fn office_with(tickets: u64) -> Office {
    let mut office = Office::new();
    for name in ["contract.toml", "customers.toml", "staff.toml"] {
        let (text, hash) = (shipped(name), office.policy.book_hash);
        let kept = office.clerk.store().keep_policy(name, &text, hash);
        kept.expect("kept");
    }
    office.receives(Post::from(ALICE).body("Severity: 1\nAll is down.\n"));
    office.receives(
        Post::from(ALICE)
            .subject("Again")
            .body("Severity: 1\nAll is down.\n"),
    );
    office.clock_to("2026-09-07 13:00");
    office.answers(ANNA, "We are on it.\n");
    office.command(2, "time 30m tam a call");
    let like: Vec<(Ticket, Vec<Entry>)> = [1, 2]
        .map(|id| (office.ticket(id), office.entries(id)))
        .into();
    let mut number = 2;
    let mut batch = office.clerk.store().begin();
    for n in 2..tickets {
        number += 1;
        let (ticket, entries) = &like[n as usize % 2];
        batch.add(copied(ticket, entries, TicketId(number)), None);
        if n % 100 == 0 {
            let full = std::mem::replace(&mut batch, office.clerk.store().begin());
            office.clerk.store().commit(full).expect("a commit");
        }
    }
    let counters = Counters {
        ticket: number,
        filed: 0,
    };
    batch.add(Outcome::of("copied").with(Record::Counters(counters)), None);
    office.clerk.store().commit(batch).expect("a commit");
    // The index takes in what was committed behind it, on a thread of its own.
    office.clerk.store().checkpoint().expect("a checkpoint");
    office
}

/// The same once more: the ticket, what it has earned, and its letters, of which the last has failed.
fn copied(ticket: &Ticket, entries: &[Entry], id: TicketId) -> Outcome {
    let mut ticket = ticket.clone();
    ticket.id = id;
    let outcome = Outcome::of("copied").with(Record::Ticket(Box::new(ticket)));
    let mut record = entries.to_vec();
    for entry in &mut record {
        let seq = entry.place.seq;
        entry.place = Place { ticket: id, seq };
        if let Some(letter) = &mut entry.letter {
            letter.road = Road::Failed { at: entry.at };
        }
    }
    let records = record.into_iter().map(|e| Record::Entry(Box::new(e)));
    records.fold(outcome, Outcome::with)
}

type Ask = fn(&Reader, &Policy);

#[rustfmt::skip] // a table is read by columns
const ASKED: &[(&str, usize, Ask)] = &[
    ("the desk at its opening", 0, |reader, policy| {
        let queues: Vec<String> = policy.queues.iter().map(|q| q.name.clone()).collect();
        let found = reader.opening(swiss("2026-09-08 08:00"), swiss("2026-09-08 17:00"), &queues, &[0].into()).expect("the desk");
        assert!(found.queues.iter().any(|q| q.due.total as u64 >= SHORT / 2 && q.due.first.len() == 20 && q.failed.total > 20));
    }),
    ("list", LISTED_BYTES_MAX, |reader, policy| {
        tickets::list(reader, policy, &tickets::Filter::default(), now(), &mut std::io::sink()).expect("tickets");
    }),
    ("list --json", LISTED_BYTES_MAX, |reader, policy| {
        let filter = tickets::Filter { json: true, all: true, ..Default::default() };
        tickets::list(reader, policy, &filter, now(), &mut std::io::sink()).expect("tickets");
    }),
    ("report", LISTED_BYTES_MAX, |reader, policy| reported(reader, policy, report::Filter::default())),
    ("report --json", LISTED_BYTES_MAX, |reader, policy| reported(reader, policy, report::Filter { json: true, ..Default::default() })),
    ("report --html", LISTED_BYTES_MAX, |reader, policy| reported(reader, policy, report::Filter { html: Some("x".into()), ..Default::default() })),
    ("report --contract", LISTED_BYTES_MAX, |reader, policy| {
        let contract = shipped("contract.toml").replace("\"1 h\"", "\"2 h\"");
        reported(reader, policy, report::Filter { other: Some(("contract.toml".into(), contract)), ..Default::default() });
    }),
    ("credits", LISTED_BYTES_MAX, |reader, policy| owed(reader, policy, credits::Filter::default())),
    ("credits --json", LISTED_BYTES_MAX, |reader, policy| owed(reader, policy, credits::Filter { json: true, ..Default::default() })),
    ("credits --csv", LISTED_BYTES_MAX, |reader, policy| owed(reader, policy, credits::Filter { csv: true, ..Default::default() })),
    ("review", LISTED_BYTES_MAX, |reader, policy| {
        let filter = review::Filter { customer: "acme".into(), from: "2026-08-31".parse().ok(), ..Default::default() };
        review::answer(reader, policy, &filter, now(), &mut std::io::sink()).expect("a pack");
    }),
];

fn shipped(name: &str) -> String {
    let path = format!("{}/rules/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a file")
}

fn now() -> chrono::DateTime<chrono::Utc> {
    swiss("2026-09-07 14:00")
}

fn reported(reader: &Reader, policy: &Policy, filter: report::Filter) {
    report::answer(reader, policy, &filter, now(), &mut std::io::sink()).expect("a report");
}

fn owed(reader: &Reader, policy: &Policy, filter: credits::Filter) {
    credits::answer(reader, policy, &filter, now(), &mut std::io::sink()).expect("the ledger");
}

#[test]
fn what_is_asked_of_all_tickets_holds_a_few_bytes_of_each() {
    let mut offices = [SHORT, LONG].map(office_with);
    let mut over = vec![];
    for (name, each_max, ask) in ASKED {
        let costs = offices.each_mut().map(|office| {
            let (reader, policy) = (office.reader(), office.policy.clone());
            // What is made once is made here: patterns, years of opening hours.
            ask(&reader, &policy);
            own_cost(|| ask(&reader, &policy))
        });
        let each = costs[1].saturating_sub(costs[0]) / (LONG - SHORT) as usize;
        let told = format!(
            "{name}: {} KB, of five times as many {} KB: {each} bytes a ticket",
            costs[0] >> 10,
            costs[1] >> 10
        );
        println!("{told}");
        if each > *each_max {
            over.push(told);
        }
    }
    assert!(
        over.is_empty(),
        "more than is allowed:\n{}",
        over.join("\n")
    );
}
