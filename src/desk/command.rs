//! Staff commands: one implementation for mail and the command line.
//!
//! `#severity 2 reason`, `#assign NAME`, `#note` (all that follows is internal), `#close reason`: lines at the very top of a mail. Unknown, wrong, or
//! standing anywhere else: nothing of the mail is carried out or relayed (ATTACKS.md D10).

use super::draft::Draft;
use super::event::Command;
use super::record::{Direction, EntryKind, Fate};
use super::ticket::{ClockKind, SeverityBy, State};
use super::{Known, Outcome, Policy, correspondence};
use crate::contract::{Book, Objective, Role, Step};
use crate::mail::{Mail, TextOf, html, quote};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// The commands there are, and what each wants.
const MANUAL: [(&str, &str); 4] = [
    ("severity", "#severity 1|2|3|4 REASON"),
    ("assign", "#assign NAME"),
    ("note", "#note, and all that follows stays among ourselves"),
    ("close", "#close REASON"),
];

/// Words that will be commands: no line that begins with one goes to a customer.
const RESERVED: [&str; 20] = [
    "reopen",
    "merge",
    "split",
    "customer",
    "channel",
    "received",
    "language",
    "time",
    "escalate",
    "open",
    "answered",
    "void",
    "human",
    "plan",
    "take",
    "watch",
    "template",
    "help",
    "dry-run",
    "exploited",
];

/// The most of an HTML part's text that is looked at for commands.
const HTML_TEXT_BYTES_MAX: usize = 256 * 1024;

/// One command: its name and the rest of its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    name: String,
    rest: String,
}

impl Words {
    /// Whether everything after it is internal.
    pub fn is_note(&self) -> bool {
        self.name == "note"
    }
}

/// Carries out a command from the command line, or says why not.
pub fn carried_out(
    policy: &Policy,
    known: &Known,
    command: &Command,
    now: DateTime<Utc>,
) -> Outcome {
    let Some(ticket) = known.ticket(command.ticket) else {
        return Outcome {
            reply: vec![format!("there is no ticket {}", command.ticket)],
            ..Outcome::of("no such ticket")
        };
    };
    let Some(words) = words(&format!("#{}", command.line)) else {
        return Outcome {
            reply: vec![manual("")],
            ..Outcome::of("no command")
        };
    };
    let mut draft = Draft::of(policy, ticket.clone(), now);
    if let Some(fault) = fault(&draft, &words) {
        return Outcome {
            reply: vec![fault],
            ..Outcome::of("wrong command")
        };
    }
    let reply = vec![execute(&mut draft, &command.by, &words)];
    Outcome {
        reply,
        ..draft.finish(format!("{} by {}", words.name, command.by), Fate::None)
    }
}

/// The commands at the very top of a text, and what follows them. What follows `#note` is the note.
pub(super) fn split(text: &str) -> (Vec<Words>, String) {
    let mut commands: Vec<Words> = vec![];
    let mut lines = text.lines();
    loop {
        let before = lines.clone();
        let Some(line) = lines.next() else { break };
        match words(line) {
            Some(note) if note.is_note() => {
                let rest = std::iter::once(note.rest.as_str())
                    .chain(lines)
                    .collect::<Vec<_>>()
                    .join("\n");
                commands.push(Words {
                    rest: rest.trim().to_string(),
                    ..note
                });
                return (commands, String::new());
            }
            Some(words) => commands.push(words),
            None if line.trim().is_empty() => {}
            None => return (commands, before.collect::<Vec<_>>().join("\n")),
        }
    }
    (commands, String::new())
}

/// `#word rest`. Whatever begins with `#` and a letter is meant as a command, also `#note:`; `#` alone, `# heading` and `#12` are text.
fn words(line: &str) -> Option<Words> {
    let line: String = line.chars().filter(|c| !is_invisible(*c)).collect();
    let after = line.trim().strip_prefix('#')?;
    let (name, rest) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
    let meant = name.starts_with(|c: char| c.is_ascii_alphabetic());
    meant.then(|| Words {
        name: name.trim_end_matches([':', ',', '.']).to_ascii_lowercase(),
        rest: rest.trim().to_string(),
    })
}

/// The command that a line seems to begin with, however it is dressed up: `*#note*`, `- #note`, `# note`. A line marked as quoted begins with none.
fn dressed(line: &str) -> Option<&'static str> {
    let line: String = line.chars().filter(|c| !is_invisible(*c)).collect();
    let dress =
        |c: char| !c.is_alphanumeric() && !matches!(c, '#' | '\u{ff03}' | '\u{fe5f}' | '>' | '|');
    let after = line
        .trim_start_matches(dress)
        .strip_prefix(['#', '\u{ff03}', '\u{fe5f}'])?
        .trim_start_matches(dress);
    let name: String = after
        .chars()
        .take_while(|c| c.is_alphabetic())
        .collect::<String>()
        .to_lowercase();
    MANUAL
        .iter()
        .map(|(known, _)| known)
        .chain(&RESERVED)
        .find(|known| **known == name)
        .copied()
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

/// What is wrong with a staff mail's commands: with any fault nothing is carried out and nothing relayed.
pub(super) fn faults(draft: &Draft, commands: &[Words], text: &str, mail: &Mail) -> Vec<String> {
    let mut faults: Vec<String> = commands.iter().filter_map(|w| fault(draft, w)).collect();
    faults.extend(text.lines().filter_map(dressed).map(|name| {
        format!(
            "#{name} stands below the first lines; commands stand at the very top, or not at all."
        )
    }));
    // A client may show the writer another text than the plain one; a command seen only in HTML was meant, and would go to the customer.
    let only_in_html = match mail.text_of {
        TextOf::Plain => shown_by_html(mail)
            .into_iter()
            .filter(|name| !commands.iter().any(|w| w.name == *name))
            .map(str::to_string)
            .collect(),
        TextOf::Html | TextOf::Attached => commands.iter().map(|w| w.name.clone()).collect(),
    };
    let only_in_html: BTreeSet<String> = only_in_html;
    faults.extend(only_in_html.iter().map(|name| {
        format!("#{name} stands only in the HTML part; commands stand in plain text.")
    }));
    faults
}

/// The commands that begin a line of the writer's own in the HTML. What follows `#note` is the note.
fn shown_by_html(mail: &Mail) -> Vec<&'static str> {
    let Some(source) = &mail.html else {
        return vec![];
    };
    let text = html::text(source, HTML_TEXT_BYTES_MAX);
    let own = quote::own_text(&text, Some(source), '|').unwrap_or_default();
    let (commands, text) = split(&own);
    let first = commands
        .iter()
        .filter_map(|w| dressed(&format!("#{}", w.name)));
    first.chain(text.lines().filter_map(dressed)).collect()
}

fn fault(draft: &Draft, words: &Words) -> Option<String> {
    let staff = &draft.policy.book.staff;
    match words.name.as_str() {
        "severity" => severity(words)
            .is_none()
            .then(|| format!("#severity \"{}\" is unknown; use 1, 2, 3 or 4.", words.rest)),
        "assign" => {
            let able = staff.by_id(&words.rest).is_some_and(|p| {
                p.role != Role::ReadOnly && p.queues.contains(&draft.ticket.queue)
            });
            let names = || {
                staff
                    .of_queue(&draft.ticket.queue)
                    .map(|p| p.id.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            (!able).then(|| {
                format!(
                    "#assign \"{}\" is nobody of queue {}; use one of {}.",
                    words.rest,
                    draft.ticket.queue,
                    names()
                )
            })
        }
        "note" => words
            .rest
            .is_empty()
            .then(|| "#note has no text.".to_string()),
        "close" => None,
        other => Some(manual(other)),
    }
}

fn manual(unknown: &str) -> String {
    let lines: Vec<&str> = MANUAL.iter().map(|(_, usage)| *usage).collect();
    format!("#{unknown} is unknown; use {}.", lines.join("; "))
}

/// Carries out a command that has no fault; what was done, for the transcript.
pub(super) fn execute(draft: &mut Draft, by: &str, words: &Words) -> String {
    match words.name.as_str() {
        "severity" => set_severity(draft, by, words),
        "assign" => {
            draft.ticket.assignee = Some(words.rest.clone());
            said(
                draft,
                EntryKind::Command,
                by,
                format!("Assigned to {}.", words.rest),
            )
        }
        "note" => {
            draft.entry(EntryKind::Note, Direction::Internal, by, &words.rest);
            "The note is on the record.".into()
        }
        _ => close(draft, by, words),
    }
}

/// C4.8: closing does not stop the clocks.
fn close(draft: &mut Draft, by: &str, words: &Words) -> String {
    draft.ticket.state = State::Closed;
    draft.ticket.closed = Some(draft.now);
    let owed = draft
        .ticket
        .clocks
        .iter()
        .any(|c| c.is_running() && !c.objective.internal);
    let reminder = if owed {
        " Its clock runs on until the customer has an answer (C4.8)."
    } else {
        ""
    };
    said(
        draft,
        EntryKind::State,
        by,
        format!("Closed. {}{reminder}", words.rest),
    )
}

fn severity(words: &Words) -> Option<u8> {
    let level = words.rest.split_whitespace().next()?.parse().ok()?;
    (1..=4).contains(&level).then_some(level)
}

/// C4.5: lowered, the objective counts from receipt; raised, from now, but never later than before; a severity it had brings its deadline back.
fn set_severity(draft: &mut Draft, by: &str, words: &Words) -> String {
    let (before, Some(level)) = (draft.ticket.severity, severity(words)) else {
        return String::new();
    };
    let reason = words
        .rest
        .split_once(char::is_whitespace)
        .map_or("", |(_, r)| r.trim())
        .to_string();
    draft.ticket.severity = level;
    draft.ticket.severity_by = SeverityBy::Staff;
    let told = level != before && {
        redated(draft, before, level);
        correspondence::change(draft, before, &reason)
    };
    let deadline = draft
        .ticket
        .initial_response()
        .filter(|c| c.is_running())
        .map(|c| correspondence::local(draft, c.deadline));
    let due = deadline.map_or(String::new(), |d| {
        format!(" The initial response is due {d}.")
    });
    let set = if level == before {
        format!("Severity {level} confirmed.")
    } else {
        format!("Severity set from {before} to {level}.")
    };
    let told = if told { " The customer is told." } else { "" };
    said(
        draft,
        EntryKind::Severity,
        by,
        format!("{set} {reason}{due}{told}"),
    )
}

/// After the breach nothing moves: the breach and its credit stay (C4.5).
fn redated(draft: &mut Draft, before: u8, level: u8) {
    let (book, now) = (draft.policy.book_of(&draft.ticket, None), draft.now);
    let subscription = draft.ticket.subscription.clone();
    let Some(clock) = draft
        .ticket
        .clocks
        .iter_mut()
        .find(|c| c.kind == ClockKind::InitialResponse && c.is_running() && !c.is_late(now))
    else {
        return;
    };
    let objective = book.initial_response(&subscription, level, clock.started);
    let had = clock
        .by_severity
        .iter()
        .find(|(s, _)| *s == level)
        .map(|(_, d)| *d);
    let from_now = || book.deadline(&objective, now).at;
    let deadline = had.unwrap_or_else(|| match level > before {
        true => book.deadline(&objective, clock.started).at,
        // An internal target is no promise that a raise could bring forward (C3.2).
        false if clock.objective.internal && !objective.internal => from_now(),
        false => clock.deadline.min(from_now()),
    });
    if had.is_none() {
        clock.by_severity.push((level, deadline));
    }
    if deadline > clock.deadline || clock.objective.internal != objective.internal {
        clock.step_done = passed(book, &objective, clock.started, deadline, now);
    }
    clock.objective = objective;
    clock.deadline = deadline;
    clock.next = book.next_step(&clock.objective, clock.started, deadline, clock.step_done);
}

/// With more time than before the percentages count anew; those whose instant is past already warned under the old deadline.
fn passed(
    book: &Book,
    objective: &Objective,
    start: DateTime<Utc>,
    deadline: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<Step> {
    let mut done = None;
    while let Some((at, step @ Step::Percent(_))) = book.next_step(objective, start, deadline, done)
        && at <= now
    {
        done = Some(step);
    }
    done
}

fn said(draft: &mut Draft, kind: EntryKind, by: &str, text: String) -> String {
    let text = text.trim().to_string();
    draft.entry(kind, Direction::Internal, by, &text);
    text
}
