//! A mail arrived.
//!
//! The order of questions: known already? whole? which ticket, on what evidence? from a machine? from staff? else from a customer: a reply or a new request.

use super::acknowledgement;
use super::belonging::{self, Belonging};
use super::clocks::{self, Turn};
use super::correspondence;
use super::draft::Draft;
use super::event::Trouble;
use super::policy::Queue;
use super::record::{
    Counters, Direction, Entry, EntryKind, Fate, MailFacts, Outcome, Place, Record,
};
use super::ticket::{SeverityBy, State, Ticket, TicketId};
use super::{Arrival, Known, Policy, incident, lookalike, reply, returned, sent};
use crate::contract::Subscription;
use crate::mail::sender::{self, Trust};
use crate::mail::text::cleaned;
use crate::mail::{Kind, Language, Mail, Mailbox, address};
use crate::rules::{Facts, Verdict};
use chrono::{DateTime, Utc};

/// The severity of a request whose customer and rules say nothing (C6.4).
pub(super) const SEVERITY_DEFAULT: u8 = 3;

/// The mark by which the rules say that an escalation is asked for (rules/mailboxes/2-routing.toml).
const ESCALATION_TAG: &str = "escalation-wish";

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
    /// Who of the staff says that the author is who he seems to be: a forward of theirs opened the ticket.
    pub vouched_by: Option<String>,
    /// Somebody of the staff says that a person wrote it (C10.5): no rule files it, or sets it aside, once more.
    pub brought_back: bool,
    /// Addresses to which no automatic letter should go: letters to them came back.
    pub resting: Vec<String>,
}

impl<'a> Case<'a> {
    /// The mail as it arrived.
    pub fn of(policy: &'a Policy, known: &Known, arrival: &'a Arrival, now: DateTime<Utc>) -> Self {
        let mail = &*arrival.mail;
        let author = sender::author(mail);
        Case {
            policy,
            arrival,
            mail,
            trust: sender::trust(mail, policy.authserv_id.as_deref()),
            queue: queue_of(policy, arrival),
            now,
            vouched_by: None,
            brought_back: false,
            resting: returned::resting(policy, known, now, author.as_deref()),
            author,
        }
    }

    /// A decision about this ticket.
    pub fn draft(&self, ticket: Ticket) -> Draft<'a> {
        let mut draft = Draft::of(self.policy, ticket, self.now);
        draft.resting = self.resting.clone();
        draft
    }
}

/// What becomes of an arrived mail.
pub fn arrived(policy: &Policy, known: &Known, arrival: &Arrival, now: DateTime<Utc>) -> Outcome {
    let outcome = taken(policy, known, arrival, now);
    match &arrival.cursor {
        Some(cursor) => outcome.with(Record::Cursor(cursor.clone())),
        None => outcome,
    }
}

/// Where a customer has ticketd, too, what its people answer bears its mark, and no machine wrote it. Its automatic letters say that they are.
fn is_answer_of_another_desk(policy: &Policy, mail: &Mail) -> bool {
    let Some(id) = mail.header("Ticketd-Id").filter(|_| mail.kind == Kind::Own) else {
        return false;
    };
    let domain = id.rsplit_once('@').map_or("", |(_, domain)| domain.trim());
    let automatic = mail.header("Auto-Submitted");
    !domain.is_empty()
        && !domain.eq_ignore_ascii_case(&policy.domain)
        && automatic.is_none_or(|value| value.trim().eq_ignore_ascii_case("no"))
        && mail.header("Ticketd-Loop").is_none()
}

fn taken(policy: &Policy, known: &Known, arrival: &Arrival, now: DateTime<Utc>) -> Outcome {
    if let Some(owner) = policy.sent_of.get(&arrival.mailbox) {
        return sent::seen(policy, known, arrival, owner, now);
    }
    let mail = &*arrival.mail;
    let case = Case::of(policy, known, arrival, now);
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
    let other = by_another_road.filter(|place| place.ticket != TicketId::FILE);
    let other = other.and_then(|place| known.ticket(place.ticket));
    if known.lacks() {
        return Outcome::default();
    }
    // A blind copy to security: support's ticket is nothing that its people see.
    let unseen = case.queue.confidential && other.is_some_and(|t| t.queue != case.queue.name);
    // A forged copy that came first, and was set aside, takes nothing from the genuine mail (B04).
    let forestalled = is_proven(&case)
        && other.is_some_and(|t| t.state == State::Quarantined && !t.requester_proven);
    if let Some(place) = by_another_road.filter(|_| !unseen && !forestalled) {
        return same_by_another_road(&case, other, place);
    }
    let case = confined(case, &belonging);
    let outcome = if let Some(Trouble::Unreadable(why)) = &arrival.trouble {
        set_aside(
            &case,
            counters,
            &Verdict::default(),
            &format!("could not be taken apart: {why}"),
        )
    } else if !mail.kind.is_human() && !is_answer_of_another_desk(policy, mail) {
        filed(&case, known, belonging, counters)
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
        because: told(&case, &outcome),
        ..outcome
    }
}

/// What speaks of a confidential ticket is that queue's, whichever mailbox it came by. A forward of what was written on it is a request of its own, and says the
/// same.
fn confined<'a>(case: Case<'a>, belonging: &Belonging) -> Case<'a> {
    let proven = belonging
        .ticket
        .as_ref()
        .filter(|_| belonging.proof.is_some());
    let spoken_of = proven.or(belonging.possibly.as_ref());
    let queue = spoken_of.map(|t| case.policy.queue(&t.queue));
    Case {
        queue: queue.filter(|q| q.confidential).unwrap_or(case.queue),
        ..case
    }
}

/// For the log: of what came to a confidential queue no more than that it came (ATTACKS.md G01).
fn told(case: &Case, outcome: &Outcome) -> String {
    let ticket = outcome.records.iter().find_map(|r| match r {
        Record::Ticket(ticket) => Some(ticket),
        _ => None,
    });
    let queue = ticket.map_or(case.queue, |t| case.policy.queue(&t.queue));
    match ticket {
        _ if !queue.confidential && !case.queue.confidential => outcome.because.clone(),
        Some(ticket) => format!("{:?}: confidential ticket {}", outcome.fate, ticket.id),
        None => format!("{:?}: confidential", outcome.fate),
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
fn same_by_another_road(case: &Case, ticket: Option<&Ticket>, place: Place) -> Outcome {
    let because = format!(
        "the same mail as entry {} of ticket {}, by another road",
        place.seq, place.ticket
    );
    let Some(ticket) = ticket else {
        return Outcome {
            fate: Fate::Duplicate,
            ..Outcome::of(because)
        };
    };
    let mut draft = case.draft(ticket.clone());
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
fn filed(case: &Case, known: &Known, belonging: Belonging, counters: Counters) -> Outcome {
    let because = format!(
        "automatic ({}): {}",
        kind_word(case.mail.kind),
        cleaned(&case.mail.kind_reason, 200)
    );
    match belonging.ticket.clone() {
        Some(ticket) if belonging.proof.is_some() => {
            if let Some(letter) = returned::letter_of(case, known, &belonging) {
                return returned::came_back(case, known, ticket, letter);
            }
            let mut draft = case.draft(ticket);
            record_mail(&mut draft, case, EntryKind::Filed, &because);
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
///
/// Why stands on the ticket and in the notice alone: it may hold words of the mail.
pub(super) fn set_aside(case: &Case, counters: Counters, verdict: &Verdict, why: &str) -> Outcome {
    let subscription = subscription_of(case);
    let mut ticket = new_ticket(case, counters, subscription, verdict);
    ticket.state = State::Quarantined;
    let mut draft = case.draft(ticket);
    record_mail(&mut draft, case, EntryKind::Mail, why);
    if !case.arrival.silent {
        correspondence::notify(&mut draft, case, why);
    }
    let because = format!("quarantined as ticket {}", draft.ticket.id);
    numbered(draft.finish(because, Fate::Quarantined), counters)
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
        trust: trust_word(case).into(),
        received: case.arrival.received,
    };
    let rules = &case.policy.rules;
    // Somebody searched the mail that arrived; a forward is judged by what it passes on.
    let arrived = case.vouched_by.is_none() && !case.brought_back;
    let verdict = match known.searched().filter(|_| arrived) {
        Some(searched) => rules.judged(case.mail, &facts, searched),
        None => rules.classify(case.mail, &facts),
    };
    if verdict.quarantine && !case.brought_back {
        return set_aside(
            case,
            counters,
            &verdict,
            &format!(
                "a rule set it aside: {}{}",
                verdict.reasons.join("; "),
                not_handed_on(&verdict)
            ),
        );
    }
    if verdict.file && !case.brought_back {
        let why = format!(
            "a rule filed it: {}{}",
            verdict.reasons.join("; "),
            not_handed_on(&verdict)
        );
        return Outcome {
            because: "filed by a rule".into(),
            ..file(case, counters, why)
        };
    }
    let meant = meant_by_escalation(case, known, &belonging, &subscription);
    let incident = incident::named(&verdict, known);
    if known.lacks() {
        return Outcome::default();
    }
    let odd = meant.as_ref().map_or(
        "",
        |_| "It names no ticket for certain; it was taken for the customer's open one (C7.2).",
    );
    let related = match belonging.ticket.or(meant) {
        Some(ticket) if expired(case, &ticket) => Some(Related::After(ticket.id)),
        Some(ticket) if stands_apart(case, &ticket, &verdict) => Some(Related::Beside(ticket.id)),
        Some(ticket) => return joined(case, known, ticket, &verdict, odd),
        None => belonging.possibly.map(|t| Related::Perhaps(t.id)),
    };
    let opening = Opening {
        counters,
        subscription,
        related,
        incident,
    };
    opened(case, known, &verdict, opening)
}

/// The ticket that an urgent escalation means which proves none (C7.2): one that it names and whose customer writes, else the writer's only open one, else
/// the customer's only open one. Never a confidential one by a mail that others read.
fn meant_by_escalation(
    case: &Case,
    known: &Known,
    belonging: &Belonging,
    subscription: &Subscription,
) -> Option<Ticket> {
    let customer = subscription.customer.as_deref()?;
    if !is_urgent(case) || belonging.ticket.is_some() {
        return None;
    }
    let confidential = |name: &str| case.policy.queue(name).confidential;
    let reachable =
        |queue: &str| queue == case.queue.name || !confidential(queue) && !case.queue.confidential;
    let named = belonging.possibly.as_ref().filter(|t| reachable(&t.queue));
    if let Some(named) = named.filter(|t| t.is_open() && belonging::takes_part(case, t)) {
        return Some(named.clone());
    }
    let open = known.open_of(customer).iter();
    let open: Vec<_> = open.filter(|t| reachable(&t.queue)).collect();
    let own = open
        .iter()
        .filter(|t| Some(&t.requester) == case.author.as_ref());
    let only = match own.map(|t| t.id).collect::<Vec<_>>()[..] {
        [only] => Some(only),
        _ => match open[..] {
            [only] => Some(only.id),
            _ => None,
        },
    };
    only.and_then(|id| known.ticket(id)).cloned()
}

/// What a new ticket has to do with an older one.
enum Related {
    /// It names that one; nothing proves it.
    Perhaps(TicketId),
    /// That one was closed too long ago (C4.9).
    After(TicketId),
    /// It answers that one, but is another matter: the older one is quarantined, or what came is confidential.
    Beside(TicketId),
}

impl Related {
    fn id(&self) -> TicketId {
        match self {
            Related::Perhaps(id) | Related::After(id) | Related::Beside(id) => *id,
        }
    }

    fn words(&self) -> String {
        match self {
            Related::Perhaps(id) => format!("Possibly belongs to ticket {id}; nothing proves it."),
            Related::After(id) => {
                format!("Follows ticket {id}, which was closed too long ago to be reopened (C4.9).")
            }
            Related::Beside(id) => format!("Answers ticket {id}, but stands apart from it."),
        }
    }
}

/// What one rule hands on and another files or sets aside stays here.
fn not_handed_on(verdict: &Verdict) -> String {
    let to = verdict.forward.as_ref();
    to.map_or(String::new(), |to| format!("; not handed on to {to}"))
}

/// A person's answer to a mail that was set aside is a request of its own, with a clock; and nothing for security joins a ticket that others read (B09).
fn stands_apart(case: &Case, ticket: &Ticket, verdict: &Verdict) -> bool {
    let confidential = |name: &str| case.policy.queue(name).confidential;
    ticket.state == State::Quarantined
        || queue_for(case, verdict).confidential && !confidential(&ticket.queue)
}

/// The queue by mailbox or rule. Out of a confidential one no rule takes anything (ATTACKS.md G05).
fn queue_for<'a>(case: &Case<'a>, verdict: &Verdict) -> &'a Queue {
    verdict
        .queue
        .as_deref()
        .map(|name| case.policy.queue(name))
        .filter(|chosen| chosen.confidential || !case.queue.confidential)
        .unwrap_or(case.queue)
}

/// Whether a reply to a closed ticket comes too late to reopen it (C4.9).
fn expired(case: &Case, ticket: &Ticket) -> bool {
    let limit = chrono::TimeDelta::days(i64::from(case.policy.reopen_within_days));
    !ticket.is_open()
        && ticket
            .closed
            .is_some_and(|closed| case.arrival.received - closed > limit)
}

/// A customer's reply. `odd` is what staff should know of how it came here.
fn joined(case: &Case, known: &Known, ticket: Ticket, verdict: &Verdict, odd: &str) -> Outcome {
    let id = ticket.id;
    let mut draft = case.draft(ticket);
    draft.reasons = verdict.reasons.clone();
    record_mail(
        &mut draft,
        case,
        EntryKind::Mail,
        &verdict.reasons.join("; "),
    );
    let participant = belonging::takes_part(case, &draft.ticket);
    if !odd.is_empty() {
        draft.note(EntryKind::Note, odd);
    }
    let mut odd = odd;
    if !participant {
        // A07: the ticket gets the mail, its writer gets nothing of the ticket.
        draft.note(EntryKind::Note, "The mail above is from an address that takes no part in this ticket; it stays without rights until staff say otherwise.");
        odd = "The writer takes no part in this ticket: your answer goes to who opened it, and not to the writer.";
    }
    if case.arrival.silent {
        return draft.finish("history: joined", Fate::Joined);
    }
    if participant {
        if let Some(id) = &case.mail.message_id {
            draft.refer_to(id);
        }
        widened(&mut draft, case);
        reopened(&mut draft, case);
        if let Some(stated) = verdict.severity_stated {
            odd = restated(&mut draft, stated).unwrap_or(odd);
        }
        if wants_escalation(case, verdict) {
            escalated(&mut draft, case, is_urgent(case));
        }
    }
    let allowances = match participant && correspondence::is_cut(case) {
        true => acknowledgement::of_cut_reply(&mut draft, case, known),
        false => vec![],
    };
    correspondence::notify_of_reply(&mut draft, known, case, odd);
    correspondence::forward(&mut draft, case, verdict, !participant);
    let outcome = draft.finish(format!("reply on ticket {id}"), Fate::Joined);
    allowances
        .into_iter()
        .fold(outcome, |o, a| o.with(Record::Allowance(a)))
}

/// C4.5: until staff have determined the severity, the customer's newer statement counts like any change of facts; after that it alerts staff, and changes
/// nothing by itself. What to tell them.
fn restated(draft: &mut Draft, stated: u8) -> Option<&'static str> {
    let before = draft.ticket.severity;
    if stated == before {
        return None;
    }
    if draft.ticket.severity_by == SeverityBy::Staff {
        draft.note(
            EntryKind::Severity,
            &format!("The customer states severity {stated} now; it stays {before} until staff change it (C4.5)."),
        );
        return Some(
            "The customer states another severity now; it stays until you change it (#severity).",
        );
    }
    draft.note(
        EntryKind::Severity,
        &format!("The customer states severity {stated}; it was {before}."),
    );
    draft.turn(Turn::Determined(stated));
    draft.ticket.severity_by = SeverityBy::Customer;
    correspondence::change(draft, before, "", false);
    None
}

/// Whom a proven participant puts in copy takes part from now on.
fn widened(draft: &mut Draft, case: &Case) {
    for address in participants(case) {
        let all = &mut draft.ticket.participants;
        if is_proven(case) && all.len() < PARTICIPANTS_MAX && !all.contains(&address) {
            all.push(address);
        }
    }
}

/// A reply makes it ours again (C4.9); after the first answer an internal target keeps it visible (C4.11).
fn reopened(draft: &mut Draft, case: &Case) {
    match draft.ticket.state {
        State::Closed | State::Void => {
            let words = "Reopened by a reply (C4.9).";
            clocks::reopened(draft, "ticketd", words, case.arrival.received);
        }
        _ => clocks::ours(draft, case.arrival.received),
    }
}

/// What a new ticket begins with.
struct Opening<'k> {
    counters: Counters,
    subscription: Subscription,
    related: Option<Related>,
    /// The ticket of the incident that it is about.
    incident: Option<&'k Ticket>,
}

fn opened(case: &Case, known: &Known, verdict: &Verdict, opening: Opening) -> Outcome {
    let Opening {
        counters,
        subscription,
        related,
        incident,
    } = opening;
    let chosen = ordered(case.policy, &subscription, verdict, case.arrival.received);
    let lacked = verdict.order.as_ref().filter(|_| chosen.is_none());
    let subscription = chosen.unwrap_or(subscription);
    let mut ticket = new_ticket(case, counters, subscription, verdict);
    let id = ticket.id;
    ticket.linked.extend(related.as_ref().map(Related::id));
    let mut draft = case.draft(ticket);
    draft.reasons = verdict.reasons.clone();
    record_mail(
        &mut draft,
        case,
        EntryKind::Mail,
        &verdict.reasons.join("; "),
    );
    if case.arrival.silent {
        related_to(&mut draft, related);
        draft.ticket.state = State::Closed;
        draft.ticket.closed = Some(case.arrival.received);
        return numbered(draft.finish("history: opened", Fate::Opened), counters);
    }
    if let (Some(plan), Some(_)) = (lacked, &draft.ticket.subscription.customer) {
        let on = &draft.ticket.subscription.plan;
        let words = format!(
            "A rule chose plan {plan}, of which the customer has no order; it is on {on} (C3.4)."
        );
        draft.note(EntryKind::Note, &words);
    }
    clocks::opened(&mut draft, case.arrival.received);
    related_to(&mut draft, related);
    if let Some(incident) = incident {
        incident::join(&mut draft, incident);
    }
    if wants_escalation(case, verdict) {
        escalated(&mut draft, case, is_urgent(case));
    }
    let allowances = acknowledgement::decide(&mut draft, case, known, verdict);
    correspondence::notify(&mut draft, case, "");
    let is_repeated = acknowledgement::is_repeated(case, known);
    correspondence::forward(&mut draft, case, verdict, is_repeated);
    let outcome = numbered(
        draft.finish(format!("opened ticket {id}"), Fate::Opened),
        counters,
    );
    allowances
        .into_iter()
        .fold(outcome, |o, a| o.with(Record::Allowance(a)))
}

fn related_to(draft: &mut Draft, related: Option<Related>) {
    if let Some(related) = related {
        draft.note(EntryKind::Note, &related.words());
    }
}

fn numbered(outcome: Outcome, counters: Counters) -> Outcome {
    outcome.with(Record::Counters(Counters {
        ticket: counters.ticket + 1,
        ..counters
    }))
}

/// The order that a rule chose among those of the customer (C3.4); none if it chose none, or one that there is not.
pub(super) fn ordered(
    policy: &Policy,
    account: &Subscription,
    verdict: &Verdict,
    received: DateTime<Utc>,
) -> Option<Subscription> {
    let (customer, plan) = (account.customer.as_deref()?, verdict.order.as_deref()?);
    policy.book.subscription_of(customer, Some(plan), received)
}

/// C6.4: the customer's statement, else what the rules find, else 3.
pub(super) fn severity_of(verdict: &Verdict) -> (u8, SeverityBy) {
    match (verdict.severity_stated, verdict.severity_found) {
        (Some(stated), _) => (stated, SeverityBy::Customer),
        (None, Some(found)) => (found, SeverityBy::Rules),
        (None, None) => (SEVERITY_DEFAULT, SeverityBy::Rules),
    }
}

pub(super) fn new_ticket(
    case: &Case,
    counters: Counters,
    subscription: Subscription,
    verdict: &Verdict,
) -> Ticket {
    let (severity, severity_by) = severity_of(verdict);
    let queue = queue_for(case, verdict);
    let requester = case.mail.from.first().cloned().unwrap_or_default();
    let language = language_of_letters(&subscription, case.mail.language);
    Ticket {
        id: TicketId(counters.ticket + 1),
        first_mail: case.mail.raw,
        queue: queue.name.clone(),
        former_queues: vec![],
        subject: cleaned(&case.mail.subject, SUBJECT_CHARS_MAX),
        state: State::New,
        severity,
        severity_by,
        language,
        subscription,
        requester: Mailbox {
            name: cleaned(&requester.name, 100),
            // Nobody, where the author is not one plain address (A03); who it seems to be stands in the mail's entry.
            address: case.author.clone().unwrap_or_default(),
        },
        requester_proven: is_proven(case),
        participants: participants(case),
        assignee: verdict.assign.clone(),
        watchers: vec![],
        opened_by: None,
        channel: None,
        nothing: None,
        received: case.arrival.received,
        responded: None,
        closed: None,
        clocks: vec![],
        entries: 0,
        tags: verdict.tags.clone(),
        references: case.mail.message_id.iter().cloned().collect(),
        linked: vec![],
        merged_into: None,
        merged: vec![],
        incident: None,
        policy: case.policy.book_hash,
    }
}

/// Whether our own mail server vouches for the author. An account of ours vouches for its own address, and for its owner's in the staff list.
pub(super) fn is_proven(case: &Case) -> bool {
    let Some(author) = &case.author else {
        return false;
    };
    let owns = |account: &str| {
        let person = case.policy.book.staff.by_address(author);
        author.eq_ignore_ascii_case(account)
            || person.is_some_and(|p| p.accounts.iter().any(|a| a.eq_ignore_ascii_case(account)))
    };
    match &case.trust {
        _ if case.vouched_by.is_some() => false,
        Trust::Aligned => true,
        Trust::Submitted(account) => owns(account),
        Trust::Unknown | Trust::Unproven(_) | Trust::Ambiguous(_) => false,
    }
}

/// The author, and whom a proven author put in To and Cc; a Cc of an unproven mail is data (B07).
fn participants(case: &Case) -> Vec<String> {
    let proven = is_proven(case);
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
pub(super) fn language_of_letters(subscription: &Subscription, detected: Language) -> Language {
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

/// C7: asked for in the ticket, or urgently by the escalation address.
fn escalated(draft: &mut Draft, case: &Case, urgent: bool) {
    clocks::escalated(draft, urgent, case.arrival.received);
}

fn wants_escalation(case: &Case, verdict: &Verdict) -> bool {
    is_urgent(case) || verdict.tags.iter().any(|t| t == ESCALATION_TAG)
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
    Entry {
        place,
        at: case.arrival.received,
        kind,
        direction: Direction::In,
        from: case.author.clone().unwrap_or_else(|| {
            let first = mail.from.first();
            first.map_or(String::new(), |m| {
                lookalike::shown(&cleaned(&m.address, 254))
            })
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
            oddities: oddities(case),
            said: None,
            words: None,
            answers: None,
        }),
        letter: None,
        turns: vec![],
        credit: None,
        time: None,
    }
}

/// What a person should know about a mail before its text, foremost that it is not all there.
pub(super) fn oddities(case: &Case) -> Vec<String> {
    let mut oddities: Vec<String> = case
        .mail
        .oddities
        .iter()
        .take(10)
        .map(|o| cleaned(o, 200))
        .collect();
    if let Some(by) = &case.vouched_by {
        oddities.insert(
            0,
            format!("forwarded by {by} of the staff, who says whose it is"),
        );
    }
    if let Some(Trouble::Cut { bytes }) = &case.arrival.trouble {
        oddities.insert(
            0,
            format!(
                "the mail has {bytes} bytes, more than is taken; only the first {} are kept",
                case.mail.bytes
            ),
        );
    }
    if let Some(elsewhere) = asks_for_answers_elsewhere(case) {
        oddities.push(format!(
            "Reply-To differs: it asks for answers to {elsewhere}; what you answer goes to the sender"
        ));
    }
    oddities
}

/// Nobody is written to because of it (ATTACKS.md A06); a person may think otherwise of it.
fn asks_for_answers_elsewhere(case: &Case) -> Option<String> {
    let author = case.author.as_deref().unwrap_or_default();
    let asked = address::mailboxes(case.mail.header("Reply-To")?);
    let mut others = asked.iter().map(|m| &m.address);
    let first = others.find(|a| !a.eq_ignore_ascii_case(author))?;
    let first = cleaned(first, 254);
    Some(match others.any(|a| !a.eq_ignore_ascii_case(author)) {
        true => format!("{first} and others"),
        false => first,
    })
}

pub(super) fn trust_word(case: &Case) -> &'static str {
    match &case.trust {
        _ if case.vouched_by.is_some() => "forwarded",
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
