//! End to end: the real ticketd, between people with mailboxes and a real Postfix and Dovecot. Skipped out loud where these are missing.

mod mail;
mod post_office;
mod story;
mod ticketd;
