//! Which ticket a mail belongs to, on what evidence.
//!
//! Knows what a mail says of its relatives; knows neither the record nor who may add to a ticket. [`candidates`] is what the desk looks up, in order of
//! precedence; [`group`] is the same evidence between mails at hand, for `inspect --threads`.
//!
//! Law: both are linear in the number of ids and end on any input, loops of references included.

use crate::mail::Mail;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Ids looked up for one mail (ATTACKS.md B10).
const CANDIDATES_MAX: usize = 24;

/// Something in a mail that may name its ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// `In-Reply-To`, without angle brackets.
    InReplyTo(String),
    /// One id of `References`, without angle brackets.
    Reference(String),
    /// The root of Outlook's `Thread-Index`, in base64.
    ThreadIndex(String),
    /// The Message-ID of the letter that a bounce gives back.
    BouncedId(String),
    /// A number in the subject. A hint only: it can be guessed (ATTACKS.md B01).
    SubjectNumber(u64),
}

/// What to look up, strongest first: the mail that is answered, then its ancestors from the newest on, then what clients and people add.
pub fn candidates(mail: &Mail) -> Vec<Evidence> {
    let own = mail.message_id.as_deref();
    // A mail that names itself proves nothing (ATTACKS.md B06).
    let foreign = |id: &&String| own != Some(id.as_str());
    let mut found: Vec<Evidence> = vec![];
    let answered = mail
        .in_reply_to
        .iter()
        .filter(foreign)
        .cloned()
        .map(Evidence::InReplyTo);
    found.extend(answered);
    for id in mail.references.iter().rev().filter(foreign) {
        if !mail.in_reply_to.contains(id) {
            found.push(Evidence::Reference(id.clone()));
        }
    }
    found.truncate(CANDIDATES_MAX);
    found.extend(mail.thread_index.clone().map(Evidence::ThreadIndex));
    let bounced = mail
        .bounce
        .as_ref()
        .and_then(|b| b.original_message_id.clone());
    found.extend(bounced.map(Evidence::BouncedId));
    found.extend(
        subject_numbers(&mail.subject)
            .into_iter()
            .map(Evidence::SubjectNumber),
    );
    found
}

/// Numbers that a subject gives as a ticket's: `[support #123]`, `Ticket 123`, `#123`.
pub fn subject_numbers(subject: &str) -> Vec<u64> {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)(?:\[[^\[\]#]{0,40}#\s?(\d{1,12})\]|(?:ticket|case|anfrage|vorgang|fall|issue|incident|request|dossier|demande|richiesta)(?:\s?(?:nr\.?|no\.?|number|nummer|id))?\s?[:#]?\s?#?(\d{1,12})\b|(?:^|[\s(\[])#(\d{1,12})\b)",
        )
    });
    let mut numbers: Vec<u64> = vec![];
    for found in NUMBER.captures_iter(subject).take(5) {
        let digits = found.iter().skip(1).flatten().next();
        if let Some(number) = digits.and_then(|d| d.as_str().parse().ok())
            && !numbers.contains(&number)
        {
            numbers.push(number);
        }
    }
    numbers
}

/// What clients put before the subject of an answer, in the languages of the field. `Re²` and `Re[2]` count answers.
const REPLY_PREFIXES: &str = "re|aw|antw|antwort|sv|vs|odp|rv|ref|rif|res|r|ris|risposta|réf|rép|rep|ynt|yan|cevap|vá|vast|vs|ang|bls|atb|отв|ответ|на|απ|σχετ|回复|回覆|答复|答覆|返信|회신|답장|תשובה|رد|th|trả lời|bal|nawiązanie";
/// What clients put before the subject of a forwarded mail.
const FORWARD_PREFIXES: &str = "wg|fwd|fw|tr|i|rv|enc|vl|vb|vs|vid|videresendt|vidarebefordrat|doorst|doorgestuurd|pd|pdf|przekazane|továbbítás|fs|fyi fwd|weitergeleitet|weitergel|transf|reenv|inoltra|inoltro|rvd|ilt|İlt|i̇lt|edasi|пересл|пересланное|πρθ|προώθ|转发|轉寄|転送|전달|הועבר|إعادة توجيه|chuyển tiếp|trs";

/// `VS` answers in Finnish and forwards in Danish and Norwegian, `RV` answers or forwards in Spanish, `SV` only answers. Two prefixes that are both are taken as
/// forwards, for a forward opens a ticket that is linked: nothing is lost.
static PREFIX: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)^[\s\x22\[(]*(?:(?P<forward>{FORWARD_PREFIXES})|(?P<reply>{REPLY_PREFIXES}))(?:\s?[\[(^]?\d{{1,3}}[\])]?|[²³⁴-⁹])?\s?[:：]\s*"
    ))
});
/// A queue's tag between prefixes (`Re: [support #12] AW: …`) hides no prefix behind it.
static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*\[[^\[\]]{1,60}\]\s*"));
static FORWARD_SUFFIX: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\s*\((?:fwd|fw|wg)\)\s*$"));

fn pattern(p: &str) -> Regex {
    // Patterns are constants of this file; each is compiled by a test.
    #[allow(clippy::unwrap_used)]
    Regex::new(p).unwrap()
}

/// Whether the subject says that the mail was forwarded. The outermost prefix decides: `WG: Re: …` is a forward, `Re: Fwd: …` an answer.
pub fn is_forward(subject: &str) -> bool {
    let subject = without_tags(subject);
    let prefixed = PREFIX
        .captures(subject)
        .is_some_and(|p| p.name("forward").is_some());
    prefixed || (FORWARD_SUFFIX.is_match(subject) && !is_reply(subject))
}

/// Whether the subject says that the mail answers one.
pub fn is_reply(subject: &str) -> bool {
    let subject = without_tags(subject);
    PREFIX
        .captures(subject)
        .is_some_and(|p| p.name("reply").is_some())
}

fn without_tags(mut subject: &str) -> &str {
    for _ in 0..4 {
        match TAG.find(subject) {
            Some(tag) if PREFIX.is_match(&subject[tag.end()..]) => subject = &subject[tag.end()..],
            _ => break,
        }
    }
    subject
}

/// The subject without any prefix, with the tags of queues and lists that stand before the words.
pub fn bare_subject(subject: &str) -> &str {
    let mut bare = subject.trim();
    for _ in 0..32 {
        let cut = without_tags(bare);
        bare = match PREFIX.find(cut) {
            Some(prefix) if prefix.end() < cut.len() => &cut[prefix.end()..],
            Some(_) => "",
            None => break,
        };
    }
    let bare = match FORWARD_SUFFIX.find(bare) {
        Some(suffix) => &bare[..suffix.start()],
        None => bare,
    };
    bare.trim()
}

/// Mails that belong together, by their places in the list that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// In the order given.
    pub members: Vec<usize>,
    /// Which of them answers which.
    pub parents: BTreeMap<usize, usize>,
}

/// Groups mails by threading evidence alone, in the order given.
///
/// An id joins all mails that carry or name it, whether its own mail has been seen or not: two answers to a mail we never got belong together. A subject
/// joins only a mail that says it is an answer and whose client gave no id at all.
pub fn group(mails: &[&Mail]) -> Vec<Thread> {
    let mut sets = Sets::new(mails.len());
    let mut first_with: BTreeMap<String, usize> = BTreeMap::new();
    let mut first_with_subject: BTreeMap<String, usize> = BTreeMap::new();
    for (i, mail) in mails.iter().enumerate() {
        for key in keys(mail) {
            let first = *first_with.entry(key).or_insert(i);
            sets.join(first, i);
        }
        let subject = subject_key(&mail.subject);
        if subject.is_empty() {
            continue;
        }
        match first_with_subject.get(&subject) {
            Some(&first) if answers_by_subject(mail) => sets.join(first, i),
            Some(_) => {}
            None => {
                first_with_subject.insert(subject, i);
            }
        }
    }
    let parents = parents(mails);
    let mut threads: BTreeMap<usize, Thread> = BTreeMap::new();
    for i in 0..mails.len() {
        threads.entry(sets.root(i)).or_default().members.push(i);
    }
    let mut threads: Vec<Thread> = threads.into_values().collect();
    threads.sort_by_key(|t| t.members.first().copied());
    for thread in &mut threads {
        thread.parents = thread
            .members
            .iter()
            .filter_map(|m| parents[*m].map(|p| (*m, p)))
            .collect();
    }
    threads
}

/// Everything that joins a mail to others.
fn keys(mail: &Mail) -> Vec<String> {
    let ids = mail
        .message_id
        .iter()
        .chain(&mail.in_reply_to)
        .chain(&mail.references);
    let bounced = mail
        .bounce
        .as_ref()
        .and_then(|b| b.original_message_id.as_ref());
    let index = mail.thread_index.iter().map(|t| format!("index {t}"));
    ids.chain(bounced)
        .map(|id| format!("id {id}"))
        .chain(index)
        .collect()
}

/// Whether the subject is all that an answer has to say whom it answers. On a list many write under one subject; there it says nothing.
fn answers_by_subject(mail: &Mail) -> bool {
    let names_relatives = !mail.in_reply_to.is_empty() || !mail.references.is_empty();
    let from_list = ["list-id", "list-post", "mailing-list"]
        .iter()
        .any(|h| mail.header(h).is_some());
    !names_relatives && !from_list && is_reply(&mail.subject)
}

/// The bare subject without tags at either end, folded.
fn subject_key(subject: &str) -> String {
    let mut bare = bare_subject(subject);
    while let Some(tag) = TAG.find(bare) {
        bare = &bare[tag.end()..];
    }
    if bare.ends_with(']')
        && let Some(at) = bare.rfind('[')
    {
        bare = &bare[..at];
    }
    bare.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

/// For each mail, the nearest of its ancestors that is at hand.
fn parents(mails: &[&Mail]) -> Vec<Option<usize>> {
    let mut carries: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, mail) in mails.iter().enumerate() {
        if let Some(id) = &mail.message_id {
            carries.entry(id).or_insert(i);
        }
    }
    let mut parents: Vec<Option<usize>> = vec![None; mails.len()];
    for (i, mail) in mails.iter().enumerate() {
        let named = mail
            .references
            .iter()
            .rev()
            .take(1)
            .chain(&mail.in_reply_to)
            .chain(mail.references.iter().rev().skip(1));
        let nearest = named
            .filter_map(|id| carries.get(id.as_str()).copied())
            .find(|&p| p != i && !descends(&parents, p, i));
        parents[i] = nearest;
    }
    parents
}

/// Whether `mail` has `ancestor` above it.
fn descends(parents: &[Option<usize>], mail: usize, ancestor: usize) -> bool {
    let mut at = mail;
    // A chain longer than this is no conversation; refusing the link keeps the walk bounded.
    for _ in 0..1000 {
        match parents[at] {
            Some(p) if p == ancestor => return true,
            Some(p) => at = p,
            None => return false,
        }
    }
    true
}

/// Disjoint sets of mails; the earliest mail stands for its set.
struct Sets(Vec<usize>);

impl Sets {
    fn new(len: usize) -> Self {
        Sets((0..len).collect())
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = (a.min(b), a.max(b));
        self.0[high] = low;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail;

    fn mail(headers: &str) -> Mail {
        mail::read(format!("{headers}\n\nText.\n").as_bytes())
    }

    /// Which mails share a thread, as `ab c`: one letter a mail, in the order given.
    fn check(mails: &[&str], expected: &str) {
        let mails: Vec<Mail> = mails.iter().map(|m| mail(m)).collect();
        let threads = group(&mails.iter().collect::<Vec<_>>());
        let letters = |t: &Thread| {
            t.members
                .iter()
                .map(|&m| char::from(b'a' + m as u8))
                .collect::<String>()
        };
        assert_eq!(
            threads.iter().map(letters).collect::<Vec<_>>().join(" "),
            expected
        );
    }

    #[test]
    fn an_answer_joins_the_mail_it_names() {
        check(
            &[
                "Message-ID: <1@x>",
                "Message-ID: <2@x>\nIn-Reply-To: <1@x>",
                "Message-ID: <3@x>",
            ],
            "ab c",
        );
    }

    #[test]
    fn two_answers_to_a_mail_never_seen_belong_together() {
        check(
            &[
                "Message-ID: <2@x>\nReferences: <1@x>",
                "Message-ID: <3@x>\nReferences: <1@x>",
            ],
            "ab",
        );
    }

    #[test]
    fn the_answer_may_come_first() {
        check(
            &["Message-ID: <2@x>\nIn-Reply-To: <1@x>", "Message-ID: <1@x>"],
            "ab",
        );
    }

    #[test]
    fn two_threads_are_joined_by_a_mail_that_names_both() {
        check(
            &[
                "Message-ID: <1@x>",
                "Message-ID: <2@x>",
                "Message-ID: <3@x>\nReferences: <1@x> <2@x>",
            ],
            "abc",
        );
    }

    #[test]
    fn references_in_a_circle_end() {
        let circle = [
            "Message-ID: <1@x>\nReferences: <2@x>",
            "Message-ID: <2@x>\nReferences: <3@x>",
            "Message-ID: <3@x>\nReferences: <1@x>",
        ];
        check(&circle, "abc");
        check(&["Message-ID: <1@x>\nIn-Reply-To: <1@x>"], "a");
    }

    #[test]
    fn a_subject_alone_joins_only_an_answer_without_ids() {
        check(
            &[
                "Message-ID: <1@x>\nSubject: Printer",
                "Message-ID: <2@x>\nSubject: Printer",
            ],
            "a b",
        );
        check(
            &[
                "Message-ID: <1@x>\nSubject: Printer",
                "Message-ID: <2@x>\nSubject: AW: Printer",
            ],
            "ab",
        );
        check(
            &[
                "Message-ID: <1@x>\nSubject: Printer",
                "Message-ID: <2@x>\nSubject: AW: Printer\nReferences: <9@x>",
            ],
            "a b",
        );
        check(
            &[
                "Message-ID: <1@x>\nSubject: Printer",
                "Message-ID: <2@x>\nSubject: WG: Printer",
            ],
            "a b",
        );
        check(
            &[
                "Message-ID: <1@x>\nSubject: Printer",
                "Message-ID: <2@x>\nSubject: Re: Printer\nList-Id: <l.x>",
            ],
            "a b",
        );
    }

    #[test]
    fn mails_without_ids_stay_alone() {
        check(&["Subject: a", "Subject: b"], "a b");
    }

    #[test]
    fn a_parent_is_the_nearest_ancestor_at_hand() {
        let mails = [
            mail("Message-ID: <1@x>"),
            mail("Message-ID: <2@x>\nReferences: <1@x>"),
            mail("Message-ID: <4@x>\nReferences: <1@x> <2@x> <3@x>\nIn-Reply-To: <3@x>"),
        ];
        let threads = group(&mails.iter().collect::<Vec<_>>());
        assert_eq!(threads[0].parents, BTreeMap::from([(1, 0), (2, 1)]));
    }

    #[test]
    fn candidates_come_strongest_first_and_never_name_the_mail_itself() {
        let found = candidates(&mail(
            "Message-ID: <5@x>\nIn-Reply-To: <4@x>\nReferences: <1@x> <3@x> <5@x> <4@x>\nSubject: Re: [support #12] Printer",
        ));
        let id = |i: &str| format!("{i}@x");
        assert_eq!(
            found,
            [
                Evidence::InReplyTo(id("4")),
                Evidence::Reference(id("3")),
                Evidence::Reference(id("1")),
                Evidence::SubjectNumber(12)
            ]
        );
    }

    #[test]
    fn subjects_give_numbers_only_as_tickets() {
        for (subject, numbers) in [
            ("Re: [support #123] Printer", &[123][..]),
            ("AW: Ticket 123", &[123]),
            ("Ticket-Nr. 7", &[]),
            ("Ticket Nr. 7", &[7]),
            ("WG: Anfrage #99: Drucker", &[99]),
            ("#5 and #6", &[5, 6]),
            ("#5, again #5", &[5]),
            ("Error 404 on page 3", &[]),
            ("[support #99999999999999999999]", &[]),
            ("C#7 compiler", &[]),
        ] {
            assert_eq!(subject_numbers(subject), numbers, "{subject}");
        }
    }

    #[test]
    fn prefixes_of_answers_and_forwards() {
        for (subject, reply, forward, bare) in [
            ("Printer", false, false, "Printer"),
            ("Re: Printer", true, false, "Printer"),
            ("RE: Re: AW: Printer", true, false, "Printer"),
            ("AW: [support #1] AW: Printer", true, false, "Printer"),
            ("[support #1] AW: Printer", true, false, "Printer"),
            ("Re[2]: Printer", true, false, "Printer"),
            ("Re²: Printer", true, false, "Printer"),
            ("Re^3: Printer", true, false, "Printer"),
            ("Re (2): Printer", true, false, "Printer"),
            ("Antw: Printer", true, false, "Printer"),
            ("SV: Printer", true, false, "Printer"),
            ("R: Stampante", true, false, "Stampante"),
            ("RÉF : Imprimante", true, false, "Imprimante"),
            ("回复：打印机", true, false, "打印机"),
            ("Odp: Drukarka", true, false, "Drukarka"),
            ("Ynt: Yazıcı", true, false, "Yazıcı"),
            ("WG: Printer", false, true, "Printer"),
            ("Fwd: Re: Printer", false, true, "Printer"),
            ("FW: Printer", false, true, "Printer"),
            ("TR: Imprimante", false, true, "Imprimante"),
            ("I: Stampante", false, true, "Stampante"),
            ("RV: Impresora", false, true, "Impresora"),
            ("ENC: Impressora", false, true, "Impressora"),
            ("VB: Skrivare", false, true, "Skrivare"),
            ("VS: Printer", false, true, "Printer"),
            ("Doorst: Printer", false, true, "Printer"),
            ("PD: Drukarka", false, true, "Drukarka"),
            ("İLT: Yazıcı", false, true, "Yazıcı"),
            ("转发: 打印机", false, true, "打印机"),
            ("Re: Fwd: Printer", true, false, "Printer"),
            ("Printer (fwd)", false, true, "Printer"),
            ("Research: Printer", false, false, "Research: Printer"),
            ("Restart: Re: x", false, false, "Restart: Re: x"),
            ("Re:", true, false, ""),
            ("", false, false, ""),
        ] {
            assert_eq!(
                (
                    is_reply(subject),
                    is_forward(subject),
                    bare_subject(subject)
                ),
                (reply, forward, bare),
                "{subject}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_subject_has_a_bare_one_within_it(subject in "\\PC{0,80}|((re|aw|fwd|\\[x\\]|:| ){0,20})") {
            proptest::prop_assert!(subject.contains(bare_subject(&subject)));
            subject_numbers(&subject);
        }
    }
}
