//! A letter of ours to staff in an answer, however the client quotes it: no line of it reaches the customer.

use crate::office::*;
use ticketd::desk::letter::LetterKind;
use ticketd::mail::html;

const OWN: &str = "Try another socket.";

/// How a client that nobody knows quotes.
struct Shape {
    name: &'static str,
    /// The whole answer, as plain text or as HTML.
    answer: fn(&str) -> Answer,
}

enum Answer {
    Plain(String),
    Html(String),
}

use Answer::{Html, Plain};

fn below(quoted: impl std::fmt::Display) -> Answer {
    Plain(format!("{OWN}\n\n{quoted}\n"))
}

fn each(letter: &str, line: impl Fn(usize, &str) -> String) -> String {
    let lines = letter.lines().enumerate().map(|(n, l)| line(n, l));
    lines.collect::<Vec<_>>().join("\n")
}

fn prefixed(letter: &str, prefix: &str) -> Answer {
    below(each(letter, |_, line| format!("{prefix}{line}")))
}

fn escaped(line: &str) -> String {
    line.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn rewrapped(letter: &str, chars_max: usize) -> String {
    let mut out = String::new();
    let mut width = 0;
    for word in letter.split_whitespace() {
        if width > 0 && width + word.len() > chars_max {
            out.push('\n');
            width = 0;
        }
        out.push_str(word);
        out.push(' ');
        width += word.len() + 1;
    }
    out
}

fn paragraphs(letter: &str, tag: &str, end: &str) -> Answer {
    let lines = each(letter, |_, line| format!("{tag}{}{end}", escaped(line)));
    Html(format!("<div>{OWN}</div>{lines}"))
}

#[rustfmt::skip] // a table is read by columns
const SHAPES: &[Shape] = &[
    Shape { name: "no mark at all", answer: |l| below(l) },
    Shape { name: "four blanks", answer: |l| prefixed(l, "    ") },
    Shape { name: "a tab", answer: |l| prefixed(l, "\t") },
    Shape { name: "a colon", answer: |l| prefixed(l, ": ") },
    Shape { name: "a guillemet", answer: |l| prefixed(l, "\u{bb} ") },
    Shape { name: "a brace", answer: |l| prefixed(l, "} ") },
    Shape { name: "a drawn line", answer: |l| prefixed(l, "\u{2502} ") },
    Shape { name: "the initials", answer: |l| prefixed(l, "DS> ") },
    Shape { name: "bullets", answer: |l| prefixed(l, "\u{2022} ") },
    Shape { name: "numbered lines", answer: |l| below(each(l, |n, line| format!("{n:3}  {line}"))) },
    Shape { name: "a separator in Afrikaans", answer: |l| below(format!("--- Oorspronklike boodskap ---\n{l}")) },
    Shape { name: "a separator in Japanese", answer: |l| below(format!("\u{2015}\u{2015} 元のメール \u{2015}\u{2015}\n{l}")) },
    Shape { name: "fields in Icelandic", answer: |l| below(format!("Frá: Desk\nSent: mánudagur\nEfni: Printer\n\n{l}")) },
    Shape { name: "re-wrapped to 40", answer: |l| below(rewrapped(l, 40)) },
    Shape { name: "one long line", answer: |l| below(rewrapped(l, 1_000_000)) },
    Shape { name: "without blank lines", answer: |l| below(each(l, |_, s| s.into()).replace("\n\n", "\n")) },
    Shape { name: "a blank line after each", answer: |l| below(each(l, |_, s| format!("{s}\n"))) },
    Shape { name: "above the answer", answer: |l| Plain(format!("{}\n\n{OWN}\n", each(l, |_, s| format!("  {s}")))) },
    Shape { name: "capitals", answer: |l| below(l.to_uppercase()) },
    Shape { name: "a lost charset", answer: |l| below(l.replace(|c: char| !c.is_ascii(), "\u{c3}\u{bf}")) },
    Shape { name: "no-break spaces", answer: |l| below(l.replace(' ', "\u{a0}")) },
    Shape { name: "fillers between words", answer: |l| below(l.replace(' ', "\u{200b} \u{200b}")) },
    Shape { name: "soft hyphens", answer: |l| below(l.replace("er", "e\u{ad}r")) },
    Shape { name: "emphasis", answer: |l| below(each(l, |_, s| format!("*{s}*"))) },
    Shape { name: "a block of code", answer: |l| below(format!("```\n{l}\n```")) },
    Shape { name: "cut after 120 characters", answer: |l| below(l.chars().take(120).collect::<String>()) },
    Shape { name: "an HTML division", answer: |l| paragraphs(l, "<div class=\"a1\">", "</div>") },
    Shape { name: "HTML paragraphs", answer: |l| paragraphs(l, "<p>", "</p>") },
    Shape { name: "an HTML table", answer: |l| paragraphs(l, "<table><tr><td></td><td>", "</td></tr></table>") },
    Shape { name: "HTML, each word in a span", answer: |l| paragraphs(&l.replace(' ', "\u{1}"), "<p><span>", "</span></p>").replaced("\u{1}", "</span> <span>") },
    Shape { name: "preformatted HTML", answer: |l| Html(format!("<p>{OWN}</p><pre>{}</pre>", escaped(l))) },
    Shape { name: "an HTML list", answer: |l| Html(format!("<p>{OWN}</p><ul>{}</ul>", each(l, |_, s| format!("<li>{}</li>", escaped(s))))) },
];

impl Answer {
    fn replaced(self, from: &str, to: &str) -> Answer {
        match self {
            Plain(text) => Plain(text.replace(from, to)),
            Html(html) => Html(html.replace(from, to)),
        }
    }
}

/// Not a customer's, so that nothing of it hides the letter; and one whose name a charset can lose.
const REQUEST: &str = "Hello\n\nThe printer burns:\n\n  10:02   smoke\n\nRegards\nK\u{e4}thi\n";

/// An office in which Anna has got such a letter.
fn office_with(kind: LetterKind) -> Office {
    let mut office = Office::new();
    office
        .receives(Post::from("K\u{e4}thi Keller <kaethi@baeckerei-keller.example>").body(REQUEST));
    match kind {
        LetterKind::Transcript => drop(office.answers(ANNA, "#sverity 2\n\nYes.\n")),
        LetterKind::Warning => {
            office.answers(ANNA, "#take\n");
            office.clock_to("2026-09-08 15:00");
        }
        LetterKind::Breach => {
            office.answers(ANNA, "#take\n");
            office.clock_to("2026-09-14 15:00");
        }
        _ => {}
    }
    office
}

const KINDS: [LetterKind; 4] = [
    LetterKind::Notice,
    LetterKind::Transcript,
    LetterKind::Warning,
    LetterKind::Breach,
];

/// The lines from one on, so many of them that say something.
fn lines(letter: &str, from: usize, count: usize) -> String {
    let lines = letter.lines().filter(|l| !l.trim().is_empty());
    lines.skip(from).take(count).collect::<Vec<_>>().join("\n")
}

/// What the customer reads of Anna's answer; none if it was held back for our own words, or for a line of the manual in it.
#[track_caller]
fn answered(office: &mut Office, letter: &Sent, answer: Answer) -> Option<String> {
    let post = Post::from(ANNA).answering(letter);
    let done = office.receives(match answer {
        Plain(text) => post
            .with("Content-Type: text/plain; charset=utf-8")
            .body(&text),
        Html(page) => post.html("", &page),
    });
    let written = office.letters_where(|e| done.letters.contains(&e.place));
    let relay = written.iter().find(|l| l.kind == LetterKind::Relay);
    if relay.is_none() {
        let said = written
            .iter()
            .any(|l| l.says("Our own notice stands") || l.says("stands below the first lines"));
        assert!(
            said,
            "{:?}",
            written.iter().map(Sent::text).collect::<Vec<_>>()
        );
    }
    relay.map(|r| {
        let page = r.mail.html.as_deref().unwrap_or_default();
        format!("{}\n{}", r.text(), html::text(page, 100_000))
    })
}

#[test]
fn no_client_shape_brings_a_line_of_ours_to_the_customer() {
    let mut gone = vec![];
    for kind in KINDS {
        let mut office = office_with(kind);
        let letter = office.last_of(ANNA, kind);
        let text = letter.text().to_string();
        let parts = [
            ("all", text.clone()),
            ("the first line", lines(&text, 0, 1)),
            ("the first three lines", lines(&text, 0, 3)),
            ("lines 3 to 5", lines(&text, 2, 3)),
        ];
        for shape in SHAPES {
            for (part, quoted) in &parts {
                // No two answers say the same, or the second would be held back for that.
                let own = format!("{OWN} It is for {} and {part}.", shape.name);
                let answer = (shape.answer)(quoted).replaced(OWN, &own);
                let reads = answered(&mut office, &letter, answer).unwrap_or_default();
                let reads = reads.replace(&own, "");
                if !reads.trim().is_empty() {
                    gone.push(format!(
                        "{kind:?}, {}, {part}: {}",
                        shape.name,
                        reads.trim()
                    ));
                }
            }
        }
    }
    assert!(
        gone.is_empty(),
        "{} go out:\n{}",
        gone.len(),
        gone.join("\n")
    );
}

/// A signed address proves whoever answers to it, so it is nobody's but his.
#[test]
fn a_signed_address_of_the_staff_reaches_no_customer() {
    let mut office = office_with(LetterKind::Notice);
    let letter = office.last_of(ANNA, LetterKind::Notice);
    let reply_to = letter.mail.reply_to[0].address.clone();
    for words in [
        format!("Desk ({reply_to}) said so."),
        format!("mailto:{}", reply_to.replace('+', "%2B")),
        format!("Ref <{}>", letter.id),
        format!("cid:{}", letter.id.to_uppercase()),
    ] {
        let said = answered(&mut office, &letter, Plain(format!("{OWN}\n\n{words}\n")));
        assert_eq!(said, None, "{words}");
    }
    // The customer's own is his.
    let acknowledgement = office.last_of(
        "kaethi@baeckerei-keller.example",
        LetterKind::Acknowledgement,
    );
    let words = format!("{OWN} It is {}.\n", acknowledgement.id);
    assert!(answered(&mut office, &letter, Plain(words)).is_some());
}

#[test]
fn an_honest_answer_goes_out() {
    let mut held = vec![];
    for words in [
        "Your ticket #1 about \"Printer\" is in good hands.",
        "Subject: Printer",
        "Dear K\u{e4}thi Keller\n\nB\u{e4}ckerei Keller, kaethi@baeckerei-keller.example: is that right?",
        "> The printer burns:\n>\n>   10:02   smoke\n\nWhere?",
        "The printer burns:\n\n  10:02   smoke\n\nRegards\nK\u{e4}thi\n\nThis is what you wrote.",
        "Severity: 3",
        "We see it as severity 3. You will hear of us by 11:00.",
        "I am answering ticket #1 from now on.",
        "To answer, reply to this mail.",
        "Somebody of the staff has answered before the deadline.",
        "Nothing was sent.",
        "Here is some help: this manual.",
        "Customer: unknown",
        "Why:\n- the fuse\n- the cable",
        "Best regards\nAnna Muster\nDesk support",
        "Your account manager, Carla Chef, will call you at 14:00.",
        "Ihr Account Manager Carla Chef meldet sich morgen bei Ihnen.",
        "Thank you for the attachments error.log, trace.log.",
        "The new IP address is assigned.\n\nAnna Muster",
        "You will have our answer by Mon 07.09.2026 17:00 (Swiss time)",
        "Your mail was received Mon 07.09.2026 09:00 (Swiss time)",
        "Customer: ACME AG, plan Self-hosted or dedicated",
        "I had opened it as a new ticket, #1 in support, this morning.",
        "You have to report this to the authorities.",
        "The deadline: {deadline} (Swiss time)",
        "You asked how the deadline was computed: in business hours.",
        "The credits are provisional until staff determine the severity.",
        "The hours of the account manager are agreed in your order.",
        "Each is in the ticket's record.",
    ] {
        for (office_with, kind) in every_office() {
            let mut office = office_with(kind);
            let letter = office.last_of(ANNA, kind);
            let words = words.replace("{deadline}", &deadline(&letter));
            let reads = answered(&mut office, &letter, Plain(format!("{OWN}\n\n{words}\n")));
            if reads.is_none() {
                held.push(format!("{kind:?}, {words}\n{}", letter.text()));
            }
        }
    }
    assert!(
        held.is_empty(),
        "{} are held back:\n{}",
        held.len(),
        held.join("\n")
    );
}

/// As the letter prints it; none stands in a transcript.
fn deadline(letter: &Sent) -> String {
    let labels = ["Deadline: ", "Answer by: "];
    let mut found = letter
        .text()
        .lines()
        .filter_map(|line| labels.iter().find_map(|label| line.strip_prefix(label)));
    let printed = found.next().and_then(|line| line.split_once(" (Swiss"));
    printed.map_or("Mon 30.03.2026 08:40".into(), |(at, _)| at.into())
}

type OfficeWith = fn(LetterKind) -> Office;

fn every_office() -> impl Iterator<Item = (OfficeWith, LetterKind)> {
    let offices: [OfficeWith; 2] = [office_with, office_of_a_managed_customer];
    offices
        .into_iter()
        .flat_map(|office| KINDS.map(|kind| (office, kind)))
}

/// Of a customer with an account manager; the notice lists files and is of a reply on a ticket that Anna has taken, the transcript holds the manual.
fn office_of_a_managed_customer(kind: LetterKind) -> Office {
    const FILES: &str = "--m\nContent-Type: text/plain\n\nHere they are.\n\
        --m\nContent-Type: text/plain\nContent-Disposition: attachment; filename=error.log\n\nsmoke\n\
        --m\nContent-Type: text/plain\nContent-Disposition: attachment; filename=trace.log\n\nfire\n--m--\n";
    let mut office = Office::new();
    office.receives(Post::from("Alice Adams <alice@acme.example>").body(REQUEST));
    match kind {
        LetterKind::Transcript => drop(office.answers(ANNA, "#help\n")),
        LetterKind::Warning => office.clock_to("2026-09-07 16:59"),
        LetterKind::Breach => {
            office.answers(ANNA, "#take\n");
            office.clock_to("2026-09-14 15:00");
        }
        _ => {
            office.answers(ANNA, "#take\n");
            let acknowledgement = office.last_of(ALICE, LetterKind::Acknowledgement);
            let reply = Post::from("Alice Adams <alice@acme.example>").answering(&acknowledgement);
            office.receives(
                reply
                    .with("MIME-Version: 1.0")
                    .with("Content-Type: multipart/mixed; boundary=m")
                    .body(FILES),
            );
        }
    }
    office
}

/// What is allowed within a sentence is proof where more of it stands together, or where it begins a line.
#[test]
fn few_words_of_ours_are_a_repetition_where_they_stand_as_in_the_letter() {
    for (words, is_held) in [
        ("As I read: Severity: 3 (found by the rules)", false),
        ("Severity: 3 (found by the rules)", true),
        ("AM> Severity: 3 (found by the rules)", true),
        (
            "I read: Customer: Extended SLA, Severity: 3 (found by the rules)",
            false,
        ),
        (
            "I read: Severity: 3 (found by the rules) Answer by: {deadline} (Swiss time)",
            true,
        ),
        (
            "It was seen as it came in by all of us here this morning, and by now it is a\nnew ticket, #1 in support, of mine.",
            false,
        ),
        (
            "How the deadline was computed: commands stand at the very top, one a line.",
            true,
        ),
    ] {
        let mut office = office_with(LetterKind::Notice);
        let letter = office.last_of(ANNA, LetterKind::Notice);
        let words = words.replace("{deadline}", &deadline(&letter));
        let reads = answered(&mut office, &letter, Plain(format!("{OWN}\n\n{words}\n")));
        assert_eq!(reads.is_none(), is_held, "{words}\n{}", letter.text());
    }
}

/// What a client makes of the text for a calendar, and shows below it.
#[test]
fn a_letter_in_a_part_that_goes_along_is_seen() {
    let parts = [
        (
            "text/calendar; charset=utf-8",
            "",
            "BEGIN:VCALENDAR\nMETHOD:PUBLISH\nDESCRIPTION:",
        ),
        (
            "text/plain; charset=utf-8",
            "Content-Disposition: inline; filename=a.txt\n",
            "",
        ),
    ];
    for (media_type, header, before) in parts {
        let mut office = office_with(LetterKind::Notice);
        let letter = office.last_of(ANNA, LetterKind::Notice);
        let quoted = match before {
            "" => letter.text().to_string(),
            _ => letter.text().replace('\n', "\\n"),
        };
        let body = format!(
            "--m\nContent-Type: text/plain\n\n{OWN}\n--m\nContent-Type: {media_type}\n{header}\n{before}{quoted}\n--m--\n"
        );
        let post = Post::from(ANNA).answering(&letter).body(&body);
        office.receives(
            post.with("MIME-Version: 1.0")
                .with("Content-Type: multipart/mixed; boundary=m"),
        );
        assert!(office.relays().is_empty(), "{media_type}");
        let said = office.last_of(ANNA, LetterKind::Transcript);
        assert!(
            said.says("Our own notice stands"),
            "{media_type}: {}",
            said.text()
        );
    }
}
