//! Text made comparable: folded, cut at a bound, without tags, prefixes and quotation.

/// Subject tags of lists and gateways (`[ILUG] `, `***SPAM*** `) are not its first words.
pub(in crate::mail) fn untagged(folded: &str) -> &str {
    let mut subject = folded.trim();
    for _ in 0..4 {
        let rest = match subject.strip_prefix('[').and_then(|s| s.split_once(']')) {
            Some((tag, rest)) if tag.len() <= 60 && !rest.trim().is_empty() => rest.trim_start(),
            _ => match ["***spam***", "{spam?}", "(spam)", "spam:", "***"]
                .iter()
                .find_map(|t| subject.strip_prefix(t))
            {
                Some(rest) => rest.trim_start(),
                None => break,
            },
        };
        subject = rest;
    }
    subject
}

/// Without `Re:`, `AW:`, `Fwd:` and their kin at its beginning; folded.
pub(super) fn without_prefix(folded: &str) -> &str {
    const PREFIXES: &[&str] = &[
        "re", "aw", "sv", "antw", "antwort", "vs", "va", "odp", "ynt", "rif", "ref", "res", "r",
        "fwd", "fw", "wg", "tr", "i", "rv", "enc", "vb", "vl", "pd", "回复", "答复", "回覆",
        "转发", "轉寄", "返信", "転送",
    ];
    let mut subject = folded.trim_start();
    for _ in 0..10 {
        let Some((prefix, rest)) = subject.split_once([':', '：']) else {
            break;
        };
        let prefix = prefix.trim_end_matches(|c: char| c.is_ascii_digit() || "[]()^ ".contains(c));
        if !PREFIXES.contains(&prefix) {
            break;
        }
        subject = untagged(rest.trim_start());
    }
    subject
}

/// Whether a subject says that the mail answers another or hands one on.
pub(in crate::mail) fn is_answer(subject: &str) -> bool {
    let folded = fold(subject, 300);
    let subject = untagged(&folded);
    without_prefix(subject).len() < subject.len()
}

/// The text before the first line of quotation or of a forwarded mail. Only for the marks of machines; [`crate::mail::quote`] does it well.
pub(super) fn before_quotation(text: &str) -> &str {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start();
        let begins = bare.starts_with('>')
            || bare.starts_with("-----Original")
            || bare.starts_with("-----Urspr")
            || bare.starts_with("---------- Forwarded")
            || bare.starts_with("________________________________")
            || line.len() < 200
                && [
                    "wrote:",
                    "schrieb:",
                    "a écrit :",
                    "ha scritto:",
                    "escribió:",
                    "geschreven:",
                ]
                .iter()
                .any(|w| bare.trim_end().ends_with(w));
        if begins && text.get(..at).is_some_and(|t| !t.trim().is_empty()) {
            return text.get(..at).unwrap_or(text);
        }
        at += line.len();
    }
    text
}

/// The first bytes of a text, at a character's end.
pub(in crate::mail) fn head(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Lower case, accents taken off Latin letters (ä→a, é→e, ß→ss), typographic quotes made plain, white space made one space: one pattern then
/// matches how the sentence is written anywhere, and across line ends.
pub(in crate::mail) fn fold(text: &str, bytes_max: usize) -> String {
    let text = head(text, bytes_max);
    let mut folded = String::with_capacity(text.len());
    let mut space = true;
    let mut rest = text;
    loop {
        // Words of plain letters, which most are, are copied whole.
        let plain = rest.bytes().position(|b| !b.is_ascii_graphic());
        let (word, after) = rest.split_at(plain.unwrap_or(rest.len()));
        if !word.is_empty() {
            let begins = folded.len();
            folded.push_str(word);
            folded[begins..].make_ascii_lowercase();
            space = false;
        }
        let Some(c) = after.chars().next() else {
            return folded;
        };
        rest = &after[c.len_utf8()..];
        if c.is_whitespace() || c.is_control() {
            if !space {
                folded.push(' ');
            }
            space = true;
        } else {
            space = false;
            fold_letter(c, &mut folded);
        }
    }
}

fn fold_letter(c: char, folded: &mut String) {
    let plain = match c {
        'à'..='å' | 'À'..='Å' | 'ā' | 'ă' | 'ą' | 'Ā' | 'Ă' | 'Ą' => "a",
        'æ' | 'Æ' => "ae",
        'ç' | 'Ç' | 'ć' | 'č' | 'Ć' | 'Č' => "c",
        'ď' | 'đ' | 'Ď' | 'Đ' => "d",
        'è'..='ë' | 'È'..='Ë' | 'ē' | 'ę' | 'ě' | 'ė' | 'Ē' | 'Ę' | 'Ě' => "e",
        'ğ' | 'Ğ' => "g",
        'ì'..='ï' | 'Ì'..='Ï' | 'ī' | 'ı' | 'İ' => "i",
        'ł' | 'Ł' | 'ľ' | 'ĺ' => "l",
        'ñ' | 'Ñ' | 'ń' | 'ň' | 'Ń' | 'Ň' => "n",
        'ò'..='ö' | 'ø' | 'Ò'..='Ö' | 'Ø' | 'ő' | 'Ő' => "o",
        'œ' | 'Œ' => "oe",
        'ř' | 'Ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' | 'Ś' | 'Š' | 'Ş' | 'Ș' => "s",
        'ß' => "ss",
        'ť' | 'ț' | 'ţ' | 'Ț' => "t",
        'ù'..='ü' | 'Ù'..='Ü' | 'ů' | 'ű' | 'ū' | 'Ů' | 'Ű' => "u",
        'ý' | 'ÿ' | 'Ý' => "y",
        'ź' | 'ż' | 'ž' | 'Ź' | 'Ż' | 'Ž' => "z",
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{b4}' => "'",
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '«' | '»' => "\"",
        '\u{2010}'..='\u{2015}' => "-",
        // Combining accents of decomposed text, zero-width marks.
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}' => "",
        other => {
            folded.extend(other.to_lowercase());
            return;
        }
    };
    folded.push_str(plain);
}
