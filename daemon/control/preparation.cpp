// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/preparation.hpp"

#include "daemon/domain/canonicalise.hpp"
#include "daemon/domain/validate.hpp"

#include <cstring>

namespace mshv::control {

using api::Error;
using api::ErrorCode;

std::uint64_t random_bits() {
    const api::Uuid uuid = api::random_uuid();
    std::uint64_t bits = 0;
    // Octets 6 and 8 hold the version and the variant: take those that are random throughout.
    std::memcpy(&bits, &uuid.data[0], 4);
    std::memcpy(reinterpret_cast<unsigned char*>(&bits) + 4, &uuid.data[12], 4);
    return bits;
}

void refuse_when_invalid(std::vector<api::Problem> problems, const std::string& name) {
    std::erase_if(problems, [](const api::Problem& problem) { return problem.warning; });
    if (problems.empty()) {
        return;
    }
    const std::string first = problems.front().message;
    throw Error(
        ErrorCode::invalid,
        "The definition of '" + name + "' is not valid: " + first +
            (problems.size() > 1 ? ", and " + std::to_string(problems.size() - 1) + " more" : ""))
        .with_problems(std::move(problems));
}

api::PartitionSpec prepared(Core& core, api::PartitionSpec spec, bool& generated_macs) {
    generated_macs = domain::canonicalise(spec, random_bits).macs;
    refuse_when_invalid(domain::validate(spec), spec.name);
    refuse_when_invalid(core.objections(spec), spec.name);
    return spec;
}

bool is_mac_conflict(const Error& error) {
    return error.code() == ErrorCode::exists && !error.problems().empty() &&
           error.problems().front().code == "E-MAC";
}

void refuse_removal(const store::PartitionRow& row, std::optional<std::int64_t> revision) {
    if (row.protect_delete) {
        throw Error(ErrorCode::denied, "Partition '" + row.name + "' is protected against deletion",
                    "take the protection out of its definition first");
    }
    if (!row.saved.empty()) {
        throw Error(ErrorCode::wrong_state, "Partition '" + row.name + "' has a saved state",
                    "start it, or forget that by mshvctl managed-save-remove");
    }
    if (revision && *revision != row.revision) {
        throw Error(ErrorCode::wrong_state, "The definition of '" + row.name + "' is at revision " +
                                                std::to_string(row.revision) + ", not " +
                                                std::to_string(*revision) +
                                                ": it was changed meanwhile");
    }
}

store::Definition new_definition(const api::PartitionSpec& spec, const api::CreateRequest& request,
                                 api::Cause usual) {
    auto definition = make_definition(spec, request.xml);
    definition.cause = request.cause == api::Cause::defined ? usual : request.cause;
    definition.owner = request.owner;
    return definition;
}

api::Cause replacing_cause(api::Cause asked) {
    return asked == api::Cause::defined ? api::Cause::replaced : asked;
}

} // namespace mshv::control
