// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package usage is what the benchmark and its meter tell each other.
package usage

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	// Provider is the name of the program that a meter runs.
	Provider = "provider"
	// File is the name of the file that a meter writes.
	File = "usage"
)

// Process is what one process has used in its life.
type Process struct {
	// CPU is the time of the user and of the system, together.
	CPU time.Duration `json:"cpu"`
	// Memory is the peak of what was resident, in bytes.
	Memory int64 `json:"memory"`
}

// Take returns what the meter in a folder has noted since the last time.
func Take(folder string) ([]Process, error) {
	file := filepath.Join(folder, File)
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var processes []Process
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		var process Process
		if err := json.Unmarshal(lines.Bytes(), &process); err != nil {
			return nil, err
		}
		processes = append(processes, process)
	}
	return processes, os.Remove(file)
}
