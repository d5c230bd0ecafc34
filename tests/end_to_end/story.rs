//! A customer writes, gets an answer, writes again: the main job.

use crate::mail::{Seen, answer, seen, write};
use crate::post_office::PostOffice;
use crate::ticketd::{Ticketd, word};
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Zurich;
use serde_json::Value;

pub const SUPPORT: &str = "support@desk.example";

pub const ANNA: &str = "anna@desk.example";
pub const BEAT: &str = "beat@desk.example";
pub const EVE: &str = "eve@acme.example";

/// The servers, or why there are none.
pub fn office() -> Option<PostOffice> {
    if let Some(why) = PostOffice::missing() {
        eprintln!("SKIPPED: {why}");
        return None;
    }
    Some(PostOffice::start())
}

/// The first mail of a mailbox that is as wanted, once it is there.
pub fn got(office: &PostOffice, user: &str, what: &str, wanted: impl Fn(&Seen) -> bool) -> Seen {
    let mails = office.wait_for(user, what, |mails| seen(mails).iter().any(&wanted));
    seen(&mails).into_iter().find(|m| wanted(m)).unwrap()
}

/// How many mails of a mailbox are so.
pub fn count(office: &PostOffice, user: &str, wanted: impl Fn(&Seen) -> bool) -> usize {
    seen(&office.mailbox(user))
        .iter()
        .filter(|m| wanted(m))
        .count()
}

/// An instant as letters write it.
fn swiss(utc: &str) -> String {
    let at: DateTime<Utc> = utc.parse().unwrap();
    at.with_timezone(&Zurich)
        .format("%d.%m.%Y %H:%M")
        .to_string()
}

fn entries<'a>(ticket: &'a Value, kind: &str) -> Vec<&'a Value> {
    let all = ticket["entries"].as_array().unwrap();
    all.iter().filter(|e| word(e, "kind") == kind).collect()
}

#[test]
fn a_customer_is_acknowledged_answered_and_heard_again() {
    let Some(office) = office() else { return };
    let mut ticketd = Ticketd::running(&office);

    let request = write(
        EVE,
        SUPPORT,
        "The export fails",
        "Hello\n\nSince this morning the export of our orders fails with error 17. We expected a file and got nothing.\n\nEve",
    );
    office.submit(EVE, &request.raw);
    let acknowledged = got(&office, EVE, "an acknowledgement", |_| true);
    let ticket = ticketd.show(1);
    acknowledges(&acknowledged, &ticket, &request.id);

    let notice = got(&office, ANNA, "a notice", |_| true);
    let other = got(&office, BEAT, "a notice", |_| true);
    assert_ne!(notice.id, other.id, "each has a token of their own");
    for notice in [&notice, &other] {
        assert_eq!(notice.auto_submitted.as_deref(), Some("auto-generated"));
        assert!(notice.text.contains("error 17"), "{}", notice.text);
    }
    assert_eq!(ticket["responded"], Value::Null);

    let reply = answer(
        ANNA,
        &notice,
        "Good morning\n\nWe restarted the exporter. Please try again.\n\nAnna",
    );
    office.submit(ANNA, &reply.raw);
    let answered = got(&office, EVE, "Anna's answer", |m| {
        m.text.contains("We restarted the exporter")
    });
    assert_eq!(answered.from, SUPPORT);
    assert_eq!(
        answered.auto_submitted, None,
        "a person wrote it: {}",
        answered.raw
    );
    assert_eq!(answered.in_reply_to, request.id);
    assert!(answered.references.contains(&request.id));
    assert!(
        !answered.raw.contains("anna@desk.example"),
        "{}",
        answered.raw
    );
    assert!(
        !answered.text.contains("Why:"),
        "nothing of the notice: {}",
        answered.text
    );
    ticketd.until("the clock stops", |it| {
        it.show(1)["responded"] != Value::Null
    });
    let ticket = ticketd.show(1);
    assert_eq!(word(&ticket, "state"), "waiting-customer");
    assert_eq!(ticket["breached"], false);
    assert_eq!(count(&office, EVE, |_| true), 2);

    ticketd.audit();
    ticketd.end_well();
    ticketd.logged_no_secret_and_no_panic();
}

fn acknowledges(letter: &Seen, ticket: &Value, request_id: &str) {
    assert_eq!(letter.from, SUPPORT);
    assert_eq!(letter.auto_submitted.as_deref(), Some("auto-replied"));
    assert_eq!(letter.in_reply_to, request_id);
    assert_eq!(letter.references, [request_id]);
    assert!(letter.subject.contains("#1"), "{}", letter.subject);
    let deadline = swiss(word(ticket, "deadline"));
    let severity = format!("Severity: {}", ticket["severity"]);
    for words in [
        "ticket #1",
        &severity,
        "Plan: Extended SLA",
        &deadline,
        "https://status.desk.example",
        "To escalate",
        "hi@desk.example",
    ] {
        assert!(letter.says(words), "{words:?} in {}", letter.text);
    }
    assert!(
        !letter.text.contains("error 17"),
        "nothing of the mail is echoed"
    );
    assert_eq!(entries(ticket, "mail").len(), 1);
}
