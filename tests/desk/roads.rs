//! `delivery.rs`: every road and every movement.

use crate::office::*;
use ticketd::desk::event::Movement;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::record::{Place, Road};
use ticketd::desk::ticket::State;

/// An office whose courier waits, with one letter of this kind to look at.
fn with_letter(kind: LetterKind) -> (Office, Place) {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI).body("Severity: 1\nThe printer is on fire.\n"));
    office.courier = false;
    match kind {
        LetterKind::Relay => {
            office.answers(ANNA, "We are on it.\n");
        }
        LetterKind::Warning => office.clock_to("2026-09-07 09:30"),
        _ => {
            office.receives(
                Post::from(KAETHI)
                    .subject("Scanner")
                    .body("The scanner, too.\n"),
            );
        }
    }
    let letter = office
        .letters()
        .into_iter()
        .rfind(|l| l.kind == kind)
        .expect("a letter");
    (office, letter.place)
}

fn road(office: &mut Office, place: Place) -> Road {
    office
        .letters()
        .into_iter()
        .find(|l| l.place == place)
        .expect("the letter")
        .road
}

fn word(office: &mut Office, place: Place) -> &'static str {
    ticketd::desk::delivery::road_word(&road(office, place))
}

fn movement(word: &str) -> Movement {
    match word {
        "taken" => Movement::Taken,
        "accepted" => Movement::Accepted("250".into()),
        "deferred" => Movement::Deferred("451".into()),
        "refused" => Movement::Refused("550".into()),
        "lost" => Movement::Lost("lost".into()),
        "released" => Movement::Released,
        "dropped" => Movement::Dropped,
        other => panic!("{other}"),
    }
}

/// Brings the letter onto a road.
fn onto(office: &mut Office, place: Place, to: &str) {
    let moves: &[&str] = match to {
        "waiting" => &[],
        "taken" => &["taken"],
        "accepted" => &["taken", "accepted"],
        "failed" => &["refused"],
        "unknown" => &["taken", "lost"],
        "dropped" => &["dropped"],
        other => panic!("{other}"),
    };
    for m in moves {
        office.moves(place, movement(m));
    }
    assert_eq!(word(office, place), to);
}

#[test]
fn every_movement_on_every_road() {
    use LetterKind::{Acknowledgement, Relay, Warning};
    let movements = [
        "taken", "accepted", "deferred", "refused", "lost", "released", "dropped",
    ];
    let table: [(&str, [&str; 7]); 6] = [
        (
            "waiting",
            [
                "taken", "accepted", "waiting", "failed", "waiting", "waiting", "dropped",
            ],
        ),
        (
            "taken",
            [
                "taken", "accepted", "waiting", "failed", "?", "taken", "dropped",
            ],
        ),
        ("accepted", ["accepted"; 7]),
        (
            "failed",
            [
                "failed", "accepted", "failed", "failed", "failed", "waiting", "dropped",
            ],
        ),
        (
            "unknown",
            [
                "unknown", "accepted", "unknown", "unknown", "unknown", "waiting", "dropped",
            ],
        ),
        (
            "dropped",
            [
                "dropped", "accepted", "dropped", "dropped", "dropped", "dropped", "dropped",
            ],
        ),
    ];
    for kind in [Relay, Warning, Acknowledgement] {
        let again = kind.is_resent_when_unknown();
        for (from, row) in table {
            if from == "unknown" && again {
                continue;
            }
            for (to, expected) in movements.iter().zip(row) {
                let (mut office, place) = with_letter(kind);
                onto(&mut office, place, from);
                office.moves(place, movement(to));
                let expected = match expected {
                    "?" if again => "waiting",
                    "?" => "unknown",
                    other => other,
                };
                assert_eq!(
                    word(&mut office, place),
                    expected,
                    "{kind:?}: {from} and {to}"
                );
            }
        }
    }
}

#[test]
fn a_held_letter_waits_for_its_release_however_long() {
    let mut policy = policy();
    policy.hold_letters = true;
    let mut office = Office::under(policy);
    office.receives(Post::from(KAETHI));
    let letter = office.letters()[0].place;
    for m in ["taken", "accepted", "deferred", "refused", "lost"] {
        office.moves(letter, movement(m));
        assert_eq!(word(&mut office, letter), "held", "{m}");
    }
    office.clock_to("2026-09-21 09:00");
    office.courier = false;
    office.moves(letter, Movement::Released);
    assert_eq!(word(&mut office, letter), "waiting");
    // Greylisting after a long hold is no reason to give up.
    office.moves(letter, Movement::Deferred("451 greylisted".into()));
    assert_eq!(word(&mut office, letter), "waiting");
}

#[test]
fn a_letter_nobody_takes_is_given_up_after_five_days_and_staff_are_told() {
    for kind in [LetterKind::Relay, LetterKind::Acknowledgement] {
        let (mut office, place) = with_letter(kind);
        let told = |office: &mut Office| {
            office
                .letters()
                .iter()
                .filter(|l| l.kind == LetterKind::Transcript)
                .count()
        };
        let before = told(&mut office);
        let mut tries = 0;
        while word(&mut office, place) == "waiting" {
            let Road::Waiting { next_try } = road(&mut office, place) else {
                panic!()
            };
            office.now = office.now.max(next_try);
            office.moves(place, Movement::Deferred("451 not now".into()));
            tries += 1;
            assert!(tries < 400);
        }
        assert_eq!(word(&mut office, place), "failed");
        let days = (office.now - swiss("2026-09-07 09:00")).num_days();
        assert_eq!(days, 5);
        assert!(told(&mut office) > before, "{kind:?}: staff are told");
        if kind == LetterKind::Relay {
            assert_eq!(office.ticket(1).state, State::New, "nobody has answered");
            assert!(office.initial(1).is_running());
            assert!(office.last_to(ANNA).says("451 not now"));
        }
        // What comes late brings nothing back.
        for late in ["taken", "deferred", "lost", "refused"] {
            office.moves(place, movement(late));
            assert_eq!(word(&mut office, place), "failed", "{late}");
        }
    }
}

#[test]
fn c4_4_an_answer_that_was_lost_and_sent_again_counts_once() {
    let (mut office, place) = with_letter(LetterKind::Relay);
    onto(&mut office, place, "taken");
    office.moves(place, Movement::Lost("connection lost".into()));
    assert!(office.initial(1).is_running());
    office.clock_to("2026-09-07 09:05");
    office.moves(place, Movement::Taken);
    office.moves(place, Movement::Accepted("250".into()));
    let stopped = office.initial(1).stopped;
    assert_eq!(stopped, Some(swiss("2026-09-07 09:05")));
    office.clock_to("2026-09-07 12:00");
    office.moves(place, Movement::Accepted("250".into()));
    assert_eq!(office.initial(1).stopped, stopped);
}

#[test]
fn c4_4_an_answer_dropped_while_it_left_counts_when_it_was_accepted() {
    let (mut office, place) = with_letter(LetterKind::Relay);
    onto(&mut office, place, "taken");
    office.moves(place, Movement::Dropped);
    office.moves(place, Movement::Accepted("250".into()));
    assert!(!office.initial(1).is_running());
}
