//! Hostile mails (ATTACKS.md E): each is read within a second of work and 256 MB, on a stack of 2 MiB; each becomes a ticket, and the next mail is taken.
//!
//! The bounds are those of an optimised build (`cargo test --profile ci`, `--release`). Time is the thread's own work, not the clock on the wall, so that a
//! busy machine fails nothing; memory is what the allocator hands out.

mod counting;
#[path = "../command_line/house.rs"]
#[allow(dead_code)]
mod house;
mod mails;

use counting::{LIVE, PEAK};
use house::{House, mail};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use ticketd::mail::{self as reading, Mail};
use ticketd::rules::{Facts, RuleBook};

/// Whether this is an optimised build, by the folder that cargo builds into. Without optimisation [`mails`] are a tenth as long, and the bounds say little.
pub fn is_full_size() -> bool {
    let test = std::env::current_exe().expect("a test has a file");
    !test.components().any(|part| part.as_os_str() == "debug")
}

const STACK_BYTES: usize = 2 << 20;
const LIVE_BYTES_MAX: usize = 256 << 20;
const WORK_MS_MAX: u64 = 1_000;
/// Of an unoptimised build.
const SLOW_WORK_MS_MAX: u64 = 10_000;

/// One measurement at a time: the counters are everybody's.
static ALONE: Mutex<()> = Mutex::new(());

/// What reading a mail cost.
struct Cost {
    work_ms: u64,
    /// The mail itself included.
    peak_bytes: usize,
}

/// Reads a mail as the daemon does, rules included, on a small stack.
fn read(raw: Vec<u8>, rules: &'static RuleBook) -> (Mail, Cost) {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let reading = thread.spawn(move || {
        PEAK.store(LIVE.load(Ordering::Relaxed), Ordering::Relaxed);
        let before = worked_ms();
        let mail = reading::read(&raw);
        rules.classify(&mail, &Facts::default());
        let cost = Cost {
            work_ms: worked_ms() - before,
            peak_bytes: PEAK.load(Ordering::Relaxed),
        };
        (mail, cost)
    });
    reading.expect("a thread").join().expect("no panic")
}

/// What the scheduler says that this thread has worked.
fn worked_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    let nanoseconds: u64 = stat
        .split(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .expect("a number");
    nanoseconds / 1_000_000
}

#[test]
fn each_is_read_in_bounded_time_memory_and_stack() {
    let _alone = ALONE.lock();
    let work_ms_max = if is_full_size() {
        WORK_MS_MAX
    } else {
        SLOW_WORK_MS_MAX
    };
    if !is_full_size() {
        println!(
            "NOT OPTIMISED: mails of a tenth of the size, and ten seconds each; cargo test --profile ci --test hostile has the real ones"
        );
    }
    let rules: &'static RuleBook =
        Box::leak(Box::new(RuleBook::shipped().expect("the shipped rules")));
    // What is compiled once is compiled here.
    read(mail(1).into_bytes(), rules);
    let mut over = vec![];
    for (name, make) in mails::ALL {
        let raw = make();
        let bytes = raw.len();
        let (read, cost) = read(raw, rules);
        let told = format!(
            "{name}: {:.1} MB, {} ms, {} MB at the most",
            bytes as f64 / 1e6,
            cost.work_ms,
            cost.peak_bytes >> 20
        );
        println!("{told}");
        if cost.work_ms > work_ms_max || cost.peak_bytes > LIVE_BYTES_MAX {
            over.push(told);
        }
        assert_eq!(read.bytes, bytes as u64, "{name}");
        assert!(read.text.len() <= 2 << 20, "{name}");
        assert!(
            read.headers.len() <= 1_000 && read.to.len() <= 1_000 && read.references.len() <= 20,
            "{name}"
        );
    }
    assert!(
        over.is_empty(),
        "over a second or 256 MB:\n{}",
        over.join("\n")
    );
}

/// What was not taken apart is said.
#[test]
fn what_is_over_a_cap_is_told_to_staff() {
    let _alone = ALONE.lock();
    for name in [
        "e01 mails in mails",
        "e01 multiparts in multiparts",
        "e01 a million empty parts",
        "e02 half a million lines of To",
        "e02 a hundred thousand fields",
        "e03 one line",
    ] {
        let (_, make) = mails::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .expect(name);
        let read = reading::read(&make());
        let is_told = read
            .oddities
            .iter()
            .any(|o| o.starts_with("Taken apart only in part"));
        assert!(is_told, "{name}: {:?}", read.oddities);
        assert_eq!(read.from[0].address, "a@b.example", "{name}");
    }
}

/// The whole road: `receive` ends, nothing is lost, and the mail that comes next is taken.
#[test]
fn each_becomes_a_ticket_and_the_next_mail_is_taken() {
    let _alone = ALONE.lock();
    let house = House::new();
    for (n, (name, make)) in mails::ALL.iter().enumerate() {
        // A Message-ID and a Date of its own, or it would be the same mail again.
        let raw = [format!("X-Number: {n}\n").into_bytes(), make()].concat();
        let file = house.write(&format!("{n}.eml"), raw);
        let next = house.write(&format!("{n}-next.eml"), mail(1_000 + n));
        let arguments = ["receive", house::words(&file), house::words(&next)];
        let said = house.run(&arguments).expect(0);
        let tally = &said.objects()[0];
        assert_eq!(tally["received"], 2, "{name}: {tally}");
        let taken =
            tally["tickets"].as_u64().unwrap_or(0) + tally["quarantined"].as_u64().unwrap_or(0);
        let other = ["automatic", "duplicates", "replies"].map(|k| tally[k].as_u64().unwrap_or(0));
        assert!(
            taken >= 1 && taken + other.iter().sum::<u64>() == 2,
            "{name}: {tally}"
        );
    }
    house.run(&["audit"]).expect(0);
}
