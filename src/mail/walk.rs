//! The parts of a mail: one walk over its lines, with a stack of boundaries.
//!
//! Linear in the mail, without recursion, and capped: mail-parser's own tree overflows the stack on nested mails (ATTACKS.md E01), and it looks for
//! boundaries inside lines. Nothing is decoded or copied here.

use super::header::{self, Block};
use super::parameter::{self, Value};
use super::transfer::Encoding;

/// Multiparts and mails inside each other (ATTACKS.md E01).
const DEPTH_MAX: usize = 20;
/// Parts of a mail (ATTACKS.md E01).
const PARTS_MAX: usize = 1_000;
/// RFC 2046 allows 70; mailers write a few more.
const BOUNDARY_BYTES_MAX: usize = 256;

/// What a part is to the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Holds parts.
    Multipart,
    /// Holds a mail, which follows as the next part.
    Message,
    /// Holds content.
    Leaf,
}

/// One part.
#[derive(Debug)]
pub(super) struct Part<'x> {
    /// Its header.
    pub(super) header: Block<'x>,
    /// `type/subtype`; `text/plain` where the mail says nothing usable.
    pub(super) media_type: String,
    /// Parameters of its `Content-Type`.
    pub(super) content_type: Value<'x>,
    /// `attachment`, `inline` or nothing, with its parameters.
    pub(super) disposition: Value<'x>,
    /// How the content travels.
    pub(super) encoding: Encoding,
    /// As it travels.
    pub(super) content: &'x [u8],
    /// Multipart, mail or content.
    pub(super) shape: Shape,
    /// The part it stands in.
    pub(super) parent: Option<usize>,
    /// The mail it stands in, if that is not the whole.
    pub(super) in_message: Option<usize>,
}

/// What was odd about the structure.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    /// A cap was reached; which one.
    pub(super) partly: Option<&'static str>,
    /// A multipart names no boundary.
    pub(super) no_boundary: bool,
    /// A multipart's boundary never occurs.
    pub(super) boundary_unused: bool,
    /// A multipart never ends.
    pub(super) open_end: bool,
    /// An encoding nobody knows.
    pub(super) unknown_encoding: bool,
    /// A part's header has no empty line after it.
    pub(super) unfinished_header: bool,
}

/// A multipart, or a mail, that is open at this line.
struct Level {
    part: usize,
    /// Empty for a mail inside a mail: it ends where what it stands in ends.
    boundary: Vec<u8>,
    is_digest: bool,
    children: usize,
}

/// Takes a mail apart.
pub(super) fn parts(raw: &[u8]) -> (Vec<Part<'_>>, Notes) {
    let mut walk = Walk {
        raw,
        parts: vec![],
        levels: vec![],
        notes: Notes::default(),
    };
    walk.run();
    (walk.parts, walk.notes)
}

struct Walk<'x> {
    raw: &'x [u8],
    parts: Vec<Part<'x>>,
    levels: Vec<Level>,
    notes: Notes,
}

/// Where the content of a part ends and what ends it.
struct End {
    content: usize,
    next: usize,
    level: Option<usize>,
    closes: bool,
}

impl<'x> Walk<'x> {
    fn run(&mut self) {
        let mut at = 0;
        loop {
            let body = self.begin(at);
            let last = self.parts.len() - 1;
            if self.parts[last].shape == Shape::Message {
                at = body;
                continue;
            }
            let mut end = self.end(body);
            if self.parts[last].shape == Shape::Leaf {
                self.parts[last].content = &self.raw[body.min(end.content)..end.content];
            }
            // After a closing boundary comes an epilogue, which ends where the multipart around it goes on.
            loop {
                self.leave(&end);
                if end.level.is_none() || !end.closes {
                    break;
                }
                end = self.end(end.next);
            }
            if end.level.is_none() {
                return;
            }
            at = end.next;
        }
    }

    /// Reads the header at `at` and opens what it announces; where the body begins.
    fn begin(&mut self, at: usize) -> usize {
        let levels = &self.levels;
        let header = header::block(self.raw, at, |line| boundary_level(levels, line).is_some());
        let body = header.body;
        let is_root = self.parts.is_empty();
        self.notes.unfinished_header |= header.unfinished && !is_root;
        let mut part = Part {
            content_type: header
                .field("Content-Type")
                .map(parameter::value)
                .unwrap_or_default(),
            disposition: header
                .field("Content-Disposition")
                .map(parameter::value)
                .unwrap_or_default(),
            encoding: Encoding::Identity,
            header,
            media_type: String::new(),
            content: &[],
            shape: Shape::Leaf,
            parent: self.levels.last().map(|l| l.part),
            in_message: self
                .levels
                .iter()
                .rev()
                .find(|l| l.boundary.is_empty())
                .map(|l| l.part),
        };
        let in_digest = self.levels.last().is_some_and(|l| l.is_digest);
        part.media_type = media_type(&part.content_type.word, in_digest);
        if let Some(named) = part.header.field("Content-Transfer-Encoding") {
            let (encoding, known) = Encoding::named(&String::from_utf8_lossy(named));
            part.encoding = encoding;
            self.notes.unknown_encoding |= !known;
        }
        self.open(&mut part, body);
        if part.shape == Shape::Leaf {
            // Overwritten when its end is known; right if nothing follows.
            part.content = &self.raw[body.min(self.raw.len())..];
        }
        self.parts.push(part);
        body
    }

    fn open(&mut self, part: &mut Part<'x>, body: usize) {
        let index = self.parts.len();
        let is_multipart = part.media_type.starts_with("multipart/");
        let is_message = matches!(
            part.media_type.as_str(),
            "message/rfc822" | "message/global" | "message/news"
        ) && part.encoding == Encoding::Identity;
        if !is_multipart && !is_message {
            return;
        }
        if self.levels.len() >= DEPTH_MAX {
            self.notes.partly = Some("its parts are nested too deep");
            return;
        }
        if index + 1 >= PARTS_MAX {
            self.notes.partly = Some("it has too many parts");
            return;
        }
        let mut boundary = vec![];
        if is_multipart {
            match self.boundary(part, body) {
                Some(found) => boundary = found,
                None => {
                    // Text, so that a reader sees what is there.
                    part.media_type = "text/plain".into();
                    return;
                }
            }
        }
        part.shape = if is_message {
            Shape::Message
        } else {
            Shape::Multipart
        };
        let is_digest = part.media_type == "multipart/digest";
        self.levels.push(Level {
            part: index,
            boundary,
            is_digest,
            children: 0,
        });
    }

    /// The boundary that the header names, or, where it names none, the first line of the body that looks like one.
    fn boundary(&mut self, part: &Part, body: usize) -> Option<Vec<u8>> {
        let named = part
            .content_type
            .text("boundary")
            .filter(|b| !b.is_empty() && b.len() <= BOUNDARY_BYTES_MAX);
        if let Some(named) = named {
            return Some(named.trim_end().as_bytes().to_vec());
        }
        self.notes.no_boundary = true;
        let mut at = body;
        while at < self.raw.len() {
            let (line, next) = header::line(self.raw, at);
            if let Some(boundary) = line.strip_prefix(b"--") {
                let (following, _) = header::line(self.raw, next);
                let has_header =
                    following.len() >= 8 && following[..8].eq_ignore_ascii_case(b"content-");
                let boundary = boundary.trim_ascii_end();
                return (has_header
                    && !boundary.is_empty()
                    && boundary.len() <= BOUNDARY_BYTES_MAX)
                    .then(|| boundary.to_vec());
            }
            at = next;
        }
        None
    }

    /// Looks for the next boundary of anything open.
    fn end(&self, from: usize) -> End {
        let mut at = from;
        while at < self.raw.len() && self.parts.len() < PARTS_MAX && !self.levels.is_empty() {
            if self.raw[at] == b'-' && self.raw.get(at + 1) == Some(&b'-') {
                let (line, next) = header::line(self.raw, at);
                if let Some((level, closes)) = boundary_level(&self.levels, line) {
                    let content = before_line_end(self.raw, from, at);
                    return End {
                        content,
                        next,
                        level: Some(level),
                        closes,
                    };
                }
                at = next;
            } else {
                at = match memchr::memchr(b'\n', &self.raw[at..]) {
                    Some(newline) => at + newline + 1,
                    None => self.raw.len(),
                };
            }
        }
        End {
            content: self.raw.len(),
            next: self.raw.len(),
            level: None,
            closes: false,
        }
    }

    /// Closes what the boundary that was found closes.
    fn leave(&mut self, end: &End) {
        let keep = match end.level {
            Some(level) => level + usize::from(!end.closes),
            None => {
                self.all_ends();
                return;
            }
        };
        self.close(keep, end.content);
        if let Some(level) = self.levels.last_mut().filter(|_| !end.closes) {
            level.children += 1;
        }
    }

    fn all_ends(&mut self) {
        if self.parts.len() >= PARTS_MAX {
            self.notes.partly = Some("it has too many parts");
        }
        self.notes.open_end |= self
            .levels
            .iter()
            .any(|l| !l.boundary.is_empty() && l.children > 0);
        self.close(0, self.raw.len());
    }

    /// Closes all levels from `keep` on: what they hold ends at `end`. A multipart whose boundary never came is text, so that what it holds is shown.
    fn close(&mut self, keep: usize, end: usize) {
        for level in self.levels.drain(keep.min(self.levels.len())..) {
            let part = &mut self.parts[level.part];
            part.content = self.raw.get(part.header.body..end).unwrap_or_default();
            if !level.boundary.is_empty()
                && level.children == 0
                && !part.content.trim_ascii().is_empty()
            {
                self.notes.boundary_unused = true;
                part.shape = Shape::Leaf;
                part.media_type = "text/plain".into();
            }
        }
    }
}

/// Which open level a line is the boundary of, innermost first, and whether it closes it.
fn boundary_level(levels: &[Level], line: &[u8]) -> Option<(usize, bool)> {
    let rest = line.strip_prefix(b"--")?;
    levels
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, l)| !l.boundary.is_empty())
        .find_map(|(at, level)| {
            let after = rest.strip_prefix(level.boundary.as_slice())?;
            let after_close = after.strip_prefix(b"--");
            match after_close {
                Some(_) => Some((at, true)),
                None => after
                    .iter()
                    .all(u8::is_ascii_whitespace)
                    .then_some((at, false)),
            }
        })
}

/// The line end before a boundary belongs to the boundary (RFC 2046, 5.1.1).
fn before_line_end(raw: &[u8], from: usize, at: usize) -> usize {
    let content = &raw[from..at];
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    from + content.strip_suffix(b"\r").unwrap_or(content).len()
}

fn media_type(word: &str, in_digest: bool) -> String {
    match word.split_once('/') {
        Some((main, sub)) if !main.is_empty() && !sub.is_empty() => word.to_string(),
        _ if word.is_empty() && in_digest => "message/rfc822".into(),
        _ if word.starts_with("multipart") => "multipart/mixed".into(),
        // `text`, `text/`, nothing, or nonsense.
        _ if word == "html" || word == "text/html;" => "text/html".into(),
        _ => "text/plain".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(raw: &str) -> Vec<String> {
        let (parts, _) = parts(raw.as_bytes());
        parts
            .iter()
            .map(|p| {
                let content = if p.shape == Shape::Leaf {
                    p.content
                } else {
                    &[]
                };
                format!("{}:{}", p.media_type, String::from_utf8_lossy(content))
            })
            .collect()
    }

    #[test]
    fn parts_in_parts() {
        let raw = "Content-Type: multipart/mixed; boundary=a\n\npreamble\n--a\n\none\n--a\nContent-Type: multipart/alternative; boundary=\"ab\"\n\n--ab\n\ntwo\n--ab--\nepilogue\n--a\nContent-Type: message/rfc822\n\nSubject: x\n\nthree\n--a--\nend\n";
        assert_eq!(
            shown(raw),
            [
                "multipart/mixed:",
                "text/plain:one",
                "multipart/alternative:",
                "text/plain:two",
                "message/rfc822:",
                "text/plain:three"
            ]
        );
    }

    #[test]
    fn missing_ends() {
        assert_eq!(
            shown("Content-Type: multipart/mixed; boundary=a\n\n--a\n\none"),
            ["multipart/mixed:", "text/plain:one"]
        );
        assert_eq!(
            shown("Content-Type: multipart/mixed; boundary=a\n\nnever\n"),
            ["text/plain:never\n"]
        );
        assert_eq!(
            shown("Content-Type: multipart/mixed\n\n--x\nContent-Type: text/plain\n\none\n--x--\n"),
            ["multipart/mixed:", "text/plain:one"]
        );
    }

    #[test]
    fn caps_hold() {
        let deep = "Content-Type: message/rfc822\n\n".repeat(40_000);
        let (found, notes) = parts(deep.as_bytes());
        assert!(found.len() <= DEPTH_MAX + 1 && notes.partly.is_some());
        let wide = format!(
            "Content-Type: multipart/mixed; boundary=a\n\n{}",
            "--a\n\n".repeat(100_000)
        );
        let (found, notes) = parts(wide.as_bytes());
        assert!(found.len() <= PARTS_MAX && notes.partly.is_some());
    }
}
