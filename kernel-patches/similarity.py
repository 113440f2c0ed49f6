#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""How much code two sets of C files share: the longest run of lines that stand in both, without
comments, blank lines, includes and lines that are punctuation alone, and with white space folded. For
`similarity`, which knows the files."""

import argparse
import difflib
import pathlib
import re
import sys

COMMENT_OR_STRING = re.compile(
    r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.DOTALL)
LEFT_OUT = re.compile(
    r"#\s*(include|define\s+pr_fmt)\b|MODULE_(LICENSE|AUTHOR|DESCRIPTION)\b|\W*$")


def without_comment(match):
    text = match.group()
    # Its lines stay, so that numbers of lines are right.
    return "\n" * text.count("\n") if text.startswith("/") else text


def code(path, added=None):
    """(number, folded line) of each line of code. A line that is not in `added` is None: it ends a run."""
    text = COMMENT_OR_STRING.sub(without_comment, path.read_text(errors="replace"))
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        folded = re.sub(r"\s+", " ", line.strip())
        # Only between words does a space mean something.
        folded = re.sub(r"(?<!\w) | (?!\w)", "", folded)
        if LEFT_OUT.match(folded):
            continue
        found.append((number, folded if added is None or number in added else None))
    return found


def added_lines(path, before):
    """The numbers of the lines of `path` that are not in `before`; None if that does not exist."""
    if not before.exists():
        return None
    old = before.read_text(errors="replace").split("\n")
    new = path.read_text(errors="replace").split("\n")
    added = set()
    for tag, _, _, begin, end in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        if tag in ("insert", "replace"):
            added.update(range(begin + 1, end + 1))
    return added


def positions(files):
    """Where each folded line stands: in which file, the how many'th."""
    index = {}
    for name, lines in files.items():
        for place, (_, line) in enumerate(lines):
            index.setdefault(line, []).append((name, place))
    return index


def longest(lines, index):
    """(length, first and last number of ours, file and place of theirs) of the longest run."""
    best = (0, 0, 0, "", 0)
    before = {}
    for at, (number, line) in enumerate(lines):
        now = {}
        for name, place in index.get(line, ()) if line is not None else ():
            length = before.get((name, place - 1), 0) + 1
            now[name, place] = length
            if length > best[0]:
                best = (length, lines[at - length + 1][0], number, name, place - length + 1)
        before = now
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, required=True, help="a longer run is a failure")
    parser.add_argument("--ours", nargs="+", required=True, help="a tree, and files in it")
    parser.add_argument("--theirs", nargs="+", required=True, help="another one, and files in that")
    parser.add_argument("--before", type=pathlib.Path, required=True,
                        help="our tree without our changes: what is in it is not ours")
    arguments = parser.parse_args()
    our_tree, *ours = arguments.ours
    their_tree, *theirs = arguments.theirs
    known = {name: code(pathlib.Path(their_tree) / name) for name in theirs}
    index = positions(known)
    wrong = 0
    for name in ours:
        path = pathlib.Path(our_tree) / name
        lines = code(path, added_lines(path, arguments.before / name))
        length, first, last, other, place = longest(lines, index)
        own = sum(line is not None for _, line in lines)
        where = f"lines {first} to {last}, {other}:{known[other][place][0]}" if length else ""
        mark = "TOO LONG " if length > arguments.most else ""
        wrong += length > arguments.most
        print(f"{name:48} {own:5} {length:3}  {mark}{where}")
    print(f"{len(ours)} files of ours, {len(theirs)} of theirs, runs of more than "
          f"{arguments.most} lines: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
