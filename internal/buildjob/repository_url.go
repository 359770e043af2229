// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

// RepositoryURL returns the address of a repository as it may stand in a state: a password in it is replaced.
func RepositoryURL(address string) string {
	clean, _ := withoutPassword(address)
	return clean
}
