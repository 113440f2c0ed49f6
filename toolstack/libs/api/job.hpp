// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/enum_names.hpp"
#include "toolstack/libs/api/identity.hpp"
#include "toolstack/libs/api/spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mshv::api {

// Work that takes long goes on in the daemon while nobody waits for it: a job. The jobs of this
// release save and restore partitions, and write their memory to files.

enum class JobKind { save, restore, dump_core };
MSHV_ENUM_NAMES(JobKind, {JobKind::save, "save"}, {JobKind::restore, "restore"},
                {JobKind::dump_core, "dump-core"});

enum class JobState {
    running,
    done,
    failed,
    cancelled,
};
MSHV_ENUM_NAMES(JobState, {JobState::running, "running"}, {JobState::done, "done"},
                {JobState::failed, "failed"}, {JobState::cancelled, "cancelled"});

/// What a job is at.
enum class JobPhase {
    preparing,
    writing,  ///< the guest's state goes to the file
    checking, ///< the checksum of the file is made or compared
    loading,  ///< the guest's state comes from the file
    ending,   ///< all of it is done but what follows; not to be cancelled any more
};
MSHV_ENUM_NAMES(JobPhase, {JobPhase::preparing, "preparing"}, {JobPhase::writing, "writing"},
                {JobPhase::checking, "checking"}, {JobPhase::loading, "loading"},
                {JobPhase::ending, "ending"});

/// What becomes of the guest when it has been saved.
enum class AfterSave {
    end,   ///< nothing of it runs any more
    run,   ///< it goes on: a checkpoint
    pause, ///< its VMM stays, its processors stand still
};
MSHV_ENUM_NAMES(AfterSave, {AfterSave::end, "end"}, {AfterSave::run, "run"},
                {AfterSave::pause, "pause"});

/// POST /v1/partitions/{sel}/save: answered by the job as it begins.
struct SaveRequest {
    std::string path; ///< absolute; empty = managed: the daemon keeps it, and start resumes from it
    AfterSave then = AfterSave::end; ///< not with a managed one
};

/// POST /v1/restore: answered by the job as it begins.
struct RestoreRequest {
    std::string path; ///< absolute
    bool paused = false;
    bool force = false; ///< although the disks have changed since
    std::uint64_t timeout_ms = 600'000;
};

/// What a guest's memory is written as; the names are QEMU's.
enum class DumpFormat { elf, kdump_zlib, kdump_lzo, kdump_snappy, win_dmp };
MSHV_ENUM_NAMES(DumpFormat, {DumpFormat::elf, "elf"}, {DumpFormat::kdump_zlib, "kdump-zlib"},
                {DumpFormat::kdump_lzo, "kdump-lzo"}, {DumpFormat::kdump_snappy, "kdump-snappy"},
                {DumpFormat::win_dmp, "win-dmp"});

/// POST /v1/partitions/{sel}/dump-core: answered by the job as it begins.
struct DumpRequest {
    std::string path; ///< absolute
    DumpFormat format = DumpFormat::elf;
};

struct JobView {
    std::int64_t id = 0;
    JobKind kind = JobKind::save;
    JobState state = JobState::running;
    JobPhase phase = JobPhase::preparing;
    std::string name; ///< of the partition
    Uuid uuid{};
    std::string path;
    bool managed = false;
    std::string actor;
    std::int64_t started_ms = 0; ///< wall clock, Unix milliseconds
    std::optional<std::int64_t> ended_ms;
    std::int64_t done = 0;  ///< bytes of the present phase
    std::int64_t total = 0; ///< of these; 0 = not known
    bool cancelling = false;
    std::string error; ///< why it failed: its code, as of the exit status
    std::string message, hint;
};

/// GET /v1/jobs: newest first.
struct JobList {
    std::vector<JobView> jobs;
};

/// A file that a partition has open, as it was when the guest stood still.
struct SavedFile {
    std::string path;
    bool writable = false;
    bool block_device = false;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t mtime_ns = 0; ///< 0 for a block device
};

/// Where in the machine a device stands that came while the guest ran.
struct DevicePlace {
    std::string alias;
    std::string bus;
};

/// What stands in front of the guest's state in the file of a saved partition.
struct SaveManifest {
    PartitionSpec spec; ///< with which it ran
    /// With which it was started, where devices have come or gone since: its machine was made of
    /// it.
    std::optional<PartitionSpec> started;
    std::vector<DevicePlace> places; ///< of the devices that came
    std::int64_t saved_ms = 0;
    std::string saved_by; ///< the version of mshvd
    std::string token;    ///< of the job that made it
    std::string vmm;      ///< "qemu 7.2.22"
    std::string machine;  ///< "pc-q35-7.2"
    std::string accelerator;
    std::vector<std::string> cpu_flags; ///< of the host's processor, unless the guest's is emulated
    std::vector<std::string> hardware;  ///< what of the VMM's command line makes the machine
    std::vector<SavedFile> files;
    std::uint64_t stream_size = 0;
    std::string stream_sha256;
};

} // namespace mshv::api
