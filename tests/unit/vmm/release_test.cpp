// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/process.hpp"
#include "tests/unit/vmm/scene.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/identity.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <boost/test/unit_test.hpp>
#include <sys/socket.h>

namespace {

using namespace mshv;
using posix::Deadline;

Deadline soon() {
    return Deadline::after(std::chrono::seconds(10));
}

/// A keeper of which the hub hears nothing: whoever asks it is the first to learn of its end.
struct Scene {
    test::Folder folder;
    std::shared_ptr<vmm::Hub> hub = std::make_shared<vmm::Hub>([](const std::string&) {});
    posix::Fd keeper;
    std::shared_ptr<vmm::KeeperLink> link;

    Scene() {
        auto [ours, theirs] = posix::socket_pair(SOCK_STREAM);
        keeper = std::move(theirs);
        link = std::make_shared<vmm::KeeperLink>(api::random_uuid(), "i1", folder / "run",
                                                 std::move(ours), posix::PidFd(), false,
                                                 vmm::Intake::live);
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_keeper_that_left_unnoticed_is_released) {
    Scene scene;
    vmm::KeeperProcess process(scene.hub, scene.link, {}, {}, {});
    scene.keeper.reset();
    process.release(soon());
    BOOST_TEST(scene.link->released());
}

BOOST_AUTO_TEST_CASE(a_keeper_that_does_not_answer_is_not_released) {
    Scene scene;
    vmm::KeeperProcess process(scene.hub, scene.link, {}, {}, {});
    BOOST_CHECK_THROW(process.release(Deadline::after(std::chrono::milliseconds(1))), api::Error);
    BOOST_TEST(!scene.link->released());
}
