// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/planner.hpp"

namespace mshv::vmm::qemu {
namespace {

/// Collects problems: one short sentence each, and what to write instead.
class Objections {
public:
    void add(std::string where, std::string message, std::string hint) {
        api::Problem problem;
        problem.code = "E-UNSUPPORTED";
        problem.where = std::move(where);
        problem.message = std::move(message);
        problem.hint = std::move(hint);
        problems_.push_back(std::move(problem));
    }
    std::vector<api::Problem> take() { return std::move(problems_); }

private:
    std::vector<api::Problem> problems_;
};

std::string item(std::string_view list, std::size_t index) {
    return "/spec/devices/" + std::string(list) + "/" + std::to_string(index);
}

void check_machine(Objections& out, const api::PartitionSpec& spec,
                   const Capabilities& capabilities, api::Accelerator accelerator) {
    const std::string machine(api::to_name(spec.boot.machine));
    if (!capabilities.machines.contains(machine)) {
        out.add("/spec/boot/machine",
                "QEMU " + capabilities.version.to_string() + " has no machine " + machine,
                "use q35");
    }
    if (accelerator == api::Accelerator::mshv && spec.boot.machine == api::Machine::microvm) {
        out.add("/spec/boot/machine", "microvm does not run under mshv, which has no PIC",
                "use q35");
    }
    if (accelerator == api::Accelerator::mshv && spec.cpu.maximum > 255) {
        out.add("/spec/cpu/maximum", "mshv gives a partition at most 255 virtual processors",
                "lower it");
    }
    if (accelerator == api::Accelerator::tcg && spec.cpu.mode == api::CpuMode::host_passthrough) {
        out.add("/spec/cpu/mode", "host-passthrough needs mshv or kvm, and tcg was chosen",
                "use mode=\"maximum\"");
    }
    if (spec.cpu.mode == api::CpuMode::custom &&
        !capabilities.cpu_models.contains(spec.cpu.model)) {
        out.add("/spec/cpu/model",
                "QEMU " + capabilities.version.to_string() + " has no CPU model '" +
                    spec.cpu.model + "'",
                "run '" + capabilities.program + " -cpu help'");
    }
    if (spec.memory.current && *spec.memory.current != spec.memory.size) {
        if (accelerator == api::Accelerator::mshv) {
            out.add("/spec/memory/current", "mshv has no balloon to leave the guest less memory",
                    "make currentMemory equal to memory");
        } else if (!spec.devices.balloon) {
            out.add("/spec/memory/current", "less memory than the maximum needs a balloon",
                    "remove memballoon model=\"none\", or make currentMemory equal to memory");
        }
    }
}

void check_microvm(Objections& out, const api::PartitionSpec& spec) {
    if (spec.boot.machine != api::Machine::microvm) {
        return;
    }
    const auto& devices = spec.devices;
    const auto no_pci = [&](bool wanted, const char* where, const char* what) {
        if (wanted) {
            out.add(where, std::string("microvm has no PCI bus for ") + what, "use q35");
        }
    };
    no_pci(devices.video != api::VideoModel::none, "/spec/devices/video", "a video adapter");
    no_pci(devices.tablet, "/spec/devices/tablet", "USB");
    no_pci(devices.keyboard, "/spec/devices/keyboard", "USB");
    no_pci(devices.watchdog.has_value(), "/spec/devices/watchdog", "a watchdog");
    no_pci(spec.genid.has_value(), "/spec/genid", "a generation id device");
    no_pci(spec.boot.firmware == api::Firmware::efi, "/spec/boot/firmware", "EFI's flash");
    if (spec.boot.kernel.empty()) {
        out.add("/spec/boot/kernel", "microvm boots a kernel only", "give <kernel>, or use q35");
    }
    for (std::size_t i = 0; i < devices.disks.size(); ++i) {
        no_pci(devices.disks[i].bus != api::DiskBus::virtio, item("disks", i).c_str(), "SATA");
    }
    for (std::size_t i = 0; i < devices.nics.size(); ++i) {
        no_pci(devices.nics[i].model != api::NicModel::virtio, item("nics", i).c_str(),
               "this NIC model");
    }
}

void check_disks(Objections& out, const api::PartitionSpec& spec) {
    const auto& disks = spec.devices.disks;
    for (std::size_t i = 0; i < disks.size(); ++i) {
        const auto& disk = disks[i];
        const bool direct =
            disk.cache == api::DiskCache::none || disk.cache == api::DiskCache::directsync;
        if (disk.io == api::DiskIo::native && !direct) {
            out.add(item("disks", i) + "/io", "io=\"native\" needs a cache mode without page cache",
                    "use cache=\"none\" or io=\"threads\"");
        }
        if (disk.device == api::DiskDevice::cdrom && disk.bus == api::DiskBus::virtio) {
            out.add(item("disks", i) + "/bus", "a CD drive cannot stand on the virtio bus",
                    "use bus=\"sata\"");
        }
        if (disk.device == api::DiskDevice::disk && disk.path.empty()) {
            out.add(item("disks", i) + "/path", "a disk needs a source", "give source/@file");
        }
        if (disk.shareable && disk.format != api::DiskFormat::raw) {
            out.add(item("disks", i) + "/shareable", "only a raw image can be shared",
                    "use type=\"raw\"");
        }
        if (disk.format == api::DiskFormat::raw && !disk.backing.empty()) {
            out.add(item("disks", i) + "/backing", "a raw image has no backing file",
                    "use type=\"qcow2\" or remove backingStore");
        }
        if (disk.bus == api::DiskBus::virtio && disk.serial.size() > 20) {
            out.add(item("disks", i) + "/serial", "a virtio disk's serial has at most 20 bytes",
                    "shorten it");
        }
    }
}

void check_nics(Objections& out, const api::PartitionSpec& spec) {
    const auto& nics = spec.devices.nics;
    for (std::size_t i = 0; i < nics.size(); ++i) {
        if (nics[i].queues.value_or(1) > 1) {
            out.add(item("nics", i) + "/queues", "several queues are not done yet",
                    "remove queues");
        }
        if (nics[i].target.size() > 15) {
            out.add(item("nics", i) + "/target", "an interface name has at most 15 bytes",
                    "shorten it");
        }
    }
}

void check_devices(Objections& out, const api::PartitionSpec& spec,
                   const Capabilities& capabilities, api::Accelerator accelerator) {
    const auto& devices = spec.devices;
    const auto need = [&](bool wanted, const std::string& driver, const char* where) {
        if (wanted && !capabilities.has_device(driver)) {
            out.add(where,
                    "QEMU " + capabilities.version.to_string() + " here has no device " + driver,
                    "install the QEMU package that brings it (qemu-system-gui, "
                    "qemu-system-modules-spice), or choose another model");
        }
    };
    need(devices.video == api::VideoModel::virtio, "virtio-vga", "/spec/devices/video");
    need(devices.video == api::VideoModel::vga, "VGA", "/spec/devices/video");
    need(devices.video == api::VideoModel::bochs, "bochs-display", "/spec/devices/video");
    if (devices.watchdog) {
        const bool itco = devices.watchdog->model == api::WatchdogModel::itco;
        need(!itco, "i6300esb", "/spec/devices/watchdog");
        if (itco && spec.boot.machine == api::Machine::pc) {
            out.add("/spec/devices/watchdog/model", "the iTCO watchdog is part of q35's chipset",
                    "use model=\"i6300esb\"");
        }
        if (devices.watchdog->action == api::WatchdogAction::inject_nmi &&
            accelerator == api::Accelerator::mshv) {
            out.add("/spec/devices/watchdog/action", "QEMU cannot inject an NMI under mshv",
                    "use action=\"reset\"");
        }
    }
}

} // namespace

std::vector<api::Problem> objections(const api::PartitionSpec& spec,
                                     const Capabilities& capabilities,
                                     api::Accelerator accelerator) {
    Objections out;
    check_machine(out, spec, capabilities, accelerator);
    check_microvm(out, spec);
    check_disks(out, spec);
    check_nics(out, spec);
    check_devices(out, spec, capabilities, accelerator);
    return out.take();
}

} // namespace mshv::vmm::qemu
