//! The desk opens: what stands there, for everybody of each queue (C10.5).
//!
//! Knows what the letter says of what was found; does not look for it: [`Opening`] is the fact that enters. Of a confidential queue only numbers and deadlines stand in it, and how these were computed.

use super::circular::Circulars;
use super::letter::{LetterKind, OpeningDigest};
use super::overdue;
use super::record::{Again, Outcome, Place, Record, Round, Tells};
use super::ticket::{Ticket, TicketId};
use super::{Known, Policy};
use crate::contract::{Person, Role};
use crate::mail::Language;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

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
    /// Automatic mail, by the entry of the file that it was filed since: not everybody was told as much the last time.
    pub filed: BTreeMap<u32, Several<Filed>>,
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

/// Since which entries of the file the letters of this opening tell automatic mail; none if everybody was told.
pub fn intervals(last: Option<&Round>, at: DateTime<Utc>) -> BTreeSet<u32> {
    match last {
        None => BTreeSet::from([0]),
        Some(round) if round.at > at => BTreeSet::new(),
        Some(round) => {
            let again = round.again.iter().map(|a| a.since);
            again.chain(everybodys(round, at)).collect()
        }
    }
}

/// Of everybody who was told the last time.
fn everybodys(round: &Round, at: DateTime<Utc>) -> Option<u32> {
    (round.at < at).then_some(round.filed)
}

/// Of somebody; none if he was told.
fn interval(round: &Round, at: DateTime<Utc>, queue: &str, person: &Person) -> Option<u32> {
    let again = round.again.iter();
    let again = again.filter(|a| a.queue == queue && a.person == person.id);
    again.map(|a| a.since).chain(everybodys(round, at)).min()
}

/// Tells everybody of each queue, once for each opening; or anew whose letter did not leave.
pub fn opened(policy: &Policy, known: &Known, opening: &Opening, now: DateTime<Utc>) -> Outcome {
    let counters = known.counters();
    let last = known.round(ROUND);
    if intervals(last, opening.at).is_empty() {
        return Outcome::of("this opening was told");
    }
    let mut again = vec![];
    let mut letters = Circulars::of(policy, counters, now);
    for standing in &opening.queues {
        let queue = standing.queue.as_str();
        for person in policy.book.staff.of_queue(queue) {
            debug_assert!(person.role != Role::ReadOnly);
            // A house that begins has no day before.
            let since = last.and_then(|round| interval(round, opening.at, queue, person));
            let Some(since) = since else {
                continue;
            };
            // His letter was dropped while this was gathered: it is gathered once more.
            if !standing.filed.contains_key(&since) {
                again.push(Again {
                    queue: queue.into(),
                    person: person.id.clone(),
                    since,
                });
                continue;
            }
            let content = content(policy, opening, standing, since);
            let text = policy.templates.letter(Language::En, &content);
            let tells = Tells::Opening {
                at: opening.at,
                queue: queue.into(),
                since,
                of: standing.named(since),
            };
            letters.letter(LetterKind::Digest, queue, person, text, tells);
        }
    }
    let told = last.filter(|round| round.at == opening.at);
    let round = Round {
        name: ROUND.into(),
        at: opening.at,
        // The others' next letter goes on where theirs ended.
        filed: told.map_or(opening.filed, |round| round.filed),
        again,
    };
    letters.join(Outcome::of("the desk opens").with(Record::Round(round)))
}

/// A letter that did not leave is to be written anew, of what stands there by then. If the desk has opened once more since, the automatic mail that it told
/// stands in no later one.
pub(super) fn told_anew(known: &Known, queue: &str, person: &Person, since: u32) -> Option<Round> {
    let mut round = known.round(ROUND)?.clone();
    round.again.push(Again {
        queue: queue.into(),
        person: person.id.clone(),
        since,
    });
    Some(round)
}

impl Standing {
    /// What its letter names: tickets, and entries of the file.
    fn named(&self, since: u32) -> Vec<Place> {
        let tickets = [
            &self.due,
            &self.unanswered,
            &self.unassigned,
            &self.quarantined,
        ];
        let tickets = tickets.into_iter().flat_map(|several| &several.first);
        let whole = |ticket: TicketId| Place { ticket, seq: 1 };
        let file = |seq: u32| Place {
            ticket: TicketId::FILE,
            seq,
        };
        let mut named: Vec<Place> = tickets
            .map(|t| whole(t.id))
            .chain(self.failed.first.iter().map(|f| f.place))
            .chain(self.filed_since(since).map(|f| file(f.seq)))
            .collect();
        named.sort();
        named.dedup();
        named
    }

    fn filed_since(&self, since: u32) -> impl Iterator<Item = &Filed> {
        self.filed.get(&since).into_iter().flat_map(|f| &f.first)
    }
}

fn content(policy: &Policy, opening: &Opening, standing: &Standing, since: u32) -> OpeningDigest {
    let secret = policy.queue(&standing.queue).confidential;
    let ticket = |t: &Ticket| of_ticket(policy, t, secret);
    let filed = standing.filed.get(&since);
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
        filed: filed.map_or(vec![], |filed| {
            filed.lines(|f| match secret {
                true => format!("entry {}", f.seq),
                false => format!("entry {} from {}: {} ({})", f.seq, f.from, f.subject, f.why),
            })
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
