//! ticketd keeps a support contract by mail: every fact enters as an [`Event`](desk::Event), the clerk runs the pure desk on what is known, the store
//! writes the outcome in one durable batch, and only then does anything leave the building.
//!
//! ```text
//!    IMAP, Maildir --> post/watch --+                                   +--> post/deliver --> SMTP, Maildir
//!                                   |     load      decide     commit   |
//!    clock ----------> deadlines ---+--> [store] -> [desk] --> [store] -+--> bells: "something may be due"
//!                                   |         clerk: four steps         |
//!    command line --> ops/control --+                                   +--> answers
//! ```
//!
//! This page is the map. Each module opens with what it knows, what it promises and what it refuses to know; start there, read top-down.
//!
//! # What is never so
//!
//! Most of what holds this house up is something that is absent. `tests/architecture.rs` checks what can be seen in the source, the simulation
//! (`tests/simulation`) and [`store::audit`] what only shows in what happens.
//!
//! - **The desk has no I/O, no async, no clock, no randomness, no hash-map order, no `Result` and no panic.** [`desk::decide`] is a function of values: what is
//!   decided can be decided again. An unreadable mail is not an error but a ticket, with its oddities listed.
//! - **Nothing is sent that was not committed; nothing is taken that was not synced.** There is no instant at which a mail is gone from its server and not in the
//!   journal, and none at which a letter is with its recipient and not on record.
//! - **No hint is needed.** IDLE, bells and timers only make things sooner. The store is asked what is due; a lost hint costs latency, never a mail, a letter
//!   or a warning.
//! - **Nobody asks what time it is** but [`clock`]; time is an argument everywhere else.
//! - **No decision writes an index row.** A decision yields records; rows are derived from records in `store/writing.rs`, old ones removed, new ones added.
//!   So no decision can forget to clear a deadline.
//! - **No key is spelled outside** `store/keys.rs`, **no sled outside** `store/index.rs`, no async-imap outside `post/`, no mail-parser outside `mail/`, no tokio in the pure
//!   rooms. The index knows nothing that the journal does not: it can always be thrown away and made anew.
//! - **No mail stops another**, and no mailbox stops another. A mail that panics or kills the process is set aside, byte for byte.
//! - **No authority without three locks**: token, the own mail server's word, the staff list. In doubt there is none.
//! - **No password** in the configuration, the environment, an error or the log, whatever the log's level.
//!
//! # The rooms, in reading order
//!
//! Arrows point inwards: a room knows those above it in this table, never those below.
//!
//! | room | what it knows |
//! | --- | --- |
//! | [`diagnostic`], [`clock`] | how a fault in an operator's file is told; what time it is |
//! | [`mail`] | *pure.* Bytes in, what we keep of a mail out: parts, text, quotation, language, kind, sender. Never fails |
//! | [`contract`] | *pure.* Plans, customers, hours, holidays, objectives, warnings, credit: when a promise falls due, and why then |
//! | [`rules`] | *pure.* Rule files in, a verdict on a mail out, with its reasons |
//! | [`desk`] | *pure.* What to do about something that happened. [`desk::decide`] is the table of contents of the business |
//! | [`store`] | the journal, which is the truth, and the index, which answers. The instant of commitment is described there |
//! | [`clerk`] | load, decide, commit, announce: the only one who writes. One thread, its window ([`clerk::window`]) and the bells |
//! | [`deadlines`] | sleeps to the next due step, hands it to the clerk; the desk's opening and review packs too |
//! | [`post`] | the edges to mail servers: [`post::watch`] takes in, [`post::deliver`] sends out, each loop with a pulse |
//! | [`config`] | every key of the configuration and what is allowed in it |
//! | [`ops`] | the command line, the control socket between it and the daemon, the demo |
//! | [`daemon`] | wiring: opens the house, starts the loops, tells systemd |
//!
//! A first walk: [`desk::decide`], then `desk/arrival.rs` (the road of a mail), `clerk.rs` (how a decision is made to count), `store.rs` (the table of what a crash
//! leaves), `post/watch.rs` (where mails come from). The words: a **mail** came in, a **letter** goes out, an **entry** is a line of a ticket's record, an
//! **objective** is what the contract promises, a **deadline** is when it expires, a **warning** precedes it, a **breach** follows it.
//!
//! # Where do I change…
//!
//! | … | there |
//! | --- | --- |
//! | what makes a mail urgent, or where it is filed | `rules/mailboxes/*.toml`; a rule carries its examples, `ticketd rules test` proves them |
//! | what the contract promises, holidays, warnings | `rules/contract.toml`; what a new key means: `src/contract/plan.rs` |
//! | the text of a letter | `rules/letters/`; which variables it may use: `src/desk/letter/variables.rs` |
//! | when a letter is written at all | `src/desk/correspondence.rs`, `src/desk/acknowledgement.rs` |
//! | what of a staff member's answer reaches the customer | `src/desk/answer.rs`; which HTML and pictures: `src/mail/sanitise.rs`; what counts as a letter of ours in it: `src/desk/echo.rs` |
//! | a command of the staff | a row of `VERBS` in `src/desk/command.rs` and its function in a file beside it; manual, subcommand and the README's row follow from the row |
//! | what a fact does to a clock | `src/desk/clocks.rs`, with the table of every event in every state; `tests/desk/commands/laws.rs` searches for what would launder a breach |
//! | what counts as automatic mail | `src/mail/automatic.rs`, with a case in `tests/cases/kind/` |
//! | which ticket a reply belongs to | evidence: `src/desk/thread.rs`; authority: `src/desk/belonging.rs` |
//! | a new kind of record, or a new row of the index | `src/desk/record.rs`, then `src/store/keys.rs` and `src/store/writing.rs`; raise `SCHEMA`, and every index is made anew |
//! | what happens when a deadline is reached | `src/desk/overdue.rs`; which step comes next: `src/contract/warning.rs` |
//! | what goes as one letter, what the morning's letter says | `src/desk/digest.rs`, `src/desk/opening.rs`; what is looked for: `src/store/agenda.rs` |
//! | when a credit is written down | `src/desk/credit.rs`; how it is listed: `src/ops/credits.rs` |
//! | a number of the report | `src/desk/account.rs`; how it is shown: `src/ops/report.rs` |
//! | what a bounce of a letter changes | `src/desk/returned.rs` |
//! | what is retried, and how often | letters: `src/desk/delivery.rs`; connections: `src/post.rs` (`Backoff`) |
//! | a setting | `src/config.rs`, what is allowed in it `src/config/checking.rs`; `systemd/ticketd.toml`, the table in `README.md`; a test compares the three |
//! | a listing, or its JSON | `src/ops/tickets.rs`, `src/ops/outbox.rs`, `src/ops/status.rs` |
//! | what systemd or monitoring is told | `src/daemon.rs`, `src/ops/status.rs` |
//! | what holds for any bytes whatever | `fuzz/laws`; `fuzz/run` tries to break it, `tests/corpora.rs` replays what was found |
//! | which room may know which | `tests/architecture.rs`, with the argument in the commit |
#![warn(missing_docs)]
// The documentation is for those who work here, and is built with what is private.
#![allow(rustdoc::private_intra_doc_links)]

pub mod clerk;
pub mod clock;
pub mod config;
pub mod contract;
pub mod daemon;
pub mod deadlines;
pub mod desk;
pub mod diagnostic;
pub mod mail;
pub mod ops;
pub mod post;
pub mod rules;
pub mod store;
