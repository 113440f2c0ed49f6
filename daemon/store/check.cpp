// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/reader.hpp"

#include <array>

namespace mshv::store {
namespace {

/// A query that finds what must not be: each row is one fault, told in its first column.
struct Rule {
    const char* says;
    const char* query;
};

// `crashed` is in neither of the first two: it may still have its VMM, stopped for inspection.
constexpr auto rules = std::to_array<Rule>({
    {"is live and has no runtime",
     "SELECT name FROM partition WHERE state IN ('running', 'paused', 'stopping', 'restarting', "
     "'stuck') AND id NOT IN (SELECT partition FROM runtime)"},
    {"is not live and has a runtime",
     "SELECT name FROM partition WHERE state IN ('shutoff', 'starting') AND id IN (SELECT "
     "partition FROM runtime)"},
    {"is being started by nobody",
     "SELECT name FROM partition p WHERE state = 'starting' AND NOT EXISTS (SELECT 1 FROM intent i "
     "WHERE i.partition = p.id AND i.kind IN ('create', 'start'))"},
    {"is being stopped by nobody",
     "SELECT name FROM partition p WHERE state = 'stopping' AND NOT EXISTS (SELECT 1 FROM intent i "
     "WHERE i.partition = p.id AND i.kind IN ('destroy', 'shutdown', 'reboot', 'save'))"},
    {"has an intent that does not fit its state",
     "SELECT p.name FROM intent i JOIN partition p ON p.id = i.partition WHERE (i.kind IN "
     "('create', 'start')) <> (p.state = 'starting') OR (i.kind = 'restart') <> (p.state IN "
     "('shutoff', 'crashed') AND p.id NOT IN (SELECT partition FROM runtime))"},
    {"is transient and does not run",
     "SELECT name FROM partition WHERE persistent = 0 AND (state = 'shutoff' OR (state = 'crashed' "
     "AND id NOT IN (SELECT partition FROM runtime))) AND id NOT IN (SELECT partition FROM intent "
     "WHERE kind = 'restart')"},
    {"runs without an open row in the history",
     "SELECT p.name FROM runtime r JOIN partition p ON p.id = r.partition WHERE NOT EXISTS (SELECT "
     "1 FROM history h WHERE h.incarnation = r.incarnation AND h.ended IS NULL)"},
    {"has an open row in the history and does not run",
     "SELECT name FROM history WHERE ended IS NULL AND incarnation NOT IN (SELECT incarnation FROM "
     "runtime)"},
    {"has no text of its definition",
     "SELECT name FROM partition p WHERE NOT EXISTS (SELECT 1 FROM revision r WHERE r.partition = "
     "p.id AND r.number = p.revision)"},
    {"runs with a revision that is yet to come",
     "SELECT p.name FROM runtime r JOIN partition p ON p.id = r.partition WHERE r.revision > "
     "p.revision"},
    {"has a disk and does not run",
     "SELECT p.name FROM disk_lease l JOIN partition p ON p.id = l.partition WHERE p.state = "
     "'shutoff'"},
    {"has a MAC address beside its definition and does not run",
     "SELECT p.name FROM mac_lease m JOIN partition p ON p.id = m.partition WHERE p.state = "
     "'shutoff'"},
    {"has devices on their way and does not run",
     "SELECT p.name FROM device_change d JOIN partition p ON p.id = d.partition WHERE p.id NOT IN "
     "(SELECT partition FROM runtime)"},
    {"writes to a disk that another has",
     "SELECT p.name FROM disk_lease l JOIN disk_lease o ON o.base = l.base AND o.first < l.past "
     "AND "
     "o.past > l.first AND o.partition <> l.partition JOIN partition p ON p.id = l.partition WHERE "
     "l.writes AND NOT (l.shares AND o.shares) AND NOT (l.made_of AND o.made_of)"},
    {"is missing in the numbers of the events",
     "SELECT max(seq) - min(seq) + 1 - count(*) FROM event HAVING count(*) > 0 AND max(seq) - "
     "min(seq) + 1 <> count(*)"},
});

} // namespace

std::vector<std::string> check_database(Connection& connection) {
    std::vector<std::string> faults;
    SQLite::Statement integrity(connection.database(), "PRAGMA integrity_check(100)");
    while (integrity.executeStep()) {
        const std::string answer = integrity.getColumn(0).getString();
        if (answer != "ok") {
            faults.push_back("integrity: " + answer);
        }
    }
    SQLite::Statement keys(connection.database(), "PRAGMA foreign_key_check");
    while (keys.executeStep()) {
        faults.push_back("foreign key: a row of " + keys.getColumn(0).getString() +
                         " refers to nothing");
    }
    for (const Rule& rule : rules) {
        SQLite::Statement query(connection.database(), rule.query);
        while (query.executeStep()) {
            faults.push_back("'" + query.getColumn(0).getString() + "' " + rule.says);
        }
    }
    return faults;
}

} // namespace mshv::store
