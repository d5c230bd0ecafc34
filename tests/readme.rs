//! README.md against what is: it names every setting of the example configuration, and only commands that exist.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

const README: &str = include_str!("../README.md");
const EXAMPLE: &str = include_str!("../systemd/ticketd.toml");

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
