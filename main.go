// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Command terraform-provider-servicestage is the Terraform provider for build jobs of Huawei Cloud ServiceStage.
// Terraform starts it; it is not run by hand.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/servicestage/terraform-provider-servicestage/internal/logging"
	"github.com/servicestage/terraform-provider-servicestage/internal/provider"
)

// version is set by the linker when a release is built.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "wait for a debugger, and print how to attach Terraform")
	flag.Parse()
	// The HTTP client of the standard library logs unexpected responses, which may repeat secrets of a request.
	log.SetOutput(io.Discard)
	var options []tf6server.ServeOpt
	if *debug {
		options = append(options, tf6server.WithManagedDebug())
	} else if err := logging.Limit(); err != nil {
		exit(err)
	}
	const address = "registry.terraform.io/servicestage/servicestage"
	if err := tf6server.Serve(address, provider.NewServer(version), options...); err != nil {
		exit(err)
	}
}

func exit(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
