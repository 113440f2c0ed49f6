// SPDX-License-Identifier: Apache-2.0
#include "tests/fakevmm/device_types.hpp"
#include "tests/fakevmm/drives.hpp"
#include "tests/fakevmm/processors.hpp"
#include "tests/fakevmm/script.hpp"
#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <optional>
#include <poll.h>
#include <set>
#include <string>
#include <string_view>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

/// QEMU's stand-in for tests; README.md has the faults it can be told to show.
namespace {

using namespace mshv::fakevmm;
using mshv::posix::Fd;
using Clock = std::chrono::steady_clock;

class FakeVmm {
public:
    FakeVmm(Arguments arguments, Script script)
        : arguments_(std::move(arguments)), script_(std::move(script)), drives_(arguments_.devices),
          processors_(arguments_.smp),
          fault_at_(script_.has("at") ? script_.text("at") : "query-status") {
        sigset_t caught;
        ::sigemptyset(&caught);
        ::sigaddset(&caught, SIGTERM);
        ::sigprocmask(SIG_BLOCK, &caught, nullptr);
        for (const auto& device : arguments_.devices) {
            devices_.insert(member(device, "id"));
            connected_[member(device, "id")] = member(device, "netdev");
        }
        for (const auto& backend : arguments_.backends) {
            backends_.insert(member(backend, "id"));
        }
        for (const auto& block : arguments_.blocks) {
            blocks_.insert(member(block, "node-name"));
        }
        signals_ = Fd{::signalfd(-1, &caught, SFD_CLOEXEC)};
        if (!arguments_.console.empty()) {
            console_in_ = mshv::posix::open_file(arguments_.console + ".in", O_RDWR | O_NONBLOCK);
            console_out_ = mshv::posix::open_file(arguments_.console + ".out", O_RDWR | O_NONBLOCK);
        }
        if (!arguments_.monitor_listens && arguments_.monitor >= 0) {
            client_ = Fd{arguments_.monitor};
            greet();
        }
        if (!arguments_.stopped) {
            resume();
        }
    }

    int run() {
        while (!exit_) {
            step();
        }
        return *exit_;
    }

private:
    // ---- the loop
    void step() {
        std::vector<pollfd> fds{{signals_.get(), POLLIN, 0}, {-1, 0, 0}, {-1, 0, 0}, {-1, 0, 0}};
        if (client_) {
            fds[1] = {client_.get(), static_cast<short>(flooding_ ? POLLIN | POLLOUT : POLLIN), 0};
        } else if (arguments_.monitor_listens && !script_.has("hang")) {
            fds[1] = {arguments_.monitor, POLLIN, 0};
        }
        if (console_in_) {
            const bool prints = !printed_.empty() || counting_ || flooding_console_;
            fds[2] = {console_in_.get(), POLLIN, 0};
            fds[3] = {console_out_.get(), static_cast<short>(prints ? POLLOUT : 0), 0};
        }
        ::poll(fds.data(), fds.size(), timeout());
        if (fds[0].revents != 0) {
            on_sigterm();
        }
        if (fds[1].revents != 0) {
            on_monitor(fds[1].revents);
        }
        if (fds[2].revents != 0) {
            on_typed();
        }
        if (fds[3].revents != 0) {
            print_some();
        }
        if (event_at_ && Clock::now() >= *event_at_) {
            event_at_.reset();
            guest_event();
        }
    }

    [[nodiscard]] int timeout() const {
        if (!event_at_) {
            return -1;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*event_at_ - Clock::now());
        return left.count() > 0 ? static_cast<int>(left.count()) : 0;
    }

    void on_sigterm() {
        signalfd_siginfo info{};
        if (::read(signals_.get(), &info, sizeof info) > 0 && !script_.has("ignore-sigterm")) {
            shutdown_event("host-signal", false);
            exit_ = 0;
        }
    }

    // ---- the guest
    void resume() {
        status_ = "running";
        event("RESUME", "{}");
        if (std::exchange(started_, true)) {
            return;
        }
        printed_ += "fakevmm runs\n";
        if (script_.has("sleep")) {
            status_ = "suspended";
            event("SUSPEND", "{}");
        }
        counting_ = script_.has("console-count");
        flooding_console_ = script_.has("console-flood");
        for (const char* what : {"poweroff-after", "reboot-after", "panic-after", "exit-after"}) {
            if (script_.has(what)) {
                event_at_ = Clock::now() + std::chrono::milliseconds(script_.number(what, 0));
                guest_does_ = what;
            }
        }
    }

    void guest_event() {
        if (!late_reply_.empty()) {
            send(std::exchange(late_reply_, {}));
        } else if (guest_does_ == "poweroff-after") {
            shutdown_event("guest-shutdown", true);
        } else if (guest_does_ == "reboot-after") {
            shutdown_event("guest-reset", true);
        } else if (guest_does_ == "panic-after") {
            event("GUEST_PANICKED", R"({"action":"pause"})");
            status_ = "guest-panicked";
            event("STOP", "{}");
        } else if (guest_does_ == "exit-after") {
            exit_ = 1;
        }
    }

    void shutdown_event(const std::string& reason, bool guest) {
        event("SHUTDOWN", std::string(R"({"guest":)") + (guest ? "true" : "false") +
                              R"(,"reason":")" + reason + "\"}");
        if (arguments_.pause_at_end) {
            status_ = "shutdown";
            event("STOP", "{}");
        } else {
            exit_ = 0;
        }
    }

    void on_typed() {
        std::array<char, 4096> buffer{};
        const auto got = ::read(console_in_.get(), buffer.data(), buffer.size());
        if (got > 0 && status_ == "running") {
            printed_.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }

    void print_some() {
        while (counting_ && printed_.size() < 4096) {
            std::array<char, 32> line{};
            const long last = script_.number("console-count", 0);
            if (count_ == last) {
                printed_ += "done\n";
                counting_ = false;
                break;
            }
            std::snprintf(line.data(), line.size(), "%08ld\n", count_++);
            printed_ += line.data();
        }
        if (flooding_console_ && printed_.size() < 4096) {
            printed_ += std::string(65536, '.');
        }
        const auto put = ::write(console_out_.get(), printed_.data(), printed_.size());
        if (put > 0) {
            printed_.erase(0, static_cast<std::size_t>(put));
        }
    }

    // ---- the monitor
    void on_monitor(short revents) {
        if (!client_) {
            client_ = Fd{::accept4(arguments_.monitor, nullptr, nullptr, SOCK_CLOEXEC)};
            input_.clear();
            greet();
            return;
        }
        if ((revents & (POLLIN | POLLHUP)) != 0) {
            std::array<char, 4096> buffer{};
            const auto got = ::recv(client_.get(), buffer.data(), buffer.size(), 0);
            if (got <= 0) {
                hang_up();
                return;
            }
            input_.append(buffer.data(), static_cast<std::size_t>(got));
        } else if (flooding_) {
            flood();
        }
        for (auto end = input_.find('\n'); end != std::string::npos && client_ && !exit_;
             end = input_.find('\n')) {
            const std::string line = input_.substr(0, end);
            input_.erase(0, end + 1);
            command(line);
        }
    }

    void hang_up() {
        client_.reset();
        flooding_ = false;
        if (!arguments_.monitor_listens) {
            exit_ = 0;
        }
    }

    void greet() {
        if (script_.has("greeting-missing")) {
            return;
        }
        const std::string greeting =
            R"({"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, )"
            R"("package": "fakevmm"}, "capabilities": ["oob"]}})";
        send(greeting);
        if (script_.has("greeting-twice")) {
            send(greeting);
        }
    }

    void send(const std::string& line) { send_raw(line + "\r\n"); }

    void send_raw(const std::string& bytes) {
        std::string_view rest = bytes;
        while (client_ && !rest.empty()) {
            const auto piece = script_.has("slow") ? rest.substr(0, 1) : rest;
            const auto sent = ::send(client_.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                hang_up();
                return;
            }
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    void event(const std::string& name, const std::string& data) {
        send(R"({"timestamp": {"seconds": 1, "microseconds": 2}, "event": ")" + name +
             R"(", "data": )" + data + "}");
    }

    void flood() {
        if (script_.has("flap")) {
            const bool dozes = script_.has("doze");
            event(dozes ? "SUSPEND" : "STOP", "{}");
            event(dozes ? "WAKEUP" : "RESUME", "{}");
        } else {
            event("RTC_CHANGE", R"({"offset": 99999999999999999999999, "qom-path": "/"})");
        }
    }

    /// What is sent instead of an answer; empty = the script asks for none of these.
    [[nodiscard]] std::string nonsense() const {
        if (script_.has("garbage")) {
            return "this is not JSON\r\n";
        }
        if (script_.has("binary")) {
            return std::string("\x00\xff\xfe\x01\x80\n", 6);
        }
        if (script_.has("half-line")) {
            return R"({"return": {"status)";
        }
        if (script_.has("deep")) {
            return R"({"return": )" + std::string(100000, '[') + "\r\n";
        }
        if (script_.has("huge-line")) {
            return R"({"return": ")" + std::string(8UL << 20U, 'x');
        }
        if (script_.has("dup-keys")) {
            return "{\"return\": {}, \"return\": {}, \"id\": \"k2\"}\r\n";
        }
        return script_.has("bad-utf8") ? "{\"event\": \"\xc3\x28\"}\r\n" : "";
    }

    /// True when the fault has taken the place of the answer.
    bool fault(const std::string& answer) {
        if (script_.has("signal")) {
            const int number = signal_number(script_.text("signal"));
            std::signal(number, SIG_DFL);
            sigset_t all;
            ::sigfillset(&all);
            ::sigprocmask(SIG_UNBLOCK, &all, nullptr);
            ::raise(number);
        }
        if (const auto bytes = nonsense(); !bytes.empty()) {
            send_raw(bytes);
        } else if (script_.has("eof-mid")) {
            send_raw(answer.substr(0, answer.size() / 2));
            hang_up();
        } else if (script_.has("flood") || script_.has("flap")) {
            flooding_ = true;
            return false;
        } else if (script_.has("wrong-id")) {
            send(R"({"return": {}, "id": "somebody else's"})");
        } else if (script_.has("dup-reply")) {
            send(answer);
            send(answer);
        } else if (script_.has("late-reply")) {
            late_reply_ = answer;
            event_at_ = Clock::now() + std::chrono::milliseconds(script_.number("late-reply", 0));
        } else {
            return script_.has("no-reply");
        }
        return true;
    }

    void command(const std::string& line) {
        const std::string name = member(line, "execute");
        const std::string id = member(line, "id");
        silent_ = silent_ || (script_.has("hang-after") && script_.text("hang-after") == name);
        if (silent_) {
            return;
        }
        const std::string tail = id.empty() ? "}" : R"(, "id": ")" + id + "\"}";
        const bool at_fault = name == fault_at_;
        if (at_fault && script_.has("error")) {
            send(R"({"error": {"class": "GenericError", "desc": ")" + script_.text("error") +
                 "\"}" + tail);
            return;
        }
        const auto result = answer(name, line);
        const std::string reply =
            result ? R"({"return": )" + *result + tail
                   : R"({"error": {"class": "CommandNotFound", "desc": "The command )" + name +
                         R"( has not been found"})" + tail;
        if (!at_fault || !fault(reply)) {
            send(reply);
        }
        effect(name);
    }

    /// Empty for a command that is not known.
    std::optional<std::string> answer(const std::string& name, const std::string& line) {
        static const std::map<std::string, std::string> fixed{
            {"qmp_capabilities", "{}"},
            {"cont", "{}"},
            {"stop", "{}"},
            {"system_reset", "{}"},
            {"system_powerdown", "{}"},
            {"quit", "{}"},
            {"inject-nmi", "{}"},
            {"system_wakeup", "{}"},
            {"set-action", "{}"},
            {"block_set_io_throttle", "{}"},
            {"query-chardev", "[]"},
            {"query-version", R"({"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""})"},
            {"query-machines", R"([{"name": "pc-q35-7.2", "alias": "q35"}, {"name": "microvm"},)"
                               R"( {"name": "pc-i440fx-7.2", "alias": "pc"}])"},
            {"query-cpu-definitions", R"([{"name": "max"}, {"name": "host"}, {"name": "qemu64"}])"},
            {"query-commands", R"([{"name": "query-status"}, {"name": "cont"}, {"name": "stop"},)"
                               R"( {"name": "quit"}, {"name": "inject-nmi"}])"},
            {"query-kvm", R"({"enabled": false, "present": false})"}};
        if (name == "query-status") {
            const std::string status = script_.has("lie-status") ? "running" : status_;
            return R"({"running": )" + std::string(status == "running" ? "true" : "false") +
                   R"(, "singlestep": false, "status": ")" + status + "\"}";
        }
        if (name == "qom-list-types") {
            return member(line, "implements") == "accel"
                       ? R"([{"name": "tcg-accel"}, {"name": "kvm-accel"}, {"name": "mshv-accel"}])"
                       : device_types();
        }
        if (name == "balloon") {
            const auto digit = line.find_first_of("0123456789", line.find("\"value\""));
            balloon_ = line.substr(digit, line.find_first_not_of("0123456789", digit) - digit);
            return "{}";
        }
        if (name == "query-balloon") {
            return "{\"actual\": " + balloon_ + "}";
        }
        if (name == "query-cpus-fast") {
            return processors_.threads(devices_);
        }
        if (auto changed = answer_of_devices(name, line)) {
            return changed;
        }
        const auto found = fixed.find(name);
        return found == fixed.end() ? std::nullopt : std::optional(found->second);
    }

    static std::string list_of(const std::set<std::string>& names, const std::string& key,
                               const std::string& quote) {
        std::string list;
        for (const auto& name : names) {
            list +=
                (list.empty() ? "" : ", ") + ("{\"" + key + "\": ") + quote + name + quote + "}";
        }
        return "[" + list + "]";
    }

    std::string blocks() const {
        std::string list;
        for (const auto& name : blocks_) {
            const auto found = sizes_.find(name);
            list += (list.empty() ? "" : ", ") + (R"({"node-name": ")" + name) +
                    R"(", "image": {"virtual-size": )" +
                    (found == sizes_.end() ? "4096" : found->second) + "}}";
        }
        return "[" + list + "]";
    }

    /// The answer to "info network".
    std::string networks() const {
        std::string text;
        for (const auto& backend : backends_) {
            const bool used = std::any_of(connected_.begin(), connected_.end(), [&](const auto& c) {
                return c.second == backend && devices_.contains(c.first);
            });
            text += used ? R"(nic: index=0,type=nic,model=fake\r\n \\ )" : "";
            text += backend + R"(: index=0,type=user,net=10.0.2.0\r\n)";
        }
        return '"' + text + '"';
    }

    /// Devices, blocks and fd sets that come and go. What is in use is not looked at.
    std::optional<std::string> answer_of_devices(const std::string& name, const std::string& line) {
        const std::string given = line.substr(std::min(line.find("\"arguments\""), line.size()));
        const auto set = [&] {
            const auto at = given.find_first_of("0123456789");
            return at == std::string::npos
                       ? std::string("0")
                       : given.substr(at, given.find_first_not_of("0123456789", at) - at);
        };
        if (name == "add-fd") {
            sets_.insert(set());
            return R"({"fd": 9, "fdset-id": )" + set() + "}";
        }
        if (name == "remove-fd") {
            sets_.erase(set());
        } else if (name == "blockdev-add") {
            blocks_.insert(member(given, "node-name"));
        } else if (name == "blockdev-del") {
            blocks_.erase(member(given, "node-name"));
        } else if (name == "device_add") {
            devices_.insert(member(given, "id"));
            connected_[member(given, "id")] = member(given, "netdev");
        } else if (name == "netdev_add") {
            named_.erase(member(given, "fd"));
            backends_.insert(member(given, "id"));
        } else if (name == "netdev_del") {
            backends_.erase(member(given, "id"));
        } else if (name == "getfd") {
            named_.insert(member(given, "fdname"));
        } else if (name == "closefd") {
            named_.erase(member(given, "fdname"));
        } else if (name == "set_link") {
            return backends_.contains(member(given, "name")) ? std::optional<std::string>("{}")
                                                             : std::nullopt;
        } else if (name == "human-monitor-command") {
            return networks();
        } else if (name == "device_del") {
            leaving_ = member(given, "id");
        } else if (name == "qom-list") {
            return list_of(devices_, "name", "\"");
        } else if (name == "query-named-block-nodes") {
            return blocks();
        } else if (name == "block_resize") {
            const auto size = given.find("\"size\":");
            const auto digit = given.find_first_of("0123456789", size);
            sizes_[member(given, "node-name")] =
                given.substr(digit, given.find_first_not_of("0123456789", digit) - digit);
        } else if (name == "query-fdsets") {
            return list_of(sets_, "fdset-id", "");
        } else {
            return name == "query-hotpluggable-cpus" ? processors_.list(devices_)
                                                     : drives_.answer(name, given);
        }
        return "{}";
    }

    void effect(const std::string& name) {
        if (name == "query-status" && script_.has("exit-at-ready")) {
            exit_ = static_cast<int>(script_.number("exit-at-ready", 1));
        } else if (name == "cont") {
            resume();
        } else if (name == "stop" && status_ == "running") {
            status_ = "paused";
            event("STOP", "{}");
            if (script_.has("late-io-error")) { // of a transfer that was under way
                event("BLOCK_IO_ERROR",
                      R"({"device": "vda", "operation": "write", "action": "stop"})");
            }
        } else if (name == "system_wakeup" && status_ == "suspended") {
            status_ = "running";
            event("WAKEUP", "{}");
        } else if (name == "system_reset") {
            shutdown_event("host-qmp-system-reset", false);
        } else if (name == "system_powerdown") {
            event("POWERDOWN", "{}");
            if (!script_.has("ignore-powerdown")) {
                shutdown_event("guest-shutdown", true);
            }
        } else if (name == "device_del") {
            if (const auto gone = processors_.leave(leaving_, devices_); !gone.empty()) {
                event("DEVICE_DELETED", gone);
            }
        } else if (name == "quit" && !script_.has("ignore-quit")) {
            shutdown_event("host-qmp-quit", false);
            exit_ = 0;
        }
    }

    Arguments arguments_;
    Script script_;
    Drives drives_;
    Processors processors_;
    std::string fault_at_;
    Fd signals_, client_, console_in_, console_out_;
    std::string input_, printed_, late_reply_, guest_does_;
    std::string status_ = "prelaunch";
    std::set<std::string> devices_, blocks_, sets_, backends_;
    std::string balloon_ = "268435456";
    std::set<std::string> named_;                  ///< descriptors that nobody took yet
    std::map<std::string, std::string> connected_; ///< by device, its backend
    std::map<std::string, std::string> sizes_;     ///< of blocks, in bytes
    std::string leaving_;
    std::optional<Clock::time_point> event_at_;
    std::optional<int> exit_;
    bool started_ = false, silent_ = false, flooding_ = false;
    bool counting_ = false, flooding_console_ = false;
    long count_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "--version") {
        std::puts("QEMU emulator version 7.2.22 (fakevmm)");
        return 0;
    }
    try {
        Arguments arguments = parse(argc, argv);
        Script script(arguments.append);
        if (script.has("stderr")) {
            std::fprintf(stderr, "%s\n", script.text("stderr").c_str());
        }
        if (script.has("exit-before-ready")) {
            return static_cast<int>(script.number("exit-before-ready", 1));
        }
        return FakeVmm(std::move(arguments), std::move(script)).run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fakevmm: %s\n", error.what());
        return 1;
    }
}
