// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// paceSpan is the time over which answers are counted.
	paceSpan = time.Second
	// paceAccepted is how many accepted calls in that time tell how many the service takes. Where it takes fewer, the waits
	// between the attempts of each call have to do.
	paceAccepted = 10
	// paceRefused is the part of refused calls from which the pace is taken anew. A few do not matter: they show that the service
	// is used as much as it allows.
	paceRefused = 0.1
	// paceGrowth is by how much the pace grows with each call, so that it follows a service that takes more again: it doubles
	// within 1,400 calls.
	paceGrowth = 1.0005
	// paceMost is the calls in a second from which on nobody feels the pace.
	paceMost = 10_000
)

// pace spreads the calls of a client evenly, once the service refuses many of them for their number. Calls that wait each for
// itself come back together, and are refused together, until one of them has no attempt left.
type pace struct {
	mu      sync.Mutex
	answers []verdict     // Of the last span, oldest first.
	turns   *rate.Limiter // Nil as long as the service has taken what came.
}

type verdict struct {
	at      time.Time
	refused bool
}

// note takes in an answer, and takes as the pace what the service has accepted of late, where it refuses too much.
func (p *pace) note(refused bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := slices.IndexFunc(p.answers, func(v verdict) bool { return now.Sub(v.at) < paceSpan })
	if old < 0 {
		old = len(p.answers)
	}
	p.answers = append(p.answers[old:], verdict{now, refused})
	if !refused {
		return
	}
	var accepted, refusals float64
	for _, answer := range p.answers {
		if answer.refused {
			refusals++
		} else {
			accepted++
		}
	}
	if accepted < paceAccepted || refusals < accepted*paceRefused {
		return
	}
	limit := rate.Limit(accepted / paceSpan.Seconds())
	if p.turns == nil {
		p.turns = rate.NewLimiter(limit, 1)
	}
	p.turns.SetLimitAt(now, limit)
}

// turn is how long the next call has to wait for its turn.
func (p *pace) turn(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.turns == nil {
		return 0
	}
	p.turns.SetLimitAt(now, p.turns.Limit()*paceGrowth)
	if p.turns.Limit() > paceMost {
		p.turns = nil
		return 0
	}
	return p.turns.ReserveN(now, 1).DelayFrom(now)
}
