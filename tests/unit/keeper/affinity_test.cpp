// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/affinity.hpp"

#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <mutex>
#include <pthread.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>

using namespace mshv::keeper;

namespace {

/// A thread with a name that stands until it is let go.
class Named {
public:
    explicit Named(const char* name) {
        thread_ = std::thread([this, name] {
            ::pthread_setname_np(::pthread_self(), name);
            std::unique_lock lock(mutex_);
            id_ = ::gettid();
            changed_.notify_all();
            changed_.wait(lock, [this] { return done_; });
        });
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return id_ != 0; });
    }
    Named(const Named&) = delete;
    Named& operator=(const Named&) = delete;
    ~Named() {
        {
            const std::scoped_lock lock(mutex_);
            done_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    [[nodiscard]] pid_t id() const { return id_; }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    pid_t id_ = 0;
    bool done_ = false;
    std::thread thread_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(affinity)

BOOST_AUTO_TEST_CASE(only_its_own_words) {
    BOOST_TEST(Affinity("").text().empty());
    BOOST_TEST(Affinity("0:0-3 1:7,9 emulator:2").text() == "0:0-3 1:7,9 emulator:2");
    for (const char* wrong : {"x", "0", "0:", "0:x", ":1", "-1:1", "0:3-1", "0:8192", "0:1  1:1",
                              "emulator:", "0:1,"}) {
        BOOST_CHECK_THROW(Affinity{wrong}, std::invalid_argument);
    }
    BOOST_TEST(!CpuMask::parse("").has_value());
}

// This process stands for a VMM: it has threads with the names that QEMU gives.
BOOST_AUTO_TEST_CASE(threads_get_what_is_theirs) {
    const CpuMask before = CpuMask::of_thread(0);
    const CpuMask first = CpuMask::parse("0").value();
    const Named zero("CPU 0/TCG");
    const Named one("CPU 1/TCG");
    const Named other("IO mon_iothread");
    Affinity("1:0").apply(::getpid());
    BOOST_TEST((CpuMask::of_thread(one.id()) == first));
    BOOST_TEST((CpuMask::of_thread(zero.id()) == before));
    BOOST_TEST((CpuMask::of_thread(other.id()) == before));
    Affinity("0:0").apply(::getpid());
    BOOST_TEST((CpuMask::of_thread(zero.id()) == first));
    BOOST_TEST((CpuMask::of_thread(one.id()) == before));
    // One that the kernel refuses is said.
    BOOST_CHECK_THROW(Affinity("0:8191").apply(::getpid()), std::system_error);
    Affinity("").apply(::getpid());
    BOOST_TEST((CpuMask::of_thread(zero.id()) == before));
}

BOOST_AUTO_TEST_SUITE_END()
