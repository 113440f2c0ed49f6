// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/census.hpp"
#include "tests/unit/control/world.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <future>
#include <mutex>

namespace mshv::testing {
namespace {

using hostprobe::HypervisorPartition;
using hostprobe::HypervisorPartitions;

/// A hypervisor that has what the test says, and the looks at it.
class Hypervisor {
public:
    void set(std::vector<HypervisorPartition> partitions) {
        posix::Lock lock(mutex_);
        partitions_ = std::move(partitions);
    }
    HypervisorPartitions look() {
        posix::Lock lock(mutex_);
        ++looks_;
        looked_.notify_all();
        HypervisorPartitions found;
        found.known = found.with_processes = true;
        found.root_id = 1;
        found.partitions = partitions_;
        return found;
    }
    /// Moves the clock until it was looked at so often again and the last of it is known.
    void looked(World& world, int times) {
        for (int i = 0; i <= times; ++i) {
            posix::Lock lock(mutex_);
            const int before = looks_;
            const auto deadline = soon();
            while (looks_ == before && !deadline.expired()) {
                // Again, since the pause may begin only now.
                world.clock().advance(world.options.sample_interval.count());
                looked_.wait_until(lock, posix::Deadline::after(std::chrono::milliseconds(1)).point());
            }
            BOOST_REQUIRE(looks_ > before);
        }
    }

private:
    posix::Mutex mutex_;
    posix::Condition looked_;
    int looks_ MSHV_GUARDED_BY(mutex_) = 0;
    std::vector<HypervisorPartition> partitions_ MSHV_GUARDED_BY(mutex_);
};

HypervisorPartition partition(std::uint64_t id, std::int64_t process) {
    HypervisorPartition one;
    one.id = id;
    one.process = process;
    one.vps = 1;
    one.guest_pages = 256;
    one.deposited_pages = 298;
    one.withdrawn_pages = 8;
    return one;
}

api::PartitionList list_of(World& world) {
    api::PartitionList list;
    list.unmanaged = api::decode_partition_rows(
        world.service().list_json(true),
        [&](const api::PartitionView& view) { list.partitions.push_back(view); });
    return list;
}

std::string refusal_of(World& world, const std::string& target) {
    try {
        world.service().destroy(api::Selector::parse(target), {}, tester, at_once());
        return "none";
    } catch (const api::Error& error) {
        return error.message();
    }
}

struct Counted : World {
    Counted() {
        stop_daemon();
        options.partitions = [this] { return hypervisor.look(); };
        options.proc = dir().path("proc");
        start_daemon();
    }
    ~Counted() { stop_daemon(); } // it looks at what is gone before the world
    Hypervisor hypervisor;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(census, Counted)

BOOST_AUTO_TEST_CASE(what_the_hypervisor_has_stands_beside_what_we_run) {
    const auto pid = create("web").runtime.value().vmm_pid;
    hypervisor.set({partition(7, pid)});
    hypervisor.looked(*this, 1);
    const auto view = get("web");
    const auto& runtime = view.runtime.value();
    BOOST_REQUIRE(runtime.hypervisor.has_value());
    BOOST_TEST(runtime.hypervisor->partition_id == 7);
    BOOST_TEST(runtime.hypervisor->vps.value() == 1);
    BOOST_TEST(runtime.hypervisor->guest_memory.value() == 1L << 20);
    BOOST_TEST(runtime.hypervisor->deposited_pages.value() == 298);
    BOOST_TEST(runtime.hypervisor->withdrawn_pages.value() == 8);
    BOOST_TEST(list_of(*this).unmanaged.empty());
    BOOST_TEST(service().counts().hypervisor == "1");
    hypervisor.set({});
    hypervisor.looked(*this, 1);
    const auto after = get("web");
    BOOST_TEST(!after.runtime.value().hypervisor);
}

BOOST_AUTO_TEST_CASE(times_are_summed_over_its_processors) {
    const auto pid = create("web").runtime.value().vmm_pid;
    auto counted = partition(7, pid);
    constexpr std::int64_t ms = 1'000'000; // nanoseconds
    counted.held_pages = 290;
    counted.processors.push_back({0, 500 * ms, 20 * ms, 560 * ms, 30 * ms, 900 * ms, 4});
    counted.processors.push_back({1, std::nullopt, std::nullopt, 70 * ms, 5 * ms, std::nullopt, 3});
    hypervisor.set({counted});
    hypervisor.looked(*this, 1);
    const auto view = get("web");
    const auto& has = view.runtime.value().hypervisor.value();
    BOOST_TEST(has.held_pages.value() == 290);
    BOOST_TEST(has.cpu_time_ms.value() == 590); // of the second, by the root's clock
    BOOST_TEST(has.waiting_ms.value() == 35);
    BOOST_TEST(has.intercepts.value() == 7);
    const auto vcpus = service().vcpus(api::Selector::parse("web"), at_once());
    BOOST_REQUIRE(!vcpus.empty());
    const auto& first = vcpus.front().hypervisor.value();
    BOOST_TEST(first.cpu_time_ms.value() == 520);
    BOOST_TEST(first.halted_ms.value() == 900);
    BOOST_TEST(first.intercepts.value() == 4);
    // A kernel that does not count.
    counted.processors.clear();
    hypervisor.set({counted});
    hypervisor.looked(*this, 1);
    BOOST_TEST(!get("web").runtime.value().hypervisor.value().cpu_time_ms.has_value());
    BOOST_TEST(!service().vcpus(api::Selector::parse("web"), at_once()).front().hypervisor);
}

BOOST_AUTO_TEST_CASE(what_nobody_here_made_is_shown_and_never_touched) {
    const auto pid = create("web").runtime.value().vmm_pid;
    hypervisor.set({partition(2, pid), partition(3, 999'999)});
    hypervisor.looked(*this, 2);
    const auto list = list_of(*this);
    BOOST_TEST(list.partitions.size() == 1U);
    BOOST_REQUIRE(list.unmanaged.size() == 1U);
    BOOST_TEST(list.unmanaged.front().name == "hv:3");
    BOOST_TEST(list.unmanaged.front().process == 999'999);
    BOOST_TEST(list.unmanaged.front().hypervisor.partition_id == 3);
    BOOST_TEST(service().counts().hypervisor == "2, 1 of them not managed here");
    BOOST_TEST(refusal_of(*this, "hv:3") ==
               "Partition hv:3 is not managed here: process 999999 made it");
    BOOST_TEST(refusal_of(*this, "hv:1") == "hv:1 is the root partition, which is never a target");
    BOOST_TEST(refusal_of(*this, "hv:4") == "No partition 'hv:4' exists");
    BOOST_TEST(exists("web"));
    hypervisor.set({partition(2, pid)});
    hypervisor.looked(*this, 1);
    BOOST_TEST(list_of(*this).unmanaged.empty());
}

BOOST_AUTO_TEST_CASE(what_our_keeper_just_started_is_ours) {
    const auto view = define("web");
    const auto write = [&](const std::string& process, const std::string& name,
                           const std::string& text) {
        posix::make_directories(options.proc + '/' + process, 0700);
        posix::replace_file(options.proc + '/' + process + '/' + name, text);
    };
    using namespace std::string_literals;
    const std::string keeper = "mshv-keeper\0run\0web\0"s;
    write("500", "stat", "500 (x) y) S 400 1 1");
    write("400", "cmdline", keeper + api::to_string(view.uuid) + '\0');
    BOOST_TEST((control::started_for(options.proc, 500) == view.uuid));
    hypervisor.set({partition(2, 500)});
    hypervisor.looked(*this, 2);
    BOOST_TEST(list_of(*this).unmanaged.empty());
    // Another daemon's keeper.
    write("400", "cmdline", keeper + "12345678-0000-4000-8000-000000000001\0"s);
    hypervisor.looked(*this, 2);
    BOOST_TEST(list_of(*this).unmanaged.size() == 1U);
    for (const auto& text : {""s, "\0"s, "mshv-keeper"s, "mshv-keeper\0run\0"s, "mshv-keeper\0run"s,
                             keeper, "bash\0run\0web\0"s + api::to_string(view.uuid) + '\0'}) {
        write("400", "cmdline", text);
        BOOST_TEST(!control::started_for(options.proc, 500).has_value());
    }
    write("500", "stat", "500 (x) S");
    BOOST_TEST(!control::started_for(options.proc, 500).has_value());
    BOOST_TEST(!control::started_for(options.proc, 501).has_value());
}

BOOST_AUTO_TEST_CASE(no_query_waits_for_a_kernel_that_is_slow) {
    stop_daemon();
    std::promise<void> asked;
    std::promise<void> answer;
    options.partitions = [&, first = std::make_shared<std::once_flag>()] {
        std::call_once(*first, [&] {
            asked.set_value();
            answer.get_future().wait();
        });
        return hypervisor.look();
    };
    start_daemon();
    asked.get_future().wait();
    create("web");
    BOOST_TEST(list_of(*this).partitions.size() == 1U);
    BOOST_TEST(get("web").runtime.has_value());
    BOOST_TEST(service().counts().hypervisor == "unknown");
    destroy("web");
    answer.set_value();
    stop_daemon();
}

BOOST_AUTO_TEST_CASE(a_kernel_that_says_less_is_no_fault) {
    control::CensusResult census;
    census.why = "/sys/kernel/debug/mshv does not exist";
    BOOST_TEST(control::summary(census) == "unknown (/sys/kernel/debug/mshv does not exist)");
    census.known = true;
    census.total = 3;
    BOOST_TEST(control::summary(census) == "3; the kernel does not say whose");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::testing
