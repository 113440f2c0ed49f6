// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/result.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/escape.hpp"

namespace mshv::ctl {

void begin_document(JsonWriter& json, std::string_view verb) {
    json.begin_object().field("schema", "mshvctl." + std::string(verb) + "/1");
}

std::string partition_document(std::string_view verb, const api::PartitionView& view) {
    std::string out;
    JsonWriter json(out);
    begin_document(json, verb);
    json.key("partition").raw(api::encode(view)).end_object();
    return out + "\n";
}

void write_problems(JsonWriter& json, const std::vector<api::Problem>& problems) {
    json.key("problems").begin_array();
    for (const auto& problem : problems) {
        json.begin_object();
        json.field("code", problem.code).field("where", problem.where);
        json.field("message", problem.message).field("hint", problem.hint);
        json.field("file", problem.file);
        json.key("line").number(problem.line).key("column").number(problem.column);
        json.key("length").number(problem.length).key("warning").boolean(problem.warning);
        json.end_object();
    }
    json.end_array();
}

void write_error_object(JsonWriter& json, const api::Error& error) {
    json.begin_object();
    json.field("code", api::error_info(error.code()).name);
    json.field("message", error.message());
    json.field("hint", error.hint());
    json.key("exit_status").number(exit_status(error));
    write_problems(json, error.problems());
    json.key("causes").begin_array();
    for (const auto& cause : error.causes()) {
        json.text(cause);
    }
    json.end_array().end_object();
}

std::string error_text(const api::Error& error, std::string_view target) {
    std::string text = "mshvctl: error: ";
    if (!target.empty()) {
        text += api::escape_terminal(target) + ": ";
    }
    text += api::escape_terminal(error.message()) + "\n";
    for (const auto& problem : error.problems()) {
        if (!problem.file.empty()) {
            continue; // printed with its source line where the file was read
        }
        text += std::string("  ") + (problem.warning ? "warning: " : "") +
                api::escape_terminal(problem.where) + (problem.where.empty() ? "" : ": ") +
                api::escape_terminal(problem.message) + "\n";
        if (!problem.hint.empty()) {
            text += "    hint: " + api::escape_terminal(problem.hint) + "\n";
        }
    }
    for (const auto& cause : error.causes()) {
        text += "  because: " + api::escape_terminal(cause) + "\n";
    }
    if (!error.hint().empty()) {
        text += "  hint: " + api::escape_terminal(error.hint()) + "\n";
    }
    return text;
}

std::string error_document(const api::Error& error) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("error");
    write_error_object(json, error);
    json.end_object();
    return out + "\n";
}

int exit_status(const api::Error& error) {
    return api::error_info(error.code()).exit_status;
}

} // namespace mshv::ctl
