//! Where commands stand in a mail: at the very top of its plain text.
//!
//! Knows how a command is written and what only looks like one; does not know what they do. Promise: a line, or a table's cell, that begins with a known command
//! anywhere else in what the writer wrote, in the HTML too, holds the whole mail back (ATTACKS.md D10), so that no `#note` ever reaches a customer. `#note` does so
//! wherever it is not merely spoken of, and in what stays behind of the mail too: the words below it would go out.

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

/// Neither a letter nor a digit, nor what says that the line is a command, or somebody else's. Numbers in circles and letters in boxes are pictures.
fn is_dress(c: char) -> bool {
    let is_picture = c.is_numeric() && !c.is_ascii_digit()
        || matches!(c, '\u{2139}' | '\u{24b6}'..='\u{24e9}' | '\u{1f130}'..='\u{1f189}');
    (is_picture || !c.is_alphanumeric()) && !matches!(c, '#' | '>' | BAR)
}

fn undressed(line: &str) -> Option<&'static str> {
    let after = unmarked(line)
        .strip_prefix('#')?
        .trim_start_matches(is_dress);
    let name: String = after
        .chars()
        .take_while(|c| c.is_alphabetic() || *c == '-')
        .collect::<String>()
        .to_lowercase();
    let name = name.trim_end_matches('-');
    // No word begins with this one and a hyphen but a note's own.
    if name.starts_with("note-") {
        return Some(NOTE);
    }
    let known = VERBS.iter().map(|v| v.name);
    known.into_iter().find(|known| *known == name)
}

/// Without what a list, a drawing or an outline puts before a line: `1.2. `, `2) `, `* `.
fn unmarked(line: &str) -> &str {
    let mut rest = line.trim_start_matches(is_dress);
    for _ in 0..BRACKETS_MAX {
        let shorter = unnumbered(rest).trim_start_matches(is_dress);
        if shorter.len() == rest.len() {
            break;
        }
        rest = shorter;
    }
    rest
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

/// Without the `2.`, `b)` or `viii.` that a list puts before it, or a key's picture.
fn unnumbered(line: &str) -> &str {
    const MARK_BYTES_MAX: usize = 4;
    let after = match line.trim_start_matches(|c: char| c.is_ascii_digit()) {
        same if same == line => line.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
        rest => rest,
    };
    let is_short = line.len() - after.len() <= MARK_BYTES_MAX;
    let rest = after
        .strip_prefix(['.', ')', '\u{20e3}'])
        .filter(|_| is_short);
    rest.unwrap_or(line)
}

/// The marks that begin a command, or look like it.
const MARKS: [char; 5] = ['#', '\u{ff03}', '\u{fe5f}', '\u{266f}', '\u{2317}'];

/// A Japanese keyboard's wide `＃ｎｏｔｅ` as everybody else writes it.
fn narrow(c: char) -> char {
    match c {
        c if MARKS.contains(&c) => '#',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// The known commands that a line begins with, or a cell, and a note given in the middle of one. Some clients end a line with a character of its own.
fn begun(text: &str) -> impl Iterator<Item = &'static str> {
    let lines = text.split([
        '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
    ]);
    let with_marks = lines.filter(|line| line.contains(MARKS));
    with_marks.flat_map(|line| {
        let begun: Vec<_> = cells(line)
            .iter()
            .filter_map(|cell| dressed(cell))
            .collect();
        let noted = (begun.is_empty() && notes(line)).then_some(NOTE);
        begun.into_iter().chain(noted)
    })
}

const NOTE: &str = "note";

/// In one line.
const NOTES_MAX: usize = 100;

/// Whether a line gives a note behind its beginning: `PS: #note …`, `Done. #note …`, `(#note …)`. Who speaks of the command says "use #note". What is quoted are
/// the customer's words.
fn notes(line: &str) -> bool {
    let visible = line.chars().filter(|c| !is_invisible(*c));
    let line: String = visible.map(narrow).flat_map(char::to_lowercase).collect();
    let line = line.trim();
    let is_given = |at: usize| {
        let (before, behind) = (&line[..at], &line[at + 1 + NOTE.len()..]);
        !behind.starts_with(char::is_alphanumeric) && gives(before, behind)
    };
    let is_quoted = line.starts_with(['>', BAR]);
    let mut notes = line.match_indices("#note").enumerate();
    // Nobody speaks of it so often.
    !is_quoted && notes.any(|(n, (at, _))| n >= NOTES_MAX || is_given(at))
}

/// Whether a note stands here that is meant, by what stands before and behind it.
fn gives(before: &str, behind: &str) -> bool {
    const QUOTES: [char; 14] = [
        '"', '\'', '`', '\u{b4}', '\u{ab}', '\u{bb}', '\u{2018}', '\u{2019}', '\u{201a}',
        '\u{201c}', '\u{201d}', '\u{201e}', '*', '_',
    ];
    let Some(last) = before.chars().next_back() else {
        return true;
    };
    let bare = before.trim_end_matches(|c: char| c.is_whitespace() || QUOTES.contains(&c));
    let ends_in_word = bare.ends_with(char::is_alphanumeric);
    // `1 #note`, `10:02 #note`.
    if !bare.contains(char::is_alphabetic) {
        return true;
    }
    match last {
        c if c.is_whitespace() || QUOTES.contains(&c) => {
            // `#close, #note and #help` speaks of them all.
            let word = bare.rsplit(char::is_whitespace).next().unwrap_or_default();
            let is_listed = word.starts_with('#') && word.ends_with(',');
            !ends_in_word && !is_listed
        }
        '(' | '[' | '{' => !behind.starts_with([')', ']', '}']),
        // A part of a word, of a path or of a link: `page.html?a=#note`.
        c if c.is_alphanumeric() || "/=&?%.-@#".contains(c) => false,
        _ => {
            let word = before
                .rsplit(char::is_whitespace)
                .next()
                .unwrap_or_default();
            !word.contains('/')
        }
    }
}

/// What stands beside each other in a line, as clients write a table in plain text: between bars, behind a tab, behind two blanks and more. Of a line that is
/// marked as quoted only what our own HTML reading parts, and of one behind a bar what stands between bars, since a row may begin with one: the other words in
/// it are the customer's.
fn cells(line: &str) -> Vec<String> {
    let visible = line.chars().filter(|c| !is_invisible(*c));
    let line: String = visible.collect();
    let line = line.trim();
    let is_row = line.starts_with(BAR) && line.ends_with(BAR);
    if line.starts_with('>') {
        let cells = line.split(html::BETWEEN_CELLS);
        return cells.map(str::to_string).collect();
    }
    if line.starts_with(BAR) && !is_row {
        return line.split(is_bar).map(str::to_string).collect();
    }
    let parted = line.chars().map(|c| match c {
        c if is_bar(c) => '\t',
        c if c.is_whitespace() && c != '\t' => ' ',
        c => c,
    });
    let parted: String = parted.collect();
    let cells = parted.split('\t').flat_map(|cell| cell.split("  "));
    cells.map(str::to_string).collect()
}

/// What tables are drawn with.
fn is_bar(c: char) -> bool {
    matches!(
        narrow(c),
        BAR | '\u{a6}' | '\u{2016}' | '\u{2502}' | '\u{2503}' | '\u{2551}' | '\u{23d0}'
    )
}

/// What no reader sees: marks of direction, fillers, joiners, variants of a sign.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}')
        || matches!(
            c,
            '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'
                ..='\u{180f}'
        )
        || matches!(c, '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
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
    // Below a note nothing goes out that a command could spoil.
    let is_noted = commands.iter().any(Words::takes_all);
    let hidden = (!is_noted).then(|| hidden(mail));
    misplaced
        .chain(only_in_html)
        .chain(hidden.into_iter().flatten())
        .collect()
}

/// The notes where nobody looks for them, and that the writer may take for given: in his signature, in a quotation that he made, in what goes along and is shown
/// as if it were of the text. Other commands there are the customer's words, or a joke; below a note stands what he did not mean to send.
fn hidden(mail: &Mail) -> Vec<String> {
    let is_note = |line: &String| words(line).is_some_and(|w| w.name == NOTE);
    let own = quote::left_behind(&mail.text, mail.html.as_deref());
    let begins = |text: &String| begun(text).any(|name| name == NOTE);
    // A file may well be one with comments: what is looked for there is written as it must be.
    let shown = mail.shown_below.iter().flat_map(|text| text.lines());
    let places = [
        ("in the signature", own.signature.iter().any(begins)),
        ("in a quotation", own.quoted.iter().any(is_note)),
        ("in the calendar's part", invited(mail).iter().any(begins)),
        (
            "in a file that is shown below the text",
            shown.map(str::to_string).any(|line| is_note(&line)),
        ),
    ];
    let found = places.iter().filter(|(_, is_there)| *is_there);
    found
        .map(|(place, _)| {
            format!("#note stands {place}; commands stand at the very top, or not at all.")
        })
        .collect()
}

/// What the invitations in a mail say (RFC 5545, 3.1 and 3.3.11): a client writes the text into them, too.
pub(in crate::desk) fn invited(mail: &Mail) -> Vec<String> {
    let is_invitation =
        |media_type: &str| matches!(media_type, "text/calendar" | "application/ics");
    let parts = mail.reports.iter().filter(|r| is_invitation(&r.media_type));
    let values = |calendar: &str| -> Vec<String> {
        let unfolded = calendar
            .replace("\r\n", "\n")
            .replace("\n ", "")
            .replace("\n\t", "");
        let values = unfolded.lines().filter_map(|line| line.split_once(':'));
        values
            .map(|(_, value)| value.replace("\\n", "\n").replace("\\N", "\n"))
            .collect()
    };
    parts.flat_map(|part| values(&part.text)).collect()
}

/// The commands in the line of another: the customer reads what follows some of them. Below `#reply` it is his text, which is looked at as any.
fn beside(commands: &[Words]) -> Vec<String> {
    let in_line = |words: &Words| {
        let first = words.rest.lines().next().unwrap_or_default();
        let mut others = cells(first);
        match words.takes_all() {
            true => drop(others.remove(0)),
            false => others.extend(first.split_whitespace().map(str::to_string)),
        }
        let others: BTreeSet<_> = others.iter().filter_map(|cell| dressed(cell)).collect();
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
