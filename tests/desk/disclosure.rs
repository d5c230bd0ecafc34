//! The deadlines of the EU's Cyber Resilience Act, Art. 14: 24 hours, 72 hours, 14 days, started and ended by staff's word.

use crate::office::*;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::ticket::ClockKind;

fn reported() -> Office {
    let mut office = Office::new();
    office.receives(Post::from(STRANGER).to("security@desk.example"));
    office
}

#[test]
fn exploited_starts_24_and_72_hours_and_fixed_14_days() {
    let mut office = reported();
    office.clock_to("2026-09-07 10:30");
    office.answers(DARIO, "#exploited 10:00 seen in our own logs\n");
    let early = office.clock(1, ClockKind::EarlyWarning);
    let notification = office.clock(1, ClockKind::Notification);
    assert_eq!(early.deadline, swiss("2026-09-08 10:00"));
    assert_eq!(notification.deadline, swiss("2026-09-10 10:00"));
    // An answer to the reporter is none to the authorities, and the other way round.
    office.answers(DARIO, "Thank you, we look into it.\n");
    assert!(!office.initial(1).is_running());
    assert!(office.clock(1, ClockKind::EarlyWarning).is_running());
    office.clock_to("2026-09-08 09:00");
    let warned = office.last_to(DARIO);
    assert_eq!(warned.kind, LetterKind::Warning);
    assert!(
        warned.says("early warning to the authorities"),
        "{}",
        warned.text()
    );
    assert!(
        warned.says("08.09.2026 10:00 (Swiss time), by law") && !warned.says("promises none"),
        "no target of our own: {}",
        warned.text()
    );
    assert!(warned.says("with #reported"), "{}", warned.text());
    assert!(
        office.letters_to(ANNA).is_empty(),
        "nobody outside of security"
    );
    office.answers(DARIO, "#reported warning\n");
    assert!(!office.clock(1, ClockKind::EarlyWarning).is_running());
    assert!(office.clock(1, ClockKind::Notification).is_running());
    office.clock_to("2026-09-09 12:00");
    office.answers(
        DARIO,
        "#reported notification 11:30\n#fixed release 1.2.4\n",
    );
    let last = office.clock(1, ClockKind::FinalReport);
    assert_eq!(last.deadline, swiss("2026-09-23 12:00"));
    office.clock_to("2026-09-22 12:00");
    office.answers(DARIO, "#reported final\n");
    assert!(!office.clock(1, ClockKind::FinalReport).is_running());
    assert_eq!(office.ticket(1).credit_days(), 0);
}

#[test]
fn closing_ends_no_deadline_of_the_law() {
    let mut office = reported();
    office.answers(
        DARIO,
        "#exploited proof of concept in the wild\n#close patched\n",
    );
    assert!(office.clock(1, ClockKind::EarlyWarning).is_running());
    office.clock_to("2026-09-08 10:00");
    assert!(
        office.recorded(1, "Early warning"),
        "it is told when it passed"
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (first, then, refused) in [
        ("#note x", "#fixed", "was never said"),
        ("#exploited", "#exploited again", "was said before"),
        ("#exploited", "#reported final", "no final is owed"),
        ("#exploited", "#reported all", "use #reported"),
    ] {
        let mut office = reported();
        office.answers(DARIO, &format!("{first}\n"));
        let clocks = office.ticket(1).clocks;
        office.answers(DARIO, &format!("{then}\n"));
        assert!(
            office.last_to(DARIO).says(refused),
            "{then}: {}",
            office.last_to(DARIO).text()
        );
        assert_eq!(office.ticket(1).clocks, clocks);
    }
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    office.answers(ANNA, "#exploited\n");
    assert!(office.last_to(ANNA).says("confidential queue"));
}
