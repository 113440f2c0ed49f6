// SPDX-License-Identifier: Apache-2.0
// vif = [ 'mac=…,bridge=…,model=…', … ]
#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/import/xl_handlers.hpp"

#include <charconv>
#include <optional>

namespace mshv::foreign {
namespace {

using guestxml::shown;

class InterfaceWriter {
public:
    InterfaceWriter(XlContext& context, const XlItem& item)
        : context_(context), item_(item),
          element_(context.draft().another("devices/interface", item.origin)) {}

    void write() {
        element_.set("type", "bridge");
        for (const std::string_view part : split(item_.text, ',')) {
            const XlPair pair = pair_of(part);
            if (!pair.key.empty()) {
                one(pair);
            }
        }
        if (!bridged_) {
            context_.note(item_.origin, "no bridge is named: xl's own default is xenbr0",
                          "name it: bridge=…");
            add("source").set("bridge", "xenbr0");
        }
        if (!modelled_) {
            add("model").set("type", "virtio");
        }
    }

private:
    Draft::Element& add(std::string_view name) { return element_.add(name, item_.origin); }
    Origin part(std::string_view name) {
        return context_.part(item_.origin, name, item_.value->at);
    }

    void one(const XlPair& pair) {
        const std::string_view value = pair.value;
        if (pair.key == "mac") {
            add("mac").set("address", value);
        } else if (pair.key == "bridge") {
            bridged_ = true;
            add("source").set("bridge", value);
        } else if (pair.key == "model") {
            model(value);
        } else if (pair.key == "vifname") {
            const Origin by = part("vifname");
            element_.add("target", by).set("dev", value);
        } else if (pair.key == "mtu") {
            const Origin by = part("mtu");
            element_.add("mtu", by).set("size", value);
        } else if (pair.key == "rate") {
            rate(value);
        } else if (pair.key == "vlan") {
            const Origin by = part("vlan");
            element_.add("vlan", by).add("tag", by).set("id", value);
        } else {
            rest(pair);
        }
    }

    void rest(const XlPair& pair) {
        const std::string_view key = pair.key;
        if (key == "script") {
            const std::size_t slash = pair.value.rfind('/');
            const std::string_view name =
                pair.value.substr(slash == std::string_view::npos ? 0 : slash + 1);
            if (name != "vif-bridge") {
                context_.loses(part(key), "scripts are never run: " + shown(pair.value),
                               "puts the interface on its bridge alone");
            }
        } else if (key == "ip") {
            context_.loses(part(key), "a guest is not held to its address",
                           "lets it have any; it is set in the guest");
        } else if (key == "gatewaydev" || key == "netdev") {
            context_.loses(part(key), "interfaces are bridged, not routed", "puts it on a bridge");
        } else if (key == "backend") {
            if (pair.value != "0" && pair.value != "Domain-0" && !pair.value.empty()) {
                context_.loses(part(key), "there are no driver domains", "uses this host's bridge");
            }
        } else if (key != "type" && key != "devid" && key != "accel" && key != "trusted" &&
                   key != "untrusted" && key != "colo" && !key.starts_with("colo-")) {
            context_.error("E-KEY", item_.origin, shown(key) + " is no parameter of a vif");
        }
    }

    void model(std::string_view word) {
        modelled_ = true;
        const bool virtio = word.starts_with("virtio") || word == "netfront";
        add("model").set("type", virtio ? "virtio" : word);
    }

    void rate(std::string_view value) {
        const Origin by = part("rate");
        const auto speed = xl_rate(value);
        if (!speed) {
            context_.error("E-TYPE", by, shown(value) + " is no rate", "such as 10Mb/s");
            return;
        }
        element_.add("bandwidth", by).add("outbound", by).set("average", std::to_string(*speed));
    }

    XlContext& context_;
    const XlItem& item_;
    Draft::Element& element_;
    bool bridged_ = false, modelled_ = false;
};

} // namespace

std::optional<std::uint64_t> xl_rate(std::string_view rate) {
    rate = rate.substr(0, rate.find('@'));
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(rate.data(), rate.data() + rate.size(), number);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    const std::string_view unit(end, static_cast<std::size_t>(rate.data() + rate.size() - end));
    std::uint64_t scale = 1;
    switch (unit.empty() ? '\0' : unit.front()) {
    case 'G':
        scale = 1'000'000'000;
        break;
    case 'M':
        scale = 1'000'000;
        break;
    case 'K':
        scale = 1000;
        break;
    default:
        break;
    }
    const std::string_view rest = unit.substr(scale == 1 ? 0 : 1);
    const bool bits = rest == "b/s";
    if ((!bits && rest != "B/s") || number > UINT64_MAX / scale) {
        return std::nullopt;
    }
    return std::max<std::uint64_t>(number * scale / (bits ? 8 : 1) / 1000, 1);
}

void xl_interfaces(XlContext& context) {
    for (const XlItem& item : context.items("vif")) {
        InterfaceWriter(context, item).write();
    }
}

} // namespace mshv::foreign
