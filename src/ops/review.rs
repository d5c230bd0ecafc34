//! `ticketd review`: the review pack of a customer's fortnight (C8.3), as its technical account manager gets it.

use super::request::utc;
use super::{Fault, exit};
use crate::desk::{Policy, review};
use crate::store::Reader;
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io::Write;

/// Whose, which fortnight, in which form.
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct Filter {
    /// A customer's id.
    pub customer: String,
    /// The first day of the two weeks; without it the fortnight that ended last.
    #[arg(long, value_name = "DAY")]
    pub from: Option<NaiveDate>,
    /// One JSON object.
    #[arg(long, conflicts_with = "html")]
    pub json: bool,
    /// HTML into this file, instead of text.
    #[arg(long, value_name = "FILE")]
    pub html: Option<std::path::PathBuf>,
}

/// Answers into `out`; the exit code. What is confidential to a queue stays out of it.
pub fn answer(
    reader: &Reader,
    policy: &Policy,
    filter: &Filter,
    now: DateTime<Utc>,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let book = &policy.book;
    let Some(customer) = book.customers.by_id(&filter.customer) else {
        let ids: Vec<&str> = book.customers.all.iter().map(|c| c.id.as_str()).collect();
        let words = format!(
            "customer \"{}\" is unknown; use one of {}",
            filter.customer,
            ids.join(", ")
        );
        return Err(Fault::error(exit::DATA, words));
    };
    let fortnight = Days::new(review::EVERY_DAYS.unsigned_abs());
    let (first, after) = match filter.from {
        Some(first) => (first, first + fortnight),
        None => review::fortnight(customer.review_from, book.local_date(now)),
    };
    let span = (book.morning(first), book.morning(after));
    let pack = reader.pack(policy, None, &customer.id, span, first, now)?;
    if filter.json {
        let content = review::content(policy, &pack);
        let mut facts = json!(content);
        facts["since"] = json!(utc(span.0));
        facts["before"] = json!(utc(span.1));
        writeln!(out, "{facts}")?;
        return Ok(exit::OK);
    }
    let text = review::text(policy, &pack);
    match (&filter.html, text.html) {
        (Some(_), Some(html)) => out.write_all(html.page().as_bytes())?,
        _ => write!(out, "{}\n\n{}", text.subject, text.text)?,
    }
    Ok(exit::OK)
}
