//! ATTACKS.md G01: what is in a mail to security stays there.

use crate::office::*;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::ticket::ClockKind;

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
