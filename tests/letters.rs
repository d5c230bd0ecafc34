//! Letters as they leave the building: golden files, and what holds for any letter whatever.

use chrono::{TimeZone, Utc};
use mail_parser::MessageParser;
use proptest::prelude::*;
use std::path::Path;
use ticketd::contract::within::Counted;
use ticketd::contract::{Source, Within};
use ticketd::desk::letter::{
    Acknowledgement, AcknowledgementSecurity, Answering, Breach, Change, Cut, Digest, Enclosure,
    Forward, Html, Letter, LetterKind, Notice, NoticeConfidential, OpeningDigest, Review, Sealed,
    Templates, Text, Transcript, Warning, render, time_words, within_words,
};
use ticketd::mail::{Fingerprint, Language, Mailbox};

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox {
        name: name.into(),
        address: address.into(),
    }
}

fn letter(kind: LetterKind, text: Text) -> Letter {
    Letter {
        kind,
        from: mailbox("Example Support", "support@vendor.example"),
        reply_to: None,
        to: mailbox("Rita Müller", "rita@acme.example"),
        cc: vec![],
        subject: text.subject,
        text: text.text,
        html: text.html,
        message_id: "a.457.2.abcdefgh@vendor.example".into(),
        in_reply_to: Some("first@acme.example".into()),
        references: vec!["root@acme.example".into(), "first@acme.example".into()],
        date: Utc.with_ymd_and_hms(2026, 3, 27, 15, 40, 0).unwrap(),
        enclosures: vec![],
        headers: vec![
            ("Ticketd-Id".into(), "457".into()),
            ("Ticketd-Loop".into(), "0123456789abcdef".into()),
        ],
    }
}

fn check_golden(name: &str, letter: &Letter, content: &dyn Fn(&Enclosure) -> Vec<u8>) {
    let bytes = render(letter, content);
    assert_eq!(
        bytes,
        render(letter, content),
        "{name}: the same letter, the same bytes"
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/letters")
        .join(format!("{name}.eml"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &bytes).unwrap();
    }
    let expected = std::fs::read(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; run with UPDATE_GOLDEN=1", path.display()));
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        String::from_utf8_lossy(&expected),
        "{name}"
    );
}

fn check(name: &str, kind: LetterKind, text: Text) {
    check_golden(name, &letter(kind, text), &|_| vec![]);
}

fn acknowledgement(language: Language) -> Acknowledgement {
    Acknowledgement {
        ticket: 457,
        vendor: "Example".into(),
        severity: 2,
        severity_stated: true,
        plan: "Extended SLA".into(),
        deadline: Some("Mon 30.03.2026 10:40".into()),
        status_page: "https://status.vendor.example".into(),
        documentation: "https://docs.vendor.example".into(),
        community: "https://community.vendor.example".into(),
        escalation_normal: within_words(&Within::BusinessDays(1), language),
        escalation_urgent: time_words(120, language),
        escalation_address: "hi@vendor.example".into(),
        ..Acknowledgement::default()
    }
}

const LANGUAGES: [(&str, Language); 3] = [
    ("de", Language::De),
    ("gsw", Language::Gsw),
    ("en", Language::En),
];

#[test]
fn acknowledgements() {
    let templates = Templates::parse(&[]).unwrap();
    for (code, language) in LANGUAGES {
        let ack = |content: &Acknowledgement| templates.letter(language, content);
        let kind = LetterKind::Acknowledgement;
        check(
            &format!("{code}-acknowledgement"),
            kind,
            ack(&acknowledgement(language)),
        );
        let best_effort = Acknowledgement {
            severity: 3,
            severity_stated: false,
            deadline: None,
            opens: Some("Mon 30.03.2026 08:00".into()),
            missing: ["missing-impact", "missing-steps", "missing-logs"]
                .map(String::from)
                .to_vec(),
            phone: "+41 71 000 00 00".into(),
            ..acknowledgement(language)
        };
        check(
            &format!("{code}-acknowledgement-best-effort-incomplete"),
            kind,
            ack(&best_effort),
        );
        let stranger = Acknowledgement {
            plan: String::new(),
            ..best_effort
        };
        check(
            &format!("{code}-acknowledgement-stranger"),
            kind,
            ack(&stranger),
        );
        let promised = Acknowledgement {
            escalation_normal: within_words(&Within::Minutes(4 * 60, Counted::Business), language),
            escalation_urgent: time_words(45, language),
            ..acknowledgement(language)
        };
        let name = format!("{code}-acknowledgement-escalation");
        check(&name, kind, ack(&promised));
        type Case = (&'static str, fn(&mut Acknowledgement));
        let cases: [Case; 3] = [
            ("billing", |a| {
                a.billing = true;
                a.billing_address = "billing@vendor.example".into();
            }),
            ("consulting", |a| a.consulting = true),
            ("end-user", |a| {
                a.end_user = true;
                a.plan = String::new();
                a.deadline = None;
            }),
        ];
        for (case, set) in cases {
            let mut content = acknowledgement(language);
            set(&mut content);
            let name = format!("{code}-acknowledgement-{case}");
            check(&name, kind, ack(&content));
        }
        let security = AcknowledgementSecurity {
            ticket: 458,
            vendor: "Example".into(),
            received: "Fri 27.03.2026 16:40".into(),
            cut: false,
            answer_within_hours: 48,
            policy: "https://vendor.example/security".into(),
            key: "https://vendor.example/key.asc".into(),
        };
        check(
            &format!("{code}-acknowledgement-security"),
            kind,
            templates.letter(language, &security),
        );
        let cut = Cut {
            ticket: 457,
            vendor: "Example AG".into(),
        };
        check(
            &format!("{code}-cut"),
            LetterKind::Change,
            templates.letter(language, &cut),
        );
        let sealed = Sealed { ticket: 457 };
        check(
            &format!("{code}-sealed"),
            LetterKind::Relay,
            templates.letter(language, &sealed),
        );
        let cut = AcknowledgementSecurity {
            cut: true,
            ..security
        };
        check(
            &format!("{code}-acknowledgement-security-cut"),
            kind,
            templates.letter(language, &cut),
        );
        let change = Change {
            ticket: 457,
            vendor: "Example".into(),
            severity: 3,
            severity_before: 1,
            deadline: Some("Mon 30.03.2026 16:40".into()),
            ..Change::default()
        };
        check(
            &format!("{code}-change"),
            LetterKind::Change,
            templates.letter(language, &change),
        );
    }
}

#[test]
fn whatever_a_contract_promises_for_escalations_can_be_said() {
    let written = Counted::Written("Mo-Fr 07:00-19:00; PH off".into());
    for (promise, expected) in [
        (
            Within::BusinessDays(2),
            [
                "innert zweier Arbeitstage",
                "innert zwei Arbetstäg",
                "within two business days",
            ],
        ),
        (
            Within::BusinessDays(5),
            [
                "innert 5 Arbeitstagen",
                "innert 5 Arbetstäg",
                "within 5 business days",
            ],
        ),
        (
            Within::Minutes(60, Counted::Always),
            ["innert einer Stunde", "innert ere Stund", "within one hour"],
        ),
        (
            Within::Minutes(90, Counted::Business),
            [
                "innert 90 Minuten unserer Geschäftszeiten",
                "innert 90 Minute vo eusne Gschäftsziite",
                "within 90 minutes of our business hours",
            ],
        ),
        (
            Within::Minutes(480, written),
            [
                "innert 8 Stunden (Mo-Fr 07:00-19:00; PH off)",
                "innert 8 Stund (Mo-Fr 07:00-19:00; PH off)",
                "within 8 hours (Mo-Fr 07:00-19:00; PH off)",
            ],
        ),
    ] {
        let said = LANGUAGES.map(|(_, language)| within_words(&promise, language));
        assert_eq!(said, expected);
    }
}

#[test]
fn letters_to_staff() {
    let templates = Templates::parse(&[]).unwrap();
    let notice = Notice {
        ticket: 457,
        new: true,
        queue: "support".into(),
        customer: "ACME".into(),
        plan: "Extended SLA".into(),
        severity: 1,
        severity_by: "rules".into(),
        reasons: vec!["severity.toml:12: production is down (\"prod is down\")".into()],
        deadline: Some("Fri 27.03.2026 17:00".into()),
        explanation: vec![
            "Fri 27.03. 16:40 to 17:00: 20 min".into(),
            "Mon 30.03. 08:00 to 08:40: 40 min".into(),
        ],
        received: "Fri 27.03.2026 16:40".into(),
        from_name: "Rita Müller".into(),
        from_address: "rita@acme.example".into(),
        trust: "proven".into(),
        subject: "Prod is down".into(),
        new_text: "Hello\n\nProd is down since nine.\n#close\n".into(),
        attachments: vec!["log.txt".into()],
        oddities: vec!["no Date".into()],
        ..Notice::default()
    };
    let en = Language::En;
    check(
        "en-notice",
        LetterKind::Notice,
        templates.letter(en, &notice),
    );
    let confidential = NoticeConfidential {
        ticket: 458,
        new: true,
        age: "2 min".into(),
        deadline: None,
    };
    check(
        "en-notice-confidential",
        LetterKind::Notice,
        templates.letter(en, &confidential),
    );
    let answering = Answering {
        ticket: 457,
        queue: "support".into(),
        assignee: "Anna Muster".into(),
    };
    check(
        "en-answering",
        LetterKind::Notice,
        templates.letter(en, &answering),
    );
    let forward = Forward {
        ticket: 457,
        queue: "support".into(),
        reasons: vec!["9-orders.toml:3: an order (order)".into()],
    };
    check(
        "en-forward",
        LetterKind::Notice,
        templates.letter(en, &forward),
    );
    let warning = Warning {
        ticket: 457,
        queue: "support".into(),
        customer: "ACME".into(),
        plan: "Extended SLA".into(),
        severity: 1,
        subject: "Prod is down".into(),
        owed: "initial response".into(),
        clause: "C4.1".into(),
        deadline: "Mon 30.03.2026 08:40".into(),
        left: "20 min".into(),
        percent: 75,
        explanation: notice.explanation.clone(),
        cost: "each further 15 min: 1 day for ACME".into(),
        ..Warning::default()
    };
    check(
        "en-warning",
        LetterKind::Warning,
        templates.letter(en, &warning),
    );
    for (name, left, expired) in [
        ("en-warning-seconds", "less than a minute", ""),
        ("en-warning-expired", "", "2 h 10 min"),
    ] {
        let (left, expired, percent) = (left.into(), expired.into(), 100);
        let warning = Warning {
            left,
            expired,
            percent,
            ..warning.clone()
        };
        check(name, LetterKind::Warning, templates.letter(en, &warning));
    }
    let breach = Breach {
        ticket: 457,
        queue: "support".into(),
        customer: "ACME".into(),
        plan: "Extended SLA".into(),
        severity: 1,
        subject: "Prod is down".into(),
        owed: "initial response".into(),
        clause: "C4.1".into(),
        deadline: "Mon 30.03.2026 08:40".into(),
        late: "45 min".into(),
        credit_days: 3,
        provisional: true,
        explanation: notice.explanation,
        cost: "each further 15 min: 1 day for ACME".into(),
        assignee: "Anna".into(),
        ..Breach::default()
    };
    check(
        "en-breach",
        LetterKind::Breach,
        templates.letter(en, &breach),
    );
    let refused = Transcript {
        ticket: 457,
        wrong: vec!["#sverity is unknown".into()],
        manual: vec![
            "#severity 1|2|3|4 REASON: determines the severity".into(),
            "#help: this manual".into(),
        ],
        ..Transcript::default()
    };
    check(
        "en-transcript-refused",
        LetterKind::Transcript,
        templates.letter(en, &refused),
    );
    let failed = Transcript {
        ticket: 457,
        failed: vec![
            "Your answer of entry 7 did not reach rita@acme.example: status 5.7.1.".into(),
        ],
        ..Transcript::default()
    };
    check(
        "en-transcript-failed",
        LetterKind::Transcript,
        templates.letter(en, &failed),
    );
}

#[test]
fn a_relay_is_unmarked_and_its_enclosures_are_whole() {
    let mut relay = letter(
        LetterKind::Relay,
        Text {
            subject: "Re: Prod is down".into(),
            text: "Grüezi\n\nDer Dienst läuft wieder.\n\nAnna\n".into(),
            html: None,
        },
    );
    let enclosure = |name: &str, media_type: &str| Enclosure {
        mail: Fingerprint::of(b""),
        part: Some(1),
        name: name.into(),
        media_type: media_type.into(),
        content_id: None,
    };
    relay.reply_to = Some("support+t457.abcdef@vendor.example".into());
    relay.enclosures = vec![
        enclosure("Übersicht/../../März.pdf", "application/pdf"),
        enclosure("report.eml", "message/rfc822"),
    ];
    let content = |e: &Enclosure| match e.media_type.as_str() {
        "message/rfc822" => b"Subject: inside\n\nuntouched\n".to_vec(),
        _ => vec![0, 255, 1, 2],
    };
    check_golden("relay-with-enclosures", &relay, &content);
}

#[test]
fn pictures_stand_beside_the_html_that_shows_them() {
    let text = Text {
        subject: "Re: Prod is down".into(),
        text: "Grüezi\n\n[image: März.png]\n\nAnna\n".into(),
        html: Some(Html::Page(
            "<p>Grüezi</p><p><img src=\"cid:image1.0123456789abcdef@vendor.example\" alt=\"März.png\"></p><p>Anna</p>\n".into(),
        )),
    };
    let mut relay = letter(LetterKind::Relay, text);
    let picture = Enclosure {
        mail: Fingerprint::of(b""),
        part: Some(1),
        name: "März.png".into(),
        media_type: "image/png".into(),
        content_id: Some("image1.0123456789abcdef@vendor.example".into()),
    };
    let file = Enclosure {
        name: "log.txt".into(),
        media_type: "text/plain".into(),
        content_id: None,
        ..picture.clone()
    };
    relay.enclosures = vec![picture.clone()];
    let content = |e: &Enclosure| e.name.clone().into_bytes();
    check_golden("relay-with-picture", &relay, &content);
    relay.enclosures = vec![picture, file];
    check_golden("relay-with-picture-and-file", &relay, &content);
    // Without the HTML that shows it a picture is a file like any other.
    relay.html = None;
    let bytes = render(&relay, &content);
    let mail = MessageParser::new().parse(&bytes).expect("a mail");
    assert_eq!(mail.attachment_count(), 2);
    let raw = String::from_utf8(bytes).expect("ASCII");
    assert!(
        !raw.contains("Content-ID") && !raw.contains("inline"),
        "{raw}"
    );
}

#[test]
fn a_name_in_ascii_is_written_as_it_is() {
    let text = Text {
        subject: "Re: Prod is down".into(),
        text: "All is well.\n".into(),
        html: None,
    };
    let mut relay = letter(LetterKind::Relay, text);
    for (name, field) in [
        (
            "Anna Muster (Example Support)",
            "\"Anna Muster (Example Support)\" <support@vendor.example>",
        ),
        (
            "Zoë (Support)",
            "=?utf-8?b?Wm/DqyAoU3VwcG9ydCk=?= <support@vendor.example>",
        ),
    ] {
        relay.from.name = name.into();
        let raw = String::from_utf8(render(&relay, &|_| vec![])).expect("ASCII");
        assert!(raw.starts_with(&format!("From: {field}\r\n")), "{raw}");
    }
}

#[test]
fn german_letters_are_in_swiss_spelling() {
    for (file, text) in ticketd::desk::letter::SHIPPED {
        assert!(!text.contains('ß'), "{file}");
    }
}

#[test]
fn nothing_that_a_stranger_wrote_makes_a_line_of_its_own() {
    let text = Templates::default().letter(
        Language::En,
        &Notice {
            from_name: "Eve\nAnswer by: never".into(),
            subject: "x\u{2028}Severity: 4".into(),
            new_text: "#close\nSeverity: 4".into(),
            ..Notice::default()
        },
    );
    assert!(
        text.text.lines().all(|l| !l.starts_with("#close")
            && !l.starts_with("Severity: 4")
            && !l.starts_with("Answer by: never")),
        "{}",
        text.text
    );
    assert!(!text.subject.contains('\n'));
}

#[test]
fn a_variable_that_is_not_on_the_list_is_refused_with_its_line() {
    let refused = |file: &str, text: &str| {
        let source = Source {
            file: file.into(),
            text: text.into(),
        };
        let faults = Templates::parse(&[source]).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults[0].to_string()
    };
    let unknown = refused(
        "letters/de/change.txt",
        "Subject: x\n\nHallo\n{{ subject }}\n",
    );
    assert!(
        unknown.starts_with(
            "letters/de/change.txt:4: the letter \"change\" has no variable \"subject\"; use "
        ),
        "{unknown}"
    );
    let nested = refused(
        "letters/de/change.txt",
        "Subject: x\n\n{{ ticket.secret }}\n",
    );
    assert!(nested.contains("\"ticket.secret\""), "{nested}");
    let broken = refused("letters/de/change.txt", "Subject: x\n\nHallo\n{% if %}\n");
    assert!(broken.starts_with("letters/de/change.txt:4: "), "{broken}");
    let filter = refused(
        "letters/de/change.txt",
        "Subject: x\n\n{{ ticket|shout }}\n",
    );
    assert!(filter.starts_with("letters/de/change.txt:3: "), "{filter}");
    assert!(refused("letters/de/change.txt", "Hallo\n").contains("begins with its subject"));
    assert!(
        refused("letters/fr/change.txt", "Subject: x\n\nSalut\n").contains("use de, gsw or en")
    );
    assert!(
        refused("letters/de/chnage.txt", "Subject: x\n\nHallo\n").contains("use acknowledgement, ")
    );
}

#[test]
fn html_templates_escape_what_they_are_given() {
    let source = Source {
        file: "letters/de/change.html".into(),
        text: "<p>{{ reason }}</p>".into(),
    };
    let change = Change {
        reason: "<script>".into(),
        ..Change::default()
    };
    let text = Templates::parse(&[source])
        .unwrap()
        .letter(Language::De, &change);
    let page = |text: Text| text.html.map(|html| html.page().into_owned());
    assert_eq!(page(text).as_deref(), Some("<p>&lt;script&gt;</p>"));
    let made = Templates::default().letter(Language::De, &change);
    assert!(page(made).unwrap().contains("&lt;script&gt;"));
}

#[test]
fn the_html_of_a_letter_to_staff_repeats_a_strangers_words_as_they_are() {
    let notice = Notice {
        subject: "https://evil.example/".into(),
        new_text: "see https://evil.example/ <b>\n\n  10:02   up\n".into(),
        ..Notice::default()
    };
    let text = Templates::default().letter(Language::En, &notice);
    let page = text.html.as_ref().map(|html| html.page()).unwrap();
    for words in [
        "Subject: https://evil.example/</p>",
        "<p style=\"color:#555555\">| see https://evil.example/ &lt;b&gt;<br>\n|<br>\n|&nbsp;&nbsp; 10:02&nbsp;&nbsp; up</p>",
        // Where the text breaks a line for old clients, a phone breaks it where it must.
        "Commands stand at the very top, one a line: #severity 1-4 REASON, #assign NAME, #note (all",
    ] {
        assert!(page.contains(words), "{words} in {page}");
    }
    assert!(!page.contains("<a "), "{page}");
}

#[test]
fn a_long_notice_goes_once() {
    let notice = |lines: usize| {
        let notice = Notice {
            new_text: "10:02:03 INFO nothing to see here\n".repeat(lines),
            ..Notice::default()
        };
        let text = Templates::default().letter(Language::En, &notice);
        let raw = render(&letter(LetterKind::Notice, text), &|_| vec![]);
        (raw.len(), String::from_utf8(raw).expect("ASCII"))
    };
    let (_, short) = notice(50);
    assert!(short.contains("text/html"));
    let (bytes, long) = notice(500);
    assert!(
        !long.contains("multipart") && !long.contains("text/html"),
        "{long}"
    );
    assert!(bytes < 500 * 40, "{bytes}");
}

#[test]
fn jinja_in_a_value_stays_what_it_is() {
    let notice = Notice {
        subject: "{{ ticket }} {% raw %} ${7*7}".into(),
        ..Notice::default()
    };
    let text = Templates::default().letter(Language::En, &notice);
    assert!(text.text.contains("{{ ticket }} {% raw %} ${7*7}"));
}

fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[ -~]{0,40}",
        Just("\r\nBcc: evil@x.example\r\n".to_string()),
        Just("\0".to_string()),
        Just("\u{2028}\u{2029}\u{85}".to_string()),
        Just("\"\\<>,;:@".to_string()),
        Just("=?utf-8?q?=0D=0ABcc:_evil@x.example?=".to_string()),
        Just("\n.\r\nMAIL FROM:<evil@x.example>\r\n\r.\r".to_string()),
        Just("ü".repeat(300)),
        Just("x".repeat(2_000)),
        Just("y ".repeat(32 << 10)),
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|p| p.concat())
}

fn html() -> impl Strategy<Value = Option<Html>> {
    let made = |(text, links)| Html::Of {
        language: "en",
        text,
        links,
    };
    prop_oneof![
        Just(None),
        nasty().prop_map(|page| Some(Html::Page(page))),
        (nasty(), any::<bool>()).prop_map(move |of| Some(made(of))),
    ]
}

fn any_letter() -> impl Strategy<Value = Letter> {
    let kind = prop_oneof![
        Just(LetterKind::Relay),
        Just(LetterKind::Acknowledgement),
        Just(LetterKind::Warning),
        Just(LetterKind::Notice)
    ];
    let address = prop_oneof![4 => Just("rita@acme.example".to_string()), 1 => nasty()];
    let ids = proptest::collection::vec(prop_oneof![nasty(), "[a-z.]{1,200}@x.example"], 0..30);
    let names = (nasty(), nasty(), nasty(), nasty());
    let rest = (nasty(), nasty(), html(), any::<i64>(), nasty(), nasty());
    (kind, address, names, ids, rest).prop_map(|(kind, address, names, ids, rest)| {
        let mut letter = letter(
            kind,
            Text {
                subject: rest.0,
                text: rest.1,
                html: rest.2,
            },
        );
        letter.from.name = names.0;
        letter.to = mailbox(&names.1, &address);
        letter.cc = vec![mailbox(&names.2, "cc@acme.example"), mailbox("", &names.2)];
        letter.reply_to = ids.last().cloned();
        letter.in_reply_to = ids.first().cloned();
        letter.references = ids;
        letter.date = chrono::DateTime::from_timestamp(rest.3, 0).unwrap_or_default();
        letter.headers.push(("Ticketd-Note".into(), rest.4.clone()));
        letter.headers.push((rest.4, rest.5.clone()));
        letter.headers.push(("Bcc".into(), "evil@x.example".into()));
        letter.enclosures = vec![Enclosure {
            mail: Fingerprint::of(b""),
            part: Some(0),
            name: names.3,
            media_type: rest.5,
            content_id: letter.references.get(1).cloned(),
        }];
        letter
    })
}

const ALLOWED: [&str; 18] = [
    "From",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "Precedence",
    "Ticketd-Id",
    "Ticketd-Loop",
    "Ticketd-Note",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_letter_is_canonical_and_has_the_headers_meant(letter in any_letter(), bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let out = render(&letter, &|_| bytes.clone());
        prop_assert_eq!(&out, &render(&letter, &|_| bytes.clone()));
        for line in out.split_inclusive(|b| *b == b'\n') {
            prop_assert!(line.ends_with(b"\r\n") && line.len() <= 1000);
            prop_assert!(line[..line.len() - 2].iter().all(|b| b.is_ascii() && !matches!(b, 0 | b'\r' | b'\n')));
        }
        let mail = MessageParser::new().parse(&out).unwrap();
        let names: Vec<_> = mail.headers().iter().map(|h| h.name.as_str().to_string()).collect();
        for name in &names {
            let own = letter.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)) && !name.eq_ignore_ascii_case("bcc");
            prop_assert!(own || ALLOWED.iter().any(|a| a.eq_ignore_ascii_case(name)), "{}", name);
            prop_assert_eq!(names.iter().filter(|n| n.eq_ignore_ascii_case(name)).count(), 1, "{}", name);
        }
        for name in ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version"] {
            prop_assert!(names.iter().any(|n| n.eq_ignore_ascii_case(name)), "{} is missing", name);
        }
        let marked = names.iter().any(|n| n.eq_ignore_ascii_case("Auto-Submitted"));
        prop_assert_eq!(marked, letter.kind != LetterKind::Relay);
        prop_assert_eq!(mail.from().unwrap().first().unwrap().address(), Some("support@vendor.example"));
        prop_assert!(mail.subject().unwrap_or("").chars().count() <= 210);
        if letter.to.address == "rita@acme.example" {
            let to: Vec<_> = mail.to().unwrap().iter().filter_map(|a| a.address()).collect();
            prop_assert_eq!(to, vec!["rita@acme.example"]);
        }
    }
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| line.to_string()).collect()
}

#[test]
fn digests_and_review_packs() {
    let templates = Templates::parse(&[]).unwrap();
    let storm = Digest {
        replies: false,
        count: 2,
        lines: lines(&[
            "#12 severity 1, ACME AG: initial response (C4.1) due Mon 07.09.2026 10:00, 30 min left. Objective: 1 h of business hours (Mo-Fr 08:00-17:00; PH off, Europe/Zurich), clause C4.1; Mon 07.09.2026 09:00-10:00: 1 h; Deadline: Mon 07.09.2026 10:00 (Europe/Zurich). Waiting costs each further 15 min: 1 day for ACME AG",
            "#13 severity 4: next reply (C4.11) due Mon 07.09.2026 10:05, 35 min left, our own target. Internal target: 1 h of business hours (Mo-Fr 08:00-17:00; PH off, Europe/Zurich), clause C4.11; Mon 07.09.2026 09:05-10:05: 1 h; Deadline: Mon 07.09.2026 10:05 (Europe/Zurich)",
        ]),
    };
    check(
        "en-digest-warnings",
        LetterKind::Warning,
        templates.letter(Language::En, &storm),
    );
    let replies = Digest {
        replies: true,
        count: 3,
        lines: lines(&[
            "#12: entry 7 Printer",
            "#12: entry 8 Printer",
            "#12: entry 9 Printer",
        ]),
    };
    check(
        "en-digest-replies",
        LetterKind::Digest,
        templates.letter(Language::En, &replies),
    );
    let opening = OpeningDigest {
        queue: "support".into(),
        day: "Tue 08.09.2026 08:00".into(),
        due: lines(&["#1 severity 3, initial response due Tue 08.09.2026 12:00, ACME AG: Printer"]),
        unanswered: lines(&[
            "#2 severity 3, next reply due Tue 08.09.2026 12:00 (our own target): Scanner",
        ]),
        unassigned: vec![],
        quarantined: lines(&["#4 severity 3: <script>"]),
        failed: lines(&["#5, entry 2 to gina@globex.example: 550 no such user"]),
        filed: lines(&[
            "entry 7 from robot@acme.example: Away (automatic (auto-reply): Auto-Submitted)",
        ]),
        head: "4711 0123456789abcdef".into(),
    };
    check(
        "en-opening",
        LetterKind::Digest,
        templates.letter(Language::En, &opening),
    );
    let bare = OpeningDigest {
        queue: "support".into(),
        day: "Tue 08.09.2026 08:00".into(),
        head: "1 00".into(),
        ..OpeningDigest::default()
    };
    check(
        "en-opening-quiet",
        LetterKind::Digest,
        templates.letter(Language::En, &bare),
    );
    let review = Review {
        customer: "ACME AG".into(),
        manager: "Carla Chef".into(),
        from: "2026-08-31".into(),
        until: "2026-09-13".into(),
        received: 2,
        tickets: lines(&[
            "#1 Mon 07.09.2026 09:00, severity 2, closed, deadline missed: Late & <b>sorry</b>",
        ]),
        earlier: lines(&[
            "#7 Thu 20.08.2026 14:00, severity 3, closed, deadline missed: Slow (escalated Mon 31.08.2026 09:00, C7.1; escalation missed Tue 01.09.2026 09:00, C7.1)",
        ]),
        met: 1,
        missed: 1,
        pending: 0,
        promises: lines(&["C4.1, severity 2: 1 met, 1 missed, 0 running"]),
        responses: lines(&["In support hours: median 1 h, nine of ten within 2 h, longest 2 h"]),
        at_risk: 0,
        risks: vec![],
        credits: lines(&["#1 C4.1: +4 days, provisional: 1 h late"]),
        term: "2026-01-01 to 2026-12-31, with 4 days of credit until 2027-01-04".into(),
        agreed: "8 h".into(),
        used: "45 min".into(),
        bookings: lines(&["2026-09-07 carla 45 min, account manager on #1"]),
    };
    check(
        "en-review",
        LetterKind::Digest,
        templates.letter(Language::En, &review),
    );
}
