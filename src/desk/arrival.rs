//! A mail arrived.
//!
//! The order of questions: known already? whole? which ticket, on what evidence? from a machine? from staff? else from a customer: a reply or a new request.

use super::acknowledgement;
use super::belonging::{self, Belonging};
use super::correspondence;
use super::draft::Draft;
use super::event::Trouble;
use super::policy::Queue;
use super::record::{
    Counters, Direction, Entry, EntryKind, Fate, MailFacts, Outcome, Place, Record,
};
use super::ticket::{Clock, ClockKind, SeverityBy, State, Ticket, TicketId};
use super::{Arrival, Known, Policy, reply};
use crate::contract::{Objective, Subscription};
use crate::mail::sender::{self, Trust};
use crate::mail::text::cleaned;
use crate::mail::{Kind, Language, Mail, Mailbox};
use crate::rules::{Facts, Verdict};
use chrono::{DateTime, Utc};

/// The severity of a request whose customer and rules say nothing (C6.4).
const SEVERITY_DEFAULT: u8 = 3;

/// The longest subject a ticket keeps, characters.
const SUBJECT_CHARS_MAX: usize = 200;

/// The most addresses that may add to a ticket.
const PARTICIPANTS_MAX: usize = 20;

/// A mail on the desk, with what is made out of its sender.
pub(super) struct Case<'a> {
    pub policy: &'a Policy,
    pub arrival: &'a Arrival,
    pub mail: &'a Mail,
    /// The one author, where there is exactly one.
    pub author: Option<String>,
    pub trust: Trust,
    /// The queue by the mailbox, or the confidential one that To or Cc name (ATTACKS.md B09).
    pub queue: &'a Queue,
    pub now: DateTime<Utc>,
}

/// What becomes of an arrived mail.
pub fn arrived(policy: &Policy, known: &Known, arrival: &Arrival, now: DateTime<Utc>) -> Outcome {
    let outcome = taken(policy, known, arrival, now);
    match &arrival.cursor {
        Some(cursor) => outcome.with(Record::Cursor(cursor.clone())),
        None => outcome,
    }
}

fn taken(policy: &Policy, known: &Known, arrival: &Arrival, now: DateTime<Utc>) -> Outcome {
    let mail = &*arrival.mail;
    let case = Case {
        policy,
        arrival,
        mail,
        author: sender::author(mail),
        trust: sender::trust(mail, policy.authserv_id.as_deref()),
        queue: queue_of(policy, arrival),
        now,
    };
    let duplicate = known.seen(mail.raw);
    let by_another_road = mail.written.and_then(|w| known.seen(w));
    let belonging = belonging::find(&case, known);
    let counters = known.counters();
    acknowledgement::ask(&case, known);
    if let Some(place) = duplicate {
        return Outcome {
            fate: Fate::Duplicate,
            ..Outcome::of(format!(
                "the same bytes as entry {} of ticket {}",
                place.seq, place.ticket
            ))
        };
    }
    if let Some(place) = by_another_road {
        return same_by_another_road(&case, known, place);
    }
    if known.lacks() {
        return Outcome::default();
    }
    let outcome = if let Some(Trouble::Unreadable(why)) = &arrival.trouble {
        set_aside(&case, counters, &format!("could not be taken apart: {why}"))
    } else if !mail.kind.is_human() {
        filed(&case, belonging, counters)
    } else if let Some(person) = case
        .author
        .as_deref()
        .and_then(|a| policy.book.staff.by_address(a))
    {
        reply::from_staff(&case, known, belonging, person, counters)
    } else {
        from_requester(&case, known, belonging, counters)
    };
    Outcome {
        keep_raw: true,
        ..outcome
    }
}

/// To or Cc that name a confidential queue make the mail that queue's, whichever copy comes first (B09).
fn queue_of<'a>(policy: &'a Policy, arrival: &Arrival) -> &'a Queue {
    let named = |q: &&Queue| {
        q.confidential
            && arrival
                .mail
                .to
                .iter()
                .chain(&arrival.mail.cc)
                .any(|m| q.is_reached_by(&m.address))
    };
    policy
        .queues
        .iter()
        .find(named)
        .unwrap_or_else(|| policy.queue(&arrival.queue))
}

/// The same mail by another road (a second mailbox, a list): a line on its ticket, no ticket, no letter.
fn same_by_another_road(case: &Case, known: &Known, place: Place) -> Outcome {
    let because = format!(
        "the same mail as entry {} of ticket {}, by another road",
        place.seq, place.ticket
    );
    let ticket = (place.ticket != TicketId::FILE)
        .then(|| known.ticket(place.ticket).cloned())
        .flatten();
    let Some(ticket) = ticket else {
        return Outcome {
            fate: Fate::Duplicate,
            ..Outcome::of(because)
        };
    };
    let mut draft = Draft::of(case.policy, ticket, case.now);
    draft.note(
        EntryKind::Note,
        &format!(
            "The mail of entry {} came again through mailbox {}.",
            place.seq, case.arrival.mailbox
        ),
    );
    draft.finish(because, Fate::Duplicate)
}

/// Automatic mail: on the ticket it speaks of, else in the file. Never answered.
fn filed(case: &Case, belonging: Belonging, counters: Counters) -> Outcome {
    let because = format!(
        "automatic ({}): {}",
        kind_word(case.mail.kind),
        case.mail.kind_reason
    );
    match belonging.ticket {
        Some(ticket) if belonging.proof.is_some() => {
            let mut draft = Draft::of(case.policy, ticket, case.now);
            let kind = if case.mail.kind == Kind::Bounce {
                EntryKind::Bounce
            } else {
                EntryKind::Filed
            };
            record_mail(&mut draft, case, kind, &because);
            draft.finish(because, Fate::Filed)
        }
        _ => file(case, counters, because),
    }
}

/// Into the file: no ticket, but findable (`list --filed`).
pub(super) fn file(case: &Case, counters: Counters, because: String) -> Outcome {
    let place = Place {
        ticket: TicketId::FILE,
        seq: counters.filed + 1,
    };
    let mut entry = mail_entry(case, place, EntryKind::Filed, &because);
    // Later mail may refer to filed mail without belonging to any ticket.
    if let Some(facts) = &mut entry.mail {
        facts.found_by.clear();
    }
    Outcome {
        fate: Fate::Filed,
        ..Outcome::of(because)
    }
    .with(Record::Entry(Box::new(entry)))
    .with(Record::Counters(Counters {
        filed: place.seq,
        ..counters
    }))
}

/// Set aside for a person: a quarantine ticket, no acknowledgement; staff of the queue are told.
pub(super) fn set_aside(case: &Case, counters: Counters, why: &str) -> Outcome {
    let subscription = subscription_of(case);
    let mut ticket = new_ticket(case, counters, subscription, &Verdict::default());
    ticket.state = State::Quarantined;
    let mut draft = Draft::of(case.policy, ticket, case.now);
    record_mail(&mut draft, case, EntryKind::Mail, why);
    if !case.arrival.silent {
        correspondence::notify(&mut draft, case, why);
    }
    numbered(
        draft.finish(format!("quarantined: {why}"), Fate::Quarantined),
        counters,
    )
}

/// A request, or a reply to one.
pub(super) fn from_requester(
    case: &Case,
    known: &Known,
    belonging: Belonging,
    counters: Counters,
) -> Outcome {
    let subscription = subscription_of(case);
    let facts = Facts {
        queue: case.queue.name.clone(),
        customer: subscription.customer.clone().unwrap_or_default(),
        plan: subscription.plan.clone(),
        trust: trust_word(&case.trust).into(),
    };
    let rules = &case.policy.rules;
    let verdict = match known.searched() {
        Some(searched) => rules.judged(case.mail, &facts, searched),
        None => rules.classify(case.mail, &facts),
    };
    if verdict.quarantine {
        return set_aside(
            case,
            counters,
            &format!("a rule set it aside: {}", verdict.reasons.join("; ")),
        );
    }
    if verdict.file {
        return file(
            case,
            counters,
            format!("a rule filed it: {}", verdict.reasons.join("; ")),
        );
    }
    match belonging.ticket {
        Some(ticket) if belonging.proof.is_some() && !expired(case, &ticket) => {
            joined(case, ticket, &verdict)
        }
        other => {
            let related = other.or(belonging.possibly);
            opened(case, known, counters, subscription, &verdict, related)
        }
    }
}

/// Whether a reply to a closed ticket comes too late to reopen it (C4.9).
fn expired(case: &Case, ticket: &Ticket) -> bool {
    let limit = chrono::TimeDelta::days(i64::from(case.policy.reopen_within_days));
    !ticket.is_open()
        && ticket
            .closed
            .is_some_and(|closed| case.arrival.received - closed > limit)
}

/// A customer's reply.
fn joined(case: &Case, ticket: Ticket, verdict: &Verdict) -> Outcome {
    let id = ticket.id;
    let mut draft = Draft::of(case.policy, ticket, case.now);
    draft.reasons = verdict.reasons.clone();
    record_mail(
        &mut draft,
        case,
        EntryKind::Mail,
        &verdict.reasons.join("; "),
    );
    let participant = case
        .author
        .as_ref()
        .is_some_and(|a| draft.ticket.participants.contains(a));
    if !participant {
        // A07: the ticket gets the mail, its writer gets nothing of the ticket.
        draft.note(EntryKind::Note, "The mail above is from an address that takes no part in this ticket; it stays without rights until staff say otherwise.");
    }
    if case.arrival.silent {
        return draft.finish("history: joined", Fate::Joined);
    }
    if let Some(id) = &case.mail.message_id {
        draft.refer_to(id);
    }
    reopened(&mut draft, case);
    if wants_escalation(case, verdict) && participant {
        escalated(&mut draft, case, is_urgent(case));
    }
    correspondence::notify(&mut draft, case, "");
    draft.finish(format!("reply on ticket {id}"), Fate::Joined)
}

/// A reply makes it ours again (C4.9); after the first answer an internal target keeps it visible (C4.11).
fn reopened(draft: &mut Draft, case: &Case) {
    if draft.ticket.state == State::Quarantined {
        return;
    }
    let was = draft.ticket.state;
    draft.ticket.state = if draft.ticket.responded.is_some() {
        State::Open
    } else {
        State::New
    };
    draft.ticket.closed = None;
    if matches!(was, State::Closed | State::Void) {
        draft.note(EntryKind::State, "Reopened by a reply (C4.9).");
    }
    let waits = draft
        .ticket
        .clocks
        .iter()
        .any(|c| c.kind == ClockKind::NextReply && c.is_running());
    if draft.ticket.responded.is_some() && !waits {
        let objective = case.policy.book.initial_response(
            &draft.ticket.subscription,
            draft.ticket.severity,
            case.arrival.received,
        );
        let objective = Objective {
            internal: true,
            clause: "C4.11".into(),
            ..objective
        };
        started(
            draft,
            ClockKind::NextReply,
            objective,
            case.arrival.received,
        );
    }
}

fn opened(
    case: &Case,
    known: &Known,
    counters: Counters,
    subscription: Subscription,
    verdict: &Verdict,
    related: Option<Ticket>,
) -> Outcome {
    let mut ticket = new_ticket(case, counters, subscription, verdict);
    let id = ticket.id;
    ticket.linked.extend(related.as_ref().map(|r| r.id));
    let mut draft = Draft::of(case.policy, ticket, case.now);
    draft.reasons = verdict.reasons.clone();
    record_mail(
        &mut draft,
        case,
        EntryKind::Mail,
        &verdict.reasons.join("; "),
    );
    if let Some(related) = related {
        draft.note(
            EntryKind::Note,
            &format!(
                "Possibly belongs to ticket {}; nothing proves it.",
                related.id
            ),
        );
    }
    if case.arrival.silent {
        draft.ticket.state = State::Closed;
        return numbered(draft.finish("history: opened", Fate::Opened), counters);
    }
    let objective = case.policy.book.initial_response(
        &draft.ticket.subscription,
        draft.ticket.severity,
        case.arrival.received,
    );
    started(
        &mut draft,
        ClockKind::InitialResponse,
        objective,
        case.arrival.received,
    );
    if wants_escalation(case, verdict) {
        escalated(&mut draft, case, is_urgent(case));
    }
    let allowances = acknowledgement::decide(&mut draft, case, known, verdict);
    correspondence::notify(&mut draft, case, "");
    let outcome = numbered(
        draft.finish(format!("opened ticket {id}"), Fate::Opened),
        counters,
    );
    allowances
        .into_iter()
        .fold(outcome, |o, a| o.with(Record::Allowance(a)))
}

fn numbered(outcome: Outcome, counters: Counters) -> Outcome {
    outcome.with(Record::Counters(Counters {
        ticket: counters.ticket + 1,
        ..counters
    }))
}

pub(super) fn new_ticket(
    case: &Case,
    counters: Counters,
    subscription: Subscription,
    verdict: &Verdict,
) -> Ticket {
    let (severity, severity_by) = match (verdict.severity_stated, verdict.severity_found) {
        (Some(stated), _) => (stated, SeverityBy::Customer),
        (None, Some(found)) => (found, SeverityBy::Rules),
        (None, None) => (SEVERITY_DEFAULT, SeverityBy::Rules),
    };
    let queue = verdict
        .queue
        .as_deref()
        .map_or(case.queue, |name| case.policy.queue(name));
    let requester = case.mail.from.first().cloned().unwrap_or_default();
    let language = language_of_letters(&subscription, case.mail.language);
    Ticket {
        id: TicketId(counters.ticket + 1),
        first_mail: case.mail.raw,
        queue: queue.name.clone(),
        subject: cleaned(&case.mail.subject, SUBJECT_CHARS_MAX),
        state: State::New,
        severity,
        severity_by,
        language,
        subscription,
        requester: Mailbox {
            name: cleaned(&requester.name, 100),
            address: case
                .author
                .clone()
                .unwrap_or(cleaned(&requester.address, 254)),
        },
        requester_proven: matches!(case.trust, Trust::Aligned | Trust::Submitted(_)),
        participants: participants(case),
        assignee: verdict.assign.clone(),
        received: case.arrival.received,
        responded: None,
        closed: None,
        clocks: vec![],
        entries: 0,
        tags: verdict.tags.clone(),
        references: case.mail.message_id.iter().cloned().collect(),
        linked: vec![],
        merged_into: None,
        policy: case.policy.book_hash,
    }
}

/// The author, and whom a proven author put in To and Cc; a Cc of an unproven mail is data (B07).
fn participants(case: &Case) -> Vec<String> {
    let proven = matches!(case.trust, Trust::Aligned | Trust::Submitted(_));
    let copied = case
        .mail
        .to
        .iter()
        .chain(&case.mail.cc)
        .filter(|_| proven)
        .filter_map(|m| crate::mail::address::strict(&m.address));
    let mut all: Vec<String> = case.author.iter().cloned().collect();
    for address in copied {
        if all.len() < PARTICIPANTS_MAX
            && !all.contains(&address)
            && !case.policy.is_own_address(&address)
        {
            all.push(address);
        }
    }
    all
}

/// C5.1: the customer's set language, else the detected one; detected Swiss German is answered in German.
fn language_of_letters(subscription: &Subscription, detected: Language) -> Language {
    match (subscription.language, detected) {
        (Some(set), _) => set,
        (None, Language::Gsw) => Language::De,
        (None, Language::Other) => Language::En,
        (None, language) => language,
    }
}

pub(super) fn subscription_of(case: &Case) -> Subscription {
    case.policy.book.subscription(
        case.author.as_deref().unwrap_or_default(),
        case.arrival.received,
    )
}

/// A clock begins to run; its first warning is derived with it.
pub(super) fn started(draft: &mut Draft, kind: ClockKind, objective: Objective, at: DateTime<Utc>) {
    let book = &draft.policy.book;
    let deadline = book.deadline(&objective, at).at;
    let next = book.next_step(&objective, at, deadline, None);
    let by_severity = vec![(draft.ticket.severity, deadline)];
    draft.ticket.clocks.push(Clock {
        kind,
        objective,
        started: at,
        deadline,
        step_done: None,
        next,
        stopped: None,
        breached: None,
        by_severity,
        credit_days: 0,
    });
}

/// C7: asked for in the ticket, or urgently by the escalation address.
fn escalated(draft: &mut Draft, case: &Case, urgent: bool) {
    let running = draft
        .ticket
        .clocks
        .iter()
        .any(|c| c.kind == ClockKind::Escalation && c.is_running());
    let from_customer = draft.ticket.subscription.customer.is_some();
    if running || !from_customer {
        return;
    }
    let objective =
        case.policy
            .book
            .escalation(&draft.ticket.subscription, urgent, case.arrival.received);
    let clause = objective.clause.clone();
    started(
        draft,
        ClockKind::Escalation,
        objective,
        case.arrival.received,
    );
    draft.note(
        EntryKind::Note,
        &format!("The customer escalates ({clause}): a manager has to answer."),
    );
}

fn wants_escalation(case: &Case, verdict: &Verdict) -> bool {
    is_urgent(case) || verdict.tags.iter().any(|t| t == "escalation")
}

/// Whether it went to the address for urgent escalations (C7.2).
fn is_urgent(case: &Case) -> bool {
    let address = &case.policy.links.escalation_address;
    !address.is_empty()
        && case
            .mail
            .to
            .iter()
            .chain(&case.mail.cc)
            .any(|m| m.address.eq_ignore_ascii_case(address))
}

/// The mail as a line of the draft's ticket.
pub(super) fn record_mail(draft: &mut Draft, case: &Case, kind: EntryKind, text: &str) {
    let entry = draft.entry(kind, Direction::In, "", text);
    let place = entry.place;
    *entry = mail_entry(case, place, kind, text);
    // Its ticket's queue, which a rule may have chosen.
    let queue = draft.ticket.queue.clone();
    if let Some(facts) = draft.last_entry().and_then(|e| e.mail.as_mut()) {
        facts.queue = queue;
    }
}

fn mail_entry(case: &Case, place: Place, kind: EntryKind, text: &str) -> Entry {
    let mail = case.mail;
    let mut oddities: Vec<String> = mail
        .oddities
        .iter()
        .take(10)
        .map(|o| cleaned(o, 200))
        .collect();
    if let Some(Trouble::Cut { bytes }) = &case.arrival.trouble {
        oddities.insert(
            0,
            format!(
                "the mail has {bytes} bytes, more than is taken; only the first {} are kept",
                mail.bytes
            ),
        );
    }
    Entry {
        place,
        at: case.arrival.received,
        kind,
        direction: Direction::In,
        from: case.author.clone().unwrap_or_else(|| {
            cleaned(
                &mail
                    .from
                    .first()
                    .map(|m| m.address.clone())
                    .unwrap_or_default(),
                254,
            )
        }),
        subject: cleaned(&mail.subject, SUBJECT_CHARS_MAX),
        message_id: mail.message_id.as_deref().map(|id| cleaned(id, 500)),
        text: text.chars().take(1_500).collect(),
        mail: Some(MailFacts {
            raw: mail.raw,
            written: mail.written,
            bytes: mail.bytes,
            queue: case.queue.name.clone(),
            mailbox: case.arrival.mailbox.clone(),
            kind: mail.kind,
            kind_reason: cleaned(&mail.kind_reason, 200),
            found_by: belonging::found_by(mail),
            oddities,
        }),
        letter: None,
    }
}

pub(super) fn trust_word(trust: &Trust) -> &'static str {
    match trust {
        Trust::Aligned => "aligned",
        Trust::Submitted(_) => "submitted",
        Trust::Unknown => "unknown",
        Trust::Unproven(_) => "unproven",
        Trust::Ambiguous(_) => "ambiguous",
    }
}

fn kind_word(kind: Kind) -> String {
    serde_json::to_value(kind)
        .ok()
        .and_then(|v| v.as_str().map(str::to_string))
        .unwrap_or_default()
}
