//! What staff do past the desk: answers from their own Sent folder (C4.4), and customers' mails that they forward.

use crate::office::*;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::policy::Policy;
use ticketd::desk::record::{Direction, EntryKind, Fate};
use ticketd::desk::ticket::State;

fn watching() -> Policy {
    let mut policy = policy();
    policy.sent_of.insert("anna-sent".into(), "anna".into());
    policy
}

/// Anna writes past the desk; her Sent folder has it as she wrote it, without any stamp.
fn annas() -> Post {
    Post::from(ANNA).stamped("").to(KAETHI)
}

#[test]
fn c4_4_an_answer_in_a_watched_sent_folder_stops_the_clock() {
    for refers in [
        |p: Post| p.subject("Re: Printer").referring("first@keller.example"),
        |p: Post| p.subject("AW: [#1] Printer"),
    ] {
        let mut office = Office::under(watching());
        office.receives(Post::from(KAETHI).id("first@keller.example"));
        let letters = office.letters().len();
        office.now += chrono::TimeDelta::minutes(20);
        let post = refers(annas())
            .id("annas@vendor.example")
            .body("Try another socket.\n");
        assert_eq!(
            office.finds_in("anna-sent", post.clone()).fate,
            Fate::Joined
        );
        assert_eq!(office.initial(1).stopped, Some(office.now));
        assert_eq!(office.ticket(1).state, State::WaitingCustomer);
        let entry = office
            .entries(1)
            .into_iter()
            .rfind(|e| e.mail.is_some())
            .unwrap();
        assert_eq!(
            (entry.kind, entry.direction),
            (EntryKind::Mail, Direction::Out)
        );
        assert_eq!(office.letters().len(), letters, "nobody writes to anybody");
        // The same mail with the queue in copy is the same answer.
        let copy = post
            .copied_to("support@desk.example")
            .stamped("mx.desk.example; dmarc=pass header.from=vendor.example");
        office.receives(copy);
        assert_eq!(office.letters().len(), letters);
        assert_eq!(office.tickets().len(), 1);
    }
}

/// What a client writes for the logo of a signature is no answer here either.
#[test]
fn c4_4_a_picture_alone_in_a_watched_sent_folder_stops_no_clock() {
    let mut office = Office::under(watching());
    office.receives(Post::from(KAETHI).id("first@keller.example"));
    let post = annas()
        .subject("AW: [#1] Printer")
        .body("[image: logo.png]\n")
        .with_file("image/png", "logo.png", "x");
    assert_eq!(office.finds_in("anna-sent", post).fate, Fate::Joined);
    assert!(office.initial(1).is_running());
}

#[test]
fn what_answers_no_ticket_is_nobodys_business() {
    let mut office = Office::under(watching());
    office.receives(Post::from(KAETHI).id("first@keller.example"));
    office.receives(
        Post::from(STRANGER)
            .to("security@desk.example")
            .id("report@elsewhere.example"),
    );
    let before = (
        office.entries(1).len(),
        office.entries(2).len(),
        office.letters().len(),
    );
    let secret = "What a secret";
    for post in [
        annas().to("mum@home.example").subject(secret),
        annas().subject(secret),
        // To somebody else, though it names the ticket.
        annas()
            .to("friend@home.example")
            .referring("first@keller.example")
            .subject(secret),
        // By somebody else who got into the folder, or a responder of hers.
        Post::from(BEAT)
            .to(KAETHI)
            .referring("first@keller.example")
            .subject(secret),
        annas()
            .referring("first@keller.example")
            .with("Auto-Submitted: auto-replied")
            .subject(secret),
        // A report is none of her queues.
        annas()
            .to(STRANGER)
            .referring("report@elsewhere.example")
            .subject(secret),
    ] {
        let done = office.finds_in("anna-sent", post);
        assert_eq!(done.fate, Fate::None);
        assert!(
            !done.changed && !done.because.contains("secret"),
            "{}",
            done.because
        );
    }
    assert_eq!(
        (
            office.entries(1).len(),
            office.entries(2).len(),
            office.letters().len()
        ),
        before
    );
    assert!(office.initial(1).is_running());
    // An answer without words of her own is no answer.
    office.finds_in(
        "anna-sent",
        annas()
            .referring("first@keller.example")
            .body("\n> quoted\n"),
    );
    assert!(office.initial(1).is_running());
}

fn forward(of: &str) -> Post {
    Post::from(ANNA).subject("WG: Drucker").body(&format!(
        "Das ist an mich gegangen.\n\n-----Ursprüngliche Nachricht-----\nVon: Käthi Keller <{of}>\nGesendet: Montag, 7. September 2026 08:12\nAn: Anna Muster <{ANNA}>\nBetreff: Drucker\n\nUnser Drucker brennt, bitte helfen Sie uns rasch.\n"
    ))
}

#[test]
fn a_forward_by_staff_is_a_request_of_the_customers() {
    let mut office = Office::new();
    office.receives(forward(KAETHI).referring("hers@keller.example"));
    let ticket = office.ticket(1);
    assert_eq!(ticket.requester.address, KAETHI);
    assert_eq!(ticket.requester.name, "Käthi Keller");
    assert_eq!(ticket.subject, "Drucker");
    assert_eq!(ticket.subscription.customer.as_deref(), Some("baeckerei"));
    assert_eq!(
        office.initial(1).started,
        office.now,
        "C3.5: from when we had it"
    );
    assert!(!ticket.participants.contains(&ANNA.to_string()));
    // The customer hears that it is on our list, and staff read whose word it is.
    assert_eq!(office.last_to(KAETHI).kind, LetterKind::Acknowledgement);
    let notice = office.last_to(BEAT);
    assert!(
        notice.says("forwarded by anna of the staff") && notice.says("Unser Drucker brennt"),
        "{}",
        notice.text()
    );
    office.answers(BEAT, "Anderen Stecker nehmen.\n");
    assert_eq!(office.relays()[0].to, KAETHI);
    // Her own next mail finds the ticket by the mail that she wrote first.
    office.receives(
        Post::from(KAETHI)
            .subject("Re: Drucker")
            .referring("hers@keller.example"),
    );
    assert_eq!(office.tickets().len(), 1);
    // Once is once.
    office.receives(forward(KAETHI).referring("hers@keller.example"));
    assert_eq!(office.tickets().len(), 1);
}

#[test]
fn a_forward_of_an_enclosed_mail_is_one_too() {
    let mut office = Office::new();
    let enclosed = format!(
        "From: Alice Ace <{ALICE}>\nTo: {ANNA}\nMessage-ID: <hers@acme.example>\nSubject: Printer down\n\nIt burns.\n"
    );
    let post = Post::from(ANNA)
        .subject("Fwd: Printer down")
        .body("See below.\n");
    office.receives(post.with_file("message/rfc822", "mail.eml", &enclosed));
    let ticket = office.ticket(1);
    assert_eq!(
        (ticket.requester.address.as_str(), ticket.subject.as_str()),
        (ALICE, "Printer down")
    );
}

#[test]
fn a01_no_forward_but_a_proven_staff_members_speaks_for_a_customer() {
    // Unproven, a stranger's, a read-only person's: no ticket of the customer's.
    for (post, requester) in [
        (forward(KAETHI).forged(), ANNA),
        (
            forward(KAETHI).stamped("mx.desk.example; auth=pass smtp.auth=beat"),
            ANNA,
        ),
    ] {
        let mut office = Office::new();
        office.receives(post);
        assert_eq!(office.ticket(1).state, State::Quarantined);
        assert_eq!(office.ticket(1).requester.address, requester);
        assert!(office.letters_outside().is_empty());
    }
    let mut office = Office::new();
    let text = String::from_utf8_lossy(&forward(KAETHI).raw(1))
        .split("\r\n\r\n")
        .skip(1)
        .collect::<Vec<_>>()
        .join("\n\n")
        .replace('\r', "");
    office.receives(Post::from(STRANGER).subject("WG: Drucker").body(&text));
    office.receives(
        Post::from("eva@vendor.example")
            .subject("WG: Drucker")
            .body(&text),
    );
    let requesters: Vec<String> = office
        .tickets()
        .into_iter()
        .map(|t| t.requester.address)
        .collect();
    assert_eq!(requesters, [STRANGER, "eva@vendor.example"]);
    assert!(office.letters_to(KAETHI).is_empty());
    // Nor does one speak for a colleague, or for ourselves.
    for of in [BEAT, "support@desk.example"] {
        let mut office = Office::new();
        office.receives(forward(of));
        assert_eq!(office.ticket(1).requester.address, ANNA, "{of}");
    }
}

/// Of what a forward refers to, the mail in it is one; the others are what its forwarder was reading.
#[test]
fn a_forward_joins_no_ticket_that_its_forwarder_was_reading() {
    for thread in [
        "In-Reply-To: <second@acme.example> <first@acme.example>",
        "References: <first@acme.example> <second@acme.example>",
    ] {
        let mut office = Office::new();
        office.receives(Post::from(ALICE).id("first@acme.example"));
        office.receives(forward(ALICE).with(thread));
        assert_eq!(office.tickets().len(), 2, "{thread}");
        assert_eq!(office.ticket(2).requester.address, ALICE);
    }
}

#[test]
fn c5_1_a_forward_is_answered_in_the_customers_language() {
    let mut office = Office::new();
    let german = String::from_utf8(forward(STRANGER).raw(1)).expect("text");
    let (_, body) = german.split_once("\r\n\r\n").expect("a body");
    let english = "This came to me, and I do not know what to do with it. Could somebody please have a look at what she wants, and answer her as soon as you can?";
    let body = body
        .replace('\r', "")
        .replace("Das ist an mich gegangen.", english);
    office.receives(Post::from(ANNA).subject("WG: Drucker").body(&body));
    let ticket = office.ticket(1);
    assert_eq!(ticket.requester.address, STRANGER);
    assert_eq!(ticket.language, ticketd::mail::Language::De);
}
