// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

#include <algorithm>
#include <deque>
#include <poll.h>

namespace mshv::ctl::verbs {
namespace {

constexpr std::size_t page_size = 1000;
constexpr std::chrono::milliseconds long_poll{30'000};
constexpr std::chrono::milliseconds answer_slack{10'000};
/// What --follow shows of the past when it is not told where to begin.
constexpr std::size_t recent = 10;
/// How long --follow goes on asking a daemon that is being restarted.
constexpr std::chrono::seconds patience{60};
constexpr int retry_ms = 200;

std::string event_line(const api::Event& event) {
    std::string line;
    append_padded(line, std::to_string(event.seq), 7, Align::right);
    line += "  " + time_text(event.at_ms) + "  ";
    append_escaped(line, event.kind);
    if (!event.name.empty()) {
        line += "  ";
        append_escaped(line, event.name);
        line += " (" + std::to_string(event.id) + ")";
    }
    if (event.from || event.to) {
        line += "  ";
        line += event.from ? api::to_name(*event.from) : "";
        line += " -> ";
        line += event.to ? api::to_name(*event.to) : "";
    }
    if (event.reason) {
        line += "  ";
        line += api::to_name(*event.reason);
    }
    if (!event.actor.empty()) {
        line += "  by ";
        append_escaped(line, event.actor);
    }
    if (!event.detail.empty()) {
        line += "  ";
        append_escaped(line, event.detail);
    }
    return line;
}

class Events final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("-f,--follow", "go on with what happens from now, until Ctrl-C", follow_);
        arguments.number("--since", "SEQ", "events after this number; 0 = all that are kept",
                         since_, INT64_MAX);
        arguments.number("--limit", "N", "at most so many, then end", limit_);
        arguments.positional("PARTITION", "of this one only", ValueKind::partition, partition_);
    }

    void run(Context& context) override {
        std::optional<api::Selector> selector;
        if (partition_) {
            selector = api::Selector::parse(*partition_);
        }
        std::int64_t since = static_cast<std::int64_t>(since_.value_or(0));
        const auto& timeout = context.globals().timeout;
        const auto end = timeout ? Deadline::after(*timeout) : Deadline::never();
        bool past = true; // what happened before now has not all been read
        std::deque<api::Event> tail;
        while (!done_) {
            const auto wait = past ? std::chrono::milliseconds(0) : left(end);
            auto page = fetch(context, since, selector, wait);
            warn_of_gap(context, since, page);
            // A page that the filter left short may still have moved on.
            const bool moved = page.last_seq > since;
            since = std::max(since, page.last_seq);
            if (past && follow_ && !since_) {
                keep_tail(tail, page.events);
            } else {
                show(context, page.events);
            }
            if (!past || (page.events.size() == page_size && moved)) {
                done_ = done_ || end.expired();
                continue;
            }
            past = false;
            show(context, {tail.begin(), tail.end()});
            done_ = done_ || !follow_ || end.expired();
        }
    }

private:
    static std::chrono::milliseconds left(Deadline end) {
        return end.is_never() ? long_poll
                              : std::min(long_poll, std::chrono::milliseconds(end.poll_timeout()));
    }

    static void keep_tail(std::deque<api::Event>& tail, std::vector<api::Event>& events) {
        for (auto& event : events) {
            tail.push_back(std::move(event));
            if (tail.size() > recent) {
                tail.pop_front();
            }
        }
    }

    /// Asks again while a daemon restarts: the sequence numbers make the join exact.
    api::EventPage fetch(Context& context, std::int64_t since,
                         const std::optional<api::Selector>& selector,
                         std::chrono::milliseconds wait) const {
        const auto give_up = Deadline::after(patience);
        for (;;) {
            try {
                return context.client().events(since, page_size, selector, wait,
                                               Deadline::after(wait + answer_slack));
            } catch (const api::Error& error) {
                const bool gone = error.code() == api::ErrorCode::unreachable && shown_ > 0;
                if (!follow_ || !gone || give_up.expired()) {
                    throw;
                }
                ::poll(nullptr, 0, retry_ms); // paces: the next try, while the socket is nobody's
            }
        }
    }

    static void warn_of_gap(Context& context, std::int64_t since, const api::EventPage& page) {
        if (since > 0 && page.oldest_seq > since + 1) {
            context.warn("events " + std::to_string(since + 1) + " to " +
                         std::to_string(page.oldest_seq - 1) + " are no longer kept");
        }
    }

    void show(Context& context, const std::vector<api::Event>& events) {
        for (const auto& event : events) {
            if (limit_ && shown_ >= *limit_) {
                break;
            }
            context.out().line(context.json() ? api::encode(event) : event_line(event));
            ++shown_;
        }
        done_ = done_ || (limit_ && shown_ >= *limit_);
        context.out().flush();
    }

    bool follow_ = false;
    bool done_ = false;
    std::optional<std::uint64_t> since_, limit_;
    std::uint64_t shown_ = 0;
    std::optional<std::string> partition_;
};

} // namespace

std::unique_ptr<Command> make_events() {
    return std::make_unique<Events>();
}

} // namespace mshv::ctl::verbs
