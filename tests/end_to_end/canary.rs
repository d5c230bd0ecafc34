//! G01: a word of a mail to security is searched for in everything that a run leaves behind.
//!
//! Knows the few places where it may stand ([`is_allowed`]); whatever else holds it fails, also what nobody has thought of yet.

use crate::bounces::report_of;
use crate::mail::{answer, write};
use crate::post_office::{PostOffice, USERS};
use crate::security::{KIM, SECURITY};
use crate::story::{ANNA, BEAT, EVE, SUPPORT, got, office};
use crate::ticketd::{Said, Ticketd, word};
use data_encoding::BASE64;
use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

pub const CANARY: &str = "zeisigzwitschert";
const URS: &str = "urs@helvetia.example";
/// Helvetia's promise for severity 1 is 40 minutes by day and night.
pub const HOUR_SECS: i64 = 3_600;

/// Whether the canary stands in some bytes: as it is, in quoted-printable with its line broken anywhere, or in base64 at any of three places of its triple.
pub fn holds(bytes: &[u8]) -> bool {
    let flat = without_breaks(bytes);
    let printable = decoded(&flat);
    let plain = |text: &[u8]| contains(&text.to_ascii_lowercase(), CANARY.as_bytes());
    [bytes, &flat, &printable].into_iter().any(plain)
        || CODINGS.iter().any(|coded| contains(&flat, coded))
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(bytes, word).is_some()
}

/// Without the ends of lines, and without the `=` that quoted-printable puts before them.
fn without_breaks(bytes: &[u8]) -> Vec<u8> {
    let mut flat: Vec<u8> = vec![];
    for line in bytes.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        flat.extend(line.strip_suffix(b"=").unwrap_or(line));
    }
    flat
}

/// `=7A` is a z.
fn decoded(bytes: &[u8]) -> Vec<u8> {
    let mut found = vec![];
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).filter(|_| *byte == b'=');
        let digits = digits.and_then(|d| std::str::from_utf8(d).ok());
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) => {
                found.push(byte);
                at += 3;
            }
            None => {
                found.push(*byte);
                at += 1;
            }
        }
    }
    found
}

/// What base64 always makes of it, whatever stands before and behind.
static CODINGS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(codings);

fn codings() -> Vec<Vec<u8>> {
    let capital = format!("{}{}", CANARY[..1].to_uppercase(), &CANARY[1..]);
    let words = [CANARY.to_string(), capital, CANARY.to_uppercase()];
    let at = |word: &String, before: usize| {
        let text = [&b"\0\0"[..before], word.as_bytes()].concat();
        // The first and the last triple have bits of the neighbours.
        let whole = text.len() / 3 * 4;
        let first = if before == 0 { 0 } else { 4 };
        BASE64.encode(&text).as_bytes()[first..whole].to_vec()
    };
    words
        .iter()
        .flat_map(|word| [0, 1, 2].map(|before| at(word, before)))
        .collect()
}

#[test]
fn the_search_finds_the_canary_in_every_coding() {
    for before in ["", "a", "ab", "abc"] {
        for word in [CANARY, "Zeisigzwitschert", "ZEISIGZWITSCHERT"] {
            let text = format!("{before}{word}, it sings");
            assert!(holds(text.as_bytes()), "{text}");
            let coded = BASE64.encode(text.as_bytes());
            for at in 0..coded.len() {
                let broken = format!("{}\r\n{}", &coded[..at], &coded[at..]);
                assert!(holds(broken.as_bytes()), "{broken}");
            }
            for at in 0..text.len() {
                let broken = format!("{}=\r\n{}", &text[..at], &text[at..]);
                assert!(holds(broken.as_bytes()), "{broken}");
                let hex = format!(
                    "{}={:02X}{}",
                    &text[..at],
                    text.as_bytes()[at],
                    &text[at + 1..]
                );
                assert!(holds(hex.as_bytes()), "{hex}");
            }
        }
    }
    assert!(!holds(b"zeisig zwitschert, a printer does not print, =7=A"));
}

/// Files below a folder. Sockets and pipes keep nothing, and who reads a pipe waits for ever.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let below = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => files(&entry.path()),
        Ok(kind) if kind.is_file() => vec![entry.path()],
        _ => vec![],
    };
    entries.flat_map(below).collect()
}

/// The files below a folder that hold it, and how many were searched.
fn found_below(folder: &Path) -> (Vec<String>, usize) {
    let all = files(folder);
    let read = |file: &PathBuf| fs::read(file).unwrap_or_default();
    let name = |file: &PathBuf| {
        let inside = file.strip_prefix(folder).expect("inside");
        inside.display().to_string()
    };
    let found = all
        .iter()
        .filter(|file| holds(&read(file)) || holds(name(file).as_bytes()));
    (found.map(name).collect(), all.len())
}

/// Where it may stand. Of the installation: the journal, the index, and the former index that a rebuild set aside. Of the post office: the mailbox of security and the word of the MTA, which is not
/// ours, about an address that does not exist. To security's own people letters may say it; ours do not, see below.
fn is_allowed(name: &str) -> bool {
    let places = [
        "state/journal/",
        "state/index/",
        "state/index.aside/",
        "mail/security@desk.example/",
        "postfix.log",
    ];
    places.iter().any(|place| name.starts_with(place))
}

/// Of people's mailboxes: what the reporter himself sent to support, the answer that a person of security wrote to him, which has his name and subject, and the
/// transcript of what that person commanded.
fn is_the_persons(user: &str, mail: &[u8]) -> bool {
    match user {
        SUPPORT => contains(mail, b"\nFrom: kim@nobody.example"),
        BEAT => contains(mail, b"\nSubject: Done: #2\n"),
        KIM => {
            let text = String::from_utf8_lossy(mail);
            let to_him =
                |line: &&str| line.starts_with("To: ") || line.starts_with("Subject: Re: ");
            let other: Vec<&str> = text.lines().filter(|line| !to_him(line)).collect();
            text.contains("looking into it") && !holds(other.join("\n").as_bytes())
        }
        _ => false,
    }
}

/// What was printed, by whatever was asked.
#[derive(Default)]
pub struct Printed(RefCell<Vec<(String, Vec<u8>)>>);

impl Printed {
    fn keep(&self, what: String, bytes: Vec<u8>) {
        self.0.borrow_mut().push((what, bytes));
    }

    pub fn ask(&self, ticketd: &Ticketd, arguments: &[&str]) -> Said {
        let said = ticketd.ask(arguments);
        self.keep(format!("{arguments:?}"), said.out.clone().into());
        self.keep(
            format!("{arguments:?}, its errors"),
            said.err.clone().into(),
        );
        said
    }

    /// What needs no store, about a mail of support's.
    fn ask_about(&self, ticketd: &Ticketd, request: &Path) {
        let request = request.to_str().expect("a path");
        let asked: [&[&str]; 5] = [
            &["inspect", request],
            &["inspect", "--json", request],
            &["rules", "explain", request],
            &["rules", "test", request],
            &["check"],
        ];
        for arguments in asked {
            self.ask(ticketd, arguments);
        }
    }

    /// Everything that an operator asks on support's behalf.
    pub fn ask_everything(&self, ticketd: &Ticketd) {
        let asked: [&[&str]; 34] = [
            &["list"],
            &["list", "--all"],
            &["list", "--all", "--json"],
            &["list", "--all", "--queue", "support"],
            &["list", "--all", "--customer", "helvetia", "--json"],
            &["list", "--quarantine"],
            &["list", "--quarantine", "--json"],
            &["list", "--filed"],
            &["list", "--filed", "--json"],
            &["show", "0"],
            &["show", "0", "--json"],
            &["show", "1"],
            &["show", "1", "--json"],
            &["show", "1", "--raw", "1"],
            &["show", "99"],
            &["report"],
            &["report", "--json"],
            &["report", "--csv"],
            &["report", "--html", "report.html"],
            &["report", "--contract", "rules/contract.toml"],
            &["credits"],
            &["credits", "--json"],
            &["credits", "--csv"],
            &["review", "helvetia"],
            &["review", "helvetia", "--json"],
            &["review", "helvetia", "--html", "review.html"],
            &["status"],
            &["status", "--json"],
            &["audit"],
            &["audit", "--json"],
            &["outbox"],
            &["outbox", "--json"],
            &["assign", "2", "anna", "--dry-run"],
            &["merge", "1", "2", "--dry-run"],
        ];
        for arguments in asked {
            self.ask(ticketd, arguments);
        }
    }

    /// What the control socket answers to those who do not know how to ask.
    pub fn ask_the_socket(&self, ticketd: &Ticketd) {
        for line in [
            "nonsense",
            "{}",
            "{\"list\":{\"all\":true,\"filed\":true,\"quarantine\":true,\"json\":true}}",
            "{\"show\":{\"ticket\":0,\"raw\":9999,\"json\":true}}",
            "{\"command\":{\"by\":\"anna\",\"ticket\":2,\"line\":\"take\"}}",
            "{\"outbox\":{\"retry\":\"2/9999\"}}",
        ] {
            let mut socket = UnixStream::connect(ticketd.path("control")).expect("the socket");
            socket
                .write_all(format!("{line}\n").as_bytes())
                .expect("asked");
            socket
                .shutdown(std::net::Shutdown::Write)
                .expect("all is said");
            for answer in BufReader::new(socket).lines().map_while(Result::ok) {
                let out: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
                let bytes = BASE64.decode(word(&out, "out").as_bytes());
                self.keep(format!("what {line} is told"), bytes.unwrap_or_default());
                self.keep(format!("the answer to {line}"), answer.into());
            }
        }
    }
}

impl Printed {
    /// Nobody was told of it.
    pub fn hold_nothing(self) {
        let printed = self.0.into_inner();
        let mut told: Vec<_> = printed.iter().filter(|(_, bytes)| holds(bytes)).collect();
        told.dedup_by_key(|(what, _)| what.clone());
        let told = told
            .iter()
            .map(|(what, bytes)| format!("{what}: {}", String::from_utf8_lossy(bytes)));
        let told: Vec<String> = told.collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
    }
}

/// A report, and everything that can be made of it by mail: machines, forgers, a mail that cannot be read, a copy to support, wrong commands.
fn reports_come_in(office: &PostOffice, ticketd: &Ticketd) {
    let reporter = "\"Zeisigzwitschert\" <kim@nobody.example>";
    let report = write(
        KIM,
        SECURITY,
        &format!("Overflow {CANARY}"),
        &format!("Send 40000 brackets, {CANARY}.\nTicket 1 is down because of {CANARY}."),
    );
    let from = format!("From: {KIM}");
    let named = report.raw.replace(&from, &format!("From: {reporter}"));
    office.submit(KIM, &named);
    let notice = got(office, BEAT, "a notice of security", |m| m.from == SECURITY);
    got(office, KIM, "an acknowledgement", |_| true);
    let automatic = write(KIM, SECURITY, CANARY, CANARY).raw;
    office.submit(
        KIM,
        &format!("Auto-Submitted: auto-replied ({CANARY})\n{automatic}"),
    );
    let forged = write(BEAT, SECURITY, CANARY, &format!("#close {CANARY}"));
    office.submit_as_stranger(BEAT, &forged.raw);
    office.deliver_raw(SECURITY, format!("From: {CANARY}\r\nContent-Type: multipart/mixed; boundary={CANARY}\r\n\r\n--{CANARY}\r\n").as_bytes());
    office.submit(
        KIM,
        &write(KIM, &format!("{SUPPORT}, {SECURITY}"), CANARY, CANARY).raw,
    );
    let mistyped = format!("#severty 1 {CANARY}\n\n{CANARY}");
    office.submit(BEAT, &answer(BEAT, &notice, &mistyped).raw);
    // A reporter who cannot be answered: the MTA's refusal names the address.
    let nobody = format!("{CANARY}@nobody.example");
    let unanswerable = write(KIM, SECURITY, CANARY, CANARY).raw;
    office.submit(
        KIM,
        &unanswerable.replace(&from, &format!("From: {CANARY} <{nobody}>")),
    );
    ticketd.until("all of it on record", |it| {
        it.list(&["--all", "--queue", "security"]).len() >= 5
    });
    ticketd.until("a letter that is refused", |it| {
        let letters = it.ask_well(&["outbox", "--json"]).lines();
        letters.iter().any(|l| word(l, "road") == "failed")
    });
}

/// The first report is answered, the answer comes back, a note is written, and it is closed.
fn the_first_is_worked_on(office: &PostOffice, ticketd: &Ticketd) {
    let notice = got(office, BEAT, "the notice", |m| m.subject.contains("#2"));
    let says = |text: &str| office.submit(BEAT, &answer(BEAT, &notice, text).raw);
    says("Thank you, we are looking into it.");
    let relay = got(office, KIM, "an answer", |m| m.says("looking into it"));
    let returned = report_of(SECURITY, &relay.id, KIM)
        .replace("It could not be delivered", CANARY)
        .replace(
            "Status: 5.7.1",
            &format!("Status: 5.7.1\r\nDiagnostic-Code: smtp; 550 5.7.1 {CANARY}"),
        );
    office.submit_as_stranger("mailer-daemon@nobody.example", &returned);
    let record = |it: &Ticketd, words: &str| it.show(2)["entries"].to_string().contains(words);
    ticketd.until("the bounce on record", |it| record(it, "came back"));
    says(&format!(
        "#note {CANARY}\n\nAnna shall not know of {CANARY}."
    ));
    ticketd.until("the note on record", |it| record(it, "Anna shall not"));
    says(&format!("#close {CANARY}"));
    ticketd.until("it is closed", |it| word(&it.show(2), "state") == "closed");
}

/// A customer's report runs through its warnings, its breach and the reminders; the desk opens on two mornings.
fn a_customers_report_is_left_lying(office: &PostOffice, ticketd: &Ticketd) {
    let before = ticketd.list(&["--all", "--queue", "security"]).len();
    let report = write(
        URS,
        SECURITY,
        &format!("All is open {CANARY}"),
        &format!("Severity: 1\n\nEverybody can read {CANARY}.\n\nI want to escalate this."),
    );
    office.submit(URS, &report.raw);
    ticketd.until("it is on record", |it| {
        it.list(&["--all", "--queue", "security"]).len() > before
    });
    let number = ticketd.list(&["--all", "--queue", "security", "--customer", "helvetia"]);
    let number = number[0]["id"].as_u64().expect("a number");
    for hours in [1, 3, 30, 54] {
        ticketd.offset(hours * HOUR_SECS);
        ticketd.until_letters_left();
    }
    ticketd.until("a breach", |it| it.show(number)["breached"] == true);
    got(office, BEAT, "word of the breach", |m| {
        m.subject.starts_with("Breach") && m.subject.contains(&format!("#{number}"))
    });
    got(office, ANNA, "what stands on the desk", |m| {
        m.subject.contains(" due today, ")
    });
    ticketd.until_letters_left();
}

#[test]
fn g01_a_canary_in_a_report_is_in_the_journal_the_index_its_mailbox_and_nowhere_else() {
    if let Some(why) = Ticketd::keeps_real_time() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let Some(office) = office() else { return };
    let mut ticketd = Ticketd::running(&office);
    let printed = Printed::default();
    let request = write(EVE, SUPPORT, "Printer", "The printer does not print.");
    let file = ticketd.path("request.eml");
    fs::write(&file, &request.raw).expect("a file");
    office.submit(EVE, &request.raw);
    got(&office, EVE, "an acknowledgement", |_| true);

    reports_come_in(&office, &ticketd);
    printed.ask_everything(&ticketd);
    the_first_is_worked_on(&office, &ticketd);
    a_customers_report_is_left_lying(&office, &ticketd);
    printed.ask_everything(&ticketd);
    printed.ask_about(&ticketd, &file);
    printed.ask_the_socket(&ticketd);
    ticketd.kill();
    printed.ask(&ticketd, &["rebuild"]);
    ticketd.start();
    printed.ask_everything(&ticketd);
    ticketd.until_letters_left();
    ticketd.audit();
    ticketd.end_well();
    // Without a daemon the commands open the store themselves.
    printed.ask_everything(&ticketd);
    printed.ask(&ticketd, &["rebuild"]);

    printed.hold_nothing();
    assert!(
        holds(ticketd.ask_well(&["show", "2"]).out.as_bytes()),
        "who asks for it by its number sees it"
    );

    for user in USERS.iter().filter(|user| **user != SECURITY) {
        for mail in office.mailbox(user) {
            assert!(
                is_the_persons(user, &mail) || !holds(&mail),
                "{user}: {}",
                String::from_utf8_lossy(&mail)
            );
        }
    }
    let log = ticketd.log();
    let line = log.lines().find(|line| holds(line.as_bytes()));
    assert_eq!(line, None, "the log, with everything in it");
    for (folder, least) in [(ticketd.path(""), 10), (office.folder().into(), 30)] {
        let (found, searched) = found_below(&folder);
        assert!(searched > least, "{searched} files");
        let (allowed, others): (Vec<_>, Vec<_>) = found.iter().partition(|name| is_allowed(name));
        let is_persons = |name: &String| {
            let user = USERS
                .iter()
                .find(|user| name.starts_with(&format!("mail/{user}/")));
            let mail = fs::read(folder.join(name)).unwrap_or_default();
            user.is_some_and(|user| is_the_persons(user, &mail))
        };
        let others: Vec<_> = others
            .into_iter()
            .filter(|name| !is_persons(name))
            .collect();
        assert!(others.is_empty(), "{others:?}");
        assert!(
            !allowed.is_empty(),
            "a search that finds nothing proves nothing"
        );
    }
    ticketd.logged_no_secret_and_no_panic();
}
