// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/launch.hpp"

#include "daemon/vmm/files.hpp"
#include "daemon/vmm/keeper_text.hpp"
#include "daemon/vmm/proc.hpp"
#include "daemon/vmm/process.hpp"
#include "daemon/vmm/seed.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/random.h>
#include <system_error>
#include <unistd.h>

namespace mshv::vmm {
namespace {

using domain::LaunchPlan;

std::string random_nonce() {
    std::array<unsigned char, 16> bytes{};
    posix::check(::getrandom(bytes.data(), bytes.size(), 0), "getrandom");
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : bytes) {
        text += digits[byte >> 4U];
        text += digits[byte & 0xfU];
    }
    return text;
}

/// What the keeper inherits: descriptors here, their numbers there.
class Inheritance {
public:
    /// For the VMM as `target`; returns its number in the keeper.
    int for_vmm(Fd fd, int target) {
        const int source = next_++;
        mappings_.push_back({fd.get(), source});
        vmm_.push_back({source, target});
        held_.push_back(std::move(fd));
        return source;
    }
    void for_keeper(Fd fd, int number) {
        mappings_.push_back({fd.get(), number});
        held_.push_back(std::move(fd));
    }
    [[nodiscard]] const std::vector<posix::Command::FdMapping>& mappings() const {
        return mappings_;
    }
    [[nodiscard]] const std::vector<keeper::FdMap>& vmm() const { return vmm_; }
    /// Closes the daemon's copies: a dead keeper must leave nobody behind its sockets.
    void close() { held_.clear(); }

private:
    int next_ = keeper::first_free_fd;
    std::vector<posix::Command::FdMapping> mappings_;
    std::vector<keeper::FdMap> vmm_;
    std::vector<Fd> held_;
};

void make_run_folder(const LaunchPlan& plan) {
    const std::string parent = plan.run_dir.substr(0, plan.run_dir.rfind('/'));
    MSHV_CRASHPOINT("vmm.run_folder.before_make");
    // The parent goes away with the last incarnation in it, perhaps at this very moment.
    for (int attempt = 0;; ++attempt) {
        make_folder(parent, 0711, Existing::accept);
        try {
            make_folder(plan.run_dir, 0711, Existing::refuse);
            break;
        } catch (const std::system_error& error) {
            if (error.code() != std::errc::no_such_file_or_directory || attempt == 10) {
                throw;
            }
        }
    }
    MSHV_CRASHPOINT("vmm.run_folder.after_make");
    // The one place below it where the VMM's user may make something (its VNC socket).
    const std::string own = plan.run_dir + "/vmm";
    make_folder(own, 0700, Existing::refuse);
    if (plan.user) {
        posix::check(::chown(own.c_str(), plan.user->uid, plan.user->gid), "give away " + own);
    }
}

std::vector<keeper::Limit> limits_of(const LaunchPlan& plan) {
    std::vector<keeper::Limit> limits{{"core", 0}, {"nofile", 4096}};
    const bool locks =
        std::find(plan.argv.begin(), plan.argv.end(), "mem-lock=on") != plan.argv.end();
    if (locks || plan.accelerator == api::Accelerator::mshv) {
        limits.push_back({"memlock", -1}); // guest memory is pinned
    }
    return limits;
}

keeper::LaunchSpec spec_of(const LaunchPlan& plan, const std::vector<std::string>& argv,
                           const std::string& nonce) {
    keeper::LaunchSpec spec;
    spec.name = plan.name;
    spec.uuid = api::to_string(plan.uuid);
    spec.run_dir = plan.run_dir;
    spec.log_dir = plan.log_dir;
    spec.nonce = nonce;
    spec.program = plan.program;
    spec.argv = argv;
    spec.first_argv = plan.first_argv;
    spec.env = plan.env;
    if (plan.user) {
        spec.user = keeper::User{plan.user->uid, plan.user->gid, {}};
        for (const auto group : plan.user->groups) {
            spec.user->groups.push_back(group);
        }
    }
    spec.limits = limits_of(plan);
    spec.setup = plan.setup;
    spec.affinity = plan.affinity;
    spec.policy = to_policy(plan.policy);
    if (plan.console) {
        spec.console = keeper::ConsoleConfig{static_cast<std::int64_t>(plan.console->ring),
                                             static_cast<std::int64_t>(plan.console->log_size),
                                             plan.console->log_keep};
    }
    return spec;
}

/// argv with the paths that the VMM's user can read.
std::vector<std::string> stage_paths(const LaunchPlan& plan) {
    auto argv = plan.argv;
    for (std::size_t i = 0; i < plan.readable_paths.size(); ++i) {
        const auto& entry = plan.readable_paths[i];
        argv.at(entry.argument) =
            make_readable(entry.path, plan.run_dir + "/staged" + std::to_string(i), plan.user);
    }
    return argv;
}

std::string kernel_of(const std::vector<std::string>& argv) {
    const auto option = std::find(argv.begin(), argv.end(), "-kernel");
    return option == argv.end() || option + 1 == argv.end() ? std::string() : *(option + 1);
}

void open_everything(const HostOptions& options, const LaunchPlan& plan, Inheritance& inheritance,
                     keeper::LaunchSpec& spec, Deadline deadline) {
    inheritance.for_keeper(posix::listen_unix(plan.run_dir + "/" + keeper::socket_file, 0600),
                           keeper::listen_fd);
    spec.monitor_source = inheritance.for_vmm(
        posix::listen_unix(plan.run_dir + "/qmp.sock", 0600, 1), plan.monitor_target);
    if (plan.agent_target) {
        (void)inheritance.for_vmm(posix::listen_unix(plan.run_dir + "/agent.sock", 0600, 1),
                                  *plan.agent_target);
    }
    for (const auto& copy : plan.copies) {
        copy_template(copy);
    }
    if (plan.seed) {
        make_seed(options.seed_maker, *plan.seed, deadline);
    }
    for (const auto& file : plan.files) {
        (void)inheritance.for_vmm(open_disk(file), file.target);
    }
    for (const auto& tap : plan.taps) {
        (void)inheritance.for_vmm(make_tap(options.open_tap, tap), tap.target);
    }
    spec.fds = inheritance.vmm();
    inheritance.for_keeper(posix::memory_file("launch-spec", keeper::encode_spec(spec)),
                           keeper::spec_fd);
    inheritance.for_keeper(
        posix::open_file(plan.run_dir + "/keeper.log", O_WRONLY | O_CREAT | O_APPEND, 0600), 2);
}

posix::Child spawn_keeper(const HostOptions& options, const LaunchPlan& plan,
                          const Inheritance& inheritance) {
    posix::Command command;
    command.program = options.keeper;
    command.argv = {"mshv-keeper", "run", plan.name, api::to_string(plan.uuid)};
    command.env = {"LC_ALL=C"};
#ifdef MSHV_CRASHPOINTS
    // Tests reach into keepers by a variable of its own: the daemon's crash points are not theirs.
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment
    if (const char* point = std::getenv("MSHV_KEEPER_CRASHPOINT")) {
        command.env.push_back(std::string("MSHV_CRASHPOINT=") + point);
    }
#endif
    command.fds = inheritance.mappings();
    command.new_session = true;
    const Fd group = options.open_group ? options.open_group(plan.uuid) : Fd{};
    command.cgroup = group ? group.get() : -1;
    MSHV_CRASHPOINT("vmm.keeper.before_spawn");
    auto child = posix::spawn(command);
    MSHV_CRASHPOINT("vmm.keeper.after_spawn");
    return child;
}

/// Undoes a launch that did not come through.
class LaunchGuard {
public:
    explicit LaunchGuard(std::string run_dir) : run_dir_(std::move(run_dir)) {}
    LaunchGuard(const LaunchGuard&) = delete;
    LaunchGuard& operator=(const LaunchGuard&) = delete;
    LaunchGuard(LaunchGuard&&) = delete;
    LaunchGuard& operator=(LaunchGuard&&) = delete;
    ~LaunchGuard() {
        if (!armed_) {
            return;
        }
        try {
            end_remains(run_dir_, keeper_ ? &keeper_ : nullptr,
                        Deadline::after(std::chrono::seconds(10)));
            if (keeper_) {
                (void)keeper_.reap();
            }
        } catch (const std::exception&) { // NOLINT: the search for leftovers takes it from here
        }
    }
    void holds(posix::PidFd keeper) { keeper_ = std::move(keeper); }
    void disarm() { armed_ = false; }

private:
    std::string run_dir_;
    posix::PidFd keeper_;
    bool armed_ = true;
};

std::string last_line_of(const std::string& path) {
    try {
        std::string text = posix::read_file(path, 64UL * 1024);
        while (!text.empty() && text.back() == '\n') {
            text.pop_back();
        }
        return api::escape_terminal(text.substr(text.rfind('\n') + 1));
    } catch (const std::system_error&) {
        return {};
    }
}

/// Says hello and waits for the VMM's first answer.
void wait_for_vmm(KeeperLink& link, const LaunchPlan& plan, const std::string& nonce,
                  Deadline deadline) {
    try {
        const auto answer = link.ask(
            keeper::Message("hello").set("proto", keeper::protocol_version).set("since", 0),
            "start the keeper", deadline);
        if (answer.text("nonce") != nonce) {
            throw api::Error(api::ErrorCode::failed, "Another keeper answers in " + plan.run_dir);
        }
        const auto event = link.wait_started(deadline);
        if (event.kind == KeeperEvent::Kind::ready) {
            return;
        }
        throw api::Error(api::ErrorCode::failed, "The VMM did not start: " + event.detail);
    } catch (const posix::TimedOut& late) {
        throw api::Error(api::ErrorCode::timeout,
                         "The VMM did not start in the time allowed: " + std::string(late.what()),
                         "the host may be overloaded; try a longer --timeout");
    }
}

std::unique_ptr<VmmProcess> start(const HostOptions& options, const std::shared_ptr<Hub>& hub,
                                  const LaunchPlan& plan, LaunchGuard& guard, Deadline deadline) {
    const LaunchNote note{plan.accelerator, plan.vmm_version, plan.agent_target.has_value(),
                          kernel_of(plan.argv)};
    write_launch_note(plan.run_dir, note);
    if (plan.console) {
        posix::make_directories(plan.log_dir, 0700);
    }
    KeeperRecord record{plan.run_dir, random_nonce(), {}, posix::boot_id()};
    auto spec = spec_of(plan, stage_paths(plan), record.nonce);
    Inheritance inheritance;
    open_everything(options, plan, inheritance, spec, deadline);
    auto child = spawn_keeper(options, plan, inheritance);
    record.keeper = child.identity;
    guard.holds(posix::PidFd{
        Fd{posix::check(::fcntl(child.pidfd.fd(), F_DUPFD_CLOEXEC, 0), "duplicate pidfd")}});
    inheritance.close();
    auto socket = posix::connect_unix(plan.run_dir + "/" + keeper::socket_file, deadline);
    auto link = std::make_shared<KeeperLink>( // shared with the hub's thread
        plan.uuid, plan.incarnation, plan.run_dir, std::move(socket), std::move(child.pidfd), true,
        Intake::launching);
    try {
        hub->add(link);
        wait_for_vmm(*link, plan, record.nonce, deadline);
    } catch (const api::Error& error) {
        hub->remove(*link);
        const std::string words = last_line_of(plan.run_dir + "/keeper.log");
        auto copy = error;
        throw words.empty() ? copy : copy.because(words);
    } catch (...) {
        hub->remove(*link);
        throw;
    }
    link->end_launch();
    return std::make_unique<KeeperProcess>(hub, link, record, note, options.open_tap);
}

/// The keeper behind a run folder's socket, asked directly: it has been started and has written
/// nothing yet. Empty when nobody holds the socket any more.
std::optional<posix::PidFd> ask_who(const std::string& run_dir, Deadline deadline) {
    try {
        const auto socket = posix::connect_unix(run_dir + "/" + keeper::socket_file, deadline);
        const auto hello = keeper::Message("hello")
                               .set("proto", keeper::protocol_version)
                               .set("since", 0)
                               .set("id", 1);
        posix::write_all(socket.get(), keeper::encode(hello), deadline, "hello to a keeper");
        keeper::LineBuffer lines;
        std::array<char, 4096> buffer{};
        for (;;) {
            const auto got =
                posix::read_some(socket.get(), buffer, deadline, "answer of a leftover keeper");
            if (got == 0) {
                return std::nullopt;
            }
            lines.append({buffer.data(), got});
            while (const auto line = lines.next()) {
                const auto answer = keeper::decode(*line);
                if (answer.word == "ok") {
                    return posix::PidFd::open(to_status(answer).keeper);
                }
            }
        }
    } catch (const std::system_error&) {
        return std::nullopt; // no such socket, or nobody behind it
    } catch (const keeper::ProtocolError& error) {
        throw api::Error(api::ErrorCode::failed,
                         "What answers in " + run_dir + " is no keeper: " + error.what());
    }
}

} // namespace

void end_remains(const std::string& run_dir, const posix::PidFd* keeper, Deadline deadline) {
    const auto end = [&](const posix::PidFd& process, pid_t pid) {
        process.signal(SIGKILL);
        try {
            process.wait_ended(deadline);
        } catch (const posix::TimedOut&) {
            throw api::Error(api::ErrorCode::timeout,
                             "A leftover process does not end: " + describe_stuck(pid));
        }
    };
    // The keeper first: while it lives it may start another VMM. A VMM is recorded in the state
    // file before it is executed, so what the file says after the keeper's end is all there is.
    const std::string boot = posix::boot_id();
    if (keeper != nullptr) {
        end(*keeper, 0);
    } else if (const auto state = read_keeper_state(run_dir);
               state && state->keeper && state->boot_id == boot) {
        if (const auto process = posix::PidFd::open(*state->keeper)) {
            end(*process, state->keeper->pid);
        }
    } else if (!state) {
        if (const auto process = ask_who(run_dir, deadline)) {
            end(*process, 0);
        }
    }
    if (const auto state = read_keeper_state(run_dir);
        state && state->vmm && state->boot_id == boot) {
        if (const auto process = posix::PidFd::open(*state->vmm)) {
            end(*process, state->vmm->pid);
        }
    }
    remove_run_folder(run_dir);
}

std::unique_ptr<VmmProcess> launch_plan(const HostOptions& options, const std::shared_ptr<Hub>& hub,
                                        const LaunchPlan& plan, Deadline deadline) {
    try {
        make_run_folder(plan);
        LaunchGuard guard(plan.run_dir);
        auto process = start(options, hub, plan, guard, deadline);
        guard.disarm();
        return process;
    } catch (const std::system_error& error) {
        const bool missing = error.code() == std::errc::no_such_file_or_directory;
        throw api::Error(error.code() == std::errc::too_many_files_open ||
                                 error.code() == std::errc::no_space_on_device
                             ? api::ErrorCode::no_resource
                             : api::ErrorCode::failed,
                         std::string("Cannot start the partition: ") + error.what(),
                         missing ? "is " + options.keeper + " installed?" : "");
    } catch (const posix::TimedOut& late) {
        throw api::Error(api::ErrorCode::timeout,
                         std::string("Cannot start the partition: ") + late.what());
    }
}

} // namespace mshv::vmm
