// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// phases of a build, in order.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0220.html.
var phases = []string{"Init", "Download", "PreProcess", "Build", "Artifact", "PostProcess"}

// endStates are the final states of a build.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0333.html.
var endStates = []string{"Successful", "Failed", "Timeout", "Cancel", "Deleted"}

// Outcome is the outcome of a build that does not succeed.
type Outcome struct {
	// Phase is the phase that fails, at the end of its time, such as Build.
	Phase string `json:"phase"`
	// State is the state of the build and of the phase afterwards; empty means Failed. A build in a state that is not
	// final, such as Building, stays in it until it is canceled.
	State string `json:"state"`
	// Log is the end of the phase's log.
	Log string `json:"log"`
}

// InjectOutcomes sets the outcomes of the next builds, in the order of their starts. Later builds succeed.
func (s *Service) InjectOutcomes(outcomes ...Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes = append(s.outcomes, outcomes...)
}

// progress is the progress of a build at one time.
type progress struct {
	State  string
	Phases []string // The state of each phase.
	Done   int      // The number of phases that have succeeded.
	Part   float64  // How much of the current phase is over, from 0 to 1.
	Ended  time.Time
}

// progress returns the progress of a build now. Each phase takes the same time.
func (s *Service) progress(b *build) progress {
	now, isCancelled := s.options.Now(), !b.CancelledAt.IsZero()
	if isCancelled {
		now = b.CancelledAt
	}
	each := max(s.options.BuildDuration/time.Duration(len(phases)), 1)
	passed := max(now.Sub(b.StartedAt), 0)
	p := progress{State: "Building", Done: int(min(passed/each, time.Duration(len(phases))))}
	if passed >= s.options.BuildDuration {
		p.Done = len(phases)
	}
	p.Part = min(float64(passed-time.Duration(p.Done)*each)/float64(each), 1)
	current, hasFailed := "Building", false // Of the current phase.
	if b.Outcome != nil {
		if failed := slices.Index(phases, b.Outcome.Phase); failed >= 0 && p.Done > failed {
			current, p.Done, p.Part = cmp.Or(b.Outcome.State, "Failed"), failed, 1
			p.State, hasFailed = current, true
		}
	}
	switch {
	case slices.Contains(endStates, current):
		p.Ended = b.StartedAt.Add(time.Duration(p.Done+1) * each)
	case isCancelled:
		current, p.State, p.Ended = "Cancel", "Cancel", b.CancelledAt
	case hasFailed: // In a state that is not final.
	case p.Done == len(phases):
		p.State, p.Ended = "Successful", b.StartedAt.Add(s.options.BuildDuration)
	case p.Done == 0:
		p.State = "Queuing"
	case phases[p.Done] == "Artifact":
		p.State = "Pushing"
	}
	p.Phases = slices.Repeat([]string{"NotStarted"}, len(phases))
	for i := range p.Done {
		p.Phases[i] = "Successful"
	}
	if p.Done < len(phases) {
		p.Phases[p.Done] = current
	}
	return p
}

func (p progress) seconds(b *build) int {
	if p.Ended.IsZero() {
		return 0
	}
	return int(p.Ended.Sub(b.StartedAt).Seconds())
}

// stepsOfPhase is the number of lines of a phase's log between its first and its last.
const stepsOfPhase = 8

// log returns the log of a build so far. It only grows.
func (p progress) log(b *build) string {
	var log strings.Builder
	for i, state := range p.Phases {
		if state == "NotStarted" {
			break
		}
		fmt.Fprintf(&log, "[%s] started for %s #%d\n", phases[i], b.JobName, b.Index)
		steps := stepsOfPhase
		if i == p.Done {
			steps = int(p.Part * stepsOfPhase)
		}
		for step := 1; step <= steps; step++ {
			fmt.Fprintf(&log, "[%s] step %d of %d\n", phases[i], step, stepsOfPhase)
		}
		if b.Outcome != nil && b.Outcome.Log != "" && i == p.Done && phases[i] == b.Outcome.Phase && p.Part == 1 {
			fmt.Fprintf(&log, "%s\n", strings.TrimSuffix(b.Outcome.Log, "\n"))
		}
		if slices.Contains(endStates, state) {
			fmt.Fprintf(&log, "[%s] ended: %s\n", phases[i], state)
		}
	}
	return log.String()
}
