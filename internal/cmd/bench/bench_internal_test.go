// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// The CLI starts the test program as the meter.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == provider {
		main()
		return
	}
	// Programs with the race detector otherwise wait for a second before they exit.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	m.Run()
}

// A small run measures both providers, and neither sends more requests than the operations need.
func TestRun_providerSendsNoOtherRequestsThanBaseline(t *testing.T) {
	t.Parallel()
	var table, progress strings.Builder
	rows, err := run(t.Context(), []string{
		"-cli", providertest.Program(t), "-programs", t.TempDir(), "-sizes", "2", "-parallelism", "2", "-delay", "0s",
		"-repeat", "1", "-starts", "1", "-rate-limit", "10", "-rate-limit-jobs", "15",
	}, &table, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	want := map[string]float64{
		"start": 0, "plan at 10 requests/s": 15, "apply": 5, "plan without changes": 2, "update": 6, "destroy": 2,
	}
	for _, row := range rows {
		f := row.Figures["requests"]
		limited := row.Jobs == 15 // The provider resends what the service rejects, unless the machine is slow.
		if f.Baseline != want[row.Name] || f.Provider < f.Baseline || f.Provider > f.Baseline && !limited {
			t.Errorf("%s: requests: %+v, want %v", row.Name, f, want[row.Name])
		}
		for name, f := range row.Figures {
			if name != "requests" && (f.Provider <= 0 || f.Baseline <= 0) {
				t.Errorf("%s: %s was not measured: %+v", row.Name, name, f)
			}
		}
		if !strings.Contains(table.String(), "\n"+row.Name+" ") {
			t.Errorf("no row %q in the table\n%s", row.Name, table.String())
		}
		delete(want, row.Name)
	}
	if len(want) > 0 {
		t.Errorf("not measured: %v", want)
	}
	isRejected, request := rateLimit(1).When, emulator.Request{}
	if isRejected(request) || !isRejected(request) {
		t.Error("the limit does not apply")
	}
}
