// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/document.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

class Check final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("-q,--quiet", "say nothing of files without a fault", quiet_);
        document_.declare(arguments);
        arguments.positionals("FILE", "guest XML; - for standard input", ValueKind::file, files_);
    }

    void run(Context& context) override {
        std::vector<std::optional<api::Error>> results;
        results.reserve(files_.size());
        for (const auto& file : files_) {
            results.push_back(check_one(context, file));
        }
        if (context.json()) {
            print_json(context, results);
        }
        std::optional<api::Error> worst;
        std::size_t failed = 0;
        for (auto& result : results) {
            failed += result ? 1U : 0U;
            if (result && (!worst || worst->code() != api::ErrorCode::invalid)) {
                worst = std::move(result);
            }
        }
        if (worst && files_.size() > 1) {
            throw api::Error(worst->code(), std::to_string(failed) + " of " +
                                                std::to_string(files_.size()) +
                                                " files are not valid");
        }
        if (worst) {
            throw api::Error(*worst);
        }
    }

private:
    std::optional<api::Error> check_one(Context& context, const std::string& file) const {
        try {
            const Document document = load_document(context, file, document_);
            if (!quiet_ && !context.json()) {
                context.out().line(api::escape_terminal(file) + ": valid");
            }
            return std::nullopt;
        } catch (const api::Error& error) {
            if (files_.size() > 1 && !context.json()) {
                write_error(error_text(error));
            }
            return error;
        }
    }

    void print_json(Context& context, const std::vector<std::optional<api::Error>>& results) const {
        JsonWriter json(context.out().buffer());
        begin_document(json, "check");
        json.key("items").begin_array();
        for (std::size_t i = 0; i < files_.size(); ++i) {
            const auto& error = results[i];
            json.begin_object().field("file", files_[i]).key("ok").boolean(!error);
            if (error) {
                json.key("error");
                write_error_object(json, *error);
            }
            json.end_object();
        }
        json.end_array().end_object();
        context.out().write("\n");
    }

    bool quiet_ = false;
    DocumentOptions document_;
    std::vector<std::string> files_;
};

} // namespace

std::unique_ptr<Command> make_check() {
    return std::make_unique<Check>();
}

} // namespace mshv::ctl::verbs
