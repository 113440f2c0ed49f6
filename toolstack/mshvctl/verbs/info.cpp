// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/device_requests.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/hostprobe/topology.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/as_xl.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

#include <algorithm>

namespace mshv::ctl::verbs {
namespace {

constexpr std::size_t key_width = 23; // xl info's
constexpr std::int64_t mebibyte = 1024L * 1024;

void append_fact(std::string& out, std::string_view key, std::string_view value) {
    append_padded(out, key, key_width, Align::left);
    out += ": ";
    append_escaped(out, value);
    out += '\n';
}

std::string exit_text(const api::LastExit& last) {
    std::string text = time_text(last.at_ms) + ", " + std::string(api::to_name(last.reason));
    if (last.signal) {
        text += ", signal " + std::to_string(*last.signal);
    }
    if (last.exit_code) {
        text += ", exit status " + std::to_string(*last.exit_code);
    }
    return text;
}

void append_hypervisor(std::string& out, const api::HypervisorView& has) {
    const auto add = [&](std::string_view key, const std::optional<std::int64_t>& number,
                         std::string_view unit) {
        if (number) {
            append_fact(out, key, std::to_string(*number) + std::string(unit));
        }
    };
    append_fact(out, "hv_partition", std::to_string(has.partition_id));
    add("hv_vps", has.vps, "");
    if (has.guest_memory) {
        add("hv_memory", *has.guest_memory / mebibyte, " MiB");
    }
    add("hv_deposited", has.deposited_pages, " pages");
    add("hv_withdrawn", has.withdrawn_pages, " pages");
    add("hv_held", has.held_pages, " pages");
    if (has.cpu_time_ms) {
        append_fact(out, "hv_cpu_time", tenths(*has.cpu_time_ms) + " s");
    }
    if (has.waiting_ms) {
        append_fact(out, "hv_waiting_time", tenths(*has.waiting_ms) + " s");
    }
    add("hv_intercepts", has.intercepts, "");
}

void append_runtime(std::string& out, const api::RuntimeView& runtime) {
    append_fact(out, "vmm", runtime.vmm);
    append_fact(out, "accelerator", runtime.accelerator);
    append_fact(out, "accelerator_reason", runtime.accelerator_reason);
    append_fact(out, "vmm_pid", std::to_string(runtime.vmm_pid));
    append_fact(out, "keeper_pid", std::to_string(runtime.keeper_pid));
    append_fact(out, "incarnation", runtime.incarnation);
    append_fact(out, "generation", std::to_string(runtime.generation));
    append_fact(out, "started", time_text(runtime.started_ms));
    append_fact(out, "uptime", uptime_text(runtime.uptime_ms / 1000, false));
    append_fact(out, "cpu_time", tenths(runtime.cpu_time_ms) + " s");
    if (runtime.waiting_ms) {
        append_fact(out, "waiting_time", tenths(*runtime.waiting_ms) + " s");
    }
    if (runtime.memory) {
        append_fact(out, "guest_memory", std::to_string(*runtime.memory / mebibyte) + " MiB");
    }
    append_fact(out, "rss", std::to_string(runtime.rss / mebibyte) + " MiB");
    const auto add_bytes = [&](std::string_view key, const std::optional<std::int64_t>& bytes) {
        if (bytes) {
            append_fact(out, key, std::to_string(*bytes) + " bytes");
        }
    };
    add_bytes("storage_read", runtime.storage_read);
    add_bytes("storage_written", runtime.storage_written);
    add_bytes("network_received", runtime.network_received);
    add_bytes("network_sent", runtime.network_sent);
    append_fact(out, "sample_age", std::to_string(runtime.sample_age_ms) + " ms");
    append_fact(out, "responsive", runtime.responsive ? "yes" : "no");
    if (runtime.suspended) {
        append_fact(out, "suspended", "yes: the guest sleeps, mshvctl resume wakes it");
    }
    append_fact(out, "started_revision",
                runtime.revision == 0 ? "not known" : std::to_string(runtime.revision));
    append_fact(out, "pending", runtime.pending ? "yes: mshvctl config diff shows what" : "no");
    if (runtime.hypervisor) {
        append_hypervisor(out, *runtime.hypervisor);
    }
}

void append_partition(std::string& out, const api::PartitionView& view) {
    append_fact(out, "name", view.name);
    append_fact(out, "id", std::to_string(view.id));
    append_fact(out, "uuid", api::to_string(view.uuid));
    if (!view.title.empty()) {
        append_fact(out, "title", view.title);
    }
    append_fact(out, "state", api::to_name(view.state));
    append_fact(out, "reason", api::to_name(view.reason));
    append_fact(out, "state_since", time_text(view.state_since_ms));
    append_fact(out, "persistent", view.persistent ? "yes" : "no");
    append_fact(out, "autostart", view.autostart ? "yes" : "no");
    append_fact(out, "revision", std::to_string(view.revision));
    if (!view.owner.empty()) {
        append_fact(out, "owner", view.owner);
    }
    append_fact(out, "memory", std::to_string(view.memory / mebibyte) + " MiB");
    append_fact(out, "vcpus", std::to_string(view.vcpus));
    for (const auto& [key, value] : view.labels) {
        append_fact(out, "label." + api::escape_terminal(key), value);
    }
    if (view.operation) {
        append_fact(out, "operation",
                    view.operation->verb + " by " + view.operation->actor + " since " +
                        time_text(view.operation->since_ms));
    }
    if (view.runtime) {
        append_runtime(out, *view.runtime);
    }
    if (view.last_exit) {
        append_fact(out, "last_exit", exit_text(*view.last_exit));
        if (!view.last_exit->detail.empty()) {
            append_fact(out, "last_exit_detail", view.last_exit->detail);
        }
    }
}

void append_interface(std::string& out, const api::NicView& view) {
    const auto& nic = view.interface;
    std::string text = nic.mac + ", " + std::string(api::to_name(nic.model)) + ", ";
    text += nic.source == api::NicSource::bridge ? "bridge " + nic.bridge : "user";
    text += view.tap.empty() ? "" : ", tap " + view.tap;
    text += nic.link_up ? ", link up" : ", link down";
    if (view.state != api::DeviceState::present) {
        text += ", " + std::string(api::to_name(view.state));
    }
    append_fact(out, "interface." + api::escape_terminal(nic.alias), text);
}

// xl info's widths. A kernel without NUMA has everything on node 0.
void append_topology(std::string& out, const hostprobe::Topology& topology) {
    const auto cell = [&](std::uint64_t number, std::size_t width) {
        append_padded(out, std::to_string(number), width, Align::right);
    };
    append_padded(out, "cpu_topology", key_width, Align::left);
    out += ":\ncpu:    core    socket     node\n";
    for (const auto& place : topology.processors) {
        cell(place.cpu, 3);
        out += ':';
        cell(place.core, 8);
        cell(place.socket, 9);
        cell(place.node.value_or(0), 9);
        out += '\n';
    }
    append_padded(out, "numa_info", key_width, Align::left);
    out += ":\nnode:    memsize    memfree    distances\n";
    for (const auto& node : topology.nodes) {
        cell(node.node, 4);
        out += ':';
        cell(node.memory_total / mebibyte, 10);
        cell(node.memory_free / mebibyte, 11);
        out += "      ";
        for (std::size_t i = 0; i < node.distances.size(); ++i) {
            out += i == 0 ? "" : ",";
            out += std::to_string(node.distances[i]);
        }
        out += '\n';
    }
}

void write_topology(JsonWriter& json, const hostprobe::Topology& topology) {
    json.key("cpu_topology").begin_array();
    for (const auto& place : topology.processors) {
        json.begin_object().key("cpu").number(place.cpu).key("core").number(place.core);
        json.key("socket").number(place.socket);
        if (place.node) {
            json.key("node").number(*place.node);
        }
        json.end_object();
    }
    json.end_array().key("numa_info").begin_array();
    for (const auto& node : topology.nodes) {
        json.begin_object().key("node").number(node.node);
        json.key("memory_total").number(static_cast<std::int64_t>(node.memory_total));
        json.key("memory_free").number(static_cast<std::int64_t>(node.memory_free));
        json.key("distances").begin_array();
        for (const unsigned distance : node.distances) {
            json.number(distance);
        }
        json.end_array().end_object();
    }
    json.end_array();
}

class Info final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("-n,--numa", "also how the host's processors and memory belong together",
                       numa_);
        arguments.choice("--format", "FORMAT", "table (the default) or xl", {"table", "xl"},
                         format_);
        arguments.positional("KEY|PARTITION", "a key of the host, or a partition",
                             ValueKind::partition, word_);
    }

    void run(Context& context) override {
        if (word_ && word_->empty()) {
            static_cast<void>(api::Selector::parse(*word_)); // throws
        }
        if (word_ && numa_) {
            throw api::Error(api::ErrorCode::usage, "--numa is about the host",
                             "leave out '" + *word_ + "'");
        }
        if (!word_) {
            print_host(context, context.client().host(context.read_deadline()));
            return;
        }
        // A key of the host hides a partition of that name, which name:KEY still reaches.
        const auto host = context.client().host(context.read_deadline());
        const auto fact = std::find_if(host.facts.begin(), host.facts.end(),
                                       [&](const auto& each) { return each.key == *word_; });
        if (fact == host.facts.end()) {
            print_partition(context, api::Selector::parse(*word_));
        } else if (context.json()) {
            print_host(context, {{*fact}});
        } else {
            append_escaped(context.out().buffer(), fact->value);
            context.out().write("\n");
        }
    }

private:
    void print_host(Context& context, const api::HostView& host) const {
        std::string& out = context.out().buffer();
        if (context.json()) {
            JsonWriter json(out);
            begin_document(json, "info");
            json.key("host").begin_object();
            for (const auto& fact : host.facts) {
                json.field(fact.key, fact.value);
            }
            json.end_object();
            if (numa_) {
                write_topology(json, hostprobe::read_topology());
            }
            json.end_object();
            context.out().write("\n");
            return;
        }
        for (const auto& fact : host.facts) {
            if (!as_xl(format_) || is_key_of_xl(fact.key)) {
                append_fact(out, api::escape_terminal(fact.key), fact.value);
            }
        }
        if (numa_) {
            append_topology(out, hostprobe::read_topology());
        }
    }

    static void print_partition(Context& context, const api::Selector& selector) {
        const auto view = context.client().get(selector, context.read_deadline());
        if (context.json()) {
            context.out().write(partition_document("info", view));
        } else {
            append_partition(context.out().buffer(), view);
            for (const auto& nic : context.client().nics(selector, context.read_deadline())) {
                append_interface(context.out().buffer(), nic);
            }
        }
    }

    bool numa_ = false;
    std::string format_;
    std::optional<std::string> word_;
};

} // namespace

std::unique_ptr<Command> make_info() {
    return std::make_unique<Info>();
}

} // namespace mshv::ctl::verbs
