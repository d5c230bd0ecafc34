//! The edges to the world of mail: mailboxes in, mail servers out.
