//! CONTRACT.md C8, C9 and the reports: what was recorded, as it is asked for.

use crate::office::*;
use serde_json::Value;
use ticketd::ops::{credits, report, review, tickets};

impl Office {
    fn told(&mut self, ask: impl Fn(&mut Office, &mut Vec<u8>)) -> String {
        let mut out = vec![];
        ask(self, &mut out);
        String::from_utf8(out).expect("text")
    }

    fn credits(&mut self, filter: &credits::Filter) -> String {
        self.told(|office, out| {
            let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
            credits::answer(&reader, &policy, filter, now, out).expect("the ledger");
        })
    }

    fn report(&mut self, filter: &report::Filter) -> String {
        self.told(|office, out| {
            let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
            report::answer(&reader, &policy, filter, now, out).expect("a report");
        })
    }
}

fn objects(lines: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).expect("an object");
    lines.lines().map(parse).collect()
}

/// August: one in time. September: one 40 minutes late, one still waiting since eleven, one of a stranger.
fn two_months() -> Office {
    let mut office = Office::new();
    office.now = swiss("2026-08-31 09:00");
    office.receives(
        Post::from(KAETHI)
            .subject("In time")
            .body("Severity: 1\nDown.\n"),
    );
    office.clock_to("2026-08-31 09:30");
    office.answers(ANNA, "On it.\n");
    office.command(1, "close done");
    office.clock_to("2026-09-07 09:00");
    office.receives(
        Post::from(KAETHI)
            .subject("Late")
            .body("Severity: 1\nDown.\n"),
    );
    office.clock_to("2026-09-07 10:40");
    office.answers(ANNA, "Sorry.\n");
    office.command(2, "severity 1 it was");
    office.clock_to("2026-09-07 11:00");
    office.receives(
        Post::from(ALICE)
            .subject("Waiting <b>")
            .body("Severity: 2\nSlow.\n"),
    );
    office.receives(Post::from(STRANGER).subject("Who are you"));
    office.clock_to("2026-09-07 12:34");
    office
}

#[test]
fn c9_the_ledger_with_what_accrues_and_the_extended_term() {
    let mut office = two_months();
    let json = credits::Filter {
        json: true,
        ..credits::Filter::default()
    };
    let lines = objects(&office.credits(&json));
    let told: Vec<String> = lines
        .iter()
        .map(|l| {
            format!(
                "{} #{} {} {} {} {} until {}",
                l["customer"].as_str().expect("a name"),
                l["ticket"],
                l["days"],
                l["change"],
                l["standing"].as_str().expect("a word"),
                l["ended"],
                l["term_extended_until"].as_str().expect("a day"),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "acme #3 2 2 accruing null until 2027-01-02",
            "baeckerei #2 2 2 provisional \"2026-09-07T08:40:00Z\" until 2027-04-02",
            "baeckerei #2 2 0 final \"2026-09-07T08:40:00Z\" until 2027-04-02",
        ]
    );
    let csv = office.credits(&credits::Filter {
        csv: true,
        customer: Some("acme".into()),
        ..credits::Filter::default()
    });
    assert_eq!(
        csv,
        "customer,term_from,term_until,term_extended_until,ticket,entry,at,clause,deadline,ended,late_secs,days,change,standing\r\n\
         acme,2026-01-01,2026-12-31,2027-01-02,3,,2026-09-07T10:34:00Z,C4.1,2026-09-07T10:00:00Z,,2040,2,2,accruing\r\n"
    );
    let text = office.credits(&credits::Filter::default());
    assert!(
        text.contains(
            "baeckerei: term 2026-04-01 to 2027-03-31, 2 days of credit: until 2027-04-02"
        ),
        "{text}"
    );
}

#[test]
fn c9_a_cap_bounds_the_extension_of_a_term() {
    let mut office = Office::new();
    for n in 0..3 {
        office.receives(
            Post::from(GINA)
                .subject(&format!("Down {n}"))
                .body("Severity: 1\nDown.\n"),
        );
    }
    office.clock_to("2026-09-21 09:00");
    let text = office.credits(&credits::Filter::default());
    // 90 days at most on a term that ends on 30 June 2027.
    assert!(
        text.contains("270 days of credit, at most 90: until 2027-09-28"),
        "{text}"
    );
}

#[test]
fn a_report_counts_per_customer_and_month() {
    let mut office = two_months();
    let json = report::Filter {
        json: true,
        ..report::Filter::default()
    };
    let rows = objects(&office.report(&json));
    let told: Vec<String> = rows
        .iter()
        .map(|r| {
            format!(
                "{} {} {} {} {} {} {}",
                r["month"].as_str().expect("a month"),
                r["customer"],
                r["tickets"],
                r["promises"],
                r["staffed_secs"]["median"],
                r["wall_secs"]["worst"],
                r["credit_days"]
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            r#"2026-09 null {"1":0,"2":0,"3":1,"4":0} [] null null {"accruing":0,"final":0,"provisional":0}"#,
            r#"2026-09 "acme" {"1":0,"2":1,"3":0,"4":0} [{"clause":"C4.1","met":0,"missed":1,"pending":0,"severity":2,"void":0}] null null {"accruing":2,"final":0,"provisional":0}"#,
            r#"2026-08 "baeckerei" {"1":1,"2":0,"3":0,"4":0} [{"clause":"C4.1","met":1,"missed":0,"pending":0,"severity":1,"void":0}] 1800 1800 {"accruing":0,"final":0,"provisional":0}"#,
            r#"2026-09 "baeckerei" {"1":1,"2":0,"3":0,"4":0} [{"clause":"C4.1","met":0,"missed":1,"pending":0,"severity":1,"void":0}] 6000 6000 {"accruing":0,"final":0,"provisional":2}"#,
        ]
    );
    let august = report::Filter {
        month: "2026-08-01".parse().ok(),
        customer: Some("baeckerei".into()),
        csv: true,
        ..report::Filter::default()
    };
    let lines: Vec<String> = office
        .report(&august)
        .lines()
        .skip(1)
        .map(String::from)
        .collect();
    assert_eq!(
        lines,
        [
            "baeckerei,2026-08,,,1,1,0,0,0,1,1800,1800,1800,1800,1800,1800,0,0,0",
            "baeckerei,2026-08,C4.1,1,1,1,0,0,0,,,,,,,,,,"
        ]
    );
    let text = office.report(&report::Filter::default());
    assert!(
        text.contains("1 h 40 min, 1 h 40 min, 1 h 40 min"),
        "{text}"
    );
}

/// What a report says of promises: customer, and how those of each clause and severity went.
fn promises(office: &mut Office) -> Vec<String> {
    let json = report::Filter {
        json: true,
        ..report::Filter::default()
    };
    let rows = objects(&office.report(&json));
    let of_row = |row: &Value| {
        let tallies = row["promises"].as_array().expect("a list").clone();
        let told = tallies.into_iter().map(|t| {
            let number = |name: &str| (t[name].as_u64().expect("a number"), name.to_string());
            let counts = ["met", "missed", "pending", "void"].map(number);
            let counts: Vec<String> = counts
                .iter()
                .filter(|(n, _)| *n > 0)
                .map(|(n, name)| format!("{n} {name}"))
                .collect();
            let clause = t["clause"].as_str().expect("a clause");
            format!("{clause} sev {}: {}", t["severity"], counts.join(", "))
        });
        let told: Vec<String> = told.collect();
        format!("{} {}", row["customer"], told.join("; "))
    };
    rows.iter().map(of_row).collect()
}

#[test]
fn c4_5_what_was_missed_as_severity_1_is_counted_as_such_after_it_was_lowered() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body("Severity: 1\nDown.\n"));
    office.clock_to("2026-09-07 10:30");
    office.command(1, "severity 3 it works again");
    assert_eq!(
        promises(&mut office),
        ["\"baeckerei\" C4.1 sev 1: 1 missed"]
    );
    let text = office.report(&report::Filter::default());
    assert!(text.contains("#1, severity 1: Initial response"), "{text}");
    // Before the deadline it is another promise.
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body("Severity: 1\nDown.\n"));
    office.clock_to("2026-09-07 09:30");
    office.command(1, "severity 3 it works again");
    assert_eq!(
        promises(&mut office),
        ["\"baeckerei\" C4.1 sev 3: 1 pending"]
    );
}

#[test]
fn c3_6_what_was_missed_before_a_change_of_customer_is_reported_where_it_was_missed() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body("Severity: 1\nDown.\n"));
    office.clock_to("2026-09-07 10:30");
    office.command(1, "customer globex");
    assert_eq!(
        promises(&mut office),
        ["\"baeckerei\" C4.1 sev 1: 1 missed", "\"globex\" "]
    );
    let missed = |office: &mut Office, customer: &str| {
        let of_one = report::Filter {
            customer: Some(customer.into()),
            ..report::Filter::default()
        };
        office.report(&of_one).contains("#1, severity 1")
    };
    assert!(missed(&mut office, "baeckerei") && !missed(&mut office, "globex"));
}

#[test]
fn c7_2_a_withdrawn_escalation_was_not_answered() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).body("Severity: 4\nA question.\n"));
    office.command(1, "escalate urgent");
    office.clock_to("2026-09-07 09:30");
    let notice = office.last_to(CARLA);
    office.receives(
        Post::from(CARLA)
            .answering(&notice)
            .body("#escalate withdraw she called again\n"),
    );
    assert_eq!(
        promises(&mut office),
        ["\"acme\" C4.1 sev 4: 1 pending; C7.2 sev 4: 1 void"]
    );
    let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
    let mut out = vec![];
    let id = ticketd::desk::ticket::TicketId(1);
    tickets::show(&reader, &policy, id, None, true, now, &mut out).expect("a ticket");
    let shown: Value = serde_json::from_slice(&out).expect("an object");
    assert_eq!(shown["escalations"][0]["responded"], Value::Null, "{shown}");
}

#[test]
fn a_deadline_that_nobody_recorded_yet_is_missed_all_the_same() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body("Severity: 1\nDown.\n"));
    // No daemon runs.
    office.now = swiss("2026-09-07 10:30");
    let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
    let mut out = vec![];
    tickets::list(&reader, &policy, &json_list(), now, &mut out).expect("a list");
    let listed: Value = serde_json::from_slice(&out).expect("an object");
    assert_eq!(
        (&listed["breached"], &listed["credit_days"]),
        (&true.into(), &2.into())
    );
    let pack = review::Filter {
        customer: "baeckerei".into(),
        from: "2026-08-31".parse().ok(),
        ..review::Filter::default()
    };
    let mut out = vec![];
    review::answer(&reader, &policy, &pack, now, &mut out).expect("a pack");
    let text = String::from_utf8(out).expect("text");
    assert!(
        text.contains("1 missed") && text.contains("deadline missed:"),
        "{text}"
    );
}

fn json_list() -> tickets::Filter {
    tickets::Filter {
        json: true,
        ..tickets::Filter::default()
    }
}

#[test]
fn c8_2_a_report_shows_agreed_hours_against_used_ones() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    office.receives(Post::from(GINA));
    for line in [
        "time 45m tam call",
        "time 1h30m 2026-08-31 work",
        "time 20m tam mail",
    ] {
        office.command(1, line);
    }
    let filter = |json| report::Filter {
        json,
        ..report::Filter::default()
    };
    let text = office.report(&filter(false));
    for line in [
        "month    customer  account manager  agreed      other time",
        "2026-08  acme      0 min            4 h a week  1 h 30 min",
        "2026-09  acme      1 h 5 min        4 h a week  0 min",
    ] {
        assert!(text.lines().any(|l| l.trim_end() == line), "{line}\n{text}");
    }
    let rows = objects(&office.report(&filter(true)));
    let times: Vec<String> = rows.iter().map(|r| r["time"].to_string()).collect();
    assert_eq!(
        times,
        [
            r#"{"other_min":90,"tam_agreed_hours_week":4,"tam_min":0}"#,
            r#"{"other_min":0,"tam_agreed_hours_week":4,"tam_min":65}"#,
            r#"{"other_min":0,"tam_agreed_hours_week":null,"tam_min":0}"#
        ]
    );
}

#[test]
fn instants_of_a_report_are_whole_seconds() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body("Severity: 1\nDown.\n"));
    office.clock_to("2026-09-07 10:30");
    office.now += chrono::TimeDelta::milliseconds(397);
    office.command(1, "void spam nobody");
    let json = report::Filter {
        json: true,
        ..report::Filter::default()
    };
    let found = &objects(&office.report(&json))[0]["missed"][0];
    assert_eq!(
        (&found["deadline"], &found["ended"]),
        (
            &"2026-09-07T08:00:00Z".into(),
            &"2026-09-07T08:30:00Z".into()
        )
    );
}

#[test]
fn c10_3_a_report_says_of_each_missed_deadline_how_it_was_computed() {
    let mut office = two_months();
    let september = report::Filter {
        month: "2026-09-01".parse().ok(),
        customer: Some("acme".into()),
        ..report::Filter::default()
    };
    let text = office.report(&september);
    let missed = "#3, severity 2: Initial response (C4.1) due Mon 07.09.2026 12:00, still open\n  \
        Objective: 1 h of 24x7 hours (24/7, Europe/Zurich), clause C4.1\n  \
        Mon 07.09.2026 11:00-12:00: 1 h\n  \
        Deadline: Mon 07.09.2026 12:00 (Europe/Zurich)\n";
    assert!(text.ends_with(missed), "{text}");
    let json = report::Filter {
        json: true,
        ..september.clone()
    };
    let found = &objects(&office.report(&json))[0]["missed"][0];
    assert_eq!(
        (&found["ticket"], &found["ended"], &found["explanation"][1]),
        (
            &3.into(),
            &serde_json::Value::Null,
            &"Mon 07.09.2026 11:00-12:00: 1 h".into()
        )
    );
    let page = office.report(&report::Filter {
        html: Some("report.html".into()),
        ..september
    });
    assert!(
        page.contains("<details><summary>#3, severity 2: Initial response (C4.1)")
            && page.contains("<br>Mon 07.09.2026 11:00-12:00: 1 h<br>"),
        "{page}"
    );
}

#[test]
fn a_report_is_a_page_that_needs_nothing_and_trusts_nobody() {
    let bold = |name: &str, text: String| match name {
        "customers.toml" => text.replace("Bäckerei Keller GmbH", "<script>alert(1)</script> & Co"),
        _ => text,
    };
    let mut office = Office::under(policy_with(bold, ""));
    office.receives(Post::from(KAETHI).body("Severity: 1\nDown.\n"));
    office.clock_to("2026-09-07 09:30");
    office.answers(ANNA, "On it.\n");
    let page = office.report(&report::Filter {
        html: Some("report.html".into()),
        ..report::Filter::default()
    });
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co"));
    assert!(
        page.contains("<svg") && page.contains("1 met") && page.contains("0.5 h in support hours")
    );
    for outside in ["<script", "http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

/// The office's files are on record, as at a daemon's start; the text of its contract.
fn kept_files(office: &mut Office) -> String {
    let [contract, ..] = ["contract.toml", "customers.toml", "staff.toml"].map(|name| {
        let path = format!("{}/rules/{name}", env!("CARGO_MANIFEST_DIR"));
        let (text, hash) = (
            std::fs::read_to_string(path).expect("a file"),
            office.policy.book_hash,
        );
        let kept = office.clerk.store().keep_policy(name, &text, hash);
        kept.expect("kept");
        text
    });
    contract
}

#[test]
fn g01_another_contract_counts_a_confidential_ticket_and_names_none() {
    let mut office = Office::new();
    let post = Post::from(KAETHI).to("security@desk.example");
    office.receives(post.body("Severity: 1\nThe door is open.\n"));
    let shipped = kept_files(&mut office);
    let stricter = shipped.replace(
        "objectives = { 1 = \"1 h\"",
        "objectives = { 1 = \"15 min\"",
    );
    let told = office.report(&report::Filter {
        other: Some(("other.toml".into(), stricter)),
        ..report::Filter::default()
    });
    assert!(told.contains("1 of 1 tickets would differ"), "{told}");
    assert!(!told.contains("baeckerei"), "{told}");
}

#[test]
fn another_contract_is_asked_what_it_would_have_made_of_the_record() {
    let mut office = two_months();
    let shipped = kept_files(&mut office);
    let asked = |text: &str| report::Filter {
        other: Some(("other.toml".into(), text.into())),
        ..report::Filter::default()
    };
    let same = office.report(&asked(&shipped));
    assert_eq!(
        same,
        "0 of 4 tickets would differ: 0 instead of 0 breaches, 0 instead of 0 days of credit.\n"
    );
    // Half an hour instead of one for severity 1: what was 30 and 100 minutes is 0 and 70 minutes late.
    let stricter = shipped.replace(
        "objectives = { 1 = \"1 h\", 2 = \"2 h\"",
        "objectives = { 1 = \"15 min\", 2 = \"2 h\"",
    );
    let told = office.report(&asked(&stricter));
    assert!(
        told.contains(
            "2 of 4 tickets would differ: 2 instead of 1 breaches, 6 instead of 2 days of credit."
        ),
        "{told}"
    );
    // A ticket with two clocks that differ is one ticket.
    office.command(3, "escalate urgent 11:10");
    let slower = shipped.replace("quarter_min = 15", "quarter_min = 60");
    office.clock_to("2026-09-07 14:10");
    let told = office.report(&asked(&slower));
    assert!(told.contains("2 of 4 tickets would differ"), "{told}");
    let json = report::Filter {
        json: true,
        since: "2026-09-01".parse().ok(),
        ..asked(&stricter)
    };
    let differences = objects(&office.report(&json));
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0]["ticket"], 2);
    assert_eq!(differences[0]["was"]["deadline"], "2026-09-07T08:00:00Z");
    assert_eq!(
        differences[0]["would_be"]["deadline"],
        "2026-09-07T07:15:00Z"
    );
    assert_eq!(differences[0]["would_be"]["credit_days"], 5);
    assert!(
        differences[0]["how"]
            .to_string()
            .contains("15 min of business hours")
    );
    // One that cannot be read says so, with file and line.
    let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
    let broken = asked(&shipped.replace("\"1 h\"", "\"soon\""));
    let fault =
        report::answer(&reader, &policy, &broken, now, &mut vec![]).expect_err("no contract");
    assert!(format!("{fault}").contains("other.toml:"), "{fault}");
}

#[test]
fn c8_3_a_review_pack_is_asked_for_by_customer() {
    let mut office = two_months();
    let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
    let ask = |filter: &review::Filter| {
        let mut out = vec![];
        review::answer(&reader, &policy, filter, now, &mut out)
            .map(|_| String::from_utf8(out).expect("text"))
    };
    let fortnight = review::Filter {
        customer: "acme".into(),
        from: "2026-08-31".parse().ok(),
        ..review::Filter::default()
    };
    let text = ask(&fortnight).expect("a pack");
    assert!(
        text.starts_with("Review ACME AG, 2026-08-31 to 2026-09-13: 1 missed, 1 open risks"),
        "{text}"
    );
    assert!(
        text.contains("- #3 C4.1: 2 days so far, accruing: 34 min late"),
        "{text}"
    );
    let html = ask(&review::Filter {
        html: Some("x".into()),
        ..fortnight.clone()
    });
    assert!(html.expect("a page").contains("Waiting &lt;b&gt;"));
    let json = ask(&review::Filter {
        json: true,
        ..fortnight.clone()
    });
    let facts: Value = serde_json::from_str(&json.expect("facts")).expect("an object");
    assert_eq!(facts["missed"], 1);
    let unknown = ask(&review::Filter {
        customer: "nobody".into(),
        ..fortnight
    });
    assert!(format!("{}", unknown.expect_err("nobody")).contains("use one of acme, baeckerei"));
}
