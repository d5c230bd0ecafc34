//! Listings: one JSON object a line with the names of CLI.md, tables for people, and what a wrong question gets.

use super::house::{House, is_utc, mail};
use serde_json::Value;

/// A house with an urgent ticket, a plain one, a security report, and a newsletter.
fn lived_in() -> House {
    let house = House::new();
    let take = |arguments: &[&str], text: &str| {
        house.run_with(arguments, text.as_bytes()).expect(0);
    };
    take(&["receive", "-"], &mail(1));
    take(
        &["receive", "-"],
        &mail(2)
            .replace("Question 2", "Production is down")
            .replace("mia@acme.example>\r\nTo", "rita@example.org>\r\nTo"),
    );
    take(&["receive", "--queue", "security", "-"], &mail(3));
    take(&["receive", "-"], &mail(4).replace("To: ", "List-Unsubscribe: <mailto:x@news.example>\r\nList-Id: <n.news.example>\r\nPrecedence: bulk\r\nTo: "));
    house
}

#[track_caller]
fn has(object: &Value, names: &[&str]) {
    for name in names {
        assert!(object.get(name).is_some(), "{name} is missing in {object}");
    }
}

const TICKET: [&str; 18] = [
    "id",
    "subject",
    "state",
    "severity",
    "severity_by",
    "queue",
    "language",
    "customer",
    "plan",
    "requester",
    "assignee",
    "received",
    "objective",
    "deadline",
    "responded",
    "breached",
    "credit_days",
    "escalations",
];

#[test]
fn tickets_have_the_names_that_programs_rely_on() {
    let house = lived_in();
    let listed = house.run(&["list", "--json"]).expect(0).objects();
    assert_eq!(listed.len(), 2, "{listed:?}");
    for ticket in &listed {
        has(ticket, &TICKET);
        assert!(ticket.get("entries").is_none());
        assert!(
            ticket["id"].is_u64() && ticket["severity"].is_u64() && ticket["breached"].is_boolean()
        );
        assert!(is_utc(&ticket["received"]), "{ticket}");
        if !ticket["deadline"].is_null() {
            assert!(is_utc(&ticket["deadline"]), "{ticket}");
            has(&ticket["objective"], &["clause", "minutes", "hours"]);
        }
    }
    let shown = house.run(&["show", "1", "--json"]).expect(0).objects();
    assert_eq!(shown.len(), 1);
    has(&shown[0], &TICKET);
    let entries = shown[0]["entries"].as_array().expect("entries");
    assert!(entries.len() >= 2, "{entries:?}");
    for entry in entries {
        has(
            entry,
            &[
                "seq",
                "at",
                "kind",
                "direction",
                "from",
                "subject",
                "message_id",
            ],
        );
        assert!(is_utc(&entry["at"]), "{entry}");
    }
    assert_eq!(entries[0]["kind"], "mail");
    assert!(entries.iter().any(|e| e["kind"] == "letter"), "{entries:?}");
}

#[test]
fn tickets_are_listed_by_what_is_asked() {
    let house = lived_in();
    let ids = |arguments: &[&str]| {
        let mut all = vec!["list", "--json"];
        all.extend(arguments);
        let listed = house.run(&all).expect(0).objects();
        let mut ids: Vec<u64> = listed.iter().filter_map(|t| t["id"].as_u64()).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&[]), [1, 2]);
    assert_eq!(ids(&["--severity", "1"]), [2]);
    assert_eq!(ids(&["--queue", "security"]), [3]);
    assert_eq!(ids(&["--queue", "support"]), [1, 2]);
    assert_eq!(ids(&["--status", "closed"]), [] as [u64; 0]);
    assert_eq!(ids(&["--customer", "nobody"]), [] as [u64; 0]);
    house.run(&["close", "1", "done"]).expect(0);
    assert_eq!(ids(&[]), [2]);
    assert_eq!(ids(&["--all"]), [1, 2]);
    assert_eq!(ids(&["--status", "closed"]), [1]);
    let plan = house.run(&["show", "2", "--json"]).expect(0).objects()[0]["plan"].clone();
    assert_eq!(ids(&["--plan", plan.as_str().expect("a plan")]), [2]);
}

#[test]
fn the_nearest_deadline_is_on_top() {
    let house = House::new();
    house
        .run_with(
            &["receive", "--received-at", "2026-03-27T15:00:00Z", "-"],
            mail(1).as_bytes(),
        )
        .expect(0);
    house
        .run_with(
            &["receive", "--received-at", "2026-03-20T15:00:00Z", "-"],
            mail(2).as_bytes(),
        )
        .expect(0);
    let listed = house.run(&["list", "--json"]).expect(0).objects();
    let due: Vec<&str> = listed
        .iter()
        .filter_map(|t| t["deadline"].as_str().or(t["target"].as_str()))
        .collect();
    assert_eq!(due.len(), 2, "{listed:?}");
    assert!(due[0] < due[1], "{due:?}");
}

#[test]
fn what_is_late_has_its_credit_though_no_daemon_ran() {
    let house = House::new();
    let urgent = mail(1).replace("\r\n\r\n", "\r\n\r\nSeverity: 1\r\n");
    let received = ["receive", "--received-at", "2026-09-07T07:00:00Z", "-"];
    house.run_with(&received, urgent.as_bytes()).expect(0);
    let credits = house.run(&["credits", "--json"]).expect(0).objects();
    let [line] = &credits[..] else {
        panic!("{credits:?}")
    };
    assert_eq!(line["deadline"], "2026-09-07T07:30:00Z");
    assert_eq!(line["standing"], "accruing");
    assert!(line["days"].as_u64() > Some(1000), "{line}");
    let report = house.run(&["report", "--json"]).expect(0).objects();
    assert!(
        report
            .iter()
            .any(|row| row["credit_days"]["accruing"].as_u64() > Some(1000)),
        "{report:?}"
    );
}

#[test]
fn filed_and_quarantined_mail_is_found() {
    let house = lived_in();
    let filed = house
        .run(&["list", "--filed", "--json"])
        .expect(0)
        .objects();
    assert_eq!(filed.len(), 1);
    has(
        &filed[0],
        &[
            "seq",
            "at",
            "kind",
            "direction",
            "from",
            "subject",
            "message_id",
            "mail_kind",
            "kind_reason",
        ],
    );
    assert_eq!(
        (&filed[0]["kind"], &filed[0]["mail_kind"]),
        (&Value::from("filed"), &Value::from("list"))
    );
    let raw = house.run(&["show", "0", "--raw", "1"]).expect(0);
    assert!(raw.text().contains("List-Id: <n.news.example>\r\n"));
    assert!(
        house
            .run(&["list", "--quarantine", "--json"])
            .expect(0)
            .objects()
            .is_empty()
    );
    assert!(
        house
            .run(&["list", "--filed"])
            .expect(0)
            .text()
            .contains("Question 4")
    );
}

#[test]
fn letters_are_listed_and_moved() {
    let house = lived_in();
    let letters = house.run(&["outbox", "--json"]).expect(0).objects();
    assert!(!letters.is_empty());
    for letter in &letters {
        has(
            letter,
            &[
                "letter",
                "ticket",
                "seq",
                "at",
                "road",
                "kind",
                "to",
                "subject",
                "message_id",
                "attempts",
                "next_try",
                "last_error",
            ],
        );
        assert!(is_utc(&letter["at"]), "{letter}");
    }
    let name = letters[0]["letter"].as_str().expect("a name");
    house.run(&["outbox", "drop", name]).expect(0);
    assert_eq!(
        house.run(&["outbox", "--json"]).expect(0).objects().len(),
        letters.len() - 1
    );
    let said = house.run(&["outbox", "retry", "first"]).expect(64);
    assert!(said.err.contains("TICKET/ENTRY"), "{}", said.err);
    house.run(&["outbox", "retry", "999/1"]).expect(65);
}

#[test]
fn a_ticket_that_is_not_there_is_bad_data() {
    let house = lived_in();
    for question in [
        &["show", "999"][..],
        &["show", "999", "--json"],
        &["show", "1", "--raw", "99"],
        &["close", "999"],
        &["severity", "1", "9"],
        &["assign", "1", "nobody"],
    ] {
        let said = house.run(question).expect(65);
        assert!(
            said.out.is_empty() && !said.err.is_empty(),
            "{question:?}: {}",
            said.text()
        );
    }
    for wrong in [
        &["show", "x"][..],
        &["show"],
        &["lst"],
        &["list", "--severity", "x"],
        &["list", "--severity", "5"],
        &["list", "--status", "opne"],
    ] {
        house.run(wrong).expect(64);
    }
}

#[test]
fn people_read_swiss_time_and_no_colour() {
    let house = House::new();
    house
        .run_with(
            &["receive", "--received-at", "2026-03-27T15:40:00Z", "-"],
            mail(1).as_bytes(),
        )
        .expect(0);
    for listing in [&["list"][..], &["show", "1"], &["outbox"], &["status"]] {
        let said = house.run(listing);
        assert!(!said.text().contains('\u{1b}'), "{}", said.text());
    }
    let shown = house.run(&["show", "1"]).expect(0);
    assert!(shown.text().contains("16:40"), "{}", shown.text());
    assert!(house.run(&["list"]).expect(0).text().starts_with("ticket"));
}

#[test]
fn the_status_says_how_each_thing_is() {
    let house = House::new();
    let facts = house.run(&["status", "--json"]).expect(2).objects();
    let of: Vec<&str> = facts.iter().filter_map(|f| f["of"].as_str()).collect();
    assert_eq!(
        of,
        ["daemon", "mailbox support", "outbox", "deadlines", "disk"]
    );
    for fact in &facts {
        assert!(
            ["ok", "warning", "critical"].contains(&fact["level"].as_str().unwrap_or_default()),
            "{fact}"
        );
        assert!(fact["words"].is_string());
    }
}
