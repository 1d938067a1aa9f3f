#!/bin/sh
# After go.sh: what stands between the API server and a CSI driver, as it is released.
set -eu
module github.com/kubernetes-csi/external-provisioner/v5 v5.3.0 h1:eKwNaBOOmNknY9exQlUl/MLwxElKgvrZnq32fqm4m9E= /tmp/provisioner
cd /tmp/provisioner
build csi-provisioner -ldflags '-s -w -X main.version=v5.3.0' ./cmd/csi-provisioner
module github.com/kubernetes-csi/external-snapshotter/v8 v8.4.0 h1:xR3Yy6zs8Rfek7pHXDjIYiqUITsWWo1/o1NT9bF225I= /tmp/snapshotter
# Its repository holds this one as a directory, from which the module is built.
module github.com/kubernetes-csi/external-snapshotter/client/v8 v8.4.0 h1:bMqrb3UHgHbP+PW9VwiejfDJU1R0PpXVZNMdeH8WYKI= /tmp/snapshotter/client
cd /tmp/snapshotter
for program in csi-snapshotter snapshot-controller; do
  build "$program" -ldflags '-s -w -X main.version=v8.4.0' "./cmd/$program"
done
