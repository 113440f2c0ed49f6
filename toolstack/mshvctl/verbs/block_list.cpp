// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/device_requests.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/table.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

std::string access_of(const api::Disk& disk) {
    const bool reads = disk.read_only || disk.device == api::DiskDevice::cdrom;
    return std::string(reads ? "ro" : "rw") + (disk.shareable ? ",shared" : "");
}

class BlockList final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.choice("--format", "FORMAT", "table (the default), csv or tsv",
                         {"table", "csv", "tsv"}, format_);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
    }

    void run(Context& context) override {
        const auto list =
            context.client().disks(api::Selector::parse(partition_), context.read_deadline());
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "block-list");
            json.key("items").begin_array();
            for (const auto& view : list.disks) {
                json.begin_object().field("state", api::to_name(view.state));
                json.key("config").boolean(view.config).key("disk").raw(api::encode(view.disk));
                json.end_object();
            }
            json.end_array().end_object();
            context.out().write("\n");
            return;
        }
        Table table({{"Target"},
                     {"State"},
                     {"Defined"},
                     {"Device"},
                     {"Bus"},
                     {"Format"},
                     {"Access"},
                     {"Source"}});
        for (const auto& view : list.disks) {
            const auto& disk = view.disk;
            table.cell(disk.target).cell(api::to_name(view.state));
            table.cell(view.config ? "yes" : "no").cell(api::to_name(disk.device));
            table.cell(api::to_name(disk.bus)).cell(api::to_name(disk.format));
            table.cell(access_of(disk)).cell(disk.path.empty() ? "-" : disk.path);
        }
        table.print(context.out().buffer(), table_format(format_), !context.globals().no_header);
    }

private:
    std::string format_;
    std::string partition_;
};

} // namespace

std::unique_ptr<Command> make_block_list() {
    return std::make_unique<BlockList>();
}

} // namespace mshv::ctl::verbs
