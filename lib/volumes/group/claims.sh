# shellcheck shell=sh
# The claims that a group is made of.
#
# environment:
#   CLAIMS      a line `MEMBER CLAIM` for each that is known by name
#   SELECTORS   a line `MEMBER LABEL=VALUE,...` for those that are known by labels

TAB=$(printf '\t')

# Leaves `CLAIM member` in $SCRATCH/claims, and in $SCRATCH/claims.all what there is to know of every claim of the namespace. Annotations that
# somebody has copied onto a claim, which is made from nothing, restore nothing.
claims_choose() {
  # shellcheck disable=SC2016 # variables of the template
  api get persistentvolumeclaims -o go-template='{{range .items}}{{.metadata.name}}	{{if .metadata.deletionTimestamp}}Terminating{{else}}{{.status.phase}}{{end}}	{{with .spec.storageClassName}}{{.}}{{end}}	{{range $i, $mode := .spec.accessModes}}{{if $i}} {{end}}{{$mode}}{{end}}	{{with .spec.volumeMode}}{{.}}{{else}}Filesystem{{end}}	{{with .status.capacity}}{{.storage}}{{else}}{{.spec.resources.requests.storage}}{{end}}	{{with .metadata.annotations}}{{with index . "volume.kubernetes.io/storage-provisioner"}}{{.}}{{else}}{{with index . "volume.beta.kubernetes.io/storage-provisioner"}}{{.}}{{end}}{{end}}{{end}}	{{with .spec.volumeName}}{{.}}{{end}}	{{$of := ""}}{{with .spec.dataSource}}{{$of = print .kind}}{{else}}{{with .spec.dataSourceRef}}{{$of = print .kind}}{{end}}{{end}}{{$restored := eq $of "VolumeSnapshot"}}{{with .metadata.annotations}}{{with index . "cdk8s-backup/restored-from"}}{{if $restored}}{{.}}{{end}}{{end}}{{end}}	{{range $label, $value := .metadata.labels}}{{$label}}={{$value}},{{end}}	{{.metadata.uid}}	{{with .metadata.annotations}}{{with index . "cdk8s-backup/restored-by"}}{{if $restored}}{{.}}{{end}}{{end}}{{end}}
{{end}}' >"$SCRATCH/claims.all" || die "the claims of the namespace cannot be listed: $(api_reason). Nothing was touched"
  { claims_named && claims_selected; } >"$SCRATCH/claims.wanted" || exit $?
  awk -F '\t' '!seen[$1]++' "$SCRATCH/claims.wanted" >"$SCRATCH/claims"
  claims_check
}

claims_named() { printf '%s\n' "$CLAIMS" | awk 'NF { print $2 "\t" $1 }'; }

claims_selected() {
  printf '%s\n' "$SELECTORS" >"$SCRATCH/selectors"
  while read -r member selector; do
    [ -n "$member" ] || continue
    claims_with "$selector" >"$SCRATCH/selected"
    [ -s "$SCRATCH/selected" ] || refuse "no claim has the labels $selector, which select a member. Nothing was touched"
    sed "s/\$/$TAB$member/" "$SCRATCH/selected"
  done <"$SCRATCH/selectors"
}

claims_with() { # LABEL=VALUE,...
  api get persistentvolumeclaims -l "$1" -o go-template='{{range .items}}{{.metadata.name}}
{{end}}' || die "the claims with the labels $1 cannot be listed: $(api_reason). Nothing was touched"
}

# A claim that is not there, has no volume, or is going, has no snapshot either: better to know before servers are held.
# (kubernetes-csi/external-snapshotter, ensurePVCFinalizer.)
claims_check() {
  awk -F '\t' 'FILENAME == ARGV[1] { phase[$1] = $2; next }
    !($1 in phase) { print "claim " $1 " of " $2 " does not exist"; next }
    phase[$1] == "Terminating" { print "claim " $1 " of " $2 " is being deleted"; next }
    phase[$1] != "Bound" { print "claim " $1 " of " $2 " is " phase[$1] ", not Bound" }' \
    "$SCRATCH/claims.all" "$SCRATCH/claims" >"$SCRATCH/claims.missing"
  [ ! -s "$SCRATCH/claims.missing" ] || refuse "$(awk '{ printf "%s%s", sep, $0; sep = "; " }' "$SCRATCH/claims.missing"). Nothing was touched"
  claims_beyond
}

# A workload that somebody scales in the cluster has claims of which the app knows nothing.
claims_beyond() {
  awk -F '\t' 'function family(claim) { sub(/[0-9]+$/, "", claim); return claim }
    FILENAME == ARGV[1] { known[$1]; if ($2 ~ /^StatefulSet\// && $1 ~ "-" substr($2, 13) "-[0-9]+$") member[family($1)] = $2; next }
    !($1 in known) && $1 ~ /-[0-9]+$/ && family($1) in member { print $1 " of " member[family($1)] }' \
    "$SCRATCH/claims" "$SCRATCH/claims.all" >"$SCRATCH/claims.beyond"
  [ ! -s "$SCRATCH/claims.beyond" ] ||
    caveat "these claims are in no group, as the code has fewer replicas: $(awk '{ printf "%s%s", sep, $0; sep = ", " }' "$SCRATCH/claims.beyond"). Set replicas to their real number, or delete the claims if nobody needs their data"
}

# A claim that was deleted and made anew since it was looked at has another volume under the same name, and the snapshot may be of either.
claims_still() {
  api get persistentvolumeclaims -o go-template='{{range .items}}{{.metadata.name}}	{{.metadata.uid}}
{{end}}' >"$SCRATCH/claims.now" </dev/null || die "could not find out whether the claims are still the same: $(api_reason)"
  awk -F '\t' 'FILENAME == ARGV[1] { wanted[$1]; next } FILENAME == ARGV[2] { was[$1] = $11; next } { is[$1] = $2 }
    END { for (claim in wanted) if (!(claim in is)) print "gone " claim; else if (is[claim] != was[claim]) print "other " claim }' \
    "$SCRATCH/claims" "$SCRATCH/claims.all" "$SCRATCH/claims.now" | LC_ALL=C sort >"$SCRATCH/claims.changed"
  others=$(sed -n 's/^other //p' "$SCRATCH/claims.changed" | tr '\n' ' ')
  [ -z "$others" ] || die "these claims were deleted and re-created while the group was made, and their snapshots may be of new, empty volumes: $others"
  gone=$(sed -n 's/^gone //p' "$SCRATCH/claims.changed" | tr '\n' ' ')
  [ -z "$gone" ] || caveat "these claims were deleted while the group was made, and nothing proves that the snapshots show their old volumes: $gone"
}

claims_count() { wc -l <"$SCRATCH/claims" | tr -d ' '; }
