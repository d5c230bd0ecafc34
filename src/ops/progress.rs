//! How far long work is, for whoever watches: one line on a terminal's standard error, and nothing anywhere else.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Often enough to be seen moving.
const EVERY: Duration = Duration::from_millis(200);

/// A count that grows.
pub struct Progress<W: Write = std::io::Stderr> {
    of: &'static str,
    /// None where nobody watches.
    out: Option<W>,
    shown: Option<Instant>,
    every: Duration,
}

impl Progress {
    /// A count of these, on standard error.
    pub fn of(of: &'static str) -> Self {
        let errors = std::io::stderr();
        Progress {
            of,
            out: errors.is_terminal().then_some(errors),
            shown: None,
            every: EVERY,
        }
    }
}

impl<W: Write> Progress<W> {
    /// So many now.
    pub fn at(&mut self, count: u64) {
        let is_soon = self.shown.is_some_and(|at| at.elapsed() < self.every);
        if let (Some(out), false) = (&mut self.out, is_soon) {
            let _ = write!(out, "\r{count} {}", self.of);
            let _ = out.flush();
            self.shown = Some(Instant::now());
        }
    }
}

impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        if let (Some(out), Some(_)) = (&mut self.out, self.shown) {
            // The line is given back to what is said next: carriage return, erase to its end.
            let _ = write!(out, "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(watched: bool, every: Duration, expect: &str) {
        let mut seen = vec![];
        let mut progress = Progress {
            of: "mails",
            out: watched.then_some(&mut seen),
            shown: None,
            every,
        };
        progress.at(100);
        progress.at(200);
        drop(progress);
        assert_eq!(String::from_utf8(seen).unwrap(), expect);
    }

    #[test]
    fn the_line_is_written_over_and_taken_away() {
        check(true, Duration::ZERO, "\r100 mails\r200 mails\r\x1b[K");
    }

    #[test]
    fn it_is_not_written_more_often_than_anybody_reads() {
        check(true, Duration::from_secs(3600), "\r100 mails\r\x1b[K");
    }

    #[test]
    fn without_a_terminal_nothing_is_written() {
        check(false, Duration::ZERO, "");
    }
}
