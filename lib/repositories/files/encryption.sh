# shellcheck shell=sh disable=SC2030,SC2031 # every run of gpg has its home in a shell of its own
# Encryption of what a repository of plain files holds: compressed first, then encrypted, in one stream.
#
# environment:
#   ENCRYPTION        how new members are encrypted: age, gpg or gpg-symmetric; empty or unset: they are not
#   RECIPIENTS        who can read them: public keys of age, or fingerprints of gpg, one a word
#   RECIPIENTS_PATH   a directory with the recipients' public keys: `recipients` for age, *.asc for gpg
#   DECRYPTION_PATH   a directory with a directory for each key that opens members: age-*, gpg-*, symmetric-*, in each the file
#                     `key`; the passphrase of a gpg key is below ${DECRYPTION_PATH}-passphrase. Unset in jobs that only write
#
# An encrypted recovery point shows nobody what is in it. Its files are numbered, and have neither the names of members nor facts:
#   manifest.json     when, of which series and engine, how much, and what it builds on
#   facts.age         the whole manifest, with the members' names, each with the number of its file
#   001.zst.age ...   the members
#   recipients.txt    how it is encrypted, and to whom
# One that was encrypted anew has .rN in the names of its files. SHA256SUMS says which files count.

: "${ENCRYPTION:=}" "${RECIPIENTS:=}" "${DECRYPTION_PATH:=}"

case $ENCRYPTION in
  age) encryption_suffix=.age ;;
  gpg | gpg-symmetric) encryption_suffix=.gpg ;;
  *) encryption_suffix= ;;
esac

# Names a failure that comes again however often it is tried: lib.sh's `die` ends with 78 for it.
hopeless() { printf '%s' "$*" >"$SCRATCH/repository.hopeless"; because "$@"; }

# Runs gpg without an agent that outlives it, and with a home that is gone afterwards. Nothing is asked of anybody.
gpg_run() { # ARGUMENTS...
  (
    GNUPGHOME=$(mktemp -d "$SCRATCH/gpg.XXXXXX") || exit 2
    gpg_at_home "$@" && gpg_rc=0 || gpg_rc=$?
    rm -rf "$GNUPGHOME"
    exit "$gpg_rc"
  )
}

gpg_at_home() { # ARGUMENTS...
  export GNUPGHOME
  gpg --batch --no-tty --quiet --no-options --no-auto-check-trustdb --pinentry-mode loopback "$@" && home_rc=0 || home_rc=$?
  [ ! -e "$GNUPGHOME/S.gpg-agent" ] || gpgconf --homedir "$GNUPGHOME" --kill all >/dev/null 2>&1 || :
  return "$home_rc"
}

# The home with a private key stays as long as the pod: what protects the key is slow on purpose the first time.
gpg_with_key() { # KEY-DIRECTORY ARGUMENTS...
  (
    GNUPGHOME=$SCRATCH/${1##*/}.home
    gpg_key=$1/key
    shift
    if [ ! -d "$GNUPGHOME" ]; then
      { mkdir -m 700 "$GNUPGHOME" && gpg_at_home --import "$gpg_key" </dev/null; } || { rm -rf "$GNUPGHOME"; exit 2; }
    fi
    gpg_at_home "$@"
  )
}

encrypt() { # from stdin to stdout
  case $ENCRYPTION in
    age) age --recipients-file "$RECIPIENTS_PATH/recipients" ;;
    gpg)
      set --
      for encrypt_to in "$RECIPIENTS_PATH"/*.asc; do set -- "$@" --recipient-file "$encrypt_to"; done
      # What is compressed already is not compressed again.
      gpg_run --trust-model always --cipher-algo AES256 --compress-algo none "$@" --encrypt
      ;;
    gpg-symmetric)
      # The count is the largest there is: a passphrase is guessed the more slowly.
      gpg_run --passphrase-file "$(own_passphrase)" --cipher-algo AES256 --compress-algo none \
        --s2k-mode 3 --s2k-digest-algo SHA512 --s2k-cipher-algo AES256 --s2k-count 65011712 --symmetric
      ;;
    *) cat ;;
  esac
}

# The passphrase of new members; those that only older ones have come after it.
own_passphrase() { printf '%s' "$DECRYPTION_PATH/symmetric-0/key"; }

decrypt() { # KEY-DIRECTORY, from stdin to stdout
  case ${1##*/} in
    age-*) age --decrypt --identity "$1/key" ;;
    gpg-*)
      decrypt_passphrase=${1%/*}-passphrase/${1##*/}/key
      if [ -s "$decrypt_passphrase" ]; then
        gpg_with_key "$1" --passphrase-file "$decrypt_passphrase" --decrypt
      else
        gpg_with_key "$1" --decrypt
      fi
      ;;
    symmetric-*) gpg_run --passphrase-file "$1/key" --decrypt ;;
  esac
}

# Looks before anything is dumped whether it could be encrypted.
encryption_ready() {
  case $ENCRYPTION in
    '') return 0 ;;
    age)
      command -v age >/dev/null || hopeless 'age is not in this pod: the image of Encryption.age has no /usr/bin/age. Choose an image that has it' || return 1
      [ -s "$RECIPIENTS_PATH/recipients" ] || hopeless 'the file with the recipients of the encryption is not mounted' || return 1
      ;;
    gpg) has_gpg || return 1 ;;
    gpg-symmetric)
      has_gpg || return 1
      grep -q . "$(own_passphrase)" 2>/dev/null || hopeless 'the passphrase of the encryption is missing or empty: fill in the Secret that Encryption.gpgSymmetric names' || return 1
      ;;
  esac
  # What is said here is said of keys and not of data.
  echo probe | encrypt 2>"$SCRATCH/encryption.err" >"$SCRATCH/encryption.probe" ||
    hopeless "nothing can be encrypted ($ENCRYPTION, to ${RECIPIENTS:-a passphrase}): $(last_words "$SCRATCH/encryption.err" 1)"
}
has_gpg() { command -v gpg >/dev/null || hopeless 'this image has no gpg: choose another image of the engine, or Encryption.age'; }

# ---- reading ----------------------------------------------------------------------------------------------------------
is_encrypted() { grep -q '  facts\.' "$1/SHA256SUMS" 2>/dev/null; } # POINT-DIRECTORY

# The line of SHA256SUMS for a numbered file, or for `facts` or `recipients`.
entry_of() { awk -v key="$2" '{ split($2, part, "."); if (part[1] == key) print }' "$1/SHA256SUMS"; } # POINT-DIRECTORY KEY

# Jobs that make recovery points have no use for facts, and do without the key even where they have it.
reads_facts() {
  case ${OPERATION:-} in backup | archive | follow) return 1 ;; *) [ -n "$DECRYPTION_PATH" ] ;; esac
}

encrypted_to() { # POINT-DIRECTORY: in words
  to_entry=$(entry_of "$1" recipients)
  to_file=$1/${to_entry#*  }
  to_list=$(sed 1d "$to_file" 2>/dev/null | tr '\n' ' ' | sed 's/ $//')
  case $(head -n 1 "$to_file" 2>/dev/null) in
    age) printf 'with age to %s' "$to_list" ;;
    gpg) printf 'with gpg to %s' "$to_list" ;;
    gpg-symmetric) printf 'with gpg and a passphrase' ;;
    *) printf 'to unknown recipients' ;;
  esac
}

# Finds out which key opens a file of a recovery point; it leaves its directory in $opened_by, and what was in the file in OUTPUT.
open_with_any_key() { # FILE OUTPUT
  opened_by=
  : >"$SCRATCH/opened.err"
  for open_key in "$DECRYPTION_PATH"/*; do
    case $1:${open_key##*/} in *.age:age-* | *.gpg:gpg-* | *.gpg:symmetric-*) ;; *) continue ;; esac
    if [ ! -s "$open_key/key" ]; then
      echo 'no key is mounted: the Secret, or its key, does not exist or is empty' >>"$SCRATCH/opened.err"
    elif decrypt "$open_key" <"$1" >"$2" 2>>"$SCRATCH/opened.err"; then
      opened_by=$open_key
      return 0
    fi
  done
  rm -f "$2"
  return 1
}

# Leaves the whole manifest of an encrypted recovery point in $SCRATCH/opened/ID, and the key that opened it beside it.
open_facts() { # ID
  [ ! -s "$SCRATCH/opened/$1.key" ] || return 0
  # shellcheck disable=SC2154 # series_path is repository.sh's
  facts_point=$series_path/$1
  mkdir -p "$SCRATCH/opened"
  facts_entry=$(entry_of "$facts_point" facts)
  facts_file=${facts_entry#*  }
  intact "$1" "$facts_entry" || return 1
  [ -n "$DECRYPTION_PATH" ] ||
    hopeless "recovery point $1 is encrypted $(encrypted_to "$facts_point"), and this job has no key" || return 1
  open_with_any_key "$facts_point/$facts_file" "$SCRATCH/opened/$1" ||
    hopeless "no key of this job opens recovery point $1, which is encrypted $(encrypted_to "$facts_point"). Put a matching key into the Secret that the repository's encryption names, or give the repository the old key in previousEncryptions. ($(last_words "$SCRATCH/opened.err" 1))" ||
    return 1
  printf '%s\n' "$opened_by" >"$SCRATCH/opened/$1.key"
}

intact() { # ID LINE-OF-SHA256SUMS
  intact_file=${2#*  }
  [ -n "$2" ] || because "SHA256SUMS of recovery point $1 lacks a file: it is damaged" || return 1
  [ -e "$series_path/$1/$intact_file" ] || because "recovery point $1 lacks its file $intact_file" || return 1
  printf '%s\n' "$2" | (cd "$series_path/$1" && sha256sum -c) >/dev/null 2>&1 ||
    because "recovery point $1 is damaged: $intact_file does not match its checksum (truncated, or changed after it was written)"
}

get_encrypted() { # ID NAME: to stdout, only when the file is intact; 141 when the reader of it went away
  open_facts "$1" || return 1
  [ "$2" != manifest.json ] || { cat "$SCRATCH/opened/$1"; return; }
  get_number=$(manifest_members "$SCRATCH/opened/$1" | awk -F '\t' -v name="$2" '$1 == name { sub(/^file:/, "", $3); print $3 }')
  [ -n "$get_number" ] || because "recovery point $1 has no member $2" || return 1
  get_entry=$(entry_of "$series_path/$1" "$get_number")
  intact "$1" "$get_entry" || return 1
  get_file=${get_entry#*  }
  get_key=$(cat "$SCRATCH/opened/$1.key")
  # Nothing is noted in the scratch volume, which may be full: how the two ended comes by a descriptor of its own.
  {
    get_ends=$({ { decrypt "$get_key" 3>&- || printf 'decrypt:%s ' $? >&3; } <"$series_path/$1/$get_file" |
      { expand_file "$get_file" >&4 3>&- || printf 'expand:%s ' $? >&3; }; } 3>&1)
  } 4>&1
  case $get_ends in
    '') ;;
    *expand:141*) return 141 ;;
    *decrypt:*) because "$2 of recovery point $1 ($get_file) cannot be decrypted" ;;
    *) because "$2 of recovery point $1 ($get_file) cannot be read" ;;
  esac
}

expand_file() { # FILE-NAME, from stdin to stdout: the compression is the one in force when the recovery point was made
  case $1 in
    *.zst | *.zst.age | *.zst.gpg) zstd -qdc ;;
    *.gz | *.gz.age | *.gz.gpg) gzip -dc ;;
    *) cat ;;
  esac
}

# ---- writing ----------------------------------------------------------------------------------------------------------
# What everybody may see of a manifest: neither what was counted, nor what is called how.
public_manifest() { # FILE
  awk '
    /^}/ { hidden = 0 }
    hidden { next }
    /^"engine":/ { print; print "\"encryption\":\"'"$ENCRYPTION"'\","; next }
    /^"(about|facts)":\{$/ { print; hidden = 1; next }
    /^\{"name":/ {
      match($0, /"digest":"file:[0-9]+"/)
      sub(/"name":"[^"]*"/, "\"name\":\"" substr($0, RSTART + 15, RLENGTH - 16) "\"")
    }
    { print }' "$1"
}

recipients_text() { # what recipients.txt says of what is encrypted now
  printf '%s\n' "$ENCRYPTION"
  # shellcheck disable=SC2086 # one a word
  [ -z "$RECIPIENTS" ] || printf '%s\n' $RECIPIENTS | LC_ALL=C sort
}

# Writes what an encrypted recovery point has beside its members, and notes it in SHA256SUMS.
put_facts() { # DIRECTORY MANIFEST
  encrypt <"$2" >"$1/facts$encryption_suffix" && recipients_text >"$1/recipients.txt" && public_manifest "$2" >"$1/manifest.json" &&
    (cd "$1" && sha256sum "facts$encryption_suffix" recipients.txt >>SHA256SUMS) && durable "$1/facts$encryption_suffix" "$1/recipients.txt"
}
