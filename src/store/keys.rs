//! The index's keys. No other file knows how one is spelled.
//!
//! Knows values and their readable, sorted ASCII names; knows nothing of disks. Law: a key's order is the order in which it is asked for.
//!
//! | key | value | asked by |
//! |---|---|---|
//! | `ticket/0000457` | the ticket | number |
//! | `entry/0000457/000003` | the entry, and where its bytes lie | place; all of a ticket |
//! | `seen/<32 hex>` | the first place of a raw or written fingerprint | dedupe |
//! | `found/<queue>/<32 hex>` | the first entry of a Message-ID | threading |
//! | `due/<instant>/<ticket>/<clock>` | ticket, clock, step, instant | deadlines |
//! | `outbox/<kind>/<fresh or again>/<instant>/<ticket>/<entry>` | place, instant | the courier |
//! | `held/<ticket>/<entry>`, `trouble/<why>/<ticket>/<entry>` | place | `outbox` |
//! | `digest/<instant>/<32 hex>` | a gathering's name | deadlines |
//! | `late/<ticket>/<clock>` | ticket | the ledger, for what accrues |
//! | `cursor/<mailbox>`, `allowance/<32 hex>`, `counters`, `gathering/<32 hex>`, `round/<name>` | the value | the desk |
//! | `credit/<customer>/<first day of the term>/<ticket>/<entry>` | place | the ledger |
//! | `time/<customer>/<day>/<ticket>/<entry>` | place | the hours of a technical account manager |
//! | `policy/<64 hex>/<file>` | where its text lies | what-if |
//! | `meta` | how far the index is | the store alone; not in the sum |
//!
//! The outbox is ordered by kind and not by instant alone, so that a warning is found at once behind any number of acknowledgements that wait.

use crate::contract::customers::Term;
use crate::desk::LetterKind;
use crate::desk::record::Place;
use crate::desk::ticket::{ClockKind, TicketId};
use crate::mail::Fingerprint;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use std::fmt::Write;

/// One number for the whole index: another one there, and the index is made anew from the journal. Raise it with any change to this file or to a row's form.
pub const SCHEMA: u32 = 3;

/// How far the index is.
pub const META: &str = "meta";
/// The numbers given out.
pub const COUNTERS: &str = "counters";
/// All tickets.
pub const TICKETS: &str = "ticket/";
/// All entries.
pub const ENTRIES: &str = "entry/";
/// All due steps.
pub const DUE: &str = "due/";
/// All letters that wait or are taken.
pub const OUTBOX: &str = "outbox/";
/// All letters that are held.
pub const HELD: &str = "held/";
/// All letters that failed or are unknown.
pub const TROUBLE: &str = "trouble/";

/// A ticket.
pub fn ticket(id: TicketId) -> String {
    let mut key = String::from(TICKETS);
    push_number(&mut key, id.0, 7);
    key
}

/// An entry.
pub fn entry(place: Place) -> String {
    let mut key = entries(place.ticket);
    push_number(&mut key, place.seq.into(), 6);
    key
}

/// All entries of a ticket.
pub fn entries(id: TicketId) -> String {
    let mut key = String::from(ENTRIES);
    push_number(&mut key, id.0, 7);
    key.push('/');
    key
}

/// Where a raw or written fingerprint was first recorded.
pub fn seen(fingerprint: &Fingerprint) -> String {
    format!("seen/{}", hex16(&fingerprint.0))
}

/// Where a queue's Message-ID was first recorded.
pub fn found(queue: &str, message_id: &str) -> String {
    let hash = Fingerprint::of(message_id.as_bytes());
    format!("found/{}/{}", plain(queue), hex16(&hash.0))
}

/// Whether several entries may claim it: it is named by what stands in a mail, and whoever was first has it.
pub fn is_claimed(key: &str) -> bool {
    key.starts_with("seen/") || key.starts_with("found/")
}

/// A clock's next step.
pub fn due(at: DateTime<Utc>, ticket: TicketId, clock: ClockKind) -> String {
    let mut key = due_until(at);
    push_number(&mut key, ticket.0, 7);
    key.push('/');
    key.push_str(clock_word(clock));
    key
}

fn clock_word(clock: ClockKind) -> &'static str {
    match clock {
        ClockKind::InitialResponse => "initial-response",
        ClockKind::Escalation => "escalation",
        ClockKind::NextReply => "next-reply",
        ClockKind::Update => "update",
        ClockKind::EarlyWarning => "early-warning",
        ClockKind::Notification => "notification",
        ClockKind::FinalReport => "final-report",
    }
}

/// What every key of this instant begins with.
pub fn due_until(at: DateTime<Utc>) -> String {
    format!("{DUE}{}/", instant(at))
}

/// A letter that waits for its next try, or was taken and may have to be looked at again.
pub fn outbox(lane: Lane, next_try: DateTime<Utc>, place: Place) -> String {
    let mut key = lane.prefix();
    key.push_str(&instant(next_try));
    push_place(&mut key, place);
    key
}

/// A letter held back.
pub fn held(place: Place) -> String {
    let mut key = String::from("held");
    push_place(&mut key, place);
    key
}

/// A letter that needs a person.
pub fn trouble(why: Trouble, place: Place) -> String {
    let mut key = troubles(why);
    push_place(&mut key, place);
    key
}

/// All letters that need a person for this reason.
pub fn troubles(why: Trouble) -> String {
    let why = match why {
        Trouble::Failed => "failed",
        Trouble::Unknown => "unknown",
    };
    format!("{TROUBLE}{why}")
}

/// What is gathered under a name, which may hold a staff id of any length.
pub fn gathering(name: &str) -> String {
    format!("gathering/{}", hex16(&Fingerprint::of(name.as_bytes()).0))
}

/// All gatherings that are to go.
pub const DIGESTS: &str = "digest/";

/// A gathering that is to go.
pub fn digest(at: DateTime<Utc>, name: &str) -> String {
    format!(
        "{DIGESTS}{}/{}",
        instant(at),
        hex16(&Fingerprint::of(name.as_bytes()).0)
    )
}

/// When a gathering goes, by its key.
pub fn instant_of_digest(key: &str) -> Option<DateTime<Utc>> {
    key.strip_prefix(DIGESTS)?.split('/').next()?.parse().ok()
}

/// Something that is done again and again.
pub fn round(name: &str) -> String {
    format!("round/{}", plain(name))
}

/// All clocks that run and are breached.
pub const LATE: &str = "late/";

/// A clock that runs and is breached.
pub fn late(ticket: TicketId, clock: ClockKind) -> String {
    let mut key = String::from(LATE);
    push_number(&mut key, ticket.0, 7);
    key.push('/');
    key.push_str(clock_word(clock));
    key
}

/// All lines of the ledger.
pub const CREDITS: &str = "credit/";

/// A line of the ledger.
pub fn credit(customer: &str, term: Term, place: Place) -> String {
    let mut key = credits_of_term(customer, term);
    key.pop();
    push_place(&mut key, place);
    key
}

/// The lines of a customer's term.
pub fn credits_of_term(customer: &str, term: Term) -> String {
    format!("{}{}/", credits_of(customer), term.from)
}

/// A customer's lines of the ledger.
pub fn credits_of(customer: &str) -> String {
    format!("{CREDITS}{}/", plain(customer))
}

/// All booked time.
pub const TIMES: &str = "time/";

/// Booked time.
pub fn time(customer: &str, day: NaiveDate, place: Place) -> String {
    let mut key = format!("{}{day}", times_of(customer));
    push_place(&mut key, place);
    key
}

/// A customer's booked time.
pub fn times_of(customer: &str) -> String {
    format!("{TIMES}{}/", plain(customer))
}

/// How far a mailbox has been read.
pub fn cursor(mailbox: &str) -> String {
    format!("cursor/{}", plain(mailbox))
}

/// When automatic letters went under this name. Hashed: a name may hold an address, and be long.
pub fn allowance(name: &str) -> String {
    format!("allowance/{}", hex16(&Fingerprint::of(name.as_bytes()).0))
}

/// A policy file's text.
pub fn policy(hash: &Fingerprint, name: &str) -> String {
    format!("{}{}", policies(hash), plain(name))
}

/// All policy files.
pub const POLICIES: &str = "policy/";

/// All policy files kept under a hash.
pub fn policies(hash: &Fingerprint) -> String {
    format!("{POLICIES}{}/", hash.hex())
}

/// Why a letter needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Refused for good, or given up.
    Failed,
    /// Possibly sent.
    Unknown,
}

/// Letters of one kind, never tried or tried before: a range of the outbox, ordered by the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// What the letters say.
    pub kind: LetterKind,
    /// Never tried.
    pub fresh: bool,
}

/// In the order in which letters leave.
pub const KINDS: [LetterKind; 8] = [
    LetterKind::Relay,
    LetterKind::Warning,
    LetterKind::Breach,
    LetterKind::Acknowledgement,
    LetterKind::Notice,
    LetterKind::Transcript,
    LetterKind::Change,
    LetterKind::Digest,
];

impl Lane {
    /// What every key of the lane begins with.
    pub fn prefix(self) -> String {
        let kind = match self.kind {
            LetterKind::Relay => "1-relay",
            LetterKind::Warning => "2-warning",
            LetterKind::Breach => "3-breach",
            LetterKind::Acknowledgement => "4-acknowledgement",
            LetterKind::Notice => "5-notice",
            LetterKind::Transcript => "6-transcript",
            LetterKind::Change => "7-change",
            LetterKind::Digest => "8-digest",
        };
        let tried = if self.fresh { "fresh" } else { "again" };
        format!("{OUTBOX}{kind}/{tried}/")
    }
}

fn push_place(key: &mut String, place: Place) {
    key.push('/');
    push_number(key, place.ticket.0, 7);
    key.push('/');
    push_number(key, place.seq.into(), 6);
}

/// Zero-padded. A number that outgrows its width gets a letter in front, and so still sorts behind all smaller ones.
fn push_number(key: &mut String, number: u64, width: usize) {
    let digits = number.to_string();
    let over = digits.len().saturating_sub(width);
    if over > 0 {
        key.push(char::from(b'a' + (over as u8 - 1)));
    }
    for _ in digits.len()..width {
        key.push('0');
    }
    key.push_str(&digits);
}

/// `2026-03-30T08:40:00.000Z`, cut to the millisecond: never later than the instant itself, which stands in the value.
/// Years outside 0 to 9999 would be written with a sign and sort before everything.
fn instant(at: DateTime<Utc>) -> String {
    use chrono::Datelike;
    match at.year() {
        ..0 => "0000-01-01T00:00:00.000Z".into(),
        10_000.. => "9999-12-31T23:59:59.999Z".into(),
        _ => at.to_rfc3339_opts(SecondsFormat::Millis, true),
    }
}

fn hex16(hash: &[u8; 32]) -> String {
    data_encoding::HEXLOWER.encode(&hash[..16])
}

/// A configured name as a part of a key: readable ASCII, `%` and hex for the rest.
fn plain(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'@' => {
                out.push(byte.into());
            }
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{byte:02x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_aloud() {
        let place = Place {
            ticket: TicketId(457),
            seq: 3,
        };
        let at = "2026-03-30T08:40:00.123456Z".parse().unwrap();
        for (key, expected) in [
            (ticket(TicketId(457)), "ticket/0000457"),
            (entry(place), "entry/0000457/000003"),
            (
                due(at, TicketId(457), ClockKind::InitialResponse),
                "due/2026-03-30T08:40:00.123Z/0000457/initial-response",
            ),
            (held(place), "held/0000457/000003"),
            (cursor("Büro/in"), "cursor/B%c3%bcro%2fin"),
        ] {
            assert_eq!(key, expected);
        }
    }

    #[test]
    fn numbers_sort_beyond_their_width() {
        let numbers = [
            0,
            9,
            9_999_999,
            10_000_000,
            99_999_999,
            100_000_000,
            u64::MAX,
        ];
        let keys: Vec<String> = numbers.iter().map(|&n| ticket(TicketId(n))).collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn instants_sort_at_the_ends_of_time() {
        let instants = [
            DateTime::<Utc>::MIN_UTC,
            "0001-01-01T00:00:00Z".parse().unwrap(),
            "2026-03-30T08:40:00Z".parse().unwrap(),
            "9999-01-01T00:00:00Z".parse().unwrap(),
            DateTime::<Utc>::MAX_UTC,
        ];
        let keys: Vec<String> = instants.iter().map(|&at| due_until(at)).collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn letters_leave_in_the_order_of_their_kinds() {
        let prefixes = KINDS.map(|kind| Lane { kind, fresh: true }.prefix());
        assert!(KINDS.is_sorted() && prefixes.is_sorted(), "{prefixes:?}");
    }
}
