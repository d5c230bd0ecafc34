//! C4, C9: no sequence of commands launders a breach. Searched for at random, through the real decisions, clerk and store; after every step the laws are held
//! against the tickets as they were before it.

use super::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use ticketd::desk::TicketId;
use ticketd::desk::clocks::replayed;
use ticketd::desk::ticket::{Clock, ClockKind, State};

/// What can be said; `N` is another ticket's number.
const LINES: [&str; 35] = [
    "severity 1 facts",
    "severity 2 facts",
    "severity 3 facts",
    "severity 4 facts",
    "severity corrected 1 it was so",
    "severity corrected 4 it was so",
    "customer acme",
    "customer baeckerei",
    "customer globex",
    "customer initech",
    "plan extended-sla",
    "plan dedicated",
    "received 08:30",
    "received 2026-09-04 16:00",
    "close done",
    "reopen they called",
    "void spam a casino",
    "void duplicate of another",
    "void withdrawn they found it",
    "merge N",
    "split",
    "split 1 the oven",
    "answered phone told them",
    "answered phone 09:01 told them",
    "escalate urgent",
    "escalate normal 09:00",
    "escalate withdraw they called",
    "template consulting",
    "reply Try another socket.",
    "human",
    "assign beat",
    "queue security",
    "queue support",
    "language de",
    "channel phone",
];

const GIVERS: [&str; 4] = ["anna", "carla", "carla", "operator"];

const WRITERS: [&str; 2] = [ANNA, CARLA];

/// Minutes; the last is over `reopen_within_days`.
const PAUSES: [i64; 8] = [0, 1, 14, 29, 60, 61, 700, 21 * 24 * 60];

#[derive(Clone, Debug)]
enum Step {
    Said {
        by: usize,
        ticket: usize,
        line: usize,
        other: usize,
    },
    /// Several commands in one answer to a letter.
    Mailed {
        by: usize,
        ticket: usize,
        lines: Vec<usize>,
        other: usize,
    },
    CustomerWrites,
    Pause(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let said = (0..GIVERS.len(), 0..4_usize, 0..LINES.len(), 0..4_usize);
    let said = said.prop_map(|(by, ticket, line, other)| Step::Said {
        by,
        ticket,
        line,
        other,
    });
    let lines = prop::collection::vec(0..LINES.len(), 2..4);
    let mailed = (0..WRITERS.len(), 0..4_usize, lines, 0..4_usize);
    let mailed = mailed.prop_map(|(by, ticket, lines, other)| Step::Mailed {
        by,
        ticket,
        lines,
        other,
    });
    prop_oneof![
        6 => said,
        3 => mailed,
        1 => Just(Step::CustomerWrites),
        3 => (0..PAUSES.len()).prop_map(Step::Pause),
    ]
}

struct Sought {
    office: Office,
    /// Of each ticket as it was before the step.
    before: BTreeMap<TicketId, Ticket>,
}

impl Sought {
    fn begin(severity: u8) -> Sought {
        let mut office = bakery(severity);
        let second = "open kaethi@baeckerei-keller.example The oven\n#severity 2 facts";
        assert!(!shell(&mut office, "anna", 0, second).refused);
        let before = office.tickets().into_iter().map(|t| (t.id, t)).collect();
        Sought { office, before }
    }

    /// Takes the step; whether a manager corrected something by it.
    fn take(&mut self, step: &Step) -> Option<TicketId> {
        let office = &mut self.office;
        match step {
            Step::CustomerWrites => writes_again(office, KAETHI, "One thing more.\n"),
            Step::Pause(n) => {
                let until = office.now + chrono::TimeDelta::minutes(PAUSES[*n]);
                let local = until.with_timezone(&chrono_tz::Europe::Zurich);
                office.clock_to(&local.format("%Y-%m-%d %H:%M").to_string());
            }
            Step::Said {
                by,
                ticket,
                line,
                other,
            } => {
                let all = office.tickets();
                let id = all[ticket % all.len()].id;
                let other = all[other % all.len()].id;
                let line = LINES[*line].replace('N', &other.to_string());
                let said = shell(office, GIVERS[*by], id.0, &line);
                if !said.refused && line.contains("corrected") {
                    return Some(id);
                }
            }
            Step::Mailed {
                by,
                ticket,
                lines,
                other,
            } => {
                let all = office.tickets();
                let id = all[ticket % all.len()].id;
                let other = all[other % all.len()].id.to_string();
                let body: String = lines
                    .iter()
                    .map(|n| format!("#{}\n", LINES[*n].replace('N', &other)))
                    .collect();
                let mut letters = office.letters_to(WRITERS[*by]);
                letters.retain(|l| l.place.ticket == id);
                let letter = letters.pop()?;
                let post = Post::from(WRITERS[*by]).answering(&letter).body(&body);
                office.receives(post);
                // Whether it was carried out is not looked at: corrected is as good as could be. What is said of a merged ticket is said of where it goes on.
                let own = all.iter().find(|t| t.id == id);
                let meant = own.and_then(|t| t.merged_into).unwrap_or(id);
                return Some(meant).filter(|_| body.contains("corrected"));
            }
        }
        None
    }

    fn hold(&mut self, step: &Step, corrected: Option<TicketId>) -> Result<(), TestCaseError> {
        let now = self.office.now;
        let tickets = self.office.tickets();
        for ticket in &tickets {
            if let Some(before) = self
                .before
                .get(&ticket.id)
                .filter(|_| corrected != Some(ticket.id))
            {
                no_breach_is_laundered(before, ticket)?;
            }
            every_promise_is_watched(ticket)?;
            a_merge_is_one_step(ticket, &tickets)?;
            self.the_clocks_follow_from_the_entries(ticket)?;
        }
        if !matches!(step, Step::Said { .. } | Step::Mailed { .. }) {
            // Only time and answers end a promise that staff did not speak of.
            for ticket in &tickets {
                if let Some(before) = self.before.get(&ticket.id) {
                    prop_assert!(
                        running(before) <= running(ticket),
                        "{step:?} ended a clock of {}",
                        ticket.id
                    );
                }
            }
        }
        prop_assert!(tickets.iter().all(|t| t.received <= now));
        self.before = tickets.into_iter().map(|t| (t.id, t)).collect();
        Ok(())
    }

    /// Replay: all but which warnings were given, and what accrues while a clock runs.
    fn the_clocks_follow_from_the_entries(&mut self, ticket: &Ticket) -> Result<(), TestCaseError> {
        let entries = self.office.entries(ticket.id.0);
        let policy = policy();
        let now = self.office.now;
        let Some(clocks) = replayed(&policy, ticket, &entries) else {
            // Set aside (a mail of somebody who may not act), and perhaps closed or reopened since: nothing was promised.
            prop_assert!(
                ticket.clocks.iter().all(|c| c.objective.internal),
                "{} was never opened",
                ticket.id
            );
            return Ok(());
        };
        let told = |c: &Clock| Clock {
            step_done: None,
            warned: vec![],
            next: None,
            breached: c
                .is_late(now)
                .then_some(c.deadline)
                .filter(|_| c.is_running())
                .or(c.breached),
            credit_days: if c.is_running() { 0 } else { c.credit_days },
            credited: None,
            ..c.clone()
        };
        // Reminders to update the customer (C6.5) follow from the ticket as it is, and promise nothing.
        let promises = |c: &&Clock| c.kind != ClockKind::Update;
        let live: Vec<Clock> = ticket.clocks.iter().filter(promises).map(told).collect();
        let again: Vec<Clock> = clocks.iter().filter(promises).map(told).collect();
        prop_assert_eq!(live, again, "ticket {}", ticket.id);
        Ok(())
    }
}

fn running(ticket: &Ticket) -> usize {
    let promised = |c: &&Clock| c.is_running() && !c.objective.internal;
    ticket.clocks.iter().filter(promised).count()
}

/// A breach stays, on no later deadline, with the account it was missed on, and its credit never shrinks.
fn no_breach_is_laundered(before: &Ticket, after: &Ticket) -> Result<(), TestCaseError> {
    let missed = before.clocks.iter().filter(|c| c.is_breached());
    for clock in missed {
        let same = |c: &&Clock| {
            c.kind == clock.kind
                && (c.kind == ClockKind::InitialResponse || c.started == clock.started)
        };
        let Some(still) = after.clocks.iter().find(same) else {
            return Err(TestCaseError::fail(format!(
                "a missed clock of {} is gone",
                after.id
            )));
        };
        prop_assert!(still.is_breached(), "the breach of {} is gone", after.id);
        prop_assert!(
            still.breached <= clock.breached,
            "the breach of {} was put off",
            after.id
        );
        prop_assert!(
            still.credit_days >= clock.credit_days,
            "{} days of {} became {}",
            clock.credit_days,
            after.id,
            still.credit_days
        );
        prop_assert_eq!(
            after.account_of(still).customer.clone(),
            before.account_of(clock).customer.clone()
        );
        if let Some(credited) = &clock.credited {
            let now = still.credited.as_ref();
            prop_assert!(
                now.is_some_and(|n| n.customer == credited.customer && n.days >= credited.days)
            );
        }
    }
    Ok(())
}

/// A promise that runs has its next step; what is void owes nothing.
fn every_promise_is_watched(ticket: &Ticket) -> Result<(), TestCaseError> {
    for clock in ticket.clocks.iter().filter(|c| c.is_running()) {
        prop_assert!(
            clock.objective.internal || clock.next.is_some(),
            "{} is silent",
            ticket.id
        );
        prop_assert!(
            ticket.state != State::Void,
            "{} is void and owes something",
            ticket.id
        );
    }
    Ok(())
}

fn a_merge_is_one_step(ticket: &Ticket, all: &[Ticket]) -> Result<(), TestCaseError> {
    if let Some(into) = ticket.merged_into {
        let target = all.iter().find(|t| t.id == into);
        prop_assert!(
            target.is_some_and(|t| t.merged_into.is_none() && t.merged.contains(&ticket.id))
        );
        prop_assert_eq!(ticket.state, State::Closed);
    }
    Ok(())
}

#[test]
fn no_sequence_of_commands_launders_a_breach() {
    let cases = std::env::var("TICKETD_SEQUENCES")
        .ok()
        .and_then(|n| n.parse().ok());
    let config = Config {
        cases: cases.unwrap_or(200),
        max_shrink_iters: 100,
        failure_persistence: None,
        ..Config::default()
    };
    // Most begin with a breach: there is nothing to launder without one.
    let begin = prop_oneof![1 => Just(0), 3 => Just(PAUSES.len() - 2)].prop_map(Step::Pause);
    let sequences = (1..=4_u8, begin, prop::collection::vec(step(), 1..14));
    let searched = TestRunner::new(config).run(&sequences, |(severity, begin, steps)| {
        let mut sought = Sought::begin(severity);
        for step in std::iter::once(&begin).chain(&steps) {
            let corrected = sought.take(step);
            sought.hold(step, corrected)?;
        }
        let findings = ticketd::store::audit::audit(&sought.office.reader()).expect("an audit");
        prop_assert!(findings.is_empty(), "{findings:?}");
        Ok(())
    });
    if let Err(found) = searched {
        panic!("{found}");
    }
}
