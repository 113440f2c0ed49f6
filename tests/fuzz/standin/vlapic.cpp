// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vlapic/vlapic.hpp"
#include "tests/standin/vlapic/registers.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace {

using namespace mshv::standin;
using namespace mshv::standin::vlapic;

void expect(bool holds) {
    if (!holds) {
        std::abort();
    }
}

struct Step {
    std::uint8_t what;
    std::uint8_t vector;
    std::uint16_t where;
    std::uint32_t value;
    std::uint32_t later;
};

void check(const Vlapic& apic, u64 now) {
    const u32 vector = apic.deliverable();
    u32 priority = 0;
    expect(apic.read(reg::processor_priority, now, priority));
    expect(vector == 0 || (vector >= 16 && vector >> 4 > priority >> 4));
    expect(vector == 0 || apic.held_by_task_priority() == 0);
    expect(!apic.x2apic() || apic.enabled());
}

void do_step(Vlapic& apic, const Step& step, u64& now) {
    Effects effects;
    u64 value = 0;
    u32 word = 0;
    now += step.later;
    switch (step.what % 8) {
    case 0:
        (void)apic.write(step.where & 0xFF0U, step.value, now, effects);
        break;
    case 1:
        (void)apic.write_msr(0x800U + (step.where & 0xFFU), step.value, now, effects);
        break;
    case 2:
        (void)apic.read(step.where & 0xFFFU, now, word);
        (void)apic.read_msr(0x800U + (step.where & 0xFFU), now, value);
        break;
    case 3:
        (void)apic.post(step.vector, (step.value & 1) != 0);
        break;
    case 4:
        if (apic.deliverable() != 0) {
            apic.take(apic.deliverable());
        }
        break;
    case 5:
        apic.end_of_interrupt(effects);
        break;
    case 6:
        (void)apic.expire_timer(now);
        expect(apic.timer_deadline() > now);
        break;
    default:
        (void)apic.write_base(default_base | (step.value & 0xFFF));
        break;
    }
    expect(!effects.ended_level || effects.ended_vector >= 16);
    expect(!effects.sends || effects.command.vector <= 0xFF);
}

} // namespace

/// Any sequence of what guests and others do: what is delivered is above the processor's priority,
/// and a state that is saved and restored delivers the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Vlapic apic;
    apic.reset(1, true, true, 200'000'000);
    u64 now = 1000;
    for (; size >= sizeof(Step); data += sizeof(Step), size -= sizeof(Step)) {
        Step step{};
        std::memcpy(&step, data, sizeof(step));
        do_step(apic, step, now);
        check(apic, now);
    }
    Vlapic copy;
    copy.reset(1, true, true, 200'000'000);
    (void)copy.write_base(apic.base());
    copy.set_task_priority(apic.task_priority());
    copy.set_state(apic.state(now), now);
    expect(copy.deliverable() == apic.deliverable());
    return 0;
}
