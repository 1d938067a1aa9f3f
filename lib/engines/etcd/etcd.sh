# shellcheck shell=sh
# What the scripts of this engine share.
#
# environment:
#   SERVER_URL                                          the server: https://etcd:2379; neither this nor the others in a verification
#   CLIENT_CA_FILE, CLIENT_CERT_FILE, CLIENT_KEY_FILE   for a server with TLS
#   CLIENT_USERNAME, CLIENT_PASSWORD                    for a server with users
#
# Steps before the scripts leave in $SCRATCH: what examine.sh has found, snapshot.db, and beside the scripts a scratch server runs over what was restored from
# it. It listens on the socket client:0 alone, because a control plane's jobs share their node's network and its loopback.
#
# A recovery point has one member, snapshot.db, with the server's own SHA-256 at its end. Its facts:
#   revision   of the snapshot
#   keys       at that revision
#   hash       etcd's own hash of all keys up to that revision, with their history since the last compaction; or
#   content    where that cannot be asked over HTTP (before 3.5.10), the beginning of a SHA-256 of all keys at that revision
# A server with users tells its content to none but them, and a verification has no credentials: neither hash nor content then.
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

# The server.
live() { # PATH CURL-ARGUMENTS...
  live_path=$1
  shift
  curl --disable --silent --show-error --max-time 15 ${CLIENT_CA_FILE:+--cacert "$CLIENT_CA_FILE"} \
    ${CLIENT_CERT_FILE:+--cert "$CLIENT_CERT_FILE" --key "$CLIENT_KEY_FILE"} "$@" "$SERVER_URL$live_path"
}

# Makes $SCRATCH/authorization, a header for those who are known to the server; empty where nobody has to be. A password is no
# argument: it goes in a file.
log_in() {
  (umask 077; : >"$SCRATCH/authorization")
  [ -n "${CLIENT_USERNAME:-}" ] || return 0
  printf '{"name":%s,"password":%s}' "$(json_string "$CLIENT_USERNAME")" "$(json_string "$CLIENT_PASSWORD")" >"$SCRATCH/login"
  login_code=$(live /v3/auth/authenticate --data "@$SCRATCH/login" --output "$SCRATCH/login.answer" --write-out '%{http_code}') || return 1
  rm -f "$SCRATCH/login"
  # A server without the JSON gateway is asked by etcdctl alone, which will say the same.
  case $login_code in
    200) sed 's/.*"token": *"\([^"]*\)".*/Authorization: \1/' "$SCRATCH/login.answer" >"$SCRATCH/authorization" ;;
    404 | 501) ;;
    *) echo "error: $(error_in "$SCRATCH/login.answer")" >&2; return 1 ;;
  esac
  rm -f "$SCRATCH/login.answer"
}

# ---- the scratch server -------------------------------------------------------------------------------------------
scratch() { # PATH [BODY]: its answer, also when it is an error
  scratch_path=$1
  shift
  curl --disable --silent --show-error --fail-with-body --max-time 600 --unix-socket "$SCRATCH/client:0" ${1:+--data "$1"} "http://scratch$scratch_path"
}

error_in() { sed -n 's/.*"message": *"\([^"]*\)".*/\1/p' "$1"; } # FILE

number_in() { # FILE FIELD: 0 where it is left out, as JSON gateways do with what is 0
  number=$(sed -n "s/.*\"$2\": *\"\{0,1\}\([0-9]*\).*/\1/p" "$1")
  printf %s "${number:-0}"
}

# How long it takes is how long a server takes to come up over this data: minutes, where it is gigabytes.
wait_for_scratch_server() {
  scratch_until=$(($(date +%s) + 600))
  until scratch '/health?exclude=NOSPACE' 2>"$SCRATCH/scratch.err" >"$SCRATCH/health" && grep -q '"health": *"true"' "$SCRATCH/health"; do
    [ "$(date +%s)" -lt "$scratch_until" ] ||
      die "the scratch server is not healthy: $(cat "$SCRATCH/health" 2>/dev/null) $(last_words "$SCRATCH/scratch.err" 1); $(said_by_scratch_server)"
    sleep 0.2
  done
}

# Its last words; what else is in a line of its log may be a key.
said_by_scratch_server() { tail -n 1 "$SCRATCH/etcd.log" 2>/dev/null | sed -n 's/.*"msg":"\([^"]*\)".*/\1/p'; }

metrics() { scratch /metrics >"$SCRATCH/metrics" || die 'the scratch server does not give its metrics'; }
metric() { awk -v name="$1" '$1 == name { printf "%.0f", $2 }' "$SCRATCH/metrics"; } # NAME

# Being its cluster's leader the scratch server lets leases run out, and with them their keys: from then on the newest revision is its
# own and not the snapshot's. Since 3.5 it says when it starts which one it has found.
found_revision() { sed -n 's/.*"msg":"kvstore restored".*"current-rev":\([0-9]*\).*/\1/p' "$SCRATCH/etcd.log" 2>/dev/null | head -n 1; }

# Asked after what must be as it was in the snapshot.
check_leases() {
  metrics
  [ "$(metric etcd_debugging_lease_revoked_total)" = 0 ] ||
    die 'leases of the snapshot expired in the scratch server before it was checked: this pod was too slow'
}

# Notes the facts of what the scratch server holds at a revision; without one, at that of the snapshot.
note_facts() { # [REVISION]
  at_revision=${1:-$(found_revision)}
  range="\"key\":\"AA==\",\"range_end\":\"AA==\",\"revision\":${at_revision:-0}"
  if scratch /v3/kv/range "{$range,\"count_only\":true}" >"$SCRATCH/range" 2>"$SCRATCH/range.err"; then
    revision=${at_revision:-$(number_in "$SCRATCH/range" revision)}
    keys=$(number_in "$SCRATCH/range" count)
    [ -n "$at_revision" ] || check_leases
    if scratch /v3/maintenance/hashkv "{\"revision\":$revision}" >"$SCRATCH/hash" 2>"$SCRATCH/hash.err"; then
      fact hash "$(number_in "$SCRATCH/hash" hash)"
    else
      grep -q 'Not Found' "$SCRATCH/hash" || die "the scratch server does not give the hash of its content: $(error_in "$SCRATCH/hash")$(last_words "$SCRATCH/hash.err" 1)"
      fact content "$(content_at "$revision")"
    fi
  else
    case $(error_in "$SCRATCH/range") in
      *'user name is empty'* | *'permission denied'*) ;;
      *) die "the keys of the scratch server cannot be read: $(error_in "$SCRATCH/range")$(last_words "$SCRATCH/range.err" 1)" ;;
    esac
    check_leases
    revision=$(metric etcd_debugging_mvcc_current_revision)
    keys=$(metric etcd_debugging_mvcc_keys_total)
    [ -n "$revision$keys" ] || die 'the scratch server has users, and does not report how many keys it holds'
    log 'the server has users: the content is proven by the checksum of the snapshot, and by the number of keys and the revision'
  fi
  fact revision "$revision"
  fact keys "$keys"
}

# A number that stands for all keys and values at a revision. In pages: a server makes each answer in memory.
content_at() { # REVISION
  next=AA==
  rm -f "$SCRATCH/pages" "$SCRATCH/page.failed"
  page_size=1000
  while :; do
    scratch /v3/kv/range "{\"key\":\"$next\",\"range_end\":\"AA==\",\"revision\":$1,\"limit\":$page_size}" >"$SCRATCH/page" || { : >"$SCRATCH/page.failed"; break; }
    # A line per key: base64 has no braces.
    tr '{' '\n' <"$SCRATCH/page" | sed -n '/^"key"/s/}.*//p' >"$SCRATCH/page.keys"
    sha256sum <"$SCRATCH/page.keys" >>"$SCRATCH/pages"
    [ "$(wc -l <"$SCRATCH/page.keys")" -eq "$page_size" ] || break
    next=$({ sed -n '$s/^"key": *"\([^"]*\)".*/\1/p' "$SCRATCH/page.keys" | base64 -d; printf '\000'; } | base64 | tr -d '\n')
  done
  [ ! -e "$SCRATCH/page.failed" ] || die "the keys of the scratch server cannot be read: $(error_in "$SCRATCH/page")"
  printf %d "0x$(sha256sum <"$SCRATCH/pages" | cut -c 1-13)"
  rm -f "$SCRATCH/page" "$SCRATCH/page.keys"
}
