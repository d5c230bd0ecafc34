//! A mail from somebody of the staff.
//!
//! Authority needs three locks together (ATTACKS.md A01): a token made for this person for this ticket, authentication by our own mail server, and the staff
//! list, looked at now. Anything less does nothing but tell staff. Commands stand in the first lines; one anywhere else holds the mail back (D10).
//!
//! What is relayed is the writer's own text: of what he quotes only the customer's own words, and nothing if he wrote nothing.

use super::arrival::{self, Case};
use super::belonging::{Belonging, Proof};
use super::command::{self, By, Orders, Words, may_act};
use super::draft::Draft;
use super::letter::{Enclosure, LetterKind};
use super::record::{Counters, Direction, EntryKind, Fate, Outcome};
use super::ticket::{State, Ticket};
use super::{Known, correspondence, delivery, thread};
use crate::contract::Person;
use crate::mail::sender::Trust;
use crate::mail::text::cleaned;
use crate::mail::{Mail, Mailbox, TextOf, quote};
use crate::rules::Verdict;

/// Before a customer's words in a notice (rules/letters, `barred`): by it they are known again in an answer that quotes the notice.
const BAR: char = '|';

/// What becomes of a human mail whose one author stands in the staff list.
pub(super) fn from_staff(
    case: &Case,
    known: &Known,
    belonging: Belonging,
    person: &Person,
    counters: Counters,
) -> Outcome {
    if let Err(why) = authenticated(case, person) {
        return arrival::set_aside(
            case,
            counters,
            &Verdict::default(),
            &format!(
                "it claims to be from {} of the staff, and {why}: nothing was carried out or relayed",
                person.id
            ),
        );
    }
    let (Some(ticket), Some(proof)) = (belonging.ticket.clone(), belonging.proof.clone()) else {
        let (commands, text) = command::split(&own_text(case.mail));
        if command::begins_a_ticket(&commands) && !case.arrival.silent {
            return command::opened_by_mail(case, known, person, &commands, &text, counters);
        }
        // A new request of a colleague is a request like any other.
        return arrival::from_requester(case, known, belonging, counters);
    };
    if let Proof::ReturnPath { .. } = proof {
        return given_back(case, ticket, person);
    }
    if asked_himself(&proof, &ticket, person) {
        return arrival::from_requester(case, known, belonging, counters);
    }
    match token_lock(&proof, person) {
        Ok(()) if may_act(person, &ticket.queue) => answered(case, known, ticket, person),
        Ok(()) => arrival::set_aside(
            case,
            counters,
            &Verdict::default(),
            &format!("{} may not act on queue {}", person.id, ticket.queue),
        ),
        Err(_) if wrote_to_requester(case, &ticket) && may_act(person, &ticket.queue) => {
            seen_directly(case, known, ticket, person)
        }
        Err(why) => arrival::set_aside(
            case,
            counters,
            &Verdict::default(),
            &format!("{why}: nothing was carried out or relayed"),
        ),
    }
}

/// No person writes to a return path: a responder without any mark does. Nobody is told, or it would answer that too.
fn given_back(case: &Case, ticket: Ticket, person: &Person) -> Outcome {
    let because = format!(
        "came from {} to the return path of a letter, where no person writes: filed",
        person.id
    );
    let mut draft = case.draft(ticket);
    arrival::record_mail(&mut draft, case, EntryKind::Filed, &because);
    draft.finish(because, Fate::Filed)
}

/// Whether it is a colleague's own request that he writes about, and no letter to him as one of the staff that he answers.
fn asked_himself(proof: &Proof, ticket: &Ticket, person: &Person) -> bool {
    token_lock(proof, person).is_err()
        && person
            .addresses
            .iter()
            .any(|a| a.eq_ignore_ascii_case(&ticket.requester.address))
}

/// The second lock: aligned DMARC, or submitted to our own server by this person's account.
fn authenticated(case: &Case, person: &Person) -> Result<(), String> {
    match &case.trust {
        Trust::Aligned => Ok(()),
        Trust::Submitted(account)
            if person
                .accounts
                .iter()
                .any(|a| a.eq_ignore_ascii_case(account)) =>
        {
            Ok(())
        }
        Trust::Submitted(account) => Err(format!(
            "it was submitted by the account {}",
            cleaned(account, 100)
        )),
        Trust::Unknown => Err("no authserv-id is configured, so nothing can be proven".into()),
        Trust::Unproven(why) | Trust::Ambiguous(why) => Err(format!(
            "our mail server does not confirm it ({})",
            cleaned(why, 200)
        )),
    }
}

/// The first lock: a token of a letter that went to this very person.
fn token_lock(proof: &Proof, person: &Person) -> Result<(), String> {
    let to_staff = |kind: &LetterKind| {
        matches!(
            kind,
            LetterKind::Notice | LetterKind::Warning | LetterKind::Breach | LetterKind::Transcript
        )
    };
    match proof {
        Proof::Token {
            kind, recipient, ..
        } if to_staff(kind)
            && person
                .addresses
                .iter()
                .any(|a| a.eq_ignore_ascii_case(recipient)) =>
        {
            Ok(())
        }
        Proof::Token { .. } => Err("it answers a letter that went to somebody else".into()),
        Proof::ReturnPath { .. } | Proof::Stored | Proof::Number => {
            Err("it does not answer a letter that went to this person".into())
        }
    }
}

fn wrote_to_requester(case: &Case, ticket: &Ticket) -> bool {
    names(&case.mail.to, ticket)
}

fn names(recipients: &[Mailbox], ticket: &Ticket) -> bool {
    let requester = &ticket.requester.address;
    !requester.is_empty()
        && recipients
            .iter()
            .any(|m| m.address.eq_ignore_ascii_case(requester))
}

/// An answer sent past the desk, with the queue in copy: it stops the clock at our receipt of it (C4.4).
fn seen_directly(case: &Case, known: &Known, ticket: Ticket, person: &Person) -> Outcome {
    let id = ticket.id;
    let mut draft = case.draft(ticket);
    let text = format!("{} answered the customer directly.", person.id);
    arrival::record_mail(&mut draft, case, EntryKind::Mail, &text);
    if let Some(entry) = draft.last_entry() {
        entry.direction = Direction::Out;
    }
    if !case.arrival.silent && !own_text(case.mail).is_empty() {
        answered_directly(&mut draft, case, known, person);
    }
    draft.finish(
        format!("{} answered ticket {id} directly", person.id),
        Fate::Joined,
    )
}

fn answered_directly(draft: &mut Draft, case: &Case, known: &Known, person: &Person) {
    if let Some(id) = &case.mail.message_id {
        draft.refer_to(id);
    }
    let at = case.arrival.received;
    delivery::answered_by(draft, known, &person.id, at, at);
}

/// All three locks are open: commands first, the rest goes to the customer.
fn answered(case: &Case, known: &Known, ticket: Ticket, person: &Person) -> Outcome {
    let id = ticket.id;
    let (commands, text) = command::split(&own_text(case.mail));
    let text = text.trim();
    let mut draft = case.draft(ticket);
    let from = format!("From {} of the staff.", person.id);
    arrival::record_mail(&mut draft, case, EntryKind::Mail, &from);
    if let Some(entry) = draft.last_entry() {
        entry.direction = Direction::Internal;
    }
    if case.arrival.silent {
        return draft.finish("history: of staff", Fate::Joined);
    }
    // On a copy, so that nothing of it is left if anything is wrong.
    let mut orders = Orders::on(draft.clone(), known, By::person(person));
    let (mut done, mut wrong) = orders.carry_out(&commands);
    wrong.extend(command::faults(&commands, text, case.mail));
    wrong.extend(held_because(&draft, case, &commands, text));
    if orders.answer.is_some() && !text.is_empty() {
        wrong.push(
            "A letter of #template is a whole answer; leave out your own text, or the command."
                .into(),
        );
    }
    if !wrong.is_empty() {
        correspondence::transcript(&mut draft, person, vec![], wrong, false);
        return draft.finish(
            format!("held back a mail of {} on ticket {id}", person.id),
            Fate::Joined,
        );
    }
    if orders.dry {
        correspondence::tried(&mut draft, person, done, text);
        return draft.finish(
            format!("tried by {} on ticket {id}", person.id),
            Fate::Joined,
        );
    }
    let (help, answer) = (orders.help, orders.answer.take());
    let mut draft = orders.draft;
    let relays = !text.is_empty() && !names(&case.mail.cc, &draft.ticket);
    if let Some(answer) = &answer {
        correspondence::relay(&mut draft, person, answer, vec![]);
    } else if relays && !wrote_to_requester(case, &draft.ticket) {
        done.extend(relayed(&mut draft, case, person, text));
    } else if !text.is_empty() {
        answered_directly(&mut draft, case, known, person);
    }
    if help {
        correspondence::manual(&mut draft, person, done);
    } else if !done.is_empty() {
        correspondence::transcript(&mut draft, person, done, vec![], relays || answer.is_some());
    }
    draft.finish(format!("{} on ticket {id}", person.id), Fate::Joined)
}

/// The writer's own words and nothing else: of our notice, which he quotes, the customer may see the customer's words only. What stands in an enclosed file or
/// mail is nobody's answer.
fn own_text(mail: &Mail) -> String {
    let own = || quote::own_text(&mail.text, mail.html.as_deref(), BAR);
    match mail.text_of {
        TextOf::Attached => String::new(),
        TextOf::Plain | TextOf::Html => own().unwrap_or_default(),
    }
}

/// Why a mail with three open locks is held back all the same: each time the customer might read what was not meant for him, or the writer might think that
/// something was sent.
fn held_because(draft: &Draft, case: &Case, commands: &[Words], text: &str) -> Vec<String> {
    let mut because = vec![];
    if case.mail.written.is_none() {
        because
            .push("The mail has no Message-ID, so it could not be told from a repetition.".into());
    }
    if thread::is_forward(&case.mail.subject) {
        because
            .push("The mail is a forward, and a forward is no answer; reply to the notice.".into());
    }
    if commands.is_empty() && text.is_empty() {
        because.push("There is no text of your own in the mail.".into());
    }
    if !text.is_empty() {
        because.extend(draft.unreachable());
        if correspondence::quotes_ourselves(draft.policy, text) {
            because.push("Our own notice stands in what would go to the customer; delete the quotation and answer again.".into());
        }
    }
    because
}

/// The text goes to the customer, with the files; not with an enclosed mail, which some clients make of the notice that is answered. What to tell the writer.
fn relayed(draft: &mut Draft, case: &Case, person: &Person, text: &str) -> Option<String> {
    let (mails, files): (Vec<_>, Vec<_>) = case
        .mail
        .attachments
        .iter()
        .partition(|a| is_mail(&a.media_type, &a.name));
    let enclosures = files.into_iter().map(|a| Enclosure {
        mail: case.mail.raw,
        part: a.part,
        name: a.name.clone(),
        media_type: a.media_type.clone(),
    });
    correspondence::relay(draft, person, text, enclosures.collect());
    if draft.ticket.state == State::Quarantined {
        draft.ticket.state = State::Open;
    }
    (!mails.is_empty()).then(|| {
        "A mail that was enclosed did not go along: it may be a notice of ours. Send its text, if it is meant for the customer.".into()
    })
}

fn is_mail(media_type: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    media_type.starts_with("message/") || name.ends_with(".eml") || name.ends_with(".msg")
}
