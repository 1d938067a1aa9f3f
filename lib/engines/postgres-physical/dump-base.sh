#!/bin/sh
# Writes a base backup to stdout, as one tar, and leaves its manifest in $SCRATCH/backup_manifest.
#
# A tar on stdout carries the log that was written meanwhile at its end (--wal-method=fetch). A slot that lives as long as
# this session keeps the server from recycling it before it was fetched.
# (PostgreSQL's documentation, "pg_basebackup", --wal-method.)
set -eu
# shellcheck source=lib/engines/postgres-physical/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"
rm -f "$SCRATCH/copied"
ask -v slot="$BACKUP_SLOT" -f "$BACKUP_HOME/engine/dump-base.sql"
# psql does not tell how the program that it ran has ended.
[ -e "$SCRATCH/copied" ] || exit 1
