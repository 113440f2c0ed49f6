# SPDX-License-Identifier: Apache-2.0
"""Reading scdoc sources, and how the checks report."""

import re
import sys


def section(page, title):
    """The text of `# TITLE`, up to the next section."""
    found = re.search(rf"^# {re.escape(title)}$(.*?)(?=^# |\Z)", page, re.DOTALL | re.MULTILINE)
    return found.group(1) if found else ""


def blocks(text):
    """[(name, text)] of the entries `*name* …` that start at the left margin."""
    parts = re.split(r"^\*([a-z][\w-]*)\*", text, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2]))


def literals(page):
    """The lines between ``` fences, each block as one text."""
    return re.findall(r"^```\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def options(text):
    """Every option that is set in bold, as in *-w*, *--wait* or *-o* _COLUMNS_. Bold inside literal
    blocks does not count."""
    text = re.sub(r"^```\n.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return set(re.findall(r"\*(--?[A-Za-z][\w-]*)\*", text.replace("\\_", "_")))


def report(problems):
    """Prints them and leaves; the exit status says whether there were any."""
    problems = list(problems)
    print("\n".join(problems) or "no differences")
    sys.exit(1 if problems else 0)


def differences(documented, real, what, page):
    for name in sorted(set(real) - set(documented)):
        yield f"{what} '{name}' is not in {page}"
    for name in sorted(set(documented) - set(real)):
        yield f"{page} describes {what} '{name}', which does not exist"
