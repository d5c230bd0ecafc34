//! What happens in the demo, and the mails that make it happen.

use anyhow::Context;
use chrono::{DateTime, TimeZone, Utc};
use std::path::{Path, PathBuf};

/// Monday, 7 September 2026, 08:00 Swiss time.
pub fn opening() -> DateTime<Utc> {
    clock(8, 0)
}

/// When the curtain falls.
pub fn closing() -> DateTime<Utc> {
    clock(11, 30)
}

/// Swiss summer time is two hours ahead of UTC.
fn clock(hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 9, 7, hour - 2, minute, 0)
        .single()
        .unwrap_or_default()
}

/// One mail of the day.
pub struct Act {
    /// When it arrives.
    pub at: DateTime<Utc>,
    /// For the audience.
    pub what: &'static str,
    mailbox: &'static str,
    mail: Mail,
}

/// How the mail is made.
enum Mail {
    /// Written by a customer or a stranger.
    Plain {
        from: &'static str,
        subject: &'static str,
        body: &'static str,
        id: &'static str,
        extra: &'static str,
    },
    /// The same bytes as an earlier mail.
    Again(&'static str),
    /// An answer to the newest letter of that kind in that person's mailbox.
    Answer {
        from: &'static str,
        letter: &'static str,
        number: usize,
        body: &'static str,
        to: &'static str,
    },
}

/// The day, in order.
pub fn acts() -> Vec<Act> {
    let plain = |hour, minute, what, mailbox, from, subject, body, id| Act {
        at: clock(hour, minute),
        what,
        mailbox,
        mail: Mail::Plain {
            from,
            subject,
            body,
            id,
            extra: "",
        },
    };
    let answer = |hour, minute, what, mailbox, from, letter, number, body, to| Act {
        at: clock(hour, minute),
        what,
        mailbox,
        mail: Mail::Answer {
            from,
            letter,
            number,
            body,
            to,
        },
    };
    vec![
        plain(
            8,
            0,
            "ACME (24x7, 30 min) reports an outage, in English.",
            "support",
            ACME,
            "Production is down",
            "Hello,\n\nSeverity: 1\nProduction is down: nobody can sign in since 07:55. We expected the login page and observe error 500.\nSteps: open the console, sign in. Network and compute are fine; logs follow.\n\nKind regards\nAlice\n",
            "outage",
        ),
        plain(
            8,
            1,
            "Bäckerei Keller (Extended SLA, 2 h) writes in Swiss German.",
            "support",
            BAECKEREI,
            "Login gaht nüme",
            "Grüezi mitenand\n\nSeverity: 2\nSit hüt am Morge chönd sich üsi Lüüt fascht nümme aamelde, d Konsole zeigt en Fehler.\nMir hend e Wiiterleitig erwartet, gseh tuet mer nume e leeri Siite.\n\nLiebi Grüess\nKäthi\n",
            "login",
        ),
        plain(
            8,
            2,
            "Initech (best effort) asks a question, in German.",
            "support",
            INITECH,
            "Frage zur Rollenzuordnung",
            "Guten Tag\n\nPriorität: 3\nWie ordnen wir eine Rolle mehreren Organisationen zu? In der Dokumentation finden wir dazu nichts.\n\nFreundliche Grüsse\nJonas Brändli\n",
            "roles",
        ),
        plain(
            8,
            3,
            "Globex wishes for a feature, in English.",
            "support",
            GLOBEX,
            "Feature request: SCIM groups",
            "Hello support,\n\nSeverity: 4\nWe would like to provision groups by SCIM. Is that planned?\n\nBest\nGina\n",
            "scim",
        ),
        Act {
            at: clock(8, 5),
            what: "The outage mail comes a second time: the same bytes.",
            mailbox: "support",
            mail: Mail::Again("outage"),
        },
        Act {
            at: clock(8, 6),
            what: "An out-of-office reply.",
            mailbox: "support",
            mail: Mail::Plain {
                from: BAECKEREI,
                subject: "Abwesenheitsnotiz: Ferien",
                body: "Ich bin bis am 14. September abwesend.\n",
                id: "absent",
                extra: "Auto-Submitted: auto-replied\r\n",
            },
        },
        Act {
            at: clock(8, 6),
            what: "A bounce.",
            mailbox: "support",
            mail: Mail::Plain {
                from: "Mail Delivery System <mailer-daemon@mx.other.example>",
                subject: "Undelivered Mail Returned to Sender",
                body: "This is the mail system at host mx.other.example.\n\n<gone@other.example>: host mx.other.example said: 550 5.1.1 user unknown\n",
                id: "bounce",
                extra: "Return-Path: <>\r\nAuto-Submitted: auto-replied\r\n",
            },
        },
        Act {
            at: clock(8, 6),
            what: "A newsletter.",
            mailbox: "support",
            mail: Mail::Plain {
                from: "News <news@shop.example>",
                subject: "Our offers in September",
                body: "Buy now.\n",
                id: "news",
                extra: "List-Id: <news.shop.example>\r\nPrecedence: bulk\r\n",
            },
        },
        plain(
            8,
            7,
            "A researcher reports a vulnerability to security@.",
            "security",
            "Rita Research <rita@lab.example>",
            "Token leak in the console",
            "Hello,\n\nI found that session tokens leak through the referrer header. Details on request.\n\nRita\n",
            "leak",
        ),
        answer(
            8,
            10,
            "Anna answers the outage from her mail client.",
            "support",
            ANNA,
            "anna@vendor.example",
            1,
            "Dear Alice\n\nWe see it too and are rolling back the release of this morning. Next update in 30 minutes.\n\nAnna\n",
            "support@desk.example",
        ),
        answer(
            8,
            20,
            "ACME replies in the thread.",
            "support",
            ACME,
            "alice@acme.example",
            1,
            "Thank you, we can sign in again.\n",
            "support@desk.example",
        ),
        answer(
            8,
            25,
            "Initech adds something to its question.",
            "support",
            INITECH,
            "jonas@initech.example",
            3,
            "Es geht um die Version 3.2.\n",
            "support@desk.example",
        ),
        answer(
            9,
            0,
            "Globex escalates urgently, to hi@.",
            "hi",
            GLOBEX,
            "gina@globex.example",
            4,
            "We need an answer to this today, please involve your management.\n",
            "hi@desk.example",
        ),
        answer(
            9,
            30,
            "Carla, a manager, answers the escalation.",
            "support",
            CARLA,
            "carla@vendor.example",
            4,
            "Dear Gina\n\nGroups by SCIM are planned for the next release; I will call you this afternoon.\n\nCarla\n",
            "support@desk.example",
        ),
        answer(
            10,
            47,
            "Anna answers Bäckerei Keller, 46 minutes late.",
            "support",
            ANNA,
            "anna@vendor.example",
            2,
            "Guten Tag Frau Keller\n\nBitte entschuldigen Sie die Verspätung. Der Fehler ist gefunden, die Anmeldung läuft wieder.\n\nAnna Muster\n",
            "support@desk.example",
        ),
    ]
}

const ACME: &str = "Alice Example <alice@acme.example>";
const BAECKEREI: &str = "=?utf-8?q?K=C3=A4thi_Keller?= <kaethi@baeckerei-keller.example>";
const INITECH: &str = "=?utf-8?q?Jonas_Br=C3=A4ndli?= <jonas@initech.example>";
const GLOBEX: &str = "Gina Globex <gina@globex.example>";
const ANNA: &str = "Anna Muster <anna@vendor.example>";
const CARLA: &str = "Carla Chef <carla@vendor.example>";

/// The folders of the demo.
pub struct Stage {
    folder: PathBuf,
}

impl Stage {
    /// The stage in this folder.
    pub fn at(folder: &Path) -> Self {
        Stage {
            folder: folder.to_path_buf(),
        }
    }

    /// Puts the act's mail into its mailbox, as a mail server would; how many mails that were.
    pub fn deliver(&self, act: &Act) -> anyhow::Result<usize> {
        let raw = self.raw(act)?;
        let mailbox = self.folder.join("in").join(act.mailbox);
        let name = format!("{}.{:08x}.demo", act.at.timestamp(), fastrand::u32(..));
        let file = mailbox.join("tmp").join(&name);
        std::fs::write(&file, raw)?;
        // The server's own clock says when it was received.
        std::fs::File::options()
            .write(true)
            .open(&file)?
            .set_modified(act.at.into())?;
        std::fs::rename(&file, mailbox.join("new").join(&name))?;
        Ok(1)
    }

    /// The letters to an address, oldest first.
    pub fn letters(&self, address: &str) -> anyhow::Result<Vec<String>> {
        let folder = self.folder.join("out").join(address).join("new");
        let Ok(entries) = std::fs::read_dir(&folder) else {
            return Ok(vec![]);
        };
        let mut files: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
        files.sort();
        files
            .iter()
            .map(|f| Ok(String::from_utf8_lossy(&std::fs::read(f)?).into_owned()))
            .collect()
    }

    /// Everybody who got a letter.
    pub fn recipients(&self) -> anyhow::Result<Vec<String>> {
        let entries = std::fs::read_dir(self.folder.join("out"))?;
        let mut names: Vec<String> = entries
            .filter_map(|e| e.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        Ok(names)
    }

    fn raw(&self, act: &Act) -> anyhow::Result<String> {
        Ok(match &act.mail {
            Mail::Plain {
                from,
                subject,
                body,
                id,
                extra,
            } => mail(
                act,
                from,
                &format!("{}@desk.example", act.mailbox),
                subject,
                body,
                id,
                extra,
            ),
            Mail::Again(id) => {
                let acts = acts();
                let first = acts
                    .iter()
                    .find(|a| matches!(&a.mail, Mail::Plain { id: i, .. } if i == id))
                    .context("an act repeats one that is not there")?;
                return self.raw(first);
            }
            Mail::Answer {
                from,
                letter,
                number,
                body,
                to,
            } => {
                let letters = self.letters(letter)?;
                let about = |l: &&String| {
                    header(l, "Message-ID")
                        .is_some_and(|id| id.split('.').nth(1) == Some(&number.to_string()))
                };
                let last = letters
                    .iter()
                    .rev()
                    .find(about)
                    .with_context(|| format!("{letter} got no letter on ticket {number}"))?;
                let (id, subject) = (
                    header(last, "Message-ID").unwrap_or_default(),
                    header(last, "Subject").unwrap_or_default(),
                );
                let extra = format!("In-Reply-To: {id}\r\nReferences: {id}\r\n");
                mail(
                    act,
                    from,
                    to,
                    &format!("Re: {subject}"),
                    body,
                    &format!("answer-{number}-{}", act.at.timestamp()),
                    &extra,
                )
            }
        })
    }
}

fn mail(
    act: &Act,
    from: &str,
    to: &str,
    subject: &str,
    body: &str,
    id: &str,
    extra: &str,
) -> String {
    let domain = from
        .rsplit_once('@')
        .map_or("", |(_, d)| d.trim_end_matches('>'));
    let automatic = extra.contains("Return-Path");
    let authenticated = if automatic { "none" } else { "pass" };
    let subject = if subject.is_ascii() {
        subject.to_string()
    } else {
        format!(
            "=?utf-8?b?{}?=",
            data_encoding::BASE64.encode(subject.as_bytes())
        )
    };
    format!(
        "Authentication-Results: mx.desk.example; dmarc={authenticated} header.from={domain}\r\nReceived: from mx.{domain} by mx.desk.example; {date}\r\n\
         From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {date}\r\nMessage-ID: <{id}@{domain}>\r\n{extra}\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}",
        body.replace('\n', "\r\n"),
        date = act.at.to_rfc2822(),
    )
}

fn header<'a>(letter: &'a str, name: &str) -> Option<&'a str> {
    letter
        .lines()
        .find_map(|l| l.strip_prefix(name)?.strip_prefix(": "))
}
