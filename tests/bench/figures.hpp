// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace mshv::bench {

/// Times of the same thing done several times, in microseconds.
class Samples {
public:
    void add(double microseconds) { values_.push_back(microseconds); }
    [[nodiscard]] double percentile(double p) const;
    [[nodiscard]] double median() const { return percentile(50); }
    [[nodiscard]] bool empty() const { return values_.empty(); }

private:
    std::vector<double> values_;
};

/// The wall time of `work`.
double time_us(const std::function<void()>& work);

/// Measures two things in turns, so that what disturbs the machine disturbs both.
struct Pair {
    Samples ours, floor;
};
Pair in_turns(int rounds, const std::function<double()>& ours,
              const std::function<double()>& floor);

/// One line of the result.
struct Figure {
    std::string what;
    std::string unit; ///< "us", "ms", "MB", "/s" …
    double median = 0;
    double p99 = 0;   ///< 0 = a single value
    double floor = 0; ///< in the same unit; 0 = none
    std::string floor_is;
    double target = 0;
    enum class Kind { ratio, at_most, at_least } kind = Kind::ratio; ///< what `target` bounds
};

/// The lines so far; prints each as it comes and the table at the end.
class Report {
public:
    void add(Figure figure);
    /// From samples in microseconds.
    void ratio(const std::string& what, const Pair& pair, const std::string& floor_is,
               double target);
    void print() const;
    [[nodiscard]] int missed() const { return missed_; }

private:
    std::vector<Figure> figures_;
    int missed_ = 0;
};

/// Gives this process, and what it starts from now on, real-time priority 5, or takes it away.
void set_realtime(bool on);

} // namespace mshv::bench
