// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/planner.hpp"

#include "daemon/vmm/qemu/builder.hpp"

#include <array>
#include <map>
#include <utility>

namespace mshv::vmm::qemu {
namespace {

constexpr std::uint64_t mebibyte = 1024UL * 1024;

std::string on_off(bool on) {
    return on ? "on" : "off";
}

void add_identity(CommandBuilder& command, const domain::LaunchPlan& plan) {
    command.option("-name", "guest=" + check_word(plan.name, "partition name") + ",process=mshv-" +
                                plan.name + ",debug-threads=on"); // by which they are pinned
    command.option("-uuid", api::to_string(plan.uuid));
    command.option("-nodefaults");
    command.option("-no-user-config");
    command.option("-display", "none");
    command.option("-msg", "timestamp=on");
}

std::string machine_text(const PlanInput& input) {
    const auto& spec = input.spec;
    const auto& devices = spec.devices;
    std::string text = input.machine.empty() ? std::string(api::to_name(spec.boot.machine))
                                             : check_word(input.machine, "machine type");
    if (spec.boot.machine != api::Machine::microvm) {
        // What a guest of ours never needs costs it boot time. A screen without a USB keyboard
        // keeps the PS/2 one.
        const bool ps2 = devices.graphics && !devices.keyboard;
        text += ",smbus=off,sata=off,usb=off,vmport=off,i8042=" + on_off(ps2);
        text += ",hpet=" + on_off(spec.hpet);
    }
    text += ",acpi=" + on_off(spec.acpi);
    text += ",graphics=" + on_off(devices.video != api::VideoModel::none);
    text += ",dump-guest-core=" + on_off(spec.memory.dump_core) + ",memory-backend=ram0";
    if (!input.boot.efi_code.empty()) {
        text += ",pflash0=efi-code";
        if (!input.boot.efi_vars_template.empty() || !spec.boot.nvram.empty()) {
            text += ",pflash1=efi-vars";
        }
    }
    return text;
}

std::string cpu_text(const PlanInput& input) {
    const auto& cpu = input.spec.cpu;
    const bool hardware = input.accelerator.accelerator != api::Accelerator::tcg;
    std::string text;
    switch (cpu.mode) {
    case api::CpuMode::automatic:
        text = hardware ? "host" : "max";
        break;
    case api::CpuMode::host_passthrough:
        text = "host";
        break;
    case api::CpuMode::maximum:
        text = "max";
        break;
    case api::CpuMode::custom:
        text = check_word(cpu.model, "CPU model");
        break;
    }
    for (const auto& feature : cpu.features) {
        text += "," + check_word(feature.name, "CPU feature") + "=" +
                on_off(feature.policy == api::FeaturePolicy::require);
    }
    return text;
}

std::string smp_text(const api::Cpu& cpu) {
    std::string text =
        "cpus=" + std::to_string(cpu.current) + ",maxcpus=" + std::to_string(cpu.maximum);
    if (cpu.topology) {
        text += ",sockets=" + std::to_string(cpu.topology->sockets) +
                ",dies=" + std::to_string(cpu.topology->dies) +
                ",cores=" + std::to_string(cpu.topology->cores) +
                ",threads=" + std::to_string(cpu.topology->threads);
    }
    return text;
}

void add_memory(CommandBuilder& command, const api::Memory& memory) {
    if (memory.size == 0 || memory.size % mebibyte != 0) {
        throw api::Error(api::ErrorCode::invalid, "The memory is not a multiple of 1 MiB");
    }
    command.option("-m", std::to_string(memory.size / mebibyte) + "M");
    JsonObject ram;
    ram.text("qom-type", "memory-backend-memfd").text("id", "ram0").number("size", memory.size);
    ram.flag("share", memory.shared);
    if (memory.prealloc) {
        ram.flag("prealloc", true);
    }
    if (memory.hugepages) {
        ram.flag("hugetlb", true);
        if (memory.hugepages->page_size != 0) {
            ram.number("hugetlbsize", memory.hugepages->page_size);
        }
    }
    command.json("-object", ram);
    if (memory.locked) {
        command.option("-overcommit", "mem-lock=on");
    }
}

void add_machine(CommandBuilder& command) {
    const auto& input = command.input();
    command.option("-machine", machine_text(input));
    const auto accelerator = input.accelerator.accelerator;
    // Two -accel would make QEMU fall back by itself and say so only on stderr.
    command.option("-accel", accelerator == api::Accelerator::tcg
                                 ? "tcg,tb-size=64"
                                 : std::string(api::to_name(accelerator)));
    command.option("-cpu", cpu_text(input));
    command.option("-smp", smp_text(input.spec.cpu));
    add_memory(command, input.spec.memory);
    for (unsigned i = 0; i < input.spec.iothreads; ++i) {
        command.json(
            "-object",
            JsonObject().text("qom-type", "iothread").text("id", "iothread" + std::to_string(i)));
    }
    std::string rtc = "base=" + std::string(api::to_name(input.spec.clock));
    if (accelerator == api::Accelerator::mshv) {
        rtc += ",clock=vm"; // what upstream tests under mshv
    }
    command.option("-rtc", rtc);
}

/// The SMBIOS table and field of each <sysinfo> entry; the words are closed on both sides.
void add_smbios(CommandBuilder& command) {
    struct Block {
        int type;
        std::array<std::string_view, 7> fields;
    };
    static const std::map<std::string_view, Block> blocks{
        {"bios", {0, {"vendor", "version", "date", "release"}}},
        {"system", {1, {"manufacturer", "product", "version", "serial", "uuid", "sku", "family"}}},
        {"baseBoard", {2, {"manufacturer", "product", "version", "serial", "asset", "location"}}},
        {"chassis", {3, {"manufacturer", "version", "serial", "asset", "sku"}}},
    };
    std::map<int, std::string> tables;
    for (const auto& entry : command.input().spec.smbios) {
        if (entry.block == "oemStrings") {
            auto& text = tables[11];
            text += ",value=" + option_value(entry.value);
            continue;
        }
        const auto block = blocks.find(entry.block);
        bool known = false;
        if (block != blocks.end()) {
            for (const auto field : block->second.fields) {
                known = known || (!field.empty() && field == entry.name);
            }
        }
        if (!known) {
            throw api::Error(api::ErrorCode::invalid, "There is no SMBIOS entry '" + entry.name +
                                                          "' in '" + entry.block + "'");
        }
        tables[block->second.type] += "," + entry.name + "=" + option_value(entry.value);
    }
    for (const auto& [type, text] : tables) {
        command.option("-smbios", "type=" + std::to_string(type) + text);
    }
}

void add_efi(CommandBuilder& command) {
    const auto& input = command.input();
    if (input.boot.efi_code.empty()) {
        return;
    }
    const auto flash = [&](const std::string& node, const std::string& path, bool writable) {
        domain::FilePlan file;
        file.path = path;
        file.format = input.boot.efi_format;
        file.writable = writable;
        JsonObject below;
        below.text("driver", "file").text("node-name", node + "-file");
        below.text("filename", command.file(std::move(file)));
        below.flag("read-only", !writable).flag("auto-read-only", false);
        command.json("-blockdev", below);
        JsonObject format;
        format.text("driver", api::to_name(input.boot.efi_format)).text("node-name", node);
        format.text("file", node + "-file").flag("read-only", !writable);
        if (input.boot.efi_format == api::DiskFormat::qcow2) {
            format.null("backing");
        }
        command.json("-blockdev", format);
    };
    flash("efi-code", input.boot.efi_code, false);
    const auto& given = input.spec.boot.nvram;
    const auto& pattern = input.boot.efi_vars_template;
    if (pattern.empty() && given.empty()) {
        return;
    }
    const std::string store =
        given.empty() ? input.folders.state_dir + "/nvram/" + api::to_string(command.plan().uuid) +
                            (input.boot.efi_format == api::DiskFormat::raw ? ".fd" : ".qcow2")
                      : given;
    if (!pattern.empty()) {
        command.plan().copies.push_back({pattern, store});
    }
    flash("efi-vars", store, true);
}

void add_boot(CommandBuilder& command) {
    const auto& input = command.input();
    const auto& boot = input.spec.boot;
    std::string text = "strict=on";
    if (boot.menu_timeout_ms) {
        text += ",menu=on,splash-time=" + std::to_string(*boot.menu_timeout_ms);
    }
    command.option("-boot", text);
    if (boot.kernel.empty()) {
        if (boot.firmware == api::Firmware::bios && !boot.loader.empty()) {
            command.path("-bios", boot.loader);
        }
        return;
    }
    if (!input.boot.qboot.empty()) {
        command.path("-bios", input.boot.qboot);
    } else if (boot.firmware == api::Firmware::bios && !boot.loader.empty()) {
        command.path("-bios", boot.loader);
    }
    command.path("-kernel", input.boot.kernel);
    if (!boot.initrd.empty()) {
        command.path("-initrd", boot.initrd);
    }
    std::string cmdline = boot.cmdline;
    if (cmdline.find('\0') != std::string::npos) {
        throw api::Error(api::ErrorCode::invalid, "The kernel command line holds a NUL character");
    }
    if (command.mmio() && input.accelerator.accelerator == api::Accelerator::tcg &&
        input.tsc_khz != 0 && cmdline.find("tsc_early_khz=") == std::string::npos) {
        // Without a PM timer the guest may calibrate its TSC for ever on a busy host.
        cmdline +=
            (cmdline.empty() ? "" : " ") + ("tsc_early_khz=" + std::to_string(input.tsc_khz));
    }
    if (!cmdline.empty()) {
        command.option("-append", cmdline);
    }
}

void add_control(CommandBuilder& command) {
    const auto& watchdog = command.input().spec.devices.watchdog;
    // At every end the VMM stops and stands there: the keeper decides what follows.
    command.option("-action", "reboot=shutdown,shutdown=pause,panic=pause,watchdog=" +
                                  std::string(watchdog ? api::to_name(watchdog->action) : "pause"));
    command.option("-sandbox",
                   "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    command.option("-S");
}

/// run_dir stands inside comma-separated options.
void check_run_dir(const std::string& run_dir) {
    for (const char c : run_dir) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == ',' || c == '=' || byte <= 0x20 || byte >= 0x7f) {
            throw api::Error(api::ErrorCode::invalid,
                             "The run folder '" + run_dir + "' holds a comma, '=' or white space",
                             "choose another run_dir in mshvd.toml");
        }
    }
}

} // namespace

domain::LaunchPlan make_plan(const PlanInput& input) {
    const auto& spec = input.spec;
    if (!spec.uuid) {
        throw api::Error(api::ErrorCode::invalid, "The partition has no UUID");
    }
    if (const auto why = api::why_bad_name(spec.name)) {
        throw api::Error(api::ErrorCode::invalid, *why);
    }
    CommandBuilder command(input);
    auto& plan = command.plan();
    plan.uuid = *spec.uuid;
    plan.id = input.id;
    plan.name = spec.name;
    plan.incarnation = check_word(input.incarnation, "incarnation");
    plan.run_dir = input.folders.run_dir + "/" + api::to_string(plan.uuid) + "/" + plan.incarnation;
    check_run_dir(plan.run_dir);
    plan.log_dir = input.folders.log_dir + "/" + api::to_string(plan.uuid);
    plan.program = input.program;
    plan.env = {"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    plan.user = input.user;
    plan.policy = domain::end_policy(spec);
    plan.console = spec.devices.console;
    plan.accelerator = input.accelerator.accelerator;
    plan.accelerator_reason = input.accelerator.reason;
    plan.vmm_version = "qemu " + input.version.to_string();
    plan.start_paused = input.start_paused;

    add_identity(command, plan);
    add_machine(command);
    plan.monitor_target = command.next_target();
    command.option("-chardev", "socket,id=mon0,fd=" + std::to_string(plan.monitor_target) +
                                   ",server=on,wait=off");
    command.option("-qmp", "chardev:mon0");
    add_efi(command);
    const BootOrder order(spec);
    add_console_and_agent(command);
    add_disks(command, order);
    add_nics(command, order);
    add_seed(command);
    add_graphics(command);
    add_other_devices(command);
    add_spare_ports(command);
    add_smbios(command);
    add_boot(command);
    add_control(command);
    if (input.incoming) {
        plan.first_argv = {"-incoming", "defer"};
    }
    return std::move(plan);
}

} // namespace mshv::vmm::qemu
