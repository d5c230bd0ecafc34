//! The control socket: commands ask the running daemon.
//!
//! One request is one line of JSON; the answer is lines of JSON too: `{"out": "<base64>"}` any number of times, then `{"exit": N}` or `{"error": "…"}`.
//! Only the state folder's owner and root get in: the socket's mode is 0600.

use super::request::Request;
use super::{Fault, code_of, exit};
use anyhow::Context;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// One line of an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// Bytes for standard output, base64.
    Out(String),
    /// The end.
    Exit(u8),
    /// The end, with what went wrong and its exit code.
    Error(String, u8),
}

/// A longer request is refused: a batch of mails of `mail_bytes_max` fits.
pub const REQUEST_BYTES_MAX: u64 = 256 << 20;

/// The command's side.
pub struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects to the daemon that has the state folder.
    pub fn connect(socket: &Path, state: &Path) -> anyhow::Result<Client> {
        let stream = UnixStream::connect(socket).map_err(|e| {
            let words = format!("{} is in use by another ticketd, and its control socket {} does not answer ({e}); try again, or see whether `control` is the same as the daemon's", state.display(), socket.display());
            Fault::error(exit::TEMPFAIL, words)
        })?;
        Ok(Client {
            stream: BufReader::new(stream),
        })
    }

    /// Asks; the answer goes to `out`; the exit code.
    pub fn ask(&mut self, request: &Request, out: &mut dyn Write) -> anyhow::Result<u8> {
        let mut line = serde_json::to_string(request)?;
        line.push('\n');
        self.stream
            .get_mut()
            .write_all(line.as_bytes())
            .map_err(|_| went_away())?;
        loop {
            let mut answer = String::new();
            // Nobody knows whether it did what was asked; asked again, a mail that was taken is a duplicate.
            if !self.stream.read_line(&mut answer).is_ok_and(|n| n > 0) {
                return Err(went_away());
            }
            match serde_json::from_str(&answer)
                .context("the daemon's answer is not understood; is it another version?")?
            {
                Line::Out(bytes) => out.write_all(&BASE64.decode(bytes.as_bytes())?)?,
                Line::Exit(code) => return Ok(code),
                Line::Error(words, code) => return Err(Fault::error(code, words)),
            }
        }
    }
}

fn went_away() -> anyhow::Error {
    Fault::error(
        exit::TEMPFAIL,
        "the daemon went away before it had answered; try again",
    )
}

/// What the daemon writes an answer into: lines of at most 48 KiB.
pub struct Answer<W: Write> {
    stream: W,
    kept: Vec<u8>,
}

impl<W: Write> Answer<W> {
    /// An answer over this stream.
    pub fn over(stream: W) -> Self {
        Answer {
            stream,
            kept: vec![],
        }
    }

    /// Ends it.
    pub fn end(mut self, result: anyhow::Result<u8>) -> std::io::Result<()> {
        self.flush()?;
        let line = match result {
            Ok(code) => Line::Exit(code),
            Err(e) => Line::Error(format!("{e:#}"), code_of(&e)),
        };
        self.line(&line)
    }

    fn line(&mut self, line: &Line) -> std::io::Result<()> {
        let mut json = serde_json::to_string(line)?;
        json.push('\n');
        self.stream.write_all(json.as_bytes())
    }
}

impl<W: Write> Write for Answer<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.kept.extend_from_slice(bytes);
        if self.kept.len() >= 48 << 10 {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if !self.kept.is_empty() {
            let line = Line::Out(BASE64.encode(&self.kept));
            self.kept.clear();
            self.line(&line)?;
        }
        Ok(())
    }
}
