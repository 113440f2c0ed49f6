#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""elements.py GENERATOR MSHVCTL MAN: mshv-guest(5) was built with every element of the parser's table, and its
examples are valid."""

import pathlib
import re
import subprocess
import sys
import tempfile

from manual import literals, report


def words_of(text):
    """Every path-like word, unescaped: devices/disk/target/@bus."""
    return set(re.findall(r"[@\w*][\w/@*:-]*", text.replace("\\", "")))


def missing(table, page):
    have = words_of(page)
    for path in sorted(words_of(table) - have):
        yield f"mshv-guest(5) lacks '{path}' of the element table"


def examples(page):
    return [block for block in literals(page) if block.lstrip().startswith("<partition")]


def problems(generator, mshvctl, man):
    table = subprocess.run([generator, "--man"], check=True, capture_output=True, text=True).stdout
    page = (pathlib.Path(man) / "mshv-guest.5.scd").read_text(encoding="utf-8")
    if table.count("@") < 50:
        yield f"{generator} --man prints hardly any attribute"
    yield from missing(table, page)
    found = examples(page)
    if len(found) < 2:
        yield "mshv-guest(5) has no examples"
    for number, text in enumerate(found, start=1):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "guest.xml"
            path.write_text(text, encoding="utf-8")
            run = subprocess.run([mshvctl, "check", str(path)], capture_output=True, text=True,
                                 check=False)
            if run.returncode != 0:
                yield f"example {number} of mshv-guest(5): {run.stderr.strip() or run.stdout.strip()}"


if __name__ == "__main__":
    report(problems(*sys.argv[1:]))
