// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/daemon.hpp"

#include "daemon/app/audit.hpp"
#include "daemon/app/host_facts.hpp"
#include "daemon/app/listener.hpp"
#include "daemon/app/process.hpp"
#include "daemon/app/state_lock.hpp"
#include "daemon/control/factory.hpp"
#include "daemon/net/tap.hpp"
#include "daemon/rest/api_handler.hpp"
#include "daemon/store/store.hpp"
#include "daemon/vmm/factory.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/http/server.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

namespace mshv::app {
namespace {

constexpr std::chrono::seconds answer_grace{5};

/// Makes a folder that is missing, whatever the umask; one that exists keeps its mode.
void ensure_folder(const std::string& path, mode_t mode) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) {
        return;
    }
    const mode_t before = ::umask(0);
    try {
        posix::make_directories(path, mode);
    } catch (...) {
        ::umask(before);
        throw;
    }
    ::umask(before);
}

/// A program of mshv: as configured, or where it was installed.
std::string program(const std::string& configured, const char* name) {
    return configured.empty() ? std::string(MSHV_LIBEXECDIR "/") + name : configured;
}

bool executable(const std::string& path) {
    return ::access(path.c_str(), X_OK) == 0;
}

std::unique_ptr<store::Store> open_store(const Config& config, const Log& log) {
    store::Options options;
    options.keep_events = config.keep_events;
    options.keep_history = config.keep_history;
    options.fatal = [&log](const std::string& why) {
        // Whether the last change is durable is known only after a fresh start; nothing may be
        // written until then, not even by a destructor.
        log.error("the database can no longer be trusted to write: " + why + "; ending");
        std::_Exit(1);
    };
    return store::Store::open(database_path(config), options);
}

cgroup::Groups open_groups(const Config& config, const Log& log) {
    cgroup::Options options;
    options.parent = config.cgroup_parent;
    cgroup::Groups groups(options);
    if (!groups.available()) {
        log.info("no weights, caps and pools of processors: " + groups.why_not());
    }
    return groups;
}

std::unique_ptr<vmm::VmmHost> open_vmm_host(const Config& config, const cgroup::Groups& groups,
                                            const Log& log) {
    vmm::HostOptions options;
    options.run_dir = config.run_dir;
    options.log_dir = config.log_dir;
    options.cache_dir = config.cache_dir;
    options.state_dir = config.state_dir;
    options.qemu = config.qemu;
    options.keeper = program(config.keeper, "mshv-keeper");
    options.kernel_image = program(config.kernel_image, "mshv-kernel-image");
    if (!executable(options.keeper)) {
        log.warning(options.keeper + " cannot be executed: no partition can start");
    }
    if (!executable(options.kernel_image)) {
        log.warning(options.kernel_image + " cannot be executed: kernels are booted as they are");
        options.kernel_image.clear();
    }
    if (::geteuid() == 0) {
        options.uid_base = static_cast<uid_t>(config.uid_base);
    }
    options.uid_count = static_cast<unsigned>(config.uid_count);
    options.kernel_cache_limit = static_cast<std::uint64_t>(config.kernel_cache_mib) << 20U;
    options.open_tap = net::open_tap;
    if (groups.available()) {
        options.open_group = [&groups](const api::Uuid& uuid) {
            return groups.entrance(api::to_string(uuid));
        };
    }
    options.log = [&log](const std::string& line) { log.info(line); };
    return vmm::make_host(std::move(options));
}

LogLevel level_of(control::Severity severity) {
    switch (severity) {
    case control::Severity::debug:
        return LogLevel::debug;
    case control::Severity::info:
        return LogLevel::info;
    case control::Severity::warning:
        return LogLevel::warning;
    case control::Severity::error:
        break;
    }
    return LogLevel::error;
}

/// The firmware's variables belong to a definition and go with it.
void remove_variables(const Config& config, const api::Uuid& uuid, const Log& log) {
    for (const char* suffix : {".fd", ".qcow2"}) {
        const std::string path = config.state_dir + "/nvram/" + api::to_string(uuid) + suffix;
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
            log.warning("cannot remove " + path + ": " + std::strerror(errno));
        }
    }
}

std::unique_ptr<control::Service> open_service(const Config& config, const Log& log,
                                               store::Store& store, vmm::VmmHost& vmm,
                                               const cgroup::Groups& groups) {
    control::Dependencies dependencies{store, vmm};
    dependencies.groups = &groups;
    dependencies.dirs = {config.state_dir, config.run_dir, config.log_dir};
    dependencies.hooks.log = [&log](control::Severity severity, std::string_view line) {
        log.write(level_of(severity), line);
    };
    dependencies.hooks.removed = [&config, &log](const api::Uuid& uuid) {
        remove_variables(config, uuid, log);
    };
    dependencies.options.admission =
        api::from_name<api::Admission>(config.memory_admission).value_or(api::Admission::refuse);
    dependencies.options.memory_reserve = static_cast<std::uint64_t>(config.memory_reserve_mib)
                                          << 20U;
    dependencies.options.autostart = config.autostart;
    dependencies.options.keep_ended_logs = static_cast<std::size_t>(config.keep_ended);
    return control::make_service(dependencies);
}

/// {sel} of /v1/partitions/{sel}…; empty elsewhere.
std::string partition_of(const std::string& path) {
    constexpr std::string_view before = "/v1/partitions/";
    if (path.compare(0, before.size(), before) != 0) {
        return {};
    }
    return path.substr(before.size(), path.find('/', before.size()) - before.size());
}

void log_access(const Log& log, const rest::Access& access) {
    const bool refused = access.status == 403;
    const LogLevel level = access.status == 500 || refused ? LogLevel::warning
                           : access.change                 ? LogLevel::info
                                                           : LogLevel::debug;
    std::string line = access.method + " " + access.path + ": " + std::to_string(access.status) +
                       " in " + std::to_string(access.took.count()) + " us";
    if (!access.error.empty()) {
        line += ": " + access.error;
    }
    Log::Fields fields{
        {"REQUEST", std::to_string(access.number)},
        {"ACTOR", "uid " + std::to_string(access.uid) + " pid " + std::to_string(access.pid)}};
    if (auto partition = partition_of(access.path); !partition.empty()) {
        fields.emplace_back("PARTITION", std::move(partition));
    }
    log.write(level, line, fields);
}

void audit_access(AuditLog& audit, const Log& log, const rest::Access& access) {
    if (!access.audited) {
        return;
    }
    api::AuditRecord record;
    record.request = access.number;
    record.uid = access.uid;
    record.gid = access.gid;
    record.pid = access.pid;
    record.method = access.method;
    record.path = access.path;
    record.query = access.query;
    record.asked = access.body;
    record.asked_bytes = access.body_bytes;
    record.status = static_cast<std::uint32_t>(access.status);
    record.took_us = static_cast<std::uint64_t>(access.took.count());
    record.error = access.error;
    try {
        audit.write(record);
    } catch (const std::exception& error) {
        // What was asked has happened: the other log must do.
        std::string lost;
        api::encode(record, lost);
        log.error(std::string("an audit record is not in its file: ") + error.what() + ": " + lost);
    }
}

/// A group that does not exist is worth a warning, not a daemon that does not start.
std::optional<gid_t> group_or_none(const std::string& name, const Log& log) {
    try {
        return group_number(name);
    } catch (const api::Error& error) {
        log.warning(error.message() + ": nobody has its role");
        return std::nullopt;
    }
}

/// The socket's file goes with the daemon, also when it could not start.
class SocketFile {
public:
    explicit SocketFile(std::string path) : path_(std::move(path)) {}
    SocketFile(const SocketFile&) = delete;
    SocketFile& operator=(const SocketFile&) = delete;
    ~SocketFile() {
        if (!path_.empty()) {
            ::unlink(path_.c_str());
        }
    }

private:
    std::string path_;
};

} // namespace

std::string database_path(const Config& config) {
    return config.state_dir + "/mshv.db";
}

void serve(const Config& config, const Log& log) {
    const auto started = std::chrono::system_clock::now();
    const StateLock lock(config.state_dir);
    ensure_folder(config.run_dir, 0755);
    ensure_folder(config.log_dir, 0750);
    ensure_folder(config.cache_dir, 0755);

    rest::Options rest_options;
    rest_options.roles = {::geteuid(), group_or_none(config.admin_group, log),
                          group_or_none(config.reader_group, log)};
    // Listening before all else: a client that comes early waits instead of failing.
    const std::string path = config.socket.empty() ? config.run_dir + "/mshvd.sock" : config.socket;
    Listener listener =
        open_listener(path, {rest_options.roles.admin_group, rest_options.roles.reader_group},
                      [&log](const std::string& line) { log.warning(line); });
    const SocketFile socket_file(listener.activated ? "" : path);

    const auto store = open_store(config, log);
    const cgroup::Groups groups = open_groups(config, log);
    const auto vmm = open_vmm_host(config, groups, log);
    const auto service = open_service(config, log, *store, *vmm, groups);
    HostFacts facts(
        *vmm, [&] { return service->counts(); }, store->schema_version());
    rest_options.version = {
        MSHV_VERSION, store->schema_version(), ::getpid(),
        std::chrono::duration_cast<std::chrono::milliseconds>(started.time_since_epoch()).count()};
    rest_options.waiting_requests = static_cast<std::size_t>(config.connections) / 2;
    rest_options.host = [&facts] { return facts.view(); };
    std::optional<AuditLog> audit;
    if (config.audit) {
        audit.emplace(config.log_dir + "/audit.log");
    }
    rest_options.access = [&log, &audit](const rest::Access& access) {
        log_access(log, access);
        if (audit) {
            audit_access(*audit, log, access);
        }
    };
    rest::ApiHandler handler(*service, std::move(rest_options));

    service->start_up();
    http::Limits limits;
    limits.connections = static_cast<std::size_t>(config.connections);
    limits.connections_per_uid = static_cast<std::size_t>(config.connections_per_uid);
    http::Server server(std::move(listener.fd), handler, limits);
    log.info("mshvd " MSHV_VERSION " answers at " + path);
    ::sd_notify(0, "READY=1");

    const Ending ending = wait_for_end(
        [](void* context) {
            static_cast<const Log*>(context)->warning(
                "SIGHUP: the configuration is read at a start only; restart the daemon, guests go "
                "on");
        },
        const_cast<Log*>(&log));
    ::sd_notify(0, "STOPPING=1");
    log.info(std::string("ending by SIG") + ::sigabbrev_np(ending.signal) + "; guests run on");
    service->stop();
    server.stop(posix::Deadline::after(answer_grace));
}

} // namespace mshv::app
