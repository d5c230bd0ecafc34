//! Which parts of a mail are its text, and that text.
//!
//! Plain text is taken before HTML where both say the same; a part with a file name is an attachment; the text of a mail inside the mail is shown only if
//! there is no other.

use super::charset::{self, Sure};
use super::parse::{TEXT_BYTES_MAX, is_tnef};
use super::text;
use super::transfer::{self, Encoding};
use super::walk::{self, Part, Shape};
use super::{TextOf, html, tnef, uuencode};
use std::collections::BTreeSet;

/// No more of one body is read: twice what is kept, since markup goes.
const DECODED_BYTES_MAX: usize = 2 * TEXT_BYTES_MAX;
/// Mails inside a mail without a body whose text is shown.
const MESSAGES_MAX: usize = 50;
/// Mails in base64 inside each other whose text is looked for.
const NESTED_MAX: usize = 3;
/// A plain part this short beside an HTML part this many times longer is an excuse (`Your reader shows no HTML`).
const EXCUSE_FACTOR: usize = 8;
/// An excuse has no more letters than this.
const EXCUSE_BYTES_MAX: usize = 400;

/// What the mail says.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    /// Readable.
    pub(super) text: String,
    /// The first HTML body as written.
    pub(super) html: Option<String>,
    /// Of the decoded bodies as written: how HTML is rendered must not change the fingerprint.
    pub(super) written: sha2::Sha256,
    /// Parts that are bodies, or other forms of one.
    pub(super) used: BTreeSet<usize>,
    /// The least sure charset.
    pub(super) sure: Sure,
    /// A body's transfer encoding is damaged.
    pub(super) damaged: bool,
    /// The text is that of a mail inside the mail.
    pub(super) from_nested: bool,
    /// What the text was taken from.
    pub(super) text_of: TextOf,
    /// The text is longer than is kept.
    pub(super) cut: bool,
    /// The text held uuencoded files.
    pub(super) has_uuencode: bool,
}

/// The bodies of a mail.
pub(super) fn chosen(parts: &[Part]) -> Bodies {
    let mut bodies = Bodies::default();
    let chooser = Chooser { parts };
    let found = chooser.of(0, &mut bodies);
    bodies.add_all(parts, &found);
    if bodies.is_empty() {
        bodies.add_all(parts, &chooser.named_text());
        bodies.text_of = TextOf::Attached;
    }
    if bodies.is_empty() {
        bodies.take_tnef(parts);
    }
    if bodies.is_empty() {
        bodies.take_messages(parts);
    }
    bodies.end();
    bodies
}

/// The file name that a part gives.
pub(super) fn name(part: &Part) -> Option<String> {
    let given = part
        .disposition
        .text("filename")
        .filter(|n| !n.trim().is_empty());
    given
        .or_else(|| part.content_type.text("name"))
        .filter(|n| !n.trim().is_empty())
}

/// Whether the part is a mail, whatever its encoding.
pub(super) fn is_message(part: &Part) -> bool {
    matches!(
        part.media_type.as_str(),
        "message/rfc822" | "message/global" | "message/news"
    )
}

/// Whether a client shows this file below the text: it is plain text, and wished so.
pub(super) fn is_shown(part: &Part) -> bool {
    part.shape == Shape::Leaf
        && part.disposition.word == "inline"
        && form(part) == Some(Form::Plain)
}

/// The decoded text of a part, as much of it as is ever read.
pub(super) fn decoded_text(part: &Part) -> String {
    decoded_and(part, |_| {}).0
}

/// The same, with what was odd; `whole` sees all of it, before it is cut.
fn decoded_and(part: &Part, whole: impl FnOnce(&str)) -> (String, Sure, bool) {
    let (content, appended) = match part.encoding {
        Encoding::Base64 => part.content.split_at(footer(part.content)),
        _ => (part.content, &[][..]),
    };
    let (bytes, damaged) = transfer::decoded(content, part.encoding);
    let label = part.content_type.text("charset");
    let label = label.or_else(|| meta_charset(part, &bytes));
    let (mut decoded, sure) = charset::decoded(&bytes, label.as_deref());
    if !appended.is_empty() {
        decoded.to_mut().push_str(&charset::undeclared(appended).0);
    }
    whole(&decoded);
    let read = text::at_most(&decoded, DECODED_BYTES_MAX);
    (text::plain(read).into_owned(), sure, damaged)
}

/// Where the footer begins that a list server wrote under base64 as if it were text: after an empty line, in words.
fn footer(content: &[u8]) -> usize {
    let coded = content.iter().position(|b| !b.is_ascii_whitespace());
    let Some(from) = coded else {
        return content.len();
    };
    let ends = memchr::memmem::find_iter(&content[from..], b"\n")
        .map(|at| from + at + 1)
        .find(|&at| matches!(content[at..], [b'\n', ..] | [b'\r', b'\n', ..]));
    let is_code = |b: u8| b.is_ascii_alphanumeric() || b"+/=\r\n".contains(&b);
    match ends {
        Some(end) if content[end..].iter().any(|&b| !is_code(b)) => end,
        _ => content.len(),
    }
}

/// HTML may name its charset itself, where the mail does not.
fn meta_charset(part: &Part, bytes: &[u8]) -> Option<String> {
    if part.media_type != "text/html" || bytes.is_ascii() {
        return None;
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2_048)]).to_ascii_lowercase();
    let from = head.find("charset=")? + "charset=".len();
    let label: String = head[from..]
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':'))
        .collect();
    (!label.is_empty()).then_some(label)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Html,
    Enriched,
}

fn form(part: &Part) -> Option<Form> {
    match part.media_type.as_str() {
        "text/html" | "application/xhtml+xml" => Some(Form::Html),
        "text/enriched" | "text/richtext" => Some(Form::Enriched),
        "text/plain" | "text/markdown" | "text/x-markdown" | "text/x-plain" | "text/unknown"
        | "plain/text" => Some(Form::Plain),
        // An unknown kind of text is plain text (RFC 2046, 4.1.4), unless it is a file by nature.
        other => match other.strip_prefix("text/")? {
            "calendar"
            | "csv"
            | "css"
            | "xml"
            | "rtf"
            | "vcard"
            | "x-vcard"
            | "directory"
            | "javascript"
            | "x-amp-html"
            | "watch-html"
            | "rfc822-headers"
            | "rfc822-header"
            | "tab-separated-values"
            | "json"
            | "yaml"
            | "x-diff"
            | "x-patch"
            | "x-log" => None,
            _ => Some(Form::Plain),
        },
    }
}

struct Chooser<'p, 'x> {
    parts: &'p [Part<'x>],
}

impl Chooser<'_, '_> {
    /// The bodies among a part and what it holds, in order. Depth is bounded by the walk.
    fn of(&self, index: usize, bodies: &mut Bodies) -> Vec<usize> {
        let Some(part) = self.parts.get(index) else {
            return vec![];
        };
        match part.shape {
            Shape::Message => vec![],
            Shape::Leaf => Some(index)
                .filter(|_| self.is_body(part))
                .into_iter()
                .collect(),
            Shape::Multipart => match part.media_type.as_str() {
                "multipart/alternative" => self.best(index, bodies),
                "multipart/related" => self.root(index, bodies),
                _ => self
                    .children(index)
                    .flat_map(|child| self.of(child, bodies))
                    .collect(),
            },
        }
    }

    fn children(&self, index: usize) -> impl Iterator<Item = usize> {
        self.parts
            .iter()
            .enumerate()
            .filter(move |(_, p)| p.parent == Some(index))
            .map(|(at, _)| at)
    }

    fn is_body(&self, part: &Part) -> bool {
        let is_attached = part.disposition.word == "attachment" || name(part).is_some();
        form(part).is_some()
            && (!is_attached || part.parent.is_none() && part.disposition.word != "attachment")
    }

    /// One of several forms: the plain one, unless it is empty or an excuse.
    fn best(&self, index: usize, bodies: &mut Bodies) -> Vec<usize> {
        let forms: Vec<Vec<usize>> = self
            .children(index)
            .map(|child| self.of(child, bodies))
            .collect();
        let is_html = |f: &&Vec<usize>| {
            f.iter()
                .any(|&at| form(&self.parts[at]) == Some(Form::Html))
        };
        let plain = forms
            .iter()
            .find(|f| !f.is_empty() && !is_html(f) && f.iter().any(|&at| self.says_something(at)));
        let html = forms.iter().rev().find(is_html);
        bodies.used.extend(forms.iter().flatten());
        if let Some(html) = html.and_then(|h| {
            h.iter()
                .find(|&&at| form(&self.parts[at]) == Some(Form::Html))
        }) {
            bodies.keep_html(&self.parts[*html]);
        }
        match (plain, html) {
            (Some(plain), Some(html))
                if self.is_excuse(plain, html) || self.is_left_over(plain) =>
            {
                html.clone()
            }
            (Some(plain), _) => plain.clone(),
            (None, Some(html)) => html.clone(),
            (None, None) => forms.into_iter().next().unwrap_or_default(),
        }
    }

    fn says_something(&self, index: usize) -> bool {
        let part = &self.parts[index];
        let (bytes, _) = transfer::decoded(part.content, part.encoding);
        !bytes.trim_ascii().is_empty()
    }

    fn is_excuse(&self, plain: &[usize], html: &[usize]) -> bool {
        // Encoded, it is at most three times as long.
        if plain
            .iter()
            .any(|&at| self.parts[at].content.len() > 3 * EXCUSE_BYTES_MAX)
        {
            return false;
        }
        let said = plain
            .iter()
            .map(|&at| decoded_text(&self.parts[at]))
            .collect::<String>()
            .to_lowercase();
        let short = said.chars().filter(|c| !c.is_whitespace()).count();
        if short > EXCUSE_BYTES_MAX {
            return false;
        }
        let excuses = said.contains("html") || said.contains("mime") || short < 8;
        let shown = |at: usize| html::text(&decoded_text(&self.parts[at]), TEXT_BYTES_MAX).len();
        excuses && html.iter().map(|&at| shown(at)).sum::<usize>() > short * EXCUSE_FACTOR
    }

    /// Plain text in which entities are left was made from the HTML by a program that lost more than tags.
    fn is_left_over(&self, plain: &[usize]) -> bool {
        let has = |bytes: &[u8]| memchr::memmem::find(bytes, b"&nbsp;").is_some();
        plain.iter().any(|&at| {
            let part = &self.parts[at];
            match part.encoding {
                // Stands as it is in all encodings but this.
                Encoding::Base64 => has(&transfer::decoded(part.content, part.encoding).0),
                _ => has(part.content),
            }
        })
    }

    /// Of related parts the first, or the one that `start` names, is the body; the others belong to it.
    fn root(&self, index: usize, bodies: &mut Bodies) -> Vec<usize> {
        let start = self.parts[index].content_type.text("start");
        let children: Vec<usize> = self.children(index).collect();
        let named = start.and_then(|start| {
            let is_it = |at: &usize| {
                let id = self.parts[*at]
                    .header
                    .field("Content-ID")
                    .map(|id| id.trim_ascii());
                id.is_some_and(|id| !id.is_empty() && id == start.trim().as_bytes())
            };
            children.iter().copied().find(is_it)
        });
        let first = named.into_iter().chain(children.iter().copied());
        first
            .map(|child| self.of(child, bodies))
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    /// Where nothing else is text: the first text that has a name or is attached.
    fn named_text(&self) -> Vec<usize> {
        let is_text =
            |p: &&Part| p.shape == Shape::Leaf && p.in_message.is_none() && form(p).is_some();
        let inline = self
            .parts
            .iter()
            .position(|p| is_text(&p) && p.disposition.word != "attachment");
        let root = self.parts.first().filter(is_text).map(|_| 0);
        inline.or(root).into_iter().collect()
    }
}

impl Bodies {
    fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    fn keep_html(&mut self, part: &Part) {
        if self.html.is_none() {
            self.html = Some(decoded_text(part));
        }
    }

    fn add_all(&mut self, parts: &[Part], found: &[usize]) {
        for &index in found {
            self.used.insert(index);
            self.add(&parts[index]);
        }
    }

    fn add(&mut self, part: &Part) {
        let sum = &mut self.written;
        let mut length = 0;
        let (decoded, sure, damaged) = decoded_and(part, |whole| {
            length = whole.len();
            add_written(sum, whole);
        });
        self.damaged |= damaged;
        if self.sure == Sure::Yes {
            self.sure = sure;
        }
        self.cut |= length > DECODED_BYTES_MAX;
        let readable = match form(part) {
            Some(Form::Html) => {
                let readable = html::text(&decoded, TEXT_BYTES_MAX);
                self.html.get_or_insert(decoded);
                self.text_of = TextOf::Html;
                readable
            }
            Some(Form::Enriched) => text::unenriched(&decoded),
            _ => self.plain(part, decoded),
        };
        self.push(&readable);
    }

    fn plain(&mut self, part: &Part, decoded: String) -> String {
        let is_flowed = part
            .content_type
            .text("format")
            .is_some_and(|f| f.eq_ignore_ascii_case("flowed"));
        if is_flowed {
            let delsp = part
                .content_type
                .text("delsp")
                .is_some_and(|d| d.eq_ignore_ascii_case("yes"));
            return text::unflowed(&decoded, delsp);
        }
        if !uuencode::suspected(&decoded) {
            return decoded;
        }
        let blocks = uuencode::blocks(decoded.as_bytes());
        self.has_uuencode |= !blocks.is_empty();
        uuencode::without(&decoded, &blocks)
    }

    fn push(&mut self, readable: &str) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        if !self.is_empty() && !readable.trim().is_empty() {
            self.text.push('\n');
        }
        let room = TEXT_BYTES_MAX.saturating_sub(self.text.len());
        self.cut |= readable.len() > room;
        self.text.push_str(text::at_most(readable, room));
    }

    fn take_tnef(&mut self, parts: &[Part]) {
        let Some((index, part)) = parts
            .iter()
            .enumerate()
            .find(|(_, p)| p.in_message.is_none() && is_tnef(p))
        else {
            return;
        };
        let (content, _) = transfer::decoded(part.content, part.encoding);
        let Some(opened) = tnef::opened(&content) else {
            return;
        };
        let plain = opened.text.filter(|t| !t.trim().is_empty());
        let readable = match (plain, &opened.html) {
            (Some(plain), _) => text::plain(&plain).into_owned(),
            (None, Some(html)) => html::text(html, TEXT_BYTES_MAX),
            (None, None) => return,
        };
        self.html = self.html.take().or(opened.html);
        self.text_of = TextOf::Html;
        self.used.insert(index);
        add_written(&mut self.written, &readable);
        self.push(&readable);
    }

    /// The texts of the mails inside the mail: a digest is nothing else.
    fn take_messages(&mut self, parts: &[Part]) {
        let messages = parts
            .iter()
            .filter(|p| is_message(p) && p.in_message.is_none());
        for part in messages.take(MESSAGES_MAX) {
            let (content, _) = transfer::decoded(part.content, part.encoding);
            let nested = nested_text(&content, NESTED_MAX);
            self.from_nested |= !nested.trim().is_empty();
            add_written(&mut self.written, &nested);
            self.push(&nested);
        }
        self.text_of = TextOf::Attached;
    }

    fn end(&mut self) {
        let end = text::at_most(&self.text, TEXT_BYTES_MAX - 1)
            .trim_end_matches('\n')
            .len();
        self.text.truncate(end);
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }
}

/// Line ends and blanks at the end differ between two roads of one mail.
fn add_written(sum: &mut sha2::Sha256, body: &str) {
    use sha2::Digest;
    for piece in body.trim_end().as_bytes().split(|&b| b == b'\r') {
        sum.update(piece);
    }
    sum.update([0]);
}

fn nested_text(raw: &[u8], levels: usize) -> String {
    if levels == 0 {
        return String::new();
    }
    let (parts, _) = walk::parts(raw);
    let mut bodies = Bodies::default();
    let found = Chooser { parts: &parts }.of(0, &mut bodies);
    bodies.add_all(&parts, &found);
    if !bodies.is_empty() {
        return bodies.text;
    }
    match parts
        .iter()
        .find(|p| is_message(p) && p.in_message.is_none())
    {
        Some(part) => nested_text(
            &transfer::decoded(part.content, part.encoding).0,
            levels - 1,
        ),
        None => String::new(),
    }
}
