//! `ticketd check --online` against real servers: it logs in everywhere, says clearly what is wrong, and leaves nothing behind.

use crate::post_office::{PASSWORD, PostOffice, USERS};
use crate::story::office;
use crate::ticketd::{Said, Settings, Ticketd};

/// A server is unavailable, which a refused login is too (sysexits).
const UNAVAILABLE: i32 = 69;
const MAILBOXES: [&str; 3] = ["support", "security", "escalation"];

/// The line of what it says that is about this mailbox, or about the way out.
fn line<'a>(said: &'a Said, of: &str) -> &'a str {
    let lines = said.err.lines();
    let found = lines.filter(|line| line.contains(&format!(": {of}: ")));
    let found: Vec<&str> = found.collect();
    let [line] = found[..] else {
        panic!("one line about {of}: {}", said.err);
    };
    line
}

fn checked(ticketd: &Ticketd) -> Said {
    let said = ticketd.ask(&["check", "--online"]);
    let told = format!("{}{}", said.out, said.err);
    assert!(!told.contains(PASSWORD), "{told}");
    said
}

#[test]
fn check_online_logs_in_everywhere_and_sends_nothing() {
    let Some(office) = office() else { return };
    let ticketd = Ticketd::configured(&office, &Settings::of(&office));
    let said = checked(&ticketd);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("every server lets us in"), "{}", said.out);
    assert_eq!(said.err, "");
    let logs = office.logs();
    assert_eq!(
        logs.matches("imap-login: Info: Login: user=").count(),
        3,
        "{logs}"
    );
    assert!(!logs.contains("auth failed"), "{logs}");
    nothing_was_sent(&office);
    assert!(!ticketd.path("state").exists(), "there is no record yet");
}

#[test]
fn check_online_names_a_wrong_password_and_a_wrong_certificate() {
    let Some(office) = office() else { return };
    let settings = Settings {
        imap_password: "not the password".into(),
        ..Settings::of(&office)
    };
    let ticketd = Ticketd::configured(&office, &settings);
    let said = checked(&ticketd);
    assert_eq!(said.code, UNAVAILABLE, "{}", said.err);
    for mailbox in MAILBOXES {
        let line = line(&said, &format!("mailbox {mailbox}"));
        assert!(line.contains("check user and password file"), "{line}");
    }
    assert_eq!(
        said.err.lines().count(),
        3,
        "the way out is well: {}",
        said.err
    );
    assert!(!said.err.contains("not the password"), "{}", said.err);
    assert_eq!(said.out, "", "nothing is in order");

    // The way out has a password of its own.
    ticketd.configure(&office, &Settings::of(&office));
    std::fs::write(ticketd.path("smtp-password"), "not the password\n").expect("a secret");
    let said = checked(&ticketd);
    assert_eq!(said.code, UNAVAILABLE, "{}", said.err);
    let refused = line(&said, "outgoing");
    assert!(
        refused.contains("check user and password file"),
        "{refused}"
    );
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);

    let settings = Settings {
        ca_file: office.wrong_ca_file(),
        ..Settings::of(&office)
    };
    ticketd.configure(&office, &settings);
    let said = checked(&ticketd);
    assert_eq!(said.code, UNAVAILABLE, "{}", said.err);
    let all = MAILBOXES.map(|mailbox| format!("mailbox {mailbox}"));
    for of in all.iter().map(String::as_str).chain(["outgoing"]) {
        let line = line(&said, of);
        assert!(
            line.contains("add the signing authority to that file"),
            "{line}"
        );
    }
    nothing_was_sent(&office);
}

fn nothing_was_sent(office: &PostOffice) {
    assert!(USERS.iter().all(|user| office.mailbox(user).is_empty()));
    let logs = office.logs();
    assert!(!logs.contains("message-id="), "{logs}");
}
