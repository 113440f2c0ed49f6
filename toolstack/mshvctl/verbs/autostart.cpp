// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

constexpr std::uint64_t largest = 86'400;

class Autostart final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("--enable", "start it with the host", enable_);
        arguments.flag("--disable", "do not start it with the host", disable_);
        arguments.number("--order", "N", "lower numbers start first", order_, largest);
        arguments.number("--delay", "SECONDS", "wait so long before this one", delay_, largest);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        if (enable_ && disable_) {
            throw api::Error(api::ErrorCode::usage, "--enable and --disable exclude each other");
        }
        if (!enable_ && !disable_ && !order_ && !delay_) {
            show(context, selector);
            return;
        }
        if (context.dry_run("change the autostart of " + selector.text)) {
            return;
        }
        api::AutostartRequest request;
        request.enabled =
            enable_ ||
            (!disable_ && context.client().get(selector, context.read_deadline()).autostart);
        if (order_) {
            request.order = static_cast<unsigned>(*order_);
        }
        if (delay_) {
            request.delay_s = static_cast<unsigned>(*delay_);
        }
        const auto view =
            context.client().set_autostart(selector, request, context.operation_deadline());
        if (context.json()) {
            context.out().write(partition_document("autostart", view));
        }
    }

private:
    static void show(Context& context, const api::Selector& selector) {
        const auto stored = context.client().definition(selector, context.read_deadline());
        const auto& autostart = stored.spec.autostart;
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "autostart");
            json.key("enabled").boolean(autostart.enabled);
            json.field("when", api::to_name(autostart.when));
            json.key("order").number(autostart.order).key("delay_s").number(autostart.delay_s);
            json.end_object();
            context.out().write("\n");
            return;
        }
        context.out().line(std::string("enabled: ") + (autostart.enabled ? "yes" : "no"));
        context.out().line("when: " + std::string(api::to_name(autostart.when)));
        context.out().line("order: " + std::to_string(autostart.order));
        context.out().line("delay: " + std::to_string(autostart.delay_s) + " s");
    }

    std::string partition_;
    bool enable_ = false;
    bool disable_ = false;
    std::optional<std::uint64_t> order_, delay_;
};

} // namespace

std::unique_ptr<Command> make_autostart() {
    return std::make_unique<Autostart>();
}

} // namespace mshv::ctl::verbs
