//! The store: the journal is the truth, sled is the index.
//!
//! Knows the desk's values and how they lie on the disk; knows nothing of mail servers. See DESIGN.md, "Store".
