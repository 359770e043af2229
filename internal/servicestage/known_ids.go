// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// maxListed is how many build jobs are listed in advance; if there are more, they are listed by name before each create.
	maxListed = 1000
	// existingTimeout limits the list of the existing build jobs, which concurrent creates share.
	existingTimeout = 2 * time.Minute
)

// shared is what the clients of one service share within the process: two provider configurations may manage one project.
type shared struct {
	// own contains the ID of each build job that this process has read (false), or has created or adopted (true).
	own    sync.Map
	writes writes
}

var sharedByHost sync.Map

func sharedWith(host string) *shared {
	value, _ := sharedByHost.LoadOrStore(host, &shared{})
	s, _ := value.(*shared)
	return s
}

// existingJobs are the build jobs that existed before a create.
type existingJobs struct {
	ids map[string]bool
	// complete is false if the list failed: any build job may have existed before, so none is adopted.
	complete bool
}

func (e existingJobs) contains(id string) bool { return e.ids[id] }

// existingList lists the build jobs that exist before the first create of a client, once.
type existingList struct {
	flight singleflight.Group

	mu     sync.Mutex
	listed bool
	jobs   existingJobs
	// tooMany is true if there are more than maxListed.
	tooMany bool
}

// existingJobs returns the build jobs that exist before a create of the name, or all of them.
func (c *Client) existingJobs(ctx context.Context, name string) existingJobs {
	list := &c.existing
	// The list serves every create that waits for it, so it must not end with the first one.
	done := list.flight.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), existingTimeout)
		defer cancel()
		list.read(ctx, c)
		return nil, nil //nolint:nilnil // The result is in the list.
	})
	select {
	case <-done:
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
		if job.Name == name {
			jobs.ids[job.ID] = true
		}
	}
	return jobs
}

func (l *existingList) read(ctx context.Context, c *Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listed {
		return
	}
	ids := map[string]bool{}
	err := c.readList(ctx, "", func() {}, func(total int, job BuildJobSummary) bool {
		l.tooMany = total > maxListed
		ids[job.ID] = true
		return !l.tooMany
	})
	l.listed, l.jobs = true, existingJobs{ids: ids, complete: err == nil}
}

// writes tracks the renames and deletes of this process, which free the name of a build job.
type writes struct {
	mu       sync.Mutex
	active   int
	finished int
}

// begin counts a write as in progress until the returned function is called.
func (w *writes) begin() (end func()) {
	w.add(1, 0)
	return func() { w.add(-1, 0) }
}

// freeName counts a write that succeeded.
func (w *writes) freeName() { w.add(0, 1) }

// add changes the two counts and returns them.
func (w *writes) add(active, finished int) (int, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active += active
	w.finished += finished
	return w.active, w.finished
}
