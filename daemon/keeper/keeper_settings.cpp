// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/keeper.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

namespace mshv::keeper {

/// Where the VMM's threads may run: the present one's and those of later generations.
void Keeper::ask_pin(const Asker& asker, const Message& request) {
    if (phase_ == Phase::finished) {
        control_.error(asker, "wrong_state", "The partition is " + state());
        return;
    }
    std::optional<Affinity> next;
    try {
        next.emplace(request.text("affinity"));
    } catch (const std::exception&) {
        control_.error(asker, "invalid", "Field affinity: unknown value");
        return;
    }
    MSHV_CRASHPOINT("keeper.pin.before");
    if (child_ && monitor_.ready()) {
        try {
            next->apply(child_->identity().pid);
        } catch (const std::exception& error) {
            const std::string why = error.what();
            restore_affinity();
            control_.error(asker, "failed", why);
            return;
        }
    }
    affinity_ = std::move(*next);
    MSHV_CRASHPOINT("keeper.pin.after");
    control_.ok(asker);
}

/// What an attempt has changed before it failed.
void Keeper::restore_affinity() {
    try {
        affinity_.apply(child_->identity().pid);
    } catch (const std::exception& error) {
        notice("The virtual processors are not pinned as before: " + std::string(error.what()));
    }
}

} // namespace mshv::keeper
