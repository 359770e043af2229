// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// baseURL returns the URL of a listener for clients on this machine.
func baseURL(address net.Addr) string {
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", tcp.Port)
	}
	return "http://" + address.String()
}

// writeBanner writes the commands that configure a provider for the emulator, what it accepts, and where its web page
// is.
func writeBanner(w io.Writer, base, shell string, options emulator.Options) error {
	var text strings.Builder
	text.WriteString("\nConfigure the provider with:\n\n")
	for _, variable := range [][2]string{
		{"HW_REGION_NAME", cmp.Or(options.Region, emulator.DefaultRegion)},
		{"HW_ACCESS_KEY", options.AccessKey},
		{"HW_SECRET_KEY", options.SecretKey},
		{"HW_SERVICESTAGE_ENDPOINT", base},
		{"HW_IAM_ENDPOINT", base},
		{"HW_STS_ENDPOINT", base},
	} {
		if shell == "powershell" {
			fmt.Fprintf(&text, "  $env:%s = %s\n", variable[0], "'"+strings.ReplaceAll(variable[1], "'", "''")+"'")
		} else {
			fmt.Fprintf(&text, "  export %s=%s\n", variable[0], "'"+strings.ReplaceAll(variable[1], "'", `'\''`)+"'")
		}
	}
	fmt.Fprintf(&text, `
It also accepts:

  token              %s
  user               %s, password %s, account %s
  agency             %s of account %s
  identity provider  %s, ID token %s

Web page: %s/_emulator/
`, options.Token, emulator.DefaultUserName, emulator.DefaultPassword, emulator.DefaultDomainName,
		emulator.DefaultAgency, emulator.DefaultDomainName, emulator.DefaultIDP, emulator.DefaultIDToken, base)
	_, err := io.WriteString(w, text.String())
	return err
}
