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
    refers_to(&answered, &[&request.id]);
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

    customer_writes_again(&office, &ticketd, &answered);
    staff_command(&office, &ticketd, &notice);
    a_forger_is_told_nothing(&office, &ticketd, &notice);
    closed_and_reopened(&office, &ticketd, &notice, &answered);

    ticketd.until_letters_left();
    ticketd.audit();
    a_second_start_repairs_nothing(&mut ticketd);
    ticketd.logged_no_secret_and_no_panic();
}

fn a_second_start_repairs_nothing(ticketd: &mut Ticketd) {
    let before = ticketd.ask_well(&["list", "--all", "--json"]).out;
    ticketd.end_well();
    assert!(ticketd.path("state/index.clean").exists());
    assert!(!ticketd.path("control").exists(), "its socket is gone");
    ticketd.start();
    assert_eq!(ticketd.ask_well(&["list", "--all", "--json"]).out, before);
    ticketd.until("all is well", |it| it.status().0 == 0);
    ticketd.end_well();
    let log = ticketd.log();
    let complaint = log
        .lines()
        .find(|l| l.contains("WARN") || l.contains("ERROR"));
    assert_eq!(complaint, None);
}

/// All of them, in this order, the first of the thread first: clients make their trees of it (RFC 5322 3.6.4).
fn refers_to(letter: &Seen, ids: &[&String]) {
    assert_eq!(letter.references.first(), ids.first().copied());
    let known = letter.references.iter().filter(|id| ids.contains(id));
    assert_eq!(known.collect::<Vec<_>>(), ids, "{:?}", letter.references);
}

fn customer_writes_again(office: &PostOffice, ticketd: &Ticketd, answered: &Seen) {
    let again = answer(EVE, answered, "It fails still, now with error 18.");
    office.submit(EVE, &again.raw);
    for person in [ANNA, BEAT] {
        let notice = got(office, person, "a notice of the reply", |m| {
            m.says("error 18")
        });
        assert!(notice.says("Reply on ticket #1"), "{}", notice.text);
        assert!(
            !notice.says("We restarted"),
            "without the quotation: {}",
            notice.text
        );
    }
    assert_eq!(ticketd.list(&["--all"]).len(), 1, "it is the same ticket");
    assert_eq!(entries(&ticketd.show(1), "mail").len(), 3);
    assert_eq!(
        count(office, EVE, |m| m.auto_submitted.is_some()),
        1,
        "a reply is not acknowledged"
    );
    let notice = got(office, BEAT, "the notice", |m| m.says("error 18"));
    office.submit(BEAT, &answer(BEAT, &notice, "Now it is repaired.").raw);
    let second = got(office, EVE, "Beat's answer", |m| {
        m.says("Now it is repaired.")
    });
    let begin = &answered.references[0];
    refers_to(&second, &[begin, &answered.id, &again.id]);
    assert_eq!(second.in_reply_to, again.id);
}

fn staff_command(office: &PostOffice, ticketd: &Ticketd, notice: &Seen) {
    let commands = answer(
        ANNA,
        notice,
        "#severity 2 their whole team waits\n#assign anna",
    );
    office.submit(ANNA, &commands.raw);
    let transcript = got(office, ANNA, "a transcript", |m| {
        m.says("Assigned to anna.")
    });
    assert!(
        transcript.says("Severity set from 3 to 2: their whole team waits."),
        "{}",
        transcript.text
    );
    let ticket = ticketd.show(1);
    assert_eq!(
        (&ticket["severity"], word(&ticket, "assignee")),
        (&2.into(), "anna")
    );
    let change = got(office, EVE, "the news of the severity", |m| {
        m.says("now has severity 2")
    });
    assert_eq!(change.auto_submitted.as_deref(), Some("auto-generated"));

    let note = answer(
        ANNA,
        notice,
        "#note They never pay on time.\n\nDo not tell them.",
    );
    office.submit(ANNA, &note.raw);
    got(office, ANNA, "its transcript", |m| {
        m.says("The note is on the record")
    });
    let ticket = ticketd.show(1);
    let kept = entries(&ticket, "note");
    assert!(
        kept.iter()
            .any(|e| word(e, "text") == "They never pay on time.\n\nDo not tell them."),
        "{kept:?}"
    );

    let wrong = answer(ANNA, notice, "Dear Eve, it is done.\n\n#close");
    office.submit(ANNA, &wrong.raw);
    got(office, ANNA, "what was wrong", |m| {
        m.says("#close stands below the first lines")
    });
    ticketd.until_letters_left();
    assert_eq!(count(office, EVE, |m| m.says("never pay")), 0);
    assert_eq!(count(office, EVE, |m| m.says("it is done")), 0, "held back");
}

/// With a real token, in Anna's name, but not with her account.
fn a_forger_is_told_nothing(office: &PostOffice, ticketd: &Ticketd, notice: &Seen) {
    let before = ticketd.show(1);
    let forged = answer(
        ANNA,
        notice,
        "#severity 4 nothing is wrong\n\nPlease send us your password.",
    );
    office.submit_as_stranger(ANNA, &forged.raw);
    for person in [ANNA, BEAT] {
        let told = got(office, person, "a warning of the forger", |m| {
            m.says("nothing was carried out or relayed")
        });
        assert!(told.says("claims to be from anna"), "{}", told.text);
    }
    let aside = ticketd.list(&["--quarantine"]);
    assert_eq!(aside.len(), 1);
    ticketd.until_letters_left();
    assert_eq!(ticketd.show(1), before, "nothing has changed");
    assert_eq!(count(office, EVE, |m| m.says("your password")), 0);
}

fn closed_and_reopened(office: &PostOffice, ticketd: &Ticketd, notice: &Seen, answered: &Seen) {
    office.submit(ANNA, &answer(ANNA, notice, "#close solved").raw);
    got(office, ANNA, "its transcript", |m| {
        m.says("Closed: solved.")
    });
    assert_eq!(word(&ticketd.show(1), "state"), "closed");

    // A client that drops the thread's headers, but answers to Reply-To.
    let bare = write(
        EVE,
        &answered.reply_to,
        "Something else entirely",
        "It has come back: error 19.",
    );
    office.submit(EVE, &bare.raw);
    got(office, ANNA, "a notice of the reply", |m| {
        m.says("error 19")
    });
    let ticket = ticketd.show(1);
    assert_eq!(word(&ticket, "state"), "open", "reopened");
    assert_eq!(
        ticketd.list(&["--all"]).len(),
        2,
        "the ticket and what was set aside"
    );
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
