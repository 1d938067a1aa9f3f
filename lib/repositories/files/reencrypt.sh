# shellcheck shell=sh disable=SC2154 # variables of repository.sh and encryption.sh
# Encrypts recovery points anew. For shell/reencrypt.sh.
#
# New files are made beside the old ones, in the recovery point itself, under names with the next .rN. They are decrypted again
# and compared before anything else. Then the new SHA256SUMS takes the old one's place: by one rename the new files count, and the
# old ones do not. Whatever a killed run leaves is in no SHA256SUMS, counts for nobody, and is removed by the next run.

# Prints what the recovery point is: plain, current or other. Fails when that cannot be told.
repository_encryption_of() { # ID
  state_point=$series_path/$1
  is_encrypted "$state_point" || { echo plain; return; }
  state_entry=$(entry_of "$state_point" recipients)
  intact "$1" "$state_entry" || return 1
  # Images without diffutils have no cmp.
  [ "$(recipients_text)" = "$(cat "$state_point/${state_entry#*  }")" ] || { echo other; return; }
  # Of a passphrase, nothing is written down by which it could be known again.
  if [ "$ENCRYPTION" = gpg-symmetric ]; then
    state_facts=$(entry_of "$state_point" facts)
    decrypt "${DECRYPTION_PATH:?}/symmetric-0" <"$state_point/${state_facts#*  }" >/dev/null 2>&1 || { echo other; return; }
  fi
  echo current
}

# Removes what no SHA256SUMS names, unless somebody reads who may have begun when one did.
repository_clear_unlisted() { # ID
  clear_point=$series_path/$1
  lock_readers || return 0
  for clear_file in "$clear_point"/*.age "$clear_point"/*.gpg "$clear_point"/recipients*.txt "$clear_point"/SHA256SUMS.new; do
    [ -e "$clear_file" ] || continue
    grep -qF "  ${clear_file##*/}" "$clear_point/SHA256SUMS" || rm -f "$clear_file"
  done
  unlock_readers
}

repository_reencrypt() { # ID
  re_point=$series_path/$1
  open_facts "$1" || return 1
  re_key=$(cat "$SCRATCH/opened/$1.key")
  re_number=$(awk '{ n = split($2, part, "."); for (i = 2; i <= n; i++) if (part[i] ~ /^r[0-9]+$/ && substr(part[i], 2) + 0 > last) last = substr(part[i], 2) + 0 }
    END { print last + 1 }' "$re_point/SHA256SUMS")
  repository_clear_unlisted "$1"
  : >"$re_point/SHA256SUMS.new"
  : >"$SCRATCH/re.pairs"
  rm -f "$SCRATCH/re.unreadable"
  reencrypt_files "$1" && publish_files "$1" && return 0
  repository_clear_unlisted "$1"
  return 1
}

reencrypt_files() { # ID
  # Facts first: whether anybody here can open what is written shows in a moment.
  awk '$2 ~ /^facts\./' "$re_point/SHA256SUMS" >"$SCRATCH/re.old"
  awk '$2 !~ /^(facts|recipients)\./' "$re_point/SHA256SUMS" >>"$SCRATCH/re.old"
  while read -r re_digest re_file; do
    intact "$1" "$re_digest  $re_file" || return 1
    case $re_file in
      manifest.json) printf '%s  %s\n' "$re_digest" "$re_file" >>"$re_point/SHA256SUMS.new" ;;
      *) reencrypt_file "$1" "$re_file" || return 1 ;;
    esac
  done <"$SCRATCH/re.old"
  {
    recipients_text >"$re_point/recipients.r$re_number.txt" &&
      (cd "$re_point" && sha256sum "recipients.r$re_number.txt" >>SHA256SUMS.new) &&
      durable "$re_point/recipients.r$re_number.txt"
  } || because 'the new recipients.txt cannot be written'
}

reencrypt_file() { # ID FILE
  re_stem=${2%%.*}
  case $2 in
    *.zst.*) re_new=$re_stem.r$re_number.zst$encryption_suffix ;;
    *.gz.*) re_new=$re_stem.r$re_number.gz$encryption_suffix ;;
    *) re_new=$re_stem.r$re_number$encryption_suffix ;;
  esac
  rm -f "$SCRATCH"/re.failed.*
  re_sum=$(
    { decrypt "$re_key" <"$re_point/$2" 2>"$SCRATCH/re.failed.err" || : >"$SCRATCH/re.failed.decrypt"; } |
      { encrypt 2>>"$SCRATCH/re.failed.err" || : >"$SCRATCH/re.failed.encrypt"; } |
      { tee "$re_point/$re_new" 2>>"$SCRATCH/re.failed.err" || : >"$SCRATCH/re.failed.write"; } |
      sha256sum | cut -d ' ' -f 1
  )
  for re_stage in decrypt encrypt write; do
    [ ! -e "$SCRATCH/re.failed.$re_stage" ] ||
      because "$2 of recovery point $1 cannot be re-encrypted ($re_stage): $(last_words "$SCRATCH/re.failed.err" 1)" || return 1
  done
  durable "$re_point/$re_new" 2>"$SCRATCH/re.failed.err" ||
    because "$re_new of recovery point $1 cannot be written: $(last_words "$SCRATCH/re.failed.err" 1)" || return 1
  printf '%s  %s\n' "$re_sum" "$re_new" >>"$re_point/SHA256SUMS.new"
  # With a key of this job: what nobody here can open is not put in the place of what somebody can.
  if [ "$re_stem" = facts ]; then
    open_with_any_key "$re_point/$re_new" "$SCRATCH/re.probe" ||
      hopeless "no key of this job opens what was re-encrypted for ${RECIPIENTS:-a passphrase}, so nothing was changed: give the repository's encryption the key of one of these recipients" || return 1
    re_opens=$opened_by
  fi
  printf '%s %s\n' "$2" "$re_new" >>"$SCRATCH/re.pairs"
}

# Reads everything back from the volume, compares what is inside, and lets the new files count.
publish_files() { # ID
  (cd "$re_point" && sha256sum -c SHA256SUMS.new) >"$SCRATCH/check" 2>&1 ||
    because "recovery point $1 read back differently from what was written: $(grep -v ': OK$' "$SCRATCH/check" | head -n 1)" || return 1
  [ "$(wc -l <"$re_point/SHA256SUMS.new")" = "$(wc -l <"$re_point/SHA256SUMS")" ] ||
    because "the new checksums of recovery point $1 could not all be written; the old files are kept" || return 1
  while read -r re_old re_new; do
    same_inside "$re_point/$re_old" "$re_point/$re_new" ||
      because "$re_new of recovery point $1 differs from $re_old; the old files are kept" || return 1
  done <"$SCRATCH/re.pairs"
  durable "$re_point/SHA256SUMS.new" "$re_point" 2>"$SCRATCH/repository.err" || because "$(last_words "$SCRATCH/repository.err" 1)" || return 1
  mv "$re_point/SHA256SUMS.new" "$re_point/SHA256SUMS" 2>"$SCRATCH/repository.err" || because "$(last_words "$SCRATCH/repository.err" 1)" || return 1
  durable "$re_point" 2>"$SCRATCH/repository.err" || because "$(last_words "$SCRATCH/repository.err" 1)" || return 1
  rm -f "$SCRATCH/opened/$1" "$SCRATCH/opened/$1.key"
  repository_clear_unlisted "$1"
}

same_inside() { # OLD NEW
  [ "$(digest_inside "$re_key" "$1")" = "$(digest_inside "$re_opens" "$2")" ] && [ ! -e "$SCRATCH/re.unreadable" ]
}
digest_inside() { { decrypt "$1" <"$2" || : >"$SCRATCH/re.unreadable"; } 2>/dev/null | sha256sum; } # KEY-DIRECTORY FILE
