//! Transfer encodings, leniently: what real mailers send decodes to something, and damage is told rather than refused.
//!
//! Linear in the input; allocates no more than the input.

use std::borrow::Cow;

/// How a part's content travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As it is: 7bit, 8bit, binary, none, or one nobody knows.
    Identity,
    /// RFC 2045, 6.8.
    Base64,
    /// RFC 2045, 6.7.
    QuotedPrintable,
    /// `x-uuencode`.
    Uuencode,
}

impl Encoding {
    /// The encoding a `Content-Transfer-Encoding` names, and whether it is one we know.
    pub(super) fn named(value: &str) -> (Self, bool) {
        // Some mailers quote it, end it with a semicolon or add a comment.
        let word = value
            .trim_matches(|c: char| c == '"' || c.is_whitespace())
            .split([';', ' ', '('])
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        match word.as_str() {
            "base64" | "base-64" | "x-base64" | "b" => (Encoding::Base64, true),
            "quoted-printable" | "quotedprintable" | "q" | "qp" => {
                (Encoding::QuotedPrintable, true)
            }
            "x-uuencode" | "x-uue" | "uuencode" | "x-uuencoded" => (Encoding::Uuencode, true),
            "" | "7bit" | "8bit" | "binary" | "7-bit" | "8-bit" | "none" => {
                (Encoding::Identity, true)
            }
            _ => (Encoding::Identity, false),
        }
    }
}

/// The content, and whether it was damaged.
pub(super) fn decoded(content: &[u8], encoding: Encoding) -> (Cow<'_, [u8]>, bool) {
    match encoding {
        Encoding::Identity => (Cow::Borrowed(content), false),
        Encoding::Base64 => {
            let (bytes, damaged) = base64(content);
            (Cow::Owned(bytes), damaged)
        }
        Encoding::QuotedPrintable => (Cow::Owned(quoted_printable(content)), false),
        Encoding::Uuencode => match super::uuencode::blocks(content).into_iter().next() {
            Some(block) => (Cow::Owned(block.content), block.damaged),
            None => (Cow::Borrowed(content), true),
        },
    }
}

/// How long the content is after decoding, without decoding it.
pub(super) fn decoded_len(content: &[u8], encoding: Encoding) -> (u64, bool) {
    match encoding {
        Encoding::Identity => (content.len() as u64, false),
        Encoding::Base64 => base64_len(content),
        _ => {
            let (bytes, damaged) = decoded(content, encoding);
            (bytes.len() as u64, damaged)
        }
    }
}

/// As [`base64`] decodes: `=` ends a group; between two stands one run of digits, as a rule the only one.
fn base64_len(content: &[u8]) -> (u64, bool) {
    let (mut bytes, mut damaged) = (0, false);
    let mut rest = content;
    loop {
        let end = memchr::memchr(b'=', rest).unwrap_or(rest.len());
        let digits = digits(&rest[..end]);
        bytes += digits / 4 * 3 + (digits % 4).saturating_sub(1);
        damaged |= digits % 4 == 1;
        match rest.get(end + 1..) {
            Some(after) => rest = after,
            None => return (bytes, damaged),
        }
    }
}

/// How many digits of base64. Without the table and without branches, so that the compiler does many bytes at a time.
fn digits(content: &[u8]) -> u64 {
    let is_digit = |b: u8| {
        ((b | 0x20).wrapping_sub(b'a') < 26)
            | (b.wrapping_sub(b'0') < 10)
            | (b == b'+')
            | (b == b'/')
    };
    let of = |some: &[u8]| some.iter().fold(0u8, |n, &b| n + u8::from(is_digit(b)));
    content
        .chunks(usize::from(u8::MAX))
        .map(|some| u64::from(of(some)))
        .sum()
}

const NOT_BASE64: u8 = 64;
const VALUE: [u8; 256] = {
    let mut table = [NOT_BASE64; 256];
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut i = 0;
    while i < 64 {
        table[digits[i] as usize] = i as u8;
        i += 1;
    }
    table
};

/// Skips what is no digit; `=` ends a group, so that concatenated base64 decodes too. Damaged: a digit is left over.
pub(super) fn base64(content: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(content.len() / 4 * 3 + 3);
    let mut group = 0u32;
    let mut digits = 0;
    let mut damaged = false;
    for &b in content {
        let value = VALUE[b as usize];
        if value < 64 {
            group = group << 6 | u32::from(value);
            digits += 1;
            if digits == 4 {
                out.extend_from_slice(&[(group >> 16) as u8, (group >> 8) as u8, group as u8]);
                (group, digits) = (0, 0);
            }
        } else if b == b'=' && digits != 0 {
            damaged |= digits == 1;
            push_rest(&mut out, group, digits);
            (group, digits) = (0, 0);
        }
    }
    damaged |= digits == 1;
    push_rest(&mut out, group, digits);
    (out, damaged)
}

fn push_rest(out: &mut Vec<u8>, group: u32, digits: u32) {
    match digits {
        2 => out.push((group >> 4) as u8),
        3 => out.extend_from_slice(&[(group >> 10) as u8, (group >> 2) as u8]),
        _ => {}
    }
}

/// A `=` that begins no code stands for itself; blanks at a line's end are dropped (RFC 2045, 6.7 rule 3).
pub(super) fn quoted_printable(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    for line in content.split_inclusive(|&b| b == b'\n') {
        let ends_in_newline = line.last() == Some(&b'\n');
        let line = line.trim_ascii_end();
        let soft = line.last() == Some(&b'=');
        push_codes(&mut out, if soft { &line[..line.len() - 1] } else { line });
        if !soft && ends_in_newline {
            out.push(b'\n');
        }
    }
    out
}

fn push_codes(out: &mut Vec<u8>, mut line: &[u8]) {
    while let Some(at) = line.iter().position(|&b| b == b'=') {
        out.extend_from_slice(&line[..at]);
        match line.get(at + 1..at + 3).and_then(hex_byte) {
            Some(byte) => {
                out.push(byte);
                line = &line[at + 3..];
            }
            None => {
                out.push(b'=');
                line = &line[at + 1..];
            }
        }
    }
    out.extend_from_slice(line);
}

/// The byte that two hexadecimal digits write.
pub(super) fn hex_byte(digits: &[u8]) -> Option<u8> {
    let value = |d: u8| (d as char).to_digit(16).map(|v| v as u8);
    match digits {
        [high, low] => Some(value(*high)? << 4 | value(*low)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_what_the_table_says() {
        let all: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        let by_table = all.iter().filter(|b| VALUE[**b as usize] < 64).count();
        assert_eq!(digits(&all), by_table as u64);
    }

    #[test]
    fn base64_of_every_state_of_repair() {
        for (given, expected, damaged) in [
            ("aGVsbG8=", "hello", false),
            ("aGVsbG8", "hello", false),
            ("aGVs\r\nbG8=\r\n", "hello", false),
            ("aGVs!bG8=", "hello", false),
            ("aGk=aGk=", "hihi", false),
            ("aGVsb", "hel", true),
            ("", "", false),
        ] {
            let (found, is_damaged) = base64(given.as_bytes());
            assert_eq!(
                (found.as_slice(), is_damaged),
                (expected.as_bytes(), damaged),
                "{given}"
            );
            assert_eq!(
                decoded_len(given.as_bytes(), Encoding::Base64),
                (expected.len() as u64, damaged),
                "{given}"
            );
        }
    }

    #[test]
    fn quoted_printable_of_every_state_of_repair() {
        for (given, expected) in [
            ("a=C3=A4=\r\nb\r\n", "aäb\n"),
            ("trailing   \r\nblanks", "trailing\nblanks"),
            ("a = b =ZZ =4", "a = b =ZZ =4"),
            ("soft=  \nbreak", "softbreak"),
        ] {
            assert_eq!(
                String::from_utf8_lossy(&quoted_printable(given.as_bytes())),
                expected
            );
        }
    }
}
