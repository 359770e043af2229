// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package browsertest

import (
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

var screenshots = flag.String("screenshots", "", "`directory` for screenshots of the page; .github/emulator.png is one of them")

// TestScreenshots writes screenshots of the page for a review by eye.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("-screenshots is not set")
	}
	server := emulator.New(t, emulator.Options{BuildDuration: 6 * time.Second})
	ids := map[string]string{}
	for i, name := range []string{"base-image", "search-indexer", "payment-gateway", "catalogue-service", "checkout-service-arm", "checkout-service"} {
		body := spec(name)
		switch i % 3 {
		case 1:
			environment := body["environment_setting"].(map[string]any)
			environment["cluster_id"], environment["cluster_name"] = "c7a1d0e2-5f7b-11ef-9f6a-0255ac100057", "build-cluster"
			body["enterprise_project_id"] = "0b5e1c3a-6a0f-4a55-9d3b-6f0c1c0e9d11"
		case 2:
			body["code_repo"].(map[string]any)["branch"] = "release"
		}
		if strings.HasSuffix(name, "-arm") {
			body["environment_setting"].(map[string]any)["build_os"] = map[string]any{"arch": "aarch64"}
		}
		ids[name] = server.AddJob(body)
	}
	for _, path := range []string{"", "/" + ids["checkout-service"], "/" + ids["payment-gateway"] + "/builds", "/unknown"} {
		request(t, http.MethodGet, server.URL+"/assembling/v1/jobs"+path, emulator.DefaultToken)
	}
	request(t, http.MethodGet, server.URL+"/assembling/v1/jobs", "expired")
	server.InjectFault(emulator.Fault{Path: "/assembling/v1/jobs", StatusCode: http.StatusServiceUnavailable})
	server.InjectFault(emulator.Fault{Method: http.MethodPost, Path: "/assembling/v1/jobs", Drop: true, After: true})
	request(t, http.MethodGet, server.URL+"/assembling/v1/jobs?page=1&per_page=100", emulator.DefaultToken)
	server.AddBuild(ids["catalogue-service"])
	server.InjectOutcomes(emulator.Outcome{Phase: "Build", Log: "go: build failed: package payment: undefined: Currency"})
	server.AddBuild(ids["payment-gateway"])
	time.Sleep(7 * time.Second)

	page := newTab(t, 1280, 800)
	shoot := func(name string) {
		time.Sleep(2500 * time.Millisecond) // Until highlights have faded.
		image, err := chromedp.Run(page.ctx, chromedp.CaptureScreenshot())
		if err == nil {
			err = os.WriteFile(filepath.Join(*screenshots, name+".png"), image, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, scheme := range []string{"light", "dark"} {
		page.do(prefer(scheme), chromedp.EmulateViewport(1280, 800))
		server.AddBuild(ids["checkout-service"])
		page.open(server, "")
		shoot(scheme)
		page.open(server, "?running#"+ids["checkout-service"])
		server.AddBuild(ids["checkout-service"])
		shoot("running-" + scheme)
		page.open(server, "?failed#"+ids["payment-gateway"])
		shoot("failed-" + scheme)
	}
	page.open(server, "?dialogs")
	for _, dialog := range []string{"fault", "connect", "reset"} {
		page.click("#open-" + dialog)
		shoot(dialog)
		page.do(chromedp.KeyEvent("\x1b"))
	}
	page.do(prefer("light"))
	for _, width := range []int64{360, 768, 1600} {
		page.do(chromedp.EmulateViewport(width, 900))
		page.open(server, "?narrow")
		shoot(fmt.Sprintf("width-%d", width))
		page.do(chromedp.ScrollIntoView(chromedp.CSS("#requests")))
		shoot(fmt.Sprintf("width-%d-requests", width))
		page.open(server, "?drawer#"+ids["payment-gateway"])
		shoot(fmt.Sprintf("width-%d-failed", width))
	}
}
