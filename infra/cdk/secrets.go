package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"
)

// invxSecret is the ARN of what proves to InvX who calls: a token, a password, or either of them for each organisation.
func (s *denybatch) invxSecret() *string {
	if s.set.secretARN != "" {
		return jsii.String(s.set.secretARN)
	}
	return s.secret("InvxSecret", map[string]string{
		"token":         "Token for Vayana InvX",
		"handle":        "Password of the handle at Vayana InvX",
		"organisations": `Tokens or logins at Vayana InvX: {"<organisation>": {"token": "…"}}, or with "handle" and "password"`,
	}[s.set.login])
}

// secret makes one without a value. A person puts that in, once, so that it never passes through a template.
func (s *denybatch) secret(name, description string) *string {
	secret := awssecretsmanager.NewCfnSecret(s.stack, jsii.String(name+"Value"), &awssecretsmanager.CfnSecretProps{
		Description: jsii.String(description),
	})
	secret.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	accept(secret, "AwsSolutions-SMG4", "Vayana issues this secret and offers no way to change it by program: "+
		"a person rotates it by putting in the new value, which the function reads when the old one is refused.")
	s.output(name, secret.AttrId(), description)
	return secret.AttrId()
}
