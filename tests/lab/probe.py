#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots the probe on the stand-in, once for each set of options, and reads what it says."""

import sys

import probes
from probes import Run

CLEAN = r"^HV partition 1 deposited 13 withdrawn 13 held 0 free 0$"
RUNS = [
    Run("lab", (CLEAN,), "usual"),
    Run("lab strict", (CLEAN,), "usual"),
    Run("lab strict",
        (r"^HV root touched a deposited page gpa 0x[0-9a-f]+ rip 0x[0-9a-f]+ lp 0$",), "strict"),
    Run("lab hints=flush,ipi,masks,apic", (), "hints"),
    Run("lab hints=auto-eoi", (), "auto-eoi"),
    Run("lab elements=2 memory=1:0x73 status=0x48:0x71:3:1 pending=0x8f00:1 eom=ignore-once",
        (r"^HV fault hypercall 0x6c finds no memory, status 0x73$",
         r"^HV fault hypercall 0x48 answers status 0x71 after 1$",
         r"^HV fault hypercall 0x8f00 answers status 0x79 after 0$",
         r"^HV fault end of message ignored$"), "faults"),
]

if __name__ == "__main__":
    sys.exit(probes.main(__doc__, RUNS))
