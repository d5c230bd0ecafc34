//! `audit`, `rebuild`, `check`, `inspect`, `completions`, `man`: what an operator does beside the mail.

use super::house::{CONFIG, House, TREE, finished, mail, words};
use std::process::Command;

#[test]
fn an_audit_finds_what_was_changed_in_the_journal() {
    let house = House::new();
    house
        .run_with(&["receive", "-"], mail(1).as_bytes())
        .expect(0);
    house
        .run_with(&["receive", "-"], mail(2).as_bytes())
        .expect(0);
    let said = house.run(&["audit"]).expect(0);
    assert!(
        said.text().contains("every promise is kept"),
        "{}",
        said.text()
    );
    assert!(
        house
            .run(&["audit", "--json"])
            .expect(0)
            .objects()
            .is_empty()
    );

    let segment = house.path("state/journal/00000001.seg");
    let segment = if segment.exists() {
        segment
    } else {
        only_segment(&house)
    };
    let mut bytes = std::fs::read(&segment).expect("a segment");
    let at = find(&bytes, b"How does number 1 work").expect("the mail byte for byte");
    bytes[at] ^= 1;
    std::fs::write(&segment, bytes).expect("a segment");
    let said = house.run(&["audit", "--json"]).expect(65);
    let found = said.objects();
    assert!(!found.is_empty());
    assert!(
        found[0]["place"]
            .as_str()
            .is_some_and(|p| p.contains("journal")),
        "{found:?}"
    );
    assert!(found[0]["what"].is_string(), "{found:?}");
}

fn only_segment(house: &House) -> std::path::PathBuf {
    let journal = std::fs::read_dir(house.path("state/journal")).expect("a journal");
    let mut segments: Vec<_> = journal
        .map(|e| e.expect("an entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "seg"))
        .collect();
    segments.sort();
    segments.swap_remove(0)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|w| w == wanted)
}

#[test]
fn a_rebuild_makes_the_same_index_from_the_journal() {
    let house = House::new();
    house
        .run_with(&["receive", "-"], mail(1).as_bytes())
        .expect(0);
    let before = house.run(&["list", "--json"]).expect(0).out;
    let said = house.run(&["rebuild"]).expect(0);
    assert!(said.text().contains("records"), "{}", said.text());
    assert!(house.path("state/index.aside").exists());
    assert_eq!(house.run(&["list", "--json"]).expect(0).out, before);

    std::fs::remove_dir_all(house.path("state/index")).expect("the index");
    house.run(&["rebuild"]).expect(0);
    assert_eq!(house.run(&["list", "--json"]).expect(0).out, before);
}

#[test]
fn nothing_is_rebuilt_beside_a_daemon_or_without_a_journal() {
    let house = House::new();
    let said = house.run(&["rebuild"]).expect(65);
    assert!(said.err.contains("no journal"), "{}", said.err);
    let daemon = house.daemon();
    let said = house.run(&["rebuild"]).expect(75);
    assert!(
        said.err.contains("in use by another ticketd"),
        "{}",
        said.err
    );
    assert!(said.err.contains("systemctl stop ticketd"), "{}", said.err);
    assert!(
        house
            .run(&["audit"])
            .expect(0)
            .text()
            .contains("every promise")
    );
    assert!(daemon.end().success());
}

/// A machine without a configuration: the shipped rules and contract serve.
fn bare(arguments: &[&str]) -> super::house::Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ticketd"));
    command.args(arguments);
    finished(command, b"")
}

#[test]
fn a_mail_is_judged_without_a_configuration() {
    let house = House::new();
    let file = house.write("down.eml", "From: mia@acme.example\nTo: support@desk.example\nSubject: Production is down\nMessage-ID: <a@acme.example>\nDate: Mon, 23 Nov 2026 09:00:00 +0100\n\nPROD is down since 9.\n");
    let seen = bare(&["inspect", "--json", words(&file)])
        .expect(0)
        .objects();
    assert_eq!(seen[0]["verdict"]["severity"], 1, "{}", seen[0]["verdict"]);
    assert_eq!(
        seen[0]["verdict"]["queue"], "support",
        "{}",
        seen[0]["verdict"]
    );
    assert!(
        seen[0]["verdict"]["reasons"]
            .as_array()
            .is_some_and(|r| !r.is_empty())
    );
    assert_eq!(seen[0]["trust"], "unknown");
    bare(&[
        "deadline",
        "--plan",
        "extended-sla",
        "--severity",
        "2",
        "--from",
        "2026-03-27T16:40+01:00",
    ])
    .expect(0);
    bare(&["contract", "show"]).expect(0);
    bare(&["rules", "test", words(&file)]).expect(0);
}

#[test]
fn a_mail_is_judged_by_the_configured_server_and_rules() {
    let house =
        House::with(&CONFIG.replace("domain =", "authserv_id = \"mx.desk.example\"\ndomain ="));
    let file = house.write("a.eml", "Authentication-Results: mx.desk.example; dmarc=pass header.from=acme.example\nFrom: mia@acme.example\nTo: support@desk.example\nSubject: Hello\nMessage-ID: <a@acme.example>\nDate: Mon, 23 Nov 2026 09:00:00 +0100\n\nHello.\n");
    let seen = house
        .run(&["inspect", "--json", words(&file)])
        .expect(0)
        .objects();
    assert_eq!(seen[0]["trust"], "aligned", "{}", seen[0]);
}

#[test]
fn a_configuration_that_is_named_must_be_there() {
    for command in [
        &["inspect", "x.eml"][..],
        &["contract", "show"],
        &["rules", "test"],
        &["list"],
        &["check"],
    ] {
        let mut arguments = vec!["--config", "/nonexistent/ticketd.toml"];
        arguments.extend(command);
        let said = bare(&arguments).expect(78);
        assert!(
            said.err.contains("/nonexistent/ticketd.toml"),
            "{}",
            said.err
        );
    }
}

#[test]
fn the_example_serves_every_command_that_needs_no_server() {
    let house = House::new();
    let example = format!("{TREE}/systemd/ticketd.toml");
    let state = house.path("elsewhere");
    let run = |arguments: &[&str]| {
        let mut all = vec!["--config", &example, "--state", words(&state)];
        all.extend(arguments);
        bare(&all)
    };
    let file = house.write("a.eml", mail(1));
    let said = run(&["check"]).expect(0);
    assert!(
        said.text().contains("3 queues, 3 mailboxes"),
        "{}",
        said.text()
    );
    run(&["receive", words(&file)]).expect(0);
    assert_eq!(run(&["list", "--json"]).expect(0).objects().len(), 1);
    run(&["show", "1"]).expect(0);
    run(&["inspect", words(&file)]).expect(0);
    run(&[
        "deadline",
        "--plan",
        "sla",
        "--severity",
        "1",
        "--from",
        "2026-03-27T16:40+01:00",
    ]);
    run(&["contract", "show"]).expect(0);
    run(&["rules", "test"]).expect(0);
    run(&["status"]).expect(2);
}

#[test]
fn completions_and_man_pages_come_from_the_command_line() {
    let house = House::new();
    let bash = bare(&["completions", "bash"]).expect(0);
    assert!(bash.text().contains("quarantine"));
    let folder = house.path("man");
    bare(&["man", words(&folder)]).expect(0);
    let page = std::fs::read_to_string(folder.join("ticketd-receive.1")).expect("a page");
    assert!(page.contains("received\\-at") || page.contains("received-at"));
}

#[test]
fn the_demo_prints_its_fixed_list_of_checks() {
    let house = House::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ticketd"));
    command
        .args(["demo", "--fast", "--json"])
        .env("TMPDIR", house.path(""));
    let checks = finished(command, b"").expect(0).objects();
    assert_eq!(checks.len(), 10);
    for check in &checks {
        assert!(
            check["check"].is_string() && check["holds"] == true,
            "{check}"
        );
        assert_eq!(check["expected"], check["found"], "{check}");
    }
}

#[test]
fn an_escalation_address_of_the_staff_is_a_loop() {
    let links = "[links]\nescalation_address = \"anna@vendor.example\"\n[outgoing]";
    let house = House::with(&CONFIG.replace("[outgoing]", links));
    let said = house.run(&["check"]).expect(78).err;
    assert!(said.contains("anna@vendor.example"), "{said}");
}
