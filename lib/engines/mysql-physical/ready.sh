#!/bin/sh
# Exit 0 when the server answers a query, with the credentials the job will use. Before a restore, which replaces files that a
# running server has open, any answer counts: a server that refuses these credentials is running, too.
set -eu
# shellcheck source=lib/engines/mysql-physical/physical.sh
. "$BACKUP_HOME/engine/physical.sh"
rc=0
answer=$(sql 'select 1' 2>&1) || rc=$?
[ "$rc $answer" != '0 1' ] || exit 0
printf '%s\n' "$answer" >&2
# 2002, 2003: nobody listens; 2005: the name leads to no pod.
[ "$OPERATION" = restore ] && case $answer in *'ERROR 2002 '* | *'ERROR 2003 '* | *'ERROR 2005 '*) exit 1 ;; *) exit 0 ;; esac
exit 1
