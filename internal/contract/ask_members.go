// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// repository is a public one that everybody may read.
func repository() object {
	return object{"type": "Github", "url": "https://github.com/octocat/Hello-World.git", "branch": "master", "namespace": "octocat"}
}

// The values differ from any likely default, so that a default is not mistaken for them.
const (
	dockerVersion = "18.03.1"
	arch          = "aarch64"
)

// askMembers updates a job with one member after the other.
func (p *probe) askMembers(ctx context.Context) error {
	name := p.name("o")
	id, err := p.mustCreate(ctx, minimal(name))
	if err != nil {
		return err
	}
	answered, err := p.put(ctx, id, object{"job_name": name})
	if err != nil {
		return err
	}
	p.answer("g2", either(!answered.good()), "%s", answered.said())
	with := func(members object) object {
		return object{"job_name": name, "environment_setting": members}
	}
	for _, member := range []struct {
		question string
		body     object
		path     []string
		judge    func(same bool) Verdict
	}{
		{"c3", with(object{"use_public_cluster": false}), []string{"environment_setting", "use_public_cluster"}, either},
		{"c4", with(object{"use_public_cluster": true}), []string{"environment_setting", "use_public_cluster"}, must},
		{"c5", with(object{"build_os": object{"arch": arch}}), []string{"environment_setting", "build_os", "arch"}, must},
		{"c6", with(object{"docker_version": dockerVersion}), []string{"environment_setting", "docker_version"}, must},
	} {
		if err := p.askMember(ctx, id, member.question, member.body, member.path, member.judge); err != nil {
			return err
		}
	}
	if err := p.askRepository(ctx, id, name); err != nil {
		return err
	}
	if err := p.askCluster(ctx, id, name); err != nil {
		return err
	}
	return p.askDescription(ctx, id, name)
}

// askMember updates with one member and says how it comes back.
func (p *probe) askMember(ctx context.Context, id, question string, body object, path []string, judge func(bool) Verdict) error {
	spec, answered, err := p.update(ctx, id, body)
	if err != nil {
		return err
	}
	if spec == nil {
		p.answer(question, Differs, "%s", answered.said())
		return nil
	}
	sent, back := member(body, path...), member(spec, path...)
	if reflect.DeepEqual(sent, back) {
		p.answer(question, judge(true), "yes")
		return nil
	}
	p.answer(question, judge(false), "sent %s, came back %s", quoted(sent), quoted(back))
	return nil
}

func (p *probe) askRepository(ctx context.Context, id, name string) error {
	body := minimal(name)
	body["code_repo"] = repository()
	spec, answered, err := p.update(ctx, id, body)
	if err != nil {
		return err
	}
	if spec == nil {
		p.answer("d1", Differs, "%s", answered.said())
		p.answer("d2", Differs, "%s", answered.said())
		return nil
	}
	sent := repository()
	back := text(member(spec, "code_repo", "type"))
	verdict := must(strings.EqualFold(back, text(sent["type"])))
	if verdict == Agrees {
		verdict = either(back == sent["type"])
	}
	p.answer("d1", verdict, "as %s", quoted(back))
	var changed []string
	for _, name := range []string{"url", "branch", "namespace"} {
		if back := member(spec, "code_repo", name); back != sent[name] {
			changed = append(changed, fmt.Sprintf("%s as %s", name, quoted(back)))
		}
	}
	p.answer("d2", must(len(changed) == 0), "%s", map[bool]string{true: "yes", false: strings.Join(changed, ", ")}[len(changed) == 0])
	return nil
}

// askCluster names clusters that do not exist: whether real ones must is the question.
func (p *probe) askCluster(ctx context.Context, id, name string) error {
	const value = "00000000-0000-0000-0000-000000000000"
	for _, try := range []struct{ question, member, other string }{
		{"g3", "cluster_id", "cluster_name"},
		{"g4", "cluster_name", ""},
	} {
		body := minimal(name)
		body["environment_setting"] = object{try.member: value}
		spec, answered, err := p.update(ctx, id, body)
		if err != nil {
			return err
		}
		seen := answered.said()
		if spec != nil {
			environment, _ := spec["environment_setting"].(object)
			if environment[try.member] != value {
				seen += ", came back " + quoted(environment[try.member])
			}
			if try.other != "" && !nothing(environment[try.other]) {
				seen += fmt.Sprintf(", with %s = %s", try.other, quoted(environment[try.other]))
			}
		}
		p.answer(try.question, Agrees, "%s", seen)
	}
	return nil
}

func (p *probe) askDescription(ctx context.Context, id, name string) error {
	body := minimal(name)
	body["job_description"] = strings.Repeat("é", 64)
	if err := p.askMember(ctx, id, "i1", body, []string{"job_description"}, must); err != nil {
		return err
	}
	body["job_description"] = strings.Repeat("x", 65)
	answered, err := p.put(ctx, id, body)
	if err != nil {
		return err
	}
	p.answer("i2", must(!answered.good()), "%s", answered.said())
	return nil
}

// askRemovals makes a job with everything and takes it away again: by silence, then by "".
func (p *probe) askRemovals(ctx context.Context) error {
	name := p.name("r")
	full := object{
		"job_name": name, "job_description": "full", "code_repo": repository(),
		"environment_setting": object{
			"docker_version": dockerVersion, "use_public_cluster": true, "build_os": object{"arch": arch},
		},
	}
	id, err := p.mustCreate(ctx, full)
	if err != nil {
		return err
	}
	before, err := p.spec(ctx, id)
	if err != nil {
		return err
	}
	after, answered, err := p.update(ctx, id, minimal(name))
	if err != nil {
		return err
	}
	if after == nil {
		return &refusal{what: "an update that leaves everything out", answer: answered}
	}
	for question, path := range map[string][]string{
		"e2": {"job_description"},
		"e3": {"code_repo", "url"},
		"e4": {"environment_setting", "build_os", "arch"},
		"e5": {"environment_setting", "use_public_cluster"},
		"e6": {"environment_setting", "docker_version"},
	} {
		had, has := member(before, path...), member(after, path...)
		if nothing(had) {
			p.answer(question, Open, "not asked: create had not taken it over")
			continue
		}
		judge := either
		if question == "e3" {
			judge = must
		}
		kept := reflect.DeepEqual(had, has)
		p.answer(question, judge(!kept), "%s", map[bool]string{true: "it stays", false: "it goes"}[kept])
	}
	return p.askClearing(ctx, id, name, full)
}

// askClearing fills the job again, changes its architecture, and clears with "".
func (p *probe) askClearing(ctx context.Context, id, name string, full object) error {
	full["environment_setting"] = object{"docker_version": dockerVersion, "build_os": object{"arch": "x86_64"}}
	if err := p.askMember(ctx, id, "f3", full, []string{"environment_setting", "build_os", "arch"}, must); err != nil {
		return err
	}
	cleared := object{"job_name": name, "job_description": "", "environment_setting": object{"docker_version": ""}}
	spec, answered, err := p.update(ctx, id, cleared)
	if err != nil {
		return err
	}
	for question, path := range map[string][]string{"e7": {"job_description"}, "e8": {"environment_setting", "docker_version"}} {
		if spec == nil {
			p.answer(question, Differs, "%s", answered.said())
			continue
		}
		kept := reflect.DeepEqual(member(full, path...), member(spec, path...))
		p.answer(question, must(!kept), "%s", map[bool]string{true: "no", false: "yes"}[kept])
	}
	return nil
}

// askNames tries names that the documents call wrong or taken. What the service takes all the same is deleted in the end.
func (p *probe) askNames(ctx context.Context) error {
	taken := p.name("n")
	id, err := p.mustCreate(ctx, minimal(taken))
	if err != nil {
		return err
	}
	for _, try := range []struct {
		question, name string
		judge          func(refused bool) Verdict
	}{
		{"j1", taken, either},
		{"j2", strings.ToUpper(taken), either},
		{"i3", "1" + namePrefix + p.token, must},
		{"i4", namePrefix + p.token + "-", must},
	} {
		another, answered, err := p.create(ctx, minimal(p.noted(try.name)))
		if err != nil {
			return err
		}
		seen := answered.said()
		refused := another == ""
		if another == id {
			seen += ", with the id of the job that has the name"
		}
		verdict := try.judge(refused)
		if refused && !slices.Contains([]int{http.StatusBadRequest, http.StatusConflict}, answered.status) || refused && !strings.HasPrefix(answered.code, "SVCSTG.") {
			verdict = Differs
		}
		p.answer(try.question, verdict, "%s", seen)
	}
	return nil
}

// quoted is a value as JSON; nothing at all is "nothing".
func quoted(value any) string {
	if value == nil {
		return "nothing"
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}
