//! A forwarded mail: who wrote what somebody passes on.
//!
//! Two shapes: the mail enclosed whole, or its text below a heading of fields. What is found is the forwarder's word and no proof of anything.

use super::{Mail, Mailbox, address, quote, sender};
use regex::Regex;
use std::sync::LazyLock;

/// What was passed on, as far as the forward says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Its one author, a strict address.
    pub author: Mailbox,
    /// Its subject, or nothing.
    pub subject: String,
    /// Its text; of an enclosed mail, whose body nobody opens here, what the forwarder wrote above it.
    pub text: String,
    /// Its own Message-ID, where the forward names it, without angle brackets.
    pub message_id: Option<String>,
}

/// What this mail passes on: the one mail enclosed, else the first one under a heading. None where no single author with a plain address is named.
pub fn original(mail: &Mail) -> Option<Forwarded> {
    let mut enclosed = mail
        .reports
        .iter()
        .filter(|r| r.media_type == "message/rfc822");
    match (enclosed.next(), enclosed.next()) {
        (Some(one), None) => of_enclosed(&one.text, mail),
        (Some(_), Some(_)) => None,
        (None, _) => of_heading(mail),
    }
}

fn of_enclosed(header: &str, mail: &Mail) -> Option<Forwarded> {
    let inner = super::parse::parsed(header.as_bytes());
    let name = inner.from.first()?.name.clone();
    Some(Forwarded {
        author: Mailbox {
            name,
            address: sender::author(&inner)?,
        },
        subject: inner.subject,
        text: mail.new_text.clone(),
        message_id: inner.message_id,
    })
}

fn of_heading(mail: &Mail) -> Option<Forwarded> {
    let found = quote::forwarded(&mail.text)?;
    Some(Forwarded {
        author: named(&found.from)?,
        subject: found.subject,
        text: found.text,
        // Clients refer to the mail that they forward.
        message_id: (mail.in_reply_to.first().or(mail.references.last())).cloned(),
    })
}

/// `Anna Muster <anna@acme.example>`, `Anna Muster [mailto:anna@acme.example]`, `anna@acme.example <mailto:anna@acme.example>`: one address, however often.
fn named(from: &str) -> Option<Mailbox> {
    static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
        // A constant, compiled by a test.
        #[allow(clippy::unwrap_used)]
        Regex::new(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+").unwrap()
    });
    let mut addresses: Vec<String> = ADDRESS
        .find_iter(from)
        .filter_map(|found| address::strict(found.as_str().trim_end_matches('.')))
        .collect();
    addresses.dedup();
    let [address] = <[String; 1]>::try_from(addresses).ok()?;
    let name = from.split(['<', '[', '(']).next().unwrap_or_default();
    let name = name.trim().trim_matches(['"', '\'']);
    Some(Mailbox {
        name: if name.contains('@') { "" } else { name }.into(),
        address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(body: &str) -> Option<(String, String, String)> {
        let raw = format!("From: anna@vendor.example\nSubject: WG: Drucker\n\n{body}");
        original(&crate::mail::read(raw.as_bytes()))
            .map(|f| (f.author.address, f.author.name, f.subject))
    }

    #[test]
    fn the_author_that_a_heading_names() {
        for (body, address, name, subject) in [
            (
                "Bitte schau das an.\n\n-----Ursprüngliche Nachricht-----\nVon: Käthi Keller <kaethi@keller.example>\nGesendet: Montag, 7. September 2026 09:00\nAn: Anna Muster <anna@vendor.example>\nBetreff: Drucker\n\nEr brennt.\n",
                "kaethi@keller.example",
                "Käthi Keller",
                "Drucker",
            ),
            (
                "---------- Forwarded message ---------\nFrom: Alice Ace <alice@acme.example>\nDate: Mon, Sep 7, 2026 at 9:00 AM\nSubject: Printer\nTo: <anna@vendor.example>\n\nIt burns.\n",
                "alice@acme.example",
                "Alice Ace",
                "Printer",
            ),
            (
                "Begin forwarded message:\n\n> From: \"Alice Ace\" <alice@acme.example>\n> Subject: Printer\n> Date: 7 September 2026 at 09:00:00 CEST\n> To: anna@vendor.example\n>\n> It burns.\n",
                "alice@acme.example",
                "Alice Ace",
                "Printer",
            ),
            (
                "From: Alice Ace [mailto:alice@acme.example]\nSent: Monday\nTo: Anna\nSubject: Printer\n\nIt burns.\n",
                "alice@acme.example",
                "Alice Ace",
                "Printer",
            ),
            (
                "From: alice@acme.example<mailto:alice@acme.example> <alice@acme.example<mailto:alice@acme.example>>\nSent: Monday\nTo: Anna\nSubject: Printer\n\nIt burns.\n",
                "alice@acme.example",
                "",
                "Printer",
            ),
        ] {
            let expected = (address.to_string(), name.to_string(), subject.to_string());
            assert_eq!(found(body), Some(expected), "{body}");
        }
    }

    #[test]
    fn the_text_is_the_forwarded_mails_and_not_the_forwarders() {
        let raw = "From: anna@vendor.example\nSubject: Fwd: Printer\nIn-Reply-To: <1@acme.example>\n\nPlease look.\n\n> From: Alice <alice@acme.example>\n> Sent: Monday\n> To: Anna\n> Subject: Printer\n>\n> It burns.\n> Come soon.\n";
        let found = original(&crate::mail::read(raw.as_bytes())).unwrap();
        assert_eq!(found.text, "It burns.\nCome soon.");
        assert_eq!(found.message_id.as_deref(), Some("1@acme.example"));
    }

    #[test]
    fn an_enclosed_mail_is_read_as_one() {
        let raw = "From: anna@vendor.example\nSubject: WG: Printer\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nPlease look.\n--b\nContent-Type: message/rfc822\n\nFrom: Alice Ace <alice@acme.example>\nMessage-ID: <1@acme.example>\nSubject: Printer\n\nIt burns.\n--b--\n";
        let found = original(&crate::mail::read(raw.as_bytes())).unwrap();
        assert_eq!(found.author.address, "alice@acme.example");
        assert_eq!((&*found.subject, &*found.text), ("Printer", "Please look."));
        assert_eq!(found.message_id.as_deref(), Some("1@acme.example"));
    }

    #[test]
    fn no_single_author_is_none() {
        for body in [
            "Just a text.\n",
            "From: Alice\nSent: Monday\nTo: Anna\nSubject: x\n\nIt burns.\n",
            "From: alice@acme.example, b@acme.example\nSent: Monday\nTo: Anna\nSubject: x\n\nIt burns.\n",
        ] {
            assert_eq!(found(body), None, "{body}");
        }
    }
}
