// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/progress.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"

#include <algorithm>
#include <chrono>

namespace mshv::ctl::verbs {
namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;
/// A guest gives back some hundred MiB in a second, when it has them.
constexpr std::chrono::seconds guest_time{30};
constexpr std::chrono::milliseconds look_interval{250};

std::string in_mib(std::uint64_t bytes) {
    return std::to_string(bytes / mebibyte) + " MiB";
}

class MemSet final : public Command {
public:
    void declare(Arguments& arguments) override {
        scope_.declare(arguments);
        arguments.flag("--no-wait", "return when the balloon has been asked", no_wait_);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positional("SIZE", "MiB, or with a unit as 1536M or 4G", ValueKind::text, size_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        const auto size = parse_memory(size_, "SIZE");
        if (context.dry_run("leave the guest of " + selector.text + " " + std::to_string(size) +
                            " bytes of its memory")) {
            return;
        }
        const auto deadline = context.deadline(guest_time);
        api::SetMemoryRequest request;
        request.size = size;
        request.live = scope_.live;
        request.config = scope_.config;
        auto view = context.client().set_memory(selector, request, context.operation_deadline());
        const bool runs = view.state == api::State::running || view.state == api::State::paused;
        const bool live = scope_.live || (!scope_.config && runs);
        if (live && !no_wait_) {
            wait(context, view, size, deadline);
            view = context.client().get(of(view), context.read_deadline());
        }
        if (context.json()) {
            context.out().write(partition_document("mem-set", view));
        }
    }

private:
    static api::Selector of(const api::PartitionView& view) {
        return {api::Selector::Kind::number, std::to_string(view.id)};
    }

    /// The guest moves by itself; that the partition ended is an event, which ends each turn.
    static void wait(Context& context, const api::PartitionView& view, std::uint64_t size,
                     posix::Deadline deadline) {
        const auto selector = of(view);
        Progress progress("waiting for the guest of " + view.name,
                          "the guest of " + view.name + " goes on");
        std::int64_t since =
            context.client().events(0, 1, selector, {}, context.read_deadline()).last_seq;
        for (;;) {
            const auto now = context.client().memory(selector, context.read_deadline());
            if (!now.reached) {
                throw api::Error(api::ErrorCode::wrong_state,
                                 "Partition '" + view.name + "' ended meanwhile");
            }
            if (*now.reached == size) {
                return;
            }
            if (deadline.expired()) {
                throw api::Error(api::ErrorCode::timeout,
                                 "The guest of '" + view.name + "' has come to " +
                                     in_mib(*now.reached) + ", not yet to " + in_mib(size),
                                 view.state == api::State::paused
                                     ? "it does when it is unpaused"
                                     : "it goes on; one without a driver for the balloon never "
                                       "does, nor one that needs its memory");
            }
            progress.update(in_mib(*now.reached) + " of " + in_mib(size));
            const auto span =
                std::min(look_interval, std::chrono::milliseconds(deadline.poll_timeout()));
            since = context.client()
                        .events(since, 1000, selector, span,
                                posix::Deadline::after(span + std::chrono::seconds(10)))
                        .last_seq;
        }
    }

    std::string partition_, size_;
    bool no_wait_ = false;
    DeviceScope scope_;
};

} // namespace

std::unique_ptr<Command> make_mem_set() {
    return std::make_unique<MemSet>();
}

} // namespace mshv::ctl::verbs
