package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"runtime"
	"strings"

	"denybatch/internal/settings"
)

// stackContext is what differs from a stack in AWS: the processor is this machine's, and how to log in follows from the secrets
// that the caller has. Other settings of the functions stand in the caller's environment, where infra/cdk looks for them.
func stackContext(getenv func(string) string) map[string]string {
	set := map[string]string{"arch": "x86_64"}
	if runtime.GOARCH == "arm64" {
		set["arch"] = "arm64"
	}
	for name, variable := range map[string]string{
		"deny-bulk-timeout": "TIMEOUT", "max-receives": "MAX_RECEIVES", "sweep-every": "SWEEP_EVERY",
	} {
		if value := getenv(variable); value != "" {
			set[name] = value
		}
	}
	set["invx-login"], _ = invxLogin(getenv)
	set["roit-login"], _ = roitLogin(getenv)
	for _, name := range []string{"invx-url", "invx-org", "roit-url", "roit-token-url"} {
		if name == "roit-token-url" && set["roit-login"] != "fetched" {
			continue
		}
		if variable := variableOf(name); getenv(variable) == "" {
			set[name] = nowhere[name]
			say("%s is not set: the functions get %s, which leads nowhere", variable, nowhere[name])
		}
	}
	return set
}

// variableOf names a setting of infra/cdk as the functions do.
func variableOf(context string) string {
	return "DENYBATCH_" + strings.ToUpper(strings.ReplaceAll(context, "-", "_"))
}

// nowhere stands in for settings that only matter once a file is dropped.
var nowhere = map[string]string{
	"invx-url": "http://127.0.0.1:9", "invx-org": "nobody",
	"roit-url": "http://127.0.0.1:9", "roit-token-url": "http://127.0.0.1:9",
}

// invxLogin is the way to log in that the caller's environment holds a secret for, and the variable that holds it.
func invxLogin(getenv func(string) string) (way, secret string) {
	switch {
	case getenv("DENYBATCH_INVX_CREDENTIALS") != "":
		return "organisations", "DENYBATCH_INVX_CREDENTIALS"
	case getenv("DENYBATCH_INVX_HANDLE") != "":
		return "handle", "DENYBATCH_INVX_PASSWORD"
	}
	return "token", "DENYBATCH_INVX_TOKEN"
}

// roitLogin is the same for ROIT.
func roitLogin(getenv func(string) string) (way, secret string) {
	if cmp.Or(getenv("DENYBATCH_ROIT_TOKEN_URL"), getenv("DENYBATCH_ROIT_TOKEN_BODY")) != "" {
		return "fetched", "DENYBATCH_ROIT_TOKEN_BODY"
	}
	return "token", "DENYBATCH_ROIT_TOKEN"
}

// secretValues are the secrets of the stack, by the output that names the place for each; empty where the caller has none. A token
// for callbacks is made up then, as AWS would do: the emulator's own is full of characters that shells and headers take amiss.
func secretValues(getenv func(string) string) map[string]string {
	_, invx := invxLogin(getenv)
	_, roit := roitLogin(getenv)
	return map[string]string{
		"InvxSecret":     getenv(invx),
		"RoitSecret":     getenv(roit),
		"CallbackSecret": cmp.Or(getenv("DENYBATCH_CALLBACK_TOKEN"), rand.Text()+rand.Text()),
	}
}

// checkSettings says everything that the functions would find wrong with the caller's settings for ROIT: deployed, they could
// only say it in their logs.
func checkSettings(getenv func(string) string) error {
	here := func(name string) string {
		if isARN(name) {
			return ""
		}
		return getenv(name)
	}
	_, roit := settings.LoadROIT(here)
	_, sweep := settings.LoadSweep(here)
	_, callback := settings.LoadCallback(here)
	return errors.Join(roit, sweep, callback)
}

// isARN reports whether a variable names a secret in AWS. The emulator has none of them.
func isARN(name string) bool {
	return strings.HasPrefix(name, "DENYBATCH_") && strings.HasSuffix(name, "_ARN")
}

// stackEnvironment leaves out the ARNs of secrets in AWS.
func stackEnvironment(environ []string) []string {
	var kept []string
	for _, entry := range environ {
		if name, _, _ := strings.Cut(entry, "="); !isARN(name) {
			kept = append(kept, entry)
		}
	}
	return kept
}
