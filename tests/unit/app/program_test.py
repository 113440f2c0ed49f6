#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the program mshvd: program_test.py MSHVD. Readiness, the second daemon, closed descriptors,
SIGHUP, clean end, exit statuses."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

MSHVD = sys.argv.pop(1)
WAIT = 60


class Daemon:
    """One mshvd in a folder of its own."""

    def __init__(self, folder, closed=(), **environment):
        self.folder = pathlib.Path(folder)
        config = self.folder / "mshvd.toml"
        paths = "\n".join(f'{name}_dir = "{folder}/{name}"' for name in ("state", "run", "log", "cache"))
        config.write_text(f'[paths]\n{paths}\n[api]\nadmin_group = ""\nreader_group = ""\n', "utf-8")
        self.config = str(config)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(f"{folder}/notify")
        self.notify.settimeout(WAIT)
        self.log = open(self.folder / "said", "wb")
        self.process = subprocess.Popen(
            [MSHVD, "--config", self.config], stderr=self.log, env={**environment,
            "NOTIFY_SOCKET": f"{folder}/notify"},
            preexec_fn=lambda: [os.close(number) for number in closed])

    def wait_for(self, word):
        while word not in self.notify.recv(4096).decode():
            pass

    def ask(self, path):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(WAIT)
            client.connect(str(self.folder / "run/mshvd.sock"))
            client.sendall(f"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
            return b"".join(iter(lambda: client.recv(65536), b"")).decode()

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(WAIT)
        self.notify.close()
        self.log.close()
        return status


class ProgramTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mshv-app-")
        self.daemons = []

    def tearDown(self):
        for daemon in self.daemons:
            daemon.end()
        self.folder.cleanup()

    def daemon(self, **arguments):
        daemon = Daemon(self.folder.name, **arguments)
        self.daemons.append(daemon)
        return daemon

    def test_life(self):
        daemon = self.daemon()
        daemon.wait_for("READY=1")
        self.assertIn("200 OK", daemon.ask("/v1/version"))
        self.assertIn('"facts"', daemon.ask("/v1/host"))
        daemon.process.send_signal(signal.SIGHUP)
        self.assertIn("200 OK", daemon.ask("/v1/partitions"))

        second = subprocess.run([MSHVD, "--config", daemon.config], capture_output=True, text=True,
                                timeout=WAIT, check=False)
        self.assertEqual(second.returncode, 8)
        self.assertIn(f"locked by pid {daemon.process.pid}", second.stderr)

        copy = f"{self.folder.name}/copy.db"
        backup = subprocess.run([MSHVD, "--config", daemon.config, "--backup", copy],
                                capture_output=True, text=True, timeout=WAIT, check=False)
        self.assertEqual((backup.returncode, backup.stderr), (0, ""))
        self.assertEqual(os.stat(copy).st_mode & 0o777, 0o600)

        daemon.process.terminate()
        daemon.wait_for("STOPPING=1")
        self.assertEqual(daemon.process.wait(WAIT), 0)
        self.assertFalse(os.path.exists(f"{self.folder.name}/run/mshvd.sock"))
        self.assertIn("SIGHUP", (daemon.folder / "said").read_text("utf-8"))
        fsck = subprocess.run([MSHVD, "--config", daemon.config, "--fsck"], capture_output=True,
                              text=True, timeout=WAIT, check=False)
        self.assertEqual((fsck.returncode, fsck.stdout), (0, "sound\n"))

    def test_closed_standard_descriptors(self):
        daemon = self.daemon(closed=(0, 1, 2))
        daemon.wait_for("READY=1")
        for number in range(3):
            self.assertEqual(os.readlink(f"/proc/{daemon.process.pid}/fd/{number}"), "/dev/null")
        self.assertEqual(daemon.end(), 0)

    def test_interrupt_ends_it_too(self):
        daemon = self.daemon()
        daemon.wait_for("READY=1")
        daemon.process.send_signal(signal.SIGINT)
        self.assertEqual(daemon.process.wait(WAIT), 0)

    def test_statuses(self):
        def status(*arguments):
            return subprocess.run([MSHVD, *arguments], capture_output=True, timeout=WAIT,
                                  check=False).returncode

        self.assertEqual(status("--version"), 0)
        self.assertEqual(status("--help"), 0)
        self.assertEqual(status("--nonsense"), 2)
        self.assertEqual(status("--config", "/nonexistent"), 3)
        bad = pathlib.Path(self.folder.name) / "bad.toml"
        bad.write_text("[api]\nsockte = 'x'\n", "utf-8")
        self.assertEqual(status("--config", str(bad), "--check-config"), 6)


if __name__ == "__main__":
    unittest.main()
