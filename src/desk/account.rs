//! What a customer got in a stretch of time: tickets, deadlines kept and missed, response times.
//!
//! Knows how a ticket counts; does not know where tickets come from or how the numbers are shown. A clock belongs to the stretch in which it began to run, to
//! the customer whom it was promised (C3.6), and to the severity that it was promised for (C4.5).

use super::ticket::{Clock, ClockKind, Ticket};
use crate::contract::{Book, Subscription};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// The numbers.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Tickets received, by severity 1 to 4.
    pub tickets: [usize; 4],
    /// Promises, by clause and severity.
    pub promises: BTreeMap<(String, u8), Tally>,
    /// Of the first answers, in the order of the tickets.
    pub responses: Vec<Response>,
}

/// How promises of one kind went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answered in time.
    pub met: usize,
    /// Answered late, or not at all when the time was over.
    pub missed: usize,
    /// Still running, in time.
    pub pending: usize,
    /// Ended without an answer, in time: withdrawn, spam, a duplicate (C4.8).
    pub void: usize,
}

/// How long a first answer took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// In the objective's support hours, seconds.
    pub staffed_secs: u64,
    /// By the wall clock, seconds.
    pub wall_secs: u64,
}

/// Of many times: the middle one, the one that nine of ten do not exceed, and the longest. Nearest rank: each is a time that occurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// Seconds.
    pub median: u64,
    /// Seconds.
    pub p90: u64,
    /// Seconds.
    pub worst: u64,
}

impl Spread {
    /// Of these times; none of none.
    pub fn of(times: impl IntoIterator<Item = u64>) -> Option<Spread> {
        let mut times: Vec<u64> = times.into_iter().collect();
        times.sort_unstable();
        let rank = |percent: usize| times[(times.len() * percent).div_ceil(100).max(1) - 1];
        (!times.is_empty()).then(|| Spread {
            median: rank(50),
            p90: rank(90),
            worst: rank(100),
        })
    }
}

impl Account {
    /// Counts what of a ticket is the customer's and lies in `[from, until)`, as it is at `now`; no customer stands for everybody who is none.
    pub fn add(
        &mut self,
        ticket: &Ticket,
        customer: Option<&str>,
        books: impl Fn(&Clock) -> std::sync::Arc<Book>,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
    ) {
        let inside = |at: DateTime<Utc>| from <= at && at < until;
        if inside(ticket.received) && is_of(&ticket.subscription, customer) {
            self.tickets[usize::from(ticket.severity.clamp(1, 4) - 1)] += 1;
        }
        let theirs = |c: &&Clock| is_of(ticket.account_of(c), customer);
        for clock in ticket
            .clocks
            .iter()
            .filter(|c| inside(c.started))
            .filter(theirs)
        {
            if !clock.objective.internal {
                let key = (clock.objective.clause.clone(), ticket.promised_for(clock));
                self.promises
                    .entry(key)
                    .or_default()
                    .count(ticket, clock, now);
            }
            if let (ClockKind::InitialResponse, Some(at)) = (clock.kind, ticket.responded) {
                let book = books(clock);
                let hours = book.hours(&clock.objective, clock.started);
                let wall = (at - clock.started).num_seconds();
                self.responses.push(Response {
                    staffed_secs: hours.between(clock.started, at),
                    wall_secs: u64::try_from(wall).unwrap_or(0),
                });
            }
        }
    }

    /// The promises of a ticket that were given to the customer in `[from, until)` and are broken at `now`.
    pub fn missed<'t>(
        ticket: &'t Ticket,
        customer: Option<&str>,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = &'t Clock> {
        let inside = move |clock: &&Clock| from <= clock.started && clock.started < until;
        let theirs = move |clock: &&Clock| is_of(ticket.account_of(clock), customer);
        let promises = ticket.clocks.iter().filter(|c| !c.objective.internal);
        promises
            .filter(inside)
            .filter(theirs)
            .filter(move |c| c.is_missed(now))
    }

    /// Of all promises.
    pub fn tally(&self) -> Tally {
        self.promises.values().fold(Tally::default(), |a, b| Tally {
            met: a.met + b.met,
            missed: a.missed + b.missed,
            pending: a.pending + b.pending,
            void: a.void + b.void,
        })
    }

    /// Response times in support hours.
    pub fn staffed(&self) -> Option<Spread> {
        Spread::of(self.responses.iter().map(|r| r.staffed_secs))
    }

    /// Response times by the wall clock.
    pub fn wall(&self) -> Option<Spread> {
        Spread::of(self.responses.iter().map(|r| r.wall_secs))
    }
}

impl Tally {
    fn count(&mut self, ticket: &Ticket, clock: &Clock, now: DateTime<Utc>) {
        let answered = clock.kind == ClockKind::Escalation || ticket.responded.is_some();
        let counted = match clock.stopped {
            _ if clock.is_missed(now) => &mut self.missed,
            Some(_) if answered && clock.unanswered.is_none() => &mut self.met,
            Some(_) => &mut self.void,
            None => &mut self.pending,
        };
        *counted += 1;
    }
}

fn is_of(account: &Subscription, customer: Option<&str>) -> bool {
    account.customer.as_deref() == customer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_times_that_occurred() {
        let spread =
            |times: &[u64]| Spread::of(times.iter().copied()).map(|s| (s.median, s.p90, s.worst));
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[7]), Some((7, 7, 7)));
        assert_eq!(spread(&[4, 1, 3, 2]), Some((2, 4, 4)));
        let hundred: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(spread(&hundred), Some((50, 90, 100)));
    }
}
