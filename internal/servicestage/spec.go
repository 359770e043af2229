// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"iter"
	"reflect"
	"slices"
	"strings"
)

// Empty is the value of an object without members in [BuildJobSpec.Values].
type Empty struct{}

// member is a documented member of a build job's spec, at any depth.
type member struct {
	// path contains the names from the outside in, joined by dots.
	path string
	// index leads to the field of [BuildJobSpec].
	index []int
	// object is true of a member that has members itself; its typ is a struct.
	object bool
	typ    reflect.Type
}

// specMembers are the documented members, objects before their members.
var specMembers = membersOf(reflect.TypeFor[BuildJobSpec](), "", nil)

func membersOf(object reflect.Type, prefix string, index []int) []member {
	var all []member
	for field := range object.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		typ := field.Type
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		m := member{
			path: prefix + name, index: slices.Concat(index, field.Index),
			object: typ.Kind() == reflect.Struct, typ: typ,
		}
		all = append(all, m)
		if m.object {
			all = append(all, membersOf(typ, m.path+".", m.index)...)
		}
	}
	return all
}

// Arguments yields the path of each documented member of a spec that is a string or a boolean, such as
// "environment_setting.cluster_id".
func Arguments() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, m := range specMembers {
			if !m.object && !yield(m.path) {
				return
			}
		}
	}
}

// Values returns the members of a spec by their paths: a string or a bool, or [Empty] for an object. A member that is
// nil is absent.
func (s *BuildJobSpec) Values() map[string]any {
	values := make(map[string]any, len(specMembers))
	for _, m := range specMembers {
		value, err := reflect.ValueOf(s).Elem().FieldByIndexErr(m.index)
		if err != nil || value.Kind() == reflect.Pointer && value.IsNil() {
			continue // It is nil, or an object around it is.
		}
		if m.object {
			values[m.path] = Empty{}
			continue
		}
		values[m.path] = reflect.Indirect(value).Interface()
	}
	return values
}

// NewSpec returns the spec with the values, whose form is that of [BuildJobSpec.Values]. Paths that are not documented
// are left out.
func NewSpec(values map[string]any) BuildJobSpec {
	var spec BuildJobSpec
	for _, m := range specMembers {
		value, ok := values[m.path]
		if !ok {
			continue
		}
		field := reflect.ValueOf(&spec).Elem()
		for _, i := range m.index {
			field = reflect.Indirect(field).Field(i)
			if field.Kind() == reflect.Pointer && field.IsNil() {
				field.Set(reflect.New(field.Type().Elem()))
			}
		}
		if !m.object {
			reflect.Indirect(field).Set(reflect.ValueOf(value))
		}
	}
	return spec
}
