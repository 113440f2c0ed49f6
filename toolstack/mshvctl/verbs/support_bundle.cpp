// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/guestxml/guestxml.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/image/partial_file.hpp"
#include "toolstack/mshvctl/programs.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/support/collection.hpp"
#include "toolstack/mshvctl/support/redaction.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

#include <ctime>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::chrono::seconds part_time{20};
constexpr std::chrono::minutes archive_time{5};

/// What mshvctl itself is asked, each into the file of that name.
struct Question {
    const char* file;
    std::vector<std::string> words;
};

const std::vector<Question>& questions() {
    static const std::vector<Question> list{
        {"version.json", {"--json", "version"}},
        {"doctor.json", {"--json", "doctor"}},
        {"host.json", {"--json", "info"}},
        {"partitions.json", {"--json", "list", "-a"}},
        {"vcpus.json", {"--json", "vcpu-list"}},
        {"jobs.json", {"--json", "jobs"}},
        {"history.json", {"--json", "history", "--limit", "10000"}},
        {"events.json", {"--json", "events"}},
        {"metrics.txt", {"metrics"}},
    };
    return list;
}

std::string utc(const char* format) {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[64];
    return {text, std::strftime(text, sizeof(text), format, &parts)};
}

class SupportBundle final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.text("-o,--output", "FILE",
                       "the bundle, instead of mshv-support-TIME.tar.gz in this folder", output_,
                       ValueKind::file);
    }

    void run(Context& context) override {
        const std::string name = "mshv-support-" + utc("%Y%m%dT%H%M%SZ");
        const std::string target = output_.value_or(name + ".tar.gz");
        if (context.dry_run("write " + target)) {
            return;
        }
        try {
            // Before the work, so that a place that cannot be written is told at once.
            PartialFile file(target);
            Collection collection(name);
            collect(context, collection);
            collection.keep("manifest.json", manifest(collection), "");
            pack(collection, name, file.path());
            file.finish(PartialFile::Existing::refuse);
            tell(context, target, collection);
        } catch (const std::system_error& error) {
            throw Error(ErrorCode::failed, error.what());
        }
    }

private:
    static void collect(Context& context, Collection& collection) {
        // The daemon may be what is broken: each is asked by itself, and in time.
        for (const auto& question : questions()) {
            std::vector<std::string> words{"/proc/self/exe"};
            words.insert(words.end(), question.words.begin(), question.words.end());
            if (const auto& connect = context.globals().connect) {
                words.insert(words.end(), {"--connect", *connect});
            }
            collection.run(question.file, words, posix::Deadline::after(part_time));
        }
        collect_definitions(context, collection);
        try {
            collection.keep("mshvd.toml", posix::read_file("/etc/mshv/mshvd.toml", 64UL * 1024),
                            "/etc/mshv/mshvd.toml");
        } catch (const std::system_error& error) {
            collection.miss("mshvd.toml", "/etc/mshv/mshvd.toml", error.code().message());
        }
        collection.run("daemon.log",
                       {"journalctl", "--no-pager", "-q", "-o", "short-iso", "-n", "5000", "-u",
                        "mshvd", "-u", "mshv-guests"},
                       posix::Deadline::after(part_time));
        collection.run("kernel.log",
                       {"journalctl", "--no-pager", "-q", "-o", "short-iso", "-n", "2000", "-k",
                        "-b", "-g", "hyper-v|mshv|hv_"},
                       posix::Deadline::after(part_time));
    }

    static void collect_definitions(Context& context, Collection& collection) {
        try {
            auto& client = context.client();
            for (const auto& view : client.list(true, posix::Deadline::after(part_time))) {
                // A name holds no slash and does not begin with a dot.
                const std::string file = "partitions/" + view.name + ".xml";
                const auto stored =
                    client.definition(api::Selector::parse("uuid:" + api::to_string(view.uuid)),
                                      posix::Deadline::after(part_time));
                collection.keep(file, guestxml::to_xml(without_secrets(stored.spec)),
                                "mshvctl dumpxml " + view.name);
            }
        } catch (const Error& error) {
            collection.miss("partitions", "mshvctl dumpxml", error.message());
        }
    }

    static std::string manifest(const Collection& collection) {
        std::string text;
        JsonWriter json(text);
        begin_document(json, "support-bundle");
        json.field("version", MSHV_VERSION).field("made", utc("%Y-%m-%dT%H:%M:%SZ"));
        write_parts(json, collection);
        json.end_object();
        return text + "\n";
    }

    static void write_parts(JsonWriter& json, const Collection& collection) {
        json.key("parts").begin_array();
        for (const auto& part : collection.parts()) {
            json.begin_object().field("file", part.file).field("from", part.command);
            json.field("error", part.error).end_object();
        }
        json.end_array();
    }

    static void pack(const Collection& collection, const std::string& name,
                     const std::string& file) {
        const posix::Fd output = posix::open_file(file, O_WRONLY | O_TRUNC);
        run_program({"tar", "--create", "--gzip", "--owner=root:0", "--group=root:0", "--directory",
                     collection.folder(), name},
                    output.get(), posix::Deadline::after(archive_time));
    }

    static void tell(Context& context, const std::string& target, const Collection& collection) {
        for (const auto& part : collection.parts()) {
            if (!part.error.empty() && !context.json()) {
                context.warn("without " + part.file + ": " + part.error);
            }
        }
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "support-bundle");
            json.field("path", target);
            write_parts(json, collection);
            json.end_object();
            context.out().write("\n");
        } else {
            context.print(target + "\n");
        }
    }

    std::optional<std::string> output_;
};

} // namespace

std::unique_ptr<Command> make_support_bundle() {
    return std::make_unique<SupportBundle>();
}

} // namespace mshv::ctl::verbs
