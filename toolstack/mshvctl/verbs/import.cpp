// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/import/import.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/guestxml/guestxml.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/document.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/document_output.hpp"
#include "toolstack/mshvctl/verbs/new_partition.hpp"

namespace mshv::ctl::verbs {
namespace {

class Import final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.text("-o,--output", "OUTPUT", "write the guest XML to this file", output_,
                       ValueKind::file);
        arguments.flag("--define", "store the definition instead of printing it", define_);
        arguments.flag("--replace", "with --define, replace the definition of that name or UUID",
                       replace_);
        arguments.flag("-q,--quiet", "say nothing of success", quiet_);
        arguments.texts("--accept", "KEY",
                        "let this key or element go, or become what the report offers; all: "
                        "everything",
                        accepted_);
        arguments.texts("--bridge", "NETWORK=BRIDGE",
                        "the bridge that stands for a network of libvirt's", bridges_);
        document_.declare(arguments);
        Positional from;
        from.name = "FROM";
        from.help = "whose file it is: xl (xl.cfg) or libvirt (<domain>)";
        from.kind = ValueKind::choice;
        from.choices = {"xl", "libvirt"};
        from.store = [this](std::string_view word) { from_ = word; };
        arguments.custom(std::move(from));
        arguments.positional("FILE", "the file; - for standard input", ValueKind::file, file_);
    }

    void run(Context& context) override {
        const auto options = import_options();
        const std::string text = read_document(file_);
        auto imported = from_ == "xl" ? foreign::import_xl(text, options)
                                      : foreign::import_libvirt(text, options);
        show_problems(context, imported.problems, text);
        if (!imported.spec) {
            refuse_document(file_, " cannot be imported: ", std::move(imported.problems));
        }
        const std::string xml = guestxml::to_xml(*imported.spec);
        if (define_ && !context.globals().dry_run) {
            define(context, {std::move(*imported.spec), xml}, imported.problems);
            return;
        }
        const bool to_file = output_ && !context.globals().dry_run;
        if (to_file) {
            write_file(*output_, xml);
        }
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "import");
            json.field("from", from_).field("xml", xml);
            json.key("spec").raw(api::encode(*imported.spec));
            write_problems(json, imported.problems);
            json.end_object();
            context.out().write("\n");
        } else if (!to_file) {
            print_document(context, xml);
        } else if (!quiet_) {
            context.out().line("Wrote " + api::escape_terminal(*output_));
        }
    }

private:
    [[nodiscard]] foreign::ImportOptions import_options() const {
        using api::Error;
        using api::ErrorCode;
        if (replace_ && !define_) {
            throw Error(ErrorCode::usage, "--replace is for --define");
        }
        if (define_ && output_) {
            throw Error(ErrorCode::usage, "--define and --output exclude each other");
        }
        if (from_ == "xl" && (!document_.compat.empty() || !bridges_.empty())) {
            throw Error(ErrorCode::usage, "--compat and --bridge are for import libvirt");
        }
        foreign::ImportOptions options;
        options.file_name = shown_name(file_);
        options.accepted = accepted_;
        options.compat_libvirt = document_.compat == "libvirt";
        options.overrides = document_.overrides();
        for (const auto& pair : bridges_) {
            const auto equals = pair.find('=');
            if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size()) {
                throw Error(ErrorCode::usage, "'" + pair + "' is no NETWORK=BRIDGE for --bridge",
                            "for example --bridge default=virbr0");
            }
            options.bridges.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
        }
        return options;
    }

    void define(Context& context, const Document& document,
                const std::vector<api::Problem>& problems) const {
        auto request = new_partition_request(document);
        request.mode = api::CreateMode::define;
        request.replace = replace_;
        const auto view = context.client().create(request, context.operation_deadline());
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "import");
            json.field("from", from_).key("partition").raw(api::encode(view));
            write_problems(json, problems);
            json.end_object();
            context.out().write("\n");
        } else if (!quiet_) {
            context.out().line("Defined partition " + api::escape_terminal(view.name) +
                               ", number " + std::to_string(view.id));
        }
    }

    std::optional<std::string> output_;
    bool define_ = false, replace_ = false, quiet_ = false;
    std::vector<std::string> accepted_, bridges_;
    DocumentOptions document_;
    std::string from_, file_;
};

} // namespace

std::unique_ptr<Command> make_import() {
    return std::make_unique<Import>();
}

} // namespace mshv::ctl::verbs
