// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// documented are the members of a spec, by their path.
var documented = []string{
	"job_name", "job_description", "enterprise_project_id",
	"environment_setting", "environment_setting.docker_version", "environment_setting.cluster_id", "environment_setting.cluster_name",
	"environment_setting.use_public_cluster", "environment_setting.build_os", "environment_setting.build_os.arch",
	"code_repo", "code_repo.type", "code_repo.url", "code_repo.branch", "code_repo.namespace",
}

// maxReads bounds how often a job is read that does not show yet, or not as it was written.
const maxReads = 10

func (p *probe) askCreate(ctx context.Context) error {
	sent := minimal(p.name("a"))
	id, created, err := p.create(ctx, sent)
	if err != nil {
		return err
	}
	p.answer("g1", must(id != ""), "%s", created.said())
	if id == "" {
		return &refusal{what: "a build job", answer: created}
	}
	expected := []string{"cluster_id", "cluster_name", "created_at", "job_description", "job_id", "job_name"}
	names := slices.Sorted(maps.Keys(created.object))
	p.answer("a1", either(slices.Equal(names, expected)), "HTTP %d: %s", created.status, strings.Join(names, ", "))
	p.answerCreatedAt(created.object["created_at"])
	p.answer("n1", Agrees, "%d characters, %s", len(id), alphabet(id))

	job, reads, err := p.firstRead(ctx, id)
	if err != nil {
		return err
	}
	p.answer("a2", either(reads == 1), "at read number %d", reads)
	spec, _ := job["spec"].(object)
	_, dated := job["created_at"]
	p.answer("b2", either(!dated), "%s", yesNo(dated))
	unasked := unasked(spec, sent, "")
	p.answer("c1", either(len(unasked) == 0), "%s", list(unasked))
	p.answerEnterpriseProject(job["enterprise_project_id"])
	p.answerUndocumented(job, spec)
	p.answerCreator(job["creator"])
	return nil
}

// firstRead reads a new job until it is there.
func (p *probe) firstRead(ctx context.Context, id string) (job object, reads int, err error) {
	for reads = 1; ; reads++ {
		answered, err := p.get(ctx, id)
		if err != nil {
			return nil, reads, err
		}
		if _, ok := answered.object["spec"].(object); ok && answered.good() {
			return answered.object, reads, nil
		}
		if reads == maxReads {
			p.answer("a2", Differs, "not after %d reads: %s", reads, answered)
			return nil, reads, &refusal{what: "reading a job", answer: answered}
		}
		if err := p.config.Wait(ctx, time.Second); err != nil {
			return nil, reads, err
		}
	}
}

func (p *probe) answerCreatedAt(value any) {
	text, ok := value.(string)
	for _, format := range []string{"2006-01-02 15:04:05.999999999 -0700 MST", time.RFC3339Nano} {
		if _, err := time.Parse(format, text); ok && err == nil {
			p.answer("b1", Agrees, "as in %s", strings.Replace(format, ".999999999", "", 1))
			return
		}
	}
	p.answer("b1", Differs, "%s", quoted(value))
}

func (p *probe) answerEnterpriseProject(value any) {
	switch value {
	case "0":
		p.answer("c2", Agrees, "0")
	case nil, "":
		p.answer("c2", Copes, "none is answered")
	default:
		p.answer("c2", Copes, "another one than 0")
	}
}

func (p *probe) answerUndocumented(job, spec object) {
	var unknown []string
	for _, path := range paths(spec, "") {
		if !slices.Contains(documented, path) {
			unknown = append(unknown, "spec."+path)
		}
	}
	for name := range job {
		if !slices.Contains([]string{"job_id", "enterprise_project_id", "creator", "spec", "last_build_id", "created_at"}, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	p.answer("e1", either(len(unknown) == 0), "%s", list(unknown))
}

func (p *probe) answerCreator(value any) {
	switch value := value.(type) {
	case object:
		name, _ := value["name"].(string)
		p.answer("h1", either(name != ""), "an object: %s", strings.Join(slices.Sorted(maps.Keys(value)), ", "))
	case string:
		p.answer("h1", Copes, "a string")
	case nil:
		p.answer("h1", Copes, "none is answered")
	default:
		p.answer("h1", Differs, "%T", value)
	}
}

// unasked says which members a document has that were not sent, with their values.
func unasked(answered, sent object, prefix string) []string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(answered)) {
		value, path := answered[name], prefix+name
		inner, isObject := value.(object)
		before, was := sent[name]
		switch {
		case isObject && len(inner) > 0:
			nested, _ := before.(object)
			found = append(found, unasked(inner, nested, path+".")...)
		case !was:
			found = append(found, fmt.Sprintf("%s = %s", path, quoted(value)))
		}
	}
	return found
}

// paths are the paths of all members of a document.
func paths(document object, prefix string) []string {
	var found []string
	for name, value := range document {
		found = append(found, prefix+name)
		if inner, ok := value.(object); ok {
			found = append(found, paths(inner, prefix+name+".")...)
		}
	}
	return found
}

func list(items []string) string {
	if len(items) == 0 {
		return "nothing"
	}
	return strings.Join(items, ", ")
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func alphabet(id string) string {
	if regexp.MustCompile(`^[a-z0-9]+$`).MatchString(id) {
		return "lower-case letters and digits"
	}
	return "not only lower-case letters and digits"
}

// askUpdate renames a job, which nothing can be mistaken for.
func (p *probe) askUpdate(ctx context.Context) error {
	before, after := p.name("u"), p.name("renamed")
	id, err := p.mustCreate(ctx, minimal(before))
	if err != nil {
		return err
	}
	body := minimal(after)
	body["job_description"] = "changed"
	answered, err := p.put(ctx, id, body)
	if err != nil {
		return err
	}
	content := "no body"
	if len(answered.body) > 0 {
		content = "a body that is no JSON object"
		if answered.object != nil {
			content = "members " + list(slices.Sorted(maps.Keys(answered.object)))
		}
	}
	p.answer("f4", must(answered.good()), "%s, %s", answered, content)
	if !answered.good() {
		p.answer("f1", Differs, "refused: %s", answered)
		return &refusal{what: "an update", answer: answered}
	}
	// The description shows that the update is there; the name may never follow.
	for reads := 1; ; reads++ {
		spec, err := p.spec(ctx, id)
		if err != nil {
			return err
		}
		if spec["job_description"] != "changed" && reads < maxReads {
			if err := p.config.Wait(ctx, time.Second); err != nil {
				return err
			}
			continue
		}
		shown := spec["job_description"] == "changed"
		p.answer("f5", must(shown && reads == 1), "%s", map[bool]string{true: fmt.Sprintf("at read number %d", reads), false: fmt.Sprintf("not after %d reads", reads)}[shown])
		p.answer("f1", must(spec["job_name"] == after), "%s", map[bool]string{true: "yes", false: "it says yes and keeps the name"}[spec["job_name"] == after])
		return nil
	}
}

// askProjects needs a second enterprise project.
func (p *probe) askProjects(ctx context.Context) error {
	if p.enterpriseProject == "" {
		return nil
	}
	body := minimal(p.name("e"))
	body["enterprise_project_id"] = p.enterpriseProject
	id, created, err := p.create(ctx, body)
	if err != nil {
		return err
	}
	if id == "" {
		p.answer("f6", Differs, "%s", created.said())
	} else {
		taken, err := p.inProject(ctx, id)
		if err != nil {
			return err
		}
		p.answer("f6", must(taken), "%s", yesNo(taken))
		listed, err := p.listed(ctx, text(body["job_name"]), id)
		if err != nil {
			return err
		}
		p.answer("m7", must(listed), "%s", yesNo(listed))
	}
	moved := minimal(p.name("m"))
	if id, err = p.mustCreate(ctx, moved); err != nil {
		return err
	}
	moved["enterprise_project_id"] = p.enterpriseProject
	answered, err := p.put(ctx, id, moved)
	if err != nil {
		return err
	}
	taken := false
	if answered.good() {
		if taken, err = p.inProject(ctx, id); err != nil {
			return err
		}
	}
	p.answer("f2", must(taken), "%s; it is there: %s", answered.said(), yesNo(taken))
	return nil
}

func (p *probe) inProject(ctx context.Context, id string) (bool, error) {
	answered, err := p.get(ctx, id)
	if err != nil {
		return false, err
	}
	return answered.object["enterprise_project_id"] == p.enterpriseProject, nil
}

// askHeaders sums up what came along with all answers before.
func (p *probe) askHeaders(context.Context) error {
	if len(p.headers) == 0 {
		p.answer("q1", Agrees, "no")
		return nil
	}
	slices.Sort(p.headers)
	p.answer("q1", Copes, "yes: %s", strings.Join(p.headers, ", "))
	return nil
}

// askTransport leaves out one header at a time.
func (p *probe) askTransport(ctx context.Context) error {
	for id, header := range map[string]string{"o1": "X-Project-Id", "o2": "X-Language"} {
		if header == "X-Project-Id" && p.config.ProjectID == "" {
			p.answer(id, Agrees, "it works without: HW_PROJECT_ID names none")
			continue
		}
		answered, err := p.send(ctx, request{method: http.MethodGet, query: page(1), without: header})
		if err != nil {
			return err
		}
		needed := map[bool]string{true: "no", false: "yes: " + answered.String()}[answered.good()]
		if header == "X-Language" {
			p.answer(id, either(answered.good()), "%s", needed)
		} else {
			p.answer(id, Agrees, "%s", needed)
		}
	}
	return nil
}

// text is a value that is a string; "" else.
func text(value any) string {
	text, _ := value.(string)
	return text
}
