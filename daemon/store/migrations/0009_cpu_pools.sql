-- SPDX-License-Identifier: Apache-2.0
-- Pools of the host's processors. What is in none of them is in the pool that always is there, which has no row.

CREATE TABLE cpu_pool (
    name TEXT NOT NULL PRIMARY KEY CHECK (name <> '' AND name <> 'Pool-0'),
    cpus TEXT NOT NULL -- "0-3,7"; empty = none
) STRICT, WITHOUT ROWID;
