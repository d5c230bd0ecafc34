//! ATTACKS.md C: loops and amplification.

use crate::office::*;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::policy::Acknowledge;
use ticketd::desk::record::Fate;

#[test]
fn c01_no_machine_is_acknowledged() {
    for mark in [
        "Auto-Submitted: auto-generated",
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: x-unheard-of",
        "Return-Path: <>",
        "Precedence: bulk",
        "Precedence: junk",
        "Precedence: list",
        "Precedence: first-class\r\nPrecedence: bulk",
        "List-Id: <all.acme.example>",
        "X-Auto-Response-Suppress: All",
        "X-Auto-Response-Suppress: OOF",
        "X-Autoreply: yes",
        "X-Autorespond: yes",
        "Ticketd-Loop: 1",
        "Ticketd-Id: 1@desk.example",
    ] {
        let mut office = Office::new();
        office.receives(Post::from(ALICE).with(mark));
        assert!(office.letters_to(ALICE).is_empty(), "{mark}");
    }
    for from in [
        "mailer-daemon@acme.example",
        "postmaster@acme.example",
        "no-reply@acme.example",
        "noreply-12@acme.example",
        "bounces@acme.example",
        "bounces-7@acme.example",
    ] {
        let mut office = Office::new();
        office.receives(Post::from(from));
        assert!(office.letters_to(from).is_empty(), "{from}");
    }
}

#[test]
fn c06_what_people_of_another_desk_answer_is_no_machines() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).with("Ticketd-Id: 12@acme.example"));
    assert_eq!(office.letters_to(ALICE).len(), 1, "a ticket, acknowledged");
    for marks in [
        "Ticketd-Id: 12@acme.example\r\nAuto-Submitted: auto-replied",
        "Ticketd-Id: 12@desk.example",
        "Ticketd-Id: 12",
    ] {
        let post = Post::from(ALICE).subject("Oven").body("It is cold.\n");
        assert_eq!(
            office.receives(post.with(marks)).fate,
            Fate::Filed,
            "{marks}"
        );
    }
}

#[test]
fn c01_what_went_through_our_hands_before_is_not_acknowledged() {
    for (mark, acknowledged) in [
        ("X-Loop: support@desk.example", 0),
        (
            "X-Loop: x@lists.example\r\nX-Loop: <Support-Alias@desk.example>",
            0,
        ),
        ("X-Loop: x@lists.example", 1),
    ] {
        let mut office = Office::new();
        office.receives(Post::from(ALICE).with(mark));
        assert_eq!(office.tickets().len(), 1, "{mark}");
        assert_eq!(office.letters_to(ALICE).len(), acknowledged, "{mark}");
    }
}

#[test]
fn c01_who_copies_us_blindly_is_not_acknowledged_and_an_alias_is_ours() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).to("somebody@else.example"));
    assert!(office.letters_to(ALICE).is_empty());
    assert!(office.recorded(1, "Not acknowledged"));
    office.receives(Post::from(ALICE).to("support-alias@desk.example"));
    office.receives(
        Post::from(ALICE)
            .to("support+sales@desk.example")
            .subject("Oven"),
    );
    assert_eq!(office.letters_to(ALICE).len(), 2);
}

/// Numbers in letters: the same words are acknowledged once a day, whatever numbers stand between them.
fn spelled(n: u32) -> String {
    let letter = |n: u32| char::from(b'a' + (n % 26) as u8);
    [letter(n / 26), letter(n)].iter().collect()
}

#[test]
fn c02_the_same_words_are_acknowledged_once_a_day() {
    let mut office = Office::new();
    for n in 0..20 {
        let post = Post::from(STRANGER).subject(&format!("Thank you, case {n}"));
        office.receives(post.body(&format!("We got your mail at 09:{n}.\n")));
    }
    assert_eq!(office.letters_to(STRANGER).len(), 1);
    assert_eq!(office.tickets().len(), 20);
    assert!(office.recorded(2, "Not acknowledged: the same words"));
    office.clock_to("2026-09-08 10:00");
    let post = Post::from(STRANGER).subject("Thank you, case 99");
    office.receives(post.body("We got your mail at 09:59.\n"));
    assert_eq!(office.letters_to(STRANGER).len(), 2);
}

#[test]
fn c02_a_responder_without_any_mark_is_answered_a_few_times_only() {
    let mut office = Office::new();
    for n in 0..50 {
        let body = format!("Thank you for your mail, {}.\n", spelled(n));
        office.receives(
            Post::from(STRANGER)
                .subject(&format!("We got {n}"))
                .body(&body),
        );
    }
    assert_eq!(office.letters_to(STRANGER).len(), 3, "an hour");
    office.clock_to("2026-09-07 11:30");
    for n in 0..50 {
        let post =
            Post::from("stranger+more@elsewhere.example").subject(&format!("More {}", spelled(n)));
        office.receives(post);
    }
    let all = office.letters_outside().len();
    assert_eq!(all, 5, "a day, and + makes nobody another");
    assert_eq!(
        office.tickets().len(),
        100,
        "every mail is a ticket all the same"
    );
    let refused = office.tickets().len() - all;
    let reasons = (1..=100)
        .filter(|id| office.recorded(*id, "Not acknowledged"))
        .count();
    assert_eq!(reasons, refused, "none without a recorded reason");
}

#[test]
fn c02_a_known_customer_may_write_forty_times_a_day() {
    let mut office = Office::new();
    for n in 0..45 {
        office.receives(Post::from(ALICE).subject(&format!("Request {}", spelled(n))));
    }
    // Thirty an hour to a domain come first.
    assert_eq!(office.letters_to(ALICE).len(), 30);
    office.clock_to("2026-09-07 11:30");
    for n in 0..45 {
        office.receives(Post::from(ALICE).subject(&format!("Later {}", spelled(n))));
    }
    assert_eq!(office.letters_to(ALICE).len(), 40);
}

#[test]
fn c02_a_ticket_is_acknowledged_once() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).id("one@acme.example"));
    for n in 0..5 {
        office.receives(
            Post::from(ALICE)
                .referring("one@acme.example")
                .body(&format!("More {n}.\n")),
        );
    }
    assert_eq!(office.letters_to(ALICE).len(), 1);
}

#[test]
fn c03_forged_senders_get_nothing_and_the_rest_has_a_limit() {
    let mut office = Office::new();
    for n in 0..30 {
        office.receives(Post::from(&format!("victim{n}@v{n}.example")).forged());
    }
    assert!(office.letters_outside().is_empty());
    let mut all = policy();
    all.acknowledge = Acknowledge::All;
    all.authserv_id = None;
    office.goes_by(all);
    office.courier = false;
    for n in 0..620 {
        office.receives(
            Post::from(&format!("victim{n}@v{n}.example"))
                .subject(&format!("CANARY {n}"))
                .body(&format!("CANARY {n}\n")),
        );
    }
    let letters = office.letters_outside();
    assert_eq!(letters.len(), 600, "the global bucket");
    assert!(letters.iter().all(|l| !l.raw.contains("CANARY")));
}

#[test]
fn c05_mail_from_ourselves_goes_in_no_circle() {
    let mut office = Office::new();
    for from in [
        "support@desk.example",
        "support-alias@desk.example",
        "support+x@desk.example",
        "hi@desk.example",
    ] {
        office.receives(Post::from(from).subject(&format!("From {from}")));
    }
    assert!(office.letters_outside().is_empty(), "no acknowledgement");
    office.answers(ANNA, "Dear ourselves.\n");
    assert!(office.letters_outside().is_empty(), "no relay either");
    assert!(
        office.last_to(ANNA).says("ours"),
        "{}",
        office.last_to(ANNA).text()
    );
}

#[test]
fn c04_a_bounce_that_proves_nothing_writes_no_letter() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    let notice = office.last_to(ANNA).id;
    let before = office.letters().len();
    let report = format!(
        "--r\nContent-Type: text/plain\n\nmailbox full\n--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.vendor.example\n\nFinal-Recipient: rfc822; anna@vendor.example\nAction: failed\nStatus: 5.2.2\n--r\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{notice}>\nSubject: #1\n--r--\n"
    );
    let post = Post::from("mailer-daemon@vendor.example")
        .with("MIME-Version: 1.0")
        .with("Content-Type: multipart/report; report-type=delivery-status; boundary=r")
        .body(&report);
    assert_eq!(office.receives(post).fate, Fate::Filed);
    assert_eq!(office.letters().len(), before);
    assert_eq!(office.tickets().len(), 1);
}

#[test]
fn c07_an_absence_notice_of_staff_is_filed_and_never_relayed() {
    for post in [
        |p: Post| {
            p.with("Auto-Submitted: auto-replied")
                .body("I am away until Monday.\n")
        },
        |p: Post| p.with("X-Auto-Response-Suppress: All").body("#close\n"),
        |p: Post| {
            p.subject("Automatic reply: #1")
                .body("I am out of office until 14 September. In urgent cases ask Beat.\n")
        },
        |p: Post| {
            p.subject("Automatische Antwort: #1")
                .body("Ich bin abwesend.\n")
        },
    ] {
        let mut office = Office::new();
        office.receives(Post::from(KAETHI));
        let notice = office.last_to(ANNA);
        let done = office.receives(post(Post::from(ANNA).answering(&notice)));
        assert_eq!(done.fate, Fate::Filed);
        assert!(office.relays().is_empty());
        assert!(office.initial(1).is_running());
        office.clock_to("2026-09-08 11:00");
        let warning = office.last_to(ANNA);
        assert_eq!(warning.kind, LetterKind::Warning);
        office.receives(post(Post::from(ANNA).answering(&warning)));
        assert!(office.initial(1).is_running());
    }
}

#[test]
fn c08_no_receipt_is_ever_given() {
    let mut office = Office::new();
    office.receives(
        Post::from(ALICE)
            .with("Disposition-Notification-To: alice@acme.example")
            .with("Return-Receipt-To: alice@acme.example"),
    );
    office.answers(ANNA, "We are on it.\n");
    let letters = office.letters_to(ALICE);
    assert_eq!(letters.len(), 2);
    assert!(
        letters
            .iter()
            .all(|l| !l.raw.contains("disposition-notification"))
    );
}
