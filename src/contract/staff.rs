//! People, roles and the rota: `rules/staff.toml`.
//!
//! Knows who answers for which queue, who may decide what, and who is on duty when; knows nothing of tickets or of letters.
//! Promise: a warning always finds somebody while anybody works on its queue: where rota, absences and deputies leave nobody, everybody is on duty.

use super::customers::read_addresses;
use super::hours::{self, Hours};
use super::plan::{self, Contract};
use super::reading::{At, File, Section};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What somebody of the staff may do and is told.
///
/// The people of the security queue are those with `security` among their queues; who is on duty is a matter of the rota, not of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Answers and commands on the queues listed.
    Staff,
    /// Also answers escalations and corrects severities (C4.5, C7.3).
    Manager,
    /// Reads, and may do nothing.
    ReadOnly,
}

/// One of the staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Short name for commands: `#assign anna`.
    pub id: String,
    /// For letters.
    pub name: String,
    /// Strict addresses; the first is written to.
    pub addresses: Vec<String>,
    /// Accounts of the own mail server (`smtp.auth`).
    pub accounts: Vec<String>,
    /// What they may do.
    pub role: Role,
    /// The queues they work on.
    pub queues: Vec<String>,
}

/// All of the staff.
#[derive(Debug, Default)]
pub struct Staff {
    /// In the order of the file.
    pub people: Vec<Person>,
    /// Who is on duty when.
    pub rota: Rota,
}

/// Who is on duty when, and who stands in for whom.
#[derive(Debug, Default)]
pub struct Rota {
    /// When somebody is there to be warned (C10.2); the contract's business hours where the file says nothing.
    pub desk_hours: Option<Arc<Hours>>,
    duties: Vec<Duty>,
    /// First and last day, in the zone of the contract.
    absences: BTreeMap<String, Vec<(NaiveDate, NaiveDate)>>,
    deputies: BTreeMap<String, String>,
    zone: Option<Tz>,
}

#[derive(Debug)]
struct Duty {
    queue: String,
    when: Hours,
    who: Vec<String>,
}

impl Rota {
    fn is_absent(&self, id: &str, at: DateTime<Utc>) -> bool {
        let today = hours::local(self.zone.unwrap_or(Tz::UTC), at).date();
        self.absences.get(id).is_some_and(|days| {
            days.iter()
                .any(|(first, last)| (*first..=*last).contains(&today))
        })
    }

    /// The person, or who stands in for them, or for those in turn; None if all of them are absent.
    fn present<'r>(&'r self, id: &'r str, at: DateTime<Utc>) -> Option<&'r str> {
        let mut id = id;
        // Deputies may be each other's: nobody is asked twice.
        for _ in 0..=self.deputies.len() {
            if !self.is_absent(id, at) {
                return Some(id);
            }
            id = self.deputies.get(id)?;
        }
        None
    }
}

impl Staff {
    /// By id.
    pub fn by_id(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|p| p.id == id)
    }

    /// By one of their strict addresses.
    pub fn by_address(&self, address: &str) -> Option<&Person> {
        self.people
            .iter()
            .find(|p| p.addresses.iter().any(|a| a.eq_ignore_ascii_case(address)))
    }

    /// Everybody who works on a queue.
    pub fn of_queue<'a>(&'a self, queue: &'a str) -> impl Iterator<Item = &'a Person> {
        self.people
            .iter()
            .filter(move |p| p.role != Role::ReadOnly && p.queues.iter().any(|q| q == queue))
    }

    /// Who is on duty for a queue at an instant (C10.1); everybody of the queue where the rota names nobody.
    ///
    /// Somebody absent is replaced by their deputy. Where the rota names nobody at that instant, or nobody of those named is there, it is
    /// everybody of the queue who is not absent, and if all are absent, everybody.
    pub fn on_duty<'a>(&'a self, queue: &'a str, at: DateTime<Utc>) -> Vec<&'a Person> {
        let mut found: Vec<&Person> = Vec::new();
        for duty in self.rota.duties.iter().filter(|d| d.queue == queue) {
            if !duty.when.is_open(at) {
                continue;
            }
            for id in &duty.who {
                let person = self.rota.present(id, at).and_then(|id| self.by_id(id));
                if let Some(person) = person
                    && !found.iter().any(|known| known.id == person.id)
                {
                    found.push(person);
                }
            }
        }
        if found.is_empty() {
            found = self
                .of_queue(queue)
                .filter(|person| !self.rota.is_absent(&person.id, at))
                .collect();
        }
        if found.is_empty() {
            found = self.of_queue(queue).collect();
        }
        found
    }

    /// The managers of a queue.
    pub fn managers<'a>(&'a self, queue: &'a str) -> impl Iterator<Item = &'a Person> {
        self.of_queue(queue).filter(|p| p.role == Role::Manager)
    }

    /// Who is to be told in a person's place at an instant: themselves, or their deputy while they are absent.
    pub fn present(&self, id: &str, at: DateTime<Utc>) -> Option<&Person> {
        self.rota.present(id, at).and_then(|id| self.by_id(id))
    }

    /// Reads the file; faults are left in it. Days and holidays are those of the contract's newest version.
    pub(super) fn read(file: &File<'_>, contract: Option<&Contract>) -> Option<Staff> {
        let tables = file.tables()?;
        let root = file.root(&tables);
        let bare = Contract::default();
        let version = contract.unwrap_or(&bare).latest();
        let zone = root
            .text("zone")
            .and_then(|text| plan::read_zone(file, &text));
        let mut staff = Staff::default();
        staff.rota.zone = Some(zone.unwrap_or(version.zone));
        staff.rota.desk_hours = root
            .text("desk_hours")
            .and_then(|text| plan::checked_hours(file, &text, zone, version));
        let mut deputies: Vec<At<String>> = Vec::new();
        for section in root.sections("person") {
            let person = read_person(&section, &mut staff.rota, &mut deputies);
            if let Some(person) = person {
                note_twin(&section, &person, &staff);
                staff.people.push(person);
            }
        }
        for deputy in &deputies {
            match staff.by_id(&deputy.value) {
                None => nobody(file, "deputy", deputy),
                Some(person) if person.role == Role::ReadOnly => only_reads(file, deputy),
                Some(_) => {}
            }
        }
        if staff.people.is_empty() {
            file.fault_of_file("nobody is on the staff", "add [[person]]");
        } else if !staff.people.iter().any(|p| p.role == Role::Manager) {
            file.fault_of_file(
                "no manager is on the staff, and only a manager's answer stops an escalation's clock (C7.3)",
                "give somebody role = \"manager\"",
            );
        }
        for section in root.sections("duty") {
            if let Some(duty) = read_duty(&section, &staff, zone, version) {
                staff.rota.duties.push(duty);
            }
        }
        root.no_other_keys();
        Some(staff)
    }
}

fn nobody(file: &File<'_>, what: &str, id: &At<String>) {
    file.fault(
        id.at,
        format!("{what} \"{}\" is nobody of the staff", id.value),
        "use the id of a [[person]]",
    );
}

fn only_reads(file: &File<'_>, id: &At<String>) {
    file.fault(
        id.at,
        format!("\"{}\" only reads and cannot be on duty", id.value),
        "name somebody with role = \"staff\" or \"manager\"",
    );
}

fn read_person(
    section: &Section<'_>,
    rota: &mut Rota,
    deputies: &mut Vec<At<String>>,
) -> Option<Person> {
    let file = section.file;
    let id = section.needed("id", "\"anna\"");
    let name = section.needed("name", "\"Anna Muster\"");
    let addresses = read_addresses(section, "addresses");
    if addresses.is_empty() {
        file.fault(
            section.at,
            "the person has no address",
            "add addresses = [\"anna@vendor.example\"]",
        );
    }
    let accounts = section.texts("accounts");
    let role = section
        .needed("role", "\"staff\"")
        .and_then(|text| match text.value.as_str() {
            "staff" => Some(Role::Staff),
            "manager" => Some(Role::Manager),
            "read-only" => Some(Role::ReadOnly),
            other => {
                let remedy = match other {
                    "security" => "use \"staff\" or \"manager\" with queues = [\"security\"]",
                    "duty" => "use \"staff\", and say when under [[duty]]",
                    _ => "use \"staff\", \"manager\" or \"read-only\"",
                };
                file.fault(text.at, format!("role \"{other}\" is unknown"), remedy);
                None
            }
        });
    let queues = section.texts("queues");
    let deputy = section.text("deputy");
    let mut absences = Vec::new();
    for absence in section.sections("absent") {
        let (from, until) = (absence.date("from"), absence.date("until"));
        absence.no_other_keys();
        match (from, until) {
            (Some(from), Some(until)) if from.value <= until.value => {
                absences.push((from.value, until.value));
            }
            _ => file.fault(
                absence.at,
                "the absence has no first and last day in their order",
                "write { from = 2026-12-21, until = 2027-01-03 }",
            ),
        }
    }
    section.no_other_keys();
    let id = id?.value;
    if !absences.is_empty() {
        rota.absences.insert(id.clone(), absences);
    }
    if let Some(deputy) = deputy {
        rota.deputies.insert(id.clone(), deputy.value.clone());
        deputies.push(deputy);
    }
    Some(Person {
        id,
        name: name?.value,
        addresses: addresses.into_iter().map(|a| a.value).collect(),
        accounts: accounts.into_iter().map(|a| a.value).collect(),
        role: role?,
        queues: queues.into_iter().map(|q| q.value).collect(),
    })
}

fn note_twin(section: &Section<'_>, person: &Person, staff: &Staff) {
    let twin = |what: &str, value: &str, other: &Person| {
        section.file.fault(
            section.at,
            format!(
                "{what} \"{value}\" of \"{}\" is also of \"{}\"",
                person.id, other.id
            ),
            "give it to one of them",
        );
    };
    for other in &staff.people {
        if other.id == person.id {
            twin("id", &person.id, other);
        }
        for address in &person.addresses {
            if other.addresses.contains(address) {
                twin("address", address, other);
            }
        }
        for account in &person.accounts {
            if other.accounts.contains(account) {
                twin("account", account, other);
            }
        }
    }
}

fn read_duty(
    section: &Section<'_>,
    staff: &Staff,
    zone: Option<Tz>,
    version: &plan::Version,
) -> Option<Duty> {
    let file = section.file;
    let queue = section.needed("queue", "\"support\"");
    let when = section.needed("when", "\"Mo-Fr 08:00-17:00; PH off\"");
    let who = section.texts("who");
    section.no_other_keys();
    if who.is_empty() {
        file.fault(section.at, "nobody does this duty", "add who = [\"anna\"]");
    }
    for id in &who {
        match staff.by_id(&id.value) {
            None => nobody(file, "who", id),
            Some(person) if person.role == Role::ReadOnly => only_reads(file, id),
            Some(person) => {
                let other = queue.as_ref().filter(|q| !person.queues.contains(&q.value));
                if let Some(queue) = other {
                    file.fault(
                        id.at,
                        format!(
                            "\"{}\" is on duty for queue \"{}\" and does not work on it",
                            id.value, queue.value
                        ),
                        "add the queue to their queues, or name somebody else",
                    );
                }
            }
        }
    }
    let (queue, when) = (queue?, when?);
    let body = version
        .named_hours(&when.value)
        .map_or(when.value.as_str(), |hours| hours.text());
    let hours = Hours::parse(body, zone.unwrap_or(version.zone), version.holidays.clone());
    match hours {
        Ok(hours) if hours.next_open(DateTime::UNIX_EPOCH).is_none() => {
            file.fault(
                when.at,
                format!("hours \"{}\" never open", when.value),
                "write hours that open, such as Mo-Fr 08:00-17:00; PH off",
            );
            None
        }
        Ok(hours) => Some(Duty {
            queue: queue.value,
            when: hours,
            who: who.into_iter().map(|id| id.value).collect(),
        }),
        Err(fault) => {
            file.fault(when.at, fault.problem, fault.remedy);
            None
        }
    }
}
