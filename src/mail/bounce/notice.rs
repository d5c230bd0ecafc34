//! Notices in words: what qmail, Exim, Exchange 5.5, GroupWise, Domino, Yahoo and all the others write instead of, or beside, a delivery status.
//!
//! A notice is read in lines up to the returned mail. Addresses are taken by the place they stand in: alone on a line, after a label, in an SMTP
//! dialog. Whose mailer it is matters nowhere, so that one never met before is read as well.

use super::{Bounce, Fate, RECIPIENTS_MAX, Told, status};
use crate::mail::{Mail, automatic};
use regex::bytes::{RegexSet, RegexSetBuilder};
use std::sync::LazyLock;

/// Of a notice no more than this is read; the longest known (Exchange in HTML, with advice) has 12 KB.
const NOTICE_BYTES_MAX: usize = 16 * 1024;
/// Lines read of it.
const LINES_MAX: usize = 400;

/// Lines after which the returned mail begins, folded.
const RETURNED_MAIL_BEGINS: &[&str] = &[
    "below this line is a copy",
    "this is a copy of",
    "enclosed is a copy",
    "original message is attached",
    "original message follows",
    "original message as received",
    "original message -",
    "original message header",
    "original mail",
    "header of the original message",
    "headers of the original message",
    "message headers follow",
    "message header follow",
    "included is a copy",
    "here is a copy of",
    "returned message",
    "returned mail follows",
    "unsent message",
    "undelivered message follows",
    "message text follows",
    "copy of your message",
    "copy of the message",
    "lines of your message",
    "lines of the message follow",
    "lines of your original message",
    "your message reads",
    "the text of the message",
    "message contents follow",
    "content of the original",
    "mensaje original",
    "mensagem original",
    "message d'origine",
    "messaggio originale",
    "messaggio orig",
    "ursprungliche nachricht",
    "originalnachricht",
    "kopie der nachricht",
    "start of returned message",
    "begin returned message",
];

/// What mailers say of a delivery that they go on trying, folded.
const DELAYED: &[&str] = &[
    r"(will|shall) (continue|keep|go on|be retried|retry|still try|try again)\b",
    r"warning message only",
    r"(do not|don't|no) need to resend",
    r"(has|have) (been|not yet been|not been) (delayed|postponed|delivered yet)",
    r"(is|was|been) (temporarily )?(delayed|postponed|deferred)\b",
    r"not yet been delivered",
    r"(still|are) being retried",
    r"no action is required on your part",
    r"delivery attempts will continue",
    r"could not (be delivered|send message) for (the )?(past|last)",
    r"delivery to the following recipients? (has been|is) delayed",
    r"advisory-only",
    r"attempts? to deliver the message will continue",
    r"verzoger(t|ung)|wird weiter(hin)? versucht",
    r"(a ete|est) retarde|retard de (livraison|remise)",
    r"in ritardo|ritardat",
    r"(se ha|esta) retras|demorad",
];

/// What rules a mere delay out, folded: the mailer has given up, or does not promise to go on.
const FINAL: &[&str] = &[
    r"permanent(ly)? (error|fail|fatal)|permanent failure|failed permanently",
    r"(given|giving|gave) up|going to try again; this|not going to try",
    r"(could|can) ?not be delivered\b",
    r"(was|were) not delivered|not delivered to\b|has been returned|unrecoverable",
    r"rejected|undeliverable|delivery .{0,40}failed|did not reach",
    r"removed from the (mail )?queue",
];

/// What mailers say of a delivery that has taken place, folded.
const DELIVERED: &[&str] = &[
    r"(was|were|has been|have been) (successfully )?(delivered|relayed) to",
    r"successful(ly)? (mail )?deliver(y|ed)",
    r"delivery to these recipients .{0,40}is complete",
    r"relayed to the following|successfully relayed",
    r"wurde(n)? (erfolgreich )?(zugestellt|ubermittelt)|erfolgreich (an|zugestellt)",
    r"a (bien )?ete (remis|distribue)",
    r"(consegnat[oa] correttamente|e stato consegnato)|(se entrego|se ha entregado) a",
];

/// What only mailers say of a delivery that has failed, folded: enough where the sender is a mailer too.
const FAILED: &[&str] = &[
    r"undeliver(able|ed)|not (be )?deliver(ed|able)|unzustellbar|non-?delivery|non delivery|could not deliver|cannot deliver|unable to deliver|non (ha potuto essere|e stato possibile) (consegn|recapit)",
    r"deliver(y|ing)( of)?( your| the| this| to)?( e-?mail| mail| message)?( status)?( notification)?( to)? ?.{0,60}(fail|error|problem|abort|reject|unsuccessful|impossible)",
    r"(fail(ed|ure)?|error|problem|trouble|unable)( \w+){0,4} (deliver|send|sending|transmi)",
    r"(mail|message|e-?mail|nachricht)( \w+){0,3} (failed|failure|returned|rejected|refused|bounced|blocked|error)|returned (mail|message|to sender|e-?mail)|return(ed|ing) (the |your )?(mail|message)",
    r"(failure|bounce|error|undeliverable|non-delivery) (notice|notification|report|message|delivery)|mail (system )?error|mail failure|failed mail|delivery failure|failure delivery|bounce(d)? (mail|message|e-?mail)",
    r"did not reach|not (be )?(reached|received)|could(n't| not) be (reached|sent|processed|accepted|found)|was not (delivered|sent|accepted)|not accepted|wasn't delivered|(were|was)(n't| not) able to deliver|wasn't able to|have not been delivered",
    r"(user|recipient|mailbox|account|address|host|domain|userid)s?( name)?( is| was)? (unknown|not (found|known|listed|recogni[sz]ed|exist)|unavailable|invalid|full|over quota|rejected)|(unknown|invalid|no such|no valid) (final delivery )?(user|recipient|mailbox|address|local|addressee|host|domain)|over quota|mailbox (is )?full|relay(ing)? denied|quota exceeded",
    r"permanent(ly)? (error|fail|fatal)|fatal error|transcript of session|final-recipient|diagnostic-code|remote host said|smtp error",
    r"following (address|recipient|error|mail|message)(\(?e?s\)?)?|failed address|failed recipient|intended recipient|original message|undelivered",
    r"not a member|are not member|not allowed to post|(group|list) .{0,60}(may not exist|doesn't exist|permission)",
    r"(nicht|konnte|kann) .{0,80}(zugestellt|ausgeliefert|ubermittelt|erreicht)|zustell(ung|fehler).{0,40}|unzustellbarkeit",
    r"(n'a|n'ont|ne peut|pu|pas|impossible)( \w+){0,4} (remis|distribue|livre|delivre|etre (remis|distribue|livre|envoye))|non (remis|distribue|delivre)|echec (de|d'|du|a la)|n'a pas pu|notification d'etat de remise",
    r"(no|non|nao)( \w+){0,5} (entreg|consegn|recapit|deliver|enviad|entregue)|mancat[oa] (consegna|recapito)|errore .{0,20}consegna|no se (ha podido|pudo|puede)( \w+){0,2} (entregar|enviar)|devuelto|fallo|falha|falhou|erro (de|na|no)",
    r"(niet|kon|kan) .{0,60}(afgeleverd|bezorgd|besteld)|onbestelbaar|kunne ikke leveres|ikke leveret|kunde inte levereras|gick inte att leverera|ei voitu toimittaa|nie (mozna|udalo|dostarczono|zostala)|nedorucite|nelze dorucit|nem kezbesit|kezbesitesi|teslim edileme|iletileme|sikertelen",
    "не (может|могло|доставлен|удалось|было)|недоставлен|невозможно доставить|ошибк",
    "配信|配達|送信できません|送信できませんでした|エラー|届けられ|戻って|退信|无法|無法|退回|失败|失敗|未能|傳送|投递|投遞|전송|반송|배달",
    "تعذر|مجموعة|لم يتم|فشل|گروه",
];

/// How a notice begins when it is a machine's; enough even where the sender looks like a person, if the subject is a machine's too. Folded.
const OPENINGS: &[&str] = &[
    "this message was created automatically by mail delivery software",
    "this message was created automatically by the",
    "this message was automatically created by mail delivery",
    "this is the mail system at host",
    "this is the postfix program at host",
    "hi. this is the",
    "hi. the mta program",
    "this is the mail delivery agent",
    "this is the dragonfly mail agent",
    "this is a delivery failure notification",
    "this is a delivery status notification",
    "this is an automatically generated delivery status",
    "this report relates to a message you sent",
    "your message did not reach",
    "your message could not be delivered",
    "your message cannot be delivered",
    "your mail could not be delivered",
    "your message was not delivered",
    "your message has encountered delivery problems",
    "delivery to the following recipient",
    "delivery has failed to these recipients",
    "the following message to",
    "the following mail could not be delivered",
    "the following recipient",
    "the following address",
    "the original message was received at",
    "the message that you sent was undeliverable",
    "the attached message had permanent",
    "a message that you sent could not",
    "a message that you sent was",
    "a message that you have sent could not",
    "a message (from",
    "message from ",
    "sorry, we were unable to deliver",
    "unable to deliver message",
    "unfortunately, your mail was not delivered",
    "an error occurred while trying to deliver",
    "we had trouble delivering your message",
    "could not deliver message",
    "message could not be delivered",
    "you are not a member of this mailing list",
    "you are not allowed to post",
    "i'm sorry to have to inform you",
    "i'm afraid i wasn't able to deliver",
    "failed to deliver to",
    "--- the following addresses had",
    "transcript of session follows",
    "diese nachricht wurde automatisch vom mail",
    "ihre nachricht konnte nicht zugestellt",
    "ihre nachricht hat",
    "fehler bei der nachrichtenzustellung",
    "error: invalid user",
    "error message below",
];

/// Subjects of notices, folded, without list tags: what mailers write there, from the beginning.
const SUBJECTS: &[&str] = &[
    r"^(mail )?delivery (status )?(notification|report|failure|failed|error|problem|unsuccessful|has failed|delayed|delay|warning|final failure)",
    r"^delivery notification",
    r"^(returned|undeliver(ed|able)|undelivered|undeliverable|failed|rejected|bounced|blocked|automatically rejected) (e-?mail|mail|message)",
    r"^undeliver(able|ed)\b",
    r"^(failure notice|failure delivery|failed mail|mail failure|mail failed|mail delivery|mail system error|mail not delivered|mail error|mail undeliverable)",
    r"^(non[- ]?delivery|nondeliverable|ndn\b|ndr\b|dsn\b|non remis|non recapitabile|impossibile)",
    r"^(your )?(e-?mail|message|mail)( \w+){0,3} (could not be|cannot be|was not|not|is not|has not been) (delivered|sent|accepted|processed)",
    r"^message (status|delivery|not deliver|undeliver|you sent|could not)",
    r"^there was an error sending your mail|^processing error|^permanent delivery failure|^permanent error|^delivery to .{1,80} failed|^error sending|^smtp error",
    r"^(unzustellbar|unzustellbarkeit|nicht zustellbar|zustellung|ihre nachricht|fehler bei|mailzustellung|benachrichtigung (zum|uber den) ubermittlungsstatus|ubermittlungsstatus)",
    r"^(non remis|non distribue|echec|avis de non|message non|notification d'etat|courrier non)",
    r"^(no se puede entregar|mensaje no|correo no|notificacion de (estado|entrega)|fallo|devuelto|error de entrega)",
    r"^(mancat[oa]|recapito|messaggio non|notifica (di mancato|dello stato)|non consegn)",
    r"^(nao foi possivel|mensagem nao|falha|erro|onbestelbaar|niet bezorgd|ikke leveret|kan ikke leveres|ej levererat|olevererbart|niedostarczon|nie mozna|zwrot|nedorucit|kezbesit|iletilemedi|teslim)",
    r"^you .{1,120} are not member|not a member of|is not a member",
    "^(ваше сообщение не|недоставлен|сообщение не|не доставлен)",
    "^(配信|配達|メール.{0,30}(エラー|できませ|不達)|エラーメール|未配信|退信|系统退信|邮件无法|郵件無法|无法送达|退件|배달|반송)",
    r"^warning: (could not send|message|e-?mail|mail|delay)|^delayed (mail|message|e-?mail)|^message delayed|^delivery delayed|delivery status notification|^verzogert|^mail delivery warning",
    r"^(successful|delivered:|relayed:|expanded:|zugestellt:|ubermittelt:|remis :|entregado:|consegnato:|recapitato:|return receipt)",
];

fn set(patterns: &[&str]) -> RegexSet {
    RegexSetBuilder::new(patterns)
        .unicode(false)
        .size_limit(32 << 20)
        .build()
        .expect("fixed patterns, built in every test run")
}

static DELAYED_SET: LazyLock<RegexSet> = LazyLock::new(|| set(DELAYED));
static FINAL_SET: LazyLock<RegexSet> = LazyLock::new(|| set(FINAL));
static DELIVERED_SET: LazyLock<RegexSet> = LazyLock::new(|| set(DELIVERED));
static FAILED_SET: LazyLock<RegexSet> = LazyLock::new(|| set(FAILED));
static SUBJECTS_SET: LazyLock<RegexSet> = LazyLock::new(|| set(SUBJECTS));

/// Whether a folded subject is one that mailers write.
pub(in crate::mail) fn is_subject(folded: &str) -> bool {
    SUBJECTS_SET.is_match(folded.as_bytes())
}

/// The mailer's sentence that a folded text begins with, stars and dashes aside.
pub(in crate::mail) fn opening(folded: &str) -> Option<&'static str> {
    let text = folded.trim_start_matches(|c: char| !c.is_alphanumeric());
    OPENINGS
        .iter()
        .copied()
        .find(|o| text.starts_with(o) || text.starts_with(o.trim_start_matches(['-', ' '])))
}

/// What a notice says became of the delivery. The caller has made sure by its sender, header or opening that it is a notice; `None` if no
/// sentence in it speaks of a delivery.
pub(in crate::mail) fn told(mail: &Mail) -> Option<Told> {
    let subject = automatic::untagged(&automatic::fold(&mail.subject, 300)).to_string();
    let notice = automatic::fold(before_returned(&mail.text), NOTICE_BYTES_MAX);
    let says = |set: &RegexSet, names: &[&'static str], text: &str| {
        let found = set.matches(text.as_bytes()).iter().next();
        found.and_then(|i| names.get(i).copied())
    };
    let final_words = says(&FINAL_SET, FINAL, &notice);
    let head = automatic::head(&notice, 2 * 1024);
    let delay = says(&DELAYED_SET, DELAYED, &subject).or_else(|| {
        says(&DELAYED_SET, DELAYED, head).filter(|_| final_words.is_none() || is_warning(&subject))
    });
    if delay.is_some() || is_warning(&subject) && final_words.is_none() {
        return Some(of_fate(mail, Fate::Delayed, "a notice of delay"));
    }
    let delivered = says(&DELIVERED_SET, DELIVERED, &subject)
        .or_else(|| says(&DELIVERED_SET, DELIVERED, head))
        .filter(|_| final_words.is_none() && !subject.contains("fail"));
    if delivered.is_some() {
        return Some(of_fate(mail, Fate::Delivered, "a notice of delivery"));
    }
    if says(&FAILED_SET, FAILED, &subject).is_some() || is_subject(&subject) {
        return Some(of_fate(
            mail,
            Fate::Failed,
            "a notice of failure: the subject",
        ));
    }
    says(&FAILED_SET, FAILED, &notice)
        .map(|_| of_fate(mail, Fate::Failed, "a notice of failure: the text"))
}

fn is_warning(subject: &str) -> bool {
    [
        "warning",
        "delay",
        "(delay)",
        "verzog",
        "still being retried",
        "advisory",
    ]
    .iter()
    .any(|w| subject.contains(w))
        && !subject.contains("fail")
}

/// The fate with the recipients and status that the notice names.
pub(in crate::mail) fn of_fate(mail: &Mail, fate: Fate, because: &str) -> Told {
    let notice = automatic::head(before_returned(&mail.text), NOTICE_BYTES_MAX);
    let status = status::of(notice).or_else(|| status::of(&mail.subject));
    let status = match fate {
        Fate::Failed => status.or_else(|| Some("5.0.0".into())),
        Fate::Delayed => status.map(|s| format!("4{}", &s[1..])),
        Fate::Delivered => None,
    };
    Told {
        fate,
        because: because.to_string(),
        bounce: Bounce::new(fate, recipients(mail), status, mail),
    }
}

/// The notice itself: the text before the returned mail.
fn before_returned(text: &str) -> &str {
    text.get(..split(text)).unwrap_or(text)
}

/// The returned mail as far as it stands in the text.
pub(super) fn returned(text: &str) -> &str {
    automatic::head(text.get(split(text)..).unwrap_or_default(), 64 * 1024)
}

/// Where the returned mail begins: at a line that announces it, or at a header field that only a mail has. Some notices say "original message"
/// in their first sentence; the returned mail is never the whole notice.
fn split(text: &str) -> usize {
    let mut at = 0;
    let mut seen_words = false;
    for line in text.split_inclusive('\n').take(LINES_MAX * 2) {
        let trimmed = line.trim_start_matches(['>', ' ', '\t', '-', '=', '|', '*', '_']);
        let is_field = [
            "Received: ",
            "Return-Path: ",
            "Return-path: ",
            "DKIM-Signature: ",
            "X-Received: ",
        ]
        .iter()
        .any(|f| trimmed.starts_with(f));
        if is_field && seen_words {
            return at;
        }
        if seen_words && line.len() < 200 && announces_returned(trimmed, line) {
            return at;
        }
        seen_words |= line.bytes().any(|b| b.is_ascii_alphanumeric() || b >= 0x80);
        at += line.len();
    }
    text.len()
}

fn announces_returned(trimmed: &str, line: &str) -> bool {
    let folded = automatic::fold(trimmed, 200);
    let named = RETURNED_MAIL_BEGINS.iter().any(|m| folded.contains(m));
    // A sentence about the original message is not its beginning; a heading or "… follows:" is.
    let heading = line.trim_start().starts_with(['-', '=', '|', '*'])
        || folded.ends_with(':')
        || folded.ends_with('.') && folded.contains("follow")
        || folded.contains("follow")
        || folded.starts_with("---");
    // "… did NOT receive a copy of your message:" announces addresses.
    named && heading && !folded.contains(" not ")
}

/// The failed addresses: those of `X-Failed-Recipients`, else those in the best place of the text.
pub(in crate::mail) fn recipients(mail: &Mail) -> Vec<String> {
    let mut found = Addresses::default();
    for value in mail.headers("X-Failed-Recipients") {
        addresses(value).for_each(|a| found.add(Place::Header, a));
    }
    let notice = automatic::head(before_returned(&mail.text), NOTICE_BYTES_MAX);
    for line in notice.lines().take(LINES_MAX) {
        read_line(line, &mut found);
    }
    addresses(&mail.subject).for_each(|a| found.add(Place::Somewhere, a));
    let ours = |a: &str| {
        mail.from
            .iter()
            .chain(&mail.to)
            .any(|m| m.address.eq_ignore_ascii_case(a))
    };
    found.best(ours)
}

/// Where an address stands, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// In `X-Failed-Recipients`.
    Header,
    /// In a field of a delivery status that stands in the text.
    Field,
    /// As the origin of another: `(expanded from: <…>)`, `(generated from …)`.
    Origin,
    /// Alone on its line, or at its head before a colon: `<…>:`.
    Alone,
    /// At the head of its line, with the reason after it.
    First,
    /// After words such as `recipient` or `could not be delivered to`.
    Labelled,
    /// In an SMTP dialog.
    Dialog,
    /// In the notice, and not a hint whom to ask.
    Somewhere,
}

#[derive(Default)]
struct Addresses(Vec<(Place, String)>);

impl Addresses {
    fn add(&mut self, place: Place, address: &str) {
        if self.0.len() < RECIPIENTS_MAX * 4 {
            self.0.push((place, address.to_lowercase()));
        }
    }

    /// Those of the best place that is taken, with origins beside them; our own addresses only if they stand in a place made for recipients.
    fn best(&self, ours: impl Fn(&str) -> bool) -> Vec<String> {
        let usable = |(place, address): &&(Place, String)| {
            *place <= Place::First || !ours(address) && !is_contact(address)
        };
        let Some(best) = self
            .0
            .iter()
            .filter(usable)
            .map(|(place, _)| *place)
            .filter(|p| *p != Place::Origin)
            .min()
            .or_else(|| self.0.first().map(|_| Place::Origin))
        else {
            return vec![];
        };
        let mut all: Vec<String> = Vec::new();
        for (_, address) in self
            .0
            .iter()
            .filter(usable)
            .filter(|(p, _)| *p == best || *p == Place::Origin)
        {
            if !all.contains(address) && all.len() < RECIPIENTS_MAX {
                all.push(address.clone());
            }
        }
        all
    }
}

/// Whom a notice names for questions.
fn is_contact(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default();
    [
        "postmaster",
        "mailer-daemon",
        "abuse",
        "support",
        "helpdesk",
        "hostmaster",
        "webmaster",
    ]
    .contains(&local)
}

fn read_line(line: &str, found: &mut Addresses) {
    if line.len() > 2_000 || !line.contains('@') {
        return;
    }
    let folded = line.trim().to_ascii_lowercase();
    if ["expanded from", "generated from", "originally addressed to"]
        .iter()
        .any(|w| folded.contains(w))
    {
        addresses(line).for_each(|a| found.add(Place::Origin, a));
        return;
    }
    if folded.starts_with("final-recipient") || folded.starts_with("original-recipient") {
        addresses(line).for_each(|a| found.add(Place::Field, a));
        return;
    }
    let Some((start, first)) = first_address(line) else {
        return;
    };
    let before = line.get(..start).unwrap_or_default();
    let after = line.get(start + first.len()..).unwrap_or_default();
    if is_contact_line(&folded) {
        return;
    }
    if is_decoration(before) {
        let alone =
            is_decoration(after) || after.trim_start_matches(['>', '"', '\'']).starts_with(':');
        found.add(if alone { Place::Alone } else { Place::First }, first);
        return;
    }
    addresses(line).for_each(|a| found.add(place_by_words(&folded, before), a));
}

fn place_by_words(folded: &str, before: &str) -> Place {
    let before = before.to_ascii_lowercase();
    let label = before.trim_end_matches(|c: char| !c.is_alphanumeric());
    let labelled = [
        "recipient",
        "recipients",
        "address",
        "to",
        "user",
        "userid",
        "mailbox",
        "account",
        "delivering your mail to",
        "unknown user",
        "failed recipient",
        "empfanger",
        "destinataire",
        "destinatario",
        "rejected recipient",
        "local user",
        "for",
    ]
    .iter()
    .any(|l| label.ends_with(l));
    // The name of the original's own field: it says whom the mail was addressed to, which is the recipient when nothing better is there.
    if label.ends_with("rcpt to")
        || folded.contains("rcpt to:")
        || folded.starts_with(">>>")
        || folded.starts_with("<<<")
    {
        Place::Dialog
    } else if label.ends_with("from")
        || label.ends_with("sender")
        || label.ends_with("by")
        || label.ends_with("mail from")
    {
        Place::Somewhere
    } else if labelled {
        Place::Labelled
    } else if folded.starts_with(['5', '4']) {
        Place::Dialog
    } else {
        Place::Somewhere
    }
}

fn is_contact_line(folded: &str) -> bool {
    [
        "contact",
        "please send mail to",
        "send mail to <postmaster",
        "e-mail to postmaster",
        "wenden sie sich",
        "for assistance",
        "for help",
        "message-id",
        "mail from:",
        "envelope-from",
        "reply-to:",
    ]
    .iter()
    .any(|w| folded.contains(w))
        || folded.starts_with("from:")
        || folded.starts_with("from ")
        || folded.starts_with("cc:")
}

/// Bullets, quotes and brackets around an address.
fn is_decoration(s: &str) -> bool {
    s.chars()
        .all(|c| c.is_whitespace() || "<>\"'*-+•·:;,.|()[]=".contains(c))
}

fn first_address(line: &str) -> Option<(usize, &str)> {
    let first = addresses(line).next()?;
    // Both are slices of the same line.
    let start = first.as_ptr() as usize - line.as_ptr() as usize;
    Some((start, first))
}

/// Everything in a text that looks like an address, left to right: linear, since each end is bounded.
pub(in crate::mail) fn addresses(text: &str) -> impl Iterator<Item = &str> {
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

    #[test]
    fn the_returned_mail_is_not_read_for_recipients() {
        let text = "Sorry.\n<a@b.example>:\ngone\n--- Below this line is a copy of the message.\nTo: c@d.example\n";
        assert!(before_returned(text).ends_with("gone\n"));
        assert!(returned(text).contains("c@d.example"));
    }
}
