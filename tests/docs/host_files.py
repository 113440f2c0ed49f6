#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""host_files.py BUILD SOURCE: systemd accepts the units, groups and folders, and they agree with each
other and with mshvd.toml."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

from manual import report
from settings import with_defaults

# Inherited by VMMs that outlive the daemon, see the comments in mshvd.service.
HARMFUL = ("ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectKernelTunables",
           "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups", "ProtectHostname",
           "ProtectClock", "PrivateMounts", "PrivateNetwork", "PrivateUsers", "ReadWritePaths",
           "RuntimeDirectory", "MemoryDenyWriteExecute", "DevicePolicy", "RestrictRealtime",
           "RestrictNamespaces", "RestrictSUIDSGID", "OOMScoreAdjust", "MemoryMax", "CPUQuota", "DynamicUser")


def unit_problems(text):
    """What the daemon's unit must and must not say."""
    settings = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    wanted = {"Type": "notify", "KillMode": "process", "Delegate": "yes", "TasksMax": "infinity"}
    for name, value in wanted.items():
        if settings.get(name) != value:
            yield f"mshvd.service: {name} is {settings.get(name)}, must be {value}"
    for name in HARMFUL:
        if name in settings:
            yield f"mshvd.service: {name}= would reach the VMMs"


def verify_units(units):
    """systemd's own opinion; programs that are not installed are replaced by one that is."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for unit in sorted(units.iterdir()):
            text = re.sub(r"^(Exec\w+=-?)\S+", r"\1/bin/true", unit.read_text(), flags=re.MULTILINE)
            copy = pathlib.Path(folder) / unit.name
            copy.write_text(text)
            names.append(str(copy))
        run = subprocess.run(["systemd-analyze", "verify", "--man=no", *names], capture_output=True,
                             text=True, check=False)
        for line in (run.stdout + run.stderr).splitlines():
            if folder in line or "mshv" in line:
                yield f"systemd-analyze: {line}"
        if run.returncode != 0:
            yield f"systemd-analyze verify ended with {run.returncode}"


def groups_of(text):
    return set(re.findall(r"^g (\S+)", text, re.MULTILINE))


def agreement(sysusers, tmpfiles, udev, socket, config):
    """Every group that is named is made, and the socket's is the one that the daemon trusts."""
    made = groups_of(sysusers)
    named = set(re.findall(r"^d\s+\S+\s+\S+\s+\S+\s+(\S+)", tmpfiles, re.MULTILINE)) - {"root"}
    named |= set(re.findall(r'GROUP="([^"]+)"', udev))
    named |= set(re.findall(r"^SocketGroup=(\S+)", socket, re.MULTILINE))
    named |= set(re.findall(r"-m g:([\w-]+):", socket))
    admin = config["api"]["admin_group"]
    reader = config["api"]["reader_group"]
    named |= {admin, reader}
    for name in sorted(named - made):
        yield f"sysusers.d/mshv.conf: group {name} is used but not made"
    if f"SocketGroup={admin}\n" not in socket:
        yield f"mshvd.socket: its group is not api.admin_group ({admin})"
    if f'GROUP="{admin}"' in udev or f'GROUP="{reader}"' in udev:
        yield "70-mshv.rules: a VMM in this group could talk to the daemon"
    address = config["api"].get("socket") or config["paths"]["run_dir"] + "/mshvd.sock"
    if f"ListenStream={address}\n" not in socket:
        yield f"mshvd.socket: it does not listen on {address}"
    folders = set(re.findall(r"^d\s+(\S+)", tmpfiles, re.MULTILINE))
    for name, path in config["paths"].items():
        if name.endswith("_dir") and name != "libexec_dir" and path not in folders:
            yield f"tmpfiles.d/mshv.conf: paths.{name} ({path}) is not made"
    for name in ("state_dir",):
        if not re.search(rf"^d\s+{re.escape(config['paths'][name])}\s+0700\s+root", tmpfiles, re.MULTILINE):
            yield f"tmpfiles.d/mshv.conf: {config['paths'][name]} must be 0700"


def dry_runs(source):
    with tempfile.TemporaryDirectory() as root:
        (pathlib.Path(root) / "etc").mkdir()
        for tool, arguments in (("systemd-sysusers", [source / "sysusers.d/mshv.conf"]),
                                ("systemd-tmpfiles", ["--create", source / "tmpfiles.d/mshv.conf"])):
            if not shutil.which(tool):
                continue
            run = subprocess.run([tool, f"--root={root}", *map(str, arguments)], capture_output=True,
                                 text=True, check=False)
            if run.returncode != 0:
                yield f"{tool}: {run.stderr.strip()}"


def problems(build, source):
    units = build / "systemd"
    yield from unit_problems((units / "mshvd.service").read_text())
    yield from agreement((source / "sysusers.d/mshv.conf").read_text(),
                         (source / "tmpfiles.d/mshv.conf").read_text(),
                         (source / "udev/70-mshv.rules").read_text(),
                         (units / "mshvd.socket").read_text(),
                         tomllib.loads(with_defaults((source / "mshvd.toml").read_text())))
    if shutil.which("systemd-analyze"):
        yield from verify_units(units)
    yield from dry_runs(source)


if __name__ == "__main__":
    report(problems(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
