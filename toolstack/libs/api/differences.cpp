// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/differences.hpp"

#include "toolstack/libs/api/codec.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <set>
#include <string_view>

namespace mshv::api {
namespace {

using Value = rapidjson::Value;

/// The member by which an element of a list is known, by the list's name.
struct Identity {
    std::string_view list;
    const char* member;
};
constexpr std::array identities{Identity{"disks", "target"}, Identity{"nics", "alias"},
                                Identity{"features", "name"}, Identity{"after", "partition"}};

std::string json_of(const Value& value) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    value.Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
}

std::string string_of(const Value& value) {
    return {value.GetString(), value.GetStringLength()};
}

/// As it is shown: text without its quotes, a list of words with commas.
std::string shown(const Value* value) {
    if (value == nullptr) {
        return {};
    }
    if (value->IsString()) {
        return string_of(*value);
    }
    if (!value->IsArray()) {
        return json_of(*value);
    }
    std::string text;
    for (const Value& element : value->GetArray()) {
        text += text.empty() ? "" : ",";
        text += shown(&element);
    }
    return text;
}

const Value* member_of(const Value& object, const Value& key) {
    const auto found = object.FindMember(key);
    return found == object.MemberEnd() ? nullptr : &found->value;
}

/// The elements' names, when each has one of its own; else none.
std::optional<std::vector<std::string>> names_in(const Value& list, std::string_view list_name) {
    const auto* identity = std::find_if(identities.begin(), identities.end(),
                                        [&](const Identity& i) { return i.list == list_name; });
    if (identity == identities.end()) {
        return std::nullopt;
    }
    std::vector<std::string> names;
    for (const Value& element : list.GetArray()) {
        const auto member = element.FindMember(identity->member);
        if (member == element.MemberEnd() || !member->value.IsString()) {
            return std::nullopt;
        }
        names.push_back(string_of(member->value));
    }
    const std::set<std::string> unique(names.begin(), names.end());
    return unique.size() == names.size() ? std::optional(names) : std::nullopt;
}

class Comparison {
public:
    void compare(const std::string& path, const Value* before, const Value* after) {
        static const Value empty(rapidjson::kArrayType); // as which a list is left out
        if (is_list(before) || is_list(after)) {
            compare_lists(path, before == nullptr ? empty : *before,
                          after == nullptr ? empty : *after);
            return;
        }
        if (before != nullptr && after != nullptr) {
            if (before->IsObject() && after->IsObject()) {
                compare_objects(path, *before, *after);
                return;
            }
            if (*before == *after) {
                return;
            }
        }
        found.push_back({path, shown(before), shown(after), Takes::next_start});
    }

    std::vector<SpecChange> found;

private:
    /// A list of objects; one of words is a value.
    static bool is_list(const Value* value) {
        return value != nullptr && value->IsArray() && !value->Empty() && (*value)[0].IsObject();
    }

    void compare_objects(const std::string& path, const Value& before, const Value& after) {
        for (const auto& member : before.GetObject()) {
            compare(path + '/' + string_of(member.name), &member.value,
                    member_of(after, member.name));
        }
        for (const auto& member : after.GetObject()) {
            if (member_of(before, member.name) == nullptr) {
                compare(path + '/' + string_of(member.name), nullptr, &member.value);
            }
        }
    }

    void compare_lists(const std::string& path, const Value& before, const Value& after) {
        const auto list_name = std::string_view(path).substr(path.rfind('/') + 1);
        const auto old_names = names_in(before, list_name);
        const auto new_names = names_in(after, list_name);
        if (!old_names || !new_names) {
            compare_by_place(path, before, after);
            return;
        }
        compare_named(path, before, *old_names, after, *new_names);
    }

    using Names = std::vector<std::string>;
    void compare_named(const std::string& path, const Value& before, const Names& old_names,
                       const Value& after, const Names& new_names) {
        Names kept_old;
        Names kept_new;
        for (rapidjson::SizeType i = 0; i < before.Size(); ++i) {
            const auto place = std::find(new_names.begin(), new_names.end(), old_names[i]);
            const bool kept = place != new_names.end();
            const auto index = static_cast<rapidjson::SizeType>(place - new_names.begin());
            compare(path + '[' + old_names[i] + ']', &before[i], kept ? &after[index] : nullptr);
            if (kept) {
                kept_old.push_back(old_names[i]);
            }
        }
        for (rapidjson::SizeType i = 0; i < after.Size(); ++i) {
            if (std::find(old_names.begin(), old_names.end(), new_names[i]) != old_names.end()) {
                kept_new.push_back(new_names[i]);
            } else {
                compare(path + '[' + new_names[i] + ']', nullptr, &after[i]);
            }
        }
        // A guest may find its devices by their order.
        if (kept_old != kept_new) {
            found.push_back({path, joined(kept_old), joined(kept_new), Takes::next_start});
        }
    }

    void compare_by_place(const std::string& path, const Value& before, const Value& after) {
        for (rapidjson::SizeType i = 0; i < std::max(before.Size(), after.Size()); ++i) {
            compare(path + '[' + std::to_string(i) + ']', i < before.Size() ? &before[i] : nullptr,
                    i < after.Size() ? &after[i] : nullptr);
        }
    }

    static std::string joined(const Names& names) {
        std::string text;
        for (const auto& name : names) {
            text += text.empty() ? "" : ",";
            text += name;
        }
        return text;
    }
};

} // namespace

std::vector<SpecChange> differences(const PartitionSpec& before, const PartitionSpec& after) {
    rapidjson::Document old_json;
    rapidjson::Document new_json;
    const std::string old_text = encode(before);
    const std::string new_text = encode(after);
    old_json.Parse(old_text.data(), old_text.size());
    new_json.Parse(new_text.data(), new_text.size());
    Comparison comparison;
    comparison.compare({}, &old_json, &new_json);
    return std::move(comparison.found);
}

} // namespace mshv::api
