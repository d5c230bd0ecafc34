//! Arguments to a command or the daemon; the exit code.

/// Mails are read on one thread and forgotten on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // Where it panicked and nothing else: a panic's words can hold a mail's (ATTACKS.md G01). Parsers and the desk catch theirs.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        eprintln!("ticketd: a panic at {place}; what caused it is set aside or ends the process");
    }));
    ticketd::ops::cli::run().into()
}
