// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

namespace mshv::e2e {

class Host;

/// Returns when operations under way are done and folders of ended runs are gone, or after a while;
/// checks nothing. Throws when the daemon dies meanwhile.
void await_rest(Host& host);

/// What must hold whatever a test did, as soon as operations under way are done (reliability's
/// I1 to I12, as far as they can be seen from outside): each finding is a failed check.
///
/// - No row is in a transient state, no intent is left.
/// - Keepers, VMMs and run folders belong to exactly one row each, and each row that runs has them.
/// - The database is sound.
/// - Events are numbered without gaps, each partition's changes of state form a chain that ends where
///   the partition is. The history has one open run for each partition that runs.
/// - No sanitizer wrote a report.
void check_invariants(Host& host);

/// Once everything was removed: no process but the daemon, no run folder, no network interface that
/// was not there before, and the daemon holds no more descriptors than at its start.
void check_nothing_left(Host& host, const std::set<std::string>& interfaces_before);

std::set<std::string> network_interfaces();

} // namespace mshv::e2e
