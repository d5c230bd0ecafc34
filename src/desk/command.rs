//! What staff and managers can do to a ticket: one implementation for mail, the command line and the control socket.
//!
//! Knows the verbs ([`VERBS`]: name, what it takes, in which states it makes sense) and how the commands of one mail are carried out together: on a draft that
//! is thrown away if any of them is wrong, so that nothing is ever half done. Who may act on a queue at all is asked before (`reply.rs`, [`carried_out`]);
//! what a manager alone may do is asked here, at the moment it is done.
//!
//! A verb is a row of the table and a function in one of the files below. The manual in a transcript, the README's table and `ticketd help` come from the row.

mod account;
mod conversation;
mod disclosure;
mod lines;
mod merging;
mod moment;
mod opening;
mod people;
mod queue;
mod severity;
mod standing;

use super::draft::Draft;
use super::event::Command;
use super::record::{Direction, EntryKind, Fate};
use super::ticket::{State, Ticket, TicketId};
use super::{Known, Outcome, Policy, correspondence, incident};
use crate::contract::{Person, Role};
use chrono::{DateTime, Utc};

pub(super) use lines::{Words, faults, invited, misplaced, split};
pub(super) use opening::{begins_with_a_command, opened_by_mail};

/// Who gives commands from a shell without saying who: the owner of the state folder.
const OPERATOR: &str = "operator";

/// What was done, for the transcript; or what is wrong.
pub(super) type Done = Result<String, String>;

/// Where a verb can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// In a mail and on the command line.
    Both,
    /// In a mail alone: the command line has its own way.
    Mail,
    /// On the command line alone: a mail does it by itself.
    Line,
}

/// A command.
pub struct Verb {
    /// After `#` in a mail, and as a subcommand.
    pub name: &'static str,
    /// What follows the name.
    pub takes: &'static str,
    /// For the manual.
    pub about: &'static str,
    /// Where it can be said.
    pub road: Road,
    /// The states of a ticket in which it makes sense.
    on: &'static [State],
    act: fn(&mut Orders, &str) -> Done,
}

const LIVE: &[State] = &[State::New, State::Open, State::WaitingCustomer];
const ANY: &[State] = &[
    State::New,
    State::Open,
    State::WaitingCustomer,
    State::Closed,
    State::Void,
    State::Quarantined,
];
const NOT_VOID: &[State] = &[
    State::New,
    State::Open,
    State::WaitingCustomer,
    State::Closed,
    State::Quarantined,
];
const REQUEST: &[State] = &[
    State::New,
    State::Open,
    State::WaitingCustomer,
    State::Closed,
];
const ENDED: &[State] = &[State::Closed, State::Void];
const CLOSABLE: &[State] = &[
    State::New,
    State::Open,
    State::WaitingCustomer,
    State::Quarantined,
];

const fn verb(
    name: &'static str,
    takes: &'static str,
    about: &'static str,
    on: &'static [State],
    act: fn(&mut Orders, &str) -> Done,
) -> Verb {
    Verb {
        name,
        takes,
        about,
        road: Road::Both,
        on,
        act,
    }
}

/// Every command there is, in the order of the manual.
#[rustfmt::skip] // a table is read by columns
pub const VERBS: &[Verb] = &[
    verb("severity", "[corrected] 1|2|3|4 REASON", "determines the severity; the customer reads the reason; \"corrected\" (a manager) says that it never was another", NOT_VOID, severity::set),
    verb("assign", "NAME", "gives the ticket to somebody", ANY, people::assign),
    verb("take", "", "gives it to you", ANY, people::take),
    verb("queue", "NAME", "moves it there with its record; a confidential queue's own people alone take one out again", ANY, queue::queue),
    verb("watch", "[off]", "you hear of it beside whom it is assigned to", ANY, people::watch),
    verb("note", "TEXT", "all that follows is internal and never reaches the customer", ANY, people::note),
    verb("close", "REASON", "done; a running clock goes on until there is an answer", CLOSABLE, standing::close),
    verb("reopen", "REASON", "it is ours again; closed too long ago, it goes on as a new ticket", ENDED, standing::reopen),
    verb("void", "spam|duplicate|withdrawn REASON", "it is nothing: its clocks end, a breach before that stays", NOT_VOID, standing::void),
    verb("merge", "TICKET", "it goes on in another ticket of the same customer; of another customer they are linked", REQUEST, merging::merge),
    verb("split", "[ENTRY] [SUBJECT]", "a second problem, raised by the mail of that entry, gets a ticket of its own", REQUEST, merging::split),
    verb("customer", "ID", "whose request it is; the deadline counts from now", NOT_VOID, account::customer),
    verb("plan", "ID", "on which of the customer's orders", NOT_VOID, account::plan),
    verb("channel", "phone|chat|mail", "the road it came by", NOT_VOID, account::channel),
    verb("received", "[DATE] TIME", "when it reached us, of a ticket that staff opened", REQUEST, account::received),
    verb("language", "de|gsw|en", "letters to the customer are written in it", ANY, people::language),
    verb("time", "45m|1h30m [tam] [DATE] WHAT FOR", "books time for the customer", ANY, people::time),
    verb("answered", "phone|chat [DATE] TIME TEXT", "you spoke with the customer then: the clock stops", REQUEST, conversation::answered),
    verb("escalate", "urgent|normal [DATE] [TIME], or withdraw REASON", "the customer called and wants a manager; \"withdraw\" (a manager) ends that", REQUEST, conversation::escalate),
    verb("template", "consulting|end-user", "answers the customer with that letter", NOT_VOID, conversation::template),
    Verb { road: Road::Line, ..verb("reply", "TEXT", "answers the customer", NOT_VOID, conversation::reply) },
    verb("everyone", "TEXT", "of a known incident: answers all whose tickets a rule linked to this one, each on its own ticket", REQUEST, incident::everyone),
    verb("exploited", "[DATE] [TIME] HOW WE KNOW", "the vulnerability is exploited: the deadlines of the Cyber Resilience Act run, 24 h and 72 h", LIVE, disclosure::exploited),
    verb("reported", "warning|notification|final [DATE] [TIME]", "that report has gone to the authorities", ANY, disclosure::reported),
    verb("fixed", "[DATE] [TIME] WHAT", "there is a remedy: the final report is due within 14 days", REQUEST, disclosure::fixed),
    verb("human", "[ENTRY]", "what was filed as automatic mail, or set aside, is a request, with its own receipt", ANY, opening::human),
    verb("open", "[QUEUE] ADDRESS SUBJECT", "opens a ticket for a customer, in a mail of its own; below it what he wants", ANY, opening::misplaced),
    Verb { road: Road::Mail, ..verb("dry-run", "", "says what the commands would do, and does nothing", ANY, dry_run) },
    Verb { road: Road::Mail, ..verb("help", "", "this manual", ANY, help) },
];

impl Verb {
    /// `#severity [corrected] 1|2|3|4 REASON`.
    pub fn usage(&self) -> String {
        format!("#{} {}", self.name, self.takes)
            .trim_end()
            .to_string()
    }
}

/// One line a verb, for the transcript.
pub(super) fn manual() -> Vec<String> {
    let by_mail = VERBS.iter().filter(|v| v.road != Road::Line);
    by_mail
        .map(|v| format!("{}: {}", v.usage(), v.about))
        .collect()
}

/// Who gives commands.
#[derive(Clone, Copy)]
pub(super) struct By<'a> {
    /// A staff id, or `operator`.
    pub id: &'a str,
    /// None for the operator, who is nobody of the staff.
    pub person: Option<&'a Person>,
}

impl<'a> By<'a> {
    /// Somebody of the staff.
    pub fn person(person: &'a Person) -> Self {
        By {
            id: &person.id,
            person: Some(person),
        }
    }
}

/// The commands of one mail or one call, as they are carried out together.
pub(super) struct Orders<'a, 'k> {
    /// Thrown away if anything is wrong.
    pub draft: Draft<'a>,
    pub known: &'k Known,
    pub by: By<'a>,
    /// What goes to the customer by a command: it takes the place of a text below the commands.
    pub answer: Option<String>,
    /// Only what would be done is asked.
    pub dry: bool,
    /// The manual is asked for.
    pub help: bool,
    /// Whether the ticket is opened by it: its acknowledgement tells the customer everything.
    opening: bool,
}

impl<'a, 'k> Orders<'a, 'k> {
    pub fn on(draft: Draft<'a>, known: &'k Known, by: By<'a>) -> Self {
        Orders {
            draft,
            known,
            by,
            answer: None,
            dry: false,
            help: false,
            opening: false,
        }
    }

    /// Carries them out one after the other: what was done, and what is wrong.
    pub fn carry_out(&mut self, commands: &[Words]) -> (Vec<String>, Vec<String>) {
        let (mut done, mut wrong) = (vec![], vec![]);
        for words in commands {
            match self.one(words) {
                Ok(line) if line.is_empty() => {}
                Ok(line) => done.push(line),
                Err(line) => wrong.push(line),
            }
        }
        (done, wrong)
    }

    fn one(&mut self, words: &Words) -> Done {
        let Some(verb) = VERBS.iter().find(|v| v.name == words.name) else {
            return Err(format!("#{} is unknown.", words.name));
        };
        if let Some(into) = self.draft.ticket.merged_into {
            return Err(format!(
                "#{}: ticket {} was merged into {into}; say it of that one.",
                verb.name, self.draft.ticket.id
            ));
        }
        if let Some(why) = self.out_of_reach() {
            return Err(format!("#{}: {why}", verb.name));
        }
        let state = self.draft.ticket.state;
        if !verb.on.contains(&state) {
            return Err(format!("#{} is not for {}", verb.name, remedy(state)));
        }
        (verb.act)(self, words.rest.trim())
    }

    /// Why whoever gives the commands can say nothing more of the ticket: he has just moved it to a queue that he does not work on.
    pub fn out_of_reach(&self) -> Option<String> {
        let queue = &self.draft.ticket.queue;
        let person = self.by.person.filter(|p| !may_act(p, queue))?;
        Some(format!(
            "{} does not work on queue {queue}; say it before you move the ticket, in a mail of its own.",
            person.id
        ))
    }

    /// A line of the record by whoever gives the commands; it is what the transcript says, too.
    fn said(&mut self, kind: EntryKind, text: &str) -> Done {
        let text = text.trim();
        let id = self.by.id;
        self.draft.entry(kind, Direction::Internal, id, text);
        Ok(text.to_string())
    }

    /// This goes to the customer.
    pub(super) fn answer_with(&mut self, text: &str) -> Result<(), String> {
        match self.answer.replace(text.to_string()) {
            None => Ok(()),
            Some(_) => Err("Only one answer can go out at once.".into()),
        }
    }

    /// Who of the staff says so; the operator has to name somebody.
    pub(super) fn person(&self, verb: &str) -> Result<&'a Person, String> {
        let nobody = || format!("#{verb}: say who of the staff it is, with --by ID.");
        self.by.person.ok_or_else(nobody)
    }

    /// C4.5, C7.2: what a manager alone may do.
    fn manager(&self, what: &str) -> Result<(), String> {
        let is_manager = self.by.person.is_some_and(|p| p.role == Role::Manager);
        let refused = || format!("{what} is for a manager; {} is none.", self.by.id);
        is_manager.then_some(()).ok_or_else(refused)
    }

    /// Another ticket, if whoever gives the commands may act on it. What he may not know of does not exist (ATTACKS.md B09).
    fn other(&self, verb: &str, id: TicketId) -> Result<&'k Ticket, String> {
        let may = |t: &Ticket| self.by.person.is_none_or(|p| may_act(p, &t.queue));
        let found = self.known.ticket(id).filter(|t| may(t));
        found.ok_or_else(|| format!("#{verb}: there is no ticket {id}."))
    }

    /// The customer hears of another promised deadline (C5.5).
    fn tell_if_moved(&mut self, before: Option<DateTime<Utc>>) -> &'static str {
        let severity = self.draft.ticket.severity;
        let moved = !self.opening && promised_deadline(&self.draft.ticket) != before;
        match moved && correspondence::change(&mut self.draft, severity, "", false) {
            true => " The customer is told.",
            false => "",
        }
    }

    /// ` The initial response is due Mon 07.09.2026 11:00.`, while that clock runs.
    fn due(&self) -> String {
        let clock = self
            .draft
            .ticket
            .initial_response()
            .filter(|c| c.is_running());
        clock.map_or(String::new(), |c| {
            let at = correspondence::local(&self.draft, c.deadline);
            format!(" The initial response is due {at}.")
        })
    }
}

fn remedy(state: State) -> &'static str {
    match state {
        State::Closed => "a closed ticket; #reopen it first.",
        State::Void => "a void ticket; #reopen it first.",
        State::Quarantined => "what was set aside; #human makes a request of it.",
        _ => "a ticket that is not closed.",
    }
}

/// While it runs and is promised.
fn promised_deadline(ticket: &Ticket) -> Option<DateTime<Utc>> {
    let clock = ticket.initial_response()?;
    (clock.is_running() && !clock.objective.internal).then_some(clock.deadline)
}

/// The third lock, at the time of execution (ATTACKS.md A08).
pub(super) fn may_act(person: &Person, queue: &str) -> bool {
    person.role != Role::ReadOnly && person.queues.iter().any(|q| q == queue)
}

fn dry_run(orders: &mut Orders, _: &str) -> Done {
    orders.dry = true;
    Ok(String::new())
}

fn help(orders: &mut Orders, _: &str) -> Done {
    orders.help = true;
    Ok(String::new())
}

/// Carries out what was said from a shell, or says why not: the same lines as in a mail, the first without its `#`.
pub fn carried_out(
    policy: &Policy,
    known: &Known,
    command: &Command,
    now: DateTime<Utc>,
) -> Outcome {
    let by = match giver(policy, &command.by) {
        Ok(by) => by,
        Err(why) => return refused(vec![why]),
    };
    let (commands, text) = split(&format!("#{}", command.line));
    if command.ticket == TicketId::FILE {
        return opening::from_a_shell(policy, known, by, &commands, &text, now);
    }
    let Some(ticket) = known.ticket(command.ticket) else {
        return refused(vec![format!("there is no ticket {}", command.ticket)]);
    };
    if let Some(person) = by.person.filter(|p| !may_act(p, &ticket.queue)) {
        return refused(vec![format!(
            "{} may not act on queue {}",
            person.id, ticket.queue
        )]);
    }
    let mut orders = Orders::on(Draft::of(policy, ticket.clone(), now), known, by);
    let (done, mut wrong) = orders.carry_out(&commands);
    if !text.trim().is_empty() {
        wrong.push(format!(
            "nothing but commands can be said here; use {}.",
            names()
        ));
    }
    if orders.answer.is_some() {
        wrong.extend(orders.out_of_reach());
    }
    if let Some(answer) = orders.answer.take().filter(|_| wrong.is_empty()) {
        match by.person {
            Some(person) => {
                correspondence::relay(&mut orders.draft, person, &answer, None, vec![]);
            }
            None => wrong.push("say who of the staff answers, with --by ID.".into()),
        }
    }
    concluded(orders, done, wrong)
}

/// Of the draft what was done; nothing of it if anything is wrong, or if only a try was asked for.
fn concluded(orders: Orders, done: Vec<String>, wrong: Vec<String>) -> Outcome {
    if !wrong.is_empty() {
        return refused(wrong);
    }
    let by = orders.by.id;
    if orders.dry {
        return Outcome {
            reply: done,
            ..Outcome::of(format!("tried by {by}"))
        };
    }
    let because = format!("command of {by} on ticket {}", orders.draft.ticket.id);
    Outcome {
        reply: done,
        ..orders.draft.finish(because, Fate::None)
    }
}

fn refused(wrong: Vec<String>) -> Outcome {
    Outcome {
        reply: wrong,
        refused: true,
        ..Outcome::of("wrong command")
    }
}

fn names() -> String {
    let names: Vec<&str> = VERBS.iter().map(|v| v.name).collect();
    names.join(", ")
}

fn giver<'a>(policy: &'a Policy, by: &'a str) -> Result<By<'a>, String> {
    if by == OPERATOR {
        return Ok(By {
            id: by,
            person: None,
        });
    }
    let staff = &policy.book.staff;
    let everybody = || {
        let ids: Vec<&str> = staff.people.iter().map(|p| p.id.as_str()).collect();
        format!(
            "\"{by}\" is nobody of the staff; use one of {}",
            ids.join(", ")
        )
    };
    staff.by_id(by).map(By::person).ok_or_else(everybody)
}
