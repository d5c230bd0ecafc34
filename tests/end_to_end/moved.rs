//! A customer's report comes to support, and support's people move it: from then on it is nowhere but with security's.

use crate::canary::{CANARY, HOUR_SECS, Printed, holds};
use crate::mail::{answer, seen, write};
use crate::post_office::PostOffice;
use crate::security::SECURITY;
use crate::story::{ANNA, BEAT, EVE, SUPPORT, count, got, office};
use crate::ticketd::{Ticketd, word};

/// The mails of a mailbox after the first so many.
fn since(office: &PostOffice, user: &str, before: usize) -> Vec<Vec<u8>> {
    office.mailbox(user).split_off(before)
}

fn entries(ticketd: &Ticketd) -> usize {
    let entries = ticketd.show(2)["entries"].as_array().cloned();
    entries.unwrap_or_default().len()
}

/// Whatever she answers to, at support@: the record grows, and nobody is told who may not know.
fn the_customer_goes_on(office: &PostOffice, ticketd: &Ticketd, to: &[String]) {
    for (n, raw) in to.iter().enumerate() {
        let before = entries(ticketd);
        office.submit(EVE, raw);
        ticketd.until(&format!("answer {n} on record"), |it| entries(it) > before);
    }
    ticketd.until_letters_left();
    assert_eq!(ticketd.list(&["--all", "--queue", "security"]).len(), 1);
    let theirs = ticketd.list(&["--all"]);
    let numbers: Vec<_> = theirs.iter().map(|t| t["id"].as_u64()).collect();
    assert_eq!(numbers, [Some(1)], "shown in no other listing");
}

#[test]
fn a_report_that_support_moves_is_from_then_on_with_securitys_people_alone() {
    if let Some(why) = Ticketd::keeps_real_time() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let Some(office) = office() else { return };
    let mut ticketd = Ticketd::running(&office);
    let printed = Printed::default();
    office.submit(
        EVE,
        &write(EVE, SUPPORT, "Printer", "It prints nothing.").raw,
    );
    got(&office, EVE, "an acknowledgement", |m| m.says("ticket"));
    let about = format!("Overflow {CANARY}");
    let report = write(EVE, SUPPORT, &about, &format!("Send 40000 {CANARY}."));
    office.submit(EVE, &report.raw);
    let is_notice = |m: &crate::mail::Seen| m.subject.contains("#2") && m.raw.contains(CANARY);
    let notice = got(&office, ANNA, "a notice", is_notice);
    got(&office, BEAT, "a notice", is_notice);
    let is_of_it = |m: &crate::mail::Seen| m.subject.contains("#2");
    let acknowledged = got(&office, EVE, "an acknowledgement", is_of_it);
    ticketd.until_letters_left();
    let had = [ANNA, BEAT].map(|user| office.mailbox(user).len());
    let logged = ticketd.log().len();

    office.submit(ANNA, &answer(ANNA, &notice, "#queue security").raw);
    got(&office, ANNA, "a transcript", |m| {
        m.says("Moved from queue support to queue security")
    });
    let told = got(&office, BEAT, "a notice of security", |m| {
        m.from == SECURITY
    });
    assert!(
        is_of_it(&told) && !holds(told.raw.as_bytes()),
        "{}",
        told.raw
    );
    assert_eq!(word(&ticketd.show(2), "queue"), "security");
    printed.ask_everything(&ticketd);

    // To our letter, in the thread of her own mail, by the number; then to what came since, by its id alone.
    let says = |subject: &str| write(EVE, SUPPORT, subject, &format!("More of {CANARY}."));
    let (in_thread, by_number) = (says(&about), says(&format!("Re: [#2] {about}")));
    let (since_then, once_more) = (says(&about), says(&about));
    let answering = |id: &str, raw: &str| format!("In-Reply-To: <{id}>\n{raw}");
    let to_our_letter = answer(EVE, &acknowledged, &format!("It is {CANARY}."));
    let first = [
        to_our_letter.raw,
        answering(&report.id, &in_thread.raw),
        by_number.raw.clone(),
    ];
    the_customer_goes_on(&office, &ticketd, &first);
    ticketd.end_well();
    ticketd.start();
    let second = [
        answering(&by_number.id, &since_then.raw),
        answering(&since_then.id, &once_more.raw),
    ];
    the_customer_goes_on(&office, &ticketd, &second);
    // What she says with her answer to the notice that she has is nobody's command any more, nor support's to see.
    office.submit(
        ANNA,
        &answer(ANNA, &notice, &format!("#close {CANARY}")).raw,
    );
    ticketd.until("Anna's mail, set aside", |it| {
        it.list(&["--all", "--queue", "security"]).len() == 2
    });

    printed.ask_everything(&ticketd);
    printed.ask_the_socket(&ticketd);
    ticketd.kill();
    printed.ask(&ticketd, &["rebuild"]);
    ticketd.start();
    // Warnings, reminders, and two mornings.
    for hours in [1, 3, 30, 54] {
        ticketd.offset(hours * HOUR_SECS);
        ticketd.until_letters_left();
    }
    got(&office, ANNA, "what stands on the desk", |m| {
        m.subject.contains(" due today, ")
    });
    printed.ask_everything(&ticketd);
    ticketd.audit();
    ticketd.end_well();

    printed.hold_nothing();
    for (user, had) in [ANNA, BEAT].into_iter().zip(had) {
        for mail in since(&office, user, had) {
            assert!(!holds(&mail), "{user}: {}", String::from_utf8_lossy(&mail));
        }
    }
    let anna: Vec<_> = seen(&since(&office, ANNA, had[0]));
    let named: Vec<_> = anna.iter().filter(|m| m.raw.contains("#2")).collect();
    assert_eq!(named.len(), 1, "the transcript alone: {named:?}");
    assert!(count(&office, BEAT, |m| m.from == SECURITY) > 3);
    let log = ticketd.log();
    let line = log[logged..].lines().find(|line| holds(line.as_bytes()));
    assert_eq!(line, None, "the log, with everything in it");
    ticketd.logged_no_secret_and_no_panic();
}
