-- SPDX-License-Identifier: Apache-2.0
-- Long work that outlives the daemon, and partitions whose state is in a file.

-- It outlives its partition, so it refers to it by value.
CREATE TABLE job (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL CHECK (kind IN ('save', 'restore')),
    state       TEXT    NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
    phase       TEXT    NOT NULL,
    partition   INTEGER NOT NULL,
    uuid        TEXT    NOT NULL CHECK (length(uuid) = 36),
    name        TEXT    NOT NULL,
    incarnation TEXT    NOT NULL,
    path        TEXT    NOT NULL,
    token       TEXT    NOT NULL UNIQUE,
    managed     INTEGER NOT NULL CHECK (managed IN (0, 1)),
    after       TEXT    NOT NULL CHECK (after IN ('end', 'run', 'pause')),
    was_running INTEGER NOT NULL CHECK (was_running IN (0, 1)),
    actor       TEXT    NOT NULL,
    started     INTEGER NOT NULL,
    ended       INTEGER,
    error       TEXT    NOT NULL DEFAULT '',
    message     TEXT    NOT NULL DEFAULT '',
    hint        TEXT    NOT NULL DEFAULT '',
    CHECK ((state = 'running') = (ended IS NULL))
) STRICT;
CREATE INDEX job_running ON job (id) WHERE state = 'running';

-- The file that the next start resumes from; empty = none.
ALTER TABLE partition ADD COLUMN saved TEXT NOT NULL DEFAULT '';

-- Two more kinds of intent; a CHECK cannot be altered.
CREATE TABLE intent_next (
    partition     INTEGER PRIMARY KEY REFERENCES partition (id) ON DELETE CASCADE,
    kind          TEXT    NOT NULL CHECK (kind IN ('create', 'start', 'destroy', 'shutdown', 'reboot',
                                           'restart', 'save', 'restore')),
    actor         TEXT    NOT NULL,
    started       INTEGER NOT NULL,
    started_boot  INTEGER NOT NULL,
    deadline_boot INTEGER NOT NULL,
    incarnation   TEXT    NOT NULL,
    methods       TEXT    NOT NULL,
    resend        INTEGER NOT NULL,
    escalate      TEXT    NOT NULL
) STRICT;
INSERT INTO intent_next SELECT partition, kind, actor, started, started_boot, deadline_boot, incarnation,
    methods, resend, escalate FROM intent;
DROP TABLE intent;
ALTER TABLE intent_next RENAME TO intent;
