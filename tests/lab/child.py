#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots the root partition that makes children, and reads what it says of them."""

import sys

import probes
from probes import Run

CLEAN = r"^HV partition 1 deposited (\d+) withdrawn \1 held 0 free 0$"
RUNS = [
    Run("lab", (CLEAN,)),
    Run("lab strict", (CLEAN,)),
    Run("lab elements=1", (CLEAN,)),
    Run("lab sched=lp", (CLEAN,)),
    Run("lab memory=3:0x0b", (CLEAN, r"^HV fault hypercall 0x[0-9a-f]+ finds no memory")),
]

if __name__ == "__main__":
    sys.exit(probes.main(__doc__, RUNS))
