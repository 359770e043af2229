// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// largeSize is the number of jobs above which nothing is measured twice: Terraform's own apply is quadratic in it.
const largeSize = 1000

// life is what is measured of jobs, in this order, with the requests that each step makes for a job.
var life = []step{
	{"plan", 0, []string{"plan", "-input=false", "-out=tfplan"}},
	{"apply", 2, []string{"apply", "-input=false", "tfplan"}},
	{"plan without changes", 1, []string{"plan", "-input=false", "-detailed-exitcode"}},
	{"destroy", 2, []string{"destroy", "-input=false", "-auto-approve"}},
}

// setting is under which circumstances a life is measured.
type setting struct {
	cli         string
	jobs        int
	parallelism int
	delay       time.Duration
}

// String is how the table calls it.
func (s setting) String() string {
	return fmt.Sprintf("%s, %d jobs, parallelism %d, service %d ms", filepath.Base(s.cli), s.jobs, s.parallelism, s.delay.Milliseconds())
}

// measureLife measures the life of jobs with ours and both floors, one after the other in each repetition, so that whatever else
// the machine does hits them alike.
func (b *bench) measureLife(ctx context.Context) error {
	for _, cli := range b.clis {
		for _, jobs := range b.sizes {
			for _, parallelism := range b.parallelisms {
				for _, delay := range b.delays {
					if err := b.measureLives(ctx, setting{cli, jobs, parallelism, delay}); err != nil {
						return err
					}
				}
			}
		}
	}
	b.addGrowth()
	return nil
}

func (b *bench) measureLives(ctx context.Context, at setting) error {
	samples := map[string]map[string][]sample{} // By step and provider.
	for _, step := range life {
		samples[step.name] = map[string][]sample{}
	}
	repeat := b.repeat
	if at.jobs > largeSize {
		repeat = 1
	}
	for repetition := range repeat {
		for _, provider := range []string{ours, schema, attribute} {
			b.say("%s: %s, %d of %d", at, provider, repetition+1, repeat)
			if err := b.liveOnce(ctx, at, provider, samples); err != nil {
				return err
			}
		}
	}
	for _, step := range life {
		b.report.addLife(at, step, samples[step.name])
	}
	return nil
}

// liveOnce takes jobs from plan to destroy, and fails where a step makes more or fewer requests than it should: figures of
// different work would be no comparison.
func (b *bench) liveOnce(ctx context.Context, at setting, provider string, samples map[string]map[string][]sample) error {
	w, err := b.newWorkspace(at.cli, provider, b.service)
	if err != nil {
		return err
	}
	if err := w.configure(at.jobs, usualDescription, ""); err != nil {
		return err
	}
	b.service.delay.Store(int64(at.delay))
	for _, step := range life {
		s, err := w.run(ctx, slices.Insert(slices.Clone(step.arguments), 1, parallel(at.parallelism))...)
		if err != nil {
			return err
		}
		if want := step.requests * at.jobs; s.counts.total != want {
			return fmt.Errorf("%s: %s with %s made %d requests, not %d", at, step.name, provider, s.counts.total, want)
		}
		samples[step.name][provider] = append(samples[step.name][provider], s)
	}
	return nil
}

// addLife adds the figures of one step. Apply is judged by the provider's CPU, as its wall time is mostly Terraform's own.
func (r *report) addLife(at setting, step step, samples map[string][]sample) {
	name := fmt.Sprintf("%s: %s", at, step.name)
	judged := at.jobs == largeSize
	for _, m := range []measure{wall, cpu, memory} {
		f := m.figure(name, samples, schema)
		f.setting, f.step, f.measure = at, step.name, m.name
		f.FloorIs = "same schema"
		f.Least = m.of(samples[attribute])
		switch {
		case judged && m.name == cpu.name && step.name != "destroy":
			f.MaxRatio, f.Target = 1.15, "at most 1.15 of the floor"
		case judged && m.name == memory.name:
			f.MaxRatio, f.Target = 1.20, "at most 1.20 of the floor"
		case judged && m.name == wall.name && step.name == "plan without changes" && at.parallelism == 50 && at.delay == 20*time.Millisecond:
			f.MaxRatio, f.Target = 1.10, "at most 1.10 of the floor"
		}
		r.add(f)
	}
	opened := 0
	for _, s := range samples[ours] {
		opened = max(opened, s.counts.opened)
	}
	most, is := at.parallelism, "parallelism"
	if step.name == "destroy" { // Terraform starts the provider once to plan, and once to apply.
		most, is = 2*at.parallelism, "parallelism, twice"
	}
	r.add(figure{
		Name: name + ": connections", Unit: unitCount, Ours: float64(opened), Floor: float64(most), FloorIs: is,
		MaxRatio: 1, Target: "at most the floor",
	})
}

// addGrowth compares how CPU grows from each size to the next with how the floor's does.
func (b *bench) addGrowth() {
	for _, small := range b.report.Figures {
		if small.measure != cpu.name {
			continue
		}
		for i, size := range b.sizes[:len(b.sizes)-1] {
			if size != small.setting.jobs || size < largeSize {
				continue
			}
			next := small.setting
			next.jobs = b.sizes[i+1]
			for _, large := range b.report.Figures {
				if large.setting != next || large.step != small.step || large.measure != small.measure {
					continue
				}
				b.report.add(figure{
					Name: fmt.Sprintf("%s, from %d: %s: growth of CPU", next, size, small.step), Unit: unitRatio,
					Ours: large.Ours / small.Ours, Floor: large.Floor / small.Floor, FloorIs: "same schema", MaxRatio: 1.05, Target: "no worse than the floor",
					Least: large.Least / small.Least,
				})
			}
		}
	}
}
