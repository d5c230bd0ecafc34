//! ATTACKS.md C04, C06: a customer and one of the staff are away, and Dovecot's own vacation answers for both.

use crate::mail::{answer, write};
use crate::story::{ANNA, BEAT, EVE, SUPPORT, count, got, office};
use crate::ticketd::{Ticketd, word};

const AWAY: &str = "I am away until the end of the month.";

#[test]
fn c04_c06_vacations_on_both_sides_are_filed_and_answered_by_nobody() {
    let Some(mut office) = office() else { return };
    office.on_vacation(&[EVE, BEAT], AWAY);
    let mut ticketd = Ticketd::running(&office);
    let request = write(
        EVE,
        SUPPORT,
        "The export fails",
        "Hello\n\nThe export of our orders fails with error 17.\n\nEve",
    );
    office.submit(EVE, &request.raw);
    got(&office, EVE, "an acknowledgement", |_| true);
    let notice = got(&office, ANNA, "a notice", |_| true);
    got(&office, BEAT, "a notice", |_| true);
    let reply = answer(ANNA, &notice, "We restarted the exporter.\n\nAnna");
    office.submit(ANNA, &reply.raw);
    // A person wrote it, so it is the first mail that a vacation answers.
    got(&office, EVE, "Anna's answer", |m| {
        m.says("We restarted the exporter.")
    });
    let filed = ticketd.until_some("the vacation is filed", |it| {
        let entries = it.show(1)["entries"].as_array().cloned()?;
        let mut filed = entries.into_iter().filter(|e| e["kind"] == "filed");
        filed.next()
    });
    assert_eq!(word(&filed, "mail_kind"), "auto-reply", "{filed:#}");
    assert_eq!(word(&filed, "from"), EVE);
    // Nothing answers it, and what the vacation may not answer (RFC 5230 4.6) it did not: our own letters bear the marks.
    ticketd.until_letters_left();
    assert_eq!(count(&office, EVE, |_| true), 2);
    assert_eq!(count(&office, ANNA, |_| true), 1);
    assert_eq!(count(&office, SUPPORT, |m| m.says(AWAY)), 1);
    let ticket = ticketd.show(1);
    assert_eq!(word(&ticket, "state"), "waiting-customer");
    if Ticketd::keeps_real_time().is_none() {
        ticketd.offset(30 * 86_400);
        ticketd.until("no clock", |it| it.status().1.contains("no clock runs"));
        ticketd.until_letters_left();
        assert_eq!(count(&office, EVE, |_| true), 2);
        assert_eq!(count(&office, SUPPORT, |m| m.says(AWAY)), 1);
    }
    ticketd.audit();
    ticketd.end_well();
    ticketd.logged_no_secret_and_no_panic();
}
