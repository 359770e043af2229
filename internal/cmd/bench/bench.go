// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The providers that are measured, and the program that measures them.
const (
	ours      = "servicestage"
	schema    = "floor-schema"
	attribute = "floor-attribute"
	empty     = "floor-empty"
	meter     = "meter"
)

// module is the path of this module.
const module = "github.com/servicestage/terraform-provider-servicestage"

// packages are what the programs are built from.
var packages = map[string]string{
	ours:      module,
	schema:    module + "/internal/cmd/bench/floor-schema",
	attribute: module + "/internal/cmd/bench/floor-attribute",
	empty:     module + "/internal/cmd/bench/floor-empty",
	meter:     module + "/internal/cmd/bench/meter",
}

// bench is one run.
type bench struct {
	options
	report   report
	service  *service
	scratch  string
	progress io.Writer
}

func newBench(ctx context.Context, o options, progress io.Writer) (*bench, error) {
	programs, err := filepath.Abs(o.programs)
	if err != nil {
		return nil, err
	}
	o.programs = programs
	b := &bench{options: o, progress: progress}
	for name, path := range packages {
		b.say("building %s", name)
		// As a release is built: GoReleaser's flags.
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.program(name), path)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building %s: %w\n%s", name, err, output)
		}
	}
	if b.scratch, err = os.MkdirTemp(b.programs, "run-*"); err != nil {
		return nil, err
	}
	if b.service, err = newService(plain); err != nil {
		return nil, errors.Join(err, os.RemoveAll(b.scratch))
	}
	return b, nil
}

func (b *bench) close() error {
	b.service.close()
	return os.RemoveAll(b.scratch)
}

func (b *bench) program(name string) string { return filepath.Join(b.programs, name) }

func (b *bench) say(format string, arguments ...any) {
	_, _ = fmt.Fprintf(b.progress, "bench: "+format+"\n", arguments...) // Nothing depends on it.
}

func (b *bench) measureSize(context.Context) error {
	var bytes [2]float64
	for i, name := range []string{ours, empty} {
		file, err := os.Stat(b.program(name))
		if err != nil {
			return err
		}
		bytes[i] = float64(file.Size())
	}
	b.report.add(figure{
		Name: "stripped binary", Unit: unitMemory, Ours: bytes[0], Floor: bytes[1], FloorIs: "empty provider",
		Max: 21e6, Target: "at most 21 MB",
	})
	return nil
}

// measureGo runs the Go benchmarks of whatever is done for each request.
func (b *bench) measureGo(ctx context.Context) error {
	if !b.benchmarks {
		return nil
	}
	b.say("Go benchmarks")
	command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchmem", module+"/internal/...")
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("the Go benchmarks: %w\n%s", err, output)
	}
	for line := range strings.Lines(string(output)) {
		if strings.HasPrefix(line, "Benchmark") {
			b.report.Benchmarks = append(b.report.Benchmarks, strings.TrimSpace(line))
		}
	}
	return nil
}
