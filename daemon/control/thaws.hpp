// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace mshv::control {

/// Frozen guests, and their thaw when that is due. What is frozen is in the database before the
/// guest hears of it, so the next daemon thaws what this one froze. Ends with the guest's thaw or
/// its run.
class Thaws {
public:
    explicit Thaws(Core& core) : core_(core) {}

    void start();
    void stop() MSHV_EXCLUDES(mutex_);

    /// One freeze, so that the thaw of an earlier one does not end it.
    using Token = std::uint64_t;

    /// Records that a guest is about to be frozen. Throws Error{wrong_state} when it is already.
    Token begin(const store::PartitionRow& row, std::int64_t due_boot_ms, const std::string& actor,
                const std::string& detail) MSHV_EXCLUDES(mutex_);
    /// The guest has answered, or will not: nobody thaws it before this.
    enum class Freezing { done, in_doubt /** thawed as soon as it answers */ };
    void settle(const api::Uuid& uuid, Freezing how) MSHV_EXCLUDES(mutex_);
    /// Records that it is not frozen any more; nothing when another freeze has come since.
    void end(const api::Uuid& uuid, Token token, std::string_view event, const std::string& actor,
             const std::string& detail) MSHV_EXCLUDES(mutex_);
    struct State {
        Token token = 0;
        std::int64_t due = 0; ///< boot clock
        bool freezing = false;
    };
    /// Empty when it was not frozen by this daemon or one before it.
    [[nodiscard]] std::optional<State> find(const store::PartitionRow& row) const
        MSHV_EXCLUDES(mutex_);

private:
    struct Freeze {
        std::string incarnation;
        Token token = 0;
        std::int64_t due = 0;     ///< boot clock
        std::int64_t attempt = 0; ///< when it is tried next; later than `due` behind a failure
        bool trying = false;      ///< a thread is at it
        bool freezing = false;    ///< the guest has not answered yet
        bool told = false;        ///< the log knows that it does not answer
    };
    using Freezes = std::map<api::Uuid, Freeze>;

    static Freezes read(store::Transaction& t);
    static void write(store::Transaction& t, const Freezes& freezes);
    void run(const std::stop_token& stop) noexcept MSHV_EXCLUDES(mutex_);
    void step(const api::Uuid& uuid) noexcept MSHV_EXCLUDES(mutex_);
    void thaw(const store::PartitionRow& row, Token token);
    void again(const api::Uuid& uuid, const std::string& why) MSHV_EXCLUDES(mutex_);

    Core& core_;
    mutable posix::Mutex mutex_;
    posix::Condition changed_;
    Freezes freezes_ MSHV_GUARDED_BY(mutex_); ///< as in the database
    std::jthread thread_;
};

} // namespace mshv::control
