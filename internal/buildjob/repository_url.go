// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// placeholder replaces a secret in a URL.
const placeholder = "xxxxx"

var (
	// tokenPrefixes are the first characters of a user part that is an access token of GitHub, GitLab or Bitbucket.
	tokenPrefixes = []string{"ghp_", "gho_", "ghu_", "ghs_", "github_pat_", "glpat-", "x-token-auth"}
	// secretWords are the parts of a query parameter's name that make its value a secret.
	secretWords = []string{"token", "password", "secret"}
)

// invisible is a character class without its brackets: some parsers drop these characters, wherever they are.
const invisible = `\s\pC\pZ`

var (
	// urlStart matches what precedes the authority, such as git::https://, with all of it (if it ends with slashes) and the scheme
	// as groups. Before git@host:path it matches nothing.
	urlStart = regexp.MustCompile(strings.ReplaceAll(
		`(?i)^[~]*(?:(?:git|hg|svn)::[~]*)*((?:([a-z][a-z0-9+.\-~]*):+[~]*)+[/\\][/\\~]*|[/\\][/\\~]+)?`, "~", invisible))
	// innerURLStart matches what precedes the authority of a URL within a URL, as in https://proxy/https://host.
	innerURLStart = regexp.MustCompile(strings.ReplaceAll(`:[~]*[/\\][~]*[/\\][/\\~]*`, "~", invisible))
	hostAndPort   = regexp.MustCompile(`^(?:\[[^\]]*\]|[^:]*)(?::[0-9]*)?$`)
	escapedByte   = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	escapedAt     = regexp.MustCompile(`%(?:25)*40`)
	parameterName = regexp.MustCompile(`[?&;#][^=?&;#]*=`)
)

// RepositoryURL returns a repository's URL as it may be stored in state: its secrets are replaced with xxxxx.
func RepositoryURL(address string) string {
	clean, _ := withoutPassword(address)
	return clean
}

// withoutPassword returns the URL with each secret replaced by the placeholder, and whether it had one. A secret is a user part
// that contains a password or is a token, or the value of a query parameter that is named like one; the placeholder counts as a
// secret. Where parsers differ, it is enough that one reading of the URL has a secret.
func withoutPassword(address string) (string, bool) {
	secret := make([]bool, len(address))
	mark := func(start, end int, is bool) {
		for i := start; i < end; i++ {
			secret[i] = is
		}
	}
	for _, match := range parameterName.FindAllStringIndex(address, -1) {
		name, value := decoded(address[match[0]+1:match[1]-1]), match[1]
		if slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) }) {
			mark(value, value+len(before(address[value:], "&#")), true)
		}
	}
	if start, end, at := secretUserInfo(address); start < end {
		if !secret[start] {
			mark(end, end+at, false) // It separates the placeholder of the user part from one of a parameter.
		}
		mark(start, end, true)
	}
	var clean strings.Builder
	for i := range len(address) {
		switch {
		case !secret[i]:
			clean.WriteByte(address[i])
		case i == 0 || !secret[i-1]:
			clean.WriteString(placeholder)
		}
	}
	return clean.String(), slices.Contains(secret, true)
}

// secretUserInfo returns where the first user part that is a secret begins and ends, and the length of the @ after it; zeros if
// there is none. It ends at the last @ of the URL, because a password that is not escaped may contain any character.
func secretUserInfo(address string) (start, end, at int) {
	first := urlStart.FindStringSubmatchIndex(address)
	starts := []int{first[1]}
	for _, match := range innerURLStart.FindAllStringIndex(address, -1) {
		starts = append(starts, match[1])
	}
	for i, start := range starts {
		rest := address[start:]
		userInfo, host, found := cutUserInfo(before(rest, "/?#"))
		all, last, _ := cutUserInfo(rest)
		if isURL := i > 0 || first[2] >= 0; isURL {
			// What is not a host and a port is the part of a password before its first slash.
			found = isSecretUserInfo(userInfo) || len(all) > len(userInfo) && !hostAndPort.MatchString(host)
		} else if found {
			// The path may contain an @, as in git@host:path@1, but a host and its path may not precede another.
			user, _, several := strings.Cut(userInfo, "@")
			found = isSecretUserInfo(user) || several && strings.Contains(userInfo, ":") && strings.Contains(host, ":")
		}
		if found {
			return start, start + len(all), len(rest) - len(all) - len(last)
		}
	}
	return 0, 0, 0
}

// cutUserInfo cuts text around its last @, or around its last escaped @ if it has no other. Without one, all of it is the host.
func cutUserInfo(text string) (userInfo, host string, found bool) {
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		return text[:i], text[i+1:], true
	}
	if all := escapedAt.FindAllStringIndex(text, -1); len(all) > 0 {
		last := all[len(all)-1]
		return text[:last[0]], text[last[1]:], true
	}
	return "", text, false
}

func isSecretUserInfo(userInfo string) bool {
	plain := decoded(userInfo)
	return userInfo == placeholder || strings.Contains(plain, ":") ||
		slices.ContainsFunc(tokenPrefixes, func(prefix string) bool {
			return strings.HasPrefix(plain, prefix) || strings.Contains(plain, "@"+prefix)
		})
}

// hasUserName reports whether an http or https URL has a user part that is not known to be a secret.
func hasUserName(address string) bool {
	match := urlStart.FindStringSubmatchIndex(address)
	if match[4] < 0 {
		return false
	}
	scheme := decoded(address[match[4]:match[5]])
	userInfo, _, _ := cutUserInfo(before(address[match[1]:], "/?#"))
	return (scheme == "http" || scheme == "https") && userInfo != "" && !isSecretUserInfo(userInfo)
}

// decoded returns text in lower case, without escapes, escapes of escapes and invisible characters.
func decoded(text string) string {
	for {
		next := escapedByte.ReplaceAllStringFunc(text, func(escape string) string {
			b, err := hex.DecodeString(escape[1:])
			if err != nil {
				return "" // The pattern matches hexadecimal digits only.
			}
			return string(b)
		})
		next = strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) || !unicode.IsPrint(r) {
				return -1
			}
			return unicode.ToLower(r)
		}, next)
		if next == text {
			return text
		}
		text = next
	}
}

// before returns the part of text before the first of the characters.
func before(text, characters string) string {
	if i := strings.IndexAny(text, characters); i >= 0 {
		return text[:i]
	}
	return text
}
