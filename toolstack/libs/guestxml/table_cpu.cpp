// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/build.hpp"
#include "toolstack/libs/guestxml/table.hpp"

namespace mshv::guestxml {
namespace {

using namespace api;

constexpr std::uint64_t most_vcpus = 4096;

CpuTopology& topology(Build& b) {
    return b.spec.cpu.topology ? *b.spec.cpu.topology : b.spec.cpu.topology.emplace();
}

constexpr Row rows[] = {
    row("vcpu", Type::number, "Virtual processors that the partition can have")
        .from(1, most_vcpus)
        .by_default("1")
        .to([](Build& b, const Value& v) {
            b.spec.cpu.maximum = v.small();
            b.vcpu_read = true;
        }),
    row("vcpu/@current", Type::number, "Virtual processors present at boot")
        .from(1, most_vcpus)
        .by_default("all")
        .to([](Build& b, const Value& v) { b.vcpu_current = v.small(); }),
    row("vcpu/@placement", Type::choice, "Only static")
        .of("static")
        .refuses("auto", "numad is not asked for a placement", "static")
        .no_effect(),
    row("vcpu/@cpuset", Type::cpus, "Where all of them may run, and the VMM's other threads")
        .by_default("any processor")
        .to([](Build& b, const Value& v) { b.vcpu_cpus = v.string(); }),
    refused("vcpus", "single virtual processors cannot be described in this release",
            "<vcpu current='N'>MAX</vcpu>"),

    row("cpu", Type::none, "What processor the guest sees"),
    row("cpu/@mode", Type::choice, "Absent: the accelerator's own choice, or custom with <model>")
        .of("host-passthrough maximum custom")
        .refuses("host-model", "host-model is not in this release", "host-passthrough")
        .by_default("the accelerator's own")
        .to([](Build& b, const Value& v) {
            b.spec.cpu.mode = v.as<CpuMode>();
            b.cpu_mode_given = true;
        }),
    row("cpu/@match", Type::choice, "Only exact")
        .of("exact")
        .refuses("minimum strict", "a model is always taken exactly", "exact")
        .no_effect(),
    row("cpu/@check", Type::choice, "What is compared with the host before the start")
        .of("none")
        .refuses("partial full", "the model is not compared with the host in this release", "none")
        .no_effect(),
    row("cpu/@migratable", Type::choice, "Features that cannot migrate are hidden")
        .of("on")
        .refuses("off", "features that cannot migrate are not offered in this release", "on")
        .no_effect(),
    row("cpu/model", Type::token, "Model name, with mode custom")
        .up_to(64)
        .to([](Build& b, const Value& v) { b.spec.cpu.model = v.text; }),
    row("cpu/model/@fallback", Type::choice, "A model is never replaced by another")
        .of("forbid allow")
        .no_effect(),
    refused("cpu/model/@vendor_id", "the processor's vendor cannot be changed in this release"),
    refused("cpu/vendor", "the processor's vendor cannot be asked for in this release"),
    row("cpu/topology", Type::none, "The product is <vcpu>").to([](Build& b, const Value&) {
        topology(b);
    }),
    row("cpu/topology/@sockets", Type::number, "Sockets")
        .required()
        .from(1, most_vcpus)
        .to([](Build& b, const Value& v) { topology(b).sockets = v.small(); }),
    row("cpu/topology/@dies", Type::number, "Dies in a socket")
        .from(1, most_vcpus)
        .by_default("1")
        .to([](Build& b, const Value& v) { topology(b).dies = v.small(); }),
    row("cpu/topology/@clusters", Type::number, "Only 1").from(1, 1).by_default("1").no_effect(),
    row("cpu/topology/@cores", Type::number, "Cores in a die")
        .required()
        .from(1, most_vcpus)
        .to([](Build& b, const Value& v) { topology(b).cores = v.small(); }),
    row("cpu/topology/@threads", Type::number, "Threads in a core")
        .required()
        .from(1, most_vcpus)
        .to([](Build& b, const Value& v) { topology(b).threads = v.small(); }),
    row("cpu/feature", Type::none, "One feature of the processor")
        .many()
        .to([](Build& b, const Value&) { b.spec.cpu.features.emplace_back(); }),
    row("cpu/feature/@policy", Type::choice, "The guest must have it, or must not")
        .of("require disable")
        .refuses("force optional forbid", "only require and disable are in this release")
        .by_default("require")
        .to([](Build& b, const Value& v) {
            b.spec.cpu.features.back().policy = v.as<FeaturePolicy>();
        }),
    row("cpu/feature/@name", Type::token, "As the VMM calls it")
        .required()
        .up_to(64)
        .to([](Build& b, const Value& v) { b.spec.cpu.features.back().name = v.text; }),
    refused("cpu/cache", "the cache's look cannot be chosen in this release"),
    refused("cpu/maxphysaddr", "the address width cannot be chosen in this release"),
    refused("cpu/numa", "guest NUMA nodes are not in this release"),
};

} // namespace

std::span<const Row> cpu_rows() {
    return rows;
}

} // namespace mshv::guestxml
