#!/bin/sh
# Makes claims from the snapshots of a group, as asked for. It changes no claim that is there, and deletes none but what it has made.
#
# environment, beside lib.sh's and clones.sh's:
#   RECOVERY_POINT   an id, `newest`, `newest-verified` (the newest verified one, else the newest), or a time
#   CLAIMS           the claims to restore, separated by spaces, each under its own name, or under another: `data-db-0=data-trial-0`;
#                    empty: every claim of the group under its own name
#   LABELS           a line `LABEL: VALUE` for every label of the new claims
#   MEMBER_LABELS    the same, of those that come back under their own names: they are the group's members again
#   BIND_TIMEOUT     seconds until the new claims have volumes
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/kubernetes/kubectl/api.sh
. "$BACKUP_HOME/api/api.sh"
# shellcheck source=lib/volumes/group/groups.sh
. "$BACKUP_HOME/kubectl/groups.sh"
# shellcheck source=lib/volumes/group/clones.sh
. "$BACKUP_HOME/kubectl/clones.sh"

# What this run has made, though it may not have heard so. By uid: what has taken a name meanwhile is somebody else's. What a pod has by
# then stays: its server would go on without a word, and what it writes would be gone with it.
discard() {
  : >"$SCRATCH/deleted"
  : >"$SCRATCH/left"
  used_claims >"$SCRATCH/used" || log "WARNING: could not find out which claims are used by pods, so all are kept: $(api_reason)"
  while read -r _ name; do
    if ! api get persistentvolumeclaim "$name" -o go-template='{{index .metadata.annotations "cdk8s-backup/restored-by"}} {{.metadata.uid}}{{"\n"}}' >"$SCRATCH/owner" </dev/null; then
      not_found || echo "$name (could not find out whether this run made it: $(api_reason))" >>"$SCRATCH/left"
      continue
    fi
    read -r owner uid <"$SCRATCH/owner"
    [ "$owner" = "$POD_NAME" ] || continue
    if ! kept=$(kept_volume "$name"); then
      echo "$name (could not find out which volume it has: $(api_reason))" >>"$SCRATCH/left"
      continue
    fi
    if [ -n "$kept" ]; then
      echo "$name (its volume was there already, and may be deleted with it)" >>"$SCRATCH/left"
      continue
    fi
    if [ ! -f "$SCRATCH/used" ] || grep -qxF -e "$name" "$SCRATCH/used"; then
      echo "$name (a pod may use it)" >>"$SCRATCH/left"
      continue
    fi
    printf '{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"%s"}}' "$uid" >"$SCRATCH/delete.json"
    if api delete --raw "/api/v1/namespaces/$NAMESPACE/persistentvolumeclaims/$name" -f "$SCRATCH/delete.json" >/dev/null </dev/null; then
      echo "$name" >>"$SCRATCH/deleted"
    else
      echo "$name (it could not be deleted: $(api_reason))" >>"$SCRATCH/left"
    fi
  done <"$SCRATCH/wanted"
  say_discarded
}

# The claims of pods: one that has ended may have written what nobody has elsewhere.
used_claims() {
  api get pods -o go-template='{{range .items}}{{range .spec.volumes}}{{with .persistentVolumeClaim}}{{.claimName}}
{{end}}{{end}}{{end}}' </dev/null || { rm -f "$SCRATCH/used"; return 1; }
}

# What is there in the end belongs to what has failed.
say_discarded() {
  listed() { awk '{ printf "%s%s", sep, $0; sep = ", " }' "$1"; } # FILE
  said=
  [ ! -s "$SCRATCH/deleted" ] || said="; deleted again: $(listed "$SCRATCH/deleted")"
  [ ! -s "$SCRATCH/left" ] || said="$said; these claims, which it made, are kept: $(listed "$SCRATCH/left")"
  [ -n "$said" ] || return 0
  log "of this failed restore${said#;}"
  [ ! -s "$SCRATCH/outcome/reason" ] || outcome reason "$(cat "$SCRATCH/outcome/reason")$said"
}

finish() {
  rc=$?
  trap '' TERM INT HUP
  set +e
  API_LIMIT=10
  [ "$rc" = 0 ] || [ ! -f "$SCRATCH/making" ] || discard
  exit "$rc"
}

# Leaves `CLAIM NAME` for every claim to make in $SCRATCH/wanted.
choose_claims() {
  if [ -n "$CLAIMS" ]; then printf '%s\n' "$CLAIMS" | tr ', ' '\n' | grep .; else cut -f 1 "$SCRATCH/volumes"; fi |
    awk -F = '{ print $1, (NF > 1 ? $2 : $1) }' >"$SCRATCH/wanted"
  while read -r claim name; do
    [ -n "$(volume_of "$claim")" ] ||
      refuse "group $POINT has no volume for claim $claim; it has: $(cut -f 1 "$SCRATCH/volumes" | tr '\n' ' ' | sed 's/ $//'). Nothing was changed"
    case $name in
      '' | *[!-.a-z0-9]*) refuse "claims is '$CLAIMS': '$name' is not the name of a claim. Nothing was changed" ;;
    esac
  done <"$SCRATCH/wanted"
  twice=$(cut -d ' ' -f 2 "$SCRATCH/wanted" | LC_ALL=C sort | uniq -d | head -n 1)
  [ -z "$twice" ] || refuse "claims is '$CLAIMS': two claims would be $twice. Nothing was changed"
  awk -f "$BACKUP_HOME/kubectl/left-behind.awk" "$SCRATCH/wanted" "$SCRATCH/volumes" >"$SCRATCH/left"
  [ ! -s "$SCRATCH/left" ] ||
    caveat "these claims are not restored, although their pod uses them together with restored ones; their data is from another point in time: $(tr '\n' ' ' <"$SCRATCH/left" | sed 's/ $//')"
}

refuse_existing() {
  : >"$SCRATCH/existing"
  while read -r _ name; do
    if api get persistentvolumeclaim "$name" -o name >/dev/null </dev/null; then
      echo "$name" >>"$SCRATCH/existing"
    else
      not_found || die "could not find out whether claim $name exists: $(api_reason). Nothing was changed"
    fi
  done <"$SCRATCH/wanted"
  [ ! -s "$SCRATCH/existing" ] ||
    refuse "these claims exist: $(tr '\n' ' ' <"$SCRATCH/existing"| sed 's/ $//'); nothing was changed. Restore under other names (claims: <claim>=<new name>), or scale the workload to zero, save their data if anybody may need it, and delete them"
}

# The labels that a claim had when it was snapshotted, by which it is a member of its groups and of much else.
labels_of() { # CLAIM
  volume_of "$1" | cut -f 9 | tr ',' '\n' | sed -n 's/^\([^=]*\)=\(.*\)$/\1: "\2"/p'
}

make_claims() {
  : >"$SCRATCH/making"
  while read -r claim name; do
    if [ "$claim" = "$name" ]; then printf '%s\n%s\n%s\n' "$LABELS" "$MEMBER_LABELS" "$(labels_of "$claim")"; else printf '%s\n' "$LABELS"; fi >"$SCRATCH/labels"
    claim_from_snapshot "$claim" "$name" <"$SCRATCH/labels" >"$SCRATCH/claim.yaml"
    api create -f "$SCRATCH/claim.yaml" >/dev/null </dev/null || die "claim $name could not be created: $(api_reason)"
    log "created claim $name from the snapshot of $claim"
  done <"$SCRATCH/wanted"
}

# A class that waits for the first consumer makes the volume for the first pod that mounts it: that is not for this job to see.
wait_until_bound() {
  bound_until=$(($(date +%s) + BIND_TIMEOUT)) told=$(date +%s)
  while :; do
    : >"$SCRATCH/pending"
    : >"$SCRATCH/unbound"
    : >"$SCRATCH/unproven"
    while read -r claim name; do
      if ! phase=$(claim_phase "$name" </dev/null); then
        printf '%s (%s) ' "$name" "$(api_reason)" >>"$SCRATCH/pending"
        continue
      fi
      if [ "$phase" = Bound ]; then
        if ! foreign=$(foreign_volume "$claim" "$name"); then
          printf '%s (%s) ' "$name" "$(api_reason)" >>"$SCRATCH/pending"
        elif [ -n "$foreign" ]; then
          die "$foreign"
        fi
        continue
      fi
      said=$(claim_events "$name" </dev/null)
      case $said in
        WaitForFirstConsumer:* | WaitForPodScheduled:*) echo "$name" >>"$SCRATCH/unbound" ;;
        *) printf '%s (%s) ' "$name" "${said:-no event}" >>"$SCRATCH/pending" ;;
      esac
    done <"$SCRATCH/wanted"
    [ -s "$SCRATCH/pending" ] || break
    [ "$(date +%s)" -lt "$bound_until" ] || die "these claims have no volume after $BIND_TIMEOUT s: $(cat "$SCRATCH/pending")"
    if [ $(($(date +%s) - told)) -ge 60 ]; then
      told=$(date +%s)
      log "waiting for volumes of $(cat "$SCRATCH/pending"), for $((bound_until - told)) s more at most"
    fi
    sleep 1
  done
  [ ! -s "$SCRATCH/unbound" ] ||
    caveat "the volumes of these claims are created when a pod mounts them (WaitForFirstConsumer): $(tr '\n' ' ' <"$SCRATCH/unbound" | sed 's/ $//'). Keep the group until then. Then check that each volume is new, as a free volume of the class would be used first (kubectl get pvc: a new volume is called pvc- and the claim's uid)"
}

# What may be all that is wanted is not deleted, and not called good.
refuse_unproven() {
  [ -s "$SCRATCH/unproven" ] || return 0
  rm -f "$SCRATCH/making"
  die "whether the volumes of these claims come from their snapshots is not known: $(awk '{ printf "%s%s", sep, $0; sep = ", " }' "$SCRATCH/unproven"). The snapshotted claims had volumes that were not provisioned for them, which do not show their driver. The new claims are kept. If the VolumeSnapshotContents (kubectl get volumesnapshotcontents -o custom-columns=OF:.spec.volumeSnapshotRef.name,DRIVER:.spec.driver) have the driver that made these volumes, the claims are good: start the workload on them. If not, they hold nothing of the group: delete them, and restore with a StorageClass of the driver"
}

check_request
trap finish EXIT
trap 'exit 143' TERM INT HUP
restore_started=$(date +%s)
choose_group "$RECOVERY_POINT"
group_volumes
choose_claims
refuse_existing
make_claims
wait_until_bound
refuse_unproven
outcome restoreSeconds "$(($(date +%s) - restore_started))"
log "restored $POINT to the claims $(cut -d ' ' -f 2 "$SCRATCH/wanted" | tr '\n' ' '| sed 's/ $//'): start the workload on them"
