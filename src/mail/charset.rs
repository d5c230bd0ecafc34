//! Charsets: declared, declared wrongly, not declared.
//!
//! Never fails; says when it had to guess.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use std::borrow::Cow;

/// How sure the decoding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sure {
    /// As declared, or plain ASCII.
    #[default]
    Yes,
    /// Nothing was declared and it is not ASCII.
    Undeclared,
    /// The declared charset is unknown.
    Unknown,
    /// The bytes are not of the declared charset.
    Wrong,
}

/// The text of some bytes with the charset that the mail names for them.
pub(super) fn decoded<'x>(bytes: &'x [u8], label: Option<&str>) -> (Cow<'x, str>, Sure) {
    let label = label.map(plain_label).unwrap_or_default();
    if label.is_empty() || label == "us-ascii" || label == "ascii" {
        return undeclared(bytes);
    }
    // UTF-7, HZ and ISO-2022 are written in ASCII bytes, so only known labels may take the short way.
    if let Some(encoding) =
        Encoding::for_label(label.as_bytes()).filter(|e| e.name() != "replacement")
    {
        return declared(bytes, encoding);
    }
    match label.as_str() {
        "hz-gb-2312" | "hz" => return (Cow::Owned(shifted(bytes, Shift::Hz)), Sure::Yes),
        "iso-2022-kr" | "csiso2022kr" => {
            return (Cow::Owned(shifted(bytes, Shift::Korean)), Sure::Yes);
        }
        "utf-32" | "utf-32le" | "utf-32be" => return utf32(bytes, &label),
        "cp437" | "ibm437" | "437" | "cspc8codepage437" => return of_dos(bytes, CP437),
        "cp852" | "ibm852" | "852" => return of_dos(bytes, CP852),
        _ => {}
    }
    match mail_parser::decoders::charsets::map::charset_decoder(label.as_bytes()) {
        Some(decode) => (Cow::Owned(decode(bytes)), Sure::Yes),
        None => match undeclared(bytes) {
            (text, Sure::Yes) => (text, Sure::Yes),
            (text, _) => (text, Sure::Unknown),
        },
    }
}

/// Text of no declared charset: UTF-8 if it is that, else Cyrillic if it looks so, else what Windows writes in the west.
pub(super) fn undeclared(bytes: &[u8]) -> (Cow<'_, str>, Sure) {
    if bytes.is_ascii() {
        if bytes
            .windows(3)
            .any(|w| matches!(w, b"\x1b$B" | b"\x1b$@" | b"\x1b(J"))
        {
            let (text, _) = encoding_rs::ISO_2022_JP.decode_without_bom_handling(bytes);
            return (text, Sure::Undeclared);
        }
        return (String::from_utf8_lossy(bytes), Sure::Yes);
    }
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return (encoding.decode(bytes).0, Sure::Undeclared);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), Sure::Undeclared),
        Err(_) if mostly_utf8(bytes) => (String::from_utf8_lossy(bytes), Sure::Undeclared),
        Err(_) => (
            cyrillic(bytes)
                .unwrap_or(WINDOWS_1252)
                .decode_without_bom_handling(bytes)
                .0,
            Sure::Undeclared,
        ),
    }
}

/// The charset of Russian words: in the west hardly three letters beyond ASCII follow each other, there whole words do. Small letters, which are the most,
/// fill the upper half of the letters in Windows' charset and the lower one in KOI8.
fn cyrillic(bytes: &[u8]) -> Option<&'static Encoding> {
    let (mut in_words, mut others) = (0usize, 0usize);
    let (mut lower, mut upper) = (0usize, 0usize);
    for run in bytes.chunk_by(|a, b| (*a >= 0xc0) == (*b >= 0xc0)) {
        match run.first() {
            Some(0xc0..) if run.len() >= 3 => {
                in_words += run.len();
                upper += run.iter().filter(|b| **b >= 0xe0).count();
                lower += run.iter().filter(|b| **b < 0xe0).count();
            }
            Some(0xc0..) => others += run.len(),
            // Chinese, Japanese and Korean have such bytes between the letters.
            _ => others += run.iter().filter(|b| **b >= 0x80).count(),
        }
    }
    let is_likely = in_words >= 12 && in_words > 3 * others;
    is_likely.then_some(match upper > lower {
        true => encoding_rs::WINDOWS_1251,
        false => encoding_rs::KOI8_R,
    })
}

/// Bytes of a header that declare nothing, in a mail whose body is of this charset.
pub(super) fn hinted<'x>(bytes: &'x [u8], hint: Option<&str>) -> (Cow<'x, str>, Sure) {
    if is_shifted(hint)
        || !bytes.is_ascii() && std::str::from_utf8(bytes).is_err() && hint.is_some()
    {
        return decoded(bytes, hint);
    }
    undeclared(bytes)
}

/// Whether a charset writes all letters in ASCII bytes.
pub(super) fn is_shifted(label: Option<&str>) -> bool {
    label.is_some_and(|l| {
        l.eq_ignore_ascii_case("utf-7") || l.eq_ignore_ascii_case("unicode-1-1-utf-7")
    })
}

fn declared<'x>(bytes: &'x [u8], encoding: &'static Encoding) -> (Cow<'x, str>, Sure) {
    if encoding.is_ascii_compatible() && encoding.is_single_byte() {
        if bytes.is_ascii() {
            return (String::from_utf8_lossy(bytes), Sure::Yes);
        }
        // Two letters beyond ASCII that are valid UTF-8 together are almost never meant as Latin-1.
        if let Ok(text) = std::str::from_utf8(bytes) {
            return (Cow::Borrowed(text), Sure::Wrong);
        }
        return (encoding.decode_without_bom_handling(bytes).0, Sure::Yes);
    }
    let (text, _, had_errors) = encoding.decode(bytes);
    if !had_errors {
        return (text, Sure::Yes);
    }
    if encoding == UTF_8 {
        let text = if mostly_utf8(bytes) {
            text
        } else {
            WINDOWS_1252.decode_without_bom_handling(bytes).0
        };
        return (text, Sure::Wrong);
    }
    match std::str::from_utf8(bytes) {
        Ok(utf8) => (Cow::Borrowed(utf8), Sure::Wrong),
        Err(_) => (text, Sure::Wrong),
    }
}

/// Whether more of the bytes beyond ASCII stand in valid UTF-8 than not: a cut or one bad byte must not spoil the rest.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().bytes().filter(|b| *b >= 0xc2).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good > 2 * bad
}

/// Lower case, without quotes, RFC 2231 language or the decoration that mailers add.
fn plain_label(label: &str) -> String {
    let label = label
        .trim_matches(|c: char| c == '"' || c == '\'' || c == ';' || c.is_whitespace())
        .split(['*', ' ', ';', ','])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    match label.as_str() {
        "unicode-1-1-utf-7" | "csunicode11utf7" | "x-unicode-2-0-utf-7" => "utf-7".into(),
        "utf8mb4" | "utf_8" | "cp65001" | "unicode-1-1-utf-8" => "utf-8".into(),
        "cp932" | "ms932" | "windows-932" => "windows-31j".into(),
        "cp949" | "ms949" | "uhc" | "windows-949" => "euc-kr".into(),
        "cp936" | "ms936" | "windows-936" => "gbk".into(),
        "cp950" | "ms950" | "windows-950" => "big5".into(),
        "iso-8859-1-windows" | "cp-1252" | "win-1252" | "ansi" => "windows-1252".into(),
        _ => match label
            .strip_prefix("x-")
            .filter(|l| Encoding::for_label(l.as_bytes()).is_some())
        {
            Some(known) if Encoding::for_label(label.as_bytes()).is_none() => known.into(),
            _ => label,
        },
    }
}

/// The upper halves of DOS code pages that neither encoding_rs nor mail-parser knows.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
const CP852: &str = "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}";

fn of_dos<'x>(bytes: &[u8], upper: &str) -> (Cow<'x, str>, Sure) {
    let upper: Vec<char> = upper.chars().collect();
    let letter = |b: u8| match b.checked_sub(0x80) {
        Some(at) => upper.get(usize::from(at)).copied().unwrap_or('\u{fffd}'),
        None => char::from(b),
    };
    (
        bytes.iter().map(|&b| letter(b)).collect::<String>().into(),
        Sure::Yes,
    )
}

enum Shift {
    Hz,
    Korean,
}

/// The two 7-bit charsets that browsers refuse but Asian mailers still write: their shifted bytes are EUC without the high bit.
fn shifted(bytes: &[u8], shift: Shift) -> String {
    let mut euc = Vec::with_capacity(bytes.len());
    let mut high = false;
    let mut rest = bytes;
    while let Some((&b, tail)) = rest.split_first() {
        let skip = match (&shift, b, tail.first()) {
            (Shift::Hz, b'~', Some(b'{')) => {
                high = true;
                2
            }
            (Shift::Hz, b'~', Some(b'}')) => {
                high = false;
                2
            }
            (Shift::Hz, b'~', Some(b'\n')) => 2,
            (Shift::Korean, 0x0e, _) => {
                high = true;
                1
            }
            (Shift::Korean, 0x0f, _) => {
                high = false;
                1
            }
            (Shift::Korean, 0x1b, Some(b'$')) if tail.starts_with(b"$)C") => 4,
            _ => {
                euc.push(if high && b > b' ' { b | 0x80 } else { b });
                1
            }
        };
        rest = rest.get(skip..).unwrap_or_default();
    }
    let encoding = match shift {
        Shift::Hz => encoding_rs::GBK,
        Shift::Korean => encoding_rs::EUC_KR,
    };
    encoding.decode_without_bom_handling(&euc).0.into_owned()
}

fn utf32<'x>(bytes: &'x [u8], label: &str) -> (Cow<'x, str>, Sure) {
    let little = label.ends_with("le") || bytes.starts_with(&[0xff, 0xfe, 0, 0]);
    let text = bytes
        .chunks_exact(4)
        .map(|c| {
            let c = [c[0], c[1], c[2], c[3]];
            let code = if little {
                u32::from_le_bytes(c)
            } else {
                u32::from_be_bytes(c)
            };
            char::from_u32(code).unwrap_or('\u{fffd}')
        })
        .filter(|c| *c != '\u{feff}')
        .collect::<String>();
    (Cow::Owned(text), Sure::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], label: Option<&str>, expected: &str, sure: Sure) {
        assert_eq!(decoded(bytes, label), (Cow::Borrowed(expected), sure));
    }

    #[test]
    fn declared_undeclared_and_wrongly_declared() {
        check(b"Gr\xfcezi", Some("iso-8859-1"), "Grüezi", Sure::Yes);
        check(
            "Grüezi".as_bytes(),
            Some("iso-8859-1"),
            "Grüezi",
            Sure::Wrong,
        );
        check(b"Gr\xfcezi", Some("utf-8"), "Grüezi", Sure::Wrong);
        check(b"Gr\xfcezi", None, "Grüezi", Sure::Undeclared);
        check(
            "Grüezi".as_bytes(),
            Some("us-ascii"),
            "Grüezi",
            Sure::Undeclared,
        );
        check(
            "Grüezi".as_bytes(),
            Some("x-unknown"),
            "Grüezi",
            Sure::Unknown,
        );
        check(b"\x80 5", Some("\"ISO-8859-1\""), "€ 5", Sure::Yes);
        check(b"Gr+APw-ezi", Some("utf-7"), "Grüezi", Sure::Yes);
        check(b"~{VPND~}.", Some("hz-gb-2312"), "中文.", Sure::Yes);
        check(b"Gr\x81ezi", Some("IBM437"), "Grüezi", Sure::Yes);
        check(b"Za\xbe", Some("cp852"), "Zaż", Sure::Yes);
        check(b"plain", Some("x-nonsense"), "plain", Sure::Yes);
    }
}
