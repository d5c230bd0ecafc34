//! The command line: one definition for help, man pages and completions.

use super::progress::Progress;
use super::reach::Way;
use super::request::Request;
use super::verbs::Said;
use super::{
    Fault, check, contract, credits, deadline, demo, exit, failed, inspect, outbox, reach, receive,
    report, review, rules, tickets,
};
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::post::watch;
use crate::{daemon, store};
use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where the configuration is, unless `--config` names another.
const CONFIG: &str = "/etc/ticketd/ticketd.toml";

/// Keeps a support contract by mail.
#[derive(Debug, Parser)]
#[command(name = "ticketd", version)]
pub struct Cli {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = CONFIG
    )]
    pub config: PathBuf,
    /// The state directory, instead of the configured one.
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The configuration, with `--state` in force.
    pub fn config(&self) -> anyhow::Result<Config> {
        let config = Config::read(&self.config).map_err(Fault::config)?;
        Ok(match &self.state {
            // Another state folder has another daemon, or none.
            Some(state) if *state != config.state => Config {
                state: state.clone(),
                control: state.join("control"),
                ..config
            },
            _ => config,
        })
    }

    /// The configuration for a command that needs no store; none where nobody named one and none is installed: then what is shipped counts.
    pub fn configured(&self) -> Result<Option<Config>, Vec<Diagnostic>> {
        if self.config == Path::new(CONFIG) && !self.config.exists() {
            return Ok(None);
        }
        Config::read(&self.config).map(Some)
    }
}

/// What ticketd can be told to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The main job with no server and no configuration.
    Demo(demo::Arguments),
    /// The daemon.
    Run,
    /// Configuration, rules with their examples, contract, letters.
    Check(check::Arguments),
    /// Takes mails as newly arrived, durably, and ends. Sends nothing: letters wait for `run`.
    Receive(receive::Arguments),
    /// What ticketd sees in a mail, without a store.
    Inspect(inspect::Arguments),
    /// When an objective expires, and how that was computed.
    Deadline(deadline::Arguments),
    /// The contract, printed.
    Contract(contract::Arguments),
    /// Rules against mails.
    Rules(rules::Arguments),
    /// Tickets: open ones, the nearest deadline on top.
    List(tickets::Filter),
    /// One ticket with its whole record.
    Show {
        /// Its number; 0 is the file of automatic mail.
        ticket: u64,
        /// Entry K's mail or letter, byte for byte.
        #[arg(long, value_name = "K")]
        raw: Option<u32>,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// What staff can do to a ticket, as by mail.
    #[command(flatten)]
    Staff(Said),
    /// The ledger: what missed deadlines have earned each customer.
    Credits(credits::Filter),
    /// Tickets, deadlines, response times and credits, per customer and month.
    Report(report::Filter),
    /// The review pack of a customer's fortnight.
    Review(review::Filter),
    /// Letters waiting, held, failed, unknown.
    Outbox {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        /// What to do about them; without it they are listed.
        #[command(subcommand)]
        wish: Option<OutboxWish>,
    },
    /// Every promise of the store checked.
    Audit {
        /// One JSON object a finding.
        #[arg(long)]
        json: bool,
    },
    /// The index anew from the journal. The daemon must not run.
    Rebuild,
    /// Is all well: exit 0, 1 (warning), 2 (critical).
    Status {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Completions for a shell, on standard output.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Writes the man pages into a folder.
    Man {
        /// The folder; it is made if need be.
        folder: PathBuf,
    },
    /// Reads the mail on standard input and says nothing. `run` tries a mail by it that was being read when it was killed.
    #[command(hide = true)]
    ReadAlone,
    /// Tests only: sets the running daemon's clock so many seconds ahead.
    #[cfg(debug_assertions)]
    #[command(hide = true)]
    Offset {
        /// Seconds.
        #[arg(allow_negative_numbers = true)]
        secs: i64,
    },
}

/// What to do about letters.
#[derive(Debug, Subcommand)]
pub enum OutboxWish {
    /// Held letters may go.
    Release,
    /// One letter is tried at once: TICKET/ENTRY.
    Retry {
        /// As listed.
        letter: String,
    },
    /// One letter is dropped for good: TICKET/ENTRY.
    Drop {
        /// As listed.
        letter: String,
    },
}

/// Runs the command; the process's exit code.
pub fn run() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return match e.use_stderr() {
                true if receive::is_pipe(std::env::args_os()) => exit::TEMPFAIL,
                true => exit::USAGE,
                false => exit::OK,
            };
        }
    };
    match &cli.command {
        Command::Demo(arguments) => demo::run(arguments),
        Command::Run => run_daemon(&cli),
        Command::Check(arguments) => check::run(&cli, arguments),
        Command::Receive(arguments) => receive::run(&cli, arguments),
        Command::Inspect(arguments) => inspect::run(&cli, arguments),
        Command::Deadline(arguments) => deadline::run(&cli, arguments),
        Command::Contract(arguments) => contract::run(&cli, arguments),
        Command::Rules(arguments) => rules::run(&cli, arguments),
        Command::Rebuild => rebuild(&cli),
        Command::Completions { shell } => completions(*shell),
        Command::Man { folder } => man(folder),
        Command::ReadAlone => match watch::read_alone() {
            true => exit::OK,
            false => exit::SOFTWARE,
        },
        Command::Report(filter) => report(&cli, filter),
        Command::Review(filter) => {
            let request = Request::Review(filter.clone());
            into_file(&cli, request, filter.html.as_deref())
        }
        other => ask(&cli, request(other)),
    }
}

/// What is asked of the record.
fn request(command: &Command) -> Option<Request> {
    Some(match command {
        Command::List(filter) => Request::List(filter.clone()),
        Command::Show { ticket, raw, json } => Request::Show {
            ticket: *ticket,
            raw: *raw,
            json: *json,
        },
        Command::Staff(said) => Request::Command {
            by: said.by.clone(),
            ticket: said.ticket,
            line: said.line.clone(),
        },
        Command::Credits(filter) => Request::Credits(filter.clone()),
        Command::Outbox { json, wish } => Request::Outbox(outbox_wish(*json, wish.as_ref())),
        Command::Audit { json } => Request::Audit { json: *json },
        Command::Status { json } => Request::Status { json: *json },
        #[cfg(debug_assertions)]
        Command::Offset { secs } => Request::Offset { secs: *secs },
        _ => return None,
    })
}

fn outbox_wish(json: bool, wish: Option<&OutboxWish>) -> outbox::Wish {
    match wish {
        None => outbox::Wish::List { json },
        Some(OutboxWish::Release) => outbox::Wish::Release,
        Some(OutboxWish::Retry { letter }) => outbox::Wish::Retry(letter.clone()),
        Some(OutboxWish::Drop { letter }) => outbox::Wish::Drop(letter.clone()),
    }
}

/// The other contract is read here: the daemon may not be allowed to.
fn report(cli: &Cli, filter: &report::Filter) -> u8 {
    let mut filter = filter.clone();
    if let Some(path) = &filter.contract {
        match std::fs::read_to_string(path) {
            Ok(text) => filter.other = Some((path.display().to_string(), text)),
            Err(e) => {
                let words = format!("{} cannot be read: {e}", path.display());
                return failed(&Fault::error(exit::DATA, words));
            }
        }
    }
    let html = filter.html.clone();
    into_file(cli, Request::Report(filter), html.as_deref())
}

/// The answer into a file, or to standard output where none is named. A file is written whole or not at all.
fn into_file(cli: &Cli, request: Request, path: Option<&Path>) -> u8 {
    let Some(path) = path else {
        return ask(cli, Some(request));
    };
    let mut answer = vec![];
    let code = ask_into(cli, request, &mut answer);
    if code != exit::OK {
        return code;
    }
    match std::fs::write(path, answer) {
        Ok(()) => exit::OK,
        Err(e) => {
            let words = format!("{} cannot be written: {e}", path.display());
            failed(&Fault::error(exit::DATA, words))
        }
    }
}

fn ask(cli: &Cli, request: Option<Request>) -> u8 {
    let Some(request) = request else {
        return exit::SOFTWARE;
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    ask_into(cli, request, &mut out)
}

fn ask_into(cli: &Cli, request: Request, out: &mut dyn Write) -> u8 {
    let asked = cli
        .config()
        .and_then(|config| Way::find(&config))
        .and_then(|mut way| {
            let code = way.ask(request, out)?;
            way.close()?;
            Ok(code)
        });
    let flushed = out.flush();
    match asked {
        Ok(code) if flushed.is_ok() => code,
        // The reader of a pipe went away: `ticketd list | head`.
        Ok(_) => exit::OK,
        Err(e) => failed(&e),
    }
}

fn run_daemon(cli: &Cli) -> u8 {
    let lived = cli.config().and_then(|config| {
        super::log::begin(&config.log);
        daemon::run(config)
    });
    match lived {
        Ok(()) => exit::OK,
        Err(e) => failed(&e),
    }
}

fn rebuild(cli: &Cli) -> u8 {
    match cli.config().and_then(|config| rebuilt(&config)) {
        Ok(records) => {
            println!("The index is made anew from the journal: {records} records.");
            exit::OK
        }
        Err(e) => failed(&e),
    }
}

/// How many records the journal has.
fn rebuilt(config: &Config) -> anyhow::Result<u64> {
    anyhow::ensure!(
        config.state.join("journal").is_dir(),
        Fault {
            code: exit::DATA,
            words: format!(
                "{} has no journal to make an index from; name the state folder with --state",
                config.state.display()
            ),
        }
    );
    reach::as_owner(&config.state)?;
    let mut shown = Progress::of("records");
    let mut records = 0;
    let mut progress = |last: u64| {
        records = last;
        shown.at(last);
    };
    let made = store::audit::rebuild_with(&config.state, reach::options(config), &mut progress);
    drop(shown);
    match made {
        Err(e) if e.is::<store::Locked>() => {
            let words = format!(
                "{e:#}; rebuild wants the store for itself: systemctl stop ticketd, then again"
            );
            Err(Fault::error(exit::TEMPFAIL, words))
        }
        made => made.map(|()| records),
    }
}

fn completions(shell: clap_complete::Shell) -> u8 {
    let mut text = vec![];
    clap_complete::generate(shell, &mut Cli::command(), "ticketd", &mut text);
    match std::io::stdout().write_all(&text) {
        Ok(()) => exit::OK,
        Err(_) => exit::TEMPFAIL,
    }
}

fn man(folder: &Path) -> u8 {
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
        .with_context(|| format!("the man pages cannot be written into {}", folder.display()));
    match written {
        Ok(()) => exit::OK,
        Err(e) => failed(&e),
    }
}
