//! C3.5, C10.5: `#open`, by mail and from a shell.

use super::*;
use ticketd::contract::plan::Channel;
use ticketd::desk::record::{EntryKind, Fate};
use ticketd::desk::ticket::{SeverityBy, State};

fn opens(office: &mut Office, who: &str, body: &str) -> ticketd::clerk::Done {
    office.receives(Post::from(who).subject("Call of the bakery").body(body))
}

#[test]
fn c3_5_a_call_is_opened_by_a_mail_on_the_same_clocks() {
    let mut office = Office::new();
    office.clock_to("2026-09-07 09:30");
    let fate = opens(
        &mut office,
        ANNA,
        "#open kaethi@baeckerei-keller.example The oven is cold\n#channel phone\n#received 09:12\n#severity 2 facts\n#take\n\nShe says that it went out at night.\n",
    );
    assert_eq!(fate.fate, Fate::Opened);
    let ticket = office.ticket(1);
    assert_eq!(ticket.opened_by.as_deref(), Some("anna"));
    assert_eq!(ticket.requester.address, KAETHI);
    assert_eq!(
        (ticket.subject.as_str(), ticket.channel),
        ("The oven is cold", Some(Channel::Phone))
    );
    assert_eq!(
        (ticket.severity, ticket.assignee.as_deref()),
        (2, Some("anna"))
    );
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 11:12"));
    let ack = office.last_to(KAETHI);
    assert_eq!(ack.kind, LetterKind::Acknowledgement);
    assert!(ack.says("11:12"), "{}", ack.text());
    assert_eq!(office.letters_outside().len(), 1, "one letter says it all");
    assert!(
        !ack.raw.contains("went out at night"),
        "what staff write is not for the customer"
    );
    let said = office.last_of(ANNA, LetterKind::Transcript);
    assert!(said.says("Opened for kaethi@"), "{}", said.text());
    // The customer's answer lands here.
    office.receives(Post::from(KAETHI).answering(&ack).body("Still cold.\n"));
    assert_eq!(office.tickets().len(), 1);
    // And ours reaches them.
    office.answers(ANNA, "We come at noon.\n");
    assert_eq!(office.relays()[0].to, KAETHI);
    assert!(!office.initial(1).is_running());
}

#[test]
fn c6_4_what_a_caller_says_of_the_severity_counts_as_in_a_mail() {
    let mut office = Office::new();
    let call = "open kaethi@baeckerei-keller.example The oven\n#channel phone";
    for (said, expect) in [
        ("Severity: 1\nIt burns.", (1, SeverityBy::Customer)),
        ("Production is down.", (1, SeverityBy::Rules)),
        ("Call her.", (3, SeverityBy::Rules)),
        ("", (3, SeverityBy::Rules)),
    ] {
        shell(&mut office, "operator", 0, &format!("{call}\n\n{said}"));
        let ticket = office.tickets().pop().expect("a ticket");
        assert_eq!((ticket.severity, ticket.severity_by), expect, "{said}");
    }
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 10:00"));
    opens(
        &mut office,
        ANNA,
        "#open kaethi@baeckerei-keller.example The oven\n#channel phone\n\nSeverity: 2\nShe says that it went out.\n",
    );
    assert_eq!(office.ticket(5).severity, 2);
    // Staff know better.
    shell(
        &mut office,
        "operator",
        0,
        &format!("{call}\n#severity 4 a question\n\nSeverity: 1"),
    );
    let ticket = office.ticket(6);
    assert_eq!(
        (ticket.severity, ticket.severity_by),
        (4, SeverityBy::Staff)
    );
    assert_eq!(office.initial(6).deadline, swiss("2026-09-09 15:00"));
}

#[test]
fn c3_5_wrong_nothing_is_opened_and_the_sender_is_told() {
    for (body, why) in [
        ("#open the bakery\n", "names no plain address"),
        ("#open support@desk.example x\n", "is ours"),
        (
            "#open security kaethi@baeckerei-keller.example x\n",
            "may not act on queue security",
        ),
        (
            "#open kaethi@baeckerei-keller.example x\n#received 23:00\n",
            "in the future",
        ),
        (
            "#open kaethi@baeckerei-keller.example x\n#severity 7\n",
            "use 1, 2, 3 or 4",
        ),
        (
            "#open kaethi@baeckerei-keller.example x\n#sverity 2\n",
            "is unknown",
        ),
        (
            "#open kaethi@baeckerei-keller.example x\n\ntext\n#note y\n",
            "stands below",
        ),
    ] {
        let mut office = Office::new();
        opens(&mut office, ANNA, body);
        assert_eq!(office.ticket(1).state, State::Quarantined, "{body}");
        assert!(office.ticket(1).clocks.is_empty());
        assert!(office.letters_outside().is_empty(), "{body}");
        let said = office.last_of(ANNA, LetterKind::Transcript);
        assert!(said.says(why), "{body}: {}", said.text());
        assert!(said.says("#open [QUEUE] ADDRESS SUBJECT"), "the manual");
    }
}

#[test]
fn two_locks_open_a_ticket_and_one_does_not() {
    let mut office = Office::new();
    office.receives(
        Post::from(ANNA)
            .forged()
            .body("#open kaethi@baeckerei-keller.example x\n"),
    );
    assert_eq!(office.ticket(1).state, State::Quarantined);
    assert!(office.letters_outside().is_empty());
    // Who only reads, and a customer, open nothing for others.
    for who in ["eva@vendor.example", ALICE] {
        let mut office = Office::new();
        office.receives(Post::from(who).body("#open kaethi@baeckerei-keller.example x\n"));
        assert!(office.letters_to(KAETHI).is_empty(), "{who}");
        assert!(
            office.tickets().iter().all(|t| t.opened_by.is_none()),
            "{who}"
        );
    }
}

#[test]
fn a_dry_run_opens_nothing() {
    let mut office = Office::new();
    opens(
        &mut office,
        ANNA,
        "#open kaethi@baeckerei-keller.example x\n#dry-run\n",
    );
    assert!(
        office
            .tickets()
            .iter()
            .all(|t| t.opened_by.is_none() && t.clocks.is_empty())
    );
    assert!(office.letters_outside().is_empty());
    assert!(office.last_to(ANNA).mail.subject.starts_with("Only tried"));
    let said = shell(
        &mut office,
        "anna",
        0,
        "open kaethi@baeckerei-keller.example x\n#dry-run",
    );
    assert!(!said.refused && !said.changed, "{:?}", said.reply);
}

#[test]
fn c3_5_opened_from_a_shell() {
    let mut office = Office::new();
    office.clock_to("2026-09-07 09:30");
    let said = shell(
        &mut office,
        "operator",
        0,
        "open alice@acme.example Printer\n#channel chat\n#received 09:00\n#severity 1 all is down\n\nShe wrote in the chat.",
    );
    assert!(
        said.reply[0].starts_with("Opened ticket 1."),
        "{:?}",
        said.reply
    );
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 09:30"));
    assert!(office.recorded(1, "She wrote in the chat."));
    assert_eq!(office.last_to(ALICE).kind, LetterKind::Acknowledgement);
    assert!(office.last_to(BEAT).says("She wrote in the chat."));
    let said = shell(&mut office, "dario", 0, "open alice@acme.example Printer");
    assert!(said.refused, "{:?}", said.reply);
    shell(
        &mut office,
        "dario",
        0,
        "open security rita@elsewhere.example A hole",
    );
    assert_eq!(office.ticket(2).queue, "security");
    assert_eq!(office.count(2, EntryKind::Command), 1);
}

#[test]
fn open_in_an_answer_is_out_of_place() {
    let mut office = bakery(3);
    refused(
        &mut office,
        ANNA,
        "#open alice@acme.example x\n",
        "a mail of its own",
    );
}

#[test]
fn a_command_that_answers_no_letter_is_answered_with_the_manual() {
    for command in ["#help", "#close done", "#note she is tiresome"] {
        let mut office = bakery(3);
        let told = office.letters().len();
        let post = Post::from(ANNA)
            .subject("Oven")
            .body(&format!("{command}\n"));
        assert_eq!(office.receives(post).fate, Fate::Quarantined, "{command}");
        assert_eq!(office.letters().len(), told + 1, "{command}");
        assert!(office.recorded(2, "Not acknowledged: these are commands of anna"));
        let said = office.last_of(ANNA, LetterKind::Transcript);
        assert!(
            said.says("answers no letter about a ticket"),
            "{}",
            said.text()
        );
        assert!(
            said.says("#severity [corrected] 1|2|3|4 REASON"),
            "the manual"
        );
        assert_eq!(office.ticket(1).state, State::New, "{command}");
    }
    // What only looks like one is a colleague's own request.
    let mut office = bakery(3);
    let post = Post::from(ANNA)
        .subject("Oven")
        .body("#12 is cold too, please look.\n");
    assert_eq!(office.receives(post).fate, Fate::Opened);
}

/// One mail in the file that a machine seemed to write, at nine.
fn with_filed() -> Office {
    let mut office = Office::new();
    let post = Post::from(KAETHI).with("Auto-Submitted: auto-replied");
    let fate = office.receives(post.body("Severity: 2\nI am here, and the oven is cold.\n"));
    assert_eq!(fate.fate, Fate::Filed);
    office.clock_to("2026-09-07 10:00");
    office
}

#[test]
fn c10_5_a_human_among_filed_mail_is_brought_back_with_its_own_receipt() {
    let mut office = with_filed();
    let said = shell(&mut office, "anna", 0, "human 1");
    assert!(!said.refused, "{:?}", said.reply);
    let ticket = office.ticket(1);
    assert_eq!(
        (ticket.received, ticket.severity),
        (swiss("2026-09-07 09:00"), 2)
    );
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 11:00"));
    assert_eq!(office.last_to(KAETHI).kind, LetterKind::Acknowledgement);
    assert!(office.last_to(BEAT).says("the oven is cold"));
    let filed = office.entries(0);
    assert!(
        filed[0]
            .text
            .starts_with("Brought back by anna as ticket 1."),
        "{}",
        filed[0].text
    );
    // Once.
    let said = shell(&mut office, "anna", 0, "human 1");
    assert!(
        said.refused && said.reply[0].contains("as ticket 1"),
        "{:?}",
        said.reply
    );
    assert_eq!(office.tickets().len(), 1);
    let findings = ticketd::store::audit::audit(&office.reader()).expect("an audit");
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn c10_5_the_same_by_a_mail_of_its_own() {
    let mut office = with_filed();
    office.receives(Post::from(ANNA).body("#human 1\n"));
    assert_eq!(office.ticket(1).requester.address, KAETHI);
    let said = office.last_of(ANNA, LetterKind::Transcript);
    assert!(
        said.says("Brought back by anna as ticket 1"),
        "{}",
        said.text()
    );
    assert_eq!(office.entries(0).len(), 2, "the command's mail is filed");
    // The customer's later mail finds its ticket, and so do we.
    let ack = office.last_to(KAETHI);
    office.receives(Post::from(KAETHI).answering(&ack).body("Still cold.\n"));
    assert_eq!(office.tickets().len(), 1);
    let findings = ticketd::store::audit::audit(&office.reader()).expect("an audit");
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn c10_5_what_is_not_in_the_file_is_not_brought_back() {
    for (by, line) in [
        ("anna", "human 2"),
        ("anna", "human it"),
        ("dario", "human 1"),
        ("eva", "human 1"),
        ("anna", "human 1\n#close x"),
    ] {
        let mut office = with_filed();
        let said = shell(&mut office, by, 0, line);
        assert!(said.refused, "{by} {line}: {:?}", said.reply);
        assert!(office.tickets().is_empty());
    }
    let mut office = with_filed();
    office.receives(Post::from(ANNA).body("#human 7\n"));
    assert!(
        office
            .last_to(ANNA)
            .says("the file has no automatic mail 7")
    );
    office.receives(Post::from(ANNA).body("#human 1\n\nDear customer\n"));
    assert!(office.last_to(ANNA).says("stands alone"));
    assert!(office.letters_outside().is_empty());
}

/// Without a subject of its own it has the mail's, and its letters have the language of what the customer wants.
#[test]
fn c3_5_what_the_command_leaves_out_the_mail_says() {
    let mut office = Office::new();
    let post = Post::from(ANNA).subject("Der Ofen ist kalt");
    office.receives(post.body(&format!(
        "#open {STRANGER}\n\nSie sagt, der Ofen sei seit gestern kalt, und niemand wisse, warum das so ist.\n"
    )));
    let ticket = office.ticket(1);
    assert_eq!(ticket.subject, "Der Ofen ist kalt");
    assert_eq!(ticket.language, ticketd::mail::Language::De);
}

/// What only looks like a command, and what a mail does by itself, is a colleague's own request.
#[test]
fn a_word_with_a_hash_is_no_command_of_a_mail() {
    for line in ["#reply to what I asked", "#oven"] {
        let mut office = bakery(3);
        let post = Post::from(ANNA).subject("Oven").body(&format!("{line}\n"));
        assert_eq!(office.receives(post).fate, Fate::Opened, "{line}");
    }
}
