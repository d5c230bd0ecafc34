//! `ticketd deadline`.

use super::cli::Cli;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs it; the exit code.
pub fn run(cli: &Cli, arguments: &Arguments) -> u8 {
    let _ = (cli, arguments);
    super::exit::SOFTWARE
}
