# shellcheck shell=sh
# What a recovery point holds, as its manifest says it: one entry a line, so that a shell without jq reads it as surely as it writes it.
# lib.sh sources it.

fact() { printf '%s:%s\n' "$(json_string "$1")" "$2" >>"$SCRATCH/facts"; }
# Notes recovery points without which this one cannot be restored: pruning keeps them as long as it keeps this one.
needs() { printf '%s\n' "$@" >>"$SCRATCH/needs"; }
about() { printf '%s:%s\n' "$(json_string "$1")" "$(json_string "$2")" >>"$SCRATCH/about"; }

# Notes a stored member; repositories call it. DIGEST is how the repository itself will know the bytes again.
member() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$SCRATCH/members"; } # NAME BYTES DIGEST

# Where the recovery points that this pod makes come from; origin.sh tells why.
own_origin() { printf '%s%s' "${POD_NAMESPACE:-}" "${MADE_FOR_CLUSTER:+@$MADE_FOR_CLUSTER}"; }

# Begins a recovery point that is being made.
begin_point() {
  # Ids of one pod differ by their second.
  while [ "$(date +%s)" = "$(cat "$SCRATCH/second" 2>/dev/null)" ]; do sleep 0.2; done
  date +%s >"$SCRATCH/second"
  STARTED=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  POINT=$(date -u +%Y%m%dT%H%M%SZ)-$(printf %s "${POD_NAME:-00000}" | tr -cd 'a-z0-9' | sed 's/.*\(.\{5\}\)$/\1/')
  ORIGIN=$(own_origin)
  export STARTED POINT ORIGIN
  outcome id "$POINT"
  : >"$SCRATCH/members"
  : >"$SCRATCH/facts"
  : >"$SCRATCH/about"
  : >"$SCRATCH/needs"
  : >"$SCRATCH/caveats"
}

manifest_write() { # FILE
  {
    printf '{\n"format":1,\n"id":"%s",\n"series":"%s",\n"engine":"%s",\n' "$POINT" "$SERIES" "$ENGINE"
    printf '"started":"%s",\n"finished":"%s",\n"bytes":%s,\n' "$STARTED" "${FINISHED:-$(date -u +%Y-%m-%dT%H:%M:%SZ)}" "$(members_bytes)"
    [ ! -s "$SCRATCH/needs" ] || printf '"needs":"%s",\n' "$(tr '\n' ' ' <"$SCRATCH/needs" | sed 's/ $//')"
    [ -z "${ORIGIN:-}" ] || printf '"origin":"%s",\n' "$ORIGIN"
    [ -z "${AFTER:-}" ] || printf '"after":"%s",\n' "$AFTER"
    # Sizes are compared by jobs without a key, too, to whom nothing of what follows may be readable.
    sed -n 's/^"logBytes":"\([0-9]*\)"$/"logBytes":\1,/p' "$SCRATCH/about"
    printf '"about":{\n'
    comma_lines "$SCRATCH/about"
    printf '},\n"caveats":[\n'
    [ ! -s "$SCRATCH/caveats" ] || while IFS= read -r manifest_caveat; do
      printf '%s\n' "$(json_string "$manifest_caveat")"
    done <"$SCRATCH/caveats" | comma_lines -
    printf '],\n"members":[\n'
    awk -F '\t' '{ printf "{\"name\":\"%s\",\"bytes\":%s,\"digest\":\"%s\"}\n", $1, $2, $3 }' "$SCRATCH/members" | comma_lines -
    printf '],\n"facts":{\n'
    LC_ALL=C sort "$SCRATCH/facts" | comma_lines -
    printf '}\n}\n'
  } >"$1" || :
  manifest_whole "$1" "$POINT" || die "the manifest of $POINT could not be written whole: is the scratch volume full?"
}
members_bytes() { awk -F '\t' '{ sum += $2 } END { printf "%.0f", sum }' "$SCRATCH/members"; }
comma_lines() { sed '$!s/$/,/' "$1"; }

manifest_field() { sed -n "s/^\"$2\":\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1" | head -n 1; } # FILE FIELD
manifest_members() {                                                                                    # FILE: name, bytes, digest; tab-separated
  sed -n 's/^{"name":"\([^"]*\)","bytes":\([0-9]*\),"digest":"\([^"]*\)"},\{0,1\}$/\1\t\2\t\3/p' "$1"
}
manifest_facts() { sed -n '/^"facts":{$/,/^}$/{ /^"facts":{$/d; /^}$/d; s/,$//; p; }' "$1"; } # FILE
manifest_about() { sed -n '/^"about":{$/,/^},$/{ /^"about":{$/d; /^},$/d; s/,$//; p; }' "$1"; }   # FILE
manifest_caveats() { # FILE: a text a line
  sed -n '/^"caveats":\[$/,/^\],$/{ /^"caveats":\[$/d; /^\],$/d; s/,$//; s/^"//; s/"$//; s/\\\(.\)/\1/g; p; }' "$1"
}
manifest_whole() { [ "$(tail -n 1 "$1")" = '}' ] && [ "$(manifest_field "$1" id)" = "$2" ] && [ -n "$(manifest_members "$1")" ]; } # FILE ID

# Fetches the manifest of the recovery point to $SCRATCH/manifest.json.
manifest_fetch() { # ID
  # It is there already where it was the last one to be fetched.
  ! manifest_whole "$SCRATCH/manifest.json" "$1" 2>/dev/null || return 0
  repository_get "$1" manifest.json >"$SCRATCH/manifest.json" || return 1
  manifest_whole "$SCRATCH/manifest.json" "$1" || { echo 'the manifest is damaged' >"$SCRATCH/repository.reason"; return 1; }
}

# Compares the facts of the manifest with the facts found after a restore.
compare_facts() { # EXPECTED FOUND: files
  [ -s "$1" ] || die "the manifest of $POINT holds no facts to compare with"
  awk 'FILENAME == ARGV[1] { expected[$0]; next } { found[$0] } !($0 in expected) { print $0 " was found" }
    END { for (line in expected) if (!(line in found)) print line " was expected" }' "$1" "$2" | LC_ALL=C sort >"$SCRATCH/facts.difference"
  [ ! -s "$SCRATCH/facts.difference" ] ||
    die "the restored data differs from what was backed up, in $(wc -l <"$SCRATCH/facts.difference" | tr -d ' ') facts: $(head -n 4 "$SCRATCH/facts.difference" | tr '\n' ';')"
}
