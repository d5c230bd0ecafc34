//! The control socket: commands ask the running daemon.
//!
//! One request is one line of JSON; the answer is lines of JSON too: `{"out": "<base64>"}` any number of times, then `{"exit": N}` or `{"error": "…"}`.
//! Only the state folder's owner and root get in: the socket's mode is 0600.

use super::request::Request;
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
    /// The end, with what went wrong.
    Error(String),
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
        let stream = UnixStream::connect(socket).with_context(|| {
            format!("{} is in use by another ticketd, and its control socket {} does not answer; is `control` the same as the daemon's?", state.display(), socket.display())
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
            .context("the daemon went away")?;
        loop {
            let mut answer = String::new();
            anyhow::ensure!(
                self.stream.read_line(&mut answer)? > 0,
                "the daemon went away before it had answered"
            );
            match serde_json::from_str(&answer)
                .context("the daemon's answer is not understood; is it another version?")?
            {
                Line::Out(bytes) => out.write_all(&BASE64.decode(bytes.as_bytes())?)?,
                Line::Exit(code) => return Ok(code),
                Line::Error(words) => anyhow::bail!(words),
            }
        }
    }
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
            Err(e) => Line::Error(format!("{e:#}")),
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
