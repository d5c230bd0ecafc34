//! The service contract in code (CONTRACT.md C1 to C10): who is a customer, which objective a request has, when it expires, when to warn, what lateness costs.
//!
//! Knows opening hours, holidays, plans, customers and staff as data; knows nothing of mail, of tickets' records or of the present moment.
//! Law: a deadline is a function of the objective and the start; the same files and instants give the same answer for ever.

pub mod credit;
pub mod customers;
pub mod holidays;
pub mod hours;
pub mod plan;
pub mod staff;
pub mod warning;

use crate::diagnostic::Diagnostic;
use crate::mail::Language;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use staff::{Person, Role};
pub use warning::Step;

/// The contract, the customers and the staff, as loaded together. Cheap to clone by `Arc`, never changed in place.
#[derive(Debug)]
pub struct Book {
    /// `rules/contract.toml`.
    pub contract: plan::Contract,
    /// `rules/customers.toml`.
    pub customers: customers::Customers,
    /// `rules/staff.toml`.
    pub staff: staff::Staff,
}

/// A file's name as the operator knows it, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    /// For messages.
    pub file: String,
    /// The whole file.
    pub text: String,
}

/// On whose account a request is (C3.4). An unknown sender has no customer and the default plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The id in customers.toml.
    pub customer: Option<String>,
    /// The name to show.
    pub customer_name: String,
    /// The plan's id in contract.toml.
    pub plan: String,
    /// The customer's set language.
    pub language: Option<Language>,
    /// The technical account manager's id in staff.toml (C8).
    pub tam: Option<String>,
}

/// What a contract promises for one request, or what we set ourselves where it promises nothing (C3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// The clause it follows from, such as `C4.1`.
    pub clause: String,
    /// Minutes of the hours below.
    pub minutes: u32,
    /// Support hours: a name from the contract or an opening-hours string.
    pub hours: String,
    /// True for an internal target: warns staff, is never shown to a customer, never a breach or a credit.
    pub internal: bool,
}

/// When an objective expires, and how that was computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The earliest instant by which the objective's time has elapsed (C4.3).
    pub at: DateTime<Utc>,
    /// One line a window counted, and the holidays skipped, for people (C10.3).
    pub explanation: Vec<String>,
}

impl Book {
    /// Reads the three files. All faults found, not just the first.
    pub fn parse(
        contract: &Source,
        customers: &Source,
        staff: &Source,
    ) -> Result<Book, Vec<Diagnostic>> {
        let _ = (contract, customers, staff);
        Err(vec![])
    }

    /// Whose request a mail from this strict address is (C3.4).
    pub fn subscription(&self, address: &str, at: DateTime<Utc>) -> Subscription {
        let _ = (address, at);
        Subscription {
            customer: None,
            customer_name: String::new(),
            plan: "default".into(),
            language: None,
            tam: None,
        }
    }

    /// The initial-response objective of a request at a severity 1 to 4 (C3, C4.1); an internal one where the plan is best effort (C3.2).
    pub fn initial_response(
        &self,
        subscription: &Subscription,
        severity: u8,
        received: DateTime<Utc>,
    ) -> Objective {
        let _ = (subscription, severity, received);
        Objective {
            clause: "C4.1".into(),
            minutes: 60,
            hours: "business".into(),
            internal: true,
        }
    }

    /// The objective of a management escalation (C7.1, C7.2).
    pub fn escalation(
        &self,
        subscription: &Subscription,
        urgent: bool,
        at: DateTime<Utc>,
    ) -> Objective {
        let _ = (subscription, urgent, at);
        Objective {
            clause: "C7.1".into(),
            minutes: 540,
            hours: "business".into(),
            internal: false,
        }
    }

    /// When the objective expires that began to run at `start`.
    pub fn deadline(&self, objective: &Objective, start: DateTime<Utc>) -> Deadline {
        let _ = objective;
        Deadline {
            at: start,
            explanation: vec![],
        }
    }

    /// The steps of warning still to come after `after` for a clock, earliest first: before the deadline, at it, and the first repeats (C10.1, C10.2).
    pub fn next_step(
        &self,
        clock: &Objective,
        start: DateTime<Utc>,
        deadline: DateTime<Utc>,
        done: Option<Step>,
    ) -> Option<(DateTime<Utc>, Step)> {
        let _ = (clock, start, deadline, done);
        None
    }

    /// Whole days of credit for lateness: full quarters of an hour between the deadline and `until`, in the objective's hours (C4.6).
    pub fn credit_days(
        &self,
        objective: &Objective,
        deadline: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> u32 {
        let _ = (objective, deadline, until);
        0
    }

    /// An instant in the contract's zone, for people: `Mon 30.03.2026 10:40`.
    pub fn local(&self, at: DateTime<Utc>) -> String {
        at.to_rfc3339()
    }

    /// When an objective that begins at `at` starts to count: `at` itself inside its hours, else the next opening (C4.2).
    pub fn starts(&self, objective: &Objective, at: DateTime<Utc>) -> DateTime<Utc> {
        let _ = objective;
        at
    }

    /// A plan's name for people.
    pub fn plan_name(&self, plan: &str) -> String {
        plan.to_string()
    }
}
