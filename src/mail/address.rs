//! Addresses: what a header says, and the strict form that may be compared and sent to.
//!
//! Reading is generous, so that staff see what is there. [`strict`] and [`sole`] are not: only what they return may be compared with a list.

use serde::{Deserialize, Serialize};

/// More mailboxes in one field are not read (ATTACKS.md E02).
const MAILBOXES_MAX: usize = 1_000;
/// RFC 5321, 4.5.3.1.
const LOCAL_BYTES_MAX: usize = 64;
/// RFC 5321, 4.5.3.1.
const ADDRESS_BYTES_MAX: usize = 254;
/// Shown, never sent to.
const SHOWN_CHARS_MAX: usize = 320;

/// A name and an address as a header gives them; the address is lower case where it is ASCII.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// Display name, decoded and cleaned; may be empty. Never compared with anything.
    pub name: String,
    /// The addr-spec; may be anything a header can hold. See [`strict`].
    pub address: String,
}

/// The address as one that may be compared with a list or sent to: ASCII dot-atom `local@domain.tld`, domain as lower-case A-labels.
/// None for quoted locals, address literals, group syntax, source routes, controls, a leading `-`, or a domain without a dot (ATTACKS.md A03 to A05, D03).
pub fn strict(address: &str) -> Option<String> {
    let (local, domain) = address.split_once('@')?;
    let is_plain = address.len() <= ADDRESS_BYTES_MAX && local.len() <= LOCAL_BYTES_MAX;
    (is_plain && is_dot_atom(local) && is_domain(domain)).then(|| address.to_ascii_lowercase())
}

fn is_dot_atom(local: &str) -> bool {
    let is_atext = |b: u8| b.is_ascii_alphanumeric() || b"!#%&'*+-/=?^_`{|}~".contains(&b);
    !local.starts_with('-')
        && local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let labels: Vec<&str> = domain.split('.').collect();
    labels.len() >= 2
        && labels.iter().all(|label| is_label(label))
        // A numeric last label is an IP address, not a domain.
        && labels.last().is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit()))
}

/// The one address of a decoded `From` value, read without any tolerance: `local@domain`, or words and quoted strings before `<local@domain>`,
/// with at most a comment after it. Groups, lists, source routes, a second bracket, text after the bracket: none.
pub fn sole(value: &str) -> Option<String> {
    let value = without_last_comment(value.trim());
    let Some(open) = position_outside_quotes(value, '<') else {
        return strict(value);
    };
    let (name, rest) = (value.get(..open)?, value.get(open + 1..)?);
    let address = rest.strip_suffix('>')?;
    let is_phrase = name_outside_quotes(name)?
        .chars()
        .all(|c| !"<>@,;:()[]\\\u{fffd}".contains(c) && !c.is_control());
    // A quoted name may hold an address, which is never compared; but not brackets or controls, which another reader may take for the address.
    let is_harmless = !name.contains(['<', '>', '\u{fffd}']);
    if is_phrase && is_harmless {
        strict(address)
    } else {
        None
    }
}

fn without_last_comment(value: &str) -> &str {
    match value
        .strip_suffix(')')
        .and_then(|v| v.rfind('(').map(|open| (v, open)))
    {
        Some((v, open)) if !v[open + 1..].contains([')', '"', '<', '>', '@', '\\']) => {
            value[..open].trim_end()
        }
        _ => value,
    }
}

fn position_outside_quotes(value: &str, wanted: char) -> Option<usize> {
    let mut in_quotes = false;
    let mut escaped = false;
    for (at, c) in value.char_indices() {
        if c == wanted && !in_quotes {
            return Some(at);
        }
        in_quotes ^= c == '"' && !escaped;
        escaped = in_quotes && c == '\\' && !escaped;
    }
    None
}

/// What stands outside quoted strings; none if a quote is never closed.
fn name_outside_quotes(name: &str) -> Option<String> {
    let mut outside = String::new();
    let (mut in_quotes, mut escaped) = (false, false);
    for c in name.chars() {
        if c == '"' && !escaped {
            in_quotes = !in_quotes;
        } else if !in_quotes {
            outside.push(c);
        }
        escaped = in_quotes && c == '\\' && !escaped;
    }
    (!in_quotes).then_some(outside)
}

/// Every mailbox of a decoded address field ([`super::header`] has put quotes around what decoding must not turn into syntax).
pub fn mailboxes(value: &str) -> Vec<Mailbox> {
    let mut reader = Reader {
        rest: value,
        has_semicolon: value.contains(';'),
        quotes: value.matches('"').count(),
        ..Reader::default()
    };
    reader.run();
    reader.found
}

#[derive(Default)]
struct Reader<'x> {
    rest: &'x str,
    /// A colon opens a group only if something closes it: mailers forget to quote `Support: Anna <a@b>`.
    has_semicolon: bool,
    quotes: usize,
    phrase: String,
    /// As written, for addresses without brackets.
    verbatim: String,
    brackets: Vec<String>,
    comment: String,
    found: Vec<Mailbox>,
}

impl Reader<'_> {
    fn run(&mut self) {
        while let Some(c) = self.rest.chars().next() {
            if self.found.len() >= MAILBOXES_MAX {
                return;
            }
            let after = &self.rest[c.len_utf8()..];
            match c {
                '"' if self.quotes >= 2 => self.quoted(),
                '(' => self.commented(),
                '<' => self.bracketed(),
                ',' | ';' => {
                    self.rest = after;
                    self.end();
                }
                ':' if self.has_semicolon
                    && self.brackets.is_empty()
                    && !self.verbatim.contains('@') =>
                {
                    self.rest = after;
                    self.phrase.clear();
                    self.verbatim.clear();
                }
                _ => {
                    self.rest = after;
                    self.phrase.push(c);
                    self.verbatim.push(c);
                }
            }
        }
        self.end();
    }

    fn quoted(&mut self) {
        let mut escaped = false;
        let mut content = String::new();
        for (at, c) in self.rest.char_indices().skip(1) {
            match c {
                '"' if !escaped => {
                    self.quotes = self.quotes.saturating_sub(2);
                    self.verbatim.push_str(&self.rest[..=at]);
                    self.rest = &self.rest[at + 1..];
                    self.phrase.push_str(&content);
                    return;
                }
                '\\' if !escaped => escaped = true,
                _ => {
                    if escaped && c == '"' {
                        self.quotes = self.quotes.saturating_sub(1);
                    }
                    escaped = false;
                    content.push(c);
                }
            }
        }
        // Never closed: the quote stands for itself, and no other is tried.
        self.quotes = 0;
    }

    fn commented(&mut self) {
        let mut depth = 0usize;
        for (at, c) in self.rest.char_indices() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.comment = self.rest[1..at].trim().to_string();
                if !self.brackets.is_empty() || !self.verbatim.contains('@') {
                    self.phrase.push_str(&self.rest[..=at]);
                }
                self.rest = &self.rest[at + 1..];
                return;
            }
        }
        self.phrase.push_str(self.rest);
        self.verbatim.push_str(self.rest);
        self.rest = "";
    }

    fn bracketed(&mut self) {
        let inner = &self.rest[1..];
        let end = position_outside_quotes(inner, '>').or_else(|| inner.find('>'));
        let (content, rest) = match end {
            Some(end) => (&inner[..end], &inner[end + 1..]),
            None => inner.split_at(inner.find(',').unwrap_or(inner.len())),
        };
        // `<<a@b>>` and `<a@b` of the next mailbox.
        let content = content.trim_start_matches('<').trim();
        self.brackets.push(
            content
                .strip_prefix("mailto:")
                .unwrap_or(content)
                .to_string(),
        );
        self.rest = rest;
    }

    fn end(&mut self) {
        let phrase = std::mem::take(&mut self.phrase);
        let verbatim = std::mem::take(&mut self.verbatim);
        let comment = std::mem::take(&mut self.comment);
        let mut brackets = std::mem::take(&mut self.brackets);
        let (mut name, address) = match brackets
            .iter()
            .rposition(|b| b.contains('@'))
            .or(brackets.len().checked_sub(1))
        {
            Some(last) => {
                let address = brackets.remove(last);
                let others: String = brackets.iter().map(|b| format!(" <{b}>")).collect();
                (format!("{}{others}", phrase.trim()), address)
            }
            None => bare(&verbatim, &phrase),
        };
        if name.trim().is_empty() && !comment.is_empty() {
            name = comment;
        }
        let name = one_space(&unwrapped(&name));
        let address = super::text::cleaned(address.trim(), SHOWN_CHARS_MAX).to_ascii_lowercase();
        if !name.is_empty() || !address.is_empty() {
            self.found.push(Mailbox {
                name: super::text::cleaned(&name, SHOWN_CHARS_MAX),
                address,
            });
        }
    }
}

/// A mailbox without brackets: the word with the `@` is the address, the others are a name.
fn bare(verbatim: &str, phrase: &str) -> (String, String) {
    let verbatim = verbatim.trim();
    if verbatim.contains('"') {
        let inner = phrase.trim();
        // `"anna@example.org"` in quotes is an address; `"a b"@example.org` keeps its quotes.
        let address = if inner.split_whitespace().count() == 1 && verbatim.ends_with('"') {
            inner
        } else {
            verbatim
        };
        return match address.contains('@') {
            true => (String::new(), address.to_string()),
            false => (inner.to_string(), String::new()),
        };
    }
    let mut with_at = verbatim.split_whitespace().filter(|w| w.contains('@'));
    match (with_at.next(), with_at.next()) {
        (Some(word), None) => {
            let name: Vec<&str> = verbatim.split_whitespace().filter(|w| *w != word).collect();
            (
                name.join(" "),
                unbracketed(word.strip_prefix("mailto:").unwrap_or(word)).to_string(),
            )
        }
        // One word may be a local user or a name: it is shown as both.
        (None, _) if verbatim.split_whitespace().count() == 1 => {
            (verbatim.to_string(), verbatim.to_string())
        }
        (None, _) => (verbatim.to_string(), String::new()),
        _ => (String::new(), verbatim.to_string()),
    }
}

/// `[anna@example.org]` is what Outlook shows of an address; an address literal has its bracket behind the `@`.
fn unbracketed(address: &str) -> &str {
    let inner = address.strip_prefix('[').and_then(|a| a.strip_suffix(']'));
    inner.unwrap_or(address)
}

/// Without the quotes that some mailers put inside quotes.
fn unwrapped(name: &str) -> String {
    let name = name.trim();
    let inner = name
        .strip_prefix('\'')
        .and_then(|n| n.strip_suffix('\''))
        .or_else(|| name.strip_prefix('"').and_then(|n| n.strip_suffix('"')));
    inner.unwrap_or(name).to_string()
}

fn one_space(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &[(&str, &str)]) {
        let found = mailboxes(value);
        let found: Vec<_> = found
            .iter()
            .map(|m| (m.name.as_str(), m.address.as_str()))
            .collect();
        assert_eq!(found, expected, "{value}");
    }

    #[test]
    fn what_headers_hold() {
        check("anna@example.org", &[("", "anna@example.org")]);
        check("Anna <Anna@Example.org>", &[("Anna", "anna@example.org")]);
        check(
            "\"Muster, Anna\" <a@example.org>, b@example.org",
            &[("Muster, Anna", "a@example.org"), ("", "b@example.org")],
        );
        check(
            "a@example.org (Anna (the first))",
            &[("Anna (the first)", "a@example.org")],
        );
        check(
            "team: a@example.org, B <b@example.org>;",
            &[("", "a@example.org"), ("B", "b@example.org")],
        );
        check("undisclosed-recipients:;", &[]);
        check(
            "Support: Anna <a@example.org>",
            &[("Support: Anna", "a@example.org")],
        );
        check("Anna a@example.org", &[("Anna", "a@example.org")]);
        check("<a@example.org", &[("", "a@example.org")]);
        check("no_host", &[("no_host", "no_host")]);
        check("\"a b\"@example.org", &[("", "\"a b\"@example.org")]);
        check(
            "\"never closed <a@example.org>",
            &[("\"never closed", "a@example.org")],
        );
        check("", &[]);
        check(
            "a@example.org; b@example.org",
            &[("", "a@example.org"), ("", "b@example.org")],
        );
        check("=?x?= <>", &[("=?x?=", "")]);
    }

    #[test]
    fn d03_strict_refuses_what_must_not_be_sent_to() {
        for (address, expected) in [
            (
                "Anna.Muster+x@Example.ORG",
                Some("anna.muster+x@example.org"),
            ),
            ("a@xn--zrich-kva.ch", Some("a@xn--zrich-kva.ch")),
            ("\"a b\"@x.org", None),
            ("a@[127.0.0.1]", None),
            ("a@127.0.0.1", None),
            ("a@localhost", None),
            ("-oQ/tmp@x.org", None),
            ("$USER@x.org", None),
            ("a@x.org.", None),
            ("a@zürich.ch", None),
            ("a..b@x.org", None),
            ("@evil.org:a@x.org", None),
            ("a@b@x.org", None),
            ("a\0@x.org", None),
            ("", None),
        ] {
            assert_eq!(strict(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn a03_only_one_plain_mailbox_is_an_author() {
        for (value, expected) in [
            ("Staff <staff@corp.example>", Some("staff@corp.example")),
            ("staff@corp.example", Some("staff@corp.example")),
            ("staff@corp.example (Staff)", Some("staff@corp.example")),
            ("\"Muster, Anna\" <a@corp.example>", Some("a@corp.example")),
            ("staff@corp.example, evil@x.example", None),
            ("g:staff@corp.example;", None),
            ("<@evil.example:staff@corp.example>", None),
            ("staff@corp.example\u{fffd}", None),
            ("St\u{fffd}aff <staff@corp.example>", None),
            ("<staff@corp.example>evil@x.example", None),
            ("<evil@x.example> <staff@corp.example>", None),
            ("\"staff@corp.example>\" <evil@x.example>", None),
            (
                "\"staff@corp.example\" <evil@x.example>",
                Some("evil@x.example"),
            ),
            ("staff@corp.example <evil@x.example>", None),
            ("evil@x.example (<staff@corp.example>)", None),
        ] {
            assert_eq!(sole(value).as_deref(), expected, "{value}");
        }
    }
}
