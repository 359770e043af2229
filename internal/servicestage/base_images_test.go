// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// inProject is a token whose project ID is known.
type inProject struct{ auth.Token }

func (inProject) ProjectID(context.Context) (string, error) { return "p", nil }

// The v3 API is used only if the region does not publish v1.
func TestBaseImages(t *testing.T) {
	t.Parallel()
	const v1, v3 = "GET /assembling/v1/base_images", "GET /v3/p/assembling/base-images"
	notPublished := reply{status: 404, body: `{"error_code":"APIGW.0101"}`}
	list := reply{body: `{"Java":["8","11"],"Go":"1.20","PHP":"","Node":[]}`}
	for name, c := range map[string]struct {
		replies []reply
		known   bool
		lines   []string
		failed  bool
	}{
		"v1":                   {[]reply{list}, true, []string{v1}, false},
		"v3":                   {[]reply{notPublished, list}, true, []string{v1, v3}, false},
		"project unknown":      {[]reply{notPublished}, false, []string{v1}, true},
		"neither":              {[]reply{notPublished, notPublished}, true, []string{v1, v3}, true},
		"not for other errors": {[]reply{noList}, true, []string{v1}, true},
		"not a list":           {[]reply{{body: `{"Java":7}`}}, true, []string{v1}, true},
		"not an object":        {[]reply{{body: `["Java"]`}}, true, []string{v1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := script(t, c.replies...)
			stacks, err := service.client(t, func(config *servicestage.Config) {
				if c.known {
					config.Authenticator = inProject{"T"}
				}
			}).BaseImages(t.Context())
			equal(t, "failed", err != nil, c.failed)
			equal(t, "requests", service.lines(), c.lines)
			if err == nil {
				want := map[string][]string{"Java": {"8", "11"}, "Go": {"1.20"}, "PHP": {}, "Node": {}}
				equal(t, "stacks", stacks, want)
			}
		})
	}
}
