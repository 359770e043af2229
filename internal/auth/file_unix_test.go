// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package auth_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
)

const largestFile = 1 << 20

// newFile writes a file into a new directory, and returns its path.
func newFile(t *testing.T, size int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
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

// An endless file, a pipe without a writer and a file that is too large are errors immediately, which contain the path.
func TestReadFile_doesNotHang(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	const notRegular = " is not a regular file"
	for file, want := range map[string]string{
		pipe: notRegular, symlink(t, pipe): notRegular, "/dev/zero": notRegular, t.TempDir(): notRegular,
		newFile(t, largestFile+1): " is larger than 1 MiB",
		"/nonexistent":            ": no such file or directory",
	} {
		if content, err := auth.ReadFile(file); err == nil || !strings.Contains(err.Error(), file+want) {
			t.Errorf("%s: got %d bytes and %v, want %s", file, len(content), err, want)
		}
	}
}

// Symbolic links, as Kubernetes makes them, a file of the largest size, and a file in the home directory are read.
func TestReadFile(t *testing.T) {
	file := newFile(t, largestFile)
	t.Setenv("HOME", filepath.Dir(file))
	for _, name := range []string{symlink(t, symlink(t, file)), "~/file"} {
		if content, err := auth.ReadFile(name); err != nil || len(content) != largestFile {
			t.Errorf("%s: got %d bytes and %v", name, len(content), err)
		}
	}
}
