//! What staff can do to a ticket, from a shell: a subcommand for each row of the desk's table of verbs.
//!
//! Knows how words on a command line become the lines that a mail would have; what they do, and who may, is the desk's ([`VERBS`]).

use crate::desk::command::{Road, VERBS, Verb};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::io::Read;

/// The options of `open`, each a command of its own below it.
const OF_OPEN: [(&str, &str, &str); 5] = [
    ("channel", "CHANNEL", "phone, chat or mail"),
    (
        "received",
        "TIME",
        "when it reached us: 09:12, or \"2026-09-04 16:30\"",
    ),
    ("severity", "N", "1 to 4"),
    (
        "customer",
        "ID",
        "whose request it is, if not the address's",
    ),
    ("assign", "NAME", "who looks after it"),
];

/// Something said from a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// A staff id, or `operator`.
    pub by: String,
    /// 0 where no ticket is meant.
    pub ticket: u64,
    /// As a mail would say it, without the first `#`.
    pub line: String,
}

impl clap::Subcommand for Said {
    fn augment_subcommands(cmd: Command) -> Command {
        let from_a_shell = VERBS.iter().filter(|v| v.road != Road::Mail);
        from_a_shell.fold(cmd, |cmd, verb| cmd.subcommand(subcommand(verb)))
    }

    fn augment_subcommands_for_update(cmd: Command) -> Command {
        Self::augment_subcommands(cmd)
    }

    fn has_subcommand(name: &str) -> bool {
        VERBS.iter().any(|v| v.name == name && v.road != Road::Mail)
    }
}

impl clap::FromArgMatches for Said {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match matches.subcommand() {
            Some((name, matches)) if <Self as clap::Subcommand>::has_subcommand(name) => {
                said(name, matches)
            }
            _ => Err(clap::Error::new(clap::error::ErrorKind::MissingSubcommand)),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn subcommand(verb: &'static Verb) -> Command {
    let mut about = verb.about.to_string();
    if let Some(first) = about.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let mut cmd = Command::new(verb.name).about(about);
    if verb.name == "open" {
        for (name, value, help) in OF_OPEN {
            cmd = cmd.arg(Arg::new(name).long(name).value_name(value).help(help));
        }
        let text = Arg::new("text").long("text").value_name("TEXT");
        cmd = cmd.arg(text.help("What the customer wants; - is standard input"));
    } else {
        let ticket = Arg::new("ticket").value_name("TICKET").required(true);
        let ticket = ticket.value_parser(clap::value_parser!(u64));
        cmd = cmd.arg(ticket.help("The ticket's number; 0 is the file of automatic mail"));
    }
    if verb.name == "time" {
        // An argument of its own: were hyphens allowed in the words, these would take in the options behind them.
        let length = Arg::new("length")
            .value_name("LENGTH")
            .allow_hyphen_values(true);
        let length = length.value_parser(length_or_words);
        cmd = cmd.arg(length.help("45m, 1h30m; -15m takes back"));
    }
    if !verb.takes.is_empty() {
        let words = Arg::new("words").value_name("WORDS").num_args(0..);
        let takes = match verb.takes.split_once(' ') {
            Some((_, behind)) if verb.name == "time" => behind,
            _ => verb.takes,
        };
        let help = format!("{takes}; - alone is standard input");
        cmd = cmd.arg(words.help(help));
    }
    let by = Arg::new("by").long("by").value_name("ID");
    let by = by.default_value("operator");
    let dry = Arg::new("dry-run")
        .long("dry-run")
        .action(ArgAction::SetTrue);
    cmd.arg(by.help("On behalf of somebody of the staff, by id"))
        .arg(dry.help("Says what it would do, and does nothing"))
}

/// What begins with a hyphen and is no time is a mistyped option.
fn length_or_words(text: &str) -> Result<String, String> {
    let is_option = text
        .strip_prefix('-')
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(|c: char| c.is_ascii_digit()));
    match is_option {
        true => Err("it is neither an option nor a time such as -15m".into()),
        false => Ok(text.into()),
    }
}

fn said(name: &str, matches: &ArgMatches) -> Result<Said, clap::Error> {
    let given = |id: &str| matches.try_get_one::<String>(id).ok().flatten();
    let words = matches.try_get_many::<String>("words").ok().flatten();
    let words = given("length")
        .into_iter()
        .chain(words.into_iter().flatten());
    let words: Vec<&str> = words.map(String::as_str).collect();
    let words = match words[..] {
        ["-"] => standard_input()?,
        _ => words.join(" "),
    };
    // What belongs to one command stays on its line; a note and a reply may have many.
    let words = match name {
        "note" | "reply" => words,
        _ => words.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    let mut line = format!("{name} {words}");
    if name == "open" {
        for (option, _, _) in OF_OPEN {
            if let Some(value) = given(option) {
                let value: Vec<&str> = value.split_whitespace().collect();
                line.push_str(&format!("\n#{option} {}", value.join(" ")));
            }
        }
        match given("text").map(String::as_str) {
            Some("-") => line.push_str(&format!("\n\n{}", standard_input()?)),
            Some(text) => line.push_str(&format!("\n\n{text}")),
            None => {}
        }
    }
    if matches.get_flag("dry-run") {
        line = match name {
            "open" => format!("{line}\n").replacen('\n', "\n#dry-run\n", 1),
            _ => format!("dry-run\n#{line}"),
        };
    }
    let ticket = matches.try_get_one::<u64>("ticket").ok().flatten();
    Ok(Said {
        by: given("by").cloned().unwrap_or_default(),
        ticket: ticket.copied().unwrap_or(0),
        line,
    })
}

fn standard_input() -> Result<String, clap::Error> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map_err(|e| clap::Error::raw(clap::error::ErrorKind::Io, format!("{e}\n")))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use crate::ops::cli::Cli;
    use clap::{CommandFactory, Parser};

    #[track_caller]
    fn check(arguments: &[&str], ticket: u64, line: &str) {
        let cli = Cli::try_parse_from([&["ticketd"], arguments].concat()).unwrap();
        let crate::ops::cli::Command::Staff(said) = cli.command else {
            panic!("{arguments:?} is another command");
        };
        assert_eq!((said.ticket, said.line.as_str()), (ticket, line));
    }

    #[test]
    fn words_become_the_line_of_a_mail() {
        check(
            &["severity", "7", "2", "workaround:", "restart"],
            7,
            "severity 2 workaround: restart",
        );
        check(
            &["close", "7", "all\n#void spam x"],
            7,
            "close all #void spam x",
        );
        check(&["note", "7", "a\nb"], 7, "note a\nb");
        check(&["take", "7", "--by", "anna"], 7, "take ");
        check(
            &["void", "7", "spam", "x", "--dry-run"],
            7,
            "dry-run\n#void spam x",
        );
        check(
            &["escalate", "7", "urgent", "09:12"],
            7,
            "escalate urgent 09:12",
        );
    }

    #[test]
    fn time_is_taken_back_with_a_minus() {
        for (arguments, line) in [
            (
                &["time", "7", "-15m", "tam", "twice"][..],
                "time -15m tam twice",
            ),
            (&["time", "7", "--", "-15m", "tam"], "time -15m tam"),
            (&["time", "7", "45m"], "time 45m"),
            (&["time", "7"], "time "),
            // An option is an option wherever it stands.
            (
                &["time", "7", "-1h30m", "twice", "--dry-run"],
                "dry-run\n#time -1h30m twice",
            ),
            (&["time", "7", "--dry-run", "-15m"], "dry-run\n#time -15m"),
            (
                &["time", "7", "-15m", "--by", "anna", "tam"],
                "time -15m tam",
            ),
            (&["time", "--by", "anna", "7", "-15m"], "time -15m"),
        ] {
            check(arguments, 7, line);
        }
        for wrong in [
            &["ticketd", "time", "7", "--bye", "anna"][..],
            &["ticketd", "time", "7", "-x"],
            &["ticketd", "time", "7", "-15m", "-x"],
            &["ticketd", "close", "7", "-15m"],
        ] {
            assert!(Cli::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
        let said = Cli::try_parse_from(["ticketd", "time", "7", "-15m", "--by", "anna"]);
        let crate::ops::cli::Command::Staff(said) = said.unwrap().command else {
            panic!("another command");
        };
        assert_eq!(said.by, "anna");
    }

    #[test]
    fn opening_is_one_call() {
        check(
            &[
                "open",
                "alice@acme.example",
                "Printer",
                "--channel",
                "phone",
                "--received",
                "09:12",
                "--text",
                "It burns.",
            ],
            0,
            "open alice@acme.example Printer\n#channel phone\n#received 09:12\n\nIt burns.",
        );
        check(
            &["open", "alice@acme.example", "--dry-run"],
            0,
            "open alice@acme.example\n#dry-run\n",
        );
    }

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
