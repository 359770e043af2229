// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// Links to pages and files of this repository lead to a file, and to one of its headings. Links to other hosts are not
// checked: the test sends no request.
func TestDocs_links(t *testing.T) {
	t.Parallel()
	const repository = "https://github.com/servicestage/terraform-provider-servicestage/"
	const registry = "https://registry.terraform.io/providers/servicestage/servicestage/latest/docs/"
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	inRepository := regexp.MustCompile(`^` + regexp.QuoteMeta(repository) + `(?:blob|tree)/main/`)
	root, pages := markdown(t)
	checked := 0
	for page, text := range pages {
		if strings.HasPrefix(page, "internal/templates/") {
			continue // The generated pages are checked, with links that fit their place.
		}
		for _, match := range link.FindAllStringSubmatch(withoutCode(text), -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			file := path.Join(path.Dir(page), target)
			switch {
			case target == "":
				file = page
			case inRepository.MatchString(target):
				file = inRepository.ReplaceAllString(target, "")
			case strings.HasPrefix(target, registry):
				file = "docs/" + strings.TrimPrefix(target, registry) + ".md"
			case strings.Contains(target, "://"):
				continue
			}
			checked++
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s: the link %s leads to no file", page, match[1])
			} else if anchor != "" && !anchors(pages[file])[anchor] {
				t.Errorf("%s: the link %s leads to no heading of %s", page, match[1], file)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d links were found", checked)
	}
}

// Sources of pages have at most 120 characters in a line, except for tables, code and links.
func TestDocs_lineLength(t *testing.T) {
	t.Parallel()
	_, pages := markdown(t)
	for page, text := range pages {
		if strings.HasPrefix(page, "docs/") {
			continue // Generated: descriptions are not wrapped.
		}
		for number, line := range strings.Split(withoutCode(text), "\n") {
			isLink := !strings.Contains(strings.TrimSpace(line), " ")
			if utf8.RuneCountInString(line) > 120 && !strings.HasPrefix(line, "|") && !isLink {
				t.Errorf("%s:%d has more than 120 characters", page, number+1)
			}
		}
	}
}

// The first examples of README and of the page of the provider plan.
func TestDocs_firstExamples(t *testing.T) {
	t.Parallel()
	for _, page := range []struct{ name, section string }{{"../README.md", "Use it"}, {"index.md", "Example Usage"}} {
		t.Run(page.name, func(t *testing.T) {
			t.Parallel()
			_, blocks := readSection(t, page.name, page.section)
			cli := providertest.NewCLI(t, emulator.New(t, emulator.Options{}))
			cli.Write(t, "main.tf", strings.Join(blocks, "\n"))
			if stdout := succeed(t, cli, "plan", "-no-color"); !strings.Contains(stdout, "Plan: 1 to add") {
				t.Error(stdout)
			}
		})
	}
}

// markdown returns the root of the repository, and the text of its pages and their templates by their path from there.
func markdown(t *testing.T) (root string, pages map[string]string) {
	t.Helper()
	root, err := providertest.Root()
	if err != nil {
		t.Fatal(err)
	}
	pages = map[string]string{}
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && name != "." && name != ".github":
			return fs.SkipDir
		case strings.HasSuffix(name, ".md"), strings.HasSuffix(name, ".md.tmpl"):
			content, err := os.ReadFile(filepath.Join(root, name))
			pages[name] = string(content)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return root, pages
}

// withoutCode empties the lines of code blocks.
func withoutCode(text string) string {
	return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllStringFunc(text, func(block string) string {
		return strings.Repeat("\n", strings.Count(block, "\n"))
	})
}

// anchors are those of a page's headings, as GitHub and the registry derive them, and those that its HTML declares.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(withoutCode(text), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		found[strings.ReplaceAll(name, " ", "-")] = true
	}
	for _, declared := range regexp.MustCompile(`<a id="([^"]+)">`).FindAllStringSubmatch(text, -1) {
		found[declared[1]] = true
	}
	return found
}
