// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package provider is the table of what the provider offers, and its settings.
package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/servicestage/terraform-provider-servicestage/internal/baseimage"
	"github.com/servicestage/terraform-provider-servicestage/internal/build"
	"github.com/servicestage/terraform-provider-servicestage/internal/buildjob"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
	"github.com/servicestage/terraform-provider-servicestage/internal/wiring"
)

var _ provider.ProviderWithActions = (*serviceStage)(nil)

type serviceStage struct {
	version string
	adjust  []func(*servicestage.Config)
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
		buildjob.NewDataSource, build.NewDataSource, build.NewListDataSource, baseimage.NewDataSource,
	}
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
	ProjectID           types.String `tfsdk:"project_id"`
	EnterpriseProjectID types.String `tfsdk:"enterprise_project_id"`
	Endpoints           types.Map    `tfsdk:"endpoints"`
	Insecure            types.Bool   `tfsdk:"insecure"`
	MaxRetries          types.Int64  `tfsdk:"max_retries"`
	SharedConfigFile    types.String `tfsdk:"shared_config_file"`
	Profile             types.String `tfsdk:"profile"`
}

func (p *serviceStage) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	text := func(variable, description string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description + " Environment variable: `" + variable + "`."}
	}
	secret := func(variable, description string) schema.StringAttribute {
		attribute := text(variable, description)
		attribute.Sensitive = true
		return attribute
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Build jobs of Huawei Cloud ServiceStage. Each setting can also be given by its environment variable; " +
			"the configuration beats the environment.",
		Attributes: map[string]schema.Attribute{
			"region": text("HW_REGION_NAME",
				"Region, such as `cn-north-4`. Required, unless `endpoints` names the service."),
			"access_key": secret("HW_ACCESS_KEY",
				"Access key (AK). Requires `secret_key`."),
			"secret_key": secret("HW_SECRET_KEY",
				"Secret key (SK) of the access key. Requires `access_key`."),
			"security_token": secret("HW_SECURITY_TOKEN",
				"Security token that goes with a temporary access key."),
			"token": secret("HW_AUTH_TOKEN",
				"Project-scoped IAM token. It is taken instead of an access key, unless that is configured and the token comes from the environment."),
			"project_id": text("HW_PROJECT_ID",
				"ID of the project. Nothing else names the project of a request that an access key signs, so set it with `access_key`; "+
					"a token names its project itself."),
			"enterprise_project_id": text("HW_ENTERPRISE_PROJECT_ID",
				"ID of the enterprise project for resources that name none."),
			"endpoints": schema.MapAttribute{
				Optional:    true,
				ElementType: types.StringType,
				MarkdownDescription: "URLs that replace the usual endpoints. Keys: `servicestage` (the service; environment variable: " +
					"`HW_SERVICESTAGE_ENDPOINT`) and `iam` (identity and access management; environment variable: `HW_IAM_ENDPOINT`). " +
					"`https://` may be left out. `http://` is accepted for loopback hosts only, unless `insecure` is true.",
				Validators: []validator.Map{mapvalidator.KeysAre(stringvalidator.OneOf(endpointNames...))},
			},
			"insecure": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether to accept any TLS certificate, and `http://` endpoints. Default: `false`. " +
					"Environment variable: `HW_INSECURE`.",
			},
			"max_retries": schema.Int64Attribute{
				Optional: true,
				MarkdownDescription: "How many times a request is sent again after a failure that may pass. Default: `5`. " +
					"Environment variable: `HW_MAX_RETRIES`.",
				Validators: []validator.Int64{int64validator.AtLeast(0)},
			},
			"shared_config_file": text("HW_SHARED_CONFIG_FILE",
				"Configuration file of KooCLI. Default: `~/.hcloud/config.json` where `profile` is set, else none is read."),
			"profile": text("HW_PROFILE",
				"Profile of that file, whose access key (modes `AKSK` and `SSO`), region and project are taken where they are not set "+
					"otherwise. Default: the file's current one."),
		},
	}
}

// Configure makes the client. It does not touch the network, so that wrong credentials fail the operation that needs them.
func (p *serviceStage) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	configured := &wiring.Provider{Unknown: config.unknown(), EnterpriseProjectID: config.EnterpriseProjectID}
	if !configured.EnterpriseProjectID.IsUnknown() {
		configured.EnterpriseProjectID = orNull(text(config.EnterpriseProjectID, "HW_ENTERPRISE_PROJECT_ID"))
	}
	switch {
	case len(configured.Unknown) == 0:
		settings, diags := settingsFrom(config)
		resp.Diagnostics.Append(diags...)
		if resp.Diagnostics.HasError() {
			return
		}
		client, err := p.client(settings, req.TerraformVersion)
		if err != nil {
			resp.Diagnostics.AddError("Unable to make the ServiceStage client", err.Error())
			return
		}
		configured.Client = client
	case req.ClientCapabilities.DeferralAllowed:
		resp.Deferred = &provider.Deferred{Reason: provider.DeferredReasonProviderConfigUnknown}
	default:
		resp.Diagnostics.AddWarning("The service is not asked yet", fmt.Sprintf("These settings of the provider are known only after apply: %s. "+
			"Until then the plan takes existing build jobs to be as the state has them.", strings.Join(configured.Unknown, ", ")))
	}
	resp.ResourceData = configured
	resp.DataSourceData = configured
	resp.ActionData = configured
}

func (p *serviceStage) client(settings settings, terraformVersion string) (*servicestage.Client, error) {
	config := servicestage.Config{
		Endpoint:           settings.endpoint,
		Authenticator:      settings.authenticator,
		ProjectID:          settings.projectID,
		UserAgent:          strings.TrimSpace(fmt.Sprintf("terraform-provider-servicestage/%s Terraform/%s", p.version, terraformVersion)),
		MaxRetries:         settings.maxRetries,
		InsecureSkipVerify: settings.insecure,
		Log:                tflog.Debug,
	}
	for _, adjust := range p.adjust {
		adjust(&config)
	}
	return servicestage.New(config)
}
