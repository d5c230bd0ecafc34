//! ATTACKS.md G01: what is in a mail to security stays there.

use crate::office::*;
use ticketd::desk::event::Movement;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::ticket::ClockKind;
use ticketd::mail;

fn report() -> Post {
    Post::from("\"Canary Name\" <canary@canary.example>")
        .to("security@desk.example")
        .subject("Canary subject")
        .id("canary@canary.example")
        .body("Canary body: production is down, severity 1.\n")
        .with_file("text/plain", "canary.txt", "canary file")
}

fn no_canary(text: &str, what: &str) {
    assert!(!text.to_lowercase().contains("canary"), "{what}: {text}");
}

#[test]
fn g01_nothing_of_a_report_leaves_but_the_answer() {
    let mut office = Office::new();
    let mut told = vec![office.receives(report()).because];
    office.clock_to("2026-09-30 12:00");
    told.push(
        office
            .receives(
                report()
                    .referring("canary@canary.example")
                    .id("two@canary.example"),
            )
            .because,
    );
    office.command(1, "severity 2 facts");
    for letter in office.letters() {
        let mut raw = letter.raw.clone();
        if letter.to == "canary@canary.example" {
            raw = raw
                .replace("canary@canary.example", "")
                .replace("canary.example", "");
            no_canary(&raw, "a letter to the reporter");
        } else {
            assert!(
                [DARIO, CARLA].contains(&letter.to.as_str()),
                "{}",
                letter.to
            );
            no_canary(&raw, "a letter to security's people");
        }
    }
    for because in told {
        no_canary(&because, "the log");
    }
    assert!(office.letters_to(ANNA).is_empty() && office.letters_to(BEAT).is_empty());
}

#[test]
fn g01_neither_rules_nor_machines_nor_forgers_tell_the_log() {
    let rule = "[[rule]]\nbecause = \"odd\"\nsaid = ['\\bcanary-quarantine\\b']\nquarantine = true\nmatches = [\"canary-quarantine\"]\n[[rule]]\nbecause = \"odd\"\nsaid = ['\\bcanary-file\\b']\nfile = true\nmatches = [\"canary-file\"]\n";
    let mut office = Office::under(policy_with(|_, text| text, rule));
    for post in [
        report().body("canary-quarantine\n"),
        report().body("canary-file\n"),
        report().with("Auto-Submitted: canary"),
        report().subject("Out of office: canary"),
        report().stamped("mx.desk.example; dmarc=canary"),
        Post::from(DARIO)
            .to("security@desk.example")
            .stamped("mx.desk.example; auth=pass smtp.auth=canary")
            .body("canary\n"),
        Post::from(DARIO)
            .to("security@desk.example")
            .stamped("mx.desk.example; dmarc=canary")
            .body("canary\n"),
    ] {
        let done = office.receives(post);
        no_canary(&done.because, "the log");
    }
    for letter in office.letters() {
        if letter.to != "canary@canary.example" {
            no_canary(&letter.raw, "a letter");
        }
    }
}

#[test]
fn g01_warnings_and_transcripts_of_a_report_say_number_and_age_only() {
    let mut office = Office::new();
    let canary = |name: &str, text: String| {
        if name == "customers.toml" {
            text.replace("ACME AG", "Canary AG")
        } else {
            text
        }
    };
    office.goes_by(policy_with(canary, ""));
    office.receives(
        Post::from(ALICE)
            .to("security@desk.example")
            .subject("Canary")
            .body("Severity: 1\nCanary\n"),
    );
    office.clock_to("2026-09-07 12:00");
    assert!(
        office
            .letters_to(DARIO)
            .iter()
            .any(|l| l.kind == LetterKind::Breach)
    );
    office.answers(DARIO, "#severity 2 facts\nThank you.\n");
    office.receives(
        Post::from(ALICE)
            .to("security@desk.example, hi@desk.example")
            .subject("Canary again")
            .body("I want to escalate.\n"),
    );
    for letter in office.letters() {
        if letter.kind == LetterKind::Relay {
            continue;
        }
        no_canary(&letter.raw, "a letter");
        if letter.to != ALICE {
            assert!(!letter.raw.contains("alice@"), "{}", letter.raw);
        }
    }
}

#[test]
fn g01_who_cannot_be_answered_is_named_in_the_record_alone() {
    let mut office = Office::new();
    office.courier = false;
    office.receives(report());
    let acknowledged = office.last_to("canary@canary.example").place;
    let words = "550 5.1.1 <canary@canary.example>: unknown";
    office.moves(acknowledged, Movement::Refused(words.into()));
    assert!(office.recorded(1, words));
    let told = office.last_to(DARIO);
    assert!(told.says("did not reach the reporter"), "{}", told.raw);
    no_canary(&told.raw, "the word of it");
}

#[test]
fn g01_an_account_manager_outside_security_hears_nothing_of_it() {
    let mut office = Office::new();
    let tam = |name: &str, text: String| {
        if name == "customers.toml" {
            text.replace("tam = \"carla\"", "tam = \"anna\"")
        } else {
            text
        }
    };
    office.goes_by(policy_with(tam, ""));
    office.receives(
        Post::from(ALICE)
            .to("security@desk.example, hi@desk.example")
            .body("Severity: 1\nEscalate this, please.\n"),
    );
    office.clock_to("2026-09-08 12:00");
    assert!(
        office
            .clock(1, ClockKind::InitialResponse)
            .breached
            .is_some()
    );
    assert!(office.letters_to(ANNA).is_empty());
}

#[test]
fn g01_the_review_pack_of_an_account_manager_in_security_says_numbers_only() {
    let mut office = Office::new();
    let post = report().by(ALICE);
    office.receives(post);
    office.clock_to("2026-09-14 09:00");
    let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
    let day: chrono::NaiveDate = "2026-08-31".parse().expect("a day");
    let span = (swiss("2026-08-31 00:00"), swiss("2026-09-14 00:00"));
    let pack = |id: &str| {
        let person = policy.book.staff.by_id(id);
        let pack = reader.pack(&policy, person, "acme", span, day, now);
        format!(
            "{:?}",
            ticketd::desk::review::content(&policy, &pack.expect("a pack"))
        )
    };
    let told = pack("carla");
    assert!(
        told.contains("#1 Mon 07.09.2026") && told.contains("#1 severity"),
        "{told}"
    );
    no_canary(&told, "the pack");
    assert!(!pack("anna").contains("#1"));
}

#[test]
fn a_report_in_supports_mailbox_moves_to_security_content_free() {
    let mut office = Office::new();
    let post = Post::from(STRANGER)
        .subject("Canary")
        .body("I found a vulnerability in your login page: canary\n");
    let done = office.receives(post);
    assert_eq!(office.ticket(1).queue, "security");
    no_canary(&done.because, "the log");
    assert!(office.letters_to(ANNA).is_empty());
    assert_eq!(office.last_to(DARIO).kind, LetterKind::Notice);
    no_canary(&office.last_to(DARIO).raw, "the notice");
}

#[test]
fn an_answer_of_security_that_comes_by_supports_mailbox_is_not_shown_to_support() {
    let mut office = Office::new();
    office.receives(report());
    let notice = office.last_to(DARIO);
    // Not authenticated, and sent to the wrong mailbox.
    office.receives(
        Post::from(DARIO)
            .referring(&notice.id)
            .forged()
            .body("Canary details.\n"),
    );
    assert!(office.letters_to(ANNA).is_empty());
    assert_eq!(office.ticket(2).queue, "security");
}

const SEALED: &str =
    "-----BEGIN PGP MESSAGE-----\n\nhQEMA0canary+/==\n=abcd\n-----END PGP MESSAGE-----\n";

/// A report as PGP/MIME, as S/MIME and as armour in the text.
fn sealed() -> [Post; 3] {
    let report = || {
        Post::from(STRANGER)
            .to("security@desk.example")
            .subject("Canary")
    };
    let pgp = format!(
        "--p\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--p\nContent-Type: application/octet-stream; name=\"encrypted.asc\"\n\n{SEALED}\n--p--\n"
    );
    [
        report()
            .with("MIME-Version: 1.0")
            .with("Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=p")
            .body(&pgp),
        report()
            .with("MIME-Version: 1.0")
            .with("Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m")
            .with("Content-Transfer-Encoding: base64")
            .body("MIIBcanary+/\n"),
        report().body(SEALED),
    ]
}

#[test]
fn g02_an_encrypted_report_reaches_its_people_whole_and_stays_so_on_record() {
    for post in sealed() {
        let mut office = Office::new();
        let raw = post.clone().id("x@elsewhere.example").raw(1);
        office.takes("security", raw.clone());
        let first = office.entries(1)[0].place;
        let kept = office.reader().bytes(first).unwrap().unwrap();
        assert_eq!(kept, raw, "byte for byte");
        for staff in [DARIO, CARLA] {
            let notice = office.last_to(staff);
            let enclosed = notice.raw.split("Content-Type: message/rfc822").nth(1);
            let enclosed = enclosed.expect("enclosed as a mail");
            assert!(
                enclosed.contains(std::str::from_utf8(&raw).unwrap()),
                "untouched"
            );
            assert!(!notice.text().contains("canary"), "not quoted");
            assert_eq!(notice.mail.attachments[0].name, "report-1.eml");
        }
        assert!(office.letters_to(ANNA).is_empty() && office.letters_to(BEAT).is_empty());
        no_canary(&office.letters_to(STRANGER)[0].raw, "the acknowledgement");
    }
}

#[test]
fn a_report_in_the_clear_is_enclosed_only_where_that_is_wished() {
    let mut office = Office::new();
    office.receives(report());
    assert!(office.last_to(DARIO).mail.attachments.is_empty());
    let mut policy = policy();
    policy.security.attach = true;
    let mut office = Office::under(policy);
    office.receives(report());
    assert!(office.last_to(DARIO).raw.contains("Canary body"));
    assert!(office.letters_to(ANNA).is_empty());
    // Of support's mail nothing is enclosed.
    office.receives(Post::from(ALICE));
    assert!(office.last_to(ANNA).mail.attachments.is_empty());
}

#[test]
fn g02_an_encrypted_answer_is_relayed_as_it_is() {
    let [pgp, smime, inline] = sealed();
    for (post, whole) in [
        (pgp, "hQEMA0canary+/=="),
        (inline, "hQEMA0canary+/=="),
        (smime, "MIIBcanary+/"),
    ] {
        let mut office = Office::new();
        office.receives(report());
        let notice = office.last_to(DARIO);
        let answer = post.answering(&notice).by(DARIO);
        office.receives(answer);
        let relay = office.relays().pop().expect("relayed");
        assert_eq!(relay.to, "canary@canary.example");
        let files = relay.mail.attachments.iter();
        let mut contents = files.map(|a| mail::parse::part_content(relay.raw.as_bytes(), a.part));
        let decoded = data_encoding::BASE64
            .decode(whole.as_bytes())
            .unwrap_or_default();
        let kept = |content: Vec<u8>| {
            content == decoded || String::from_utf8_lossy(&content).contains(whole)
        };
        assert!(
            relay.text().contains(whole) || contents.any(kept),
            "{}",
            relay.raw
        );
        assert!(!office.initial(1).is_running());
    }
}

/// C4.4: a reply without a text of its own is no answer, whatever the mail that it quotes or encloses is.
#[test]
fn c4_4_an_encrypted_mail_that_is_only_quoted_is_no_answer() {
    let marked: String = SEALED.lines().map(|l| format!("> {l}\n")).collect();
    let enclosed = format!("Subject: Canary\n\n{SEALED}");
    for body in [
        marked.clone(),
        format!("On Mon, 7 Sep 2026 at 09:00, Canary <canary@canary.example> wrote:\n\n{marked}"),
        format!("On Mon, 7 Sep 2026 at 09:00, Canary <canary@canary.example> wrote:\n\n{SEALED}"),
        format!("\n{marked}\n-- \nDario\n"),
        format!(
            "-----Original Message-----\nFrom: Canary <canary@canary.example>\nSent: Monday, 7 September 2026 09:00\nTo: security@desk.example\nSubject: Canary\n\n{SEALED}"
        ),
    ] {
        let mut office = Office::new();
        office.receives(report());
        office.answers(DARIO, &body);
        assert!(office.relays().is_empty(), "{body}");
        assert!(office.initial(1).is_running(), "{body}");
        let said = office.last_of(DARIO, LetterKind::Transcript);
        assert!(said.says("no text of your own"), "{}", said.text());
    }
    let mut office = Office::new();
    office.receives(report());
    let notice = office.last_to(DARIO);
    let post = Post::from(DARIO).answering(&notice).body(&enclosed);
    office.receives(post.with("MIME-Version: 1.0\r\nContent-Type: message/rfc822"));
    assert!(office.relays().is_empty() && office.initial(1).is_running());
    // Below words of his own it stays behind as any quotation, and above it, what he encrypted himself goes out alone.
    for (own, goes) in [
        ("Thank you, we look into it.\n", "Thank you"),
        (
            &SEALED.replace("canary", "answer"),
            "-----BEGIN PGP MESSAGE-----\n\nhQEMA0answer+/==\n=abcd\n-----END PGP MESSAGE-----",
        ),
        (
            &format!("Dear reporter\n\n{}", SEALED.replace("canary", "answer")),
            "Dear reporter\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA0answer+/==\n=abcd\n-----END",
        ),
        (
            &SEALED.replace(
                "\n\nhQEMA0canary",
                "\nVersion: GnuPG v2\nComment: From: a@b.example\n\nhQEMA0answer",
            ),
            "Version: GnuPG v2\nComment: From: a@b.example\n\nhQEMA0answer+/==",
        ),
    ] {
        let mut office = Office::new();
        office.receives(report());
        office.answers(
            DARIO,
            &format!("{own}\nOn Mon, 7 Sep 2026 at 09:00, Canary wrote:\n{marked}"),
        );
        let relay = office.relays().pop().expect("relayed");
        assert!(relay.text().contains(goes), "{}", relay.text());
        assert!(!relay.text().contains("A0canary"), "{}", relay.text());
        assert!(!office.initial(1).is_running());
    }
}

#[test]
fn the_acknowledgement_of_a_report_says_when_a_human_answers_and_a_clock_holds_us_to_it() {
    let mut policy = policy();
    policy.security.answer_within_hours = 24;
    let mut office = Office::under(policy);
    office.receives(report());
    let ack = office.letters_to("canary@canary.example").remove(0);
    assert!(ack.says("within 24 hours"), "{}", ack.text());
    let clock = office.initial(1);
    assert!(clock.objective.internal);
    assert_eq!(
        clock.deadline,
        swiss("2026-09-08 09:00"),
        "by day and night"
    );
    office.clock_to("2026-09-08 09:01");
    assert!(
        office
            .letters_to(DARIO)
            .iter()
            .any(|l| l.kind == LetterKind::Warning)
    );
    // A customer's promise goes before it.
    office.receives(
        Post::from(ALICE)
            .to("security@desk.example")
            .body("Severity: 1\nAll is open.\n"),
    );
    assert_eq!(office.initial(2).objective.minutes, 30);
}

#[test]
fn the_sender_of_a_mail_that_was_cut_is_told_in_both_acknowledgements() {
    for queue in ["support", "security"] {
        let mut office = Office::new();
        let post = Post::from(ALICE).to(&format!("{queue}@desk.example"));
        office.takes_cut(queue, post, 60_000_000);
        let told = office.last_of(ALICE, LetterKind::Acknowledgement);
        assert!(told.says("Your mail was too large for us"), "{}", told.raw);
    }
}

#[test]
fn the_sender_of_a_reply_that_was_cut_is_told_within_the_limits() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).body("It fails.\n"));
    let ack = office.last_of(ALICE, LetterKind::Acknowledgement);
    let reply = || {
        Post::from(ALICE)
            .answering(&ack)
            .body("The file is enclosed.\n")
    };
    office.takes_cut("support", reply(), 60_000_000);
    let told = office.last_of(ALICE, LetterKind::Change);
    assert!(
        told.says("was too large for us: only its first part"),
        "{}",
        told.raw
    );
    let notice = office.last_of(ANNA, LetterKind::Notice);
    assert!(notice.says("more than is taken"), "{}", notice.raw);
    // A machine that sends it again and again is told once a day.
    for _ in 0..3 {
        office.takes_cut("support", reply(), 60_000_000);
    }
    let letters = office.letters_to(ALICE);
    let told = letters.iter().filter(|l| l.kind == LetterKind::Change);
    assert_eq!(told.count(), 1);
    assert_eq!(office.tickets().len(), 1);
}
