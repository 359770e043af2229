// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"
)

// ownership is what all clients of this process share about the objects that are made under one key: without it, a client could take
// an object of another one for its own. Terraform runs each provider configuration in a process, so it does not cover two of them. It is
// safe for concurrent use.
type ownership struct {
	// turn has the weight 1 and is held while an object is made: of two at once, neither could be told from the other.
	turn *semaphore.Weighted

	mu    sync.Mutex
	known map[string]bool
}

// ownerships holds an [ownership] for each key, until the process ends.
var ownerships sync.Map

// ownershipOf returns the ownership of a key, which is made of its parts in their order.
func ownershipOf(parts ...string) *ownership {
	shared, _ := ownerships.LoadOrStore(strings.Join(parts, "\x00"), &ownership{turn: semaphore.NewWeighted(1), known: map[string]bool{}})
	return shared.(*ownership) //nolint:forcetypeassert // Nothing else is stored.
}

// claim records an ID, and reports whether it was not known before. A known ID was made, read or claimed by this process.
func (o *ownership) claim(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	isNew := !o.known[id]
	o.known[id] = true
	return isNew
}

func (o *ownership) knows(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.known[id]
}
