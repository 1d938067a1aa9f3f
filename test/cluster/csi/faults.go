package main

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"time"
)

// What goes wrong with snapshots of a claim, as a test has planted it: a list of these in a file.
type fault struct {
	// The claim's name; empty: every claim.
	Claim string `json:"claim,omitempty"`
	// never-cut: nothing happens until the caller gives up. never-ready: it is cut, and cannot be used. error: the driver says why it
	// cannot. slow: it is cut later. torn: it is of no one instant.
	Kind string `json:"kind"`
	// Of an error.
	Message string `json:"message,omitempty"`
	// By how much a slow one is cut later.
	DelaySeconds float64 `json:"delaySeconds,omitempty"`
	// How many snapshots it befalls; an error is tried again, and counts each time. 0: all.
	Times int `json:"times,omitempty"`
}

func (f fault) delay() time.Duration { return time.Duration(f.DelaySeconds * float64(time.Second)) }

// The fault that befalls a snapshot of these claims now, if one does. Where it was the last time, it is taken out of the file.
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
	struck := planted[at]
	if struck.Times == 0 {
		return struck, nil
	}
	if planted[at].Times--; planted[at].Times == 0 {
		planted = slices.Delete(planted, at, at+1)
	}
	left, err := json.Marshal(planted)
	if err != nil {
		return fault{}, err
	}
	if err := os.WriteFile(file+".new", left, 0o600); err != nil {
		return fault{}, err
	}
	return struck, os.Rename(file+".new", file)
}
