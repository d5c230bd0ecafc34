//! People, roles and the rota: `rules/staff.toml`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What somebody of the staff may do and is told.
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
            .find(|p| p.addresses.iter().any(|a| a == address))
    }

    /// Everybody who works on a queue.
    pub fn of_queue<'a>(&'a self, queue: &'a str) -> impl Iterator<Item = &'a Person> {
        self.people
            .iter()
            .filter(move |p| p.role != Role::ReadOnly && p.queues.iter().any(|q| q == queue))
    }

    /// Who is on duty for a queue at an instant (C10.1); everybody of the queue where the rota names nobody.
    pub fn on_duty<'a>(&'a self, queue: &'a str, at: DateTime<Utc>) -> Vec<&'a Person> {
        let _ = at;
        self.of_queue(queue).collect()
    }

    /// The managers of a queue.
    pub fn managers<'a>(&'a self, queue: &'a str) -> impl Iterator<Item = &'a Person> {
        self.of_queue(queue).filter(|p| p.role == Role::Manager)
    }
}
