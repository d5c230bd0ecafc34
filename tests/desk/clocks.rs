//! CONTRACT.md C3, C4, C5.1, C6.4, C7, C10.1 and ATTACKS.md F: clocks, credits, warnings.

use crate::office::*;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::record::EntryKind;
use ticketd::desk::ticket::{ClockKind, State};

fn severity(n: u8) -> String {
    format!("Severity: {n}\nThe printer is on fire.\n")
}

#[test]
fn f01_a_senders_date_changes_no_deadline() {
    for date in [
        "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n",
        "Date: Fri, 31 Dec 9999 23:59:59 +0000\r\n",
        "Date: Mon, 7 Sep 2026 08:59:00 +9999\r\n",
        "",
        "Date: Mon, 7 Sep 2026 08:59:00 +0200\r\nDate: Mon, 7 Sep 2020 08:59:00 +0200\r\n",
        "Date: yesterday\r\n",
    ] {
        let mut office = Office::new();
        office.receives(Post::from(KAETHI).dated(date));
        assert_eq!(
            office.initial(1).deadline,
            swiss("2026-09-08 12:00"),
            "{date}"
        );
    }
}

#[test]
fn f02_only_a_humans_answer_stops_the_clock() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).id("one@k.example"));
    let notice = office.last_to(ANNA);
    office.receives(
        Post::from(ANNA)
            .answering(&notice)
            .with("Auto-Submitted: auto-replied")
            .body("Away.\n"),
    );
    office.receives(
        Post::from(ANNA)
            .answering(&notice)
            .forged()
            .body("Dear customer.\n"),
    );
    office.receives(Post::from(ANNA).answering(&notice).body("#note ours\n"));
    office.receives(
        Post::from(ANNA)
            .answering(&notice)
            .body("#severity 4 facts\n"),
    );
    office.receives(
        Post::from("paul@baeckerei-keller.example")
            .referring("one@k.example")
            .body("I am a colleague.\n"),
    );
    office.receives(
        Post::from(KAETHI)
            .referring("one@k.example")
            .body("More.\n"),
    );
    assert!(office.initial(1).is_running());
    assert_eq!(office.ticket(1).responded, None);
}

#[test]
fn f03_a_thousand_follow_ups_move_no_clock() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).id("one@k.example"));
    let before = office.initial(1);
    for n in 0..200 {
        office.receives(
            Post::from(KAETHI)
                .referring("one@k.example")
                .body(&format!("Number {n}.\n")),
        );
    }
    assert_eq!(office.initial(1), before);
    assert_eq!(office.letters_to(KAETHI).len(), 1);
}

#[test]
fn f04_history_is_silent() {
    let mut office = Office::new();
    for n in 0..20 {
        let raw = Post::from(ALICE).subject(&format!("Old {n}")).raw(n);
        office.takes_with("support", raw, true);
    }
    office.clock_to("2026-09-20 09:00");
    assert!(office.letters().is_empty());
    assert!(
        office
            .tickets()
            .iter()
            .all(|t| t.clocks.is_empty() && t.state == State::Closed)
    );
}

#[test]
fn f04_an_acknowledgement_states_no_deadline_that_is_past() {
    let mut office = Office::new();
    let raw = Post::from(KAETHI).body(&severity(1)).raw(1);
    let received = office.now;
    office.clock_to("2026-09-07 12:00");
    let arrival = ticketd::desk::Arrival {
        mailbox: "support".into(),
        queue: "support".into(),
        mail: std::sync::Arc::new(ticketd::mail::read(&raw)),
        received,
        silent: false,
        cursor: None,
        trouble: None,
    };
    office.process(
        ticketd::desk::Event::MailArrived(Box::new(arrival)),
        Some(raw),
    );
    assert_eq!(
        office.initial(1).deadline,
        swiss("2026-09-07 10:00"),
        "it counts against us"
    );
    assert!(!office.last_to(KAETHI).says("10:00"));
}

#[test]
fn c3_2_best_effort_is_never_a_breach_or_a_promise() {
    let mut office = Office::new();
    office.receives(Post::from(JONAS).body(&severity(1)));
    let clock = office.initial(1);
    assert!(clock.objective.internal);
    assert_eq!(clock.deadline, swiss("2026-09-07 10:00"));
    assert!(
        !office.last_to(JONAS).says("10:00"),
        "never shown to a customer"
    );
    office.clock_to("2026-09-14 09:00");
    let clock = office.initial(1);
    assert_eq!((clock.breached, clock.credit_days), (None, 0));
    assert_eq!(office.count(1, EntryKind::Breach), 0);
    let last = office.last_to(CARLA);
    assert!(
        last.says("Target missed"),
        "{} {}",
        last.mail.subject,
        last.text()
    );
    assert!(
        last.says("our own target") && !last.says("Credit"),
        "{}",
        last.text()
    );
    office.answers(ANNA, "We are on it.\n");
    assert_eq!(office.ticket(1).credit_days(), 0);
    assert!(!office.recorded(1, "credit"));
}

/// C4.5 for the bakery (business hours; 1, 2, 12, 24 h): severities set at times, and the deadline after each.
#[test]
fn c4_5_a_change_of_severity_moves_the_deadline_as_the_contract_says() {
    type Changes<'a> = &'a [(&'a str, u8, &'a str)];
    let cases: [(u8, Changes); 8] = [
        // Lowered: from receipt.
        (1, &[("09:30", 3, "2026-09-08 12:00")]),
        (1, &[("09:30", 2, "2026-09-07 11:00")]),
        (2, &[("10:59", 4, "2026-09-09 15:00")]),
        // Raised: from the change.
        (3, &[("14:00", 1, "2026-09-07 15:00")]),
        (3, &[("16:30", 2, "2026-09-08 09:30")]),
        // Never later than before.
        (2, &[("10:30", 1, "2026-09-07 11:00")]),
        // A severity that it had brings its deadline back.
        (
            3,
            &[
                ("10:00", 1, "2026-09-07 11:00"),
                ("10:10", 3, "2026-09-08 12:00"),
                ("10:20", 1, "2026-09-07 11:00"),
            ],
        ),
        (
            1,
            &[
                ("09:10", 4, "2026-09-09 15:00"),
                ("09:40", 1, "2026-09-07 10:00"),
            ],
        ),
    ];
    for (first, changes) in cases {
        let mut office = Office::new();
        office.receives(Post::from(KAETHI).body(&severity(first)));
        for (at, level, deadline) in changes {
            office.clock_to(&format!("2026-09-07 {at}"));
            office.command(1, &format!("severity {level} facts"));
            assert_eq!(
                office.initial(1).deadline,
                swiss(deadline),
                "{first} {changes:?}"
            );
        }
    }
}

#[test]
fn c4_5_after_the_breach_it_stays() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body(&severity(1)));
    office.clock_to("2026-09-07 10:20");
    office.command(1, "severity 4 it was not so bad");
    let clock = office.initial(1);
    assert_eq!(clock.deadline, swiss("2026-09-07 10:00"));
    assert_eq!(clock.breached, Some(swiss("2026-09-07 10:00")));
    office.answers(ANNA, "Good morning.\n");
    assert_eq!(office.initial(1).credit_days, 1);
}

#[test]
fn c4_5_raised_from_best_effort_there_is_no_earlier_promise_to_break() {
    // Globex: severity 4 is best effort, 1 is 1 h of extended hours.
    let mut office = Office::new();
    office.receives(Post::from(GINA).body(&severity(4)));
    assert!(office.initial(1).objective.internal);
    office.clock_to("2026-09-18 10:00");
    office.command(1, "severity 1 now all is down");
    let clock = office.initial(1);
    assert_eq!(clock.deadline, swiss("2026-09-18 11:00"));
    assert_eq!(clock.breached, None);
    office.clock_to("2026-09-18 10:40");
    assert!(
        office.last_to(ANNA).kind == LetterKind::Warning,
        "and it is warned of"
    );
}

#[test]
fn c4_5_lowered_the_new_deadline_is_warned_of() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body(&severity(1)));
    office.clock_to("2026-09-07 09:58");
    office.command(1, "severity 3 facts");
    let before = office.count(1, EntryKind::Warning);
    assert_eq!(before, 3);
    office.clock_to("2026-09-08 11:59");
    assert_eq!(
        office.count(1, EntryKind::Warning),
        before + 3,
        "50, 75 and 90 % of the new time"
    );
    let warning = office.last_to(CARLA);
    assert!(warning.says("12:00"), "{}", warning.text());
}

#[test]
fn c10_3_after_a_raise_the_warning_explains_the_deadline_it_names() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body(&severity(3)));
    office.clock_to("2026-09-07 14:00");
    office.command(1, "severity 1 facts");
    office.clock_to("2026-09-07 14:59");
    let warning = office.last_to(CARLA);
    assert_eq!(warning.kind, LetterKind::Warning);
    assert!(
        warning.says("07.09.2026 15:00") && warning.says("C4.5"),
        "{}",
        warning.text()
    );
    assert!(
        warning.says("each further 15 min: 1 day for Bäckerei Keller GmbH"),
        "{}",
        warning.text()
    );
}

#[test]
fn c4_6_credit_is_full_quarters_accruing_and_then_final() {
    for (answered, days) in [
        ("10:00:00", 0),
        ("10:14:59", 0),
        ("10:15:00", 1),
        ("10:29:59", 1),
        ("12:00:00", 8),
    ] {
        let mut office = Office::new();
        office.receives(Post::from(KAETHI).body(&severity(1)));
        office.clock_to(&format!("2026-09-07 {answered}"));
        office.answers(ANNA, "We are on it.\n");
        assert_eq!(office.initial(1).credit_days, days, "{answered}");
        assert_eq!(
            office.count(1, EntryKind::Credit),
            usize::from(days > 0),
            "{answered}"
        );
    }
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body(&severity(1)));
    office.clock_to("2026-09-07 11:01");
    assert_eq!(office.initial(1).credit_days, 4, "accruing");
    // In support hours: the night does not count.
    office.clock_to("2026-09-08 08:30");
    office.answers(ANNA, "We are on it.\n");
    assert_eq!(office.initial(1).credit_days, (7 * 60 + 30) / 15);
}

#[test]
fn c4_6_a_cap_holds_and_no_term_earns_nothing() {
    let mut office = Office::new();
    office.receives(Post::from(GINA).body(&severity(1)));
    office.clock_to("2026-09-21 09:00");
    office.answers(ANNA, "Sorry.\n");
    assert_eq!(office.initial(1).credit_days, 90);
}

#[test]
fn c4_8_closing_does_not_stop_the_clock() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body(&severity(1)));
    let said = office.command(1, "close solved itself");
    assert!(said[0].contains("C4.8"));
    office.clock_to("2026-09-07 10:15");
    let clock = office.initial(1);
    assert!(clock.is_running() && clock.breached.is_some());
    // Closing with an answer does.
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body(&severity(1)));
    office.answers(ANNA, "#close done\nIt works again.\n");
    assert!(!office.initial(1).is_running());
    assert_eq!(office.ticket(1).state, State::Closed);
}

#[test]
fn c5_1_letters_are_in_the_set_or_the_detected_language() {
    let german = "Guten Tag, unser Drucker brennt und wir können leider nicht mehr arbeiten. Bitte helfen Sie uns.\n";
    let swiss_german = "Grüezi, de Drucker brännt und mir chönd nüme schaffe. Chönd Ir eus bitte hälfe? Mir händ scho alles probiert.\n";
    let english = "Hello, our printer is on fire and we can not work any more. Please help us.\n";
    for (from, body, greeting) in [
        (ALICE, german, "Guten Tag"),
        (ALICE, swiss_german, "Guten Tag"),
        (ALICE, english, "Hello"),
        (KAETHI, english, "Grüezi"),
        (KAETHI, german, "Grüezi"),
        (JONAS, english, "Guten Tag"),
        (GINA, german, "Hello"),
    ] {
        let mut office = Office::new();
        office.receives(
            Post::from(from)
                .subject("x")
                .with("Content-Type: text/plain; charset=utf-8")
                .body(body),
        );
        let ack = office.last_to(from);
        assert!(ack.text().starts_with(greeting), "{from}: {}", ack.text());
        assert!(!ack.text().contains('ß'));
    }
}

#[test]
fn c6_4_the_customers_word_then_the_rules_then_three() {
    use ticketd::desk::ticket::SeverityBy;
    for (body, level, by) in [
        (
            "Severity: 4\nProduction is down.\n",
            4,
            SeverityBy::Customer,
        ),
        (
            "Our production is down, nothing works.\n",
            1,
            SeverityBy::Rules,
        ),
        (
            "The colour of the button is odd to me.\n",
            3,
            SeverityBy::Rules,
        ),
    ] {
        let mut office = Office::new();
        office.receives(Post::from(ALICE).subject("x").body(body));
        let ticket = office.ticket(1);
        assert_eq!((ticket.severity, ticket.severity_by), (level, by), "{body}");
        office.command(1, "severity 2 facts");
        assert_eq!(office.ticket(1).severity_by, SeverityBy::Staff);
    }
}

#[test]
fn c7_the_acknowledgement_promises_what_the_contract_promises() {
    let says = |from: &str, normal: &str, urgent: &str, words: [&str; 2]| {
        let change = |name: &str, text: String| match name {
            "contract.toml" => text
                .replace("normal = \"9 h\"", &format!("normal = \"{normal}\""))
                .replace("urgent = \"2 h\"", &format!("urgent = \"{urgent}\"")),
            _ => text,
        };
        let mut office = Office::under(policy_with(change, ""));
        office.receives(Post::from(from).body("Severity: 2\nIt is slow.\n"));
        let letter = office.last_to(from);
        for words in words {
            assert!(letter.says(words), "{words}: {}", letter.text());
        }
    };
    says(
        KAETHI,
        "4 h",
        "30 min",
        [
            "D Leitig git innert 4 Stund vo eusne Gschäftsziite Antwort.",
            "git dänn innert 30 Minute vo Irne Supportziite Antwort.",
        ],
    );
    says(
        GINA,
        "18 h",
        "4 h",
        [
            "a manager will answer within two business days.",
            "a manager will answer within 4 hours of your support hours.",
        ],
    );
}

#[test]
fn c7_1_an_escalation_in_the_ticket_has_one_business_day_and_wants_a_manager() {
    let mut office = Office::new();
    office.receives(Post::from(JONAS).id("one@i.example"));
    office.clock_to("2026-09-07 11:00");
    office.receives(
        Post::from(JONAS)
            .referring("one@i.example")
            .body("I want to escalate this ticket to your management.\n"),
    );
    let clock = office.clock(1, ClockKind::Escalation);
    assert_eq!(
        (clock.objective.clause.as_str(), clock.deadline),
        ("C7.1", swiss("2026-09-08 11:00"))
    );
    assert!(!clock.objective.internal, "on every plan");
    assert_eq!(
        office.last_to(CARLA).kind,
        LetterKind::Notice,
        "managers are told"
    );
    office.answers(ANNA, "We are on it.\n");
    assert!(!office.initial(1).is_running());
    assert!(office.clock(1, ClockKind::Escalation).is_running(), "C7.3");
    office.answers(CARLA, "I look into it myself.\n");
    assert!(!office.clock(1, ClockKind::Escalation).is_running());
}

#[test]
fn c7_3_a_managers_answer_is_the_initial_response_too() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).to("support@desk.example, hi@desk.example"));
    let clock = office.clock(1, ClockKind::Escalation);
    assert_eq!(
        (clock.objective.clause.as_str(), clock.deadline),
        ("C7.2", swiss("2026-09-07 11:00"))
    );
    office.answers(CARLA, "I look into it myself.\n");
    assert!(office.ticket(1).clocks.iter().all(|c| !c.is_running()));
    assert!(office.ticket(1).responded.is_some());
}

#[test]
fn c7_2_urgent_after_normal_is_due_earlier() {
    let mut office = Office::new();
    office.receives(
        Post::from(KAETHI)
            .id("one@k.example")
            .body("I want to escalate this to your management.\n"),
    );
    assert_eq!(
        office.clock(1, ClockKind::Escalation).objective.clause,
        "C7.1"
    );
    office.clock_to("2026-09-07 10:00");
    office.receives(
        Post::from(KAETHI)
            .to("hi@desk.example")
            .referring("one@k.example")
            .body("Now!\n"),
    );
    let clock = office.clock(1, ClockKind::Escalation);
    assert_eq!(
        (clock.objective.clause.as_str(), clock.deadline),
        ("C7.2", swiss("2026-09-07 12:00"))
    );
    // Asked again it does not begin again.
    office.clock_to("2026-09-07 11:00");
    office.receives(
        Post::from(KAETHI)
            .to("hi@desk.example")
            .referring("one@k.example")
            .body("Now, please!\n"),
    );
    assert_eq!(
        office.clock(1, ClockKind::Escalation).deadline,
        swiss("2026-09-07 12:00")
    );
}

#[test]
fn c7_2_a_strangers_escalation_goes_to_a_person_without_a_clock() {
    let mut office = Office::new();
    office.receives(Post::from(STRANGER).to("hi@desk.example"));
    assert!(
        office
            .ticket(1)
            .clocks
            .iter()
            .all(|c| c.kind != ClockKind::Escalation)
    );
    let notice = office.last_to(CARLA);
    assert_eq!(notice.kind, LetterKind::Notice, "a manager is told");
    assert!(office.recorded(1, "no known customer"));
}

#[test]
fn c7_4_both_kinds_of_credit_add_up() {
    let mut office = Office::new();
    office.receives(
        Post::from(KAETHI)
            .to("support@desk.example, hi@desk.example")
            .body(&severity(1)),
    );
    office.clock_to("2026-09-07 11:30");
    office.answers(CARLA, "Sorry.\n");
    assert_eq!(office.initial(1).credit_days, 6);
    assert_eq!(office.clock(1, ClockKind::Escalation).credit_days, 2);
    assert_eq!(office.ticket(1).credit_days(), 8);
    // A sender without a term earns none.
    let mut office = Office::new();
    office.receives(Post::from(JONAS).to("support@desk.example, hi@desk.example"));
    office.clock_to("2026-09-09 11:30");
    office.answers(CARLA, "Sorry.\n");
    assert_eq!(office.ticket(1).credit_days(), 0);
}

#[test]
fn c10_2_a_warning_before_the_desk_closes_says_how_much_has_passed() {
    let mut office = Office::new();
    office.clock_to("2026-09-07 16:20");
    office.receives(Post::from(GINA).body("Severity: 2\nHalf of it is down.\n"));
    office.clock_to("2026-09-07 16:50");
    let warning = office.last_of(BEAT, LetterKind::Warning);
    assert!(
        warning.says("2 h") && warning.says("(8 % of the time has passed)"),
        "at half past four, 10 min of 120: {}",
        warning.text()
    );
}

#[test]
fn c10_1_each_step_tells_its_people_once() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body(&severity(2)));
    let steps: [(&str, &[&str]); 5] = [
        ("2026-09-07 10:00", &[ANNA, BEAT, CARLA]),
        // On duty on a Monday.
        ("2026-09-07 10:30", &[ANNA]),
        ("2026-09-07 10:48", &[CARLA]),
        ("2026-09-07 11:00", &[ANNA, BEAT, CARLA]),
        ("2026-09-07 12:00", &[ANNA, BEAT, CARLA]),
    ];
    for (at, people) in steps {
        let before = office.letters().len();
        office.clock_to(at);
        let mut told: Vec<String> = office
            .letters()
            .split_off(before)
            .into_iter()
            .map(|l| l.to)
            .collect();
        told.sort();
        assert_eq!(told, people, "{at}");
    }
    // Hourly eight times in desk hours, then daily.
    office.clock_to("2026-09-08 10:30");
    let repeats = office
        .letters_to(ANNA)
        .into_iter()
        .filter(|l| l.mail.subject.contains("reminder"))
        .count();
    assert_eq!(repeats, 8);
    office.clock_to("2026-09-10 10:30");
    let repeats = office
        .letters_to(ANNA)
        .into_iter()
        .filter(|l| l.mail.subject.contains("reminder"))
        .count();
    assert_eq!(repeats, 10);
}

#[test]
fn c10_1_the_assignee_is_warned_first_and_the_account_manager_of_the_breach() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).body(&severity(2)));
    office.command(1, "assign beat");
    let before = office.letters().len();
    office.clock_to("2026-09-07 09:30");
    let told: Vec<String> = office
        .letters()
        .split_off(before)
        .into_iter()
        .map(|l| l.to)
        .collect();
    assert_eq!(told, [BEAT]);
    office.clock_to("2026-09-07 10:00");
    assert_eq!(office.last_to(CARLA).kind, LetterKind::Breach);
}

/// Whom the steps of the clock until then tell.
fn told_by(office: &mut Office, until: &str) -> Vec<String> {
    let before = office.letters().len();
    office.clock_to(until);
    let told = office.letters().split_off(before);
    told.into_iter().map(|letter| letter.to).collect()
}

#[test]
fn c10_1_who_is_away_is_stood_in_for_at_every_step() {
    let away = "role = \"manager\"\nabsent = [{ from = 2026-12-21, until = 2027-01-03 }]\n";
    for (deputy, of_the_managers_step) in [
        ("deputy = \"beat\"\n", vec![BEAT]),
        // Nobody stands in: who is on duty hears of it too.
        ("", vec![CARLA, BEAT]),
    ] {
        let policy = policy_with(
            |name, text| match name {
                "staff.toml" => text.replace("role = \"manager\"\n", &format!("{away}{deputy}")),
                _ => text,
            },
            "",
        );
        let mut office = Office::under(policy);
        // Tuesday; Anna, on duty on Tuesdays, is away too.
        office.now = swiss("2026-12-22 09:00");
        office.receives(Post::from(KAETHI).body(&severity(2)));
        office.command(1, "assign anna");
        assert_eq!(told_by(&mut office, "2026-12-22 10:00"), [BEAT]);
        assert_eq!(told_by(&mut office, "2026-12-22 10:30"), [BEAT]);
        assert_eq!(
            told_by(&mut office, "2026-12-22 10:48"),
            of_the_managers_step
        );
    }
}

#[test]
fn c7_3_managers_are_warned_of_an_escalation_from_the_first_step() {
    let mut office = Office::new();
    office.receives(
        Post::from(KAETHI)
            .to("support@desk.example, hi@desk.example")
            .body(&severity(4)),
    );
    office.command(1, "assign beat");
    office.clock_to("2026-09-07 10:00");
    let warning = office.last_to(CARLA);
    assert_eq!(warning.kind, LetterKind::Warning);
    assert!(warning.says("an answer by a manager"));
}

#[test]
fn a_ticket_keeps_the_contract_that_it_was_promised_whatever_the_file_says_later() {
    // Somebody changes the text under the same date, which `check` refuses; a ticket is promised what was journalled at its receipt.
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body(&severity(2)));
    let promised = office.initial(1);
    let shorter = |name: &str, text: String| match name {
        "contract.toml" => text
            .replace("Mo-Fr 08:00-17:00", "Mo-Fr 09:30-10:00")
            .replace("days = 1 ", "days = 7 "),
        _ => text,
    };
    let mut policy = policy_with(shorter, "");
    policy.book_hash = ticketd::mail::Fingerprint([1; 32]);
    let before = ticketd::mail::Fingerprint([0; 32]);
    policy.former = std::sync::Arc::new([(before, self::policy().book)].into());
    office.goes_by(policy);
    office.clock_to("2026-09-07 11:15");
    assert_eq!(office.initial(1).deadline, promised.deadline);
    assert!(
        office.recorded(1, "Mon 07.09.2026 09:00-11:00: 2 h"),
        "the explanation"
    );
    office.answers(ANNA, "We are on it.\n");
    assert_eq!(office.initial(1).credit_days, 1, "and its price");
    // A request of today is promised what the file says today.
    office.receives(Post::from(KAETHI).body(&severity(2)));
    assert_ne!(office.initial(2).deadline, swiss("2026-09-07 13:15"));
}

/// ACME's people, each with a request of their own; then an escalation that names none.
fn escalates_after(requests: &[&str], escalates: &str) -> Office {
    let mut office = Office::new();
    for from in requests {
        office.receives(Post::from(from));
    }
    office.clock_to("2026-09-07 09:30");
    let post = Post::from(escalates).to("hi@desk.example");
    office.receives(post.subject("We need a manager").body("Now, please.\n"));
    office
}

#[test]
fn c7_2_an_escalation_that_names_no_ticket_means_the_only_open_one() {
    const BOB: &str = "bob@acme.example";
    for (requests, escalates, meant) in [
        (&[ALICE][..], ALICE, 1),
        (&[KAETHI, ALICE], ALICE, 2),
        // A colleague's, where the customer has no other.
        (&[BOB], ALICE, 1),
        // The writer's own before a colleague's.
        (&[BOB, ALICE], ALICE, 2),
        // Two of one's own, two of colleagues, none at all: a new one.
        (&[ALICE, ALICE], ALICE, 3),
        (&[BOB, "carol@acme.example"], ALICE, 3),
        (&[KAETHI], ALICE, 2),
    ] {
        let mut office = escalates_after(requests, escalates);
        let clock = office.clock(meant, ClockKind::Escalation);
        assert_eq!(clock.objective.clause, "C7.2", "{requests:?}");
        assert_eq!(clock.started, swiss("2026-09-07 09:30"), "{requests:?}");
        assert_eq!(office.tickets().len(), requests.len().max(meant as usize));
    }
}

#[test]
fn c7_2_a_closed_ticket_is_not_the_open_one() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    office.receives(Post::from(ALICE).subject("Scanner"));
    // Asked once, so that what follows is what commits keep true.
    office.receives(Post::from(ALICE).to("hi@desk.example").subject("Manager!"));
    for (ticket, command) in [(1, "close"), (3, "close")] {
        office.command(ticket, command);
    }
    office.receives(Post::from(ALICE).to("hi@desk.example").subject("Manager?"));
    assert_eq!(office.tickets().len(), 3);
    assert_eq!(
        office.clock(2, ClockKind::Escalation).objective.clause,
        "C7.2"
    );
    assert!(office.recorded(2, "the customer's open one (C7.2)"));
}

#[test]
fn c7_2_the_request_and_the_escalation_may_come_together() {
    let mut office = Office::new();
    let request = Post::from(ALICE);
    let escalation = Post::from(ALICE).to("hi@desk.example").subject("Manager!");
    office.takes_together("support", &[request, escalation]);
    assert_eq!(office.tickets().len(), 1);
    assert_eq!(
        office.clock(1, ClockKind::Escalation).objective.clause,
        "C7.2"
    );
}

#[test]
fn c7_2_a_forward_of_the_ticket_to_the_escalation_address_means_that_ticket() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).id("one@acme.example"));
    office.receives(Post::from(ALICE).subject("Scanner"));
    office.receives(
        Post::from(ALICE)
            .to("hi@desk.example")
            .subject("Fwd: Printer")
            .referring("one@acme.example"),
    );
    assert_eq!(office.tickets().len(), 2);
    assert_eq!(
        office.clock(1, ClockKind::Escalation).objective.clause,
        "C7.2"
    );
}

#[test]
fn c7_2_an_escalation_that_others_read_does_not_go_to_a_confidential_ticket() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).to("security@desk.example"));
    office.receives(Post::from(ALICE).to("hi@desk.example").subject("Manager!"));
    assert_eq!(office.tickets().len(), 2);
    assert_eq!(office.ticket(2).queue, "support");
}

#[test]
fn c5_2_c5_4_the_acknowledgement_says_where_what_is_out_of_scope_goes() {
    for (words, said) in [
        ("Please send us your price list.\n", "prices or invoices"),
        ("Wir brauchen eine Schulung für unser Team.\n", "Offerte"),
        (
            "Ich bin Kundin bei ACME und komme nicht mehr hinein.\n",
            "hilft Ihnen deren Support",
        ),
    ] {
        let mut office = Office::new();
        office.receives(Post::from(STRANGER).subject("Question").body(words));
        let ack = office.letters_to(STRANGER).remove(0);
        assert!(ack.says(said), "{words}: {}", ack.text());
        assert!(
            office.initial(1).is_running(),
            "support's list, until staff confirm"
        );
    }
}
