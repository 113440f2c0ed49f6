// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/import/draft.hpp"
#include "toolstack/libs/import/import.hpp"
#include "toolstack/libs/import/xl_scan.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::foreign {

/// One item of a list, or the string that stands for a list of one.
struct XlItem {
    const XlValue* value = nullptr;
    std::string_view text;
    Origin origin = no_origin;
};

/// What the handlers of keys work with: the settings, the document in the making, and the report.
class XlContext {
public:
    XlContext(std::string_view document, const XlDocument& read, const ImportOptions& options);

    [[nodiscard]] Draft& draft() { return draft_; }

    // ---- settings: of a key that is given several times, the last ------------------------------

    [[nodiscard]] bool has(std::string_view key) const { return settings_.count(key) != 0; }
    [[nodiscard]] const XlValue* value(std::string_view key) const;
    /// A string; a number as it is written. Reports a list.
    std::string text(std::string_view key);
    /// Reports what is no number.
    std::optional<std::int64_t> number(std::string_view key);
    /// 0 is false, every other number true.
    std::optional<bool> flag(std::string_view key);
    bool is_set(std::string_view key) { return flag(key).value_or(false); }
    /// The strings of a list; a string alone is a list of one. Reports other items.
    std::vector<XlItem> items(std::string_view key);
    Origin origin(std::string_view key);
    /// Is this given beside the file?
    [[nodiscard]] bool overridden(std::string_view word) const;
    /// A part of a setting, such as vif[1]/rate.
    Origin part(Origin of, std::string_view name, Place at);
    /// All keys in the order of the file, each once.
    [[nodiscard]] std::vector<std::string_view> keys() const;

    // ---- the report ----------------------------------------------------------------------------

    void error(std::string_view code, Origin origin, std::string message, std::string hint = {});
    void warn(std::string_view code, Origin origin, std::string message, std::string hint = {});
    /// Something is otherwise than in xl and the guest does not depend on it.
    void note(Origin origin, std::string message, std::string hint = {}) {
        warn("W-LOSS", origin, std::move(message), std::move(hint));
    }
    /// Something the guest depends on is lost: an error, unless the administrator accepts
    /// `instead`, which completes "--accept=KEY …". True when accepted.
    bool loses(Origin origin, const std::string& message, const std::string& instead);
    [[nodiscard]] bool accepted(Origin origin) const;

    /// What guestxml says about what `origin` asked for.
    void verdict(Origin origin, const api::Problem& problem);
    /// The same of an error whose loss the administrator accepts.
    void leave_out(Origin origin, const api::Problem& problem);
    void fault(const XlFault& fault);

    [[nodiscard]] bool failed() const { return failed_; }
    std::vector<api::Problem> take();

private:
    struct Asked {
        std::string key;
        Place at;
    };
    void add(std::string_view code, Origin origin, std::string message, std::string hint,
             bool warning);

    std::string_view document_;
    const ImportOptions& options_;
    guestxml::LineTable lines_;
    std::map<std::string, XlSetting, std::less<>> settings_;
    std::vector<std::string> order_;
    std::vector<Asked> origins_;
    std::map<std::string, Origin> by_key_;
    Draft draft_;
    std::vector<api::Problem> problems_;
    bool failed_ = false;
};

/// The number that a value stands for, as strtol reads it; empty when it stands for none.
std::optional<std::int64_t> number_of(const XlValue& value);

/// The parts of `text` between `separator`s, without blanks around them.
std::vector<std::string_view> split(std::string_view text, char separator);

} // namespace mshv::foreign
