//! Mailers, robots and people by their address and display name, and by the envelope.

use super::fold;
use crate::mail::Mail;

/// Who it says it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// A mail system, by an address or name that no person has.
    Mailer,
    /// An address that machines and people share: `postmaster@`, `System Administrator`.
    Postmaster,
    /// `noreply@` and the like.
    NoReply,
    /// Anybody.
    Other,
}

/// `Reply-To` names a person: a form on a web site sends it for them.
pub(super) fn is_web_form(mail: &Mail) -> bool {
    let to_somebody = mail.reply_to.first().is_some_and(|m| {
        !m.address.is_empty()
            && !is_no_reply(&m.address)
            && mail.from.first().is_none_or(|f| f.address != m.address)
    });
    to_somebody && mail.header("Feedback-ID").is_none()
}

pub(super) fn has_null_path(mail: &Mail) -> bool {
    ["Return-Path", "Envelope-From", "X-Envelope-From"]
        .into_iter()
        .any(|name| {
            mail.headers(name).next().is_some_and(|value| {
                let value = value.trim().to_ascii_lowercase();
                let path = value.trim_matches(['<', '>', ' ', '"']);
                path.is_empty() && value.contains('<') || is_mailer_local(path)
            })
        })
}

pub(super) fn sender(mail: &Mail) -> Sender {
    let written = mail
        .header("From")
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let address = mail
        .from
        .first()
        .map(|m| m.address.to_ascii_lowercase())
        .unwrap_or_default();
    let name = mail
        .from
        .first()
        .map(|m| fold(&m.name, 100))
        .unwrap_or_default();
    if is_mailer_local(&address)
        || is_mailer_name(&name)
        || address.is_empty()
            && (is_mailer_local(&written) || is_mailer_name(&written) || written.ends_with("<>"))
    {
        return Sender::Mailer;
    }
    let local = address
        .split('@')
        .next()
        .unwrap_or_default()
        .trim_matches(['"', '\\']);
    if [
        "postmaster",
        "post_master",
        "post-master",
        "system administrator",
        "sysadmin",
        "mailadmin",
        "imss",
        "mailscanner",
        "interscan",
    ]
    .contains(&local)
        || local.starts_with("postmaster")
        || name.contains("postmaster")
        || name.contains("system administrator")
        || name.contains("mail administrator")
        || name.contains("interscan")
        || written.contains("postmaster")
        || written.contains("ndr administrator")
    {
        return Sender::Postmaster;
    }
    if is_no_reply(&address) {
        Sender::NoReply
    } else {
        Sender::Other
    }
}

/// Local parts that only mail systems have, alone or with a host.
fn is_mailer_local(address: &str) -> bool {
    let local = address
        .split('@')
        .next()
        .unwrap_or_default()
        .trim_matches(['<', '"', ' ', '\'']);
    [
        "mailer-daemon",
        "mailer_daemon",
        "mailerdaemon",
        "mdaemon",
        "mail-daemon",
        "maildaemon",
        "mail.delivery.system",
        "mail-delivery",
        "maildelivery",
        "mail_delivery",
        "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e",
        "mail-delivery-system",
        "mmdf",
        "undeliverable",
        "nondeliverable",
        "mailsystem",
    ]
    .iter()
    // `mailsystems@` is a company's.
    .any(|m| {
        let rest = local.strip_prefix(m);
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphabetic()))
    })
}

/// Display names that only mail systems have, folded. From the beginning: "Snail Mail Delivery Ltd" and "Email Systems" are companies.
fn is_mailer_name(name: &str) -> bool {
    [
        "mail delivery",
        "mail deliver system",
        "mailer-daemon",
        "mailer daemon",
        "delivery subsystem",
        "mail transfer agent",
        "internet mail delivery",
        "mail system",
        "mail router",
    ]
    .iter()
    .any(|m| name.starts_with(m))
}

fn is_no_reply(address: &str) -> bool {
    let local: String = address
        .split('@')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .collect::<String>()
        .to_ascii_lowercase();
    [
        "noreply",
        "donotreply",
        "nepasrepondre",
        "norespond",
        "noresponder",
        "nichtantworten",
        "keineantwort",
        "nonrispondere",
        "naoresponda",
        "naoresponder",
        "noresponda",
        "norespuesta",
        "nietbeantwoorden",
        "nietreageren",
        "nichtbeantworten",
        "svaraej",
        "svarainte",
        "svarikke",
        "ikkesvar",
        "alavastaa",
        "neodpovid",
        "nieodpowiadac",
        "neodpovedajte",
        "nevalaszol",
        "yanitlama",
        "pasdereponse",
        "autoreply",
        "autoresponder",
        "autoresponse",
        "autoanswer",
    ]
    .iter()
    .any(|m| local.contains(m))
}
