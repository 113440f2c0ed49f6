// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/clock.hpp"

#include <chrono>
#include <ctime>

namespace mshv::control {
namespace {

class SystemClock final : public Clock {
public:
    [[nodiscard]] std::int64_t wall_ms() const override { return read(CLOCK_REALTIME); }
    [[nodiscard]] std::int64_t boot_ms() const override { return read(CLOCK_BOOTTIME); }

    void wait(posix::Lock& lock, posix::Condition& condition,
              std::int64_t until_boot_ms) const override {
        using namespace std::chrono;
        if (until_boot_ms == never) {
            condition.wait(lock);
            return;
        }
        // At most a minute at a time: the steady clock stands still while the machine sleeps.
        const std::int64_t left = until_boot_ms - boot_ms();
        if (left > 0) {
            const milliseconds span{left < 60'000 ? left : 60'000};
            condition.wait_until(lock, steady_clock::now() + span);
        }
    }

private:
    static std::int64_t read(clockid_t id) {
        timespec now{};
        ::clock_gettime(id, &now);
        return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
    }
};

} // namespace

Clock& system_clock() {
    static SystemClock clock;
    return clock;
}

} // namespace mshv::control
