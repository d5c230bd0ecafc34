//! Servers that come and go, that do not want us, or that number everything anew; and mails that are hardly mails.

use crate::mail::write;
use crate::post_office::PostOffice;
use crate::story::{ANNA, EVE, SUPPORT, count, got, office};
use crate::ticketd::{Settings, Ticketd, word};
use std::time::{Duration, Instant};

/// A mail from Eve that is put into the mailbox without the MTA, as if it had vouched for her.
fn delivered(office: &PostOffice, subject: &str) {
    let mail = write(EVE, SUPPORT, subject, "It fails.");
    let vouched = "Authentication-Results: mx.desk.example; dmarc=pass header.from=acme.example\n";
    office.deliver_raw(SUPPORT, format!("{vouched}{}", mail.raw).as_bytes());
}

fn tickets(ticketd: &Ticketd, wanted: usize) {
    ticketd.until(&format!("{wanted} tickets"), |it| {
        it.list(&["--all"]).len() == wanted
    });
}

#[test]
fn outages_lose_nothing_and_show() {
    let Some(mut office) = office() else { return };
    let mut ticketd = Ticketd::running(&office);
    delivered(&office, "before");
    got(&office, EVE, "an acknowledgement", |_| true);
    ticketd.until("all is well", |it| it.status().0 == 0);

    // Dovecot also checks the passwords of submissions: letters wait as well.
    office.stop_dovecot();
    ticketd.until("an outage of IMAP", |it| {
        let (code, words) = it.status();
        code == 2 && words.contains("critical  mailbox support")
    });
    delivered(&office, "during an outage of IMAP");
    office.start_dovecot();
    tickets(&ticketd, 2);
    got(&office, EVE, "its acknowledgement", |m| {
        m.subject.contains("#2")
    });
    ticketd.until("all is well again", |it| it.status().0 == 0);

    office.stop_mta();
    delivered(&office, "during an outage of SMTP");
    tickets(&ticketd, 3);
    ticketd.until("an outage of SMTP", |it| {
        let (code, words) = it.status();
        code == 2 && words.contains("critical  outgoing")
    });
    office.start_mta();
    got(&office, EVE, "its acknowledgement", |m| {
        m.subject.contains("#3")
    });
    got(&office, ANNA, "its notice", |m| {
        m.says("Ticket #3") || m.subject.contains("#3")
    });
    ticketd.until("all is well in the end", |it| it.status().0 == 0);
    assert_eq!(count(&office, EVE, |_| true), 3);

    ticketd.audit();
    ticketd.end_well();
    ticketd.logged_no_secret_and_no_panic();
}

#[test]
fn g03_g04_refused_logins_and_wrong_certificates_are_named_not_repeated_and_tell_no_secret() {
    let Some(office) = office() else { return };
    let settings = Settings {
        imap_password: "not the password".into(),
        ..Settings::of(&office)
    };
    let mut ticketd = Ticketd::configured(&office, &settings);
    ticketd.start();
    ticketd.until("three refused logins", |it| {
        it.status()
            .1
            .matches("check user and password file")
            .count()
            == 3
    });
    assert_eq!(ticketd.status().0, 2);
    // That nothing happens can only be seen by waiting.
    let until = Instant::now() + Duration::from_secs(4);
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(
        office.logs().matches("auth failed").count(),
        3,
        "{}",
        office.logs()
    );
    ticketd.end_well();
    assert!(!ticketd.log().contains("not the password"));

    let settings = Settings {
        ca_file: office.wrong_ca_file(),
        ..Settings::of(&office)
    };
    ticketd.configure(&office, &settings);
    ticketd.start();
    ticketd.until("a certificate that does not fit", |it| {
        it.status().1.contains("add the signing authority")
    });

    ticketd.end_well();
    ticketd.configure(&office, &Settings::of(&office));
    ticketd.start();
    ticketd.until("all is well", |it| it.status().0 == 0);
    ticketd.end_well();
    ticketd.logged_no_secret_and_no_panic();
}

#[test]
fn odd_mails_are_tickets_and_a_renumbered_mailbox_changes_nothing() {
    let Some(mut office) = office() else { return };
    let settings = Settings {
        mail_bytes_max: 20_000,
        ..Settings::of(&office)
    };
    let mut ticketd = Ticketd::configured(&office, &settings);
    ticketd.start();
    delivered(&office, "ordinary");
    let big = write(EVE, SUPPORT, "big", &"All is in here.\n".repeat(4_000));
    office.submit(EVE, &big.raw);
    let odd = [
        "To: support@desk.example\nSubject: no From\n\nhello\n",
        "From: eve@acme.example\nTo: support@desk.example\nSubject: no Date, no Message-ID\n\nhello\n",
        "\n",
        "no header at all",
    ];
    for mail in odd {
        office.deliver_raw(SUPPORT, mail.as_bytes());
    }
    tickets(&ticketd, 2 + odd.len());
    let all = ticketd.list(&["--all"]);
    let big = all.iter().find(|t| word(t, "subject") == "big").unwrap();
    let big = ticketd.show(big["id"].as_u64().unwrap());
    assert!(
        big["entries"][0]["oddities"]
            .to_string()
            .contains("more than is taken"),
        "{big}"
    );
    let told = got(&office, EVE, "an acknowledgement", |m| {
        m.subject.contains(&format!("#{}", big["id"]))
    });
    assert!(told.says("only its first part is here"), "{}", told.text);
    got(&office, ANNA, "a notice that says so", |m| {
        m.says("more than is taken")
    });

    ticketd.until_letters_left();
    let (eve, anna) = (office.mailbox(EVE).len(), office.mailbox(ANNA).len());
    office.renumber(SUPPORT);
    delivered(&office, "after the renumbering");
    tickets(&ticketd, 3 + odd.len());
    got(&office, EVE, "its acknowledgement", |m| {
        m.subject.contains(&format!("#{}", 3 + odd.len()))
    });
    ticketd.until_letters_left();
    assert_eq!(office.mailbox(EVE).len(), eve + 1);
    office.wait_for(ANNA, "one notice more", |mails| mails.len() == anna + 1);

    ticketd.audit();
    ticketd.end_well();
    ticketd.logged_no_secret_and_no_panic();
}

#[test]
fn held_letters_wait_for_their_release() {
    let Some(office) = office() else { return };
    let settings = Settings {
        hold_letters: true,
        ..Settings::of(&office)
    };
    let mut ticketd = Ticketd::configured(&office, &settings);
    ticketd.start();
    delivered(&office, "held");
    ticketd.until("three held letters", |it| held(it) == 3);
    ticketd.end_well();
    ticketd.start();
    ticketd.until("they are shown", |it| it.status().0 == 1);
    assert_eq!(
        (office.mailbox(EVE).len(), office.mailbox(ANNA).len()),
        (0, 0)
    );
    assert_eq!(held(&ticketd), 3);

    ticketd.ask_well(&["outbox", "release"]);
    got(&office, EVE, "the acknowledgement", |_| true);
    got(&office, ANNA, "the notice", |_| true);
    ticketd.until("all is well", |it| it.status().0 == 0);
    ticketd.end_well();
    ticketd.logged_no_secret_and_no_panic();
}

fn held(ticketd: &Ticketd) -> usize {
    let letters = ticketd.ask_well(&["outbox", "--json"]).lines();
    letters.iter().filter(|l| word(l, "road") == "held").count()
}
