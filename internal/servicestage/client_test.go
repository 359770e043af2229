// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

func TestNew_invalidConfigIsRejected(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"servicestage.example.com": "endpoint", "https://servicestage.example.com": "authenticator",
	} {
		_, err := servicestage.New(servicestage.Config{Endpoint: endpoint})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error about the %s", endpoint, err, want)
		}
	}
}

// The signature covers path and query as they are sent.
func TestClient_signedQueryIsAccepted(t *testing.T) {
	t.Parallel()
	_, client := emulated(t, emulator.Quirks{}, func(config *servicestage.Config) {
		config.Authenticator = auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: emulator.DefaultSecretKey}
	})
	if _, err := client.ListBuildJobs(t.Context(), "na me&=é"); err != nil {
		t.Error(err)
	}
	if _, err := client.GetBuildJob(t.Context(), "a.b-c_", ""); !servicestage.IsNotFound(err) {
		t.Error(err)
	}
}

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

func TestClient_invalidIDIsNotSent(t *testing.T) {
	t.Parallel()
	service := script(t)
	client := service.client(t)
	for _, id := range []string{"", "..", "../../v3/projects"} {
		_, getErr := client.GetBuildJob(t.Context(), id, "app")
		_, buildErr := client.GetBuild(t.Context(), id, "")
		_, startErr := client.StartBuild(t.Context(), id)
		_, writtenErr := client.GetWrittenBuildJob(t.Context(), id, isCurrent)
		for call, err := range map[string]error{
			"get":         getErr,
			"get build":   buildErr,
			"start":       startErr,
			"get written": writtenErr,
			"update":      client.UpdateBuildJob(t.Context(), &servicestage.BuildJob{ID: id}, app),
			"delete":      client.DeleteBuildJob(t.Context(), id, "app"),
		} {
			if err == nil || servicestage.IsNotFound(err) {
				t.Errorf("%s %q: got %v, want an error about the ID", call, id, err)
			}
		}
	}
	equal(t, "requests", service.lines(), nil)
	equal(t, "waits", service.waits(), nil)
}
