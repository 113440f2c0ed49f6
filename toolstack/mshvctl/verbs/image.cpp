// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/image/partial_file.hpp"
#include "toolstack/mshvctl/image/qemu_img.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/document_output.hpp"

#include <cerrno>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;

/// Those that partitions can have as disks.
const std::vector<std::string_view> disk_formats{"raw", "qcow2"};
const std::vector<std::string_view> known_formats{"raw", "qcow2", "vmdk", "vdi", "vhdx", "vpc"};

bool is_block_device(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 && S_ISBLK(facts.st_mode);
}

/// One line on a terminal that says how far it is; nothing elsewhere.
class PercentLine {
public:
    explicit PercentLine(std::string doing)
        : doing_(std::move(doing)), terminal_(is_terminal(STDERR_FILENO)) {}
    PercentLine(const PercentLine&) = delete;
    PercentLine& operator=(const PercentLine&) = delete;
    ~PercentLine() {
        if (terminal_) {
            write_error("\r\x1b[K");
        }
    }
    void show(const std::string& percent) const {
        if (terminal_) {
            write_error("\r\x1b[K" + doing_ + ": " + percent + " %");
        }
    }

private:
    const std::string doing_;
    const bool terminal_;
};

class Image final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.choice("-f,--format", "FORMAT", "of the image, or of what is converted",
                         known_formats, format_);
        arguments.choice("-O,--output-format", "FORMAT", "convert: to this one, raw or qcow2",
                         disk_formats, output_format_);
        arguments.text("-b,--backing", "FILE", "create: only what differs from this one is kept",
                       backing_, ValueKind::file);
        arguments.choice("-F,--backing-format", "FORMAT", "of that one", disk_formats,
                         backing_format_);
        arguments.choice("--preallocation", "HOW",
                         "create: off (the default), metadata, falloc or "
                         "full",
                         {"off", "metadata", "falloc", "full"}, preallocation_);
        arguments.flag("--compress", "convert: to qcow2 with compressed clusters", compress_);
        arguments.flag("--shrink", "resize: also when what is behind the new end is lost", shrink_);
        arguments.flag("--force", "create and convert: over what is there", force_);
        Positional action;
        action.name = "ACTION";
        action.help = "create, info, convert or resize";
        action.kind = ValueKind::choice;
        action.choices = {"create", "info", "convert", "resize"};
        action.store = [this](std::string_view word) { action_ = word; };
        arguments.custom(std::move(action));
        arguments.positional("FILE", "the image", ValueKind::file, file_);
        arguments.positional(
            "SIZE|TARGET",
            "create and resize: bytes, or with a unit as 10G; convert: the new image",
            ValueKind::file, last_);
    }

    void run(Context& context) override {
        try {
            run_action(context);
        } catch (const std::system_error& error) {
            throw Error(ErrorCode::failed, error.what());
        }
    }

private:
    void run_action(Context& context) {
        check_words();
        if (action_ == "info") {
            show(context, file_, format_);
            return;
        }
        const std::string what = action_ + " " + file_ + (last_ ? " " + *last_ : "");
        if (context.dry_run(what)) {
            return;
        }
        if (action_ == "create") {
            create();
        } else if (action_ == "convert") {
            convert();
        } else {
            resize();
        }
        if (context.json()) {
            action_ == "convert" ? show(context, *last_, output_format_)
                                 : show(context, file_, format_);
        }
    }

    void check_words() {
        // What a guest wrote into a raw disk must never be taken for another format's header.
        if (format_.empty()) {
            throw Error(ErrorCode::usage, "-f is missing: the format of an image is never guessed",
                        "-f raw or -f qcow2");
        }
        if ((action_ == "info") == last_.has_value()) {
            throw Error(ErrorCode::usage, last_ ? "'" + *last_ + "' is one word too many"
                                          : action_ == "convert" ? "the new image is missing"
                                                                 : "SIZE is missing");
        }
        if (action_ == "convert" && output_format_.empty()) {
            throw Error(ErrorCode::usage, "-O is missing: the format of the new image",
                        "-O raw or -O qcow2");
        }
        if (action_ == "create" || action_ == "resize") {
            require_choice(format_, disk_formats, "-f");
        }
        if (!backing_.has_value() != backing_format_.empty()) {
            throw Error(ErrorCode::usage, "-b and -F go together",
                        "the format of a backing file is never guessed");
        }
    }

    void create() const {
        std::vector<std::string> words{"create", "-q", "-f", format_};
        if (!preallocation_.empty()) {
            words.insert(words.end(), {"-o", "preallocation=" + preallocation_});
        }
        if (backing_) {
            words.insert(words.end(), {"-b", *backing_, "-F", backing_format_});
        }
        const auto size = std::to_string(parse_size(*last_, "SIZE"));
        PartialFile made(image_path(file_));
        words.insert(words.end(), {made.path(), size});
        run_qemu_img(std::move(words));
        made.finish(existing());
    }

    void convert() const {
        std::vector<std::string> words{"convert", "-p", "-f", format_, "-O", output_format_};
        if (compress_) {
            words.emplace_back("-c");
        }
        const std::string target = image_path(*last_);
        const PercentLine line("converting " + file_);
        const auto progress = [&](const std::string& percent) { line.show(percent); };
        if (is_block_device(target)) {
            if (!force_) {
                throw Error(ErrorCode::exists,
                            "'" + target + "' is a device, all of which would go",
                            "--force writes over it");
            }
            words.insert(words.end(), {"-n", image_path(file_), target});
            run_qemu_img(std::move(words), progress);
            return;
        }
        PartialFile made(target);
        words.insert(words.end(), {image_path(file_), made.path()});
        run_qemu_img(std::move(words), progress);
        made.finish(existing());
    }

    void resize() const {
        std::vector<std::string> words{"resize", "-q", "-f", format_};
        if (shrink_) {
            words.emplace_back("--shrink");
        }
        const bool more = last_->starts_with('+');
        const auto size = parse_size(std::string_view(*last_).substr(more ? 1 : 0), "SIZE");
        words.insert(words.end(), {image_path(file_), (more ? "+" : "") + std::to_string(size)});
        run_qemu_img(std::move(words));
    }

    /// Also while a partition has it.
    static void show(Context& context, const std::string& file, const std::string& format) {
        std::vector<std::string> words{"info", "-U", "-f", format};
        if (context.json()) {
            words.emplace_back("--output=json");
        }
        words.push_back(image_path(file));
        const std::string text = run_qemu_img(std::move(words));
        if (!context.json()) {
            print_document(context, text);
            return;
        }
        JsonWriter json(context.out().buffer());
        begin_document(json, "image");
        json.key("info").raw(text).end_object();
        context.out().write("\n");
    }

    [[nodiscard]] PartialFile::Existing existing() const {
        return force_ ? PartialFile::Existing::replace : PartialFile::Existing::refuse;
    }

    std::string action_, file_, format_, output_format_, backing_format_, preallocation_;
    std::optional<std::string> last_, backing_;
    bool compress_ = false, shrink_ = false, force_ = false;
};

} // namespace

std::unique_ptr<Command> make_image() {
    return std::make_unique<Image>();
}

} // namespace mshv::ctl::verbs
