// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
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

// valuesFrom returns the values of a configuration, a plan or a state.
func valuesFrom(raw tftypes.Value) (values, diag.Diagnostics) {
	v := values{}
	if err := v.add("", raw); err != nil {
		detail := fmt.Sprintf("This is a bug in the provider: %s.", err)
		return nil, diag.Diagnostics{diag.NewErrorDiagnostic("Error reading a value", detail)}
	}
	return v, nil
}

func (v values) add(at string, raw tftypes.Value) error {
	switch {
	case raw.IsNull():
		return nil
	case !raw.IsKnown():
		v[at] = unknown
		return nil
	case raw.Type().Is(tftypes.String):
		var text string
		err := raw.As(&text)
		v[at] = text
		return err
	case raw.Type().Is(tftypes.Bool):
		var flag bool
		err := raw.As(&flag)
		v[at] = flag
		return err
	}
	var attributes map[string]tftypes.Value
	if err := raw.As(&attributes); err != nil {
		return err
	}
	prefix := ""
	if at != "" {
		v[at] = present
		prefix = at + "."
	}
	for name, attribute := range attributes {
		if err := v.add(prefix+name, attribute); err != nil {
			return err
		}
	}
	return nil
}

// raw returns the values as a plan or a state of the type.
func (v values) raw(typ tftypes.Type) tftypes.Value { return v.rawAt("", typ) }

func (v values) rawAt(at string, typ tftypes.Type) tftypes.Value {
	object, isObject := typ.(tftypes.Object)
	value, exists := v[at]
	if !isObject || at != "" && (!exists || value == unknown) {
		return tftypes.NewValue(typ, value) // nil is null.
	}
	prefix := ""
	if at != "" {
		prefix = at + "."
	}
	attributes := make(map[string]tftypes.Value, len(object.AttributeTypes))
	for name, attributeType := range object.AttributeTypes {
		attributes[name] = v.rawAt(prefix+name, attributeType)
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
func (v values) timeout(operation string) (time.Duration, diag.Diagnostics) {
	text := v.text("timeouts." + operation)
	if text == "" {
		return defaultTimeout, nil
	}
	timeout, err := time.ParseDuration(text)
	if err != nil {
		at := path.Root(timeoutsName).AtName(operation)
		return 0, diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, "Invalid duration", err.Error())}
	}
	return timeout, nil
}

// withoutTimeouts returns the values without the timeouts block, which is stored in the state only.
func (v values) withoutTimeouts() values {
	rest := maps.Clone(v)
	maps.DeleteFunc(rest, func(at string, _ any) bool { return isTimeout(at) })
	return rest
}

func isTimeout(at string) bool { return at == timeoutsName || strings.HasPrefix(at, timeoutsName+".") }
