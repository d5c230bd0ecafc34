//! What fuzzing knows, replayed in the normal build: each corpus through its law, on the stack that the daemon gives to reading.

#[path = "../fuzz/laws/mod.rs"]
mod laws;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use ticketd::mail::parse;

/// All corpora together: what must not make a clone slow.
const CORPORA_BYTES_MAX: u64 = 500_000;

#[test]
fn every_law_holds_for_its_corpus() {
    let mut bytes = 0;
    let mut broken = vec![];
    for (name, law) in laws::LAWS {
        let files = files(&folder("corpus").join(name));
        assert!(!files.is_empty(), "fuzz/corpus/{name} is empty");
        for file in files {
            let input = std::fs::read(&file).expect("a file of the corpus");
            bytes += input.len() as u64;
            let thread = std::thread::Builder::new().stack_size(parse::STACK_BYTES);
            let held = thread.spawn(move || law(&input)).expect("a thread").join();
            if held.is_err() {
                broken.push(file.display().to_string());
            }
        }
    }
    assert!(
        broken.is_empty(),
        "the law does not hold for\n{}",
        broken.join("\n")
    );
    assert!(
        bytes <= CORPORA_BYTES_MAX,
        "the corpora have {bytes} bytes; make them smaller with fuzz/run --minimise"
    );
}

#[test]
fn every_target_has_a_law_and_every_law_a_target() {
    let laws: BTreeSet<String> = laws::LAWS
        .iter()
        .map(|(name, _)| name.to_string())
        .collect();
    let names = |folder: &str| -> BTreeSet<String> {
        files(folder.as_ref())
            .iter()
            .filter_map(|file| Some(file.file_stem()?.to_string_lossy().into_owned()))
            .collect()
    };
    assert_eq!(laws, names(&folder("fuzz_targets").display().to_string()));
    assert_eq!(laws, names(&folder("corpus").display().to_string()));
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz")
        .join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    found.sort();
    found
}
