// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/synic/synic.hpp"
#include "tests/standin/tlfs/msr.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace {

using namespace mshv::standin;
using synic::Interrupts;

void expect(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// The three pages that the guest shares, with nothing that may be written between them.
struct Pages {
    struct alignas(page_size) Page {
        std::uint8_t bytes[page_size];
    };
    Page before, messages, between, flags, also_between, rings, behind;

    [[nodiscard]] bool sound() const {
        for (const Page* page : {&before, &between, &also_between, &behind}) {
            for (const std::uint8_t byte : page->bytes) {
                if (byte != 0) {
                    return false;
                }
            }
        }
        return true;
    }
};

struct Step {
    std::uint8_t what, sint, low, high;
};

std::size_t raised(const Interrupts& interrupts) {
    return static_cast<std::size_t>(interrupts.end() - interrupts.begin());
}

/// One thing that a guest or somebody else does.
void act(synic::Synic& controller, Pages& pages, const Step& step, Interrupts& interrupts) {
    const std::uint32_t sint = step.sint % synic::sint_count;
    const auto number = static_cast<std::uint32_t>(step.low | step.high << 8);
    const auto offset = number % page_size;
    switch (step.what % 9) {
    case 0:
        (void)controller.post(sint, synic::make_message(1U + number, 1, number),
                              synic::Delivery::now, interrupts);
        break;
    case 1:
        (void)controller.signal_event(sint, number % synic::Synic::flags_per_sint, interrupts);
        break;
    case 2:
        (void)controller.ring_doorbell(sint, number, interrupts);
        break;
    case 3:
        controller.on_ring_empty(sint, interrupts);
        break;
    case 4:
        pages.messages.bytes[offset] = step.sint;
        break;
    case 5:
        pages.rings.bytes[offset] = step.sint;
        break;
    case 6:
        pages.flags.bytes[offset] = step.sint;
        break;
    case 7:
        (void)controller.write(hv_msr::sint0 + sint, std::uint64_t{step.high & 15U} << 16 | step.low,
                               interrupts);
        break;
    default:
        (void)controller.write(hv_msr::scontrol + step.sint % 6U, number, interrupts);
    }
}

} // namespace

/// Whatever lies in the pages and in whatever order things happen: nothing is written but the pages, no
/// more interrupts come of one thing than there can be messages, and the controller can be used on.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Pages pages;
    std::memset(&pages, 0, sizeof(pages));
    synic::MessageQueues queues{};
    synic::Synic controller;
    controller.set_pages(address_of(&pages.messages), address_of(&pages.flags),
                         address_of(&pages.rings), &queues);
    Interrupts start;
    for (const std::uint32_t number : {hv_msr::simp, hv_msr::siefp, hv_msr::sirbp, hv_msr::scontrol}) {
        expect(controller.write(number, 1, start));
    }
    for (; size >= sizeof(Step); data += sizeof(Step), size -= sizeof(Step)) {
        Step step{};
        std::memcpy(&step, data, sizeof(step));
        Interrupts interrupts;
        act(controller, pages, step, interrupts);
        expect(raised(interrupts) <= synic::MessageQueues::most + synic::sint_count);
        std::uint32_t waiting = 0;
        for (std::uint32_t sint = 0; sint < synic::sint_count; ++sint) {
            expect(queues.count(sint) <= synic::MessageQueues::most_of_one);
            expect((queues.count(sint) == 0) == (queues.front(sint) == nullptr));
            waiting += queues.count(sint);
        }
        expect(waiting <= synic::MessageQueues::most);
    }
    expect(pages.sound());
    return 0;
}
