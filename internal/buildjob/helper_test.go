// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"net/http"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const typeName = "servicestage_build_job"

// bare is the configuration minimal, and complete is the configuration full without timeouts.
var (
	bare     = providertest.Arguments{"job_name": "app", "environment_setting": providertest.Block}
	complete = providertest.Arguments{
		"job_name": "app", "job_description": "Builds the app", "enterprise_project_id": "0",
		"environment_setting": providertest.Block, "environment_setting.docker_version": "18.09",
		"environment_setting.cluster_id":   "cluster-id",
		"environment_setting.cluster_name": "cluster-name", "environment_setting.use_public_cluster": true,
		"environment_setting.build_os": providertest.Block, "environment_setting.build_os.arch": "aarch64",
		"code_repo": providertest.Block, "code_repo.type": "GitHub", "code_repo.url": "https://github.com/acme/app",
		"code_repo.branch": "main", "code_repo.namespace": "acme",
	}
)

// manage returns a build job that does not exist yet.
func manage(t *testing.T, server *emulator.Server, adjust ...func(*servicestage.Config)) *providertest.Instance {
	t.Helper()
	return providertest.NewProtocol(t, server, nil, adjust...).NewInstance(typeName)
}

// repo returns the code_repo of a spec.
func repo(url string) map[string]any {
	return map[string]any{"type": "GitHub", "url": url, "branch": "main", "namespace": "acme"}
}

// sent returns the number of requests that created (POST), updated (PUT) or deleted build jobs.
func sent(server *emulator.Server, method string) int {
	if method == http.MethodPost {
		return server.CountRequests(method, jobsPath)
	}
	return server.CountRequests(method, jobPath)
}

// expectManaged fails the test unless the build job in the state is the only one of the service.
func expectManaged(t *testing.T, m *providertest.Instance, server *emulator.Server) {
	t.Helper()
	if got, want := m.Value(t, "job_id"), id(t, server); got != want {
		t.Errorf("the state has %v, the service %s", got, want)
	}
}
