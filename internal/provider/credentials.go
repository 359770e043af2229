// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

const (
	defaultConfigFile = "~/.hcloud/config.json"
	defaultDuration   = time.Hour
	metadataTimeout   = 2 * time.Second

	profileName  = "profile"
	oidcName     = "assume_role_with_oidc"
	metadataName = "metadata"
)

// road is what sources of credentials are asked on.
type road struct {
	iam      *auth.IAM
	metadata *rest.Client
	now      func() time.Time
}

// candidate is one of the ways to have credentials.
type candidate struct {
	// name is the settings that make it, as messages name them.
	name string
	// configured is true where one of these settings is in the provider block.
	configured bool
	// missing is why it is of no use; empty where it is of use.
	missing string
	// fault is what is wrong with what is set, such as that it is half of a pair; nil where nothing is.
	fault diag.Diagnostic
	// source makes the source, for a project. It is nil where missing is not empty.
	source func(road, auth.Project) auth.Source
}

// choice is the credentials that are taken.
type choice struct {
	// source makes their source for a project.
	source func(auth.Project) func(road) auth.Source
	// profile is empty where none is named and none is taken. fromProfile is true where the credentials are its.
	profile     auth.Profile
	fromProfile bool
	// fromMetadata is true if the credentials come from the metadata service.
	fromMetadata bool
}

// choose takes the first of the candidates that is configured, else the first that there is. The order is:
//
//  1. token
//  2. access key and secret key
//  3. user and password
//  4. profile of the shared configuration file
//  5. OIDC
//  6. metadata service
//
// and an agency is assumed with whichever.
func choose(ctx context.Context, config model, diags *diag.Diagnostics) choice {
	candidates := []candidate{tokenCandidate(config, diags), keyCandidate(config, diags), passwordCandidate(config)}
	taken := func(c candidate) bool { return c.missing == "" }
	profile, fromProfile := profileCandidate(config, !slices.ContainsFunc(candidates, taken))
	candidates = append(candidates, fromProfile, oidcCandidate(ctx, config, diags))
	candidates = append(candidates, metadataCandidate(candidates, diags))

	configured := slices.DeleteFunc(slices.Clone(candidates), func(c candidate) bool { return !taken(c) || !c.configured })
	if len(configured) > 1 {
		diags.AddError("Several credentials", fmt.Sprintf(
			"The provider block sets both %s and %s. Leave one of them out.", configured[0].name, configured[1].name))
	}
	earlier := len(configured) > 0
	for _, c := range candidates {
		// What is wrong elsewhere does not matter where something else is taken.
		if c.fault != nil && (c.configured || !earlier) {
			diags.Append(c.fault)
		}
		earlier = earlier || taken(c)
	}
	if diags.HasError() {
		return choice{}
	}
	if len(configured) == 0 {
		configured = slices.DeleteFunc(slices.Clone(candidates), func(c candidate) bool { return !taken(c) })
	}
	if len(configured) == 0 {
		diags.AddError("No credentials", "What was tried, in this order: "+strings.TrimSuffix(tried(candidates), "; ")+".\n\n"+
			"Set access_key and secret_key (HW_ACCESS_KEY and HW_SECRET_KEY), or another of these.")
		return choice{}
	}
	source := configured[0]
	agency := agencyOf(ctx, config, source, profile, diags)
	return choice{
		profile: profile, fromProfile: source.name == profileName, fromMetadata: source.name == metadataName,
		source: func(project auth.Project) func(road) auth.Source {
			return func(r road) auth.Source { return agency(r, project, source) }
		},
	}
}

// incomplete is the fault of a candidate that lacks a setting.
func (c candidate) incomplete(missing string, lacking setting) candidate {
	c.missing = missing
	c.fault = diag.NewAttributeErrorDiagnostic(lacking.path(), "Missing "+lacking.name, fmt.Sprintf(
		"The credentials by %s are incomplete: %s. Set it (%s), or leave the others out.", c.name, missing, lacking.orVariables()))
	return c
}

// tried says why each candidate was of no use.
func tried(candidates []candidate) string {
	var text strings.Builder
	for _, c := range candidates {
		if c.missing != "" {
			text.WriteString(c.name + ": " + c.missing + "; ")
		}
	}
	return text.String()
}

func given(proof auth.Proof) func(road, auth.Project) auth.Source {
	return func(r road, _ auth.Project) auth.Source {
		if key, ok := proof.(auth.AccessKey); ok {
			key.Now = r.now
			return auth.Static{Proof: key}
		}
		return auth.Static{Proof: proof}
	}
}

func tokenCandidate(config model, diags *diag.Diagnostics) candidate {
	token := header(config.Token, "token", diags)
	if token.value == "" {
		return candidate{name: "token", missing: "not set"}
	}
	return candidate{name: "token", configured: token.configured, source: given(auth.Token(token.value))}
}

func keyCandidate(config model, diags *diag.Diagnostics) candidate {
	id, secret := header(config.AccessKey, "access_key", diags), text(config.SecretKey, "secret_key")
	token := header(config.SecurityToken, "security_token", diags)
	c := candidate{name: "access_key and secret_key", configured: id.configured || secret.configured || token.configured}
	switch {
	case id.value == "" && secret.value == "" && !token.configured:
		c.missing = "not set"
	case id.value == "":
		return c.incomplete("access_key is not set", id)
	case secret.value == "":
		return c.incomplete("secret_key is not set", secret)
	default:
		c.source = given(auth.AccessKey{ID: id.value, Secret: secret.value, SecurityToken: token.value})
	}
	return c
}

func passwordCandidate(config model) candidate {
	name, id := text(config.UserName, "user_name"), text(config.UserID, "user_id")
	password := text(config.Password, "password")
	domainName, domainID := text(config.DomainName, "domain_name"), text(config.DomainID, "domain_id")
	c := candidate{name: "user_name (or user_id) and password", configured: name.configured || id.configured || password.configured}
	switch {
	case name.value == "" && id.value == "" && password.value == "":
		c.missing = "not set"
	case password.value == "":
		return c.incomplete("password is not set", password)
	case name.value == "" && id.value == "":
		return c.incomplete("user_name is not set", name)
	case id.value == "" && domainName.value == "" && domainID.value == "":
		return c.incomplete("domain_name, the account of the user, is not set", domainName)
	default:
		c.source = func(r road, project auth.Project) auth.Source {
			return auth.Password{
				IAM: r.iam, UserName: name.value, UserID: id.value, Password: password.value,
				DomainName: domainName.value, DomainID: domainID.value, Project: project,
			}
		}
	}
	return c
}

// profileCandidate reads the profile where it is named, and the default one of the default file where it may be needed.
func profileCandidate(config model, needed bool) (auth.Profile, candidate) {
	file, name := text(config.SharedConfigFile, "shared_config_file"), text(config.Profile, "profile")
	named := file.value != "" || name.value != ""
	c := candidate{name: profileName, configured: file.configured || name.configured, missing: "not set"}
	if !named && !needed {
		return auth.Profile{}, c
	}
	shown := cmp.Or(file.value, defaultConfigFile)
	content, err := readFile(shown)
	if err != nil {
		c.missing = fmt.Sprintf("file %s cannot be read: %s", shown, err)
		if errors.Is(err, fs.ErrNotExist) {
			c.missing = "file " + shown + " not found"
		}
		if named {
			c.fault = diag.NewAttributeErrorDiagnostic(file.path(), "Unreadable shared configuration file", fmt.Sprintf(
				"%s. The file is named by shared_config_file (%s), else it is %s.", err, file.orVariables(), defaultConfigFile))
		}
		return auth.Profile{}, c
	}
	profile, err := auth.ReadProfile(content, name.value)
	if err != nil {
		c.missing = fmt.Sprintf("file %s: %s", shown, err)
		if named {
			c.fault = diag.NewAttributeErrorDiagnostic(name.path(), "Unusable profile", fmt.Sprintf(
				"In %s, %s. The profile is named by profile (%s), else it is the file's current one.", shown, err, name.orVariables()))
		}
		return auth.Profile{}, c
	}
	c.missing, c.source = "", given(profile.Proof)
	return *profile, c
}

// oidcModel is the block assume_role_with_oidc.
type oidcModel struct {
	AgencyName  types.String `tfsdk:"agency_name"`
	DomainID    types.String `tfsdk:"domain_id"`
	IDPID       types.String `tfsdk:"idp_id"`
	IDToken     types.String `tfsdk:"id_token"`
	IDTokenFile types.String `tfsdk:"id_token_file"`
	Duration    types.Int64  `tfsdk:"duration"`
}

func oidcCandidate(ctx context.Context, config model, diags *diag.Diagnostics) candidate {
	var block oidcModel
	present := first(ctx, config.AssumeRoleWithOIDC, &block, diags)
	at := func(name string) string { return oidcName + "." + name }
	idp, agency, domain := header(block.IDPID, at("idp_id"), diags), text(block.AgencyName, at("agency_name")), text(block.DomainID, at("domain_id"))
	token, file := text(block.IDToken, at("id_token")), text(block.IDTokenFile, at("id_token_file"))
	c := candidate{name: oidcName, configured: present}
	if !present && idp.value == "" {
		c.missing = "not set"
		return c
	}
	for _, required := range []setting{idp, agency, domain} {
		if required.value == "" {
			return c.incomplete(required.name+" is not set", required)
		}
	}
	if token.value == "" && file.value == "" {
		return c.incomplete("neither id_token nor id_token_file is set", token)
	}
	if token.configured && file.configured {
		diags.AddAttributeError(file.path(), "Two ID tokens", "The block sets both id_token and id_token_file. Leave one of them out.")
	}
	duration := duration(block.Duration, at("duration"), diags)
	fromFile := !token.configured && (file.configured || token.value == "")
	read := func() (string, error) {
		if !fromFile {
			return token.value, nil
		}
		content, err := readFile(file.value)
		token := strings.TrimSpace(string(content))
		if err == nil && token == "" {
			err = fmt.Errorf("the file %s is empty", file.value)
		}
		if err != nil {
			return "", fmt.Errorf("%s (%s): %w", file.name, file.orVariables(), err)
		}
		return token, nil
	}
	c.source = func(r road, _ auth.Project) auth.Source {
		return auth.Agency{
			IAM: r.iam, Name: agency.value, DomainID: domain.value, Duration: duration,
			Base: auth.OIDC{IAM: r.iam, IDPID: idp.value, IDToken: read},
		}
	}
	return c
}

// metadataCandidate is always there, unless it is switched off: only a request shows whether somebody answers.
func metadataCandidate(before []candidate, diags *diag.Diagnostics) candidate {
	c := candidate{name: metadataName}
	if flag("metadata.disabled", diags) {
		c.missing = "switched off by HW_METADATA_DISABLED"
		return c
	}
	c.source = func(r road, _ auth.Project) auth.Source {
		return auth.Metadata{Client: r.metadata, Timeout: metadataTimeout, Before: tried(before)}
	}
	return c
}

// roleModel is the block assume_role.
type roleModel struct {
	AgencyName types.String `tfsdk:"agency_name"`
	DomainName types.String `tfsdk:"domain_name"`
	DomainID   types.String `tfsdk:"domain_id"`
	Duration   types.Int64  `tfsdk:"duration"`
}

// agencyOf returns what makes the source of a candidate, with the agency on top where there is one: that of the block, else of the
// environment, else of the profile that the credentials are from.
func agencyOf(
	ctx context.Context, config model, source candidate, profile auth.Profile, diags *diag.Diagnostics,
) func(road, auth.Project, candidate) auth.Source {
	var block roleModel
	present := first(ctx, config.AssumeRole, &block, diags)
	at := func(name string) string { return "assume_role." + name }
	name := text(block.AgencyName, at("agency_name"))
	domainName, domainID := text(block.DomainName, at("domain_name")), text(block.DomainID, at("domain_id"))
	// The agency of the environment is the one that an ID token leads to, where there is one: the variables are the same.
	fromEnvironment := !present && name.value != "" && source.name != oidcName && text(nil, oidcName+".idp_id").value == ""
	switch {
	case present && name.value == "":
		diags.AddAttributeError(name.path(), "Missing agency_name", fmt.Sprintf("Set agency_name (%s) to the name of the agency.", name.orVariables()))
	case (present || fromEnvironment) && domainName.value == "" && domainID.value == "":
		diags.AddAttributeError(domainName.path(), "Missing domain_name", fmt.Sprintf(
			"Set domain_name (%s) or domain_id (%s) to the account of agency %q.", domainName.orVariables(), domainID.orVariables(), name.value))
	case present || fromEnvironment:
	case source.name == profileName && profile.AgencyName != "":
		name.value, domainName.value, domainID.value = profile.AgencyName, profile.AgencyDomainName, profile.AgencyDomainID
	default:
		return func(r road, project auth.Project, c candidate) auth.Source { return c.source(r, project) }
	}
	duration := duration(block.Duration, at("duration"), diags)
	return func(r road, _ auth.Project, c candidate) auth.Source {
		// The project is one of the agency's account, and no business of those who assume it.
		return auth.Agency{
			IAM: r.iam, Base: c.source(r, auth.Project{}),
			Name: name.value, DomainName: domainName.value, DomainID: domainID.value, Duration: duration,
		}
	}
}

// duration is how long temporary keys live.
func duration(configured types.Int64, name string, diags *diag.Diagnostics) time.Duration {
	set := text(configured, name)
	if set.value == "" {
		return defaultDuration
	}
	seconds, err := strconv.Atoi(set.value)
	if err != nil || seconds < 900 || seconds > 86400 {
		diags.AddAttributeError(set.path(), "Invalid duration", fmt.Sprintf(
			"%s (%s) is a number of seconds from 900 to 86400. Got: %q.", name, set.orVariables(), set.value))
	}
	return time.Duration(seconds) * time.Second
}

// first reads the first element of a list of blocks, and reports whether there is one.
func first[T any](ctx context.Context, blocks types.List, block *T, diags *diag.Diagnostics) bool {
	if len(blocks.Elements()) == 0 {
		return false
	}
	object, ok := blocks.Elements()[0].(types.Object)
	if !ok {
		diags.AddAttributeError(path.Empty(), "Unexpected block", fmt.Sprintf("This is a bug in the provider: it got %T.", blocks.Elements()[0]))
		return false
	}
	diags.Append(object.As(ctx, block, basetypes.ObjectAsOptions{})...)
	return true
}
