//! Whether an answer repeats a letter of ours to staff.
//!
//! Such a letter holds what no customer should read: deadlines, reasons, costs, signed addresses. What known clients quote of it is left out before
//! (`mail/quote`); this looks at what is left, whatever a client does to a quotation. Letters and digits alone are compared, so that marks, indentation, other
//! ends of lines, emphasis and a lost charset change nothing: with the very letter that is answered, line by line, and with what templates print of themselves, for
//! other letters. The customer's own words behind their bar and what he knows anyway are no secret: his name, plan and account manager, his files, the times that
//! he was told. A few words of ours within a sentence are no repetition.

use super::draft::Draft;
use super::letter::{BAR, LINE_CHARS_MAX};
use super::record::{Direction, Place};
use super::ticket::Ticket;
use super::{Known, Policy, command, token};
use crate::contract::Person;
use crate::mail::Mail;
use crate::mail::text::cleaned;
use std::collections::BTreeSet;

/// Fewer letters of ours, beside what the customer knows, may stand in anybody's answer.
const LETTERS_MIN: usize = 16;

/// So many of one line are no accident, wherever they stand; fewer are, within a sentence: "Your account manager, Carla Chef, will call".
const LETTERS_ALONE: usize = 40;

/// The same of the templates' own words: one letter more than "provisional until staff determine the severity" has, which an answer about credits says.
const WORDS_ALONE: usize = 42;

/// The letter of ours that is answered, and what of it is no secret.
pub(super) struct Answered<'a> {
    letter: &'a Mail,
    known: Vec<String>,
}

impl<'a> Answered<'a> {
    /// The letter of this entry. None if nobody kept it.
    pub(super) fn at(
        place: Place,
        draft: &Draft,
        known: &'a Known,
        person: &Person,
    ) -> Option<Self> {
        let letter = known.mail(place)?;
        let mut told = known_to_customer(draft.policy, &draft.ticket);
        told.push(person.name.clone());
        told.extend(told_by_mail(place, draft, known));
        Some(Answered {
            letter,
            known: told
                .iter()
                .map(|t| letters(t))
                .filter(|t| t.len() > 2)
                .collect(),
        })
    }

    /// The same for what goes to other customers, too: they know what it is about, and nothing of whoever asked here.
    pub(super) fn for_everyone(&self, ticket: &Ticket) -> Self {
        let subject = letters(&ticket.subject);
        Answered {
            letter: self.letter,
            known: self
                .known
                .iter()
                .filter(|t| **t == subject)
                .cloned()
                .collect(),
        }
    }
}

/// Whether the text repeats the letter that it answers, any other of our letters to staff, or an address that was signed for somebody of the staff.
pub(super) fn repeats(policy: &Policy, answered: Option<&Answered>, text: &str) -> bool {
    let said = Said::of(text);
    let of_this = || answered.is_some_and(|a| any_stretch(&a.letter.text, &a.known, &said));
    let of_any = || {
        let words = policy.templates.words_to_staff();
        let manual = command::manual().into_iter();
        let mut manual = manual.filter_map(|line| beginning(&line));
        words.iter().any(|words| says_enough_of(words, &said))
            || manual.any(|words| said.letters.contains(&words))
    };
    of_any() || of_this() || holds_a_signed_address(policy, text)
}

/// Whether one long part of a template stands in what is said, or two of any length.
fn says_enough_of(template: &BTreeSet<String>, said: &Said) -> bool {
    let found = template
        .iter()
        .filter(|w| said.letters.contains(w.as_str()));
    let found: Vec<&String> = found.take(2).collect();
    found.len() > 1 || found.iter().any(|w| w.len() >= WORDS_ALONE)
}

/// What goes out, as it is compared.
#[derive(Default)]
struct Said {
    letters: String,
    /// Where in them a line begins: not one that only goes on where a client broke it.
    beginnings: BTreeSet<usize>,
}

impl Said {
    fn of(text: &str) -> Said {
        /// Clients break lines at 72 to 78 characters.
        const CHARS: usize = 66;
        let mut said = Said::default();
        let mut before = "";
        for line in text.lines() {
            if !goes_on(before, line, CHARS) {
                let at = said.letters.len();
                said.beginnings.extend(beginnings(line).map(|b| at + b));
            }
            said.letters.push_str(&letters(line));
            before = line;
        }
        said
    }

    fn has_line(&self, beginning: &str) -> bool {
        let mut found = self.letters.match_indices(beginning);
        found.any(|(at, _)| self.beginnings.contains(&at))
    }
}

/// Whether a line is the rest of the one before, which had no room for its first word.
fn goes_on(before: &str, line: &str, chars_max: usize) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    let is_ended = before.trim_end().ends_with(['.', '!', '?', ':', '-']);
    let chars = |s: &str| s.trim_end().chars().count();
    let is_item = matches!(first, "" | "-");
    !is_item && !is_ended && chars(before) + 1 + chars(first) > chars_max
}

/// At which of its letters a line may begin: the first, and those behind what a client writes before a line, a number or initials with a mark.
fn beginnings(line: &str) -> impl Iterator<Item = usize> {
    const INITIALS: usize = 3;
    let mut found = vec![];
    let (mut at, mut initials, mut may_begin) = (0, 0, true);
    for c in line.chars() {
        if c.is_ascii_alphanumeric() {
            if may_begin {
                found.push(at);
            }
            at += 1;
            initials += usize::from(c.is_ascii_alphabetic());
            may_begin = initials == 0;
        } else if c.is_alphanumeric() {
            initials += 1;
            may_begin = false;
        } else if ">|:})]\u{bb}\u{2502}".contains(c) {
            may_begin = true;
        }
        if initials > INITIALS {
            break;
        }
    }
    found.into_iter()
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
fn known_to_customer(policy: &Policy, ticket: &Ticket) -> Vec<String> {
    let (book, account) = (&policy.book, &ticket.subscription);
    let manager = account.tam.as_deref().and_then(|id| book.staff.by_id(id));
    let mut told = vec![
        ticket.subject.clone(),
        ticket.requester.address.clone(),
        ticket.requester.name.clone(),
        account.customer_name.clone(),
        book.plan_name(account, ticket.received).to_string(),
        in_swiss_time(policy, ticket.received),
    ];
    told.extend(manager.map(|p| p.name.clone()));
    // What we have set ourselves, and what is owed to the authorities, is nobody's business.
    let promised = ticket.clocks.iter();
    let promised = promised.filter(|c| !c.objective.internal && !c.kind.is_for_authorities());
    for clock in promised {
        let before = clock.by_severity.iter().map(|(_, at)| *at);
        told.extend(
            before
                .chain([clock.deadline])
                .map(|at| in_swiss_time(policy, at)),
        );
    }
    told
}

/// What he knows of the mail that the letter tells of: when it came, and its files, as they are listed. Each by itself would hide too much: whoever names his files
/// after our words would make them no proof.
fn told_by_mail(letter: Place, draft: &Draft, known: &Known) -> Vec<String> {
    let entries = known.entries(letter.ticket).iter();
    let before = entries.take_while(|e| e.place != letter);
    let came = before.filter(|e| e.mail.is_some() && e.direction == Direction::In);
    let Some(entry) = came.last() else {
        return vec![];
    };
    let names = known.mail(entry.place).map(|mail| {
        let names = mail.attachments.iter().map(|a| cleaned(&a.name, 100));
        names.take(50).collect::<Vec<_>>().join(", ")
    });
    let received = in_swiss_time(draft.policy, entry.at);
    names.into_iter().chain([received]).collect()
}

/// As letters to staff print an instant.
fn in_swiss_time(policy: &Policy, at: chrono::DateTime<chrono::Utc>) -> String {
    format!("{} (Swiss time)", policy.book.local(at))
}

/// Whether any stretch of the letter stands in what is said. A stretch ends where the customer's words begin.
fn any_stretch(letter: &str, known: &[String], said: &Said) -> bool {
    let mut lines = vec![];
    for line in letter.lines().chain([&*BAR.to_string()]) {
        if !line.starts_with(BAR) {
            lines.push(line);
            continue;
        }
        if Paragraph::of(&lines, known).stands_in(said) {
            return true;
        }
        lines.clear();
    }
    false
}

/// Lines of ours without the customer's between them.
#[derive(Default)]
struct Paragraph {
    letters: String,
    /// Which of the letters are ours: neither a number nor known to the customer.
    ours: Vec<bool>,
    lines: Vec<Line>,
}

struct Line {
    from: usize,
    until: usize,
    /// Whether it is the rest of the line before.
    goes_on: bool,
}

impl Paragraph {
    fn of(lines: &[&str], known: &[String]) -> Paragraph {
        let mut all = Paragraph::default();
        let mut before = "";
        for line in lines {
            let from = all.letters.len();
            all.letters.push_str(&letters(line));
            let until = all.letters.len();
            let goes_on = goes_on(before, line, LINE_CHARS_MAX);
            if until > from {
                all.lines.push(Line {
                    from,
                    until,
                    goes_on,
                });
            }
            before = line;
        }
        let bytes = all.letters.bytes();
        all.ours = bytes.map(|b| b.is_ascii_alphabetic()).collect();
        for told in known {
            for (at, _) in all.letters.match_indices(told.as_str()) {
                all.ours[at..at + told.len()].fill(false);
            }
        }
        all
    }

    fn own_letters(&self, from: usize, until: usize) -> usize {
        self.ours[from..until].iter().filter(|own| **own).count()
    }

    fn stands_in(&self, said: &Said) -> bool {
        (0..self.lines.len()).any(|first| self.stands_in_from(&self.lines[first..], said))
    }

    /// Whether so many of these lines stand there, from the first on, that it is no accident: two neighbours, one that begins a line there too, or a long one.
    fn stands_in_from(&self, lines: &[Line], said: &Said) -> bool {
        let begins = |line: &Line| !line.goes_on;
        let from = lines[0].from;
        let mut telling = 0;
        for (n, line) in lines.iter().enumerate() {
            let stretch = &self.letters[from..line.until];
            if !said.letters.contains(stretch) {
                return false;
            }
            let says = self.own_letters(line.from, line.until) > 0;
            telling += usize::from(says && (n == 0 || begins(line)));
            let own = self.own_letters(from, line.until);
            let alone = own >= LETTERS_ALONE || begins(&lines[0]) && said.has_line(stretch);
            if own >= LETTERS_MIN && (telling > 1 || alone) {
                return true;
            }
        }
        false
    }
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
