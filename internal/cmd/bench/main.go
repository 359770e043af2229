// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

// Command bench compares the provider with a baseline: a provider with the same schema that sends the same requests and
// does nothing else. Both run with the same CLI against the emulator. CONTRIBUTING.md describes how to read the table.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const module = "github.com/servicestage/terraform-provider-servicestage"

// Programs that the benchmark builds. The CLI looks for a provider under the name of the first.
const (
	provider = "terraform-provider-servicestage"
	baseline = "baseline"
)

type options struct {
	cli, programs, json                      string
	sizes, parallelisms                      []int
	delay                                    time.Duration
	repeat, starts, rateLimit, rateLimitJobs int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if filepath.Base(os.Args[0]) == provider {
		err = meter()
	} else {
		_, err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseOptions(arguments []string) (options, error) {
	o := options{sizes: []int{1, 100, 1000}, parallelisms: []int{10, 50}}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.cli, "cli", "terraform", "Terraform-compatible `program`")
	flags.StringVar(&o.programs, "programs", ".cache/bench", "`directory` for the providers")
	flags.StringVar(&o.json, "json", "", "`file` for the figures in JSON format")
	flags.Func("sizes", "comma-separated `numbers` of build jobs (default 1,100,1000)", intList(&o.sizes))
	flags.Func("parallelism", "comma-separated `numbers` of parallel operations (default 10,50)",
		intList(&o.parallelisms))
	flags.DurationVar(&o.delay, "delay", 20*time.Millisecond, "response time of the service")
	flags.IntVar(&o.repeat, "repeat", 3, "number of measurements of each command")
	flags.IntVar(&o.starts, "starts", 10, "number of measurements of the provider start")
	flags.IntVar(&o.rateLimit, "rate-limit", 50, "requests per second accepted by a service with a rate limit")
	flags.IntVar(&o.rateLimitJobs, "rate-limit-jobs", 1000, "build jobs that are read from a service with a rate limit")
	return o, flags.Parse(arguments)
}

// intList returns a parser of comma-separated numbers. An empty list keeps the default.
func intList(target *[]int) func(string) error {
	return func(text string) error {
		if text == "" {
			return nil
		}
		return json.Unmarshal([]byte("["+text+"]"), target)
	}
}

// bench is one run.
type bench struct {
	options
	scratch  string
	progress io.Writer
	rows     []row
}

// run writes the table to out, even if a measurement fails, and its progress to progress. It returns the table's rows.
func run(ctx context.Context, arguments []string, out, progress io.Writer) ([]row, error) {
	o, err := parseOptions(arguments)
	if err == nil {
		o.programs, err = filepath.Abs(o.programs)
	}
	if err != nil {
		return nil, err
	}
	// The flags of GoReleaser: a release is measured.
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w",
		"-o", o.programs+string(filepath.Separator), module, module+"/internal/cmd/bench/"+baseline)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the providers: %w\n%s", err, output)
	}
	b := &bench{options: o, progress: progress}
	if b.scratch, err = os.MkdirTemp(o.programs, "run-*"); err != nil {
		return nil, err
	}
	err = b.measure(ctx)
	encoded, failure := json.MarshalIndent(b.rows, "", "  ")
	if failure == nil && o.json != "" {
		failure = os.WriteFile(o.json, append(encoded, '\n'), 0o600)
	}
	return b.rows, errors.Join(err, failure, os.RemoveAll(b.scratch), writeTable(out, b.rows))
}

func (b *bench) measure(ctx context.Context) error {
	start := []step{{"start", []string{"providers", "schema", "-json"}}}
	if err := b.compare(ctx, 0, 1, b.starts, start); err != nil {
		return err
	}
	for _, parallelism := range b.parallelisms {
		if err := b.measureRateLimit(ctx, parallelism); err != nil {
			return err
		}
		for _, jobs := range b.sizes {
			if err := b.compare(ctx, jobs, parallelism, b.repeat, lifecycle); err != nil {
				return err
			}
		}
	}
	return nil
}

// step is a command of the CLI.
type step struct {
	name      string
	arguments []string
}

// lifecycle has one operation per step: only the plan without changes refreshes the state.
var lifecycle = []step{
	{"apply", []string{"apply", "-auto-approve"}},
	{"plan without changes", []string{"plan", "-detailed-exitcode"}},
	{"update", []string{"apply", "-auto-approve", "-refresh=false", "-var=description=Another description"}},
	{"destroy", []string{"destroy", "-auto-approve", "-refresh=false"}},
}

// compare runs the steps with the provider and the baseline in turn, so that other load on the machine affects both,
// and adds a row for each step.
func (b *bench) compare(ctx context.Context, jobs, parallelism, repeat int, steps []step) error {
	samples := map[string]map[string][]sample{provider: {}, baseline: {}}
	for repetition := range repeat {
		for program, measured := range samples {
			_, _ = fmt.Fprintf(b.progress, "bench: %d jobs, parallelism %d: %s, %d of %d\n",
				jobs, parallelism, program, repetition+1, repeat)
			w, err := b.newWorkspace(program, jobs, parallelism)
			if err != nil {
				return err
			}
			for _, step := range steps {
				s, err := w.run(ctx, step.arguments)
				if err != nil {
					w.server.Close()
					return err
				}
				measured[step.name] = append(measured[step.name], s)
			}
			w.server.Close()
		}
	}
	for _, step := range steps {
		b.add(step.name, jobs, parallelism, samples[provider][step.name], samples[baseline][step.name], measures...)
	}
	return nil
}

// measureRateLimit reads build jobs from a service with a rate limit. The baseline is a client that sends exactly as
// many requests as the service accepts.
func (b *bench) measureRateLimit(ctx context.Context, parallelism int) error {
	_, _ = fmt.Fprintf(b.progress, "bench: %d jobs, parallelism %d, rate limit\n", b.rateLimitJobs, parallelism)
	w, err := b.newWorkspace(provider, b.rateLimitJobs, parallelism)
	if err != nil {
		return err
	}
	defer w.server.Close()
	if _, err := w.run(ctx, lifecycle[0].arguments); err != nil {
		return err
	}
	w.service.InjectFault(rateLimit(b.rateLimit))
	s, err := w.run(ctx, lifecycle[1].arguments)
	if err != nil {
		return err
	}
	shortest := time.Second * time.Duration(b.rateLimitJobs) / time.Duration(b.rateLimit)
	ideal, name := sample{wall: shortest, requests: b.rateLimitJobs}, fmt.Sprintf("plan at %d requests/s", b.rateLimit)
	b.add(name, b.rateLimitJobs, parallelism, []sample{s}, []sample{ideal}, wall, requests)
	return nil
}
