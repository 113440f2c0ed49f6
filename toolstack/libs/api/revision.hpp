// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/enum_names.hpp"
#include "toolstack/libs/api/spec.hpp"
#include "toolstack/libs/api/view.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mshv::api {

// A definition over time: its revisions, what differs between two, and what a new one would change.

/// Why a revision was made.
enum class Cause {
    defined,
    created,     ///< by a create, with the run that it began
    replaced,    ///< by a define over it
    applied,     ///< by an apply
    edited,      ///< by hand
    rolled_back, ///< to an earlier one
    renamed,
    autostart, ///< by the verb of that name
    upgraded,  ///< it was there before revisions were kept
};
MSHV_ENUM_NAMES(Cause, {Cause::defined, "defined"}, {Cause::created, "created"},
                {Cause::replaced, "replaced"}, {Cause::applied, "applied"},
                {Cause::edited, "edited"}, {Cause::rolled_back, "rolled-back"},
                {Cause::renamed, "renamed"}, {Cause::autostart, "autostart"},
                {Cause::upgraded, "upgraded"});

struct Revision {
    std::int64_t number = 0;
    std::int64_t at_ms = 0; ///< wall clock, Unix milliseconds
    std::string actor;
    Cause cause = Cause::defined;
    std::string detail;
};

/// GET /v1/partitions/{sel}/revisions: newest first.
struct RevisionList {
    std::int64_t current = 0;
    std::optional<std::int64_t> running; ///< with which the present run was started
    std::vector<Revision> revisions;
};

/// When a change of a definition is felt.
enum class Takes {
    live,       ///< at once
    next_start, ///< when the partition is started next; a reboot of the guest keeps what it has
    recreate,   ///< only by another partition in its place
};
MSHV_ENUM_NAMES(Takes, {Takes::live, "live"}, {Takes::next_start, "next-start"},
                {Takes::recreate, "recreate"});

/// One place at which two definitions differ.
struct SpecChange {
    std::string path;   ///< in the spec, e.g. /devices/disks[vda]/cache
    std::string before; ///< as in JSON, text without its quotes; empty = it was not there
    std::string after;
    Takes takes = Takes::next_start;
};

/// GET /v1/partitions/{sel}/changes
struct ChangeList {
    std::int64_t from = 0, to = 0;
    std::vector<SpecChange> changes;
};

/// POST /v1/plan: what would become of a definition, and what of the one that it replaces.
struct PlanRequest {
    PartitionSpec spec;
    std::string xml; ///< the document, when it shall be stored, too
};

enum class PlanAction {
    none,     ///< the stored one says the same
    create,   ///< there is none of this name or UUID
    update,   ///< by a PUT of the definition
    recreate, ///< another partition has the name
};
MSHV_ENUM_NAMES(PlanAction, {PlanAction::none, "none"}, {PlanAction::create, "create"},
                {PlanAction::update, "update"}, {PlanAction::recreate, "recreate"});

struct Plan {
    PlanAction action = PlanAction::none;
    std::string name;                       ///< that the partition will have
    std::optional<PartitionView> partition; ///< that is there
    std::vector<SpecChange> changes;
};

/// PUT /v1/partitions/{sel}/spec
struct ReplaceRequest {
    PartitionSpec spec;
    std::string xml;                      ///< as CreateRequest's
    std::optional<std::int64_t> revision; ///< refused when the stored one is another
    Cause cause = Cause::replaced;
};

/// POST /v1/partitions/{sel}/rollback
struct RollbackRequest {
    std::int64_t to = 0;
    std::optional<std::int64_t> revision; ///< as ReplaceRequest's
};

/// POST /v1/vmm-args
struct VmmArgumentsRequest {
    PartitionSpec spec;
};

/// How the VMM would be started.
struct VmmArguments {
    std::string program;
    std::vector<std::string> argv; ///< the program's name included
    std::string accelerator, accelerator_reason, vmm;
};

} // namespace mshv::api
