// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/import/import.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/document.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/document_output.hpp"

namespace mshv::ctl::verbs {
namespace {

/// A path, or the name of a partition, which holds no '/' and is no file of XML.
bool is_file(std::string_view word) {
    return word == "-" || word.find('/') != std::string_view::npos || word.ends_with(".xml");
}

class Export final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.text("-o,--output", "OUTPUT", "write to this file", output_, ValueKind::file);
        arguments.flag("-q,--quiet", "say nothing of success", quiet_);
        arguments.choice("--type", "TYPE", "the accelerator that libvirt is told",
                         {"hyperv", "kvm", "qemu"}, type_);
        Positional to;
        to.name = "TO";
        to.help = "for whom: libvirt";
        to.kind = ValueKind::choice;
        to.choices = {"libvirt"};
        to.store = [](std::string_view) {};
        arguments.custom(std::move(to));
        arguments.positional(
            "PARTITION|FILE",
            "the partition; a word with / or .xml at its end is a file, - standard "
            "input",
            ValueKind::partition, source_);
    }

    void run(Context& context) override {
        foreign::ExportOptions options;
        options.domain_type = type_;
        std::string text;
        api::PartitionSpec spec;
        if (is_file(source_)) {
            text = read_document(source_);
            Document document = load_document_text(context, source_, text);
            spec = std::move(document.spec);
            options.file_name = shown_name(source_);
            options.document = text;
        } else {
            const auto selector = api::Selector::parse(source_);
            spec = context.client().definition(selector, context.read_deadline()).spec;
        }
        const auto exported = foreign::to_libvirt(spec, options);
        show_problems(context, exported.losses, text);
        const bool to_file = output_ && !context.globals().dry_run;
        if (to_file) {
            write_file(*output_, exported.xml);
        }
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "export");
            json.field("to", "libvirt").field("xml", exported.xml);
            write_problems(json, exported.losses);
            json.end_object();
            context.out().write("\n");
        } else if (!to_file) {
            print_document(context, exported.xml);
        } else if (!quiet_) {
            context.out().line("Wrote " + api::escape_terminal(*output_));
        }
    }

private:
    std::optional<std::string> output_;
    bool quiet_ = false;
    std::string type_, source_;
};

} // namespace

std::unique_ptr<Command> make_export() {
    return std::make_unique<Export>();
}

} // namespace mshv::ctl::verbs
