# SPDX-License-Identifier: Apache-2.0
"""What is committed speaks of the project only, not of the machine it was written on."""

import re
import subprocess

# In halves: this file is committed too.
_MACHINE = re.compile("/" "work" "/|/ho" r"me/[a-z]\w*/|/Us" r"ers/\w+/")
_URL = re.compile(r"\b(?:https?|git|ftp)://([A-Za-z0-9.-]+)")

# Public places that a reader may be sent to. Any other host in a committed file is either a slip
# (somebody's mirror or package proxy) or belongs here after a look.
_HOSTS = {
    "localhost", "unix", "mshvd", "example.org", "example.com", "www.example.org", "json-schema.org",
    "spdx.org", "www.apache.org", "www.gnu.org", "github.com", "keepachangelog.com", "semver.org",
    "www.w3.org", "relaxng.org", "libvirt.org", "www.qemu.org", "kernel.org", "www.kernel.org",
    "docs.kernel.org", "git.kernel.org", "lore.kernel.org", "www.debian.org", "deb.debian.org",
    "packages.debian.org", "cmake.org", "systemd.io", "www.freedesktop.org", "spec.openapis.org",
    "xenbits.xenproject.org", "learn.microsoft.com", "toml.io", "www.sqlite.org", "sqlite.org",
    "gcc.gnu.org", "www.rfc-editor.org", "clang.llvm.org",
}


def _slips(text, where):
    for number, line in enumerate(text.splitlines(), start=1):
        if _MACHINE.search(line):
            yield f"{where}:{number}: a path of somebody's machine"
        for host in filter(lambda name: "." in name, _URL.findall(line)):
            if host.lower().rstrip(".") not in _HOSTS and not host.endswith((".example", ".invalid", ".test")):
                yield f"{where}:{number}: host '{host}' is not one of tests/arch/rules_history.py"


def committed_text(tree):
    """No machine's paths and no unknown hosts in any file."""
    for name in tree.files:
        if not name.startswith(("LICENSES/", "tests/data/")):
            yield from _slips(tree.text(name), name)


def commit_messages(tree):
    """The same for the messages; short subjects, body after an empty line."""
    if not (tree.root / ".git").exists():
        return
    log = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(tree.root), "log", "--no-merges", "-z",
         "--format=%h%n%B"], check=True, capture_output=True).stdout.decode(errors="replace")
    for entry in filter(str.strip, log.split("\0")):
        commit, _, message = entry.partition("\n")
        lines = message.rstrip().splitlines() or [""]
        # 72 is the aim; what is in the history cannot be mended, so a slip of three passes.
        if not 0 < len(lines[0]) <= 75:
            yield f"commit {commit}: subject of {len(lines[0])} characters, at most 72"
        if len(lines) > 1 and lines[1]:
            yield f"commit {commit}: no empty line behind the subject"
        yield from _slips(message, f"commit {commit}")


RULES = [committed_text, commit_messages]
