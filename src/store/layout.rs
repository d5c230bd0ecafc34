//! How a batch lies in the journal, and how an index takes it in from there.
//!
//! Knows the order of raw bytes and outcomes in a batch; knows nothing of rows. Law: an index that takes in what [`decoded`] reads has the rows of the commit that
//! [`Recorded::by`] wrote.

use super::disk::Disk;
use super::journal::{self, BatchRecords, Kind, Mark, Payload, Position};
use super::known::{Batch, Staged};
use super::recorder::Recorder;
use super::writing::{self, Encoded, PolicyRow, StoredOutcome, StoredPolicy, Writing};
use crate::mail::Fingerprint;
use anyhow::{Context, Result};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A batch as it lies in the journal.
pub struct Recorded {
    /// The JSON of its outcomes.
    pub encoded: Vec<Encoded>,
    /// Where the batch lies.
    pub mark: Mark,
    /// Where each outcome lies.
    pub outcomes: Vec<OutcomePlace>,
    /// Where raw mails and letters lie.
    pub raws: RawPlaces,
}

impl Recorded {
    /// Appends a batch, and syncs it.
    pub fn by(recorder: &mut Recorder, batch: &Batch) -> Result<Recorded> {
        let encode = |staged: &Staged| Encoded::of(&staged.records, &staged.because, staged.fate);
        let encoded: Vec<Encoded> = batch.staged.par_iter().map(encode).collect::<Result<_>>()?;
        let layout = Layout::of(batch, &encoded);
        let (mark, positions) = recorder.append(&layout.payloads)?;
        let first = recorder.head().sequence + 1 - positions.len() as u64;
        let (outcomes, raws) = layout.places(first, &positions);
        Ok(Recorded {
            encoded,
            mark,
            outcomes,
            raws,
        })
    }
}

/// The order of a batch in the journal: raw bytes before the outcome that refers to them, equal bytes once.
struct Layout<'a> {
    payloads: Vec<Payload<'a>>,
    /// Which payload has these bytes.
    raws: BTreeMap<Fingerprint, usize>,
    /// Which payload each outcome is.
    outcomes: Vec<usize>,
}

impl<'a> Layout<'a> {
    fn of(batch: &'a Batch, encoded: &'a [Encoded]) -> Layout<'a> {
        let mut layout = Layout {
            payloads: vec![],
            raws: BTreeMap::new(),
            outcomes: vec![],
        };
        for (staged, encoded) in batch.staged.iter().zip(encoded) {
            for (fingerprint, bytes) in &staged.raws {
                layout.raws.entry(*fingerprint).or_insert_with(|| {
                    layout.payloads.push(Payload {
                        kind: Kind::Raw,
                        bytes: bytes.as_slice(),
                        fingerprint: *fingerprint,
                    });
                    layout.payloads.len() - 1
                });
            }
            layout.outcomes.push(layout.payloads.len());
            layout.payloads.push(Payload {
                kind: Kind::Outcome,
                bytes: &encoded.bytes,
                fingerprint: encoded.fingerprint,
            });
        }
        layout
    }

    /// Where everything lies: each outcome's sequence, position and fingerprint; raw bytes by their fingerprint.
    fn places(&self, first: u64, positions: &[Position]) -> (Vec<OutcomePlace>, RawPlaces) {
        let outcomes = self.outcomes.iter();
        let outcomes = outcomes.map(|&n| {
            let sequence = first + n as u64;
            (sequence, positions[n], self.payloads[n].fingerprint)
        });
        let raws = self.raws.iter().map(|(f, n)| (*f, positions[*n]));
        (outcomes.collect(), raws.collect())
    }
}

/// An outcome's sequence, position, and the fingerprint of its payload.
pub type OutcomePlace = (u64, Position, Fingerprint);
/// Where raw mails and letters lie.
pub type RawPlaces = BTreeMap<Fingerprint, Position>;

/// A batch of the journal as an index takes it in.
pub struct Decoded {
    mark: Mark,
    raws: RawPlaces,
    records: Vec<DecodedRecord>,
    /// The last record of the batch.
    pub last: u64,
}

struct DecodedRecord {
    sequence: u64,
    position: Position,
    fingerprint: Fingerprint,
    content: DecodedContent,
}

enum DecodedContent {
    Policy(StoredPolicy),
    Outcome(StoredOutcome, Encoded),
}

/// What an index that has everything up to `known` does not know yet of a batch.
pub fn decoded(disk: &dyn Disk, known: u64, batch: &BatchRecords) -> Result<Decoded> {
    let is_raw = |record: &&journal::Record| record.kind == Kind::Raw;
    let raws = batch.records.iter().filter(is_raw);
    let news = batch.records.iter().filter(|r| r.sequence > known);
    Ok(Decoded {
        mark: batch.mark,
        raws: raws.map(|r| (r.fingerprint, r.position)).collect(),
        records: news
            .filter(|record| !is_raw(record))
            .map(|record| {
                let content = content_of(disk, record);
                Ok(DecodedRecord {
                    sequence: record.sequence,
                    position: record.position,
                    fingerprint: record.fingerprint,
                    content: content.with_context(|| place_of(record.position, record.sequence))?,
                })
            })
            .collect::<Result<_>>()?,
        last: batch.records.last().map_or(known, |r| r.sequence),
    })
}

fn content_of(disk: &dyn Disk, record: &journal::Record) -> Result<DecodedContent> {
    anyhow::ensure!(
        record.version <= journal::RECORD_VERSION,
        "was written by a newer ticketd (record version {}); install that one",
        record.version
    );
    let bytes = journal::read_checked_before(disk, record.position)?;
    if record.kind == Kind::Policy {
        return Ok(DecodedContent::Policy(serde_json::from_slice(&bytes)?));
    }
    let outcome: StoredOutcome = serde_json::from_slice(&bytes)?;
    let encoded = Encoded::of(&outcome.records, &outcome.because, outcome.fate)?;
    Ok(DecodedContent::Outcome(outcome, encoded))
}

fn place_of(position: Position, sequence: u64) -> String {
    let file = journal::file_of(position.segment);
    format!("{file}: at byte {}, record {sequence}", position.offset)
}

/// Takes a batch of the journal into an index that does not know it yet, as the commit would have.
pub fn take_in(writing: &mut Writing, batch: &Decoded) -> Result<()> {
    for record in &batch.records {
        let took = match &record.content {
            DecodedContent::Policy(policy) => {
                let row = PolicyRow {
                    at: record.position,
                    fingerprint: record.fingerprint,
                };
                writing.policy(record.sequence, batch.mark, policy, &row)
            }
            DecodedContent::Outcome(outcome, encoded) => writing.outcome(&writing::Accepted {
                sequence: record.sequence,
                batch: batch.mark,
                position: record.position,
                fingerprint: record.fingerprint,
                records: &outcome.records,
                json: &encoded.records(),
                raws: &batch.raws,
            }),
        };
        took.with_context(|| place_of(record.position, record.sequence))?;
    }
    Ok(())
}
