# shellcheck shell=sh disable=SC2154 # variables of repository.sh
# The keys of a restic repository: each password is one, and each opens all of it. For shell/add-key.sh and shell/remove-key.sh.
# (restic's documentation, "Manage repository keys".)

# What `repository_key_of` ends with where a password opens nothing, and nothing else was wrong.
# shellcheck disable=SC2034 # for those who ask
NO_SUCH_KEY=12

# The id of the key that a password opens the repository with, from the list that restic itself marks.
repository_key_of() { # PASSWORD-FILE
  [ -s "$1" ] || because "the password is not mounted at $1, or it is empty: check the Secret" || return 1
  restic_run key list --json --password-file "$1" >"$SCRATCH/restic.keys" || return "$restic_rc"
  key_id=$(sed 's/},{/},\n{/g' "$SCRATCH/restic.keys" | sed -n 's/.*"current":true,"id":"\([0-9a-f]*\)".*/\1/p')
  [ -n "$key_id" ] || because 'restic did not report which key is in use' || return 1
  key_count=$(grep -o '"id":' "$SCRATCH/restic.keys" | wc -l | tr -d ' ')
  printf '%s %s\n' "$key_id" "$key_count"
}

repository_add_key() { # PASSWORD-FILE
  restic_run key add --host "$SERIES" --new-password-file "$1" >&2
}

repository_remove_key() { # ID
  restic_run key remove "$1" >&2
}
