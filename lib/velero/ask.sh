# shellcheck shell=sh
# What Velero's objects say, field by field.

# Reads fields of an object, for `answer`. Fails when it is not there; ends the run when it cannot be asked.
ask() { # RESOURCE NAME FIELDS: JSONPath, with | between them
  ! api get "$1" "$2" -o "jsonpath=$3" >"$SCRATCH/answer" || return 0
  ! not_found || return 1
  ! grep -q "doesn't have a resource type" "$SCRATCH/api.err" ||
    die "the cluster knows no $1: install Velero, with \`velero install\` or its Helm chart"
  die "$1 $2 cannot be read: $(api_reason)"
}

# One of them; empty where it is not said.
answer() { cut -d '|' -f "$1" "$SCRATCH/answer" | head -n 1; } # NUMBER
