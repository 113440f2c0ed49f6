// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/rest/fake_service.hpp"

#include "toolstack/libs/posix/file.hpp"

namespace mshv::rest::test {

std::vector<posix::Fd> FakeService::console_log(const api::Selector& selector) {
    note("log " + selector.to_string());
    std::vector<posix::Fd> files;
    files.push_back(posix::memory_file("old", "old "));
    files.push_back(posix::memory_file("new", "new"));
    return files;
}

void FakeService::attach_console(const api::Selector& selector, posix::Fd client,
                                 const vmm::ConsoleRequest& request,
                                 const control::Actor& /*actor*/, control::Deadline deadline) {
    note("console " + selector.to_string() + (request.write ? " rw" : " ro") +
         (request.steal ? " steal" : "") + (request.raw ? " raw" : "") +
         (request.replay ? " replay=" + std::to_string(*request.replay) : "") +
         (request.since ? " since=" + std::to_string(*request.since) : "") +
         " early=" + request.early);
    posix::write_all(client.get(), "HTTP/1.1 101 Switching Protocols\r\n\r\nhello", deadline,
                     "test");
}

} // namespace mshv::rest::test
