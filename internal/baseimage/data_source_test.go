// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package baseimage_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const (
	first  = "/assembling/v1/base_images"
	third  = "/v3/test-project/assembling/base-images"
	config = `data "servicestage_base_images" "test" {}`
)

func stacks(check knownvalue.Check) []statecheck.StateCheck {
	return []statecheck.StateCheck{statecheck.ExpectKnownValue("data.servicestage_base_images.test", tfjsonpath.New("stacks"), check)}
}

func list(versions ...string) knownvalue.Check {
	checks := make([]knownvalue.Check, len(versions))
	for i, version := range versions {
		checks[i] = knownvalue.StringExact(version)
	}
	return knownvalue.ListExact(checks)
}

// The call of this API, and where the region does not have it, its namesake of the third version.
func TestBaseImages(t *testing.T) {
	t.Parallel()
	for name, published := range map[string]bool{"first": true, "third": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			if !published {
				server.InjectFault(emulator.Fault{Path: first, Times: -1, StatusCode: http.StatusNotFound, Body: `{"error_code":"APIGW.0101","error_msg":"not published"}`})
			}
			providertest.Run(t, server, resource.TestStep{
				Config: providertest.Config(server, config),
				ConfigStateChecks: stacks(knownvalue.MapExact(map[string]knownvalue.Check{
					"Go": list("1.11"), "Java": list("8u181-jdk-alpine", "11", "17"), "Nodejs": list("8", "16"),
					"Php": list("7-apache"), "Python": list("3.7"), "Tomcat": list("8-alpine"),
				})),
			})
			if asked := server.CountRequests(http.MethodGet, third) > 0; asked == published {
				t.Errorf("the third version was asked: %t", asked)
			}
		})
	}
}

// The documents say string and show a list.
func TestBaseImages_strings(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.InjectFault(emulator.Fault{Path: first, Times: -1, StatusCode: http.StatusOK, Body: `{"Go":"1.11","Java":["17"],"Php":"","Rust":[],"Zig":null}`})
	providertest.Run(t, server, resource.TestStep{
		Config: providertest.Config(server, config),
		ConfigStateChecks: stacks(knownvalue.MapExact(map[string]knownvalue.Check{
			"Go": list("1.11"), "Java": list("17"), "Php": list(), "Rust": list(), "Zig": list(),
		})),
	})
}

func TestBaseImages_errors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"refused":           {http.StatusForbidden, `{"error_code":"APIGW.0302"}`, `(?s)Error reading base images.*APIGW\.0302`},
		"published nowhere": {http.StatusNotFound, `{"error_code":"APIGW.0101"}`, `(?s)Error reading base images.*APIGW\.0101`},
		"other values":      {http.StatusOK, `{"Go":{"versions":["1.11"]}}`, `not\s+the\s+documented\s+JSON`},
		"no object":         {http.StatusOK, `["Go"]`, `not\s+the\s+documented\s+JSON`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			server.InjectFault(emulator.Fault{Times: -1, StatusCode: c.status, Body: c.body})
			providertest.Run(t, server, resource.TestStep{Config: providertest.Config(server, config), ExpectError: regexp.MustCompile(c.want)})
		})
	}
}
