import { goBinaries } from './go-binaries';

/** After go.sh: the CRDs as the releases of their projects hold them. imports/ are generated from the same. */
const BUILD = `
files() { # PATH VERSION CHECKSUM FILES RESULT: as module(), of what wants a newer Go to build it, which nobody does here
  GONOSUMDB="$1" go mod download -json "$1@$2" >/tmp/module || :
  grep -qF "\\"Sum\\": \\"$3\\"" /tmp/module || { echo "$1@$2 is not what was pinned" >&2; cat /tmp/module >&2; exit 1; }
  unzip -q "$(sed -n 's/^\\t"Zip": "\\(.*\\)",\\{0,1\\}$/\\1/p' /tmp/module)" "$1@$2/$4" -d /tmp/files
  find "/tmp/files/$1@$2" -name '*_*.yaml' | sort | while read -r file; do echo ---; cat "$file"; done >"$5"
  [ -s "$5" ]
}
files github.com/vmware-tanzu/velero v1.18.1 h1:eV+urQYesy7tJLVkGM5fs9s/nfOWKtoFezcY1r8IjJM= 'config/crd/*' /opt/programs/velero.yaml
files github.com/kubernetes-csi/external-snapshotter/client/v8 v8.6.0 h1:FtGewu2k6HWw6evLGXY8JqUZ9eHpti1kd3e4amj+ilA= 'config/crd/*' /opt/programs/snapshots.yaml
files github.com/prometheus-operator/prometheus-operator v0.93.0 h1:AohlYJT+En8TmNpAcEUJ3GsaJTAqfEBwHmGTVpRm/Io= 'example/prometheus-operator-crd/*_prometheusrules.yaml' /opt/programs/prometheus.yaml
`;

/** A directory with the CustomResourceDefinitions of what the library emits. */
export function customResourceDefinitions(): Promise<string> {
  return goBinaries({ name: 'crds', build: BUILD });
}
