// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/cpu_set.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/scheduling.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/table.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/scheduling_client.hpp"
#include "toolstack/mshvctl/verbs/scheduling_verbs.hpp"

#include <algorithm>
#include <sstream>
#include <system_error>
#include <utility>

// Pools of processors, by xl's words.

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;

void write_json(Context& context, std::string_view verb,
                const std::vector<api::CpuPoolView>& pools) {
    JsonWriter json(context.out().buffer());
    begin_document(json, verb);
    json.key("items").begin_array();
    for (const auto& pool : pools) {
        std::string text;
        api::encode(pool, text);
        json.raw(text);
    }
    json.end_array().end_object();
    context.out().write("\n");
}

void write_changed(Context& context, std::string_view verb, const api::CpuPoolList& list) {
    if (context.json()) {
        write_json(context, verb, list.pools);
    }
    if (!list.unavailable.empty()) {
        context.warn("no partition can run in a pool on this host: " + list.unavailable);
    }
}

std::string trimmed(std::string text) {
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!text.empty() && blank(text.back())) {
        text.pop_back();
    }
    const auto first = std::find_if_not(text.begin(), text.end(), blank);
    return {first, text.end()};
}

/// "x", 'x' or x; of a list ["0", "2-3"] its pieces with commas.
std::string value_of(std::string text) {
    text = trimmed(std::move(text));
    if (!text.empty() && text.front() == '[' && text.back() == ']') {
        std::istringstream pieces(text.substr(1, text.size() - 2));
        std::string joined;
        for (std::string piece; std::getline(pieces, piece, ',');) {
            piece = value_of(std::move(piece));
            joined += piece.empty() ? "" : (joined.empty() ? "" : ",") + piece;
        }
        return joined;
    }
    if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
        text.back() == text.front()) {
        return text.substr(1, text.size() - 2);
    }
    return text;
}

class Create final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.text("-f,--defconfig", "FILE", "a file with such lines", file_, ValueKind::file);
        arguments.flag("-n,--dryrun", "say what would be made, and make nothing", dry_);
        arguments.positionals("SETTING", "name=..., cpus=..., nodes=..., or a file of them",
                              ValueKind::text, words_, 0);
    }

    void run(Context& context) override {
        if (!file_.empty()) {
            read(file_);
        }
        for (const auto& word : words_) {
            if (word.find('=') == std::string::npos) {
                read(word);
            } else {
                take(word, word);
            }
        }
        if (request_.name.empty()) {
            throw Error(ErrorCode::usage, "a pool needs a name", "name=... gives it one");
        }
        const std::string what =
            "make the pool " + request_.name +
            (request_.cpus.empty() ? " without processors" : " of processors " + request_.cpus);
        if (dry_) {
            context.out().write("would " + what + "\n");
            return;
        }
        if (context.dry_run(what)) {
            return;
        }
        write_changed(
            context, "cpupool-create",
            SchedulingClient(context).create_pool(request_, context.operation_deadline()));
    }

private:
    void read(const std::string& path) {
        std::string text;
        try {
            text = posix::read_file(path, 64UL * 1024);
        } catch (const std::system_error& error) {
            throw Error(ErrorCode::usage,
                        std::string("cannot read the pool's file: ") + error.what());
        }
        std::istringstream lines(text);
        unsigned number = 0;
        for (std::string line; std::getline(lines, line);) {
            ++number;
            line = trimmed(line.substr(0, line.find('#')));
            if (!line.empty()) {
                take(line, path + ":" + std::to_string(number));
            }
        }
    }

    void take(const std::string& assignment, const std::string& where) {
        const auto equals = assignment.find('=');
        const std::string key =
            equals == std::string::npos ? assignment : trimmed(assignment.substr(0, equals));
        const std::string value =
            equals == std::string::npos ? "" : value_of(assignment.substr(equals + 1));
        if (key == "name") {
            request_.name = value;
        } else if (key == "cpus") {
            request_.cpus = value;
        } else if (key == "nodes") {
            request_.cpus = "nodes:" + value;
        } else if (key == "sched") {
            if (value != "credit" && value != "credit2") {
                throw Error(ErrorCode::unsupported,
                            where + ": Linux schedules every pool, with weights and caps as "
                                    "credit's",
                            "leave sched out");
            }
        } else {
            throw Error(ErrorCode::usage, where + ": a pool has name, cpus, nodes and sched");
        }
    }

    api::CreateCpuPoolRequest request_;
    std::string file_;
    std::vector<std::string> words_;
    bool dry_ = false;
};

class List final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("-c,--cpus", "name the processors of each", cpus_);
        arguments.choice("--format", "FORMAT", "table (the default), csv or tsv",
                         {"table", "csv", "tsv"}, format_);
        arguments.positional("POOL", "only this one", ValueKind::text, pool_);
    }

    void run(Context& context) override {
        auto list = SchedulingClient(context).pools(context.read_deadline());
        std::erase_if(list.pools, [&](const auto& pool) { return pool_ && pool.name != *pool_; });
        if (pool_ && list.pools.empty()) {
            throw Error(ErrorCode::not_found, "There is no pool '" + *pool_ + "'",
                        "mshvctl cpupool-list shows those that are there");
        }
        if (context.json()) {
            write_json(context, "cpupool-list", list.pools);
            return;
        }
        if (cpus_) {
            Table table({{"Name"}, {"CPU list"}});
            for (const auto& pool : list.pools) {
                table.cell(pool.name).cell(pool.cpus);
            }
            table.print(context.out().buffer(), table_format(format_),
                        !context.globals().no_header);
        } else {
            Table table({{"Name"},
                         {"CPUs", Align::right},
                         {"Sched"},
                         {"Active"},
                         {"Domain count", Align::right}});
            for (const auto& pool : list.pools) {
                const auto cpus = api::parse_cpu_set(pool.cpus);
                table.cell(pool.name).cell(static_cast<long long>(cpus ? cpus->size() : 0));
                table.cell("linux").cell(list.unavailable.empty() ? "y" : "n");
                table.cell(static_cast<long long>(pool.partitions.size()));
            }
            table.print(context.out().buffer(), table_format(format_),
                        !context.globals().no_header);
        }
        if (!list.unavailable.empty()) {
            context.warn("no partition can run in a pool on this host: " + list.unavailable);
        }
    }

private:
    bool cpus_ = false;
    std::string format_;
    std::optional<std::string> pool_;
};

class Destroy final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.positional("POOL", "the pool", ValueKind::text, pool_);
    }
    void run(Context& context) override {
        if (!context.dry_run("remove the pool " + pool_)) {
            write_changed(
                context, "cpupool-destroy",
                SchedulingClient(context).destroy_pool(pool_, context.operation_deadline()));
        }
    }

private:
    std::string pool_;
};

class Rename final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.positional("POOL", "the pool", ValueKind::text, pool_);
        arguments.positional("NAME", "its new name", ValueKind::text, name_);
    }
    void run(Context& context) override {
        if (!context.dry_run("rename the pool " + pool_ + " to " + name_)) {
            write_changed(
                context, "cpupool-rename",
                SchedulingClient(context).rename_pool(pool_, name_, context.operation_deadline()));
        }
    }

private:
    std::string pool_, name_;
};

/// cpupool-cpu-add and cpupool-cpu-remove.
class ChangeCpus final : public Command {
public:
    ChangeCpus(std::string_view verb, std::string_view call) : verb_(verb), call_(call) {}

    void declare(Arguments& arguments) override {
        arguments.positional("POOL", "the pool", ValueKind::text, pool_);
        arguments.positional("CPUS", "processors of the host: 0-3, 0-7,^2 or node:0",
                             ValueKind::text, cpus_);
    }
    void run(Context& context) override {
        if (!context.dry_run(std::string(call_) + " " + cpus_ + " of pool " + pool_)) {
            write_changed(context, verb_,
                          SchedulingClient(context).change_pool(pool_, call_, cpus_,
                                                                context.operation_deadline()));
        }
    }

private:
    std::string_view verb_, call_;
    std::string pool_, cpus_;
};

class Migrate final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.positional("PARTITION", "the partition, which runs", ValueKind::partition,
                             partition_);
        arguments.positional("POOL", "where it shall run", ValueKind::text, pool_);
    }
    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        if (context.dry_run("let " + selector.text + " run in the pool " + pool_)) {
            return;
        }
        api::SetSchedulingRequest request;
        request.pool = pool_;
        request.live = true;
        const auto view =
            SchedulingClient(context).set(selector, request, context.operation_deadline());
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "cpupool-migrate");
            std::string text;
            api::encode(view, text);
            json.key("scheduling").raw(text).end_object();
            context.out().write("\n");
        }
    }

private:
    std::string partition_, pool_;
};

class NumaSplit final : public Command {
public:
    void declare(Arguments&) override {}
    void run(Context& context) override {
        if (!context.dry_run("make a pool of each NUMA node")) {
            write_changed(context, "cpupool-numa-split",
                          SchedulingClient(context).split_pools(context.operation_deadline()));
        }
    }
};

} // namespace

std::unique_ptr<Command> make_cpupool_create() {
    return std::make_unique<Create>();
}
std::unique_ptr<Command> make_cpupool_list() {
    return std::make_unique<List>();
}
std::unique_ptr<Command> make_cpupool_destroy() {
    return std::make_unique<Destroy>();
}
std::unique_ptr<Command> make_cpupool_rename() {
    return std::make_unique<Rename>();
}
std::unique_ptr<Command> make_cpupool_cpu_add() {
    return std::make_unique<ChangeCpus>("cpupool-cpu-add", "add-cpus");
}
std::unique_ptr<Command> make_cpupool_cpu_remove() {
    return std::make_unique<ChangeCpus>("cpupool-cpu-remove", "remove-cpus");
}
std::unique_ptr<Command> make_cpupool_migrate() {
    return std::make_unique<Migrate>();
}
std::unique_ptr<Command> make_cpupool_numa_split() {
    return std::make_unique<NumaSplit>();
}

} // namespace mshv::ctl::verbs
