//! Whether a text is an absence notice from its first sentence to its last.
//!
//! Where no header says that a machine wrote a mail, one sentence of absence proves little: people say it too, and then what they want. A notice says who is
//! away and until when, whom to ask instead, and what becomes of the mail. A sentence that says anything else is a person's, who waits for an answer.

use super::absence;
use super::{fold, head};
use crate::mail::automaton::Automaton;
use std::sync::LazyLock;

/// Notices are short; the rest is not read.
const TEXT_BYTES_MAX: usize = 1_500;
/// A line that a client wrapped is longer than this.
const WRAPPED_BYTES_MIN: usize = 50;

/// With these words a notice begins, folded.
const GREETING: &str = r"^(hi|hello|hallo|hoi|hey|dear|good (morning|day|afternoon|evening)|guten (tag|morgen|abend)|sehr geehrte|liebe[rs]?|gruezi|sali|salu|salut|bonjour|bonsoir|madame|monsieur|cher|chere|buongiorno|buonasera|salve|gentil[ei]|egregi[oa]?|ciao|hola|estimad|buen[oa]s|ola|bom dia|prezad|beste|geachte|hej|god dag|goddag|hei|dzien dobry|szanown|dobry den|vazen|tisztelt|kedves|merhaba|sayin)\b";

/// What else a notice says, folded: thanks, what becomes of the mail, who stands in, how that person is reached.
const SAID_BESIDES: &[&str] = &[
    r"^((many |best |kind )?(thanks|thank you)|(vielen |besten |herzlichen )?(dank|danke)|merci|grazie|gracias|obrigad[oa]|bedankt|tack|takk?|kiitos|dziekuje|dekuji)( (a lot|in advance|(very|so) much|im voraus|vielmals|beaucoup|d'avance|mille|(for|fur|pour|de|per|por|voor|za) .*))?[.!,]*$",
    r"\b(limited|no|intermittent|without|sporadic|little|not have) (regular )?access to (my )?(e-?mails?|internet)\b",
    r"\b(your|this|the|my) (e-?mails?|messages?|mailbox|inbox)\b.{0,60}\b(read|answer|forward|monitor|check|respon|deal|process|delet)",
    r"\b(e-?mails?|nachricht(en)?|mails?|postfach|mailbox)\b.{0,60}\b(gelesen|weitergeleitet|beantwort|bearbeitet|abgerufen|gepruft|umgeleitet|eingesehen|geloscht)",
    r"\b(messages?|mails?|e-?mails?|courriels?)\b.{0,60}\b(lus?|lue|transfer|trait|repon|consult)",
    r"\b(messaggi[o]?|mail|e-?mail|posta)\b.{0,60}\b(lett|inoltrat|rispos|evas|controllat)",
    r"\b(i|we)( will|'ll| shall)\b.{0,40}\b(repl|respon|answer|get back|read|deal with|attend|come back|be in touch|contact you)",
    r"\b(werde|werden|wird)\b.{0,80}\b(antwort|beantwort|melden|bearbeit|lesen|kummern)|\b(melde mich|beantworte ich|bearbeite ich|lese ich)\b",
    r"\bje (vous |te )?(repondrai|recontacterai|traiterai|lirai|reviendrai)|\b(rispondero|risponderemo|contattero|leggero)\b",
    r"^(sorry|(we|i) apolog|my apolog|entschuldig|desole|mi scuso|disculp)|\b(verstandnis|comprehension|understanding|comprensione|comprension)\b",
    r"\b(stellvertret|vertret|zustandig|deputy|substitute|covering|in charge|remplac|sostituisc)|\b(colleagues?|kolleg(e|en|in|innen)|collegues?|collega|colleghi|colega|companer[oa]s?)\b",
    r"\b(bei|im|bi|in) (einem )?notfall(en)?\b|\b(maldet|meldet|melde dich) .{0,40}\b(bei|beim|bim|bi)\b",
    r"\b(i can be reached|reachable|erreichbar|erreichen sie|joignable|raggiungibile)\b",
];

/// A closing formula, folded; what follows is a name.
const CLOSING: &str = r"^((mit )?(freundliche[rn]?|beste[rn]?|viele|liebe[rn]?|herzliche[rn]?|schone[rn]?) (gr|wunsch)|(kind|best|warm|many) (regards|wishes)|regards|sincerely|yours|cheers|gruss|grusse|mfg|lg\b|vg\b|cordialement|salutations|(bien|meilleures) |sinceres|cordiali|distinti|saluti|un saludo|saludos|atentamente|atenciosamente|cumprimentos|met vriendelijke|groet|mvh|med (vanlig|venlig|vennlig)|vanliga|hilsen|ystavallisin|terveisin|pozdrawiam|s pozdravem)";

/// What a notice asks its reader to do; whoever asks for anything else is a person. The words of asking, and those of which one must follow.
const ASKING: &[(&str, &str)] = &[
    (
        r"\b(please|pls)\b",
        r"\b(please|pls) (kindly |feel free to |be sure to |do |also )?(contact|call|e-?mail|mail|write|send|forward|direct|address|get in touch|turn to|refer|speak|dial|ring|phone|text|reach|note|not\b|be (aware|advised|patient)|expect|allow|visit|see\b|leave|try|consult|copy|cc\b|resend|ask\b|bear)",
    ),
    (
        r"\bbitte\b",
        r"wenden|kontakt|richten|rufen|anruf|telefon|schreib|send|schick|meld|beacht|verstandnis|geduld|entschuldig|verwenden|adress|sprechen|leiten|\bbitte an\b|\bnicht\b",
    ),
    (
        r"\b(merci de|veuillez|priere de|s'il vous plait|svp)\b",
        r"contact|adress|ecri|appel|joindre|envoy|noter|patient|ne pas|tourner|transm|telephon|excus",
    ),
    (
        r"\b(si prega|prego|per favore|vi prego|la prego)\b",
        r"contatt|rivolg|scriv|chiam|invi|inoltr|telefon|non\b",
    ),
    (
        r"\b(por favor|favor de|ruego)\b",
        r"contact|escrib|escrev|llam|lig|envi|dirij|dirig|\bno\b|\bnao\b",
    ),
];

static GREETING_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(&[GREETING]));
static SAID_BESIDES_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(SAID_BESIDES));
static CLOSING_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(&[CLOSING]));
static ASKING_SET: LazyLock<Automaton> =
    LazyLock::new(|| Automaton::fixed(&ASKING.iter().map(|(asks, _)| *asks).collect::<Vec<_>>()));
static ASKED_SET: LazyLock<Automaton> =
    LazyLock::new(|| Automaton::fixed(&ASKING.iter().map(|(_, asked)| *asked).collect::<Vec<_>>()));

/// Whether every sentence of a text, up to its closing formula, is one that an absence notice says.
pub(super) fn is_notice_alone(text: &str) -> bool {
    let mut said = false;
    for sentence in sentences(head(text.trim_start(), TEXT_BYTES_MAX)) {
        let folded = fold(&sentence.words, 500);
        if CLOSING_SET.is_match(&folded) {
            break;
        }
        let named = said && !sentence.ended && folded.split(' ').count() <= 4;
        if !named && !is_said_by_notices(&folded) {
            return false;
        }
        said = true;
    }
    said
}

fn is_said_by_notices(folded: &str) -> bool {
    let count = folded.split(' ').count();
    if !folded.contains(char::is_alphabetic) {
        return true;
    }
    if asks_for_something_else(folded) {
        return false;
    }
    let greets = count <= 8 && GREETING_SET.is_match(folded);
    let digits = folded.bytes().filter(u8::is_ascii_digit).count();
    let contact = count <= 10 && (folded.contains('@') || digits >= 7);
    greets || contact || absence::is_of_notice(folded) || SAID_BESIDES_SET.is_match(folded)
}

fn asks_for_something_else(words: &str) -> bool {
    let asked = ASKED_SET.matches(words);
    ASKING_SET
        .matches(words)
        .iter()
        .any(|language| !asked.contains(language))
}

struct Sentence {
    words: String,
    /// With a full stop or its like, and not just with its line.
    ended: bool,
}

/// The sentences of a text. A short line ends one too: greetings, names and addresses have no full stop.
fn sentences(text: &str) -> Vec<Sentence> {
    let mut found: Vec<Sentence> = vec![];
    let mut open = String::new();
    for line in text.lines() {
        for word in line.split_whitespace() {
            open.push_str(word);
            open.push(' ');
            if ends_sentence(word) {
                found.push(Sentence {
                    words: std::mem::take(&mut open),
                    ended: true,
                });
            }
        }
        if line.len() < WRAPPED_BYTES_MIN && !open.is_empty() {
            found.push(Sentence {
                words: std::mem::take(&mut open),
                ended: false,
            });
        }
    }
    if !open.is_empty() {
        found.push(Sentence {
            words: open,
            ended: false,
        });
    }
    found
}

/// A full stop after a day or a short word is a date's or an abbreviation's: `9. März`, `12.3.`, `Tel.`
fn ends_sentence(word: &str) -> bool {
    if word.ends_with(['!', '?', '。', '！', '？']) {
        return true;
    }
    let Some(bare) = word.strip_suffix('.') else {
        return false;
    };
    match bare.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        true => bare.parse().is_ok_and(|number: u64| number > 31),
        false => bare.chars().count() > 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: bool) {
        assert_eq!(is_notice_alone(text), expect, "{text}");
    }

    #[test]
    fn notices() {
        check(
            "I am out of the office until 9 March. In urgent cases please contact Paul.\n\nKind regards\nAnna",
            true,
        );
        check(
            "Guten Tag\n\nIch bin bis und mit 6. März abwesend. Ihre Nachricht wird nicht weitergeleitet.\nIn dringenden Fällen: Tel. 044 123 45 67",
            true,
        );
        check(
            "Bonjour,\n\nJe suis absente jusqu'au 9 mars. En cas d'urgence, veuillez contacter M. Favre.",
            true,
        );
        check(
            "Sono in ferie fino al 9 marzo. Per urgenze contattare il collega Bianchi.\n\nGrazie",
            true,
        );
    }

    #[test]
    fn people_who_are_away() {
        check(
            "Ich bin bis 9. März abwesend. Machen Sie die Wartung erst danach.",
            false,
        );
        check(
            "Ich bin bis 9. März abwesend. Bitte machen Sie die Wartung bis Montag.",
            false,
        );
        check(
            "I am out of the office next week. Please finish the migration before, and contact Bob if urgent.",
            false,
        );
        check(
            "Merci, ça marche maintenant. Je suis absent demain, on en reparle à mon retour.",
            false,
        );
        check("Bin bis Montag in den Ferien. Server steht.", false);
        check(
            "Bin heute nicht im Büro, erreichbar auf 079 123 45 67. Das VPN bricht dauernd ab.",
            false,
        );
        check("", false);
    }
}
