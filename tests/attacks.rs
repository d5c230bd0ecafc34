//! The register of attacks: every row of the house's list of attacks on mail-to-ticket systems (groups A to G, as the commits and comments cite them) is a test
//! named for it, so that a row can be looked up, and none is lost in a move.

use std::collections::BTreeMap;
use std::path::Path;

/// How many rows each group has.
const GROUPS: [(char, u32); 7] = [
    ('a', 11),
    ('b', 10),
    ('c', 9),
    ('d', 11),
    ('e', 10),
    ('f', 4),
    ('g', 5),
];

/// What those rows are tested by, beside the parsers' own tests: raw mails through the whole desk, or real bytes on real sockets.
const THROUGH_THE_HOUSE: [&str; 3] = ["tests/desk", "tests/post", "tests/end_to_end"];

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source");
            found.push((path.display().to_string(), text));
        }
    }
}

#[test]
fn every_row_has_its_test_through_the_house() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![];
    for folder in THROUGH_THE_HOUSE {
        sources(&root.join(folder), &mut found);
    }
    let mut tests: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in &found {
        let names = text.lines().filter_map(|l| {
            let l = l.trim_start().trim_start_matches("async ");
            l.strip_prefix("fn ")?.split('(').next()
        });
        for name in names {
            // `g03_g04_what_it_says`: each row it stands for.
            let rows = name.split('_').take_while(|w| is_row(w));
            for row in rows {
                tests
                    .entry(row.into())
                    .or_default()
                    .push(format!("{file}: {name}"));
            }
        }
    }
    let rows = GROUPS
        .iter()
        .flat_map(|(group, count)| (1..=*count).map(move |n| format!("{group}{n:02}")));
    let missing: Vec<String> = rows.filter(|row| !tests.contains_key(row)).collect();
    assert!(missing.is_empty(), "no test is named for {missing:?}");
}

fn is_row(word: &str) -> bool {
    let (group, number) = word.split_at_checked(1).unwrap_or(("", ""));
    let known = GROUPS.iter().find(|(g, _)| g.to_string() == group);
    number.len() == 2
        && number
            .parse()
            .is_ok_and(|n: u32| known.is_some_and(|(_, count)| (1..=*count).contains(&n)))
}
