//! `winmail.dat` (MS-OXTNEF): Outlook's wrapping of a body and its attachments, opened.
//!
//! Reads every length from the bytes and believes none of them; linear, without recursion, output capped.

use super::charset;

/// Attachments of one `winmail.dat`.
const ATTACHMENTS_MAX: usize = 200;
/// Of one set of properties.
const PROPERTIES_MAX: usize = 2_000;
/// An RTF body grows when it is unpacked; no further than this (ATTACKS.md E04).
const RTF_BYTES_MAX: usize = 4 << 20;

const SIGNATURE: u32 = 0x223e_9f78;
const BODY: u32 = 0x0002_800c;
const CODE_PAGE: u32 = 0x0006_9007;
const MESSAGE_PROPERTIES: u32 = 0x0006_9003;
const ATTACH_BEGINS: u32 = 0x0006_9002;
const ATTACH_TITLE: u32 = 0x0001_8010;
const ATTACH_DATA: u32 = 0x0006_800f;
const ATTACH_PROPERTIES: u32 = 0x0006_9005;

/// What was inside.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// Plain body.
    pub(super) text: Option<String>,
    /// HTML body.
    pub(super) html: Option<String>,
    /// In order.
    pub(super) attachments: Vec<Attached>,
}

/// One attachment.
#[derive(Debug, Default)]
pub(super) struct Attached {
    /// Long name if there is one.
    pub(super) name: String,
    /// May be empty.
    pub(super) media_type: String,
    /// By what the HTML refers to it; mostly empty.
    pub(super) content_id: String,
    /// Its bytes.
    pub(super) content: Vec<u8>,
}

/// Opens it; none if it is no TNEF.
pub(super) fn opened(bytes: &[u8]) -> Option<Opened> {
    let mut bytes = Bytes { rest: bytes };
    if bytes.u32()? != SIGNATURE {
        return None;
    }
    bytes.take(2)?;
    let mut reading = Reading::default();
    while let Some((id, content)) = attribute(&mut bytes) {
        reading.attribute(id, content);
    }
    Some(reading.end())
}

fn attribute<'x>(bytes: &mut Bytes<'x>) -> Option<(u32, &'x [u8])> {
    bytes.take(1)?;
    let id = bytes.u32()?;
    let length = bytes.u32()? as usize;
    let content = bytes.take(length)?;
    // The checksum; a wrong one is no reason to hide the attachment.
    let _ = bytes.take(2);
    Some((id, content))
}

#[derive(Default)]
struct Reading {
    opened: Opened,
    code_page: Option<String>,
    rtf: Option<Vec<u8>>,
}

impl Reading {
    fn attribute(&mut self, id: u32, content: &[u8]) {
        match id {
            CODE_PAGE => {
                let number = content
                    .get(..4)
                    .and_then(|b| b.try_into().ok())
                    .map(u32::from_le_bytes);
                self.code_page = number.map(|n| {
                    if n == 65001 {
                        "utf-8".into()
                    } else {
                        format!("windows-{n}")
                    }
                });
            }
            BODY => self.opened.text = Some(self.string(content)),
            MESSAGE_PROPERTIES => self.message(content),
            ATTACH_BEGINS if self.opened.attachments.len() < ATTACHMENTS_MAX => {
                self.opened.attachments.push(Attached::default());
            }
            ATTACH_TITLE => {
                let name = self.string(content);
                if let Some(last) = self
                    .opened
                    .attachments
                    .last_mut()
                    .filter(|a| a.name.is_empty())
                {
                    last.name = name;
                }
            }
            ATTACH_DATA => {
                if let Some(last) = self.opened.attachments.last_mut() {
                    last.content = content.to_vec();
                }
            }
            ATTACH_PROPERTIES => self.attachment(content),
            _ => {}
        }
    }

    fn message(&mut self, content: &[u8]) {
        for property in properties(content) {
            match property.id {
                0x1000 => self.opened.text = Some(self.value(&property)),
                0x1013 => self.opened.html = Some(self.value(&property)),
                0x1009 => self.rtf = unpacked(property.content),
                _ => {}
            }
        }
    }

    fn attachment(&mut self, content: &[u8]) {
        for property in properties(content) {
            let text = || self.value(&property);
            let (mut name, mut media_type, mut content_id) = (None, None, None);
            match property.id {
                0x3707 => name = Some(text()),
                0x370e => media_type = Some(text()),
                0x3712 => content_id = Some(text()),
                _ => {}
            }
            let is_content = property.id == 0x3701 && property.kind == 0x0102;
            let Some(last) = self.opened.attachments.last_mut() else {
                return;
            };
            last.name = name
                .filter(|n| !n.is_empty())
                .unwrap_or_else(|| std::mem::take(&mut last.name));
            last.media_type = media_type.unwrap_or_else(|| std::mem::take(&mut last.media_type));
            last.content_id = content_id.unwrap_or_else(|| std::mem::take(&mut last.content_id));
            if is_content && last.content.is_empty() {
                last.content = property.content.to_vec();
            }
        }
    }

    fn value(&self, property: &Property) -> String {
        if property.kind == 0x001f {
            let (text, _) = charset::decoded(property.content, Some("utf-16le"));
            return text.trim_end_matches('\0').to_string();
        }
        self.string(property.content)
    }

    fn string(&self, bytes: &[u8]) -> String {
        let end = bytes
            .iter()
            .rposition(|&b| b != 0)
            .map_or(0, |last| last + 1);
        charset::decoded(&bytes[..end], self.code_page.as_deref())
            .0
            .into_owned()
    }

    fn end(mut self) -> Opened {
        self.opened
            .attachments
            .retain(|a| !a.content.is_empty() || !a.name.is_empty());
        let has_body = |t: &Option<String>| t.as_ref().is_some_and(|t| !t.trim().is_empty());
        if !has_body(&self.opened.text) && !has_body(&self.opened.html) {
            match self.rtf.as_deref().map(from_rtf) {
                Some((text, true)) => self.opened.html = Some(text),
                Some((text, false)) => self.opened.text = Some(text),
                None => {}
            }
        }
        self.opened
    }
}

struct Property<'x> {
    id: u16,
    kind: u16,
    content: &'x [u8],
}

fn properties(content: &[u8]) -> Vec<Property<'_>> {
    let mut bytes = Bytes { rest: content };
    let count = bytes.u32().unwrap_or(0) as usize;
    let mut found = vec![];
    for _ in 0..count.min(PROPERTIES_MAX) {
        match property(&mut bytes) {
            Some(property) => found.push(property),
            None => break,
        }
    }
    found
}

fn property<'x>(bytes: &mut Bytes<'x>) -> Option<Property<'x>> {
    let kind = bytes.u16()?;
    let id = bytes.u16()?;
    if id >= 0x8000 {
        bytes.take(16)?;
        match bytes.u32()? {
            0 => bytes.take(4)?,
            _ => {
                let length = bytes.u32()? as usize;
                bytes.padded(length)?
            }
        };
    }
    let is_many = kind & 0x1000 != 0;
    let kind = kind & 0x0fff;
    let fixed = match kind {
        0x0002 | 0x0003 | 0x0004 | 0x000a | 0x000b => Some(4),
        0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => Some(8),
        0x0048 => Some(16),
        _ => None,
    };
    let content = match (fixed, is_many) {
        (Some(size), false) => bytes.take(size)?,
        (Some(size), true) => {
            let count = bytes.u32()? as usize;
            bytes.take(count.checked_mul(size)?)?
        }
        (None, _) => {
            let count = bytes.u32()?;
            let mut last: &[u8] = &[];
            for _ in 0..count.min(PROPERTIES_MAX as u32) {
                let length = bytes.u32()? as usize;
                last = bytes.padded(length)?;
            }
            last
        }
    };
    Some(Property { id, kind, content })
}

struct Bytes<'x> {
    rest: &'x [u8],
}

impl<'x> Bytes<'x> {
    fn take(&mut self, count: usize) -> Option<&'x [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn padded(&mut self, count: usize) -> Option<&'x [u8]> {
        let taken = self.take(count)?;
        let padding = (4 - count % 4) % 4;
        let _ = self.take(padding.min(self.rest.len()));
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }
}

/// MS-OXRTFCP: the window starts with what every RTF begins with.
const WINDOW_START: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
const WINDOW: usize = 4096;

fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Bytes { rest: packed };
    bytes.take(4)?;
    let size = (bytes.u32()? as usize).min(RTF_BYTES_MAX);
    let is_packed = bytes.take(4)? == b"LZFu";
    bytes.take(4)?;
    if !is_packed {
        return Some(bytes.rest.get(..size.min(bytes.rest.len()))?.to_vec());
    }
    let mut window = [b' '; WINDOW];
    window[..WINDOW_START.len()].copy_from_slice(WINDOW_START);
    let mut at = WINDOW_START.len();
    let mut out = Vec::with_capacity(size);
    while let Some(&[flags]) = bytes
        .take(1)
        .map(|b| <&[u8; 1]>::try_from(b).unwrap_or(&[0]))
    {
        for bit in 0..8 {
            if out.len() >= size {
                return Some(out);
            }
            let mut push = |byte: u8| {
                out.push(byte);
                window[at] = byte;
                at = (at + 1) % WINDOW;
            };
            if flags >> bit & 1 == 0 {
                match bytes.take(1) {
                    Some(byte) => push(byte[0]),
                    None => return Some(out),
                }
                continue;
            }
            let Some(&[high, low]) = bytes.take(2).and_then(|b| <&[u8; 2]>::try_from(b).ok())
            else {
                return Some(out);
            };
            let from = usize::from(high) << 4 | usize::from(low >> 4);
            if from == at {
                return Some(out);
            }
            for step in 0..usize::from(low & 15) + 2 {
                let byte = window[(from + step) % WINDOW];
                out.push(byte);
                window[at] = byte;
                at = (at + 1) % WINDOW;
            }
        }
    }
    Some(out)
}

/// The text of some RTF, or the HTML that Outlook wrapped in it (MS-OXRTFEX); which of the two.
fn from_rtf(rtf: &[u8]) -> (String, bool) {
    let is_html = rtf.windows(9).take(500).any(|w| w == b"\\fromhtml");
    let mut reader = Rtf {
        code_page: "windows-1252".into(),
        ..Rtf::default()
    };
    reader.run(rtf);
    reader.flush();
    (reader.out, is_html)
}

#[derive(Default)]
struct Rtf {
    code_page: String,
    out: String,
    /// Bytes of the code page not decoded yet: a letter may be two of them.
    bytes: Vec<u8>,
    /// For each open group whether it is shown.
    shown: Vec<bool>,
    in_htmlrtf: bool,
    skip: usize,
}

impl Rtf {
    fn run(&mut self, rtf: &[u8]) {
        let mut rest = rtf;
        while let Some((&b, tail)) = rest.split_first() {
            rest = tail;
            match b {
                b'{' => self.shown.push(self.is_shown()),
                b'}' => {
                    self.shown.pop();
                }
                b'\\' => rest = self.control(tail),
                b'\r' | b'\n' => {}
                _ => self.byte(b),
            }
        }
    }

    fn is_shown(&self) -> bool {
        self.shown.last().copied().unwrap_or(true)
    }

    fn hide(&mut self) {
        if let Some(last) = self.shown.last_mut() {
            *last = false;
        }
    }

    fn byte(&mut self, b: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.is_shown()
            && !self.in_htmlrtf
            && self.out.len() + self.bytes.len() < RTF_BYTES_MAX
        {
            self.bytes.push(b);
        }
    }

    fn char(&mut self, c: char) {
        if self.is_shown() && !self.in_htmlrtf && self.out.len() < RTF_BYTES_MAX {
            self.flush();
            self.out.push(c);
        }
    }

    fn flush(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.out
            .push_str(&charset::decoded(&bytes, Some(&self.code_page)).0);
    }

    /// One control word or symbol; what follows it.
    fn control<'x>(&mut self, rest: &'x [u8]) -> &'x [u8] {
        let Some(&first) = rest.first() else {
            return rest;
        };
        if !first.is_ascii_alphabetic() {
            let after = &rest[1..];
            match first {
                b'\'' => {
                    if let Some(byte) = after.get(..2).and_then(super::transfer::hex_byte) {
                        self.byte(byte);
                    }
                    return after.get(2..).unwrap_or_default();
                }
                b'*' if !after.starts_with(b"\\htmltag") => self.hide(),
                b'~' => self.char('\u{a0}'),
                b'\\' | b'{' | b'}' => self.byte(first),
                _ => {}
            }
            return after;
        }
        let letters = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let (word, after) = rest.split_at(letters);
        let digits = after
            .iter()
            .enumerate()
            .take_while(|(at, b)| b.is_ascii_digit() || *at == 0 && **b == b'-')
            .count();
        let number = std::str::from_utf8(&after[..digits])
            .ok()
            .and_then(|n| n.parse::<i32>().ok());
        let after = &after[digits..];
        self.word(word, number);
        after.strip_prefix(b" ").unwrap_or(after)
    }

    fn word(&mut self, word: &[u8], number: Option<i32>) {
        match word {
            b"par" | b"line" => self.char('\n'),
            b"tab" => self.char('\t'),
            b"htmlrtf" => self.in_htmlrtf = number != Some(0),
            b"ansicpg" => {
                self.flush();
                self.code_page = format!("windows-{}", number.unwrap_or(1252));
            }
            b"fonttbl" | b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"object" => self.hide(),
            b"u" => {
                let code = number.unwrap_or(0);
                let code = if code < 0 { code + 0x1_0000 } else { code };
                self.char(
                    u32::try_from(code)
                        .ok()
                        .and_then(char::from_u32)
                        .unwrap_or('\u{fffd}'),
                );
                self.skip = 1;
            }
            b"lquote" => self.char('‘'),
            b"rquote" => self.char('’'),
            b"ldblquote" => self.char('“'),
            b"rdblquote" => self.char('”'),
            b"endash" => self.char('–'),
            b"emdash" => self.char('—'),
            b"bullet" => self.char('•'),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(attributes: &[(u32, &[u8])]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_le_bytes().to_vec();
        bytes.extend([1, 0]);
        for (id, content) in attributes {
            bytes.push(2);
            bytes.extend(id.to_le_bytes());
            bytes.extend((content.len() as u32).to_le_bytes());
            bytes.extend_from_slice(content);
            bytes.extend([0, 0]);
        }
        bytes
    }

    #[test]
    fn body_and_attachments() {
        let raw = with(&[
            (BODY, b"Gr\xfcezi\0"),
            (ATTACH_BEGINS, b"x"),
            (ATTACH_TITLE, b"a.txt\0"),
            (ATTACH_DATA, b"content"),
        ]);
        let opened = opened(&raw).unwrap();
        assert_eq!(opened.text.as_deref(), Some("Grüezi"));
        assert_eq!(
            (
                opened.attachments[0].name.as_str(),
                opened.attachments[0].content.as_slice()
            ),
            ("a.txt", &b"content"[..])
        );
    }

    #[test]
    fn lies_about_lengths_end_the_reading() {
        let mut raw = with(&[(BODY, b"text")]);
        raw.extend([2, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(opened(&raw).unwrap().text.as_deref(), Some("text"));
        assert!(opened(b"PK\x03\x04").is_none());
    }

    #[test]
    fn rtf_bodies() {
        let (text, is_html) =
            from_rtf(br"{\rtf1\ansi{\fonttbl{\f0 Arial;}}Gr\'fcezi\par \u8364? 5}");
        assert_eq!((text.as_str(), is_html), ("Grüezi\n€ 5", false));
        let (html, is_html) = from_rtf(br"{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\b \htmlrtf0 a\htmlrtf }\htmlrtf0 {\*\htmltag72 </p>}}");
        assert!(
            is_html && html.contains("<p>") && html.contains('a'),
            "{html}"
        );
    }
}
