// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package floor is what the floors of the benchmark have in common: a provider with one setting, and the requests that a build
// job costs, made with the standard library and looked into no further than needed. What is faster than a floor has left
// something out.
package floor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Token is what a floor proves its requests with; the settings name none.
const Token = "emulator-token"

// body is what a floor sends for a job. Its members are those of the benchmark's configuration, so that the answers are as long.
const body = `{"job_name":%q,"job_description":"Builds one of many","environment_setting":{"docker_version":"18.09",` +
	`"use_public_cluster":true,"build_os":{"arch":"x86_64"}},"code_repo":{"type":"GitHub","url":"https://github.com/acme/app",` +
	`"branch":"main","namespace":"acme"}}`

// Service makes the requests.
type Service struct {
	endpoint string
	client   *http.Client
}

// Create makes the two requests of a create, and returns the id of the job.
func (s *Service) Create(ctx context.Context, name string) (string, error) {
	answer, err := s.call(ctx, http.MethodPost, "", fmt.Sprintf(body, name))
	if err != nil {
		return "", err
	}
	var created struct {
		JobID string `json:"job_id"`
	}
	if err := json.Unmarshal(answer, &created); err != nil {
		return "", err
	}
	return created.JobID, s.Read(ctx, created.JobID)
}

// Read makes the one request of a read.
func (s *Service) Read(ctx context.Context, id string) error {
	_, err := s.call(ctx, http.MethodGet, "/"+id, "")
	return err
}

// Delete makes the one request of a delete.
func (s *Service) Delete(ctx context.Context, id string) error {
	_, err := s.call(ctx, http.MethodDelete, "/"+id, "")
	return err
}

func (s *Service) call(ctx context.Context, method, path, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.endpoint+"/assembling/v1/jobs"+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json;charset=utf8")
	req.Header.Set("X-Auth-Token", Token)
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // Reading has ended.
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("HTTP %d: %s", resp.StatusCode, answer)
	}
	return answer, err
}

// Job is embedded by the resource of a floor.
type Job struct{ *Service }

// Metadata implements [resource.Resource].
func (j *Job) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_build_job"
}

// Configure implements [resource.ResourceWithConfigure].
func (j *Job) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	j.Service, _ = req.ProviderData.(*Service)
}

// Update implements [resource.Resource]. The benchmark never updates.
func (j *Job) Update(_ context.Context, _ resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.Diagnostics.AddError("No update", "A floor of the benchmark makes, reads and deletes.")
}

// Serve serves a provider with the given resources until Terraform ends it.
func Serve(resources ...func() resource.Resource) {
	serve := func() provider.Provider { return &floor{resources: resources} }
	err := providerserver.Serve(context.Background(), serve, providerserver.ServeOpts{
		Address: "registry.terraform.io/servicestage/servicestage", ProtocolVersion: 6,
	})
	if err != nil {
		log.Fatal(err)
	}
}

type floor struct {
	resources []func() resource.Resource
}

func (f *floor) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "servicestage"
}

func (f *floor) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	if len(f.resources) > 0 {
		resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{"endpoint": schema.StringAttribute{Required: true}}}
	}
}

func (f *floor) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	if len(f.resources) == 0 {
		return
	}
	var config struct {
		Endpoint types.String `tfsdk:"endpoint"`
	}
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	resp.ResourceData = &Service{endpoint: config.Endpoint.ValueString(), client: &http.Client{Transport: transport}}
}

func (f *floor) Resources(context.Context) []func() resource.Resource { return f.resources }

func (f *floor) DataSources(context.Context) []func() datasource.DataSource { return nil }
