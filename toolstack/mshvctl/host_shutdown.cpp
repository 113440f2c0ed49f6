// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/host_shutdown.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/shutdown_order.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace mshv::ctl {
namespace {

using api::Error;
using api::ErrorCode;
using api::HostAction;
using api::HostOutcome;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Phase = HostShutdownItem::Phase;

constexpr std::int64_t newest = INT64_MAX;
/// For kills that the deadline brings, and for their answers.
constexpr seconds slack{20};
/// Jobs tell no event of what they are at, and a partition's lock none when it is free again.
constexpr milliseconds longest_wait{500};

api::Selector selector_of(const HostShutdownItem& item) {
    return {api::Selector::Kind::uuid, api::to_string(item.uuid)};
}

std::string plan_of(const HostShutdownItem& item) {
    std::string text(api::to_name(item.policy.action));
    const bool timed =
        item.policy.action == HostAction::shutdown || item.policy.action == HostAction::save;
    return timed ? text + ", " + std::to_string(item.policy.timeout_s) + " s" : text;
}

} // namespace

std::vector<HostShutdownItem> host_shutdown_plan(Context& context) {
    std::vector<HostShutdownItem> items;
    std::vector<Ordered> order;
    for (const auto& view : context.client().list(false, context.read_deadline())) {
        if (!verbs::is_live(view)) {
            continue;
        }
        HostShutdownItem item;
        item.uuid = view.uuid;
        item.name = view.name;
        try {
            const auto spec =
                context.client().definition(selector_of(item), context.read_deadline()).spec;
            item.policy = spec.host_shutdown;
            item.escalate = spec.shutdown.escalate;
            order.push_back({item.name, spec.autostart});
        } catch (const Error& error) {
            if (error.code() != ErrorCode::not_found) {
                throw;
            }
            continue; // a transient one that has ended meanwhile
        }
        items.push_back(std::move(item));
    }
    std::vector<HostShutdownItem> ordered;
    const auto groups = shutdown_order(order);
    for (std::size_t group = 0; group < groups.size(); ++group) {
        for (const std::size_t i : groups[group]) {
            items[i].group = group;
            ordered.push_back(std::move(items[i]));
        }
    }
    return ordered;
}

seconds HostShutdown::left(seconds most) const {
    return std::min(most, std::chrono::ceil<seconds>(milliseconds(deadline_.poll_timeout())));
}

void HostShutdown::run() {
    const auto end = posix::Deadline::at(deadline_.point() + slack);
    const std::size_t groups = items_.empty() ? 0 : items_.back().group + 1;
    for (std::size_t group = 0; group < groups; ++group) {
        run_group(group, end);
    }
}

void HostShutdown::run_group(std::size_t group, posix::Deadline end) {
    bool told = false;
    for (;;) {
        try {
            if (round(group, end)) {
                return;
            }
        } catch (const Error& error) {
            if (error.code() != ErrorCode::unreachable && error.code() != ErrorCode::timeout) {
                throw;
            }
            if (end.expired()) {
                give_up(group, error.message());
                return;
            }
            if (!std::exchange(told, true)) {
                context_.warn("mshvd does not answer and is asked again: " + error.message());
            }
            std::this_thread::sleep_for(milliseconds(200)); // paces: no daemon says it is back
        }
    }
}

bool HostShutdown::round(std::size_t group, posix::Deadline end) {
    auto& client = context_.client();
    // Before the look: what happens after it ends the wait below.
    const auto seen = client.events(newest, 1, {}, milliseconds(0), context_.read_deadline());
    Views views;
    for (auto& view : client.list(true, context_.read_deadline())) {
        views.emplace(view.uuid, view);
    }
    bool done = true;
    for (Item& item : items_) {
        if (item.group == group && item.phase != Phase::finished) {
            step(item, views);
            done = done && item.phase == Phase::finished;
        }
    }
    if (done) {
        return true;
    }
    if (end.expired()) {
        give_up(group, "it had not ended when the time was over");
        return true;
    }
    const milliseconds patience =
        std::clamp(milliseconds(end.poll_timeout()), milliseconds(1), longest_wait);
    (void)client.events(seen.last_seq, 1, {}, patience,
                        posix::Deadline::after(patience + seconds(10)));
    return false;
}

void HostShutdown::step(Item& item, const Views& views) {
    try {
        if (item.phase == Phase::begin) {
            begin(item);
        }
        if (item.phase == Phase::save) {
            save(item);
        }
        if (item.phase == Phase::saving || item.phase == Phase::cancelling) {
            look_at_job(item);
        }
        if (item.phase == Phase::ask) {
            ask(item, views);
        } else if (item.phase == Phase::asked) {
            look_at_end(item, views);
        }
    } catch (const Error& error) {
        if (error.code() == ErrorCode::unreachable || error.code() == ErrorCode::timeout) {
            throw;
        }
        if (error.code() == ErrorCode::not_found) {
            finish(item, HostOutcome::shut_down, "it is gone");
        } else if (error.code() != ErrorCode::busy) { // whose holder is waited for
            finish(item, HostOutcome::failed, error.message());
        }
    }
}

void HostShutdown::begin(Item& item) {
    item.since = std::chrono::steady_clock::now();
    context_.client().note_host_shutdown(selector_of(item), {HostOutcome::begun, plan_of(item)},
                                         context_.read_deadline());
    switch (item.policy.action) {
    case HostAction::leave:
        finish(item, HostOutcome::left);
        break;
    case HostAction::save:
        item.phase = Phase::save;
        item.until = posix::Deadline::after(left(seconds(item.policy.timeout_s)));
        break;
    case HostAction::shutdown:
    case HostAction::destroy:
        item.phase = Phase::ask;
        break;
    }
}

void HostShutdown::save(Item& item) {
    if (!item.request.valid()) {
        if (item.until.expired()) {
            item.detail = "there was no time to save it";
            item.phase = Phase::ask;
            return;
        }
        item.request = std::async(
            std::launch::async, [&globals = context_.globals(), selector = selector_of(item)] {
                Context own(globals);
                return own.client().save(selector, {}, own.operation_deadline());
            });
    }
    if (item.request.wait_for(seconds(0)) != std::future_status::ready) {
        return;
    }
    try {
        item.job = item.request.get().id;
        item.phase = Phase::saving;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::busy || error.code() == ErrorCode::unreachable ||
            error.code() == ErrorCode::timeout || error.code() == ErrorCode::not_found) {
            throw;
        }
        item.detail = "not saved: " + error.message();
        item.phase = Phase::ask;
    }
}

void HostShutdown::look_at_job(Item& item) {
    const auto job = context_.client().job(item.job, milliseconds(0), context_.read_deadline());
    if (job.state == api::JobState::done) {
        finish(item, HostOutcome::saved);
    } else if (job.state != api::JobState::running) {
        item.detail = item.phase == Phase::cancelling ? "the save took too long"
                                                      : "not saved: " + job.message;
        item.phase = Phase::ask;
    } else if (item.phase == Phase::saving && item.until.expired()) {
        item.phase = Phase::cancelling;
        context_.client().cancel_job(item.job, context_.read_deadline());
    }
}

void HostShutdown::ask(Item& item, const Views& views) {
    const auto view = views.find(item.uuid);
    if (view == views.end() || !verbs::is_live(view->second)) {
        finish(item, HostOutcome::shut_down, item.detail);
        return;
    }
    api::ShutdownRequest request;
    request.timeout_s = static_cast<unsigned>(left(seconds(item.policy.timeout_s)).count());
    if (item.policy.action == HostAction::destroy) {
        // By the daemon's ladder, which has no time: nobody here waits for the kill.
        request.timeout_s = 0;
        request.escalate = api::Escalate::destroy;
    }
    try {
        context_.client().shutdown(selector_of(item), request, context_.read_deadline());
    } catch (const Error& error) {
        if (error.code() != ErrorCode::wrong_state) { // somebody is destroying it, or it has ended
            throw;
        }
    }
    item.phase = Phase::asked;
}

void HostShutdown::look_at_end(Item& item, const Views& views) {
    const auto found = views.find(item.uuid);
    if (found == views.end()) {
        finish(item, HostOutcome::shut_down, item.detail);
        return;
    }
    const auto& view = found->second;
    if (!verbs::is_live(view)) {
        finish(item,
               view.reason == api::Reason::destroyed ? HostOutcome::destroyed
                                                     : HostOutcome::shut_down,
               item.detail);
    } else if (view.state == api::State::running || view.state == api::State::paused) {
        finish(item, HostOutcome::left,
               (item.detail.empty() ? "" : item.detail + "; ") +
                   std::string("it did not shut itself down in time"));
    } else if (view.state == api::State::stuck) {
        finish(item, HostOutcome::failed, "it was killed but is stuck in the kernel");
    }
}

void HostShutdown::finish(Item& item, HostOutcome outcome, const std::string& detail) {
    item.outcome = outcome;
    item.detail = detail;
    item.took =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - item.since);
    try {
        context_.client().note_host_shutdown(selector_of(item), {outcome, detail},
                                             context_.read_deadline());
    } catch (const Error& error) {
        if (error.code() != ErrorCode::not_found) {
            throw; // and it is finished once more
        }
    }
    item.phase = Phase::finished;
}

void HostShutdown::give_up(std::size_t group, const std::string& why) {
    for (Item& item : items_) {
        if (item.group == group && item.phase != Phase::finished) {
            item.outcome = HostOutcome::failed;
            item.detail = why;
            item.phase = Phase::finished;
        }
    }
}

} // namespace mshv::ctl
