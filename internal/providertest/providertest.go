// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package providertest drives the provider through real Terraform against the emulator, as httptest does for handlers. Only
// tests import it.
package providertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/provider"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// requirement names the provider by the address under which the testing framework serves it, so that the same
// configuration works with each CLI.
func requirement() string {
	return fmt.Sprintf(`
terraform {
  required_providers {
    servicestage = {
      source = "%s/servicestage/servicestage"
    }
  }
}
`, cmp.Or(os.Getenv("TF_ACC_PROVIDER_HOST"), "registry.terraform.io"))
}

// prepare tells the testing framework to serve the provider under that address, and takes the settings of whoever runs the
// tests out of the environment: no test may lead to a real account, nor ask for one's metadata.
var prepare = sync.OnceValue(func() error {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "HW_") || strings.HasPrefix(name, "OS_") {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	return errors.Join(
		os.Setenv("HW_METADATA_DISABLED", "true"),
		os.Setenv("TF_ACC_PROVIDER_NAMESPACE", "servicestage"),
	)
})

// Prepare is done by [Run]; a test that sets variables of the provider calls it first.
func Prepare(t *testing.T) {
	t.Helper()
	if err := prepare(); err != nil {
		t.Fatal(err)
	}
}

// NoWait replaces the client's pauses between attempts: they end at once, and with the context's error when that has ended.
func NoWait(config *servicestage.Config) {
	config.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
}

// LoopbackOnly lets the client reach nothing but this host: a test that contacts anything else ends the test program.
func LoopbackOnly(config *servicestage.Config) {
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil || host != "localhost" && !net.ParseIP(host).IsLoopback() {
			panic("a test would contact " + address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

// Factories serve the provider in the test process. Its waits take no time, and it reaches nothing but this host.
func Factories(adjust ...func(*servicestage.Config)) map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"servicestage": func() (tfprotov6.ProviderServer, error) {
			return provider.NewServer("test", append([]func(*servicestage.Config){NoWait, LoopbackOnly}, adjust...)...)(), nil
		},
	}
}

// Config is a configuration whose provider block leads to the server.
func Config(server *emulator.Server, body string) string {
	return WithProvider(fmt.Sprintf(`
  region     = "cn-north-4"
  access_key = %q
  secret_key = %q
  project_id = "test-project"
  endpoints  = { servicestage = %q }
`, emulator.DefaultAccessKey, emulator.DefaultSecretKey, server.URL), body)
}

// WithProvider is a configuration with the given arguments in its provider block.
func WithProvider(arguments, body string) string {
	return requirement() + "provider \"servicestage\" {" + arguments + "}\n" + body
}

// Run runs the steps, and checks that nothing is left in the service when all is destroyed. server is nil where no step gets
// as far as the service.
func Run(t *testing.T, server *emulator.Server, steps ...resource.TestStep) {
	t.Helper()
	RunWith(t, server, Factories(), steps...)
}

// RunWith is Run with a provider of one's own.
func RunWith(t *testing.T, server *emulator.Server, factories map[string]func() (tfprotov6.ProviderServer, error), steps ...resource.TestStep) {
	t.Helper()
	Prepare(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps:                    steps,
		CheckDestroy: func(*terraform.State) error {
			if server == nil {
				return nil
			}
			for _, job := range server.Jobs() {
				return fmt.Errorf("build job %q (%s) is left in the service", job.Name(), job.ID)
			}
			return nil
		},
	})
}

// Live skips a test that works on a real account, unless TF_ACC=1 says that it may.
func Live(t *testing.T) {
	t.Helper()
	if os.Getenv("TF_ACC") != "1" {
		t.Skip("this makes, changes and deletes build jobs in the account that the HW_* variables name; TF_ACC=1 says that it may")
	}
}
