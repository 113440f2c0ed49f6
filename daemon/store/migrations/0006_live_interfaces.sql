-- SPDX-License-Identifier: Apache-2.0
-- Interfaces come to what runs and leave it as disks do; and their MAC addresses, which no definition has, are
-- the run's as its disks are.

CREATE TABLE mac_lease (
    mac       TEXT    NOT NULL PRIMARY KEY CHECK (length(mac) = 17),
    partition INTEGER NOT NULL REFERENCES partition (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX mac_lease_partition ON mac_lease (partition);

CREATE TABLE device_change_next (
    partition INTEGER NOT NULL REFERENCES partition (id) ON DELETE CASCADE,
    device    TEXT    NOT NULL,
    kind      TEXT    NOT NULL CHECK (kind IN ('attach', 'detach', 'resize', 'link')),
    class     TEXT    NOT NULL CHECK (class IN ('disk', 'interface')),
    what      TEXT    NOT NULL CHECK (what LIKE '{%}'),
    config    INTEGER NOT NULL CHECK (config IN (0, 1)),
    size      INTEGER NOT NULL CHECK (size >= 0), -- bytes that a disk shall have; else 0
    actor     TEXT    NOT NULL,
    started   INTEGER NOT NULL,
    PRIMARY KEY (partition, device)
) STRICT, WITHOUT ROWID;
INSERT INTO device_change_next (partition, device, kind, class, what, config, size, actor, started)
    SELECT partition, device, kind, 'disk', disk, config, size, actor, started FROM device_change;
DROP TABLE device_change;
ALTER TABLE device_change_next RENAME TO device_change;
