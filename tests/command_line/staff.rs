//! What staff can do, from a shell: the desk's verbs as subcommands, through the daemon's socket and on the store itself.

use crate::house::*;
use serde_json::Value;

const CUSTOMER: &str = "Authentication-Results: mx.desk.example; dmarc=pass header.from=baeckerei-keller.example\r\nReceived: from x by mx.desk.example; Mon, 7 Sep 2026 09:00:00 +0200\r\nFrom: kaethi@baeckerei-keller.example\r\nTo: support@desk.example\r\nSubject: Oven\r\nMessage-ID: <oven@k.example>\r\n\r\nSeverity: 2\r\nThe oven is cold.\r\n";

/// A house with one ticket of the bakery's.
fn with_ticket() -> House {
    let house = House::new();
    house
        .run_with(&["receive", "-"], CUSTOMER.as_bytes())
        .expect(0);
    house
}

fn ticket(house: &House, id: &str) -> Value {
    house
        .run(&["show", id, "--json"])
        .expect(0)
        .objects()
        .remove(0)
}

#[test]
fn each_verb_is_a_subcommand_with_help_from_the_manual() {
    use ticketd::desk::command::{Road, VERBS};
    let house = House::new();
    for verb in VERBS.iter().filter(|v| v.road != Road::Mail) {
        let help = house.run(&[verb.name, "--help"]).expect(0);
        let flat = |s: &str| {
            s.split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .to_lowercase()
        };
        assert!(
            flat(help.text()).contains(&flat(verb.about)),
            "{}: {}",
            verb.name,
            help.text()
        );
        assert!(help.text().contains("--by") && help.text().contains("--dry-run"));
    }
}

#[test]
fn what_staff_say_is_done_and_on_record() {
    let house = with_ticket();
    house
        .run(&["assign", "1", "beat", "--by", "anna"])
        .expect(0);
    house
        .run(&["severity", "1", "3", "there", "is", "another", "oven"])
        .expect(0);
    house.run(&["channel", "1", "phone"]).expect(0);
    house.run(&["language", "1", "de"]).expect(0);
    house.run(&["escalate", "1", "urgent"]).expect(0);
    let said = house
        .run(&["reply", "1", "Try", "the", "other", "oven.", "--by", "anna"])
        .expect(0);
    assert!(
        said.text().contains("kaethi@baeckerei-keller.example"),
        "{}",
        said.text()
    );
    let ticket = ticket(&house, "1");
    assert_eq!(
        (
            &ticket["assignee"],
            &ticket["severity"],
            &ticket["language"]
        ),
        (&"beat".into(), &3.into(), &"de".into())
    );
    assert_eq!(ticket["escalations"][0]["clause"], "C7.2");
    let entries = ticket["entries"].as_array().unwrap();
    let by_anna = entries
        .iter()
        .any(|e| e["from"] == "anna" && e["text"] == "Assigned to beat.");
    assert!(by_anna, "{entries:?}");
    let relay = entries
        .iter()
        .find(|e| e["letter"]["kind"] == "relay")
        .expect("an answer");
    assert_eq!(relay["letter"]["to"], "kaethi@baeckerei-keller.example");
}

#[test]
fn a_reply_and_a_note_may_come_on_standard_input() {
    let house = with_ticket();
    house
        .run_with(&["note", "1", "-"], b"two\nlines\n")
        .expect(0);
    house
        .run_with(
            &["reply", "1", "-", "--by", "anna"],
            b"Dear customer\n\nIt is the fuse.\n",
        )
        .expect(0);
    let entries = ticket(&house, "1")["entries"].clone();
    assert!(
        entries
            .as_array()
            .unwrap()
            .iter()
            .any(|e| e["text"] == "two\nlines"),
        "{entries}"
    );
}

#[test]
fn a_call_is_opened_in_one_go() {
    let house = House::new();
    let said = house
        .run(&[
            "open",
            "kaethi@baeckerei-keller.example",
            "The",
            "oven",
            "--channel",
            "phone",
            "--received",
            "2026-03-27 16:40",
            "--severity",
            "2 it is cold",
            "--assign",
            "anna",
            "--text",
            "She called twice.",
            "--by",
            "beat",
        ])
        .expect(0);
    assert!(
        said.text().starts_with("Opened ticket 1."),
        "{}",
        said.text()
    );
    let ticket = ticket(&house, "1");
    assert_eq!(
        (&ticket["subject"], &ticket["assignee"]),
        (&"The oven".into(), &"anna".into())
    );
    assert_eq!(ticket["received"], "2026-03-27T15:40:00Z");
    // 20 minutes of Friday, 100 of Monday.
    assert_eq!(ticket["deadline"], "2026-03-30T07:40:00Z");
    house.run(&["open", "nobody", "x"]).expect(65);
    house
        .run(&[
            "open",
            "kaethi@baeckerei-keller.example",
            "x",
            "--received",
            "2199-01-01 08:00",
        ])
        .expect(65);
    assert_eq!(
        house
            .run(&["list", "--all", "--json"])
            .expect(0)
            .objects()
            .len(),
        1
    );
}

#[test]
fn tickets_are_merged_split_voided_and_reopened() {
    let house = with_ticket();
    house
        .run(&["open", "kaethi@baeckerei-keller.example", "Light"])
        .expect(0);
    house.run(&["split", "1", "1", "The", "plug"]).expect(0);
    house.run(&["merge", "1", "2", "the", "same"]).expect(0);
    let refused = house.run(&["close", "1", "x"]).expect(65);
    assert!(refused.err.contains("merged into 2"), "{}", refused.err);
    house.run(&["void", "2", "withdrawn"]).expect(65);
    house
        .run(&["void", "2", "withdrawn", "they", "found", "it"])
        .expect(0);
    assert_eq!(ticket(&house, "2")["state"], "void");
    house.run(&["reopen", "2", "it", "is", "not"]).expect(0);
    assert_eq!(ticket(&house, "2")["state"], "new");
    assert_eq!(ticket(&house, "3")["subject"], "The plug");
    house.run(&["audit"]).expect(0);
}

#[test]
fn what_may_not_be_is_bad_data_and_changes_nothing() {
    let house = with_ticket();
    let before = house.run(&["show", "1"]).expect(0).text().to_string();
    for (words, why) in [
        (
            &["severity", "1", "corrected", "3", "a joke"][..],
            "is for a manager",
        ),
        (
            &["severity", "1", "corrected", "3", "a joke", "--by", "anna"],
            "is for a manager",
        ),
        (&["take", "1"], "--by ID"),
        (&["take", "1", "--by", "zoe"], "nobody of the staff"),
        (&["take", "1", "--by", "eva"], "may not act"),
        (&["assign", "1", "dario"], "nobody of queue support"),
        (&["customer", "1", "nobody"], "use one of acme"),
        (&["received", "1", "08:00"], "staff opened"),
        (&["answered", "1", "phone", "hello"], "--by ID"),
        (&["merge", "1", "99"], "there is no ticket 99"),
        (&["reopen", "1", "x"], "a ticket that is not closed"),
        (
            &["template", "1", "gold", "--by", "anna"],
            "use consulting or end-user",
        ),
        (&["human", "0", "17"], "the file has no automatic mail 17"),
    ] {
        let said = house.run(words).expect(65);
        assert!(
            said.err.contains(why) && said.out.is_empty(),
            "{words:?}: {}",
            said.err
        );
    }
    house.run(&["severity"]).expect(64);
    house.run(&["severity", "x", "2"]).expect(64);
    assert_eq!(house.run(&["show", "1"]).expect(0).text(), before);
}

#[test]
fn a_dry_run_says_and_does_not() {
    let house = with_ticket();
    let before = house.run(&["show", "1"]).expect(0).text().to_string();
    let said = house.run(&["close", "1", "done", "--dry-run"]).expect(0);
    assert!(said.text().contains("Closed: done."), "{}", said.text());
    assert_eq!(house.run(&["show", "1"]).expect(0).text(), before);
}

#[test]
fn the_daemon_is_told_over_its_socket() {
    let house = with_ticket();
    let daemon = house.daemon();
    house.run(&["take", "1", "--by", "anna"]).expect(0);
    house
        .run(&[
            "open",
            "kaethi@baeckerei-keller.example",
            "Light",
            "--by",
            "anna",
        ])
        .expect(0);
    house.run(&["merge", "1", "2"]).expect(0);
    house.run(&["take", "1", "--by", "anna"]).expect(65);
    assert_eq!(ticket(&house, "1")["assignee"], "anna");
    assert!(daemon.end().success());
    house.run(&["audit"]).expect(0);
}

/// Over the daemon's socket: by whoever works on the queue that the ticket is in, and from then on by nobody else.
#[test]
fn a_report_is_moved_to_security_and_gone_from_the_listing() {
    let house = with_ticket();
    let daemon = house.daemon();
    let listed = || house.run(&["list", "--json"]).expect(0).objects().len();
    assert_eq!(listed(), 1);
    let moved = ["queue", "1", "security", "--by", "anna"];
    let said = house.run(&moved).expect(0);
    assert!(said.text().contains("to queue security"), "{}", said.text());
    assert_eq!(listed(), 0);
    let back = ["queue", "1", "support", "--by", "anna"];
    let said = house.run(&back).expect(65);
    assert!(
        said.err.contains("anna may not act on queue security"),
        "{}",
        said.err
    );
    let named = ["list", "--queue", "security", "--json"];
    assert_eq!(house.run(&named).expect(0).objects()[0]["id"], 1);
    assert!(daemon.end().success());
    house
        .run(&["queue", "1", "support", "--by", "carla"])
        .expect(0);
    assert_eq!(listed(), 1);
    house.run(&["audit"]).expect(0);
}
