// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"encoding/hex"
	"regexp"
	"strings"
	"unicode"
)

// placeholder replaces a secret in a URL.
const placeholder = "xxxxx"

var (
	// urlStart matches what precedes the authority, such as git::https://. It ends with a slash, except before
	// git@host:path.
	urlStart = regexp.MustCompile(`(?i)^(?:(?:git|hg|svn)::)*(?:(?:[a-z][a-z0-9+.\-]*:+)+[/\\]+|[/\\]+)?`)
	// innerURLStart matches what precedes the authority of a URL within a URL, as in https://proxy/https://host.
	innerURLStart = regexp.MustCompile(`:[/\\]{2,}`)
	// webURLStart is urlStart for http and https only.
	webURLStart = regexp.MustCompile(`(?i)^(?:[a-z][a-z0-9+.\-]*:+)*https?:+[/\\]+`)
	hostAndPort = regexp.MustCompile(`^(?:\[[^\]]*\]|[^:]*)(?::[0-9]*)?$`)
	// secretUser matches a user part that contains a password or is an access token of GitHub, GitLab or Bitbucket.
	secretUser = regexp.MustCompile(
		`:|(?i:%3A|(?:^|@|%40)(?:gh[opsu]_|github_pat_|glpat-|x-token-auth))|^` + placeholder + `$`)
	parameter = regexp.MustCompile(`[?&;#][^=?&;#]*=[^&#]*`)
	// secretParameter matches a query parameter whose name makes its value a secret. All but the value is a group.
	secretParameter = regexp.MustCompile(`(?i)([?&;#][^=?&;#]*(?:token|password|secret)[^=?&;#]*=)[^&#]*`)
	// Escapes of escapes, such as %2540, count as the innermost.
	escapedByte = regexp.MustCompile(`%(?:25)*[0-9A-Fa-f]{2}`)
	escapedAt   = regexp.MustCompile(`%(?:25)*40`)
)

// RepositoryURL returns a repository's URL as it may be stored in state: its secrets are replaced with xxxxx.
func RepositoryURL(address string) string {
	clean, _ := withoutSecret(address)
	return clean
}

// withoutSecret returns the URL with each secret replaced by the placeholder, and whether it had one. A secret is a
// user part that contains a password or is a token, or the value of a query parameter that is named like one; the
// placeholder counts as a secret. Where parsers differ, it is enough that one reading of the URL has a secret.
// Escapes and white space are kept, unless they hide a secret.
func withoutSecret(address string) (clean string, has bool) {
	for _, redact := range []func(string) (string, bool){redactUserInfo, redactParameters} {
		for _, text := range []string{address, decoded(address)} {
			redacted, found := redact(text)
			if redacted != text {
				clean, _ = withoutSecret(redacted) // The rest may have another secret.
				return clean, true
			}
			has = has || found
		}
	}
	return address, has
}

func redactParameters(text string) (clean string, has bool) {
	return secretParameter.ReplaceAllString(text, "${1}"+placeholder), secretParameter.MatchString(text)
}

// redactUserInfo replaces the first user part that is a secret. It ends at the last @ of the URL: a password that is
// not escaped may contain any character. Its time grows no faster than the URL.
func redactUserInfo(text string) (clean string, has bool) {
	all, _ := cutUserInfo(text)
	starts := append([][]int{urlStart.FindStringIndex(text)}, innerURLStart.FindAllStringIndex(text, -1)...)
	for i, match := range starts {
		start, next := match[1], len(text)
		if i > 0 && i+1 < len(starts) {
			next = starts[i+1][0]
		}
		isURL := start > 0 && text[start-1] != ':'
		if !isSecretAuthority(beforePath(text[start:next]), isURL, len(all)-start) {
			continue
		}
		userInfo, _ := cutUserInfo(text[start:])
		end := start + len(userInfo)
		rest := text[end:]
		for _, match := range parameter.FindAllStringIndex(text, -1) {
			if match[0] < end && end < match[1] { // The @ may be within the secret of a parameter.
				rest = "@" + placeholder + text[match[1]:]
			}
		}
		return text[:start] + placeholder + rest, true
	}
	return text, false
}

// isSecretAuthority reports whether an authority has a user part that is a secret. isURL is false for what may be of
// the form user@host:path. lastAt is where the last @ is, counted from the beginning of the authority.
func isSecretAuthority(authority string, isURL bool, lastAt int) bool {
	userInfo, host := cutUserInfo(authority)
	if isURL {
		// What is not a host and a port is the part of a password before its first slash.
		return secretUser.MatchString(userInfo) || lastAt > len(userInfo) && !hostAndPort.MatchString(host)
	}
	// The path may contain an @, as in git@host:path@1, but a host and its path may not precede another.
	user, _, several := strings.Cut(userInfo, "@")
	return secretUser.MatchString(user) || several && strings.Contains(userInfo, ":") && strings.Contains(host, ":")
}

// cutUserInfo cuts text around its last @, or around its last escaped @ if it has no other. Without one, all of it is
// the host.
func cutUserInfo(text string) (userInfo, host string) {
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		return text[:i], text[i+1:]
	}
	if all := escapedAt.FindAllStringIndex(text, -1); all != nil {
		last := all[len(all)-1]
		return text[:last[0]], text[last[1]:]
	}
	return "", text
}

// hasUserName reports whether an http or https URL has a user part that is not known to be a secret.
func hasUserName(address string) bool {
	plain := decoded(address)
	start := webURLStart.FindString(plain)
	userInfo, _ := cutUserInfo(beforePath(plain[len(start):]))
	return start != "" && userInfo != "" && !secretUser.MatchString(userInfo)
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
	_, host := cutUserInfo(beforePath(address[len(start):]))
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

// decoded returns text without invisible characters and without escapes, except those of separators: an escaped one
// separates nothing.
func decoded(text string) string {
	for range 3 { // Such as %25%340.
		text = escapedByte.ReplaceAllStringFunc(text, func(escape string) string {
			digits := escape[len(escape)-2:]
			b, _ := hex.DecodeString(digits) // The pattern matches hexadecimal digits only.
			if strings.ContainsAny(string(b), "/?#&;=@:") {
				return "%" + digits
			}
			return string(b)
		})
		text = strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) || !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, text)
	}
	return text
}

// beforePath returns the part of text before a path, a query or a fragment.
func beforePath(text string) string {
	if i := strings.IndexAny(text, "/?#"); i >= 0 {
		return text[:i]
	}
	return text
}
