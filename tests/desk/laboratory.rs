//! The loop laboratory (ATTACKS.md C06, C02, C04): machines of every kind answer each other for thirty days. At most two automatic letters a pair, and it ends.

use crate::office::*;
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};
use ticketd::desk::letter::LetterKind;
use ticketd::desk::policy::Policy;
use ticketd::desk::record::{Entry, Place};

/// What stands behind an address.
#[derive(Clone, Copy, Debug)]
enum Machine {
    /// Answers everything, bears no mark, refers to nothing.
    Unmarked,
    /// The same, as a mail client would: to Reply-To, with In-Reply-To.
    Replying,
    /// The same, and it quotes what it got; no word of its own but a greeting.
    Quoting,
    /// Answers the envelope's sender, as RFC 5230 says, but without any mark.
    ToTheEnvelope,
    /// Dovecot's vacation and its kin.
    Vacation,
    /// Nothing ever arrives.
    Bouncing,
}

/// Any number of rounds that people would take is far below.
const ROUNDS_MAX: usize = 1_500;

struct Laboratory {
    office: Office,
    machines: BTreeMap<String, Machine>,
    heard: BTreeSet<Place>,
    rounds: usize,
}

impl Laboratory {
    fn with(machines: &[(&str, Machine)]) -> Laboratory {
        let machines = machines.iter().map(|(a, m)| (a.to_string(), *m));
        Laboratory {
            office: Office::new(),
            machines: machines.collect(),
            heard: BTreeSet::new(),
            rounds: 0,
        }
    }

    /// Everybody answers until nobody does; then the next step of a clock, or the next day.
    fn thirty_days(&mut self) {
        let end = self.office.now + TimeDelta::days(30);
        loop {
            while self.round() {}
            let due = self.office.reader().next_due().expect("due steps");
            let next = due.filter(|at| *at > self.office.now).unwrap_or(end);
            if next >= end {
                return;
            }
            let local = next.with_timezone(&chrono_tz::Europe::Zurich);
            self.office
                .clock_to(&local.format("%Y-%m-%d %H:%M:%S").to_string());
        }
    }

    /// Whether anything was answered.
    fn round(&mut self) -> bool {
        let heard = &self.heard;
        let new = self.office.letters_where(|e| !heard.contains(&e.place));
        for letter in &new {
            self.heard.insert(letter.place);
            let Some(machine) = self.machines.get(&letter.to).copied() else {
                continue;
            };
            self.rounds += 1;
            assert!(
                self.rounds < ROUNDS_MAX,
                "it never ends: {machine:?} at {}",
                letter.to
            );
            self.office.now += TimeDelta::seconds(1);
            let post = self.answer(machine, letter);
            self.office.receives(post);
        }
        !new.is_empty()
    }

    fn answer(&mut self, machine: Machine, letter: &Sent) -> Post {
        let envelope = self.office.envelope_from(letter);
        let number = self.rounds;
        let text = format!("We got your mail and gave it the number {number}.\n");
        let post = Post::from(&letter.to).subject(&format!("Thank you, case {number}"));
        let reply_to = letter.mail.reply_to.first().or(letter.mail.from.first());
        let reply_to = reply_to.expect("an address").address.clone();
        match machine {
            Machine::Unmarked => post.to(&letter.mail.from[0].address).body(&text),
            Machine::Replying => post.answering(letter).to(&reply_to).body(&text),
            Machine::Quoting => {
                let quoted: String = letter.text().lines().map(|l| format!("> {l}\n")).collect();
                post.answering(letter)
                    .to(&reply_to)
                    .body(&format!("\n{quoted}"))
            }
            Machine::ToTheEnvelope => post.to(&envelope).body(&text),
            Machine::Vacation => post
                .to(&envelope)
                .subject("Auto: away")
                .referring(&letter.id)
                .with("Auto-Submitted: auto-replied (vacation)")
                .body("I am away.\n"),
            Machine::Bouncing => report(&envelope, letter, "failed", "5.2.2"),
        }
    }

    /// Automatic letters to an address, but those that a clock of its own sends.
    fn automatic(&mut self, address: &str) -> usize {
        let by_a_clock = |k| matches!(k, LetterKind::Warning | LetterKind::Breach);
        let counted = |e: &Entry| {
            let letter = e.letter.as_ref().filter(|l| l.to == address);
            letter.is_some_and(|l| l.kind != LetterKind::Relay && !by_a_clock(l.kind))
        };
        self.office.entries_where(counted)
    }
}

const MACHINES: [Machine; 6] = [
    Machine::Unmarked,
    Machine::Replying,
    Machine::Quoting,
    Machine::ToTheEnvelope,
    Machine::Vacation,
    Machine::Bouncing,
];

#[test]
fn c06_a_customers_machine_and_the_desk_exchange_two_letters_at_most() {
    for machine in MACHINES {
        for address in [STRANGER, KAETHI] {
            let mut lab = Laboratory::with(&[(address, machine)]);
            lab.office
                .receives(Post::from(address).subject("Once, by a person"));
            lab.thirty_days();
            let sent = lab.automatic(address);
            assert!((1..=2).contains(&sent), "{machine:?} at {address}: {sent}");
            assert!(lab.office.relays().is_empty());
        }
    }
}

#[test]
fn c06_machines_of_the_staff_do_not_keep_each_other_busy() {
    for (anna, beat, carla) in [
        (Machine::Unmarked, Machine::Vacation, Machine::Bouncing),
        (Machine::Replying, Machine::Replying, Machine::Replying),
        (Machine::Quoting, Machine::ToTheEnvelope, Machine::Quoting),
        (Machine::Bouncing, Machine::Bouncing, Machine::Bouncing),
    ] {
        for customer in [Machine::Replying, Machine::Bouncing] {
            let staff = [(ANNA, anna), (BEAT, beat), (CARLA, carla)];
            let mut lab = Laboratory::with(&[&staff[..], &[(KAETHI, customer)]].concat());
            lab.office
                .receives(Post::from(KAETHI).subject("Once, by a person"));
            lab.thirty_days();
            let who = format!("{anna:?}, {beat:?}, {carla:?}, {customer:?}");
            assert!(
                lab.automatic(KAETHI) <= 2,
                "{who}: {}",
                lab.automatic(KAETHI)
            );
            // What a responder without marks says in a member of the staff's name is relayed, three times a day and no more.
            let relays = lab.office.relays().len();
            assert!(relays <= 3 * 3 * 31, "{who}: {relays} relays");
            for (person, _) in staff {
                let days = 31;
                let sent = lab.automatic(person);
                assert!(sent <= 3 * days, "{who}: {sent} letters to {person}");
            }
        }
    }
}

/// Another installation, under a name of its own.
fn other() -> Policy {
    let mut other = policy();
    let rename = |s: &str| s.replace("desk.example", "other.example");
    other.domain = rename(&other.domain);
    other.authserv_id = other.authserv_id.as_deref().map(rename);
    other.links.escalation_address = rename(&other.links.escalation_address);
    for queue in &mut other.queues {
        queue.address = rename(&queue.address);
        queue.aliases = queue.aliases.iter().map(|a| rename(a)).collect();
    }
    other
}

/// What a gateway between them takes away.
#[derive(Clone, Copy, Debug)]
enum Gateway {
    Nothing,
    Marks,
    MarksAndReferences,
}

/// A letter as it comes in at the other side.
fn carried(letter: &Sent, from: &str, to: &str, gateway: Gateway) -> Vec<u8> {
    let taken: &[&str] = match gateway {
        Gateway::Nothing => &[],
        Gateway::Marks => &[
            "auto-submitted",
            "x-auto-response-suppress",
            "ticketd-id",
            "precedence",
        ],
        Gateway::MarksAndReferences => &[
            "auto-submitted",
            "x-auto-response-suppress",
            "ticketd-id",
            "precedence",
            "in-reply-to",
            "references",
            "message-id",
        ],
    };
    let (head, body) = letter.raw.split_once("\r\n\r\n").expect("a header");
    let unfolded = head.replace("\r\n ", " ");
    let kept: Vec<&str> = unfolded
        .split("\r\n")
        .filter(|l| {
            !taken.contains(
                &l.split(':')
                    .next()
                    .unwrap_or_default()
                    .to_lowercase()
                    .as_str(),
            )
        })
        .collect();
    format!(
        "Authentication-Results: mx.{to}; dmarc=pass header.from={from}\r\nReceived: by mx.{to}\r\n{}\r\n\r\n{body}",
        kept.join("\r\n")
    )
    .into_bytes()
}

#[test]
fn c06_two_ticketd_exchange_two_letters_at_most() {
    for gateway in [
        Gateway::Nothing,
        Gateway::Marks,
        Gateway::MarksAndReferences,
    ] {
        let (mut ours, mut theirs) = (Office::new(), Office::under(other()));
        // A person at the other desk wrote to ours with the desk's address.
        ours.receives(Post::from("support@other.example").subject("Hello from next door"));
        let (mut heard, mut rounds) = (BTreeSet::new(), 0);
        loop {
            let mut any = false;
            for (out, domain, into, other) in [
                (0, "desk.example", 1, "other.example"),
                (1, "other.example", 0, "desk.example"),
            ] {
                let letters = match out {
                    0 => ours.letters(),
                    _ => theirs.letters(),
                };
                let crossing = letters
                    .into_iter()
                    .filter(|l| l.to == format!("support@{other}"));
                for letter in crossing.collect::<Vec<_>>() {
                    if !heard.insert((out, letter.place)) {
                        continue;
                    }
                    any = true;
                    let raw = carried(&letter, domain, other, gateway);
                    let office = if into == 0 { &mut ours } else { &mut theirs };
                    office.now += TimeDelta::seconds(1);
                    office.takes("support", raw);
                }
            }
            rounds += 1;
            assert!(rounds < 100, "{gateway:?}: it never ends");
            if !any {
                break;
            }
        }
        let (sent, back) = (
            ours.letters_to("support@other.example").len(),
            theirs.letters_to("support@desk.example").len(),
        );
        assert!(
            sent <= 2 && back <= 2,
            "{gateway:?}: {sent} there, {back} back"
        );
        assert!(sent >= 1, "a person wrote");
    }
}

#[test]
fn c02_a_person_who_writes_every_day_is_answered_every_day() {
    let mut office = Office::new();
    for day in 7..28 {
        office.clock_to(&format!("2026-09-{day:02} 09:00"));
        let words = ["oven", "mixer", "scale", "till", "door", "lamp", "fan"];
        let what = words[day as usize % words.len()];
        office.receives(
            Post::from(KAETHI)
                .subject(what)
                .body(&format!("The {what} is broken.\n")),
        );
    }
    assert_eq!(office.letters_to(KAETHI).len(), 21);
}
