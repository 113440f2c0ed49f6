-- SPDX-License-Identifier: Apache-2.0
-- Desired and reported are apart: `partition` has what was asked for and where it is in its life,
-- `runtime` what its keeper reported, `intent` what is being done to it.

CREATE TABLE partition (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid            TEXT    NOT NULL UNIQUE CHECK (length(uuid) = 36),
    name            TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    title           TEXT    NOT NULL,
    spec            TEXT    NOT NULL CHECK (spec LIKE '{%}'),
    xml             TEXT    NOT NULL,
    persistent      INTEGER NOT NULL CHECK (persistent IN (0, 1)),
    memory          INTEGER NOT NULL CHECK (memory >= 0),
    vcpus           INTEGER NOT NULL CHECK (vcpus >= 1),
    autostart       INTEGER NOT NULL CHECK (autostart IN (0, 1)),
    autostart_order INTEGER NOT NULL,
    protect_destroy INTEGER NOT NULL CHECK (protect_destroy IN (0, 1)),
    protect_delete  INTEGER NOT NULL CHECK (protect_delete IN (0, 1)),
    state           TEXT    NOT NULL CHECK (state IN ('shutoff', 'starting', 'running', 'paused',
                                            'stopping', 'restarting', 'crashed', 'stuck')),
    reason          TEXT    NOT NULL,
    state_since     INTEGER NOT NULL,
    was_running     INTEGER NOT NULL DEFAULT 0 CHECK (was_running IN (0, 1)),
    autostart_boot  TEXT    NOT NULL DEFAULT '',
    exit_at         INTEGER,
    exit_reason     TEXT,
    exit_code       INTEGER,
    exit_signal     INTEGER,
    exit_detail     TEXT
) STRICT;

CREATE TABLE label (
    partition INTEGER NOT NULL REFERENCES partition (id) ON DELETE CASCADE,
    key       TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    PRIMARY KEY (partition, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE mac (
    mac       TEXT    NOT NULL PRIMARY KEY CHECK (length(mac) = 17),
    partition INTEGER NOT NULL REFERENCES partition (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX mac_partition ON mac (partition);

-- Who may write to a disk now, by the disk's own identity and not by a path that leads to it.
CREATE TABLE disk_writer (
    identity  TEXT    NOT NULL PRIMARY KEY,
    partition INTEGER NOT NULL REFERENCES partition (id) ON DELETE CASCADE,
    path      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX disk_writer_partition ON disk_writer (partition);

-- No cascade: a partition that runs cannot be deleted.
CREATE TABLE runtime (
    partition          INTEGER PRIMARY KEY REFERENCES partition (id),
    incarnation        TEXT    NOT NULL UNIQUE,
    run_dir            TEXT    NOT NULL,
    nonce              TEXT    NOT NULL,
    boot_id            TEXT    NOT NULL,
    keeper_pid         INTEGER NOT NULL,
    keeper_start       INTEGER NOT NULL,
    vmm_pid            INTEGER NOT NULL,
    vmm_start          INTEGER NOT NULL,
    generation         INTEGER NOT NULL,
    acked_seq          INTEGER NOT NULL,
    started            INTEGER NOT NULL,
    generation_started INTEGER NOT NULL,
    accelerator        TEXT    NOT NULL,
    accelerator_reason TEXT    NOT NULL,
    vmm_version        TEXT    NOT NULL,
    responsive         INTEGER NOT NULL CHECK (responsive IN (0, 1))
) STRICT;

CREATE TABLE intent (
    partition     INTEGER PRIMARY KEY REFERENCES partition (id) ON DELETE CASCADE,
    kind          TEXT    NOT NULL CHECK (kind IN ('create', 'start', 'destroy', 'shutdown', 'reboot',
                                           'restart')),
    actor         TEXT    NOT NULL,
    started       INTEGER NOT NULL,
    started_boot  INTEGER NOT NULL,
    deadline_boot INTEGER NOT NULL,
    incarnation   TEXT    NOT NULL,
    methods       TEXT    NOT NULL,
    resend        INTEGER NOT NULL,
    escalate      TEXT    NOT NULL
) STRICT;

CREATE TABLE event (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    uuid       TEXT,
    partition  INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    from_state TEXT,
    to_state   TEXT,
    reason     TEXT,
    detail     TEXT    NOT NULL
) STRICT;
CREATE INDEX event_uuid ON event (uuid, seq) WHERE uuid IS NOT NULL;

-- One row a run. It outlives its partition, so it refers to it by value.
CREATE TABLE history (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    partition   INTEGER NOT NULL,
    uuid        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    incarnation TEXT    NOT NULL UNIQUE,
    started     INTEGER NOT NULL,
    started_by  TEXT    NOT NULL,
    ended       INTEGER,
    ended_by    TEXT    NOT NULL DEFAULT '',
    reason      TEXT    NOT NULL DEFAULT 'none',
    exit_code   INTEGER,
    exit_signal INTEGER,
    generations INTEGER NOT NULL DEFAULT 1,
    detail      TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX history_uuid ON history (uuid, seq);
CREATE INDEX history_name ON history (name, seq);

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
