// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"context"
	"encoding/json"
	"errors"
)

// notPublished is the code of the API gateway for an API that a region does not publish.
const notPublished = "APIGW.0101"

// versions is documented as a string and shown as an array of strings.
type versions []string

func (v *versions) UnmarshalJSON(data []byte) error {
	var single string
	if json.Unmarshal(data, &single) != nil {
		return json.Unmarshal(data, (*[]string)(v))
	}
	if single != "" {
		*v = versions{single}
	}
	return nil
}

// BaseImages returns the technology stacks that ServiceStage builds, such as Java, and their versions in the service's
// order. It calls the v1 API, and the v3 API if the region does not publish that and the project ID is known.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0331.html, _0268.
func (c *Client) BaseImages(ctx context.Context) (map[string][]string, error) {
	var response map[string]versions
	err := c.get(ctx, []string{"assembling", "v1", "base_images"}, nil, &response)
	if failure, ok := errors.AsType[*Error](err); ok && failure.Code == notPublished {
		// The credentials are cached since the first call.
		if project := c.ProjectID(ctx); project != "" {
			response = nil
			err = c.get(ctx, []string{"v3", project, "assembling", "base-images"}, nil, &response)
		}
	}
	if err != nil {
		return nil, err
	}
	stacks := make(map[string][]string, len(response))
	for stack, list := range response {
		stacks[stack] = append([]string{}, list...) // Not nil: a stack without versions is listed, too.
	}
	return stacks, nil
}
