// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"

namespace mshv::api::json {

template <>
Fields fields_of<HugePages>() {
    static constexpr std::array list{field<&HugePages::page_size>("page_size")};
    return list;
}

template <>
Fields fields_of<Memory>() {
    static constexpr std::array list{
        field<&Memory::size>("size", Presence::required),
        field<&Memory::current>("current"),
        field<&Memory::dump_core>("dump_core"),
        field<&Memory::shared>("shared"),
        field<&Memory::prealloc>("prealloc"),
        field<&Memory::locked>("locked"),
        field<&Memory::hugepages>("hugepages"),
    };
    return list;
}

template <>
Fields fields_of<CpuTopology>() {
    static constexpr std::array list{
        field<&CpuTopology::sockets>("sockets"),
        field<&CpuTopology::dies>("dies"),
        field<&CpuTopology::cores>("cores"),
        field<&CpuTopology::threads>("threads"),
    };
    return list;
}

template <>
Fields fields_of<CpuFeature>() {
    static constexpr std::array list{
        field<&CpuFeature::name>("name", Presence::required),
        field<&CpuFeature::policy>("policy"),
    };
    return list;
}

template <>
Fields fields_of<CpuPin>() {
    static constexpr std::array list{
        field<&CpuPin::vcpu>("vcpu", Presence::required),
        field<&CpuPin::cpus>("cpus", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<CpuCap>() {
    static constexpr std::array list{
        field<&CpuCap::quota_us>("quota_us", Presence::required),
        field<&CpuCap::period_us>("period_us"),
    };
    return list;
}

template <>
Fields fields_of<Cpu>() {
    static constexpr std::array list{
        field<&Cpu::maximum>("maximum"),   field<&Cpu::current>("current"),
        field<&Cpu::mode>("mode"),         field<&Cpu::model>("model"),
        field<&Cpu::topology>("topology"), field<&Cpu::features>("features"),
        field<&Cpu::pins>("pins"),         field<&Cpu::emulator_cpus>("emulator_cpus"),
        field<&Cpu::weight>("weight"),     field<&Cpu::cap>("cap"),
        field<&Cpu::pool>("pool"),
    };
    return list;
}

template <>
Fields fields_of<Boot>() {
    static constexpr std::array list{
        field<&Boot::machine>("machine"),
        field<&Boot::firmware>("firmware"),
        field<&Boot::kernel>("kernel"),
        field<&Boot::initrd>("initrd"),
        field<&Boot::cmdline>("cmdline"),
        field<&Boot::loader>("loader"),
        field<&Boot::nvram>("nvram"),
        field<&Boot::order>("order"),
        field<&Boot::menu_timeout_ms>("menu_timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<SmbiosEntry>() {
    static constexpr std::array list{
        field<&SmbiosEntry::block>("block", Presence::required),
        field<&SmbiosEntry::name>("name"),
        field<&SmbiosEntry::value>("value"),
    };
    return list;
}

template <>
Fields fields_of<Disk::Backing>() {
    static constexpr std::array list{
        field<&Disk::Backing::path>("path", Presence::required),
        field<&Disk::Backing::format>("format"),
    };
    return list;
}

template <>
Fields fields_of<IoLimit>() {
    static constexpr std::array list{
        field<&IoLimit::per_second>("per_second", Presence::required),
        field<&IoLimit::max>("max"),
        field<&IoLimit::max_length>("max_length"),
    };
    return list;
}

template <>
Fields fields_of<IoTune>() {
    static constexpr std::array list{
        field<&IoTune::total_bytes>("total_bytes"), field<&IoTune::read_bytes>("read_bytes"),
        field<&IoTune::write_bytes>("write_bytes"), field<&IoTune::total_iops>("total_iops"),
        field<&IoTune::read_iops>("read_iops"),     field<&IoTune::write_iops>("write_iops"),
    };
    return list;
}

template <>
Fields fields_of<Disk>() {
    static constexpr std::array list{
        field<&Disk::source>("source"),
        field<&Disk::device>("device"),
        field<&Disk::path>("path"),
        field<&Disk::format>("format"),
        field<&Disk::backing>("backing"),
        field<&Disk::target>("target", Presence::required),
        field<&Disk::bus>("bus"),
        field<&Disk::cache>("cache"),
        field<&Disk::io>("io"),
        field<&Disk::discard>("discard"),
        field<&Disk::detect_zeroes>("detect_zeroes"),
        field<&Disk::read_only>("read_only"),
        field<&Disk::shareable>("shareable"),
        field<&Disk::serial>("serial"),
        field<&Disk::queues>("queues"),
        field<&Disk::logical_block_size>("logical_block_size"),
        field<&Disk::physical_block_size>("physical_block_size"),
        field<&Disk::boot_order>("boot_order"),
        field<&Disk::iotune>("iotune"),
        field<&Disk::alias>("alias"),
    };
    return list;
}

template <>
Fields fields_of<NicRate>() {
    static constexpr std::array list{
        field<&NicRate::average>("average", Presence::required),
        field<&NicRate::peak>("peak"),
        field<&NicRate::burst>("burst"),
    };
    return list;
}

template <>
Fields fields_of<Nic>() {
    static constexpr std::array list{
        field<&Nic::source>("source"),     field<&Nic::bridge>("bridge"),
        field<&Nic::mac>("mac"),           field<&Nic::target>("target"),
        field<&Nic::model>("model"),       field<&Nic::mtu>("mtu"),
        field<&Nic::queues>("queues"),     field<&Nic::link_up>("link_up"),
        field<&Nic::vlan>("vlan"),         field<&Nic::inbound>("inbound"),
        field<&Nic::outbound>("outbound"), field<&Nic::boot_order>("boot_order"),
        field<&Nic::alias>("alias"),
    };
    return list;
}

template <>
Fields fields_of<Console>() {
    static constexpr std::array list{
        field<&Console::target>("target"),
        field<&Console::ring>("ring"),
        field<&Console::log_size>("log_size"),
        field<&Console::log_keep>("log_keep"),
    };
    return list;
}

template <>
Fields fields_of<VncGraphics>() {
    static constexpr std::array list{field<&VncGraphics::socket>("socket")};
    return list;
}

template <>
Fields fields_of<Watchdog>() {
    static constexpr std::array list{
        field<&Watchdog::model>("model"),
        field<&Watchdog::action>("action"),
    };
    return list;
}

template <>
Fields fields_of<Devices>() {
    static constexpr std::array list{
        field<&Devices::emulator>("emulator"),
        field<&Devices::disks>("disks"),
        field<&Devices::nics>("nics"),
        field<&Devices::console>("console"),
        field<&Devices::agent_channel>("agent_channel"),
        field<&Devices::graphics>("graphics"),
        field<&Devices::video>("video"),
        field<&Devices::tablet>("tablet"),
        field<&Devices::keyboard>("keyboard"),
        field<&Devices::rng>("rng"),
        field<&Devices::balloon>("balloon"),
        field<&Devices::panic>("panic"),
        field<&Devices::exit_port>("exit_port"),
        field<&Devices::watchdog>("watchdog"),
    };
    return list;
}

template <>
Fields fields_of<Vmm>() {
    static constexpr std::array list{
        field<&Vmm::kind>("kind"),
        field<&Vmm::minimum>("minimum"),
        field<&Vmm::fallback_tcg>("fallback_tcg"),
    };
    return list;
}

template <>
Fields fields_of<AutostartAfter>() {
    static constexpr std::array list{
        field<&AutostartAfter::partition>("partition", Presence::required),
        field<&AutostartAfter::state>("state"),
        field<&AutostartAfter::timeout_s>("timeout_s"),
    };
    return list;
}

template <>
Fields fields_of<Autostart>() {
    static constexpr std::array list{
        field<&Autostart::enabled>("enabled"),
        field<&Autostart::when>("when"),
        field<&Autostart::order>("order"),
        field<&Autostart::delay_s>("delay_s"),
        field<&Autostart::after>("after"),
        field<&Autostart::require_mounts>("require_mounts"),
        field<&Autostart::require_bridges>("require_bridges"),
    };
    return list;
}

template <>
Fields fields_of<ShutdownPolicy>() {
    static constexpr std::array list{
        field<&ShutdownPolicy::methods>("methods", Presence::always),
        field<&ShutdownPolicy::timeout_s>("timeout_s"),
        field<&ShutdownPolicy::resend_s>("resend_s"),
        field<&ShutdownPolicy::escalate>("escalate"),
    };
    return list;
}

template <>
Fields fields_of<MemoryReserve>() {
    static constexpr std::array list{
        field<&MemoryReserve::deposit>("deposit"),
        field<&MemoryReserve::overhead>("overhead"),
    };
    return list;
}

template <>
Fields fields_of<HostShutdown>() {
    static constexpr std::array list{
        field<&HostShutdown::action>("action"),
        field<&HostShutdown::timeout_s>("timeout_s"),
    };
    return list;
}

template <>
Fields fields_of<RestartPolicy>() {
    static constexpr std::array list{
        field<&RestartPolicy::policy>("policy"),
        field<&RestartPolicy::delay_s>("delay_s"),
        field<&RestartPolicy::max_delay_s>("max_delay_s"),
        field<&RestartPolicy::limit>("limit"),
        field<&RestartPolicy::window_s>("window_s"),
    };
    return list;
}

template <>
Fields fields_of<SeedDocument>() {
    static constexpr std::array list{
        field<&SeedDocument::text>("text"),
        field<&SeedDocument::file>("file"),
    };
    return list;
}

template <>
Fields fields_of<CloudInit>() {
    static constexpr std::array list{
        field<&CloudInit::user_data>("user_data"),
        field<&CloudInit::meta_data>("meta_data"),
        field<&CloudInit::network_config>("network_config"),
    };
    return list;
}

template <>
Fields fields_of<PartitionSpec>() {
    using Spec = PartitionSpec;
    static constexpr std::array list{
        field<&Spec::name>("name", Presence::required),
        field<&Spec::uuid>("uuid"),
        field<&Spec::genid>("genid"),
        field<&Spec::title>("title"),
        field<&Spec::description>("description"),
        field<&Spec::metadata>("metadata"),
        field<&Spec::accelerator>("accelerator"),
        field<&Spec::memory>("memory", Presence::required),
        field<&Spec::cpu>("cpu"),
        field<&Spec::iothreads>("iothreads"),
        field<&Spec::boot>("boot"),
        field<&Spec::acpi>("acpi"),
        field<&Spec::smbios>("smbios"),
        field<&Spec::clock>("clock"),
        field<&Spec::hpet>("hpet"),
        field<&Spec::on_poweroff>("on_poweroff"),
        field<&Spec::on_reboot>("on_reboot"),
        field<&Spec::on_crash>("on_crash"),
        field<&Spec::devices>("devices"),
        field<&Spec::vmm>("vmm"),
        field<&Spec::autostart>("autostart"),
        field<&Spec::shutdown>("shutdown"),
        field<&Spec::host_shutdown>("host_shutdown"),
        field<&Spec::restart>("restart"),
        field<&Spec::reserve>("reserve"),
        field<&Spec::protect_destroy>("protect_destroy"),
        field<&Spec::protect_delete>("protect_delete"),
        field<&Spec::cloud_init>("cloud_init"),
        field<&Spec::labels>("labels"),
    };
    return list;
}

} // namespace mshv::api::json

namespace mshv::api {

MSHV_DOCUMENT(PartitionSpec)

} // namespace mshv::api
