//! Headers, addresses, bodies, attachments: the only user of mail-parser.

use super::*;
use mail_parser::{Address, HeaderValue, Message, MessageParser, MimeHeaders};

/// The stack a thread needs that reads mail; caps on nesting keep the need far below it.
pub const STACK_BYTES: usize = 16 << 20;

/// Headers, bodies and attachments of a mail; `kind`, `new_text` and `language` are filled in by [`super::read`].
pub fn parsed(raw: &[u8]) -> Mail {
    let mut mail = blank(raw);
    let Some(message) = MessageParser::default().parse(raw) else {
        mail.text = String::from_utf8_lossy(raw).into_owned();
        return mail;
    };
    mail.subject = text::cleaned(message.subject().unwrap_or_default(), 998);
    mail.from = mailboxes(message.from());
    mail.from_fields = message.header_values("From").count();
    mail.reply_to = mailboxes(message.reply_to());
    mail.to = message.all_to().flat_map(|a| mailboxes(Some(a))).collect();
    mail.cc = message.all_cc().flat_map(|a| mailboxes(Some(a))).collect();
    mail.message_id = message.message_id().map(str::to_string);
    mail.in_reply_to = ids(message.in_reply_to());
    mail.references = ids(message.references());
    mail.date = message
        .date()
        .and_then(|d| DateTime::from_timestamp(d.to_timestamp(), 0));
    mail.headers = message
        .headers_raw()
        .map(|(name, value)| Header {
            name: name.to_string(),
            value: text::cleaned(value.trim(), 65_536),
        })
        .collect();
    for n in 0..message.text_body_count() {
        if let Some(body) = message.body_text(n) {
            mail.text.push_str(&body);
            mail.text.push('\n');
        }
    }
    mail.html = message.body_html(0).map(|h| h.into_owned());
    mail.attachments = attachments(&message);
    mail
}

fn attachments(message: &Message) -> Vec<Attachment> {
    message
        .attachments
        .iter()
        .filter_map(|&n| message.part(n).map(|p| (n, p)))
        .map(|(n, part)| Attachment {
            name: part.attachment_name().unwrap_or_default().to_string(),
            media_type: part
                .content_type()
                .map(|t| format!("{}/{}", t.ctype(), t.subtype().unwrap_or("")))
                .unwrap_or_default(),
            bytes: part.len() as u64,
            part: n as usize,
        })
        .collect()
}

fn mailboxes(address: Option<&Address>) -> Vec<Mailbox> {
    let Some(address) = address else {
        return vec![];
    };
    address
        .iter()
        .map(|a| Mailbox {
            name: a.name().unwrap_or_default().to_string(),
            address: a.address().unwrap_or_default().to_ascii_lowercase(),
        })
        .collect()
}

fn ids(value: &HeaderValue) -> Vec<String> {
    value
        .as_text_list()
        .map(|l| l.iter().map(|s| s.to_string()).collect())
        .unwrap_or_default()
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
        html: None,
        attachments: vec![],
        reports: vec![],
        oddities: vec![],
        headers: vec![],
    }
}

/// The decoded bytes of one part, by [`Attachment::part`]; empty if there is no such part.
pub fn part_content(raw: &[u8], part: usize) -> Vec<u8> {
    MessageParser::default()
        .parse(raw)
        .and_then(|m| m.part(part as u32).map(|p| p.contents().to_vec()))
        .unwrap_or_default()
}
