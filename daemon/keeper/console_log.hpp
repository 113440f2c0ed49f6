// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/keeper/protocol.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mshv::keeper {

/// console.log, console.log.1 … of one partition: every byte the guest prints, rotated at a size.
/// It never throws and never waits: what a full or broken disk does not take is counted.
class ConsoleLog {
public:
    ConsoleLog(const std::string& folder, const ConsoleConfig& config);

    void append(std::string_view bytes);
    [[nodiscard]] std::int64_t lost() const { return lost_; }
    /// Bytes lost in the present bad spell; 0 when the last write succeeded.
    [[nodiscard]] std::int64_t losing() const { return losing_; }
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

private:
    bool open();
    void rotate();

    std::string path_;
    std::size_t limit_;
    std::int64_t keep_;
    posix::Fd file_;
    std::size_t size_ = 0;
    std::int64_t lost_ = 0, losing_ = 0;
    std::string trouble_; ///< what the disk said
};

} // namespace mshv::keeper
