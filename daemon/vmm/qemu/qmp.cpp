// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/qmp.hpp"

#include "daemon/vmm/qemu/json.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"

#include <limits>
#include <rapidjson/document.h>
#include <rapidjson/reader.h>

namespace mshv::vmm::qemu {
namespace {

constexpr std::size_t longest_description = 2048;

[[noreturn]] void faulty(std::string_view why) {
    throw api::Error(api::ErrorCode::failed, "The VMM broke its protocol: " + std::string(why));
}

/// RapidJSON's iterative parser recurses nowhere, but would build a tree of any depth.
class DepthGuard : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, DepthGuard> {
public:
    bool StartObject() { return ++depth_ <= deepest_qmp_value; } // NOLINT: RapidJSON's name
    bool StartArray() { return ++depth_ <= deepest_qmp_value; }  // NOLINT: RapidJSON's name
    bool EndObject(rapidjson::SizeType) { return depth_-- > 0; } // NOLINT: RapidJSON's name
    bool EndArray(rapidjson::SizeType) { return depth_-- > 0; }  // NOLINT: RapidJSON's name

private:
    std::size_t depth_ = 0;
};

rapidjson::Document parse(std::string_view line) {
    if (line.size() > longest_qmp_line) {
        faulty("a line is longer than " + std::to_string(longest_qmp_line) + " bytes");
    }
    if (line.find('\0') != std::string_view::npos) {
        faulty("a line holds a NUL character"); // where RapidJSON would stop reading
    }
    constexpr unsigned flags =
        rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
    {
        rapidjson::Reader reader;
        DepthGuard guard;
        rapidjson::MemoryStream stream(line.data(), line.size());
        if (reader.Parse<flags>(stream, guard).IsError()) {
            faulty("a line is not JSON or nests too deeply");
        }
    }
    rapidjson::Document document;
    document.Parse<flags>(line.data(), line.size());
    if (document.HasParseError() || !document.IsObject()) {
        faulty("a line is not a JSON object");
    }
    // RapidJSON keeps duplicate members; here two answers in one line are none.
    int answers = 0;
    for (const auto& member : document.GetObject()) {
        const std::string_view name(member.name.GetString(), member.name.GetStringLength());
        answers += name == "return" || name == "error" || name == "event" || name == "QMP" ? 1 : 0;
    }
    if (answers != 1) {
        faulty("a line is neither one answer nor one event");
    }
    return document;
}

const rapidjson::Value* member(const rapidjson::Value& object, std::string_view key) {
    if (!object.IsObject()) {
        return nullptr;
    }
    const auto found = object.FindMember(rapidjson::Value(
        rapidjson::StringRef(key.data(), static_cast<rapidjson::SizeType>(key.size()))));
    return found == object.MemberEnd() ? nullptr : &found->value;
}

std::string_view text_of(const rapidjson::Value& value) {
    return value.IsString() ? std::string_view(value.GetString(), value.GetStringLength())
                            : std::string_view();
}

std::string description(const rapidjson::Document& document) {
    const auto* error = member(document, "error");
    const auto* desc = error == nullptr ? nullptr : member(*error, "desc");
    if (desc == nullptr || !desc->IsString()) {
        faulty("an error without a description");
    }
    return api::escape_terminal(text_of(*desc).substr(0, longest_description));
}

/// The value of "return"; throws the VMM's error. `document` must outlive what is returned.
const rapidjson::Value& result(const rapidjson::Document& document, std::string_view what) {
    if (document.HasMember("error")) {
        throw api::Error(api::ErrorCode::failed,
                         "The VMM refused to " + std::string(what) + ": " + description(document));
    }
    const auto* value = member(document, "return");
    if (value == nullptr) {
        faulty("an answer was expected");
    }
    return *value;
}

} // namespace

std::string qmp_command(std::string_view name) {
    return JsonObject().text("execute", name).str();
}

std::string qmp_command(std::string_view name, std::string_view arguments_json) {
    return R"({"execute":)" + json_quote(name) + R"(,"arguments":)" + std::string(arguments_json) +
           "}";
}

QmpLine classify_line(std::string_view line) {
    const auto document = parse(line);
    return document.HasMember("QMP")     ? QmpLine::greeting
           : document.HasMember("event") ? QmpLine::event
           : document.HasMember("error") ? QmpLine::error
                                         : QmpLine::success;
}

void expect_success(std::string_view line, std::string_view what) {
    const auto document = parse(line);
    (void)result(document, what);
}

std::vector<QmpCpu> parse_cpus(std::string_view line) {
    const auto document = parse(line);
    const auto& list = result(document, "list its virtual processors");
    if (!list.IsArray()) {
        faulty("query-cpus-fast gave no list");
    }
    std::vector<QmpCpu> cpus;
    for (const auto& entry : list.GetArray()) {
        const auto* index = member(entry, "cpu-index");
        const auto* thread = member(entry, "thread-id");
        if (index == nullptr || thread == nullptr || !index->IsInt() || !thread->IsInt64()) {
            faulty("query-cpus-fast gave an entry without index or thread");
        }
        cpus.push_back({index->GetInt(), thread->GetInt64()});
    }
    return cpus;
}

bool parse_frontend_open(std::string_view line, std::string_view label) {
    const auto document = parse(line);
    const auto& list = result(document, "list its channels");
    if (!list.IsArray()) {
        faulty("query-chardev gave no list");
    }
    for (const auto& entry : list.GetArray()) {
        const auto* name = member(entry, "label");
        const auto* open = member(entry, "frontend-open");
        if (name != nullptr && text_of(*name) == label) {
            return open != nullptr && open->IsBool() && open->GetBool();
        }
    }
    return false;
}

Version parse_version(std::string_view line) {
    const auto document = parse(line);
    const auto* qemu = member(result(document, "tell its version"), "qemu");
    const auto part = [&](std::string_view key) {
        const auto* value = qemu == nullptr ? nullptr : member(*qemu, key);
        if (value == nullptr || !value->IsInt() || value->GetInt() < 0) {
            faulty("query-version gave no version");
        }
        return value->GetInt();
    };
    return {part("major"), part("minor"), part("micro")};
}

std::set<std::string> parse_names(std::string_view line, std::string_view key,
                                  std::string_view alias_key) {
    const auto document = parse(line);
    const auto& list = result(document, "tell what it can do");
    if (!list.IsArray()) {
        faulty("a list was expected");
    }
    std::set<std::string> names;
    for (const auto& entry : list.GetArray()) {
        const auto* name = member(entry, key);
        if (name == nullptr || text_of(*name).empty()) {
            faulty("a list entry without a name");
        }
        names.emplace(text_of(*name));
        const auto* alias = alias_key.empty() ? nullptr : member(entry, alias_key);
        if (alias != nullptr && alias->IsString()) {
            names.emplace(text_of(*alias));
        }
    }
    return names;
}

std::string error_text(std::string_view line) {
    const auto document = parse(line);
    return document.HasMember("error") ? description(document) : std::string();
}

bool is_sync_reply(std::string_view line, std::uint64_t number) {
    const auto document = parse(line);
    const auto* value = member(document, "return");
    return value != nullptr && value->IsUint64() && value->GetUint64() == number;
}

} // namespace mshv::vmm::qemu
