//! Mails as a person's mail client shows and writes them.

#![allow(dead_code)]

use mail_parser::{HeaderValue, Message, MessageParser};
use std::sync::atomic::{AtomicU64, Ordering};

/// A mail in somebody's mailbox.
#[derive(Clone, Debug)]
pub struct Seen {
    pub id: String,
    pub in_reply_to: String,
    pub references: Vec<String>,
    pub from: String,
    pub reply_to: String,
    pub subject: String,
    pub auto_submitted: Option<String>,
    pub text: String,
    pub raw: String,
}

impl Seen {
    /// Whether these words stand in it, however its lines are wrapped.
    pub fn says(&self, words: &str) -> bool {
        let flat: Vec<&str> = self.text.split_whitespace().collect();
        flat.join(" ").contains(words)
    }
}

/// What a mailbox holds, oldest first.
pub fn seen(mails: &[Vec<u8>]) -> Vec<Seen> {
    mails.iter().map(|raw| one(raw)).collect()
}

fn one(raw: &[u8]) -> Seen {
    let mail = MessageParser::default().parse(raw).expect("a mail");
    let address = |list: Option<&mail_parser::Address>| {
        list.and_then(|l| l.first())
            .and_then(|a| a.address())
            .unwrap_or_default()
            .to_string()
    };
    Seen {
        id: mail.message_id().unwrap_or_default().into(),
        in_reply_to: ids(mail.in_reply_to()).concat(),
        references: ids(mail.references()),
        from: address(mail.from()),
        reply_to: address(mail.reply_to()),
        subject: mail.subject().unwrap_or_default().into(),
        auto_submitted: auto_submitted(&mail),
        text: mail
            .body_text(0)
            .unwrap_or_default()
            .replace("\r\n", "\n")
            .to_string(),
        raw: String::from_utf8_lossy(raw).into_owned(),
    }
}

fn auto_submitted(mail: &Message) -> Option<String> {
    match mail.header("Auto-Submitted")? {
        HeaderValue::Text(text) => Some(text.to_string()),
        other => Some(format!("{other:?}")),
    }
}

fn ids(value: &HeaderValue) -> Vec<String> {
    match value {
        HeaderValue::Text(id) => vec![id.to_string()],
        HeaderValue::TextList(ids) => ids.iter().map(|id| id.to_string()).collect(),
        _ => vec![],
    }
}

/// A mail as somebody writes it: From, To, Subject, text, and its Message-ID.
pub struct Written {
    pub id: String,
    pub raw: String,
}

/// A new mail.
pub fn write(from: &str, to: &str, subject: &str, text: &str) -> Written {
    let id = fresh_id(from);
    let raw = format!(
        "From: {from}\nTo: {to}\nSubject: {subject}\nDate: {}\nMessage-ID: <{id}>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{text}\n",
        chrono::Utc::now().to_rfc2822()
    );
    Written { id, raw }
}

/// An answer as a mail client writes it: to Reply-To or From, with the thread's headers, above the quotation.
pub fn answer(from: &str, to: &Seen, text: &str) -> Written {
    let address = if to.reply_to.is_empty() {
        &to.from
    } else {
        &to.reply_to
    };
    let references: Vec<String> = to
        .references
        .iter()
        .chain([&to.id])
        .map(|id| format!("<{id}>"))
        .collect();
    let subject = format!("Re: {}", to.subject.trim_start_matches("Re: "));
    let quoted: Vec<String> = to.text.lines().map(|line| format!("> {line}")).collect();
    let text = format!(
        "{text}\n\nOn Mon, 23 Nov 2026 at 09:00, {} wrote:\n{}",
        to.from,
        quoted.join("\n")
    );
    let written = write(from, address, &subject, &text);
    let thread = format!(
        "In-Reply-To: <{}>\nReferences: {}\n",
        to.id,
        references.join("\n ")
    );
    Written {
        id: written.id,
        raw: format!("{thread}{}", written.raw),
    }
}

fn fresh_id(from: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let (local, domain) = from.rsplit_once('@').unwrap();
    format!(
        "{local}.{}.{}@{domain}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}
