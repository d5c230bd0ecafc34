//! The service contract in code (CONTRACT.md C1 to C10): who is a customer, which objective a request has, when it expires, when to warn, what lateness costs.
//!
//! Knows opening hours, holidays, plans, customers and staff as data; knows nothing of mail, of tickets' records or of the present moment.
//! Law: a deadline is a function of the objective and the start; the same files and instants give the same answer for ever.

//!
//! Reading order: [`holidays`], [`hours`] (the arithmetic), [`plan`] (contract.toml), [`customers`], [`staff`], then what follows from them:
//! [`warning`], [`credit`], [`explain`], [`within`].

pub mod credit;
pub mod customers;
pub mod explain;
pub mod holidays;
pub mod hours;
pub mod kept;
pub mod plan;
mod reading;
pub mod staff;
pub mod warning;
pub mod within;

use crate::diagnostic::Diagnostic;
use crate::mail::Language;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use customers::{Customer, Customers, Order, Term};
use hours::Hours;
use plan::{Channel, Contract, Plan, Promise, Version};
use reading::File;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub use explain::duration_words;
pub use staff::{Person, Role};
pub use warning::Step;
pub use within::Within;

/// The contract, the customers and the staff, as loaded together. Cheap to clone by `Arc`, never changed in place.
#[derive(Debug, Default)]
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

impl Subscription {
    /// Whether it is the same order of the same customer.
    pub fn is_same(&self, other: &Subscription) -> bool {
        (&self.customer, &self.plan) == (&other.customer, &other.plan)
    }
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
        let files = [File::new(contract), File::new(staff), File::new(customers)];
        let contract = Contract::read(&files[0]);
        let mut faults = files[0].faults();
        // With a faulty contract the names in the other files cannot be judged.
        let sound = contract.as_ref().filter(|_| faults.is_empty());
        let staff = staff::Staff::read(&files[1], sound);
        let customers = Customers::read(&files[2], sound, staff.as_ref());
        faults.extend(files[1].faults());
        faults.extend(files[2].faults());
        match (contract, customers, staff) {
            (Some(contract), Some(customers), Some(staff)) if faults.is_empty() => Ok(Book {
                contract,
                customers,
                staff,
            }),
            _ => Err(faults),
        }
    }

    /// Whose request a mail from this strict address is (C3.4).
    pub fn subscription(&self, address: &str, at: DateTime<Utc>) -> Subscription {
        match self.customers.by_address(address) {
            Some(customer) => subscribed(customer, None, at),
            None => Subscription {
                customer: None,
                customer_name: String::new(),
                plan: DEFAULT_PLAN.into(),
                language: None,
                tam: None,
            },
        }
    }

    /// A customer's subscription by id: the usual one, or the one on a plan (`#plan`, a rule, or staff who open a ticket). None if there is none.
    pub fn subscription_of(
        &self,
        customer: &str,
        plan: Option<&str>,
        at: DateTime<Utc>,
    ) -> Option<Subscription> {
        let customer = self.customers.by_id(customer)?;
        if let Some(plan) = plan {
            customer.order(Some(plan), at)?;
        }
        Some(subscribed(customer, plan, at))
    }

    /// The initial-response objective of a request at a severity 1 to 4 (C3, C4.1); an internal one where the plan is best effort (C3.2).
    ///
    /// Everything is taken from the version of the contract and the order valid at `received`; the hours named in the answer mean the same for ever.
    pub fn initial_response(
        &self,
        subscription: &Subscription,
        severity: u8,
        received: DateTime<Utc>,
    ) -> Objective {
        let severity = severity.clamp(1, 4);
        let index = usize::from(severity - 1);
        let terms = self.terms(subscription, received);
        let promise = terms
            .order
            .and_then(|order| order.objectives[index])
            .unwrap_or(terms.plan.objectives[index]);
        let hours = terms.hours(self, Some(severity), received);
        match promise {
            Promise::Within(minutes) => Objective {
                clause: "C4.1".into(),
                minutes,
                hours,
                internal: false,
            },
            // An order that is no longer there leaves no promise behind that could be kept or broken.
            Promise::BestEffort | Promise::PerOrder => Objective {
                clause: "C3.2".into(),
                minutes: terms.plan.internal_targets[index],
                hours,
                internal: true,
            },
        }
    }

    /// The internal target for the next reply after the first answer (C4.11): the initial objective's time, never a breach or a credit.
    pub fn next_reply(
        &self,
        subscription: &Subscription,
        severity: u8,
        at: DateTime<Utc>,
    ) -> Objective {
        Objective {
            clause: "C4.11".into(),
            internal: true,
            ..self.initial_response(subscription, severity, at)
        }
    }

    /// The interval after which a customer is due an update (C6.5), if the severity has one.
    pub fn update(
        &self,
        subscription: &Subscription,
        severity: u8,
        at: DateTime<Utc>,
    ) -> Option<Objective> {
        let severity = severity.clamp(1, 4);
        let terms = self.terms(subscription, at);
        let minutes = terms.version.warnings.update_every_min[usize::from(severity - 1)];
        (minutes > 0).then(|| Objective {
            clause: "C6.5".into(),
            minutes,
            hours: terms.hours(self, Some(severity), at),
            internal: true,
        })
    }

    /// The objective of a management escalation (C7.1, C7.2).
    pub fn escalation(
        &self,
        subscription: &Subscription,
        urgent: bool,
        at: DateTime<Utc>,
    ) -> Objective {
        let terms = self.terms(subscription, at);
        let escalation = &terms.version.escalation;
        if urgent {
            Objective {
                clause: "C7.2".into(),
                minutes: escalation.urgent_minutes,
                hours: terms.hours(self, None, at),
                internal: false,
            }
        } else {
            Objective {
                clause: "C7.1".into(),
                minutes: escalation.normal_minutes,
                hours: self.contract.pinned(&escalation.normal_hours, None, at),
                internal: false,
            }
        }
    }

    /// How an objective is put to a customer, as of an instant.
    pub fn within(&self, objective: &Objective, at: DateTime<Utc>) -> Within {
        within::of(objective, &self.hours(objective, at), at)
    }

    /// When the objective expires that began to run at `start`.
    ///
    /// An objective beyond the last known year, which no contract that was read can have, expires with that year.
    pub fn deadline(&self, objective: &Objective, start: DateTime<Utc>) -> Deadline {
        let hours = self.hours(objective, start);
        let at = self.expires(objective, start);
        let explanation = explain::deadline(objective, &hours, start, at);
        Deadline { at, explanation }
    }

    /// The same words for a clock whose deadline is not the objective's own: after a raise the earlier one (C4.5), after a bounce a later one (C4.7).
    pub fn explanation(
        &self,
        objective: &Objective,
        start: DateTime<Utc>,
        deadline: DateTime<Utc>,
    ) -> Vec<String> {
        let mut lines =
            explain::deadline(objective, &self.hours(objective, start), start, deadline);
        let by_itself = self.expires(objective, start);
        if by_itself != deadline {
            lines.insert(
                1,
                format!(
                    "Moved by a change on the way; from its beginning alone it would be {} (C4.5, C4.7)",
                    self.local(by_itself)
                ),
            );
        }
        lines
    }

    /// Seconds of the objective's hours that are left until the deadline; none after it.
    pub fn left_secs(
        &self,
        objective: &Objective,
        now: DateTime<Utc>,
        deadline: DateTime<Utc>,
    ) -> u64 {
        self.hours(objective, now).between(now, deadline)
    }

    /// When the objective expires, without words.
    pub fn expires(&self, objective: &Objective, start: DateTime<Utc>) -> DateTime<Utc> {
        self.hours(objective, start)
            .add(start, u64::from(objective.minutes) * 60)
            .unwrap_or_else(|| hours::end_of_knowledge().max(start))
    }

    /// The hours that an objective is counted in. Hours that cannot be read, which no objective of this house has, are the business hours.
    pub fn hours(&self, objective: &Objective, at: DateTime<Utc>) -> Arc<Hours> {
        self.contract
            .hours(&objective.hours, at)
            .unwrap_or_else(|_| self.business_hours(at))
    }

    /// The step of warning after `done` for a clock, and its instant: before the deadline, at it, and the repeats (C10.1, C10.2). None when the chain has ended.
    ///
    /// An instant in the past is due at once, one step after the other; [`warning`] has the whole course.
    pub fn next_step(
        &self,
        clock: &Objective,
        start: DateTime<Utc>,
        deadline: DateTime<Utc>,
        done: Option<Step>,
    ) -> Option<(DateTime<Utc>, Step)> {
        self.next_step_at(&self.desk_hours(start), clock, start, deadline, done)
    }

    /// The same with other desk hours: those of today's rota, for a clock that was promised under another.
    pub fn next_step_at(
        &self,
        desk: &Hours,
        clock: &Objective,
        start: DateTime<Utc>,
        deadline: DateTime<Utc>,
        done: Option<Step>,
    ) -> Option<(DateTime<Utc>, Step)> {
        let version = self.contract.at(start);
        let hours = self.hours(clock, start);
        warning::Course {
            warnings: &version.warnings,
            hours: &hours,
            desk,
            start,
            deadline,
            internal: clock.internal,
        }
        .next(done)
    }

    /// The last of the percentages whose instant has passed: with more time than before they count anew, and those already warned of are not told twice.
    pub fn warned_by(
        &self,
        clock: &Objective,
        start: DateTime<Utc>,
        deadline: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Step> {
        let mut done = None;
        while let Some((at, step @ Step::Percent(_))) = self.next_step(clock, start, deadline, done)
            && at <= now
        {
            done = Some(step);
        }
        done
    }

    /// When somebody is there to be warned (C10.2).
    pub fn desk_hours(&self, at: DateTime<Utc>) -> Arc<Hours> {
        match &self.staff.rota.desk_hours {
            Some(hours) => hours.clone(),
            None => self.business_hours(at),
        }
    }

    /// When the desk that is open at `now` opened today: the opening of its window, or midnight where it never closes. None while it is closed.
    pub fn opening(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let desk = self.desk_hours(now);
        let window = desk.window_around(now, 2)?;
        let midnight = desk.local(now).date().and_time(chrono::NaiveTime::MIN);
        let midnight = hours::resolve_local(desk.zone(), midnight, hours::Edge::Opening);
        Some(window.open.max(DateTime::from_timestamp(midnight, 0)?))
    }

    /// The end of the desk's local day.
    pub fn evening(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let desk = self.desk_hours(at);
        let tomorrow = desk.local(at).date().succ_opt().unwrap_or(NaiveDate::MAX);
        let midnight = tomorrow.and_time(chrono::NaiveTime::MIN);
        let end = hours::resolve_local(desk.zone(), midnight, hours::Edge::Opening);
        DateTime::from_timestamp(end, 0).unwrap_or(at)
    }

    /// The first instant of a day in the contract's zone.
    pub fn morning(&self, day: NaiveDate) -> DateTime<Utc> {
        plan::begins(self.contract.latest().zone, day)
    }

    fn business_hours(&self, at: DateTime<Utc>) -> Arc<Hours> {
        let version = self.contract.at(at);
        let named = version
            .named_hours("business")
            .or_else(|| version.hours.first().map(|(_, hours)| hours));
        match named {
            Some(hours) => hours.clone(),
            None => Arc::new(Hours::always(version.zone)),
        }
    }

    /// Whole days of credit for lateness: full quarters of an hour between the deadline and `until`, in the objective's hours (C4.6).
    ///
    /// What lateness costs is promised with the objective: by the version of `started`, whichever is valid at the breach. None for an internal objective. Whether
    /// the customer has a term to extend at all, and a cap on it, are asked apart: [`Book::earns_credit`], [`Book::credit_days_max`].
    pub fn credit_days(
        &self,
        objective: &Objective,
        started: DateTime<Utc>,
        deadline: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> u32 {
        if objective.internal {
            return 0;
        }
        let credit = &self.contract.at(started).credit;
        credit::days(
            credit,
            self.lateness_secs(objective, started, deadline, until),
        )
    }

    /// How late an answer at `until` is, in the hours that the contract counts lateness in (C4.6).
    pub fn lateness_secs(
        &self,
        objective: &Objective,
        started: DateTime<Utc>,
        deadline: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> u64 {
        let credit = &self.contract.at(started).credit;
        credit::lateness_secs(credit, &self.hours(objective, deadline), deadline, until)
    }

    /// Whether a promise missed at an instant extends anything: a term is current then (C4.6, C7.4). Unknown senders have none.
    pub fn earns_credit(&self, subscription: &Subscription, at: DateTime<Utc>) -> bool {
        self.term(subscription, at).is_some()
    }

    /// The term that is current at an instant, to which days are added (C4.6): of the order, or of the one that renewed it.
    ///
    /// Its dates are those that the file says. One that has ended, or is still to begin, is not current however long its order is valid: where none is, there is
    /// nothing that a day could be added to, and none is earned. A term that days of credit have made longer is current in those once its file says so.
    pub fn term(&self, subscription: &Subscription, at: DateTime<Utc>) -> Option<Term> {
        self.order_in_term(subscription, at)?.term
    }

    fn order_in_term(&self, subscription: &Subscription, at: DateTime<Utc>) -> Option<&Order> {
        let customer = self.customers.by_id(subscription.customer.as_deref()?)?;
        customer.in_term(&subscription.plan, at, self.local_date(at))
    }

    /// The agreed cap on the credit days of the term that is current, if any (C4.6).
    pub fn credit_days_max(&self, subscription: &Subscription, at: DateTime<Utc>) -> Option<u32> {
        self.order_in_term(subscription, at)?.credit_days_max
    }

    /// What waiting costs after the deadline (C10.3): `each further 15 min: 1 day for ACME AG`. None where lateness earns nobody a credit.
    pub fn price_of_waiting(
        &self,
        subscription: &Subscription,
        objective: &Objective,
        started: DateTime<Utc>,
        deadline: DateTime<Utc>,
    ) -> Option<String> {
        if objective.internal || !self.earns_credit(subscription, deadline) {
            return None;
        }
        let credit = &self.contract.at(started).credit;
        let days = if credit.days == 1 { "day" } else { "days" };
        Some(format!(
            "each further {}: {} {days} for {}",
            duration_words(u64::from(credit.quarter_min) * 60),
            credit.days,
            subscription.customer_name
        ))
    }

    /// The roads that belong to a subscription (C3.5).
    pub fn channels(&self, subscription: &Subscription, at: DateTime<Utc>) -> Vec<Channel> {
        let terms = self.terms(subscription, at);
        match terms.order {
            Some(order) if !order.channels.is_empty() => order.channels.clone(),
            _ => terms.plan.channels.clone(),
        }
    }

    /// The plan's name for people.
    pub fn plan_name(&self, subscription: &Subscription, at: DateTime<Utc>) -> &str {
        &self.terms(subscription, at).plan.name
    }

    /// When an objective that begins at `at` starts to count: `at` itself inside its hours, else the next opening (C4.2).
    pub fn starts(&self, objective: &Objective, at: DateTime<Utc>) -> DateTime<Utc> {
        self.hours(objective, at).next_open(at).unwrap_or(at)
    }

    /// An instant in the contract's zone, for people: `Mon 30.03.2026 10:40`.
    pub fn local(&self, at: DateTime<Utc>) -> String {
        self.local_for(at, Language::En)
    }

    /// An instant in the contract's zone, with the day's name in a language: `Mo 30.03.2026 10:40`.
    pub fn local_for(&self, at: DateTime<Utc>, language: Language) -> String {
        let local = hours::local(self.contract.at(at).zone, at);
        explain::moment_words(local, language)
    }

    /// The instant of a local time in the contract's zone; of a time that clocks show twice, the first (C1.6).
    pub fn instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let zone = self.contract.at(local.and_utc()).zone;
        let secs = hours::resolve_local(zone, local, hours::Edge::Opening);
        DateTime::from_timestamp(secs, 0).unwrap_or_else(|| local.and_utc())
    }

    /// The local day of an instant in the contract's zone.
    pub fn local_date(&self, at: DateTime<Utc>) -> NaiveDate {
        hours::local(self.contract.at(at).zone, at).date()
    }

    fn terms<'b>(&'b self, subscription: &Subscription, at: DateTime<Utc>) -> Terms<'b> {
        let version = self.contract.at(at);
        let order = subscription
            .customer
            .as_deref()
            .and_then(|id| self.customers.by_id(id))
            .and_then(|customer| customer.order(Some(&subscription.plan), at));
        let plan = version
            .plan(&subscription.plan)
            .or_else(|| version.plan(DEFAULT_PLAN))
            .unwrap_or_else(|| plan::bare_plan());
        Terms {
            version,
            order,
            plan,
        }
    }
}

/// What unknown senders are on (C3.4).
pub const DEFAULT_PLAN: &str = "default";

/// What holds for one request: the version, its plan, and the order if there is one.
struct Terms<'b> {
    version: &'b Version,
    order: Option<&'b Order>,
    plan: &'b Plan,
}

impl Terms<'_> {
    /// The hours as an objective names them. An order's word goes before the plan's, a severity's before the general one.
    fn hours(&self, book: &Book, severity: Option<u8>, at: DateTime<Utc>) -> String {
        let of_order = self.order.and_then(|order| {
            severity
                .and_then(|severity| order.hours_by_severity.get(&severity))
                .or(order.hours.as_ref())
        });
        let of_plan = severity
            .and_then(|severity| self.plan.hours_by_severity.get(&severity))
            .unwrap_or(&self.plan.hours);
        let zone = self.order.and_then(|order| order.zone);
        book.contract.pinned(of_order.unwrap_or(of_plan), zone, at)
    }
}

fn subscribed(customer: &Customer, plan: Option<&str>, at: DateTime<Utc>) -> Subscription {
    Subscription {
        customer: Some(customer.id.clone()),
        customer_name: customer.name.clone(),
        // A customer whose orders have all ended is treated like an unknown sender, but known by name.
        plan: customer
            .order(plan, at)
            .map_or(DEFAULT_PLAN, |order| order.plan.as_str())
            .to_string(),
        language: customer.language,
        tam: customer.tam.clone(),
    }
}

#[cfg(test)]
mod tests;
