// SPDX-License-Identifier: Apache-2.0
// Names, memory, processors, what follows an end, platform.
#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/import/xl_handlers.hpp"

#include <algorithm>
#include <array>

namespace mshv::foreign {
namespace {

using guestxml::shown;

constexpr std::int64_t cap_period = 100'000; // µs; a cap is in hundredths of a processor

void ending(XlContext& context, std::string_view key) {
    if (!context.has(key)) {
        return;
    }
    const Origin by = context.origin(key);
    std::string action = context.text(key);
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> others{
        {{"rename-restart", "restart"},
         {"coredump-destroy", "destroy"},
         {"coredump-restart", "restart"},
         {"soft-reset", "destroy"}}};
    for (const auto& [theirs, ours] : others) {
        if (action == theirs) {
            const std::string what = action == "rename-restart" ? "nothing is renamed at the end"
                                     : action == "soft-reset"   ? "there is no soft reset"
                                                                : "no core dump is taken";
            if (!context.loses(by, what, "makes it " + std::string(ours))) {
                return;
            }
            action = ours;
        }
    }
    context.draft().at(key, by).say(action);
}

void watchdog(XlContext& context) {
    if (!context.has("on_watchdog")) {
        return;
    }
    const Origin by = context.origin("on_watchdog");
    const std::string action = context.text("on_watchdog");
    const std::string_view ours = action == "restart"    ? "reset"
                                  : action == "destroy"  ? "poweroff"
                                  : action == "preserve" ? "pause"
                                                         : "";
    if (ours.empty()) {
        context.loses(by, shown(action) + " is no action of a watchdog here", "leaves it out");
        return;
    }
    context.note(by, "the guest gets an i6300ESB watchdog instead of Xen's",
                 "its driver is i6300esb");
    context.draft().another("devices/watchdog", by).set("model", "i6300esb").set("action", ours);
}

void pinning(XlContext& context) {
    const XlValue* cpus = context.value("cpus");
    if (cpus == nullptr) {
        return;
    }
    const auto items = context.items("cpus");
    for (std::size_t i = 0; i < items.size(); ++i) {
        const XlItem& item = items[i];
        const std::string_view set = guestxml::trimmed(item.text);
        if (set == "all" || set.empty()) {
            continue;
        }
        if (set.find("node") != std::string_view::npos) {
            context.loses(item.origin, "processors cannot be named by their NUMA node",
                          "leaves it out");
        } else if (cpus->kind != XlValue::Kind::list) {
            context.draft().at("vcpu", item.origin).set("cpuset", set, item.origin);
        } else {
            context.draft()
                .another("cputune/vcpupin", item.origin)
                .set("vcpu", std::to_string(i))
                .set("cpuset", set);
        }
    }
}

void shares(XlContext& context) {
    if (const auto weight = context.number("cpu_weight")) {
        const Origin by = context.origin("cpu_weight");
        if (*weight < 1 || *weight > 65'535) {
            context.error("E-RANGE", by, "a weight is between 1 and 65535");
            return;
        }
        // A proportion: 256 there is 100 here, and what is beyond 10000 weighs as much as that.
        const std::int64_t of_hundred =
            std::clamp<std::int64_t>((*weight * 100 + 128) / 256, 1, 10'000);
        context.draft().at("cputune/shares", by).say(std::to_string(of_hundred));
    }
    const auto cap = context.number("cap");
    if (cap && *cap != 0) {
        const Origin by = context.origin("cap");
        if (*cap < 0 || *cap > 1'000'000) {
            context.error("E-RANGE", by, "a cap is a percentage of one processor");
            return;
        }
        context.draft().at("cputune/global_period", by).say(std::to_string(cap_period));
        context.draft()
            .at("cputune/global_quota", by)
            .say(std::to_string(*cap * (cap_period / 100)));
    }
}

void clock(XlContext& context) {
    Draft& draft = context.draft();
    if (context.is_set("localtime")) {
        const Origin by = context.origin("localtime");
        draft.at("clock", by).set("offset", "localtime", by);
    }
    const auto offset = context.number("rtc_timeoffset");
    if (offset && *offset != 0) {
        const Origin by = context.origin("rtc_timeoffset");
        if (context.loses(by, "a clock that is off by seconds is not in this release",
                          "leaves it at localtime's")) {
            return;
        }
    }
    if (const auto hpet = context.flag("hpet")) {
        const Origin by = context.origin("hpet");
        draft.another("clock/timer", by).set("name", "hpet").set("present", *hpet ? "yes" : "no");
    }
}

void viridian(XlContext& context) {
    const XlValue* asked = context.value("viridian");
    if (asked == nullptr) {
        return;
    }
    const Origin by = context.origin("viridian");
    if (asked->kind != XlValue::Kind::list && !context.is_set("viridian")) {
        context.loses(by, "with Microsoft's hypervisor its interfaces are always there",
                      "leaves them on");
    } else {
        context.note(by,
                     "Hyper-V's interfaces are the hypervisor's own, and not there with KVM and "
                     "QEMU's emulation");
    }
}

void memory_sizes(XlContext& context) {
    Draft& draft = context.draft();
    const auto memory = context.number("memory");
    const auto most = context.number("maxmem");
    if (!context.has("memory") && !context.has("maxmem") && !context.overridden("memory")) {
        context.error("E-MISSING", context.origin("memory"), "not given", "memory = MiB");
    }
    if (memory && most && *memory > *most) {
        context.error("E-CONFLICT", context.origin("memory"), "more than maxmem");
        return;
    }
    if (const auto size = most ? most : memory) {
        const Origin by = context.origin(most ? "maxmem" : "memory");
        draft.at("memory", by).set("unit", "MiB").say(std::to_string(*size));
    }
    if (memory && most && *memory != *most) {
        const Origin by = context.origin("memory");
        draft.at("currentMemory", by).set("unit", "MiB").say(std::to_string(*memory));
    }
}

} // namespace

XlType xl_type(XlContext& context) {
    const bool typed = context.has("type");
    const std::string_view key = typed || !context.has("builder") ? "type" : "builder";
    const Origin by = context.origin(key);
    const std::string word = context.text(key);
    if (typed && context.has("builder")) {
        context.note(context.origin("builder"), "as in xl, it does not count beside type");
    }
    context.draft().at("os/type", by).set("arch", "x86_64", by).say("hvm");
    if (word == "hvm") {
        return XlType::hvm;
    }
    if (word == "pvh") {
        return XlType::pvh;
    }
    if (word.empty() || word == "pv" || (key == "builder" && word == "generic") ||
        (key == "builder" && word == "linux")) {
        context.loses(by,
                      word.empty() ? "not given, which means a paravirtual guest to xl; there are "
                                     "none here"
                                   : "there are no paravirtual guests here",
                      "boots its kernel or disk on a full machine");
    } else {
        context.error("E-ENUM", by, shown(word) + " is not one of hvm, pvh, pv");
        return XlType::hvm;
    }
    return XlType::pvh;
}

void xl_general(XlContext& context) {
    Draft& draft = context.draft();
    for (const std::string_view key : {"name", "uuid"}) {
        const std::string text = context.text(key);
        if (!text.empty()) {
            draft.at(key, context.origin(key)).say(text);
        }
    }
    if (context.has("name") && context.value("name")->text.empty()) {
        context.error("E-TYPE", context.origin("name"), "a name is needed");
    }
    if (!context.has("name") && !context.overridden("name")) {
        context.error("E-MISSING", context.origin("name"), "not given", "--name=NAME gives one");
    }
    if (context.has("ms_vm_genid") && context.text("ms_vm_genid") != "none") {
        context.loses(context.origin("ms_vm_genid"),
                      "a generation id made anew at each start is not in this release",
                      "leaves it out; <genid> gives a fixed one");
    }
    memory_sizes(context);
    for (const std::string_view key : {"on_poweroff", "on_reboot", "on_crash"}) {
        ending(context, key);
    }
    watchdog(context);
    if (context.has("pool")) {
        const Origin by = context.origin("pool");
        draft.at("mshv/placement", by).set("cpupool", context.text("pool"), by);
    }
    static_cast<void>(context.flag("nomigrate")); // a partition stays where it is
}

void xl_processors(XlContext& context) {
    const auto now = context.number("vcpus");
    const auto most = context.number("maxvcpus");
    if (now && most && *now > *most) {
        context.error("E-CONFLICT", context.origin("vcpus"), "more than maxvcpus");
    } else if (now || most) {
        const Origin by = context.origin(most ? "maxvcpus" : "vcpus");
        auto& vcpu = context.draft().at("vcpu", by);
        vcpu.say(std::to_string(most.value_or(now.value_or(1))));
        if (most && now.value_or(1) != *most) {
            vcpu.set("current", std::to_string(now.value_or(1)),
                     context.origin(now ? "vcpus" : "maxvcpus"));
        }
    }
    pinning(context);
    if (Draft::Element* vcpu = context.draft().find("vcpu");
        vcpu != nullptr && vcpu->text.empty()) {
        vcpu->say("1");
    }
    shares(context);
    if (context.is_set("nestedhvm")) {
        const Origin by = context.origin("nestedhvm");
        context.draft().at("mshv/processor", by).set("nested", "on", by);
    }
    if (const auto nx = context.flag("nx"); nx && !*nx) {
        const Origin by = context.origin("nx");
        context.draft().another("cpu/feature", by).set("policy", "disable").set("name", "nx");
    }
}

void xl_platform(XlContext& context) {
    Draft& draft = context.draft();
    if (const auto acpi = context.flag("acpi"); acpi && !*acpi) {
        draft.at("features", context.origin("acpi"));
    }
    for (const auto& [key, state] :
         {std::pair("acpi_s3", "pm/suspend-to-mem"), std::pair("acpi_s4", "pm/suspend-to-disk")}) {
        if (const auto on = context.flag(key)) {
            draft.at(state, context.origin(key)).set("enabled", *on ? "yes" : "no");
        }
    }
    clock(context);
    viridian(context);
    if (context.has("device_model_override")) {
        const Origin by = context.origin("device_model_override");
        context.note(by, "this QEMU must know the partition's accelerator; Xen's own does not",
                     "--set=devices/emulator=/usr/bin/qemu-system-x86_64 names another");
        draft.at("devices/emulator", by).say(context.text("device_model_override"));
    }
    const std::string model = context.text("device_model_version");
    if (!model.empty() && model != "qemu-xen") {
        context.note(context.origin("device_model_version"), "the VMM is chosen by mshvd");
    }
}

} // namespace mshv::foreign
