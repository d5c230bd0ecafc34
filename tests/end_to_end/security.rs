//! What is security's is nobody else's.

use crate::mail::{answer, write};
use crate::post_office::USERS;
use crate::story::{ANNA, BEAT, EVE, SUPPORT, count, got, office};
use crate::ticketd::{Ticketd, word};
use data_encoding::BASE64;
use std::path::{Path, PathBuf};

const SECURITY: &str = "security@desk.example";
const KIM: &str = "kim@nobody.example";

#[test]
fn reports_reach_securitys_people_without_their_content() {
    let Some(office) = office() else { return };
    let mut ticketd = Ticketd::running(&office);
    let report = write(
        KIM,
        SECURITY,
        "Heap overflow in your parser",
        "The canary sings: send 40000 brackets.",
    );
    office.submit(KIM, &report.raw);
    let acknowledged = got(&office, KIM, "an acknowledgement", |_| true);
    assert_eq!(acknowledged.from, SECURITY);
    assert!(
        acknowledged.says("https://desk.example/security"),
        "{}",
        acknowledged.text
    );
    let notice = got(&office, BEAT, "a notice", |_| true);
    for letter in [&acknowledged, &notice] {
        for word in ["canary", "overflow", "parser", "40000"] {
            assert!(!letter.raw.contains(word), "{}", letter.raw);
        }
    }
    assert!(!notice.raw.contains(KIM), "{}", notice.raw);
    office.submit(
        BEAT,
        &answer(BEAT, &notice, "Thank you, we are looking into it.").raw,
    );
    let answered = got(&office, KIM, "an answer", |m| m.says("looking into it"));
    assert_eq!(answered.from, SECURITY);

    // Sent to both: whichever copy comes first, it is security's.
    let both = write(
        EVE,
        &format!("{SUPPORT}, {SECURITY}"),
        "Passwords in your log",
        "The canary sings again.",
    );
    office.submit(EVE, &both.raw);
    ticketd.until("both copies", |it| {
        let shown = it.ask(&["show", "2"]);
        shown.out.contains("came again through mailbox")
    });
    got(&office, EVE, "an acknowledgement", |m| m.from == SECURITY);
    ticketd.until_letters_left();
    assert_eq!(count(&office, EVE, |_| true), 1);
    assert_eq!(
        ticketd.list(&["--all"]).len(),
        0,
        "shown in no other listing"
    );
    let theirs = ticketd.list(&["--all", "--queue", "security"]);
    assert_eq!(theirs.len(), 2);
    assert!(theirs.iter().all(|t| word(t, "queue") == "security"));
    assert_eq!(office.mailbox(ANNA).len(), 0, "Anna is not of security");

    ticketd.audit();
    ticketd.end_well();
    ticketd.logged_no_secret_and_no_panic();
    assert!(!ticketd.log().contains("canary"));
}

/// Files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|e| e.path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

fn holds(bytes: &[u8], word: &str) -> bool {
    let bytes = bytes.to_ascii_lowercase();
    let coded = BASE64.encode(word.as_bytes());
    let plain = bytes.windows(word.len()).any(|w| w == word.as_bytes());
    plain
        || bytes
            .windows(coded.len())
            .any(|w| w.eq_ignore_ascii_case(coded.as_bytes()))
}

/// G01: a word of a report is searched for in everything that a run leaves behind.
#[test]
fn g01_a_canary_in_a_report_is_in_the_journal_the_index_its_mailbox_and_nowhere_else() {
    const CANARY: &str = "zeisigzwitschert";
    let Some(office) = office() else { return };
    let mut ticketd = Ticketd::running(&office);
    let before = write(EVE, SUPPORT, "Printer", "The printer does not print.");
    office.submit(EVE, &before.raw);
    let reporter = "\"Zeisigzwitschert\" <kim@nobody.example>";
    let report = write(
        KIM,
        SECURITY,
        &format!("Overflow {CANARY}"),
        &format!("Send 40000 brackets, {CANARY}.\r\nTicket 1 is down because of {CANARY}."),
    );
    office.submit(
        KIM,
        &report
            .raw
            .replace(&format!("From: {KIM}"), &format!("From: {reporter}")),
    );
    let notice = got(&office, BEAT, "a notice of security", |m| {
        m.from == SECURITY
    });
    got(&office, KIM, "an acknowledgement", |_| true);
    // More of it: machines, forgers, an attachment, a mail that cannot be read, a copy to support, a wrong command.
    let automatic = write(KIM, SECURITY, CANARY, CANARY).raw;
    office.submit(
        KIM,
        &format!("Auto-Submitted: auto-replied ({CANARY})\r\n{automatic}"),
    );
    office.submit_as_stranger(
        BEAT,
        &write(BEAT, SECURITY, CANARY, &format!("#close {CANARY}")).raw,
    );
    office.deliver_raw(SECURITY, format!("From: {CANARY}\r\nContent-Type: multipart/mixed; boundary={CANARY}\r\n\r\n--{CANARY}\r\n").as_bytes());
    office.submit(
        KIM,
        &write(KIM, &format!("{SUPPORT}, {SECURITY}"), CANARY, CANARY).raw,
    );
    office.submit(
        BEAT,
        &answer(
            BEAT,
            &notice,
            &format!("#severty 1 {CANARY}\r\n\r\n{CANARY}"),
        )
        .raw,
    );
    ticketd.until("all of it on record", |it| {
        it.list(&["--all", "--queue", "security"]).len() >= 4
    });
    ticketd.until_letters_left();

    // What support and operators are shown.
    for asked in [
        &["list", "--all"][..],
        &["list", "--all", "--json"],
        &["list", "--quarantine"],
        &["list", "--filed"],
        &["outbox"],
        &["outbox", "--json"],
        &["status"],
        &["status", "--json"],
        &["audit"],
    ] {
        let said = ticketd.ask(asked);
        assert!(
            !holds(said.out.as_bytes(), CANARY),
            "{asked:?}: {}",
            said.out
        );
        assert!(
            !holds(said.err.as_bytes(), CANARY),
            "{asked:?}: {}",
            said.err
        );
    }
    // Every mailbox but security's own, its people's and the reporter's.
    for user in USERS {
        if [SECURITY, BEAT, KIM, SUPPORT].contains(&user) {
            continue;
        }
        for mail in office.mailbox(user) {
            assert!(
                !holds(&mail, CANARY),
                "{user}: {}",
                String::from_utf8_lossy(&mail)
            );
        }
    }
    for letter in office.mailbox(BEAT) {
        assert!(!holds(&letter, CANARY), "in the clear nothing is enclosed");
    }
    for letter in office.mailbox(KIM) {
        assert!(!holds(&letter, CANARY), "nothing is echoed");
    }
    ticketd.end_well();
    assert!(
        !holds(ticketd.log().as_bytes(), CANARY),
        "the log, with everything in it"
    );
    // Every file of the installation.
    let folder = ticketd.path("");
    let mut found = vec![];
    let mut searched = 0;
    for file in files(&folder) {
        searched += 1;
        if holds(&std::fs::read(&file).expect("a file"), CANARY) {
            found.push(
                file.strip_prefix(&folder)
                    .expect("inside")
                    .display()
                    .to_string(),
            );
        }
    }
    assert!(searched > 10, "{searched} files");
    let is_allowed = |f: &&String| f.starts_with("state/journal/") || f.starts_with("state/index/");
    let others: Vec<&String> = found.iter().filter(|f| !is_allowed(f)).collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(
        found.iter().any(|f| f.starts_with("state/journal/")),
        "a search that finds nothing proves nothing"
    );
    ticketd.logged_no_secret_and_no_panic();
}
