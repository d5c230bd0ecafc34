//! Which ticket a mail belongs to, by what proof.
//!
//! Order: a token of ours (newest reference first, then a `+` address), then Message-IDs stored in the same queue, then a number in the subject
//! from a participant. What nothing proves opens its own ticket with a hint for staff (ATTACKS.md B01, B02).

use super::arrival::Case;
use super::record::Place;
use super::thread;
use super::ticket::{Ticket, TicketId};
use super::token::{self, Claim, Purpose};
use super::{Known, LetterKind};
use crate::mail::Mail;

/// How often a merged ticket's mail is passed on.
const MERGES_MAX: usize = 8;

/// Why a mail belongs to a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It answers a letter of ours.
    Token {
        /// Which kind of letter.
        kind: LetterKind,
        /// Its entry.
        place: Place,
        /// To whom that letter went.
        recipient: String,
    },
    /// It came to the return path of a letter of ours, as only what a mail server gives back does.
    ReturnPath {
        /// That letter's entry.
        place: Place,
    },
    /// It refers to a mail of the ticket.
    Stored,
    /// It names the number, and its author takes part.
    Number,
}

/// The ticket a mail belongs to, if any.
#[derive(Clone, Debug, Default)]
pub struct Belonging {
    /// The ticket, merges followed.
    pub ticket: Option<Ticket>,
    /// By what proof; with none there is no ticket.
    pub proof: Option<Proof>,
    /// A ticket it names without proof: a hint for staff only.
    pub possibly: Option<Ticket>,
}

/// Looks for the ticket. All ids are asked for at once, so that one loading answers them.
pub(super) fn find(case: &Case, known: &Known) -> Belonging {
    let by_token = proven_claim(case, known);
    let by_id = stored(case, known);
    let by_phantom = by_phantom(case, known);
    let by_id = by_id.or(by_phantom);
    let by_number = thread::subject_numbers(&case.mail.subject)
        .first()
        .and_then(|n| known.ticket(TicketId(*n)));
    if let Some((ticket, proof)) = by_token {
        return Belonging {
            ticket: followed(known, ticket),
            proof: Some(proof),
            possibly: None,
        };
    }
    // A forward to us speaks of something new, whatever it refers to (zammad#4965); an answer to a letter of ours never is one.
    let forwarded = thread::is_forward(&case.mail.subject);
    if let Some(ticket) = by_id {
        let ticket = followed(known, ticket);
        return if forwarded {
            Belonging {
                possibly: ticket,
                ..Belonging::default()
            }
        } else {
            Belonging {
                ticket,
                proof: Some(Proof::Stored),
                possibly: None,
            }
        };
    }
    let Some(named) = by_number.and_then(|t| followed(known, t)).filter(|t| {
        let here = &case.queue.name;
        t.queue == *here || t.former_queues.contains(here)
    }) else {
        return Belonging::default();
    };
    let is_theirs = takes_part(case, &named) && is_meant(&case.mail.subject);
    if is_theirs && !forwarded {
        return Belonging {
            ticket: Some(named),
            proof: Some(Proof::Number),
            possibly: None,
        };
    }
    // Nobody here is told of a ticket that has gone to a confidential queue because somebody writes a number.
    let is_gone = named.queue != case.queue.name && case.policy.queue(&named.queue).confidential;
    Belonging {
        possibly: Some(named).filter(|_| is_theirs || !is_gone),
        ..Belonging::default()
    }
}

/// Whether a subject means our ticket by its number: `#7`, or any way to say it in an answer. "Request 7" in a new mail is the writer's own counting, and
/// a request that joins an old ticket gets neither an acknowledgement nor a clock.
fn is_meant(subject: &str) -> bool {
    let first = thread::subject_numbers(subject).first().copied();
    first.is_some_and(|n| subject.contains(&format!("#{n}"))) || thread::is_reply(subject)
}

/// Ids by which later mail finds this one: its own, and the oldest it refers to, which we may never have seen (zammad#5716). The latter is marked,
/// since anybody may refer to anything: see [`by_phantom`].
pub(super) fn found_by(mail: &Mail) -> Vec<String> {
    let mut ids: Vec<String> = mail.message_id.iter().cloned().collect();
    ids.extend(oldest_reference(mail).map(phantom));
    ids
}

fn oldest_reference(mail: &Mail) -> Option<&String> {
    mail.references
        .first()
        .or(mail.in_reply_to.first())
        .filter(|r| Some(*r) != mail.message_id.as_ref())
}

fn phantom(id: &String) -> String {
    format!("~{id}")
}

fn proven_claim<'k>(case: &Case, known: &'k Known) -> Option<(&'k Ticket, Proof)> {
    let proven: Vec<_> = claims(case)
        .into_iter()
        .map(|claim| proven(case, known, &claim))
        .collect();
    proven.into_iter().flatten().next()
}

fn proven<'k>(case: &Case, known: &'k Known, claim: &Claim) -> Option<(&'k Ticket, Proof)> {
    let (ticket, entry) = (known.ticket(claim.place.ticket), known.entry(claim.place));
    let (ticket, letter) = (ticket?, entry?.letter.as_ref()?);
    let (keys, first_mail) = (&case.policy.keys, ticket.first_mail);
    let genuine = letter.kind == claim.kind && keys.verify(claim, first_mail, &letter.to, case.now);
    let proof = match claim.purpose {
        Purpose::Answer => Proof::Token {
            kind: claim.kind,
            place: claim.place,
            recipient: letter.to.clone(),
        },
        Purpose::Return => Proof::ReturnPath { place: claim.place },
    };
    genuine.then_some((ticket, proof))
}

/// Newest reference first: In-Reply-To, then References from the end, what a bounce returns, then `+` addresses. Where a mail came to a return path that says
/// more than anything in it.
fn claims(case: &Case) -> Vec<Claim> {
    let mail = case.mail;
    let queues = &case.policy.queues;
    let returned = delivered_to(mail).flat_map(|a| {
        queues
            .iter()
            .filter_map(move |q| token::claim_of_return_path(a, &q.address))
    });
    let ids = mail
        .in_reply_to
        .iter()
        .chain(mail.references.iter().rev())
        .chain(
            mail.bounce
                .iter()
                .filter_map(|b| b.original_message_id.as_ref()),
        );
    let addresses = mail.to.iter().chain(&mail.cc).map(|m| &m.address);
    let by_id = ids.filter_map(|id| token::claim_of_message_id(id, &case.policy.domain));
    let by_address = addresses.flat_map(|a| {
        queues
            .iter()
            .filter_map(|q| token::claim_of_address(a, &q.address))
    });
    let mut claims: Vec<Claim> = returned.chain(by_id).chain(by_address).collect();
    claims.dedup();
    claims.truncate(20);
    claims
}

/// Where a mail says it was delivered: its recipients, and what servers note of the envelope. Nothing of it is believed but what is signed.
fn delivered_to(mail: &Mail) -> impl Iterator<Item = &str> {
    const NOTED: [&str; 4] = [
        "Delivered-To",
        "X-Original-To",
        "Envelope-To",
        "X-Envelope-To",
    ];
    let noted = NOTED
        .into_iter()
        .flat_map(|name| mail.headers(name).take(4))
        .map(|value| value.trim().trim_matches(['<', '>']));
    mail.to
        .iter()
        .chain(&mail.cc)
        .map(|m| m.address.as_str())
        .chain(noted)
}

/// By the Message-ID of a mail on the ticket. Anybody may know such an id (a colleague in copy), so his mail joins, without any rights (A07).
fn stored<'k>(case: &Case, known: &'k Known) -> Option<&'k Ticket> {
    let mail = case.mail;
    // A mail is no evidence for itself, though some clients refer to their own id (B06).
    let ids = mail
        .in_reply_to
        .iter()
        .chain(mail.references.iter().rev())
        .filter(|id| Some(*id) != mail.message_id.as_ref());
    // The bounce of a mail that we never stored refers to it in its returned headers.
    let returned = mail
        .bounce
        .iter()
        .filter_map(|b| b.original_message_id.as_ref());
    let found: Vec<_> = ids
        .chain(returned)
        .take(24)
        .map(|id| known.found_by(&case.queue.name, id))
        .collect();
    known.ticket(found.into_iter().flatten().next()?)
}

/// By an id that a mail on the ticket referred to before we saw it: two answers to a mail we never got, or the answer that came before its question.
/// Only for those who take part, or a stranger could catch a customer's next mail on a ticket of his own (B04).
fn by_phantom<'k>(case: &Case, known: &'k Known) -> Option<&'k Ticket> {
    let ids = case
        .mail
        .message_id
        .iter()
        .chain(oldest_reference(case.mail));
    let found: Vec<_> = ids
        .map(|id| known.found_by(&case.queue.name, &phantom(id)))
        .collect();
    known
        .ticket(found.into_iter().flatten().next()?)
        .filter(|t| takes_part(case, t))
}

/// Whether the author is a participant of the ticket or of the same customer.
pub(super) fn takes_part(case: &Case, ticket: &Ticket) -> bool {
    let Some(author) = &case.author else {
        return false;
    };
    let customer = case
        .policy
        .book
        .subscription(author, case.arrival.received)
        .customer;
    ticket.participants.contains(author)
        || (customer.is_some() && customer == ticket.subscription.customer)
}

fn followed(known: &Known, ticket: &Ticket) -> Option<Ticket> {
    let mut at = ticket;
    for _ in 0..MERGES_MAX {
        match at.merged_into {
            Some(into) => at = known.ticket(into)?,
            None => break,
        }
    }
    Some(at.clone())
}
