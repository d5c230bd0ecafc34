//! Quotation that a client marks only in the HTML.
//!
//! The HTML is read as a stream of letters and digits, in which the client's containers are stretches; the same letters are then found in the lines of the
//! text, whether it was made from this HTML or written beside it. What cannot be found stays as it is: more is shown.

use super::line::{Line, Role};
use crate::mail::picture;
use html5gum::{StartTag, Token, Tokenizer};
use regex::bytes::Regex;
use std::sync::LazyLock;

/// Mails with more containers than this are not written by a client.
const CONTAINERS_MAX: usize = 40;
/// How many letters prove a place.
const KEY_CHARS: usize = 32;
/// How many letters before it must agree as well.
const TAIL_CHARS: usize = 16;
/// Deeper elements are not followed.
const DEPTH_MAX: usize = 512;

/// Classes, ids and names by which clients mark what they repeat. Outlook prefixes foreign ones with `x_`.
const CONTAINERS: &[&str] = &[
    "gmail_quote",
    "gmail_quote_container",
    "gmail_attr",
    "yahoo_quoted",
    "yahooquoted",
    "moz-cite-prefix",
    "moz-forward-container",
    "moz-email-headers-table",
    "protonmail_quote",
    "tutanota_quote",
    "zmail_extra",
    "mailspring-quote",
    "nylas-quote",
    "front-blockquote",
    "missive_quote",
    "iwcquote",
    "reply-intro",
    "origbody",
    "olk_src_body_section",
    "mail-editor-reference-message-container",
    "ms-outlook-mobile-reference-message",
    "isforwardcontent",
    "isreplycontent",
    "qt-quote",
    "freshdesk_quote",
    "zd_quote",
    "hs_reply",
    "quote_container",
    "wordsection-quoted",
    "mailquote",
    "mail_quote",
    "bloop_original",
    "spark_quote",
    "aol_quote",
    "airmail_quote",
    "cm_quote",
    "haiku_quote",
    "msg-quote",
    "quotecontainer",
    "quoted-message",
    "email-quote",
];
/// After these everything to the end is repeated.
const TO_THE_END: &[&str] = &[
    "divrplyfwdmsg",
    "appendonsend",
    "stopspelling",
    "zwchr",
    "outlookmessageheader",
    "previousmessage",
    "mcntolk",
];

/// Classes and ids by which clients mark the writer's signature.
const SIGNATURES: &[&str] = &[
    "gmail_signature",
    "moz-signature",
    "ms-outlook-mobile-signature",
    "composer_signature",
    "messagesignaturesection",
    "protonmail_signature_block",
    "applemailsignature",
    "applelinksignature",
    "tutanota_signature",
    "signature",
];

/// Marks the lines that stand in a client's container: what it repeats, and the writer's signature.
pub fn mark_quoted(lines: &mut [Line], html: &str) {
    if !may_quote(html) {
        return;
    }
    let (letters, containers) = read(html);
    if containers.is_empty() {
        return;
    }
    let text = Text::of(lines);
    let mut from = 0;
    for container in &containers {
        let Some((first, place)) = text.find(
            container.before(&letters),
            container.beginning(&letters),
            from,
        ) else {
            continue;
        };
        if container.mark == Mark::ToTheEnd {
            lines[first].role = Role::Break { forward: false };
            return;
        }
        let end = text.end(container, &letters, place);
        for line in &mut lines[first..end] {
            mark_line(line, container.mark);
        }
        from = place;
    }
}

fn mark_line(line: &mut Line, mark: Mark) {
    let by_client = mark == Mark::Client;
    match &mut line.role {
        _ if mark == Mark::Signature => line.signs = true,
        Role::Quoted { client } => *client |= by_client,
        role if *role == Role::Text => *role = Role::Quoted { client: by_client },
        _ => {}
    }
}

/// One pass over the bytes: most HTML has no mark and is not taken apart.
fn may_quote(html: &str) -> bool {
    static MARK: LazyLock<Regex> = LazyLock::new(|| {
        // A constant of this file, compiled by a test.
        #[allow(clippy::unwrap_used)]
        Regex::new(r"(?i-u)quot[^;]|cite|fwdmsg|appendonsend|olk_src|moz-|zwchr|stopspelling|outlook|zmail|reply|orig|signature|border-top: ?(?:solid|1)|border-top-color").unwrap()
    });
    MARK.is_match(html.as_bytes())
}

/// A stretch of the letters of the HTML.
struct Container {
    start: usize,
    end: usize,
    mark: Mark,
}

impl Container {
    fn before<'l>(&self, letters: &'l str) -> &'l str {
        last_chars(&letters[..self.start], TAIL_CHARS)
    }
    fn beginning<'l>(&self, letters: &'l str) -> &'l str {
        let end = if self.mark == Mark::ToTheEnd {
            letters.len()
        } else {
            self.end
        };
        first_chars(&letters[self.start..end], KEY_CHARS)
    }
}

fn first_chars(s: &str, n: usize) -> &str {
    s.char_indices().nth(n).map_or(s, |(at, _)| &s[..at])
}

fn last_chars(s: &str, n: usize) -> &str {
    s.char_indices()
        .rev()
        .nth(n.saturating_sub(1))
        .map_or(s, |(at, _)| &s[at..])
}

/// The lines as one stream of letters and digits, without what stands for images: in the HTML nothing does.
struct Text {
    letters: String,
    starts: Vec<usize>,
}

impl Text {
    fn of(lines: &[Line]) -> Self {
        let mut text = Text {
            letters: String::new(),
            starts: Vec::with_capacity(lines.len()),
        };
        for line in lines {
            text.starts.push(text.letters.len());
            let written = picture::without_likely_placeholders(line.written);
            text.letters
                .extend(written.chars().filter(|c| c.is_alphanumeric()));
        }
        text
    }

    /// The line that begins with `key` after `tail`, and its place among the letters.
    fn find(&self, tail: &str, key: &str, from: usize) -> Option<(usize, usize)> {
        if key.is_empty() {
            return None;
        }
        // Above a container at the very top stands nothing.
        if tail.is_empty() {
            return self
                .letters
                .starts_with(key)
                .then(|| (self.line_at(0).unwrap_or(0), 0));
        }
        let both = format!("{tail}{key}");
        let start = self
            .letters
            .floor_char_boundary(from.saturating_sub(tail.len()));
        let exact = (both.len() >= 8)
            .then(|| self.letters[start..].find(&both))
            .flatten()
            .map(|at| start + at + tail.len());
        let lone = || {
            (key.chars().count() >= TAIL_CHARS)
                .then(|| self.letters[from..].find(key))
                .flatten()
                .map(|at| from + at)
        };
        let place = exact.filter(|&p| self.line_at(p).is_some()).or_else(lone)?;
        Some((self.line_at(place)?, place))
    }

    /// The line that begins at this letter.
    fn line_at(&self, place: usize) -> Option<usize> {
        let line = self
            .starts
            .partition_point(|&s| s <= place)
            .checked_sub(1)?;
        (self.starts[line] == place).then_some(line)
    }

    /// The line after the container that begins at `place`.
    fn end(&self, container: &Container, letters: &str, place: usize) -> usize {
        let below = first_chars(&letters[container.end..], KEY_CHARS);
        if below.is_empty() {
            return self.starts.len();
        }
        let tail = last_chars(&letters[container.start..container.end], TAIL_CHARS);
        match self.find(tail, below, place) {
            Some((line, _)) => line,
            None => self
                .starts
                .partition_point(|&s| s < place + (container.end - container.start)),
        }
    }
}

/// The letters of the HTML, and the outermost containers in them.
fn read(html: &str) -> (String, Vec<Container>) {
    let (mut letters, mut containers) = (String::new(), Vec::new());
    let mut path: Vec<Vec<u8>> = Vec::new();
    let mut open: Option<(usize, usize, Mark)> = None;
    let mut unseen = 0usize;
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::StartTag(tag) => {
                if is_unseen(&tag.name) {
                    unseen += usize::from(!tag.self_closing);
                }
                if open.is_none() && containers.len() < CONTAINERS_MAX {
                    match mark_of(&tag) {
                        Some(mark @ Mark::ToTheEnd) => {
                            containers.push(Container {
                                start: letters.len(),
                                end: letters.len(),
                                mark,
                            });
                            continue_path(&mut path, &tag);
                            continue;
                        }
                        Some(mark) => open = Some((path.len(), letters.len(), mark)),
                        None => {}
                    }
                }
                continue_path(&mut path, &tag);
            }
            Token::EndTag(tag) => {
                if is_unseen(&tag.name) {
                    unseen = unseen.saturating_sub(1);
                }
                // Only a few levels are searched: an end tag without a beginning must not cost more.
                if let Some(n) = path
                    .iter()
                    .rev()
                    .take(32)
                    .position(|name| *name == *tag.name)
                {
                    path.truncate(path.len() - 1 - n);
                }
                if let Some((_, start, mark)) = open.take_if(|o| path.len() <= o.0)
                    && letters.len() > start
                {
                    containers.push(Container {
                        start,
                        end: letters.len(),
                        mark,
                    });
                }
            }
            Token::String(s) if unseen == 0 => letters.extend(
                String::from_utf8_lossy(&s)
                    .chars()
                    .filter(|c| c.is_alphanumeric()),
            ),
            _ => {}
        }
    }
    if let Some((_, start, mark)) = open.filter(|o| letters.len() > o.1) {
        containers.push(Container {
            start,
            end: letters.len(),
            mark,
        });
    }
    (letters, containers)
}

fn is_unseen(name: &[u8]) -> bool {
    matches!(name, b"style" | b"script" | b"title")
}

fn continue_path(path: &mut Vec<Vec<u8>>, tag: &StartTag<()>) {
    let void = matches!(
        tag.name.as_slice(),
        b"br"
            | b"hr"
            | b"img"
            | b"meta"
            | b"link"
            | b"input"
            | b"col"
            | b"wbr"
            | b"area"
            | b"base"
            | b"p"
            | b"li"
    );
    if !void && !tag.self_closing && path.len() < DEPTH_MAX {
        path.push(tag.name.to_vec());
    }
}

/// How much an element repeats.
pub enum Marked {
    /// What stands in it.
    Within,
    /// What stands in it, or the writer's own: a mere indentation, a signature below which he may have put a picture.
    Perhaps,
    /// Everything from here on.
    ToTheEnd,
}

/// Whether an element repeats another mail or holds the signature that a client appends.
pub fn marked(tag: &StartTag<()>) -> Option<Marked> {
    Some(match mark_of(tag)? {
        Mark::ToTheEnd => Marked::ToTheEnd,
        Mark::Client => Marked::Within,
        Mark::Indent | Mark::Signature => Marked::Perhaps,
    })
}

/// What a container is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Repeated, in the client's own container.
    Client,
    /// Repeated or merely indented: a `blockquote`.
    Indent,
    /// From here on everything is repeated.
    ToTheEnd,
    /// The writer's signature.
    Signature,
}

fn mark_of(tag: &StartTag<()>) -> Option<Mark> {
    let value = |name: &[u8]| {
        tag.attributes
            .get(name)
            .map(|v| String::from_utf8_lossy(v).to_lowercase())
            .unwrap_or_default()
    };
    let (class, id, name) = (value(b"class"), value(b"id"), value(b"name"));
    let words = || {
        class
            .split_whitespace()
            .chain([id.as_str(), name.as_str()])
            .map(|w| {
                w.trim_matches(['\\', '"', '\''])
                    .trim_start_matches("x_")
                    .trim_start_matches("3d")
            })
    };
    if words().any(|w| TO_THE_END.contains(&w)) || is_outlook_rule(&value(b"style")) {
        return Some(Mark::ToTheEnd);
    }
    if words().any(|w| SIGNATURES.contains(&w)) {
        return Some(Mark::Signature);
    }
    let quoted_text = value(b"data-marker") == "__quoted_text__"
        || (tag.name.as_slice() == b"div" && name == "quote");
    if quoted_text
        || words().any(|w| {
            CONTAINERS.contains(&w) || w.ends_with("yahoo_quoted") || w.starts_with("yahoo_quoted")
        })
    {
        return Some(Mark::Client);
    }
    if tag.name.as_slice() != b"blockquote" {
        return None;
    }
    // Gmail and Outlook on the web indent with a blockquote without a border; that is the writer's own.
    let style: String = value(b"style").split_whitespace().collect();
    let indents = style.contains("border:none")
        || style.contains("border:0")
        || style.contains("margin:00040px")
        || style.contains("margin:0px0px0px40px");
    match value(b"type").as_str() {
        "cite" => Some(Mark::Client),
        _ if indents => None,
        _ => Some(Mark::Indent),
    }
}

/// The line that Outlook and Windows Mail draw above what they repeat, whatever language its fields are in.
fn is_outlook_rule(style: &str) -> bool {
    if !style.contains("border-top") {
        return false;
    }
    let style: String = style.split_whitespace().collect();
    let outlook = [
        "solid#e1e1e11.0pt",
        "solid#b5c4df1.0pt",
        "solidwindowtext1.0pt",
    ]
    .iter()
    .any(|rule| style.contains(&format!("border-top:{rule}")))
        && style.contains("padding:3.0pt");
    let windows_mail = style.contains("border-top-color:rgb(229,229,229)")
        && style.contains("border-top-style:solid");
    outlook || windows_mail
}
