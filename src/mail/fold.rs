//! Folding: one form of a text for rules and search, so that patterns stay ASCII and fast.
//!
//! Law: folding twice changes nothing, and whatever goes in, Latin letters come out as lower-case ASCII.

/// What one text may cost rules and search.
pub const FOLDED_BYTES_MAX: usize = 64 << 10;

/// Lower case; ä→ae, ö→oe, ü→ue, ß→ss, é→e and so on; typographic quotes, dashes and spaces as ASCII; invisible characters left out. At most `bytes_max` bytes
/// and never more than [`FOLDED_BYTES_MAX`]; line ends stay.
pub fn folded(s: &str, bytes_max: usize) -> String {
    let bytes_max = bytes_max.min(FOLDED_BYTES_MAX);
    let mut out = String::with_capacity(s.len().min(bytes_max));
    let mut rest = s;
    loop {
        // Most of a mail is ASCII: runs of it are copied whole.
        let run = rest.bytes().position(|b| !b.is_ascii());
        let (ascii, after) = rest.split_at(run.unwrap_or(rest.len()));
        let kept = ascii.len().min(bytes_max - out.len());
        let begins = out.len();
        out.push_str(&ascii[..kept]);
        out[begins..].make_ascii_lowercase();
        let Some(c) = after.chars().next().filter(|_| kept == ascii.len()) else {
            return out;
        };
        let before = out.len();
        fold(c, &mut out);
        if out.len() > bytes_max {
            out.truncate(before);
            return out;
        }
        rest = &after[c.len_utf8()..];
    }
}

fn fold(c: char, out: &mut String) {
    if c.is_ascii() {
        return out.push(c.to_ascii_lowercase());
    }
    // Apple's file names write ü as u and a combining diaeresis.
    if c == '\u{308}' {
        if out.ends_with(['a', 'o', 'u']) {
            out.push('e');
        }
        return;
    }
    if let Some(ascii) = as_ascii(c) {
        return out.push_str(ascii);
    }
    for lower in c.to_lowercase() {
        match as_ascii(lower) {
            Some(ascii) => out.push_str(ascii),
            None => out.push(lower),
        }
    }
}

fn as_ascii(c: char) -> Option<&'static str> {
    Some(match c {
        'ä' | 'æ' | 'ǽ' => "ae",
        'ö' | 'œ' | 'ø' => "oe",
        'ü' => "ue",
        'ß' | 'ẞ' => "ss",
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ạ' | 'ả' => "a",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẽ' | 'ẹ' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ǐ' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' | 'ŋ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ō' | 'ŏ' | 'ő' | 'ǒ' | 'ơ' => "o",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ǔ' | 'ư' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        '\u{ab}' | '\u{bb}' | '\u{201c}'..='\u{201f}' | '\u{2039}' | '\u{203a}' => "\"",
        '\u{b4}' | '\u{2018}'..='\u{201b}' | '\u{2032}' => "'",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{2026}' => "...",
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\u{85}' | '\u{2028}' | '\u{2029}' => "\n",
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => "",
        '\u{300}'..='\u{36f}' => "",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folds_the_letters_of_our_customers() {
        for (s, expected) in [
            (
                "Störung: ÜBERALL Fäller, naïve Café-Größe",
                "stoerung: ueberall faeller, naive cafe-groesse",
            ),
            ("„Läuft“ – «nöd»… it’s", "\"laeuft\" - \"noed\"... it's"),
            ("Mu\u{308}ller O\u{308}l e\u{301}", "mueller oel e"),
            ("a\u{a0}b\u{ad}c\u{200b}d", "a bcd"),
            ("Ἀθῆναι Привет", "ἀθῆναι привет"),
        ] {
            assert_eq!(folded(s, 1_000), expected);
        }
    }

    #[test]
    fn stops_at_a_whole_character() {
        assert_eq!(folded("aaä", 3), "aa");
        assert_eq!(folded("aaЯ", 3), "aa");
        assert_eq!(
            folded(&"ü".repeat(1 << 20), usize::MAX).len(),
            FOLDED_BYTES_MAX
        );
    }

    proptest! {
        #[test]
        fn twice_is_once(s in any::<String>(), max in 0usize..200) {
            let once = folded(&s, max);
            prop_assert!(once.len() <= max);
            prop_assert_eq!(folded(&once, max), once);
        }
    }
}
