//! Text for people and for comparison: decoded strings cleaned, bodies made plain.

use std::borrow::Cow;

/// Control characters (C0, C1), U+2028/9 and bidi controls become spaces; at most `chars_max` characters. What every decoded string goes through
/// before it is shown or written into a letter (ATTACKS.md D01, D02, D09).
pub fn cleaned(s: &str, chars_max: usize) -> String {
    if s.len() <= chars_max && s.bytes().all(|b| (b' '..0x7f).contains(&b)) {
        return s.to_string();
    }
    s.chars()
        .map(|c| if is_unprintable(c) { ' ' } else { c })
        .take(chars_max)
        .collect()
}

fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The longest beginning of at most that many bytes that ends with a character.
pub fn at_most(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max))
        .unwrap_or(text)
}

/// A body with one kind of line end and no control characters but tabs.
pub(super) fn plain(body: &str) -> Cow<'_, str> {
    let is_plain = |b: u8| b >= b' ' && b != 0x7f || b == b'\n' || b == b'\t';
    if body.bytes().all(is_plain) {
        return Cow::Borrowed(body);
    }
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    // Runs are copied whole: most mails have a CR on each line and nothing else to change.
    while let Some(at) = rest.bytes().position(|b| !is_plain(b)) {
        let (run, after) = rest.split_at(at);
        out.push_str(run);
        let is_cr = after.starts_with('\r');
        // A new page or a vertical tab ends the line for whoever reads it.
        let ends_line = after.starts_with(['\r', '\u{b}', '\u{c}']);
        out.push(if ends_line { '\n' } else { ' ' });
        rest = &after[1..];
        if is_cr {
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// `format=flowed` made whole lines again (RFC 3676). Expects `\n` line ends.
pub(super) fn unflowed(body: &str, delsp: bool) -> String {
    let mut out = String::with_capacity(body.len());
    let mut open: Option<usize> = None;
    for line in body.lines() {
        let depth = line.bytes().take_while(|&b| b == b'>').count();
        let text = &line[depth..];
        let text = text.strip_prefix(' ').unwrap_or(text);
        // A signature's mark stands on a line of its own, whatever came before it.
        if open != Some(depth) || text == "-- " {
            if open.is_some() {
                out.push('\n');
            }
            if depth > 0 {
                out.extend(std::iter::repeat_n('>', depth));
                out.push(' ');
            }
        }
        // The signature's mark ends in a blank and does not flow.
        let flows = text.ends_with(' ') && text != "-- ";
        out.push_str(if flows && delsp {
            &text[..text.len() - 1]
        } else {
            text
        });
        open = flows.then_some(depth);
        if !flows {
            out.push('\n');
        }
    }
    out
}

/// Letters that a Mac writes in two pieces, put together: file names come so, and people search for them.
pub(super) fn composed(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        let whole = out.chars().next_back().and_then(|base| compose(base, c));
        match whole {
            Some(whole) => {
                out.pop();
                out.push(whole);
            }
            None => out.push(c),
        }
    }
    out
}

fn compose(base: char, mark: char) -> Option<char> {
    let (bases, wholes) = match mark {
        '\u{300}' => ("AEIOUaeiouNn", "ÀÈÌÒÙàèìòùǸǹ"),
        '\u{301}' => ("AEIOUYaeiouyCcNnSsZzLlRr", "ÁÉÍÓÚÝáéíóúýĆćŃńŚśŹźĹĺŔŕ"),
        '\u{302}' => ("AEIOUaeiouCcGgHhJjSsWwYy", "ÂÊÎÔÛâêîôûĈĉĜĝĤĥĴĵŜŝŴŵŶŷ"),
        '\u{303}' => ("ANOanoIiUu", "ÃÑÕãñõĨĩŨũ"),
        '\u{308}' => ("AEIOUaeiouyY", "ÄËÏÖÜäëïöüÿŸ"),
        '\u{30a}' => ("AaUu", "ÅåŮů"),
        '\u{30b}' => ("OoUu", "ŐőŰű"),
        '\u{30c}' => ("CcDdEeNnRrSsTtZz", "ČčĎďĚěŇňŘřŠšŤťŽž"),
        '\u{327}' => ("CcSsTt", "ÇçŞşŢţ"),
        '\u{328}' => ("AaEeIiUu", "ĄąĘęĮįŲų"),
        '\u{304}' => ("AaEeIiOoUu", "ĀāĒēĪīŌōŪū"),
        '\u{306}' => ("AaGgUu", "ĂăĞğŬŭ"),
        '\u{307}' => ("CcEeGgIZz", "ĊċĖėĠġİŻż"),
        _ => return None,
    };
    bases
        .chars()
        .zip(wholes.chars())
        .find(|(b, _)| *b == base)
        .map(|(_, whole)| whole)
}

/// `text/enriched` and `text/richtext` without their commands (RFC 1896): in the first, `<<` is `<` and a single line end is none.
pub(super) fn unenriched(body: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        if let Some(after) = rest.strip_prefix("<<") {
            out.push('<');
            rest = after;
            continue;
        }
        let command_end = rest[..super::text::at_most(rest, 80).len()].find('>');
        match command_end {
            Some(close) => {
                if rest[..=close].eq_ignore_ascii_case("<nl>")
                    || rest[..=close].eq_ignore_ascii_case("<paragraph>")
                {
                    out.push('\n');
                }
                rest = &rest[close + 1..];
            }
            None => {
                out.push('<');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d01_controls_become_spaces() {
        assert_eq!(
            cleaned("a\r\nX: b\0\u{2028}\u{202e}c\u{85}", 100),
            "a  X: b   c "
        );
        assert_eq!(cleaned("äöü", 2), "äö");
    }

    #[test]
    fn flowed_text_is_whole_again() {
        for (given, delsp, expected) in [
            ("one \ntwo\nthree\n", false, "one two\nthree\n"),
            ("one \ntwo\n", true, "onetwo\n"),
            ("> a \n> b\nc\n", false, "> a b\nc\n"),
            ("> a \nb\n", false, "> a \nb\n"),
            (" >not quoted\n", false, ">not quoted\n"),
            ("text \n-- \nAnna\n", false, "text \n-- \nAnna\n"),
        ] {
            assert_eq!(unflowed(given, delsp), expected, "{given:?}");
        }
    }

    #[test]
    fn names_from_a_mac() {
        assert_eq!(
            composed("U\u{308}bersicht Cafe\u{301}.pdf"),
            "Übersicht Café.pdf"
        );
    }

    #[test]
    fn line_ends_of_all_kinds() {
        assert_eq!(plain("a\r\nb\rc\nd\0"), "a\nb\nc\nd ");
    }
}
