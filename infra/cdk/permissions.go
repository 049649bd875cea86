package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// grants takes what a role or a policy allows.
type grants func(awsiam.PolicyStatement)

func grantsOf(role awsiam.Role) grants {
	return func(statement awsiam.PolicyStatement) { role.AddToPolicy(statement) }
}

// may allows the actions, separated by spaces, on the resources. There is no other way in this stack to get a permission,
// so what is not said here is not allowed.
func (g grants) may(what, actions string, resources ...*string) {
	g.mayWhere(nil, what, actions, resources...)
}

// mayWhere allows them where a condition holds.
func (g grants) mayWhere(condition map[string]any, what, actions string, resources ...*string) {
	props := &awsiam.PolicyStatementProps{
		Sid:       jsii.String(what),
		Actions:   jsii.Strings(strings.Fields(actions)...),
		Resources: &resources,
	}
	if condition != nil {
		props.Conditions = &condition
	}
	g(awsiam.NewPolicyStatement(props))
}
