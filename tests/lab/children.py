# SPDX-License-Identifier: Apache-2.0
"""What the stand-in says of the partitions that the root makes."""

import re

from machine import Failed

CREATED = re.compile(r"^HV partition \d+ created ", re.MULTILINE)
DELETED = re.compile(r"^HV partition \d+ deleted deposited (\d+) withdrawn (\d+)$", re.MULTILINE)


def incomplete_ends(log):
    """The lines of those of which not every page came back."""
    return [end.group() for end in DELETED.finditer(log) if end.group(1) != end.group(2)]


def ends(machine, begin):
    """What was deposited for each that has ended since then, and of which nothing of that is left."""
    log = machine.log.text[begin:]
    wrong = incomplete_ends(log)
    if wrong:
        raise Failed("; ".join(wrong))
    return [int(deposited) for deposited, _ in DELETED.findall(log)]


def wait_ends(machine, begin, least=0):
    """The same, when all that were made since then, and so many of them, have ended."""
    def ended():
        log = machine.log.text[begin:]
        return len(DELETED.findall(log)) >= max(least, len(CREATED.findall(log)))

    # The kernel may still be at it when the process is gone.
    machine.wait(ended, "not all of the children have ended")
    return ends(machine, begin)
