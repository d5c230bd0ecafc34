//! The new text of a reply, against quotation, signature and disclaimer. When in doubt, shows more.
//!
//! Knows how mail clients mark what they repeat; knows nothing of the mail's other fields. Three questions are asked of the lines, each in its own file:
//! where does a client begin to repeat an older mail ([`attribution`], [`heading`], and [`markup`] for marks that only the HTML has), and which lines does
//! nobody write anew ([`signature`]). This file puts the answers together.
//!
//! Laws, tested as such: never panics, takes linear time, is never blank for a text that is not, and shows only words of the text, in their order.

mod attribution;
mod heading;
mod line;
mod markup;
mod signature;
#[cfg(test)]
mod tests;

use line::{Line, Role};
pub(super) use markup::{Marked, marked};

/// What is looked at for quotation. A longer text is a log or an export; what follows is shown as it stands.
const BYTES_MAX: usize = 1 << 20;

/// What the writer of this mail wrote now. `html` helps where a client marks its quotation only there.
///
/// A quotation that somebody answers piece by piece stays, because the answers mean nothing without it; one at the end or under its attribution line goes.
/// If nothing new is left, all of the text is new: a bare forward, or a client nobody has met yet.
pub fn new_text(text: &str, html: Option<&str>) -> String {
    let (head, rest) = split_head(text);
    let (mut lines, unsigned, ends) = looked_at(head, html, Shows::AnsweredBelow);
    if !has_text(&lines) && ends != Ending::Forward {
        restore_signature(&mut lines, &unsigned);
    }
    if is_nothing_new(&lines, ends) {
        return text.trim().to_string();
    }
    shown(&lines, if ends == Ending::None { rest } else { "" })
}

/// The writer's own words alone, fit to be passed on: no line that repeats another mail, even where it was answered piece by piece, except those that begin
/// with `bar`, the mark before a third person's words in the mail that is answered; these stand as `> words`. None if there is nothing of his own.
pub fn own_text(text: &str, html: Option<&str>, bar: char) -> Option<String> {
    let (head, rest) = split_head(text);
    let (lines, _, ends) = looked_at(head, html, Shows::OwnAlone);
    if is_nothing_new(&lines, ends) || is_signature_alone(&lines) {
        return None;
    }
    let own = |line: &Line| match line.role {
        Role::Hidden | Role::Attribution | Role::Break { .. } => None,
        Role::Quoted { .. } => line
            .plain
            .strip_prefix(bar)
            .map(|words| format!("> {}", words.trim())),
        Role::Blank | Role::Text => Some(line.written.to_string()),
    };
    let own: Vec<String> = lines.iter().filter_map(own).collect();
    let rest = rest
        .lines()
        .filter(|_| ends == Ending::None)
        .filter(|line| !line.trim_start().starts_with('>'));
    let own: Vec<&str> = own.iter().map(String::as_str).chain(rest).collect();
    Some(own.join("\n").trim().to_string())
}

/// What stays behind of the lines that the writer may have meant all the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LeftBehind {
    /// Those of his signature.
    pub signature: Vec<String>,
    /// The first line, without its mark, of each quotation that may be made by hand: it stands below words of his own, or at the very top.
    pub quoted: Vec<String>,
}

/// The lines that [`own_text`] leaves out, and that may be the writer's all the same.
pub fn left_behind(text: &str, html: Option<&str>) -> LeftBehind {
    let (head, _) = split_head(text);
    let (lines, unsigned, _) = looked_at(head, html, Shows::OwnAlone);
    let mut left = LeftBehind::default();
    let mut above = Role::Text;
    for (line, role) in lines.iter().zip(unsigned) {
        match role {
            Role::Blank => continue,
            Role::Text if line.role == Role::Hidden => left.signature.push(line.plain.to_string()),
            Role::Quoted { client: false } if above == Role::Text => {
                left.quoted.push(line.plain.to_string());
            }
            _ => {}
        }
        above = role;
    }
    left
}

/// A mail under the heading that a client writes above what it forwards.
pub struct UnderHeading {
    /// The sender's field, as written.
    pub from: String,
    /// The subject's field, or nothing.
    pub subject: String,
    /// What stands below.
    pub text: String,
}

/// The first mail under a heading that names an address as its sender. None if there is none.
pub fn forwarded(text: &str) -> Option<UnderHeading> {
    let (head, _) = split_head(text);
    let mut lines = line::split(head);
    // Some clients quote what they forward.
    for line in lines.iter_mut().filter(|l| l.role.is_quoted()) {
        line.role = match line.plain.is_empty() {
            true => Role::Blank,
            false => Role::Text,
        };
    }
    let (from, subject, end) = heading::named(&lines)?;
    let below: Vec<&str> = lines[end..]
        .iter()
        .map(|l| match l.written.trim_start().starts_with('>') {
            true => &*l.plain,
            false => l.written,
        })
        .collect();
    Some(UnderHeading {
        from,
        subject,
        text: below.join("\n").trim().to_string(),
    })
}

/// The lines with their roles, the roles before signatures were looked for, and how the writer's own part ends.
fn looked_at<'t>(
    head: &'t str,
    html: Option<&str>,
    shows: Shows,
) -> (Vec<Line<'t>>, Vec<Role>, Ending) {
    let mut lines = line::split(head);
    signature::mark_armor(&mut lines);
    if let Some(html) = html {
        markup::mark_quoted(&mut lines, html);
    }
    attribution::mark(&mut lines);
    heading::mark(&mut lines);
    if shows == Shows::AnsweredBelow {
        show_answered_below(&mut lines);
    }
    let ends = hide_after_break(&mut lines);
    mark_wrapped_quotation(&mut lines);
    let unsigned: Vec<Role> = lines.iter().map(|l| l.role).collect();
    signature::mark(&mut lines);
    hide_quotation(&mut lines);
    (lines, unsigned, ends)
}

fn is_nothing_new(lines: &[Line], ends: Ending) -> bool {
    !has_text(lines) || (ends == Ending::Forward && is_signature_alone(lines))
}

/// The lines that are looked at, and the rest.
fn split_head(text: &str) -> (&str, &str) {
    let limit = text.floor_char_boundary(BYTES_MAX);
    let whole = limit == text.len();
    let at = if whole {
        limit
    } else {
        text[..limit].rfind('\n').map_or(limit, |n| n + 1)
    };
    text.split_at(at)
}

/// How the writer's own part ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// With the mail.
    None,
    /// Where the client repeats the mail that is answered.
    Quotation,
    /// Where the client appends a forwarded mail.
    Forward,
}

/// Whether the mail that is repeated may hold the writer's words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// Where the writer says so, it is shown.
    AnsweredBelow,
    /// Nothing that might be another's.
    OwnAlone,
}

/// "My answers are below, in red" says that the repeated mail holds new words, and "Here are its headers:" that what looks like a repeated mail was pasted. Both
/// stay, up to the mail before.
fn show_answered_below(lines: &mut [Line]) {
    let is_break = |l: &Line| matches!(l.role, Role::Break { forward: false });
    let Some(first) = lines
        .iter()
        .position(|l| matches!(l.role, Role::Break { .. }))
    else {
        return;
    };
    let mut above = lines[..first]
        .iter()
        .rev()
        .filter(|l| l.role == Role::Text && !line::is_rule(&l.plain))
        .take(20)
        .peekable();
    let announced = above.peek().is_some_and(|l| l.plain.ends_with(':'));
    let answered = above.any(|l| attribution::says_below(&l.plain));
    if !(announced || answered) || !is_break(&lines[first]) {
        return;
    }
    let heading = lines[first..].iter().take_while(|l| l.role != Role::Text);
    let below = first + heading.count();
    let next = lines[below..].iter().position(is_break);
    let end = next.map_or(lines.len(), |n| below + n);
    // The heading itself is news only where somebody pasted it.
    let shown = match answered {
        true => Role::Hidden,
        false => Role::Text,
    };
    for line in lines[first..end].iter_mut().filter(|l| is_break(l)) {
        line.role = shown;
    }
}

/// Hides everything from the first line on after which only repetition comes.
fn hide_after_break(lines: &mut [Line]) -> Ending {
    let Some(first) = lines
        .iter()
        .position(|l| matches!(l.role, Role::Break { .. }))
    else {
        return Ending::None;
    };
    let forward = lines[first..]
        .iter()
        .any(|l| matches!(l.role, Role::Break { forward: true }));
    for line in &mut lines[first..] {
        line.role = Role::Hidden;
    }
    if forward {
        Ending::Forward
    } else {
        Ending::Quotation
    }
}

/// A quoting client that wraps long lines leaves their ends without `>`: such an end stands alone between quoted lines, and continues the one before.
fn mark_wrapped_quotation(lines: &mut [Line]) {
    for i in 1..lines.len().saturating_sub(1) {
        let (before, after) = (lines[i - 1].role, lines[i + 1].role);
        if lines[i].role == Role::Text
            && before.is_quoted()
            && after.is_quoted()
            && (continues(&lines[i - 1].plain, &lines[i].plain) || is_link(&lines[i].plain))
        {
            lines[i].role = before;
        }
    }
}

fn continues(quoted: &str, line: &str) -> bool {
    let open = !quoted.ends_with(['.', '!', '?', ':', ';']);
    let broken_link = quoted.rsplit(' ').next().is_some_and(|w| w.contains("://"));
    let starts_within = !line.starts_with(|c: char| c.is_uppercase());
    open && starts_within && (broken_link || quoted.chars().count() >= 58)
}

/// A long link that the client set on a line of its own, in brackets or not.
fn is_link(plain: &str) -> bool {
    let mut words = plain
        .split(['(', ')', '<', '>', ' '])
        .filter(|w| !w.is_empty());
    words.next().is_some_and(|w| w.contains("://")) && words.next().is_none()
}

/// "This is what it says:" announces a passage that somebody chose. An attribution line of a language that nobody knows here ends so, too: it has a date or an
/// address, or is a name and one verb.
fn is_announced(above: &[Line]) -> bool {
    const WORDS_MIN: usize = 4;
    const DIGITS_OF_A_DATE: usize = 4;
    let above = above.iter().rev().skip_while(|l| l.role == Role::Blank);
    let paragraph: Vec<&Line> = above.take_while(|l| l.role == Role::Text).collect();
    let dated = |l: &&Line| {
        l.plain.contains('@')
            || l.plain.chars().filter(|c| c.is_numeric()).count() >= DIGITS_OF_A_DATE
    };
    let words = paragraph.iter().map(|l| l.plain.split_whitespace().count());
    paragraph.first().is_some_and(|l| l.plain.ends_with(':'))
        && words.sum::<usize>() >= WORDS_MIN
        && !paragraph.iter().any(dated)
}

/// Decides block by block which quotation goes.
///
/// The block with nothing new below it goes, unless it was announced. Where the writer answered between several blocks, the others stay. A single block above the new text goes if it
/// has an attribution line, because then a client put it there; one without was chosen by hand, and one between the writer's own sentences is answered.
fn hide_quotation(lines: &mut [Line]) {
    let blocks = blocks(lines);
    let Some(last) = blocks.last() else { return };
    let answered = blocks.len() - usize::from(!has_text(&lines[last.end..]));
    let between = blocks.len() > 1;
    let announced = |b: &Block| !b.attributed && is_announced(&lines[..b.start]);
    let enclosed =
        |b: &Block| has_text(&lines[..b.start]) && lines[b.end..].iter().any(is_sentence);
    let kept: Vec<bool> = blocks
        .iter()
        .enumerate()
        .map(|(n, b)| announced(b) || n < answered && (between || !b.attributed || enclosed(b)))
        .collect();
    for (block, keep) in blocks.iter().zip(kept) {
        if !keep {
            for line in &mut lines[block.start..block.end] {
                line.role = Role::Hidden;
            }
        }
    }
}

/// A footer that nobody knows has rarely so many words in a line.
fn is_sentence(line: &Line) -> bool {
    line.role == Role::Text && line.plain.split_whitespace().nth(4).is_some()
}

/// Quoted lines that belong together, with the attribution line above them.
struct Block {
    start: usize,
    end: usize,
    attributed: bool,
}

/// The blocks of quotation, from top to bottom. Only new text separates two blocks.
fn blocks(lines: &[Line]) -> Vec<Block> {
    let mut blocks: Vec<Block> = vec![];
    let mut open = false;
    for (i, line) in lines.iter().enumerate() {
        match line.role {
            Role::Quoted { client } => {
                grow(&mut blocks, &mut open, i, client);
            }
            Role::Attribution => grow(&mut blocks, &mut open, i, true),
            Role::Text => open = false,
            Role::Blank | Role::Hidden | Role::Break { .. } => {}
        }
    }
    blocks
}

fn grow(blocks: &mut Vec<Block>, open: &mut bool, i: usize, attributed: bool) {
    match blocks.last_mut() {
        Some(block) if *open => {
            block.end = i + 1;
            block.attributed |= attributed;
        }
        _ => blocks.push(Block {
            start: i,
            end: i + 1,
            attributed,
        }),
    }
    *open = true;
}

/// A mail that is nothing but a signature above a quotation shows the signature.
fn restore_signature(lines: &mut [Line], unsigned: &[Role]) {
    for (line, role) in lines.iter_mut().zip(unsigned) {
        if *role == Role::Text {
            line.role = Role::Text;
        }
    }
}

/// Whether a person could have written one of these lines.
fn has_text(lines: &[Line]) -> bool {
    lines
        .iter()
        .any(|l| l.role == Role::Text && !line::is_rule(&l.plain))
}

/// Whether what remains begins with a delimiter: nothing was said above it.
fn is_signature_alone(lines: &[Line]) -> bool {
    lines
        .iter()
        .find(|l| l.role == Role::Text)
        .is_some_and(|l| line::is_rule(&l.plain))
}

/// The lines that remain, without blank ones and rules at the end.
fn shown(lines: &[Line], rest: &str) -> String {
    let mut kept: Vec<&Line> = vec![];
    let mut hidden = false;
    for line in lines {
        // What was hidden leaves one gap behind, not two.
        let gap = |kept: &[&Line]| kept.last().is_none_or(|l| l.role == Role::Blank);
        match line.role {
            Role::Hidden => hidden = true,
            Role::Blank if hidden && gap(&kept) => {}
            _ => {
                hidden = false;
                kept.push(line);
            }
        }
    }
    if rest.is_empty() {
        while kept
            .last()
            .is_some_and(|l| l.role == Role::Blank || line::is_rule(&l.plain))
        {
            kept.pop();
        }
    }
    let mut out = kept
        .iter()
        .map(|l| l.written)
        .collect::<Vec<_>>()
        .join("\n");
    out.push_str(rest);
    out.trim().to_string()
}
