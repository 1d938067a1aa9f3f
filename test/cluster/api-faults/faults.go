package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A fault as a test has planted it, in a file of its own: for as long as that is there.
type fault struct {
	Match struct {
		Namespace, Verb, Resource, Name string
		// The first of the matching requests that it befalls, from 1; and how many from there on.
		Nth, Times int
	}
	Action struct {
		Status int
		// `before`: nothing is done. `after`: it is done, and the answer is lost.
		Cut string
		// Nothing is done while the file is there.
		Pause bool
	}
	file string
}

type faults struct {
	directory string
	sync.Mutex
	matched map[string]int
}

// What a request asks for, as RBAC and the audit log name it.
type asked struct{ namespace, verb, resource, name string }

func (f *faults) pass(server http.Handler, w http.ResponseWriter, r *http.Request) {
	struck, err := f.strike(r)
	if err != nil {
		log.Fatal(err)
	}
	if struck == nil {
		server.ServeHTTP(w, r)
		return
	}
	log.Printf("%s befalls %s %s", struck.file, r.Method, r.URL)
	action := struck.Action
	for action.Pause && isThere(struck.file) {
		time.Sleep(20 * time.Millisecond)
	}
	switch {
	case action.Cut == "after":
		server.ServeHTTP(discarded{http.Header{}}, r)
		cut(r)
	case action.Cut == "before":
		cut(r)
	case action.Status != 0:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(action.Status)
		fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"InternalError","message":"planted by a test","code":%d}`, action.Status)
	default:
		server.ServeHTTP(w, r)
	}
}

// The fault that befalls a request now, if one does.
func (f *faults) strike(r *http.Request) (*fault, error) {
	files, err := filepath.Glob(filepath.Join(f.directory, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, err
	}
	is, err := asks(r)
	if err != nil {
		return nil, err
	}
	f.Lock()
	defer f.Unlock()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		planted := &fault{file: file}
		planted.Match.Nth, planted.Match.Times = 1, 1
		if err := json.Unmarshal(text, planted); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		match := planted.Match
		if match.Verb != "" && match.Verb != is.verb || match.Resource != "" && match.Resource != is.resource ||
			match.Namespace != "" && match.Namespace != is.namespace || match.Name != "" && match.Name != is.name {
			continue
		}
		f.matched[file]++
		if f.matched[file] >= match.Nth && f.matched[file] < match.Nth+match.Times {
			return planted, os.WriteFile(strings.TrimSuffix(file, ".json")+".struck", []byte(strconv.Itoa(f.matched[file])), 0o600)
		}
	}
	return nil, nil
}

var verbs = map[string]string{"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}

// https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
func asks(r *http.Request) (asked, error) {
	is := asked{verb: verbs[r.Method]}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if above := map[string]int{"api": 2, "apis": 3}[parts[0]]; above > 0 && len(parts) > above {
		parts = parts[above:]
		if parts[0] == "namespaces" && len(parts) > 1 {
			is.namespace = parts[1]
			if len(parts) > 2 {
				parts = parts[2:]
			}
		}
		is.resource = parts[0]
		if len(parts) > 1 {
			is.name = parts[1]
		}
		if len(parts) > 2 {
			is.resource += "/" + parts[2]
		}
	}
	watch := r.URL.Query().Get("watch")
	switch {
	case is.verb == "delete" && is.name == "":
		is.verb = "deletecollection"
	case is.verb == "" && slices.Contains([]string{"1", "true"}, watch):
		is.verb = "watch"
	case is.verb == "" && is.name == "" && is.resource != "":
		is.verb = "list"
	case is.verb == "":
		is.verb = "get"
	}
	if is.verb != "create" || is.name != "" {
		return is, nil
	}
	// What is created has the name that the client gives it.
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var object struct{ Metadata struct{ Name string } }
	if json.Unmarshal(body, &object) == nil {
		is.name = object.Metadata.Name
	}
	return is, err
}

func isThere(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// Where an answer goes that is lost.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header           { return d.header }
func (discarded) Write(answer []byte) (int, error) { return len(answer), nil }
func (discarded) WriteHeader(int)                  {}
