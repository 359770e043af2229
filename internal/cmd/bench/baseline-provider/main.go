// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Command baseline-provider serves the baseline of the benchmark. It logs as little as the provider.
package main

import (
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/servicestage/terraform-provider-servicestage/internal/cmd/bench/baseline"
	"github.com/servicestage/terraform-provider-servicestage/internal/logging"
)

func main() {
	if err := logging.Limit(); err != nil {
		log.Fatal(err)
	}
	if err := tf6server.Serve("registry.terraform.io/servicestage/servicestage", providerserver.NewProtocol6(baseline.New())); err != nil {
		log.Fatal(err)
	}
}
