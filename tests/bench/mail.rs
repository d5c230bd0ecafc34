//! Reading mail against bare mail-parser, over the mails of `TICKETD_BENCH_MAILS` (a folder of mails, one a file) or a few written here.
//!
//! The target is 0.4 of mail-parser's bytes a second for all of [`ticketd::mail::read`].

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn mails() -> Vec<Vec<u8>> {
    let Ok(folder) = std::env::var("TICKETD_BENCH_MAILS") else {
        return (0..200).map(written).collect();
    };
    let mut mails = vec![];
    let mut folders = vec![std::path::PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|e| e != "jsonl") {
                mails.extend(std::fs::read(path));
            }
        }
    }
    mails
}

fn written(i: usize) -> Vec<u8> {
    let text = "Seit heute früh können sich unsere Benutzer nicht anmelden; die Konsole zeigt Fehler 500.\r\n".repeat(1 + i % 20);
    let attached = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx\r\n"
        .repeat(if i.is_multiple_of(12) { 1_000 } else { 0 });
    format!(
        "Received: from a.example by b.example; Fri, 27 Mar 2026 16:40:00 +0100\r\nFrom: =?utf-8?Q?Anna_M=C3=BCller?= <anna{i}@kunde.example>\r\n\
         To: support@firma.example\r\nSubject: =?utf-8?Q?Anmeldung_schl=C3=A4gt_fehl?= {i}\r\nDate: Fri, 27 Mar 2026 16:40:00 +0100\r\n\
         Message-ID: <{i}@kunde.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n> {text}\r\n--b\r\n\
         Content-Type: application/octet-stream; name=a.log\r\nContent-Transfer-Encoding: base64\r\n\r\n{attached}\r\n--b--\r\n"
    )
    .into_bytes()
}

fn reading(criterion: &mut Criterion) {
    let mails = mails();
    let bytes: usize = mails.iter().map(Vec::len).sum();
    let mut group = criterion.benchmark_group("mail");
    group
        .throughput(Throughput::Bytes(bytes as u64))
        .sample_size(20);
    group.bench_function("mail-parser alone", |b| {
        b.iter(|| {
            mails
                .iter()
                .filter_map(|m| mail_parser::MessageParser::default().parse(black_box(m)))
                .map(|m| m.parts.len())
                .sum::<usize>()
        })
    });
    group.bench_function("parse", |b| {
        b.iter(|| {
            mails
                .iter()
                .map(|m| ticketd::mail::parse::parsed(black_box(m)).headers.len())
                .sum::<usize>()
        })
    });
    group.bench_function("read", |b| {
        b.iter(|| {
            mails
                .iter()
                .map(|m| ticketd::mail::read(black_box(m)).headers.len())
                .sum::<usize>()
        })
    });
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
