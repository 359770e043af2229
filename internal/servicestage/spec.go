// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"strconv"
	"strings"
)

// Spec is the body of create and update, and the member `spec` of the response to a read: the documented members by
// their paths, such as "environment_setting.cluster_id". A value is a string or a bool, or [Empty] for an object. An
// absent member is omitted from a body; "" clears the argument. Other paths are ignored.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0275.html (create),
// _0272 (update).
type Spec map[string]any

// Empty is the value of an object in a [Spec].
type Empty struct{}

const environmentSetting, enterpriseProjectID = "environment_setting", "enterprise_project_id"

// member is a documented member of a build job's spec.
type member struct {
	// path contains the names from the outside in, joined by dots.
	path string
	// zero is the zero value of its type: "", false or [Empty].
	zero any
}

// specMembers are the documented members.
var specMembers = []member{
	{"job_name", ""},
	{"job_description", ""},
	{environmentSetting, Empty{}},
	{"environment_setting.docker_version", ""},
	{"environment_setting.cluster_id", ""},
	{"environment_setting.cluster_name", ""},
	{"environment_setting.use_public_cluster", false},
	{"environment_setting.build_os", Empty{}},
	{"environment_setting.build_os.arch", ""},
	{"code_repo", Empty{}},
	{"code_repo.type", ""},
	{"code_repo.url", ""},
	{"code_repo.branch", ""},
	{"code_repo.namespace", ""},
	{enterpriseProjectID, ""},
}

func (m member) isObject() bool { return m.zero == Empty{} }

// Arguments returns the path of each documented member of a spec that is a string or a boolean.
func Arguments() []string {
	var paths []string
	for _, m := range specMembers {
		if !m.isObject() {
			paths = append(paths, m.path)
		}
	}
	return paths
}

// membersIn yields the members whose paths consist of the prefix and a name, which is the key.
func membersIn(prefix string) iter.Seq2[string, member] {
	return func(yield func(string, member) bool) {
		for _, m := range specMembers {
			name, isWithin := strings.CutPrefix(m.path, prefix)
			if isWithin && !strings.Contains(name, ".") && !yield(name, m) {
				return
			}
		}
	}
}

// Name returns the name of the build job.
func (s Spec) Name() string { return s.text("job_name") }

func (s Spec) text(path string) string {
	text, _ := s[path].(string)
	return text
}

// decode adds the members of an object. prefix begins their paths: "" for the spec itself.
func (s Spec) decode(prefix string, raw json.RawMessage) error {
	var members []member
	var fields []reflect.StructField // A map would take memory for members that are not documented.
	for name, m := range membersIn(prefix) {
		members = append(members, m)
		fields = append(fields, reflect.StructField{
			Name: "Member" + strconv.Itoa(len(fields)), Type: reflect.TypeFor[json.RawMessage](),
			Tag: reflect.StructTag(`json:"` + name + `"`),
		})
	}
	object := reflect.New(reflect.StructOf(fields))
	if err := json.Unmarshal(raw, object.Interface()); err != nil {
		return err
	}
	for i, m := range members {
		raw := object.Elem().Field(i).Bytes()
		if len(raw) == 0 || string(raw) == "null" {
			continue
		}
		value := reflect.New(reflect.TypeOf(m.zero))
		if err := json.Unmarshal(raw, value.Interface()); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
		s[m.path] = value.Elem().Interface()
		if m.isObject() {
			if err := s.decode(m.path+".", raw); err != nil {
				return err
			}
		}
	}
	return nil
}

// MarshalJSON returns the body of a create.
func (s Spec) MarshalJSON() ([]byte, error) { return json.Marshal(s.body("", nil)) }

// body returns an object with the documented members that s contains and the other members of raw, at every depth.
// prefix is that of decode.
func (s Spec) body(prefix string, raw json.RawMessage) map[string]any {
	current, body := membersOf(raw), map[string]any{}
	for name, value := range current {
		body[name] = value
	}
	for name, m := range membersIn(prefix) {
		value, isSet := s[m.path]
		if m.isObject() {
			kept := current[name]
			if m.path == "code_repo" && !isSet {
				kept = nil // Undocumented members of a repository are removed with it.
			}
			object := s.body(m.path+".", kept)
			value, isSet = object, isSet || len(object) > 0 || m.path == environmentSetting // It is required.
		}
		if delete(body, name); isSet {
			body[name] = value
		}
	}
	return body
}
