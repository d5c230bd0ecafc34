//! Staff commands: one implementation for mail and the command line.
//!
//! `#severity 2 reason`, `#assign NAME`, `#note` (all that follows is internal), `#close reason`: lines at the very top of a mail. Unknown, wrong, or
//! standing anywhere else: nothing of the mail is carried out or relayed (ATTACKS.md D10).

use super::draft::Draft;
use super::event::Command;
use super::record::{Direction, EntryKind, Fate};
use super::ticket::{ClockKind, SeverityBy, State};
use super::{Known, Outcome, Policy, correspondence};
use crate::contract::{Person, Role};
use chrono::{DateTime, Utc};

/// The commands there are, and what each wants.
const MANUAL: [(&str, &str); 4] = [
    ("severity", "#severity 1|2|3|4 REASON"),
    ("assign", "#assign NAME"),
    ("note", "#note, and all that follows stays among ourselves"),
    ("close", "#close REASON"),
];

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

/// `#word rest`; a lone `#` or `# heading` is text.
fn words(line: &str) -> Option<Words> {
    let line = line.trim();
    let after = line.strip_prefix('#')?;
    let (name, rest) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    plain.then(|| Words {
        name: name.to_ascii_lowercase(),
        rest: rest.trim().to_string(),
    })
}

/// What is wrong with a staff mail's commands: with any fault nothing is carried out and nothing relayed.
pub(super) fn faults(
    draft: &Draft,
    person: &Person,
    commands: &[Words],
    text: &str,
    html: Option<&str>,
) -> Vec<String> {
    let _ = person;
    let mut faults: Vec<String> = commands.iter().filter_map(|w| fault(draft, w)).collect();
    let stray = |line: &str| words(line).filter(|w| MANUAL.iter().any(|(name, _)| *name == w.name));
    faults.extend(text.lines().filter_map(stray).map(|w| {
        format!(
            "#{} stands below the first lines; commands stand at the very top, or not at all.",
            w.name
        )
    }));
    // A client may show the writer another text than the plain one; a command seen only in HTML was meant, and would go to the customer.
    let only_in_html = |name: &str| {
        html.is_some_and(|h| h.contains(&format!("#{name}")))
            && !commands.iter().any(|w| w.name == name)
            && !text.contains(&format!("#{name}"))
    };
    let quoted = |name: &str| {
        html.is_some_and(|h| {
            h.split("<blockquote")
                .next()
                .is_some_and(|own| !own.contains(&format!("#{name}")))
        })
    };
    faults.extend(
        MANUAL
            .iter()
            .filter(|(name, _)| only_in_html(name) && !quoted(name))
            .map(|(name, _)| format!("#{name} stands only in the HTML part.")),
    );
    faults
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
    let was_determined = draft.ticket.severity_by == SeverityBy::Staff;
    draft.ticket.severity = level;
    draft.ticket.severity_by = SeverityBy::Staff;
    if level != before {
        redated(draft, before, level);
        correspondence::change(draft, before, &reason);
    }
    let deadline = draft
        .ticket
        .initial_response()
        .filter(|c| c.is_running())
        .map(|c| correspondence::local(draft, c.deadline));
    let due = deadline.map_or(String::new(), |d| {
        format!(" The initial response is due {d}.")
    });
    let verb = if level == before && !was_determined {
        "confirmed"
    } else {
        "set"
    };
    said(
        draft,
        EntryKind::Severity,
        by,
        format!("Severity {verb} from {before} to {level}. {reason}{due}"),
    )
}

fn redated(draft: &mut Draft, before: u8, level: u8) {
    let (book, now) = (&draft.policy.book, draft.now);
    let subscription = draft.ticket.subscription.clone();
    let Some(clock) = draft
        .ticket
        .clocks
        .iter_mut()
        .find(|c| c.kind == ClockKind::InitialResponse && c.is_running() && !c.is_breached())
    else {
        return;
    };
    let objective = book.initial_response(&subscription, level, clock.started);
    let had = clock
        .by_severity
        .iter()
        .find(|(s, _)| *s == level)
        .map(|(_, d)| *d);
    let deadline = had.unwrap_or_else(|| {
        if level > before {
            book.deadline(&objective, clock.started).at
        } else {
            clock.deadline.min(book.deadline(&objective, now).at)
        }
    });
    if had.is_none() {
        clock.by_severity.push((level, deadline));
    }
    clock.objective = objective;
    clock.deadline = deadline;
    clock.next = book.next_step(&clock.objective, clock.started, deadline, clock.step_done);
}

fn said(draft: &mut Draft, kind: EntryKind, by: &str, text: String) -> String {
    let text = text.trim().to_string();
    draft.entry(kind, Direction::Internal, by, &text);
    text
}
