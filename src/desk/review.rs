//! The review pack of a fortnight: what a technical account manager goes through with a customer (C8.3).
//!
//! Knows what stands in it; does not look for it: [`Pack`] is the fact that enters, told one ticket, line of the ledger and booking after the other, of which
//! it keeps the numbers and the first lines. What is confidential to a queue stays out of it, unless the account manager is of that queue: then its number stands there.

use super::account::Account;
use super::circular::Circulars;
use super::letter::{LetterKind, Review, Text};
use super::opening::Several;
use super::record::{Entry, Outcome, Record, Round, Standing, Tells};
use super::ticket::{Clock, ClockKind, State, Ticket, TicketId};
use super::{Known, Policy, overdue};
use crate::contract::customers::Term;
use crate::contract::{Person, duration_words};
use crate::mail::Language;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How often a pack is due: every other week.
pub const EVERY_DAYS: i64 = 14;

/// More of a kind nobody goes through in a call.
const LINES_MAX: usize = 200;

type Lines = Several<String, LINES_MAX>;

/// What is known of a customer's fortnight. First it is told the ledger and the bookings, then the tickets: what of them counts depends on the ledger.
#[derive(Clone, Debug)]
pub struct Pack {
    /// The id in customers.toml.
    pub customer: String,
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub until: DateTime<Utc>,
    /// Whom it is for, a staff id; none is the operator, who sees nothing of a confidential queue.
    pub reader: Option<String>,
    /// When it was put together.
    now: DateTime<Utc>,
    account: Account,
    received: Lines,
    earlier: Lines,
    risks: Lines,
    credits: Lines,
    bookings: Lines,
    /// Tickets that a line of it names.
    named: BTreeSet<TicketId>,
    /// Tickets of which the ledger tells something in the fortnight.
    credited: BTreeSet<TicketId>,
    /// The term that is current, the cap on its days, and their sum.
    term: Option<(Term, Option<u32>, i64)>,
    /// Minutes booked against the agreed hours.
    tam_min: i64,
}

impl Pack {
    /// A fortnight of which nothing is known yet.
    pub fn of(
        policy: &Policy,
        reader: Option<&Person>,
        customer: &str,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Self {
        let today = policy.book.local_date(now);
        let orders = policy.book.customers.by_id(customer);
        let mut orders = orders.iter().flat_map(|c| &c.subscriptions);
        let term = orders.find_map(|o| {
            let term = o.term.filter(|t| t.contains(today))?;
            Some((term, o.credit_days_max, 0))
        });
        Pack {
            customer: customer.into(),
            from,
            until,
            reader: reader.map(|p| p.id.clone()),
            now,
            account: Account::default(),
            received: Lines::default(),
            earlier: Lines::default(),
            risks: Lines::default(),
            credits: Lines::default(),
            bookings: Lines::default(),
            named: BTreeSet::new(),
            credited: BTreeSet::new(),
            term,
            tam_min: 0,
        }
    }

    /// A line of the customer's ledger. The days are the customer's whichever queue the ticket is in; its number stands in `queue` alone if that is confidential.
    pub fn credit(&mut self, policy: &Policy, reader: Option<&Person>, queue: &str, entry: &Entry) {
        let Some(line) = &entry.credit else { return };
        if let Some((_, _, days)) = self.term.as_mut().filter(|(term, ..)| *term == line.term) {
            *days += line.change;
        }
        if self.spans(entry.at) {
            let standing = match line.standing {
                Standing::Provisional => "provisional",
                Standing::Final => "final",
            };
            self.credited.insert(entry.place.ticket);
            let ticket = self.name_of(policy, reader, queue, entry.place.ticket);
            self.credits.push(format!(
                "{ticket} {}: {:+} days, {standing}: {} late",
                line.clause,
                line.change,
                duration_words(line.late_secs)
            ));
        }
    }

    /// Time booked for the customer since the fortnight's first day, as of the ledger.
    pub fn booked(&mut self, policy: &Policy, reader: Option<&Person>, queue: &str, entry: &Entry) {
        let Some(time) = &entry.time else { return };
        if time.tam {
            self.tam_min += i64::from(time.minutes);
        }
        let ticket = self.name_of(policy, reader, queue, entry.place.ticket);
        self.bookings.push(format!(
            "{} {} {} min{} on {ticket}",
            time.day,
            time.person,
            time.minutes,
            if time.tam { ", account manager" } else { "" },
        ));
    }

    /// `#12`, unless the reader may not know of it.
    fn name_of(
        &mut self,
        policy: &Policy,
        reader: Option<&Person>,
        queue: &str,
        ticket: TicketId,
    ) -> String {
        match is_shown(policy, reader, queue) {
            true => {
                self.named.insert(ticket);
                format!("#{ticket}")
            }
            false => "a confidential ticket".into(),
        }
    }

    /// A ticket, anybody's; by number.
    pub fn ticket(&mut self, policy: &Policy, reader: Option<&Person>, ticket: &Ticket) {
        if !is_shown(policy, reader, &ticket.queue) || !self.concerns(ticket) {
            return;
        }
        let (customer, span) = (self.customer.clone(), (self.from, self.until));
        let books = |clock: &Clock| Arc::clone(policy.shared_book_of(ticket, Some(clock)));
        self.account
            .add(ticket, Some(&customer), books, span, self.now);
        let before = self.shown();
        if self.is_theirs(ticket) && self.spans(ticket.received) {
            self.received.push(of_ticket(policy, ticket, self.now));
        } else if let Some(line) = of_earlier(policy, self, ticket) {
            self.earlier.push(line);
        }
        if let Some(line) = risk(policy, self, ticket) {
            self.risks.push(line);
        }
        for line in accruing(policy, self, ticket) {
            self.credits.push(line);
        }
        if self.shown() > before {
            self.named.insert(ticket.id);
        }
    }

    /// How many lines stand in it.
    fn shown(&self) -> usize {
        let all = [&self.received, &self.earlier, &self.risks, &self.credits];
        all.iter().map(|lines| lines.first.len()).sum()
    }

    /// Whether a ticket is the customer's and open or received in the fortnight; or was, before, and something of it fell in the fortnight or may still: a promise
    /// began, was due or runs, or the ledger changed. Closed or not: closing ends no promise (C4.8).
    fn concerns(&self, ticket: &Ticket) -> bool {
        let of_now = self.is_theirs(ticket) && (ticket.is_open() || self.spans(ticket.received));
        let promised =
            |c: &Clock| c.is_running() || self.spans(c.started) || self.spans(c.deadline);
        of_now || self.promises(ticket).any(promised) || self.credited.contains(&ticket.id)
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

    fn spans(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.until
    }
}

fn is_shown(policy: &Policy, reader: Option<&Person>, queue: &str) -> bool {
    !policy.queue(queue).confidential || reader.is_some_and(|p| p.queues.iter().any(|q| q == queue))
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
        again: vec![],
    };
    let mut letters = Circulars::of(policy, counters, now);
    let person = pack.reader.as_deref();
    let person = person.and_then(|id| policy.book.staff.by_id(id));
    // A house that begins has no fortnight before.
    if let (Some(person), Some(_)) = (person, last) {
        let queue = person.queues.first().map_or("", String::as_str);
        let tells = Tells::Review {
            customer: pack.customer.clone(),
            until: pack.until,
            of: pack.named.iter().copied().collect(),
        };
        let text = text(policy, pack);
        letters.letter(LetterKind::Digest, queue, person, text, tells);
    }
    letters.join(Outcome::of("a fortnight is over").with(Record::Round(round)))
}

/// A pack that did not leave is due once more; not if a later one was.
pub(super) fn told_anew(known: &Known, customer: &str, until: DateTime<Utc>) -> Option<Round> {
    let last = known
        .round(&round(customer))
        .filter(|round| round.at == until)?;
    Some(Round {
        at: until - TimeDelta::days(EVERY_DAYS),
        ..last.clone()
    })
}

/// The account manager of a customer, who gets its pack.
pub fn manager<'p>(policy: &'p Policy, customer: &str) -> Option<&'p Person> {
    let tam = policy.book.customers.by_id(customer)?.tam.as_deref()?;
    policy.book.staff.by_id(tam)
}

/// The pack in words.
pub fn text(policy: &Policy, pack: &Pack) -> Text {
    let content = content(policy, pack);
    policy.templates.letter(Language::En, &content)
}

/// What stands in the pack.
pub fn content(policy: &Policy, pack: &Pack) -> Review {
    let book = &policy.book;
    let customer = book.customers.by_id(&pack.customer);
    let (account, tally) = (&pack.account, pack.account.tally());
    let lines = |lines: &Lines| lines.lines(String::clone);
    Review {
        customer: customer.map_or(pack.customer.clone(), |c| c.name.clone()),
        manager: manager(policy, &pack.customer).map_or(String::new(), |p| p.name.clone()),
        from: book.local_date(pack.from).to_string(),
        until: book
            .local_date(pack.until - TimeDelta::seconds(1))
            .to_string(),
        received: account.tickets.iter().sum(),
        tickets: lines(&pack.received),
        earlier: lines(&pack.earlier),
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
        responses: spreads(account),
        at_risk: pack.risks.total,
        risks: lines(&pack.risks),
        credits: lines(&pack.credits),
        term: term(pack),
        agreed: agreed(policy, pack),
        used: used(pack),
        bookings: lines(&pack.bookings),
    }
}

fn of_ticket(policy: &Policy, ticket: &Ticket, now: DateTime<Utc>) -> String {
    let missed = ticket.clocks.iter().any(|c| c.is_missed(now));
    let missed = if missed { ", deadline missed" } else { "" };
    format!(
        "#{} {}, severity {}, {}{missed}{}",
        ticket.id,
        policy.book.local(ticket.received),
        ticket.severity,
        state(ticket.state),
        about(policy, ticket)
    )
}

/// What it is about; of a confidential ticket a mail says the number, and no word of it (ATTACKS.md G01).
fn about(policy: &Policy, ticket: &Ticket) -> String {
    match policy.queue(&ticket.queue).confidential {
        true => String::new(),
        false => format!(": {}", ticket.subject),
    }
}

/// A ticket received before the fortnight, and what of it fell in that: none where nothing did.
fn of_earlier(policy: &Policy, pack: &Pack, ticket: &Ticket) -> Option<String> {
    let local = |at| policy.book.local(at);
    let mut fell = vec![];
    for clock in pack.promises(ticket) {
        let (clause, is_escalation) =
            (&clock.objective.clause, clock.kind == ClockKind::Escalation);
        if is_escalation && pack.spans(clock.started) {
            fell.push(format!("escalated {}, {clause}", local(clock.started)));
        }
        if pack.spans(clock.deadline) && clock.is_missed(pack.now) {
            let what = overdue::clock_word(clock.kind).to_lowercase();
            fell.push(format!("{what} missed {}, {clause}", local(clock.deadline)));
        }
    }
    if pack.credited.contains(&ticket.id) {
        fell.push("credit".into());
    }
    let line = of_ticket(policy, ticket, pack.now);
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
fn risk(policy: &Policy, pack: &Pack, ticket: &Ticket) -> Option<String> {
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
            if clock.is_late(pack.now) {
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
        "#{} severity {}: {why}{}",
        ticket.id,
        ticket.severity,
        about(policy, ticket)
    ))
}

/// What runs and is late earns days that stand in no ledger yet (C4.6).
fn accruing(policy: &Policy, pack: &Pack, ticket: &Ticket) -> Vec<String> {
    let now = pack.now;
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
fn term(pack: &Pack) -> String {
    pack.term.map_or(String::new(), |(term, max, days)| {
        format!(
            "{} to {}, with {days} days of credit until {}",
            term.from,
            term.until,
            term.extended(days, max)
        )
    })
}

/// Agreed hours of two weeks.
fn agreed(policy: &Policy, pack: &Pack) -> String {
    let customer = policy.book.customers.by_id(&pack.customer);
    let hours = customer.and_then(|c| c.tam_hours_week);
    hours.map_or(String::new(), |hours| format!("{} h", hours * 2))
}

/// Booked against the agreed hours.
fn used(pack: &Pack) -> String {
    let sign = if pack.tam_min < 0 { "-" } else { "" };
    format!("{sign}{}", duration_words(pack.tam_min.unsigned_abs() * 60))
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
