//! What peers send: the control socket's requests, an IMAP server's responses.

use async_imap::imap_proto;
use ticketd::ops::request::Request;
use ticketd::post::wire::{ImapLimits, Limits};

/// One line of the control socket: a request that says the same when it is written again, or no request.
pub fn request(bytes: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Request>(bytes) else {
        return;
    };
    let written = serde_json::to_string(&request).expect("a request is JSON");
    let again: Request = serde_json::from_str(&written).expect("what we write we read");
    assert_eq!(serde_json::to_string(&again).expect("JSON"), written);
}

const LITERAL_BYTES_MAX: u64 = 1 << 20;

/// Whatever passes the limits is parsed to its end on a small stack, and passes alike however it is cut up.
pub fn imap(bytes: &[u8]) {
    let passed = passes(bytes, bytes.len().max(1));
    assert_eq!(passed, passes(bytes, 1), "one byte at a time");
    assert_eq!(passed, passes(bytes, 7), "seven bytes at a time");
    if passed.is_ok() {
        parsed(bytes);
    }
}

/// imap-proto panics on some answers (`INTERNALDATE NIL`, no blank after `[READ-ONLY]`), which `post/watch.rs` takes for a broken connection. An overflown stack
/// nobody could catch. The fuzzer ends the process in its panic hook, so that is taken away meanwhile.
fn parsed(bytes: &[u8]) {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let ended = std::panic::catch_unwind(|| {
        let mut rest = bytes;
        while let Ok((after, _)) = imap_proto::Response::parse(rest) {
            if after.len() >= rest.len() {
                return false;
            }
            rest = after;
        }
        true
    });
    std::panic::set_hook(hook);
    assert!(ended.unwrap_or(true), "a response of no bytes");
}

fn passes(bytes: &[u8], chunk: usize) -> Result<(), String> {
    let mut limits = ImapLimits::new(LITERAL_BYTES_MAX);
    bytes.chunks(chunk).try_for_each(|some| limits.see(some))
}
