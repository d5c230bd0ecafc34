//! Records to rows: what the index holds of an outcome.
//!
//! Knows which rows follow from a record; knows nothing of why a record changed. The same code runs after a commit and when the journal is replayed.
//! Law: rows are a pure function of the journal. Derived rows are pure functions of a record (and of its ticket's queue): those of the value before are
//! removed, those of the new value added, so that a decision cannot forget to clear a deadline.
//!
//! A group of at most 200 rows holds whole outcomes, and how far the index is, and is written all or none. An outcome of more rows is written in parts, how far
//! the index is with the last.

use super::disk::Disk;
use super::index::{Index, Meta, ROWS_MAX, Rows, Sum, VALUE_BYTES_MAX};
use super::journal::{self, Mark, Position};
use super::keys::{self, Lane, Trouble};
use crate::contract::Step;
use crate::desk::record::{Entry, Fate, Gathering, Place, Record, Road, Round};
use crate::desk::ticket::{ClockKind, Ticket, TicketId};
use crate::mail::Fingerprint;
use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::Range;

/// A value's row: the value itself, or where in the journal it stands.
#[derive(Debug, Deserialize)]
pub struct Row<T> {
    /// Where the bytes of an entry's mail or letter lie.
    #[serde(default = "Option::default")]
    pub raw: Option<Position>,
    /// The value.
    #[serde(default = "Option::default")]
    pub is: Option<T>,
    /// Where it stands instead, if it is long or confidential.
    #[serde(default = "Option::default")]
    pub at: Option<Elsewhere>,
}

/// A record in an outcome in the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The outcome.
    pub outcome: Position,
    /// Of the outcome's payload.
    pub fingerprint: Fingerprint,
    /// Which of its records.
    pub record: usize,
}

/// A due step's row: all that is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueRow {
    /// Whose.
    pub ticket: TicketId,
    /// Of which clock.
    pub clock: ClockKind,
    /// The step.
    pub step: Step,
    /// When.
    pub at: DateTime<Utc>,
}

/// An outbox row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// The letter's entry.
    pub place: Place,
    /// Not before.
    pub next_try: DateTime<Utc>,
}

/// A policy file's row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyRow {
    /// The journal's record of it.
    pub at: Position,
    /// Of that payload.
    pub fingerprint: Fingerprint,
}

/// A policy file in the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredPolicy {
    /// The file.
    pub name: String,
    /// The hash that tickets pin.
    pub hash: Fingerprint,
    /// The whole text.
    pub text: String,
}

/// An outcome in the journal.
#[derive(Debug, Deserialize)]
pub struct StoredOutcome {
    /// Changed values, whole.
    pub records: Vec<Record>,
    /// Why.
    #[serde(default)]
    pub because: String,
    /// What became of a mail.
    #[serde(default)]
    pub fate: Fate,
}

/// An outcome as JSON. A record is written once: the index's rows are parts of the same text.
pub struct Encoded {
    /// The text.
    pub bytes: Vec<u8>,
    /// Of the text.
    pub fingerprint: Fingerprint,
    /// Where each record stands in it.
    records: Vec<Range<usize>>,
}

impl Encoded {
    /// Encodes one outcome.
    pub fn of(records: &[Record], because: &str, fate: Fate) -> Result<Encoded> {
        let mut bytes = Vec::with_capacity(1024 * records.len());
        bytes.extend_from_slice(b"{\"because\":");
        serde_json::to_writer(&mut bytes, because)?;
        bytes.extend_from_slice(b",\"fate\":");
        serde_json::to_writer(&mut bytes, &fate)?;
        bytes.extend_from_slice(b",\"records\":[");
        let mut places = Vec::with_capacity(records.len());
        for (n, record) in records.iter().enumerate() {
            if n > 0 {
                bytes.push(b',');
            }
            places.push(push_record(&mut bytes, record)?);
        }
        bytes.extend_from_slice(b"]}");
        Ok(Encoded {
            fingerprint: Fingerprint::of(&bytes),
            bytes,
            records: places,
        })
    }

    /// The JSON of each record.
    pub fn records(&self) -> Vec<&[u8]> {
        let records = self.records.iter();
        records.map(|place| &self.bytes[place.clone()]).collect()
    }
}

/// As serde writes [`Record`], but telling where the value itself stands (tested to be the same).
fn push_record(out: &mut Vec<u8>, record: &Record) -> Result<Range<usize>> {
    let name: &[u8] = match record {
        Record::Ticket(_) => b"{\"ticket\":",
        Record::Entry(_) => b"{\"entry\":",
        Record::Cursor(_) => b"{\"cursor\":",
        Record::Allowance(_) => b"{\"allowance\":",
        Record::Counters(_) => b"{\"counters\":",
        Record::Gathering(_) => b"{\"gathering\":",
        Record::Round(_) => b"{\"round\":",
    };
    out.extend_from_slice(name);
    let begins = out.len();
    match record {
        Record::Ticket(value) => serde_json::to_writer(&mut *out, value),
        Record::Entry(value) => serde_json::to_writer(&mut *out, value),
        Record::Cursor(value) => serde_json::to_writer(&mut *out, value),
        Record::Allowance(value) => serde_json::to_writer(&mut *out, value),
        Record::Counters(value) => serde_json::to_writer(&mut *out, value),
        Record::Gathering(value) => serde_json::to_writer(&mut *out, value),
        Record::Round(value) => serde_json::to_writer(&mut *out, value),
    }?;
    let value = begins..out.len();
    out.push(b'}');
    Ok(value)
}

/// The key under which a record's value stands.
pub fn key_of(record: &Record) -> String {
    match record {
        Record::Ticket(ticket) => keys::ticket(ticket.id),
        Record::Entry(entry) => keys::entry(entry.place),
        Record::Cursor(cursor) => keys::cursor(&cursor.mailbox),
        Record::Allowance(allowance) => keys::allowance(&allowance.name),
        Record::Counters(_) => keys::COUNTERS.to_string(),
        Record::Gathering(gathering) => keys::gathering(&gathering.name),
        Record::Round(round) => keys::round(&round.name),
    }
}

/// The fingerprint of an entry's mail or letter.
pub fn bytes_of(entry: &Entry) -> Option<Fingerprint> {
    match (&entry.mail, &entry.letter) {
        (Some(mail), _) => Some(mail.raw),
        (None, Some(letter)) => letter.raw,
        (None, None) => None,
    }
}

/// Rows that follow from a record, with their values.
pub type Derived = BTreeMap<String, Vec<u8>>;

/// Of a gathering: when it goes.
pub fn derived_of_gathering(gathering: &Gathering) -> Result<Derived> {
    let mut rows = Derived::new();
    if let Some(due) = gathering.due {
        rows.insert(
            keys::digest(due, &gathering.name),
            serde_json::to_vec(&gathering.name)?,
        );
    }
    Ok(rows)
}

/// Of a ticket: one due key for each running clock, and whether it is breached.
pub fn derived_of_ticket(ticket: &Ticket) -> Result<Derived> {
    let mut rows = Derived::new();
    for clock in ticket.clocks.iter().filter(|c| c.stopped.is_none()) {
        if clock.breached.is_some() {
            rows.insert(
                keys::late(ticket.id, clock.kind),
                serde_json::to_vec(&ticket.id)?,
            );
        }
        if let Some((at, step)) = clock.next {
            let row = DueRow {
                ticket: ticket.id,
                clock: clock.kind,
                step,
                at,
            };
            rows.insert(
                keys::due(at, ticket.id, clock.kind),
                serde_json::to_vec(&row)?,
            );
        }
    }
    Ok(rows)
}

/// Where mails of a ticket are looked for: in its queue, and in those that it came from, since whoever answers there means it still.
pub fn queues_of(ticket: &Ticket) -> Vec<String> {
    let mut queues = vec![ticket.queue.clone()];
    for former in &ticket.former_queues {
        if !queues.contains(former) {
            queues.push(former.clone());
        }
    }
    queues
}

/// Of an entry: what its mail is known by, where its letter is on its road, in whose ledger it stands. `queues` are its ticket's ([`queues_of`]); the file has none.
pub fn derived_of_entry(entry: &Entry, queues: &[String]) -> Result<Derived> {
    let place = serde_json::to_vec(&entry.place)?;
    let mut rows = Derived::new();
    if let Some(mail) = &entry.mail {
        for fingerprint in std::iter::once(&mail.raw).chain(&mail.written) {
            rows.insert(keys::seen(fingerprint), place.clone());
        }
        let came_to = queues.first().map(|_| &mail.queue);
        for queue in queues.iter().chain(came_to) {
            for id in &mail.found_by {
                rows.insert(keys::found(queue, id), place.clone());
            }
        }
    }
    if let Some(credit) = &entry.credit {
        rows.insert(
            keys::credit(&credit.customer, credit.term, entry.place),
            place.clone(),
        );
    }
    if let Some(time) = &entry.time {
        rows.insert(
            keys::time(&time.customer, time.day, entry.place),
            place.clone(),
        );
    }
    if let Some(letter) = &entry.letter {
        let lane = Lane {
            kind: letter.kind,
            fresh: letter.attempts == 0,
        };
        match letter.road {
            Road::Waiting { next_try } | Road::Taken { next_try, .. } => {
                let row = OutboxRow {
                    place: entry.place,
                    next_try,
                };
                let key = keys::outbox(lane, next_try, entry.place);
                rows.insert(key, serde_json::to_vec(&row)?);
            }
            Road::Held => {
                rows.insert(keys::held(entry.place), place);
            }
            Road::Failed { .. } => {
                rows.insert(keys::trouble(Trouble::Failed, entry.place), place);
            }
            Road::Unknown { .. } => {
                rows.insert(keys::trouble(Trouble::Unknown, entry.place), place);
            }
            Road::Accepted { .. } | Road::Dropped { .. } => {}
        }
    }
    Ok(rows)
}

/// A row's value: from the row, or from the journal.
pub fn value<T: DeserializeOwned>(
    disk: &dyn Disk,
    row: Row<T>,
    pick: impl FnOnce(Record) -> Option<T>,
) -> Result<T> {
    match (row.is, row.at) {
        (Some(value), _) => Ok(value),
        (None, Some(at)) => {
            let payload = journal::read(disk, at.outcome, at.fingerprint)?;
            let outcome: StoredOutcome = serde_json::from_slice(&payload)?;
            let record = outcome.records.into_iter().nth(at.record);
            record.and_then(pick).context(
                "a row of the index points to another record of the journal; run `ticketd rebuild`",
            )
        }
        (None, None) => bail!("a row of the index says nothing; run `ticketd rebuild`"),
    }
}

/// The ticket of a record.
pub fn a_ticket(record: Record) -> Option<Ticket> {
    match record {
        Record::Ticket(ticket) => Some(*ticket),
        _ => None,
    }
}

/// The entry of a record.
pub fn an_entry(record: Record) -> Option<Entry> {
    match record {
        Record::Entry(entry) => Some(*entry),
        _ => None,
    }
}

/// The gathering of a record.
pub fn a_gathering(record: Record) -> Option<Gathering> {
    match record {
        Record::Gathering(gathering) => Some(*gathering),
        _ => None,
    }
}

/// The round of a record.
pub fn a_round(record: Record) -> Option<Round> {
    match record {
        Record::Round(round) => Some(round),
        _ => None,
    }
}

/// An outcome that stands in the journal, to be taken into the index.
pub struct Accepted<'a> {
    /// Its number.
    pub sequence: u64,
    /// The batch it stands in.
    pub batch: Mark,
    /// Where it stands.
    pub position: Position,
    /// Of its payload.
    pub fingerprint: Fingerprint,
    /// Its records.
    pub records: &'a [Record],
    /// The JSON of each.
    pub json: &'a [&'a [u8]],
    /// The raw mails and letters of its journal batch.
    pub raws: &'a BTreeMap<Fingerprint, Position>,
}

/// A ticket before an outcome.
struct Before {
    /// It had no row, so nothing that names it had one.
    is_new: bool,
    /// Its row, and the ticket in it; none of both for a new one. Until somebody takes it.
    value: Option<(Option<Vec<u8>>, Option<Ticket>)>,
}

/// Writes rows into an index, in groups.
pub struct Writing<'a> {
    index: &'a dyn Index,
    disk: &'a dyn Disk,
    confidential: BTreeSet<String>,
    /// How far the group is.
    meta: Meta,
    /// Of whole outcomes, not yet applied.
    group: Rows,
    /// Of the outcome being taken in.
    fresh: Rows,
    sum: Sum,
}

impl<'a> Writing<'a> {
    /// Goes on where the index is.
    pub fn new(index: &'a dyn Index, disk: &'a dyn Disk, meta: Meta) -> Self {
        Writing {
            index,
            disk,
            confidential: meta.confidential.iter().cloned().collect(),
            sum: meta.sum,
            meta,
            group: Rows::new(),
            fresh: Rows::new(),
        }
    }

    /// Takes in one outcome.
    pub fn outcome(&mut self, outcome: &Accepted) -> Result<()> {
        let mut gone = Derived::new();
        let mut come = Derived::new();
        let mut tickets_before = self.before(outcome.records)?;
        for (n, record) in outcome.records.iter().enumerate() {
            match record {
                Record::Ticket(ticket) => {
                    let before = tickets_before.get_mut(&ticket.id);
                    self.ticket(outcome, n, ticket, before, &mut gone, &mut come)?
                }
                Record::Entry(entry) => {
                    let ticket = tickets_before.get(&entry.place.ticket);
                    let is_new = ticket.is_some_and(|t| t.is_new);
                    if is_new && !self.fresh.contains_key(&keys::entry(entry.place)) {
                        self.new_entry(outcome, n, entry, &mut come)?
                    } else {
                        self.entry(outcome, n, entry, &mut gone, &mut come)?
                    }
                }
                Record::Gathering(new) => {
                    let key = key_of(record);
                    let before = self.get(&key)?;
                    let old = before.as_deref().map(|row| self.gathering_in(row));
                    let old_rows = old.transpose()?.as_ref().map(derived_of_gathering);
                    let old_rows = old_rows.transpose()?.unwrap_or_default();
                    differ(old_rows, derived_of_gathering(new)?, &mut gone, &mut come);
                    self.replace(key, before, Some(row(outcome, n, None, false)?));
                }
                Record::Cursor(_)
                | Record::Allowance(_)
                | Record::Counters(_)
                | Record::Round(_) => {
                    let row = row(outcome, n, None, false)?;
                    let key = key_of(record);
                    let before = self.get(&key)?;
                    self.replace(key, before, Some(row));
                }
            }
        }
        self.settle(gone, come)?;
        self.end_of_outcome(outcome.sequence, outcome.batch)
    }

    /// Takes in a policy file.
    pub fn policy(
        &mut self,
        sequence: u64,
        batch: Mark,
        policy: &StoredPolicy,
        row: &PolicyRow,
    ) -> Result<()> {
        let key = keys::policy(&policy.hash, &policy.name);
        let before = self.get(&key)?;
        self.replace(key, before, Some(serde_json::to_vec(row)?));
        self.end_of_outcome(sequence, batch)
    }

    /// Writes what is left: how far the index is now.
    pub fn finish(mut self) -> Result<Meta> {
        self.apply_group()?;
        Ok(self.meta)
    }

    /// The tickets of these records as they were before them.
    fn before(&self, records: &[Record]) -> Result<BTreeMap<TicketId, Before>> {
        let mut before = BTreeMap::new();
        for record in records {
            let Record::Ticket(ticket) = record else {
                continue;
            };
            let row = self.get(&keys::ticket(ticket.id))?;
            let ticket_before = row.as_deref().map(|row| self.ticket_in(row)).transpose()?;
            before.insert(
                ticket.id,
                Before {
                    is_new: row.is_none(),
                    value: Some((row, ticket_before)),
                },
            );
        }
        Ok(before)
    }

    fn ticket(
        &mut self,
        outcome: &Accepted,
        n: usize,
        ticket: &Ticket,
        before: Option<&mut Before>,
        gone: &mut Derived,
        come: &mut Derived,
    ) -> Result<()> {
        let key = keys::ticket(ticket.id);
        let (before, old) = match before.and_then(|b| b.value.take()) {
            Some(value) => value,
            // A second record of the same ticket.
            None => {
                let row = self.get(&key)?;
                let old = row.as_deref().map(|row| self.ticket_in(row)).transpose()?;
                (row, old)
            }
        };
        let new_rows = derived_of_ticket(ticket)?;
        match &old {
            Some(old) => differ(derived_of_ticket(old)?, new_rows, gone, come),
            None => {
                for (key, value) in new_rows {
                    self.put_new(key, value)?;
                }
            }
        }
        let is_elsewhere = |old: &Ticket| {
            (&old.queue, &old.former_queues) != (&ticket.queue, &ticket.former_queues)
        };
        if let Some(old) = old.filter(is_elsewhere) {
            self.move_threads(&old, ticket, gone, come)?;
        }
        let hide = self.confidential.contains(&ticket.queue);
        let row = row(outcome, n, None, hide)?;
        self.replace(key, before, Some(row));
        Ok(())
    }

    /// A ticket goes to another queue: replies are looked for there.
    fn move_threads(
        &mut self,
        old: &Ticket,
        new: &Ticket,
        gone: &mut Derived,
        come: &mut Derived,
    ) -> Result<()> {
        let (before, after) = (queues_of(old), queues_of(new));
        for row in self.rows_of(&keys::entries(new.id))? {
            let entry = self.entry_in(&row)?;
            differ(
                derived_of_entry(&entry, &before)?,
                derived_of_entry(&entry, &after)?,
                gone,
                come,
            );
        }
        Ok(())
    }

    fn entry(
        &mut self,
        outcome: &Accepted,
        n: usize,
        entry: &Entry,
        gone: &mut Derived,
        come: &mut Derived,
    ) -> Result<()> {
        let key = keys::entry(entry.place);
        let before = self.get(&key)?;
        let old = before
            .as_deref()
            .map(|row| self.entry_in(row))
            .transpose()?;
        let queues = self.queues_of(entry.place.ticket, outcome.records)?;
        let new_rows = derived_of_entry(entry, &queues)?;
        let old_rows = old
            .as_ref()
            .map(|old| derived_of_entry(old, &queues))
            .transpose()?;
        differ(old_rows.unwrap_or_default(), new_rows, gone, come);
        self.put_entry(outcome, n, entry, &queues, before)
    }

    /// An entry of a new ticket. Neither it nor what its place names can be there, so nobody is asked: of an arrived mail that is most rows. That its number is
    /// higher than any before would not do: a journal may hold outcomes that let the count of a ticket's entries fall.
    fn new_entry(
        &mut self,
        outcome: &Accepted,
        n: usize,
        entry: &Entry,
        come: &mut Derived,
    ) -> Result<()> {
        debug_assert!(self.get(&keys::entry(entry.place))?.is_none());
        let queues = self.queues_of(entry.place.ticket, outcome.records)?;
        for (key, value) in derived_of_entry(entry, &queues)? {
            if keys::is_claimed(&key) {
                come.entry(key).or_insert(value);
            } else {
                self.put_new(key, value)?;
            }
        }
        self.put_entry(outcome, n, entry, &queues, None)
    }

    fn put_entry(
        &mut self,
        outcome: &Accepted,
        n: usize,
        entry: &Entry,
        queues: &[String],
        before: Option<Vec<u8>>,
    ) -> Result<()> {
        let raw = self.raw_of(entry, before.as_deref(), outcome.raws)?;
        // Filed mail has no ticket, and belongs to a queue all the same.
        let came_to = || entry.mail.as_ref().map(|mail| &mail.queue);
        let is_in = queues.first().or_else(came_to);
        let hide = is_in.is_some_and(|queue| self.confidential.contains(queue));
        let row = row(outcome, n, raw, hide)?;
        self.replace(keys::entry(entry.place), before, Some(row));
        Ok(())
    }

    fn queues_of(&self, id: TicketId, records: &[Record]) -> Result<Vec<String>> {
        let here = records.iter().rev().find_map(|record| match record {
            Record::Ticket(ticket) if ticket.id == id => Some(queues_of(ticket)),
            _ => None,
        });
        if here.is_some() || id == TicketId::FILE {
            return Ok(here.unwrap_or_default());
        }
        let row = self.get(&keys::ticket(id))?;
        let ticket = row.map(|row| self.ticket_in(&row)).transpose()?;
        Ok(ticket.as_ref().map(queues_of).unwrap_or_default())
    }

    /// Where an entry's bytes lie: in this batch, where they lay before, or where the same bytes were seen first.
    fn raw_of(
        &self,
        entry: &Entry,
        before: Option<&[u8]>,
        raws: &BTreeMap<Fingerprint, Position>,
    ) -> Result<Option<Position>> {
        let Some(fingerprint) = bytes_of(entry) else {
            return Ok(None);
        };
        if let Some(position) = raws.get(&fingerprint) {
            return Ok(Some(*position));
        }
        if let Some(position) = before.map(raw_in).transpose()?.flatten() {
            return Ok(Some(position));
        }
        let Some(place) = self.get(&keys::seen(&fingerprint))? else {
            return Ok(None);
        };
        let first = self.get(&keys::entry(serde_json::from_slice(&place)?))?;
        Ok(first.as_deref().map(raw_in).transpose()?.flatten())
    }

    fn ticket_in(&self, row: &[u8]) -> Result<Ticket> {
        value(self.disk, serde_json::from_slice(row)?, a_ticket)
    }

    fn gathering_in(&self, row: &[u8]) -> Result<Gathering> {
        value(self.disk, serde_json::from_slice(row)?, a_gathering)
    }

    fn entry_in(&self, row: &[u8]) -> Result<Entry> {
        value(self.disk, serde_json::from_slice(row)?, an_entry)
    }

    /// Removes before it adds: an id may go from one entry to another in one outcome.
    fn settle(&mut self, gone: Derived, come: Derived) -> Result<()> {
        for (key, value) in gone {
            // Another record may have been there first.
            let there = self.get(&key)?;
            if there.as_ref() == Some(&value) {
                self.replace(key, there, None);
            }
        }
        for (key, value) in come {
            // Whoever was first stays: a forged Message-ID takes no thread away.
            let there = self.get(&key)?;
            if there.is_none() {
                self.replace(key, None, Some(value));
            }
        }
        Ok(())
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        match self.fresh.get(key).or_else(|| self.group.get(key)) {
            Some(value) => Ok(value.clone()),
            None => self.index.get(key),
        }
    }

    fn rows_of(&self, prefix: &str) -> Result<Vec<Vec<u8>>> {
        let mut rows = BTreeMap::new();
        self.index.scan(prefix, "", &mut |key, value| {
            rows.insert(key.to_string(), Some(value.to_vec()));
            Ok(true)
        })?;
        for pending in [&self.group, &self.fresh] {
            for (key, value) in pending.range(prefix.to_string()..) {
                if !key.starts_with(prefix) {
                    break;
                }
                rows.insert(key.clone(), value.clone());
            }
        }
        Ok(rows.into_values().flatten().collect())
    }

    fn replace(&mut self, key: String, before: Option<Vec<u8>>, after: Option<Vec<u8>>) {
        if let Some(before) = before {
            self.sum = self.sum.minus(&key, &before);
        }
        if let Some(after) = &after {
            self.sum = self.sum.plus(&key, after);
        }
        self.fresh.insert(key, after);
    }

    /// A row that names a ticket or a place that was not before: nobody is asked.
    fn put_new(&mut self, key: String, value: Vec<u8>) -> Result<()> {
        debug_assert!(self.get(&key)?.is_none(), "{key} is there already");
        self.replace(key, None, Some(value));
        Ok(())
    }

    fn end_of_outcome(&mut self, sequence: u64, batch: Mark) -> Result<()> {
        // One row more is `meta`.
        if self.group.len() + self.fresh.len() + 1 > ROWS_MAX {
            self.apply_group()?;
        }
        // Not `append`: that builds the whole group anew.
        self.group.extend(std::mem::take(&mut self.fresh));
        self.meta.sequence = sequence;
        self.meta.batch = Some(batch);
        self.meta.sum = self.sum;
        Ok(())
    }

    fn apply_group(&mut self) -> Result<()> {
        if self.group.is_empty() {
            return Ok(());
        }
        let mut rows = std::mem::take(&mut self.group);
        // An outcome of more rows than the index takes at once (a long record that moves): how far the index is comes last, and a crash before that leaves
        // rows that do not fit its sum, so that it is made anew.
        while rows.len() >= ROWS_MAX {
            let last = rows.keys().nth(ROWS_MAX - 1).cloned();
            let rest = last.map_or(Rows::new(), |last| rows.split_off(&last));
            self.index.apply(&std::mem::replace(&mut rows, rest))?;
        }
        rows.insert(
            keys::META.to_string(),
            Some(serde_json::to_vec(&self.meta)?),
        );
        self.index.apply(&rows)
    }
}

/// Notes what goes and what comes. What one record of an outcome removes and a later one adds again stays.
fn differ(old: Derived, new: Derived, gone: &mut Derived, come: &mut Derived) {
    for (key, value) in &old {
        if new.get(key) != Some(value) {
            come.remove(key);
            gone.insert(key.clone(), value.clone());
        }
    }
    for (key, value) in new {
        if old.get(&key) != Some(&value) {
            come.entry(key).or_insert(value);
        }
    }
}

fn raw_in(row: &[u8]) -> Result<Option<Position>> {
    Ok(serde_json::from_slice::<Row<serde::de::IgnoredAny>>(row)?.raw)
}

/// The row of an outcome's record, made of the JSON that the journal has.
fn row(outcome: &Accepted, n: usize, raw: Option<Position>, hide: bool) -> Result<Vec<u8>> {
    let json = outcome.json[n];
    let mut out = Vec::with_capacity(json.len().min(VALUE_BYTES_MAX) + 64);
    out.push(b'{');
    if let Some(raw) = raw {
        write!(
            out,
            "\"raw\":[{},{},{}],",
            raw.segment, raw.offset, raw.length
        )?;
    }
    if hide || json.len() > VALUE_BYTES_MAX {
        out.extend_from_slice(b"\"at\":");
        let at = Elsewhere {
            outcome: outcome.position,
            fingerprint: outcome.fingerprint,
            record: n,
        };
        serde_json::to_writer(&mut out, &at)?;
    } else {
        out.extend_from_slice(b"\"is\":");
        out.extend_from_slice(json);
    }
    out.push(b'}');
    Ok(out)
}
