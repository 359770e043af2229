// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package providerdata passes the configured client to resources, data sources, list resources and actions. It must
// not import their packages.
package providerdata

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// Data is the provider data of the framework: the client, and what resources need of the provider's configuration.
type Data struct {
	// Client is nil if an argument that it needs is unknown, which happens only while Terraform plans.
	Client *servicestage.Client
	// EnterpriseProjectID is the default for resources that set none: null if there is no default, unknown during
	// planning if the argument is.
	EnterpriseProjectID types.String
	// Region is the provider's region: null if only an endpoint is configured, unknown during planning if the
	// argument is.
	Region types.String
	// Unknown names the arguments that the client still needs.
	Unknown []string
}

// Ready reports whether there is a client.
func (d *Data) Ready() bool { return d != nil && d.Client != nil }

// NotReady returns the error for an operation that needs the client while a provider argument is unknown. The
// operation is a noun with its article, such as "An import".
func (d *Data) NotReady(operation string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Unknown provider arguments", fmt.Sprintf(
		"%s needs the service, but these provider arguments are known only after apply: %s.\n\n"+
			"Apply the resources that they depend on first (terraform apply -target=...), or set them to known values.",
		operation, strings.Join(d.Unknown, ", ")))
}

// CheckRegion returns an error with both regions if the region of an object, such as "build", is known and not the
// provider's: there, "not found" does not mean that the object was deleted.
func (d *Data) CheckRegion(object, operation, region string) diag.Diagnostics {
	if region == "" || region == d.Region.ValueString() {
		return nil
	}
	summary := strings.ToUpper(object[:1]) + object[1:] + " in another region"
	return diag.Diagnostics{diag.NewErrorDiagnostic(summary, fmt.Sprintf(
		"Error %[1]s: the %[2]s is in region %[3]s, and the provider's region is %[4]s.\n\n"+
			"Use a provider configuration for region %[3]s (provider meta-argument, region or HW_REGION_NAME). "+
			"To change the region of a resource in the state, first destroy it, or remove it with "+
			"`terraform state rm`. In an import, correct or remove the region of the identity.",
		operation, object, region, cmp.Or(d.Region.ValueString(), "not set")))}
}

// Origin is when and where an object was created or last read. The zero value is unknown.
type Origin struct {
	// CreatedAt is the time of a create that no read has confirmed; otherwise the zero time.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// Region is the provider's region when the object was created or first read; empty if it had none.
	Region string `json:"region,omitempty"`
	// Host is that of the endpoint.
	Host string `json:"host,omitempty"`
	// Project is the ID of the project; empty if it is not known.
	Project string `json:"project,omitempty"`
}

// confirmTimeout is the time after an unconfirmed create during which "not found" may mean that reads lag.
const confirmTimeout = 10 * time.Minute

// Origin returns the origin, without CreatedAt, of an object that has just been created or read. If the provider's
// project is not known, it is the stored one.
func (d *Data) Origin(ctx context.Context, stored Origin) Origin {
	return Origin{
		Region: d.Region.ValueString(), Host: d.Client.Host(),
		Project: cmp.Or(d.Client.ProjectID(ctx), stored.Project),
	}
}

// MayExist reports whether an object may exist although it is not found: because reads lag, or because the provider's
// requests go elsewhere.
func (d *Data) MayExist(ctx context.Context, stored Origin) bool {
	return d.Client.Now().Sub(stored.CreatedAt) < confirmTimeout || stored.isElsewhere(d.Origin(ctx, stored))
}

func (o Origin) isElsewhere(current Origin) bool {
	return o.isOtherHost(current) || o.Project != "" && o.Project != current.Project
}

func (o Origin) isOtherHost(current Origin) bool { return o.Host != "" && o.Host != current.Host }

// NotFound returns the error for an object, such as "build", that is not found and may exist.
func (d *Data) NotFound(ctx context.Context, object, operation string, stored Origin, err error) diag.Diagnostic {
	title := strings.ToUpper(object[:1]) + object[1:]
	current := d.Origin(ctx, stored)
	if !stored.isElsewhere(current) {
		return apidiag.Error(title+" not readable yet", operation, err, fmt.Sprintf(
			"ServiceStage created the %[1]s at %[2]s but has not returned it since. Reads may lag, so the %[1]s stays "+
				"in the state for %[3]d minutes after its creation.\n\n"+
				"Run Terraform again later. If the %[1]s was deleted, Terraform then plans to create it again; "+
				"`terraform state rm` removes it from the state at once.",
			object, stored.CreatedAt.UTC().Format(time.RFC3339), int(confirmTimeout.Minutes())))
	}
	printable := func(name string) string { return rest.Sanitize(name, 128) }
	kind, was := "project", printable(stored.Project)
	where := fmt.Sprintf("in project %s, and the provider's project is %s", was, printable(current.Project))
	advice := fmt.Sprintf(
		"Use credentials and a provider configuration for project %s (project_id or HW_PROJECT_ID).", was)
	if stored.isOtherHost(current) {
		kind, was = "endpoint", printable(stored.Host)
		where = fmt.Sprintf("at %s, and the provider's endpoint is %s", was, current.Host)
		advice = "Use the earlier endpoint (region or HW_REGION_NAME, endpoints.servicestage or " +
			"HW_SERVICESTAGE_ENDPOINT)."
	}
	return apidiag.Error(title+" of another "+kind, operation, err, fmt.Sprintf(
		"The %[1]s was last read %[2]s. It may still exist, so it stays in the state.\n\n"+
			"%[3]s If the %[1]s was deleted, remove it from the state with `terraform state rm`.",
		object, where, advice))
}

// Begin returns the context of an operation, which ends after the timeout. Without a client it adds an error. The
// caller must call the returned function in any case.
func (d *Data) Begin(
	ctx context.Context, operation string, timeout time.Duration, diags *diag.Diagnostics,
) (context.Context, context.CancelFunc) {
	if !d.Ready() {
		diags.Append(d.NotReady(operation))
	}
	return context.WithTimeout(ctx, timeout)
}

// Resource is embedded by resources. It is configured once Terraform has configured the provider.
type Resource struct{ *Data }

// Configure implements [resource.ResourceWithConfigure] and list.ListResourceWithConfigure.
func (r *Resource) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.Data, _ = req.ProviderData.(*Data)
}

// DataSource is embedded by data sources. It is configured once Terraform has configured the provider.
type DataSource struct {
	*Data
	name   string
	schema func() schema.Schema
}

// NewDataSource returns a data source without a Read method. The name has no provider prefix, such as "build_job".
func NewDataSource(name string, schema func() schema.Schema) DataSource {
	return DataSource{name: name, schema: schema}
}

// Metadata implements [datasource.DataSource].
func (d *DataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + d.name
}

// Schema implements [datasource.DataSource].
func (d *DataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = d.schema()
}

// Configure implements [datasource.DataSourceWithConfigure].
func (d *DataSource) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	d.Data, _ = req.ProviderData.(*Data)
}

// ListResource is embedded by list resources.
type ListResource = Resource

// Action is embedded by actions. It is configured once Terraform has configured the provider.
type Action struct{ *Data }

// Configure implements [action.ActionWithConfigure].
func (a *Action) Configure(_ context.Context, req action.ConfigureRequest, _ *action.ConfigureResponse) {
	a.Data, _ = req.ProviderData.(*Data)
}
