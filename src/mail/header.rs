//! A header block taken apart: fields, unfolding, encoded words, ids, dates.
//!
//! Bounded and linear for any bytes. Repairs what can be read and says what it repaired; refuses nothing.

use super::charset::{self, Sure};
use super::{text, transfer};
use chrono::{DateTime, Timelike, Utc};
use std::borrow::Cow;

/// A header block longer than this is read only so far (ATTACKS.md E01).
pub(super) const BLOCK_BYTES_MAX: usize = 256 << 10;
/// More fields than this are not read (ATTACKS.md E01).
pub(super) const FIELDS_MAX: usize = 1_000;
/// RFC 5322 allows 76 and a colon; some gateways write longer names.
const NAME_BYTES_MAX: usize = 200;
/// An id is copied into letters and keys; longer than a line (RFC 5322, 2.1.1) is bait.
const ID_BYTES_MAX: usize = 998;

/// One field as it stands in the mail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'x> {
    /// Without the colon.
    pub(super) name: &'x [u8],
    /// Folded, without the last line end.
    pub(super) value: &'x [u8],
}

/// A header block.
#[derive(Debug, Default)]
pub(super) struct Block<'x> {
    /// In order.
    pub(super) fields: Vec<Field<'x>>,
    /// Where the body begins.
    pub(super) body: usize,
    /// Lines that are no field stood between fields.
    pub(super) junk: bool,
    /// No empty line stands before the body.
    pub(super) unfinished: bool,
    /// More than the caps.
    pub(super) cut: bool,
}

impl<'x> Block<'x> {
    /// The first field of that name.
    pub(super) fn field(&self, name: &str) -> Option<&'x [u8]> {
        self.fields
            .iter()
            .find(|f| f.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|f| f.value)
    }
}

/// The line that starts at `at`, without its end, and where the next one starts.
pub(super) fn line(raw: &[u8], at: usize) -> (&[u8], usize) {
    let rest = raw.get(at..).unwrap_or_default();
    let (mut line, next) = match memchr::memchr(b'\n', rest) {
        Some(end) => (&rest[..end], at + end + 1),
        None => (rest, raw.len()),
    };
    // CR CR LF is what a text-mode copy of a mail makes of CR LF.
    while let Some(shorter) = line.strip_suffix(b"\r") {
        line = shorter;
    }
    (line, next)
}

/// Reads the block that starts at `start`; it ends at an empty line, at a boundary, or where no more fields follow.
pub(super) fn block<'x>(
    raw: &'x [u8],
    start: usize,
    is_boundary: impl Fn(&[u8]) -> bool,
) -> Block<'x> {
    let mut block = Block {
        body: start,
        ..Block::default()
    };
    let mut at = start;
    let mut value_from = None;
    let mut goes_on_to = None;
    while at < raw.len() {
        let (text, next) = line(raw, at);
        if is_boundary(text) {
            block.unfinished = !block.fields.is_empty();
            break;
        }
        if text.is_empty() || is_blank(text) && !continues(raw, next) {
            at = next;
            break;
        }
        let is_first = at == start;
        let over = at - start > BLOCK_BYTES_MAX || block.fields.len() >= FIELDS_MAX;
        block.cut |= over;
        if over {
            value_from = None;
        } else if is_continuation(text) && value_from.is_some() {
            extend(&mut block, raw, value_from, at + text.len());
        } else if let Some(name) = field_name(text) {
            let from = at + text.iter().position(|&b| b == b':').unwrap_or(0) + 1;
            value_from = Some(from);
            block.fields.push(Field {
                name,
                value: &raw[from..at + text.len()],
            });
        } else if is_first && is_mbox_from(text) {
            value_from = None;
        } else if at < *goes_on_to.get_or_insert_with(|| last_known_field(raw, at)) {
            block.junk = true;
            if value_from.is_some() && block.fields.last().is_some_and(|f| may_lose_indent(f.name))
            {
                extend(&mut block, raw, value_from, at + text.len());
            } else {
                value_from = None;
            }
        } else if !block.fields.is_empty() && ends(raw, next) {
            block.junk = true;
            value_from = None;
        } else {
            block.unfinished = !block.fields.is_empty();
            break;
        }
        at = next;
    }
    block.body = if block.fields.is_empty() && start == 0 {
        start
    } else {
        at
    };
    block
}

fn extend<'x>(block: &mut Block<'x>, raw: &'x [u8], from: Option<usize>, end: usize) {
    if let (Some(last), Some(from)) = (block.fields.last_mut(), from) {
        last.value = &raw[from..end];
    }
}

fn is_continuation(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|b| matches!(b, b' ' | b'\t'))
}

fn is_mbox_from(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

/// Whether the header goes on at this line.
fn continues(raw: &[u8], at: usize) -> bool {
    let (text, _) = line(raw, at);
    field_name(text).is_some() || is_continuation(text) && !is_blank(text)
}

/// How far a line that is no field is looked past for one that is.
const LOOK_AHEAD_BYTES: usize = 64 << 10;

/// Where the last line before the next empty one stands that begins a field everybody knows; 0 if none does.
/// Some gateways lose the blanks that continue a field, and a body may come without an empty line before it: this tells the two apart.
fn last_known_field(raw: &[u8], from: usize) -> usize {
    let (mut at, mut last) = (from, 0);
    while at < raw.len() && at - from < LOOK_AHEAD_BYTES {
        let (text, next) = line(raw, at);
        if text.is_empty() {
            break;
        }
        if field_name(text).is_some_and(is_known) {
            last = at;
        }
        at = next;
    }
    last
}

fn is_known(name: &[u8]) -> bool {
    const KNOWN: [&str; 20] = [
        "From",
        "To",
        "Cc",
        "Subject",
        "Date",
        "Message-ID",
        "Received",
        "Reply-To",
        "Sender",
        "Return-Path",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
        "Content-Disposition",
        "References",
        "In-Reply-To",
        "Delivered-To",
        "DKIM-Signature",
        "List-Id",
        "Status",
    ];
    KNOWN
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        || name.len() > 2 && name[..2].eq_ignore_ascii_case(b"X-")
}

/// Fields whose continuation is worth having without its indent; none that anybody is trusted for.
fn may_lose_indent(name: &[u8]) -> bool {
    ["Content-Type", "Content-Disposition", "References"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

fn ends(raw: &[u8], at: usize) -> bool {
    line(raw, at).0.is_empty()
}

fn field_name(line: &[u8]) -> Option<&[u8]> {
    let window = &line[..line.len().min(NAME_BYTES_MAX)];
    let name = window[..window.iter().position(|&b| b == b':')?].trim_ascii_end();
    (!name.is_empty() && name.iter().all(|b| (33..=126).contains(b))).then_some(name)
}

/// The value on one line, without the blanks around it.
pub(super) fn unfolded(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if !value.iter().any(|b| matches!(b, b'\r' | b'\n' | b'\t')) {
        return Cow::Borrowed(value);
    }
    let mut one_line = Vec::with_capacity(value.len());
    for &b in value {
        match b {
            // Only the CR of a line end goes; a bare one is a control character like others.
            b'\n' => one_line.truncate(
                one_line
                    .iter()
                    .rposition(|&c| c != b'\r')
                    .map_or(0, |last| last + 1),
            ),
            b'\t' => one_line.push(b' '),
            _ => one_line.push(b),
        }
    }
    Cow::Owned(one_line)
}

/// What a field says and how it says it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Decoded {
    /// Unfolded, encoded words decoded, not yet cleaned.
    pub(super) text: String,
    /// Bytes beyond ASCII stand in it bare.
    pub(super) bare_8bit: bool,
    /// An encoded word is of an unknown charset, or not of the one it names.
    pub(super) bad_charset: bool,
}

/// The text of an unstructured field. `hint` is the charset of the body, for bytes beyond ASCII that declare none.
pub(super) fn decoded(value: &[u8], hint: Option<&str>) -> Decoded {
    decoded_as(value, false, hint)
}

/// The text of an address field: an encoded word that holds `,` `<` `@` and the like is put in quotes, so that decoding makes no addresses (ATTACKS.md A04).
pub(super) fn decoded_addresses(value: &[u8], hint: Option<&str>) -> Decoded {
    decoded_as(value, true, hint)
}

fn decoded_as(value: &[u8], addresses: bool, hint: Option<&str>) -> Decoded {
    let value = unfolded(value);
    if value.is_ascii()
        && !value.contains(&0x1b)
        && !charset::is_shifted(hint)
        && !value.windows(2).any(|w| w == b"=?")
    {
        let text = String::from_utf8_lossy(&value).into_owned();
        return Decoded {
            text,
            ..Decoded::default()
        };
    }
    let mut writer = Words {
        addresses,
        hint,
        ..Words::default()
    };
    writer.all(&value);
    writer.out
}

/// One encoded word (RFC 2047) where it stands.
struct Word<'x> {
    charset: &'x [u8],
    base64: bool,
    text: &'x [u8],
    length: usize,
}

#[derive(Default)]
struct Words<'x> {
    out: Decoded,
    addresses: bool,
    hint: Option<&'x str>,
    in_quotes: bool,
    /// Neighbouring words of one charset are decoded together: many mailers cut inside a character.
    charset: Vec<u8>,
    bytes: Vec<u8>,
    base64: Vec<u8>,
}

impl Words<'_> {
    fn all(&mut self, value: &[u8]) {
        let (mut literal, mut at) = (0, 0);
        let mut may_end = true;
        while let Some(begin) = value[at..].windows(2).position(|w| w == b"=?") {
            at += begin;
            let Some(word) = word_at(&value[at..], &mut may_end) else {
                at += 2;
                continue;
            };
            self.literal(&value[literal..at]);
            self.word(&word);
            at += word.length;
            literal = at;
        }
        self.flush();
        self.literal(&value[literal..]);
    }

    fn word(&mut self, word: &Word) {
        if !self.charset.eq_ignore_ascii_case(word.charset) {
            self.flush();
            self.charset = word.charset.to_vec();
        }
        if word.base64 {
            // A word that does not end a group of four goes on in the next one.
            self.base64.extend_from_slice(word.text);
        } else {
            self.end_base64();
            push_q(&mut self.bytes, word.text);
        }
    }

    fn end_base64(&mut self) {
        if !self.base64.is_empty() {
            self.bytes.extend(transfer::base64(&self.base64).0);
            self.base64.clear();
        }
    }

    fn flush(&mut self) {
        if self.charset.is_empty() {
            return;
        }
        self.end_base64();
        let label = String::from_utf8_lossy(&self.charset).into_owned();
        let (text, sure) = charset::decoded(&self.bytes, Some(&label));
        self.out.bad_charset |= matches!(sure, Sure::Unknown | Sure::Wrong);
        let special = self.addresses
            && text.contains(['"', '\\', ',', '<', '>', '@', ';', ':', '(', ')', '[', ']']);
        if special {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            let quote = if self.in_quotes { "" } else { "\"" };
            self.out.text.push_str(&format!("{quote}{escaped}{quote}"));
        } else {
            self.out.text.push_str(&text);
        }
        self.charset.clear();
        self.bytes.clear();
    }

    fn literal(&mut self, bytes: &[u8]) {
        if !self.charset.is_empty() {
            if bytes.trim_ascii().is_empty() {
                return;
            }
            self.flush();
        }
        let mut escaped = false;
        for &b in bytes {
            self.in_quotes ^= b == b'"' && !escaped;
            escaped = b == b'\\' && !escaped;
        }
        let (text, _) = charset::hinted(bytes, self.hint);
        self.out.bare_8bit |= !bytes.is_ascii();
        self.out.text.push_str(&text);
    }
}

/// The word at the start of `value`. `may_end` remembers that no `?=` follows, so that bait stays linear.
fn word_at<'x>(value: &'x [u8], may_end: &mut bool) -> Option<Word<'x>> {
    let rest = value.get(2..)?;
    let charset_end = rest[..rest.len().min(64)].iter().position(|&b| b == b'?')?;
    let charset = &rest[..charset_end];
    if charset.is_empty() || charset.iter().any(|b| b.is_ascii_whitespace()) {
        return None;
    }
    let [kind, b'?', text @ ..] = &rest[charset_end + 1..] else {
        return None;
    };
    let base64 = match kind {
        b'B' | b'b' => true,
        b'Q' | b'q' => false,
        _ => return None,
    };
    if !*may_end {
        return None;
    }
    let Some(end) = text.windows(2).position(|w| w == b"?=") else {
        *may_end = false;
        return None;
    };
    let charset = charset.split(|&b| b == b'*').next().unwrap_or(charset);
    let length = value.len() - text.len() + end + 2;
    Some(Word {
        charset,
        base64,
        text: &text[..end],
        length,
    })
}

fn push_q(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        match (b, tail.get(..2).and_then(transfer::hex_byte)) {
            (b'=', Some(byte)) => {
                out.push(byte);
                rest = &tail[2..];
            }
            (b'_', _) => out.push(b' '),
            _ => out.push(b),
        }
    }
}

/// Ids in angle brackets, oldest first; bare words that look like ids where there are no brackets. Blanks inside are dropped: folding put them there.
pub(super) fn ids(value: &str) -> Vec<String> {
    let mut found = vec![];
    let mut rest = value;
    while let Some(open) = rest.find('<') {
        let inner = &rest[open + 1..];
        let Some(close) = inner.find(['>', '<']) else {
            // The last bracket was cut off with the rest of the line.
            found.extend(id(inner));
            break;
        };
        found.extend(id(&inner[..close]));
        rest = &inner[close + usize::from(inner.as_bytes()[close] == b'>')..];
    }
    if found.is_empty() && !value.contains('<') {
        let words = value.split([' ', ',', ';']).filter(|w| !w.is_empty());
        found.extend(words.filter(|w| w.contains('@')).filter_map(id));
    }
    found
}

fn id(text: &str) -> Option<String> {
    let id: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>'))
        .collect();
    (!id.is_empty() && id.len() <= ID_BYTES_MAX).then_some(id)
}

/// The id of a `Message-ID` field: the first one in brackets, else the whole value if it is one word.
pub(super) fn message_id(value: &str) -> Option<String> {
    let first = ids(value).into_iter().next();
    first.or_else(|| {
        id(value)
            .filter(|_| !value.trim().contains(char::is_whitespace) && !value.contains(['<', '>']))
    })
}

/// The instant a `Date` field names, if it names one.
pub(super) fn date(value: &str) -> Option<DateTime<Utc>> {
    let value = with_offset(text::at_most(value.trim(), 100));
    current_date(&value)
        .or_else(|| old_date(&value))
        .or_else(|| loose_date(&value))
}

/// Zones that mailers write by name though RFC 5322 knows only those of America; the parsers take them for UTC.
const ZONES: &[(&str, &str)] = &[
    ("CET", "+0100"),
    ("CEST", "+0200"),
    ("MET", "+0100"),
    ("MEST", "+0200"),
    ("MEZ", "+0100"),
    ("MESZ", "+0200"),
    ("BST", "+0100"),
    ("WEST", "+0100"),
    ("EET", "+0200"),
    ("EEST", "+0300"),
    ("MSK", "+0300"),
    ("JST", "+0900"),
];

/// The value with its last word, where that is a zone's name or `GMT+0100`, as an offset.
fn with_offset(value: &str) -> Cow<'_, str> {
    let Some((rest, zone)) = value.rsplit_once(' ') else {
        return Cow::Borrowed(value);
    };
    let named = ZONES
        .iter()
        .find(|(name, _)| zone.eq_ignore_ascii_case(name));
    let offset = zone
        .strip_prefix("GMT")
        .or_else(|| zone.strip_prefix("UTC"))
        .filter(|o| o.len() == 5 && o.starts_with(['+', '-']));
    match named.map(|(_, offset)| *offset).or(offset) {
        Some(offset) => Cow::Owned(format!("{rest} {offset}")),
        None => Cow::Borrowed(value),
    }
}

/// Months by their first letters, as mailers write them that were translated.
const MONTHS: &[&[&str]] = &[
    &["jan", "gen", "ene"],
    &["feb", "fév", "fev"],
    &["mar", "mär", "mrz", "maa"],
    &["apr", "avr", "abr"],
    &["may", "mai", "mag", "mei"],
    &["jun", "juin", "giu"],
    &["jul", "juil", "lug"],
    &["aug", "aoû", "ago"],
    &["sep", "set"],
    &["oct", "okt", "ott", "out"],
    &["nov"],
    &["dec", "dez", "déc", "dic"],
];

/// A day, a month by name or in a date that begins with the year, a year of four digits and a time, in any order. Without a zone it is taken for UTC.
fn loose_date(value: &str) -> Option<DateTime<Utc>> {
    let (mut days, mut month, mut year) = (vec![], None, None);
    let (mut time, mut afternoon, mut offset_minutes) = (None, None, 0i32);
    let words = value.split([' ', ',', '\t']).filter(|w| !w.is_empty());
    for word in words.take(12) {
        let lower = word.to_lowercase();
        if word.contains(':') && time.is_none() {
            let parsed = ["%H:%M:%S", "%H:%M"]
                .iter()
                .find_map(|f| chrono::NaiveTime::parse_from_str(word, f).ok());
            time = Some(parsed?);
        } else if matches!(lower.as_str(), "am" | "pm") {
            afternoon = Some(lower == "pm");
        } else if word.len() == 5 && word.starts_with(['+', '-']) {
            let offset: i32 = word.parse().ok()?;
            offset_minutes = offset / 100 * 60 + offset % 100;
        } else {
            for piece in lower.split(['-', '/', '.']).filter(|p| !p.is_empty()) {
                match piece.parse::<u32>() {
                    Ok(number) if piece.len() == 4 => year = Some(number),
                    // In `2026-03-27` the month comes first.
                    Ok(number) if year.is_some() && month.is_none() && word.contains('-') => {
                        month = Some(number)
                    }
                    Ok(number) => days.push(number),
                    Err(_) => month = month_named(piece).or(month),
                }
            }
        }
    }
    // Two numbers that may be the day say nothing.
    let [day] = days[..] else { return None };
    let date = chrono::NaiveDate::from_ymd_opt(year?.try_into().ok()?, month?, day)?;
    let twelve = chrono::TimeDelta::hours(12);
    let time = match (time?, afternoon) {
        (time, Some(true)) if time.hour() < 12 => time + twelve,
        (time, Some(false)) if time.hour() == 12 => time - twelve,
        (time, _) => time,
    };
    let local = date.and_time(time).and_utc();
    (offset_minutes.abs() <= 14 * 60)
        .then(|| local - chrono::TimeDelta::minutes(offset_minutes.into()))
}

/// The number of a month. Some weekdays begin like one (`mar. 3 avril`), and stand before it.
fn month_named(word: &str) -> Option<u32> {
    let at = MONTHS
        .iter()
        .position(|names| names.iter().any(|n| word.starts_with(n)))?;
    u32::try_from(at + 1).ok()
}

/// Zones by name and years of two digits (RFC 5322, 4.3), no zone at all, and what C's `asctime` writes.
fn old_date(value: &str) -> Option<DateTime<Utc>> {
    let value = text::at_most(value, 100);
    let zoned = DateTime::parse_from_rfc2822(value)
        .or_else(|_| DateTime::parse_from_rfc2822(&format!("{value} +0000")));
    zoned.map(|d| d.to_utc()).ok().or_else(|| {
        let naive = chrono::NaiveDateTime::parse_from_str(value, "%a %b %e %H:%M:%S %Y");
        naive.map(|d| d.and_utc()).ok()
    })
}

fn current_date(value: &str) -> Option<DateTime<Utc>> {
    let parsed = mail_parser::DateTime::parse_rfc822(value)
        .filter(|d| d.is_valid())
        .or_else(|| mail_parser::DateTime::parse_rfc3339(value).filter(|d| d.is_valid()))?;
    // The day must exist: 31 February is accepted by the parser.
    chrono::NaiveDate::from_ymd_opt(
        i32::from(parsed.year),
        u32::from(parsed.month),
        u32::from(parsed.day),
    )?;
    DateTime::from_timestamp(parsed.to_timestamp(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        assert_eq!(decoded(value.as_bytes(), None).text, expected);
    }

    #[test]
    fn encoded_words() {
        check("=?utf-8?Q?Gr=C3=BCezi?= Welt", "Grüezi Welt");
        check("=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BCezi?=", "Grüezi");
        check("=?utf-8?B?R3LD?=\r\n =?utf-8?B?vGV6aQ==?=", "Grüezi");
        check("=?utf-8?B?R3LD?= =?UTF-8?Q?=BC?=", "Grü");
        check("=?utf-8*de?q?a_b?= =?iso-8859-1?q?=FC?=", "a bü");
        check("Re:=?utf-8?q?_x?=", "Re: x");
        check("=?utf-8?Q?not ended", "=?utf-8?Q?not ended");
        check("=?utf-8?Q??=", "");
        check("=?utf-8?Q?with blanks in?=", "with blanks in");
        check("a\r\n\tb", "a b");
        check("1 =? 2 ?= 3", "1 =? 2 ?= 3");
    }

    #[test]
    fn decoding_makes_no_addresses() {
        let value = "=?utf-8?q?staff=40corp.example=3E=2C?= <evil@x.example>";
        assert_eq!(
            decoded_addresses(value.as_bytes(), None).text,
            "\"staff@corp.example>,\" <evil@x.example>"
        );
    }

    #[test]
    fn ids_of_every_state_of_repair() {
        for (value, expected) in [
            ("<a@b> <c@d>", vec!["a@b", "c@d"]),
            ("<a@b><c@d>", vec!["a@b", "c@d"]),
            ("<a @b>, junk \"x\" <c@d", vec!["a@b", "c@d"]),
            ("a@b c@d", vec!["a@b", "c@d"]),
            // Found by fuzzing: in a letter of ours the bracket would have ended another id.
            ("a@b> c@d", vec!["a@b", "c@d"]),
            ("Your message of Monday", vec![]),
            ("<>", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(ids(value), expected, "{value}");
        }
    }

    #[test]
    fn dates_of_every_state_of_repair() {
        for (value, expected) in [
            (
                "Fri, 27 Mar 2026 16:40:00 +0100",
                Some("2026-03-27T15:40:00+00:00"),
            ),
            (
                "27 Mar 2026 16:40 +0100 (CET)",
                Some("2026-03-27T15:40:00+00:00"),
            ),
            (
                "2026-03-27T16:40:00+01:00",
                Some("2026-03-27T15:40:00+00:00"),
            ),
            (
                "Fri, 27 Mar 26 11:40:00 EST",
                Some("2026-03-27T16:40:00+00:00"),
            ),
            (
                "Fri, 27 Mar 2026 16:40:00",
                Some("2026-03-27T16:40:00+00:00"),
            ),
            (
                "Fri Mar 27 16:40:00 2026",
                Some("2026-03-27T16:40:00+00:00"),
            ),
            (
                "Fri, 27 Mar 2026 16:40:00 CET",
                Some("2026-03-27T15:40:00+00:00"),
            ),
            (
                "Fri, 27 Mar 2026 16:40:00 GMT+0100",
                Some("2026-03-27T15:40:00+00:00"),
            ),
            ("2026-03-27 16:40:00", Some("2026-03-27T16:40:00+00:00")),
            (
                "2026-03-27 16:40:00 +0100",
                Some("2026-03-27T15:40:00+00:00"),
            ),
            (
                "Friday, 27 March 2026 16:40:00 +0100",
                Some("2026-03-27T15:40:00+00:00"),
            ),
            (
                "Fr, 27-Mrz-2026 16:40 MEZ",
                Some("2026-03-27T15:40:00+00:00"),
            ),
            ("mar. 7 avril 2026 16:40", Some("2026-04-07T16:40:00+00:00")),
            ("27 mars 2026, 16:40", Some("2026-03-27T16:40:00+00:00")),
            ("Mar 27, 2026 4:40:00 PM", Some("2026-03-27T16:40:00+00:00")),
            ("03/04/2026 16:40:00", None),
            ("2026-02-31 16:40:00", None),
            ("Tue, 31 Feb 2026 16:40:00 +0100", None),
            ("never", None),
        ] {
            assert_eq!(
                date(value).map(|d| d.to_rfc3339()).as_deref(),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn blocks_of_every_state_of_repair() {
        for (raw, names, body) in [
            ("A: 1\n b\nC: 2\n\nbody", vec!["A", "C"], "body"),
            ("A: 1\r\r\n\r\r\nbody", vec!["A"], "body"),
            ("From x Mon\nA: 1\n\nbody", vec!["A"], "body"),
            ("A: 1\njunk\nTo: 2\n\nbody", vec!["A", "To"], "body"),
            (
                "A: 1\nThis is the body.\nAll of it.\n",
                vec!["A"],
                "This is the body.\nAll of it.\n",
            ),
            (
                "no header at all\n\ntext",
                vec![],
                "no header at all\n\ntext",
            ),
            ("A: 1\n \t\nC: 2\n\nbody", vec!["A", "C"], "body"),
            ("A: 1\n   \nbody", vec!["A"], "body"),
        ] {
            let block = block(raw.as_bytes(), 0, |_| false);
            let found: Vec<_> = block
                .fields
                .iter()
                .map(|f| String::from_utf8_lossy(f.name))
                .collect();
            assert_eq!(found, names, "{raw}");
            assert_eq!(&raw[block.body..], body, "{raw}");
        }
    }
}
