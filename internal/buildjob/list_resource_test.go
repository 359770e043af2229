// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// listed is one result of a list resource.
type listed struct {
	name, id, region string
	raw              *tfprotov6.DynamicValue
}

// query is a query of the list resource.
type query struct {
	config  providertest.Arguments
	details bool
	limit   int64
	// take is the number of results after which the caller stops; 0 is all.
	take int
}

// list validates and runs a query. It returns its last diagnostics, too.
func list(
	ctx context.Context, t *testing.T, provider *providertest.Protocol, query query,
) ([]listed, providertest.Diagnostics) {
	t.Helper()
	server, ok := provider.ProviderServer.(tfprotov6.ListResourceServer)
	if !ok {
		t.Fatal("the server knows no list resources")
	}
	config := providertest.Encode(t, provider.Schemas.ListResourceSchemas[typeName].ValueType(), query.config)
	valid, err := server.ValidateListResourceConfig(ctx,
		&tfprotov6.ValidateListResourceConfigRequest{TypeName: typeName, Config: config})
	if err != nil || len(valid.Diagnostics) > 0 {
		return nil, valid.Diagnostics
	}
	stream, err := server.ListResource(ctx, &tfprotov6.ListResourceRequest{
		TypeName: typeName, IncludeResource: query.details, Limit: query.limit, Config: config,
	})
	if err != nil {
		t.Fatal(err)
	}
	var found []listed
	var last providertest.Diagnostics
	for result := range stream.Results {
		if last.HasError() {
			t.Error("the stream goes on after an error")
		}
		if len(result.Diagnostics) > 0 {
			last = result.Diagnostics
		}
		if result.Identity == nil {
			continue
		}
		identity := providertest.Decode(t, provider.Identities[typeName], result.Identity.IdentityData)
		found = append(found, listed{
			name: result.DisplayName, id: providertest.Text(t, identity, "job_id"),
			region: providertest.Text(t, identity, "region"), raw: result.Resource,
		})
		if len(found) == query.take {
			break
		}
	}
	return found, last
}

// named returns the spec of a build job that has only a name.
func named(name string) map[string]any {
	return map[string]any{"job_name": name, "environment_setting": map[string]any{}}
}

// fill adds build jobs to the service, each third of which has more than a name, and returns their IDs by name.
func fill(server *emulator.Server, jobs int) map[string]string {
	ids := map[string]string{}
	for i := range jobs {
		name := fmt.Sprintf("job-%03d", i)
		spec := named(name)
		if i%3 == 0 {
			spec["environment_setting"] = map[string]any{
				"docker_version": "18.09", "build_os": map[string]any{"arch": "aarch64"},
			}
			spec["code_repo"] = repo("https://github.com/acme/" + name)
		}
		ids[name] = server.AddJob(spec)
	}
	return ids
}

// expectAll fails unless exactly these jobs are listed, each once.
func expectAll(t *testing.T, found []listed, ids map[string]string) {
	t.Helper()
	seen := map[string]bool{}
	for _, job := range found {
		if ids[job.name] != job.id || seen[job.id] || job.region != "cn-north-4" {
			t.Errorf("unexpected, or more than once: %s %s in %q", job.name, job.id, job.region)
		}
		seen[job.id] = true
	}
	if len(seen) != len(ids) {
		t.Errorf("%d jobs are listed, want %d", len(seen), len(ids))
	}
}

// listingModes are the ways in which the service may page and filter its list.
func listingModes() map[string]emulator.Quirks {
	return map[string]emulator.Quirks{
		"as documented":         {},
		"pages from 0":          {PagesFromZero: true},
		"capped pages":          {CappedPages: true},
		"repeated rows":         {RepeatedRows: true},
		"several":               {PagesFromZero: true, CappedPages: true, RepeatedRows: true, IgnoreNameFilter: true},
		"the filter is exact":   {ExactNameFilter: true},
		"the filter is ignored": {IgnoreNameFilter: true},
	}
}

// The list resource and the data source return each selected build job once, for each way in which the service pages
// and filters its list. The data source sorts them by name.
func TestBuildJobs_filters(t *testing.T) {
	t.Parallel()
	for mode, quirks := range listingModes() {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: quirks})
			ids := fill(server, 120)
			ids["App"] = server.AddJob(named("App"))
			provider := providertest.NewProtocol(t, server, nil)
			for name, c := range map[string]struct {
				config providertest.Arguments
				want   []string
			}{
				"everything":     {providertest.Arguments{}, slices.Collect(maps.Keys(ids))},
				"name":           {providertest.Arguments{"job_name": "job-100"}, []string{"job-100"}},
				"part of a name": {providertest.Arguments{"job_name": "job-10"}, nil},
				"name of a case": {providertest.Arguments{"job_name": "app"}, nil},
				"prefix": {providertest.Arguments{"job_name_prefix": "job-11"}, []string{
					"job-110", "job-111", "job-112", "job-113", "job-114",
					"job-115", "job-116", "job-117", "job-118", "job-119",
				}},
				"prefix of a case":  {providertest.Arguments{"job_name_prefix": "A"}, []string{"App"}},
				"prefix of nothing": {providertest.Arguments{"job_name_prefix": "ob-"}, nil},
			} {
				want := map[string]string{}
				for _, name := range c.want {
					want[name] = ids[name]
				}
				for _, details := range []bool{false, true} {
					if details && mode != "several" {
						continue // A hundred reads for each mode would take long and prove nothing new.
					}
					found, failure := list(t.Context(), t, provider, query{config: c.config, details: details})
					failure.Expect(t)
					expectAll(t, found, want)

					read := provider.ReadData(t, jobsName, c.config.With("details", details))
					read.Expect(t)
					names := texts(t, read.State["names"])
					if !slices.Equal(names, slices.Sorted(maps.Keys(want))) {
						t.Errorf("%s: the data source has %v", name, names)
					}
					for i, id := range texts(t, read.State["ids"]) {
						if id != want[names[i]] {
							t.Errorf("the ID of %s is %s", names[i], id)
						}
					}
				}
			}
		})
	}
}

// No page is requested, and no build job is read, that the limit does not require.
func TestBuildJobList_limit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit        int64
		take, want   int
		pages, reads int
	}{
		{limit: 1, want: 1, pages: 1, reads: 1},
		{limit: 7, want: 7, pages: 1, reads: 7},
		{limit: 100, want: 100, pages: 1, reads: 100},
		{limit: 101, want: 101, pages: 2, reads: 101},
		{limit: 1000, want: 250, pages: 3, reads: 250},
		{take: 5, want: 5, pages: 1, reads: 10},
	} {
		for _, details := range []bool{false, true} {
			t.Run(fmt.Sprintf("limit %d, take %d, details %t", c.limit, c.take, details), func(t *testing.T) {
				t.Parallel()
				server := emulator.New(t, emulator.Options{})
				fill(server, 250)
				found, failure := list(t.Context(), t, providertest.NewProtocol(t, server, nil),
					query{details: details, limit: c.limit, take: c.take})
				failure.Expect(t)
				if len(found) != c.want {
					t.Errorf("%d jobs are listed, want %d", len(found), c.want)
				}
				if got := server.CountRequests(http.MethodGet, jobsPath); got != c.pages {
					t.Errorf("%d pages were requested, want %d", got, c.pages)
				}
				reads := 0
				if details {
					reads = c.reads
				}
				if got := server.CountRequests(http.MethodGet, jobPath); got != reads {
					t.Errorf("%d jobs were read, want %d", got, reads)
				}
			})
		}
	}
}

func TestBuildJobList_unknownSetting(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	provider := providertest.NewProtocol(t, server, map[string]any{"secret_key": tftypes.UnknownValue})
	found, failure := list(t.Context(), t, provider, query{})
	failure.Expect(t, "A query needs the service, but these provider arguments are known only after apply: secret_key.")
	if len(found) > 0 {
		t.Errorf("got %v", found)
	}
}

func TestBuildJobList_invalid(t *testing.T) {
	t.Parallel()
	provider := providertest.NewProtocol(t, emulator.New(t, emulator.Options{}), nil)
	_, failure := list(t.Context(), t, provider, query{
		config: providertest.Arguments{"job_name": "a", "job_name_prefix": ""},
	})
	// Each filter excludes the other one, and one of them is empty.
	if len(failure) != 3 {
		t.Errorf("got %s", failure)
	}
}
