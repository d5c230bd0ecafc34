//! Text for people and for comparison: HTML to text, decoded strings cleaned, folding for rules and search.

/// Control characters (C0, C1), U+2028/9 and bidi controls become spaces; at most `chars_max` characters. What every decoded string goes through
/// before it is shown or written into a letter (ATTACKS.md D01, D02, D09).
pub fn cleaned(s: &str, chars_max: usize) -> String {
    s.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') { ' ' } else { c })
        .take(chars_max)
        .collect()
}
