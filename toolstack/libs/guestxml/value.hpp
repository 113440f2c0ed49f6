// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/guestxml/build.hpp"
#include "toolstack/libs/guestxml/table.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mshv::guestxml {

/// Why a value was not accepted.
struct Refusal {
    std::string code, message, hint;
};

/// Bytes of one `unit` as libvirt counts them (KB is 1000, KiB and K 1024); empty for other words.
std::optional<std::uint64_t> bytes_of_unit(std::string_view unit);

/// Judges `raw` by the row's type and fills `value`. `scale` is the bytes of one unit of a size.
std::optional<Refusal> judge(const Row& row, std::string_view raw, std::uint64_t scale,
                             Value& value);

/// Is `word` in the list, or does it begin with what stands before a '*' there?
bool listed(std::string_view list, std::string_view word);

} // namespace mshv::guestxml
