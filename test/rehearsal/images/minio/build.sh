# After go.sh: builds MinIO's server, in its release of 2025-09-07, and the program that makes its users.
module github.com/minio/minio v0.0.0-20250907161309-07c3a429bfed h1:deu0m9BiyqnMbGWfJi1PpVyotSXlDnTmRIme1cUXnxo= /tmp/minio
cd /tmp/minio
mkdir account
cp /src/account.go account/main.go
# The users' program needs nothing that the server does not.
build minio -ldflags '-s -w' .
build account -ldflags '-s -w' ./account
