//! Tables of what clients write. Each line is one that a client in the field writes, or one that only looks so.

use super::*;

fn check(text: &str, expected: &str) {
    assert_eq!(new_text(text, None), expected, "{text}");
}

/// All of the texts must give the same new text; names every one that does not.
fn check_all(texts: impl IntoIterator<Item = String>, expected: &str) {
    let misses: Vec<String> = texts
        .into_iter()
        .filter(|t| new_text(t, None) != expected)
        .map(|t| format!("{t:?} gives {:?}", new_text(&t, None)))
        .collect();
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

const ATTRIBUTIONS: &[&str] = &[
    "On Tue, Mar 3, 2026 at 9:12 AM Support <support@example.org> wrote:",
    "On 03/03/2026 09:12 AM, Support wrote:",
    "On Mar 3, 2026, at 09:12, Support <support@example.org> wrote:",
    "On 3 Mar 2026, at 2:47, Anna Muster wrote:",
    "On Tuesday, 3 March, 2026 at 3:46 PM, Anna wrote:",
    "On 2026-03-03 09:12, Anna Muster wrote:",
    "On Di., 3. März 2026 um 09:12 Uhr Anna <anna@example.ch> wrote:",
    "- On 3 Mar, 2026, at 09:12, Anna anna@example.ch wrote:",
    "Support <support@example.org> wrote on 03/03/2026 09:12:44 AM:",
    "support@example.org wrote:",
    "At 6/16/2026 08:32 PM, you wrote:",
    "In message <123@example.org>, Support <support@example.org> writes:",
    "Quoting Support <support@example.org>:",
    "Am 03.03.2026 um 09:12 schrieb Support:",
    "Am 03.03.2026 um 09:12 schrieb Support <support@example.org>:",
    "Am Dienstag, 3. März 2026, 09:12:44 CET schrieb Support:",
    "Am 03.03.2026 3:35 nachm. schrieb Max Muster <support@example.org>:",
    "Am Di., 3. März 2026 um 09:12 Uhr schrieb Support <support@example.org>:",
    "Support <support@example.org> schrieb am Di. 3. März 2026 um 00:02:",
    "Support <support@example.org> hat am 03.03.2026 09:12 geschrieben:",
    "Zitat von Support <support@example.org>:",
    "Support <support@example.org> schrieb:",
    "Le 3 mars 2026 à 09:12, Support <support@example.org> a écrit :",
    "Le mar. 3 mars 2026 à 09:12, Support <support@example.org> a écrit :",
    "Le 03/03/2026 09:12, Support a écrit :",
    "- Le 2026-03-03 23:25, Support a écrit :",
    "Il giorno mar 3 mar 2026 alle ore 09:12 Support <support@example.org> ha scritto:",
    "Il 03/03/2026 09:12, Support ha scritto:",
    "In data 3 marzo 2026 09:12:31 \"Support\" <support@example.org> ha scritto:",
    "El mar, 3 mar 2026 a las 9:12, Support (<support@example.org>) escribió:",
    "El 03/03/2026 a las 9:12, Support escribió:",
    "Em ter., 3 de mar. de 2026 às 09:12, Support <support@example.org> escreveu:",
    "Em 3 de março de 2026 às 09:12:35, Support (support@example.org) escreveu:",
    "Op di 3 mrt 2026 om 09:12 schreef Support <support@example.org>:",
    "Op 3-mrt.-2026, om 13:18 heeft Support <support@example.org> het volgende geschreven:",
    "Op 3 maart 2026 19:05 schreef Support <support@example.org>:",
    "Den tis 3 mars 2026 kl 09:12 skrev Support <support@example.org>:",
    "Den 14 september, 2026 02:23:18, Support (support@example.org) skrev:",
    "ons 4 dec. 2026 kl. 20:42 skrev Support <support@example.org>:",
    "3 mars 2026 kl. 18:36 skrev Support <support@example.org>:",
    "Den 3. mars 2026 kl. 20.42 skrev Support <support@example.org>:",
    "tir. 3. mar. 2026 kl. 09.12 skrev Support <support@example.org>:",
    "Den 03-03-2026 kl. 09:12 skrev Support:",
    "ti 3. maalisk. 2026 klo 9.12 Support (support@example.org) kirjoitti:",
    "Support kirjoitti 3.3.2026 klo 9.12:",
    "wt., 3 mar 2026 o 09:12 Support <support@example.org> napisał(a):",
    "W dniu 3.03.2026 o 09:12, Support pisze:",
    "W dniu 3 marca 2026 01:53 użytkownik Support <support@example.org> napisał:",
    "Dnia 17 stycznia 2026 18:27 Support support@example.org napisał(a):",
    "út 3. 3. 2026 v 9:12 odesílatel Support <support@example.org> napsal:",
    "Dne 03. 03. 26 v 9:12 Support napsal(a):",
    "ut 3. 3. 2026 o 9:12 Support <support@example.org> napísal(a):",
    "Support <support@example.org> ezt írta (időpont: 2026. márc. 3., K, 9:12):",
    "În mar., 3 mar. 2026 la 09:12, Support <support@example.org> a scris:",
    "Στις Τρί 3 Μαρ 2026 στις 9:12 π.μ., ο/η Support <support@example.org> έγραψε:",
    "вт, 3 мар. 2026 г. в 09:12, Support <support@example.org>:",
    "3 марта 2026, 09:12 +03:00 от Support <support@example.org>:",
    "03.03.2026, 09:12, \"Support\" <support@example.org>:",
    "03.03.2026 9:12, Support пишет:",
    "30 серп. 2026 р. 20:45 \"Support\" <support@example.org> пише:",
    "Support <support@example.org>, 3 Mar 2026 Sal, 09:12 tarihinde şunu yazdı:",
    "3 Mar 2026 tarihinde 09:12 saatinde, Support <support@example.org> şunları yazdı:",
    "2026年3月3日(火) 9:12 Support <support@example.org>:",
    "2026/03/03 9:12、Support <support@example.org>のメール:",
    "在 2026年3月3日，09:12，Support <support@example.org> 写道：",
    "Support <support@example.org> 于2026年3月3日周二 09:12写道：",
    "Support <support@example.org> 於 2026年3月3日 週二 上午9:12寫道：",
    "2026년 3월 3일 (화) 오전 9:12, Support <support@example.org>님이 작성:",
    "Vào Th 3, 3 thg 3, 2026 vào lúc 09:12 Support <support@example.org> đã viết:",
    "Pada tanggal Sel, 3 Mar 2026 pukul 09.12 Support <support@example.org> menulis:",
    "\u{202b}بتاريخ الثلاثاء، 3 مارس 2026 في 9:12 ص تمت كتابة ما يلي بواسطة \u{202a}Support\u{202c} <\u{202a}support@example.org\u{202c}>:\u{202c}",
    "\u{202b}في ٠٣\u{200f}/٠٣\u{200f}/٢٠٢٦ الساعة ٣:٣٦ م، كتب Support \u{200f}<support@example.org>:\u{202c}",
    "\u{202b}בתאריך יום ג׳, 3 במרץ 2026 ב-9:12 מאת \u{202a}Support\u{202c}\u{200f} <\u{202a}support@example.org\u{202c}>:\u{202c}",
    "เมื่อ อ. 3 มี.ค. 2026 เวลา 09:12 Support <support@example.org> เขียนว่า:",
    "2026-03-03 09:12 GMT+01:00 Support <support@example.org>:",
    "11:00 AM, March 3, 2026, \"Support\" <support@example.org>:",
];

#[test]
fn attribution_lines_end_the_new_text() {
    check_all(
        ATTRIBUTIONS
            .iter()
            .map(|line| format!("Fine now.\n\n{line}\n\nWhat was said before.\n")),
        "Fine now.",
    );
    check_all(
        ATTRIBUTIONS
            .iter()
            .map(|line| format!("Fine now.\n\n{line}\n> What was said before.\n")),
        "Fine now.",
    );
}

#[test]
fn wrapped_attribution_lines_end_the_new_text() {
    let mut wrapped = vec![];
    for line in ATTRIBUTIONS.iter() {
        // Clients wrap after 60 characters at the least; shorter lines are wrapped before an address.
        for (at, _) in line
            .char_indices()
            .filter(|&(at, c)| c == ' ' && (at >= 50 || line[at + 1..].starts_with('<')))
        {
            let (first, second) = line.split_at(at);
            wrapped.push(format!(
                "Fine now.\n\n{first}\n{}\n\n> What was said before.\n",
                second.trim()
            ));
        }
    }
    check_all(wrapped, "Fine now.");
}

#[test]
fn sentences_that_end_in_a_colon_stay() {
    for line in [
        "On 3 March I wrote to you:",
        "Am 3. März 2026 schrieb ich Ihnen:",
        "The log says:",
        "He wrote:",
        "In the manual it is written:",
        "Please answer until 3 March 2026:",
        "On Monday at 09:12 we saw this:",
        "Am Montag um 09:12 kam diese Meldung:",
        "Le 3 mars à 09:12, l'imprimante affiche :",
        "Send it to anna@example.ch:",
    ] {
        check(
            &format!("Hello\n\n{line}\n\nThe printer is offline."),
            &format!("Hello\n\n{line}\n\nThe printer is offline."),
        );
    }
}

#[test]
fn headings_end_the_new_text() {
    let headings = [
        "From: Support\nSent: Tuesday, March 3, 2026 9:12 AM\nTo: Anna\nSubject: Printer",
        "From: Support <support@example.org>\nDate: Tuesday, March 3, 2026 at 9:12 AM\nTo: Anna\nSubject: Printer",
        "From: support@example.org\nDate: Wed, 16 May 2026 00:15:02 -0600",
        "Date: Fri, 23 Mar 2026 12:35:31 -0600\nTo: anna@example.ch\nFrom: support@example.org\nSubject: Printer",
        "**From:** Support\n**Sent:** Tuesday\n**To:** Anna\n**Subject:** Printer",
        "Von: Support\nGesendet: Dienstag, 3. März 2026 09:12\nAn: Anna\nBetreff: Drucker",
        "De : Support\nEnvoyé : mardi 3 mars 2026 09:12\nÀ : Anna\nObjet : Imprimante",
        "Da: Support\nInviato: martedì 3 marzo 2026 09:12\nA: Anna\nOggetto: Stampante",
        "De: Support\nEnviado el: martes, 3 de marzo de 2026 9:12\nPara: Anna\nAsunto: Impresora",
        "De: Support\nEnviada em: terça-feira, 3 de março de 2026 09:12\nPara: Anna\nAssunto: Impressora",
        "Van: Support\nVerzonden: dinsdag 3 maart 2026 09:12\nAan: Anna\nOnderwerp: Printer",
        "Från: Support\nSkickat: den 3 mars 2026 09:12\nTill: Anna\nÄmne: Skrivare",
        "Fra: Support\nSendt: 3. marts 2026 09:12\nTil: Anna\nEmne: Printer",
        "Lähettäjä: Support\nLähetetty: tiistai 3. maaliskuuta 2026 9.12\nVastaanottaja: Anna\nAihe: Tulostin",
        "Od: Support\nWysłano: wtorek, 3 marca 2026 09:12\nDo: Anna\nTemat: Drukarka",
        "Od: Support\nOdesláno: úterý 3. března 2026 9:12\nKomu: Anna\nPředmět: Tiskárna",
        "От: Support\nОтправлено: 3 марта 2026 г. 9:12\nКому: Anna\nТема: Принтер",
        "Kimden: Support\nGönderildi: 3 Mart 2026 Salı 09:12\nKime: Anna\nKonu: Yazıcı",
        "发件人: Support\n发送时间: 2026年3月3日 9:12\n收件人: Anna\n主题: 打印机",
        "差出人: Support\n送信日時: 2026年3月3日 9:12\n宛先: Anna\n件名: プリンター",
        "보낸 사람: Support\n보낸 날짜: 2026년 3월 3일 화요일 오전 9:12\n받는 사람: Anna\n제목: 프린터",
        "-----Original Message-----",
        "----- Original Message -----",
        "-------- Original Message --------",
        "-----Ursprüngliche Nachricht-----",
        "-------- Ursprüngliche Nachricht --------",
        "-----Message d'origine-----",
        "-----Messaggio originale-----",
        "-----Mensaje original-----",
        "-----Mensagem original-----",
        "-----Oorspronkelijk bericht-----",
        "-----Ursprungligt meddelande-----",
        "-----Oprindelig meddelelse-----",
        "-----Opprinnelig melding-----",
        "-----Alkuperäinen viesti-----",
        "-----Wiadomość oryginalna-----",
        "-----Původní zpráva-----",
        "-----Исходное сообщение-----",
        "-----Özgün İleti-----",
        "-----原始邮件-----",
        "-----元のメッセージ-----",
        "_______ Original Message ________",
        "---------- Forwarded message ---------",
        "-------- Weitergeleitete Nachricht --------",
        "Begin forwarded message:",
        ">>> Support <support@example.org> 03/03/26 9:12 AM >>>",
        "Original-Nachricht\nVon: support@example.org\nBetreff: Drucker\nDatum: 3.3.2026\nAn: anna@example.ch",
        "-- Please reply above this line --",
        "##- Bitte geben Sie Ihre Antwort oberhalb dieser Zeile ein -##",
        "Message du : 03/03/2026 13:20\nDe : \"Support\" <support@example.org>\nA : anna@example.ch\nCopie à :\nSujet : Imprimante",
    ];
    check_all(
        headings
            .iter()
            .map(|h| format!("Fine now.\n\n{h}\n\nWhat was said before.\n")),
        "Fine now.",
    );
    check_all(
        headings.iter().map(|h| {
            format!("Fine now.\n\n________________________________\n{h}\n\nWhat was said before.\n")
        }),
        "Fine now.",
    );
}

#[test]
fn blocks_of_other_fields_stay() {
    for block in [
        "Date: Wednesday 3 March\nTime: 7:00\nAddress: 130 Station Street",
        "From: Zürich\nTo: Bern\nDate: 3 March 2026",
        "Name: Anna\nTo: the office in Bern",
        "Betreff: Ihre Rechnung\nIch verstehe den Betrag nicht.",
        "------- Enter feedback below -------",
        "A: yes\nB: no",
    ] {
        check(
            &format!("Hello\n\n{block}\n\nPlease help us with it."),
            &format!("Hello\n\n{block}\n\nPlease help us with it."),
        );
    }
}

#[test]
fn what_devices_and_clients_add_goes() {
    let lines = [
        "Sent from my iPhone",
        "Sent from my iPad.",
        "Sent from my BlackBerry, please excuse typos",
        "Sent from my Verizon Wireless BlackBerry",
        "Sent from Yahoo Mail on Android",
        "Sent from Mail for Windows",
        "Sent from Outlook for iOS",
        "Sent via mobile device",
        "Sent with Proton Mail secure email.",
        "Sent from a magnificent torch of pixels",
        "Get Outlook for Android<https://aka.ms/AAb9ysg>",
        "Get Outlook for iOS",
        "Von meinem iPhone gesendet",
        "Von meinem Samsung Galaxy Smartphone gesendet.",
        "Gesendet von meinem iPad",
        "Gesendet mit der GMX Mail App",
        "Gesendet von Outlook für Android<https://aka.ms/AAb9ysg>",
        "Gesendet von Mail für Windows 10",
        "Gesendet über die WEB.DE Mail App",
        "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
        "Holen Sie sich Outlook für iOS",
        "Vo mim iPhone gschickt",
        "Envoyé de mon iPhone",
        "Envoyé depuis mon téléphone Orange",
        "Envoyé à partir de Outlook pour Android",
        "Télécharger Outlook pour iOS",
        "Inviato da iPhone",
        "Inviato dal mio dispositivo Android",
        "Scarica Outlook per iOS",
        "Enviado desde mi iPhone",
        "Enviado do meu iPhone",
        "Enviado do iPhone",
        "Obter o Outlook para iOS",
        "Verstuurd vanaf mijn iPhone",
        "Verzonden vanuit Outlook voor iOS",
        "Skickat från min iPhone",
        "Sendt fra min iPad",
        "Sendt fra min iPhone",
        "Lähetetty iPhonesta",
        "Wysłane z iPhone'a",
        "Wysłano z iPhone",
        "Odesláno z iPhonu",
        "Odoslané z iPhonu",
        "Отправлено с iPhone",
        "Надіслано з iPhone",
        "iPhone'umdan gönderildi",
        "iPhoneから送信",
        "发自我的iPhone",
        "從我的 iPhone 傳送",
        "나의 iPhone에서 보냄",
        "أُرسلت من الـ iPhone",
        "Elküldve az iPhone-omról",
        "Trimis de pe iPhone-ul meu",
        "Στάλθηκε από το iPhone μου",
        "נשלח מה-iPhone שלי",
        "Virenfrei. www.avast.com",
    ];
    check_all(
        lines.iter().map(|l| format!("Fine now.\n\n{l}\n")),
        "Fine now.",
    );
    check_all(
        lines.iter().map(|l| {
            format!("Fine now.\n\n{l}\n\nOn 3 Mar 2026, at 09:12, Support wrote:\n> Before.\n")
        }),
        "Fine now.",
    );
}

#[test]
fn sentences_about_sending_stay() {
    for line in [
        "Sent from my desk, is much easier than my mobile phone.",
        "The notification was sent from my iPhone app to all users.",
        "All messages are sent from the main server.",
        "Gesendet habe ich die Rechnung schon im März, bitte prüfen Sie das noch einmal.",
        "Get back to me when you can, please.",
        "Thanks and best regards",
    ] {
        check(
            &format!("Hello\n\n{line}\n\nAnna"),
            &format!("Hello\n\n{line}\n\nAnna"),
        );
    }
}

#[test]
fn footers_go() {
    for footer in [
        "This e-mail and any attachments are confidential and may be privileged.",
        "CONFIDENTIALITY NOTICE: The contents of this email are meant for the addressee.",
        "Disclaimer: the views are mine.",
        "If you are not the intended recipient, please delete this message.",
        "Diese E-Mail enthält vertrauliche Informationen.",
        "Diese Nachricht ist ausschließlich für den Empfänger bestimmt.",
        "Ce message et ses pièces jointes sont confidentiels.\nSi vous n'êtes pas le destinataire, merci de le détruire.",
        "Este mensaje es confidencial y va dirigido exclusivamente a su destinatario.",
        "Questo messaggio è riservato e destinato al solo destinatario.",
        "You received this message because you are subscribed to the group.",
        "To unsubscribe from this list, visit https://lists.example.org",
        "Please consider the environment before printing this e-mail.",
        "Sie erhalten diese E-Mail, weil Sie unser Kunde sind.",
        "Reply to this email directly or view it on the web.",
    ] {
        check(&format!("Fine now.\n\n{footer}\n"), "Fine now.");
    }
}

#[test]
fn a_text_without_any_mark_stays_whole() {
    let text = "Hello\n\n  indented\n\n- a\n- b\n\n| x | y |\n|---|---|\n\nGoodbye";
    check(text, text);
    check("", "");
    check(" \n\t\n", "");
    check("> only a quotation", "> only a quotation");
}

#[test]
fn what_follows_the_part_that_is_looked_at_is_shown() {
    let text = "a line of a log\n".repeat(80_000);
    assert!(new_text(&text, None) == text.trim());
}

#[test]
fn hostile_texts_take_linear_time() {
    for piece in [
        "\n",
        "--\n",
        ">\n",
        "On 1 Mon wrote:\n",
        "a On Mon 1 1:11 x wrote:\n",
        "From: a@b\n",
        "_____\n",
        "*****\nvirus\n",
        "Sent from my iPhone\n",
        "> a\nb\n",
        "a: ",
        "```\n--\n",
        "-----\n\n",
    ] {
        let text = format!("said\n{}", piece.repeat((1 << 17) / piece.len()));
        let html = format!(
            "{}{}",
            "<blockquote class=gmail_quote>x".repeat(5_000),
            "</p></div>".repeat(5_000)
        );
        let begun = std::time::Instant::now();
        assert!(!new_text(&text, Some(&html)).is_empty());
        // Unoptimised and on a busy machine; a quadratic step would take minutes.
        assert!(
            begun.elapsed().as_secs() < 20,
            "{piece:?} took {:?}",
            begun.elapsed()
        );
    }
}

/// Pieces of which mails are made, so that random texts meet the code that looks for them.
fn piece() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    prop_oneof![
        4 => "\\PC{0,30}",
        1 => Just("> ".to_string()),
        2 => Just("\n".to_string()),
        1 => Just("\r\n".to_string()),
        1 => Just("-- ".to_string()),
        1 => Just("________".to_string()),
        1 => Just("Von: a@b".to_string()),
        1 => Just("Gesendet: 1.1.2026 10:00".to_string()),
        1 => Just("```".to_string()),
        1 => Just("Sent from my iPhone".to_string()),
        2 => (0..ATTRIBUTIONS.len()).prop_map(|i| ATTRIBUTIONS[i].to_string()),
    ]
}

proptest::proptest! {
    #[test]
    fn new_text_is_some_of_the_text(pieces in proptest::collection::vec(piece(), 0..24), html in proptest::option::of("\\PC{0,60}|(<(blockquote|div class=gmail_quote|/div|/blockquote|hr id=stopSpelling)>[a-z ]{0,9}){0,9}")) {
        let text = pieces.concat();
        let new = new_text(&text, html.as_deref());
        proptest::prop_assert_eq!(new.is_empty(), text.trim().is_empty());
        let mut rest = text.as_str();
        for line in new.lines() {
            let at = rest.find(line);
            proptest::prop_assert!(at.is_some(), "{:?} is not in {:?}", line, text);
            rest = &rest[at.unwrap_or(0) + line.len()..];
        }
    }
}
