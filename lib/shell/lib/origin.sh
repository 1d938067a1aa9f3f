# shellcheck shell=sh
# Whether a pod runs where it was made for. A namespace that is copied, for a drill or by a restore of another tool, brings its
# CronJobs along, and they run: they must not write the copy's data into production's series, nor act on production's servers.
# lib.sh sources this in pods that know where they belong, and scripts that write into a series do.
#
# environment:
#   MADE_FOR_NAMESPACE   the namespace that the pod was synthesized for; empty or unset: any
#   MADE_FOR_CLUSTER     the SHA-256 of the certificates of its cluster's authority; empty or unset: any
#   POD_NAMESPACE        the namespace that it runs in
#   CLUSTER_AUTHORITY    the file with those certificates, which every namespace has in the ConfigMap kube-root-ca.crt
#   ALSO_IN_COPIES       `yes`: what it acts on is named as it is in any namespace, so that in a copy it acts on the copy
#   TAKES_OVER_FROM      the origin of a series, as a refusal names it, whose recovery points this one may follow

# Leaves in $IN_COPY, in words, where this pod runs instead; empty where it runs in its place.
look_where_it_runs() {
  IN_COPY=
  case ${MADE_FOR_NAMESPACE:-} in
    '' | "${POD_NAMESPACE:-}") ;;
    *) IN_COPY="it was made for namespace $MADE_FOR_NAMESPACE, and runs in ${POD_NAMESPACE:-an unknown one}" ;;
  esac
  if [ -n "${MADE_FOR_CLUSTER:-}" ]; then
    [ -s "${CLUSTER_AUTHORITY:-}" ] || die "the ConfigMap kube-root-ca.crt is not mounted, so this cluster cannot be identified"
    found_cluster=$(sha256sum "$CLUSTER_AUTHORITY" | cut -d ' ' -f 1)
    [ "$found_cluster" = "$MADE_FOR_CLUSTER" ] ||
      IN_COPY="${IN_COPY:+$IN_COPY; }it was made for the cluster whose certificate authority has the SHA-256 $MADE_FOR_CLUSTER; this cluster's has $found_cluster"
  fi
  export IN_COPY
}

if [ -z "${IN_COPY+known}" ]; then
  look_where_it_runs
  if [ -z "$IN_COPY" ]; then
    :
  elif [ "${ALSO_IN_COPIES:-no}" != yes ]; then
    refuse "this job is a copy: $IN_COPY. Nothing was done. Suspend this job, and the others that came with it. To protect the data here, synthesize for this place, with a repository of its own"
  elif [ "${SAFETY_BACKUP:-no}" = yes ]; then
    refuse "this job is a copy: $IN_COPY. It can restore here, but its safety backup would go into production's repository: set safetyBackup to no"
  else
    remark "this job is a copy: $IN_COPY. It restores to the server of that name here"
  fi
fi

# A series is of one place, until somebody says that it has moved. What one of the two does not say is not compared.
refuse_other_origin() { # once points are listed
  [ -s "$SCRATCH/points" ] && [ "$SAFETY" != yes ] || return 0
  LC_ALL=C sort -r "$SCRATCH/points" >"$SCRATCH/points.newest-first"
  origin_known=no
  while read -r origin_point _ <&3; do
    if manifest_fetch "$origin_point"; then origin_known=yes && break; fi
    log "WARNING: the manifest of $origin_point cannot be read: $(repository_reason)"
  done 3<"$SCRATCH/points.newest-first"
  [ "$origin_known" = yes ] || { remark "no manifest of series $SERIES can be read, so its origin is unknown"; return 0; }
  origin_theirs=$(manifest_field "$SCRATCH/manifest.json" origin)
  origin_ours=$(own_origin)
  case $origin_theirs in '' | "$origin_ours" | "${TAKES_OVER_FROM:-}") return 0 ;; esac
  [ -n "$origin_ours" ] || return 0
  if [ "${origin_theirs%@*}" = "${origin_ours%@*}" ]; then
    case $origin_theirs$origin_ours in *@*@*) ;; *) return 0 ;; esac
  fi
  refuse "series $SERIES comes from '$origin_theirs' (namespace, and cluster where it is known), and this is '$origin_ours': a copy must not write into production's series, so nothing was published. If the database has moved here, set takesOverFrom: '$origin_theirs'. If not, give this backup a repository or a series of its own"
}
