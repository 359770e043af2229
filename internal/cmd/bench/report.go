// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
)

// Units of figures.
const (
	unitTime   = "s"
	unitMemory = "bytes"
	unitCount  = ""
	unitRatio  = "times"
)

// figure is one line of the table.
type figure struct {
	Name string  `json:"name"`
	Unit string  `json:"unit"`
	Ours float64 `json:"ours"`
	// Floor is what it is compared with; 0 where there is nothing.
	Floor   float64 `json:"floor,omitempty"`
	FloorIs string  `json:"floor_is,omitempty"`
	// Least is the floor with one attribute, where the other one has the same schema.
	Least float64 `json:"one_attribute,omitempty"`
	// MaxRatio is what the ratio to the floor must not exceed, and Max the same for Ours; 0 means that nothing is wanted.
	MaxRatio float64 `json:"max_ratio,omitempty"`
	Max      float64 `json:"max,omitempty"`
	Target   string  `json:"target,omitempty"`
	Met      *bool   `json:"met,omitempty"`
	// Samples are all that was measured, by provider.
	Samples map[string][]float64 `json:"samples,omitempty"`

	setting setting
	step    string
	measure string
}

// ratio is 0 where there is no floor.
func (f figure) ratio() float64 {
	if f.Floor == 0 {
		return 0
	}
	return f.Ours / f.Floor
}

func (f figure) met() bool {
	return (f.MaxRatio == 0 || f.ratio() <= f.MaxRatio) && (f.Max == 0 || f.Ours <= f.Max)
}

// measure is one thing that a sample says.
type measure struct {
	name, unit string
	value      func(sample) float64
	// choose takes one of the values that were measured, which are sorted.
	choose func([]float64) float64
}

// Of times the least counts: whatever else the machine does can only add to them. Peaks of memory go both ways.
var (
	wall   = measure{"wall", unitTime, func(s sample) float64 { return s.wall.Seconds() }, least}
	cpu    = measure{"provider CPU", unitTime, func(s sample) float64 { return s.cpu.Seconds() }, least}
	memory = measure{"provider memory", unitMemory, func(s sample) float64 { return float64(s.memory) }, median}
)

func least(sorted []float64) float64 { return sorted[0] }

func median(sorted []float64) float64 { return sorted[len(sorted)/2] }

func (m measure) values(samples []sample) []float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = m.value(s)
	}
	return values
}

func (m measure) of(samples []sample) float64 {
	values := m.values(samples)
	slices.Sort(values)
	return m.choose(values)
}

func (m measure) figure(name string, samples map[string][]sample, floor string) figure {
	f := figure{Name: name + ": " + m.name, Unit: m.unit, Ours: m.of(samples[ours]), Floor: m.of(samples[floor]), Samples: map[string][]float64{}}
	for provider, measured := range samples {
		f.Samples[provider] = m.values(measured)
	}
	return f
}

// report is all that a run has found out.
type report struct {
	Go         string   `json:"go"`
	Platform   string   `json:"platform"`
	CPUs       int      `json:"cpus"`
	CLIs       []string `json:"clis"`
	Figures    []figure `json:"figures"`
	Benchmarks []string `json:"benchmarks"`
}

func (r *report) add(figures ...figure) {
	for _, f := range figures {
		if f.Target != "" {
			f.Met = new(f.met())
		}
		r.Figures = append(r.Figures, f)
	}
}

// write prints the table, and writes the files that were asked for.
func (r *report) write(out io.Writer, o options) error {
	r.Go, r.Platform, r.CPUs, r.CLIs = runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(), o.clis
	errs := []error{r.table(out)}
	if o.json != "" {
		encoded, err := json.MarshalIndent(r, "", "  ")
		errs = append(errs, err, os.WriteFile(o.json, append(encoded, '\n'), 0o600))
	}
	if o.plot != "" {
		errs = append(errs, os.WriteFile(o.plot, r.plot(), 0o600))
	}
	return errors.Join(errs...)
}

func (r *report) table(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "figure\tours\tfloor\tratio\tfloor is\tone attribute\ttarget\t") // Flush returns its error.
	for _, f := range r.Figures {
		ratio, verdict := "", f.Target
		if f.Floor != 0 {
			ratio = fmt.Sprintf("%.2f", f.ratio())
		}
		if f.Met != nil && !*f.Met {
			verdict += " - MISSED"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", f.Name, f.text(f.Ours), f.text(f.Floor), ratio, f.FloorIs, f.text(f.Least), verdict)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, line := range r.Benchmarks {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// text is a value with its unit; nothing for 0 where that means that there is none.
func (f figure) text(value float64) string {
	switch {
	case value == 0 && f.Unit != unitCount:
		return ""
	case f.Unit == unitTime && value < 1:
		return fmt.Sprintf("%.1f ms", value*1000)
	case f.Unit == unitTime:
		return fmt.Sprintf("%.2f s", value)
	case f.Unit == unitMemory:
		return fmt.Sprintf("%.1f MB", value/1e6)
	case f.Unit == unitRatio:
		return fmt.Sprintf("x %.2f", value)
	default:
		return fmt.Sprintf("%g", value)
	}
}
