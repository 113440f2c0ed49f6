#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""verbs.py MSHVCTL ROOT: mshvctl(1) describes the command tree, all of it and nothing else; command lines in
the documents are ones that the tree has."""

import json
import pathlib
import re
import shlex
import subprocess
import sys

from manual import blocks, differences, literals, options, report, section

PAGE = "mshvctl(1)"
# Understood by the program before any verb, so not part of the tree.
ALWAYS = {"-h", "--help", "--version"}


def names(declared):
    return {name for option in declared for name in option["names"]}


def visible(tree):
    return {verb["name"]: verb for verb in tree["verbs"] if not verb["hidden"]}


def described(verb, text, elsewhere):
    """What the entry of one verb must say beside its options; `elsewhere` is what it refers to."""
    title = text.splitlines()[0].replace("\\", "")
    shown = re.findall(r"[A-Z][A-Z-]*", title)
    for argument in verb["arguments"]:
        if not set(argument["name"].split("|")) <= set(shown):
            yield f"{PAGE}: {verb['name']} takes {argument['name']}, its first line does not say so"
    plain = text.replace("\\", "")
    for option in verb["options"]:
        if option["value"] and not re.search(
                rf"\*{re.escape(option['names'][-1])}\* _{re.escape(option['value'])}_", plain):
            yield f"{PAGE}: {verb['name']} {option['names'][-1]} takes {option['value']}"
    for declared in verb["options"] + verb["arguments"]:
        for choice in declared["choices"]:
            if not re.search(rf"(?<![\w-]){re.escape(choice)}(?![\w-])", plain + elsewhere):
                yield f"{PAGE}: {verb['name']} does not name the choice '{choice}'"


def page_problems(tree, page, states):
    """mshvctl(1) against the tree."""
    globals_ = names(tree["global_options"]) | ALWAYS
    yield from differences(options(section(page, "OPTIONS")), globals_, "global option", PAGE)
    verbs = visible(tree)
    entries = blocks(section(page, "VERBS"))
    yield from differences([name for name, _ in entries], verbs, "verb", PAGE)
    if len(entries) != len({name for name, _ in entries}):
        yield f"{PAGE}: a verb has two entries"
    texts = dict(entries)
    for name, text in entries:
        if name in verbs:
            elsewhere = states if "*mshv*(7)" in text else ""
            elsewhere += "".join(texts.get(other, "") for other in re.findall(r"As for \*(\w+)\*", text))
            own = names(verbs[name]["options"])
            found = options(text)
            yield from differences(found - (globals_ - own), own, f"{name}'s option", PAGE)
            yield from described(verbs[name], text, elsewhere)
    groups = [verb["group"] for verb in verbs.values()]
    titles = re.findall(r"^## (.*)$", section(page, "VERBS"), re.MULTILINE)
    if titles != list(dict.fromkeys(groups)):
        yield f"{PAGE}: the groups {titles} are not those of the tree"


def command_problems(tree, line):
    """A command line of a document: verb and options exist."""
    words = shlex.split(line, comments=True)[1:]
    globals_ = names(tree["global_options"]) | ALWAYS
    verbs = visible(tree)
    if any(word in ("|", ">", "<", "&&", ";") for word in words):
        words = words[:next(i for i, word in enumerate(words) if word in ("|", ">", "<", "&&", ";"))]
    verb = next((word for word in words if not word.startswith("-")), None)
    if verb not in verbs:
        yield f"no verb '{verb}'"
        return
    known = globals_ | names(verbs[verb]["options"])
    for word in words:
        if word.startswith("-") and word != "-" and word.split("=")[0] not in known:
            yield f"{verb} has no option '{word}'"


def fenced(text):
    return re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def document_problems(tree, root):
    sources = sorted(root.glob("*.md")) + sorted((root / "man").glob("*.scd"))
    seen = 0
    for path in sources:
        text = path.read_text(encoding="utf-8")
        for block in literals(text) if path.suffix == ".scd" else fenced(text):
            for line in block.splitlines():
                if line.startswith("mshvctl "):
                    seen += 1
                    for problem in command_problems(tree, line):
                        yield f"{path.name}: '{line}': {problem}"
    if seen < 20:
        yield f"only {seen} command lines found in the documents"
    table = section((root / "man/mshv.7.scd").read_text(encoding="utf-8"), "FOR USERS OF XL AND VIRSH")
    rows = re.findall(r"^\|[ \[] [^\n]*\n:[ \[] [^\n]*\n:[ \[] [^\n]*\n:[ \[] ([^\n]*)$", table, re.MULTILINE)
    if len(rows) < 15:
        yield "mshv(7): the table of commands was not found"
    for row in rows:
        for command in row.split(", "):
            if command != "-":
                for problem in command_problems(tree, "mshvctl " + command):
                    yield f"mshv(7): '{command}': {problem}"


def problems(mshvctl, root):
    root = pathlib.Path(root)
    run = subprocess.run([mshvctl, "__tree", "--json"], check=True, capture_output=True, text=True)
    tree = json.loads(run.stdout)
    page = (root / "man/mshvctl.1.scd").read_text(encoding="utf-8")
    states = section((root / "man/mshv.7.scd").read_text(encoding="utf-8"), "PARTITIONS")
    yield from page_problems(tree, page, states)
    yield from document_problems(tree, root)


if __name__ == "__main__":
    report(problems(*sys.argv[1:]))
