// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

#include <string_view>

namespace mshv::standin {

/// What the loader's command line asks for. Words apart by spaces; an unknown one is an error, since a
/// test that misspells what it wants would prove nothing.
struct Options {
    bool hide_hypervisor = false; ///< `plain`: the root sees no hypervisor, as an ordinary guest
};

/// Panics with the word that it does not know.
Options parse_options(std::string_view line);

} // namespace mshv::standin
