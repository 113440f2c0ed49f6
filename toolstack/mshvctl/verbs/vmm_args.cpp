// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/document.hpp"
#include "toolstack/mshvctl/output/shell_words.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

class VmmArgs final : public Command {
public:
    void declare(Arguments& arguments) override {
        document_.declare(arguments);
        arguments.positional("PARTITION|FILE", "a partition, or guest XML; - for standard input",
                             ValueKind::file, word_);
    }

    void run(Context& context) override {
        const auto made = ask(context);
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "vmm-args");
            json.key("vmm").raw(api::encode(made)).end_object();
            context.out().write("\n");
            return;
        }
        std::string& out = context.out().buffer();
        append_shell_word(out, made.program);
        for (std::size_t i = 1; i < made.argv.size(); ++i) {
            // An option and its value share a line.
            const bool value = !made.argv[i].starts_with('-') && made.argv[i - 1].starts_with('-');
            out += value ? " " : " \\\n    ";
            append_shell_word(out, made.argv[i]);
        }
        out += '\n';
        if (context.globals().verbose) {
            out += "# " + api::escape_terminal(made.vmm) + ", " +
                   api::escape_terminal(made.accelerator) + ": " +
                   api::escape_terminal(made.accelerator_reason) + "\n";
        }
    }

private:
    api::VmmArguments ask(Context& context) const {
        const bool file =
            word_ == "-" || word_.find('/') != std::string::npos || word_.ends_with(".xml");
        const auto deadline = context.deadline(std::chrono::seconds(60));
        if (file) {
            return context.client().vmm_arguments(load_document(context, word_, document_).spec,
                                                  deadline);
        }
        return context.client().vmm_arguments(api::Selector::parse(word_), deadline);
    }

    DocumentOptions document_;
    std::string word_;
};

} // namespace

std::unique_ptr<Command> make_vmm_args() {
    return std::make_unique<VmmArgs>();
}

} // namespace mshv::ctl::verbs
