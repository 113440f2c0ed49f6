// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/guestxml/validate.hpp"

#include <algorithm>
#include <set>

namespace mshv::guestxml {
namespace {

using namespace api;

constexpr std::uint64_t mib = 1ULL << 20;

class Checker {
public:
    Checker(const Node& root, Report& report, Build& build)
        : root_(root), report_(report), build_(build), spec_(build.spec) {}

    void run() {
        memory();
        processors();
        processor_model();
        platform();
        firmware();
        kernel();
        smbios();
        own_settings();
    }

private:
    [[nodiscard]] const Node* at(std::string_view path) const { return node_at(root_, path); }

    /// A conflict of two places: told at the second, naming the first.
    void conflict(Spot spot, const std::string& what, Spot other, std::string hint = {}) {
        report_.error("E-CONFLICT", spot, what + " (see " + report_.place_text(other) + ")",
                      std::move(hint));
    }

    void round_up(std::uint64_t& bytes, const Node& node) {
        const std::uint64_t rounded = (bytes + mib - 1) / mib * mib;
        if (rounded != bytes) {
            report_.warning("W-ROUNDED", Spot::text(node),
                            "<" + node.name + "> is rounded up to " +
                                std::to_string(rounded / mib) + " MiB");
            bytes = rounded;
        }
    }

    void memory() {
        const Node* size = at("memory");
        const Node* current = at("currentMemory");
        Memory& memory = spec_.memory;
        if (size == nullptr || memory.size == 0) {
            return;
        }
        round_up(memory.size, *size);
        if (current != nullptr && memory.current) {
            round_up(*memory.current, *current);
            if (*memory.current > memory.size) {
                conflict(Spot::text(*current), "<currentMemory> is more than <memory>",
                         Spot::text(*size));
            }
            const Node* balloon = at("devices/memballoon");
            if (balloon != nullptr && !spec_.devices.balloon && *memory.current < memory.size) {
                conflict(Spot::text(*current), "<currentMemory> needs a balloon",
                         Spot::value_or_name(*balloon, "model"),
                         "use <memballoon model='virtio'/>");
            }
        }
        huge_pages(*size);
    }

    void huge_pages(const Node& size) {
        const Node* page = at("memoryBacking/hugepages/page");
        if (page == nullptr || !spec_.memory.hugepages || spec_.memory.hugepages->page_size == 0) {
            return;
        }
        const std::uint64_t bytes = spec_.memory.hugepages->page_size;
        if ((bytes & (bytes - 1)) != 0) {
            report_.error("E-RANGE", Spot::value_or_name(*page, "size"),
                          "the size of a page is a power of two");
        } else if (spec_.memory.size % bytes != 0) {
            conflict(Spot::value_or_name(*page, "size"), "<memory> is no multiple of the huge page",
                     Spot::text(size));
        }
    }

    void processors() {
        const Node* vcpu = at("vcpu");
        Cpu& cpu = spec_.cpu;
        if (vcpu == nullptr) {
            cpu.maximum = 1;
        } else if (!build_.vcpu_read) {
            return; // told already
        }
        cpu.current = build_.vcpu_current.value_or(cpu.maximum);
        if (vcpu != nullptr && build_.vcpu_current && cpu.current > cpu.maximum) {
            conflict(Spot::value_or_name(*vcpu, "current"), "more current processors than <vcpu>",
                     Spot::text(*vcpu));
            cpu.current = cpu.maximum;
        }
        if (build_.cap_quota != 0) {
            cpu.cap = CpuCap{build_.cap_quota, build_.cap_period.value_or(CpuCap{}.period_us)};
        }
        pins();
        const Node* topology = at("cpu/topology");
        if (topology == nullptr || !cpu.topology) {
            return;
        }
        const std::uint64_t product = 1ULL * cpu.topology->sockets * cpu.topology->dies *
                                      cpu.topology->cores * cpu.topology->threads;
        if (product != cpu.maximum) {
            const Spot other = vcpu == nullptr ? Spot::of(root_) : Spot::text(*vcpu);
            conflict(Spot::of(*topology),
                     "the topology has " + std::to_string(product) + " processors, <vcpu> says " +
                         std::to_string(cpu.maximum),
                     other, "sockets × dies × cores × threads is <vcpu>");
        }
    }

    void pins() {
        Cpu& cpu = spec_.cpu;
        const auto is_for = [](unsigned vcpu) {
            return [vcpu](const CpuPin& pin) { return pin.vcpu == vcpu; };
        };
        for (std::size_t i = 0; i < cpu.pins.size(); ++i) {
            const unsigned vcpu = cpu.pins[i].vcpu;
            const Spot place = Spot::value_or_name(*build_.pin_nodes[i], "vcpu");
            const auto first = std::find_if(cpu.pins.begin(), cpu.pins.end(), is_for(vcpu));
            const auto before = static_cast<std::size_t>(first - cpu.pins.begin());
            if (vcpu >= cpu.maximum) {
                conflict(place, "the partition has no virtual processor " + std::to_string(vcpu),
                         at("vcpu") == nullptr ? Spot::of(root_) : Spot::text(*at("vcpu")));
            } else if (before < i) {
                conflict(place, "virtual processor " + std::to_string(vcpu) + " is pinned twice",
                         Spot::of(*build_.pin_nodes[before]));
            }
        }
        if (build_.vcpu_cpus.empty()) {
            return;
        }
        for (unsigned vcpu = 0; vcpu < cpu.maximum; ++vcpu) {
            if (std::none_of(cpu.pins.begin(), cpu.pins.end(), is_for(vcpu))) {
                cpu.pins.push_back({vcpu, build_.vcpu_cpus});
            }
        }
        cpu.emulator_cpus = cpu.emulator_cpus.empty() ? build_.vcpu_cpus : cpu.emulator_cpus;
    }

    void processor_model() {
        const Node* cpu = at("cpu");
        if (cpu == nullptr) {
            return;
        }
        const Node* model = cpu->child("model");
        CpuMode& mode = spec_.cpu.mode;
        if (model != nullptr && !build_.cpu_mode_given && cpu->attribute("mode") == nullptr) {
            mode = CpuMode::custom;
        }
        if (model != nullptr && build_.cpu_mode_given && mode != CpuMode::custom) {
            conflict(Spot::of(*model), "<model> goes with mode='custom' only",
                     Spot::value_or_name(*cpu, "mode"));
        }
        if (model == nullptr && mode == CpuMode::custom) {
            report_.error("E-MISSING", Spot::value_or_name(*cpu, "mode"),
                          "mode='custom' needs <model>");
        }
        std::set<std::string_view> names;
        for (const Node& child : cpu->children) {
            const Attribute* name = child.name == "feature" ? child.attribute("name") : nullptr;
            if (name != nullptr && !names.insert(name->value).second) {
                report_.error("E-DUP", Spot::value(child, *name),
                              "the feature " + shown(name->value) + " is named twice");
            }
        }
    }

    void platform() {
        if (build_.features_given) {
            spec_.acpi = build_.acpi_given;
        }
        const Node* hyperv = at("features/hyperv");
        if (build_.hyperv_passthrough && hyperv != nullptr &&
            spec_.accelerator != Accelerator::mshv) {
            report_.error("E-UNSUPPORTED", Spot::of(*hyperv),
                          "Hyper-V interfaces are there with type='mshv' only",
                          "leave <hyperv> out");
        }
    }

    void firmware() {
        const Node* loader = at("os/loader");
        Boot& boot = spec_.boot;
        if (loader != nullptr) {
            const bool pflash = build_.loader_type == "pflash";
            if (pflash && build_.firmware_given && boot.firmware == Firmware::bios) {
                conflict(Spot::value_or_name(*loader, "type"), "a BIOS is no pflash",
                         Spot::value_or_name(*at("os"), "firmware"), "use type='rom'");
            } else if (build_.loader_type == "rom" && boot.firmware == Firmware::efi) {
                conflict(Spot::value_or_name(*loader, "type"), "EFI firmware is a pflash",
                         Spot::value_or_name(*at("os"), "firmware"), "use type='pflash'");
            }
            boot.firmware = pflash ? Firmware::efi : boot.firmware;
        }
        const Node* nvram = at("os/nvram");
        if (nvram != nullptr && boot.firmware != Firmware::efi) {
            report_.error("E-CONFLICT", Spot::of(*nvram), "only EFI firmware has <nvram>",
                          "use <os firmware='efi'>");
        }
        if (build_.menu) {
            boot.menu_timeout_ms = build_.menu_timeout.value_or(3000);
        }
        repeated_boot_devices();
    }

    void repeated_boot_devices() {
        const Node* os = at("os");
        if (os == nullptr) {
            return;
        }
        std::set<std::string_view> seen;
        for (const Node& child : os->children) {
            const Attribute* dev = child.name == "boot" ? child.attribute("dev") : nullptr;
            if (dev != nullptr && !seen.insert(dev->value).second) {
                report_.error("E-DUP", Spot::value(child, *dev),
                              "boot from " + shown(dev->value) + " is asked for twice");
            }
        }
    }

    void kernel() {
        const Node* kernel = at("os/kernel");
        const Node* loader = at("os/loader");
        if (kernel == nullptr) {
            for (const std::string_view path : {"os/initrd", "os/cmdline"}) {
                if (const Node* node = at(path)) {
                    report_.error("E-MISSING", Spot::of(*node),
                                  "<" + node->name + "> needs a <kernel> to go with");
                }
            }
        } else if (loader != nullptr) {
            conflict(Spot::of(*kernel), "a partition boots a <kernel> or a <loader>, not both",
                     Spot::of(*loader));
        }
    }

    void smbios() {
        const Node* sysinfo = at("sysinfo");
        const Node* mode = at("os/smbios");
        if (build_.smbios_applied && sysinfo == nullptr && mode != nullptr) {
            report_.error("E-MISSING", Spot::value_or_name(*mode, "mode"),
                          "mode='sysinfo' needs <sysinfo>");
        }
        if (sysinfo == nullptr) {
            return;
        }
        if (!build_.smbios_applied) {
            report_.error("E-CONFLICT", Spot::of(*sysinfo),
                          "<sysinfo> is shown to the guest only with <os><smbios mode='sysinfo'/>",
                          "add it, or delete <sysinfo>");
        }
        std::set<std::pair<std::string_view, std::string_view>> seen;
        for (const Node& block : sysinfo->children) {
            for (const Node& entry : block.children) {
                const Attribute* name = entry.attribute("name");
                if (name == nullptr) {
                    continue;
                }
                if (!seen.insert({block.name, name->value}).second) {
                    report_.error("E-DUP", Spot::value(entry, *name),
                                  shown(name->value) + " is given twice");
                }
                if (block.name == "system" && name->value == "uuid") {
                    same_uuid(entry);
                }
            }
        }
    }

    void same_uuid(const Node& entry) {
        const auto told = parse_uuid(trimmed(entry.text));
        const Node* uuid = at("uuid");
        if (!told || told != spec_.uuid) {
            conflict(Spot::text(entry), "the system's uuid is not the partition's",
                     uuid == nullptr ? Spot::of(root_) : Spot::text(*uuid), "leave the entry out");
        }
    }

    void own_settings() {
        const Node* mshv = at("mshv");
        if (mshv == nullptr) {
            if (const Node* metadata = at("metadata")) {
                for (const Node& child : metadata->children) {
                    mshv = child.space == own_namespace ? &child : mshv;
                }
            }
        }
        if (mshv == nullptr) {
            return;
        }
        for (const Node& child : mshv->children) {
            if (child.local_name() == "labels") {
                labels(child);
            } else if (child.local_name() == "cloudinit" && spec_.cloud_init) {
                cloud_init(child, *spec_.cloud_init);
            } else if (child.local_name() == "autostart") {
                autostart(child);
            } else if (child.local_name() == "domain" && root_.name != "domain") {
                report_.error("E-ELEMENT", Spot::of(child),
                              "<domain> in <mshv> is for libvirt's <domain> alone",
                              "use <partition type='…'> and <panic model='none'/>");
            } else if (child.local_name() == "restart" &&
                       spec_.restart.delay_s > spec_.restart.max_delay_s) {
                conflict(Spot::value_or_name(child, "delay"), "delay is longer than maxdelay",
                         Spot::value_or_name(child, "maxdelay"));
            }
        }
    }

    /// A document is a text or a file; blanks beside a file are the document's layout.
    void cloud_init(const Node& node, CloudInit& seed) {
        for (const auto& [name, document] :
             {std::pair("userdata", &seed.user_data), std::pair("metadata", &seed.meta_data),
              std::pair("networkconfig", &seed.network_config)}) {
            const auto told = std::find_if(
                node.children.begin(), node.children.end(),
                [name = std::string_view(name)](const Node& n) { return n.local_name() == name; });
            if (told == node.children.end() || !*document || (*document)->file.empty()) {
                continue;
            }
            if (!trimmed((*document)->text).empty()) {
                conflict(Spot::text(*told), "<" + told->name + "> has a text or a file, not both",
                         Spot::value_or_name(*told, "file"));
            }
            (*document)->text.clear();
        }
    }

    void labels(const Node& labels) {
        std::set<std::string_view> seen;
        for (const Node& label : labels.children) {
            const Attribute* name = label.attribute("name");
            if (name == nullptr) {
                continue;
            }
            if (!seen.insert(name->value).second) {
                report_.error("E-DUP", Spot::value(label, *name),
                              "the label " + shown(name->value) + " is given twice");
            }
            constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyz0123456789.-";
            if (name->value.find_first_not_of(known) != std::string::npos) {
                report_.error("E-TYPE", Spot::value(label, *name),
                              "a label's name holds a-z, 0-9, '.' and '-' only");
            }
        }
    }

    void autostart(const Node& autostart) {
        std::set<std::string_view> seen;
        for (const Node& child : autostart.children) {
            const Attribute* name = child.attribute("partition");
            if (child.local_name() == "require" && child.attribute("mount") == nullptr &&
                child.attribute("bridge") == nullptr) {
                report_.error("E-MISSING", Spot::of(child), "<require> needs mount or bridge");
            }
            if (child.local_name() != "after" || name == nullptr) {
                continue;
            }
            if (name->value == spec_.name) {
                report_.error("E-CONFLICT", Spot::value(child, *name),
                              "a partition cannot wait for itself");
            }
            if (!seen.insert(name->value).second) {
                report_.error("E-DUP", Spot::value(child, *name),
                              shown(name->value) + " is waited for twice");
            }
        }
    }

    const Node& root_;
    Report& report_;
    Build& build_;
    PartitionSpec& spec_;
};

} // namespace

const Node* node_at(const Node& from, std::string_view path) {
    const Node* node = &from;
    while (node != nullptr && !path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        node = node->child(path.substr(0, slash));
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return node;
}

void check(const Node& root, Report& report, Build& build) {
    Checker(root, report, build).run();
    check_devices(root, report, build);
}

} // namespace mshv::guestxml
