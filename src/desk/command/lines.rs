//! Where commands stand in a mail: at the very top of its plain text.
//!
//! Knows how a command is written and what only looks like one; does not know what they do. Promise: a line, or a table's cell, that begins with a known command
//! anywhere else in what the writer wrote, in the HTML too, holds the whole mail back (ATTACKS.md D10), so that no `#note` ever reaches a customer.

use super::VERBS;
use crate::desk::letter::BAR;
use crate::mail::{Mail, TextOf, html, quote};
use std::collections::BTreeSet;

/// The most of an HTML part's text that is looked at for commands.
const HTML_TEXT_BYTES_MAX: usize = 256 * 1024;

/// One command: its name and the rest of its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::desk) struct Words {
    pub name: String,
    pub rest: String,
}

impl Words {
    /// Whether everything after it belongs to it: what follows `#note` is the note, what follows `#reply` or `#everyone` the answer.
    fn takes_all(&self) -> bool {
        matches!(self.name.as_str(), "note" | "reply" | "everyone")
    }
}

/// The commands at the very top of a text, and what follows them.
pub(in crate::desk) fn split(text: &str) -> (Vec<Words>, String) {
    let mut commands: Vec<Words> = vec![];
    let mut lines = text.lines();
    loop {
        let before = lines.clone();
        let Some(line) = lines.next() else { break };
        match words(line) {
            Some(all) if all.takes_all() => {
                let rest = std::iter::once(all.rest.as_str())
                    .chain(lines)
                    .collect::<Vec<_>>()
                    .join("\n");
                commands.push(Words {
                    rest: rest.trim().to_string(),
                    ..all
                });
                return (commands, String::new());
            }
            Some(words) => commands.push(words),
            None if line.trim().is_empty() => {}
            None => return (commands, before.collect::<Vec<_>>().join("\n")),
        }
    }
    (commands, String::new())
}

/// `#word rest`. Whatever begins with `#` and a letter is meant as a command, also `#note:`; `#` alone, `# heading` and `#12` are text.
fn words(line: &str) -> Option<Words> {
    let line: String = line.chars().filter(|c| !is_invisible(*c)).collect();
    let after = line.trim().strip_prefix('#')?;
    let (name, rest) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
    let meant = name.starts_with(|c: char| c.is_ascii_alphabetic());
    meant.then(|| Words {
        name: name.trim_end_matches([':', ',', '.']).to_ascii_lowercase(),
        rest: rest.trim().to_string(),
    })
}

/// Lists and clients put one pair of brackets before a line, or a few.
const BRACKETS_MAX: usize = 20;

/// The command that a line seems to begin with, however it is dressed up: `*#note*`, `- #note`, `2. #note`, `# note`, `[#note]`, and behind the `[x]` of a list or
/// what a client writes for an image: `[cid:image001.png@01D9]`, `<image001.png>`. A line marked as quoted begins with none.
fn dressed(line: &str) -> Option<&'static str> {
    let visible = line.chars().filter(|c| !is_invisible(*c));
    let line: String = visible.map(narrow).collect();
    let mut rest = line.as_str();
    for _ in 0..BRACKETS_MAX {
        // What stands in the brackets may be the command itself: they go only where it is not.
        if let Some(name) = undressed(rest) {
            return Some(name);
        }
        rest = behind_brackets(rest)?;
    }
    None
}

/// Neither a letter nor a digit, nor what says that the line is a command, or somebody else's.
fn is_dress(c: char) -> bool {
    !c.is_alphanumeric() && !matches!(c, '#' | '>' | '|')
}

fn undressed(line: &str) -> Option<&'static str> {
    let after = unnumbered(line.trim_start_matches(is_dress))
        .trim_start_matches(is_dress)
        .strip_prefix('#')?
        .trim_start_matches(is_dress);
    let name: String = after
        .chars()
        .take_while(|c| c.is_alphabetic() || *c == '-')
        .collect::<String>()
        .to_lowercase();
    let name = name.trim_end_matches('-');
    let known = VERBS.iter().map(|v| v.name);
    known.into_iter().find(|known| *known == name)
}

/// What follows the brackets that a line begins with.
fn behind_brackets(line: &str) -> Option<&str> {
    let is_mark = |c: char| is_dress(c) && !matches!(c, '[' | '<');
    let line = unnumbered(line.trim_start_matches(is_mark)).trim_start_matches(is_mark);
    let end = match line.as_bytes().first()? {
        b'[' => ']',
        b'<' => '>',
        _ => return None,
    };
    line.split_once(end).map(|(_, behind)| behind)
}

/// Without the `2.` or `b)` that a list puts before it.
fn unnumbered(line: &str) -> &str {
    let after = match line.trim_start_matches(|c: char| c.is_ascii_digit()) {
        same if same == line => line.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
        rest => rest,
    };
    let is_short = line.len() - after.len() <= 3;
    let rest = after.strip_prefix(['.', ')']).filter(|_| is_short);
    rest.unwrap_or(line)
}

/// A Japanese keyboard's wide `＃ｎｏｔｅ` as everybody else writes it.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{fe5f}' => '#',
        _ => c,
    }
}

/// The known commands that a line begins with, or a cell. Some clients end a line with a character of its own.
fn begun(text: &str) -> impl Iterator<Item = &'static str> {
    let lines = text.split([
        '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
    ]);
    let with_marks = lines.filter(|line| line.contains(['#', '\u{ff03}', '\u{fe5f}']));
    with_marks.flat_map(cells).filter_map(|cell| dressed(&cell))
}

/// What stands beside each other in a line, as clients write a table in plain text: between bars, behind a tab, behind two blanks and more. Of a line that is
/// marked as quoted only what our own HTML reading parts: the words in it are the customer's.
fn cells(line: &str) -> Vec<String> {
    let visible = line.chars().filter(|c| !is_invisible(*c));
    let line: String = visible.collect();
    let line = line.trim();
    let is_row = line.starts_with(BAR) && line.ends_with(BAR);
    if line.starts_with(['>', BAR]) && !is_row {
        let cells = line.split(html::BETWEEN_CELLS);
        return cells.map(str::to_string).collect();
    }
    let parted = line.chars().map(|c| match narrow(c) {
        BAR | '\u{a6}' | '\u{2502}' | '\u{2503}' | '\u{2551}' => '\t',
        c if c.is_whitespace() && c != '\t' => ' ',
        c => c,
    });
    let parted: String = parted.collect();
    let cells = parted.split('\t').flat_map(|cell| cell.split("  "));
    cells.map(str::to_string).collect()
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

/// What is wrong with where a staff mail's commands stand: with any fault nothing is carried out and nothing relayed.
pub(in crate::desk) fn faults(commands: &[Words], text: &str, mail: &Mail) -> Vec<String> {
    let misplaced = misplaced(text).into_iter().chain(beside(commands));
    // A client may show the writer another text than the plain one; a command seen only in HTML was meant, and would go to the customer.
    let only_in_html: BTreeSet<String> = match mail.text_of {
        TextOf::Plain => shown_by_html(mail)
            .into_iter()
            .filter(|name| !commands.iter().any(|w| w.name == *name))
            .map(str::to_string)
            .collect(),
        TextOf::Html | TextOf::Attached => commands.iter().map(|w| w.name.clone()).collect(),
    };
    let only_in_html = only_in_html
        .iter()
        .map(|name| format!("#{name} stands only in the HTML part; commands stand in plain text."));
    misplaced.chain(only_in_html).collect()
}

/// The commands in the line of another: the customer reads what follows some of them.
fn beside(commands: &[Words]) -> Vec<String> {
    let in_line = |words: &Words| {
        let first = words.rest.lines().next().unwrap_or_default();
        let others = cells(first).into_iter().skip(1);
        let others: Vec<_> = others.filter_map(|cell| dressed(&cell)).collect();
        let said = |other| {
            format!(
                "#{other} stands beside #{}; each command has a line of its own.",
                words.name
            )
        };
        others.into_iter().map(said).collect::<Vec<_>>()
    };
    let commands = commands.iter().filter(|words| words.name != "note");
    commands.flat_map(in_line).collect()
}

/// The commands that begin a line of what would go to a customer.
pub(in crate::desk) fn misplaced(text: &str) -> Vec<String> {
    let words = |name| {
        format!(
            "#{name} stands below the first lines; commands stand at the very top, or not at all."
        )
    };
    begun(text).map(words).collect()
}

/// The commands that begin a line of the writer's own in the HTML.
fn shown_by_html(mail: &Mail) -> Vec<&'static str> {
    let Some(source) = &mail.html else {
        return vec![];
    };
    let text = html::text(source, HTML_TEXT_BYTES_MAX);
    let own = quote::own_text(&text, Some(source), BAR).unwrap_or_default();
    let (commands, text) = split(&own);
    let first = commands
        .iter()
        .filter_map(|w| dressed(&format!("#{}", w.name)));
    first.chain(begun(&text)).collect()
}
