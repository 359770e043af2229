// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Command floor-empty is a provider with nothing in it: what the framework needs to start.
package main

import "github.com/servicestage/terraform-provider-servicestage/internal/cmd/bench/floor"

func main() { floor.Serve() }
