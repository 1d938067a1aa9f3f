// Makes a user of a MinIO server, with a policy of its own; `disable` takes the right to log in away.
//
// usage: account ENDPOINT USER SECRET POLICY | account ENDPOINT USER disable, with MINIO_ROOT_USER and MINIO_ROOT_PASSWORD
//
// Users are made by MinIO's own protocol of encrypted requests, which its own client library speaks.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/minio/madmin-go/v3"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, words []string) error {
	server, err := madmin.New(words[0], os.Getenv("MINIO_ROOT_USER"), os.Getenv("MINIO_ROOT_PASSWORD"), false)
	if err != nil {
		return err
	}
	user := words[1]
	if words[2] == "disable" {
		return server.SetUserStatus(ctx, user, madmin.AccountDisabled)
	}
	if err := server.AddCannedPolicy(ctx, user, []byte(words[3])); err != nil {
		return err
	}
	if err := server.AddUser(ctx, user, words[2]); err != nil {
		return err
	}
	_, err = server.AttachPolicy(ctx, madmin.PolicyAssociationReq{Policies: []string{user}, User: user})
	return err
}
