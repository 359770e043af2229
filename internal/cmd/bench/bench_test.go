// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// The whole of a small run: it measures, and what is counted exactly is as it has to be.
func TestBench(t *testing.T) {
	t.Parallel()
	providertest.Prepare(t)
	root, err := providertest.Root()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	figures, plot := filepath.Join(folder, "figures.json"), filepath.Join(folder, "plot.svg")
	bench := exec.CommandContext(t.Context(), "go", "run", "./internal/cmd/bench", "-cli", providertest.Program(t), "-programs", folder,
		"-sizes", "2", "-parallelism", "2", "-delays", "0s", "-repeat", "1", "-throttled", "0", "-benchmarks=false", "-json", figures, "-plot", plot)
	bench.Dir = root
	if output, err := bench.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	content, err := os.ReadFile(figures)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Figures []struct {
			Name  string  `json:"name"`
			Ours  float64 `json:"ours"`
			Floor float64 `json:"floor"`
		} `json:"figures"`
	}
	if err := json.Unmarshal(content, &report); err != nil {
		t.Fatal(err)
	}
	counted := 0
	for _, figure := range report.Figures {
		switch {
		case strings.HasPrefix(figure.Name, "requests: "):
			counted++
			if figure.Ours != figure.Floor {
				t.Errorf("%s: %v, want %v", figure.Name, figure.Ours, figure.Floor)
			}
		case strings.HasSuffix(figure.Name, ": connections"):
			counted++
			if figure.Ours > figure.Floor {
				t.Errorf("%s: %v, want at most %v", figure.Name, figure.Ours, figure.Floor)
			}
		}
	}
	if counted != 9 {
		t.Errorf("%d figures were counted, want 5 of requests and 4 of connections\n%s", counted, content)
	}
	if svg, err := os.ReadFile(plot); err != nil || !strings.Contains(string(svg), "<svg") {
		t.Errorf("the plot: %v\n%s", err, svg)
	}
}
