#!/bin/sh
# The first process of a pod that does nothing by itself: operations are run in it, by hook.sh. It ends when it is told to.
set -eu
trap 'exit 0' TERM INT
while :; do
  sleep 3600 &
  # Also takes leave of what the runs of hook.sh have left behind.
  wait $! || :
done
