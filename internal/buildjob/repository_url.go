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
	// urlStart matches what precedes the authority, such as git::https://, with all of it (if it ends with slashes)
	// and the scheme as groups. Before git@host:path it matches nothing.
	urlStart = regexp.MustCompile(strings.ReplaceAll(`(?i)^[~]*(?:(?:git|hg|svn)::[~]*)*`+
		`((?:([a-z][a-z0-9+.\-~]*):+[~]*)+[/\\][/\\~]*|[/\\][/\\~]+)?`, "~", invisible))
	// innerURLStart matches what precedes the authority of a URL within a URL, as in https://proxy/https://host.
	innerURLStart = regexp.MustCompile(strings.ReplaceAll(`:[~]*[/\\][~]*[/\\][/\\~]*`, "~", invisible))
	hostAndPort   = regexp.MustCompile(`^(?:\[[^\]]*\]|[^:]*)(?::[0-9]*)?$`)
	// Escapes of escapes, such as %2540, count as the innermost.
	escapedByte   = regexp.MustCompile(`%(?:25)*[0-9A-Fa-f]{2}`)
	escapedAt     = regexp.MustCompile(`%(?:25)*40`)
	parameterName = regexp.MustCompile(`[?&;#][^=?&;#]*=`)
)

// RepositoryURL returns a repository's URL as it may be stored in state: its secrets are replaced with xxxxx.
func RepositoryURL(address string) string {
	clean, _ := withoutSecret(address)
	return clean
}

// withoutSecret returns the URL with each secret replaced by the placeholder, and whether it had one. A secret is a
// user part that contains a password or is a token, or the value of a query parameter that is named like one; the
// placeholder counts as a secret. Where parsers differ, it is enough that one reading of the URL has a secret.
func withoutSecret(address string) (string, bool) {
	secret := make([]bool, len(address))
	mark := func(start, end int, is bool) {
		for i := start; i < end; i++ {
			secret[i] = is
		}
	}
	marked := 0
	for _, match := range parameterName.FindAllStringIndex(address, -1) {
		name, value := decoded(address[match[0]+1:match[1]-1]), match[1]
		isSecret := func(word string) bool { return strings.Contains(name, word) }
		if value >= marked && slices.ContainsFunc(secretWords, isSecret) {
			marked = value + len(before(address[value:], "&#"))
			mark(value, marked, true)
		}
	}
	if start, found := secretAuthority(address); found {
		// The user part ends at the last @ of the URL: a password that is not escaped may contain any character.
		userInfo, host := cutUserInfo(address[start:])
		end := start + len(userInfo)
		if !secret[start] {
			mark(end, len(address)-len(host), false) // The @ separates it from the placeholder of a parameter.
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

// secretAuthority returns where the first authority that has a secret begins. Its time grows no faster than the URL.
func secretAuthority(address string) (start int, found bool) {
	all, _ := cutUserInfo(address)
	first := urlStart.FindStringSubmatchIndex(address)
	if isSecretAuthority(before(address[first[1]:], "/?#"), first[2] >= 0, len(all)-first[1]) {
		return first[1], true
	}
	inner := innerURLStart.FindAllStringIndex(address, -1)
	for i, match := range inner {
		start, next := match[1], len(address)
		if i+1 < len(inner) {
			next = inner[i+1][0]
		}
		if isSecretAuthority(before(address[start:next], "/?#"), true, len(all)-start) {
			return start, true
		}
	}
	return 0, false
}

// isSecretAuthority reports whether an authority has a user part that is a secret. isURL is false for what may be of
// the form user@host:path. lastAt is where the last @ is, counted from the beginning of the authority.
func isSecretAuthority(authority string, isURL bool, lastAt int) bool {
	userInfo, host := cutUserInfo(authority)
	if isURL {
		// What is not a host and a port is the part of a password before its first slash.
		return isSecretUserInfo(userInfo) || lastAt > len(userInfo) && !hostAndPort.MatchString(host)
	}
	// The path may contain an @, as in git@host:path@1, but a host and its path may not precede another.
	user, _, several := strings.Cut(userInfo, "@")
	return isSecretUserInfo(user) || several && strings.Contains(userInfo, ":") && strings.Contains(host, ":")
}

// cutUserInfo cuts text around its last @, or around its last escaped @ if it has no other. Without one, all of it is
// the host.
func cutUserInfo(text string) (userInfo, host string) {
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		return text[:i], text[i+1:]
	}
	if all := escapedAt.FindAllStringIndex(text, -1); len(all) > 0 {
		last := all[len(all)-1]
		return text[:last[0]], text[last[1]:]
	}
	return "", text
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
	userInfo, _ := cutUserInfo(before(address[match[1]:], "/?#"))
	return (scheme == "http" || scheme == "https") && userInfo != "" && !isSecretUserInfo(userInfo)
}

var (
	// fullURL matches what precedes the authority of a URL with a scheme.
	fullURL = regexp.MustCompile(`^(?:git::)?[A-Za-z][A-Za-z0-9+.\-]*://`)
	// shortForm matches user@host:path.
	shortForm = regexp.MustCompile(`^[^/@]+@(?:\[[^\]/]+\]|[^/:@]+):.`)
)

// urlProblem returns why a URL cannot be that of a repository, or an empty string. It does not repeat the URL.
func urlProblem(address string) string {
	start := fullURL.FindString(address)
	_, host := cutUserInfo(before(address[len(start):], "/?#"))
	switch {
	case strings.ContainsFunc(address, unicode.IsSpace):
		return "contains white space"
	case start != "" && (host == "" || host[0] == ':'):
		return "has no host"
	case start == "" && !shortForm.MatchString(address):
		return "is neither a URL with a scheme nor of the form user@host:path"
	}
	return ""
}

// decoded returns text in lower case, without escapes and invisible characters.
func decoded(text string) string {
	for range 3 { // Such as %25%340.
		text = escapedByte.ReplaceAllStringFunc(text, func(escape string) string {
			b, _ := hex.DecodeString(escape[len(escape)-2:]) // The pattern matches hexadecimal digits only.
			return string(b)
		})
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}

// before returns the part of text before the first of the characters.
func before(text, characters string) string {
	if i := strings.IndexAny(text, characters); i >= 0 {
		return text[:i]
	}
	return text
}
