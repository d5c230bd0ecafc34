//! What a customer gets of an answer of the staff: text and HTML, names, copies; and what the staff hear of each other.

use crate::office::*;
use ticketd::desk::event::Movement;
use ticketd::desk::letter::LetterKind;
use ticketd::mail::address::mailboxes;

const COLLEAGUE: &str = "bob@acme.example";
const PARTNER: &str = "pia@partner.example";

fn with_copies() -> Office {
    let mut office = Office::new();
    let copies = format!("{COLLEAGUE}, Pia <{PARTNER}>, {BEAT}, support-alias@desk.example");
    office.receives(
        Post::from(ALICE)
            .id("first@acme.example")
            .copied_to(&copies),
    );
    office
}

/// The HTML of a letter.
fn html(letter: &Sent) -> String {
    letter.mail.html.clone().unwrap_or_default()
}

#[test]
fn whom_the_customer_put_in_copy_gets_the_same_answer() {
    let mut office = with_copies();
    office.answers(ANNA, "Try another socket.\n");
    let relays = office.relays();
    let to: Vec<&str> = relays.iter().map(|l| l.to.as_str()).collect();
    assert_eq!(
        to,
        [ALICE, COLLEAGUE, PARTNER],
        "neither staff nor ourselves"
    );
    for letter in &relays {
        assert_eq!(
            letter.raw, relays[0].raw,
            "one mail, as any mail with copies"
        );
        assert_eq!(letter.mail.to[0].address, ALICE);
        let cc: Vec<&str> = letter.mail.cc.iter().map(|m| m.address.as_str()).collect();
        assert_eq!(cc, [COLLEAGUE, PARTNER]);
    }
    assert!(
        office
            .entries(1)
            .iter()
            .filter_map(|e| e.letter.as_ref())
            .all(|l| l.envelope_from.contains("+b"))
    );
    // A copied colleague's answer joins, and no command of his counts for anything.
    let post = Post::from(PARTNER)
        .answering(&relays[2])
        .body("#close\n\nIt works here.\n");
    office.receives(post);
    assert_eq!(office.tickets().len(), 1);
    assert!(office.ticket(1).is_open());
}

#[test]
fn only_the_customers_own_letter_stops_the_clock() {
    let mut office = with_copies();
    office.courier = false;
    office.answers(ANNA, "Try another socket.\n");
    let relays = office.relays();
    let accepted = |office: &mut Office, letter: &Sent| {
        office.moves(letter.place, Movement::Taken);
        office.moves(letter.place, Movement::Accepted("250".into()));
    };
    accepted(&mut office, &relays[1]);
    assert!(office.initial(1).is_running());
    office.moves(
        relays[2].place,
        Movement::Refused("550 5.1.1 nobody".into()),
    );
    assert!(office.last_to(ANNA).says("A copy of your answer of entry"));
    accepted(&mut office, &relays[0]);
    assert!(!office.initial(1).is_running());
}

#[test]
fn copies_and_names_are_a_matter_of_policy() {
    let mut policy = policy();
    policy.queues[0].keep_copies = false;
    policy.queues[0].staff_names = false;
    let mut office = Office::under(policy);
    office.receives(Post::from(ALICE).copied_to(PARTNER));
    office.answers(ANNA, "Try another socket.\n");
    assert_eq!(office.relays().len(), 1);
    let relay = office.relays().remove(0);
    assert!(relay.mail.cc.is_empty());
    assert_eq!(relay.mail.from[0].name, "Desk support");
    let mut office = with_copies();
    office.answers(ANNA, "Try another socket.\n");
    assert_eq!(
        office.relays()[0].mail.from[0].name,
        "Anna Muster (Desk support)"
    );
    // Nobody else reads the answers to a report, whoever was in copy of it.
    office.receives(
        Post::from(STRANGER)
            .to("security@desk.example")
            .copied_to(PARTNER),
    );
    office.answers(DARIO, "Thank you.\n");
    let last = office.relays().pop().unwrap();
    assert_eq!((last.to.as_str(), last.mail.cc.len()), (STRANGER, 0));
}

#[test]
fn b07_nobody_gets_copies_by_an_unproven_mail() {
    let mut office = Office::new();
    office.receives(Post::from(ALICE));
    let ack = office.letters_to(ALICE).remove(0);
    office.receives(
        Post::from(ALICE)
            .answering(&ack)
            .copied_to("evil@x.example")
            .forged(),
    );
    office.answers(ANNA, "Try another socket.\n");
    assert_eq!(office.relays().len(), 1);
    // The customer's own later mail adds whom he wants to know.
    office.receives(Post::from(ALICE).answering(&ack).copied_to(PARTNER));
    office.answers(ANNA, "And now?\n");
    let to: Vec<String> = office.relays().into_iter().map(|l| l.to).collect();
    assert_eq!(to, [ALICE, ALICE, PARTNER]);
    assert!(!office.letters().iter().any(|l| l.raw.contains("evil@x")));
}

#[test]
fn d06_the_html_of_an_answer_is_kept_and_made_harmless() {
    let mut office = with_copies();
    let notice = office.last_to(ANNA);
    let quoted = notice.text().replace('\n', "<br>");
    let post = Post::from(ANNA).answering(&notice).html(
        "Try *another* socket.\nSee https://docs.example/a\n\nOn Monday, Desk wrote:\n> #1 severity\n",
        &format!("<html><body onload=\"evil()\"><p style='color:red'>Try <b>another</b> socket.<br>See <a href=\"https://docs.example/a\" onclick=\"x()\">https://docs.example/a</a></p><script>evil()</script><img src=\"http://t.example/pixel\"><svg onload=\"evil()\"></svg><div class=\"gmail_quote\">On Monday, Desk wrote:<blockquote>{quoted}</blockquote></div></body></html>"),
    );
    office.receives(post);
    let relay = office.relays().remove(0);
    assert!(relay.text().contains("Try *another* socket."));
    let html = html(&relay);
    assert!(
        html.contains("<p>Try <b>another</b> socket.<br>See <a href=\"https://docs.example/a\">"),
        "{html}"
    );
    for evil in [
        "script",
        "onload",
        "onclick",
        "evil",
        "svg",
        "img",
        "pixel",
        "severity",
        "gmail_quote",
    ] {
        assert!(!html.contains(evil), "{evil} in {html}");
    }
}

#[test]
fn html_that_says_another_thing_than_the_text_is_made_anew() {
    let mut office = with_copies();
    let notice = office.last_to(ANNA);
    // A client nobody knows: its quotation is marked in the plain text only.
    let post = Post::from(ANNA).answering(&notice).html(
        "Try another socket.\n\nOn Monday, Desk wrote:\n> secret of the desk\n",
        "<p>Try another <i>socket</i>.</p><div class='unheard-of'>On Monday, Desk wrote:<br>secret of the desk</div>",
    );
    office.receives(post);
    let relay = office.relays().remove(0);
    assert!(
        html(&relay).contains("<p>Try another socket.</p>"),
        "{}",
        html(&relay)
    );
    assert!(!relay.raw.contains("secret"));
    // Commands are in neither part.
    let notice = office.last_to(ANNA);
    let post = Post::from(ANNA).answering(&notice).html(
        "#severity 2 fuse\n\nIt is the fuse.\n",
        "<p>#severity 2 fuse</p><p>It is the <b>fuse</b>.</p>",
    );
    office.receives(post);
    let relay = office.relays().pop().unwrap();
    assert!(html(&relay).contains("<p>It is the <b>fuse</b>.</p>"));
    assert!(!html(&relay).contains("#severity") && !relay.text().contains("#severity"));
    // A plain mail stays one.
    office.answers(ANNA, "Bye.\n");
    assert_eq!(office.relays().pop().unwrap().mail.html, None);
}

#[test]
fn two_who_answer_at_once_are_both_relayed_and_both_told() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI));
    let (to_anna, to_beat) = (office.last_to(ANNA), office.last_to(BEAT));
    office.receives(
        Post::from(ANNA)
            .answering(&to_anna)
            .body("Try another socket.\n"),
    );
    let quiet = office.letters().len();
    office.receives(
        Post::from(BEAT)
            .answering(&to_beat)
            .body("Is it plugged in?\n"),
    );
    assert_eq!(office.relays().len(), 2);
    let told = office.letters().split_off(quiet);
    let kinds: Vec<(LetterKind, &str)> = told.iter().map(|l| (l.kind, l.to.as_str())).collect();
    assert!(kinds.contains(&(LetterKind::Transcript, ANNA)), "{kinds:?}");
    assert!(kinds.contains(&(LetterKind::Transcript, BEAT)), "{kinds:?}");
    assert!(
        office
            .last_to(ANNA)
            .says("Beat Beispiel has answered the customer too")
    );
    assert!(
        office
            .last_to(BEAT)
            .says("Anna Muster has answered the customer too")
    );
    // Who answers a mail that came after it has seen it in the record; nobody is told.
    let relay = office.relays().pop().unwrap();
    office.receives(Post::from(KAETHI).answering(&relay).body("No.\n"));
    let quiet = office.letters_to(ANNA).len();
    office.answers(BEAT, "Then look at the fuse.\n");
    assert_eq!(office.letters_to(ANNA).len(), quiet);
}

#[test]
fn every_address_of_a_relay_is_one_that_was_meant() {
    let mut office = with_copies();
    office.answers(ANNA, "Write to eve@x.example, she knows.\n");
    for relay in office.relays() {
        for field in ["To", "Cc", "Reply-To", "From"] {
            for found in mailboxes(relay.mail.header(field).unwrap_or_default()) {
                let ours = found.address.ends_with("@desk.example");
                let meant = [ALICE, COLLEAGUE, PARTNER].contains(&found.address.as_str());
                assert!(ours || meant, "{field}: {}", found.address);
            }
        }
        assert!(
            relay.mail.header("Auto-Submitted").is_none()
                && relay.mail.header("Precedence").is_none()
        );
    }
}

#[test]
fn after_assignment_the_assignee_and_watchers_get_notices_and_the_others_know_who_answers() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI));
    office.answers(BEAT, "#watch\n");
    office.answers(ANNA, "#take\n");
    let told = office.last_to(CARLA);
    assert!(
        told.mail.subject.contains("Anna Muster is answering"),
        "{}",
        told.mail.subject
    );
    assert!(
        !office
            .letters_to(ANNA)
            .iter()
            .any(|l| l.says("is answering"))
    );
    assert!(
        !office
            .letters_to(BEAT)
            .iter()
            .any(|l| l.says("is answering")),
        "he watches it"
    );
    let (annas, beats, carlas) = (
        office.letters_to(ANNA).len(),
        office.letters_to(BEAT).len(),
        office.letters_to(CARLA).len(),
    );
    let ack = office.letters_to(KAETHI).remove(0);
    office.receives(Post::from(KAETHI).answering(&ack).body("Still on fire.\n"));
    assert_eq!(office.letters_to(ANNA).len(), annas + 1);
    assert_eq!(office.letters_to(BEAT).len(), beats + 1);
    assert_eq!(office.letters_to(CARLA).len(), carlas);
    // Said again it is no news; by that letter somebody else may watch it.
    office.answers(ANNA, "#assign anna\n");
    assert_eq!(office.letters_to(CARLA).len(), carlas);
    office.receives(Post::from(CARLA).answering(&told).body("#watch\n"));
    office.receives(Post::from(KAETHI).answering(&ack).body("Hello?\n"));
    assert_eq!(office.last_to(CARLA).kind, LetterKind::Notice);
}

#[test]
fn who_answered_too_is_told_once_and_who_only_took_a_note_is_not() {
    let mut office = Office::new();
    office.receives(Post::from(KAETHI));
    let (to_anna, to_beat) = (office.last_to(ANNA), office.last_to(BEAT));
    let to_carla = office.last_to(CARLA);
    for body in ["Try another socket.\n", "And another cable.\n"] {
        office.receives(Post::from(ANNA).answering(&to_anna).body(body));
    }
    office.receives(Post::from(CARLA).answering(&to_carla).body("#note so?\n"));
    office.receives(
        Post::from(BEAT)
            .answering(&to_beat)
            .body("Is it plugged in?\n"),
    );
    let told = |office: &mut Office, who: &str| -> usize {
        let letters = office.letters_to(who);
        let texts = letters.iter().map(|l| l.text());
        let times = texts.map(|t| t.matches("has answered the customer").count());
        times.sum()
    };
    for (who, times) in [(ANNA, 1), (BEAT, 1), (CARLA, 0)] {
        assert_eq!(told(&mut office, who), times, "{who}");
    }
}
