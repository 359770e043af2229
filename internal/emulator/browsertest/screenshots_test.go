// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package browsertest_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// .github/emulator.png is light.png.
var screenshots = flag.String("screenshots", "", "`directory` for screenshots of the page")

// TestScreenshots writes screenshots of the page, for a review.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("-screenshots is not set")
	}
	server := emulator.New(t, emulator.Options{BuildDuration: 6 * time.Second})
	ids := map[string]string{}
	for i, name := range []string{
		"base-image", "search-indexer", "payment-gateway", "catalogue-service", "checkout-service-arm",
		"checkout-service",
	} {
		body := spec(name)
		switch i % 3 {
		case 1:
			environment := body["environment_setting"].(map[string]any)
			environment["cluster_id"] = "c7a1d0e2-5f7b-11ef-9f6a-0255ac100057"
			environment["cluster_name"] = "build-cluster"
			body["enterprise_project_id"] = "0b5e1c3a-6a0f-4a55-9d3b-6f0c1c0e9d11"
		case 2:
			body["code_repo"].(map[string]any)["branch"] = "release"
		}
		if strings.HasSuffix(name, "-arm") {
			body["environment_setting"].(map[string]any)["build_os"] = map[string]any{"arch": "aarch64"}
		}
		ids[name] = create(t, server, body)
	}
	for _, path := range []string{"", "/" + ids["checkout-service"], "/unknown"} {
		request(t, http.MethodGet, server.URL+"/assembling/v1/jobs"+path, emulator.DefaultToken, "")
	}
	request(t, http.MethodGet, server.URL+"/assembling/v1/jobs", "expired", "")
	server.InjectFault(emulator.Fault{Path: "/assembling/v1/jobs", StatusCode: http.StatusServiceUnavailable})
	server.InjectFault(emulator.Fault{Method: http.MethodPost, Path: "/assembling/v1/jobs", Drop: true, After: true})
	request(t, http.MethodGet, server.URL+"/assembling/v1/jobs?page=1&per_page=100", emulator.DefaultToken, "")
	server.AddBuild(ids["catalogue-service"])
	server.InjectOutcomes(emulator.Outcome{Phase: "Build", Log: "payment.go:12:8: undefined: Currency"})
	server.AddBuild(ids["payment-gateway"])
	time.Sleep(7 * time.Second)

	page := newTab(t, 1280, 860)
	for _, scheme := range []string{"light", "dark"} {
		page.do(prefer(scheme), chromedp.EmulateViewport(1280, 860))
		server.AddBuild(ids["checkout-service"])
		page.open(server, "")
		page.shoot(scheme)
		page.open(server, "?running#"+ids["checkout-service"])
		server.AddBuild(ids["checkout-service"])
		page.shoot("running-" + scheme)
		page.open(server, "?failed#"+ids["payment-gateway"])
		page.shoot("failed-" + scheme)
	}
	page.open(server, "?dialogs")
	for _, dialog := range []string{"fault", "connect", "reset"} {
		page.click("#open-" + dialog)
		page.shoot(dialog)
		page.do(chromedp.KeyEvent("\x1b"))
	}
	page.do(prefer("light"))
	for _, width := range []int64{360, 768, 1600} {
		page.do(chromedp.EmulateViewport(width, 900))
		page.open(server, "?narrow")
		page.shoot(fmt.Sprintf("width-%d", width))
		page.do(chromedp.ScrollIntoView(chromedp.CSS("#requests")))
		page.shoot(fmt.Sprintf("width-%d-requests", width))
		page.open(server, "?drawer#"+ids["payment-gateway"])
		page.shoot(fmt.Sprintf("width-%d-failed", width))
	}
}

// shoot writes a screenshot if -screenshots is set.
func (p *tab) shoot(name string) {
	p.t.Helper()
	if *screenshots == "" {
		return
	}
	time.Sleep(2500 * time.Millisecond) // Until highlights have faded.
	image, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*screenshots, name+".png"), image, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// create sends a create request with a token and returns the ID of the build job.
func create(t *testing.T, server *emulator.Server, spec map[string]any) string {
	t.Helper()
	body, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	request(t, http.MethodPost, server.URL+"/assembling/v1/jobs", emulator.DefaultToken, string(body))
	jobs := server.Jobs()
	return jobs[len(jobs)-1].ID
}
