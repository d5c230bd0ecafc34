//! Customers and orders: `rules/customers.toml` (C3.3, C3.4).
//!
//! Knows by which domains and addresses a customer is known, and what was ordered; knows nothing of what a plan promises by itself.
//! Promise: no two customers of a file that was read can be meant by the same address.

use super::plan::{self, Channel, Contract, Promise};
use super::reading::{At, File, Section};
use super::staff::Staff;
use crate::mail::Language;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Every customer.
#[derive(Debug, Default)]
pub struct Customers {
    /// In the order of the file.
    pub all: Vec<Customer>,
    /// Lower case; to the place in `all`.
    by_domain: BTreeMap<String, usize>,
    by_address: BTreeMap<String, usize>,
}

/// One customer.
#[derive(Clone, Debug)]
pub struct Customer {
    /// `acme`.
    pub id: String,
    /// For people.
    pub name: String,
    /// Lower case, exact: a subdomain is another domain.
    pub domains: Vec<String>,
    /// Lower case.
    pub addresses: Vec<String>,
    /// Letters are written in it, whatever the mail's language (C5.1).
    pub language: Option<Language>,
    /// The technical account manager, an id of staff.toml (C8.1).
    pub tam: Option<String>,
    /// Agreed hours a week of the technical account manager (C8.2).
    pub tam_hours_week: Option<u32>,
    /// A day of the first fortnight that is reviewed with the customer (C8.3). Without one all fortnights of all customers begin on the same Mondays.
    pub review_from: NaiveDate,
    /// At least one; the first that is valid is the usual one (C3.4).
    pub subscriptions: Vec<Order>,
}

/// One subscription: a plan, and what its order says beside it.
#[derive(Clone, Debug)]
pub struct Order {
    /// An id of contract.toml.
    pub plan: String,
    /// The order's number, for people.
    pub reference: Option<String>,
    /// The first instant, if it has one.
    pub begins: Option<DateTime<Utc>>,
    /// The first instant after it, if it has one.
    pub ends: Option<DateTime<Utc>>,
    /// Instead of the plan's.
    pub hours: Option<String>,
    /// Of the hours, instead of the contract's zone.
    pub zone: Option<Tz>,
    /// Hours of single severities (C1.5).
    pub hours_by_severity: BTreeMap<u8, String>,
    /// Instead of the plan's, for severity 1 to 4.
    pub objectives: [Option<Promise>; 4],
    /// Instead of the plan's; empty for the plan's.
    pub channels: Vec<Channel>,
    /// What credits extend (C4.6). Without one there is nothing to extend, and no credit.
    pub term: Option<Term>,
    /// Agreed cap on the credit days of one term.
    pub credit_days_max: Option<u32>,
}

/// The time for which a subscription was bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Term {
    /// The first day, in the contract's zone.
    pub from: NaiveDate,
    /// The last day, before any credit.
    pub until: NaiveDate,
}

impl Term {
    /// Whether a day lies in it, before any credit.
    pub fn contains(&self, day: NaiveDate) -> bool {
        (self.from..=self.until).contains(&day)
    }

    /// The last day with so many days of credit, of which no more than the agreed cap count (C4.6).
    pub fn extended(&self, days: i64, max: Option<u32>) -> NaiveDate {
        let days = max.map_or(days, |max| days.min(i64::from(max))).max(0);
        let days = chrono::Days::new(days.unsigned_abs());
        self.until.checked_add_days(days).unwrap_or(NaiveDate::MAX)
    }
}

impl Order {
    fn is_valid(&self, at: DateTime<Utc>) -> bool {
        self.begins.is_none_or(|begins| begins <= at) && self.ends.is_none_or(|ends| at < ends)
    }
}

impl Customer {
    /// What was ordered, as valid at an instant: of a plan, or the usual one.
    pub fn order(&self, plan: Option<&str>, at: DateTime<Utc>) -> Option<&Order> {
        self.subscriptions
            .iter()
            .find(|order| order.is_valid(at) && plan.is_none_or(|plan| order.plan == plan))
    }

    /// The order whose term is current at an instant, `day` being its day: of a plan, else the one that renewed it on another plan, whose term began when that
    /// of the plan had ended.
    pub fn in_term(&self, plan: &str, at: DateTime<Utc>, day: NaiveDate) -> Option<&Order> {
        let of_plan = |order: &&Order| order.plan == plan;
        let terms = self.subscriptions.iter().filter(of_plan);
        let ended = terms.filter_map(|order| Some(order.term?.until));
        let ended = ended.filter(|until| *until < day).max();
        let renews = |term: Term| ended.is_some_and(|ended| ended < term.from);
        let mut current = self
            .subscriptions
            .iter()
            .filter(|order| order.is_valid(at))
            .filter_map(|order| Some((order, order.term.filter(|term| term.contains(day))?)));
        let own = current.clone().find(|(order, _)| of_plan(order));
        own.or_else(|| current.find(|(_, term)| renews(*term)))
            .map(|(order, _)| order)
    }
}

impl Customers {
    /// By id.
    pub fn by_id(&self, id: &str) -> Option<&Customer> {
        self.all.iter().find(|customer| customer.id == id)
    }

    /// Whose address this is: by the address itself, else by its exact domain.
    pub fn by_address(&self, address: &str) -> Option<&Customer> {
        let address = address.to_ascii_lowercase();
        let (_, domain) = address.rsplit_once('@')?;
        let index = self
            .by_address
            .get(&address)
            .or_else(|| self.by_domain.get(domain))?;
        self.all.get(*index)
    }

    /// Reads the file; faults are left in it. Names are checked against the contract and the staff where those could be read.
    pub(super) fn read(
        file: &File<'_>,
        contract: Option<&Contract>,
        staff: Option<&Staff>,
    ) -> Option<Customers> {
        let tables = file.tables()?;
        let root = file.root(&tables);
        let mut customers = Customers::default();
        // Where each id, domain and address was first written.
        let mut ids: BTreeMap<String, usize> = BTreeMap::new();
        let mut known_by: BTreeMap<String, (String, usize)> = BTreeMap::new();
        for section in root.sections("customer") {
            let Some((customer, known)) = read_customer(&section, contract, staff) else {
                continue;
            };
            if let Some(first) = ids.insert(customer.id.clone(), section.at) {
                file.fault(
                    section.at,
                    format!(
                        "customer \"{}\" stands already on line {}",
                        customer.id,
                        file.line(first)
                    ),
                    "give each customer an id of its own",
                );
            }
            for name in known {
                note_overlap(file, &customer.id, &name, &known_by);
                known_by.insert(name.value, (customer.id.clone(), name.at));
            }
            let index = customers.all.len();
            for domain in &customer.domains {
                customers.by_domain.insert(domain.clone(), index);
            }
            for address in &customer.addresses {
                customers.by_address.insert(address.clone(), index);
            }
            customers.all.push(customer);
        }
        root.no_other_keys();
        for person in staff.iter().flat_map(|staff| &staff.people) {
            for address in &person.addresses {
                let Some(customer) = customers.by_address(address) else {
                    continue;
                };
                let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
                let at = known_by.get(address).or_else(|| known_by.get(domain));
                file.fault(
                    at.map_or(0, |(_, at)| *at),
                    format!(
                        "customer \"{}\" is known by \"{address}\", which is an address of \"{}\" of the staff",
                        customer.id, person.id
                    ),
                    "nobody can be both: take it from one of them",
                );
            }
        }
        // An address within another customer's domain, whichever of the two comes first.
        for (name, (customer, at)) in &known_by {
            if let Some((_, domain)) = name.rsplit_once('@')
                && let Some((owner, line)) = known_by.get(domain)
                && owner != customer
            {
                file.fault(
                    *at,
                    format!(
                        "address \"{name}\" of customer \"{customer}\" lies in domain \"{domain}\" of customer \"{owner}\" (line {})",
                        file.line(*line)
                    ),
                    "list the domain's addresses one by one, or give the address to one of them",
                );
            }
        }
        Some(customers)
    }
}

fn note_overlap(
    file: &File<'_>,
    customer: &str,
    name: &At<String>,
    known_by: &BTreeMap<String, (String, usize)>,
) {
    if let Some((owner, at)) = known_by.get(&name.value) {
        file.fault(
            name.at,
            format!(
                "\"{}\" of customer \"{customer}\" is also of customer \"{owner}\" (line {})",
                name.value,
                file.line(*at)
            ),
            "give it to one of them",
        );
    }
}

fn read_customer(
    section: &Section<'_>,
    contract: Option<&Contract>,
    staff: Option<&Staff>,
) -> Option<(Customer, Vec<At<String>>)> {
    let file = section.file;
    let id = section.needed("id", "\"acme\"");
    let name = section.needed("name", "\"ACME AG\"");
    let domains = domains(section);
    let addresses = read_addresses(section, "addresses");
    if domains.is_empty() && addresses.is_empty() {
        file.fault(
            section.at,
            "the customer has neither domains nor addresses",
            "add domains = [\"acme.example\"]",
        );
    }
    let language = section.text("language").and_then(|text| {
        let language = match text.value.as_str() {
            "de" => Some(Language::De),
            "gsw" => Some(Language::Gsw),
            "en" => Some(Language::En),
            _ => None,
        };
        if language.is_none() {
            file.fault(
                text.at,
                format!("language \"{}\" is unknown", text.value),
                "use \"de\", \"gsw\" or \"en\", or leave it out",
            );
        }
        language
    });
    let tam = section.text("tam");
    if let (Some(tam), Some(staff)) = (&tam, staff)
        && staff.by_id(&tam.value).is_none()
    {
        file.fault(
            tam.at,
            format!("tam \"{}\" is nobody of the staff", tam.value),
            "use an id of staff.toml",
        );
    }
    let tam_hours_week = section.number_if("tam_hours_week", 1..169).map(|n| n.value);
    let review_from = section.date("review_from").map(|day| day.value);
    let mut subscriptions: Vec<Order> = Vec::new();
    let mut places: Vec<usize> = Vec::new();
    let sections = section.sections("subscription");
    if sections.is_empty() {
        file.fault(
            section.at,
            "the customer has no subscription",
            "add [[customer.subscription]] with plan = \"extended-sla\"",
        );
    }
    for order in &sections {
        let Some(read) = read_order(order, contract) else {
            continue;
        };
        if let Some(first) = subscriptions.iter().position(|other| overlap(other, &read)) {
            file.fault(
                order.at,
                format!(
                    "plan \"{}\" is subscribed twice for the same time, here and on line {}",
                    read.plan,
                    file.line(places[first])
                ),
                "remove one, or give them valid_from and valid_until that do not overlap",
            );
        }
        subscriptions.push(read);
        places.push(order.at);
    }
    section.no_other_keys();
    let known = domains.iter().chain(&addresses).cloned().collect();
    Some((
        Customer {
            id: id?.value,
            name: name?.value,
            domains: domains.into_iter().map(|d| d.value).collect(),
            addresses: addresses.into_iter().map(|a| a.value).collect(),
            language,
            tam: tam.map(|t| t.value),
            tam_hours_week,
            review_from: review_from.unwrap_or_default(),
            subscriptions,
        },
        known,
    ))
}

fn overlap(a: &Order, b: &Order) -> bool {
    let begins_before_end = |x: &Order, y: &Order| match (x.begins, y.ends) {
        (Some(begins), Some(ends)) => begins < ends,
        _ => true,
    };
    a.plan == b.plan && begins_before_end(a, b) && begins_before_end(b, a)
}

fn domains(section: &Section<'_>) -> Vec<At<String>> {
    let mut domains = section.texts("domains");
    for domain in &mut domains {
        domain.value = domain.value.to_ascii_lowercase();
        if !is_domain(&domain.value) {
            section.file.fault(
                domain.at,
                format!("\"{}\" is no mail domain", domain.value),
                "write it as in addresses, behind the @, such as \"acme.example\" (umlauts as xn--…)",
            );
        }
    }
    domains
}

/// Addresses in lower case; what cannot be one is a fault.
pub(super) fn read_addresses(section: &Section<'_>, key: &'static str) -> Vec<At<String>> {
    let mut addresses = section.texts(key);
    for address in &mut addresses {
        address.value = address.value.to_ascii_lowercase();
        if !is_address(&address.value) {
            section.file.fault(
                address.at,
                format!("\"{}\" is no mail address", address.value),
                "write local@domain.example without a name",
            );
        }
    }
    addresses
}

fn is_address(text: &str) -> bool {
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        is_domain(domain)
            && !local.is_empty()
            && local.chars().all(atom)
            && local.split('.').all(|part| !part.is_empty())
            && !local.starts_with('-')
    })
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.contains('.') && text.len() <= 253 && text.split('.').all(label)
}

fn read_order(section: &Section<'_>, contract: Option<&Contract>) -> Option<Order> {
    let file = section.file;
    let plan_id = section.needed("plan", "\"extended-sla\"");
    let reference = section.text("order").map(|text| text.value);
    let valid_from = section.date("valid_from");
    let valid_until = section.date("valid_until");
    if let (Some(from), Some(until)) = (&valid_from, &valid_until)
        && until.value < from.value
    {
        file.fault(
            until.at,
            format!("the order ends on {}, before it begins", until.value),
            "write the last day on which it is valid",
        );
    }
    let hours = section.text("hours");
    let zone = section
        .text("zone")
        .and_then(|text| plan::read_zone(file, &text));
    let by_severity = plan::read_hours_by_severity(section);
    let objectives = plan::read_objectives(section, "objectives");
    let channels = plan::read_channels(section);
    let term = section.section("term").and_then(|term| read_term(&term));
    let credit_days_max = section
        .number_if("credit_days_max", 0..100_000)
        .map(|n| n.value);
    section.no_other_keys();
    let contract_zone = contract.map_or(Tz::Europe__Zurich, |c| c.latest().zone);
    let order = Order {
        plan: plan_id.as_ref()?.value.clone(),
        reference,
        begins: valid_from.map(|date| plan::begins(contract_zone, date.value)),
        ends: valid_until
            .and_then(|date| date.value.succ_opt())
            .map(|date| plan::begins(contract_zone, date)),
        hours: hours.as_ref().map(|text| text.value.clone()),
        zone,
        hours_by_severity: by_severity
            .iter()
            .map(|(severity, text)| (*severity, text.value.clone()))
            .collect(),
        objectives: objectives
            .each_ref()
            .map(|objective| objective.as_ref().map(|o| o.value)),
        channels,
        term,
        credit_days_max,
    };
    if let Some(contract) = contract {
        let plan_id = plan_id?;
        check_order(
            section,
            &order,
            &plan_id,
            hours.as_ref(),
            &by_severity,
            &objectives,
            contract,
        );
    }
    Some(order)
}

/// An order against the newest version of the contract: plan and hours exist, nothing is left open, everything can be met.
fn check_order(
    section: &Section<'_>,
    order: &Order,
    plan_id: &At<String>,
    hours: Option<&At<String>>,
    by_severity: &BTreeMap<u8, At<String>>,
    objectives: &[Option<At<Promise>>; 4],
    contract: &Contract,
) {
    let file = section.file;
    let version = contract.latest();
    let Some(plan) = version.plan(&plan_id.value) else {
        let known: Vec<&str> = version.plans.iter().map(|p| p.id.as_str()).collect();
        file.fault(
            plan_id.at,
            format!("plan \"{}\" is unknown", plan_id.value),
            format!("use one of {}", known.join(", ")),
        );
        return;
    };
    let plan_hours = At {
        value: plan.hours.clone(),
        at: section.at,
    };
    let usual = plan::checked_hours(file, hours.unwrap_or(&plan_hours), order.zone, version);
    if let (Some(text), Some(hours)) = (hours, &usual) {
        let urgent = At {
            value: Promise::Within(version.escalation.urgent_minutes),
            at: text.at,
        };
        plan::check_reachable(file, &urgent, hours, version);
    }
    for (index, objective) in objectives.iter().enumerate() {
        let severity = index as u8 + 1;
        let own = by_severity
            .get(&severity)
            .and_then(|text| plan::checked_hours(file, text, order.zone, version));
        match objective {
            None if plan.objectives[index] == Promise::PerOrder => file.fault(
                section.at,
                format!(
                    "the order of plan \"{}\" has no objective for severity {severity}",
                    plan.id
                ),
                "add it, such as objectives = { 1 = \"1 h\", 2 = \"2 h\", 3 = \"12 h\", 4 = \"best effort\" }",
            ),
            None => {}
            Some(promise) => {
                if promise.value == Promise::PerOrder {
                    file.fault(
                        promise.at,
                        "an order cannot leave an objective to the order",
                        "write a time such as \"2 h\", or \"best effort\"",
                    );
                }
                if matches!(promise.value, Promise::Within(minutes) if minutes < 30) {
                    file.fault(
                        promise.at,
                        format!("an objective of {} is below 30 min (C3.3)", promise.value),
                        "write \"30 min\" or more",
                    );
                }
                if let Some(hours) = own.as_ref().or(usual.as_ref()) {
                    plan::check_reachable(file, promise, hours, version);
                }
            }
        }
    }
}

fn read_term(section: &Section<'_>) -> Option<Term> {
    let (from, until) = (section.date("from"), section.date("until"));
    section.no_other_keys();
    let (Some(from), Some(until)) = (from, until) else {
        section.file.fault(
            section.at,
            "the term has no from or no until",
            "write term = { from = 2026-01-01, until = 2026-12-31 }",
        );
        return None;
    };
    if until.value < from.value {
        section.file.fault(
            until.at,
            format!("the term ends on {}, before it begins", until.value),
            "write the last day of the term",
        );
    }
    Some(Term {
        from: from.value,
        until: until.value,
    })
}
