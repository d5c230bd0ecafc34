//! ATTACKS.md A: who may do what.

use crate::office::*;
use ticketd::desk::record::Fate;
use ticketd::desk::ticket::State;

/// An office with one ticket of Alice's; everybody of support has a notice.
fn with_ticket() -> Office {
    let mut office = Office::new();
    office.receives(
        Post::from(ALICE)
            .subject("Printer")
            .id("first@acme.example"),
    );
    office
}

fn nothing_done(office: &mut Office, what: &str) {
    assert_eq!(office.ticket(1).state, State::New, "{what}");
    assert!(office.initial(1).is_running(), "{what}");
    assert!(office.relays().is_empty(), "{what}");
    assert_eq!(office.ticket(1).severity, 3, "{what}");
}

#[test]
fn a01_a_forged_staff_mail_does_nothing_and_staff_are_told() {
    for body in ["#close\n", "Dear Alice, please send us your password.\n"] {
        let mut office = with_ticket();
        let notice = office.last_to(ANNA);
        for forged in [
            Post::from(ANNA).answering(&notice).forged(),
            Post::from(ANNA).answering(&notice).stamped(""),
            Post::from(ANNA)
                .referring("notice.1.3.1aaaaaaaaaaaaaaaaaaaaaaaa@desk.example")
                .forged(),
        ] {
            let told = |office: &mut Office| [ANNA, BEAT].map(|p| office.letters_to(p).len());
            let before = told(&mut office);
            let done = office.receives(forged.body(body));
            assert_eq!(done.fate, Fate::Quarantined);
            nothing_done(&mut office, body);
            let after = told(&mut office);
            assert!(
                after[0] > before[0] && after[1] > before[1],
                "staff are told, first of all the one in whose name it was written"
            );
            assert!(
                office.letters_outside().iter().all(|l| l.to == ALICE),
                "nobody else"
            );
        }
    }
}

#[test]
fn a01_each_lock_alone_keeps_the_door_shut() {
    // A genuine token, another member of the staff: the token was not made for him.
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    let done = office.receives(Post::from(BEAT).answering(&notice).body("#close\n"));
    assert_eq!(done.fate, Fate::Quarantined);
    nothing_done(&mut office, "another's token");
    // Staff and authenticated, without any token.
    let done = office.receives(
        Post::from(ANNA)
            .referring("first@acme.example")
            .body("#close\n"),
    );
    assert_eq!(done.fate, Fate::Quarantined);
    nothing_done(&mut office, "no token");
    // Submitted to our own server by somebody else's account.
    let stamp = "mx.desk.example; auth=pass smtp.auth=beat";
    let done = office.receives(
        Post::from(ANNA)
            .answering(&notice)
            .stamped(stamp)
            .body("#close\n"),
    );
    assert_eq!(done.fate, Fate::Quarantined);
    nothing_done(&mut office, "another's account");
    // All three, and it is done.
    let stamp = "mx.desk.example; auth=pass smtp.auth=anna";
    office.receives(
        Post::from(ANNA)
            .answering(&notice)
            .stamped(stamp)
            .body("#note seen\n"),
    );
    assert!(office.recorded(1, "seen"));
}

#[test]
fn a01_a_signature_with_one_letter_changed_opens_no_lock() {
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    let done = office.receives(
        Post::from(ANNA)
            .referring(&missigned(&notice.id))
            .body("#close\n"),
    );
    assert_eq!(done.fate, Fate::Quarantined, "a command on no ticket");
    nothing_done(&mut office, "the right letter, its signature not");
    let done = office.receives(
        Post::from(ANNA)
            .referring(&notice.id)
            .body("#note the same, well signed\n"),
    );
    assert_eq!(done.fate, Fate::Joined);
    assert!(office.recorded(1, "well signed"));
}

#[test]
fn a01_an_account_proves_no_other_author() {
    // A customer's own account at our server, and somebody else's address in From.
    let mut office = Office::new();
    let stamp = "mx.desk.example; auth=pass smtp.auth=mallory@acme.example";
    office.receives(Post::from(ALICE).stamped(stamp));
    assert!(!office.ticket(1).requester_proven);
    assert!(office.letters_to(ALICE).is_empty(), "no letter to a victim");
    let stamp = "mx.desk.example; auth=pass smtp.auth=alice@acme.example";
    office.receives(Post::from(ALICE).stamped(stamp));
    assert!(office.ticket(2).requester_proven);
    assert_eq!(office.letters_to(ALICE).len(), 1);
}

#[test]
fn a02_a_senders_own_authentication_results_are_ignored() {
    let lies = [
        "mx.evil.example; dmarc=pass header.from=vendor.example",
        "mx.desk.example.evil.example; dmarc=pass header.from=vendor.example",
        "(mx.desk.example) mx.evil.example; dmarc=pass header.from=vendor.example",
        "mx.desk.example; dmarc=fail (dmarc=pass header.from=vendor.example)",
        "mx.desk.example; dmarc=pass header.from=evil.example",
    ];
    for lie in lies {
        let mut office = with_ticket();
        let notice = office.last_to(ANNA);
        office.receives(
            Post::from(ANNA)
                .answering(&notice)
                .stamped(lie)
                .body("#close\n"),
        );
        nothing_done(&mut office, lie);
    }
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    let below = "Authentication-Results: mx.desk.example; dmarc=pass header.from=vendor.example";
    office.receives(
        Post::from(ANNA)
            .answering(&notice)
            .stamped("")
            .with(below)
            .body("#close\n"),
    );
    nothing_done(&mut office, "below Received");
    let mut unset = policy();
    unset.authserv_id = None;
    office.goes_by(unset);
    office.receives(Post::from(ANNA).answering(&notice).body("#close\n"));
    nothing_done(&mut office, "without an authserv-id nobody is trusted");
}

#[test]
fn a03_an_ambiguous_author_has_no_authority_and_is_never_written_to() {
    let froms = [
        "anna@vendor.example\r\nFrom: evil@x.example",
        "anna@vendor.example, evil@x.example",
        "staff:anna@vendor.example;",
        "anna@vendor.example\0",
        "<@evil.example:anna@vendor.example>",
        "alice@acme.example, evil@x.example",
    ];
    for from in froms {
        let mut office = with_ticket();
        let notice = office.last_to(ANNA);
        let post = Post::from(from).answering(&notice).body("#close\n");
        office.receives(post.stamped("mx.desk.example; dmarc=pass header.from=vendor.example"));
        nothing_done(&mut office, from);
        office.receives(
            Post::from(from)
                .subject("New")
                .body("Something else is wrong.\n"),
        );
        // Whoever of the staff answers it is told that there is nobody to write to.
        let before = office.letters_outside().len();
        let last = office.tickets().len() as u64;
        assert!(last > 1, "{from:?}: a ticket is made");
        office.answers(BEAT, "Dear customer, here is the password.\n");
        assert_eq!(office.letters_outside().len(), before, "{from:?}");
        assert!(
            office.last_to(BEAT).says("nobody"),
            "{from:?}: {}",
            office.last_to(BEAT).text()
        );
    }
}

#[test]
fn a04_a_display_name_is_nobody() {
    for from in [
        "\"anna@vendor.example\" <evil@x.example>",
        "=?utf-8?q?anna=40vendor.example=3E?= <evil@x.example>",
        "<anna@vendor.example>evil@x.example",
    ] {
        let mut office = with_ticket();
        let notice = office.last_to(ANNA);
        let post = Post::from(from).answering(&notice).body("#close\n");
        office.receives(post.stamped("mx.desk.example; dmarc=pass header.from=x.example"));
        nothing_done(&mut office, from);
    }
}

#[test]
fn a05_a_lookalike_is_not_staff() {
    for from in [
        "anna@vend\u{43e}r.example",
        "anna@\u{ff56}endor.example",
        "anna@xn--vendr-0ve.example",
        "anna@vendor.example.",
        "anna@vendor\u{3002}example",
    ] {
        let mut office = with_ticket();
        let notice = office.last_to(ANNA);
        office.receives(Post::from(from).answering(&notice).body("#close\n"));
        nothing_done(&mut office, from);
        let notice = office.last_to(ANNA);
        assert!(
            notice.says("<anna@xn--") || from.is_ascii(),
            "{}",
            notice.text()
        );
        assert_eq!(office.entries(1).iter().find(|e| !e.from.is_ascii()), None);
    }
    // Case alone makes nobody another.
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    office.receives(
        Post::from("Anna@Vendor.Example")
            .answering(&notice)
            .body("#close\n"),
    );
    assert_eq!(office.ticket(1).state, State::Closed);
}

#[test]
fn a06_reply_to_is_never_written_to() {
    for reply_to in [
        "evil@x.example",
        "support@desk.example",
        "a@x.example, b@x.example, c@x.example",
    ] {
        let mut office = Office::new();
        office.receives(Post::from(ALICE).with(&format!("Reply-To: {reply_to}")));
        office.answers(ANNA, "We are on it.\n");
        assert!(
            office.letters_outside().iter().all(|l| l.to == ALICE),
            "{reply_to}"
        );
        assert_eq!(office.letters_outside().len(), 2);
        let notice = office.letters_to(ANNA).remove(0);
        assert!(notice.says("Reply-To differs"), "{}", notice.text());
    }
    let mut office = Office::new();
    office.receives(Post::from(ALICE).with(&format!("Reply-To: Alice <{}>", ALICE.to_uppercase())));
    assert!(!office.last_to(ANNA).says("Reply-To"));
}

#[test]
fn a07_a_stranger_with_a_reference_changes_nothing() {
    let mut office = with_ticket();
    office.answers(ANNA, "Try another socket.\n");
    office.command(1, "close done");
    let done = office.receives(
        Post::from(STRANGER)
            .referring("first@acme.example")
            .body("Tell me more.\n"),
    );
    assert_eq!(done.fate, Fate::Joined);
    let ticket = office.ticket(1);
    assert_eq!(ticket.requester.address, ALICE);
    assert!(!ticket.participants.contains(&STRANGER.to_string()));
    assert_eq!(ticket.state, State::Closed, "a stranger reopens nothing");
    assert!(office.letters_to(STRANGER).is_empty());
    assert!(office.recorded(1, "takes no part"));
    let notice = office.last_to(ANNA);
    assert!(notice.says("Tell me more"), "staff read it");
    assert!(
        notice.says("no part"),
        "and are told what it is: {}",
        notice.text()
    );
    // The answer goes to the customer, and not as an answer to the stranger.
    office.receives(
        Post::from(ANNA)
            .answering(&notice)
            .body("A stranger wrote to us.\n"),
    );
    let relay = office.relays().pop().unwrap();
    assert_eq!(relay.to, ALICE);
    assert_eq!(relay.mail.in_reply_to, ["first@acme.example"]);
    assert!(office.letters_to(STRANGER).is_empty());
}

#[test]
fn a07_a_colleague_of_the_customer_takes_part() {
    let mut office = with_ticket();
    office.answers(ANNA, "Try another socket.\n");
    office.command(1, "close done");
    office.receives(
        Post::from("bob@acme.example")
            .referring("first@acme.example")
            .body("Still on fire.\n"),
    );
    assert_eq!(office.ticket(1).state, State::Open);
    assert!(!office.recorded(1, "takes no part"));
}

#[test]
fn a08_who_left_the_staff_or_the_queue_may_do_nothing() {
    let gone = |from: &str, to: &str| {
        let (from, to) = (from.to_string(), to.to_string());
        policy_with(
            move |name, text| {
                if name == "staff.toml" {
                    text.replace(&from, &to)
                } else {
                    text
                }
            },
            "",
        )
    };
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    office.goes_by(gone("anna@vendor.example", "other@vendor.example"));
    office.receives(Post::from(ANNA).answering(&notice).body("#close\nBye.\n"));
    nothing_done(&mut office, "left the staff");

    let mut office = with_ticket();
    let notice = office.last_to(CARLA);
    office.goes_by(gone(
        "queues = [\"support\", \"security\", \"billing\"]",
        "queues = [\"security\"]",
    ));
    office.receives(Post::from(CARLA).answering(&notice).body("#close\nBye.\n"));
    nothing_done(&mut office, "left the queue");
}

#[test]
fn a10_a_staff_mail_acts_once_however_often_it_comes() {
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    let post = Post::from(ANNA).answering(&notice).body("We are on it.\n");
    let raw = post.raw(77);
    for _ in 0..5 {
        office.takes("support", raw.clone());
    }
    // By another road the trace is another one.
    let text = String::from_utf8_lossy(&raw).replace("somewhere", "elsewhere");
    office.takes("support", text.into_bytes());
    assert_eq!(office.relays().len(), 1);
    // Without a Message-ID nobody could know, so it is not carried out at all.
    let notice = office.last_to(ANNA);
    let bare = Post::from(ANNA)
        .answering(&notice)
        .id("")
        .body("Again.\n")
        .raw(78);
    let other = String::from_utf8_lossy(&bare)
        .replace("somewhere", "elsewhere")
        .into_bytes();
    office.takes("support", bare);
    office.takes("support", other);
    assert_eq!(office.relays().len(), 1);
    assert!(office.letters_to(ANNA).iter().any(|l| l.says("Message-ID")));
    // Nor does a replay act that bears another Message-ID, date and subject, as none of them need be signed.
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    let post = Post::from(ANNA).answering(&notice).body("Try again.\n");
    office.receives(post.clone());
    let told = office.letters_to(ANNA).len();
    for n in 0..100 {
        office.now += chrono::TimeDelta::seconds(1);
        let replay = post.clone().subject(&format!("Re: {n}"));
        office.receives(replay.dated(&format!(
            "Date: Mon, 7 Sep 2026 09:{:02}:00 +0200\r\n",
            n % 60
        )));
    }
    assert_eq!(office.relays().len(), 1);
    assert_eq!(
        office.letters_to(ANNA).len(),
        told + 1,
        "told once, not a hundred times"
    );
    let commands = Post::from(ANNA).answering(&notice).body("#close done\n");
    office.receives(commands.clone());
    office.command(1, "reopen not yet");
    office.receives(commands);
    assert!(
        office.ticket(1).is_open(),
        "a command acts once by one letter"
    );
}

#[test]
fn a11_a_letter_in_a_third_partys_hands_gives_nothing() {
    let mut office = with_ticket();
    office.answers(ANNA, "We are on it.\n");
    for letter in office.letters() {
        let done = office.receives(
            Post::from(STRANGER)
                .answering(&letter)
                .body("#close\nHello.\n"),
        );
        assert_eq!(done.fate, Fate::Joined, "at worst a note");
    }
    assert_ne!(office.ticket(1).state, State::Closed);
    assert!(office.letters_to(STRANGER).is_empty());
    assert_eq!(office.relays().len(), 1);
    assert_eq!(office.ticket(1).requester.address, ALICE);
}

/// A person says the same again another day, of another letter; a machine at once.
#[test]
fn a10_the_same_words_go_out_once_a_day() {
    let day = chrono::TimeDelta::days(1);
    for (after, relays) in [(day - chrono::TimeDelta::seconds(1), 1), (day, 2)] {
        let mut office = with_ticket();
        office.answers(ANNA, "We are on it.\n");
        let said = office.now;
        office.receives(
            Post::from(ALICE)
                .referring("first@acme.example")
                .body("And now?\n"),
        );
        office.now = said + after;
        office.answers(ANNA, "We are on it.\n");
        assert_eq!(office.relays().len(), relays, "{after}");
    }
}

#[test]
fn a10_a_machine_that_counts_is_heard_three_times_a_day() {
    let mut office = with_ticket();
    for n in 1..=5 {
        office.answers(ANNA, &format!("Step {n} of 5 is done.\n"));
    }
    assert_eq!(office.relays().len(), 3);
    assert!(office.last_to(ANNA).says("in other words"));
}
