// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package baseimage_test

import (
	"net/http"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const (
	v1 = "/assembling/v1/base_images"
	v3 = "/v3/test-project/assembling/base-images"
)

func versions(versions ...string) knownvalue.Check {
	checks := make([]knownvalue.Check, len(versions))
	for i, version := range versions {
		checks[i] = knownvalue.StringExact(version)
	}
	return knownvalue.ListExact(checks)
}

// The v3 API is used if the region does not publish v1. Versions are a list or a string.
func TestBaseImages(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.InjectFault(emulator.Fault{
		Path: v1, Times: -1, StatusCode: http.StatusNotFound,
		Body: `{"error_code":"APIGW.0101","error_msg":"not published"}`,
	})
	server.InjectFault(emulator.Fault{
		Path: v3, Times: -1, StatusCode: http.StatusOK,
		Body: `{"Go":"1.11","Java":["17","11"],"Php":"","Rust":[],"Zig":null}`,
	})
	providertest.Run(t, server, resource.TestStep{
		Config: providertest.Config(server, `data "servicestage_base_images" "test" {}`),
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue(
				"data.servicestage_base_images.test", tfjsonpath.New("stacks"),
				knownvalue.MapExact(map[string]knownvalue.Check{
					"Go": versions("1.11"), "Java": versions("17", "11"),
					"Php": versions(), "Rust": versions(), "Zig": versions(),
				})),
		},
	})
}
