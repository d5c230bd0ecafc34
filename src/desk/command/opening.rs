//! `#open` and `#human`: a request that no mail of the customer opened by itself (C3.5, C10.5).
//!
//! `#open` begins a mail of its own to the queue: two locks, authentication and the staff list (ATTACKS.md, "Settled where rows meet the contract"). What stands
//! below the commands is what the customer wants, and goes to nobody outside.

use super::{By, Done, Orders, Road, VERBS, Words, concluded, faults, may_act, refused};
use crate::contract::Person;
use crate::desk::arrival::{self, Case};
use crate::desk::clocks;
use crate::desk::draft::Draft;
use crate::desk::event::Arrival;
use crate::desk::record::{Counters, Direction, EntryKind, Fate, Outcome, Place, Record};
use crate::desk::ticket::{SeverityBy, State, Ticket, TicketId};
use crate::desk::{Known, Policy, acknowledgement, belonging, correspondence};
use crate::mail::text::cleaned;
use crate::mail::{self, Fingerprint, Kind, Language, Mail, Mailbox, address};
use crate::rules::{Facts, Verdict};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// The first words on an entry of the file that is a ticket now.
const BROUGHT_BACK: &str = "Brought back";

/// Whether a mail that answers nothing of ours begins with a command: to open a ticket for a customer, or in the wrong place.
pub(in crate::desk) fn begins_with_a_command(commands: &[Words]) -> bool {
    let by_mail = |name: &str| VERBS.iter().any(|v| v.name == name && v.road != Road::Line);
    commands.first().is_some_and(|w| by_mail(&w.name))
}

fn begins_a_ticket(commands: &[Words]) -> bool {
    commands
        .first()
        .is_some_and(|w| w.name == "open" || w.name == "human")
}

/// In the table for the manual; on a ticket it is out of place.
pub(super) fn misplaced(_: &mut Orders, _: &str) -> Done {
    Err("#open begins a mail of its own to the queue's address, not an answer; a second problem is #split off.".into())
}

/// What somebody wants to open.
struct Wish<'w> {
    queue: &'w str,
    address: String,
    subject: &'w str,
    /// Of the mail or the call.
    first_mail: Fingerprint,
    language: Language,
    received: DateTime<Utc>,
}

/// A mail that begins with a command, most of all `#open`, from a member of the staff whom our own server vouches for.
pub(in crate::desk) fn opened_by_mail(
    case: &Case,
    known: &Known,
    person: &Person,
    commands: &[Words],
    text: &str,
    counters: Counters,
) -> Outcome {
    if commands[0].name == "human" {
        return brought_back_by_mail(case, known, person, commands, text, counters);
    }
    let mut wrong = faults(commands, text, case.mail);
    if case.mail.written.is_none() {
        wrong.push("The mail has no Message-ID, so it could not be told from a repetition.".into());
    }
    let by = By::person(person);
    let recorded = |draft: &mut Draft| {
        let from = format!("From {} of the staff.", person.id);
        arrival::record_mail(draft, case, EntryKind::Mail, &from);
        if let Some(entry) = draft.last_entry() {
            entry.direction = Direction::Internal;
        }
    };
    let mut dry = None;
    let wished = match begins_a_ticket(commands) {
        true => wish(case.policy, by, commands, &case.queue.name, case.mail.raw),
        false => Err("The mail answers no letter about a ticket, so nobody can know which one is meant; answer a notice of it.".into()),
    };
    match wished {
        Ok(wish) => {
            let wish = Wish {
                subject: match wish.subject {
                    "" => &case.mail.subject,
                    given => given,
                },
                received: case.arrival.received,
                language: case.mail.language,
                ..wish
            };
            let mut draft = Draft::of(case.policy, ticket(case.policy, by, known, &wish), case.now);
            draft.next_number(known);
            recorded(&mut draft);
            let (mut orders, done, faults) = opened(draft, known, by, commands, text);
            wrong.extend(faults);
            if wrong.is_empty() && !orders.dry {
                correspondence::transcript(&mut orders.draft, person, done, vec![], None);
                let because = format!("{} opened ticket {}", by.id, orders.draft.ticket.id);
                return orders.draft.finish(because, Fate::Opened);
            }
            dry = orders.dry.then_some(done);
        }
        Err(why) => wrong.push(why),
    }
    // What was not carried out is kept all the same, as what was set aside.
    let subscription = arrival::subscription_of(case);
    let aside = arrival::new_ticket(case, counters, subscription, &Verdict::default());
    let mut draft = Draft::of(case.policy, aside, case.now);
    draft.next_number(known);
    draft.ticket.state = State::Quarantined;
    recorded(&mut draft);
    unacknowledged(&mut draft, person);
    match dry.filter(|_| wrong.is_empty()) {
        Some(done) => correspondence::tried(&mut draft, person, done, ""),
        None => correspondence::transcript(&mut draft, person, vec![], wrong, None),
    }
    let because = format!("nothing opened by a mail of {}", by.id);
    draft.finish(because, Fate::Quarantined)
}

/// Commands that were kept as a ticket of their own, set aside, have nobody outside who waits for word.
fn unacknowledged(draft: &mut Draft, person: &Person) {
    let words = format!(
        "Not acknowledged: these are commands of {}, who is told what became of them.",
        person.id
    );
    draft.note(EntryKind::Note, &words);
}

/// `ticketd open` and `ticketd human`, which speak of no ticket.
pub(super) fn from_a_shell(
    policy: &Policy,
    known: &Known,
    by: By,
    commands: &[Words],
    text: &str,
    now: DateTime<Utc>,
) -> Outcome {
    if !begins_a_ticket(commands) {
        return refused(vec![
            "say which ticket; 0 is the file of automatic mail.".into(),
        ]);
    }
    if commands[0].name == "human" {
        return match brought_back(policy, known, by, commands, now) {
            Ok((outcome, line)) => Outcome {
                reply: vec![line],
                ..outcome
            },
            Err(why) => refused(vec![why]),
        };
    }
    let said: Vec<String> = commands
        .iter()
        .map(|w| format!("#{} {}", w.name, w.rest))
        .collect();
    let said = format!("{}\n{text}\n{}\n{now}", said.join("\n"), by.id);
    let first = Fingerprint::of(said.as_bytes());
    let wish = match wish(policy, by, commands, &policy.queues[0].name, first) {
        Ok(wish) => Wish {
            received: now,
            ..wish
        },
        Err(why) => return refused(vec![why]),
    };
    let mut draft = Draft::of(policy, ticket(policy, by, known, &wish), now);
    draft.next_number(known);
    let words = format!("Opened for {}. {text}", wish.address);
    draft.entry(EntryKind::Command, Direction::Internal, by.id, words.trim());
    let (orders, mut done, wrong) = opened(draft, known, by, commands, text);
    done.insert(
        0,
        format!("Opened ticket {}.{}", orders.draft.ticket.id, orders.due()),
    );
    concluded(orders, done, wrong)
}

/// The clock runs, and the commands after `#open` are carried out on the new ticket; then who has to know is told.
fn opened<'a, 'k>(
    mut draft: Draft<'a>,
    known: &'k Known,
    by: By<'a>,
    commands: &[Words],
    text: &str,
) -> (Orders<'a, 'k>, Vec<String>, Vec<String>) {
    judged(&mut draft, text);
    let received = draft.ticket.received;
    clocks::opened(&mut draft, received);
    let mut orders = Orders::on(draft, known, by);
    orders.opening = true;
    let (mut done, wrong) = orders.carry_out(&commands[1..]);
    let address = orders.draft.ticket.requester.address.clone();
    done.insert(0, format!("Opened for {address}.{}", orders.due()));
    correspondence::acknowledge_opened(&mut orders.draft);
    correspondence::notify_of(&mut orders.draft, text, true);
    (orders, done, wrong)
}

/// What the customer said has the severity that it would have in a mail of theirs (C6.4), until staff say otherwise.
fn judged(draft: &mut Draft, text: &str) {
    let ticket = &mut draft.ticket;
    let subject = &ticket.subject;
    let said =
        format!("Subject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}");
    let facts = Facts {
        queue: ticket.queue.clone(),
        customer: ticket.subscription.customer.clone().unwrap_or_default(),
        plan: ticket.subscription.plan.clone(),
        trust: "forwarded".into(),
        received: ticket.received,
    };
    let verdict = draft
        .policy
        .rules
        .classify(&mail::read(said.as_bytes()), &facts);
    (ticket.severity, ticket.severity_by) = arrival::severity_of(&verdict);
    let chosen = arrival::ordered(
        draft.policy,
        &ticket.subscription,
        &verdict,
        ticket.received,
    );
    if let Some(account) = chosen {
        ticket.subscription = account;
    }
    draft.reasons = verdict.reasons;
}

/// `#open [QUEUE] ADDRESS SUBJECT`.
fn wish<'w>(
    policy: &Policy,
    by: By,
    commands: &'w [Words],
    queue: &'w str,
    first_mail: Fingerprint,
) -> Result<Wish<'w>, String> {
    let usage = "use #open [QUEUE] ADDRESS SUBJECT.";
    let words = commands.first().map_or("", |w| w.rest.as_str());
    let cut = |words: &'w str| words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let (first, rest) = cut(words);
    let named = policy.queues.iter().any(|q| q.name == first);
    let (queue, (address, subject)) = match named {
        true => (first, cut(rest.trim_start())),
        false => (queue, (first, rest)),
    };
    let bare = address.trim_start_matches('<').trim_end_matches('>');
    let Some(address) = address::strict(bare) else {
        return Err(format!("#open \"{words}\" names no plain address; {usage}"));
    };
    if policy.is_own_address(&address) {
        return Err(format!(
            "#open: {address} is ours; letters would come back."
        ));
    }
    if let Some(person) = by.person.filter(|p| !may_act(p, queue)) {
        return Err(format!(
            "#open: {} may not act on queue {queue}.",
            person.id
        ));
    }
    Ok(Wish {
        queue,
        address,
        subject: subject.trim(),
        first_mail,
        language: Language::Other,
        received: DateTime::UNIX_EPOCH,
    })
}

fn ticket(policy: &Policy, by: By, known: &Known, wish: &Wish) -> Ticket {
    let subscription = policy.book.subscription(&wish.address, wish.received);
    Ticket {
        id: TicketId(known.counters().ticket + 1),
        first_mail: wish.first_mail,
        queue: wish.queue.into(),
        former_queues: vec![],
        subject: cleaned(wish.subject, 200),
        state: State::New,
        severity: arrival::SEVERITY_DEFAULT,
        severity_by: SeverityBy::Rules,
        language: arrival::language_of_letters(&subscription, wish.language),
        subscription,
        requester: Mailbox {
            name: String::new(),
            address: wish.address.clone(),
        },
        // Staff vouch for it.
        requester_proven: true,
        participants: vec![wish.address.clone()],
        assignee: None,
        watchers: vec![],
        opened_by: Some(by.id.into()),
        channel: None,
        nothing: None,
        received: wish.received,
        responded: None,
        closed: None,
        clocks: vec![],
        entries: 0,
        tags: vec![],
        references: vec![],
        linked: vec![],
        merged_into: None,
        merged: vec![],
        incident: None,
        policy: policy.book_hash,
    }
}

/// What a machine's marks hid, or what was set aside, is a request: owed from when it came (C10.5).
pub(super) fn human(orders: &mut Orders, words: &str) -> Done {
    match orders.draft.ticket.state {
        State::Quarantined if words.is_empty() => request(orders),
        _ => reply(orders, words),
    }
}

fn request(orders: &mut Orders) -> Done {
    let (draft, by) = (&mut orders.draft, orders.by.id);
    clocks::taken_up(draft, by);
    correspondence::acknowledge_opened(draft);
    Ok(format!("It is a request.{}", orders.due()))
}

/// What was filed on the ticket is a reply of the customer.
fn reply(orders: &mut Orders, words: &str) -> Done {
    let entries = orders.known.entries(orders.draft.ticket.id);
    let number = words.trim_start_matches('#').parse::<u32>().ok();
    let filed = |e: &&crate::desk::Entry| e.kind == EntryKind::Filed && e.mail.is_some();
    let found = match number {
        Some(seq) => entries.iter().filter(filed).find(|e| e.place.seq == seq),
        None if words.is_empty() => entries.iter().rfind(filed),
        None => None,
    };
    let Some(entry) = found else {
        return Err(format!(
            "#human: ticket {} has no automatic mail{}; see ticketd show {}.",
            orders.draft.ticket.id,
            named(words),
            orders.draft.ticket.id
        ));
    };
    let mut changed = entry.clone();
    changed.kind = EntryKind::Mail;
    let (at, seq) = (entry.at, entry.place.seq);
    orders
        .draft
        .also
        .push(crate::desk::Record::Entry(Box::new(changed)));
    let (draft, by) = (&mut orders.draft, orders.by.id);
    let line = format!("The mail of entry {seq} is a person's.");
    match draft.ticket.state {
        State::Closed | State::Void => {
            clocks::reopened(draft, by, &format!("{line} Reopened by it (C4.9)."), at);
        }
        _ => {
            draft.entry(EntryKind::State, Direction::Internal, by, &line);
            clocks::ours(draft, at);
        }
    }
    Ok(line)
}

/// The entry that was asked for, behind what there is none of.
fn named(words: &str) -> String {
    match words {
        "" => String::new(),
        words => format!(" {words}"),
    }
}

/// Automatic mail in the file is a person's: it is taken as if it arrived as one when it came (C10.5).
fn brought_back(
    policy: &Policy,
    known: &Known,
    by: By,
    commands: &[Words],
    now: DateTime<Utc>,
) -> Result<(Outcome, String), String> {
    let words = commands[0].rest.trim().trim_start_matches('#');
    if commands.len() > 1 {
        return Err("#human stands alone: the rest is said of the ticket that it opens.".into());
    }
    let nothing = || {
        format!(
            "#human: the file has no automatic mail{}; see ticketd list --filed.",
            named(words)
        )
    };
    let seq = words.parse::<u32>().map_err(|_| nothing())?;
    let place = Place {
        ticket: TicketId::FILE,
        seq,
    };
    let entry = known.entry(place).ok_or_else(nothing)?;
    let facts = entry.mail.as_ref().ok_or_else(nothing)?;
    if by.person.is_some_and(|p| !may_act(p, &facts.queue)) {
        return Err(nothing());
    }
    if entry.text.starts_with(BROUGHT_BACK) {
        return Err(format!(
            "#human: {}",
            entry.text.lines().next().unwrap_or_default()
        ));
    }
    let mail = known.mail(place).ok_or_else(nothing)?;
    let arrival = Arrival {
        mailbox: facts.mailbox.clone(),
        queue: facts.queue.clone(),
        mail: Arc::new(Mail {
            kind: Kind::Human,
            kind_reason: format!("{} says so", by.id),
            ..(**mail).clone()
        }),
        received: entry.at,
        silent: false,
        cursor: None,
        trouble: None,
    };
    let case = Case {
        brought_back: true,
        ..Case::of(policy, known, &arrival, now)
    };
    let belonging = belonging::find(&case, known);
    acknowledgement::ask(&case, known);
    let outcome = arrival::from_requester(&case, known, belonging, known.counters());
    let ticket = outcome.records.iter().find_map(|r| match r {
        Record::Ticket(ticket) => Some(ticket.id),
        _ => None,
    });
    let ticket = ticket.ok_or_else(nothing)?;
    let line = format!("{BROUGHT_BACK} by {} as ticket {ticket}.", by.id);
    let mut changed = entry.clone();
    changed.text = format!("{line}\n{}", entry.text);
    Ok((outcome.with(Record::Entry(Box::new(changed))), line))
}

/// By a mail of its own: two locks, as `#open`. The mail itself is filed; what was done, or why not, comes back.
fn brought_back_by_mail(
    case: &Case,
    known: &Known,
    person: &Person,
    commands: &[Words],
    text: &str,
    counters: Counters,
) -> Outcome {
    let by = By::person(person);
    let mut wrong = faults(commands, text, case.mail);
    if !text.trim().is_empty() {
        wrong.push("#human stands alone: nothing of the text goes to anybody.".into());
    }
    let done = match brought_back(case.policy, known, by, commands, case.now) {
        Ok(done) if wrong.is_empty() => done,
        Ok(_) => return not_brought_back(case, known, person, wrong, counters),
        Err(why) => {
            wrong.push(why);
            return not_brought_back(case, known, person, wrong, counters);
        }
    };
    let (mut outcome, line) = done;
    let latest = |r: &Record| match r {
        Record::Counters(counters) => Some(*counters),
        _ => None,
    };
    let given = outcome
        .records
        .iter()
        .rev()
        .find_map(latest)
        .unwrap_or(counters);
    let filed = arrival::file(case, given, format!("#human by {}", person.id));
    outcome.records.extend(filed.records);
    // The transcript stands on the ticket, as it is after all that.
    let ticket = outcome.records.iter().find_map(|r| match r {
        Record::Ticket(ticket) => Some(ticket.clone()),
        _ => None,
    });
    if let Some(ticket) = ticket {
        let mut draft = case.draft(*ticket);
        correspondence::transcript(&mut draft, person, vec![line], vec![], None);
        let told = draft.finish("", Fate::None);
        outcome.records.extend(told.records);
        outcome.letters.extend(told.letters);
    }
    outcome
}

fn not_brought_back(
    case: &Case,
    known: &Known,
    person: &Person,
    wrong: Vec<String>,
    counters: Counters,
) -> Outcome {
    let subscription = arrival::subscription_of(case);
    let aside = arrival::new_ticket(case, counters, subscription, &Verdict::default());
    let mut draft = case.draft(aside);
    draft.next_number(known);
    draft.ticket.state = State::Quarantined;
    let from = format!("From {} of the staff.", person.id);
    arrival::record_mail(&mut draft, case, EntryKind::Mail, &from);
    if let Some(entry) = draft.last_entry() {
        entry.direction = Direction::Internal;
    }
    unacknowledged(&mut draft, person);
    correspondence::transcript(&mut draft, person, vec![], wrong, None);
    draft.finish(
        format!("nothing brought back by a mail of {}", person.id),
        Fate::Quarantined,
    )
}
