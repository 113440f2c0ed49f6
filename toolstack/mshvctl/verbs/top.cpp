// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/top/columns.hpp"
#include "toolstack/mshvctl/top/rates.hpp"
#include "toolstack/mshvctl/top/screen.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/column_option.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <poll.h>
#include <unistd.h>

namespace mshv::ctl::verbs {
namespace {

using namespace std::chrono_literals;
using api::Error;
using api::ErrorCode;
using Clock = Rates::Clock;
using posix::Deadline;

constexpr std::chrono::milliseconds usual_delay = 3s;
constexpr std::chrono::milliseconds shortest_delay = 100ms;
constexpr std::chrono::milliseconds delay_step = 1s;
constexpr std::int64_t mebibyte = 1024L * 1024;

/// What is asked of the daemon for one look.
class Looker {
public:
    Looker(Context& context, bool with_counts) : context_(context), with_counts_(with_counts) {
        for (const auto& fact : context.client().host(context.read_deadline()).facts) {
            if (fact.key == "total_memory") {
                host_.memory = std::strtoll(fact.value.c_str(), nullptr, 10) * mebibyte;
            } else if (fact.key == "host") {
                name_ = fact.value;
            } else if (fact.key == "nr_cpus") {
                processors_ = fact.value;
            }
        }
    }

    std::vector<Usage> look(bool with_vcpus) {
        auto usages =
            rates_.look(context_.client().list(false, context_.read_deadline()), Clock::now());
        for (auto& usage : usages) {
            if (with_counts_) {
                count_devices(usage);
            }
            if (with_vcpus) {
                fill_vcpus(usage);
            }
        }
        return usages;
    }

    [[nodiscard]] const HostSize& host() const { return host_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::string& processors() const { return processors_; }

private:
    struct Counts {
        std::int64_t revision = 0;
        std::size_t disks = 0, interfaces = 0;
    };

    /// Of a definition, which is asked for once.
    void count_devices(Usage& usage) {
        auto& counts = counts_[usage.view.uuid];
        if (counts.revision != usage.view.revision) {
            try {
                const auto stored = context_.client().definition(
                    {api::Selector::Kind::uuid, api::to_string(usage.view.uuid)},
                    context_.read_deadline());
                counts = {usage.view.revision, stored.spec.devices.disks.size(),
                          stored.spec.devices.nics.size()};
            } catch (const Error& error) {
                if (error.code() != ErrorCode::not_found) {
                    throw;
                }
                return; // it ended meanwhile
            }
        }
        usage.disks = counts.disks;
        usage.interfaces = counts.interfaces;
    }

    void fill_vcpus(Usage& usage) {
        try {
            for (const auto& vcpu : context_.client().vcpus(
                     {api::Selector::Kind::number, std::to_string(usage.view.id)},
                     context_.read_deadline())) {
                const auto& has = vcpu.hypervisor;
                usage.vcpu_ms.push_back(has && has->cpu_time_ms ? *has->cpu_time_ms
                                                                : vcpu.cpu_time_ms);
            }
        } catch (const Error& error) {
            if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::wrong_state) {
                throw;
            }
        }
    }

    Context& context_;
    const bool with_counts_;
    Rates rates_;
    HostSize host_;
    std::string name_, processors_;
    std::map<api::Uuid, Counts> counts_;
};

void add_rate(JsonWriter& json, std::string_view name, const std::optional<double>& rate) {
    if (rate) {
        json.key(name).real(*rate);
    }
}

class Top final : public Command {
public:
    void declare(Arguments& arguments) override {
        std::vector<std::string_view> names;
        for (const auto& column : top_columns()) {
            names.push_back(column.name);
        }
        arguments.flag("-b,--batch", "print one look after the other, without a screen", batch_);
        arguments.number("-i,--iterations", "N", "so many looks, then end", iterations_, INT64_MAX);
        arguments.duration("-d,--delay", "TIME",
                           "from one look to the next, 3 seconds when not given", delay_);
        arguments.flag("--vcpus", "below each partition the time of its processors, as -v does",
                       vcpus_);
        arguments.flag("-f,--full-name", "names whole, however long", full_names_);
        arguments.choice("--sort", "COLUMN", "by this column, cpu when not given", names, sort_);
        arguments.flag("-r,--reverse", "in the reverse order", reverse_);
        declare_columns(arguments, names, [this](std::string_view name) {
            columns_.push_back(find_top_column(name));
        });
        arguments.choice("--format", "FORMAT", "table (the default) or xl: the columns of xentop",
                         {"table", "xl"}, format_);
    }

    void run(Context& context) override {
        vcpus_ = vcpus_ || context.globals().verbose;
        style_ = format_ == "xl" ? TopStyle::xl : TopStyle::ours;
        if (columns_.empty()) {
            columns_ = default_top_columns(style_);
        }
        by_ = find_top_column(sort_.empty() ? "cpu" : sort_);
        const bool counts = std::any_of(columns_.begin(), columns_.end(), [](const auto* column) {
            return column->name == "nets" || column->name == "disks";
        });
        wait_ = std::max(delay_.value_or(usual_delay), shortest_delay);
        Looker looker(context, counts || context.json());
        if (batch_ || context.json() || !is_terminal(STDOUT_FILENO) || !is_terminal(STDIN_FILENO)) {
            print_looks(context, looker);
        } else {
            show_looks(looker);
        }
    }

private:
    std::vector<Usage> look(Looker& looker) const {
        auto usages = looker.look(vcpus_);
        sort_usages(usages, *by_, reverse_);
        return usages;
    }

    void print_looks(Context& context, Looker& looker) {
        for (std::uint64_t turn = 0; turn < iterations_.value_or(UINT64_MAX); ++turn) {
            const auto next = Deadline::after(wait_);
            const auto usages = look(looker);
            if (context.json()) {
                print_json(context, usages);
            } else {
                print_table(context, looker, usages);
            }
            context.out().flush();
            if (turn + 1 < iterations_.value_or(UINT64_MAX)) {
                while (!next.expired()) {
                    ::poll(nullptr, 0, next.poll_timeout()); // paces: looks are apart
                }
            }
        }
    }

    void print_table(Context& context, const Looker& looker,
                     const std::vector<Usage>& usages) const {
        const auto width = name_width(usages, full_names_);
        if (!context.globals().no_header) {
            context.out().line(top_header(columns_, width));
        }
        for (const auto& usage : usages) {
            context.out().line(top_row(usage, columns_, looker.host(), style_, width));
            if (vcpus_) {
                context.out().line(top_vcpus(usage));
            }
        }
    }

    /// A line of JSON for each look: the views as `list` has them, and the rates.
    static void print_json(Context& context, const std::vector<Usage>& usages) {
        JsonWriter json(context.out().buffer());
        begin_document(json, "top");
        json.key("items").begin_array();
        for (const auto& usage : usages) {
            json.begin_object().key("partition").raw(api::encode(usage.view));
            json.key("rates").begin_object();
            add_rate(json, "cpu_percent", usage.cpu);
            add_rate(json, "waiting_percent", usage.waiting);
            add_rate(json, "intercepts_per_second", usage.exits);
            add_rate(json, "storage_read_per_second", usage.storage_read);
            add_rate(json, "storage_written_per_second", usage.storage_written);
            add_rate(json, "network_received_per_second", usage.network_received);
            add_rate(json, "network_sent_per_second", usage.network_sent);
            json.end_object();
            if (usage.disks) {
                json.key("disks").number(static_cast<std::int64_t>(*usage.disks));
                json.key("interfaces").number(static_cast<std::int64_t>(*usage.interfaces));
            }
            if (!usage.vcpu_ms.empty()) {
                json.key("vcpu_cpu_time_ms").begin_array();
                for (const auto used : usage.vcpu_ms) {
                    json.number(used);
                }
                json.end_array();
            }
            json.end_object();
        }
        json.end_array().end_object();
        context.out().write("\n");
    }

    void show_looks(Looker& looker) {
        Screen screen;
        std::uint64_t turn = 0;
        while (turn < iterations_.value_or(UINT64_MAX)) {
            auto usages = look(looker);
            ++turn;
            const auto next = Deadline::after(wait_);
            for (auto key = Screen::Key::refresh; key != Screen::Key::none;
                 key = screen.wait(next)) {
                if (!take(key, screen.rows(), usages.size())) {
                    return;
                }
                sort_usages(usages, *by_, reverse_);
                screen.show(lines(looker, usages, screen.rows()));
            }
        }
    }

    /// False: enough.
    bool take(Screen::Key key, std::size_t rows, std::size_t partitions) {
        const std::size_t page = rows > 4 ? rows - 4 : 1;
        switch (key) {
        case Screen::Key::quit:
            return false;
        case Screen::Key::sort: {
            const auto at = std::find(columns_.begin(), columns_.end(), by_);
            by_ = at == columns_.end() || at + 1 == columns_.end() ? columns_.front() : *(at + 1);
            break;
        }
        case Screen::Key::reverse:
            reverse_ = !reverse_;
            break;
        case Screen::Key::vcpus:
            vcpus_ = !vcpus_;
            break;
        case Screen::Key::names:
            full_names_ = !full_names_;
            break;
        case Screen::Key::slower:
            wait_ += delay_step;
            break;
        case Screen::Key::faster:
            wait_ = std::max(wait_ - delay_step, std::min(wait_, delay_step));
            break;
        case Screen::Key::up:
            top_ -= std::min<std::size_t>(top_, 1);
            break;
        case Screen::Key::down:
            ++top_;
            break;
        case Screen::Key::page_up:
            top_ -= std::min(top_, page);
            break;
        case Screen::Key::page_down:
            top_ += page;
            break;
        case Screen::Key::first:
            top_ = 0;
            break;
        case Screen::Key::refresh:
        case Screen::Key::none:
            break;
        }
        top_ = std::min(top_, partitions == 0 ? 0 : partitions - 1);
        return true;
    }

    [[nodiscard]] std::vector<Screen::Line>
    lines(const Looker& looker, const std::vector<Usage>& usages, std::size_t rows) const {
        std::string summary;
        append_escaped(summary, looker.name());
        summary += ": " + std::to_string(usages.size()) + " partitions, processors: ";
        append_escaped(summary, looker.processors());
        summary += ", memory: " + std::to_string(looker.host().memory / mebibyte) + " MiB, every " +
                   tenths(wait_.count()) + " s, by " + std::string(by_->title);
        const auto width = name_width(usages, full_names_);
        std::vector<Screen::Line> lines{{summary}, {}, {top_header(columns_, width), true}};
        for (std::size_t i = top_; i < usages.size() && lines.size() + 1 < rows; ++i) {
            lines.push_back({top_row(usages[i], columns_, looker.host(), style_, width)});
            if (vcpus_) {
                lines.push_back({top_vcpus(usages[i])});
            }
        }
        if (rows > lines.size()) {
            lines.resize(rows - 1);
            lines.push_back({"q quit  s sort  r reverse  v processors  f full names  +/- delay"});
        }
        return lines;
    }

    bool batch_ = false;
    bool vcpus_ = false;
    bool full_names_ = false;
    bool reverse_ = false;
    std::string sort_;
    std::string format_;
    std::optional<std::uint64_t> iterations_;
    std::optional<std::chrono::milliseconds> delay_;
    std::vector<const TopColumn*> columns_;

    TopStyle style_ = TopStyle::ours;
    const TopColumn* by_ = nullptr;
    std::chrono::milliseconds wait_ = usual_delay;
    std::size_t top_ = 0; ///< the first partition that is shown
};

} // namespace

std::unique_ptr<Command> make_top() {
    return std::make_unique<Top>();
}

} // namespace mshv::ctl::verbs
