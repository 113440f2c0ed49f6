// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/device_requests.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/io_limits.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/table.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"

#include <array>

namespace mshv::ctl::verbs {
namespace {

using Change = std::optional<api::IoLimitChange> api::SetDiskLimitsRequest::*;
using Part = std::optional<std::uint64_t> api::IoLimitChange::*;

struct Word {
    std::string_view name;
    Change limit;
    Part part;
    std::string_view value, help;
};

constexpr auto per_second = &api::IoLimitChange::per_second;
constexpr auto max = &api::IoLimitChange::max;
constexpr auto max_length = &api::IoLimitChange::max_length;
using Request = api::SetDiskLimitsRequest;

// virsh's own words.
constexpr std::array words{
    Word{"--total-bytes-sec", &Request::total_bytes, per_second, "SIZE",
         "bytes a second, read and written together; 0 = no limit"},
    Word{"--total-bytes-sec-max", &Request::total_bytes, max, "SIZE", "for a while"},
    Word{"--total-bytes-sec-max-length", &Request::total_bytes, max_length, "SECONDS",
         "for how long"},
    Word{"--read-bytes-sec", &Request::read_bytes, per_second, "SIZE", "bytes read a second"},
    Word{"--read-bytes-sec-max", &Request::read_bytes, max, "SIZE", "for a while"},
    Word{"--read-bytes-sec-max-length", &Request::read_bytes, max_length, "SECONDS",
         "for how long"},
    Word{"--write-bytes-sec", &Request::write_bytes, per_second, "SIZE", "bytes written a second"},
    Word{"--write-bytes-sec-max", &Request::write_bytes, max, "SIZE", "for a while"},
    Word{"--write-bytes-sec-max-length", &Request::write_bytes, max_length, "SECONDS",
         "for how long"},
    Word{"--total-iops-sec", &Request::total_iops, per_second, "N",
         "requests a second, of both kinds together; 0 = no limit"},
    Word{"--total-iops-sec-max", &Request::total_iops, max, "N", "for a while"},
    Word{"--total-iops-sec-max-length", &Request::total_iops, max_length, "SECONDS",
         "for how long"},
    Word{"--read-iops-sec", &Request::read_iops, per_second, "N", "requests to read a second"},
    Word{"--read-iops-sec-max", &Request::read_iops, max, "N", "for a while"},
    Word{"--read-iops-sec-max-length", &Request::read_iops, max_length, "SECONDS", "for how long"},
    Word{"--write-iops-sec", &Request::write_iops, per_second, "N", "requests to write a second"},
    Word{"--write-iops-sec-max", &Request::write_iops, max, "N", "for a while"},
    Word{"--write-iops-sec-max-length", &Request::write_iops, max_length, "SECONDS",
         "for how long"},
};

class BlockLimit final : public Command {
public:
    void declare(Arguments& arguments) override {
        for (const Word& word : words) {
            Option option;
            option.names = {word.name};
            option.value = word.value;
            option.help = word.help;
            option.kind = word.value == "SIZE" ? ValueKind::text : ValueKind::number;
            option.store = [this, &word](std::string_view text) { take(word, text); };
            arguments.custom(std::move(option));
        }
        scope_.declare(arguments);
        arguments.choice("--format", "FORMAT", "table (the default), csv or tsv",
                         {"table", "csv", "tsv"}, format_);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positional("TARGET", "the disk, as block-list shows it; all of them to look at",
                             ValueKind::text, target_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        if (!changes_) {
            show(context, selector);
            return;
        }
        if (!target_) {
            throw api::Error(api::ErrorCode::usage, "a limit needs a disk",
                             "mshvctl block-list " + partition_ + " shows them");
        }
        const auto timeout = context.globals().timeout.value_or(device_timeout);
        request_.target = *target_;
        request_.live = scope_.live;
        request_.config = scope_.config;
        request_.timeout_ms = static_cast<std::uint64_t>(timeout.count());
        if (context.dry_run("change the limits of disk " + *target_ + " of " + selector.text)) {
            return;
        }
        const auto view = context.client().set_disk_limits(selector, request_,
                                                           context.operation_deadline(timeout));
        if (context.json()) {
            context.out().write(partition_document("block-limit", view));
        }
    }

private:
    void take(const Word& word, std::string_view text) {
        auto& limit = request_.*word.limit;
        if (!limit) {
            limit.emplace();
        }
        (*limit).*word.part = word.value == "SIZE" ? parse_size(text, word.name)
                                                   : parse_number(text, word.name, api::most_io);
        changes_ = true;
    }

    /// Of what runs, or with --config of the definition, which `definition` shows.
    std::vector<api::Disk> disks(Context& context, const api::Selector& selector) const {
        std::vector<api::Disk> found;
        const auto add = [&](const api::Disk& disk) {
            if (!target_ || disk.target == *target_ || disk.alias == *target_) {
                found.push_back(disk);
            }
        };
        if (scope_.config) {
            for (const auto& disk : context.client()
                                        .definition(selector, context.read_deadline())
                                        .spec.devices.disks) {
                add(disk);
            }
        } else {
            for (const auto& view :
                 context.client().disks(selector, context.read_deadline()).disks) {
                add(view.disk);
            }
        }
        if (target_ && found.empty()) {
            throw api::Error(api::ErrorCode::not_found,
                             "Partition '" + selector.text + "' has no disk " + *target_,
                             "mshvctl block-list shows those that it has");
        }
        return found;
    }

    void show(Context& context, const api::Selector& selector) const {
        const auto found = disks(context, selector);
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "block-limit");
            json.key("items").begin_array();
            for (const auto& disk : found) {
                json.begin_object().field("target", disk.target).key("limits").begin_object();
                for (const auto& [name, member] : api::io_limits) {
                    const auto limit = disk.iotune ? (*disk.iotune).*member : std::nullopt;
                    if (limit) {
                        json.key(name).begin_object();
                        json.key("per_second").number(static_cast<std::int64_t>(limit->per_second));
                        json.key("max").number(static_cast<std::int64_t>(limit->max));
                        json.key("max_length").number(static_cast<std::int64_t>(limit->max_length));
                        json.end_object();
                    }
                }
                json.end_object().end_object();
            }
            json.end_array().end_object();
            context.out().write("\n");
            return;
        }
        Table table({{"Target"},
                     {"Limit"},
                     {"Per second", Align::right},
                     {"Max", Align::right},
                     {"For", Align::right}});
        for (const auto& disk : found) {
            for (const auto& [name, member] : api::io_limits) {
                const auto limit = disk.iotune ? (*disk.iotune).*member : std::nullopt;
                if (limit) {
                    const auto text = [](std::uint64_t n) {
                        return n == 0 ? std::string("-") : std::to_string(n);
                    };
                    table.cell(disk.target).cell(name).cell(text(limit->per_second));
                    table.cell(text(limit->max)).cell(text(limit->max_length));
                }
            }
        }
        table.print(context.out().buffer(), table_format(format_), !context.globals().no_header);
    }

    api::SetDiskLimitsRequest request_;
    bool changes_ = false;
    std::string partition_, format_;
    std::optional<std::string> target_;
    DeviceScope scope_;
};

} // namespace

std::unique_ptr<Command> make_block_limit() {
    return std::make_unique<BlockLimit>();
}

} // namespace mshv::ctl::verbs
