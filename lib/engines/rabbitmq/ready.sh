#!/bin/sh
# Exit 0 when the broker answers, with the credentials the job will use.
set -eu
# shellcheck source=lib/engines/rabbitmq/rabbitmq.sh
. "$BACKUP_HOME/engine/rabbitmq.sh"
definitions ready
