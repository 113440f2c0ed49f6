// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/document.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/new_partition.hpp"

namespace mshv::ctl::verbs {
namespace {

class Define final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("-n", "check the file and print the canonical document, as -N", check_only_);
        arguments.flag("-q,--quiet", "say nothing of success", quiet_);
        arguments.flag("--replace", "replace the definition of that name or UUID", replace_);
        arguments.flag("--if-not-exists",
                       "succeed and change nothing when there is one of that name or UUID",
                       if_not_exists_);
        document_.declare(arguments);
        arguments.positional("FILE", "guest XML; - for standard input", ValueKind::file, file_);
    }

    void run(Context& context) override {
        if (replace_ && if_not_exists_) {
            throw api::Error(api::ErrorCode::usage,
                             "--replace and --if-not-exists exclude each other");
        }
        const Document document = load_document(context, file_, document_);
        if (check_only_ || context.globals().dry_run) {
            print_canonical(context, document);
            return;
        }
        auto request = new_partition_request(document);
        request.mode = api::CreateMode::define;
        request.replace = replace_;
        const auto [view, made] =
            create_partition(context, request, if_not_exists_, context.operation_deadline());
        if (context.json()) {
            context.out().write(partition_document("define", view));
        } else if (!quiet_) {
            context.out().line((made ? "Defined partition " : "There is already partition ") +
                               api::escape_terminal(view.name) + ", number " +
                               std::to_string(view.id));
        }
    }

private:
    bool check_only_ = false, quiet_ = false, replace_ = false, if_not_exists_ = false;
    DocumentOptions document_;
    std::string file_;
};

} // namespace

std::unique_ptr<Command> make_define() {
    return std::make_unique<Define>();
}

} // namespace mshv::ctl::verbs
