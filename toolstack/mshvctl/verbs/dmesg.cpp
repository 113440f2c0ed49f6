// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/hostprobe/kernel_log.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/table.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

#include <system_error>

namespace mshv::ctl::verbs {
namespace {

/// "[   12.345678] ", as dmesg(1) has it.
void append_time(std::string& out, std::int64_t time_us) {
    constexpr std::int64_t second = 1'000'000;
    const std::string fraction = std::to_string(second + time_us % second).substr(1);
    out += '[';
    append_padded(out, std::to_string(time_us / second), 5, Align::right);
    out += '.';
    out += fraction;
    out += "] ";
}

class Dmesg final : public Command {
public:
    void declare(Arguments& /*arguments*/) override {}

    void run(Context& context) override {
        std::vector<hostprobe::KernelRecord> records;
        try {
            records = hostprobe::read_kernel_log();
        } catch (const std::system_error& error) {
            throw api::Error(error.code() == std::errc::operation_not_permitted ||
                                     error.code() == std::errc::permission_denied
                                 ? api::ErrorCode::denied
                                 : api::ErrorCode::failed,
                             "The kernel's log cannot be read: " + error.code().message(),
                             "it is root's where kernel.dmesg_restrict is 1");
        }
        std::erase_if(records,
                      [](const auto& record) { return !hostprobe::is_of_hypervisor(record); });
        std::string& out = context.out().buffer();
        if (context.json()) {
            print_json(out, records);
            return;
        }
        for (const auto& record : records) {
            append_time(out, record.time_us);
            append_escaped(out, record.text);
            out += '\n';
        }
    }

private:
    static void print_json(std::string& out, const std::vector<hostprobe::KernelRecord>& records) {
        JsonWriter json(out);
        begin_document(json, "dmesg");
        json.key("items").begin_array();
        for (const auto& record : records) {
            json.begin_object().key("time_us").number(record.time_us);
            json.key("level").number(record.level).field("text", record.text).end_object();
        }
        json.end_array().end_object();
        out += '\n';
    }
};

} // namespace

std::unique_ptr<Command> make_dmesg() {
    return std::make_unique<Dmesg>();
}

} // namespace mshv::ctl::verbs
