//! Hostile mails of ATTACKS.md E, made in code: each within a second, on a 2 MiB stack, and none refused.

use super::*;
use std::time::{Duration, Instant};

/// Fifty megabytes take an unoptimised build too long to be tested with every change.
const BIG: usize = if cfg!(debug_assertions) {
    5 << 20
} else {
    50 << 20
};
/// The target is a second in a release build; an unoptimised one is some ten times slower.
const TIME_MAX: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });

#[track_caller]
fn survives(raw: impl Into<Vec<u8>>) -> Mail {
    let raw = raw.into();
    let begin = Instant::now();
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let mail = thread
        .spawn(move || parse::parsed(&raw))
        .expect("a thread")
        .join()
        .expect("no panic");
    let took = begin.elapsed();
    assert!(took < TIME_MAX, "{took:?}");
    assert!(mail.text.len() <= parse::TEXT_BYTES_MAX);
    mail
}

fn with(header: &str, body: &str) -> String {
    format!(
        "From: a@b.example\nDate: Fri, 27 Mar 2026 16:40:00 +0100\nMessage-ID: <x@b.example>\n{header}\n\n{body}"
    )
}

#[track_caller]
fn is_partial(mail: &Mail) {
    let says_so = mail
        .oddities
        .iter()
        .any(|o| o.starts_with("Taken apart only in part"));
    assert!(says_so, "{:?}", mail.oddities);
    assert_eq!(mail.from[0].address, "a@b.example");
}

#[test]
fn e01_mails_in_mails() {
    is_partial(&survives(with(
        "Content-Type: message/rfc822",
        &"Content-Type: message/rfc822\n\n".repeat(40_000),
    )));
}

#[test]
fn e01_mails_in_mails_in_base64() {
    let nested = "Content-Type: message/rfc822\n\n".repeat(40_000);
    let encoded = data_encoding::BASE64.encode(nested.as_bytes());
    survives(with(
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64",
        &encoded,
    ));
}

#[test]
fn e01_digests_in_digests() {
    let mut body = String::new();
    for i in 0..40_000 {
        body.push_str(&format!(
            "--{i}\n\nContent-Type: multipart/digest; boundary={}\n\n",
            i + 1
        ));
    }
    is_partial(&survives(with(
        "Content-Type: multipart/digest; boundary=0",
        &body,
    )));
}

#[test]
fn e01_multiparts_in_multiparts() {
    let mut body = String::new();
    for i in 0..40_000 {
        body.push_str(&format!(
            "--{i}\nContent-Type: multipart/mixed; boundary={}\n\n",
            i + 1
        ));
    }
    is_partial(&survives(with(
        "Content-Type: multipart/mixed; boundary=0",
        &body,
    )));
}

#[test]
fn e01_a_million_empty_parts() {
    is_partial(&survives(with(
        "Content-Type: multipart/mixed; boundary=a",
        &"--a\n".repeat(1_000_000),
    )));
}

#[test]
fn e01_a_million_empty_parts_with_headers() {
    is_partial(&survives(with(
        "Content-Type: multipart/mixed; boundary=a",
        &"--a\n\n\n".repeat(1_000_000),
    )));
}

#[test]
fn e01_comments_in_comments() {
    survives(with(&format!("To: {}", "(".repeat(40_000)), "body"));
    survives(with(
        &format!("Authentication-Results: mx; {}", "(".repeat(40_000)),
        "body",
    ));
    survives(with(&format!("Date: {}", "(".repeat(40_000)), "body"));
}

#[test]
fn e02_a_flood_of_fields() {
    is_partial(&survives(with(
        &"To: x@y.example\n".repeat(100_000),
        "body",
    )));
    is_partial(&survives(with(&"X: y\n".repeat(100_000), "body")));
}

#[test]
fn e02_a_flood_of_recipients() {
    let mail = survives(with(
        &format!("To: {}", "x@y.example, ".repeat(15_000)),
        "body",
    ));
    assert_eq!(mail.to.len(), 1_000);
}

#[test]
fn e02_a_flood_of_parameters() {
    let parameters: String = (0..100_000).map(|i| format!(";\n name*{i}=x")).collect();
    survives(with(
        &format!("Content-Type: text/plain{parameters}"),
        "body",
    ));
    let part = format!("--a\nContent-Type: text/plain{parameters}\n\nbody\n--a--\n");
    survives(with("Content-Type: multipart/mixed; boundary=a", &part));
}

#[test]
fn e02_a_megabyte_of_from() {
    for junk in [
        "\"",
        "<",
        "(",
        ",",
        ":",
        "=?utf-8?q?",
        "=?",
        "a ",
        "\\",
        "@",
        "<a@b>",
        "\"a\" ",
    ] {
        survives(format!(
            "From: {}\n\nbody",
            junk.repeat((1 << 20) / junk.len())
        ));
    }
}

#[test]
fn e03_fifty_megabytes_of_one_line() {
    let mail = survives(with("Content-Type: text/plain", &"a".repeat(BIG)));
    is_partial(&mail);
    survives(with("Content-Type: text/plain", &" ".repeat(BIG / 5)));
    survives(with(
        "Content-Type: text/plain; format=flowed",
        &"> ".repeat(BIG / 10),
    ));
    survives(with(
        "Content-Type: text/plain; format=flowed",
        &"a \n".repeat(BIG / 20),
    ));
}

#[test]
fn e03_lines_that_look_like_boundaries() {
    survives(with(
        "Content-Type: multipart/mixed; boundary=a",
        &"--".repeat(BIG / 10),
    ));
    survives(with(
        "Content-Type: multipart/mixed; boundary=a",
        &"--b\n".repeat(BIG / 50),
    ));
    survives(with(
        "Content-Type: multipart/mixed",
        &"--b\n".repeat(BIG / 50),
    ));
}

#[test]
fn e03_uuencode_that_never_ends() {
    survives(with("", &"begin 644 x\n".repeat(200_000)));
    survives(with(
        "",
        &format!("begin 644 x\n{}", "M\n".repeat(BIG / 100)),
    ));
}

#[test]
fn e05_nested_tables_and_quotations() {
    let times = if cfg!(debug_assertions) {
        10_000
    } else {
        100_000
    };
    for tag in [
        "<table><tr><td>",
        "<blockquote>",
        "<ul><li>",
        "<div style='display:none'>",
        "<a href='https://x.example'>",
        "<pre>",
        "<!--",
        "<b x=",
    ] {
        let html = format!("{}text", tag.repeat(times));
        survives(with("Content-Type: text/html", &html));
    }
    let mail = survives(with(
        "Content-Type: text/html",
        &format!(
            "{}text{}",
            "<blockquote>".repeat(100_000),
            "</blockquote>".repeat(100_000)
        ),
    ));
    assert!(mail.text.contains("text"));
}

#[test]
fn e05_quotations_that_grow_the_text() {
    survives(with(
        "Content-Type: text/html",
        &"<blockquote>a<br>".repeat(200_000),
    ));
    survives(with(
        "Content-Type: text/html",
        &"<ol><li>a".repeat(200_000),
    ));
}

#[test]
fn e06_charsets_and_encodings_that_lie() {
    for charset in [
        "utf-7",
        "utf-16",
        "utf-32le",
        "iso-2022-jp",
        "hz-gb-2312",
        "x-unknown",
        "\0",
        "replacement",
    ] {
        let mail = survives(with(
            &format!(
                "Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64"
            ),
            "R3L8ZXppIQ",
        ));
        assert!(!mail.text.is_empty(), "{charset}");
    }
}

#[test]
fn e09_bytes_of_no_meaning() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for length in [0, 1, 2, 3, 10, 100, 1_000, 100_000] {
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .take(length)
        .collect();
        let mail = survives(bytes.clone());
        for attachment in &mail.attachments {
            parse::part_content(&bytes, attachment.part);
        }
    }
}

#[test]
fn b10_the_last_twenty_references() {
    let many: String = (0..6_000).map(|i| format!("\n <{i}@x.example>")).collect();
    let mail = survives(with(&format!("References:{many}"), "body"));
    assert_eq!(mail.references.len(), 20);
    assert_eq!(mail.references[19], "5999@x.example");
}
