//! The desk opens: what stands there, for everybody of each queue (C10.5).
//!
//! Knows what the letter says of what was found; does not look for it: [`Opening`] is the fact that enters. Of a confidential queue only numbers and deadlines stand in it, and how these were computed.

use super::circular::Circulars;
use super::letter::{LetterKind, OpeningDigest};
use super::overdue;
use super::record::{Outcome, Place, Record, Round};
use super::ticket::{Ticket, TicketId};
use super::{Known, Policy};
use crate::contract::Role;
use crate::mail::Language;
use chrono::{DateTime, Utc};

/// The name of its [`Round`].
pub const ROUND: &str = "opening";

/// What stands on the desk when it opens.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The opening.
    pub at: DateTime<Utc>,
    /// Of each queue.
    pub queues: Vec<Standing>,
    /// The file's last entry by now.
    pub filed: u32,
    /// The head of the journal's chain: written down outside of this machine it proves what was on record.
    pub head: String,
}

/// What stands in one queue.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Its name.
    pub queue: String,
    /// With a clock that expires before the day is over, or has expired; the nearest on top.
    pub due: Several<Ticket>,
    /// Whose customer has answered, and we have not.
    pub unanswered: Several<Ticket>,
    /// Open, and nobody's.
    pub unassigned: Several<Ticket>,
    /// Set aside for a person.
    pub quarantined: Several<Ticket>,
    /// Letters that failed, or of which nobody can know.
    pub failed: Several<Failed>,
    /// Automatic mail filed since the last time.
    pub filed: Several<Filed>,
}

/// The first of many, and how many there are: whatever stands on record, a letter about it is read by somebody.
#[derive(Clone, Debug)]
pub struct Several<T, const MAX: usize = SHOWN> {
    /// At most `MAX`.
    pub first: Vec<T>,
    /// All of them.
    pub total: usize,
}

/// So many of a kind stand in the letter.
pub const SHOWN: usize = 20;

impl<T, const MAX: usize> Default for Several<T, MAX> {
    fn default() -> Self {
        Several {
            first: vec![],
            total: 0,
        }
    }
}

impl<T, const MAX: usize> Several<T, MAX> {
    /// One more.
    pub fn push(&mut self, one: T) {
        self.total += 1;
        if self.first.len() < MAX {
            self.first.push(one);
        }
    }

    /// The first ones in words, and how many more there are.
    pub fn lines(&self, line: impl Fn(&T) -> String) -> Vec<String> {
        let mut lines: Vec<String> = self.first.iter().map(line).collect();
        let more = self.total - self.first.len();
        if more > 0 {
            lines.push(format!("and {more} more: see ticketd list"));
        }
        lines
    }
}

/// A letter that will not arrive by itself.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Its entry.
    pub place: Place,
    /// To whom.
    pub to: String,
    /// What the server said.
    pub why: String,
}

/// A mail that opened no ticket.
#[derive(Clone, Debug)]
pub struct Filed {
    /// Its entry in the file.
    pub seq: u32,
    /// By whom.
    pub from: String,
    /// About what.
    pub subject: String,
    /// Why.
    pub why: String,
}

/// Tells everybody of each queue, once for each opening.
pub fn opened(policy: &Policy, known: &Known, opening: &Opening, now: DateTime<Utc>) -> Outcome {
    let counters = known.counters();
    let last = known.round(ROUND);
    if last.is_some_and(|round| round.at >= opening.at) {
        return Outcome::of("this opening was told");
    }
    let mut letters = Circulars::of(policy, counters, now);
    // A house that begins has no day before.
    for standing in opening.queues.iter().filter(|_| last.is_some()) {
        let text = policy
            .templates
            .letter(Language::En, &content(policy, opening, standing));
        for person in policy.book.staff.of_queue(&standing.queue) {
            debug_assert!(person.role != Role::ReadOnly);
            letters.letter(LetterKind::Digest, &standing.queue, person, text.clone());
        }
    }
    let round = Round {
        name: ROUND.into(),
        at: opening.at,
        filed: opening.filed,
    };
    letters.join(Outcome::of("the desk opens").with(Record::Round(round)))
}

fn content(policy: &Policy, opening: &Opening, standing: &Standing) -> OpeningDigest {
    let secret = policy.queue(&standing.queue).confidential;
    let ticket = |t: &Ticket| of_ticket(policy, t, secret);
    OpeningDigest {
        queue: standing.queue.clone(),
        day: policy.book.local(opening.at),
        due: standing.due.lines(|t| match t.next_deadline() {
            Some(clock) => {
                let book = policy.book_of(t, Some(clock));
                format!("{}. {}", ticket(t), overdue::computed(book, clock))
            }
            None => ticket(t),
        }),
        unanswered: standing.unanswered.lines(ticket),
        unassigned: standing.unassigned.lines(ticket),
        quarantined: standing.quarantined.lines(ticket),
        failed: standing.failed.lines(|f| {
            let to = if secret { "" } else { f.to.as_str() };
            let why = if secret { "" } else { f.why.as_str() };
            match f.place.ticket {
                TicketId::FILE => format!("entry {} of the file to {to}: {why}", f.place.seq),
                id => format!("#{id}, entry {} to {to}: {why}", f.place.seq),
            }
        }),
        filed: standing.filed.lines(|f| match secret {
            true => format!("entry {}", f.seq),
            false => format!("entry {} from {}: {} ({})", f.seq, f.from, f.subject, f.why),
        }),
        head: opening.head.clone(),
    }
}

fn of_ticket(policy: &Policy, ticket: &Ticket, secret: bool) -> String {
    let clock = ticket.next_deadline();
    let due = clock.map_or(String::new(), |c| {
        format!(
            ", {} due {}{}",
            overdue::clock_word(c.kind).to_lowercase(),
            policy.book.local(c.deadline),
            if c.objective.internal {
                " (our own target)"
            } else {
                ""
            }
        )
    });
    let about = match (secret, ticket.subscription.customer_name.as_str()) {
        (true, _) => String::new(),
        (false, "") => format!(": {}", ticket.subject),
        (false, customer) => format!(", {customer}: {}", ticket.subject),
    };
    format!("#{} severity {}{due}{about}", ticket.id, ticket.severity)
}
