//! Notices in words: what qmail, Exim, Exchange 5.5, GroupWise, Domino, Yahoo and all the others write instead of, or beside, a delivery status.
//!
//! A notice is read in lines up to the returned mail. Addresses are taken by the place they stand in: alone on a line, after a label, in an SMTP
//! dialog. Whose mailer it is matters nowhere, so that one never met before is read as well.

use super::address::addresses;
use super::sentences::*;
use super::{Bounce, Fate, RECIPIENTS_MAX, Told, status};
use crate::mail::automaton::Automaton;
use crate::mail::{Mail, automatic};
use std::sync::LazyLock;

/// Of a notice no more than this is read; the longest known (Exchange in HTML, with advice) has 12 KB.
const NOTICE_BYTES_MAX: usize = 16 * 1024;
/// Lines read of it.
const LINES_MAX: usize = 400;

static DELAYED_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(DELAYED));
static FINAL_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(FINAL));
static DELIVERED_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(DELIVERED));
static FAILED_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(FAILED));
static SUBJECTS_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(SUBJECTS));

/// Whether a folded subject is one that mailers write.
pub(in crate::mail) fn is_subject(folded: &str) -> bool {
    let words = folded.trim_start_matches(|c: char| !c.is_alphanumeric());
    SUBJECTS_SET.is_match(words)
}

/// Whether a folded text begins as only a mailer would, stars and dashes aside.
pub(in crate::mail) fn opens(folded: &str) -> bool {
    begins(folded, OPENINGS)
}

/// Whether a folded text begins as a mailer may.
pub(in crate::mail) fn opens_likely(folded: &str) -> bool {
    opens(folded) || begins(folded, LIKELY_OPENINGS)
}

fn begins(folded: &str, openings: &[&str]) -> bool {
    let text = folded.trim_start_matches(|c: char| !c.is_alphanumeric());
    openings.iter().any(|o| text.starts_with(o))
}

/// What a notice says became of the delivery. The caller has made sure by its sender, header or opening that it is a notice; `None` if no
/// sentence in it speaks of a delivery.
pub(in crate::mail) fn told(mail: &Mail) -> Option<Told> {
    let subject = automatic::untagged(&automatic::fold(&mail.subject, 300)).to_string();
    let notice = automatic::fold(before_returned(&mail.text), NOTICE_BYTES_MAX);
    let says = |set: &Automaton, names: &[&'static str], text: &str| {
        let found = set.matches(text).into_iter().next();
        found.and_then(|i| names.get(i).copied())
    };
    let final_words = says(&FINAL_SET, FINAL, &notice);
    let head = automatic::head(&notice, 2 * 1024);
    let delay = says(&DELAYED_SET, DELAYED, &subject).or_else(|| {
        says(&DELAYED_SET, DELAYED, head).filter(|_| final_words.is_none() || is_warning(&subject))
    });
    if delay.is_some() || is_warning(&subject) && final_words.is_none() {
        return Some(of_fate(mail, Fate::Delayed, "a notice of delay"));
    }
    let delivered = says(&DELIVERED_SET, DELIVERED, &subject)
        .or_else(|| says(&DELIVERED_SET, DELIVERED, head))
        .filter(|_| final_words.is_none() && !subject.contains("fail"));
    if delivered.is_some() {
        return Some(of_fate(mail, Fate::Delivered, "a notice of delivery"));
    }
    if says(&FAILED_SET, FAILED, &subject).is_some() || is_subject(&subject) {
        return Some(of_fate(
            mail,
            Fate::Failed,
            "a notice of failure: the subject",
        ));
    }
    says(&FAILED_SET, FAILED, &notice)
        .map(|_| of_fate(mail, Fate::Failed, "a notice of failure: the text"))
}

fn is_warning(subject: &str) -> bool {
    [
        "warning",
        "delay",
        "(delay)",
        "verzog",
        "still being retried",
        "advisory",
    ]
    .iter()
    .any(|w| subject.contains(w))
        && !subject.contains("fail")
}

/// The fate with the recipients and status that the notice names.
pub(in crate::mail) fn of_fate(mail: &Mail, fate: Fate, because: &str) -> Told {
    let notice = automatic::head(before_returned(&mail.text), NOTICE_BYTES_MAX);
    let status = status::of(notice).or_else(|| status::of(&mail.subject));
    let status = match fate {
        Fate::Failed => status.or_else(|| Some("5.0.0".into())),
        Fate::Delayed => status.map(|s| format!("4{}", &s[1..])),
        Fate::Delivered => None,
    };
    Told {
        fate,
        because: because.to_string(),
        bounce: Bounce::new(fate, recipients(mail), status, mail),
    }
}

/// The notice itself: the text before the returned mail.
fn before_returned(text: &str) -> &str {
    text.get(..split(text)).unwrap_or(text)
}

/// The returned mail as far as it stands in the text.
pub(super) fn returned(text: &str) -> &str {
    automatic::head(text.get(split(text)..).unwrap_or_default(), 64 * 1024)
}

/// Where the returned mail begins: at a line that announces it, or at a header field that only a mail has. Some notices say "original message"
/// in their first sentence; the returned mail is never the whole notice.
fn split(text: &str) -> usize {
    let mut at = 0;
    let mut seen_words = false;
    for line in text.split_inclusive('\n').take(LINES_MAX * 2) {
        let trimmed = line.trim_start_matches(['>', ' ', '\t', '-', '=', '|', '*', '_']);
        let is_field = [
            "Received: ",
            "Return-Path: ",
            "Return-path: ",
            "DKIM-Signature: ",
            "X-Received: ",
        ]
        .iter()
        .any(|f| trimmed.starts_with(f));
        if is_field && seen_words {
            return at;
        }
        if seen_words && line.len() < 200 && announces_returned(trimmed, line) {
            return at;
        }
        seen_words |= line.bytes().any(|b| b.is_ascii_alphanumeric() || b >= 0x80);
        at += line.len();
    }
    text.len()
}

fn announces_returned(trimmed: &str, line: &str) -> bool {
    let folded = automatic::fold(trimmed, 200);
    let named = RETURNED_MAIL_BEGINS.iter().any(|m| folded.contains(m));
    // A sentence about the original message is not its beginning; a heading or "… follows:" is.
    let heading = line.trim_start().starts_with(['-', '=', '|', '*'])
        || folded.ends_with(':')
        || folded.ends_with('.') && folded.contains("follow")
        || folded.contains("follow")
        || folded.starts_with("---");
    // "… did NOT receive a copy of your message:" announces addresses.
    named && heading && !folded.contains(" not ")
}

/// The failed addresses: those of `X-Failed-Recipients`, else those in the best place of the text.
pub(in crate::mail) fn recipients(mail: &Mail) -> Vec<String> {
    let mut found = Addresses::default();
    for value in mail.headers("X-Failed-Recipients") {
        addresses(value).for_each(|a| found.add(Place::Header, a));
    }
    let notice = automatic::head(before_returned(&mail.text), NOTICE_BYTES_MAX);
    for line in notice.lines().take(LINES_MAX) {
        read_line(line, &mut found);
    }
    addresses(&mail.subject).for_each(|a| found.add(Place::Somewhere, a));
    let ours = |a: &str| {
        mail.from
            .iter()
            .chain(&mail.to)
            .any(|m| m.address.eq_ignore_ascii_case(a))
    };
    found.best(ours)
}

/// Where an address stands, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// In `X-Failed-Recipients`.
    Header,
    /// In a field of a delivery status that stands in the text.
    Field,
    /// As the origin of another: `(expanded from: <…>)`, `(generated from …)`.
    Origin,
    /// Alone on its line, or at its head before a colon: `<…>:`.
    Alone,
    /// At the head of its line, with the reason after it.
    First,
    /// After words such as `recipient` or `could not be delivered to`.
    Labelled,
    /// In an SMTP dialog.
    Dialog,
    /// In the notice, and not a hint whom to ask.
    Somewhere,
}

#[derive(Default)]
struct Addresses(Vec<(Place, String)>);

impl Addresses {
    fn add(&mut self, place: Place, address: &str) {
        if self.0.len() < RECIPIENTS_MAX * 4 {
            self.0.push((place, address.to_lowercase()));
        }
    }

    /// Those of the best place that is taken, with origins beside them; our own addresses only if they stand in a place made for recipients, and
    /// whom one asks for help only if nobody else is named.
    fn best(&self, ours: impl Fn(&str) -> bool) -> Vec<String> {
        let found = self.best_of(|place, a| place <= Place::First || !ours(a) && !is_contact(a));
        if !found.is_empty() {
            return found;
        }
        self.best_of(|place, a| place <= Place::Labelled && !ours(a))
    }

    fn best_of(&self, is_usable: impl Fn(Place, &str) -> bool) -> Vec<String> {
        let usable = |(place, address): &&(Place, String)| is_usable(*place, address);
        let Some(best) = self
            .0
            .iter()
            .filter(usable)
            .map(|(place, _)| *place)
            .filter(|p| *p != Place::Origin)
            .min()
            .or_else(|| self.0.first().map(|_| Place::Origin))
        else {
            return vec![];
        };
        let mut all: Vec<String> = Vec::new();
        for (_, address) in self
            .0
            .iter()
            .filter(usable)
            .filter(|(p, _)| *p == best || *p == Place::Origin)
        {
            if !all.contains(address) && all.len() < RECIPIENTS_MAX {
                all.push(address.clone());
            }
        }
        all
    }
}

/// Whom a notice names for questions.
fn is_contact(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default();
    [
        "postmaster",
        "mailer-daemon",
        "abuse",
        "support",
        "helpdesk",
        "hostmaster",
        "webmaster",
    ]
    .contains(&local)
}

fn read_line(line: &str, found: &mut Addresses) {
    if line.len() > 2_000 || !line.contains('@') {
        return;
    }
    let folded = line.trim().to_ascii_lowercase();
    if ["expanded from", "generated from", "originally addressed to"]
        .iter()
        .any(|w| folded.contains(w))
    {
        addresses(line).for_each(|a| found.add(Place::Origin, a));
        return;
    }
    if folded.starts_with("final-recipient") || folded.starts_with("original-recipient") {
        addresses(line).for_each(|a| found.add(Place::Field, a));
        return;
    }
    let Some((start, first)) = first_address(line) else {
        return;
    };
    let before = line.get(..start).unwrap_or_default();
    let after = line.get(start + first.len()..).unwrap_or_default();
    if is_contact_line(&folded) {
        return;
    }
    if is_decoration(before) {
        let alone =
            is_decoration(after) || after.trim_start_matches(['>', '"', '\'']).starts_with(':');
        found.add(if alone { Place::Alone } else { Place::First }, first);
        return;
    }
    addresses(line).for_each(|a| found.add(place_by_words(&folded, before), a));
}

fn place_by_words(folded: &str, before: &str) -> Place {
    let before = before.to_ascii_lowercase();
    let label = before.trim_end_matches(|c: char| !c.is_alphanumeric());
    let labelled = [
        "recipient",
        "recipients",
        "address",
        "to",
        "user",
        "userid",
        "mailbox",
        "account",
        "delivering your mail to",
        "unknown user",
        "failed recipient",
        "empfanger",
        "destinataire",
        "destinatario",
        "rejected recipient",
        "local user",
        "for",
    ]
    .iter()
    .any(|l| label.ends_with(l));
    // The name of the original's own field: it says whom the mail was addressed to, which is the recipient when nothing better is there.
    if label.ends_with("rcpt to")
        || folded.contains("rcpt to:")
        || folded.starts_with(">>>")
        || folded.starts_with("<<<")
    {
        Place::Dialog
    } else if label.ends_with("from")
        || label.ends_with("sender")
        || label.ends_with("by")
        || label.ends_with("mail from")
    {
        Place::Somewhere
    } else if labelled {
        Place::Labelled
    } else if folded.starts_with(['5', '4']) {
        Place::Dialog
    } else {
        Place::Somewhere
    }
}

fn is_contact_line(folded: &str) -> bool {
    [
        "contact",
        "please send mail to",
        "send mail to <postmaster",
        "e-mail to postmaster",
        "wenden sie sich",
        "for assistance",
        "for help",
        "message-id",
        "mail from:",
        "envelope-from",
        "reply-to:",
    ]
    .iter()
    .any(|w| folded.contains(w))
        || folded.starts_with("from:")
        || folded.starts_with("from ")
        || folded.starts_with("cc:")
}

/// Bullets, quotes and brackets around an address.
fn is_decoration(s: &str) -> bool {
    s.chars()
        .all(|c| c.is_whitespace() || "<>\"'*-+•·:;,.|()[]=".contains(c))
}

fn first_address(line: &str) -> Option<(usize, &str)> {
    let first = addresses(line).next()?;
    // Both are slices of the same line.
    let start = first.as_ptr() as usize - line.as_ptr() as usize;
    Some((start, first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_returned_mail_is_not_read_for_recipients() {
        let text = "Sorry.\n<a@b.example>:\ngone\n--- Below this line is a copy of the message.\nTo: c@d.example\n";
        assert!(before_returned(text).ends_with("gone\n"));
        assert!(returned(text).contains("c@d.example"));
    }
}
