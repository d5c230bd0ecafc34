//! uuencoded files in plain text, as old mailers and scanners still send them.

/// One `begin … end` block.
pub(super) struct Block {
    /// The name after the mode.
    pub(super) name: String,
    /// Decoded.
    pub(super) content: Vec<u8>,
    /// Where it stands in the text: from the `begin` line to after the `end` line.
    pub(super) at: std::ops::Range<usize>,
    /// A line was too short, or the `end` is missing.
    pub(super) damaged: bool,
    /// Digits that lines announced and did not bring.
    missing: usize,
}

/// Blocks a text may hold: more is bait.
const BLOCKS_MAX: usize = 100;
/// Zeros at a line's end may be stripped as blanks; no more of them than this are made up, or a short text would become a huge file.
const MISSING_MAX: usize = 1 << 20;

/// All blocks of a text, in order. Linear.
pub(super) fn blocks(text: &[u8]) -> Vec<Block> {
    let mut found: Vec<Block> = vec![];
    let mut open: Option<Block> = None;
    let mut at = 0;
    for line in text.split_inclusive(|&b| b == b'\n') {
        let next = at + line.len();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match &mut open {
            None => open = begin(line, at..next).filter(|_| found.len() < BLOCKS_MAX),
            Some(block) => {
                block.at.end = next;
                if line.trim_ascii_end() == b"end" {
                    found.extend(open.take());
                } else if !push_line(block, line) {
                    // Not a uuencoded line: text goes on, and this block ended without saying so.
                    block.at.end = at;
                    block.damaged = true;
                    found.extend(open.take().filter(|b| !b.content.is_empty()));
                }
            }
        }
        at = next;
    }
    if let Some(mut block) = open {
        block.damaged = true;
        found.extend(Some(block).filter(|b| !b.content.is_empty()));
    }
    found
}

/// `begin 644 name`.
fn begin(line: &[u8], at: std::ops::Range<usize>) -> Option<Block> {
    let rest = line.strip_prefix(b"begin ")?;
    let digits = rest
        .iter()
        .take_while(|b| (b'0'..=b'7').contains(b))
        .count();
    let name = rest.get(digits..)?.strip_prefix(b" ")?;
    if !(3..=4).contains(&digits) || name.trim_ascii().is_empty() {
        return None;
    }
    let (name, _) = super::charset::undeclared(name.trim_ascii());
    Some(Block {
        name: name.into_owned(),
        content: vec![],
        at,
        damaged: false,
        missing: 0,
    })
}

fn push_line(block: &mut Block, line: &[u8]) -> bool {
    let Some((&first, digits)) = line.split_first() else {
        return true;
    };
    if !(b' '..=b'`').contains(&first) {
        return false;
    }
    let length = usize::from((first - b' ') & 63);
    if length == 0 {
        return true;
    }
    // Trailing blanks are zeros that a mailer stripped; one digit more is a checksum.
    if digits.len() > length.div_ceil(3) * 4 + 1
        || digits.iter().any(|b| !(b' '..=b'`').contains(b))
    {
        return false;
    }
    block.missing += (length.div_ceil(3) * 4).saturating_sub(digits.len());
    if block.missing > MISSING_MAX {
        return false;
    }
    let value = |i: usize| u32::from(digits.get(i).map_or(0, |b| (b - b' ') & 63));
    for group in 0..length.div_ceil(3) {
        let bits = (0..4).fold(0, |bits, i| bits << 6 | value(group * 4 + i));
        let bytes = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
        block
            .content
            .extend_from_slice(&bytes[..(length - group * 3).min(3)]);
    }
    true
}

/// The text without its blocks.
pub(super) fn without(text: &str, blocks: &[Block]) -> String {
    let mut rest = String::with_capacity(text.len());
    let mut from = 0;
    for block in blocks {
        rest.push_str(text.get(from..block.at.start).unwrap_or_default());
        from = block.at.end;
    }
    rest.push_str(text.get(from..).unwrap_or_default());
    rest
}

/// Whether a text may hold a block at all: most do not, and this costs one search.
pub(super) fn suspected(text: &str) -> bool {
    text.starts_with("begin ") || text.contains("\nbegin ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_the_middle_of_a_text() {
        let text = "Hello\nbegin 644 a file.txt\n#0V%T\n`\nend\nBye\n";
        let found = blocks(text.as_bytes());
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].name.as_str(), found[0].content.as_slice()),
            ("a file.txt", &b"Cat"[..])
        );
        assert_eq!(without(text, &found), "Hello\nBye\n");
    }

    #[test]
    fn a_sentence_that_begins_with_begin_is_text() {
        assert!(blocks(b"begin 644 times and never end\nreally not uuencoded, this\n").is_empty());
        assert!(blocks(b"begin at once\n").is_empty());
    }
}
