#!/bin/sh
# Runs on the node: makes images known to containerd, with what ImageLayout wrote.
#
# import-images.sh DIRECTORY
#   DIRECTORY  `layout`, an OCI layout of images of one layer each, and `roots`: a layer and its root file system a line
set -eu
cd "$1"
while read -r layer root; do
  # What was unpacked already stays: images share root file systems.
  if ctr --namespace=k8s.io snapshots info "$layer" >/dev/null 2>&1; then continue; fi
  mounts=$(ctr --namespace=k8s.io snapshots prepare --mounts "unpacking-$layer")
  upper=$(echo "$mounts" | sed -n 's/.*"[Ss]ource": *"\([^"]*\)".*/\1/p')
  rmdir "$upper"
  ln -s "$root" "$upper"
  ctr --namespace=k8s.io snapshots commit "$layer" "unpacking-$layer"
done <roots
tar --create --directory=layout . | ctr --namespace=k8s.io images import --no-unpack - >/dev/null
