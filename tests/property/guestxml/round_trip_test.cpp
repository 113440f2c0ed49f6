// SPDX-License-Identifier: Apache-2.0
// parse(to_xml(spec)) is spec again, for every spec that a document can say.
#include "tests/unit/guestxml/support.hpp"
#include "toolstack/libs/import/import.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

using namespace mshv;
using namespace mshv::api;

namespace {

constexpr std::uint64_t mib = 1ULL << 20;

template <typename E>
E any_enum() {
    std::vector<E> values;
    for (const auto& [value, name] : EnumNames<E>::names) {
        values.push_back(value);
    }
    return *rc::gen::elementOf(values);
}

unsigned number(unsigned low, unsigned high) {
    return *rc::gen::inRange<unsigned>(low, high + 1);
}
bool chance() {
    return *rc::gen::arbitrary<bool>();
}

std::string of_chars(std::string_view chars, std::size_t low, std::size_t high) {
    std::string out;
    const std::size_t length = *rc::gen::inRange<std::size_t>(low, high + 1);
    for (std::size_t i = 0; i < length; ++i) {
        out += chars[*rc::gen::inRange<std::size_t>(0, chars.size())];
    }
    return out;
}

constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view hostile = "aZ09 ,=\"'\\<>&;%s$()[]{}|`~!@#^*?:/-_.";

std::string name() {
    return "n" + of_chars("aB3._+-", 0, 20);
}
std::string path() {
    return "/p" + of_chars("aZ0,=\"'\\<>&;%$()[]{}|`~!@#^*?:-_", 0, 30) + "é";
}
std::string line(std::size_t most) {
    return "x" + of_chars(hostile, 0, most) + (chance() ? "漢." : "y");
}
std::string token() {
    return "t" + of_chars("aB3._:+-", 0, 12);
}

template <typename T, typename F>
std::optional<T> maybe(F make) {
    return chance() ? std::optional<T>(make()) : std::nullopt;
}

Memory memory() {
    Memory made;
    made.size = number(1, 4096) * 2 * mib;
    if (chance()) {
        made.current = number(1, static_cast<unsigned>(made.size / mib)) * mib;
    }
    made.dump_core = chance();
    made.shared = chance();
    made.prealloc = chance();
    made.locked = chance();
    made.hugepages = maybe<HugePages>([] { return HugePages{chance() ? 2 * mib : 0}; });
    return made;
}

Cpu cpu() {
    Cpu made;
    if (chance()) {
        made.topology = CpuTopology{number(1, 4), number(1, 2), number(1, 4), number(1, 2)};
        made.maximum = made.topology->sockets * made.topology->dies * made.topology->cores *
                       made.topology->threads;
    } else {
        made.maximum = number(1, 256);
    }
    made.current = number(1, made.maximum);
    for (unsigned vcpu = 0; vcpu < made.maximum; vcpu += number(1, 9)) {
        made.pins.push_back(
            {vcpu, std::to_string(number(0, 3)) + "-" + std::to_string(number(4, 9))});
    }
    made.emulator_cpus = chance() ? "1,5" : "";
    if (chance()) {
        made.weight = number(1, 10'000);
    }
    if (chance()) {
        made.cap = CpuCap{number(1'000, 1'000'000), number(1'000, 1'000'000)};
    }
    made.pool = chance() ? "fast" : "";
    made.mode = any_enum<CpuMode>();
    made.model = made.mode == CpuMode::custom ? token() : "";
    for (unsigned i = number(0, 3); i > 0; --i) {
        made.features.push_back({"f" + std::to_string(i), any_enum<FeaturePolicy>()});
    }
    return made;
}

Boot boot() {
    Boot made;
    made.machine = chance() ? Machine::q35 : Machine::pc;
    made.firmware = any_enum<Firmware>();
    switch (number(0, 2)) {
    case 0:
        made.kernel = path();
        made.initrd = chance() ? path() : "";
        made.cmdline = chance() ? line(100) : "";
        break;
    case 1:
        made.loader = path();
        break;
    default:
        break;
    }
    made.nvram = made.firmware == Firmware::efi && chance() ? path() : "";
    made.menu_timeout_ms = maybe<unsigned>([] { return number(0, 65535); });
    return made;
}

IoTune iotune() {
    IoTune made;
    const auto limit = [] {
        const std::uint64_t rate = number(1, 1000000);
        const bool bursts = chance();
        return IoLimit{rate, bursts ? rate + number(0, 100) : 0, bursts ? number(0, 100) : 0};
    };
    if (chance()) {
        made.total_bytes = limit();
    } else {
        made.read_bytes = maybe<IoLimit>(limit);
        made.write_bytes = limit();
    }
    if (chance()) {
        made.total_iops = limit();
    } else {
        made.read_iops = maybe<IoLimit>(limit);
        made.write_iops = maybe<IoLimit>(limit);
    }
    return made;
}

Disk disk(unsigned index) {
    Disk made;
    made.source = any_enum<DiskSource>();
    made.device = any_enum<DiskDevice>();
    made.bus = made.device == DiskDevice::cdrom ? DiskBus::sata : any_enum<DiskBus>();
    made.path = made.device == DiskDevice::cdrom && chance() ? "" : path();
    made.format = any_enum<DiskFormat>();
    DiskFormat above = made.format;
    while (above == DiskFormat::qcow2 && made.backing.size() < 4 && chance()) {
        above = any_enum<DiskFormat>();
        made.backing.push_back({chance() ? path() : "/dev" + path(), above});
    }
    made.target = (chance() ? "vd" : "sd") + std::string(1, static_cast<char>('a' + index));
    made.cache = any_enum<DiskCache>();
    made.io = any_enum<DiskIo>();
    made.discard = chance();
    made.detect_zeroes = chance();
    made.read_only = made.device == DiskDevice::cdrom || chance();
    made.shareable = chance();
    made.serial = chance() ? token() : "";
    made.queues = maybe<unsigned>([] { return number(1, 64); });
    made.logical_block_size = maybe<unsigned>([] { return 512U << number(0, 3); });
    made.physical_block_size = maybe<unsigned>([] { return 4096U << number(0, 3); });
    made.boot_order = maybe<unsigned>([&] { return 100 + index; });
    if (!made.path.empty() && chance()) {
        made.iotune = iotune();
    }
    made.alias = chance() ? "ua-disk" + std::to_string(index) : "";
    return made;
}

NicRate rate() {
    const std::uint64_t average = number(1, 1000000);
    return {average, chance() ? average + number(0, 1000) : 0, number(0, 5000)};
}

Nic nic(unsigned index) {
    Nic made;
    made.source = any_enum<NicSource>();
    const bool bridged = made.source == NicSource::bridge;
    made.bridge = bridged ? "br" + std::to_string(number(0, 99)) : "";
    made.mac = chance() ? "52:54:00:ab:cd:0" + std::to_string(index) : "";
    made.target = bridged && chance() ? "tap" + std::to_string(index) : "";
    made.model = any_enum<NicModel>();
    made.mtu = maybe<unsigned>([] { return number(68, 65535); });
    made.queues = maybe<unsigned>([&] { return bridged ? number(1, 256) : 1U; });
    made.link_up = chance();
    if (bridged) {
        made.vlan = maybe<unsigned>([] { return number(1, 4094); });
        made.inbound = maybe<NicRate>(rate);
        made.outbound = maybe<NicRate>(rate);
    }
    made.boot_order = maybe<unsigned>([&] { return 200 + index; });
    made.alias = chance() ? "ua-nic" + std::to_string(index) : "";
    return made;
}

Devices devices() {
    Devices made;
    made.emulator = chance() ? path() : "";
    const unsigned disks = number(0, 4), nics = number(0, 3);
    for (unsigned i = 0; i < disks; ++i) {
        made.disks.push_back(disk(i));
    }
    for (unsigned i = 0; i < nics; ++i) {
        made.nics.push_back(nic(i));
    }
    made.console = maybe<Console>([] {
        return Console{any_enum<ConsoleTarget>(), 4096ULL + number(0, 1000000),
                       4096ULL + number(0, 100000000), number(0, 100)};
    });
    made.agent_channel = chance();
    made.graphics = maybe<VncGraphics>([] { return VncGraphics{chance() ? path() : ""}; });
    made.video = any_enum<VideoModel>();
    made.tablet = chance();
    made.keyboard = chance();
    made.rng = chance();
    made.balloon = chance();
    made.panic = chance();
    made.exit_port = chance();
    made.watchdog = maybe<Watchdog>([] {
        return Watchdog{any_enum<WatchdogModel>(), any_enum<WatchdogAction>()};
    });
    return made;
}

std::vector<SmbiosEntry> smbios() {
    std::vector<SmbiosEntry> made;
    if (chance()) {
        made.push_back({"bios", "vendor", line(20)});
    }
    if (chance()) {
        made.push_back({"system", "serial", line(20)});
        made.push_back({"system", "product", ""});
    }
    for (unsigned i = number(0, 2); i > 0; --i) {
        made.push_back({"oemStrings", "", line(40)});
    }
    return made;
}

Autostart autostart() {
    Autostart made{chance(), any_enum<AutostartWhen>(), number(0, 9999), number(0, 86400), {}, {},
                   {}};
    for (unsigned i = number(0, 2); i > 0; --i) {
        made.after.push_back({"other" + std::to_string(i), any_enum<AfterState>(), number(0, 500)});
    }
    for (unsigned i = number(0, 2); i > 0; --i) {
        made.require_mounts.push_back(path());
        made.require_bridges.push_back("br" + std::to_string(i));
    }
    return made;
}

void policies(PartitionSpec& spec) {
    spec.vmm = {any_enum<VmmKind>(), chance() ? "10.2" : "", chance()};
    spec.autostart = autostart();
    const std::vector<std::vector<ShutdownMethod>> ways{
        {ShutdownMethod::acpi},
        {ShutdownMethod::agent},
        {ShutdownMethod::acpi, ShutdownMethod::agent},
        {ShutdownMethod::agent, ShutdownMethod::acpi}};
    spec.shutdown = {*rc::gen::elementOf(ways), number(0, 86400), number(0, 600),
                     any_enum<Escalate>()};
    spec.host_shutdown = {any_enum<HostAction>(), number(0, 86400)};
    const unsigned delay = number(0, 100);
    spec.restart = {any_enum<RestartPolicyKind>(), delay, delay + number(0, 100), number(0, 10000),
                    number(1, 100000)};
    spec.reserve = {chance() ? number(0, 1U << 31) : 16ULL << 20,
                    chance() ? number(0, 1U << 31) : 64ULL << 20};
    spec.protect_destroy = chance();
    spec.protect_delete = chance();
    for (unsigned i = number(0, 3); i > 0; --i) {
        spec.labels["l." + std::to_string(i)] = chance() ? line(50) : "";
    }
}

std::optional<SeedDocument> seed_document() {
    return maybe<SeedDocument>([] {
        return chance() ? SeedDocument{of_chars("a\n\t :<>&'\"]#", 0, 60), ""}
                        : SeedDocument{"", path()};
    });
}

PartitionSpec any_spec() {
    PartitionSpec spec;
    spec.name = name();
    spec.uuid = maybe<Uuid>([] { return random_uuid(); });
    spec.genid = maybe<Uuid>([] { return random_uuid(); });
    spec.title = chance() ? line(100) : "";
    spec.description = chance() ? of_chars("a\n\t <>&'\"]", 0, 50) + "ä\n" : "";
    spec.metadata = chance() ? "\n <a:b xmlns:a='urn:" + of_chars(letters, 1, 8) +
                                   "' c=\"&lt;\"> &#233;<!-- d --></a:b>\n"
                             : "";
    spec.accelerator = any_enum<Accelerator>();
    spec.memory = memory();
    spec.cpu = cpu();
    spec.iothreads = number(0, 64);
    spec.boot = boot();
    spec.acpi = chance();
    spec.smbios = smbios();
    spec.clock = any_enum<ClockOffset>();
    spec.hpet = chance();
    spec.on_poweroff = any_enum<OnEnd>();
    spec.on_reboot = any_enum<OnEnd>();
    spec.on_crash = any_enum<OnEnd>();
    spec.devices = devices();
    if (!spec.devices.balloon) {
        spec.memory.current.reset();
    }
    policies(spec);
    spec.cloud_init = maybe<CloudInit>([] {
        return CloudInit{seed_document(), seed_document(), seed_document()};
    });
    return spec;
}

} // namespace

BOOST_AUTO_TEST_SUITE(round_trip)

BOOST_AUTO_TEST_CASE(a_spec_survives_its_document) {
    BOOST_TEST(rc::check("parse(to_xml(s)).spec == s", [] {
        const PartitionSpec spec = any_spec();
        const std::string document = guestxml::to_xml(spec);
        const guestxml::ParseResult result = guestxml::parse(document);
        if (!result.spec) {
            RC_FAIL(guestxml::test::texts(result.problems) + document);
        }
        RC_ASSERT(result.problems.empty());
        if (*result.spec != spec) {
            RC_FAIL(document + "\nread as\n" + guestxml::to_xml(*result.spec));
        }
        RC_ASSERT(guestxml::to_xml(*result.spec) == document);
    }));
}

BOOST_AUTO_TEST_CASE(a_spec_survives_libvirt) {
    BOOST_TEST(rc::check("import(export(s)).spec == s", [] {
        const PartitionSpec spec = any_spec();
        const std::string domain = foreign::to_libvirt(spec).xml;
        const foreign::Imported result = foreign::import_libvirt(domain);
        if (!result.spec || *result.spec != spec) {
            RC_FAIL(guestxml::test::texts(result.problems) + domain + guestxml::to_xml(spec));
        }
        RC_ASSERT(foreign::to_libvirt(*result.spec).xml == domain);
    }));
}

BOOST_AUTO_TEST_CASE(any_bytes_are_survived) {
    BOOST_TEST(rc::check("parse(bytes) ends", [](const std::string& bytes) {
        const guestxml::ParseResult result = guestxml::parse(bytes);
        RC_ASSERT(!result.spec && !result.problems.empty());
    }));
}

BOOST_AUTO_TEST_SUITE_END()
