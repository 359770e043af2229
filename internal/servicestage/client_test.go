// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// rejectable is a token that the client could replace.
type rejectable struct {
	auth.Token
	rejected atomic.Int32
}

func (r *rejectable) Reject(*http.Request) bool { return r.rejected.Add(1) == 1 }

// A 401 with an SVCSTG code means that an object does not exist. Only other codes reject the credentials.
func TestClient_notFoundDoesNotRejectCredentials(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int32{"SVCSTG.00100401": 0, "SVCSTG.CPE.4010001": 0, "APIGW.0307": 1, "": 1} {
		service := serve(t, func(w http.ResponseWriter, _ received) {
			reply{status: http.StatusUnauthorized, body: fmt.Sprintf(`{"error_code":%q}`, code)}.write(w)
		})
		authenticator := &rejectable{Token: "T"}
		client := service.client(t, func(config *servicestage.Config) { config.Authenticator = authenticator })
		if _, err := client.GetBuild(t.Context(), "b", ""); err == nil {
			t.Errorf("%q: no error", code)
		}
		equal(t, code, authenticator.rejected.Load(), want)
		equal(t, "requests", len(service.requests()), int(want)+1)
	}
}

// Nothing is sent for an invalid ID, and no list is requested.
func TestGetBuildJob_invalidIDIsNotSent(t *testing.T) {
	t.Parallel()
	if _, err := script(t).client(t).GetBuildJob(t.Context(), "..", "app"); err == nil || servicestage.IsNotFound(err) {
		t.Errorf("got %v, want an error about the ID", err)
	}
}
