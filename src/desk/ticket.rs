//! A ticket: what we know of one discrete issue (C2), and its clocks (C4, C7).

use super::record::Standing;
use crate::contract::customers::Term;
use crate::contract::plan::Channel;
use crate::contract::{Objective, Step, Subscription};
use crate::mail::{Fingerprint, Language, Mailbox};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A ticket's number. Zero is the file: entries that belong to no ticket (automatic mail).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketId(pub u64);

impl TicketId {
    /// Where automatic mail is filed that opened no ticket.
    pub const FILE: TicketId = TicketId(0);
}

impl std::fmt::Display for TicketId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// C2.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// No human has answered.
    New,
    /// We owe the next step.
    Open,
    /// The customer owes the next step.
    WaitingCustomer,
    /// Done; reopens on a reply (C4.9).
    Closed,
    /// Spam, duplicate or withdrawn.
    Void,
    /// Could not be taken apart, or a rule set it aside.
    Quarantined,
}

/// Who determined the severity (C6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeverityBy {
    /// Stated in the mail.
    Customer,
    /// Found by the rules, or the default of 3.
    Rules,
    /// Determined by staff.
    Staff,
}

/// Why a ticket is void (C4.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Nothing {
    Spam,
    Duplicate,
    Withdrawn,
}

/// Why a clock ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unanswered {
    /// The ticket was voided (C4.8); reopened, it resumes (C4.9).
    Voided,
    /// A manager recorded that the customer withdrew the escalation (C7.2).
    Withdrawn,
    /// An internal target of a ticket that was closed: nothing waits on us any more (C4.11).
    Closed,
}

/// What a clock measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockKind {
    /// C4.1.
    InitialResponse,
    /// C7.1, C7.2: only a manager's answer stops it.
    Escalation,
    /// C4.11: internal.
    NextReply,
    /// C6.5: internal; runs again after each update.
    Update,
    /// To the authorities, of a vulnerability that is exploited (CRA Art. 14(2)(a)).
    EarlyWarning,
    /// CRA Art. 14(2)(b).
    Notification,
    /// CRA Art. 14(2)(c).
    FinalReport,
}

impl ClockKind {
    /// Whether it measures what is owed to the authorities, which no answer to the one who asked ends.
    pub fn is_for_authorities(self) -> bool {
        matches!(
            self,
            ClockKind::EarlyWarning | ClockKind::Notification | ClockKind::FinalReport
        )
    }
}

/// One running or ended clock of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// What it measures.
    pub kind: ClockKind,
    /// What was promised.
    pub objective: Objective,
    /// When it began to run (C4.2).
    pub started: DateTime<Utc>,
    /// When the objective expires (C4.3).
    pub deadline: DateTime<Utc>,
    /// The last step of warning taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_done: Option<Step>,
    /// How far it was warned of each deadline that it has left: one that comes back is not told anew (C10.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warned: Vec<(DateTime<Utc>, Step)>,
    /// The next step and its instant; None once the clock has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<(DateTime<Utc>, Step)>,
    /// When it ended: the answer was accepted, or the ticket was voided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<DateTime<Utc>>,
    /// When the breach was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breached: Option<DateTime<Utc>>,
    /// The deadline it had under each severity: one that comes back brings its deadline back (C4.5).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_severity: Vec<(u8, DateTime<Utc>)>,
    /// The same for the accounts that the ticket was on before: one that comes back brings its deadlines back (C3.6).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_account: Vec<Before>,
    /// On whose account it was missed, where the ticket has gone to another since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Subscription>,
    /// Why it ended, if without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered: Option<Unanswered>,
    /// Days of credit so far (C4.6).
    #[serde(default)]
    pub credit_days: u32,
    /// From the acceptance of an answer to its bounce: time that does not count (C4.7).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncounted: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    /// The policy files that its objective was read from, where these are not the ticket's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Fingerprint>,
    /// What the ledger's latest line about it says (C9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credited: Option<Credited>,
}

/// What a clock had been promised on an account that the ticket has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The account.
    pub account: Subscription,
    /// Its deadline under each severity that it had there.
    pub by_severity: Vec<(u8, DateTime<Utc>)>,
}

/// What the ledger says of a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credited {
    /// In whose ledger.
    pub customer: String,
    /// Which term is extended.
    pub term: Term,
    /// By so many days.
    pub days: u32,
    /// Whether that may still change by itself.
    pub standing: Standing,
}

/// A ticket as it is now. How it came to be so stands in its entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its number.
    pub id: TicketId,
    /// Of the mail that opened it; part of every token's MAC, so that a token of a lost store never opens another ticket.
    pub first_mail: Fingerprint,
    /// `support`, `security`…
    pub queue: String,
    /// Queues that it was in before: who writes there about it means it still.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_queues: Vec<String>,
    /// Cleaned; empty in content-free listings.
    pub subject: String,
    /// C2.4.
    pub state: State,
    /// 1 to 4.
    pub severity: u8,
    /// Who says so.
    pub severity_by: SeverityBy,
    /// Letters to the customer are written in it.
    pub language: Language,
    /// On whose account (C3.4), pinned at receipt.
    pub subscription: Subscription,
    /// Who asked.
    pub requester: Mailbox,
    /// Whether the requester's address was proven when the ticket was opened.
    pub requester_proven: bool,
    /// Strict addresses that may add to it; at most 20.
    pub participants: Vec<String>,
    /// A staff id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Staff ids: who hears of it beside the assignee.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watchers: Vec<String>,
    /// Who of the staff opened it for the requester (C3.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_by: Option<String>,
    /// The road it came by, if not by mail (C3.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Why it is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nothing: Option<Nothing>,
    /// C4.2.
    pub received: DateTime<Utc>,
    /// When the first answer of a human was accepted (C4.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responded: Option<DateTime<Utc>>,
    /// When it was last closed or voided (C4.9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<DateTime<Utc>>,
    /// Every clock it ever had.
    pub clocks: Vec<Clock>,
    /// How many entries its record has: the next entry's number is one more.
    pub entries: u32,
    /// Marks by rules and staff.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Message-IDs that a letter to the customer refers to: the first and the latest ones, at most 12.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Other tickets it has to do with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub linked: Vec<TicketId>,
    /// Where its mail goes since a merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<TicketId>,
    /// The tickets whose mail comes here since a merge, all of them, however often they were merged on (C4.10).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<TicketId>,
    /// The ticket of the known incident that it is about: `#everyone` there answers it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<TicketId>,
    /// The policy files it is pinned to (hash of the three).
    pub policy: Fingerprint,
}

impl Clock {
    /// Whether it still runs.
    pub fn is_running(&self) -> bool {
        self.stopped.is_none()
    }

    /// The deadline that it had under a severity.
    pub fn deadline_under(&self, severity: u8) -> Option<DateTime<Utc>> {
        let had = self.by_severity.iter().find(|(s, _)| *s == severity);
        had.map(|(_, deadline)| *deadline)
    }

    /// Whether the deadline passed without an answer, at `now` or before it ended. Internal targets are never breached (C3.2).
    pub fn is_breached(&self) -> bool {
        self.breached.is_some()
    }

    /// Whether its deadline passed without an answer by `now`, also where nobody has recorded it yet: no daemon runs, or it is catching up.
    pub fn is_missed(&self, now: DateTime<Utc>) -> bool {
        self.is_breached() || self.is_running() && self.is_late(now)
    }

    /// Whether a promise is broken at `now`, recorded or not.
    pub fn is_late(&self, now: DateTime<Utc>) -> bool {
        self.is_breached() || !self.objective.internal && now > self.deadline
    }
}

impl Ticket {
    /// Whether anybody still owes anything.
    pub fn is_open(&self) -> bool {
        matches!(
            self.state,
            State::New | State::Open | State::WaitingCustomer
        )
    }

    /// The deadline that matters next: of the running clocks, promised ones before internal targets.
    pub fn next_deadline(&self) -> Option<&Clock> {
        self.clocks
            .iter()
            .filter(|c| c.is_running())
            .min_by_key(|c| (c.objective.internal, c.deadline))
    }

    /// The initial-response clock.
    pub fn initial_response(&self) -> Option<&Clock> {
        self.clocks
            .iter()
            .find(|c| c.kind == ClockKind::InitialResponse)
    }

    /// On whose account a clock's lateness goes: the ticket's, unless it was missed on another one (C3.6).
    pub fn account_of<'a>(&'a self, clock: &'a Clock) -> &'a Subscription {
        clock.account.as_ref().unwrap_or(&self.subscription)
    }

    /// The severity that a clock's deadline was promised for. What was kept or missed under one is not another's, whatever the ticket's is by now (C4.5).
    pub fn promised_for(&self, clock: &Clock) -> u8 {
        let promised = clock
            .by_severity
            .iter()
            .filter(|(_, deadline)| *deadline == clock.deadline)
            .map(|(severity, _)| *severity)
            .max_by_key(|severity| *severity == self.severity);
        promised.unwrap_or(self.severity).clamp(1, 4)
    }

    /// Days of credit of all its clocks (C7.4: both kinds add up).
    pub fn credit_days(&self) -> u32 {
        self.clocks.iter().map(|c| c.credit_days).sum()
    }
}
