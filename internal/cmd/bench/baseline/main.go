// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Command baseline is the provider with which the benchmark compares: it has the schema of servicestage_build_job,
// sends the requests that the operations need, and does nothing else. It must not import the client.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/buildjob"
	"github.com/servicestage/terraform-provider-servicestage/internal/logging"
)

func main() {
	if err := logging.Limit(); err != nil { // As the provider.
		log.Fatal(err)
	}
	server := providerserver.NewProtocol6(&baseline{})
	if err := tf6server.Serve("registry.terraform.io/servicestage/servicestage", server); err != nil {
		log.Fatal(err)
	}
}

// baseline is the provider. Its only argument is the endpoint of ServiceStage, named as in the provider.
type baseline struct{}

func (*baseline) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "servicestage"
}

func (*baseline) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema.Attributes = map[string]providerschema.Attribute{
		"endpoints": providerschema.MapAttribute{Required: true, ElementType: types.StringType},
	}
}

func (*baseline) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var endpoint string
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("endpoints").AtMapKey("servicestage"), &endpoint)...)
	// As many idle connections as the provider keeps.
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	resp.ResourceData = &client{url: endpoint + "/assembling/v1/jobs", http: http.Client{Transport: transport}}
}

func (*baseline) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource {
		withIdentity, _ := buildjob.NewResource().(resource.ResourceWithIdentity) // No run succeeds without it.
		return &buildJob{ResourceWithIdentity: withIdentity}
	}}
}

func (*baseline) DataSources(context.Context) []func() datasource.DataSource { return nil }

// client sends requests without retries and limits.
type client struct {
	url  string
	http http.Client
	list sync.Once
}

// body is the request of a build job. It has the members of the benchmark's configuration, so that responses have the
// same length.
const body = `{"job_name":%q,"job_description":"Builds one of many","environment_setting":{"docker_version":"18.09",` +
	`"use_public_cluster":true,"build_os":{"arch":"x86_64"}},"code_repo":{"type":"GitHub",` +
	`"url":"https://github.com/acme/app","branch":"main","namespace":"acme"}}`

// send sends one request and returns the body of the response.
func (c *client) send(ctx context.Context, method, path, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json;charset=utf8")
	req.Header.Set("X-Auth-Token", "emulator-token")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // The body has been read.
	content, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("HTTP %d: %s", resp.StatusCode, content)
	}
	return content, err
}

// buildJob has the type name, schema and identity of servicestage_build_job, but no validators and no plan modifiers.
// Values are copied from plan to state without conversion.
type buildJob struct {
	resource.ResourceWithIdentity

	client *client
}

func (j *buildJob) Schema(ctx context.Context, req resource.SchemaRequest, resp *resource.SchemaResponse) {
	j.ResourceWithIdentity.Schema(ctx, req, resp)
	strip(resp.Schema.Attributes, resp.Schema.Blocks)
}

// strip removes validators and plan modifiers.
func strip(attributes map[string]schema.Attribute, blocks map[string]schema.Block) {
	for name, attribute := range attributes {
		switch attribute := attribute.(type) {
		case schema.StringAttribute:
			attribute.Validators, attribute.PlanModifiers = nil, nil
			attributes[name] = attribute
		case schema.BoolAttribute:
			attribute.Validators, attribute.PlanModifiers = nil, nil
			attributes[name] = attribute
		}
	}
	for name, block := range blocks {
		if single, ok := block.(schema.SingleNestedBlock); ok {
			single.Validators, single.PlanModifiers = nil, nil
			strip(single.Attributes, single.Blocks)
			blocks[name] = single
		}
	}
}

func (j *buildJob) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	j.client, _ = req.ProviderData.(*client)
}

func (j *buildJob) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var name string
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, path.Root("job_name"), &name)...)
	j.client.list.Do(func() {
		if _, err := j.client.send(ctx, http.MethodGet, "?page=1&per_page=100", ""); err != nil {
			resp.Diagnostics.AddError("Error listing build jobs", err.Error())
		}
	})
	response, err := j.client.send(ctx, http.MethodPost, "", fmt.Sprintf(body, name))
	var created struct {
		JobID string `json:"job_id"`
	}
	if err == nil {
		err = json.Unmarshal(response, &created)
	}
	if err != nil {
		resp.Diagnostics.AddError("Error creating build job", err.Error())
		return
	}
	save(&resp.State, resp.Identity, req.Plan.Raw, created.JobID)
	j.send(ctx, &resp.Diagnostics, resp.State, http.MethodGet)
}

func (j *buildJob) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	identify(resp.Identity, j.send(ctx, &resp.Diagnostics, req.State, http.MethodGet))
}

func (j *buildJob) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	id := j.send(ctx, &resp.Diagnostics, req.State, http.MethodGet, http.MethodPut, http.MethodGet)
	save(&resp.State, resp.Identity, req.Plan.Raw, id)
}

func (j *buildJob) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	j.send(ctx, &resp.Diagnostics, req.State, http.MethodDelete)
}

// send sends a request with each of the methods for the job in the state, and returns its ID.
func (j *buildJob) send(
	ctx context.Context, diags *diag.Diagnostics, state tfsdk.State, methods ...string,
) (id string) {
	var name string
	diags.Append(state.GetAttribute(ctx, path.Root("job_id"), &id)...)
	diags.Append(state.GetAttribute(ctx, path.Root("job_name"), &name)...)
	for _, method := range methods {
		content := ""
		if method == http.MethodPut {
			content = fmt.Sprintf(body, name)
		}
		if _, err := j.client.send(ctx, method, "/"+id, content); err != nil {
			diags.AddError("Request failed", err.Error())
		}
	}
	return id
}

// save writes the plan to the state, with null for unknown values, and the ID to the state and the identity.
func save(state *tfsdk.State, identity *tfsdk.ResourceIdentity, plan tftypes.Value, id string) {
	values := map[string]tftypes.Value{}
	_ = plan.As(&values) // A plan is an object.
	for name, value := range values {
		if !value.IsKnown() {
			values[name] = tftypes.NewValue(value.Type(), nil)
		}
	}
	values["job_id"] = tftypes.NewValue(tftypes.String, id)
	state.Raw = tftypes.NewValue(plan.Type(), values)
	identify(identity, id)
}

// identify writes the identity.
func identify(identity *tfsdk.ResourceIdentity, id string) {
	identity.Raw = tftypes.NewValue(identity.Raw.Type(), map[string]tftypes.Value{
		"job_id": tftypes.NewValue(tftypes.String, id), "region": tftypes.NewValue(tftypes.String, nil),
	})
}
