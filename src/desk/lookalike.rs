//! How an address is shown: nothing in it can look like another letter (ATTACKS.md A05).
//!
//! Knows Punycode (RFC 3492) as mail domains have it (RFC 5890); decides nothing. No mapping is done first: a wide `ｖ` shows as what it is, not as a `v`.

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
        false => punycode(label).map_or_else(|| numbered(label), |code| format!("xn--{code}")),
    }
}

/// RFC 3492, 6.3. None where a number grows beyond measure: no domain has such a label.
fn punycode(label: &str) -> Option<String> {
    let letters: Vec<u32> = label.chars().map(u32::from).collect();
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(out.len()).ok()?;
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias, mut done) = (128_u32, 0_u32, 72_u32, basic);
    while usize::try_from(done).ok()? < letters.len() {
        let next = letters.iter().copied().filter(|c| *c >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(done + 1)?)?;
        n = next;
        for c in &letters {
            if *c < n {
                delta = delta.checked_add(1)?;
            }
            if *c == n {
                number(delta, bias, &mut out);
                bias = adapted(delta, done + 1, done == basic);
                delta = 0;
                done += 1;
            }
        }
        delta = delta.checked_add(1)?;
        n += 1;
    }
    Some(out)
}

/// One number in the variable base of RFC 3492, 3.3.
fn number(mut value: u32, bias: u32, out: &mut String) {
    for k in (36_u32..).step_by(36) {
        let threshold = k.saturating_sub(bias).clamp(1, 26);
        if value < threshold {
            return out.push(digit(value));
        }
        let base = 36 - threshold;
        out.push(digit(threshold + (value - threshold) % base));
        value = (value - threshold) / base;
    }
}

fn digit(value: u32) -> char {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let at = usize::try_from(value).unwrap_or(0);
    char::from(*DIGITS.get(at).unwrap_or(&b'?'))
}

/// RFC 3492, 3.4.
fn adapted(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
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
