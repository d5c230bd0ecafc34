//! Which letters are written about a ticket, and what stands in them.
//!
//! Knows the variables of each template; does not know when a letter is due. To a customer nothing is echoed that a stranger wrote; of a confidential
//! queue's mail nothing stands in any letter but the relay.

use super::arrival::{self, Case, trust_word};
use super::draft::Draft;
use super::event::Trouble;
use super::letter::{
    Acknowledgement, AcknowledgementSecurity, Answering, Breach, Change, Content, Cut, Enclosure,
    Forward, Html, LetterKind, Notice, NoticeConfidential, Sealed, Templates, Text, Transcript,
    Warning, time_words, within_words,
};
use super::policy::Acknowledge;
use super::record::EntryKind;
use super::record::{Entry, LetterFacts};
use super::ticket::{Clock, ClockKind, SeverityBy, State};
use super::{Known, command, digest, incident, lookalike, returned, thread};
use crate::contract::{Person, Role, Step};
use crate::mail::text::cleaned;
use crate::mail::{Fingerprint, Language};
use crate::rules::Verdict;
use chrono::{DateTime, TimeDelta, Utc};

/// The most text of a mail that a notice shows, characters; the whole is in the record.
const NOTICE_CHARS_MAX: usize = 20_000;

/// The acknowledgement of a new ticket (C4, C5).
pub(super) fn acknowledge(draft: &mut Draft, case: &Case, verdict: &Verdict) {
    let text = if draft.queue().confidential {
        security_acknowledgement(draft, is_cut(case))
    } else {
        acknowledgement(draft, case, verdict)
    };
    draft.letter_to_requester(LetterKind::Acknowledgement, text);
}

/// The acknowledgement of a ticket that staff opened or split off: once, or never for a recorded reason, as any other.
pub(super) fn acknowledge_opened(draft: &mut Draft) {
    let acknowledge = draft.policy.acknowledge;
    let why = match draft.unreachable() {
        Some(why) => Some(why.trim_end_matches('.').to_string()),
        None if acknowledge == Acknowledge::Nobody => {
            Some("acknowledgements are switched off".into())
        }
        None if acknowledge == Acknowledge::Authenticated && !draft.ticket.requester_proven => {
            Some("our mail server did not authenticate the author".into())
        }
        None => None,
    };
    if let Some(why) = why {
        return draft.note(EntryKind::Note, &format!("Not acknowledged: {why}."));
    }
    let text = match draft.queue().confidential {
        true => security_acknowledgement(draft, false),
        false => received(draft, draft.ticket.received, Noted::default()),
    };
    draft.letter_to_requester(LetterKind::Acknowledgement, text);
}

fn acknowledgement(draft: &Draft, case: &Case, verdict: &Verdict) -> Text {
    let missing = verdict.tags.iter().filter(|t| t.starts_with("missing-"));
    let incident = incident::text(&draft.ticket, verdict);
    let noted = Noted {
        // What is known needs no steps to reproduce it.
        missing: missing.filter(|_| incident.is_empty()).cloned().collect(),
        incident,
        cut: is_cut(case),
        template: verdict.template.clone(),
    };
    received(draft, case.arrival.received, noted)
}

/// What an acknowledgement says of the mail itself.
#[derive(Default)]
struct Noted {
    missing: Vec<String>,
    incident: String,
    cut: bool,
    /// The acknowledgement that a rule chose.
    template: Option<String>,
}

fn received(draft: &Draft, at: DateTime<Utc>, noted: Noted) -> Text {
    let (ticket, book, links) = (&draft.ticket, &draft.policy.book, &draft.policy.links);
    let clock = ticket.initial_response().filter(|c| !c.objective.internal);
    let opens = clock
        .map(|c| book.starts(&c.objective, at))
        .filter(|opens| *opens > draft.now);
    let tagged = |tag: &str| ticket.tags.iter().any(|t| t == tag);
    let escalation = |urgent| book.escalation(&ticket.subscription, urgent, at);
    let (normal, urgent) = (book.within(&escalation(false), at), escalation(true));
    let name = match noted.template {
        Some(chosen) => format!("{}{chosen}", Templates::ACKNOWLEDGEMENT),
        None => Acknowledgement::TEMPLATE.to_string(),
    };
    draft.policy.templates.letter_by(
        &name,
        ticket.language,
        &Acknowledgement {
            ticket: ticket.id.0,
            vendor: links.vendor.clone(),
            severity: ticket.severity,
            severity_stated: ticket.severity_by == SeverityBy::Customer,
            plan: if ticket.subscription.customer.is_some() {
                book.plan_name(&ticket.subscription, ticket.received)
                    .to_string()
            } else {
                String::new()
            },
            // An acknowledgement never states a deadline already past (ATTACKS.md F04).
            deadline: clock
                .filter(|c| c.deadline > draft.now)
                .map(|c| book.local_for(c.deadline, ticket.language)),
            opens: opens.map(|o| book.local_for(o, ticket.language)),
            missing: noted.missing,
            incident: noted.incident,
            cut: noted.cut,
            billing: tagged("billing"),
            billing_address: billing_address(draft),
            consulting: tagged("consulting"),
            end_user: tagged("end-user"),
            status_page: links.status_page.clone(),
            documentation: links.documentation.clone(),
            community: links.community.clone(),
            escalation_normal: within_words(&normal, ticket.language),
            escalation_urgent: time_words(urgent.minutes, ticket.language),
            escalation_address: links.escalation_address.clone(),
            phone: links.phone.clone(),
        },
    )
}

/// Where questions about prices and invoices go (C5.2), if there is a queue for them.
fn billing_address(draft: &Draft) -> String {
    let queues = &draft.policy.queues;
    let billing = queues.iter().find(|q| q.name == "billing");
    billing.map(|q| q.address.clone()).unwrap_or_default()
}

fn security_acknowledgement(draft: &Draft, cut: bool) -> Text {
    let (ticket, links) = (&draft.ticket, &draft.policy.links);
    let content = AcknowledgementSecurity {
        ticket: ticket.id.0,
        vendor: links.vendor.clone(),
        received: draft
            .policy
            .book
            .local_for(ticket.received, ticket.language),
        cut,
        answer_within_hours: draft.policy.security.answer_within_hours,
        policy: links.security_policy.clone(),
        key: links.security_key.clone(),
    };
    draft.policy.templates.letter(ticket.language, &content)
}

/// Tells the customer that only the first part of a reply is here.
pub(super) fn cut(draft: &mut Draft) {
    let content = Cut {
        ticket: draft.ticket.id.0,
        vendor: draft.policy.links.vendor.clone(),
    };
    let text = draft
        .policy
        .templates
        .letter(draft.ticket.language, &content);
    draft.letter_to_requester(LetterKind::Change, text);
}

/// Whether only the mail's first part was taken.
pub(super) fn is_cut(case: &Case) -> bool {
    matches!(case.arrival.trouble, Some(Trouble::Cut { .. }))
}

/// Tells staff of a new ticket or of a reply: the assignee of a reply, else everybody of the queue; managers too where a manager has to answer.
pub(super) fn notify(draft: &mut Draft, case: &Case, why: &str) {
    let people = notified(draft);
    notify_people(draft, case, why, people);
}

/// Tells staff of a reply; of a flood of replies in one letter (ATTACKS.md F03).
pub(super) fn notify_of_reply(draft: &mut Draft, known: &Known, case: &Case, why: &str) {
    let reply = draft.last_mail();
    let mut people = notified(draft);
    people.retain(|person| digest::notifies_alone(draft, known, person, reply));
    // This run is thrown away: nobody reads what it would write.
    if known.lacks() {
        return;
    }
    notify_people(draft, case, why, people);
}

fn notify_people(draft: &mut Draft, case: &Case, why: &str, people: Vec<&Person>) {
    if people.is_empty() {
        return;
    }
    let text = if draft.queue().confidential {
        confidential_notice(draft, case)
    } else {
        notice(draft, case, why)
    };
    let enclosed = enclosed(draft, case);
    // Who wrote it himself has read it. In whose name somebody else wrote has not, and hears of it first (ATTACKS.md A01).
    let is_author = |p: &&Person| {
        let wrote = |a: &String| case.author.as_deref() == Some(a.as_str());
        arrival::is_proven(case) && p.addresses.iter().any(wrote)
    };
    let people: Vec<&Person> = people.into_iter().filter(|p| !is_author(p)).collect();
    for person in people {
        let enclosed = enclosed.clone().into_iter().collect();
        draft.letter_to_staff_with(LetterKind::Notice, person, text.clone(), enclosed);
    }
}

/// A copy for the address that a rule names, with the mail itself, byte for byte. An answer to it has no authority: the address is nobody's of the staff list
/// by this. Nothing confidential goes out this way, nothing to who wrote it, and nothing twice that a machine behind that address may have sent back (C05).
pub(super) fn forward(draft: &mut Draft, case: &Case, verdict: &Verdict, is_repeated: bool) {
    let Some(address) = &verdict.forward else {
        return;
    };
    let author = case.author.as_deref().unwrap_or_default();
    let why_not = if draft.queue().confidential {
        "this queue is confidential"
    } else if author.eq_ignore_ascii_case(address) {
        "that address wrote it"
    } else if draft.policy.is_own_address(address) {
        "it would come back to us"
    } else if is_repeated {
        "the same words came within the day, or from somebody who takes no part"
    } else {
        ""
    };
    if !why_not.is_empty() {
        let note = format!("Not forwarded to {address}: {why_not}.");
        return draft.note(EntryKind::Note, &note);
    }
    let content = Forward {
        ticket: draft.ticket.id.0,
        queue: draft.ticket.queue.clone(),
        reasons: verdict.reasons.clone(),
    };
    let text = staff_letter(draft, &content);
    let whole = whole(case, format!("mail-{}.eml", draft.ticket.id));
    draft.letter_to_address(LetterKind::Notice, address, text, vec![whole]);
}

/// The mail as it came.
fn whole(case: &Case, name: String) -> Enclosure {
    Enclosure {
        mail: case.mail.raw,
        part: None,
        name,
        media_type: "message/rfc822".into(),
        content_id: None,
    }
}

/// A report goes to its queue's own people whole and untouched, where that is wished or nobody on the way can read it; else they read it by `show`.
fn enclosed(draft: &Draft, case: &Case) -> Option<Enclosure> {
    let wished = draft.policy.security.attach || case.mail.is_encrypted();
    let meant = draft.queue().confidential && wished;
    // Its own name or subject is part of what it says.
    meant.then(|| whole(case, format!("report-{}.eml", draft.ticket.id)))
}

/// Tells staff of what no mail of the customer says: a request that staff opened, a call that was entered (C3.5, C7.2).
pub(super) fn notify_of(draft: &mut Draft, text: &str, new: bool) {
    let people = notified(draft);
    let text = notice_of(draft, text, new);
    for person in people {
        draft.letter_to_staff(LetterKind::Notice, person, text.clone());
    }
}

/// A ticket that came from another queue is a new one to everybody of this one. With the mail that opened it, as a report that came here (`enclosed`).
pub(super) fn notify_moved(
    draft: &mut Draft,
    text: &str,
    mail: Option<Fingerprint>,
    is_encrypted: bool,
) {
    let text = notice_of(draft, text, true);
    let queue = draft.queue();
    let meant = queue.confidential && (draft.policy.security.attach || is_encrypted);
    let report = mail.filter(|_| meant).map(|mail| Enclosure {
        mail,
        content_id: None,
        part: None,
        name: format!("report-{}.eml", draft.ticket.id),
        media_type: "message/rfc822".into(),
    });
    let people: Vec<&Person> = draft.policy.book.staff.of_queue(&queue.name).collect();
    for person in draft.reached(people) {
        let report = report.clone().into_iter().collect();
        draft.letter_to_staff_with(LetterKind::Notice, person, text.clone(), report);
    }
}

fn notice_of(draft: &Draft, text: &str, new: bool) -> Text {
    let (ticket, book) = (&draft.ticket, &draft.policy.book);
    let clock = ticket.next_deadline();
    let deadline = clock.map(|c| book.local(c.deadline));
    if draft.queue().confidential {
        let content = NoticeConfidential {
            ticket: ticket.id.0,
            new,
            age: duration(draft.now - ticket.received),
            deadline,
        };
        staff_letter(draft, &content)
    } else {
        let content = Notice {
            ticket: ticket.id.0,
            new,
            queue: ticket.queue.clone(),
            customer: ticket.subscription.customer_name.clone(),
            plan: book.plan_name(&ticket.subscription, ticket.received).into(),
            severity: ticket.severity,
            severity_by: severity_by(ticket.severity_by).into(),
            tags: ticket.tags.clone(),
            deadline,
            internal: clock.is_some_and(|c| c.objective.internal),
            explanation: clock
                .map(|c| book.explanation(&c.objective, c.started, c.deadline))
                .unwrap_or_default(),
            received: book.local(ticket.received),
            from_address: ticket.requester.address.clone(),
            subject: ticket.subject.clone(),
            new_text: text.chars().take(NOTICE_CHARS_MAX).collect(),
            assignee: ticket.assignee.clone().unwrap_or_default(),
            related: ticket.linked.iter().map(|t| t.0).collect(),
            ..Notice::default()
        };
        staff_letter(draft, &content)
    }
}

/// Who looks after a ticket is told to the others of the queue, who get no more notices of it; not to who said so, and who watches it reads on.
pub(super) fn answering(draft: &mut Draft, assignee: &Person, by: &str) {
    let content = Answering {
        ticket: draft.ticket.id.0,
        queue: draft.ticket.queue.clone(),
        assignee: assignee.name.clone(),
    };
    let text = staff_letter(draft, &content);
    let staff = &draft.policy.book.staff;
    let others = staff.people.iter().filter(|p| {
        p.role != Role::ReadOnly
            && p.queues.contains(&draft.ticket.queue)
            && p.id != assignee.id
            && p.id != by
            && !draft.ticket.watchers.contains(&p.id)
            && draft.reaches(p)
    });
    for person in others.collect::<Vec<_>>() {
        draft.letter_to_staff(LetterKind::Notice, person, text.clone());
    }
}

fn notified<'a>(draft: &Draft<'a>) -> Vec<&'a Person> {
    let (staff, queue) = (&draft.policy.book.staff, draft.queue().name.as_str());
    let escalated = draft
        .ticket
        .clocks
        .iter()
        .any(|c| c.kind == ClockKind::Escalation && c.is_running());
    let assignee = draft
        .ticket
        .assignee
        .as_deref()
        .and_then(|id| staff.by_id(id));
    let mut people: Vec<&Person> = match assignee {
        Some(person) => vec![person],
        None => staff.of_queue(queue).collect(),
    };
    if escalated || draft.for_managers {
        people.extend(staff.managers(queue));
    }
    if escalated {
        // C8.1.
        let tam = draft.ticket.subscription.tam.as_deref();
        people.extend(tam.and_then(|id| staff.by_id(id)));
    }
    let watches = |p: &&Person| draft.ticket.watchers.contains(&p.id);
    people.extend(staff.people.iter().filter(watches));
    people.retain(|p| draft.may_know(p));
    draft.reached(unique(people))
}

fn unique(people: Vec<&Person>) -> Vec<&Person> {
    let mut once: Vec<&Person> = vec![];
    for person in people {
        if !once.iter().any(|p| p.id == person.id) {
            once.push(person);
        }
    }
    once
}

fn notice(draft: &Draft, case: &Case, why: &str) -> Text {
    let (ticket, book, mail) = (&draft.ticket, &draft.policy.book, case.mail);
    let clock = ticket.next_deadline();
    let person = |id: &Option<String>| {
        id.as_deref()
            .and_then(|id| book.staff.by_id(id))
            .map(|p| p.name.clone())
            .unwrap_or_default()
    };
    let mut oddities = arrival::oddities(case);
    if !why.is_empty() {
        oddities.insert(0, why.into());
    }
    let content = Notice {
        ticket: ticket.id.0,
        new: ticket.first_mail == mail.raw,
        reopened: draft.reopened,
        queue: ticket.queue.clone(),
        customer: ticket.subscription.customer_name.clone(),
        plan: book
            .plan_name(&ticket.subscription, ticket.received)
            .to_string(),
        severity: ticket.severity,
        severity_by: severity_by(ticket.severity_by).into(),
        reasons: draft.reasons.clone(),
        tags: ticket.tags.clone(),
        deadline: clock.map(|c| book.local(c.deadline)),
        internal: clock.is_some_and(|c| c.objective.internal),
        explanation: clock
            .map(|c| {
                draft
                    .book(c)
                    .explanation(&c.objective, c.started, c.deadline)
            })
            .unwrap_or_default(),
        received: book.local(case.arrival.received),
        from_name: mail
            .from
            .first()
            .map(|m| cleaned(&m.name, 100))
            .unwrap_or_default(),
        from_address: case.author.clone().unwrap_or_else(|| {
            mail.from
                .first()
                .map(|m| lookalike::shown(&cleaned(&m.address, 254)))
                .unwrap_or_default()
        }),
        trust: trust_word(case).into(),
        subject: cleaned(&mail.subject, 200),
        new_text: mail.new_text.chars().take(NOTICE_CHARS_MAX).collect(),
        attachments: mail
            .attachments
            .iter()
            .take(50)
            .map(|a| cleaned(&a.name, 100))
            .collect(),
        oddities,
        assignee: person(&ticket.assignee),
        tam: person(&ticket.subscription.tam),
        related: ticket.linked.iter().map(|t| t.0).collect(),
    };
    staff_letter(draft, &content)
}

fn confidential_notice(draft: &Draft, case: &Case) -> Text {
    let content = NoticeConfidential {
        ticket: draft.ticket.id.0,
        new: draft.ticket.first_mail == case.mail.raw,
        age: duration(case.now - case.arrival.received),
        deadline: draft
            .ticket
            .next_deadline()
            .map(|c| draft.policy.book.local(c.deadline)),
    };
    staff_letter(draft, &content)
}

/// Warns one person of a clock's step (C10.3).
pub(super) fn warn(draft: &mut Draft, clock: usize, step: Step, person: &Person) {
    let clock = draft.ticket.clocks[clock].clone();
    let (kind, text) = match step {
        Step::Percent(_) if clock.kind == ClockKind::Update => {
            (LetterKind::Warning, warning(draft, &clock))
        }
        // The last step of an internal target (C3.2).
        Step::Percent(100..) => (LetterKind::Warning, breach(draft, &clock, 0)),
        Step::Percent(_) => (LetterKind::Warning, warning(draft, &clock)),
        Step::Breach => (LetterKind::Breach, breach(draft, &clock, 0)),
        Step::Repeat(n) => (LetterKind::Breach, breach(draft, &clock, n)),
    };
    draft.letter_to_staff(kind, person, text);
}

fn warning(draft: &Draft, clock: &Clock) -> Text {
    let (ticket, book) = (&draft.ticket, draft.book(clock));
    let (customer, plan) = shown_customer(draft);
    let left = clock.deadline - draft.now;
    let (left, expired, percent) = match left > TimeDelta::zero() {
        true => {
            let percent = passed_percent(draft, clock).min(99);
            (duration(left), String::new(), percent)
        }
        false => (String::new(), duration(-left), 100),
    };
    let content = Warning {
        ticket: ticket.id.0,
        queue: ticket.queue.clone(),
        customer,
        plan,
        severity: ticket.severity,
        subject: shown_subject(draft),
        owed: owed(clock.kind).into(),
        clause: clock.objective.clause.clone(),
        internal: clock.objective.internal,
        deadline: book.local(clock.deadline),
        left,
        expired,
        percent,
        explanation: book.explanation(&clock.objective, clock.started, clock.deadline),
        cost: cost(draft, clock),
        assignee: ticket.assignee.clone().unwrap_or_default(),
        only: only(clock).into(),
    };
    staff_letter(draft, &content)
}

/// How much of the objective's time has passed: less than the step says where it was pulled to before the desk closes (C10.2), more where it comes late.
fn passed_percent(draft: &Draft, clock: &Clock) -> u8 {
    let hours = draft.book(clock).hours(&clock.objective, clock.started);
    let total = hours.between(clock.started, clock.deadline).max(1);
    let passed = hours.between(clock.started, draft.now);
    u8::try_from((passed * 100 + total / 2) / total).unwrap_or(u8::MAX)
}

fn breach(draft: &Draft, clock: &Clock, repeat: u32) -> Text {
    let (ticket, book) = (&draft.ticket, draft.book(clock));
    let (customer, plan) = shown_customer(draft);
    let content = Breach {
        ticket: ticket.id.0,
        queue: ticket.queue.clone(),
        customer,
        plan,
        severity: ticket.severity,
        subject: shown_subject(draft),
        owed: owed(clock.kind).into(),
        clause: clock.objective.clause.clone(),
        internal: clock.objective.internal,
        deadline: book.local(clock.deadline),
        late: duration(draft.now - clock.deadline),
        credit_days: clock.credit_days,
        provisional: ticket.severity_by != SeverityBy::Staff,
        explanation: book.explanation(&clock.objective, clock.started, clock.deadline),
        cost: cost(draft, clock),
        assignee: ticket.assignee.clone().unwrap_or_default(),
        only: only(clock).into(),
        repeat,
    };
    staff_letter(draft, &content)
}

/// The customer's name and plan; in a confidential queue who wrote is part of what was written.
fn shown_customer(draft: &Draft) -> (String, String) {
    let (ticket, book) = (&draft.ticket, &draft.policy.book);
    if draft.queue().confidential {
        return Default::default();
    }
    let plan = book.plan_name(&ticket.subscription, ticket.received);
    (ticket.subscription.customer_name.clone(), plan.to_string())
}

fn shown_subject(draft: &Draft) -> String {
    if draft.queue().confidential {
        String::new()
    } else {
        draft.ticket.subject.clone()
    }
}

fn owed(kind: ClockKind) -> &'static str {
    match kind {
        ClockKind::InitialResponse => "initial response",
        ClockKind::Escalation => "answer to the escalation",
        ClockKind::NextReply => "next reply",
        ClockKind::Update => "update of the customer",
        ClockKind::EarlyWarning => "early warning to the authorities",
        ClockKind::Notification => "notification to the authorities",
        ClockKind::FinalReport => "final report to the authorities",
    }
}

fn only(clock: &Clock) -> &'static str {
    if clock.kind == ClockKind::Escalation {
        "a manager"
    } else {
        ""
    }
}

/// C10.3: what waiting costs.
fn cost(draft: &Draft, clock: &Clock) -> String {
    if draft.queue().confidential {
        return String::new();
    }
    let account = draft.ticket.account_of(clock);
    draft
        .policy
        .book_of_term(draft.book(clock), account, clock.deadline)
        .price_of_waiting(account, &clock.objective, clock.started, clock.deadline)
        .unwrap_or_default()
}

/// What became of a staff member's mail or command.
pub(super) fn transcript(
    draft: &mut Draft,
    person: &Person,
    done: Vec<String>,
    wrong: Vec<String>,
    relayed: Option<&[String]>,
) {
    let relayed_to = match relayed {
        Some(_) if draft.queue().confidential => "the reporter".into(),
        Some(to) => to.join(", "),
        None => String::new(),
    };
    let content = Transcript {
        manual: match wrong.is_empty() {
            true => vec![],
            false => command::manual(),
        },
        relayed_to,
        done,
        wrong,
        ..a_transcript(draft)
    };
    told(draft, person, &content);
}

/// What a mail with `#dry-run` would do.
pub(super) fn tried(draft: &mut Draft, person: &Person, mut done: Vec<String>, text: &str) {
    if !text.is_empty() {
        let size = match text.lines().count() {
            1 => "1 line".to_string(),
            lines => format!("{lines} lines"),
        };
        done.push(format!(
            "The text below the commands would go to the customer, {size}."
        ));
    }
    let content = Transcript {
        tried: true,
        done,
        ..a_transcript(draft)
    };
    told(draft, person, &content);
}

/// The manual, asked for by `#help`.
pub(super) fn manual(draft: &mut Draft, person: &Person, done: Vec<String>) {
    let content = Transcript {
        manual: command::manual(),
        done,
        ..a_transcript(draft)
    };
    told(draft, person, &content);
}

fn a_transcript(draft: &Draft) -> Transcript {
    Transcript {
        ticket: draft.ticket.id.0,
        ..Transcript::default()
    }
}

fn told(draft: &mut Draft, person: &Person, content: &Transcript) {
    let text = staff_letter(draft, content);
    draft.letter_to_staff(LetterKind::Transcript, person, text);
}

/// The customer hears of another severity or deadline (C5.5).
///
/// Whose mail was set aside, or turned out to be nothing, hears nothing of us. Whether it was written.
pub(super) fn change(
    draft: &mut Draft,
    severity_before: u8,
    reason: &str,
    corrected: bool,
) -> bool {
    let answerable = !matches!(draft.ticket.state, State::Quarantined | State::Void);
    let rests = draft.rests(&draft.ticket.requester.address);
    if !answerable || rests || draft.unreachable().is_some() {
        return false;
    }
    let (ticket, book) = (&draft.ticket, &draft.policy.book);
    let clock = ticket.initial_response().filter(|c| !c.objective.internal);
    let content = Change {
        ticket: ticket.id.0,
        vendor: draft.policy.links.vendor.clone(),
        severity: ticket.severity,
        severity_before,
        corrected,
        reason: cleaned(reason, 300),
        deadline: clock
            .filter(|c| c.is_running() && c.deadline > draft.now)
            .map(|c| book.local_for(c.deadline, ticket.language)),
        answered: ticket.responded.is_some(),
    };
    let text = draft.policy.templates.letter(ticket.language, &content);
    draft.letter_to_requester(LetterKind::Change, text);
    true
}

/// A staff member's answer goes out to the customer. To whom.
pub(super) fn relay(
    draft: &mut Draft,
    by: &Person,
    text: &str,
    html: Option<Html>,
    enclosures: Vec<Enclosure>,
) -> Vec<String> {
    let copies = copies(draft);
    let subject = thread::bare_subject(&draft.ticket.subject);
    let subject = format!(
        "{} {subject} [#{}]",
        if draft.ticket.language == Language::De || draft.ticket.language == Language::Gsw {
            "AW:"
        } else {
            "Re:"
        },
        draft.ticket.id
    );
    draft.relay(
        by,
        Text {
            subject,
            text: text.to_string(),
            html,
        },
        enclosures,
        &copies,
    )
}

/// Whom the customer put in copy: who takes part in the ticket and is neither he nor of the staff, whose notices are their own (ATTACKS.md B07).
fn copies(draft: &Draft) -> Vec<String> {
    let is_another = |address: &&String| {
        !address.eq_ignore_ascii_case(&draft.ticket.requester.address)
            && draft.policy.book.staff.by_address(address).is_none()
            && !draft.policy.is_own_address(address)
    };
    let participants = draft.ticket.participants.iter();
    let kept = participants.filter(|_| draft.queue().keep_copies);
    kept.filter(is_another).cloned().collect()
}

/// What stands above an answer that only its recipient can read.
pub(super) fn sealed(draft: &Draft) -> Text {
    let content = Sealed {
        ticket: draft.ticket.id.0,
    };
    let templates = &draft.policy.templates;
    templates.letter(draft.ticket.language, &content)
}

/// Two of the staff have answered the same mail of the customer's: each hears of the other's answer.
pub(super) fn answered_too(draft: &mut Draft, other: &Person, by: &Person, entry: u32) {
    let done = vec![format!(
        "{} has answered the customer too, not knowing of your answer: entry {entry}.",
        by.name
    )];
    transcript(draft, other, done, vec![], None);
}

/// The text of a `#template` (C5.4), in the customer's language.
pub(super) fn answer(draft: &Draft, name: &str, by: &Person) -> String {
    let content = serde_json::json!({
        "ticket": draft.ticket.id.0,
        "vendor": draft.policy.links.vendor,
        "by": by.name,
        "documentation": draft.policy.links.documentation,
        "community": draft.policy.links.community,
    });
    let name = format!("{}{name}", Templates::ANSWER);
    draft
        .policy
        .templates
        .compose(&name, draft.ticket.language, &content)
        .text
}

/// A letter did not reach the customer: who answered, or else everybody of the queue, is told.
pub(super) fn undelivered(draft: &mut Draft, entry: &Entry, letter: &LetterFacts, words: &str) {
    let (staff, queue) = (&draft.policy.book.staff, draft.queue().name.as_str());
    let people: Vec<&Person> = match staff.by_id(&entry.from) {
        // He may have answered before the ticket went to a queue that is not his.
        Some(writer) if command::may_act(writer, queue) => vec![writer],
        _ => staff.of_queue(queue).collect(),
    };
    let what = match letter.kind {
        LetterKind::Relay if !returned::is_to_requester(&draft.ticket, letter) => {
            "A copy of your answer"
        }
        LetterKind::Relay => "Your answer",
        LetterKind::Change => "Our letter about a change or a mail too large",
        _ => "The acknowledgement",
    };
    let to = if draft.queue().confidential {
        "the reporter"
    } else {
        &letter.to
    };
    let clock = if draft.ticket.responded.is_none() {
        " The customer has no answer; the clock runs."
    } else {
        ""
    };
    let failed = format!(
        "{what} of entry {} did not reach {to}: {words}.{clock}",
        entry.place.seq
    );
    for person in people {
        did_not_arrive(draft, person, &failed);
    }
}

/// Word of a letter that was lost on its way; `failed` says which.
pub(super) fn did_not_arrive(draft: &mut Draft, person: &Person, failed: &str) {
    let content = Transcript {
        failed: vec![failed.into()],
        ..a_transcript(draft)
    };
    told(draft, person, &content);
}

fn staff_letter<C: Content>(draft: &Draft, content: &C) -> Text {
    draft.policy.templates.letter(Language::En, content)
}

fn severity_by(by: SeverityBy) -> &'static str {
    match by {
        SeverityBy::Customer => "customer",
        SeverityBy::Rules => "rules",
        SeverityBy::Staff => "staff",
    }
}

/// `1 h 20 min`, `less than a minute`.
pub(super) fn duration(time: TimeDelta) -> String {
    let minutes = time.num_minutes().max(0);
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => "less than a minute".into(),
        (0, 0, m) => format!("{m} min"),
        (0, h, 0) => format!("{h} h"),
        (0, h, m) => format!("{h} h {m} min"),
        (d, h, _) => format!("{d} d {h} h"),
    }
}

/// For records: an instant in the contract's zone.
pub(super) fn local(draft: &Draft, at: DateTime<Utc>) -> String {
    draft.policy.book.local(at)
}
