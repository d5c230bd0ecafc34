//! A letter comes back over a real server, to the return path that was signed for it (C4.7).

use crate::mail::{answer, write};
use crate::story::{ANNA, EVE, SUPPORT, got, office};
use crate::ticketd::{Ticketd, word};

/// A report as RFC 3464 has it, of a letter to Eve.
fn report(to: &str, id: &str) -> String {
    report_of(to, id, EVE)
}

/// A report of a letter to somebody.
pub fn report_of(to: &str, id: &str, recipient: &str) -> String {
    format!(
        "From: Mail Delivery System <mailer-daemon@acme.example>\r\nTo: {to}\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-ID: <{}.report@acme.example>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n--r\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.acme.example\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.7.1\r\n--r\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{id}>\r\n--r--\r\n",
        to.len()
    )
}

/// Where a letter says that it came from.
fn return_path(raw: &str) -> String {
    let line = raw.lines().find_map(|l| l.strip_prefix("Return-Path: "));
    line.expect("a Return-Path").trim_matches(['<', '>']).into()
}

#[test]
fn c4_7_an_answer_that_comes_back_starts_the_clock_again_and_a_forgery_does_not() {
    let Some(office) = office() else { return };
    let mut ticketd = Ticketd::running(&office);
    let request = write(
        EVE,
        SUPPORT,
        "Printer",
        "The printer is on fire, please help us.",
    );
    office.submit(EVE, &request.raw);
    let notice = got(&office, ANNA, "a notice", |_| true);
    office.submit(ANNA, &answer(ANNA, &notice, "Try another socket.").raw);
    let relay = got(&office, EVE, "an answer", |m| m.says("another socket"));
    let runs = |it: &Ticketd| it.show(1)["responded"].is_null();
    ticketd.until("the clock stopped", |it| !runs(it));

    let path = return_path(&relay.raw);
    assert!(path.starts_with("support+breply.1."), "{path}");
    // To the queue, and to a path that somebody made up.
    let forged = path.replace("breply.1.", "breply.1");
    for to in [SUPPORT, &forged] {
        office.submit_as_stranger("mailer-daemon@acme.example", &report(to, &relay.id));
    }
    ticketd.until("the forgeries are filed", |it| {
        it.ask(&["list", "--filed"])
            .out
            .matches("mailer-daemon")
            .count()
            + it.show(1)["entries"]
                .to_string()
                .matches("\"filed\"")
                .count()
            >= 2
    });
    assert!(!runs(&ticketd));

    office.submit_as_stranger("mailer-daemon@acme.example", &report(&path, &relay.id));
    ticketd.until("the clock runs", |it| runs(it));
    let told = got(&office, ANNA, "word of it", |m| m.says("did not reach"));
    assert!(told.says("5.7.1"), "{}", told.text);
    assert_eq!(word(&ticketd.show(1), "state"), "new");
    ticketd.audit();
    ticketd.end_well();
    ticketd.logged_no_secret_and_no_panic();
}
