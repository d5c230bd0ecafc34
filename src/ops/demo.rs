//! `ticketd demo`.

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// No waiting: ends by itself in seconds.
    #[arg(long)]
    fast: bool,
    /// The list of checks as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs it; the exit code.
pub fn run(arguments: &Arguments) -> u8 {
    let _ = (arguments.fast, arguments.json);
    super::exit::SOFTWARE
}
