//! The review pack of a fortnight: what a technical account manager goes through with a customer (C8.3).
//!
//! Knows what stands in it; does not look for it: [`Pack`] is the fact that enters. What is confidential to a queue stays out of it, unless the account manager is of that queue.

use super::account::Account;
use super::circular::Circulars;
use super::letter::{LetterKind, Review, Text};
use super::record::{CreditFacts, Entry, Outcome, Record, Round, Standing};
use super::ticket::{Clock, ClockKind, State, Ticket};
use super::{Known, Policy, overdue};
use crate::contract::{Person, duration_words};
use crate::mail::Language;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use std::sync::Arc;

/// How often a pack is due: every other week.
pub const EVERY_DAYS: i64 = 14;

/// What is known of a customer's fortnight.
#[derive(Clone, Debug)]
pub struct Pack {
    /// The id in customers.toml.
    pub customer: String,
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub until: DateTime<Utc>,
    /// Every ticket that [`Pack::concerns`], by number.
    pub tickets: Vec<Ticket>,
    /// The whole ledger of the customer.
    pub credits: Vec<Entry>,
    /// Time booked since its first day.
    pub times: Vec<Entry>,
}

impl Pack {
    /// Whether a ticket is the customer's and open or received in the fortnight; or was, before, and something of it fell in the fortnight or may still: a promise
    /// began, was due or runs, or the ledger changed. Closed or not: closing ends no promise (C4.8).
    pub fn concerns(&self, ticket: &Ticket) -> bool {
        let of_now = self.is_theirs(ticket) && (ticket.is_open() || self.spans(ticket.received));
        let promised =
            |c: &Clock| c.is_running() || self.spans(c.started) || self.spans(c.deadline);
        of_now || self.promises(ticket).any(promised) || self.is_credited(ticket)
    }

    fn is_theirs(&self, ticket: &Ticket) -> bool {
        ticket.subscription.customer.as_ref() == Some(&self.customer)
    }

    /// What of a ticket was promised to the customer, also where it has gone to another since (C3.6).
    fn promises<'t>(&self, ticket: &'t Ticket) -> impl Iterator<Item = &'t Clock> {
        let theirs = |c: &&Clock| ticket.account_of(c).customer.as_ref() == Some(&self.customer);
        let promises = ticket.clocks.iter().filter(|c| !c.objective.internal);
        promises.filter(theirs)
    }

    /// Whether the ledger has a line about a ticket that was written in the fortnight.
    fn is_credited(&self, ticket: &Ticket) -> bool {
        // Few tickets have one, and the ledger is long.
        let mut credited = ticket.clocks.iter().filter_map(|c| c.credited.as_ref());
        if !credited.any(|credited| credited.customer == self.customer) {
            return false;
        }
        let mut lines = lines(self).filter(|(entry, _)| self.spans(entry.at));
        lines.any(|(entry, _)| entry.place.ticket == ticket.id)
    }

    fn spans(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.until
    }
}

/// The name of a customer's [`Round`].
pub fn round(customer: &str) -> String {
    format!("review/{customer}")
}

/// The fortnight that ended last: its first day and the first day after it. Fortnights begin on the Mondays that follow from `from`, a day of the first.
pub fn fortnight(from: NaiveDate, today: NaiveDate) -> (NaiveDate, NaiveDate) {
    use chrono::Datelike;
    let monday = from - Days::new(u64::from(from.weekday().num_days_from_monday()));
    let fortnights = (today - monday).num_days().div_euclid(EVERY_DAYS);
    let until = monday + TimeDelta::days(fortnights * EVERY_DAYS);
    (until - TimeDelta::days(EVERY_DAYS), until)
}

/// The account manager gets the pack, once for each fortnight.
pub fn due(policy: &Policy, known: &Known, pack: &Pack, now: DateTime<Utc>) -> Outcome {
    let counters = known.counters();
    let name = round(&pack.customer);
    let last = known.round(&name);
    if last.is_some_and(|round| round.at >= pack.until) {
        return Outcome::of("this fortnight was told");
    }
    let round = Round {
        name,
        at: pack.until,
        filed: 0,
    };
    let mut letters = Circulars::of(policy, counters, now);
    // A house that begins has no fortnight before.
    if let (Some(person), Some(_)) = (manager(policy, &pack.customer), last) {
        let queue = person.queues.first().map_or("", String::as_str);
        let text = text(policy, pack, Some(person), now);
        letters.letter(LetterKind::Digest, queue, person, text);
    }
    letters.join(Outcome::of("a fortnight is over").with(Record::Round(round)))
}

fn manager<'p>(policy: &'p Policy, customer: &str) -> Option<&'p Person> {
    let tam = policy.book.customers.by_id(customer)?.tam.as_deref()?;
    policy.book.staff.by_id(tam)
}

/// The pack in words; `reader` sees no more of confidential queues than they may.
pub fn text(policy: &Policy, pack: &Pack, reader: Option<&Person>, now: DateTime<Utc>) -> Text {
    policy
        .templates
        .letter(Language::En, &content(policy, pack, reader, now))
}

/// What stands in the pack.
pub fn content(
    policy: &Policy,
    pack: &Pack,
    reader: Option<&Person>,
    now: DateTime<Utc>,
) -> Review {
    let book = &policy.book;
    let customer = book.customers.by_id(&pack.customer);
    let shown = |ticket: &&Ticket| {
        !policy.queue(&ticket.queue).confidential
            || reader.is_some_and(|p| p.queues.contains(&ticket.queue))
    };
    let tickets: Vec<&Ticket> = pack.tickets.iter().filter(shown).collect();
    let mut account = Account::default();
    for ticket in &tickets {
        let books = |clock: &Clock| Arc::clone(policy.shared_book_of(ticket, Some(clock)));
        account.add(
            ticket,
            Some(&pack.customer),
            books,
            (pack.from, pack.until),
            now,
        );
    }
    let is_received = |t: &Ticket| pack.is_theirs(t) && pack.spans(t.received);
    let (received, earlier): (Vec<&Ticket>, Vec<&Ticket>) =
        tickets.iter().partition(|t| is_received(t));
    let tally = account.tally();
    Review {
        customer: customer.map_or(pack.customer.clone(), |c| c.name.clone()),
        manager: customer
            .and_then(|c| c.tam.as_deref())
            .and_then(|id| book.staff.by_id(id))
            .map(|p| p.name.clone())
            .unwrap_or_default(),
        from: book.local_date(pack.from).to_string(),
        until: book
            .local_date(pack.until - TimeDelta::seconds(1))
            .to_string(),
        received: account.tickets.iter().sum(),
        tickets: received.iter().map(|t| of_ticket(policy, t, now)).collect(),
        earlier: earlier
            .iter()
            .filter_map(|t| of_earlier(policy, pack, t, now))
            .collect(),
        met: tally.met,
        missed: tally.missed,
        pending: tally.pending,
        promises: account
            .promises
            .iter()
            .map(|((clause, severity), tally)| {
                format!(
                    "{clause}, severity {severity}: {} met, {} missed, {} running",
                    tally.met, tally.missed, tally.pending
                )
            })
            .collect(),
        responses: spreads(&account),
        risks: tickets
            .iter()
            .filter_map(|t| risk(policy, pack, t, now))
            .collect(),
        credits: credits(pack)
            .into_iter()
            .chain(tickets.iter().flat_map(|t| accruing(policy, pack, t, now)))
            .collect(),
        term: term(policy, pack, now),
        agreed: agreed(policy, pack),
        used: used(pack),
        bookings: bookings(pack),
    }
}

fn of_ticket(policy: &Policy, ticket: &Ticket, now: DateTime<Utc>) -> String {
    let missed = ticket.clocks.iter().any(|c| c.is_missed(now));
    let missed = if missed { ", deadline missed" } else { "" };
    format!(
        "#{} {}, severity {}, {}{missed}: {}",
        ticket.id,
        policy.book.local(ticket.received),
        ticket.severity,
        state(ticket.state),
        ticket.subject
    )
}

/// A ticket received before the fortnight, and what of it fell in that: none where nothing did.
fn of_earlier(policy: &Policy, pack: &Pack, ticket: &Ticket, now: DateTime<Utc>) -> Option<String> {
    let local = |at| policy.book.local(at);
    let mut fell = vec![];
    for clock in pack.promises(ticket) {
        let (clause, is_escalation) =
            (&clock.objective.clause, clock.kind == ClockKind::Escalation);
        if is_escalation && pack.spans(clock.started) {
            fell.push(format!("escalated {}, {clause}", local(clock.started)));
        }
        if pack.spans(clock.deadline) && clock.is_missed(now) {
            let what = overdue::clock_word(clock.kind).to_lowercase();
            fell.push(format!("{what} missed {}, {clause}", local(clock.deadline)));
        }
    }
    if pack.is_credited(ticket) {
        fell.push("credit".into());
    }
    let line = of_ticket(policy, ticket, now);
    (!fell.is_empty()).then(|| format!("{line} ({})", fell.join("; ")))
}

fn state(state: State) -> &'static str {
    match state {
        State::New => "not answered",
        State::Open => "open",
        State::WaitingCustomer => "waiting for the customer",
        State::Closed => "closed",
        State::Void => "void",
        State::Quarantined => "set aside",
    }
}

fn spreads(account: &Account) -> Vec<String> {
    let line = |what: &str, spread: Option<super::account::Spread>| {
        spread.map(|s| {
            format!(
                "{what}: median {}, nine of ten within {}, longest {}",
                duration_words(s.median / 60 * 60),
                duration_words(s.p90 / 60 * 60),
                duration_words(s.worst / 60 * 60)
            )
        })
    };
    line("In support hours", account.staffed())
        .into_iter()
        .chain(line("By the wall clock", account.wall()))
        .collect()
}

/// What may still go wrong: a promise that runs or is late, and open tickets of severity 1 and 2.
fn risk(policy: &Policy, pack: &Pack, ticket: &Ticket, now: DateTime<Utc>) -> Option<String> {
    let promised = pack
        .promises(ticket)
        .filter(|c| c.is_running())
        .min_by_key(|c| c.deadline);
    let is_open = pack.is_theirs(ticket) && ticket.is_open();
    let why = match promised {
        Some(clock) => format!(
            "{} ({}) {} {}",
            overdue::clock_word(clock.kind).to_lowercase(),
            clock.objective.clause,
            if clock.is_late(now) {
                "late since"
            } else {
                "due"
            },
            policy.book.local(clock.deadline)
        ),
        None if is_open && ticket.severity <= 2 => state(ticket.state).to_string(),
        None => return None,
    };
    Some(format!(
        "#{} severity {}: {why}: {}",
        ticket.id, ticket.severity, ticket.subject
    ))
}

fn lines(pack: &Pack) -> impl Iterator<Item = (&Entry, &CreditFacts)> {
    pack.credits
        .iter()
        .filter_map(|e| Some((e, e.credit.as_deref()?)))
}

fn credits(pack: &Pack) -> Vec<String> {
    lines(pack)
        .filter(|(entry, _)| pack.spans(entry.at))
        .map(|(entry, line)| {
            let standing = match line.standing {
                Standing::Provisional => "provisional",
                Standing::Final => "final",
            };
            format!(
                "#{} {}: {:+} days, {standing}: {} late",
                entry.place.ticket,
                line.clause,
                line.change,
                duration_words(line.late_secs)
            )
        })
        .collect()
}

/// What runs and is late earns days that stand in no ledger yet (C4.6).
fn accruing(policy: &Policy, pack: &Pack, ticket: &Ticket, now: DateTime<Utc>) -> Vec<String> {
    let theirs =
        |c: &&Clock| ticket.account_of(c).customer.as_deref() == Some(pack.customer.as_str());
    let late = |c: &&Clock| c.is_running() && c.is_late(now);
    let clocks = ticket.clocks.iter().filter(late).filter(theirs);
    let earned = clocks.map(|clock| (clock, overdue::days_now(policy, ticket, clock, now)));
    earned
        .filter(|(_, days)| *days > 0)
        .map(|(clock, days)| {
            let book = policy.book_of(ticket, Some(clock));
            let late = book.lateness_secs(&clock.objective, clock.started, clock.deadline, now);
            format!(
                "#{} {}: {days} days so far, accruing: {} late",
                ticket.id,
                clock.objective.clause,
                duration_words(late / 60 * 60)
            )
        })
        .collect()
}

/// The current term's end with its extension (C9).
fn term(policy: &Policy, pack: &Pack, now: DateTime<Utc>) -> String {
    let book = &policy.book;
    let Some(customer) = book.customers.by_id(&pack.customer) else {
        return String::new();
    };
    let today = book.local_date(now);
    let current = customer.subscriptions.iter().find_map(|o| {
        let term = o.term.filter(|t| t.contains(today))?;
        Some((term, o.credit_days_max))
    });
    let Some((term, max)) = current else {
        return String::new();
    };
    let days: i64 = lines(pack)
        .filter(|(_, line)| line.term == term)
        .map(|(_, line)| line.change)
        .sum();
    let extended = term.extended(days, max);
    format!(
        "{} to {}, with {days} days of credit until {extended}",
        term.from, term.until
    )
}

/// Agreed hours of two weeks.
fn agreed(policy: &Policy, pack: &Pack) -> String {
    let customer = policy.book.customers.by_id(&pack.customer);
    let hours = customer.and_then(|c| c.tam_hours_week);
    hours.map_or(String::new(), |hours| format!("{} h", hours * 2))
}

fn booked(pack: &Pack) -> impl Iterator<Item = (&Entry, &super::record::TimeFacts)> {
    pack.times
        .iter()
        .filter_map(|e| Some((e, e.time.as_deref()?)))
}

/// Booked against the agreed hours.
fn used(pack: &Pack) -> String {
    let minutes: i64 = booked(pack)
        .filter(|(_, time)| time.tam)
        .map(|(_, time)| i64::from(time.minutes))
        .sum();
    let sign = if minutes < 0 { "-" } else { "" };
    format!("{sign}{}", duration_words(minutes.unsigned_abs() * 60))
}

fn bookings(pack: &Pack) -> Vec<String> {
    booked(pack)
        .map(|(entry, time)| {
            format!(
                "{} {} {} min{} on #{}",
                time.day,
                time.person,
                time.minutes,
                if time.tam { ", account manager" } else { "" },
                entry.place.ticket
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fortnights_follow_from_the_first() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (today, from, until) in [
            ("2026-01-05", "2025-12-22", "2026-01-05"),
            ("2026-01-18", "2025-12-22", "2026-01-05"),
            ("2026-01-19", "2026-01-05", "2026-01-19"),
            ("2026-09-07", "2026-08-17", "2026-08-31"),
        ] {
            // A Wednesday of the first week.
            let found = fortnight(day("2026-01-07"), day(today));
            assert_eq!(found, (day(from), day(until)), "{today}");
        }
    }
}
