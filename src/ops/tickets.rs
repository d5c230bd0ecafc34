//! `ticketd list` and `ticketd show`: staff list and read the record (C2.3).

use super::request::utc;
use super::{Fault, exit, table::Table};
use crate::desk::delivery::road_word;
use crate::desk::overdue::days_now;
use crate::desk::record::Entry;
use crate::desk::ticket::{Clock, ClockKind, State, Ticket, TicketId};
use crate::desk::{EntryKind, Place, Policy, lookalike};
use crate::mail::text::cleaned;
use crate::store::Reader;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::Write;

/// Which tickets.
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct Filter {
    /// Closed, void and quarantined ones too.
    #[arg(long)]
    pub all: bool,
    /// Automatic mail that opened no ticket, instead of tickets.
    #[arg(long, conflicts_with = "quarantine")]
    pub filed: bool,
    /// What could not be taken apart, or was set aside.
    #[arg(long)]
    pub quarantine: bool,
    /// Of one state. (`--state` names the state directory.)
    #[arg(long, value_name = "STATE", value_parser = ["new", "open", "waiting-customer", "closed", "void", "quarantined"])]
    pub status: Option<String>,
    /// 1 to 4.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub severity: Option<u8>,
    /// A customer's id.
    #[arg(long)]
    pub customer: Option<String>,
    /// A queue's name. A confidential queue is listed only by its name.
    #[arg(long)]
    pub queue: Option<String>,
    /// A plan's id.
    #[arg(long)]
    pub plan: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Tickets that pass the filter, the nearest deadline on top; of a confidential queue only if it is named.
pub fn list(
    reader: &Reader,
    policy: &Policy,
    filter: &Filter,
    now: DateTime<Utc>,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    if filter.filed {
        return filed(reader, policy, filter, out);
    }
    // Of each only what it is sorted by: there may be a million.
    let mut tickets: Vec<(DateTime<Utc>, TicketId)> = vec![];
    reader.tickets(&mut |t| {
        if t.id != TicketId::FILE && passes(&t, policy, filter) {
            let deadline = t.next_deadline().map(|c| c.deadline);
            tickets.push((deadline.unwrap_or(DateTime::<Utc>::MAX_UTC), t.id));
        }
        true
    })?;
    tickets.sort_unstable();
    let tickets = tickets.iter().map(|(_, id)| reader.ticket(*id));
    // By now it may be in a queue that is listed by its name only.
    let passes = |ticket: &Ticket| passes(ticket, policy, filter);
    let tickets = tickets.filter_map(|t| t.map(|t| t.filter(passes)).transpose());
    if filter.json {
        for ticket in tickets {
            writeln!(out, "{}", facts(&ticket?, policy, now))?;
        }
        return Ok(exit::OK);
    }
    let mut table = Table::new(&[
        "ticket", "sev", "state", "due", "customer", "assignee", "subject",
    ]);
    for t in tickets {
        let t = t?;
        let due = t.next_deadline().map_or(String::new(), |c| {
            format!(
                "{}{}",
                policy.book.local(c.deadline),
                if c.objective.internal {
                    " (internal)"
                } else {
                    ""
                }
            )
        });
        let customer = t
            .subscription
            .customer
            .clone()
            .unwrap_or_else(|| lookalike::shown(&t.requester.address));
        table.row([
            t.id.to_string(),
            t.severity.to_string(),
            word(&t.state),
            due,
            customer,
            t.assignee.clone().unwrap_or_default(),
            cleaned(&t.subject, 60),
        ]);
        table.flow(out)?;
    }
    table.write(out)?;
    Ok(exit::OK)
}

fn passes(t: &Ticket, policy: &Policy, filter: &Filter) -> bool {
    let by_state = match (&filter.status, filter.quarantine) {
        (Some(state), _) => word(&t.state) == *state,
        (None, true) => t.state == State::Quarantined,
        (None, false) => filter.all || t.is_open(),
    };
    let by_queue = match &filter.queue {
        Some(queue) => t.queue == *queue,
        None => !policy.queue(&t.queue).confidential,
    };
    by_state
        && by_queue
        && filter.severity.is_none_or(|s| t.severity == s)
        && filter
            .plan
            .as_ref()
            .is_none_or(|p| t.subscription.plan == *p)
        && filter
            .customer
            .as_ref()
            .is_none_or(|c| t.subscription.customer.as_ref() == Some(c))
}

fn filed(
    reader: &Reader,
    policy: &Policy,
    filter: &Filter,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let shown = |e: &Entry| {
        e.mail.as_ref().is_none_or(|m| {
            filter
                .queue
                .as_ref()
                .map_or(!policy.queue(&m.queue).confidential, |q| m.queue == *q)
        })
    };
    let mut table = Table::new(&["entry", "received", "kind", "from", "subject", "why"]);
    reader.filed_since(0, &mut |e| {
        if e.kind != EntryKind::Filed || !shown(&e) {
            return Ok(());
        }
        if filter.json {
            return Ok(writeln!(out, "{}", entry_facts(&e))?);
        }
        let kind = e.mail.as_ref().map_or(String::new(), |m| word(&m.kind));
        table.row([
            e.place.seq.to_string(),
            policy.book.local(e.at),
            kind,
            e.from.clone(),
            cleaned(&e.subject, 50),
            cleaned(&e.text, 60),
        ]);
        Ok(table.flow(out)?)
    })?;
    if !filter.json {
        table.write(out)?;
    }
    Ok(exit::OK)
}

/// One ticket; or one entry's bytes. Ticket 0 is the file of automatic mail.
pub fn show(
    reader: &Reader,
    policy: &Policy,
    id: TicketId,
    raw: Option<u32>,
    json: bool,
    now: DateTime<Utc>,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    if let Some(seq) = raw {
        return show_bytes(reader, Place { ticket: id, seq }, out);
    }
    let Some(ticket) = reader.ticket(id)? else {
        return Err(Fault::error(
            exit::DATA,
            format!("there is no ticket {id}; see ticketd list --all"),
        ));
    };
    let entries = reader.entries(id)?;
    if json {
        let mut facts = facts(&ticket, policy, now);
        facts["entries"] = entries.iter().map(entry_facts).collect();
        writeln!(out, "{facts}")?;
    } else {
        told(&ticket, &entries, policy, now, out)?;
    }
    Ok(exit::OK)
}

fn show_bytes(reader: &Reader, place: Place, out: &mut dyn Write) -> anyhow::Result<u8> {
    match reader.bytes(place)? {
        Some(bytes) => {
            out.write_all(&bytes)?;
            Ok(exit::OK)
        }
        None => {
            let Place { ticket, seq } = place;
            let words = format!(
                "ticket {ticket} has no mail or letter as entry {seq}; see ticketd show {ticket}"
            );
            Err(Fault::error(exit::DATA, words))
        }
    }
}

fn told(
    t: &Ticket,
    entries: &[Entry],
    policy: &Policy,
    now: DateTime<Utc>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let local = |at| policy.book.local(at);
    writeln!(out, "Ticket {}: {}", t.id, t.subject)?;
    writeln!(
        out,
        "  state      {}, severity {} (by {}), queue {}, language {}",
        word(&t.state),
        t.severity,
        word(&t.severity_by),
        t.queue,
        word(&t.language)
    )?;
    writeln!(
        out,
        "  from       {}",
        format!(
            "{} <{}>",
            t.requester.name,
            lookalike::shown(&t.requester.address)
        )
        .trim_start()
    )?;
    writeln!(
        out,
        "  customer   {}, plan {}",
        t.subscription.customer.as_deref().unwrap_or("unknown"),
        t.subscription.plan
    )?;
    writeln!(out, "  received   {}", local(t.received))?;
    if let Some(assignee) = &t.assignee {
        writeln!(out, "  assignee   {assignee}")?;
    }
    if let Some(at) = t.responded {
        writeln!(out, "  answered   {}", local(at))?;
    }
    for clock in &t.clocks {
        told_clock(t, clock, policy, now, out)?;
    }
    writeln!(out)?;
    for e in entries {
        told_entry(e, policy, out)?;
    }
    Ok(())
}

fn told_clock(
    t: &Ticket,
    clock: &Clock,
    policy: &Policy,
    now: DateTime<Utc>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let local = |at| policy.book.local(at);
    let internal = if clock.objective.internal {
        ", internal target"
    } else {
        ""
    };
    let ended = clock
        .stopped
        .map_or(String::from("runs"), |at| format!("ended {}", local(at)));
    let breach = if clock.is_missed(now) {
        format!(
            ", BREACHED, {} days of credit",
            days_now(policy, t, clock, now)
        )
    } else {
        String::new()
    };
    writeln!(
        out,
        "  {:<10} due {} ({}{internal}), {ended}{breach}",
        word(&clock.kind),
        local(clock.deadline),
        clock.objective.clause
    )?;
    for line in
        policy
            .book_of(t, Some(clock))
            .explanation(&clock.objective, clock.started, clock.deadline)
    {
        writeln!(out, "             {line}")?;
    }
    Ok(())
}

fn told_entry(e: &Entry, policy: &Policy, out: &mut dyn Write) -> anyhow::Result<()> {
    let letter = e.letter.as_ref().map_or(String::new(), |l| {
        format!(" {} to {} ({})", word(&l.kind), l.to, road_word(&l.road))
    });
    writeln!(
        out,
        "{:>4}  {}  {:<9}{letter} {} {}",
        e.place.seq,
        policy.book.local(e.at),
        word(&e.kind),
        e.from,
        e.subject
    )?;
    let oddities = e
        .mail
        .iter()
        .flat_map(|m| &m.oddities)
        .map(|o| format!("odd: {o}"));
    for line in e.text.lines().map(str::to_string).chain(oddities) {
        writeln!(out, "        {line}")?;
    }
    Ok(())
}

/// The fields of `list --json` (CLI.md).
pub fn facts(t: &Ticket, policy: &Policy, now: DateTime<Utc>) -> Value {
    let promised = t.initial_response().filter(|c| !c.objective.internal);
    json!({
        "id": t.id, "subject": t.subject, "state": t.state, "severity": t.severity, "severity_by": t.severity_by, "queue": t.queue,
        "language": t.language, "customer": t.subscription.customer, "plan": t.subscription.plan, "requester": lookalike::shown(&t.requester.address),
        "assignee": t.assignee, "received": utc(t.received),
        "objective": promised.map(|c| json!({ "clause": c.objective.clause, "minutes": c.objective.minutes, "hours": c.objective.hours })),
        "deadline": promised.map(|c| utc(c.deadline)),
        "target": t.initial_response().filter(|c| c.objective.internal).map(|c| utc(c.deadline)),
        "responded": t.responded.map(utc),
        "breached": t.clocks.iter().any(|c| c.is_missed(now)),
        "credit_days": t.clocks.iter().map(|c| days_now(policy, t, c, now)).sum::<u32>(),
        "escalations": t.clocks.iter().filter(|c| c.kind == ClockKind::Escalation).map(|c| escalation(t, c, policy, now)).collect::<Vec<_>>(),
        "tags": t.tags, "linked": t.linked,
    })
}

fn escalation(t: &Ticket, c: &Clock, policy: &Policy, now: DateTime<Utc>) -> Value {
    json!({
        "clause": c.objective.clause, "minutes": c.objective.minutes, "hours": c.objective.hours, "received": utc(c.started), "deadline": utc(c.deadline),
        "responded": c.stopped.filter(|_| c.unanswered.is_none()).map(utc), "breached": c.is_missed(now), "credit_days": days_now(policy, t, c, now),
    })
}

/// The fields of an entry in `show --json` (CLI.md).
pub fn entry_facts(e: &Entry) -> Value {
    let mut facts = json!({
        "seq": e.place.seq, "at": utc(e.at), "kind": e.kind, "direction": e.direction, "from": e.from, "subject": e.subject,
        "message_id": e.message_id, "text": e.text,
    });
    if let Some(mail) = &e.mail {
        facts["mail_kind"] = json!(mail.kind);
        facts["kind_reason"] = json!(mail.kind_reason);
        facts["bytes"] = json!(mail.bytes);
        facts["oddities"] = json!(mail.oddities);
        facts["queue"] = json!(mail.queue);
    }
    if let (Some(letter), EntryKind::Letter) = (&e.letter, e.kind) {
        facts["letter"] = json!({ "kind": letter.kind, "to": letter.to, "road": road_word(&letter.road), "attempts": letter.attempts, "last_error": letter.last_error });
    }
    facts
}

/// The one word that serde writes for a value.
pub fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}
