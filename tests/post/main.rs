//! The edges of the house against real mail servers, and against servers that misbehave.

mod house;
#[path = "../end_to_end/post_office.rs"]
mod post_office;
mod real;
mod scripted;
