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

// endStates are the states in which a build stays as it is.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0333.html.
var endStates = []string{"Successful", "Failed", "Timeout", "Cancel", "Deleted"}

// Outcome is how a build goes, other than well.
type Outcome struct {
	// Phase is where it goes wrong, at the end of the time of this phase, such as Build.
	Phase string `json:"phase"`
	// State is what becomes of the build and of the phase then; empty means Failed. In a state that is no end, such as Building
	// or an unknown one, the build stays until it is canceled.
	State string `json:"state"`
	// Log is what the phase writes last.
	Log string `json:"log"`
}

// InjectOutcomes sets the outcomes of the next builds, in the order of their starts; later builds succeed.
func (s *Service) InjectOutcomes(outcomes ...Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes = append(s.outcomes, outcomes...)
}

// Build is a build as the service holds it.
type Build struct {
	ID, JobID string
	// State is the one of this moment.
	State string
}

// Builds returns the builds of all jobs, oldest first.
func (s *Service) Builds() []Build {
	s.mu.Lock()
	defer s.mu.Unlock()
	builds := make([]Build, len(s.state.Builds))
	for i, build := range s.state.Builds {
		builds[i] = Build{ID: build.ID, JobID: build.JobID, State: s.progress(build).State}
	}
	return builds
}

// AddBuild starts a build of a job, as outside Terraform. It returns the ID; "" if there is no such job.
func (s *Service) AddBuild(jobID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	job, err := s.state.job(jobID)
	if err != nil {
		return ""
	}
	return s.start(job).ID
}

// RemoveBuild removes a build, as outside Terraform. It reports whether there was one with this ID.
func (s *Service) RemoveBuild(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.state.Builds)
	s.state.Builds = slices.DeleteFunc(s.state.Builds, func(build *build) bool { return build.ID == id })
	return len(s.state.Builds) < before
}

// progress is what the clock makes of a build.
type progress struct {
	State  string
	Phases []string // the state of each phase
	Done   int      // phases that have ended well
	Ended  time.Time
	// Part is how much of the phase that runs is over, between 0 and 1.
	Part float64
}

// progress walks a build through its phases, each of which takes the same part of the time.
func (s *Service) progress(b *build) progress {
	now, cancelled := s.options.Now(), !b.CancelledAt.IsZero()
	if cancelled {
		now = b.CancelledAt
	}
	each := max(s.options.BuildDuration/time.Duration(len(phases)), 1)
	passed := max(now.Sub(b.StartedAt), 0)
	p := progress{State: "Building", Done: int(min(passed/each, time.Duration(len(phases))))}
	if passed >= s.options.BuildDuration {
		p.Done = len(phases)
	}
	p.Part = min(float64(passed-time.Duration(p.Done)*each)/float64(each), 1)
	wrong := ""
	if b.Outcome != nil {
		if stop := slices.Index(phases, b.Outcome.Phase); stop >= 0 && p.Done > stop {
			wrong, p.Done, p.Part = cmp.Or(b.Outcome.State, "Failed"), stop, 1
		}
	}
	switch {
	case wrong != "" && slices.Contains(endStates, wrong):
		p.State, p.Ended = wrong, b.StartedAt.Add(time.Duration(p.Done+1)*each)
	case cancelled:
		p.State, p.Ended = "Cancel", b.CancelledAt
	case wrong != "":
		p.State = wrong
	case p.Done == len(phases):
		p.State, p.Ended = "Successful", b.StartedAt.Add(s.options.BuildDuration)
	case p.Done == 0:
		p.State = "Queuing"
	case phases[p.Done] == "Artifact":
		p.State = "Pushing"
	}
	p.Phases = p.phaseStates(wrong)
	return p
}

func (p progress) phaseStates(wrong string) []string {
	states := make([]string, len(phases))
	for i := range phases {
		switch {
		case i < p.Done:
			states[i] = "Successful"
		case i > p.Done:
			states[i] = "NotStarted"
		case p.State == "Cancel":
			states[i] = "Cancel"
		case wrong != "":
			states[i] = wrong
		default:
			states[i] = "Building"
		}
	}
	return states
}

func (p progress) seconds(b *build) int {
	if p.Ended.IsZero() {
		return 0
	}
	return int(p.Ended.Sub(b.StartedAt).Seconds())
}

// stepsOfPhase is how many lines a phase writes between its first and its last, one after the other.
const stepsOfPhase = 8

// log is what a build has written so far. It only ever grows.
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
