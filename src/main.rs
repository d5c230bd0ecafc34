//! Arguments to a command or the daemon; the exit code.

fn main() -> std::process::ExitCode {
    ticketd::ops::cli::run().into()
}
