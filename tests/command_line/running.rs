//! `run`: what systemd, an operator and a full disk do to the daemon.

use super::house::{CONFIG, House, TREE, mail, until};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

#[test]
fn systemd_is_told_when_it_is_ready_and_how_it_is() {
    let house = House::new();
    house.deliver("1", &mail(1));
    let socket = UnixDatagram::bind(house.path("notify")).expect("a socket");
    socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a limit");
    let mut command = house.command(&["run"]);
    command.env("NOTIFY_SOCKET", house.path("notify"));
    let daemon = house.daemon_as(command);
    let mut said = String::new();
    let mut hear = |until: &[&str]| {
        while !until.iter().all(|words| said.contains(words)) {
            let mut bytes = [0; 4096];
            let count = socket
                .recv(&mut bytes)
                .unwrap_or_else(|e| panic!("{e}; heard: {said}"));
            said.push_str(&String::from_utf8_lossy(&bytes[..count]));
            said.push('\n');
        }
    };
    hear(&["READY=1", "STATUS=1 mailboxes, 0 in trouble", "WATCHDOG=1"]);
    // READY came after the first look: the mail is taken.
    let facts = house.run(&["status", "--json"]).expect(0).objects();
    assert_eq!(facts[0]["of"], "mailbox support");
    assert_eq!(facts[0]["level"], "ok", "{facts:?}");
    assert!(daemon.end().success());
    hear(&["STOPPING=1"]);
}

#[test]
fn a_reload_takes_what_is_right_and_leaves_what_is_wrong() {
    let house = House::with(&CONFIG.replace("\"RULES\"", "\"rules\""));
    let copied = Command::new("cp")
        .arg("-r")
        .arg(format!("{TREE}/rules"))
        .arg(house.path("rules"))
        .status();
    assert!(copied.expect("cp").success());
    let daemon = house.daemon();
    let right = std::fs::read_to_string(house.path("ticketd.toml")).expect("a configuration");

    house.write("ticketd.toml", format!("colour = 1\n{right}"));
    daemon.signal("HUP");
    until("the fault is in the log", || {
        daemon
            .log()
            .contains("not reloaded, the old files stay in force")
    });
    assert!(
        daemon.log().contains("ticketd.toml:1: "),
        "{}",
        daemon.log()
    );
    house.deliver("1", &mail(1));
    house.write("ticketd.toml", &right);
    until("the old files are in force", || {
        house.run(&["outbox", "--json"]).objects().is_empty()
            && house.run(&["list", "--json"]).objects().len() == 1
    });

    house.write("ticketd.toml", format!("hold_letters = true\n{right}"));
    let contract = std::fs::read_to_string(house.path("rules/contract.toml")).expect("a contract");
    house.write(
        "rules/contract.toml",
        format!("{contract}\n# another text\n"),
    );
    daemon.signal("HUP");
    until("it is reloaded", || {
        daemon
            .log()
            .contains("rules, contract and letters reloaded")
    });
    house.deliver("2", &mail(2));
    until("letters are held", || {
        let letters = house.run(&["outbox", "--json"]).objects();
        letters
            .iter()
            .any(|l| l["road"] == "held" && l["ticket"] == 2)
    });
    assert!(daemon.end().success());
    // The contract that the second ticket refers to is in the journal.
    let journal = std::fs::read_dir(house.path("state/journal")).expect("a journal");
    let segments: Vec<u8> = journal
        .flat_map(|e| std::fs::read(e.expect("an entry").path()).unwrap_or_default())
        .collect();
    assert!(String::from_utf8_lossy(&segments).contains("# another text"));
}

/// A server that knows enough IMAP to hear a password, and then says no.
fn listening_server() -> (u16, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let heard = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let mut answers = stream.try_clone().expect("a stream");
        let _ = answers.write_all(b"* OK [CAPABILITY IMAP4rev1] here\r\n");
        let mut heard = String::new();
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { break };
            heard.push_str(&line);
            let tag = line.split(' ').next().unwrap_or_default();
            let answer = if line.ends_with('}') {
                "+ go on\r\n".into()
            } else if line.to_ascii_uppercase().contains("CAPABILITY") {
                format!("* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n")
            } else {
                "T1 NO [AUTHENTICATIONFAILED] wrong\r\n".into()
            };
            if answers.write_all(answer.as_bytes()).is_err() || heard.contains("correct-horse") {
                break;
            }
        }
        heard
    });
    (port, heard)
}

#[test]
fn the_log_shows_no_password_however_much_it_says() {
    let (port, heard) = listening_server();
    let far = format!(
        "\n[[mailbox]]\nname = \"far\"\nqueue = \"support\"\n[mailbox.imap]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nuser = \"mia\"\npassword = {{ file = \"secret\" }}\n"
    );
    let house = House::with(&format!("log = \"trace\"\n{CONFIG}{far}"));
    let secret = house.write("secret", "correct-horse\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(secret, mode).expect("a mode");
    let daemon = house.daemon();
    let heard = heard.join().expect("the server");
    assert!(
        heard.contains("correct-horse"),
        "the server heard no password: {heard}"
    );
    until("the refusal is in the log", || daemon.log().contains("far"));
    let log = daemon.log();
    for secret in ["correct-horse", "Y29ycmVjdC1ob3JzZ", "LOGIN"] {
        assert!(!log.contains(secret), "the log shows {secret}:\n{log}");
    }
    let facts = house.run(&["status", "--json"]).expect(2).objects();
    let far = facts
        .iter()
        .find(|f| f["of"] == "mailbox far")
        .expect("a line a mailbox");
    assert_eq!(far["level"], "critical", "{facts:?}");
    assert_eq!(
        facts
            .iter()
            .find(|f| f["of"] == "mailbox support")
            .expect("a line a mailbox")["level"],
        "ok"
    );
}

/// A disk of its own; unmounted with the test.
struct Disk<'a>(&'a House);

impl Disk<'_> {
    fn mounted(house: &House) -> Option<Disk<'_>> {
        std::fs::create_dir(house.path("state")).expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=300m", "ticketd-test"])
            .arg(house.path("state"))
            .output();
        mounted
            .is_ok_and(|m| m.status.success())
            .then_some(Disk(house))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(self.0.path("state"))
            .status();
    }
}

#[test]
fn a_disk_nearly_full_stops_intake_alone_and_only_as_long() {
    let house = House::new();
    let Some(_disk) = Disk::mounted(&house) else {
        eprintln!("SKIPPED: no disk can be mounted here");
        return;
    };
    let daemon = house.daemon();
    house.deliver("1", &mail(1));
    until("the first mail is taken", || {
        house.run(&["list", "--json"]).objects().len() == 1
    });

    let filler = house.write("state/filler", vec![1; 100 << 20]);
    until("it is said", || daemon.log().contains("nearly full"));
    house.deliver("2", &mail(2));
    until("the status is critical", || {
        let facts = house.run(&["status", "--json"]).objects();
        ["disk", "mailbox support"].iter().all(|of| {
            facts
                .iter()
                .any(|f| f["of"] == *of && f["level"] == "critical")
        })
    });
    house.run(&["status"]).expect(2);
    house
        .run_with(&["receive", "-"], mail(3).as_bytes())
        .expect(75);
    // What is known goes on.
    house.run(&["note", "1", "the disk is full"]).expect(0);
    assert_eq!(house.run(&["list", "--json"]).expect(0).objects().len(), 1);
    assert!(
        house.path("in/new/2").exists(),
        "the mail stays where it is"
    );
    let said = daemon
        .log()
        .matches("of the state folder is nearly full: no mail is taken and")
        .count();
    assert_eq!(said, 1, "{}", daemon.log());

    std::fs::remove_file(filler).expect("room");
    until("it goes on by itself", || {
        house.run(&["list", "--json"]).objects().len() == 2
    });
    until("that is said too", || {
        daemon.log().contains("has room again")
    });
    let log = daemon.log();
    assert!(!log.contains('\u{1b}'), "colours in a file: {log}");
    assert!(daemon.end().success());
    // Without a daemon it is the same.
    house.write("state/filler", vec![1; 100 << 20]);
    let said = house
        .run_with(&["receive", "-"], mail(3).as_bytes())
        .expect(75);
    assert!(said.err.contains("nearly full"), "{}", said.err);
}

/// Takes the last byte of the disk that a folder lies on.
fn fill(path: &std::path::Path) {
    let mut filler = std::fs::File::create(path).expect("a file");
    let mut chunk = 1 << 20;
    while chunk > 0 {
        match filler.write(&vec![1; chunk]) {
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::StorageFull => chunk /= 2,
            Err(e) => panic!("{e}"),
        }
    }
}

/// Not one byte is left: what is known goes on from the reserve, what is not stays where it is, and nobody needs to tell the daemon when there is room again.
#[test]
fn a_disk_without_a_byte_left_stops_no_deadline_and_no_letter() {
    if cfg!(not(debug_assertions)) {
        eprintln!("SKIPPED: a release build has no clock offset: use --profile ci");
        return;
    }
    let house = House::with(&format!("hold_letters = true\n{CONFIG}"));
    let Some(_disk) = Disk::mounted(&house) else {
        eprintln!("SKIPPED: no disk can be mounted here, so NOTHING is known of a full one");
        return;
    };
    let daemon = house.daemon();
    house.deliver("1", &mail(1));
    until("the first mail is taken", || {
        house.run(&["list", "--json"]).objects().len() == 1
    });
    let letters = house.run(&["outbox", "--json"]).expect(0).objects().len();
    assert!(letters > 0, "they are held");

    let filler = house.path("state/filler");
    fill(&filler);
    house.deliver("2", &mail(2));
    until("the operator is told", || {
        let facts = house.run(&["status", "--json"]).objects();
        ["disk", "mailbox support"].iter().all(|of| {
            let critical = |f: &serde_json::Value| f["of"] == *of && f["level"] == "critical";
            facts.iter().any(critical)
        })
    });
    house
        .run_with(&["receive", "-"], mail(3).as_bytes())
        .expect(75);
    // Letters that were accepted leave, and a deadline that falls due is recorded.
    house.run(&["outbox", "release"]).expect(0);
    let count = |folder| std::fs::read_dir(folder).map_or(0, Iterator::count);
    let left = || {
        let recipients = std::fs::read_dir(house.path("out")).into_iter().flatten();
        let folders = recipients.flatten().map(|r| r.path().join("new"));
        folders.map(count).sum::<usize>()
    };
    until("they leave", || left() >= letters);
    house.run(&["offset", "2000000"]).expect(0);
    let breached = || {
        let ticket = house.run(&["show", "1", "--json"]).objects().remove(0);
        let kinds = ticket["entries"].as_array().expect("entries").iter();
        kinds.filter(|e| e["kind"] == "breach").count()
    };
    until("the breach is on record", || breached() == 1);
    assert!(
        daemon.log().contains("the reserve was given up"),
        "{}",
        daemon.log()
    );
    assert!(
        house.path("in/new/2").exists(),
        "the mail stays where it is"
    );

    std::fs::remove_file(&filler).expect("room");
    until("it goes on by itself", || {
        house.run(&["list", "--json"]).objects().len() == 2
    });
    house.run(&["note", "1", "there is room again"]).expect(0);
    house.run(&["audit"]).expect(0);
    assert!(daemon.end().success());
    house.run(&["audit"]).expect(0);
    house.run(&["rebuild"]).expect(0);
    assert_eq!(breached(), 1);
}

#[test]
fn a_second_daemon_is_refused() {
    let house = House::new();
    let daemon = house.daemon();
    let said = house.run(&["run"]).expect(75);
    assert!(
        said.err.contains("in use by another ticketd"),
        "{}",
        said.err
    );
    house.run(&["list"]).expect(0);
    assert!(daemon.end().success());
}

#[test]
fn a_claim_shuts_every_other_process_out_until_it_is_dropped() {
    let house = House::new();
    let claim = ticketd::store::Store::claim(&house.path("state")).expect("a claim");
    for arguments in [&["run"][..], &["list"], &["note", "1", "x"]] {
        let said = house.run(arguments).expect(75);
        assert!(
            said.err.contains("in use by another ticketd"),
            "{}",
            said.err
        );
    }
    drop(claim);
    house.run(&["list"]).expect(0);
}
