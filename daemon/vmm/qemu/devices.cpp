// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/builder.hpp"
#include "daemon/vmm/qemu/settings.hpp"

namespace mshv::vmm::qemu {

void add_console_and_agent(CommandBuilder& command) {
    const auto& devices = command.input().spec.devices;
    const std::string& run_dir = command.plan().run_dir;
    const bool virtio_console =
        devices.console && devices.console->target == api::ConsoleTarget::virtio;
    if (devices.console) {
        // QEMU opens both FIFOs read-write, so they outlive a keeper and no byte is lost.
        command.option("-chardev", "pipe,id=con0,path=" + run_dir + "/con");
    }
    if (devices.console && !virtio_console) {
        command.option("-serial", "chardev:con0");
    }
    if (virtio_console || devices.agent_channel) {
        command.device(command.virtio("virtio-serial", "vserial0"));
    }
    if (virtio_console) {
        command.device(JsonObject()
                           .text("driver", "virtconsole")
                           .text("id", "console0")
                           .text("bus", "vserial0.0")
                           .text("chardev", "con0"));
    }
    if (devices.agent_channel) {
        const int target = command.next_target();
        command.plan().agent_target = target;
        command.option("-chardev",
                       "socket,id=agent0,fd=" + std::to_string(target) + ",server=on,wait=off");
        command.device(JsonObject()
                           .text("driver", "virtserialport")
                           .text("id", "agentport0")
                           .text("bus", "vserial0.0")
                           .text("chardev", "agent0")
                           .text("name", "org.qemu.guest_agent.0"));
    }
}

void add_graphics(CommandBuilder& command) {
    const auto& devices = command.input().spec.devices;
    const auto on_root_bus = [&](std::string_view driver, std::string_view id) {
        return JsonObject().text("driver", driver).text("id", id).text("bus", command.root_bus());
    };
    switch (devices.video) {
    case api::VideoModel::none:
        break;
    case api::VideoModel::virtio:
        command.device(on_root_bus("virtio-vga", "video0"));
        break;
    case api::VideoModel::vga:
        command.device(on_root_bus("VGA", "video0"));
        break;
    case api::VideoModel::bochs:
        command.device(on_root_bus("bochs-display", "video0"));
        break;
    }
    if (devices.graphics) {
        // The folder is the VMM's own: it makes the socket itself.
        const std::string socket = devices.graphics->socket.empty()
                                       ? command.plan().run_dir + "/vmm/vnc.sock"
                                       : devices.graphics->socket;
        command.option("-vnc", "unix:" + option_value(socket));
    }
    if (devices.tablet || devices.keyboard) {
        command.device(on_root_bus("qemu-xhci", "usb0"));
    }
    const auto usb = [&](std::string_view driver, std::string_view id) {
        command.device(JsonObject().text("driver", driver).text("id", id).text("bus", "usb0.0"));
    };
    if (devices.tablet) {
        usb("usb-tablet", "tablet0");
    }
    if (devices.keyboard) {
        usb("usb-kbd", "keyboard0");
    }
}

void add_other_devices(CommandBuilder& command) {
    const auto& spec = command.input().spec;
    const auto& devices = spec.devices;
    if (devices.panic && !command.mmio()) {
        command.device(JsonObject()
                           .text("driver", "pvpanic-pci")
                           .text("id", "panic0")
                           .text("bus", command.root_bus()));
    }
    if (devices.exit_port) {
        command.device(JsonObject()
                           .text("driver", "isa-debug-exit")
                           .text("id", "exit0")
                           .number("iobase", 0xf4)
                           .number("iosize", 4));
    }
    if (devices.rng) {
        command.device(command.virtio("virtio-rng", "rng0"));
    }
    // Under mshv guest memory is pinned: giving it back would split the VMM's view from the
    // guest's.
    if (devices.balloon && command.input().accelerator.accelerator != api::Accelerator::mshv) {
        command.device(command.virtio("virtio-balloon", balloon_alias));
        if (const auto target = command.input().spec.memory.target()) {
            // It stands in the device until the guest's driver asks for it.
            command.plan().setup.push_back(balloon_command(*target));
        }
    }
    if (devices.watchdog) {
        if (devices.watchdog->model == api::WatchdogModel::itco) {
            command.option("-global", "ICH9-LPC.noreboot=false"); // part of q35's chipset
        } else {
            command.device(JsonObject()
                               .text("driver", "i6300esb")
                               .text("id", "watchdog0")
                               .text("bus", command.root_bus()));
        }
    }
    if (spec.genid) {
        command.device(JsonObject()
                           .text("driver", "vmgenid")
                           .text("id", "genid0")
                           .text("guid", api::to_string(*spec.genid)));
    }
}

} // namespace mshv::vmm::qemu
