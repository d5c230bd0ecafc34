//! Who a mail is from, and how far to trust that.
//!
//! Promise: without a configured authserv-id nobody is ever more than [`Trust::Unknown`]; a header that the sender can write changes nothing.

use super::{Mail, address};
use serde::{Deserialize, Serialize};

/// What our own mail server says of the sender (RFC 8601), by the configured authserv-id only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// `dmarc=pass`, aligned with the one address in `From`.
    Aligned,
    /// `auth=pass`: submitted to our own server by this account (`smtp.auth`).
    Submitted(String),
    /// No authserv-id is configured, so nothing can be said.
    Unknown,
    /// Configured, and nothing passed: the reason.
    Unproven(String),
    /// More than one possible author, or none: never any authority.
    Ambiguous(String),
}

/// The one author that may be compared with lists: exactly one `From` field with one strict address (ATTACKS.md A03 to A05).
pub fn author(mail: &Mail) -> Option<String> {
    sole_author(mail).ok()
}

/// How far to trust the author. `authserv_id` is the only server believed, and only in headers above our own topmost `Received` (ATTACKS.md A02).
pub fn trust(mail: &Mail, authserv_id: Option<&str>) -> Trust {
    let author = match sole_author(mail) {
        Ok(author) => author,
        Err(why) => return Trust::Ambiguous(why.into()),
    };
    let Some(ours) = authserv_id.map(str::trim).filter(|id| !id.is_empty()) else {
        return Trust::Unknown;
    };
    // One that cannot be read counts if it names the server: two readers may read it in two ways.
    let is_ours = |(value, found): &(&str, Option<Results>)| match found {
        Some(found) => found.server.eq_ignore_ascii_case(ours),
        None => value
            .to_ascii_lowercase()
            .contains(&ours.to_ascii_lowercase()),
    };
    let read = above_received(mail).map(|value| (value, results(value)));
    let mut candidates = read.filter(is_ours);
    // A server writes one. Of two, even if they agree, one may be the sender's (A02).
    Trust::Unproven(match (candidates.next(), candidates.next()) {
        (None, _) => format!("no result of {ours} above the topmost Received"),
        (Some((_, Some(found))), None) => return verdict(&found, &author),
        (Some((_, None)), None) => format!("the result of {ours} cannot be read"),
        (Some(_), Some(_)) => format!("more than one result of {ours}"),
    })
}

fn sole_author(mail: &Mail) -> Result<String, &'static str> {
    match (mail.from_fields, mail.from.len()) {
        (0, _) => return Err("there is no From"),
        (2.., _) => return Err("there is more than one From field"),
        (_, 0) => return Err("From holds no address"),
        (_, 2..) => return Err("From holds more than one address"),
        (1, 1) => {}
    }
    let author = mail
        .header("From")
        .and_then(address::sole)
        .ok_or("From is not one plain address")?;
    // The generous reading must agree: two readings of one header are an attack (ATTACKS.md E09).
    if mail.from[0].address == author {
        Ok(author)
    } else {
        Err("From can be read in two ways")
    }
}

/// `Authentication-Results` before the first `Received`. What stands below it was in the mail when it reached us, so anyone may have written it.
fn above_received(mail: &Mail) -> impl Iterator<Item = &str> {
    mail.headers
        .iter()
        .take_while(|h| !h.name.eq_ignore_ascii_case("Received"))
        .filter(|h| h.name.eq_ignore_ascii_case("Authentication-Results"))
        .map(|h| h.value.as_str())
}

fn verdict(found: &Results, author: &str) -> Trust {
    let domain = author.rsplit('@').next().unwrap_or_default();
    let dmarc_failed = found
        .methods
        .iter()
        .any(|m| m.name == "dmarc" && m.result != "pass");
    if !dmarc_failed
        && found.passed("dmarc").any(|m| {
            m.property("header.from")
                .is_some_and(|from| covers(from, domain))
        })
    {
        return Trust::Aligned;
    }
    if let Some(account) = found
        .passed("auth")
        .find_map(|m| m.property("smtp.auth"))
        .filter(|a| !a.is_empty())
    {
        return Trust::Submitted(account.to_ascii_lowercase());
    }
    Trust::Unproven(match found.methods.iter().find(|m| m.name == "dmarc") {
        Some(m) if m.result == "pass" => {
            "dmarc=pass is for another domain than that of From".into()
        }
        Some(m) => format!("dmarc={}", super::text::cleaned(&m.result, 40)),
        None => "no dmarc result".into(),
    })
}

/// `header.from` is the author's domain, or the domain above it that the server checked.
fn covers(stated: &str, domain: &str) -> bool {
    let stated = stated
        .rsplit('@')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_parent = stated.contains('.')
        && domain
            .strip_suffix(stated.as_str())
            .is_some_and(|rest| rest.ends_with('.'));
    !stated.is_empty() && (stated == domain || is_parent)
}

/// One `Authentication-Results` field.
#[derive(Debug, Default, PartialEq, Eq)]
struct Results {
    server: String,
    methods: Vec<Method>,
}

impl Results {
    fn passed<'x>(&'x self, method: &'x str) -> impl Iterator<Item = &'x Method> {
        self.methods
            .iter()
            .filter(move |m| m.name == method && m.result == "pass")
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Method {
    name: String,
    result: String,
    properties: Vec<(String, String)>,
}

impl Method {
    fn property(&self, name: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

/// RFC 8601, 2.2. None if the field does not parse whole: a field that two readers may read differently is no proof.
fn results(value: &str) -> Option<Results> {
    let tokens = tokens(value)?;
    let mut clauses = tokens.split(|t| *t == Token::Semicolon);
    let server = match clauses.next()? {
        [Token::Word(server)] => server.clone(),
        // An authserv-id may be followed by a version.
        [Token::Word(server), Token::Word(version)]
            if version.bytes().all(|b| b.is_ascii_digit()) =>
        {
            server.clone()
        }
        _ => return None,
    };
    let methods = clauses
        .filter(|clause| {
            !clause.is_empty()
                && !matches!(clause, [Token::Word(w)] if w.eq_ignore_ascii_case("none"))
        })
        .map(method)
        .collect::<Option<Vec<_>>>()?;
    Some(Results { server, methods })
}

/// `method[/version]=result` and then `name=value` pairs; `reason="…"` is one of them.
fn method(clause: &[Token]) -> Option<Method> {
    let mut method = Method::default();
    let mut rest = clause;
    while let [
        Token::Word(name),
        Token::Equals,
        Token::Word(value),
        after @ ..,
    ] = rest
    {
        let name = name.to_ascii_lowercase();
        if method.name.is_empty() {
            method.name = name.split('/').next().unwrap_or_default().to_string();
            method.result = value.to_ascii_lowercase();
        } else {
            method.properties.push((name, value.clone()));
        }
        rest = after;
    }
    (rest.is_empty() && !method.name.is_empty()).then_some(method)
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Equals,
    Semicolon,
}

/// Words, quoted strings, `=` and `;`, without comments; none if a comment or a string never ends. `=` ends only the first word of a pair: values hold it too.
fn tokens(value: &str) -> Option<Vec<Token>> {
    let mut found = vec![];
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '(' => skip_comment(&mut chars)?,
            ';' => found.push(Token::Semicolon),
            '=' => found.push(Token::Equals),
            '"' => found.push(Token::Word(quoted(&mut chars)?)),
            c if c.is_whitespace() => {}
            ')' => return None,
            c => {
                let in_value = found.last() == Some(&Token::Equals);
                let mut word = String::from(c);
                while let Some(&next) = chars.peek() {
                    if next.is_whitespace()
                        || matches!(next, ';' | '(' | ')' | '"')
                        || next == '=' && !in_value
                    {
                        break;
                    }
                    word.push(next);
                    chars.next();
                }
                found.push(Token::Word(word));
            }
        }
    }
    Some(found)
}

fn skip_comment(chars: &mut impl Iterator<Item = char>) -> Option<()> {
    let mut depth = 1usize;
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()?),
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(());
        }
    }
    None
}

fn quoted(chars: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut content = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(content),
            '\\' => content.push(chars.next()?),
            c => content.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::parse;

    const OURS: Option<&str> = Some("mx.corp.example");
    const RECEIVED: &str = "Received: from x by mx.corp.example; Mon, 23 Nov 2026 09:00:00 +0100\n";
    const FROM: &str = "From: Anna <anna@kunde.example>\n";

    fn of(header: &str) -> Trust {
        trust(&parse::parsed(format!("{header}\nbody\n").as_bytes()), OURS)
    }

    fn results_then_mail(results: &str) -> Trust {
        of(&format!(
            "Authentication-Results: {results}\n{RECEIVED}{FROM}"
        ))
    }

    #[test]
    fn what_our_own_server_says_is_believed() {
        for results in [
            "mx.corp.example; dmarc=pass header.from=kunde.example",
            "MX.Corp.Example 1; spf=fail smtp.mailfrom=x; dmarc=pass (p=reject dis=none) header.from=kunde.example",
            "mx.corp.example;\n\tdkim=pass header.d=kunde.example header.b=\"a=b\";\n\tdmarc=pass\n\t  header.from=kunde.example",
            "mx.corp.example (mx.corp.example; x); dmarc/1=pass reason=\"ok; really\" header.from=KUNDE.example",
            "\"mx.corp.example\"; dmarc=pass header.from=kunde.example",
            "mx.corp.example; spf=pass (a (b) c); dmarc=pass header.from=kunde.example",
            "mx.corp.example; dkim=pass header.b=abc=; dmarc=pass header.from=kunde.example;",
        ] {
            assert_eq!(results_then_mail(results), Trust::Aligned, "{results}");
        }
        assert_eq!(
            results_then_mail("mx.corp.example; auth=pass (plain) smtp.auth=Anna"),
            Trust::Submitted("anna".into())
        );
    }

    #[test]
    fn a02_forged_results_are_ignored() {
        for results in [
            "mx.evil.example; dmarc=pass header.from=kunde.example",
            "mx.evil.example (mx.corp.example); dmarc=pass header.from=kunde.example",
            "(mx.corp.example) mx.evil.example; dmarc=pass header.from=kunde.example",
            "mx.corp.example.evil.example; dmarc=pass header.from=kunde.example",
            "mx.corp.example evil; dmarc=pass header.from=kunde.example",
            "mx.corp.example; spf=pass (dmarc=pass header.from=kunde.example)",
            "mx.corp.example; spf=pass reason=\"; dmarc=pass header.from=kunde.example\"",
            "mx.corp.example; dmarc=pass (never closed header.from=kunde.example",
            "mx.corp.example; spf=pass (a (b) ; dmarc=pass header.from=kunde.example",
            "mx.corp.example; spf=pass (a \\) ; dmarc=pass header.from=kunde.example",
            "mx.corp.example; dmarc=pass header.from=kunde.example junk",
            "mx.corp.example; dmarc=pass header.from=evil.example",
            "mx.corp.example; dmarc=pass header.from=example",
            "mx.corp.example; dmarc=pass header.from=unde.example",
            "mx.corp.example; dmarc=pass",
            "mx.corp.example; dmarc=fail header.from=kunde.example; dmarc=pass header.from=kunde.example",
            "mx.corp.example; x-dmarc=pass header.from=kunde.example",
            "mx.corp.example; none",
            "",
        ] {
            assert!(
                matches!(results_then_mail(results), Trust::Unproven(_)),
                "{results}"
            );
        }
    }

    #[test]
    fn what_is_unproven_says_why() {
        for (results, why) in [
            (
                "mx.corp.example; dmarc=fail header.from=kunde.example",
                "dmarc=fail",
            ),
            (
                "mx.corp.example; spf=pass; dmarc=pass header.from=evil.example",
                "dmarc=pass is for another domain than that of From",
            ),
            ("mx.corp.example; spf=pass", "no dmarc result"),
        ] {
            let told = Trust::Unproven(why.into());
            assert_eq!(results_then_mail(results), told, "{results}");
        }
    }

    #[test]
    fn a02_only_above_our_topmost_received() {
        let results =
            "Authentication-Results: mx.corp.example; dmarc=pass header.from=kunde.example\n";
        assert!(matches!(
            of(&format!("{RECEIVED}{results}{FROM}")),
            Trust::Unproven(_)
        ));
        assert!(matches!(
            of(&format!("{RECEIVED}{results}{RECEIVED}{FROM}")),
            Trust::Unproven(_)
        ));
        assert_eq!(
            of(&format!("{results}{RECEIVED}{results}{FROM}")),
            Trust::Aligned
        );
    }

    #[test]
    fn a02_two_are_none_even_if_they_agree() {
        let pass =
            "Authentication-Results: mx.corp.example; dmarc=pass header.from=kunde.example\n";
        let fail =
            "Authentication-Results: mx.corp.example; dmarc=fail header.from=kunde.example\n";
        let unreadable = "Authentication-Results: mx.corp.example; dmarc=pass (\n";
        let other =
            "Authentication-Results: mx.evil.example; dmarc=pass header.from=kunde.example\n";
        for two in [
            [pass, fail],
            [pass, pass],
            [pass, unreadable],
            [unreadable, pass],
        ] {
            let [first, second] = two;
            let trust = of(&format!("{first}{second}{RECEIVED}{FROM}"));
            assert!(matches!(trust, Trust::Unproven(_)), "{two:?}");
        }
        // Another server's is no candidate.
        for [first, second] in [[pass, other], [other, pass]] {
            let trust = of(&format!("{first}{second}{RECEIVED}{FROM}"));
            assert_eq!(trust, Trust::Aligned);
        }
    }

    #[test]
    fn a02_no_authserv_id_is_no_trust() {
        let raw = format!(
            "Authentication-Results: mx.corp.example; dmarc=pass header.from=kunde.example\n{RECEIVED}{FROM}\nx"
        );
        let mail = parse::parsed(raw.as_bytes());
        assert_eq!(trust(&mail, None), Trust::Unknown);
        assert_eq!(trust(&mail, Some("  ")), Trust::Unknown);
    }

    #[test]
    fn a03_two_authors_are_none() {
        for from in [
            "From: staff@corp.example\nFrom: evil@x.example\n",
            "From: staff@corp.example, evil@x.example\n",
            "From: g:staff@corp.example;\n",
            "From: <@evil.example:staff@corp.example>\n",
            "From: staff@corp.example\0\n",
            "From: \0staff@corp.example\n",
            "From: staff@\0corp.example\n",
            "From: \n",
            "Subject: nobody\n",
            "From: \"\"@corp.example\n",
        ] {
            let found = of(&format!(
                "Authentication-Results: mx.corp.example; dmarc=pass header.from=corp.example\n{RECEIVED}{from}"
            ));
            assert!(matches!(found, Trust::Ambiguous(_)), "{from:?}: {found:?}");
        }
    }

    #[test]
    fn a04_names_are_never_addresses() {
        for (from, expected) in [
            (
                "\"staff@corp.example\" <evil@x.example>",
                Some("evil@x.example"),
            ),
            ("=?utf-8?q?staff=40corp.example=3E?= <evil@x.example>", None),
            (
                "=?utf-8?q?staff=40corp.example=2C?= <evil@x.example>",
                Some("evil@x.example"),
            ),
            (
                "=?utf-8?q?Anna=3A_Support?= <evil@x.example>",
                Some("evil@x.example"),
            ),
            (
                "\"=?utf-8?q?=22_=3Cstaff=40corp.example=3E?=\" <evil@x.example>",
                None,
            ),
            ("<staff@corp.example>evil@x.example", None),
            ("<staff@corp.example> <evil@x.example>", None),
        ] {
            let mail = parse::parsed(format!("From: {from}\n\nx").as_bytes());
            assert_eq!(author(&mail).as_deref(), expected, "{from}");
        }
    }

    #[test]
    fn a05_lookalikes_are_not_staff() {
        for from in [
            "staff@c\u{43e}rp.example",
            "staff@corp.example.",
            "staff@corp\u{ff0e}example",
            "staff@corp\u{3002}example",
        ] {
            let mail = parse::parsed(format!("From: {from}\n\nx").as_bytes());
            assert_eq!(author(&mail), None, "{from}");
        }
        let mail = parse::parsed(b"From: STAFF@Corp.Example\n\nx");
        assert_eq!(author(&mail).as_deref(), Some("staff@corp.example"));
    }
}
