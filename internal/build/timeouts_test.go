// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// A timeout that no operation can meet is rejected during planning, on its argument.
func TestBuild_impossibleTimeoutIsNotPlanned(t *testing.T) {
	t.Parallel()
	for _, argument := range []string{`create = "0s"`, `read = "-5m"`, `delete = "30"`} {
		t.Run(argument, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			const want = "The timeout must be a positive duration"
			w.run(t, resource.TestStep{
				Config: w.config("timeouts { " + argument + " }"), PlanOnly: true,
				ExpectError: regexp.MustCompile(regexp.QuoteMeta(argument) + `[\s\S]*` + strings.ReplaceAll(want, " ", `\s+`)),
			})
			if requests := w.Requests(); len(requests) > 0 {
				t.Errorf("%d requests were sent, want none", len(requests))
			}
		})
	}
}
