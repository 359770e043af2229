// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkError is an error response of the gateway.
func BenchmarkError(b *testing.B) {
	req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "http://service.test/assembling/v1/jobs/id", nil)
	refused := &response{
		Response: &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{"X-Request-Id": {"r1"}}, Request: req},
		method:   http.MethodGet,
		body:     []byte(`{"error_code":"APIGW.0302","error_msg":"The IAM user is forbidden in the currently selected region","request_id":"r1"}`),
	}
	b.ReportAllocs()
	for b.Loop() {
		if failure := refused.failure(); failure.Code != "APIGW.0302" {
			b.Fatal(failure)
		}
	}
}
