// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/builder.hpp"

// cloud-init's seed: a disk beside the definition's. On virtio, since the kernels that
// distributions make for clouds have no driver of a CD drive; behind the other devices, so that
// these are for the guest what they are without it.

namespace mshv::vmm::qemu {
namespace {

constexpr std::string_view node = "seed0";

domain::SeedPlan plan_of(const api::PartitionSpec& spec, const domain::LaunchPlan& launch) {
    const auto& wanted = *spec.cloud_init;
    const std::string meta_data = "instance-id: " + api::to_string(launch.uuid) +
                                  "\nlocal-hostname: \"" + launch.name + "\"\n";
    domain::SeedPlan plan;
    plan.path = launch.run_dir + "/seed.iso";
    // Without these two files cloud-init takes it for no seed.
    plan.files.push_back(
        {"user-data", wanted.user_data.value_or(api::SeedDocument{"#cloud-config\n", {}})});
    plan.files.push_back(
        {"meta-data", wanted.meta_data.value_or(api::SeedDocument{meta_data, {}})});
    if (wanted.network_config) {
        plan.files.push_back({"network-config", *wanted.network_config});
    }
    return plan;
}

} // namespace

void add_seed(CommandBuilder& command) {
    const auto& spec = command.input().spec;
    if (!spec.cloud_init) {
        return;
    }
    auto& plan = command.plan();
    plan.seed = plan_of(spec, plan);
    domain::FilePlan file;
    file.path = plan.seed->path;
    JsonObject blocks;
    blocks.text("driver", "file").text("node-name", node);
    blocks.text("filename", command.file(std::move(file)));
    blocks.flag("read-only", true).flag("auto-read-only", false);
    command.json("-blockdev", blocks);
    JsonObject device = command.virtio_behind_port("virtio-blk", seed_alias);
    device.text("drive", node).text("serial", "cidata");
    command.device(device);
}

} // namespace mshv::vmm::qemu
