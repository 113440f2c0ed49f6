// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/build.hpp"
#include "toolstack/libs/guestxml/table.hpp"
#include "toolstack/libs/guestxml/text.hpp"

namespace mshv::guestxml {
namespace {

using namespace api;

constexpr std::uint64_t day = 86400;

constexpr std::uint64_t longest_document = 64ULL << 10;

// No ?: here: g++ 12 then writes to a copy.
template <auto Document>
SeedDocument& seed_document(Build& b) {
    std::optional<SeedDocument>& document = (*b.spec.cloud_init).*Document;
    if (!document) {
        document.emplace();
    }
    return *document;
}
template <auto Document>
constexpr Row seed_text(std::string_view path, std::string_view doc) {
    return row(path, Type::text, doc).up_to(longest_document).to([](Build& b, const Value& v) {
        seed_document<Document>(b).text = v.text;
    });
}
template <auto Document>
constexpr Row seed_file(std::string_view path) {
    return row(path, Type::path, "A file to take in the place of the text, read at each start")
        .to([](Build& b, const Value& v) { seed_document<Document>(b).file = v.text; });
}

constexpr Row rows[] = {
    row("mshv", Type::none,
        "What libvirt has no word for; in a <domain> it stands as "
        "<metadata><m:partition xmlns:m='urn:mshvctl:partition:1'>"),
    row("mshv/@version", Type::number, "Only 1").from(1, 1).by_default("1").no_effect(),
    row("mshv/domain", Type::none, "What a libvirt <domain> has no word for; not in a <partition>"),
    row("mshv/domain/@accelerator", Type::choice, "The domain's type is for libvirt alone")
        .of("auto")
        .by_default("the domain's type")
        .to([](Build& b, const Value&) { b.spec.accelerator = Accelerator::automatic; }),
    row("mshv/domain/@panic", Type::choice, "There is no panic device")
        .of("none")
        .by_default("as the domain says")
        .to([](Build& b, const Value&) { b.spec.devices.panic = false; }),
    row("mshv/vmm", Type::none, "Which program runs the partition"),
    row("mshv/vmm/@type", Type::choice, "Kind of VMM")
        .of(words_of<VmmKind>())
        .refuses("cloud-hypervisor openvmm", "only QEMU is in this release", "qemu")
        .by_default("auto")
        .to([](Build& b, const Value& v) { b.spec.vmm.kind = v.as<VmmKind>(); }),
    row("mshv/vmm/@minimum", Type::version, "Lowest version that will do")
        .by_default("any")
        .to([](Build& b, const Value& v) { b.spec.vmm.minimum = v.text; }),
    row("mshv/vmm/@fallback", Type::choice, "May an unnamed accelerator end at slow emulation")
        .of("tcg none")
        .by_default("tcg")
        .to([](Build& b, const Value& v) { b.spec.vmm.fallback_tcg = v.text == "tcg"; }),
    row("mshv/placement", Type::none, "On which processors of the host"),
    row("mshv/placement/@cpupool", Type::token, "The pool that it runs in")
        .required()
        .up_to(64)
        .by_default("Pool-0")
        .to([](Build& b, const Value& v) {
            b.spec.cpu.pool = v.text == "Pool-0" ? "" : v.string();
        }),
    refused("mshv/placement/@scheduler", "the hypervisor's scheduler is chosen by its loader"),
    row("mshv/autostart", Type::none, "Start with the daemon"),
    row("mshv/autostart/@enabled", Type::yes_no, "At all")
        .by_default("no")
        .to([](Build& b, const Value& v) { b.spec.autostart.enabled = v.on; }),
    row("mshv/autostart/@when", Type::choice, "Always, or if it ran when the host went down")
        .of(words_of<AutostartWhen>())
        .by_default("always")
        .to([](Build& b, const Value& v) { b.spec.autostart.when = v.as<AutostartWhen>(); }),
    row("mshv/autostart/@order", Type::number, "Lower first")
        .up_to(9999)
        .by_default("100")
        .to([](Build& b, const Value& v) { b.spec.autostart.order = v.small(); }),
    row("mshv/autostart/@delay", Type::number, "Waited after the start before this one")
        .up_to(day)
        .in("s")
        .by_default("0")
        .to([](Build& b, const Value& v) { b.spec.autostart.delay_s = v.small(); }),
    row("mshv/autostart/after", Type::none, "Wait for another partition")
        .many()
        .to([](Build& b, const Value&) { b.spec.autostart.after.emplace_back(); }),
    row("mshv/autostart/after/@partition", Type::name, "Its name")
        .required()
        .to([](Build& b, const Value& v) { b.spec.autostart.after.back().partition = v.text; }),
    row("mshv/autostart/after/@state", Type::choice, "What it must have reached")
        .of(words_of<AfterState>())
        .by_default("running")
        .to([](Build& b, const Value& v) {
            b.spec.autostart.after.back().state = v.as<AfterState>();
        }),
    row("mshv/autostart/after/@timeout", Type::number, "Longest wait; then it starts anyway")
        .up_to(day)
        .in("s")
        .by_default("120")
        .to([](Build& b, const Value& v) { b.spec.autostart.after.back().timeout_s = v.small(); }),
    row("mshv/autostart/require", Type::none, "What the host must have").many(),
    row("mshv/autostart/require/@mount", Type::path, "A mounted file system")
        .to([](Build& b, const Value& v) {
            b.spec.autostart.require_mounts.push_back(v.string());
        }),
    row("mshv/autostart/require/@bridge", Type::token, "A bridge")
        .up_to(15)
        .to([](Build& b, const Value& v) {
            b.spec.autostart.require_bridges.push_back(v.string());
        }),
    row("mshv/shutdown", Type::none, "How the guest is asked to end"),
    row("mshv/shutdown/@methods", Type::choices, "The ways, in the order tried")
        .of(words_of<ShutdownMethod>())
        .by_default("agent acpi")
        .to([](Build& b, const Value& v) {
            b.spec.shutdown.methods.clear();
            for (const std::string_view word : words_in(v.text)) {
                b.spec.shutdown.methods.push_back(*from_name<ShutdownMethod>(word));
            }
        }),
    row("mshv/shutdown/@timeout", Type::number, "Time allowed altogether")
        .up_to(day)
        .in("s")
        .by_default("60")
        .to([](Build& b, const Value& v) { b.spec.shutdown.timeout_s = v.small(); }),
    row("mshv/shutdown/@resend", Type::number, "Between two requests")
        .up_to(day)
        .in("s")
        .by_default("15")
        .to([](Build& b, const Value& v) { b.spec.shutdown.resend_s = v.small(); }),
    row("mshv/shutdown/@escalate", Type::choice, "What follows when the time is over")
        .of(words_of<Escalate>())
        .by_default("none")
        .to([](Build& b, const Value& v) { b.spec.shutdown.escalate = v.as<Escalate>(); }),
    row("mshv/hostshutdown", Type::none, "What becomes of it when the host goes down"),
    row("mshv/hostshutdown/@action", Type::choice,
        "leave does nothing: the VMM is killed with the host")
        .of(words_of<HostAction>())
        .by_default("shutdown")
        .to([](Build& b, const Value& v) { b.spec.host_shutdown.action = v.as<HostAction>(); }),
    row("mshv/hostshutdown/@timeout", Type::number,
        "Time allowed; then shutdown's escalate says what follows")
        .up_to(day)
        .in("s")
        .by_default("120")
        .to([](Build& b, const Value& v) { b.spec.host_shutdown.timeout_s = v.small(); }),
    row("mshv/exitport", Type::flag,
        "A port, 0xf4, four bytes wide, by which the guest ends itself with a status: "
        "isa-debug-exit")
        .to([](Build& b, const Value&) { b.spec.devices.exit_port = true; }),
    row("mshv/restart", Type::none, "What follows an end that nobody asked for"),
    row("mshv/restart/@policy", Type::choice, "When it is started again")
        .of(words_of<RestartPolicyKind>())
        .by_default("never")
        .to([](Build& b, const Value& v) { b.spec.restart.policy = v.as<RestartPolicyKind>(); }),
    row("mshv/restart/@delay", Type::number, "Before the first; doubles")
        .up_to(day)
        .in("s")
        .by_default("2")
        .to([](Build& b, const Value& v) { b.spec.restart.delay_s = v.small(); }),
    row("mshv/restart/@maxdelay", Type::number, "Longest delay")
        .up_to(day)
        .in("s")
        .by_default("60")
        .to([](Build& b, const Value& v) { b.spec.restart.max_delay_s = v.small(); }),
    row("mshv/restart/@limit", Type::number, "Restarts within the window before it is given up")
        .up_to(10000)
        .by_default("5")
        .to([](Build& b, const Value& v) { b.spec.restart.limit = v.small(); }),
    row("mshv/restart/@window", Type::number, "The window")
        .from(1, 30 * day)
        .in("s")
        .by_default("600")
        .to([](Build& b, const Value& v) { b.spec.restart.window_s = v.small(); }),
    row("mshv/protect", Type::none, "Refuse by mistake what cannot be undone"),
    row("mshv/protect/@destroy", Type::yes_no, "Refuse destroy and reset")
        .by_default("no")
        .to([](Build& b, const Value& v) { b.spec.protect_destroy = v.on; }),
    row("mshv/protect/@delete", Type::yes_no, "Refuse undefine")
        .by_default("no")
        .to([](Build& b, const Value& v) { b.spec.protect_delete = v.on; }),
    row("mshv/labels", Type::none, "The administrator's own words"),
    row("mshv/labels/label", Type::line, "One label's value")
        .many()
        .up_to(256)
        .to([](Build& b, const Value& v) { b.spec.labels[v.sibling("name")] = v.text; }),
    row("mshv/labels/label/@name", Type::token, "Its name; unique").required().up_to(64),
    row("mshv/consolelog", Type::none, "What is kept of the console's output")
        .to([](Build& b, const Value&) { b.console_log_given = true; }),
    row("mshv/consolelog/@ring", Type::size, "In memory, for replay")
        .in("KiB")
        .from(4096, 64ULL << 20)
        .by_default("256")
        .to([](Build& b, const Value& v) { b.console_log.ring = v.number; }),
    row("mshv/consolelog/@size", Type::size, "Of one file before it is rotated")
        .in("KiB")
        .from(4096, 1ULL << 40)
        .by_default("10240")
        .to([](Build& b, const Value& v) { b.console_log.log_size = v.number; }),
    row("mshv/consolelog/@unit", Type::unit, "Unit of both").by_default("KiB"),
    row("mshv/consolelog/@keep", Type::number, "Rotated files kept")
        .up_to(100)
        .by_default("3")
        .to([](Build& b, const Value& v) { b.console_log.log_keep = v.small(); }),
    row("mshv/consolelog/@timestamps", Type::choice, "Only no")
        .of("no")
        .refuses("yes", "the log is the guest's own bytes", "no")
        .no_effect(),
    row("mshv/cloudinit", Type::none, "A seed for cloud-init, on a disk of its own")
        .to([](Build& b, const Value&) { b.spec.cloud_init.emplace(); }),
    seed_text<&CloudInit::user_data>("mshv/cloudinit/userdata", "Kept as it is; CDATA will do")
        .by_default("an empty #cloud-config"),
    seed_file<&CloudInit::user_data>("mshv/cloudinit/userdata/@file"),
    seed_text<&CloudInit::meta_data>("mshv/cloudinit/metadata", "The instance's own")
        .by_default("instance-id and local-hostname, of uuid and name"),
    seed_file<&CloudInit::meta_data>("mshv/cloudinit/metadata/@file"),
    seed_text<&CloudInit::network_config>("mshv/cloudinit/networkconfig",
                                          "Of the guest's interfaces")
        .by_default("none: the guest's own"),
    seed_file<&CloudInit::network_config>("mshv/cloudinit/networkconfig/@file"),
    refused("mshv/processor", "SMT and nesting cannot be chosen in this release",
            "<cpu><feature policy='disable' name='…'/>"),
    row("mshv/guestmemory", Type::none, "What the hypervisor needs for it"),
    row("mshv/guestmemory/@deposit", Type::size,
        "Lent to the hypervisor; it counts, under mshv, when a start is judged")
        .in("MiB")
        .up_to(1ULL << 40)
        .by_default("16")
        .to([](Build& b, const Value& v) { b.spec.reserve.deposit = v.number; }),
    row("mshv/guestmemory/@unit", Type::unit, "Its unit").by_default("MiB"),
    refused("mshv/guestmemory/@superpages", "superpages cannot be chosen in this release",
            "<memoryBacking><hugepages>"),
    refused("mshv/isolation", "confidential guests are not in this release"),
    refused("mshv/sandbox", "the VMM's confinement cannot be chosen in this release"),
    row("mshv/limits", Type::none, "What the VMM needs"),
    row("mshv/limits/memory", Type::none, "Of memory"),
    row("mshv/limits/memory/@overhead", Type::size,
        "Beside the guest's own; it counts when a start is judged")
        .in("MiB")
        .up_to(1ULL << 40)
        .by_default("64")
        .to([](Build& b, const Value& v) { b.spec.reserve.overhead = v.number; }),
    row("mshv/limits/memory/@unit", Type::unit, "Its unit").by_default("MiB"),
    refused("mshv/limits/tasks", "limits on the VMM itself are not in this release"),
    refused("mshv/limits/files", "limits on the VMM itself are not in this release"),
    refused("mshv/heartbeat", "heartbeats are not in this release", "<watchdog>"),
    refused("mshv/lease", "disk leases are not in this release"),
    refused("mshv/migrate", "migration is not in this release"),
    refused("mshv/raw", "arguments of one's own for the VMM are not in this release"),
};

} // namespace

std::span<const Row> mshv_rows() {
    return rows;
}

} // namespace mshv::guestxml
