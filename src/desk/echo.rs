//! Whether an answer repeats a letter of ours to staff.
//!
//! Such a letter holds what no customer should read: deadlines, reasons, costs, signed addresses. What known clients quote of it is left out before
//! (`mail/quote`); this looks at what is left, whatever a client does to a quotation. Letters and digits alone are compared, so that marks, indentation, other
//! ends of lines, emphasis and a lost charset change nothing: with the very letter that is answered, line by line, and with what templates print of themselves, for
//! other letters. The customer's own words behind their bar, what he knows of himself and his ticket's number and subject are no secret.

use super::letter::BAR;
use super::ticket::Ticket;
use super::{Policy, command, token};
use crate::mail::Mail;

/// So many letters of ours in a row, beside what the customer knows, are no accident.
const LETTERS_MIN: usize = 16;

/// Whether the text repeats the letter that it answers, any other of our letters to staff, or an address that was signed for somebody of the staff.
pub(super) fn repeats(
    policy: &Policy,
    ticket: &Ticket,
    answered: Option<&Mail>,
    text: &str,
) -> bool {
    let said = letters(text);
    let known = known_to_customer(ticket);
    let of_this = || answered.is_some_and(|letter| any_stretch(&letter.text, &known, &said));
    let of_any = || {
        let words = policy.templates.words_to_staff().iter().cloned();
        let manual = command::manual().into_iter();
        let manual = manual.filter_map(|line| beginning(&line));
        words.chain(manual).any(|words| said.contains(&words))
    };
    of_any() || of_this() || holds_a_signed_address(policy, text)
}

/// What is compared: whatever else is in a text, clients change it. Letters that are not ASCII are what a wrong charset takes away.
pub(super) fn letters(text: &str) -> String {
    let ascii = text.chars().filter(char::is_ascii_alphanumeric);
    ascii.map(|c| c.to_ascii_lowercase()).collect()
}

/// By what a line of the manual is known again: the end of it may be broken by what a client writes before each line. None if anybody might say so.
fn beginning(line: &str) -> Option<String> {
    const LETTERS: usize = 30;
    letters(line).get(..LETTERS).map(str::to_string)
}

/// What the customer has told us, or we him: it stands in honest answers.
fn known_to_customer(ticket: &Ticket) -> Vec<String> {
    let told = [
        ticket.subject.as_str(),
        &ticket.requester.address,
        &ticket.subscription.customer_name,
    ];
    let mut told: Vec<String> = told
        .map(letters)
        .into_iter()
        .filter(|t| t.len() > 2)
        .collect();
    // What stands within another is counted with it.
    told.sort_by_key(|t| std::cmp::Reverse(t.len()));
    told
}

/// Whether any stretch of the letter stands in what is said: of each of its lines on as many as make [`LETTERS_MIN`]. A stretch ends where the customer's words begin.
fn any_stretch(letter: &str, known: &[String], said: &str) -> bool {
    let mut paragraph = vec![];
    for line in letter.lines().chain([&*BAR.to_string()]) {
        if !line.starts_with(BAR) {
            paragraph.push((letters(line), own_letters(line, known)));
            continue;
        }
        for from in 0..paragraph.len() {
            let mut stretch = String::new();
            let mut own = 0;
            for (line, weight) in &paragraph[from..] {
                stretch.push_str(line);
                own += weight;
                if own >= LETTERS_MIN {
                    break;
                }
            }
            if own >= LETTERS_MIN && said.contains(&stretch) {
                return true;
            }
        }
        paragraph.clear();
    }
    false
}

/// How many letters of a line are ours: neither a number nor known to the customer.
fn own_letters(line: &str, known: &[String]) -> usize {
    let mut rest = letters(line);
    for told in known {
        rest = rest.replace(told.as_str(), "");
    }
    rest.bytes().filter(u8::is_ascii_alphabetic).count()
}

/// Whether an address or id that proves whoever answers it stands in the text, as in the heading of a quotation.
fn holds_a_signed_address(policy: &Policy, text: &str) -> bool {
    let text = text
        .replace("%2B", "+")
        .replace("%2b", "+")
        .replace("%40", "@");
    let of_address = |c: char| c.is_ascii_alphanumeric() || "+._-@".contains(c);
    let words = text.split(|c| !of_address(c)).filter(|w| w.contains('@'));
    words.into_iter().any(|word| {
        let word = word.trim_matches('.');
        let answers = policy.queues.iter().flat_map(|q| {
            let to = token::claim_of_address(word, &q.address);
            to.or_else(|| token::claim_of_return_path(word, &q.address))
        });
        let id = token::claim_of_message_id(word, &policy.domain);
        answers.chain(id).any(|claim| claim.kind.is_for_staff())
    })
}
