//! The hostile mails of ATTACKS.md E, and kin of them, made in code.

/// By what it does, and how to make it.
pub type Hostile = (&'static str, fn() -> Vec<u8>);

/// All of them.
pub const ALL: &[Hostile] = &[
    ("e01 mails in mails", || {
        with(
            "Content-Type: message/rfc822",
            &"Content-Type: message/rfc822\n\n".repeat(40_000),
        )
    }),
    ("e01 mails in mails in base64", || {
        let nested = "Content-Type: message/rfc822\n\n".repeat(40_000);
        let encoded = data_encoding::BASE64.encode(nested.as_bytes());
        with(
            "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64",
            &encoded,
        )
    }),
    ("e01 digests in digests", || nested("digest", "\n")),
    ("e01 multiparts in multiparts", || nested("mixed", "")),
    ("e01 a million empty parts", || {
        mixed(&"--a\n".repeat(1_000_000))
    }),
    ("e01 a million empty parts with headers", || {
        mixed(&"--a\n\n\n".repeat(1_000_000))
    }),
    ("e01 comments in comments in To", || {
        with(&format!("To: {}", "(".repeat(40_000)), "body")
    }),
    ("e01 comments in comments in Authentication-Results", || {
        with(
            &format!("Authentication-Results: mx; {}", "(".repeat(40_000)),
            "body",
        )
    }),
    ("e01 comments in comments in Date", || {
        format!("From: a@b.example\nDate: {}\n\nbody", "(".repeat(40_000)).into()
    }),
    ("e02 half a million lines of To", || {
        with(&"To: x@y.example\n".repeat(500_000), "body")
    }),
    ("e02 a hundred thousand fields", || {
        with(&"X: y\n".repeat(100_000), "body")
    }),
    ("e02 a flood of recipients", || {
        with(&format!("To: {}", "x@y.example, ".repeat(15_000)), "body")
    }),
    ("e02 a flood of parameters", || {
        with(&format!("Content-Type: text/plain{}", parameters()), "body")
    }),
    ("e02 a flood of parameters in a part", || {
        mixed(&format!(
            "--a\nContent-Type: text/plain{}\n\nbody\n--a--\n",
            parameters()
        ))
    }),
    ("e02 a megabyte of From: quotes", || from("\"")),
    ("e02 a megabyte of From: brackets", || from("<")),
    ("e02 a megabyte of From: comments", || from("(")),
    ("e02 a megabyte of From: commas", || from(",")),
    ("e02 a megabyte of From: groups", || from("a:")),
    ("e02 a megabyte of From: encoded words", || {
        from("=?utf-8?q?")
    }),
    ("e02 a megabyte of From: whole encoded words", || {
        from("=?utf-8?q?=41?= ")
    }),
    ("e02 a megabyte of From: backslashes", || from("\\")),
    ("e02 a megabyte of From: addresses", || from("<a@b>")),
    ("e02 a subject of encoded words", || {
        with(
            &format!("Subject: {}", "=?utf-8?b?QQ==?= =?x?q?=?=".repeat(10_000)),
            "body",
        )
    }),
    ("e03 one line", || {
        with("Content-Type: text/plain", &"a".repeat(big(50)))
    }),
    ("e03 one line of words", || {
        with(
            "Content-Type: text/plain",
            &"nobody can ".repeat(big(50) / 11),
        )
    }),
    ("e03 one line of blanks", || {
        with("Content-Type: text/plain", &" ".repeat(big(50)))
    }),
    ("e03 one line of quotation", || {
        with(
            "Content-Type: text/plain; format=flowed",
            &"> ".repeat(big(10) / 2),
        )
    }),
    ("e03 flowed lines", || {
        with(
            "Content-Type: text/plain; format=flowed",
            &"a \n".repeat(big(50) / 3),
        )
    }),
    ("e03 links", || {
        with(
            "Content-Type: text/plain",
            &"http://aaaa ".repeat(big(10) / 12),
        )
    }),
    ("e03 links in HTML", || {
        html(&"<a href='http://aaaa'>http://aaaa</a> ".repeat(big(10) / 38))
    }),
    ("e03 lines of attribution", || {
        with(
            "Content-Type: text/plain",
            &"On Monday, 3 March 2026 at 9:12 Anna wrote:\n".repeat(big(10) / 44),
        )
    }),
    ("e03 lines of headings", || {
        with(
            "Content-Type: text/plain",
            &"Von: Anna\nGesendet: Montag\nAn: Beat\n".repeat(big(10) / 37),
        )
    }),
    ("e03 lines of signature", || {
        with(
            "Content-Type: text/plain",
            &"-- \nAnna\n".repeat(big(10) / 9),
        )
    }),
    ("e03 deep quotation", || {
        with(
            "Content-Type: text/plain",
            &format!("{} a\n", ">".repeat(2_000)).repeat(big(10) / 2_003),
        )
    }),
    ("e03 questions and answers", || {
        with(
            "Content-Type: text/plain",
            &"> was?\nja.\n".repeat(big(10) / 11),
        )
    }),
    ("e03 dashes", || mixed(&"--".repeat(big(50) / 2))),
    ("e03 lines that look like boundaries", || {
        mixed(&"--b\n".repeat(big(50) / 4))
    }),
    ("e03 lines that look like boundaries, without one", || {
        with(
            "Content-Type: multipart/mixed",
            &"--b\n".repeat(big(50) / 4),
        )
    }),
    ("e03 uuencode again and again", || {
        with("", &"begin 644 x\n".repeat(200_000))
    }),
    ("e03 uuencode that never ends", || {
        with("", &format!("begin 644 x\n{}", "M\n".repeat(big(10) / 2)))
    }),
    ("e03 base64", || {
        let header = "Content-Type: text/plain\nContent-Transfer-Encoding: base64";
        with(
            header,
            &format!("{}\n", "QUJD".repeat(19)).repeat(big(50) / 77),
        )
    }),
    ("e03 quoted-printable", || {
        let header = "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable";
        with(
            header,
            &format!("{}=\n", "=41".repeat(25)).repeat(big(50) / 77),
        )
    }),
    ("e03 a failure with a hundred thousand recipients", || {
        let recipients = "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n"
            .repeat(100_000);
        with(
            "Return-Path: <>\nContent-Type: multipart/report; report-type=delivery-status; boundary=a",
            &format!(
                "--a\n\nsorry\n--a\nContent-Type: message/delivery-status\n\n{recipients}\n--a--\n"
            ),
        )
    }),
    ("e03 a notice with a hundred thousand addresses", || {
        with(
            "Return-Path: <>\nSubject: Undelivered Mail",
            &"<a@b.example>: 550 user unknown\n".repeat(100_000),
        )
    }),
    ("e04 a bomb", || {
        // A megabyte of zeros in a gzip file of a kilobyte; nothing opens it.
        let header =
            "Content-Type: application/gzip; name=bomb.gz\nContent-Transfer-Encoding: base64";
        with(
            header,
            &data_encoding::BASE64.encode(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3].repeat(100)),
        )
    }),
    ("e05 tables in tables", || {
        html(&"<table><tr><td>".repeat(100_000))
    }),
    ("e05 quotations in quotations", || {
        html(&format!(
            "{}text{}",
            "<blockquote>".repeat(100_000),
            "</blockquote>".repeat(100_000)
        ))
    }),
    ("e05 quotations that grow the text", || {
        html(&"<blockquote>a<br>".repeat(200_000))
    }),
    ("e05 lists that grow the text", || {
        html(&"<ol><li>a".repeat(200_000))
    }),
    ("e05 hidden in hidden", || {
        html(&"<div style='display:none'>".repeat(100_000))
    }),
    ("e05 a client's quotation in itself", || {
        html(&"<div class=\"gmail_quote\">a".repeat(100_000))
    }),
    ("e05 links that never end", || {
        html(&"<a href='https://x.example'>".repeat(100_000))
    }),
    ("e05 a comment that never ends", || {
        html(&"<!--".repeat(1_000_000))
    }),
    ("e05 a tag that never ends", || {
        html(&"<b x=".repeat(1_000_000))
    }),
    ("e05 a megabyte of marks of quotation", || {
        html(&"&gt;".repeat(1 << 20))
    }),
    ("e05 entities", || {
        html(&"&amp;&#x41;&nosuch;".repeat(200_000))
    }),
    ("e06 utf-7", || charset("utf-7")),
    ("e06 utf-16", || charset("utf-16")),
    ("e06 utf-32le", || charset("utf-32le")),
    ("e06 iso-2022-jp", || charset("iso-2022-jp")),
    ("e06 hz", || charset("hz-gb-2312")),
    ("e06 an unknown charset", || charset("x-unknown")),
    ("e08 names that climb", || {
        mixed(&format!(
            "--a\nContent-Disposition: attachment; filename=\"{}passwd\"\n\nx\n--a--\n",
            "../".repeat(20_000)
        ))
    }),
    ("e09 bytes of no meaning", || {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .take(big(10))
        .collect()
    }),
    ("e09 zeros", || vec![0; big(10)]),
    ("b10 ten thousand references", || {
        let many: String = (0..10_000).map(|i| format!("\n <{i}@x.example>")).collect();
        with(&format!("References:{many}"), "body")
    }),
    ("tnef of many attributes", || {
        let attribute = [2, 5, 0x90, 6, 0, 0, 0, 0, 0, 0, 0];
        let tnef = [
            &[0x78, 0x9f, 0x3e, 0x22, 1, 0],
            attribute.repeat(100_000).as_slice(),
        ]
        .concat();
        let header = "Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64";
        with(header, &data_encoding::BASE64.encode(&tnef))
    }),
];

/// So many megabytes in an optimised build. Without optimisation they would take too long to be tested with every change: a tenth.
fn big(megabytes: usize) -> usize {
    (megabytes << 20) / if super::is_full_size() { 1 } else { 10 }
}

fn with(header: &str, body: &str) -> Vec<u8> {
    format!("From: a@b.example\nTo: support@desk.example\nDate: Fri, 27 Mar 2026 16:40:00 +0100\nMessage-ID: <x@b.example>\n{header}\n\n{body}")
        .into()
}

fn mixed(body: &str) -> Vec<u8> {
    with("Content-Type: multipart/mixed; boundary=a", body)
}

fn html(body: &str) -> Vec<u8> {
    with("Content-Type: text/html", body)
}

fn from(junk: &str) -> Vec<u8> {
    format!(
        "From: {}\nTo: support@desk.example\n\nbody",
        junk.repeat((1 << 20) / junk.len())
    )
    .into()
}

fn parameters() -> String {
    (0..100_000).map(|i| format!(";\n name*{i}=x")).collect()
}

fn nested(subtype: &str, gap: &str) -> Vec<u8> {
    let parts: String = (0..40_000)
        .map(|i| {
            format!(
                "--{i}\n{gap}Content-Type: multipart/{subtype}; boundary={}\n\n",
                i + 1
            )
        })
        .collect();
    with(
        &format!("Content-Type: multipart/{subtype}; boundary=0"),
        &parts,
    )
}

fn charset(name: &str) -> Vec<u8> {
    let header =
        format!("Content-Type: text/plain; charset={name}\nContent-Transfer-Encoding: base64");
    with(&header, &"R3L8ZXppIQ\n".repeat(big(10) / 11))
}
