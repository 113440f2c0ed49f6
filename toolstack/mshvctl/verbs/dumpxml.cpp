// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/guestxml/guestxml.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/output.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

#include <unistd.h>

namespace mshv::ctl::verbs {
namespace {

class Dumpxml final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("--canonical", "with every generated value filled in (the default)",
                       canonical_);
        arguments.flag("--as-given", "the file as it was given, byte for byte", as_given_);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        if (canonical_ && as_given_) {
            throw api::Error(api::ErrorCode::usage,
                             "--canonical and --as-given exclude each other");
        }
        const auto stored = context.client().definition(selector, context.read_deadline());
        if (as_given_ && stored.xml.empty()) {
            throw api::Error(api::ErrorCode::not_found,
                             selector.text + " was defined without a document",
                             "leave out --as-given for the canonical one");
        }
        const std::string xml = as_given_ ? stored.xml : guestxml::to_xml(stored.spec);
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "dumpxml");
            json.field("xml", xml).key("spec").raw(api::encode(stored.spec)).end_object();
            context.out().write("\n");
            return;
        }
        // To a file it is the document itself, to a terminal nothing that the terminal would obey.
        context.out().write(is_terminal(STDOUT_FILENO)
                                ? api::escape_terminal(xml, api::EscapeLayout::keep_lines)
                                : xml);
        if (!xml.ends_with('\n') && is_terminal(STDOUT_FILENO)) {
            context.out().write("\n");
        }
    }

private:
    std::string partition_;
    bool canonical_ = false;
    bool as_given_ = false;
};

} // namespace

std::unique_ptr<Command> make_dumpxml() {
    return std::make_unique<Dumpxml>();
}

} // namespace mshv::ctl::verbs
