// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/rig.hpp"

#include "tests/e2e/lib/guest_xml.hpp"
#include "tests/e2e/lib/installation.hpp"
#include "tests/e2e/lib/notify.hpp"
#include "tests/e2e/lib/processes.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace mshv::bench {
namespace {

/// A line "NAME:  123 kB" of a file below /proc.
double kilobyte_line(const std::string& file, const std::string& name) {
    std::istringstream lines(posix::read_file(file, 1 << 20));
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(name + ":")) {
            return std::strtod(line.c_str() + name.size() + 1, nullptr) * 1024;
        }
    }
    throw std::runtime_error("no " + name + " in " + file);
}

} // namespace

Rig::Rig(Vmm vmm) {
    e2e::adopt_orphans();
    // On a disk, as /tmp may not be, since durable commits are part of what is measured; and short,
    // since sockets lie in it.
    std::string pattern = "/var/tmp/mshv-bench.XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
        posix::throw_errno("make " + pattern);
    }
    root_ = pattern;
    posix::check(::chmod(root_.c_str(), 0755), "chmod");
    notify_ = e2e::notify_socket(path("notify"));
    auto program = e2e::qemu_path();
    if (vmm == Vmm::fake) {
        program = path("fakevmm");
        std::filesystem::copy_file(e2e::fake_vmm_path(), program);
    }
    write_file("mshvd.toml",
               "[paths]\nstate_dir = \"" + path("state") + "\"\nrun_dir = \"" + path("run") +
                   "\"\nlog_dir = \"" + path("log") + "\"\ncache_dir = \"" + e2e::cache_path() +
                   "\"\n[api]\nadmin_group = \"\"\nreader_group = \"\"\n"
                   "[vmm]\nqemu = \"" +
                   program + "\"\nkeeper = \"" + e2e::keeper_path() + "\"\nkernel_image = \"" +
                   e2e::kernel_image_path() + "\"\n[log]\ntarget = \"stderr\"\n");
    start_daemon();
}

Rig::~Rig() {
    try {
        (void)session({"destroy", "--all"}).finish(Deadline::after(60s));
        stop_daemon();
    } catch (const std::exception& error) {
        std::cerr << "clean-up: " << error.what() << "\n";
    }
    daemon_.reset();
    for (const auto& [pid, process] : e2e::descendants()) {
        ::kill(pid, SIGKILL);
    }
    try {
        posix::remove_tree(root_);
    } catch (const std::exception& error) {
        std::cerr << "clean-up: " << error.what() << "\n";
    }
}

void Rig::start_daemon() {
    daemon_.reset();
    daemon_.emplace(e2e::Program(
        {e2e::mshvd_path(), "--config", path("mshvd.toml")},
        {.env = {"NOTIFY_SOCKET=" + path("notify")}, .output_file = path("mshvd.log")}));
    std::array<char, 1024> text{};
    for (std::string said; said.find("READY=1") == std::string::npos;) {
        try {
            posix::wait_for(notify_.get(), 1, Deadline::after(30s), "the daemon's start");
        } catch (const posix::TimedOut& late) {
            throw std::runtime_error(std::string(late.what()) + ": " +
                                     posix::read_file(path("mshvd.log"), 65536));
        }
        const auto n = ::recv(notify_.get(), text.data(), text.size(), 0);
        said.assign(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    }
}

void Rig::kill_daemon() {
    daemon_->signal(SIGKILL);
    (void)daemon_->finish(Deadline::after(10s));
    daemon_.reset();
}

void Rig::stop_daemon() {
    daemon_->signal(SIGTERM);
    (void)daemon_->finish(Deadline::after(10s));
    daemon_.reset();
}

std::vector<std::string> Rig::environment() const {
    return {"MSHV_SOCKET=" + socket()};
}

std::string Rig::ctl(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{e2e::mshvctl_path()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const auto outcome = e2e::run(argv, {.env = environment()});
    if (outcome.status != 0) {
        throw std::runtime_error("mshvctl " + arguments.at(0) + ": " + outcome.err);
    }
    return outcome.out;
}

e2e::Program Rig::session(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{e2e::mshvctl_path()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return e2e::Program(argv, {.env = environment()});
}

http::ClientResponse Rig::get(const std::string& target) {
    return http::Client(socket()).send({.method = "GET", .target = target, .body = {}},
                                       Deadline::after(30s));
}

std::string Rig::write_file(const std::string& name, const std::string& text) {
    posix::replace_file(path(name), text, 0644);
    return path(name);
}

e2e::Json Rig::row(const std::string& name) {
    return e2e::Json::parse(get("/v1/partitions/" + name).body);
}

std::string Rig::define_body(const std::string& name) {
    constexpr std::string_view placeholder = "template-name";
    if (template_.empty()) {
        const e2e::GuestXml guest{.name = std::string(placeholder)};
        const auto file = write_file("template.xml", guest.text());
        template_ = "{\"mode\":\"define\",\"spec\":" +
                    e2e::Json::parse(ctl({"--json", "create", "-n", file}))["spec"].dump() + "}";
    }
    auto body = template_;
    body.replace(body.find(placeholder), placeholder.size(), name);
    return body;
}

double Rig::define_many(int count, int connections, const std::string& prefix) {
    std::vector<std::vector<std::string>> bodies(static_cast<std::size_t>(connections));
    for (int i = 0; i < count; ++i) {
        bodies[static_cast<std::size_t>(i % connections)].push_back(
            define_body(prefix + std::to_string(i)));
    }
    std::vector<std::exception_ptr> faults(bodies.size());
    const auto begin = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < bodies.size(); ++i) {
            threads.emplace_back([&, i] {
                try {
                    http::Client client(socket());
                    for (const auto& body : bodies[i]) {
                        const auto answer = client.send(
                            {.method = "POST", .target = "/v1/partitions", .body = body},
                            Deadline::after(60s));
                        if (answer.status != 201) {
                            throw std::runtime_error("define: " + answer.body);
                        }
                    }
                } catch (...) {
                    faults[i] = std::current_exception();
                }
            });
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    for (const auto& fault : faults) {
        if (fault) {
            std::rethrow_exception(fault);
        }
    }
    return took.count();
}

double resident_bytes(pid_t pid) {
    return kilobyte_line("/proc/" + std::to_string(pid) + "/status", "VmRSS");
}

double proportional_bytes(pid_t pid) {
    return kilobyte_line("/proc/" + std::to_string(pid) + "/smaps_rollup", "Pss");
}

} // namespace mshv::bench
