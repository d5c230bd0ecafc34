//! Letters of ours that come back (C4.7; ATTACKS.md A09, C04): what a genuine bounce changes, and that nothing else changes anything.

use crate::office::*;
use ticketd::desk::event::Movement;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::record::{EntryKind, Fate, Road};
use ticketd::desk::ticket::State;

impl Office {
    /// The letter comes back to where it left from.
    fn returns(&mut self, letter: &Sent, status: &str) -> Fate {
        let path = self.envelope_from(letter);
        self.receives(report(&path, letter, "failed", status)).fate
    }
}

/// A request of the bakery's on Monday at nine, severity 3: due Tuesday at noon; answered an hour later.
fn answered() -> (Office, Sent) {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI));
    assert_eq!(office.initial(1).deadline, swiss("2026-09-08 12:00"));
    office.now = swiss("2026-09-07 10:00");
    office.answers(ANNA, "Try another socket.\n");
    let relay = office.relays().pop().unwrap();
    assert_eq!(office.ticket(1).state, State::WaitingCustomer);
    (office, relay)
}

#[test]
fn each_letter_has_a_return_path_of_its_own() {
    let (mut office, relay) = answered();
    let letters = office.letters();
    let mut paths: Vec<String> = letters.iter().map(|l| office.envelope_from(l)).collect();
    assert!(
        paths
            .iter()
            .all(|p| p.starts_with("support+b") && p.ends_with("@desk.example")),
        "{paths:?}"
    );
    let all = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), all);
    assert!(!relay.raw.contains("support+b"), "only the envelope has it");
    // Whatever is configured goes before it: some servers let no login write such senders.
    let mut policy = policy();
    policy.bounce_address = Some(String::new());
    let mut office = Office::under(policy);
    office.receives(Post::from(KAETHI));
    let ack = office.letters_to(KAETHI).remove(0);
    assert_eq!(office.envelope_from(&ack), "");
}

#[test]
fn c4_7_a_bounced_answer_lets_the_clock_run_on_without_the_time_between() {
    let (mut office, relay) = answered();
    office.now = swiss("2026-09-07 13:00");
    let told = office.letters().len();
    assert_eq!(office.returns(&relay, "5.7.1"), Fate::Filed);
    let clock = office.initial(1);
    assert!(clock.is_running());
    // Eleven hours were left when the answer was accepted.
    assert_eq!(clock.deadline, swiss("2026-09-08 15:00"));
    let ticket = office.ticket(1);
    assert_eq!((ticket.state, ticket.responded), (State::New, None));
    assert_eq!(
        office.count(1, EntryKind::Bounce),
        1,
        "marked on the ticket"
    );
    assert!(office.recorded(1, "runs on (C4.7)"));
    // The writer is told, nobody else, and the customer hears nothing.
    assert_eq!(office.letters().len(), told + 1);
    let word = office.last_to(ANNA);
    assert_eq!(word.kind, LetterKind::Transcript);
    assert!(word.says("did not reach kaethi@baeckerei-keller.example"));
    assert!(
        word.says("Did not arrive: #1") && !word.says("carried out"),
        "no command was given: {}",
        word.text()
    );
    assert!(word.says("Tue 08.09.2026 15:00"), "{}", word.text());
    let failed = office.relays().pop().unwrap();
    assert!(matches!(failed.road, Road::Failed { .. }));
    // 50 % of twelve hours of which three did not count, and each step once.
    office.clock_to("2026-09-07 17:59");
    assert_eq!(office.count(1, EntryKind::Warning), 0);
    office.clock_to("2026-09-08 14:59");
    assert_eq!(office.count(1, EntryKind::Warning), 3);
    // Released, it goes out again and stops the clock.
    office.moves(failed.place, Movement::Released);
    office.letters_leave();
    assert_eq!(office.initial(1).stopped, Some(office.now));
    assert_eq!(office.ticket(1).credit_days(), 0);
}

#[test]
fn c4_7_a_fault_of_the_customers_leaves_the_clock_stopped_and_staff_are_told() {
    for status in ["5.1.1", "5.1.10", "5.2.2", "4.2.2", "5.2.1"] {
        let (mut office, relay) = answered();
        office.returns(&relay, status);
        assert!(!office.initial(1).is_running(), "{status}");
        let word = office.last_to(ANNA);
        assert!(word.says("on the customer's side"), "{}", word.text());
        assert!(word.says(status));
    }
    // Of our own address, of the network, of nothing in particular: ours.
    for status in ["5.1.8", "5.1.7", "5.4.4", "5.0.0", "5.7.26", "4.4.7"] {
        let (mut office, relay) = answered();
        office.returns(&relay, status);
        assert!(office.initial(1).is_running(), "{status}");
    }
}

#[test]
fn c4_7_lateness_before_and_after_counts_and_between_does_not() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI));
    office.clock_to("2026-09-08 12:20");
    office.answers(ANNA, "Sorry for the delay.\n");
    assert_eq!(office.ticket(1).credit_days(), 1);
    let relay = office.relays().pop().unwrap();
    office.clock_to("2026-09-08 14:00");
    office.returns(&relay, "5.7.1");
    let clock = office.initial(1);
    assert_eq!(
        clock.deadline,
        swiss("2026-09-08 12:00"),
        "a past deadline stays"
    );
    office.clock_to("2026-09-08 14:30");
    office.answers(ANNA, "Once more.\n");
    assert_eq!(office.ticket(1).credit_days(), 3, "20 and 30 minutes");
}

#[test]
fn c4_7_a_severity_that_comes_back_leaves_the_time_out_too() {
    let (mut office, relay) = answered();
    office.now = swiss("2026-09-07 13:00");
    office.returns(&relay, "5.7.1");
    assert_eq!(office.initial(1).deadline, swiss("2026-09-08 15:00"));
    office.command(1, "severity 2 more of them");
    assert_eq!(office.initial(1).deadline, swiss("2026-09-07 15:00"));
    office.command(1, "severity 3 fewer again");
    assert_eq!(office.initial(1).deadline, swiss("2026-09-08 15:00"));
    // 24 hours from Monday at nine, and the three that do not count.
    office.command(1, "severity 4 a question");
    assert_eq!(office.initial(1).deadline, swiss("2026-09-10 09:00"));
}

#[test]
fn c4_7_an_earlier_receipt_leaves_the_time_out_too() {
    let mut office = Office::new();
    office.now = swiss("2026-09-07 09:30");
    let call = format!("open {KAETHI} The oven\n#channel phone\n#received 09:20");
    office.command(0, &call);
    assert_eq!(office.initial(1).deadline, swiss("2026-09-08 12:20"));
    office.now = swiss("2026-09-07 10:00");
    office.answers(ANNA, "Try another socket.\n");
    let relay = office.relays().pop().unwrap();
    office.now = swiss("2026-09-07 13:00");
    office.returns(&relay, "5.7.1");
    assert_eq!(office.initial(1).deadline, swiss("2026-09-08 15:20"));
    office.command(1, "received 09:00");
    assert_eq!(office.initial(1).deadline, swiss("2026-09-08 15:00"));
}

#[test]
fn c4_7_an_answer_accepted_meanwhile_counts() {
    let (mut office, relay) = answered();
    office.now = swiss("2026-09-07 11:00");
    office.answers(ANNA, "And look at the fuse.\n");
    office.returns(&relay, "5.7.1");
    assert!(!office.initial(1).is_running());
    assert!(office.last_to(ANNA).says("did not reach"));
}

#[test]
fn c4_7_a_bounce_counts_once_and_an_acceptance_heard_later_not_at_all() {
    let (mut office, relay) = answered();
    office.now = swiss("2026-09-07 11:00");
    office.returns(&relay, "5.7.1");
    let (deadline, letters) = (office.initial(1).deadline, office.letters().len());
    office.now = swiss("2026-09-07 12:00");
    office.returns(&relay, "5.7.1");
    office.moves(relay.place, Movement::Accepted("250".into()));
    assert!(office.initial(1).is_running());
    assert_eq!(office.initial(1).deadline, deadline);
    assert_eq!(office.letters().len(), letters);
    assert_eq!(office.count(1, EntryKind::Bounce), 2, "both are on record");
}

#[test]
fn a_report_of_delay_changes_nothing() {
    let (mut office, relay) = answered();
    let before = (office.ticket(1).clocks, office.letters().len());
    let path = office.envelope_from(&relay);
    let post = report(&path, &relay, "delayed", "4.4.1");
    assert_eq!(office.receives(post).fate, Fate::Filed);
    assert_eq!((office.ticket(1).clocks, office.letters().len()), before);
    assert_eq!(office.count(1, EntryKind::Filed), 1);
    // An absence notice that comes the same way neither.
    let post = Post::from(KAETHI)
        .to(&path)
        .subject("Automatische Antwort: Ferien")
        .with("Auto-Submitted: auto-replied")
        .body("Ich bin in den Ferien.\n");
    assert_eq!(office.receives(post).fate, Fate::Filed);
    assert_eq!((office.ticket(1).clocks, office.letters().len()), before);
}

#[test]
fn a09_a_forged_bounce_does_nothing() {
    let (mut office, relay) = answered();
    let ack = office.letters_to(KAETHI).remove(0);
    let (path, of_ack) = (office.envelope_from(&relay), office.envelope_from(&ack));
    let reply_to = relay.mail.reply_to[0].address.clone();
    let broken = format!("{}a@desk.example", path.split('@').next().unwrap());
    let swapped = path.replace("breply.1.", "breply.2.");
    let before = (office.ticket(1).clocks, office.letters());
    for to in [
        "support@desk.example".to_string(),
        "bounces@desk.example".to_string(),
        reply_to.replace("support+", "support+b"),
        reply_to,
        broken,
        swapped,
    ] {
        let fate = office.receives(report(&to, &relay, "failed", "5.7.1")).fate;
        assert_eq!(fate, Fate::Filed, "{to}");
        assert!(!office.initial(1).is_running(), "{to}");
    }
    // The path of one letter, and another one given back in it.
    office.receives(report(&of_ack, &relay, "failed", "5.7.1"));
    // A person's words are no bounce, wherever they go.
    let post = Post::from(STRANGER).to(&path).body("It came back.\n");
    office.receives(post);
    assert!(!office.initial(1).is_running());
    assert_eq!(office.ticket(1).clocks, before.0);
    let failed = |l: &Sent| matches!(l.road, Road::Failed { .. });
    assert!(!office.letters().iter().any(failed));
    assert_eq!(office.count(1, EntryKind::Bounce), 0);
    let told: Vec<Sent> = office.letters().split_off(before.1.len());
    assert!(
        told.iter().all(|l| l.kind == LetterKind::Notice),
        "of the person's mail"
    );
    // And no address rests by it.
    office.receives(Post::from(KAETHI).subject("Oven"));
    assert_eq!(office.last_to(KAETHI).kind, LetterKind::Acknowledgement);
}

#[test]
fn without_plus_addresses_the_returned_message_id_proves_the_letter() {
    let mut policy = policy();
    policy.queues[0].plus_addresses = false;
    let mut office = Office::under(policy);
    office.receives(Post::from(KAETHI));
    office.answers(ANNA, "Try another socket.\n");
    let relay = office.relays().pop().unwrap();
    assert_eq!(office.envelope_from(&relay), "support@desk.example");
    let forged = Sent {
        id: relay.id.replace("reply.1.", "reply.1.1"),
        ..office.relays().pop().unwrap()
    };
    office.receives(report("support@desk.example", &forged, "failed", "5.7.1"));
    assert!(!office.initial(1).is_running());
    office.returns(&relay, "5.7.1");
    assert!(office.initial(1).is_running());
}

#[test]
fn an_acknowledgement_that_comes_back_is_told_and_the_address_rests() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI));
    let ack = office.last_of(KAETHI, LetterKind::Acknowledgement);
    office.returns(&ack, "5.1.1");
    assert!(office.last_to(ANNA).says("The acknowledgement of entry"));
    assert!(office.initial(1).is_running());
    office.receives(Post::from(KAETHI).subject("Oven"));
    assert!(office.recorded(2, "Not acknowledged"), "the address rests");
    assert_eq!(office.letters_to(KAETHI).len(), 1);
    // A person's answer goes all the same, and a day later so does an acknowledgement.
    office.answers(ANNA, "Try another socket.\n");
    assert_eq!(office.relays().len(), 1);
    office.now += chrono::TimeDelta::hours(25);
    office.receives(Post::from(KAETHI).subject("Mixer"));
    assert_eq!(office.last_to(KAETHI).kind, LetterKind::Acknowledgement);
}

#[test]
fn c04_a_notice_that_comes_back_is_told_to_the_others_once_and_its_address_rests() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI));
    let notice = office.last_of(ANNA, LetterKind::Notice);
    let before = office.letters().len();
    assert_eq!(office.returns(&notice, "5.2.2"), Fate::Filed);
    let told: Vec<String> = office
        .letters()
        .split_off(before)
        .into_iter()
        .map(|l| l.to)
        .collect();
    assert_eq!(told, [BEAT, CARLA], "not the one whose mailbox is full");
    let word = office.last_to(BEAT);
    assert!(word.says("Anna Muster has not read it"));
    assert!(word.says("Did not arrive: #1") && !word.says("carried out"));
    // More of them come back: nobody is told again, and nothing more goes there.
    let again = office.letters().len();
    office.returns(&notice, "5.2.2");
    office.receives(Post::from(KAETHI).subject("Oven"));
    assert!(office.letters_to(ANNA).len() == 1);
    assert_eq!(office.last_to(BEAT).kind, LetterKind::Notice);
    // Those that told the others come back too, and the next ones: it ends.
    let mut rounds = 0;
    let mut at = again;
    while office.letters().len() > at && rounds < 20 {
        let new = office.letters().split_off(at);
        at = office.letters().len();
        for letter in new.iter().filter(|l| STAFF.contains(&l.to.as_str())) {
            office.returns(letter, "5.2.2");
        }
        rounds += 1;
    }
    assert!(rounds < 5, "{rounds} rounds");
    // Where every address rests, a customer's request is still told to all.
    office.receives(Post::from(KAETHI).subject("Mixer"));
    let noticed = |l: &Sent| l.kind == LetterKind::Notice && l.says("#3");
    assert_eq!(office.letters().iter().filter(|l| noticed(l)).count(), 3);
    assert!(office.tickets().len() == 3);
}

#[test]
fn a_responder_without_marks_at_a_return_path_starts_no_circle() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI));
    let notice = office.last_of(ANNA, LetterKind::Notice);
    let path = office.envelope_from(&notice);
    let before = office.letters().len();
    let post = Post::from(ANNA)
        .to(&path)
        .subject("Got it")
        .body("I got your mail.\n");
    assert_eq!(office.receives(post).fate, Fate::Filed);
    assert_eq!(office.letters().len(), before);
    assert!(office.initial(1).is_running());
}
