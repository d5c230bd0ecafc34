//! The command line: one definition for help, man pages and completions.

use super::{contract, deadline, exit, inspect, rules};
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Keeps a support contract by mail.
#[derive(Debug, Parser)]
#[command(name = "ticketd", version)]
pub struct Cli {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "/etc/ticketd/ticketd.toml"
    )]
    pub config: PathBuf,
    /// The state directory, instead of the configured one.
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What ticketd can be told to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What ticketd sees in a mail, without a store.
    Inspect(inspect::Arguments),
    /// When an objective expires, and how that was computed.
    Deadline(deadline::Arguments),
    /// The contract as tables.
    Contract(contract::Arguments),
    /// Rules against mails.
    Rules(rules::Arguments),
}

/// Runs the command; the process's exit code.
pub fn run() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return if e.use_stderr() {
                exit::USAGE
            } else {
                exit::OK
            };
        }
    };
    match &cli.command {
        Command::Inspect(arguments) => inspect::run(&cli, arguments),
        Command::Deadline(arguments) => deadline::run(&cli, arguments),
        Command::Contract(arguments) => contract::run(&cli, arguments),
        Command::Rules(arguments) => rules::run(&cli, arguments),
    }
}
