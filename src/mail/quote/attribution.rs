//! Attribution lines: `On … wrote:` in the languages and clients of the field.
//!
//! A candidate ends in a colon and either says "wrote" and when or who, or says when and who. Candidates are few, so only they meet a regular expression.

use super::line::{Line, Role, line};
use crate::mail::automaton::Automaton;
use regex::Regex;
use std::sync::LazyLock;

/// Clients wrap an attribution line after 72 to 80 characters; the longest seen has four lines.
const LINES_MAX: usize = 4;
/// Longer than any attribution seen, shorter than most paragraphs.
const BYTES_MAX: usize = 400;

/// "Wrote", as clients say it. A verb not listed still counts if date and address stand in their places.
const VERBS: &[&str] = &[
    "wrote",
    "writes",
    "schrieb(?:en|st)?",
    "schreibt",
    "geschrieben",
    "gschri+e?be?n?",
    "[ée]crit",
    "[ée]crivait",
    "scritto",
    "scrive",
    "escribi[óo]",
    "escribe",
    "escrito",
    "va escriure",
    "escrigu[ée]",
    "escreveu",
    "escreve",
    "schreef",
    "schrijft",
    "geschreven",
    "skrev",
    "skriver",
    "skreiv",
    "skrifaði",
    "kirjoitti",
    "napisał(?:a|\\(a\\))?",
    "napsal(?:a|\\(a\\))?",
    "napísal(?:a|\\(a\\))?",
    "napisa[ol](?:a|/la|\\(a\\))?",
    "napisan[ay] przez",
    "píše",
    "piše",
    "pisze",
    "написал(?:а|\\(а\\))?",
    "писал(?:а|\\(а\\))?",
    "пишет",
    "пише",
    "написа",
    "написав(?:ла)?",
    "yazdı",
    "yazmış",
    "έγραψε",
    "a scris",
    "írta",
    "đã viết",
    "menulis",
    "เขียน(?:ว่า)?",
    "rašė",
    "parašė",
    "rakstīja",
    "kirjutas",
    "写道",
    "寫道",
    "写到",
    "書きました",
    "のメール",
    "のメッセージ",
    "작성",
    "كتب",
    "כתב(?:ה)?",
    "نوشت",
    "लिखा",
];

static VERB: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        "(?i)(?:^|[^\\p{{Alphabetic}}])(?:{})(?:$|[^\\p{{Alphabetic}}])|写道|寫道|写到|のメール|のメッセージ|書きました|작성|เขียน",
        VERBS.join("|")
    ))
});
static DATE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\d{4}|\d{1,2}[:.h]\d{2}|\d{1,2}[./-]\d{1,2}|\d{1,2}\.? \p{L}{3}"));
/// What clients begin with: a preposition, a weekday, or a date.
static START: LazyLock<Automaton> = LazyLock::new(|| {
    Automaton::fixed(&[r"(?iux)^[-–\s\x22'\[]*(?:
            (?:on|am|le|el|il|op|em|den|d\.|dnia|w\ dniu|dne|dňa|at|in\ data|in\ message|in\ article|a|på|pe|på|ngày|vào|στις|la|em|pada|dana|em|kell|в|у|om|на|um|il\ giorno|alle|il\ dì|në|on-line)\s
          | (?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|mié|mie|jeu|jue|ven|vie|sam|sáb|sab|dim|dom|gio|seg|ter|qua|qui|sex|ma|ti|ke|to|pe|la|su|tor|fre|lør|lör|søn|sön|ons|tir|tis|man|mån|pon|pt|wt|śr|czw|niedz|sob|po|út|st|čt|pá|ne|пн|вт|ср|чт|пт|сб|вс|нд)\p{L}{0,9}[.,]?,?\s+\p{L}*\.?\s*\d
          | \d{1,4}\s?[-./年]\s?\d | \d{1,2}\.?\s\p{L}{3,} | \d{1,2}:\d{2} | 在 | 于 | 於 | في | بتاريخ | בתאריך | ב |  ב- | เมื่อ )"])
});
/// A writer who says "I wrote" or "wrote to me" tells a story; only quoted lines below make it an attribution.
static STORY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?-u:\b)(?:i|we|ich|wir|du|sie|man|he|she|they) (?:\w+ )?(?:wrote|schrieb(?:en|st)?)|(?:wrote|schrieb(?:en|st)?) (?:i|we|ich|wir|me|us|mir|uns|ihnen|ihm|dir|to|an|in|that|dass|back)(?-u:\b)|j'ai écrit|nous avons écrit|m'a écrit|nous a écrit|ho scritto|abbiamo scritto|he escrito",
    )
});
/// Horde and pine say who only; so do the forms that Horde translates.
static QUOTING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:quoting|zitat von|zitiere|citando a?|citant|citat från|citat|citaat van|цитирую|cytowanie|cytat|missatge de|in (?:message|article)) .{2,200}[:：]$",
    )
});
/// A date and who, closed by a colon: Gmail in Russian, Japanese and others has no verb.
static WHO_AT_END: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:[>)\]»]|님이 작성|さん|\S@\S+)\s*[:：]$"));
/// "My answers are in the text below": what follows is not all repeated.
static BELOW: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)(?-u:\b)(?:answers?|comments?|replies|responses?|remarks?|notes?|feedback)(?-u:\b).{0,40}(?-u:\b)(?:below|in-?line|in\ (?:red|blue|green|bold|the\ text|your\ (?:mail|e-?mail|text))|embedded|underneath)(?-u:\b)
          | (?:antworte?n?|kommentare?|anmerkung(?:en)?|bemerkung(?:en)?|rückmeldung(?:en)?|ergänzung(?:en)?)(?-u:\b).{0,40}(?-u:\b)(?:unten|untenstehend|unterhalb|unde|une|in-?line|im\ (?:text|mail)|(?:in\ )?(?:rot|blau|grün|fett)|farbig|in\ (?:ihr|ihrem|deinem|dein|euer)\ (?:e-?mail|mail|text))(?-u:\b)
          | (?-u:\b)(?:siehe|lueg|s\.)\ (?:weiter\ )?(?:unten|untenstehend|unde|une|in-?line|rot)(?-u:\b) | ^(?:please\ )?see\ (?:below|in-?line)(?-u:\b)
          | (?:réponses?|commentaires?|remarques?).{0,40}(?:ci-dessous|plus\ bas|en\ (?:rouge|bleu|vert|gras)|dans\ (?:le|votre)\ (?:texte|mail|message)) | voir\ ci-dessous
          | (?:rispost[ae]|commenti|osservazioni).{0,40}(?:sotto|in\ (?:rosso|blu|grassetto)|nel\ testo|di\ seguito) | (?:vedi|si\ veda)\ (?:qui\ )?sotto",
    )
});
/// What a reply and the attribution share when a client forgets the line break.
static SHARED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"[\p{L}\p{N}.!?,)] ?((?:On (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|\d)|Am (?:Mo|Di|Mi|Do|Fr|Sa|So|\d)|Le (?:lun|mar|mer|jeu|ven|sam|dim|\d)|Il (?:giorno|\d)|El (?:lun|mar|mi|jue|vie|s|dom|\d))[^\n]{8,300}[:：])$",
    )
});

fn pattern(p: &str) -> Regex {
    // Patterns are constants of this file; each is compiled by a test.
    #[allow(clippy::unwrap_used)]
    Regex::new(p).unwrap()
}

/// Whether a line says that the writer answers within the mail that is repeated below.
pub fn says_below(plain: &str) -> bool {
    plain.len() <= BYTES_MAX && BELOW.is_match(plain)
}

/// Marks attribution lines above quotation, and breaks where what follows is repeated without any mark.
pub fn mark(lines: &mut Vec<Line>) {
    split_shared(lines);
    unquote_brackets(lines);
    for i in 0..lines.len() {
        if lines[i].role == Role::Text && may_end(&lines[i].plain) {
            judge(lines, i);
        }
    }
}

/// A bracket that closes an address on a line of its own is no mark of quotation: `Anna <anna@example.ch`, then `> wrote:`.
fn unquote_brackets(lines: &mut [Line]) {
    for i in 1..lines.len() {
        let line = &lines[i];
        let is_end = line.role.is_quoted()
            && line.plain.len() <= 40
            && line.plain.ends_with([':', '：'])
            && !line.written.contains(">>")
            && VERB.find(&line.plain).is_some_and(|verb| verb.start() == 0);
        if !is_end {
            continue;
        }
        let above = &lines[i.saturating_sub(LINES_MAX)..i];
        let open = above
            .iter()
            .rev()
            .take_while(|l| l.role == Role::Text)
            .position(|l| l.plain.rfind('<') > l.plain.rfind('>'));
        if open.is_some() {
            lines[i].role = Role::Text;
        }
    }
}

/// Gives an attribution that shares its line with the reply a line of its own.
fn split_shared(lines: &mut Vec<Line>) {
    for old in std::mem::take(lines) {
        match shared(&old) {
            Some(at) => {
                let (own, attribution) = old.written.split_at(at);
                lines.extend([line(own), line(attribution)]);
            }
            None => lines.push(old),
        }
    }
}

/// Where on this line an attribution begins, if something else stands before it.
fn shared(line: &Line) -> Option<usize> {
    let written = line.written.trim_end();
    let candidate =
        line.role == Role::Text && written.len() <= BYTES_MAX && written.ends_with([':', '：']);
    if !candidate || START.is_match(&line.plain) {
        return None;
    }
    let found = SHARED.captures(written)?.get(1)?;
    let (own, attribution) = written.split_at(found.start());
    let clear =
        !own.contains(['@', '<']) && VERB.is_match(attribution) && DATE.is_match(attribution);
    clear.then_some(found.start())
}

fn may_end(plain: &str) -> bool {
    plain.len() <= BYTES_MAX
        && (plain.ends_with([':', '：', '>'])
            || plain.contains(":>")
            || plain.ends_with("wrote")
            || is_framed(plain)
            || plain.contains("wrote:"))
}

/// Zoho draws dashes around its attribution line, and no colon; newer versions end it with three.
fn is_framed(plain: &str) -> bool {
    plain.starts_with("----") && plain.ends_with("---")
}

/// Looks at the line and at up to three above it that a wrapped attribution may have begun on.
fn judge(lines: &mut [Line], end: usize) {
    let Some((start, strength)) = found(lines, end) else {
        return;
    };
    let below = lines[end + 1..].iter().find(|l| l.role != Role::Blank);
    let quoted_below = below.is_some_and(|l| l.role.is_quoted());
    let role = match strength {
        _ if quoted_below => Role::Attribution,
        Strength::Strong => Role::Break { forward: false },
        Strength::Weak => return,
    };
    for line in &mut lines[start..=end] {
        line.role = role;
    }
}

/// How sure an attribution is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strength {
    /// Of the form that clients write.
    Strong,
    /// A person may have written it: only quoted lines below prove it.
    Weak,
}

fn found(lines: &[Line], end: usize) -> Option<(usize, Strength)> {
    let mut best: Option<(usize, Strength)> = None;
    let mut joined = String::new();
    for start in (0..=end).rev().take(LINES_MAX) {
        let line = &lines[start];
        if line.role != Role::Text || (start < end && ends_sentence(&line.plain)) {
            break;
        }
        joined = if start == end {
            line.plain.to_string()
        } else {
            format!("{} {joined}", line.plain)
        };
        if joined.len() > BYTES_MAX {
            break;
        }
        match strength(&joined) {
            Some(Strength::Strong) => {
                best = Some((start, Strength::Strong));
                break;
            }
            Some(Strength::Weak) if best.is_none() => best = Some((start, Strength::Weak)),
            _ => {}
        }
    }
    let (mut start, strength) = best?;
    while start > 0 && end - start + 1 < LINES_MAX && goes_on(&lines[start - 1], &lines[start]) {
        start -= 1;
    }
    Some((start, strength))
}

/// Whether an attribution that is complete on `line` began on the line above it: a name before its address, or the date before the name.
fn goes_on(above: &Line, line: &Line) -> bool {
    let plain = &above.plain;
    if above.role != Role::Text || plain.len() > 120 || ends_sentence(plain) {
        return false;
    }
    let dated = START.is_match(plain) && DATE.is_match(plain);
    dated || line.plain.starts_with('<') || (plain.contains('@') && plain.contains('<'))
}

fn ends_sentence(plain: &str) -> bool {
    plain.ends_with(['!', '?', ':', '。', '！', '？', '：'])
}

fn strength(joined: &str) -> Option<Strength> {
    let colon = joined.ends_with([':', '：'])
        || joined.contains(":>")
        || joined.ends_with(": >")
        || is_framed(joined);
    let dated = DATE.is_match(joined);
    let addressed = joined.contains('@') || joined.contains('<');
    if let Some(verb) = VERB.find(joined) {
        if STORY.is_match(joined) && !addressed {
            return Some(Strength::Weak);
        }
        let after = joined[verb.end()..].split_whitespace().count();
        let short_name = after <= 7 || addressed;
        return match (colon, dated || addressed) {
            (true, true) if short_name => Some(Strength::Strong),
            (true, _) => Some(Strength::Weak),
            (false, true) => Some(Strength::Weak),
            (false, false) => None,
        };
    }
    if colon && dated && addressed && WHO_AT_END.is_match(joined) {
        return Some(Strength::Strong);
    }
    if colon && QUOTING.is_match(joined) {
        return Some(if addressed {
            Strength::Strong
        } else {
            Strength::Weak
        });
    }
    (dated && joined.contains('@') && joined.ends_with('>') && START.is_match(joined))
        .then_some(Strength::Weak)
}
