// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// notPublished is the gateway's code for a call that does not exist in a region.
const notPublished = "APIGW.0101"

// versions is documented as a string and shown as an array of strings.
type versions []string

func (v *versions) UnmarshalJSON(data []byte) error {
	var list []string
	if err := json.Unmarshal(data, &list); err == nil {
		*v = list
		return nil
	}
	var single string
	if err := json.Unmarshal(data, &single); err != nil {
		return err
	}
	*v = nil
	if single != "" {
		*v = versions{single}
	}
	return nil
}

// BaseImages returns the technology stacks that the service builds, such as Java, and the versions of each in the service's
// order. It asks the call of this API and, where the region does not have that, its later namesake, which takes the project's id.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0331.html, _0268.
func (c *Client) BaseImages(ctx context.Context) (map[string][]string, error) {
	var answer map[string]versions
	err := c.do(ctx, rest.Call{Method: http.MethodGet, Path: []string{"assembling", "v1", "base_images"}}, &answer)
	if failure, ok := errors.AsType[*Error](err); ok && failure.Code == notPublished {
		// The credentials are at hand, since the first call has been answered.
		if project, projectErr := c.rest.ProjectID(ctx); projectErr == nil && project != "" {
			answer = nil
			err = c.do(ctx, rest.Call{Method: http.MethodGet, Path: []string{"v3", project, "assembling", "base-images"}}, &answer)
		}
	}
	if err != nil {
		return nil, err
	}
	stacks := make(map[string][]string, len(answer))
	for stack, list := range answer {
		stacks[stack] = append([]string{}, list...) // Not nil: a stack without versions is one all the same.
	}
	return stacks, nil
}
