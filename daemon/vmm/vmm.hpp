// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/domain/disk_claim.hpp"
#include "daemon/domain/launch_plan.hpp"
#include "daemon/domain/vmm_capability.hpp"
#include "daemon/vmm/console_request.hpp"
#include "daemon/vmm/transfer.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/job.hpp"
#include "toolstack/libs/api/view.hpp"
#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/libs/posix/pidfd.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mshv::vmm {

using posix::Deadline;
using posix::Fd;

/// What the keeper of a running partition reported. Events of one keeper carry sequence numbers
/// 1, 2, 3 … which the keeper keeps on disk: after a daemon's restart the ones not yet seen come
/// again, so nothing that happened meanwhile is lost.
struct KeeperEvent {
    enum class Kind {
        vmm_started,    ///< a VMM process exists (generation, pid)
        ready,          ///< it answers its monitor; its VPs stand still
        running,        ///< the guest's VPs run
        paused,         ///< they do not (reason: user, io_error, watchdog …)
        guest_panicked, ///< the guest reported a panic
        vmm_exited,     ///< with why (reason), exit code or signal, and the VMM's last words
        respawn_wait,   ///< the keeper will start the VMM again at `at_ms + delay`
        finished,       ///< nothing runs any more and nothing will: the keeper is about to leave
        unresponsive,   ///< the VMM has not answered for some seconds
        responsive,     ///< it answers again
        writer_changed, ///< who types at the console
        device_deleted, ///< the guest let go of a device (detail) that nobody waited for
        device_kept,    ///< it refuses to
        balloon,        ///< the guest has `memory` bytes now
        suspended,      ///< the guest sleeps in RAM
        awake,          ///< it does no more
        notice,         ///< a line for the log, nothing else
        keeper_lost,    ///< made by the daemon: the keeper died (no sequence number)
    };
    std::int64_t seq = 0;
    std::int64_t at_ms = 0; ///< wall clock when it happened
    Kind kind = Kind::running;
    std::int64_t generation = 0;
    api::Reason reason = api::Reason::none;
    std::optional<posix::ProcessIdentity> vmm;
    std::optional<posix::ExitStatus> exit;
    std::int64_t delay_ms = 0; ///< of respawn_wait
    std::int64_t memory = 0;   ///< of balloon
    std::string detail;
};

/// What the daemon must remember durably to find a keeper again.
struct KeeperRecord {
    std::string run_dir;
    std::string nonce; ///< random, given at launch; a keeper that cannot repeat it is another's
    posix::ProcessIdentity keeper;
    std::string boot_id;
};

/// What a keeper says of itself when it is asked.
struct KeeperStatus {
    posix::ProcessIdentity keeper;
    std::optional<posix::ProcessIdentity> vmm; ///< empty while none runs
    std::int64_t generation = 0;
    api::State state = api::State::starting;
    api::Reason reason = api::Reason::none;
    std::int64_t started_ms = 0;            ///< first generation
    std::int64_t generation_started_ms = 0; ///< present generation
    std::int64_t last_event_seq = 0;
    bool suspended = false; ///< the guest sleeps in RAM
};

/// Makes a tap and joins its bridge; the interface ends with the descriptor.
using TapOpener = std::function<Fd(const domain::TapPlan&)>;
/// By `opener`, or Error{unsupported} where there is none.
Fd make_tap(const TapOpener& opener, const domain::TapPlan& plan);

/// By alias, the bus that a device stands on.
using DeviceBuses = std::map<std::string, std::string>;

/// By alias, what disks are held to that are held to anything.
using DiskLimits = std::map<std::string, api::IoTune>;

struct MemoryTarget {
    bool balloon = false;               ///< there is one
    std::optional<std::uint64_t> bytes; ///< empty = all of it
};

/// One partition's keeper and VMM. Thread-safe; calls of one partition never wait for another's.
/// Each call throws api::Error: timeout at the deadline, wrong_state when the VMM is gone,
/// unsupported where the accelerator would lie, failed with the VMM's own text.
class VmmProcess {
public:
    virtual ~VmmProcess() = default;

    [[nodiscard]] virtual KeeperRecord record() const = 0;
    virtual KeeperStatus status(Deadline deadline) = 0;

    /// Starts or continues the VPs, or stops them. Returned: the number of an event; when that is
    /// recorded, so is the change. 0: the keeper did not say.
    virtual std::int64_t resume(Deadline deadline) = 0;
    virtual std::int64_t pause(Deadline deadline) = 0;
    virtual void powerdown(Deadline deadline) = 0; ///< ACPI power button
    virtual void sleep_button(Deadline deadline) = 0;
    virtual void wakeup(Deadline deadline) = 0;
    /// Throws unsupported where a guest that went to sleep in RAM could not be woken.
    virtual void refuse_sleep() const = 0;
    virtual void inject_nmi(Deadline deadline) = 0;
    /// Hard reset: the VMM is replaced by a new generation, whatever on_reboot says.
    virtual void reset(Deadline deadline) = 0;
    /// What the guest has been asked for, told to the keeper so that it holds with the daemon down:
    /// after `shutdown` the next power-off or crash is final, after `reboot` the next reset
    /// respawns although on_reboot may say otherwise; `none` takes it back. Ends with the
    /// generation.
    enum class Expected { none, shutdown, reboot };
    virtual void expect(Expected end, Deadline deadline) = 0;
    virtual void agent_shutdown(bool reboot, Deadline deadline) = 0; ///< asks the guest agent
    virtual bool agent_connected(Deadline deadline) = 0;
    /// Ends the VMM at once (SIGKILL) and waits until it is gone; Error{timeout} means stuck, and
    /// its text names the kernel's wait channel.
    virtual void kill(Deadline deadline) = 0;
    /// Tells the keeper that its end has been recorded, so that it may leave and its run folder be
    /// removed. Idempotent.
    virtual void release(Deadline deadline) = 0;
    virtual void set_policy(const domain::EndPolicy& policy, Deadline deadline) = 0;
    /// The events after `seq` up to now have been recorded durably.
    virtual void acknowledge(std::int64_t seq) = 0;

    /// Hands a client's socket over: the keeper answers the upgrade itself and the session no
    /// longer needs this process. Throws busy (naming the writer) before anything was sent.
    virtual void attach_console(Fd client, const ConsoleRequest& request, Deadline deadline) = 0;

    /// Gives the VMM a disk, now and in each later generation; `claims` say which files it must be.
    /// Whatever it throws, settle_device() says what has come of it.
    virtual void attach_disk(const api::PartitionSpec& spec, const api::Disk& disk,
                             const std::vector<domain::DiskClaim>& claims, Deadline deadline) = 0;
    /// The same for a NIC; nic.target names the tap that is made for one with a bridge.
    virtual void attach_nic(const api::PartitionSpec& spec, const api::Nic& nic,
                            Deadline deadline) = 0;
    /// Plugs the NIC's cable in or pulls it, now and in each later generation. Idempotent.
    virtual void set_link(const std::string& alias, bool up, Deadline deadline) = 0;
    /// Asks the guest to let go of the device with this alias. Throws Error{failed} when the guest
    /// refuses, which keeps the device, and timeout when it had not until the deadline: it goes
    /// when the guest does it, or with the VMM's generation.
    virtual void detach_device(const std::string& alias, Deadline deadline) = 0;
    enum class DeviceState {
        absent,  ///< and nothing of it is left
        present, ///< and will be in later generations
        leaving, ///< for this generation only
    };
    /// What is true of a device now; takes away what is left of one that is not there.
    virtual DeviceState settle_device(const std::string& alias, Deadline deadline) = 0;
    /// The bytes of a disk, as the guest sees it; its VMM makes them more or less, in the image,
    /// too.
    virtual std::uint64_t disk_size(const std::string& alias, Deadline deadline) = 0;
    virtual void resize_disk(const std::string& alias, std::uint64_t size, Deadline deadline) = 0;
    /// What the CD drive with this alias reads now and in later generations, by a name that no
    /// medium of it had before; empty = nothing. A change that was cut off is finished or taken
    /// back first.
    virtual std::string settle_medium(const std::string& alias, Deadline deadline) = 0;
    enum class Tray {
        moved,
        locked, ///< the guest kept it closed until the deadline: nothing has changed
    };
    enum class TrayLock { honoured, overridden };
    /// Gives a CD drive the medium of `drive`, now and in each later generation, in the place of
    /// what it has; takes it away when that has no path. `claims` say which files it must be.
    /// Whatever it returns or throws, settle_medium() says what has come of it, and is to be
    /// called.
    virtual Tray change_medium(const api::PartitionSpec& spec, const api::Disk& drive,
                               const std::vector<domain::DiskClaim>& claims, TrayLock lock,
                               Deadline deadline) = 0;
    /// What the transfers of disks are held to, in this generation and in later ones.
    virtual DiskLimits disk_limits(Deadline deadline) = 0;
    /// Holds a disk to `tune`; whatever this throws, disk_limits() says what has come of it.
    virtual void set_disk_limits(const std::string& alias, const std::optional<api::IoTune>& tune,
                                 Deadline deadline) = 0;
    /// Bytes of its memory that the guest has now, as its balloon says.
    virtual std::uint64_t memory(Deadline deadline) = 0;
    /// What the balloon was asked for last, in this generation and in later ones.
    virtual MemoryTarget memory_target(Deadline deadline) = 0;
    /// Asks the balloon to leave the guest so many of its `whole` bytes. The guest takes its time;
    /// whatever this throws, memory_target() says what has come of it.
    virtual void set_memory(std::uint64_t bytes, std::uint64_t whole, Deadline deadline) = 0;
    /// Where its threads may run, in this generation and in later ones, as affinity_text() says it.
    virtual std::string affinity(Deadline deadline) = 0;
    /// The same by the pins of `cpu`; all or nothing but for threads that it could not reach.
    virtual void set_affinity(const api::Cpu& cpu, Deadline deadline) = 0;
    /// Where the devices stand that the VMM was started with or given since.
    virtual DeviceBuses device_buses(Deadline deadline) = 0;

    struct VcpuInfo {
        int index = 0;
        std::int64_t thread_id = 0;
        std::int64_t cpu_time_ms = 0;
        std::optional<std::int64_t> waiting_ms;
        int last_cpu = -1;
        char state = '?'; ///< of the thread, as in /proc
        std::string affinity;
    };
    virtual std::vector<VcpuInfo> vcpus(Deadline deadline) = 0;

    // ---- the guest's state in a file ----
    /// Throws unsupported when the state cannot be saved, with the reason; else the machine's
    /// versioned type.
    virtual std::string prepare_save(Deadline deadline) = 0;
    /// Begins to write the state into `file` from `offset` on: transfer() tells how it goes.
    /// When it has completed, the VPs stand still.
    virtual void save_to(const Fd& file, std::int64_t offset, Deadline deadline) = 0;
    /// Begins to take the state from `file`; only of a VMM that was launched for it.
    virtual void load_from(const Fd& file, std::int64_t offset, Deadline deadline) = 0;
    virtual Transfer transfer(Deadline deadline) = 0;
    /// Asks a transfer to end. It may complete nevertheless.
    virtual void cancel_transfer(Deadline deadline) = 0;

    // ---- its memory alone ----
    /// Throws unsupported when it cannot be written so.
    virtual void prepare_dump(api::DumpFormat format, Deadline deadline) = 0;
    /// Begins to write the guest's memory into `file`: dump() tells how it goes. The VPs stand
    /// still meanwhile, and then go on if they did before.
    virtual void dump_to(const Fd& file, api::DumpFormat format, Deadline deadline) = 0;
    virtual Transfer dump(Deadline deadline) = 0;
};

struct Adopted {
    std::unique_ptr<VmmProcess> process; ///< empty when neither keeper nor VMM is left
    std::optional<KeeperStatus> status;
    /// Events after the last acknowledged one, oldest first. Where there are any, newer ones reach
    /// the event sink only after acknowledge() of the last of these, so that order is kept.
    std::vector<KeeperEvent> missed;
};

/// What a guest has that was started with another definition.
struct LiveDevices {
    api::PartitionSpec spec;
    DeviceBuses buses; ///< of what came
};

struct PlanRequest {
    api::PartitionSpec spec; ///< canonical: uuid, macs … are set
    api::PartitionNumber id = 0;
    std::string incarnation;
    bool start_paused = false;
    std::string machine{}; ///< a versioned type in the place of the newest
    /// The guest's state comes from a file that this VMM wrote ("qemu 7.2.22"): plan() refuses
    /// when it cannot be read here. Empty = the guest boots.
    std::string saved_by{};
    /// Devices have come and gone since a start with `spec`: this is what it shall have.
    std::optional<LiveDevices> live{};
};

/// The pins of a definition in one text.
std::string affinity_text(const api::Cpu& cpu);
/// And back, into the pins of `cpu`.
void read_affinity(const std::string& text, api::Cpu& cpu);

/// What the disks of a definition are held to.
DiskLimits limits_of(const api::PartitionSpec& spec);

/// What of a plan the guest sees; a saved guest needs the same again.
std::vector<std::string> guest_visible(const domain::LaunchPlan& plan);
/// One of these that an earlier version may have written, as it is written now.
std::string guest_visible(const std::string& option);

/// The machine's VMMs. Thread-safe.
class VmmHost {
public:
    virtual ~VmmHost() = default;

    /// Can this host run `spec`? Every objection at once; empty = yes. Used at define and start.
    virtual std::vector<api::Problem> objections(const api::PartitionSpec& spec) = 0;
    /// Chooses VMM and accelerator and makes the command. Throws api::Error.
    virtual domain::LaunchPlan plan(const PlanRequest& request) = 0;
    /// Makes folders, opens files, makes taps, starts the keeper, and returns when the VMM answers
    /// with its VPs still stopped. On a throw nothing of it is left.
    virtual std::unique_ptr<VmmProcess> launch(const domain::LaunchPlan& plan,
                                               Deadline deadline) = 0;
    /// Finds a keeper of an earlier daemon. `acknowledged` is the last event already recorded.
    virtual Adopted adopt(const api::Uuid& uuid, const KeeperRecord& record,
                          std::int64_t acknowledged, Deadline deadline) = 0;
    /// What stands in the run folder of an incarnation whose launch was never recorded: kills what
    /// is proven to be it, and removes the folder. Idempotent.
    virtual void clean(const api::Uuid& uuid, const std::string& incarnation,
                       Deadline deadline) = 0;
    /// Run folders (uuid, incarnation) that exist now, for the search for leftovers.
    virtual std::vector<std::pair<api::Uuid, std::string>> incarnations() = 0;

    /// What is installed here and what it can do, with the reason of every "no".
    virtual std::vector<domain::VmmCapability> capabilities() { return {}; }

    /// Called, on a thread of this module, for each event of each process made here. The callee
    /// must not call back into a VmmProcess and must return soon. Set once, before any launch.
    using EventSink =
        std::function<void(const api::Uuid&, const std::string& incarnation, const KeeperEvent&)>;
    virtual void set_event_sink(EventSink sink) = 0;
};

} // namespace mshv::vmm
