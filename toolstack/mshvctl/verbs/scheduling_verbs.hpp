// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/mshvctl/verb.hpp"

#include <memory>

namespace mshv::ctl::verbs {

std::unique_ptr<Command> make_cpupool_create();
std::unique_ptr<Command> make_cpupool_list();
std::unique_ptr<Command> make_cpupool_destroy();
std::unique_ptr<Command> make_cpupool_rename();
std::unique_ptr<Command> make_cpupool_cpu_add();
std::unique_ptr<Command> make_cpupool_cpu_remove();
std::unique_ptr<Command> make_cpupool_migrate();
std::unique_ptr<Command> make_cpupool_numa_split();
std::unique_ptr<Command> make_sched();
std::unique_ptr<Command> make_sched_credit();
std::unique_ptr<Command> make_sched_credit2();

} // namespace mshv::ctl::verbs
