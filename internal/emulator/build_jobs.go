// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// document is a JSON object with all its members, also those that the API does not document.
type document = map[string]any

// documentedJob has the documented members of the body of create and update, and a value of the type of each.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0275.html, _0272.
var documentedJob = document{
	"job_name": "", "job_description": "", "enterprise_project_id": "",
	"environment_setting": document{
		"docker_version": "", "cluster_id": "", "cluster_name": "", "use_public_cluster": false,
		"build_os": document{"arch": ""},
	},
	"code_repo": document{"type": "", "url": "", "branch": "", "namespace": ""},
}

// objectIDRule is the form of an ID that can be part of a path.
var objectIDRule = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

var jobNameRule = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}[A-Za-z0-9]$`)

// readJobBody returns the body of a request, or an error of [checkSpec].
func readJobBody(r *http.Request, currentName string) (document, error) {
	var spec document
	if err := decode(r.Body, &spec); err != nil {
		return nil, invalid("the request body is not the documented JSON: %v", err)
	}
	return spec, checkSpec(spec, currentName)
}

// checkSpec returns the first violation of the documented rules; nil if there is none. currentName is exempt from the
// rule for names, because jobs made in the console may violate it.
func checkSpec(spec document, currentName string) error {
	if err := checkTypes(spec, documentedJob, false); err != nil {
		return err
	}
	name, environment := stringMember(spec, "job_name"), objectMember(spec, "environment_setting")
	switch {
	case name == "":
		return invalid("job_name is mandatory")
	case name != currentName && !jobNameRule.MatchString(name):
		return invalid("job_name %q is invalid", name)
	case utf8.RuneCountInString(stringMember(spec, "job_description")) > 64:
		return invalid("job_description has more than 64 characters")
	case environment == nil:
		return invalid("environment_setting is mandatory")
	}
	arch := stringMember(objectMember(environment, "build_os"), "arch")
	if !slices.Contains([]string{"", "x86_64", "aarch64"}, arch) {
		return invalid("arch %q is invalid", arch)
	}
	if repo := objectMember(spec, "code_repo"); repo != nil {
		for _, name := range []string{"type", "url", "branch", "namespace"} {
			if stringMember(repo, name) == "" {
				return invalid("%s is mandatory in code_repo", name)
			}
		}
	}
	return nil
}

// checkTypes returns an error for a member of another type than documented, at any depth, and for one whose name
// differs from a documented one in case only. Null has any type. If strict, members must be documented.
func checkTypes(object, documented document, strict bool) error {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		want, isDocumented := documented[name]
		switch {
		case !isDocumented && (strict || containsFold(documented, name)):
			return invalid("%q is not the name of a member", name)
		case !isDocumented || object[name] == nil:
			continue
		case reflect.TypeOf(object[name]) != reflect.TypeOf(want):
			return invalid("%q has the wrong type", name)
		}
		if nested := objectMember(object, name); nested != nil {
			if err := checkTypes(nested, objectMember(documented, name), strict); err != nil {
				return err
			}
		}
	}
	return nil
}

func containsFold(object document, name string) bool {
	for other := range object {
		if strings.EqualFold(other, name) {
			return true
		}
	}
	return false
}

func (s *Service) createJob(r *http.Request) (any, error) {
	spec, err := readJobBody(r, "")
	if err != nil {
		return nil, err
	}
	if err := s.checkNameFree(spec, nil); err != nil {
		return nil, err
	}
	if s.options.Quirks.IgnoreEnterpriseProject {
		delete(spec, "enterprise_project_id")
	}
	created := s.addJob(newID(), spec, r.Method+" "+r.URL.Path)
	environment := objectMember(spec, "environment_setting")
	return document{
		"job_id":          created.ID,
		"job_name":        spec["job_name"],
		"job_description": stringMember(spec, "job_description"),
		"cluster_name":    stringMember(environment, "cluster_name"),
		"cluster_id":      stringMember(environment, "cluster_id"),
		"created_at":      timestamp(created.CreatedAt),
	}, nil
}

func (s *Service) addJob(id string, spec document, by string) *job {
	now := s.options.Now()
	added := &job{ID: id, CreatedAt: now, ChangedAt: now, ChangedBy: by, Spec: spec}
	s.state.Jobs = append(s.state.Jobs, added)
	return added
}

// checkNameFree returns an error if another job has the name. The case of letters is ignored.
func (s *Service) checkNameFree(spec document, except *job) error {
	if s.options.Quirks.AllowTakenNames {
		return nil
	}
	name := stringMember(spec, "job_name")
	for _, job := range s.state.Jobs {
		if job != except && strings.EqualFold(job.name(), name) {
			return errorf(http.StatusBadRequest, "SVCSTG.CPE.4094401", "the build job name is already used")
		}
	}
	return nil
}

func (s *Service) getJob(_ *http.Request, job *job) (any, error) {
	var creator any = document{"id": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "name": userName}
	if s.options.Quirks.CreatorString {
		creator = userName
	}
	return document{
		"job_id":                job.ID,
		"enterprise_project_id": job.enterpriseProject(),
		"creator":               creator,
		"spec":                  s.options.Quirks.render(job.Spec),
		"last_build_id":         job.LastBuildID,
	}, nil
}

func (s *Service) updateJob(r *http.Request, job *job) (any, error) {
	spec, err := readJobBody(r, job.name())
	if err != nil {
		return nil, err
	}
	if s.options.Quirks.IgnoreRename {
		spec["job_name"] = job.name()
	}
	if s.options.Quirks.IgnoreEnterpriseProject {
		delete(spec, "enterprise_project_id")
	}
	if s.options.Quirks.KeepOmitted {
		merge(spec, isAbsent, job.Spec)
	}
	if err := s.checkNameFree(spec, job); err != nil {
		return nil, err
	}
	job.Spec, job.ChangedAt, job.ChangedBy = spec, s.options.Now(), r.Method+" "+r.URL.Path
	return document{}, nil
}

func (s *Service) deleteJob(_ *http.Request, job *job) (any, error) {
	s.state.delete(job)
	return nil, nil //nolint:nilnil // No body: 204.
}

// maxPage is the size of capped pages.
const maxPage = 20

func (s *Service) listJobs(r *http.Request) (any, error) {
	quirks := s.options.Quirks
	first := 1
	if quirks.PagesFromZero {
		first = 0
	}
	page, pageErr := queryNumber(r, "page", first)
	perPage, perPageErr := queryNumber(r, "per_page", 1)
	if err := errors.Join(pageErr, perPageErr); err != nil {
		return nil, err
	}
	if quirks.CappedPages {
		perPage = min(perPage, maxPage)
	}
	filter := r.URL.Query().Get("job_name")
	matched := []document{}
	for _, job := range s.state.Jobs {
		if quirks.matches(job.name(), filter) {
			matched = append(matched, document{"job_id": job.ID, "job_name": job.name()})
		}
	}
	step := perPage
	if quirks.RepeatedRows {
		step = max(perPage-1, 1)
	}
	return document{
		"total": len(matched), "page": page, "per_page": perPage, "list": pageOf(matched, page-first, perPage, step),
	}, nil
}

// pageOf returns at most size elements of a list. Each page, counted from 0, starts step elements after the previous
// one.
func pageOf(list []document, page, size, step int) []document {
	start := len(list)
	if page <= len(list)/step { // Otherwise the product could overflow.
		start = min(page*step, len(list))
	}
	return list[start : start+min(size, len(list)-start)]
}

// matches reports whether the list of jobs, filtered by a name, contains this one. An empty filter matches all. How the
// service compares is not documented.
func (q Quirks) matches(name, filter string) bool {
	switch {
	case filter == "" || q.IgnoreNameFilter:
		return true
	case q.ExactNameFilter:
		return name == filter
	}
	return strings.Contains(strings.ToLower(name), strings.ToLower(filter))
}

// queryNumber returns a query parameter. It is mandatory unless there is a value for an unset one.
func queryNumber(r *http.Request, name string, least int, unset ...int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" && len(unset) == 1 {
		return unset[0], nil
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < least {
		return 0, invalid("%s must be a number of at least %d", name, least)
	}
	return value, nil
}

func (j *job) name() string { return stringMember(j.Spec, "job_name") }

func (j *job) enterpriseProject() string {
	return cmp.Or(stringMember(j.Spec, "enterprise_project_id"), defaultEnterpriseProject)
}

func (s *state) delete(deleted *job) {
	s.Jobs = slices.DeleteFunc(s.Jobs, func(job *job) bool { return job == deleted })
	s.Builds = slices.DeleteFunc(s.Builds, func(build *build) bool { return build.JobID == deleted.ID })
}

const (
	defaultEnterpriseProject = "0"
	userName                 = "emulator-user"
)

// render returns the spec in a response of a service with these quirks.
func (q Quirks) render(spec document) document {
	spec = clone(spec)
	environment := objectMember(spec, "environment_setting")
	if q.FillDefaults {
		merge(spec, isUnset, document{
			"enterprise_project_id": defaultEnterpriseProject,
			"environment_setting": document{
				"docker_version":     "18.09.0",
				"use_public_cluster": false,
				"build_os":           document{"arch": "x86_64"},
			},
		})
		if id := stringMember(environment, "cluster_id"); id != "" {
			merge(environment, isUnset, document{"cluster_name": "cluster-of-" + id})
		}
	}
	if q.OmitFalse && environment["use_public_cluster"] == false {
		delete(environment, "use_public_cluster")
	}
	if repo := objectMember(spec, "code_repo"); repo != nil && q.NormaliseRepoType {
		for _, spelling := range []string{"GitHub", "GitLab", "Gitee", "Bitbucket", "DevCloud"} {
			if strings.EqualFold(stringMember(repo, "type"), spelling) {
				repo["type"] = spelling
			}
		}
	}
	if q.EmptyStrings {
		merge(spec, isUnset, document{
			"job_description": "", "enterprise_project_id": "",
			"environment_setting": document{
				"docker_version": "", "cluster_id": "", "cluster_name": "", "build_os": document{"arch": ""},
			},
			"code_repo": document{"type": "", "url": "", "branch": "", "namespace": ""},
		})
	}
	return spec
}

// merge adds members to an object, at every depth, where lacks reports that the object has no value for one.
func merge(object document, lacks func(document, string) bool, members document) {
	for name, value := range members {
		nested, isObject := value.(document)
		if existing := objectMember(object, name); isObject && existing != nil {
			merge(existing, lacks, nested)
		} else if lacks(object, name) {
			object[name] = value
		}
	}
}

func isAbsent(object document, name string) bool {
	_, ok := object[name]
	return !ok
}

func isUnset(object document, name string) bool { return object[name] == nil || object[name] == "" }

// clone copies an object and the objects in it. Lists are shared, because nothing changes them in place.
func clone(object document) document {
	copied := maps.Clone(object)
	for name := range copied {
		if nested := objectMember(copied, name); nested != nil {
			copied[name] = clone(nested)
		}
	}
	return copied
}

// objectMember returns a nested object; nil if there is none.
func objectMember(object document, name string) document {
	nested, _ := object[name].(document)
	return nested
}

// stringMember returns a string; "" if there is none.
func stringMember(object document, name string) string {
	value, _ := object[name].(string)
	return value
}
