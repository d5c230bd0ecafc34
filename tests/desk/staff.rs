//! Staff's answers and commands (C4.4; ATTACKS.md D10): what reaches the customer, and what never does.

use crate::office::*;
use ticketd::desk::event::Movement;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::record::{EntryKind, Fate};
use ticketd::desk::ticket::State;

fn with_ticket() -> Office {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).id("first@acme.example"));
    office
}

/// The notice as a client quotes it below an answer.
fn quoted(notice: &Sent) -> String {
    notice.text().lines().map(|l| format!("> {l}\n")).collect()
}

#[test]
fn an_answer_goes_to_the_customer_in_the_same_thread_and_stops_the_clock() {
    let mut office = with_ticket();
    office.courier = false;
    office.letters_leave();
    office.answers(ANNA, "Try another socket.\n");
    assert!(office.initial(1).is_running(), "written is not accepted");
    office.letters_leave();
    assert!(!office.initial(1).is_running());
    let ack = office.letters_to(ALICE)[0].id.clone();
    let relay = office.relays().pop().unwrap();
    assert_eq!(relay.to, ALICE);
    assert_eq!(relay.mail.from[0].address, "support@desk.example");
    assert_eq!(
        relay.mail.in_reply_to,
        ["first@acme.example"],
        "the customer's latest mail"
    );
    assert_eq!(
        relay.mail.references,
        ["first@acme.example".to_string(), ack]
    );
    assert_eq!(relay.mail.text.trim(), "Try another socket.");
    office.courier = true;
    office.receives(
        Post::from(ALICE)
            .answering(&relay)
            .id("second@acme.example")
            .body("No use.\n"),
    );
    office.answers(ANNA, "And now?\n");
    assert_eq!(office.relays()[1].mail.in_reply_to, ["second@acme.example"]);
    office.answers(ANNA, "By the way.\n");
    assert_eq!(
        office.relays()[2].mail.in_reply_to,
        ["second@acme.example"],
        "not our own answer"
    );
    assert_eq!(office.tickets().len(), 1);
}

#[test]
fn our_own_notice_never_reaches_the_customer() {
    // Nothing of his own: only the quotation, only a signature, nothing at all.
    for make in [
        |n: &Sent| quoted(n),
        |n: &Sent| format!("On Mon, 7 Sep 2026 at 09:00, Desk wrote:\n{}", quoted(n)),
        |n: &Sent| format!("-- \nAnna Muster\n\n{}", quoted(n)),
        |n: &Sent| {
            format!(
                "-----Original Message-----\nFrom: Desk\nSent: Monday\nTo: Anna\nSubject: x\n\n{}",
                n.text()
            )
        },
        |n: &Sent| n.text().to_string(),
        |n: &Sent| format!("See below.\n\n{}", n.text()),
        |_: &Sent| "\n \n".to_string(),
    ] {
        let mut office = with_ticket();
        let notice = office.last_to(ANNA);
        let body = make(&notice);
        office.receives(Post::from(ANNA).answering(&notice).body(&body));
        assert!(
            office.relays().is_empty(),
            "{body}\n->\n{}",
            office.relays()[0].text()
        );
        assert!(
            office.initial(1).is_running(),
            "C4.4: no answer without own text"
        );
        assert_eq!(
            office.last_to(ANNA).kind,
            LetterKind::Transcript,
            "the writer is told"
        );
    }
    // An answer above, below or between the lines of the quotation.
    for make in [
        |n: &Sent| {
            format!(
                "Try another socket.\n\nOn Monday, Desk wrote:\n{}",
                quoted(n)
            )
        },
        |n: &Sent| {
            format!(
                "On Monday, Desk wrote:\n{}\nTry another socket.\n",
                quoted(n)
            )
        },
        |n: &Sent| {
            let lines: Vec<String> = quoted(n).lines().map(str::to_string).collect();
            let middle = lines.len() / 2;
            format!(
                "{}\n\nTry another socket.\n\n{}\n\nThen call us again, please do.\n",
                lines[..middle].join("\n"),
                lines[middle..].join("\n")
            )
        },
    ] {
        let mut office = with_ticket();
        let notice = office.last_to(ANNA);
        office.receives(Post::from(ANNA).answering(&notice).body(&make(&notice)));
        let relay = &office.relays()[0];
        assert!(relay.says("Try another socket."));
        for internal in [
            "ACME AG",
            "How the deadline",
            "Commands stand",
            "Answer by",
            "severity 3",
            "aligned",
        ] {
            assert!(
                !relay.text().contains(internal),
                "{internal}: {}",
                relay.text()
            );
        }
    }
}

#[test]
fn an_answer_between_the_customers_own_lines_keeps_them() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).body("Which socket?\nAnd which cable?\n"));
    let notice = office.last_to(ANNA);
    let answered: String = quoted(&notice)
        .lines()
        .map(|l| match l {
            l if l.contains("Which socket?") => format!("{l}\n\nThe left one of the two.\n\n"),
            l if l.contains("which cable?") => {
                format!("{l}\n\nThe black cable, not the red one.\n\n")
            }
            l => format!("{l}\n"),
        })
        .collect();
    office.receives(Post::from(ANNA).answering(&notice).body(&answered));
    let relay = &office.relays()[0];
    let text = relay.text();
    assert!(
        text.contains("> Which socket?") && text.contains("The left one"),
        "{text}"
    );
    assert!(
        !text.contains("Commands stand") && !text.contains("ACME AG"),
        "{text}"
    );
}

#[test]
fn a_signatures_logo_is_no_answer() {
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    let post = Post::from(ANNA)
        .answering(&notice)
        .body("#severity 2 facts\n")
        .with_file("image/png", "logo.png", "x");
    office.receives(post);
    assert!(office.relays().is_empty());
    assert!(office.initial(1).is_running());
    assert_eq!(office.ticket(1).severity, 2);
}

#[test]
fn a_file_goes_along_and_an_enclosed_mail_does_not() {
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    let post = Post::from(ANNA)
        .answering(&notice)
        .body("Here is the manual.\n")
        .with_file("application/pdf", "manual.pdf", "PDF");
    office.receives(post);
    assert_eq!(office.relays()[0].mail.attachments.len(), 1);
    // Some clients enclose the mail that is answered: our notice.
    let inner = notice.raw.replace("\r\n", "\n");
    let post = Post::from(ANNA)
        .answering(&notice)
        .body("And this.\n")
        .with_file("message/rfc822", "notice.eml", &inner);
    office.receives(post);
    let relay = office.relays().pop().unwrap();
    assert!(relay.says("And this."));
    assert!(
        relay.mail.attachments.is_empty() && !relay.raw.contains("ACME AG"),
        "{}",
        relay.raw
    );
    assert!(office.last_to(ANNA).says("enclosed"), "the writer is told");
}

#[test]
fn what_a_server_made_of_the_quoted_notice_does_not_go_along() {
    for (media_type, name) in [
        ("text/html", "ATT00001.htm"),
        ("text/plain", "ATT0002.txt"),
        ("application/ms-tnef", "winmail.dat"),
        ("application/octet-stream", "winmail.dat"),
    ] {
        let mut office = with_ticket();
        let notice = office.last_to(ANNA);
        let post = Post::from(ANNA)
            .answering(&notice)
            .body("Here is the manual.\n")
            .with_file(media_type, name, notice.text());
        office.receives(post);
        let relay = office.relays().pop().expect("the answer itself");
        assert!(
            relay.mail.attachments.is_empty() && !relay.raw.contains("ACME AG"),
            "{}",
            relay.raw
        );
        let said = office.last_of(ANNA, LetterKind::Transcript);
        assert!(
            said.says(&format!("{name} did not go along")),
            "{}",
            said.text()
        );
    }
    // A file of that kind is one all the same, and a signature is none.
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    for (media_type, name, goes) in [
        ("text/html", "attachment.html", 1),
        ("text/plain", "att.log", 1),
        ("application/pkcs7-signature", "smime.p7s", 0),
    ] {
        let post = Post::from(ANNA)
            .answering(&notice)
            .body(&format!("Here is {name}.\n"))
            .with_file(media_type, name, "x");
        office.receives(post);
        let relay = office.relays().pop().unwrap();
        assert!(relay.says(name), "{}", relay.raw);
        assert_eq!(relay.mail.attachments.len(), goes, "{name}");
    }
}

#[test]
fn what_is_signed_and_hidden_is_held_back() {
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    let signed = "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m";
    let post = Post::from(ANNA)
        .answering(&notice)
        .with(&format!(
            "MIME-Version: 1.0\r\n{signed}\r\nContent-Transfer-Encoding: base64"
        ))
        .body("MIIBcanary+/\n");
    office.receives(post);
    assert!(office.relays().is_empty());
    let said = office.last_of(ANNA, LetterKind::Transcript);
    assert!(said.says("sign it in the clear"), "{}", said.text());
}

/// Whoever takes it apart reads what nobody here could look through: any doubt whether it is encrypted means that it is not.
#[test]
fn s_mime_goes_out_only_where_it_says_that_it_is_encrypted() {
    for (kind, goes) in [
        ("application/pkcs7-mime; name=smime.p7m", false),
        ("application/pkcs7-mime; smime-type=signed-data", false),
        (
            "application/x-pkcs7-mime; smime-type=compressed-data",
            false,
        ),
        // What a file is called says nothing of what it is.
        ("application/pkcs7-mime; name=enveloped-data.p7m", false),
        ("application/pkcs7-mime; smime-type=enveloped-data", true),
        (
            "application/x-pkcs7-mime; smime-type=\"Enveloped-Data\"",
            true,
        ),
        (
            "application/pkcs7-mime; smime-type=authEnveloped-data",
            true,
        ),
    ] {
        let header = format!(
            "MIME-Version: 1.0\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64"
        );
        let whole = |post: Post| post.with(&header).body("MIIBcanary+/\n");
        // As the mail itself, and below a text that a server put there.
        let below = |post: Post| {
            post.body("Scanned by the mail server.\n")
                .with_file(kind, "a", "MIIBcanary+/")
        };
        for is_whole in [true, false] {
            let mut office = with_ticket();
            let notice = office.last_to(ANNA);
            let post = Post::from(ANNA).answering(&notice);
            let said = "does not say that it is encrypted";
            office.receives(if is_whole { whole(post) } else { below(post) });
            assert_eq!(office.relays().len(), usize::from(goes), "{kind}");
            assert_eq!(office.initial(1).is_running(), !goes, "{kind}");
            let last = office.last_to(ANNA);
            assert_eq!(last.says(said), !goes, "{kind}\n{}", last.text());
        }
    }
}

/// Some servers call it a file of no kind.
#[test]
fn s_mime_that_only_its_name_shows_is_held_back() {
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    let post = Post::from(ANNA).answering(&notice);
    let post = post.body("Scanned by the mail server.\n");
    office.receives(post.with_file("application/octet-stream", "Smime.P7M", "x"));
    assert!(office.relays().is_empty());
    let said = office.last_of(ANNA, LetterKind::Transcript);
    assert!(said.says("sign it in the clear"), "{}", said.text());
}

#[test]
fn a_note_never_reaches_the_customer() {
    for body in [
        "#note she is annoying\n",
        "#note\nshe is annoying\n\nand more\n",
        "#severity 2 x\n#note she is annoying\n",
        "\n\n#Note she is annoying\nDear Alice\n",
        "#note: she is annoying\n",
        "\u{feff}#note she is annoying\n",
    ] {
        let mut office = with_ticket();
        office.answers(ANNA, body);
        assert!(office.relays().is_empty(), "{body}");
        assert!(
            office
                .letters_outside()
                .iter()
                .all(|l| !l.raw.contains("annoying")),
            "{body}"
        );
        assert!(office.recorded(1, "she is annoying"), "{body}");
        assert!(office.initial(1).is_running());
    }
}

#[test]
fn commands_at_the_top_and_an_answer_below() {
    let mut office = with_ticket();
    office.answers(
        ANNA,
        "#assign beat\n#severity 2 workaround\n\nDear Alice\nTry another socket.\n",
    );
    let ticket = office.ticket(1);
    assert_eq!(
        (ticket.assignee.as_deref(), ticket.severity),
        (Some("beat"), 2)
    );
    assert_eq!(
        office.relays()[0].text().trim(),
        "Dear Alice\nTry another socket."
    );
    let transcript = office.last_of(ANNA, LetterKind::Transcript);
    assert!(transcript.says("Assigned to beat") && transcript.says(ALICE));
    // From now on the assignee alone has the notices.
    let before = office.letters_to(ANNA).len();
    office.receives(
        Post::from(ALICE)
            .referring("first@acme.example")
            .body("Still burns.\n"),
    );
    assert_eq!(office.letters_to(ANNA).len(), before);
    assert_eq!(office.last_to(BEAT).kind, LetterKind::Notice);
}

#[test]
fn a_forward_to_a_colleague_is_no_answer() {
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    let post = Post::from(ANNA)
        .answering(&notice)
        .subject(&format!("Fwd: {}", notice.mail.subject))
        .body("Beat, she is annoying, can you take her?\n");
    office.receives(post);
    assert!(office.relays().is_empty());
    assert!(office.last_to(ANNA).says("forward"));
}

#[test]
fn a_direct_answer_with_us_in_copy_stops_the_clock_and_is_not_sent_twice() {
    let mut office = with_ticket();
    let post = Post::from(ANNA)
        .to(ALICE)
        .with("Cc: support@desk.example")
        .referring("first@acme.example")
        .body("Try another socket.\n");
    assert_eq!(office.receives(post).fate, Fate::Joined);
    assert!(!office.initial(1).is_running());
    assert!(office.relays().is_empty());
    // Without own text it is no answer.
    let mut office = with_ticket();
    let post = Post::from(ANNA)
        .to(ALICE)
        .with("Cc: support@desk.example")
        .referring("first@acme.example")
        .body("> The printer is on fire\n");
    office.receives(post);
    assert!(office.initial(1).is_running());
    // Answering the notice and naming the customer, too: he has it already.
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    let post = Post::from(ANNA)
        .answering(&notice)
        .with(&format!("Cc: {ALICE}"))
        .body("Try another socket.\n");
    office.receives(post);
    assert!(office.relays().is_empty());
    assert!(!office.initial(1).is_running());
    // Forged, it is nothing.
    let mut office = with_ticket();
    let post = Post::from(ANNA)
        .to(ALICE)
        .with("Cc: support@desk.example")
        .referring("first@acme.example")
        .forged()
        .body("Try another socket.\n");
    office.receives(post);
    assert!(office.initial(1).is_running());
}

#[test]
fn a_member_of_the_staff_may_ask_and_follow_up() {
    let mut office = Office::new();
    office.receives(Post::from(ANNA).id("own@vendor.example"));
    let ack = office.last_of(ANNA, LetterKind::Acknowledgement);
    let done = office.receives(Post::from(ANNA).answering(&ack).body("One more thing.\n"));
    assert_eq!(done.fate, Fate::Joined);
    let done = office.receives(
        Post::from(ANNA)
            .referring("own@vendor.example")
            .body("And another.\n"),
    );
    assert_eq!(done.fate, Fate::Joined);
    assert_eq!(office.tickets().len(), 1);
    assert!(office.relays().is_empty());
}

#[test]
fn an_answer_to_a_merged_ticket_goes_to_where_it_went() {
    use std::sync::Arc;
    let mut office = Office::new();
    office.receives(Post::from(ALICE).id("one@acme.example"));
    office.receives(Post::from(ALICE).id("two@acme.example").subject("Scanner"));
    // As #merge will write it.
    let mut merged = office.ticket(2);
    merged.merged_into = Some(office.ticket(1).id);
    let mut batch = office.clerk.store().begin();
    let outcome =
        ticketd::desk::Outcome::of("merged").with(ticketd::desk::Record::Ticket(Box::new(merged)));
    batch.add(outcome, None::<Arc<[u8]>>);
    office.clerk.store().commit(batch).expect("a commit");
    office.receives(
        Post::from(ALICE)
            .referring("two@acme.example")
            .body("More.\n"),
    );
    assert!(
        office.recorded(1, "")
            && office
                .entries(1)
                .iter()
                .filter(|e| e.mail.is_some())
                .count()
                == 2
    );
    let notices = office.letters_to(ANNA);
    assert_eq!(notices.iter().filter(|l| l.place.ticket.0 == 1).count(), 2);
}

#[test]
fn a_change_is_not_written_to_whom_nobody_should_write() {
    let mut office = Office::new();
    office.receives(Post::from("alice@acme.example, evil@x.example"));
    office.command(1, "severity 1 facts");
    assert!(office.letters_outside().is_empty());
    // Nor to one whose mail was set aside.
    office.receives(Post::from(ANNA).forged());
    let before = office.letters_to(ANNA).len();
    office.command(2, "severity 1 facts");
    assert_eq!(office.letters_to(ANNA).len(), before);
}

#[test]
fn c5_5_the_customer_hears_of_another_severity_once() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI));
    office.command(1, "severity 2 facts");
    office.command(1, "severity 2 facts");
    let changes = office
        .letters_to(KAETHI)
        .into_iter()
        .filter(|l| l.kind == LetterKind::Change)
        .count();
    assert_eq!(changes, 1);
    assert!(office.initial(1).is_running(), "that letter stops no clock");
    assert_eq!(office.count(1, EntryKind::Severity), 2);
}

#[test]
fn an_answer_that_crosses_a_newer_mail_leaves_that_one_waiting() {
    let mut office = with_ticket();
    office.answers(ANNA, "Try another socket.\n");
    office.receives(
        Post::from(ALICE)
            .referring("first@acme.example")
            .body("No use.\n"),
    );
    office.courier = false;
    office.clock_to("2026-09-07 09:10");
    office.answers(ANNA, "Try the cable.\n");
    office.clock_to("2026-09-07 09:20");
    let relay = office.relays().pop().unwrap();
    office.moves(relay.place, Movement::Deferred("450 greylisted".into()));
    // Written before, accepted after the customer's next mail.
    office.clock_to("2026-09-07 09:30");
    office.command(1, "note nothing");
    office.moves(relay.place, Movement::Accepted("250".into()));
    assert_eq!(office.ticket(1).state, State::WaitingCustomer);
    office.receives(
        Post::from(ALICE)
            .referring("first@acme.example")
            .body("No use either.\n"),
    );
    office.answers(ANNA, "Hm.\n");
    let late = office.relays().pop().unwrap();
    office.clock_to("2026-09-07 09:40");
    office.moves(late.place, Movement::Accepted("250".into()));
    office.receives(
        Post::from(ALICE)
            .referring("first@acme.example")
            .body("One.\n"),
    );
    assert_eq!(office.ticket(1).state, State::Open);
}

#[test]
fn c7_3_an_answer_written_before_the_escalation_does_not_end_it() {
    let mut office = with_ticket();
    office.courier = false;
    office.letters_leave();
    office.answers(CARLA, "We are on it.\n");
    office.clock_to("2026-09-07 09:10");
    office.receives(
        Post::from(ALICE)
            .to("support@desk.example, hi@desk.example")
            .referring("first@acme.example")
            .body("I want to escalate this.\n"),
    );
    office.clock_to("2026-09-07 09:20");
    office.letters_leave();
    use ticketd::desk::ticket::ClockKind;
    assert!(!office.initial(1).is_running());
    assert!(office.clock(1, ClockKind::Escalation).is_running());
    assert_eq!(office.ticket(1).state, State::Open);
}

#[test]
fn history_of_staff_carries_nothing_out() {
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    let raw = Post::from(ANNA)
        .answering(&notice)
        .body("#close\nGood bye.\n")
        .raw(600);
    office.takes_with("support", raw, true);
    assert!(office.relays().is_empty());
    assert_eq!(office.ticket(1).state, State::New);
}

/// C4.4: what stands for an encrypted answer goes out for one alone.
#[test]
fn commands_beside_an_encrypted_file_answer_nobody() {
    let mut office = with_ticket();
    let notice = office.last_to(ANNA);
    let post = Post::from(ANNA).answering(&notice).body("#take\n");
    office.receives(post.with_file("application/pkcs7-mime", "smime.p7m", "x"));
    assert_eq!(office.ticket(1).assignee.as_deref(), Some("anna"));
    assert!(office.relays().is_empty());
    assert!(office.initial(1).is_running());
    let said = office.last_of(ANNA, LetterKind::Transcript);
    assert!(!said.says("picture"), "{}", said.text());
}
