//! What reading and parsing alone cost: the floor under `tests/bench/receive`.
//!
//! `floor DIR` reads every mail of a Maildir's new/ in the order of names and parses it with mail-parser, in one thread, and prints
//! `{"mails":N,"bytes":N}`. It keeps nothing and writes nothing.

use mail_parser::MessageParser;
use std::hint::black_box;
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os()
        .nth(1)
        .map(|maildir| PathBuf::from(maildir).join("new"))
        .ok_or_else(|| std::io::Error::other("usage: floor MAILDIR"))?;
    let mut files = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<Vec<_>, _>>()?;
    files.sort();

    let parser = MessageParser::default();
    let mut bytes = 0;
    for file in &files {
        let raw = std::fs::read(file)?;
        bytes += raw.len();
        black_box(parser.parse(&raw));
    }
    println!("{{\"mails\":{},\"bytes\":{bytes}}}", files.len());
    Ok(())
}
