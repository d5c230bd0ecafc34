//! The promises, checked from outside: by what the store says and what the courier carried.

use crate::orders::{ANSWER, SECRETS, STAFF};
use crate::world::{MAILBOXES, OTHER_DESK, Sent, tells_own_move};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};
use ticketd::contract::Step;
use ticketd::desk::LetterKind;
use ticketd::desk::Place;
use ticketd::desk::record::{Cursor, Direction, Entry, EntryKind, Road};
use ticketd::desk::ticket::{ClockKind, Ticket, TicketId};
use ticketd::mail::Fingerprint;
use ticketd::store::{Reader, audit};

/// What was promised so far.
#[derive(Default)]
pub struct Promises {
    cursors: BTreeMap<&'static str, Cursor>,
    /// The deadline of each clock under the severity that it first had, wherever staff put it: what was promised at receipt, or then.
    promised: BTreeMap<Clock, DateTime<Utc>>,
    /// What the rules in force said of each ticket when it was opened.
    tagged: BTreeMap<TicketId, Vec<String>>,
    /// Mails whose taking was confirmed.
    taken: BTreeSet<Fingerprint>,
}

type Clock = (TicketId, ClockKind, DateTime<Utc>, usize, u8, String);

impl Promises {
    /// The clerk said that a mail is committed.
    pub fn taken(&mut self, raw: Fingerprint, duplicate: bool) {
        assert!(
            duplicate || !self.taken.contains(&raw),
            "a mail was taken twice"
        );
        self.taken.insert(raw);
    }

    /// After every step. `own`: which of the operator's own rules were in force during it.
    pub fn check(
        &mut self,
        reader: &Reader,
        sent: &[Sent],
        own: usize,
        now: DateTime<Utc>,
        since: DateTime<Utc>,
    ) {
        for mailbox in MAILBOXES {
            let cursor = reader.cursor(mailbox).expect("the cursor");
            let before = self.cursors.get(mailbox);
            assert!(
                cursor_went_on(before, cursor.as_ref()),
                "the cursor of {mailbox} went back: {before:?} to {cursor:?}"
            );
            self.cursors.extend(cursor.map(|c| (mailbox, c)));
        }
        assert!(
            reader.due(now, 1).expect("due steps").is_empty(),
            "a step is due and nobody was told"
        );
        assert!(
            reader.digests_due(now, 1).expect("digests").is_empty(),
            "something gathered is due and nobody was told"
        );
        let record = Record::read(reader);
        assert_eq!(doubly_recorded(&record), None, "a mail is on record twice");
        assert_eq!(
            lost(&record, &self.taken),
            None,
            "a mail that was taken is not on record"
        );
        assert_eq!(
            warned_twice(&record),
            None,
            "a step of a clock is in the record twice"
        );
        assert_eq!(
            unbalanced(&record),
            None,
            "the ledger does not say what an ended clock has earned"
        );
        assert_eq!(
            silent_clock(&record),
            None,
            "a clock runs and no step is to come"
        );
        assert_eq!(
            warned_too_late(&record),
            None,
            "a warning waits for longer than there is time"
        );
        assert_eq!(answered_machine(sent), None, "a machine got a letter");
        assert_eq!(
            sent_twice(&record, sent),
            None,
            "a letter that may not be doubled arrived twice"
        );
        assert_eq!(
            disturbed_history(&record, since),
            None,
            "mail of before was answered, or a clock runs for it"
        );
        assert_eq!(
            chattered(&record),
            None,
            "another desk is answered without end"
        );
        let promised = promised(&record);
        assert_eq!(
            moved_promise(&self.promised, &promised),
            None,
            "what was promised has changed with a file"
        );
        self.promised.extend(promised);
        let tagged = record.tickets.iter();
        let own_tags = |t: &Ticket| {
            let tags = t.tags.iter().filter(|tag| tag.starts_with("own-"));
            tags.cloned().collect()
        };
        let tagged = tagged.map(|t| (t.id, own_tags(t))).collect();
        assert_eq!(
            by_other_rules(&self.tagged, &tagged, own),
            None,
            "a ticket does not go by the rules in force when it was opened"
        );
        self.tagged = tagged;
        assert_eq!(
            unacknowledged(&record, since),
            None,
            "a ticket has no acknowledgement and no reason, or two"
        );
        assert_eq!(
            astray(sent),
            None,
            "somebody heard of a ticket that is confidential to others"
        );
        assert_eq!(half_moved(&record), None, "a ticket has moved in part");
        assert_eq!(
            leaked(sent),
            None,
            "a customer reads a forged answer, a note, what was only tried, or a letter to staff"
        );
        assert_eq!(answered_twice(sent), None, "one answer went out as two");
    }

    /// In the end.
    pub fn at_rest(&self, reader: &Reader, inbox: &[Fingerprint]) {
        let record = Record::read(reader);
        let all: BTreeSet<Fingerprint> = inbox.iter().copied().collect();
        assert_eq!(
            lost(&record, &all),
            None,
            "a mail in the inbox is not on record"
        );
        assert_eq!(on_the_road(&record), None, "a letter did not leave");
        let findings = audit::audit(reader).expect("the audit runs");
        assert!(findings.is_empty(), "the audit objects: {}", findings[0]);
    }
}

/// Everything on record.
struct Record {
    tickets: Vec<Ticket>,
    entries: Vec<Entry>,
}

impl Record {
    fn read(reader: &Reader) -> Record {
        let mut tickets = vec![];
        reader
            .tickets(&mut |t| {
                tickets.push(t);
                true
            })
            .expect("the tickets");
        let ids = tickets
            .iter()
            .map(|t| t.id)
            .chain([TicketId::FILE])
            .collect::<BTreeSet<_>>();
        let entries = ids
            .into_iter()
            .flat_map(|id| reader.entries(id).expect("entries"))
            .collect();
        Record { tickets, entries }
    }

    fn letters(&self) -> impl Iterator<Item = (&Entry, &ticketd::desk::record::LetterFacts)> {
        self.entries
            .iter()
            .filter_map(|e| Some((e, e.letter.as_ref()?)))
    }
}

fn cursor_went_on(before: Option<&Cursor>, after: Option<&Cursor>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => {
            (after.uid_validity, after.uid) >= (before.uid_validity, before.uid)
        }
        (Some(_), None) => false,
        (None, _) => true,
    }
}

fn doubly_recorded(record: &Record) -> Option<Fingerprint> {
    let mut seen = BTreeSet::new();
    record
        .entries
        .iter()
        .filter_map(|e| Some(e.mail.as_ref()?.raw))
        .find(|raw| !seen.insert(*raw))
}

/// A forged second mail under a known Message-ID with the same words would be the same mail by another road; ours always differ.
fn lost(record: &Record, taken: &BTreeSet<Fingerprint>) -> Option<Fingerprint> {
    let on_record: BTreeSet<Fingerprint> = record
        .entries
        .iter()
        .filter_map(|e| Some(e.mail.as_ref()?.raw))
        .collect();
    taken.difference(&on_record).next().copied()
}

fn silent_clock(record: &Record) -> Option<TicketId> {
    let silent = |t: &&Ticket| {
        t.clocks
            .iter()
            .any(|c| c.is_running() && c.next.is_none() && !c.objective.internal)
    };
    record.tickets.iter().find(silent).map(|t| t.id)
}

/// A warning is to come when its deadline has passed.
fn warned_too_late(record: &Record) -> Option<TicketId> {
    let late = |t: &&Ticket| {
        let mut next = t.clocks.iter().filter_map(|c| Some((c.next?, c.deadline)));
        next.any(|((at, step), deadline)| matches!(step, Step::Percent(_)) && at > deadline)
    };
    record.tickets.iter().find(late).map(|t| t.id)
}

/// Each step is recorded once: two equal lines of one ticket at one instant are one step told twice.
fn warned_twice(record: &Record) -> Option<Place> {
    let mut seen = BTreeSet::new();
    let steps = record.entries.iter();
    steps
        .filter(|e| matches!(e.kind, EntryKind::Warning | EntryKind::Breach))
        .find(|e| !seen.insert((e.place.ticket, e.at, e.text.as_str())))
        .map(|e| e.place)
}

/// C9: the changes of a clock's lines add up to what it has earned once it has ended.
fn unbalanced(record: &Record) -> Option<TicketId> {
    let ledger = |ticket: &Ticket| -> i64 {
        let own = record
            .entries
            .iter()
            .filter(|e| e.place.ticket == ticket.id);
        own.filter_map(|e| e.credit.as_ref())
            .map(|l| l.change)
            .sum()
    };
    let earned = |ticket: &Ticket| -> i64 {
        let ended = ticket.clocks.iter().filter(|c| !c.is_running());
        ended.map(|c| i64::from(c.credit_days)).sum()
    };
    let wrong = |t: &&Ticket| t.clocks.iter().all(|c| !c.is_running()) && ledger(t) != earned(t);
    record.tickets.iter().find(wrong).map(|t| t.id)
}

fn answered_machine(sent: &[Sent]) -> Option<String> {
    sent.iter()
        .find(|s| s.to.starts_with("robot@") || s.to == "support@desk.example")
        .map(|s| s.message_id.clone())
}

/// Acknowledgements, notices, transcripts and changes go at most once; a warning or an answer may go again only where nobody can know.
fn sent_twice(record: &Record, sent: &[Sent]) -> Option<String> {
    let mut times: BTreeMap<&str, u32> = BTreeMap::new();
    for letter in sent {
        *times.entry(&letter.message_id).or_default() += 1;
    }
    let once: BTreeSet<&str> = record
        .letters()
        .filter(|(_, l)| !l.kind.is_resent_when_unknown())
        .filter_map(|(e, _)| e.message_id.as_deref())
        .collect();
    times
        .into_iter()
        .find(|(id, n)| *n > 1 && once.contains(id))
        .map(|(id, _)| id.to_string())
}

/// A ticket all of whose mail came before ticketd did, of which nobody of the staff has said a word, and on which something was set going all the same.
fn disturbed_history(record: &Record, since: DateTime<Utc>) -> Option<TicketId> {
    let of_now =
        |e: &&Entry| e.at >= since && (e.mail.is_some() || STAFF.contains(&e.from.as_str()));
    let alive: BTreeSet<TicketId> = (record.entries.iter().filter(of_now))
        .map(|e| e.place.ticket)
        .collect();
    // Digests are about no single ticket and stand in the file.
    let is_history = |id: &TicketId| *id != TicketId::FILE && !alive.contains(id);
    let letters = record.letters().map(|(e, _)| e.place.ticket);
    let clocks = record.tickets.iter().filter(|t| !t.clocks.is_empty());
    letters.chain(clocks.map(|t| t.id)).find(is_history)
}

/// A sender who is no customer gets five automatic letters a day (ATTACKS.md C02), whatever it answers.
fn chattered(record: &Record) -> Option<DateTime<Utc>> {
    let to_it = |(_, l): &(&Entry, &ticketd::desk::record::LetterFacts)| {
        l.to == OTHER_DESK && l.kind == LetterKind::Acknowledgement
    };
    let mut at: Vec<_> = record.letters().filter(to_it).map(|(e, _)| e.at).collect();
    at.sort();
    let six = at.windows(6);
    six.map(|six| (six[0], six[5] - six[0]))
        .find(|(_, within)| *within < TimeDelta::hours(23))
        .map(|(at, _)| at)
}

fn promised(record: &Record) -> BTreeMap<Clock, DateTime<Utc>> {
    let mut promised = BTreeMap::new();
    for t in &record.tickets {
        for c in &t.clocks {
            let account = t.account_of(c);
            // Another account promises other things, and of a request that the customer had withdrawn the time between is not counted. Our own targets are
            // a queue's.
            let (customer, own) = (&account.customer, c.objective.internal.then_some(&t.queue));
            let on = format!("{customer:?} {} {own:?} {:?}", account.plan, c.uncounted);
            let Some((severity, at)) = c.by_severity.first() else {
                continue;
            };
            // A reply, its answer and the next reply may come in one instant: two clocks, and the files may change between them.
            let nth = (0..)
                .find(|nth| {
                    let clock = (t.id, c.kind, c.started, *nth, *severity, on.clone());
                    !promised.contains_key(&clock)
                })
                .unwrap_or_default();
            promised.insert((t.id, c.kind, c.started, nth, *severity, on), *at);
        }
    }
    promised
}

fn moved_promise(
    before: &BTreeMap<Clock, DateTime<Utc>>,
    now: &BTreeMap<Clock, DateTime<Utc>>,
) -> Option<(Clock, DateTime<Utc>)> {
    let moved =
        |(clock, at): &(&Clock, &DateTime<Utc>)| now.get(clock).is_some_and(|now| now != *at);
    let (clock, _) = before.iter().find(moved)?;
    Some((clock.clone(), now[clock]))
}

/// A ticket whose tags by the operator's rules have changed, or a new one with a tag of rules that are not in force.
fn by_other_rules(
    before: &BTreeMap<TicketId, Vec<String>>,
    now: &BTreeMap<TicketId, Vec<String>>,
    own: usize,
) -> Option<TicketId> {
    let is_others = |tag: &String| tag.starts_with("own-") && *tag != format!("own-{own}");
    let wrong = |(id, tags): &(&TicketId, &Vec<String>)| match before.get(id) {
        Some(before) => before != *tags,
        None => tags.iter().any(is_others),
    };
    now.iter().find(wrong).map(|(id, _)| *id)
}

fn unacknowledged(record: &Record, since: DateTime<Utc>) -> Option<TicketId> {
    let tickets = record.tickets.iter();
    // History is not acknowledged; nor is what came later on such a ticket.
    let of_now = tickets.filter(|t| t.received >= since);
    of_now.map(|t| t.id).find(|id| {
        let own = || record.entries.iter().filter(|e| e.place.ticket == *id);
        let letters = own()
            .filter(|e| {
                e.letter
                    .as_ref()
                    .is_some_and(|l| l.kind == LetterKind::Acknowledgement)
            })
            .count();
        let reasons = own()
            .filter(|e| e.text.starts_with("Not acknowledged:"))
            .count();
        let set_aside = record.tickets.iter().any(|t| {
            t.id == *id
                && own().next().is_some_and(|e| e.direction == Direction::In)
                && letters == 0
                && was_set_aside(t, own())
        });
        letters + reasons != 1 && !set_aside
    })
}

/// What claimed to be from staff and was not proven is set aside, and answered by nobody.
fn was_set_aside<'a>(ticket: &Ticket, mut own: impl Iterator<Item = &'a Entry>) -> bool {
    ticket.requester.address.ends_with("@vendor.example") && own.any(|e| e.kind == EntryKind::Mail)
}

fn leaked(sent: &[Sent]) -> Option<String> {
    let said = |s: &Sent| SECRETS.iter().any(|secret| s.says(secret));
    sent.iter()
        .filter(|s| !s.is_to_staff())
        .find(|s| said(s))
        .map(|s| s.message_id.clone())
}

fn astray(sent: &[Sent]) -> Option<String> {
    let astray = sent.iter().find(|s| s.is_astray);
    astray.map(|s| s.message_id.clone())
}

/// It is elsewhere and its record does not say so; or it is security's, and a letter about it to Anna or Beat still waits. What became of an order is told.
fn half_moved(record: &Record) -> Option<TicketId> {
    let own = |t: &Ticket| {
        let id = t.id;
        record.entries.iter().filter(move |e| e.place.ticket == id)
    };
    let says_so = |t: &Ticket| own(t).any(|e| e.text.starts_with("Moved from queue"));
    let waits = |t: &Ticket| {
        own(t).any(|e| {
            let letter = e.letter.as_ref();
            letter.is_some_and(|l| {
                // What acknowledges a mail of their own is theirs.
                l.kind != LetterKind::Transcript
                    && l.to != t.requester.address
                    && matches!(l.road, Road::Waiting { .. })
                    && ["anna@vendor.example", "beat@vendor.example"].contains(&l.to.as_str())
            })
        })
    };
    let is_half =
        |t: &&Ticket| says_so(t) == t.former_queues.is_empty() || t.queue == "security" && waits(t);
    record.tickets.iter().find(is_half).map(|t| t.id)
}

/// An answer that somebody got under two ids: the same letter may arrive twice, never the same answer as another letter.
fn answered_twice(sent: &[Sent]) -> Option<String> {
    let mut ids: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let answers = sent.iter().filter(|s| !s.is_to_staff()).filter_map(|s| {
        let (_, number) = s.text.split_once(ANSWER)?;
        Some((s, number.split(':').next()?))
    });
    answers
        .into_iter()
        .find(|(s, number)| {
            let id = ids.entry((&s.to, number)).or_insert(&s.message_id);
            *id != s.message_id
        })
        .map(|(s, _)| s.message_id.clone())
}

fn on_the_road(record: &Record) -> Option<String> {
    let waits =
        |road: &Road| matches!(road, Road::Waiting { .. } | Road::Taken { .. } | Road::Held);
    record
        .letters()
        .find(|(_, l)| waits(&l.road))
        .and_then(|(e, _)| e.message_id.clone())
}

/// Each checker is shown one world in which its promise is broken.
pub fn each_is_seen_failing() {
    let sent = |to: &str, id: &str, text: &str| {
        let raw = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}");
        Sent::of(id.into(), to.into(), raw.as_bytes(), false)
    };
    let cursor = |validity, uid| Cursor {
        mailbox: "support".into(),
        uid_validity: validity,
        uid,
        owed: vec![],
        polled: DateTime::UNIX_EPOCH,
    };
    assert!(!cursor_went_on(Some(&cursor(1, 5)), Some(&cursor(1, 4))));
    assert!(!cursor_went_on(Some(&cursor(1, 5)), None));
    assert!(answered_machine(&[sent("robot@acme.example", "x", "")]).is_some());
    assert!(leaked(&[sent("alice@acme.example", "x", "FORGED")]).is_some());
    assert!(leaked(&[sent("anna@vendor.example", "x", "FORGED")]).is_none());
    let gone_astray = Sent {
        is_astray: true,
        ..sent("anna@vendor.example", "x", "")
    };
    assert!(astray(&[gone_astray]).is_some());
    let mut moved = broken::record();
    assert_eq!(half_moved(&moved), None);
    moved.tickets[0].former_queues = vec!["support".into()];
    assert_eq!(half_moved(&moved), Some(TicketId(1)));
    for kind in [
        LetterKind::Notice,
        LetterKind::Warning,
        LetterKind::Breach,
        LetterKind::Digest,
    ] {
        assert_eq!(half_moved(&broken::waiting(kind)), Some(TicketId(1)));
    }
    assert_eq!(half_moved(&broken::waiting(LetterKind::Transcript)), None);
    let (own, others) = (broken::moved_by("anna"), broken::moved_by("carla"));
    let letters = |kind| broken::letter(kind, "anna@vendor.example");
    let (transcript, warning) = (
        letters(LetterKind::Transcript),
        letters(LetterKind::Warning),
    );
    assert!(tells_own_move(&transcript, "anna", &own));
    assert!(!tells_own_move(&transcript, "anna", &others));
    assert!(!tells_own_move(&warning, "anna", &own));
    for secret in SECRETS {
        assert!(leaked(&[sent("alice@acme.example", "x", secret)]).is_some());
    }
    // In HTML alone, and on no line as a whole.
    let alternatives = "Content-Type: multipart/alternative; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nAll is well.\r\n\
         --b\r\nContent-Type: text/html\r\n\r\n<p>only <b>for</b>\r\nus</p>\r\n--b--\r\n";
    let (id, to) = ("x".into(), "alice@acme.example".into());
    let in_html = Sent::of(id, to, alternatives.as_bytes(), false);
    assert!(leaked(&[in_html]).is_some());
    let answer = |id, number| sent("alice@acme.example", id, &format!("{ANSWER}{number}: so."));
    assert!(answered_twice(&[answer("x", 1), answer("y", 1)]).is_some());
    assert!(answered_twice(&[answer("x", 1), answer("x", 1), answer("y", 11)]).is_none());

    let broken = broken::record();
    assert_eq!(doubly_recorded(&broken), Some(Fingerprint([1; 32])));
    assert_eq!(
        lost(&broken, &BTreeSet::from([Fingerprint([9; 32])])),
        Some(Fingerprint([9; 32]))
    );
    assert_eq!(silent_clock(&broken), Some(TicketId(1)));
    let mut late = broken::record();
    let after_it = DateTime::UNIX_EPOCH + TimeDelta::seconds(1);
    late.tickets[0].clocks[0].next = Some((after_it, Step::Percent(90)));
    assert_eq!(warned_too_late(&late), Some(TicketId(1)));
    assert_eq!(warned_too_late(&broken), None);
    let (before, after) = (
        DateTime::UNIX_EPOCH,
        DateTime::UNIX_EPOCH + TimeDelta::hours(1),
    );
    assert_eq!(unacknowledged(&broken, before), Some(TicketId(1)));
    assert_eq!(disturbed_history(&broken, after), Some(TicketId(1)));
    assert_eq!(chattered(&broken::chatter()), Some(before));
    let clock = (
        TicketId(1),
        ClockKind::InitialResponse,
        before,
        0,
        1,
        "default".to_string(),
    );
    let (promise, other) = (
        BTreeMap::from([(clock.clone(), before)]),
        BTreeMap::from([(clock.clone(), after)]),
    );
    assert_eq!(moved_promise(&promise, &other), Some((clock, after)));
    assert_eq!(moved_promise(&promise, &promise), None);
    let there = |queue: &str, internal, at| {
        let mut record = broken::record();
        record.tickets[0].queue = queue.into();
        record.tickets[0].clocks[0].objective.internal = internal;
        record.tickets[0].clocks[0].by_severity = vec![(3, at)];
        promised(&record)
    };
    let moves = |internal| {
        let (here, there) = (
            there("support", internal, before),
            there("security", internal, after),
        );
        moved_promise(&here, &there).is_some()
    };
    assert!(moves(false) && !moves(true));
    let tags = |tag: &str| BTreeMap::from([(TicketId(1), vec![tag.to_string()])]);
    let (none, first) = (BTreeMap::new(), tags("own-0"));
    assert_eq!(by_other_rules(&none, &first, 1), Some(TicketId(1)));
    assert_eq!(by_other_rules(&none, &first, 0), None);
    assert_eq!(by_other_rules(&tags("own-1"), &first, 0), Some(TicketId(1)));
    assert!(on_the_road(&broken).is_some());
    let twice = [
        sent("alice@acme.example", "ack@desk.example", ""),
        sent("alice@acme.example", "ack@desk.example", ""),
    ];
    assert!(sent_twice(&broken, &twice).is_some());
}

mod broken {
    //! One ticket with two acknowledgements, a mail recorded twice, and a clock without a next step.
    use super::*;
    use ticketd::contract::{Objective, Subscription};
    use ticketd::desk::record::{LetterFacts, MailFacts, Place};
    use ticketd::desk::ticket::{Clock, ClockKind, SeverityBy, State};
    use ticketd::mail::{Kind, Language, Mailbox};

    pub fn record() -> Record {
        Record {
            tickets: vec![ticket()],
            entries: vec![mail(1), mail(2), acknowledgement(3), acknowledgement(4)],
        }
    }

    /// Security's, and a letter to Anna waits.
    pub fn waiting(kind: LetterKind) -> Record {
        let mut moved = record();
        moved.tickets[0].queue = "security".into();
        moved.tickets[0].former_queues = vec!["support".into()];
        moved.entries = moved_by("carla");
        moved.entries.push(letter(kind, "anna@vendor.example"));
        moved
    }

    pub fn moved_by(who: &str) -> Vec<Entry> {
        vec![Entry {
            from: who.into(),
            text: "Moved from queue support to queue security.".into(),
            ..entry(1, EntryKind::Command)
        }]
    }

    pub fn letter(kind: LetterKind, to: &str) -> Entry {
        let mut letter = acknowledgement(2);
        letter.letter.iter_mut().for_each(|l| {
            l.kind = kind;
            l.to = to.into();
        });
        letter
    }

    /// Six acknowledgements within an hour.
    pub fn chatter() -> Record {
        let to_it = |seq| {
            let mut entry = acknowledgement(seq);
            entry
                .letter
                .iter_mut()
                .for_each(|l| l.to = OTHER_DESK.into());
            entry
        };
        Record {
            tickets: vec![],
            entries: (1..=6).map(to_it).collect(),
        }
    }

    fn ticket() -> Ticket {
        let at = DateTime::UNIX_EPOCH;
        let objective = Objective {
            clause: "C4.1".into(),
            minutes: 60,
            hours: "24/7".into(),
            internal: false,
        };
        let clock = Clock {
            kind: ClockKind::InitialResponse,
            objective,
            started: at,
            deadline: at,
            step_done: None,
            warned: vec![],
            next: None,
            stopped: None,
            breached: None,
            by_severity: vec![],
            by_account: vec![],
            account: None,
            unanswered: None,
            credit_days: 0,
            uncounted: vec![],
            policy: None,
            credited: None,
        };
        Ticket {
            id: TicketId(1),
            first_mail: Fingerprint([1; 32]),
            queue: "support".into(),
            former_queues: vec![],
            subject: String::new(),
            state: State::New,
            severity: 3,
            severity_by: SeverityBy::Rules,
            language: Language::En,
            subscription: Subscription {
                customer: None,
                customer_name: String::new(),
                plan: "default".into(),
                language: None,
                tam: None,
            },
            requester: Mailbox {
                name: String::new(),
                address: "alice@acme.example".into(),
            },
            requester_proven: true,
            participants: vec![],
            assignee: None,
            watchers: vec![],
            opened_by: None,
            channel: None,
            nothing: None,
            received: at,
            responded: None,
            closed: None,
            clocks: vec![clock],
            entries: 4,
            tags: vec![],
            references: vec![],
            linked: vec![],
            merged_into: None,
            merged: vec![],
            incident: None,
            policy: Fingerprint([0; 32]),
        }
    }

    fn entry(seq: u32, kind: EntryKind) -> Entry {
        let place = Place {
            ticket: TicketId(1),
            seq,
        };
        Entry {
            place,
            at: DateTime::UNIX_EPOCH,
            kind,
            direction: Direction::In,
            from: String::new(),
            subject: String::new(),
            message_id: None,
            text: String::new(),
            mail: None,
            letter: None,
            turns: vec![],
            credit: None,
            time: None,
        }
    }

    fn mail(seq: u32) -> Entry {
        let facts = MailFacts {
            raw: Fingerprint([1; 32]),
            written: None,
            bytes: 1,
            queue: "support".into(),
            mailbox: "support".into(),
            kind: Kind::Human,
            kind_reason: String::new(),
            found_by: vec![],
            oddities: vec![],
            said: None,
            words: None,
            answers: None,
        };
        Entry {
            mail: Some(facts),
            ..entry(seq, EntryKind::Mail)
        }
    }

    fn acknowledgement(seq: u32) -> Entry {
        let road = Road::Waiting {
            next_try: DateTime::UNIX_EPOCH,
        };
        let facts = LetterFacts {
            kind: LetterKind::Acknowledgement,
            to: "alice@acme.example".into(),
            envelope_from: String::new(),
            raw: None,
            road,
            attempts: 0,
            last_error: String::new(),
            returned: None,
            tells: None,
        };
        Entry {
            letter: Some(facts),
            message_id: Some("ack@desk.example".into()),
            ..entry(seq, EntryKind::Letter)
        }
    }
}
