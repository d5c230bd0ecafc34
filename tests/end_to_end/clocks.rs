//! A clock runs through its warnings to the breach, with the daemon ended and killed in between.

use crate::mail::{Seen, answer, seen, write};
use crate::post_office::PostOffice;
use crate::story::{ANNA, BEAT, SUPPORT, got, office};
use crate::ticketd::{Ticketd, word};

const URS: &str = "urs@helvetia.example";
/// What Helvetia's order promises for severity 1, around the clock.
const OBJECTIVE_SECS: i64 = 40 * 60;
/// The mail was received some moments ago by now; a step is due for sure so much later.
const SURELY: i64 = 5;

/// After so many per cent of the objective.
fn at(percent: i64) -> i64 {
    OBJECTIVE_SECS * percent / 100 + SURELY
}

#[test]
fn warnings_and_the_breach_come_once_across_restarts() {
    if let Some(why) = Ticketd::keeps_real_time() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let Some(office) = office() else { return };
    let mut ticketd = Ticketd::running(&office);
    let request = write(
        URS,
        SUPPORT,
        "Unser Cluster ist ausgefallen",
        "Guten Tag\n\nSchweregrad: 1\n\nUnser ganzer Cluster steht still, niemand kann arbeiten.\n\nUrs",
    );
    office.submit(URS, &request.raw);
    acknowledged_in_german(&got(&office, URS, "an acknowledgement", |_| true));

    hears(&office, &ticketd, ANNA, &["new"]);
    hears(&office, &ticketd, BEAT, &["new"]);
    // The queue, since the ticket is nobody's.
    ticketd.offset(at(50));
    hears(&office, &ticketd, ANNA, &["new", "50 %"]);
    hears(&office, &ticketd, BEAT, &["new", "50 %"]);
    ticketd.end_well();
    ticketd.start();
    // Who is on duty.
    ticketd.offset(at(75));
    hears(&office, &ticketd, ANNA, &["new", "50 %", "75 %"]);
    ticketd.kill();
    ticketd.start();
    // Who leads.
    ticketd.offset(at(90));
    hears(&office, &ticketd, BEAT, &["new", "50 %", "90 %"]);
    ticketd.kill();
    ticketd.start();
    ticketd.offset(at(100));
    hears(&office, &ticketd, ANNA, &["new", "50 %", "75 %", "breach"]);
    hears(&office, &ticketd, BEAT, &["new", "50 %", "90 %", "breach"]);
    ticketd.end_well();
    ticketd.start();
    ticketd.offset(at(100) + 3_600);
    hears(
        &office,
        &ticketd,
        BEAT,
        &["new", "50 %", "90 %", "breach", "reminder 1, 4 days"],
    );
    let ticket = ticketd.show(1);
    assert_eq!(
        (&ticket["breached"], &ticket["credit_days"]),
        (&true.into(), &4.into())
    );

    answered_late(&office, &ticketd);
    ticketd.offset(at(100) + 86_400);
    ticketd.until("no clock", |it| it.status().1.contains("no clock runs"));
    hears(
        &office,
        &ticketd,
        ANNA,
        &["new", "50 %", "75 %", "breach", "reminder 1, 4 days"],
    );
    ticketd.audit();
    ticketd.end_well();
    ticketd.logged_no_secret_and_no_panic();
}

fn acknowledged_in_german(letter: &Seen) {
    for words in [
        "Schweregrad: 1 (kritisch, Dienst steht still), wie von Ihnen angegeben",
        "Erste Antwort bis:",
        "innert zweier Stunden",
    ] {
        assert!(letter.says(words), "{words:?} in {}", letter.text);
    }
}

/// 93 minutes after the deadline, in answer to the breach: six full quarters of an hour (C4.6).
fn answered_late(office: &PostOffice, ticketd: &Ticketd) {
    ticketd.offset(at(100) + 93 * 60);
    let breach = got(office, ANNA, "the breach", |m| {
        m.subject.contains("Breach:")
    });
    let reply = answer(ANNA, &breach, "Der Cluster läuft wieder.");
    office.submit(ANNA, &reply.raw);
    got(office, URS, "the answer", |m| {
        m.says("Der Cluster läuft wieder.")
    });
    ticketd.until("the clock ends", |it| !it.show(1)["responded"].is_null());
    // An open ticket of this severity would be due an update each hour (C6.5).
    ticketd.ask_well(&["close", "1", "done"]);
    let ticket = ticketd.show(1);
    assert_eq!(ticket["credit_days"], 6);
    let credit = ticket["entries"].as_array().unwrap().iter();
    let credit: Vec<_> = credit
        .filter(|e| word(e, "kind") == "credit")
        .map(|e| word(e, "text"))
        .collect();
    assert!(
        credit.len() == 1 && credit[0].starts_with("6 days of credit for helvetia (C4.1)"),
        "{credit:?}"
    );
}

/// Waits until this person has been told exactly this, and nothing is on its way.
fn hears(office: &PostOffice, ticketd: &Ticketd, person: &str, wanted: &[&str]) {
    office.wait_for(person, &wanted.join(", "), |mails| {
        mails.len() >= wanted.len()
    });
    ticketd.until_letters_left();
    let mails = seen(&office.mailbox(person));
    // Whether the desk opened meanwhile depends on the day on which this runs (C10.5).
    let heard = mails.iter().filter(|m| !m.subject.contains(" due today, "));
    let heard: Vec<String> = heard.map(gist).collect();
    assert_eq!(heard, wanted, "{person}\n{}", ticketd.last_words());
}

fn gist(mail: &Seen) -> String {
    let step = ["50", "75", "90"].map(|p| format!("({p} % of the time has passed)"));
    let percent = step.iter().find(|s| mail.says(s));
    match (percent, mail.subject.as_str()) {
        (Some(percent), _) => percent[1..5].to_string(),
        (None, subject) if subject.starts_with("Breach, reminder 1") => {
            let days = mail.says("Credit so far: 4 days");
            format!("reminder 1, {} days", if days { "4" } else { "other" })
        }
        (None, subject) if subject.starts_with("Breach: #1") => "breach".into(),
        (None, _) if mail.says("New ticket #1") => "new".into(),
        (None, subject) => subject.into(),
    }
}
