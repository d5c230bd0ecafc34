//! The journal: every mail, letter and outcome, in the order in which they were accepted. It is the truth; everything else can be made from it.
//!
//! Knows bytes, their order and whether they are whole; knows nothing of tickets. What the bytes mean is for `writing.rs`.
//!
//! # Format, version 1 (integers little-endian)
//! `journal/0000000001.seg`, `…2.seg`, each a segment header, then batches. A batch is a header, a table with one line for each record, then the
//! payloads without gaps; raw mails byte for byte, outcomes as JSON, so that a person with nothing but the file can read them.
//! - segment: magic, number, version, the journal's id, where the segment before it ends, the next batch's and record's number, the chain's head, check.
//! - batch: magic, batch number, first record's number, count, version, body length, chain before, chain after, check.
//! - table line: record number, length, kind, version, SHA-256 of the payload.
//! - *check* is SHA-256 over the journal's id and the header, 16 bytes of it; the *chain* is SHA-256 over the chain before and the table. The id is secret
//!   enough: a mail that contains a forged batch header cannot know it.
//!
//! # States and recovery
//! | a batch is | who moves it | a crash here |
//! |---|---|---|
//! | nowhere | `append` writes it behind the last synced byte | nothing happened |
//! | written | `append` syncs the segment, once | torn or whole: cut, or accepted; never half |
//! | **synced: accepted** | nobody, ever | is there |
//!
//! Only the one batch behind the last synced byte can be torn. At the next start it is cut; the cut bytes are kept in `journal/cut/`. A bad batch with a
//! good one behind it, or one that the index has already seen, was synced: that is [`Damage`], and the store does not open.
//! After a failed sync nobody knows what the disk has, and a second `fdatasync` of the same file may lie ("fsyncgate", LWN 752063): the batch is
//! cut off, and the journal goes on in a new segment whose header says where the old one ends. The old one is never synced again.

mod format;

pub use self::format::{Kind, RECORD_VERSION};

use self::format::{
    BATCH_HEADER, BATCH_MAGIC, Bad, Batch, SEGMENT_HEADER, Segment, TABLE_LINE, chain,
};
use super::disk::Disk;
use crate::mail::Fingerprint;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A new segment begins when one is this long: small enough to copy one at a time, large enough that a folder of years stays short.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Large payloads are checked in pieces of this size, so that memory does not grow with a mail.
const PIECE: usize = 1024 * 1024;

/// Where a payload lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "(u32, u64, u64)", into = "(u32, u64, u64)")]
pub struct Position {
    /// The segment's number.
    pub segment: u32,
    /// The payload's first byte in the segment.
    pub offset: u64,
    /// How long it is.
    pub length: u64,
}

impl From<(u32, u64, u64)> for Position {
    fn from((segment, offset, length): (u32, u64, u64)) -> Self {
        Position {
            segment,
            offset,
            length,
        }
    }
}

impl From<Position> for (u32, u64, u64) {
    fn from(p: Position) -> Self {
        (p.segment, p.offset, p.length)
    }
}

/// Where a batch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// The segment's number.
    pub segment: u32,
    /// Of the batch's header.
    pub offset: u64,
}

/// The journal's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last record's number; 0 in an empty journal.
    pub sequence: u64,
    /// The chain over all headers.
    pub chain: Fingerprint,
}

/// Something to append.
#[derive(Clone, Copy)]
pub struct Payload<'a> {
    /// What it is.
    pub kind: Kind,
    /// Byte for byte.
    pub bytes: &'a [u8],
    /// SHA-256 of the bytes.
    pub fingerprint: Fingerprint,
}

/// A record in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number, counted from 1 without gaps.
    pub sequence: u64,
    /// What it is.
    pub kind: Kind,
    /// What its payload's form is.
    pub version: u16,
    /// Where it lies.
    pub position: Position,
    /// SHA-256 of the payload.
    pub fingerprint: Fingerprint,
}

/// A batch in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRecords {
    /// Where it begins.
    pub mark: Mark,
    /// Its records, in order.
    pub records: Vec<Record>,
}

/// The journal is not what was written. The store does not open, and says this.
#[derive(Debug)]
pub struct Damage {
    /// The segment's file.
    pub file: String,
    /// Where in it.
    pub offset: u64,
    /// The record that should be there.
    pub sequence: u64,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: at byte {}, record {}: {}. Nothing was changed. Copy the state folder before anything else; then put this file back from a backup of it \
             (segments never change once the next one exists), or restore the whole folder",
            self.file, self.offset, self.sequence, self.what
        )
    }
}

impl std::error::Error for Damage {}

/// The journal, open for its one writer.
pub struct Journal {
    disk: Arc<dyn Disk>,
    id: [u8; 16],
    segment_bytes: u64,
    /// The segment being written.
    segment: u32,
    /// Behind its last synced byte.
    end: u64,
    batch: u64,
    sequence: u64,
    chain: [u8; 32],
    /// A sync failed, or a new segment was begun and not finished: this one is not written again.
    spent: bool,
    /// Header and table of the batch being written.
    scratch: Vec<u8>,
    /// Only looked at, up to this record: nothing is cut, nothing set aside.
    until: Option<u64>,
}

/// A segment's file.
pub fn file_of(segment: u32) -> String {
    format!("journal/{segment:010}.seg")
}

/// A payload's bytes, checked. One allocation of exactly its size.
pub fn read(disk: &dyn Disk, position: Position, fingerprint: Fingerprint) -> Result<Vec<u8>> {
    let bytes = read_checked_before(disk, position)?;
    anyhow::ensure!(
        Fingerprint::of(&bytes) == fingerprint,
        "{}: the {} bytes at {} are not what was written (fingerprint {} expected); run `ticketd audit`",
        file_of(position.segment),
        position.length,
        position.offset,
        fingerprint.hex()
    );
    Ok(bytes)
}

/// A payload's bytes, whose fingerprint was compared a moment ago.
pub fn read_checked_before(disk: &dyn Disk, position: Position) -> Result<Vec<u8>> {
    let file = file_of(position.segment);
    let fits = disk
        .length(&file)
        .is_ok_and(|length| position.offset.saturating_add(position.length) <= length);
    anyhow::ensure!(
        fits,
        "{file}: is missing or ends before byte {}; run `ticketd audit`",
        position.offset.saturating_add(position.length)
    );
    let mut bytes = vec![0; position.length as usize];
    disk.read(&file, position.offset, &mut bytes)
        .with_context(|| format!("{file}: at byte {}", position.offset))?;
    Ok(bytes)
}

impl Journal {
    /// Opens the segments and checks that they follow each other; begins the journal under the id `fresh` if there is none. Read it with
    /// [`Journal::replay`] before anything is appended.
    pub fn open(disk: Arc<dyn Disk>, fresh: [u8; 16], segment_bytes: u64) -> Result<Journal> {
        disk.create_folder("journal").context("journal")?;
        disk.create_folder("journal/cut").context("journal/cut")?;
        let mut journal = Journal::at_nothing(disk, fresh);
        journal.segment_bytes = segment_bytes;
        let segments = journal.segments()?;
        match segments.last() {
            Some(last) => journal.take_up(last)?,
            None => journal.next_segment().context("journal")?,
        }
        Ok(journal)
    }

    /// Reads the whole journal up to a record, from any thread, beside the writer. Whatever is not whole is [`Damage`].
    pub fn survey(
        disk: Arc<dyn Disk>,
        until: u64,
        visit: &mut dyn FnMut(&BatchRecords) -> Result<()>,
    ) -> Result<Head> {
        let mut journal = Journal::at_nothing(disk, [0; 16]);
        journal.until = Some(until);
        journal.replay(None, until, visit)?;
        Ok(journal.head())
    }

    fn at_nothing(disk: Arc<dyn Disk>, id: [u8; 16]) -> Journal {
        Journal {
            disk,
            id,
            segment_bytes: SEGMENT_BYTES,
            segment: 0,
            end: 0,
            batch: 1,
            sequence: 1,
            chain: [0; 32],
            spent: true,
            scratch: vec![],
            until: None,
        }
    }

    /// The journal's own id.
    pub fn id(&self) -> [u8; 16] {
        self.id
    }

    /// The last record and the chain's head.
    pub fn head(&self) -> Head {
        Head {
            sequence: self.sequence - 1,
            chain: Fingerprint(self.chain),
        }
    }

    /// Reads all whole batches from a mark on (from the beginning without one) and cuts the one at the end that was torn. `seen` is the last record that somebody is known
    /// to have read here before: it must be there.
    pub fn replay(
        &mut self,
        from: Option<Mark>,
        seen: u64,
        visit: &mut dyn FnMut(&BatchRecords) -> Result<()>,
    ) -> Result<()> {
        let segments = self.segments()?;
        let first = from.map_or(segments.first().map_or(1, |s| s.number), |m| m.segment);
        let begins = segments.iter().position(|s| s.number == first);
        let Some(begins) = begins else {
            if segments.is_empty() && seen == 0 {
                return Ok(());
            }
            return Err(self.damage(first, 0, "the index has seen this segment, and it is gone"));
        };
        self.begin_at(&segments[begins]);
        self.end = from.map_or(SEGMENT_HEADER as u64, |m| m.offset);
        if from.is_some_and(|m| m.offset > SEGMENT_HEADER as u64) {
            self.adopt_numbers()?;
        }
        for (n, segment) in segments.iter().enumerate().skip(begins) {
            if n > begins {
                self.follow(segment)?;
            }
            let limit = segments.get(n + 1).map(|next| next.previous_end);
            self.replay_segment(limit, seen, visit)?;
        }
        if self.sequence <= seen {
            return Err(self.damage(
                self.segment,
                self.end,
                &format!(
                    "the journal ends at record {}, and the index knows record {seen}",
                    self.sequence - 1
                ),
            ));
        }
        self.spent = false;
        Ok(())
    }

    /// Appends one batch and syncs it: where each payload lies, in order, and the batch's mark. An error means that nothing was appended.
    pub fn append(&mut self, payloads: &[Payload]) -> Result<(Mark, Vec<Position>)> {
        if self.spent || self.end >= self.segment_bytes {
            self.next_segment()?;
        }
        let mark = Mark {
            segment: self.segment,
            offset: self.end,
        };
        let (positions, after) = self.lay_out(payloads);
        let parts: Vec<&[u8]> = std::iter::once(self.scratch.as_slice())
            .chain(payloads.iter().map(|p| p.bytes))
            .collect();
        let file = file_of(self.segment);
        if let Err(error) = self.disk.write(&file, self.end, &parts) {
            self.take_back(false);
            return Err(error).with_context(|| format!("{file}: could not be written"));
        }
        if let Err(error) = self.disk.sync(&file) {
            self.take_back(true);
            return Err(error).with_context(|| format!("{file}: could not be synced"));
        }
        self.end += parts.iter().map(|part| part.len() as u64).sum::<u64>();
        self.batch += 1;
        self.sequence += payloads.len() as u64;
        self.chain = after;
        Ok((mark, positions))
    }

    /// Header and table into `scratch`; where the payloads will lie, and the chain behind them.
    fn lay_out(&mut self, payloads: &[Payload]) -> (Vec<Position>, [u8; 32]) {
        let mut out = std::mem::take(&mut self.scratch);
        out.clear();
        out.resize(BATCH_HEADER, 0);
        let mut offset = self.end + (BATCH_HEADER + payloads.len() * TABLE_LINE) as u64;
        let mut positions = Vec::with_capacity(payloads.len());
        for (n, payload) in payloads.iter().enumerate() {
            let length = payload.bytes.len() as u64;
            positions.push(Position {
                segment: self.segment,
                offset,
                length,
            });
            offset += length;
            format::push_line(&mut out, self.sequence + n as u64, payload);
        }
        let after = chain(&self.chain, &out[BATCH_HEADER..]);
        let header = Batch {
            number: self.batch,
            sequence: self.sequence,
            count: payloads.len() as u32,
            body: offset - self.end - BATCH_HEADER as u64,
            before: self.chain,
            after,
        };
        out[..BATCH_HEADER].copy_from_slice(&header.bytes(&self.id));
        self.scratch = out;
        (positions, after)
    }

    /// Cuts what was written behind the last synced byte. If that fails too, or a sync failed, this segment is written no more.
    fn take_back(&mut self, sync_failed: bool) {
        let cut = self.disk.cut(&file_of(self.segment), self.end);
        self.spent |= sync_failed || cut.is_err();
    }

    /// The next batch goes into a file that was made in this life: what happened to the syncs of the last one is not known. A segment that holds nothing yet
    /// is made anew.
    pub fn leave_segment(&mut self) -> Result<()> {
        if self.end > SEGMENT_HEADER as u64 {
            self.spent = true;
            return Ok(());
        }
        match self.segment_header(self.segment)? {
            Ok(header) => self.make(&header),
            Err(bad) => Err(self.damage(self.segment, 0, bad)),
        }
    }

    /// Begins the next segment. From its first step on the old one is spent: a header that reached the disk although we were told it did not would else hide
    /// what is appended to the old one afterwards.
    fn next_segment(&mut self) -> Result<()> {
        self.spent = true;
        let header = Segment {
            number: self.segment + 1,
            id: self.id,
            previous_end: self.end,
            batch: self.batch,
            sequence: self.sequence,
            chain: self.chain,
        };
        self.make(&header)?;
        self.segment = header.number;
        self.end = SEGMENT_HEADER as u64;
        self.spent = false;
        Ok(())
    }

    /// A new file with this header, durable. What is left of a failed making is made anew by the next batch, or set aside by the next start.
    fn make(&self, header: &Segment) -> Result<()> {
        let file = file_of(header.number);
        let made = (|| {
            self.disk.create(&file)?;
            self.disk.write(&file, 0, &[&header.bytes()])?;
            self.disk.sync(&file)?;
            self.disk.sync_folder("journal")
        })();
        made.with_context(|| format!("{file}: the new segment could not be made"))
    }

    /// All segments, checked to follow each other by number, id and end. A last one whose making was interrupted is set aside.
    fn segments(&mut self) -> Result<Vec<Segment>> {
        let mut numbers: Vec<u32> = self
            .disk
            .list("journal")
            .context("journal")?
            .iter()
            .filter_map(|name| name.strip_suffix(".seg")?.parse().ok())
            .collect();
        numbers.sort_unstable();
        let mut segments: Vec<Segment> = Vec::with_capacity(numbers.len());
        for (n, &number) in numbers.iter().enumerate() {
            if number as usize != n + 1 {
                return Err(self.damage(n as u32 + 1, 0, "this segment is missing"));
            }
            match self.segment_header(number)? {
                Ok(segment) => {
                    self.check_follows(segments.last(), &segment)?;
                    segments.push(segment);
                }
                Err(_) if n + 1 == numbers.len() && self.is_unborn(number)? => {
                    if self.until.is_some() {
                        continue;
                    }
                    self.set_aside(number, 0)?;
                    self.disk.remove(&file_of(number))?;
                    self.disk.sync_folder("journal")?;
                }
                Err(bad) => return Err(self.damage(number, 0, bad)),
            }
        }
        Ok(segments)
    }

    /// Nothing is appended to a segment before its header is synced: one no longer than its header holds nothing.
    fn is_unborn(&self, number: u32) -> Result<bool> {
        Ok(self.disk.length(&file_of(number))? <= SEGMENT_HEADER as u64)
    }

    fn segment_header(&self, number: u32) -> Result<Result<Segment, Bad>> {
        let file = file_of(number);
        if self.disk.length(&file)? < SEGMENT_HEADER as u64 {
            return Ok(Err("the segment is shorter than its header"));
        }
        let mut bytes = [0; SEGMENT_HEADER];
        self.disk
            .read(&file, 0, &mut bytes)
            .with_context(|| file.clone())?;
        Ok(
            Segment::read(&bytes).and_then(|segment| match segment.number == number {
                true => Ok(segment),
                false => Err("the segment's header has another number than its file name"),
            }),
        )
    }

    fn check_follows(&self, previous: Option<&Segment>, segment: &Segment) -> Result<()> {
        let Some(previous) = previous else {
            return Ok(());
        };
        if previous.id != segment.id {
            return Err(self.damage(segment.number, 0, "this segment is from another journal"));
        }
        if self.disk.length(&file_of(previous.number))? < segment.previous_end {
            return Err(self.damage(
                previous.number,
                segment.previous_end,
                "the segment was longer",
            ));
        }
        Ok(())
    }

    fn take_up(&mut self, last: &Segment) -> Result<()> {
        self.id = last.id;
        self.begin_at(last);
        // Names first: a segment whose removal was not yet durable must not come back. Then the bytes: after a killed process they may be in the cache only,
        // and what is read here will be acted upon.
        self.disk.sync_folder("journal")?;
        self.disk.sync(&file_of(last.number))?;
        Ok(())
    }

    fn begin_at(&mut self, segment: &Segment) {
        self.id = segment.id;
        self.segment = segment.number;
        self.end = SEGMENT_HEADER as u64;
        self.batch = segment.batch;
        self.sequence = segment.sequence;
        self.chain = segment.chain;
    }

    /// At a mark in the middle the numbers are those of the batch that stands there.
    fn adopt_numbers(&mut self) -> Result<()> {
        let length = self.disk.length(&file_of(self.segment))?;
        match self.batch_header(self.end, length)? {
            Ok(batch) => {
                self.batch = batch.number;
                self.sequence = batch.sequence;
                self.chain = batch.before;
                Ok(())
            }
            Err(bad) => Err(self.damage(
                self.segment,
                self.end,
                &format!("{bad}, and the index has seen this batch"),
            )),
        }
    }

    fn follow(&mut self, segment: &Segment) -> Result<()> {
        let fits = segment.batch == self.batch
            && segment.sequence == self.sequence
            && segment.chain == self.chain;
        if !fits {
            return Err(self.damage(
                segment.number,
                0,
                "this segment does not go on where the one before it ends",
            ));
        }
        self.begin_at(segment);
        Ok(())
    }

    /// `limit` is where the segment ends by the word of the next one; the last one ends where its whole batches do.
    fn replay_segment(
        &mut self,
        limit: Option<u64>,
        seen: u64,
        visit: &mut dyn FnMut(&BatchRecords) -> Result<()>,
    ) -> Result<()> {
        let length = match limit {
            Some(limit) => limit,
            None => self.disk.length(&file_of(self.segment))?,
        };
        while self.end < length && self.until.is_none_or(|until| self.sequence <= until) {
            match self.whole_batch(length)? {
                Ok((records, after)) => {
                    visit(&records)?;
                    self.go_past(&records, after);
                }
                Err(bad) => {
                    self.check_torn(bad, limit, length, seen)?;
                    return self.cut_tail();
                }
            }
        }
        Ok(())
    }

    fn go_past(&mut self, batch: &BatchRecords, after: [u8; 32]) {
        let body: u64 = batch.records.iter().map(|r| r.position.length).sum();
        self.end += (BATCH_HEADER + batch.records.len() * TABLE_LINE) as u64 + body;
        self.batch += 1;
        self.sequence += batch.records.len() as u64;
        self.chain = after;
    }

    /// The batch at the end so far, its payloads checked.
    fn whole_batch(&self, length: u64) -> Result<Result<(BatchRecords, [u8; 32]), Bad>> {
        let header = match self.batch_header(self.end, length)? {
            Ok(header) => header,
            Err(bad) => return Ok(Err(bad)),
        };
        let follows = header.number == self.batch
            && header.sequence == self.sequence
            && header.before == self.chain;
        if !follows {
            return Ok(Err("the batch does not follow the one before it"));
        }
        let file = file_of(self.segment);
        let mut table = vec![0; header.count as usize * TABLE_LINE];
        self.disk
            .read(&file, self.end + BATCH_HEADER as u64, &mut table)
            .with_context(|| file.clone())?;
        if chain(&self.chain, &table) != header.after {
            return Ok(Err("the batch's table does not fit its chain"));
        }
        let mark = Mark {
            segment: self.segment,
            offset: self.end,
        };
        let Some(records) = header.records(&table, mark) else {
            return Ok(Err("the batch's table makes no sense"));
        };
        for record in &records.records {
            if !is_whole(&*self.disk, record).with_context(|| file.clone())? {
                return Ok(Err("a payload does not fit its fingerprint"));
            }
        }
        Ok(Ok((records, header.after)))
    }

    fn batch_header(&self, at: u64, length: u64) -> Result<Result<Batch, Bad>> {
        if at + BATCH_HEADER as u64 > length {
            return Ok(Err("the file ends within a batch's header"));
        }
        let file = file_of(self.segment);
        let mut bytes = [0; BATCH_HEADER];
        self.disk
            .read(&file, at, &mut bytes)
            .with_context(|| file.clone())?;
        Ok(Batch::read(&bytes, &self.id).and_then(|batch| {
            let table = u64::from(batch.count) * TABLE_LINE as u64;
            match batch.body >= table && batch.body <= length - at - BATCH_HEADER as u64 {
                true => Ok(batch),
                false => Err("the file ends within a batch"),
            }
        }))
    }

    /// A bad batch is torn, and not damaged, if it is the last thing in the journal and nobody can have seen it.
    fn check_torn(&self, bad: Bad, limit: Option<u64>, length: u64, seen: u64) -> Result<()> {
        let why = match limit {
            _ if self.until.is_some() => Some("it was whole once".to_string()),
            Some(_) => Some("later segments follow".to_string()),
            None if self.sequence <= seen => Some(format!("the index knows record {seen}")),
            None => self
                .later_batch(length)?
                .map(|at| format!("a whole later batch stands at byte {at}")),
        };
        match why {
            Some(why) => Err(self.damage(self.segment, self.end, &format!("{bad}, and {why}"))),
            None => Ok(()),
        }
    }

    /// Looks for the header of a later batch behind the bad one.
    fn later_batch(&self, length: u64) -> Result<Option<u64>> {
        let file = file_of(self.segment);
        let mut buffer = vec![0; PIECE];
        let mut at = self.end + 1;
        while at + (BATCH_HEADER as u64) <= length {
            let piece = (length - at).min(PIECE as u64) as usize;
            self.disk.read(&file, at, &mut buffer[..piece])?;
            for n in 0..piece.saturating_sub(BATCH_HEADER - 1) {
                if buffer[n..].starts_with(BATCH_MAGIC)
                    && Batch::read(&buffer[n..n + BATCH_HEADER], &self.id)
                        .is_ok_and(|b| b.number > self.batch)
                {
                    return Ok(Some(at + n as u64));
                }
            }
            // The pieces overlap by a header less one byte.
            at += (piece - (BATCH_HEADER - 1)) as u64;
        }
        Ok(None)
    }

    /// Cuts what is behind the last whole batch and keeps it aside, in that order of safety: first the copy, then the cut.
    fn cut_tail(&mut self) -> Result<()> {
        self.set_aside(self.segment, self.end)?;
        let file = file_of(self.segment);
        self.disk.cut(&file, self.end)?;
        self.disk.sync(&file)?;
        tracing::warn!(
            file,
            offset = self.end,
            "an interrupted batch was cut from the journal; its bytes are in journal/cut"
        );
        Ok(())
    }

    fn set_aside(&self, segment: u32, from: u64) -> Result<()> {
        let file = file_of(segment);
        let length = self.disk.length(&file)?;
        let copy = format!("journal/cut/{segment:010}-{from}.bytes");
        self.disk.create(&copy)?;
        let mut buffer = vec![0; PIECE];
        let mut at = from;
        while at < length {
            let piece = (length - at).min(PIECE as u64) as usize;
            self.disk.read(&file, at, &mut buffer[..piece])?;
            self.disk.write(&copy, at - from, &[&buffer[..piece]])?;
            at += piece as u64;
        }
        self.disk.sync(&copy)?;
        self.disk.sync_folder("journal/cut")?;
        Ok(())
    }

    fn damage(&self, segment: u32, offset: u64, what: &str) -> anyhow::Error {
        Damage {
            file: file_of(segment),
            offset,
            sequence: self.sequence,
            what: what.to_string(),
        }
        .into()
    }
}

/// Whether a payload fits its fingerprint. Reads in pieces.
fn is_whole(disk: &dyn Disk, record: &Record) -> Result<bool> {
    let file = file_of(record.position.segment);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; PIECE.min(record.position.length as usize)];
    let mut done = 0;
    while done < record.position.length {
        let piece = (record.position.length - done).min(PIECE as u64) as usize;
        disk.read(&file, record.position.offset + done, &mut buffer[..piece])?;
        hash.update(&buffer[..piece]);
        done += piece as u64;
    }
    Ok(<[u8; 32]>::from(hash.finalize()) == record.fingerprint.0)
}
