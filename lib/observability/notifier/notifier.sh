#!/bin/sh
# Tells the outside what becomes of jobs. It asks the Kubernetes API for Jobs and their pods every few seconds, so that a job need not be
# able to say anything itself.
#
# environment:
#   NOTIFIER_EVERY     seconds between two looks
#   NOTIFIER_TIMEOUT   seconds that a receiver has for an answer
#   NOTIFIER_STATE     the ConfigMap that holds what was told, over restarts
#   NOTIFIER_CLUSTER   what the cluster is called, in messages; it may be empty
#   NOTIFIER_ROUTES    the directory with the files `channels` and `routes`, in columns between tabs:
#     channels   CHANNEL KIND PROXY CA SIGNED   KIND is slack, webhook or ping; PROXY is a URL, and CA a file; SIGNED is yes; each may be - for none
#     routes     SERIES CHANNEL OUTCOMES OPERATIONS   OUTCOMES are failure, recovery, success, start, between commas. OPERATIONS is a list
#                of them, too, or *
#   NOTIFIER_ADDRESSES   the directory in which each channel has a directory of its name, with the file `url`, and `key` to sign with
#   NAMESPACE          whose jobs it looks at
#   MADE_FOR_NAMESPACE the namespace that it was synthesized for, where that is known: it does not speak for a copy
#   TOOLS              where kubectl is
#
# In $SCRATCH are
#   state/told     UID PHASE CHANNEL: what need not be told again. PHASE is start, stuck or end
#   state/since    SERIES CHANNEL TIME: what ended before is of no interest to a channel
#   state/last     CRONJOB TIME UID OUTCOME: how the last job of each has ended
#   queue/CHANNEL/ITEM, done/CHANNEL/ITEM   messages that are to be told, and those that were. ITEM is TIME_UID_PHASE_JOB
#   failing/CHANNEL   why it could not be told what it was to be told last
# A message goes again when the pod is killed between the receiver's answer and the note of it, and does not get lost: receivers know it by its id.
set -eu
umask 077
export LC_ALL=C.UTF-8 TZ=UTC HOME="$SCRATCH" TMPDIR="$SCRATCH" PATH="$TOOLS:$PATH"
cd "$SCRATCH"
# shellcheck source=lib/shell/lib/outcome.sh
. "$BACKUP_HOME/shell/outcome.sh"

beat() { cut -d . -f 1 /proc/uptime >"$SCRATCH/$1"; }
# A signal is heard at once, and not when the time is over.
nap() { sleep "$1" & wait "$!" || :; }
# What is being told is told, and written down, before it ends.
# shellcheck disable=SC2317 # called by the trap
stop() {
  trap '' TERM INT
  : >stopping
  [ -z "$look" ] || kill "$look" 2>/dev/null || :
  wait
  sh "$BACKUP_HOME/notifier/look.sh" save || :
  exit 0
}
look=
trap stop TERM INT

[ "${MADE_FOR_NAMESPACE:-$NAMESPACE}" = "$NAMESPACE" ] || {
  log "REFUSED: this was made for the namespace $MADE_FOR_NAMESPACE, and is a copy in $NAMESPACE: receivers would take what becomes of the copy for production's. Nothing is told"
  exit 78
}

mkdir -p state queue/event done/event failing
rm -rf running stopping
mkdir running
beat beat

# Each channel has a process of its own: one whose receiver hangs holds up no other, and no look.
deliver() {
  { cut -f 1 "$NOTIFIER_ROUTES/channels" && echo event; } | while read -r channel; do
    mkdir -p "queue/$channel" "done/$channel"
    [ -n "$(ls "queue/$channel")" ] || continue
    echo "$channel"
  done >channels.waiting
  while read -r channel <&6; do
    [ ! -e "running/$channel" ] || ! kill -0 "$(cat "running/$channel")" 2>/dev/null || continue
    sh "$BACKUP_HOME/notifier/deliver.sh" "$channel" </dev/null 6<&- &
    echo "$!" >"running/$channel"
  done 6<channels.waiting
}

log "looking at the jobs of $NAMESPACE every $NOTIFIER_EVERY s"
while :; do
  begun=$(cut -d . -f 1 /proc/uptime)
  sh "$BACKUP_HOME/notifier/look.sh" </dev/null &
  look=$!
  ! wait "$look" || beat looked
  look=
  beat beat
  deliver
  while [ $(($(cut -d . -f 1 /proc/uptime) - begun)) -lt "$NOTIFIER_EVERY" ]; do
    nap 1
    beat beat
    [ -z "$(find "done" -type f)" ] || sh "$BACKUP_HOME/notifier/look.sh" save || :
  done
done
