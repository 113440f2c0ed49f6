# SPDX-License-Identifier: Apache-2.0
"""The way the stand-in starts on a machine of its own: by GRUB, from a disk of it, under BIOS or UEFI."""

import pathlib
import shutil
import subprocess

FIRMWARE = pathlib.Path("/usr/share/OVMF")
# Under UEFI only the second protocol tells where the ACPI tables are.
CONFIGURATION = """\
set timeout=0
if [ "$grub_platform" = efi ]; then protocol=2; else protocol=; fi
multiboot$protocol /boot/standin {options}
module$protocol /boot/vmlinuz {words}
module$protocol --nounzip /boot/initrd
boot
"""


def make_image(path, standin, kernel, initrd, options, words):
    """A disc that boots, made of these."""
    tree = path.with_suffix(".tree")
    boot = tree / "boot"
    (boot / "grub").mkdir(parents=True)
    for source, name in ((standin, "standin"), (kernel, "vmlinuz"), (initrd, "initrd")):
        shutil.copyfile(source, boot / name)
    (boot / "grub/grub.cfg").write_text(CONFIGURATION.format(options=options, words=words))
    subprocess.run(["grub-mkrescue", "--locales=", "--fonts=", "--themes=", "-o", path, tree],
                   check=True, capture_output=True)
    shutil.rmtree(tree)


def devices(image, uefi):
    """What QEMU is told so that it boots from this disc."""
    words = ["-drive", f"file={image},if=none,id=disc,media=cdrom,readonly=on",
             "-device", "ide-cd,drive=disc,bootindex=0"]
    if not uefi:
        return words
    variables = image.with_suffix(".vars")
    shutil.copyfile(FIRMWARE / "OVMF_VARS_4M.fd", variables)
    code = FIRMWARE / "OVMF_CODE_4M.fd"
    return words + ["-drive", f"if=pflash,format=raw,readonly=on,file={code}",
                    "-drive", f"if=pflash,format=raw,file={variables}"]
