//! What a server may send: bounded in silence, in line length, in literal size and in nesting, before a parser sees it.
//!
//! Knows how IMAP responses and SMTP replies lie on the wire; understands none of them.
//! Promise: whatever the peer sends, the reader above holds at most one literal and one line of it, and its recursion is bounded.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// A TCP or TLS connection.
pub trait Socket: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Socket for T {}

/// What is allowed to come in.
pub trait Limits: Send + Sync + Unpin {
    /// Looks at the next bytes; an error ends the connection.
    fn see(&mut self, bytes: &[u8]) -> Result<(), String>;
}

/// A connection with limits: to what comes in, and to silence in either direction.
pub struct Wire<L> {
    socket: Box<dyn Socket>,
    limits: L,
    patience: Duration,
    silence: Pin<Box<Sleep>>,
    ahead: Vec<u8>,
}

impl<L: Limits> Wire<L> {
    /// A connection whose peer may be silent for `patience`.
    pub fn new(socket: Box<dyn Socket>, limits: L, patience: Duration) -> Self {
        Wire {
            socket,
            limits,
            patience,
            silence: Box::pin(tokio::time::sleep(patience)),
            ahead: Vec::new(),
        }
    }

    /// The same, but the reader first gets these bytes, as if the server had sent them.
    pub fn with_ahead(mut self, bytes: &[u8]) -> Self {
        self.ahead = bytes.to_vec();
        self
    }

    /// From now on the peer may be silent for this long.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
        self.be_patient();
    }

    fn be_patient(&mut self) {
        let until = Instant::now() + self.patience;
        self.silence.as_mut().reset(until);
    }

    fn tired(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.silence.as_mut().poll(cx));
        Poll::Ready(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("silent for {} s", self.patience.as_secs()),
        ))
    }
}

impl<L> fmt::Debug for Wire<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl<L: Limits> AsyncRead for Wire<L> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ahead.is_empty() {
            let count = this.ahead.len().min(buf.remaining());
            buf.put_slice(&this.ahead[..count]);
            this.ahead.drain(..count);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.socket).poll_read(cx, buf) {
            Poll::Pending => this.tired(cx).map(Err),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                this.be_patient();
                let seen = this.limits.see(&buf.filled()[before..]);
                Poll::Ready(seen.map_err(io::Error::other))
            }
        }
    }
}

impl<L: Limits> AsyncWrite for Wire<L> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.socket).poll_write(cx, buf) {
            Poll::Pending => this.tired(cx).map(Err),
            written => {
                this.be_patient();
                written
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.socket).poll_flush(cx) {
            Poll::Pending => this.tired(cx).map(Err),
            flushed => flushed,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.socket).poll_shutdown(cx) {
            Poll::Pending => this.tired(cx).map(Err),
            shut => shut,
        }
    }
}

/// SMTP: short lines, and not many between two of our commands.
#[derive(Debug, Default)]
pub struct SmtpLimits {
    line: usize,
}

/// RFC 5321 4.5.3.1.5 says 512; some servers chat more.
const SMTP_LINE_BYTES_MAX: usize = 4_096;

impl Limits for SmtpLimits {
    fn see(&mut self, bytes: &[u8]) -> Result<(), String> {
        for byte in bytes {
            self.line = if *byte == b'\n' { 0 } else { self.line + 1 };
            if self.line > SMTP_LINE_BYTES_MAX {
                return Err("the server sent an endless line".into());
            }
        }
        Ok(())
    }
}

/// IMAP: literals only in FETCH responses and only so large; few parentheses.
#[derive(Debug)]
pub struct ImapLimits {
    literal_bytes_max: u64,
    at: At,
    head: Vec<u8>,
    tail: Vec<u8>,
    line_bytes: usize,
    opened: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Line,
    Quoted { escaped: bool },
    Literal { left: u64 },
}

/// imap-proto recurses on nested lists: about 370 levels end a 2 MiB stack, and the process with it (STACK 0.4). What is asked
/// for needs fewer than ten parentheses; counting all that open, never those that close, leaves a liar nothing to hide behind.
const OPENED_MAX: u32 = 64;
/// A response without its literals: flags of many keywords are the longest honest one.
const LINE_BYTES_MAX: usize = 64 << 10;
/// Enough for `* 4294967295 FETCH `.
const HEAD_BYTES: usize = 20;

impl ImapLimits {
    /// Literals up to this size.
    pub fn new(literal_bytes_max: u64) -> Self {
        ImapLimits {
            literal_bytes_max,
            at: At::Line,
            head: Vec::new(),
            tail: Vec::new(),
            line_bytes: 0,
            opened: 0,
        }
    }

    fn see_byte(&mut self, byte: u8) -> Result<(), String> {
        self.line_bytes += 1;
        if self.line_bytes > LINE_BYTES_MAX {
            return Err("the server sent an endless line".into());
        }
        if self.head.len() < HEAD_BYTES {
            self.head.push(byte);
        }
        match self.at {
            At::Quoted { escaped: true } => self.at = At::Quoted { escaped: false },
            At::Quoted { .. } if byte == b'\\' => self.at = At::Quoted { escaped: true },
            At::Quoted { .. } if byte == b'"' => self.at = At::Line,
            At::Quoted { .. } if byte == b'\n' && self.is_fetch() => {
                return Err("the server sent a quoted string over a line's end".into());
            }
            At::Line if byte == b'"' => self.at = At::Quoted { escaped: false },
            _ => {}
        }
        if byte == b'(' {
            self.opened += 1;
            if self.opened > OPENED_MAX {
                return Err("the server sent more nested lists than it was asked for".into());
            }
        }
        if byte == b'\n' {
            return self.see_line_end();
        }
        self.see_tail(byte);
        Ok(())
    }

    /// Keeps the last bytes from a `{` on: they may announce a literal.
    fn see_tail(&mut self, byte: u8) {
        if byte == b'{' {
            self.tail.clear();
        }
        let announces = byte == b'{' || !self.tail.is_empty();
        if announces && self.tail.len() < 32 {
            self.tail.push(byte);
        } else {
            self.tail.clear();
        }
    }

    fn see_line_end(&mut self) -> Result<(), String> {
        let announced = announced_literal(&self.tail);
        self.tail.clear();
        match announced {
            None => {
                self.at = At::Line;
                self.head.clear();
                self.line_bytes = 0;
                self.opened = 0;
                Ok(())
            }
            // Only FETCH is asked for literals; anywhere else the parser and we could disagree on where one ends.
            Some(_) if !self.is_fetch() => {
                Err("the server sent a literal where none belongs".into())
            }
            Some(bytes) if bytes > self.literal_bytes_max => Err(format!(
                "the server announced a literal of {bytes} bytes; at most {} are taken",
                self.literal_bytes_max
            )),
            Some(0) => Ok(()),
            Some(left) => {
                self.at = At::Literal { left };
                Ok(())
            }
        }
    }

    fn is_fetch(&self) -> bool {
        let head = self.head.to_ascii_uppercase();
        let Some(rest) = head.strip_prefix(b"* ") else {
            return false;
        };
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        digits > 0 && rest[digits..].starts_with(b" FETCH ")
    }
}

impl Limits for ImapLimits {
    fn see(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            if let At::Literal { left } = self.at {
                let skipped = left.min(bytes.len() as u64);
                bytes = &bytes[skipped as usize..];
                self.at = match left - skipped {
                    0 => At::Line,
                    left => At::Literal { left },
                };
            } else {
                self.see_byte(bytes[0])?;
                bytes = &bytes[1..];
            }
        }
        Ok(())
    }
}

/// `{123}` or `{123+}` before CRLF.
fn announced_literal(tail: &[u8]) -> Option<u64> {
    let tail = tail.strip_suffix(b"\r").unwrap_or(tail);
    let inner = tail.strip_prefix(b"{")?.strip_suffix(b"}")?;
    let digits = inner.strip_suffix(b"+").unwrap_or(inner);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(u64::MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: &str, expected: Result<(), &str>) {
        // However the bytes are cut into reads, the verdict is the same.
        for step in [1, 2, 7, 100_000] {
            let mut limits = ImapLimits::new(1_000);
            let said = sent.as_bytes().chunks(step).try_for_each(|c| limits.see(c));
            match expected {
                Ok(()) => assert_eq!(said, Ok(()), "{sent:.60} by {step}"),
                Err(part) => assert!(
                    said.is_err_and(|e| e.contains(part)),
                    "{sent:.60} by {step}"
                ),
            }
        }
    }

    #[test]
    fn honest_answers_pass() {
        check("* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n", Ok(()));
        check(
            "* 1 FETCH (UID 7 BODY[] {5}\r\n(((\"\\ FLAGS ())\r\nT1 OK done\r\n",
            Ok(()),
        );
        check(
            "* OK it's \"fine\r\n* 1 FETCH (BODY[] {3}\r\nabc)\r\n",
            Ok(()),
        );
        check("* 1 FETCH (UID 7 BODY[] {0}\r\n)\r\n", Ok(()));
    }

    #[test]
    fn a_literal_bomb_is_refused_before_it_is_read() {
        check("* 1 FETCH (BODY[] {4294967295}\r\n", Err("announced"));
        check(
            "* 1 FETCH (BODY[] {99999999999999999999999}\r\n",
            Err("announced"),
        );
        check("* 1 FETCH (BODY[] {1001+}\r\n", Err("announced"));
    }

    #[test]
    fn nesting_is_bounded_also_behind_quotes_and_false_literals() {
        let deep = "(".repeat(100);
        check(&format!("* 1 FETCH (BODYSTRUCTURE {deep}"), Err("nested"));
        check(&format!("* 1 FETCH (X \"{deep}"), Err("nested"));
        check("* OK x {5000}\r\n", Err("where none belongs"));
        check("* 1 FETCH (X \"{50}\r\n", Err("over a line's end"));
    }

    #[tokio::test]
    async fn silence_is_a_dead_connection() {
        use tokio::io::AsyncReadExt;
        let (ours, mut theirs) = tokio::io::duplex(100);
        let patience = Duration::from_millis(50);
        let mut wire = Wire::new(Box::new(ours), ImapLimits::new(1), patience);
        tokio::io::AsyncWriteExt::write_all(&mut theirs, b"* OK")
            .await
            .unwrap();
        let mut answer = vec![];
        let error = wire.read_to_end(&mut answer).await.unwrap_err();
        assert_eq!(
            (&answer[..], error.kind()),
            (&b"* OK"[..], io::ErrorKind::TimedOut)
        );
    }

    #[test]
    fn an_endless_line_is_cut() {
        check(&format!("* OK {}", "x".repeat(70_000)), Err("endless line"));
    }
}
