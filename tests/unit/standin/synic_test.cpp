// SPDX-License-Identifier: Apache-2.0
//
// The synthetic interrupt controller: slots, queues, gates, event flags, rings of doorbells.
#include "tests/unit/standin/synic_pages.hpp"

#include <boost/test/unit_test.hpp>
#include <atomic>
#include <thread>

namespace mshv::standin::synic {

std::ostream& operator<<(std::ostream& out, Posted posted) {
    return out << "posted " << int{static_cast<u8>(posted)};
}

namespace {

constexpr u32 some_type = 0x80000010;
constexpr u64 masked = 1U << 16;
constexpr u64 auto_eoi = 1U << 17;
constexpr u64 polling = 1U << 18;

bool is(const std::optional<Vp::Taken>& taken, u64 text, bool pending) {
    return taken && taken->type == some_type && taken->text == text && taken->pending == pending;
}

/// Mostly none, so that two threads meet as often as may be; but there may be one processor alone.
void rest(u32& tries) {
    if (++tries % 256 == 0) {
        std::this_thread::yield();
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(standin_synic)

BOOST_AUTO_TEST_CASE(a_message_lies_in_its_slot_as_the_guest_expects_it) {
    Vp vp;
    vp.switch_on();
    BOOST_TEST(vp.post(2, some_type, 7) == Posted::queued); // SINT2 is masked
    BOOST_TEST(vp.raised().empty());
    BOOST_TEST(vp.post(0, some_type, 0x1122334455667788) == Posted::delivered);
    const u8 head[] = {0x10, 0, 0, 0x80, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x88, 0x77};
    BOOST_TEST(__builtin_memcmp(vp.messages.bytes, head, sizeof(head)) == 0);
    BOOST_TEST(vp.slot(2).type == message_type::none);
    BOOST_TEST((vp.raised() == std::vector<u8>{Vp::vector}));
    BOOST_TEST(is(vp.take(0), 0x1122334455667788, false));
}

BOOST_AUTO_TEST_CASE(messages_wait_for_a_busy_slot_in_order_until_the_end_of_message) {
    Vp vp;
    vp.switch_on();
    BOOST_TEST(vp.post(0, some_type, 1) == Posted::delivered);
    BOOST_TEST(vp.slot(0).flags == 0);
    BOOST_TEST(vp.post(0, some_type, 2) == Posted::queued);
    BOOST_TEST(vp.slot(0).flags == 1);
    BOOST_TEST(vp.post(0, some_type, 3) == Posted::queued);
    BOOST_TEST(vp.raised().size() == 1U);
    BOOST_TEST(is(vp.take(0), 1, true));
    BOOST_TEST(vp.slot(0).type == message_type::none);
    BOOST_TEST(vp.write(hv_msr::eom, 0));
    BOOST_TEST(vp.raised().size() == 1U);
    BOOST_TEST(is(vp.take(0), 2, true)); // the third waits
    BOOST_TEST(vp.write(hv_msr::eom, 0));
    BOOST_TEST(is(vp.take(0), 3, false));
}

BOOST_AUTO_TEST_CASE(the_next_message_brings_those_that_were_held_back) {
    Vp vp;
    vp.switch_on();
    BOOST_TEST(vp.post(0, some_type, 1, Delivery::later) == Posted::queued);
    BOOST_TEST(vp.raised().empty());
    BOOST_TEST(vp.post(0, some_type, 2) == Posted::queued);
    BOOST_TEST(is(vp.take(0), 1, true));
}

BOOST_AUTO_TEST_CASE(a_queue_has_a_bound_and_no_sint_takes_all_the_room) {
    Vp vp;
    vp.switch_on();
    BOOST_TEST(vp.write(hv_msr::sint0 + 1, Vp::vector));
    BOOST_TEST(vp.post(0, some_type, 0) == Posted::delivered);
    for (u64 i = 1; i <= MessageQueues::most_of_one; ++i) {
        BOOST_TEST(vp.post(0, some_type, i) == Posted::queued);
    }
    BOOST_TEST(vp.post(0, some_type, 99) == Posted::no_room);
    BOOST_TEST(vp.post(1, some_type, 1) == Posted::delivered);
    for (u32 i = MessageQueues::most_of_one; i < MessageQueues::most; ++i) {
        BOOST_TEST(vp.post(1, some_type, 2) == Posted::queued);
    }
    BOOST_TEST(vp.post(1, some_type, 3) == Posted::no_room);
    for (u64 i = 0; i <= MessageQueues::most_of_one; ++i) {
        const auto taken = vp.take(0);
        BOOST_TEST((taken && taken->text == i));
        BOOST_TEST(vp.write(hv_msr::eom, 0));
    }
    // A post finds the room that the guest's taking has made, without an end of message.
    BOOST_TEST(vp.post(0, some_type, 5) == Posted::delivered);
}

BOOST_AUTO_TEST_CASE(each_gate_holds_messages_and_lets_them_go) {
    struct Gate {
        u32 number;
        u64 closed, open;
    };
    const Gate gates[] = {{hv_msr::simp, 0, 1}, {hv_msr::sint0, masked | Vp::vector, Vp::vector}};
    for (const Gate& gate : gates) {
        Vp vp;
        vp.switch_on();
        BOOST_TEST(vp.write(gate.number, gate.closed));
        BOOST_TEST(vp.post(0, some_type, 1) == Posted::queued);
        BOOST_TEST(vp.slot(0).type == message_type::none);
        BOOST_TEST(vp.raised().empty());
        BOOST_TEST(vp.write(gate.number, gate.open));
        BOOST_TEST(vp.raised().size() == 1U);
        BOOST_TEST(is(vp.take(0), 1, false));
    }
}

BOOST_AUTO_TEST_CASE(a_controller_that_is_off_takes_nothing_and_forgets_what_waits) {
    Vp vp;
    BOOST_TEST(vp.post(0, some_type, 1) == Posted::off);
    vp.switch_on();
    BOOST_TEST(vp.post(0, some_type, 1) == Posted::delivered);
    BOOST_TEST(vp.post(0, some_type, 2) == Posted::queued);
    BOOST_TEST(vp.write(hv_msr::scontrol, 0));
    BOOST_TEST(vp.post(0, some_type, 3) == Posted::off);
    BOOST_TEST(vp.write(hv_msr::scontrol, 1));
    BOOST_TEST(is(vp.take(0), 1, true));
    BOOST_TEST(vp.write(hv_msr::eom, 0));
    BOOST_TEST(!vp.take(0).has_value());
}

BOOST_AUTO_TEST_CASE(registers_are_the_guests_as_far_as_they_may_be) {
    Vp vp;
    BOOST_TEST(vp.read(hv_msr::sversion) == 1U);
    BOOST_TEST(vp.read(hv_msr::sint15) == masked);
    BOOST_TEST(!vp.write(hv_msr::sversion, 1));
    BOOST_TEST(!vp.write(hv_msr::sint0 + 3, 15));
    BOOST_TEST(vp.write(hv_msr::sint0 + 3, masked | 15));
    BOOST_TEST(vp.write(hv_msr::sint0 + 3, 16));
    BOOST_TEST(vp.read(hv_msr::sint0 + 3) == 16U);
    BOOST_TEST(vp.write(hv_msr::simp, ~0ULL));
    BOOST_TEST(vp.read(hv_msr::simp) == (address_of(&vp.messages) | 1));
    BOOST_TEST(!vp.write(hv_msr::sint15 + 1, 0));
    u64 value = 0;
    BOOST_TEST(!vp.synic.read(hv_msr::sint15 + 1, value));
}

BOOST_AUTO_TEST_CASE(polling_and_automatic_end_of_interrupt) {
    Vp vp;
    vp.switch_on();
    BOOST_TEST(vp.write(hv_msr::sint0, polling | auto_eoi | 0x41));
    BOOST_TEST(vp.post(0, some_type, 1) == Posted::delivered);
    BOOST_TEST(vp.raised().empty());
    BOOST_TEST(is(vp.take(0), 1, false));
    BOOST_TEST(vp.synic.ends_itself(0x41));
    BOOST_TEST(!vp.synic.ends_itself(Vp::vector));
    BOOST_TEST(vp.write(hv_msr::sint0, masked | auto_eoi | 0x41));
    BOOST_TEST(!vp.synic.ends_itself(0x41));
}

BOOST_AUTO_TEST_CASE(an_event_flag_interrupts_once_until_it_is_taken) {
    Vp vp;
    vp.switch_on();
    const auto signal = [&vp](u32 flag) { return vp.synic.signal_event(0, flag, vp.interrupts); };
    BOOST_TEST(signal(2047));
    BOOST_TEST(signal(2047));
    BOOST_TEST(vp.raised().size() == 1U);
    BOOST_TEST(vp.flags.bytes[255] == 0x80);
    BOOST_TEST(!vp.synic.signal_event(1, 0, vp.interrupts)); // masked
    BOOST_TEST(vp.write(hv_msr::siefp, 0));
    BOOST_TEST(!signal(1));
}

BOOST_AUTO_TEST_CASE(a_doorbell_is_told_at_sint0_unless_the_guest_is_at_it_already) {
    Vp vp;
    vp.switch_on();
    const auto ring = [&vp](u32 port) {
        return vp.synic.ring_doorbell(doorbell_sint, port, vp.interrupts);
    };
    BOOST_TEST(ring(11));
    BOOST_TEST(ring(12));
    BOOST_TEST(vp.raised().size() == 1U); // the second waits for the slot
    const auto first = vp.take(0);
    BOOST_TEST((first && first->type == message_type::sint_intercept && first->text == 5 &&
                first->pending));
    BOOST_TEST(vp.next_port(doorbell_sint) == 11U);
    BOOST_TEST(vp.write(hv_msr::eom, 0));
    BOOST_TEST(vp.raised().size() == 1U);
    BOOST_TEST((vp.take(0).has_value()));
    BOOST_TEST(vp.next_port(doorbell_sint) == 12U);
    vp.rings.bytes[doorbell_sint * EventRing::size] = 1;
    BOOST_TEST(ring(13));
    BOOST_TEST(vp.raised().empty());
    BOOST_TEST(vp.next_port(doorbell_sint) == 13U);
    BOOST_TEST(vp.next_port(doorbell_sint) == 0U);
    BOOST_TEST(!ring(0));
    BOOST_TEST(vp.write(hv_msr::sirbp, 0));
    BOOST_TEST(!ring(1));
}

BOOST_AUTO_TEST_CASE(a_full_ring_is_marked_and_goes_on_where_it_was_full) {
    Vp vp;
    vp.switch_on();
    const auto ring = [&vp](u32 port) {
        return vp.synic.ring_doorbell(doorbell_sint, port, vp.interrupts);
    };
    const u32 all = EventRing::places + EventRing::most_held;
    for (u32 port = 1; port <= all; ++port) {
        BOOST_TEST(ring(port));
    }
    BOOST_TEST(ring(all)); // held already
    BOOST_TEST(!ring(all + 1));
    BOOST_TEST(vp.rings.bytes[doorbell_sint * EventRing::size + 1] == 1);
    for (u32 port = 1; port <= all; ++port) {
        BOOST_TEST(vp.next_port(doorbell_sint) == port);
    }
    BOOST_TEST(vp.next_port(doorbell_sint) == 0U);
}

BOOST_AUTO_TEST_CASE(who_switches_the_rings_on_begins_at_the_first_place) {
    Vp vp;
    vp.switch_on();
    BOOST_TEST(vp.synic.ring_doorbell(doorbell_sint, 7, vp.interrupts));
    BOOST_TEST(vp.next_port(doorbell_sint) == 7U);
    BOOST_TEST(vp.write(hv_msr::sirbp, 0));
    vp.tail = 0;
    BOOST_TEST(vp.write(hv_msr::sirbp, 1));
    BOOST_TEST(vp.synic.ring_doorbell(doorbell_sint, 8, vp.interrupts));
    BOOST_TEST(vp.next_port(doorbell_sint) == 8U);
}

BOOST_AUTO_TEST_CASE(no_message_is_lost_between_two_processors) {
    constexpr u64 all = 20'000;
    Vp vp;
    vp.switch_on();
    std::atomic<u64> had = 0;
    std::atomic<bool> wrong = false;
    std::thread guest([&vp, &had, &wrong] {
        for (u32 tries = 0; had < all;) {
            const auto taken = vp.take(0);
            if (!taken) {
                rest(tries);
                continue;
            }
            wrong = wrong || taken->text != had || taken->type != some_type;
            ++had;
            if (taken->pending) {
                Interrupts interrupts;
                (void)vp.synic.write(hv_msr::eom, 0, interrupts);
            }
        }
    });
    // Two at a time: behind them comes nothing that could bring along what got stuck.
    for (u64 i = 0; i < all; i += 2) {
        vp.interrupts = {};
        (void)vp.post(0, some_type, i);
        (void)vp.post(0, some_type, i + 1);
        for (u32 tries = 0; had < i + 2;) {
            rest(tries);
        }
    }
    guest.join();
    BOOST_TEST(!wrong);
    BOOST_TEST(vp.queues.count(0) == 0U);
}

BOOST_AUTO_TEST_CASE(no_doorbell_is_lost_between_two_processors) {
    constexpr u32 all = 20'000;
    Vp vp;
    vp.switch_on();
    std::atomic<bool> wrong = false;
    std::thread guest([&vp, &wrong] {
        for (u32 expected = 1; expected <= all;) {
            // As the interrupt does it: only a message sends the guest to the ring.
            const auto taken = vp.take(0);
            if (!taken) {
                std::this_thread::yield();
                continue;
            }
            for (u32 port = vp.next_port(doorbell_sint); port != 0;
                 port = vp.next_port(doorbell_sint)) {
                wrong = wrong || port != expected++;
            }
            if (taken->pending) {
                Interrupts interrupts;
                (void)vp.synic.write(hv_msr::eom, 0, interrupts);
            }
        }
    });
    for (u32 port = 1; port <= all;) {
        vp.interrupts = {};
        if (vp.synic.ring_doorbell(doorbell_sint, port, vp.interrupts)) {
            ++port;
        } else {
            std::this_thread::yield();
        }
    }
    guest.join();
    BOOST_TEST(!wrong);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::standin::synic
