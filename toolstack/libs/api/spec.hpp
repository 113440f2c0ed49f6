// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/enum_names.hpp"
#include "toolstack/libs/api/identity.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mshv::api {

// What the administrator asked for. Field names are those of the JSON document and follow the guest
// XML (mshv-guest(5)); a default here is the default there. Sizes are bytes, spans are as named.

enum class Accelerator { automatic, mshv, kvm, tcg };
MSHV_ENUM_NAMES(Accelerator, {Accelerator::automatic, "auto"}, {Accelerator::mshv, "mshv"},
                {Accelerator::kvm, "kvm"}, {Accelerator::tcg, "tcg"});

enum class OnEnd { destroy, restart, preserve };
MSHV_ENUM_NAMES(OnEnd, {OnEnd::destroy, "destroy"}, {OnEnd::restart, "restart"},
                {OnEnd::preserve, "preserve"});

struct HugePages {
    std::uint64_t page_size = 0; ///< bytes; 0 = the host's default huge page
    bool operator==(const HugePages&) const = default;
};

struct Memory {
    std::uint64_t size = 0;               ///< boot RAM, bytes, a multiple of 1 MiB
    std::optional<std::uint64_t> current; ///< balloon target at start, bytes
    bool dump_core = false;
    bool shared = true; ///< memfd RAM mapped shared (memoryBacking/access)
    bool prealloc = false;
    bool locked = false;
    std::optional<HugePages> hugepages;
    /// What the balloon is asked for: nothing where the guest keeps all.
    [[nodiscard]] std::optional<std::uint64_t> target() const {
        return current && *current < size ? current : std::nullopt;
    }
    bool operator==(const Memory&) const = default;
};

struct CpuTopology {
    unsigned sockets = 1, dies = 1, cores = 1, threads = 1;
    bool operator==(const CpuTopology&) const = default;
};

enum class CpuMode { automatic, host_passthrough, maximum, custom };
MSHV_ENUM_NAMES(CpuMode, {CpuMode::automatic, "auto"},
                {CpuMode::host_passthrough, "host-passthrough"}, {CpuMode::maximum, "maximum"},
                {CpuMode::custom, "custom"});

enum class FeaturePolicy { require, disable };
MSHV_ENUM_NAMES(FeaturePolicy, {FeaturePolicy::require, "require"},
                {FeaturePolicy::disable, "disable"});

struct CpuFeature {
    std::string name;
    FeaturePolicy policy = FeaturePolicy::require;
    bool operator==(const CpuFeature&) const = default;
};

/// On which processors of the host a virtual processor may run.
struct CpuPin {
    unsigned vcpu = 0;
    std::string cpus; ///< "0-3,7"
    bool operator==(const CpuPin&) const = default;
};

/// How much processor time a partition gets at most, all its VPs together.
struct CpuCap {
    std::uint64_t quota_us = 0; ///< of each period
    unsigned period_us = 100'000;
    bool operator==(const CpuCap&) const = default;
};

struct Cpu {
    unsigned maximum = 1; ///< VPs that the partition can have
    unsigned current = 1; ///< VPs present at boot
    CpuMode mode = CpuMode::automatic;
    std::string model; ///< with CpuMode::custom
    std::optional<CpuTopology> topology;
    std::vector<CpuFeature> features;
    std::vector<CpuPin> pins;  ///< in the order of vcpu; who is not there runs on any
    std::string emulator_cpus; ///< where the VMM's other threads may run; empty = on any
    std::optional<unsigned> weight; ///< against other partitions, 1 to 10000; absent = 100
    std::optional<CpuCap> cap;
    std::string pool; ///< of processors, by name; empty = the host's rest
    bool operator==(const Cpu&) const = default;
};

enum class Firmware { bios, efi };
MSHV_ENUM_NAMES(Firmware, {Firmware::bios, "bios"}, {Firmware::efi, "efi"});

enum class Machine { q35, pc, microvm };
MSHV_ENUM_NAMES(Machine, {Machine::q35, "q35"}, {Machine::pc, "pc"}, {Machine::microvm, "microvm"});

enum class BootDevice { hd, cdrom, network };
MSHV_ENUM_NAMES(BootDevice, {BootDevice::hd, "hd"}, {BootDevice::cdrom, "cdrom"},
                {BootDevice::network, "network"});

struct Boot {
    Machine machine = Machine::q35;
    Firmware firmware = Firmware::bios;
    std::string kernel; ///< absolute path; empty = firmware boot
    std::string initrd;
    std::string cmdline;
    std::string loader;            ///< firmware image, absolute path; empty = chosen by `firmware`
    std::string nvram;             ///< variable store, absolute path; empty = a copy per partition
    std::vector<BootDevice> order; ///< os/boot; empty = devices' own order, else hd
    std::optional<unsigned> menu_timeout_ms;
    bool operator==(const Boot&) const = default;
};

enum class ClockOffset { utc, localtime };
MSHV_ENUM_NAMES(ClockOffset, {ClockOffset::utc, "utc"}, {ClockOffset::localtime, "localtime"});

struct SmbiosEntry {
    std::string block; ///< bios, system, baseBoard, chassis, oemStrings
    std::string name;  ///< e.g. serial; empty for oemStrings
    std::string value;
    bool operator==(const SmbiosEntry&) const = default;
};

enum class DiskSource { file, block };
MSHV_ENUM_NAMES(DiskSource, {DiskSource::file, "file"}, {DiskSource::block, "block"});
enum class DiskDevice { disk, cdrom };
MSHV_ENUM_NAMES(DiskDevice, {DiskDevice::disk, "disk"}, {DiskDevice::cdrom, "cdrom"});
enum class DiskFormat { raw, qcow2 };
MSHV_ENUM_NAMES(DiskFormat, {DiskFormat::raw, "raw"}, {DiskFormat::qcow2, "qcow2"});
enum class DiskBus { virtio, sata };
MSHV_ENUM_NAMES(DiskBus, {DiskBus::virtio, "virtio"}, {DiskBus::sata, "sata"});
enum class DiskCache { none, writeback, writethrough, directsync, unsafe };
MSHV_ENUM_NAMES(DiskCache, {DiskCache::none, "none"}, {DiskCache::writeback, "writeback"},
                {DiskCache::writethrough, "writethrough"}, {DiskCache::directsync, "directsync"},
                {DiskCache::unsafe, "unsafe"});
enum class DiskIo { automatic, threads, native, io_uring };
MSHV_ENUM_NAMES(DiskIo, {DiskIo::automatic, "auto"}, {DiskIo::threads, "threads"},
                {DiskIo::native, "native"}, {DiskIo::io_uring, "io_uring"});

/// One limit of a disk's transfers, in bytes or requests.
struct IoLimit {
    std::uint64_t per_second = 0; ///< 0 = none
    std::uint64_t max = 0;        ///< a second, for a while; 0 = per_second
    std::uint64_t max_length = 0; ///< seconds for which it may be max; 0 = 1
    bool operator==(const IoLimit&) const = default;
};

/// What a disk's transfers are held to (io_limits.hpp).
struct IoTune {
    std::optional<IoLimit> total_bytes, read_bytes, write_bytes;
    std::optional<IoLimit> total_iops, read_iops, write_iops;
    bool operator==(const IoTune&) const = default;
};

struct Disk {
    DiskSource source = DiskSource::file;
    DiskDevice device = DiskDevice::disk;
    std::string path; ///< absolute; empty = CD drive without a medium
    DiskFormat format = DiskFormat::raw;
    /// Backing files of a qcow2 image, nearest first, each with its format: only what is declared
    /// here is ever opened.
    struct Backing {
        std::string path;
        DiskFormat format = DiskFormat::raw;
        bool operator==(const Backing&) const = default;
    };
    std::vector<Backing> backing;
    std::string target; ///< vda, sda …
    DiskBus bus = DiskBus::virtio;
    DiskCache cache = DiskCache::none;
    DiskIo io = DiskIo::automatic;
    bool discard = false;
    bool detect_zeroes = false;
    bool read_only = false;
    bool shareable = false;
    std::string serial;
    std::optional<unsigned> queues;
    std::optional<unsigned> logical_block_size, physical_block_size;
    std::optional<unsigned> boot_order;
    std::optional<IoTune> iotune;
    std::string alias; ///< ua-…; empty = generated
    bool operator==(const Disk&) const = default;
};

enum class NicSource { bridge, user };
MSHV_ENUM_NAMES(NicSource, {NicSource::bridge, "bridge"}, {NicSource::user, "user"});
enum class NicModel { virtio, e1000e, e1000, rtl8139 };
MSHV_ENUM_NAMES(NicModel, {NicModel::virtio, "virtio"}, {NicModel::e1000e, "e1000e"},
                {NicModel::e1000, "e1000"}, {NicModel::rtl8139, "rtl8139"});

/// How fast one direction of an interface is.
struct NicRate {
    std::uint64_t average = 0; ///< kilobytes (1000 bytes) a second
    std::uint64_t peak = 0;    ///< the same, while the burst lasts; 0 = as fast as it goes
    std::uint64_t burst = 0;   ///< KiB; 0 = chosen by the rate
    bool operator==(const NicRate&) const = default;
};

struct Nic {
    NicSource source = NicSource::user;
    std::string bridge; ///< with NicSource::bridge
    std::string mac;    ///< xx:xx:xx:xx:xx:xx lower case; empty = generated at define
    std::string target; ///< tap name; empty = generated
    NicModel model = NicModel::virtio;
    std::optional<unsigned> mtu;
    std::optional<unsigned> queues;
    bool link_up = true;
    std::optional<unsigned> vlan;             ///< untagged at the guest, this VLAN of the bridge
    std::optional<NicRate> inbound, outbound; ///< to the guest, and from it
    std::optional<unsigned> boot_order;
    std::string alias;
    bool operator==(const Nic&) const = default;
};

enum class ConsoleTarget { serial, virtio };
MSHV_ENUM_NAMES(ConsoleTarget, {ConsoleTarget::serial, "serial"},
                {ConsoleTarget::virtio, "virtio"});

/// The console that the keeper drains: ttyS0 or hvc0. A partition has at most one.
struct Console {
    ConsoleTarget target = ConsoleTarget::serial;
    std::uint64_t ring = 262'144;        ///< bytes kept for replay: 256 KiB
    std::uint64_t log_size = 10'485'760; ///< bytes of one log file before it is rotated: 10 MiB
    unsigned log_keep = 3;               ///< rotated files kept beside the live one
    bool operator==(const Console&) const = default;
};

struct VncGraphics {
    std::string socket; ///< empty = <run dir>/vnc.sock
    bool operator==(const VncGraphics&) const = default;
};
enum class VideoModel { none, virtio, vga, bochs };
MSHV_ENUM_NAMES(VideoModel, {VideoModel::none, "none"}, {VideoModel::virtio, "virtio"},
                {VideoModel::vga, "vga"}, {VideoModel::bochs, "bochs"});
enum class WatchdogModel { itco, i6300esb };
MSHV_ENUM_NAMES(WatchdogModel, {WatchdogModel::itco, "itco"},
                {WatchdogModel::i6300esb, "i6300esb"});
enum class WatchdogAction { reset, poweroff, pause, none, inject_nmi };
MSHV_ENUM_NAMES(WatchdogAction, {WatchdogAction::reset, "reset"},
                {WatchdogAction::poweroff, "poweroff"}, {WatchdogAction::pause, "pause"},
                {WatchdogAction::none, "none"}, {WatchdogAction::inject_nmi, "inject-nmi"});

struct Watchdog {
    WatchdogModel model = WatchdogModel::itco;
    WatchdogAction action = WatchdogAction::reset;
    bool operator==(const Watchdog&) const = default;
};

struct Devices {
    std::string emulator; ///< absolute path; empty = the VMM's default
    std::vector<Disk> disks;
    std::vector<Nic> nics;
    std::optional<Console> console;
    bool agent_channel = false; ///< virtio-serial port org.qemu.guest_agent.0
    std::optional<VncGraphics> graphics;
    VideoModel video = VideoModel::none;
    bool tablet = false, keyboard = false; ///< USB input devices
    bool rng = false;
    bool balloon = true;
    bool panic = true; ///< pvpanic
    /// A port, 0xf4, by which a guest ends itself with a status: QEMU's isa-debug-exit.
    bool exit_port = false;
    std::optional<Watchdog> watchdog;
    bool operator==(const Devices&) const = default;
};

// ---- <mshv>: what libvirt has no word for ------------------------------------------------------

enum class VmmKind { automatic, qemu };
MSHV_ENUM_NAMES(VmmKind, {VmmKind::automatic, "auto"}, {VmmKind::qemu, "qemu"});

struct Vmm {
    VmmKind kind = VmmKind::automatic;
    std::string minimum;      ///< lowest version accepted, e.g. "10.2"; empty = any
    bool fallback_tcg = true; ///< with Accelerator::automatic: may it end at tcg?
    bool operator==(const Vmm&) const = default;
};

enum class AutostartWhen { always, if_was_running };
MSHV_ENUM_NAMES(AutostartWhen, {AutostartWhen::always, "always"},
                {AutostartWhen::if_was_running, "if-was-running"});
enum class AfterState { running, agent, stopped };
MSHV_ENUM_NAMES(AfterState, {AfterState::running, "running"}, {AfterState::agent, "agent"},
                {AfterState::stopped, "stopped"});

struct AutostartAfter {
    std::string partition; ///< name
    AfterState state = AfterState::running;
    unsigned timeout_s = 120;
    bool operator==(const AutostartAfter&) const = default;
};

struct Autostart {
    bool enabled = false;
    AutostartWhen when = AutostartWhen::always;
    unsigned order = 100; ///< lower first
    unsigned delay_s = 0; ///< waited before this one, after the one before it was started
    std::vector<AutostartAfter> after;
    std::vector<std::string> require_mounts, require_bridges;
    bool operator==(const Autostart&) const = default;
};

enum class ShutdownMethod { agent, acpi };
MSHV_ENUM_NAMES(ShutdownMethod, {ShutdownMethod::agent, "agent"}, {ShutdownMethod::acpi, "acpi"});
enum class Escalate { destroy, none };
MSHV_ENUM_NAMES(Escalate, {Escalate::destroy, "destroy"}, {Escalate::none, "none"});

struct ShutdownPolicy {
    std::vector<ShutdownMethod> methods{ShutdownMethod::agent, ShutdownMethod::acpi};
    unsigned timeout_s = 60;
    unsigned resend_s = 15;
    Escalate escalate = Escalate::none;
    bool operator==(const ShutdownPolicy&) const = default;
};

enum class HostAction { shutdown, save, destroy, leave };
MSHV_ENUM_NAMES(HostAction, {HostAction::shutdown, "shutdown"}, {HostAction::save, "save"},
                {HostAction::destroy, "destroy"}, {HostAction::leave, "leave"});

/// What becomes of a partition when the host goes down.
struct HostShutdown {
    HostAction action = HostAction::shutdown;
    unsigned timeout_s = 120; ///< for the action; ShutdownPolicy::escalate says what follows
    bool operator==(const HostShutdown&) const = default;
};

enum class RestartPolicyKind { never, on_failure, always };
MSHV_ENUM_NAMES(RestartPolicyKind, {RestartPolicyKind::never, "never"},
                {RestartPolicyKind::on_failure, "on-failure"},
                {RestartPolicyKind::always, "always"});

/// The brake on every respawn: a guest's reboot is free until `limit` respawns fall in `window_s`.
struct RestartPolicy {
    RestartPolicyKind policy = RestartPolicyKind::never;
    unsigned delay_s = 2; ///< before the first respawn after a failure; doubles
    unsigned max_delay_s = 60;
    unsigned limit = 5; ///< respawns within the window before the partition is given up
    unsigned window_s = 600;
    bool operator==(const RestartPolicy&) const = default;
};

/// What the host needs for a partition beside its memory.
struct MemoryReserve {
    std::uint64_t deposit = 16'777'216;  ///< bytes lent to the hypervisor: 16 MiB
    std::uint64_t overhead = 67'108'864; ///< bytes of the VMM's own: 64 MiB
    bool operator==(const MemoryReserve&) const = default;
};

/// One document of a cloud-init seed: in the definition, or a file that is read at each start.
struct SeedDocument {
    std::string text;
    std::string file; ///< absolute path; empty = `text`
    bool operator==(const SeedDocument&) const = default;
};

/// What cloud-init finds in the guest's first start, on a disk of its own.
struct CloudInit {
    std::optional<SeedDocument> user_data, meta_data, network_config;
    bool operator==(const CloudInit&) const = default;
};

struct PartitionSpec {
    std::string name;
    std::optional<Uuid> uuid;  ///< absent = generated at define
    std::optional<Uuid> genid; ///< VM generation id
    std::string title, description;
    std::string metadata; ///< inner XML of <metadata>, kept byte for byte
    Accelerator accelerator = Accelerator::automatic;
    Memory memory;
    Cpu cpu;
    unsigned iothreads = 0;
    Boot boot;
    bool acpi = true;
    std::vector<SmbiosEntry> smbios;
    ClockOffset clock = ClockOffset::utc;
    bool hpet = false;
    OnEnd on_poweroff = OnEnd::destroy;
    OnEnd on_reboot = OnEnd::restart;
    OnEnd on_crash = OnEnd::destroy;
    Devices devices;
    Vmm vmm;
    Autostart autostart;
    ShutdownPolicy shutdown;
    HostShutdown host_shutdown;
    RestartPolicy restart;
    bool protect_destroy = false, protect_delete = false;
    MemoryReserve reserve;
    std::optional<CloudInit> cloud_init;
    std::map<std::string, std::string> labels;
    bool operator==(const PartitionSpec&) const = default;
};

} // namespace mshv::api
