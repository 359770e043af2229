// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package baseimage_test

import (
	"net/http"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const (
	v1 = "/assembling/v1/base_images"
	v3 = "/v3/test-project/assembling/base-images"
)

var versionsType = tftypes.List{ElementType: tftypes.String}

func versions(versions ...string) tftypes.Value {
	values := make([]tftypes.Value, len(versions))
	for i, version := range versions {
		values[i] = tftypes.NewValue(tftypes.String, version)
	}
	return tftypes.NewValue(versionsType, values)
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
	read := providertest.NewProtocol(t, server, nil).ReadData(t, "servicestage_base_images", nil)
	read.Expect(t)
	want := tftypes.NewValue(tftypes.Map{ElementType: versionsType}, map[string]tftypes.Value{
		"Go": versions("1.11"), "Java": versions("17", "11"), "Php": versions(), "Rust": versions(), "Zig": versions(),
	})
	if got := read.State["stacks"]; !got.Equal(want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
