// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/io_limits.hpp"
#include "toolstack/libs/guestxml/escape.hpp"
#include "toolstack/libs/guestxml/guestxml.hpp"

#include <array>

namespace mshv::guestxml {
namespace {

using namespace api;

std::string yes_no(bool on) {
    return on ? "yes" : "no";
}

struct Sized {
    std::string number;
    std::string_view unit;
};

Sized sized(std::uint64_t bytes) {
    constexpr std::array<std::pair<std::uint64_t, std::string_view>, 3> units{
        {{1ULL << 30, "GiB"}, {1ULL << 20, "MiB"}, {1ULL << 10, "KiB"}}};
    for (const auto& [size, name] : units) {
        if (bytes != 0 && bytes % size == 0) {
            return {std::to_string(bytes / size), name};
        }
    }
    return {std::to_string(bytes), "bytes"};
}

/// Start tags, end tags and what stands between, two blanks a level.
class Writer {
public:
    Writer& open(std::string_view name) {
        close_start();
        indent();
        text_ += "<";
        text_ += name;
        names_.emplace_back(name);
        start_open_ = true;
        return *this;
    }
    Writer& attribute(std::string_view name, std::string_view value) {
        text_ += " ";
        text_ += name;
        text_ += "='" + escaped(value, Place::attribute) + "'";
        return *this;
    }
    Writer& attribute(std::string_view name, std::uint64_t value) {
        return attribute(name, std::to_string(value));
    }
    Writer& unless_empty(std::string_view name, std::string_view value) {
        return value.empty() ? *this : attribute(name, value);
    }
    void close() {
        const std::string name = std::move(names_.back());
        names_.pop_back();
        if (start_open_) {
            text_ += "/>\n";
            start_open_ = false;
            return;
        }
        indent();
        text_ += "</" + name + ">\n";
    }
    /// <name …>value</name> of the element that was opened last.
    void close_with(std::string_view value) { close_with_raw(escaped(value, Place::content)); }
    void close_with_raw(std::string_view value) {
        text_ += ">";
        text_ += value;
        text_ += "</" + names_.back() + ">\n";
        names_.pop_back();
        start_open_ = false;
    }
    void leaf(std::string_view name, std::string_view value) {
        if (!value.empty()) {
            open(name).close_with(value);
        }
    }
    void flag(std::string_view name, bool on) {
        if (on) {
            open(name).close();
        }
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    void close_start() {
        if (start_open_) {
            text_ += ">\n";
            start_open_ = false;
        }
    }
    void indent() { text_.append(2 * names_.size(), ' '); }

    std::string text_;
    std::vector<std::string> names_;
    bool start_open_ = false;
};

void write_memory(Writer& out, const Memory& memory) {
    const Sized size = sized(memory.size);
    out.open("memory").attribute("unit", size.unit);
    if (memory.dump_core) {
        out.attribute("dumpCore", "on");
    }
    out.close_with(size.number);
    if (memory.current) {
        const Sized current = sized(*memory.current);
        out.open("currentMemory").attribute("unit", current.unit).close_with(current.number);
    }
    if (!memory.hugepages && memory.shared && !memory.prealloc && !memory.locked) {
        return;
    }
    out.open("memoryBacking");
    if (memory.hugepages) {
        out.open("hugepages");
        if (memory.hugepages->page_size != 0) {
            const Sized page = sized(memory.hugepages->page_size);
            out.open("page").attribute("size", page.number).attribute("unit", page.unit).close();
        }
        out.close();
    }
    out.open("access").attribute("mode", memory.shared ? "shared" : "private").close();
    if (memory.prealloc) {
        out.open("allocation").attribute("mode", "immediate").close();
    }
    out.flag("locked", memory.locked);
    out.close();
}

void write_tuning(Writer& out, const Cpu& cpu) {
    if (cpu.pins.empty() && cpu.emulator_cpus.empty() && !cpu.weight && !cpu.cap) {
        return;
    }
    out.open("cputune");
    out.leaf("shares", cpu.weight ? std::to_string(*cpu.weight) : "");
    if (cpu.cap) {
        out.leaf("global_period", std::to_string(cpu.cap->period_us));
        out.leaf("global_quota", std::to_string(cpu.cap->quota_us));
    }
    for (const CpuPin& pin : cpu.pins) {
        out.open("vcpupin").attribute("vcpu", pin.vcpu).attribute("cpuset", pin.cpus).close();
    }
    if (!cpu.emulator_cpus.empty()) {
        out.open("emulatorpin").attribute("cpuset", cpu.emulator_cpus).close();
    }
    out.close();
}

void write_smbios(Writer& out, const std::vector<SmbiosEntry>& entries) {
    if (entries.empty()) {
        return;
    }
    out.open("sysinfo").attribute("type", "smbios");
    std::vector<std::string_view> blocks;
    for (const SmbiosEntry& entry : entries) {
        if (blocks.empty() || blocks.back() != entry.block) {
            blocks.push_back(entry.block);
        }
    }
    for (const std::string_view block : blocks) {
        out.open(block);
        for (const SmbiosEntry& entry : entries) {
            if (entry.block == block) {
                out.open("entry").unless_empty("name", entry.name).close_with(entry.value);
            }
        }
        out.close();
    }
    out.close();
}

void write_boot(Writer& out, const PartitionSpec& spec) {
    const Boot& boot = spec.boot;
    out.open("os");
    if (boot.firmware == Firmware::efi) {
        out.attribute("firmware", "efi");
    }
    out.open("type").attribute("arch", "x86_64").attribute("machine", to_name(boot.machine));
    out.close_with("hvm");
    if (!boot.loader.empty()) {
        out.open("loader").attribute("readonly", "yes");
        out.attribute("type", boot.firmware == Firmware::efi ? "pflash" : "rom");
        out.close_with(boot.loader);
    }
    out.leaf("nvram", boot.nvram);
    out.leaf("kernel", boot.kernel);
    out.leaf("initrd", boot.initrd);
    out.leaf("cmdline", boot.cmdline);
    for (const BootDevice device : boot.order) {
        out.open("boot").attribute("dev", to_name(device)).close();
    }
    if (boot.menu_timeout_ms) {
        out.open("bootmenu").attribute("enable", "yes").attribute("timeout", *boot.menu_timeout_ms);
        out.close();
    }
    if (!spec.smbios.empty()) {
        out.open("smbios").attribute("mode", "sysinfo").close();
    }
    out.close();
}

void write_cpu(Writer& out, const Cpu& cpu) {
    if (cpu.mode == CpuMode::automatic && !cpu.topology && cpu.features.empty()) {
        return;
    }
    out.open("cpu");
    if (cpu.mode != CpuMode::automatic) {
        out.attribute("mode", to_name(cpu.mode));
    }
    out.leaf("model", cpu.model);
    if (cpu.topology) {
        out.open("topology").attribute("sockets", cpu.topology->sockets);
        out.attribute("dies", cpu.topology->dies).attribute("cores", cpu.topology->cores);
        out.attribute("threads", cpu.topology->threads).close();
    }
    for (const CpuFeature& feature : cpu.features) {
        out.open("feature").attribute("policy", to_name(feature.policy));
        out.attribute("name", feature.name).close();
    }
    out.close();
}

void write_image(Writer& out, DiskSource source, std::string_view path) {
    if (!path.empty()) {
        out.open("source").attribute(source == DiskSource::file ? "file" : "dev", path).close();
    }
}

void write_iotune(Writer& out, const IoTune& tune) {
    out.open("iotune");
    for (const auto& [name, member] : io_limits) {
        const auto& limit = tune.*member;
        if (!limit) {
            continue;
        }
        const std::string element(name);
        for (const auto& [suffix, value] :
             {std::pair("_sec", limit->per_second), std::pair("_sec_max", limit->max),
              std::pair("_sec_max_length", limit->max_length)}) {
            if (value != 0) {
                out.leaf(element + suffix, std::to_string(value));
            }
        }
    }
    out.close();
}

void write_disk(Writer& out, const Disk& disk) {
    out.open("disk").attribute("type", to_name(disk.source));
    out.attribute("device", to_name(disk.device));
    out.open("driver").attribute("name", "qemu").attribute("type", to_name(disk.format));
    out.attribute("cache", to_name(disk.cache));
    out.unless_empty("io", disk.io == DiskIo::automatic ? "" : to_name(disk.io));
    out.unless_empty("discard", disk.discard ? "unmap" : "");
    out.unless_empty("detect_zeroes", disk.detect_zeroes ? "on" : "");
    out.unless_empty("queues", disk.queues ? std::to_string(*disk.queues) : "");
    out.close();
    write_image(out, disk.source, disk.path);
    for (const Disk::Backing& backing : disk.backing) {
        // Only images that are files are written so; /dev is where block devices are.
        const bool block = backing.path.starts_with("/dev/");
        out.open("backingStore").attribute("type", block ? "block" : "file");
        out.open("format").attribute("type", to_name(backing.format)).close();
        write_image(out, block ? DiskSource::block : DiskSource::file, backing.path);
    }
    for (std::size_t i = 0; i < disk.backing.size(); ++i) {
        out.close();
    }
    out.open("target").attribute("dev", disk.target).attribute("bus", to_name(disk.bus)).close();
    if (disk.logical_block_size || disk.physical_block_size) {
        const auto text = [](std::optional<unsigned> n) { return n ? std::to_string(*n) : ""; };
        out.open("blockio").unless_empty("logical_block_size", text(disk.logical_block_size));
        out.unless_empty("physical_block_size", text(disk.physical_block_size)).close();
    }
    if (disk.iotune) {
        write_iotune(out, *disk.iotune);
    }
    out.flag("readonly", disk.read_only);
    out.flag("shareable", disk.shareable);
    out.leaf("serial", disk.serial);
    if (disk.boot_order) {
        out.open("boot").attribute("order", *disk.boot_order).close();
    }
    if (!disk.alias.empty()) {
        out.open("alias").attribute("name", disk.alias).close();
    }
    out.close();
}

void write_rates(Writer& out, const Nic& nic) {
    if (!nic.inbound && !nic.outbound) {
        return;
    }
    const auto number = [](std::uint64_t n) { return n == 0 ? "" : std::to_string(n); };
    out.open("bandwidth");
    for (const auto& [name, rate] :
         {std::pair("inbound", nic.inbound), std::pair("outbound", nic.outbound)}) {
        if (rate) {
            out.open(name).attribute("average", rate->average);
            out.unless_empty("peak", number(rate->peak));
            out.unless_empty("burst", number(rate->burst)).close();
        }
    }
    out.close();
}

void write_nic(Writer& out, const Nic& nic) {
    out.open("interface").attribute("type", to_name(nic.source));
    if (!nic.mac.empty()) {
        out.open("mac").attribute("address", nic.mac).close();
    }
    if (!nic.bridge.empty()) {
        out.open("source").attribute("bridge", nic.bridge).close();
    }
    if (!nic.target.empty()) {
        out.open("target").attribute("dev", nic.target).close();
    }
    out.open("model").attribute("type", to_name(nic.model)).close();
    if (nic.queues) {
        out.open("driver").attribute("queues", *nic.queues).close();
    }
    if (nic.mtu) {
        out.open("mtu").attribute("size", *nic.mtu).close();
    }
    if (!nic.link_up) {
        out.open("link").attribute("state", "down").close();
    }
    if (nic.vlan) {
        out.open("vlan");
        out.open("tag").attribute("id", *nic.vlan).close();
        out.close();
    }
    write_rates(out, nic);
    if (nic.boot_order) {
        out.open("boot").attribute("order", *nic.boot_order).close();
    }
    if (!nic.alias.empty()) {
        out.open("alias").attribute("name", nic.alias).close();
    }
    out.close();
}

void write_console(Writer& out, const Devices& devices) {
    if (devices.console) {
        out.open("console").attribute("type", "pty");
        out.open("target").attribute("type", to_name(devices.console->target));
        out.attribute("port", "0").close();
        out.close();
    }
    if (devices.agent_channel) {
        out.open("channel").attribute("type", "unix");
        out.open("target").attribute("type", "virtio");
        out.attribute("name", "org.qemu.guest_agent.0").close();
        out.close();
    }
}

void write_devices(Writer& out, const Devices& devices) {
    out.open("devices");
    out.leaf("emulator", devices.emulator);
    for (const Disk& disk : devices.disks) {
        write_disk(out, disk);
    }
    for (const Nic& nic : devices.nics) {
        write_nic(out, nic);
    }
    write_console(out, devices);
    if (devices.tablet) {
        out.open("input").attribute("type", "tablet").attribute("bus", "usb").close();
    }
    if (devices.keyboard) {
        out.open("input").attribute("type", "keyboard").attribute("bus", "usb").close();
    }
    if (devices.graphics) {
        out.open("graphics").attribute("type", "vnc");
        out.unless_empty("socket", devices.graphics->socket).close();
    }
    if (devices.video != VideoModel::none) {
        out.open("video");
        out.open("model").attribute("type", to_name(devices.video)).close();
        out.close();
    }
    if (devices.rng) {
        out.open("rng").attribute("model", "virtio");
        out.open("backend").attribute("model", "random").close_with("/dev/urandom");
        out.close();
    }
    out.open("memballoon").attribute("model", devices.balloon ? "virtio" : "none").close();
    if (devices.watchdog) {
        out.open("watchdog").attribute("model", to_name(devices.watchdog->model));
        out.attribute("action", to_name(devices.watchdog->action)).close();
    }
    out.open("panic").attribute("model", devices.panic ? "isa" : "none").close();
    out.close();
}

void write_autostart(Writer& out, const Autostart& autostart) {
    if (autostart == Autostart{}) {
        return;
    }
    out.open("autostart").attribute("enabled", yes_no(autostart.enabled));
    out.attribute("when", to_name(autostart.when)).attribute("order", autostart.order);
    out.attribute("delay", autostart.delay_s);
    for (const AutostartAfter& after : autostart.after) {
        out.open("after").attribute("partition", after.partition);
        out.attribute("state", to_name(after.state)).attribute("timeout", after.timeout_s).close();
    }
    for (const std::string& mount : autostart.require_mounts) {
        out.open("require").attribute("mount", mount).close();
    }
    for (const std::string& bridge : autostart.require_bridges) {
        out.open("require").attribute("bridge", bridge).close();
    }
    out.close();
}

void write_policies(Writer& out, const PartitionSpec& spec) {
    if (spec.shutdown != ShutdownPolicy{}) {
        std::string methods;
        for (const ShutdownMethod method : spec.shutdown.methods) {
            methods += (methods.empty() ? "" : " ") + std::string(to_name(method));
        }
        out.open("shutdown").attribute("methods", methods);
        out.attribute("timeout", spec.shutdown.timeout_s);
        out.attribute("resend", spec.shutdown.resend_s);
        out.attribute("escalate", to_name(spec.shutdown.escalate)).close();
    }
    if (spec.host_shutdown != HostShutdown{}) {
        out.open("hostshutdown").attribute("action", to_name(spec.host_shutdown.action));
        out.attribute("timeout", spec.host_shutdown.timeout_s).close();
    }
    if (spec.devices.exit_port) {
        out.open("exitport").close();
    }
    if (spec.restart != RestartPolicy{}) {
        out.open("restart").attribute("policy", to_name(spec.restart.policy));
        out.attribute("delay", spec.restart.delay_s);
        out.attribute("maxdelay", spec.restart.max_delay_s);
        out.attribute("limit", spec.restart.limit);
        out.attribute("window", spec.restart.window_s).close();
    }
    if (spec.reserve.deposit != MemoryReserve{}.deposit) {
        out.open("guestmemory").attribute("deposit", spec.reserve.deposit);
        out.attribute("unit", "bytes").close();
    }
    if (spec.reserve.overhead != MemoryReserve{}.overhead) {
        out.open("limits").open("memory").attribute("overhead", spec.reserve.overhead);
        out.attribute("unit", "bytes").close();
        out.close();
    }
    if (spec.protect_destroy || spec.protect_delete) {
        out.open("protect").attribute("destroy", yes_no(spec.protect_destroy));
        out.attribute("delete", yes_no(spec.protect_delete)).close();
    }
    if (!spec.labels.empty()) {
        out.open("labels");
        for (const auto& [name, value] : spec.labels) {
            out.open("label").attribute("name", name).close_with(value);
        }
        out.close();
    }
}

void write_cloud_init(Writer& out, const std::optional<CloudInit>& seed) {
    if (!seed) {
        return;
    }
    out.open("cloudinit");
    for (const auto& [name, document] :
         {std::pair("userdata", &seed->user_data), std::pair("metadata", &seed->meta_data),
          std::pair("networkconfig", &seed->network_config)}) {
        if (!*document) {
            continue;
        }
        out.open(name).unless_empty("file", (*document)->file);
        if ((*document)->file.empty()) {
            out.close_with((*document)->text);
        } else {
            out.close();
        }
    }
    out.close();
}

void write_own(Writer& out, const PartitionSpec& spec) {
    out.open("mshv").attribute("version", "1");
    if (spec.vmm != Vmm{}) {
        out.open("vmm").attribute("type", to_name(spec.vmm.kind));
        out.unless_empty("minimum", spec.vmm.minimum);
        out.attribute("fallback", spec.vmm.fallback_tcg ? "tcg" : "none").close();
    }
    if (!spec.cpu.pool.empty()) {
        out.open("placement").attribute("cpupool", spec.cpu.pool).close();
    }
    write_autostart(out, spec.autostart);
    write_policies(out, spec);
    const Console console = spec.devices.console.value_or(Console{});
    if (console !=
        Console{console.target, Console{}.ring, Console{}.log_size, Console{}.log_keep}) {
        out.open("consolelog").attribute("ring", console.ring).attribute("size", console.log_size);
        out.attribute("unit", "bytes").attribute("keep", console.log_keep).close();
    }
    write_cloud_init(out, spec.cloud_init);
    out.close();
}

void write_identity(Writer& out, const PartitionSpec& spec) {
    out.leaf("name", spec.name);
    out.leaf("uuid", spec.uuid ? to_string(*spec.uuid) : "");
    out.leaf("genid", spec.genid ? to_string(*spec.genid) : "");
    out.leaf("title", spec.title);
    out.leaf("description", spec.description);
    if (!spec.metadata.empty()) {
        out.open("metadata").close_with_raw(spec.metadata);
    }
}

} // namespace

std::string to_xml(const PartitionSpec& spec) {
    Writer out;
    out.open("partition");
    if (spec.accelerator != Accelerator::automatic) {
        out.attribute("type", to_name(spec.accelerator));
    }
    write_identity(out, spec);
    write_memory(out, spec.memory);
    out.open("vcpu");
    if (spec.cpu.current != spec.cpu.maximum) {
        out.attribute("current", spec.cpu.current);
    }
    out.close_with(std::to_string(spec.cpu.maximum));
    if (spec.iothreads > 0) {
        out.leaf("iothreads", std::to_string(spec.iothreads));
    }
    write_tuning(out, spec.cpu);
    write_smbios(out, spec.smbios);
    write_boot(out, spec);
    out.open("features");
    out.flag("acpi", spec.acpi);
    out.close();
    write_cpu(out, spec.cpu);
    out.open("clock").attribute("offset", to_name(spec.clock));
    out.open("timer").attribute("name", "hpet").attribute("present", yes_no(spec.hpet)).close();
    out.close();
    out.leaf("on_poweroff", to_name(spec.on_poweroff));
    out.leaf("on_reboot", to_name(spec.on_reboot));
    out.leaf("on_crash", to_name(spec.on_crash));
    write_devices(out, spec.devices);
    write_own(out, spec);
    out.close();
    return out.take();
}

} // namespace mshv::guestxml
