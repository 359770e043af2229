// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package attributes converts Terraform's values to attributes by their paths, and back: with many build jobs, the
// framework's Get and Set take a quarter of the provider's CPU time. It must not import the packages of resources.
package attributes

import (
	"math/big"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// Values are attributes by their paths, such as "environment_setting.cluster_id": a string, a bool, an int64,
// [Unknown], or [Present] for a block. An attribute or a block that is null is absent or nil. A map or a list is a
// [tftypes.Value]; for [Values.Raw], it may also have elements of type [Values] or [tftypes.Value].
type Values map[string]any

// Present is the value of a block.
var Present any = servicestage.Empty{}

// Unknown is the value of an attribute that Terraform does not know yet.
var Unknown any = tftypes.UnknownValue

// From returns the values of a configuration, a plan, a state or an identity.
func From(raw tftypes.Value) Values {
	v := Values{}
	v.add("", raw)
	return v
}

func (v Values) add(at string, raw tftypes.Value) {
	switch typ := raw.Type(); {
	case raw.IsNull():
	case !raw.IsKnown():
		v[at] = Unknown
	case typ.Is(tftypes.String):
		v[at] = as[string](raw)
	case typ.Is(tftypes.Bool):
		v[at] = as[bool](raw)
	case typ.Is(tftypes.Number):
		number := as[big.Float](raw)
		v[at], _ = number.Int64()
	case typ.Is(tftypes.Object{}):
		if at != "" {
			v[at] = Present
		}
		for name, attribute := range as[map[string]tftypes.Value](raw) {
			v.add(join(at, name), attribute)
		}
	default:
		v[at] = raw
	}
}

// as returns a value that has the type.
func as[T any](raw tftypes.Value) T {
	var value T
	_ = raw.As(&value) // It does not fail for the type.
	return value
}

func join(at, name string) string { return strings.TrimPrefix(at+"."+name, ".") }

// Raw returns the values as a configuration, a plan, a state or an identity of the type.
func (v Values) Raw(typ tftypes.Type) tftypes.Value { return v.rawAt("", typ) }

func (v Values) rawAt(at string, typ tftypes.Type) tftypes.Value {
	switch value := v[at].(type) {
	case tftypes.Value:
		return value
	case []Values:
		list, _ := typ.(tftypes.List)
		rows := make([]tftypes.Value, len(value))
		for i, row := range value {
			rows[i] = row.Raw(list.ElementType)
		}
		return tftypes.NewValue(typ, rows)
	case map[string]Values:
		mapping, _ := typ.(tftypes.Map)
		elements := make(map[string]tftypes.Value, len(value))
		for key, element := range value {
			elements[key] = element.Raw(mapping.ElementType)
		}
		return tftypes.NewValue(typ, elements)
	}
	object, isObject := typ.(tftypes.Object)
	if !isObject || at != "" && v[at] != Present {
		return tftypes.NewValue(typ, v[at]) // nil is null.
	}
	attributes := make(map[string]tftypes.Value, len(object.AttributeTypes))
	for name, attributeType := range object.AttributeTypes {
		attributes[name] = v.rawAt(join(at, name), attributeType)
	}
	return tftypes.NewValue(typ, attributes)
}

// Text returns a string; empty if it is null or unknown.
func (v Values) Text(at string) string {
	text, _ := v[at].(string)
	return text
}

// Timeout returns the timeout of an operation in the timeouts block, or the default if it is not set.
func (v Values) Timeout(operation string, byDefault time.Duration) time.Duration {
	timeout, err := time.ParseDuration(v.Text("timeouts." + operation))
	if err != nil {
		return byDefault // It is not set: the validator rejects other text, also during apply.
	}
	return timeout
}
