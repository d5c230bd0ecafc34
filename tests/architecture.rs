//! The directions of dependencies (DESIGN.md, "The house"): arrows point inwards, and each library has one door.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Which rooms a room may know, itself apart. A room is a top-level module of the crate.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("diagnostic", &[]),
    ("clock", &[]),
    ("mail", &[]),
    ("contract", &["diagnostic", "mail"]),
    ("rules", &["contract", "diagnostic", "mail"]),
    ("desk", &["contract", "diagnostic", "mail", "rules"]),
    ("store", &["contract", "desk", "mail"]),
    // rules: the search of a batch's mails by all patterns runs on all cores, before the decisions that use it.
    ("clerk", &["contract", "desk", "mail", "rules", "store"]),
    // contract: whose fortnight is over (C8.3), and when a desk opens (C10.5).
    ("deadlines", &["clerk", "contract", "desk", "store"]),
    ("post", &["clerk", "clock", "desk", "mail", "store"]),
    (
        "config",
        &["contract", "desk", "diagnostic", "mail", "rules"],
    ),
    (
        "ops",
        &[
            "clerk",
            "clock",
            "config",
            "contract",
            "daemon",
            "desk",
            "diagnostic",
            "mail",
            "post",
            "rules",
            "store",
        ],
    ),
    (
        "daemon",
        &[
            "clerk",
            "clock",
            "config",
            // A contract changed under its old date is not gone by.
            "contract",
            "deadlines",
            "desk",
            "diagnostic",
            "ops",
            "post",
            "store",
        ],
    ),
    ("main", &["ops"]),
];

/// Where a library may be named: file or folder under src/.
const DOORS: &[(&str, &[&str])] = &[
    ("sled", &["store/index.rs", "store/index"]),
    ("async_imap", &["post/imap.rs", "post/wire.rs"]),
    ("lettre", &["post/smtp.rs", "post/wire.rs", "desk/letter"]),
    ("mail_parser", &["mail"]),
    ("regex_automata", &["mail/automaton.rs"]),
    ("minijinja", &["desk/letter"]),
    (
        "tokio",
        &[
            "post",
            "post.rs",
            "daemon.rs",
            "deadlines.rs",
            "clerk/window.rs",
            "ops/check.rs",
        ],
    ),
    ("clap", &["ops", "ops.rs"]),
];

/// What the pure rooms never name.
const PURE: &[&str] = &["mail", "rules", "contract", "desk"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "Utc::now",
    "SystemTime",
    "Instant::now",
    "fastrand",
    "tokio",
    "tracing",
];

#[test]
fn arrows_point_inwards() {
    let mut wrong = vec![];
    for (file, text) in sources() {
        let room = room_of(&file);
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!(
                "{}: the room \"{room}\" is new; say in tests/architecture.rs what it may know",
                file.display()
            ));
            continue;
        };
        for known in rooms_named(&text) {
            if known != room && !allowed.contains(&known.as_str()) {
                wrong.push(format!("{}: {room} must not know {known}; turn the arrow, or argue for it in tests/architecture.rs", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_library_has_its_door() {
    let mut wrong = vec![];
    for (file, text) in sources() {
        for (library, doors) in DOORS {
            let inside = doors.iter().any(|door| file.starts_with(door));
            if !inside && code(&text).any(|line| names(line, library)) {
                wrong.push(format!(
                    "{}: {library} belongs in {}",
                    file.display(),
                    doors.join(", ")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_pure_rooms_touch_nothing() {
    let mut wrong = vec![];
    for (file, text) in sources()
        .into_iter()
        .filter(|(file, _)| PURE.contains(&room_of(file).as_str()))
    {
        for name in IMPURE {
            if code(&text).any(|line| line.contains(name)) {
                wrong.push(format!(
                    "{}: {name} in a pure room: time, chance, order and the world are arguments",
                    file.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// In mail a table may be hashed, since nothing walks through it; what decides has no order but its own.
#[test]
fn no_decision_hangs_on_the_order_of_a_hash_map() {
    let decides = |file: &Path| ["rules", "contract", "desk"].contains(&room_of(file).as_str());
    let hashed =
        |text: &str| code(text).any(|line| line.contains("HashMap") || line.contains("HashSet"));
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(file, text)| decides(file) && hashed(text))
        .map(|(file, _)| file.display().to_string())
        .collect();
    assert!(wrong.is_empty(), "use BTreeMap in {}", wrong.join(", "));
}

#[test]
fn only_the_clock_asks_what_time_it_is() {
    let asks = |text: &str| {
        code(text).any(|line| {
            ["Utc::now(", "Local::now(", "SystemTime::now("]
                .iter()
                .any(|ask| line.contains(ask))
        })
    };
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(file, text)| room_of(file) != "clock" && asks(text))
        .map(|(file, _)| file.display().to_string())
        .collect();
    assert!(
        wrong.is_empty(),
        "time is an argument, but these read it: {}",
        wrong.join(", ")
    );
}

#[test]
fn the_desk_decides_without_errors() {
    let mut wrong = vec![];
    for (file, text) in sources()
        .into_iter()
        .filter(|(file, _)| file.starts_with("desk"))
    {
        // Reading template files is the one place where the desk's folder meets an operator's mistakes.
        if file.starts_with("desk/letter") || file == Path::new("desk/letter.rs") {
            continue;
        }
        for line in code(&text).filter(|line| line.contains("panic!(") || line.contains("anyhow")) {
            wrong.push(format!("{}: {}", file.display(), line.trim()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![];
    collect(&root, &mut files);
    assert!(files.len() > 20, "the sources are not where they were");
    files
        .into_iter()
        .map(|f| {
            (
                f.strip_prefix(&root).expect("under src").to_path_buf(),
                std::fs::read_to_string(&f).expect("a source file"),
            )
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder)
        .expect("a folder of sources")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") && !is_test(&path) {
            files.push(path);
        }
    }
}

/// Unit tests in a file of their own may look at the clock.
fn is_test(path: &Path) -> bool {
    path.file_stem()
        .and_then(|n| n.to_str())
        .is_some_and(|n| n == "tests" || n.ends_with("_tests"))
}

/// `mail` for mail.rs and mail/parse.rs; lib.rs is the map of all.
fn room_of(file: &Path) -> String {
    let first = file
        .components()
        .next()
        .map(|c| c.as_os_str().to_string_lossy().into_owned())
        .unwrap_or_default();
    match first.strip_suffix(".rs") {
        Some("lib") => "main".into(),
        Some(name) => name.into(),
        None => first,
    }
}

/// Lines of code up to the unit tests: no comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .take_while(|l| !l.starts_with("#[cfg(test)]"))
        .filter(|l| !l.trim_start().starts_with("//"))
}

/// The top-level modules named by `crate::…`, also in `use crate::{a, b::c}`.
fn rooms_named(text: &str) -> BTreeSet<String> {
    let code: String = code(text).collect::<Vec<_>>().join("\n");
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => rooms.extend(
                group
                    .split(['}', ';'])
                    .next()
                    .unwrap_or_default()
                    .split(',')
                    .map(first_word),
            ),
            None => drop(rooms.insert(first_word(rest))),
        }
    }
    rooms.remove("");
    rooms
}

fn first_word(path: &str) -> String {
    path.trim()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn names(line: &str, library: &str) -> bool {
    line.match_indices(library).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + library.len()..];
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '"')
            && after.starts_with("::")
    })
}
