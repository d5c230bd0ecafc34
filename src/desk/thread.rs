//! Which ticket a mail belongs to, on what evidence.
