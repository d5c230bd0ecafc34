//! Mail and what is in it: whole mails, header values, texts, HTML, Outlook's packages, bounces.

use super::on_one_field;
use ticketd::mail::{self, Kind, Language, Mail, address, html, language, parse, quote, sender};

const TEXT_BYTES_MAX: usize = 2 << 20;
const HTML_BYTES_MAX: usize = 1 << 20;

/// Any bytes are a mail: read alike twice, bounded, without control characters where people see it, with every attachment as long as was said.
pub fn mail(bytes: &[u8]) {
    let read = mail::read(bytes);
    assert_eq!(
        format!("{read:?}"),
        format!("{:?}", mail::read(bytes)),
        "reading is deterministic"
    );
    is_bounded(&read);
    is_printable(&read);
    invents_nothing(&read.text, &read.new_text);
    is_consistent(&read);
    for attachment in read.attachments.iter().take(20) {
        let content = parse::part_content(bytes, attachment.part);
        assert_eq!(
            content.len() as u64,
            attachment.bytes,
            "{}",
            attachment.name
        );
    }
}

fn is_bounded(mail: &Mail) {
    assert!(mail.text.len() <= TEXT_BYTES_MAX);
    assert!(mail.html.as_ref().is_none_or(|h| h.len() <= HTML_BYTES_MAX));
    assert!(mail.subject.chars().count() <= 998);
    assert!(mail.references.len() <= 20 && mail.in_reply_to.len() <= 20);
    for mailboxes in [&mail.from, &mail.reply_to, &mail.to, &mail.cc] {
        assert!(mailboxes.len() <= 1_000);
    }
    assert!(mail.headers.len() <= 1_000, "{} fields", mail.headers.len());
    assert!(mail.reports.len() <= 20);
    assert!(mail.reports.iter().all(|r| r.text.len() <= 64 << 10));
    assert!(mail.oddities.len() <= 40, "{:?}", mail.oddities);
    assert!(
        mail.kind_reason.chars().count() <= 300,
        "{}",
        mail.kind_reason
    );
}

fn is_printable(mail: &Mail) {
    let names = mail.attachments.iter().map(|a| &a.name);
    let shown = [&mail.from, &mail.reply_to, &mail.to, &mail.cc]
        .into_iter()
        .flatten()
        .flat_map(|m| [&m.name, &m.address]);
    let values = mail.headers.iter().map(|h| &h.value);
    for text in names.chain(shown).chain(values).chain([&mail.subject]) {
        assert!(!text.contains(char::is_control), "{text:?}");
    }
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\u{80}'..='\u{9f}');
    assert!(!mail.text.contains(is_odd), "{:?}", mail.text);
}

/// The new text says nothing that the text does not say, in its order. White space may differ: a line that holds two things is made two.
fn invents_nothing(text: &str, new_text: &str) {
    let mut said = text.chars().filter(|c| !c.is_whitespace());
    for c in new_text.chars().filter(|c| !c.is_whitespace()) {
        assert!(
            said.any(|of| of == c),
            "{c:?} of {new_text:?} is not in its place in {text:?}"
        );
    }
    assert!(new_text.len() <= text.len() + text.lines().count());
}

fn is_consistent(mail: &Mail) {
    assert_eq!(mail.written.is_some(), mail.message_id.is_some());
    assert!(!mail.kind_reason.is_empty(), "a kind has its reason");
    if let Some(bounce) = &mail.bounce {
        assert!(
            matches!(
                mail.kind,
                Kind::Bounce | Kind::Delayed | Kind::Delivered | Kind::AutoReply
            ),
            "{:?} reports {bounce:?}",
            mail.kind
        );
        assert!(bounce.recipients.len() <= 100);
        assert!(
            !bounce.permanent || !bounce.status.starts_with('4'),
            "{bounce:?}"
        );
        let is_status = bounce.status.split('.').all(|n| n.parse::<u16>().is_ok());
        assert!(bounce.status.is_empty() || is_status, "{bounce:?}");
    }
    if let Some(author) = sender::author(mail) {
        assert_eq!(address::strict(&author).as_deref(), Some(author.as_str()));
        assert_eq!(mail.from_fields, 1);
        assert_eq!(mail.from[0].address, author);
    }
    let trust = sender::trust(mail, None);
    assert!(matches!(
        trust,
        sender::Trust::Unknown | sender::Trust::Ambiguous(_)
    ));
}

/// A value in each field that is parsed: it stays in its field.
pub fn header(bytes: &[u8]) {
    let value = on_one_field(bytes);
    for name in [
        "Subject",
        "From",
        "To",
        "Date",
        "Message-ID",
        "References",
        "Content-Type",
        "Content-Disposition",
        "Content-Transfer-Encoding",
        "Thread-Index",
        "Auto-Submitted",
        "List-Id",
        "X-Failed-Recipients",
    ] {
        let raw = [name.as_bytes(), b": ", &value, b"\nX-After: yes\n\nbody\n"].concat();
        let read = mail::read(&raw);
        is_bounded(&read);
        is_printable(&read);
        is_consistent(&read);
        let is_long = value.len() > 60_000;
        assert!(
            is_long || read.header("X-After") == Some("yes"),
            "{name} swallows what follows: {:?}",
            read.headers
        );
        assert!(is_long || read.headers.len() == 2, "{:?}", read.headers);
    }
}

/// Any text: its new text is part of it, and has a language.
pub fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let new_text = quote::new_text(&text, None);
    invents_nothing(&text, &new_text);
    assert_eq!(new_text, quote::new_text(&text, None));
    assert!(
        new_text.is_empty() == text.trim().is_empty(),
        "never nothing of something"
    );
    let own = quote::own_text(&text, None, '|').unwrap_or_default();
    // A line that answers a third person's words gets one character more.
    assert!(own.len() <= text.len() + 2 * text.lines().count());
    let detected = language::detect("", &new_text);
    assert_eq!(detected, language::detect("", &new_text));
    if !text.contains(char::is_alphabetic) {
        assert_eq!(detected, Language::Other, "{text:?}");
    }
}

/// Any HTML: its text is bounded, and whatever it marks as quoted, the new text is part of the text.
pub fn html(bytes: &[u8]) {
    let html = String::from_utf8_lossy(bytes);
    let text = html::text(&html, TEXT_BYTES_MAX);
    assert_eq!(text, html::text(&html, TEXT_BYTES_MAX));
    // The last token may go over the bound by its own length.
    assert!(html::text(&html, 100).len() <= 100 + 20 * html.len() + 1_000);
    invents_nothing(&text, &quote::new_text(&text, Some(&html)));
}

/// Any bytes as the package that Outlook makes: what is opened is no larger than what it may be.
pub fn tnef(bytes: &[u8]) {
    let encoded = data_encoding::BASE64.encode(bytes);
    let raw = format!(
        "From: a@b.example\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n{encoded}\n"
    );
    let read = mail::read(raw.as_bytes());
    is_bounded(&read);
    is_printable(&read);
    let opened: u64 = read.attachments.iter().map(|a| a.bytes).sum();
    assert!(
        opened <= 2 * bytes.len() as u64,
        "{opened} of {}",
        bytes.len()
    );
    for attachment in read.attachments.iter().take(20) {
        let content = parse::part_content(raw.as_bytes(), attachment.part);
        assert_eq!(
            content.len() as u64,
            attachment.bytes,
            "{}",
            attachment.name
        );
    }
}

/// Any bytes as a delivery status, and as a notice in words: a report is told, bounded and whole.
pub fn bounce(bytes: &[u8]) {
    let head = b"From: MAILER-DAEMON@mx.example\nReturn-Path: <>\nSubject: Undelivered Mail Returned to Sender\n";
    let report = [
        head.as_slice(),
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nsorry\n--b\nContent-Type: message/delivery-status\n\n",
        bytes,
        b"\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <1@desk.example>\n\n--b--\n",
    ]
    .concat();
    let notice = [head.as_slice(), b"\n", bytes].concat();
    for raw in [report, notice] {
        let read = mail::read(&raw);
        is_bounded(&read);
        is_printable(&read);
        is_consistent(&read);
        assert!(
            !read.kind.is_human(),
            "an empty Return-Path is no person's: {}",
            read.kind_reason
        );
    }
}
