// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/validate.hpp"

#include "daemon/domain/checker.hpp"
#include "toolstack/libs/api/cpu_set.hpp"
#include "toolstack/libs/api/identity.hpp"

#include <array>

namespace mshv::domain {
namespace {

std::string at(const char* list, std::size_t index, const char* member = "") {
    return std::string(list) + '/' + std::to_string(index) + member;
}

void identity(const api::PartitionSpec& spec, Checker& check) {
    if (const auto why = api::why_bad_name(spec.name)) {
        check.fault("E-NAME", "name", *why);
    }
    if (spec.uuid && spec.uuid->is_nil()) {
        check.fault("E-UUID", "uuid", "the nil UUID names nothing", "leave it out");
    }
    check.line("title", spec.title, 256);
    check.text("description", spec.description, 16 * 1024);
    check.text("metadata", spec.metadata, 64 * 1024);
    check.at_most("labels", spec.labels.size(), max_labels, "labels");
    for (const auto& [key, value] : spec.labels) {
        if (!Checker::is_word(key, 63, "._/-")) {
            check.fault("E-NAME", "labels", "a key is not made of letters, digits and . _ / -");
        }
        check.line("labels", value, 256);
    }
}

void memory(const api::Memory& memory, Checker& check) {
    if (memory.size % mebibyte != 0 || memory.size == 0) {
        check.fault("E-RANGE", "memory/size",
                    std::to_string(memory.size) + " bytes are no whole number of MiB");
    }
    check.range("memory/size", memory.size, mebibyte, max_memory);
    if (memory.current) {
        if (*memory.current % mebibyte != 0 || *memory.current == 0) {
            check.fault("E-RANGE", "memory/current",
                        std::to_string(*memory.current) + " bytes are no whole number of MiB");
        }
        if (*memory.current > memory.size) {
            check.fault("E-RANGE", "memory/current", "is more than the partition's memory");
        }
    }
    if (memory.hugepages) {
        const std::uint64_t page = memory.hugepages->page_size;
        if ((page & (page - 1)) != 0) {
            check.fault("E-RANGE", "memory/hugepages/page_size", "is no power of two");
        } else if (page != 0 && memory.size % page != 0) {
            check.fault("E-RANGE", "memory/hugepages/page_size",
                        "the partition's memory is no whole number of such pages");
        }
    }
}

void cpu_set(const std::string& where, const std::string& text, Checker& check) {
    if (!api::parse_cpu_set(text)) {
        check.fault("E-TYPE", where, "is no list of processors", "such as 0-3,7");
    }
}

void cpu(const api::Cpu& cpu, Checker& check) {
    check.range("cpu/maximum", cpu.maximum, 1U, max_vcpus);
    check.range("cpu/current", cpu.current, 1U, std::max(cpu.maximum, 1U));
    if (cpu.topology) {
        const auto& t = *cpu.topology;
        // Each factor is bounded first, so that their product cannot overflow.
        const auto small = [](unsigned n) { return n >= 1 && n <= max_vcpus; };
        if (!small(t.sockets) || !small(t.dies) || !small(t.cores) || !small(t.threads) ||
            std::uint64_t{t.sockets} * t.dies * t.cores * t.threads != cpu.maximum) {
            check.fault("E-TOPOLOGY", "cpu/topology",
                        "sockets * dies * cores * threads is not " + std::to_string(cpu.maximum));
        }
    }
    for (std::size_t i = 0; i < cpu.pins.size(); ++i) {
        const auto& pin = cpu.pins[i];
        if (pin.vcpu >= cpu.maximum) {
            check.fault("E-RANGE", at("cpu/pins", i, "/vcpu"),
                        "the partition has no virtual processor " + std::to_string(pin.vcpu));
        }
        if (i > 0 && pin.vcpu <= cpu.pins[i - 1].vcpu) {
            check.fault("E-CONFLICT", at("cpu/pins", i, "/vcpu"), "is pinned twice");
        }
        cpu_set(at("cpu/pins", i, "/cpus"), pin.cpus, check);
    }
    if (!cpu.emulator_cpus.empty()) {
        cpu_set("cpu/emulator_cpus", cpu.emulator_cpus, check);
    }
    if (cpu.weight && (*cpu.weight < 1 || *cpu.weight > 10'000)) {
        check.fault("E-RANGE", "cpu/weight", "is not between 1 and 10000");
    }
    if (cpu.cap) {
        if (cpu.cap->period_us < 1'000 || cpu.cap->period_us > 1'000'000) {
            check.fault("E-RANGE", "cpu/cap/period_us", "is not between 1000 and 1000000");
        }
        if (cpu.cap->quota_us < 1'000 || cpu.cap->quota_us > 17'592'186'044'415) {
            check.fault("E-RANGE", "cpu/cap/quota_us", "is not between 1000 and 17592186044415");
        }
    }
    if (!cpu.pool.empty()) {
        check.word("cpu/pool", cpu.pool, 64, "._-");
    }
    if (cpu.mode == api::CpuMode::custom) {
        check.word("cpu/model", cpu.model, 64, "._-");
    } else if (!cpu.model.empty()) {
        check.fault("E-CONFLICT", "cpu/model", "is only possible with mode custom");
    }
    check.at_most("cpu/features", cpu.features.size(), 256, "features");
    std::set<std::string> seen;
    for (std::size_t i = 0; i < cpu.features.size(); ++i) {
        check.word(at("cpu/features", i, "/name"), cpu.features[i].name, 64, "._-");
        check.unique(seen, at("cpu/features", i, "/name"), cpu.features[i].name);
    }
}

void boot(const api::Boot& boot, Checker& check) {
    check.optional_path("boot/kernel", boot.kernel);
    check.optional_path("boot/initrd", boot.initrd);
    check.optional_path("boot/loader", boot.loader);
    check.optional_path("boot/nvram", boot.nvram);
    check.line("boot/cmdline", boot.cmdline, 2047); // the x86 boot protocol's own limit
    if (boot.kernel.empty() && (!boot.initrd.empty() || !boot.cmdline.empty())) {
        check.fault("E-MISSING", "boot/kernel", "initrd and cmdline need a kernel");
    }
    std::set<std::string> seen;
    for (std::size_t i = 0; i < boot.order.size(); ++i) {
        check.unique(seen, at("boot/order", i), std::string(api::to_name(boot.order[i])));
    }
    if (boot.menu_timeout_ms) {
        check.range("boot/menu_timeout_ms", *boot.menu_timeout_ms, 0U, 65'535U);
    }
}

void smbios(const std::vector<api::SmbiosEntry>& entries, Checker& check) {
    static constexpr std::array<std::string_view, 5> blocks{"bios", "system", "baseBoard",
                                                            "chassis", "oemStrings"};
    check.at_most("smbios", entries.size(), 64, "entries");
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& entry = entries[i];
        if (std::find(blocks.begin(), blocks.end(), entry.block) == blocks.end()) {
            check.fault("E-ENUM", at("smbios", i, "/block"), "is no block of SMBIOS");
        }
        if (entry.block != "oemStrings") {
            check.word(at("smbios", i, "/name"), entry.name, 32, "_-");
        }
        check.line(at("smbios", i, "/value"), entry.value, 255);
    }
}

void autostart(const api::PartitionSpec& spec, Checker& check) {
    const api::Autostart& autostart = spec.autostart;
    check.range("autostart/order", autostart.order, 0U, 9999U);
    check.range("autostart/delay_s", autostart.delay_s, 0U, 3600U);
    check.at_most("autostart/after", autostart.after.size(), 32, "partitions");
    for (std::size_t i = 0; i < autostart.after.size(); ++i) {
        const auto& after = autostart.after[i];
        if (const auto why = api::why_bad_name(after.partition)) {
            check.fault("E-NAME", at("autostart/after", i, "/partition"), *why);
        } else if (after.partition == spec.name) {
            check.fault("E-CONFLICT", at("autostart/after", i, "/partition"),
                        "a partition cannot wait for itself");
        }
        check.range(at("autostart/after", i, "/timeout_s"), after.timeout_s, 0U, 86'400U);
    }
    check.at_most("autostart/require_mounts", autostart.require_mounts.size(), 32, "mounts");
    for (std::size_t i = 0; i < autostart.require_mounts.size(); ++i) {
        const std::string& mount = autostart.require_mounts[i];
        if (mount != "/") {
            check.path(at("autostart/require_mounts", i), mount);
        }
    }
    check.at_most("autostart/require_bridges", autostart.require_bridges.size(), 32, "bridges");
    for (std::size_t i = 0; i < autostart.require_bridges.size(); ++i) {
        check.interface(at("autostart/require_bridges", i), autostart.require_bridges[i]);
    }
}

void policies(const api::PartitionSpec& spec, Checker& check) {
    if (spec.shutdown.methods.empty()) {
        check.fault("E-MISSING", "shutdown/methods", "no method is given", "agent, acpi");
    }
    std::set<std::string> seen;
    for (std::size_t i = 0; i < spec.shutdown.methods.size(); ++i) {
        check.unique(seen, at("shutdown/methods", i),
                     std::string(api::to_name(spec.shutdown.methods[i])));
    }
    check.range("shutdown/timeout_s", spec.shutdown.timeout_s, 1U, 86'400U);
    check.range("shutdown/resend_s", spec.shutdown.resend_s, 1U, 86'400U);
    check.range("restart/delay_s", spec.restart.delay_s, 0U, 86'400U);
    check.range("restart/max_delay_s", spec.restart.max_delay_s, 0U, 86'400U);
    check.range("restart/limit", spec.restart.limit, 1U, 10'000U);
    check.range("restart/window_s", spec.restart.window_s, 1U, 604'800U);
    if (spec.restart.delay_s > spec.restart.max_delay_s) {
        check.fault("E-CONFLICT", "restart/delay_s", "is more than max_delay_s");
    }
}

void cloud_init(const std::optional<api::CloudInit>& seed, Checker& check) {
    constexpr std::size_t longest_document = 64UL * 1024;
    if (!seed) {
        return;
    }
    for (const auto& [name, document] :
         {std::pair("user_data", &seed->user_data), std::pair("meta_data", &seed->meta_data),
          std::pair("network_config", &seed->network_config)}) {
        if (*document) {
            const std::string where = std::string("cloud_init/") + name;
            check.text(where + "/text", (*document)->text, longest_document);
            check.optional_path(where + "/file", (*document)->file);
            if (!(*document)->text.empty() && !(*document)->file.empty()) {
                check.fault("E-CONFLICT", where + "/file", "a document is a text or a file");
            }
        }
    }
}

} // namespace

std::vector<api::Problem> validate(const api::PartitionSpec& spec) {
    Checker check;
    identity(spec, check);
    memory(spec.memory, check);
    cpu(spec.cpu, check);
    check.range("iothreads", spec.iothreads, 0U, 64U);
    boot(spec.boot, check);
    smbios(spec.smbios, check);
    validate_devices(spec.devices, check);
    if (!spec.vmm.minimum.empty()) {
        check.word("vmm/minimum", spec.vmm.minimum, 32, ".");
    }
    autostart(spec, check);
    policies(spec, check);
    cloud_init(spec.cloud_init, check);
    return check.take();
}

} // namespace mshv::domain
