//! `ticketd credits`: the ledger of each customer and term, with what accrues right now, and the term's end with its extension (C4.6, C7.4, C9).

use super::request::utc;
use super::{csv, exit, table::Table};
use crate::contract::customers::Term;
use crate::contract::duration_words;
use crate::desk::record::{Entry, Standing};
use crate::desk::ticket::{Clock, Ticket, TicketId};
use crate::desk::{Policy, overdue};
use crate::store::Reader;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;

/// Whose, and in which form.
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct Filter {
    /// A customer's id.
    #[arg(long)]
    pub customer: Option<String>,
    /// One JSON object a line of the ledger.
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Comma-separated values, a line of the ledger each.
    #[arg(long)]
    pub csv: bool,
}

/// A line of the ledger, or of what is about to become one.
#[derive(Clone, Debug)]
pub struct Line {
    /// The id in customers.toml.
    pub customer: String,
    /// Which term is extended.
    pub term: Term,
    /// The missed ticket.
    pub ticket: TicketId,
    /// The ticket's entry; none while it accrues.
    pub entry: Option<u32>,
    /// When it was written, or now.
    pub at: DateTime<Utc>,
    /// The clause.
    pub clause: String,
    /// What was missed.
    pub deadline: DateTime<Utc>,
    /// The answer, or the end of the clock; none while it runs.
    pub ended: Option<DateTime<Utc>>,
    /// How late.
    pub late_secs: u64,
    /// Days that count for this clock.
    pub days: u32,
    /// Against the line before.
    pub change: i64,
    /// `provisional`, `final` or `accruing`.
    pub standing: &'static str,
}

/// One customer's term: how far it reaches, and whose lines it has. The lines themselves are read where they are shown ([`Source`]): there may be as many
/// as there are tickets.
#[derive(Default)]
pub struct Account {
    /// The sum of days in the ledger, and of those that accrue.
    pub days: i64,
    /// The agreed cap on its days, if any.
    pub days_max: Option<u32>,
    /// Where they accrue, by number.
    accruing: Vec<TicketId>,
}

/// Every account, by customer and term.
pub type Ledger = BTreeMap<(String, Term), Account>;

/// The ledger of one customer or of all, with what accrues at `now`.
pub fn ledger(
    reader: &Reader,
    policy: &Policy,
    customer: Option<&str>,
    now: DateTime<Utc>,
) -> anyhow::Result<Ledger> {
    let mut ledger = Ledger::new();
    each(reader, policy, customer, now, &mut |line| {
        let key = (line.customer.clone(), line.term);
        let account = ledger.entry(key).or_insert_with(|| Account {
            days_max: days_max(policy, &line.customer, line.term),
            ..Account::default()
        });
        account.days += line.change;
        let is_new = account.accruing.last() != Some(&line.ticket);
        if line.entry.is_none() && is_new {
            account.accruing.push(line.ticket);
        }
        Ok(())
    })?;
    Ok(ledger)
}

/// Each line, of one customer or of all: what is recorded in the order of the record, then what accrues.
pub fn each(
    reader: &Reader,
    policy: &Policy,
    customer: Option<&str>,
    now: DateTime<Utc>,
    visit: &mut dyn FnMut(Line) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    reader.each_credit(customer, &mut |entry| {
        recorded(entry).map_or(Ok(()), &mut *visit)
    })?;
    reader.each_late(now, &mut |ticket| {
        let lines = ticket.clocks.iter();
        let mut lines = lines.filter_map(|clock| accruing(policy, &ticket, clock, now));
        lines.try_for_each(|line| match customer.is_none_or(|id| line.customer == id) {
            true => visit(line),
            false => Ok(()),
        })
    })
}

/// Where the lines of an account are read.
struct Source<'a> {
    reader: &'a Reader,
    policy: &'a Policy,
    now: DateTime<Utc>,
}

impl Source<'_> {
    /// Each line of an account, in the order of the record; what accrues last.
    fn each(
        &self,
        (customer, term): &(String, Term),
        account: &Account,
        visit: &mut dyn FnMut(Line) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let own = |line: &Line| line.customer == *customer && line.term == *term;
        self.reader.each_credit_of(customer, *term, &mut |entry| {
            recorded(entry).filter(own).map_or(Ok(()), &mut *visit)
        })?;
        for id in &account.accruing {
            let Some(ticket) = self.reader.ticket(*id)? else {
                continue;
            };
            let lines = ticket.clocks.iter();
            let lines = lines.filter_map(|c| accruing(self.policy, &ticket, c, self.now));
            lines.filter(own).try_for_each(&mut *visit)?;
        }
        Ok(())
    }
}

fn recorded(entry: Entry) -> Option<Line> {
    let credit = entry.credit?;
    Some(Line {
        customer: credit.customer,
        term: credit.term,
        ticket: entry.place.ticket,
        entry: Some(entry.place.seq),
        at: entry.at,
        clause: credit.clause,
        deadline: credit.deadline,
        ended: Some(credit.ended),
        late_secs: credit.late_secs,
        days: credit.days,
        change: credit.change,
        standing: match credit.standing {
            Standing::Provisional => "provisional",
            Standing::Final => "final",
        },
    })
}

/// What a running clock has earned by now, beyond what the ledger says of it.
fn accruing(policy: &Policy, ticket: &Ticket, clock: &Clock, now: DateTime<Utc>) -> Option<Line> {
    if !clock.is_running() || !clock.is_late(now) {
        return None;
    }
    let book = policy.book_of(ticket, Some(clock));
    let account = ticket.account_of(clock);
    let (customer, term) = match &clock.credited {
        Some(credited) => (credited.customer.clone(), credited.term),
        None => (
            account.customer.clone()?,
            policy
                .book_of_term(book, account, clock.deadline)
                .term(account, clock.deadline)?,
        ),
    };
    let days = overdue::days_now(policy, ticket, clock, now);
    let had = clock.credited.as_ref().map_or(0, |c| i64::from(c.days));
    Some(Line {
        customer,
        term,
        ticket: ticket.id,
        entry: None,
        at: now,
        clause: clock.objective.clause.clone(),
        deadline: clock.deadline,
        ended: None,
        late_secs: book.lateness_secs(&clock.objective, clock.started, clock.deadline, now),
        days,
        change: i64::from(days) - had,
        standing: "accruing",
    })
}

fn days_max(policy: &Policy, customer: &str, term: Term) -> Option<u32> {
    let customer = policy.book.customers.by_id(customer)?;
    let order = customer
        .subscriptions
        .iter()
        .find(|o| o.term == Some(term))?;
    order.credit_days_max
}

/// Answers into `out`; the exit code.
pub fn answer(
    reader: &Reader,
    policy: &Policy,
    filter: &Filter,
    now: DateTime<Utc>,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let ledger = ledger(reader, policy, filter.customer.as_deref(), now)?;
    let source = Source {
        reader,
        policy,
        now,
    };
    if filter.json {
        as_json(&ledger, &source, out)?;
    } else if filter.csv {
        as_csv(&ledger, &source, out)?;
    } else {
        as_tables(&ledger, &source, out)?;
    }
    Ok(exit::OK)
}

fn extended(term: Term, account: &Account) -> NaiveDate {
    term.extended(account.days, account.days_max)
}

fn as_json(ledger: &Ledger, source: &Source, out: &mut dyn Write) -> anyhow::Result<()> {
    for (key, account) in ledger {
        let (customer, term) = key;
        source.each(key, account, &mut |line| {
            let facts = json!({
                "customer": customer, "term_from": term.from, "term_until": term.until, "term_extended_until": extended(*term, account),
                "days_max": account.days_max, "ticket": line.ticket, "entry": line.entry, "at": utc(line.at), "clause": line.clause,
                "deadline": utc(line.deadline), "ended": line.ended.map(utc), "late_secs": line.late_secs, "days": line.days,
                "change": line.change, "standing": line.standing,
            });
            Ok(writeln!(out, "{facts}")?)
        })?;
    }
    Ok(())
}

const COLUMNS: [&str; 14] = [
    "customer",
    "term_from",
    "term_until",
    "term_extended_until",
    "ticket",
    "entry",
    "at",
    "clause",
    "deadline",
    "ended",
    "late_secs",
    "days",
    "change",
    "standing",
];

fn as_csv(ledger: &Ledger, source: &Source, out: &mut dyn Write) -> anyhow::Result<()> {
    csv::line(out, &COLUMNS.map(String::from))?;
    for (key, account) in ledger {
        let (customer, term) = key;
        source.each(key, account, &mut |line| {
            Ok(csv::line(
                out,
                &[
                    customer.clone(),
                    term.from.to_string(),
                    term.until.to_string(),
                    extended(*term, account).to_string(),
                    line.ticket.to_string(),
                    line.entry.map_or(String::new(), |seq| seq.to_string()),
                    utc(line.at),
                    line.clause.clone(),
                    utc(line.deadline),
                    line.ended.map_or(String::new(), utc),
                    line.late_secs.to_string(),
                    line.days.to_string(),
                    line.change.to_string(),
                    line.standing.into(),
                ],
            )?)
        })?;
    }
    Ok(())
}

fn as_tables(ledger: &Ledger, source: &Source, out: &mut dyn Write) -> anyhow::Result<()> {
    if ledger.is_empty() {
        writeln!(out, "Nobody has a credit.")?;
    }
    let local = |at| source.policy.book.local(at);
    for (key, account) in ledger {
        let (customer, term) = key;
        let cap = account
            .days_max
            .map_or(String::new(), |max| format!(", at most {max}"));
        writeln!(
            out,
            "{customer}: term {} to {}, {} days of credit{cap}: until {}",
            term.from,
            term.until,
            account.days,
            extended(*term, account)
        )?;
        let mut table = Table::new(&[
            "ticket", "clause", "deadline", "answered", "late", "days", "change", "standing",
        ]);
        source.each(key, account, &mut |line| {
            table.row([
                line.ticket.to_string(),
                line.clause.clone(),
                local(line.deadline),
                line.ended.map_or("not yet".into(), local),
                duration_words(line.late_secs),
                line.days.to_string(),
                format!("{:+}", line.change),
                line.standing.to_string(),
            ]);
            Ok(table.flow(out)?)
        })?;
        table.write(out)?;
        writeln!(out)?;
    }
    Ok(())
}
