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

	"github.com/servicestage/terraform-provider-servicestage/internal/attributes"
)

// values are the attributes of a build job, as [attributes.Values]. The paths of arguments are those of the API.
type values map[string]any

// present is the value of a block, and unknown that of an attribute which Terraform does not know yet.
var present, unknown = attributes.Present, attributes.Unknown

// resourceType returns the type of the resource's plan and state.
var resourceType = sync.OnceValue(func() tftypes.Type {
	return resourceSchema().Type().TerraformType(context.Background())
})

// dataSourceType returns the type of the data source's state, and of a build job in the list.
var dataSourceType = sync.OnceValue(func() tftypes.Type {
	return dataSourceSchema().Type().TerraformType(context.Background())
})

// valuesFrom returns the values of a configuration, a plan, a state or an identity.
func valuesFrom(raw tftypes.Value) values { return values(attributes.From(raw)) }

func (v values) raw(typ tftypes.Type) tftypes.Value { return attributes.Values(v).Raw(typ) }

func (v values) text(at string) string { return attributes.Values(v).Text(at) }

func (v values) timeout(operation string) time.Duration {
	return attributes.Values(v).Timeout(operation, defaultTimeout)
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

// withoutTimeouts returns the values without the timeouts block, which is stored in the state only.
func (v values) withoutTimeouts() values {
	rest := maps.Clone(v)
	maps.DeleteFunc(rest, func(at string, _ any) bool { return isTimeout(at) })
	return rest
}

func isTimeout(at string) bool { return at == timeoutsName || strings.HasPrefix(at, timeoutsName+".") }
