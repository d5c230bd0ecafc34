//! What operators and staff use: the command line.

pub mod check;
pub mod cli;
pub mod contract;
pub mod control;
pub mod deadline;
pub mod demo;
pub mod inspect;
pub mod log;
pub mod outbox;
pub mod reach;
pub mod receive;
pub mod request;
pub mod rules;
pub mod status;
pub mod table;
pub mod tickets;

/// Exit codes of sysexits(3), as CLI.md fixes them.
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
    /// Try again later.
    pub const TEMPFAIL: u8 = 75;
    /// The configuration is wrong.
    pub const CONFIG: u8 = 78;
}

/// Says what went wrong; the exit code.
pub fn failed(e: &anyhow::Error) -> u8 {
    for line in format!("{e:#}").lines() {
        eprintln!("ticketd: {line}");
    }
    if e.is::<reach::Misconfigured>() {
        exit::CONFIG
    } else {
        exit::UNAVAILABLE
    }
}
