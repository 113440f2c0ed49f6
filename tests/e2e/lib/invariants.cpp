// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/lib/invariants.hpp"

#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/processes.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/pidfd.hpp"

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <memory>
#include <sqlite3.h>
#include <sys/inotify.h>

namespace mshv::e2e {
namespace {

namespace fs = std::filesystem;

bool is_transient(const Json& row) {
    const auto state = row["state"].text();
    if (row.has("operation") || state == "starting" || state == "stopping" ||
        state == "restarting") {
        return true;
    }
    // A process that has ended but whose end is not recorded yet: that is on its way, too.
    const auto gone = [&](const char* who) {
        const auto pid = static_cast<pid_t>(row["runtime"][who].number());
        return pid == 0 || !posix::identify_process(pid);
    };
    return row.has("runtime") && (gone("keeper_pid") || gone("vmm_pid"));
}

/// The rows once no operation is under way. Waits on events, since every end of one makes one.
std::vector<Json> settled_rows(Host& host) {
    const auto deadline = guest_time();
    for (;;) {
        const auto since = host.last_event();
        auto rows = host.rows();
        const auto busy = std::find_if(rows.begin(), rows.end(), is_transient);
        if (busy == rows.end()) {
            return rows;
        }
        if (deadline.expired()) {
            BOOST_ERROR("does not come to rest: " << busy->dump());
            return rows;
        }
        (void)host.http("GET", "/v1/events?wait_ms=1000&since=" + std::to_string(since));
    }
}

class Database {
public:
    explicit Database(const std::string& path) {
        sqlite3* raw = nullptr;
        const int result = ::sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr);
        db_.reset(raw);
        BOOST_REQUIRE_EQUAL(result, SQLITE_OK);
        ::sqlite3_busy_timeout(raw, 10'000);
    }

    /// The first column of every row.
    std::vector<std::string> column(const std::string& query) {
        sqlite3_stmt* raw = nullptr;
        BOOST_REQUIRE_MESSAGE(::sqlite3_prepare_v2(db_.get(), query.c_str(), -1, &raw, nullptr) ==
                                  SQLITE_OK,
                              query << ": " << ::sqlite3_errmsg(db_.get()));
        const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw,
                                                                              ::sqlite3_finalize);
        std::vector<std::string> result;
        while (::sqlite3_step(raw) == SQLITE_ROW) {
            const auto* text = ::sqlite3_column_text(raw, 0);
            result.emplace_back(text == nullptr ? "" : reinterpret_cast<const char*>(text));
        }
        return result;
    }

private:
    std::unique_ptr<sqlite3, int (*)(sqlite3*)> db_{nullptr, ::sqlite3_close};
};

void check_database(Host& host, std::size_t live) {
    Database db(host.path("state/mshv.db"));
    BOOST_CHECK_EQUAL(db.column("PRAGMA integrity_check").at(0), "ok");
    BOOST_CHECK(db.column("PRAGMA foreign_key_check").empty());
    for (const auto& kind : db.column("SELECT kind FROM intent")) {
        BOOST_ERROR("an intent is left: " << kind);
    }
    BOOST_CHECK_EQUAL(db.column("SELECT incarnation FROM runtime").size(), live);
    BOOST_CHECK_EQUAL(db.column("SELECT seq FROM history WHERE ended IS NULL").size(), live);
    BOOST_CHECK(db.column("SELECT mac FROM mac_lease WHERE partition NOT IN"
                          " (SELECT partition FROM runtime)")
                    .empty());
    BOOST_CHECK(db.column("SELECT path FROM disk_lease WHERE partition NOT IN"
                          " (SELECT partition FROM runtime)")
                    .empty());
}

/// Waits for a process that should be on its way out; false when it stays.
bool goes_away(pid_t pid, Deadline deadline) {
    const auto identity = posix::identify_process(pid);
    const auto process = identity ? posix::PidFd::open(*identity) : std::nullopt;
    if (!process) {
        return true;
    }
    try {
        process->wait_ended(deadline);
        return true;
    } catch (const posix::TimedOut&) {
        return false;
    }
}

/// `expected` are all keepers and VMMs that rows name. Helpers of the daemon may still be about to
/// end; 5 s is what reconciling may take.
void check_processes(Host& host, const std::set<pid_t>& expected) {
    const auto deadline = Deadline::after(5s);
    const auto processes = descendants(host.awaited());
    for (const auto pid : expected) {
        BOOST_CHECK_MESSAGE(processes.contains(pid), "no process " << pid << " of a live row");
    }
    for (const auto& [pid, process] : processes) {
        if (!expected.contains(pid) && pid != host.daemon_pid() && !goes_away(pid, deadline)) {
            std::string line;
            for (const auto& word : process.argv) {
                line += word + " ";
            }
            BOOST_ERROR("process " << pid << " (" << process.name << ", state " << process.state
                                   << ", parent " << process.parent
                                   << ") belongs to no row: " << line.substr(0, 300));
        }
    }
}

std::set<std::string> run_folders(const Host& host) {
    std::set<std::string> result;
    for (const auto& partition : fs::directory_iterator(host.path("run"))) {
        const auto uuid = partition.path().filename().string();
        if (!partition.is_directory() || uuid.size() != 36) {
            continue;
        }
        std::error_code gone; // meanwhile
        for (fs::directory_iterator at(partition.path(), gone), end; !gone && at != end;
             at.increment(gone)) {
            result.insert(uuid + "/" + at->path().filename().string());
        }
    }
    return result;
}

/// Waits, at most as long as reconciling may take, until the folders that are there are `expected`:
/// a folder goes after the keeper that it belonged to, which is after the answer to the user.
std::set<std::string> settled_folders(const Host& host, const std::set<std::string>& expected) {
    const auto deadline = Deadline::after(5s);
    const posix::Fd watch(posix::check(::inotify_init1(IN_CLOEXEC), "inotify"));
    const auto top = host.path("run");
    for (;;) {
        posix::check(::inotify_add_watch(watch.get(), top.c_str(), IN_DELETE | IN_CREATE),
                     "watch " + top);
        const auto found = run_folders(host);
        for (const auto& folder : found) {
            // It may go between the two calls; then the next round sees the rest.
            (void)::inotify_add_watch(
                watch.get(), fs::path(top + "/" + folder).parent_path().c_str(), IN_DELETE);
        }
        if (found == expected || run_folders(host) == expected) {
            return expected;
        }
        std::array<char, 4096> buffer{};
        try {
            (void)posix::read_some(watch.get(), buffer, deadline, "run folders");
        } catch (const posix::TimedOut&) {
            return run_folders(host);
        }
    }
}

void check_folders(const Host& host, const std::set<std::string>& expected) {
    const auto found = settled_folders(host, expected);
    for (const auto& folder : found) {
        BOOST_CHECK_MESSAGE(expected.contains(folder), "run folder of nothing: " << folder);
    }
    for (const auto& folder : expected) {
        BOOST_CHECK_MESSAGE(found.contains(folder), "run folder is missing: " << folder);
    }
}

/// What the events say of one partition while they are read in order.
struct Chain {
    std::string state;
};

void follow(const Json& event, std::map<std::string, Chain>& chains) {
    if (!event.has("uuid") || !event.has("to")) {
        return;
    }
    auto& chain = chains[event["uuid"].text() + "/" + std::to_string(event["id"].number())];
    const auto from = event.has("from") ? event["from"].text() : "";
    BOOST_CHECK_MESSAGE(chain.state.empty() || from.empty() || from == chain.state,
                        "event " << event.dump() << " does not follow '" << chain.state << "'");
    chain.state = event["to"].text();
}

void check_events(Host& host, const std::vector<Json>& rows) {
    std::map<std::string, Chain> chains;
    std::int64_t last = 0;
    for (const auto& event : host.events()) {
        const auto seq = event["seq"].number();
        BOOST_CHECK_MESSAGE(last == 0 || seq == last + 1,
                            "event " << seq << " follows event " << last);
        last = seq;
        follow(event, chains);
    }
    for (const auto& row : rows) {
        const auto key = row["uuid"].text() + "/" + std::to_string(row["id"].number());
        const auto state = row["state"].text();
        if (const auto chain = chains.find(key); chain != chains.end()) {
            BOOST_CHECK_MESSAGE(chain->second.state == state, "events end at '"
                                                                  << chain->second.state
                                                                  << "', but " << row.dump());
        } else {
            BOOST_CHECK_MESSAGE(state == "shutoff", "no event tells of " << row.dump());
        }
    }
}

void check_sanitizers(const Host& host) {
    for (const auto& entry : fs::directory_iterator(host.root())) {
        if (entry.path().filename().string().starts_with("sanitizer")) {
            const auto text = posix::read_file(entry.path(), 1 << 20);
            // Killed while it looks for leaks, one only complains of that.
            BOOST_CHECK_MESSAGE(text.find("Unable to get registers") != std::string::npos &&
                                    text.find("ERROR") == std::string::npos,
                                "a sanitizer reported:\n"
                                    << text.substr(0, 8000));
        }
    }
}

} // namespace

void await_rest(Host& host) {
    std::set<std::string> folders;
    for (const auto& row : settled_rows(host)) {
        if (row.has("runtime")) {
            folders.insert(row["uuid"].text() + "/" + row["runtime"]["incarnation"].text());
        }
    }
    (void)settled_folders(host, folders);
}

void check_invariants(Host& host) {
    const auto rows = settled_rows(host);
    std::set<pid_t> pids;
    std::set<std::string> folders;
    for (const auto& row : rows) {
        const auto state = row["state"].text();
        const bool live = row.has("runtime");
        BOOST_CHECK_MESSAGE(live == (state != "shutoff" && state != "crashed") ||
                                (state == "crashed" && live),
                            "row and runtime disagree: " << row.dump());
        BOOST_CHECK_MESSAGE(live || row["persistent"].flag(),
                            "a transient partition that does not run: " << row.dump());
        if (live) {
            const auto runtime = row["runtime"];
            for (const char* who : {"keeper_pid", "vmm_pid"}) {
                const bool fresh = pids.insert(static_cast<pid_t>(runtime[who].number())).second;
                BOOST_CHECK_MESSAGE(fresh, "two rows share a process: " << row.dump());
            }
            folders.insert(row["uuid"].text() + "/" + runtime["incarnation"].text());
        }
    }
    check_processes(host, pids);
    check_folders(host, folders);
    check_database(host, folders.size());
    check_events(host, rows);
    check_sanitizers(host);
}

void check_nothing_left(Host& host, const std::set<std::string>& interfaces_before) {
    for (const auto& [pid, process] : descendants(host.awaited())) {
        BOOST_CHECK_MESSAGE(pid == host.daemon_pid(),
                            "process " << pid << " (" << process.name << ") is left");
    }
    for (const auto& name : network_interfaces()) {
        BOOST_CHECK_MESSAGE(interfaces_before.contains(name), "interface " << name << " is left");
    }
    // A few for what is opened at its first use.
    constexpr std::size_t slack = 8;
    const auto descriptors = count_entries(host.daemon_pid(), "fd");
    BOOST_CHECK_MESSAGE(host.baseline_descriptors() == 0 ||
                            descriptors <= host.baseline_descriptors() + slack,
                        "the daemon began with " << host.baseline_descriptors()
                                                 << " descriptors and holds " << descriptors);
}

std::set<std::string> network_interfaces() {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator("/sys/class/net")) {
        names.insert(entry.path().filename().string());
    }
    return names;
}

} // namespace mshv::e2e
