//! C4.5: `#severity`, changed and corrected.

use super::*;
use ticketd::desk::record::{EntryKind, Standing};
use ticketd::desk::ticket::SeverityBy;

#[test]
fn c4_5_changed_the_deadline_follows_and_the_customer_is_told() {
    let mut office = bakery(3);
    office.clock_to("2026-09-07 14:00");
    let said = done(&mut office, ANNA, "#severity 1: production is down\n");
    assert!(
        said.says("Severity set from 3 to 1") && said.says("07.09.2026 15:00"),
        "{}",
        said.text()
    );
    assert!(
        said.says("Severity set from 3 to 1: production is down. The initial response is due"),
        "{}",
        said.text()
    );
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 15:00"));
    assert_eq!(office.ticket(1).severity_by, SeverityBy::Staff);
    let change = office.last_of(KAETHI, LetterKind::Change);
    assert!(change.says("production is down"), "{}", change.text());
    for wrong in [
        "#severity\n",
        "#severity 5 x\n",
        "#severity high\n",
        "#severity 0\n",
    ] {
        refused(&mut office, ANNA, wrong, "use 1, 2, 3 or 4");
    }
}

#[test]
fn c4_5_raised_and_lowered_in_between_is_no_instant_breach() {
    let mut office = bakery(4);
    office.clock_to("2026-09-07 15:00");
    done(&mut office, ANNA, "#severity 1 all is down\n");
    office.clock_to("2026-09-07 15:10");
    done(&mut office, ANNA, "#severity 2 half of it is back\n");
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 16:00"));
    office.clock_to("2026-09-07 15:20");
    done(&mut office, ANNA, "#severity 4 all is back\n");
    assert_eq!(
        office.initial(1).deadline,
        swiss("2026-09-09 15:00"),
        "the one it had"
    );
}

#[test]
fn c4_5_lowered_just_before_the_deadline_and_raised_again_the_breach_is_where_it_was() {
    let mut office = bakery(1);
    office.clock_to("2026-09-07 09:59");
    done(&mut office, ANNA, "#severity 4 not so bad\n");
    office.clock_to("2026-09-07 11:00");
    assert!(!office.initial(1).is_breached());
    done(&mut office, ANNA, "#severity 1 bad after all\n");
    office.clock_to("2026-09-07 11:01");
    assert_eq!(office.initial(1).breached, Some(swiss("2026-09-07 10:00")));
    assert_eq!(office.initial(1).credit_days, 4);
}

#[test]
fn c4_5_corrected_by_a_manager_the_breach_goes_and_the_ledger_says_so() {
    let mut office = bakery(1);
    office.clock_to("2026-09-07 10:40");
    done(&mut office, ANNA, "#severity 1 facts\n");
    office.answers(ANNA, "We are on it.\n");
    assert_eq!(office.initial(1).credit_days, 2);
    refused(
        &mut office,
        ANNA,
        "#severity corrected 3 a joke\n",
        "is for a manager",
    );
    refused(
        &mut office,
        CARLA,
        "#severity corrected 3\n",
        "wants a reason",
    );
    done(
        &mut office,
        CARLA,
        "#severity corrected 3 only the test printer\n",
    );
    let clock = office.initial(1);
    assert_eq!((clock.breached, clock.credit_days), (None, 0));
    assert_eq!(clock.deadline, swiss("2026-09-08 12:00"));
    let ledger: Vec<_> = office
        .entries(1)
        .into_iter()
        .filter_map(|e| e.credit)
        .collect();
    let lines: Vec<_> = ledger
        .iter()
        .map(|c| (c.days, c.change, c.standing))
        .collect();
    assert_eq!(lines, [(2, 2, Standing::Final), (0, -2, Standing::Final)]);
    let told = office.last_of(KAETHI, LetterKind::Change);
    assert!(
        told.says("only the test printer") && told.says("Berichtigung"),
        "{}",
        told.text()
    );
    assert_eq!(
        office.count(1, EntryKind::Breach),
        1,
        "what was on record stays on record"
    );
}

#[test]
fn c4_5_corrected_to_a_higher_one_it_was_due_earlier_all_along() {
    let mut office = bakery(3);
    office.clock_to("2026-09-07 10:30");
    done(
        &mut office,
        CARLA,
        "#severity corrected 1 it was down from the beginning\n",
    );
    office.clock_to("2026-09-07 10:31");
    assert_eq!(office.initial(1).breached, Some(swiss("2026-09-07 10:00")));
}

#[test]
fn c4_5_after_the_breach_a_change_of_facts_moves_nothing() {
    let mut office = bakery(1);
    office.clock_to("2026-09-07 10:20");
    done(&mut office, ANNA, "#severity 4 it was not so bad\n");
    assert_eq!(office.initial(1).breached, Some(swiss("2026-09-07 10:00")));
    office.answers(ANNA, "Good morning.\n");
    assert_eq!(office.initial(1).credit_days, 1);
}

#[test]
fn c4_5_the_customers_newer_word_counts_until_staff_have_determined_it() {
    let mut office = bakery(3);
    office.clock_to("2026-09-07 10:00");
    writes_again(&mut office, KAETHI, "Severity: 1\nNow all is down.\n");
    let ticket = office.ticket(1);
    assert_eq!(
        (ticket.severity, ticket.severity_by),
        (1, SeverityBy::Customer)
    );
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 11:00"));
    assert_eq!(office.last_to(KAETHI).kind, LetterKind::Change);
    done(&mut office, ANNA, "#severity 3 the other oven is warm\n");
    writes_again(&mut office, KAETHI, "Severity: 2\nIt is not warm.\n");
    assert_eq!(office.ticket(1).severity, 3);
    assert_eq!(office.initial(1).deadline, swiss("2026-09-08 12:00"));
    assert!(office.last_to(ANNA).says("states another severity now"));
}

#[test]
fn c5_5_who_confirms_a_severity_tells_nobody() {
    let mut office = bakery(3);
    let said = done(&mut office, ANNA, "#severity 3 as she says\n");
    assert!(said.says("Severity 3 confirmed: as she says."));
    assert!(!said.says("The customer is told"), "{}", said.text());
    assert_eq!(office.letters_to(KAETHI).len(), 1, "the acknowledgement");
    assert_eq!(office.ticket(1).severity_by, SeverityBy::Staff);
}
