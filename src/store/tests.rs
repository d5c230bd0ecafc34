//! The store's promises, each seen kept under crashes, torn writes, failing syncs and flipped bits.

use super::disk::{FakeDisk, Ruin};
use super::index::{Index, MemoryIndex, ROWS_MAX, SledIndex};
use super::journal::Damage;
use super::writing::{Encoded, StoredOutcome};
use super::*;
use crate::contract::{Objective, Step, Subscription};
use crate::desk::LetterKind;
use crate::desk::event::Due;
use crate::desk::record::*;
use crate::desk::ticket::*;
use crate::mail::{self, Language, Mailbox};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn start() -> DateTime<Utc> {
    at("2026-03-27T08:00:00Z")
}

fn raw_mail(n: u64, bytes: usize) -> Arc<[u8]> {
    let mut raw =
        format!("Message-ID: <{n}@customer.example>\r\nSubject: help {n}\r\n\r\n").into_bytes();
    while raw.len() < bytes {
        raw.extend_from_slice(b"The machine in hall 7 stands still.\r\n");
    }
    raw.into()
}

fn ticket(n: u64, raw: &[u8]) -> Ticket {
    let address = format!("anna{n}@customer.example");
    Ticket {
        id: TicketId(n),
        first_mail: Fingerprint::of(raw),
        queue: "support".into(),
        former_queues: vec![],
        subject: format!("help {n}"),
        state: State::New,
        severity: 3,
        severity_by: SeverityBy::Rules,
        language: Language::De,
        subscription: Subscription {
            customer: Some("acme".into()),
            customer_name: "Acme AG".into(),
            plan: "standard".into(),
            language: None,
            tam: None,
        },
        requester: serde_json::from_value(serde_json::json!({"name": "Anna", "address": address}))
            .unwrap_or_else(|_| mailbox(&address)),
        requester_proven: false,
        participants: vec![address],
        assignee: None,
        watchers: vec![],
        opened_by: None,
        channel: None,
        nothing: None,
        received: start(),
        responded: None,
        closed: None,
        clocks: vec![clock(start() + TimeDelta::minutes(n as i64))],
        entries: 3,
        tags: vec![],
        references: vec![format!("{n}@customer.example")],
        linked: vec![],
        merged_into: None,
        merged: vec![],
        incident: None,
        policy: Fingerprint::of(b"policy"),
    }
}

fn mailbox(address: &str) -> Mailbox {
    Mailbox {
        name: "Anna".into(),
        address: address.into(),
    }
}

fn clock(next: DateTime<Utc>) -> Clock {
    Clock {
        kind: ClockKind::InitialResponse,
        objective: Objective {
            clause: "C4.1".into(),
            minutes: 480,
            hours: "business".into(),
            internal: false,
        },
        started: start(),
        deadline: start() + TimeDelta::hours(8),
        step_done: None,
        warned: vec![],
        next: Some((next, Step::Percent(50))),
        by_severity: vec![],
        by_account: vec![],
        account: None,
        unanswered: None,
        stopped: None,
        breached: None,
        credit_days: 0,
        uncounted: vec![],
        policy: None,
        credited: None,
    }
}

fn blank(place: Place, kind: EntryKind) -> Entry {
    Entry {
        place,
        at: start(),
        kind,
        direction: Direction::In,
        from: "anna@customer.example".into(),
        subject: "help".into(),
        message_id: None,
        text: "The machine in hall 7 stands still.".into(),
        mail: None,
        letter: None,
        turns: vec![],
        credit: None,
        time: None,
    }
}

fn mail_entry(place: Place, raw: &[u8]) -> Entry {
    let id = format!("{}.{}@customer.example", place.ticket, place.seq);
    Entry {
        message_id: Some(id.clone()),
        mail: Some(MailFacts {
            raw: Fingerprint::of(raw),
            written: Some(Fingerprint::of(&[raw, b"written"].concat())),
            bytes: raw.len() as u64,
            queue: "support".into(),
            mailbox: "support".into(),
            kind: mail::Kind::Human,
            kind_reason: "no mark of a machine".into(),
            found_by: vec![id],
            oddities: vec![],
            said: None,
            words: None,
            answers: None,
        }),
        ..blank(place, EntryKind::Mail)
    }
}

fn letter_entry(place: Place, kind: LetterKind, road: Road, attempts: u32) -> Entry {
    Entry {
        direction: Direction::Out,
        letter: Some(LetterFacts {
            kind,
            to: "anna@customer.example".into(),
            envelope_from: String::new(),
            raw: None,
            road,
            attempts,
            last_error: String::new(),
            returned: None,
            tells: None,
        }),
        ..blank(place, EntryKind::Letter)
    }
}

fn place(ticket: u64, seq: u32) -> Place {
    Place {
        ticket: TicketId(ticket),
        seq,
    }
}

fn waiting() -> Road {
    Road::Waiting { next_try: start() }
}

/// A mail that opens a ticket: an acknowledgement to the customer, a notice to staff.
fn opened(n: u64, raw: &[u8]) -> Outcome {
    Outcome {
        keep_raw: true,
        fate: Fate::Opened,
        ..Outcome::of("opened")
            .with(Record::Ticket(Box::new(ticket(n, raw))))
            .with(Record::Entry(Box::new(mail_entry(place(n, 1), raw))))
            .with(Record::Entry(Box::new(letter_entry(
                place(n, 2),
                LetterKind::Acknowledgement,
                waiting(),
                0,
            ))))
            .with(Record::Entry(Box::new(letter_entry(
                place(n, 3),
                LetterKind::Notice,
                waiting(),
                0,
            ))))
            .with(Record::Counters(Counters {
                ticket: n,
                filed: 0,
            }))
    }
}

fn add_opened(batch: &mut Batch, n: u64, bytes: usize) {
    let raw = raw_mail(n, bytes);
    batch.add(opened(n, &raw), Some(raw.clone()));
    for seq in [2, 3] {
        batch.letter(place(n, seq), letter_bytes(n, seq));
    }
}

fn letter_bytes(n: u64, seq: u32) -> Vec<u8> {
    format!("Subject: [{n}] letter {seq}\r\n\r\nWe are on it.\r\n").into_bytes()
}

fn small() -> Options {
    Options {
        segment_bytes: 6_000,
        reserve_bytes: 0,
        ..Options::default()
    }
}

fn over(disk: &FakeDisk, index: &MemoryIndex) -> Result<Store> {
    Store::over(Box::new(disk.clone()), Box::new(index.clone()), small())
}

fn rows(index: &MemoryIndex) -> BTreeMap<String, String> {
    let text = |value: Vec<u8>| String::from_utf8(value).unwrap();
    index
        .rows()
        .into_iter()
        .map(|(k, v)| (k, text(v)))
        .collect()
}

fn rows_of(reader: &Reader) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    reader
        .index()
        .scan("", "", &mut |key, value| {
            rows.insert(key.to_string(), text(value));
            Ok(true)
        })
        .unwrap();
    rows
}

fn without_meta(mut rows: BTreeMap<String, String>) -> BTreeMap<String, String> {
    rows.remove(keys::META);
    rows
}

fn tickets(reader: &Reader) -> Vec<u64> {
    let mut numbers = vec![];
    reader
        .tickets(&mut |ticket| {
            numbers.push(ticket.id.0);
            true
        })
        .unwrap();
    numbers
}

#[track_caller]
fn assert_sound(store: &Store) {
    let findings = audit::audit(&store.reader()).unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn a_new_ticket_costs_ten_rows() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = over(&disk, &index).unwrap();
    let mut batch = store.begin();
    add_opened(&mut batch, 1, 500);
    store.commit(batch).unwrap();
    let mut rows = rows(&index);
    rows.retain(|key, _| key != keys::META && key != keys::COUNTERS);
    assert_eq!(rows.len(), 10, "{rows:#?}");
}

#[test]
fn what_was_committed_is_read_back() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = over(&disk, &index).unwrap();
    let mut batch = store.begin();
    add_opened(&mut batch, 1, 500);
    add_opened(&mut batch, 2, 500);
    store.commit(batch).unwrap();
    let reader = store.reader();
    assert_eq!(tickets(&reader), [1, 2]);
    assert_eq!(
        reader.bytes(place(2, 1)).unwrap().unwrap(),
        *raw_mail(2, 500)
    );
    assert_eq!(
        reader.bytes(place(2, 3)).unwrap().unwrap(),
        letter_bytes(2, 3)
    );
    assert_eq!(reader.entries(TicketId(1)).unwrap().len(), 3);
    assert_eq!(reader.outbox().unwrap().len(), 4);
    assert_eq!(reader.next_letter().unwrap(), Some(start()));
    assert_eq!(
        reader.next_due().unwrap(),
        Some(start() + TimeDelta::minutes(1))
    );
    let due = reader.due(start() + TimeDelta::minutes(1), 10).unwrap();
    assert_eq!(
        due,
        [Due {
            ticket: TicketId(1),
            clock: ClockKind::InitialResponse,
            step: Step::Percent(50),
            at: start() + TimeDelta::minutes(1),
        }]
    );
    assert_sound(&store);
}

/// The journal's JSON is written by hand around the values; serde must read the same from it.
#[test]
fn an_outcome_reads_back_as_serde_would_have_written_it() {
    let raw = raw_mail(7, 100);
    let outcome = opened(7, &raw)
        .with(Record::Cursor(cursor(9)))
        .with(Record::Allowance(Allowance {
            name: "all".into(),
            sent: vec![(2_960_000, 3)],
            answered: vec![],
        }));
    let encoded = Encoded::of(&outcome.records, "why \"so\"", outcome.fate).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&encoded.bytes).unwrap();
    assert_eq!(
        value,
        serde_json::json!({"because": "why \"so\"", "fate": "opened", "records": outcome.records})
    );
    let stored: StoredOutcome = serde_json::from_slice(&encoded.bytes).unwrap();
    assert_eq!(stored.records, outcome.records);
}

fn cursor(uid: u32) -> Cursor {
    Cursor {
        mailbox: "support".into(),
        uid_validity: 1,
        uid,
        owed: vec![],
        polled: start(),
    }
}

#[test]
fn a_batch_sees_what_it_has_decided() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = over(&disk, &index).unwrap();
    let mut batch = store.begin();
    let (first, second) = (raw_mail(1, 100), raw_mail(2, 100));
    batch.add(opened(1, &first), None);
    check_known(&store, &batch, &first, true);
    check_known(&store, &batch, &second, false);
    for seq in [2, 3] {
        batch.letter(place(1, seq), letter_bytes(1, seq));
    }
    let mut again = store.begin();
    store.commit(batch).unwrap();
    check_known(&store, &again, &first, true);
    // The entry loses its mail: nothing finds it any more, in the batch and afterwards.
    let erased = Record::Entry(Box::new(blank(place(1, 1), EntryKind::Erased)));
    again.add(Outcome::of("erased").with(erased), None);
    check_known(&store, &again, &first, false);
    store.commit(again).unwrap();
    check_known(&store, &store.begin(), &first, false);
    assert_sound(&store);
}

#[track_caller]
fn check_known(store: &Store, batch: &Batch, raw: &[u8], known: bool) {
    let seen = store.load(batch, &Ask::Seen(Fingerprint::of(raw))).unwrap();
    assert!(
        matches!(seen, Answer::Seen(place) if place.is_some() == known),
        "{seen:?}"
    );
    if Fingerprint::of(raw) == Fingerprint::of(&raw_mail(1, 100)) {
        let ask = Ask::FoundBy {
            queue: "support".into(),
            message_id: "1.1@customer.example".into(),
        };
        let found = store.load(batch, &ask).unwrap();
        assert!(
            matches!(found, Answer::FoundBy(id) if id.is_some() == known),
            "{found:?}"
        );
    }
}

#[test]
fn a_forged_message_id_takes_no_thread_away() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = over(&disk, &index).unwrap();
    let mut batch = store.begin();
    add_opened(&mut batch, 1, 100);
    let raw = raw_mail(2, 100);
    let mut forged = opened(2, &raw);
    for record in &mut forged.records {
        if let Record::Entry(entry) = record
            && let Some(mail) = &mut entry.mail
        {
            mail.found_by = vec!["1.1@customer.example".into()];
        }
    }
    batch.add(forged, Some(raw));
    let ask = Ask::FoundBy {
        queue: "support".into(),
        message_id: "1.1@customer.example".into(),
    };
    let answer = store.load(&batch, &ask).unwrap();
    assert!(
        matches!(answer, Answer::FoundBy(Some(TicketId(1)))),
        "{answer:?}"
    );
    store.commit(batch).unwrap();
    let answer = store.load(&store.begin(), &ask).unwrap();
    assert!(
        matches!(answer, Answer::FoundBy(Some(TicketId(1)))),
        "{answer:?}"
    );
}

/// Who answers where the mail had come to means its ticket still.
#[test]
fn a_thread_follows_its_ticket_to_another_queue() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = over(&disk, &index).unwrap();
    let mut batch = store.begin();
    add_opened(&mut batch, 1, 100);
    store.commit(batch).unwrap();
    let mut moved = store.reader().ticket(TicketId(1)).unwrap().unwrap();
    moved.queue = "security".into();
    let mut batch = store.begin();
    batch.add(
        Outcome::of("moved").with(Record::Ticket(Box::new(moved))),
        None,
    );
    store.commit(batch).unwrap();
    for (queue, there) in [("support", true), ("security", true), ("billing", false)] {
        let ask = Ask::FoundBy {
            queue: queue.into(),
            message_id: "1.1@customer.example".into(),
        };
        let answer = store.load(&store.begin(), &ask).unwrap();
        assert!(
            matches!(answer, Answer::FoundBy(id) if id.is_some() == there),
            "{queue}"
        );
    }
    assert_sound(&store);
}

#[test]
fn an_entry_that_its_ticket_no_longer_counts_leaves_no_row_behind() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = over(&disk, &index).unwrap();
    let mut batch = store.begin();
    add_opened(&mut batch, 1, 100);
    store.commit(batch).unwrap();
    let mut counts_less = store.reader().ticket(TicketId(1)).unwrap().unwrap();
    counts_less.entries = 2;
    let failed = Road::Failed { at: start() };
    let written_again = letter_entry(place(1, 3), LetterKind::Notice, failed, 1);
    let mut batch = store.begin();
    batch.add(
        Outcome::of("counts less").with(Record::Ticket(Box::new(counts_less.clone()))),
        None,
    );
    batch.add(
        Outcome::of("came back")
            .with(Record::Ticket(Box::new(counts_less)))
            .with(Record::Entry(Box::new(written_again))),
        None,
    );
    store.commit(batch).unwrap();
    let rows = rows(&index);
    let waits = rows.keys().filter(|key| key.starts_with(keys::OUTBOX));
    assert_eq!(waits.count(), 1, "only the acknowledgement waits");
    let meta: Meta = serde_json::from_str(&rows[keys::META]).unwrap();
    assert_eq!(index::sum_of(&index).unwrap(), meta.sum);
}

#[test]
fn a_stopped_clock_leaves_no_deadline() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = over(&disk, &index).unwrap();
    let mut batch = store.begin();
    add_opened(&mut batch, 1, 100);
    store.commit(batch).unwrap();
    let mut answered = store.reader().ticket(TicketId(1)).unwrap().unwrap();
    answered.clocks[0].stopped = Some(start());
    let mut batch = store.begin();
    batch.add(
        Outcome::of("answered").with(Record::Ticket(Box::new(answered))),
        None,
    );
    store.commit(batch).unwrap();
    assert_eq!(store.reader().next_due().unwrap(), None);
    assert_sound(&store);
}

#[test]
fn letters_leave_by_kind_then_fresh_and_deferred_in_turn() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = over(&disk, &index).unwrap();
    let mut batch = store.begin();
    let mut outcome = Outcome::of("letters");
    let early = Road::Waiting {
        next_try: start() - TimeDelta::hours(1),
    };
    let later = Road::Waiting {
        next_try: start() + TimeDelta::hours(1),
    };
    let letters = [
        (LetterKind::Notice, waiting(), 0),
        (LetterKind::Acknowledgement, early.clone(), 0),
        (LetterKind::Acknowledgement, waiting(), 0),
        (LetterKind::Acknowledgement, early.clone(), 3),
        (LetterKind::Acknowledgement, waiting(), 3),
        (LetterKind::Relay, waiting(), 1),
        (LetterKind::Warning, later, 0),
        (LetterKind::Warning, Road::Held, 0),
        (
            LetterKind::Breach,
            Road::Taken {
                at: start(),
                next_try: start(),
            },
            1,
        ),
        (LetterKind::Breach, Road::Accepted { at: start() }, 1),
    ];
    for (n, (kind, road, attempts)) in letters.into_iter().enumerate() {
        let entry = letter_entry(place(0, n as u32 + 1), kind, road, attempts);
        outcome = outcome.with(Record::Entry(Box::new(entry)));
    }
    batch.add(outcome, None);
    store.commit(batch).unwrap();
    let due = |limit| -> Vec<u32> {
        let letters = store.reader().letters_due(start(), limit).unwrap();
        letters.iter().map(|entry| entry.place.seq).collect()
    };
    assert_eq!(due(100), [6, 9, 2, 4, 3, 5, 1]);
    assert_eq!(due(3), [6, 9, 2]);
    assert_eq!(due(0), [0; 0]);
    assert_eq!(store.reader().outbox().unwrap().len(), 9);
}

#[test]
fn the_outbox_is_counted_as_its_letters_say() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = over(&disk, &index).unwrap();
    let failed = Road::Failed { at: start() };
    let unknown = Road::Unknown { at: start() };
    let taken = Road::Taken {
        at: start(),
        next_try: start(),
    };
    let accepted = Road::Accepted { at: start() };
    let roads = [
        Road::Held,
        failed.clone(),
        waiting(),
        Road::Held,
        unknown,
        failed.clone(),
        taken,
        accepted,
        failed,
    ];
    let mut batch = store.begin();
    let mut outcome = Outcome::of("letters");
    for (n, road) in roads.into_iter().enumerate() {
        let mut entry = letter_entry(place(0, n as u32 + 1), LetterKind::Notice, road, 0);
        entry.at = start() - TimeDelta::minutes(n as i64);
        outcome = outcome.with(Record::Entry(Box::new(entry)));
    }
    batch.add(outcome, None);
    store.commit(batch).unwrap();
    let counts = store.reader().outbox_counts().unwrap();
    let expected = OutboxCounts {
        waiting: 2,
        // The letter that was taken, the seventh.
        oldest: Some(start() - TimeDelta::minutes(6)),
        held: 2,
        failed: 3,
        unknown: 1,
    };
    assert_eq!(counts, expected);
    assert_eq!(counts.all(), store.reader().outbox().unwrap().len());
}

#[test]
fn a_mail_of_ten_megabytes_comes_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let mut batch = store.begin();
    add_opened(&mut batch, 1, 10 * 1024 * 1024);
    store.commit(batch).unwrap();
    let bytes = store.reader().bytes(place(1, 1)).unwrap().unwrap();
    assert!(bytes == *raw_mail(1, 10 * 1024 * 1024));
    assert_sound(&store);
}

#[test]
fn a_second_opening_is_told_that_the_folder_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let error = Store::open(folder.path()).err().expect("locked");
    assert!(error.downcast_ref::<Locked>().is_some(), "{error:#}");
    store.close().unwrap();
    Store::open(folder.path()).unwrap();
}

#[test]
fn a_claim_holds_the_folder_until_it_is_dropped_and_the_store_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let is_locked = || match Store::claim(folder.path()) {
        Ok(_) => false,
        Err(error) => error.is::<Locked>() || panic!("{error:#}"),
    };
    let claim = Store::claim(folder.path()).unwrap();
    assert!(is_locked());
    assert!(Store::open(folder.path()).err().unwrap().is::<Locked>());
    drop(claim);
    assert!(!is_locked());
    let store = (Store::claim(folder.path()).unwrap())
        .open(Options::default())
        .unwrap();
    assert!(is_locked(), "the store goes on with the claim's lock");
    store.close().unwrap();
    assert!(!is_locked());
}

#[test]
fn the_state_folder_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("state");
    let _store = Store::open(&folder).unwrap();
    let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_policy_file_is_kept_once() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = over(&disk, &index).unwrap();
    let hash = Fingerprint::of(b"the three files");
    assert!(store.keep_policy("contract.toml", "a = 1", hash).unwrap());
    assert!(store.keep_policy("staff.toml", "b = 2", hash).unwrap());
    assert!(!store.keep_policy("contract.toml", "a = 1", hash).unwrap());
    let files = store.reader().policy(hash).unwrap();
    assert_eq!(files[0], ("contract.toml".to_string(), "a = 1".to_string()));
    assert_eq!(files.len(), 2);
    let again = over(&disk, &MemoryIndex::new()).unwrap();
    assert_eq!(again.reader().policy(hash).unwrap(), files);
    assert_sound(&again);
}

#[test]
fn a_confidential_queue_leaves_no_word_in_the_index() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let options = Options {
        confidential: Some(["security".to_string()].into()),
        ..small()
    };
    let open = || {
        Store::over(
            Box::new(disk.clone()),
            Box::new(index.clone()),
            options.clone(),
        )
    };
    let mut store = open().unwrap();
    let raw = raw_mail(1, 200);
    let mut outcome = opened(1, &raw);
    for record in &mut outcome.records {
        match record {
            Record::Ticket(ticket) => {
                ticket.queue = "security".into();
                ticket.subject = "canary-ticket".into();
            }
            Record::Entry(entry) => entry.text = "canary-entry".into(),
            _ => {}
        }
    }
    let mut batch = store.begin();
    batch.add(outcome, Some(raw.clone()));
    for seq in [2, 3] {
        batch.letter(place(1, seq), letter_bytes(1, seq));
    }
    store.commit(batch).unwrap();
    // A letter goes a step on its road: its ticket is not among the records.
    let moved = letter_entry(place(1, 2), LetterKind::Acknowledgement, Road::Held, 1);
    let moved = Entry {
        text: "canary-moved".into(),
        ..moved
    };
    let mut batch = store.begin();
    batch.add(
        Outcome::of("moved").with(Record::Entry(Box::new(moved))),
        None,
    );
    batch.letter(place(1, 2), letter_bytes(1, 2));
    store.commit(batch).unwrap();
    let all = format!("{:?}", rows(&index));
    assert!(
        !all.contains("canary") && !all.contains("customer.example"),
        "{all}"
    );
    let reader = store.reader();
    assert_eq!(
        reader.ticket(TicketId(1)).unwrap().unwrap().subject,
        "canary-ticket"
    );
    assert_eq!(
        reader.entry(place(1, 2)).unwrap().unwrap().text,
        "canary-moved"
    );
    assert_eq!(reader.bytes(place(1, 1)).unwrap().unwrap(), *raw);
    assert_sound(&store);
}

/// What the desk makes of `#queue`: the ticket elsewhere, its record once more. However long that is, the index takes few rows at a time.
#[test]
fn a_long_record_that_becomes_confidential_leaves_no_word_in_the_index() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let options = Options {
        confidential: Some(["security".to_string()].into()),
        ..small()
    };
    let mut store = Store::over(Box::new(disk), Box::new(Few(index.clone())), options).unwrap();
    let raw = raw_mail(1, 200);
    let mut batch = store.begin();
    batch.add(opened(1, &raw), Some(raw.clone()));
    for seq in [2, 3] {
        batch.letter(place(1, seq), letter_bytes(1, seq));
    }
    store.commit(batch).unwrap();
    for seq in 4..500 {
        let sent = Road::Accepted { at: start() };
        let mut note = letter_entry(place(1, seq), LetterKind::Notice, sent, 1);
        (note.letter, note.text) = (None, "canary-note".into());
        let mut batch = store.begin();
        batch.add(
            Outcome::of("note").with(Record::Entry(Box::new(note))),
            None,
        );
        store.commit(batch).unwrap();
    }
    let mut ticket = store.reader().ticket(TicketId(1)).unwrap().unwrap();
    ticket.queue = "security".into();
    ticket.entries = 499;
    let entries = store.reader().entries(TicketId(1)).unwrap();
    let moved = Outcome::of("moved").with(Record::Ticket(Box::new(ticket)));
    let records = entries.into_iter().map(|e| Record::Entry(Box::new(e)));
    let mut batch = store.begin();
    batch.add(records.fold(moved, Outcome::with), None);
    store.commit(batch).unwrap();
    let all = format!("{:?}", rows(&index));
    assert!(!all.contains("canary") && !all.contains("customer.example"));
    assert_eq!(store.reader().entries(TicketId(1)).unwrap().len(), 499);
    assert_eq!(store.reader().bytes(place(1, 1)).unwrap().unwrap(), *raw);
    assert_sound(&store);
}

/// An index that takes no more rows at a time than sled does.
struct Few(MemoryIndex);

impl Index for Few {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.0.get(key)
    }
    fn scan(
        &self,
        prefix: &str,
        from: &str,
        visit: &mut dyn FnMut(&str, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        self.0.scan(prefix, from, visit)
    }
    fn apply(&self, rows: &index::Rows) -> Result<()> {
        assert!(rows.len() <= ROWS_MAX, "{}", rows.len());
        self.0.apply(rows)
    }
    fn checkpoint(&self) -> Result<()> {
        Ok(())
    }
    fn begin_anew(&self, why: &str) -> Result<()> {
        self.0.begin_anew(why)
    }
    fn is_clean(&self) -> bool {
        false
    }
    fn in_use(&self) -> Result<()> {
        Ok(())
    }
    fn close(&self) -> Result<()> {
        Ok(())
    }
}

#[test]
fn groups_of_rows_hold_whole_outcomes() {
    #[derive(Clone, Default)]
    struct Watched(MemoryIndex, Arc<std::sync::Mutex<Vec<usize>>>);
    impl Index for Watched {
        fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
            self.0.get(key)
        }
        fn scan(
            &self,
            prefix: &str,
            from: &str,
            visit: &mut dyn FnMut(&str, &[u8]) -> Result<bool>,
        ) -> Result<()> {
            self.0.scan(prefix, from, visit)
        }
        fn apply(&self, rows: &index::Rows) -> Result<()> {
            self.1.lock().unwrap().push(rows.len());
            self.0.apply(rows)?;
            // After each group the index fits its own sum.
            let meta: Meta = serde_json::from_slice(&self.0.get(keys::META)?.unwrap()).unwrap();
            assert_eq!(index::sum_of(&self.0)?, meta.sum);
            Ok(())
        }
        fn checkpoint(&self) -> Result<()> {
            Ok(())
        }
        fn begin_anew(&self, why: &str) -> Result<()> {
            self.0.begin_anew(why)
        }
        fn is_clean(&self) -> bool {
            false
        }
        fn in_use(&self) -> Result<()> {
            Ok(())
        }
        fn close(&self) -> Result<()> {
            Ok(())
        }
    }
    let (disk, index) = (FakeDisk::new(), Watched::default());
    let mut store = Store::over(Box::new(disk), Box::new(index.clone()), small()).unwrap();
    let mut batch = store.begin();
    for n in 1..=100 {
        add_opened(&mut batch, n, 100);
    }
    store.commit(batch).unwrap();
    let groups = index.1.lock().unwrap().clone();
    assert!(groups.iter().all(|&rows| rows <= ROWS_MAX), "{groups:?}");
    assert_eq!(groups.len(), 6, "{groups:?}");
}

// ---- Crashes: the script below, interrupted at every step of the disk.

/// Batches of tickets, a change of an earlier one, a policy file; small segments, so that new ones are begun on the way. Which tickets each step opens.
fn script_step(store: &mut Store, step: u64) -> Result<()> {
    if step == 3 {
        return store
            .keep_policy("contract.toml", "a = 1", Fingerprint::of(b"a"))
            .map(drop);
    }
    let mut batch = store.begin();
    for n in opens(step) {
        add_opened(&mut batch, n, 900);
    }
    if step == 5 {
        let sent = Road::Accepted { at: start() };
        let mut letter = letter_entry(place(1, 2), LetterKind::Acknowledgement, sent, 1);
        if let Some(facts) = &mut letter.letter {
            facts.raw = Some(Fingerprint::of(&letter_bytes(1, 2)));
        }
        batch.add(
            Outcome::of("sent").with(Record::Entry(Box::new(letter))),
            None,
        );
    }
    store.commit(batch)
}

const SCRIPT_STEPS: u64 = 7;

fn opens(step: u64) -> std::ops::Range<u64> {
    let first = step * 3 + 1;
    if step == 3 {
        first..first
    } else {
        first..first + 3
    }
}

/// Runs the script until something fails: the steps that were committed, and the one that failed.
fn run_script(disk: &FakeDisk, index: &MemoryIndex) -> (Vec<u64>, Option<u64>) {
    let mut done = vec![];
    let Ok(mut store) = over(disk, index) else {
        return (done, None);
    };
    for step in 0..SCRIPT_STEPS {
        if script_step(&mut store, step).is_err() {
            return (done, Some(step));
        }
        done.push(step);
    }
    (done, None)
}

#[track_caller]
fn check_after_crash(
    disk: &FakeDisk,
    index: &MemoryIndex,
    done: &[u64],
    interrupted: Option<u64>,
    case: &str,
) {
    let store = over(disk, index).unwrap_or_else(|e| panic!("{case}: {e:#}"));
    let there = tickets(&store.reader());
    let surely: Vec<u64> = done.iter().flat_map(|&step| opens(step)).collect();
    let with: Vec<u64> = surely
        .iter()
        .copied()
        .chain(interrupted.into_iter().flat_map(opens))
        .collect();
    assert!(
        there == surely || there == with,
        "{case}: {there:?}, committed {surely:?}"
    );
    for &n in &there {
        let reader = store.reader();
        assert_eq!(
            *reader.bytes(place(n, 1)).unwrap().unwrap(),
            *raw_mail(n, 900),
            "{case}"
        );
        assert_eq!(
            reader.bytes(place(n, 2)).unwrap().unwrap(),
            letter_bytes(n, 2),
            "{case}"
        );
    }
    let findings = audit::audit(&store.reader()).unwrap();
    assert!(findings.is_empty(), "{case}: {findings:#?}");
    let mut store = store;
    let mut batch = store.begin();
    add_opened(&mut batch, 1_000, 900);
    store
        .commit(batch)
        .unwrap_or_else(|e| panic!("{case}: {e:#}"));
    drop(store);
    let again = over(disk, &MemoryIndex::new()).unwrap();
    assert_eq!(tickets(&again.reader()).last(), Some(&1_000), "{case}");
}

#[test]
fn a_crash_at_any_step_loses_nothing_that_was_committed() {
    let whole = FakeDisk::new();
    run_script(&whole, &MemoryIndex::new());
    let steps = whole.steps();
    assert!(
        steps > 30,
        "the script is too short to mean something: {steps}"
    );
    let ruins = [Ruin::Nothing, Ruin::Everything]
        .into_iter()
        .chain((0..8).map(Ruin::Torn));
    for ruin in ruins {
        for step in 1..=steps {
            for index_survives in [false, true] {
                let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
                disk.crash_at(step);
                let (done, interrupted) = run_script(&disk, &index);
                disk.power_cut(ruin);
                let index = if index_survives {
                    index
                } else {
                    MemoryIndex::new()
                };
                let case = format!("{ruin:?}, step {step}, index survives: {index_survives}");
                check_after_crash(&disk, &index, &done, interrupted, &case);
            }
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_that_was_committed() {
    for step in 1..60 {
        let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
        disk.crash_at(step);
        let (done, interrupted) = run_script(&disk, &index);
        disk.killed();
        check_after_crash(
            &disk,
            &index,
            &done,
            interrupted,
            &format!("killed at {step}"),
        );
    }
}

/// A crash during the repair of a crash.
#[test]
fn a_crash_while_opening_loses_nothing_either() {
    for first in 1..60 {
        for second in 1..8 {
            let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
            disk.crash_at(first);
            let (done, interrupted) = run_script(&disk, &index);
            disk.power_cut(Ruin::Torn(first));
            disk.crash_at(disk.steps() + second);
            let _ = over(&disk, &index);
            disk.power_cut(Ruin::Torn(second));
            let case = format!("at {first}, then {second} into the opening");
            check_after_crash(&disk, &index, &done, interrupted, &case);
        }
    }
}

#[test]
fn after_a_failed_sync_the_journal_goes_on_in_a_new_segment() {
    let whole = FakeDisk::new();
    run_script(&whole, &MemoryIndex::new());
    for step in 1..=whole.steps() {
        let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
        disk.fail_sync_at(step);
        let Ok(mut store) = over(&disk, &index) else {
            continue;
        };
        let mut done = vec![];
        for n in 0..SCRIPT_STEPS {
            if script_step(&mut store, n).is_ok() {
                done.push(n);
            } else {
                // The clerk tries again.
                script_step(&mut store, n).unwrap_or_else(|e| panic!("step {step}: {e:#}"));
                done.push(n);
            }
        }
        assert_sound(&store);
        drop(store);
        disk.power_cut(Ruin::Torn(step));
        check_after_crash(&disk, &index, &done, None, &format!("sync {step} failed"));
    }
}

#[test]
fn a_full_disk_takes_no_batch_and_then_goes_on() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let options = Options {
        reserve_bytes: 4_000,
        low_water_bytes: 5_000,
        ..small()
    };
    let mut store = Store::over(Box::new(disk.clone()), Box::new(index), options).unwrap();
    store.checkpoint().unwrap();
    assert_eq!(store.room(), Room::Plenty);
    disk.set_free_bytes(Some(100));
    assert_eq!(store.room(), Room::Scarce);
    let mut batch = store.begin();
    add_opened(&mut batch, 1, 900);
    let error = store.commit(batch).expect_err("full");
    assert!(error.downcast_ref::<Broken>().is_none(), "{error:#}");
    assert_eq!(
        disk.list("").unwrap(),
        Vec::<String>::new(),
        "the reserve is given up"
    );
    disk.set_free_bytes(None);
    script_step(&mut store, 0).unwrap();
    assert_eq!(tickets(&store.reader()), [1, 2, 3]);
    assert_sound(&store);
}

/// What was decided on a batch that the disk refused was decided on nothing: neither is taken, and both can come again.
#[test]
fn what_was_decided_on_a_batch_that_failed_is_dropped_with_it() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = over(&disk, &index).unwrap();
    let opened = |n| {
        let mut batch = Batch::default();
        add_opened(&mut batch, n, 100);
        batch
    };
    let number = |view: &View| match view.load(&Batch::default(), &Ask::Counters).unwrap() {
        Answer::Counters(counters) => counters.ticket,
        other => panic!("{other:?}"),
    };
    disk.fail_sync_at(disk.steps() + 2);
    let seen = std::cell::Cell::new(0);
    let failed = store.commit_while(opened(1), |view| {
        seen.set(number(view));
        opened(2)
    });
    assert!(failed.is_err());
    assert_eq!(seen.get(), 1);
    assert!(tickets(&store.reader()).is_empty());
    let second = store.commit_while(opened(1), |view| opened(number(view) + 1));
    store.commit(second.unwrap()).unwrap();
    assert_eq!(tickets(&store.reader()), [1, 2]);
    assert_sound(&store);
}

/// Also questions that are rarely asked, and are answered from elsewhere than the rows.
#[test]
fn a_mail_and_the_open_tickets_of_a_batch_are_seen_before_it_is_committed() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = over(&disk, &index).unwrap();
    let opened = |n| {
        let mut batch = Batch::default();
        add_opened(&mut batch, n, 100);
        batch
    };
    let seen = |view: &View, batch: &Batch, n| {
        let mail = view.load(batch, &Ask::Mail(place(n, 1))).unwrap();
        let open = view.load(batch, &Ask::OpenOf("acme".into())).unwrap();
        let (Answer::Mail(Some(mail)), Answer::OpenOf(open)) = (mail, open) else {
            panic!("no mail {n}");
        };
        assert!(mail.subject.contains(&n.to_string()), "{}", mail.subject);
        open.iter().map(|ticket| ticket.id.0).collect::<Vec<_>>()
    };
    let first = opened(1);
    assert_eq!(seen(&store.view(), &first, 1), [1]);
    let second = store.commit_while(first, |view| {
        let second = opened(2);
        assert_eq!(seen(view, &second, 1), [1, 2]);
        assert_eq!(seen(view, &second, 2), [1, 2]);
        second
    });
    store.commit(second.unwrap()).unwrap();
    assert_eq!(seen(&store.view(), &Batch::default(), 1), [1, 2]);
}

/// A file of so many bytes can be made without any of them: it would give nothing back.
#[test]
fn the_reserve_takes_room_on_the_disk() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let reserve = folder.path().join("reserve").metadata().unwrap();
    let wanted = store.recorder.reserve_bytes;
    assert_eq!(reserve.len(), wanted);
    assert!(reserve.blocks() * 512 >= wanted, "{}", reserve.blocks());
}

// ---- Flipped bits.

fn offsets(seed: u64, count: usize, below: u64) -> Vec<u64> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..count).map(|_| random.u64(..below)).collect()
}

#[test]
fn a_flipped_bit_in_the_journal_is_named_and_never_loses_a_ticket_silently() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let (done, _) = run_script(&disk, &index);
    let all: Vec<u64> = done.iter().flat_map(|&step| opens(step)).collect();
    let last = opens(SCRIPT_STEPS - 1);
    let segments: Vec<String> = disk.list("journal").unwrap();
    for (n, random) in offsets(1, 300, u64::MAX).into_iter().enumerate() {
        let file = format!("journal/{}", segments[n % segments.len()]);
        let offset = random % disk.length(&file).unwrap();
        disk.flip(&file, offset, n as u8);
        let case = format!("{file} at {offset}");
        // With the index that knows everything: an error, or the audit's finding.
        let known = over(&disk, &index.copy());
        match known {
            Err(error) => assert!(
                error.downcast_ref::<Damage>().is_some(),
                "{case}: {error:#}"
            ),
            Ok(store) => {
                assert_eq!(tickets(&store.reader()), all, "{case}");
                assert!(!audit::audit(&store.reader()).unwrap().is_empty(), "{case}");
            }
        }
        // Without it: an error, but for the last batch, which may have been torn. On a copy: the cut changes the file.
        disk.flip(&file, offset, n as u8);
    }
    let in_tail = offsets(2, 40, 3_000);
    for (n, back) in in_tail.into_iter().enumerate() {
        let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
        run_script(&disk, &index);
        let file = format!("journal/{}", disk.list("journal").unwrap().last().unwrap());
        let length = disk.length(&file).unwrap();
        disk.flip(&file, length.saturating_sub(back + 1), n as u8);
        if let Ok(store) = over(&disk, &MemoryIndex::new()) {
            let there = tickets(&store.reader());
            let without: Vec<u64> = all.iter().copied().filter(|t| !last.contains(t)).collect();
            assert_eq!(there, without, "{file}: {back} bytes before the end");
        }
    }
}

/// No index knows what was there, and everything is in the segment being written: only whole batches behind the bad one tell damage from a torn tail.
#[test]
fn a_bad_batch_with_a_good_one_behind_it_is_damage_and_not_a_torn_tail() {
    let disk = FakeDisk::new();
    let one_segment = || {
        let index = Box::new(MemoryIndex::new());
        Store::over(Box::new(disk.clone()), index, Options::default())
    };
    let mut store = one_segment().unwrap();
    script_step(&mut store, 0).unwrap();
    script_step(&mut store, 1).unwrap();
    let file = journal::file_of(1);
    let before_the_last = disk.length(&file).unwrap();
    script_step(&mut store, 2).unwrap();
    drop(store);
    for (n, offset) in offsets(4, 300, before_the_last).into_iter().enumerate() {
        disk.flip(&file, offset, n as u8);
        let error = one_segment().err().unwrap_or_else(|| panic!("at {offset}"));
        let damage = error.downcast_ref::<Damage>();
        let damage = damage.unwrap_or_else(|| panic!("at {offset}: {error:#}"));
        assert!(
            damage.file == file && damage.offset <= offset,
            "at {offset}: {damage}"
        );
        disk.flip(&file, offset, n as u8);
    }
    assert_eq!(tickets(&one_segment().unwrap().reader()).len(), 9);
}

#[test]
fn an_index_beside_no_journal_is_not_a_new_beginning() {
    let index = MemoryIndex::new();
    run_script(&FakeDisk::new(), &index);
    let error = over(&FakeDisk::new(), &index)
        .err()
        .expect("the journal is gone");
    assert!(
        error.to_string().contains("put the journal back"),
        "{error:#}"
    );
}

#[test]
fn an_index_that_does_not_add_up_is_made_anew() {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    run_script(&disk, &index);
    let before = rows(&index);
    for key in before.keys() {
        let damaged = index.copy();
        damaged.apply(&[(key.clone(), None)].into()).unwrap();
        drop(over(&disk, &damaged).unwrap());
        assert_eq!(
            without_meta(rows(&damaged)),
            without_meta(before.clone()),
            "{key}"
        );
    }
}

#[test]
fn flipped_bits_in_sled_are_found_and_the_index_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_with(folder.path(), small()).unwrap();
    for n in 0..4 {
        let mut batch = store.begin();
        for t in n * 20 + 1..=n * 20 + 20 {
            add_opened(&mut batch, t, 300);
        }
        store.commit(batch).unwrap();
    }
    store.checkpoint().unwrap();
    let expected = without_meta(rows_of(&store.reader()));
    drop(store);
    let db = folder.path().join("index/db");
    let whole = std::fs::read(&db).unwrap();
    let used = whole.iter().rposition(|&b| b != 0).unwrap() as u64;
    for (n, offset) in offsets(3, 25, used).into_iter().enumerate() {
        let mut bytes = std::fs::read(&db).unwrap();
        if let Some(byte) = bytes.get_mut(offset as usize) {
            *byte ^= 1 << (n % 8);
        }
        std::fs::write(&db, bytes).unwrap();
        // The first start may end with an error; the next one makes the index anew.
        let store = Store::open_with(folder.path(), small())
            .or_else(|_| Store::open_with(folder.path(), small()))
            .unwrap_or_else(|e| panic!("at {offset}: {e:#}"));
        assert!(
            without_meta(rows_of(&store.reader())) == expected,
            "at {offset}"
        );
        drop(store);
    }
}

#[test]
fn a_clean_stop_needs_no_check_and_an_unclean_one_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_with(folder.path(), small()).unwrap();
    script_step(&mut store, 0).unwrap();
    let expected = rows_of(&store.reader());
    store.close().unwrap();
    assert!(folder.path().join("index.clean").exists());
    let store = Store::open_with(folder.path(), small()).unwrap();
    assert!(!folder.path().join("index.clean").exists());
    assert_eq!(rows_of(&store.reader()), expected);
    drop(store);
    audit::rebuild_with(folder.path(), small(), &mut |_| {}).unwrap();
    let store = Store::open_with(folder.path(), small()).unwrap();
    assert_eq!(
        without_meta(rows_of(&store.reader())),
        without_meta(expected)
    );
    assert_sound(&store);
}

// ---- The law: rows are a function of the journal, however outcomes were batched.

#[derive(Clone, Debug)]
enum Act {
    Open(bool),
    Note(u64),
    Road(u64, u8),
    Stop(u64),
    Queue(u64),
    Cursor(u32),
    Commit,
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        any::<bool>().prop_map(Act::Open),
        (1..6u64).prop_map(Act::Note),
        (1..6u64, 0..7u8).prop_map(|(n, road)| Act::Road(n, road)),
        (1..6u64).prop_map(Act::Stop),
        (1..6u64).prop_map(Act::Queue),
        (1..9u32).prop_map(Act::Cursor),
        Just(Act::Commit),
        Just(Act::Reopen),
    ]
}

fn road(n: u8) -> Road {
    let (at, next_try) = (start(), start() + TimeDelta::minutes(n.into()));
    match n {
        0 => Road::Held,
        1 => Road::Waiting { next_try },
        2 => Road::Taken { at, next_try },
        3 => Road::Accepted { at },
        4 => Road::Failed { at },
        5 => Road::Unknown { at },
        _ => Road::Dropped { at },
    }
}

/// What an act decides, with what is known.
fn decide(view: &View, batch: &mut Batch, act: &Act) {
    let of = |batch: &Batch, n| match view.load(batch, &Ask::Ticket(TicketId(n))).unwrap() {
        Answer::Ticket(ticket) => ticket,
        other => panic!("{other:?}"),
    };
    match act {
        Act::Open(long) => {
            let Answer::Counters(counters) = view.load(batch, &Ask::Counters).unwrap() else {
                panic!("no counters");
            };
            add_opened(batch, counters.ticket + 1, if *long { 5_000 } else { 100 });
        }
        Act::Note(n) => {
            if let Some(mut ticket) = of(batch, *n) {
                ticket.entries += 1;
                let mut note = blank(place(*n, ticket.entries), EntryKind::Note);
                note.text = "long ".repeat(if n % 2 == 0 { 900 } else { 1 });
                let outcome = Outcome::of("note")
                    .with(Record::Ticket(ticket))
                    .with(Record::Entry(Box::new(note)));
                batch.add(outcome, None);
            }
        }
        Act::Road(n, to) => {
            let Answer::Entry(Some(mut entry)) =
                view.load(batch, &Ask::Entry(place(*n, 2))).unwrap()
            else {
                return;
            };
            if let Some(letter) = &mut entry.letter {
                letter.road = road(*to);
                letter.attempts += 1;
            }
            batch.add(Outcome::of("road").with(Record::Entry(entry)), None);
        }
        Act::Stop(n) => {
            if let Some(mut ticket) = of(batch, *n) {
                ticket.clocks[0].stopped = ticket.clocks[0].stopped.xor(Some(start()));
                batch.add(Outcome::of("stop").with(Record::Ticket(ticket)), None);
            }
        }
        Act::Queue(n) => {
            if let Some(mut ticket) = of(batch, *n) {
                ticket.queue = if ticket.queue == "support" {
                    "security"
                } else {
                    "support"
                }
                .into();
                batch.add(Outcome::of("queue").with(Record::Ticket(ticket)), None);
            }
        }
        Act::Cursor(uid) => batch.add(Outcome::of("").with(Record::Cursor(cursor(*uid))), None),
        Act::Commit | Act::Reopen => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn rows_are_a_function_of_the_journal(acts in proptest::collection::vec(act(), 1..60)) {
        check_acts(&acts, &over)?;
    }

    /// The second batch is decided while the first is on its way into the index: nothing is decided otherwise than without a hurry.
    #[test]
    fn what_is_on_its_way_into_the_index_is_seen(acts in proptest::collection::vec(act(), 1..60)) {
        let written_behind = |disk: &FakeDisk, index: &MemoryIndex| {
            Store::over_behind(Box::new(disk.clone()), Box::new(Late(index.clone())), small())
        };
        let in_turn = check_acts(&acts, &over)?;
        let behind = check_acts(&acts, &written_behind)?;
        prop_assert_eq!(&in_turn, &behind);
        // And while the one before it is being committed.
        let ahead = check_acts_ahead(&acts, &written_behind)?;
        prop_assert_eq!(in_turn, ahead);
    }
}

type Opening<'a> = &'a dyn Fn(&FakeDisk, &MemoryIndex) -> Result<Store>;

/// Carries them out; the rows in the end, which must be those of an index made anew.
fn check_acts(acts: &[Act], open: Opening) -> Result<BTreeMap<String, String>, TestCaseError> {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = open(&disk, &index).unwrap();
    let mut batch = store.begin();
    for act in acts {
        decide(&store.view(), &mut batch, act);
        if matches!(act, Act::Commit | Act::Reopen) {
            store.commit(std::mem::take(&mut batch)).unwrap();
        }
        if matches!(act, Act::Reopen) {
            drop(store);
            store = open(&disk, &index).unwrap();
        }
    }
    store.commit(batch).unwrap();
    rows_that_hold(store, &disk, &index)
}

/// The same, each batch being decided while the one before it is committed.
fn check_acts_ahead(
    acts: &[Act],
    open: Opening,
) -> Result<BTreeMap<String, String>, TestCaseError> {
    let (disk, index) = (FakeDisk::new(), MemoryIndex::new());
    let mut store = open(&disk, &index).unwrap();
    let mut before = Batch::default();
    for acts in acts.split_inclusive(|act| matches!(act, Act::Commit | Act::Reopen)) {
        let decided = |view: &View| {
            let mut batch = Batch::default();
            acts.iter().for_each(|act| decide(view, &mut batch, act));
            batch
        };
        before = store.commit_while(before, decided).unwrap();
        if matches!(acts.last(), Some(Act::Reopen)) {
            store.commit(std::mem::take(&mut before)).unwrap();
            drop(store);
            store = open(&disk, &index).unwrap();
        }
    }
    store.commit(before).unwrap();
    rows_that_hold(store, &disk, &index)
}

fn rows_that_hold(
    store: Store,
    disk: &FakeDisk,
    index: &MemoryIndex,
) -> Result<BTreeMap<String, String>, TestCaseError> {
    let findings = audit::audit(&store.reader()).unwrap();
    prop_assert!(findings.is_empty(), "{:#?}", findings);
    let live = rows(index);
    drop(store);
    let rebuilt = MemoryIndex::new();
    drop(over(disk, &rebuilt).unwrap());
    prop_assert_eq!(rows(&rebuilt), live.clone());
    Ok(live)
}

/// Takes its time for every group, so that others come first.
struct Late(MemoryIndex);

impl Index for Late {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.0.get(key)
    }
    fn scan(
        &self,
        prefix: &str,
        from: &str,
        visit: &mut dyn FnMut(&str, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        self.0.scan(prefix, from, visit)
    }
    fn apply(&self, rows: &index::Rows) -> Result<()> {
        (0..50).for_each(|_| std::thread::yield_now());
        self.0.apply(rows)
    }
    fn checkpoint(&self) -> Result<()> {
        Ok(())
    }
    fn begin_anew(&self, why: &str) -> Result<()> {
        self.0.begin_anew(why)
    }
    fn is_clean(&self) -> bool {
        false
    }
    fn in_use(&self) -> Result<()> {
        Ok(())
    }
    fn close(&self) -> Result<()> {
        Ok(())
    }
}

/// How fast mails are accepted, and an index made anew: `cargo test --profile ci --lib store::tests::speed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement: rates of a disk shared with others prove nothing"]
fn speed() {
    const BATCHES: u64 = 100;
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let mails: Vec<_> = (1..=BATCHES * 100).map(|n| raw_mail(n, 7_500)).collect();
    let begun = std::time::Instant::now();
    for first in (0..BATCHES).map(|batch| batch * 100 + 1) {
        let mut batch = store.begin();
        for n in first..first + 100 {
            let raw = mails[n as usize - 1].clone();
            batch.add(opened(n, &raw), Some(raw));
            for seq in [2, 3] {
                batch.letter(place(n, seq), letter_bytes(n, seq));
            }
        }
        store.commit(batch).unwrap();
    }
    report("committed", BATCHES * 100, begun);
    store.close().unwrap();
    let begun = std::time::Instant::now();
    audit::rebuild(folder.path(), &mut |_| {}).unwrap();
    report("rebuilt", BATCHES * 100, begun);
    let store = Store::open(folder.path()).unwrap();
    let begun = std::time::Instant::now();
    assert_sound(&store);
    report("audited", BATCHES * 100, begun);
    let begun = std::time::Instant::now();
    index::sum_of(store.reader().index()).unwrap();
    report("summed", BATCHES * 100, begun);
}

fn report(what: &str, count: u64, begun: std::time::Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    println!("{what}: {:.0} tickets/s", count as f64 / seconds);
}

/// Law: sled's rows come as those in memory do, whatever stands beside them and however many are read at a time.
#[test]
fn a_scan_of_sled_gives_the_rows_of_its_prefix_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (sled, memory) = (SledIndex::open(folder.path()).unwrap(), MemoryIndex::new());
    let families = [
        ("a", 1),
        ("a/", 16),
        ("a/b/", 17),
        ("a0", 15),
        ("b/", 272),
        ("b0", 3),
        ("c/", 600),
        ("z~", 2),
    ];
    for (prefix, rows) in families {
        let rows: index::Rows = (0..rows)
            .map(|n| (format!("{prefix}{n:04}"), Some(vec![n as u8])))
            .collect();
        for part in rows.iter().collect::<Vec<_>>().chunks(ROWS_MAX) {
            let part = part.iter().map(|(k, v)| (k.to_string(), (*v).clone()));
            let part: index::Rows = part.collect();
            sled.apply(&part).unwrap();
            memory.apply(&part).unwrap();
        }
    }
    let seen = |index: &dyn Index, prefix: &str, from: &str, at_most: usize| {
        let mut seen = Vec::new();
        let mut visit = |key: &str, value: &[u8]| {
            seen.push((key.to_string(), value.to_vec()));
            Ok(seen.len() < at_most)
        };
        index.scan(prefix, from, &mut visit).unwrap();
        seen
    };
    for prefix in [
        "", "a", "a/", "a/b/", "a0", "b", "b/", "c/", "nothing/", "z~", "~",
    ] {
        for from in ["", "a/0015", "a/0016", "b/0100", "c/0016", "c/0271", "zz"] {
            for at_most in [1, 16, 17, 272, 273, usize::MAX] {
                assert_eq!(
                    seen(&sled, prefix, from, at_most),
                    seen(&memory, prefix, from, at_most),
                    "{prefix:?} from {from:?}, {at_most}"
                );
            }
        }
    }
}
