//! Who wrote it, and what it answers: nothing that a sender can write is believed.

use super::on_one_field;
use ticketd::desk::letter::LetterKind;
use ticketd::desk::record::Place;
use ticketd::desk::ticket::TicketId;
use ticketd::desk::{thread, token};
use ticketd::mail::sender::Trust;
use ticketd::mail::{self, Fingerprint, address, parse, sender};

/// What is strict stays what it is; the sole author is one that the generous reading sees too.
pub fn address(bytes: &[u8]) {
    let value = String::from_utf8_lossy(bytes);
    let mailboxes = address::mailboxes(&value);
    assert!(mailboxes.len() <= 1_000);
    let shown: usize = mailboxes
        .iter()
        .map(|m| m.name.len() + m.address.len())
        .sum();
    assert!(shown <= 8 * value.len() + 16, "{shown} of {}", value.len());
    if let Some(strict) = address::strict(&value) {
        assert!(strict.is_ascii() && strict.len() <= 254 && !strict.starts_with('-'));
        assert_eq!(strict.matches('@').count(), 1);
        assert_eq!(strict, value.to_ascii_lowercase());
        assert_eq!(address::strict(&strict), Some(strict));
    }
    if let Some(sole) = address::sole(&value) {
        assert_eq!(address::strict(&sole).as_deref(), Some(sole.as_str()));
        assert!(value.to_ascii_lowercase().contains(&sole));
    }
    // As a mail carries it.
    let raw = [b"From: ".as_slice(), &on_one_field(bytes), b"\n\nbody"].concat();
    let read = parse::parsed(&raw);
    if let Some(author) = sender::author(&read) {
        assert_eq!(read.from.len(), 1);
        assert_eq!(read.from[0].address, author);
    }
}

const OURS: &str = "mx.corp.example";
const STAFF: &str = "Received: by mx.corp.example; Mon, 23 Nov 2026 09:00:00 +0100\nFrom: staff@corp.example\n\nbody\n";

/// No pass for what another server says, for what stands below our Received, or for what is said inside a comment or a string of ours.
pub fn authentication(bytes: &[u8]) {
    let value = on_one_field(bytes);
    let foreign = [
        b"Authentication-Results: mx.evil.example; ".as_slice(),
        &value,
        b"\n",
    ]
    .concat();
    let ours: Vec<u8> = [b"Authentication-Results: ".as_slice(), &value, b"\n"].concat();
    is_no_pass(&[&foreign, STAFF.as_bytes()].concat());
    is_no_pass(&[b"Received: by mx.corp.example\n".as_slice(), bytes].concat());
    for (open, close) in [("(", ")"), ("reason=\"", "\"")] {
        let escaped: Vec<u8> = value
            .iter()
            .flat_map(|b| match b {
                b'(' | b')' | b'"' | b'\\' => vec![b'\\', *b],
                // An encoded word is decoded before anybody looks for the end of a comment: RFC 2047 forbids it in a string, and no server writes one.
                b'=' => vec![b'-'],
                _ => vec![*b],
            })
            .collect();
        let said = [
            format!("Authentication-Results: {OURS}; spf=pass {open}").as_bytes(),
            &escaped,
            format!("{close}; dkim=none\n{STAFF}").as_bytes(),
        ]
        .concat();
        is_no_pass(&said);
    }
    let raw = [&ours, STAFF.as_bytes()].concat();
    let read = parse::parsed(&raw);
    let said = read
        .header("Authentication-Results")
        .unwrap_or_default()
        .to_ascii_lowercase();
    match sender::trust(&read, Some(OURS)) {
        Trust::Aligned => assert!(
            [OURS, "dmarc", "pass", "header.from", "corp.example"]
                .iter()
                .all(|w| said.contains(w)),
            "{said}"
        ),
        Trust::Submitted(account) => {
            assert!(
                said.contains(OURS) && said.contains("auth") && said.contains("pass"),
                "{said}"
            );
            assert!(!account.is_empty());
        }
        Trust::Unproven(_) | Trust::Ambiguous(_) => {}
        Trust::Unknown => panic!("a server is configured"),
    }
    assert!(matches!(
        sender::trust(&read, None),
        Trust::Unknown | Trust::Ambiguous(_)
    ));
}

fn is_no_pass(raw: &[u8]) {
    let read = parse::parsed(raw);
    let trust = sender::trust(&read, Some(OURS));
    assert!(
        matches!(trust, Trust::Unproven(_) | Trust::Ambiguous(_)),
        "{trust:?} of {:?}",
        read.headers
    );
}

/// Lines as the fields that name a mail's relatives: evidence is bounded and never the mail itself; mails are grouped into sets that hold each once.
pub fn references(bytes: &[u8]) {
    let mut lines = bytes.split(|b| *b == b'\n');
    let mut raws = vec![];
    while let Some(first) = lines.next() {
        let mut raw = b"From: a@b.example\n".to_vec();
        for (name, value) in [
            "Message-ID",
            "References",
            "In-Reply-To",
            "Subject",
            "Thread-Index",
        ]
        .iter()
        .zip(std::iter::once(first).chain(lines.by_ref()))
        {
            raw.extend_from_slice(format!("{name}: ").as_bytes());
            raw.extend_from_slice(&on_one_field(value));
            raw.push(b'\n');
        }
        raw.extend_from_slice(b"\nbody\n");
        raws.push(raw);
        if raws.len() == 8 {
            break;
        }
    }
    let mails: Vec<_> = raws.iter().map(|raw| mail::read(raw)).collect();
    for mail in &mails {
        let found = thread::candidates(mail);
        assert!(found.len() <= 24 + 2 + 5);
        let own = mail.message_id.clone();
        for evidence in &found {
            if let thread::Evidence::InReplyTo(id) | thread::Evidence::Reference(id) = evidence {
                assert!(own.as_ref() != Some(id), "a mail is no parent of itself");
                assert!(!id.contains(['<', '>', '\n']) && !id.is_empty(), "{id:?}");
            }
        }
        let bare = thread::bare_subject(&mail.subject);
        assert!(bare.len() <= mail.subject.len());
        assert!(!(thread::is_forward(&mail.subject) && thread::is_reply(&mail.subject)));
        assert!(thread::subject_numbers(&mail.subject).len() <= 5);
    }
    let all: Vec<_> = mails.iter().collect();
    let threads = thread::group(&all);
    let mut members: Vec<usize> = threads.iter().flat_map(|t| t.members.clone()).collect();
    members.sort_unstable();
    assert_eq!(
        members,
        (0..mails.len()).collect::<Vec<_>>(),
        "each mail is in one thread"
    );
    for thread in &threads {
        for (child, parent) in &thread.parents {
            assert!(child != parent && thread.members.contains(parent));
        }
    }
}

/// Only the token that was made, in any case, proves anything: no other spelling, and none of it to another.
pub fn token(bytes: &[u8]) {
    let said = String::from_utf8_lossy(bytes);
    let keys = token::Keys::new(vec![('1', [7; 32]), ('0', [8; 32])]);
    let now = chrono::DateTime::UNIX_EPOCH;
    let (ticket, seq) = (457, 3);
    let place = Place {
        ticket: TicketId(ticket),
        seq,
    };
    let first_mail = Fingerprint([1; 32]);
    let made = keys.token(LetterKind::Notice, place, first_mail, "anna@desk.example");
    let proves = |claim: Option<token::Claim>, to| {
        claim.is_some_and(|c| keys.verify(&c, first_mail, to, now))
    };
    let returned = keys.return_token(LetterKind::Notice, place, first_mail, "anna@desk.example");
    let (id, plus) = (
        format!("{made}@desk.example"),
        format!("support+{made}@desk.example"),
    );
    let back = format!("support+{returned}@desk.example");
    for (given, genuine, claim) in [
        (
            said.to_string(),
            &id,
            token::claim_of_message_id(&said, "desk.example"),
        ),
        (
            said.to_string(),
            &plus,
            token::claim_of_address(&said, "support@desk.example"),
        ),
        (
            format!("{said}@desk.example"),
            &id,
            token::claim_of_message_id(&format!("{said}@desk.example"), "desk.example"),
        ),
    ] {
        if proves(claim.clone(), "anna@desk.example") {
            let given = given.to_ascii_lowercase();
            assert!(
                given == *genuine || given == back,
                "only what was made: {given}"
            );
        }
        assert!(
            !proves(claim, "beat@desk.example"),
            "{given} was made for another"
        );
    }
    // The genuine one with a byte changed, wherever the input says.
    if let [at, to, ..] = bytes {
        let mut forged = id.clone().into_bytes();
        let at = usize::from(*at) % forged.len();
        forged[at] = *to;
        if let Ok(forged) = String::from_utf8(forged) {
            let proven = proves(
                token::claim_of_message_id(&forged, "desk.example"),
                "anna@desk.example",
            );
            assert_eq!(proven, forged.eq_ignore_ascii_case(&id), "{forged}");
        }
    }
}
