//! What holds for any bytes: the laws that fuzzing tries to break, and that `tests/corpora.rs` replays over `fuzz/corpus` in the normal build.
//!
//! A law takes some bytes and panics if it does not hold. It asks more than "no panic": reading is deterministic, what comes out is bounded, nothing is invented,
//! nothing forged is believed.

mod house;
mod letter;
mod sender;
mod wire;

/// Panics over bytes that break it.
pub type Law = fn(&[u8]);

/// Each law by the name of its fuzz target, its corpus and its file under `fuzz_targets`.
pub const LAWS: &[(&str, Law)] = &[
    ("mail", letter::mail),
    ("header", letter::header),
    ("text", letter::text),
    ("html", letter::html),
    ("tnef", letter::tnef),
    ("bounce", letter::bounce),
    ("address", sender::address),
    ("authentication", sender::authentication),
    ("references", sender::references),
    ("token", sender::token),
    ("rules", house::rules),
    ("contract", house::contract),
    ("hours", house::hours),
    ("config", house::config),
    ("request", wire::request),
    ("imap", wire::imap),
];

/// Holds the law of that name against these bytes.
#[allow(dead_code)] // The fuzz targets call it; the replay goes through the table.
pub fn hold(name: &str, bytes: &[u8]) {
    let law = LAWS.iter().find(|(known, _)| *known == name);
    law.expect("a law of that name").1(bytes);
}

/// Bytes as the value of one header field: folded where they hold line ends. A line of blanks may end a header, so none is made.
fn on_one_field(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (at, &byte) in bytes.iter().enumerate() {
        let is_last = bytes[at + 1..]
            .first()
            .is_none_or(|next| b" \t\r\n".contains(next));
        match byte {
            b'\r' => {}
            b'\n' if is_last => out.push(b' '),
            b'\n' => out.extend_from_slice(b"\n "),
            _ => out.push(byte),
        }
    }
    out
}
