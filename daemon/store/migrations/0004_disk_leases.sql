-- SPDX-License-Identifier: Apache-2.0
-- Who uses which bytes of a file or device now, by what they are and not by a path that leads there.
-- `made_of`: of what the disk is made besides; two such rows do not meet each other.

CREATE TABLE disk_lease (
    partition INTEGER NOT NULL REFERENCES partition (id) ON DELETE CASCADE,
    device    TEXT    NOT NULL,
    path      TEXT    NOT NULL,
    base      TEXT    NOT NULL,
    first     INTEGER NOT NULL CHECK (first >= 0),
    past      INTEGER NOT NULL CHECK (past >= first),
    made_of   INTEGER NOT NULL CHECK (made_of IN (0, 1)),
    writes    INTEGER NOT NULL CHECK (writes IN (0, 1)),
    shares    INTEGER NOT NULL CHECK (shares IN (0, 1))
) STRICT;
CREATE INDEX disk_lease_base ON disk_lease (base);
CREATE INDEX disk_lease_partition ON disk_lease (partition);

INSERT INTO disk_lease (partition, device, path, base, first, past, made_of, writes, shares)
    SELECT partition, '', path, identity, 0, 9223372036854775807, 0, 1, 0 FROM disk_writer;

DROP TABLE disk_writer;
