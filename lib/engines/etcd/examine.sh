#!/bin/sh
# Looks at the member that is about to be asked for its snapshot: a member without a leader sends one, too, of whatever it had when
# it lost touch with the others.
#
# Leaves in $SCRATCH what dump.sh makes caveats of, and compares with: examined, a caveat a line, and least.revision, which the snapshot
# must have reached.
set -eu
# shellcheck source=lib/engines/etcd/etcd.sh
. "$BACKUP_HOME/engine/etcd.sh"

: >"$SCRATCH/examined"
: >"$SCRATCH/least.revision"
attempt 'logging in' log_in
ask() { live "$1" --header "@$SCRATCH/authorization" --data "$2"; } # PATH BODY

ask /v3/maintenance/status '{}' >"$SCRATCH/status" 2>/dev/null || :
if ! grep -q '"raftTerm"' "$SCRATCH/status"; then
  echo 'the server does not say whether it has a leader, so the age of its snapshot was not checked' >"$SCRATCH/examined"
  exit 0
fi

case $(cat "$SCRATCH/status") in
  *alarm:CORRUPT*) refuse "etcd has found that its members hold different data (alarm CORRUPT), and does not know which of them is right: nothing was published. Run 'etcdctl endpoint hashkv --cluster', replace the member that differs, and disarm the alarm" ;;
esac
case $(cat "$SCRATCH/status") in
  *alarm:NOSPACE*) echo 'the database is full (alarm NOSPACE), and a restore of it will be too: it takes no writes until you compact and defragment it, and disarm the alarm' >>"$SCRATCH/examined" ;;
esac

if ! grep -q '"leader": *"[1-9]' "$SCRATCH/status"; then
  self=$(number_in "$SCRATCH/status" member_id)
  # Releases before 3.5 do not know the word, and answer without it.
  ask /v3/cluster/member/list '{"linearizable":false}' >"$SCRATCH/member.list" 2>/dev/null || :
  grep -q '"clientURLs"' "$SCRATCH/member.list" || ask /v3/cluster/member/list '{}' >"$SCRATCH/member.list" 2>/dev/null || :
  tr '{' '\n' <"$SCRATCH/member.list" | grep '"ID"' >"$SCRATCH/members.found" || :
  grep -v "\"ID\": *\"$self\"" "$SCRATCH/members.found" | sed -n 's/.*"clientURLs": *\[ *"\([^"]*\)".*/\1/p' >"$SCRATCH/members.other" || :
  while IFS= read -r other; do
    if SERVER_URL=$other live '/health?exclude=NOSPACE' --max-time 5 2>/dev/null | grep -q '"health": *"true"'; then
      die "the member that was asked has no leader, and $other is healthy: nothing was published. Let host point only to members that are ready"
    fi
  done <"$SCRATCH/members.other"
  echo "the member that was asked had no leader, and none of the $(grep -c . "$SCRATCH/members.other") others was healthy: the snapshot holds what this member had when it lost contact with them, however long ago" >>"$SCRATCH/examined"
  exit 0
fi

# What the leader says now, the snapshot must have.
if ask /v3/kv/range '{"key":"AA==","count_only":true}' >"$SCRATCH/range" 2>/dev/null && grep -q '"revision"' "$SCRATCH/range"; then
  number_in "$SCRATCH/range" revision >"$SCRATCH/least.revision"
else
  case $(error_in "$SCRATCH/range") in
    *'user name is empty'* | *'permission denied'*) log 'a user with a client certificate cannot ask over HTTP, so the revision of the member is not compared with that of its leader' ;;
    *) die "the server has a leader, but a read through that leader failed: $(error_in "$SCRATCH/range"); nothing was published" ;;
  esac
fi
