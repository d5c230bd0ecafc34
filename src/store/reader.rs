//! Questions about what is committed, from any thread.
//!
//! Knows where answers stand in the index and in the journal; never writes. Every list is a range of the index; no question reads all of it but
//! [`Reader::tickets`].

use super::disk::Disk;
use super::index::Index;
use super::journal;
use super::keys::{self, KINDS, Lane, Trouble};
use super::writing::{
    self, DueRow, OutboxRow, PolicyRow, Row, StoredPolicy, a_gathering, a_round, a_ticket,
    an_entry, bytes_of,
};
use super::{Room, Shared};
use crate::contract::customers::Term;
use crate::contract::kept::Promised;
use crate::desk::event::Due;
use crate::desk::record::{
    Allowance, Counters, Cursor, Entry, EntryKind, Gathering, Place, Record, Round,
};
use crate::desk::ticket::{Ticket, TicketId};
use crate::mail::Fingerprint;
use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Answers questions about what is committed, from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    pub(super) shared: Arc<Shared>,
}

/// How many letters the outbox has, by what they wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Those that leave by themselves, and those on their way.
    pub waiting: usize,
    /// When the oldest of these was written.
    pub oldest: Option<DateTime<Utc>>,
    /// Those held until somebody releases them.
    pub held: usize,
    /// Those that will not arrive by themselves.
    pub failed: usize,
    /// Those of which nobody knows whether they left.
    pub unknown: usize,
}

impl OutboxCounts {
    /// All of them.
    pub fn all(&self) -> usize {
        self.waiting + self.held + self.failed + self.unknown
    }
}

impl Reader {
    /// A ticket.
    pub fn ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        self.shared.look(&keys::ticket(id), a_ticket)
    }

    /// All tickets, by number. `visit` returns false to stop.
    pub fn tickets(&self, visit: &mut dyn FnMut(Ticket) -> bool) -> Result<()> {
        let shared = &self.shared;
        shared.index.scan(keys::TICKETS, "", &mut |key, row| {
            Ok(visit(shared.value(key, row, a_ticket)?))
        })
    }

    /// One entry.
    pub fn entry(&self, place: Place) -> Result<Option<Entry>> {
        self.shared.look(&keys::entry(place), an_entry)
    }

    /// All entries of a ticket (of [`TicketId::FILE`]: filed mails, and letters about no single ticket), in order.
    pub fn entries(&self, id: TicketId) -> Result<Vec<Entry>> {
        self.shared.entries(id)
    }

    /// Automatic mail that opened no ticket, in the order of its arrival.
    pub fn filed(&self) -> Result<Vec<Entry>> {
        let mut entries = self.entries(TicketId::FILE)?;
        entries.retain(|entry| entry.kind == EntryKind::Filed);
        Ok(entries)
    }

    /// Each entry of the file behind one of them, in order.
    pub fn filed_since(&self, seq: u32, visit: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        let place = Place {
            ticket: TicketId::FILE,
            seq: seq.saturating_add(1),
        };
        let (prefix, shared) = (keys::entries(place.ticket), &self.shared);
        shared
            .index
            .scan(&prefix, &keys::entry(place), &mut |key, row| {
                visit(shared.value(key, row, an_entry)?)?;
                Ok(true)
            })
    }

    /// The bytes of an entry's mail or letter, byte for byte, checked against their fingerprint.
    pub fn bytes(&self, place: Place) -> Result<Option<Vec<u8>>> {
        self.shared.bytes(place)
    }

    /// Whether mail may be taken in.
    pub fn room(&self) -> Room {
        self.shared.room()
    }

    /// Free bytes of the state folder's disk; none if it does not say.
    pub fn free_bytes(&self) -> Option<u64> {
        self.disk().free_bytes().ok()
    }

    /// How far a mailbox has been read.
    pub fn cursor(&self, mailbox: &str) -> Result<Option<Cursor>> {
        self.shared.cursor(mailbox)
    }

    /// Letters whose next try is not after `now`, at most `limit`: by kind ([`crate::desk::LetterKind`]'s order), then fresh (no attempt) and deferred alternating, then by age.
    pub fn letters_due(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<Entry>> {
        let mut letters = Vec::new();
        for kind in KINDS {
            let wanted = limit - letters.len();
            if wanted == 0 {
                break;
            }
            let fresh = self.lane(Lane { kind, fresh: true }, now, wanted)?;
            let again = self.lane(Lane { kind, fresh: false }, now, wanted)?;
            for place in alternate(fresh, again).take(wanted) {
                letters.extend(self.entry(place)?);
            }
        }
        Ok(letters)
    }

    /// When the next letter is due: of those waiting or taken.
    pub fn next_letter(&self) -> Result<Option<DateTime<Utc>>> {
        let mut next: Option<DateTime<Utc>> = None;
        for kind in KINDS {
            for fresh in [true, false] {
                let lane = Lane { kind, fresh }.prefix();
                self.shared.index.scan(&lane, "", &mut |key, row| {
                    let row: OutboxRow = parse(key, row)?;
                    next = Some(next.map_or(row.next_try, |n| n.min(row.next_try)));
                    Ok(false)
                })?;
            }
        }
        Ok(next)
    }

    /// Every letter that is neither accepted nor dropped: held, waiting, taken, failed, unknown.
    pub fn outbox(&self) -> Result<Vec<Entry>> {
        let mut places = Vec::new();
        self.shared.index.scan(keys::OUTBOX, "", &mut |key, row| {
            places.push(parse::<OutboxRow>(key, row)?.place);
            Ok(true)
        })?;
        for prefix in [keys::HELD, keys::TROUBLE] {
            self.shared.index.scan(prefix, "", &mut |key, row| {
                places.push(parse(key, row)?);
                Ok(true)
            })?;
        }
        let entries = places.into_iter().map(|place| self.entry(place));
        Ok(entries
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// The outbox counted. Of letters that wait no longer than for a person nothing is read: a desk that holds its letters may have them by ten thousands.
    pub fn outbox_counts(&self) -> Result<OutboxCounts> {
        let mut counts = OutboxCounts::default();
        let mut waiting = Vec::new();
        self.shared.index.scan(keys::OUTBOX, "", &mut |key, row| {
            waiting.push(parse::<OutboxRow>(key, row)?.place);
            Ok(true)
        })?;
        for place in waiting {
            let Some(entry) = self.entry(place)? else {
                continue;
            };
            counts.waiting += 1;
            counts.oldest = Some(
                counts
                    .oldest
                    .map_or(entry.at, |oldest| oldest.min(entry.at)),
            );
        }
        counts.held = self.count(keys::HELD)?;
        counts.failed = self.count(&keys::troubles(Trouble::Failed))?;
        counts.unknown = self.count(&keys::troubles(Trouble::Unknown))?;
        Ok(counts)
    }

    /// Each letter that will not arrive by itself: it failed, or nobody can know.
    pub fn stuck(&self, visit: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        self.each_at(keys::TROUBLE, "", visit)
    }

    /// Steps of clocks due at or before `now`, earliest first, at most `limit`.
    pub fn due(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<Due>> {
        let mut due = Vec::new();
        self.shared.index.scan(keys::DUE, "", &mut |key, row| {
            let row: DueRow = parse(key, row)?;
            if row.at > now {
                return Ok(is_same_key_instant(row.at, now));
            }
            if due.len() < limit {
                due.push(Due {
                    ticket: row.ticket,
                    clock: row.clock,
                    step: row.step,
                    at: row.at,
                });
            }
            Ok(due.len() < limit)
        })?;
        Ok(due)
    }

    /// The instant of the next due step.
    pub fn next_due(&self) -> Result<Option<DateTime<Utc>>> {
        let mut next = None;
        self.shared.index.scan(keys::DUE, "", &mut |key, row| {
            next = Some(parse::<DueRow>(key, row)?.at);
            Ok(false)
        })?;
        Ok(next)
    }

    /// Names of what is gathered and to go at or before `now` (C10.4), at most `limit`.
    pub fn digests_due(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let after = keys::digest(now + TimeDelta::milliseconds(1), "");
        self.shared.index.scan(keys::DIGESTS, "", &mut |key, row| {
            let is_due = key < after.as_str() && names.len() < limit;
            if is_due {
                names.push(parse(key, row)?);
            }
            Ok(is_due)
        })?;
        Ok(names)
    }

    /// When the next of these goes; to the millisecond before.
    pub fn next_digest(&self) -> Result<Option<DateTime<Utc>>> {
        let mut next = None;
        self.shared.index.scan(keys::DIGESTS, "", &mut |key, _| {
            next = keys::instant_of_digest(key);
            Ok(false)
        })?;
        Ok(next)
    }

    /// How far something has come that is done again and again.
    pub fn round(&self, name: &str) -> Result<Option<Round>> {
        self.shared.round(name)
    }

    /// Each ticket with a clock that runs and is late at `now`: its credit accrues (C9). Where no daemon has recorded the breach, the clock's next step is due:
    /// none before the breach is later than the deadline.
    pub fn each_late(
        &self,
        now: DateTime<Utc>,
        visit: &mut dyn FnMut(Ticket) -> Result<()>,
    ) -> Result<()> {
        let mut ids: BTreeSet<TicketId> = BTreeSet::new();
        self.shared.index.scan(keys::DUE, "", &mut |key, row| {
            let row: DueRow = parse(key, row)?;
            if row.at <= now {
                ids.insert(row.ticket);
            }
            Ok(row.at <= now || is_same_key_instant(row.at, now))
        })?;
        self.shared.index.scan(keys::LATE, "", &mut |key, row| {
            ids.insert(parse::<TicketId>(key, row)?);
            Ok(true)
        })?;
        for id in ids {
            let is_late = |t: &Ticket| t.clocks.iter().any(|c| c.is_running() && c.is_late(now));
            if let Some(ticket) = self.ticket(id)?.filter(is_late) {
                visit(ticket)?;
            }
        }
        Ok(())
    }

    /// Each line of the ledger (C9), of one customer or of all: by customer, term and ticket, in the order of the record.
    pub fn each_credit(
        &self,
        customer: Option<&str>,
        visit: &mut dyn FnMut(Entry) -> Result<()>,
    ) -> Result<()> {
        let prefix = customer.map_or(keys::CREDITS.to_string(), keys::credits_of);
        self.each_at(&prefix, "", visit)
    }

    /// Each line of the ledger of a customer's term.
    pub fn each_credit_of(
        &self,
        customer: &str,
        term: Term,
        visit: &mut dyn FnMut(Entry) -> Result<()>,
    ) -> Result<()> {
        self.each_at(&keys::credits_of_term(customer, term), "", visit)
    }

    /// Each time booked for a customer since a day (C8.2), oldest first.
    pub fn each_time(
        &self,
        customer: &str,
        since: NaiveDate,
        visit: &mut dyn FnMut(Entry) -> Result<()>,
    ) -> Result<()> {
        let prefix = keys::times_of(customer);
        self.each_at(&prefix, &format!("{prefix}{since}"), visit)
    }

    /// Each entry whose place stands in a range of the index.
    fn each_at(
        &self,
        prefix: &str,
        from: &str,
        visit: &mut dyn FnMut(Entry) -> Result<()>,
    ) -> Result<()> {
        self.shared.index.scan(prefix, from, &mut |key, row| {
            if let Some(entry) = self.entry(parse(key, row)?)? {
                visit(entry)?;
            }
            Ok(true)
        })
    }

    /// The hashes under which policy files are kept.
    pub fn policies(&self) -> Result<BTreeSet<Fingerprint>> {
        let mut hashes = BTreeSet::new();
        self.shared
            .index
            .scan(keys::POLICIES, "", &mut |key, row| {
                let row: PolicyRow = parse(key, row)?;
                let payload = journal::read(self.disk(), row.at, row.fingerprint)?;
                hashes.insert(parse::<StoredPolicy>(key, &payload)?.hash);
                Ok(true)
            })?;
        Ok(hashes)
    }

    /// The policy files kept under a hash: name and text of each, by name.
    pub fn policy(&self, hash: Fingerprint) -> Result<Vec<(String, String)>> {
        let mut files = Vec::new();
        let prefix = keys::policies(&hash);
        self.shared.index.scan(&prefix, "", &mut |key, row| {
            let row: PolicyRow = parse(key, row)?;
            let payload = journal::read(self.disk(), row.at, row.fingerprint)?;
            let stored: StoredPolicy = parse(key, &payload)?;
            files.push((stored.name, stored.text));
            Ok(true)
        })?;
        Ok(files)
    }

    /// The last ticket, and the files that it goes by.
    pub fn promised(&self) -> Result<Option<Promised>> {
        let last = self.shared.counters()?.ticket;
        for number in (1..=last).rev() {
            // Numbers are skipped by a restore.
            if let Some(ticket) = self.ticket(TicketId(number))? {
                return Ok(Some(Promised {
                    ticket: number,
                    received: ticket.received,
                    files: self.policy(ticket.policy)?,
                }));
            }
        }
        Ok(None)
    }

    /// The journal's last record and the chain's head, for the daily digest: without it the chain proves nothing.
    pub fn head(&self) -> journal::Head {
        *self
            .shared
            .head
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn index(&self) -> &dyn Index {
        &*self.shared.index
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.shared.disk
    }

    fn count(&self, prefix: &str) -> Result<usize> {
        let mut rows = 0;
        self.shared.index.scan(prefix, "", &mut |_, _| {
            rows += 1;
            Ok(true)
        })?;
        Ok(rows)
    }

    /// The due letters of a lane, oldest first.
    fn lane(&self, lane: Lane, now: DateTime<Utc>, limit: usize) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        self.shared
            .index
            .scan(&lane.prefix(), "", &mut |key, row| {
                let row: OutboxRow = parse(key, row)?;
                if row.next_try > now {
                    return Ok(is_same_key_instant(row.next_try, now));
                }
                places.push(row.place);
                Ok(places.len() < limit)
            })?;
        Ok(places)
    }
}

/// Keys are cut to the millisecond: behind a row that is not yet due one of the same millisecond may be.
fn is_same_key_instant(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at - now < TimeDelta::milliseconds(1)
}

fn alternate(fresh: Vec<Place>, again: Vec<Place>) -> impl Iterator<Item = Place> {
    let mut lanes = [fresh.into_iter(), again.into_iter()];
    let mut turn = 0;
    std::iter::from_fn(move || {
        let next = lanes[turn].next().or_else(|| lanes[1 - turn].next());
        turn = 1 - turn;
        next
    })
}

fn parse<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes)
        .with_context(|| format!("the index's row {key} cannot be read; run `ticketd rebuild`"))
}

impl Shared {
    pub(super) fn ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        self.get(&keys::ticket(id), a_ticket)
    }

    pub(super) fn entry(&self, place: Place) -> Result<Option<Entry>> {
        self.get(&keys::entry(place), an_entry)
    }

    pub(super) fn entries(&self, id: TicketId) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        self.index.scan(&keys::entries(id), "", &mut |key, row| {
            entries.push(self.value(key, row, an_entry)?);
            Ok(true)
        })?;
        Ok(entries)
    }

    pub(super) fn cursor(&self, mailbox: &str) -> Result<Option<Cursor>> {
        self.get(&keys::cursor(mailbox), |record| match record {
            Record::Cursor(cursor) => Some(cursor),
            _ => None,
        })
    }

    pub(super) fn allowance(&self, name: &str) -> Result<Option<Allowance>> {
        self.get(&keys::allowance(name), |record| match record {
            Record::Allowance(allowance) => Some(allowance),
            _ => None,
        })
    }

    pub(super) fn gathering(&self, name: &str) -> Result<Option<Gathering>> {
        self.get(&keys::gathering(name), a_gathering)
    }

    pub(super) fn round(&self, name: &str) -> Result<Option<Round>> {
        self.get(&keys::round(name), a_round)
    }

    pub(super) fn counters(&self) -> Result<Counters> {
        let counters = self.get(keys::COUNTERS, |record| match record {
            Record::Counters(counters) => Some(counters),
            _ => None,
        })?;
        Ok(counters.unwrap_or_default())
    }

    pub(super) fn place(&self, key: &str) -> Result<Option<Place>> {
        self.index.get(key)?.map(|row| parse(key, &row)).transpose()
    }

    /// As [`Shared::get`], for a reader who may read all of them.
    fn look<T: DeserializeOwned>(
        &self,
        key: &str,
        pick: impl FnOnce(Record) -> Option<T>,
    ) -> Result<Option<T>> {
        self.index
            .look(key)?
            .map(|row| self.value(key, &row, pick))
            .transpose()
    }

    fn get<T: DeserializeOwned>(
        &self,
        key: &str,
        pick: impl FnOnce(Record) -> Option<T>,
    ) -> Result<Option<T>> {
        self.index
            .get(key)?
            .map(|row| self.value(key, &row, pick))
            .transpose()
    }

    pub(super) fn value<T: DeserializeOwned>(
        &self,
        key: &str,
        row: &[u8],
        pick: impl FnOnce(Record) -> Option<T>,
    ) -> Result<T> {
        writing::value(&*self.disk, parse(key, row)?, pick).with_context(|| key.to_string())
    }
}

impl Shared {
    /// The bytes of an entry's mail or letter, byte for byte, checked against their fingerprint.
    pub(super) fn bytes(&self, place: Place) -> Result<Option<Vec<u8>>> {
        let (key, disk) = (keys::entry(place), self.disk.as_ref());
        let Some(row) = self.index.get(&key)? else {
            return Ok(None);
        };
        let row: Row<Entry> = parse(&key, &row)?;
        let position = row.raw;
        let entry = writing::value(disk, row, an_entry).with_context(|| key.clone())?;
        let (Some(position), Some(fingerprint)) = (position, bytes_of(&entry)) else {
            return Ok(None);
        };
        journal::read(disk, position, fingerprint)
            .map(Some)
            .context(key)
    }
}
