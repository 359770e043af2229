// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

// Tests reach lower limits faster.
func init() {
	maxLogBytes, maxLogRequests = 4<<20, 200
	maxBuilds, maxBuildPages = 2000, 100
	maxItems = 2000
}
