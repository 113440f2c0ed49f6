#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""exercised.py MSHVCTL ROOT: every verb is run by a test that starts real programs. With --xl instead, a
table: what became of each command of xl, and the test that shows it."""

import json
import pathlib
import re
import subprocess
import sys

from manual import report

# What the tests' fixture runs for them: its functions, as tests/e2e/lib/host.hpp says.
THROUGH = {"create": "create", "define": "define", "wait_state": "wait", "wait_console": "console"}
# Where the answers to all commands that are no verbs are asserted.
ANSWERED = "unit_mshvctl: each_command_of_xl_is_a_verb_or_says_why_not"
WORDS = re.compile(r'\{\s*(?:"-[^"]*",\s*)*"([a-z][a-z0-9-]*)"')


def cases(path):
    """Name and text of each case of a program, what stands before the first one under the program's."""
    program = f"e2e_{path.name.removesuffix('_test.cpp')}"
    parts = re.split(r"^BOOST_(?:AUTO|FIXTURE|DATA)_TEST_CASE\((\w+)", path.read_text(), flags=re.MULTILINE)
    yield program, parts[0]
    for name, text in zip(parts[1::2], parts[2::2]):
        yield f"{program}: {name}", text


def exercised(root, verbs):
    """The tests that run each verb, those first of whose commands it is the largest part."""
    found = {verb: [] for verb in verbs}
    for path in sorted((root / "tests/e2e").glob("*_test.cpp")):
        for test, text in cases(path):
            run = [word for word in WORDS.findall(text) if word in found]
            run += [THROUGH[name] for name in re.findall(r"\bhost\.(\w+)\(", text) if name in THROUGH]
            for verb in set(run):
                share = run.count(verb) / len(run) if ":" in test else 0
                found[verb].append((-share, test))
    return {verb: [test for _, test in sorted(tests)] for verb, tests in found.items()}


def ask(mshvctl, *words):
    return json.loads(subprocess.run([mshvctl, *words], check=True, capture_output=True).stdout)


def verbs_of(mshvctl):
    return [verb["name"] for verb in ask(mshvctl, "help", "--json")["verbs"] if not verb["hidden"]]


def problems(found):
    return [f"no end-to-end test runs '{verb}'" for verb, tests in found.items() if not tests]


def table(mshvctl, found):
    for command in ask(mshvctl, "help", "--xl", "--json")["items"]:
        name, fate = command["name"], command["fate"]
        yield f"| {name} | {fate} | {found[name][0] if fate == 'here' else ANSWERED} |"


def main():
    mshvctl, root = sys.argv[1], pathlib.Path(sys.argv[2])
    found = exercised(root, verbs_of(mshvctl))
    if "--xl" in sys.argv:
        print("\n".join(table(mshvctl, found)))
        return 0
    return report(problems(found))


if __name__ == "__main__":
    sys.exit(main())
