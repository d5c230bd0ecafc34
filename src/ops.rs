//! What operators and staff use: the command line.

pub mod check;
pub mod cli;
pub mod contract;
pub mod control;
pub mod credits;
mod csv;
pub mod deadline;
pub mod demo;
pub mod inspect;
pub mod keys;
pub mod log;
pub mod outbox;
pub mod progress;
pub mod reach;
pub mod receive;
pub mod report;
pub mod request;
pub mod review;
pub mod rules;
pub mod status;
pub mod table;
pub mod tickets;
pub mod verbs;

use crate::diagnostic::Diagnostic;
use crate::store::{Broken, Locked};

/// Exit codes of sysexits(3).
pub mod exit {
    /// All is well.
    pub const OK: u8 = 0;
    /// The command line is wrong.
    pub const USAGE: u8 = 64;
    /// The input is wrong.
    pub const DATA: u8 = 65;
    /// Something needed is not there.
    pub const UNAVAILABLE: u8 = 69;
    /// A fault of ticketd itself.
    pub const SOFTWARE: u8 = 70;
    /// The index could not take what was accepted, or the disk failed: the next start mends it.
    pub const IOERR: u8 = 74;
    /// Try again later.
    pub const TEMPFAIL: u8 = 75;
    /// Somebody else's.
    pub const NOPERM: u8 = 77;
    /// The configuration is wrong.
    pub const CONFIG: u8 = 78;
}

/// An error that knows its exit code. Without one it is [`exit::UNAVAILABLE`].
#[derive(Debug)]
pub struct Fault {
    /// One of [`exit`].
    pub code: u8,
    /// What, where, and what to do next; a line each.
    pub words: String,
}

impl Fault {
    /// As an error.
    pub fn error(code: u8, words: impl Into<String>) -> anyhow::Error {
        let words = words.into();
        Fault { code, words }.into()
    }

    /// What is wrong in the operator's files, as an error.
    pub fn config(found: Vec<Diagnostic>) -> anyhow::Error {
        Fault::of(found).into()
    }

    /// What is wrong in the operator's files.
    pub fn of(found: Vec<Diagnostic>) -> Fault {
        let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        Fault {
            code: exit::CONFIG,
            words: lines.join("\n"),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Fault {}

/// Says what went wrong; the exit code.
pub fn failed(e: &anyhow::Error) -> u8 {
    for line in format!("{e:#}").lines() {
        eprintln!("ticketd: {line}");
    }
    code_of(e)
}

/// The exit code of an error.
pub fn code_of(e: &anyhow::Error) -> u8 {
    if let Some(fault) = e.downcast_ref::<Fault>() {
        fault.code
    } else if e.is::<Diagnostic>() {
        exit::CONFIG
    } else if e.is::<Locked>() {
        exit::TEMPFAIL
    } else if e.is::<Broken>() {
        exit::IOERR
    } else {
        exit::UNAVAILABLE
    }
}
