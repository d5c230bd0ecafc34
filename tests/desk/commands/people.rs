//! `#assign`, `#take`, `#watch`, `#note`, `#language`, `#time`, `#help`, `#dry-run`.

use super::*;
use ticketd::desk::record::EntryKind;
use ticketd::mail::Language;

#[test]
fn assign_and_take_say_who_looks_after_it() {
    let mut office = bakery(3);
    done(&mut office, ANNA, "#assign beat\n");
    assert_eq!(office.ticket(1).assignee.as_deref(), Some("beat"));
    done(&mut office, ANNA, "#assign Carla Chef\n");
    assert_eq!(office.ticket(1).assignee.as_deref(), Some("carla"));
    done(&mut office, ANNA, "#take\n");
    assert_eq!(office.ticket(1).assignee.as_deref(), Some("anna"));
    for nobody in ["zoe", "dario", "eva", ""] {
        refused(
            &mut office,
            ANNA,
            &format!("#assign {nobody}\n"),
            "use one of anna, beat, carla",
        );
    }
}

#[test]
fn who_watches_hears_of_it_beside_the_assignee() {
    let mut office = bakery(3);
    done(&mut office, BEAT, "#watch\n");
    done(&mut office, ANNA, "#take\n");
    let before = [ANNA, BEAT, CARLA].map(|who| office.letters_to(who).len());
    writes_again(&mut office, KAETHI, "It still burns.\n");
    let after = [ANNA, BEAT, CARLA].map(|who| office.letters_to(who).len());
    assert_eq!(after, [before[0] + 1, before[1] + 1, before[2]]);
    done(&mut office, BEAT, "#watch off\n");
    assert!(office.ticket(1).watchers.is_empty());
    refused(
        &mut office,
        BEAT,
        "#watch this\n",
        "use #watch or #watch off",
    );
}

#[test]
fn a_note_is_on_the_record_and_nowhere_else() {
    let mut office = bakery(3);
    done(
        &mut office,
        ANNA,
        "#note she is in a hurry\nand so are we\n",
    );
    assert_eq!(office.count(1, EntryKind::Note), 1);
    assert!(office.recorded(1, "she is in a hurry\nand so are we"));
    assert!(
        office
            .letters_outside()
            .iter()
            .all(|l| !l.raw.contains("hurry"))
    );
    refused(&mut office, ANNA, "#note\n", "#note has no text");
}

#[test]
fn c5_1_letters_are_written_in_the_language_that_staff_set() {
    let mut office = bakery(3);
    done(&mut office, ANNA, "#language de\n#severity 2 Fakten\n");
    assert_eq!(office.ticket(1).language, Language::De);
    let change = office.last_of(KAETHI, LetterKind::Change);
    assert!(change.text().starts_with("Guten Tag"), "{}", change.text());
    refused(&mut office, ANNA, "#language fr\n", "use de, gsw or en");
}

#[test]
fn c8_2_time_is_booked() {
    let mut office = bakery(3);
    done(&mut office, ANNA, "#time 45m tam review call\n");
    let booked = office
        .entries(1)
        .into_iter()
        .find_map(|e| e.time)
        .expect("a booking");
    assert_eq!(
        (booked.minutes, booked.tam, booked.person.as_str()),
        (45, true, "anna")
    );
    refused(&mut office, ANNA, "#time 45\n", "#time \"45\"");
}

#[test]
fn help_is_the_manual_and_carries_out_what_stands_beside_it() {
    let mut office = bakery(3);
    let said = done(&mut office, ANNA, "#help\n");
    for verb in ticketd::desk::command::VERBS {
        let shown = said.says(&verb.usage());
        assert_eq!(
            shown,
            verb.road != ticketd::desk::command::Road::Line,
            "{}",
            verb.name
        );
    }
    assert!(office.relays().is_empty());
    done(&mut office, ANNA, "#help\n#take\n");
    assert_eq!(office.ticket(1).assignee.as_deref(), Some("anna"));
}

#[test]
fn a_dry_run_says_what_would_be_and_does_nothing() {
    let mut office = bakery(3);
    let before = standing(&office.ticket(1));
    let said = says(
        &mut office,
        1,
        ANNA,
        "#dry-run\n#severity 1 facts\n#close done\n\nDear customer\n",
    );
    assert!(
        said.mail.subject.starts_with("Only tried"),
        "{}",
        said.text()
    );
    assert!(
        said.says("Severity set from 3 to 1") && said.says("Closed: done"),
        "{}",
        said.text()
    );
    assert!(said.says("go to the customer, 1 line."), "{}", said.text());
    assert_eq!(standing(&office.ticket(1)), before);
    assert!(office.relays().is_empty());
    assert_eq!(office.letters_outside().len(), 1, "the acknowledgement");
    refused(
        &mut office,
        ANNA,
        "#dry-run\n#severity 9\n",
        "#severity \"9\"",
    );
}

#[test]
fn one_wrong_command_holds_back_all_of_them() {
    let mut office = bakery(3);
    refused(
        &mut office,
        ANNA,
        "#take\n#severity 1 facts\n#sverity 2\n\nDear customer\n",
        "#sverity is unknown",
    );
}

#[test]
fn a_shell_hears_what_was_done_and_nothing_else() {
    let mut office = bakery(3);
    let said = shell(&mut office, "anna", 1, "take\n#dry-run");
    assert_eq!(said.reply, ["Assigned to anna."]);
    assert!(!said.changed && !said.refused);
    let said = shell(&mut office, "anna", 1, "take");
    assert_eq!(said.reply, ["Assigned to anna."]);
    assert!(said.changed);
}

/// What a shell is given below a command would reach nobody.
#[test]
fn a_shell_takes_nothing_but_commands() {
    let mut office = bakery(3);
    for line in ["take\n\nDear customer", "", "12 is cold"] {
        let said = shell(&mut office, "anna", 1, line);
        assert!(said.refused && !said.changed, "{line:?}: {:?}", said.reply);
        let why = "nothing but commands can be said here; use severity, assign, take";
        assert!(said.reply[0].starts_with(why), "{:?}", said.reply);
    }
    assert_eq!(office.ticket(1).assignee, None);
}

#[test]
fn c5_1_each_language_can_be_set() {
    let mut office = bakery(3);
    for (word, language) in [
        ("gsw", Language::Gsw),
        ("EN", Language::En),
        ("de", Language::De),
    ] {
        done(&mut office, ANNA, &format!("#language {word}\n"));
        assert_eq!(office.ticket(1).language, language);
    }
}

#[test]
fn twenty_people_watch_one_ticket() {
    let mut office = bakery(3);
    let many: Vec<String> = (1..=19).map(|n| format!("watcher{n}")).collect();
    office.drafts(1, |draft| draft.ticket.watchers = many);
    assert!(!shell(&mut office, "anna", 1, "watch").refused);
    assert_eq!(office.ticket(1).watchers.len(), 20);
    let said = shell(&mut office, "beat", 1, "watch");
    assert!(said.refused, "{:?}", said.reply);
    assert!(
        !shell(&mut office, "anna", 1, "watch").refused,
        "he is one of them"
    );
}
