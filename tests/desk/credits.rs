//! CONTRACT.md C4.6, C7.4, C9: the ledger.

use crate::office::*;
use std::sync::Arc;
use ticketd::desk::credit;
use ticketd::desk::policy::Policy;
use ticketd::desk::record::{CreditFacts, Standing};
use ticketd::desk::time::{self, Booking};
use ticketd::mail::Fingerprint;
use ticketd::ops::credits;

impl Office {
    /// The ledger's lines, in the order of the record.
    fn ledger(&mut self) -> Vec<CreditFacts> {
        let mut lines = vec![];
        let reader = self.reader();
        let read = reader.each_credit(None, &mut |e| {
            lines.push(*e.credit.expect("a line"));
            Ok(())
        });
        read.expect("the ledger");
        lines
    }

    /// `kaethi 2 days provisional +2`, a line each.
    #[track_caller]
    fn owes(&mut self, expected: &[&str]) {
        let lines: Vec<String> = self
            .ledger()
            .iter()
            .map(|l| {
                let standing = match l.standing {
                    Standing::Provisional => "provisional",
                    Standing::Final => "final",
                };
                format!(
                    "{} {} {} {standing} {:+}",
                    l.customer, l.clause, l.days, l.change
                )
            })
            .collect();
        assert_eq!(lines, expected);
    }
}

fn late(minutes: u32) -> Office {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body("Severity: 1\nAll is down.\n"));
    office.clock_to(&format!("2026-09-07 10:{minutes:02}"));
    office
}

#[test]
fn c9_a_line_stands_in_the_ledger_once_the_clock_has_ended() {
    let mut office = late(40);
    office.owes(&[]);
    office.answers(ANNA, "We are on it.\n");
    office.owes(&["baeckerei C4.1 2 provisional +2"]);
    let line = office.ledger().remove(0);
    assert_eq!(line.deadline, swiss("2026-09-07 10:00"));
    assert_eq!(line.ended, swiss("2026-09-07 10:40"));
    assert_eq!(line.late_secs, 40 * 60);
    assert_eq!(line.term.until.to_string(), "2027-03-31");
    // Nothing that follows writes it again.
    office.answers(ANNA, "Still on it.\n");
    office.command(1, "close done");
    office.owes(&["baeckerei C4.1 2 provisional +2"]);
}

#[test]
fn c9_in_time_or_without_a_term_there_is_no_line() {
    let mut office = late(0);
    office.answers(ANNA, "Here we are.\n");
    office.owes(&[]);
    let mut office = Office::new();
    office.receives(Post::from(STRANGER).body("Severity: 1\nAll is down.\n"));
    office.clock_to("2026-09-08 09:00");
    office.answers(ANNA, "Here we are.\n");
    office.owes(&[]);
}

#[test]
fn c4_5_provisional_until_staff_determine_the_severity() {
    let mut office = late(40);
    office.answers(ANNA, "We are on it.\n");
    office.command(1, "severity 1 it was");
    office.owes(&[
        "baeckerei C4.1 2 provisional +2",
        "baeckerei C4.1 2 final +0",
    ]);
    // The facts improved: what was earned stays, and is final.
    let mut office = late(40);
    office.command(1, "severity 3 a workaround");
    office.answers(ANNA, "We are on it.\n");
    office.owes(&["baeckerei C4.1 2 final +2"]);
}

#[test]
fn c4_5_a_corrected_severity_is_a_correction_of_the_ledger() {
    let mut office = late(40);
    office.answers(ANNA, "We are on it.\n");
    office.drafts(1, |draft| {
        credit::corrected(draft, 3, "carla", "One desk of forty.")
    });
    office.owes(&[
        "baeckerei C4.1 2 provisional +2",
        "baeckerei C4.1 0 final -2",
    ]);
    let clock = office.initial(1);
    assert_eq!((clock.breached, clock.credit_days), (None, 0));
    assert_eq!(
        clock.deadline,
        swiss("2026-09-08 12:00"),
        "12 h from receipt"
    );
    assert!(office.recorded(1, "One desk of forty."));
    // And the other way: it was severity 1 all the time, and answered late as such.
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body("Severity: 3\nAll is down.\n"));
    office.clock_to("2026-09-07 10:40");
    office.answers(ANNA, "We are on it.\n");
    office.drafts(1, |draft| {
        credit::corrected(draft, 1, "carla", "All was down.")
    });
    office.owes(&["baeckerei C4.1 2 final +2"]);
}

#[test]
fn c4_5_corrected_while_the_clock_runs_it_runs_to_the_right_deadline() {
    let mut office = late(40);
    office.drafts(1, |draft| {
        credit::corrected(draft, 3, "carla", "One desk of forty.")
    });
    let clock = office.initial(1);
    assert_eq!((clock.breached, clock.credit_days), (None, 0));
    assert!(clock.next.is_some_and(|(at, _)| at > office.now));
    office.clock_to("2026-09-08 12:30");
    office.answers(ANNA, "We are on it.\n");
    office.owes(&["baeckerei C4.1 2 final +2"]);
}

#[test]
fn c7_4_both_kinds_add_up() {
    let mut office = Office::new();
    office.receives(
        Post::from(GINA)
            .to("hi@desk.example")
            .body("Severity: 1\nEscalation, please.\n"),
    );
    office.clock_to("2026-09-07 12:00");
    office.answers(CARLA, "I am on it.\n");
    office.owes(&["globex C4.1 8 provisional +8", "globex C7.2 4 final +4"]);
    assert_eq!(office.ticket(1).credit_days(), 12);
}

#[test]
fn c4_6_a_breach_that_nobody_has_recorded_accrues_all_the_same() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body("Severity: 1\nAll is down.\n"));
    let accrues = |office: &mut Office| -> Vec<String> {
        let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
        let mut words = vec![];
        credits::each(&reader, &policy, None, now, &mut |l| {
            let (standing, late) = (l.standing, l.late_secs / 60);
            words.push(format!("{} {} {standing} {late} min", l.customer, l.days));
            Ok(())
        })
        .expect("the ledger");
        words
    };
    // No daemon runs: none of the clock's steps is taken.
    for (now, expected) in [
        ("2026-09-07 09:59", vec![]),
        ("2026-09-07 10:00", vec![]),
        ("2026-09-07 10:10", vec!["baeckerei 0 accruing 10 min"]),
        ("2026-09-07 10:40", vec!["baeckerei 2 accruing 40 min"]),
    ] {
        office.now = swiss(now);
        assert_eq!(accrues(&mut office), expected, "{now}");
    }
    assert!(
        office.initial(1).breached.is_none(),
        "looking writes nothing"
    );
    // Nor does it count twice once it is recorded.
    office.clock_to("2026-09-07 10:50");
    assert!(office.initial(1).breached.is_some());
    assert_eq!(accrues(&mut office), ["baeckerei 3 accruing 50 min"]);
    office.answers(ANNA, "We are on it.\n");
    assert_eq!(accrues(&mut office), ["baeckerei 3 provisional 50 min"]);
}

/// Kaethi's term ends on the last day of August; more orders of hers stand behind it.
fn ended(more: &str) -> Policy {
    let change = |name: &str, text: String| {
        if name != "customers.toml" {
            return text;
        }
        let (shipped, term) = (
            "term = { from = 2026-04-01, until = 2027-03-31 }",
            "term = { from = 2025-09-01, until = 2026-08-31 }",
        );
        assert!(text.contains(shipped));
        text.replace(shipped, &format!("{term}\n{more}"))
    };
    policy_with(change, "")
}

#[test]
fn c4_6_a_term_that_had_ended_before_the_breach_is_extended_no_more() {
    let request = || Post::from(KAETHI).body("Severity: 1\nAll is down.\n");
    let mut office = Office::under(ended(""));
    office.receives(request());
    office.clock_to("2026-09-07 10:40");
    assert!(!office.last_to(ANNA).says("Waiting costs"));
    office.answers(ANNA, "We are on it.\n");
    let clock = office.initial(1);
    assert!(clock.breached.is_some(), "it is a breach all the same");
    assert_eq!(clock.credit_days, 0);
    office.owes(&[]);
    // Renewed while the ticket waits, on another plan.
    let mut office = Office::under(ended(""));
    office.receives(request());
    let before = office.ticket(1).policy;
    let renewed = "[[customer.subscription]]\nplan = \"dedicated\"\nvalid_from = 2026-09-01\nobjectives = { 1 = \"1 h\", 2 = \"1 h\", 3 = \"1 h\", 4 = \"1 h\" }\nterm = { from = 2026-09-01, until = 2027-08-31 }\n";
    let mut policy = ended(renewed);
    policy.book_hash = Fingerprint([1; 32]);
    policy.former = Arc::new([(before, office.policy.book.clone())].into());
    office.goes_by(policy);
    office.clock_to("2026-09-07 10:40");
    assert!(
        office
            .last_to(ANNA)
            .says("Waiting costs: each further 15 min: 1 day for Bäckerei Keller")
    );
    office.answers(ANNA, "We are on it.\n");
    office.owes(&["baeckerei C4.1 2 provisional +2"]);
    assert_eq!(office.ledger()[0].term.until.to_string(), "2027-08-31");
}

#[test]
fn c8_2_booked_time_is_found_by_customer_and_day() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    let booking = Booking::parse("45m tam review call").expect("a booking");
    office.drafts(1, |draft| {
        let said = time::book(draft, "carla", &booking).expect("it is booked");
        assert_eq!(
            said,
            "Booked 45 min of the account manager's hours for acme on 2026-09-07. review call"
        );
    });
    let day = |text: &str| text.parse().expect("a day");
    let reader = office.reader();
    let booked = |customer: &str, since: &str| {
        let mut found = vec![];
        let read = reader.each_time(customer, day(since), &mut |e| {
            found.extend(e.time.map(|t| (t.minutes, t.tam)));
            Ok(())
        });
        read.expect("times");
        found
    };
    assert_eq!(booked("acme", "2026-09-07"), [(45, true)]);
    assert_eq!(booked("acme", "2026-09-08"), []);
    assert_eq!(booked("globex", "2026-01-01"), []);
}
