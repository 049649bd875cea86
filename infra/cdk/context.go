package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// contextFlag collects -c name=value.
type contextFlag map[string]any

func (c contextFlag) String() string { return "" }

func (c contextFlag) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("context is given as name=value")
	}
	c[name] = value
	return nil
}

//go:embed cdk.json
var cdkJSON []byte

// fileContext is the context of cdk.json, which only the CDK command line reads by itself.
func fileContext() map[string]any {
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(cdkJSON, &file); err != nil {
		panic(fmt.Sprintf("infra/cdk/cdk.json: %v", err)) // a test reads it, too
	}
	return file.Context
}

// contextOf is what an app is given, over what the chosen environment says. The library's own names are left out: all of
// theirs contain a colon or a slash.
func contextOf(app awscdk.App) map[string]string {
	all, _ := app.Node().GetAllContext(nil).(map[string]any)
	given := texts(all)
	delete(given, "environments")
	context := texts(object(object(all["environments"])[given["env"]]))
	maps.Copy(context, given)
	return context
}

// object is a JSON object. The library hands over one that stands inside another in a wrapping.
func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	if wrapped, ok := o["$jsii.map"].(map[string]any); ok {
		return wrapped
	}
	return o
}

// texts are the values as the command line would give them.
func texts(values map[string]any) map[string]string {
	all := map[string]string{}
	for name, value := range values {
		if !strings.ContainsAny(name, ":/") {
			all[name] = fmt.Sprint(value)
		}
	}
	return all
}
