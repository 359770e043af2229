// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package providerdata hands what the provider configured to its resources, data sources, list resources and actions.
package providerdata

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// Data is what the provider block and the environment come to.
type Data struct {
	// Client is nil as long as a setting that it needs is unknown, which happens only while Terraform plans.
	Client *servicestage.Client
	// EnterpriseProjectID is the default for resources that name none: null means that there is no default, unknown that it is
	// not known yet.
	EnterpriseProjectID types.String
	// Region is where the client's service is, as far as the settings say: null where only an endpoint names the service, unknown
	// as long as the setting is.
	Region types.String
	// Unknown names the settings that the client still needs.
	Unknown []string
}

// Ready reports whether the service can be called.
func (d *Data) Ready() bool { return d != nil && d.Client != nil }

// NotReady is the error for what cannot do without the service while a provider setting is unknown.
func (d *Data) NotReady(what string) diag.Diagnostic {
	return diag.NewErrorDiagnostic(
		"The provider is not configured yet",
		fmt.Sprintf("%s needs the service, but these settings of the provider are known only after apply: %s.\n\n"+
			"Apply what they come from first (terraform apply -target=...), or set them to known values.",
			what, strings.Join(d.Unknown, ", ")),
	)
}

// Resource is embedded by resources; it is configured once Terraform has configured the provider.
type Resource struct{ *Data }

// Configure implements [resource.ResourceWithConfigure].
func (r *Resource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.Data = from(req.ProviderData, &resp.Diagnostics)
}

// DataSource is embedded by data sources; it is configured once Terraform has configured the provider.
type DataSource struct{ *Data }

// Configure implements [datasource.DataSourceWithConfigure].
func (d *DataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.Data = from(req.ProviderData, &resp.Diagnostics)
}

// ListResource is embedded by list resources; it is configured once Terraform has configured the provider.
type ListResource struct{ *Data }

// Configure implements list.ListResourceWithConfigure.
func (l *ListResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	l.Data = from(req.ProviderData, &resp.Diagnostics)
}

// Action is embedded by actions; it is configured once Terraform has configured the provider.
type Action struct{ *Data }

// Configure implements [action.ActionWithConfigure].
func (a *Action) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.Data = from(req.ProviderData, &resp.Diagnostics)
}

// from returns nil where the provider is not configured, as while Terraform validates.
func from(data any, diags *diag.Diagnostics) *Data {
	if data == nil {
		return nil
	}
	provider, ok := data.(*Data)
	if !ok {
		diags.AddError("Unexpected provider data", fmt.Sprintf("This is a bug in the provider: it handed over %T.", data))
		return nil
	}
	return provider
}
