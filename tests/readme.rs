//! README.md against what is: it names every setting of the example configuration, and only commands that exist.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

const README: &str = include_str!("../README.md");
const EXAMPLE: &str = include_str!("../systemd/ticketd.toml");
const CONFIG: &str = include_str!("../src/config.rs");
const UNIT: &str = include_str!("../systemd/ticketd.service");

#[test]
fn every_setting_of_the_example_is_explained() {
    let explained = quoted(section("## Configuration"));
    for setting in settings(EXAMPLE) {
        assert!(
            explained.contains(setting),
            "systemd/ticketd.toml has {setting}, which the table of README.md, \"Configuration\", does not name"
        );
    }
}

#[test]
fn every_command_exists() {
    let section = section("## The command line");
    let rows = section.lines().filter_map(first_cell);
    let commands: BTreeSet<&str> = rows
        .flat_map(quoted)
        .filter_map(|words| words.split_whitespace().next())
        .collect();
    assert!(
        commands.contains("run"),
        "no table of commands found: {commands:?}"
    );
    for command in commands {
        let found = Command::new(env!("CARGO_BIN_EXE_ticketd"))
            .args([command, "--help"])
            .stdout(Stdio::null())
            .status()
            .expect("ticketd starts");
        assert!(
            found.success(),
            "README.md names `ticketd {command}`, which does not exist"
        );
    }
}

/// The text below a heading, up to the next one of its height.
fn section(heading: &str) -> &'static str {
    let (_, below) = README.split_once(heading).expect(heading);
    below.split("\n## ").next().unwrap_or(below)
}

/// What stands between backticks.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The first cell of a table's row.
fn first_cell(line: &str) -> Option<&str> {
    line.strip_prefix("| ")?.split(" | ").next()
}

/// Every key that is set, or shown as a comment with its default.
fn settings(toml: &str) -> impl Iterator<Item = &str> {
    toml.lines().filter_map(|line| {
        let line = line.strip_prefix("# ").unwrap_or(line);
        let (key, _) = line.split_once(" = ")?;
        let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        is_key.then_some(key)
    })
}

/// The key of every table and setting that the code knows: what stands in `#[derive(Deserialize)]` structures of the configuration.
#[test]
fn every_setting_of_the_code_is_in_the_example_and_explained() {
    let explained = quoted(section("## Configuration"));
    let example: BTreeSet<&str> = settings(EXAMPLE).collect();
    let code: BTreeSet<&str> = keys_of_the_code().collect();
    assert!(
        code.len() > 30,
        "the reading of src/config.rs is at fault: {code:?}"
    );
    for key in &code {
        let is_named = [key.to_string(), format!("[{key}]"), format!("[[{key}]]")];
        assert!(
            is_named
                .iter()
                .any(|name| explained.contains(name.as_str())),
            "README.md, \"Configuration\", does not name {key}"
        );
        let shown = example.contains(key)
            || EXAMPLE.contains(&format!("[{key}]"))
            || EXAMPLE.contains(&format!(".{key}]"));
        assert!(
            shown || TABLES.contains(key),
            "systemd/ticketd.toml does not show {key}"
        );
    }
    for key in example {
        assert!(
            code.contains(key),
            "systemd/ticketd.toml has {key}, which src/config.rs does not know"
        );
    }
}

const TABLES: [&str; 2] = ["queue", "mailbox"];

fn keys_of_the_code() -> impl Iterator<Item = &'static str> {
    let structures = [
        "struct File {",
        "struct FileLinks {",
        "struct FileSecurity {",
        "struct FileQueue {",
        "struct FileMailbox {",
        "struct FileOutgoing {",
        "pub struct Imap {",
        "pub struct Smtp {",
    ];
    structures.into_iter().flat_map(|opening| {
        let (_, fields) = CONFIG.split_once(opening).expect(opening);
        let (fields, _) = fields.split_once("\n}").expect(opening);
        fields.lines().filter_map(|line| {
            let (name, _) = line.trim().trim_start_matches("pub ").split_once(": ")?;
            let is_key = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            is_key.then_some(name)
        })
    })
}

#[test]
fn every_command_is_explained() {
    let section = section("## The command line");
    let help = Command::new(env!("CARGO_BIN_EXE_ticketd"))
        .arg("--help")
        .output()
        .expect("ticketd starts");
    let help = String::from_utf8(help.stdout).expect("text");
    let (_, commands) = help.split_once("Commands:\n").expect("commands");
    let (commands, _) = commands.split_once("\nOptions:").expect("options");
    // A command is indented by two; what is indented more goes on about the one above.
    let names = commands
        .lines()
        .filter(|l| !l.starts_with("   "))
        .filter_map(|l| l.split_whitespace().next());
    let names: Vec<&str> = names.filter(|name| *name != "help").collect();
    assert!(names.contains(&"receive"), "{names:?}");
    for name in names {
        let is_named = quoted(section)
            .iter()
            .any(|words| words.split_whitespace().next() == Some(name));
        assert!(
            is_named,
            "README.md, \"The command line\", does not name `ticketd {name}`"
        );
    }
}

#[test]
fn every_credential_of_the_example_is_handed_over_by_the_unit() {
    let named: BTreeSet<&str> = EXAMPLE
        .split("credential = \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let lines = UNIT
        .lines()
        .filter_map(|line| line.strip_prefix("LoadCredential="));
    let handed: BTreeSet<&str> = lines.filter_map(|line| line.split(':').next()).collect();
    assert_eq!(named, handed);
}

#[test]
fn every_place_of_the_map_exists() {
    const MAP: &str = include_str!("../src/lib.rs");
    let places = quoted(MAP).into_iter().filter(|words| {
        ["src/", "rules/", "tests/", "systemd/"]
            .iter()
            .any(|folder| words.starts_with(folder))
            && !words.contains('*')
    });
    let mut count = 0;
    for place in places {
        count += 1;
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
        assert!(
            path.exists(),
            "src/lib.rs points at {place}, which is not there"
        );
    }
    assert!(count > 15, "the reading of src/lib.rs is at fault");
}

/// The table of commands is the desk's own.
#[test]
fn every_verb_of_the_staff_is_explained_as_the_manual_explains_it() {
    use ticketd::desk::command::{Road, VERBS};
    let section = section("## How staff work");
    for verb in VERBS {
        let takes = verb.takes.replace('|', "\\|");
        let said = |before: &str| format!("`{}`", format!("{before} {takes}").trim_end());
        let ticket = if verb.name == "open" { "" } else { " N" };
        let by_mail = said(&format!("#{}", verb.name));
        let by_line = said(&format!("ticketd {}{ticket}", verb.name));
        let row = section.lines().find(|line| {
            (verb.road == Road::Line || line.contains(&by_mail))
                && (verb.road == Road::Mail || line.contains(&by_line))
        });
        let row = row.unwrap_or_else(|| {
            panic!(
                "README.md has no row of #{}: {by_mail} {by_line}",
                verb.name
            )
        });
        assert!(
            row.contains(verb.about),
            "README.md says otherwise of #{} than its manual: {row}",
            verb.name
        );
    }
}
