# SPDX-License-Identifier: Apache-2.0
"""Rules about single files: licences, sizes, words and calls that must not appear."""

import pathlib
import re

from tree import CODE, CPP

LONGEST_FILE = 600

# Where a comment can stand; what is not listed (JSON, data, licence texts) needs no SPDX line.
_WITH_HEADER = CODE + (".md", ".yaml", ".yml", ".xml", ".toml", ".scd", ".rng", ".service", ".socket",
                       ".slice", ".conf", ".rules", ".in", "CMakeLists.txt", ".clang-tidy",
                       ".clang-format", ".editorconfig")
_NO_HEADER = ("LICENSES/", "tests/data/", "kernel-patches/linux-")


def spdx(tree):
    """Every file names its licence in its first five lines, and the right one."""
    for name in tree.files:
        program = tree.text(name).startswith("#!")
        if name.startswith(_NO_HEADER) or not (program or name.endswith(_WITH_HEADER)):
            continue
        wanted = "GPL-2.0-only" if name.startswith("kernel-patches/") else "Apache-2.0"
        head = "\n".join(tree.text(name).splitlines()[:5])
        found = re.search(r"SPDX-License-Identifier: (\S+)", head)
        if not found:
            yield f"{name}:1: no SPDX-License-Identifier"
        elif found.group(1) != wanted:
            yield f"{name}:1: licence is {found.group(1)}, must be {wanted}"


def short_files(tree):
    """No source file is longer than a reader can hold."""
    for name in tree.under(suffixes=CODE + ("CMakeLists.txt",)):
        length = tree.text(name).count("\n")
        if length > LONGEST_FILE:
            yield f"{name}:{length}: {length} lines, at most {LONGEST_FILE}"


# A retry has to be paced where nothing can be waited for, and a test may be about time itself; the
# line then says `// paces: what, why`.
_PACES = re.compile(r"// paces: .{10,}")


def _banned(tree, names, patterns):
    for name in names:
        full = tree.text(name).splitlines()
        for number, line in tree.lines(name, code=True):
            for pattern, why in patterns:
                if re.search(pattern, line) and not ("sleep" in why and _PACES.search(full[number - 1])):
                    yield f"{name}:{number}: {line.strip()[:60]}: {why}"


def calls(tree):
    """Calls and keywords that the project does without."""
    everywhere = [
        (r"\bco_(await|yield|return)\b", "no coroutines: g++ 12 miscompiles them"),
        (r"\b(?:u|nano|clock_nano)sleep\s*\(", "never sleep to synchronise"),
        (r"\bsleep_(?:for|until)\b", "never sleep to synchronise"),
        (r"(?<![\w.>])(?:::|std::)?sleep\s*\(\s*[\w'.]+\s*\)", "never sleep to synchronise"),
        (r"\bp?poll\s*\(\s*(?:nullptr|NULL)\s*,\s*0\b", "a sleep in disguise"),
        (r"(?<!\w)(?:std::|::)?system\s*\(", "no shell"),
        (r"\bpopen\s*\(", "no shell"),
        (r"\b(?:v?sprintf|strcpy|strcat|gets|tmpnam|mktemp)\s*\(", "unbounded or unsafe"),
    ]
    # tests/guest is what runs inside a guest: there a program may pace itself.
    here = (name for name in tree.under("toolstack", "daemon", "tests", suffixes=CPP)
            if not name.startswith("tests/guest/"))
    yield from _banned(tree, here, everywhere)
    programs = [
        (r"\busing namespace std\s*;", "spell names out"),
    ]
    yield from _banned(tree, tree.under("toolstack", "daemon", suffixes=CPP), programs)
    client = [(r"\b(?:getpwnam|getpwuid|getgrnam|getgrgid|getgrouplist)(?:_r)?\s*\(",
               "no NSS in a static client that starts in a millisecond")]
    yield from _banned(tree, tree.under("toolstack", suffixes=CPP), client)
    for name in tree.under("tests", suffixes=(".py",)):
        for number, line in tree.lines(name):
            if re.search(r"\btime\.sleep\(", line.split("#")[0]):
                yield f"{name}:{number}: never sleep to synchronise"


# Spelled in halves so that this file does not break its own rule.
_UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")


def finished(tree):
    """Nothing is left for later in the text."""
    for name in tree.files:
        if name.startswith(_NO_HEADER):
            continue
        for number, line in tree.lines(name):
            if _UNFINISHED.search(line):
                yield f"{name}:{number}: {line.strip()[:60]}: finish it or file an issue"
            elif (name.startswith(("toolstack/", "daemon/")) and name.endswith(CPP)
                  and re.search(r"\bst" r"ubs?\b|implemented (?:yet|later)|unimplemented", line, re.IGNORECASE)):
                yield f"{name}:{number}: {line.strip()[:60]}: build it or leave it out"


def reasons(tree):
    """A suppressed warning states its reason on the line."""
    pattern = re.compile(r"NO" r"LINT(?P<kind>NEXTLINE|BEGIN|END)?(\([^)]+\))?(?P<why>.*)")
    for name in tree.under("toolstack", "daemon", "tests", suffixes=CPP):
        for number, line in tree.lines(name):
            match = pattern.search(line)
            if match and match.group("kind") != "END" and len(match.group("why").strip(" :-*/")) < 5:
                yield f"{name}:{number}: a suppression states its reason on the line"


def names(tree):
    """No module is called after nothing."""
    empty = {"util", "utils", "common", "base", "misc", "helper", "helpers"}
    for name in tree.under("toolstack", "daemon", "tests", "configs", "man"):
        path = pathlib.PurePath(name)
        for part in (*path.parent.parts, path.stem):
            if part in empty:
                yield f"{name}:1: '{part}' says nothing about what is inside"


def readmes(tree):
    """Every folder of sources says what it is for."""
    folders = {str(pathlib.PurePath(name).parent)
               for name in tree.under("toolstack", "daemon", suffixes=CPP + (".sql",))}
    for folder in sorted(folders):
        if f"{folder}/README.md" not in tree.files:
            yield f"{folder}/README.md: missing"


RULES = [spdx, short_files, calls, finished, reasons, names, readmes]
