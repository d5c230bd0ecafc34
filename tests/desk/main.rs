//! The desk driven by raw mails, as the house drives it: each test is named for a row of the attacks or a clause of the contract.

mod aside;
mod accounts;
mod belonging;
mod bounces;
mod clocks;
mod confidential;
mod credits;
mod identity;
mod injection;
mod loops;
mod office;
mod roads;
mod staff;
mod warnings;
