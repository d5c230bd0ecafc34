//! A mail taken apart: header, bodies, attachments, reports, and what is odd about them.
//!
//! The walk over the parts is our own (`walk`), since mail-parser's recursion cannot be bounded; mail-parser reads dates and rare charsets.
//! Promise: any bytes give a [`Mail`], in time and memory linear in their number and on a small stack; nothing is refused.

use super::body::{self, Bodies};
use super::header::{self, Block, Field};
use super::text::cleaned;
use super::walk::{self, Notes, Part, Shape};
use super::*;
use super::{charset, tnef, transfer, uuencode};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The stack a thread needs that reads mail; caps on nesting keep the need far below it.
pub const STACK_BYTES: usize = 16 << 20;

/// More readable text than this is in the raw mail only.
pub(super) const TEXT_BYTES_MAX: usize = 2 << 20;
/// The HTML that [`Mail::html`] keeps.
const HTML_BYTES_MAX: usize = 1 << 20;
/// Of a machine-readable part, as [`Report`] says.
const REPORT_BYTES_MAX: usize = 64 << 10;
/// Machine-readable parts of one mail.
const REPORTS_MAX: usize = 20;
/// A subject line longer than this is bait; RFC 5322, 2.1.1 allows 998 bytes a line.
const SUBJECT_CHARS_MAX: usize = 998;
/// Names are for display.
const NAME_CHARS_MAX: usize = 255;
/// A longer `Content-ID` fits no header line that RFC 5322, 2.1.1 allows together with what encodes it.
const CONTENT_ID_BYTES_MAX: usize = 300;
/// Ids kept of `References` (ATTACKS.md B10).
const REFERENCES_MAX: usize = 20;
/// Outlook's header block: five bytes of time and a GUID; replies append to it.
const THREAD_ROOT_BYTES: usize = 22;
/// An attachment inside a part (`winmail.dat`, uuencode) is numbered above the part's own bits.
const INSIDE_SHIFT: usize = 16;

/// Headers, bodies and attachments of a mail; `kind`, `new_text` and `language` are filled in by [`super::read`].
pub fn parsed(raw: &[u8]) -> Mail {
    let bytes = with_line_ends(raw);
    let (parts, notes) = walk::parts(&bytes);
    let mut mail = blank(raw);
    if let Some(root) = parts.first() {
        read_header(
            &mut mail,
            &root.header,
            root.content_type.text("charset").as_deref(),
        );
    }
    let mut bodies = body::chosen(&parts);
    read_bodies(&mut mail, &mut bodies);
    read_attachments(&mut mail, &bytes, &parts, &bodies);
    note_structure(&mut mail, &notes);
    mail.written = written(&mail, &bodies);
    mail
}

/// The decoded bytes of one part, by [`Attachment::part`]; empty if there is no such part.
pub fn part_content(raw: &[u8], part: usize) -> Vec<u8> {
    let mut found = part_contents(raw, [part]);
    found.remove(&part).unwrap_or_default()
}

/// The same of several, taken apart once: a mail may have a thousand.
pub fn part_contents(
    raw: &[u8],
    wanted: impl IntoIterator<Item = usize>,
) -> BTreeMap<usize, Vec<u8>> {
    let mut wanted = wanted.into_iter().peekable();
    if wanted.peek().is_none() {
        return BTreeMap::new();
    }
    let bytes = with_line_ends(raw);
    let (parts, _) = walk::parts(&bytes);
    let mut opened: BTreeMap<usize, Vec<Inside>> = BTreeMap::new();
    let mut content = |part: usize| {
        let index = part & ((1 << INSIDE_SHIFT) - 1);
        let found = parts.get(index)?;
        let Some(inside) = (part >> INSIDE_SHIFT).checked_sub(1) else {
            return Some(
                transfer::decoded(found.content, found.encoding)
                    .0
                    .into_owned(),
            );
        };
        let all = opened.entry(index).or_insert_with(|| inside_of(found));
        all.get_mut(inside).map(|i| std::mem::take(&mut i.content))
    };
    let wanted: BTreeSet<usize> = wanted.collect();
    let contents = wanted
        .into_iter()
        .map(|part| (part, content(part).unwrap_or_default()));
    contents.collect()
}

/// A mail whose lines end in CR alone gets line ends; a byte order mark before it goes.
fn with_line_ends(raw: &[u8]) -> Cow<'_, [u8]> {
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let from = raw
        .iter()
        .position(|b| !b.is_ascii_whitespace())
        .unwrap_or(0);
    let raw = &raw[from..];
    // One look at the first lines tells; the rest is read only if it is needed.
    let has_newline = raw
        .iter()
        .take(header::BLOCK_BYTES_MAX)
        .any(|&b| b == b'\n');
    if has_newline || !raw.contains(&b'\r') {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(
        raw.iter()
            .map(|&b| if b == b'\r' { b'\n' } else { b })
            .collect(),
    )
}

fn blank(raw: &[u8]) -> Mail {
    Mail {
        raw: Fingerprint::of(raw),
        written: None,
        bytes: raw.len() as u64,
        subject: String::new(),
        from: vec![],
        from_fields: 0,
        reply_to: vec![],
        to: vec![],
        cc: vec![],
        message_id: None,
        in_reply_to: vec![],
        references: vec![],
        thread_index: None,
        date: None,
        kind: Kind::Human,
        kind_reason: String::new(),
        bounce: None,
        language: Language::Other,
        new_text: String::new(),
        text: String::new(),
        text_of: TextOf::default(),
        html: None,
        attachments: vec![],
        reports: vec![],
        shown_below: vec![],
        enclosed_status: None,
        oddities: vec![],
        headers: vec![],
    }
}

// The header.

#[derive(Default)]
struct HeaderNotes {
    bare_8bit: bool,
    bad_charset: bool,
    control: bool,
}

fn read_header(mail: &mut Mail, block: &Block, hint: Option<&str>) {
    let mut notes = HeaderNotes::default();
    mail.headers = block
        .fields
        .iter()
        .map(|f| decoded(f, hint, &mut notes))
        .collect();
    mail.subject = mail
        .header("Subject")
        .map(|s| cleaned(s.trim(), SUBJECT_CHARS_MAX))
        .unwrap_or_default();
    mail.from_fields = mail.headers("From").count();
    mail.from = mailboxes(mail, "From");
    mail.reply_to = mailboxes(mail, "Reply-To");
    mail.to = mailboxes(mail, "To");
    mail.cc = mailboxes(mail, "Cc");
    let message_id = mail.headers("Message-ID").find_map(header::message_id);
    mail.message_id = message_id;
    mail.in_reply_to = ids(mail, "In-Reply-To");
    mail.references = ids(mail, "References");
    mail.thread_index = mail.header("Thread-Index").and_then(thread_root);
    let date = mail.headers("Date").find_map(header::date);
    mail.date = date;
    note_header(mail, block, &notes);
}

fn decoded(field: &Field, hint: Option<&str>, notes: &mut HeaderNotes) -> Header {
    let name = String::from_utf8_lossy(field.name).into_owned();
    let is_address = ["From", "Sender", "Reply-To", "To", "Cc"]
        .iter()
        .any(|n| name.eq_ignore_ascii_case(n));
    let decoded = if is_address {
        header::decoded_addresses(field.value, hint)
    } else {
        header::decoded(field.value, hint)
    };
    notes.bare_8bit |= decoded.bare_8bit;
    notes.bad_charset |= decoded.bad_charset;
    let mut text = decoded.text;
    if is_address && text.contains(|c: char| c.is_control()) {
        // A space would hide it from the strict reading of addresses (ATTACKS.md A03).
        notes.control = true;
        text = text.replace(|c: char| c.is_control(), "\u{fffd}");
    }
    // Most are clean, and stay where they are.
    let is_clean = text.bytes().all(|b| (b' '..0x7f).contains(&b));
    let value = if is_clean {
        text
    } else {
        cleaned(&text, usize::MAX)
    };
    Header { name, value }
}

fn mailboxes(mail: &Mail, name: &str) -> Vec<Mailbox> {
    mail.headers(name)
        .flat_map(address::mailboxes)
        .take(1_000)
        .collect()
}

/// The ids of all fields of that name; of too many the first, which is the thread's root, and the last (RFC 5537, 3.4.4). Some clients
/// write the author's address where the id belongs: it would join all of his mails.
fn ids(mail: &Mail, name: &str) -> Vec<String> {
    let people = || {
        mail.from
            .iter()
            .chain(&mail.to)
            .chain(&mail.cc)
            .chain(&mail.reply_to)
    };
    let is_address = |id: &String| people().any(|m| m.address.eq_ignore_ascii_case(id));
    let mut all: Vec<String> = mail.headers(name).flat_map(header::ids).collect();
    if all.len() > REFERENCES_MAX {
        all.drain(1..all.len() - REFERENCES_MAX + 1);
    }
    all.retain(|id| !is_address(id));
    all
}

fn thread_root(value: &str) -> Option<String> {
    let (bytes, _) = transfer::base64(value.as_bytes());
    bytes
        .get(..THREAD_ROOT_BYTES)
        .map(|root| data_encoding::BASE64.encode(root))
}

fn note_header(mail: &mut Mail, block: &Block, notes: &HeaderNotes) {
    for name in [
        "From",
        "Date",
        "Message-ID",
        "Subject",
        "To",
        "Reply-To",
        "Content-Type",
    ] {
        let fields = mail.headers(name).count();
        if fields > 1 {
            mail.oddities
                .push(format!("The header has {fields} {name} fields."));
        }
    }
    for name in ["From", "Date", "Message-ID"] {
        if mail.headers(name).next().is_none() {
            mail.oddities.push(format!("The header has no {name}."));
        }
    }
    let says = |name: &str| mail.header(name).is_some();
    let found = [
        (
            says("From") && mail.from.iter().all(|m| m.address.is_empty()),
            "From holds no address.",
        ),
        (
            says("Date") && mail.date.is_none(),
            "The Date cannot be read.",
        ),
        (
            says("Message-ID") && mail.message_id.is_none(),
            "The Message-ID cannot be read.",
        ),
        (mail.from.len() > 1, "From names more than one sender."),
        (
            notes.bare_8bit,
            "The header holds letters that are not ASCII and declares no charset for them.",
        ),
        (
            notes.bad_charset,
            "A charset named in the header is unknown or wrong.",
        ),
        (notes.control, "An address field holds control characters."),
        (block.junk, "The header holds lines that are no fields."),
        (
            block.unfinished,
            "No empty line stands between header and body.",
        ),
        (
            block.cut,
            "Taken apart only in part: the header is too long.",
        ),
        (block.fields.is_empty(), "There is no header."),
    ];
    mail.oddities.extend(
        found
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, text)| text.to_string()),
    );
}

// The bodies.

fn read_bodies(mail: &mut Mail, bodies: &mut Bodies) {
    mail.text = std::mem::take(&mut bodies.text);
    mail.text_of = bodies.text_of;
    mail.html = bodies.html.take();
    if let Some(html) = &mut mail.html {
        html.truncate(text::at_most(html, HTML_BYTES_MAX).len());
    }
    let found = [
        (
            bodies.sure == charset::Sure::Undeclared,
            "The body holds letters that are not ASCII and declares no charset.",
        ),
        (
            bodies.sure == charset::Sure::Unknown,
            "The body's charset is unknown.",
        ),
        (
            bodies.sure == charset::Sure::Wrong,
            "The body is not of the charset it declares.",
        ),
        (bodies.damaged, "The body's transfer encoding is damaged."),
        (
            bodies.from_nested,
            "There is no body; the text is that of the mail attached.",
        ),
        (
            bodies.cut,
            "Taken apart only in part: the text is too long.",
        ),
    ];
    mail.oddities.extend(
        found
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, text)| text.to_string()),
    );
}

// Attachments and reports.

fn read_attachments(mail: &mut Mail, raw: &[u8], parts: &[Part], bodies: &Bodies) {
    for (index, part) in parts.iter().enumerate() {
        if part.in_message.is_some()
            && mail.enclosed_status.is_none()
            && part.media_type == "message/delivery-status"
        {
            let text = body::decoded_text(part);
            mail.enclosed_status = Some(text::at_most(&text, REPORT_BYTES_MAX).to_string());
        }
        if part.shape == Shape::Multipart || part.in_message.is_some() {
            continue;
        }
        report(mail, raw, parts, index);
        if part.shape == Shape::Leaf && holds_more(part) && open_inside(mail, part, index, bodies) {
            continue;
        }
        let is_named = body::name(part).is_some();
        if !is_named && (bodies.used.contains(&index) || part.content.is_empty()) {
            continue;
        }
        if is_named && body::is_shown(part) && mail.shown_below.len() < REPORTS_MAX {
            let text = body::decoded_text(part);
            let text = text::at_most(&text, REPORT_BYTES_MAX);
            mail.shown_below.push(text.to_string());
        }
        let name = attachment_name(parts, index);
        let (bytes, damaged) = transfer::decoded_len(part.content, part.encoding);
        if damaged {
            mail.oddities
                .push("An attachment's transfer encoding is damaged.".into());
        }
        mail.attachments.push(Attachment {
            name,
            media_type: media_type(part),
            bytes,
            part: index,
            content_id: content_id(part),
            is_enveloped: is_enveloped(part),
        });
    }
}

/// `winmail.dat` and uuencoded text hold attachments of their own.
fn holds_more(part: &Part) -> bool {
    is_tnef(part) || part.media_type == "text/plain"
}

pub(super) fn is_tnef(part: &Part) -> bool {
    part.shape == Shape::Leaf
        && (matches!(
            part.media_type.as_str(),
            "application/ms-tnef" | "application/vnd.ms-tnef"
        ) || part
            .content_type
            .text("name")
            .is_some_and(|n| n.eq_ignore_ascii_case("winmail.dat")))
}

/// Lists what stands inside; true if that replaces the part itself.
fn open_inside(mail: &mut Mail, part: &Part, index: usize, bodies: &Bodies) -> bool {
    if part.media_type == "text/plain" && !(bodies.used.contains(&index) && bodies.has_uuencode) {
        return false;
    }
    let inside = inside_of(part);
    for (at, item) in inside.iter().enumerate() {
        mail.attachments.push(Attachment {
            name: shown_name(&item.name),
            media_type: item.media_type.clone(),
            bytes: item.content.len() as u64,
            part: index | (at + 1) << INSIDE_SHIFT,
            content_id: usable_id(&item.content_id),
            is_enveloped: false,
        });
    }
    is_tnef(part) && (!inside.is_empty() || bodies.used.contains(&index))
}

struct Inside {
    name: String,
    media_type: String,
    content_id: String,
    content: Vec<u8>,
}

fn inside_of(part: &Part) -> Vec<Inside> {
    let (content, _) = transfer::decoded(part.content, part.encoding);
    if is_tnef(part) {
        let attachments = tnef::opened(&content)
            .map(|o| o.attachments)
            .unwrap_or_default();
        let opened = attachments.into_iter().map(|a| Inside {
            media_type: if a.media_type.is_empty() {
                "application/octet-stream".into()
            } else {
                a.media_type.to_ascii_lowercase()
            },
            name: a.name,
            content_id: a.content_id,
            content: a.content,
        });
        return opened.collect();
    }
    let blocks = uuencode::blocks(&content).into_iter();
    blocks
        .map(|b| Inside {
            name: b.name,
            media_type: "application/octet-stream".into(),
            content_id: String::new(),
            content: b.content,
        })
        .collect()
}

fn media_type(part: &Part) -> String {
    cleaned(&part.media_type, 127)
}

fn is_enveloped(part: &Part) -> bool {
    const ENVELOPED: [&str; 2] = ["enveloped-data", "authenveloped-data"];
    let kind = part.content_type.text("smime-type").unwrap_or_default();
    ENVELOPED
        .iter()
        .any(|e| kind.trim().eq_ignore_ascii_case(e))
}

fn content_id(part: &Part) -> Option<String> {
    usable_id(&header::decoded(part.header.field("Content-ID")?, None).text)
}

fn usable_id(id: &str) -> Option<String> {
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    let is_one = |c: char| !c.is_control() && !c.is_whitespace();
    (!id.is_empty() && id.len() <= CONTENT_ID_BYTES_MAX && id.chars().all(is_one))
        .then(|| id.to_string())
}

fn shown_name(name: &str) -> String {
    cleaned(text::composed(name).trim(), NAME_CHARS_MAX)
}

/// The name that the part gives; a mail goes by its subject, what is only described by its description, and the rest by their type.
fn attachment_name(parts: &[Part], index: usize) -> String {
    let part = &parts[index];
    if let Some(name) = body::name(part) {
        return shown_name(&name);
    }
    if body::is_message(part) {
        let subject = nested_subject(parts, index).filter(|s| !s.trim().is_empty());
        return subject.map_or("mail.eml".into(), |s| format!("{}.eml", shown_name(&s)));
    }
    let described = part
        .header
        .field("Content-Description")
        .map(|d| shown_name(&header::decoded(d, None).text))
        .filter(|d| !d.is_empty());
    if let Some(located) = located_name(part) {
        return located;
    }
    let (kind, extension) = kind_of_file(&part.media_type);
    let is_report = part.media_type.starts_with("message/");
    match described {
        Some(text) if is_report && !extension.is_empty() => format!("{text}.{extension}"),
        Some(text) if looks_like_a_file(&text) => text,
        _ if extension.is_empty() => kind.to_string(),
        _ => format!("{kind}.{extension}"),
    }
}

/// The end of `Content-Location` (RFC 2557), or what stands before the `@` of `Content-ID`, where that is a file's name: Outlook writes `image001.png@…`.
fn located_name(part: &Part) -> Option<String> {
    let field = |name| {
        let value = part.header.field(name)?;
        Some(header::decoded(value, None).text)
    };
    let location = field("Content-Location")
        .and_then(|l| Some(l.trim().rsplit(['/', '\\', ':']).next()?.to_string()));
    let id = field("Content-ID").and_then(|id| {
        let id = id.trim().trim_start_matches('<');
        Some(id.split_once('@')?.0.to_string())
    });
    let mut names = location.into_iter().chain(id);
    let is_name = |n: &String| {
        !n.starts_with('.') && n.contains(|c: char| c.is_alphabetic()) && has_known_ending(n)
    };
    names.find(is_name).map(|n| shown_name(&n))
}

/// An id may hold a dot anywhere; only endings that files have make a name of it.
fn has_known_ending(name: &str) -> bool {
    const ENDINGS: [&str; 16] = [
        "png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "svg", "webp", "emf", "wmz", "pdf",
        "htm", "html", "css", "txt",
    ];
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ENDINGS.iter().any(|e| ending.eq_ignore_ascii_case(e))
}

fn looks_like_a_file(text: &str) -> bool {
    let ending = text.rsplit_once('.').map_or("", |(_, ending)| ending);
    (1..=5).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// What a part without a name is called, and the ending its type calls for.
fn kind_of_file(media_type: &str) -> (&'static str, &'static str) {
    match media_type {
        "text/plain" => ("document", "txt"),
        "text/html" => ("document", "html"),
        "text/calendar" => ("calendar", "ics"),
        "text/rfc822-headers" => ("headers", "txt"),
        "message/delivery-status" => ("delivery-status", "txt"),
        "message/disposition-notification" => ("disposition-notification", "txt"),
        "message/feedback-report" => ("feedback-report", "txt"),
        "application/pdf" => ("document", "pdf"),
        "application/pgp-signature" => ("signature", "asc"),
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => ("smime", "p7s"),
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => ("smime", "p7m"),
        "image/jpeg" | "image/jpg" => ("image", "jpg"),
        "image/png" => ("image", "png"),
        "image/gif" => ("image", "gif"),
        "image/bmp" => ("image", "bmp"),
        "image/tiff" => ("image", "tif"),
        "image/webp" => ("image", "webp"),
        "image/svg+xml" => ("image", "svg"),
        "video/quicktime" => ("video", "mov"),
        "video/mp4" => ("video", "mp4"),
        "audio/mpeg" => ("audio", "mp3"),
        "audio/wav" | "audio/x-wav" => ("audio", "wav"),
        "text/csv" => ("document", "csv"),
        "text/vcard" | "text/x-vcard" | "text/directory" => ("contact", "vcf"),
        "application/zip" | "application/x-zip-compressed" => ("archive", "zip"),
        "application/msword" => ("document", "doc"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => {
            ("document", "docx")
        }
        "application/vnd.ms-excel" => ("table", "xls"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => ("table", "xlsx"),
        _ => ("file", ""),
    }
}

fn nested_subject(parts: &[Part], index: usize) -> Option<String> {
    let part = &parts[index];
    if part.shape == Shape::Message {
        let nested = parts.get(index + 1)?;
        return nested
            .header
            .field("Subject")
            .map(|s| header::decoded(s, None).text);
    }
    let (content, _) = transfer::decoded(part.content, part.encoding);
    let block = header::block(&content, 0, |_| false);
    block
        .field("Subject")
        .map(|s| header::decoded(s, None).text)
}

/// Keeps what `automatic` and `bounce` read: machine-readable parts, and the header of a returned mail. A calendar's method is among them.
fn report(mail: &mut Mail, raw: &[u8], parts: &[Part], index: usize) {
    let part = &parts[index];
    let text = match (part.shape, part.media_type.as_str()) {
        (Shape::Message, _) => parts
            .get(index + 1)
            .map(|nested| header_text(raw, part.header.body, nested.header.body)),
        (_, "message/rfc822" | "message/global") => {
            let (content, _) = transfer::decoded(part.content, part.encoding);
            let end = header::block(&content, 0, |_| false).body;
            Some(header_text(&content, 0, end))
        }
        (
            _,
            "message/delivery-status"
            | "message/global-delivery-status"
            | "message/disposition-notification"
            | "message/global-disposition-notification"
            | "message/feedback-report"
            | "text/rfc822-headers"
            | "text/rfc822-header"
            | "message/rfc822-headers"
            | "message/global-headers"
            | "text/calendar"
            | "application/ics",
        ) => Some(body::decoded_text(part)),
        _ => None,
    };
    if let Some(text) = text.filter(|_| mail.reports.len() < REPORTS_MAX) {
        let text = text::at_most(&text, REPORT_BYTES_MAX).to_string();
        mail.reports.push(Report {
            media_type: media_type(part),
            text,
        });
    }
}

fn header_text(raw: &[u8], from: usize, end: usize) -> String {
    let block = raw.get(from..end).unwrap_or_default();
    let (text, _) = charset::undeclared(&block[..block.len().min(REPORT_BYTES_MAX)]);
    text::plain(&text).into_owned()
}

fn note_structure(mail: &mut Mail, notes: &Notes) {
    if let Some(why) = notes.partly {
        mail.oddities
            .push(format!("Taken apart only in part: {why}."));
    }
    let found = [
        (
            notes.no_boundary,
            "A part of several parts names no boundary.",
        ),
        (
            notes.boundary_unused,
            "A boundary is announced and never comes.",
        ),
        (
            notes.open_end,
            "The last boundary is missing; the mail may be cut short.",
        ),
        (notes.unknown_encoding, "A transfer encoding is unknown."),
        (
            notes.unfinished_header,
            "A part has no empty line after its header.",
        ),
    ];
    mail.oddities.extend(
        found
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, text)| text.to_string()),
    );
    let mut seen = BTreeSet::new();
    mail.oddities.retain(|oddity| seen.insert(oddity.clone()));
}

/// Of what was written; each field with its length before it, so that no two mails share the bytes.
fn written(mail: &Mail, bodies: &Bodies) -> Option<Fingerprint> {
    use sha2::Digest;
    let id = mail.message_id.as_deref()?;
    let date = mail.header("Date").unwrap_or_default();
    let from: Vec<&str> = mail.from.iter().map(|m| m.address.as_str()).collect();
    let bodies = Fingerprint(bodies.written.clone().finalize().into()).hex();
    let mut sum = sha2::Sha256::new();
    for field in [id, date.trim(), &from.join(","), &mail.subject, &bodies] {
        sum.update((field.len() as u64).to_be_bytes());
        sum.update(field.as_bytes());
    }
    Some(Fingerprint(sum.finalize().into()))
}
