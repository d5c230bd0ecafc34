//! How late a step of a clock is, by the daemon's own record: at most 1 s after it is due while the daemon runs (CONTRACT.md C10).
//!
//! Both instants are the daemon's: when a step was due follows from the clock on record, and when it happened is the entry's. How soon this test looks plays
//! no part; and while it waits it looks at letters alone, since any question over the control socket wakes the loop that waits for deadlines.

use super::house::{CONFIG, House, TREE, until};
use chrono::{DateTime, TimeDelta, Utc};
use std::process::Command;
use ticketd::desk::ticket::{Clock, ClockKind, TicketId};
use ticketd::desk::{EntryKind, record::Entry};
use ticketd::store::Store;

/// The percentages of contract.toml, and the deadline itself.
const PERCENT: [i64; 4] = [50, 75, 90, 100];
/// The shortest that there is (C3.3).
const OBJECTIVE: TimeDelta = TimeDelta::minutes(30);
/// So long after its mail is handed over a step is due: time enough for a busy machine to take the mail before.
const AHEAD: TimeDelta = TimeDelta::seconds(10);

/// The instant of a step of a clock.
fn due(started: DateTime<Utc>, percent: i64) -> DateTime<Utc> {
    started + OBJECTIVE * percent as i32 / 100
}

/// An order that promises half an hour by day and night; the desk is always open.
fn house() -> House {
    let house = House::with(&CONFIG.replace("\"RULES\"", "\"rules\""));
    let copied = Command::new("cp")
        .arg("-r")
        .arg(format!("{TREE}/rules"))
        .arg(house.path("rules"))
        .status();
    assert!(copied.expect("cp").success());
    // Each warning is a letter of its own.
    let contract = std::fs::read_to_string(house.path("rules/contract.toml")).expect("a contract");
    let patient = contract.replace("storm_count = 5 ", "storm_count = 100 ");
    assert_ne!(patient, contract);
    house.write("rules/contract.toml", patient);
    house.write("rules/customers.toml", "[[customer]]\nid = \"soon\"\nname = \"Soon AG\"\ndomains = [\"soon.example\"]\n\n[[customer.subscription]]\nplan = \"dedicated\"\norder = \"1\"\nhours = \"24x7\"\nobjectives = { 1 = \"30 min\", 2 = \"1 h\", 3 = \"8 h\", 4 = \"24 h\" }\nchannels = [\"mail\"]\nterm = { from = 2020-01-01, until = 2099-12-31 }\n");
    house.write("rules/staff.toml", "desk_hours = \"24/7\"\n\n[[person]]\nid = \"anna\"\nname = \"Anna Muster\"\naddresses = [\"anna@vendor.example\"]\nrole = \"manager\"\nqueues = [\"support\", \"security\"]\n");
    house
}

fn urgent(number: usize) -> String {
    format!(
        "From: rita@soon.example\r\nTo: support@desk.example\r\nSubject: Machine {number} is down\r\nMessage-ID: <{number}@soon.example>\r\n\r\nSeverity: 1\r\nMachine {number} does nothing.\r\n"
    )
}

/// Whether a letter to Anna says this of a ticket.
fn is_told(house: &House, ticket: u64, percent: i64) -> bool {
    let words = match percent {
        100 => format!("Subject: Breach: #{ticket}"),
        _ => format!("({percent} % of the time has passed)"),
    };
    let letters = std::fs::read_dir(house.path("out/anna@vendor.example/new"));
    let letters = letters.into_iter().flatten().flatten();
    let mut texts = letters.map(|l| std::fs::read_to_string(l.path()).unwrap_or_default());
    texts.any(|t| t.contains(&words) && t.contains(&format!("#{ticket}")))
}

/// The clock of the first answer, and when each of its steps happened.
fn recorded(house: &House, ticket: u64) -> (Clock, Vec<DateTime<Utc>>) {
    let store = Store::open(&house.path("state")).expect("the record");
    let reader = store.reader();
    let is_step = |e: &Entry| matches!(e.kind, EntryKind::Warning | EntryKind::Breach);
    let entries = reader.entries(TicketId(ticket)).expect("entries");
    let at = entries.iter().filter(|e| is_step(e)).map(|e| e.at);
    let ticket = reader
        .ticket(TicketId(ticket))
        .expect("a ticket")
        .expect("a ticket");
    let mut clocks = ticket.clocks.into_iter();
    let clock = clocks.rfind(|c| c.kind == ClockKind::InitialResponse);
    (clock.expect("a clock"), at.collect())
}

#[test]
fn c10_a_step_is_at_most_a_second_late_while_the_daemon_runs() {
    let house = house();
    house.run(&["check"]).expect(0);
    let daemon = house.daemon();
    // One ticket for each step, received so long ago that this step is the next to come.
    for (number, percent) in PERCENT.into_iter().enumerate() {
        let received = due(Utc::now() + AHEAD, -percent).to_rfc3339();
        let arguments = ["receive", "--received-at", &received, "-"];
        house
            .run_with(&arguments, urgent(number).as_bytes())
            .expect(0);
    }
    let tickets = 1..=PERCENT.len() as u64;
    for (ticket, percent) in tickets.clone().zip(PERCENT) {
        until("the step", || is_told(&house, ticket, percent));
    }
    assert!(daemon.end().success());

    for ((ticket, percent), which) in tickets.zip(PERCENT).zip(0..) {
        let (clock, at) = recorded(&house, ticket);
        assert_eq!(clock.deadline, clock.started + OBJECTIVE);
        let late = at[which] - due(clock.started, percent);
        println!("{percent} %: {late} late");
        assert!(late >= TimeDelta::zero(), "{percent} % is {late} late");
        assert!(late <= TimeDelta::seconds(1), "{percent} % is {late} late");
    }
}
