// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package provider is the table of what the provider offers, and its settings.
package provider

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/baseimage"
	"github.com/servicestage/terraform-provider-servicestage/internal/build"
	"github.com/servicestage/terraform-provider-servicestage/internal/buildjob"
	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

var (
	_ provider.ProviderWithActions       = (*serviceStage)(nil)
	_ provider.ProviderWithListResources = (*serviceStage)(nil)
)

type serviceStage struct {
	version string
	adjust  []func(*servicestage.Config)
	// configured is nil until Configure has succeeded.
	configured atomic.Pointer[providerdata.Data]
}

// New returns a function that makes the provider, as Terraform's plugin servers want it. version goes into the User-Agent
// header. adjust is for tests: each function may change the client's configuration, such as its clock, before it is used.
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
		buildjob.NewDataSource, buildjob.NewListDataSource, build.NewDataSource, build.NewListDataSource, baseimage.NewDataSource,
	}
}

func (p *serviceStage) ListResources(context.Context) []func() list.ListResource {
	return []func() list.ListResource{buildjob.NewListResource}
}

func (p *serviceStage) Actions(context.Context) []func() action.Action {
	return []func() action.Action{build.NewStartAction, build.NewCancelAction}
}

// model is the provider block.
type model struct {
	Region              types.String `tfsdk:"region"`
	AccessKey           types.String `tfsdk:"access_key"`
	SecretKey           types.String `tfsdk:"secret_key"`
	SecurityToken       types.String `tfsdk:"security_token"`
	Token               types.String `tfsdk:"token"`
	UserName            types.String `tfsdk:"user_name"`
	UserID              types.String `tfsdk:"user_id"`
	Password            types.String `tfsdk:"password"`
	DomainID            types.String `tfsdk:"domain_id"`
	DomainName          types.String `tfsdk:"domain_name"`
	ProjectID           types.String `tfsdk:"project_id"`
	ProjectName         types.String `tfsdk:"project_name"`
	EnterpriseProjectID types.String `tfsdk:"enterprise_project_id"`
	AuthURL             types.String `tfsdk:"auth_url"`
	Cloud               types.String `tfsdk:"cloud"`
	Endpoints           types.Map    `tfsdk:"endpoints"`
	Insecure            types.Bool   `tfsdk:"insecure"`
	CACertFile          types.String `tfsdk:"cacert_file"`
	MaxRetries          types.Int64  `tfsdk:"max_retries"`
	SharedConfigFile    types.String `tfsdk:"shared_config_file"`
	Profile             types.String `tfsdk:"profile"`
	AssumeRole          types.List   `tfsdk:"assume_role"`
	AssumeRoleWithOIDC  types.List   `tfsdk:"assume_role_with_oidc"`
}

// Configure makes the client. It does not touch the network, so that wrong credentials fail the operation that needs them.
func (p *serviceStage) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	configured := &providerdata.Data{Unknown: config.unknown(), EnterpriseProjectID: config.EnterpriseProjectID, Region: config.Region}
	if !configured.EnterpriseProjectID.IsUnknown() {
		configured.EnterpriseProjectID = text(config.EnterpriseProjectID, "enterprise_project_id").orNull()
	}
	switch {
	case len(configured.Unknown) == 0:
		settings, diags := settingsFrom(ctx, config)
		resp.Diagnostics.Append(diags...)
		if resp.Diagnostics.HasError() {
			return
		}
		client, err := p.client(settings, req.TerraformVersion)
		if err != nil {
			resp.Diagnostics.AddError("Unable to make the ServiceStage client", err.Error())
			return
		}
		configured.Client, configured.Region = client, settings.region
	case req.ClientCapabilities.DeferralAllowed:
		resp.Deferred = &provider.Deferred{Reason: provider.DeferredReasonProviderConfigUnknown}
	default:
		resp.Diagnostics.AddWarning("The service is not asked yet", fmt.Sprintf("These settings of the provider are known only after apply: %s. "+
			"Until then the plan takes existing build jobs to be as the state has them.", strings.Join(configured.Unknown, ", ")))
	}
	if resp.Deferred == nil {
		p.configured.Store(configured)
	}
	resp.ResourceData = configured
	resp.DataSourceData = configured
	resp.ListResourceData = configured
	resp.ActionData = configured
}

func (p *serviceStage) client(settings settings, terraformVersion string) (*servicestage.Client, error) {
	config := servicestage.Config{
		UserAgent:          strings.TrimSpace(fmt.Sprintf("terraform-provider-servicestage/%s Terraform/%s", p.version, terraformVersion)),
		MaxRetries:         settings.maxRetries,
		InsecureSkipVerify: settings.insecure,
		RootCAs:            settings.rootCAs,
		Log:                tflog.Debug,
	}
	for _, adjust := range p.adjust {
		adjust(&config)
	}
	iamConfig, metadataConfig := config, config
	iamConfig.Endpoint, metadataConfig.Endpoint = settings.iamEndpoint, settings.metadataEndpoint
	metadataConfig.NoProxy, metadataConfig.MaxRetries = true, 0
	iamClient, err := rest.New(iamConfig)
	if err != nil {
		return nil, fmt.Errorf("identity and access management: %w", err)
	}
	metadata, err := rest.New(metadataConfig)
	if err != nil {
		return nil, fmt.Errorf("metadata service: %w", err)
	}
	iam := auth.NewIAM(iamClient)
	config.Endpoint = settings.endpoint
	config.Authenticator = auth.NewSession(settings.source(road{iam, metadata, iamClient.Now}), iam, settings.project, config.Now)
	return servicestage.New(config)
}
