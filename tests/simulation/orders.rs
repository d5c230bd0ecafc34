//! What staff order, by mail and from a shell: every verb, right and wrong, alone and together, with an answer below it or with a note in the wrong place.

use fastrand::Rng;

/// No letter to a customer says so.
pub const SECRETS: [&str; 9] = [
    "FORGED",
    "only for us",
    // Stands beside a note in the wrong place.
    "HELD",
    // Was only tried.
    "DRY",
    // Of our own letters to staff.
    "found by the rules",
    "stated by the customer)",
    "determined by staff)",
    "How the deadline was computed",
    "has missed its",
];

/// Who gives orders; the operator is nobody of the staff list.
pub const STAFF: [&str; 6] = ["anna", "beat", "carla", "dario", "eva", "operator"];

/// Of an answer only one letter comes, to each who gets it: what is after this is its number.
pub const ANSWER: &str = "Answer ";

/// A mail's media type and its body; `quoted` is the letter that it answers.
pub fn mail(rng: &mut Rng, id: u32, tickets: u64, quoted: &str) -> (&'static str, String) {
    let text = text(rng, id, tickets, quoted);
    match rng.u8(..5) {
        0 => ("text/html", html(&text)),
        _ => ("text/plain", text),
    }
}

/// As a client writes that sends HTML alone: a block for each line, and one around what is quoted.
fn html(text: &str) -> String {
    let mut html = String::new();
    let mut is_quoted = false;
    for line in text.lines() {
        let quoted = line.strip_prefix("> ").or(line.strip_prefix('>'));
        if quoted.is_some() != is_quoted {
            is_quoted = !is_quoted;
            html.push_str(match is_quoted {
                true => "<blockquote type=\"cite\">\n",
                false => "</blockquote>\n",
            });
        }
        let line = quoted.unwrap_or(line).replace('&', "&amp;");
        let line = line.replace('<', "&lt;").replace('>', "&gt;");
        match line.is_empty() {
            true => html.push_str("<div><br></div>\n"),
            false => html.push_str(&format!("<div>{line}</div>\n")),
        }
    }
    if is_quoted {
        html.push_str("</blockquote>\n");
    }
    format!("<html><body>\n{html}</body></html>\n")
}

fn text(rng: &mut Rng, id: u32, tickets: u64, quoted: &str) -> String {
    let answer = format!("{ANSWER}{id}: we look into it.\n");
    let orders: String = (0..rng.u8(..4))
        .map(|_| format!("#{}\n", line(rng, id, tickets)))
        .collect();
    match rng.u8(..16) {
        0..=3 => answer,
        4..=6 if !orders.is_empty() => orders,
        7 | 8 => format!("{orders}\n{answer}"),
        9 => format!("{orders}#note only for us\n"),
        10 => format!("#dry-run\n{orders}\n{ANSWER}{id}: DRY.\n"),
        11 => format!("{orders}\n{ANSWER}{id}: HELD.\n\n|Why|#note only for us\n"),
        12 => format!("{ANSWER}{id}: HELD. PS: #note only for us\n"),
        13 => format!("{answer}\n-- \nAnna\n"),
        // As a client quotes that we do not know.
        14 => {
            let lines = quoted.lines().take(rng.usize(1..40));
            let lines: String = lines.map(|l| format!("   {l}\n")).collect();
            format!("{answer}\n{lines}")
        }
        _ => format!("{answer}\n> {}\n", quoted.replace('\n', "\n> ")),
    }
}

/// A line from a shell, without its mark.
pub fn from_shell(rng: &mut Rng, id: u32, tickets: u64) -> String {
    match rng.u8(..4) {
        0 => format!("reply {ANSWER}{id}: from a shell."),
        _ => line(rng, id, tickets),
    }
}

/// One command, without its mark. Many make no sense where they are given.
fn line(rng: &mut Rng, id: u32, tickets: u64) -> String {
    let ticket = rng.u64(1..tickets + 2);
    let severity = rng.u8(1..5);
    let mut one_of = |all: &[&str]| all[rng.usize(..all.len())].to_string();
    match one_of(&VERBS).as_str() {
        "severity" => format!("severity {severity} facts"),
        "corrected" => format!("severity corrected {severity} facts"),
        "assign" => format!(
            "assign {}",
            one_of(&["anna", "beat", "carla", "dario", "eva", "zoe"])
        ),
        "watch" => format!("watch {}", one_of(&["", "off"])),
        "queue" => format!("queue {}", one_of(&["support", "security", "nowhere"])),
        "void" => format!("void {} it is", one_of(&["spam", "duplicate", "withdrawn"])),
        "merge" => format!("merge {ticket}"),
        "split" => format!("split {} Another problem {id}", one_of(&["", "1", "3"])),
        "customer" => format!(
            "customer {}",
            one_of(&["acme", "baeckerei", "globex", "initech"])
        ),
        "plan" => format!("plan {}", one_of(&["dedicated", "extended-sla", "default"])),
        "channel" => format!("channel {}", one_of(&["phone", "chat", "mail"])),
        "language" => format!("language {}", one_of(&["de", "gsw", "en"])),
        "answered" => format!("answered {} 09:00 all is said", one_of(&["phone", "chat"])),
        "escalate" => format!(
            "escalate {}",
            one_of(&["urgent", "normal", "withdraw solved"])
        ),
        "template" => format!("template {}", one_of(&["consulting", "end-user"])),
        "human" => format!("human {}", one_of(&["", "1", "2"])),
        "reported" => format!("reported {}", one_of(&["warning", "notification", "final"])),
        "everyone" => format!("everyone Everybody hears of {id}."),
        "open" => format!(
            "open {} Something {id}",
            one_of(&["alice@acme.example", "security jonas@initech.example"])
        ),
        plain => plain.to_string(),
    }
}

const VERBS: [&str; 30] = [
    "severity",
    "severity",
    "corrected",
    "assign",
    "take",
    "queue",
    "watch",
    "note only for us",
    "close done",
    "close done",
    "reopen it is not",
    "void",
    "merge",
    "merge",
    "split",
    "customer",
    "plan",
    "channel",
    "received 07:00",
    "language",
    "time 45m the fuse",
    "answered",
    "escalate",
    "template",
    "everyone",
    "human",
    "open",
    "exploited it is seen",
    "reported",
    "fixed all of it",
];
