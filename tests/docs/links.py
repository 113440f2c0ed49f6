#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""links.py ROOT: relative links and paths named in the Markdown files lead somewhere."""

import pathlib
import re
import sys

from manual import report


def documents(root):
    for path in sorted(root.rglob("*.md")):
        if path.relative_to(root).parts[0] not in ("build", ".git"):
            yield path


def problems(root):
    root = pathlib.Path(root)
    for document in documents(root):
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            if "://" not in target and not (document.parent / target).exists():
                yield f"{document.relative_to(root)}: link to {target} leads nowhere"
    readme = (root / "README.md").read_text(encoding="utf-8")
    for command in re.findall(r"^(tests/\w+)", readme, re.MULTILINE):
        path = root / command
        if not path.is_file() or not path.stat().st_mode & 0o100:
            yield f"README.md: {command} cannot be run"


if __name__ == "__main__":
    report(problems(sys.argv[1]))
