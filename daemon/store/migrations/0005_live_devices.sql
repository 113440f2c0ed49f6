-- SPDX-License-Identifier: Apache-2.0
-- What runs, where that is other than the definition with which it was started; and devices of it that are
-- on their way, written before the VMM hears of them.

CREATE TABLE live_spec (
    partition INTEGER PRIMARY KEY REFERENCES partition (id) ON DELETE CASCADE,
    spec      TEXT    NOT NULL CHECK (spec LIKE '{%}'),
    started   TEXT    CHECK (started LIKE '{%}') -- what its machine was made of; NULL: that definition
) STRICT;

CREATE TABLE device_change (
    partition INTEGER NOT NULL REFERENCES partition (id) ON DELETE CASCADE,
    device    TEXT    NOT NULL,
    kind      TEXT    NOT NULL CHECK (kind IN ('attach', 'detach', 'resize')),
    disk      TEXT    NOT NULL CHECK (disk LIKE '{%}'),
    config    INTEGER NOT NULL CHECK (config IN (0, 1)),
    size      INTEGER NOT NULL CHECK (size >= 0), -- bytes that a disk shall have; else 0
    actor     TEXT    NOT NULL,
    started   INTEGER NOT NULL,
    PRIMARY KEY (partition, device)
) STRICT, WITHOUT ROWID;
