//! `ticketd deadline`: when an objective expires, and how that was computed.
//!
//! Knows the command's arguments and the two forms of its answer; the answer itself is the contract's ([`Book::deadline`]).

use super::cli::Cli;
use super::{Fault, exit};
use crate::contract::hours::{FIRST_YEAR, Hours, LAST_YEAR};
use crate::contract::{Book, Objective, Source, Subscription};
use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::Arc;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A plan of the contract, such as extended-sla; with --customer, the customer's usual one if it is left out.
    #[arg(long, value_name = "PLAN", required_unless_present_any = ["customer", "batch"])]
    plan: Option<String>,
    /// 1 to 4.
    #[arg(long, value_name = "N", required_unless_present = "batch", value_parser = clap::value_parser!(u8).range(1..=4))]
    severity: Option<u8>,
    /// When the request was received, with its offset from UTC: 2026-03-27T16:40+01:00.
    #[arg(long, value_name = "TIME", required_unless_present = "batch", value_parser = instant)]
    from: Option<DateTime<Utc>>,
    /// A customer of customers.toml, whose order is then counted by.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Read {"hours":"business","start":"…Z","minutes":720} lines and print each again with its deadline. The hours are a name of the contract or opening hours.
    #[arg(long, conflicts_with_all = ["plan", "severity", "from", "customer"])]
    batch: bool,
}

/// Runs it; the exit code.
pub fn run(cli: &Cli, arguments: &Arguments) -> u8 {
    let book = match load(cli) {
        Ok(book) => book,
        Err(code) => return code,
    };
    if arguments.batch {
        let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
        return batch(&book, input, output);
    }
    let (Some(severity), Some(from)) = (arguments.severity, arguments.from) else {
        return exit::USAGE;
    };
    match answer(&book, arguments, severity, from) {
        Ok(answer) => print(&book, &answer, arguments.json),
        Err(problem) => {
            eprintln!("ticketd: {problem}");
            exit::USAGE
        }
    }
}

/// An instant as people and programs write it: RFC 3339, also without seconds.
pub fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%:z"))
        .or_else(|_| {
            let utc = text.strip_suffix(['Z', 'z']).map(|t| format!("{t}+00:00"));
            DateTime::parse_from_str(utc.as_deref().unwrap_or(text), "%Y-%m-%dT%H:%M%:z")
        })
        .map(|at| at.to_utc())
        .map_err(|_| {
            "write it with its offset from UTC, such as 2026-03-27T16:40+01:00 or 2026-03-27T15:40:00Z"
                .to_string()
        })
}

/// The deadline of one request, as `--json` prints it.
#[derive(Serialize)]
struct Answer {
    plan: String,
    customer: Option<String>,
    severity: u8,
    from: String,
    objective: Objective,
    deadline: String,
    explanation: Vec<String>,
    #[serde(skip)]
    at: DateTime<Utc>,
}

fn answer(
    book: &Book,
    arguments: &Arguments,
    severity: u8,
    from: DateTime<Utc>,
) -> Result<Answer, String> {
    let subscription = subscription(book, arguments, from)?;
    let objective = book.initial_response(&subscription, severity, from);
    let hours = book.hours(&objective, from);
    expires(&hours, from, u64::from(objective.minutes) * 60)
        .map_err(|years| format!("--from {}: {years}", utc(from)))?;
    let deadline = book.deadline(&objective, from);
    Ok(Answer {
        plan: subscription.plan,
        customer: subscription.customer,
        severity,
        from: utc(from),
        objective,
        deadline: utc(deadline.at),
        explanation: deadline.explanation,
        at: deadline.at,
    })
}

/// The end of a time, where both lie in the years that are known.
fn expires(hours: &Hours, from: DateTime<Utc>, secs: u64) -> Result<DateTime<Utc>, String> {
    let known = (FIRST_YEAR..=LAST_YEAR).contains(&from.year());
    let end = hours.add(from, secs).filter(|_| known);
    end.ok_or_else(|| {
        format!("no deadline is known before {FIRST_YEAR} or after {LAST_YEAR}; use a time between")
    })
}

fn subscription(
    book: &Book,
    arguments: &Arguments,
    from: DateTime<Utc>,
) -> Result<Subscription, String> {
    let plan = arguments.plan.as_deref();
    let version = book.contract.at(from);
    if let Some(plan) = plan
        && version.plan(plan).is_none()
    {
        let known: Vec<&str> = version.plans.iter().map(|p| p.id.as_str()).collect();
        return Err(format!(
            "plan \"{plan}\" is unknown; use one of {}",
            known.join(", ")
        ));
    }
    if let Some(id) = &arguments.customer {
        if book.customers.by_id(id).is_none() {
            let known: Vec<&str> = book.customers.all.iter().map(|c| c.id.as_str()).collect();
            return Err(format!(
                "customer \"{id}\" is unknown; use one of {}",
                known.join(", ")
            ));
        }
        return book.subscription_of(id, plan, from).ok_or_else(|| {
            format!("customer \"{id}\" has no subscription of plan \"{}\" then; leave --plan out for the usual one", plan.unwrap_or_default())
        });
    }
    Ok(Subscription {
        customer: None,
        customer_name: String::new(),
        plan: plan.unwrap_or(crate::contract::DEFAULT_PLAN).to_string(),
        language: None,
        tam: None,
    })
}

fn print(book: &Book, answer: &Answer, json: bool) -> u8 {
    let mut out = std::io::stdout().lock();
    let written = if json {
        serde_json::to_string(answer)
            .map_err(std::io::Error::from)
            .and_then(|line| writeln!(out, "{line}"))
    } else {
        let promised = if answer.objective.internal {
            "  (internal target: best effort has no deadline, C3.2)"
        } else {
            ""
        };
        writeln!(
            out,
            "{}  {}{promised}",
            book.local(answer.at),
            answer.deadline
        )
        .and_then(|()| {
            answer
                .explanation
                .iter()
                .try_for_each(|line| writeln!(out, "  {line}"))
        })
    };
    if written.is_ok() {
        exit::OK
    } else {
        exit::TEMPFAIL
    }
}

fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// One line of a batch. Other fields are let through as they are.
#[derive(Deserialize)]
struct Line<'l> {
    #[serde(borrow)]
    hours: Cow<'l, str>,
    #[serde(borrow)]
    start: Cow<'l, str>,
    minutes: u64,
    deadline: Option<serde::de::IgnoredAny>,
}

/// Hours by the text of a line, once read. Names may mean other hours in another version of the contract.
type Known<'b> = BTreeMap<(String, DateTime<Utc>), Arc<Hours>>;

/// Answers line by line; a line that is wrong is told on standard error, and the rest is answered all the same.
fn batch(book: &Book, mut input: impl BufRead, output: impl Write) -> u8 {
    let mut output = std::io::BufWriter::with_capacity(1 << 16, output);
    let mut known = Known::new();
    let (mut code, mut number) = (exit::OK, 0_u64);
    let mut line = Vec::new();
    loop {
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(e) => {
                eprintln!("ticketd: standard input: {e}");
                return exit::UNAVAILABLE;
            }
        }
        number += 1;
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let written = match answer_line(book, &mut known, text) {
            Ok(deadline) => append(&mut output, text, deadline),
            Err(problem) => {
                eprintln!("ticketd: line {number}: {problem}");
                code = exit::DATA;
                Ok(())
            }
        };
        // Whoever read our answers has gone away.
        if written.is_err() {
            return exit::TEMPFAIL;
        }
    }
    match output.flush() {
        Ok(()) => code,
        Err(_) => exit::TEMPFAIL,
    }
}

fn answer_line(book: &Book, known: &mut Known<'_>, text: &[u8]) -> Result<DateTime<Utc>, String> {
    let line: Line<'_> = serde_json::from_slice(text)
        .map_err(|e| {
            // The line is always the first of its own text.
            let problem = e.to_string().replace(" at line 1 column ", " at character ");
            format!("{problem}; write {{\"hours\":\"business\",\"start\":\"2026-03-27T15:40:00Z\",\"minutes\":720}}")
        })?;
    if line.deadline.is_some() {
        return Err("it has a deadline already; leave it out".into());
    }
    let start = instant(&line.start)
        .map_err(|remedy| format!("start \"{}\" is no time; {remedy}", line.start))?;
    let hours = hours(book, known, &line.hours, start)?;
    let secs = line
        .minutes
        .checked_mul(60)
        .ok_or("minutes are too many; write a number below 100000000")?;
    expires(hours, start, secs).map_err(|years| {
        let (minutes, of) = (line.minutes, &line.hours);
        format!("{minutes} min of \"{of}\" from {}: {years}", line.start)
    })
}

fn hours<'k>(
    book: &Book,
    known: &'k mut Known<'_>,
    text: &str,
    start: DateTime<Utc>,
) -> Result<&'k Arc<Hours>, String> {
    let key = (text.to_string(), book.contract.at(start).begins);
    // Bounded: every line may write other hours.
    if known.len() > 1_000 {
        known.clear();
    }
    match known.entry(key) {
        std::collections::btree_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
        std::collections::btree_map::Entry::Vacant(entry) => {
            let hours = book
                .contract
                .hours(text, start)
                .map_err(|fault| fault.to_string())?;
            Ok(entry.insert(hours))
        }
    }
}

/// The line as it came, with one more field at its end.
fn append(output: &mut impl Write, text: &[u8], deadline: DateTime<Utc>) -> std::io::Result<()> {
    let body = text.strip_suffix(b"}").unwrap_or(text).trim_ascii_end();
    output.write_all(body)?;
    // Written by hand: a million times formatting by pattern is seconds.
    let naive = deadline.naive_utc();
    let (date, time) = (naive.date(), naive.time());
    use chrono::Timelike;
    writeln!(
        output,
        ",\"deadline\":\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z\"}}",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// The contract, customers and staff of the configuration; or the exit code, the faults told.
///
/// Where none is named and none installed, the shipped contract serves, which is said: it is what most people try first.
pub fn load(cli: &Cli) -> Result<Book, u8> {
    let book = cli.configured().and_then(|config| match config {
        Some(config) => config.book(),
        None => {
            eprintln!("ticketd: no configuration is installed, so the shipped contract is used");
            let [contract, customers, staff] = shipped();
            Book::parse(&contract, &customers, &staff)
        }
    });
    book.map_err(|faults| super::failed(&Fault::config(faults)))
}

fn shipped() -> [Source; 3] {
    let source = |file: &str, text: &str| Source {
        file: file.into(),
        text: text.into(),
    };
    [
        source(
            "shipped contract.toml",
            include_str!("../../rules/contract.toml"),
        ),
        source(
            "shipped customers.toml",
            include_str!("../../rules/customers.toml"),
        ),
        source("shipped staff.toml", include_str!("../../rules/staff.toml")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> Book {
        let [contract, customers, staff] = shipped();
        Book::parse(&contract, &customers, &staff).unwrap()
    }

    #[track_caller]
    fn check(input: &str, code: u8, expect: &str) {
        let mut output = Vec::new();
        assert_eq!(batch(&book(), input.as_bytes(), &mut output), code);
        assert_eq!(String::from_utf8(output).unwrap(), expect);
    }

    #[test]
    fn a_line_comes_back_with_its_deadline() {
        check(
            "{\"hours\":\"business\",\"start\":\"2026-03-27T15:40:00Z\",\"minutes\":720}\n",
            exit::OK,
            "{\"hours\":\"business\",\"start\":\"2026-03-27T15:40:00Z\",\"minutes\":720,\"deadline\":\"2026-03-31T08:40:00Z\"}\n",
        );
        check(
            "{ \"id\": 7, \"minutes\": 30, \"start\": \"2026-03-27T16:40:00+01:00\", \"hours\": \"Sa 10:00-12:00\" }",
            exit::OK,
            "{ \"id\": 7, \"minutes\": 30, \"start\": \"2026-03-27T16:40:00+01:00\", \"hours\": \"Sa 10:00-12:00\",\"deadline\":\"2026-03-28T09:30:00Z\"}\n",
        );
    }

    #[test]
    fn a_bad_line_does_not_stop_the_others() {
        let good = "{\"hours\":\"24x7\",\"start\":\"2026-03-27T15:40:00Z\",\"minutes\":1}";
        let answer = "{\"hours\":\"24x7\",\"start\":\"2026-03-27T15:40:00Z\",\"minutes\":1,\"deadline\":\"2026-03-27T15:41:00Z\"}\n";
        for bad in [
            "no json",
            "{}",
            "{\"hours\":\"lunch\",\"start\":\"2026-03-27T15:40:00Z\",\"minutes\":1}",
            "{\"hours\":\"24x7\",\"start\":\"yesterday\",\"minutes\":1}",
            "{\"hours\":\"24x7\",\"start\":\"2026-03-27T15:40:00Z\",\"minutes\":-1}",
            "{\"hours\":\"24x7\",\"start\":\"2026-03-27T15:40:00Z\",\"minutes\":18446744073709551615}",
            "{\"hours\":\"Fr 08:00-08:00\",\"start\":\"2026-03-27T15:40:00Z\",\"minutes\":1}",
            "{\"hours\":\"24x7\",\"start\":\"2026-03-27T15:40:00Z\",\"minutes\":1,\"deadline\":\"x\"}",
            "{\"hours\":\"24x7\",\"start\":\"1969-12-31T23:59:59Z\",\"minutes\":1}",
            "{\"hours\":\"24x7\",\"start\":\"2200-12-31T23:59:59Z\",\"minutes\":1}",
            "{\"hours\":\"24x7\",\"start\":\"2201-01-01T00:00:00Z\",\"minutes\":0}",
        ] {
            check(&format!("{bad}\n\n{good}\n"), exit::DATA, answer);
        }
    }

    #[test]
    fn a_year_that_nobody_knows_has_no_deadline() {
        for (from, known) in [
            ("1969-12-31T23:00Z", false),
            ("1970-01-01T00:00Z", true),
            ("2200-12-30T00:00Z", true),
            ("2200-12-31T23:30Z", false),
            ("2300-01-01T00:00Z", false),
        ] {
            let arguments = Arguments {
                plan: Some("extended-sla".into()),
                severity: Some(1),
                from: None,
                customer: None,
                json: false,
                batch: false,
            };
            let answer = answer(&book(), &arguments, 1, instant(from).unwrap());
            assert_eq!(answer.is_ok(), known, "{from}");
        }
    }

    #[test]
    fn what_is_not_known_of_the_syntax_is_refused_by_its_name() {
        let start = instant("2026-03-27T15:40Z").unwrap();
        for (text, named) in [
            ("SH off", "SH"),
            ("Mo sunrise-sunset", "sunrise"),
            ("lunch", "hours \"lunch\" are unknown"),
        ] {
            let refused = hours(&book(), &mut Known::new(), text, start).map(|_| ());
            let words = refused.unwrap_err();
            assert!(words.contains(named), "{text}: {words}");
            assert!(text == "lunch" || !words.contains("are unknown"), "{words}");
        }
    }

    #[test]
    fn times_are_written_so() {
        for text in [
            "2026-03-27T16:40+01:00",
            "2026-03-27T16:40:00+01:00",
            "2026-03-27T15:40Z",
            "2026-03-27T15:40:00Z",
        ] {
            assert_eq!(
                instant(text).map(utc).as_deref(),
                Ok("2026-03-27T15:40:00Z"),
                "{text}"
            );
        }
        assert!(instant("2026-03-27T15:40").is_err());
    }
}
