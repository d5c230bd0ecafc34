//! Against Postfix and Dovecot. Skipped out loud where they are missing.

use crate::house::{Running, TestHouse, state};
use crate::post_office::{PASSWORD, PostOffice};
use std::path::{Path, PathBuf};
use std::time::Duration;
use ticketd::desk::event::Movement;
use ticketd::post::Secret;
use ticketd::post::deliver::{Way, deliver};
use ticketd::post::imap::Account;
use ticketd::post::smtp::Relay;
use ticketd::post::tls::Encryption;
use ticketd::post::watch::{Mailbox, Parsers, Source, watch};

const SUPPORT: &str = "support@desk.example";
const ANNA: &str = "anna@desk.example";
const EVE: &str = "eve@acme.example";

fn office() -> Option<PostOffice> {
    if let Some(why) = PostOffice::missing() {
        eprintln!("SKIPPED: {why}");
        return None;
    }
    Some(PostOffice::start())
}

fn account(office: &PostOffice) -> Account {
    Account {
        host: "localhost".into(),
        port: office.imaps_port,
        user: SUPPORT.into(),
        password: Secret::new(PASSWORD),
        folder: "INBOX".into(),
        encryption: Encryption::Implicit,
        ca_file: Some(office.ca_file()),
        mail_bytes_max: 1_000_000,
    }
}

fn watching(source: Source, house: &TestHouse, state: &Path, poll_every: Duration) -> Running {
    let mailbox = Mailbox {
        name: "support".into(),
        queue: "support".into(),
        source,
        mail_bytes_max: 1_000_000,
        since: None,
        poll_every,
    };
    let (house, state): (TestHouse, PathBuf) = (house.clone(), state.to_path_buf());
    Running::start(|pulse, stop| watch(mailbox, house, Parsers::new().unwrap(), state, pulse, stop))
}

fn relay(office: &PostOffice, encryption: Encryption) -> Relay {
    Relay {
        host: "localhost".into(),
        port: match encryption {
            Encryption::StartTls => office.submission_port,
            _ => office.submissions_port,
        },
        encryption,
        user: Some(SUPPORT.into()),
        password: Some(Secret::new(PASSWORD)),
        ca_file: Some(office.ca_file()),
        hello_name: "ticketd.example".into(),
        per_minute: None,
        connections: 3,
    }
}

fn delivering(relay: Relay, house: &TestHouse) -> Running {
    let house = house.clone();
    Running::start(|pulse, stop| deliver(Way::Smtp(relay), house, pulse, stop))
}

fn raw(number: u32) -> String {
    format!("From: {EVE}\r\nTo: {SUPPORT}\r\nSubject: mail {number}\r\n\r\nbody {number}\r\n")
}

async fn ill(running: &Running, words: &str) {
    for _ in 0..3_000 {
        if running
            .pulse
            .trouble()
            .is_some_and(|(_, said)| said.contains(words))
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never said {words:?}, but {:?}", running.pulse.trouble());
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn the_post_office_delivers_vouches_and_knows_forgeries() {
    let Some(office) = office() else { return };
    let forged = "Authentication-Results: mx.desk.example; auth=pass smtp.auth=anna@desk.example\n";
    office.submit(
        ANNA,
        &format!("{forged}From: {ANNA}\nTo: support+token@desk.example\nSubject: one\n\nhello\n"),
    );
    let mails = office.wait_for(SUPPORT, "a mail", |mails| mails.len() == 1);
    let text = String::from_utf8_lossy(&mails[0]).into_owned();
    let stamp =
        text.find("Authentication-Results: mx.desk.example; auth=pass smtp.auth=anna@desk.example");
    assert!(
        stamp.is_some_and(|at| at < text.find("Received:").unwrap()),
        "{text}"
    );
    assert_eq!(text.matches("Authentication-Results").count(), 1, "{text}");

    office.submit(
        EVE,
        &format!("From: {EVE}\nTo: {SUPPORT}\nSubject: two\n\nhello\n"),
    );
    let wanted = |mails: &[Vec<u8>]| {
        mails
            .iter()
            .any(|m| String::from_utf8_lossy(m).contains("dmarc=pass header.from=acme.example"))
    };
    office.wait_for(SUPPORT, "the customer's mail", wanted);

    office.submit_as_stranger(
        "anna@desk.example",
        &format!("{forged}From: {ANNA}\nTo: {SUPPORT}\nSubject: three\n\nhello\n"),
    );
    let mails = office.wait_for(SUPPORT, "the stranger's mail", |mails| mails.len() == 3);
    let stranger = mails
        .iter()
        .map(|m| String::from_utf8_lossy(m))
        .find(|m| m.contains("three"))
        .unwrap();
    assert!(!stranger.contains("Authentication-Results"), "{stranger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_mails_then_idle_then_a_renumbered_folder_then_an_outage() {
    let Some(mut office) = office() else { return };
    for number in 1..=300 {
        office.deliver_raw(SUPPORT, raw(number).as_bytes());
    }
    let house = TestHouse::default();
    let (_folder, state) = state();
    // Longer than the test: only IDLE can tell.
    let running = watching(Source::Imap(account(&office)), &house, &state, MINUTE * 10);
    house
        .until("300 mails", |house| house.mails().len() == 300)
        .await;
    assert!(house.commits() <= 5, "{} commits", house.commits());

    house
        .until("a finished poll", |_| running.pulse.succeeded().is_some())
        .await;
    office.submit(EVE, &raw(301));
    house
        .until("mail 301 by IDLE", |house| house.mails().len() == 301)
        .await;
    let known = house.handed_over();

    let before = house.cursor_of("support").unwrap();
    office.renumber(SUPPORT);
    office.deliver_raw(SUPPORT, raw(302).as_bytes());
    house
        .until("mail 302", |house| house.mails().len() == 302)
        .await;
    assert_ne!(
        house.cursor_of("support").unwrap().uid_validity,
        before.uid_validity
    );
    assert!(
        house.handed_over() >= known + 301,
        "read afresh, known mails changed nothing"
    );

    office.stop_dovecot();
    ill(&running, "").await;
    office.deliver_raw(SUPPORT, raw(303).as_bytes());
    office.start_dovecot();
    house
        .until("mail 303 after the outage", |house| {
            house.mails().len() == 303
        })
        .await;
    running.kill().await;

    let running = watching(Source::Imap(account(&office)), &house, &state, MINUTE);
    let handed_over = house.handed_over();
    house
        .until("a poll after the restart", |_| {
            running.pulse.succeeded().is_some()
        })
        .await;
    assert_eq!(house.handed_over(), handed_over, "nothing twice");
    assert_eq!(house.troubles(), []);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maildir_is_read_as_it_fills_and_emptied_only_into_cur() {
    let Some(office) = office() else { return };
    office.deliver_raw(SUPPORT, raw(1).as_bytes());
    let house = TestHouse::default();
    let (_folder, state) = state();
    let source = Source::Maildir(office.maildir(SUPPORT));
    let running = watching(source.clone(), &house, &state, MINUTE);
    house
        .until("the first mail", |house| house.mails().len() == 1)
        .await;
    office.submit(EVE, &raw(2));
    house
        .until("a mail by the MTA", |house| house.mails().len() == 2)
        .await;
    running.close().await;
    office.deliver_raw(SUPPORT, raw(3).as_bytes());
    let running = watching(source, &house, &state, MINUTE);
    house
        .until("a mail from between", |house| house.mails().len() == 3)
        .await;
    let left = || {
        std::fs::read_dir(office.maildir(SUPPORT).join("new"))
            .unwrap()
            .count()
    };
    house.until("an empty new/", |_| left() == 0).await;
    assert_eq!(office.mailbox(SUPPORT).len(), 3);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g04_wrong_credentials_hosts_and_authorities_are_refused_and_named() {
    let Some(office) = office() else { return };
    let house = TestHouse::default();
    let (_folder, state) = state();
    let said = async |account: Account, words: &str| {
        let running = watching(Source::Imap(account), &house, &state, MINUTE);
        ill(&running, words).await;
        running.close().await;
    };
    let right = account(&office);
    said(
        Account {
            password: Secret::new("wrong"),
            ..right.clone()
        },
        "check user and password file",
    )
    .await;
    said(
        Account {
            ca_file: Some(office.wrong_ca_file()),
            ..right.clone()
        },
        "add the signing authority",
    )
    .await;
    said(
        Account {
            ca_file: None,
            ..right.clone()
        },
        "set ca_file",
    )
    .await;
    said(
        Account {
            host: "127.0.0.2".into(),
            ..right.clone()
        },
        "cannot be reached",
    )
    .await;
    said(
        Account {
            folder: "Nowhere".into(),
            ..right.clone()
        },
        "folder \"Nowhere\" cannot be opened",
    )
    .await;
    said(
        Account {
            port: office.mx_port,
            ..right.clone()
        },
        "does not speak TLS",
    )
    .await;

    house.write_letter(1, "", EVE, &raw(1));
    let wrong = Relay {
        password: Some(Secret::new("wrong")),
        ..relay(&office, Encryption::Implicit)
    };
    let running = delivering(wrong, &house);
    ill(&running, "refuses the login").await;
    assert_eq!(house.movements(), []);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_leave_by_tls_and_by_starttls_through_refusals_and_outages() {
    let Some(mut office) = office() else { return };
    let house = TestHouse::default();
    house.write_letter(1, "", EVE, &raw(1));
    house.write_letter(2, SUPPORT, "nobody-there@acme.example", &raw(2));
    let running = delivering(relay(&office, Encryption::Implicit), &house);
    house
        .until("one accepted, one refused", |house| {
            house.movements().len() == 3
        })
        .await;
    let movements = house.movements();
    assert!(
        movements
            .iter()
            .any(|m| matches!(m, Movement::Accepted(words) if words.starts_with("250")))
    );
    assert!(
        movements
            .iter()
            .any(|m| matches!(m, Movement::Refused(words) if words.starts_with("550 5.1.1")))
    );
    office.wait_for(EVE, "letter 1", |mails| mails.len() == 1);

    office.stop_mta();
    for number in 3..=42 {
        house.write_letter(number, SUPPORT, EVE, &raw(number));
    }
    ill(&running, "").await;
    office.start_mta();
    house
        .until("all accepted", |house| {
            house.movements().len() == 3 + 2 * 40
        })
        .await;
    office.wait_for(EVE, "all letters", |mails| mails.len() == 41);
    running.close().await;

    house.write_letter(43, SUPPORT, EVE, &raw(43));
    let running = delivering(relay(&office, Encryption::StartTls), &house);
    office.wait_for(EVE, "the letter by STARTTLS", |mails| mails.len() == 42);
    running.close().await;
}
