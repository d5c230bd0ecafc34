//! The journal's bytes: segment headers, batch headers, the lines of a batch's table (the format is told in `journal.rs`).
//!
//! Knows where each number stands and what a header's check is; knows no file.

use super::{BatchRecords, Mark, Payload, Position, Record};
use crate::mail::Fingerprint;
use sha2::{Digest, Sha256};

/// Version of the segment and batch headers.
const FORMAT: u32 = 1;
/// Version of a payload's meaning; older ones are upcast when read.
pub const RECORD_VERSION: u16 = 1;

const SEGMENT_MAGIC: &[u8; 8] = b"TKTSEG\r\n";
pub(super) const BATCH_MAGIC: &[u8; 8] = b"TKTBAT\r\n";
pub(super) const SEGMENT_HEADER: usize = 104;
pub(super) const BATCH_HEADER: usize = 120;
pub(super) const TABLE_LINE: usize = 56;
const CHECK: usize = 16;

/// A batch never has more records: a header that says so is not ours. 100 events of a mail and some hundred letters are far below.
const RECORDS_MAX: u32 = 1_000_000;

/// What a record's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A mail or a letter, byte for byte.
    Raw,
    /// Changed values, as JSON.
    Outcome,
    /// A policy file's text, as JSON.
    Policy,
}

/// The header of a segment.
pub(super) struct Segment {
    pub number: u32,
    pub id: [u8; 16],
    /// Where the segment before it ends.
    pub previous_end: u64,
    /// The number of its first batch, and of that one's first record.
    pub batch: u64,
    pub sequence: u64,
    pub chain: [u8; 32],
}

/// The header of a batch.
pub(super) struct Batch {
    pub number: u64,
    /// Of its first record.
    pub sequence: u64,
    pub count: u32,
    /// How long table and payloads are.
    pub body: u64,
    /// The chain before and after it.
    pub before: [u8; 32],
    pub after: [u8; 32],
}

/// Why a batch cannot be read: its words.
pub(super) type Bad = &'static str;

/// The chain behind a table.
pub(super) fn chain(before: &[u8; 32], table: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(table);
    hash.finalize().into()
}

fn check(id: &[u8; 16], header: &[u8]) -> [u8; CHECK] {
    let mut hash = Sha256::new();
    hash.update(id);
    hash.update(header);
    array(&hash.finalize(), 0)
}

/// `N` bytes at an offset; the callers' slices are long enough by construction.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

impl Kind {
    fn number(self) -> u16 {
        match self {
            Kind::Raw => 1,
            Kind::Outcome => 2,
            Kind::Policy => 3,
        }
    }

    fn of(number: u16) -> Option<Kind> {
        [Kind::Raw, Kind::Outcome, Kind::Policy]
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

impl Segment {
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEGMENT_HEADER);
        out.extend(SEGMENT_MAGIC);
        out.extend(self.number.to_le_bytes());
        out.extend(FORMAT.to_le_bytes());
        out.extend(self.id);
        out.extend(self.previous_end.to_le_bytes());
        out.extend(self.batch.to_le_bytes());
        out.extend(self.sequence.to_le_bytes());
        out.extend(self.chain);
        let check = check(&self.id, &out);
        out.extend(check);
        out
    }

    pub fn read(bytes: &[u8]) -> Result<Segment, Bad> {
        let (header, sum) = bytes.split_at(SEGMENT_HEADER - CHECK);
        let id = array(header, 16);
        if !header.starts_with(SEGMENT_MAGIC) || check(&id, header) != sum {
            return Err("the segment's header is not what was written");
        }
        if u32_at(header, 12) != FORMAT {
            return Err("the segment was written by another version of ticketd");
        }
        Ok(Segment {
            number: u32_at(header, 8),
            id,
            previous_end: u64_at(header, 32),
            batch: u64_at(header, 40),
            sequence: u64_at(header, 48),
            chain: array(header, 56),
        })
    }
}

impl Batch {
    pub fn bytes(&self, id: &[u8; 16]) -> [u8; BATCH_HEADER] {
        let mut out = Vec::with_capacity(BATCH_HEADER);
        out.extend(BATCH_MAGIC);
        out.extend(self.number.to_le_bytes());
        out.extend(self.sequence.to_le_bytes());
        out.extend(self.count.to_le_bytes());
        out.extend(FORMAT.to_le_bytes());
        out.extend(self.body.to_le_bytes());
        out.extend(self.before);
        out.extend(self.after);
        let check = check(id, &out);
        out.extend(check);
        array(&out, 0)
    }

    pub fn read(bytes: &[u8], id: &[u8; 16]) -> Result<Batch, Bad> {
        let (header, sum) = bytes.split_at(BATCH_HEADER - CHECK);
        if !header.starts_with(BATCH_MAGIC) || check(id, header) != sum {
            return Err("the batch's header is not what was written");
        }
        let batch = Batch {
            number: u64_at(header, 8),
            sequence: u64_at(header, 16),
            count: u32_at(header, 24),
            body: u64_at(header, 32),
            before: array(header, 40),
            after: array(header, 72),
        };
        match u32_at(header, 28) == FORMAT && batch.count <= RECORDS_MAX {
            true => Ok(batch),
            false => Err("the batch was written by another version of ticketd"),
        }
    }

    /// The records that its table names, of a batch that stands there; nothing if it makes no sense.
    pub fn records(&self, table: &[u8], mark: Mark) -> Option<BatchRecords> {
        let body = mark.offset + BATCH_HEADER as u64;
        let mut offset = body + table.len() as u64;
        let mut records = Vec::with_capacity(self.count as usize);
        for line in table.chunks_exact(TABLE_LINE) {
            let length = u64_at(line, 8);
            records.push(Record {
                sequence: u64_at(line, 0),
                kind: Kind::of(u16_at(line, 16))?,
                version: u16_at(line, 18),
                position: Position {
                    segment: mark.segment,
                    offset,
                    length,
                },
                fingerprint: Fingerprint(array(line, 24)),
            });
            offset = offset.checked_add(length)?;
        }
        (offset == body + self.body).then_some(BatchRecords { mark, records })
    }
}

/// The line of a table for a record of that number.
pub(super) fn push_line(out: &mut Vec<u8>, sequence: u64, payload: &Payload) {
    out.extend(sequence.to_le_bytes());
    out.extend((payload.bytes.len() as u64).to_le_bytes());
    out.extend(payload.kind.number().to_le_bytes());
    out.extend(RECORD_VERSION.to_le_bytes());
    out.extend([0; 4]);
    out.extend(payload.fingerprint.0);
}
