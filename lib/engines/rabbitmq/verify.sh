#!/bin/sh
# Starts a broker of its own from the recovery point, reachable in this container only, and compares what it then exports.
#
# environment, beside rabbitmq.sh's:
#   DEFINITION_PLUGINS   names with commas: what definitions of plug-ins need to be understood (ENABLED_PLUGINS is RabbitMQ's own word)
set -eu
# shellcheck source=lib/engines/rabbitmq/rabbitmq.sh
. "$BACKUP_HOME/engine/rabbitmq.sh"
# shellcheck source=lib/shell/lib/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"

broker=$SCRATCH/broker
# A retried container finds what the last one left.
rm -rf "$broker"
mkdir "$broker"
restore_started=$(date +%s)
fetch definitions.json "$broker/exported.json"
# A shovel or an upstream that still knew its way would take messages from production, and this broker throws them away.
attempt 'disabling shovels and upstreams' definitions still "$broker/exported.json" "$broker/definitions.json"

# As the definitions came from the management interface, so they are brought back and looked at through it. It, and what Erlang
# itself needs, are on the loopback interface; clients find no listener.
MANAGEMENT_URL=http://127.0.0.1:15672 TLS_AUTHORITY=
MANAGEMENT_USERNAME=scratch-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n') MANAGEMENT_PASSWORD=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
export MANAGEMENT_URL TLS_AUTHORITY MANAGEMENT_USERNAME MANAGEMENT_PASSWORD
cat >"$broker/rabbitmq.conf" <<CONF
listeners.tcp = none
management.tcp.ip = 127.0.0.1
management.tcp.port = 15672
default_user = $MANAGEMENT_USERNAME
default_pass = $MANAGEMENT_PASSWORD
CONF
printf '[%s].\n' "rabbitmq_management${DEFINITION_PLUGINS:+,$DEFINITION_PLUGINS}" >"$broker/enabled_plugins"
export HOME="$broker" RABBITMQ_NODENAME=scratch@localhost RABBITMQ_CONFIG_FILE="$broker/rabbitmq.conf" RABBITMQ_CONFIG_FILES="$broker/conf.d"
export RABBITMQ_ENABLED_PLUGINS_FILE="$broker/enabled_plugins" RABBITMQ_MNESIA_BASE="$broker/mnesia" RABBITMQ_FEATURE_FLAGS_FILE="$broker/feature_flags"
export RABBITMQ_LOG_BASE="$broker/log" RABBITMQ_LOGS=- RABBITMQ_GENERATED_CONFIG_DIR="$broker/generated" RABBITMQ_PID_FILE="$broker/pid"
export ERL_EPMD_ADDRESS=127.0.0.1 RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
rabbitmq-server >"$broker/output" 2>&1 &
server=$!
trap 'kill -KILL "$server" 2>/dev/null || :' EXIT
start_until=$(($(date +%s) + 300))
until definitions ready 5 2>"$SCRATCH/ready.err"; do
  kill -0 "$server" 2>/dev/null || {
    wait "$server" && server_rc=0 || server_rc=$?
    die "the scratch broker did not start: $(last_words "$broker/output" "$server_rc")"
  }
  [ "$(date +%s)" -lt "$start_until" ] || die "the scratch broker did not answer within 300 s: $(last_words "$SCRATCH/ready.err" 1)"
done
attempt 'importing the definitions' definitions import "$broker/definitions.json"
outcome restoreSeconds "$(($(date +%s) - restore_started))"

attempt 'exporting the definitions of the scratch broker' definitions export "$broker/found.json"
facts_of "$broker/definitions.json" "$broker/found.json" exact
compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"
log 'every object matches the recovery point'

# Asked last: an assertion is the user's own statement, and may do anything to this broker.
ask() { # VIRTUAL-HOST: what rabbitmqctl is to list, and of which column; the lines of the answer, joined by spaces
  read -r question
  # What lists something of the whole broker knows no virtual host.
  [ "$1" != / ] || set --
  # shellcheck disable=SC2086 # words for rabbitmqctl
  asked=$(rabbitmqctl --quiet --no-table-headers ${1:+--vhost "$1"} ${question%;}) || return 1
  printf '%s' "$asked" | tr '\n' ' '
}
check_assertions ask
