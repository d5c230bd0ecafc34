//! Whether a new ticket is acknowledged: once, or never for a recorded reason (C4, C5; ATTACKS.md C01 to C03).

use super::arrival::Case;
use super::draft::Draft;
use super::policy::Acknowledge;
use super::record::{Allowance, EntryKind};
use super::{Known, correspondence};
use crate::mail::Fingerprint;
use crate::mail::sender::Trust;
use crate::rules::Verdict;

const HOUR_SECS: i64 = 3_600;
const DAY_SECS: i64 = 86_400;

/// ATTACKS.md, "Settled where rows meet the contract", C02.
const PER_ADDRESS_AND_HOUR: u32 = 3;
const PER_ADDRESS_AND_DAY: u32 = 5;
const PER_CUSTOMER_ADDRESS_AND_DAY: u32 = 40;
const PER_DOMAIN_AND_HOUR: u32 = 30;
/// Everybody together: a mail bomb with forged senders stops here, a busy desk does not.
const ALL_PER_HOUR: u32 = 600;

/// Local parts that nobody reads (FIELD.md, "No-ack addresses").
const NOBODY_READS: [&str; 10] = [
    "mailer-daemon",
    "postmaster",
    "abuse",
    "root",
    "noreply",
    "no-reply",
    "donotreply",
    "do-not-reply",
    "bounce",
    "bounces",
];

/// Asks for what [`decide`] will want to know, so that one loading answers it together with the rest.
pub(super) fn ask(case: &Case, known: &Known) {
    for name in allowance_names(case) {
        known.allowance(&name);
    }
}

/// Writes the acknowledgement and returns what it used up, or records why there is none.
pub(super) fn decide(
    draft: &mut Draft,
    case: &Case,
    known: &Known,
    verdict: &Verdict,
) -> Vec<Allowance> {
    if let Some(reason) = none_because(draft, case, known) {
        draft.note(EntryKind::Note, &format!("Not acknowledged: {reason}."));
        return remembered(case, known).into_iter().collect();
    }
    correspondence::acknowledge(draft, case, verdict);
    used(case, known)
}

/// Tells who wrote a reply that only its first part is here, within the same limits: somebody's machine may send the same large file again and again.
pub(super) fn of_cut_reply(draft: &mut Draft, case: &Case, known: &Known) -> Vec<Allowance> {
    let is_requester = case.author.as_ref() == Some(&draft.ticket.requester.address);
    let reason = match is_requester {
        true => none_because(draft, case, known),
        false => Some("only who opened the ticket gets automatic letters on it".into()),
    };
    if let Some(reason) = reason {
        let note = format!("The writer was not told that only the first part is here: {reason}.");
        draft.note(EntryKind::Note, &note);
        return vec![];
    }
    correspondence::cut(draft);
    used(case, known)
}

/// What one automatic letter to the author uses up.
fn used(case: &Case, known: &Known) -> Vec<Allowance> {
    let one_more = |name: String| {
        known
            .allowance(&name)
            .cloned()
            .unwrap_or_else(|| Allowance {
                name,
                ..Allowance::default()
            })
            .with_one_more(case.now)
    };
    let mut used: Vec<Allowance> = allowance_names(case).into_iter().map(one_more).collect();
    // The first is the address's.
    if let Some(address) = used.first_mut() {
        *address = std::mem::take(address).with_answered(case.now, words(case));
    }
    used
}

/// Of the staff it is remembered all the same: see [`is_repeated`].
fn remembered(case: &Case, known: &Known) -> Option<Allowance> {
    let author = case.author.as_deref()?;
    case.policy.book.staff.by_address(author)?;
    let name = address_name(author);
    let address = known.allowance(&name).cloned();
    let address = address.unwrap_or_else(|| Allowance {
        name,
        ..Allowance::default()
    });
    Some(address.with_answered(case.now, words(case)))
}

/// Whether a mail says what its author's last ones said within the day. Two of the staff whose machines answer every notice with a mail of their own would
/// else open tickets for each other for ever.
pub(super) fn is_repeated(case: &Case, known: &Known) -> bool {
    let author = case.author.as_deref().unwrap_or_default();
    let address = known.allowance(&address_name(author));
    address.is_some_and(|a| a.has_answered(case.now, words(case)))
}

/// What was written, without what a machine counts up in it: numbers, dates, signs.
fn words(case: &Case) -> u64 {
    let text = format!("{} {}", case.mail.subject, case.mail.new_text);
    let letters: String = text
        .chars()
        .filter(|c| c.is_alphabetic())
        .flat_map(char::to_lowercase)
        .collect();
    let Fingerprint(hash) = Fingerprint::of(letters.as_bytes());
    u64::from_be_bytes(hash[..8].try_into().unwrap_or_default())
}

fn allowance_names(case: &Case) -> Vec<String> {
    let Some(author) = &case.author else {
        return vec![];
    };
    let domain = author.rsplit_once('@').map_or("", |(_, d)| d);
    vec![
        address_name(author),
        format!("domain:{domain}"),
        "all".into(),
    ]
}

/// `anna+one@` and `anna+two@` are one person.
fn address_name(author: &str) -> String {
    let (local, domain) = author.rsplit_once('@').unwrap_or((author, ""));
    let base = local
        .split('+')
        .next()
        .filter(|b| !b.is_empty())
        .unwrap_or(local);
    format!("address:{base}@{domain}")
}

fn none_because(draft: &Draft, case: &Case, known: &Known) -> Option<String> {
    let Some(author) = &case.author else {
        return Some("the mail has no single, plain author address".into());
    };
    if let Trust::Ambiguous(why) = &case.trust {
        return Some(format!("the author is ambiguous ({why})"));
    }
    if case.policy.is_own_address(author) {
        return Some("it would come back to us".into());
    }
    if draft.rests(author) {
        return Some("a letter to this address came back within the day".into());
    }
    let local = author.split('@').next().unwrap_or_default();
    if NOBODY_READS.iter().any(|n| {
        local
            .strip_prefix(n)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic()))
    }) {
        return Some(format!("nobody reads {local}@"));
    }
    if carries_our_mark(case) {
        return Some("X-Loop names an address of ours: it went through our hands before".into());
    }
    if !addressed_to_us(case) {
        return Some("none of our addresses stands in To or Cc".into());
    }
    match case.policy.acknowledge {
        Acknowledge::Nobody => return Some("acknowledgements are switched off".into()),
        Acknowledge::Authenticated
            if !draft.ticket.requester_proven && case.vouched_by.is_none() =>
        {
            return Some("our mail server did not authenticate the author".into());
        }
        Acknowledge::Authenticated | Acknowledge::All => {}
    }
    // Who answers an acknowledgement with the words that were just acknowledged is no person (C02).
    if is_repeated(case, known) {
        return Some("the same words were acknowledged within the day".into());
    }
    over_limit(draft, case, known, author)
}

/// The old mark of lists and of procmail against loops (C01). Anyone can write it, and loses nothing but our automatic letter.
fn carries_our_mark(case: &Case) -> bool {
    let fields = case.mail.headers.iter();
    let mut marks = fields.filter(|f| f.name.eq_ignore_ascii_case("X-Loop"));
    marks.any(|f| {
        f.value
            .split([' ', '\t', '<', '>', ',', ';'])
            .any(|word| case.policy.is_own_address(word))
    })
}

/// RFC 5230 4.5: who is not named was copied blindly or reached by a list.
fn addressed_to_us(case: &Case) -> bool {
    case.mail
        .to
        .iter()
        .chain(&case.mail.cc)
        .any(|m| case.policy.is_own_address(&m.address))
}

fn over_limit(draft: &Draft, case: &Case, known: &Known, author: &str) -> Option<String> {
    let sent = |name: &str, secs| {
        known
            .allowance(name)
            .map_or(0, |a| a.sent_within(case.now, secs))
    };
    let domain = author.rsplit_once('@').map_or("", |(_, d)| d);
    let customer = draft.ticket.requester_proven && draft.ticket.subscription.customer.is_some();
    let address = address_name(author);
    let limits = [
        (
            &address,
            if customer {
                PER_CUSTOMER_ADDRESS_AND_DAY
            } else {
                PER_ADDRESS_AND_DAY
            },
            DAY_SECS,
            "day",
        ),
        (
            &address,
            if customer {
                PER_CUSTOMER_ADDRESS_AND_DAY
            } else {
                PER_ADDRESS_AND_HOUR
            },
            HOUR_SECS,
            "hour",
        ),
        (
            &format!("domain:{domain}"),
            PER_DOMAIN_AND_HOUR,
            HOUR_SECS,
            "hour",
        ),
        (&"all".to_string(), ALL_PER_HOUR, HOUR_SECS, "hour"),
    ];
    let (name, limit, _, span) = limits
        .into_iter()
        .find(|(name, limit, secs, _)| sent(name, *secs) >= *limit)?;
    let who = name.split(':').next().unwrap_or_default();
    Some(format!(
        "{limit} acknowledgements went out within the {span} already ({who})"
    ))
}
