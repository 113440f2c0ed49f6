// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/timer/timer_queue.hpp"

namespace mshv::standin {

void TimerQueue::remove(Timer& timer) {
    for (Timer** link = &head_; *link != nullptr; link = &(*link)->next) {
        if (*link == &timer) {
            *link = timer.next;
            break;
        }
    }
    timer.deadline = never;
    timer.next = nullptr;
}

void TimerQueue::set(Timer& timer, u64 deadline) {
    if (timer.deadline != never) {
        remove(timer);
    }
    if (deadline == never) {
        return;
    }
    Timer** link = &head_;
    while (*link != nullptr && (*link)->deadline <= deadline) {
        link = &(*link)->next;
    }
    timer.deadline = deadline;
    timer.next = *link;
    *link = &timer;
}

Timer* TimerQueue::take(u64 now) {
    Timer* const timer = head_;
    if (timer == nullptr || timer->deadline > now) {
        return nullptr;
    }
    remove(*timer);
    return timer;
}

} // namespace mshv::standin
