// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const largestFile = 1 << 20

// writeFile writes content to a new file, and returns its path.
func writeFile(t *testing.T, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// symlink returns the path of a new symbolic link.
func symlink(t *testing.T, target string) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	return link
}

// unusableFiles returns paths of files that never end, that nobody writes to, or that are too large, by kind.
func unusableFiles(t *testing.T) map[string]string {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "socket") //nolint:usetesting // The path of a socket has at most 103 bytes.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	socket := filepath.Join(folder, "s")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return map[string]string{
		"pipe": pipe, "link to a pipe": symlink(t, pipe), "device": "/dev/zero", "socket": socket, "folder": t.TempDir(),
		"large file": writeFile(t, make([]byte, largestFile+1)),
	}
}

// A file that never ends, or that nobody writes to, fails the operation at once. The message contains its path, the argument and the
// environment variable.
func TestProvider_unusableFileDoesNotHang(t *testing.T) {
	t.Parallel()
	files := unusableFiles(t)
	for name, c := range map[string]struct{ config, want string }{
		"shared_config_file": {"shared_config_file = %q\n", `shared_config_file = .* %s. The file is named by shared_config_file (environment variable HW_SHARED_CONFIG_FILE)`},
		"cacert_file":        {keyBlock + "cacert_file = %q\n", `cacert_file = .* %s. cacert_file (environment variables HW_CACERT_FILE, OS_CACERT)`},
		"id_token_file": {
			strings.Replace(oidcBlock, `id_token = "emulator-id-token"`, "id_token_file = %q", 1),
			`assume_role_with_oidc.id_token_file (environment variable HW_ASSUME_ROLE_ID_TOKEN_FILE): %s.`,
		},
	} {
		for kind, file := range files {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				server := emulator.New(t, emulator.Options{})
				problem := file + " is not a regular file"
				if kind == "large file" {
					problem = file + " is larger than 1 MiB"
				}
				config := region + fmt.Sprintf(c.config, file) + fmt.Sprintf("endpoints = { servicestage = %[1]q, iam = %[1]q }\n", server.URL)
				providertest.Run(t, nil, resource.TestStep{
					Config:      providertest.WithProvider("\n"+config, job),
					ExpectError: regexp.MustCompile(`(?s)` + strings.ReplaceAll(words(fmt.Sprintf(c.want, problem)), `\.\*`, `.*`)),
				})
				if requests := server.Requests(); len(requests) > 0 {
					t.Errorf("%d requests were sent", len(requests))
				}
			})
		}
	}
}

// Symbolic links, as Kubernetes makes them, and a file of the largest size are read.
func TestProvider_linkedFileIsRead(t *testing.T) {
	t.Parallel()
	padded := func(content string) string {
		return symlink(t, symlink(t, writeFile(t, append([]byte(content), bytes.Repeat([]byte("\n"), largestFile-len(content))...))))
	}
	profile := padded(`{"current":"a","profiles":[{"name":"a","accessKeyId":"EMULATORACCESSKEY","secretAccessKey":"emulator-secret-key"}]}`)
	token := strings.Replace(oidcBlock, `id_token = "emulator-id-token"`, fmt.Sprintf("id_token_file = %q", padded("emulator-id-token")), 1)
	for name, config := range map[string]string{
		"shared_config_file": fmt.Sprintf("shared_config_file = %q\n", profile),
		"id_token_file":      token,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			config := region + config + fmt.Sprintf("endpoints = { servicestage = %[1]q, iam = %[1]q }\n", server.URL)
			providertest.Run(t, server, resource.TestStep{Config: providertest.WithProvider("\n"+config, job)})
		})
	}
}
