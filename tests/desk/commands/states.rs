//! The table of states in `src/desk/clocks.rs`: every event in every state, each cell driven.

use super::*;
use std::sync::LazyLock;
use ticketd::desk::event::Movement;
use ticketd::desk::policy::Policy;
use ticketd::desk::ticket::{ClockKind, State};

const DOCUMENTED: &str = include_str!("../../../src/desk/clocks.rs");

const PAUL: &str = "paul@baeckerei-keller.example";

/// The bakery has a second order.
static TWO_ORDERS: LazyLock<Policy> = LazyLock::new(|| {
    let order = "term = { from = 2026-04-01, until = 2027-03-31 }\n";
    let second = "\n[[customer.subscription]]\nplan = \"dedicated\"\nobjectives = { 1 = \"1 h\", 2 = \"1 h\", 3 = \"1 h\", 4 = \"1 h\" }\n";
    policy_with(
        |_, text| text.replace(order, &format!("{order}{second}")),
        "",
    )
});

/// How a ticket comes into each state of the table.
fn in_state(state: &str) -> Office {
    let rule = "[[rule]]\nbecause = \"it is odd\"\nsaid = ['\\bodd\\b']\nquarantine = true\nmatches = [\"This is odd\"]\nignores = [\"This is even\"]\n";
    let mut office = match state {
        "quarantined" => {
            let mut office = Office::under(policy_with(|_, text| text, rule));
            let post = Post::from(KAETHI).id(&format!("first@{KAETHI}"));
            office.receives(post.body("Severity: 2\nThis is odd.\n"));
            office
        }
        _ => bakery(2),
    };
    let said: &[&str] = match state {
        "new" | "quarantined" => &[],
        "open" | "waiting" => &["reply Try another socket."],
        "closed, unanswered" => &["close done"],
        "closed" => &["reply Try another socket.", "close done"],
        "void" => &["void spam a casino"],
        "merged" => {
            office.receives(asks(PAUL, 2));
            &["merge 2 the same"]
        }
        other => panic!("{other} is no state of the table"),
    };
    for line in said {
        assert!(
            !shell(&mut office, "anna", 1, line).refused,
            "{state}: {line}"
        );
    }
    if state == "open" {
        writes_again(&mut office, KAETHI, "It burns on.\n");
    }
    office.clock_to("2026-09-07 09:10");
    office
}

/// Lets the event happen; whether it was refused.
fn happens(office: &mut Office, event: &str) -> bool {
    match event {
        "the customer writes" => writes_again(office, KAETHI, "One thing more.\n"),
        "a deadline passes" => office.clock_to("2026-09-07 12:00"),
        "an answer fails" => {
            office.courier = false;
            if shell(office, "anna", 1, "reply One thing more.").refused {
                return true;
            }
            let relay = office.relays().pop().expect("an answer");
            office.moves(relay.place, Movement::Refused("550 no".into()));
        }
        "an answer is accepted" => {
            return shell(office, "anna", 1, "reply One thing more.").refused;
        }
        command => {
            let line = match command.trim_start_matches('#') {
                "severity" => "severity 1 facts",
                "severity corrected" => "severity corrected 3 a joke",
                "assign" => "assign beat",
                "close" => "close done",
                "reopen" => "reopen they called",
                "void" => "void spam a casino",
                "merge" => {
                    office.receives(asks("rita@baeckerei-keller.example", 2));
                    let last = office.tickets().len();
                    return shell(office, "carla", 1, &format!("merge {last}")).refused;
                }
                "split" => "split the oven",
                "customer" => "customer acme",
                "plan" => {
                    let mut ordered = policy();
                    ordered.book = TWO_ORDERS.book.clone();
                    office.goes_by(ordered);
                    "plan dedicated"
                }
                "channel" => "channel phone",
                "received" => {
                    // Of a mail it is always refused: its server says when it came.
                    office.drafts(1, |draft| draft.ticket.opened_by = Some("anna".into()));
                    "received 08:30"
                }
                "open" => "open rita@baeckerei-keller.example Another oven",
                "answered" => "answered phone 09:05 told her",
                "escalate" => "escalate urgent",
                "template" => "template consulting",
                "human" => "human",
                "note" => "note a word",
                "queue" => "queue security",
                other => panic!("{other} is no event of the table"),
            };
            return shell(office, "carla", 1, line).refused;
        }
    }
    false
}

/// The state, and which clocks run: I the initial response, N the next reply, E an escalation.
fn found(office: &mut Office) -> String {
    let ticket = office.ticket(1);
    let state = match (ticket.merged_into, ticket.state) {
        (Some(_), _) => "merged",
        (None, State::New) => "new",
        (None, State::Open) => "open",
        (None, State::WaitingCustomer) => "waiting",
        (None, State::Closed) => "closed",
        (None, State::Void) => "void",
        (None, State::Quarantined) => "quarantined",
    };
    let runs = |kind, letter| {
        let any = ticket
            .clocks
            .iter()
            .any(|c| c.kind == kind && c.is_running());
        if any { letter } else { "" }
    };
    format!(
        "{state} {}{}{}",
        runs(ClockKind::InitialResponse, "I"),
        runs(ClockKind::NextReply, "N"),
        runs(ClockKind::Escalation, "E")
    )
    .trim_end()
    .to_string()
}

fn driven(state: &str, event: &str) -> String {
    let mut office = in_state(state);
    match happens(&mut office, event) {
        true => "refused".into(),
        false => found(&mut office),
    }
}

/// The rows of the table: cells without their bars.
fn rows() -> Vec<Vec<&'static str>> {
    let (_, table) = DOCUMENTED.split_once("//! | event |").expect("the table");
    let lines = table
        .lines()
        .skip(2)
        .map_while(|l| l.strip_prefix("//! | "));
    let cells = |line: &'static str| {
        line.trim_end_matches(" |")
            .split(" | ")
            .map(str::trim)
            .collect()
    };
    let (head, _) = table.split_once('\n').expect("a head");
    let mut rows: Vec<Vec<&str>> = vec![
        head.trim()
            .trim_end_matches('|')
            .split(" | ")
            .map(str::trim)
            .collect(),
    ];
    rows.extend(lines.map(cells));
    rows
}

#[test]
fn every_event_in_every_state_does_what_the_table_says() {
    let rows = rows();
    let states = &rows[0];
    assert_eq!(states.len(), 8, "{states:?}");
    let mut wrong = vec![];
    let mut table = String::new();
    for row in &rows[1..] {
        let event = row[0].trim_matches('`');
        let cells: Vec<String> = states.iter().map(|state| driven(state, event)).collect();
        for ((state, says), does) in states.iter().zip(&row[1..]).zip(&cells) {
            if says != does {
                wrong.push(format!(
                    "{event} when {state}: the table says \"{says}\", it is \"{does}\""
                ));
            }
        }
        table.push_str(&format!("//! | {} | {} |\n", row[0], cells.join(" | ")));
    }
    assert!(rows.len() > 15, "the table is not where it was: {rows:?}");
    assert!(wrong.is_empty(), "{}\n\n{table}", wrong.join("\n"));
}

/// Every state of the ticket has its column, and every verb that does anything to a state or a clock its row.
#[test]
fn the_table_is_whole() {
    let rows = rows();
    let events: Vec<&str> = rows[1..].iter().map(|r| r[0].trim_matches('`')).collect();
    // What these do is an answer, is security's own, or changes neither state nor clock.
    let beside = [
        "language",
        "time",
        "watch",
        "take",
        "reply",
        "dry-run",
        "help",
        "everyone",
        // Deadlines of the law, in confidential queues alone: tests/desk/disclosure.rs.
        "exploited",
        "reported",
        "fixed",
    ];
    for verb in ticketd::desk::command::VERBS {
        let has_row = events
            .iter()
            .any(|e| e.trim_start_matches('#') == verb.name);
        assert!(
            has_row || beside.contains(&verb.name),
            "#{} has no row",
            verb.name
        );
    }
}
