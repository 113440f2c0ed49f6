# SPDX-License-Identifier: Apache-2.0
"""What must say the same in several places: errors, crash points."""

import collections
import re

import yaml

from tree import CPP

ERRORS = "toolstack/libs/api/error.cpp"
OPENAPI = "toolstack/libs/api/openapi.yaml"
CLIENT_PAGE = "man/mshvctl.1.scd"

_ROW = re.compile(r'ErrorInfo\{ErrorCode::(\w+), "(\w+)", (\d+), (\d+)\}')


def error_rows(tree):
    """[(enumerator, wire name, HTTP status, exit status)] of the table in error.cpp."""
    return [(name, wire, int(http), int(status))
            for name, wire, http, status in _ROW.findall(tree.text(ERRORS))]


def errors_in_table(tree):
    """Each ErrorCode has one row, and its wire name is its own."""
    header = tree.code("toolstack/libs/api/error.hpp")
    body = re.search(r"enum class ErrorCode \{(.*?)\};", header, re.DOTALL)
    declared = re.findall(r"\w+", body.group(1)) if body else []
    rows = error_rows(tree)
    if declared != [row[0] for row in rows]:
        yield f"{ERRORS}:1: its rows are not the enumerators of error.hpp in order"
    for enumerator, wire, http, _ in rows:
        if enumerator != wire:
            yield f"{ERRORS}:1: {enumerator} is called '{wire}' on the wire"
        if not 200 <= http <= 599:
            yield f"{ERRORS}:1: {enumerator} has HTTP status {http}"


def errors_in_man(tree):
    """mshvctl(1) lists each error with its exit status, and no other."""
    section = re.search(r"^# EXIT STATUS$(.*?)(?=^# )", tree.text(CLIENT_PAGE),
                        re.DOTALL | re.MULTILINE)
    text = section.group(1).replace("\\_", "_") if section else ""
    rows = re.findall(r"^\|  *(\d+)\n:  *(\w+)$", text, re.MULTILINE)
    listed = {word: int(status) for status, word in rows}
    wanted = {wire: status for _, wire, _, status in error_rows(tree)}
    wanted["ok"] = 0
    for wire in sorted(wanted.keys() | listed.keys()):
        if wanted.get(wire) != listed.get(wire):
            yield (f"{CLIENT_PAGE}: error '{wire}': exit status {listed.get(wire)} there, "
                   f"{wanted.get(wire)} in {ERRORS}")


def _enums(node):
    if isinstance(node, dict):
        if isinstance(node.get("enum"), list):
            yield node["enum"]
        for value in node.values():
            yield from _enums(value)
    elif isinstance(node, list):
        for value in node:
            yield from _enums(value)


def errors_in_openapi(tree):
    """openapi.yaml lists each error's wire name, and no other."""
    wanted = {wire for _, wire, _, _ in error_rows(tree)}
    document = yaml.load(tree.text(OPENAPI), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    listed = next((set(enum) for enum in _enums(document) if "not_found" in enum), set())
    for wire in sorted(wanted ^ listed):
        yield f"{OPENAPI}: error '{wire}' is only {'there' if wire in listed else 'in ' + ERRORS}"


def crash_points(tree):
    """A crash point's name is module.what and stands at one place."""
    sites = collections.defaultdict(list)
    for name in tree.under("toolstack", "daemon", suffixes=CPP):
        for number, line in tree.lines(name):
            code = line.split("//")[0]
            for point in re.findall(r'\bMSHV_CRASHPOINT\("([^"]*)"\)', code):
                sites[point].append(f"{name}:{number}")
    for point, places in sorted(sites.items()):
        if len(places) > 1:
            yield f"{places[1]}: crash point '{point}' stands also at {places[0]}"
        if not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", point):
            yield f"{places[0]}: crash point '{point}' is not of the form module.what"


RULES = [errors_in_table, errors_in_man, errors_in_openapi, crash_points]
