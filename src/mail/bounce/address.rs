//! Addresses in running text, as far as a hint needs them; [`crate::mail::address`] reads those of headers.

/// Everything in a text that looks like an address, left to right: linear, since each end is bounded.
pub(super) fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('@').filter_map(|(at, _)| {
        let local = local_length(text.get(..at)?);
        let domain = domain_length(text.get(at + 1..)?);
        if local == 0 || domain == 0 {
            return None;
        }
        text.get(at - local..at + 1 + domain)
    })
}

/// Longer local parts are VERP or nonsense; RFC 5321 allows 64.
const LOCAL_BYTES_MAX: usize = 128;

fn local_length(before: &str) -> usize {
    let taken: usize = before
        .chars()
        .rev()
        .take_while(|c| c.is_alphanumeric() || "!#$%&*+/=?^_`{|}~.-".contains(*c))
        .map(char::len_utf8)
        .sum();
    if taken > LOCAL_BYTES_MAX {
        return 0;
    }
    // A bullet or dash before the address is not part of it.
    let local = before.get(before.len() - taken..).unwrap_or_default();
    local
        .trim_start_matches(['-', '.', '*', '=', '/', '|', '!'])
        .len()
}

fn domain_length(after: &str) -> usize {
    let taken: usize = after
        .chars()
        .take(255)
        .take_while(|c| c.is_alphanumeric() || "._-#".contains(*c))
        .map(char::len_utf8)
        .sum();
    let domain = after.get(..taken).unwrap_or_default();
    domain.trim_end_matches(['.', '-', '_', '#']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let found: Vec<&str> = addresses(text).collect();
        assert_eq!(found.join(" "), expect, "{text}");
    }

    #[test]
    fn addresses_are_found_in_any_dress() {
        check("<a@b.example>: no", "a@b.example");
        check("to \"a.b+c@d-e.example\".", "a.b+c@d-e.example");
        check(
            "  * x@y.example (gone), z@y.example...",
            "x@y.example z@y.example",
        );
        check("no @ here, a@ or @b, ü@ß.example", "ü@ß.example");
    }
}
