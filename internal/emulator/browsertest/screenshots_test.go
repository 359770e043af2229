// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package browsertest_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// .github/emulator.png is light.png.
var screenshots = flag.String("screenshots", "", "`directory` for screenshots of the page")

// TestScreenshots writes a screenshot of the page in each color scheme.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("-screenshots is not set")
	}
	server := emulator.New(t, emulator.Options{BuildDuration: 6 * time.Second})
	address := server.URL + "/assembling/v1/jobs"
	for i, name := range []string{
		"base-image", "search-indexer", "payment-gateway", "catalogue-service", "checkout-service-arm",
		"checkout-service",
	} {
		job := spec(name)
		environment := job["environment_setting"].(map[string]any)
		switch i % 3 {
		case 1:
			environment["cluster_id"] = "c7a1d0e2-5f7b-11ef-9f6a-0255ac100057"
			environment["cluster_name"] = "build-cluster"
			job["enterprise_project_id"] = "0b5e1c3a-6a0f-4a55-9d3b-6f0c1c0e9d11"
		case 2:
			job["code_repo"].(map[string]any)["branch"] = "release"
		}
		if i == 4 {
			environment["build_os"] = map[string]any{"arch": "aarch64"}
		}
		body, err := json.Marshal(job)
		if err != nil {
			t.Fatal(err)
		}
		request(t, http.MethodPost, address, emulator.DefaultToken, string(body))
	}
	jobs := server.Jobs()
	for _, path := range []string{"", "/" + jobs[5].ID, "/unknown"} {
		request(t, http.MethodGet, address+path, emulator.DefaultToken, "")
	}
	request(t, http.MethodGet, address, "expired", "")
	server.InjectFault(emulator.Fault{Path: "/assembling/v1/jobs", StatusCode: http.StatusServiceUnavailable})
	server.InjectFault(emulator.Fault{Method: http.MethodPost, Path: "/assembling/v1/jobs", Drop: true, After: true})
	request(t, http.MethodGet, address+"?page=1&per_page=100", emulator.DefaultToken, "")
	server.AddBuild(jobs[3].ID)
	server.InjectOutcomes(emulator.Outcome{Phase: "Build"})
	server.AddBuild(jobs[2].ID)
	time.Sleep(7 * time.Second)

	page := newTab(t, 1280, 860)
	for _, scheme := range []string{"light", "dark"} {
		page.do(prefer(scheme))
		server.AddBuild(jobs[5].ID)
		page.open(server, "")
		time.Sleep(2500 * time.Millisecond) // Until highlights have faded.
		image, err := chromedp.Run(page.ctx, chromedp.CaptureScreenshot())
		if err == nil {
			err = os.WriteFile(filepath.Join(*screenshots, scheme+".png"), image, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
