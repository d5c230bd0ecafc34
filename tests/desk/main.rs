//! The desk driven by raw mails, as the house drives it: each test is named for a row of the attacks or a clause of the contract.

mod accounts;
mod aside;
mod attacks;
mod belonging;
mod bounces;
mod clocks;
mod commands;
mod confidential;
mod credits;
mod disclosure;
mod echo;
mod identity;
mod incident;
mod injection;
mod laboratory;
mod loops;
mod office;
mod past_the_desk;
mod pictures;
mod quoting;
mod relay;
mod roads;
mod rules;
mod staff;
mod warnings;
mod watch;
