package main

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
)

// What goes wrong with snapshots of a claim, as a test has planted it: a list of these in a file.
type fault struct {
	// The claim's name; empty: every claim.
	Claim string `json:"claim,omitempty"`
	// never-cut: nothing happens until the caller gives up. never-ready: it is cut, and cannot be used. error: the driver says why it
	// cannot. torn: it is of no one instant.
	Kind string `json:"kind"`
}

// The fault that befalls a snapshot of these claims now, if one does.
func strike(file string, claims []string) (fault, error) {
	planted := []fault{}
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return fault{}, nil
	} else if err != nil {
		return fault{}, err
	}
	if err := json.Unmarshal(text, &planted); err != nil {
		return fault{}, err
	}
	at := slices.IndexFunc(planted, func(f fault) bool { return f.Claim == "" || slices.Contains(claims, f.Claim) })
	if at < 0 {
		return fault{}, nil
	}
	return planted[at], nil
}
