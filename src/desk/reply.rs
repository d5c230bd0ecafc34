//! A mail from somebody of the staff.
//!
//! Authority needs three locks together (ATTACKS.md A01): a token made for this person for this ticket, authentication by our own mail server, and the staff
//! list, looked at now. Anything less does nothing but tell staff. Commands stand in the first lines; one anywhere else holds the mail back (D10).

use super::arrival::{self, Case};
use super::belonging::{Belonging, Proof};
use super::command::{self, Words};
use super::draft::Draft;
use super::letter::{Enclosure, LetterKind};
use super::record::{Counters, Direction, EntryKind, Fate, Outcome};
use super::ticket::{State, Ticket};
use super::{Known, correspondence, delivery};
use crate::contract::{Person, Role};
use crate::mail::sender::Trust;
use crate::mail::text::cleaned;

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
            &format!(
                "it claims to be from {} of the staff, and {why}: nothing was carried out or relayed",
                person.id
            ),
        );
    }
    let (Some(ticket), Some(proof)) = (belonging.ticket.clone(), belonging.proof.clone()) else {
        // A new request of a colleague is a request like any other.
        return arrival::from_requester(case, known, belonging, counters);
    };
    match token_lock(&proof, person) {
        Ok(()) if may_act(person, &ticket) => answered(case, ticket, person),
        Ok(()) => arrival::set_aside(
            case,
            counters,
            &format!("{} may not act on queue {}", person.id, ticket.queue),
        ),
        Err(_) if wrote_to_requester(case, &ticket) && may_act(person, &ticket) => {
            seen_directly(case, ticket, person)
        }
        Err(why) => arrival::set_aside(
            case,
            counters,
            &format!("{why}: nothing was carried out or relayed"),
        ),
    }
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
        Proof::Stored | Proof::Number => {
            Err("it does not answer a letter that went to this person".into())
        }
    }
}

/// The third lock, at the time of execution (A08).
fn may_act(person: &Person, ticket: &Ticket) -> bool {
    person.role != Role::ReadOnly && person.queues.contains(&ticket.queue)
}

fn wrote_to_requester(case: &Case, ticket: &Ticket) -> bool {
    case.mail
        .to
        .iter()
        .any(|m| m.address.eq_ignore_ascii_case(&ticket.requester.address))
}

/// An answer sent past the desk, with the queue in copy: it stops the clock at our receipt of it (C4.4).
fn seen_directly(case: &Case, ticket: Ticket, person: &Person) -> Outcome {
    let id = ticket.id;
    let mut draft = Draft::of(case.policy, ticket, case.now);
    arrival::record_mail(
        &mut draft,
        case,
        EntryKind::Mail,
        &format!("{} answered the customer directly.", person.id),
    );
    if let Some(entry) = draft.last_entry() {
        entry.direction = Direction::Out;
    }
    if !case.mail.new_text.trim().is_empty() {
        delivery::answered_by(&mut draft, &person.id, case.arrival.received);
    }
    draft.finish(
        format!("{} answered ticket {id} directly", person.id),
        Fate::Joined,
    )
}

/// All three locks are open: commands first, the rest goes to the customer.
fn answered(case: &Case, ticket: Ticket, person: &Person) -> Outcome {
    let id = ticket.id;
    let (commands, text) = command::split(&case.mail.new_text);
    let mut draft = Draft::of(case.policy, ticket, case.now);
    arrival::record_mail(
        &mut draft,
        case,
        EntryKind::Mail,
        &format!("From {} of the staff.", person.id),
    );
    if let Some(entry) = draft.last_entry() {
        entry.direction = Direction::Internal;
    }
    let wrong = command::faults(&draft, person, &commands, &text, case.mail.html.as_deref());
    if !wrong.is_empty() {
        correspondence::transcript(&mut draft, person, vec![], wrong, "");
        return draft.finish(
            format!("held back a mail of {} on ticket {id}", person.id),
            Fate::Joined,
        );
    }
    let done = carried_out(&mut draft, person, &commands);
    let relayed = relayed(&mut draft, case, person, &commands, text.trim());
    if !done.is_empty() {
        let to = if relayed {
            draft.ticket.requester.address.clone()
        } else {
            String::new()
        };
        correspondence::transcript(&mut draft, person, done, vec![], &to);
    }
    draft.finish(format!("{} on ticket {id}", person.id), Fate::Joined)
}

fn carried_out(draft: &mut Draft, person: &Person, commands: &[Words]) -> Vec<String> {
    commands
        .iter()
        .map(|words| command::execute(draft, &person.id, words))
        .collect()
}

/// What is left of the text goes to the customer; a reply without own text is no answer (C4.4), what follows `#note` is ours.
fn relayed(
    draft: &mut Draft,
    case: &Case,
    person: &Person,
    commands: &[Words],
    text: &str,
) -> bool {
    let internal = commands.iter().any(Words::is_note);
    if internal
        || (text.is_empty() && case.mail.attachments.is_empty())
        || !draft.may_write_to_requester()
    {
        return false;
    }
    let enclosures = case.mail.attachments.iter().map(|a| Enclosure {
        mail: case.mail.raw,
        part: a.part,
        name: a.name.clone(),
        media_type: a.media_type.clone(),
    });
    correspondence::relay(draft, person, text, enclosures.collect());
    if draft.ticket.state == State::Quarantined {
        draft.ticket.state = State::Open;
    }
    true
}
