//! Plans, severities and objectives: `rules/contract.toml`, in dated versions (C3).
//!
//! Knows what the vendor promises on each plan, and which version of that holds at an instant; knows nothing of customers or tickets.
//! Promise: a contract that was read has at least one version, every objective in it can be met within a year, and every name in it resolves.

use super::holidays::{Holidays, Yearly};
use super::hours::{self, Edge, Hours};
use super::reading::{self, At, File, Section};
use super::{Source, duration_words};
use crate::diagnostic::Diagnostic;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// The contract's text made values.
#[derive(Debug)]
pub struct Contract {
    /// In the order of their dates; never empty.
    versions: Vec<Version>,
    /// Hours written out in an order or on a line of a batch, once read.
    written: Mutex<BTreeMap<String, Arc<Hours>>>,
}

/// A bare contract: the named hours of C1, best effort for everybody. For a start without files, and for tests.
impl Default for Contract {
    fn default() -> Self {
        Contract {
            versions: vec![Version::bare()],
            written: Mutex::default(),
        }
    }
}

/// What holds from one date until the next version's.
#[derive(Clone, Debug)]
pub struct Version {
    /// The first day, in the version's zone.
    pub valid_from: NaiveDate,
    /// The first instant.
    pub begins: DateTime<Utc>,
    /// Of the times written in it.
    pub zone: Tz,
    /// Its public holidays (C1.4).
    pub holidays: Arc<Holidays>,
    /// Named support hours, in the order of the file.
    pub hours: Vec<(String, Arc<Hours>)>,
    /// In the order of the file.
    pub plans: Vec<Plan>,
    /// C7.
    pub escalation: Escalation,
    /// C4.6.
    pub credit: Credit,
    /// C10.
    pub warnings: Warnings,
}

/// What is promised for one severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// An initial response within so many minutes of the support hours.
    Within(u32),
    /// No deadline (C3.2).
    BestEffort,
    /// The customer's order says (C3.3).
    PerOrder,
}

impl std::fmt::Display for Promise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Promise::Within(minutes) => f.write_str(&duration_words(u64::from(*minutes) * 60)),
            Promise::BestEffort => f.write_str("best effort"),
            Promise::PerOrder => f.write_str("per order"),
        }
    }
}

/// A road by which a request may come (C3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// On every plan.
    Mail,
    /// Calls.
    Phone,
    /// Chat.
    Chat,
}

impl Channel {
    /// As the files write it.
    pub fn word(self) -> &'static str {
        match self {
            Channel::Mail => "mail",
            Channel::Phone => "phone",
            Channel::Chat => "chat",
        }
    }
}

/// One plan of one version.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `extended-sla`.
    pub id: String,
    /// For people.
    pub name: String,
    /// A name of the version's hours, or opening hours.
    pub hours: String,
    /// Where a severity has hours of its own (C1.5).
    pub hours_by_severity: BTreeMap<u8, String>,
    /// For severity 1 to 4.
    pub objectives: [Promise; 4],
    /// Minutes for severity 1 to 4, where best effort is promised (C3.2).
    pub internal_targets: [u32; 4],
    /// Roads that belong to the plan.
    pub channels: Vec<Channel>,
}

/// C7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// Minutes within which a manager answers an escalation inside a ticket (C7.1).
    pub normal_minutes: u32,
    /// The hours of those minutes, whatever the plan.
    pub normal_hours: String,
    /// Minutes of the customer's own support hours for an urgent one (C7.2).
    pub urgent_minutes: u32,
}

/// C4.6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// Every so many full minutes of lateness cost …
    pub quarter_min: u32,
    /// … so many days.
    pub days: u32,
    /// Lateness is counted by the wall clock, not in the objective's support hours.
    pub wall_clock: bool,
}

/// C10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warnings {
    /// Rising, each from 1 to 99.
    pub percent: Vec<u8>,
    /// After a breach, hourly in desk hours, so many times.
    pub hourly_repeats: u32,
    /// What staff need at least between a warning and a deadline (C10.2).
    pub lead_time_min: u32,
    /// C10.4.
    pub storm_count: u32,
    /// C10.4.
    pub storm_window_min: u32,
    /// Minutes of support hours after which the customer of a ticket of severity 1 to 4 is due an update (C6.5); zero for none.
    pub update_every_min: [u32; 4],
}

impl Default for Warnings {
    fn default() -> Self {
        Warnings {
            percent: vec![50, 75, 90],
            hourly_repeats: 8,
            lead_time_min: 30,
            storm_count: 5,
            storm_window_min: 10,
            update_every_min: [60, 240, 0, 0],
        }
    }
}

/// C3.2: the numbers of `extended-sla`.
const DEFAULT_TARGETS: [u32; 4] = [60, 120, 720, 1_440];

/// The plan of a version that has none, which no contract that was read is.
pub(super) fn bare_plan() -> &'static Plan {
    static BARE: std::sync::LazyLock<Plan> = std::sync::LazyLock::new(Plan::best_effort);
    &BARE
}

impl Plan {
    fn best_effort() -> Self {
        Plan {
            id: "default".into(),
            name: "Default".into(),
            hours: "business".into(),
            hours_by_severity: BTreeMap::new(),
            objectives: [Promise::BestEffort; 4],
            internal_targets: DEFAULT_TARGETS,
            channels: vec![Channel::Mail],
        }
    }
}

impl Version {
    fn bare() -> Self {
        let holidays = Arc::new(Holidays::st_gallen());
        let zone = Tz::Europe__Zurich;
        let named = [
            ("business", "Mo-Fr 08:00-17:00; PH off"),
            ("extended", "Mo-Fr 07:00-19:00; PH off"),
            ("24x7", "24/7"),
        ];
        Version {
            valid_from: NaiveDate::default(),
            begins: DateTime::UNIX_EPOCH,
            zone,
            hours: named
                .iter()
                .filter_map(|(name, text)| {
                    let hours = Hours::parse(text, zone, holidays.clone()).ok()?;
                    Some((name.to_string(), Arc::new(hours)))
                })
                .collect(),
            holidays,
            plans: vec![Plan::best_effort()],
            escalation: Escalation {
                normal_minutes: 540,
                normal_hours: "business".into(),
                urgent_minutes: 120,
            },
            credit: Credit {
                quarter_min: 15,
                days: 1,
                wall_clock: false,
            },
            warnings: Warnings::default(),
        }
    }

    /// A plan by id.
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == id)
    }

    /// Hours by name.
    pub fn named_hours(&self, name: &str) -> Option<&Arc<Hours>> {
        self.hours
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, hours)| hours)
    }
}

/// Opening hours as an objective names them: `business`, `Mo-Sa 06:00-22:00`, `business in Europe/Berlin`, `business of 2022-06-14`.
///
/// A zone of their own and the version of the contract follow the hours, so that an objective says all by itself what it counts in.
struct HoursText<'t> {
    body: &'t str,
    zone: Option<Tz>,
    version: Option<NaiveDate>,
}

impl<'t> HoursText<'t> {
    fn read(text: &'t str) -> Self {
        let mut body = text.trim();
        let (mut zone, mut version) = (None, None);
        if let Some((before, date)) = body.rsplit_once(" of ")
            && let Ok(date) = date.trim().parse()
        {
            (body, version) = (before.trim_end(), Some(date));
        }
        if let Some((before, name)) = body.rsplit_once(" in ")
            && let Ok(found) = name.trim().parse()
        {
            (body, zone) = (before.trim_end(), Some(found));
        }
        HoursText {
            body,
            zone,
            version,
        }
    }
}

/// The name or the opening hours, without zone and version.
pub(super) fn hours_body(text: &str) -> &str {
    HoursText::read(text).body
}

impl Contract {
    /// Every version, in the order of their dates.
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// The version valid at an instant; the first for anything older.
    pub fn at(&self, at: DateTime<Utc>) -> &Version {
        let begun = self.versions.partition_point(|v| v.begins <= at);
        &self.versions[begun.saturating_sub(1)]
    }

    /// The version with the latest date.
    pub fn latest(&self) -> &Version {
        &self.versions[self.versions.len() - 1]
    }

    /// The hours that an objective names, as they were at an instant.
    pub fn hours(&self, text: &str, at: DateTime<Utc>) -> Result<Arc<Hours>, hours::Fault> {
        // The usual case, kept short: a name of the version.
        if let Some(named) = self.at(at).named_hours(text) {
            return Ok(named.clone());
        }
        let read = HoursText::read(text);
        let version = read
            .version
            .and_then(|date| self.versions.iter().find(|v| v.valid_from == date))
            .unwrap_or_else(|| self.at(at));
        let named = version.named_hours(read.body);
        if let (Some(named), None) = (named, read.zone) {
            return Ok(named.clone());
        }
        let zone = read.zone.unwrap_or(version.zone);
        let body = named.map_or(read.body, |hours| hours.text());
        let key = format!("{body} in {zone} of {}", version.valid_from);
        // A poisoned lock only means that another thread died; what is in the map is whole.
        let mut written = self
            .written
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(hours) = written.get(&key) {
            return Ok(hours.clone());
        }
        let hours = Hours::parse(body, zone, version.holidays.clone()).map_err(|fault| {
            // A name is one word; what is refused of anything longer is named by itself.
            if body.contains([':', '/', ' ']) {
                return fault;
            }
            let names: Vec<&str> = version
                .hours
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            hours::Fault {
                problem: format!("hours \"{body}\" are unknown"),
                remedy: format!(
                    "use {}, or opening hours such as Mo-Fr 08:00-17:00; PH off",
                    names.join(", ")
                ),
            }
        })?;
        let hours = Arc::new(hours);
        // Bounded: a batch may write other hours on every line.
        if written.len() >= 256 {
            written.clear();
        }
        written.insert(key, hours.clone());
        Ok(hours)
    }

    /// Hours as an objective is to name them so that they mean the same for ever: with the version's date where another version says otherwise.
    pub(super) fn pinned(&self, text: &str, zone: Option<Tz>, at: DateTime<Utc>) -> String {
        let version = self.at(at);
        let mut pinned = text.to_string();
        if let Some(zone) = zone {
            pinned.push_str(&format!(" in {zone}"));
        }
        let means = |v: &Version| {
            let text = v.named_hours(text).map(|hours| hours.text().to_string());
            (text, v.zone, v.holidays.clone())
        };
        let own = means(version);
        if self.versions.iter().any(|other| means(other) != own) {
            pinned.push_str(&format!(" of {}", version.valid_from));
        }
        pinned
    }

    /// Reads the file; faults are left in it.
    pub(super) fn read(file: &File<'_>) -> Option<Contract> {
        let tables = file.tables()?;
        let root = file.root(&tables);
        let mut read: Vec<(usize, Version)> = Vec::new();
        let sections = root.sections("version");
        if sections.is_empty() {
            file.fault_of_file(
                "the contract has no version",
                "add [[version]] with valid_from, zone, hours and plans",
            );
        }
        for section in &sections {
            if let Some(version) = read_version(section) {
                read.push((section.at, version));
            }
        }
        root.no_other_keys();
        for pair in read.windows(2) {
            let (earlier, later) = (&pair[0].1, &pair[1]);
            if later.1.valid_from == earlier.valid_from {
                file.fault(
                    later.0,
                    format!(
                        "this version overlaps the one of line {}: both are valid from {}",
                        file.line(pair[0].0),
                        earlier.valid_from
                    ),
                    "give the newer version a later valid_from",
                );
            } else if later.1.valid_from < earlier.valid_from {
                file.fault(
                    later.0,
                    format!(
                        "this version, valid from {}, overlaps the one of line {}, valid from {}",
                        later.1.valid_from,
                        file.line(pair[0].0),
                        earlier.valid_from
                    ),
                    "put the versions in the order of their valid_from",
                );
            }
        }
        if read.is_empty() {
            return None;
        }
        Some(Contract {
            versions: read.into_iter().map(|(_, version)| version).collect(),
            written: Mutex::default(),
        })
    }
}

fn read_version(section: &Section<'_>) -> Option<Version> {
    let file = section.file;
    let valid_from = section.date("valid_from");
    if valid_from.is_none() {
        file.fault(
            section.at,
            "the version has no valid_from",
            "add valid_from = 2022-06-14",
        );
    }
    let zone = section
        .needed("zone", "\"Europe/Zurich\"")
        .and_then(|text| read_zone(file, &text));
    // With a wrong zone the rest is still looked at.
    let zone_or_default = zone.unwrap_or(Tz::Europe__Zurich);
    let holidays = match section.section("holidays") {
        Some(holidays) => read_holidays(&holidays),
        None => Holidays::st_gallen(),
    };
    let mut version = Version {
        valid_from: valid_from.as_ref().map(|d| d.value).unwrap_or_default(),
        zone: zone_or_default,
        holidays: Arc::new(holidays),
        hours: Vec::new(),
        plans: Vec::new(),
        ..Version::bare()
    };
    version.begins = begins(zone_or_default, version.valid_from);
    match section.section("hours") {
        Some(hours) => read_hours(&hours, &mut version),
        None => file.fault(
            section.at,
            "the version has no support hours",
            "add [version.hours] with business = \"Mo-Fr 08:00-17:00; PH off\"",
        ),
    }
    for plan in section.sections("plan") {
        if let Some(read) = read_plan(&plan, &version) {
            if let Some(twin) = version.plan(&read.id) {
                file.fault(
                    plan.at,
                    format!("plan \"{}\" stands twice in this version", twin.id),
                    "give each plan an id of its own",
                );
            } else {
                version.plans.push(read);
            }
        }
    }
    if version.plan("default").is_none() {
        file.fault(
            section.at,
            "the version has no plan \"default\", which unknown senders are on (C3.4)",
            "add [[version.plan]] with id = \"default\"",
        );
    }
    if let Some(escalation) = section.section("escalation") {
        read_escalation(&escalation, &mut version);
    }
    if let Some(credit) = section.section("credit") {
        version.credit = read_credit(&credit);
    }
    if let Some(warnings) = section.section("warnings") {
        version.warnings = read_warnings(&warnings, &version);
    }
    section.no_other_keys();
    (valid_from.is_some() && zone.is_some()).then_some(version)
}

/// The first instant of a local day.
pub(super) fn begins(zone: Tz, date: NaiveDate) -> DateTime<Utc> {
    let secs = hours::resolve_local(zone, NaiveDateTime::from(date), Edge::Opening);
    DateTime::from_timestamp(secs, 0).unwrap_or_default()
}

pub(super) fn read_zone(file: &File<'_>, text: &At<String>) -> Option<Tz> {
    let zone = text.value.parse().ok();
    if zone.is_none() {
        file.fault(
            text.at,
            format!("zone \"{}\" is unknown", text.value),
            "use a name of the IANA time zone database, such as \"Europe/Zurich\"",
        );
    }
    zone
}

fn read_holidays(section: &Section<'_>) -> Holidays {
    let mut holidays = Holidays::default();
    for day in section.sections("every_year") {
        let on = day.needed("on", "\"easter+39\" or \"08-01\"");
        let name = day.needed("name", "\"Ascension Day\"");
        day.no_other_keys();
        let (Some(on), Some(name)) = (on, name) else {
            continue;
        };
        match Yearly::parse(&on.value) {
            Some(yearly) => holidays.yearly.push((yearly, name.value)),
            None => section.file.fault(
                on.at,
                format!("\"{}\" is no day of every year", on.value),
                "write MM-DD such as \"08-01\", or days from Easter such as \"easter+39\"",
            ),
        }
    }
    for day in section.sections("added") {
        let on = day.date("on");
        let name = day.needed("name", "\"Bridge day\"");
        day.no_other_keys();
        match (on, name) {
            (Some(on), Some(name)) => {
                holidays.added.insert(on.value, name.value);
            }
            (None, _) => section.file.fault(
                day.at,
                "the added holiday has no date",
                "add on = 2027-05-07",
            ),
            _ => {}
        }
    }
    holidays.removed = section.dates("removed").into_iter().collect();
    section.no_other_keys();
    holidays
}

fn read_hours(section: &Section<'_>, version: &mut Version) {
    for (name, text) in section.named_texts() {
        let file = section.file;
        if name.value.contains([' ', ':', '/', ';']) {
            file.fault(
                name.at,
                format!("\"{}\" is no name for hours", name.value),
                "use letters, digits and hyphens",
            );
        }
        let hours = match Hours::parse(&text.value, version.zone, version.holidays.clone()) {
            Ok(hours) if poorest_secs(&hours, version) == 0 => {
                file.fault(
                    text.at,
                    format!("hours \"{}\" never open in some year", text.value),
                    "write hours that open, such as Mo-Fr 08:00-17:00; PH off",
                );
                Hours::always(version.zone)
            }
            Ok(hours) => hours,
            Err(fault) => {
                file.fault(text.at, fault.problem, fault.remedy);
                Hours::always(version.zone)
            }
        };
        // Wrong ones keep their name, or the plans that go by it would be blamed too.
        version.hours.push((name.value, Arc::new(hours)));
    }
    if version.hours.is_empty() {
        section.file.fault(
            section.at,
            "no support hours can be used",
            "add business = \"Mo-Fr 08:00-17:00; PH off\"",
        );
    }
}

/// Open seconds of the poorest of the ten years from the version's date: whether an objective can be met within a year.
fn poorest_secs(hours: &Hours, version: &Version) -> u64 {
    let first = version
        .valid_from
        .year()
        .clamp(hours::FIRST_YEAR, hours::LAST_YEAR - 10);
    hours.poorest_year_secs(first..=first + 9)
}

/// The hours of a plan or an order: a name of the version, or opening hours that open. Faults are noted.
pub(super) fn checked_hours(
    file: &File<'_>,
    text: &At<String>,
    zone: Option<Tz>,
    version: &Version,
) -> Option<Arc<Hours>> {
    if let (Some(named), None) = (version.named_hours(&text.value), zone) {
        return Some(named.clone());
    }
    let body = version
        .named_hours(&text.value)
        .map_or(text.value.as_str(), |named| named.text());
    let parsed = Hours::parse(body, zone.unwrap_or(version.zone), version.holidays.clone());
    match parsed {
        Ok(hours) if poorest_secs(&hours, version) == 0 => {
            file.fault(
                text.at,
                format!("hours \"{}\" never open in some year", text.value),
                "write hours that open, such as Mo-Fr 08:00-17:00; PH off",
            );
            None
        }
        Ok(hours) => Some(Arc::new(hours)),
        Err(fault) => {
            let names: Vec<&str> = version
                .hours
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            let remedy = format!("use {}, or {}", names.join(", "), fault.remedy);
            file.fault(text.at, fault.problem, remedy);
            None
        }
    }
}

/// `objectives = { 1 = "1 h", … }`; a severity that is not there is None.
pub(super) fn read_objectives(
    section: &Section<'_>,
    key: &'static str,
) -> [Option<At<Promise>>; 4] {
    let mut objectives = [None, None, None, None];
    let Some(table) = section.section(key) else {
        return objectives;
    };
    for (name, text) in table.named_texts() {
        let Some(index) = severity_index(section.file, &name) else {
            continue;
        };
        let promise = match text.value.trim() {
            "best effort" => Some(Promise::BestEffort),
            "per order" => Some(Promise::PerOrder),
            time => reading::minutes(time)
                .filter(|minutes| *minutes > 0)
                .map(Promise::Within),
        };
        match promise {
            Some(value) => objectives[index] = Some(At { value, at: text.at }),
            None => {
                section.file.fault(
                    text.at,
                    format!("\"{}\" is no objective", text.value),
                    "write a time such as \"30 min\", \"2 h\" or \"1 h 30 min\", or \"best effort\", or \"per order\"",
                );
                if key == "objectives" {
                    // It is there, and wrong: nobody need look for it.
                    let value = Promise::BestEffort;
                    objectives[index] = Some(At { value, at: text.at });
                }
            }
        }
    }
    objectives
}

/// `hours_by_severity = { 1 = "24x7" }`.
pub(super) fn read_hours_by_severity(section: &Section<'_>) -> BTreeMap<u8, At<String>> {
    let Some(table) = section.section("hours_by_severity") else {
        return BTreeMap::new();
    };
    table
        .named_texts()
        .into_iter()
        .filter_map(|(name, text)| Some((severity_index(section.file, &name)? as u8 + 1, text)))
        .collect()
}

fn severity_index(file: &File<'_>, name: &At<String>) -> Option<usize> {
    let index = ["1", "2", "3", "4"].iter().position(|s| *s == name.value);
    if index.is_none() {
        file.fault(
            name.at,
            format!("severity \"{}\" is unknown", name.value),
            "use 1, 2, 3 or 4",
        );
    }
    index
}

/// Notes an objective that its hours cannot meet within a year.
pub(super) fn check_reachable(
    file: &File<'_>,
    promise: &At<Promise>,
    hours: &Hours,
    version: &Version,
) {
    let Promise::Within(minutes) = promise.value else {
        return;
    };
    let open_secs = poorest_secs(hours, version);
    if u64::from(minutes) * 60 > open_secs {
        file.fault(
            promise.at,
            format!(
                "an objective of {} cannot be met within a year: \"{}\" are open {} h in the poorest one",
                promise.value,
                hours.text(),
                open_secs / 3_600
            ),
            "shorten the objective or widen the hours",
        );
    }
}

/// Notes a time that some plan's hours cannot meet within a year: of a severity, or of none.
fn check_every_plan(
    file: &File<'_>,
    promise: &At<Promise>,
    severity: Option<u8>,
    version: &Version,
) {
    let hours_of = |plan: &Plan| {
        let own = severity.and_then(|severity| plan.hours_by_severity.get(&severity));
        own.unwrap_or(&plan.hours).clone()
    };
    let texts: BTreeSet<String> = version.plans.iter().map(hours_of).collect();
    for value in texts {
        let text = At {
            value,
            at: promise.at,
        };
        if let Some(hours) = checked_hours(file, &text, None, version) {
            check_reachable(file, promise, &hours, version);
        }
    }
}

pub(super) fn read_channels(section: &Section<'_>) -> Vec<Channel> {
    let mut channels = Vec::new();
    for text in section.texts("channels") {
        match text.value.as_str() {
            "mail" => channels.push(Channel::Mail),
            "phone" => channels.push(Channel::Phone),
            "chat" => channels.push(Channel::Chat),
            other => section.file.fault(
                text.at,
                format!("channel \"{other}\" is unknown"),
                "use \"mail\", \"phone\" or \"chat\"",
            ),
        }
    }
    channels
}

fn read_plan(section: &Section<'_>, version: &Version) -> Option<Plan> {
    let file = section.file;
    let id = section.needed("id", "\"extended-sla\"")?;
    let name = section
        .text("name")
        .map_or_else(|| id.value.clone(), |name| name.value);
    let hours_text = section.needed("hours", "\"business\"");
    let hours = hours_text
        .as_ref()
        .and_then(|text| checked_hours(file, text, None, version));
    let by_severity = read_hours_by_severity(section);
    let objectives = read_objectives(section, "objectives");
    let targets = read_objectives(section, "internal_targets");
    let mut promises = [Promise::BestEffort; 4];
    let mut internal_targets = DEFAULT_TARGETS;
    for (index, objective) in objectives.iter().enumerate() {
        let severity = index as u8 + 1;
        let own_hours = by_severity
            .get(&severity)
            .and_then(|text| checked_hours(file, text, None, version));
        let counted_in = own_hours.as_ref().or(hours.as_ref());
        match objective {
            Some(promise) => {
                promises[index] = promise.value;
                if let Some(hours) = counted_in {
                    check_reachable(file, promise, hours, version);
                }
            }
            None => file.fault(
                section.at,
                format!("plan \"{}\" has no objective for severity {severity}", id.value),
                "add it to objectives, such as objectives = { 1 = \"1 h\", 2 = \"2 h\", 3 = \"12 h\", 4 = \"best effort\" }",
            ),
        }
        match &targets[index] {
            Some(At {
                value: Promise::Within(minutes),
                ..
            }) => internal_targets[index] = *minutes,
            Some(other) => file.fault(
                other.at,
                format!("an internal target cannot be \"{}\"", other.value),
                "write a time such as \"2 h\"",
            ),
            None => {}
        }
        if let (Some(target), Some(hours)) = (&targets[index], counted_in) {
            check_reachable(file, target, hours, version);
        }
    }
    let mut channels = read_channels(section);
    if channels.is_empty() {
        channels.push(Channel::Mail);
    }
    section.no_other_keys();
    hours?;
    Some(Plan {
        id: id.value,
        name,
        hours: hours_text?.value,
        hours_by_severity: by_severity
            .into_iter()
            .map(|(severity, text)| (severity, text.value))
            .collect(),
        objectives: promises,
        internal_targets,
        channels,
    })
}

fn read_escalation(section: &Section<'_>, version: &mut Version) {
    let time = |key: &'static str, default: u32| match section.text(key) {
        None => default,
        Some(text) => reading::minutes(&text.value)
            .filter(|minutes| *minutes > 0)
            .unwrap_or_else(|| {
                section.file.fault(
                    text.at,
                    format!("{key} is \"{}\"", text.value),
                    "write a time such as \"2 h\"",
                );
                default
            }),
    };
    let mut escalation = Escalation {
        normal_minutes: time("normal", version.escalation.normal_minutes),
        urgent_minutes: time("urgent", version.escalation.urgent_minutes),
        normal_hours: version.escalation.normal_hours.clone(),
    };
    let text = section.text("normal_hours").unwrap_or(At {
        value: escalation.normal_hours.clone(),
        at: section.at,
    });
    if let Some(hours) = checked_hours(section.file, &text, None, version) {
        let promise = At {
            value: Promise::Within(escalation.normal_minutes),
            at: text.at,
        };
        check_reachable(section.file, &promise, &hours, version);
        escalation.normal_hours = text.value;
    }
    let urgent = At {
        value: Promise::Within(escalation.urgent_minutes),
        at: section.text("urgent").map_or(section.at, |text| text.at),
    };
    check_every_plan(section.file, &urgent, None, version);
    section.no_other_keys();
    version.escalation = escalation;
}

fn read_credit(section: &Section<'_>) -> Credit {
    let wall_clock = section.text("measured_in").is_some_and(|text| {
        if !["support hours", "wall clock"].contains(&text.value.as_str()) {
            section.file.fault(
                text.at,
                format!("measured_in is \"{}\"", text.value),
                "write \"support hours\" or \"wall clock\"",
            );
        }
        text.value == "wall clock"
    });
    let credit = Credit {
        quarter_min: section.number("quarter_min", 1..10_081, 15),
        days: section.number("days", 0..366, 1),
        wall_clock,
    };
    section.no_other_keys();
    credit
}

fn read_warnings(section: &Section<'_>, version: &Version) -> Warnings {
    let default = Warnings::default();
    let percent = section.numbers("percent", 1..100);
    let warnings = Warnings {
        percent: match &percent {
            Some(numbers) => {
                for pair in numbers.windows(2) {
                    if pair[1].value <= pair[0].value {
                        section.file.fault(
                            pair[1].at,
                            format!("percent {} follows {}", pair[1].value, pair[0].value),
                            "write rising numbers, such as [50, 75, 90]",
                        );
                    }
                }
                numbers.iter().map(|n| n.value as u8).collect()
            }
            None => default.percent,
        },
        hourly_repeats: section.number("hourly_repeats", 0..1_000, default.hourly_repeats),
        lead_time_min: section.number("lead_time_min", 0..481, default.lead_time_min),
        storm_count: section.number("storm_count", 1..100_000, default.storm_count),
        storm_window_min: section.number("storm_window_min", 1..1_441, default.storm_window_min),
        update_every_min: read_updates(section, version, default.update_every_min),
    };
    section.no_other_keys();
    warnings
}

/// `update_every = { 1 = "1 h", 2 = "4 h" }`: severities that are left out have none.
fn read_updates(section: &Section<'_>, version: &Version, default: [u32; 4]) -> [u32; 4] {
    let Some(updates) = section.section("update_every") else {
        return default;
    };
    let mut minutes = [0; 4];
    for (severity, text) in updates.named_texts() {
        let index = severity.value.parse::<usize>().ok();
        let place = index.and_then(|n| minutes.get_mut(n.checked_sub(1)?));
        match (place, reading::minutes(&text.value)) {
            (Some(place), Some(read @ 5..)) => {
                *place = read;
                let every = At {
                    value: Promise::Within(read),
                    at: text.at,
                };
                check_every_plan(section.file, &every, index.map(|n| n as u8), version);
            }
            (None, _) => section.file.fault(
                severity.at,
                format!("severity \"{}\" is unknown", severity.value),
                "use 1, 2, 3 or 4",
            ),
            (Some(_), _) => section.file.fault(
                text.at,
                format!("\"{}\" is no time of 5 minutes or more", text.value),
                "write \"1 h\" or \"30 min\"",
            ),
        }
    }
    minutes
}

/// Reads a contract alone: for `contract show` and what-if reports.
pub fn parse(source: &Source) -> Result<Contract, Vec<Diagnostic>> {
    let file = File::new(source);
    let contract = Contract::read(&file);
    let faults = file.faults();
    match contract {
        Some(contract) if faults.is_empty() => Ok(contract),
        _ => Err(faults),
    }
}
