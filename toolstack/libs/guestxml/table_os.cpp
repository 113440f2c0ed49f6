// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/build.hpp"
#include "toolstack/libs/guestxml/table.hpp"

namespace mshv::guestxml {
namespace {

using namespace api;

constexpr std::string_view no_secure_boot = "secure boot is not in this release";
constexpr std::string_view no_containers = "containers are not partitions";

constexpr Row rows[] = {
    row("os", Type::none, "How the guest boots"),
    row("os/@firmware", Type::choice, "Firmware that is chosen for the guest")
        .of("efi bios")
        .by_default("bios")
        .to([](Build& b, const Value& v) {
            b.spec.boot.firmware = v.as<Firmware>();
            b.firmware_given = true;
        }),
    row("os/type", Type::choice, "Only hvm")
        .of("hvm")
        .refuses("linux xen xenpvh exe uml", "only fully virtual machines run here", "hvm")
        .or_empty()
        .no_effect()
        .by_default("hvm"),
    row("os/type/@arch", Type::choice, "The host's own")
        .of("x86_64")
        .refuses("i686 aarch64 armv7l riscv64 ppc64 ppc64le s390x s390 loongarch64 mips sparc",
                 "only x86_64 partitions are in this release", "x86_64")
        .no_effect(),
    row("os/type/@machine", Type::choice, "Chipset")
        .of(words_of<Machine>())
        .refuses("pc-q35-* pc-i440fx-* virt virt-* isapc xenpv xenfv",
                 "this chipset or version of it cannot be chosen in this release", "q35")
        .by_default("q35")
        .to([](Build& b, const Value& v) { b.spec.boot.machine = v.as<Machine>(); }),
    row("os/firmware", Type::none, "What the chosen firmware must have"),
    row("os/firmware/feature", Type::none, "One feature").many(),
    row("os/firmware/feature/@name", Type::choice, "Which")
        .required()
        .of("secure-boot enrolled-keys"),
    row("os/firmware/feature/@enabled", Type::choice, "Only no")
        .required()
        .of("no")
        .refuses("yes", no_secure_boot, "no")
        .no_effect(),
    row("os/loader", Type::path, "Firmware image")
        .by_default("chosen by firmware")
        .to([](Build& b, const Value& v) { b.spec.boot.loader = v.text; }),
    row("os/loader/@type", Type::choice, "How the image is shown to the guest")
        .of("rom pflash")
        .by_default("rom, or pflash with firmware='efi'")
        .to([](Build& b, const Value& v) { b.loader_type = v.text; }),
    row("os/loader/@readonly", Type::choice, "The image is never written")
        .of("yes")
        .refuses("no", "a firmware image is never written", "yes")
        .no_effect(),
    row("os/loader/@secure", Type::choice, "Only no")
        .of("no")
        .refuses("yes", no_secure_boot, "no")
        .no_effect(),
    row("os/loader/@stateless", Type::choice, "Only no")
        .of("no")
        .refuses("yes", "firmware without a variable store is not in this release", "no")
        .no_effect(),
    row("os/loader/@format", Type::choice, "Only raw")
        .of("raw")
        .refuses("qcow2", "firmware images are raw files", "raw")
        .no_effect(),
    row("os/nvram", Type::path, "The partition's EFI variable store")
        .by_default("a copy per partition")
        .to([](Build& b, const Value& v) { b.spec.boot.nvram = v.text; }),
    row("os/nvram/@format", Type::choice, "Only raw")
        .of("raw")
        .refuses("qcow2", "variable stores are raw files", "raw")
        .no_effect(),
    refused("os/nvram/@template", "the template belongs to the firmware and is found by mshvd",
            "leave it out"),
    refused("os/nvram/@templateFormat", "the template is found by mshvd", "leave it out"),
    refused("os/nvram/@type", "variable stores are files"),
    refused("os/nvram/source", "variable stores are files"),
    row("os/kernel", Type::path, "Linux kernel that is booted directly")
        .to([](Build& b, const Value& v) { b.spec.boot.kernel = v.text; }),
    row("os/initrd", Type::path, "Its initial RAM disk").to([](Build& b, const Value& v) {
        b.spec.boot.initrd = v.text;
    }),
    row("os/cmdline", Type::line, "Its command line").up_to(4096).to([](Build& b, const Value& v) {
        b.spec.boot.cmdline = v.text;
    }),
    refused("os/shim", "booting through shim is not in this release"),
    refused("os/dtb", "device trees are not for this architecture"),
    refused("os/acpi", "own ACPI tables are not in this release"),
    row("os/boot", Type::none, "One kind of boot device, in order").many(),
    row("os/boot/@dev", Type::choice, "Which kind")
        .required()
        .of(words_of<BootDevice>())
        .refuses("fd", "floppy drives are not in this release")
        .by_default("hd")
        .to([](Build& b, const Value& v) { b.spec.boot.order.push_back(v.as<BootDevice>()); }),
    row("os/bootmenu", Type::none, "The firmware's boot menu"),
    row("os/bootmenu/@enable", Type::yes_no, "Is it offered")
        .required()
        .by_default("no")
        .to([](Build& b, const Value& v) { b.menu = v.on; }),
    row("os/bootmenu/@timeout", Type::number, "How long it waits for a key")
        .up_to(65535)
        .in("ms")
        .by_default("3000")
        .to([](Build& b, const Value& v) { b.menu_timeout = v.small(); }),
    row("os/bios", Type::none, "Settings of SeaBIOS"),
    row("os/bios/@useserial", Type::choice, "Only no")
        .of("no")
        .refuses("yes", "SeaBIOS output on the serial port is not in this release", "no")
        .no_effect(),
    refused("os/bios/@rebootTimeout", "a boot that fails is not repeated in this release"),
    row("os/smbios", Type::none, "Where SMBIOS data come from"),
    row("os/smbios/@mode", Type::choice, "The VMM's own, or <sysinfo>")
        .required()
        .of("emulate sysinfo")
        .refuses("host", "the host's own SMBIOS data are not shown to a guest", "sysinfo")
        .by_default("emulate")
        .to([](Build& b, const Value& v) { b.smbios_applied = v.text == "sysinfo"; }),
    refused("os/init", no_containers),
    refused("os/initarg", no_containers),
    refused("os/initenv", no_containers),
    refused("os/initdir", no_containers),
    refused("os/inituser", no_containers),
    refused("os/initgroup", no_containers),
    refused("os/idmap", no_containers),
};

} // namespace

std::span<const Row> os_rows() {
    return rows;
}

} // namespace mshv::guestxml
