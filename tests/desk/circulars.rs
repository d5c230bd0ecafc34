//! A letter about several tickets waits to leave, or is still to be written of what was found some moments ago, while one of them goes to security: what
//! leaves says nothing of that one, and tells the rest.

use crate::commands::shell;
use crate::office::*;
use ticketd::deadlines::round_due;
use ticketd::desk::LetterKind;
use ticketd::desk::event::{Event, Movement};
use ticketd::desk::record::{Entry, Road};

/// What has reached somebody of circulars.
fn reached(office: &mut Office, who: &str) -> Vec<Sent> {
    let is_his = |e: &Entry| {
        let letter = e.letter.as_ref().filter(|l| l.to == who);
        letter.is_some_and(|l| matches!(l.road, Road::Accepted { .. })) && e.place.ticket.0 == 0
    };
    office.letters_where(is_his)
}

#[track_caller]
fn no_canary(letters: &[Sent]) {
    for letter in letters {
        assert!(!letter.raw.contains("Canary"), "{}", letter.raw);
    }
}

fn goes_to_security(office: &mut Office, ticket: u64) {
    assert!(!shell(office, "carla", ticket, "queue security").refused);
}

/// Letters leave again, and what became due by that is done.
fn the_way_out_is_open(office: &mut Office) {
    office.courier = true;
    office.letters_leave();
    let now = office.now.with_timezone(&chrono_tz::Europe::Zurich);
    office.clock_to(&now.format("%Y-%m-%d %H:%M:%S").to_string());
    office.rounds();
}

/// Tickets 1 and 2, whose subjects the morning's letter shows.
fn two_requests() -> Office {
    let mut office = Office::new();
    office.rounds();
    office.receives(Post::from(STRANGER).subject("Canary subject"));
    office.receives(Post::from("other@elsewhere.example").subject("Lamp"));
    office
}

#[test]
fn the_mornings_letter_that_waits_is_written_anew_without_it() {
    let mut office = two_requests();
    office.courier = false;
    office.clock_to("2026-09-08 08:05");
    office.rounds();
    let waits = office.last_of(ANNA, LetterKind::Digest);
    assert!(waits.says("Canary subject") && waits.says("Lamp"));
    goes_to_security(&mut office, 1);
    the_way_out_is_open(&mut office);
    for who in [ANNA, BEAT] {
        let letters = reached(&mut office, who);
        no_canary(&letters);
        assert_eq!(letters.len(), 1, "{who}");
        assert!(letters[0].says("Lamp") && !letters[0].says("#1 "));
    }
    // Carla is of both queues: hers of support has left as it was, and security's is a second one.
    assert_eq!(reached(&mut office, CARLA).len(), 2);
    office.rounds();
    assert_eq!(reached(&mut office, ANNA).len(), 1);
    office.clock_to("2026-09-09 08:05");
    office.rounds();
    let letters = reached(&mut office, BEAT);
    no_canary(&letters);
    assert_eq!(letters.len(), 2);
}

/// With the automatic mail that it shows: what was filed since the last time, in the next letter of the others and in his.
#[test]
fn filed_mail_that_is_securitys_by_now_is_not_in_it_and_the_rest_is() {
    let mut office = two_requests();
    for subject in ["Canary report", "Lamp report"] {
        let machine = Post::from("robot@elsewhere.example").subject(subject);
        office.receives(machine.with("Auto-Submitted: auto-generated"));
    }
    office.courier = false;
    office.clock_to("2026-09-08 08:05");
    office.rounds();
    assert!(
        office
            .last_of(ANNA, LetterKind::Digest)
            .says("Canary report")
    );
    goes_to_security(&mut office, 1);
    assert!(!shell(&mut office, "carla", 0, "human 1").refused);
    goes_to_security(&mut office, 3);
    the_way_out_is_open(&mut office);
    let letters = reached(&mut office, ANNA);
    no_canary(&letters);
    assert_eq!(letters.len(), 1);
    assert!(letters[0].says("Lamp report"), "{}", letters[0].text());
}

/// Filed within two mornings' intervals, Lamp's in the first; Anna's letter of the first morning waits.
fn two_mornings() -> Office {
    let mut office = two_requests();
    let robot = || Post::from("robot@elsewhere.example").with("Auto-Submitted: auto-generated");
    office.receives(robot().subject("Lamp report"));
    office.courier = false;
    office.clock_to("2026-09-08 08:05");
    office.rounds();
    office.receives(robot().subject("Oven report"));
    office
}

/// Which letters to somebody show a report: of the lamp, of the oven.
fn reports(office: &mut Office, who: &str) -> Vec<(bool, bool)> {
    let letters = reached(office, who);
    letters
        .iter()
        .map(|l| (l.says("Lamp report"), l.says("Oven report")))
        .collect()
}

/// Carla was told of the lamp the first time, and is not told twice.
#[test]
fn filed_mail_of_a_dropped_letter_is_in_the_next_mornings() {
    let mut office = two_mornings();
    goes_to_security(&mut office, 1);
    office.courier = true;
    office.letters_leave();
    assert!(reached(&mut office, ANNA).is_empty());
    office.clock_to("2026-09-09 08:05");
    office.rounds();
    office.rounds();
    no_canary(&reached(&mut office, ANNA));
    assert_eq!(reports(&mut office, ANNA), [(true, true)]);
    let mut carlas = reports(&mut office, CARLA);
    // Hers of security show neither.
    carlas.retain(|shown| *shown != (false, false));
    assert_eq!(carlas, [(true, false), (false, true)]);
}

#[test]
fn filed_mail_of_a_letter_that_is_dropped_after_the_next_opening_is_told() {
    let mut office = two_mornings();
    goes_to_security(&mut office, 1);
    office.clock_to("2026-09-09 08:05");
    office.rounds();
    the_way_out_is_open(&mut office);
    assert_eq!(reports(&mut office, ANNA), [(false, true), (true, true)]);
    office.rounds();
    assert_eq!(reached(&mut office, ANNA).len(), 2);
}

/// What was found knows of the mail since the last time only.
#[test]
fn filed_mail_of_a_letter_that_is_dropped_while_the_next_is_gathered_is_told() {
    let mut office = two_mornings();
    goes_to_security(&mut office, 1);
    office.clock_to("2026-09-09 08:05");
    let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
    let found = round_due(&reader, &policy, now).expect("rounds");
    office.courier = true;
    office.letters_leave();
    office.process(found.expect("an opening"), None);
    assert!(reached(&mut office, ANNA).is_empty());
    office.rounds();
    no_canary(&reached(&mut office, ANNA));
    assert_eq!(reports(&mut office, ANNA), [(true, true)]);
    office.rounds();
    assert_eq!(reached(&mut office, ANNA).len(), 1);
}

#[test]
fn a_letter_decided_on_what_was_found_before_the_move_does_not_leave() {
    let mut office = two_requests();
    office.clock_to("2026-09-08 08:05");
    let (reader, policy, now) = (office.reader(), office.policy.clone(), office.now);
    let found = round_due(&reader, &policy, now).expect("rounds");
    let found = found.expect("an opening");
    assert!(matches!(found, Event::DeskOpened(_)));
    goes_to_security(&mut office, 1);
    office.process(found, None);
    office.rounds();
    let letters = reached(&mut office, ANNA);
    no_canary(&letters);
    assert_eq!(letters.len(), 1);
    assert!(letters[0].says("Lamp"));
}

#[test]
fn a_flood_of_warnings_that_waits_is_told_without_it() {
    let mut office = Office::new();
    for n in 0..9 {
        let words = format!("Severity: 1\nOven {n} is on fire.\n");
        office.receives(Post::from(KAETHI).body(&words));
    }
    office.courier = false;
    office.clock_to("2026-09-07 11:30");
    let digest = office.last_of(ANNA, LetterKind::Warning);
    assert!(digest.place.ticket.0 == 0 && digest.says("#8 ") && digest.says("#9 "));
    goes_to_security(&mut office, 8);
    the_way_out_is_open(&mut office);
    let letters = reached(&mut office, ANNA);
    assert!(!letters.is_empty());
    for letter in &letters {
        assert!(!letter.says("#8 "), "{}", letter.text());
    }
    assert!(letters.iter().any(|l| l.says("#9 ")));
}

/// One ticket's replies: nothing is left to tell.
#[test]
fn a_flood_of_replies_that_waits_is_told_to_nobody_who_may_not_know() {
    let mut office = Office::new();
    let post = Post::from(ALICE).id("first@acme.example");
    office.receives(post.subject("Canary subject"));
    for n in 0..8 {
        let post = Post::from(ALICE).referring("first@acme.example");
        office.receives(post.body(&format!("Number {n}.\n")));
    }
    office.courier = false;
    office.clock_to("2026-09-07 09:30");
    let digest = office.last_of(ANNA, LetterKind::Digest);
    assert!(digest.raw.contains("Canary"), "{}", digest.raw);
    goes_to_security(&mut office, 1);
    the_way_out_is_open(&mut office);
    assert!(reached(&mut office, ANNA).is_empty());
    assert_eq!(reached(&mut office, CARLA).len(), 1);
}

#[test]
fn a_review_pack_that_waits_is_written_anew_without_it() {
    let by_anna = |name: &str, text: String| match name {
        "customers.toml" => text.replace("tam = \"carla\"", "tam = \"anna\""),
        _ => text,
    };
    let mut office = Office::under(policy_with(by_anna, ""));
    office.rounds();
    for subject in ["Canary subject", "Lamp"] {
        office.receives(Post::from(ALICE).subject(subject));
    }
    let packs = |office: &mut Office| {
        let mut letters = reached(office, ANNA);
        letters.retain(|l| l.mail.subject.starts_with("Review"));
        letters
    };
    office.courier = false;
    office.clock_to("2026-09-21 08:05");
    office.rounds();
    let mut waiting = office.letters_to(ANNA);
    waiting.retain(|l| l.mail.subject.starts_with("Review"));
    assert!(waiting.len() == 1 && waiting[0].says("Canary subject"));
    goes_to_security(&mut office, 1);
    the_way_out_is_open(&mut office);
    let letters = packs(&mut office);
    no_canary(&letters);
    assert_eq!(letters.len(), 1);
    assert!(letters[0].says("Lamp"), "{}", letters[0].text());
    office.rounds();
    assert_eq!(packs(&mut office).len(), 1);
}

/// Held, failed or of unknown fate: whatever an operator lets go is asked when its turn has come.
#[test]
fn what_an_operator_releases_is_asked_too() {
    let mut office = two_requests();
    office.courier = false;
    office.clock_to("2026-09-08 08:05");
    office.rounds();
    let place = office.last_of(ANNA, LetterKind::Digest).place;
    office.moves(place, Movement::Refused("550 no".into()));
    goes_to_security(&mut office, 1);
    office.moves(place, Movement::Released);
    the_way_out_is_open(&mut office);
    let letters = reached(&mut office, ANNA);
    no_canary(&letters);
    assert_eq!(letters.len(), 1);
}
