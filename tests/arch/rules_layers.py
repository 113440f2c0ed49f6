# SPDX-License-Identifier: Apache-2.0
"""The include arrows of layers.toml, the quarantine of third parties, and the link graph."""

import fnmatch
import re
import tomllib

from tree import CPP

_INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
OWN = ("toolstack/", "daemon/", "tests/standin/")
# Where every include has to follow an arrow.
LAYERED = ("toolstack", "daemon", "tests/standin")


def load(tree):
    return tomllib.loads(tree.text("tests/arch/layers.toml"))


def includes(tree, name):
    """(line, path, quoted) of each #include of a file."""
    for number, line in tree.lines(name):
        match = _INCLUDE.match(line)
        if match:
            yield number, match.group(1) or match.group(2), match.group(1) is not None


def module_of(path, arrows):
    held = [module for module in arrows if path == module or path.startswith(module + "/")]
    return max(held, key=len, default=None)


def allowed(module, other, arrows):
    return module == other or any(
        other == target or other.startswith(target + "/") for target in arrows[module])


def arrows(tree):
    """Every include in toolstack/, daemon/ and tests/standin/ follows an arrow of layers.toml."""
    known = load(tree)["arrows"]
    for name in tree.under(*LAYERED, suffixes=CPP):
        module = module_of(name, known)
        if module is None:
            yield f"{name}:1: its folder is no module of tests/arch/layers.toml"
            continue
        for number, path, quoted in includes(tree, name):
            if not quoted:
                if path.startswith(OWN):
                    yield f"{name}:{number}: own header <{path}> needs quotes"
                continue
            other = module_of(path, known)
            if other is None:
                yield f'{name}:{number}: "{path}" is not given from the repository root'
            elif not allowed(module, other, known):
                yield f"{name}:{number}: {module} must not include {other}"


def acyclic(tree):
    """No module reaches itself."""
    known = load(tree)["arrows"]
    edges = {module: {other for other in known if other != module and allowed(module, other, known)}
             for module in known}

    def reaches(start):
        seen, todo = set(), list(edges[start])
        while todo:
            module = todo.pop()
            if module not in seen:
                seen.add(module)
                todo.extend(edges[module])
        return seen

    for module in sorted(edges):
        if module in reaches(module):
            yield f"tests/arch/layers.toml: {module} is part of a circle"


def quarantine(tree):
    """A third-party header appears only where layers.toml says."""
    rules = load(tree)["only_in"]
    for name in tree.under("toolstack", "daemon", suffixes=CPP):
        for number, path, _ in includes(tree, name):
            for header, places in rules.items():
                if path.startswith(header) and not any(fnmatch.fnmatch(name, place) for place in places):
                    where = ", ".join(places) or "nowhere"
                    yield f"{name}:{number}: <{path}> is allowed only in {where}"


def include_style(tree):
    """Headers say #pragma once; a source includes its own header first."""
    for name in tree.under("toolstack", "daemon", "tests", suffixes=(".hpp",)):
        if "#pragma once" not in tree.text(name):
            yield f"{name}:1: no #pragma once"
    for name in tree.under("toolstack", "daemon", suffixes=(".cpp",)):
        stem = name[:-len(".cpp")]
        own = f"{stem}.hpp"
        first = next(((number, path) for number, path, _ in includes(tree, name)), None)
        if own in tree.files and first and first[1] not in (own, f"{stem}_impl.hpp"):
            yield f'{name}:{first[0]}: the first include must be "{own}"'


def link_graph(tree, graph):
    """`graph` (written by CMake: target|folder|libraries) has the arrows that the includes have."""
    known = load(tree)["arrows"]
    folder_of, links = {}, {}
    for line in graph.splitlines():
        target, folder, libraries = line.split("|")
        folder_of[target] = folder
        links[target] = [name for name in libraries.split(";") if name]

    def owner(target):
        return module_of(folder_of[target], known) if target in folder_of else None

    def closure(target):
        seen, todo = set(), [target]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo.extend(links.get(name, []))
        return seen

    linked = {}
    for target in links:
        module = owner(target)
        if module is None:
            continue
        for other in map(owner, links[target]):
            if other is not None and not allowed(module, other, known):
                yield f"target {target}: {module} must not link {other}"
        linked.setdefault(module, set()).update(
            filter(None, (owner(name) for name in closure(target))))

    for name in tree.under("toolstack", "daemon", suffixes=(".cpp",)):
        module = module_of(name, known)
        for number, path, quoted in includes(tree, name):
            other = module_of(path, known) if quoted else None
            if other in linked and module in linked and other not in linked[module] and other != module:
                yield f"{name}:{number}: includes {other}, but no target of {module} links it"


RULES = [arrows, acyclic, quarantine, include_style]
