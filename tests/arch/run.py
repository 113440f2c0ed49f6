#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs groups of rules over the tree: run.py ROOT GROUP… [--graph FILE]; exit 1 if one is broken."""

import argparse
import pathlib
import sys

import rules_contract
import rules_history
import rules_layers
import rules_text
from tree import Tree

GROUPS = {
    "layers": rules_layers.RULES,
    "text": rules_text.RULES,
    "contract": rules_contract.RULES,
    "history": rules_history.RULES,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root")
    parser.add_argument("groups", nargs="+", choices=sorted(GROUPS) + ["links"])
    parser.add_argument("--graph", help="link graph written by CMake, for the group links")
    arguments = parser.parse_args()

    tree = Tree(arguments.root)
    if not tree.files:
        sys.exit(f"{arguments.root}: no files to check")
    checked, broken = 0, []
    for group in arguments.groups:
        if group == "links":
            graph = pathlib.Path(arguments.graph).read_text(encoding="utf-8")
            broken += rules_layers.link_graph(tree, graph)
            checked += 1
            continue
        for rule in GROUPS[group]:
            broken += rule(tree)
            checked += 1
    print("\n".join(broken))
    print(f"{len(tree.files)} files, {checked} rules, {len(broken)} violations")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
