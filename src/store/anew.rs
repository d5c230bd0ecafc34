//! An index that is made anew: it is not asked for what was never written to it.
//!
//! Nearly every row of a record taken in is a new one, and before it is written the index is asked for the row that it replaces. Of an index of millions of rows each
//! such question was a walk through sled's tree, often to the disk: two fifths of the time. Here a filter (Bloom, "Space/time trade-offs in hash coding with
//! allowable errors", 1970) remembers what was written in a few bits a row. Law: it answers as the index behind it does, if that was empty and nobody else writes to it.

use super::index::{Index, Rows};
use anyhow::Result;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

/// A record makes four rows on average: sixteen bits each. One question in a hundred is asked in vain.
const BITS_PER_RECORD: u64 = 64;
const BITS_MIN: u64 = 1 << 12;
/// 64 MB: from 8,000,000 records on more questions are asked in vain.
const BITS_MAX: u64 = 1 << 29;
/// Bits that a row sets.
const MARKS: u64 = 4;

/// An index that was empty at the beginning, and has one writer.
pub struct Anew<'a> {
    index: &'a dyn Index,
    bits: Vec<AtomicU64>,
}

impl<'a> Anew<'a> {
    /// Over an empty index, for about so many records of the journal.
    pub fn over(index: &'a dyn Index, records: u64) -> Self {
        let bits = records
            .saturating_mul(BITS_PER_RECORD)
            .clamp(BITS_MIN, BITS_MAX)
            .next_power_of_two();
        let words = (0..bits / 64).map(|_| AtomicU64::new(0));
        Anew {
            index,
            bits: words.collect(),
        }
    }

    /// The words and the bits in them that stand for a key.
    fn marks(&self, key: &str) -> impl Iterator<Item = (&AtomicU64, u64)> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        let (from, step) = (hash & 0xffff_ffff, (hash >> 32) | 1);
        (0..MARKS).map(move |n| {
            let bit = from.wrapping_add(n.wrapping_mul(step));
            let word = (bit / 64) as usize & (self.bits.len() - 1);
            (&self.bits[word], 1 << (bit % 64))
        })
    }
}

impl Index for Anew<'_> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let is_written = |(word, bit): (&AtomicU64, u64)| word.load(Ordering::Relaxed) & bit != 0;
        if !self.marks(key).all(is_written) {
            return Ok(None);
        }
        self.index.get(key)
    }

    fn scan(
        &self,
        prefix: &str,
        from: &str,
        visit: &mut dyn FnMut(&str, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        self.index.scan(prefix, from, visit)
    }

    fn apply(&self, rows: &Rows) -> Result<()> {
        for key in rows.keys() {
            for (word, bit) in self.marks(key) {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
        self.index.apply(rows)
    }

    fn checkpoint(&self) -> Result<()> {
        self.index.checkpoint()
    }

    fn begin_anew(&self, why: &str) -> Result<()> {
        self.index.begin_anew(why)
    }

    fn is_clean(&self) -> bool {
        self.index.is_clean()
    }

    fn in_use(&self) -> Result<()> {
        self.index.in_use()
    }

    fn close(&self) -> Result<()> {
        self.index.close()
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::MemoryIndex;
    use super::*;

    #[test]
    fn it_answers_as_the_index_behind_it_even_when_its_filter_is_full() {
        let behind = MemoryIndex::new();
        let anew = Anew::over(&behind, 0);
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let key = random.u32(..5_000).to_string();
            assert_eq!(anew.get(&key).unwrap(), behind.get(&key).unwrap(), "{key}");
            let value = random.bool().then(|| vec![random.u8(..)]);
            anew.apply(&Rows::from([(key, value)])).unwrap();
        }
    }

    #[test]
    fn what_was_never_written_is_hardly_ever_asked() {
        let behind = MemoryIndex::new();
        let records = 10_000;
        let anew = Anew::over(&behind, records);
        for n in 0..4 * records {
            let rows = Rows::from([(format!("row/{n}"), Some(vec![]))]);
            anew.apply(&rows).unwrap();
        }
        // Now everything is there: an answer of nothing is the filter's.
        let asked = (0..10_000).filter(|n| {
            let key = format!("other/{n}");
            behind
                .apply(&Rows::from([(key.clone(), Some(vec![]))]))
                .unwrap();
            anew.get(&key).unwrap().is_some()
        });
        assert!(asked.count() < 300);
    }
}
