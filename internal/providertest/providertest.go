// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package providertest runs the provider against the emulator, with Terraform or in the test process over protocol 6.
// Only tests import it.
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

// requirement is [Requirement] with the host under which the testing framework serves the provider, so that the same
// configuration works with each CLI.
func requirement() string {
	host := cmp.Or(os.Getenv("TF_ACC_PROVIDER_HOST"), "registry.terraform.io")
	return strings.Replace(Requirement, `"`, `"`+host+"/", 1)
}

// prepare serves the provider with that address, and removes the provider's variables from the environment: no test may
// use a real account or its metadata service.
var prepare = sync.OnceValue(func() error {
	var err error
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "HW_") || strings.HasPrefix(name, "OS_") {
			err = errors.Join(err, os.Unsetenv(name))
		}
	}
	return errors.Join(
		err, os.Setenv("HW_METADATA_DISABLED", "true"), os.Setenv("TF_ACC_PROVIDER_NAMESPACE", "servicestage"))
})

// Prepare removes the provider's variables from the environment. [Run] calls it; a test that sets such variables calls
// it first.
func Prepare(t testing.TB) {
	t.Helper()
	check(t, prepare())
}

// NoWait replaces the waits of the client: they end immediately, with the error of the context if it has ended.
func NoWait(config *servicestage.Config) {
	config.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
}

// LoopbackOnly makes the client panic if it connects to another host.
func LoopbackOnly(config *servicestage.Config) {
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil || host != "localhost" && !net.ParseIP(host).IsLoopback() {
			panic("a test would contact " + address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

// Factories serve the provider in the test process, with [NoWait] and [LoopbackOnly].
func Factories(adjust ...func(*servicestage.Config)) map[string]func() (tfprotov6.ProviderServer, error) {
	all := append([]func(*servicestage.Config){NoWait, LoopbackOnly}, adjust...)
	return map[string]func() (tfprotov6.ProviderServer, error){
		"servicestage": func() (tfprotov6.ProviderServer, error) { return provider.NewServer("test", all...)(), nil },
	}
}

// Config returns a configuration with a provider block for the server.
func Config(server *emulator.Server, body string) string {
	return WithProvider(fmt.Sprintf(`
  region     = "cn-north-4"
  access_key = %q
  secret_key = %q
  project_id = "test-project"
  endpoints  = { servicestage = %q }
`, emulator.DefaultAccessKey, emulator.DefaultSecretKey, server.URL), body)
}

// WithProvider returns a configuration with the given arguments in its provider block.
func WithProvider(arguments, body string) string {
	return requirement() + "provider \"servicestage\" {" + arguments + "}\n" + body
}

// Run runs the steps, and checks that the service contains no build job after the destroy. server is nil if no step
// creates one.
func Run(t *testing.T, server *emulator.Server, steps ...resource.TestStep) {
	t.Helper()
	RunWith(t, server, Factories(), steps...)
}

// RunWith is [Run] with other factories.
func RunWith(
	t *testing.T, server *emulator.Server, factories map[string]func() (tfprotov6.ProviderServer, error),
	steps ...resource.TestStep,
) {
	t.Helper()
	Prepare(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps:                    steps,
		CheckDestroy: func(*terraform.State) error {
			if server != nil && len(server.Jobs()) > 0 {
				return fmt.Errorf("build jobs are left in the service: %v", server.Jobs())
			}
			return nil
		},
	})
}

// Live skips a test that uses a real account, unless TF_ACC=1 is set.
func Live(t *testing.T) {
	t.Helper()
	if os.Getenv("TF_ACC") != "1" {
		t.Skip("this creates, changes and deletes build jobs in the account of the HW_* variables; set TF_ACC=1")
	}
}
