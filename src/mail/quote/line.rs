//! Lines of a text and what each turned out to be.

use std::borrow::Cow;

/// What a line is to a reader who wants the new text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nothing on it.
    Blank,
    /// New, as far as known.
    Text,
    /// Repeats an older mail, by `>` or by the HTML.
    Quoted {
        /// The HTML names the client's own container for it, so no person chose the passage.
        client: bool,
    },
    /// Names the writer of the quotation that follows.
    Attribution,
    /// From here on only an older mail comes.
    Break {
        /// It was forwarded, not answered.
        forward: bool,
    },
    /// Not shown.
    Hidden,
}

impl Role {
    /// Whether the line repeats an older mail.
    pub fn is_quoted(self) -> bool {
        matches!(self, Role::Quoted { .. })
    }
}

/// One line.
pub struct Line<'t> {
    /// As it stands in the text, without its end.
    pub written: &'t str,
    /// For comparison: without quote marks, invisible characters, emphasis and surrounding blanks.
    pub plain: Cow<'t, str>,
    /// What it is.
    pub role: Role,
    /// The HTML names it part of the writer's signature.
    pub signs: bool,
}

/// The lines of a text.
pub fn split(text: &str) -> Vec<Line<'_>> {
    text.split('\n')
        .map(|l| line(l.strip_suffix('\r').unwrap_or(l)))
        .collect()
}

/// One line, quoted if it begins with `>`.
pub fn line(written: &str) -> Line<'_> {
    let plain = plain(written);
    let role = match plain.as_bytes().first() {
        None => Role::Blank,
        // A wrapped attribution line may begin with the bracket that closes its address.
        Some(b'>') if plain.len() <= 3 && plain.ends_with(':') => Role::Text,
        // GroupWise's attribution line stands between `>>>`; what it repeats has no mark at all.
        Some(b'>') if plain.starts_with(">>> ") && plain.ends_with(">>>") => Role::Text,
        Some(b'>') => Role::Quoted { client: false },
        Some(_) => Role::Text,
    };
    let plain = match role {
        Role::Quoted { .. } => unquoted(plain),
        _ => plain,
    };
    Line {
        written,
        plain,
        role,
        signs: false,
    }
}

fn unquoted(plain: Cow<'_, str>) -> Cow<'_, str> {
    let marks = |c: char| c == '>' || c == ' ';
    match plain {
        Cow::Borrowed(s) => Cow::Borrowed(s.trim_start_matches(marks)),
        Cow::Owned(s) => Cow::Owned(s.trim_start_matches(marks).to_string()),
    }
}

/// Clients put direction marks around attribution lines of right-to-left scripts, no-break spaces before French colons, and `*` for bold header names.
fn plain(written: &str) -> Cow<'_, str> {
    let trimmed = written.trim();
    let noise =
        |c: char| c == '*' || is_invisible(c) || c == '\u{a0}' || c == '\u{202f}' || c == '\t';
    if !trimmed.contains(noise) || is_rule(trimmed) {
        return Cow::Borrowed(trimmed);
    }
    let spaced = trimmed
        .chars()
        .filter(|&c| c != '*' && !is_invisible(c))
        .map(|c| {
            if matches!(c, '\u{a0}' | '\u{202f}' | '\t') {
                ' '
            } else {
                c
            }
        });
    Cow::Owned(spaced.collect::<String>().trim().to_string())
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

/// A line drawn with characters: `-----`, `_____`, `* * *`.
pub fn is_rule(plain: &str) -> bool {
    plain.len() >= 2
        && plain.chars().all(|c| {
            matches!(
                c,
                '-' | '_' | '=' | '*' | '~' | '#' | '+' | '—' | '–' | '―' | '─' | '━' | ' '
            )
        })
}
