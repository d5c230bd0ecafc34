//! ATTACKS.md B: which ticket a mail belongs to.

use crate::office::*;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::record::Fate;
use ticketd::desk::ticket::{ClockKind, State};

#[test]
fn b01_a_number_in_a_strangers_subject_is_a_hint_for_staff_only() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    let known = Post::from(STRANGER).subject("Re: [#1] Printer");
    let other = "other@elsewhere.example";
    let unknown = Post::from(other).subject("Re: [#99999] Printer");
    assert_eq!(office.receives(known).fate, Fate::Opened);
    assert_eq!(office.receives(unknown).fate, Fate::Opened);
    assert!(office.recorded(2, "Possibly belongs to ticket 1"));
    let acks: Vec<String> = [office.letters_to(STRANGER), office.letters_to(other)]
        .iter()
        .flatten()
        .map(|l| l.text().replace("#2", "#N").replace("#3", "#N"))
        .collect();
    assert_eq!(acks.len(), 2);
    assert_eq!(acks[0], acks[1], "no oracle");
    // Of one who takes part it is proof enough.
    assert_eq!(
        office
            .receives(
                Post::from(ALICE)
                    .subject("AW: [#1] Printer")
                    .body("More.\n")
            )
            .fate,
        Fate::Joined
    );
}

/// A customer's own counting in a new request ("Request 1") would else join it to our ticket 1: no acknowledgement, no clock.
#[test]
fn b01_another_customer_takes_no_part_by_a_number() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    let done = office.receives(Post::from(JONAS).subject("Re: #1"));
    assert_eq!(done.fate, Fate::Opened, "a customer, and not this one");
    // Nor do two whom nobody knows belong together by that.
    office.receives(Post::from(STRANGER));
    let done = office.receives(Post::from("other@nowhere.example").subject("Re: #3"));
    assert_eq!(done.fate, Fate::Opened, "of no customer, as the other");
}

#[test]
fn a_bare_number_in_a_new_request_is_the_writers_own() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    for subject in ["Request 1", "Case 1 of our test plan", "Fall 1: Anmeldung"] {
        let done = office.receives(Post::from(ALICE).subject(subject).body("Something else.\n"));
        assert_eq!(done.fate, Fate::Opened, "{subject}");
    }
    for subject in ["Re: Ticket 1", "#1 is back", "[Desk #1] is back"] {
        let done = office.receives(Post::from(ALICE).subject(subject).body("More.\n"));
        assert_eq!(done.fate, Fate::Joined, "{subject}");
    }
}

#[test]
fn b02_a_guessed_or_broken_token_opens_a_ticket_of_its_own() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    let ack = office.last_to(ALICE).id;
    let (left, right) = ack.split_once('@').unwrap();
    for forged in [
        format!("{}@{right}", &left[..left.len() - 1]),
        format!("{left}a@{right}"),
        format!("{left}@evil.example"),
        "ticketd.1.x@desk.example".into(),
        left.replace("ack", "notice") + "@desk.example",
        missigned(&ack),
    ] {
        let done = office.receives(Post::from(STRANGER).referring(&forged));
        assert_eq!(done.fate, Fate::Opened, "{forged}");
    }
    // Another case is another spelling, not another token.
    let done = office.receives(
        Post::from(ALICE)
            .referring(&ack.to_uppercase())
            .body("More.\n"),
    );
    assert_eq!(done.fate, Fate::Joined);
}

#[test]
fn b03_a_plus_address_is_one_participants_capability() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    let reply_to = office.last_to(ALICE).mail.reply_to[0].address.clone();
    assert!(reply_to.starts_with("support+ack."), "{reply_to}");
    let done = office.receives(
        Post::from(ALICE)
            .to(&reply_to.to_uppercase())
            .body("More.\n"),
    );
    assert_eq!(done.fate, Fate::Joined);
    office.receives(Post::from(STRANGER).to(&reply_to).body("I am not Alice.\n"));
    assert!(office.recorded(1, "takes no part"));
    let cc = Post::from(ALICE)
        .with(&format!("Cc: {reply_to}"))
        .body("In copy.\n");
    assert_eq!(office.receives(cc).fate, Fate::Joined);
    let mut rotated = policy();
    rotated.keys = ticketd::desk::token::Keys::new(vec![('2', [8; 32]), ('1', [7; 32])]);
    office.goes_by(rotated);
    let done = office.receives(Post::from(ALICE).to(&reply_to).body("After a new key.\n"));
    assert_eq!(done.fate, Fate::Joined);
}

#[test]
fn b04_a_message_id_used_before_loses_no_mail() {
    let mut office = Office::new();
    office.receives(
        Post::from("evil@x.example")
            .id("same@acme.example")
            .body("I was first.\n"),
    );
    let done = office.receives(
        Post::from(ALICE)
            .id("same@acme.example")
            .body("The real one.\n"),
    );
    assert_eq!(done.fate, Fate::Opened);
    assert_eq!(office.tickets().len(), 2);
}

#[test]
fn b04_a_forged_copy_that_comes_first_takes_nothing_from_the_genuine_mail() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    let notice = office.last_to(ANNA);
    let answer = Post::from(ANNA)
        .answering(&notice)
        .id("answer@vendor.example")
        .body("We are on it.\n");
    assert_eq!(
        office.receives(answer.clone().forged()).fate,
        Fate::Quarantined
    );
    assert!(office.relays().is_empty());
    assert_eq!(office.receives(answer).fate, Fate::Joined);
    assert_eq!(office.relays().len(), 1);
}

#[test]
fn b04_who_refers_ahead_to_a_customers_mail_does_not_catch_it() {
    let mut office = Office::new();
    office.receives(Post::from(STRANGER).referring("next@acme.example"));
    let done = office.receives(Post::from(ALICE).id("next@acme.example"));
    assert_eq!(done.fate, Fate::Opened);
    assert_eq!(office.ticket(2).requester.address, ALICE);
}

#[test]
fn b05_mails_without_message_id_are_told_apart_by_their_bytes() {
    let mut office = Office::new();
    for body in ["One.\n", "Two.\n", "Three.\n"] {
        assert_eq!(
            office.receives(Post::from(ALICE).id("").body(body)).fate,
            Fate::Opened
        );
    }
    let again = Post::from(ALICE).id("").body("One.\n").raw(1);
    assert_eq!(office.takes("support", again).fate, Fate::Duplicate);
    assert_eq!(office.tickets().len(), 3);
}

#[test]
fn b06_a_mail_that_bears_an_id_of_ours_is_a_mail_like_any_other() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    let ack = office.last_to(ALICE).id;
    let done = office.receives(Post::from(STRANGER).id(&ack).referring(&ack));
    assert_ne!(done.fate, Fate::Filed);
    assert!(office.letters_to(STRANGER).len() <= 1);
    let own = Post::from(ALICE)
        .id("self@acme.example")
        .referring("self@acme.example");
    assert_eq!(
        office.receives(own).fate,
        Fate::Opened,
        "its own id is no evidence"
    );
}

#[test]
fn b07_a_copy_in_an_unproven_mail_is_data() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).forged().with("Cc: evil@x.example"));
    assert_eq!(office.ticket(1).participants, [ALICE]);
    office.answers(ANNA, "Here is a secret.\n");
    assert!(office.letters_to("evil@x.example").is_empty());
    office.receives(
        Post::from(ALICE)
            .with("Cc: bob@else.example, support-alias@desk.example, support+x@desk.example"),
    );
    assert_eq!(office.ticket(2).participants, [ALICE, "bob@else.example"]);
}

#[test]
fn b08_a_sign_up_mail_is_kept_and_not_answered() {
    let mut office = Office::new();
    let link = "Confirm: https://slack.example/join/SECRET\n";
    office.receives(
        Post::from("no-reply@slack.example")
            .subject("Confirm your address")
            .body(link),
    );
    office.receives(
        Post::from("feedback@slack.example")
            .stamped("")
            .subject("Confirm")
            .body(link),
    );
    assert!(office.letters_outside().is_empty());
    for letter in office.letters() {
        assert!(STAFF.contains(&letter.to.as_str()));
    }
}

#[test]
fn b09_support_and_security_stay_apart() {
    let mut office = Office::new();
    let both = Post::from(ALICE)
        .to("support@desk.example, security@desk.example")
        .id("both@acme.example")
        .body("CANARY in both.\n");
    let copy = both.raw(900);
    office.takes("support", copy.clone());
    assert_eq!(office.ticket(1).queue, "security");
    let other = String::from_utf8_lossy(&copy).replace("somewhere", "elsewhere");
    assert_eq!(
        office.takes("security", other.into_bytes()).fate,
        Fate::Duplicate
    );
    // In support's thread, citing the security mail: nothing joins.
    office.receives(
        Post::from(ALICE)
            .referring("both@acme.example")
            .body("An ordinary question.\n"),
    );
    assert_eq!(office.ticket(2).queue, "support");
    assert_eq!(office.tickets().len(), 2);
    assert!(
        office
            .letters_to(ANNA)
            .iter()
            .all(|l| !l.raw.contains("CANARY"))
    );
    assert!(
        office
            .letters_to(BEAT)
            .iter()
            .all(|l| !l.raw.contains("CANARY"))
    );
}

#[test]
fn b09_an_answer_to_support_that_names_security_is_securitys() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    let ack = office.last_to(ALICE);
    let post = Post::from(ALICE)
        .answering(&ack)
        .with("Cc: security@desk.example")
        .body("CANARY: your login is open.\n");
    office.receives(post);
    assert_eq!(office.ticket(2).queue, "security");
    assert!(
        office
            .letters_to(ANNA)
            .iter()
            .all(|l| !l.raw.contains("CANARY"))
    );
}

#[test]
fn b09_a_blind_copy_to_security_reaches_security() {
    let mut office = Office::new();
    let raw = Post::from(ALICE).body("Look at this.\n").raw(901);
    office.takes("support", raw.clone());
    let other = String::from_utf8_lossy(&raw).replace("somewhere", "elsewhere");
    office.takes("security", other.into_bytes());
    assert_eq!(office.ticket(2).queue, "security");
    assert_eq!(office.letters_to(DARIO).len(), 1);
}

#[test]
fn g05_a_rule_never_takes_a_mail_out_of_the_confidential_queue() {
    let rule = "[[rule]]\nbecause = \"about printers\"\nsaid = ['\\bprinter\\b']\nqueue = \"support\"\nmatches = [\"printer\"]\n";
    let mut office = Office::under(policy_with(|_, text| text, rule));
    office.receives(Post::from(STRANGER).to("security@desk.example"));
    assert_eq!(office.ticket(1).queue, "security");
    assert!(office.letters_to(ANNA).is_empty());
}

#[test]
fn the_best_proof_of_a_thread_counts_first() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).id("one@acme.example").subject("One"));
    office.receives(Post::from(ALICE).id("two@acme.example").subject("Two"));
    office.receives(Post::from(ALICE).id("three@acme.example").subject("Three"));
    let ack = office.letters_to(ALICE)[0].id.clone();
    let entries = |office: &mut Office| -> Vec<usize> {
        (1..=3)
            .map(|t| {
                office
                    .entries(t)
                    .iter()
                    .filter(|e| e.mail.is_some())
                    .count()
            })
            .collect()
    };
    // A token before a stored id before a number.
    let all = Post::from(ALICE)
        .subject("Re: [#3] Three")
        .with(&format!("References: <{ack}> <two@acme.example>"))
        .body("a\n");
    office.receives(all);
    assert_eq!(entries(&mut office), [2, 1, 1]);
    office.receives(
        Post::from(ALICE)
            .subject("Re: [#3] Three")
            .referring("two@acme.example")
            .body("b\n"),
    );
    assert_eq!(entries(&mut office), [2, 2, 1]);
    office.receives(Post::from(ALICE).subject("Re: [#3] Three").body("c\n"));
    assert_eq!(entries(&mut office), [2, 2, 2]);
}

#[test]
fn a_forward_opens_a_ticket_of_its_own() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).id("one@acme.example"));
    let forward = Post::from(ALICE)
        .subject("Fwd: Printer")
        .referring("one@acme.example")
        .body("Now the scanner, too.\n");
    assert_eq!(office.receives(forward).fate, Fate::Opened);
    assert_eq!(office.ticket(2).linked.len(), 1);
}

#[test]
fn c4_9_a_reply_within_14_days_reopens_and_one_later_opens_a_linked_ticket() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).id("one@acme.example"));
    office.answers(ANNA, "Try another socket.\n");
    office.command(1, "close done");
    office.clock_to("2026-09-21 08:59");
    office.receives(
        Post::from(ALICE)
            .referring("one@acme.example")
            .body("It burns again.\n"),
    );
    let ticket = office.ticket(1);
    assert_eq!(ticket.state, State::Open);
    assert!(office.initial(1).stopped.is_some(), "no new clock");
    let next = office.clock(1, ClockKind::NextReply);
    assert!(next.is_running() && next.objective.internal, "C4.11");
    let notice = office.last_of(ANNA, LetterKind::Notice);
    assert!(notice.says("reopened"), "{}", notice.text());

    office.command(1, "close done");
    office.clock_to("2026-10-05 09:01");
    let done = office.receives(
        Post::from(ALICE)
            .referring("one@acme.example")
            .body("And again.\n"),
    );
    assert_eq!(done.fate, Fate::Opened);
    assert_eq!(office.ticket(2).linked, [office.ticket(1).id]);
    assert!(office.initial(2).is_running());
    assert!(office.recorded(2, "C4.9"));
    assert!(!office.recorded(2, "Possibly"));
}

#[test]
fn c4_9_reopened_before_any_answer_the_first_clock_goes_on() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).id("one@k.example"));
    let first = office.initial(1);
    office.command(1, "close duplicate");
    assert!(
        office.initial(1).is_running(),
        "C4.8: closing does not stop it"
    );
    office.receives(
        Post::from(KAETHI)
            .referring("one@k.example")
            .body("Hello?\n"),
    );
    let ticket = office.ticket(1);
    assert_eq!(ticket.state, State::New);
    assert_eq!(ticket.clocks.len(), 1);
    assert_eq!(office.initial(1).deadline, first.deadline);
}

#[test]
fn a_reply_to_a_quarantined_mail_is_a_request_with_its_own_clock() {
    let rule = "[[rule]]\nbecause = \"odd\"\nsaid = ['\\bquarantine me\\b']\nquarantine = true\nmatches = [\"quarantine me\"]\n";
    let mut office = Office::under(policy_with(|_, text| text, rule));
    office.receives(
        Post::from(ALICE)
            .id("odd@acme.example")
            .body("Please quarantine me.\n"),
    );
    assert_eq!(office.ticket(1).state, State::Quarantined);
    let done = office.receives(
        Post::from(ALICE)
            .referring("odd@acme.example")
            .body("Did you get my mail?\n"),
    );
    assert_eq!(done.fate, Fate::Opened);
    assert!(office.initial(2).is_running());
    assert_eq!(office.letters_to(ALICE).len(), 1, "and is acknowledged");
    assert_eq!(office.ticket(1).state, State::Quarantined);
}

#[test]
fn a_reply_to_history_has_a_clock() {
    let mut office = Office::new();
    let old = Post::from(ALICE).id("old@acme.example").raw(500);
    office.takes_with("support", old, true);
    assert!(office.letters().is_empty(), "F04");
    office.receives(
        Post::from(ALICE)
            .referring("old@acme.example")
            .body("Any news?\n"),
    );
    assert!(
        office.ticket(1).clocks.iter().any(|c| c.is_running()),
        "nothing is silently owed"
    );
}

/// The question went past us, and later it comes after all (zammad#5716).
#[test]
fn who_answers_a_mail_that_we_never_got_joins_who_did_so_before() {
    let mut office = Office::new();
    let reply = |from: &str| {
        Post::from(from)
            .subject("Re: Oven")
            .referring("lost@acme.example")
            .body(&format!("{from} says it is cold.\n"))
    };
    assert_eq!(office.receives(reply(ALICE)).fate, Fate::Opened);
    let colleague = reply("bob@acme.example");
    assert_eq!(office.receives(colleague).fate, Fate::Joined);
    let stranger = office.receives(reply(STRANGER));
    assert_eq!(stranger.fate, Fate::Opened, "who takes no part (B04)");
    let question = Post::from(ALICE).subject("Oven").id("lost@acme.example");
    assert_eq!(office.receives(question).fate, Fate::Joined);
}
