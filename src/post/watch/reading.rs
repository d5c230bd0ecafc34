//! Mails taken apart, on all cores: a panic is an answer.

use super::super::cleaned;
use super::trial;
use crate::mail::{self, Mail};
use anyhow::Context;
use rayon::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Threads with a stack that mails need, shared by all mailboxes.
#[derive(Clone)]
pub struct Parsers {
    pool: Arc<rayon::ThreadPool>,
    /// What reads a suspect in a process of its own.
    program: Option<Arc<Path>>,
}

/// An ordinary answer, with what most mails have.
const SAMPLE: &[u8] = b"From: Eve <eve@customer.example>\r\nTo: support@desk.example\r\nSubject: Re: export\r\nDate: Mon, 23 Nov 2026 09:00:00 +0100\r\n\
    Message-ID: <1@customer.example>\r\nContent-Type: text/html\r\n\r\n<p>Guten Tag, es geht noch nicht. It fails.</p><p>Gruss, Eve</p>\
    <p>Am 23.11.2026 um 08:00 schrieb Anna:</p><blockquote>Works?</blockquote>\r\n";

impl Parsers {
    /// One thread a core.
    pub fn new() -> anyhow::Result<Parsers> {
        let pool = rayon::ThreadPoolBuilder::new()
            .thread_name(|n| format!("parse-{n}"))
            .stack_size(mail::parse::STACK_BYTES)
            .build()
            .context("starting the threads that read mail")?;
        // The first mail of a process compiles the patterns. Not between two marks: a process killed meanwhile, twice, would condemn an innocent mail.
        let _ = pool.install(|| read_one(SAMPLE));
        Ok(Parsers {
            pool: Arc::new(pool),
            program: None,
        })
    }

    /// A mail that was being read at two ends of the process is tried by this ticketd, in a process of its own. Without one, every suspect is guilty.
    pub fn trying_by(self, program: PathBuf) -> Parsers {
        Parsers {
            program: Some(program.into()),
            ..self
        }
    }

    /// What ended the process of its own that read this mail, if it did not survive.
    pub async fn survives(&self, raw: Arc<[u8]>) -> Result<(), String> {
        let Some(program) = self.program.clone() else {
            return Err("there was none".into());
        };
        let tried = tokio::task::spawn_blocking(move || trial::survives(&program, &raw)).await;
        tried.unwrap_or_else(|e| Err(e.to_string()))
    }

    /// Reads mails on all cores. A panic is an answer.
    pub async fn read(&self, raws: Vec<Arc<[u8]>>) -> Vec<Result<Mail, String>> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let count = raws.len();
        self.pool.spawn(move || {
            let mails = raws.par_iter().map(|raw| read_one(raw)).collect::<Vec<_>>();
            let _ = answer.send(mails);
        });
        let vanished = |_| {
            (0..count)
                .map(|_| Err("its reader vanished".into()))
                .collect()
        };
        answered.await.unwrap_or_else(vanished)
    }
}

/// Reads a mail; a panic is an answer.
pub fn read_one(raw: &[u8]) -> Result<Mail, String> {
    caught(|| mail::read(raw))
}

fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let words = panic
            .downcast_ref::<&str>()
            .map(|words| words.to_string())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        cleaned(&words.unwrap_or_else(|| "without a word".into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Fingerprint;

    #[test]
    fn a_panic_is_an_answer() {
        assert_eq!(caught(|| 1), Ok(1));
        assert_eq!(
            caught::<()>(|| panic!("at\nbyte {}", 7)),
            Err("at byte 7".into())
        );
    }

    #[tokio::test]
    async fn mails_are_read_in_their_order() {
        let raws: Vec<Arc<[u8]>> = (0..50)
            .map(|n| format!("Subject: {n}\r\n\r\n{n}").into_bytes().into())
            .collect();
        let read = Parsers::new().unwrap().read(raws.clone()).await;
        let prints: Vec<_> = read.into_iter().map(|mail| mail.unwrap().raw).collect();
        let expected: Vec<_> = raws.iter().map(|raw| Fingerprint::of(raw)).collect();
        assert_eq!(prints, expected);
    }
}
