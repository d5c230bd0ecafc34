//! ticketd keeps a support contract by mail.
#![warn(missing_docs)]

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
