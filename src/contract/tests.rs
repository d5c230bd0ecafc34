//! The shipped files, what is refused, and what follows from a clock.

use super::*;

fn source(file: &str, text: &str) -> Source {
    Source {
        file: file.into(),
        text: text.into(),
    }
}

const CONTRACT: &str = include_str!("../../rules/contract.toml");
const CUSTOMERS: &str = include_str!("../../rules/customers.toml");
const STAFF: &str = include_str!("../../rules/staff.toml");

fn parse(contract: &str, customers: &str, staff: &str) -> Result<Book, Vec<Diagnostic>> {
    Book::parse(
        &source("rules/contract.toml", contract),
        &source("rules/customers.toml", customers),
        &source("rules/staff.toml", staff),
    )
}

fn shipped() -> Book {
    parse(CONTRACT, CUSTOMERS, STAFF).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// `2026-03-27 16:40`, Swiss time.
fn at(text: &str) -> DateTime<Utc> {
    use chrono::{NaiveDateTime, TimeZone};
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    chrono_tz::Europe::Zurich
        .from_local_datetime(&local)
        .earliest()
        .unwrap()
        .to_utc()
}

/// A request of an address at a severity: its objective and deadline.
#[track_caller]
fn check(from: &str, severity: u8, received: &str, expect: &str) {
    let book = shipped();
    let received = at(received);
    let subscription = book.subscription(from, received);
    let objective = book.initial_response(&subscription, severity, received);
    let deadline = book.deadline(&objective, received);
    let kind = if objective.internal { "internal " } else { "" };
    assert_eq!(
        format!(
            "{} {kind}{} min of {} until {}",
            objective.clause,
            objective.minutes,
            objective.hours,
            book.local(deadline.at)
        ),
        expect
    );
}

#[test]
fn every_plan_keeps_its_word() {
    check(
        "urs@baeckerei-keller.example",
        2,
        "2026-03-27 16:40",
        "C4.1 120 min of business until Mon 30.03.2026 09:40",
    );
    check(
        "x@initech.example",
        1,
        "2026-03-27 16:40",
        "C3.2 internal 60 min of business until Mon 30.03.2026 08:40",
    );
    check(
        "stranger@elsewhere.example",
        4,
        "2026-03-27 16:40",
        "C3.2 internal 1440 min of business until Wed 01.04.2026 13:40",
    );
    check(
        "night@acme.example",
        1,
        "2026-03-29 01:50",
        "C4.1 30 min of 24x7 until Sun 29.03.2026 03:20",
    );
    check(
        "ACME.oncall@mail.example",
        3,
        "2026-03-27 18:00",
        "C4.1 480 min of extended until Mon 30.03.2026 14:00",
    );
    check(
        "m@globex.example",
        4,
        "2026-07-27 18:00",
        "C3.2 internal 1440 min of extended until Wed 29.07.2026 18:00",
    );
}

#[test]
fn a_subdomain_is_another_domain() {
    let book = shipped();
    let now = at("2026-03-27 10:00");
    let customer = |address| book.subscription(address, now).customer;
    assert_eq!(customer("a@ops.acme.example").as_deref(), Some("acme"));
    assert_eq!(customer("a@dev.acme.example"), None);
    assert_eq!(customer("a@notacme.example"), None);
    assert_eq!(customer("no address"), None);
}

/// The whole chain of a clock until the eighth repeat and one more, as `50 % Fri 27.03.2026 16:50`.
#[track_caller]
fn chain(objective: (u32, &str, bool), start: &str, desk: &str, expect: &[&str]) {
    let staff = STAFF.replace(
        "Mo-Fr 08:00-17:00; PH off\"\n\n[[person]]",
        &format!("{desk}\"\n\n[[person]]"),
    );
    let book = parse(CONTRACT, CUSTOMERS, &staff).unwrap();
    let (minutes, hours, internal) = objective;
    let objective = Objective {
        clause: "C4.1".into(),
        minutes,
        hours: hours.into(),
        internal,
    };
    let start = at(start);
    let deadline = book.deadline(&objective, start).at;
    let (mut done, mut lines) = (None, Vec::new());
    while let Some((instant, step)) = book.next_step(&objective, start, deadline, done) {
        assert!(instant >= start, "{step:?} before the start");
        let name = match step {
            Step::Percent(percent) => format!("{percent} %"),
            Step::Breach => "breach".into(),
            Step::Repeat(count) => format!("repeat {count}"),
        };
        lines.push(format!("{name} {}", book.local(instant)));
        done = Some(step);
        if lines.len() == expect.len() {
            break;
        }
    }
    assert_eq!(lines, expect);
}

const DESK: &str = "Mo-Fr 08:00-17:00; PH off";

#[test]
fn a_chain_within_a_day_goes_by_the_clock_and_then_by_the_desk() {
    chain(
        (240, "business", false),
        "2026-03-24 09:00",
        DESK,
        &[
            "50 % Tue 24.03.2026 11:00",
            "75 % Tue 24.03.2026 12:00",
            "90 % Tue 24.03.2026 12:36",
            "breach Tue 24.03.2026 13:00",
            "repeat 1 Tue 24.03.2026 14:00",
            "repeat 2 Tue 24.03.2026 15:00",
            "repeat 3 Tue 24.03.2026 16:00",
            "repeat 4 Wed 25.03.2026 08:00",
            "repeat 5 Wed 25.03.2026 09:00",
            "repeat 6 Wed 25.03.2026 10:00",
            "repeat 7 Wed 25.03.2026 11:00",
            "repeat 8 Wed 25.03.2026 12:00",
            "repeat 9 Thu 26.03.2026 12:00",
            "repeat 10 Fri 27.03.2026 12:00",
            "repeat 11 Mon 30.03.2026 08:00",
            "repeat 12 Tue 31.03.2026 08:00",
        ],
    );
}

#[test]
fn steps_of_the_night_are_told_before_the_desk_closes() {
    // Around the clock from Friday 14:00: all but the first would come when nobody is there.
    chain(
        (360, "24x7", false),
        "2026-03-27 14:00",
        DESK,
        &[
            "50 % Fri 27.03.2026 16:30",
            "75 % Fri 27.03.2026 16:30",
            "90 % Fri 27.03.2026 16:30",
            "breach Fri 27.03.2026 20:00",
            "repeat 1 Mon 30.03.2026 08:00",
            "repeat 2 Mon 30.03.2026 09:00",
        ],
    );
    // Received at night: nobody can be warned before, so the steps keep their time.
    chain(
        (60, "24x7", false),
        "2026-03-27 22:00",
        DESK,
        &[
            "50 % Fri 27.03.2026 22:30",
            "75 % Fri 27.03.2026 22:45",
            "90 % Fri 27.03.2026 22:54",
            "breach Fri 27.03.2026 23:00",
        ],
    );
    // With somebody there at night nothing is pulled.
    chain(
        (360, "24x7", false),
        "2026-03-27 14:00",
        "24/7",
        &[
            "50 % Fri 27.03.2026 17:00",
            "75 % Fri 27.03.2026 18:30",
            "90 % Fri 27.03.2026 19:24",
            "breach Fri 27.03.2026 20:00",
            "repeat 1 Fri 27.03.2026 21:00",
        ],
    );
}

#[test]
fn a_deadline_just_after_the_opening_is_told_the_evening_before() {
    // 16:40 and 30 minutes: due at 08:10, less than the lead after the opening.
    chain(
        (30, "business", false),
        "2026-03-27 16:40",
        DESK,
        &[
            "50 % Fri 27.03.2026 16:40",
            "75 % Fri 27.03.2026 16:40",
            "90 % Fri 27.03.2026 16:40",
            "breach Mon 30.03.2026 08:10",
            "repeat 1 Mon 30.03.2026 09:10",
        ],
    );
    // Due at 08:45: the lead is there in the morning, and the steps stay.
    chain(
        (60, "business", false),
        "2026-03-27 16:45",
        DESK,
        &[
            "50 % Mon 30.03.2026 08:15",
            "75 % Mon 30.03.2026 08:30",
            "90 % Mon 30.03.2026 08:39",
            "breach Mon 30.03.2026 08:45",
        ],
    );
    // Received during the night before, due soon after the opening: nobody was there to be told earlier.
    chain(
        (30, "extended", false),
        "2026-03-30 06:00",
        DESK,
        &[
            "50 % Mon 30.03.2026 07:15",
            "75 % Mon 30.03.2026 07:22:30",
            "90 % Mon 30.03.2026 07:27",
            "breach Mon 30.03.2026 07:30",
            "repeat 1 Mon 30.03.2026 08:00",
        ],
    );
}

#[test]
fn an_internal_clock_warns_to_its_end_and_never_breaches() {
    chain(
        (240, "business", true),
        "2026-03-24 09:00",
        DESK,
        &[
            "50 % Tue 24.03.2026 11:00",
            "75 % Tue 24.03.2026 12:00",
            "90 % Tue 24.03.2026 12:36",
            "100 % Tue 24.03.2026 13:00",
        ],
    );
    let book = shipped();
    let objective = book.initial_response(
        &book.subscription("x@y.example", at("2026-03-24 09:00")),
        2,
        at("2026-03-24 09:00"),
    );
    let start = at("2026-03-24 09:00");
    let end = book.expires(&objective, start);
    assert_eq!(
        book.next_step(&objective, start, end, Some(Step::Percent(100))),
        None
    );
    assert_eq!(book.credit_days(&objective, start, start, end), 0);
}

#[test]
fn steps_of_the_past_come_one_by_one_in_their_order() {
    let book = shipped();
    let objective = book.escalation(
        &book.subscription("a@acme.example", at("2026-03-24 09:00")),
        true,
        at("2026-03-24 09:00"),
    );
    assert_eq!(
        (
            objective.minutes,
            objective.hours.as_str(),
            objective.clause.as_str()
        ),
        (120, "24x7", "C7.2")
    );
    // A deadline at the start, as after a raise that came too late.
    let start = at("2026-03-24 09:00");
    let mut done = None;
    for expect in [
        Step::Percent(50),
        Step::Percent(75),
        Step::Percent(90),
        Step::Breach,
        Step::Repeat(1),
    ] {
        let (instant, step) = book.next_step(&objective, start, start, done).unwrap();
        assert_eq!(step, expect);
        assert!(instant == start || step == Step::Repeat(1));
        done = Some(step);
    }
}

#[test]
fn escalations_have_hours_of_their_own() {
    let book = shipped();
    let received = at("2026-07-24 16:00");
    let objective = |from, urgent| {
        let subscription = book.subscription(from, received);
        let objective = book.escalation(&subscription, urgent, received);
        let deadline = book.deadline(&objective, received);
        format!(
            "{} {} {}",
            objective.clause,
            objective.hours,
            book.local(deadline.at)
        )
    };
    assert_eq!(
        objective("a@acme.example", false),
        "C7.1 business Mon 27.07.2026 16:00"
    );
    assert_eq!(
        objective("a@globex.example", true),
        "C7.2 extended Fri 24.07.2026 18:00"
    );
    assert_eq!(
        objective("a@nobody.example", true),
        "C7.2 business Mon 27.07.2026 09:00"
    );
}

#[test]
fn an_escalation_is_put_in_business_days_where_it_is_whole_ones() {
    use super::within::Counted;
    let now = at("2026-12-22 12:00");
    let within = |normal: &str, hours: &str| {
        let contract = CONTRACT
            .replace("normal = \"9 h\"", &format!("normal = \"{normal}\""))
            .replace(
                "normal_hours = \"business\"",
                &format!("normal_hours = \"{hours}\""),
            );
        let book = parse(&contract, CUSTOMERS, STAFF).unwrap();
        let acme = book.subscription("a@acme.example", now);
        book.within(&book.escalation(&acme, false, now), now)
    };
    let written = |text: &str| Counted::Written(text.into());
    for (normal, hours, expected) in [
        ("9 h", "business", Within::BusinessDays(1)),
        ("18 h", "business", Within::BusinessDays(2)),
        ("12 h", "extended", Within::BusinessDays(1)),
        (
            "9 h",
            "Mo-Fr 08:00-12:00,13:00-18:00",
            Within::BusinessDays(1),
        ),
        ("4 h", "business", Within::Minutes(240, Counted::Business)),
        ("24 h", "24x7", Within::Minutes(1440, Counted::Always)),
        (
            "9 h",
            "extended",
            Within::Minutes(540, written("Mo-Fr 07:00-19:00; PH off")),
        ),
        (
            "8 h",
            "Tu,Th 08:00-16:00",
            Within::Minutes(480, written("Tu,Th 08:00-16:00")),
        ),
        (
            "9 h",
            "Mo-Sa 08:00-17:00",
            Within::Minutes(540, written("Mo-Sa 08:00-17:00")),
        ),
    ] {
        assert_eq!(within(normal, hours), expected, "{normal} of {hours}");
    }
}

#[test]
fn credits_are_full_quarters_of_support_hours() {
    let book = shipped();
    let objective = Objective {
        clause: "C4.1".into(),
        minutes: 60,
        hours: "business".into(),
        internal: false,
    };
    let deadline = at("2026-03-27 16:50");
    let started = at("2026-03-27 15:50");
    let days = |until: DateTime<Utc>| book.credit_days(&objective, started, deadline, until);
    let monday = at("2026-03-30 08:00");
    let secs = chrono::TimeDelta::seconds;
    assert_eq!(days(deadline - secs(1)), 0);
    assert_eq!(days(at("2026-03-28 12:00")), 0);
    assert_eq!(days(monday + secs(5 * 60 - 1)), 0, "14 min 59 s");
    assert_eq!(days(monday + secs(5 * 60)), 1, "15 min");
    assert_eq!(days(at("2026-03-30 16:50")), 36);
    let wall = CONTRACT
        .replace(
            "\"support hours\"                         #",
            "\"wall clock\" #",
        )
        .replace(
            "measured_in = \"support hours\"",
            "measured_in = \"wall clock\"",
        );
    let book = parse(&wall, CUSTOMERS, STAFF).unwrap();
    assert_eq!(
        book.credit_days(&objective, started, deadline, at("2026-03-28 16:50")),
        96
    );
}

#[test]
fn what_lateness_costs_is_of_the_version_valid_at_receipt() {
    let next = CONTRACT
        .replace("valid_from = 2022-06-14", "valid_from = 2026-03-30")
        .replace("days = 1 ", "days = 5 ");
    let versions = &next[next.find("\n[[version]]").unwrap()..];
    let book = parse(&format!("{CONTRACT}\n{versions}"), CUSTOMERS, STAFF).unwrap();
    let (friday, monday) = (at("2026-03-27 16:30"), at("2026-03-30 08:30"));
    let acme = book.subscription("a@acme.example", friday);
    let objective = book.initial_response(&acme, 3, friday);
    let days = |started| book.credit_days(&objective, started, monday, at("2026-03-30 08:45"));
    let price = |started| book.price_of_waiting(&acme, &objective, started, monday);
    assert_eq!((days(friday), days(monday)), (1, 5));
    assert!(price(friday).unwrap().ends_with(": 1 day for ACME AG"));
    assert!(price(monday).unwrap().ends_with(": 5 days for ACME AG"));
}

#[test]
fn only_a_term_earns_credit() {
    let book = shipped();
    let now = at("2026-08-27 12:00");
    let earns = |from| book.earns_credit(&book.subscription(from, now), now);
    assert!(earns("a@acme.example"));
    assert!(!earns("a@initech.example"));
    assert!(!earns("a@nobody.example"));
    assert_eq!(
        book.credit_days_max(&book.subscription("a@globex.example", now), now),
        Some(90)
    );
}

#[test]
fn days_are_added_to_the_term_that_is_current_at_the_breach() {
    let ordered = |orders: &[&str]| {
        let orders: Vec<String> = orders
            .iter()
            .map(|order| format!("[[customer.subscription]]\n{order}\n"))
            .collect();
        let customer =
            "[[customer]]\nid = \"acme\"\nname = \"ACME AG\"\ndomains = [\"acme.example\"]\n";
        parse(CONTRACT, &format!("{customer}{}", orders.concat()), STAFF).unwrap()
    };
    const OLD: &str = "plan = \"extended-sla\"\nterm = { from = 2025-09-01, until = 2026-08-31 }";
    const ENDED: &str = "plan = \"extended-sla\"\nvalid_until = 2026-08-31\nterm = { from = 2025-09-01, until = 2026-08-31 }";
    const NEXT: &str = "plan = \"extended-sla\"\nvalid_from = 2026-09-01\nterm = { from = 2026-09-01, until = 2027-08-31 }";
    const OTHER: &str = "plan = \"dedicated\"\nvalid_from = 2026-09-01\nobjectives = { 1 = \"1 h\", 2 = \"1 h\", 3 = \"1 h\", 4 = \"1 h\" }\nterm = { from = 2026-09-01, until = 2027-02-28 }\ncredit_days_max = 5";
    const BESIDE: &str = "plan = \"dedicated\"\nobjectives = { 1 = \"1 h\", 2 = \"1 h\", 3 = \"1 h\", 4 = \"1 h\" }\nterm = { from = 2026-01-01, until = 2026-12-31 }";
    for (orders, breach, expected) in [
        (&[OLD][..], "2026-08-31 23:59", Some("2026-08-31")),
        (&[OLD], "2026-09-01 00:00", None),
        (&[OLD], "2025-08-31 23:59", None),
        (&[ENDED], "2026-09-07 10:00", None),
        (&[ENDED, NEXT], "2026-08-31 23:59", Some("2026-08-31")),
        (&[ENDED, NEXT], "2026-09-01 00:00", Some("2027-08-31")),
        (&[ENDED, OTHER], "2026-09-07 10:00", Some("2027-02-28")),
        (&[OLD, OTHER], "2026-09-07 10:00", Some("2027-02-28")),
        (&[OLD, OTHER], "2026-08-31 10:00", Some("2026-08-31")),
        // Another subscription, bought beside it, renews nothing.
        (&[OLD, BESIDE], "2026-09-07 10:00", None),
        (&[OLD, BESIDE], "2026-08-31 10:00", Some("2026-08-31")),
    ] {
        let book = ordered(orders);
        let subscription = Subscription {
            plan: "extended-sla".into(),
            ..book.subscription("a@acme.example", at("2026-08-31 12:00"))
        };
        let term = book.term(&subscription, at(breach));
        let until = term.map(|term| term.until.to_string());
        assert_eq!(until.as_deref(), expected, "{breach} {orders:?}");
        assert_eq!(
            book.earns_credit(&subscription, at(breach)),
            until.is_some()
        );
        let max = book.credit_days_max(&subscription, at(breach));
        assert_eq!(max, (expected == Some("2027-02-28")).then_some(5));
    }
}

#[test]
fn a_customer_may_have_several_subscriptions() {
    let book = shipped();
    let now = at("2026-08-27 12:00");
    let plan = |plan| book.subscription_of("globex", plan, now).map(|s| s.plan);
    assert_eq!(plan(None).as_deref(), Some("dedicated"));
    assert_eq!(plan(Some("extended-sla")).as_deref(), Some("extended-sla"));
    assert_eq!(plan(Some("default")), None);
    assert_eq!(book.subscription_of("nobody", None, now), None);
}

#[test]
fn an_explanation_names_what_was_not_counted() {
    let book = shipped();
    let start = at("2026-04-02 18:00");
    let subscription = book.subscription("a@baeckerei-keller.example", start);
    let mut objective = book.initial_response(&subscription, 4, start);
    assert_eq!(
        book.deadline(&objective, start).explanation,
        [
            "Objective: 24 h of business hours (Mo-Fr 08:00-17:00; PH off, Europe/Zurich), clause C4.1",
            "Received Thu 02.04.2026 18:00, outside these hours: the clock begins Tue 07.04.2026 08:00",
            "Fri 03.04.2026: Good Friday, not counted",
            "Mon 06.04.2026: Easter Monday, not counted",
            "Tue 07.04.2026 08:00-17:00: 9 h",
            "Wed 08.04.2026 08:00-17:00: 9 h",
            "Thu 09.04.2026 08:00-14:00: 6 h",
            "Deadline: Thu 09.04.2026 14:00 (Europe/Zurich)",
        ]
    );
    assert_eq!(
        book.explanation(&objective, start, at("2026-04-09 14:00")),
        book.deadline(&objective, start).explanation
    );
    let moved = book.explanation(&objective, start, at("2026-04-07 09:00"));
    assert_eq!(
        moved[1],
        "Moved by a change on the way; from its beginning alone it would be Thu 09.04.2026 14:00 (C4.5, C4.7)"
    );
    assert_eq!(
        moved.last().map(String::as_str),
        Some("Deadline: Tue 07.04.2026 09:00 (Europe/Zurich)")
    );
    objective.minutes = 200 * 60;
    let lines = book.deadline(&objective, start).explanation;
    assert!(lines.len() < 15, "{lines:#?}");
    assert!(
        lines.contains(&"Fri 10.04.2026 to Mon 04.05.2026: 17 windows, 153 h".to_string()),
        "{lines:#?}"
    );
}

#[test]
fn a_ticket_keeps_the_version_of_its_receipt() {
    let second = CONTRACT
        .split_once("\n[[version]]")
        .map(|(_, version)| format!("[[version]]{version}"))
        .unwrap()
        .replace("valid_from = 2022-06-14", "valid_from = 2026-07-01")
        .replace("Mo-Fr 08:00-17:00", "Mo-Sa 09:00-18:00")
        .replace("2 = \"2 h\", 3", "2 = \"4 h\", 3");
    let book = parse(&format!("{CONTRACT}\n{second}"), CUSTOMERS, STAFF).unwrap();
    let objective = |received: &str| {
        let received = at(received);
        let subscription = book.subscription("a@baeckerei-keller.example", received);
        book.initial_response(&subscription, 2, received)
    };
    let old = objective("2026-06-30 23:59");
    assert_eq!(
        (old.minutes, old.hours.as_str()),
        (120, "business of 2022-06-14")
    );
    let new = objective("2026-07-01 00:00");
    assert_eq!(
        (new.minutes, new.hours.as_str()),
        (240, "business of 2026-07-01")
    );
    // A clock of the old version begins again under the new one (a raise, C4.5) and is still counted in its own hours.
    let saturday = at("2026-07-04 10:00");
    assert_eq!(
        book.local(book.expires(&old, saturday)),
        "Mon 06.07.2026 10:00"
    );
    assert_eq!(
        book.local(book.expires(&new, saturday)),
        "Sat 04.07.2026 14:00"
    );
    assert_eq!(
        book.deadline(&old, saturday).explanation[0],
        "Objective: 2 h of business hours (Mo-Fr 08:00-17:00; PH off, Europe/Zurich), clause C4.1"
    );
    // Older than any version: the first.
    assert_eq!(objective("2019-01-01 00:00"), old);
}

#[test]
fn hours_may_have_a_zone_of_their_own() {
    let customers = CUSTOMERS.replace(
        "hours = \"extended\"\n",
        "hours = \"extended\"\nzone = \"America/New_York\"\n",
    );
    let book = parse(CONTRACT, &customers, STAFF).unwrap();
    let received = at("2026-07-27 09:00");
    let objective = book.initial_response(
        &book.subscription("a@globex.example", received),
        1,
        received,
    );
    assert_eq!(objective.hours, "extended in America/New_York");
    let deadline = book.deadline(&objective, received);
    assert_eq!(book.local(deadline.at), "Mon 27.07.2026 14:00");
    assert_eq!(
        deadline.explanation[0],
        "Objective: 1 h of extended hours (Mo-Fr 07:00-19:00; PH off, America/New_York), clause C4.1"
    );
}

#[track_caller]
fn on_duty(queue: &str, when: &str, expect: &str) {
    let book = shipped();
    let ids: Vec<&str> = book
        .staff
        .on_duty(queue, at(when))
        .iter()
        .map(|p| p.id.as_str())
        .collect();
    assert_eq!(ids.join(" "), expect, "{queue} {when}");
}

#[test]
fn the_rota_knows_absences_and_deputies() {
    on_duty("support", "2026-11-23 10:00", "anna");
    on_duty("support", "2026-11-26 10:00", "beat");
    on_duty("security", "2026-11-22 03:00", "dario");
    // Anna is away, Beat stands in.
    on_duty("support", "2026-12-21 10:00", "beat");
    // Outside the rota: everybody of the queue who is there, and never one who only reads.
    on_duty("support", "2026-11-23 20:00", "anna beat carla");
    on_duty("support", "2026-12-28 20:00", "beat carla");
    on_duty("sales", "2026-11-23 10:00", "");
    let book = shipped();
    let managers: Vec<&str> = book
        .staff
        .managers("support")
        .map(|p| p.id.as_str())
        .collect();
    assert_eq!(managers, ["carla"]);
}

/// C10.1: all of those named are warned, and nobody twice: not even who stands in for another of them.
#[test]
fn two_on_duty_are_both_on_duty_and_a_deputy_among_them_once() {
    let staff = STAFF.replace("who = [\"anna\"]", "who = [\"anna\", \"beat\"]");
    let book = parse(CONTRACT, CUSTOMERS, &staff).unwrap();
    for (when, expect) in [
        ("2026-11-23 10:00", vec!["anna", "beat"]),
        ("2026-12-21 10:00", vec!["beat"]),
    ] {
        let found = book.staff.on_duty("support", at(when));
        let ids: Vec<&str> = found.iter().map(|p| p.id.as_str()).collect();
        assert_eq!(ids, expect, "{when}");
    }
}

/// C10.1: who is told in a person's place.
#[track_caller]
fn in_place_of(staff: &str, id: &str, when: &str, expect: Option<&str>) {
    let book = parse(CONTRACT, CUSTOMERS, staff).unwrap();
    let told = book.staff.present(id, at(when)).map(|p| p.id.as_str());
    assert_eq!(told, expect, "{id} {when}");
}

#[test]
fn who_is_there_stands_for_himself_and_who_is_away_has_a_deputy() {
    in_place_of(STAFF, "anna", "2026-12-18 10:00", Some("anna"));
    in_place_of(STAFF, "anna", "2026-12-21 10:00", Some("beat"));
    in_place_of(STAFF, "anna", "2027-01-03 10:00", Some("beat"));
    in_place_of(STAFF, "anna", "2027-01-04 10:00", Some("anna"));
    in_place_of(STAFF, "carla", "2026-12-21 10:00", Some("carla"));
    in_place_of(STAFF, "nobody", "2026-12-21 10:00", None);
    // Away without a deputy: nobody.
    let alone = STAFF.replacen("deputy = \"beat\"", "", 1);
    in_place_of(&alone, "anna", "2026-12-21 10:00", None);
    // Each the other's deputy, and both away: nobody, and nobody is asked for ever.
    let both = STAFF.replacen(
        "deputy = \"anna\"",
        "deputy = \"anna\"\nabsent = [{ from = 2026-12-21, until = 2026-12-21 }]",
        1,
    );
    in_place_of(&both, "beat", "2026-12-21 10:00", None);
    // An absence of one day is one.
    in_place_of(&both, "beat", "2026-12-22 10:00", Some("beat"));
    in_place_of(&both, "anna", "2026-12-22 10:00", Some("beat"));
}

/// One change of a shipped file, and the message it gives.
#[track_caller]
fn refused(file: &str, from: &str, to: &str, expect: &str) {
    let shipped = [
        ("contract", CONTRACT),
        ("customers", CUSTOMERS),
        ("staff", STAFF),
    ];
    let texts = shipped.map(|(name, text)| {
        if name == file {
            assert!(text.contains(from), "{from} is not in {file}");
            text.replacen(from, to, 1)
        } else {
            text.to_string()
        }
    });
    let faults = match parse(&texts[0], &texts[1], &texts[2]) {
        Ok(_) => panic!("{to} was taken"),
        Err(faults) => faults,
    };
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(
        told.iter().any(|line| line.contains(expect)),
        "{expect}\n{told:#?}"
    );
    assert!(faults.iter().all(|fault| !fault.remedy.is_empty()));
}

#[test]
fn an_impossible_contract_is_refused() {
    refused(
        "contract",
        "business = \"Mo-Fr 08:00-17:00; PH off\"",
        "business = \"2021 Dec 24 08:00-12:00\"",
        "contract.toml:11: hours \"2021 Dec 24 08:00-12:00\" never open in some year; write hours that open",
    );
    refused(
        "contract",
        "3 = \"12 h\", 4 = \"24 h\" }\n\n[[version.plan]]\nid = \"dedicated\"",
        "3 = \"12 h\", 4 = \"9000 h\" }\n\n[[version.plan]]\nid = \"dedicated\"",
        "an objective of 9000 h cannot be met within a year",
    );
    refused(
        "contract",
        "objectives = { 1 = \"1 h\", 2 = \"2 h\", 3",
        "objectives = { 1 = \"1 h\", 3",
        "plan \"extended-sla\" has no objective for severity 2",
    );
    refused(
        "contract",
        "[[version]]\n",
        "[[version]]\nvalid_from = 2022-06-14\nzone = \"UTC\"\nhours = { business = \"24/7\" }\n[[version.plan]]\nid = \"default\"\nhours = \"business\"\nobjectives = { 1 = \"1 h\", 2 = \"1 h\", 3 = \"1 h\", 4 = \"1 h\" }\n[[version]]\n",
        "this version overlaps the one of line 5: both are valid from 2022-06-14",
    );
}

#[test]
fn a_time_that_some_plans_hours_cannot_meet_is_refused() {
    refused(
        "contract",
        "urgent = \"2 h\"",
        "urgent = \"2500 h\"",
        "contract.toml:59: an objective of 2500 h cannot be met within a year: \"Mo-Fr 08:00-17:00; PH off\" are open 2268 h",
    );
    refused(
        "contract",
        "{ 1 = \"1 h\", 2 = \"4 h\" }",
        "{ 1 = \"1 h\", 2 = \"2500 h\" }",
        "an objective of 2500 h cannot be met within a year",
    );
    refused(
        "customers",
        "hours = \"extended\"",
        "hours = \"Dec 24 08:00-09:00\"",
        "customers.toml:41: an objective of 2 h cannot be met within a year: \"Dec 24 08:00-09:00\" are open 1 h",
    );
}

/// A change of a shipped file that gives this one message and no other.
#[track_caller]
fn refused_alone(from: &str, to: &str, expect: &str) {
    let faults = parse(&CONTRACT.replacen(from, to, 1), CUSTOMERS, STAFF).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(told.len() == 1 && told[0].contains(expect), "{told:#?}");
}

#[test]
fn one_mistake_is_one_message() {
    let hours = "business = \"Mo-Fr 08:00-17:00; PH off\"";
    refused_alone(
        hours,
        "business = \"Mo-Fr 08:00-08:00\"",
        "contract.toml:11: \"08:00-08:00\"",
    );
    refused_alone(
        hours,
        "business = \"PH off\"",
        "contract.toml:11: hours \"PH off\" never open",
    );
    refused_alone(
        "objectives = { 1 = \"1 h\"",
        "objectives = { 1 = \"0 min\"",
        "\"0 min\" is no objective",
    );
}

#[test]
fn what_is_wrong_is_told_with_line_value_and_remedy() {
    refused(
        "contract",
        "Europe/Zurich",
        "Europe/Zürich",
        "contract.toml:7: zone \"Europe/Zürich\" is unknown; use a name",
    );
    refused(
        "contract",
        "1 = \"1 h\", 2",
        "9 = \"1 h\", 2",
        "severity \"9\" is unknown; use 1, 2, 3 or 4",
    );
    refused(
        "contract",
        "2 = \"2 h\", 3",
        "2 = \"two hours\", 3",
        "\"two hours\" is no objective; write a time such as",
    );
    refused(
        "contract",
        "easter-2",
        "easter2",
        "\"easter2\" is no day of every year",
    );
    refused(
        "contract",
        "PH off\"  # C1.1",
        "PH maybe\"  # C1.1",
        "\"maybe\" in \"PH maybe\" is not an interval of times; write HH:MM-HH:MM, or off",
    );
    refused(
        "contract",
        "id = \"default\"",
        "id = \"standard\"",
        "the version has no plan \"default\"",
    );
    refused(
        "contract",
        "[50, 75, 90]",
        "[50, 90, 75]",
        "percent 75 follows 90; write rising numbers",
    );
    refused(
        "contract",
        "lead_time_min = 30",
        "lead_time = 30",
        "warnings has no setting \"lead_time\"; use one of percent",
    );
    refused("contract", "zone =", "zone", "contract.toml:7:");
    refused(
        "customers",
        "plan = \"extended-sla\"",
        "plan = \"gold\"",
        "plan \"gold\" is unknown; use one of default, extended-sla, dedicated",
    );
    refused(
        "customers",
        "1 = \"30 min\"",
        "1 = \"29 min\"",
        "an objective of 29 min is below 30 min (C3.3)",
    );
    refused(
        "customers",
        "objectives = { 1 = \"30 min\", 2",
        "objectives = { 2",
        "the order of plan \"dedicated\" has no objective for severity 1",
    );
    refused(
        "customers",
        "\"globex.example\"",
        "\"acme.example\"",
        "\"acme.example\" of customer \"globex\" is also of customer \"acme\" (line 7)",
    );
    refused(
        "customers",
        "oncall@mail.example",
        "oncall@globex.example",
        "of customer \"acme\" lies in domain \"globex.example\" of customer \"globex\"",
    );
    refused(
        "customers",
        "\"globex.example\"",
        "\"globex\"",
        "\"globex\" is no mail domain",
    );
    refused(
        "customers",
        "tam = \"carla\"",
        "tam = \"nobody\"",
        "tam \"nobody\" is nobody of the staff; use an id of staff.toml",
    );
    refused(
        "customers",
        "language = \"gsw\"",
        "language = \"fr\"",
        "language \"fr\" is unknown; use \"de\", \"gsw\" or \"en\"",
    );
    refused(
        "customers",
        "hours = \"24x7\" ",
        "hours = \"24-7\" ",
        "\"24-7\" in \"24-7\" is not an interval of times; use business, extended, 24x7, or write",
    );
    refused(
        "customers",
        "plan = \"extended-sla\"\nterm = { from = 2026-07-01, until = 2027-06-30 }\n",
        "plan = \"dedicated\"\nobjectives = { 1 = \"1 h\", 2 = \"2 h\", 3 = \"8 h\", 4 = \"8 h\" }\n",
        "customers.toml:47: plan \"dedicated\" is subscribed twice for the same time, here and on line 38",
    );
    refused(
        "customers",
        "order = \"2026-031\"",
        "valid_from = 2026-07-01\nvalid_until = 2026-06-30",
        "customers.toml:41: the order ends on 2026-06-30, before it begins; write the last day",
    );
    refused(
        "staff",
        "role = \"manager\"",
        "role = \"security\"",
        "role \"security\" is unknown; use \"staff\" or \"manager\" with queues = [\"security\"]",
    );
    refused(
        "staff",
        "role = \"manager\"",
        "role = \"duty\"",
        "role \"duty\" is unknown; use \"staff\", and say when under [[duty]]",
    );
    refused(
        "staff",
        "from = 2026-12-21, until = 2027-01-03",
        "from = 2027-01-03, until = 2026-12-21",
        "staff.toml:14: the absence has no first and last day in their order; write { from = 2026-12-21, until = 2027-01-03 }",
    );
    refused(
        "staff",
        "role = \"manager\"",
        "role = \"staff\"",
        "staff.toml: no manager is on the staff",
    );
    refused(
        "staff",
        "deputy = \"beat\"",
        "deputy = \"eva\"",
        "staff.toml:13: \"eva\" only reads and cannot be on duty",
    );
    refused(
        "staff",
        "who = [\"anna\"]",
        "who = [\"dario\"]",
        "staff.toml:52: \"dario\" is on duty for queue \"support\" and does not work on it",
    );
    refused(
        "staff",
        "when = \"Mo-We 08:00-17:00; PH off\"",
        "when = \"Mo-We off\"",
        "staff.toml:51: hours \"Mo-We off\" never open",
    );
    refused(
        "staff",
        "who = [\"anna\"]",
        "who = [\"eva\"]",
        "\"eva\" only reads and cannot be on duty",
    );
    refused(
        "staff",
        "deputy = \"beat\"",
        "deputy = \"bert\"",
        "deputy \"bert\" is nobody of the staff",
    );
    refused(
        "staff",
        "beat@vendor.example",
        "anna@vendor.example",
        "address \"anna@vendor.example\" of \"beat\" is also of \"anna\"",
    );
}

#[test]
fn nobody_is_staff_and_customer_at_once() {
    refused(
        "customers",
        "\"initech.example\"",
        "\"vendor.example\"",
        "customer \"initech\" is known by \"anna@vendor.example\", which is an address of \"anna\" of the staff",
    );
}

#[test]
fn waiting_has_a_price_for_those_who_earn_credit() {
    let book = shipped();
    let now = at("2026-08-27 12:00");
    let price = |from| {
        let subscription = book.subscription(from, now);
        let objective = book.initial_response(&subscription, 1, now);
        book.price_of_waiting(&subscription, &objective, now, now)
    };
    assert_eq!(
        price("a@acme.example").as_deref(),
        Some("each further 15 min: 1 day for ACME AG")
    );
    assert_eq!(price("a@initech.example"), None);
    assert_eq!(price("a@nobody.example"), None);
}

#[test]
fn all_faults_are_told_at_once() {
    let contract = CONTRACT
        .replace("Europe/Zurich", "Mars/Base")
        .replace("easter-2", "easter2");
    let staff = STAFF.replace("role = \"read-only\"", "role = \"guest\"");
    let customers = CUSTOMERS.replace("language = \"en\"", "language = \"fr\"");
    let faults = parse(&contract, &customers, &staff).expect_err("three faulty files");
    assert_eq!(faults.len(), 4, "{faults:#?}");
}

#[test]
fn a_contract_without_files_still_answers() {
    let book = Book::default();
    let now = at("2026-03-27 16:40");
    let objective = book.initial_response(&book.subscription("a@b.example", now), 1, now);
    assert!(objective.internal);
    assert_eq!(
        book.local(book.deadline(&objective, now).at),
        "Mon 30.03.2026 08:40"
    );
    let nonsense = Objective {
        hours: "lunch".into(),
        minutes: u32::MAX,
        ..objective
    };
    let _ = book.deadline(&nonsense, now);
}
