//! A house of its own for each test: a folder with a configuration, and the binary that is told to use it.

use serde_json::Value;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The source tree.
pub const TREE: &str = env!("CARGO_MANIFEST_DIR");

/// What a daemon or a long command may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The configuration of a test, mailboxes and way out being Maildirs of the folder.
pub const CONFIG: &str = r#"
state = "state"
rules = "RULES"
domain = "desk.example"
control = "state/control"

[[queue]]
name = "support"
address = "support@desk.example"

[[queue]]
name = "security"
address = "security@desk.example"
confidential = true

[[mailbox]]
name = "support"
queue = "support"
maildir = "in"

[outgoing]
maildir = "out"
"#;

/// A folder with a configuration.
pub struct House {
    folder: tempfile::TempDir,
}

/// What a command said.
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error.
    pub err: String,
}

impl Said {
    /// Standard output as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.out).expect("text")
    }

    /// Standard output as one JSON object a line.
    #[track_caller]
    pub fn objects(&self) -> Vec<Value> {
        let parsed = self.text().lines().map(|line| {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            assert!(value.is_object(), "{line}");
            value
        });
        parsed.collect()
    }

    /// Fails unless the exit code is this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Said {
        assert_eq!(
            self.code,
            code,
            "{}\n{}",
            String::from_utf8_lossy(&self.out),
            self.err
        );
        self
    }
}

impl House {
    /// With the usual configuration.
    pub fn new() -> House {
        House::with(CONFIG)
    }

    /// With this configuration; RULES in it stands for the source tree's rules.
    pub fn with(config: &str) -> House {
        let folder = tempfile::tempdir().expect("a folder");
        for part in ["in/new", "in/cur", "in/tmp"] {
            std::fs::create_dir_all(folder.path().join(part)).expect("a Maildir");
        }
        let house = House { folder };
        house.write(
            "ticketd.toml",
            config.replace("RULES", &format!("{TREE}/rules")),
        );
        house
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// Delivers a mail into the watched Maildir, as an MTA does.
    pub fn deliver(&self, name: &str, mail: &str) {
        let fresh = self.write(&format!("in/tmp/{name}"), mail);
        std::fs::rename(fresh, self.path("in/new").join(name)).expect("delivered");
    }

    /// The binary, told to use this house.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ticketd"));
        command.arg("--config").arg(self.path("ticketd.toml"));
        command.args(arguments).current_dir(self.folder.path());
        command
            .env_remove("NOTIFY_SOCKET")
            .env_remove("CREDENTIALS_DIRECTORY");
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Said {
        finished(self.command(arguments), b"")
    }

    /// The same, with something on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> Said {
        finished(self.command(arguments), input)
    }

    /// Starts the daemon and waits until it answers.
    pub fn daemon(&self) -> Daemon {
        self.daemon_as(self.command(&["run"]))
    }

    /// The same, with a command that was prepared.
    pub fn daemon_as(&self, mut command: Command) -> Daemon {
        let log = self.path("log");
        let file = std::fs::File::create(&log).expect("a log");
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("ticketd starts");
        let daemon = Daemon { child, log };
        until("the daemon answers", || {
            ["state/control", "control"]
                .iter()
                .any(|c| self.path(c).exists())
                && self.run(&["list"]).code == 0
        });
        daemon
    }
}

/// A running daemon; ended with the test.
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// What it has said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Ends it as systemd does; how it ended.
    pub fn end(mut self) -> ExitStatus {
        self.signal("TERM");
        let ended = self.child.wait().expect("it ends");
        if !ended.success() {
            eprintln!("{ended}; the log:\n{}", self.log());
        }
        ended
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process of this test.
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status();
    assert!(sent.expect("kill").success());
}

/// Waits for something that another process does.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a prepared command to its end.
pub fn finished(mut command: Command, input: &[u8]) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ticketd starts");
    // A command that ends without reading its input is not this helper's business.
    let _ = child.stdin.take().expect("stdin").write_all(input);
    let mut errors = child.stderr.take().expect("stderr");
    let err = std::thread::spawn(move || {
        let mut text = String::new();
        errors.read_to_string(&mut text).map(|_| text)
    });
    let mut out = vec![];
    child
        .stdout
        .take()
        .expect("stdout")
        .read_to_end(&mut out)
        .expect("output");
    Said {
        code: child.wait().expect("it ends").code().unwrap_or(-1),
        out,
        err: err.join().expect("a reader").expect("errors are text"),
    }
}

/// A customer's mail.
pub fn mail(number: usize) -> String {
    format!(
        "From: Mia Muster <mia@acme.example>\r\nTo: support@desk.example\r\nSubject: Question {number}\r\nMessage-ID: <m{number}@acme.example>\r\nDate: Mon, 23 Nov 2026 09:00:00 +0100\r\n\r\nHow does number {number} work?\r\n"
    )
}

/// Mails into a Maildir that nobody watches.
pub fn maildir(house: &House, name: &str, count: usize) -> PathBuf {
    for part in ["new", "cur", "tmp"] {
        std::fs::create_dir_all(house.path(name).join(part)).expect("a Maildir");
    }
    for number in 1..=count {
        house.write(&format!("{name}/new/{number:06}"), mail(number));
    }
    house.path(name)
}

/// Whether a string is an instant as CLI.md writes it.
pub fn is_utc(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() == 20
            && text.ends_with('Z')
            && chrono::DateTime::parse_from_rfc3339(text).is_ok()
    })
}

/// The words of a path.
pub fn words(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}
