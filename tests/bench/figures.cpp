// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/figures.hpp"

#include "toolstack/libs/posix/fd.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sched.h>

namespace mshv::bench {
namespace {

bool met(const Figure& figure) {
    switch (figure.kind) {
    case Figure::Kind::ratio:
        return figure.median <= figure.target * figure.floor;
    case Figure::Kind::at_most:
        return figure.median <= figure.target;
    case Figure::Kind::at_least:
        return figure.median >= figure.target;
    }
    return false;
}

std::string target_text(const Figure& figure) {
    char text[64];
    const char* const sign = figure.kind == Figure::Kind::at_least ? ">=" : "<=";
    if (figure.kind == Figure::Kind::ratio) {
        std::snprintf(text, sizeof text, "%s %.2f x", sign, figure.target);
    } else {
        std::snprintf(text, sizeof text, "%s %g %s", sign, figure.target, figure.unit.c_str());
    }
    return text;
}

void print_line(const Figure& figure) {
    char p99[32] = "-";
    char ratio[32] = "-";
    char floor[96] = "-";
    if (figure.p99 > 0) {
        std::snprintf(p99, sizeof p99, "%.2f", figure.p99);
    }
    if (figure.floor > 0) {
        std::snprintf(ratio, sizeof ratio, "%.2f", figure.median / figure.floor);
        std::snprintf(floor, sizeof floor, "%.2f (%s)", figure.floor, figure.floor_is.c_str());
    }
    std::printf("%-52s %10.2f %10s %-4s %7s  %-12s %-6s floor %s\n", figure.what.c_str(),
                figure.median, p99, figure.unit.c_str(), ratio, target_text(figure).c_str(),
                met(figure) ? "met" : "MISSED", floor);
    std::fflush(stdout);
}

} // namespace

double Samples::percentile(double p) const {
    if (values_.empty()) {
        return 0;
    }
    auto sorted = values_;
    std::sort(sorted.begin(), sorted.end());
    const auto rank = std::ceil(p / 100 * static_cast<double>(sorted.size()));
    return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

double time_us(const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
        .count();
}

Pair in_turns(int rounds, const std::function<double()>& ours,
              const std::function<double()>& floor) {
    Pair pair;
    for (int round = -1; round < rounds; ++round) {
        const double first = ours();
        const double second = floor();
        if (round >= 0) { // the first turn warms the caches
            pair.ours.add(first);
            pair.floor.add(second);
        }
    }
    return pair;
}

void Report::add(Figure figure) {
    missed_ += met(figure) ? 0 : 1;
    print_line(figure);
    figures_.push_back(std::move(figure));
}

void Report::ratio(const std::string& what, const Pair& pair, const std::string& floor_is,
                   double target) {
    add({what, "ms", pair.ours.median() / 1000, pair.ours.percentile(99) / 1000,
         pair.floor.median() / 1000, floor_is, target, Figure::Kind::ratio});
}

void Report::print() const {
    std::printf("\n%-52s %10s %10s %-4s %7s  %-12s\n", "figure", "median", "p99", "", "ratio",
                "target");
    for (const auto& figure : figures_) {
        print_line(figure);
    }
    std::printf("\n%zu figures, %d missed\n", figures_.size(), missed_);
}

void set_realtime(bool on) {
    sched_param parameters{};
    parameters.sched_priority = on ? 5 : 0;
    posix::check(::sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &parameters),
                 "change the scheduling class (needs root)");
}

} // namespace mshv::bench
