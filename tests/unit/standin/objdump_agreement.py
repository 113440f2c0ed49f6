#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the decoder's lengths with objdump's: objdump_agreement.py LENGTHS UNPACKER KERNEL FILE…

LENGTHS is the program objdump_lengths, UNPACKER mshv-kernel-image, KERNEL a bzImage (passed over
where none was made), FILEs are ELF programs and libraries (those that exist are taken). On top come
assembled 16- and 32-bit code and a sweep over all opcodes, which no program contains all of.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

# What compilers do not emit, but firmware, boot loaders and old kernels do. The prefixes, the group
# F6/F7, moffs, far pointers, ENTER and the 16-bit address forms are where modes differ in length.
LEGACY_CODE = """
    mov (%bx,%si), %ax
    mov 0x12(%bp), %eax
    mov 0x1234(%bp,%di), %cl
    mov 0x1234, %ax
    mov %al, 0x1234
    mov 0x12345678(%eax,%ecx,4), %edx
    mov (%esp), %ax
    mov %eax, 0x12345678
    movw $0x1234, (%di)
    movl $0x12345678, (%di)
    movl $0x12345678, 8(%edi)
    testb $1, (%bx)
    testw $1, (%bx)
    testl $1, (%ebx)
    notl (%ebx)
    enter $0x1234, $5
    ljmp $0x1234, $0x5678
    lcall $0x1234, $0x5678
    ljmpl $0x8, $0x123456
    ljmpw $0x8, $0x1234
    les (%bx), %di
    lds 4(%ebx), %esi
    lss (%ebx), %esp
    bound %ax, (%bx)
    pusha
    popal
    push %es
    pop %ds
    push $0x1234
    pushl $0x12345678
    push $5
    daa
    aam
    into
    inc %ax
    dec %ecx
    rep movsl
    rep stosw
    es lodsb
    fs movl %eax, (%bx)
    movzbl (%bx), %eax
    movswl 3(%ebp), %ecx
    mov %cr0, %eax
    mov %eax, %cr3
    mov %eax, %dr7
    lgdtl (%bx)
    lidtw 0x1234
    inb $0x70, %al
    outl %eax, %dx
    jmp 1f
    .skip 300, 0x90
1:  jne 1b
    call 1b
    loop 1b
    jcxz 1b
    jecxz 1b
    imul $0x12345678, (%eax), %ecx
    imul $5, (%bx), %cx
    shld $3, %eax, (%ebx)
    btsl $7, (%ebx)
    fldcw (%bx)
    fwait
    fstcw 4(%esp)
    movaps (%eax), %xmm0
    vaddps 0x10(%eax), %xmm1, %xmm2
    vpermq $0x1b, (%ecx), %ymm0
    vaddps 0x40(%eax), %zmm1, %zmm2
    cpuid
    rdmsr
    lcall *(%bx)
    ljmp *8(%eax)
    xabort $1
"""


def run(command, **options):
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, **options)


def compare(lengths, mode, what, *objdump):
    """Pipes objdump into the program; the number of instructions, after its own complaints."""
    environment = dict(os.environ, LC_ALL="C")
    with subprocess.Popen(["objdump", "-w", *objdump], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, env=environment) as dump:
        result = subprocess.run([lengths, mode], stdin=dump.stdout, capture_output=True, text=True,
                                check=False)
        dump.stdout.close()
    *complaints, summary = result.stdout.splitlines() or [""]
    print(f"{what}: {summary}", flush=True)
    words = summary.split()
    if dump.returncode != 0 or result.returncode != 0 or len(words) != 6:
        print("\n".join(complaints), result.stderr)
        sys.exit(f"{what}: objdump {dump.returncode}, comparison {result.returncode}")
    return int(words[1])


def unpack(unpacker, kernel, folder):
    """The vmlinux of a bzImage, or None where there is none."""
    if not pathlib.Path(kernel).exists():
        print(f"{kernel}: not built here, passed over (tests/guest/make makes it)")
        return None
    image = folder / "vmlinux"
    with open(kernel, "rb") as source, open(image, "wb") as target:
        subprocess.run([unpacker], stdin=source, stdout=target, check=True)
    return str(image)


def sweep(mode):
    """Every opcode of every map, in slots of 16 bytes; a NOP with prefixes fills them up, whatever
    part of it is taken as operands. The ModRM bytes are those that differ in length or by group."""
    slots = []
    prefixes = (b"", b"\x66", b"\xf3", b"\x67", b"\x66\xf2")
    rexes = (b"", b"\x48", b"\x41") if mode == "64" else (b"",)
    taken = {0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x9b,
             0x62, 0x8f, 0xc4, 0xc5}
    if mode == "64":
        taken.update(range(0x40, 0x50))
    modrms = (0x00, 0x05, 0x04, 0x44, 0x84, 0x46, 0x86, 0x06, 0xc1, *range(0xc8, 0x100, 8),
              *range(0x08, 0x40, 8))
    for prefix in prefixes:
        for rex in rexes:
            for opcode_map in (b"", b"\x0f", b"\x0f\x38", b"\x0f\x3a"):
                for opcode in range(256):
                    if opcode_map == b"" and opcode in taken:
                        continue
                    if opcode_map == b"\x0f" and opcode in (0x0f, 0x38, 0x3a):
                        continue
                    slots += [prefix + rex + opcode_map + bytes((opcode, modrm)) for modrm in modrms]
    for select in (1, 2, 3, 5, 6):
        for simd in range(4):
            for opcode in range(256):
                for modrm in (0x04, 0x44, 0x85, 0xd1):
                    tail = bytes((opcode, modrm))
                    slots.append(bytes((0x62, 0xf0 | select, 0x7c | simd, 0x28)) + tail)
                    if select <= 3:
                        slots.append(bytes((0xc4, 0xe0 | select, 0x78 | simd)) + tail)
                    if simd == 0 and select <= 3: # XOP's maps are 8, 9, 10
                        slots.append(bytes((0x8f, 0xe7 + select, 0x78)) + tail)
    return b"".join(slot.ljust(15, b"\x2e") + b"\x90" for slot in slots)


def legacy(lengths, mode, folder):
    """Assembled code and the sweep; 16-bit code is i8086 to objdump."""
    machine = {"64": ["-m", "i386:x86-64"], "32": ["-m", "i386"], "16": ["-m", "i8086"]}[mode]
    image = folder / f"sweep{mode}"
    image.write_bytes(sweep(mode))
    count = compare(lengths, mode, f"sweep of {mode}-bit opcodes", "-D", "-b", "binary", *machine,
                    str(image))
    if mode != "64":
        source, target = folder / f"code{mode}.s", folder / f"code{mode}.o"
        source.write_text(f".code{mode}\n{LEGACY_CODE}", encoding="ascii")
        run(["as", "--32", "-o", str(target), str(source)])
        count += compare(lengths, mode, f"assembled {mode}-bit code", "-d", *machine, str(target))
    return count


def main():
    lengths, unpacker, kernel, *files = sys.argv[1:]
    total = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        # The unpacker drops its rights.
        folder.chmod(0o755)
        for mode in ("64", "32", "16"):
            total += legacy(lengths, mode, folder)
        image = unpack(unpacker, kernel, folder)
        paths = [path for path in files if pathlib.Path(path).exists()]
        if not paths and image is None:
            sys.exit("no program to disassemble: the test would say nothing")
        for path in ([image] if image else []) + paths:
            total += compare(lengths, "64", pathlib.Path(path).name, "-d", path)
    print(f"{total} instructions agree")


if __name__ == "__main__":
    main()
