// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Command floor-schema is a provider with the very schema of servicestage_build_job and the least logic.
package main

import "github.com/servicestage/terraform-provider-servicestage/internal/cmd/bench/floor"

func main() { floor.Serve(floor.NewSchema) }
