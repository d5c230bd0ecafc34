//! C4.8, C4.9: `#close`, `#reopen`, `#void`, `#human`.

use super::*;
use ticketd::desk::record::EntryKind;
use ticketd::desk::ticket::{ClockKind, Nothing, State, Unanswered};

#[test]
fn c4_8_closing_stops_no_promise_and_an_internal_target() {
    let mut office = bakery(1);
    let said = done(&mut office, ANNA, "#close solved itself\n");
    assert!(said.says("C4.8"), "{}", said.text());
    assert!(office.initial(1).is_running());
    office.clock_to("2026-09-07 10:15");
    assert!(office.initial(1).is_breached());
    refused(
        &mut office,
        ANNA,
        "#close again\n",
        "a closed ticket; #reopen it first",
    );
    // After an answer there is but our own target, and a closed ticket waits on nobody.
    let mut office = bakery(1);
    office.answers(ANNA, "Try another socket.\n");
    writes_again(&mut office, KAETHI, "Thanks.\n");
    assert!(office.clock(1, ClockKind::NextReply).is_running());
    done(&mut office, ANNA, "#close done\n");
    let clock = office.clock(1, ClockKind::NextReply);
    assert_eq!(clock.unanswered, Some(Unanswered::Closed));
}

#[test]
fn c4_8_void_ends_the_clocks_and_leaves_a_breach_before_it() {
    for (words, nothing) in [
        ("spam a casino", Nothing::Spam),
        ("duplicate of 7", Nothing::Duplicate),
        ("withdrawn they found it", Nothing::Withdrawn),
    ] {
        let mut office = bakery(1);
        office.clock_to("2026-09-07 09:30");
        done(&mut office, ANNA, &format!("#void {words}\n"));
        let ticket = office.ticket(1);
        assert_eq!((ticket.state, ticket.nothing), (State::Void, Some(nothing)));
        let clock = office.initial(1);
        assert_eq!(clock.stopped, Some(swiss("2026-09-07 09:30")));
        assert_eq!(
            (clock.unanswered, clock.breached),
            (Some(Unanswered::Voided), None)
        );
        office.clock_to("2026-09-08 12:00");
        assert_eq!(office.count(1, EntryKind::Breach), 0);
        assert!(office.recorded(1, "Void, "));
        refused(
            &mut office,
            ANNA,
            "#void spam again\n",
            "a void ticket; #reopen it first",
        );
        refused(
            &mut office,
            ANNA,
            "#severity 2 x\n",
            "a void ticket; #reopen it first",
        );
    }
    let mut office = bakery(1);
    office.clock_to("2026-09-07 10:20");
    let said = done(&mut office, ANNA, "#void spam a casino\n");
    assert!(said.says("what was missed before stays"), "{}", said.text());
    let clock = office.initial(1);
    assert_eq!(
        (clock.breached, clock.credit_days),
        (Some(swiss("2026-09-07 10:00")), 1)
    );
    refused(&mut bakery(1), ANNA, "#void spam\n", "wants a reason");
    refused(
        &mut bakery(1),
        ANNA,
        "#void because of me\n",
        "spam|duplicate|withdrawn",
    );
}

#[test]
fn c4_9_reopened_within_the_days_the_first_clock_resumes() {
    // Spam that was none: the customer has waited all the time.
    let mut office = bakery(2);
    office.clock_to("2026-09-07 09:30");
    done(&mut office, ANNA, "#void spam a casino\n");
    office.clock_to("2026-09-07 10:30");
    let said = done(&mut office, ANNA, "#reopen it is a customer\n");
    assert!(said.says("07.09.2026 11:00"), "{}", said.text());
    let ticket = office.ticket(1);
    assert_eq!(
        (ticket.state, ticket.nothing, ticket.closed),
        (State::New, None, None)
    );
    office.clock_to("2026-09-07 11:00");
    assert!(office.initial(1).is_breached());
    // Withdrawn by the customer, the time does not count.
    let mut office = bakery(2);
    office.clock_to("2026-09-07 09:30");
    done(&mut office, ANNA, "#void withdrawn they found it\n");
    office.clock_to("2026-09-08 09:30");
    writes_again(&mut office, KAETHI, "It burns again.\n");
    assert_eq!(office.ticket(1).state, State::New);
    let clock = office.initial(1);
    assert_eq!(
        (clock.stopped, clock.deadline),
        (None, swiss("2026-09-08 11:00"))
    );
    refused(
        &mut office,
        ANNA,
        "#reopen\n",
        "a ticket that is not closed",
    );
}

#[test]
fn c4_9_answered_before_it_is_reopened_with_our_own_target() {
    let mut office = bakery(2);
    office.answers(ANNA, "Try another socket.\n");
    done(&mut office, ANNA, "#close done\n");
    office.clock_to("2026-09-08 09:00");
    done(&mut office, ANNA, "#reopen they called\n");
    assert_eq!(office.ticket(1).state, State::Open);
    assert!(!office.initial(1).is_running());
    let target = office.clock(1, ClockKind::NextReply);
    assert!(target.is_running() && target.objective.internal);
}

#[test]
fn c4_9_too_late_it_goes_on_as_a_new_ticket_with_a_clock() {
    let mut office = bakery(2);
    office.answers(ANNA, "Try another socket.\n");
    done(&mut office, ANNA, "#close done\n");
    office.clock_to("2026-09-22 09:00");
    let said = done(&mut office, ANNA, "#reopen they called\n");
    assert!(said.says("it goes on as ticket 2"), "{}", said.text());
    assert_eq!(office.ticket(1).state, State::Closed);
    let ticket = office.ticket(2);
    assert_eq!(
        (ticket.linked, ticket.state),
        (vec![office.ticket(1).id], State::New)
    );
    assert_eq!(office.initial(2).deadline, swiss("2026-09-22 11:00"));
    let ack = office.last_of(KAETHI, LetterKind::Acknowledgement);
    assert_eq!(ack.place.ticket.0, 2);
}

#[test]
fn what_was_set_aside_becomes_a_request_owed_from_its_receipt() {
    let rule = "[[rule]]\nbecause = \"it is odd\"\nsaid = ['\\bodd\\b']\nquarantine = true\nmatches = [\"This is odd\"]\nignores = [\"This is even\"]\n";
    let mut office = Office::under(policy_with(|_, text| text, rule));
    office.receives(Post::from(KAETHI).body("Severity: 2\nThis is odd.\n"));
    assert_eq!(office.ticket(1).state, State::Quarantined);
    office.clock_to("2026-09-07 10:00");
    let said = done(&mut office, ANNA, "#human\n");
    assert!(said.says("07.09.2026 11:00"), "{}", said.text());
    assert_eq!(office.ticket(1).state, State::New);
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 11:00"));
}

#[test]
fn what_a_machine_seemed_to_write_becomes_a_reply_with_its_own_receipt() {
    let mut office = bakery(2);
    office.answers(ANNA, "Try another socket.\n");
    done(&mut office, ANNA, "#close done\n");
    office.clock_to("2026-09-07 10:00");
    let post = Post::from(KAETHI).referring(&format!("first@{KAETHI}"));
    office.receives(
        post.with("Auto-Submitted: auto-replied")
            .body("I am not away, it burns.\n"),
    );
    assert_eq!(office.ticket(1).state, State::Closed);
    office.clock_to("2026-09-07 10:20");
    done(&mut office, ANNA, "#human\n");
    assert_eq!(office.ticket(1).state, State::Open);
    assert_eq!(
        office.clock(1, ClockKind::NextReply).started,
        swiss("2026-09-07 10:00")
    );
    refused(&mut office, ANNA, "#human 1\n", "has no automatic mail 1");
    refused(&mut office, ANNA, "#human\n", "has no automatic mail; see");
}

/// C4.9: the fourteenth day is the last.
#[test]
fn c4_9_to_the_second_14_days_after_it_was_ended_it_is_reopened() {
    let limit = chrono::TimeDelta::days(14);
    for (after, anew) in [
        (limit, false),
        (limit + chrono::TimeDelta::seconds(1), true),
    ] {
        let mut office = bakery(2);
        done(&mut office, ANNA, "#void spam a casino\n");
        office.now += after;
        let said = shell(&mut office, "anna", 1, "reopen it was none");
        assert!(!said.refused, "{:?}", said.reply);
        assert_eq!(office.tickets().len(), if anew { 2 } else { 1 }, "{after}");
        let last = office.tickets().pop().expect("a ticket");
        assert_eq!((last.state, last.nothing), (State::New, None));
    }
}

#[test]
fn what_was_set_aside_has_no_entries_to_choose_from() {
    let mut office = Office::new();
    office.receives(Post::from(ANNA).forged().body("Hello.\n"));
    let said = shell(&mut office, "beat", 1, "human 1");
    assert!(said.refused, "{:?}", said.reply);
    assert_eq!(office.ticket(1).state, State::Quarantined);
    let said = shell(&mut office, "beat", 1, "merge 2");
    assert!(said.reply[0].contains("#human makes a request of it"));
}

#[test]
fn only_automatic_mail_is_a_persons_after_all() {
    let mut office = bakery(2);
    let post = Post::from(KAETHI).referring(&format!("first@{KAETHI}"));
    office.receives(post.with("Auto-Submitted: auto-replied").body("Away.\n"));
    refused(&mut office, ANNA, "#human it\n", "no automatic mail it");
    refused(&mut office, ANNA, "#human 1\n", "no automatic mail 1");
}
