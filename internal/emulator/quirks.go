// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Quirks select behavior that the documentation of the service does not specify. They can be combined.
type Quirks struct {
	// FillDefaults returns defaults for members that were never set.
	FillDefaults bool `quirk:"fill-defaults"`
	// EmptyStrings returns "" and empty objects for members that were never set, instead of omitting them.
	EmptyStrings bool `quirk:"empty-strings"`
	// NormaliseRepoType returns repository types in one spelling.
	NormaliseRepoType bool `quirk:"normalise-repo-type"`
	// OmitFalse omits members that are false.
	OmitFalse bool `quirk:"omit-false"`
	// CreatorString returns the creator of a job as a string instead of an object.
	CreatorString bool `quirk:"creator-string"`
	// AllowTakenNames accepts the name of another job.
	AllowTakenNames bool `quirk:"allow-taken-names"`
	// KeepOmitted keeps on update the members that the request omits.
	KeepOmitted bool `quirk:"keep-omitted"`
	// IgnoreRename accepts an update that changes the name, and keeps the name.
	IgnoreRename bool `quirk:"ignore-rename"`
	// IgnoreEnterpriseProject puts every job into the default enterprise project.
	IgnoreEnterpriseProject bool `quirk:"ignore-enterprise-project"`
	// PagesFromZero numbers the pages of the list of jobs from 0.
	PagesFromZero bool `quirk:"pages-from-zero"`
	// CappedPages returns at most 20 jobs on a page of the list.
	CappedPages bool `quirk:"capped-pages"`
	// RepeatedRows starts each page of the list with the last job of the page before.
	RepeatedRows bool `quirk:"repeated-rows"`
	// ExactNameFilter lists only jobs with exactly the requested name, instead of all whose names contain it.
	ExactNameFilter bool `quirk:"exact-name-filter"`
	// IgnoreNameFilter lists all jobs for every requested name.
	IgnoreNameFilter bool `quirk:"ignore-name-filter"`
	// StringNumbers returns the index of a build and the ID of a phase as strings instead of numbers.
	StringNumbers bool `quirk:"string-numbers"`
	// RefuseLateCancel rejects canceling a build that has ended.
	RefuseLateCancel bool `quirk:"refuse-late-cancel"`
}

// QuirkNames returns the names for [ParseQuirks].
func QuirkNames() []string {
	var names []string
	for field := range reflect.TypeFor[Quirks]().Fields() {
		names = append(names, field.Tag.Get("quirk"))
	}
	return names
}

// ParseQuirks parses a comma-separated list of names. An unknown name is an error.
func ParseQuirks(list string) (Quirks, error) {
	var quirks Quirks
	names := QuirkNames()
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		i := slices.Index(names, name)
		if i < 0 {
			return Quirks{}, fmt.Errorf("unknown quirk %q; known are %s", name, strings.Join(names, ", "))
		}
		reflect.ValueOf(&quirks).Elem().Field(i).SetBool(true)
	}
	return quirks, nil
}
