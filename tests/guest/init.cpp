// SPDX-License-Identifier: Apache-2.0
//
// Process 1 of the test guest. It says MSHV-GUEST-HELLO on the console as early as it can, loads
// the drivers that the image brings, and does what the kernel command line's word
//
//     mshv.test=STEP[,STEP]…
//
// tells it, step by step; at the end (and without the word) it keeps a shell on the console.
// Steps: shell · poweroff · reboot · reboot-once · halt · panic · exit:N · hang · count:N · tick:MS
// · sleep:MS · say:WORD · line (waits for a line on the console) · mute (ignore the power button) ·
// qemu-ga (QEMU's own guest agent in the place of the small one, where the image has it).
//
// A power button ends the guest as acpid would, and a guest agent answers on its virtio port: ping,
// sync and shutdown, which is all that the shutdown ladder asks of one.

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace {

bool power_button_muted = false;

void say(std::string_view text) {
    std::string line(text);
    line += '\n';
    std::size_t done = 0;
    while (done < line.size()) {
        const auto written = ::write(STDOUT_FILENO, line.data() + done, line.size() - done);
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            return;
        }
        done += written > 0 ? static_cast<std::size_t>(written) : 0;
    }
}

void pause_for(long milliseconds) {
    timespec left{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
    while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

std::string slurp(const char* path) {
    std::string text;
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return text;
    }
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(fd);
    return text;
}

/// The value of the last `key`=VALUE word of the kernel command line.
std::string cmdline_value(std::string_view cmdline, std::string_view key) {
    std::string value;
    while (!cmdline.empty()) {
        const auto end = cmdline.find_first_of(" \n");
        const auto word = cmdline.substr(0, end);
        if (word.size() > key.size() && word.starts_with(key) && word[key.size()] == '=') {
            value = word.substr(key.size() + 1);
        }
        cmdline = end == std::string_view::npos ? "" : cmdline.substr(end + 1);
    }
    return value;
}

/// Loads what /lib/modules.list names, in its order, which is the order of dependence. A driver
/// whose device is absent does no harm; one that the kernel refuses is reported.
void load_modules() {
    const std::string list = slurp("/lib/modules.list");
    std::string_view rest = list;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        const std::string path = "/lib/drivers/" + std::string(rest.substr(0, end));
        rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0 || (::syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST)) {
            say("guest: cannot load " + path + ": " + std::strerror(errno));
        }
        ::close(fd);
    }
}

/// Makes `path` standard input, output and error, waiting for its driver to appear.
void use_console(const std::string& path) {
    for (int attempt = 0; attempt < 2000; ++attempt) {
        const int fd = ::open(path.c_str(), O_RDWR | O_NOCTTY);
        if (fd >= 0) {
            for (int standard = 0; standard <= 2; ++standard) {
                ::dup2(fd, standard);
            }
            if (fd > 2) {
                ::close(fd);
            }
            return;
        }
        pause_for(1);
    }
}

[[noreturn]] void end(int how, std::string_view word) {
    say(std::string("MSHV-GUEST-END ") + std::string(word));
    ::tcdrain(STDOUT_FILENO);
    ::sync();
    ::reboot(how);
    for (;;) {
        ::pause();
    }
}

/// Presses of the ACPI power button reach user space as KEY_POWER of an input device. The devices
/// are opened before the guest says that it is ready, so that no press is missed from then on.
class PowerButtons {
public:
    PowerButtons() {
        DIR* folder = ::opendir("/dev/input");
        while (const dirent* entry = folder == nullptr ? nullptr : ::readdir(folder)) {
            const std::string path = std::string("/dev/input/") + entry->d_name;
            const int fd = std::strncmp(entry->d_name, "event", 5) == 0
                               ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC)
                               : -1;
            if (fd >= 0 && count_ < 16) {
                buttons_[count_++] = {fd, POLLIN, 0};
            }
        }
        if (folder != nullptr) {
            ::closedir(folder);
        }
    }

    void serve() {
        while (count_ > 0 && ::poll(buttons_, count_, -1) > 0) {
            for (nfds_t i = 0; i < count_; ++i) {
                input_event event{};
                if (buttons_[i].revents == 0 || ::read(buttons_[i].fd, &event, sizeof event) <= 0) {
                    continue;
                }
                if (event.type == EV_KEY && event.value == 1 && event.code == KEY_POWER) {
                    pressed();
                }
            }
        }
    }

private:
    static void pressed() {
        say("MSHV-GUEST-POWER-BUTTON");
        if (!power_button_muted) {
            end(RB_POWER_OFF, "poweroff");
        }
    }

    pollfd buttons_[16]{};
    nfds_t count_ = 0;
};

/// One request of the guest agent protocol to one answer; empty where none is given.
std::string agent_answer(const std::string& request) {
    const auto has = [&](const char* word) { return request.find(word) != std::string::npos; };
    if (has("guest-sync")) {
        const auto id = request.find("\"id\"");
        const auto digits = request.find_first_of("0123456789", id);
        const auto stop = request.find_first_not_of("0123456789", digits);
        const std::string number = request.substr(digits, stop - digits);
        return (has("guest-sync-delimited") ? "\xff" : "") + ("{\"return\": " + number + "}\n");
    }
    if (has("guest-ping")) {
        return "{\"return\": {}}\n";
    }
    if (has("guest-shutdown")) {
        say("MSHV-GUEST-AGENT-SHUTDOWN");
        end(has("reboot") ? RB_AUTOBOOT : RB_POWER_OFF, has("reboot") ? "reboot" : "poweroff");
    }
    return "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"not here\"}}\n";
}

/// The port of `name`: its number is only known from sysfs, since no udev makes links here. Empty
/// when there is none.
std::string find_port(std::string_view name) {
    std::string result;
    if (DIR* folder = ::opendir("/sys/class/virtio-ports")) {
        while (const dirent* entry = ::readdir(folder)) {
            const std::string node = entry->d_name;
            if (slurp(("/sys/class/virtio-ports/" + node + "/name").c_str()).starts_with(name)) {
                result = "/dev/" + node;
            }
        }
        ::closedir(folder);
    }
    return result;
}

/// QEMU's own; its folder for files that outlive it is this one's to choose.
void become_qemu_ga(const std::string& port) {
    ::setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
    ::execl("/usr/sbin/qemu-ga", "qemu-ga", "--method", "virtio-serial", "--path", port.c_str(),
            "--statedir", "/tmp", static_cast<char*>(nullptr));
    say(std::string("guest: cannot run qemu-ga: ") + std::strerror(errno));
}

void serve_agent(bool of_qemu) {
    // The name of a port arrives some time after its driver was loaded.
    std::string path;
    for (int attempt = 0; path.empty() && attempt < 300; ++attempt) {
        path = find_port("org.qemu.guest_agent.0");
        if (path.empty()) {
            pause_for(10);
        }
    }
    if (of_qemu && !path.empty()) {
        become_qemu_ga(path);
        return;
    }
    const int port = path.empty() ? -1 : ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (port >= 0) {
        say("MSHV-GUEST-AGENT");
    }
    std::string line;
    while (port >= 0) {
        char byte = 0;
        const auto n = ::read(port, &byte, 1);
        if (n == 0 || (n < 0 && errno == EAGAIN)) { // nobody at the other end
            pause_for(50);
        } else if (n < 0) {
            return;
        } else if (byte != '\n') {
            line += byte == '\xff' ? ' ' : byte;
        } else if (!line.empty()) {
            const std::string answer = agent_answer(line);
            (void)!::write(port, answer.data(), answer.size());
            line.clear();
        }
    }
}

template <typename Serve>
void in_background(Serve serve) {
    if (::fork() == 0) {
        serve();
        ::_exit(0);
    }
}

/// A shell with the console as its terminal; returns when it exits.
void run_shell() {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::setsid();
        ::ioctl(STDIN_FILENO, TIOCSCTTY, 1);
        ::setenv("PATH", "/bin", 1);
        ::setenv("PS1", "MSHV-GUEST# ", 1);
        ::setenv("TERM", "dumb", 1);
        ::setenv("HOME", "/", 1);
        ::execl("/bin/sh", "sh", "-i", static_cast<char*>(nullptr));
        ::_exit(127);
    }
    int status = 0;
    while (::waitpid(-1, &status, 0) != pid) { // also reaps what others left
    }
}

/// Reboots the first time only. A respawned VMM begins with fresh memory, so what tells the first
/// boot from the second is the first sector of the first disk.
void reboot_once() {
    const int disk = ::open("/dev/vda", O_RDWR | O_SYNC | O_CLOEXEC);
    char sector[512] = {};
    if (disk < 0 || ::pread(disk, sector, sizeof sector, 0) != sizeof sector) {
        say("guest: reboot-once needs a disk");
        return;
    }
    if (std::memcmp(sector, "BOOTED", 6) != 0) {
        std::memcpy(sector, "BOOTED", 6);
        (void)!::pwrite(disk, sector, sizeof sector, 0);
        ::close(disk);
        end(RB_AUTOBOOT, "reboot");
    }
    ::close(disk);
}

void count_to(long last) {
    char text[32];
    for (long number = 1; number <= last; ++number) {
        std::snprintf(text, sizeof text, "N%09ld", number);
        say(text);
    }
    say("MSHV-GUEST-COUNTED");
}

void wait_for_line() {
    say("MSHV-GUEST-WAITS");
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n' && byte != '\r') {
    }
}

void do_step(const std::string& name, const std::string& argument) {
    const long number = std::strtol(argument.c_str(), nullptr, 10);
    if (name == "poweroff") {
        end(RB_POWER_OFF, name);
    } else if (name == "reboot") {
        end(RB_AUTOBOOT, name);
    } else if (name == "halt") {
        end(RB_HALT_SYSTEM, name);
    } else if (name == "reboot-once") {
        reboot_once();
    } else if (name == "panic") {
        say("MSHV-GUEST-END panic");
        ::tcdrain(STDOUT_FILENO);
        const int trigger = ::open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
        (void)!::write(trigger, "c", 1);
    } else if (name == "exit") {
        say("MSHV-GUEST-END exit");
        ::tcdrain(STDOUT_FILENO);
        // Of QEMU's isa-debug-exit.
        constexpr unsigned short port = 0xf4;
        if (::ioperm(port, 4, 1) == 0) {
            ::outl(static_cast<unsigned>(number), port);
        }
        say("guest: there is no exit port");
    } else if (name == "hang") {
        for (;;) {
        }
    } else if (name == "count") {
        count_to(number);
    } else if (name == "tick") {
        for (long tick = 1;; ++tick) {
            say("T" + std::to_string(tick));
            pause_for(number);
        }
    } else if (name == "sleep") {
        pause_for(number);
    } else if (name == "say") {
        say(argument);
    } else if (name == "line") {
        wait_for_line();
    } else if (name != "shell" && name != "mute" && name != "qemu-ga" && !name.empty()) {
        say("guest: unknown step " + name);
    }
}

void do_steps(std::string_view steps) {
    while (!steps.empty()) {
        const auto comma = steps.find(',');
        const std::string step(steps.substr(0, comma));
        steps = comma == std::string_view::npos ? "" : steps.substr(comma + 1);
        const auto colon = step.find(':');
        do_step(step.substr(0, colon), colon == std::string::npos ? "" : step.substr(colon + 1));
    }
}

} // namespace

int main() {
    ::mount("dev", "/dev", "devtmpfs", 0, "");
    ::mount("proc", "/proc", "proc", 0, "");
    ::mount("sys", "/sys", "sysfs", 0, "");
    const std::string cmdline = slurp("/proc/cmdline");
    const std::string console = cmdline_value(cmdline, "console");
    const std::string steps = cmdline_value(cmdline, "mshv.test");
    // hvc0's driver is a module: the console exists only once that is loaded.
    const bool late_console = console.starts_with("hvc");
    if (late_console) {
        load_modules();
        use_console("/dev/" + console);
    } else if (::fcntl(STDOUT_FILENO, F_GETFD) < 0) {
        use_console("/dev/console");
    }
    say("MSHV-GUEST-HELLO");
    if (!late_console) {
        load_modules();
    }
    power_button_muted = steps.find("mute") != std::string::npos;
    PowerButtons buttons;
    in_background([&] { buttons.serve(); });
    in_background([&] { serve_agent(steps.find("qemu-ga") != std::string::npos); });
    say("MSHV-GUEST-READY");
    do_steps(steps);
    for (;;) {
        run_shell();
    }
}
