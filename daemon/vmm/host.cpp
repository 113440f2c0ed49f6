// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/host.hpp"

#include "daemon/vmm/files.hpp"
#include "daemon/vmm/keeper_text.hpp"
#include "daemon/vmm/launch.hpp"
#include "daemon/vmm/pinning.hpp"
#include "daemon/vmm/process.hpp"
#include "daemon/vmm/qemu/firmware.hpp"
#include "daemon/vmm/qemu/makeup.hpp"
#include "daemon/vmm/qemu/migration.hpp"
#include "daemon/vmm/qemu/settings.hpp"
#include "toolstack/libs/hostprobe/hostprobe.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace mshv::vmm {
namespace {

// As long as a QEMU takes that finds its host busy: some seconds where the processor is emulated.
constexpr auto probe_time = std::chrono::seconds(60);
constexpr auto kvm_probe_time = std::chrono::milliseconds(700);
constexpr auto unpack_time = std::chrono::seconds(60);

void check_options(const HostOptions& options) {
    const auto invalid = [](const std::string& what) {
        throw api::Error(api::ErrorCode::invalid, what, "correct mshvd.toml");
    };
    const std::pair<const char*, const std::string*> folders[] = {{"run_dir", &options.run_dir},
                                                                  {"log_dir", &options.log_dir},
                                                                  {"cache_dir", &options.cache_dir},
                                                                  {"state_dir", &options.state_dir},
                                                                  {"keeper", &options.keeper}};
    for (const auto& [name, path] : folders) {
        if (path->empty() || path->front() != '/') {
            invalid(std::string(name) + " '" + *path + "' is not an absolute path");
        }
    }
    for (const char c : options.run_dir) {
        if (c == ',' || c == '=' || static_cast<unsigned char>(c) <= 0x20) {
            invalid("run_dir '" + options.run_dir + "' holds a comma, '=' or white space");
        }
    }
    // RUN_DIR/<36>/<incarnation>/keeper.sock has to fit into a socket address.
    constexpr std::size_t longest_run_dir = 107 - 36 - 16 - 14;
    if (options.run_dir.size() > longest_run_dir) {
        invalid("run_dir '" + options.run_dir + "' is longer than " +
                std::to_string(longest_run_dir) + " bytes");
    }
    if (options.uid_base && options.uid_count == 0) {
        invalid("uid_count is 0");
    }
}

/// May a process of a user of its own open this device by its group?
std::string why_not_for_users(const hostprobe::DeviceFacts& device) {
    constexpr mode_t group_bits = 0060;
    constexpr mode_t other_bits = 0006;
    if ((device.mode & group_bits) == group_bits || (device.mode & other_bits) == other_bits) {
        return {};
    }
    return device.path +
           " is closed to the VMMs' users (install the udev rule that gives it a group)";
}

qemu::HostAccelerator accelerator_of(const hostprobe::DeviceFacts& device, bool works,
                                     const std::string& why, bool own_users) {
    qemu::HostAccelerator result{works, why, std::nullopt};
    if (works && own_users) {
        const std::string closed = why_not_for_users(device);
        if (!closed.empty()) {
            return {false, closed, std::nullopt};
        }
        result.group = device.gid;
    }
    return result;
}

/// What makes a seed must be there: better told at define than at the start.
void add_seed_objection(std::vector<api::Problem>& out, const api::PartitionSpec& spec,
                        const std::string& program) {
    if (spec.cloud_init && ::access(program.c_str(), X_OK) != 0) {
        api::Problem problem;
        problem.code = "E-UNSUPPORTED";
        problem.where = "/spec/cloud_init";
        problem.message = program + " makes cloud-init's seed and is not installed";
        problem.hint = "install the package xorriso";
        out.push_back(std::move(problem));
    }
}

std::string join(const std::vector<api::Problem>& problems) {
    std::string text;
    for (const auto& problem : problems) {
        text += (text.empty() ? "" : "; ") + problem.message;
    }
    return text;
}

} // namespace

QemuHost::QemuHost(HostOptions options)
    : options_(std::move(options)), capabilities_(options_.cache_dir + "/vmm"),
      kernels_(options_.cache_dir + "/kernels", options_.kernel_image, options_.kernel_cache_limit,
               [this] { return kernels_in_use(); }) {
    check_options(options_);
    if (!options_.log) {
        options_.log = [](const std::string&) {};
    }
    make_folder(options_.run_dir, 0755, Existing::accept);
    hub_ = std::make_shared<Hub>(options_.log);
    std::promise<Probed> promise;
    probed_ = promise.get_future().share();
    warm_up_ = std::jthread([this, promise = std::move(promise)]() mutable {
        Probed found;
        try {
            found = probe_host(options_.uid_base.has_value());
        } catch (const std::exception& error) {
            found.accelerators.mshv.why = found.accelerators.kvm.why = error.what();
        }
        promise.set_value(std::move(found));
        try {
            (void)capabilities_.get(program_for({}), Deadline::after(probe_time));
        } catch (const api::Error& error) {
            options_.log(error.message());
        }
    });
}

QemuHost::Probed QemuHost::probe_host(bool own_users) {
    Probed probed;
    const auto hypervisor = hostprobe::probe_hypervisor();
    const auto mshv = hostprobe::probe_device("/dev/mshv");
    const auto kvm = hostprobe::probe_kvm(Deadline::after(kvm_probe_time));
    probed.accelerators.mshv = accelerator_of(mshv, mshv.openable, mshv.why, own_users);
    probed.accelerators.kvm = accelerator_of(kvm.device, kvm.runs, kvm.why, own_users);
    probed.tsc_khz = hypervisor.tsc_khz;
    probed.scheduler = mshv.openable ? hostprobe::probe_system().scheduler : std::string();
    return probed;
}

std::string QemuHost::program_for(const api::PartitionSpec& spec) const {
    const std::string& given = spec.devices.emulator;
    if (!given.empty()) {
        struct stat info {};
        // A program that somebody else can change would run with the daemon's choice of user.
        if (::geteuid() == 0 && ::stat(given.c_str(), &info) == 0 &&
            (info.st_uid != 0 || (info.st_mode & 0022U) != 0)) {
            throw api::Error(api::ErrorCode::denied,
                             "The emulator " + given + " can be changed by others than root",
                             "give it to root, writable by nobody else");
        }
        return given;
    }
    if (!options_.qemu.empty()) {
        return options_.qemu;
    }
    for (const char* path : {"/usr/bin/qemu-system-x86_64", "/usr/local/bin/qemu-system-x86_64",
                             "/usr/libexec/qemu-kvm"}) {
        if (::access(path, X_OK) == 0) {
            return path;
        }
    }
    throw api::Error(api::ErrorCode::unsupported, "QEMU is not installed",
                     "install the package qemu-system-x86");
}

std::optional<domain::VmmUser> QemuHost::user_for(api::PartitionNumber id,
                                                  api::Accelerator accelerator) const {
    if (!options_.uid_base) {
        return std::nullopt;
    }
    const auto offset = static_cast<uid_t>(static_cast<std::uint64_t>(id) % options_.uid_count);
    domain::VmmUser user{*options_.uid_base + offset, *options_.uid_base + offset, {}};
    const auto& host = probed_.get().accelerators;
    const auto& device = accelerator == api::Accelerator::mshv ? host.mshv : host.kvm;
    if (accelerator != api::Accelerator::tcg && device.group) {
        user.groups.push_back(*device.group);
    }
    return user;
}

std::string QemuHost::rom(const std::string& name) const {
    for (const auto& folder : options_.rom_dirs) {
        std::string path = folder;
        path.append("/").append(name);
        if (::access(path.c_str(), R_OK) == 0) {
            return path;
        }
    }
    return {};
}

qemu::BootImage QemuHost::boot_image(const api::PartitionSpec& spec, api::Accelerator accelerator) {
    qemu::BootImage boot;
    boot.kernel = spec.boot.kernel;
    if (spec.boot.firmware == api::Firmware::efi) {
        const auto found = qemu::find_efi(options_.firmware_dirs, spec.boot.machine);
        if (!spec.boot.loader.empty()) {
            boot.efi_code = spec.boot.loader;
            boot.efi_vars_template =
                found && found->code == spec.boot.loader ? found->vars_template : "";
        } else if (found) {
            boot.efi_code = found->code;
            boot.efi_vars_template = found->vars_template;
            boot.efi_format = found->format;
        } else {
            throw api::Error(api::ErrorCode::unsupported, "No EFI firmware for guests is installed",
                             "install the package ovmf");
        }
        return boot;
    }
    // The guest's own decompressor runs under TCG, and slowly: an unpacked kernel boots in half the
    // time. qboot shows no screen, so it is not for who looks at one.
    if (boot.kernel.empty() || accelerator != api::Accelerator::tcg ||
        spec.devices.video != api::VideoModel::none || !spec.boot.loader.empty()) {
        return boot;
    }
    const auto fast = kernels_.find(boot.kernel, Deadline::after(unpack_time));
    if (fast.path.empty()) {
        options_.log(boot.kernel + " is booted as it is: " + fast.why);
        return boot;
    }
    if (const std::string qboot = rom("qboot.rom"); !qboot.empty()) {
        boot.kernel = fast.path;
        boot.qboot = qboot;
    }
    return boot;
}

std::vector<api::Problem> QemuHost::objections(const api::PartitionSpec& spec) {
    try {
        const auto capabilities = capabilities_.get(program_for(spec), Deadline::after(probe_time));
        const auto choice =
            qemu::choose_accelerator(spec, *capabilities, probed_.get().accelerators);
        auto found = qemu::objections(spec, *capabilities, choice.accelerator);
        add_pin_objections(found, spec, choice.accelerator, probed_.get().scheduler);
        add_seed_objection(found, spec, options_.seed_maker);
        return found;
    } catch (const api::Error& error) {
        api::Problem problem;
        problem.code = "E-HOST";
        problem.message = error.message();
        problem.hint = error.hint();
        return {problem};
    }
}

domain::LaunchPlan QemuHost::plan(const PlanRequest& request) {
    const auto& spec = request.spec;
    const auto capabilities = capabilities_.get(program_for(spec), Deadline::after(probe_time));
    const Probed& probed = probed_.get();
    qemu::PlanInput input;
    input.program = capabilities->program;
    input.version = capabilities->version;
    input.accelerator = qemu::choose_accelerator(spec, *capabilities, probed.accelerators);
    const auto accelerator = input.accelerator.accelerator;
    auto problems = qemu::objections(spec, *capabilities, accelerator);
    add_pin_objections(problems, spec, accelerator, probed.scheduler);
    add_seed_objection(problems, spec, options_.seed_maker);
    if (!problems.empty()) {
        const std::string text = join(problems);
        throw api::Error(api::ErrorCode::unsupported, "This host cannot run the partition: " + text)
            .with_problems(std::move(problems));
    }
    input.spec = spec;
    input.id = request.id;
    input.incarnation = request.incarnation;
    input.start_paused = request.start_paused;
    input.boot = boot_image(spec, accelerator);
    input.folders = {options_.run_dir, options_.log_dir, options_.state_dir};
    input.user = user_for(request.id, accelerator);
    input.tsc_khz = probed.tsc_khz;
    input.machine = request.machine;
    input.incoming = !request.saved_by.empty();
    auto plan = qemu::make_plan(input);
    plan.affinity = qemu::affinity_of(spec.cpu);
    if (request.live) {
        qemu::change_devices(plan, input, request.live->spec, request.live->buses);
        qemu::change_settings(plan, request.live->spec);
    }
    if (input.incoming) {
        const auto cpu = std::find(plan.argv.begin(), plan.argv.end(), "-cpu");
        qemu::refuse_foreign(request.saved_by, request.machine, *capabilities,
                             cpu == plan.argv.end() ? "" : *(cpu + 1));
    }
    return plan;
}

std::unique_ptr<VmmProcess> QemuHost::launch(const domain::LaunchPlan& plan, Deadline deadline) {
    return launch_plan(options_, hub_, plan, deadline);
}

Adopted QemuHost::adopt(const api::Uuid& uuid, const KeeperRecord& record,
                        std::int64_t acknowledged, Deadline deadline) {
    if (record.boot_id != posix::boot_id()) {
        return {}; // the machine booted again: nothing of then is left
    }
    auto keeper = posix::PidFd::open(record.keeper);
    if (keeper) {
        return adopt_living(uuid, record, std::move(*keeper), acknowledged, deadline);
    }
    // The journal is on disk; what the keeper had no time to say is said by its absence.
    Adopted adopted;
    adopted.missed = read_journal(record.run_dir, acknowledged);
    end_remains(record.run_dir, nullptr, deadline);
    return adopted;
}

Adopted QemuHost::adopt_living(const api::Uuid& uuid, const KeeperRecord& record,
                               posix::PidFd keeper, std::int64_t acknowledged, Deadline deadline) {
    const std::string incarnation = record.run_dir.substr(record.run_dir.rfind('/') + 1);
    std::shared_ptr<KeeperLink> link; // shared with the hub's thread
    try {
        auto socket = posix::connect_unix(record.run_dir + "/" + keeper::socket_file, deadline);
        link = std::make_shared<KeeperLink>(uuid, incarnation, record.run_dir, std::move(socket),
                                            std::move(keeper), false, Intake::adopting);
        hub_->add(link);
        const auto answer = link->ask(keeper::Message("hello")
                                          .set("proto", keeper::protocol_version)
                                          .set("since", acknowledged),
                                      "adopt the keeper", deadline);
        if (answer.text("nonce") != record.nonce) {
            throw api::Error(api::ErrorCode::failed, "Another keeper answers in " + record.run_dir);
        }
        Adopted adopted;
        adopted.status = to_status(answer);
        link->set_vmm(adopted.status->vmm);
        adopted.missed = adopted.status->last_event_seq > acknowledged
                             ? link->collect(adopted.status->last_event_seq, deadline)
                             : link->collect(0, deadline);
        if (link->release_held(acknowledged)) {
            hub_->flush(*link);
        }
        adopted.process = std::make_unique<KeeperProcess>(
            hub_, link, record, read_launch_note(record.run_dir), options_.open_tap);
        return adopted;
    } catch (const posix::TimedOut& late) {
        if (link) {
            hub_->remove(*link);
        }
        throw api::Error(api::ErrorCode::timeout,
                         "The keeper in " + record.run_dir + " does not answer: " + late.what());
    } catch (const std::system_error& error) {
        if (link) {
            hub_->remove(*link);
        }
        throw api::Error(api::ErrorCode::failed,
                         std::string("Cannot adopt a keeper: ") + error.what());
    } catch (...) {
        if (link) {
            hub_->remove(*link);
        }
        throw;
    }
}

void QemuHost::clean(const api::Uuid& uuid, const std::string& incarnation, Deadline deadline) {
    const std::string run_dir = options_.run_dir + "/" + api::to_string(uuid) + "/" + incarnation;
    if (incarnation.empty() || incarnation.find('/') != std::string::npos || incarnation == ".." ||
        incarnation == ".") {
        throw api::Error(api::ErrorCode::invalid, "'" + incarnation + "' is no incarnation");
    }
    try {
        end_remains(run_dir, nullptr, deadline);
    } catch (const posix::TimedOut& late) {
        throw api::Error(api::ErrorCode::timeout,
                         "Cannot remove what is left in " + run_dir + ": " + late.what());
    } catch (const std::system_error& error) {
        throw api::Error(api::ErrorCode::failed,
                         "Cannot remove what is left in " + run_dir + ": " + error.what());
    }
}

std::vector<std::pair<api::Uuid, std::string>> QemuHost::incarnations() {
    namespace fs = std::filesystem;
    std::vector<std::pair<api::Uuid, std::string>> found;
    std::error_code error; // folders come and go meanwhile
    for (const auto& partition : fs::directory_iterator(options_.run_dir, error)) {
        const auto uuid = api::parse_uuid(partition.path().filename().string());
        if (!uuid) {
            continue;
        }
        std::error_code gone;
        for (const auto& entry : fs::directory_iterator(partition.path(), gone)) {
            found.emplace_back(*uuid, entry.path().filename().string());
        }
    }
    return found;
}

std::set<std::string> QemuHost::kernels_in_use() {
    std::set<std::string> kernels;
    for (const auto& [uuid, incarnation] : incarnations()) {
        kernels.insert(
            read_launch_note(options_.run_dir + "/" + api::to_string(uuid) + "/" + incarnation)
                .kernel);
    }
    return kernels;
}

std::vector<domain::VmmCapability> QemuHost::capabilities() {
    domain::VmmCapability result;
    result.name = "qemu";
    try {
        result.program = program_for({});
        const auto capabilities = capabilities_.get(result.program, Deadline::after(probe_time));
        result.version = capabilities->version.to_string();
        for (const auto machine : {api::Machine::q35, api::Machine::pc, api::Machine::microvm}) {
            if (std::string name(api::to_name(machine)); capabilities->machines.contains(name)) {
                result.machines.push_back(std::move(name));
            }
        }
        for (const auto accelerator :
             {api::Accelerator::mshv, api::Accelerator::kvm, api::Accelerator::tcg}) {
            const std::string why =
                qemu::why_not(accelerator, *capabilities, probed_.get().accelerators);
            result.accelerators.push_back(
                {accelerator, why.empty(), why, qemu::lacking(accelerator, capabilities->version)});
        }
    } catch (const api::Error& error) {
        result.why = error.message();
    }
    return {result};
}

DiskLimits limits_of(const api::PartitionSpec& spec) {
    DiskLimits limits;
    for (const auto& disk : spec.devices.disks) {
        if (disk.iotune) {
            limits[disk.alias] = *disk.iotune;
        }
    }
    return limits;
}

std::string affinity_text(const api::Cpu& cpu) {
    return qemu::affinity_of(cpu);
}

void read_affinity(const std::string& text, api::Cpu& cpu) {
    qemu::read_affinity(text, cpu);
}

std::vector<std::string> guest_visible(const domain::LaunchPlan& plan) {
    return qemu::guest_visible(plan.argv);
}

std::string guest_visible(const std::string& option) {
    return qemu::guest_visible(option);
}

std::unique_ptr<VmmHost> make_host(HostOptions options) {
    return std::make_unique<QemuHost>(std::move(options));
}

} // namespace mshv::vmm
