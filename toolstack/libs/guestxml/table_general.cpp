// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/build.hpp"
#include "toolstack/libs/guestxml/table.hpp"

namespace mshv::guestxml {
namespace {

using namespace api;

constexpr std::uint64_t mib = 1ULL << 20;
constexpr std::uint64_t most_memory = 1ULL << 47; // half of a 48-bit guest-physical space
constexpr std::string_view no_tuning = "CPU and memory tuning is not in this release";
constexpr std::string_view end_words = "destroy restart preserve";

constexpr Row rows[] = {
    row("@type", Type::choice,
        "Accelerator: mshv, kvm or tcg; libvirt's hyperv and qemu mean mshv "
        "and tcg. Absent: the first that works here")
        .of("mshv kvm tcg hyperv qemu")
        .refuses("xen lxc vz vmware bhyve test hvf parallels uml openvz phyp vbox xenserver",
                 "only Microsoft's hypervisor, KVM and QEMU's own emulation run partitions here")
        .by_default("first usable")
        .to([](Build& b, const Value& v) {
            b.spec.accelerator = v.text == "hyperv" ? Accelerator::mshv
                                 : v.text == "qemu" ? Accelerator::tcg
                                                    : v.as<Accelerator>();
        }),
    row("@id", Type::number, "Written by dumpxml; a partition's number is never read").no_effect(),

    row("name", Type::name, "Name: letters, digits and . _ + -, at most 64, not digits alone")
        .required()
        .to([](Build& b, const Value& v) { b.spec.name = v.text; }),
    row("uuid", Type::uuid, "Identity for ever")
        .by_default("generated")
        .to([](Build& b, const Value& v) { b.spec.uuid = parse_uuid(v.text); }),
    row("genid", Type::uuid, "VM generation id")
        .by_default("none")
        .to([](Build& b, const Value& v) { b.spec.genid = parse_uuid(v.text); }),
    row("title", Type::line, "Short description").up_to(256).to([](Build& b, const Value& v) {
        b.spec.title = v.text;
    }),
    row("description", Type::text, "Free text").up_to(4096).to([](Build& b, const Value& v) {
        b.spec.description = v.text;
    }),
    row("metadata", Type::any, "Foreign XML in namespaces declared within, kept byte for byte"),

    row("memory", Type::size, "RAM at boot; rounded up to 1 MiB")
        .required()
        .in("KiB")
        .from(mib, most_memory)
        .to([](Build& b, const Value& v) { b.spec.memory.size = v.number; }),
    row("memory/@unit", Type::unit, "Unit of the number").by_default("KiB"),
    row("memory/@dumpCore", Type::on_off, "Is RAM part of a core dump of the VMM")
        .by_default("off")
        .to([](Build& b, const Value& v) { b.spec.memory.dump_core = v.on; }),
    row("currentMemory", Type::size, "What the balloon leaves the guest at start")
        .in("KiB")
        .from(mib, most_memory)
        .by_default("memory")
        .to([](Build& b, const Value& v) { b.spec.memory.current = v.number; }),
    row("currentMemory/@unit", Type::unit, "Unit of the number").by_default("KiB"),
    refused("maxMemory", "memory hotplug is not in this release", "give all RAM with <memory>"),
    row("memoryBacking", Type::none, "How RAM is held on the host"),
    row("memoryBacking/hugepages", Type::flag, "RAM from huge pages")
        .to([](Build& b, const Value&) { b.spec.memory.hugepages.emplace(); }),
    row("memoryBacking/hugepages/page", Type::none, "Which huge pages"),
    row("memoryBacking/hugepages/page/@size", Type::size, "Size of a page")
        .required()
        .in("KiB")
        .from(4096, 1ULL << 40)
        .to([](Build& b, const Value& v) { b.spec.memory.hugepages.emplace(HugePages{v.number}); }),
    row("memoryBacking/hugepages/page/@unit", Type::unit, "Unit of size").by_default("KiB"),
    refused("memoryBacking/hugepages/page/@nodeset", "guest NUMA nodes are not in this release"),
    row("memoryBacking/source", Type::none, "What RAM is made of"),
    row("memoryBacking/source/@type", Type::choice, "Always a memfd")
        .of("memfd")
        .refuses("anonymous file", "RAM is always a memfd", "memfd")
        .no_effect()
        .by_default("memfd"),
    row("memoryBacking/access", Type::none, "How RAM is mapped"),
    row("memoryBacking/access/@mode", Type::choice, "Shared lets a helper process map guest RAM")
        .required()
        .of("shared private")
        .by_default("shared")
        .to([](Build& b, const Value& v) { b.spec.memory.shared = v.text == "shared"; }),
    row("memoryBacking/allocation", Type::none, "When RAM is taken from the host"),
    row("memoryBacking/allocation/@mode", Type::choice, "At once, or when first touched")
        .of("ondemand immediate")
        .by_default("ondemand")
        .to([](Build& b, const Value& v) { b.spec.memory.prealloc = v.text == "immediate"; }),
    refused("memoryBacking/allocation/@threads", no_tuning),
    row("memoryBacking/locked", Type::flag, "RAM is never swapped out")
        .to([](Build& b, const Value&) { b.spec.memory.locked = true; }),
    refused("memoryBacking/nosharepages", no_tuning),
    refused("memoryBacking/discard", no_tuning),

    row("iothreads", Type::number, "Threads of the VMM that serve disks")
        .up_to(64)
        .by_default("0")
        .to([](Build& b, const Value& v) { b.spec.iothreads = v.small(); }),
    refused("iothreadids", "numbered I/O threads are not in this release", "<iothreads>"),
    refused("defaultiothread", no_tuning),
    row("cputune", Type::none, "How much processor time, and where the VMM's threads run"),
    row("cputune/shares", Type::number, "Weight against other partitions")
        .from(1, 10'000)
        .by_default("100")
        .to([](Build& b, const Value& v) { b.spec.cpu.weight = v.small(); }),
    row("cputune/global_period", Type::number, "What the quota is counted by")
        .from(1'000, 1'000'000)
        .in("microseconds")
        .by_default("100000")
        .to([](Build& b, const Value& v) { b.cap_period = v.small(); }),
    row("cputune/global_quota", Type::number,
        "Cap: processor time in each period, all threads together; 0 = none")
        .up_to(17'592'186'044'415)
        .in("microseconds")
        .by_default("0")
        .to([](Build& b, const Value& v) { b.cap_quota = v.number; }),
    row("cputune/vcpupin", Type::none, "Of one virtual processor")
        .many()
        .to([](Build& b, const Value& v) {
            b.spec.cpu.pins.emplace_back();
            b.pin_nodes.push_back(v.node);
        }),
    row("cputune/vcpupin/@vcpu", Type::number, "Which: from 0 on")
        .required()
        .up_to(4095)
        .to([](Build& b, const Value& v) { b.spec.cpu.pins.back().vcpu = v.small(); }),
    row("cputune/vcpupin/@cpuset", Type::cpus, "On which processors of the host")
        .required()
        .to([](Build& b, const Value& v) { b.spec.cpu.pins.back().cpus = v.string(); }),
    row("cputune/emulatorpin", Type::none, "Of every other thread of the VMM"),
    row("cputune/emulatorpin/@cpuset", Type::cpus, "On which processors of the host")
        .required()
        .to([](Build& b, const Value& v) { b.spec.cpu.emulator_cpus = v.string(); }),
    refused("cputune/iothreadpin", "I/O threads are pinned by <emulatorpin> in this release",
            "<emulatorpin>"),
    refused("cputune/period|quota|emulator_period|emulator_quota|iothread_period|iothread_quota",
            "a cap holds all threads of a partition together", "<global_period>, <global_quota>"),
    refused("cputune/vcpusched|iothreadsched|emulatorsched|cachetune|memorytune",
            "scheduler classes and shares of caches are not in this release"),
    refused("numatune", "NUMA placement is not in this release"),
    refused("memtune", no_tuning),
    refused("blkiotune", "I/O weights are not in this release"),
    refused("resource", "own cgroup parents are not in this release"),
    refused("throttlegroups", "I/O limits are not in this release"),

    row("sysinfo", Type::none, "What SMBIOS tells the guest"),
    row("sysinfo/@type", Type::choice, "Only smbios")
        .of("smbios")
        .refuses("fwcfg", "firmware configuration entries are not in this release")
        .no_effect(),
    row("sysinfo/bios", Type::none, "Of the firmware").to([](Build& b, const Value&) {
        b.smbios_block = "bios";
    }),
    row("sysinfo/bios/entry", Type::line, "One field")
        .many()
        .up_to(256)
        .to([](Build& b, const Value& v) {
            b.spec.smbios.push_back({b.smbios_block, v.sibling("name"), v.string()});
        }),
    row("sysinfo/bios/entry/@name", Type::choice, "Which field")
        .required()
        .of("vendor version date release"),
    row("sysinfo/system", Type::none, "Of the machine").to([](Build& b, const Value&) {
        b.smbios_block = "system";
    }),
    row("sysinfo/system/entry", Type::line, "One field; uuid must be the partition's own")
        .many()
        .up_to(256)
        .to([](Build& b, const Value& v) {
            b.spec.smbios.push_back({b.smbios_block, v.sibling("name"), v.string()});
        }),
    row("sysinfo/system/entry/@name", Type::choice, "Which field")
        .required()
        .of("manufacturer product version serial uuid sku family"),
    row("sysinfo/baseBoard", Type::none, "Of the main board").to([](Build& b, const Value&) {
        b.smbios_block = "baseBoard";
    }),
    row("sysinfo/baseBoard/entry", Type::line, "One field")
        .many()
        .up_to(256)
        .to([](Build& b, const Value& v) {
            b.spec.smbios.push_back({b.smbios_block, v.sibling("name"), v.string()});
        }),
    row("sysinfo/baseBoard/entry/@name", Type::choice, "Which field")
        .required()
        .of("manufacturer product version serial asset location"),
    row("sysinfo/chassis", Type::none, "Of the case").to([](Build& b, const Value&) {
        b.smbios_block = "chassis";
    }),
    row("sysinfo/chassis/entry", Type::line, "One field")
        .many()
        .up_to(256)
        .to([](Build& b, const Value& v) {
            b.spec.smbios.push_back({b.smbios_block, v.sibling("name"), v.string()});
        }),
    row("sysinfo/chassis/entry/@name", Type::choice, "Which field")
        .required()
        .of("manufacturer version serial asset sku"),
    row("sysinfo/oemStrings", Type::none, "Free strings that the guest can read"),
    row("sysinfo/oemStrings/entry", Type::line, "One string")
        .many()
        .up_to(1024)
        .to([](Build& b, const Value& v) {
            b.spec.smbios.push_back({"oemStrings", {}, v.string()});
        }),
    refused("sysinfo/entry", "firmware configuration entries are not in this release"),

    row("features", Type::none, "Platform features").to([](Build& b, const Value&) {
        b.features_given = true;
    }),
    row("features/acpi", Type::flag, "ACPI; off where <features> stands without it")
        .by_default("on")
        .to([](Build& b, const Value&) { b.acpi_given = true; }),
    row("features/apic", Type::flag, "Always there").no_effect(),
    refused("features/apic/@eoi", no_tuning),
    row("features/pae", Type::flag, "Always there").no_effect(),
    row("features/vmport", Type::none, "VMware's I/O port"),
    row("features/vmport/@state", Type::choice, "Never there")
        .of("off")
        .refuses("on", "VMware's I/O port is never given to a guest")
        .no_effect(),
    row("features/hyperv", Type::none, "Hyper-V interfaces; on mshv the hypervisor's own")
        .to([](Build& b, const Value&) { b.hyperv_passthrough = true; }),
    row("features/hyperv/@mode", Type::choice, "On mshv the hypervisor shows its own interfaces")
        .required()
        .of("passthrough")
        .refuses("custom host-model", "single Hyper-V interfaces cannot be chosen in this release",
                 "passthrough"),
    refused("features/hyperv/relaxed|vapic|spinlocks|vpindex|runtime|synic|stimer|reset|vendor_id|"
            "frequencies|reenlightenment|tlbflush|ipi|evmcs|avic|emsr_bitmap|xmm_input",
            "single Hyper-V interfaces cannot be chosen in this release"),
    refused("features/smm", "System Management Mode cannot be chosen in this release"),
    refused("features/pmu", "the virtual PMU cannot be chosen in this release"),
    refused("features/ioapic", "the I/O APIC's place cannot be chosen in this release"),
    refused("features/pvspinlock", "paravirtual spinlocks cannot be chosen in this release"),
    refused("features/kvm", "KVM's own features cannot be chosen in this release"),
    refused("features/privnet|viridian|hap|gic|capabilities|vmcoreinfo|htm|nested-hv|msrs|"
            "ccf-assist|xen|cfpc|sbbc|ibs|tcg|async-teardown|ras|ps2|aia",
            "this platform feature cannot be chosen in this release"),

    row("clock", Type::none, "The guest's clock"),
    row("clock/@offset", Type::choice, "What the hardware clock shows")
        .of("utc localtime")
        .refuses("variable timezone absolute", "only utc and localtime are in this release")
        .by_default("utc")
        .to([](Build& b, const Value& v) { b.spec.clock = v.as<ClockOffset>(); }),
    refused("clock/@adjustment", "only utc and localtime are in this release"),
    refused("clock/@basis", "only utc and localtime are in this release"),
    refused("clock/@timezone", "only utc and localtime are in this release"),
    refused("clock/@start", "only utc and localtime are in this release"),
    row("clock/timer", Type::none, "One timer").many(),
    row("clock/timer/@name", Type::choice, "Which timer; hpet can be given or not")
        .required()
        .of("hpet rtc pit")
        .refuses("tsc kvmclock hypervclock platform armvtimer",
                 "this timer is the accelerator's own and cannot be chosen in this release"),
    row("clock/timer/@present", Type::yes_no, "Is the timer there; only for hpet")
        .to([](Build& b, const Value& v) {
            b.spec.hpet = v.sibling("name") == "hpet" ? v.on : b.spec.hpet;
        })
        .by_default("no for hpet"),
    row("clock/timer/@tickpolicy", Type::choice, "What becomes of lost ticks")
        .of("delay catchup")
        .refuses("merge discard", "lost ticks cannot be merged or discarded in this release")
        .warned("the VMM decides what becomes of lost ticks"),
    refused("clock/timer/@track", no_tuning),
    refused("clock/timer/@frequency", no_tuning),
    refused("clock/timer/@mode", no_tuning),
    refused("clock/timer/catchup", no_tuning),

    row("on_poweroff", Type::choice, "When the guest powers itself off")
        .of(end_words)
        .refuses("rename-restart", "renaming at the end is not in this release", "restart")
        .by_default("destroy")
        .to([](Build& b, const Value& v) { b.spec.on_poweroff = v.as<OnEnd>(); }),
    row("on_reboot", Type::choice, "When the guest reboots")
        .of(end_words)
        .refuses("rename-restart", "renaming at the end is not in this release", "restart")
        .by_default("restart")
        .to([](Build& b, const Value& v) { b.spec.on_reboot = v.as<OnEnd>(); }),
    row("on_crash", Type::choice, "When the guest panics or its VMM dies")
        .of(end_words)
        .refuses("coredump-destroy coredump-restart rename-restart",
                 "core dumps of guests are not in this release", "restart")
        .by_default("destroy")
        .to([](Build& b, const Value& v) { b.spec.on_crash = v.as<OnEnd>(); }),
    refused("on_lockfailure", "disk leases are not in this release"),
    row("pm", Type::none, "Sleep states"),
    row("pm/suspend-to-mem", Type::none, "S3"),
    row("pm/suspend-to-mem/@enabled", Type::choice, "Never offered")
        .of("no")
        .refuses("yes", "guests are not offered sleep states in this release", "no")
        .no_effect(),
    row("pm/suspend-to-disk", Type::none, "S4"),
    row("pm/suspend-to-disk/@enabled", Type::choice, "Never offered")
        .of("no")
        .refuses("yes", "guests are not offered sleep states in this release", "no")
        .no_effect(),

    refused("bootloader", "boot loaders on the host belong to Xen's paravirtual guests",
            "<os><kernel>"),
    refused("bootloader_args", "boot loaders on the host belong to Xen's paravirtual guests",
            "<os><cmdline>"),
    droppable("idmap", "user id maps belong to containers"),
    refused("keywrap", "s390 key wrapping is not for this architecture"),
    refused("launchSecurity", "confidential guests are not in this release"),
    refused("perf", "performance events are not in this release"),
    row("seclabel", Type::any, "Every VMM is confined by mshvd itself").many(),
    row("seclabel/@type", Type::choice, "Only none").required().of("none").drops("dynamic static"),
    row("seclabel/@model", Type::any, "Not looked at with type none").no_effect(),
    row("seclabel/@relabel", Type::any, "Not looked at with type none").no_effect(),
};

} // namespace

std::span<const Row> general_rows() {
    return rows;
}

} // namespace mshv::guestxml
