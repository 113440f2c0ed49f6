// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/keeper/harness.hpp"

#include "toolstack/libs/console/frames.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mshv::keeper::test {

Daemon::Daemon(const std::string& socket_path)
    : socket_(posix::connect_unix(socket_path, soon())) {}

void Daemon::send(const Message& request, const Fd* with) {
    if (with == nullptr) {
        posix::write_all(socket_.get(), encode(request), soon(), "send request");
    } else {
        const std::array<int, 1> fds{with->get()};
        posix::send_with_fds(socket_.get(), encode(request), fds, soon());
    }
}

bool Daemon::receive() {
    std::array<char, 65536> buffer{};
    const auto got = posix::read_some(socket_.get(), buffer, soon(), "keeper");
    input_.append({buffer.data(), got});
    while (const auto line = input_.next()) {
        auto message = decode(*line);
        if (message.word == "superseded") {
            superseded_ = true;
        } else {
            (message.word == "event" ? events_ : answers_).push_back(std::move(message));
        }
    }
    return got > 0;
}

Message Daemon::answer(std::int64_t id) {
    for (;;) {
        const auto found = std::find_if(answers_.begin(), answers_.end(), [&](const auto& message) {
            return message.number("id") == id;
        });
        if (found != answers_.end()) {
            Message message = *found;
            answers_.erase(found);
            return message;
        }
        if (!receive()) {
            throw std::runtime_error("the keeper closed the connection");
        }
    }
}

Message Daemon::ask(Message request, const Fd* with) {
    const auto id = next_id++;
    request.set("id", id);
    send(request, with);
    return answer(id);
}

Message Daemon::hello(std::int64_t since) {
    return ask(Message("hello").set("proto", protocol_version).set("since", since));
}

Message Daemon::event() {
    while (events_.empty()) {
        if (!receive()) {
            throw std::runtime_error("the keeper closed the connection");
        }
    }
    Message event = events_.front();
    events_.pop_front();
    return event;
}

Message Daemon::event(std::string_view kind) {
    for (;;) {
        Message next = event();
        if (next.text("kind") == kind) {
            return next;
        }
    }
}

void Daemon::wait_closed() {
    while (receive()) {
    }
}

Viewer::Viewer(Daemon& daemon, Message options) : raw_(options.flag("raw")) {
    auto [ours, theirs] = posix::socket_pair(SOCK_STREAM);
    options.word = "console";
    if (options.find("who") == nullptr) {
        options.set("who", "tester");
    }
    answer_ = daemon.ask(options, &theirs);
    socket_ = std::move(ours);
    theirs.reset();
    while (answer_.word == "ok" && head.empty() && receive()) {
    }
}

bool Viewer::receive() {
    std::array<char, 65536> buffer{};
    const auto got = posix::read_some(socket_.get(), buffer, soon(), "console");
    pending_.append(buffer.data(), got);
    if (head.empty()) {
        const auto end = pending_.find("\r\n\r\n");
        if (end == std::string::npos) {
            return got > 0;
        }
        head = pending_.substr(0, end);
        pending_.erase(0, end + 4);
    }
    frames();
    return got > 0;
}

void Viewer::frames() {
    using console::FrameType;
    if (raw_) {
        data += std::exchange(pending_, {});
        return;
    }
    std::size_t at = 0;
    while (pending_.size() - at >= console::header_size) {
        const auto header = console::decode_header(std::string_view(pending_).substr(at));
        if (!header) {
            throw std::runtime_error("not a console frame");
        }
        if (pending_.size() - at < console::header_size + header->length) {
            break;
        }
        const std::string payload = pending_.substr(at + console::header_size, header->length);
        at += console::header_size + header->length;
        switch (header->type) {
        case FrameType::data:
            data += payload;
            offset += payload.size();
            break;
        case FrameType::replay_begin:
            first = offset = console::decode_u64(payload);
            break;
        case FrameType::offset:
            offset = console::decode_u64(payload);
            break;
        case FrameType::notice:
            notices += payload + "\n";
            break;
        case FrameType::writer:
            writer = payload;
            break;
        case FrameType::exit:
            exit = payload;
            break;
        default:
            break;
        }
    }
    pending_.erase(0, at);
}

void Viewer::read_until(std::string_view text) {
    std::size_t searched = 0;
    while (data.find(text, searched) == std::string::npos) {
        searched = data.size() - std::min(data.size(), text.size());
        if (!receive()) {
            throw std::runtime_error("the console session ended");
        }
    }
}

void Viewer::read_until_notice(std::string_view text) {
    while (notices.find(text) == std::string::npos) {
        if (!receive()) {
            throw std::runtime_error("the console session ended");
        }
    }
}

void Viewer::read_until_exit() {
    while (exit.empty() && receive()) {
    }
}

void Viewer::type(std::string_view bytes) {
    posix::write_all(socket_.get(),
                     raw_ ? std::string(bytes)
                          : console::encode_frame(console::FrameType::data, bytes),
                     soon(), "type");
}

Partition::Partition(const std::string& append) {
    std::array<char, 32> pattern{"/tmp/mshv-keeper-XXXXXX"};
    folder_ = ::mkdtemp(pattern.data());
    ::chmod(folder_.c_str(), 0711);
    listener_ = posix::listen_unix(folder_ + "/" + socket_file, 0600);
    monitor_ = posix::listen_unix(folder_ + "/qmp.sock", 0600);
    spec.name = "web1";
    spec.uuid = "11111111-2222-3333-4444-555555555555";
    spec.run_dir = spec.log_dir = folder_;
    spec.nonce = "nonce";
    spec.program = MSHV_FAKEVMM_PROGRAM;
    spec.fds = {{5, 3}};
    spec.monitor_source = 5;
    spec.limits = {{"core", 0}};
    spec.policy.delay_ms = 10;
    spec.policy.max_delay_ms = 40;
    spec.console = ConsoleConfig{};
    spec.argv = {"fakevmm",
                 "-chardev",
                 "socket,id=mon0,fd=3,server=on,wait=off",
                 "-qmp",
                 "chardev:mon0",
                 "-chardev",
                 "pipe,id=con0,path=" + folder_ + "/con",
                 "-action",
                 "reboot=shutdown,shutdown=pause,panic=pause",
                 "-S",
                 "-append",
                 append};
}

Partition::~Partition() {
    try {
        if (keeper_ && keeper_->pidfd.alive()) {
            keeper_->pidfd.signal(SIGKILL);
            keeper_->pidfd.wait_ended(soon());
            (void)keeper_->pidfd.reap();
        }
        if (::access((folder_ + "/" + state_file).c_str(), F_OK) == 0) {
            const Message state = record(state_file);
            const auto vmm = posix::PidFd::open(
                {static_cast<pid_t>(state.number("vmm_pid").value_or(0)),
                 static_cast<std::uint64_t>(state.number("vmm_ticks").value_or(0))});
            if (vmm) {
                vmm->signal(SIGKILL);
            }
        }
        posix::remove_tree(folder_);
    } catch (const std::exception& error) {
        BOOST_TEST_MESSAGE("clean-up: " << error.what());
    }
}

Message Partition::record(const char* file) const {
    const auto text = posix::read_file(folder_ + "/" + file, 65536);
    return decode(std::string_view(text).substr(0, text.find('\n')));
}

void Partition::launch() {
    const Fd text = posix::memory_file("spec", encode_spec(spec));
    posix::Command command;
    command.program = MSHV_KEEPER_PROGRAM;
    command.argv = {"mshv-keeper", "run", spec.name, spec.uuid};
    command.env = env;
    command.fds = {
        {2, 2}, {text.get(), spec_fd}, {listener_.get(), listen_fd}, {monitor_.get(), 5}};
    command.new_session = true;
    keeper_ = posix::spawn(command);
    listener_.reset();
    monitor_.reset();
}

std::unique_ptr<Daemon> Partition::connect() {
    return std::make_unique<Daemon>(folder_ + "/" + socket_file);
}

std::unique_ptr<Daemon> Partition::start() {
    launch();
    auto daemon = connect();
    BOOST_TEST(daemon->hello().text("nonce") == "nonce");
    daemon->event("ready");
    BOOST_TEST(daemon->ask(Message("resume")).word == "ok");
    daemon->event("running");
    return daemon;
}

} // namespace mshv::keeper::test
