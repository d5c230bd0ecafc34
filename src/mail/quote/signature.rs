//! What nobody writes anew: signatures, what clients and devices add, footers of lists, disclaimers.
//!
//! Word boundaries are those of ASCII: with the Unicode ones a pattern leaves its automaton on the first umlaut, and is a hundred times slower.
//!
//! A delimiter hides what follows it up to the next quotation; without one only lines of a known form go, and a closing formula with its name stays.

use super::line::{Line, Role, is_rule};
use crate::mail::automaton::Automaton;
use regex::Regex;
use std::sync::LazyLock;

/// The longest signature below a rule that is not `-- `. Longer, and the rule divides a text.
const SIGNATURE_LINES_MAX: usize = 25;
/// Lines below a rule that are looked at: there may be hundreds of rules.
const BELOW_LINES_MAX: usize = 200;
/// An OpenPGP signature of several keys, of 64 letters a line.
const ARMOR_LINES_MAX: usize = 100;

/// What telephones and clients put under a mail. Anchored: a sentence that mentions a telephone stays.
static DEVICE: LazyLock<Automaton> = LazyLock::new(|| {
    Automaton::fixed(&[r#"(?iux)^["'\[(<]?(?:
          (?:sent|written|composed|typed|posted)\ (?:(?:securely|simply|quickly|wirelessly)\ )?(?:from|via|with|using|by|on|through)\ (?:my\ |an?\ |the\ |your\ )?\S
        | (?:this\ (?:e-?mail|message)\ was\ )?sent\ from\ my\ \S
        | (?:sent|email)\ (?:while\ )?on\ the\ go
        | get\ (?:outlook|the\ (?:new\ )?(?:aol|yahoo)|bluemail|spark|symphony)
        | (?:von|vom|vo|mit|ab)\ (?:meine[mr]\ |mim\ |dem\ |der\ )?\S(?-u:.){0,60}\ (?:gesendet|gesandt|verschickt|versendet|geschrieben|gschickt|gsendet)(?:\.?$|[,;]\ )
        | (?:gesendet|gesandt|verschickt|versandt|versendet|geschrieben|gschickt|gsendet)\ (?:von|vom|mit|über|via|ab|durch|aus)\ \S
        | diese\ (?:nachricht|e-?mail|mail)\ wurde\ (?:von|mit|vom|über|ab)\ (?-u:.){2,80}\ (?:gesendet|verschickt|versendet|geschrieben)
        | (?:hol|holen|laden)\ (?:dir|sie\ sich|sie)\ (?:jetzt\ )?outlook | outlook\ (?:für|for|pour|per|para|voor)\ (?:ios|android)
        | (?:envoyé|expédié|écrit|rédigé)\ (?:de|depuis|à\ partir\ d|par|avec|via|du|d')\S?
        | (?:télécharger?|obtenez|obtenir|téléchargez)\ outlook
        | (?:inviato|inviata|spedito|scritto)\ (?:da|dal|dalla|con|tramite|via|mediante)\ ?\S | ottieni\ outlook | scarica\ outlook
        | (?:enviado|enviada|enviat|escrito|mandado)\ (?:desde|de|do|da|con|com|a\ partir\ d|via|mediante|pelo|pela|des\ d)\S? | (?:obtener|obtén|descargar|obter|baixe|obtenha)\ (?:o\ )?outlook
        | (?:verzonden|verstuurd|gestuurd)\ (?:vanaf|van|met|via|vanuit|door)\ \S | (?:download|haal)\ outlook
        | (?:skickat|skickades|sänt|skickad)\ (?:från|med|via)\ \S | (?:hämta|skaffa)\ outlook
        | (?:sendt|skrevet)\ (?:fra|med|via)\ \S | (?:hent|få|last\ ned)\ outlook
        | lähetetty\ \S | hanki\ outlook | (?:sendt|sent)\ úr\ \S
        | (?:wysłan[eoay]|wysłano|napisane)\ (?:z|ze|za|przy|przez|w)\ \S | pobierz\ (?:program\ |aplikację\ )?outlook
        | (?:odesláno|odesláné|posláno|odoslané|odoslan[áé]|poslané|odeslano|poslano)\ (?:z|ze|zo|s|pomocí|cez|iz|sa)\ \S | (?:získat|stáhnout|získať)\ outlook
        | (?:отправлено|послано|написано|надіслано|відправлено|изпратено)\ (?:с|из|от|через|со|з|із|за|чрез)\ ?\S | (?:скачать|получить)\ outlook
        | \S(?-u:.){0,40}['’]?(?:dan|den|umdan|ımdan|imdan|ümdan|mdan|mden|tan|ten)\ gönderildi
        | (?:küldve|elküldve|iphone-omról|az\ iphone)\ (?-u:.){2,40} | (?:trimis|expediat)\ (?:de\ pe|din|de\ la|cu)\ \S
        | (?:στάλθηκε|εστάλη)\ από\ \S | (?:dikirim|terkirim)\ dari\ \S | (?:đã\ )?gửi\ từ\ \S | ส่งจาก(?-u:.){1,40} | saadetud\ (?:minu\ )?\S | išsiųsta\ iš\ \S | nosūtīts\ no\ \S
        | (?:発信|送信元)?\S{0,12}(?:から送信|より送信|から送信されました) | 发自(?-u:.){0,40} | 從我的(?-u:.){0,30}(?:傳送|寄出|發送) | 从我的(?-u:.){0,30}(?:发送|发出) | 寄自(?-u:.){0,20}
        | (?:나의\ )?\S{0,16}\s?(?:에서|에서\ )\s?보냄 | (?:أ|ا|إ)?ُ?رسلت\ من(?-u:.){0,40} | (?:נשלח|נשלחה)\ מ(?-u:.){0,40}
        | (?:virus-free|virenfrei|sans\ virus|libre\ de\ virus|livre\ de\ vírus|privo\ di\ virus|virusvrij)\.?(?:\s|\.|$)
        | provenance\ ?:\ courrier | \(?from\ (?:my\ )?(?:mobile|phone|iphone|ipad)\)?$
        | (?:mobil|unterwegs|von\ unterwegs)\ (?:gesendet|verschickt|geschrieben)\.?$ | yahoo\ mail:\ \S
        | via\ (?:mobile|mobil|iphone|ipad|android|blackberry)(?:\s\S+){0,2}$
        )"#])
});
/// What follows in a device's line.
static EXCUSE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)sorry|excuse|forgive|pardon|typo|brevity|entschuldig|tippfehler|kürze|verzeih|désolé|fautes|brièveté|scus|errori|brevità|disculp",
    )
});
/// Names that only a device's or client's line has.
static DEVICE_NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)iphone|ipad|ipod|android|blackberry|samsung|galaxy|huawei|xiaomi|redmi|nokia|lumia|pixel|windows|outlook|yahoo|gmail|gmx|web\.de|freemail|proton|tutanota|tuta|aqua ?mail|k-9|thunderbird|mailspring|nylas|spark|airmail|newton|acompli|cloudmagic|bluemail|mailbird|mobil|handy|natel|smartphone|téléphone|telefon|telefono|teléfono|telefoon|telemóvel|celular|móvil|tablet|phone|iOS|mac(?-u:\b)|macbook|device|gerät|appareil|dispositi|apparaat|enhet|laite|urządz|устройств|смартфон|телефон|app(?-u:\b)|mail(?-u:\b)|courrier|posteo|superhuman|front(?-u:\b)|avast|avg(?-u:\b)|verizon|t-mobile|at&t|vodafone|o2(?-u:\b)|orange|swisscom|bluewin|telekom|wireless|4g|lte|5g|handheld|wiko|htc|oneplus|sony|xperia|motorola|lg(?-u:\b)|lenovo",
    )
});
/// First words of what companies, lists and scanners append.
static FOOTER: LazyLock<Automaton> = LazyLock::new(|| {
    Automaton::fixed(&[r"(?iux)^[-\[\s\x22'*_(!]*(?:
          disclaimer\s*[:.\n]? (?:$|\s)| (?:legal|confidentiality|privacy|e-?mail)\ (?:notice|disclaimer|note|statement|warning)(?-u:\b) | confidential(?:ity)?\s*(?:notice)?\s*[:\-–]
        | (?:this|the\ information\ (?:contained\ )?in\ this)\ (?:e-?mail|message|communication|transmission|electronic\ mail)(?:\ message)?,?\ (?:\(?(?:and|including|or|together)(?-u:\b)(?-u:.){0,80})?(?:is|are|may|contains?|has\ been|was|and\ any|and\ all|transmitted|attachments|message)(?-u:\b)(?-u:.){0,160}(?:confidential|privileged|intended|solely|virus|scanned|legally|proprietary|property)
        | the\ (?:information|contents?)\ (?:contained\ |transmitted\ )?(?:in|of)\ this\ (?:e-?mail|message|communication)(?-u:.){0,160}(?:confidential|privileged|intended|solely)
        | if\ you\ (?:are\ not\ the\ intended|have\ received\ this\ (?:e-?mail|message|communication)\ (?:in|by)\ (?:error|mistake))
        | (?:please\ )?(?:consider|think\ (?:of|about))\ the\ environment\ before | (?:bitte\ )?denken\ sie\ an\ (?:die|unsere)\ umwelt | pensez\ à\ l.environnement | prima\ di\ stampare\ quest[ao]\ (?:e-?mail|mail|messaggio) | antes\ de\ imprimir\ est[ea]\ (?:e-?mail|mensaje|mensagem|correo) | denk\ aan\ het\ milieu | tänk\ på\ miljön
        | (?:notice|important|attention|please\ note|wichtig|achtung)\s*:\s*(?:this|the|the\ contents\ of\ this|diese|der\ inhalt\ dieser)\ (?:contents\ of\ this\ )?(?:e-?mail|message|communication|nachricht)(?-u:.){0,120}(?:confidential|intended|privileged|sole\ use|vertraulich|bestimmt)
        | l.absence\ de\ virus\ dans | el\ software\ de\ antivirus | e-?mail\ is\ gecontroleerd | den\ här\ e-post(?-u:.){0,20}har\ (?:sökts|kontrollerats) | deze\ e-?mail\ is\ (?:gecontroleerd|gescand) | questa\ e-?mail\ è\ stata\ (?:controllata|verificata) | este\ (?:e-?mail|correo)\ (?:foi|ha\ sido)\ (?:verificado|analizado|escaneado)
        | diese\ (?:e-?mail|nachricht|mail|elektronische)(?-u:.){0,120}(?:vertraulich|ausschließlich|ausschliesslich|ausschlie\u{df}lich|bestimmt|virus|viren|geprüft)
        | (?:der\ inhalt\ dieser|die\ informationen\ in\ dieser)\ (?:e-?mail|nachricht) | wenn\ sie\ nicht\ der\ (?:richtige|beabsichtigte|vorgesehene)\ (?:adressat|empfänger)
        | (?:vertraulichkeits(?:hinweis|erklärung)|haftungsausschluss|rechtlicher\ hinweis|rechtliche\ hinweise)(?-u:\b)
        | (?:ce\ (?:message|courriel|courrier|mail)|cet?\ e-?mail)(?-u:.){0,120}(?:confidentiel|destin|exclusif|virus) | les\ informations\ contenues\ dans\ ce | avis\ de\ confidentialité
        | (?:este\ (?:mensaje|correo|email|e-?mail)|la\ información\ contenida)(?-u:.){0,120}(?:confidencial|destinat|exclusiv|privilegiad) | aviso\ (?:legal|de\ confidencialidad)
        | (?:questo\ (?:messaggio|documento)|questa\ e-?mail|le\ informazioni\ contenute|il\ (?:presente\ )?messaggio)(?-u:.){0,120}(?:riservat|confidenzial|destinat|esclusiv) | ai\ sensi\ del\ (?:d\.?\s?lgs|regolamento)
        | (?:esta\ mensagem|este\ e-?mail|a\ informação\ contida)(?-u:.){0,120}(?:confidencia|destinat|exclusiv)
        | (?:dit\ bericht|deze\ e-?mail|de\ informatie\ in)(?-u:.){0,120}(?:vertrouwelijk|uitsluitend|bestemd)
        | (?:det\ här|detta|denne|dette|tämä|niniejsz|tato\ |это\ |настоящее\ |bu\ e-?posta)(?-u:.){0,160}(?:konfidentiell|fortrolig|luottamuksel|poufn|důvěrn|конфиденциальн|gizli)
        | (?:this|diese|ce)\ (?:e-?mail|message|nachricht)(?-u:.){0,40}(?:checked|scanned|geprüft|analysé|vérifié)(?-u:.){0,30}(?:for|by|auf|von|par|virus)
        | the\ original\ of\ this\ e-?mail\ was\ scanned
        | you\ (?:received|are\ receiving|have\ received)\ this\ (?:message|e-?mail|mail|because|is\ because) | you(?:'re|\ are)\ receiving\ this
        | (?:sie|du)\ (?:erhalten|erhältst|bekommen|bekommst|haben|hast)\ diese\ (?:e-?mail|nachricht|mail)
        | (?:vous\ (?:recevez|avez\ reçu)\ ce|recibe\ este|ricevi\ questa|je\ ontvangt\ dit|u\ ontvangt\ deze)(?-u:\b)
        | to\ (?:unsubscribe|stop\ receiving|opt\ out)(?-u:\b) | (?:unsubscribe|abmelden|se\ désabonner|désabonnement|cancelar\ suscripción|annulla\ iscrizione)\s*(?:$|[:|<(h])
        | (?:um\ sich\ (?:von\ (?-u:.){2,40}\ )?abzumelden|zum\ abmelden|pour\ (?:vous|se)\ désabonner|para\ (?:darse\ de\ baja|cancelar)|per\ (?:disiscriverti|cancellar))(?-u:\b)
        | reply\ to\ this\ e-?mail\ directly | \S+\ mailing\ list(?:\ -+|\ --|$) | (?:do\ you\ yahoo|don.t\ miss\ a\ thing)
        | this\ footnote\ (?:also\ )?confirms | get\ your\ (?:free|own)\ (?-u:.){2,40}(?:e-?mail|hotmail|yahoo)
        )"])
});
/// What the law makes a company write under its letters; one such word alone may be a customer's subject.
static REGISTRY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?-u:\b)sitz(?: der gesellschaft)?\s*:|registergericht|handelsregister|amtsgericht|(?-u:\b)hr[ab]\s?\d|geschäftsführ|(?-u:\b)vorstand|aufsichtsrat|ust-?id|steuernummer|(?-u:\b)uid:? che|siège social|(?-u:\b)rcs (?-u:\b)|capital (?:social )?de|(?-u:\b)siren|(?-u:\b)siret|sede legale|(?-u:\b)p\. ?iva|partita iva|cap\. soc|registered (?:office|number|in england)|company (?:no|number|registration)|vat (?:no|number|reg)|(?-u:\b)kvk(?-u:\b)|org\.? ?nr|reg\.? ?no\.",
    )
});
/// What must be said in the text between two rules for it to be a footer.
static LEGAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)confidential|intended (?:recipient|only|solely|for)|virus|monitored|scanned|legally|disclaimer|data protection|privileged|unsubscribe|mailing ?list|vertraulich|ausschlie(?:ß|ss)lich|irrtümlich|rechtlich|amtsgericht|handelsregister|geschäftsführer|abmelden|confidentiel|destinataire|désabonn|confidencial|destinatario|riservat|esclusiv|vertrouwelijk|конфиденциальн|registered (?:office|in)",
    )
});
/// What a contact block is made of.
static CONTACT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\S@\S+\.\p{L}{2,}|https?://|(?-u:\b)www\.|^(?:t|f|m|p|tel|fax|mob|mobil|mobile|phone|natel|cell|direct|direkt|office|skype|e-?mail|web|portable|móvil|telefon|telefono|telefax)\s*[.:]|(?:\+|(?-u:\b)00|\(0?|(?-u:\b)0)\d[\d\s()./-]{6,}\d|\(\d{3}\)\s?\d{3}|(?-u:\b)\d{3}[-. ]\d{3}[-. ]\d{4}(?-u:\b)",
    )
});
/// With what a mail begins that says nothing yet.
static GREETING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:hi|hello|hey|dear|good (?:morning|day|afternoon|evening)|hallo|hoi|grüezi|grüessech|guten (?:tag|morgen|abend)|guete|sehr geehrte|liebe[rs]?|salü|sali|bonjour|bonsoir|salut|madame|monsieur|buongiorno|buonasera|salve|ciao|gentile|hola|buenos)(?-u:\b)(?:\s+\S+){0,6}$",
    )
});
/// What a form asks for and nobody writes into a signature.
static FILLED_IN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:name|vorname|nachname|first name|last name|surname|user ?(?:name|id)?|benutzer(?:name)?|login|nom|prénom|nome|cognome|personalnummer|eintritt|start|subject|betreff|message|nachricht)\s*:",
    )
});
/// A closing formula. It and the name below it belong to the writer's words.
static CLOSING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:mit |viele |liebe |beste |freundliche |schöne |herzliche |sonnige |fründlechi |fründlichi |en )?(?:(?:best|kind|warm|many|with) )*(?:freundlichen? |besten? |lieben? |vielen? |herzlichen? )?(?:gr[üu](?:ß|ss)e?n?|grüessli|grüssli|gruess|regards|rgds|thanks|thank you|thx|cheers|sincerely|yours|best|br|mfg|lg|vg|hg|danke|merci|cordialement|salutations|bien à vous|cordiali saluti|saluti|grazie|saludos|un saludo|gracias|atenciosamente|obrigad[oa]|groet(?:en|jes)?|met vriendelijke groet|mvh|hälsningar|vänliga hälsningar|hilsen|med venlig hilsen|terveisin|pozdrawiam|s pozdravem|с уважением)(?-u:\b).{0,40}$",
    )
});

fn pattern(p: &str) -> Regex {
    // Patterns are constants of this file; each is compiled by a test.
    #[allow(clippy::unwrap_used)]
    Regex::new(p).unwrap()
}

/// Hides signatures and footers, stretch by stretch: quotation divides a mail into stretches.
pub fn mark(lines: &mut [Line]) {
    let (mut start, mut begun) = (0, false);
    while start < lines.len() {
        let len = lines[start..]
            .iter()
            .take_while(|l| matches!(l.role, Role::Text | Role::Blank))
            .count();
        if len > 0 {
            stretch(&mut lines[start..start + len], begun);
            begun |= lines[start..start + len]
                .iter()
                .any(|l| l.role == Role::Text);
        }
        start += len.max(1);
    }
}

/// Hides what OpenPGP puts around a text that it signs (RFC 9580 7): its first lines, and the signature.
pub fn mark_armor(lines: &mut [Line]) {
    let mut i = 0;
    while i < lines.len() {
        let rest = &lines[i..];
        let len = match &*lines[i].plain {
            "-----BEGIN PGP SIGNED MESSAGE-----" => {
                1 + rest[1..]
                    .iter()
                    .take(4)
                    .take_while(|l| l.plain.starts_with("Hash: "))
                    .count()
            }
            "-----BEGIN PGP SIGNATURE-----" => rest
                .iter()
                .take(ARMOR_LINES_MAX)
                .position(|l| l.plain == "-----END PGP SIGNATURE-----")
                .map_or(0, |end| end + 1),
            _ => 0,
        };
        hide(&mut lines[i..i + len]);
        i += len.max(1);
    }
}

/// `begun`: something was said before this stretch.
fn stretch(lines: &mut [Line], begun: bool) {
    let fenced = fences(lines);
    hide_marked(lines);
    hide_devices(lines, &fenced);
    hide_between_rules(lines, &fenced);
    hide_below_delimiter(lines, &fenced, begun);
    hide_footers(lines, &fenced, begun);
    hide_contact_block(lines);
}

/// Which lines stand in a ``` block: code and logs look like anything.
fn fences(lines: &[Line]) -> Vec<bool> {
    let mut inside = false;
    lines
        .iter()
        .map(|l| {
            let fence = l.plain.starts_with("```");
            inside ^= fence;
            inside || fence
        })
        .collect()
}

fn hide(lines: &mut [Line]) {
    for line in lines.iter_mut().filter(|l| l.role == Role::Text) {
        line.role = Role::Hidden;
    }
}

/// What the HTML calls a signature goes with the rule above it; what the writer put below it stays.
fn hide_marked(lines: &mut [Line]) {
    for i in 0..lines.len() {
        if !lines[i].signs || lines[i].role != Role::Text {
            continue;
        }
        lines[i].role = Role::Hidden;
        let above = lines[..i].iter().rposition(|l| l.role != Role::Blank);
        if let Some(rule) =
            above.filter(|&n| lines[n].role == Role::Text && is_rule(&lines[n].plain))
        {
            lines[rule].role = Role::Hidden;
        }
    }
}

fn hide_devices(lines: &mut [Line], fenced: &[bool]) {
    for i in 0..lines.len() {
        if lines[i].role == Role::Text
            && !fenced[i]
            && stands_alone(lines, i)
            && is_device(&lines[i].plain)
        {
            lines[i].role = Role::Hidden;
        }
    }
}

/// Whether a client or a device added this line.
fn is_device(plain: &str) -> bool {
    if plain.len() > 200 || !DEVICE.is_match(plain) {
        return false;
    }
    // "Sent from my desk, is much easier …" is a sentence: what is said before the first comma must name a device, or be short.
    let clause = plain.split([',', ';', '!']).next().unwrap_or(plain);
    let words = clause.split_whitespace().count();
    let sentence = clause.len() < plain.len() || plain.ends_with(['.', '?', ':']);
    // What stands before a comma is a sentence's beginning, unless an excuse follows: "…, please excuse typos".
    let goes_on = clause.len() < plain.len() && !EXCUSE.is_match(&plain[clause.len()..]);
    if goes_on && clause.ends_with("gesendet") {
        return false;
    }
    let words_max = if goes_on { 6 } else { 14 };
    (DEVICE_NAME.is_match(clause) && words <= words_max) || (!sentence && words <= 7)
}

/// Such a line is the first or last of its paragraph, never in the middle of one.
fn stands_alone(lines: &[Line], i: usize) -> bool {
    let blank = |l: Option<&Line>| l.is_none_or(|l| l.role != Role::Text || is_rule(&l.plain));
    let before = i.checked_sub(1).and_then(|n| lines.get(n));
    let after = lines.get(i + 1);
    blank(after)
        || blank(before)
        || lines[i + 1..]
            .iter()
            .filter(|l| l.role == Role::Text)
            .take(3)
            .count()
            <= 2
}

/// A footer between two rules goes even when text follows; rules around ordinary text stay.
fn hide_between_rules(lines: &mut [Line], fenced: &[bool]) {
    let rules: Vec<usize> = (0..lines.len())
        .filter(|&i| lines[i].role == Role::Text && !fenced[i] && is_long_rule(&lines[i].plain))
        .collect();
    let Some(said) = lines
        .iter()
        .position(|l| l.role == Role::Text && !is_rule(&l.plain))
    else {
        return;
    };
    for (n, &rule) in rules
        .iter()
        .enumerate()
        .skip_while(|(_, rule)| **rule < said)
    {
        let end = rules.get(n + 1).copied().unwrap_or(lines.len());
        let legal = lines[rule..end].iter().any(|l| LEGAL.is_match(&l.plain));
        if legal && texts(&lines[rule..end]) <= SIGNATURE_LINES_MAX {
            hide(&mut lines[rule..end]);
            if rules.get(n + 2).is_none() && rules.get(n + 1).is_some() {
                lines[end].role = Role::Hidden;
                let tail_legal = lines[end..].iter().any(|l| LEGAL.is_match(&l.plain));
                if tail_legal {
                    hide(&mut lines[end..]);
                }
            }
        }
    }
}

fn is_long_rule(plain: &str) -> bool {
    is_rule(plain) && plain.chars().filter(|c| *c != ' ').count() >= 5
}

fn texts(lines: &[Line]) -> usize {
    lines
        .iter()
        .filter(|l| l.role == Role::Text && !is_rule(&l.plain))
        .count()
}

/// Below `-- ` comes the signature (RFC 3676 4.3); many clients write other rules.
fn hide_below_delimiter(lines: &mut [Line], fenced: &[bool], begun: bool) {
    let said = match lines
        .iter()
        .position(|l| l.role == Role::Text && !is_rule(&l.plain))
    {
        _ if begun => 0,
        Some(n) => n,
        None => return,
    };
    let mut left = texts(lines);
    // A person draws few rules; the bound keeps a mail of nothing else cheap.
    let mut rules_left = 200;
    let mut divided_by: Option<String> = None;
    for i in 0..lines.len() {
        let rule = is_rule(&lines[i].plain);
        left -= usize::from(lines[i].role == Role::Text && !rule);
        if !rule || lines[i].role != Role::Text || fenced[i] || i < said || rules_left == 0 {
            continue;
        }
        rules_left -= 1;
        let again = divided_by.as_deref() == Some(&*lines[i].plain);
        if delimits(&lines[i].plain, again, &lines[..i], &lines[i + 1..], left) {
            hide(&mut lines[i..]);
            return;
        }
        divided_by = Some(lines[i].plain.to_string());
    }
}

/// Whether a rule with `texts` lines of text below it begins a signature; `again`: the one above it was the same, and divided a text.
fn delimits(rule: &str, again: bool, above: &[Line], below: &[Line], texts: usize) -> bool {
    let contacts = || {
        below.iter().take(BELOW_LINES_MAX).any(|l| {
            l.role == Role::Text && (CONTACT.is_match(&l.plain) || LEGAL.is_match(&l.plain))
        })
    };
    match rule {
        // `grep` and people draw it more than once; a signature has a name, then a list's or company's footer.
        "--" if again
            || below
                .iter()
                .take(BELOW_LINES_MAX)
                .any(|l| l.role == Role::Text && l.plain == rule) =>
        {
            contacts() && texts <= SIGNATURE_LINES_MAX
        }
        "--" | "- --" | "—" | "——" | "–" | "––" => texts <= 2 * SIGNATURE_LINES_MAX,
        // People divide a text with these too: the same rule again, or a sentence below it, is theirs.
        "__" | "___" | "---" | "~~" | "==" => {
            let divides = |l: &Line| l.role == Role::Text && (l.plain == rule || is_sentence(l));
            texts <= 8 && (contacts() || !again && !below.iter().take(BELOW_LINES_MAX).any(divides))
        }
        _ if is_long_rule(rule) && rule.starts_with(['_', '─', '━']) => {
            (texts <= 12 && is_more_than_greeting(above))
                || (texts <= SIGNATURE_LINES_MAX && contacts())
        }
        _ if is_long_rule(rule) => (1..=SIGNATURE_LINES_MAX).contains(&texts) && contacts(),
        _ => false,
    }
}

/// More words than a name, a title or an address has, or a question.
fn is_sentence(line: &Line) -> bool {
    line.plain.ends_with('?') || line.plain.split_whitespace().nth(7).is_some()
}

/// Paragraphs of a known form near the end go, together with what they announce.
fn hide_footers(lines: &mut [Line], fenced: &[bool], begun: bool) {
    let mut start = 0;
    while start < lines.len() {
        let len = lines[start..]
            .iter()
            .take_while(|l| l.role == Role::Text)
            .count();
        if len > 0
            && !fenced[start]
            && start > 0
            && is_footer(
                &lines[start..start + len],
                begun || lines[..start].iter().any(says_something),
            )
        {
            hide(&mut lines[start..start + len]);
        }
        start += len.max(1);
    }
}

/// Not "Hello Anna".
fn says_something(line: &Line) -> bool {
    line.role != Role::Blank && !GREETING.is_match(&line.plain)
}

/// Whether more than a greeting or a heading was said.
fn is_more_than_greeting(lines: &[Line]) -> bool {
    let mut said = lines.iter().filter(|l| l.role != Role::Blank);
    let Some(first) = said.next() else {
        return false;
    };
    said.next().is_some()
        || first.plain.split_whitespace().count() > 4
        || first.plain.ends_with(['.', '?'])
}

/// `said`: something else stands above it. Without one it must be the footer's twice over, or it is what the mail is about.
fn is_footer(paragraph: &[Line], said: bool) -> bool {
    let mut opening = String::new();
    for line in paragraph.iter().take(5) {
        opening.push_str(&line.plain);
        opening.push(' ');
        if opening.len() > 600 {
            break;
        }
    }
    opening.truncate(opening.floor_char_boundary(600));
    (FOOTER.is_match(opening.trim_end()) && (said || LEGAL.find_iter(&opening).nth(1).is_some()))
        || paragraph.len() <= 5
            && !opening.contains('?')
            && REGISTRY.find_iter(&opening).nth(1).is_some()
}

/// A last paragraph of a name and ways to reach it goes; what stands under a closing formula stays with its name.
fn hide_contact_block(lines: &mut [Line]) {
    let Some(last) = lines
        .iter()
        .rposition(|l| l.role == Role::Text && !is_rule(&l.plain))
    else {
        return;
    };
    let start = lines[..=last]
        .iter()
        .rposition(|l| l.role != Role::Text)
        .map_or(0, |n| n + 1);
    let block = &lines[start..=last];
    let Some(before) = lines[..start].iter().rposition(|l| l.role == Role::Text) else {
        return;
    };
    let closing = block.iter().position(|l| CLOSING.is_match(&l.plain));
    let from = start + closing.map_or(0, |n| n + 2);
    if from > last {
        return;
    }
    let block = &lines[from..=last];
    let contacts = block.iter().filter(|l| CONTACT.is_match(&l.plain)).count();
    let links_only = block
        .iter()
        .all(|l| !CONTACT.is_match(&l.plain) || l.plain.contains("://"));
    let words = |l: &Line| l.plain.split_whitespace().count();
    let wordy = block.iter().any(|l| {
        l.plain.len() > 70
            || words(l) > 8
            || l.plain.ends_with(['?', '!'])
            || (words(l) > 4 && l.plain.ends_with('.'))
    });
    let filled_in = || block.iter().any(|l| FILLED_IN.is_match(&l.plain));
    let announced =
        lines[before].plain.ends_with([':', ',']) && !CLOSING.is_match(&lines[before].plain);
    let closed = || {
        let above = lines[..=before].iter().rev();
        above
            .take_while(|l| l.role == Role::Text)
            .take(4)
            .any(|l| CLOSING.is_match(&l.plain))
    };
    let named = !CONTACT.is_match(&block[0].plain) || closing.is_some() || closed();
    if contacts >= 2
        && !links_only
        && block.len() <= 12
        && !wordy
        && !announced
        && named
        && !filled_in()
    {
        hide(&mut lines[from..=last]);
    }
}
