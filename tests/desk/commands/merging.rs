//! C4.10: `#merge` and `#split`.

use super::*;
use ticketd::desk::ticket::{ClockKind, State, TicketId};

const PAUL: &str = "paul@baeckerei-keller.example";

fn two_of_the_bakery() -> Office {
    let mut office = bakery(1);
    office.clock_to("2026-09-07 09:10");
    office.receives(asks(PAUL, 3));
    office
}

#[test]
fn c4_10_a_merged_ticket_goes_on_in_the_other_and_no_clock_stops() {
    let mut office = two_of_the_bakery();
    let (first, second) = (office.last_to(KAETHI), office.last_to(PAUL));
    let said = done(&mut office, ANNA, "#merge 2 the same fire\n");
    assert!(
        said.says("Merged into ticket 2: the same fire") && said.says("C4.10"),
        "{}",
        said.text()
    );
    let merged = office.ticket(1);
    assert_eq!(
        (merged.merged_into, merged.state),
        (Some(TicketId(2)), State::Closed)
    );
    assert!(office.initial(1).is_running() && office.initial(2).is_running());
    // Answers to either land in the target, for ever.
    for (who, letter) in [(KAETHI, &first), (PAUL, &second)] {
        let before = office.entries(2).len();
        office.receives(
            Post::from(who)
                .answering(letter)
                .body(&format!("{who} writes.\n")),
        );
        assert!(office.entries(2).len() > before, "{who}");
    }
    assert_eq!(office.tickets().len(), 2);
    // The clock of the merged one is warned of and missed in its own name, and an answer in the target ends it.
    office.clock_to("2026-09-07 10:20");
    assert!(office.initial(1).is_breached());
    let breach = office.last_of(CARLA, LetterKind::Breach);
    assert_eq!(breach.place.ticket.0, 1);
    office.answers(ANNA, "We are on it.\n");
    for id in [1, 2] {
        assert!(!office.initial(id).is_running(), "{id}");
    }
    assert_eq!(office.initial(1).credit_days, 1);
    let answered: Vec<String> = office.relays().into_iter().map(|l| l.to).collect();
    assert!(answered.contains(&PAUL.to_string()), "{answered:?}");
    assert!(
        answered.contains(&KAETHI.to_string()),
        "who asked here takes part there: {answered:?}"
    );
}

#[test]
fn c4_10_two_commands_of_one_mail_on_the_same_merged_ticket_both_stand() {
    let mut office = two_of_the_bakery();
    office.receives(
        Post::from(KAETHI)
            .id("third@k.example")
            .subject("The fire again"),
    );
    shell(&mut office, "anna", 1, "merge 2 the same fire");
    office.clock_to("2026-09-07 10:20");
    assert!(office.initial(1).is_breached());
    let both = "#answered phone 10:18 told him\n#merge 3 again the same\n";
    let said = says(&mut office, 2, ANNA, both);
    assert!(said.mail.subject.starts_with("Done"), "{}", said.text());
    for id in [1, 2] {
        let clock = office.initial(id);
        assert!(!clock.is_running(), "{id}: the answer by phone ended it");
        assert_eq!(office.ticket(id).merged_into, Some(TicketId(3)), "{id}");
    }
    let ended = |e: &ticketd::desk::Entry| e.text.contains("ended: answered by anna");
    assert!(office.entries(1).iter().any(ended));
    office.clock_to("2026-09-07 10:45");
    shell(&mut office, "anna", 3, "answered phone 10:39 told him more");
    // 18 minutes late, and not 39.
    assert_eq!(office.initial(1).credit_days, 1);
    let findings = ticketd::store::audit::audit(&office.reader()).expect("an audit");
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn c4_10_merged_on_and_on_the_way_stays_one_step() {
    let mut office = bakery(3);
    for n in 2..=12 {
        office.receives(
            Post::from(KAETHI)
                .id(&format!("mail{n}@k.example"))
                .subject(&format!("Matter {n}")),
        );
    }
    for n in 1..12 {
        shell(&mut office, "anna", n, &format!("merge {}", n + 1));
    }
    for n in 1..12 {
        assert_eq!(office.ticket(n).merged_into, Some(TicketId(12)), "{n}");
    }
    assert_eq!(office.ticket(12).merged.len(), 11);
    let before = office.entries(12).len();
    writes_again(&mut office, KAETHI, "About the first.\n");
    assert!(office.entries(12).len() > before);
    let said = shell(&mut office, "anna", 12, "merge 3");
    assert!(
        said.refused && said.reply[0].contains("goes to this one"),
        "{:?}",
        said.reply
    );
    let said = shell(&mut office, "anna", 3, "close done");
    assert!(
        said.refused && said.reply[0].contains("merged into 12"),
        "{:?}",
        said.reply
    );
}

#[test]
fn c4_10_of_two_customers_they_are_linked() {
    let mut office = bakery(3);
    office.receives(asks(ALICE, 3));
    let said = done(&mut office, ANNA, "#merge 2\n");
    assert!(
        said.says("Linked to ticket 2, and not merged"),
        "{}",
        said.text()
    );
    assert_eq!(office.ticket(1).merged_into, None);
    assert_eq!(
        (office.ticket(1).linked, office.ticket(2).linked),
        (vec![TicketId(2)], vec![TicketId(1)])
    );
    assert_eq!(office.ticket(1).state, State::New);
}

#[test]
fn c4_10_what_cannot_be_merged() {
    let mut office = bakery(3);
    refused(&mut office, ANNA, "#merge 99\n", "there is no ticket 99");
    refused(&mut office, ANNA, "#merge 1\n", "goes to this one");
    refused(&mut office, ANNA, "#merge it\n", "no ticket's number");
    office.receives(asks(PAUL, 3));
    done(&mut office, ANNA, "#take\n");
    shell(&mut office, "anna", 2, "close done");
    refused(&mut office, ANNA, "#merge 2\n", "a closed ticket");
    // What somebody may not know of does not exist (B09); who knows of both may not mix them.
    office.receives(
        Post::from(KAETHI)
            .to("security@desk.example")
            .body("A hole.\n"),
    );
    refused(&mut office, ANNA, "#merge 3\n", "there is no ticket 3");
    refused(&mut office, CARLA, "#merge 3\n", "in queue security");
}

#[test]
fn c4_10_what_is_split_off_is_owed_from_the_mail_that_raised_it() {
    let mut office = bakery(2);
    office.clock_to("2026-09-07 09:20");
    writes_again(&mut office, KAETHI, "And the oven is cold.\n");
    office.clock_to("2026-09-07 10:00");
    let said = done(&mut office, ANNA, "#split The oven\n");
    assert!(
        said.says("Split off as ticket 2") && said.says("11:20"),
        "{}",
        said.text()
    );
    let child = office.ticket(2);
    assert_eq!(
        (child.received, child.subject.as_str()),
        (swiss("2026-09-07 09:20"), "The oven")
    );
    assert_eq!(child.linked, [TicketId(1)]);
    assert_eq!(office.initial(2).deadline, swiss("2026-09-07 11:20"));
    assert_eq!(
        office.initial(1).deadline,
        swiss("2026-09-07 11:00"),
        "as it was"
    );
    let ack = office.last_of(KAETHI, LetterKind::Acknowledgement);
    assert_eq!(ack.place.ticket.0, 2);
    // Its thread is its own.
    let before = office.entries(2).len();
    office.receives(Post::from(KAETHI).answering(&ack).body("Still cold.\n"));
    assert!(office.entries(2).len() > before);
    // By the entry: the first mail.
    done(&mut office, ANNA, "#split 1\n");
    assert_eq!(office.initial(3).started, swiss("2026-09-07 09:00"));
    refused(
        &mut office,
        ANNA,
        "#split 2\n",
        "is no mail of the customer",
    );
    refused(
        &mut office,
        ANNA,
        "#split 99\n",
        "is no mail of the customer",
    );
}

#[test]
fn c4_10_what_was_answered_before_it_was_split_off_was_answered() {
    let mut office = bakery(1);
    office.clock_to("2026-09-07 09:20");
    office.answers(ANNA, "Both are on our list.\n");
    office.clock_to("2026-09-07 14:00");
    done(&mut office, ANNA, "#split 1 The oven\n");
    let clock = office.initial(2);
    assert_eq!(
        (clock.stopped, clock.breached),
        (Some(swiss("2026-09-07 09:20")), None)
    );
    assert_eq!(office.ticket(2).responded, Some(swiss("2026-09-07 09:20")));
    assert_eq!(
        office.clock(2, ClockKind::NextReply).started,
        swiss("2026-09-07 14:00")
    );
    // Asked after the answer, it is owed.
    office.clock_to("2026-09-07 15:00");
    writes_again(&mut office, KAETHI, "And now the light is out.\n");
    office.clock_to("2026-09-07 15:10");
    done(&mut office, ANNA, "#split The light\n");
    assert_eq!(office.initial(3).deadline, swiss("2026-09-07 16:00"));
    assert!(office.initial(3).is_running());
}

#[test]
fn c4_8_what_is_void_is_void_with_all_that_was_merged_into_it() {
    let mut office = two_of_the_bakery();
    done(&mut office, ANNA, "#merge 2\n");
    let said = shell(&mut office, "anna", 2, "void withdrawn they found it");
    assert!(!said.refused, "{:?}", said.reply);
    assert!(!office.initial(1).is_running() && !office.initial(2).is_running());
}

/// Whom no customer entry knows: one address is one customer, and nobody is nobody's colleague.
#[test]
fn c4_10_strangers_are_of_one_customer_by_their_address_alone() {
    let mails = [
        (STRANGER, STRANGER, true),
        (STRANGER, "other@elsewhere.example", false),
        // Two who cannot be told.
        (
            "a@x.example, b@x.example",
            "a@x.example, b@x.example",
            false,
        ),
    ];
    for (one, other, merges) in mails {
        let mut office = Office::new();
        office.receives(Post::from(one).subject("Oven").body("It is cold.\n"));
        office.receives(Post::from(other).subject("Light").body("It is dark.\n"));
        let said = shell(&mut office, "anna", 1, "merge 2");
        assert!(!said.refused, "{:?}", said.reply);
        let into = office.ticket(1).merged_into;
        assert_eq!(into.is_some(), merges, "{one} {other}");
    }
}

#[test]
fn c4_10_who_asked_there_takes_part_here_once_and_is_named() {
    let mut office = two_of_the_bakery();
    office.drafts(1, |draft| draft.ticket.participants.push(PAUL.into()));
    done(&mut office, ANNA, "#merge 2\n");
    assert_eq!(office.ticket(2).participants, [PAUL, KAETHI]);
    assert!(office.recorded(2, &format!("It was asked by {KAETHI}.")));
    let mut office = bakery(3);
    office.receives(Post::from(KAETHI).subject("The same"));
    done(&mut office, ANNA, "#merge 2\n");
    assert!(!office.recorded(2, "It was asked by"));
}

#[test]
fn c4_10_twenty_take_part_and_fifty_tickets_go_to_one() {
    let somebody = |n: usize| format!("somebody{n}@baeckerei-keller.example");
    for (before, after) in [(19, 20), (20, 20)] {
        let mut office = two_of_the_bakery();
        let many: Vec<String> = (0..before).map(somebody).collect();
        office.drafts(2, |draft| draft.ticket.participants = many);
        office.drafts(1, |d| d.ticket.participants.push(somebody(99)));
        done(&mut office, ANNA, "#merge 2\n");
        assert_eq!(office.ticket(2).participants.len(), after);
    }
    let tickets = |n: u64| -> Vec<TicketId> { (100..100 + n).map(TicketId).collect() };
    for (own, target, refused) in [(25, 24, false), (25, 25, true), (50, 0, true)] {
        let mut office = two_of_the_bakery();
        office.drafts(1, |draft| draft.ticket.merged = tickets(own));
        office.drafts(2, |draft| draft.ticket.merged = tickets(target));
        let said = shell(&mut office, "anna", 1, "merge 2");
        assert_eq!(said.refused, refused, "{own} {target}: {:?}", said.reply);
    }
}

/// What the parent was told, and became, is not the child's.
#[test]
fn c4_10_what_is_split_off_begins_anew() {
    let mut office = bakery(2);
    office.clock_to("2026-09-07 09:20");
    writes_again(&mut office, KAETHI, "And the oven is cold.\n");
    office.clock_to("2026-09-07 09:30");
    done(&mut office, ANNA, "#take\n");
    office.drafts(1, |draft| {
        let ticket = &mut draft.ticket;
        ticket.tags.push("a mark".into());
        ticket.references = vec!["first@k.example".into(), "second@k.example".into()];
        ticket.linked = vec![TicketId(77)];
        ticket.merged = vec![TicketId(78)];
        ticket.incident = Some(TicketId(79));
        ticket.policy = ticketd::mail::Fingerprint([9; 32]);
        ticket.responded = Some(swiss("2026-09-07 09:10"));
        ticket.state = State::Closed;
        ticket.closed = Some(swiss("2026-09-07 09:30"));
    });
    let mails: Vec<_> = office
        .entries(1)
        .into_iter()
        .filter_map(|e| e.mail)
        .collect();
    shell(&mut office, "anna", 1, "split The oven");
    let child = office.ticket(2);
    // By the customer's latest mail, not by ours.
    assert_eq!(child.received, swiss("2026-09-07 09:20"));
    assert_eq!(child.first_mail, mails[1].raw);
    assert_eq!((child.state, child.closed), (State::New, None));
    assert_eq!(child.responded, None);
    assert_eq!(child.clocks.len(), 1);
    assert!(child.tags.is_empty() && child.merged.is_empty());
    assert_eq!(child.references.len(), 2, "the first, and its own letter");
    assert_eq!(child.linked, [TicketId(1)]);
    assert_eq!(child.incident, None);
    assert_eq!(child.policy, office.policy.book_hash);
    let findings = ticketd::store::audit::audit(&office.reader()).expect("an audit");
    assert!(findings.is_empty(), "{findings:?}");
}
