#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lint.py FOLDER: mandoc finds nothing wrong with the built pages."""

import pathlib
import re
import shutil
import subprocess
import sys

from manual import report

# scdoc itself writes these: a paragraph macro behind each heading and around each indentation.
_SCDOC = re.compile(r"WARNING: skipping paragraph macro: PP (empty|after S[HS])")


def complaints(page):
    run = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(page)], capture_output=True,
                         text=True, check=False)
    for line in (run.stdout + run.stderr).splitlines():
        if not _SCDOC.search(line):
            yield line.removeprefix("mandoc: ")


def problems(folder):
    pages = sorted(pathlib.Path(folder).glob("*.[1-9]"))
    if not pages:
        yield f"{folder}: no pages were built"
    for page in pages:
        yield from complaints(page)
        source = page.read_text(encoding="utf-8")
        headings = re.findall(r'^\.SH "?([A-Z ]+)"?$', source, re.MULTILINE)
        for wanted in ("NAME", "DESCRIPTION", "SEE ALSO"):
            if wanted not in headings:
                yield f"{page.name}: no section {wanted}"
        for placeholder in re.findall(r"@[A-Z]+@", source):
            yield f"{page.name}: {placeholder} was not replaced"
        for name, number in re.findall(r"\\fB(mshv[\w.-]*)\\fR\((\d)\)", source.replace("\\-", "-")):
            if not (page.parent / f"{name}.{number}").exists():
                yield f"{page.name}: refers to {name}({number}), which is not built"


if __name__ == "__main__":
    if not shutil.which("mandoc"):
        sys.exit(77)
    report(problems(sys.argv[1]))
