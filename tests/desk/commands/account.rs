//! C3.5, C3.6: `#customer`, `#plan`, `#channel`, `#received`.

use super::*;
use ticketd::desk::ticket::ClockKind;

#[test]
fn c3_6_another_customer_counts_from_the_moment_of_the_change() {
    // A stranger has no promise; the bakery has: 12 h from now.
    let mut office = Office::new();
    office.receives(asks(STRANGER, 3));
    assert!(office.initial(1).objective.internal);
    office.clock_to("2026-09-08 14:00");
    let said = done(&mut office, ANNA, "#customer baeckerei\n");
    assert!(
        said.says("09.09.2026 17:00") && said.says("The customer is told"),
        "{}",
        said.text()
    );
    let clock = office.initial(1);
    assert_eq!(
        (clock.deadline, clock.breached),
        (swiss("2026-09-09 17:00"), None)
    );
    assert_eq!(office.ticket(1).subscription.plan, "extended-sla");
    let told = office.last_of(STRANGER, LetterKind::Change);
    assert!(told.says("09.09.2026 17:00"), "{}", told.text());
    refused(
        &mut office,
        ANNA,
        "#customer nobody\n",
        "use one of acme, baeckerei, globex, initech",
    );
    refused(&mut office, ANNA, "#customer baeckerei\n", "already");
}

#[test]
fn c3_6_never_later_than_it_was_and_never_an_instant_breach() {
    let mut office = bakery(2);
    office.clock_to("2026-09-07 10:50");
    done(&mut office, ANNA, "#customer globex\n");
    let clock = office.initial(1);
    assert_eq!(
        (clock.deadline, clock.breached),
        (swiss("2026-09-07 11:00"), None)
    );
}

#[test]
fn c3_6_an_account_that_it_was_on_brings_its_deadline_back() {
    let mut office = bakery(1);
    office.clock_to("2026-09-07 09:50");
    done(&mut office, ANNA, "#customer initech\n");
    assert!(
        office.initial(1).objective.internal,
        "nothing is promised there"
    );
    office.clock_to("2026-09-07 10:30");
    done(&mut office, ANNA, "#customer baeckerei\n");
    office.clock_to("2026-09-07 10:31");
    assert_eq!(office.initial(1).breached, Some(swiss("2026-09-07 10:00")));
}

#[test]
fn c3_6_what_was_missed_stays_with_whom_it_was_missed() {
    let mut office = bakery(1);
    office.clock_to("2026-09-07 10:20");
    let said = done(&mut office, ANNA, "#customer initech\n");
    assert!(said.says("stays where it was missed"), "{}", said.text());
    office.clock_to("2026-09-07 10:45");
    office.answers(ANNA, "Sorry.\n");
    let clock = office.initial(1);
    assert_eq!(
        (clock.breached, clock.credit_days),
        (Some(swiss("2026-09-07 10:00")), 3)
    );
    let credit = office
        .entries(1)
        .into_iter()
        .find_map(|e| e.credit)
        .expect("a line");
    assert_eq!((credit.customer.as_str(), credit.days), ("baeckerei", 3));
}

#[test]
fn c3_6_what_was_missed_stays_there_when_the_receipt_is_put_earlier() {
    let mut office = Office::new();
    let call = "open kaethi@baeckerei-keller.example The oven\n#severity 2 facts";
    assert!(!shell(&mut office, "anna", 0, call).refused);
    office.clock_to("2026-09-07 11:20");
    assert!(office.initial(1).is_breached());
    shell(&mut office, "anna", 1, "customer initech");
    assert!(!shell(&mut office, "anna", 1, "received 08:30").refused);
    let clock = office.initial(1);
    assert!(!clock.objective.internal, "nothing is promised at initech");
    assert_eq!(clock.deadline, swiss("2026-09-07 10:30"));
    shell(&mut office, "anna", 1, "void spam a casino");
    let clock = office.initial(1);
    assert!(clock.is_breached());
    assert_eq!(clock.credit_days, 3, "50 min after the earlier deadline");
}

#[test]
fn c3_4_a_plan_is_one_of_the_customers_orders() {
    let mut office = Office::new();
    office.receives(asks(GINA, 2));
    done(&mut office, ANNA, "#plan extended-sla\n");
    let ticket = office.ticket(1);
    assert_eq!(ticket.subscription.plan, "extended-sla");
    assert_eq!(office.initial(1).objective.minutes, 120);
    refused(
        &mut office,
        ANNA,
        "#plan gold\n",
        "use one of dedicated, extended-sla",
    );
    let mut office = Office::new();
    office.receives(asks(STRANGER, 2));
    refused(
        &mut office,
        ANNA,
        "#plan extended-sla\n",
        "say #customer ID first",
    );
    done(&mut office, ANNA, "#customer globex\n#plan extended-sla\n");
}

#[test]
fn c3_4_a_rule_chooses_among_the_customers_orders() {
    let rule = "[[rule]]\nbecause = 'the shop is on its own order'\nsubject = 'shop'\norder = 'extended-sla'\nmatches = 'The shop'\n";
    let mut office = Office::under(policy_with(|_, text| text, rule));
    let plan_of = |office: &mut Office, from: &str, subject: &str| {
        office.receives(asks(from, 2).subject(subject));
        let ticket = office.tickets().pop().expect("a ticket");
        ticket.subscription.plan
    };
    assert_eq!(plan_of(&mut office, GINA, "The shop"), "extended-sla");
    assert_eq!(plan_of(&mut office, GINA, "The office"), "dedicated");
    assert_eq!(office.initial(1).objective.hours, "business");
    // Nobody is put on what they have not ordered.
    assert_eq!(plan_of(&mut office, JONAS, "The shop"), "default");
    assert!(office.recorded(3, "has no order; it is on default"));
    assert_eq!(plan_of(&mut office, STRANGER, "The shop"), "default");
    assert!(!office.recorded(4, "has no order"));
    shell(&mut office, "operator", 0, &format!("open {GINA} The shop"));
    assert_eq!(office.ticket(5).subscription.plan, "extended-sla");
}

#[test]
fn c3_5_a_channel_outside_the_plan_is_taken_and_flagged() {
    let flag = "channel-outside-plan".to_string();
    let mut office = bakery(3);
    let said = done(&mut office, ANNA, "#channel phone\n");
    assert!(said.says("taken all the same"), "{}", said.text());
    assert!(office.ticket(1).tags.contains(&flag));
    done(&mut office, ANNA, "#channel mail\n");
    assert!(!office.ticket(1).tags.contains(&flag));
    refused(
        &mut office,
        ANNA,
        "#channel pigeon\n",
        "use phone, chat or mail",
    );
    let mut office = Office::new();
    office.receives(asks(ALICE, 3));
    done(&mut office, ANNA, "#channel phone\n");
    assert!(!office.ticket(1).tags.contains(&flag), "ACME has a phone");
}

#[test]
fn c3_5_received_is_for_tickets_that_staff_opened_and_never_puts_anything_off() {
    let mut office = bakery(3);
    refused(
        &mut office,
        ANNA,
        "#received 08:00\n",
        "for tickets that staff opened",
    );
    let mut office = Office::new();
    shell(
        &mut office,
        "anna",
        0,
        "open kaethi@baeckerei-keller.example Oven\n#severity 2",
    );
    office.clock_to("2026-09-07 09:30");
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 11:00"));
    done(&mut office, ANNA, "#received 08:40\n");
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 10:40"));
    assert_eq!(office.ticket(1).received, swiss("2026-09-07 08:40"));
    refused(&mut office, ANNA, "#received 09:40\n", "in the future");
    refused(
        &mut office,
        ANNA,
        "#received 2030-01-01 08:00\n",
        "in the future",
    );
    refused(
        &mut office,
        ANNA,
        "#received 09:00\n",
        "no deadline is put off",
    );
    refused(&mut office, ANNA, "#received soon\n", "is no time");
    refused(
        &mut office,
        ANNA,
        "#received 2026-09-04\n",
        "a day and no time",
    );
    done(&mut office, ANNA, "#received 2026-09-04 16:30\n");
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 09:30"));
    assert!(office.initial(1).kind == ClockKind::InitialResponse);
}

/// C5.5, C3.2: the customer hears of another promised deadline, and of nothing else.
#[test]
fn c5_5_what_moves_no_promise_is_not_told() {
    // Never later than it was: the deadline stays.
    let mut office = bakery(2);
    office.clock_to("2026-09-07 10:50");
    let said = done(&mut office, ANNA, "#customer globex\n");
    assert!(!said.says("The customer is told"), "{}", said.text());
    assert_eq!(office.letters_to(KAETHI).len(), 1, "the acknowledgement");
    assert!(!said.says("missed before"), "nothing was");
    // Nothing is promised on either account.
    let mut office = Office::new();
    office.receives(asks(STRANGER, 3));
    office.clock_to("2026-09-08 14:00");
    let said = done(&mut office, ANNA, "#customer initech\n");
    assert!(!said.says("The customer is told"), "{}", said.text());
    assert_eq!(office.letters_to(STRANGER).len(), 1);
    // The answer is given already.
    let mut office = bakery(2);
    office.answers(ANNA, "Try another socket.\n");
    office.clock_to("2026-09-07 09:30");
    let said = done(&mut office, ANNA, "#customer globex\n");
    assert!(!said.says("The customer is told"), "{}", said.text());
    assert_eq!(office.letters_to(KAETHI).len(), 2);
}

#[test]
fn c3_5_received_may_be_confirmed() {
    let mut office = Office::new();
    let call = "open kaethi@baeckerei-keller.example Oven";
    assert!(!shell(&mut office, "anna", 0, call).refused);
    office.clock_to("2026-09-07 09:30");
    let said = shell(&mut office, "anna", 1, "received 09:00");
    assert!(!said.refused, "{:?}", said.reply);
    assert_eq!(office.ticket(1).received, swiss("2026-09-07 09:00"));
}
