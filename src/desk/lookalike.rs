//! How an address is shown: nothing in it can look like another letter (ATTACKS.md A05).
//!
//! Knows Punycode (RFC 3492) as mail domains have it (RFC 5890); decides nothing. No mapping is done first: a wide `ｖ` shows as what it is, not as a `v`.

use idna::punycode;

/// A domain beyond ASCII as `xn--…`, other letters beyond it by their number. An ASCII address stays as it is.
pub fn shown(address: &str) -> String {
    if address.is_ascii() {
        return address.to_string();
    }
    match address.rsplit_once('@') {
        Some((local, domain)) => {
            let labels: Vec<String> = domain.split('.').map(label).collect();
            format!("{}@{}", numbered(local), labels.join("."))
        }
        None => numbered(address),
    }
}

fn numbered(words: &str) -> String {
    let one = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => c.escape_unicode().to_string(),
    };
    words.chars().map(one).collect()
}

fn label(label: &str) -> String {
    match label.is_ascii() {
        true => label.to_string(),
        false => punycode::encode_str(label)
            .map_or_else(|| numbered(label), |code| format!("xn--{code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: &str) {
        assert_eq!(shown(address), expected);
    }

    #[test]
    fn a05_a_lookalike_shows_as_punycode() {
        // As Python's `"…".encode("punycode")` has them, and the samples of RFC 3492, 7.1.
        check("anna@vendor.example", "anna@vendor.example");
        check("a@zürich.ch", "a@xn--zrich-kva.ch");
        check("anna@v\u{435}ndor.example", "anna@xn--vndor-zwe.example");
        check("anna@\u{ff56}endor.example", "anna@xn--endor-xs33a.example");
        check("a@bücher.bücher", "a@xn--bcher-kva.xn--bcher-kva");
        check("a@他们为什么不说中文", "a@xn--ihqwcrb4cv8a8dqg056pqjye");
        check("\u{430}nna@vendor.example", "\\u{430}nna@vendor.example");
        check("zürich", "z\\u{fc}rich");
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_is_ascii_and_two_addresses_never_look_alike(a in "\\PC{0,40}", b in "\\PC{0,40}") {
            proptest::prop_assert!(shown(&a).is_ascii());
            let plain = |s: &str| !s.contains("xn--") && !s.contains('\\');
            if a != b && plain(&a) && plain(&b) {
                proptest::prop_assert_ne!(shown(&a), shown(&b));
            }
        }
    }
}
