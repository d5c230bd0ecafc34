//! What is left of a letter of ours in an answer to it, as mail clients quote its HTML.

use crate::office::*;
use ticketd::desk::letter::LetterKind;
use ticketd::mail::html;

const OWN: &str = "Try another socket.";

/// The words of a request that look like what clients write above a quotation, and like ours.
const REQUEST: &str = "Hello\n\nThe printer <b>burns</b>:\n\n  10:02   smoke & fire, lots of it, and this line is much longer than a screen of a phone is wide\n#close\nFrom: alice@acme.example\nSent: yesterday\n\n> Have you tried it?\nOn Monday, Bob wrote:\n\nRegards\n-- \nAlice\n";

/// How a client quotes: the plain text, and the HTML, around the page that it answers.
struct Client {
    name: &'static str,
    plain: fn(&str) -> String,
    html: fn(&str) -> String,
}

const CLIENTS: &[Client] = &[
    Client {
        name: "Gmail",
        plain: |quoted| {
            let quoted = wrapped(quoted, 72);
            format!(
                "{OWN}\n\nOn Mon, Sep 7, 2026 at 9:00 AM Desk support <support@desk.example>\nwrote:\n\n{}",
                marked(&quoted)
            )
        },
        html: |page| {
            let body = as_div(page, "class=\"msg8012345678901234567\"");
            format!(
                "<div dir=\"ltr\">{OWN}</div><br><div class=\"gmail_quote gmail_quote_container\"><div dir=\"ltr\" class=\"gmail_attr\">On Mon, Sep 7, 2026 at 9:00 AM Desk support &lt;<a href=\"mailto:support@desk.example\">support@desk.example</a>&gt; wrote:<br></div><blockquote class=\"gmail_quote\" style=\"margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex\"><u></u>\n{body}</blockquote></div>"
            )
        },
    },
    Client {
        name: "Apple Mail",
        plain: |quoted| {
            let quoted = format!(
                "On 7 Sep 2026, at 09:00, Desk support <support@desk.example> wrote:\n\n{quoted}"
            );
            format!("{OWN}\n\n{}\n", marked(&quoted))
        },
        html: |page| {
            format!(
                "<html><head><meta http-equiv=\"content-type\" content=\"text/html; charset=utf-8\"></head><body style=\"overflow-wrap: break-word; -webkit-nbsp-mode: space; line-break: after-white-space;\">{OWN}<br id=\"lineBreakAtBeginningOfMessage\"><div><br><blockquote type=\"cite\"><div>On 7 Sep 2026, at 09:00, Desk support &lt;support@desk.example&gt; wrote:</div><br class=\"Apple-interchange-newline\"><div>{}</div></blockquote></div><br></body></html>",
                as_div(page, "")
            )
        },
    },
    Client {
        name: "Outlook",
        plain: |quoted| {
            format!(
                "{OWN}\n\n \n\nFrom: Desk support <support@desk.example> \nSent: Monday, September 7, 2026 9:00 AM\nTo: Anna Muster <anna@vendor.example>\nSubject: #1 severity 3: Printer\n\n \n\n{}",
                wrapped(quoted, 76)
            )
        },
        html: |page| {
            let paragraphs =
                as_div(page, "").replace("<p", "<p style='margin:0cm' class=MsoNormal");
            format!(
                "<html xmlns:o=\"urn:schemas-microsoft-com:office:office\" xmlns:w=\"urn:schemas-microsoft-com:office:word\"><head><style><!-- p.MsoNormal {{margin:0cm}} --></style></head><body lang=EN-US link=\"#0563C1\" vlink=\"#954F72\" style='word-wrap:break-word'><div class=WordSection1><p class=MsoNormal>{OWN}<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b>From:</b> Desk support &lt;support@desk.example&gt; <br><b>Sent:</b> Monday, September 7, 2026 9:00 AM<br><b>To:</b> Anna Muster &lt;anna@vendor.example&gt;<br><b>Subject:</b> #1 severity 3: Printer<o:p></o:p></p></div></div><p class=MsoNormal><o:p>&nbsp;</o:p></p>{paragraphs}</div></body></html>"
            )
        },
    },
    Client {
        name: "Outlook in German",
        plain: |quoted| {
            format!(
                "{OWN}\n\n \n\nVon: Desk support <support@desk.example> \nGesendet: Montag, 7. September 2026 09:00\nAn: Anna Muster <anna@vendor.example>\nBetreff: #1 severity 3: Printer\n\n \n\n{}",
                wrapped(quoted, 76)
            )
        },
        html: |page| {
            format!(
                "<html><body><div class=WordSection1><p class=MsoNormal>{OWN}<o:p></o:p></p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b><span lang=DE>Von:</span></b><span lang=DE> Desk support &lt;support@desk.example&gt; <br><b>Gesendet:</b> Montag, 7. September 2026 09:00<br><b>An:</b> Anna Muster &lt;anna@vendor.example&gt;<br><b>Betreff:</b> #1 severity 3: Printer<o:p></o:p></span></p></div></div>{}</div></body></html>",
                as_div(page, "")
            )
        },
    },
    Client {
        name: "Outlook on the web",
        plain: |quoted| {
            format!(
                "{OWN}\n________________________________\nFrom: Desk support <support@desk.example>\nSent: Monday, September 7, 2026 9:00 AM\nTo: Anna Muster <anna@vendor.example>\nSubject: #1 severity 3: Printer\n\n{quoted}"
            )
        },
        html: |page| {
            let body = as_div(page, "");
            format!(
                "<html><head><style type=\"text/css\" style=\"display:none;\"> P {{margin-top:0;margin-bottom:0;}} </style></head><body dir=\"ltr\"><div class=\"elementToProof\" style=\"font-family: Aptos, Calibri, sans-serif; font-size: 12pt;\">{OWN}</div><div id=\"appendonsend\"></div><hr style=\"display:inline-block;width:98%\" tabindex=\"-1\"><div id=\"divRplyFwdMsg\" dir=\"ltr\"><font face=\"Calibri, sans-serif\" style=\"font-size:11pt\" color=\"#000000\"><b>From:</b> Desk support &lt;support@desk.example&gt;<br><b>Sent:</b> Monday, September 7, 2026 9:00 AM<br><b>To:</b> Anna Muster &lt;anna@vendor.example&gt;<br><b>Subject:</b> #1 severity 3: Printer</font><div>&nbsp;</div></div>{body}</body></html>"
            )
        },
    },
    Client {
        name: "Outlook on a phone",
        plain: |quoted| {
            format!(
                "{OWN}\n\nGet Outlook for iOS<https://aka.ms/o0ukef>\n________________________________\nFrom: Desk support <support@desk.example>\nSent: Monday, September 7, 2026 9:00:00 AM\nTo: Anna Muster <anna@vendor.example>\nSubject: #1 severity 3: Printer\n\n{quoted}"
            )
        },
        html: |page| {
            let body = as_div(page, "");
            format!(
                "<html><body><div dir=\"ltr\">{OWN}</div><div id=\"ms-outlook-mobile-signature\"><div><br></div>Get <a href=\"https://aka.ms/o0ukef\">Outlook for iOS</a></div><div id=\"mail-editor-reference-message-container\"><div class=\"ms-outlook-mobile-reference-message skipProofing\" style=\"text-align:left;padding:3pt 0in 0in;border-width:1pt medium medium;border-style:solid none none;border-color:rgb(181, 196, 223) currentcolor currentcolor\"><b>From:</b> Desk support &lt;support@desk.example&gt;<br><b>Date:</b> Monday, September 7, 2026 at 9:00 AM<br><b>To:</b> Anna Muster &lt;anna@vendor.example&gt;<br><b>Subject:</b> #1 severity 3: Printer<br></div>{body}</div></body></html>"
            )
        },
    },
    Client {
        name: "Thunderbird",
        plain: |quoted| {
            format!(
                "{OWN}\n\nOn 07.09.26 09:00, Desk support wrote:\n{}",
                marked(quoted)
            )
        },
        html: |page| {
            let body = as_div(page, "");
            format!(
                "<!DOCTYPE html><html><head></head><body><p>{OWN}</p><p><br></p><div class=\"moz-cite-prefix\">On 07.09.26 09:00, Desk support wrote:<br></div><blockquote type=\"cite\" cite=\"mid:a@desk.example\"><meta http-equiv=\"content-type\" content=\"text/html; charset=UTF-8\"><title></title>{body}</blockquote></body></html>"
            )
        },
    },
];

/// With a mark before each line.
fn marked(text: &str) -> String {
    text.lines()
        .map(|line| format!("> {line}").trim_end().to_string() + "\n")
        .collect()
}

/// Long lines broken at blanks.
fn wrapped(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut width = 0;
        for (n, word) in line.split(' ').enumerate() {
            let chars = word.chars().count();
            if n > 0 && width + 1 + chars > chars_max {
                out.push('\n');
                width = 0;
            } else if n > 0 {
                out.push(' ');
                width += 1;
            }
            out.push_str(word);
            width += chars;
        }
        out.push('\n');
    }
    out
}

/// A page as it stands within another: its body is a `div`.
fn as_div(page: &str, attribute: &str) -> String {
    let (_, body) = page.split_once("<body").expect("a body");
    let (body, _) = body.split_once("</body>").expect("its end");
    format!("<div {attribute}{body}</div>")
}

fn page(letter: &Sent) -> String {
    letter
        .mail
        .html
        .clone()
        .expect("a letter to staff has HTML")
}

/// An office in which Anna has got such a letter.
fn office_with(kind: LetterKind) -> Office {
    let mut office = Office::new();
    office.receives(Post::from(ALICE).body(REQUEST));
    match kind {
        LetterKind::Transcript => drop(office.answers(ANNA, "#sverity 2\n\nYes.\n")),
        LetterKind::Warning => {
            office.answers(ANNA, "#take\n");
            office.clock_to("2026-09-08 15:00");
        }
        _ => {}
    }
    office
}

fn check(client: &Client, kind: LetterKind, answered: &str, plain: Option<&str>) {
    let mut office = office_with(kind);
    let letter = office.last_of(ANNA, kind);
    let post = Post::from(ANNA)
        .answering(&letter)
        .html(plain.unwrap_or_default(), answered);
    office.receives(post);
    let name = client.name;
    let Some(relay) = office.relays().pop() else {
        panic!("{name}, {kind:?}: {}", office.last_to(ANNA).raw)
    };
    assert_eq!(relay.text().trim(), OWN, "{name}, {kind:?}");
    let shown = html::text(&relay.mail.html.clone().expect("HTML"), 10_000);
    assert_eq!(shown.trim(), OWN, "{name}, {kind:?}");
}

#[test]
fn an_answer_that_quotes_the_html_of_a_letter_goes_out_without_it() {
    for kind in [
        LetterKind::Notice,
        LetterKind::Transcript,
        LetterKind::Warning,
    ] {
        let letter = office_with(kind).last_of(ANNA, kind);
        let page = page(&letter);
        let shown = html::text(&page, 100_000);
        for client in CLIENTS {
            let (plain, html) = ((client.plain)(&shown), (client.html)(&page));
            check(client, kind, &html, Some(&plain));
            // Quoting what stands in the plain text, with HTML of the client's own making.
            let plain = (client.plain)(letter.text());
            check(client, kind, &html, Some(&plain));
            check(client, kind, &html, None);
        }
    }
}

#[test]
fn an_answer_between_the_customers_words_keeps_these_and_nothing_of_ours() {
    let mut office = office_with(LetterKind::Notice);
    let notice = office.last_of(ANNA, LetterKind::Notice);
    let (above, below) = page(&notice)
        .split_once("lots of it")
        .map(|(a, b)| (a.to_string(), b.to_string()))
        .expect("the customer's words");
    let parted = format!(
        "{above}lots of it</p></div></blockquote><div>{OWN}</div><blockquote type=\"cite\"><div><p>{below}"
    );
    let quoted = html::text(&page(&notice), 100_000);
    let (above, below) = quoted.split_once("lots of it").expect("the same words");
    let plain = format!(
        "On 7 Sep 2026, at 09:00, Desk support <support@desk.example> wrote:\n\n{}\n{OWN}\n\n{}",
        marked(&format!("{above}lots of it")),
        marked(below)
    );
    let html = format!(
        "<html><body><blockquote type=\"cite\">{}</blockquote></body></html>",
        as_div(&parted, "")
    );
    office.receives(Post::from(ANNA).answering(&notice).html(&plain, &html));
    let relay = office.relays().remove(0);
    let text = relay.text();
    assert!(text.contains("> The printer <b>burns</b>:"), "{text}");
    assert!(text.contains(&format!("\n{OWN}\n")), "{text}");
    for ours in [
        "New ticket",
        "Severity:",
        "proven",
        "How the deadline",
        "Commands stand",
    ] {
        assert!(!relay.mail.text.contains(ours), "{ours} in {text}");
        assert!(!page(&relay).contains(ours), "{ours} in {}", page(&relay));
    }
}

#[test]
fn g01_the_html_of_a_confidential_notice_says_nothing_either() {
    let mut office = Office::new();
    let report = Post::from("Canary Kanarienvogel <canary@elsewhere.example>")
        .to("security@desk.example")
        .subject("Canary in the parser")
        .body("The canary sings.\n");
    office.receives(report);
    let notice = office.last_to(DARIO);
    let page = page(&notice);
    assert!(page.contains("Reference #1 is new"), "{page}");
    assert!(
        !notice.raw.to_lowercase().contains("canary"),
        "{}",
        notice.raw
    );
}
