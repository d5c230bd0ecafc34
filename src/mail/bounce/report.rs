//! Delivery status reports by the book (RFC 3464), and rejections that are written as disposition notifications (RFC 5429, Sieve `reject`).

use super::address::addresses;
use super::{Bounce, Fate, RECIPIENTS_MAX, Told, notice, status};
use crate::mail::{Mail, automatic};

/// Groups read of one report; a mailing of ours never has so many recipients.
const GROUPS_MAX: usize = 500;

/// One recipient's fields.
#[derive(Default)]
struct Group {
    recipients: Vec<String>,
    action: String,
    status: String,
    diagnostic: String,
}

/// What the mail's delivery status part says; `None` without one, or when it names neither action nor status.
pub(in crate::mail) fn told(mail: &Mail) -> Option<Told> {
    let parts = super::reports(mail, |t| {
        matches!(
            t,
            "message/delivery-status"
                | "message/global-delivery-status"
                | "message/xdelivery-status"
        )
    });
    let groups: Vec<Group> = parts.flat_map(groups).take(GROUPS_MAX).collect();
    from_groups(groups, mail)
}

/// The same in a mail inside the mail, which the caller takes for a notice of its own.
pub(in crate::mail) fn told_enclosed(mail: &Mail) -> Option<Told> {
    let groups = groups(mail.enclosed_status.as_deref()?);
    from_groups(groups.take(GROUPS_MAX).collect(), mail)
}

/// The same fields where they stand in the text: the mail's MIME structure is broken, or its mailer writes them so (Amazon WorkMail, Google Groups).
pub(in crate::mail) fn told_in_text(mail: &Mail) -> Option<Told> {
    let text = automatic::head(&mail.text, 64 * 1024);
    let lower = text.to_ascii_lowercase();
    if !lower.contains("final-recipient:") && !lower.contains("original-recipient:") {
        return None;
    }
    from_groups(groups(text).take(GROUPS_MAX).collect(), mail)
}

/// An automatic disposition notification that deletes the mail unread because it is refused (Dovecot's `reject`, `Quota exceeded`).
pub(in crate::mail) fn refused(mail: &Mail) -> Option<Told> {
    let text = super::reports(mail, |t| t == "message/disposition-notification").next()?;
    let fields = unfolded(text);
    let disposition = value(&fields, "disposition")?.to_ascii_lowercase();
    let words = automatic::fold(&mail.text, 1024);
    let refuses = words.contains("rejected")
        || words.contains("refused")
        || automatic::fold(&mail.subject, 200).contains("rejected");
    let automatic = disposition.contains("automatic");
    if !(automatic && disposition.contains("deleted") && refuses
        || disposition.contains("denied")
        || disposition.contains("failed"))
    {
        return None;
    }
    let recipients = value(&fields, "final-recipient")
        .and_then(recipient)
        .into_iter()
        .collect();
    Some(Told {
        fate: Fate::Failed,
        because: format!("Disposition: {disposition}"),
        bounce: Bounce::new(
            Fate::Failed,
            recipients,
            status::of(&mail.text).or_else(|| Some("5.7.1".into())),
            mail,
        ),
    })
}

fn from_groups(groups: Vec<Group>, mail: &Mail) -> Option<Told> {
    let fates: Vec<(Fate, Group)> = groups
        .into_iter()
        .filter_map(|g| Some((g.fate()?, g)))
        .collect();
    // A report about several recipients is as bad as its worst line.
    let fate = [Fate::Failed, Fate::Delayed, Fate::Delivered]
        .into_iter()
        .find(|f| fates.iter().any(|(g, _)| g == f))?;
    let concerned: Vec<&Group> = fates
        .iter()
        .filter(|(f, _)| *f == fate)
        .map(|(_, g)| g)
        .collect();
    let mut recipients = Vec::new();
    for address in concerned.iter().flat_map(|g| &g.recipients) {
        if !recipients.contains(address) && recipients.len() < RECIPIENTS_MAX {
            recipients.push(address.clone());
        }
    }
    if recipients.is_empty() {
        recipients = notice::recipients(mail);
    }
    let statuses: Vec<String> = concerned.iter().filter_map(|g| g.status()).collect();
    let status = statuses
        .iter()
        .find(|s| s.starts_with('5'))
        .or(statuses.first())
        .cloned()
        .or_else(|| (fate == Fate::Failed).then(|| "5.0.0".to_string()));
    Some(Told {
        fate,
        because: because(&concerned),
        bounce: Bounce::new(fate, recipients, status, mail),
    })
}

fn because(concerned: &[&Group]) -> String {
    let first = concerned.first();
    match first.map(|g| (g.action.as_str(), g.status.as_str())) {
        Some((action, status)) if !action.is_empty() => {
            format!("delivery status: Action: {action}, Status: {status}")
        }
        Some((_, status)) => format!("delivery status: Status: {status}"),
        None => "delivery status".into(),
    }
}

impl Group {
    /// By its action; a group without one (Netscape, some gateways) by the class of its status.
    fn fate(&self) -> Option<Fate> {
        let action = self.action.to_ascii_lowercase();
        let starts = |words: &[&str]| words.iter().any(|w| action.starts_with(w));
        if starts(&["fail", "expire", "undeliver", "rejected"]) {
            return Some(Fate::Failed);
        }
        if starts(&["delay", "deferred"]) {
            return Some(Fate::Delayed);
        }
        if starts(&["deliver", "relay", "expand"]) {
            return Some(Fate::Delivered);
        }
        match self.status.bytes().next() {
            Some(b'2') => Some(Fate::Delivered),
            Some(b'4' | b'5') => Some(Fate::Failed),
            _ if !self.recipients.is_empty() && !self.diagnostic.is_empty() => Some(Fate::Failed),
            _ => None,
        }
    }

    /// The written status; where that is only a class, or missing, what the diagnostic adds to it.
    fn status(&self) -> Option<String> {
        let written = status::enhanced(&self.status);
        if written.as_deref().is_some_and(status::is_specific) || self.diagnostic.is_empty() {
            return written;
        }
        let detail = status::of(&self.diagnostic);
        match (written, detail) {
            // The report's own class stands: a server that says 550 may be tried again when the mailer says 4.
            (Some(w), Some(d)) if w.get(..1) == d.get(..1) && status::is_specific(&d) => Some(d),
            (Some(w), _) => Some(w),
            (None, detail) => detail,
        }
    }
}

/// The groups of fields, divided by blank lines; fields of the message as a whole make groups without a recipient, which say nothing.
fn groups(text: &str) -> impl Iterator<Item = Group> {
    let mut all = Vec::new();
    let mut current = Group::default();
    for (name, value) in unfolded(text) {
        let begins = matches!(name.as_str(), "final-recipient" | "original-recipient");
        let blank = name.is_empty();
        // Some mailers forget the blank line between two recipients.
        let next = begins && (current.has("final-recipient", &name) && !current.action.is_empty());
        if (blank || next) && !current.is_empty() {
            all.push(std::mem::take(&mut current));
        }
        current.take(&name, &value);
        if all.len() >= GROUPS_MAX {
            break;
        }
    }
    if !current.is_empty() {
        all.push(current);
    }
    merged(all).into_iter()
}

/// A stray blank line inside a group leaves one half with the recipient and the other with the action: put together again.
fn merged(groups: Vec<Group>) -> Vec<Group> {
    let mut all: Vec<Group> = Vec::with_capacity(groups.len());
    for group in groups {
        match all.last_mut() {
            Some(last)
                if last.action.is_empty()
                    && !last.recipients.is_empty()
                    && group.recipients.is_empty() =>
            {
                last.action = group.action;
                if last.status.is_empty() {
                    last.status = group.status;
                }
                if last.diagnostic.is_empty() {
                    last.diagnostic = group.diagnostic;
                }
            }
            _ => all.push(group),
        }
    }
    all.retain(|g| !g.recipients.is_empty() || !g.action.is_empty());
    all
}

impl Group {
    fn is_empty(&self) -> bool {
        self.recipients.is_empty() && self.action.is_empty() && self.status.is_empty()
    }

    fn has(&self, field: &str, name: &str) -> bool {
        name == field && !self.recipients.is_empty()
    }

    fn take(&mut self, name: &str, value: &str) {
        match name {
            "original-recipient" => {
                // What we wrote to comes first: it is what our record knows.
                if let Some(address) = recipient(value) {
                    self.recipients.retain(|r| *r != address);
                    self.recipients.insert(0, address);
                }
            }
            "final-recipient" | "x-actual-recipient" => {
                if let Some(address) = recipient(value).filter(|a| !self.recipients.contains(a)) {
                    self.recipients.push(address);
                }
            }
            "action" => self.action = value.to_string(),
            "status" => self.status = value.to_string(),
            "diagnostic-code" => self.diagnostic = value.to_string(),
            _ => {}
        }
    }
}

/// The address after `rfc822;`, in whatever dress.
fn recipient(value: &str) -> Option<String> {
    let value = value.split_once(';').map_or(value, |(_, v)| v);
    addresses(value).next().map(str::to_ascii_lowercase)
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, v)| v.as_str())
}

/// Fields with their folded lines joined, names in lower case; a blank line is a field without a name.
fn unfolded(text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().take(10_000) {
        let continues = line.starts_with([' ', '\t']) && !line.trim().is_empty();
        match fields.last_mut() {
            Some((name, value)) if continues && !name.is_empty() => {
                if value.len() < 8 * 1024 {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            }
            _ => match line.trim().split_once(':') {
                Some((name, value)) if !name.contains(' ') => {
                    fields.push((name.to_ascii_lowercase(), value.trim().to_string()));
                }
                _ if line.trim().is_empty() => fields.push(Default::default()),
                _ => {}
            },
        }
    }
    fields
}
