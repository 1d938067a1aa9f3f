package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A volume is an image with a file system of its own, as a cloud's disk is: it has a size, a lost+found, and can be frozen alone.
type volume struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Claim     string `json:"claim"`
	Bytes     int64  `json:"bytes"`
}

// A snapshot is a volume as it was when a cut was made.
type snapshot struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Volume string    `json:"volume"`
	Group  string    `json:"group,omitempty"`
	Cut    string    `json:"cut"`
	Bytes  int64     `json:"bytes"`
	At     time.Time `json:"at"`
	Ready  bool      `json:"ready"`
}

type group struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// The storage system below the driver. All images lie in one subvolume of btrfs, so that a cut of it shows every one of them at one
// instant, with what was synced and maybe more: as disks look after a power failure. What is kept outlives the driver.
type pool struct {
	directory string
	mutex     sync.Mutex
	Volumes   map[string]volume   `json:"volumes"`
	Snapshots map[string]snapshot `json:"snapshots"`
	Groups    map[string]group    `json:"groups"`
	Count     int                 `json:"count"`
}

// Mounts the pool from its file, which is made when it is not there.
func openPool(file, directory string, bytes int64) (*pool, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		making := file + ".making"
		if err := sparse(making, bytes); err != nil {
			return nil, err
		}
		if err := run("mkfs.btrfs", "--quiet", making); err != nil {
			return nil, err
		}
		if err := os.Rename(making, file); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, err
	}
	if exec.Command("mountpoint", "--quiet", directory).Run() != nil {
		if err := run("mount", "--options", "loop", file, directory); err != nil {
			return nil, err
		}
	}
	p := &pool{directory: directory, Volumes: map[string]volume{}, Snapshots: map[string]snapshot{}, Groups: map[string]group{}}
	if err := os.MkdirAll(filepath.Join(directory, "cuts"), 0o700); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(directory, "live")); errors.Is(err, os.ErrNotExist) {
		if err := run("btrfs", "subvolume", "create", filepath.Join(directory, "live")); err != nil {
			return nil, err
		}
	}
	state, err := os.ReadFile(p.state())
	if errors.Is(err, os.ErrNotExist) {
		return p, nil
	} else if err != nil {
		return nil, err
	}
	return p, json.Unmarshal(state, p)
}

func (p *pool) state() string             { return filepath.Join(p.directory, "state.json") }
func (p *pool) image(id string) string    { return filepath.Join(p.directory, "live", id+".img") }
func (p *pool) cutPath(cut string) string { return filepath.Join(p.directory, "cuts", cut) }
func (p *pool) imageOf(s snapshot) string { return filepath.Join(p.cutPath(s.Cut), s.Volume+".img") }
func (p *pool) next(kind string) string   { p.Count++; return fmt.Sprintf("%s-%d", kind, p.Count) }
func (p *pool) volumeNamed(name string) (volume, bool) {
	for _, v := range p.Volumes {
		if v.Name == name {
			return v, true
		}
	}
	return volume{}, false
}

func (p *pool) snapshotNamed(name string) (snapshot, bool) {
	for _, s := range p.Snapshots {
		if s.Name == name {
			return s, true
		}
	}
	return snapshot{}, false
}

func (p *pool) membersOf(group string) []snapshot {
	var members []snapshot
	for _, s := range p.Snapshots {
		if s.Group == group {
			members = append(members, s)
		}
	}
	return members
}

func (p *pool) keep() error {
	written, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.state()+".new", written, 0o600); err != nil {
		return err
	}
	return os.Rename(p.state()+".new", p.state())
}

// Adds a volume, empty or with what the image holds.
func (p *pool) addVolume(v volume, image string) (volume, error) {
	v.ID = p.next("volume")
	path := p.image(v.ID)
	err := func() error {
		if image == "" {
			if err := sparse(path, v.Bytes); err != nil {
				return err
			}
			return run("mkfs.ext4", "-q", "-F", "-m", "0", path)
		}
		if err := run("cp", "--reflink=always", image, path); err != nil {
			return err
		}
		return growTo(path, v.Bytes)
	}()
	if err != nil {
		_ = os.Remove(path)
		return volume{}, err
	}
	p.Volumes[v.ID] = v
	return v, p.keep()
}

func (p *pool) removeVolume(id string) error {
	if err := os.Remove(p.image(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	delete(p.Volumes, id)
	return p.keep()
}

// Shows all volumes as they are now, and keeps that until nothing needs it any more.
func (p *pool) cut() (string, time.Time, error) {
	cut := p.next("cut")
	err := run("btrfs", "subvolume", "snapshot", "-r", filepath.Join(p.directory, "live"), p.cutPath(cut))
	return cut, time.Now(), err
}

// Shows one volume as no instant had it: copied from its beginning to its end while it is written.
func (p *pool) tear(volume string) (string, time.Time, error) {
	cut := p.next("cut")
	if err := os.Mkdir(p.cutPath(cut), 0o700); err != nil {
		return "", time.Time{}, err
	}
	err := run("dd", "if="+p.image(volume), "of="+filepath.Join(p.cutPath(cut), volume+".img"), "bs=64K", "conv=sparse", "status=none")
	return cut, time.Now(), err
}

func (p *pool) addSnapshot(s snapshot) (snapshot, error) {
	s.ID = p.next("snapshot")
	p.Snapshots[s.ID] = s
	return s, p.keep()
}

func (p *pool) removeSnapshot(id string) error {
	s, there := p.Snapshots[id]
	if !there {
		return nil
	}
	delete(p.Snapshots, id)
	if err := p.keep(); err != nil {
		return err
	}
	return p.dropCut(s.Cut)
}

func (p *pool) dropCut(cut string) error {
	for _, s := range p.Snapshots {
		if s.Cut == cut {
			return nil
		}
	}
	if run("btrfs", "subvolume", "show", p.cutPath(cut)) == nil {
		return run("btrfs", "subvolume", "delete", p.cutPath(cut))
	}
	return os.RemoveAll(p.cutPath(cut))
}

func sparse(path string, bytes int64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Truncate(bytes)
}

// Makes an image larger, and its file system with it. That is what a mounted one would need a capability for which containers do not get.
func growTo(path string, bytes int64) error {
	about, err := os.Stat(path)
	if err != nil || about.Size() >= bytes {
		return err
	}
	if err := os.Truncate(path, bytes); err != nil {
		return err
	}
	// It was mounted when it was cut. What is mended that way ends with 1.
	var ended *exec.ExitError
	if err := run("e2fsck", "-f", "-p", path); errors.As(err, &ended) && ended.ExitCode() != 1 {
		return err
	}
	return run("resize2fs", path)
}

// Runs a program; what it said is in the error.
func run(name string, args ...string) error {
	said, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(said)))
	}
	return nil
}
