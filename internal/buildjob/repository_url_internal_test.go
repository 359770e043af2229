// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// Secrets are replaced in each form, and the rest of the URL is kept.
func TestWithoutSecret_noSecretIsKept(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		// A password in the user part.
		"https://user:secret@github.com/acme/app":                 "https://xxxxx@github.com/acme/app",
		"https://:secret@github.com/acme/app":                     "https://xxxxx@github.com/acme/app",
		"https://user:secret@[::1]:8443/acme/app":                 "https://xxxxx@[::1]:8443/acme/app",
		"https://user:secret@github.com:8443/acme/app?ref=main#x": "https://xxxxx@github.com:8443/acme/app?ref=main#x",
		"https://acme\\user:secret@github.com/acme/app":           "https://xxxxx@github.com/acme/app",
		"https://user@acme.com:secret@github.com/acme/app":        "https://xxxxx@github.com/acme/app",
		"https://user:a@b@github.com/acme":                        "https://xxxxx@github.com/acme",
		"https://user:se%zzcret@github.com/acme":                  "https://xxxxx@github.com/acme",
		"ssh://git:secret@github.com:22/acme/app":                 "ssh://xxxxx@github.com:22/acme/app",
		"//user:secret@github.com/acme/app":                       "//xxxxx@github.com/acme/app",
		// Escaped, also twice.
		"https://user%3Asecret@github.com/acme/app":     "https://xxxxx@github.com/acme/app",
		"https://user%253Asecret@github.com/acme/app":   "https://xxxxx@github.com/acme/app",
		"https://user%25%33Asecret@github.com/acme/app": "https://xxxxx@github.com/acme/app",
		"https://user:secret%40github.com/acme/app":     "https://xxxxx%40github.com/acme/app",
		"https://user%3Asecret%2540github.com/acme/app": "https://xxxxx%2540github.com/acme/app",
		// After white space, and with it between the parts.
		" https://user:secret@github.com/acme/app\n":        " https://xxxxx@github.com/acme/app\n",
		"\x01\u200b\u00a0https://user:secret@github.com/a":  "\x01\u200b\u00a0https://xxxxx@github.com/a",
		"ht\ntps://user:secret@github.com/acme/app":         "ht\ntps://xxxxx@github.com/acme/app",
		"ht\ntps:/user:secret@github.com/acme/app":          "ht\ntps:/xxxxx@github.com/acme/app",
		"https:\t//user:secret@github.com/acme/app":         "https:\t//xxxxx@github.com/acme/app",
		"https:/\n/ user\t:sec\nret@github.com/acme/app":    "https:/\n/ xxxxx@github.com/acme/app",
		"https://github.com/acme/app?private\ttoken=secret": "https://github.com/acme/app?private\ttoken=xxxxx",
		// Other beginnings.
		"https:/user:secret@github.com/acme/app":               "https:/xxxxx@github.com/acme/app",
		"https:///user:secret@github.com/acme/app":             "https:///xxxxx@github.com/acme/app",
		"git:https:/user:secret@github.com/acme/app":           "git:https:/xxxxx@github.com/acme/app",
		"https:user:secret@github.com/acme/app":                "xxxxx@github.com/acme/app",
		`https:\\user:secret@github.com/acme/app`:              `https:\\xxxxx@github.com/acme/app`,
		"git::https://user:secret@github.com/acme/app":         "git::https://xxxxx@github.com/acme/app",
		"git::user:secret@github.com:acme/app.git":             "git::xxxxx@github.com:acme/app.git",
		"https://proxy.example/https://user:secret@github.com": "https://proxy.example/https://xxxxx@github.com",
		// The short form.
		"user:secret@github.com:acme/app.git":          "xxxxx@github.com:acme/app.git",
		"user:se@cret@github.com:acme/app.git":         "xxxxx@github.com:acme/app.git",
		"user@acme.com:secret@github.com:acme/app.git": "xxxxx@github.com:acme/app.git",
		"a@b://user:secret%40github.com":               "a@b://xxxxx%40github.com",
		"user:secret@github.com/acme/app":              "xxxxx@github.com/acme/app",
		"ghp_secret@github.com:acme/app.git":           "xxxxx@github.com:acme/app.git",
		// A password that is not escaped.
		"https://user:se/cret@github.com/a/b":      "https://xxxxx@github.com/a/b",
		"https://user:se?cret@github.com/a/b":      "https://xxxxx@github.com/a/b",
		"https://user:se#cret@github.com/a/b":      "https://xxxxx@github.com/a/b",
		"https://user@acme.com:se/cret@github.com": "https://xxxxx@github.com",
		"https://user:12@se/cret@github.com/a/b":   "https://xxxxx@github.com/a/b",
		"https://user:se&token=cret@github.com/a":  "https://xxxxx@xxxxx",
		"https://user:secret@github.com/?token=a@": "https://xxxxx@",
		// A token as the user.
		"https://ghp_secret@github.com/acme/app":         "https://xxxxx@github.com/acme/app",
		"https://gho_secret@github.com/acme/app":         "https://xxxxx@github.com/acme/app",
		"https://ghu_secret@github.com/acme/app":         "https://xxxxx@github.com/acme/app",
		"https://ghs_secret@github.com/acme/app":         "https://xxxxx@github.com/acme/app",
		"https://github_pat_secret@github.com/acme/app":  "https://xxxxx@github.com/acme/app",
		"https://glpat-secret@gitlab.com/acme/app":       "https://xxxxx@gitlab.com/acme/app",
		"https://x-token-auth@bitbucket.org/acme/app":    "https://xxxxx@bitbucket.org/acme/app",
		"https://gh%70_secret@github.com/acme/app":       "https://xxxxx@github.com/acme/app",
		"https://ghp_secret@github.com/a?ref=x&token=se": "https://xxxxx@github.com/a?ref=x&token=xxxxx",
		// A query parameter.
		"https://github.com/acme/app?private_token=secret":   "https://github.com/acme/app?private_token=xxxxx",
		"https://github.com/a?ref=a&Access_Token=secret&b=c": "https://github.com/a?ref=a&Access_Token=xxxxx&b=c",
		"https://github.com/acme/app?%74oken=secret":         "https://github.com/acme/app?%74oken=xxxxx",
		"https://github.com/acme/app?a=b;token=secret":       "https://github.com/acme/app?a=b;token=xxxxx",
		"https://github.com/acme/app#access_token=secret":    "https://github.com/acme/app#access_token=xxxxx",
		"https://github.com/acme/app#/?token=secret":         "https://github.com/acme/app#/?token=xxxxx",
		"https://github.com/acme/app?next=/?token=se?cret;x": "https://github.com/acme/app?next=/?token=xxxxx",
		"https://github.com/acme/app?token=sec@ret":          "https://github.com/acme/app?token=xxxxx",
		"git@github.com:acme/app.git?token=secret":           "git@github.com:acme/app.git?token=xxxxx",
	} {
		got, has := withoutSecret(address)
		if got != want || !has {
			t.Errorf("%q: got %q (%t), want %q", address, got, has, want)
		}
		if again, still := withoutSecret(want); again != want || !still {
			t.Errorf("the placeholder in %q becomes %q (%t)", want, again, still)
		}
	}
}

// A URL without a secret stays as it is. Only an http or https URL with a user name is warned of.
func TestWithoutSecret_noFalseAlarm(t *testing.T) {
	t.Parallel()
	for address, userName := range map[string]bool{
		"":                                                      false,
		"https://github.com/acme/app":                           false,
		"https://github.com:8443/acme/app@1.0:x":                false,
		"https://github.com:/acme/app@1.0":                      false,
		"https://github.com/acme/app%401.0":                     false,
		"https://[2001:db8::1]/acme/app@1.0":                    false,
		"https://[fe80::1%25eth0]:8443/acme/app@1.0":            false,
		"https://github.com/acme/app?x=a:b@c":                   false,
		"https://github.com/acme/app?ref=a@b#c:d@e":             false,
		"https://github.com/acme/ghp_tools":                     false,
		"https://github.com/acme/token=x":                       false,
		"https://token.example.com/password/secret":             false,
		"https://github.com/acme/app?token":                     false,
		"https://proxy.example.com/https://github.com/acme/app": false,
		" https://github.com/acme/app\n":                        false,
		"\n https://github.com/acme/app":                        false,
		"https://@github.com/acme/app":                          false,
		"github.com/acme/app":                                   false,
		"github.com:8443/acme/app@1.0":                          false,
		"github.com:acme/app@1.0":                               false,
		"git@github.com:acme/app.git":                           false,
		"git@github.com:app.git@1.0":                            false,
		"git@github.com:22/acme/app:a@b":                        false,
		"git@[::1]:acme/app.git":                                false,
		"git::git@github.com:acme/app.git":                      false,
		"git::ssh://git@github.com/acme/app.git":                false,
		"git::https://github.com/acme/app":                      false,
		"ssh://git@github.com:22/acme/app":                      false,
		"ssh://git@github.com:acme/app":                         false,
		"ssh://git@[::1]:22/acme/app":                           false,
		"file:///srv/app@1.0":                                   false,
		`C:\srv\app@1.0`:                                        false,
		"https://user@github.com/acme/app":                      true,
		"http://user@github.com:8080/acme/app":                  true,
		"\nHTTPS:/user@github.com/acme/app":                     true,
		"git::https://user@github.com/acme/app":                 true,
		"https://user%40acme.com@github.com/acme/app":           true,
		"https://highs_low@github.com/acme/app":                 true,
		"https://user@[::1]:8443/acme/app@1.0":                  true,
	} {
		if got, has := withoutSecret(address); got != address || has {
			t.Errorf("%q has no secret, and becomes %q (%t)", address, got, has)
		}
		if hasUserName(address) != userName {
			t.Errorf("%q: a user name is warned of: %t, want %t", address, !userName, userName)
		}
	}
}

func TestURLProblem(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://github.com/acme/app":           "",
		"git::https://github.com:8443/acme/app": "",
		"ssh://git@[::1]:22/acme/app":           "",
		"git@github.com:acme/app.git":           "",
		"git@[::1]:acme/app.git":                "",
		"https://github.com":                    "",
		"https://github.com/acme/app\n":         "contains white space",
		"https://github.com/my app":             "contains white space",
		"https://":                              "has no host",
		"https://user@/acme/app":                "has no host",
		"https://:443/acme/app":                 "has no host",
		"https:/github.com/acme/app":            "is neither a URL with a scheme nor of the form user@host:path",
		"github.com:acme/app":                   "is neither a URL with a scheme nor of the form user@host:path",
		"git@github.com/acme/app":               "is neither a URL with a scheme nor of the form user@host:path",
		"git@:acme/app":                         "is neither a URL with a scheme nor of the form user@host:path",
	} {
		if got := urlProblem(address); got != want {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	}
}

// The rules are those of git check-ref-format. Names that Git refuses in some commands only are valid.
func TestNeverInBranch(t *testing.T) {
	t.Parallel()
	for _, valid := range []string{
		"main", "feature/ä", "release-1.x", "a.b/c.d", "@", "a@b", "-x", "HEAD", "refs/heads/main", "{}", "#1",
		"a.lockx",
	} {
		if got := neverInBranch.FindString(valid); got != "" {
			t.Errorf("%q is invalid because of %q", valid, got)
		}
	}
	for _, invalid := range []string{
		"a b", "a\tb", "a\x7f", "a~1", "a^", "a:b", "a?", "a*", "a[b", `a\b`, "a..b", "a@{1}", "a//b", "/a", "a/", ".a",
		"a/.b", "a.", "a.lock", "a.lock/b", "",
	} {
		if !neverInBranch.MatchString(invalid) {
			t.Errorf("%q is valid", invalid)
		}
	}
}

// A long URL is redacted quickly.
func TestWithoutSecret_longURLIsNoHang(t *testing.T) {
	t.Parallel()
	const size = 1 << 15
	for _, part := range []string{
		"://", `:\\\\`, ";token=", "?", "@", "%40", "%25", "%", ":", "git::", "a@", "://u@", " ",
	} {
		begin := time.Now()
		clean, has := withoutSecret("https://" + strings.Repeat(part, size/len(part)) + "/?token=secret")
		if !has || strings.Contains(clean, "secret") {
			t.Errorf("a URL of many %q has a secret: %t", part, has)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("a URL of many %q took %s", part, took)
		}
	}
}

// A redacted URL contains no secret other than the placeholder.
func FuzzWithoutSecret(f *testing.F) {
	for _, seed := range []string{
		"https://u:p@h/?token=a@b&x", "a@b:c@d:e", "https://h/?token=x://u:p@h", "https://u:p?token=a%40b",
		"https://git;token=c@h/x",
		"x://a://b:c@d;token=@", "git::a%3Ab%40c", "u:p@h&password=@&secret=", "https:\u200b/\\\tu%253Ap@h",
		"https://xxxxx@a@b", "\xff%ff:@",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		clean, has := withoutSecret(address)
		if !has && clean != address {
			t.Errorf("%q has no secret, and becomes %q", address, clean)
		}
		if again, still := withoutSecret(clean); again != clean || still != has {
			t.Errorf("%q becomes %q (%t), and that %q (%t)", address, clean, has, again, still)
		}
	})
}

// Any password is replaced, and any path is kept.
func FuzzWithoutSecret_parts(f *testing.F) {
	f.Add(byte(0), "user", "p/a:s@s?w#o", "acme/app@1")
	f.Add(byte(1), "user%40acme.com", "%zz\n", "acme/app:x")
	f.Add(byte(2), "", "a?token=b@c", "%40")
	f.Add(byte(2), "@", "a#", "")
	f.Fuzz(func(t *testing.T, form byte, user, password, path string) {
		schemes := []string{"https://", "http:/", "git::https://", "ssh://", "\n HTTPS:\\\\", "//"}
		scheme := schemes[int(form)%len(schemes)]
		if !utf8.ValidString(path) || strings.ContainsAny(path, "?#&;:") {
			t.Skip("The path has parameters or another URL.")
		}
		for _, plain := range []string{
			scheme + "host/" + path, scheme + "host:8443/" + path, scheme + "[::1]/" + path, "git@host:team/" + path,
		} {
			if clean, has := withoutSecret(plain); has || clean != plain {
				t.Errorf("%q has no secret, and becomes %q", plain, clean)
			}
		}
		rest := "@host/team/app"
		address := scheme + user + ":" + password + rest
		first := before(password, "/?#")
		if strings.ContainsAny(user, "/?#\\") ||
			hostAndPort.MatchString(user+":"+first) && !strings.Contains(first, "@") {
			t.Skip("It is the user or a port that ends here.")
		}
		clean, has := withoutSecret(address)
		if !has ||
			len(password) > 3 && !strings.Contains(placeholder+rest, password) && strings.Contains(clean, password) {
			t.Errorf("%q becomes %q (%t)", address, clean, has)
		}
	})
}
