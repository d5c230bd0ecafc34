//! What rules do beside severity, queue and tags: another acknowledgement, a copy handed on.

use crate::office::{ALICE, KAETHI, Office, Post, STRANGER, policy_with};
use std::sync::Arc;
use ticketd::contract::Source;
use ticketd::desk::letter::{LetterKind, Templates};
use ticketd::desk::record::EntryKind;

const ORDERS: &str = "orders@partner.example";
const RULE: &str = r#"
[[rule]]
because = "an order"
said = ['\border\b', '\bbestellen\b']
template = "orders"
forward = "orders@partner.example"
matches = ["I would like to order"]
"#;

fn wants(from: &str) -> Post {
    Post::from(from)
        .subject("An order")
        .body("I would like to order two more licences.\n")
}

fn office() -> Office {
    let mut policy = policy_with(|_, text| text, RULE);
    let letter = |language: &str, text: &str| Source {
        file: format!("letters/{language}/acknowledgement-orders.txt"),
        text: text.into(),
    };
    let letters = [
        letter(
            "en",
            "Subject: Your order, [#{{ ticket }}]\n\nOrders take two days.\n",
        ),
        letter(
            "de",
            "Subject: Ihre Bestellung, [#{{ ticket }}]\n\nBestellungen brauchen zwei Tage.\n",
        ),
    ];
    policy.templates = Arc::new(Templates::parse(&letters).expect("the letters"));
    Office::under(policy)
}

#[test]
fn a_rule_chooses_the_acknowledgement() {
    let mut office = office();
    office.receives(wants(ALICE));
    let told = office.last_of(ALICE, LetterKind::Acknowledgement);
    assert!(told.says("Orders take two days."), "{}", told.text());
    assert_eq!(told.mail.subject, "Your order, [#1]");
    // In the customer's language, or the nearest that there is; as usual where no rule chose.
    office.receives(
        wants(KAETHI).body("Guten Tag, ich möchte bitte zwei weitere Lizenzen bestellen.\n"),
    );
    let told = office.last_of(KAETHI, LetterKind::Acknowledgement);
    assert!(
        told.says("Bestellungen brauchen zwei Tage."),
        "{}",
        told.text()
    );
    office.receives(Post::from(ALICE));
    let told = office.last_of(ALICE, LetterKind::Acknowledgement);
    assert!(!told.says("Orders take"), "{}", told.text());
}

#[test]
fn a_rule_hands_the_mail_on_as_it_came() {
    let mut office = office();
    office.receives(wants(ALICE));
    let copies = office.letters_to(ORDERS);
    let [copy] = copies.as_slice() else {
        panic!("{} copies", copies.len());
    };
    assert!(
        copy.says("ticket #1") && copy.says("an order"),
        "{}",
        copy.text()
    );
    let [enclosed] = copy.mail.attachments.as_slice() else {
        panic!("{:?}", copy.mail.attachments);
    };
    assert_eq!(enclosed.media_type, "message/rfc822");
    assert!(
        copy.raw
            .contains("I would like to order two more licences.")
    );
    // Nothing goes back to who wrote it, and its machine's answer opens nothing.
    office.receives(wants(ORDERS));
    assert_eq!(
        office
            .letters_to(ORDERS)
            .iter()
            .filter(|l| l.kind == LetterKind::Notice)
            .count(),
        1
    );
}

#[test]
fn c05_what_comes_back_from_behind_that_address_is_not_handed_on_again() {
    let mut office = office();
    office.receives(wants(ALICE));
    let copy = office.last_to(ORDERS);
    // A machine without any mark, at the address to which that one is redirected, says back what it got: on the ticket, and as new mails.
    let machine = |n: u32| wants(STRANGER).body(&format!("Case {n}: I would like to order\n"));
    for n in 0..5 {
        office.receives(machine(n).with(&format!("In-Reply-To: <{}>", copy.id)));
        office.receives(machine(n));
    }
    assert!(
        office.letters_to(ORDERS).len() <= 2,
        "{}",
        office.letters_to(ORDERS).len()
    );
}

#[test]
fn g01_nothing_of_a_confidential_queue_is_handed_on() {
    let mut office = office();
    office.receives(wants(ALICE).to("security@desk.example"));
    assert!(office.letters_to(ORDERS).is_empty());
    assert!(office.recorded(1, "Not forwarded"));
    assert_eq!(office.count(1, EntryKind::Mail), 1);
}
