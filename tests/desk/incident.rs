//! A known incident: a rule with an end links what is about it, its text acknowledges it, and one answer ends each clock by itself.

use crate::office::{ALICE, ANNA, JONAS, KAETHI, Office, Post, policy_with};
use ticketd::contract::Source;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::policy::Policy;
use ticketd::desk::ticket::{ClockKind, TicketId};
use ticketd::rules::RuleBook;

/// Known since nine, and expected to be over at noon.
const RULE: &str = r#"
[[rule]]
because = "the disturbance of Zurich 1"
said = '\bzurich 1\b'
until = 2026-09-07T12:00:00+02:00
incident = 1
acknowledge = { de = "Wir kennen die Störung von Zürich 1.", en = "We know of the disturbance of Zurich 1." }
matches = ["Zurich 1 is slow"]
ignores = ["Zurich 12"]
"#;

fn policy() -> Policy {
    policy_with(|_, text| text, RULE)
}

fn wrote(from: &str, subject: &str) -> Post {
    Post::from(from).subject(subject)
}

/// The incident's own ticket, and two about it.
fn office() -> Office {
    let mut office = Office::under(policy());
    office.receives(wrote(JONAS, "Storage errors"));
    office.receives(wrote(ALICE, "Zurich 1 does not answer"));
    office.receives(wrote(KAETHI, "Zurich 1 isch langsam"));
    office
}

#[test]
fn what_is_about_it_is_linked_both_ways_and_acknowledged_with_its_text() {
    let mut office = office();
    for id in [2, 3] {
        let ticket = office.ticket(id);
        assert_eq!(ticket.incident, Some(TicketId(1)));
        assert_eq!(ticket.linked, [TicketId(1)]);
        assert!(office.initial(id).is_running(), "each keeps its own clock");
    }
    assert_eq!(office.ticket(1).linked, [TicketId(2), TicketId(3)]);
    assert_eq!(office.ticket(1).incident, None);
    let english = office.last_of(ALICE, LetterKind::Acknowledgement);
    assert!(
        english.says("We know of the disturbance of Zurich 1."),
        "{}",
        english.text()
    );
    assert!(
        !english.says("steps to reproduce"),
        "what is known needs none: {}",
        english.text()
    );
    assert!(
        !office
            .last_of(JONAS, LetterKind::Acknowledgement)
            .says("disturbance")
    );
}

#[test]
fn one_answer_goes_out_on_each_ticket_and_ends_each_clock() {
    let mut office = office();
    let reply = office.command(1, "everyone It is mended since 11:00.");
    assert!(reply[0].contains("ticket 2, 3"), "{reply:?}");
    for (id, customer) in [(1, JONAS), (2, ALICE), (3, KAETHI)] {
        let letter = office.last_of(customer, LetterKind::Relay);
        assert!(
            letter.says("It is mended since 11:00."),
            "{}",
            letter.text()
        );
        assert_eq!(letter.place.ticket, TicketId(id), "on his own ticket");
        assert!(!office.clock(id, ClockKind::InitialResponse).is_running());
    }
    assert_eq!(office.relays().len(), 3, "nobody twice");
}

#[test]
fn staff_say_it_by_mail_too() {
    let mut office = office();
    let notice = office.letters_to(ANNA).remove(0);
    let body = "#everyone It is mended.\nThank you for your patience.";
    office.receives(Post::from(ANNA).answering(&notice).body(body));
    for customer in [ALICE, KAETHI] {
        let letter = office.last_of(customer, LetterKind::Relay);
        assert!(
            letter.says("It is mended. Thank you for your patience."),
            "{}",
            letter.text()
        );
        assert!(!letter.says("#everyone"));
    }
}

/// What whoever asked here knows of himself is nothing for the others.
#[test]
fn f03_an_answer_to_everybody_names_no_customer_as_our_notice_does() {
    let mut office = office();
    let notice = office.letters_to(ANNA).remove(0);
    let text = notice.text();
    let line = text.lines().find(|line| line.starts_with("Customer:"));
    let body = format!("#everyone It is mended.\n{}\n", line.expect("a customer"));
    office.receives(Post::from(ANNA).answering(&notice).body(&body));
    assert_eq!(office.relays().len(), 0, "{body}");
    let said = office.last_of(ANNA, LetterKind::Transcript);
    assert!(said.says("Our own notice stands"), "{}", said.text());
}

#[test]
fn an_answer_to_everybody_and_a_link_in_one_mail_both_stand() {
    let mut office = office();
    let notice = office.letters_to(ANNA).remove(0);
    let body = "#merge 2 the same\n#everyone It is mended.\n";
    office.receives(Post::from(ANNA).answering(&notice).body(body));
    for customer in [ALICE, KAETHI] {
        let letter = office.last_of(customer, LetterKind::Relay);
        assert!(letter.says("It is mended."), "{}", letter.text());
    }
    let linked = |e: &ticketd::desk::Entry| e.text == "Linked to ticket 1.";
    assert!(office.entries(2).iter().any(linked));
}

#[test]
fn d10_a_command_below_an_answer_to_everybody_goes_to_nobody() {
    for body in [
        "#everyone It is mended.\n\n#note it was Bob's fault\n",
        "#everyone It is mended.\n#merge 2 the same\n",
        "#everyone #note it was Bob's fault\n",
    ] {
        let mut office = office();
        let notice = office.letters_to(ANNA).remove(0);
        office.receives(Post::from(ANNA).answering(&notice).body(body));
        assert!(office.relays().is_empty(), "{body}");
        let said = office.last_of(ANNA, LetterKind::Transcript);
        assert!(
            said.says("commands stand at the very top"),
            "{}",
            said.text()
        );
    }
}

#[test]
fn it_ends_by_itself() {
    let mut office = office();
    office.clock_to("2026-09-07 12:00");
    office.receives(wrote(ALICE, "Zurich 1 again"));
    assert_eq!(office.ticket(4).incident, None);
    assert_eq!(office.ticket(1).linked, [TicketId(2), TicketId(3)]);
}

#[test]
fn nothing_of_it_is_told_where_there_is_no_such_ticket_or_a_confidential_one() {
    let mut office = Office::under(policy());
    office.receives(wrote(ALICE, "Zurich 1 does not answer"));
    let own = office.ticket(1);
    assert_eq!(
        (own.incident, own.linked),
        (None, vec![]),
        "it is not its own incident"
    );
    let mut office = Office::under(policy());
    office.receives(Post::from(JONAS).to("security@desk.example"));
    office.receives(wrote(ALICE, "Zurich 1 does not answer"));
    assert_eq!(office.ticket(2).incident, None);
    assert!(
        !office
            .last_of(ALICE, LetterKind::Acknowledgement)
            .says("disturbance")
    );
}

#[test]
fn everyone_is_nobody_where_nothing_is_linked() {
    let mut office = office();
    let reply = office.command(2, "everyone It is mended.");
    assert!(reply[0].contains("no open ticket is linked"), "{reply:?}");
    assert!(office.relays().is_empty());
}

#[test]
fn an_incident_without_end_text_or_ticket_is_refused() {
    for (without, told) in [
        ("until", "the incident has no end"),
        ("acknowledge", "the incident has no text"),
        ("incident", "the incident has no ticket"),
    ] {
        let text: String = RULE
            .lines()
            .filter(|l| !l.starts_with(without))
            .map(|l| format!("{l}\n"))
            .collect();
        let file = Source {
            file: "9-more.toml".into(),
            text,
        };
        let faults = RuleBook::parse(&[file]).unwrap_err();
        assert!(faults[0].to_string().contains(told), "{}", faults[0]);
    }
}
