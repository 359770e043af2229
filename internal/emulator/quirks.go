// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"fmt"
	"reflect"
	"strings"
)

// Quirks are ways in which the service may behave where its documents are silent. They can be combined.
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
	// AllowTakenNames accepts a name that another job has.
	AllowTakenNames bool `quirk:"allow-taken-names"`
	// KeepOmitted keeps on update what the request leaves out.
	KeepOmitted bool `quirk:"keep-omitted"`
	// IgnoreRename accepts an update that changes the name, and keeps the name.
	IgnoreRename bool `quirk:"ignore-rename"`
	// IgnoreEnterpriseProject takes no enterprise project over: every job is in the default one.
	IgnoreEnterpriseProject bool `quirk:"ignore-enterprise-project"`
	// PagesFromZero calls the first page of the list of jobs 0.
	PagesFromZero bool `quirk:"pages-from-zero"`
	// CappedPages returns at most 20 jobs on a page of the list, whatever per_page is.
	CappedPages bool `quirk:"capped-pages"`
	// RepeatedRows begins each page of the list with the last job of the page before.
	RepeatedRows bool `quirk:"repeated-rows"`
	// ExactNameFilter lists only jobs with exactly the requested name, instead of all whose names contain it.
	ExactNameFilter bool `quirk:"exact-name-filter"`
	// IgnoreNameFilter lists all jobs, whatever name is requested.
	IgnoreNameFilter bool `quirk:"ignore-name-filter"`
	// StringNumbers returns the index of a build and the ID of a phase as strings instead of numbers.
	StringNumbers bool `quirk:"string-numbers"`
	// RefuseLateCancel refuses to cancel a build that has ended.
	RefuseLateCancel bool `quirk:"refuse-late-cancel"`
}

// QuirkNames lists the names that [ParseQuirks] understands.
func QuirkNames() []string {
	t := reflect.TypeFor[Quirks]()
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("quirk")
	}
	return names
}

// ParseQuirks reads a comma-separated list of names; "" is none.
func ParseQuirks(list string) (Quirks, error) {
	var quirks Quirks
	fields := reflect.ValueOf(&quirks).Elem()
names:
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		for i, known := range QuirkNames() {
			if name == known {
				fields.Field(i).SetBool(true)
				continue names
			}
		}
		return Quirks{}, fmt.Errorf("unknown quirk %q; known are %s", name, strings.Join(QuirkNames(), ", "))
	}
	return quirks, nil
}
