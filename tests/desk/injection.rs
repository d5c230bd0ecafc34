//! ATTACKS.md D: what a stranger writes stays text.

use crate::office::*;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::ticket::State;

fn fields<'a>(letter: &'a Sent, name: &'a str) -> Vec<&'a str> {
    letter.mail.headers(name).collect()
}

#[test]
fn d01_a_subject_stays_one_line() {
    for subject in [
        "a=?utf-8?q?=0D=0ABcc:_evil@x.example?=",
        "=?utf-8?q?a=0ABcc:_evil@x.example?=",
        "=?utf-8?q?a=0DBcc:_evil@x.example?=",
        "a\u{2028}Bcc: evil@x.example",
        "a\0Bcc: evil@x.example",
    ] {
        let mut office = Office::new();
        office.receives(Post::from(ALICE).subject(subject));
        office.answers(ANNA, "We are on it.\n");
        for letter in office.letters() {
            assert!(fields(&letter, "Bcc").is_empty(), "{subject:?}");
            assert_eq!(fields(&letter, "Subject").len(), 1);
        }
        assert!(office.ticket(1).subject.chars().all(|c| !c.is_control()));
    }
    let mut office = Office::new();
    office.receives(Post::from(ALICE).subject(&"x".repeat(64 * 1024)));
    office.answers(ANNA, "We are on it.\n");
    assert!(office.ticket(1).subject.chars().count() <= 200);
}

#[test]
fn d02_d03_an_odd_name_or_address_stops_nothing() {
    for from in [
        "=?utf-8?q?a=0D=0ABcc:_evil@x.example?= <alice@acme.example>",
        "=?utf-8?q?a=00b?= <alice@acme.example>",
        "\"a b\"@x.example",
        "\"x>\"@y.example",
        "a@[127.0.0.1]",
        "a@localhost",
        "-oQ/tmp@x.example",
        "$USER@x.example",
    ] {
        let mut office = Office::new();
        office.receives(Post::from(from).stamped("mx.desk.example; dmarc=pass header.from=acme.example; dmarc=pass header.from=x.example"));
        assert_eq!(office.tickets().len(), 1, "{from}");
        office.answers(ANNA, "We are on it.\n");
        for letter in office.letters() {
            assert!(
                ticketd::mail::address::strict(&letter.to).is_some(),
                "{from}: {}",
                letter.to
            );
            assert!(fields(&letter, "Bcc").is_empty());
        }
    }
}

#[test]
fn d05_templates_in_a_mail_are_text() {
    let evil = "{{ ticket }} {% for x in y %} %{ticket} <%= 7*7 %> $1 \\0 {{ 7*7 }}";
    let mut office = Office::new();
    office.receives(Post::from(ALICE).subject(evil).body(&format!("{evil}\n")));
    let notice = office.last_to(ANNA);
    assert!(
        notice.says("{{ 7*7 }}") && notice.says("<%= 7*7 %>"),
        "{}",
        notice.text()
    );
    office.answers(ANNA, &format!("{evil}\n"));
    assert!(office.relays()[0].says("{{ 7*7 }}"));
}

#[test]
fn d07_our_own_headers_in_a_mail_say_nothing() {
    let mut office = Office::new();
    office.receives(
        Post::from(ALICE)
            .with("X-Ticketd-Command: close")
            .with("X-Ticketd-Encrypted: yes")
            .with("Ticketd-Severity: 1"),
    );
    let ticket = office.ticket(1);
    assert_eq!((ticket.state, ticket.severity), (State::New, 3));
}

#[test]
fn d09_what_is_told_of_a_mail_is_one_line() {
    let mut office = Office::new();
    let subject = "=?utf-8?q?a=0A=1B[31mroot=E2=80=AE?=";
    for post in [
        Post::from(ALICE).subject(subject),
        Post::from(ALICE)
            .subject(subject)
            .with("Auto-Submitted: =?utf-8?q?auto=0Areplied?="),
        Post::from(ANNA).subject(subject).forged(),
    ] {
        let done = office.receives(post);
        assert!(
            done.because
                .chars()
                .all(|c| !c.is_control() && c != '\u{202e}'),
            "{:?}",
            done.because
        );
    }
}

#[test]
fn d10_a_customers_commands_are_text() {
    let mut office = Office::new();
    office.receives(
        Post::from(ALICE)
            .id("one@acme.example")
            .body("#close\n#assign beat\nPlease.\n"),
    );
    office.receives(
        Post::from(ALICE)
            .referring("one@acme.example")
            .body("#close\n"),
    );
    assert_eq!(
        (office.ticket(1).state, office.ticket(1).severity),
        (State::New, 3)
    );
}

#[test]
fn d10_a_quoted_command_is_not_carried_out() {
    let quotations = [
        "On Monday Alice wrote:\n> #close\n> #severity 2\n\nWe look into it.\n",
        "We look into it.\n\nOn Monday Alice wrote:\n> #close\n",
        "We look into it.\n\n-----Original Message-----\nFrom: Alice\nSent: Monday\nTo: support\nSubject: Printer\n\n#close\n",
        "> #close\n\nWhat do you mean by this?\nWe look into it.\n",
        "We look into it.\n\n-- \nAnna\n#close\n",
    ];
    for body in quotations {
        let mut office = Office::new();
        office.receives(Post::from(ALICE).body("#close\n#assign beat\n"));
        office.answers(ANNA, body);
        assert_eq!(
            (office.ticket(1).state, office.ticket(1).severity),
            (State::WaitingCustomer, 3),
            "{body}"
        );
        let relay = &office.relays()[0];
        assert!(relay.says("We look into it."), "{body}");
        assert!(!relay.says("#close"), "{body}");
    }
}

#[test]
fn d10_a_command_in_the_wrong_place_or_of_a_wrong_form_holds_the_mail_back() {
    let bodies = [
        "#frobnicate\nDear Alice\n",
        "Dear Alice\n#note she is annoying\n",
        "Dear Alice\n\n#close\n",
        "Dear Alice\n  #note: internal\n",
        "#note: internal\n#severity 7\n",
        "#severity 9 what\nDear Alice\n",
        "#severity\nDear Alice\n",
        "#assign nobody\nDear Alice\n",
        "#NOTE\nonly this\n#severity 2 x",
        "*#note* she is annoying\n",
        "# note she is annoying\n",
        "\u{feff}Dear Alice\n\u{200b}#note she is annoying\n",
        "\u{ff03}note she is annoying\n",
        "- #note she is annoying\n",
        "#not\u{200b}e she is annoying\n",
        "#notes she is annoying\n",
    ];
    for body in bodies {
        let mut office = Office::new();
        office.receives(Post::from(ALICE));
        office.answers(ANNA, body);
        assert!(
            office.relays().is_empty(),
            "{body:?}: {}",
            office.relays()[0].text()
        );
        assert!(
            office
                .letters_to(ALICE)
                .iter()
                .all(|l| !l.raw.contains("annoying")),
            "{body:?}"
        );
        assert_eq!(office.ticket(1).severity, 3, "{body:?}");
        assert_eq!(office.ticket(1).state, State::New, "{body:?}");
        assert_eq!(
            office.last_to(ANNA).kind,
            LetterKind::Transcript,
            "{body:?}: the writer is told"
        );
    }
}

#[test]
fn d10_a_command_that_only_the_html_shows_holds_the_mail_back() {
    let htmls = [
        "<p>Dear Alice</p><p>#note she is annoying</p>",
        "<p><b>#</b><b>note</b> she is annoying</p>",
        "<p>&#35;note she is annoying</p>",
        "<div>#close</div><div>Dear Alice</div>",
    ];
    for html in htmls {
        for plain in ["Dear Alice\n", ""] {
            let mut office = Office::new();
            office.receives(Post::from(ALICE));
            let notice = office.last_to(ANNA);
            office.receives(Post::from(ANNA).answering(&notice).html(plain, html));
            assert!(office.relays().is_empty(), "{html} beside {plain:?}");
            assert_eq!(
                office.ticket(1).state,
                State::New,
                "{html} beside {plain:?}"
            );
            assert_eq!(office.last_to(ANNA).kind, LetterKind::Transcript);
        }
    }
    // The same words in what the HTML quotes are nobody's.
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    let notice = office.last_to(ANNA);
    let html = "<p>Dear Alice</p><blockquote type=\"cite\"><p>#close</p></blockquote>";
    office.receives(
        Post::from(ANNA)
            .answering(&notice)
            .html("Dear Alice\n\n> #close\n", html),
    );
    assert_eq!(office.relays().len(), 1);
    // A command at the top that both show is a command.
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    let notice = office.last_to(ANNA);
    let html = "<p>#severity 2 facts</p><p>Dear Alice</p>";
    office.receives(
        Post::from(ANNA)
            .answering(&notice)
            .html("#severity 2 facts\n\nDear Alice\n", html),
    );
    assert_eq!((office.ticket(1).severity, office.relays().len()), (2, 1));
}

#[test]
fn d11_an_acknowledgement_holds_nothing_that_the_sender_wrote() {
    let mut office = Office::new();
    office.receives(
        Post::from("\"Your invoice: http://evil.example\" <stranger@elsewhere.example>")
            .subject("CANARY subject")
            .body("CANARY body\n"),
    );
    let ack = office.last_to(STRANGER);
    assert_eq!(ack.kind, LetterKind::Acknowledgement);
    assert!(
        !ack.raw.contains("CANARY") && !ack.raw.contains("evil.example"),
        "{}",
        ack.raw
    );
}
