// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxFileSize is the size of the largest file that a setting may name, in bytes.
const maxFileSize = 1 << 20

// ReadFile returns the content of a regular file, or of the regular file that a symbolic link leads to, of at most 1
// MiB. "~/" at the beginning of name stands for the home directory. It does not wait for a writer: a named pipe, a
// socket, a device or a directory is an error. Every error contains the path.
func ReadFile(name string) ([]byte, error) {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			name = filepath.Join(home, rest)
		}
	}
	// Opening a device can have side effects, so the type is checked first.
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	file, err := os.Open(name) //nolint:gosec // The user names the file.
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // Nothing was written.
	content, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err == nil && len(content) > maxFileSize {
		err = fmt.Errorf("%s is larger than 1 MiB", name)
	}
	return content, err
}
