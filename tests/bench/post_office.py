"""A private post office on loopback for benchmarks: Dovecot with one mailbox behind TLS, and an SMTP server that accepts and forgets.

Knows its own folder and ports; touches no server and no configuration of the machine, and stops only what it started.
"""
import asyncio
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

from measure import Missing

USER = "support@desk.example"
PASSWORD = "loopback-only"

DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
mail_location = maildir:~/Maildir
mail_fsync = never
ssl = required
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 100
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner_group} home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def certificate(folder):
    """A certificate for 127.0.0.1 that is its own authority."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
        + ["-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return folder / "certificate.pem"


def accounts():
    """Who Dovecot's parts run as: its own users for root, everything as oneself otherwise."""
    me = pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() != 0:
        group = str(os.getgid())
        return dict(internal=me, internal_group=group, login=me, owner=me, owner_group=group)
    return dict(internal="dovecot", internal_group="dovecot", login="dovenull", owner="nobody", owner_group="nogroup")


class Dovecot:
    """One mailbox, filled with a Maildir, on a port of its own."""

    def __init__(self, folder, mails=None):
        self.folder = folder
        self.port = free_port()
        self.maildir = folder / "home" / "Maildir"
        folder.chmod(0o755)
        for place in ("run", "state", "home"):
            (folder / place).mkdir()
        self.ca_file = certificate(folder)
        if mails:
            shutil.copytree(mails, self.maildir, ignore=shutil.ignore_patterns("truth.jsonl"))
        else:
            for place in ("cur", "new", "tmp"):
                (self.maildir / place).mkdir(parents=True)
        who = accounts()
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", f"{who['owner']}:{who['owner_group']}", folder / "home"], check=True)
        configuration = folder / "dovecot.conf"
        configuration.write_text(DOVECOT.format(folder=folder, port=self.port, password=PASSWORD, **who))
        self.server = subprocess.Popen(["dovecot", "-F", "-c", configuration], start_new_session=True)
        self._wait_until_it_answers()

    def _wait_until_it_answers(self):
        for _ in range(100):
            if self.server.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return
            except OSError:
                time.sleep(0.1)
        log = self.folder / "dovecot.log"
        raise Missing(f"Dovecot does not answer: {log.read_text()[-2000:] if log.exists() else 'no log'}")

    def deliver(self, name, raw):
        """Puts one mail into the mailbox, as a delivery agent does."""
        unfinished = self.maildir / "tmp" / name
        unfinished.write_bytes(raw)
        if os.getuid() == 0:
            shutil.chown(unfinished, *[accounts()[who] for who in ("owner", "owner_group")])
        unfinished.rename(self.maildir / "new" / name)

    def stop(self):
        self.server.send_signal(signal.SIGTERM)
        try:
            self.server.wait(10)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()


class Sink:
    """An SMTP server that accepts everything; `accepted` gets (instant, recipient, content) the moment before its 250 goes out."""

    def __init__(self, folder, accepted):
        self.accepted = accepted
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.context.wrap_socket(connection, server_side=True) as stream:
                self._talk(stream, stream.makefile("rb"))
        except OSError:
            pass

    def _talk(self, stream, lines):
        def answer(text):
            stream.sendall(text.encode() + b"\r\n")

        recipient = ""
        answer("220 sink ESMTP")
        while line := lines.readline():
            word = line.split(b" ")[0].strip().upper()
            if word == b"EHLO":
                answer("250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN")
            elif word == b"AUTH":
                if len(line.split()) == 2:
                    answer("334 ")
                    lines.readline()
                    if line.split()[1].upper() == b"LOGIN":
                        answer("334 ")
                        lines.readline()
                answer("235 welcome")
            elif word == b"RCPT":
                recipient = line.decode().split("<", 1)[-1].split(">", 1)[0]
                answer("250 ok")
            elif word == b"DATA":
                answer("354 go on")
                content = []
                while (part := lines.readline()) not in (b".\r\n", b""):
                    content.append(part)
                self.accepted(time.perf_counter(), recipient, b"".join(content))
                answer("250 taken")
            elif word == b"QUIT":
                answer("221 bye")
                return
            else:
                answer("250 ok")

    def stop(self):
        self.listener.close()


class Watched:
    """A door before Dovecot's: passes everything on, and notes when Dovecot says that there are more mails."""

    def __init__(self, folder, dovecot, noticed):
        self.dovecot = dovecot
        self.noticed = noticed
        self.outside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.outside.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        self.inside = ssl.create_default_context(cafile=dovecot.ca_file)
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        opening = asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.outside)
        self.door = asyncio.run_coroutine_threadsafe(opening, self.loop).result()
        self.port = self.door.sockets[0].getsockname()[1]

    async def _serve(self, client_reader, client_writer):
        server_reader, server_writer = await asyncio.open_connection(
            "127.0.0.1", self.dovecot.port, ssl=self.inside, server_hostname="localhost"
        )
        await asyncio.gather(
            self._pass(client_reader, server_writer, from_server=False), self._pass(server_reader, client_writer, from_server=True)
        )

    async def _pass(self, source, sink, from_server):
        try:
            while some := await source.read(65536):
                if from_server and b" EXISTS\r\n" in some:
                    self.noticed(time.perf_counter())
                sink.write(some)
                await sink.drain()
        except OSError:
            pass
        sink.close()

    def stop(self):
        self.loop.call_soon_threadsafe(self.door.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
