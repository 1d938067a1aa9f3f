#!/bin/sh
# After go.sh: Kubernetes' programs. Its module names its parts by directories of its repository, which no module holds: here by their releases.
set -eu
VERSION=1.34.3
module k8s.io/kubernetes "v$VERSION" h1:0TfljWbhEF5DBks+WFMSrvKfxBLo4vnZuqORjLMiyT4= /tmp/kubernetes
cd /tmp/kubernetes
rm -rf go.work go.work.sum vendor
parts=$(sed -n 's,^\t\(k8s\.io/.*\) => \./staging/.*,\1,p' go.mod)
for part in $parts; do go mod edit -replace "$part=$part@v0.${VERSION#1.}"; done
cat /src/kubernetes.sum >>go.sum
version="-X k8s.io/component-base/version.gitVersion=v$VERSION -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34"
# Not the day of the build: the same recipe is to give the same programs.
version="$version -X k8s.io/component-base/version.buildDate=2025-12-09T14:59:13Z"
for program in kubectl kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy; do
  build "$program" -mod=mod -ldflags "-s -w $version" "./cmd/$program"
done
