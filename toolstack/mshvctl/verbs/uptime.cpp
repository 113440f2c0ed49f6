// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

#include <ctime>

namespace mshv::ctl::verbs {
namespace {

class Uptime final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("-s,--short", "the short form, with the time of day", short_);
        arguments.positionals("PARTITION", "only these; without any, all that run",
                              ValueKind::partition, names_, 0);
    }

    void run(Context& context) override {
        std::vector<api::PartitionView> views;
        std::vector<api::Selector> selectors;
        for (const auto& name : names_) {
            selectors.push_back(api::Selector::parse(name));
        }
        for (const auto& selector : selectors) {
            views.push_back(context.client().get(selector, context.read_deadline()));
            if (!views.back().runtime) {
                throw api::Error(api::ErrorCode::wrong_state, selector.text + " is not running");
            }
        }
        if (selectors.empty()) {
            views = context.client().list(false, context.read_deadline());
            std::erase_if(views, [](const auto& view) { return !view.runtime; });
        }
        if (context.json()) {
            print_json(context, views);
        } else {
            print(context, views);
        }
    }

private:
    static void print_json(Context& context, const std::vector<api::PartitionView>& views) {
        JsonWriter json(context.out().buffer());
        begin_document(json, "uptime");
        json.key("items").begin_array();
        for (const auto& view : views) {
            json.begin_object().field("name", view.name).key("id").number(view.id);
            json.key("uptime_ms").number(view.runtime->uptime_ms);
            json.key("started_ms").number(view.runtime->started_ms);
            json.key("generation").number(view.runtime->generation).end_object();
        }
        json.end_array().end_object();
        context.out().write("\n");
    }

    void print(Context& context, const std::vector<api::PartitionView>& views) const {
        std::string& out = context.out().buffer();
        if (!short_ && !context.globals().no_header) {
            append_padded(out, "Name", 33, Align::left);
            out += "   ID Uptime\n";
        }
        for (const auto& view : views) {
            const std::string up = uptime_text(view.runtime->uptime_ms / 1000, short_);
            std::string name;
            append_escaped(name, view.name);
            if (short_) {
                const auto now = time_text(static_cast<std::int64_t>(std::time(nullptr)) * 1000);
                out += " " + now.substr(now.find(' ') + 1) + " up " + up + ", " + name + " (" +
                       std::to_string(view.id) + ")\n";
                continue;
            }
            append_padded(out, name, 33, Align::left);
            out += ' ';
            append_padded(out, std::to_string(view.id), 4, Align::right);
            out += " " + up + "\n";
        }
    }

    bool short_ = false;
    std::vector<std::string> names_;
};

} // namespace

std::unique_ptr<Command> make_uptime() {
    return std::make_unique<Uptime>();
}

} // namespace mshv::ctl::verbs
