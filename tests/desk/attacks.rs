//! ATTACKS.md C09, D08 and E at the desk: mails that break others. Each comes in by the real path, and then everything is looked at: its ticket, the letters and
//! who gets them, what the log hears, the bytes on record, the store's own audit; and that the next mail is served as if nothing had been.

use crate::office::*;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use ticketd::clerk::Job;
use ticketd::desk::event::{Arrival, Event, Trouble};
use ticketd::desk::record::Fate;
use ticketd::desk::ticket::State;
use ticketd::mail;
use ticketd::store::audit;

/// An unoptimised build on a busy machine; a second is the aim of a release build, which `mail/hostile_tests.rs` and the benchmarks hold.
const TIME_MAX: Duration = Duration::from_secs(60);

/// A mail of Alice's with these fields and this body, byte for byte.
fn raw(fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "Authentication-Results: mx.desk.example; dmarc=pass header.from=acme.example\r\nReceived: from somewhere by mx.desk.example; Mon, 7 Sep 2026 09:00:00 +0200\r\nFrom: {ALICE}\r\nTo: support@desk.example\r\nMessage-ID: <hostile@acme.example>\r\nMIME-Version: 1.0\r\n{fields}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// What holds whatever comes in. The office, for more.
#[track_caller]
fn survives(raw: Vec<u8>) -> Office {
    let mut office = Office::new();
    let begin = Instant::now();
    let done = office.takes("support", raw.clone());
    assert!(begin.elapsed() < TIME_MAX, "{:?}", begin.elapsed());
    assert!(
        matches!(done.fate, Fate::Opened | Fate::Quarantined | Fate::Filed),
        "{:?}",
        done.fate
    );
    assert!(
        done.because.len() < 500 && done.because.chars().all(|c| !c.is_control()),
        "{:?}",
        done.because
    );
    let tickets = office.tickets().len();
    if done.fate != Fate::Filed {
        assert_eq!(tickets, 1);
        let first = office.entries(1)[0].place;
        let kept = office.reader().bytes(first).expect("the journal");
        assert_eq!(kept.as_deref(), Some(&raw[..]), "byte for byte");
    }
    let allowed: BTreeSet<&str> = [ALICE, ANNA, BEAT, CARLA].into();
    for letter in office.letters() {
        assert!(allowed.contains(letter.to.as_str()), "to {}", letter.to);
        assert!(letter.raw.len() < 300_000, "{} bytes", letter.raw.len());
    }
    // The next mail is taken and acknowledged.
    office.receives(Post::from(JONAS));
    assert_eq!(office.tickets().len(), tickets + 1);
    assert_eq!(office.letters_to(JONAS).len(), 1);
    let findings = audit::audit(&office.reader()).expect("the audit runs");
    assert_eq!(findings, []);
    office
}

/// The same, and the customer has a ticket with a clock.
#[track_caller]
fn is_served(raw: Vec<u8>) -> Office {
    let mut office = survives(raw);
    assert_eq!(office.ticket(1).state, State::New);
    assert!(office.initial(1).is_running());
    office
}

#[test]
fn b10_a_thousandfold_of_references_is_looked_at_in_part() {
    let many: String = (0..10_000)
        .map(|i| format!("\r\n <{i}.{}@x.example>", "y".repeat(80)))
        .collect();
    let mut office = is_served(raw(&format!("References:{many}"), b"Help.\r\n"));
    let kept = office.entries(1)[0].mail.clone().unwrap().found_by.len();
    assert!(kept <= 2, "{kept} rows of the index for one mail");
    // A token among the last twenty is still found.
    let ack = office.letters_to(ALICE).remove(0).id;
    let fields = format!("References:{many}\r\n <{ack}>\r\nSubject: more");
    let again = String::from_utf8(raw(&fields, b"More.\r\n")).unwrap();
    office.takes("support", again.replace("hostile@", "second@").into_bytes());
    assert_eq!(office.tickets().len(), 2, "Alice's and Jonas's");
}

#[test]
fn c09_what_cannot_be_read_is_answered_by_nobody() {
    let mut office = Office::new();
    for (n, bytes) in [
        &b"\xff\xfe\x00\x01\x02"[..],
        b"",
        b"From: ",
        b"Content-Type: multipart/mixed; boundary=\"",
    ]
    .into_iter()
    .enumerate()
    {
        let raw = bytes.to_vec();
        let arrival = Arrival {
            mailbox: "support".into(),
            queue: "support".into(),
            mail: std::sync::Arc::new(mail::unread(&raw)),
            received: office.now,
            silent: false,
            cursor: None,
            trouble: Some(Trouble::Unreadable("it panicked".into())),
        };
        let done = office.process(Event::MailArrived(Box::new(arrival)), Some(raw));
        assert_eq!(done.fate, Fate::Quarantined, "{n}");
        // As it is, without anybody saying that it is unreadable.
        let done = office.takes("support", [bytes, b"\r\n"].concat());
        assert!(matches!(
            done.fate,
            Fate::Opened | Fate::Quarantined | Fate::Filed
        ));
    }
    assert!(office.letters_outside().is_empty(), "no backscatter");
    assert!(!office.letters_to(ANNA).is_empty(), "staff know");
}

#[test]
fn d08_a_message_id_with_commands_in_it_is_data() {
    let evil = "<x\"\r\n X1 STORE 1:* +FLAGS (\\Deleted)\r\n X2 EXPUNGE@acme.example>";
    let bytes = String::from_utf8(raw("Subject: x", b"Help.\r\n")).unwrap();
    let mut office = survives(bytes.replace("<hostile@acme.example>", evil).into_bytes());
    for letter in office.letters() {
        for field in ["References", "In-Reply-To", "Message-ID"] {
            for value in letter.mail.headers(field) {
                // One word between brackets, or several: no command without blanks.
                let id = value.split_whitespace();
                assert!(
                    id.clone()
                        .all(|id| id.starts_with('<') && id.ends_with('>')),
                    "{value}"
                );
            }
        }
    }
    assert!(
        office.entries(1)[0]
            .message_id
            .iter()
            .all(|id| !id.contains(['\r', '\n']))
    );
}

#[test]
fn e01_nested_beyond_measure_is_a_ticket_all_the_same() {
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(40_000);
    is_served(raw("Content-Type: message/rfc822", nested.as_bytes()));
    let parts = "--a\r\n".repeat(200_000);
    is_served(raw(
        "Content-Type: multipart/mixed; boundary=a",
        parts.as_bytes(),
    ));
    let comments = format!("Subject: Help {}", "(".repeat(40_000));
    is_served(raw(&comments, b"Help.\r\n"));
}

#[test]
fn e02_floods_of_fields_and_recipients_make_no_letters() {
    let many: String = (0..20_000)
        .map(|i| format!("Cc: <v{i}@victim.example>\r\n"))
        .collect();
    let mut office = survives(raw(many.trim_end(), b"Help.\r\n"));
    assert!(office.ticket(1).participants.len() <= 20);
    let long = format!("Cc: {}", "v@victim.example, ".repeat(15_000));
    let mut office = survives(raw(&long, b"Help.\r\n"));
    office.answers(ANNA, "We look into it.\n");
    assert!(office.relays().len() <= 20, "{}", office.relays().len());
}

#[test]
fn e03_a_wall_of_text_is_searched_in_time() {
    let urls = "http://aaaa ".repeat(150_000);
    is_served(raw("Content-Type: text/plain", urls.as_bytes()));
    let blanks = " ".repeat(1 << 20);
    is_served(raw(
        "Content-Type: text/plain",
        format!("Help.{blanks}x").as_bytes(),
    ));
    let marks = ">".repeat(1 << 20);
    is_served(raw(
        "Content-Type: text/plain",
        format!("Help.\r\n{marks}").as_bytes(),
    ));
}

#[test]
fn e04_a_packed_bomb_stays_packed() {
    // A megabyte of zeroes as gzip: whoever opens it has a thousand times its size.
    let packed = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x01, 0x01,
    ];
    let bomb = data_encoding::BASE64.encode(&packed.repeat(2_000));
    let body = format!(
        "--b\r\nContent-Type: text/plain\r\n\r\nHelp.\r\n--b\r\nContent-Type: application/gzip\r\nContent-Disposition: attachment; filename=bomb.gz\r\nContent-Transfer-Encoding: base64\r\n\r\n{bomb}\r\n--b--\r\n"
    );
    let mut office = is_served(raw(
        "Content-Type: multipart/mixed; boundary=b",
        body.as_bytes(),
    ));
    let notice = office.letters_to(ANNA).remove(0);
    assert!(notice.says("bomb.gz"));
    assert!(notice.mail.attachments.is_empty(), "it does not go along");
    // Nothing in this house could open it.
    let lock = include_str!("../../Cargo.lock");
    for opener in ["flate2", "zip", "xz2", "bzip2", "brotli", "tar"] {
        let used_by_us = lock
            .split("[[package]]")
            .find(|p| p.contains("name = \"ticketd\""))
            .is_some_and(|p| p.contains(&format!(" \"{opener}\"")));
        assert!(!used_by_us, "{opener}");
    }
}

#[test]
fn e05_html_without_end_is_a_notice_with_one() {
    for tag in [
        "<table><tr><td>",
        "<blockquote>",
        "<div style='display:none'>",
    ] {
        let html = format!("{}Help.", tag.repeat(10_000));
        let mut office = is_served(raw("Content-Type: text/html", html.as_bytes()));
        assert!(office.letters_to(ANNA)[0].says("Help."), "{tag}");
    }
}

#[test]
fn e06_a_charset_that_lies_hides_no_request() {
    for charset in ["utf-32le", "utf-7", "x-unknown", "\"\""] {
        let fields = format!(
            "Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64"
        );
        is_served(raw(&fields, b"R3L8ZXppIQ====garbage"));
    }
}

#[test]
fn e08_a_files_name_is_never_a_path() {
    for name in [
        "../../etc/cron.d/x".to_string(),
        "/etc/passwd".into(),
        "..\\..\\x.exe".into(),
        "a\0b".into(),
        "x".repeat(5_000),
        "\u{200b}.htaccess".into(),
        "C:\\x:stream".into(),
        "a\u{202e}gpj.exe".into(),
    ] {
        let part = |name: &str| {
            format!(
                "--b\r\nContent-Type: text/plain\r\n\r\nHelp.\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-ID: <../../lib/x>\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\r\nabc\r\n--b--\r\n"
            )
        };
        let mut office = is_served(raw(
            "Content-Type: multipart/mixed; boundary=b",
            part(&name).as_bytes(),
        ));
        // Along with a staff member's answer it goes out under a name that is none either.
        let notice = office.letters_to(ANNA).remove(0);
        let post = Post::from(ANNA)
            .answering(&notice)
            .body("Look at this.\n")
            .with_file("application/octet-stream", &name, "abc");
        office.receives(post);
        let relay = office.relays().pop().expect("relayed");
        for file in &relay.mail.attachments {
            let odd = |c: char| {
                c.is_control() || "/\\:".contains(c) || matches!(c, '\u{200b}' | '\u{202e}')
            };
            assert!(
                !file.name.contains(odd) && !file.name.starts_with('.'),
                "{:?}",
                file.name
            );
            assert!(file.name.chars().count() <= 120);
        }
    }
}

#[test]
fn e09_two_readings_are_no_proof() {
    let body = b"--a\r\nContent-Type: text/plain\r\n\r\n#close\r\n--a--\r\n--b\r\nContent-Type: text/plain\r\n\r\nHelp.\r\n--b--\r\n";
    for fields in [
        "Content-Type: multipart/mixed; boundary=a\r\nContent-Type: multipart/mixed; boundary=b",
        "Content-Type: multipart/mixed; boundary=a; boundary=b",
        "Content-Type: multipart/mixed; boundary=a\r\nContent-Transfer-Encoding: base64",
        "Content-Type: text/plain; charset=utf-8; charset=utf-7\r\nContent-Transfer-Encoding: odd",
    ] {
        is_served(raw(fields, body));
    }
    // Nor does a second From make anybody of the staff out of a stranger.
    let twice = String::from_utf8(raw("Subject: x", b"#close\r\n")).unwrap();
    let twice = twice.replace("To: support", &format!("From: {ANNA}\r\nTo: support"));
    let mut office = survives(twice.into_bytes());
    assert!(office.ticket(1).requester.address.is_empty());
}

#[test]
fn e10_one_bad_mail_of_eighty_holds_up_no_other() {
    let mut office = Office::new();
    let arrival = |n: u32, trouble| {
        let raw = Post::from(&format!("c{n}@acme.example")).raw(n);
        let mail = match trouble {
            Some(_) => mail::unread(&raw),
            None => mail::read(&raw),
        };
        let arrival = Arrival {
            mailbox: "support".into(),
            queue: "support".into(),
            mail: std::sync::Arc::new(mail),
            received: swiss("2026-09-07 09:00"),
            silent: false,
            cursor: None,
            trouble,
        };
        Job {
            event: Event::MailArrived(Box::new(arrival)),
            raw: Some(raw.into()),
        }
    };
    let jobs: Vec<Job> = (0..80)
        .map(|n| {
            arrival(
                n,
                (n == 40).then(|| Trouble::Unreadable("it panicked".into())),
            )
        })
        .collect();
    let now = office.now;
    let done = office.clerk.process(&jobs, now).expect("one batch");
    let opened = done.iter().filter(|d| d.fate == Fate::Opened).count();
    assert_eq!(opened, 79);
    assert_eq!(done[40].fate, Fate::Quarantined);
    assert_eq!(office.tickets().len(), 80);
    // The same batch again changes nothing.
    let again = office.clerk.process(&jobs, now).expect("one batch");
    assert!(again.iter().all(|d| d.fate == Fate::Duplicate));
    assert_eq!(office.tickets().len(), 80);
}
