#!/bin/sh
# Serves what a repository holds as metrics: it starts a look at it once in a while, and says how old the last good one is.
#
# environment, beside that of look.sh:
#   WITNESS_EVERY        seconds between the beginnings of two looks
#   WITNESS_TIMEOUT      seconds after which a look is given up
#   WITNESS_PORT         the port on which metrics are served
#   WITNESS_REPOSITORY   what identifies the repository, for labels
# Nothing here touches the repository: one that hangs holds up the look alone, which cannot always be killed. A request reads a file, and
# starts nothing. The image has to ship httpd, as busybox's own has; Alpine's has none.
set -eu
umask 077
export LC_ALL=C.UTF-8 TZ=UTC HOME="$SCRATCH" TMPDIR="$SCRATCH" OPERATION=witness
: "${SERIES:=}"
export SERIES
cd "$SCRATCH"

log() { printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*" >&2; }
uptime_seconds() { cut -d ' ' -f 1 /proc/uptime; }
beat() { cut -d . -f 1 /proc/uptime >"$SCRATCH/beat"; }
# A signal is heard at once, and not when the time is over.
nap() { sleep "$1" & wait "$!" || :; }

# A server that reads this file while it is written would serve half of it.
publish() {
  WITNESS_UP=$up WITNESS_LISTED=$listed WITNESS_TOOK=$took awk -f "$BACKUP_HOME/witness/own.awk" >"$SCRATCH/metrics.new"
  [ ! -e "$SCRATCH/good.prom" ] || cat "$SCRATCH/good.prom" >>"$SCRATCH/metrics.new"
  mv "$SCRATCH/metrics.new" "$SCRATCH/www/metrics/index.prom"
}

# What a container before this one has found is of nobody knows when. What it has read of manifests can be told by its stamp.
rm -rf "$SCRATCH/www" "$SCRATCH/good.prom" "$SCRATCH/look.prom"
mkdir -p "$SCRATCH/www/metrics"
up=0 listed='' took=''
beat
publish

# httpd knows what a file is by the end of its name, and takes no blank in its configuration.
printf 'I:index.prom\n.prom:text/plain;version=0.0.4\n' >"$SCRATCH/httpd.conf"
httpd -f -p "$WITNESS_PORT" -h "$SCRATCH/www" -c "$SCRATCH/httpd.conf" &
server=$!
look=
# shellcheck disable=SC2317 # called by the trap
stop() {
  kill "$server" 2>/dev/null || :
  [ -z "$look" ] || kill -KILL "-$look" 2>/dev/null || kill -KILL "$look" 2>/dev/null || :
  exit 0
}
trap stop TERM INT

serves() {
  kill -0 "$server" 2>/dev/null && return 0
  log 'ERROR: httpd has ended, or could not start: see its messages above'
  exit 1
}

step=5
[ "$WITNESS_EVERY" -ge 60 ] || step=1
while :; do
  begun=$(uptime_seconds)
  began=$(date +%s)
  # A session of its own: one signal reaches restic and all else that it has started.
  setsid sh "$BACKUP_HOME/witness/look.sh" </dev/null &
  look=$!
  while kill -0 "$look" 2>/dev/null; do
    nap 1
    serves
    beat
    elapsed=$(($(cut -d . -f 1 /proc/uptime) - ${begun%.*}))
    if [ "$up" = 1 ] && [ "$elapsed" -gt "$WITNESS_EVERY" ]; then
      log "WARNING: the repository has not been listed for $elapsed s; the last known values are still served"
      up=0
      publish
    fi
    [ "$elapsed" -le "$WITNESS_TIMEOUT" ] || kill -KILL "-$look" 2>/dev/null || kill -KILL "$look" 2>/dev/null || :
  done
  wait "$look" && rc=0 || rc=$?
  look=
  if [ "$rc" = 0 ]; then
    mv "$SCRATCH/look.prom" "$SCRATCH/good.prom"
    [ "$up" = 1 ] || log "the repository is listed: $(wc -l <"$SCRATCH/records" | tr -d ' ') recovery points"
    up=1
    listed=$began
    took=$(awk -v from="$begun" -v to="$(uptime_seconds)" 'BEGIN { printf "%.2f", to - from }')
  else
    [ "$rc" -le 128 ] || log "ERROR: the repository did not answer within $WITNESS_TIMEOUT s, or the process that lists it was killed by signal $((rc - 128))"
    up=0
  fi
  publish
  while [ $(($(cut -d . -f 1 /proc/uptime) - ${begun%.*})) -lt "$WITNESS_EVERY" ]; do
    nap "$step"
    serves
    beat
  done
done
