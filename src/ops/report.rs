//! `ticketd report`: per customer and month tickets, deadlines met and missed, response times, credits; and what another contract would have made of it.
//!
//! Knows how the numbers are asked for and laid out; how a ticket counts is [`crate::desk::account`]'s. A ticket of a confidential queue counts, and is named nowhere.

mod html;
mod what_if;

use super::request::utc;
use super::{credits, tickets};
use super::{csv, exit, table::Table};
use crate::contract::{Source, duration_words};
use crate::desk::Policy;
use crate::desk::account::{Account, Spread, Tally};
use crate::desk::overdue;
use crate::desk::ticket::{Clock, Ticket, TicketId};
use crate::store::Reader;
use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// What of, since when, in which form.
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct Filter {
    /// One month, such as 2026-09; without it all months.
    #[arg(long, value_name = "MONTH", value_parser = month)]
    pub month: Option<NaiveDate>,
    /// A customer's id.
    #[arg(long)]
    pub customer: Option<String>,
    /// What was received from this day on.
    #[arg(long, value_name = "DAY")]
    pub since: Option<NaiveDate>,
    /// One JSON object a line.
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Comma-separated values.
    #[arg(long)]
    pub csv: bool,
    /// A page with charts into this file, which needs nothing else to be looked at.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "csv"])]
    pub html: Option<PathBuf>,
    /// Which deadlines, breaches and credits would differ under another contract.toml.
    #[arg(long, value_name = "CONTRACT", conflicts_with_all = ["csv", "html", "month"])]
    pub contract: Option<PathBuf>,
    /// That file, as whoever asks has read it.
    #[arg(skip)]
    pub other: Option<(String, String)>,
}

fn month(text: &str) -> Result<NaiveDate, String> {
    format!("{text}-01")
        .parse()
        .map_err(|_| format!("\"{text}\" is no month; write 2026-09"))
}

/// One customer's month.
pub struct Row {
    /// The id in customers.toml; empty for everybody else.
    pub customer: String,
    /// Its first day.
    pub month: NaiveDate,
    /// The numbers.
    pub account: Account,
    /// Days by which the ledger changed in it, `provisional` and `final`, and what accrues now.
    pub credits: BTreeMap<&'static str, i64>,
    /// Each missed deadline of a ticket that may be named: which clock of it. What is said of them is read where it is shown, one after the other.
    missed: Vec<(TicketId, u32)>,
    /// Time booked in it.
    pub booked: Booked,
}

/// Time booked for a customer (C8.2).
#[derive(Default)]
pub struct Booked {
    /// Minutes against the agreed hours of the account manager.
    pub tam_min: i64,
    /// Minutes of anything else.
    pub other_min: i64,
}

/// A deadline that passed without an answer, and how it was computed.
pub struct Missed {
    /// Whose.
    pub ticket: TicketId,
    /// What was owed, with its clause.
    pub promise: String,
    /// The severity that it was promised for.
    pub severity: u8,
    /// When it was due.
    pub deadline: DateTime<Utc>,
    /// When it ended after all, by an answer or because nothing was owed any more; none while it runs.
    pub ended: Option<DateTime<Utc>>,
    /// Window by window, with the holidays named (C10.3).
    pub explanation: Vec<String>,
}

/// Answers into `out`; the exit code.
pub fn answer(
    reader: &Reader,
    policy: &Policy,
    filter: &Filter,
    now: DateTime<Utc>,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    if let Some((file, text)) = &filter.other {
        let source = Source {
            file: file.clone(),
            text: text.clone(),
        };
        return what_if::answer(reader, policy, &source, filter, now, out);
    }
    let rows = rows(reader, policy, filter, now)?;
    let each_missed = |row: &Row, visit: &mut dyn FnMut(Missed) -> anyhow::Result<()>| {
        each_missed(reader, policy, row, now, visit)
    };
    if filter.json {
        as_json(&rows, policy, &each_missed, out)?;
    } else if filter.csv {
        as_csv(&rows, out)?;
    } else if filter.html.is_some() {
        html::write(&rows, policy, &each_missed, now, out)?;
    } else {
        as_table(&rows, policy, &each_missed, out)?;
    }
    Ok(exit::OK)
}

/// Reads what a row's missed deadlines were.
type EachMissed<'e> =
    dyn Fn(&Row, &mut dyn FnMut(Missed) -> anyhow::Result<()>) -> anyhow::Result<()> + 'e;

fn rows(
    reader: &Reader,
    policy: &Policy,
    filter: &Filter,
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Row>> {
    let book = &policy.book;
    let month_of = |at| book.local_date(at).with_day(1).unwrap_or_default();
    let wanted = |customer: &str, at: DateTime<Utc>| {
        filter.customer.as_ref().is_none_or(|id| id == customer)
            && filter.month.is_none_or(|month| month_of(at) == month)
            && filter.since.is_none_or(|day| book.local_date(at) >= day)
    };
    let mut rows: BTreeMap<(String, NaiveDate), Row> = BTreeMap::new();
    fn row<'r>(
        rows: &'r mut BTreeMap<(String, NaiveDate), Row>,
        customer: &str,
        month: NaiveDate,
    ) -> &'r mut Row {
        rows.entry((customer.to_string(), month))
            .or_insert_with(|| Row {
                customer: customer.into(),
                month,
                account: Account::default(),
                credits: BTreeMap::new(),
                missed: vec![],
                booked: Booked::default(),
            })
    }
    reader.tickets(&mut |ticket| {
        // What was missed on another account stays that customer's (C3.6).
        let clocks = ticket.clocks.iter();
        let months = clocks
            .map(|c| (&ticket.account_of(c).customer, c.started))
            .chain([(&ticket.subscription.customer, ticket.received)])
            .filter(|(customer, at)| wanted(customer.as_deref().unwrap_or_default(), *at))
            .map(|(customer, at)| (customer.as_deref(), month_of(at)));
        let months: std::collections::BTreeSet<(Option<&str>, NaiveDate)> = months.collect();
        for (customer, month) in months {
            let after = month.checked_add_months(Months::new(1)).unwrap_or(month);
            let span = (book.morning(month), book.morning(after));
            let books = |clock: &Clock| Arc::clone(policy.shared_book_of(&ticket, Some(clock)));
            let row = row(&mut rows, customer.unwrap_or_default(), month);
            row.account.add(&ticket, customer, books, span, now);
            if is_named(policy, &ticket) {
                let missed = Account::missed(&ticket, customer, span, now);
                let missed = missed.filter_map(|clock| {
                    let place = ticket.clocks.iter().position(|c| std::ptr::eq(c, clock))?;
                    Some((ticket.id, u32::try_from(place).ok()?))
                });
                row.missed.extend(missed);
            }
        }
        true
    })?;
    credits::each(
        reader,
        policy,
        filter.customer.as_deref(),
        now,
        &mut |line| {
            if wanted(&line.customer, line.at) {
                let row = row(&mut rows, &line.customer, month_of(line.at));
                *row.credits.entry(line.standing).or_default() += line.change;
            }
            Ok(())
        },
    )?;
    let since = filter.month.or(filter.since).unwrap_or_default();
    for customer in &book.customers.all {
        reader.each_time(&customer.id, since, &mut |entry| {
            let time = entry.time.as_ref();
            if let Some(time) = time.filter(|t| wanted(&customer.id, book.morning(t.day))) {
                let month = time.day.with_day(1).unwrap_or_default();
                let booked = &mut row(&mut rows, &customer.id, month).booked;
                match time.tam {
                    true => booked.tam_min += i64::from(time.minutes),
                    false => booked.other_min += i64::from(time.minutes),
                }
            }
            Ok(())
        })?;
    }
    Ok(rows.into_values().collect())
}

/// What is confidential to a queue counts, and is not told.
fn is_named(policy: &Policy, ticket: &Ticket) -> bool {
    !policy.queue(&ticket.queue).confidential
}

fn each_missed(
    reader: &Reader,
    policy: &Policy,
    row: &Row,
    now: DateTime<Utc>,
    visit: &mut dyn FnMut(Missed) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for (id, place) in &row.missed {
        // It is read again, and may have gone another way meanwhile.
        let ticket = reader.ticket(*id)?.filter(|t| is_named(policy, t));
        let Some(ticket) = ticket else { continue };
        let clock = ticket.clocks.get(*place as usize);
        if let Some(clock) = clock.filter(|c| c.is_missed(now)) {
            visit(missed_of(policy, &ticket, clock))?;
        }
    }
    Ok(())
}

fn missed_of(policy: &Policy, ticket: &Ticket, clock: &Clock) -> Missed {
    let book = policy.book_of(ticket, Some(clock));
    Missed {
        ticket: ticket.id,
        promise: format!(
            "{} ({})",
            overdue::clock_word(clock.kind),
            clock.objective.clause
        ),
        severity: ticket.promised_for(clock),
        deadline: clock.deadline,
        ended: clock.stopped,
        explanation: book.explanation(&clock.objective, clock.started, clock.deadline),
    }
}

/// Agreed hours a week of the customer's account manager.
fn agreed(policy: &Policy, row: &Row) -> Option<u32> {
    let customer = policy.book.customers.by_id(&row.customer)?;
    customer.tam_hours_week
}

fn as_json(
    rows: &[Row],
    policy: &Policy,
    each_missed: &EachMissed,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    for row in rows {
        // The missed deadlines are its last member, and need not all be there at once.
        let facts = facts(row, policy).to_string();
        let open = facts.strip_suffix('}').unwrap_or(&facts);
        write!(out, "{open},\"missed\":[")?;
        let mut comma = "";
        each_missed(row, &mut |missed| {
            write!(
                out,
                "{}{}",
                std::mem::replace(&mut comma, ","),
                missed_facts(&missed)
            )?;
            Ok(())
        })?;
        writeln!(out, "]}}")?;
    }
    Ok(())
}

fn facts(row: &Row, policy: &Policy) -> Value {
    let promises: Vec<Value> = row
        .account
        .promises
        .iter()
        .map(|((clause, severity), tally)| {
            let mut facts = tally_facts(tally);
            facts["clause"] = json!(clause);
            facts["severity"] = json!(severity);
            facts
        })
        .collect();
    json!({
        "customer": known(&row.customer), "month": row.month.format("%Y-%m").to_string(),
        "tickets": { "1": row.account.tickets[0], "2": row.account.tickets[1], "3": row.account.tickets[2], "4": row.account.tickets[3] },
        "promises": promises,
        "responses": row.account.responses.len(),
        "staffed_secs": row.account.staffed().map(spread_facts),
        "wall_secs": row.account.wall().map(spread_facts),
        "credit_days": credit_facts(row),
        "time": { "tam_min": row.booked.tam_min, "tam_agreed_hours_week": agreed(policy, row), "other_min": row.booked.other_min },
    })
}

fn missed_facts(missed: &Missed) -> Value {
    json!({
        "ticket": missed.ticket, "promise": missed.promise, "severity": missed.severity, "deadline": utc(missed.deadline), "ended": missed.ended.map(utc),
        "explanation": missed.explanation,
    })
}

fn known(customer: &str) -> Option<&str> {
    (!customer.is_empty()).then_some(customer)
}

fn tally_facts(tally: &Tally) -> Value {
    json!({ "met": tally.met, "missed": tally.missed, "pending": tally.pending, "void": tally.void })
}

fn spread_facts(spread: Spread) -> Value {
    json!({ "median": spread.median, "p90": spread.p90, "worst": spread.worst })
}

fn credit(row: &Row, standing: &str) -> i64 {
    row.credits.get(standing).copied().unwrap_or(0)
}

fn credit_facts(row: &Row) -> Value {
    json!({ "provisional": credit(row, "provisional"), "final": credit(row, "final"), "accruing": credit(row, "accruing") })
}

const COLUMNS: [&str; 19] = [
    "customer",
    "month",
    "clause",
    "severity",
    "tickets",
    "met",
    "missed",
    "pending",
    "void",
    "responses",
    "staffed_median_secs",
    "staffed_p90_secs",
    "staffed_worst_secs",
    "wall_median_secs",
    "wall_p90_secs",
    "wall_worst_secs",
    "credit_provisional",
    "credit_final",
    "credit_accruing",
];

/// A line for each month with no clause, and below it one for each clause and severity.
fn as_csv(rows: &[Row], out: &mut dyn Write) -> anyhow::Result<()> {
    csv::line(out, &COLUMNS.map(String::from))?;
    for row in rows {
        let month = row.month.format("%Y-%m").to_string();
        let tally = |t: Tally| [t.met, t.missed, t.pending, t.void].map(|n| n.to_string());
        let spread = |s: Option<Spread>| match s {
            Some(s) => [s.median, s.p90, s.worst].map(|n| n.to_string()),
            None => Default::default(),
        };
        let mut cells = vec![
            row.customer.clone(),
            month.clone(),
            String::new(),
            String::new(),
        ];
        cells.push(row.account.tickets.iter().sum::<usize>().to_string());
        cells.extend(tally(row.account.tally()));
        cells.push(row.account.responses.len().to_string());
        cells.extend(spread(row.account.staffed()));
        cells.extend(spread(row.account.wall()));
        cells.extend(["provisional", "final", "accruing"].map(|s| credit(row, s).to_string()));
        csv::line(out, &cells)?;
        for ((clause, severity), promise) in &row.account.promises {
            let mut cells = vec![
                row.customer.clone(),
                month.clone(),
                clause.clone(),
                severity.to_string(),
                row.account.tickets[usize::from(severity - 1)].to_string(),
            ];
            cells.extend(tally(*promise));
            cells.resize(COLUMNS.len(), String::new());
            csv::line(out, &cells)?;
        }
    }
    Ok(())
}

fn as_table(
    rows: &[Row],
    policy: &Policy,
    each_missed: &EachMissed,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if rows.is_empty() {
        writeln!(out, "Nothing was received.")?;
        return Ok(());
    }
    let mut table = Table::new(&[
        "month",
        "customer",
        "tickets",
        "met",
        "missed",
        "running",
        "answered in (support hours: median, 9 of 10, longest)",
        "by the wall clock",
        "credit days",
    ]);
    for row in rows {
        let tally = row.account.tally();
        table.row([
            row.month.format("%Y-%m").to_string(),
            shown(&row.customer).into(),
            row.account.tickets.iter().sum::<usize>().to_string(),
            tally.met.to_string(),
            tally.missed.to_string(),
            tally.pending.to_string(),
            spread_words(row.account.staffed()),
            spread_words(row.account.wall()),
            credit_words(row),
        ]);
    }
    table.write(out)?;
    writeln!(out)?;
    let mut table = Table::new(&[
        "month",
        "customer",
        "clause",
        "severity",
        "met",
        "missed",
        "running",
        "withdrawn",
    ]);
    for row in rows {
        for ((clause, severity), tally) in &row.account.promises {
            table.row([
                row.month.format("%Y-%m").to_string(),
                shown(&row.customer).into(),
                clause.clone(),
                severity.to_string(),
                tally.met.to_string(),
                tally.missed.to_string(),
                tally.pending.to_string(),
                tally.void.to_string(),
            ]);
        }
    }
    table.write(out)?;
    as_hours(rows, policy, out)?;
    for row in rows {
        each_missed(row, &mut |missed| {
            writeln!(out, "\n{}", missed_words(&missed, policy))?;
            for line in &missed.explanation {
                writeln!(out, "  {line}")?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Time booked, beside what was agreed (C8.2).
fn as_hours(rows: &[Row], policy: &Policy, out: &mut dyn Write) -> anyhow::Result<()> {
    let booked = |row: &&Row| row.booked.tam_min != 0 || row.booked.other_min != 0;
    if !rows.iter().any(|row| booked(&row)) {
        return Ok(());
    }
    let mut table = Table::new(&[
        "month",
        "customer",
        "account manager",
        "agreed",
        "other time",
    ]);
    for row in rows.iter().filter(booked) {
        table.row([
            row.month.format("%Y-%m").to_string(),
            shown(&row.customer).into(),
            minutes_words(row.booked.tam_min),
            agreed(policy, row).map_or("-".into(), |hours| format!("{hours} h a week")),
            minutes_words(row.booked.other_min),
        ]);
    }
    writeln!(out)?;
    table.write(out)?;
    Ok(())
}

fn minutes_words(minutes: i64) -> String {
    let sign = if minutes < 0 { "-" } else { "" };
    format!("{sign}{}", duration_words(minutes.unsigned_abs() * 60))
}

/// `#12, severity 2: Initial response (C4.1) due Mon 07.09.2026 10:00, ended Mon 07.09.2026 10:20`.
fn missed_words(missed: &Missed, policy: &Policy) -> String {
    let book = &policy.book;
    format!(
        "#{}, severity {}: {} due {}, {}",
        missed.ticket,
        missed.severity,
        missed.promise,
        book.local(missed.deadline),
        missed.ended.map_or("still open".into(), |at| format!(
            "ended {}",
            book.local(at)
        ))
    )
}

fn shown(customer: &str) -> &str {
    known(customer).unwrap_or("(others)")
}

fn spread_words(spread: Option<Spread>) -> String {
    let minutes = |secs: u64| match secs {
        0..60 => "<1 min".to_string(),
        secs => duration_words(secs / 60 * 60),
    };
    spread.map_or(String::new(), |s| {
        format!(
            "{}, {}, {}",
            minutes(s.median),
            minutes(s.p90),
            minutes(s.worst)
        )
    })
}

fn credit_words(row: &Row) -> String {
    let words: Vec<String> = row
        .credits
        .iter()
        .filter(|(_, days)| **days != 0)
        .map(|(standing, days)| format!("{days:+} {standing}"))
        .collect();
    words.join(", ")
}

fn as_word<T: Serialize>(value: &T) -> String {
    tickets::word(value)
}
