// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
)

const (
	defaultConfigFile = "~/.hcloud/config.json"
	metadataTimeout   = 2 * time.Second

	oidcName = "assume_role_with_oidc"
	roleName = "assume_role"
)

// credentialSource is one way to get credentials.
type credentialSource struct {
	// name is the settings that make it, as messages name them.
	name string
	// source is nil if the credentials are incomplete; missing is why.
	source  auth.Source
	missing string
	// token is the token that the source returns as it is; empty for other sources.
	token auth.Token
	// configured is true if one of the settings is in the provider block.
	configured bool
	// fault is what is wrong with the settings, such as that half of a pair is set; nil if nothing is.
	fault diag.Diagnostic
	// description says where the credentials come from.
	description string
	// profile is the profile that was read; empty if none was.
	profile auth.Profile
	// needsProject is true if the credentials are useless without a project, hasProject if they are for a certain one.
	needsProject, hasProject bool
	// temporary is true if the credentials are a temporary access key, with which STS issues keys for an hour at most.
	temporary bool
	// usesMetadata is true if the metadata service has the credentials.
	usesMetadata bool
}

// selection is the credentials in use. It is a plain value: equal settings give equal selections.
type selection struct {
	source       auth.Source
	description  string
	project      auth.Project
	location     location
	usesMetadata bool
}

// selectSource selects the first source that is configured, else the first that is complete. The order is:
//
//  1. token
//  2. OIDC
//  3. profile that is named
//  4. access key and secret key
//  5. user and password
//  6. current profile of the default file
//  7. metadata service
//
// An agency is assumed with any of them.
func (c *configuration) selectSource() selection {
	named := c.lookup("shared_config_file").text != "" || c.lookup("profile").text != ""
	sources := []credentialSource{c.tokenSource(), c.oidcSource(), c.profileSource(named), c.keySource(), c.passwordSource()}
	profile := sources[2].profile
	if !named {
		defaultProfile := c.profileSource(!slices.ContainsFunc(sources, credentialSource.complete))
		profile, sources = defaultProfile.profile, append(slices.Delete(sources, 2, 3), defaultProfile)
	}
	sources = append(sources, c.metadataSource(sources))

	complete := slices.DeleteFunc(slices.Clone(sources), func(s credentialSource) bool { return !s.complete() })
	configured := slices.DeleteFunc(slices.Clone(complete), func(s credentialSource) bool { return !s.configured })
	candidates := slices.Concat(configured, complete)
	earlier, used := len(configured) > 0, ""
	for _, s := range sources {
		switch {
		case s.configured && used != "":
			c.diags.AddWarning("Several credentials", fmt.Sprintf("The provider block sets both %s and %s. The provider uses %s.", used, s.name, used))
		case s.configured && s.complete():
			used = s.name
		case s.fault != nil && (s.configured || !earlier): // Others would not be selected anyway.
			c.diags.Append(s.fault)
		}
		earlier = earlier || s.complete()
	}
	if c.diags.HasError() {
		return selection{}
	}
	if len(candidates) == 0 {
		c.diags.AddError("No credentials", "What was tried, in this order: "+tried(sources)+".\n\n"+
			"Set access_key and secret_key (HW_ACCESS_KEY and HW_SECRET_KEY), or another of these.")
		return selection{}
	}
	where := c.location(profile)
	if named && profile.AgencyName != "" && candidates[0].profile.AgencyName == "" {
		c.diags.AddWarning("Unused agency", fmt.Sprintf("Agency %q of the profile is not assumed, because the provider uses "+
			"other credentials: %s.\n\nRemove either these, or profile (HW_PROFILE) and shared_config_file "+
			"(HW_SHARED_CONFIG_FILE).", profile.AgencyName, candidates[0].description))
	}
	selected := c.withAgency(candidates[0], where)
	if selected.token != "" && (c.lookup("project_id").text != "" || c.lookup("project_name").text != "") {
		domainName := c.lookup("domain_name")
		domainID := c.lookup("domain_id").unlessNamed(domainName)
		selected.source = auth.Exchange{Token: string(selected.token), DomainID: domainID.text, DomainName: domainName.text}
	}
	result := selection{
		source: selected.source, description: selected.description, location: where, usesMetadata: selected.usesMetadata,
	}
	if !selected.hasProject {
		result.project = c.project(where, selected.profile)
	}
	if selected.needsProject && result.project == (auth.Project{}) {
		c.diags.AddAttributeError(path.Root("project_name"), "Missing project", "ServiceStage accepts tokens for a project only, and a password "+
			"is for no certain one. Set region, project_name or project_id.")
	}
	return result
}

// project is the configured project, else that of the profile in use, unless that is for another region, else the one named as the region.
func (c *configuration) project(where location, profile auth.Profile) auth.Project {
	name := c.lookup("project_name")
	project := auth.Project{ID: c.headerValue("project_id").unlessNamed(name).text, Name: name.text}
	if project == (auth.Project{}) && (profile.Region == "" || profile.Region == where.region) {
		project.ID = profile.ProjectID
	}
	project.Name = cmp.Or(project.Name, where.region)
	return project
}

func (s credentialSource) complete() bool { return s.source != nil }

// incomplete is a source that lacks a setting. given are those that it has, set or not.
func (s credentialSource) incomplete(missing string, lacking value, given ...value) credentialSource {
	s.missing = missing
	s.fault = diag.NewAttributeErrorDiagnostic(lacking.path(), "Missing "+lacking.name, fmt.Sprintf(
		"The credentials are incomplete: %s, but %s. Set it (%s), or leave the others out.", describe(given...), missing, lacking.orVariables()))
	return s
}

// describe names the settings that are set, and where their values come from.
func describe(values ...value) string {
	var origins []string
	for _, v := range values {
		if v.text != "" {
			origins = append(origins, v.origin())
		}
	}
	return strings.Join(origins, ", ")
}

func anyConfigured(values ...value) bool { return slices.ContainsFunc(values, value.configured) }

// tried says why each of the sources is incomplete.
func tried(sources []credentialSource) string {
	var reasons []string
	for _, s := range sources {
		reasons = append(reasons, s.name+": "+s.missing)
	}
	return strings.Join(reasons, "; ")
}

func (c *configuration) tokenSource() credentialSource {
	token := c.headerValue("token")
	if token.text == "" {
		return credentialSource{name: "token", missing: "not set"}
	}
	return credentialSource{
		name: "token", configured: token.configured(), description: describe(token),
		token: auth.Token(token.text), source: auth.Static{Credential: auth.Token(token.text)},
	}
}

func (c *configuration) keySource() credentialSource {
	id, key, token := c.headerValue("access_key"), c.lookup("secret_key"), c.headerValue("security_token")
	s := credentialSource{
		name: "access_key and secret_key", configured: anyConfigured(id, key, token), description: describe(id, key, token),
	}
	switch {
	case id.text == "" && key.text == "" && !token.configured():
		s.missing = "not set"
	case id.text == "":
		return s.incomplete("access_key is not set", id, key, token)
	case key.text == "":
		return s.incomplete("secret_key is not set", key, id, token)
	default:
		s.source, s.temporary = auth.Static{Credential: auth.AccessKey{ID: id.text, Secret: key.text, SecurityToken: token.text}}, token.text != ""
	}
	return s
}

func (c *configuration) passwordSource() credentialSource {
	name, domainName, password := c.lookup("user_name"), c.lookup("domain_name"), c.lookup("password")
	id, domainID := c.lookup("user_id").unlessNamed(name), c.lookup("domain_id").unlessNamed(domainName)
	s := credentialSource{
		name: "user_name (or user_id) and password", configured: anyConfigured(name, id, password), needsProject: true,
		description: describe(name, id, password, domainName, domainID),
	}
	switch {
	case name.text == "" && id.text == "" && password.text == "":
		s.missing = "not set"
	case password.text == "":
		return s.incomplete("password is not set", password, name, id)
	case name.text == "" && id.text == "":
		return s.incomplete("user_name is not set", name, password)
	case id.text == "" && domainName.text == "" && domainID.text == "":
		return s.incomplete("domain_name, the account of the user, is not set", domainName, name, password)
	default:
		s.source = auth.Password{
			UserName: name.text, UserID: id.text, Password: password.text, DomainName: domainName.text, DomainID: domainID.text,
		}
	}
	return s
}

// profileSource reads the profile that is named, or the current one of the default file, unless it is not needed.
func (c *configuration) profileSource(needed bool) credentialSource {
	file, name := c.lookup("shared_config_file"), c.lookup("profile")
	named := file.text != "" || name.text != ""
	s := credentialSource{name: "profile", configured: anyConfigured(file, name), missing: "not set"}
	if !needed {
		return s
	}
	shown := cmp.Or(file.text, defaultConfigFile)
	content, err := auth.ReadFile(shown)
	if err != nil {
		s.missing = fmt.Sprintf("file %s cannot be read: %s", shown, err)
		if errors.Is(err, fs.ErrNotExist) {
			s.missing = "file " + shown + " not found"
		}
		if named {
			s.fault = diag.NewAttributeErrorDiagnostic(file.path(), "Unreadable shared configuration file", fmt.Sprintf(
				"%s. The file is named by shared_config_file (%s), else it is %s.", err, file.orVariables(), defaultConfigFile))
		}
		return s
	}
	profile, err := auth.ReadProfile(content, name.text)
	if err != nil {
		s.missing = fmt.Sprintf("file %s: %s", shown, err)
		if named {
			s.fault = diag.NewAttributeErrorDiagnostic(name.path(), "Unusable profile", fmt.Sprintf(
				"In %s, %s. The profile is named by profile (%s), else it is the file's current one.", shown, err, name.orVariables()))
		}
		return s
	}
	s.missing, s.source, s.profile = "", auth.Static{Credential: profile.Credential}, *profile
	switch credential := profile.Credential.(type) {
	case nil:
		s.source, s.temporary, s.usesMetadata = auth.Metadata{Timeout: metadataTimeout}, true, true
	case auth.AccessKey:
		s.temporary = credential.SecurityToken != ""
	case auth.Token:
		s.token = credential
	}
	s.description = "the current profile of " + shown
	if name.text != "" {
		s.description = fmt.Sprintf("profile %q (%s) of %s", name.text, describe(name), shown)
	}
	return s
}

func (c *configuration) oidcSource() credentialSource {
	idp, agency, domain := c.headerValue(oidcName+".idp_id"), c.lookup(oidcName+".agency_name"), c.lookup(oidcName+".domain_id")
	token, file := c.lookup(oidcName+".id_token"), c.lookup(oidcName+".id_token_file")
	s := credentialSource{name: oidcName, configured: c.has(oidcName)}
	if !s.configured && idp.text == "" {
		s.missing = "not set"
		return s
	}
	if token.configured() && file.configured() {
		c.errorf(file, "Two ID tokens", "The block sets both id_token and id_token_file. Leave one of them out.")
	}
	if !token.configured() && file.configured() {
		token.text = ""
	}
	for _, required := range []value{idp, agency, domain} {
		if required.text == "" {
			return s.incomplete(required.name+" is not set", required, idp, agency, domain, token, file)
		}
	}
	switch {
	case token.text != "":
		file.text = ""
	case file.text == "":
		return s.incomplete("neither id_token nor id_token_file is set", token, idp, agency, domain)
	}
	s.description, s.temporary = describe(idp, token, file), true
	s.source = auth.OIDC{IDPID: idp.text, IDToken: token.text, IDTokenFile: file.text}
	return s
}

// metadataSource is always complete, unless it is disabled: only a request shows whether there is a metadata service.
func (c *configuration) metadataSource(before []credentialSource) credentialSource {
	s := credentialSource{name: "metadata"}
	if c.flag("HW_METADATA_DISABLED") {
		s.missing = "switched off by HW_METADATA_DISABLED"
		return s
	}
	s.source, s.temporary, s.usesMetadata = auth.Metadata{Timeout: metadataTimeout}, true, true
	s.description = "the metadata service, because nothing else is complete (" + tried(before) + ")"
	return s
}

// withAgency assumes the agencies of the blocks, one with the keys of the other, else that of the environment, else that of the profile
// in use, or gets a token of the one that agency_name names. Without any, it returns the source.
func (c *configuration) withAgency(base credentialSource, where location) credentialSource {
	caller := c.lookup("domain_id").unlessNamed(c.lookup("domain_name")).text
	delegate, account := c.lookup("agency_name"), c.lookup("agency_domain_name")
	name := c.lookup(roleName + ".agency_name")
	// The variables are those of OIDC too, which assumes the agency itself.
	assumes := c.has(roleName) || name.text != "" && base.name != oidcName
	switch {
	case delegate.text == "" && account.text == "":
	case delegate.text == "":
		c.errorf(delegate, "Missing agency_name", "Set agency_name (%s), or leave %s out.", delegate.orVariables(), describe(account))
	case account.text == "":
		c.errorf(account, "Missing agency_domain_name", "Set agency_domain_name (%s) to the account of the agency: %s.", account.orVariables(), describe(delegate))
	case assumes, base.name == oidcName, base.profile.AgencyName != "":
		c.errorf(delegate, "Two agencies", "The settings name two agencies: %s, and %s. Leave one of them out.", describe(delegate, account),
			cmp.Or(describe(name), base.description))
	default:
		base.source = auth.AgencyToken{
			Base: base.source, Name: delegate.text, DomainName: account.text, Project: c.delegatedProject(delegate, where), CallerDomainID: caller,
		}
		base.description += ", " + describe(delegate)
		base.needsProject, base.token, base.hasProject = false, "", true
		return base
	}
	if base.name == oidcName {
		agency, domain := c.lookup(oidcName+".agency_name"), c.lookup(oidcName+".domain_id")
		base = c.assume(base, auth.Agency{Name: agency.text, DomainID: domain.text, CallerDomainID: caller}, c.lookup(oidcName+".duration"), describe(agency, domain))
		caller = domain.text // The keys belong to the account of the agency.
	}
	if !assumes {
		if base.profile.AgencyName == "" {
			return base
		}
		return c.assume(base, auth.Agency{
			Name: base.profile.AgencyName, DomainName: base.profile.AgencyDomainName, DomainID: base.profile.AgencyDomainID, CallerDomainID: caller,
		}, c.lookup(roleName+".duration"), fmt.Sprintf("agency %q of the profile", base.profile.AgencyName))
	}
	for i := 0; i == 0 || c.has(blockName(i)); i++ {
		name, domainName := c.lookupIn(i, "agency_name"), c.lookupIn(i, "domain_name")
		domainID := c.lookupIn(i, "domain_id").unlessNamed(domainName)
		switch {
		case name.text == "":
			c.errorf(name, "Missing agency_name", "Set agency_name (%s) to the name of the agency.", name.orVariables())
		case domainName.text == "" && domainID.text == "":
			c.errorf(domainName, "Missing domain_name", "Set domain_name (%s) or domain_id (%s) to the account of agency %q.",
				domainName.orVariables(), domainID.orVariables(), name.text)
		}
		base = c.assume(base, auth.Agency{Name: name.text, DomainName: domainName.text, DomainID: domainID.text, CallerDomainID: caller},
			c.lookupIn(i, "duration"), describe(name))
		caller = domainID.text
	}
	return base
}

// delegatedProject returns the name of the project that the token of an agency is for. Those of other credentials are not used.
func (c *configuration) delegatedProject(agency value, where location) string {
	project, unused := c.lookup("delegated_project"), describe(c.lookup("project_id"), c.lookup("project_name"))
	switch {
	case project.text != "":
		return project.text
	case where.region == "":
		c.errorf(project, "Missing project", "Set delegated_project (%s) to the name of a project of the account of agency %q, or set region.",
			project.orVariables(), agency.text)
	case unused != "":
		c.diags.AddAttributeWarning(project.path(), "Unused project", fmt.Sprintf("The token of agency %q is for project %q. Not used: %s. "+
			"Set delegated_project (%s) for another project.", agency.text, where.region, unused, project.orVariables()))
	}
	return where.region
}

// assume assumes an agency with the base.
func (c *configuration) assume(base credentialSource, agency auth.Agency, duration value, description string) credentialSource {
	agency.Base, agency.Duration = base.source, c.duration(duration, agency.DomainID != "", base.temporary)
	base.source, base.description = agency, base.description+", "+description
	base.needsProject, base.token, base.temporary = false, "", true
	return base
}

// duration is the lifetime of temporary keys: by the ID of the account 15 minutes to 12 hours, and an hour at most with a temporary key,
// and by its name 15 minutes to 24 hours. Zero leaves it to the service.
//
// Sources: https://support.huaweicloud.com/intl/en-us/api-iam5/AssumeAgency.html and
// https://support.huaweicloud.com/intl/en-us/api-iam/iam_04_0101.html.
func (c *configuration) duration(set value, byID, temporary bool) time.Duration {
	const shortest, longest = 900, 43200
	seconds := c.numberOf(set, 0)
	switch {
	case seconds == 0 && byID:
	case seconds == 0:
		seconds = 3600
	case byID && (seconds < shortest || seconds > longest):
		c.errorf(set, "Invalid duration", "With domain_id, %s must be from %d to %d seconds. Got: %d.", set.origin(), shortest, longest, seconds)
	case byID && temporary && seconds > 3600:
		c.errorf(set, "Invalid duration", "With domain_id and a temporary access key, %s must be at most 3600 seconds. Got: %d.", set.origin(), seconds)
	case seconds < shortest:
		c.diags.AddAttributeWarning(set.path(), "Short duration", fmt.Sprintf("The shortest lifetime of temporary keys is %d seconds, which the provider requests. %s: %d.",
			shortest, set.origin(), seconds))
		seconds = shortest
	}
	return time.Duration(seconds) * time.Second
}
