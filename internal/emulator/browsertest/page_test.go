// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package browsertest_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// spec returns a build job as a create request contains it.
func spec(name string) map[string]any {
	return map[string]any{
		"job_name":            name,
		"job_description":     "Builds the image of " + name,
		"environment_setting": map[string]any{"use_public_cluster": true, "build_os": map[string]any{"arch": "x86_64"}},
		"code_repo": map[string]any{
			"type": "GitHub", "url": "https://github.com/acme/" + name, "branch": "main", "namespace": "acme",
		},
	}
}

func TestPage_load(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	page := newTab(t, 1280, 900)
	// A browser reaches the page without knowing its path.
	page.do(chromedp.Navigate(server.URL))
	page.waitForText("#connection", "Live")
	if path := evaluate[string](page, "location.pathname"); path != "/_emulator/" {
		t.Errorf("the page is at %s", path)
	}
	if address := page.text("#address"); address != server.URL {
		t.Errorf("the page shows the address %q, not %s", address, server.URL)
	}
	page.waitForText("#no-jobs", "No build jobs yet.")
	page.waitForText("#no-requests", "No requests yet.")
	page.click("#empty-connect")
	for _, line := range []string{
		"export HW_SERVICESTAGE_ENDPOINT=" + server.URL, "export HW_IAM_ENDPOINT=" + server.URL,
		"export HW_ACCESS_KEY=" + emulator.DefaultAccessKey, "export HW_SECRET_KEY=" + emulator.DefaultSecretKey,
	} {
		if exports := page.text("#exports"); !slices.Contains(strings.Split(exports, "\n"), line) {
			t.Errorf("no line %s in\n%s", line, exports)
		}
	}
	if text := page.text("#accepted"); !strings.Contains(text, emulator.DefaultUserName) {
		t.Errorf("the accepted credentials are\n%s", text)
	}
}

func TestPage_build(t *testing.T) {
	t.Parallel()
	var clock clock
	// One minute for each phase.
	server := emulator.New(t, emulator.Options{BuildDuration: 6 * time.Minute, Now: clock.now})
	id := server.AddJob(spec("checkout"))
	page := newTab(t, 1280, 900)
	page.open(server, "#"+id)

	page.click("#start-build")
	page.waitForText(".build", "Queuing")
	clock.advance(90 * time.Second)
	page.waitForText(".build", "Building")
	page.waitForText(".log", "[Download] started for checkout #1")
	const bars = `[...document.querySelectorAll(".phases progress")].map((bar) => bar.value)`
	values := evaluate[[]float64](page, bars)
	if values[0] != 100 || values[1] < 50 || values[1] > 90 || values[2] != 0 {
		t.Errorf("in the middle of the second phase, the progress bars are at %v", values)
	}
	length := len(page.text(".log"))
	clock.advance(5 * time.Minute)
	page.waitForText(".build [data-field=state]", "Successful")
	log := page.text(".log")
	if len(log) <= length || !strings.Contains(log, "[PostProcess] ended: Successful") {
		t.Errorf("the log of the build is\n%s", log)
	}
	if values := evaluate[[]float64](page, bars); !slices.Equal(values, []float64{100, 100, 100, 100, 100, 100}) {
		t.Errorf("at the end, the progress bars are at %v", values)
	}

	server.InjectOutcomes(emulator.Outcome{Phase: "Init", Log: "no space left on device"})
	page.click("#start-build")
	page.waitForText(".build:first-child strong", "#2")
	clock.advance(time.Minute)
	page.waitForText(".build:first-child [data-field=state]", "Failed")
	page.waitForText(".build:first-child .log", "no space left on device")

	page.click("#start-build")
	page.waitForText(".build:first-child strong", "#3")
	page.click(".build:first-child [data-cancel]")
	page.waitForText(".build:first-child [data-field=state]", "Canceled")
	if state := server.Builds()[2].State; state != "Cancel" {
		t.Errorf("the state of the canceled build is %s", state)
	}
	page.waitForText("#jobs [data-field=state]", "Canceled")
}

func TestPage_changeAndDelete(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := server.AddJob(spec("checkout"))
	server.AddJob(spec("catalogue"))
	page := newTab(t, 1280, 900)
	page.open(server, "#"+id)

	page.click("#open-change")
	page.fill("#change [name=branch]", "release")
	page.click("#change [type=submit]")
	page.waitForText("#job-fields", "release")
	job := server.Jobs()[0]
	if branch := job.Spec["code_repo"].(map[string]any)["branch"]; branch != "release" || job.Name() != "checkout" {
		t.Errorf("the job is %v", job.Spec)
	}

	// The dialog keeps what was entered and shows why it was rejected.
	page.click("#open-change")
	page.fill("#change [name=name]", "catalogue")
	page.click("#change [type=submit]")
	page.wait(`!document.querySelector("#change .alert").hidden`)
	page.do(chromedp.KeyEvent(kb.Escape))

	page.click("#open-delete")
	page.click("#confirm-button")
	page.wait(`document.querySelectorAll("#jobs tr").length === 1 && !document.getElementById("job").open`)
	if jobs := server.Jobs(); len(jobs) != 1 || jobs[0].Name() != "catalogue" {
		t.Errorf("the jobs are %v", jobs)
	}
	page.takeErrors() // Of the rejected change.
}

// TestPage_hostileText proves that names, requests and logs are shown as text.
func TestPage_hostileText(t *testing.T) {
	t.Parallel()
	const hostile = `<script>hacked=1</script><img src=x onerror=hacked=1>`
	server := emulator.New(t, emulator.Options{BuildDuration: time.Millisecond})
	job := spec(hostile)
	job["job_description"], job["enterprise_project_id"] = hostile, hostile
	job["code_repo"].(map[string]any)["url"] = hostile
	id := server.AddJob(job)
	server.InjectOutcomes(emulator.Outcome{Phase: "Build", State: hostile, Log: hostile})
	server.AddBuild(id)
	get(t, server.URL+"/assembling/v1/"+hostile[:8])

	page := newTab(t, 1280, 900)
	page.open(server, "#"+id)
	page.waitForText("#jobs [data-field=name]", hostile)
	page.waitForText("#job-name", hostile)
	page.waitForText(".log", hostile)
	page.click("#open-delete")
	page.waitForText("#confirm-text", hostile)
	page.waitForText("#requests .path", "<script>")
	if evaluate[bool](page, `"hacked" in window || document.querySelector("img, body script") !== null`) {
		t.Error("text became an element of the page")
	}
}

// TestPage_background proves that the page in a background tab sends no requests.
func TestPage_background(t *testing.T) {
	t.Parallel()
	page := newTab(t, 1280, 900)
	page.open(emulator.New(t, emulator.Options{}), "")
	hide := func(hidden bool) {
		evaluate[bool](page, fmt.Sprintf(`
			Object.defineProperty(document, "hidden", { value: %t, configurable: true }) &&
			document.dispatchEvent(new Event("visibilitychange"))`, hidden))
	}
	hide(true)
	time.Sleep(time.Second) // The end of a refresh that has begun.
	before := page.countRequests()
	time.Sleep(2 * time.Second)
	if after := page.countRequests(); after != before {
		t.Errorf("in the background, the page sent %d requests", after-before)
	}
	hide(false)
	deadline := time.Now().Add(10 * time.Second)
	for page.countRequests() == before {
		if time.Now().After(deadline) {
			t.Fatal("in the foreground again, the page sends no requests")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestPage_faultAndReset(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.AddJob(spec("checkout"))
	page := newTab(t, 1280, 900)
	page.open(server, "")
	page.click("#open-fault")
	page.choose("#preset", "throttle")
	page.click("#fault [type=submit]")
	page.waitForText("#faults", "status 429")
	page.waitForText("#faults", "next 5 requests")

	status, header := get(t, server.URL+"/assembling/v1/jobs")
	if status != http.StatusTooManyRequests || header.Get("Retry-After") != "1" {
		t.Errorf("the response is %d with %v", status, header)
	}
	page.waitForText("#requests tr", "429")
	page.waitForText("#faults", "next 4 requests")
	page.click("#faults [data-remove]")
	page.wait(`document.getElementById("faults-section").hidden`)

	server.InjectFault(emulator.Fault{Path: "/never", StatusCode: 500})
	page.waitForText("#faults", "/never")
	page.click("#open-reset")
	page.click("#confirm-button")
	page.waitForText("#no-jobs", "No build jobs yet.")
	page.wait(`document.getElementById("faults-section").hidden`)
	if jobs := server.Jobs(); len(jobs) != 0 {
		t.Errorf("%d jobs are left", len(jobs))
	}
}

// get sends a request to the emulated service, without credentials.
func get(t *testing.T, address string) (status int, header http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode, response.Header
}

func TestPage_keyboard(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.AddJob(spec("checkout"))
	server.AddJob(spec("catalogue"))
	page := newTab(t, 1280, 900)
	page.open(server, "")
	focused := func() string {
		t.Helper()
		return evaluate[string](page, `document.activeElement.id || document.activeElement.textContent`)
	}

	page.do(chromedp.KeyEvent("/"))
	if id := focused(); id != "search" {
		t.Fatalf("the slash moves the focus to %s", id)
	}
	page.do(chromedp.KeyEvent("check"))
	page.wait(`document.querySelectorAll("#jobs tr").length === 1`)
	page.do(chromedp.KeyEvent(kb.Tab))
	if name := focused(); name != "checkout" {
		t.Fatalf("after the search, the focus is on %s", name)
	}
	if outline := evaluate[string](page, `getComputedStyle(document.activeElement).outlineStyle`); outline != "solid" {
		t.Errorf("the outline of the focus is %s", outline)
	}
	page.do(chromedp.KeyEvent(kb.Enter))
	page.wait(`document.activeElement.id === "start-build" && !document.activeElement.disabled`)
	page.do(chromedp.KeyEvent(kb.Enter))
	page.waitForText(".build", "#1")
	if id := focused(); id != "start-build" {
		t.Errorf("after the start of a build, the focus is on %s", id)
	}
	page.do(chromedp.KeyEvent(kb.Escape))
	if name := focused(); name != "checkout" {
		t.Errorf("after the dialog, the focus is on %s", name)
	}
	// An update of the row does not take the focus away.
	server.ChangeJob(server.Jobs()[0].ID, func(spec map[string]any) { spec["enterprise_project_id"] = "changed" })
	page.waitForText("#jobs", "changed")
	if name := focused(); name != "checkout" {
		t.Errorf("after an update, the focus is on %s", name)
	}
}

func TestPage_darkScheme(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{BuildDuration: time.Millisecond})
	id := server.AddJob(spec("checkout"))
	server.InjectOutcomes(emulator.Outcome{Phase: "Build"})
	server.AddBuild(id)
	get(t, server.URL+"/assembling/v1/jobs")
	page := newTab(t, 1280, 900)
	luminance := map[string]float64{}
	for _, scheme := range []string{"light", "dark"} {
		page.do(prefer(scheme))
		page.open(server, "#"+id)
		page.waitForText(".build", "Failed")
		luminance[scheme] = evaluate[float64](page, script+`luminance(background(document.body))`)
		if low := evaluate[[]string](page, script+`lowContrast()`); len(low) > 0 {
			t.Errorf("in the %s scheme, the contrast of these texts is below 4.5: %s", scheme, strings.Join(low, ", "))
		}
	}
	if luminance["light"] < 0.7 || luminance["dark"] > 0.1 {
		t.Errorf("the luminance of the background is %v", luminance)
	}
}

// script measures the contrast of texts as WCAG 2.2 defines it.
const script = `
	function rgb(color) {
		const canvas = new OffscreenCanvas(1, 1).getContext("2d");
		canvas.fillStyle = color;
		canvas.fillRect(0, 0, 1, 1);
		return [...canvas.getImageData(0, 0, 1, 1).data];
	}
	function background(node) {
		for (; node; node = node.parentElement) {
			const color = rgb(getComputedStyle(node).backgroundColor);
			if (color[3] === 255) return color;
		}
		return [255, 255, 255, 255];
	}
	function luminance(color) {
		const [r, g, b] = color.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	}
	function lowContrast() {
		const low = [];
		for (const node of document.querySelectorAll("body *")) {
			const hasText = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
			if (!hasText || !node.checkVisibility() || node.disabled) continue;
			const a = luminance(rgb(getComputedStyle(node).color)) + 0.05;
			const b = luminance(background(node)) + 0.05;
			if (Math.max(a / b, b / a) < 4.5) low.push(node.textContent + " " + Math.max(a / b, b / a).toFixed(1));
		}
		return low;
	}
`

func prefer(scheme string) chromedp.Action[chromedp.Void] {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

func TestPage_widths(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	job := spec("a" + strings.Repeat("-long-name", 6))
	job["enterprise_project_id"] = "0b5e1c3a-6a0f-4a55-9d3b-6f0c1c0e9d11"
	job["code_repo"].(map[string]any)["url"] = "https://gitlab.example.com/a/" + strings.Repeat("very/deep/path/", 12)
	id := server.AddJob(job)
	server.AddBuild(id)
	server.InjectFault(emulator.Fault{Path: "/assembling/v1/jobs/*/builds/*/detail/log", StatusCode: 503, Times: -1})
	get(t, server.URL+"/assembling/v1/jobs/"+id+"/builds?name="+strings.Repeat("x", 64))

	page := newTab(t, 360, 740)
	for _, width := range []int64{360, 768, 1024, 1600} {
		page.do(chromedp.EmulateViewport(width, 740))
		page.open(server, "#"+id)
		page.waitForText(".build", "#1")
		for _, dialog := range []string{"job", "change", "fault", "connect", "confirm"} {
			if dialog != "job" {
				evaluate[bool](page, fmt.Sprintf(`document.getElementById(%q).showModal() ?? true`, dialog))
			}
			wide := evaluate[[]string](page, `
				[document.documentElement, ...document.querySelectorAll("dialog[open], .card")]
				.filter((node) => node.scrollWidth > node.clientWidth).map((node) => node.id || node.tagName)`)
			if len(wide) > 0 {
				t.Errorf("at %d pixels with the dialog %s, these elements scroll horizontally: %v", width, dialog, wide)
			}
		}
	}
}

func TestPage_thousandJobs(t *testing.T) {
	server := emulator.New(t, emulator.Options{})
	for i := range 1000 {
		server.AddJob(spec(fmt.Sprintf("service-%04d", i)))
	}
	page := newTab(t, 1280, 900)
	page.open(server, "")
	page.wait(`document.querySelector("#jobs tr") !== null`)
	loaded := evaluate[float64](page, `performance.now()`)
	// The browser reports a paint some time after it.
	page.wait(`performance.getEntriesByName("first-contentful-paint").length > 0`)
	first := evaluate[float64](page, `performance.getEntriesByName("first-contentful-paint")[0].startTime`)
	t.Logf("first contentful paint after %.0f ms, build jobs after %.0f ms", first, loaded)
	if first > 1000 || loaded > 3000 { // The second limit allows for busy machines.
		t.Errorf("the first paint takes %.0f ms, the build jobs %.0f ms", first, loaded)
	}

	page.waitForText("#range", "1–10 of 1,000")
	page.click("#next")
	page.waitForText("#range", "11–20 of 1,000")
	page.waitForText("#jobs", "service-0989")
	page.click("#last")
	page.waitForText("#range", "991–1,000 of 1,000")
	page.waitForText("#jobs", "service-0000")
	page.choose("#page-size", "100")
	page.wait(`document.querySelectorAll("#jobs tr").length === 100`)
	page.fill("#search", "service-050")
	page.wait(`document.querySelectorAll("#jobs tr").length === 10`)
	page.waitForText("#jobs-total", "10 found")
	page.fill("#search", "nothing")
	page.waitForText("#no-jobs", "No build job matches the search.")
}

// TestPage_stopped proves that the page shows when the emulator stops, and continues when it runs again.
func TestPage_stopped(t *testing.T) {
	t.Parallel()
	service, err := emulator.NewService(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first := httptest.NewServer(service)
	address := first.Listener.Addr().String()
	server := &emulator.Server{Service: service, URL: first.URL}
	server.AddJob(spec("checkout"))
	page := newTab(t, 1280, 900)
	page.open(server, "")

	first.CloseClientConnections()
	first.Close()
	page.waitForText("#stopped", "The emulator at "+address+" does not respond.")
	if !evaluate[bool](page, `document.getElementById("open-reset").disabled`) {
		t.Error("the emulator can be reset although it does not run")
	}
	if text := page.text("#jobs"); !strings.Contains(text, "checkout") {
		t.Errorf("the page does not show the last jobs, but\n%s", text)
	}

	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	second := httptest.NewUnstartedServer(service)
	_ = second.Listener.Close()
	second.Listener = listener
	second.Start()
	defer second.Close()
	page.waitForText("#connection", "Live")
	page.wait(`document.getElementById("stopped").hidden && !document.getElementById("open-reset").disabled`)
	page.takeErrors()
}

func TestPage_adminToken(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{AdminToken: "admin-token"})
	page := newTab(t, 1280, 900)
	page.do(chromedp.Navigate(server.URL + "/_emulator/"))
	page.wait(`document.getElementById("token").open`)
	page.do(chromedp.KeyEvent("wrong" + kb.Enter))
	page.waitForText("#token .alert", "Authorization")
	page.fill("#token input", "admin-token")
	page.do(chromedp.KeyEvent(kb.Enter))
	page.waitForText("#connection", "Live")
	page.takeErrors() // Of the rejected requests.
}
