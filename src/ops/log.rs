//! The log: lines on standard error, which systemd puts into the journal.

use std::io::IsTerminal;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

/// Begins logging. async-imap stays at `info` whatever is asked: at `trace` it prints passwords (ATTACKS.md G03).
pub fn begin(level: &str) {
    let level: LevelFilter = level.parse().unwrap_or(LevelFilter::INFO);
    let filter = [
        "async_imap=info",
        "imap_proto=info",
        "rustls=warn",
        "lettre=warn",
        "sled=warn",
    ]
    .iter()
    .filter_map(|d| d.parse().ok())
    .fold(
        EnvFilter::default().add_directive(level.into()),
        EnvFilter::add_directive,
    );
    let colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    // journald adds the time itself.
    let under_systemd = std::env::var_os("JOURNAL_STREAM").is_some();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_target(false);
    if under_systemd {
        lines.without_time().init()
    } else {
        lines.init()
    }
}
