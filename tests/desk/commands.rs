//! What staff and managers can do to a ticket by mail (issue 5, point 2; CONTRACT.md C3 to C7): each command through the real path, and what is refused.

mod account;
mod conversation;
mod laws;
mod merging;
mod opening;
mod people;
mod places;
mod queue;
mod severity;
mod standing;
mod states;

use crate::office::*;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::ticket::Ticket;

/// A ticket of the bakery's: business hours; 1, 2, 12 and 24 hours; a term, so lateness earns days.
pub fn bakery(severity: u8) -> Office {
    let mut office = Office::new();
    office.receives(asks(KAETHI, severity));
    office
}

pub fn asks(who: &str, severity: u8) -> Post {
    let words = format!("Severity: {severity}\nThe printer is on fire, please help us.\n");
    Post::from(who).id(&format!("first@{who}")).body(&words)
}

/// A reply of the customer to the ticket's first mail.
pub fn writes_again(office: &mut Office, who: &str, words: &str) {
    let post = Post::from(who)
        .referring(&format!("first@{who}"))
        .body(words);
    office.receives(post);
}

/// Somebody of the staff answers the newest letter about a ticket that he got; what comes back.
#[track_caller]
pub fn says(office: &mut Office, ticket: u64, staff: &str, body: &str) -> Sent {
    let mut letters = office.letters_to(staff);
    letters.retain(|l| l.place.ticket.0 == ticket);
    let letter = letters
        .pop()
        .unwrap_or_else(|| panic!("{staff} got no letter about {ticket}"));
    office.receives(Post::from(staff).answering(&letter).body(body));
    office.last_of(staff, LetterKind::Transcript)
}

/// It is carried out.
#[track_caller]
pub fn done(office: &mut Office, staff: &str, body: &str) -> Sent {
    let said = says(office, 1, staff, body);
    assert!(
        said.mail.subject.starts_with("Done"),
        "{body}\n{}",
        said.text()
    );
    said
}

/// Nothing of it is carried out and nothing relayed, and the sender is told why and how it is done.
#[track_caller]
pub fn refused(office: &mut Office, staff: &str, body: &str, why: &str) {
    let before: Vec<Ticket> = office.tickets().iter().map(standing).collect();
    let outside = office.letters_outside().len();
    let said = says(office, 1, staff, body);
    assert!(
        said.mail.subject.starts_with("Not carried out"),
        "{body}\n{}",
        said.text()
    );
    assert!(said.says(why), "{body}\n{}", said.text());
    assert!(
        said.says("#severity [corrected] 1|2|3|4 REASON"),
        "the manual"
    );
    let after: Vec<Ticket> = office.tickets().iter().map(standing).collect();
    assert_eq!(before, after, "{body}");
    assert_eq!(office.letters_outside().len(), outside, "{body}");
}

/// A ticket without what its record counts.
fn standing(ticket: &Ticket) -> Ticket {
    Ticket {
        entries: 0,
        ..ticket.clone()
    }
}

/// From a shell, by somebody of the staff or the operator.
pub fn shell(office: &mut Office, by: &str, ticket: u64, line: &str) -> ticketd::clerk::Done {
    let command = ticketd::desk::event::Command {
        by: by.into(),
        ticket: ticketd::desk::TicketId(ticket),
        line: line.into(),
    };
    office.process(ticketd::desk::event::Event::Command(command), None)
}
