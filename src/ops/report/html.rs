//! The report as one page: charts drawn in SVG, tables below. It loads nothing, runs nothing, and every name in it is escaped.

use super::{EachMissed, Row, credit_words, missed_words, shown, spread_words};
use crate::desk::Policy;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::io::Write;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:64em;padding:0 1em;color:#1a1a1a;background:#fff}\
table{border-collapse:collapse;margin:1em 0}td,th{padding:.25em .8em;text-align:left;border-bottom:1px solid #ddd}\
td.n,th.n{text-align:right}figure{margin:1.5em 0}figcaption{font-weight:600}svg{max-width:100%;height:auto}\
@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}td,th{border-color:#444}svg text{fill:#eee}}";

const MET: &str = "#2e7d32";
const MISSED: &str = "#c62828";
const RUNNING: &str = "#9e9e9e";
const STAFFED: &str = "#1565c0";
const WALL: &str = "#90caf9";

/// Writes the page.
pub fn write(
    rows: &[Row],
    policy: &Policy,
    each_missed: &EachMissed,
    now: DateTime<Utc>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let vendor = escaped(&policy.links.vendor);
    let local = escaped(&policy.book.local(now));
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Support report</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style></head><body>\n\
         <h1>{vendor} support report</h1>\n<p>As of {local}.</p>\n"
    )?;
    let mut by_customer: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by_customer.entry(&row.customer).or_default().push(row);
    }
    for (customer, rows) in by_customer {
        let name = policy
            .book
            .customers
            .by_id(customer)
            .map_or(shown(customer), |c| c.name.as_str());
        writeln!(out, "<h2>{}</h2>", escaped(name))?;
        write!(out, "{}{}", promises(&rows), responses(&rows))?;
        write!(out, "{}{}", months(&rows), clauses(&rows))?;
        missed(&rows, policy, each_missed, out)?;
    }
    writeln!(out, "</body></html>")?;
    Ok(())
}

/// A bar of a chart: its parts, each with a colour and what it says.
struct Bar {
    label: String,
    parts: Vec<(f64, &'static str, String)>,
}

fn promises(rows: &[&Row]) -> String {
    let bars = rows.iter().map(|row| {
        let tally = row.account.tally();
        Bar {
            label: row.month.format("%Y-%m").to_string(),
            parts: [
                (tally.met, MET, "met"),
                (tally.missed, MISSED, "missed"),
                (tally.pending, RUNNING, "running"),
            ]
            .map(|(n, colour, word)| (n as f64, colour, format!("{n} {word}")))
            .into(),
        }
    });
    let key = [("met", MET), ("missed", MISSED), ("running", RUNNING)];
    chart("Deadlines", &bars.collect::<Vec<_>>(), &key, true)
}

/// Hours in support hours and by the wall clock: the median.
fn responses(rows: &[&Row]) -> String {
    let bars = rows.iter().filter_map(|row| {
        let (staffed, wall) = (row.account.staffed()?, row.account.wall()?);
        let hours = |secs: u64| secs as f64 / 3_600.0;
        let part = |secs: u64, colour, word: &str| {
            (hours(secs), colour, format!("{:.1} h {word}", hours(secs)))
        };
        Some(Bar {
            label: row.month.format("%Y-%m").to_string(),
            parts: vec![
                part(staffed.median, STAFFED, "in support hours"),
                part(wall.median, WALL, "by the wall clock"),
            ],
        })
    });
    let key = [("in support hours", STAFFED), ("by the wall clock", WALL)];
    chart(
        "First answers: median hours",
        &bars.collect::<Vec<_>>(),
        &key,
        false,
    )
}

/// Bars from left to right; parts on top of each other, or beside each other.
fn chart(title: &str, bars: &[Bar], key: &[(&str, &str)], stacked: bool) -> String {
    const HEIGHT: f64 = 160.0;
    const STEP: f64 = 70.0;
    let height_of = |bar: &Bar| -> f64 {
        let parts = bar.parts.iter().map(|(n, _, _)| *n);
        match stacked {
            true => parts.sum(),
            false => parts.fold(0.0, f64::max),
        }
    };
    let highest = bars.iter().map(height_of).fold(0.0, f64::max);
    if highest <= 0.0 {
        return String::new();
    }
    let width = 40.0 + STEP * bars.len() as f64;
    let mut svg = format!(
        "<figure><figcaption>{}</figcaption>\n<svg viewBox=\"0 0 {:.0} {:.0}\" width=\"{:.0}\" role=\"img\" aria-label=\"{}\" font-size=\"12\">\n",
        escaped(title),
        width.max(320.0),
        HEIGHT + 60.0,
        width.max(320.0),
        escaped(title)
    );
    for (n, bar) in bars.iter().enumerate() {
        let left = 20.0 + STEP * n as f64;
        let mut top = HEIGHT + 10.0;
        let each = match stacked {
            true => STEP - 24.0,
            false => (STEP - 24.0) / bar.parts.len().max(1) as f64,
        };
        for (place, (value, colour, says)) in bar.parts.iter().enumerate() {
            let height = value / highest * HEIGHT;
            let (x, y) = match stacked {
                true => (left, top - height),
                false => (left + each * place as f64, HEIGHT + 10.0 - height),
            };
            top -= height;
            svg.push_str(&format!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{each:.1}\" height=\"{height:.1}\" fill=\"{colour}\"><title>{}: {}</title></rect>\n",
                escaped(&bar.label),
                escaped(says)
            ));
        }
        svg.push_str(&format!(
            "<text x=\"{left:.1}\" y=\"{:.1}\">{}</text>\n",
            HEIGHT + 28.0,
            escaped(&bar.label)
        ));
    }
    for (n, (word, colour)) in key.iter().enumerate() {
        let x = 20.0 + 130.0 * n as f64;
        svg.push_str(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"10\" height=\"10\" fill=\"{colour}\"/><text x=\"{}\" y=\"{}\">{}</text>\n",
            x + 15.0,
            HEIGHT + 52.0,
            escaped(word),
            y = HEIGHT + 43.0
        ));
    }
    svg.push_str("</svg></figure>\n");
    svg
}

fn months(rows: &[&Row]) -> String {
    let head = "<table><tr><th>month</th><th class=\"n\">tickets</th><th class=\"n\">met</th><th class=\"n\">missed</th><th class=\"n\">running</th>\
                <th>answered in support hours (median, 9 of 10, longest)</th><th>by the wall clock</th><th>credit days</th></tr>\n";
    let lines = rows.iter().map(|row| {
        let tally = row.account.tally();
        format!(
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            row.month.format("%Y-%m"),
            row.account.tickets.iter().sum::<usize>(),
            tally.met,
            tally.missed,
            tally.pending,
            escaped(&spread_words(row.account.staffed())),
            escaped(&spread_words(row.account.wall())),
            escaped(&credit_words(row))
        )
    });
    format!("{head}{}</table>\n", lines.collect::<String>())
}

fn clauses(rows: &[&Row]) -> String {
    let head = "<table><tr><th>month</th><th>clause</th><th class=\"n\">severity</th><th class=\"n\">met</th><th class=\"n\">missed</th><th class=\"n\">running</th></tr>\n";
    let lines = rows.iter().flat_map(|row| {
        row.account.promises.iter().map(|((clause, severity), tally)| {
            format!(
                "<tr><td>{}</td><td>{}</td><td class=\"n\">{severity}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
                row.month.format("%Y-%m"),
                escaped(clause),
                tally.met,
                tally.missed,
                tally.pending
            )
        })
    });
    format!("{head}{}</table>\n", lines.collect::<String>())
}

/// Each missed deadline; a click shows how it was computed.
fn missed(
    rows: &[&Row],
    policy: &Policy,
    each_missed: &EachMissed,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    for row in rows {
        each_missed(row, &mut |missed| {
            let windows = missed.explanation.iter().map(|line| escaped(line));
            writeln!(
                out,
                "<details><summary>{}</summary><p>{}</p></details>",
                escaped(&missed_words(&missed, policy)),
                windows.collect::<Vec<_>>().join("<br>")
            )?;
            Ok(())
        })?;
    }
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
