//! What must hold at the end of the demo: a fixed list (CLI.md), each with the figures found.

use super::script::Stage;
use crate::desk::LetterKind;
use crate::desk::record::{Entry, EntryKind};
use crate::desk::ticket::{Clock, ClockKind, Ticket, TicketId};
use crate::mail::Language;
use crate::store::Reader;
use serde_json::{Value, json};

/// One thing that must hold.
pub struct Check {
    /// Fixed.
    pub name: &'static str,
    /// Whether it does.
    pub holds: bool,
    /// What was expected.
    pub expected: Value,
    /// What was found.
    pub found: Value,
}

struct Found {
    tickets: Vec<Ticket>,
    entries: Vec<Vec<Entry>>,
    filed: Vec<Entry>,
}

/// All checks.
pub fn all(reader: &Reader, stage: &Stage) -> anyhow::Result<Vec<Check>> {
    let found = Found::read(reader)?;
    Ok(vec![
        check(
            "one ticket a request",
            json!({ "tickets": 5, "severities": [1, 2, 3, 4] }),
            found.one_ticket_a_request(),
        ),
        check(
            "replies are threaded",
            json!({ "1": 3, "2": 2, "3": 2, "4": 3 }),
            found.mails_of_tickets(),
        ),
        check(
            "each acknowledged once, in its language",
            json!({ "1": "en", "2": "gsw", "3": "de", "4": "en", "5": "en" }),
            found.acknowledged(stage)?,
        ),
        check(
            "automatic mail is unanswered",
            json!({ "filed": 3, "letters": 0 }),
            found.unanswered(stage)?,
        ),
        check(
            "a duplicate changes nothing",
            json!({ "outage mails on record": 1 }),
            found.duplicates(),
        ),
        check(
            "the security report is kept apart",
            json!({ "queue": "security", "told support": 0 }),
            found.apart(stage)?,
        ),
        check(
            "the escalation has its own clock",
            json!({ "clause": "C7.2", "answered by": "carla", "breached": false }),
            found.escalation(),
        ),
        check(
            "warnings come before the deadline",
            json!(["percent 50", "percent 75", "percent 90"]),
            found.warnings(),
        ),
        check(
            "a breach earns credit days",
            json!({ "breached": true, "credit days": 3 }),
            found.breach(),
        ),
        check(
            "a staff reply is relayed and stops the clock",
            json!({ "relayed": 1, "stopped": true, "breached": false }),
            found.relayed(stage)?,
        ),
    ])
}

fn check(name: &'static str, expected: Value, found: Value) -> Check {
    Check {
        name,
        holds: expected == found,
        expected,
        found,
    }
}

impl Found {
    fn read(reader: &Reader) -> anyhow::Result<Found> {
        let mut tickets = vec![];
        reader.tickets(&mut |t| {
            tickets.extend((t.id != TicketId::FILE).then_some(t));
            true
        })?;
        let entries = tickets
            .iter()
            .map(|t| reader.entries(t.id))
            .collect::<Result<_, _>>()?;
        Ok(Found {
            tickets,
            entries,
            filed: reader.filed()?,
        })
    }

    fn ticket(&self, number: u64) -> Option<&Ticket> {
        self.tickets.iter().find(|t| t.id.0 == number)
    }

    fn entries(&self, number: u64) -> &[Entry] {
        let position = self.tickets.iter().position(|t| t.id.0 == number);
        position.map_or(&[], |p| &self.entries[p])
    }

    fn one_ticket_a_request(&self) -> Value {
        let support: Vec<u8> = self
            .tickets
            .iter()
            .filter(|t| t.queue == "support")
            .map(|t| t.severity)
            .collect();
        json!({ "tickets": self.tickets.len(), "severities": support })
    }

    fn mails_of_tickets(&self) -> Value {
        let mails = |n: u64| {
            self.entries(n)
                .iter()
                .filter(|e| e.kind == EntryKind::Mail)
                .count()
        };
        json!({ "1": mails(1), "2": mails(2), "3": mails(3), "4": mails(4) })
    }

    /// The language of the one acknowledgement that lies in each requester's mailbox.
    fn acknowledged(&self, stage: &Stage) -> anyhow::Result<Value> {
        let mut found = serde_json::Map::new();
        for t in &self.tickets {
            let letters = stage.letters(&t.requester.address)?;
            let own = format!("Message-ID: <ack.{}.", t.id);
            let acknowledgements: Vec<&String> =
                letters.iter().filter(|l| l.contains(&own)).collect();
            let language = match acknowledgements.as_slice() {
                [one] => language(one),
                several => format!("{} acknowledgements", several.len()),
            };
            found.insert(t.id.to_string(), json!(language));
        }
        Ok(Value::Object(found))
    }

    fn unanswered(&self, stage: &Stage) -> anyhow::Result<Value> {
        let machines = stage
            .recipients()?
            .into_iter()
            .filter(|r| r.contains("mailer-daemon") || r.contains("shop.example"));
        Ok(json!({ "filed": self.filed.len(), "letters": machines.count() }))
    }

    fn duplicates(&self) -> Value {
        let outage = |e: &&Entry| e.message_id.as_deref() == Some("outage@acme.example");
        json!({ "outage mails on record": self.entries.iter().flatten().filter(outage).count() })
    }

    /// The report's queue, and how many letters about it went to somebody who works on support alone.
    fn apart(&self, stage: &Stage) -> anyhow::Result<Value> {
        let queue = self.ticket(5).map(|t| t.queue.clone());
        let mut told = 0;
        for address in ["anna@vendor.example", "beat@vendor.example"] {
            told += stage
                .letters(address)?
                .iter()
                .filter(|l| l.contains(".5.") && l.contains("<notice.5."))
                .count();
        }
        Ok(json!({ "queue": queue, "told support": told }))
    }

    fn clock(&self, number: u64, kind: ClockKind) -> Option<&Clock> {
        self.ticket(number)?.clocks.iter().find(|c| c.kind == kind)
    }

    fn escalation(&self) -> Value {
        let clock = self.clock(4, ClockKind::Escalation);
        let answered = self
            .entries(4)
            .iter()
            .find(|e| {
                e.letter
                    .as_ref()
                    .is_some_and(|l| l.kind == LetterKind::Relay)
            })
            .map(|e| e.from.clone());
        let answered = answered.filter(|_| clock.is_some_and(|c| c.stopped.is_some()));
        json!({ "clause": clock.map(|c| c.objective.clause.clone()), "answered by": answered, "breached": clock.is_some_and(Clock::is_breached) })
    }

    /// The steps recorded on the ticket that nobody answered, before its deadline.
    fn warnings(&self) -> Value {
        let deadline = self
            .clock(2, ClockKind::InitialResponse)
            .map(|c| c.deadline);
        let before = self
            .entries(2)
            .iter()
            .filter(|e| e.kind == EntryKind::Warning && deadline.is_some_and(|d| e.at < d));
        let percent = |e: &Entry| {
            e.text
                .split(" % of the time")
                .next()
                .and_then(|t| t.rsplit(' ').next())
                .map(|p| format!("percent {p}"))
        };
        json!(before.map(percent).collect::<Vec<_>>())
    }

    fn breach(&self) -> Value {
        let clock = self.clock(2, ClockKind::InitialResponse);
        json!({ "breached": clock.is_some_and(Clock::is_breached), "credit days": clock.map(|c| c.credit_days) })
    }

    fn relayed(&self, stage: &Stage) -> anyhow::Result<Value> {
        let relayed = stage
            .letters("alice@acme.example")?
            .iter()
            .filter(|l| l.contains("We see it too") && l.contains("<reply.1."))
            .count();
        let clock = self.clock(1, ClockKind::InitialResponse);
        Ok(
            json!({ "relayed": relayed, "stopped": clock.is_some_and(|c| c.stopped.is_some()), "breached": clock.is_some_and(Clock::is_breached) }),
        )
    }
}

/// The language of a letter as its reader sees it.
fn language(letter: &str) -> String {
    let mail = crate::mail::read(letter.as_bytes());
    let language = crate::mail::language::detect(&mail.subject, &mail.text);
    match language {
        Language::De => "de",
        Language::Gsw => "gsw",
        Language::En => "en",
        Language::Other => "other",
    }
    .into()
}
