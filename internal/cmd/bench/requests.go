// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// step is a command of the CLI, and how many requests it may make for each job.
type step struct {
	name      string
	requests  int
	arguments []string
}

// operations are the steps in the life of jobs, each planned before, so that nothing is read besides.
var operations = []step{
	{"create", 2, []string{"apply", "-input=false", "create.plan"}},
	{"plan without changes (read)", 1, []string{"plan", "-input=false", "-detailed-exitcode"}},
	{"update", 3, []string{"apply", "-input=false", "update.plan"}},
	{"data source by id", 1, []string{"plan", "-input=false", "-refresh=false"}},
	{"delete", 1, []string{"apply", "-input=false", "delete.plan"}},
}

// measureRequests counts what each operation asks the service for.
func (b *bench) measureRequests(ctx context.Context) error {
	b.say("requests of each operation")
	w, err := b.newWorkspace(b.clis[0], ours, b.service)
	if err != nil {
		return err
	}
	for _, operation := range operations {
		jobs, err := w.prepare(ctx, operation)
		if err != nil {
			return err
		}
		s, err := w.run(ctx, operation.arguments...)
		if err != nil {
			return err
		}
		b.report.add(figure{
			Name: "requests: " + operation.name, Unit: unitCount, Ours: float64(s.counts.total) / float64(jobs),
			Floor: float64(operation.requests), FloorIs: "what the API needs", MaxRatio: 1, Target: "the floor",
		})
	}
	return nil
}

// prepare writes the configuration for an operation, plans it where it is an apply, and returns for how many jobs it is.
func (w *workspace) prepare(ctx context.Context, operation step) (jobs int, err error) {
	const several = 3
	jobs = several
	switch operation.name {
	case "create":
		err = w.configure(several, usualDescription, "")
	case "update":
		err = w.configure(several, "Another one", "")
	case "delete":
		if err = w.configure(several, "Another one", ""); err == nil {
			_, err = w.run(ctx, "plan", "-input=false", "-destroy", "-out=delete.plan")
		}
		return jobs, err
	case "data source by id":
		jobs = 1
		ids := w.service.Jobs()
		return jobs, w.configure(several, "Another one", fmt.Sprintf("data \"servicestage_build_job\" \"one\" {\n  job_id = %q\n}\n", ids[0].ID))
	default:
		return jobs, nil
	}
	if err == nil {
		_, err = w.run(ctx, "plan", "-input=false", "-out="+operation.name+".plan")
	}
	return jobs, err
}

// measureHandshakes counts connections over TLS, as the gateway is reached.
func (b *bench) measureHandshakes(ctx context.Context) error {
	b.say("TLS")
	const jobs = 200
	for _, parallelism := range b.parallelisms {
		for name, protocol := range map[string]transport{"HTTP/1.1": tls1, "HTTP/2": tls2} {
			s, err := newService(protocol)
			if err != nil {
				return err
			}
			handshakes, err := b.readOnce(ctx, s, jobs, parallelism)
			s.close()
			if err != nil {
				return err
			}
			b.report.add(figure{
				Name: fmt.Sprintf("TLS handshakes: %d reads, parallelism %d, %s", jobs, parallelism, name), Unit: unitCount,
				Ours: float64(handshakes), Floor: float64(parallelism), FloorIs: "parallelism", MaxRatio: 1, Target: "at most the floor",
			})
		}
	}
	return nil
}

func (b *bench) readOnce(ctx context.Context, s *service, jobs, parallelism int) (handshakes int, err error) {
	w, err := b.newWorkspace(b.clis[0], ours, s)
	if err != nil {
		return 0, err
	}
	s.delay.Store(int64(5 * time.Millisecond)) // So that all operations are on their way at once.
	if err := w.make(ctx, jobs); err != nil {
		return 0, err
	}
	read, err := w.run(ctx, "plan", "-input=false", "-detailed-exitcode", parallel(parallelism))
	return read.counts.handshakes, err
}

// make makes jobs, as fast as may be.
func (w *workspace) make(ctx context.Context, jobs int) error {
	if err := w.configure(jobs, usualDescription, ""); err != nil {
		return err
	}
	_, err := w.run(ctx, "apply", "-input=false", "-auto-approve", parallel(50))
	return err
}

func parallel(operations int) string { return "-parallelism=" + strconv.Itoa(operations) }

// throttledLimit is how many requests a service that throttles lets through in a second.
const throttledLimit = 50

// measureThrottled reads jobs from a service that throttles.
func (b *bench) measureThrottled(ctx context.Context) error {
	if b.throttled == 0 {
		return nil
	}
	b.say("throttled service")
	w, err := b.newWorkspace(b.clis[0], ours, b.service)
	if err != nil {
		return err
	}
	b.service.delay.Store(0)
	if err := w.make(ctx, b.throttled); err != nil {
		return err
	}
	ideal := float64(b.throttled) / throttledLimit
	for _, parallelism := range b.parallelisms {
		b.service.throttle(throttledLimit)
		read, err := w.run(ctx, "plan", "-input=false", "-detailed-exitcode", parallel(parallelism))
		b.service.throttle(0)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("throttled: %d reads at %d/s, parallelism %d", b.throttled, throttledLimit, parallelism)
		b.report.add(
			figure{Name: name, Unit: unitTime, Ours: read.wall.Seconds(), Floor: ideal, FloorIs: "ideal", MaxRatio: 1.10, Target: "at most 1.10 of the floor"},
			figure{Name: name + ", answers 429", Unit: unitCount, Ours: float64(read.counts.refused)},
		)
	}
	_, err = w.run(ctx, "destroy", "-input=false", "-auto-approve", parallel(50))
	return err
}
