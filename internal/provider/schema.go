// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// described is a description and the environment variables of a setting, which come from the table that is read.
func described(name, description string) string {
	names := variables[name]
	label := " Environment variable: `"
	if len(names) > 1 {
		label = " Environment variables: `"
	}
	return description + label + strings.Join(names, "`, `") + "`."
}

func optional(name, description string) schema.StringAttribute {
	return schema.StringAttribute{Optional: true, MarkdownDescription: described(name, description)}
}

func secret(name, description string) schema.StringAttribute {
	attribute := optional(name, description)
	attribute.Sensitive = true
	return attribute
}

func (p *serviceStage) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Build jobs of Huawei Cloud ServiceStage. Each setting can also be given by its environment variable; " +
			"the configuration beats the environment.",
		Attributes: map[string]schema.Attribute{
			"region":         optional("region", "Region, such as `cn-north-4`. Required, unless `endpoints` names the service. Default: that of the profile. It is part of the identity of a resource."),
			"access_key":     secret("access_key", "Access key (AK). Requires `secret_key`."),
			"secret_key":     secret("secret_key", "Secret key (SK) of the access key. Requires `access_key`."),
			"security_token": secret("security_token", "Security token that goes with a temporary access key. Requires `access_key` and `secret_key`."),
			"token":          secret("token", "Project-scoped IAM token. It names its project itself, and lives for 24 hours."),
			"user_name":      optional("user_name", "Name of the IAM user who logs in with `password`. Requires `domain_name` or `domain_id`."),
			"user_id":        optional("user_id", "ID of the IAM user who logs in with `password`, instead of `user_name`."),
			"password":       secret("password", "Password of the IAM user."),
			"domain_id":      optional("domain_id", "ID of the account that the IAM user belongs to."),
			"domain_name":    optional("domain_name", "Name of the account that the IAM user belongs to."),
			"project_id": optional("project_id",
				"ID of the project. Default: the one that `project_name` is looked up to, else that of the profile or of the login, else the one that "+
					"the name of the region is looked up to, by a request to IAM before the first request to the service."),
			"project_name":          optional("project_name", "Name of the project, which is used where no `project_id` is set. Default: the project of the profile, else the one named as the region."),
			"enterprise_project_id": optional("enterprise_project_id", "ID of the enterprise project for resources that name none."),
			"auth_url": optional("auth_url",
				"URL of identity and access management (IAM), with or without `/v3`. Default: `https://iam.{region}.{cloud}`. The key `iam` of "+
					"`endpoints` means the same, and beats it."),
			"cloud": optional("cloud", "Domain name behind those of the services. Default: `myhuaweicloud.com`, or `myhuaweicloud.eu` in "+
				"regions that begin with `eu-west-1`."),
			"endpoints": schema.MapAttribute{
				Optional:    true,
				ElementType: types.StringType,
				MarkdownDescription: "URLs that replace the usual endpoints. Keys: `servicestage` (the service; environment variable: " +
					"`HW_SERVICESTAGE_ENDPOINT`) and `iam` (identity and access management; environment variable: `HW_IAM_ENDPOINT`). " +
					"`https://` may be left out. `http://` is accepted for loopback hosts only, unless `insecure` is true.",
				Validators: []validator.Map{mapvalidator.KeysAre(stringvalidator.OneOf(endpointNames...))},
			},
			"insecure": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: described("insecure", "Whether to accept any TLS certificate, and `http://` endpoints. Default: `false`."),
			},
			"cacert_file": optional("cacert_file",
				"Certificates of authorities that are accepted besides those of the system: a path, or the certificates themselves in PEM."),
			"max_retries": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: described("max_retries", "How many times a request is sent again after a failure that may pass. Default: `5`."),
				Validators:          []validator.Int64{int64validator.AtLeast(0)},
			},
			"shared_config_file": optional("shared_config_file", "Configuration file of KooCLI, with secrets that are not encrypted. Default: "+
				"`~/.hcloud/config.json`, where `profile` is set, or where there are no other credentials."),
			"profile": optional("profile", "Profile of that file, whose credentials (modes `AKSK`, `token` and `SSO`), region, project and agency "+
				"are taken where they are not set otherwise. Default: the file's current one."),
		},
		Blocks: map[string]schema.Block{
			"assume_role": schema.ListNestedBlock{
				MarkdownDescription: "Agency to assume with whichever credentials there are. Its temporary access keys are renewed as long as it takes.",
				Validators:          []validator.List{listvalidator.SizeAtMost(1)},
				NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
					"agency_name": optional("assume_role.agency_name", "Name of the agency. Required in the block."),
					"domain_name": optional("assume_role.domain_name", "Name of the account that the agency belongs to. This or `domain_id` is required in the block."),
					"domain_id":   optional("assume_role.domain_id", "ID of the account that the agency belongs to. It beats `domain_name`."),
					"duration":    lifetime("assume_role.duration"),
				}},
			},
			"assume_role_with_oidc": schema.ListNestedBlock{
				MarkdownDescription: "Agency to assume with the ID token of an OpenID Connect identity provider, such as that of a CI system.",
				Validators:          []validator.List{listvalidator.SizeAtMost(1)},
				NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
					"agency_name":   optional("assume_role_with_oidc.agency_name", "Name of the agency. Required in the block."),
					"domain_id":     optional("assume_role_with_oidc.domain_id", "ID of the account that the agency belongs to. Required in the block."),
					"idp_id":        optional("assume_role_with_oidc.idp_id", "ID of the identity provider in IAM. Required in the block."),
					"id_token":      secret("assume_role_with_oidc.id_token", "ID token. This or `id_token_file` is required in the block."),
					"id_token_file": optional("assume_role_with_oidc.id_token_file", "File with the ID token. It is read anew for each login."),
					"duration":      lifetime("assume_role_with_oidc.duration"),
				}},
			},
		},
	}
}

func lifetime(name string) schema.Int64Attribute {
	return schema.Int64Attribute{
		Optional:            true,
		MarkdownDescription: described(name, "How long the temporary access keys live, in seconds, from 900 to 86400. Default: `3600`."),
		Validators:          []validator.Int64{int64validator.Between(900, 86400)},
	}
}
