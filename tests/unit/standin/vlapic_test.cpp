// SPDX-License-Identifier: Apache-2.0
//
// The local APIC in software.
#include "tests/standin/timer/reference_time.hpp"
#include "tests/standin/vlapic/registers.hpp"
#include "tests/standin/vlapic/vlapic.hpp"

#include <boost/test/unit_test.hpp>

namespace mshv::standin::vlapic {
namespace {

constexpr u64 rate = 100'000'000; // ten ticks a unit

struct Apic : Vlapic {
    explicit Apic(u32 id = 0, bool switched_on = true) {
        reset(id, id == 0, true, rate);
        if (switched_on) {
            (void)put(reg::spurious, 0x1FF);
        }
    }
    Effects put(u32 where, u32 value, u64 now = 0) {
        Effects effects;
        BOOST_TEST(write(where, value, now, effects));
        return effects;
    }
    [[nodiscard]] u32 get(u32 where, u64 now = 0) const {
        u32 value = 0;
        BOOST_TEST(read(where, now, value));
        return value;
    }
    bool put_msr(u32 number, u64 value) {
        Effects effects;
        return write_msr(number, value, 0, effects);
    }
    void to_x2apic() { BOOST_TEST(write_base(base() | base_x2apic)); }
    /// What the processor does.
    u32 deliver() {
        const u32 vector = deliverable();
        if (vector != 0) {
            offer(vector);
            accept(vector);
        }
        return vector;
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(standin_vlapic)

BOOST_AUTO_TEST_CASE(begins_switched_off_and_masked) {
    const Apic apic(3, false);
    BOOST_TEST(apic.get(reg::id) == 3U << 24);
    BOOST_TEST(apic.get(reg::version) == 0x50014U);
    BOOST_TEST(apic.get(reg::spurious) == 0xFFU);
    BOOST_TEST(apic.get(reg::lvt_timer) == 0x10000U);
    BOOST_TEST(apic.get(reg::lvt_error) == 0x10000U);
    BOOST_TEST(apic.base() == 0xFEE00800U);
    BOOST_TEST(!apic.bootstrap());
    BOOST_TEST(!apic.accepts_external());
}

BOOST_AUTO_TEST_CASE(takes_nothing_while_switched_off) {
    Apic apic(0, false);
    BOOST_TEST(!apic.post(0x40, false));
    (void)apic.put(reg::spurious, 0x1FF);
    BOOST_TEST(apic.post(0x40, false));
    BOOST_TEST(!apic.post(15, false));
    BOOST_TEST(!apic.post(256, false));
    (void)apic.put(reg::error_status, 0);
    BOOST_TEST(apic.get(reg::error_status) == error_bit::received_illegal_vector);
}

BOOST_AUTO_TEST_CASE(delivers_by_priority) {
    Apic apic;
    for (const u32 vector : {0x31U, 0x52U, 0x51U}) {
        (void)apic.post(vector, false);
    }
    BOOST_TEST(apic.deliver() == 0x52U);
    BOOST_TEST(apic.deliver() == 0U); // the other one is of the same class
    BOOST_TEST(apic.get(reg::processor_priority) == 0x50U);
    (void)apic.post(0x61, false);
    BOOST_TEST(apic.deliver() == 0x61U);
    (void)apic.put(reg::eoi, 0);
    BOOST_TEST(apic.deliver() == 0U);
    (void)apic.put(reg::eoi, 0);
    BOOST_TEST(apic.deliver() == 0x51U);
    (void)apic.put(reg::eoi, 0);
    BOOST_TEST(apic.deliver() == 0x31U);
    (void)apic.put(reg::eoi, 0);
    (void)apic.put(reg::eoi, 0); // of nothing
    BOOST_TEST(apic.deliver() == 0U);
}

BOOST_AUTO_TEST_CASE(task_priority_holds_back) {
    Apic apic;
    (void)apic.post(0x41, false);
    (void)apic.put(reg::task_priority, 0x40);
    BOOST_TEST(apic.deliverable() == 0U);
    BOOST_TEST(apic.held_by_task_priority() == 0x41U);
    apic.set_task_priority_class(4); // as it is: the lower half stays
    BOOST_TEST(apic.task_priority() == 0x40);
    apic.set_task_priority_class(3);
    BOOST_TEST(apic.task_priority() == 0x30);
    BOOST_TEST(apic.deliverable() == 0x41U);
    BOOST_TEST(apic.held_by_task_priority() == 0U);
    // What one in service holds back, the priority does not.
    (void)apic.deliver();
    (void)apic.post(0x42, false);
    (void)apic.put(reg::task_priority, 0x40);
    BOOST_TEST(apic.held_by_task_priority() == 0U);
}

BOOST_AUTO_TEST_CASE(only_level_triggered_ends_are_told) {
    Apic apic;
    (void)apic.post(0x40, true);
    (void)apic.post(0x50, false);
    BOOST_TEST(apic.deliver() == 0x50U);
    BOOST_TEST(!apic.put(reg::eoi, 0).ended_level);
    BOOST_TEST(apic.deliver() == 0x40U);
    const Effects effects = apic.put(reg::eoi, 0);
    BOOST_TEST(effects.ended_level);
    BOOST_TEST(effects.ended_vector == 0x40U);
    (void)apic.post(0x40, false); // the same line as an edge
    (void)apic.deliver();
    BOOST_TEST(!apic.put(reg::eoi, 0).ended_level);
}

BOOST_AUTO_TEST_CASE(alone_is_an_edge_for_which_nothing_waits) {
    Apic apic;
    BOOST_TEST(!apic.requested());
    BOOST_TEST(apic.post(0x51, false));
    BOOST_TEST(apic.requested());
    apic.offer(0x51);
    BOOST_TEST(!apic.requested());
    BOOST_TEST(apic.is_alone(0x51));
    BOOST_TEST(apic.post(0x31, false));
    BOOST_TEST(!apic.is_alone(0x51));
    apic.accept(0x51);
    apic.offer(0x31);
    BOOST_TEST(!apic.is_alone(0x31));
    apic.put(reg::eoi, 0);
    BOOST_TEST(apic.is_alone(0x31));
    apic.withdraw(0x31);
    BOOST_TEST(apic.post(0x31, true));
    apic.offer(0x31);
    BOOST_TEST(!apic.is_alone(0x31));
}

BOOST_AUTO_TEST_CASE(what_is_offered_can_be_requested_once_more) {
    Apic apic;
    BOOST_TEST(apic.post(0x51, false));
    apic.offer(0x51);
    BOOST_TEST(apic.deliverable() == 0U);
    BOOST_TEST(apic.post(0x51, false)); // the guest has taken the first by now, who knows
    apic.accept(0x51);
    BOOST_TEST(apic.deliverable() == 0U); // not before the first one's end
    apic.put(reg::eoi, 0);
    BOOST_TEST(apic.deliver() == 0x51U);
    apic.put(reg::eoi, 0);
    BOOST_TEST(apic.deliverable() == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_not_delivered_is_requested_still) {
    Apic apic;
    BOOST_TEST(apic.post(0x51, false));
    apic.offer(0x51);
    apic.withdraw(0x51);
    BOOST_TEST(apic.deliver() == 0x51U);
    apic.put(reg::eoi, 0);
    BOOST_TEST(apic.deliverable() == 0U);
}

BOOST_AUTO_TEST_CASE(destinations_in_xapic_mode) {
    Apic apic(2);
    BOOST_TEST(apic.matches(2, false));
    BOOST_TEST(apic.matches(0xFF, false));
    BOOST_TEST(!apic.matches(3, false));
    (void)apic.put(reg::logical_destination, 0x04000000);
    BOOST_TEST(apic.matches(0x06, true));
    BOOST_TEST(!apic.matches(0x03, true));
    (void)apic.put(reg::destination_format, 0x0FFFFFFF); // clusters
    (void)apic.put(reg::logical_destination, 0x12000000);
    BOOST_TEST(apic.matches(0x16, true));
    BOOST_TEST(!apic.matches(0x26, true));
    BOOST_TEST(!apic.matches(0x11, true));
}

BOOST_AUTO_TEST_CASE(destinations_in_x2apic_mode) {
    Apic apic(0x23);
    apic.to_x2apic();
    BOOST_TEST(apic.get(reg::id) == 0x23U);
    BOOST_TEST(apic.get(reg::logical_destination) == 0x20008U);
    BOOST_TEST(apic.matches(0x23, false));
    BOOST_TEST(!apic.matches(0xFF, false));
    BOOST_TEST(apic.matches(broadcast, false));
    BOOST_TEST(apic.matches(0x2000C, true));
    BOOST_TEST(!apic.matches(0x10008, true));
}

BOOST_AUTO_TEST_CASE(commands) {
    Apic apic;
    (void)apic.put(reg::icr_high, 0x05000000);
    const Effects effects = apic.put(reg::icr_low, 0x4631);
    BOOST_TEST(effects.sends);
    BOOST_TEST(effects.command.destination == 5U);
    BOOST_TEST(effects.command.mode == mode::startup);
    BOOST_TEST(effects.command.vector == 0x31U);
    BOOST_TEST((effects.command.to == Command::To::destination));
    BOOST_TEST((apic.put(reg::icr_low, 0xC4500).command.to == Command::To::others));
    BOOST_TEST(apic.get(reg::icr_low) == 0xC4500U);
    BOOST_TEST(!apic.put(reg::icr_low, 0x4003).sends); // vector 3
    (void)apic.put(reg::error_status, 0);
    BOOST_TEST(apic.get(reg::error_status) == error_bit::sent_illegal_vector);
}

BOOST_AUTO_TEST_CASE(registers_as_msrs) {
    Apic apic(1);
    u64 value = 0;
    BOOST_TEST(!apic.read_msr(0x802, 0, value)); // not in xAPIC mode
    apic.to_x2apic();
    BOOST_TEST(apic.read_msr(0x802, 0, value));
    BOOST_TEST(value == 1U);
    BOOST_TEST(!apic.put_msr(0x802, 1));
    BOOST_TEST(!apic.put_msr(0x80D, 1));
    BOOST_TEST(!apic.read_msr(0x80E, 0, value)); // no destination format
    BOOST_TEST(!apic.put_msr(0x80B, 1));         // EOI takes 0 only
    BOOST_TEST(apic.put_msr(0x80B, 0));
    BOOST_TEST(!apic.put_msr(0x808, 1ULL << 32));
    Effects effects;
    BOOST_TEST(apic.write_msr(0x830, 0x700000041, 0, effects));
    BOOST_TEST(effects.sends);
    BOOST_TEST(effects.command.destination == 7U);
    BOOST_TEST(apic.read_msr(0x830, 0, value));
    BOOST_TEST(value == 0x700000041U);
    BOOST_TEST(!apic.read_msr(0x831, 0, value));
    effects = {};
    BOOST_TEST(apic.write_msr(0x83F, 0x44, 0, effects));
    BOOST_TEST((effects.command.to == Command::To::self));
    BOOST_TEST(effects.command.vector == 0x44U);
}

BOOST_AUTO_TEST_CASE(modes) {
    Apic apic;
    const u64 normal = apic.base();
    BOOST_TEST(!apic.write_base(normal | 1)); // reserved
    BOOST_TEST(!apic.write_base((normal & ~Vlapic::base_enable) | Vlapic::base_x2apic));
    apic.to_x2apic();
    BOOST_TEST(!apic.write_base(normal)); // back only by switching it off
    BOOST_TEST(apic.write_base(normal & ~Vlapic::base_enable));
    BOOST_TEST(apic.accepts_external()); // it is out of the way
    BOOST_TEST(apic.write_base(normal));
    BOOST_TEST(apic.get(reg::spurious) == 0xFFU);
    Vlapic old;
    old.reset(0, true, false, rate);
    BOOST_TEST(!old.write_base(old.base() | Vlapic::base_x2apic));
}

BOOST_AUTO_TEST_CASE(timer_interrupts_when_due) {
    Apic apic;
    (void)apic.put(reg::timer_divide, 0xB, 100);
    (void)apic.put(reg::lvt_timer, 0x60, 100);
    BOOST_TEST(apic.put(reg::timer_initial, 1000, 100).timer);
    BOOST_TEST(apic.timer_deadline() == 200U);
    BOOST_TEST(apic.get(reg::timer_current, 150) == 500U);
    BOOST_TEST(!apic.expire_timer(199));
    BOOST_TEST(apic.expire_timer(200));
    BOOST_TEST(apic.deliver() == 0x60U);
    BOOST_TEST(apic.timer_deadline() == never);
    (void)apic.put(reg::timer_initial, 1000, 300);
    (void)apic.put(reg::spurious, 0xFF, 310); // off: all masked
    BOOST_TEST(apic.timer_deadline() == never);
    BOOST_TEST((apic.get(reg::lvt_timer, 310) & 0x10000) != 0U);
}

BOOST_AUTO_TEST_CASE(line_of_the_old_controllers) {
    Apic apic;
    BOOST_TEST(!apic.accepts_external());
    (void)apic.put(reg::lvt_lint0, 0x700);
    BOOST_TEST(apic.accepts_external());
    (void)apic.put(reg::lvt_lint0, 0x10700);
    BOOST_TEST(!apic.accepts_external());
    (void)apic.put(reg::lvt_lint0, 0x400);
    BOOST_TEST(!apic.accepts_external());
}

BOOST_AUTO_TEST_CASE(state_is_kept) {
    Apic apic(4);
    (void)apic.put(reg::logical_destination, 0x10000000);
    (void)apic.put(reg::lvt_lint0, 0x700);
    (void)apic.put(reg::timer_divide, 0xB);
    (void)apic.put(reg::lvt_timer, 0x20060); // periodic
    (void)apic.put(reg::timer_initial, 50000);
    (void)apic.post(0x70, true);
    (void)apic.deliver();
    (void)apic.post(0x44, false);
    const State state = apic.state(10);
    BOOST_TEST(state.id == 4U);
    BOOST_TEST(state.lvt_lint0 == 0x700U);
    BOOST_TEST(state.timer_current == 49900U);
    Vlapic other;
    other.reset(0, true, true, rate);
    other.set_state(state, 1000);
    BOOST_TEST(other.id() == 4U);
    BOOST_TEST(other.matches(0x10, true));
    BOOST_TEST(other.accepts_external());
    BOOST_TEST(other.timer_deadline() == 5990U);
    Effects effects;
    other.end_of_interrupt(effects);
    BOOST_TEST(effects.ended_vector == 0x70U);
    BOOST_TEST(other.deliverable() == 0x44U);
}

BOOST_AUTO_TEST_CASE(init_keeps_identity_and_mode) {
    Apic apic(5);
    apic.to_x2apic();
    (void)apic.post(0x70, false);
    apic.init();
    BOOST_TEST(apic.x2apic());
    BOOST_TEST(apic.id() == 5U);
    BOOST_TEST(apic.get(reg::spurious) == 0xFFU);
    (void)apic.put(reg::spurious, 0x1FF);
    BOOST_TEST(apic.deliverable() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::standin::vlapic
