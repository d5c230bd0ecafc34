//! What has been decided and not yet committed, over what the index knows.
//!
//! Knows how the desk's questions are answered from both; knows nothing of the journal. Promise: a decision sees everything that was decided before it, in the
//! same batch or in one that is still on its way into the index.

use super::Shared;
use super::behind::Accepted;
use super::keys;
use super::writing::{self, key_of};
use crate::desk::known::{Answer, Ask};
use crate::desk::record::{Counters, Entry, Fate, Outcome, Place, Record};
use crate::desk::ticket::{Ticket, TicketId};
use crate::mail::{self, Fingerprint, Mail};
use anyhow::Result;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What has been decided since the last commit: an overlay over the index, and the bytes that go into the journal with it.
#[derive(Default)]
pub struct Batch {
    pub(super) staged: Vec<Staged>,
    /// The latest value of each key: which record of which outcome.
    latest: BTreeMap<String, (usize, usize)>,
    /// Entries by the fingerprints of their mails.
    seen: BTreeMap<Fingerprint, Vec<Place>>,
    /// Entries by the ids their mails are found by.
    found: BTreeMap<String, Vec<Place>>,
    /// Which records of which outcomes are about a letter.
    letters: BTreeMap<Place, Vec<(usize, usize)>>,
}

pub(super) struct Staged {
    pub records: Vec<Record>,
    pub because: String,
    pub fate: Fate,
    pub raws: Vec<(Fingerprint, Bytes)>,
}

pub(super) enum Bytes {
    Mail(Arc<[u8]>),
    Letter(Vec<u8>),
}

impl Bytes {
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Mail(bytes) => bytes,
            Bytes::Letter(bytes) => bytes,
        }
    }
}

impl Batch {
    /// What is left of it to see and to index, once it lies in the journal.
    pub(super) fn without_bytes(mut self) -> Batch {
        self.staged
            .iter_mut()
            .for_each(|staged| staged.raws.clear());
        self
    }

    /// Adds an outcome: later loads see its records. `raw` is the event's mail, kept if the outcome says so.
    /// Rendered letters come with it, each with its place; their entries get the fingerprint of the bytes.
    pub fn add(&mut self, outcome: Outcome, raw: Option<Arc<[u8]>>) {
        let raw = raw
            .filter(|_| outcome.keep_raw)
            .map(|bytes| (Fingerprint::of(&bytes), bytes));
        self.add_with(outcome, raw);
    }

    /// The same of a mail whose fingerprint is known: it is hashed once on its road.
    pub fn add_mail(&mut self, outcome: Outcome, fingerprint: Fingerprint, raw: Arc<[u8]>) {
        debug_assert_eq!(fingerprint, Fingerprint::of(&raw));
        let raw = Some((fingerprint, raw)).filter(|_| outcome.keep_raw);
        self.add_with(outcome, raw);
    }

    fn add_with(&mut self, outcome: Outcome, raw: Option<(Fingerprint, Arc<[u8]>)>) {
        let raws: Vec<_> = raw
            .map(|(fingerprint, bytes)| (fingerprint, Bytes::Mail(bytes)))
            .into_iter()
            .collect();
        if outcome.records.is_empty() && raws.is_empty() {
            return;
        }
        let number = self.staged.len();
        for (n, record) in outcome.records.iter().enumerate() {
            self.latest.insert(key_of(record), (number, n));
            if let Record::Entry(entry) = record {
                self.note_mail(entry);
                if entry.letter.is_some() {
                    let records = self.letters.entry(entry.place).or_default();
                    records.push((number, n));
                }
            }
        }
        self.staged.push(Staged {
            records: outcome.records,
            because: outcome.because,
            fate: outcome.fate,
            raws,
        });
    }

    /// The bytes of a letter of an outcome added before.
    ///
    /// # Panics
    /// If no outcome of this batch has a letter at that place: the caller is wrong.
    pub fn letter(&mut self, place: Place, bytes: Vec<u8>) {
        let fingerprint = Fingerprint::of(&bytes);
        let records = self.letters.get(&place);
        let Some(&(first, _)) = records.and_then(|all| all.first()) else {
            panic!("no letter at {place:?} in this batch");
        };
        for (outcome, n) in records.into_iter().flatten() {
            if let Record::Entry(entry) = &mut self.staged[*outcome].records[*n]
                && let Some(letter) = &mut entry.letter
            {
                letter.raw = Some(fingerprint);
            }
        }
        self.staged[first]
            .raws
            .push((fingerprint, Bytes::Letter(bytes)));
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.staged.is_empty()
    }

    fn note_mail(&mut self, entry: &Entry) {
        let Some(mail) = &entry.mail else { return };
        for fingerprint in std::iter::once(mail.raw).chain(mail.written) {
            self.seen.entry(fingerprint).or_default().push(entry.place);
        }
        for id in &mail.found_by {
            self.found.entry(id.clone()).or_default().push(entry.place);
        }
    }

    fn record(&self, key: &str) -> Option<&Record> {
        let (outcome, n) = self.latest.get(key)?;
        self.staged.get(*outcome)?.records.get(*n)
    }

    /// The bytes of an entry's mail or letter, if they came with this batch.
    pub(super) fn bytes(&self, place: Place) -> Option<&[u8]> {
        let Some(Record::Entry(entry)) = self.record(&keys::entry(place)) else {
            return None;
        };
        let wanted = writing::bytes_of(entry)?;
        let mut raws = self.staged.iter().flat_map(|staged| &staged.raws);
        let (_, bytes) = raws.find(|(fingerprint, _)| *fingerprint == wanted)?;
        Some(bytes.as_slice())
    }

    /// The latest values whose keys begin with this, by key.
    pub(super) fn latest_from(&self, prefix: &'static str) -> impl Iterator<Item = &Record> {
        self.latest
            .range(prefix.to_string()..)
            .take_while(move |(key, _)| key.starts_with(prefix))
            .filter_map(|(_, (outcome, n))| self.staged.get(*outcome)?.records.get(*n))
    }
}

/// What lies over the index: batches that it may not have yet, the one that is being committed, and the one being decided.
pub(super) struct Overlay<'a> {
    /// Oldest first.
    pub accepted: Vec<Arc<Accepted>>,
    pub committing: Option<&'a Batch>,
    pub deciding: &'a Batch,
}

impl Overlay<'_> {
    /// Oldest first.
    fn layers(&self) -> impl DoubleEndedIterator<Item = &Batch> {
        self.accepted
            .iter()
            .map(|accepted| &accepted.batch)
            .chain(self.committing)
            .chain(std::iter::once(self.deciding))
    }

    fn record(&self, key: &str) -> Option<&Record> {
        self.layers().rev().find_map(|layer| layer.record(key))
    }

    fn own_entry(&self, place: Place) -> Option<&Entry> {
        match self.record(&keys::entry(place)) {
            Some(Record::Entry(entry)) => Some(entry),
            _ => None,
        }
    }
}

impl Shared {
    /// The answer, with what was decided before it.
    pub(super) fn answer(&self, over: &Overlay, ask: &Ask) -> Result<Answer> {
        Ok(match ask {
            Ask::Ticket(id) => Answer::Ticket(self.latest_ticket(over, *id)?.map(Box::new)),
            Ask::Entry(place) => Answer::Entry(self.latest_entry(over, *place)?.map(Box::new)),
            Ask::Entries(id) => Answer::Entries(self.latest_entries(over, *id)?),
            Ask::Seen(fingerprint) => Answer::Seen(self.seen(over, fingerprint)?),
            Ask::FoundBy { queue, message_id } => {
                Answer::FoundBy(self.found(over, queue, message_id)?)
            }
            // The view knows them.
            Ask::Mail(_) => Answer::Mail(None),
            Ask::OpenOf(_) => Answer::OpenOf(vec![]),
            Ask::Allowance(name) => Answer::Allowance(match over.record(&keys::allowance(name)) {
                Some(Record::Allowance(allowance)) => Some(allowance.clone()),
                _ => self.allowance(name)?,
            }),
            Ask::Cursor(mailbox) => Answer::Cursor(match over.record(&keys::cursor(mailbox)) {
                Some(Record::Cursor(cursor)) => Some(cursor.clone()),
                _ => self.cursor(mailbox)?,
            }),
            Ask::Gathering(name) => Answer::Gathering(match over.record(&keys::gathering(name)) {
                Some(Record::Gathering(gathering)) => Some(gathering.clone()),
                _ => self.gathering(name)?.map(Box::new),
            }),
            Ask::Round(name) => Answer::Round(match over.record(&keys::round(name)) {
                Some(Record::Round(round)) => Some(round.clone()),
                _ => self.round(name)?,
            }),
            Ask::Counters => Answer::Counters(self.latest_counters(over)?),
        })
    }

    fn latest_ticket(&self, over: &Overlay, id: TicketId) -> Result<Option<Ticket>> {
        match over.record(&keys::ticket(id)) {
            Some(Record::Ticket(ticket)) => Ok(Some((**ticket).clone())),
            _ => self.ticket(id),
        }
    }

    fn latest_entry(&self, over: &Overlay, place: Place) -> Result<Option<Entry>> {
        match over.own_entry(place) {
            Some(entry) => Ok(Some(entry.clone())),
            None => self.entry(place),
        }
    }

    fn latest_entries(&self, over: &Overlay, id: TicketId) -> Result<Vec<Entry>> {
        let prefix = keys::entries(id);
        let mut entries: BTreeMap<u32, Entry> = self
            .entries(id)?
            .into_iter()
            .map(|entry| (entry.place.seq, entry))
            .collect();
        for layer in over.layers() {
            let keys = layer.latest.range(prefix.clone()..).map(|(key, _)| key);
            for key in keys.take_while(|key| key.starts_with(&prefix)) {
                if let Some(Record::Entry(entry)) = over.record(key) {
                    entries.insert(entry.place.seq, (**entry).clone());
                }
            }
        }
        Ok(entries.into_values().collect())
    }

    fn latest_counters(&self, over: &Overlay) -> Result<Counters> {
        match over.record(keys::COUNTERS) {
            Some(Record::Counters(counters)) => Ok(*counters),
            _ => self.counters(),
        }
    }

    fn seen(&self, over: &Overlay, fingerprint: &Fingerprint) -> Result<Option<Place>> {
        let key = keys::seen(fingerprint);
        let candidates = self.place(&key)?.into_iter();
        let own = over
            .layers()
            .filter_map(|layer| layer.seen.get(fingerprint))
            .flatten()
            .copied();
        for place in candidates.chain(own) {
            if still_derives(over, place, &key)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn found(&self, over: &Overlay, queue: &str, message_id: &str) -> Result<Option<TicketId>> {
        let key = keys::found(queue, message_id);
        if let Some(place) = self.place(&key)?
            && self.is_found(over, place, &key)?
        {
            return Ok(Some(place.ticket));
        }
        let own = over
            .layers()
            .filter_map(|layer| layer.found.get(message_id));
        for place in own.flatten() {
            if self.is_found(over, *place, &key)? {
                return Ok(Some(place.ticket));
            }
        }
        Ok(None)
    }

    /// Whether an entry is still found by a key, in the queues where its ticket is or was.
    fn is_found(&self, over: &Overlay, place: Place, key: &str) -> Result<bool> {
        let ticket = self.latest_ticket(over, place.ticket)?;
        let entry = self.latest_entry(over, place)?;
        let (Some(ticket), Some(entry)) = (ticket, entry) else {
            return Ok(false);
        };
        Ok(writing::derived_of_entry(&entry, &writing::queues_of(&ticket))?.contains_key(key))
    }
}

/// A mail as it was read when it came, on the stack that mails may need. One that cannot be read again is none.
pub(super) fn read(raw: Vec<u8>) -> Option<Arc<Mail>> {
    let reading = std::thread::Builder::new()
        .stack_size(mail::parse::STACK_BYTES)
        .spawn(move || mail::read(&raw));
    reading.ok()?.join().ok().map(Arc::new)
}

/// Whether no batch has taken away what an entry was found by.
fn still_derives(over: &Overlay, place: Place, key: &str) -> Result<bool> {
    match over.own_entry(place) {
        Some(entry) => Ok(writing::derived_of_entry(entry, &[])?.contains_key(key)),
        None => Ok(true),
    }
}
