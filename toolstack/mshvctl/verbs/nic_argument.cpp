// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/nic_argument.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/import/import.hpp"
#include "toolstack/mshvctl/document.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::string_view alias_stem = "net"; ///< of the aliases that the daemon makes

/// What xl has and nothing here does. Values that change nothing are accepted.
struct Foreign {
    std::string_view key, why;
    std::array<std::string_view, 3> harmless;
};
constexpr std::array foreign{
    Foreign{"backend",
            "there are no driver domains: interfaces are on this host's bridges",
            {"", "0", "Domain-0"}},
    Foreign{"script",
            "scripts are never run: an interface is put on its bridge alone",
            {"", "vif-bridge", "/etc/xen/scripts/vif-bridge"}},
    Foreign{"ip", "a guest is not held to an address: it is set in the guest", {}},
    Foreign{"gatewaydev", "interfaces are bridged, not routed", {}},
    Foreign{"netdev", "interfaces are bridged, not routed", {}},
    Foreign{"devid", "numbers are given by mshvd: network-list shows them", {}},
    Foreign{"accel", "it belongs to Xen's own interfaces", {}},
    Foreign{"trusted", "it belongs to Xen's own interfaces", {"1"}},
    Foreign{"untrusted", "it belongs to Xen's own interfaces", {"0"}},
};

void refuse_foreign(std::string_view key, std::string_view value) {
    for (const auto& each : foreign) {
        const bool harmless = !each.harmless[0].empty() || !each.harmless[1].empty()
                                  ? std::find(each.harmless.begin(), each.harmless.end(), value) !=
                                        each.harmless.end()
                                  : false;
        if (each.key == key && !harmless) {
            throw Error(ErrorCode::unsupported,
                        std::string(key) + "=" + std::string(value) + ": " + std::string(each.why),
                        "leave it out");
        }
        if (each.key == key) {
            return;
        }
    }
    throw Error(ErrorCode::usage, "'" + std::string(key) + "' is no key of an interface",
                "there are mac, bridge, model, vifname, mtu, rate, vlan and type");
}

api::NicModel model_of(std::string_view word) {
    if (word == "netfront" || word == "virtio-net" || word == "virtio-net-pci") {
        return api::NicModel::virtio;
    }
    if (const auto model = api::from_name<api::NicModel>(word)) {
        return *model;
    }
    throw Error(ErrorCode::usage, "There is no model '" + std::string(word) + "'",
                "virtio, e1000e, e1000 or rtl8139");
}

unsigned number_of(std::string_view word, std::string_view what, const std::string& hint) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc{} || end != word.data() + word.size()) {
        throw Error(ErrorCode::usage, "'" + std::string(word) + "' is no " + std::string(what),
                    hint);
    }
    return number;
}

/// "ioemu", "vif" and "netfront" are xl's types, which are chosen by the model here.
bool names_source(std::string_view type, std::optional<api::NicSource>& source) {
    source = api::from_name<api::NicSource>(type);
    return source || type == "ioemu" || type == "vif" || type == "netfront";
}

class Words {
public:
    void take(std::string_view word) {
        const auto equals = word.find('=');
        const auto key = word.substr(0, equals);
        if (equals == std::string_view::npos) {
            throw Error(ErrorCode::usage, "'" + std::string(word) + "' is not KEY=VALUE",
                        "such as bridge=br0");
        }
        const auto value = word.substr(equals + 1);
        if (key == "mac") {
            nic_.mac = value;
        } else if (key == "bridge") {
            nic_.bridge = value;
        } else if (key == "model") {
            nic_.model = model_of(value);
        } else if (key == "vifname") {
            nic_.target = value;
        } else if (key == "mtu") {
            nic_.mtu = number_of(value, "MTU", "such as mtu=1500");
        } else if (key == "vlan") {
            nic_.vlan = number_of(value, "VLAN", "a number from 1 to 4094");
        } else if (key == "rate") {
            // As xl means it: what the guest sends.
            const auto rate = foreign::xl_rate(value);
            if (!rate) {
                throw Error(ErrorCode::usage, "'" + std::string(value) + "' is no rate",
                            "such as rate=10Mb/s");
            }
            nic_.outbound = api::NicRate{*rate, 0, 0};
        } else if (key != "type") {
            refuse_foreign(key, value);
        } else if (!names_source(value, source_)) {
            throw Error(ErrorCode::usage, "There is no type '" + std::string(value) + "'",
                        "bridge or user");
        }
    }
    api::Nic nic() {
        if (!source_ && nic_.bridge.empty()) {
            throw Error(ErrorCode::usage, "No bridge is named",
                        "bridge=NAME, or type=user for the VMM's own network");
        }
        nic_.source = source_.value_or(api::NicSource::bridge);
        return nic_;
    }

private:
    api::Nic nic_;
    std::optional<api::NicSource> source_;
};

/// The file's element in a guest that is otherwise the least.
api::Nic from_file(const Context& context, const std::string& path) {
    std::string text = read_document(path);
    if (text.starts_with("<?xml")) {
        text.erase(0, std::min(text.find("?>"), text.size() - 2) + 2);
    }
    const auto document = load_document_text(
        context, path,
        "<partition type='mshv'><name>x</name><memory>65536</memory><vcpu>1</vcpu><os><type>hvm"
        "</type></os><devices>" +
            text + "</devices></partition>\n");
    const auto& devices = document.spec.devices;
    if (devices.nics.size() != 1 || !devices.disks.empty()) {
        throw Error(ErrorCode::invalid, path + " is not one <interface>");
    }
    return devices.nics.front();
}

} // namespace

void NicArgument::declare(Arguments& arguments) {
    arguments.positionals("INTERFACE",
                          "bridge=NAME and other words as xl takes them, or a file with an "
                          "<interface>",
                          ValueKind::file, words_);
}

api::Nic NicArgument::nic(const Context& context) const {
    if (words_.size() == 1 && words_[0].find('=') == std::string::npos) {
        return from_file(context, words_[0]);
    }
    Words words;
    for (const auto& argument : words_) {
        for (std::string_view rest = argument; !rest.empty();) {
            const auto comma = std::min(rest.find(','), rest.size());
            words.take(rest.substr(0, comma));
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    return words.nic();
}

std::string nic_target(const std::string& word) {
    std::string target = word;
    if (!word.empty() && word.find_first_not_of("0123456789") == std::string::npos) {
        target.insert(0, alias_stem);
    } else if (word.find(':') != std::string::npos) {
        std::transform(target.begin(), target.end(), target.begin(),
                       [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
    }
    return target;
}

std::string nic_index(const api::Nic& nic) {
    const std::string number =
        nic.alias.starts_with(alias_stem) ? nic.alias.substr(alias_stem.size()) : "";
    return number.find_first_not_of("0123456789") == std::string::npos ? number : "";
}

} // namespace mshv::ctl::verbs
