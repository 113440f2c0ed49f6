// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace mshv::keeper {

/// Takes out of replayed console bytes the sequences that ask the terminal something: device status
/// and attributes, mode and window reports, colour queries, ENQ. The user's terminal would answer
/// them now, and type the answer into a guest that asked long ago. Works across any cut of the
/// input.
class QueryFilter {
public:
    /// What is to be shown of `bytes`. A sequence that is not finished yet is held back.
    std::string filter(std::string_view bytes);
    /// What was held back: the end of the replay, where the live stream continues it.
    std::string finish();
    /// Bytes taken out since the last call.
    std::size_t take_removed();
    /// Bytes held back now.
    [[nodiscard]] std::size_t held() const { return held_.size(); }

private:
    enum class Inside { text, escape, csi, string, string_escape };
    void byte(char c, std::string& out);
    void end_sequence(bool query, std::string& out);
    [[nodiscard]] bool csi_asks() const;
    [[nodiscard]] bool string_asks() const;

    Inside inside_ = Inside::text;
    std::string held_;
    std::size_t removed_ = 0;
};

} // namespace mshv::keeper
