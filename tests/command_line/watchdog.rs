//! The watchdog of systemd: fed by what the loops get done, so that a house that hangs is restarted, and one whose server hangs is not.

use super::house::{CONFIG, Daemon, House, mail, until};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::Command;
use std::time::{Duration, Instant};

/// As systemd would be: the socket that it listens at, and an interval of which a sixth is a second.
struct Systemd(UnixDatagram);

impl Systemd {
    fn starts(house: &House) -> (Systemd, Daemon) {
        let socket = UnixDatagram::bind(house.path("notify")).expect("a socket");
        let mut command = house.command(&["run"]);
        command.env("NOTIFY_SOCKET", house.path("notify"));
        command.env("WATCHDOG_USEC", "6000000");
        let daemon = house.daemon_as(command);
        (Systemd(socket), daemon)
    }

    /// How often the watchdog was fed in so many seconds.
    fn feeds_in(&self, secs: u64) -> usize {
        let end = Instant::now() + Duration::from_secs(secs);
        let mut feeds = 0;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return feeds;
            }
            self.0.set_read_timeout(Some(left)).expect("a limit");
            let mut bytes = [0; 4096];
            if let Ok(count) = self.0.recv(&mut bytes) {
                let said = String::from_utf8_lossy(&bytes[..count]);
                feeds += usize::from(said.contains("WATCHDOG=1"));
            }
        }
    }

    fn is_fed(&self) -> bool {
        self.feeds_in(3) >= 2
    }
}

/// Asks without waiting for an answer, and without touching the state folder.
fn say(house: &House, request: &str) -> UnixStream {
    let mut stream = UnixStream::connect(house.path("control")).expect("the daemon");
    writeln!(stream, "{request}").expect("a request");
    stream
}

/// A disk that can be made to keep every writer waiting; thawed and unmounted with the test.
struct Disk<'a>(&'a House);

impl Disk<'_> {
    fn mounted(house: &House) -> Option<Disk<'_>> {
        let state = house.path("state");
        std::fs::create_dir(&state).expect("a folder");
        let image = house.write("image", "");
        let file = std::fs::File::options().write(true).open(&image);
        file.and_then(|f| f.set_len(600 << 20)).expect("an image");
        let run = |command: &mut Command| command.output().is_ok_and(|o| o.status.success());
        let is_there = run(Command::new("mkfs.ext4").arg("-q").arg(&image))
            && run(Command::new("mount")
                .args(["-o", "loop"])
                .arg(&image)
                .arg(&state));
        is_there.then_some(Disk(house))
    }

    fn freeze(&self, how: &str) {
        let mut command = Command::new("fsfreeze");
        let done = command.arg(how).arg(self.0.path("state")).status();
        assert!(done.is_ok_and(|s| s.success()), "fsfreeze");
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let state = self.0.path("state");
        // Whoever writes to a frozen disk cannot even be killed.
        let _ = Command::new("fsfreeze").arg("-u").arg(&state).output();
        let _ = Command::new("umount").arg("--lazy").arg(&state).status();
    }
}

#[test]
fn a_clerk_that_waits_for_the_disk_for_ever_is_not_fed_for() {
    let house = House::with(&CONFIG.replace("state/control", "control"));
    let Some(disk) = Disk::mounted(&house) else {
        eprintln!("SKIPPED: no disk can be mounted here");
        return;
    };
    let (systemd, daemon) = Systemd::starts(&house);
    house.deliver("1", &mail(1));
    until("the mail is taken", || {
        house.run(&["list", "--json"]).objects().len() == 1
    });
    assert!(systemd.is_fed());
    // Three minutes pass, and every loop goes on.
    let _ = say(&house, "{\"offset\":{\"secs\":240}}");
    until("the loops have turned", || systemd.is_fed());

    disk.freeze("-f");
    let waiting = say(
        &house,
        "{\"command\":{\"by\":\"operator\",\"ticket\":1,\"line\":\"note waits for the disk\"}}",
    );
    // The clerk turns each second: what it does in three minutes of silence is wait.
    assert!(systemd.is_fed(), "a slow disk is no reason");
    let _ = say(&house, "{\"offset\":{\"secs\":480}}");
    until("it is said", || {
        daemon
            .log()
            .contains("the clerk makes no progress; the watchdog is not fed")
    });
    assert_eq!(systemd.feeds_in(4), 0);

    disk.freeze("-u");
    until("it goes on", || systemd.is_fed());
    drop(waiting);
    assert!(
        house
            .run(&["show", "1"])
            .text()
            .contains("waits for the disk")
    );
    assert!(daemon.end().success());
}

#[test]
fn a_server_that_says_nothing_is_not_a_loop_that_hangs() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let far = format!(
        "\n[[mailbox]]\nname = \"far\"\nqueue = \"support\"\n[mailbox.imap]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nuser = \"mia\"\npassword = {{ file = \"secret\" }}\n"
    );
    let house = House::with(&format!("{CONFIG}{far}").replace("state/control", "control"));
    let secret = house.write("secret", "correct-horse\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(secret, mode).expect("a mode");
    let (systemd, daemon) = Systemd::starts(&house);
    // The time-out on its silence is a minute; all that while, and after it, the others go on and the watchdog is fed.
    let begun = Instant::now();
    while !daemon.log().contains("silent for 60 s") {
        assert!(
            begun.elapsed() < Duration::from_secs(150),
            "{}",
            daemon.log()
        );
        assert!(systemd.is_fed(), "{}", daemon.log());
    }
    assert!(systemd.is_fed());
    house.deliver("1", &mail(1));
    until("the mail is taken", || {
        house.run(&["list", "--json"]).objects().len() == 1
    });
    assert!(daemon.end().success());
}
