// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// row is a line of the table.
type row struct {
	Name        string            `json:"name"`
	Jobs        int               `json:"jobs"`
	Parallelism int               `json:"parallelism"`
	Figures     map[string]figure `json:"figures"` // By the name of the measure.
}

// figure compares the provider with the baseline. Ratio is 0 if the baseline is.
type figure struct {
	Provider float64 `json:"provider"`
	Baseline float64 `json:"baseline"`
	Ratio    float64 `json:"ratio"`
}

// measure is one quantity of a sample.
type measure struct {
	name, format string
	value        func(sample) float64
	limit        float64 // The largest acceptable ratio, or 0 for any.
}

// largeSize is the number of build jobs from which on limits apply. With fewer, the start of the provider dominates.
const largeSize = 1000

var (
	wall     = measure{"wall (s)", "%.2f", func(s sample) float64 { return s.wall.Seconds() }, 1.10}
	cpu      = measure{"CPU (s)", "%.2f", func(s sample) float64 { return s.cpu.Seconds() }, 1.10}
	memory   = measure{"memory (MB)", "%.1f", func(s sample) float64 { return float64(s.memory) / 1e6 }, 1.20}
	requests = measure{"requests", "%.0f", func(s sample) float64 { return float64(s.requests) }, 0}
	measures = []measure{wall, cpu, memory, requests}
)

// of returns the smallest value, because other load on the machine only adds to it.
func (m measure) of(samples []sample) float64 {
	smallest := math.Inf(1)
	for _, s := range samples {
		smallest = min(smallest, m.value(s))
	}
	return smallest
}

// add adds a row with the given measures.
func (b *bench) add(name string, jobs, parallelism int, provider, baseline []sample, measures ...measure) {
	r := row{Name: name, Jobs: jobs, Parallelism: parallelism, Figures: map[string]figure{}}
	for _, m := range measures {
		f := figure{Provider: m.of(provider), Baseline: m.of(baseline)}
		if f.Baseline != 0 {
			f.Ratio = f.Provider / f.Baseline
		}
		r.Figures[m.name] = f
	}
	b.rows = append(b.rows, r)
}

// writeTable writes each ratio with the two values that it compares, and with the limit if it exceeds that.
func writeTable(out io.Writer, rows []row) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprint(table, "provider/baseline\tjobs\tparallelism") // Flush returns the error.
	for _, m := range measures {
		_, _ = fmt.Fprint(table, "\t", m.name)
	}
	for _, r := range rows {
		_, _ = fmt.Fprintf(table, "\n%s\t%d\t%d", r.Name, r.Jobs, r.Parallelism)
		for _, m := range measures {
			f, ok := r.Figures[m.name]
			if !ok {
				_, _ = fmt.Fprint(table, "\t-")
				continue
			}
			_, _ = fmt.Fprintf(table, "\t%.2f = "+m.format+"/"+m.format, f.Ratio, f.Provider, f.Baseline)
			if r.Jobs >= largeSize && m.limit > 0 && f.Ratio > m.limit {
				_, _ = fmt.Fprintf(table, " > %.2f", m.limit)
			}
		}
	}
	_, _ = fmt.Fprintln(table)
	return table.Flush()
}
