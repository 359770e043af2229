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

	metadataName = "metadata"
)

// credentialSource is one way to get credentials.
type credentialSource struct {
	// name names the settings of the source in messages.
	name string
	// source is nil if the credentials are incomplete; missing is the reason.
	source  auth.Source
	missing string
	// configured is true if one of the settings is in the provider block.
	configured bool
	// fault is an error of the settings, such as an access key without its secret key; nil if there is none.
	fault diag.Diagnostic
	// description names the settings that are set, and where their values come from.
	description string
	// profile is the profile of the configuration file; empty if none was read.
	profile auth.Profile
}

// selection is the credentials in use. It is a plain value: equal settings result in equal selections.
type selection struct {
	source       auth.Source
	description  string
	project      auth.Project
	location     location
	usesMetadata bool
}

// selectSource selects the first complete source that the provider block configures; otherwise, the first complete
// source in this list:
//
//  1. token
//  2. OIDC
//  3. profile, if profile or shared_config_file is set
//  4. access key and secret key
//  5. user and password
//  6. current profile of the default file
//  7. metadata service
//
// Any of them can assume an agency.
func (c *configuration) selectSource() selection {
	named := c.lookup("shared_config_file").text != "" || c.lookup("profile").text != ""
	sources := []credentialSource{
		c.tokenSource(), c.oidcSource(), c.profileSource(named), c.keySource(), c.passwordSource(),
	}
	profile := sources[2].profile
	if !named {
		defaultProfile := c.profileSource(!slices.ContainsFunc(sources, credentialSource.complete))
		profile, sources = defaultProfile.profile, append(slices.Delete(sources, 2, 3), defaultProfile)
	}
	sources = append(sources, c.metadataSource(sources))

	complete := slices.DeleteFunc(slices.Clone(sources), func(s credentialSource) bool { return !s.complete() })
	configured := slices.IndexFunc(complete, func(s credentialSource) bool { return s.configured })
	earlier, used := configured >= 0, ""
	for _, s := range sources {
		switch {
		case s.configured && used != "":
			c.diags.AddWarning("Several credentials", fmt.Sprintf("The provider block sets %s, and also %s. "+
				"The provider uses %s.\n\nRemove the other credentials.", used, s.name, used))
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
	if len(complete) == 0 {
		c.diags.AddError("No credentials", "The provider found no complete credentials:\n\n  - "+
			reasons(sources, "\n  - ")+"\n\nSet access_key and secret_key (HW_ACCESS_KEY and "+
			"HW_SECRET_KEY), or other credentials.")
		return selection{}
	}
	base, where := complete[max(configured, 0)], c.location(profile)
	if named && profile.AgencyName != "" && base.profile.AgencyName == "" {
		c.diags.AddWarning("Unused agency", fmt.Sprintf("Agency %q of the profile is not assumed, because the "+
			"provider uses other credentials: %s.\n\nRemove either these, or profile (HW_PROFILE) and "+
			"shared_config_file (HW_SHARED_CONFIG_FILE).", profile.AgencyName, base.description))
	}
	_, usesMetadata := base.source.(auth.Metadata)
	selected := c.withAgency(base, where)
	result := selection{
		source: c.exchanged(selected.source), description: selected.description + unused(selected, complete),
		location: where, usesMetadata: usesMetadata,
	}
	if _, hasProject := selected.source.(auth.AgencyToken); !hasProject {
		result.project = c.project(where, selected.profile)
	}
	if _, isLogin := selected.source.(auth.Password); isLogin && result.project == (auth.Project{}) {
		c.diags.AddAttributeError(path.Root("project_name"), "Missing project",
			"A login with a password returns a token for one project, and no project is configured.\n\n"+
				"Set region, project_name or project_id.")
	}
	return result
}

// exchanged returns the source of a token for the configured project if the given source is a token; otherwise, the
// given source.
func (c *configuration) exchanged(source auth.Source) auth.Source {
	static, _ := source.(auth.Static)
	token, ok := static.Credential.(auth.Token)
	if !ok || c.lookup("project_id").text == "" && c.lookup("project_name").text == "" {
		return source
	}
	name := c.lookup("domain_name")
	id := c.lookup("domain_id").unlessNamed(name)
	return auth.Exchange{Token: string(token), DomainID: id.text, DomainName: name.text}
}

// unused names the other sources if the selected one comes from the environment. That may be a stale variable.
func unused(selected credentialSource, sources []credentialSource) string {
	var others []string
	for _, s := range sources {
		if s.name != selected.name && s.name != metadataName && !selected.configured {
			others = append(others, s.description)
		}
	}
	if others == nil {
		return ""
	}
	return ". Not used: " + strings.Join(others, "; ")
}

// project returns the configured project, the project of the profile in use if its region is the same, or the project
// with the name of the region, in this order.
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

// incomplete returns the source with the error that a setting is missing. given are its other settings, also unset
// ones.
func (s credentialSource) incomplete(missing string, lacking value, given ...value) credentialSource {
	s.missing = missing
	s.fault = diag.NewAttributeErrorDiagnostic(lacking.path(), "Missing "+lacking.name, fmt.Sprintf(
		"The credentials are incomplete: found %s, but %s.\n\nSet %s (%s), or remove the incomplete credentials.",
		describe(given...), missing, lacking.name, lacking.orVariables()))
	return s
}

// describe names the settings that are set, and where their values come from.
func describe(values ...value) string {
	values = slices.DeleteFunc(slices.Clone(values), func(v value) bool { return v.text == "" })
	origins := make([]string, len(values))
	for i, v := range values {
		origins[i] = v.origin()
		if v.configured() && i+1 < len(values) && values[i+1].configured() {
			origins[i] = v.name // The last one names the provider block.
		}
	}
	return strings.Join(origins, ", ")
}

func anyConfigured(values ...value) bool { return slices.ContainsFunc(values, value.configured) }

// reasons lists why each of the sources is incomplete.
func reasons(sources []credentialSource, separator string) string {
	list := make([]string, len(sources))
	for i, s := range sources {
		list[i] = s.name + ": " + s.missing
	}
	return strings.Join(list, separator)
}

func (c *configuration) tokenSource() credentialSource {
	token := c.headerValue("token")
	if token.text == "" {
		return credentialSource{name: "token", missing: "not set"}
	}
	return credentialSource{
		name: "token", configured: token.configured(), description: describe(token),
		source: auth.Static{Credential: auth.Token(token.text)},
	}
}

func (c *configuration) keySource() credentialSource {
	id, key, token := c.headerValue("access_key"), c.lookup("secret_key"), c.headerValue("security_token")
	s := credentialSource{
		name: "access_key and secret_key", configured: anyConfigured(id, key, token),
		description: describe(id, key, token),
	}
	switch {
	case id.text == "" && key.text == "" && !token.configured():
		s.missing = "not set"
	case id.text == "":
		return s.incomplete("access_key is not set", id, key, token)
	case key.text == "":
		return s.incomplete("secret_key is not set", key, id, token)
	default:
		s.source = auth.Static{Credential: auth.AccessKey{ID: id.text, Secret: key.text, SecurityToken: token.text}}
	}
	return s
}

func (c *configuration) passwordSource() credentialSource {
	name, domainName, password := c.lookup("user_name"), c.lookup("domain_name"), c.lookup("password")
	id, domainID := c.lookup("user_id").unlessNamed(name), c.lookup("domain_id").unlessNamed(domainName)
	s := credentialSource{
		name: "user_name (or user_id) and password", configured: anyConfigured(name, id, password),
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
			UserName: name.text, UserID: id.text, Password: password.text,
			DomainName: domainName.text, DomainID: domainID.text,
		}
	}
	return s
}

// profileSource reads the configured profile, or the current one of the default file. It reads no file unless needed
// is true.
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
		s.missing = fmt.Sprintf("error reading file %s: %s", shown, err)
		if errors.Is(err, fs.ErrNotExist) {
			s.missing = "file " + shown + " not found"
		}
		if named {
			s.fault = diag.NewAttributeErrorDiagnostic(file.path(), "Unreadable shared configuration file", fmt.Sprintf(
				"Error reading the shared configuration file: %s.\n\nCheck shared_config_file (%s), which defaults "+
					"to %s.", err, file.orVariables(), defaultConfigFile))
		}
		return s
	}
	profile, err := auth.ReadProfile(content, name.text)
	if err != nil {
		s.missing = fmt.Sprintf("file %s: %s", shown, err)
		if named {
			s.fault = diag.NewAttributeErrorDiagnostic(name.path(), "Unusable profile", fmt.Sprintf(
				"Error reading a profile of %s: %s.\n\nCheck profile (%s), which defaults to the current profile of "+
					"the file, or set shared_config_file (%s) to another file.",
				shown, err, name.orVariables(), file.orVariables()))
		}
		return s
	}
	s.missing, s.source, s.profile = "", auth.Static{Credential: profile.Credential}, *profile
	if profile.Credential == nil {
		s.source = auth.Metadata{Timeout: metadataTimeout}
	}
	s.description = "the current profile of " + shown
	if name.text != "" {
		s.description = fmt.Sprintf("profile %q (%s) of %s", name.text, describe(name), shown)
	}
	return s
}

func (c *configuration) oidcSource() credentialSource {
	idp, token := c.headerValue(oidcName+".idp_id"), c.lookup(oidcName+".id_token")
	file := c.lookup(oidcName + ".id_token_file")
	agency, domain := c.lookup(oidcName+".agency_name"), c.lookup(oidcName+".domain_id")
	s := credentialSource{name: oidcName, configured: c.has(oidcName)}
	if !s.configured && idp.text == "" {
		s.missing = "not set"
		return s
	}
	if token.configured() && file.configured() {
		c.errorf(file, "Two ID tokens", "The block sets both id_token and id_token_file.\n\nRemove one of them.")
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
	s.description = describe(idp, token, file)
	s.source = auth.OIDC{IDPID: idp.text, IDToken: token.text, IDTokenFile: file.text}
	return s
}

// metadataSource is complete unless it is disabled: only a request shows whether there is a metadata service.
func (c *configuration) metadataSource(before []credentialSource) credentialSource {
	s := credentialSource{name: metadataName}
	if c.flag("HW_METADATA_DISABLED") {
		s.missing = "disabled by HW_METADATA_DISABLED"
		return s
	}
	s.source = auth.Metadata{Timeout: metadataTimeout}
	s.description = "the metadata service, because no other source is complete (" + reasons(before, "; ") + ")"
	return s
}

// withAgency returns the source with the configured agency: agency_name, the assume_role blocks, each assumed with the
// keys of the one before, the environment, or the profile in use, in this order. Without an agency, it returns the
// source unchanged.
func (c *configuration) withAgency(base credentialSource, where location) credentialSource {
	own := c.lookup("domain_id").unlessNamed(c.lookup("domain_name"))
	caller := own.text
	if !own.configured() { // The keys of a profile belong to its account.
		caller = cmp.Or(base.profile.DomainID, caller)
	}
	delegate, account := c.lookup("agency_name"), c.lookup("agency_domain_name")
	name := c.lookup(roleName + ".agency_name")
	// The variables are those of OIDC too, which assumes the agency itself.
	assumes := c.has(roleName) || name.text != "" && base.name != oidcName
	switch project := c.lookup("delegated_project"); {
	case delegate.text == "" && account.text == "" && project.text == "":
	case delegate.text == "" && account.text == "":
		c.diags.AddAttributeWarning(project.path(), "Unused project", fmt.Sprintf("agency_name is not set. "+
			"Not used: %s.\n\nSet agency_name (%s) and agency_domain_name, or set project_name (%s) to the project of "+
			"the credentials.", describe(project), delegate.orVariables(), c.lookup("project_name").orVariables()))
	case delegate.text == "":
		c.errorf(delegate, "Missing agency_name", "The agency is incomplete: found %s, but agency_name is not set.\n\n"+
			"Set agency_name (%s), or remove agency_domain_name.", describe(account), delegate.orVariables())
	case account.text == "":
		c.errorf(account, "Missing agency_domain_name", "The agency is incomplete: found %s, but "+
			"agency_domain_name is not set.\n\nSet agency_domain_name (%s) to the name of the account that "+
			"the agency belongs to.",
			describe(delegate), account.orVariables())
	case assumes, base.name == oidcName, base.profile.AgencyName != "":
		c.errorf(delegate, "Two agencies", "Two agencies are configured: %s, and %s.\n\nRemove one of them.",
			describe(delegate, account), cmp.Or(describe(name), base.description))
	default:
		base.source = auth.AgencyToken{
			Base: base.source, Name: delegate.text, DomainName: account.text,
			Project: c.delegatedProject(delegate, where), CallerDomainID: caller,
		}
		base.description += ", " + describe(delegate)
		return base
	}
	if base.name == oidcName {
		agency, domain := c.lookup(oidcName+".agency_name"), c.lookup(oidcName+".domain_id")
		base = c.assume(base, auth.Agency{Name: agency.text, DomainID: domain.text, CallerDomainID: caller},
			c.lookup(oidcName+".duration"), describe(agency, domain))
		caller = domain.text // The keys belong to the account of the agency.
	}
	switch ofProfile := base.profile; {
	case !assumes && ofProfile.AgencyName == "":
		c.checkUnusedAccount()
		return base
	case !assumes:
		return c.assume(base, auth.Agency{
			Name: ofProfile.AgencyName, DomainName: ofProfile.AgencyDomainName, DomainID: ofProfile.AgencyDomainID,
			CallerDomainID: caller,
		}, c.lookup(roleName+".duration"), fmt.Sprintf("agency %q of the profile", ofProfile.AgencyName))
	case ofProfile.AgencyName != "":
		c.diags.AddAttributeWarning(name.path(), "Unused agency", fmt.Sprintf("Agency %q of the profile is not "+
			"assumed, because another agency is configured: %s.\n\nRemove one of them.",
			ofProfile.AgencyName, describe(name)))
	}
	return c.assumeRoles(base, caller)
}

// assumeRoles returns the source of the last agency of assume_role. caller is the account of the base; empty if
// unknown.
func (c *configuration) assumeRoles(base credentialSource, caller string) credentialSource {
	for i := 0; i == 0 || c.has(blockName(i)); i++ {
		name, domainName := c.lookupIn(i, "agency_name"), c.lookupIn(i, "domain_name")
		domainID := c.lookupIn(i, "domain_id").unlessNamed(domainName)
		switch {
		case name.text == "":
			c.errorf(name, "Missing agency_name", "The assume_role block has no agency_name.\n\n"+
				"Set agency_name (%s) to the name of the agency.", name.orVariables())
		case domainName.text == "" && domainID.text == "":
			c.errorf(domainName, "Missing domain_name", "The account of agency %q is not set.\n\n"+
				"Set domain_name (%s) or domain_id (%s) to the account that the agency belongs to.",
				name.text, domainName.orVariables(), domainID.orVariables())
		}
		agency := auth.Agency{
			Name: name.text, DomainName: domainName.text, DomainID: domainID.text, CallerDomainID: caller,
		}
		base = c.assume(base, agency, c.lookupIn(i, "duration"), describe(name))
		caller = domainID.text
	}
	return base
}

// checkUnusedAccount warns if variables set the account of an agency, but no agency. Those of OIDC are the same.
func (c *configuration) checkUnusedAccount() {
	name := c.lookup(roleName + ".agency_name")
	accountName, accountID := c.lookup(roleName+".domain_name"), c.lookup(roleName+".domain_id")
	if account := describe(accountName, accountID); account != "" && c.lookup(oidcName+".idp_id").text == "" {
		c.diags.AddAttributeWarning(name.path(), "Incomplete agency", fmt.Sprintf("No agency is assumed, because "+
			"agency_name is not set. Not used: %s.\n\nSet agency_name (%s), or remove the account.",
			account, name.orVariables()))
	}
}

// delegatedProject returns the name of the project of an agency's token. The projects of other credentials are not
// used.
func (c *configuration) delegatedProject(agency value, where location) string {
	project, unused := c.lookup("delegated_project"), describe(c.lookup("project_id"), c.lookup("project_name"))
	switch {
	case project.text != "":
		return project.text
	case where.region == "":
		c.errorf(project, "Missing project", "The project of agency %q is not set.\n\nSet delegated_project (%s) to "+
			"the name of a project in the account of the agency, or set region.", agency.text, project.orVariables())
	case unused != "":
		c.diags.AddAttributeWarning(project.path(), "Unused project", fmt.Sprintf(
			"The token of agency %q is for project %q. Not used: %s.\n\nSet delegated_project (%s) to use another "+
				"project.", agency.text, where.region, unused, project.orVariables()))
	}
	return where.region
}

// assume returns the source of an agency that is assumed with the base.
func (c *configuration) assume(
	base credentialSource, agency auth.Agency, duration value, description string,
) credentialSource {
	agency.Base, agency.Duration = base.source, c.duration(duration, agency.DomainID != "", isTemporary(base.source))
	base.source, base.description = agency, base.description+", "+description
	return base
}

// isTemporary reports whether the source returns temporary access keys, with which STS issues keys for at most an hour.
func isTemporary(source auth.Source) bool {
	switch source := source.(type) {
	case auth.Static:
		key, _ := source.Credential.(auth.AccessKey)
		return key.SecurityToken != ""
	case auth.Password:
		return false
	default:
		return true
	}
}

// duration returns the lifetime of temporary keys. If the account is set by its ID, it is between 15 minutes and 12
// hours, and at most an hour with a temporary key; if it is set by its name, between 15 minutes and 24 hours. Zero
// means the default of the service.
//
// Sources: https://support.huaweicloud.com/intl/en-us/api-iam5/AssumeAgency.html and
// https://support.huaweicloud.com/intl/en-us/api-iam/iam_04_0101.html.
func (c *configuration) duration(set value, byID, temporary bool) time.Duration {
	const shortest, longest = 900, 43200
	lifetime := c.number(set, 0)
	switch {
	case lifetime == 0 && byID:
	case lifetime == 0:
		lifetime = 3600
	case byID && (lifetime < shortest || lifetime > longest):
		c.errorf(set, "Invalid duration", "With domain_id, %s must be between %d and %d seconds. Got: %d.",
			set.origin(), shortest, longest, lifetime)
	case byID && temporary && lifetime > 3600:
		c.errorf(set, "Invalid duration",
			"With domain_id and a temporary access key, %s must be at most 3600 seconds. Got: %d.",
			set.origin(), lifetime)
	case lifetime < shortest:
		c.diags.AddAttributeWarning(set.path(), "Short duration", fmt.Sprintf(
			"%s is %d seconds. The provider requests %d seconds, the minimum of the service.",
			set.origin(), lifetime, shortest))
		lifetime = shortest
	}
	return time.Duration(lifetime) * time.Second
}
