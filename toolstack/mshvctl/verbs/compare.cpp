// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/comparison.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

#include <filesystem>

namespace mshv::ctl::verbs {
namespace {

constexpr int refused = 6; // as check, of a file that is not valid

class Compare final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.positional("FILE", "that mshvctl save made", ValueKind::file, file_);
    }

    void run(Context& context) override {
        const auto path = std::filesystem::absolute(file_).lexically_normal().string();
        const auto found = context.client().compare(path, context.operation_deadline());
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "compare");
            json.key("comparison").raw(api::encode(found)).end_object();
            context.out().write("\n");
        } else {
            print(context, found);
        }
        context.set_exit_status(found.obstacles.empty() ? 0 : refused);
    }

private:
    static void print(Context& context, const api::Comparison& found) {
        std::string& out = context.out().buffer();
        if (!found.name.empty()) {
            append_escaped(out, found.name);
            out += ", saved " + time_text(found.saved_ms) + " by ";
            append_escaped(out, found.vmm);
            out += '\n';
        }
        for (const auto& obstacle : found.obstacles) {
            append_escaped(out, obstacle.message);
            out += '\n';
            if (!obstacle.hint.empty()) {
                out += "  hint: ";
                append_escaped(out, obstacle.hint);
                out += '\n';
            }
        }
        out += found.obstacles.empty() ? "this host would restore it\n"
                                       : "this host would not restore it\n";
        context.out().write("");
    }

    std::string file_;
};

} // namespace

std::unique_ptr<Command> make_compare() {
    return std::make_unique<Compare>();
}

} // namespace mshv::ctl::verbs
