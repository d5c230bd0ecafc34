//! Sets of mails that we wrote ourselves, named by their quirk, with the threads they must form.
//!
//! `tests/cases/thread/<quirk>/` holds mails, read in the order of their names, and `threads.json`: lists of those that belong together.

use std::path::{Path, PathBuf};
use ticketd::desk::thread;
use ticketd::mail::{self, Mail};

#[test]
fn every_set_of_mails_forms_its_threads() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/thread"));
    let sets = sorted(folder);
    assert!(sets.len() >= 10, "{} sets", sets.len());
    let wrong: Vec<String> = sets.iter().filter_map(|set| wrong_in(set)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn wrong_in(set: &Path) -> Option<String> {
    let wanted = std::fs::read_to_string(set.join("threads.json")).expect("threads.json");
    let wanted: Vec<Vec<String>> = serde_json::from_str(&wanted).expect("lists of names");
    let files: Vec<PathBuf> = sorted(set)
        .into_iter()
        .filter(|f| f.extension().is_some_and(|e| e == "eml"))
        .collect();
    let mails: Vec<Mail> = files.iter().map(|f| read(f)).collect();
    let name = |m: &usize| {
        files[*m]
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let threads = thread::group(&mails.iter().collect::<Vec<_>>());
    let found: Vec<Vec<String>> = threads
        .iter()
        .map(|t| t.members.iter().map(name).collect())
        .collect();
    (found != wanted).then(|| format!("{}: wanted {wanted:?}, found {found:?}", set.display()))
}

/// On the stack that the daemon gives to reading.
fn read(file: &Path) -> Mail {
    let raw = std::fs::read(file).expect("a mail");
    let reading = std::thread::Builder::new()
        .stack_size(mail::parse::STACK_BYTES)
        .spawn(move || mail::read(&raw));
    reading.expect("a thread").join().expect("no panic")
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|e| e.expect("an entry").path())
        .collect();
    found.sort();
    found
}
