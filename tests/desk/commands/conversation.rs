//! C4.4, C5.4, C7: `#answered`, `#template`, `#escalate`.

use super::*;
use ticketd::desk::record::EntryKind;
use ticketd::desk::ticket::{ClockKind, State, Unanswered};

#[test]
fn c4_5_a_conversation_recorded_late_takes_no_credit_of_a_merged_ticket() {
    let mut office = bakery(4);
    let oven = "open kaethi@baeckerei-keller.example The oven\n#severity 1 facts";
    assert!(!shell(&mut office, "anna", 0, oven).refused);
    office.clock_to("2026-09-07 12:00");
    let before = office.initial(2).credit_days;
    assert!(before > 0);
    assert!(!shell(&mut office, "anna", 2, "merge 1").refused);
    assert!(!shell(&mut office, "anna", 1, "answered phone 09:01 told her").refused);
    let clock = office.initial(2);
    assert_eq!(clock.stopped, Some(swiss("2026-09-07 12:00")));
    assert!(clock.credit_days >= before, "{clock:?}");
}

#[test]
fn c4_4_a_conversation_stops_the_clock_when_it_took_place() {
    let mut office = bakery(1);
    office.clock_to("2026-09-07 09:40");
    let said = done(
        &mut office,
        ANNA,
        "#answered phone 09:12 told her to use another socket\n",
    );
    assert!(
        said.says("Answered by phone Mon 07.09.2026 09:12"),
        "{}",
        said.text()
    );
    let clock = office.initial(1);
    assert_eq!(
        (clock.stopped, clock.breached),
        (Some(swiss("2026-09-07 09:12")), None)
    );
    assert_eq!(office.ticket(1).responded, Some(swiss("2026-09-07 09:12")));
    assert_eq!(office.ticket(1).state, State::WaitingCustomer);
    let mut office = bakery(1);
    office.clock_to("2026-09-07 09:30");
    for (wrong, why) in [
        ("#answered phone 09:12\n", "what was said"),
        ("#answered 09:12 told her\n", "names no channel"),
        ("#answered mail 09:12 told her\n", "names no channel"),
        ("#answered phone 23:00 told her\n", "in the future"),
        ("#answered phone 08:12 told her\n", "after"),
    ] {
        refused(&mut office, ANNA, wrong, why);
    }
    assert!(office.initial(1).is_running());
}

#[test]
fn c4_5_a_conversation_recorded_after_the_deadline_takes_no_breach_back() {
    for at in ["09:55", "10:05"] {
        let mut office = bakery(1);
        office.clock_to("2026-09-07 10:46");
        let said = done(
            &mut office,
            ANNA,
            &format!("#answered phone {at} told her\n"),
        );
        assert!(said.says("the clock ends now"), "{}", said.text());
        let clock = office.initial(1);
        assert_eq!(clock.breached, Some(swiss("2026-09-07 10:00")));
        assert_eq!(
            (clock.stopped, clock.credit_days),
            (Some(swiss("2026-09-07 10:46")), 3)
        );
    }
}

#[test]
fn c5_4_a_letter_of_ours_is_an_answer_by_one_command() {
    for (name, words) in [("consulting", "Offerte"), ("end-user", "Firma")] {
        let mut office = bakery(1);
        done(&mut office, ANNA, &format!("#template {name}\n"));
        let relay = office.relays().pop().expect("a letter");
        assert!(relay.raw.to_lowercase().contains("from: ") && relay.to == KAETHI);
        assert!(relay.text().contains("Anna Muster"), "{}", relay.text());
        assert!(
            relay.says(words) || relay.mail.text.contains(words),
            "{}",
            relay.text()
        );
        assert!(!relay.raw.contains("Auto-Submitted"), "a person's");
        assert!(!office.initial(1).is_running(), "C4.4");
    }
    let mut office = bakery(1);
    refused(
        &mut office,
        ANNA,
        "#template gold\n",
        "use consulting or end-user",
    );
    refused(
        &mut office,
        ANNA,
        "#template consulting\n\nDear customer\n",
        "a whole answer",
    );
    refused(
        &mut office,
        ANNA,
        "#template consulting\n#template end-user\n",
        "Only one answer",
    );
}

#[test]
fn c7_2_a_call_is_entered_and_only_a_manager_ends_it() {
    let mut office = bakery(3);
    office.clock_to("2026-09-07 10:00");
    let said = done(&mut office, ANNA, "#escalate urgent 09:30 she shouted\n");
    assert!(said.says("11:30"), "{}", said.text());
    let clock = office.clock(1, ClockKind::Escalation);
    assert_eq!(
        (clock.objective.clause.as_str(), clock.deadline),
        ("C7.2", swiss("2026-09-07 11:30"))
    );
    assert_eq!(office.last_of(CARLA, LetterKind::Notice).place.ticket.0, 1);
    // The later mail changes nothing: the call was first.
    writes_again(
        &mut office,
        KAETHI,
        "I want to escalate this to your management.\n",
    );
    assert_eq!(
        office.clock(1, ClockKind::Escalation).deadline,
        swiss("2026-09-07 11:30")
    );
    done(&mut office, ANNA, "#answered phone 09:50 on it\n");
    assert!(office.clock(1, ClockKind::Escalation).is_running(), "C7.3");
    done(&mut office, CARLA, "#answered phone 09:55 on it myself\n");
    assert_eq!(
        office.clock(1, ClockKind::Escalation).stopped,
        Some(swiss("2026-09-07 09:55"))
    );
}

#[test]
fn c7_2_a_call_before_the_mail_is_the_first() {
    let mut office = bakery(3);
    office.clock_to("2026-09-07 10:00");
    let post = Post::from(KAETHI)
        .to("hi@desk.example")
        .referring(&format!("first@{KAETHI}"));
    office.receives(post.body("Now!\n"));
    assert_eq!(
        office.clock(1, ClockKind::Escalation).deadline,
        swiss("2026-09-07 12:00")
    );
    done(&mut office, ANNA, "#escalate urgent 09:10\n");
    assert_eq!(
        office.clock(1, ClockKind::Escalation).deadline,
        swiss("2026-09-07 11:10")
    );
}

#[test]
fn c7_1_a_normal_one_has_a_business_day() {
    let mut office = bakery(3);
    done(&mut office, ANNA, "#escalate normal\n");
    let clock = office.clock(1, ClockKind::Escalation);
    assert_eq!(
        (clock.objective.clause.as_str(), clock.deadline),
        ("C7.1", swiss("2026-09-07 17:00").max(clock.deadline))
    );
    for wrong in ["#escalate\n", "#escalate now\n"] {
        refused(&mut office, ANNA, wrong, "use #escalate urgent|normal");
    }
    refused(
        &mut office,
        ANNA,
        "#escalate urgent 23:59\n",
        "in the future",
    );
    done(&mut office, ANNA, "#close done\n");
    refused(&mut office, ANNA, "#escalate urgent\n", "a closed ticket");
}

#[test]
fn c7_2_a_strangers_call_starts_no_clock() {
    let mut office = Office::new();
    office.receives(asks(STRANGER, 3));
    let said = done(&mut office, ANNA, "#escalate urgent\n");
    assert!(said.says("no known customer"), "{}", said.text());
    assert!(
        office
            .ticket(1)
            .clocks
            .iter()
            .all(|c| c.kind != ClockKind::Escalation)
    );
    assert_eq!(office.last_of(CARLA, LetterKind::Notice).place.ticket.0, 1);
}

#[test]
fn c7_2_withdrawn_by_a_manager_what_was_missed_stays() {
    let mut office = bakery(3);
    refused(
        &mut office,
        CARLA,
        "#escalate withdraw they called back\n",
        "no escalation runs",
    );
    done(&mut office, ANNA, "#escalate urgent\n");
    office.clock_to("2026-09-07 11:20");
    refused(
        &mut office,
        ANNA,
        "#escalate withdraw they called back\n",
        "is for a manager",
    );
    refused(&mut office, CARLA, "#escalate withdraw\n", "wants a reason");
    done(&mut office, CARLA, "#escalate withdraw they called back\n");
    let clock = office.clock(1, ClockKind::Escalation);
    assert_eq!(
        (clock.unanswered, clock.credit_days),
        (Some(Unanswered::Withdrawn), 1)
    );
    assert_eq!(clock.breached, Some(swiss("2026-09-07 11:00")));
    assert!(
        office.initial(1).is_running(),
        "the initial response is owed all the same"
    );
    office.clock_to("2026-09-08 10:00");
    assert_eq!(office.count(1, EntryKind::Breach), 1);
}

#[test]
fn c4_4_a_conversation_may_begin_with_the_request() {
    let mut office = bakery(1);
    office.clock_to("2026-09-07 09:40");
    done(&mut office, ANNA, "#answered phone 09:00 at once\n");
    let clock = office.initial(1);
    assert_eq!(clock.stopped, Some(swiss("2026-09-07 09:00")));
}

/// Who calls waits for us again; who never had an answer still waits for the first.
#[test]
fn c7_2_a_call_makes_a_waiting_ticket_ours() {
    let mut office = bakery(1);
    done(&mut office, ANNA, "#escalate urgent\n");
    assert_eq!(office.ticket(1).state, State::New);
    let mut office = bakery(1);
    office.answers(ANNA, "Try another socket.\n");
    assert_eq!(office.ticket(1).state, State::WaitingCustomer);
    done(&mut office, ANNA, "#escalate urgent\n");
    assert_eq!(office.ticket(1).state, State::Open);
}

/// Whoever enters a call hears of that promise and of no other that runs on the ticket, were it made later.
#[test]
fn c7_2_who_enters_a_call_is_told_by_when_a_manager_has_to_answer() {
    let mut office = bakery(3);
    let by = "A manager has to answer by Tue 08.09.2026 09:00.";
    let said = done(&mut office, ANNA, "#escalate normal\n");
    assert!(said.says(by), "{}", said.text());
    office.answers(ANNA, "Try another socket.\n");
    office.clock_to("2026-09-07 10:00");
    writes_again(&mut office, KAETHI, "That one is dead, too.\n");
    let next = office.clock(1, ClockKind::NextReply);
    assert!(next.is_running() && next.deadline != swiss("2026-09-08 09:00"));
    let said = done(&mut office, ANNA, "#escalate normal\n");
    assert!(said.says(by), "{}", said.text());
}
