#!/bin/sh
# Tells one channel what waits in its queue, each message once in a while until it is taken, or too old.
#
# usage: deliver.sh CHANNEL
#
# Nothing that a receiver says is believed or written down but a number, and no address of one: it is a secret.
set -eu
# shellcheck source=lib/shell/lib/outcome.sh
. "$BACKUP_HOME/shell/outcome.sh"
# shellcheck source=lib/observability/notifier/sign.sh
. "$BACKUP_HOME/notifier/sign.sh"
cd "$SCRATCH"
channel=$1
work=running/$channel.work
rm -rf "$work"
mkdir -p "$work" tries
case $channel in
  event)
    # It writes a configuration for kubectl, which the one of a look may be reading.
    scratch=$SCRATCH SCRATCH=$SCRATCH/$work
    # shellcheck source=lib/kubernetes/kubectl/api.sh
    . "$BACKUP_HOME/api/api.sh"
    SCRATCH=$scratch
    kind=event
    ;;
  *)
    column() { awk -F '\t' -v channel="$channel" -v column="$1" '$1 == channel { print $column }' "$NOTIFIER_ROUTES/channels"; }
    kind=$(column 2) proxy=$(column 3) authorities=$(column 4) signed=$(column 5)
    ;;
esac
# A message is given up after a day, and is asked for no more often than that.
: "${NOTIFIER_GIVE_UP:=86400}" "${NOTIFIER_FIRST_WAIT:=10}" "${NOTIFIER_LONGEST_WAIT:=900}"

# Each of these sets why, and says by its exit code what became of it: 0 taken, 1 not now, 2 never, 3 the receiver cannot be reached.
tell() { # FILE
  case $kind in
    event) tell_event "$1" ;;
    slack | webhook | ping) tell_receiver "$1" ;;
    *) why='no channel is called so any more' && return 2 ;;
  esac
}

tell_event() {
  kubectl --request-timeout="${API_LIMIT}s" create --validate=false -f "$1" >/dev/null 2>"$work/err" && return 0
  ! grep -q '(AlreadyExists)' "$work/err" || return 0
  why=$(kubectl_reason "$work/err")
  ! grep -qE '\((Invalid|BadRequest)\)|is invalid' "$work/err" || return 2
  ! unreachable "$work/err" || return 3
  return 1
}

secret() { # NAME: what the Secret says, without the line breaks that editors leave
  tr -d '\r\n' <"$NOTIFIER_ADDRESSES/$channel/$1" 2>/dev/null
}

tell_receiver() { # FILE
  url=$(secret url) || url=
  [ -n "$url" ] || { why="its Secret, or the key with its address, is not there"; return 3; }
  case $url in
    https://[!/]*) ;;
    *) why='its address does not begin with https://: nothing is told in the clear'; return 3 ;;
  esac
  # Within a configuration of curl these would be more than an address.
  case $url in *[!A-Za-z0-9._~:/?#@!\$\&\'\(\)*+,\;=%\[\]-]*) why='its address holds a character that no address may: see the Secret'; return 3 ;; esac
  type='application/json' signature='' body=$1
  case $kind in
    ping)
      url=${url%/}$(head -n 1 "$1")
      sed 1d "$1" >"$work/body"
      type='text/plain; charset=utf-8' body=$work/body
      ;;
    webhook)
      if [ "$signed" = yes ]; then
        [ -s "$NOTIFIER_ADDRESSES/$channel/key" ] || { why='the key to sign with is not there'; return 3; }
        time=$(date +%s)
        signature=$({ printf '%s.' "$time" && cat "$1"; } | sign secret key)
      fi
      ;;
  esac
  set --
  [ "$authorities" = - ] || set -- --cacert "$authorities"
  [ "$proxy" = - ] || set -- "$@" --proxy "$proxy"
  rm -f "$work/headers"
  # A redirection is not followed: it would take the message, and what is in the address, elsewhere.
  answer=$({
    printf 'url = "%s"\nheader = "Content-Type: %s"\n' "$url" "$type"
    [ -z "$signature" ] || printf 'header = "X-Backup-Timestamp: %s"\nheader = "X-Backup-Signature: sha256=%s"\n' "$time" "$signature"
  } | curl -q --config - --silent --globoff --proto =https --tlsv1.2 --max-redirs 0 --connect-timeout 10 --max-time "$NOTIFIER_TIMEOUT" \
    --user-agent cdk8s-backup-notifier --data-binary "@$body" --dump-header "$work/headers" --output /dev/null --write-out '%{http_code}' "$@" 2>/dev/null) && rc=0 || rc=$?
  case $rc in
    0) ;;
    1 | 3) why='its address is none that begins with https://'; return 3 ;;
    5) why='the host of its proxy cannot be resolved'; return 3 ;;
    6) why='its host cannot be resolved'; return 3 ;;
    7) why='its host, or the proxy, takes no connection; if it is up, a NetworkPolicy may keep this pod from it'; return 3 ;;
    28) why="it did not answer within $NOTIFIER_TIMEOUT s"; return 3 ;;
    35 | 58 | 59 | 66 | 83 | 90 | 91) why='TLS cannot be agreed on with it'; return 3 ;;
    60 | 77) why='its certificate is signed by nobody who is trusted: name its authorities in caCertificates'; return 3 ;;
    56 | 97) why='it, or the proxy, broke off'; return 3 ;;
    *) why="curl ended with exit code $rc"; return 3 ;;
  esac
  why="it answered with the status $answer"
  case $answer in
    2??) return 0 ;;
    400 | 413 | 414 | 422) return 2 ;;
    3??) why="$why, a redirection, which is not followed: write the address that it leads to into the Secret" ;;
  esac
  return 1
}

asked_to_wait() { sed -n 's/^[Rr][Ee][Tt][Rr][Yy]-[Aa][Ff][Tt][Ee][Rr]: *\([0-9]\{1,4\}\)[^0-9]*$/\1/p' "$work/headers" 2>/dev/null | tail -n 1; }

finish() { # ITEM
  mkdir -p "done/$channel"
  mv "queue/$channel/$1" "done/$channel/$1"
  rm -f "tries/$channel.$1"
}

for path in "queue/$channel"/*; do
  [ -e "$path" ] || continue
  [ ! -e stopping ] || break
  item=${path##*/}
  now=$(date +%s)
  count=0 next=0 first=$now
  [ ! -e "tries/$channel.$item" ] || read -r count next first <"tries/$channel.$item"
  # A clock that was set back is no reason to wait.
  [ "$now" -ge "$next" ] || [ $((next - now)) -gt 7200 ] || continue
  tell "$path" && rc=0 || rc=$?
  job=${item##*_}
  if [ "$rc" = 0 ]; then
    log "$channel is told of $job"
    rm -f "failing/$channel"
    finish "$item"
    continue
  fi
  # Its age says for how long the channel fails.
  [ -e "failing/$channel" ] || : >"failing/$channel"
  count=$((count + 1))
  if [ "$rc" = 2 ] || [ $((now - first)) -ge "$NOTIFIER_GIVE_UP" ]; then
    log "ERROR: $channel is not told of $job, which is given up: $why"
    finish "$item"
    continue
  fi
  wait=$NOTIFIER_FIRST_WAIT
  doubled=1
  while [ "$doubled" -lt "$count" ] && [ "$wait" -lt "$NOTIFIER_LONGEST_WAIT" ]; do
    wait=$((wait * 2))
    doubled=$((doubled + 1))
  done
  [ "$wait" -le "$NOTIFIER_LONGEST_WAIT" ] || wait=$NOTIFIER_LONGEST_WAIT
  asked=$( [ "$kind" = event ] || asked_to_wait)
  [ -z "$asked" ] || [ "$asked" -le "$wait" ] || wait=$asked
  [ "$wait" -le 3600 ] || wait=3600
  echo "$count $((now + wait)) $first" >"tries/$channel.$item"
  log "WARNING: $channel is not told of $job yet, for the $count. time: $why. It is tried again in $wait s"
  # What comes after it would wait in vain as long.
  [ "$rc" != 3 ] || break
done
rm -rf "$work"
