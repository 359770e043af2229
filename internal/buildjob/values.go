// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// values are the attributes of a build job by their paths, such as "environment_setting.cluster_id": a string, a
// bool, unknown, or present for a block. An attribute or a block that is null is absent. The paths of arguments are
// those of the API.
type values map[string]any

// present is the value of a block.
var present any = servicestage.Empty{}

// unknown is the value of an attribute that Terraform does not know yet.
var unknown any = tftypes.UnknownValue

// resourceType returns the type of the resource's plan and state. Values are converted without the framework's Get
// and Set, which take a quarter of the provider's CPU time with many build jobs.
var resourceType = sync.OnceValue(func() tftypes.Type {
	return resourceSchema().Type().TerraformType(context.Background())
})

// dataSourceType returns the type of the data source's state, and of a build job in the list.
var dataSourceType = sync.OnceValue(func() tftypes.Type {
	return dataSourceSchema().Type().TerraformType(context.Background())
})

// valuesFrom returns the values of a configuration, a plan, a state or an identity.
func valuesFrom(raw tftypes.Value) values {
	v := values{}
	v.add("", raw)
	return v
}

func (v values) add(at string, raw tftypes.Value) {
	switch {
	case raw.IsNull():
	case !raw.IsKnown():
		v[at] = unknown
	case raw.Type().Is(tftypes.String):
		var text string
		_ = raw.As(&text) // It does not fail for the type, as below.
		v[at] = text
	case raw.Type().Is(tftypes.Bool):
		var flag bool
		_ = raw.As(&flag)
		v[at] = flag
	default:
		var attributes map[string]tftypes.Value
		_ = raw.As(&attributes)
		if at != "" {
			v[at] = present
		}
		for name, attribute := range attributes {
			v.add(strings.TrimPrefix(at+"."+name, "."), attribute)
		}
	}
}

// raw returns the values as a plan or a state of the type, which may have lists of [tftypes.Value].
func (v values) raw(typ tftypes.Type) tftypes.Value { return v.rawAt("", typ) }

func (v values) rawAt(at string, typ tftypes.Type) tftypes.Value {
	object, isObject := typ.(tftypes.Object)
	value, exists := v[at]
	if !isObject || at != "" && (!exists || value == unknown) {
		return tftypes.NewValue(typ, value) // nil is null.
	}
	attributes := make(map[string]tftypes.Value, len(object.AttributeTypes))
	for name, attributeType := range object.AttributeTypes {
		attributes[name] = v.rawAt(strings.TrimPrefix(at+"."+name, "."), attributeType)
	}
	return tftypes.NewValue(typ, attributes)
}

// text returns a string; empty if it is null or unknown.
func (v values) text(at string) string {
	text, _ := v[at].(string)
	return text
}

// hasAttributes reports whether a block has an attribute that is not null.
func (v values) hasAttributes(block string) bool {
	for at := range v {
		if strings.HasPrefix(at, block+".") {
			return true
		}
	}
	return false
}

// timeout returns the timeout of an operation, or the default if it is not set.
func (v values) timeout(operation string) time.Duration {
	timeout, err := time.ParseDuration(v.text(timeoutsName + "." + operation))
	if err != nil {
		return defaultTimeout // It is not set: the validator rejects other text, also during apply.
	}
	return timeout
}

// withoutTimeouts returns the values without the timeouts block, which is stored in the state only.
func (v values) withoutTimeouts() values {
	rest := maps.Clone(v)
	maps.DeleteFunc(rest, func(at string, _ any) bool { return isTimeout(at) })
	return rest
}

func isTimeout(at string) bool { return at == timeoutsName || strings.HasPrefix(at, timeoutsName+".") }
