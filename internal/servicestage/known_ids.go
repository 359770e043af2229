// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// maxListed is the maximum number of build jobs that are listed in advance. If there are more, they are listed by
	// name before each create.
	maxListed = 1000
	// existingTimeout limits the list of the existing build jobs, which concurrent creates share.
	existingTimeout = 2 * time.Minute
)

// shared is the state that all clients of one host in this process share. Without it, a client could adopt an object of
// another one. It does not cover two provider configurations: Terraform starts a process for each. It is safe for
// concurrent use.
type shared struct {
	// known contains a [knowledge] of each object that this process has read, created or adopted.
	known sync.Map
	// reads counts the objects that were read first.
	reads atomic.Int64
	// locks contains a semaphore of weight 1 for each key.
	locks  sync.Map
	writes writes
}

type knowledge struct {
	// own is true of an object that this process has created or adopted.
	own bool
	// read is the number of the read that made another one known.
	read int64
}

// object is the key of a build job, or of one of its builds.
type object struct{ jobID, buildID string }

// sharedByHost contains a [*shared] for each host, until the process ends.
var sharedByHost sync.Map

func sharedWith(host string) *shared {
	value, _ := sharedByHost.LoadOrStore(host, &shared{})
	s, _ := value.(*shared)
	return s
}

func (s *shared) knows(o object) bool {
	_, known := s.known.Load(o)
	return known
}

// knewBefore reports whether this process has created or adopted the object, or has read it before the later reads.
func (s *shared) knewBefore(o object, reads int64) bool {
	value, _ := s.known.Load(o)
	known, ok := value.(knowledge)
	return ok && (known.own || known.read <= reads)
}

// read records the object as one that exists, unless it is known.
func (s *shared) read(o object) { s.known.LoadOrStore(o, knowledge{read: s.reads.Add(1)}) }

// adopt records the object as one of this process, and reports whether it was not known before.
func (s *shared) adopt(o object) bool {
	_, known := s.known.LoadOrStore(o, knowledge{own: true})
	return !known
}

// created records the object as one of this process, and reports whether this process had not created or adopted it
// before.
func (s *shared) created(o object) bool {
	value, _ := s.known.Swap(o, knowledge{own: true})
	before, _ := value.(knowledge)
	return !before.own
}

// lock waits until no other client of this process has the lock of a key. Two objects that are created at the same time
// could not be distinguished.
func (c *Client) lock(ctx context.Context, key any) (unlock func(), err error) {
	value, _ := c.shared.locks.LoadOrStore(key, semaphore.NewWeighted(1))
	lock, _ := value.(*semaphore.Weighted)
	if err := lock.Acquire(ctx, 1); err != nil {
		return nil, &Error{Method: http.MethodPost, Host: c.rest.Host(), Stopped: err}
	}
	return func() { lock.Release(1) }, nil
}

// existingJobs are the build jobs that existed before a create.
type existingJobs struct {
	ids map[string]bool
	// complete is false if the list failed: any build job may have existed before, so none is adopted.
	complete bool
	// reads is the number of reads before the create. A build job that another resource or data source reads later may
	// be the created one.
	reads int64
}

// existingList is the list of the build jobs that exist before the first create of a client.
type existingList struct {
	once sync.Once
	// done is closed when the list was read.
	done chan struct{}
	jobs existingJobs
	// tooMany is true if there are more than maxListed.
	tooMany bool
}

// listExisting returns the build jobs that exist before a create of the name, or all of them, without reads.
func (c *Client) listExisting(ctx context.Context, name string) existingJobs {
	list := &c.existing
	list.once.Do(func() {
		list.done = make(chan struct{})
		// The list serves every create that waits for it, so it must not end with the first one.
		go list.read(context.WithoutCancel(ctx), c)
	})
	select {
	case <-list.done:
	case <-ctx.Done():
		return existingJobs{}
	}
	if !list.tooMany {
		return list.jobs
	}
	named, err := c.ListBuildJobs(ctx, name)
	jobs := existingJobs{ids: map[string]bool{}, complete: err == nil}
	for _, job := range named {
		// Other names may belong to concurrent creates: the service may match a part of the name.
		if strings.EqualFold(job.Name, name) {
			jobs.ids[job.ID] = true
		}
	}
	return jobs
}

func (l *existingList) read(ctx context.Context, c *Client) {
	defer close(l.done)
	ctx, cancel := context.WithTimeout(ctx, existingTimeout)
	defer cancel()
	ids := map[string]bool{}
	err := c.readList(ctx, "", func() {}, func(total int, job BuildJobSummary) bool {
		l.tooMany = total > maxListed
		ids[job.ID] = true
		return !l.tooMany
	})
	l.jobs = existingJobs{ids: ids, complete: err == nil}
}

// writes counts the renames and deletes of this process: those in progress, and those that have freed a name.
type writes struct{ active, freed atomic.Int64 }

// track calls write, a rename or delete.
func (w *writes) track(write func() error) error {
	w.active.Add(1)
	defer w.active.Add(-1) // After freed: counts, which reads active first, misses no success.
	err := write()
	if err == nil {
		w.freed.Add(1)
	}
	return err
}

// counts returns how many writes are in progress, and how many have freed a name.
func (w *writes) counts() (active, freed int64) {
	active = w.active.Load()
	return active, w.freed.Load()
}
