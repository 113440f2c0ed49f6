# SPDX-License-Identifier: Apache-2.0
"""The source tree as the rules see it."""

import pathlib
import re
import subprocess

CPP = (".cpp", ".hpp")
CODE = CPP + (".py", ".sh", ".cmake", ".sql")

_TOKEN = re.compile(
    r'R"(?P<raw>[^(\s]*)\(.*?\)(?P=raw)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])*'"
    r"|//[^\n]*"
    r"|/\*.*?\*/",
    re.DOTALL)


def _blank(match):
    """Same number of lines, so that line numbers stay true; the quotes stay, their content goes."""
    text = match.group(0)
    quotes = "" if text.startswith("/") else '""'
    return quotes + "\n" * text.count("\n")


def without_comments_and_strings(cpp):
    return _TOKEN.sub(_blank, cpp)


class Tree:
    """Every file that is, or would be, committed below `root`."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self._texts = {}
        self.files = sorted(self._list())

    def _list(self):
        if (self.root / ".git").exists():
            listed = subprocess.run(
                ["git", "-c", "safe.directory=*", "-C", str(self.root), "ls-files", "-z", "--cached",
                 "--others", "--exclude-standard"],
                check=True, capture_output=True).stdout.decode().split("\0")
            return {name for name in listed if name and (self.root / name).is_file()}
        found = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return {str(path) for path in found
                if path.parts[0] != "build" and "__pycache__" not in path.parts}

    def under(self, *folders, suffixes=None):
        """Files below one of `folders` (all files without any), by suffix or full file name."""
        for name in self.files:
            inside = not folders or any(name.startswith(folder + "/") for folder in folders)
            if inside and (suffixes is None or name.endswith(tuple(suffixes))):
                yield name

    def text(self, name):
        """The file's text; empty for one that is absent or not UTF-8 (a hostile test document)."""
        if name not in self._texts:
            try:
                self._texts[name] = (self.root / name).read_text(encoding="utf-8")
            except (UnicodeDecodeError, FileNotFoundError):
                self._texts[name] = ""
        return self._texts[name]

    def code(self, name):
        """A C++ file's text without comments and the content of strings."""
        return without_comments_and_strings(self.text(name))

    def lines(self, name, code=False):
        text = self.code(name) if code else self.text(name)
        return enumerate(text.splitlines(), start=1)
