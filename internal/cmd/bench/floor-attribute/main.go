// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Command floor-attribute is a provider whose build job has one attribute.
package main

import "github.com/servicestage/terraform-provider-servicestage/internal/cmd/bench/floor"

func main() { floor.Serve(floor.NewAttribute) }
