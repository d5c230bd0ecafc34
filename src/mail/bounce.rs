//! What a bounce reports: RFC 3464, and the forms of mailers that do not follow it.
//!
//! Three ways to know, best first: the machine-readable [`report`]; a [`notice`] in words, of which every mailer has its own;
//! and the notification objects of mail services ([`service`]). All of them end in an RFC 3463 [`status`].
//! Promise: linear in the mail, bounded in what is read of it, and an address that is reported can never be more than a hint:
//! anyone can write a bounce.

mod address;
pub(super) mod notice;
pub(super) mod report;
mod sentences;
pub(super) mod service;
mod status;

use super::Mail;
use serde::{Deserialize, Serialize};

/// More recipients than this are not listed; a mail of ours has a handful.
const RECIPIENTS_MAX: usize = 100;

/// A failed delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounce {
    /// The addresses that failed.
    pub recipients: Vec<String>,
    /// RFC 3463, such as `5.1.1`; empty if nothing says.
    pub status: String,
    /// Whether trying again is useless.
    pub permanent: bool,
    /// The Message-ID of the mail that failed, without angle brackets.
    pub original_message_id: Option<String>,
}

/// What became of the delivery that a report or notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The mailer has given up.
    Failed,
    /// The mailer goes on trying.
    Delayed,
    /// It arrived, or was handed on.
    Delivered,
}

/// A fate with what is known about it.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// What became of the delivery.
    pub fate: Fate,
    /// The field or sentence that says so.
    pub because: String,
    /// Whom it concerns and why.
    pub bounce: Bounce,
}

impl Bounce {
    /// What became of the mail to these recipients; a failure of unknown status is taken for permanent, because the mailer has given up.
    fn new(fate: Fate, recipients: Vec<String>, status: Option<String>, mail: &Mail) -> Self {
        let status = status.unwrap_or_default();
        Bounce {
            recipients,
            permanent: fate == Fate::Failed && !status.starts_with('4'),
            status,
            original_message_id: original_message_id(mail),
        }
    }
}

/// The Message-ID of the mail that the report is about: from the returned mail, else from what the report or its header refers to.
fn original_message_id(mail: &Mail) -> Option<String> {
    returned(mail)
        .and_then(|headers| field(headers, "message-id"))
        .or_else(|| {
            reports(mail, is_machine_readable).find_map(|t| {
                field(t, "original-message-id").or_else(|| field(t, "x-original-message-id"))
            })
        })
        .or_else(|| field(notice::returned(&mail.text), "message-id"))
        .or_else(|| mail.in_reply_to.first().cloned())
        .or_else(|| mail.references.last().cloned())
        .filter(|id| !id.is_empty() && id.len() <= 998)
}

/// The returned mail, or its headers, where the report carries them as a part.
fn returned(mail: &Mail) -> Option<&str> {
    reports(mail, is_returned_mail).next()
}

/// Whether a part of this type is a mail or its headers.
pub(super) fn is_returned_mail(media_type: &str) -> bool {
    matches!(
        media_type,
        "message/rfc822"
            | "text/rfc822-headers"
            | "text/rfc822-header"
            | "message/rfc822-headers"
            | "text/rfc822"
            | "message/global"
            | "message/global-headers"
    )
}

fn is_machine_readable(media_type: &str) -> bool {
    matches!(
        media_type,
        "message/delivery-status"
            | "message/global-delivery-status"
            | "message/xdelivery-status"
            | "message/disposition-notification"
            | "message/feedback-report"
    )
}

fn reports<'a>(mail: &'a Mail, wanted: fn(&str) -> bool) -> impl Iterator<Item = &'a str> {
    mail.reports
        .iter()
        .filter(move |r| wanted(&r.media_type))
        .map(|r| r.text.as_str())
}

/// The Message-ID in the first field of that name, without angle brackets.
fn field(headers: &str, name: &str) -> Option<String> {
    let mut lines = headers.lines().take(2_000);
    while let Some(line) = lines.next() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        if !key.trim().eq_ignore_ascii_case(name) {
            continue;
        }
        // Long identifiers are folded onto the next line.
        let value = match value.trim() {
            "" => lines.next().unwrap_or_default().trim(),
            value => value,
        };
        return Some(bare_id(value).to_string()).filter(|id| !id.is_empty());
    }
    None
}

fn bare_id(value: &str) -> &str {
    match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default().trim(),
        None => value.split_whitespace().next().unwrap_or_default(),
    }
}
