-- SPDX-License-Identifier: Apache-2.0
-- A definition's text stands in its revisions alone; `partition` says which of them is the current
-- one, and `runtime` with which of them the run was started.

CREATE TABLE revision (
    partition INTEGER NOT NULL REFERENCES partition (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL CHECK (number >= 1),
    at        INTEGER NOT NULL,
    actor     TEXT    NOT NULL,
    cause     TEXT    NOT NULL CHECK (cause IN ('defined', 'created', 'replaced', 'applied', 'edited',
                                      'rolled-back', 'renamed', 'autostart', 'upgraded')),
    detail    TEXT    NOT NULL,
    spec      TEXT    NOT NULL CHECK (spec LIKE '{%}'),
    xml       TEXT    NOT NULL,
    PRIMARY KEY (partition, number)
) STRICT;

INSERT INTO revision (partition, number, at, actor, cause, detail, spec, xml)
    SELECT id, 1, unixepoch() * 1000, 'mshvd', 'upgraded', '', spec, xml FROM partition;

ALTER TABLE partition DROP COLUMN spec;
ALTER TABLE partition DROP COLUMN xml;
ALTER TABLE partition ADD COLUMN revision INTEGER NOT NULL DEFAULT 1 CHECK (revision >= 1);
-- The apply that made it, which alone may prune it; empty = none did.
ALTER TABLE partition ADD COLUMN owner TEXT NOT NULL DEFAULT '';

-- 0: it was started before revisions were kept, and nobody knows with what.
ALTER TABLE runtime ADD COLUMN revision INTEGER NOT NULL DEFAULT 0 CHECK (revision >= 0);
ALTER TABLE runtime ADD COLUMN pending INTEGER NOT NULL DEFAULT 0 CHECK (pending IN (0, 1));
