//! CONTRACT.md C6.5, C8.3, C10.1, C10.4, C10.5 and ATTACKS.md F03: reminders, digests, the desk's opening, review packs.

use crate::commands::shell;
use crate::office::*;
use chrono::TimeDelta;
use proptest::prelude::*;
use ticketd::contract::Step;
use ticketd::desk::event::{Event, Movement};
use ticketd::desk::letter::LetterKind;
use ticketd::desk::record::{EntryKind, Place};
use ticketd::desk::review;
use ticketd::desk::ticket::ClockKind;
use ticketd::store::audit;

const DOWN: &str = "Severity: 1\nAll is down.\n";

/// So many requests of severity 1, received together.
fn flood(requests: u32) -> Office {
    let mut office = Office::new();
    for n in 0..requests {
        office.receives(
            Post::from(KAETHI)
                .subject(&format!("Machine {n}"))
                .body(DOWN),
        );
    }
    office
}

impl Office {
    fn warnings_to(&mut self, address: &str) -> Vec<Sent> {
        let mut letters = self.letters_to(address);
        letters.retain(|l| matches!(l.kind, LetterKind::Warning | LetterKind::Breach));
        letters
    }
}

#[test]
fn c10_4_five_like_warnings_go_alone_more_go_as_one() {
    let mut office = flood(5);
    office.clock_to("2026-09-07 09:31");
    assert_eq!(office.warnings_to(ANNA).len(), 5);
    assert_eq!(office.letters_of(LetterKind::Digest), 0);

    let mut office = flood(30);
    office.clock_to("2026-09-07 09:31");
    let warnings = office.warnings_to(ANNA);
    assert_eq!(warnings.len(), 6);
    let digest = &warnings[5];
    assert!(
        digest.says("25 warnings in one letter"),
        "{}",
        digest.text()
    );
    for ticket in 6..=30 {
        let line = format!(
            "#{ticket} severity 1, Bäckerei Keller GmbH: initial response (C4.1) due Mon 07.09.2026 10:00, 30 min left"
        );
        assert!(digest.says(&line), "{line}\n{}", digest.text());
    }
    // How each was computed, to its last window (C10.3).
    for words in [
        "Objective: 1 h of business hours",
        "; Mon 07.09.2026 09:00-10:00: 1 h; Deadline:",
    ] {
        assert!(digest.says(words), "{words}\n{}", digest.text());
    }
    assert!(digest.says("each further 15 min: 1 day for Bäckerei Keller GmbH"));
    // Each step is in the record of its ticket all the same, once.
    for ticket in 1..=30 {
        assert_eq!(office.count(ticket, EntryKind::Warning), 1, "{ticket}");
    }
}

#[test]
fn c10_4_a_full_digest_goes_and_the_next_begins() {
    let mut office = flood(130);
    office.clock_to("2026-09-07 09:31");
    let sizes: Vec<String> = office
        .warnings_to(ANNA)
        .iter()
        .skip(5)
        .map(|l| l.mail.subject.clone())
        .collect();
    assert_eq!(
        sizes,
        [
            "50 warnings in one letter",
            "50 warnings in one letter",
            "25 warnings in one letter"
        ]
    );
}

#[test]
fn c10_4_a_digest_never_waits_longer_than_a_deadline_in_it() {
    // One request a minute: the tenth warning falls into the window of the first digest, and its deadline behind it.
    let mut office = Office::new();
    for n in 0..20 {
        office.clock_to(&format!("2026-09-07 09:{n:02}"));
        office.receives(
            Post::from(KAETHI)
                .subject(&format!("Machine {n}"))
                .body(DOWN),
        );
    }
    office.clock_to("2026-09-07 10:30");
    let mut told: Vec<(u32, String)> = vec![];
    for letter in office.warnings_to(ANNA) {
        for ticket in 1..=20 {
            if letter.says(&format!("#{ticket} severity 1")) {
                told.push((ticket, letter.mail.subject.clone()));
            }
        }
    }
    for ticket in 1..=20 {
        assert!(told.iter().any(|(t, _)| *t == ticket), "{ticket}: {told:?}");
    }
    // 50 %, 75 % and 90 % are three warnings each, and the breach a fourth; nobody got eighty letters.
    assert!(office.warnings_to(ANNA).len() < 40);
}

#[test]
fn c10_4_whose_deadline_was_kept_meanwhile_is_said_to_be() {
    let mut office = flood(6);
    office.courier = false;
    office.clock_to("2026-09-07 09:29");
    let notice = office.last_to(ANNA);
    assert!(notice.says("#6"));
    office.receives(Post::from(ANNA).answering(&notice).body("On it.\n"));
    office.courier = true;
    office.letters_leave();
    office.clock_to("2026-09-07 09:31");
    assert_eq!(
        office.warnings_to(ANNA).len(),
        5,
        "an answered one warns nobody"
    );
}

#[test]
fn f03_a_flood_of_replies_is_five_notices_and_a_letter_each_ten_minutes() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).id("one@k.example"));
    let before = office.initial(1);
    for n in 0..120 {
        office.receives(
            Post::from(KAETHI)
                .referring("one@k.example")
                .body(&format!("Number {n}.\n")),
        );
    }
    assert_eq!(office.initial(1), before);
    let notices = |office: &mut Office| {
        let mut letters = office.letters_to(ANNA);
        letters.retain(|l| matches!(l.kind, LetterKind::Notice | LetterKind::Digest));
        letters.len()
    };
    assert_eq!(
        notices(&mut office),
        1 + 5 + 2,
        "the request, five replies, two full digests"
    );
    office.clock_to("2026-09-07 09:10");
    assert_eq!(notices(&mut office), 1 + 5 + 3);
    let digest = office.last_to(ANNA);
    assert!(digest.says("15 replies on one ticket"), "{}", digest.text());
    // All of it is on record, and a reply of tomorrow is told at once.
    assert_eq!(office.count(1, EntryKind::Mail), 121);
    office.clock_to("2026-09-08 09:00");
    office.receives(
        Post::from(KAETHI)
            .referring("one@k.example")
            .body("Hello?\n"),
    );
    assert!(office.last_to(ANNA).says("Hello?"));
}

#[test]
fn c10_3_a_warning_that_comes_late_says_what_is_left_now() {
    let warned_at = |local: &str| {
        let mut office = Office::new();
        office.receives(Post::from(KAETHI).body(DOWN));
        // No daemon ran in between.
        office.now = swiss(local);
        let now = office.now;
        let due = office.reader().due(now, 1).expect("due steps");
        office.process(Event::DeadlineReached(due[0].clone()), None);
        office.last_of(ANNA, LetterKind::Warning)
    };
    for (local, subject, line) in [
        (
            "2026-09-07 09:30",
            "30 min left: #1",
            "Left: 30 min (50 % of the time has passed)",
        ),
        (
            "2026-09-07 09:45",
            "15 min left: #1",
            "Left: 15 min (75 % of the time has passed)",
        ),
        (
            "2026-09-07 09:59:40",
            "less than a minute left: #1",
            "Left: less than a minute (99 % of the time has passed)",
        ),
        (
            "2026-09-07 10:00:10",
            "Expired less than a minute ago: #1",
            "Expired: less than a minute ago",
        ),
        (
            "2026-09-07 12:10",
            "Expired 2 h 10 min ago: #1",
            "Expired: 2 h 10 min ago",
        ),
    ] {
        let letter = warned_at(local);
        assert!(
            letter.mail.subject.starts_with(subject),
            "{local}: {}",
            letter.mail.subject
        );
        assert!(letter.says(line), "{local}: {}", letter.text());
    }
}

#[test]
fn c10_4_a_digest_says_of_seconds_what_they_are() {
    let mut office = flood(8);
    office.now = swiss("2026-09-07 10:00:20");
    office.clock_to("2026-09-07 10:00:20");
    let digest = office.warnings_to(ANNA).pop().expect("a digest");
    assert!(digest.says("warnings in one letter"), "{}", digest.text());
    assert!(
        digest.says("due Mon 07.09.2026 10:00, less than a minute late"),
        "{}",
        digest.text()
    );
}

#[test]
fn c6_5_the_customer_of_a_severe_ticket_is_due_an_update() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body(DOWN));
    assert!(
        office
            .ticket(1)
            .clocks
            .iter()
            .all(|c| c.kind != ClockKind::Update)
    );
    office.answers(ANNA, "We are on it.\n");
    let clock = office.clock(1, ClockKind::Update);
    assert_eq!(
        (clock.started, clock.deadline),
        (office.now, swiss("2026-09-07 10:00"))
    );
    office.clock_to("2026-09-07 10:00");
    let reminder = office.last_to(ANNA);
    assert!(
        reminder.says("update of the customer (C6.5)"),
        "{}",
        reminder.text()
    );
    // Again an hour later, and after an update an hour from there; in support hours.
    office.clock_to("2026-09-07 11:30");
    assert_eq!(office.count(1, EntryKind::Warning), 2);
    let notice = office.last_to(ANNA);
    office.receives(Post::from(ANNA).answering(&notice).body("Still on it.\n"));
    assert_eq!(
        office.clock(1, ClockKind::Update).deadline,
        swiss("2026-09-07 12:30")
    );
    office.clock_to("2026-09-07 16:45");
    let warned = office.count(1, EntryKind::Warning);
    assert_eq!(
        office.clock(1, ClockKind::Update).deadline,
        swiss("2026-09-08 08:30")
    );
    // Lowered to 2 the interval is four hours; to 3 there is none.
    office.command(1, "severity 2 better");
    assert_eq!(
        office.clock(1, ClockKind::Update).deadline,
        swiss("2026-09-08 11:45")
    );
    office.command(1, "severity 3 a workaround");
    assert!(!office.clock(1, ClockKind::Update).is_running());
    office.clock_to("2026-09-09 12:00");
    assert_eq!(office.count(1, EntryKind::Warning), warned);
    // Raised again it runs; closed it does not.
    office.command(1, "severity 1 down again");
    assert!(office.clock(1, ClockKind::Update).is_running());
    office.command(1, "close done");
    assert!(!office.clock(1, ClockKind::Update).is_running());
    assert!(!office.ticket(1).clocks.iter().any(|c| c.is_breached()));
}

#[test]
fn c10_5_the_desk_opens_with_what_stands_there() {
    let mut office = Office::new();
    office.rounds();
    assert_eq!(
        office.letters_of(LetterKind::Digest),
        0,
        "a house that begins has no day before"
    );
    office.receives(
        Post::from(KAETHI)
            .subject("Due in the morning")
            .body("Severity: 3\nHm.\n"),
    );
    office.receives(Post::from(ALICE).subject("Answered").id("two@acme.example"));
    office.answers(ANNA, "Try again.\n");
    office.receives(
        Post::from(ALICE)
            .referring("two@acme.example")
            .body("No.\n"),
    );
    office.receives(Post::from(JONAS).subject("Taken"));
    office.command(3, "assign beat");
    office.receives(
        Post::from("robot@acme.example")
            .subject("Away")
            .with("Auto-Submitted: auto-replied"),
    );
    office.receives(
        Post::from(STRANGER)
            .to("security@desk.example")
            .subject("A hole in your wall"),
    );
    let failed = office.last_to(JONAS).place;
    office.courier = false;
    office.receives(Post::from(GINA).subject("Nobody home"));
    let letter = office.last_to(GINA);
    office.moves(letter.place, Movement::Refused("550 no such user".into()));
    assert_ne!(failed, letter.place);
    office.courier = true;
    office.letters_leave();

    office.clock_to("2026-09-08 07:59");
    office.rounds();
    assert_eq!(
        office.letters_of(LetterKind::Digest),
        0,
        "the desk is closed"
    );
    office.clock_to("2026-09-08 08:00");
    office.rounds();
    office.letters_leave();
    let digest = office.last_of(ANNA, LetterKind::Digest);
    for words in [
        "support, Tue 08.09.2026 08:00",
        "#1 severity 3, initial response due Tue 08.09.2026 12:00, Bäckerei Keller GmbH: Due in the morning",
        "#2 severity 3",
        "gina@globex.example: 550 no such user",
        "from robot@acme.example: Away",
        "Head of the journal:",
    ] {
        assert!(digest.says(words), "{words}\n{}", digest.text());
    }
    assert!(!digest.says("A hole"));
    let flat = digest.text().to_string();
    let nobodys = flat.split("Nobody's:").nth(1).expect("a part");
    assert!(nobodys.contains("#1") && !nobodys.contains("#3"), "{flat}");
    let secret = office.last_of(DARIO, LetterKind::Digest);
    assert!(
        !secret.raw.contains("hole") && !secret.raw.contains("stranger"),
        "{}",
        secret.raw
    );
    // Once, however often it is looked for; and the next day what is new.
    let told = office.letters_of(LetterKind::Digest);
    office.rounds();
    assert_eq!(office.letters_of(LetterKind::Digest), told);
    office.clock_to("2026-09-09 08:00");
    office.rounds();
    office.letters_leave();
    let digest = office.last_of(ANNA, LetterKind::Digest);
    assert!(!digest.says("robot@acme.example"), "{}", digest.text());
}

#[test]
fn c8_3_every_other_week_the_account_manager_gets_a_review_pack() {
    let mut office = Office::new();
    office.rounds();
    office.receives(Post::from(ALICE).subject("Late").body("Severity: 2\nHm.\n"));
    office.clock_to("2026-09-07 11:00");
    office.answers(ANNA, "Here we are.\n");
    office.receives(Post::from(ALICE).subject("Still down").body(DOWN));
    office.receives(Post::from(GINA).subject("Another customer"));
    let mut packs = vec![];
    for day in 8..=30 {
        office.clock_to(&format!("2026-09-{day:02} 08:05"));
        office.rounds();
        office.letters_leave();
        let of_day = office
            .letters_to(CARLA)
            .into_iter()
            .filter(|l| l.mail.subject.starts_with("Review") && l.place.ticket.0 == 0);
        if of_day.count() > packs.len() {
            packs.push(day);
        }
    }
    assert_eq!(packs, [14, 28]);
    let letters = office.letters_to(CARLA);
    let pack = letters
        .iter()
        .find(|l| l.mail.subject.starts_with("Review"))
        .expect("a pack");
    for words in [
        "Review ACME AG, 2026-08-31 to 2026-09-13: 2 missed, 2 open risks",
        "Deadlines: 0 met, 2 missed, 0 running",
        "C4.1, severity 2: 0 met, 1 missed, 0 running",
        "deadline missed: Late",
        "initial response (C4.1) late since Mon 07.09.2026 11:30: Still down",
        "C4.1: +4 days, provisional: 1 h late",
        "with 4 days of credit until 2027-01-04",
        "of 8 h agreed",
    ] {
        assert!(pack.says(words), "{words}\n{}", pack.text());
    }
    assert!(!pack.says("Another customer"));
    assert!(pack.raw.contains("text/html"));
}

#[test]
fn c8_3_an_earlier_ticket_is_in_the_pack_of_what_fell_in_the_fortnight() {
    let mut office = Office::new();
    let pack = |office: &mut Office, first: &str| {
        let first: chrono::NaiveDate = first.parse().expect("a day");
        let book = &office.policy.book;
        let span = (
            book.morning(first),
            book.morning(first + chrono::Days::new(14)),
        );
        let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
        let found = reader.pack(&policy, None, "acme", span, first, now);
        review::content(&policy, &found.expect("a pack"))
    };
    // Answered and closed in the fortnight before; then the customer calls for a manager, who is late, and the ticket is closed again.
    office.receives(Post::from(ALICE).subject("Slow").body("Severity: 4\nHm.\n"));
    office.answers(ANNA, "Here we are.\n");
    office.clock_to("2026-09-15 10:00");
    office.command(1, "escalate normal 10:00");
    office.command(1, "close done");
    office.clock_to("2026-09-17 10:00");
    office.answers(CARLA, "I looked into it.\n");
    office.command(1, "close done");
    office.clock_to("2026-10-01 10:00");
    let before = pack(&mut office, "2026-08-31");
    assert_eq!((before.tickets.len(), before.missed), (1, 0));
    assert_eq!(before.earlier, [] as [&str; 0]);
    let of_it = pack(&mut office, "2026-09-14");
    assert_eq!(of_it.tickets, [] as [&str; 0]);
    assert_eq!(
        of_it.earlier,
        [
            "#1 Mon 07.09.2026 09:00, severity 4, closed, deadline missed: Slow (escalated Tue 15.09.2026 10:00, C7.1; escalation missed Wed 16.09.2026 10:00, C7.1; credit)"
        ]
    );
    assert_eq!((of_it.met, of_it.missed), (0, 1));
    let after = pack(&mut office, "2026-09-28");
    assert_eq!(after.earlier, [] as [&str; 0]);
}

#[test]
fn c8_3_a_promise_that_a_closed_ticket_still_owes_is_a_risk() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).subject("Down").body(DOWN));
    office.command(1, "close done");
    office.clock_to("2026-09-28 08:05");
    let reader = office.reader();
    let book = &office.policy.book;
    let first: chrono::NaiveDate = "2026-09-14".parse().expect("a day");
    let span = (
        book.morning(first),
        book.morning(first + chrono::Days::new(14)),
    );
    let found = reader.pack(&office.policy, None, "acme", span, first, office.now);
    let content = review::content(&office.policy, &found.expect("a pack"));
    assert_eq!(content.risks.len(), 1, "{content:?}");
    assert!(content.credits[0].contains("accruing"), "{content:?}");
    assert_eq!(content.earlier, [] as [&str; 0]);
}

#[test]
fn c10_1_a_deadline_that_comes_back_is_not_warned_of_anew() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body(DOWN));
    office.clock_to("2026-09-07 09:46");
    let told = office.count(1, EntryKind::Warning);
    assert_eq!(told, 2, "50 % and 75 % of the hour until 10:00");
    office.command(1, "severity 4 it works again");
    office.command(1, "severity 1 it does not");
    office.clock_to("2026-09-07 09:47");
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 10:00"));
    assert_eq!(office.count(1, EntryKind::Warning), told);
    office.clock_to("2026-09-07 09:55");
    assert_eq!(office.count(1, EntryKind::Warning), told + 1, "90 %");
}

#[test]
fn c4_5_a_correction_to_the_same_deadline_reminds_nobody_anew() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body(DOWN));
    office.clock_to("2026-09-07 12:30");
    let told = office.count(1, EntryKind::Warning);
    assert_eq!(told, 5, "50, 75 and 90 %, and two reminders");
    let letters = office.warnings_to(ANNA).len();
    shell(&mut office, "carla", 1, "severity corrected 1 facts");
    office.clock_to("2026-09-07 12:31");
    assert_eq!(office.count(1, EntryKind::Warning), told);
    assert_eq!(office.warnings_to(ANNA).len(), letters);
    // Of another deadline and back again.
    shell(&mut office, "carla", 1, "severity corrected 4 facts");
    shell(&mut office, "carla", 1, "severity corrected 1 facts");
    office.clock_to("2026-09-07 12:32");
    assert_eq!(office.count(1, EntryKind::Warning), told);
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 10:00"));
    office.clock_to("2026-09-07 13:00");
    assert_eq!(office.count(1, EntryKind::Warning), told + 1, "the third");
}

/// A request of noon, of which Anna says in one mail at four that it is severity 2, and what to do. The answer is in the outbox.
fn raised_and_answered() -> (Office, Place) {
    let mut office = Office::new();
    office.clock_to("2026-09-07 12:00");
    office.receives(Post::from(KAETHI));
    office.clock_to("2026-09-07 14:00");
    office.courier = false;
    office.answers(ANNA, "#severity 2 half of them\n\nTry another socket.\n");
    let answer = office.relays().remove(0).place;
    (office, answer)
}

#[test]
fn c4_4_a_warning_waits_for_the_answer_that_leaves() {
    let (mut office, answer) = raised_and_answered();
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 16:00"));
    // Half of the time is gone at this very moment, under the severity that came with the answer.
    office.clock_to("2026-09-07 14:00");
    assert_eq!(office.count(1, EntryKind::Warning), 0);
    assert!(office.recorded(
        1,
        "Initial response (C4.1): the warning at 50 % waits until Mon 07.09.2026 14:02 at most, for the answer of entry"
    ));
    let next = Some((swiss("2026-09-07 14:02"), Step::Percent(50)));
    assert_eq!(office.initial(1).next, next, "the due step itself");
    let findings = audit::audit(&office.reader()).expect("the audit runs");
    assert!(findings.is_empty(), "{}", findings[0]);
    office.clock_to("2026-09-07 14:00:01");
    for to in [Movement::Taken, Movement::Accepted("250".into())] {
        office.moves(answer, to);
    }
    office.clock_to("2026-09-07 16:30");
    let clock = office.initial(1);
    assert_eq!((clock.is_running(), clock.breached), (false, None));
    assert_eq!(office.count(1, EntryKind::Warning), 0);
    assert!(office.warnings_to(ANNA).is_empty());
}

#[test]
fn c10_1_a_warning_goes_at_once_when_the_answer_does_not() {
    for to in [
        Movement::Deferred("451 later".into()),
        Movement::Refused("550 no".into()),
        Movement::Lost("the connection broke".into()),
        Movement::Dropped,
    ] {
        let (mut office, answer) = raised_and_answered();
        office.clock_to("2026-09-07 14:00:05");
        office.moves(answer, Movement::Taken);
        assert_eq!(office.count(1, EntryKind::Warning), 0, "{to:?}");
        office.moves(answer, to.clone());
        office.clock_to("2026-09-07 14:00:05");
        assert_eq!(office.count(1, EntryKind::Warning), 1, "{to:?}");
        // Tried again it keeps nobody waiting any more.
        office.clock_to("2026-09-07 14:59");
        office.moves(answer, Movement::Taken);
        office.clock_to("2026-09-07 15:00");
        assert_eq!(office.count(1, EntryKind::Warning), 2, "{to:?}");
    }
    // Nor does one of which nothing is heard.
    let (mut office, answer) = raised_and_answered();
    office.clock_to("2026-09-07 14:01:59");
    office.moves(answer, Movement::Taken);
    assert_eq!(office.count(1, EntryKind::Warning), 0);
    office.clock_to("2026-09-07 14:02");
    assert_eq!(office.count(1, EntryKind::Warning), 1);
    assert_eq!(office.warnings_to(ANNA).len(), 1);
    office.clock_to("2026-09-07 16:00:01");
    assert_eq!(office.count(1, EntryKind::Breach), 1);
}

/// What was asked at noon goes on in a ticket of half past one, where Anna answers at four; the answer is in the outbox.
fn merged_and_answered() -> (Office, Place) {
    let mut office = Office::new();
    office.clock_to("2026-09-07 12:00");
    office.receives(Post::from(KAETHI));
    office.clock_to("2026-09-07 12:30");
    office.receives(Post::from(KAETHI).subject("Still the printer"));
    office.command(1, "severity 2 half of them");
    office.command(1, "merge 2");
    office.clock_to("2026-09-07 13:14:59");
    office.courier = false;
    let notice = office
        .letters_to(ANNA)
        .into_iter()
        .rfind(|l| l.place.ticket.0 == 2);
    let notice = notice.expect("a notice of the second ticket");
    office.receives(
        Post::from(ANNA)
            .answering(&notice)
            .body("Try another socket.\n"),
    );
    let answer = office.relays().remove(0).place;
    (office, answer)
}

/// An answer where a merged ticket goes on ends its clocks (C4.10), so its warnings wait for it as those of the other.
#[test]
fn c4_10_a_warning_of_a_merged_ticket_waits_for_the_answer_that_leaves_there() {
    let (mut office, answer) = merged_and_answered();
    assert_eq!(answer.ticket.0, 2);
    let (at, step) = office.initial(1).next.expect("a step");
    assert_eq!((at, step), (swiss("2026-09-07 13:15"), Step::Percent(50)));
    office.clock_to("2026-09-07 13:15");
    assert_eq!(office.count(1, EntryKind::Warning), 0);
    let told = format!(
        "for the answer of entry {} of ticket 2 is leaving",
        answer.seq
    );
    assert!(office.recorded(1, &told));
    let findings = audit::audit(&office.reader()).expect("the audit runs");
    assert!(findings.is_empty(), "{}", findings[0]);
    for to in [Movement::Taken, Movement::Accepted("250".into())] {
        office.moves(answer, to);
    }
    office.clock_to("2026-09-07 16:30");
    assert!(!office.initial(1).is_running() && !office.initial(2).is_running());
    assert_eq!(office.count(1, EntryKind::Warning), 0);
    // What does not leave keeps nobody waiting.
    for to in [
        Movement::Deferred("451 later".into()),
        Movement::Refused("550 no".into()),
        Movement::Dropped,
    ] {
        let (mut office, answer) = merged_and_answered();
        office.clock_to("2026-09-07 13:15:05");
        office.moves(answer, Movement::Taken);
        assert_eq!(office.count(1, EntryKind::Warning), 0, "{to:?}");
        office.moves(answer, to.clone());
        office.clock_to("2026-09-07 13:15:05");
        assert_eq!(office.count(1, EntryKind::Warning), 1, "{to:?}");
    }
    let (mut office, _) = merged_and_answered();
    office.clock_to("2026-09-07 13:16:58");
    assert_eq!(office.count(1, EntryKind::Warning), 0);
    office.clock_to("2026-09-07 13:16:59");
    assert_eq!(
        office.count(1, EntryKind::Warning),
        1,
        "two minutes are over"
    );
}

#[test]
fn c10_1_nothing_waits_that_has_no_time_to() {
    // Answers that follow each other: the first one's time counts.
    let (mut office, _) = raised_and_answered();
    for minute in ["14:00:30", "14:01", "14:01:30", "14:02"] {
        office.clock_to(&format!("2026-09-07 {minute}"));
        office.answers(ANNA, &format!("Is it better at {minute}?\n"));
    }
    office.clock_to("2026-09-07 14:02:01");
    assert_eq!(office.count(1, EntryKind::Warning), 1);
    // With less than half an hour left, at the deadline and after it nothing waits for anything.
    for (at, steps) in [("15:33", 2), ("15:36", 3), ("16:00", 4), ("17:00", 4)] {
        office.clock_to(&format!("2026-09-07 {at}"));
        office.answers(ANNA, &format!("And at {at}?\n"));
        office.clock_to(&format!("2026-09-07 {at}:01"));
        let steps_done = office.count(1, EntryKind::Warning) + office.count(1, EntryKind::Breach);
        assert_eq!(steps_done, steps, "{at}");
    }
    // Nor over the desk's closing.
    let mut office = Office::new();
    office.clock_to("2026-09-07 12:00");
    office.receives(Post::from(KAETHI));
    office.clock_to("2026-09-07 16:59");
    office.courier = false;
    office.answers(ANNA, "#severity 2\n\nTry another socket.\n");
    let before = office.count(1, EntryKind::Warning);
    office.clock_to("2026-09-07 16:59");
    assert_eq!(office.count(1, EntryKind::Warning), before + 1);
    // A letter that is held does not leave.
    let mut held = policy();
    held.hold_letters = true;
    let mut office = Office::under(held);
    office.receives(Post::from(KAETHI));
    office.clock_to("2026-09-07 11:00");
    office.courier = false;
    office.answers(ANNA, "#severity 2\n\nTry another socket.\n");
    office.clock_to("2026-09-07 11:00");
    assert_eq!(office.count(1, EntryKind::Warning), 1);
}

#[test]
fn c7_3_a_managers_warning_waits_for_no_answer_but_a_managers() {
    for (who, waits) in [(ANNA, false), (CARLA, true)] {
        let mut office = Office::new();
        office.receives(Post::from(KAETHI));
        office.command(1, "escalate urgent 09:00");
        office.courier = false;
        // Half of two hours.
        office.clock_to("2026-09-07 09:59:59");
        let notice = office.last_of(who, LetterKind::Notice);
        office.receives(Post::from(who).answering(&notice).body("On it.\n"));
        office.clock_to("2026-09-07 10:00");
        let escalation = office.clock(1, ClockKind::Escalation);
        assert_eq!(escalation.step_done.is_none(), waits, "{who}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
    /// Whatever is answered, and whatever becomes of it short of being accepted.
    #[test]
    fn no_deadline_passes_in_silence(
        begin in proptest::sample::select(vec!["14:00", "14:59", "15:34", "15:58"]),
        events in proptest::collection::vec((0..130i64, 0..8usize), 0..12),
    ) {
        let (mut office, first) = raised_and_answered();
        let mut answers = vec![first];
        office.clock_to(&format!("2026-09-07 {begin}"));
        for (secs, what) in events {
            let now = office.now + TimeDelta::seconds(secs);
            office.clock_to_instant(now);
            let movement = match what {
                0 | 1 => Movement::Taken,
                2 => Movement::Deferred("451 later".into()),
                3 => Movement::Lost("the connection broke".into()),
                4 => Movement::Refused("550 no".into()),
                _ => {
                    office.answers(ANNA, &format!("Is it better at {now}?\n"));
                    answers = office.relays().iter().map(|l| l.place).collect();
                    continue;
                }
            };
            for answer in &answers {
                office.moves(*answer, movement.clone());
            }
        }
        office.clock_to("2026-09-07 16:30");
        let steps = [("50 %", "14:00", 120), ("75 %", "15:00", 120), ("90 %", "15:36", 0), ("The deadline", "16:00", 0)];
        let entries = office.entries(1);
        for (step, due, late) in steps {
            let begin = format!("Initial response (C4.1): {step}");
            let told: Vec<_> = entries.iter().filter(|e| e.text.starts_with(&begin)).map(|e| e.at).collect();
            let due = swiss(&format!("2026-09-07 {due}"));
            prop_assert_eq!(told.len(), 1, "{}: {:?}", step, told);
            prop_assert!(told[0] >= due && told[0] <= due + TimeDelta::seconds(late), "{}: {:?}", step, told);
        }
    }
}
