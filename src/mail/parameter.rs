//! `Content-Type` and `Content-Disposition`: a word and its parameters, as RFC 2045, 2231 and 2047 write them and as mailers do.

use super::charset;
use super::header;
use super::transfer;
use std::borrow::Cow;

/// More parameters than this are not read (ATTACKS.md E02).
const PARAMETERS_MAX: usize = 200;

/// A word and its parameters.
#[derive(Debug, Default)]
pub(super) struct Value<'x> {
    /// `text/plain`, `attachment`: lower case, without blanks.
    pub(super) word: String,
    parameters: Vec<(String, Cow<'x, [u8]>)>,
}

/// Reads a folded field value.
pub(super) fn value(folded: &[u8]) -> Value<'static> {
    let line = header::unfolded(folded);
    let (word, mut rest) =
        line.split_at(line.iter().position(|&b| b == b';').unwrap_or(line.len()));
    let word = String::from_utf8_lossy(word);
    let word = word.split('(').next().unwrap_or_default();
    let mut value = Value {
        word: word
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '"')
            .collect::<String>()
            .to_ascii_lowercase(),
        parameters: vec![],
    };
    // `filename=x` without the word, or `text/html charset=utf-8` without the semicolon.
    if value.word.contains('=') {
        let end = line.iter().position(|b| b" \t,".contains(b));
        let (first, after) = line.split_at(end.unwrap_or(0));
        let first = if first.contains(&b'=') { &[] } else { first };
        value.word = String::from_utf8_lossy(first).to_ascii_lowercase();
        rest = if first.is_empty() { &line } else { after };
    }
    let mut quotes_left = rest.iter().filter(|&&b| b == b'"').count();
    while value.parameters.len() < PARAMETERS_MAX {
        rest = trim_start(rest);
        let Some(equals) = rest.iter().position(|&b| matches!(b, b'=' | b';')) else {
            break;
        };
        if rest[equals] == b';' {
            rest = &rest[equals + 1..];
            continue;
        }
        // What stands before the name lacks its semicolon, or is a comment.
        let name = rest[..equals].trim_ascii();
        let name = name.rsplit(|b| b" \t,".contains(b)).next().unwrap_or(name);
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        // In a boundary apostrophes are letters like others (RFC 2046, 5.1.1).
        let (content, after) = parameter(
            rest[equals + 1..].trim_ascii_start(),
            &mut quotes_left,
            name != "boundary",
        );
        value.parameters.push((name, Cow::Owned(content)));
        rest = after;
    }
    value
}

fn trim_start(bytes: &[u8]) -> &[u8] {
    let from = bytes
        .iter()
        .position(|b| !b.is_ascii_whitespace() && *b != b';')
        .unwrap_or(bytes.len());
    &bytes[from..]
}

/// One value, quoted or not; a value with blanks but no quotes goes on to the semicolon.
fn parameter<'x>(
    bytes: &'x [u8],
    quotes_left: &mut usize,
    may_be_in_apostrophes: bool,
) -> (Vec<u8>, &'x [u8]) {
    if let Some(quoted) = bytes.strip_prefix(b"\"").filter(|_| *quotes_left > 1) {
        let mut content = vec![];
        let mut rest = quoted;
        while let Some((&b, tail)) = rest.split_first() {
            rest = tail;
            match (b, tail.first()) {
                (b'"', _) => break,
                // A backslash before anything else is a Windows path.
                (b'\\', Some(&next @ (b'"' | b'\\'))) => {
                    content.push(next);
                    rest = &tail[1..];
                }
                _ => content.push(b),
            }
        }
        let used = &bytes[..bytes.len() - rest.len()];
        *quotes_left = quotes_left.saturating_sub(used.iter().filter(|&&b| b == b'"').count());
        return (content, rest);
    }
    let end = bytes.iter().position(|&b| b == b';').unwrap_or(bytes.len());
    let content = bytes[..end].trim_ascii();
    *quotes_left = quotes_left.saturating_sub(content.iter().filter(|&&b| b == b'"').count());
    let in_apostrophes = may_be_in_apostrophes
        .then_some(content)
        .and_then(|c| c.strip_prefix(b"'"))
        .and_then(|c| c.strip_suffix(b"'"))
        .filter(|c| !c.is_empty() && !c.contains(&b'\''));
    let content = in_apostrophes.unwrap_or(content.strip_prefix(b"\"").unwrap_or(content));
    (content.to_vec(), &bytes[end..])
}

impl Value<'_> {
    /// The parameter's text: RFC 2231 in one piece or in several, RFC 2047 though that is forbidden there, or plain.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.extended(name)
            .or_else(|| self.continued(name))
            .or_else(|| {
                let (_, content) = self.parameters.iter().find(|(n, _)| n == name)?;
                Some(plain(content))
            })
    }

    /// `name*=charset'language'percent`.
    fn extended(&self, name: &str) -> Option<String> {
        let (_, content) = self
            .parameters
            .iter()
            .find(|(n, _)| n.strip_suffix('*') == Some(name))?;
        let (charset, content) = charset_of(content);
        Some(in_charset(&percent_decoded(content), charset.as_deref()))
    }

    /// `name*0=`, `name*1*=` …, in the order of their numbers.
    fn continued(&self, name: &str) -> Option<String> {
        let mut pieces: Vec<(u32, bool, &[u8])> = self
            .parameters
            .iter()
            .filter_map(|(n, content)| {
                let number = n.strip_prefix(name)?.strip_prefix('*')?;
                let percent = number.ends_with('*');
                Some((
                    number.trim_end_matches('*').parse().ok()?,
                    percent,
                    content.as_ref(),
                ))
            })
            .collect();
        pieces.sort_by_key(|p| p.0);
        let mut charset = None;
        let mut bytes = vec![];
        let mut any_percent = false;
        for (at, (_, percent, content)) in pieces.iter().enumerate() {
            let mut content = *content;
            if at == 0 && *percent {
                (charset, content) = charset_of(content);
            }
            any_percent |= percent;
            if *percent {
                bytes.extend(percent_decoded(content))
            } else {
                bytes.extend_from_slice(content)
            }
        }
        match (pieces.is_empty(), any_percent) {
            (true, _) => None,
            (_, true) => Some(in_charset(&bytes, charset.as_deref())),
            (_, false) => Some(plain(&bytes)),
        }
    }
}

/// `charset'language'` before the content, if it is there.
fn charset_of(content: &[u8]) -> (Option<String>, &[u8]) {
    let mut quotes = content
        .iter()
        .enumerate()
        .filter(|(_, b)| **b == b'\'')
        .map(|(at, _)| at);
    match (quotes.next(), quotes.next()) {
        (Some(first), Some(second)) if first <= 40 && second - first <= 20 => {
            let charset = String::from_utf8_lossy(&content[..first]).into_owned();
            (Some(charset), &content[second + 1..])
        }
        _ => (None, content),
    }
}

fn percent_decoded(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        match tail
            .get(..2)
            .and_then(transfer::hex_byte)
            .filter(|_| b == b'%')
        {
            Some(byte) => {
                out.push(byte);
                rest = &tail[2..];
            }
            None => out.push(b),
        }
    }
    out
}

fn in_charset(bytes: &[u8], charset: Option<&str>) -> String {
    charset::decoded(bytes, charset.filter(|c| !c.is_empty()))
        .0
        .into_owned()
}

/// Encoded words, bare bytes, or percent codes that forgot their asterisk.
fn plain(content: &[u8]) -> String {
    let text = header::decoded(content, None).text;
    match text
        .strip_prefix("utf-8''")
        .or_else(|| text.strip_prefix("UTF-8''"))
    {
        Some(rest) => in_charset(&percent_decoded(rest.as_bytes()), Some("utf-8")),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &str, name: &str, expected: Option<&str>) {
        assert_eq!(
            value(field.as_bytes()).text(name).as_deref(),
            expected,
            "{field}"
        );
    }

    #[test]
    fn file_names_as_they_come() {
        check("attachment; filename=a.pdf", "filename", Some("a.pdf"));
        check(
            "attachment; filename=a b.pdf; size=3",
            "filename",
            Some("a b.pdf"),
        );
        check(
            r#"attachment; filename="a \"b\";.pdf""#,
            "filename",
            Some(r#"a "b";.pdf"#),
        );
        check(
            r#"attachment; filename="C:\tmp\a.pdf""#,
            "filename",
            Some(r"C:\tmp\a.pdf"),
        );
        check(
            "attachment; filename*=utf-8''%C3%BC.pdf; filename=u.pdf",
            "filename",
            Some("ü.pdf"),
        );
        check(
            "attachment; filename*0*=utf-8''%C3; filename*1*=%BC; filename*2=.pdf",
            "filename",
            Some("ü.pdf"),
        );
        check(
            "attachment; filename*1=b.pdf; filename*0=a",
            "filename",
            Some("ab.pdf"),
        );
        check(
            "attachment; filename=\"=?utf-8?Q?=C3=BC?=.pdf\"",
            "filename",
            Some("ü.pdf"),
        );
        check(
            "attachment; filename*=iso-8859-1'de'%FC.pdf",
            "filename",
            Some("ü.pdf"),
        );
        check(
            "attachment; filename=\"never closed.pdf",
            "filename",
            Some("never closed.pdf"),
        );
        check("filename=lonely.txt", "filename", Some("lonely.txt"));
        check(
            "attachment;;; ; filename = a.pdf ;",
            "filename",
            Some("a.pdf"),
        );
        check("attachment", "filename", None);
        check("attachment filename=\"a.pdf\"", "filename", Some("a.pdf"));
        check("attachment, filename=a.pdf", "filename", Some("a.pdf"));
        check(
            "attachment; filename='a b.pdf'",
            "filename",
            Some("a b.pdf"),
        );
        check(
            "attachment; filename*=utf-8'de'a.pdf",
            "filename",
            Some("a.pdf"),
        );
    }

    #[test]
    fn the_word_is_plain() {
        assert_eq!(
            value(b" Text/Plain (comment); charset=x").word,
            "text/plain"
        );
        assert_eq!(value(b"text/html charset=utf-8").word, "text/html");
        assert_eq!(value(b"charset=utf-8").word, "");
        assert_eq!(value(b"").word, "");
    }
}
