// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

// Measures of the plot, in pixels: one panel for each step and measure, side by side wall and CPU.
const (
	panelWidth, panelHeight = 340.0, 190.0
	marginLeft, marginTop   = 60.0, 40.0
	gap                     = 60.0
)

// line is one provider in the plot.
type line struct {
	provider, colour string
	value            func(figure) float64
}

var lines = []line{
	{"this provider", "#c0392b", func(f figure) float64 { return f.Ours }},
	{"same schema, least logic", "#2c3e50", func(f figure) float64 { return f.Floor }},
	{"one attribute", "#95a5a6", func(f figure) float64 { return f.Least }},
}

// plot draws wall time and provider CPU over the number of jobs, both axes logarithmic, for the first setting that was measured.
func (r *report) plot() []byte {
	var svg bytes.Buffer
	width, height := 2*(marginLeft+panelWidth)+gap, marginTop+float64(len(life))*(panelHeight+gap)+gap
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" font-family="sans-serif" font-size="11">`+"\n", width, height)
	fmt.Fprintf(&svg, `<rect width="%g" height="%g" fill="white"/>`+"\n", width, height)
	for i, line := range lines {
		x := marginLeft + float64(i)*200
		fmt.Fprintf(&svg, `<rect x="%g" y="8" width="10" height="10" fill="%s"/><text x="%g" y="17">%s</text>`+"\n", x, line.colour, x+15, line.provider)
	}
	for row, step := range life {
		for column, m := range []measure{wall, cpu} {
			p := panel{
				left:    marginLeft + float64(column)*(panelWidth+marginLeft+gap/2),
				top:     marginTop + 20 + float64(row)*(panelHeight+gap),
				title:   step.name + ": " + m.name,
				figures: r.series(step.name, m.name),
			}
			p.draw(&svg)
		}
	}
	svg.WriteString("</svg>\n")
	return svg.Bytes()
}

// series are the figures of one step and measure, for each number of jobs, under the circumstances of the first.
func (r *report) series(step, measure string) []figure {
	var found []figure
	for _, f := range r.Figures {
		if f.step != step || f.measure != measure {
			continue
		}
		if len(found) > 0 {
			at := found[0].setting
			at.jobs = f.setting.jobs
			if f.setting != at {
				continue
			}
		}
		found = append(found, f)
	}
	return found
}

type panel struct {
	left, top float64
	title     string
	figures   []figure
}

func (p panel) draw(svg *bytes.Buffer) {
	fmt.Fprintf(svg, `<text x="%g" y="%g" font-weight="bold">%s</text>`+"\n", p.left, p.top-6, p.title)
	fmt.Fprintf(svg, `<rect x="%g" y="%g" width="%g" height="%g" fill="none" stroke="#ccc"/>`+"\n", p.left, p.top, panelWidth, panelHeight)
	if len(p.figures) == 0 {
		return
	}
	x := newAxis(func(f figure) []float64 { return []float64{float64(f.setting.jobs)} }, p.figures, p.left+15, p.left+panelWidth-15)
	y := newAxis(func(f figure) []float64 { return []float64{f.Ours, f.Floor, f.Least} }, p.figures, p.top+panelHeight-10, p.top+10)
	for _, f := range p.figures {
		fmt.Fprintf(svg, `<text x="%.1f" y="%.1f" text-anchor="middle">%d</text>`+"\n", x.at(float64(f.setting.jobs)), p.top+panelHeight+14, f.setting.jobs)
	}
	for _, value := range []float64{y.low, y.high} {
		fmt.Fprintf(svg, `<text x="%.1f" y="%.1f" text-anchor="end">%.2g s</text>`+"\n", p.left-5, y.at(value)+4, value)
	}
	for _, line := range lines {
		var points []string
		for _, f := range p.figures {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x.at(float64(f.setting.jobs)), y.at(line.value(f))))
		}
		fmt.Fprintf(svg, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), line.colour)
		for _, point := range points {
			cx, cy, _ := strings.Cut(point, ",")
			fmt.Fprintf(svg, `<circle cx="%s" cy="%s" r="3" fill="%s"/>`+"\n", cx, cy, line.colour)
		}
	}
}

// axis is logarithmic.
type axis struct{ low, high, from, to float64 }

func newAxis(values func(figure) []float64, figures []figure, from, to float64) axis {
	a := axis{low: math.Inf(1), high: math.Inf(-1), from: from, to: to}
	for _, f := range figures {
		for _, value := range values(f) {
			if value > 0 {
				a.low, a.high = min(a.low, value), max(a.high, value)
			}
		}
	}
	return a
}

func (a axis) at(value float64) float64 {
	if value <= 0 || a.high <= a.low {
		return a.from
	}
	return a.from + (a.to-a.from)*math.Log(value/a.low)/math.Log(a.high/a.low)
}
