// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package main

import "syscall"

// ownProcessGroup has no counterpart here.
func ownProcessGroup() *syscall.SysProcAttr { return nil }
