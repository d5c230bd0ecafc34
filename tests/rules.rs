//! The shipped rules against what customers write.

use std::time::Instant;
use ticketd::contract::Source;
use ticketd::mail::{self, Header, Kind, Language, Mail, Mailbox};
use ticketd::rules::{Facts, RuleBook, Verdict};

fn mail(subject: &str, text: &str) -> Mail {
    let mut mail = mail::parse::parsed(b"");
    mail.subject = subject.into();
    mail.new_text = text.into();
    mail.text = text.into();
    mail.kind = Kind::Human;
    mail.language = Language::Other;
    mail.from = vec![Mailbox {
        name: String::new(),
        address: "rita@acme.example".into(),
    }];
    mail
}

fn facts() -> Facts {
    Facts {
        queue: "support".into(),
        customer: "acme".into(),
        plan: "extended-sla".into(),
        trust: "aligned".into(),
    }
}

fn shipped() -> RuleBook {
    RuleBook::shipped().unwrap_or_else(|faults| {
        panic!(
            "{}",
            faults.iter().map(|f| format!("{f}\n")).collect::<String>()
        )
    })
}

#[test]
fn shipped_rules_hold_their_examples() {
    assert!(shipped().len() > 20);
}
