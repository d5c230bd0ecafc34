//! German, Swiss German, English, or another language.
//!
//! Counted are function words, of which a sentence in any language is half made: few tables, no training, and a German mail full of English product names
//! stays German. The other languages have words here too, only to be told from the three. What is not Latin script is another language.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The languages letters are written in (C5.1).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// German, in Swiss spelling when we write it.
    De,
    /// Swiss German.
    Gsw,
    /// English.
    En,
    /// Anything else; answered in English.
    #[default]
    Other,
}

/// Beyond this a text says nothing new about its language.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Words counted.
const WORDS_MAX: usize = 600;
/// With fewer points the subject is asked too.
const POINTS_ENOUGH: u32 = 12;

/// What a word is worth: one that several languages write alike, and one that is one language's own.
const SHARED: u32 = 1;
const OWN: u32 = 3;
/// Of a longer text the writer's own words are enough; to count all of it twice was a sixth of reading a mail.
const QUOTING_BYTES_MAX: usize = 1_000;
/// How much more than a quoted word somebody's own one counts.
const OWN_WORDS_WEIGHT: u32 = 2;
/// One word alone is no Swiss German: some are words elsewhere too.
const GSW_POINTS_MIN: u32 = OWN + 1;

/// Words by language. A word that stands in several lists is shared.
const WORDS: &[(Language, &str)] = &[
    (
        Language::De,
        "der die das und ist nicht ich wir sie es ein eine einen einem einer eines mit für fuer auf von zu den dem des im am an in bei nach aus um über ueber \
         auch wie was wenn dass daß ob oder aber noch nur schon sind war waren hat habe haben hatte wird werden wurde wurden kann können koennen könnten koennten muss müssen sollte \
         sollten möchte moechte möchten würde wuerde würden bitte danke vielen dank unser unsere unseren unserem unserer ihr ihre ihren ihrem ihrer mein meine meinen \
         meinem dein deine dir dich mir mich uns ihnen euch sich er du kein keine keinen mehr sehr hier da dann so als zum zur vom beim seit heute gestern morgen jetzt \
         immer wieder alle alles etwas nichts man diese dieser dieses diesen diesem welche warum wieso wo wann hallo guten tag liebe lieber sehr geehrte geehrter damen herren freundliche \
         freundlichen grüße grüsse gruß gruss mfg lg viele beste besten herzliche geht gibt funktioniert läuft fehler fehlermeldung anfrage hilfe dringend passwort rechnung \
         kunde kunden ausfall störung bereits damit durch gegen ohne weil denn doch mal leider gerne gern leicht falls sowie bzw laut wäre waere hätte haette schrieb gesendet betreff \
         nachricht vor zwei drei bin bist seid sein weiter neu neue neuen meldung antwort frage fragen schönes wochenende woche tage stunden uhr hab wollte wollen soll hätten darf \
         passt klappt anbei anhang rückruf melden melde meldet drucker rechner gerät geräte zugang zugriff anmelden anmeldung versucht probiert gemacht nochmal nochmals bisher \
         richtig falsch kaputt defekt schnell schnelle stimmt erledigt eigentlich natürlich gesperrt nächste nächsten letzte letzten kurz eingerichtet ja nein verbindung bricht ab \
         startet stürzt abgestürzt lädt öffnet öffnen druckt drucken speichern löschen gelöscht ändern geändert schliessen schließen brauche brauchen braucht benötige benötigen konto benutzer \
         mitarbeiter mitarbeiterin standort netzwerk datei ordner bestellung lieferung einstellung störungen dauert lange erst schau schauen prüfen rufen nochmals",
    ),
    (
        Language::Gsw,
        "isch isches nöd nid ned nüm nümm nümme nömme hend händ hei heit hät het hesch hani han gha gsi gsii gsy gseh gsehn gseht gseit gmacht gaht gahts gat goht gohts geit geits gönd gö öppis \
         öppert öpper öppe öppedie chönd chöned chönnd chöi chönnt chönnted chönntet chöntet chönne chönned chan cha chasch chani chame chunnt chunt chonnt cho choo chömed chöme üsi üse üses üsere üsem üs eus eusi euse euses \
         salü hälfe hälfed ha vergässe söll sölle sölled mache churz zyt ke ahnig iilogge ilogge aalüte alüte schriibe schribe bruche bruuche klappet nächscht nächschti letscht letschti \
         rechnig meldig lösig störig verbindig iistellig istellig gluegt gmeldet versuecht versueche wüsse dänke zrugg zrug immerno ihr drucker kaputt defekt passwort gerät zugang fehler \
         fehlermeldung antwort frage hallo startet ab ja nei konto netzwerk datei ordner kunde kunden \
         eusere mer mir grüezi grüessech grüezech mitenand mitenang mitänand sali hoi vilmal villmal vielmal vielmol viilmol sit vo vor uf ufem ufs ufe ufere usem bi bim bem ga go luege lueg lueged luegt nüt nüüt alli allne jetz jetzt hüt hüüt morn morge \
         geschter gester öb wiso werum warum mues müend münd mönd muess müesst sött sötti söttet söttid wend wänd wott wetti wett weiss dä däm dere säb sälber zäme zämä schöni schöne liebi grüess grüessli gruess bitz biz chli chlii chly chlei viu vil vill \
         ine use abe dure ane hie döt dört dert würkli eifach glich gliich geng äbe nämli wäge wägem ohni kei keis eis zwöi drü mini mis dini dis sini ihri ihres dr de s d e es en em am im und mit für oder aber ich ig i du er mir dir sie si mer \
         das wo wenn dass so scho nomal nomol nochli no au ou bitte merci danke schaffe funktioniert lauft laufts startet problem server nüme gits git giz wär wäri wärs macht tuet tüend dunkt glaub weisch seit siit zit ziit mol zum zur vom bis as i in us \
         e guete guets namittag abig obig wuche ufd ufde uff dinne dusse duss gärn gern chunsch isches ish oisi ois hämmer hemmer hamer simmer simer sind sy wärde wird wirds chrank",
    ),
    (
        Language::En,
        "the and is are was were you your yours we our ours i it its this that these those of to for with on in have has had not be but can cannot could would should will shall please thanks thank hello hi dear \
         from at as if my me mine they them their there here do does did done don doesn didn isn won what when where how why which who whom an a or by been being am any get got need needs help just about us all out up so no yes \
         regards best kind cheers sincerely let know see after before since still working work works worked issue issues error down problem request support because than then into over more most some only also very now new \
         he she his her him one two like want wanted use using used make made think going back try tried way first sent wrote message subject attached find look looking forward urgent question account password login sit love enjoy great good morning afternoon sorry welcome done sure fine today tomorrow yesterday soon later fixed nice unable broken failed fails tell says said man men people something anyone everyone reply",
    ),
    (
        Language::Other,
        // French.
        "le la les un une des du de et est sont ne pas nous vous je il elle ils que qui quoi dans pour sur avec mais ou où notre nos votre vos mon ma mes ce cette ces cet au aux par plus bonjour bonsoir merci cordialement \
         avons avez ai été être avoir fait depuis très bien salut monsieur madame si se leur tout tous comme peut pouvez voici ici après a à écrit envoyé objet y en sans chez \
         suis êtes jour aussi encore quand même faire reçu demande problème \
         il lo gli i uno una di che è sono non per con del della dei delle nel nella al alla da dal dalla più come ma anche questo questa quello mi ti ci vi noi voi loro ho ha hai abbiamo avete hanno \
         grazie buongiorno salve ciao cordiali saluti gentile quando perché cosa essere stato fatto se sul sulla ed scritto inviato oggetto vostro nostro qui abbiamo potete vorrei \
         el los las unos unas que y es son no por para con del al se lo su sus nuestro nuestra como más pero este esta esto hola gracias saludos buenos días cordial usted ustedes hemos tengo tiene cuando \
         muy también fue ser está están hay sin sobre todo yo mi me nos le les ya si desde donde escribió enviado asunto estimado puede favor buenas tardes \
         o os as um uma uns e é são não em no na nos nas do da dos das ao à pelo pela com mas ou mais você vocês obrigado obrigada olá bom dia cumprimentos atenciosamente isso isto foi ser estar está temos tenho \
         meu minha seu sua quando como também já se por favor escreveu enviado assunto para que nosso nossa até muito bem",
    ),
    (
        Language::Other,
        // Dutch, Swedish, Danish, Norwegian, Finnish.
        "de het een en van ik je jij u wij we hij zij ze dat die dit is zijn was waren niet met voor op aan in te bij naar om ook als maar of nog wel geen kan kunnen moet worden wordt heeft hebben had mijn uw onze jullie \
         hallo bedankt dank groeten groet vriendelijke met geachte beste vraag graag wat hoe waar wanneer er door over uit tot meer deze onderwerp schreef verzonden goedemiddag goed \
         och att det som en ett är på för med av till inte den har jag du vi ni han hon de om men eller så var kan ska skulle från hej tack hälsningar vänliga mvh när vad detta min din vår ditt mitt också här nu bara mycket \
         skrev skickat ämne efter alla under \
         og at det som en et er på for med af til ikke den har jeg du vi i han hun de om men eller så var kan skal ville fra hej tak hilsen venlig mvh når hvad dette min din vores også her nu kun meget skrev sendt emne efter \
         av hei takk vennlig deg meg oss dere ikkje eg hvordan hvor bare noe være blir ble \
         ja on ei että se hän minä sinä me te he olen olet olemme ovat oli mutta tai kun jos niin kuin myös nyt vain tämä mikä joka mitä miten terveisin kiitos hei moi terve hyvää päivää kanssa sitten aihe kirjoitti lähetetty ystävällisin",
    ),
    (
        Language::Other,
        // Polish, Czech, Slovak, Hungarian, Romanian, Turkish, Croatian, Indonesian.
        "i w z na do nie jest się że to jak ale od za po dla co są był być ma mam proszę dziękuję dzień dobry pozdrawiam witam przez przy czy tak już tylko jego naszej nasze temat napisał wysłano prosze dziekuje sie ze \
         a v na je se že to s z do pro jsem jste jsou ne ale jako od po za by byl být má mám prosím děkuji dobrý den pozdravem jak co když nebo už jen který tento naše váš předmět napsal sme som nie ďakujem dobrý pozdravom ktorý \
         az és hogy nem egy van volt lesz meg is de ha mint vagy csak már még kérem köszönöm üdvözlettel tisztelt jó napot szia nekem önök \
         şi și nu este sunt un o de la cu pe din pentru care mai dar sau vă mulțumesc bună ziua salut am are a fost ca să în ce \
         ve bir bu da de için ile ne var yok çok ama gibi daha olarak merhaba teşekkürler saygılar saygılarımla iyi günler ben siz biz lütfen mi \
         je da se na za su nije ali kao hvala pozdrav dobar dan ili sam smo \
         sit et sed \
         yang dan di ini itu untuk dengan tidak saya anda kami terima kasih adalah",
    ),
];

/// Letters that only some languages of the table have; one of them is a hint, worth a shared word.
const LETTERS: &[(Language, &str)] = &[
    (Language::De, "ßäöü"),
    (Language::Gsw, "äöü"),
    (Language::Other, "åøæñãõçłąęśżźěřůčšžőűğşışțăéèêàùîôâíóúý¿¡"),
];

static POINTS: LazyLock<HashMap<&str, [u32; 4]>> = LazyLock::new(|| {
    let mut langs: HashMap<&str, Vec<usize>> = HashMap::new();
    for (language, words) in WORDS {
        for word in words.split_whitespace() {
            let all = langs.entry(word).or_default();
            if !all.contains(&index(*language)) {
                all.push(index(*language));
            }
        }
    }
    let points = |word: &str, all: Vec<usize>| {
        let worth = if all.len() == 1 && word.chars().count() > 1 {
            OWN
        } else {
            SHARED
        };
        let mut points = [0; 4];
        all.into_iter().for_each(|l| points[l] = worth);
        points
    };
    langs
        .into_iter()
        .map(|(w, all)| (w, points(w, all)))
        .collect()
});

fn index(language: Language) -> usize {
    match language {
        Language::De => 0,
        Language::Gsw => 1,
        Language::En => 2,
        Language::Other => 3,
    }
}

/// The language of a mail, by its new text and, where that is short, its subject.
pub fn detect(subject: &str, new_text: &str) -> Language {
    decided(subject, new_text).unwrap_or_default()
}

/// As [`detect`]; where new text and subject hold no word of any language ("Hey :)"), by the rest: the line that the writer's own mail program
/// puts above a quotation, and the conversation so far.
pub fn detect_with_rest(subject: &str, new_text: &str, whole_text: &str) -> Language {
    decided(subject, new_text)
        .or_else(|| decided("", whole_text))
        .unwrap_or_default()
}

fn decided(subject: &str, new_text: &str) -> Option<Language> {
    let text = super::automatic::head(new_text, TEXT_BYTES_MAX);
    if is_foreign_script(text) {
        return Some(Language::Other);
    }
    let mut points = counted(text);
    let own = (text.len() <= QUOTING_BYTES_MAX).then(|| own_words(text));
    if let Some(own) = own.flatten() {
        points
            .iter_mut()
            .zip(counted(&own))
            .for_each(|(p, o)| *p += OWN_WORDS_WEIGHT * o);
    }
    // The subject of an answer is in the language of whoever wrote first.
    let enough = if super::automatic::is_answer(subject) {
        1
    } else {
        POINTS_ENOUGH
    };
    if points.iter().sum::<u32>() < enough {
        let subject = super::automatic::head(subject, TEXT_BYTES_MAX);
        if !text.chars().any(char::is_alphabetic) && is_foreign_script(subject) {
            return Some(Language::Other);
        }
        let more = counted(subject);
        points.iter_mut().zip(more).for_each(|(p, m)| *p += m);
    }
    (points != [0; 4]).then(|| best(points))
}

/// The language with the most points. Ties: what is more often right in our mailboxes, German before English before others; Swiss German needs
/// to be ahead, since a mail that is both is written German with a Swiss greeting.
fn best([de, gsw, en, other]: [u32; 4]) -> Language {
    let gsw = if gsw < GSW_POINTS_MIN { 0 } else { gsw };
    let most = de.max(gsw).max(en).max(other);
    match most {
        0 => Language::Other,
        m if m == de => Language::De,
        m if m == en => Language::En,
        m if m == gsw => Language::Gsw,
        _ => Language::Other,
    }
}

/// A text without what stands in double quotes or brackets on one line: that is a message that a program showed.
fn own_words(text: &str) -> Option<String> {
    let opens = ['"', '\u{201e}', '\u{201c}', '«', '('];
    if !text.contains(opens) {
        return None;
    }
    let mut own = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        while let Some(at) = rest.find(opens) {
            let inside = rest[at..]
                .char_indices()
                .nth(1)
                .map_or("", |(n, _)| &rest[at + n..]);
            let closes = match rest[at..].chars().next() {
                Some('(') => inside.find(')'),
                _ => inside.find(['"', '\u{201c}', '\u{201d}', '»']),
            };
            // What is never closed is no quotation.
            let Some(end) = closes else { break };
            own.push_str(&rest[..at]);
            own.push(' ');
            rest = &inside[end..];
            rest = rest.char_indices().nth(1).map_or("", |(n, _)| &rest[n..]);
        }
        own.push_str(rest);
    }
    Some(own)
}

fn counted(text: &str) -> [u32; 4] {
    let mut points = [0u32; 4];
    let spoken = text
        .split_whitespace()
        .filter(|w| !w.contains("://") && !w.contains('@') && !w.starts_with("www."));
    // What follows an apostrophe is half a word: `Anna's`, `don't`, `l'heure`; before it may stand a whole one.
    let parts = spoken.map(|w| {
        w.split(['\'', '\u{2019}'])
            .max_by_key(|p| p.len())
            .unwrap_or(w)
    });
    let words = parts.flat_map(|w| w.split(|c: char| !c.is_alphabetic()));
    let mut lower = String::new();
    for written in words
        .filter(|w| !w.is_empty() && w.len() <= 40)
        .take(WORDS_MAX)
    {
        let is_ascii = written.is_ascii();
        let word = if is_ascii {
            lower.clear();
            lower.push_str(written);
            lower.make_ascii_lowercase();
            lower.as_str()
        } else {
            lower = written.to_lowercase();
            lower.as_str()
        };
        if let Some(worth) = POINTS.get(word) {
            points.iter_mut().zip(worth).for_each(|(p, w)| *p += w);
        }
        if !is_ascii {
            for (language, letters) in LETTERS {
                if word.chars().any(|c| letters.contains(c)) {
                    points[index(*language)] += SHARED;
                }
            }
        }
    }
    points
}

/// More letters of another script than of Latin.
fn is_foreign_script(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let mut latin = 0usize;
    let mut foreign = 0usize;
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        // Latin with all its extensions ends before U+0250; Vietnamese adds U+1E00 to U+1EFF.
        if (c as u32) < 0x250 || (0x1e00..0x1f00).contains(&(c as u32)) {
            latin += 1;
        } else {
            // One sign of these scripts is worth a syllable or a word.
            foreign += if (c as u32) > 0x2e00 { 3 } else { 1 };
        }
    }
    foreign > latin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Language) {
        assert_eq!(detect("", text), expect, "{text}: {:?}", counted(text));
    }

    #[test]
    fn german() {
        check(
            "Guten Tag, unser Server ist seit heute Morgen nicht erreichbar.",
            Language::De,
        );
        check(
            "Grüezi\nDas Backup läuft nicht mehr, können Sie bitte nachsehen?\nFreundliche Grüsse",
            Language::De,
        );
        check("Koennen Sie das bitte pruefen?", Language::De);
        check("Fehler beim Login", Language::De);
        check("VPN-Verbindung bricht ab", Language::De);
        check(
            "Login geht nicht, es kommt \"Invalid username or password\"",
            Language::De,
        );
        check(
            "Outlook startet nicht (Error: cannot open the window).",
            Language::De,
        );
        check(
            "Das Update der Software auf dem Server mit Error 500 failed.",
            Language::De,
        );
    }

    #[test]
    fn swiss_german() {
        check(
            "Grüezi mitenand, üsi Website isch sit hüt am Morge nöd erreichbar. Chönd ihr bitte luege?",
            Language::Gsw,
        );
        check("Hoi zäme, bi üs gaht nüt meh.", Language::Gsw);
        check("Dr Drucker isch kaputt", Language::Gsw);
        check("Was söll i mache?", Language::Gsw);
        check("Salü, chönd ihr mir hälfe?", Language::Gsw);
        check("Dr Server louft nid, merci für d Hilf", Language::Gsw);
        check(
            "Sali, chasch mir bitte es neus Passwort mache? Merci vilmal",
            Language::Gsw,
        );
        check(
            "Mir hend es Problem mit em Mail, es chunt nüt aa.",
            Language::Gsw,
        );
    }

    #[test]
    fn english() {
        check("Hi, our server is down since this morning.", Language::En);
        check("Server down", Language::En);
        check("I cannot log in to the portal, please help", Language::En);
        check("Thanks!", Language::En);
        check("I love Anna's feature", Language::En);
    }

    #[test]
    fn others() {
        check(
            "Bonjour, notre serveur ne répond plus depuis ce matin.",
            Language::Other,
        );
        check(
            "Buongiorno, il server non funziona da questa mattina.",
            Language::Other,
        );
        check(
            "Hola, el servidor no funciona desde esta mañana.",
            Language::Other,
        );
        check(
            "Hej, vår server fungerar inte sedan i morse.",
            Language::Other,
        );
        check(
            "Hallo, onze server werkt niet meer sinds vanochtend.",
            Language::Other,
        );
        check("Dzień dobry, nasz serwer nie działa.", Language::Other);
        check("Здравствуйте, сервер не работает", Language::Other);
        check("サーバーが動きません server", Language::Other);
        check("", Language::Other);
        check(
            "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do",
            Language::Other,
        );
    }

    #[test]
    fn the_rest_helps_where_nothing_is_said() {
        let whole = "Hey :)\n\nAm 03.02.2026 um 15:35 schrieb Anna:\n> Hast du das gesehen?";
        assert_eq!(detect_with_rest("Ping", "Hey :)", whole), Language::De);
        assert_eq!(detect_with_rest("Ping", "Thanks!", whole), Language::En);
    }

    #[test]
    fn the_subject_helps_a_short_text() {
        assert_eq!(detect("Frage zu unserer Rechnung", "?"), Language::De);
        assert_eq!(detect("AW: Anfrage zur Einführung", "Enjoy!"), Language::En);
        assert_eq!(
            detect("Question about our invoice", "see attached"),
            Language::En
        );
    }
}
