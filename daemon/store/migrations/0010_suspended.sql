-- SPDX-License-Identifier: Apache-2.0
-- A guest may sleep in RAM (ACPI S3): its partition runs, and nothing in it does.

ALTER TABLE runtime ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1));
