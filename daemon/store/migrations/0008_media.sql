-- SPDX-License-Identifier: Apache-2.0
-- Media of CD drives change while the guest runs. A VMM knows a medium by a name that no other has had: what it was
-- before tells whether the change has come true.

CREATE TABLE device_change_next (
    partition INTEGER NOT NULL REFERENCES partition (id) ON DELETE CASCADE,
    device    TEXT    NOT NULL,
    kind      TEXT    NOT NULL CHECK (kind IN ('attach', 'detach', 'resize', 'link', 'medium')),
    class     TEXT    NOT NULL CHECK (class IN ('disk', 'interface')),
    what      TEXT    NOT NULL CHECK (what LIKE '{%}'),
    config    INTEGER NOT NULL CHECK (config IN (0, 1)),
    size      INTEGER NOT NULL CHECK (size >= 0), -- bytes that a disk shall have; else 0
    before    TEXT    NOT NULL, -- the medium as the VMM called it; empty = none
    actor     TEXT    NOT NULL,
    started   INTEGER NOT NULL,
    PRIMARY KEY (partition, device)
) STRICT, WITHOUT ROWID;
INSERT INTO device_change_next (partition, device, kind, class, what, config, size, before, actor, started)
    SELECT partition, device, kind, class, what, config, size, '', actor, started FROM device_change;
DROP TABLE device_change;
ALTER TABLE device_change_next RENAME TO device_change;
