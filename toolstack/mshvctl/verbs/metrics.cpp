// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/document_output.hpp"

namespace mshv::ctl::verbs {
namespace {

class Metrics final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.text("-o,--output", "OUTPUT", "replace this file, whole or not at all", output_,
                       ValueKind::file);
    }

    void run(Context& context) override {
        const std::string text = context.client().metrics(context.read_deadline());
        if (output_ && !context.globals().dry_run) {
            write_file(*output_, text);
        }
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "metrics");
            json.field("format", "text/plain; version=0.0.4").field("text", text).end_object();
            context.out().write("\n");
        } else if (!output_) {
            print_document(context, text);
        }
    }

private:
    std::optional<std::string> output_;
};

} // namespace

std::unique_ptr<Command> make_metrics() {
    return std::make_unique<Metrics>();
}

} // namespace mshv::ctl::verbs
