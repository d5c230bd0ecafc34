//! A closed post office on loopback: Postfix takes submissions and delivers to Maildirs, Dovecot serves them over IMAPS.
//!
//! Knows Debian's packages `postfix`, `dovecot-imapd`, `dovecot-lmtpd` and `dovecot-sieve` (and `openssl`), and how to run them from a folder of their own; needs root, because both
//! change users. Promises: no mail and no question leaves this machine; what was started is stopped, and nothing else.
//!
//! The MTA vouches for who submitted, as a real one does: on top, above its `Received`, stands
//! `Authentication-Results: mx.desk.example; auth=pass smtp.auth=anna@desk.example` for people of the desk, and
//! `…; dmarc=pass header.from=acme.example` for customers. Forged ones in its name are taken out. Mail through `mx_port` comes from a stranger and gets none.

#![allow(dead_code)]

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Every mailbox there is.
pub const USERS: [&str; 9] = [
    "support@desk.example",
    "security@desk.example",
    "hi@desk.example",
    "anna@desk.example",
    "beat@desk.example",
    "eve@acme.example",
    "urs@helvetia.example",
    "kim@nobody.example",
    "postmaster@desk.example",
];
/// The password of all of them.
pub const PASSWORD: &str = "correct horse \"battery\" \\ staple";
/// The MTA's name, in whose name it vouches.
pub const AUTHSERV_ID: &str = "mx.desk.example";
/// Long enough for a busy machine; nothing waits this long when all is well.
const DEADLINE: Duration = Duration::from_secs(60);

/// The servers, and the folder they live in.
pub struct PostOffice {
    folder: tempfile::TempDir,
    dovecot: Option<Child>,
    mta_runs: bool,
    /// IMAP with TLS from the first byte.
    pub imaps_port: u16,
    /// Submission with TLS from the first byte.
    pub submissions_port: u16,
    /// Submission with STARTTLS.
    pub submission_port: u16,
    /// Mail from strangers, in clear.
    pub mx_port: u16,
}

impl PostOffice {
    /// Why it cannot run here, if so: for tests that skip themselves out loud.
    pub fn missing() -> Option<String> {
        let needed = [
            "/usr/sbin/postfix",
            "/usr/sbin/dovecot",
            "/usr/lib/dovecot/lmtp",
            "/usr/lib/dovecot/modules/lib90_sieve_plugin.so",
            "/usr/bin/openssl",
        ];
        for file in needed {
            if !Path::new(file).exists() {
                return Some(format!(
                    "{file} is missing: apt-get install postfix dovecot-imapd dovecot-lmtpd dovecot-sieve openssl"
                ));
            }
        }
        let root = Command::new("id")
            .arg("-u")
            .output()
            .is_ok_and(|o| o.stdout == b"0\n");
        (!root).then(|| "only root can run Postfix and Dovecot from a folder".to_string())
    }

    /// Everything, ready to be used.
    pub fn start() -> PostOffice {
        let folder = tempfile::Builder::new()
            .prefix("post-office-")
            .tempdir()
            .unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let [imaps_port, submissions_port, submission_port, mx_port] = free_ports();
        let mut office = PostOffice {
            folder,
            dovecot: None,
            mta_runs: false,
            imaps_port,
            submissions_port,
            submission_port,
            mx_port,
        };
        office.make_folders();
        office.make_certificates();
        office.write_settings();
        stamp_submissions(&office.path("stamp"));
        office.start_dovecot();
        office.start_mta();
        office
    }

    /// Everything that the servers keep.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The authority that signed both servers' certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.path("tls/ca.pem")
    }

    /// Another authority, which signed nothing here.
    pub fn wrong_ca_file(&self) -> PathBuf {
        self.path("tls/other-ca.pem")
    }

    /// A user's Maildir.
    pub fn maildir(&self, user: &str) -> PathBuf {
        self.path("mail").join(user)
    }

    /// Sends a mail as a user does: SMTP with TLS and password, to everybody in To and Cc.
    pub fn submit(&self, user: &str, raw: &str) {
        self.submit_to(user, user, &recipients(raw), raw);
    }

    /// The same with an envelope of its own.
    pub fn submit_to(&self, user: &str, from: &str, to: &[String], raw: &str) {
        let pem = fs::read(self.ca_file()).unwrap();
        let parameters = TlsParameters::builder("localhost".into())
            .add_root_certificate(Certificate::from_pem(&pem).unwrap())
            .build_rustls()
            .unwrap();
        let transport = SmtpTransport::builder_dangerous("localhost")
            .port(self.submissions_port)
            .tls(Tls::Wrapper(parameters))
            .credentials(Credentials::new(user.into(), PASSWORD.into()))
            .timeout(Some(DEADLINE))
            .build();
        transport.send_raw(&envelope(from, to), &crlf(raw)).unwrap();
    }

    /// Sends a mail as somebody from outside, unknown to the MTA.
    pub fn submit_as_stranger(&self, from: &str, raw: &str) {
        let transport = SmtpTransport::builder_dangerous("127.0.0.1")
            .port(self.mx_port)
            .timeout(Some(DEADLINE))
            .build();
        transport
            .send_raw(&envelope(from, &recipients(raw)), &crlf(raw))
            .unwrap();
    }

    /// Puts a mail into a mailbox without any server.
    pub fn deliver_raw(&self, user: &str, raw: &[u8]) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "{:09}.M{}.test",
            COUNT.fetch_add(1, Ordering::Relaxed),
            std::process::id()
        );
        let tmp = self.maildir(user).join("tmp").join(&name);
        fs::write(&tmp, raw).unwrap();
        give_to_mail(&tmp);
        fs::rename(&tmp, self.maildir(user).join("new").join(&name)).unwrap();
    }

    /// All mails of a user, oldest first.
    pub fn mailbox(&self, user: &str) -> Vec<Vec<u8>> {
        let mut files = vec![];
        for part in ["new", "cur"] {
            for entry in fs::read_dir(self.maildir(user).join(part))
                .into_iter()
                .flatten()
                .flatten()
            {
                // Moved by Dovecot between listing and reading: it is seen in the other folder, now or next time.
                let Ok(bytes) = fs::read(entry.path()) else {
                    continue;
                };
                let at = entry.metadata().and_then(|m| m.modified()).ok();
                let name = entry
                    .file_name()
                    .to_string_lossy()
                    .split(":2,")
                    .next()
                    .unwrap_or("")
                    .to_string();
                files.push((at, name, bytes));
            }
        }
        files.sort();
        files.dedup_by(|a, b| a.1 == b.1);
        files.into_iter().map(|(_, _, bytes)| bytes).collect()
    }

    /// Waits until a mailbox is as `wanted`; panics with what is there instead when that takes too long.
    pub fn wait_for(
        &self,
        user: &str,
        what: &str,
        wanted: impl Fn(&[Vec<u8>]) -> bool,
    ) -> Vec<Vec<u8>> {
        let until = Instant::now() + DEADLINE;
        loop {
            let mails = self.mailbox(user);
            if wanted(&mails) {
                return mails;
            }
            if Instant::now() > until {
                let heads: Vec<_> = mails.iter().map(|m| head(m)).collect();
                panic!(
                    "{user} never got {what}; there are {}:\n{}\n{}",
                    mails.len(),
                    heads.join("\n---\n"),
                    self.logs()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The last words of both servers.
    pub fn logs(&self) -> String {
        let tail = |name: &str| {
            let text = fs::read_to_string(self.path(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(30).collect();
            lines.into_iter().rev().collect::<Vec<_>>().join("\n")
        };
        format!(
            "postfix:\n{}\ndovecot:\n{}",
            tail("postfix.log"),
            tail("dovecot.log")
        )
    }

    /// Starts the IMAP server and waits until it listens.
    pub fn start_dovecot(&mut self) {
        let child = Command::new("/usr/sbin/dovecot")
            .args(["-F", "-c"])
            .arg(self.path("dovecot.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.dovecot = Some(child);
        self.await_port(self.imaps_port);
    }

    /// Stops the IMAP server; its connections break.
    pub fn stop_dovecot(&mut self) {
        let Some(mut child) = self.dovecot.take() else {
            return;
        };
        let _ = quietly(
            Command::new("/usr/bin/doveadm")
                .arg("-c")
                .arg(self.path("dovecot.conf"))
                .arg("stop"),
        );
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Makes Dovecot number a user's INBOX anew: another UIDVALIDITY, the same mails.
    pub fn renumber(&mut self, user: &str) {
        self.stop_dovecot();
        for entry in fs::read_dir(self.maildir(user)).unwrap().flatten() {
            if entry.file_name().to_string_lossy().starts_with("dovecot") {
                let _ = fs::remove_file(entry.path());
            }
        }
        // UIDVALIDITY is made of the seconds of the clock: it must differ from the one before.
        std::thread::sleep(Duration::from_millis(1100));
        self.start_dovecot();
    }

    /// From now on these people's mail is delivered by Dovecot, whose vacation (Pigeonhole, RFC 5230 and 6131) answers in these words every mail that may be
    /// answered, however often.
    pub fn on_vacation(&mut self, users: &[&str], words: &str) {
        let mut transports = String::new();
        for user in users {
            let script = format!(
                "require [\"vacation\", \"vacation-seconds\"];\nvacation :seconds 0 :addresses [\"{user}\"] \"{words}\";\n"
            );
            fs::write(self.path(&format!("sieve/{user}.sieve")), script).unwrap();
            let socket = self.path("run/lmtp");
            transports.push_str(&format!("{user} lmtp:unix:{}\n", socket.display()));
        }
        self.stop_mta();
        fs::write(self.path("transports"), transports).unwrap();
        self.start_mta();
    }

    /// Starts the MTA and waits until it listens.
    pub fn start_mta(&mut self) {
        let started = self.postfix("start");
        assert!(started, "postfix does not start\n{}", self.logs());
        self.mta_runs = true;
        for port in [self.submissions_port, self.submission_port, self.mx_port] {
            self.await_port(port);
        }
    }

    /// Stops the MTA; what it has queued stays queued.
    pub fn stop_mta(&mut self) {
        if std::mem::take(&mut self.mta_runs) {
            self.postfix("stop");
        }
    }

    fn postfix(&self, verb: &str) -> bool {
        quietly(
            Command::new("/usr/sbin/postfix")
                .arg("-c")
                .arg(self.path("postfix"))
                .arg(verb),
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn await_port(&self, port: u16) {
        let until = Instant::now() + DEADLINE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                Instant::now() < until,
                "nothing listens at port {port}\n{}",
                self.logs()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn make_folders(&self) {
        for name in [
            "run", "state", "mail", "queue", "data", "tls", "postfix", "sieve",
        ] {
            fs::create_dir(self.path(name)).unwrap();
        }
        for user in USERS {
            for part in ["", "new", "cur", "tmp"] {
                let folder = self.maildir(user).join(part);
                fs::create_dir_all(&folder).unwrap();
                give_to_mail(&folder);
            }
        }
        give_to_mail(&self.path("mail"));
        give_to_mail(&self.path("sieve"));
        assert!(quietly(
            Command::new("chown").arg("postfix").arg(self.path("data"))
        ));
    }

    /// Two authorities; the first signs a leaf. A leaf with CA:TRUE, openssl's default, is refused by rustls.
    fn make_certificates(&self) {
        let script = r#"
            set -e
            for ca in ca other-ca; do
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $ca.key -out $ca.pem -days 2 \
                    -subj "/CN=$ca of the post office" -addext basicConstraints=critical,CA:TRUE
            done
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out request.pem -subj /CN=localhost
            printf 'basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n' > extensions
            openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem
        "#;
        assert!(quietly(
            Command::new("sh")
                .args(["-c", script])
                .current_dir(self.path("tls"))
        ));
    }

    fn write_settings(&self) {
        let folder = self.folder.path().display().to_string();
        let filled = |text: &str| {
            text.replace("@FOLDER@", &folder)
                .replace("@IMAPS@", &self.imaps_port.to_string())
                .replace("@SUBMISSIONS@", &self.submissions_port.to_string())
                .replace("@SUBMISSION@", &self.submission_port.to_string())
                .replace("@MX@", &self.mx_port.to_string())
        };
        let users: String = USERS
            .iter()
            .map(|user| format!("{user}:{{PLAIN}}{PASSWORD}\n"))
            .collect();
        let mailboxes: String = USERS
            .iter()
            .map(|user| format!("{user} {user}/\n"))
            .collect();
        let files = [
            ("users", users),
            ("mailboxes", mailboxes),
            ("transports", String::new()),
            ("dovecot.conf", filled(DOVECOT_CONF)),
            ("postfix/main.cf", filled(MAIN_CF)),
            ("postfix/master.cf", filled(MASTER_CF)),
            ("header_checks", HEADER_CHECKS.to_string()),
        ];
        for (name, text) in files {
            fs::write(self.path(name), text).unwrap();
        }
    }
}

impl Drop for PostOffice {
    fn drop(&mut self) {
        self.stop_mta();
        self.stop_dovecot();
    }
}

/// Postfix asks this before it takes a content. What it prepends stands above its own Received.
fn stamp_submissions(path: &Path) {
    let listener = UnixListener::bind(path).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || stamp(stream));
        }
    });
}

fn stamp(mut stream: UnixStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut user = String::new();
    while let Some(Ok(line)) = lines.next() {
        if let Some(name) = line.strip_prefix("sasl_username=") {
            user = name.to_string();
        }
        if line.is_empty() {
            let _ = stream.write_all(format!("action={}\n\n", vouching(&user)).as_bytes());
            user.clear();
        }
    }
}

fn vouching(user: &str) -> String {
    let method = match user.rsplit_once('@') {
        None => return "DUNNO".into(),
        Some((_, "desk.example")) => format!("auth=pass smtp.auth={user}"),
        Some((_, domain)) => format!("dmarc=pass header.from={domain}"),
    };
    format!("PREPEND X-Stamp-Of-The-Post-Office: {AUTHSERV_ID}; {method}")
}

/// Ports that nobody listens at, and that the kernel gives to no connection of its own accord: a port from its range is gone between a probe and Postfix, or
/// while Postfix is stopped, as soon as any other test connects to anything.
fn free_ports<const N: usize>() -> [u16; N] {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    const LOWEST: u64 = 10_000;
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let taken_from: u64 = range.split_whitespace().next().unwrap().parse().unwrap();
    let many = taken_from.saturating_sub(LOWEST);
    assert!(
        many > 100,
        "the kernel gives away ports from {taken_from} on; too few are left for servers"
    );
    // Other test programs count from elsewhere.
    let start = u64::from(std::process::id()) * 97;
    [(); N].map(|()| {
        (0..many)
            .map(|_| start + NEXT.fetch_add(1, Ordering::Relaxed))
            .map(|n| u16::try_from(LOWEST + n % many).unwrap())
            .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
            .expect("a port that is free")
    })
}

fn give_to_mail(path: &Path) {
    // Debian's fixed user and group "mail".
    std::os::unix::fs::chown(path, Some(8), Some(8)).unwrap();
}

fn quietly(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn envelope(from: &str, to: &[String]) -> Envelope {
    let to = to.iter().map(|address| address.parse().unwrap()).collect();
    let from = (!from.is_empty()).then(|| from.parse().unwrap());
    Envelope::new(from, to).unwrap()
}

/// The addresses in To and Cc.
fn recipients(raw: &str) -> Vec<String> {
    let mut addresses = vec![];
    let mut wanted = false;
    for line in raw.lines().take_while(|line| !line.is_empty()) {
        if !line.starts_with([' ', '\t']) {
            let lower = line.to_ascii_lowercase();
            wanted = lower.starts_with("to:") || lower.starts_with("cc:");
        }
        let words = line.split([' ', '\t', ',', '<', '>', ':', ';']);
        addresses.extend(
            words
                .filter(|word| wanted && word.contains('@'))
                .map(str::to_string),
        );
    }
    addresses
}

fn crlf(raw: &str) -> Vec<u8> {
    raw.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

fn head(mail: &[u8]) -> String {
    String::from_utf8_lossy(mail)
        .lines()
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

const DOVECOT_CONF: &str = r#"
base_dir = @FOLDER@/run
state_dir = @FOLDER@/state
log_path = @FOLDER@/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = required
ssl_cert = <@FOLDER@/tls/cert.pem
ssl_key = <@FOLDER@/tls/key.pem
mail_location = maildir:@FOLDER@/mail/%u
auth_mechanisms = plain login
auth_failure_delay = 0
first_valid_uid = 1
# IDLE tells of new mail within half a second anyhow (inotify); this is for machines without it.
mailbox_idle_check_interval = 1 secs
passdb {
  driver = passwd-file
  args = username_format=%u @FOLDER@/users
}
userdb {
  driver = static
  args = uid=mail gid=mail home=@FOLDER@/mail/%u
}
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = @IMAPS@
    ssl = yes
  }
}
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
}
protocol lmtp {
  mail_plugins = sieve
}
plugin {
  sieve = file:@FOLDER@/sieve/%u.sieve
  sieve_extensions = +vacation-seconds
  sieve_vacation_min_period = 0
}
submission_host = 127.0.0.1:@MX@
postmaster_address = postmaster@desk.example
hostname = mx.desk.example
# No delays after wrong passwords: everybody here has one address, and the MTA's logins would time out.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener sasl {
    mode = 0666
  }
}
"#;

const MAIN_CF: &str = r#"
compatibility_level = 3.6
queue_directory = @FOLDER@/queue
data_directory = @FOLDER@/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = @FOLDER@/postfix.log
maillog_file_prefixes = @FOLDER@
myhostname = mx.desk.example
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
disable_dns_lookups = yes
alias_maps =
alias_database =
local_recipient_maps =
default_transport = error:5.1.2 there is no outside world
virtual_mailbox_domains = desk.example, acme.example, helvetia.example, nobody.example
virtual_mailbox_maps = texthash:@FOLDER@/mailboxes
virtual_mailbox_base = @FOLDER@/mail
transport_maps = texthash:@FOLDER@/transports
virtual_minimum_uid = 1
virtual_uid_maps = static:8
virtual_gid_maps = static:8
virtual_mailbox_limit = 0
recipient_delimiter = +
message_size_limit = 30000000
smtpd_tls_cert_file = @FOLDER@/tls/cert.pem
smtpd_tls_key_file = @FOLDER@/tls/key.pem
smtpd_sasl_type = dovecot
smtpd_sasl_path = @FOLDER@/run/sasl
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_data_restrictions = check_policy_service unix:@FOLDER@/stamp
header_checks = regexp:@FOLDER@/header_checks
smtpd_client_connection_count_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 5s
queue_run_delay = 1s
"#;

const MASTER_CF: &str = r#"
127.0.0.1:@MX@ inet n - n - - smtpd
127.0.0.1:@SUBMISSIONS@ inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
127.0.0.1:@SUBMISSION@ inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"#;

/// The stamp becomes the header it stands for after what strangers wrote in that name is gone. Nobody else knows the stamp's name in a closed post office.
const HEADER_CHECKS: &str = r#"
/^X-Stamp-Of-The-Post-Office: *(.*)$/ REPLACE Authentication-Results: $1
/^Authentication-Results: *mx\.desk\.example/ IGNORE
"#;
