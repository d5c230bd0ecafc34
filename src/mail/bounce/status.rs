//! RFC 3463 status codes: found in a text, or derived from an SMTP reply or from what mailers say in words.

use crate::mail::automatic::fold;
use crate::mail::automaton::Automaton;
use regex::bytes::Regex;
use std::sync::LazyLock;

/// `5.1.1` with its class 2, 4 or 5, and not a piece of an address or version: the neighbours must not be letters, digits or dots.
static ENHANCED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?:^|[\s(\[#<;:="'>,/-])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:$|[\s)\],;:>"'/=<-]|\.(?:\s|$))"#,
    )
});

/// An SMTP reply code of a failure at the beginning of a word.
static REPLY: LazyLock<Regex> = LazyLock::new(|| {
    regex(r#"(?:^|[\s(\[<;:"'>,-])(4[2-7][0-9]|5[0-7][0-9])(?:$|[ :\t\r\n)"'.-])"#)
});

fn regex(pattern: &str) -> Regex {
    regex::bytes::RegexBuilder::new(pattern)
        .unicode(false)
        .multi_line(true)
        .build()
        .expect("a fixed pattern, built in every test run")
}

/// What SMTP replies mean when the server adds no enhanced code (RFC 5321 4.2.3, RFC 5248, and what Exchange and others use).
const OF_REPLY: &[(u16, &str)] = &[
    (421, "4.3.2"),
    (422, "4.2.2"),
    (431, "4.3.1"),
    (432, "4.3.2"),
    (441, "4.4.1"),
    (442, "4.4.2"),
    (446, "4.4.6"),
    (447, "4.4.7"),
    (449, "4.4.0"),
    (450, "4.2.0"),
    (451, "4.3.0"),
    (452, "4.3.1"),
    (454, "4.7.0"),
    (455, "4.5.4"),
    (471, "4.7.1"),
    (500, "5.5.2"),
    (501, "5.5.4"),
    (502, "5.5.1"),
    (503, "5.5.1"),
    (504, "5.5.4"),
    (510, "5.1.1"),
    (511, "5.1.1"),
    (512, "5.1.2"),
    (515, "5.1.0"),
    (517, "5.1.8"),
    (521, "5.3.2"),
    (523, "5.3.4"),
    (525, "5.7.13"),
    (530, "5.7.0"),
    (534, "5.7.9"),
    (535, "5.7.8"),
    (538, "5.7.11"),
    (541, "5.7.1"),
    (551, "5.1.6"),
    (552, "5.2.2"),
    (553, "5.1.3"),
    (555, "5.5.4"),
    (556, "5.1.10"),
    (557, "5.7.1"),
    (571, "5.7.1"),
];

/// What mailers say in words, folded, most telling first.
const OF_WORDS: &[(&str, &str)] = &[
    // Exim says these of a queue that it has given up for the present; its wording leaves the road open.
    (
        r"retry time(out)? (exceeded|not reached)|all hosts .{0,40}have been failing for a long time",
        "4.4.7",
    ),
    (
        r"(mail ?box|mail ?folder|account|user|inbox|quota)('s)? (is |has been )?(full|exceed|over(drawn)?|out of)|over ?quota|quota (usage |limit )?(exceed|violation)|exceed(s|ed|ing)? .{0,30}quota|disk quota|mailbox .{0,30}(full|exceed)|too much mail (stored|data)|not enough (disk )?space|insufficient (system )?(storage|disk)|(postfach|mailbox) .{0,20}voll|boite .{0,30}pleine|casella .{0,20}piena|buzon .{0,20}lleno|espacio en casilla",
        "5.2.2",
    ),
    (
        r"message (size|is too|too) (large|big|exceed)|too (large|big)|size (limit|exceed)|exceed.{0,30}(size|limit)|message .{0,20}larger than",
        "5.3.4",
    ),
    (
        r"(host|domain|domain name|server)( name)? (is |was )?(unknown|not found|does not exist|could not be found|lookup fail)|unknown (host|domain)|no such (host|domain)|name (service|server) error|dns (error|lookup fail)|unrout(e)?able|invalid domain|no mx|illegal host|bad destination (host|system)|nxdomain|domain .{0,40}does(n't| not) exist",
        "5.1.2",
    ),
    (
        r"(user|recipient|mail ?box|account|address|name|userid|alias|person)s?( name)?( here)?( is| was| has been)? (unknown|not (found|known|listed|recogni[sz]ed|available|exist)|unavailable|invalid|disabled|inactive|rejected|does(n't| not) exist|no longer)|(unknown|invalid|no such|bad|illegal|inactive|nonexistent|no valid) (final delivery )?(user|recipient|mailbox|address|account|local|addressee|alias|e-?mail|destination)|not (a )?(known|listed|our customer|a valid)|not listed in|does(n't| not) have a .{0,40}account|this account has been|no mailbox here|couldn't find any|user doesn't exist|nicht gefunden|unbekannt|existiert nicht|nicht gelistet|inconnu|n'existe pas|sconosciut|inesistente|desconocid|no existe|desconhecid|user not|\bno user\b|mailbox unavailable",
        "5.1.1",
    ),
    (
        r"relay(ing)? (access )?(is )?(denied|not (permitted|allowed))|relaying denied|unable to relay|insecure mail relay",
        "5.7.1",
    ),
    (
        r"connection (refused|failed|lost|dropped)|no route to|network (is )?unreachable|host (is )?unreachable|could not connect|can't connect|unable to connect",
        "5.4.1",
    ),
    (
        r"spam|junk|unsolicited|blacklist|blocklist|block list|blocked|black ?listed|poor reputation|listed (at|by|in) |bulk mail|virus|content (rejected|filter)|policy|access denied|not authori[sz]ed|permission|reject(ed|s)|refused|denied|reverse dns|ptr record|not a member|not member|are not allowed|restricted",
        "5.7.1",
    ),
    (r"loop|too many hops", "5.4.6"),
    (
        r"(timed? ?out|timeout|expired|too long|given up|giving up|gave up|could not deliver for|not delivered within|after .{0,30}(retries|attempts|hour|days?)|multiple retries|maximum delivery attempts|not collected|been collected|not responding|too old|aborted)",
        "5.4.7",
    ),
    (r"syntax|malformed|incorrectly constructed", "5.1.3"),
];

static WORDS: LazyLock<Automaton> = LazyLock::new(|| {
    Automaton::fixed(
        &OF_WORDS
            .iter()
            .map(|(pattern, _)| *pattern)
            .collect::<Vec<_>>(),
    )
});

/// How much of a diagnostic or notice is read for its status.
const READ_BYTES_MAX: usize = 8 * 1024;

/// The status that a text states or lets conclude; `None` if it says nothing.
pub(super) fn of(text: &str) -> Option<String> {
    let text = crate::mail::automatic::head(text, READ_BYTES_MAX);
    enhanced(text).or_else(|| concluded(text))
}

/// The first permanent status written in the text, else the first temporary one.
pub(super) fn enhanced(text: &str) -> Option<String> {
    let mut temporary = None;
    for found in ENHANCED.captures_iter(text.as_bytes()).take(200) {
        let code = found.get(1).map(|m| m.as_bytes()).unwrap_or_default();
        let code = String::from_utf8_lossy(code).into_owned();
        match code.as_bytes().first() {
            Some(b'5') => return Some(code),
            Some(b'4') => temporary = temporary.or(Some(code)),
            _ => {}
        }
    }
    temporary
}

/// From words and reply code together: the class is the reply's, the detail that of the words where both speak.
fn concluded(text: &str) -> Option<String> {
    let reply = reply(text);
    let words = words(text);
    match (reply, words) {
        (None, words) => words.map(str::to_string),
        (Some(reply), Some(words)) => Some(format!("{}{}", reply / 100, &words[1..])),
        (Some(reply), None) => Some(
            OF_REPLY
                .iter()
                .find(|(code, _)| *code == reply)
                .map_or_else(|| format!("{}.0.0", reply / 100), |(_, s)| s.to_string()),
        ),
    }
}

/// The first reply code of class 5, else the first of class 4.
fn reply(text: &str) -> Option<u16> {
    let mut temporary = None;
    for found in REPLY.captures_iter(text.as_bytes()).take(200) {
        let digits = found.get(1).map(|m| m.as_bytes()).unwrap_or_default();
        let code = digits
            .iter()
            .fold(0u16, |n, d| n * 10 + u16::from(d - b'0'));
        if code >= 500 {
            return Some(code);
        }
        temporary = temporary.or(Some(code));
    }
    temporary
}

fn words(text: &str) -> Option<&'static str> {
    let found = WORDS.matches(&fold(text, READ_BYTES_MAX));
    let first = found.into_iter().next()?;
    OF_WORDS.get(first).map(|(_, status)| *status)
}

/// Whether a status says more than its class.
pub(super) fn is_specific(status: &str) -> bool {
    !status.is_empty() && !status.ends_with(".0.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(of(text).as_deref().unwrap_or(""), expect, "{text}");
    }

    #[test]
    fn a_written_status_wins() {
        check("host mx[192.0.2.1] said: 550-5.1.1 no such user", "5.1.1");
        check("Sorry, no connection. (#4.4.1)", "4.4.1");
        check("554 4.4.7 Message expired <421 4.4.2 Connection>", "4.4.7");
        check("450 4.2.0 then 550 5.7.1 nothing", "5.7.1");
    }

    #[test]
    fn an_address_or_version_is_no_status() {
        check("connected to 5.1.1.5 and 4.4.4.4", "");
        check("Lotus SMTP MTA v4.6.1", "");
        check("call 480-624-2500", "");
    }

    #[test]
    fn a_reply_gives_the_class_and_words_the_detail() {
        check("550 mailbox is full", "5.2.2");
        check("452 mailbox is full", "4.2.2");
        check("<<< 551 see elsewhere", "5.1.6");
        check("said: 599 ?", "");
        check("said: 577 ?", "5.0.0");
    }

    #[test]
    fn words_alone_suffice() {
        check("User's Disk Quota Exceeded", "5.2.2");
        check("Das Postfach von Anna ist voll", "5.2.2");
        check("Unrouteable address", "5.1.2");
        check("retry timeout exceeded", "4.4.7");
        check("Empfänger unbekannt", "5.1.1");
        check("hello", "");
    }
}
