//! The audit: whether what the store says is what was written, and nothing is missing.
//!
//! Knows the laws that journal and index obey together; repairs nothing. It reads beside the writer, up to the record that was the last when it began. If something was
//! committed meanwhile, the index rightly differs from that record, and is not compared: the journal is checked, and the laws.

use super::index::{Index, MemoryIndex, Meta, Sum};
use super::journal::{Damage, Head, Journal, Kind, Position};
use super::keys;
use super::reader::Reader;
use super::writing::{self, Row, Writing, a_ticket, an_entry, bytes_of};
use super::{Options, Store, decoded, open_folder, take_in};
use crate::desk::record::{Entry, EntryKind};
use crate::desk::ticket::{Ticket, TicketId};
use crate::mail::Fingerprint;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: a file and byte, or a row.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// More findings than this say nothing more.
const FINDINGS_MAX: usize = 1_000;

/// Reads the whole journal and the whole index, and lists what does not fit; nothing if all is well. At most 1,000 findings.
/// Errors are of the disk or of the index itself.
pub fn audit(reader: &Reader) -> Result<Vec<Finding>> {
    let mut audit = Audit {
        reader,
        findings: vec![],
        raws: BTreeMap::new(),
    };
    let head = reader.head();
    let replayed = audit.replay(head)?;
    audit.compare(&replayed, head)?;
    audit.laws(&replayed)?;
    audit.findings.truncate(FINDINGS_MAX);
    Ok(audit.findings)
}

/// Makes the index anew from the journal; `progress` gets the last record taken in. The old index stays in `index.aside` until the next time.
pub fn rebuild(folder: &Path, progress: &mut dyn FnMut(u64)) -> Result<()> {
    rebuild_with(folder, Options::default(), progress)
}

/// The same, with options.
pub fn rebuild_with(folder: &Path, options: Options, progress: &mut dyn FnMut(u64)) -> Result<()> {
    open_folder(Store::claim(folder)?, options, Some(progress))?.close()
}

struct Audit<'a> {
    reader: &'a Reader,
    findings: Vec<Finding>,
    /// Mails and letters in the journal, whose bytes were found to be whole.
    raws: BTreeMap<Position, Fingerprint>,
}

impl Audit<'_> {
    fn find(&mut self, place: impl Into<String>, what: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding {
                place: place.into(),
                what: what.into(),
            });
        }
    }

    /// The index as the journal says it should be. Chain, headers and fingerprints are checked on the way.
    fn replay(&mut self, head: Head) -> Result<MemoryIndex> {
        let fresh = MemoryIndex::new();
        let meta = Meta {
            sequence: 0,
            batch: None,
            sum: Sum::default(),
            ..self.meta()?
        };
        let disk = self.reader.disk();
        let mut writing = Writing::new(&fresh, disk, meta);
        let surveyed = Journal::survey(
            self.reader.shared.disk.clone(),
            head.sequence,
            &mut |batch| {
                let raws = batch.records.iter().filter(|r| r.kind == Kind::Raw);
                self.raws.extend(raws.map(|r| (r.position, r.fingerprint)));
                take_in(&mut writing, &decoded(disk, 0, batch)?)
            },
        );
        writing.finish()?;
        match surveyed {
            Ok(seen) if seen != head => {
                self.find(
                    "journal",
                    "the chain's head is not the one that was written",
                );
            }
            Ok(_) => {}
            Err(error) => match error.downcast_ref::<Damage>() {
                Some(damage) => self.find(
                    format!("{} at byte {}", damage.file, damage.offset),
                    damage.what.clone(),
                ),
                None => self.find("journal", format!("{error:#}")),
            },
        }
        Ok(fresh)
    }

    fn meta(&self) -> Result<Meta> {
        let row = self.reader.index().get(keys::META)?;
        let meta = row.and_then(|row| serde_json::from_slice(&row).ok());
        Ok(meta.unwrap_or(Meta {
            schema: keys::SCHEMA,
            journal: String::new(),
            sequence: 0,
            batch: None,
            sum: Sum::default(),
            confidential: vec![],
        }))
    }

    /// Row by row.
    fn compare(&mut self, replayed: &MemoryIndex, head: Head) -> Result<()> {
        let mut expected = replayed.rows();
        let mut differing = Vec::new();
        self.reader.index().scan("", "", &mut |key, value| {
            match expected.remove(key) {
                Some(same) if same == value => {}
                Some(_) => differing.push((key.to_string(), "differs from the journal")),
                None => differing.push((key.to_string(), "is not in the journal")),
            }
            Ok(true)
        })?;
        differing.extend(
            expected
                .into_keys()
                .map(|key| (key, "is in the journal, and missing here")),
        );
        differing.retain(|(key, _)| key != keys::META);
        if self.reader.head() == head {
            for (key, what) in differing {
                self.find(format!("index row {key}"), what);
            }
        }
        Ok(())
    }

    /// What must hold of the values, whoever wrote them. Read from the replayed rows: they are what the journal says.
    fn laws(&mut self, replayed: &MemoryIndex) -> Result<()> {
        let tickets = self.tickets(replayed)?;
        let entries = self.entries(replayed)?;
        self.entries_are_gapless(&tickets, &entries);
        self.derived_rows_are_there(replayed, &tickets, &entries)?;
        self.each_mail_once(&tickets, &entries);
        self.bytes_are_there(replayed, &entries)
    }

    fn tickets(&mut self, replayed: &MemoryIndex) -> Result<BTreeMap<TicketId, Ticket>> {
        let mut tickets = BTreeMap::new();
        replayed.scan(keys::TICKETS, "", &mut |key, row| {
            let row: Row<Ticket> = serde_json::from_slice(row)?;
            let ticket = writing::value(self.reader.disk(), row, a_ticket)?;
            if keys::ticket(ticket.id) != key {
                self.find(key, "another ticket stands here");
            }
            tickets.insert(ticket.id, ticket);
            Ok(true)
        })?;
        Ok(tickets)
    }

    fn entries(&mut self, replayed: &MemoryIndex) -> Result<BTreeMap<TicketId, Vec<Entry>>> {
        let mut entries: BTreeMap<TicketId, Vec<Entry>> = BTreeMap::new();
        replayed.scan(keys::ENTRIES, "", &mut |key, row| {
            let row: Row<Entry> = serde_json::from_slice(row)?;
            let entry = writing::value(self.reader.disk(), row, an_entry)?;
            if keys::entry(entry.place) != key {
                self.find(key, "another entry stands here");
            }
            entries.entry(entry.place.ticket).or_default().push(entry);
            Ok(true)
        })?;
        Ok(entries)
    }

    fn entries_are_gapless(
        &mut self,
        tickets: &BTreeMap<TicketId, Ticket>,
        entries: &BTreeMap<TicketId, Vec<Entry>>,
    ) {
        for (id, own) in entries {
            let counts = own.iter().map(|entry| entry.place.seq);
            let gapless = counts.eq(1..=own.len() as u32);
            if !gapless {
                self.find(keys::entries(*id), "the entries' numbers have gaps");
            }
            if *id != TicketId::FILE && !tickets.contains_key(id) {
                self.find(keys::ticket(*id), "has entries, and no ticket");
            }
        }
        for ticket in tickets.values() {
            let own = entries.get(&ticket.id).map_or(0, Vec::len);
            if own != ticket.entries as usize {
                let what = format!("says {} entries, and has {own}", ticket.entries);
                self.find(keys::ticket(ticket.id), what);
            }
        }
    }

    /// Every running clock has its due key, every letter under way its outbox key: looked up in the live index.
    fn derived_rows_are_there(
        &mut self,
        replayed: &MemoryIndex,
        tickets: &BTreeMap<TicketId, Ticket>,
        entries: &BTreeMap<TicketId, Vec<Entry>>,
    ) -> Result<()> {
        let mut owed = BTreeSet::new();
        for ticket in tickets.values() {
            owed.extend(writing::derived_of_ticket(ticket)?.into_keys());
        }
        for entry in entries.values().flatten() {
            let ticket = tickets.get(&entry.place.ticket);
            let queues = ticket.map(writing::queues_of).unwrap_or_default();
            owed.extend(writing::derived_of_entry(entry, &queues)?.into_keys());
        }
        for key in &owed {
            if replayed.get(key)?.is_none() {
                self.find(key, "follows from a record, and is missing");
            }
        }
        let derived = [
            keys::DUE,
            keys::LATE,
            keys::OUTBOX,
            keys::HELD,
            keys::TROUBLE,
            keys::CREDITS,
            keys::TIMES,
        ];
        for prefix in derived {
            replayed.scan(prefix, "", &mut |key, _| {
                if !owed.contains(key) {
                    self.find(key, "follows from no record");
                }
                Ok(true)
            })?;
        }
        Ok(())
    }

    fn each_mail_once(
        &mut self,
        tickets: &BTreeMap<TicketId, Ticket>,
        entries: &BTreeMap<TicketId, Vec<Entry>>,
    ) {
        let mut first = BTreeMap::new();
        for entry in entries.values().flatten() {
            let Some(mail) = &entry.mail else { continue };
            if !matches!(entry.kind, EntryKind::Mail | EntryKind::Filed) {
                continue;
            }
            let queue = tickets.get(&entry.place.ticket).map(|t| t.queue.as_str());
            if let Some(other) = first.insert((queue, mail.raw), entry.place) {
                self.find(
                    keys::entry(entry.place),
                    format!("is the same mail as {}", keys::entry(other)),
                );
            }
        }
    }

    /// Every entry's bytes lie where its row says; that they are whole was found when the journal was read.
    fn bytes_are_there(
        &mut self,
        replayed: &MemoryIndex,
        entries: &BTreeMap<TicketId, Vec<Entry>>,
    ) -> Result<()> {
        for entry in entries.values().flatten() {
            let Some(fingerprint) = bytes_of(entry) else {
                continue;
            };
            let key = keys::entry(entry.place);
            let row = replayed.get(&key)?.unwrap_or_default();
            let row: Row<serde::de::IgnoredAny> = serde_json::from_slice(&row)?;
            let lies = row.raw.and_then(|position| self.raws.get(&position));
            if lies != Some(&fingerprint) {
                self.find(key, "its mail or letter is not in the journal");
            }
        }
        Ok(())
    }
}
