#!/bin/sh
# After go.sh: Velero's server and its plugin for stores of S3's protocol, as they are released. They want a newer Go than Debian's, which is
# a module too, and one that Go checks.
set -eu
export GOTOOLCHAIN=go1.26.8
VERSION=v1.18.3
module github.com/vmware-tanzu/velero $VERSION h1:9uwN5yxTWQl9PsF5ljX4xiG+7VIq3I9mxOQ0DyyZ31A= /tmp/velero
cd /tmp/velero
# Of what its command line prints tables with, one release earlier: not all proxies have the one that it names.
go mod edit -replace k8s.io/cli-runtime=k8s.io/cli-runtime@v0.33.10
cat >>go.sum <<END
k8s.io/cli-runtime v0.33.10 h1:4V3wwsEhp+9edaXyO71PuQXpaIP5Xcrl3aLfk1nA9RE=
k8s.io/cli-runtime v0.33.10/go.mod h1:t3UsILXibAluoLrWc8PLr7trFoGsFI+Dq/3ZVAvgaPQ=
END
build velero -mod=mod -ldflags "-s -w -X github.com/vmware-tanzu/velero/pkg/buildinfo.Version=$VERSION" ./cmd/velero
module github.com/vmware-tanzu/velero-plugin-for-aws v1.14.2 h1:7D0rtJcR+KeAlEMp+T7sp3yrgN6IluPufjanL56vHJs= /tmp/plugin
cd /tmp/plugin
build velero-plugin-for-aws -ldflags '-s -w' ./velero-plugin-for-aws
