// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Command bench measures what the provider costs, against providers that do less and were measured in the same run: one with no
// resource, one with one attribute, and one with the very schema and the least logic. CONTRIBUTING.md says how to read it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options say what is measured.
type options struct {
	// clis are the Terraform-compatible programs. All is measured with the first, the life of jobs with each.
	clis []string
	// sizes are how many jobs there are at once, parallelisms how many operations run at once, delays how long the service takes
	// to answer.
	sizes, parallelisms []int
	delays              []time.Duration
	// repeat is how often each command is measured; of more than largeSize jobs, once.
	repeat int
	// throttled is how many jobs are read while the service throttles; 0 skips that.
	throttled int
	// benchmarks runs the Go benchmarks too.
	benchmarks bool
	// json and plot name the files to write; empty writes none.
	json, plot string
	// programs is the directory that the programs are built into.
	programs string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	options, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, options, os.Stdout, os.Stderr)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // Nothing is left for stop to do.
	}
}

func parse(arguments []string) (options, error) {
	o := options{sizes: []int{1, 100, 1000, 5000}, parallelisms: []int{10, 50}, delays: []time.Duration{0, 20 * time.Millisecond}}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.Func("cli", "comma-separated Terraform-compatible `programs`", list(&o.clis, func(s string) (string, error) { return s, nil }))
	flags.Func("sizes", "comma-separated `numbers` of jobs (default 1,100,1000,5000)", list(&o.sizes, strconv.Atoi))
	flags.Func("parallelism", "comma-separated `numbers` of operations at once (default 10,50)", list(&o.parallelisms, strconv.Atoi))
	flags.Func("delays", "comma-separated `times` that the service takes to answer (default 0s,20ms)", list(&o.delays, time.ParseDuration))
	flags.IntVar(&o.repeat, "repeat", 3, "how often each command is measured")
	flags.IntVar(&o.throttled, "throttled", 1000, "how many jobs are read while the service throttles; 0 skips it")
	flags.BoolVar(&o.benchmarks, "benchmarks", true, "run the Go benchmarks too")
	flags.StringVar(&o.json, "json", "", "`file` for the figures as JSON")
	flags.StringVar(&o.plot, "plot", "", "`file` for the plot, as SVG")
	flags.StringVar(&o.programs, "programs", ".cache/bench", "`directory` for the programs that are built")
	if err := flags.Parse(arguments); err != nil {
		return options{}, err
	}
	if len(o.clis) == 0 {
		o.clis = []string{"terraform"}
	}
	return o, nil
}

// list reads comma-separated values; none at all keeps the default.
func list[T any](target *[]T, parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		if text == "" {
			return nil
		}
		*target = nil
		for element := range strings.SplitSeq(text, ",") {
			value, err := parse(strings.TrimSpace(element))
			if err != nil {
				return err
			}
			*target = append(*target, value)
		}
		return nil
	}
}

// run measures everything and writes the table to out. What it is at goes to progress.
func run(ctx context.Context, o options, out, progress io.Writer) error {
	bench, err := newBench(ctx, o, progress)
	if err != nil {
		return err
	}
	err = bench.measure(ctx)
	return errors.Join(err, bench.close(), bench.report.write(out, o))
}

func (b *bench) measure(ctx context.Context) error {
	for _, part := range []func(context.Context) error{
		b.measureStart, b.measureSize, b.measureRequests, b.measureHandshakes, b.measureThrottled, b.measureLife, b.measureGo,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}
