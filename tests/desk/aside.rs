//! A letter whose rendering panics: its mail is set aside whole, nothing else of the batch suffers.

use crate::office::*;
use ticketd::desk::letter::{Enclosure, Letter, LetterKind, render};
use ticketd::desk::record::{Fate, Road};
use ticketd::desk::ticket::{State, TicketId};

type Content<'a> = &'a dyn Fn(&Enclosure) -> Vec<u8>;

fn panics_at_an_acknowledgement_to_kaethi(letter: &Letter, content: Content) -> Vec<u8> {
    let is_deadly = letter.kind == LetterKind::Acknowledgement && letter.to.address == KAETHI;
    assert!(!is_deadly, "an acknowledgement that cannot be written");
    render(letter, content)
}

fn panics_at_the_word_unspeakable(letter: &Letter, content: Content) -> Vec<u8> {
    let is_deadly = letter.to.address == KAETHI || letter.text.contains("unspeakable");
    assert!(!is_deadly, "a word that cannot be written");
    render(letter, content)
}

fn panics_always(_: &Letter, _: Content) -> Vec<u8> {
    panic!("no letter can be written")
}

fn office(render: ticketd::clerk::Render) -> Office {
    let mut office = Office::new();
    office.courier = false;
    office.clerk = office.clerk.rendering(render);
    office
}

fn three_mails() -> [Post; 3] {
    [
        Post::from(ALICE).subject("Printer"),
        Post::from(KAETHI).subject("The unspeakable oven"),
        Post::from(JONAS).subject("Scanner"),
    ]
}

fn fates(done: &[ticketd::clerk::Done]) -> Vec<Fate> {
    done.iter().map(|d| d.fate).collect()
}

/// The mail is whole, in quarantine, its neighbours are tickets with acknowledgements, the record is sound.
fn only_the_second_was_set_aside(office: &mut Office) {
    let reader = office.reader();
    let quarantined = office.ticket(2);
    assert_eq!(quarantined.state, State::Quarantined);
    let entry = office.entries(2).into_iter().find(|e| e.mail.is_some());
    let raw = reader.bytes(entry.unwrap().place).unwrap().unwrap();
    assert_eq!(raw, three_mails()[1].raw(2));
    for id in [1, 3] {
        assert_eq!(office.ticket(id).state, State::New);
    }
    for address in [ALICE, JONAS] {
        let kinds: Vec<_> = office.letters_to(address).iter().map(|l| l.kind).collect();
        assert_eq!(kinds, [LetterKind::Acknowledgement], "{address}");
    }
    let staff = |l: &&Sent| l.kind == LetterKind::Notice && l.place.ticket == TicketId(2);
    assert!(office.letters().iter().filter(staff).count() > 0);
    assert_eq!(ticketd::store::audit::audit(&reader).unwrap(), []);
}

#[test]
fn a_mail_whose_letter_cannot_be_rendered_is_set_aside_alone() {
    let mut office = office(panics_at_an_acknowledgement_to_kaethi);
    let done = office.takes_together("support", &three_mails());
    assert_eq!(
        fates(&done),
        [Fate::Opened, Fate::Quarantined, Fate::Opened]
    );
    only_the_second_was_set_aside(&mut office);
    assert!(office.letters_to(KAETHI).is_empty());
}

#[test]
fn nothing_of_it_is_looked_at_if_even_the_notice_cannot_be_rendered() {
    let mut office = office(panics_at_the_word_unspeakable);
    let done = office.takes_together("support", &three_mails());
    assert_eq!(
        fates(&done),
        [Fate::Opened, Fate::Quarantined, Fate::Opened]
    );
    only_the_second_was_set_aside(&mut office);
    assert_eq!(office.ticket(2).subject, "");
}

#[test]
fn without_any_letter_the_mail_is_kept_all_the_same() {
    let mut office = office(panics_always);
    let done = office.takes_together("support", &three_mails());
    assert_eq!(fates(&done), [Fate::Quarantined; 3]);
    // The courier finds no bytes and says so to the staff; it is not silence.
    let due = office.reader().letters_due(office.now, 50).unwrap();
    assert!(!due.is_empty());
    for letter in due {
        assert!(matches!(
            letter.letter.as_ref().unwrap().road,
            Road::Waiting { .. }
        ));
        assert_eq!(office.reader().bytes(letter.place).unwrap(), None);
    }
    assert_eq!(ticketd::store::audit::audit(&office.reader()).unwrap(), []);
}

#[test]
fn a_warning_that_cannot_be_rendered_stops_no_other_clock() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    office.clerk = office.clerk.rendering(panics_always);
    office.courier = false;
    office.clock_to("2026-09-08 12:00");
    assert!(office.initial(1).breached.is_some());
    assert_eq!(ticketd::store::audit::audit(&office.reader()).unwrap(), []);
}
