#!/bin/sh
# Makes one group of volume snapshots: look, hold, cut, let go, wait, judge, commit, prune.
#
# environment, beside lib.sh's, lease.sh's, claims.sh's, quiesce.sh's, the mode's and retention.sh's:
#   MODE            coordinated or native
#   CUT_TIMEOUT     seconds from the first server that is held until every snapshot is cut
#   READY_TIMEOUT   seconds until every snapshot can be used
#   POD_NAME        its last five characters make the id unique among runs of the same second
#
# Whatever happens, servers are let go first, then what this run has made is deleted, and nothing of earlier runs is touched before
# this one is published.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/lib/retention.sh
. "$BACKUP_HOME/shell/retention.sh"
# shellcheck source=lib/kubernetes/kubectl/api.sh
. "$BACKUP_HOME/api/api.sh"
# shellcheck source=lib/volumes/group/groups.sh
. "$BACKUP_HOME/kubectl/groups.sh"
# shellcheck source=lib/volumes/group/lease.sh
. "$BACKUP_HOME/kubectl/lease.sh"
# shellcheck source=lib/volumes/group/claims.sh
. "$BACKUP_HOME/kubectl/claims.sh"
# shellcheck source=lib/volumes/group/quiesce.sh
. "$BACKUP_HOME/kubectl/quiesce.sh"
# shellcheck source=lib/volumes/group/native.sh
. "$BACKUP_HOME/kubectl/$MODE.sh"
# shellcheck source=lib/volumes/group/prune.sh
. "$BACKUP_HOME/kubectl/prune.sh"

finish() {
  rc=$?
  # From here on nothing interrupts, not even for kubectl.
  trap '' TERM INT HUP
  set +e
  API_LIMIT=10
  # In a shell of its own, as it ends when it was told to stop meanwhile.
  (release_all) || [ ! -s "$SCRATCH/lost" ] || log "WARNING: not released by this run: $(tr '\n' ';' <"$SCRATCH/lost")"
  [ -f "$SCRATCH/outcome/published" ] || [ ! -f "$SCRATCH/begun" ] || discard
  lease_give_back
  exit "$rc"
}

# It may be published by an answer that got lost.
discard() {
  if { [ ! -f "$SCRATCH/committing" ] || group_unpublish "$POINT"; } && discard_when_cut "$POINT"; then
    log "deleted the snapshots of this run"
  else
    log "WARNING: the snapshots of $POINT are left over. If all were published, they are a group; if none was, a later run removes them; the next run reports anything in between: $(api_reason)"
  fi
}

# Creates what a file names, while servers are held.
create() { # FILE
  : >"$SCRATCH/begun"
  timeout "$CUT_TIMEOUT" kubectl --request-timeout="${API_LIMIT}s" create --validate=false -f "$1" >/dev/null 2>"$SCRATCH/api.err" ||
    die "the snapshots could not be created: $(api_reason)"
}

# What the controller runs into when two of its parts write at once, it mends by itself; and it asks again where the driver was only slow.
snapshot_errors() {
  awk -F '\t' '$7 != "-" && $7 !~ /the object has been modified|code = (DeadlineExceeded|Unavailable|Aborted) / { print $1 ": " $7 }' "$SCRATCH/state"
}

# What is waited for, with what is said of it.
still_waiting() { # COLUMN PATTERN
  awk -F '\t' -v column="$1" -v pattern="$2" '$column !~ pattern { print $1 ($7 == "-" ? "" : " (" $7 ")") }' "$SCRATCH/state" | tr '\n' ' '
}

# Waits until a column of every line is as it should be.
wait_for() { # FUNCTION LINES COLUMN PATTERN DEADLINE WHAT
  answered=$(clock) told=$(clock)
  while :; do
    if "$1" "$POINT" >"$SCRATCH/state"; then
      answered=$(clock)
      [ -z "$(snapshot_errors)" ] || die "the storage reports errors: $(snapshot_errors | head -n 3 | tr '\n' ' ')"
      waiting=$(still_waiting "$3" "$4")
      [ -n "$waiting" ] || [ "$(wc -l <"$SCRATCH/state")" -lt "$2" ] || return 0
    else
      waiting="an answer: $(api_reason)"
      log "still waiting for $waiting"
    fi
    : "${waiting:=snapshots that the controller has not created}"
    still_held "$answered"
    [ "$(clock)" -lt "$5" ] || die "$6; still waiting for $waiting"
    if [ "$(($(clock) - told))" -ge 60000 ]; then
      told=$(clock)
      log "waiting for $waiting, for $((($5 - told) / 1000)) s more at most"
    fi
    sleep 0.3
  done
}

lost_reason() {
  if grep -q ' could not be told ' "$SCRATCH/lost"; then
    printf 'whether each server was held until its snapshots were cut is not known'
  else
    printf 'a server was not held until its snapshots were cut'
  fi
}

cut_all() {
  # A server that is held waits for nobody else's answer.
  API_LIMIT=5
  prove_api
  held_since=$(clock)
  hold_all
  group_create
  if [ "$MODE" = native ]; then lines=1; else lines=$(claims_count); fi
  late="the snapshots were not cut within $CUT_TIMEOUT s (cutTimeout)"
  # Each takes some eight requests of controllers that make five a second, unless they are told otherwise.
  [ "$lines" -lt 10 ] || late="$late; for $lines snapshots that time may be too short, or --kube-api-qps of snapshot-controller and csi-snapshotter too low"
  wait_for group_cut "$lines" 3 '^[^-]' $((held_since + CUT_TIMEOUT * 1000)) "$late"
  API_LIMIT=30
  release_all || die "$(lost_reason), so they may not belong together: $(tr '\n' ';' <"$SCRATCH/lost")"
  claims_still
  say_spread
  about cut "$(awk -F '\t' '{ print $3 }' "$SCRATCH/state" | LC_ALL=C sort | tail -n 1)"
}

# What writes to several volumes that are not held may have written to the later one what the earlier one lacks.
say_spread() {
  [ "$MODE" = coordinated ] || return 0
  spread=$(awk -F '\t' -f "$BACKUP_HOME/kubectl/spread.awk" "$SCRATCH/holds" "$SCRATCH/claims" "$SCRATCH/state")
  fact spreadSeconds "${spread:-0}"
  [ "${spread:-0}" -lt 2 ] ||
    caveat "claims without a quiesce were not held, and were cut within $spread s: what one program writes to several of them may be inconsistent"
}

# Every claim has one snapshot, which is its own and can be used, and there is none beside.
judge_group() {
  awk -F '\t' 'FILENAME == ARGV[1] { claim[$1]; next }
    !($2 in claim) { print "snapshot " $1 " is of " $2 ", which is not a member" }
    $2 in seen { print "claim " $2 " has two snapshots" }
    { seen[$2] } $3 == "-" || $4 != "true" { print "snapshot " $1 " cannot be used" }
    END { for (one in claim) if (!(one in seen)) print "claim " one " has no snapshot" }' "$SCRATCH/claims" "$SCRATCH/state" >"$SCRATCH/judgement"
  [ ! -s "$SCRATCH/judgement" ] || die "the group is not complete: $(tr '\n' ';' <"$SCRATCH/judgement")"
}

# The manifest, but for the lines of its volumes, which are in $SCRATCH/volumes.
group_write() { # FILE
  awk -f "$BACKUP_HOME/kubectl/manifest.awk" "$SCRATCH/claims.all" "$SCRATCH/claims" "$SCRATCH/state" | LC_ALL=C sort >"$SCRATCH/volumes"
  [ "$(grep -c '^{"claim":".*"}$' "$SCRATCH/volumes")" = "$(claims_count)" ] || die "the manifest does not name a snapshot for each of $(claims_count) claims"
  awk -F '\t' '{ printf "{\"pod\":\"%s\",\"member\":\"%s\",\"milliseconds\":%s}\n", $1, $2, $3 }' "$SCRATCH/quiesced" | LC_ALL=C sort >"$SCRATCH/pods"
  bytes=$(sed 's/.*"bytes":\([0-9]*\).*/\1/' "$SCRATCH/volumes" | awk '{ sum += $1 } END { printf "%.0f", sum }')
  outcome bytes "$bytes"
  about mode "$MODE"
  fact volumes "$(claims_count)"
  fact quiesced "$(wc -l <"$SCRATCH/pods" | tr -d ' ')"
  {
    printf '{\n"format":1,\n"id":"%s",\n"series":"%s",\n"engine":"%s",\n' "$POINT" "$SERIES" "$ENGINE"
    printf '"started":"%s",\n"finished":"%s",\n"bytes":%s,\n' "$STARTED" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$bytes"
    printf '"about":{\n'
    LC_ALL=C sort "$SCRATCH/about" | comma_lines -
    printf '},\n"caveats":[\n'
    while IFS= read -r group_caveat; do printf '%s\n' "$(json_string "$group_caveat")"; done <"$SCRATCH/caveats" | comma_lines -
    printf '],\n"volumes":[\n],\n"quiesced":[\n'
    comma_lines "$SCRATCH/pods"
    printf '],\n"facts":{\n'
    LC_ALL=C sort "$SCRATCH/facts" | comma_lines -
    printf '}\n}\n'
  } >"$1"
}

commit() {
  group_write "$SCRATCH/group.json"
  while IFS= read -r volume; do
    api annotate "$SNAPSHOTS" "$(printf '%s' "$volume" | sed 's/.*"snapshot":"\([^"]*\)".*/\1/')" --overwrite \
      "cdk8s-backup/volume=$volume" >/dev/null </dev/null ||
      die "publishing failed: $(api_reason)"
  done <"$SCRATCH/volumes"
  lease_check 'It publishes nothing'
  : >"$SCRATCH/committing"
  group_publish "$POINT" "$SCRATCH/group.json" || die "publishing failed: $(api_reason)"
  # What was deleted meanwhile takes no label, and kubectl says nothing of it. Where it cannot be asked, the next run says so.
  if groups_read && ! grep -q "^$POINT " "$SCRATCH/groups.good" "$SCRATCH/groups.doubtful"; then
    die "group $POINT is incomplete: it, or a part of it, was deleted while it was being published. Nothing older was removed"
  fi
  outcome published yes
  log "published $POINT: $(claims_count) snapshots"
}

trap finish EXIT
trap 'exit 143' TERM INT HUP
lease_take
claims_choose
group_check
quiesce_check
[ -z "$lease_of_dead" ] || release_dead "$lease_of_dead"
begin_point
list_points
cut_all
wait_for group_snapshots "$(claims_count)" 4 '^true$' $(($(clock) + READY_TIMEOUT * 1000)) "the snapshots could not be used within $READY_TIMEOUT s (readyTimeout)"
judge_group
group_label || die "the snapshots could not be labelled: $(api_reason)"
commit
tidy
