package main

import (
	"maps"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// function is a Lambda function that may do nothing but write its log, until it is told what else it may.
type function struct {
	awslambda.Function
	role awsiam.Role
}

// function makes one of a Go program, with a log of its own and a role of its own.
func (s *denybatch) function(name string, props *awslambda.FunctionProps) function {
	log := s.log(name)
	role := awsiam.NewRole(s.stack, jsii.String(name+"-role"), &awsiam.RoleProps{
		Description: jsii.String("What " + name + " may do"),
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
	})
	props.Code = awslambda.Code_FromAsset(jsii.String(s.set.code[name]), nil)
	props.Role = role
	props.LogGroup = log
	props.LoggingFormat = awslambda.LoggingFormat_JSON
	props.Runtime = awslambda.Runtime_PROVIDED_AL2023()
	props.Handler = jsii.String("bootstrap")
	props.Architecture = awslambda.Architecture_ARM_64()
	if s.set.arch == "x86_64" {
		props.Architecture = awslambda.Architecture_X86_64()
	}
	fn := function{role: role}
	fn.may("WriteLog", "logs:CreateLogStream logs:PutLogEvents", log.LogGroupArn())
	fn.Function = awslambda.NewFunction(s.stack, jsii.String(name), props)
	accept(role.Node().FindChild(jsii.String("DefaultPolicy")), "AwsSolutions-IAM5",
		"A prefix of keys in one of our own buckets, where new objects appear all the time.",
		&cdknag.RegexAppliesTo{Regex: jsii.String(`/^Resource::<(Exchange|State)\w+\.Arn>(\/[a-z]+)+\/\*$/`)})
	return fn
}

// log is where a part of the stack writes what it does.
func (s *denybatch) log(name string) awslogs.LogGroup {
	return awslogs.NewLogGroup(s.stack, jsii.String(name+"-log"), &awslogs.LogGroupProps{
		Retention:     awslogs.RetentionDays_THREE_MONTHS,
		RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
	})
}

// may allows the actions, separated by spaces, on the resources. There is no other way in this stack for a function to get a
// permission, so what is not said here it may not do.
func (f function) may(what, actions string, resources ...*string) {
	f.role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String(what),
		Actions:   jsii.Strings(strings.Fields(actions)...),
		Resources: &resources,
	}))
}

// within is every object of a bucket whose key begins with prefix.
func within(b awss3.Bucket, prefix string) *string {
	return b.ArnForObjects(jsii.String(prefix + "*"))
}

// variables are a function's environment.
type variables map[string]*string

func environment(parts ...variables) *map[string]*string {
	all := map[string]*string{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return &all
}

// plain are variables whose values the settings know.
func plain(values map[string]string) variables {
	all := variables{}
	for name, value := range values {
		all[name] = jsii.String(value)
	}
	return all
}

// ask makes a parameter of the template of a variable that has no value. Where things are upstream has no default: what the
// settings leave open is asked for when the stack is deployed.
func (s *denybatch) ask(env variables, name, parameter, description string) {
	if env[name] != nil {
		return
	}
	env[name] = awscdk.NewCfnParameter(s.stack, jsii.String(parameter), &awscdk.CfnParameterProps{
		Description: jsii.String(description),
		MinLength:   jsii.Number(1),
	}).ValueAsString()
}

// address names a bucket as the functions do.
func (s *denybatch) address(b awss3.Bucket) *string {
	return join(jsii.String("s3://"), b.BucketName())
}

// join is one text of several, some of which are only known once the stack is deployed.
func join(parts ...*string) *string { return awscdk.Fn_Join(jsii.String(""), &parts) }

// arn is that of a resource of this account and region.
func (s *denybatch) arn(service, resource string) *string {
	return s.stack.FormatArn(&awscdk.ArnComponents{
		Service:   jsii.String(service),
		Resource:  jsii.String(resource),
		ArnFormat: awscdk.ArnFormat_NO_RESOURCE_NAME,
	})
}
