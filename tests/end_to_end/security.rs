//! What is security's is nobody else's.

use crate::mail::{answer, write};
use crate::story::{ANNA, BEAT, EVE, SUPPORT, count, got, office};
use crate::ticketd::{Ticketd, word};

pub const SECURITY: &str = "security@desk.example";
pub const KIM: &str = "kim@nobody.example";

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
