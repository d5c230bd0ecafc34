//! The rules that ship with ticketd, compiled in: the same files that an operator copies and edits.

/// File name and text of every shipped rule file, in the order in which they are tried.
pub const SHIPPED: &[(&str, &str)] = &[
    (
        "rules/mailboxes/1-severity.toml",
        include_str!("../../rules/mailboxes/1-severity.toml"),
    ),
    (
        "rules/mailboxes/2-routing.toml",
        include_str!("../../rules/mailboxes/2-routing.toml"),
    ),
    (
        "rules/mailboxes/3-request.toml",
        include_str!("../../rules/mailboxes/3-request.toml"),
    ),
];
