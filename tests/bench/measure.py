"""What the benchmarks share: the corpus, the build, a configuration of their own, and honest timing.

A benchmark alternates between the programs it compares, since a disk's speed changes within minutes, and takes the median of several runs.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]


class Missing(Exception):
    """Something that the benchmark needs is not here; the text says what to do."""


@dataclass
class Run:
    """One measured run of a program."""

    seconds: float
    peak_mb: float
    output: str


def say(text):
    print(text, flush=True)


def install(*packages):
    subprocess.run([HOUSE / "tests" / "install", *packages], check=True)


def build(profile, *targets):
    """Builds with cargo and returns the folder of the programs."""
    say(f"building (profile {profile})")
    subprocess.run(["cargo", "build", "--quiet", "--locked", "--profile", profile, *targets], cwd=HOUSE, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", HOUSE / "target"))
    folder = "debug" if profile == "dev" else profile
    return (HOUSE / target / folder).resolve()


def corpus(mails):
    """A Maildir of so many mails, always the same; made once and kept in target/."""
    program = os.environ.get("TICKETD_MAKE_CORPUS") or HOUSE.parent / "shared" / "tools" / "make-corpus"
    if not Path(program).is_file():
        raise Missing(f"{program} is not here; set TICKETD_MAKE_CORPUS to the program that writes the corpus")
    folder = HOUSE / "target" / "bench" / f"corpus-{mails}"
    if not (folder / "truth.jsonl").is_file():
        say(f"making a corpus of {mails} mails")
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, program, "--out", unfinished, "--format", "maildir", "--count", str(mails)], check=True)
        unfinished.rename(folder)
    return folder


def size(maildir):
    """How many mails a corpus has: a few less than asked for, where a duplicate came first."""
    return len(os.listdir(maildir / "new"))


def scratch():
    """A folder that goes away in the end. On the disk of target/: a file system in memory would flatter everybody."""
    parent = HOUSE / "target" / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="run-", dir=parent)


def fresh_copy(maildir, to):
    """A copy of its own for one run: programs move mails. Written out before the clock starts, so that nobody pays for it."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(maildir, to)
    os.sync()
    return to


def run(command, stdin=None, environment=None):
    """Runs a program to its end and measures it."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        child = subprocess.Popen(
            [str(word) for word in command],
            stdin=stdin or subprocess.DEVNULL,
            stdout=output,
            env={**os.environ, **(environment or {})},
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode()
    if child.returncode != 0:
        raise Missing(f"{command[0]} ended with {child.returncode}: {text[-2000:]}")
    return Run(seconds, usage.ru_maxrss / 1024, text)


def median(values):
    return statistics.median(values)


def spread(values):
    """The median with its extremes, for a person."""
    return f"{median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


class Verdicts:
    """Targets and whether they were reached."""

    def __init__(self):
        self.missed = 0

    def at_least(self, what, found, target, unit=""):
        self._say(what, found, ">=", target, unit, found >= target)

    def below(self, what, found, target, unit=""):
        self._say(what, found, "<", target, unit, found < target)

    def _say(self, what, found, sign, target, unit, good):
        self.missed += not good
        say(f"{'reached' if good else 'MISSED ':8} {what}: {found:.2f}{unit} (target {sign} {target}{unit})")


def configuration(folder, top="", mailbox=None, outgoing=None):
    """A configuration of its own, with the rules of the house, one staff member and customers of the corpus; returns its path."""
    rules = folder / "rules"
    shutil.copytree(HOUSE / "rules", rules)
    (rules / "staff.toml").write_text(STAFF)
    (rules / "customers.toml").write_text(CUSTOMERS)
    path = folder / "ticketd.toml"
    mailbox = mailbox or f'maildir = "{folder}/incoming"'
    outgoing = outgoing or f'maildir = "{folder}/outgoing"'
    path.write_text(CONFIGURATION.format(folder=folder, top=top, mailbox=mailbox, outgoing=outgoing))
    return path


STAFF = """
desk_hours = "Mo-Fr 08:00-17:00; PH off"

[[person]]
id = "anna"
name = "Anna Example"
addresses = ["anna@desk.example"]
role = "manager"
queues = ["support"]
"""

# Two of the corpus's senders have a contract with deadlines; the others are on the default plan.
CUSTOMERS = """
[[customer]]
id = "acme"
name = "ACME AG"
domains = ["acme.example"]

[[customer.subscription]]
plan = "extended-sla"

[[customer]]
id = "alpenbank"
name = "Alpenbank"
domains = ["alpenbank.example"]
language = "de"

[[customer.subscription]]
plan = "extended-sla"
"""

CONFIGURATION = """
state = "{folder}/state"
rules = "{folder}/rules"
domain = "desk.example"
control = "{folder}/control"
acknowledge = "all"
since = 2000-01-01T00:00:00Z
log = "warn"
{top}

[links]
vendor = "Example Desk AG"
status_page = "https://status.desk.example"
documentation = "https://docs.desk.example"
community = "https://community.desk.example"
escalation_address = "hi@desk.example"
phone = "+41 71 000 00 00"
security_policy = "https://desk.example/security"
security_key = "https://desk.example/security.asc"

[[queue]]
name = "support"
address = "support@desk.example"
display_name = "Example Desk Support"

[[queue]]
name = "security"
address = "security@desk.example"
display_name = "Example Desk Security"
confidential = true

[[queue]]
name = "billing"
address = "billing@desk.example"
display_name = "Example Desk Billing"

[[mailbox]]
name = "support"
queue = "support"
{mailbox}

[outgoing]
bounce_address = ""
{outgoing}
"""
