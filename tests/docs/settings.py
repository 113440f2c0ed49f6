#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""settings.py MSHVD ROOT: mshvd.toml and mshvd.toml(5) have every setting of the daemon with its default, and
no other; the daemon accepts the file and refuses one with an unknown key; mshvd(8) has its options."""

import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

from manual import blocks, differences, options, report, section


def flat(table, prefix=""):
    """{"api.socket": value}"""
    result = {}
    for key, value in table.items():
        if isinstance(value, dict):
            result |= flat(value, f"{prefix}{key}.")
        else:
            result[prefix + key] = value
    return result


def with_defaults(text):
    """The file with its commented settings taken in."""
    return re.sub(r"^#(?=\w+ = )", "", text, flags=re.MULTILINE)


def described(page):
    """{setting: its entry} of mshvd.toml(5): a subsection a table, an entry a key."""
    result = {}
    for part in re.split(r"^## ", section(page, "SETTINGS"), flags=re.MULTILINE)[1:]:
        table = part.splitlines()[0].strip().strip("[]")
        for key, text in blocks(part.replace("\\_", "_")):
            result[f"{table}.{key}"] = text
    return result


def file_problems(file, printed):
    theirs, ours = flat(printed), flat(tomllib.loads(with_defaults(file)))
    yield from differences(ours, theirs, "setting", "configs/mshvd.toml")
    for key in sorted(theirs.keys() & ours.keys()):
        if theirs[key] != ours[key]:
            yield f"configs/mshvd.toml: {key} is {ours[key]!r}, the default is {theirs[key]!r}"
    if tomllib.loads(file) != {name: {} for name in tomllib.loads(file)}:
        yield "configs/mshvd.toml sets something: it must only show defaults"


def page_problems(page, printed):
    theirs, entries = flat(printed), described(page)
    yield from differences(entries, theirs, "setting", "mshvd.toml(5)")
    for key in sorted(theirs.keys() & entries.keys()):
        value = theirs[key]
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        if shown and shown not in entries[key]:
            yield f"mshvd.toml(5): {key} does not name its default {shown}"


def daemon_problems(mshvd, file):
    def check(text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "mshvd.toml"
            path.write_text(text, encoding="utf-8")
            return subprocess.run([mshvd, "--config", str(path), "--check-config"], capture_output=True,
                                  text=True, check=False)

    good = check(file)
    if good.returncode != 0:
        yield f"mshvd --check-config refuses configs/mshvd.toml: {good.stderr.strip()}"
    bad = check(file.replace("[api]", "[api]\nsokcet = 'x'"))
    line = file[:file.index("[api]")].count("\n") + 2
    if bad.returncode == 0:
        yield "mshvd --check-config accepts an unknown key"
    elif "sokcet" not in bad.stderr or f":{line}" not in bad.stderr:
        yield f"mshvd --check-config does not name key and line {line}: {bad.stderr.strip()}"


def option_problems(help_text, page):
    # Only builds for tests have crash points, and nobody runs those.
    real = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", help_text)) - {"--list-crashpoints"}
    yield from differences(options(section(page, "OPTIONS")), real, "option", "mshvd(8)")


def problems(mshvd, root):
    root = pathlib.Path(root)
    usage = subprocess.run([mshvd, "--help"], check=True, capture_output=True, text=True).stdout
    yield from option_problems(usage, (root / "man/mshvd.8.scd").read_text(encoding="utf-8"))
    run = subprocess.run([mshvd, "--config", "/dev/null", "--print-config"], check=True,
                         capture_output=True, text=True)
    printed = tomllib.loads(run.stdout)
    file = (root / "configs/mshvd.toml").read_text(encoding="utf-8")
    yield from file_problems(file, printed)
    yield from page_problems((root / "man/mshvd.toml.5.scd").read_text(encoding="utf-8"), printed)
    yield from daemon_problems(mshvd, file)


if __name__ == "__main__":
    report(problems(*sys.argv[1:]))
