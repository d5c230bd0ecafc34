//! The real ticketd, as an operator has it: a folder with a configuration, rules and password files; a process to start, end and kill; its commands.
//!
//! Knows the command line and nothing of the library. Promises: every wait has a deadline and says what it waited for; a process that was started is ended.

#![allow(dead_code)]

use crate::post_office::{PASSWORD, PostOffice};
use data_encoding::BASE64;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Long enough for a busy machine; nothing waits this long when all is well.
const DEADLINE: Duration = Duration::from_secs(60);

/// What differs between the tests' configurations.
#[derive(Clone)]
pub struct Settings {
    pub mail_bytes_max: u64,
    pub hold_letters: bool,
    pub imap_password: String,
    pub ca_file: PathBuf,
}

impl Settings {
    pub fn of(office: &PostOffice) -> Settings {
        Settings {
            mail_bytes_max: 1_000_000,
            hold_letters: false,
            imap_password: PASSWORD.into(),
            ca_file: office.ca_file(),
        }
    }
}

/// One installation.
pub struct Ticketd {
    folder: tempfile::TempDir,
    child: Option<Child>,
    /// How often it had said that it is ready before it was started.
    ready_before: usize,
}

/// What a command printed, and how it ended.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Lines of JSON.
    pub fn lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }
}

impl Ticketd {
    /// Why time cannot be made to pass here, if so: for tests that skip themselves out loud.
    pub fn keeps_real_time() -> Option<&'static str> {
        cfg!(not(debug_assertions))
            .then_some("a release build has no clock offset: use --profile ci")
    }

    /// Configured for the post office, and started.
    pub fn running(office: &PostOffice) -> Ticketd {
        let mut ticketd = Ticketd::configured(office, &Settings::of(office));
        ticketd.start();
        ticketd
    }

    /// Configured, not started.
    pub fn configured(office: &PostOffice, settings: &Settings) -> Ticketd {
        let folder = tempfile::Builder::new()
            .prefix("ticketd-")
            .tempdir()
            .unwrap();
        let ticketd = Ticketd {
            folder,
            child: None,
            ready_before: 0,
        };
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        copy(&shipped, &ticketd.path("rules"));
        fs::write(ticketd.path("rules/customers.toml"), CUSTOMERS).unwrap();
        fs::write(ticketd.path("rules/staff.toml"), STAFF).unwrap();
        ticketd.configure(office, settings);
        ticketd
    }

    /// Another configuration, for the next start.
    pub fn configure(&self, office: &PostOffice, settings: &Settings) {
        self.write_secret("imap-password", &settings.imap_password);
        self.write_secret("smtp-password", PASSWORD);
        let text = CONFIGURATION
            .replace("@IMAPS@", &office.imaps_port.to_string())
            .replace("@SUBMISSIONS@", &office.submissions_port.to_string())
            .replace("@CA@", &settings.ca_file.display().to_string())
            .replace("@HOLD@", &settings.hold_letters.to_string())
            .replace("@BYTES@", &settings.mail_bytes_max.to_string());
        fs::write(self.path("ticketd.toml"), text).unwrap();
    }

    fn write_secret(&self, name: &str, secret: &str) {
        let path = self.path(name);
        fs::write(&path, format!("{secret}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Starts it and waits until it says that it is ready.
    pub fn start(&mut self) {
        self.begin();
        self.until("ready", Ticketd::is_ready);
    }

    /// Whether the one that runs has said so. A command asked before might open the store itself, and shut the daemon out.
    pub fn is_ready(&self) -> bool {
        self.said_ready() > self.ready_before
    }

    fn said_ready(&self) -> usize {
        self.log().matches("ready mailboxes=").count()
    }

    /// Starts it and waits for nothing.
    pub fn begin(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        self.ready_before = self.said_ready();
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .unwrap();
        let child = self
            .command(&["run"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// SIGTERM; how it ended, and how long that took.
    pub fn end(&mut self) -> (ExitStatus, Duration) {
        let mut child = self.child.take().expect("it runs");
        let began = Instant::now();
        let told = Command::new("kill")
            .arg(child.id().to_string())
            .status()
            .unwrap();
        assert!(told.success());
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return (status, began.elapsed());
            }
            if began.elapsed() > DEADLINE {
                let _ = child.kill();
                panic!("SIGTERM does not end it\n{}", self.last_words());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// SIGTERM, and it must end well.
    pub fn end_well(&mut self) {
        let (status, took) = self.end();
        assert!(
            status.success(),
            "it ended with {status}\n{}",
            self.last_words()
        );
        assert!(took < Duration::from_secs(25), "it took {took:?} to end");
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// A command, as on the command line.
    pub fn ask(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output().unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// A command that must end with 0.
    pub fn ask_well(&self, arguments: &[&str]) -> Said {
        let said = self.ask(arguments);
        assert_eq!(
            said.code, 0,
            "ticketd {arguments:?}: {} {}",
            said.out, said.err
        );
        said
    }

    /// All tickets that `list` shows for these arguments.
    pub fn list(&self, arguments: &[&str]) -> Vec<Value> {
        let all = [&["list", "--json"], arguments].concat();
        self.ask_well(&all).lines()
    }

    /// One ticket with its record.
    pub fn show(&self, ticket: u64) -> Value {
        let said = self.ask_well(&["show", "--json", &ticket.to_string()]);
        serde_json::from_str(&said.out).unwrap()
    }

    /// The status: exit code and its words.
    pub fn status(&self) -> (i32, String) {
        let said = self.ask(&["status"]);
        (said.code, said.out)
    }

    /// Its clock, so many seconds ahead from here on.
    pub fn offset(&self, secs: i64) {
        self.ask_well(&["offset", &secs.to_string()]);
    }

    /// The audit finds nothing.
    pub fn audit(&self) {
        self.ask_well(&["audit"]);
    }

    /// Waits until something holds.
    pub fn until(&self, what: &str, holds: impl Fn(&Ticketd) -> bool) {
        self.until_some(what, |it| holds(it).then_some(()));
    }

    /// Waits until something is there.
    pub fn until_some<T>(&self, what: &str, found: impl Fn(&Ticketd) -> Option<T>) -> T {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(found) = found(self) {
                return found;
            }
            assert!(
                Instant::now() < until,
                "never happened: {what}\n{}",
                self.last_words()
            );
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Waits until every letter has left, and nothing is due.
    pub fn until_letters_left(&self) {
        self.until("an empty outbox", |it| {
            it.ask_well(&["outbox", "--json"])
                .lines()
                .iter()
                .all(|letter| !["waiting", "taken"].contains(&word(letter, "road")))
        });
    }

    /// All it has ever logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("log")).unwrap_or_default()).into_owned()
    }

    /// Nothing panicked, and no password, in no coding, stands in what it logged (`log = "trace"`).
    pub fn logged_no_secret_and_no_panic(&self) {
        let log = self.log();
        let users = ["support@desk.example", "security@desk.example"];
        let plain = users.map(|user| BASE64.encode(format!("\0{user}\0{PASSWORD}").as_bytes()));
        let escaped = PASSWORD.replace('\\', "\\\\").replace('"', "\\\"");
        let twice = format!("{PASSWORD:?}");
        let codings = [
            PASSWORD.to_string(),
            BASE64.encode(PASSWORD.as_bytes()),
            escaped,
            twice.trim_matches('"').to_string(),
            "correct horse".to_string(),
        ];
        for secret in codings.iter().chain(&plain) {
            let line = log.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(line, None, "a password is in the log");
        }
        let panicked = log.lines().find(|line| line.contains("panicked"));
        assert_eq!(panicked, None);
    }

    /// The end of the log, without what is only for debugging.
    pub fn last_words(&self) -> String {
        let log = self.log();
        let said = |line: &&str| !line.contains("TRACE") && !line.contains("DEBUG");
        let lines: Vec<&str> = log.lines().filter(said).rev().take(40).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ticketd"));
        command
            .arg("--config")
            .arg(self.path("ticketd.toml"))
            .args(arguments)
            // Whatever it leaves behind without a name lies in the folder too.
            .current_dir(self.folder.path())
            .env("TMPDIR", self.folder.path())
            .env("RUST_BACKTRACE", "0")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    /// A file of this installation.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Ticketd {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A string of a JSON object, empty where there is none.
pub fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

const CONFIGURATION: &str = r#"
state = "state"
rules = "rules"
control = "control"
domain = "desk.example"
authserv_id = "mx.desk.example"
mail_bytes_max = @BYTES@
hold_letters = @HOLD@
log = "trace"

[links]
vendor = "Example Desk AG"
status_page = "https://status.desk.example"
escalation_address = "hi@desk.example"
security_policy = "https://desk.example/security"

[[queue]]
name = "support"
address = "support@desk.example"
display_name = "Example Desk Support"
plus_addresses = true

[[queue]]
name = "security"
address = "security@desk.example"
display_name = "Example Desk Security"
confidential = true

[[mailbox]]
name = "support"
queue = "support"
imap = { host = "localhost", port = @IMAPS@, user = "support@desk.example", password = { file = "imap-password" }, ca_file = "@CA@" }

[[mailbox]]
name = "security"
queue = "security"
imap = { host = "localhost", port = @IMAPS@, user = "security@desk.example", password = { file = "imap-password" }, ca_file = "@CA@" }

[[mailbox]]
name = "escalation"
queue = "support"
imap = { host = "localhost", port = @IMAPS@, user = "hi@desk.example", password = { file = "imap-password" }, ca_file = "@CA@" }

[outgoing.smtp]
host = "localhost"
port = @SUBMISSIONS@
user = "support@desk.example"
password = { file = "smtp-password" }
ca_file = "@CA@"
"#;

/// Round the clock, so that the tests hold at any hour of any day.
const CUSTOMERS: &str = r#"
[[customer]]
id = "acme"
name = "ACME AG"
domains = ["acme.example"]

[[customer.subscription]]
plan = "extended-sla"
term = { from = 2020-01-01, until = 2099-12-31 }

[[customer]]
id = "helvetia"
name = "Helvetia GmbH"
domains = ["helvetia.example"]
tam = "beat"

[[customer.subscription]]
plan = "dedicated"
order = "2026-007"
hours = "24x7"
objectives = { 1 = "40 min", 2 = "1 h", 3 = "8 h", 4 = "24 h" }
channels = ["mail"]
term = { from = 2020-01-01, until = 2099-12-31 }
"#;

/// Anna answers support and is on duty; Beat leads, and is all there is of security.
const STAFF: &str = r#"
desk_hours = "24/7"

[[person]]
id = "anna"
name = "Anna Muster"
addresses = ["anna@desk.example"]
accounts = ["anna@desk.example"]
role = "staff"
queues = ["support"]

[[person]]
id = "beat"
name = "Beat Beispiel"
addresses = ["beat@desk.example"]
accounts = ["beat@desk.example"]
role = "manager"
queues = ["support", "security"]

[[duty]]
queue = "support"
when = "24/7"
who = ["anna"]
"#;
