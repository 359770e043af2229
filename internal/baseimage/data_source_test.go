// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package baseimage_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const (
	dataSource = "servicestage_base_images"
	v1         = "/assembling/v1/base_images"
	v3         = "/v3/test-project/assembling/base-images"
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
		Path: v1, Times: -1, StatusCode: http.StatusNotFound, Body: `{"error_code":"APIGW.0101","error_msg":"not published"}`,
	})
	server.InjectFault(emulator.Fault{
		Path: v3, Times: -1, StatusCode: http.StatusOK,
		Body: `{"Go":"1.11","Java":["17","11"],"Php":"","Rust":[],"Zig":null}`,
	})
	providertest.Run(t, server, resource.TestStep{
		Config: providertest.Config(server, `data "servicestage_base_images" "test" {}`),
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue(
				"data.servicestage_base_images.test", tfjsonpath.New("stacks"), knownvalue.MapExact(map[string]knownvalue.Check{
					"Go": versions("1.11"), "Java": versions("17", "11"), "Php": versions(), "Rust": versions(), "Zig": versions(),
				})),
		},
	})
}

func TestBaseImages_error(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.InjectFault(emulator.Fault{Times: -1, StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302"}`})
	p := providertest.NewProtocol(t, server, nil)
	response, err := p.ReadDataSource(t.Context(), &tfprotov6.ReadDataSourceRequest{
		TypeName: dataSource, Config: providertest.Encode(t, p.Schemas.DataSourceSchemas[dataSource].ValueType(), nil),
	})
	if err != nil || len(response.Diagnostics) != 1 {
		t.Fatalf("got %v, %v, want one diagnostic", response, err)
	}
	got := response.Diagnostics[0]
	if got.Summary != "Error reading base images" || !strings.Contains(got.Detail, "APIGW.0302") {
		t.Errorf("got %s: %s", got.Summary, got.Detail)
	}
}
