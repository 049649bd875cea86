package main

import (
	"maps"

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
	grants
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
	fn := function{grants: grantsOf(role)}
	fn.may("WriteLog", "logs:CreateLogStream logs:PutLogEvents", log.LogGroupArn())
	fn.may("Trace", "xray:PutTraceSegments xray:PutTelemetryRecords", jsii.String("*"))
	fn.Function = awslambda.NewFunction(s.stack, jsii.String(name), props)
	trace(fn.Function)
	policy := role.Node().FindChild(jsii.String("DefaultPolicy"))
	accept(policy, "AwsSolutions-IAM5", "A prefix of keys in one of our own buckets, where new objects appear all the time.",
		&cdknag.RegexAppliesTo{Regex: jsii.String(`/^Resource::<(Exchange|State)\w+\.Arn>(\/[a-z]+)+\/\*$/`)})
	accept(policy, "AwsSolutions-IAM5", "X-Ray knows no resources. A test sees to it that nothing else is allowed on everything.",
		jsii.String("Resource::*"))
	return fn
}

// trace has Lambda record how long each invocation took. The library would add permissions of its own to the role.
func trace(fn awslambda.Function) {
	fn.Node().DefaultChild().(awslambda.CfnFunction).SetTracingConfig(&awslambda.CfnFunction_TracingConfigProperty{Mode: jsii.String("Active")})
}

// log is where a part of the stack writes what it does.
func (s *denybatch) log(name string) awslogs.LogGroup {
	return awslogs.NewLogGroup(s.stack, jsii.String(name+"-log"), &awslogs.LogGroupProps{
		Retention:     retentions[s.set.logDays],
		RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
	})
}

// retentions are the times for which CloudWatch can keep a log, by days.
var retentions = map[int]awslogs.RetentionDays{
	7: awslogs.RetentionDays_ONE_WEEK, 14: awslogs.RetentionDays_TWO_WEEKS, 30: awslogs.RetentionDays_ONE_MONTH,
	60: awslogs.RetentionDays_TWO_MONTHS, 90: awslogs.RetentionDays_THREE_MONTHS, 180: awslogs.RetentionDays_SIX_MONTHS,
	365: awslogs.RetentionDays_ONE_YEAR, 731: awslogs.RetentionDays_TWO_YEARS, 1827: awslogs.RetentionDays_FIVE_YEARS,
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
