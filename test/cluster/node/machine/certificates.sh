#!/bin/sh
# Runs on the node: makes the cluster's authority in /etc/kubernetes, and certificates and kubeconfigs that it signs.
#
# certificates.sh authority           ca.crt, ca.key, and the key of service accounts
# certificates.sh server NAME SANS    NAME.crt, NAME.key for a server: subjectAltName as openssl writes it
# certificates.sh user NAME GROUP...  NAME.crt, NAME.key and NAME.kubeconfig for a user of the API server
set -eu
umask 077
mkdir -p /etc/kubernetes
cd /etc/kubernetes

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

sign() { # NAME SUBJECT EXTENSIONS
  key "$1.key"
  printf '%s\n' "$3" >"$1.extensions"
  openssl req -new -key "$1.key" -subj "$2" |
    openssl x509 -req -CA ca.crt -CAkey ca.key -days 3650 -extfile "$1.extensions" -out "$1.crt" 2>/dev/null
  rm "$1.extensions"
}

encoded() { base64 --wrap=0 "$1"; }

case $1 in
  authority)
    key ca.key
    openssl req -x509 -key ca.key -subj /CN=kubernetes -days 3650 -addext keyUsage=critical,keyCertSign,digitalSignature -out ca.crt
    key service-accounts.key
    openssl pkey -in service-accounts.key -pubout -out service-accounts.pub
    ;;
  server) sign "$2" "/CN=$2" "subjectAltName=$3" ;;
  user)
    name=$2 subject=
    shift 2
    for group; do subject="$subject/O=$group"; done
    sign "$name" "$subject/CN=$name" extendedKeyUsage=clientAuth
    cat >"$name.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{ name: node, cluster: { server: "https://10.200.0.1:6443", certificate-authority-data: $(encoded ca.crt) } }]
users: [{ name: user, user: { client-certificate-data: $(encoded "$name.crt"), client-key-data: $(encoded "$name.key") } }]
contexts: [{ name: node, context: { cluster: node, user: user } }]
current-context: node
YAML
    ;;
esac
