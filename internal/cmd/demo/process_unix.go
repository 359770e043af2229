// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import "syscall"

// ownProcessGroup keeps an interrupt from the keyboard away from a child: the demo passes it on, once.
func ownProcessGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
