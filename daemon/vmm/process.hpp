// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/agent.hpp"
#include "daemon/vmm/hub.hpp"
#include "daemon/vmm/keeper_text.hpp"
#include "daemon/vmm/qemu/makeup.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "daemon/vmm/qemu/vcpus.hpp"
#include "daemon/vmm/vcpu_plug.hpp"

#include <memory>
#include <string>

namespace mshv::vmm {

/// What is left until `deadline`, as a number for the keeper.
inline std::int64_t milliseconds_left(Deadline deadline) {
    constexpr std::int64_t longest = 24LL * 3600 * 1000;
    return deadline.is_never() ? longest : deadline.poll_timeout();
}

/// A partition's keeper with its QEMU. Letting go of it leaves both running.
class KeeperProcess final : public VmmProcess, public GuestAgentOwner, public VcpuPlug {
public:
    /// Both are shared with the hub's thread and the host, which may go first.
    KeeperProcess(std::shared_ptr<Hub> hub, std::shared_ptr<KeeperLink> link, KeeperRecord record,
                  LaunchNote note, TapOpener open_tap);
    KeeperProcess(const KeeperProcess&) = delete;
    KeeperProcess& operator=(const KeeperProcess&) = delete;
    KeeperProcess(KeeperProcess&&) = delete;
    KeeperProcess& operator=(KeeperProcess&&) = delete;
    ~KeeperProcess() override;

    [[nodiscard]] KeeperRecord record() const override { return record_; }
    KeeperStatus status(Deadline deadline) override;
    std::int64_t resume(Deadline deadline) override;
    std::int64_t pause(Deadline deadline) override;
    void powerdown(Deadline deadline) override;
    void sleep_button(Deadline deadline) override;
    void wakeup(Deadline deadline) override;
    void refuse_sleep() const override;
    void inject_nmi(Deadline deadline) override;
    void reset(Deadline deadline) override;
    void expect(Expected end, Deadline deadline) override;
    void agent_shutdown(bool reboot, Deadline deadline) override;
    bool agent_connected(Deadline deadline) override;
    GuestAgent* guest_agent() override { return note_.agent ? &agent_ : nullptr; }
    void kill(Deadline deadline) override;
    void release(Deadline deadline) override;
    void set_policy(const domain::EndPolicy& policy, Deadline deadline) override;
    void acknowledge(std::int64_t seq) override;
    void attach_console(Fd client, const ConsoleRequest& request, Deadline deadline) override;
    std::vector<VcpuInfo> vcpus(Deadline deadline) override;
    // process_transfer.cpp
    std::string prepare_save(Deadline deadline) override;
    void save_to(const Fd& file, std::int64_t offset, Deadline deadline) override;
    void load_from(const Fd& file, std::int64_t offset, Deadline deadline) override;
    Transfer transfer(Deadline deadline) override;
    void cancel_transfer(Deadline deadline) override;
    void prepare_dump(api::DumpFormat format, Deadline deadline) override;
    void dump_to(const Fd& file, api::DumpFormat format, Deadline deadline) override;
    Transfer dump(Deadline deadline) override;
    // process_devices.cpp
    void attach_disk(const api::PartitionSpec& spec, const api::Disk& disk,
                     const std::vector<domain::DiskClaim>& claims, Deadline deadline) override;
    void detach_device(const std::string& alias, Deadline deadline) override;
    DeviceState settle_device(const std::string& alias, Deadline deadline) override;
    DeviceBuses device_buses(Deadline deadline) override;
    std::uint64_t disk_size(const std::string& alias, Deadline deadline) override;
    void resize_disk(const std::string& alias, std::uint64_t size, Deadline deadline) override;
    // process_media.cpp
    std::string settle_medium(const std::string& alias, Deadline deadline) override;
    Tray change_medium(const api::PartitionSpec& spec, const api::Disk& drive,
                       const std::vector<domain::DiskClaim>& claims, TrayLock lock,
                       Deadline deadline) override;
    // process_settings.cpp
    std::uint64_t memory(Deadline deadline) override;
    MemoryTarget memory_target(Deadline deadline) override;
    void set_memory(std::uint64_t bytes, std::uint64_t whole, Deadline deadline) override;
    DiskLimits disk_limits(Deadline deadline) override;
    void set_disk_limits(const std::string& alias, const std::optional<api::IoTune>& tune,
                         Deadline deadline) override;
    std::string affinity(Deadline deadline) override;
    void set_affinity(const api::Cpu& cpu, Deadline deadline) override;
    // process_vcpus.cpp
    VcpuCount vcpu_count(Deadline deadline) override;
    void set_vcpus(unsigned count, Deadline deadline) override;
    // process_nics.cpp
    void attach_nic(const api::PartitionSpec& spec, const api::Nic& nic,
                    Deadline deadline) override;
    void set_link(const std::string& alias, bool up, Deadline deadline) override;

private:
    qemu::MakeUp makeup(Deadline deadline);
    /// The same for something that comes: its files meet none of the present VMM's.
    qemu::MakeUp makeup_to_extend(Deadline deadline);
    void amend(const qemu::MakeUp& before, const qemu::MakeUp& next, const qemu::Addition* addition,
               const std::vector<Fd>& fds, Deadline deadline);
    std::vector<Fd> open_files(const qemu::Addition& addition,
                               const std::vector<domain::DiskClaim>& claims);
    /// Hands over an addition's descriptors, files before taps, and does its commands.
    void add(const qemu::Addition& addition, const std::vector<Fd>& fds, Deadline deadline);
    /// Asks the guest to let go of it, and waits for what the keeper says of that.
    keeper::Message unplug(const std::string& name, Deadline deadline);
    std::vector<qemu::CpuSlot> cpu_slots(Deadline deadline);
    void take_vcpus(const std::vector<qemu::CpuSlot>& slots, unsigned count, Deadline deadline);
    /// How many processors later generations begin with.
    void set_later_vcpus(unsigned count, Deadline deadline);
    bool is_there(const std::string& alias, Deadline deadline);
    /// The node that a disk's device reads; throws when it has none.
    std::string node_of(const std::string& alias, Deadline deadline);
    qemu::QmpDrive drive(const std::string& alias, Deadline deadline);
    /// `guest`: how long a locked tray is waited for.
    Tray open_tray(const std::string& alias, TrayLock lock, Deadline guest, Deadline deadline);
    void close_tray(const std::string& alias, Deadline deadline);
    void take_out(const std::string& alias, Deadline deadline);
    void put_in(const std::string& alias, const std::string& node, Deadline deadline);
    void sweep_blocks(const qemu::MakeUp& now, Deadline deadline);
    /// Takes away backends that no NIC has, and the descriptor of a tap that none of them took.
    void sweep_backends(const qemu::MakeUp& now, const std::string& alias, Deadline deadline);
    /// Sends a QMP command through the keeper; the VMM's line, whatever it says.
    std::string qmp(std::string_view command, std::string_view what, Deadline deadline);
    /// The same, with a descriptor for the VMM.
    std::string qmp_with(std::string_view command, const Fd& fd, std::string_view what,
                         Deadline deadline);
    void transfer_over(std::string_view command, const Fd& file, std::int64_t offset,
                       std::string_view what, Deadline deadline);
    /// The state, or the keeper is too old to hand the VMM a descriptor, and cannot `what`.
    void refuse_old_keeper(const std::string& what, Deadline deadline);
    void refuse_if_lacking(std::string_view ability, const std::string& what) const;
    /// False when the keeper does not answer.
    bool kill_by_keeper(Deadline deadline);
    void kill_directly(Deadline deadline);

    std::shared_ptr<Hub> hub_;
    std::shared_ptr<KeeperLink> link_;
    KeeperRecord record_;
    LaunchNote note_;
    TapOpener open_tap_;
    Agent agent_;
};

} // namespace mshv::vmm
