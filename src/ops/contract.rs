//! `ticketd contract show`: the contract as tables for people, with the holidays of a year day by day; `--json` as one object.
//!
//! Knows how to lay out what was read; decides nothing.

use super::cli::Cli;
use super::{deadline, exit};
use crate::contract::explain::date_words;
use crate::contract::plan::{Channel, Version};
use crate::contract::{Book, duration_words};
use chrono::Datelike;
use serde_json::{Value, json};
use std::io::Write;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Every version with its hours, plans and objectives, the holidays of a year, and the customers.
    Show {
        /// The year of the holidays; this year if it is left out.
        #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i32).range(1970..=2200))]
        year: Option<i32>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// Runs it; the exit code.
pub fn run(cli: &Cli, arguments: &Arguments) -> u8 {
    let What::Show { year, json } = &arguments.what;
    let book = match deadline::load(cli) {
        Ok(book) => book,
        Err(code) => return code,
    };
    let year = year.unwrap_or_else(|| book.local_date(crate::clock::now()).year());
    let text = if *json {
        format!("{}\n", object(&book, year))
    } else {
        tables(&book, year)
    };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => exit::OK,
        Err(_) => exit::TEMPFAIL,
    }
}

fn tables(book: &Book, year: i32) -> String {
    let mut lines: Vec<String> = Vec::new();
    for version in book.contract.versions() {
        lines.push(format!(
            "Contract valid from {} ({})",
            date_words(version.valid_from),
            version.zone
        ));
        lines.push(String::new());
        lines.extend(hours_table(version));
        lines.push(String::new());
        lines.extend(plan_table(version));
        lines.push(String::new());
        lines.extend(sentences(version));
        lines.push(String::new());
        lines.push(format!("Holidays {year}"));
        for (date, name) in version.holidays.of_year(year) {
            lines.push(format!("  {}  {name}", date_words(date)));
        }
        lines.push(String::new());
    }
    lines.extend(customer_table(book));
    lines.join("\n") + "\n"
}

fn hours_table(version: &Version) -> Vec<String> {
    let rows = version
        .hours
        .iter()
        .map(|(name, hours)| vec![name.clone(), hours.text().to_string()])
        .collect();
    aligned(&["hours", "open"], rows)
}

fn plan_table(version: &Version) -> Vec<String> {
    let rows = version.plans.iter().map(|plan| {
        let mut row = vec![plan.id.clone(), plan.hours.clone()];
        for (index, promise) in plan.objectives.iter().enumerate() {
            let own = plan.hours_by_severity.get(&(index as u8 + 1));
            row.push(match own {
                Some(hours) => format!("{promise} of {hours}"),
                None => promise.to_string(),
            });
        }
        row.push(channel_words(&plan.channels));
        row
    });
    let head = [
        "plan", "hours", "sev 1", "sev 2", "sev 3", "sev 4", "channels",
    ];
    aligned(&head, rows.collect())
}

fn sentences(version: &Version) -> Vec<String> {
    let (escalation, credit) = (&version.escalation, &version.credit);
    let minutes = |minutes: u32| duration_words(u64::from(minutes) * 60);
    let percent: Vec<String> = version
        .warnings
        .percent
        .iter()
        .map(|p| format!("{p} %"))
        .collect();
    vec![
        format!(
            "Escalation to management: within {} of {} hours; urgent: within {} of the customer's support hours (C7)",
            minutes(escalation.normal_minutes),
            escalation.normal_hours,
            minutes(escalation.urgent_minutes)
        ),
        format!(
            "A missed objective: {} day(s) for every full {}, counted {} (C4.6)",
            credit.days,
            minutes(credit.quarter_min),
            if credit.wall_clock {
                "by the wall clock"
            } else {
                "in support hours"
            }
        ),
        format!(
            "Warnings: at {} of the time, at the breach, {} times hourly in desk hours, then daily (C10.1)",
            percent.join(", "),
            version.warnings.hourly_repeats
        ),
    ]
}

fn customer_table(book: &Book) -> Vec<String> {
    let mut rows = Vec::new();
    for customer in &book.customers.all {
        for order in &customer.subscriptions {
            let objectives: Vec<String> = order
                .objectives
                .iter()
                .map(|o| o.map_or("-".into(), |promise| promise.to_string()))
                .collect();
            let objectives = if order.objectives.iter().all(Option::is_none) {
                "of the plan".to_string()
            } else {
                objectives.join(", ")
            };
            rows.push(vec![
                customer.id.clone(),
                customer.name.clone(),
                order.plan.clone(),
                order.hours.clone().unwrap_or_else(|| "of the plan".into()),
                objectives,
                order.term.map_or("-".into(), |term| {
                    format!("{} to {}", term.from, term.until)
                }),
            ]);
        }
    }
    let head = ["customer", "name", "plan", "hours", "sev 1 to 4", "term"];
    aligned(&head, rows)
}

fn channel_words(channels: &[Channel]) -> String {
    let words: Vec<&str> = channels.iter().map(|c| c.word()).collect();
    words.join(", ")
}

/// Columns as wide as their widest cell, two spaces apart.
fn aligned(head: &[&str], rows: Vec<Vec<String>>) -> Vec<String> {
    let head = head.iter().map(|cell| cell.to_string()).collect();
    let all: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let columns = all.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            all.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    all.iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}", width = *width))
                .collect();
            cells.join("  ").trim_end().to_string()
        })
        .collect()
}

fn object(book: &Book, year: i32) -> Value {
    let versions: Vec<Value> = book
        .contract
        .versions()
        .iter()
        .map(|v| version(v, year))
        .collect();
    let customers: Vec<Value> = book
        .customers
        .all
        .iter()
        .map(|customer| {
            let subscriptions: Vec<Value> = customer
                .subscriptions
                .iter()
                .map(|order| {
                    json!({
                        "plan": order.plan,
                        "order": order.reference,
                        "hours": order.hours,
                        "objectives": order.objectives.map(|o| o.map(|p| p.to_string())),
                        "term": order.term.map(|t| json!({"from": t.from, "until": t.until})),
                        "credit_days_max": order.credit_days_max,
                    })
                })
                .collect();
            json!({
                "id": customer.id,
                "name": customer.name,
                "domains": customer.domains,
                "addresses": customer.addresses,
                "tam": customer.tam,
                "subscriptions": subscriptions,
            })
        })
        .collect();
    json!({ "year": year, "versions": versions, "customers": customers })
}

fn version(version: &Version, year: i32) -> Value {
    let hours: Vec<Value> = version
        .hours
        .iter()
        .map(|(name, hours)| json!({ "name": name, "open": hours.text() }))
        .collect();
    let plans: Vec<Value> = version
        .plans
        .iter()
        .map(|plan| {
            json!({
                "id": plan.id,
                "name": plan.name,
                "hours": plan.hours,
                "hours_by_severity": plan.hours_by_severity,
                "objectives": plan.objectives.map(|p| p.to_string()),
                "internal_targets_min": plan.internal_targets,
                "channels": plan.channels.iter().map(|c| c.word()).collect::<Vec<_>>(),
            })
        })
        .collect();
    let holidays: Vec<Value> = version
        .holidays
        .of_year(year)
        .into_iter()
        .map(|(date, name)| json!({ "date": date, "name": name }))
        .collect();
    json!({
        "valid_from": version.valid_from,
        "zone": version.zone.name(),
        "hours": hours,
        "plans": plans,
        "holidays": holidays,
    })
}
