#!/bin/sh
# Dumps the whole server, all of its numbered databases, as a replica would get them.
#
# environment, beside redis.sh's:
#   ALLOW_EMPTY    `yes`: a server without a key is no reason to fail
#   CLUSTER_NODE   `yes`: the server is meant to be a node of a cluster
set -eu
# shellcheck source=lib/engines/redis/redis.sh
. "$BACKUP_HOME/engine/redis.sh"

# Nobody needs a right to be greeted.
mode=$(CLI_TIMEOUT=15 cli hello 2>/dev/null | sed -n '/^mode$/{n;p;}') || :
[ "$mode" != cluster ] || [ "$CLUSTER_NODE" = yes ] ||
  refuse "$REDIS_HOST is a node of a Redis Cluster, which holds only the keys of its own slots: nothing was dumped. Make a backup for each primary, with its own host, and set clusterNode: true"
put dump.rdb sh "$BACKUP_HOME/engine/dump-stream.sh"
about server "$(sed -n "s/.*AUX FIELD [a-z]*-ver = '\(.*\)'/\1/p" "$SCRATCH/checked")"
about client "$("$PROGRAM-cli" --version)"
facts_of_check "$SCRATCH/checked"
# Known only now: a user who may do nothing but replicate cannot ask before.
if grep -q '^"keys":0$' "$SCRATCH/facts" && [ "$ALLOW_EMPTY" != yes ] && [ "$SAFETY" != yes ]; then
  refuse 'the server holds no key: an empty backup is rarely intended; if this one is, set allowEmpty'
fi
