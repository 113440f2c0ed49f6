// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/json_value.hpp"
#include "tests/property/vmm/hostile.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <optional>
#include <rapidcheck/boost_test.h>
#include <set>
#include <string>
#include <vector>

// However hostile the texts of a definition are: the plan is refused, or QEMU sees the options that
// the planner meant, with the texts in their places byte for byte.

namespace {

using namespace mshv;
using Options = std::vector<std::pair<std::string, std::string>>;

const std::set<std::string>& flags() {
    static const std::set<std::string> names{"-nodefaults", "-no-user-config", "-S"};
    return names;
}

const std::set<std::string>& with_value() {
    static const std::set<std::string> names{
        "-name",    "-uuid",   "-display",  "-msg",    "-machine",   "-accel",
        "-cpu",     "-smp",    "-m",        "-object", "-rtc",       "-chardev",
        "-qmp",     "-add-fd", "-blockdev", "-device", "-netdev",    "-vnc",
        "-smbios",  "-boot",   "-kernel",   "-initrd", "-append",    "-action",
        "-sandbox", "-serial", "-bios",     "-global", "-overcommit"};
    return names;
}

/// argv as QEMU reads it: an option's value is the next element whatever it looks like. Empty when
/// an element stands where an option must.
std::optional<Options> parse(const std::vector<std::string>& argv) {
    Options options;
    for (std::size_t i = 1; i < argv.size(); ++i) {
        if (flags().contains(argv[i])) {
            options.emplace_back(argv[i], "");
        } else if (with_value().contains(argv[i]) && i + 1 < argv.size()) {
            options.emplace_back(argv[i], argv[i + 1]);
            ++i;
        } else {
            return std::nullopt;
        }
    }
    return options;
}

std::vector<std::string> values(const Options& options, const std::string& name) {
    std::vector<std::string> found;
    for (const auto& [option, value] : options) {
        if (option == name) {
            found.push_back(value);
        }
    }
    return found;
}

/// QemuOpts as QEMU's get_opt_value reads them: ",," is a comma, "," ends a value.
std::vector<std::pair<std::string, std::string>> parse_opts(const std::string& text) {
    std::vector<std::pair<std::string, std::string>> result;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto equals = text.find('=', at);
        std::string key = text.substr(at, equals - at);
        std::string value;
        at = equals == std::string::npos ? text.size() : equals + 1;
        for (; at < text.size(); ++at) {
            if (text[at] == ',') {
                if (at + 1 < text.size() && text[at + 1] == ',') {
                    ++at;
                } else {
                    break;
                }
            }
            value += text[at];
        }
        ++at;
        result.emplace_back(key, value);
    }
    return result;
}

std::vector<std::string> json_texts(const Options& options, const std::string& option,
                                    const std::string& driver_prefix, const char* key) {
    std::vector<std::string> found;
    for (const auto& value : values(options, option)) {
        const auto object = vmm::qemu::JsonValue::parse(value);
        if (!object || !object->is_object()) {
            throw std::runtime_error("not JSON: " + value);
        }
        if (object->find(key) != nullptr &&
            vmm::qemu::text_at(*object, {"driver"}).starts_with(driver_prefix)) {
            found.push_back(vmm::qemu::text_at(*object, {key}));
        }
    }
    return found;
}

#define REQUIRE_ELEMENT(condition)                                                                 \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return #condition;                                                                     \
        }                                                                                          \
    } while (false)

/// Why an element of the plan is not what was meant; empty = all is well.
std::string fault_in(const vmm::qemu::PlanInput& input, const domain::LaunchPlan& plan) {
    const auto parsed = parse(plan.argv);
    REQUIRE_ELEMENT(parsed.has_value());
    const auto& options = *parsed;
    for (const auto& argument : plan.argv) {
        REQUIRE_ELEMENT(argument.find('\0') == std::string::npos);
    }
    const auto& spec = input.spec;
    REQUIRE_ELEMENT(values(options, "-name") ==
                    (std::vector<std::string>{"guest=" + spec.name + ",process=mshv-" + spec.name +
                                              ",debug-threads=on"}));
    REQUIRE_ELEMENT(values(options, "-accel").size() == 1U);
    const auto one_or_none = [](const std::string& text) {
        return text.empty() ? std::vector<std::string>{} : std::vector<std::string>{text};
    };
    REQUIRE_ELEMENT(values(options, "-kernel") == one_or_none(spec.boot.kernel));
    const std::string cmdline = spec.boot.kernel.empty() ? "" : spec.boot.cmdline;
    REQUIRE_ELEMENT(values(options, "-append") == one_or_none(cmdline));
    std::vector<std::string> serials;
    for (const auto& disk : spec.devices.disks) {
        if (!disk.serial.empty()) {
            serials.push_back(disk.serial);
        }
    }
    auto found = json_texts(options, "-device", "virtio-blk", "serial");
    const auto sata = json_texts(options, "-device", "ide-", "serial");
    found.insert(found.end(), sata.begin(), sata.end());
    std::sort(serials.begin(), serials.end());
    std::sort(found.begin(), found.end());
    REQUIRE_ELEMENT(found == serials);
    // Every block device is a descriptor that the daemon opened.
    for (const auto& name : json_texts(options, "-blockdev", "", "filename")) {
        REQUIRE_ELEMENT(name.starts_with("/dev/fdset/"));
    }
    REQUIRE_ELEMENT(values(options, "-add-fd").size() == plan.files.size());
    // SMBIOS: what QEMU's own reader makes of it are the fields that were given, in their order.
    std::vector<std::string> serial_entries, oem_entries, serial_read, oem_read;
    for (const auto& entry : spec.smbios) {
        (entry.block == "oemStrings" ? oem_entries : serial_entries).push_back(entry.value);
    }
    for (const auto& text : values(options, "-smbios")) {
        for (const auto& [key, value] : parse_opts(text)) {
            REQUIRE_ELEMENT(key == "type" || key == "serial" || key == "value");
            if (key == "serial") {
                serial_read.push_back(value);
            } else if (key == "value") {
                oem_read.push_back(value);
            }
        }
    }
    REQUIRE_ELEMENT(serial_read == serial_entries);
    REQUIRE_ELEMENT(oem_read == oem_entries);
    if (spec.devices.graphics) {
        const auto vnc = values(options, "-vnc");
        REQUIRE_ELEMENT(vnc.size() == 1U);
        const std::string given = spec.devices.graphics->socket;
        std::string wanted;
        for (const char c : given) {
            wanted.append(c == ',' ? 2 : 1, c);
        }
        REQUIRE_ELEMENT(given.empty() || vnc[0] == "unix:" + wanted);
    }
    return {};
}

} // namespace

RC_BOOST_PROP(a_hostile_definition_is_refused_or_carried_unchanged, (std::uint64_t seed)) {
    test::Hostile hostile(seed);
    const auto input = test::hostile_input(hostile);
    try {
        RC_ASSERT(fault_in(input, vmm::qemu::make_plan(input)) == "");
    } catch (const api::Error&) { // NOLINT: refused, which is as good
        RC_TAG("refused");
    }
}

BOOST_AUTO_TEST_CASE(ten_thousand_hostile_definitions) {
    int made = 0;
    for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
        test::Hostile hostile(seed);
        const auto input = test::hostile_input(hostile);
        try {
            const auto plan = vmm::qemu::make_plan(input);
            ++made;
            const std::string fault = fault_in(input, plan);
            BOOST_TEST(fault == "", "seed " << seed << ": " << fault);
        } catch (const api::Error&) { // NOLINT: refused
        } catch (const std::exception& error) {
            BOOST_ERROR("seed " << seed << ": " << error.what());
        }
    }
    // The test would prove nothing if all were refused.
    BOOST_TEST(made > 2000);
}
