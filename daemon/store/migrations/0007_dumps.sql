-- SPDX-License-Identifier: Apache-2.0
-- One more kind of job; a CHECK cannot be altered.

CREATE TABLE job_next (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL CHECK (kind IN ('save', 'restore', 'dump-core')),
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
INSERT INTO job_next SELECT id, kind, state, phase, partition, uuid, name, incarnation, path, token, managed,
    after, was_running, actor, started, ended, error, message, hint FROM job;
-- What AUTOINCREMENT remembers: the number of a job that is gone is not given again.
INSERT INTO sqlite_sequence (name, seq) SELECT 'job_next', 0
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'job_next');
UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'job'), 0))
    WHERE name = 'job_next';
DROP TABLE job;
ALTER TABLE job_next RENAME TO job;
CREATE INDEX job_running ON job (id) WHERE state = 'running';
