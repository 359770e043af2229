// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// adminPrefix is the path of the web page and of the JSON API.
const adminPrefix = "/_emulator/"

// maxAdminBody is the size of the largest request body of the JSON API, in bytes.
const maxAdminBody = 32 << 20

//go:embed page
var page embed.FS

// pageFiles are the content types of the files of the web page, by path below adminPrefix.
var pageFiles = map[string]string{
	"":          "text/html; charset=utf-8",
	"style.css": "text/css; charset=utf-8",
	"app.js":    "text/javascript; charset=utf-8",
	"icon.svg":  "image/svg+xml",
}

// pageHandler serves one of pageFiles.
func pageHandler(name, contentType string) http.HandlerFunc {
	content, err := page.ReadFile("page/" + cmp.Or(name, "index.html"))
	if err != nil {
		panic(err) // The file is not embedded.
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
			"img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		_, _ = w.Write(content) // The client may be gone.
	}
}

// newAdminRoutes returns the web page and the JSON API that docs/guides/emulator.md describes.
func (s *Service) newAdminRoutes() *http.ServeMux {
	routes := http.NewServeMux()
	for name, contentType := range pageFiles {
		routes.HandleFunc("GET "+adminPrefix+cmp.Or(name, "{$}"), pageHandler(name, contentType))
	}
	s.register(routes, http.StatusOK, adminFailure, map[string]operation{
		"GET " + adminPrefix + "health":                                  s.getHealth,
		"GET " + adminPrefix + "state":                                   s.getState,
		"GET " + adminPrefix + "requests":                                s.listRequests,
		"POST " + adminPrefix + "reset":                                  s.postReset,
		"POST " + adminPrefix + "seed":                                   s.postSeed,
		"PUT " + adminPrefix + "faults":                                  s.putFaults,
		"GET " + adminPrefix + "jobs/{job_id}":                           s.forJob(s.getJobWithBuilds),
		"PATCH " + adminPrefix + "jobs/{job_id}":                         s.forJob(s.patchJob),
		"DELETE " + adminPrefix + "jobs/{job_id}":                        s.forJob(s.deleteJob),
		"POST " + adminPrefix + "jobs/{job_id}/builds":                   s.forJob(s.postBuild),
		"POST " + adminPrefix + "jobs/{job_id}/builds/{build_id}/cancel": s.forBuild(s.postCancel),
	})
	routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		respondError(w, errorf(http.StatusNotFound, "", "there is no such operation"), adminFailure)
	})
	return routes
}

func (s *Service) serveAdmin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	err := s.authorizeAdmin(r)
	if err == nil {
		_, err = readBody(w, r, maxAdminBody)
	}
	if err != nil {
		respondError(w, err, adminFailure)
		return
	}
	s.admin.ServeHTTP(w, r)
}

// authorizeAdmin returns an error for a request that comes from another web page or another machine.
func (s *Service) authorizeAdmin(r *http.Request) error {
	forbidden := func(message string) error { return errorf(http.StatusForbidden, "", "%s", message) }
	if origin := r.Header.Get("Origin"); origin != "" {
		if parsed, err := url.Parse(origin); err != nil || !strings.EqualFold(parsed.Host, r.Host) {
			return forbidden("the Origin header names another web page")
		}
	}
	if s.options.AdminToken == "" {
		// A host name that resolves to a loopback address could be that of another web page.
		if !isLoopback(r.Host) {
			return forbidden("the Host header must be localhost or a loopback address, unless -admin-token is set")
		}
		if !isLoopback(r.RemoteAddr) {
			return forbidden("clients on other machines are rejected, unless -admin-token is set")
		}
		return nil
	}
	name := strings.TrimPrefix(r.URL.Path, adminPrefix)
	if _, isPage := pageFiles[name]; r.Method == http.MethodGet && (isPage || name == "health") {
		return nil
	}
	token, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !isBearer || !hmac.Equal([]byte(token), []byte(s.options.AdminToken)) {
		const message = "the Authorization header must be Bearer and the value of -admin-token"
		return errorf(http.StatusUnauthorized, "", message)
	}
	return nil
}

// isLoopback reports whether an address, with or without a port, is localhost or a loopback IP.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// readAdminBody decodes the body of a request of the JSON API.
func readAdminBody(r *http.Request, target any) error {
	if err := decode(r.Body, target, (*json.Decoder).DisallowUnknownFields); err != nil {
		return invalid("the request body is invalid: %v", err)
	}
	return nil
}

func (s *Service) getHealth(*http.Request) (any, error) { return document{"status": "ok"}, nil }

// postReset returns to the state after the start. Issued credentials stay valid.
func (s *Service) postReset(*http.Request) (any, error) {
	s.state, s.outcomes = state{}, nil
	s.forgetRequests()
	return nil, s.restart()
}

// restart adds the initial faults and, if there is no build job, the initial build jobs.
func (s *Service) restart() error {
	s.faults = nil
	for _, fault := range s.options.Faults {
		s.addFault(fault)
	}
	if len(s.options.Seed) == 0 || len(s.state.Jobs) > 0 {
		return nil
	}
	if err := s.seed(bytes.NewReader(s.options.Seed)); err != nil {
		return fmt.Errorf("initial build jobs: %s", asAPIError(err).Message)
	}
	return nil
}

func (s *Service) postSeed(r *http.Request) (any, error) { return nil, s.seed(r.Body) }

// seed adds all build jobs of a JSON array, or none. Names may break the rules of the API, as those made in the console
// may.
func (s *Service) seed(content io.Reader) error {
	var seeds []document
	if err := decode(content, &seeds); err != nil {
		return invalid("build jobs must be a JSON array of objects: %v", err)
	}
	before := s.state.Jobs
	for i, spec := range seeds {
		if err := s.addSeed(spec); err != nil {
			s.state.Jobs = before
			return invalid("build job %d: %v", i, asAPIError(err).Message)
		}
	}
	return nil
}

func (s *Service) addSeed(spec document) error {
	if spec == nil {
		return invalid("it is null")
	}
	members := maps.Clone(documentedJob)
	members["job_id"] = ""
	if err := checkTypes(spec, members, true); err != nil {
		return err
	}
	id := cmp.Or(stringMember(spec, "job_id"), newID())
	delete(spec, "job_id")
	merge(spec, isUnset, document{"environment_setting": document{}})
	if err := checkSpec(spec, stringMember(spec, "job_name")); err != nil {
		return err
	}
	if err := s.checkNameFree(spec, nil); err != nil {
		return err
	}
	if !objectIDRule.MatchString(id) {
		return invalid("job_id may contain letters, digits, -, _ and . only")
	}
	if _, err := s.state.job(id); err == nil {
		return invalid("job_id %s is that of another build job", id)
	}
	s.addJob(id, spec, "seed")
	return nil
}

func (s *Service) putFaults(r *http.Request) (any, error) {
	faults := []*Fault{}
	if err := readAdminBody(r, &faults); err != nil {
		return nil, err
	}
	if slices.Contains(faults, nil) {
		return nil, invalid("a fault is null")
	}
	s.faults = faults
	return nil, nil //nolint:nilnil // No body: 204.
}

const defaultLimit = 100

func (s *Service) getState(r *http.Request) (any, error) {
	offset, offsetErr := queryNumber(r, "offset", 0, 0)
	limit, limitErr := queryNumber(r, "limit", 0, defaultLimit)
	if err := errors.Join(offsetErr, limitErr); err != nil {
		return nil, err
	}
	search := strings.ToLower(r.URL.Query().Get("search"))
	total, jobs := 0, []document{}
	for _, job := range slices.Backward(s.state.Jobs) {
		if !job.contains(search) {
			continue
		}
		if total >= offset && len(jobs) < limit {
			jobs = append(jobs, s.jobView(job))
		}
		total++
	}
	projects := []wireNamed{}
	for _, name := range slices.Sorted(maps.Keys(s.options.IAM.Projects)) {
		projects = append(projects, wireNamed{ID: s.options.IAM.Projects[name], Name: name})
	}
	return document{
		"address": "http://" + r.Host, "region": s.options.Region, "projects": projects,
		"total": total, "jobs": jobs, "faults": append([]*Fault{}, s.faults...), // Never null.
		"accepted": document{
			"access_key": s.options.AccessKey, "secret_key": s.options.SecretKey,
			"security_token": s.options.SecurityToken, "token": s.options.Token,
			"user": DefaultUserName, "password": s.options.IAM.Password, "domain": DefaultDomainName,
			"agency": DefaultAgency, "identity_provider": DefaultIDP, "id_token": s.options.IAM.IDToken,
		},
	}, nil
}

// contains reports whether a build job has a lower-case text in what the web page shows of it.
func (j *job) contains(search string) bool {
	repo := objectMember(j.Spec, "code_repo")
	shown := []string{
		j.name(), j.ID, stringMember(j.Spec, "job_description"),
		stringMember(repo, "url"), stringMember(repo, "branch"),
	}
	return strings.Contains(strings.ToLower(strings.Join(shown, "\n")), search)
}

func (s *Service) jobView(job *job) document {
	environment, repo := objectMember(job.Spec, "environment_setting"), objectMember(job.Spec, "code_repo")
	cluster := cmp.Or(stringMember(environment, "cluster_name"), stringMember(environment, "cluster_id"))
	view := document{
		"job_id": job.ID, "name": job.name(), "description": stringMember(job.Spec, "job_description"),
		"arch":       stringMember(objectMember(environment, "build_os"), "arch"),
		"repository": stringMember(repo, "url"), "branch": stringMember(repo, "branch"),
		"cluster": cluster, "enterprise_project_id": job.enterpriseProject(),
		"created_at": adminTime(job.CreatedAt),
		"changed_at": adminTime(job.ChangedAt), "changed_by": job.ChangedBy,
		"last_build": nil,
	}
	if build, err := s.state.build(job.LastBuildID); err == nil {
		view["last_build"] = s.buildView(build)
	}
	return view
}

func (s *Service) buildView(build *build) document {
	progress := s.progress(build)
	phase := ""
	if progress.Done < len(phases) {
		phase = phases[progress.Done]
	}
	return document{
		"build_id": build.ID, "number": build.Index, "status": progress.State, "phase": phase,
		"started_at": adminTime(build.StartedAt), "ended_at": adminTime(progress.Ended),
	}
}

// maxBuildsShown is how many builds of a job the JSON API returns.
const maxBuildsShown = 20

func (s *Service) getJobWithBuilds(_ *http.Request, job *job) (any, error) {
	builds, all := []document{}, s.state.buildsOf(job)
	for _, build := range all[:min(len(all), maxBuildsShown)] {
		progress, shown := s.progress(build), []document{}
		for i, state := range progress.Phases {
			percent := 0
			switch {
			case i < progress.Done:
				percent = 100
			case i == progress.Done:
				percent = int(progress.Part * 100)
			}
			shown = append(shown, document{"name": phases[i], "status": state, "progress": percent})
		}
		view := s.buildView(build)
		view["phases"], view["log"] = shown, progress.log(build)
		builds = append(builds, view)
	}
	view := s.jobView(job)
	view["builds"], view["builds_total"] = builds, len(all)
	return view, nil
}

// patchPaths are the members of a build job that PATCH changes.
var patchPaths = map[string][]string{
	"name":                  {"job_name"},
	"description":           {"job_description"},
	"enterprise_project_id": {"enterprise_project_id"},
	"arch":                  {"environment_setting", "build_os", "arch"},
	"cluster":               {"environment_setting", "cluster_name"},
	"repository":            {"code_repo", "url"},
	"branch":                {"code_repo", "branch"},
}

// patchJob changes a build job as somebody would in the console. Its rule for names is not that of the API.
func (s *Service) patchJob(r *http.Request, job *job) (any, error) {
	changes := map[string]*string{}
	if err := readAdminBody(r, &changes); err != nil {
		return nil, err
	}
	spec := clone(job.Spec)
	for name, value := range changes {
		path, ok := patchPaths[name]
		if !ok {
			return nil, invalid("unknown member %q", name)
		}
		object, last := spec, len(path)-1
		for _, step := range path[:last] {
			if objectMember(object, step) == nil {
				object[step] = document{}
			}
			object = objectMember(object, step)
		}
		if value == nil {
			delete(object, path[last])
		} else {
			object[path[last]] = *value
		}
	}
	if err := checkSpec(spec, stringMember(spec, "job_name")); err != nil {
		return nil, err
	}
	if err := s.checkNameFree(spec, job); err != nil {
		return nil, err
	}
	job.Spec, job.ChangedAt, job.ChangedBy = spec, s.options.Now(), "console"
	return s.jobView(job), nil
}

func (s *Service) postBuild(_ *http.Request, job *job) (any, error) {
	return s.buildView(s.start(job)), nil
}

func (s *Service) postCancel(r *http.Request, build *build) (any, error) {
	if build.JobID != r.PathValue("job_id") {
		return nil, errNoSuchBuild
	}
	if s.progress(build).Ended.IsZero() {
		build.CancelledAt = s.options.Now()
	}
	return s.buildView(build), nil
}

// listRequests returns recent requests, and how many there were since the start or the last reset.
func (s *Service) listRequests(r *http.Request) (any, error) {
	limit, err := queryNumber(r, "limit", 0, defaultLimit)
	if err != nil {
		return nil, err
	}
	method, path := strings.ToUpper(r.URL.Query().Get("method")), r.URL.Query().Get("path")
	total, isKnown := 0, false
	for pattern, count := range s.counts {
		routeMethod, route, _ := strings.Cut(pattern, " ")
		if path != "" && !matches(path, route) {
			continue
		}
		isKnown = true
		if method == "" || method == routeMethod {
			total += count
		}
	}
	if !isKnown {
		return nil, invalid("path must be that of an operation, with * for an ID, such as /assembling/v1/jobs/*")
	}
	list := []document{}
	for _, request := range slices.Backward(s.requests) {
		if len(list) >= limit {
			break
		}
		if (method == "" || method == request.Method) && (path == "" || matches(path, request.Path)) {
			list = append(list, document{
				"time": adminTime(request.Time), "method": request.Method, "path": request.Path, "query": request.Query,
				"status": request.StatusCode, "duration_ms": float64(request.Duration.Microseconds()) / 1000,
				"credential": request.Credential, "fault": request.Fault,
			})
		}
	}
	return document{"total": total, "requests": list}, nil
}

// adminTime returns a time in RFC 3339 format; nil for the zero time.
func adminTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339Nano)
}
