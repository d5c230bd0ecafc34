//! The clocks of a ticket: how each begins, moves and ends (C4, C7).
//!
//! Knows what a fact does to a promise; does not know who may say so, nor which letters follow. Every change is a [`Turn`], kept on the entry that made it:
//! a ticket's clocks are a function of its entries and the contract ([`replayed`]).
//!
//! Law: once a deadline has passed unanswered, nothing moves that clock but an answer, a void, or a manager's correction. A breach on record stays with the
//! account it was missed on, whatever becomes of the ticket.
//!
//! # Every event in every state
//!
//! | event | new | open | waiting | closed, unanswered | closed | void | quarantined | merged |
//! | --- | --- | --- | --- | --- | --- | --- | --- | --- |
//! | the customer writes | new I | open N | open N | new I | open N | new I | quarantined | merged I |
//! | an answer is accepted | waiting | waiting | waiting | closed | closed | refused | waiting | refused |
//! | an answer fails | new I | open N | open N | new I | open N | refused | new I | refused |
//! | a deadline passes | new I | open N | waiting | closed I | closed | void | quarantined | merged I |
//! | `#severity` | new I | open N | waiting | closed I | closed | refused | quarantined | refused |
//! | `#severity corrected` | new I | open N | waiting | closed I | closed | refused | quarantined | refused |
//! | `#customer` | new I | open N | waiting | closed I | closed | refused | quarantined | refused |
//! | `#plan` | new I | open N | waiting | closed I | closed | refused | quarantined | refused |
//! | `#channel` | new I | open N | waiting | closed I | closed | refused | quarantined | refused |
//! | `#received` | new I | open N | waiting | closed I | closed | refused | refused | refused |
//! | `#open` | refused | refused | refused | refused | refused | refused | refused | refused |
//! | `#queue` | new I | open N | waiting | closed I | closed | void | quarantined | refused |
//! | `#assign` | new I | open N | waiting | closed I | closed | void | quarantined | refused |
//! | `#note` | new I | open N | waiting | closed I | closed | void | quarantined | refused |
//! | `#answered` | waiting | waiting | waiting | closed | closed | refused | refused | refused |
//! | `#template` | waiting | waiting | waiting | closed | closed | refused | waiting | refused |
//! | `#escalate` | new IE | open NE | open E | refused | refused | refused | refused | refused |
//! | `#close` | closed I | closed | closed | refused | refused | refused | closed | refused |
//! | `#reopen` | refused | refused | refused | new I | open N | new I | refused | refused |
//! | `#void` | void | void | void | void | void | refused | void | refused |
//! | `#merge` | merged I | merged N | merged | merged I | merged | refused | refused | refused |
//! | `#split` | new I | open N | waiting | closed I | closed | refused | refused | refused |
//! | `#human` | refused | refused | refused | refused | refused | refused | new I | refused |
//!
//! Each cell is the state that follows and the clocks that run then: **I**nitial response, **N**ext reply, **E**scalation. What an answer or a deadline does not
//! end, nothing ends but `#void` and a manager's `#escalate withdraw`; what is refused changes nothing. A customer who writes about what was set aside opens a new
//! ticket, and about a merged one writes in the other. An answer to what was set aside makes a request of it first, owed from its receipt. A merge, a split or another
//! customer leaves every promise where it is, on the ticket that made it. `#received` is of a ticket that staff opened, of any other it is refused; `#open` opens another
//! ticket and stands in a mail of its own. `tests/desk/commands/states.rs` drives each cell.

use super::draft::Draft;
use super::policy::Policy;
use super::record::{Entry, EntryKind};
use super::ticket::{Before, Clock, ClockKind, Nothing, State, Ticket, Unanswered};
use super::{credit, overdue, returned};
use crate::contract::{Book, Objective, Subscription};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What an entry did to its ticket's clocks, at the entry's instant where it names none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// The ticket was opened: on whose account, and how severe.
    Opened {
        /// C3.4.
        account: Subscription,
        /// C6.4.
        severity: u8,
    },
    /// A clock began; of an escalation that runs already, the earlier deadline counts (C7.2).
    Began {
        /// Which.
        clock: ClockKind,
        /// Of an escalation.
        urgent: bool,
        /// C4.2.
        at: DateTime<Utc>,
    },
    /// The facts have another severity now (C4.5).
    Determined(u8),
    /// It never was another severity than this (C4.5).
    Corrected(u8),
    /// Staff put the ticket on another account (C3.6).
    Account(Subscription),
    /// Staff moved it to another queue.
    Queued {
        /// Where it was.
        from: String,
        /// Where it is.
        to: String,
    },
    /// Staff opened it, and it had reached them earlier than that (C3.5).
    Received(DateTime<Utc>),
    /// The customer has an answer (C4.4).
    Answered {
        /// By a manager, which ends an escalation too (C7.3).
        manager: bool,
        /// What began later is not answered by it.
        written: DateTime<Utc>,
        /// When it was accepted, or said.
        at: DateTime<Utc>,
    },
    /// It is nothing (C4.8).
    Voided,
    /// It is done: only an internal target ends by that (C4.8, C4.11).
    Closed,
    /// It is ours again (C4.9).
    Reopened {
        /// Whether the time since it was voided counts: not if the customer had withdrawn.
        counted: bool,
    },
    /// The deadline of the clock that began then passed without an answer.
    Missed {
        /// Which.
        clock: ClockKind,
        /// Since when it runs.
        started: DateTime<Utc>,
    },
    /// The customer withdrew the escalation (C7.2).
    Withdrawn,
    /// A report has gone to the authorities (CRA Art. 14).
    Reported {
        /// Which one was owed.
        clock: ClockKind,
        /// When it went.
        at: DateTime<Utc>,
    },
    /// The answer that was accepted then came back (C4.7).
    Returned {
        /// What it ended runs on.
        accepted: DateTime<Utc>,
        /// The time between is not counted.
        returned: DateTime<Utc>,
    },
}

/// Stands for a clause in the objective of a reporter who has no contract.
const TO_A_REPORTER: &str = "security";

impl Draft<'_> {
    /// Keeps on the line written last what is done to the clocks next.
    pub(super) fn keep_turn(&mut self, turn: Turn) {
        if let Some(entry) = self.last_entry() {
            entry.turns.push(turn);
        }
    }

    /// Turns the ticket's clocks, and keeps on the line written last that it did.
    pub(super) fn turn(&mut self, turn: Turn) {
        self.keep_turn(turn.clone());
        turned(self, &turn);
    }
}

/// A ticket's clocks as its entries say, as of the instant of the last of them. Which warnings were given is not among it. None of a ticket whose
/// entries do not tell how it was opened: silent history, quarantine, or a record of an older ticketd.
pub fn replayed(policy: &Policy, ticket: &Ticket, entries: &[Entry]) -> Option<Vec<Clock>> {
    let mut turns = entries.iter().flat_map(|e| &e.turns);
    let first_queue = turns.find_map(|turn| match turn {
        Turn::Queued { from, .. } => Some(from),
        _ => None,
    });
    let blank = Ticket {
        clocks: vec![],
        queue: first_queue.unwrap_or(&ticket.queue).clone(),
        ..ticket.clone()
    };
    let mut draft = Draft::of(policy, blank, ticket.received);
    let mut told = false;
    for (entry, turn) in entries
        .iter()
        .flat_map(|e| e.turns.iter().map(move |t| (e, t)))
    {
        draft.now = entry.at;
        told |= matches!(turn, Turn::Opened { .. });
        turned(&mut draft, turn);
    }
    told.then_some(draft.ticket.clocks)
}

fn turned(draft: &mut Draft, turn: &Turn) {
    match turn {
        Turn::Opened { account, severity } => {
            draft.ticket.subscription = account.clone();
            draft.ticket.severity = *severity;
        }
        Turn::Began { clock, urgent, at } => begin(draft, *clock, *urgent, *at),
        Turn::Determined(severity) => {
            let before = std::mem::replace(&mut draft.ticket.severity, *severity);
            redated(draft, before, *severity);
        }
        Turn::Corrected(severity) => credit::corrected(draft, *severity, "", ""),
        Turn::Account(account) => moved(draft, account),
        Turn::Queued { to, .. } => queued(draft, to),
        Turn::Received(at) => received(draft, *at),
        Turn::Answered {
            manager,
            written,
            at,
        } => {
            for index in answered(&draft.ticket, *manager, *written) {
                end(draft, index, *at, None);
            }
        }
        Turn::Voided => end_all(draft, |_| true, Unanswered::Voided),
        Turn::Closed => end_all(
            draft,
            |c| c.kind == ClockKind::NextReply,
            Unanswered::Closed,
        ),
        Turn::Withdrawn => end_all(
            draft,
            |c| c.kind == ClockKind::Escalation,
            Unanswered::Withdrawn,
        ),
        Turn::Reported { clock, at } => {
            let owed = |c: &Clock| c.kind == *clock && c.is_running();
            if let Some(index) = draft.ticket.clocks.iter().position(owed) {
                end(draft, index, *at, None);
            }
        }
        Turn::Missed { clock, started } => {
            let missed =
                |c: &&mut Clock| c.kind == *clock && c.started == *started && c.is_running();
            if let Some(clock) = draft.ticket.clocks.iter_mut().find(missed) {
                clock.breached.get_or_insert(clock.deadline);
            }
        }
        Turn::Reopened { counted } => resume(draft, *counted),
        Turn::Returned { accepted, returned } => {
            let policy = draft.policy;
            for index in 0..draft.ticket.clocks.len() {
                let book = draft.book(&draft.ticket.clocks[index]);
                let account = draft.ticket.account_of(&draft.ticket.clocks[index]).clone();
                let clock = &mut draft.ticket.clocks[index];
                if clock.stopped == Some(*accepted) {
                    returned::resume(policy, (book, &account), clock, *accepted, *returned);
                }
            }
        }
    }
}

/// Which running clocks an answer ends that was written then: of an escalation's only a manager's does (C7.3).
pub(super) fn answered(ticket: &Ticket, manager: bool, written: DateTime<Utc>) -> Vec<usize> {
    let ends = |c: &Clock| {
        let may_end = !c.kind.is_for_authorities() && (manager || c.kind != ClockKind::Escalation);
        c.is_running() && c.started <= written && may_end
    };
    let clocks = ticket.clocks.iter().enumerate();
    clocks.filter(|(_, c)| ends(c)).map(|(i, _)| i).collect()
}

/// A ticket is opened: its promise runs from `received` (C4.2).
pub(super) fn opened(draft: &mut Draft, received: DateTime<Utc>) {
    draft.turn(Turn::Opened {
        account: draft.ticket.subscription.clone(),
        severity: draft.ticket.severity,
    });
    draft.turn(Turn::Began {
        clock: ClockKind::InitialResponse,
        urgent: false,
        at: received,
    });
}

/// The customer escalates (C7), by mail or by a call that staff enter. Of somebody who is no known customer no clock runs (C7.2): a manager looks at it.
pub(super) fn escalated(draft: &mut Draft, urgent: bool, at: DateTime<Utc>) -> bool {
    if draft.ticket.subscription.customer.is_none() {
        draft.for_managers = true;
        draft.note(EntryKind::Note, "An escalation is asked for by somebody who is no known customer: no clock runs (C7.2), a manager should look at it.");
        return false;
    }
    let clause = if urgent { "C7.2" } else { "C7.1" };
    let words = format!("The customer escalates ({clause}): a manager has to answer.");
    draft.note(EntryKind::Note, &words);
    draft.turn(Turn::Began {
        clock: ClockKind::Escalation,
        urgent,
        at,
    });
    true
}

/// What was set aside is a request after all, owed from its receipt (C4.2).
pub(super) fn taken_up(draft: &mut Draft, by: &str) {
    let received = draft.ticket.received;
    draft.ticket.state = State::New;
    draft.entry(
        EntryKind::State,
        super::record::Direction::Internal,
        by,
        "It is a request, owed from when it came.",
    );
    opened(draft, received);
}

/// A ticket is ours again, by a reply or by staff's word (C4.9): a clock that was voided runs on, and where none runs an internal target keeps it visible
/// (C4.11). `at` is when it was asked for.
pub(super) fn reopened(draft: &mut Draft, by: &str, words: &str, at: DateTime<Utc>) {
    let counted = draft.ticket.nothing != Some(Nothing::Withdrawn);
    draft.entry(
        EntryKind::State,
        super::record::Direction::Internal,
        by,
        words,
    );
    draft.turn(Turn::Reopened { counted });
    draft.reopened = true;
    ours(draft, at);
}

/// The next step is ours.
pub(super) fn ours(draft: &mut Draft, at: DateTime<Utc>) {
    let ticket = &mut draft.ticket;
    ticket.state = match ticket.responded {
        Some(_) => State::Open,
        None => State::New,
    };
    ticket.closed = None;
    ticket.nothing = None;
    // A ticket of history never had a clock of its own: what is asked there now is owed all the same.
    let waits = ticket.clocks.iter().any(|c| {
        let waits = matches!(c.kind, ClockKind::InitialResponse | ClockKind::NextReply);
        waits && c.is_running()
    });
    if !waits {
        draft.turn(Turn::Began {
            clock: ClockKind::NextReply,
            urgent: false,
            at,
        });
    }
}

fn objective(
    book: &Book,
    account: &Subscription,
    severity: u8,
    (kind, urgent): (ClockKind, bool),
    at: DateTime<Utc>,
) -> Objective {
    match kind {
        ClockKind::InitialResponse => book.initial_response(account, severity, at),
        ClockKind::NextReply => book.next_reply(account, severity, at),
        ClockKind::Escalation => book.escalation(account, urgent, at),
        // It follows from the ticket and no turn begins it (`update`); moved to an account without an interval it ends there.
        ClockKind::Update => book
            .update(account, severity, at)
            .unwrap_or_else(|| book.next_reply(account, severity, at)),
        ClockKind::EarlyWarning => to_the_authorities("CRA Art. 14(2)(a)", 24),
        ClockKind::Notification => to_the_authorities("CRA Art. 14(2)(b)", 72),
        ClockKind::FinalReport => to_the_authorities("CRA Art. 14(2)(c)", 14 * 24),
    }
}

/// By day and night; never a breach of the contract or a credit.
fn to_the_authorities(clause: &str, hours: u32) -> Objective {
    Objective {
        clause: clause.into(),
        minutes: hours * 60,
        hours: "24/7".into(),
        internal: true,
    }
}

/// What a request is owed in a queue: what its plan promises, or what a reporter is told.
fn owed_in(policy: &Policy, queue: &str, promised: Objective) -> Objective {
    match policy.queue(queue).confidential && promised.internal {
        true => to_a_reporter(policy),
        false => promised,
    }
}

/// Where the plan promises nothing, a reporter to a confidential queue has been told how long he waits at most (`security.answer_within_hours`).
fn to_a_reporter(policy: &Policy) -> Objective {
    Objective {
        clause: TO_A_REPORTER.into(),
        minutes: policy.security.answer_within_hours * 60,
        hours: "24/7".into(),
        internal: true,
    }
}

fn is_urgent(clock: &Clock) -> bool {
    clock.objective.clause == "C7.2"
}

fn begin(draft: &mut Draft, kind: ClockKind, urgent: bool, at: DateTime<Utc>) {
    let (policy, ticket) = (draft.policy, &mut draft.ticket);
    let book = &policy.book;
    let promised = objective(
        book,
        &ticket.subscription,
        ticket.severity,
        (kind, urgent),
        at,
    );
    let objective = match kind {
        ClockKind::InitialResponse => owed_in(policy, &ticket.queue, promised),
        _ => promised,
    };
    let deadline = book.deadline(&objective, at).at;
    let runs = ticket
        .clocks
        .iter()
        .position(|c| c.kind == ClockKind::Escalation && c.is_running());
    if let Some(index) = runs.filter(|_| kind == ClockKind::Escalation) {
        // Asked again it runs on; asked urgently, or by a call before the mail, it is due the earlier.
        let clock = &ticket.clocks[index];
        if clock.is_late(draft.now) || deadline >= clock.deadline {
            return;
        }
        ticket.clocks.remove(index);
    }
    let next = book.next_step(&objective, at, deadline, None);
    ticket.clocks.push(Clock {
        kind,
        objective,
        started: at,
        deadline,
        step_done: None,
        warned: vec![],
        next,
        stopped: None,
        breached: None,
        by_severity: vec![(ticket.severity, deadline)],
        by_account: vec![],
        account: None,
        unanswered: None,
        credit_days: 0,
        uncounted: vec![],
        policy: (policy.book_hash != ticket.policy).then_some(policy.book_hash),
        credited: None,
    });
}

/// C4.5: lowered, the objective counts from receipt; raised, from now, but never later than before; a severity it had brings its deadline back. After the
/// breach nothing moves: the breach and its credit stay.
fn redated(draft: &mut Draft, before: u8, severity: u8) {
    let (policy, now) = (draft.policy, draft.now);
    let running =
        |c: &Clock| c.kind == ClockKind::InitialResponse && c.is_running() && !c.is_late(now);
    let found = draft.ticket.clocks.iter().position(running);
    let Some(index) = found.filter(|_| severity != before) else {
        return;
    };
    let book = draft.book(&draft.ticket.clocks[index]);
    let ticket = &mut draft.ticket;
    let clock = &mut ticket.clocks[index];
    let objective = book.initial_response(&ticket.subscription, severity, clock.started);
    if clock.objective.clause == TO_A_REPORTER && objective.internal {
        // What he was told does not depend on the severity.
        return;
    }
    let had = clock.deadline_under(severity);
    let from_now = || book.deadline(&objective, now).at;
    let from_receipt = || {
        let whole = book.deadline(&objective, clock.started).at;
        returned::put_off(book, &objective, whole, &clock.uncounted)
    };
    let deadline = had.unwrap_or_else(|| match severity > before {
        // Lowered in between, it is not due any sooner than it was.
        true => from_receipt().max(clock.deadline),
        // An internal target is no promise that a raise could bring forward (C3.2).
        false if clock.objective.internal && !objective.internal => from_now(),
        false => clock.deadline.min(from_now()),
    });
    if had.is_none() {
        clock.by_severity.push((severity, deadline));
    }
    promised(policy, book, clock, objective, deadline, now);
}

/// C3.6: another account counts like a raise, from the moment of the change; an account that it was on before brings its deadlines back. What was answered
/// or missed before stays where it was.
fn moved(draft: &mut Draft, account: &Subscription) {
    let (policy, now) = (draft.policy, draft.now);
    let book = &policy.book;
    let ticket = &mut draft.ticket;
    let before = std::mem::replace(&mut ticket.subscription, account.clone());
    // What is promised from now on goes by the contract of now.
    let pinned = std::mem::replace(&mut ticket.policy, policy.book_hash);
    for clock in &mut ticket.clocks {
        if clock.kind.is_for_authorities() {
            // The law asks for no account.
            continue;
        }
        if !clock.is_running() || clock.is_late(now) {
            clock.account.get_or_insert_with(|| before.clone());
            clock.policy.get_or_insert(pinned);
            continue;
        }
        clock.policy = None;
        let objective = objective(
            book,
            account,
            ticket.severity,
            (clock.kind, is_urgent(clock)),
            clock.started,
        );
        let had = std::mem::take(&mut clock.by_severity);
        clock.by_account.push(Before {
            account: before.clone(),
            by_severity: had,
        });
        let back = clock
            .by_account
            .iter()
            .position(|b| b.account.is_same(account));
        if let Some(index) = back {
            clock.by_severity = clock.by_account.remove(index).by_severity;
        }
        let had = clock.deadline_under(ticket.severity);
        let from_now = || book.deadline(&objective, now).at;
        let deadline = had.unwrap_or_else(|| {
            // What one of both does not promise, the other's deadline cannot bring forward.
            match objective.internal || clock.objective.internal {
                true => from_now(),
                false => clock.deadline.min(from_now()),
            }
        });
        if had.is_none() {
            clock.by_severity.push((ticket.severity, deadline));
        }
        promised(policy, book, clock, objective, deadline, now);
    }
}

/// The ticket is another queue's. What the plan promises does not depend on that; where it promises nothing, a reporter is owed an answer within the time that
/// security tells everybody, from receipt, and other queues have their internal target. So no promise moves, and no breach.
fn queued(draft: &mut Draft, to: &str) {
    let (policy, now) = (draft.policy, draft.now);
    draft.ticket.queue = to.into();
    let unpromised =
        |c: &Clock| c.kind == ClockKind::InitialResponse && c.is_running() && c.objective.internal;
    let Some(index) = draft.ticket.clocks.iter().position(unpromised) else {
        return;
    };
    let book = draft.book(&draft.ticket.clocks[index]);
    let ticket = &mut draft.ticket;
    let account = ticket.account_of(&ticket.clocks[index]).clone();
    let (severity, clock) = (ticket.severity, &mut ticket.clocks[index]);
    let of_plan = book.initial_response(&account, severity, clock.started);
    let objective = owed_in(policy, to, of_plan);
    if objective == clock.objective {
        return;
    }
    let whole = book.deadline(&objective, clock.started).at;
    let deadline = returned::put_off(book, &objective, whole, &clock.uncounted);
    // Where it was promised under another severity, that comes back with it (C4.5).
    let is_promised = |s: u8| !book.initial_response(&account, s, clock.started).internal;
    clock.by_severity.retain(|(s, _)| is_promised(*s));
    clock.by_severity.push((severity, deadline));
    promised(policy, book, clock, objective, deadline, now);
}

/// C3.5: never later than it stands, so that no deadline is put off by it.
fn received(draft: &mut Draft, at: DateTime<Utc>) {
    let (policy, now) = (draft.policy, draft.now);
    draft.ticket.received = draft.ticket.received.min(at);
    let later =
        |c: &Clock| c.kind == ClockKind::InitialResponse && c.is_running() && c.started > at;
    let Some(index) = draft.ticket.clocks.iter().position(later) else {
        return;
    };
    let book = draft.book(&draft.ticket.clocks[index]);
    let ticket = &mut draft.ticket;
    // What was missed on another account stays a promise of that one (C3.6).
    let account = ticket.account_of(&ticket.clocks[index]).clone();
    let clock = &mut ticket.clocks[index];
    clock.started = at;
    let stood = clock.uncounted.clone();
    let from_receipt = |objective: &Objective| {
        let whole = book.deadline(objective, at).at;
        returned::put_off(book, objective, whole, &stood)
    };
    for (severity, deadline) in &mut clock.by_severity {
        let objective = book.initial_response(&account, *severity, at);
        *deadline = from_receipt(&objective).min(*deadline);
    }
    let objective = book.initial_response(&account, ticket.severity, at);
    let deadline = from_receipt(&objective).min(clock.deadline);
    promised(policy, book, clock, objective, deadline, now);
}

/// Another promise on a running clock, with the next warning that it wants.
fn promised(
    policy: &Policy,
    book: &Book,
    clock: &mut Clock,
    objective: Objective,
    deadline: DateTime<Utc>,
    now: DateTime<Utc>,
) {
    keep_told(clock);
    if deadline > clock.deadline || clock.objective.internal != objective.internal {
        // With more time than before the percentages count anew.
        clock.step_done = book.warned_by(&objective, clock.started, deadline, now);
    }
    clock.objective = objective;
    clock.deadline = deadline;
    each_step_once(clock);
    clock.next = returned::next_step(policy, book, clock, now);
}

/// What staff were told of a deadline is kept with it, before another one takes its place.
pub(super) fn keep_told(clock: &mut Clock) {
    let told = clock.step_done.map(|step| (clock.deadline, step));
    clock.warned.extend(told);
}

/// Each step once, also of a deadline that comes back.
pub(super) fn each_step_once(clock: &mut Clock) {
    let deadline = clock.deadline;
    let told = clock.warned.iter().filter(|(of, _)| *of == deadline);
    clock.step_done = clock.step_done.max(told.map(|(_, step)| *step).max());
    clock.warned.retain(|(of, _)| *of != deadline);
}

fn end_all(draft: &mut Draft, which: impl Fn(&Clock) -> bool, why: Unanswered) {
    let now = draft.now;
    for index in 0..draft.ticket.clocks.len() {
        let clock = &draft.ticket.clocks[index];
        if clock.is_running() && which(clock) {
            end(draft, index, now, Some(why));
        }
    }
}

/// A clock ends; what it missed stays missed.
fn end(draft: &mut Draft, index: usize, at: DateTime<Utc>, unanswered: Option<Unanswered>) {
    overdue::ended(draft, index, at);
    draft.ticket.clocks[index].unanswered = unanswered;
}

fn resume(draft: &mut Draft, counted: bool) {
    let (policy, now) = (draft.policy, draft.now);
    for index in 0..draft.ticket.clocks.len() {
        let book = draft.book(&draft.ticket.clocks[index]);
        let account = draft.ticket.account_of(&draft.ticket.clocks[index]).clone();
        let clock = &mut draft.ticket.clocks[index];
        let voided = clock.unanswered == Some(Unanswered::Voided);
        let Some(stopped) = clock.stopped.filter(|_| voided) else {
            continue;
        };
        clock.unanswered = None;
        if counted {
            clock.stopped = None;
            clock.next = returned::next_step(policy, book, clock, now);
        } else {
            returned::resume(policy, (book, &account), clock, stopped, now);
        }
    }
}
