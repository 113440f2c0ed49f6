// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/operations.hpp"
#include "daemon/control/preparation.hpp"
#include "daemon/control/saved_checks.hpp"
#include "daemon/control/saver.hpp"
#include "daemon/vmm/disk_identity.hpp"

namespace mshv::control {

using api::Error;
using api::ErrorCode;

namespace {

/// Ends a unit of work that was never to last.
struct TakenBack {};

} // namespace

/// What the database says to it: names, addresses and who has the disks.
void Operations::refuse_taken(const Directory::EntryPtr& entry, const api::PartitionSpec& spec) {
    try {
        core_.store.write([&](store::Transaction& t) {
            const auto id =
                entry ? entry->row.id : t.insert(make_definition(spec, ""), false, "compare").id;
            t.claim_disks(id, vmm::disk_claims(spec));
            throw TakenBack{};
        });
    } catch (const TakenBack&) { // NOLINT(bugprone-empty-catch): nobody is in its way
    }
}

api::Comparison Operations::compare(const std::string& path) {
    if (path.empty() || path.front() != '/') {
        throw Error(ErrorCode::invalid, "'" + path + "' is no absolute path of a file");
    }
    api::Comparison found;
    found.path = path;
    const Checker gather = [&](const std::function<void()>& check) {
        try {
            check();
        } catch (const Error& error) {
            found.obstacles.push_back(
                {std::string(api::error_info(error.code()).name), error.message(), error.hint()});
        }
    };
    std::optional<SavedImage> image;
    gather([&] {
        image.emplace(open_saved(path));
        const auto& manifest = image->manifest;
        found.name = manifest.spec.name;
        found.uuid = manifest.spec.uuid;
        found.vmm = manifest.vmm;
        found.saved_ms = manifest.saved_ms;
    });
    if (!image) {
        return found;
    }
    bool usable = false;
    gather([&] {
        refuse_unusable(*image);
        usable = true;
    });
    if (!usable) {
        return found;
    }
    const auto entry = core_.directory.find(*image->manifest.spec.uuid);
    check_place(core_, *image, entry, gather);
    const auto id = entry ? entry->row.id : 0;
    const auto spec = plan_request(image->manifest, id, random_incarnation()).spec;
    gather([&] { refuse_when_invalid(core_.objections(spec), spec.name); });
    check_saved(core_, *image, id, false, gather);
    gather([&] { refuse_taken(entry, spec); });
    gather([&] { admission_.judge(spec); });
    return found;
}

} // namespace mshv::control
