// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import "net/http"

// Permission returns the IAM action that a request with the method needs, such as servicestage:assembling:create.
//
// Source: https://support.huaweicloud.com/intl/en-us/usermanual-servicestage/servicestage_03_0074.html and
// https://support.huaweicloud.com/intl/en-us/api-servicestage/topic_0000002362396293.html. They name no actions for
// builds alone.
func Permission(method string) string {
	action := "list"
	switch method {
	case http.MethodPost:
		action = "create"
	case http.MethodPut, http.MethodPatch:
		action = "modify"
	case http.MethodDelete:
		action = "delete"
	}
	return "servicestage:assembling:" + action
}
