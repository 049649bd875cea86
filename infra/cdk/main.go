// Command cdk synthesises the stack that runs denybatch on AWS. It needs Go and Node, not the CDK command line:
//
//	go run ./infra/cdk -c invx-url=https://sandbox.services.vayananet.com -c invx-org=<organisation> -c roit-url=https://hom.roit.ai
//
// leaves a cloud assembly in build/cdk.out, which "cdk deploy --app build/cdk.out" deploys. See settings.go for what
// may be set. Under the CDK command line (cd infra/cdk && cdk deploy) it reads context and output folder from there.
package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"denybatch/infra/cdk/node"
)

func main() { os.Exit(exitStatus()) }

func exitStatus() int {
	defer node.CleanUp()
	out := flag.String("out", "", "folder of the cloud assembly (default build/cdk.out)")
	given := contextFlag{}
	flag.Var(given, "c", "context, as name=value; may be repeated")
	flag.Parse()
	if err := run(*out, given); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func run(out string, given contextFlag) error {
	root, err := moduleRoot()
	if err = errors.Join(err, node.Check()); err != nil {
		return err
	}
	app := newApp(assembly(root, out), given)
	set, err := loadSettings(contextOf(app), os.Getenv)
	if err != nil {
		return err
	}
	if err := buildWhatIsNotGiven(root, set); err != nil {
		return err
	}
	newDenybatch(app, set)
	app.Synth(nil)
	return nil
}

// buildWhatIsNotGiven compiles the functions whose code the settings do not name.
func buildWhatIsNotGiven(root string, set settings) error {
	for _, name := range functions {
		if set.code[name] != "" {
			continue
		}
		folder, err := build(root, name, set.arch)
		if err != nil {
			return err
		}
		set.code[name] = folder
	}
	return nil
}

// newApp has the context of cdk.json, what is given here, and, under the CDK command line, what is given there.
func newApp(out *string, given contextFlag) awscdk.App {
	all := fileContext()
	maps.Copy(all, given)
	return awscdk.NewApp(&awscdk.AppProps{
		Outdir:             out,
		Context:            &all,
		AnalyticsReporting: jsii.Bool(false),
	})
}
