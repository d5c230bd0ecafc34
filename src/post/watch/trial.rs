//! A suspect on trial: a mail that was being read when the process ended, twice, is read once more by a process of its own, which may end.
//!
//! From inside, a kill from outside looks as a deadly mail does. Whoever survives alone is innocent and taken as usual; what the trial costs is a process
//! for a mail in years.

use super::reading::read_one;
use crate::mail::parse::STACK_BYTES;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How the binary is told to be that process.
const COMMAND: &str = "read-alone";

/// The largest mails are read in a second; what takes a minute would hold its mailbox up for as long.
const TRIAL_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Ten times what the largest mails need.
const MEMORY_BYTES_MAX: u64 = 2 << 30;

/// What ended the process that read the mail, if it did not survive.
pub fn survives(program: &Path, raw: &[u8]) -> Result<(), String> {
    let mut child = Command::new(program)
        .arg(COMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("no process could be started to read it in: {e}"))?;
    // One that dies before it has read all closes the pipe.
    let _ = child.stdin.take().map(|mut pipe| pipe.write_all(raw));
    match ended(&mut child) {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(in_words(status)),
        Ok(None) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(format!("it took more than {} s", TRIAL_MAX.as_secs()))
        }
        Err(e) => Err(format!("its end was not heard: {e}")),
    }
}

fn ended(child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    while begun.elapsed() < TRIAL_MAX {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(None)
}

fn in_words(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("it was ended by signal {signal}"),
        None => format!("it ended with code {}", status.code().unwrap_or_default()),
    }
}

/// The process of its own: reads the mail on standard input, within limits. Whether it lived to tell; a panic is an answer, and told by whoever reads next.
pub fn read_alone() -> bool {
    limited();
    let mut raw = vec![];
    if std::io::stdin().read_to_end(&mut raw).is_err() {
        return false;
    }
    let reader = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || drop(read_one(&raw)));
    reader.is_ok_and(|reader| reader.join().is_ok())
}

/// As far as the service's own limits let it set any.
fn limited() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limits = [
        (Resource::As, MEMORY_BYTES_MAX),
        (Resource::Cpu, TRIAL_MAX.as_secs()),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        let _ = setrlimit(resource, limit);
    }
}
