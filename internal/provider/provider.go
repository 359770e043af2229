// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package provider is the Terraform provider: it lists its resources, data sources, list resources and actions, and
// creates the client from the provider block and the environment. It must not send requests. Only tests and the main
// package import it.
package provider

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/baseimage"
	"github.com/servicestage/terraform-provider-servicestage/internal/build"
	"github.com/servicestage/terraform-provider-servicestage/internal/buildjob"
	"github.com/servicestage/terraform-provider-servicestage/internal/logging"
	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

var (
	_ provider.ProviderWithActions       = (*serviceStage)(nil)
	_ provider.ProviderWithListResources = (*serviceStage)(nil)
)

const defaultMaxRetries = 5

type serviceStage struct {
	version string
	adjust  []func(*servicestage.Config)
	// configured is nil until Configure has succeeded.
	configured atomic.Pointer[providerdata.Data]
}

// New returns a function that creates the provider, as providerserver requires it. version becomes part of the
// User-Agent header. adjust is for tests: each function may change the configuration of the client, such as its clock.
func New(version string, adjust ...func(*servicestage.Config)) func() provider.Provider {
	return func() provider.Provider { return &serviceStage{version: version, adjust: adjust} }
}

func (p *serviceStage) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "servicestage"
	resp.Version = p.version
}

func (p *serviceStage) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{buildjob.NewResource, build.NewResource}
}

func (p *serviceStage) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		buildjob.NewDataSource, buildjob.NewListDataSource, build.NewDataSource, build.NewListDataSource,
		baseimage.NewDataSource,
	}
}

func (p *serviceStage) ListResources(context.Context) []func() list.ListResource {
	return []func() list.ListResource{buildjob.NewListResource}
}

func (p *serviceStage) Actions(context.Context) []func() action.Action {
	return []func() action.Action{build.NewStartAction, build.NewCancelAction}
}

// Schema implements [provider.Provider].
func (p *serviceStage) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	block := func(name, description string, validators ...validator.List) schema.ListNestedBlock {
		return schema.ListNestedBlock{
			MarkdownDescription: description,
			Validators:          validators,
			NestedObject:        schema.NestedBlockObject{Attributes: attributes(name)},
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Manages build jobs of Huawei Cloud ServiceStage. Arguments override environment " +
			"variables.",
		Attributes: attributes(""),
		Blocks: map[string]schema.Block{
			roleName: block(roleName, "Agency to assume with the configured credentials. Its temporary access keys "+
				"are refreshed before they expire. With several blocks, each agency is assumed with the keys of the "+
				"one before."),
			oidcName: block(oidcName, "Agency to assume with the ID token of an OpenID Connect (OIDC) identity "+
				"provider, such as a CI system. At most one block.", listvalidator.SizeAtMost(1)),
		},
	}
}

// Configure creates the client. It sends no request: wrong credentials fail the operation that needs them.
func (p *serviceStage) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var block types.Object
	resp.Diagnostics.Append(req.Config.Get(ctx, &block)...)
	if resp.Diagnostics.HasError() {
		return
	}
	config := newConfiguration(block)
	configured := &providerdata.Data{
		Unknown: config.missing(), EnterpriseProjectID: config.stringValue("enterprise_project_id"),
		Region: config.stringValue("region"),
	}
	switch {
	case len(configured.Unknown) == 0:
		var region string
		configured.Client, region = p.client(config, req.TerraformVersion)
		resp.Diagnostics.Append(config.diags...)
		if resp.Diagnostics.HasError() {
			return
		}
		configured.Region = stringOrNull(region)
	case req.ClientCapabilities.DeferralAllowed:
		resp.Deferred = &provider.Deferred{Reason: provider.DeferredReasonProviderConfigUnknown}
	default:
		resp.Diagnostics.AddWarning("Provider arguments unknown during planning",
			fmt.Sprintf("These provider arguments are known only after apply: %s.\n\n"+
				"Until they are known, Terraform plans with the prior state.", strings.Join(configured.Unknown, ", ")))
	}
	if resp.Deferred == nil {
		p.configured.Store(configured)
	}
	resp.ResourceData = configured
	resp.DataSourceData = configured
	resp.ListResourceData = configured
	resp.ActionData = configured
}

// client returns the client for a configuration without unknown values, and its region, which is empty if only
// endpoints are set. Errors are added to the configuration.
func (p *serviceStage) client(c *configuration, terraformVersion string) (*servicestage.Client, string) {
	selected := c.selectSource()
	if c.diags.HasError() {
		return nil, ""
	}
	urls := c.endpoints(selected.location, selected.usesMetadata)
	userAgent := "terraform-provider-servicestage/" + p.version + " Terraform/" + terraformVersion
	config := servicestage.Config{
		UserAgent:          strings.TrimSpace(userAgent),
		MaxRetries:         int(c.number(c.lookup("max_retries"), defaultMaxRetries)),
		InsecureSkipVerify: c.flag("insecure"),
		RootCAs:            c.rootCAs(),
	}
	if logging.Enabled() {
		config.Log = tflog.Debug
	}
	if c.diags.HasError() {
		return nil, ""
	}
	for _, adjust := range p.adjust {
		adjust(&config)
	}
	newClient := func(config rest.Config, endpoint string) *rest.Client {
		config.Endpoint = endpoint
		client, err := rest.New(config)
		if err != nil {
			c.diags.AddError("Error creating HTTP client", err.Error())
		}
		return client
	}
	clients := auth.Clients{
		IAM: newClient(config, urls.iam), Agencies: newClient(config, urls.agencies), STS: newClient(config, urls.sts),
		Now: config.Now,
	}
	metadata := config
	metadata.Proxy, metadata.MaxRetries = http.ProxyURL(nil), 0
	clients.Metadata = newClient(metadata, urls.metadata)
	config.Endpoint = urls.service
	config.Authenticator = auth.NewSession(selected.source, selected.description, selected.project, clients)
	client, err := servicestage.New(config)
	if err != nil {
		c.diags.AddError("Error creating ServiceStage client", err.Error())
	}
	return client, selected.location.region
}
