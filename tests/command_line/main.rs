//! The command line as people and programs use it: the real binary, its exit codes, its words and its JSON.

mod configuration;
mod house;
mod listing;
mod promises;
mod receiving;
mod running;
mod staff;
mod timeliness;
mod upkeep;
mod watchdog;
