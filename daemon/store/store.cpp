// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/store.hpp"

#include "daemon/store/connection.hpp"
#include "daemon/store/reader.hpp"
#include "daemon/store/unit.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <chrono>
#include <deque>
#include <exception>
#include <sqlite3.h>
#include <system_error>
#include <thread>

namespace mshv::store {
namespace {

using api::Error;
using api::ErrorCode;
using posix::Condition;
using posix::Lock;
using posix::Mutex;

constexpr std::size_t largest_batch = 64;
constexpr int checkpoint_pages = 1000;
/// The largest batch begins when the log is one page short of a checkpoint.
constexpr int reserved_pages = checkpoint_pages + checkpoint_pages / 4;

/// One write() that waits for its commit.
struct Job {
    std::function<void(Transaction&)> unit;
    std::exception_ptr failure; ///< the unit's own, or the commit's
    Mutex mutex;
    Condition ready;
    bool done MSHV_GUARDED_BY(mutex) = false;

    void finish() {
        Lock lock(mutex);
        done = true;
        ready.notify_one();
    }
    void wait() {
        Lock lock(mutex);
        while (!done) {
            ready.wait(lock);
        }
    }
};

using Batch = std::vector<std::shared_ptr<Job>>;

/// An error that leaves it open whether a commit is on the disk.
bool is_unknown(const SQLite::Exception& error) {
    // SQLITE_FULL comes from a write before the commit's flush: the frames that did get into the
    // log lack their end and are never read. SQLITE_BUSY and NOMEM come before any write.
    const int code = error.getErrorCode() & 0xff;
    return code != SQLITE_FULL && code != SQLITE_BUSY && code != SQLITE_NOMEM;
}

class Database final : public Store {
public:
    Database(const std::string& path, Options options)
        : lock_(lock_database(path)), options_(prepare(path, std::move(options))),
          writer_(path, Connection::Mode::read_write), reader_(path), path_(path) {
        reserve_log(writer_, reserved_pages);
        sqlite3_wal_hook(writer_.handle(), on_wal, this);
        committer_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database() override {
        committer_.request_stop();
        {
            Lock lock(mutex_);
            queued_.notify_all();
        }
        committer_.join();
    }

    void set_observer(std::function<void(Committed&&)> observer) override {
        Lock lock(mutex_);
        observer_ = std::move(observer);
    }

    std::vector<PartitionRow> load() override { return reader_.load(); }
    std::optional<LiveSpec> live_spec(PartitionNumber id) override { return reader_.live_spec(id); }
    std::vector<CpuPoolRow> cpu_pools() override { return reader_.cpu_pools(); }
    std::vector<DeviceChange> device_changes(PartitionNumber id) override {
        return reader_.device_changes(id);
    }
    std::optional<Text> definition(PartitionNumber id,
                                   std::optional<std::int64_t> revision) override {
        return reader_.definition(id, revision);
    }
    std::vector<api::Revision> revisions(PartitionNumber id, std::size_t limit) override {
        return reader_.revisions(id, limit);
    }
    api::EventPage events(std::int64_t since, std::size_t limit,
                          const std::optional<api::Uuid>& partition) override {
        return reader_.events(since, limit, partition);
    }
    std::vector<api::HistoryEntry> history(const std::optional<std::string>& name_or_uuid,
                                           std::size_t limit) override {
        return reader_.history(name_or_uuid, limit);
    }
    std::vector<JobRow> jobs() override { return reader_.jobs(); }
    std::int64_t last_seq() override { return reader_.last_seq(); }
    [[nodiscard]] std::int64_t schema_version() const override { return current_schema(); }
    std::vector<std::string> fsck() override { return reader_.fsck(); }
    void backup(const std::string& path) override { backup_database(path_, path); }

protected:
    void submit(std::function<void(Transaction&)> unit) override {
        const auto job = std::make_shared<Job>();
        job->unit = std::move(unit);
        {
            Lock lock(mutex_);
            queue_.push_back(job);
            queued_.notify_one();
        }
        job->wait();
        if (job->failure) {
            std::rethrow_exception(job->failure);
        }
    }

private:
    static Options prepare(const std::string& path, Options options) {
        migrate(path, options.create);
        if (!options.wall_ms) {
            options.wall_ms = [] {
                using namespace std::chrono;
                return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
            };
        }
        return options;
    }

    /// Everything that has queued while the last commit ran; empty at the end.
    Batch next_batch(const std::stop_token& stop) {
        Lock lock(mutex_);
        while (queue_.empty() && !stop.stop_requested()) {
            queued_.wait(lock);
        }
        Batch batch;
        while (!queue_.empty() && batch.size() < largest_batch) {
            batch.push_back(std::move(queue_.front()));
            queue_.pop_front();
        }
        return batch;
    }

    void run(const std::stop_token& stop) noexcept {
        for (;;) {
            Batch batch = next_batch(stop);
            if (batch.empty()) {
                return;
            }
            commit(batch);
            for (const auto& job : batch) {
                job->finish();
            }
            checkpoint();
        }
    }

    /// Answers every job of the batch that has no answer of its own yet.
    static void fail(const Batch& batch, const std::exception_ptr& failure) {
        for (const auto& job : batch) {
            if (!job->failure) {
                job->failure = failure;
            }
        }
    }

    /// Runs the units, each in a savepoint, and makes them durable together.
    void commit(const Batch& batch) noexcept {
        Unit unit(writer_, options_);
        Committed committed;
        bool committing = false;
        try {
            refuse_when_broken();
            writer_.run("BEGIN IMMEDIATE");
            for (const auto& job : batch) {
                run_unit(*job, unit);
            }
            committed = unit.take();
            MSHV_CRASHPOINT("store.before_commit");
            committing = true;
            writer_.run("COMMIT");
        } catch (const SQLite::Exception& error) {
            roll_back();
            if (committing && is_unknown(error)) {
                give_up(batch, error);
            } else {
                fail(batch, std::make_exception_ptr(translate(error, "The change")));
            }
            return;
        } catch (...) {
            roll_back();
            fail(batch, std::current_exception());
            return;
        }
        MSHV_CRASHPOINT("store.after_commit");
        publish(std::move(committed));
    }

    void refuse_when_broken() {
        Lock lock(mutex_);
        if (broken_) {
            throw Error(ErrorCode::outcome_unknown,
                        "The database takes no more changes: an earlier commit failed",
                        "mshvd restarts and finds out what is durable");
        }
    }

    void run_unit(Job& job, Unit& unit) {
        const Unit::Mark mark = unit.mark();
        writer_.run("SAVEPOINT unit");
        try {
            job.unit(unit);
            writer_.run("RELEASE unit");
            return;
        } catch (const SQLite::Exception& error) {
            job.failure = std::make_exception_ptr(translate(error, "The change"));
            if (!writer_.in_transaction()) {
                throw; // SQLite gave the whole transaction up: so must the batch
            }
        } catch (...) {
            job.failure = std::current_exception();
        }
        writer_.run("ROLLBACK TO unit");
        writer_.run("RELEASE unit");
        unit.forget(mark);
    }

    void roll_back() noexcept {
        try {
            if (writer_.in_transaction()) {
                writer_.run("ROLLBACK");
            }
        } catch (const std::exception& error) {
            stop_writing(error.what());
        }
    }

    /// The commit may or may not be on the disk: only a fresh start can tell.
    void give_up(const Batch& batch, const SQLite::Exception& error) noexcept {
        fail(batch, std::make_exception_ptr(Error(ErrorCode::outcome_unknown,
                                                  "It is not known whether the change is durable",
                                                  "mshvd restarts and finds out; look again then")
                                                .because(error.getErrorStr())
                                                .because(error.what())));
        stop_writing("commit to " + path_ + " failed: " + error.what());
    }

    void stop_writing(const std::string& why) noexcept {
        std::function<void(const std::string&)> tell;
        {
            Lock lock(mutex_);
            if (!broken_) {
                tell = options_.fatal;
            }
            broken_ = true;
        }
        if (tell) {
            tell(why);
        }
    }

    void publish(Committed&& committed) {
        std::function<void(Committed &&)>* observer = nullptr;
        {
            Lock lock(mutex_);
            observer = observer_ ? &observer_ : nullptr;
        }
        if (observer != nullptr) {
            (*observer)(std::move(committed));
        }
    }

    /// Moves the log into the database when it has grown, after everybody has had their answer. A
    /// flush that fails here would make later ones lie: it ends the writing like a commit's.
    void checkpoint() noexcept {
        if (wal_frames_ < checkpoint_pages) {
            return;
        }
        MSHV_CRASHPOINT("store.before_checkpoint");
        int frames = 0;
        int moved = 0;
        const int result = sqlite3_wal_checkpoint_v2(writer_.handle(), nullptr,
                                                     SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
        if ((result & 0xff) == SQLITE_IOERR) {
            stop_writing("checkpoint of " + path_ + " failed: " + sqlite3_errmsg(writer_.handle()));
        }
        wal_frames_ = moved >= frames ? 0 : checkpoint_pages / 2;
        MSHV_CRASHPOINT("store.after_checkpoint");
    }

    static int on_wal(void* self, sqlite3* /*handle*/, const char* /*name*/, int frames) noexcept {
        static_cast<Database*>(self)->wal_frames_ = frames;
        return SQLITE_OK;
    }

    posix::Fd lock_;
    const Options options_;
    Connection writer_; ///< the committer thread's own
    Reader reader_;
    const std::string path_;
    int wal_frames_ = 0; ///< the committer thread's own, as writer_ is
    Mutex mutex_;
    Condition queued_;
    std::deque<std::shared_ptr<Job>> queue_ MSHV_GUARDED_BY(mutex_);
    std::function<void(Committed&&)> observer_ MSHV_GUARDED_BY(mutex_);
    bool broken_ MSHV_GUARDED_BY(mutex_) = false;
    std::jthread committer_; ///< last: it uses all the others
};

} // namespace

std::unique_ptr<Store> Store::open(const std::string& path, Options options) {
    try {
        return std::make_unique<Database>(path, std::move(options));
    } catch (const SQLite::Exception& error) {
        throw translate(error, "Opening the database " + path);
    } catch (const std::system_error& error) {
        throw Error(ErrorCode::failed, "The database " + path + " cannot be opened")
            .because(error.what());
    }
}

void Store::backup_file(const std::string& database, const std::string& path) {
    backup_database(database, path);
}

} // namespace mshv::store
