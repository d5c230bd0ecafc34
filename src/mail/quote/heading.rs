//! Where a client repeats an older mail under a heading: a block of header fields, `-----Original Message-----`, "reply above this line".
//!
//! One field name proves nothing ("Date: Friday, Room: 3"); a block of them, with a sender, does.

use super::line::{Line, Role, is_rule};
use crate::mail::automaton::Automaton;
use regex::Regex;
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

/// Which field of a heading a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    From,
    /// `Date`: people write it too.
    Date,
    /// `Sent`: only clients write it.
    Sent,
    To,
    Cc,
    Subject,
    Other,
}

/// Field names as the clients of each language write them, in lower case. A name may stand for two fields (`Do` is "to" in Polish); the block as a whole decides.
const NAMES: &[(Field, &str)] = &[
    (
        Field::From,
        "from|von|de|da|van|från|fra|frá|lähettäjä|od|от|від|kimden|gönderen|发件人|寄件者|寄件人|差出人|送信者|送信元|보낸 사람|보낸사람|발신|من|מאת|feladó|expéditeur|mittente|remitente|remetente|afzender|avsändare|avsender|afsender|nadawca|odesílatel|odesielateľ|отправитель|saatja|siuntėjas|no|nuo|pošiljatelj|de la|από|dari|จาก|từ|absender|expediteur|message de",
    ),
    (
        Field::Date,
        "date|datum|data|fecha|dato|päivämäärä|päiväys|dátum|dată|tarih|дата|日期|日時|日付|날짜|التاريخ|تاريخ|תאריך|ημερομηνία|kuupäev|tanggal|วันที่|ngày|data/ora|date et heure",
    ),
    (
        Field::Sent,
        "sent|sent at|gesendet|gesendet am|envoyé|envoyé le|inviato|inviato il|enviado|enviado el|enviado em|enviada|enviada em|enviat|verzonden|verzonden op|verstuurd|skickat|sendt|lähetetty|wysłano|wysłane|odesláno|odoslané|отправлено|надіслано|gönderilme tarihi|gönderildi|发送时间|送信日時|傳送時間|寄件日期|보낸 날짜|נשלח|elküldve|küldve|trimis|στάλθηκε|saadetud|išsiųsta|nosūtīts|poslano|dikirim|message du|message envoyé|تم الإرسال|ส่งเมื่อ|đã gửi",
    ),
    (
        Field::To,
        "to|an|à|a|para|aan|till|til|vastaanottaja|do|кому|kime|alıcı|收件人|收件者|宛先|받는 사람|받는사람|إلى|אל|címzett|komu|pre|către|προς|saaja|kam|za|prima|kepada|ถึง|đến|destinataire|destinatario|destinatário|empfänger|adressat|per|odbiorca|vers|til:",
    ),
    (
        Field::Cc,
        "cc|bcc|kopie|kopie (cc)|copie à|copie|copia|cópia|kopi|kopia|kopio|dw|копия|копія|bilgi|抄送|副本|참조|másolatot kap|másolat|salinan|koopia|κοιν|cci|k opii|نسخة",
    ),
    (
        Field::Subject,
        "subject|betreff|objet|sujet|oggetto|asunto|assunto|assumpte|onderwerp|ämne|emne|efni|aihe|temat|předmět|predmet|předmet|тема|konu|主题|主旨|件名|제목|الموضوع|נושא|tárgy|subiect|θέμα|teema|tema|temats|perihal|subjek|เรื่อง|chủ đề|titel|betr.|betrifft|thema|zadeva",
    ),
    (
        Field::Other,
        "reply-to|reply to|antwort an|antworten an|répondre à|rispondi a|risposta|responder a|antwoord aan|svara till|svar til|importance|wichtigkeit|priority|priorität|prioridad|priorité|importance|importanza|attachments|attachment|anlagen|anhänge|pièces jointes|allegati|adjuntos|resent-from|resent-date|resent-to|organization|organisation|message-id|mailed-by|signed-by|categories|list-post|errors-to|newsgroups|user-agent|x-mailer|return-path|envelope-to|delivery-date|回复|답장|odpowiedz do|odpověď na|odgovor na|yanıt adresi|ответить",
    ),
];

static FIELD_OF: LazyLock<HashMap<&'static str, Field>> = LazyLock::new(|| {
    NAMES
        .iter()
        .flat_map(|(field, names)| names.split('|').map(move |n| (n, *field)))
        .collect()
});

/// Words for "message" in headings such as `-------- Message transféré --------`.
const MESSAGE_WORDS: &str = "message|mail|nachricht|messaggio|mensaje|mensagem|missatge|bericht|meddelande|meddelelse|melding|besked|brev|viesti|wiadomo|zpráv|správ|сообщен|письмо|повідомл|лист|[iİ]leti|mesaj|邮件|郵件|メッセージ|メール|메시지|메일|üzenet|poruk|sporočil|μήνυμα|tin nhắn|thư|pesan|ข้อความ|رسالة|הודעה|courriel|correo|kiri|laiškas|ziņojums|skeyti|antwort|forward|weitergeleitet|original|ursprung|mitteilung";

static SEPARATOR: LazyLock<Automaton> = LazyLock::new(|| {
    Automaton::fixed(&[format!(
        r"(?iu)^[-_=~‐—–#>\s]{{2,}}\s*(?:[^-_=~‐—–@.!?]|[^-_=~‐—–@.!?\s]-){{0,30}}(?:{MESSAGE_WORDS})[^-_=~‐—–@.!?]{{0,40}}[-_=~‐—–#<:\s]{{2,}}$"
    )])
});
/// Clients on telephones leave the dashes away; only what follows proves such a line.
static FORWARD_INTRODUCTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:begin (?:of )?forwarded message|anfang der weitergeleiteten (?:nachricht|e-mail)|beginn der weitergeleiteten nachricht|début du (?:message|courriel) (?:réexpédié|transféré)|inizio messaggio inoltrato|inicio del mensaje reenviado|início da mensagem (?:re)?encaminhada|begin doorgestuurd bericht|vidarebefordrat brev|vidarebefordrat meddelande|start på videresendt (?:besked|melding)|videresendt (?:besked|melding)|välitetty viesti(?: alkaa)?|początek (?:przekierowanej|przekazywanej) wiadomości|začiatok preposlanej správy|přeposlaná zpráva|začátek přeposlané zprávy|továbbított levél kezdete|iletilmiş ileti başlangıcı|начало (?:переадресованного|пересылаемого) сообщения|започнато препратено|započetak proslijeđene poruke|proslijeđena poruka|mulai pesan yang diteruskan|forwarded message|weitergeleitete nachricht|下面是被转发的邮件|开始转发邮件|以下為轉寄的郵件|転送されたメッセージ|전달된 메시지의 시작|בתחילת ההודעה שהועברה|بدء رسالة مُعاد توجيهها|αρχή προωθημένου μηνύματος|start forwarded message|start of forwarded message|original[- ]?(?:nachricht|message|mail)|ursprüngliche nachricht|message d'origine|messaggio originale|mensaje original|mensagem original)\s*[:：]?$",
    )
});
static FORWARD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?-u:\b)fw|forward|weiter|wtr|transf|réexp|inoltr|reenv|encam|doorges|vidare|videre|välit|przek|prze[sk]ł|preposl|přepos|továbbít|пересла|пересыл|переадрес|перенапр|iletil|转发|轉寄|転送|전달|proslije|edasi|προωθ|redirec|препра",
    )
});
/// GroupWise: `>>> Anna Muster <anna@example.ch> 03/03/26 9:12 >>>`.
static GROUPWISE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^>>> .{3,120}\d.{0,40}>>>$"));
/// Notes puts a line of who, when and the first words above its heading: `"Anna Muster" ---03.03.2026 09:12:00---Good morning`.
static NOTES_TEASER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^.{1,80}---\s?\d{1,4}[./-]\d{1,2}[./-]\d{1,4} .{0,20}---"));
/// Service desks ask for it; what follows is theirs.
static REPLY_ABOVE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:(?:reply|respond|response|answer|type|write).{0,30}above (?:this|the) line|(?:oberhalb|über|ueber) (?:dieser|der) (?:linie|zeile)|au[- ]dessus de (?:cette|la) ligne|(?:por )?encima de (?:esta|la) línea|sopra (?:questa|la) (?:riga|linea)|boven (?:deze|de) (?:lijn|regel)|acima desta linha|ovan(?:för)? den(?:na|här) (?:rad|linje)|over denne linj|tämän rivin yläpuolelle|powyżej tej linii|nad t[ií]mto řádk|выше этой (?:строки|линии)|bu satırın üstüne|请在此行上方|この行より上)",
    )
});

fn pattern(p: &str) -> Regex {
    // Patterns are constants of this file; each is compiled by a test.
    #[allow(clippy::unwrap_used)]
    Regex::new(p).unwrap()
}

/// Marks where an older mail begins under a heading: as an attribution if quoted lines follow, otherwise as a break.
pub fn mark(lines: &mut [Line]) {
    let mut i = 0;
    while i < lines.len() {
        match heading(lines, i) {
            Some(found) => {
                let below = lines[found.end..].iter().find(|l| l.role != Role::Blank);
                let role = match below {
                    Some(l) if l.role.is_quoted() => Role::Attribution,
                    _ => Role::Break {
                        forward: found.forward,
                    },
                };
                let start = introduction(lines, i);
                for line in &mut lines[start..found.end] {
                    line.role = role;
                }
                i = found.end;
            }
            None => i += 1,
        }
    }
}

/// Sender and subject of the first block of fields whose sender has an address, and where it ends.
pub fn named(lines: &[Line]) -> Option<(String, String, usize)> {
    (0..lines.len()).find_map(|start| {
        let end = fields_end(lines, start)?;
        let value = |wanted: Field| {
            lines[start..end].iter().enumerate().find_map(|(i, line)| {
                let (_, value) = field(&line.plain).filter(|(f, _)| *f == wanted)?;
                // A long value goes on in the next line.
                let more = lines[start..end].get(i + 1);
                let more = more.filter(|l| l.role == Role::Text && field(&l.plain).is_none());
                let more = more.map_or("", |l| &*l.plain);
                Some(format!("{value} {more}").trim().to_string())
            })
        };
        let from = value(Field::From).filter(|v| v.contains('@'))?;
        Some((from, value(Field::Subject).unwrap_or_default(), end))
    })
}

struct Heading {
    end: usize,
    forward: bool,
}

fn heading(lines: &[Line], i: usize) -> Option<Heading> {
    let line = &lines[i];
    // They look like `-----Original Message-----`, and stand around a text that somebody encrypted (RFC 9580, 6.2).
    let is_armour = matches!(
        &*line.plain,
        "-----BEGIN PGP MESSAGE-----" | "-----END PGP MESSAGE-----"
    );
    if line.role != Role::Text || line.plain.len() > 400 || is_armour {
        return None;
    }
    if let Some(end) = fields_end(lines, i) {
        let forward = introduction(lines, i) < i
            && lines[introduction(lines, i)..i]
                .iter()
                .any(|l| FORWARD.is_match(&l.plain));
        return Some(Heading { end, forward });
    }
    let short = line.plain.len() <= 160;
    let drawn = line
        .plain
        .starts_with(['-', '_', '=', '~', '‐', '—', '–', '#', '>']);
    if short && drawn && SEPARATOR.is_match(&line.plain) {
        return Some(Heading {
            end: i + 1,
            forward: FORWARD.is_match(&line.plain),
        });
    }
    if short && line.plain.ends_with([':', '：']) && FORWARD_INTRODUCTION.is_match(&line.plain) {
        return Some(Heading {
            end: i + 1,
            forward: true,
        });
    }
    if short && drawn && GROUPWISE.is_match(&line.plain) {
        return Some(Heading {
            end: i + 1,
            forward: false,
        });
    }
    let commanded =
        short && line.plain.split_whitespace().count() <= 16 && REPLY_ABOVE.is_match(&line.plain);
    commanded
        .then_some(Heading {
            end: i + 1,
            forward: false,
        })
        .or_else(|| lotus(lines, i))
}

/// Where the block of fields that begins on this line ends, if it is one.
fn fields_end(lines: &[Line], start: usize) -> Option<usize> {
    field(&lines[start].plain)?;
    // Clients write capitals where a script has them; configuration files do not.
    if lines[start].plain.starts_with(char::is_lowercase) {
        return None;
    }
    let (mut seen, mut addressed, mut end, mut wrapped) = (BTreeSet::new(), false, start, 0);
    for (i, line) in lines.iter().enumerate().skip(start).take(24) {
        match (line.role, field(&line.plain)) {
            (Role::Text, Some((field, value))) => {
                if seen.contains(&Field::From) && field == Field::From {
                    break;
                }
                seen.insert(field);
                addressed |=
                    value.contains('@') && matches!(field, Field::From | Field::To | Field::Date);
                (end, wrapped) = (i + 1, 0);
            }
            // HTML made text leaves a blank line between fields; a second one ends the block.
            (Role::Blank, _)
                if lines
                    .get(i + 1)
                    .is_some_and(|l| l.role == Role::Text && field(&l.plain).is_some()) => {}
            (Role::Text, None) if wrapped < 3 && i > start => {
                addressed |= line.plain.contains('@');
                wrapped += 1;
            }
            _ => break,
        }
    }
    is_block(&seen, addressed, &lines[start..end]).then_some(end)
}

fn is_block(seen: &BTreeSet<Field>, addressed: bool, block: &[Line]) -> bool {
    let (from, sent, to) = (
        seen.contains(&Field::From),
        seen.contains(&Field::Sent),
        seen.contains(&Field::To),
    );
    let (date, subject) = (seen.contains(&Field::Date), seen.contains(&Field::Subject));
    let proven = addressed || sent || subject;
    let timed = || {
        block
            .iter()
            .any(|l| l.plain.bytes().any(|b| b.is_ascii_digit()))
    };
    match (from, sent) {
        (true, true) => true,
        (true, false) => proven && (subject || date || to) && (addressed || seen.len() >= 3),
        (false, true) => (to || subject) && timed(),
        (false, false) => date && to && subject && addressed,
    }
}

/// The field this line names, and its value.
fn field(plain: &str) -> Option<(Field, &str)> {
    let before = plain
        .char_indices()
        .take(26)
        .find(|&(_, c)| c == ':' || c == '：');
    let (at, colon) = before?;
    let name = plain[..at]
        .trim()
        .trim_start_matches('|')
        .trim_start()
        .to_lowercase();
    let field = *FIELD_OF.get(name.as_str())?;
    Some((field, plain[at + colon.len_utf8()..].trim()))
}

/// Lines above a heading that announce it: rules, `-----Original Message-----`, "Begin forwarded message:".
fn introduction(lines: &[Line], i: usize) -> usize {
    let mut start = i;
    for (n, line) in lines[..i].iter().enumerate().rev().take(4) {
        match line.role {
            Role::Blank => {}
            Role::Break { .. } | Role::Attribution => start = n,
            Role::Text
                if is_rule(&line.plain)
                    || SEPARATOR.is_match(&line.plain)
                    || FORWARD_INTRODUCTION.is_match(&line.plain) =>
            {
                start = n
            }
            _ => break,
        }
    }
    // Its first words may go on in a second and third line.
    let mut above = lines[..start].iter().enumerate().rev().take(4);
    let teaser = above.find(|(_, l)| l.role == Role::Text && NOTES_TEASER.is_match(&l.plain));
    teaser.map_or(start, |(n, _)| n)
}

/// Lotus Notes draws the heading as a table: name, date, then `To`, `cc` and `Subject`, each on a line of its own.
fn lotus(lines: &[Line], i: usize) -> Option<Heading> {
    let plain = &lines[i].plain;
    let dated = plain.len() <= 40
        && plain.bytes().filter(u8::is_ascii_digit).count() >= 6
        && plain.contains(['/', '.', '-'])
        && plain.contains(':');
    let named = plain.contains('@')
        && plain.len() <= 120
        && lines.get(i + 1).is_some_and(|l| {
            l.plain.len() <= 40 && l.plain.bytes().filter(u8::is_ascii_digit).count() >= 8
        });
    if !(dated || named) {
        return None;
    }
    let bare = |l: &Line, names: &[Field]| {
        // In a table made text, the value stands beside the name.
        let name = l.plain.split(" | ").next().unwrap_or_default();
        let name = name.trim_end_matches([':', '：']).trim().to_lowercase();
        FIELD_OF
            .get(name.as_str())
            .is_some_and(|f| names.contains(f))
    };
    let window = &lines[i..lines.len().min(i + 16)];
    let to = window.iter().position(|l| bare(l, &[Field::To]))?;
    let subject = window[to..]
        .iter()
        .position(|l| bare(l, &[Field::Subject]))?;
    Some(Heading {
        end: i + to + subject + 1,
        forward: false,
    })
}
