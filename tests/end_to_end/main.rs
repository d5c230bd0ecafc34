//! End to end: the real ticketd, between people with mailboxes and a real Postfix and Dovecot. Skipped out loud where these are missing.

mod bounces;
mod canary;
mod check;
mod clocks;
mod mail;
mod moved;
mod post_office;
mod security;
mod story;
mod ticketd;
mod trouble;
mod vacation;
