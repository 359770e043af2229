// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

// Command meter stands in for a provider: it runs the program called provider in its own folder, and when that has ended, adds
// a line to the file usage beside it with what the program has used. Input and output pass by it, so that it costs each
// provider the same: one more start of a small program.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/servicestage/terraform-provider-servicestage/internal/cmd/bench/usage"
)

func main() {
	self, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	signal.Ignore(os.Interrupt) // The provider gets it too, and decides.
	folder := filepath.Dir(self)
	command := exec.CommandContext(context.Background(), filepath.Join(folder, usage.Provider), os.Args[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	failure := command.Run()
	if command.ProcessState == nil {
		log.Fatal(failure)
	}
	if err := note(filepath.Join(folder, usage.File), command.ProcessState); err != nil {
		log.Fatal(err)
	}
	if failure != nil {
		log.Fatal(failure)
	}
}

// note adds the line with one write, as several providers may end at once.
func note(file string, ended *os.ProcessState) error {
	process := usage.Process{CPU: ended.UserTime() + ended.SystemTime()}
	if resources, ok := ended.SysUsage().(*syscall.Rusage); ok {
		process.Memory = int64(resources.Maxrss) //nolint:unconvert // It is no int64 on every system.
		if runtime.GOOS != "darwin" {
			process.Memory *= 1024
		}
	}
	line, err := json.Marshal(process)
	if err != nil {
		return err
	}
	target, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := target.Write(append(line, '\n')); err != nil {
		return err
	}
	return target.Close()
}
