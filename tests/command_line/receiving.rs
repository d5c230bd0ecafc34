//! `receive`: from everywhere, with a daemon and without, and however it ends.

use super::house::{CONFIG, House, Said, finished, mail, maildir, signal, until, words};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

/// What a `receive` says of how many mails.
#[track_caller]
fn tally(said: &Said) -> Value {
    let objects = said.objects();
    assert_eq!(objects.len(), 1, "{objects:?}");
    let tally = objects[0].clone();
    let parts = [
        "tickets",
        "replies",
        "automatic",
        "duplicates",
        "quarantined",
    ];
    let sum: u64 = parts.iter().map(|p| tally[p].as_u64().expect(p)).sum();
    assert_eq!(tally["received"], sum, "{tally}");
    assert!(tally["letters"].is_u64(), "{tally}");
    tally
}

#[track_caller]
fn tickets(house: &House, count: usize) -> Vec<Value> {
    let listed = house.run(&["list", "--all", "--json"]).expect(0).objects();
    assert_eq!(listed.len(), count);
    listed
}

/// Every way in, and each a second time, which changes nothing.
fn every_way(house: &House) {
    let folder = maildir(house, "history", 3);
    let mbox = house.write(
        "mbox",
        format!(
            "From mia Mon Nov 23 09:00:00 2026\n{}\nFrom mia Mon Nov 23 09:00:01 2026\n{}\n",
            mail(4).replace("\r\n", "\n"),
            mail(5).replace("\r\n", "\n")
        ),
    );
    let (six, seven) = (house.write("6.eml", mail(6)), house.write("7.eml", mail(7)));
    let ways: [(&[&str], Vec<u8>, u64); 4] = [
        (&["--maildir", words(&folder)], vec![], 3),
        (&["--mbox", words(&mbox)], vec![], 2),
        (&[words(&six), words(&seven)], vec![], 2),
        (&["-"], mail(8).into(), 1),
    ];
    for (way, input, count) in ways {
        let mut arguments = vec!["receive"];
        arguments.extend(way);
        let first = tally(&house.run_with(&arguments, &input).expect(0));
        assert_eq!(
            (&first["received"], &first["tickets"]),
            (&json!(count), &json!(count)),
            "{way:?}"
        );
        let again = tally(&house.run_with(&arguments, &input).expect(0));
        assert_eq!(
            (&again["duplicates"], &again["letters"]),
            (&json!(count), &json!(0)),
            "{way:?}"
        );
    }
    tickets(house, 8);
    let raw = house.run(&["show", "6", "--raw", "1"]).expect(0).out;
    assert_eq!(raw, std::fs::read(six).expect("the mail"));
}

#[test]
fn mails_come_from_everywhere_without_a_daemon() {
    every_way(&House::new());
}

#[test]
fn mails_come_from_everywhere_through_a_daemon() {
    let house = House::new();
    let daemon = house.daemon();
    every_way(&house);
    assert!(daemon.end().success());
    house.run(&["audit"]).expect(0);
}

#[test]
fn a_quoted_from_line_of_an_mbox_is_restored() {
    let house = House::new();
    let mbox = house.write("mbox", "From mia Mon Nov 23 09:00:00 2026\nFrom: mia@acme.example\nTo: support@desk.example\nSubject: x\nMessage-ID: <x@acme.example>\n\nHello.\n\n>From here on\n>>From there on\n\n");
    house.run(&["receive", "--mbox", words(&mbox)]).expect(0);
    let raw = house.run(&["show", "1", "--raw", "1"]).expect(0).out;
    assert!(
        String::from_utf8_lossy(&raw).ends_with("\nFrom here on\n>From there on\n"),
        "{}",
        String::from_utf8_lossy(&raw)
    );
}

/// Taken in part: what there is of it is kept, and everybody is told.
fn oversized(house: &House) {
    let large = format!("{}{}", mail(1), "0123456789abcdef\r\n".repeat(2_000));
    let said = tally(
        &house
            .run_with(&["receive", "-"], large.as_bytes())
            .expect(0),
    );
    assert_eq!(said["received"], 1);
    let raw = house.run(&["show", "1", "--raw", "1"]).expect(0).out;
    assert_eq!(raw, &large.as_bytes()[..10_000]);
    let shown = house.run(&["show", "1", "--json"]).expect(0).objects();
    let told = shown[0]["entries"].to_string();
    assert!(
        told.contains(&large.len().to_string()),
        "the whole size is not told: {told}"
    );
}

#[test]
fn an_oversized_mail_is_taken_in_part() {
    let config = CONFIG.replace("domain =", "mail_bytes_max = 10_000\ndomain =");
    oversized(&House::with(&config));
    let house = House::with(&config);
    let daemon = house.daemon();
    oversized(&house);
    drop(daemon);
}

#[test]
fn history_is_filed_without_letters_and_clocks() {
    let house = House::new();
    let said = tally(
        &house
            .run_with(&["receive", "--silent", "-"], mail(1).as_bytes())
            .expect(0),
    );
    assert_eq!(said["letters"], 0);
    assert!(
        house
            .run(&["outbox", "--json"])
            .expect(0)
            .objects()
            .is_empty()
    );
    let status = house.run(&["status"]).text().to_string();
    assert!(status.contains("no clock runs"), "{status}");
}

#[test]
fn a_mail_is_filed_where_and_when_it_is_said() {
    let house = House::new();
    house
        .run_with(
            &[
                "receive",
                "--queue",
                "security",
                "--received-at",
                "2026-03-27T16:40:00+01:00",
                "-",
            ],
            mail(1).as_bytes(),
        )
        .expect(0);
    let ticket = house
        .run(&["show", "1", "--json"])
        .expect(0)
        .objects()
        .swap_remove(0);
    assert_eq!(ticket["queue"], "security");
    assert_eq!(ticket["received"], "2026-03-27T15:40:00Z");
    assert!(
        house
            .run(&["list", "--json"])
            .expect(0)
            .objects()
            .is_empty()
    );
    assert_eq!(
        house
            .run(&["list", "--json", "--queue", "security"])
            .expect(0)
            .objects()
            .len(),
        1
    );
}

#[test]
fn what_is_wrong_decides_the_exit_code() {
    let house = House::new();
    let file = house.write("1.eml", mail(1));
    let said = house
        .run(&["receive", "--queue", "nope", words(&file)])
        .expect(64);
    assert!(
        said.err.contains("nope") && said.err.contains("support, security"),
        "{}",
        said.err
    );
    house.run(&["receive"]).expect(64);
    house
        .run(&["receive", "--received-at", "yesterday", words(&file)])
        .expect(64);
    // A clock that begins tomorrow is a deadline put off (C4.2).
    let tomorrow = (Utc::now() + TimeDelta::days(1)).to_rfc3339();
    let to_come = ["receive", "--received-at", &tomorrow, words(&file)];
    let said = house.run(&to_come).expect(64).err;
    assert!(
        said.contains("--received-at") && said.contains("in the future"),
        "{said}"
    );
    let piped = ["receive", "--received-at", &tomorrow, "-"];
    house.run_with(&piped, mail(1).as_bytes()).expect(75);
    assert!(
        house
            .run(&["list", "--all", "--json"])
            .expect(0)
            .objects()
            .is_empty()
    );
    let said = house.run(&["receive", "--maildir", "nowhere"]).expect(65);
    assert!(said.err.contains("nowhere"), "{}", said.err);
    house.run(&["receive", "--mbox", "nowhere"]).expect(65);
}

/// The command line is not the only one who can write to the socket.
#[test]
fn the_daemon_itself_refuses_what_was_received_in_the_future() {
    let house = House::new();
    let daemon = house.daemon();
    let answer = hands_over(&house, "", Utc::now() + TimeDelta::days(1));
    assert!(answer.contains("in the future"), "{answer}");
    tickets(&house, 0);
    let answer = hands_over(&house, "", Utc::now() - TimeDelta::days(1));
    assert!(answer.contains("{\"exit\":0}"), "{answer}");
    tickets(&house, 1);
    assert!(daemon.end().success());
}

/// Whoever asks may have read a newer configuration: a report for a queue of that one is not for everybody of the first.
#[test]
fn the_daemon_itself_refuses_a_queue_that_it_does_not_know() {
    let house = House::new();
    let daemon = house.daemon();
    let yesterday = Utc::now() - TimeDelta::days(1);
    let answer = hands_over(&house, "psirt", yesterday);
    let words = "--queue psirt is unknown; use one of support, security";
    assert!(answer.contains(words), "{answer}");
    tickets(&house, 0);
    let answer = hands_over(&house, "security", yesterday);
    assert!(answer.contains("{\"exit\":0}"), "{answer}");
    tickets(&house, 0);
    house.run(&["show", "1"]).expect(0);
    assert!(daemon.end().success());
}

/// One mail, straight into the daemon's socket; its answer.
fn hands_over(house: &House, queue: &str, received: DateTime<Utc>) -> String {
    let raw = data_encoding::BASE64.encode(mail(1).as_bytes());
    let request = json!({ "receive": {
        "queue": queue, "silent": false, "received_at": received, "mails": [raw], "cut_from": [null],
    }});
    let mut stream = UnixStream::connect(house.path("state/control")).expect("the daemon");
    writeln!(stream, "{request}").expect("a request");
    let mut answer = String::new();
    let mut lines = BufReader::new(stream);
    while !answer.contains("exit") && !answer.contains("error") {
        assert_ne!(
            lines.read_line(&mut answer).expect("an answer"),
            0,
            "{answer}"
        );
    }
    answer
}

#[test]
fn a_file_that_cannot_be_read_holds_up_no_other() {
    let house = House::new();
    let (one, two) = (house.write("1.eml", mail(1)), house.write("2.eml", mail(2)));
    let said = house
        .run(&["receive", words(&one), "missing.eml", words(&two)])
        .expect(65);
    assert!(said.err.contains("missing.eml"), "{}", said.err);
    assert_eq!(tally(&said)["received"], 2);
    tickets(&house, 2);
}

#[test]
fn a_pipe_that_is_named_like_a_file_is_read() {
    let house = House::new();
    let said = house
        .run_with(&["receive", "/dev/stdin"], mail(1).as_bytes())
        .expect(0);
    assert_eq!(tally(&said)["tickets"], 1);
}

#[test]
fn a_pipe_keeps_its_mail_whatever_happens() {
    let house = House::new();
    let pipe = |arguments: &[&str]| house.run_with(arguments, mail(1).as_bytes());
    pipe(&["receive", "--queue", "nope", "-"]).expect(75);
    pipe(&["receive", "--colour", "-"]).expect(75);
    pipe(&["--config", "nowhere.toml", "receive", "-"]).expect(75);
    pipe(&["--state", "/proc/nowhere", "receive", "-"]).expect(75);
    house.write("ticketd.toml", "no configuration");
    pipe(&["receive", "-"]).expect(75);
}

#[test]
fn a_store_that_is_locked_without_a_daemon_is_tried_again_later() {
    let house = House::new();
    house.run(&["list"]).expect(0);
    let lock = house.path("state/lock");
    let mut holder = Command::new("flock")
        .arg(&lock)
        .args(["sh", "-c", "echo held; read -r _"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("flock");
    let mut held = [0; 5];
    std::io::Read::read_exact(holder.stdout.as_mut().expect("stdout"), &mut held).expect("held");
    for command in [
        &["list"][..],
        &["status"],
        &["rebuild"],
        &["audit"],
        &["receive", "-"],
        &["run"],
    ] {
        let said = house.run(command).expect(75);
        assert!(
            said.err.contains("in use by another ticketd"),
            "{}",
            said.err
        );
    }
    drop(holder.stdin.take());
    holder.wait().expect("flock");
    house.run(&["list"]).expect(0);
}

#[test]
fn somebody_elses_state_is_not_opened() {
    let house = House::new();
    house
        .run_with(&["receive", "-"], mail(1).as_bytes())
        .expect(0);
    if house.path("state").metadata().expect("the state").uid() != 0 {
        eprintln!("SKIPPED: only root can give a folder away");
        return;
    }
    // Another user opens what is ours, and then root what is theirs.
    let open_to_all = Command::new("chmod")
        .arg("-R")
        .arg("a+rX")
        .arg(house.path(""))
        .status();
    assert!(open_to_all.expect("chmod").success());
    let binary = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_ticketd"))
        .arg(house.path("ticketd"))
        .status();
    assert!(binary.expect("cp").success());
    let rules = Command::new("cp")
        .arg("-r")
        .arg(format!("{}/rules", super::house::TREE))
        .arg(house.path("rules"))
        .status();
    assert!(rules.expect("cp").success());
    house.write("theirs.toml", CONFIG.replace("RULES", "rules"));
    let mut theirs = Command::new("setpriv");
    theirs.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    theirs
        .arg(house.path("ticketd"))
        .arg("--config")
        .arg(house.path("theirs.toml"))
        .arg("list");
    let said = finished(theirs, b"").expect(77);
    assert!(
        said.err.contains("belongs to another user") && said.err.contains("sudo -u"),
        "{}",
        said.err
    );

    let given = Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(house.path("state"))
        .status();
    assert!(given.expect("chown").success());
    house.run(&["list"]).expect(0);
    for file in ["lock", "index.clean", "index/db", "keys"] {
        let path = house.path("state").join(file);
        if path.exists() {
            assert_eq!(path.metadata().expect("a file").uid(), 65534, "{file}");
        }
    }
}

#[test]
fn a_killed_receive_loses_and_repeats_nothing() {
    const COUNT: usize = 400;
    let house = House::new();
    let folder = maildir(&house, "history", COUNT);
    let mut first = house
        .command(&["receive", "--maildir", words(&folder)])
        .stdout(Stdio::null())
        .spawn()
        .expect("ticketd starts");
    // In the middle: something is committed.
    let journalled = || {
        let segments = std::fs::read_dir(house.path("state/journal"))
            .into_iter()
            .flatten();
        segments
            .filter_map(|e| e.ok()?.metadata().ok())
            .map(|m| m.len())
            .sum::<u64>()
    };
    until("something is committed", || {
        journalled() > 50_000 || first.try_wait().ok().flatten().is_some()
    });
    signal(first.id(), "KILL");
    first.wait().expect("killed");

    let again = tally(
        &house
            .run(&["receive", "--maildir", words(&folder)])
            .expect(0),
    );
    assert_eq!(again["received"], COUNT, "{again}");
    let listed = tickets(&house, COUNT);
    let mut subjects: Vec<&str> = listed
        .iter()
        .filter_map(|t| t["subject"].as_str())
        .collect();
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!(subjects.len(), COUNT);
    house.run(&["audit"]).expect(0);
    let third = tally(
        &house
            .run(&["receive", "--maildir", words(&folder)])
            .expect(0),
    );
    assert_eq!(third["duplicates"], COUNT, "{third}");
}
