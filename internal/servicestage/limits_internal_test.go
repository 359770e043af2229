// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

// Thousands of requests prove no more than some hundred.
func init() { maxLogRequests, maxBuildPages = 1500, 300 }
