#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""install.py CMAKE BUILD MANIFEST PREFIX SYSCONFDIR: an installation holds what the manifest says, with
its modes, and nothing else."""

import pathlib
import re
import stat
import subprocess
import sys
import tempfile

from manual import report


def expected(manifest, prefix, sysconfdir):
    """{path: mode}; a line is `MODE PATH`, PATH below the prefix or, after `sysconf/`, below /etc."""
    files = {}
    for line in manifest.splitlines():
        if not line or line.startswith("#"):
            continue
        mode, path = line.split()
        if path.startswith("sysconf/"):
            path = f"{sysconfdir}/{path.removeprefix('sysconf/')}"
        else:
            path = f"{prefix}/{path}"
        files[path] = mode
    return files


def installed(root):
    return {"/" + str(path.relative_to(root)): f"{stat.S_IMODE(path.lstat().st_mode):04o}"
            for path in root.rglob("*") if path.is_file()}


def compare(wanted, found):
    """Sample guests may be any number of *.xml, at least one."""
    guests = {path for path in found if re.search(r"/share/mshv/guests/[\w.-]+\.xml$", path)}
    if not guests:
        yield "no sample guest is installed"
    for path in sorted(wanted.keys() - found.keys()):
        yield f"not installed: {path}"
    for path in sorted(found.keys() - wanted.keys() - guests):
        yield f"installed but not in the manifest: {path}"
    for path in sorted(wanted.keys() & found.keys()):
        if wanted[path] != found[path]:
            yield f"{path}: mode {found[path]}, must be {wanted[path]}"


def problems(cmake, build, manifest, prefix, sysconfdir):
    with tempfile.TemporaryDirectory() as root:
        run = subprocess.run([cmake, "--install", build], env={"DESTDIR": root, "PATH": "/usr/bin:/bin"},
                             capture_output=True, text=True, check=False)
        if run.returncode != 0:
            yield f"cmake --install: {run.stderr.strip()}"
            return
        wanted = expected(pathlib.Path(manifest).read_text(encoding="utf-8"), prefix, sysconfdir)
        yield from compare(wanted, installed(pathlib.Path(root)))


if __name__ == "__main__":
    report(problems(*sys.argv[1:]))
