//! Absences and automatic answers in words, by language: what people's mailboxes write while nobody is there.
//!
//! Everything here is folded ([`super::fold`]): lower case, no accents, one space. A subject counts from its beginning, as a mailbox writes it; the same words later in a
//! subject are what people say about such mails ("problem with the automatic reply").

use crate::mail::automaton::Automaton;
use std::sync::LazyLock;

/// Subjects that mail systems write word by word; with the original subject after a colon, so nobody but a mailbox writes them.
const CERTAIN_SUBJECTS: &[&str] = &[
    // en: Exchange, Outlook, Gmail, Notes, GroupWise, sendmail's vacation.
    r"^automatic (reply|response|answer|email reply|acknowledg?ment)",
    r"^auto(mated|matic)?[ -]?(reply|response|respond|responder|answer|acknowledg?ment)",
    r"^out of (the )?office( auto[ -]?(reply|response))?( (reply|response|message|notification|notice|alert))?",
    r"^(out-of-office|ooo|oof)( (reply|response|message|notification|notice))?",
    r"^(vacation|absence|away|holiday)( (auto[ -]?)?(reply|response|responder|message|notification|notice))",
    r"^away from (my |the )?(mail|office|desk|e-?mail)",
    r"^(i am|i'm|am) (currently )?(out of (the )?office|on (vacation|holidays?|leave|annual leave)|away)",
    // de, gsw.
    r"^(automatische|autom\.) (antwort|ruckantwort|ruckmeldung|abwesenheit[a-z]*|eingangsbestatigung|empfangsbestatigung|e-?mail-?antwort|mitteilung|nachricht)",
    r"^automatisch (erstellte|generierte) (antwort|nachricht|e-?mail)",
    r"^(auto-?antwort|antwortautomatik)",
    r"^abwesenheits?[ -]?(notiz|meldung|nachricht|assistent|hinweis|info|information|benachrichtigung|mitteilung|mail|e-?mail|antwort)",
    r"^(abwesend|abwesenheit|ich bin abwesend|ferienabwesenheit|urlaubsabwesenheit|nicht im (buro|haus|hause)|ausser haus|ausser dienst)",
    r"^(urlaubs?|ferien|krankheits)[ -]?(notiz|meldung|nachricht|vertretung|mitteilung|hinweis)",
    // fr, it, es, pt, ro.
    r"^(reponse automatique|message automatique|message d'absence|notification d'absence|absence du bureau|absent du bureau|absence|absente?|hors du bureau|re?ponse auto)",
    r"^(risposta automatica|messaggio automatico|fuori ufficio|fuori sede|assenza|assente|avviso di assenza|notifica (di )?assenza)",
    r"^(respuesta automatica|mensaje automatico|fuera de (la )?oficina|ausencia|ausente|contestador automatico|de vacaciones|autorespuesta|respuesta de ausencia)",
    r"^(resposta automatica|mensagem automatica|fora do escritorio|ausencia temporaria|ausente do escritorio|de ferias|aviso de ausencia)",
    r"^(raspuns automat|absent din birou|in concediu)",
    // nl, sv, da, no, fi.
    r"^(automatisch antwoord|automatische (beantwoording|reactie|melding)|afwezigheids?[ -]?(bericht|assistent|melding)|afwezig|niet aanwezig|niet op kantoor|buiten kantoor|vakantie ?(bericht|melding))",
    r"^(autosvar|automatiskt svar|automatsvar|franvaromeddelande|franvaroassistent|franvarande|ej pa kontoret|inte pa kontoret|semestermeddelande|semester)",
    r"^(automatisk svar|automatisk besked|fravaersmeddelelse|fravaersbesked|fravaersassistent|fravaersmelding|fravaer|ikke til stede|ikke pa kontoret|ferie ?(besked|melding)|fravaerende|ute av kontoret)",
    r"^(automaattinen vastaus|automaattivastaus|poissaoloviesti|poissaolo ?(ilmoitus|viesti)?|poissa( toimistosta)?|lomalla|olen lomalla)",
    // pl, cs, sk, hu, tr, lt, hr.
    r"^(automatyczna odpowiedz|odpowiedz automatyczna|autoodpowiedz|automatyczna wiadomosc|poza biurem|nieobecnosc|nieobecny|informacja o nieobecnosci|na urlopie)",
    r"^(automaticka odpoved|automaticka odpoved'|odpoved v nepritomnosti|mimo kancelar|nepritomnost|dovolena|automaticka sprava)",
    r"^(automatikus (valasz|uzenet)|hazon kivul|irodan kivul|szabadsag|tavollet|automata valasz)",
    r"^(otomatik (yanit|cevap)|ofis disinda|ofis disindayim|izindeyim|otomatik ileti)",
    r"^(automatski odgovor|samodejni odgovor|automatinis atsakymas|automatiska atbilde|automaatne vastus)",
    // Cyrillic, Greek, East Asia, Hebrew, Arabic.
    "^(автоматический ответ|автоответ|автоответчик|нет на работе|вне офиса|отсутствие|в отпуске|автоматична відповідь|автоматичен отговор)",
    "^(αυτόματη απάντηση|εκτός γραφείου|αυτοματη απαντηση)",
    "^(自動応答|自動返信|自动回复|自動回覆|自动答复|不在通知|不在のお知らせ|外出|休假|不在办公室|부재중|자동 ?(응답|회신))",
    "^(תשובה אוטומטית|מענה אוטומטי|מחוץ למשרד|رد تلقائي|خارج المكتب|الرد التلقائي)",
];

/// Nouns and adjectives of these that people put before a colon too: `Absence : transfert des appels`. The text must say it again.
const SUBJECTS_OF_PEOPLE: &str = r"^(absence|absente?|abwesend|abwesenheit|ferienabwesenheit|urlaubsabwesenheit|ich bin abwesend|ausser (haus|dienst)|nicht im (buro|hause?)|hors du bureau|fuori (ufficio|sede)|assenza|assente|ausencia|ausente|de (vacaciones|ferias)|in concediu|afwezig|niet (aanwezig|op kantoor)|semester|franvarande|fravaer|fravaerende|poissa|lomalla|olen lomalla|na urlopie|nieobecnosc|nieobecny|nepritomnost|dovolena|szabadsag|tavollet|отсутствие|в отпуске|外出|休假) ?(:|：)";

/// `AUTO: Anna Keller is out of the office (returning 09.03.2026)`, and without `AUTO` in older versions.
const NOTES_SUBJECT: &str = r"^auto: |^[^ ].{1,80} (is out of the office|ist ausser haus|ist nicht im buro|est absente?|e fuori ufficio)( ?[.(].*)?$";

/// Subjects that people write as well; a second mark must stand beside them.
const LIKELY_SUBJECTS: &[&str] = &[
    r"^auto: ",
    r"\b(is|will be|am|are) (currently )?out of (the )?office\b",
    r"\b(is|am|are) (away|on (vacation|holidays?|annual leave|leave|maternity leave|parental leave))\b",
    r"^(vacation|holidays?|on leave|annual leave|on vacation|on holidays?|away|urlaub|ferien|betriebsferien|vacances|conges|ferie|vacaciones|ferias|vakantie|semester|loma|urlop|dovolena)\b",
    r"\b(bin|ist|sind) .{0,40}(abwesend|nicht im (buro|hause?)|im urlaub|in den ferien|ausser haus)\b",
    r"\b(returned|return|back) (to the office )?on\b",
    r"^(thank you for (your )?(e-?mail|message|contacting|inquiry|enquiry|submission)|thanks for (your|contacting)|we have received your|your (message|request|e-?mail|enquiry|inquiry) (has been|was) received|we received your|ticket (received|created|opened))",
    r"^(vielen dank fur (ihre|deine)|danke fur (ihre|deine)|(ihre|deine) (anfrage|nachricht|e-?mail|mail) (ist|wurde|haben)|eingangsbestatigung|empfangsbestatigung|bestatigung (ihrer|des eingangs))",
    r"^(merci (de|pour) votre|accuse de reception|nous avons (bien )?recu|votre (demande|message) a|grazie per (aver|la|il)|abbiamo ricevuto|gracias por (su|contactar)|hemos recibido|bedankt voor uw|obrigado)",
    r"^(acknowledg?ment|receipt|confirmation) (of|for)|\b(automatic|automated|auto)[- ](reply|response)$",
];

/// "She is not here": what Notes and shared mailboxes write of somebody, and people of their colleagues.
const ANOTHER_ABSENT: &[&str] = &[
    r"\b(is|will be) (currently |presently |now |temporarily |unfortunately )*(out of|away from|not in) (the |his |her )?office\b",
    r"\bis (currently |away |out |now )*on (annual |parental |maternity |paternity |sick |medical |family |extended |business )?(leave|vacation|holidays?|travel)\b",
    r"\b(ist|sind) .{0,80}\b(nicht im (buro|hause?|geschaft|dienst)|abwesend|ausser haus|ausser dienst|im urlaub|in den ferien|in ferien|nicht erreichbar|nicht am arbeitsplatz|in elternzeit|im mutterschutz|wieder erreichbar|wieder im buro|geschlossen)\b",
    r"\bsara (assente|fuori (ufficio|sede))\b|\bestara fuera de\b",
];

/// "I am not here", by language.
const ABSENT: &[&str] = &[
    // en
    r"\b(i am|i'm|i will be|i'll be|we are|we will be|am) (currently |presently |now |also |temporarily |unfortunately )*(out of|away from|not in|out from) (the |my |our )?(office|desk)\b",
    // Not after "I was": people write that when they are back.
    r"(^|[.!,:-] ?)out of (the )?office (from|until|till|starting|on|this|today|with)\b",
    r"\b(i am|i'm|i will be|i'll be|we are|am) (currently |away |out |now )*on (annual |parental |maternity |paternity |sick |medical |family |extended |business )?(leave|vacation|holidays?|travel)\b",
    r"\b(i am|i'm|i will be|i'll be) (currently |now )*(away|travell?ing|unavailable|on the road|out) (from|until|till|this|and|with|on|through)\b",
    r"\b(i|we) (have left (the company|the organi[sz]ation|our company)|no longer work|am no longer (with|working|employed))\b",
    r"\b(will|shall) (reply|respond|answer|get back|be back|return|deal with)( to (you|your (message|e-?mail|enquiry)|the office|it|work))?( as soon as possible)? (when|upon|after|as soon as|once|on) (i|my|we)? ?(am back|return|get back|come back|monday|tuesday|wednesday|thursday|friday)",
    // de
    r"\b(ich bin|bin ich|wir sind|sind wir|ich werde|befinde ich mich|ich befinde mich|bin|unser .{3,40} (ist|bleibt)) .{0,80}\b(nicht im (buro|hause?|geschaft|dienst)|abwesend|ausser haus|ausser dienst|im urlaub|in den ferien|in ferien|nicht erreichbar|nicht am arbeitsplatz|in elternzeit|im mutterschutz|auf (dienst|geschafts)reise|nicht personlich erreichbar|wieder erreichbar|wieder im buro|zuruck im buro|geschlossen)\b",
    r"\b(ihre|deine) (e-?mail|nachricht|mail)s? (wird|werden) .{0,60}(nicht|weder|erst|automatisch) .{0,40}(gelesen|weitergeleitet|bearbeitet|beantwortet)",
    r"\b(habe|geniesse|mache) .{0,40}(urlaub|ferien)\b",
    r"\bich (habe (das|die|unser) .{0,40}verlassen|arbeite nicht mehr (bei|fur|in)|bin nicht mehr (bei|fur) )",
    // gsw
    r"\bi bi .{0,60}(i de ferie|nod im buro|abwesend|nid im buro|i dr ferie)",
    // fr
    r"\b(je suis|je serai|nous sommes|je me trouve|suis) (actuellement |presentement |temporairement |desormais )?(absente?s?|en (conges?|vacances|deplacement|formation|arret|conge)|hors du bureau|injoignable|indisponible)\b",
    r"\b(de retour le|a mon retour|des mon retour|serai de retour)\b",
    // it
    r"\b(sono|saro|siamo) (attualmente |al momento |temporaneamente )?(assente|fuori (ufficio|sede)|in (ferie|vacanza|congedo|trasferta|maternita)|chiusi)\b",
    r"\b(al mio rientro|rientrero il|saro di ritorno|di rientro)\b",
    // es, pt, ro
    r"\b(estoy|estare|me encuentro|estamos|me encontrare) (actualmente |temporalmente )?(fuera de (la |mi )?oficina|de vacaciones|ausente|de viaje|fuera del despacho|de baja)\b",
    r"\b(estou|estarei|encontro-me|estamos) (atualmente |actualmente |temporariamente )?(ausente|fora do escritorio|de ferias|em ferias|em viagem|fora)\b",
    r"\b(sunt|voi fi|ma aflu) (momentan |in prezent )?(in concediu|plecata?|absenta?|indisponibila?)\b",
    // nl
    r"\b(ik ben|ben ik|wij zijn|ik zal) .{0,50}\b(afwezig|niet op kantoor|niet aanwezig|met (vakantie|verlof|zwangerschapsverlof)|op vakantie|buiten kantoor|niet bereikbaar|weer aanwezig|weer bereikbaar)\b",
    // sv, da, no
    r"\bjag (ar|kommer att vara|befinner mig) .{0,40}(inte pa (kontoret|plats)|pa semester|ledig|borta|franvarande|bortrest|foraldraledig|tjanstledig|pa tjansteresa|ater|tillbaka)",
    r"\bjeg (er|har|holder|vil vaere|kommer til a vaere) .{0,40}(ikke (pa kontoret|til stede)|pa ferie|fravaerende|ferie|borte|ute av kontoret|pa barsel|bortreist|tilbage|tilbake|permisjon|avspasering)",
    // fi
    r"\b(olen|en ole) .{0,40}(poissa|lomalla|vapaalla|virkamatkalla|tavoitettavissa|toissa|toimistolla|aitiyslomalla|vanhempainvapaalla)",
    // pl, cs, sk
    r"\b(jestem|bede|przebywam|bede nieobecn[ya]) .{0,30}(nieobecn[ya]|poza biurem|na urlopie|na zwolnieniu|nieosiagaln[ya])|nie ma mnie w (biurze|pracy)|\b(nieobecn[ya]|na urlopie) (do|w dniach|od)\b",
    r"\b(jsem|budu|som|budem) .{0,30}(mimo kancelar|na dovolen|nepritom|mimo kancelarie|zastizen|k zastizeni|dovolenke|na dovolenke)|\bcerpam dovolenou|mam dovolenou",
    // hu, tr
    r"\b(szabadsagon|hazon kivul|tavol) (vagyok|leszek)|nem (vagyok|tartozkodom|leszek) .{0,20}(irodaban|elerheto)|\bszabadsagomat toltom|irodan kivul (vagyok|leszek)",
    r"\b(ofis disindayim|ofiste degilim|izindeyim|izinde olacagim|yillik izin|ofis disinda|izinliyim|ofiste olmayacagim|ofis disinda olacagim)",
    // others
    "меня (не будет|нет) (в|на)|нахожусь в отпуске|я (сейчас )?в (отпуске|командировке)|буду (отсутствовать|в отпуске)|отсутствую (в|на)|в отпуске (с|до|по)|мене (немає|не буде) (в|у)|перебуваю у відпустці|я у відпустці|в отпуск(а|е)? (съм|до)",
    "εκτός γραφείου|απουσιάζω|σε άδεια",
    "不在にして|不在とな|不在のため|休暇中|休暇をいただ|休みをいただ|外出しており|夏季休業|年末年始|出張中|休業(いた|とさせ|期間)",
    "不在办公室|正在休假|我在休假|休假中|休假期间|外出|不在辦公室|出差",
    "부재중|휴가 ?중|출장 ?중|자리를 비",
    "מחוץ למשרד|לא נמצא במשרד|לא אהיה במשרד|בחופשה|خارج المكتب|في إجازة|إجازة",
];

/// A return, a deputy, an urgent case: what an absence notice says next and a person in the middle of a conversation rarely does.
const RETURN_OR_DEPUTY: &[&str] = &[
    r"\b(returning|return|returns|be back|back in the office|back on|until|till|through)\b.{0,40}([0-9]|monday|tuesday|wednesday|thursday|friday|january|february|march|april|may|june|july|august|september|october|november|december|next week)",
    r"\b(if|for|in) .{0,30}\b(urgent|immediate|emergency|emergencies|assistance)\b|\bin my absence\b|\b(please )?contact (my colleague|the|our|us at)",
    r"\b(bis|ab|wieder|zuruck|erreichbar) .{0,40}([0-9]{1,2}\.|montag|dienstag|mittwoch|donnerstag|freitag)|\bin (dringenden|eiligen) (fallen|angelegenheiten)|\bdringend|\bvertret|\bmeine (kollegin|kollegen)|mein(en)? kolleg|\bnicht weitergeleitet|\bnach meiner ruckkehr",
    r"\ben cas d'urgence|\bpour toute urgence|\burgent|\b(jusqu'au|a partir du|de retour|au [0-9])|veuillez (contacter|vous adresser)|en mon absence|mon retour",
    r"\b(fino al|dal|al mio rientro|rientro|per urgenze|in caso di urgenz|urgenti|potete contattare|si prega di contattare|durante la mia assenza)",
    r"\b(hasta el|regreso|volvere|urgente|urgencia|durante mi ausencia|contactar con|ate (o dia |ao dia )?[0-9]|regressarei|retorno|em caso de urgencia|na minha ausencia|entre em contato|pana (pe|la|in)|urgent)",
    r"\b(tot en met|tot (maandag|dinsdag|woensdag|donderdag|vrijdag|[0-9])|vanaf|dringende|spoed|contact opnemen met|mijn collega|terug op)\b",
    r"\b(till|tillbaka|ater|tilbake|tilbage|igen|bradskande|hastesag|haste|kontakt|kontakta|kontakte|frem til|indtil)\b.{0,40}([0-9]|vid|ved|kollega|min|mandag|mandag|tisdag|tirsdag|onsdag|torsdag|fredag|snarest|mail)",
    r"\b(asti|saakka|palaan|takaisin|kiireell|kiireis|sijais)|\b(do dnia|wracam|powroc|w sprawach pilnych|pilnych|zastep|prosze o kontakt)|\b(do [0-9]|vratim|v nalehav|nalieh|urgentn|zastup|kontaktujte)|\b(visszater|surgos|helyettes|forduljon|-ig\b|keresse)|\b(tarihine|kadar|acil|donecegim|tarihleri)",
    "до [0-9]|по [0-9]|вернусь|срочн|обращайтесь|терміново|повернусь|[0-9]+月|[0-9]+日|急ぎ|緊急|紧急|緊急|联系|聯絡|聯繫|까지|급한|긴급|דחוף|אשוב|للضرورة|عاجل|έως|επείγο",
];

/// "This is automatic", by language.
const AUTOMATIC: &[&str] = &[
    r"\bthis is an? (auto(mated|matic|matically generated|-generated|generated)?|computer[- ]generated|system[- ]generated)[ -](reply|response|message|e-?mail|acknowledg?ment|notification|mail|out of office)",
    r"\bthis (e-?mail|message|mail|reply|response|notification|acknowledg?ment) (was|is|has been) (being )?(an? )?(auto(matically|mated|-generated|generated)|sent automatically|generated automatically|generated by)",
    r"\bautomated (reply|response|acknowledg?ment)\b",
    r"\b(dies|dieses|diese|das) (ist|e-?mail|nachricht|mail|schreiben|antwort) .{0,30}\b(automatisch|automatisierte|automatische)[a-z]* (antwort|nachricht|e-?mail|mail|generiert|erstellt|erzeugt|versand|verschickt|mitteilung|ruckmeldung|eingangsbestatigung|bestatigung|beantwortung)",
    r"\b(automatisch (generierte|erstellte|erzeugte|versendete|versandte)|wurde automatisch (generiert|erstellt|erzeugt|versandt|versendet|verschickt)|wird automatisch (generiert|erstellt|erzeugt|versandt|versendet|verschickt))",
    r"\b(ceci est|il s'agit d|c'est) ?'?(un|une)? ?(message|reponse|courriel|e-?mail|mail|accuse)( de reception)?( genere| envoye)?e? automati|\b(message|reponse|mail|courriel|e-mail) (automatique|genere automatiquement|envoye automatiquement)",
    r"\b(questa e|questo e|la presente e) .{0,30}automatic|\b(risposta|messaggio|e-?mail) (automatic[oa]|generat[oa] automaticamente)",
    r"\b(este|esta|este es|esta es) .{0,30}(automatic[oa]|automaticamente)|\b(respuesta|mensaje|correo) (automatic[oa]|generado automaticamente)|\b(resposta|mensagem) automatica",
    r"\b(dit is een|dit bericht (is|wordt)) automatisch|automatisch (gegenereerd|verzonden|verstuurd|aangemaakt)|\bdetta (ar ett|meddelande|mail) .{0,20}automatisk|\bdette er (en|et|ein) automat|\bautomaattinen (vastaus|viesti|kuittaus)|automaattisesti (luotu|lahetetty)",
    r"automatycznie wygenerowan|wygenerowan[ay] automatycznie|wiadomosc automatyczn|automatyczna (odpowiedz|wiadomosc)|automatick(a|y|ou) (odpoved|zprav|sprav|email)|automatikus (valasz|uzenet)|automatikusan|otomatik (bir )?(yanit|mesaj|cevap|olarak)|raspuns automat|mesaj automat",
    "автоматическ(ий|ое|и) (ответ|сообщени|уведомлен|создан|сформирован|отправлен)|автоматичн(е|а) (повідомлення|відповідь)|автоматично (створен|сформован)",
    "自動(返信|応答|送信|配信)|このメールは自動|自动(回复|发送|答复|生成)|自動(回覆|發送|回復)|자동 ?(응답|회신|발송)|αυτόματ(η|ο) (απάντηση|μήνυμα)|תשובה אוטומטית|הודעה אוטומטית|رد تلقائي|رد آلي|رسالة تلقائية",
];

/// "We have got your mail", by language: an automatic answer, where a header says that a machine wrote it.
const ACKNOWLEDGED: &[&str] = &[
    r"\b(thank you|thanks) for (your (e-?mail|message|request|inquiry|enquiry|query|mail)|contacting|getting in touch|reaching out)|\b(we|i) (have )?received your (e-?mail|message|request|inquiry|enquiry|mail)|\byour (e-?mail|message|request|inquiry|enquiry) (has been|was) received",
    r"\b(danke?|dank) fur (ihre|deine|eure) (nachricht|anfrage|e-?mail|mail|mitteilung)|\b(ihre|deine) (nachricht|anfrage|e-?mail|mail) (ist|wurde) .{0,30}(eingegangen|erhalten|empfangen)|\bhaben (ihre|deine) (nachricht|anfrage|e-?mail|mail) erhalten",
    r"\bmerci (pour|de) votre (message|mail|e-?mail|courriel|demande)|\b(nous avons|j'ai) bien recu votre|\bgrazie per (averci|avermi|il (tuo|suo)|la (tua|sua))|\babbiamo ricevuto (la|il)|\bgracias por (su|tu|contactar|escribir)|\bhemos recibido su|\bobrigad[oa] (por|pelo|pela) (seu|sua|contat|contact|mensagem)",
    r"\b(bedankt|dank) voor (uw|je) (bericht|mail|e-?mail|aanvraag)|\btack for ditt (mejl|mail|meddelande)|\btak(k)? for (din|ditt|deres) (mail|e-?post|henvend|besked|melding)|\bkiitos (viesti|yhteyden)|\bdziekujemy za (wiadomosc|kontakt|zgloszenie)|\bdekujeme za (vas|zpravu|dotaz)",
    "спасибо за (ваш|обращен)|благодарим за|お問い?合わせ(いただき|ありがとう)|感谢您的(来信|邮件)|感謝您的(來信|郵件)",
];

/// "Do not answer this", by language: machines write it under their mail, and people who change their address.
const NO_ANSWER: &[&str] = &[
    r"\b(please )?do not (reply|respond) (directly )?to this\b|bitte antworten sie nicht (direkt )?auf diese|(merci de|veuillez|priere de) ne pas (y )?repondre|non rispondere a (questa|questo)|no responda a este|nao responda a est[ea]|gelieve niet te (antwoorden|reageren)|prosimy nie odpowiadac|neodpovidejte",
    "не отвечайте на это|请勿(直接)?(回复|答复)|請勿(直接)?回覆|返信(しないで|いただけません|できません)",
];

/// What somebody writes who wants something of us, by language. An absence notice names whom to ask instead, and asks nothing.
const REQUESTS: &[&str] = &[
    r"\b(can|could|would) (you|someone|anyone|somebody)\b",
    r"\b(please|pls) (kindly )?(fix|check|switch|turn (it|this|that|off|on)|disable|enable|help|unlock|reset|look|install|restart|reboot|repair|solve|investigate|add|remove|delete|change|update|provide|tell|explain|confirm|advise|call me|let (me|us)|have (a|it)|have [a-z]+ (check|fix|look))\b",
    r"\b(error|broken|crash(es|ed)?|outage|does ?n.t work|is ?n.t working|does not work|stopped working|still (down|fails))\b",
    r"\b(bitte|mochte|muss|darf) (ich|wir) (sie|dich|euch)\b|\b(konnten|wurden) sie\b|\bkonnen sie (das|dies|es|bitte|mir|uns|den|die)\b|\b(kannst|konntest|wurdest) du\b|\b(konnt|konntet|chont|chontet|chonnd) ihr\b",
    r"\bbitte um (ihren |einen |eine |ihre |ein )?(kurze |baldige |rasche |schnelle )?(ruckruf|ruckmeldung|hilfe|prufung|losung|info|unterstutzung|antwort)|\bbitte (das |die |den |dies |es |um)?.{0,30}(prufen|beheben|schauen|helfen|losen|stellen|schalten|einrichten|entsperren|zurucksetzen|neu starten|installieren|loschen)\b",
    r"\b(probleme?|problema|fehler|error|issue|panne|storung) .{0,20}\b(persist|besteht|bleibt|remains|rimane)|\b(noch immer|immer noch|nach wie vor|toujours pas|ancora non)\b|\bstill (not|does|do|is|are|has|have|fails?|crash)",
    r"\b(fehlermeldung|defekt|kaputt|funktioniert nicht|funktionieren nicht|geht (immer |seit .{1,20})?(noch )?nicht|lauft nicht|sturzt ab)\b",
    r"\b(pouvez|pourriez|pourrais|peux)[- ](vous|tu)\b|\bne (fonctionne|marche)( toujours)? (pas|plus)\b|\ben panne\b",
    r"\b(potete|puo|potreste|potrebbe) (verificare|controllare|aiutar|sistemare|risolvere|sbloccare)|\bnon funziona\b",
    r"\b(puede|pueden|podria|podrian|pode|podem|poderia|poderiam) (usted |ustedes )?(ayudar|revisar|comprobar|verificar|arreglar|solucionar|resolver)|\b(no|nao) funciona\b",
    r"\b(kunt u|kan je|kunnen jullie|zou u|zouden jullie) (dit|dat|het|mij|me|ons|even)\b|\bwerkt niet\b",
    r"\bkan (ni|du|i|dere) (hjalpa|hjaelpe|hjelpe|kolla|titta|se pa|sjekke|tjekke)|\bfungerar inte\b|\b(virker|fungerer) ikke\b|\bei toimi\b",
    "nie dziala|nefunguje|nem mukodik|calismiyor|nu functioneaza|не работает|не працює|動きません|使えません|不能用|无法使用",
];

/// Subjects of read receipts, folded: Exchange's and Notes' word for "read" or "not read" and a colon.
const RECEIPT_SUBJECTS: &[&str] = &[
    r"^(read|not read|gelesen|nicht gelesen|ungelesen|lesebestatigung|lu|lue|non lu|non lue|letto|non letto|leido|no leido|gelezen|niet gelezen|lida|lido|nao lida|last|ikke last|olast|ej last|luettu|lukematon|przeczytano|nie przeczytano|precteno|neprecteno|olvasott|okundu|okunmadi|citit|read receipt|return receipt|receipt|confirmation de lecture|ricevuta di lettura|conferma di lettura|confirmacion de lectura|leesbevestiging|laskvittering|laeskvittering|lukukuittaus|прочитано|уведомление о прочтении|開封済み|已读|已讀|읽음)( ?(:|：)|$| \()",
];

/// Sentences of read receipts, folded.
const RECEIPT_TEXTS: &[&str] = &[
    r"\b(was|has been) (read|displayed|deleted without being read|opened|viewed) (on|at|by)?|this is a (return|read) receipt|return receipt displays|was deleted without being read",
    r"\bwurde (am|um) .{0,80}(gelesen|geoffnet)|gelesen (am|um)|wurde .{0,60}(gelesen|ungelesen geloscht|angezeigt)|empfangsbestatigung",
    r"\ba ete (lu|affiche|supprime sans)|accuse de (lecture|reception)|e stat[oa] (lett[oa]|visualizzat|eliminat)|(fue|ha sido) leid[oa]|(is|werd) gelezen|foi lid[oa]|(blev|ble|har) (last|blivit)|on luettu|zostala? (przeczytan|wyswietlon)",
    "прочитан|開封されました|已被?阅读|已被?閱讀|읽었습니다",
];

static BEFORE_ORIGINAL_SET: LazyLock<Automaton> = LazyLock::new(|| {
    let before = |p: &&str| format!("^(?:{}) ?(:|：)", p.trim_start_matches('^'));
    Automaton::fixed(&CERTAIN_SUBJECTS.iter().map(before).collect::<Vec<_>>())
});
static SUBJECTS_OF_PEOPLE_SET: LazyLock<Automaton> =
    LazyLock::new(|| Automaton::fixed(&[SUBJECTS_OF_PEOPLE]));
static NOTES_SUBJECT_SET: LazyLock<Automaton> =
    LazyLock::new(|| Automaton::fixed(&[NOTES_SUBJECT]));
static CERTAIN_WITH_NAME_SET: LazyLock<Automaton> =
    LazyLock::new(|| Automaton::fixed(CERTAIN_SUBJECTS));
static LIKELY_SUBJECTS_SET: LazyLock<Automaton> =
    LazyLock::new(|| Automaton::fixed(LIKELY_SUBJECTS));
static ABSENT_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(ABSENT));
static RETURN_OR_DEPUTY_SET: LazyLock<Automaton> =
    LazyLock::new(|| Automaton::fixed(RETURN_OR_DEPUTY));
static ANOTHER_ABSENT_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(ANOTHER_ABSENT));
static AUTOMATIC_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(AUTOMATIC));
static ACKNOWLEDGED_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(ACKNOWLEDGED));
static NO_ANSWER_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(NO_ANSWER));
static REQUESTS_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(REQUESTS));
static RECEIPT_SUBJECTS_SET: LazyLock<Automaton> =
    LazyLock::new(|| Automaton::fixed(RECEIPT_SUBJECTS));
static RECEIPT_TEXTS_SET: LazyLock<Automaton> = LazyLock::new(|| Automaton::fixed(RECEIPT_TEXTS));

/// How far into a text its first words reach.
const FIRST_WORDS_BYTES: usize = 400;

/// Whether a folded subject is an automatic answer's, or may be one.
pub(super) fn is_subject(subject: &str) -> bool {
    CERTAIN_WITH_NAME_SET.is_match(subject) || LIKELY_SUBJECTS_SET.is_match(subject)
}

/// Whether a folded subject has the fixed words of a mailbox with the original subject after a colon.
pub(super) fn is_subject_before_original(subject: &str) -> bool {
    BEFORE_ORIGINAL_SET.is_match(subject)
}

/// Whether people write such a folded subject as well.
pub(super) fn is_subject_of_people(subject: &str) -> bool {
    SUBJECTS_OF_PEOPLE_SET.is_match(subject)
}

/// Whether a folded subject is the one that Notes writes.
pub(super) fn is_subject_of_notes(subject: &str) -> bool {
    NOTES_SUBJECT_SET.is_match(subject)
}

/// Whether a folded text says in its beginning that somebody is away.
pub(super) fn is_text(text: &str) -> bool {
    let head = super::head(text, 1_000);
    ABSENT_SET.is_match(head) || ANOTHER_ABSENT_SET.is_match(head)
}

/// Whether a folded text says in its beginning that it is automatic, or wants no answer.
pub(super) fn is_automatic_text(text: &str) -> bool {
    let head = super::head(text, 1_500);
    AUTOMATIC_SET.is_match(head) || NO_ANSWER_SET.is_match(head)
}

/// Whether the first words of a folded text acknowledge a mail.
pub(super) fn acknowledges(text: &str) -> bool {
    ACKNOWLEDGED_SET.is_match(super::head(text, FIRST_WORDS_BYTES))
}

/// Whether a folded text asks something of its reader, or says what is broken: then somebody waits for an answer.
pub(super) fn requests(text: &str) -> bool {
    text.contains(['?', '？']) || REQUESTS_SET.is_match(text)
}

/// Whether the first words say absence and the next ones a return or a deputy.
pub(super) fn opens_absent(text: &str) -> bool {
    ABSENT_SET.is_match(super::head(text, FIRST_WORDS_BYTES))
        && RETURN_OR_DEPUTY_SET.is_match(super::head(text, 1_200))
}

/// Whether the very first sentence says that it is automatic, thanks aside; later ones may be somebody's footer, or what a customer tells us about. Nor
/// does a question say so, a complaint ("The automatic reply does not work") or somebody's quotation.
pub(super) fn opens_automatic(text: &str) -> bool {
    let first = super::head(text, FIRST_WORDS_BYTES);
    let sentence = first
        .split_inclusive(['.', '!', '?'])
        .find(|s| !ACKNOWLEDGED_SET.is_match(s) || AUTOMATIC_SET.is_match(s))
        .unwrap_or_default();
    !sentence.ends_with('?')
        && !sentence.contains('"')
        && AUTOMATIC_SET.is_match(super::head(sentence, 160))
        && !REQUESTS_SET.is_match(first)
}

/// Whether a folded sentence is about an absence, a deputy, or an automatic answer.
pub(super) fn is_of_notice(sentence: &str) -> bool {
    [
        &ABSENT_SET,
        &ANOTHER_ABSENT_SET,
        &RETURN_OR_DEPUTY_SET,
        &AUTOMATIC_SET,
        &ACKNOWLEDGED_SET,
        &NO_ANSWER_SET,
    ]
    .iter()
    .any(|set| set.is_match(sentence))
}

/// Whether a folded subject says that the mail is handed on.
pub(super) fn is_forward(subject: &str) -> bool {
    [
        "fwd:", "fw:", "wg:", "tr:", "i:", "rv:", "enc:", "vb:", "vs:", "pd:",
    ]
    .iter()
    .any(|p| subject.starts_with(p))
}

/// Whether a folded subject is a read receipt's.
pub(super) fn is_receipt_subject(subject: &str) -> bool {
    RECEIPT_SUBJECTS_SET.is_match(subject)
}

/// Whether a folded text says that a mail was read.
pub(super) fn is_receipt_text(text: &str) -> bool {
    RECEIPT_TEXTS_SET.is_match(super::head(text, 1_000))
}

#[cfg(test)]
mod tests {
    use super::super::fold;
    use super::*;

    fn check(subject: &str, before_original: bool) {
        let folded = fold(subject, 300);
        assert!(!before_original || is_subject(&folded), "{subject}");
        assert_eq!(
            is_subject_before_original(&folded),
            before_original,
            "{subject}"
        );
    }

    #[test]
    fn subjects_as_mailboxes_write_them() {
        check("Automatic reply: Offer", true);
        check("Out of Office AutoReply: Offer", true);
        check("Out of office: Offer", true);
        check("Abwesenheitsnotiz: Angebot", true);
        check("Réponse automatique : Offre", true);
        check("自动回复：询价", true);
    }

    #[test]
    fn subjects_as_people_write_them() {
        check("Automatic replies do not work", false);
        check("Out of office", false);
        check("Out of office rule is broken", false);
        check("Abwesenheitsnotiz lässt sich nicht einschalten", false);
        check("Re: Automatic reply: Offer", false);
        check("Please switch off the automatic reply", false);
    }

    #[test]
    fn first_words() {
        assert!(opens_automatic(
            "this is an automatic reply. we will answer soon."
        ));
        assert!(!opens_automatic(
            "hello, we get this every hour, why? this is an automated message"
        ));
        assert!(opens_absent(
            "i am out of the office until monday. in urgent cases ask paul."
        ));
        assert!(!opens_absent(
            "i was out of the office until monday, and it still fails."
        ));
    }
}
