// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/error.hpp"

#include <cstddef>
#include <vector>

namespace mshv::foreign {

/// By line and column, each once, and at most `most` of them: of the rest the number is told.
std::vector<api::Problem> in_order(std::vector<api::Problem> problems, std::size_t most);

} // namespace mshv::foreign
