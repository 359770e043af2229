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
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/logging"
)

// Token is what a floor proves its requests with; the settings name none.
const Token = "emulator-token"

// body is what a floor sends for a job. Its members are those of the benchmark's configuration, so that the answers are as long.
const body = `{"job_name":%q,"job_description":"Builds one of many","environment_setting":{"docker_version":"18.09",` +
	`"use_public_cluster":true,"build_os":{"arch":"x86_64"}},"code_repo":{"type":"GitHub","url":"https://github.com/acme/app",` +
	`"branch":"main","namespace":"acme"}}`

// service makes the requests.
type service struct {
	endpoint string
	client   *http.Client
}

// createJob makes the two requests of a create, and returns the id of the job.
func (s *service) createJob(ctx context.Context, name string) (string, error) {
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
	return created.JobID, s.readJob(ctx, created.JobID)
}

// readJob makes the one request of a read.
func (s *service) readJob(ctx context.Context, id string) error {
	_, err := s.call(ctx, http.MethodGet, "/"+id, "")
	return err
}

// deleteJob makes the one request of a delete.
func (s *service) deleteJob(ctx context.Context, id string) error {
	_, err := s.call(ctx, http.MethodDelete, "/"+id, "")
	return err
}

func (s *service) call(ctx context.Context, method, path, body string) ([]byte, error) {
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

// job is embedded by the resources of the floors.
type job struct{ *service }

// Metadata implements [resource.Resource].
func (j *job) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_build_job"
}

// Configure implements [resource.ResourceWithConfigure].
func (j *job) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	j.service, _ = req.ProviderData.(*service)
}

// Update implements [resource.Resource]. The benchmark never updates.
func (j *job) Update(_ context.Context, _ resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.Diagnostics.AddError("No update", "A floor of the benchmark makes, reads and deletes.")
}

// New returns a function that makes a provider with the given resources.
func New(resources ...func() resource.Resource) func() provider.Provider {
	return func() provider.Provider { return &floor{resources: resources} }
}

// Serve serves such a provider until Terraform ends it. It logs as little as ours does.
func Serve(resources ...func() resource.Resource) {
	if err := logging.Limit(); err != nil {
		log.Fatal(err)
	}
	err := providerserver.Serve(context.Background(), New(resources...), providerserver.ServeOpts{
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
	resp.ResourceData = &service{endpoint: config.Endpoint.ValueString(), client: &http.Client{Transport: transport}}
}

func (f *floor) Resources(context.Context) []func() resource.Resource { return f.resources }

func (f *floor) DataSources(context.Context) []func() datasource.DataSource { return nil }

func check(diags *diag.Diagnostics, err error) {
	if err != nil {
		diags.AddError("The request failed", err.Error())
	}
}
