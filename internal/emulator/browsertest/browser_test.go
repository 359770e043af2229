// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package browsertest_test tests the web page of the emulator in a headless Chromium. It is a separate module, so that
// the provider does not depend on the client of the browser.
package browsertest_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// browser is the context of the only browser process. Each test opens a tab in it.
var browser context.Context

func TestMain(m *testing.M) {
	flag.Parse()
	path := findBrowser()
	if path == "" {
		_, _ = os.Stdout.WriteString("No Chromium or Chrome found: the tests of the emulator's web page are skipped.\n")
		return
	}
	os.Exit(run(m, path))
}

func findBrowser() string {
	for _, name := range []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
		"/Applications/Chromium.app/Contents/MacOS/Chromium",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func run(m *testing.M, path string) int {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.Flag("no-sandbox", true), // The sandbox needs rights that containers do not grant.
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("no-pings", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	if err := chromedp.Do(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "The browser does not start:", err)
		return 1
	}
	browser = ctx
	return m.Run()
}

// tab is a tab of the browser that shows the page of an emulator.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	errors   []string
	requests int
}

// newTab opens a tab of the given size. At the end of the test, it reports errors of the page and requests to other
// hosts.
func newTab(t *testing.T, width, height int64) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	page := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, page.listen); err != nil {
		t.Fatal(err)
	}
	var timeout context.CancelFunc
	page.ctx, timeout = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(timeout)
	t.Cleanup(func() {
		for _, message := range page.takeErrors() {
			t.Error(message)
		}
	})
	page.do(chromedp.EmulateViewport(width, height))
	return page
}

func (p *tab) listen(event any) {
	message := ""
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		message = (&chromedp.ExceptionError{ExceptionDetails: event.ExceptionDetails}).Error()
	case *log.EventEntryAdded:
		if event.Entry.Level == log.EntryLevelError {
			message = event.Entry.Text + " " + event.Entry.URL
		}
	case *network.EventRequestWillBeSent:
		p.mu.Lock()
		p.requests++
		p.mu.Unlock()
		if !strings.HasPrefix(event.Request.URL, "http://127.0.0.1:") {
			message = "request to another host: " + event.Request.URL
		}
	}
	if message != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.errors = append(p.errors, message)
	}
}

// takeErrors returns and forgets the errors so far, such as those of requests to an emulator that the test has stopped.
func (p *tab) takeErrors() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	errors := p.errors
	p.errors = nil
	return errors
}

// countRequests returns the number of requests that the page has sent.
func (p *tab) countRequests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// open shows the page and waits for the state of the emulator.
func (p *tab) open(server *emulator.Server, fragment string) {
	p.t.Helper()
	p.do(chromedp.Navigate(server.URL + "/_emulator/" + fragment))
	p.wait(`document.getElementById("connection").textContent === "Live"`)
}

// wait waits until a JavaScript expression is true.
func (p *tab) wait(expression string) {
	p.t.Helper()
	_, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(20*time.Second),
		chromedp.WithPollingInterval(20*time.Millisecond)))
	if err != nil {
		p.t.Fatalf("waiting for %s: %v\n%s", expression, err, p.text("body"))
	}
}

func (p *tab) waitForText(selector, text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q)", selector, text))
}

func (p *tab) text(selector string) string {
	p.t.Helper()
	return evaluate[string](p, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

// click waits for a button and clicks it as a mouse does.
func (p *tab) click(selector string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("document.querySelector(%q)?.disabled === false", selector))
	p.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// fill replaces the value of an input.
func (p *tab) fill(selector, value string) {
	p.t.Helper()
	p.do(chromedp.Focus(chromedp.CSS(selector)))
	evaluate[bool](p, fmt.Sprintf("document.querySelector(%q).select() ?? true", selector))
	p.do(chromedp.KeyEvent(value))
}

// choose selects an option by its value.
func (p *tab) choose(selector, value string) {
	p.t.Helper()
	p.do(chromedp.SetValue(chromedp.CSS(selector), value))
	evaluate[bool](p, fmt.Sprintf(`document.querySelector(%q).dispatchEvent(new Event("change"))`, selector))
}

func evaluate[T any](p *tab, expression string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// call returns the action that sends a command of the DevTools protocol.
func call[P, R any](command cdp.Command[P, R], parameters P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, parameters)
		return err
	})
}

// clock is the time of an emulator, which a test advances.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }
