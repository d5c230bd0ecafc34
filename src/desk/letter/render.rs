//! A letter's bytes: 7-bit, CRLF, lines of at most 78 characters where they can be folded; the same letter gives the same bytes for ever.
//!
//! Nothing from outside reaches lettre uncleaned: a line end in a display name panics it, a NUL loses the address, and an id with a space becomes an encoded
//! word (measured with 0.11.23). What remains is caught, and the letter goes out with less: a letter with a plain name is better than none.

use super::{Enclosure, Html, Letter, LetterKind};
use crate::mail::{Mailbox, text};
use chrono::{DateTime, Utc};
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{
    Cc, ContentDisposition, ContentId, ContentTransferEncoding, ContentType, Date, HeaderName,
    HeaderValue,
};
use lettre::message::{
    Body, Mailboxes, MessageBuilder, MultiPart, MultiPartBuilder, SinglePart, SinglePartBuilder,
};
use sha2::Digest;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// ATTACKS.md D01.
const SUBJECT_CHARS_MAX: usize = 200;

/// A display name longer than this is no name.
const NAME_CHARS_MAX: usize = 100;

/// File systems take 255 bytes; this leaves room for what a client adds.
const FILE_NAME_CHARS_MAX: usize = 120;

/// An id longer than this cannot be folded into a line that every server takes.
const ID_CHARS_MAX: usize = 250;

/// More than this many characters of References is of no use to any client, and some servers refuse longer header fields.
const REFERENCES_CHARS_MAX: usize = 1_500;

/// What makes a notice longer than this is a log or an export: HTML makes it no better to read, and everybody of the queue would get it twice.
const NOTICE_BYTES_MAX: usize = 8 << 10;

/// RFC 5321 allows 998; this is what RFC 5322 asks for.
const LINE_CHARS_MAX: usize = 78;

/// What [`render`] writes itself and a letter's own header fields may not replace.
const OUR_FIELDS: [&str; 16] = [
    "from",
    "reply-to",
    "sender",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "auto-submitted",
    "x-auto-response-suppress",
    "precedence",
    "user-agent",
];

/// The bytes of a letter, CRLF line ends, 7-bit. `content` gives the bytes of an enclosure. Never panics.
pub fn render(letter: &Letter, content: &dyn Fn(&Enclosure) -> Vec<u8>) -> Vec<u8> {
    let attempt = |letter: &Letter| {
        catch_unwind(AssertUnwindSafe(|| message(letter, content)))
            .ok()
            .flatten()
            .filter(|bytes| is_canonical(bytes))
    };
    attempt(letter)
        .or_else(|| attempt(&plain(letter)))
        .unwrap_or_else(|| bare(letter))
}

fn message(letter: &Letter, content: &dyn Fn(&Enclosure) -> Vec<u8>) -> Option<Vec<u8>> {
    let mut to = mailbox(&letter.to)?;
    if letter.kind.is_for_strangers() {
        to.name = None;
    }
    let envelope = Envelope::new(None, vec![to.email.clone()]).ok()?;
    let from = mailbox(&letter.from)?;
    let as_written = as_written(&from);
    let mut builder = MessageBuilder::new().from(from).to(to).envelope(envelope);
    if let Some(value) = as_written {
        builder = builder.raw_header(HeaderValue::dangerous_new_pre_encoded(
            HeaderName::new_from_ascii("From".into()).ok()?,
            value.clone(),
            value,
        ));
    }
    let cc: Mailboxes = letter.cc.iter().filter_map(mailbox).collect();
    if cc.iter().next().is_some() {
        builder = builder.header(Cc::from(cc));
    }
    let answer_to = letter.reply_to.as_ref().and_then(|address| {
        mailbox(&Mailbox {
            name: String::new(),
            address: address.clone(),
        })
    });
    if let Some(answer_to) = answer_to {
        builder = builder.reply_to(answer_to);
    }
    builder = builder
        .subject(subject(&letter.subject))
        .header(Date::new(date(letter.date).into()));
    for (name, value) in fields(letter) {
        let name = HeaderName::new_from_ascii(name).ok()?;
        builder = builder.raw_header(HeaderValue::dangerous_new_pre_encoded(
            name,
            value.clone(),
            value,
        ));
    }
    let message = match body(letter, content) {
        Part::Single(part) => builder.singlepart(part),
        Part::Multi(part) => builder.multipart(part),
    };
    Some(message.ok()?.formatted())
}

/// The header fields that are ASCII, checked and folded here.
fn fields(letter: &Letter) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut add = |name: &str, value: String| fields.push((name.to_string(), value));
    if let Some(id) = usable_id(&letter.message_id) {
        add("Message-ID", format!("<{id}>"));
    }
    if let Some(id) = letter.in_reply_to.as_deref().and_then(usable_id) {
        add("In-Reply-To", format!("<{id}>"));
    }
    let references = references(&letter.references);
    if !references.is_empty() {
        let ids: Vec<_> = references.iter().map(|id| format!("<{id}>")).collect();
        add("References", ids.join("\r\n "));
    }
    for (name, value) in automatic_marks(letter.kind) {
        add(name, value.to_string());
    }
    for (name, value) in &letter.headers {
        if let Some(value) = own_field(name, value) {
            add(name, value);
        }
    }
    fields
}

/// RFC 3834 for acknowledgements, the peers' usage for the rest (CONVENTIONS.md). A relay is a person's mail and carries none.
fn automatic_marks(kind: LetterKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        LetterKind::Relay => &[],
        LetterKind::Acknowledgement => &[
            ("Auto-Submitted", "auto-replied"),
            ("X-Auto-Response-Suppress", "All"),
        ],
        // Old vacation programs know only Precedence, and an answer of theirs to a warning helps nobody.
        LetterKind::Warning | LetterKind::Breach => &[
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("Precedence", "bulk"),
        ],
        LetterKind::Notice | LetterKind::Transcript | LetterKind::Change | LetterKind::Digest => &[
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
        ],
    }
}

/// A further header field, folded; none where the name is ours or no name, or where nothing is left of the value.
fn own_field(name: &str, value: &str) -> Option<String> {
    let is_name = !name.is_empty()
        && name.len() <= 60
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let lower = name.to_ascii_lowercase();
    if !is_name || lower.starts_with("content-") || OUR_FIELDS.contains(&lower.as_str()) {
        return None;
    }
    let ascii: String = value
        .chars()
        .take(900)
        .map(|c| if c.is_ascii_graphic() { c } else { ' ' })
        .collect();
    let mut folded = String::new();
    let mut width = name.len() + 2;
    for word in ascii.split_ascii_whitespace() {
        if folded.is_empty() {
        } else if width + 1 + word.len() > LINE_CHARS_MAX {
            folded.push_str("\r\n ");
            width = 1;
        } else {
            folded.push(' ');
            width += 1;
        }
        folded.push_str(word);
        width += word.len();
    }
    (!folded.is_empty()).then_some(folded)
}

/// An id that can stand between angle brackets and nowhere else.
fn usable_id(id: &str) -> Option<&str> {
    let is_usable = !id.is_empty()
        && id.len() <= ID_CHARS_MAX
        && id
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>');
    is_usable.then_some(id)
}

/// The usable ids, each once; of too many the first and the latest, as clients thread by both ends.
fn references(ids: &[String]) -> Vec<&str> {
    let mut usable: Vec<&str> = Vec::new();
    for id in ids.iter().filter_map(|id| usable_id(id)) {
        if !usable.contains(&id) {
            usable.push(id);
        }
    }
    let Some((first, rest)) = usable.split_first() else {
        return usable;
    };
    let mut chars = first.len() + 4;
    let latest = rest
        .iter()
        .rev()
        .take_while(|id| {
            chars += id.len() + 4;
            chars <= REFERENCES_CHARS_MAX
        })
        .count();
    let mut kept = vec![*first];
    kept.extend(&rest[rest.len() - latest..]);
    kept
}

/// Years that RFC 5322 can write and lettre does not panic on.
fn date(at: DateTime<Utc>) -> DateTime<Utc> {
    let first = DateTime::<Utc>::UNIX_EPOCH;
    let last = DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(first);
    at.clamp(first, last)
}

fn subject(subject: &str) -> String {
    one_line(subject, SUBJECT_CHARS_MAX)
}

/// Cleaned, and with nothing that a client would decode a second time.
fn one_line(s: &str, chars_max: usize) -> String {
    let line = text::cleaned(s, chars_max).replace("=?", "= ?");
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An address that needs no quoting and no SMTPUTF8 (ATTACKS.md D03), and its name.
fn mailbox(mailbox: &Mailbox) -> Option<lettre::message::Mailbox> {
    let (local, domain) = mailbox.address.rsplit_once('@')?;
    let is_atom = |s: &str, more: &str| {
        !s.is_empty()
            && s.bytes()
                .all(|b| b.is_ascii_alphanumeric() || more.as_bytes().contains(&b))
    };
    if !is_atom(local, "!#$%&'*+-/=?^_`{|}~.")
        || !is_atom(domain, "-.")
        || mailbox.address.len() > 254
    {
        return None;
    }
    let address = Address::new(local, domain).ok()?;
    let name = one_line(&mailbox.name, NAME_CHARS_MAX);
    Some(lettre::message::Mailbox::new(
        (!name.is_empty()).then_some(name),
        address,
    ))
}

/// The field of a name in ASCII as a quoted string: lettre encodes one with brackets in base64, and filters take an encoding without need for a mark of spam.
fn as_written(mailbox: &lettre::message::Mailbox) -> Option<String> {
    let name = mailbox.name.as_deref()?;
    let is_plain = |b: u8| (b' '..=b'~').contains(&b) && !matches!(b, b'"' | b'\\');
    name.bytes()
        .all(is_plain)
        .then(|| format!("\"{name}\" <{}>", mailbox.email))
}

enum Part {
    Single(SinglePart),
    Multi(MultiPart),
}

/// `mixed(alternative(text, related(html, pictures)), files)`, of that what is needed: where a picture stands elsewhere, Outlook shows it as a file, and Apple
/// Mail beside the HTML and below it.
fn body(letter: &Letter, content: &dyn Fn(&Enclosure) -> Vec<u8>) -> Part {
    let plain = text_part(ContentType::TEXT_PLAIN, &letter.text);
    let html = html(letter);
    let whole = letter.enclosures.iter();
    let (pictures, files): (Vec<&Enclosure>, Vec<&Enclosure>) =
        whole.partition(|e| html.is_some() && picture_id(e).is_some());
    let said = match html {
        None => Part::Single(plain),
        Some(html) => {
            let both = bounded(MultiPart::alternative(), letter, "alternative").singlepart(plain);
            let html = text_part(ContentType::TEXT_HTML, &html);
            let shown = pictures.iter().filter_map(|e| shown(e, content(e)));
            Part::Multi(match related(letter).filter(|_| !pictures.is_empty()) {
                Some(related) => {
                    both.multipart(shown.fold(related.singlepart(html), MultiPart::singlepart))
                }
                None => both.singlepart(html),
            })
        }
    };
    if files.is_empty() {
        return said;
    }
    let mixed = bounded(MultiPart::mixed(), letter, "mixed");
    let mixed = match said {
        Part::Single(part) => mixed.singlepart(part),
        Part::Multi(part) => mixed.multipart(part),
    };
    Part::Multi(files.into_iter().fold(mixed, |mixed, enclosure| {
        mixed.singlepart(enclosed(enclosure, content(enclosure)))
    }))
}

/// RFC 2387 asks for the type of the root, which lettre leaves out.
fn related(letter: &Letter) -> Option<MultiPart> {
    let boundary = boundary(letter, "related");
    let content_type = format!("multipart/related; type=\"text/html\"; boundary=\"{boundary}\"");
    let content_type = ContentType::parse(&content_type).ok()?;
    Some(MultiPart::builder().header(content_type).build())
}

/// By what the HTML shows it.
fn picture_id(enclosure: &Enclosure) -> Option<&str> {
    enclosure.content_id.as_deref().and_then(usable_id)
}

fn html(letter: &Letter) -> Option<Cow<'_, str>> {
    let is_log = letter.kind == LetterKind::Notice && letter.text.len() > NOTICE_BYTES_MAX;
    let html = letter.html.as_ref().filter(|_| !is_log);
    html.map(Html::page)
}

/// lettre draws boundaries at random, which would make a letter's bytes differ from run to run.
fn bounded(builder: MultiPartBuilder, letter: &Letter, level: &str) -> MultiPart {
    builder.boundary(boundary(letter, level)).build()
}

fn boundary(letter: &Letter, level: &str) -> String {
    let digest = sha2::Sha256::digest(format!("{level} {}", letter.message_id));
    format!("=_{}", data_encoding::HEXLOWER.encode(&digest[..16]))
}

fn text_part(content_type: ContentType, text: &str) -> SinglePart {
    let text = readable(text);
    let is_plain_ascii = text.is_ascii()
        && text
            .lines()
            .all(|l| l.len() <= LINE_CHARS_MAX && !l.starts_with("From "));
    let body = if is_plain_ascii {
        // As lettre would, which looks three times for what was looked for here.
        let lines = text.replace('\n', "\r\n");
        Body::dangerous_pre_encoded(lines.into_bytes(), ContentTransferEncoding::SevenBit)
    } else {
        let text = text.into_owned();
        Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable)
            .unwrap_or_else(Body::new)
    };
    SinglePart::builder().header(content_type).body(body)
}

/// LF line ends only (lettre makes them CRLF), no NUL and no other control character but the tab.
fn readable(text: &str) -> Cow<'_, str> {
    // The first bytes of U+0080 to U+00BF and of U+2000 to U+2FFF: what may be no text is among them.
    let is_suspect = |b: u8| matches!(b, 0..=8 | 11..=31 | 127 | 0xc2 | 0xe2);
    if !text.bytes().any(is_suspect) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    let readable = text.chars().map(|c| match c {
        '\n' | '\t' => c,
        '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => '\n',
        c if c.is_control() => ' ',
        c => c,
    });
    Cow::Owned(readable.collect())
}

fn enclosed(enclosure: &Enclosure, bytes: Vec<u8>) -> SinglePart {
    let name = file_name(&enclosure.name);
    let is_mail = enclosure.media_type.eq_ignore_ascii_case("message/rfc822");
    // RFC 2046 5.2.1: a message may not be encoded, so one that is not 7-bit goes as a file, its bytes untouched.
    if let Some(mail) = is_mail.then(|| as_lines(&bytes)).flatten() {
        let body = Body::dangerous_pre_encoded(mail, ContentTransferEncoding::SevenBit);
        return attachment("message/rfc822", &name).body(body);
    }
    let media_type = if is_mail {
        "application/octet-stream"
    } else {
        &enclosure.media_type
    };
    attachment(media_type, &name).body(in_base64(bytes))
}

/// A picture that the HTML shows.
fn shown(picture: &Enclosure, bytes: Vec<u8>) -> Option<SinglePart> {
    let name = ContentDisposition::inline_with_name(&file_name(&picture.name));
    let id = ContentId::from(format!("<{}>", picture_id(picture)?));
    let part = of_type(&picture.media_type).header(name).header(id);
    Some(part.body(in_base64(bytes)))
}

fn in_base64(bytes: Vec<u8>) -> Body {
    Body::new_with_encoding(bytes, ContentTransferEncoding::Base64).unwrap_or_else(Body::new)
}

fn attachment(media_type: &str, name: &str) -> SinglePartBuilder {
    of_type(media_type).header(ContentDisposition::attachment(name))
}

fn of_type(media_type: &str) -> SinglePartBuilder {
    let is_token = |s: &str| {
        !s.is_empty()
            && s.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let content_type = match media_type.split_once('/') {
        Some((kind, subtype))
            if is_token(kind)
                && is_token(subtype)
                && media_type.len() <= 100
                && !kind.eq_ignore_ascii_case("multipart") =>
        {
            ContentType::parse(media_type).ok()
        }
        _ => None,
    };
    let content_type = content_type
        .or_else(|| ContentType::parse("application/octet-stream").ok())
        .unwrap_or(ContentType::TEXT_PLAIN);
    SinglePart::builder().header(content_type)
}

/// A mail's bytes with CRLF line ends, if it can go without encoding.
fn as_lines(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut lines = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let is_plain =
            text.len() <= 998 && text.iter().all(|b| b.is_ascii() && !matches!(b, 0 | b'\r'));
        if !is_plain {
            return None;
        }
        lines.extend_from_slice(text);
        if line.ends_with(b"\n") {
            lines.extend_from_slice(b"\r\n");
        }
    }
    Some(lines)
}

/// A name that is no path and hides nothing (ATTACKS.md E08).
fn file_name(name: &str) -> String {
    let visible: String = one_line(name, FILE_NAME_CHARS_MAX)
        .chars()
        .filter(|c| !is_invisible(*c))
        .map(|c| if "/\\:*?\"<>|".contains(c) { '_' } else { c })
        .collect();
    let name = visible.trim_matches(['.', ' ']);
    if name.is_empty() {
        "attachment".into()
    } else {
        name.into()
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// What an SMTP server takes whatever it can do: 7-bit, CRLF, lines of at most 998 bytes.
fn is_canonical(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n")
        && bytes.split_inclusive(|b| *b == b'\n').all(|line| {
            line.strip_suffix(b"\r\n").is_some_and(|l| {
                l.len() <= 998 && l.iter().all(|b| b.is_ascii() && !matches!(b, 0 | b'\r'))
            })
        })
}

/// The letter without names, copies, enclosures and HTML.
fn plain(letter: &Letter) -> Letter {
    let mut plain = letter.clone();
    plain.from.name.clear();
    plain.to.name.clear();
    plain.cc.clear();
    plain.enclosures.clear();
    plain.html = None;
    plain
}

/// The last resort, without lettre: an address that cannot be written stays out, and the envelope still has it.
fn bare(letter: &Letter) -> Vec<u8> {
    let address = |mailbox: &Mailbox, otherwise: &str| match self::mailbox(mailbox) {
        Some(m) => m.email.to_string(),
        None => otherwise.to_string(),
    };
    let mut out = format!(
        "From: {}\r\nTo: {}\r\nSubject: {}\r\nDate: {}\r\n",
        address(&letter.from, "invalid@invalid.invalid"),
        address(&letter.to, "undisclosed-recipients:;"),
        "ticketd",
        date(letter.date).to_rfc2822(),
    );
    for (name, value) in fields(letter) {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    out.push_str("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    let text = readable(&letter.text).replace('\n', "\r\n");
    for line in data_encoding::BASE64
        .encode(text.as_bytes())
        .as_bytes()
        .chunks(76)
    {
        out.push_str(&String::from_utf8_lossy(line));
        out.push_str("\r\n");
    }
    out.into_bytes()
}
